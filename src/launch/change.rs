//! What a launcher or a wrapper does to the environment of what it starts.

use super::meaning::Meaning;
use super::option::Rule;
use super::values::{assignment, is_name, leading, split, without};
use crate::job::{Place, Value};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The variable gets this value.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
    },
    /// Names that fit the pattern are not set any more.
    Remove(String),
    /// The variable reaches the ranks with the value that it has.
    Forward(String),
    /// Nothing but what later changes name reaches the ranks.
    KeepNone,
    /// Everything reaches the ranks.
    KeepAll,
    /// A change that is not known: what it says.
    Unknown(String),
}

/// One change, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentChange {
    /// What.
    pub change: Change,
    /// Where.
    pub place: Place,
}

impl Change {
    /// The value that it gives to this variable.
    pub(super) fn value_of(&self, variable: &str) -> Option<&Value> {
        match self {
            Self::Set { name, value } => (name == variable).then_some(value),
            Self::Remove(_) | Self::Forward(_) | Self::KeepNone | Self::KeepAll | Self::Unknown(_) => None,
        }
    }
}

/// The changes that an option makes.
pub(super) fn changes(rule: &Rule, values: &[Value], place: &Place) -> Vec<EnvironmentChange> {
    let first = values.first();
    let changes = match (rule.means, first) {
        (Meaning::KeepAll, _) => vec![Change::KeepAll],
        (Meaning::KeepNone, _) => vec![Change::KeepNone],
        (Meaning::Assign, Some(value)) => vec![assigned(value)],
        (Meaning::AssignPair, Some(name)) => vec![pair(name, values.get(1))],
        (Meaning::AssignList, Some(list)) => split(list, ',').iter().map(assigned).collect(),
        (Meaning::ForwardList, Some(list)) => split(list, ',').iter().map(forwarded).collect(),
        (Meaning::Remove, Some(value)) => vec![value.text().map_or_else(|| unknown(value), Change::Remove)],
        (Meaning::EnvironmentRule, Some(value)) => vec![by_rule(value)],
        (Meaning::EnvironmentFile, Some(value)) => vec![Change::Unknown(format!("{} is not read", value.display()))],
        (Meaning::Export, Some(list)) => export(rule, list),
        _ => Vec::new(),
    };
    changes.into_iter().map(|change| EnvironmentChange { change, place: place.clone() }).collect()
}

fn unknown(value: &Value) -> Change {
    Change::Unknown(value.display())
}

/// `NAME=VALUE`, or `NAME` alone.
fn assigned(value: &Value) -> Change {
    match assignment(value) {
        Some((name, value)) => Change::Set { name, value },
        None => forwarded(value),
    }
}

fn forwarded(value: &Value) -> Change {
    match value.text() {
        Some(name) if is_name(&name) => Change::Forward(name),
        Some(_) | None => unknown(value),
    }
}

fn pair(name: &Value, value: Option<&Value>) -> Change {
    match (name.text(), value) {
        (Some(name), Some(value)) if is_name(&name) => Change::Set { name, value: value.clone() },
        (Some(_) | None, _) => assigned(name),
    }
}

fn by_rule(value: &Value) -> Change {
    match leading(value).strip_prefix('-') {
        Some(_) => without(value, 1).text().map_or_else(|| unknown(value), Change::Remove),
        None if value.text().as_deref() == Some("*") => Change::KeepAll,
        None => assigned(value),
    }
}

/// Without a word for everything, nothing but what the list names is kept.
fn export(rule: &Rule, list: &Value) -> Vec<Change> {
    let pieces = split(list, ',');
    let is = |value: &Value, words: &[String]| {
        value.text().is_some_and(|it| words.iter().any(|word| word.eq_ignore_ascii_case(&it)))
    };
    if !list.is_known() && pieces.iter().all(|it| assignment(it).is_none()) {
        return vec![unknown(list)];
    }
    let everything = pieces.iter().any(|it| is(it, &rule.all));
    let mut changes = vec![if everything { Change::KeepAll } else { Change::KeepNone }];
    let named = pieces.iter().filter(|it| !is(it, &rule.all) && !is(it, &rule.none) && !it.parts.is_empty());
    changes.extend(named.map(assigned));
    changes
}
