//! One module is loaded or unloaded: by the site profile where that knows it, else by its file.

use std::cell::{Cell, RefCell};

use super::module_effects::Doing;
use super::modules::Loaded;
use super::shell::ModuleCommand;
use super::surroundings::{Around, list_entries, prepend};
use crate::base::TreePath;
use crate::job::{Binding, Environment, Part, Place, Rest, Value};
use crate::modulefile::{End, Found, MODULE_PATH, Mode, Module, Subject, System, evaluate, find, limits};
use crate::site::Module as SiteModule;

/// Loading for one command of a script, as one module system does it.
pub(super) struct Loading<'a> {
    pub(super) around: &'a Around<'a>,
    pub(super) command: &'a ModuleCommand,
    pub(super) system: System,
    /// The command.
    pub(super) place: &'a Place,
    /// Files that were evaluated for it.
    files: Cell<usize>,
    /// Names of modules that are being loaded, the outermost first.
    pub(super) pending: RefCell<Vec<String>>,
}

/// Where a file of a module was looked for.
pub(super) enum Sought {
    Module(Box<Module>),
    /// No file is asked, or none is there: why.
    Nothing(Option<String>),
    Undecided(String),
}

impl<'a> Loading<'a> {
    pub(super) fn new(around: &'a Around<'a>, command: &'a ModuleCommand, system: System, place: &'a Place) -> Self {
        Self { around, command, system, place, files: Cell::new(0), pending: RefCell::default() }
    }

    /// Loads a module by its name.
    pub(super) fn load(&self, name: &str, environment: &mut Environment, depth: usize) -> Loaded {
        if limits::LOADS <= depth {
            self.around.forget(environment, &format!("what the module {name} sets, which others load"), self.place);
            self.record(name, environment);
            return Loaded::Yes;
        }
        if let Some(module) = self.around.site.and_then(|it| it.module(name)) {
            self.load_by_site(module, name, environment, depth);
            return Loaded::Yes;
        }
        let reason = match self.sought(name, environment) {
            Sought::Module(module) if self.is_pending(&module.name) => {
                format!("what the module {name} sets, which loads another version of itself")
            }
            Sought::Module(module) => return self.load_file(&module, environment, depth),
            Sought::Nothing(why) => {
                let told = match self.around.site {
                    Some(site) => format!("a table [modules.\"{name}\"] in {} would say it", site.path),
                    None => format!("a site profile with [modules.\"{name}\"] would say it"),
                };
                let why = why.map(|it| format!("{it}; ")).unwrap_or_default();
                format!("what the module {name} sets; {why}{told}")
            }
            Sought::Undecided(why) => format!("what the module {name} sets: {why}"),
        };
        self.around.forget(environment, &reason, self.place);
        self.record(name, environment);
        if 0 < depth { Loaded::Perhaps(reason) } else { Loaded::Yes }
    }

    /// Whether a module of that name, in any version, is being loaded.
    fn is_pending(&self, name: &str) -> bool {
        self.pending.borrow().iter().any(|it| short_name(it) == short_name(name))
    }

    fn load_by_site(&self, module: &SiteModule, name: &str, environment: &mut Environment, depth: usize) {
        let loaded = self.loaded(environment);
        if loaded.iter().any(|it| it == name) {
            return;
        }
        for other in loaded {
            if self.replaces(module, &other) {
                self.unload(&other, environment);
            }
        }
        for needed in &module.loads {
            self.load(&needed.value, environment, depth + 1);
        }
        for (variable, value) in &module.set {
            let value = self.around.said(&value.value, value.line, self.place);
            environment.set(variable.as_str(), Binding::Set(value));
        }
        for (variable, directories) in &module.prepend {
            let added = self.around.said(&directories.value, directories.line, self.place);
            prepend(environment, variable, added);
        }
        self.record(name, environment);
    }

    /// Whether loading `module` unloads `other`: they conflict, or both bring an MPI.
    fn replaces(&self, module: &SiteModule, other: &str) -> bool {
        let conflicts = module.conflicts.iter().any(|it| is_of(other, &it.value));
        let known = self.around.site.and_then(|it| it.module(other));
        conflicts || known.is_some_and(|it| it.provides.mpi.is_some() && module.provides.mpi.is_some())
    }

    /// Unloads a module that is loaded.
    pub(super) fn unload(&self, name: &str, environment: &mut Environment) {
        let loaded = self.loaded(environment);
        let Some(whole) = loaded.iter().find(|it| is_of(it, name)).cloned() else { return };
        if let Some(module) = self.around.site.and_then(|it| it.module(&whole)) {
            for variable in module.set.keys() {
                environment.set(variable.as_str(), Binding::Unset(self.place.clone()));
            }
            for (variable, directories) in &module.prepend {
                if let Some(value) = environment.value(variable) {
                    let without = without_beginning(value, &directories.value);
                    environment.set(variable.as_str(), Binding::Set(without));
                }
            }
        } else {
            match self.sought(&whole, environment) {
                Sought::Module(_) if self.is_related(&whole, environment) => {
                    let reason = format!(
                        "which modules go with {whole} or keep it depends on the version of the module command"
                    );
                    self.around.forget(environment, &reason, self.place);
                }
                Sought::Module(module) => {
                    self.evaluated(&module, Mode::Unload, environment, 0);
                }
                // Whoever loaded it made all variables unknown, unless that was not this script.
                Sought::Nothing(None) if *environment.rest() != Rest::Unset => {}
                Sought::Nothing(None) => {
                    self.around.forget(environment, &format!("what the module {whole} has set"), self.place);
                }
                Sought::Nothing(Some(why)) | Sought::Undecided(why) => {
                    self.around.forget(environment, &format!("what the module {whole} has set: {why}"), self.place);
                }
            }
        }
        self.unrecord(&whole, environment);
    }

