//! How many of everything: the numbers of the summary line and of `counts` in JSON.

use std::collections::BTreeSet;

use serde::Serialize;

use super::TargetReport;
use crate::rules::Severity;

/// How many of everything. Findings that a waiver or the baseline accepts count as such only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Findings that are errors.
    pub errors: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Findings that are notes.
    pub notes: usize,
    /// Findings that a waiver accepts.
    pub waived: usize,
    /// Findings that the baseline knows.
    #[serde(skip_serializing_if = "is_none")]
    pub in_baseline: usize,
    /// Rules that could not be decided for at least one subject.
    pub undecided: usize,
    /// Places that could not be read or decided.
    pub gaps: usize,
    /// Rules that passed.
    pub passed: usize,
    /// Rules that apply to nothing.
    pub not_applicable: usize,
}

impl Counts {
    /// The numbers of one target.
    pub fn of(target: &TargetReport<'_>) -> Self {
        let outcome = target.outcome;
        let of =
            |severity: Severity| outcome.findings.iter().filter(|it| it.counts() && it.severity == severity).count();
        let undecided: BTreeSet<&str> = outcome.undecided.iter().map(|it| it.rule.as_str()).collect();
        Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
            waived: outcome.findings.iter().filter(|it| it.waived.is_some()).count(),
            in_baseline: outcome.findings.iter().filter(|it| it.in_baseline).count(),
            undecided: undecided.len(),
            gaps: target.facts.gaps.len(),
            passed: outcome.passed.len(),
            not_applicable: outcome.not_applicable.len(),
        }
    }

    /// The numbers of all targets, added up.
    pub fn sum(targets: &[TargetReport<'_>]) -> Self {
        targets.iter().map(Self::of).fold(Self::default(), |a, b| Self {
            errors: a.errors + b.errors,
            warnings: a.warnings + b.warnings,
            notes: a.notes + b.notes,
            waived: a.waived + b.waived,
            in_baseline: a.in_baseline + b.in_baseline,
            undecided: a.undecided + b.undecided,
            gaps: a.gaps + b.gaps,
            passed: a.passed + b.passed,
            not_applicable: a.not_applicable + b.not_applicable,
        })
    }

    /// `2 errors, 1 warning, 3 notes`, or `no findings`.
    pub(super) fn findings(&self) -> String {
        let parts = present(&[(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")]);
        if parts.is_empty() { "no findings".to_owned() } else { parts }
    }

    /// The findings, and what keeps them from being the whole truth: `no findings, 6 rules undecided`.
    pub(super) fn verdict(&self) -> String {
        let findings = self.findings();
        match (self.undecided, self.gaps) {
            (0, 0) => findings,
            (0, gaps) => format!("{findings}, {}", plural(gaps, "gap")),
            (rules, _) => format!("{findings}, {} undecided", plural(rules, "rule")),
        }
    }

    /// `4 rules undecided, 1 gap`, or `nothing undecided`.
    pub(super) fn unknowns(&self) -> String {
        let rules = match self.undecided {
            0 => "nothing undecided".to_owned(),
            1 => "1 rule undecided".to_owned(),
            many => format!("{many} rules undecided"),
        };
        format!("{rules}, {}", plural(self.gaps, "gap"))
    }

    /// The summary: `2 errors, 1 warning; 4 rules undecided, 1 gap; 31 rules passed`.
    pub(super) fn summary(&self) -> String {
        let waived = if self.waived == 0 { String::new() } else { format!(", {} waived", self.waived) };
        let known =
            if self.in_baseline == 0 { String::new() } else { format!(", {} in the baseline", self.in_baseline) };
        let passed = plural(self.passed, "rule");
        format!("{}{waived}{known}; {}; {passed} passed", self.findings(), self.unknowns())
    }
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// `1 gap`, `2 gaps`, `no gaps`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

fn present(counts: &[(usize, &str)]) -> String {
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| plural(*count, noun)).collect();
    parts.join(", ")
}
