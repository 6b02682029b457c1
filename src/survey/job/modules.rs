//! `module load` in a script: the site profile says what a module sets, else its file in the tree.
//!
//! Two programs read modulefiles. Where nobody knows which of them does, both are followed, and what they make differently
//! is not known.

use std::collections::BTreeSet;

use super::loading::{Loading, is_of, short_name};
use super::shell::ModuleCommand;
use super::surroundings::Around;
use crate::job::{Binding, Environment, Place, Value, Word};
use crate::modulefile::{How, MODULE_PATH, PathList, System};

/// Variables in which one program keeps what it needs itself; the other does not read them.
const OWN_RECORDS: [&str; 2] = ["__MODULES_", "__LMOD_"];

/// What becomes of loading one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loaded {
    /// It is loaded, or nobody knows what that did.
    Yes,
    /// The program says why not, and sets nothing.
    Refused(String),
    /// Nobody knows whether it is loaded, and so whether a module is that wants it: why.
    Perhaps(String),
}

impl Around<'_> {
    /// Does what a command of a module system does to the environment.
    pub(super) fn module_command(
        &self,
        command: &ModuleCommand,
        words: &[Word],
        environment: &mut Environment,
        place: &Place,
    ) {
        let view = self.of_this_machine.then_some(self.view);
        let systems = self.modulefiles.systems(view, environment);
        let mut results = systems.into_iter().map(|system| {
            let mut own = environment.clone();
            Loading::new(self, command, system, place).command(words, &mut own);
            own
        });
        let Some(first) = results.next() else { return };
        let merged = results.fold(first, |a, b| merged(&a, &b, place));
        *environment = merged;
    }
}

/// What is true whichever of two programs did it.
fn merged(a: &Environment, b: &Environment, place: &Place) -> Environment {
    if a == b {
        return a.clone();
    }
    let rest = if a.rest() == b.rest() {
        a.rest().clone()
    } else {
        [a, b]
            .map(Environment::rest)
            .into_iter()
            .max_by_key(|it| **it != crate::job::Rest::Unset)
            .cloned()
            .unwrap_or_default()
    };
    let mut merged = Environment::new(rest);
    let names: BTreeSet<&str> = a.iter().chain(b.iter()).map(|(name, _)| name).collect();
    for name in names {
        let (one, other) = (a.get(name), b.get(name));
        if one.says_the_same(&other) {
            merged.set(name, one);
        } else if !OWN_RECORDS.iter().any(|it| name.starts_with(it)) {
            let reason = format!("Lmod and Environment Modules make something else of {name}, and either may be there");
            merged.set(name, Binding::Unknown { reason, place: place.clone() });
        }
    }
    merged
}

