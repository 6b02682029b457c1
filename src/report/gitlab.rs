//! `gitlab`: a Code Quality report, which GitLab shows in merge requests.
//!
//! It is an array of objects with `description`, `check_name`, `fingerprint`, `severity` and `location`. It has no place for
//! what is accepted: findings of a waiver or the baseline are left out. What could not be said is an entry of its own, so
//! that unknown is not read as a pass.
//!
//! Invariant: no two entries have one fingerprint: GitLab shows only the first of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::anchor::{Anchor, name_of, of_finding, of_target, one_line};
use super::{Counts, TargetReport, json};
use crate::rules::Severity;

/// The check of the entry that says what could not be decided.
const NOT_DECIDED: &str = "not-decided";

/// The report over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut unique = |fingerprint: &str| {
        let times = seen.entry(fingerprint.to_owned()).or_default();
        *times += 1;
        if *times == 1 { fingerprint.to_owned() } else { format!("{fingerprint}-{times}") }
    };
    let mut entries = Vec::new();
    for target in targets {
        for finding in target.outcome.findings.iter().filter(|it| it.counts()) {
            let description = one_line(&finding.message);
            let place = of_finding(finding, target.facts);
            let severity = severity(finding.severity);
            entries.push(entry(&description, &finding.rule, &unique(&finding.fingerprint), severity, &place));
        }
        let counts = Counts::of(target);
        if 0 < counts.undecided + counts.gaps {
            let description = format!("not everything could be said of {}: {}", name_of(target), counts.unknowns());
            let fingerprint = unique(&format!("{NOT_DECIDED} {}", name_of(target)));
            let place = of_target(target.facts);
            entries.push(entry(&description, NOT_DECIDED, &fingerprint, "info", &place));
        }
    }
    json::document(&entries)
}

fn entry(description: &str, check: &str, fingerprint: &str, severity: &str, place: &Anchor) -> Value {
    json!({
        "description": description,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": { "path": place.path, "lines": { "begin": place.line } },
    })
}

/// GitLab has five words; `blocker` stays free for those who want to raise one.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Note => "info",
    }
}
