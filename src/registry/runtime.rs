//! What an OpenMP runtime does with its settings: whether it binds its threads, whether they spin while they wait.

use serde::Deserialize;

use super::{Pools, Setting};

/// Most settings that may be unknown at once before nothing is concluded.
const MAX_UNKNOWN: u32 = 8;

/// An OpenMP runtime.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Runtime {
    /// Its words in `rules/libraries`.
    pub(super) libraries: Vec<String>,
    /// Settings that decide whether it binds threads. The first that matches counts; if none does, it does not.
    #[serde(default)]
    binds: Vec<Step>,
    /// Settings that decide whether idle threads spin, likewise.
    #[serde(default)]
    spins: Vec<Step>,
}

/// A setting that decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    variable: String,
    /// Values, in any case of letters, of which the first part of a list is one. Without all of these: any value.
    #[serde(default)]
    first: Vec<String>,
    /// Values of which any part of a list is one.
    #[serde(default)]
    any: Vec<String>,
    /// The value is a number, and at least this.
    at_least: Option<u64>,
    /// What follows.
    then: bool,
}

/// An answer and the variable that decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, because of this variable.
    Yes(String),
    /// No, because of this variable, or because nothing is set.
    No(Option<String>),
    /// Why it cannot be told.
    Unknown(String),
}

impl Pools {
    /// Whether an OpenMP runtime binds its threads to places; `None` for a library that is not described.
    pub fn binds_threads(&self, runtime: &str, environment: &dyn Fn(&str) -> Setting) -> Option<Decision> {
        let runtime = self.runtimes.iter().find(|it| it.libraries.iter().any(|it| it == runtime))?;
        Some(decide(&runtime.binds, environment, MAX_UNKNOWN))
    }

    /// Whether threads of an OpenMP runtime spin while they wait; `None` for a library that is not described.
    pub fn busy_waits(&self, runtime: &str, environment: &dyn Fn(&str) -> Setting) -> Option<Decision> {
        let runtime = self.runtimes.iter().find(|it| it.libraries.iter().any(|it| it == runtime))?;
        Some(decide(&runtime.spins, environment, MAX_UNKNOWN))
    }

    /// Words of the OpenMP runtimes that are described.
    pub fn runtimes(&self) -> impl Iterator<Item = &str> {
        self.runtimes.iter().flat_map(|it| it.libraries.iter().map(String::as_str))
    }
}

fn decide(steps: &[Step], environment: &dyn Fn(&str) -> Setting, unknown_left: u32) -> Decision {
    let Some((step, rest)) = steps.split_first() else { return Decision::No(None) };
    let then = || {
        let variable = step.variable.clone();
        if step.then { Decision::Yes(variable) } else { Decision::No(Some(variable)) }
    };
    match environment(&step.variable) {
        Setting::Value(value) if step.matches(&value) => then(),
        Setting::Value(_) | Setting::Unset => decide(rest, environment, unknown_left),
        Setting::Unknown(reason) => {
            let unknown = Decision::Unknown(format!("{} is not known: {reason}", step.variable));
            if unknown_left == 0 {
                return unknown;
            }
            // The same answer either way is an answer.
            let otherwise = decide(rest, environment, unknown_left - 1);
            match (&otherwise, step.then) {
                (Decision::Yes(_), true) | (Decision::No(_), false) => otherwise,
                (Decision::Yes(_), false) | (Decision::No(_), true) | (Decision::Unknown(_), _) => unknown,
            }
        }
    }
}

impl Step {
    fn matches(&self, value: &str) -> bool {
        let parts: Vec<&str> = value.split(',').map(str::trim).collect();
        let named = |words: &[String], part: &str| words.iter().any(|it| it.eq_ignore_ascii_case(part));
        let number = parts.first().and_then(|it| number(it));
        if self.first.is_empty() && self.any.is_empty() && self.at_least.is_none() {
            return !value.trim().is_empty();
        }
        parts.first().is_some_and(|it| named(&self.first, it))
            || parts.iter().any(|it| named(&self.any, it))
            || self.at_least.zip(number).is_some_and(|(least, it)| least <= it)
    }
}

/// A number with a unit: thousands, or milliseconds where the unit is one of time.
fn number(text: &str) -> Option<u64> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
    let number = digits.parse::<u64>().unwrap_or(u64::MAX);
    let thousand = |power: u32| number.saturating_mul(1000_u64.pow(power));
    match unit.trim().to_ascii_lowercase().as_str() {
        "us" => Some(number / 1000),
        "k" => Some(thousand(1)),
        "m" => Some(thousand(2)),
        "g" => Some(thousand(3)),
        "t" => Some(thousand(4)),
        _ => Some(number),
    }
}
