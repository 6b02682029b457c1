//! What a job script finds around it: files beside it, modules of the site profile, environments that it activates.
//!
//! Invariant: a module that neither the profile nor a file in the tree tells makes every variable unknown, except those of the
//! scheduler.

use super::activation::is_active;
use super::shell::{Activation, ShellCommands, lies};
use crate::base::TreePath;
use crate::job::{Binding, Environment, Part, Place, Surroundings, Value, Word};
use crate::modulefile::Modulefiles;
use crate::site::Site;
use crate::tree::View;

/// The surroundings of one script.
pub(super) struct Around<'a> {
    pub(super) view: &'a View,
    /// The directory of the script.
    pub(super) directory: TreePath,
    /// Whether the job runs on the machine whose files these are; else only what lies beside the script is told.
    pub(super) of_this_machine: bool,
    pub(super) site: Option<&'a Site>,
    pub(super) shell: &'a ShellCommands,
    pub(super) modulefiles: &'a Modulefiles,
    /// Whether the tree is all that there is: what no file of it says is not so. Else the machine may have more when the job runs.
    pub(super) whole: bool,
    /// Names of variables that the scheduler sets: no module touches them.
    pub(super) scheduler_variables: Vec<String>,
    /// The prefix of the target, where one is named.
    pub(super) prefix: Option<String>,
    /// Activations inside one another.
    pub(super) activations: usize,
}

impl Surroundings for Around<'_> {
    fn text(&mut self, path: &str) -> Option<Vec<u8>> {
        if self.shell.activated_by_script(path).is_some() || self.shell.is_harmless_source(path) {
            return None;
        }
        // A file that cannot be read is one that the script cannot be followed into: it says so, like for one that is not there.
        match self.view.read_text(self.here(path)?.as_bytes()) {
            Ok(text) => Some(text.into_bytes()),
            Err(_) => None,
        }
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        let path = self.here(path)?;
        // What is not there yet, or not on this node, may be there when the job runs.
        self.view.resolve(path.as_bytes()).is_ok().then_some(true)
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        let texts: Vec<String> = words.iter().map(|it| it.value.display()).collect();
        let Some(first) = texts.first() else { return false };
        if let Some(command) = self.shell.modules.iter().find(|it| it.names.contains(first)) {
            self.module_command(command, words, environment, place);
            return true;
        }
        let after = |command: &Vec<String>| texts.starts_with(command).then_some(command.len());
        let activation = self.shell.activation.iter().find_map(|it| Some((it, it.commands.iter().find_map(after)?)));
        if let Some((activation, words_before)) = activation {
            self.activate_by_name(activation, words.get(words_before), environment, place);
            self.own_scripts(activation, environment, place);
            return true;
        }
        let Some(argument) = words.get(1) else { return false };
        let path = argument.value.display();
        if let (true, Some(activation)) = (sources(first), self.activated_by_root(&path, environment, place)) {
            self.activate_by_name(activation, words.get(2), environment, place);
            self.own_scripts(activation, environment, place);
            return true;
        }
        if let (true, Some(activation)) = (sources(first), self.shell.activated_by_script(&path)) {
            self.activate_by_script(activation, &argument.value, environment, place);
            return true;
        }
        if sources(first) {
            self.gives_command(&path, environment, place);
        }
        (sources(first) && self.shell.is_harmless_source(&path))
            || (!sources(first) && self.shell.is_harmless_evaluation(&texts.join(" ")))
    }
}

/// How a shell reads a file into itself.
fn sources(word: &str) -> bool {
    word == "source" || word == "."
}

