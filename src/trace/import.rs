//! The import system: from a name to a module that has run.
//!
//! Source: The Python Language Reference, 5. The import system, and 7.11; CPython `Lib/importlib/_bootstrap.py`
//! (`_find_and_load`, `_handle_fromlist`).

use std::io::ErrorKind;
use std::rc::Rc;

use super::finder::{Found, FoundKind};
use super::state::{DEPTH, Module, Names, Raised, Run, Status, on_enough_stack};
use super::value::{Function, Source, Value};
use super::{library, natives};
use crate::base::TreePath;
use crate::python::{Alias, ItemKind};

impl Run<'_, '_> {
    /// `import a.b.c`: every package on the way, then the module; its name as it stands in `sys.modules`.
    pub(super) fn import(&mut self, name: &str) -> Result<Rc<str>, Raised> {
        for (at, _) in name.match_indices('.') {
            self.import_one(name.get(..at).unwrap_or_default())?;
        }
        self.import_one(name)
    }

    fn import_one(&mut self, name: &str) -> Result<Rc<str>, Raised> {
        if let Some((known, module)) = self.state.modules.get_key_value(name) {
            match module.status {
                Status::Running | Status::Loaded => return Ok(Rc::clone(known)),
                Status::Perhaps if self.is_perhaps() => return Ok(Rc::clone(known)),
                Status::Perhaps => {}
            }
        }
        let name: Rc<str> = Rc::from(name);
        if DEPTH < self.depth {
            // The bound is ours: whether the interpreter gets through is not known.
            let Raised(failure) = Raised::new("RecursionError", "imports are nested too deep to be followed");
            return Err(Raised(super::Failure { rests_on_values: true, ..failure }));
        }
        let saved = self.place.clone();
        self.depth += 1;
        let result = on_enough_stack(|| self.find_and_load(&name));
        self.depth -= 1;
        self.place = saved;
        match result {
            Ok(()) => {
                self.bind_in_parent(&name);
                Ok(name)
            }
            Err(Raised(mut failure)) => {
                self.state.modules.remove(&name);
                if failure.module.is_empty() {
                    failure.module = name;
                }
                failure.place = failure.place.or_else(|| self.place.clone());
                Err(Raised(failure))
            }
        }
    }

    fn bind_in_parent(&mut self, name: &Rc<str>) {
        let Some((parent, last)) = name.rsplit_once('.') else { return };
        let perhaps = self.is_perhaps();
        if let Some(parent) = self.state.modules.get_mut(parent)
            && (!perhaps || !parent.names.contains_key(last))
        {
            parent.names.insert(Rc::from(last), Value::Module(Rc::clone(name)));
        }
    }

    fn find_and_load(&mut self, name: &Rc<str>) -> Result<(), Raised> {
        let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
        if parent.is_empty() && self.process.is_built_in(name) {
            self.enter(name, None, None, true);
            return Ok(());
        }
        let found = match parent {
            "" => self.find_top(last),
            parent => {
                let search = self.state.modules.get(parent).and_then(|it| it.search.clone()).unwrap_or_default();
                self.state.finder.find(&search, last)
            }
        };
        match found {
            Some(found) => self.load(name, found),
            None => self.nothing_found(name, parent),
        }
    }

    fn find_top(&self, name: &str) -> Option<Found> {
        let interpreter = &self.state.interpreter;
        let found = self.state.finder.find(&interpreter.search, name);
        found.filter(|it| it.kind != FoundKind::Namespace).or_else(|| {
            let mapped = interpreter.mappings.iter().find(|(mapped, _)| mapped == name);
            let mapped = mapped.and_then(|(_, stem)| self.state.finder.find_at(stem));
            mapped.or_else(|| self.state.finder.find(&interpreter.search, name))
        })
    }

