//! Environments that a script activates by their name: where they lie in the tree, and what their own scripts set.
//!
//! Measured with conda 24 and micromamba 2: `activate` sources `etc/conda/activate.d/*.sh` of the environment in the order of
//! their names, after it has set its variables; activating what is active already changes nothing.

use super::shell::{Activation, Root, lies};
use super::surroundings::{Around, list_entries};
use crate::base::TreePath;
use crate::job::{self, Binding, Environment, Place, Setup, Source, Value};

/// Environments whose scripts activate environments.
const DEPTH: usize = 4;

/// Scripts of one environment.
const SCRIPTS: usize = 100;

/// The installation, in templates.
const NAMED: &str = "{root}";

impl<'a> Around<'a> {
    /// Does what a script does that gives the shell a command: it says where the installation lies. Nothing outside of images,
    /// where the machine on which the job runs may have another.
    pub(super) fn gives_command(&self, path: &str, environment: &mut Environment, place: &Place) {
        if !self.whole {
            return;
        }
        let Some(given) = self.shell.gives.iter().find(|it| it.scripts.iter().any(|glob| lies(path, glob))) else {
            return;
        };
        let Some(root) = path.strip_suffix(given.suffix.as_str()) else { return };
        let filled = |template: &String| Value::known(template.replace(NAMED, root), place);
        for (name, template) in &given.sets {
            environment.set(name.as_str(), Binding::Set(filled(template)));
        }
        // Once only: a second time finds its own mark.
        for (name, template) in &given.sets_once {
            if let Binding::Unset(_) = environment.get(name) {
                environment.set(name.as_str(), Binding::Set(filled(template)));
                for (list, template) in &given.prepends_once {
                    super::surroundings::prepend(environment, list, filled(template));
                }
            }
        }
    }

    /// The activation that a script of an installation is, which says where that lies.
    pub(super) fn activated_by_root(
        &self,
        path: &str,
        environment: &mut Environment,
        place: &Place,
    ) -> Option<&'a Activation> {
        let fits = |it: &&Activation| it.root_scripts.iter().any(|glob| lies(path, glob));
        let activation = self.shell.activation.iter().find(fits)?;
        let root = self.here(path)?.parent()?.parent()?;
        if !self.view.is_directory(root.join(activation.root_marker.as_bytes()).as_bytes()) {
            return None;
        }
        if let Some(given) = self.shell.gives.first() {
            self.gives_command(&format!("{}{}", root.text(), given.suffix), environment, place);
        }
        Some(activation)
    }

    /// The prefix of an environment of that name in the tree.
    pub(super) fn prefix_in_tree(
        &self,
        activation: &Activation,
        name: &str,
        environment: &Environment,
    ) -> Option<String> {
        let root = activation.roots.iter().find_map(|it| self.root(it, environment))?;
        if activation.base.iter().any(|it| it == name) {
            return Some(root);
        }
        let prefix = format!("{root}/envs/{name}");
        self.view.is_directory(prefix.as_bytes()).then_some(prefix)
    }

    fn root(&self, root: &Root, environment: &Environment) -> Option<String> {
        let root = match (&root.variable, &root.place) {
            (Some(variable), _) => {
                let text = environment.value(variable).and_then(Value::text)?;
                text.strip_suffix(root.behind.as_str())?.to_owned()
            }
            (None, Some(place)) => place.clone(),
            (None, None) => return None,
        };
        (self.whole && self.view.is_directory(root.as_bytes())).then_some(root)
    }

    /// Sources the scripts that an environment has for its activation.
    pub(super) fn own_scripts(&mut self, activation: &Activation, environment: &mut Environment, place: &Place) {
        let Some(folder) = activation.own_scripts.clone() else { return };
        let prefix = activation.sets.iter().find(|(_, template)| *template == "{prefix}");
        let prefix = prefix.and_then(|(name, _)| environment.value(name)).and_then(Value::text);
        let Some(directory) = prefix.and_then(|it| self.here(&it)).map(|it| it.join(folder.as_bytes())) else { return };
        if !self.view.is_directory(directory.as_bytes()) {
            return;
        }
        if DEPTH <= self.activations {
            return environment.forget("environments activate each other too deeply", place);
        }
        let names = match self.view.list(directory.as_bytes()) {
            Ok(listed) => listed,
            Err(error) => return self.forget(environment, &format!("{directory} cannot be listed: {error}"), place),
        };
        let scripts: Vec<&[u8]> =
            names.iter().map(|(name, _)| name.as_slice()).filter(|it| it.ends_with(b".sh")).collect();
        if SCRIPTS < scripts.len() {
            return self.forget(environment, &format!("{directory} holds too many scripts"), place);
        }
        self.activations += 1;
        for name in scripts {
            self.own_script(&directory.join(name), environment, place);
        }
        self.activations -= 1;
    }

    fn own_script(&mut self, file: &TreePath, environment: &mut Environment, place: &Place) {
        let text = match self.view.read_text(file.as_bytes()) {
            Ok(text) => text,
            Err(error) => return self.forget(environment, &format!("{file} cannot be read: {error}"), place),
        };
        let path = file.text();
        let setup = Setup { environment: environment.clone(), arguments: Vec::new() };
        *environment = job::read(&Source { path: &path, bytes: text.as_bytes() }, &setup, self).last;
    }
}

/// Whether an environment of that prefix is active: its variable says so, and its directory stands in the list.
pub(super) fn is_active(activation: &Activation, prefix: &Value, environment: &Environment) -> bool {
    let Some(prefix) = prefix.text() else { return false };
    let says = |(name, template): (&String, &String)| {
        template == "{prefix}" && environment.value(name).and_then(Value::text).as_ref() == Some(&prefix)
    };
    let stands = |(name, template): (&String, &String)| {
        let directory = template.replace("{prefix}", &prefix);
        environment.value(name).is_some_and(|it| list_entries(it).contains(&Some(directory)))
    };
    activation.sets.iter().any(says) && activation.prepends.iter().all(stands)
}
