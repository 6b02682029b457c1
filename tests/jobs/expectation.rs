//! What a job script is expected to yield, and where a report differs from it.

use std::collections::BTreeSet;

use pyhpc_audit::rules::{Finding, Outcome, Severity};
use serde::Deserialize;
use serde_json::Value;

/// `NAME.expect.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The case in words.
    #[serde(rename = "why")]
    _why: String,
    /// The script beside it.
    pub(crate) script: String,
    /// The site profile beside it.
    pub(crate) site: Option<String>,
    /// Other files that the script names.
    #[serde(default, rename = "files")]
    _files: Vec<String>,
    /// Flat facts of the process.
    #[serde(default)]
    pub(crate) facts: Value,
    #[serde(default)]
    findings: Vec<Expected>,
    #[serde(default)]
    absent: Vec<Absent>,
    #[serde(default)]
    allowed: Vec<String>,
    #[serde(default)]
    undecided: Vec<String>,
}

#[derive(Deserialize)]
struct Expected {
    rule: String,
    #[serde(default)]
    line: Value,
    severity: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Absent {
    Anywhere(String),
    At {
        rule: String,
        #[serde(default)]
        line: Value,
    },
}

type Places = BTreeSet<(String, u64)>;

/// Every difference, in words.
pub(crate) fn mismatches(expected: &Expectation, outcome: &Outcome) -> Vec<String> {
    let findings: Vec<&Finding> = outcome.findings.iter().filter(|it| it.waived.is_none()).collect();
    let mut explained: BTreeSet<usize> = BTreeSet::new();
    let mut wrong = Vec::new();
    for it in &expected.findings {
        wrong.extend(found(it, &findings, &expected.script, &mut explained));
    }
    for it in &expected.absent {
        let (rule, line) = match it {
            Absent::Anywhere(rule) => (rule, &Value::Null),
            Absent::At { rule, line } => (rule, line),
        };
        let wanted = places(line, &expected.script);
        for (at, finding) in findings.iter().enumerate() {
            let here = finding.rule == *rule && meets(&wanted, &seen(finding, &expected.script));
            if here && explained.insert(at) {
                wrong.push(format!("fired: {}", shown(finding)));
            }
        }
    }
    for rule in &expected.undecided {
        if !outcome.undecided.iter().any(|it| it.rule == *rule) {
            wrong.push(format!("decided: {rule}"));
        }
    }
    let others = findings.iter().enumerate().filter(|(at, it)| {
        !explained.contains(at) && it.severity != Severity::Note && !expected.allowed.contains(&it.rule)
    });
    wrong.extend(others.map(|(_, it)| format!("unexpected: {}", shown(it))));
    wrong
}

/// What is wrong with one expected finding.
fn found(expected: &Expected, findings: &[&Finding], script: &str, explained: &mut BTreeSet<usize>) -> Option<String> {
    let wanted = places(&expected.line, script);
    let severities: Vec<&str> = expected.severity.split('|').collect();
    let same: Vec<usize> = (0..findings.len()).filter(|at| findings[*at].rule == expected.rule).collect();
    let here: Vec<usize> = same.iter().copied().filter(|at| meets(&wanted, &seen(findings[*at], script))).collect();
    let right: Vec<usize> =
        here.iter().copied().filter(|at| severities.contains(&findings[*at].severity.word())).collect();
    let Expected { rule, line, severity } = expected;
    if !right.is_empty() {
        explained.extend(right);
        None
    } else if let Some(first) = here.first() {
        explained.extend(&here);
        Some(format!("severity: expected {severity}: {}", shown(findings[*first])))
    } else if same.is_empty() {
        Some(format!("missing: {severity} {rule} at {line}"))
    } else {
        explained.extend(&same);
        Some(format!("place: expected {line}: {} at {:?}", rule, seen(findings[same[0]], script)))
    }
}

fn shown(finding: &Finding) -> String {
    format!("{} {}: {}", finding.severity.word(), finding.rule, finding.message)
}

/// `line` of an expectation as places; none where any will do.
fn places(line: &Value, script: &str) -> Option<Places> {
    let one = |it: &Value| match it.as_str().and_then(|it| it.rsplit_once(':')) {
        Some((file, line)) => (file.to_owned(), line.parse().unwrap()),
        None => (script.to_owned(), it.as_u64().unwrap()),
    };
    if line.is_null() {
        return None;
    }
    match line.as_array() {
        Some(list) => Some(list.iter().map(one).collect()),
        None => Some(BTreeSet::from([one(line)])),
    }
}

/// Places that a finding names: its evidence, and its subject where that is one.
fn seen(finding: &Finding, script: &str) -> Places {
    let name = |path: &str| path.rsplit('/').next().filter(|it| !it.is_empty()).unwrap_or(script).to_owned();
    let evidence = finding.evidence.iter();
    let mut seen: Places = evidence.filter_map(|it| Some((name(&it.path), u64::from(it.line?)))).collect();
    if let Some((file, Ok(line))) = finding.subject.rsplit_once(':').map(|(file, line)| (file, line.parse())) {
        seen.insert((name(file), line));
    }
    seen
}

fn meets(wanted: &Option<Places>, seen: &Places) -> bool {
    wanted.as_ref().is_none_or(|it| it.intersection(seen).next().is_some())
}