    fn nothing_found(&mut self, name: &Rc<str>, parent: &str) -> Result<(), Raised> {
        if self.process.is_provided(name) {
            return self.provided(name);
        }
        let parent_module = self.state.modules.get(parent);
        // A package that installs a finder of its own makes modules of which no file tells.
        let makes =
            |it: &Module| it.source.as_ref().is_some_and(|it| it.makes_modules) || it.source.is_none() && it.is_open;
        if parent_module.is_some_and(makes) {
            self.enter(name, None, None, true);
            return Ok(());
        }
        if let Some((directory, error)) = self.closed_directory(parent) {
            self.state.gap(&directory, format!("{error}: whether it holds {name}"));
            self.enter(name, None, None, true);
            return Ok(());
        }
        let reason = match parent_module {
            Some(it) if it.search.is_none() => format!("No module named '{name}'; '{parent}' is not a package"),
            Some(_) | None => format!("No module named '{name}'"),
        };
        let Raised(mut failure) = Raised::new("ModuleNotFoundError", reason);
        failure.nothing_found = true;
        Err(Raised(failure))
    }

    /// A module whose file its package chooses.
    fn provided(&mut self, name: &Rc<str>) -> Result<(), Raised> {
        for other in self.process.imports_before(name) {
            self.import_if_there(&other)?;
        }
        let chosen = if self.is_perhaps() { Ok(None) } else { self.process.provide(name) };
        let chosen = chosen.map_err(|reason| Raised::new("ImportError", reason))?;
        self.step(name, chosen.clone(), chosen.is_some());
        self.enter(name, None, None, true);
        match chosen {
            Some(file) => self.initialised(name, file),
            None => Ok(()),
        }
    }

