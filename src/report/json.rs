//! Reports for programs: `json`, one document, and `jsonl`, one finding per line.
//!
//! Invariant: keys stand in the order of the structs below; within schema 1, keys are only added.

use serde::Serialize;

use super::{Counts, SCHEMA, TargetReport};
use crate::facts::Gap;
use crate::rules::{BaselineEntry, Finding, Undecided, WaiverReport};

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

const TOOL: Tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

#[derive(Serialize)]
struct One<'a> {
    schema: &'static str,
    tool: Tool,
    #[serde(flatten)]
    target: Target<'a>,
}

#[derive(Serialize)]
struct Several<'a> {
    schema: &'static str,
    tool: Tool,
    targets: Vec<Target<'a>>,
    counts: Counts,
}

#[derive(Serialize)]
struct Target<'a> {
    target: &'a str,
    findings: &'a [Finding],
    undecided: &'a [Undecided],
    passed: &'a [String],
    gaps: &'a [Gap],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    waivers: &'a [WaiverReport],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unused_baseline: &'a [BaselineEntry],
    counts: Counts,
}

impl<'a> Target<'a> {
    fn new(report: &TargetReport<'a>) -> Self {
        Self {
            target: &report.facts.target,
            findings: &report.outcome.findings,
            undecided: &report.outcome.undecided,
            passed: &report.outcome.passed,
            gaps: &report.facts.gaps,
            waivers: &report.outcome.waivers,
            unused_baseline: &report.outcome.unused_baseline,
            counts: Counts::of(report),
        }
    }
}

#[derive(Serialize)]
struct FindingLine<'a> {
    target: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// One document: the keys of the target itself for one target, `targets` for any other number.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    match targets {
        [one] => document(&One { schema: SCHEMA, tool: TOOL, target: Target::new(one) }),
        several => document(&Several {
            schema: SCHEMA,
            tool: TOOL,
            targets: several.iter().map(Target::new).collect(),
            counts: Counts::sum(several),
        }),
    }
}

/// One finding per line, each with its target.
pub(super) fn render_lines(targets: &[TargetReport<'_>]) -> String {
    let mut text = String::new();
    for report in targets {
        let target = report.facts.target.as_str();
        report.outcome.findings.iter().for_each(|finding| text.push_str(&line(&FindingLine { target, finding })));
    }
    text
}

/// `value` as an indented document that ends in a newline.
pub(super) fn document(value: &impl Serialize) -> String {
    ended(serde_json::to_string_pretty(value))
}

fn line(value: &impl Serialize) -> String {
    ended(serde_json::to_string(value))
}

/// Serialising to memory fails for maps with keys that are no strings only; these structs hold none. Should that
/// change, the document says so instead of being cut short.
fn ended(text: serde_json::Result<String>) -> String {
    let mut text = text.unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string());
    text.push('\n');
    text
}
