//! What calls mean: `rules/python/program.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PoolKind;
use crate::base::{KnowledgeError, TextFile, builtin_files, compare_versions, parse};

/// What is known of calls in programs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    default_start: Vec<DefaultStart>,
    pub(super) cpus: Cpus,
    call: Vec<Call>,
    never_shadowed: Modules,
    /// Entries of `call` by name, in order.
    #[serde(skip)]
    by_name: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultStart {
    since: String,
    method: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Modules {
    modules: Vec<String>,
}

/// Calls that count CPUs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cpus {
    pub(super) node: Vec<String>,
    pub(super) mask: Vec<String>,
    pub(super) masks: Vec<String>,
}

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    names: Vec<String>,
    pub(super) when: Option<When>,
    pub(super) means: Means,
    pub(super) kind: Option<PoolKind>,
    pub(super) workers: Option<Workers>,
    pub(super) start: Option<String>,
    pub(super) start_argument: Option<Argument>,
    #[serde(default)]
    pub(super) limits_threads: bool,
    #[serde(default)]
    pub(super) limits: Vec<String>,
    pub(super) format: Option<String>,
    pub(super) method: Option<Argument>,
    pub(super) command: Option<Argument>,
    pub(super) module: Option<Argument>,
    pub(super) why: Option<String>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Means {
    Pool,
    Context,
    StartMethod,
    ThreadLimit,
    ParallelFile,
    ChildProcess,
    Import,
    Unclear,
    Exit,
}

/// Where an argument of a call stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argument {
    pub(super) position: Option<usize>,
    pub(super) keyword: Option<String>,
}

/// An argument, and the values for which an entry holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    position: Option<usize>,
    keyword: Option<String>,
    pub(super) values: Vec<String>,
}

/// How many a call starts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workers {
    position: Option<usize>,
    keyword: Option<String>,
    pub(super) default: Option<String>,
    pub(super) mask_since: Option<String>,
    pub(super) every: Option<i64>,
    pub(super) default_every: Option<String>,
    pub(super) least: Option<u64>,
}

impl When {
    pub(super) fn argument(&self) -> Argument {
        Argument { position: self.position, keyword: self.keyword.clone() }
    }
}

impl Workers {
    pub(super) fn argument(&self) -> Argument {
        Argument { position: self.position, keyword: self.keyword.clone() }
    }
}

impl Calls {
    /// The knowledge that travels in the binary.
    ///
    /// # Errors
    /// Where the file does not parse.
    pub fn builtin() -> Result<Self, KnowledgeError> {
        let mut calls = Self::default();
        for file in builtin_files("python").iter().filter(|it| it.stem == "program") {
            calls = Self::load(file)?;
        }
        Ok(calls)
    }

    /// Reads a file of the form of `rules/python/program.toml`.
    ///
    /// # Errors
    /// Where it does not parse: line, column and the nearest word.
    pub fn load(file: &TextFile) -> Result<Self, KnowledgeError> {
        let mut calls: Self = parse(file)?;
        for (at, call) in calls.call.iter().enumerate() {
            for name in &call.names {
                calls.by_name.entry(name.clone()).or_default().push(at);
            }
        }
        Ok(calls)
    }

    /// How `multiprocessing` starts processes on Linux where the program does not say: by version of Python.
    pub fn default_start(&self, python_version: &str) -> Option<&str> {
        let reached = |it: &&DefaultStart| compare_versions(&it.since, python_version).is_le();
        self.default_start.iter().rfind(reached).map(|it| it.method.as_str())
    }

    /// Whether a file beside the program cannot stand in for this module.
    pub fn is_never_shadowed(&self, module: &str) -> bool {
        module.starts_with('_') || self.never_shadowed.modules.iter().any(|it| it == module)
    }

    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &Call> {
        self.by_name.get(name).into_iter().flatten().filter_map(|at| self.call.get(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_knowledge_parses_and_every_entry_says_what_it_needs() {
        let calls = Calls::builtin().unwrap_or_else(|error| panic!("{error}"));
        for call in &calls.call {
            let complete = match call.means {
                Means::Pool => call.kind.is_some(),
                Means::Context | Means::StartMethod => call.method.is_some(),
                Means::ThreadLimit => call.workers.is_some() && !call.limits.is_empty(),
                Means::ParallelFile => call.format.is_some(),
                Means::ChildProcess => call.command.is_some(),
                Means::Import => call.module.is_some(),
                Means::Unclear => call.why.is_some(),
                Means::Exit => true,
            };
            assert!(complete, "{call:?}");
        }
    }

    #[test]
    fn the_default_start_method_follows_the_version() {
        let calls = Calls::builtin().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(calls.default_start("3.13.2"), Some("fork"));
        assert_eq!(calls.default_start("3.14.0"), Some("forkserver"));
    }
}
