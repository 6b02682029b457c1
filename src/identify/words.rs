//! Descriptions in words, for people who want to know how a file is recognised.

use regex::bytes::Regex;

use super::clause::Clause;
use super::{Attribute, Description, Library};
use crate::base::TextFile;

/// What a description says of one attribute: a value, and when a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The attribute.
    pub attribute: Attribute,
    /// The value, `{1}` for what the pattern captures; none for the reason why it may stay unknown.
    pub value: Option<String>,
    /// When, or why not.
    pub when: String,
}

/// The comment that a description begins with, without its marks.
pub(super) fn note(file: &TextFile) -> String {
    let lines = file.text.lines().take_while(|it| it.starts_with('#'));
    lines.map(|it| it.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

/// A pattern as it stands in the description.
fn written(pattern: &Regex) -> &str {
    pattern.as_str().strip_prefix("(?-u)").unwrap_or(pattern.as_str())
}

fn words(clause: &Clause, patterns: &[Regex]) -> String {
    let words = clause.in_words(patterns);
    let words = if words.is_empty() { "always".to_owned() } else { words.replace("(?-u)", "") };
    if clause.is_likely_only() && !clause.is_empty() { format!("{words} (likely only)") } else { words }
}

impl Library {
    /// The clauses of which any one suffices, in words.
    pub fn marks(&self) -> Vec<String> {
        self.is.iter().map(|it| words(it, &self.patterns)).collect()
    }

    /// What it says of each attribute, in the order in which it is asked.
    pub fn said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        for attribute in &self.attributes {
            for clause in self.clauses.get(attribute).into_iter().flatten() {
                let when = clause.in_words(&self.patterns).replace("(?-u)", "");
                let when = if when.is_empty() { "always".to_owned() } else { when };
                said.push(Said { attribute: *attribute, value: clause.value.clone(), when });
            }
            if let Some(reason) = self.undecided.get(attribute) {
                said.push(Said { attribute: *attribute, value: None, when: reason.clone() });
            }
        }
        said
    }

    /// What it opens at run time, a line each.
    pub fn openings_in_words(&self) -> Vec<String> {
        self.opens.iter().map(|it| it.in_words(&self.patterns)).collect()
    }

    /// Words of the descriptions that are less specific.
    pub fn more_specific_than(&self) -> &[String] {
        &self.before
    }
}

impl Description {
    /// The clauses of which any one suffices, in words.
    pub fn marks(&self) -> Vec<String> {
        self.is.iter().map(|it| words(it, &self.patterns)).collect()
    }

    /// Where its version stands, a line each.
    pub fn versions_in_words(&self) -> Vec<String> {
        let own = self.version.iter().map(|it| it.in_words(&self.patterns).replace("(?-u)", ""));
        let from = |(needed, text): &(Regex, Regex)| {
            format!("in the file of NEEDED like {}: text like {}", written(needed), written(text))
        };
        own.chain(self.version_from.iter().map(from)).collect()
    }

    /// Where its plugins for process management lie, a line each.
    pub fn plugins_in_words(&self) -> Vec<String> {
        let line = |(directory, file): &(String, Regex)| format!("{directory}: file name like {}", written(file));
        self.plugins.iter().map(line).collect()
    }

    /// Binary interfaces of the MPI libraries that it starts; empty when it starts any.
    pub fn starts_abis(&self) -> &[String] {
        &self.abis
    }
}
