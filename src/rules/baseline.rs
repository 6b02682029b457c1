//! A baseline: the findings that were there when a project began to audit itself. Only others make an audit fail.
//!
//! Invariant: one entry accepts one finding, so that the second occurrence of a known defect is a new finding.
//! Invariant: an entry that accepts nothing is reported, so that the file shrinks with the findings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::TextFile;

use super::file_error::FileError;
use super::outcome::{BaselineEntry, Finding, Outcome};

/// What to do about a file that is no baseline.
const NEXT_STEP: &str = "`pyhpc-audit baseline write --baseline FILE` writes a new one";

/// The findings that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Sorted.
    entries: Vec<BaselineEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineFile {
    schema: String,
    findings: Vec<BaselineEntry>,
}

impl Baseline {
    /// The `schema` of a baseline file.
    pub const SCHEMA: &'static str = "pyhpc-baseline/1";

    /// Reads a baseline file.
    ///
    /// # Errors
    /// Where it is not what [`Baseline::of`] gives, with its place and the next step.
    pub fn parse(file: &TextFile) -> Result<Self, FileError> {
        let read: BaselineFile = serde_json::from_str(&file.text).map_err(|error| mistake(file, &error))?;
        let at = |word: &str| file.text.find(word).unwrap_or_default();
        let wrong = |offset, message: String| Err(FileError::at(file, offset, message).with_help(next_step()));
        if read.schema != Self::SCHEMA {
            let message = format!("a baseline has the schema \"{}\", this one \"{}\"", Self::SCHEMA, read.schema);
            return wrong(at("\"schema\""), message);
        }
        if let Some(entry) = read.findings.iter().find(|it| it.fingerprint.is_empty()) {
            return wrong(at("\"fingerprint\": \"\""), format!("an entry of {} has no fingerprint", entry.rule));
        }
        let mut entries = read.findings;
        entries.sort();
        Ok(Self { entries })
    }

    /// The findings that no waiver accepts, as a baseline. Those that an older baseline knew are among them.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let findings = outcomes.iter().flat_map(|it| &it.findings).filter(|it| it.waived.is_none());
        let mut entries: Vec<BaselineEntry> = findings.map(entry).collect();
        entries.sort();
        Self { entries }
    }

    /// The entries, sorted by rule, subject and message.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// Marks the findings that are known, worst first, and reports the entries that are not needed.
    ///
    /// An entry says of no target that it is its own: those that are left over stand with the first one.
    pub fn accept(&self, outcomes: &mut [Outcome]) {
        let mut open: BTreeMap<&str, Vec<&BaselineEntry>> = BTreeMap::new();
        for entry in self.entries.iter().rev() {
            open.entry(&entry.fingerprint).or_default().push(entry);
        }
        for finding in outcomes.iter_mut().flat_map(|it| &mut it.findings).filter(|it| it.waived.is_none()) {
            finding.in_baseline = open.get_mut(finding.fingerprint.as_str()).and_then(Vec::pop).is_some();
        }
        if let Some(first) = outcomes.first_mut() {
            first.unused_baseline = open.into_values().flatten().cloned().collect();
            first.unused_baseline.sort();
        }
    }
}

fn entry(finding: &Finding) -> BaselineEntry {
    let Finding { rule, subject, message, fingerprint, .. } = finding;
    BaselineEntry {
        rule: rule.clone(),
        subject: subject.clone(),
        message: message.clone(),
        fingerprint: fingerprint.clone(),
    }
}

fn next_step() -> Option<String> {
    Some(NEXT_STEP.to_owned())
}

/// What the JSON reader says, at its place.
fn mistake(file: &TextFile, error: &serde_json::Error) -> FileError {
    let lines: usize = file.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let message = error.to_string();
    // The place stands in front already.
    let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let what = if file.text.trim().is_empty() { "the file is empty" } else { message };
    FileError::at(file, lines + error.column().saturating_sub(1), format!("this is no baseline: {what}"))
        .with_help(next_step())
}
