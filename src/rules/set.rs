//! All rules: the ones inside the binary and those of a site.
//!
//! Invariant: sorted by name; no two rules share a name, old names included.

use std::collections::BTreeMap;

use crate::base::{TextFile, builtin_files};

use super::file_error::{FileError, FileErrors, nearest};
use super::rule::Rule;
use super::types::fact_types;

/// Folders of `rules/` that hold rules; the others describe libraries and packages.
const TOPICS: [&str; 8] = ["blas", "mpi", "hdf5", "threads", "loader", "environment", "affinity", "container"];

/// Rules that were read and checked.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// The built-in rules and those of `extra`, of which a rule of the same name replaces the built-in one.
    ///
    /// The built-in ones are not checked again and come without their examples: see [`RuleSet::checked`].
    pub fn load(extra: &[TextFile]) -> Result<Self, FileErrors> {
        let builtin = builtin();
        let mut errors = Vec::new();
        let mut rules = read_layer(&builtin, Rule::proven, &mut errors);
        if !extra.is_empty() {
            let types = fact_types();
            rules.extend(read_layer(extra, |file| Rule::read(file, &types), &mut errors));
        }
        Self::of(rules, errors)
    }

    /// The built-in rules, checked, with their examples.
    pub fn checked() -> Result<Self, FileErrors> {
        Self::only(&builtin())
    }

    /// The rules of `files` alone, checked, with their examples.
    pub fn only(files: &[TextFile]) -> Result<Self, FileErrors> {
        let types = fact_types();
        let mut errors = Vec::new();
        let rules = read_layer(files, |file| Rule::read(file, &types), &mut errors);
        Self::of(rules, errors)
    }

    fn of(rules: BTreeMap<String, (Rule, &TextFile)>, mut errors: Vec<FileError>) -> Result<Self, FileErrors> {
        old_names(&rules, &mut errors);
        errors.sort();
        if !errors.is_empty() {
            return Err(FileErrors(errors));
        }
        Ok(Self { rules: rules.into_values().map(|(rule, _)| rule).collect() })
    }

    /// The rules, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule with that name, or with that old name.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        let old = |rule: &&Rule| rule.formerly.iter().any(|old| old == name);
        self.rules.iter().find(|rule| rule.name == name).or_else(|| self.rules.iter().find(old))
    }

    /// The name nearest to a misspelt one, if one is near.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.rules.iter().map(|rule| rule.name.as_str()))
    }
}

fn builtin() -> Vec<TextFile> {
    TOPICS.iter().flat_map(|topic| builtin_files(topic)).collect()
}

fn read_layer<'t>(
    files: &'t [TextFile],
    read: impl Fn(&TextFile) -> Result<Rule, Vec<FileError>>,
    errors: &mut Vec<FileError>,
) -> BTreeMap<String, (Rule, &'t TextFile)> {
    let mut rules: BTreeMap<String, (Rule, &TextFile)> = BTreeMap::new();
    for file in files {
        match read(file) {
            Ok(rule) => {
                if let Some((_, other)) = rules.get(&rule.name) {
                    let message = format!("there is a rule of this name already: {}", other.path);
                    errors.push(FileError::at(file, 0, message));
                }
                rules.insert(rule.name.clone(), (rule, file));
            }
            Err(mistakes) => errors.extend(mistakes),
        }
    }
    rules
}

/// An old name leads to one rule only.
fn old_names(rules: &BTreeMap<String, (Rule, &TextFile)>, errors: &mut Vec<FileError>) {
    let mut owners: BTreeMap<&str, &str> = rules.keys().map(|name| (name.as_str(), name.as_str())).collect();
    for (rule, file) in rules.values() {
        for old in &rule.formerly {
            if let Some(owner) = owners.insert(old, &rule.name) {
                let offset = file.text.find("formerly").unwrap_or_default();
                errors.push(FileError::at(file, offset, format!("`{old}` already leads to the rule `{owner}`")));
            }
        }
    }
}
