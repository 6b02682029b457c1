//! What judging the facts gives: findings, what stayed undecided, what passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Evidence, Suggestion};

/// How bad a finding is. The order is that of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely to cost time or surprise.
    Warning,
    /// Does not work, or costs a large factor.
    Error,
}

impl Severity {
    /// The word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a condition says of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The rule holds.
    Satisfied,
    /// The rule is broken.
    Violated,
    /// A fact that decides is unknown.
    Unknown,
    /// `applies` does not hold.
    NotApplicable,
}

impl Verdict {
    /// The word for rule files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Violated => "violated",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// A violated rule with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule.
    pub rule: String,
    /// After levels, configuration and policy.
    pub severity: Severity,
    /// What it is about: `numpy`, a path, a variable.
    pub subject: String,
    /// What is, in one line.
    pub message: String,
    /// The facts that decided, as places.
    pub evidence: Vec<Evidence>,
    /// What to do, values filled in.
    pub fix: String,
    /// Places of the job script as they would be right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Suggestion>,
    /// Identifies the finding across runs and machines: a hash of rule, subject and message, without the directory of the
    /// environment and without numbers of lines.
    pub fingerprint: String,
    /// The waiver that accepts it.
    pub waived: Option<Waived>,
    /// Whether the baseline knows it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_baseline: bool,
}

impl Finding {
    /// Whether nothing accepts it: neither a waiver nor the baseline.
    pub fn counts(&self) -> bool {
        self.waived.is_none() && !self.in_baseline
    }
}

/// A finding that a baseline knows.
///
/// Invariant: the order is that of a baseline file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEntry {
    /// Name of the rule.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// What was the matter.
    pub message: String,
    /// What it is known by.
    pub fingerprint: String,
}

/// Why a finding is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// The reason given.
    pub reason: String,
    /// Last day on which it counts, `2027-03-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A rule that could not be decided for one subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Undecided {
    /// Name of the rule.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// Facts that are missing, each with the gap: `blas.vendor: libblas.so.3 could not be read: permission denied`.
    pub missing: Vec<String>,
}

/// A waiver that no longer does anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WaiverReport {
    /// Name of the rule.
    pub rule: String,
    /// The pattern of subjects, where the waiver has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is the matter with it.
    pub state: WaiverState,
    /// Where it stands in the configuration file.
    pub line: u32,
}

/// Why a waiver does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WaiverState {
    /// It matches no finding and no undecided rule.
    Unused,
    /// Its last day is over: what it accepted counts again.
    Expired,
}

impl WaiverState {
    /// The word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
        }
    }
}

/// All verdicts over one set of facts.
///
/// Invariant: findings are sorted by severity (worst first), rule and subject; everything else by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Violated rules.
    pub findings: Vec<Finding>,
    /// Rules that miss a fact.
    pub undecided: Vec<Undecided>,
    /// Rules that were decided for at least one subject and violated for none, none of them undecided.
    pub passed: Vec<String>,
    /// Rules that apply to nothing in this target.
    pub not_applicable: Vec<String>,
    /// Waivers that are unused or expired.
    pub waivers: Vec<WaiverReport>,
    /// Entries of the baseline that match no finding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused_baseline: Vec<BaselineEntry>,
}
