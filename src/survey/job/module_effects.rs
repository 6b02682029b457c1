//! What a modulefile says, done to the environment of a script.

use super::loading::{CONFLICTS, Loading, NEEDS, Sought, is_of, loaded_in};
use super::modules::Loaded;
use crate::job::{Binding, Environment, Place, Value};
use crate::modulefile::{Answer, Effect, Host, How, Lies, Mode, PathList, Subject, System, What, kind};

/// Does to the environment what a modulefile says.
pub(super) struct Doing<'a> {
    pub(super) loading: &'a Loading<'a>,
    pub(super) subject: &'a Subject,
    pub(super) environment: &'a mut Environment,
    /// As the file found it.
    pub(super) before: Environment,
    /// Variables to which the file itself gave a value.
    pub(super) own: Vec<String>,
    pub(super) depth: usize,
}

impl Host for Doing<'_> {
    fn variable(&self, name: &str) -> Binding {
        let now = self.environment.get(name);
        let other = !now.says_the_same(&self.before.get(name)) && !self.own.iter().any(|it| it == name);
        if self.is_translated() && other {
            let reason = format!("whether Lmod has changed {name} by then");
            return Binding::Unknown { reason, place: self.loading.place.clone() };
        }
        now
    }

    fn is_loaded(&self, name: &str) -> Option<bool> {
        let recorded = &self.loading.command.recorded;
        // Measured: a module in Lua that is being loaded counts as loaded with Lmod.
        let pending = self.loading.pending.borrow();
        if self.subject.system == System::Lmod && self.subject.is_lua() && pending.iter().any(|it| is_of(it, name)) {
            return Some(true);
        }
        let environment = if self.is_translated() { &self.before } else { &*self.environment };
        loaded_in(environment, recorded, name)
    }

    fn kind(&self, path: &str) -> Lies {
        match kind(self.loading.around.view, path) {
            // It may be there when the job runs.
            Lies::Nowhere if !self.loading.around.whole => Lies::Unknown,
            known @ (Lies::Directory | Lies::File | Lies::Nowhere | Lies::Unknown) => known,
        }
    }

    fn effect(&mut self, effect: Effect) -> Answer {
        let loads = self.subject.mode == Mode::Load;
        match effect.what {
            What::Set { name, value, pushed } => self.set(&name, value, pushed, &effect.place),
            What::Unset(name) if loads => {
                self.environment.set(name, Binding::Unset(effect.place));
            }
            What::Path { name, elements, delimiter, how, priority } => {
                let how = match (loads, how) {
                    (true, how) => how,
                    (false, How::Prepend | How::Append) => How::Remove,
                    (false, How::Remove) => return Answer::Done,
                };
                self.path(&name, &elements, &delimiter, how, priority, &effect.place);
            }
            What::Use { directories, append } => {
                let how = match (loads, append) {
                    (true, true) => How::Append,
                    (true, false) => How::Prepend,
                    (false, _) => How::Remove,
                };
                self.loading.use_directories(how, directories, &effect.place, self.environment);
            }
            What::Unuse(directories) if loads => {
                self.loading.use_directories(How::Remove, directories, &effect.place, self.environment);
            }
            What::Load { names, needed, again } if loads => return self.load(&names, needed, again, &effect.place),
            What::Load { names, .. } => {
                // Whether it goes too depends on who wanted it.
                if names.iter().any(|it| self.is_there(it) != Some(false)) {
                    let reason = "whether modules go that it has loaded is not known";
                    self.loading.around.forget(self.environment, reason, &effect.place);
                }
            }
            What::Unload(names) if loads => names.iter().for_each(|it| self.loading.unload(it, self.environment)),
            What::Conflict(names) if loads => return self.conflict(&names, &effect.place),
            What::Prereq(names) if loads => return self.prereq(&names, &effect.place),
            What::Family(name) => return self.family(&name, loads, &effect.place),
            What::MayChange(name, reason) => {
                self.environment.set(name, Binding::Unknown { reason, place: effect.place });
            }
            What::MayChangeAll(reason) => self.loading.around.forget(self.environment, &reason, &effect.place),
            What::Unset(_) | What::Unuse(_) | What::Unload(_) | What::Conflict(_) | What::Prereq(_) => {}
        }
        Answer::Done
    }
}

