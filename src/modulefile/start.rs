//! Which module system is there, and where it looks when no variable says so.

use super::effect::{Answer, Effect, End, Host, How, Lies, Mode, Subject, What};
use super::evaluate;
use super::knowledge::{Modulefiles, System, SystemFile};
use super::path_list::PathList;
use crate::base::TreePath;
use crate::job::{Binding, Environment, Place, Rest, Value};
use crate::tree::View;

/// The variable that lists directories of modulefiles.
pub const MODULE_PATH: &str = "MODULEPATH";

impl Modulefiles {
    /// The module systems of which one reads modulefiles here: the one whose variables are set, else the one that is
    /// installed in the tree, else any.
    pub fn systems(&self, view: Option<&View>, environment: &Environment) -> Vec<System> {
        let started = |it: &&SystemFile| it.variables.iter().any(|it| environment.value(it).is_some());
        let installed = |it: &&SystemFile| {
            let is_file = |path: &String| view.is_some_and(|view| view.is_file(path.as_bytes()));
            it.files.iter().any(is_file)
        };
        let kinds = |found: Vec<&SystemFile>| found.into_iter().map(|it| it.kind).collect::<Vec<System>>();
        let started = kinds(self.systems.iter().filter(started).collect());
        let installed = kinds(self.systems.iter().filter(installed).collect());
        match (started.as_slice(), installed.as_slice()) {
            ([one], _) | ([], [one]) => vec![*one],
            _ => vec![System::Tcl, System::Lmod],
        }
    }

    /// What the start of a module system sets `MODULEPATH` to, by its files in the tree. Measured: Environment Modules 5.2.0
    /// takes every directory of its list, then what its start script says; Lmod those that are there.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn initial(&self, view: &View, system: System) -> Result<Value, String> {
        let mut environment = Environment::new(Rest::Unset);
        let mut found = false;
        for description in self.systems.iter().filter(|it| it.kind == system) {
            if let Some(list) = description.lists.iter().map(TreePath::new).find(|it| view.is_file(it.as_bytes())) {
                found = true;
                listed(view, description, &list, &mut environment)?;
            }
            for file in description.init.iter().map(TreePath::new).filter(|it| view.is_file(it.as_bytes())) {
                found = true;
                self.started(view, system, &file, &mut environment)?;
            }
        }
        match environment.value(MODULE_PATH) {
            Some(value) if found => Ok(value.clone()),
            Some(_) | None => Err(format!("no file says where {MODULE_PATH} begins")),
        }
    }

    fn started(
        &self,
        view: &View,
        system: System,
        file: &TreePath,
        environment: &mut Environment,
    ) -> Result<(), String> {
        let text = view.read_text(file.as_bytes()).map_err(|error| format!("{file} cannot be read: {error}"))?;
        let subject = Subject { file: file.text(), name: String::new(), system, mode: Mode::Load };
        let mut host = Starting { view, system, environment, undecided: None };
        let end = evaluate(self, &subject, &text, &mut host);
        match (host.undecided, end) {
            (None, End::Whole) => Ok(()),
            (Some(reason), _) => Err(reason),
            (None, End::Refused(reason, _)) => Err(format!("{file}: {reason}")),
        }
    }
}

fn listed(view: &View, description: &SystemFile, list: &TreePath, environment: &mut Environment) -> Result<(), String> {
    let text = view.read_text(list.as_bytes()).map_err(|error| format!("{list} cannot be read: {error}"))?;
    for (at, line) in text.lines().enumerate() {
        let words = line.split('#').next().unwrap_or_default().split([':', ' ', '\t']);
        for directory in words.map(str::trim).filter(|it| !it.is_empty()) {
            if description.only_existing && !view.is_directory(directory.as_bytes()) {
                continue;
            }
            let line = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let place = Place { file: list.text(), line, column: 1, length: 1, text: directory.to_owned() };
            let mut path = PathList::of(description.kind, MODULE_PATH, ":", environment);
            path.change(How::Append, &[Value::known(directory, &place)], 0, &place);
            path.store(environment, &place);
        }
    }
    Ok(())
}

/// A start script may add directories; what else it does is not followed.
struct Starting<'a> {
    view: &'a View,
    system: System,
    environment: &'a mut Environment,
    undecided: Option<String>,
}

impl Host for Starting<'_> {
    fn variable(&self, name: &str) -> Binding {
        self.environment.get(name)
    }

    fn is_loaded(&self, _name: &str) -> Option<bool> {
        Some(false)
    }

    fn kind(&self, path: &str) -> Lies {
        kind(self.view, path)
    }

    fn effect(&mut self, effect: Effect) -> Answer {
        match effect.what {
            What::Use { directories, append } => {
                let mut path = PathList::of(self.system, MODULE_PATH, ":", self.environment);
                path.change(if append { How::Append } else { How::Prepend }, &directories, 0, &effect.place);
                path.store(self.environment, &effect.place);
            }
            What::Set { .. }
            | What::Unset(_)
            | What::Path { .. }
            | What::Load { .. }
            | What::Unload(_)
            | What::Conflict(_)
            | What::Prereq(_)
            | What::Family(_)
            | What::Unuse(_)
            | What::MayChange(..)
            | What::MayChangeAll(_) => {
                let place = &effect.place;
                self.undecided = Some(format!("line {} of {} does more than name directories", place.line, place.file));
            }
        }
        Answer::Done
    }
}

/// What lies at a path of the tree.
pub fn kind(view: &View, path: &str) -> Lies {
    if view.is_directory(path.as_bytes()) {
        return Lies::Directory;
    }
    if view.exists(path.as_bytes()) { Lies::File } else { Lies::Nowhere }
}
