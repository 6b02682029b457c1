//! What the activation of a conda environment sets, and what is missing where its Python is started by path.
//!
//! Invariant: scripts are read line by line for literal assignments; nothing else of them is followed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Installation;
use super::answer::{Evidence, gap, numbered};
use super::conda::conda_prefix;
use super::layout::list_or_gap;
use super::look::Look;
use super::metadata::optional;
use crate::base::{Gap, TreePath};
use crate::tree::View;

/// A variable that activation sets to a literal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The script or state file.
    pub because: Evidence,
}

/// `conda env config vars set` writes here.
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    env_vars: BTreeMap<String, String>,
}

/// The variables that `etc/conda/activate.d/*.sh` and `conda-meta/state` set, sorted by name; of several the last counts.
pub fn activation(view: &View, installation: &Installation, gaps: &mut Vec<Gap>) -> Vec<ActivationVariable> {
    let look = Look::new(view);
    let mut found: BTreeMap<String, ActivationVariable> = BTreeMap::new();
    if let Some(prefix) = conda_prefix(&look, installation) {
        let directory = prefix.join("etc/conda/activate.d");
        let names = if look.is_directory(&directory) {
            list_or_gap(&look, &directory, HIDES, gaps)
        } else {
            std::sync::Arc::default()
        };
        for (name, _) in names.iter().filter(|(name, _)| name.ends_with(b".sh")) {
            let file = directory.join(name);
            let Some(text) = optional(&look, &file, HIDES, gaps) else { continue };
            let assignments = numbered(&text).filter_map(|(number, line)| Some((number, line, assignment(line)?)));
            for (number, line, (name, value)) in assignments {
                let because = Evidence::line(&file, number, line.trim());
                found.insert(name.clone(), ActivationVariable { name, value, because });
            }
        }
        for it in state(&look, &prefix.join("conda-meta/state"), gaps) {
            found.insert(it.name.clone(), it);
        }
    }
    look.drain(gaps);
    found.into_values().collect()
}

const HIDES: &str = "what the activation of the environment sets";

fn state(view: &Look<'_>, file: &TreePath, gaps: &mut Vec<Gap>) -> Vec<ActivationVariable> {
    let Some(text) = optional(view, file, HIDES, gaps) else { return Vec::new() };
    match serde_json::from_str::<State>(&text) {
        Ok(state) => {
            let variable = |(name, value): (String, String)| {
                let because = Evidence::at(file, format!("{name}={value}"));
                ActivationVariable { name, value, because }
            };
            state.env_vars.into_iter().map(variable).collect()
        }
        Err(error) => {
            gaps.push(gap(file, format!("line {} is no valid state of conda: {error}", error.line()), HIDES));
            Vec::new()
        }
    }
}

/// `export NAME="value"`, `NAME=value`; values that the shell would compute are left out.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_end_matches(';');
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).trim_start().split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let bare = ['"', '\''].iter().find_map(|it| value.strip_prefix(*it)?.strip_suffix(*it)).unwrap_or(value);
    let literal = !bare.is_empty() && !bare.contains(['$', '`', '"', '\'', ' ', '\\', ';', '&', '|']);
    (is_name && literal).then(|| (name.to_owned(), bare.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(&str, &str)>) {
        let found = assignment(line);
        assert_eq!(found.as_ref().map(|(name, value)| (name.as_str(), value.as_str())), expected, "{line}");
    }

    #[test]
    fn only_literal_assignments_count() {
        check("export MKL_INTERFACE_LAYER=LP64,GNU", Some(("MKL_INTERFACE_LAYER", "LP64,GNU")));
        check("  export A=\"b\";", Some(("A", "b")));
        check("A='b'", Some(("A", "b")));
        check("export A=\"$CONDA_PREFIX/lib\"", None);
        check("if [ \"$A\" = b ]; then", None);
        check("A=b other", None);
        check("export A", None);
        check("A=", None);
    }
}