impl Around<'_> {
    /// Where a path of the script lies in the tree.
    pub(super) fn absolute(&self, path: &str) -> TreePath {
        if path.starts_with('/') {
            return TreePath::new(path.as_bytes());
        }
        let path = path.trim_start_matches("./");
        self.directory.join(path.as_bytes())
    }

    /// The same, unless it is a path of another machine.
    pub(super) fn here(&self, path: &str) -> Option<TreePath> {
        let path = self.absolute(path);
        (path.is_below(&self.directory) || self.of_this_machine).then_some(path)
    }

    /// A value of the profile: the command that loads it, then its line there.
    pub(super) fn said(&self, text: &str, line: u32, place: &Place) -> Value {
        let mut value = Value::known(text, place);
        let file = self.site.map(|it| it.path.clone()).unwrap_or_default();
        value.places.push(Place { file, line, ..Place::default() });
        value
    }

    /// Nothing is known of any variable from here on, except what the scheduler sets and which modules are loaded.
    pub(super) fn forget(&self, environment: &mut Environment, reason: &str, place: &Place) {
        let recorded = self.shell.modules.iter().map(|it| &it.recorded);
        let kept: Vec<(String, Binding)> = self
            .scheduler_variables
            .iter()
            .chain(recorded)
            .filter_map(|name| Some((name.clone(), environment.own(name)?.clone())))
            .collect();
        environment.forget(reason, place);
        for (name, binding) in kept {
            environment.set(name, binding);
        }
    }

    fn activate_by_name(
        &self,
        activation: &Activation,
        word: Option<&Word>,
        environment: &mut Environment,
        place: &Place,
    ) {
        let name = word.map(|it| it.value.clone());
        let text = name.as_ref().map_or_else(|| activation.base.first().cloned(), Value::text);
        let prefix = match (&name, &text) {
            (Some(value), Some(text)) if text.contains('/') => value.clone(),
            (Some(value), None) => value.clone(),
            (_, Some(text)) => self.prefix_of(activation, text, environment, place),
            (None, None) => Value::unknown(format!("the prefix of the {}", activation.kind), place),
        };
        apply(activation, &prefix, &text.unwrap_or_default(), environment, place);
    }

    /// The target is the environment of that name, when its prefix says so.
    fn prefix_of(&self, activation: &Activation, name: &str, environment: &Environment, place: &Place) -> Value {
        let glob = activation.named.as_ref().map(|it| it.replace("{name}", name));
        let fits = |prefix: &&String| glob.as_ref().is_some_and(|it| lies(prefix, it));
        match self.prefix.as_ref().filter(fits) {
            Some(prefix) => Value::known(prefix.as_str(), place),
            None => match self.prefix_in_tree(activation, name, environment) {
                Some(prefix) => Value::known(prefix, place),
                None => Value::unknown(format!("the prefix of the {} {name}", activation.kind), place),
            },
        }
    }

    fn activate_by_script(
        &self,
        activation: &Activation,
        script: &Value,
        environment: &mut Environment,
        place: &Place,
    ) {
        let mut prefix = script.clone();
        if let Some(Part::Text(last)) = prefix.parts.last_mut() {
            match last.rfind(&activation.script_suffix) {
                Some(at) => last.truncate(at),
                None => last.clear(),
            }
        }
        if prefix.text().is_some_and(|it| it.is_empty()) {
            prefix = Value::known(self.directory.text(), place);
        } else if let Some(text) = prefix.text().filter(|it| !it.starts_with('/')) {
            prefix = Value::known(self.absolute(&text).text(), place);
        }
        let name = prefix.text().unwrap_or_default();
        apply(activation, &prefix, &name, environment, place);
    }
}

fn apply(activation: &Activation, prefix: &Value, name: &str, environment: &mut Environment, place: &Place) {
    if is_active(activation, prefix, environment) {
        return;
    }
    for (variable, template) in &activation.sets {
        environment.set(variable.as_str(), Binding::Set(filled(template, prefix, name, place)));
    }
    for (variable, template) in &activation.prepends {
        prepend(environment, variable, filled(template, prefix, name, place));
    }
    for variable in &activation.unsets {
        environment.set(variable.as_str(), Binding::Unset(place.clone()));
    }
}

fn filled(template: &str, prefix: &Value, name: &str, place: &Place) -> Value {
    let mut value = Value { parts: Vec::new(), places: vec![place.clone()] };
    for (at, piece) in template.replace("{name}", name).split("{prefix}").enumerate() {
        if 0 < at {
            value.push(prefix);
        }
        value.push_text(piece);
    }
    value
}

/// Puts directories before those of a list.
pub(super) fn prepend(environment: &mut Environment, variable: &str, mut added: Value) {
    match environment.get(variable) {
        Binding::Set(old) if old.text().is_some_and(|it| it.is_empty()) => {}
        Binding::Set(old) => {
            added.push_text(":");
            added.push(&old);
        }
        Binding::Unset(_) => {}
        Binding::Unknown { reason, place } => {
            added.push_text(":");
            added.push(&Value::unknown(reason, &place));
        }
    }
    environment.set(variable, Binding::Set(added));
}

/// The directories of a list in order; `None` for one that is not known.
pub(super) fn list_entries(value: &Value) -> Vec<Option<String>> {
    let mut entries: Vec<Option<String>> = vec![Some(String::new())];
    for part in &value.parts {
        match part {
            Part::Text(text) => {
                for (at, piece) in text.split(':').enumerate() {
                    match entries.last_mut() {
                        Some(Some(last)) if at == 0 => last.push_str(piece),
                        Some(None) if at == 0 => {}
                        Some(_) | None => entries.push(Some(piece.to_owned())),
                    }
                }
            }
            Part::Unknown { .. } => {
                if let Some(last) = entries.last_mut() {
                    *last = None;
                }
            }
        }
    }
    entries.retain(|it| it.as_deref() != Some(""));
    entries
}
