//! Imports by their source: what `trace` meets outside Python is answered by the process of the session.

use super::session::{Failed, Session, describe};
use std::rc::Rc;

use regex::bytes::Regex;

use crate::base::{Gap, Stage, TreePath, printable};
use crate::discover::{Implementation, Installation, extension_suffixes};
use crate::elf::TextMatch;
use crate::identify::Pick;
use crate::loader::{Request, Visibility};
use crate::trace::{Interpreter, Library, Process, State};

/// Names of modules that are read from one extension.
const NAMED: usize = 500;

/// Modules that CPython's core initialises without a `PyInit_` function of its own, or that are frozen in it.
const CORE_MODULES: [&str; 8] =
    ["builtins", "sys", "marshal", "_imp", "_warnings", "_frozen_importlib", "_frozen_importlib_external", "zipimport"];

impl<'a> Session<'a> {
    /// The interpreter of the session before its first import; none where its library is not there to be followed.
    fn interpreter(&self, library: Rc<Library>) -> Option<State<'a>> {
        let it: &'a Installation = self.installation;
        let stdlib = it.stdlib.as_ref()?;
        let view = self.catalogue.objects.view();
        if !view.is_file(stdlib.join("os.py").as_bytes()) {
            return None;
        }
        let version = match it.version.value() {
            Some(text) => text.split('.').map_while(leading_number).collect(),
            None => vec![it.feature.major, it.feature.minor],
        };
        let implementation = match it.implementation.value() {
            Some(Implementation::PyPy) => "pypy",
            Some(Implementation::CPython) | None => "cpython",
        };
        let executable = self.process.objects.first().and_then(|it| it.object.linkage.as_ref().ok());
        let machine = executable.map(|it| it.machine_name().to_owned()).unwrap_or_default();
        let search = it.sys_path.iter().filter(|it| it.exists).map(|it| it.path.clone());
        let interpreter = Interpreter {
            view,
            search: search.collect(),
            mappings: it.finders.iter().flat_map(|it| it.mapping.iter().cloned()).collect(),
            suffixes: extension_suffixes(it),
            version,
            implementation: implementation.to_owned(),
            machine,
            tag: it.soabi.value().cloned().unwrap_or_default(),
            multiarch: it.soabi.value().and_then(|it| it.splitn(3, '-').nth(2)).unwrap_or_default().to_owned(),
            prefixes: [it.prefix.clone(), it.base_prefix.clone()],
            variables: self.variables,
        };
        Some(State::new(interpreter, library))
    }

    /// What the interpreter imports before the program.
    pub(super) fn start_interpreter(&mut self, library: Rc<Library>) {
        let Some(mut state) = self.interpreter(library) else { return };
        state.start(self);
        self.gaps.extend(state.take_news());
        self.trace = Some(state);
    }

    /// Performs an import by following its source; none where there is no source to follow.
    pub(super) fn traced(&mut self, name: &str) -> Option<bool> {
        let top = name.split('.').next().unwrap_or(name);
        let mut state = self.trace.take()?;
        if !state.can_follow(top) {
            self.trace = Some(state);
            return None;
        }
        let result = state.import(self, name);
        let trace = state.take_news();
        self.trace = Some(state);
        self.gaps.extend(trace);
        if let Some(gap) = self.trace.as_ref().and_then(State::unseen).cloned() {
            self.untraced.get_or_insert(gap);
        }
        let Err(failure) = result else { return Some(true) };
        if failure.rests_on_values {
            let at = failure.place.map_or_else(TreePath::root, |it| it.path);
            let reason = format!("import {name} is followed up to here: {}", failure.reason);
            self.gaps.push(Gap::new(&at, Stage::Python, reason, "further libraries of the process"));
            return Some(true);
        }
        let reason = match &failure.place {
            Some(place) if !failure.nothing_found || *failure.module != *name => {
                format!("{} ({} line {})", failure.reason, place.path, place.line)
            }
            _ => failure.reason.clone(),
        };
        let loader = failure.extension.as_ref().and_then(|it| self.refused.get(it).cloned());
        self.failures.push(Failed {
            import: name.to_owned(),
            extension: failure.extension,
            failure: loader,
            nothing_found: failure.nothing_found,
            reason,
        });
        Some(false)
    }
}

