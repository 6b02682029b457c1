//! The environment of a rank: what launcher and wrappers make of the environment of the command.

use super::change::{Change, EnvironmentChange, changes};
use super::description::Launchers;
use super::line::Line;
use super::meaning::Meaning;
use super::wrapper::{Container, Wrapper};
use crate::base::Glob;
use crate::job::{Binding, Environment, Place, Rest};

/// The environment after the changes, in order.
pub fn apply(environment: &Environment, changes: &[EnvironmentChange]) -> Environment {
    let mut after = environment.clone();
    for EnvironmentChange { change, place } in changes {
        match change {
            Change::Set { name, value } => after.set(name.clone(), Binding::Set(value.clone().latest(place))),
            Change::Remove(pattern) => remove(&mut after, &Glob::new(pattern), place),
            Change::Forward(name) => after.set(name.clone(), environment.get(name)),
            Change::KeepAll => after = environment.clone(),
            Change::KeepNone => after = nothing(environment, place),
            Change::Unknown(what) => after.forget(what, place),
        }
    }
    after
}

impl Launchers {
    /// The environment that the program of a line gets on the first node.
    pub fn rank_environment(&self, line: &Line, environment: &Environment) -> Environment {
        let outside = outside(line, environment);
        let launched = apply(&outside, &self.changes(line, &outside));
        line.inner.iter().fold(launched, |it, wrapper| through(wrapper, &it))
    }

    /// What the launcher does to the environment: its options, and where they say nothing of a kind, variables that act
    /// like them.
    pub fn changes(&self, line: &Line, environment: &Environment) -> Vec<EnvironmentChange> {
        let description = line.launcher.as_deref().and_then(|it| self.description(it, &line.name));
        let mut all = Vec::new();
        for rule in description.iter().flat_map(|it| &it.variables) {
            if rule.means != Meaning::Export || line.last(Meaning::Export).is_some() {
                continue;
            }
            let values = rule.names.iter().filter_map(|it| environment.value(it));
            for value in values {
                let place = value.places.first().cloned().unwrap_or_default();
                all.extend(changes(rule, std::slice::from_ref(value), &place));
            }
        }
        all.extend(line.changes.iter().cloned());
        all
    }

    /// Whether ranks on other nodes get only the variables that the line names.
    pub fn forwards_listed(&self, line: &Line) -> bool {
        let description = line.launcher.as_deref().and_then(|it| self.description(it, &line.name));
        description.is_some_and(|it| it.forwards_listed)
    }
}

/// The environment that the launcher itself gets.
pub(super) fn outside(line: &Line, environment: &Environment) -> Environment {
    line.outer.iter().fold(environment.clone(), |it, wrapper| through(wrapper, &it))
}

/// Every name of the environment is certainly not set any more.
fn nothing(environment: &Environment, place: &Place) -> Environment {
    let mut after = Environment::default();
    for (name, _) in environment.iter() {
        after.set(name, Binding::Unset(place.clone()));
    }
    after
}

fn remove(environment: &mut Environment, pattern: &Glob, place: &Place) {
    let fits: Vec<String> =
        environment.iter().map(|it| it.0.to_owned()).filter(|it| pattern.matches(it.as_bytes())).collect();
    for name in fits.into_iter().chain([pattern.as_str().to_owned()]) {
        environment.set(name, Binding::Unset(place.clone()));
    }
}

fn through(wrapper: &Wrapper, environment: &Environment) -> Environment {
    match &wrapper.container {
        Some(container) => apply(&inside(container, &wrapper.place, environment), &explicit(wrapper)),
        None => apply(environment, &wrapper.changes),
    }
}

/// What of the host gets into a container, and what is handed in under a prefix.
fn inside(container: &Container, place: &Place, environment: &Environment) -> Environment {
    let passes = container.passes_environment && container.clean.is_none();
    let mut after = if passes { environment.clone() } else { nothing(environment, place) };
    for pattern in container.never.iter().filter(|_| passes) {
        remove(&mut after, &Glob::new(pattern), place);
    }
    for (name, binding) in environment.iter() {
        let handed = container.prefixes.iter().find_map(|it| name.strip_prefix(it.as_str()));
        if let Some(handed) = handed {
            after.set(handed, binding.clone());
        }
    }
    // What the image itself sets is not known here.
    let reason = "the image may set it".to_owned();
    after.set_rest(Rest::Unknown { reason, place: place.clone() });
    after
}

/// The changes of a container's own options that name variables.
fn explicit(wrapper: &Wrapper) -> Vec<EnvironmentChange> {
    let names = |it: &&EnvironmentChange| !matches!(it.change, Change::KeepAll | Change::KeepNone);
    wrapper.changes.iter().filter(names).cloned().collect()
}
