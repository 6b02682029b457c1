//! Reports: facts and verdicts as text, one file per format.
//!
//! Invariant: everything here is a function from plain data to text. No file, no environment, no clock, no terminal:
//! how the text looks is told by [`Look`].
//! Invariant: same input, same bytes.

mod alone;
mod anchor;
mod asked;
mod baseline;
mod counts;
mod diff;
mod explain;
mod findings;
mod github;
mod gitlab;
mod glance;
mod job;
mod json;
mod junit;
mod layout;
mod leftovers;
mod load_tree;
mod loads;
mod markdown;
mod modules;
mod node;
mod picture;
mod places;
mod profile;
mod sarif;
mod seen;
mod snippet;
mod table;
mod why;

use std::str::FromStr;

pub use alone::AloneReport;
pub use asked::{Asked, quoted};
pub use baseline::baseline;
pub use counts::Counts;
pub use diff::diff;
pub use explain::{Body, Page, RuleExample, RuleLevel, RulePage, Section, page, rule_page};
pub use loads::{
    FailedImport, LoadAlternative, LoadEvent, LoadedObject, LoadsReport, MissingObject, PassedOver, loads_json,
    loads_text,
};
pub use modules::{ExecutedModule, ModulesReport, SourceLine, Undecided};
pub use picture::node_picture;
pub use seen::{SeenBlock, SeenFile, seen_json, seen_toml};
pub use table::{RuleLine, rules_list};
pub use why::{Change, LibraryCopy, MissingLibrary, Place, Question, Step, why_json, why_text};

use crate::facts::Facts;
use crate::rules::{Outcome, Severity};

/// The `schema` of a report in JSON.
pub const SCHEMA: &str = "pyhpc-report/1";

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For people.
    Table,
    /// One document.
    Json,
    /// One finding per line.
    Jsonl,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// Test results in XML.
    Junit,
    /// A Code Quality report.
    Gitlab,
    /// Workflow commands of GitHub Actions.
    Github,
    /// A page for a step summary.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] =
        [Self::Table, Self::Json, Self::Jsonl, Self::Sarif, Self::Junit, Self::Gitlab, Self::Github, Self::Markdown];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Gitlab => "gitlab",
            Self::Github => "github",
            Self::Markdown => "markdown",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.word() == word).ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; there are {words}", words = words())]
pub struct UnknownFormat(pub String);

/// Every word, as a list in a sentence.
fn words() -> String {
    let words: Vec<&str> = Format::ALL.into_iter().map(Format::word).collect();
    match words.split_last() {
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

/// How much a report for people tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// What is needed to act.
    Terse,
    /// Every object, evidence line and gap.
    Verbose,
}

/// How a report for people looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Width of the page.
    pub width_columns: u16,
    /// Whether colours may be used.
    pub colour: bool,
    /// How much is told.
    pub verbosity: Verbosity,
    /// Whether only ASCII may be used.
    pub ascii: bool,
}

impl Look {
    /// A batch log: 100 columns of plain ASCII.
    pub const BATCH: Self = Self { width_columns: 100, colour: false, verbosity: Verbosity::Terse, ascii: true };
}

/// One target, judged.
#[derive(Debug, Clone, Copy)]
pub struct TargetReport<'a> {
    /// What is known about it.
    pub facts: &'a Facts,
    /// What the rules say.
    pub outcome: &'a Outcome,
    /// The rules that were asked, sorted by name; formats that describe rules show those.
    pub rules: &'a [RulePage],
    /// From which severity on a finding makes the command fail.
    pub fail_on: Severity,
}

/// The report over `targets`, ending in a newline unless it is empty.
pub fn render(format: Format, targets: &[TargetReport<'_>], look: &Look) -> String {
    match format {
        Format::Table => table::render(targets, look),
        Format::Json => json::render(targets),
        Format::Jsonl => json::render_lines(targets),
        Format::Sarif => sarif::render(targets),
        Format::Junit => junit::render(targets),
        Format::Gitlab => gitlab::render(targets),
        Format::Github => github::render(targets),
        Format::Markdown => markdown::render(targets),
    }
}
