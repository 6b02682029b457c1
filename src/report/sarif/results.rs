//! Findings as results, worst first.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::address::{artifact, message, physical};
use super::notifications::limit;
use super::rules::{Rules, level};
use crate::facts::{Facts, Suggestion};
use crate::report::TargetReport;
use crate::report::anchor::{further, of_finding, one_line, whole};
use crate::rules::Finding;

/// Results that GitHub takes of one run; of these it keeps the first 5,000 by severity.
const RESULTS: usize = 25_000;

/// Places that GitHub takes of one result, the first one among them.
const LOCATIONS: usize = 1000;

/// Bytes of all results in one file. GitHub takes 10 MB after gzip, which makes a tenth of such text.
const RESULT_BYTES: usize = 80 << 20;

/// The key of our fingerprint. The number changes with what the fingerprint covers.
const FINGERPRINT: &str = "pyhpcAudit/v1";

/// Whose finding it is.
struct Of<'a> {
    facts: &'a Facts,
    /// Whether there was a baseline to compare with.
    compared: bool,
}

/// The findings of `targets`, and what is left out of them. The file is shared by `all` targets.
pub(super) fn of(targets: &[TargetReport<'_>], rules: &Rules<'_>, all: usize) -> (Vec<Value>, Vec<Value>) {
    let mut findings: Vec<(Of<'_>, &Finding)> = Vec::new();
    for target in targets {
        let outcome = target.outcome;
        let compared = !outcome.unused_baseline.is_empty() || outcome.findings.iter().any(|it| it.in_baseline);
        findings.extend(outcome.findings.iter().map(|it| (Of { facts: target.facts, compared }, it)));
    }
    findings.sort_by_key(|(_, it)| (!it.counts(), std::cmp::Reverse(it.severity)));
    let mut times: HashMap<&str, usize> = HashMap::new();
    let (mut results, mut bytes, mut cut) = (Vec::new(), 0, 0);
    let room = RESULT_BYTES.saturating_mul(targets.len()) / all.max(1);
    for (of, finding) in &findings {
        let occurrence = times.entry(&finding.fingerprint).or_default();
        *occurrence += 1;
        let (result, places) = result(finding, *occurrence, of, rules);
        bytes += result.to_string().len();
        if RESULTS <= results.len() || room < bytes {
            break;
        }
        cut += places;
        results.push(result);
    }
    let mut left_out = Vec::new();
    if results.len() < findings.len() {
        let count = findings.len() - results.len();
        left_out.push(limit(&format!(
            "{count} of {} findings are left out: a run has at most {RESULTS} results, a file {} MiB",
            findings.len(),
            RESULT_BYTES >> 20
        )));
    }
    if 0 < cut {
        left_out.push(limit(&format!("{cut} places are left out: a result has at most {LOCATIONS}")));
    }
    (results, left_out)
}

/// One finding, and how many places of it are left out.
fn result(finding: &Finding, occurrence: usize, of: &Of<'_>, rules: &Rules<'_>) -> (Value, usize) {
    let facts = of.facts;
    let places = further(finding, facts);
    let related: Vec<Value> = places
        .iter()
        .take(LOCATIONS - 1)
        .enumerate()
        .map(|(at, (place, evidence))| {
            let offset = evidence.offset.map_or_else(String::new, |it| format!("at byte {it}: "));
            let text = format!("{offset}{}", evidence.text);
            json!({ "id": at + 1, "physicalLocation": physical(place), "message": { "text": message(&text) } })
        })
        .collect();
    let mut result = json!({ "ruleId": finding.rule });
    if let Some(index) = rules.index(&finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    result["level"] = json!(level(finding.severity));
    result["message"] = json!({ "text": message(&finding.message) });
    result["locations"] = json!([{
        "physicalLocation": physical(&of_finding(finding, facts)),
        "logicalLocations": [{ "fullyQualifiedName": one_line(&finding.subject) }],
    }]);
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result["partialFingerprints"] = json!({ FINGERPRINT: format!("{}:{occurrence}", finding.fingerprint) });
    accepted(finding, of, &mut result);
    if !finding.corrections.is_empty() {
        result["fixes"] = fixes(&finding.corrections, facts);
    }
    let fix: Vec<String> = finding.fix.trim().lines().map(one_line).collect();
    if !fix.is_empty() {
        result["properties"] = json!({ "fix": fix.join("\n") });
    }
    (result, places.len().saturating_sub(LOCATIONS - 1))
}

/// Why a finding does not count; with a baseline, whether it is new.
fn accepted(finding: &Finding, of: &Of<'_>, result: &mut Value) {
    let suppression = |why: &str| json!([{ "kind": "external", "status": "accepted", "justification": one_line(why) }]);
    if of.compared {
        result["baselineState"] = json!(if finding.in_baseline { "unchanged" } else { "new" });
    }
    if let Some(waived) = &finding.waived {
        let until = waived.until.as_ref().map_or_else(String::new, |day| format!(" (until {day})"));
        result["suppressions"] = suppression(&format!("{}{until}", waived.reason));
    } else if finding.in_baseline {
        result["suppressions"] = suppression("it is in the baseline");
    }
}

/// The corrections, those of one file together.
fn fixes(corrections: &[Suggestion], facts: &Facts) -> Value {
    let mut changes: Vec<(&str, Vec<Value>)> = Vec::new();
    for it in corrections {
        let region = json!({
            "startLine": it.line,
            "startColumn": it.column,
            "endColumn": it.column.saturating_add(it.length),
        });
        let one = json!({ "deletedRegion": region, "insertedContent": { "text": it.replacement } });
        match changes.iter_mut().find(|(path, _)| *path == it.path) {
            Some((_, list)) => list.push(one),
            None => changes.push((&it.path, vec![one])),
        }
    }
    let change = |(path, list): (&str, Vec<Value>)| json!({ "artifactLocation": artifact(&whole(path, facts)), "replacements": list });
    let changes: Vec<Value> = changes.into_iter().map(change).collect();
    json!([{ "description": { "text": "The corrected lines." }, "artifactChanges": changes }])
}