impl Doing<'_> {
    fn is_there(&self, name: &str) -> Option<bool> {
        loaded_in(self.environment, &self.loading.command.recorded, name)
    }

    /// Measured: Lmod writes a whole file of Tcl as Lua before it does anything that the file says.
    fn is_translated(&self) -> bool {
        self.subject.system == System::Lmod && !self.subject.is_lua()
    }

    fn set(&mut self, name: &str, value: Value, pushed: bool, place: &Place) {
        let lines = value.text().is_some_and(|it| it.contains('\n'));
        let binding = match (self.subject.mode, pushed) {
            // Measured: what the module command writes for the shell does not survive a line break.
            (Mode::Load, _) if lines => {
                Binding::Unknown { reason: "it has several lines".to_owned(), place: place.clone() }
            }
            (Mode::Load, _) => Binding::Set(value.latest(self.loading.place)),
            (Mode::Unload, false) => Binding::Unset(place.clone()),
            (Mode::Unload, true) => {
                Binding::Unknown { reason: "what it was before `pushenv`".to_owned(), place: place.clone() }
            }
        };
        self.own.push(name.to_owned());
        self.environment.set(name, binding);
    }

    fn path(&mut self, name: &str, elements: &[Value], delimiter: &str, how: How, priority: i64, place: &Place) {
        let mut list = PathList::of(self.subject.system, name, delimiter, self.environment);
        list.change(how, elements, priority, place);
        // What is added to what nobody knows is known at least.
        list.came_by(self.loading.place);
        list.store(self.environment, place);
    }

    fn load(&mut self, names: &[String], needed: bool, again: bool, place: &Place) -> Answer {
        for name in names {
            let there = self.is_there(name);
            self.note(NEEDS, std::slice::from_ref(name));
            // Measured: a module that is there in any version satisfies Environment Modules.
            let enough = !again || self.subject.system == System::Tcl;
            match there {
                Some(true) if enough => continue,
                None if enough => {
                    return self.perhaps(&format!("whether {name} is loaded already is not known"), place);
                }
                Some(_) | None => {}
            }
            if !needed && let Sought::Nothing(Some(_)) = self.loading.sought(name, self.environment) {
                continue;
            }
            match self.loading.load(name, self.environment, self.depth + 1) {
                Loaded::Refused(why) if needed => return Answer::Refused(format!("{name} is not loaded: {why}")),
                Loaded::Perhaps(why) => return Answer::Perhaps(why),
                Loaded::Refused(_) | Loaded::Yes => {}
            }
        }
        Answer::Done
    }

    /// Nobody knows whether this module is loaded.
    fn perhaps(&mut self, reason: &str, place: &Place) -> Answer {
        self.loading.around.forget(self.environment, reason, place);
        Answer::Perhaps(reason.to_owned())
    }

    /// Keeps what the module said where Environment Modules keeps it.
    fn note(&mut self, variable: &str, names: &[String]) {
        if self.subject.system == System::Tcl {
            let noted = self.environment.value(variable).and_then(Value::text).unwrap_or_default();
            let own = format!("{}&{}", self.subject.name, names.join("&"));
            let all = if noted.is_empty() { own } else { format!("{noted}:{own}") };
            self.environment.set(variable, Binding::Set(Value::known(all, self.loading.place)));
        }
    }

    fn conflict(&mut self, names: &[String], place: &Place) -> Answer {
        for name in names {
            match self.is_there(name) {
                Some(true) => return Answer::Refused(format!("it conflicts with {name}")),
                Some(false) => {}
                None => {
                    let reason = format!("whether {name} is loaded is not known, with which it conflicts");
                    return self.perhaps(&reason, place);
                }
            }
        }
        self.note(CONFLICTS, names);
        Answer::Done
    }

    /// Measured: Lmod refuses; Environment Modules 5 loads what is missing, and 4 refuses.
    fn prereq(&mut self, names: &[String], place: &Place) -> Answer {
        let known: Vec<Option<bool>> = names.iter().map(|it| self.is_there(it)).collect();
        let all = names.join(" or ");
        if known.contains(&Some(true)) {
            self.note(NEEDS, names);
            return Answer::Done;
        }
        if !known.contains(&None) && self.subject.system == System::Lmod {
            return Answer::Refused(format!("it wants {all}"));
        }
        self.perhaps(&format!("whether {all} is loaded for it depends on the version of the module command"), place)
    }

    /// Measured: Lmod unloads the other module of the family; Environment Modules refuses this one.
    fn family(&mut self, family: &str, loads: bool, place: &Place) -> Answer {
        let short = self.subject.short_name().to_owned();
        let noted = format!("LMOD_FAMILY_{}", family.to_uppercase());
        let own = format!("MODULES_FAMILY_{}", family.to_uppercase());
        let version = format!("{noted}_VERSION");
        let mine =
            if self.subject.system == System::Tcl { vec![own, noted.clone()] } else { vec![noted.clone(), version] };
        if !loads {
            for name in mine {
                self.environment.set(name, Binding::Unset(place.clone()));
            }
            return Answer::Done;
        }
        match self.environment.get(&noted) {
            Binding::Unset(_) => {}
            Binding::Set(other) => match other.text() {
                Some(other) if other != short && self.subject.system == System::Lmod => {
                    self.loading.unload(&other, self.environment);
                }
                Some(other) if other != short => {
                    return Answer::Refused(format!("{other} is of the same family, {family}"));
                }
                Some(_) => {}
                None => return self.perhaps("which module of a family is loaded is not known", place),
            },
            Binding::Unknown { reason, .. } => return self.perhaps(&reason, place),
        }
        let values = match self.subject.system {
            System::Tcl => [short.clone(), short],
            System::Lmod => [short, self.subject.version().to_owned()],
        };
        for (name, value) in mine.into_iter().zip(values) {
            self.environment.set(name, Binding::Set(Value::known(value, self.loading.place)));
        }
        Answer::Done
    }
}
