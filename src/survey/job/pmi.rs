//! `rules/pmi`: which process management the ranks of an MPI library speak.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use crate::base::{Glob, KnowledgeError, TextFile, compare_versions, parse};

/// Everything in `rules/pmi`, by word of the library.
#[derive(Debug, Clone, Default)]
pub(in crate::survey) struct ProcessManagement(BTreeMap<String, Spoken>);

/// What one MPI library speaks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::survey) struct Spoken {
    #[serde(default)]
    speaks: Vec<Speaks>,
    /// Releases whose ranks do not start under launchers of its own from a release on.
    #[serde(default)]
    refuses: Vec<Refuses>,
    /// The library of the scheduler that it has to be told of.
    pub(super) library: Option<Library>,
}

/// Two releases of one MPI that do not go together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuses {
    /// Libraries before this release.
    until: String,
    /// Launchers from this release on.
    launcher_since: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Speaks {
    since: Option<String>,
    until: Option<String>,
    types: Vec<String>,
    /// Those that depend on how it was built.
    #[serde(default)]
    perhaps: Vec<String>,
}

/// A library of the scheduler that an MPI loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::survey) struct Library {
    /// The variable that names it.
    pub(super) variable: String,
    /// Names of files that it cannot use.
    #[serde(deserialize_with = "crate::survey::knowledge::pattern")]
    pub(super) wrong: Regex,
    /// Types for which it is not needed from a version on.
    #[serde(default)]
    spares: Vec<String>,
    spares_since: Option<String>,
}

/// Whether a library speaks a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::survey) enum Fit {
    Yes,
    No,
    /// Why it cannot be said.
    Open(String),
}

impl ProcessManagement {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub(in crate::survey) fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        files.iter().map(|file| Ok((file.stem.clone(), parse(file)?))).collect::<Result<_, _>>().map(Self)
    }

    pub(in crate::survey) fn of(&self, library: &str) -> Option<&Spoken> {
        self.0.get(library)
    }
}

impl Spoken {
    /// Whether ranks of this version start under a launcher of its own of that version; none where that is not known.
    pub(in crate::survey) fn starts_under(&self, version: Option<&str>, launcher: Option<&str>) -> Option<bool> {
        let mut open = false;
        for it in &self.refuses {
            let old = version.map(|version| compare_versions(version, &it.until).is_lt());
            let new = launcher.map(|launcher| compare_versions(launcher, &it.launcher_since).is_ge());
            match (old, new) {
                (Some(true), Some(true)) => return Some(false),
                (Some(false), _) | (_, Some(false)) => {}
                (None, _) | (_, None) => open = true,
            }
        }
        (!open).then_some(true)
    }

    /// Whether this version speaks `kind`.
    pub(in crate::survey) fn fits(&self, kind: &str, version: Option<&str>) -> Fit {
        let answers: Vec<Fit> = self.speaks.iter().filter(|it| it.may_be(version)).map(|it| it.fits(kind)).collect();
        match answers.split_first() {
            None => Fit::Open("nothing is known of what this version speaks".to_owned()),
            Some((first, rest)) if rest.iter().all(|it| it == first) => first.clone(),
            Some(_) => Fit::Open("it depends on the version of the library".to_owned()),
        }
    }
}

impl Library {
    /// Whether this version speaks a type without it.
    pub(super) fn is_spared(&self, kind: Option<&str>, version: Option<&String>) -> bool {
        let listed = kind.is_some_and(|kind| self.spares.iter().any(|it| it == kind));
        let since = self.spares_since.as_ref().zip(version);
        listed && since.is_some_and(|(since, version)| compare_versions(version, since).is_ge())
    }
}

impl Speaks {
    fn may_be(&self, version: Option<&str>) -> bool {
        let Some(version) = version else { return true };
        let from = self.since.as_ref().is_none_or(|it| compare_versions(version, it).is_ge());
        from && self.until.as_ref().is_none_or(|it| compare_versions(version, it).is_lt())
    }

    fn fits(&self, kind: &str) -> Fit {
        let any = |list: &[String]| list.iter().any(|it| Glob::new(it).matches(kind.as_bytes()));
        if any(&self.types) {
            Fit::Yes
        } else if any(&self.perhaps) {
            Fit::Open(format!("whether it was built for {kind} decides"))
        } else {
            Fit::No
        }
    }
}