impl Process for Session<'_> {
    fn is_built_in(&mut self, module: &str) -> bool {
        if let Some(known) = self.built_in.get(module) {
            return *known;
        }
        let symbol = format!("PyInit_{module}");
        let defines = |it: &crate::loader::Loaded| {
            let symbols = self.catalogue.objects.symbols(&it.object);
            symbols.and_then(|it| it.definition(symbol.as_bytes())).is_ok_and(|it| it.is_some())
        };
        let mut started = self.process.objects.iter().filter(|it| it.event == 0);
        let found = CORE_MODULES.contains(&module) || started.any(defines);
        self.built_in.insert(module.to_owned(), found);
        found
    }

    fn is_provided(&mut self, module: &str) -> bool {
        let rule = self.catalogue.know.packages.of_import(module);
        rule.is_some_and(|rule| !self.chooses(rule, module).is_empty())
    }

    fn imports_before(&mut self, module: &str) -> Vec<String> {
        let Some(rule) = self.catalogue.know.packages.of_import(module) else { return Vec::new() };
        let named = |it: &Pick| it.named_by.as_ref().is_some_and(|it| self.variables.get(it).is_some());
        let picks = self.chooses(rule, module).into_iter().flat_map(|it| it.pick.iter().take_while(|it| !named(it)));
        picks.filter_map(|it| it.open.as_ref()).flat_map(|it| it.imports.iter().cloned()).collect()
    }

    fn provide(&mut self, module: &str) -> Result<Option<TreePath>, String> {
        let Some(rule) = self.catalogue.know.packages.of_import(module) else { return Ok(None) };
        match self.choose_all(rule, module) {
            Ok(file) => Ok(file),
            Err((extension, failure, reason)) => {
                if let (Some(extension), Some(failure)) = (extension, failure) {
                    self.refused.insert(extension, failure);
                }
                Err(reason)
            }
        }
    }

    fn load(&mut self, module: &str, path: &TreePath, is_global: bool) -> Result<(), String> {
        let catalogue = self.catalogue;
        self.visibility = if is_global { Visibility::Global } else { Visibility::Local };
        let result = match catalogue.know.packages.of_import(module) {
            Some(rule) => self.open_extension(rule, path),
            None => self.open_undescribed(path),
        };
        self.visibility = Visibility::Local;
        result.map(|_| ()).map_err(|failure| {
            let reason = describe(&failure);
            self.refused.insert(path.clone(), failure);
            reason
        })
    }

    fn open_library(&mut self, name: &str, is_global: bool) -> Result<(), String> {
        let visibility = if is_global { Visibility::Global } else { Visibility::Local };
        let caller = self.caller("_ctypes");
        let name = name.as_bytes();
        let request = if name.contains(&b'/') { Request::Path(name) } else { Request::Name { name, caller } };
        self.open(request, visibility).map(|_| ()).map_err(|failure| describe(&failure))
    }

    fn mentions(&mut self, path: &TreePath, name: &str) -> Option<bool> {
        let pattern = Regex::new(&format!(r"(?-u:\b){}\x00", regex::escape(name)));
        let Ok(pattern) = pattern else { return None };
        self.texts(path, &pattern, 1).map(|it| !it.is_empty())
    }

    fn imports_of(&mut self, module: &str, path: &TreePath) -> Vec<String> {
        let know = self.catalogue.know;
        let texts = self.telling_texts(module, path);
        let python = self.installation.feature.text();
        let holds = |text: &str| texts.iter().any(|it| it == text);
        let is_extension = |name: &str| self.site.is_extension_module(name);
        let mut names = know.extension_imports.of(module, &python, holds, is_extension);
        for it in texts {
            let below = it.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            if !below && !names.contains(&it) && it.contains('.') && self.site.is_extension_module(&it) {
                names.push(it);
            }
        }
        names
    }
}

impl Session<'_> {
    /// What an extension of a package names: modules of its own package, because compiled code that uses another's types or
    /// functions imports it by name (Cython's cimport), and what tells compilers of Python.
    fn telling_texts(&mut self, module: &str, path: &TreePath) -> Vec<String> {
        let Some((top, _)) = module.split_once('.') else { return Vec::new() };
        if let Some(known) = self.catalogue.telling_texts(path) {
            return known;
        }
        let know = &self.catalogue.know.extension_imports;
        let mut words: Vec<String> = know.mentions_of(module).map(regex::escape).collect();
        words.push(format!(r"{}(?:\.[A-Za-z0-9_]+)+", regex::escape(top)));
        let pattern = self.catalogue.pattern(&format!(r"(?-u:\b)({})\x00", words.join("|")));
        let texts = pattern.and_then(|it| self.texts(path, &it, NAMED)).unwrap_or_default();
        self.catalogue.remember_texts(path, &texts);
        texts
    }

    /// What a pattern finds in the text of an extension, its first group where it has one; `None` when it cannot be read.
    fn texts(&self, path: &TreePath, pattern: &Regex, most: usize) -> Option<Vec<String>> {
        let loaded = self.process.objects.iter().find(|it| it.name == path.as_bytes())?;
        let file = self.catalogue.objects.file(&loaded.object);
        let found = file
            .map_err(|it| it.to_string())
            .and_then(|file| crate::elf::search_text_all(file.as_ref(), pattern, most).map_err(|it| it.to_string()));
        match found {
            Ok(found) => Some(found.iter().filter_map(first_group).collect()),
            Err(reason) => {
                let gap = Gap::new(path, Stage::Elf, reason, "what it imports and offers");
                self.catalogue.push(vec![gap]);
                None
            }
        }
    }
}

fn first_group(it: &TextMatch) -> Option<String> {
    let group = it.groups.get(1).or(it.groups.first())?.as_deref()?;
    Some(printable(group))
}

fn leading_number(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    // More digits than any version has: no number.
    digits.parse().into_iter().next()
}
