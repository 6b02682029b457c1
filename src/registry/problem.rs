//! What is wrong with a setting, whoever made it.

use std::cmp::Ordering;

use super::live::Standing;
use super::{DeadValue, Grammar, Presence, Registry, Variable};
use crate::base::{Glob, compare_versions, nearest};

/// Something wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// What is so, in lower case without full stop, to be read after `NAME=VALUE: `.
    pub text: String,
    /// The name or the value to write instead.
    pub instead: Option<String>,
    /// Why it is not certain, if it is not.
    pub unsure: Option<String>,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Nobody reads this name, and it resembles one that somebody reads.
    Misspelt,
    /// The reader does not accept the value.
    InvalidValue,
    /// The reader ignores the value without a word.
    IgnoredValue,
    /// Readers of this version know the variable no longer.
    Removed,
    /// Readers of this version know the value no longer.
    RemovedValue,
    /// It works, and has a newer name in every version.
    Renamed,
}

impl ProblemKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Misspelt => "misspelt",
            Self::InvalidValue => "invalid-value",
            Self::IgnoredValue => "ignored-value",
            Self::Removed => "removed",
            Self::RemovedValue => "removed-value",
            Self::Renamed => "renamed",
        }
    }
}

impl Registry {
    /// What is wrong with `name=value`, given who is there to read it; a value that nobody reads is never wrong.
    pub fn problem(&self, name: &str, value: &str, readers: &dyn Fn(&str) -> Presence) -> Option<Problem> {
        if let Some(meant) = self.nearest(name) {
            let text = format!("nothing reads {name}; {meant} is read");
            return Some(Problem::certain(ProblemKind::Misspelt, text, Some(meant.to_owned())));
        }
        let variable = self.variable(name)?;
        let standings: Vec<Standing> = variable.readers.iter().map(|it| it.standing(&readers(&it.library))).collect();
        if standings.iter().all(|it| *it == Standing::Absent) {
            return None;
        }
        let removed = removed(variable, &standings);
        if let Some(problem) = removed.as_ref().filter(|it| it.unsure.is_none()) {
            return Some(problem.clone());
        }
        if standings.iter().all(|it| matches!(it, Standing::Absent | Standing::Not(_))) {
            return None;
        }
        let value_problem = dead_value(variable, value, readers).or_else(|| invalid(variable, value));
        let renamed = || {
            let new = variable.replaced_by.as_ref().filter(|it| it.since.is_none())?;
            let text = format!("{} took its place", new.name);
            Some(Problem::certain(ProblemKind::Renamed, text, Some(new.name.clone())))
        };
        value_problem.or(removed).or_else(renamed)
    }
}

impl Problem {
    fn certain(kind: ProblemKind, text: String, instead: Option<String>) -> Self {
        Self { kind, text, instead, unsure: None }
    }
}

/// Every reader that is there is too new for it, or perhaps is.
fn removed(variable: &Variable, standings: &[Standing]) -> Option<Problem> {
    let (mut reason, mut unsure) = (None, None);
    for (reader, standing) in variable.readers.iter().zip(standings) {
        match standing {
            Standing::Not(text) if reader.until.is_some() => reason = Some(text),
            Standing::Unclear(text) => {
                unsure = Some(text);
                reason = reason.or(Some(text).filter(|_| reader.until.is_some()));
            }
            Standing::Absent => {}
            Standing::Not(_) | Standing::Reads => return None,
        }
    }
    let instead = variable.replaced_by.as_ref().map(|it| it.name.clone());
    let certain = Problem::certain(ProblemKind::Removed, reason?.clone(), instead);
    Some(Problem { unsure: unsure.cloned(), ..certain })
}

/// A version that is there does not know the value, or not any more.
fn dead_value(variable: &Variable, value: &str, readers: &dyn Fn(&str) -> Presence) -> Option<Problem> {
    variable.dead_values.iter().filter(|it| it.matches(value)).find_map(|dead| {
        let kind = if dead.until.is_none() { ProblemKind::RemovedValue } else { ProblemKind::IgnoredValue };
        let (versions, unsure) = match readers(&dead.library) {
            Presence::Absent => return None,
            Presence::Present { version: Some(version), .. } if dead.covers(&version) => (version, None),
            Presence::Present { version: Some(_), .. } => return None,
            Presence::Present { version: None, .. } => {
                (String::new(), Some(format!("which version of {} is there is not known", dead.library)))
            }
            Presence::Unknown => (String::new(), Some(format!("whether {} is there is not known", dead.library))),
        };
        let unsure = unsure.filter(|_| dead.since.is_some() || dead.until.is_some());
        let reader = format!("{} {versions}", dead.library);
        let text = format!("{} {}", reader.trim_end(), dead.because);
        Some(Problem { kind, text, instead: dead.instead.clone(), unsure })
    })
}

/// The grammar does not have it.
fn invalid(variable: &Variable, value: &str) -> Option<Problem> {
    if value.is_empty() {
        let text = variable.empty.as_ref()?;
        return Some(Problem::certain(ProblemKind::InvalidValue, format!("an empty value {text}"), None));
    }
    let effect = variable.otherwise.as_deref().unwrap_or("is not a value of it");
    if variable.without_effect.iter().any(|it| it == value) {
        let text = format!("the value {effect}");
        return Some(Problem::certain(ProblemKind::IgnoredValue, text, variable.instead.clone()));
    }
    let kind = if variable.silent { ProblemKind::IgnoredValue } else { ProblemKind::InvalidValue };
    let expected = variable.grammar.refuses(value)?;
    let instead = variable.meant(value).or_else(|| variable.instead.clone());
    Some(Problem::certain(kind, format!("the value {effect}; expected {expected}"), instead))
}

impl DeadValue {
    fn matches(&self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        let glob = Glob::new(&self.value.to_ascii_lowercase());
        let parts = value.split([',', ':', ';', ' ']);
        glob.matches(value.as_bytes()) || parts.into_iter().any(|it| glob.matches(it.as_bytes()))
    }

    fn covers(&self, version: &str) -> bool {
        let from = |it: &String| compare_versions(version, it) != Ordering::Less;
        self.since.as_ref().is_none_or(from) && !self.until.as_ref().is_some_and(from)
    }
}

impl Variable {
    /// The word that was probably meant: none that newer versions have dropped.
    fn meant(&self, value: &str) -> Option<String> {
        let words = match &self.grammar {
            Grammar::Words { words, .. } | Grammar::Integer { words, .. } | Grammar::Places { words } => words,
            Grammar::Text | Grammar::Path | Grammar::CpuList | Grammar::Pattern { .. } => return None,
        };
        let dropped = |word: &str| self.dead_values.iter().any(|it| it.until.is_none() && it.matches(word));
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|it| !dropped(it)).collect();
        let value = value.trim();
        let same = words.iter().find(|it| it.eq_ignore_ascii_case(value)).map(|it| (*it).to_owned());
        same.or_else(|| nearest(&value.to_ascii_lowercase(), words))
    }
}