    /// The file of a module, where files of the machine may be asked.
    pub(super) fn sought(&self, name: &str, environment: &mut Environment) -> Sought {
        if !self.around.of_this_machine {
            return Sought::Nothing(None);
        }
        self.begin(environment);
        let value = match environment.get(MODULE_PATH) {
            Binding::Set(value) => value,
            Binding::Unset(_) => return Sought::Nothing(None),
            Binding::Unknown { reason, .. } if self.around.whole => {
                return Sought::Nothing(Some(format!("where modulefiles lie is not known: {reason}")));
            }
            Binding::Unknown { .. } => return Sought::Nothing(None),
        };
        let entries = list_entries(&value);
        let known: Vec<TreePath> = entries.iter().map_while(|it| it.as_ref().map(TreePath::new)).collect();
        let all = known.len() == entries.len();
        match find(self.around.modulefiles, self.around.view, &known, name, self.system) {
            Found::Module(module) if all || self.system == System::Tcl || module.name == name => Sought::Module(module),
            Found::Module(_) => Sought::Undecided("not every directory of modulefiles is known".to_owned()),
            Found::Nothing if self.around.whole && all => {
                Sought::Nothing(Some(format!("no directory of {MODULE_PATH} holds a file of it")))
            }
            Found::Nothing => Sought::Nothing(None),
            Found::Undecided(why) => Sought::Undecided(why),
        }
    }

    fn load_file(&self, module: &Module, environment: &mut Environment, depth: usize) -> Loaded {
        let loaded = self.loaded(environment);
        if loaded.contains(&module.name) && self.system == System::Tcl {
            return Loaded::Yes;
        }
        let before = environment.clone();
        for other in &loaded {
            // Measured: Lmod replaces any version, the same one too; Environment Modules loads another beside it.
            if short_name(other) == short_name(&module.name) && self.system == System::Lmod {
                self.unload(other, environment);
            }
        }
        if let Some(why) = self.conflicts_before(&module.name, environment) {
            *environment = before;
            return Loaded::Refused(why);
        }
        self.pending.borrow_mut().push(module.name.clone());
        let end = self.evaluated(module, Mode::Load, environment, depth);
        self.pending.borrow_mut().pop();
        match end {
            End::Whole => {
                self.record(&module.name, environment);
                Loaded::Yes
            }
            End::Refused(why, _) => {
                *environment = before;
                Loaded::Refused(why)
            }
        }
    }

    /// A module that is loaded may have said that it conflicts with this one; only Environment Modules remembers it.
    fn conflicts_before(&self, name: &str, environment: &Environment) -> Option<String> {
        let noted = environment.value(CONFLICTS).and_then(Value::text).unwrap_or_default();
        let loaded = self.loaded(environment);
        let holds = |it: &&str| {
            let mut words = it.split('&');
            let by = words.next().unwrap_or_default();
            let there = loaded.iter().any(|it| it == by) || self.pending.borrow().iter().any(|it| it == by);
            there && words.any(|it| is_of(name, it))
        };
        noted.split(':').find(holds).filter(|_| self.system == System::Tcl).map(|it| format!("{it} is loaded"))
    }

    /// Whether a loaded module has asked for this one, or this one for others: Environment Modules keeps them together.
    fn is_related(&self, name: &str, environment: &Environment) -> bool {
        let noted = environment.value(NEEDS).and_then(Value::text).unwrap_or_default();
        let holds = |it: &str| {
            let mut words = it.split('&');
            let by = words.next().unwrap_or_default();
            by == name || words.any(|it| is_of(name, it))
        };
        self.system == System::Tcl && noted.split(':').any(holds)
    }

    fn evaluated(&self, module: &Module, mode: Mode, environment: &mut Environment, depth: usize) -> End {
        let subject = Subject { file: module.file.text(), name: module.name.clone(), system: self.system, mode };
        self.files.set(self.files.get() + 1);
        if limits::FILES < self.files.get() {
            self.around.forget(environment, "what very many modules set", self.place);
            return End::Whole;
        }
        let before = environment.clone();
        let mut doing = Doing { loading: self, subject: &subject, before, own: Vec::new(), environment, depth };
        evaluate(self.around.modulefiles, &subject, &module.text, &mut doing)
    }
}

/// In which Environment Modules keeps what loaded modules conflict with: `gcc/12&gcc:mpi/x&mpi`.
pub(super) const CONFLICTS: &str = "__MODULES_LMCONFLICT";

/// In which it keeps what loaded modules have asked for, written in the same way.
pub(super) const NEEDS: &str = "__MODULES_LMPREREQ";

/// A name without its version.
pub(super) fn short_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(short, _)| short)
}

/// Whether a module is one of a name: that itself, or a version of it.
pub(super) fn is_of(module: &str, name: &str) -> bool {
    module == name || module.strip_prefix(name).is_some_and(|it| it.starts_with('/'))
}

/// Whether a module of a name is in the list of those that are loaded.
pub(super) fn loaded_in(environment: &Environment, recorded: &str, name: &str) -> Option<bool> {
    match environment.get(recorded) {
        Binding::Set(value) => value.text().map(|it| it.split(':').any(|it| is_of(it, name))),
        Binding::Unset(_) => Some(false),
        Binding::Unknown { .. } => None,
    }
}

/// What an entry of the profile has put before a list.
fn without_beginning(value: &Value, directories: &str) -> Value {
    let mut value = value.clone();
    if let Some(Part::Text(first)) = value.parts.first_mut() {
        let rest = first.strip_prefix(directories).map(|it| it.trim_start_matches(':').to_owned());
        if let Some(rest) = rest {
            *first = rest;
        }
    }
    value
}