impl Loading<'_> {
    fn command(&self, words: &[Word], environment: &mut Environment) {
        let command = self.command;
        let arguments: Vec<&Word> = words.iter().skip(1).collect();
        let text = |it: &&Word| it.value.text().unwrap_or_default();
        let options = arguments.iter().take_while(|it| text(it).starts_with('-') && !command.bare).count();
        let verb = arguments.get(options).map(text).unwrap_or_default();
        let rest = arguments.get(options + 1..).unwrap_or_default();
        let is = |verbs: &[String]| verbs.contains(&verb);
        if is(&command.nothing) || verb.is_empty() && arguments.is_empty() {
            return;
        }
        let before = environment.clone();
        if is(&command.purge) {
            let loaded = self.loaded(environment);
            loaded.iter().rev().for_each(|name| self.unload(name, environment));
        } else if is(&command.swap) {
            let (old, new) = rest.split_at(rest.len().min(1));
            let name = old.first().map(text).unwrap_or_default();
            // With one word another version of the same name goes.
            let name = if new.is_empty() { short_name(&name).to_owned() } else { name };
            let new = if new.is_empty() { old } else { new };
            let there = self.loaded(environment).iter().any(|it| is_of(it, &name));
            // Measured: Lmod does nothing where the first is not loaded. What the profile tells is of either.
            if !there && self.system == System::Lmod && self.around.whole {
                return;
            }
            self.unload(&name, environment);
            if let Loaded::Refused(_) = self.load_words(new, environment) {
                *environment = before;
            }
        } else if is(&command.unload) {
            rest.iter().for_each(|it| self.unload(&text(it), environment));
        } else if is(&command.load) {
            let names: Vec<&Word> = rest.iter().filter(|it| !text(it).starts_with('-')).copied().collect();
            self.load_words(&names, environment);
        } else if is(&command.uses) || is(&command.unuses) {
            self.use_words(rest, is(&command.uses), environment);
        } else if command.bare {
            let (gone, new): (Vec<&Word>, Vec<&Word>) = arguments.iter().partition(|it| text(it).starts_with('-'));
            gone.iter().for_each(|it| self.unload(text(it).trim_start_matches('-'), environment));
            self.load_words(&new, environment);
        } else {
            let first = words.first().map(|it| it.value.display()).unwrap_or_default();
            self.around.forget(environment, &format!("what `{first} {verb}` sets"), self.place);
        }
    }

    /// Measured: where one of several modules is refused, Lmod does nothing at all, and Environment Modules loads the others.
    fn load_words(&self, words: &[&Word], environment: &mut Environment) -> Loaded {
        let before = environment.clone();
        let mut done = Loaded::Yes;
        for word in words {
            let one = match word.value.text() {
                Some(name) => self.load(&name, environment, 0),
                None => {
                    self.around.forget(environment, "which module is loaded", self.place);
                    Loaded::Yes
                }
            };
            if let Loaded::Refused(_) = one {
                done = one;
                if self.system == System::Lmod {
                    *environment = before;
                    break;
                }
            }
        }
        done
    }

    /// `module use DIRECTORY...`: said of the machine whose files are looked at only.
    fn use_words(&self, words: &[&Word], added: bool, environment: &mut Environment) {
        if !self.around.of_this_machine {
            return;
        }
        let is_option = |it: &&&Word| it.value.text().is_some_and(|it| it.starts_with('-'));
        let append = words.iter().filter(is_option).any(|it| it.value.text().is_some_and(|it| it.contains('a')));
        let absolute = |it: &&Word| match it.value.text() {
            Some(path) if !path.starts_with('/') => {
                Value::unknown(format!("{path}, seen from where the script is"), self.place)
            }
            Some(_) | None => it.value.clone(),
        };
        let directories: Vec<Value> = words.iter().filter(|it| !is_option(it)).map(absolute).collect();
        let how = match (added, append) {
            (false, _) => How::Remove,
            (true, true) => How::Append,
            (true, false) => How::Prepend,
        };
        self.use_directories(how, directories, self.place, environment);
    }

    /// Changes where modulefiles are looked for. Measured: of several that are put in front Lmod takes the last first.
    pub(super) fn use_directories(
        &self,
        how: How,
        directories: Vec<Value>,
        place: &Place,
        environment: &mut Environment,
    ) {
        self.begin(environment);
        let groups: Vec<Vec<Value>> = match self.system {
            System::Tcl => vec![directories],
            System::Lmod => directories.into_iter().map(|it| vec![it]).collect(),
        };
        for group in groups {
            let mut list = PathList::of(self.system, MODULE_PATH, ":", environment);
            list.change(how, &group, 0, place);
            list.store(environment, place);
        }
    }

    /// The start of the module system has set where modulefiles lie, in an image that starts it.
    pub(super) fn begin(&self, environment: &mut Environment) {
        if !self.around.whole || !matches!(environment.get(MODULE_PATH), Binding::Unset(_)) {
            return;
        }
        let binding = match self.around.modulefiles.initial(self.around.view, self.system) {
            Ok(value) => Binding::Set(value),
            Err(reason) => Binding::Unknown { reason, place: self.place.clone() },
        };
        environment.set(MODULE_PATH, binding);
    }

    /// Names of the modules that the script has loaded, in order.
    pub(super) fn loaded(&self, environment: &Environment) -> Vec<String> {
        let list = environment.value(&self.command.recorded).and_then(Value::text).unwrap_or_default();
        list.split(':').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn record(&self, name: &str, environment: &mut Environment) {
        let mut loaded = self.loaded(environment);
        loaded.push(name.to_owned());
        let places = environment.value(&self.command.recorded).map(|it| it.places.clone()).unwrap_or_default();
        let mut value = Value::known(loaded.join(":"), self.place);
        value.places.extend(places.into_iter().filter(|it| it != self.place));
        environment.set(self.command.recorded.as_str(), Binding::Set(value));
    }

    pub(super) fn unrecord(&self, name: &str, environment: &mut Environment) {
        let rest: Vec<String> = self.loaded(environment).into_iter().filter(|it| it != name).collect();
        environment.set(self.command.recorded.as_str(), Binding::Set(Value::known(rest.join(":"), self.place)));
    }
}
