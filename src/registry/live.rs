//! Whether anybody reads a variable in one process.

use std::cmp::Ordering;

use super::{Presence, Reader, Registry, Setting, When};
use crate::base::compare_versions;

/// Who reads a variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Words of those who read it.
    pub read_by: Vec<String>,
    /// Why nobody does, if that is certain.
    pub dead_because: Option<String>,
    /// Why it cannot be told, if nobody is known to read it.
    pub unknown: Option<String>,
}

/// What becomes of a variable at one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Reads,
    Absent,
    Not(String),
    Unclear(String),
}

impl Registry {
    /// Who reads `name`, given who is there and what else is set.
    pub fn live(&self, name: &str, readers: &dyn Fn(&str) -> Presence, environment: &dyn Fn(&str) -> Setting) -> Live {
        let Some(variable) = self.variable(name) else {
            return Live { unknown: Some(format!("nothing is known of {name}")), ..Live::default() };
        };
        let mut live = Live::default();
        let (mut reasons, mut unclear, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for reader in &variable.readers {
            let mut standing = reader.standing(&readers(&reader.library));
            if standing == Standing::Reads {
                standing = reader.overruled(environment);
            }
            let word = reader.library.clone();
            match standing {
                Standing::Reads if !live.read_by.contains(&word) => live.read_by.push(word),
                Standing::Reads => {}
                Standing::Absent if !absent.contains(&word) => absent.push(word),
                Standing::Absent => {}
                Standing::Not(reason) => reasons.push(reason),
                Standing::Unclear(reason) => unclear.push(reason),
            }
        }
        if !live.read_by.is_empty() {
            return live;
        }
        if !unclear.is_empty() {
            live.unknown = Some(unclear.join("; "));
        } else if reasons.is_empty() {
            live.dead_because = Some(format!("it is read by {} only, which this process does not have", or(&absent)));
        } else {
            live.dead_because = Some(reasons.join("; "));
        }
        live
    }
}

impl Reader {
    /// Whether this reader, as it is there, reads the variable at all.
    pub(super) fn standing(&self, presence: &Presence) -> Standing {
        let word = &self.library;
        let (version, threading) = match presence {
            Presence::Absent => return Standing::Absent,
            Presence::Unknown => return Standing::Unclear(format!("whether {word} is there is not known")),
            Presence::Present { version, threading } => (version, threading),
        };
        match (threading, self.threading.as_slice()) {
            (_, []) => {}
            (None, _) => return Standing::Unclear(format!("how {word} was built is not known")),
            (Some(build), builds) if !builds.contains(build) => {
                return Standing::Not(format!("{word} was built with {build}, and such a build does not read it"));
            }
            (Some(_), _) => {}
        }
        if self.since.is_none() && self.until.is_none() {
            return Standing::Reads;
        }
        let Some(version) = version else {
            return Standing::Unclear(format!("which version of {word} is there is not known"));
        };
        if let Some(until) = self.until.as_ref().filter(|it| compare_versions(version, it) != Ordering::Less) {
            return Standing::Not(format!("{word} {version} does not read it; versions before {until} did"));
        }
        match self.since.as_ref().filter(|it| compare_versions(version, it) == Ordering::Less) {
            Some(since) => Standing::Not(format!("{word} {version} does not read it; {since} and later do")),
            None => Standing::Reads,
        }
    }

    /// Whether other settings make this reader look away.
    fn overruled(&self, environment: &dyn Fn(&str) -> Setting) -> Standing {
        let mut unclear = None;
        for when in &self.dead_when {
            match when.holds(&environment(&when.variable)) {
                Ok(true) => {
                    let to = if when.is.is_empty() { String::new() } else { format!("={}", when.is.join(" or ")) };
                    let reason = format!("{} does not look at it when {}{to} is set", self.library, when.variable);
                    return Standing::Not(reason);
                }
                Ok(false) => {}
                Err(reason) => unclear = Some(format!("{} is not known: {reason}", when.variable)),
            }
        }
        unclear.map_or(Standing::Reads, Standing::Unclear)
    }
}

impl When {
    /// Whether the setting is so, or why that is not known.
    pub(super) fn holds(&self, setting: &Setting) -> Result<bool, String> {
        match setting {
            Setting::Unset => Ok(false),
            Setting::Unknown(reason) => Err(reason.clone()),
            Setting::Value(value) => {
                let named = |part: &str| self.is.iter().any(|it| it.eq_ignore_ascii_case(part.trim()));
                Ok(!value.trim().is_empty() && (self.is.is_empty() || value.split(',').any(named)))
            }
        }
    }
}

/// `a, b or c`.
pub(super) fn or(words: &[String]) -> String {
    match words {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