    /// A directory in which a module may lie that nobody sees, and why.
    fn closed_directory(&self, parent: &str) -> Option<(TreePath, std::io::Error)> {
        let of_parent = self.state.modules.get(parent).and_then(|it| it.search.as_ref());
        let search = if parent.is_empty() { &self.state.interpreter.search } else { of_parent? };
        let closed = |directory: &TreePath| match self.state.interpreter.view.list(directory.as_bytes()) {
            // An archive on `sys.path` became a gap when the path was built.
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Some((directory.clone(), error))
            }
            Ok(_) | Err(_) => None,
        };
        search.iter().find_map(closed)
    }

    fn load(&mut self, name: &Rc<str>, found: Found) -> Result<(), Raised> {
        match (found.kind, found.file) {
            (FoundKind::Source, Some(file)) => {
                self.step(name, Some(file.clone()), false);
                self.run_source(name, file, found.search)
            }
            (FoundKind::Extension, Some(file)) => {
                self.step(name, Some(file.clone()), true);
                self.enter(name, found.search, None, true);
                self.run_extension(name, file)
            }
            (FoundKind::Bytecode, Some(file)) => {
                self.step(name, Some(file.clone()), false);
                self.enter(name, found.search, None, true);
                self.state.gap(&file, "compiled Python without its source is not followed".to_owned());
                Ok(())
            }
            (FoundKind::Namespace, _) | (_, None) => {
                self.step(name, None, false);
                self.enter(name, found.search, None, false);
                Ok(())
            }
        }
    }

    fn run_extension(&mut self, name: &Rc<str>, file: TreePath) -> Result<(), Raised> {
        if !self.is_perhaps()
            && let Err(reason) = self.process.load(name, &file, self.state.opens_for_all)
        {
            let Raised(mut failure) = Raised::new("ImportError", reason);
            failure.extension = Some(file);
            return Err(Raised(failure));
        }
        self.initialised(name, file)
    }

    /// The code of an extension runs.
    fn initialised(&mut self, name: &Rc<str>, file: TreePath) -> Result<(), Raised> {
        if let Some(module) = self.state.modules.get_mut(name) {
            module.extension = Some(file.clone());
        }
        self.place = Some(super::Place { path: file.clone(), line: 0 });
        for other in self.process.imports_of(name, &file) {
            self.import_if_there(&other)?;
        }
        Ok(())
    }

    /// An import that no source shows: what the text of an extension or a description mentions need not be there.
    fn import_if_there(&mut self, name: &str) -> Result<(), Raised> {
        match self.import(name) {
            Ok(_) => Ok(()),
            Err(Raised(failure)) if failure.nothing_found => Ok(()),
            Err(raised) => Err(raised),
        }
    }

    fn run_source(&mut self, name: &Rc<str>, file: TreePath, search: Option<Vec<TreePath>>) -> Result<(), Raised> {
        let source = match self.state.library.source(self.state.interpreter.view, &file) {
            Ok(source) => source,
            Err(reason) => {
                self.enter(name, search, None, true);
                self.state.gap(&file, reason);
                return Ok(());
            }
        };
        let is_open = source.makes_names.is_some();
        self.enter(name, search, Some(Rc::clone(&source)), is_open);
        if let Some(module) = self.state.modules.get_mut(name) {
            module.status = Status::Running;
        }
        let handled = std::mem::take(&mut self.handled);
        let caught_here = std::mem::replace(&mut self.caught_here, self.caught.len());
        let result = self.module_body(name, &source);
        (self.handled, self.caught_here) = (handled, caught_here);
        result?;
        let status = if self.is_perhaps() { Status::Perhaps } else { Status::Loaded };
        if let Some(module) = self.state.modules.get_mut(name) {
            module.status = status;
        }
        Ok(())
    }

    /// Puts a module into `sys.modules`.
    pub(super) fn enter(
        &mut self,
        name: &Rc<str>,
        search: Option<Vec<TreePath>>,
        source: Option<Rc<Source>>,
        is_open: bool,
    ) {
        let mut names = Names::default();
        let package = match (&search, name.rsplit_once('.')) {
            (Some(_), _) => name.as_ref(),
            (None, Some((parent, _))) => parent,
            (None, None) => "",
        };
        let mut set = |key: &str, value: Value| names.insert(Rc::from(key), value);
        set("__name__", Value::Text(Rc::clone(name)));
        set("__package__", Value::text(package));
        set("__spec__", Value::native(&format!("spec:{package}:{name}")));
        set("__loader__", Value::Something);
        set("__doc__", Value::Unknown);
        if let Some(source) = &source {
            let first = source.bytes.iter().find(|b| !b.is_ascii_whitespace());
            set("__doc__", if matches!(first, Some(b'"')) { Value::Something } else { Value::Unknown });
            set("__file__", Value::text(&source.path.text()));
        }
        if let Some(search) = &search {
            set("__path__", Value::sequence(search.iter().map(|it| Value::text(&it.text())).collect()));
        }
        let status = if self.is_perhaps() { Status::Perhaps } else { Status::Loaded };
        self.state.modules.insert(Rc::clone(name), Module { status, search, source, extension: None, names, is_open });
    }

    /// The absolute name of a relative import in `module`; `None` beyond the top.
    pub(super) fn absolute(&self, module: &str, level: usize, name: &str) -> Option<String> {
        if level == 0 {
            return Some(name.to_owned());
        }
        let is_package = self.state.modules.get(module).is_some_and(|it| it.search.is_some());
        let mut base = module;
        for _ in 0..level - usize::from(is_package) {
            base = base.rsplit_once('.').map_or("", |(it, _)| it);
        }
        match (base, name) {
            ("", _) => None,
            (base, "") => Some(base.to_owned()),
            (base, name) => Some(format!("{base}.{name}")),
        }
    }

    /// `from module import name`: the value that is bound.
    pub(super) fn import_name(&mut self, from: &Rc<str>, name: &str) -> Result<Value, Raised> {
        if let Some(value) = natives::attribute(&self.state.interpreter, from, name) {
            return Ok(value);
        }
        match self.name_of_module(from, name) {
            // It was followed below a condition only; now it is imported for certain.
            Some(Value::Module(module)) if !self.is_perhaps() && self.is_only_perhaps(&module) => {
                return self.import(&module).map(Value::Module);
            }
            Some(value) => return Ok(value),
            None => {}
        }
        let below = format!("{from}.{name}");
        if self.state.modules.get(from).is_some_and(|it| it.search.is_some()) {
            match self.import(&below) {
                Ok(module) => return Ok(Value::Module(module)),
                Err(Raised(failure)) if failure.nothing_found && *failure.module == *below => {}
                Err(raised) => return Err(raised),
            }
        } else if let Some(known) = self.state.modules.get_key_value(below.as_str()).map(|(it, _)| Rc::clone(it)) {
            return Ok(Value::Module(known));
        }
        match self.dynamic_attribute(from, name)? {
            Some(value) => Ok(value),
            None => self.missing_name(from, name),
        }
    }

    fn is_only_perhaps(&self, module: &str) -> bool {
        self.state.modules.get(module).is_none_or(|it| it.status == Status::Perhaps)
    }

    /// A name that a module does not have, as far as it was seen. Whoever does not catch that relies on it.
    fn missing_name(&mut self, from: &Rc<str>, name: &str) -> Result<Value, Raised> {
        let closed = self.state.modules.get(from).is_some_and(|it| {
            let Some(source) = &it.source else { return false };
            if it.status == Status::Running { self.asks_itself(source) } else { !it.is_open }
        });
        if !closed {
            return Ok(Value::Unknown);
        }
        self.soft_here("ImportError", format!("cannot import name '{name}' from '{from}'"))?;
        Ok(Value::Unknown)
    }

    /// Whether the running statement is one of the source itself, above all that makes names: what it asks of its own module
    /// is bound above or not at all.
    fn asks_itself(&self, source: &Source) -> bool {
        let Some(place) = self.place.as_ref().filter(|it| it.path == source.path) else { return false };
        // Behind a star import anything may be bound.
        source.makes_names.is_none_or(|line| place.line < line) && !contains(&source.bytes, b"import *")
    }

    /// What a module's own `__getattr__` makes of a name; `None` where it has none.
    pub(super) fn dynamic_attribute(&mut self, module: &Rc<str>, name: &str) -> Result<Option<Value>, Raised> {
        let Some(Value::Function(function)) = self.name_of_module(module, "__getattr__") else { return Ok(None) };
        if name.starts_with("__") {
            return Ok(None);
        }
        self.call_function(&function, vec![Value::text(name)], Vec::new(), true).map(Some)
    }

    /// A name that a module holds.
    pub(super) fn name_of_module(&mut self, module: &Rc<str>, name: &str) -> Option<Value> {
        let value = self.state.modules.get(module)?.names.get(name).cloned()?;
        Some(match value {
            Value::Later(later) => self.settle(&later),
            value => value,
        })
    }

    /// `from module import *` into `into`.
    pub(super) fn import_star(&mut self, from: &Rc<str>, into: &Rc<str>) -> Result<(), Raised> {
        let exported = self.name_of_module(from, "__all__");
        let Some(module) = self.state.modules.get(from) else { return Ok(()) };
        let mut is_open = module.is_open;
        let mut values: Vec<(Rc<str>, Value)> = Vec::new();
        match exported {
            Some(Value::Sequence(names)) => {
                for name in names.iter() {
                    match name {
                        Value::Text(name) => values.push((Rc::clone(name), self.import_name(from, name)?)),
                        _ => is_open = true,
                    }
                }
            }
            other => {
                is_open = is_open || other.is_some();
                let public = module.names.iter().filter(|(name, _)| !name.starts_with('_'));
                // An `__all__` that is worked out hardly names modules; bound by mistake they would hide imports.
                let public = public.filter(|(_, value)| other.is_none() || !matches!(value, Value::Module(_)));
                values.extend(public.map(|(name, value)| (Rc::clone(name), value.clone())));
                values.sort_by(|a, b| a.0.cmp(&b.0));
            }
        }
        if let Some(module) = self.state.modules.get_mut(into) {
            module.is_open |= is_open;
            module.names.extend(values);
        }
        Ok(())
    }

    /// Names of `from a import b as c`.
    pub(super) fn import_names(&mut self, from: &Rc<str>, names: &[Alias]) -> Result<Vec<(Rc<str>, Value)>, Raised> {
        let mut out = Vec::new();
        for it in names {
            let value = self.import_name(from, &it.name)?;
            out.push((Rc::from(it.bound_to.as_deref().unwrap_or(&it.name)), value));
        }
        Ok(out)
    }

    /// `encodings` and `site`, as the interpreter imports them before a program, and the lines of code in `.pth` files.
    pub(super) fn start(&mut self) {
        // Up to 3.9 the standard streams and files without a named encoding take one module more each.
        let streams = if self.is_before_3_10() { "encodings.latin_1" } else { "encodings.utf_8" };
        for name in ["sys", "builtins", "encodings", "encodings.utf_8", streams, "site"] {
            if let Err(Raised(failure)) = self.import(name)
                && let Some(place) = failure.place
            {
                self.state.gap(&place.path, failure.reason);
            }
        }
        for directory in self.state.interpreter.search.clone() {
            self.run_path_files(&directory);
        }
        self.place = None;
        for name in ["sitecustomize", "usercustomize"] {
            if self.find_top(name).is_some_and(|it| it.kind != FoundKind::Namespace) {
                // `site` catches what they raise.
                if let Err(Raised(failure)) = self.import(name) {
                    let place = failure.place.map_or_else(TreePath::root, |it| it.path);
                    self.state.gap(&place, format!("{name} fails at startup: {}", failure.reason));
                }
            }
        }
    }

    fn is_before_3_10(&self) -> bool {
        self.state.interpreter.version.get(..2).is_some_and(|it| it < [3, 10].as_slice())
    }

    fn import_quietly(&mut self, name: &str) {
        if let Err(Raised(failure)) = self.import_if_there(name) {
            let place = failure.place.map_or_else(TreePath::root, |it| it.path);
            self.state.gap(&place, format!("{name} fails at startup: {}", failure.reason));
        }
    }

    fn run_path_files(&mut self, directory: &TreePath) {
        let Ok(entries) = self.state.interpreter.view.list(directory.as_bytes()) else { return };
        let files: Vec<_> = entries.iter().filter(|(name, _)| name.ends_with(b".pth")).collect();
        if !files.is_empty() && self.is_before_3_10() {
            // A missing one is no more than a module less.
            self.import_quietly("_bootlocale");
        }
        for (name, _) in files {
            let file = directory.join(name);
            let Ok(bytes) = library::read(self.state.interpreter.view, &file) else { continue };
            if bytes.split(|b| *b == b'\n').any(|it| it.starts_with(b"import ") || it.starts_with(b"import\t")) {
                let kept: Vec<&[u8]> =
                    bytes.split(|b| *b == b'\n').map(|it| if it.starts_with(b"import") { it } else { b"" }).collect();
                let bytes = kept.join(&b'\n');
                let source = Rc::new(library::of_bytes(&file, bytes));
                let name: Rc<str> = Rc::from("site");
                if let Err(Raised(failure)) = self.module_body(&name, &source) {
                    // `site` prints that a line fails, and goes on.
                    self.state.gap(&source.path, format!("a line of it fails at startup: {}", failure.reason));
                }
            }
        }
    }

    /// The functions and classes of a module, by the statement that defines them.
    pub(super) fn defined(&self, module: &Rc<str>, source: &Rc<Source>, at: usize) -> Option<(Rc<str>, Value)> {
        let item = source.items.get(at)?;
        let ItemKind::Definition(definition) = &item.kind else { return None };
        let name = source.bytes.get(definition.name.clone()).unwrap_or_default();
        let name: Rc<str> = Rc::from(String::from_utf8_lossy(name).as_ref());
        let function = Rc::new(Function {
            name: Rc::clone(&name),
            module: Rc::clone(module),
            source: Rc::clone(source),
            range: item.range.clone(),
            line: item.line,
            around: None,
        });
        let value = if definition.is_class { Value::Class(function) } else { Value::Function(function) };
        Some((name, value))
    }
}

pub(super) fn contains(text: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(text, what).is_some()
}
