//! `sarif`: SARIF 2.1.0, for code scanning services and editors.
//!
//! A target is a run of its own, with its name in `automationDetails.id`: GitHub keeps one analysis per tool and category,
//! takes no two runs of one category in a file, and closes alerts when a later run of the same category has them no more.
//! So a target keeps its alerts, whichever others are audited with it. Beyond the number of runs that GitHub takes, the
//! further targets share the last one.
//!
//! Invariant: every result has a place in a file, by a relative address, and a fingerprint of its own in its run.
//! Invariant: what could not be said, and what a limit cut off, is a notification: silence is a pass.

mod address;
mod notifications;
mod results;
mod rules;

use serde_json::{Value, json};

use crate::report::anchor::name_of;
use crate::report::{TargetReport, json as pages};
use rules::Rules;

/// Where the format is described.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Runs that GitHub takes of one file.
const RUNS: usize = 20;

/// What the run of further targets is called.
const FURTHER: &str = "further-targets";

/// The report over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    let own = if targets.len() <= RUNS { targets.len() } else { RUNS - 1 };
    let (own, further) = targets.split_at(own);
    let mut categories: Vec<String> = Vec::new();
    let mut runs: Vec<Value> = Vec::new();
    for target in own {
        let category = unused(&name_of(target), &categories);
        runs.push(run(&category, std::slice::from_ref(target), targets.len()));
        categories.push(category);
    }
    if !further.is_empty() {
        runs.push(run(&unused(FURTHER, &categories), further, targets.len()));
    }
    pages::document(&json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs }))
}

/// `name`, with a number where another run has it: GitHub refuses a file with two runs of one category.
fn unused(name: &str, taken: &[String]) -> String {
    let numbered = (2..=RUNS).map(|number| format!("{name}-{number}"));
    let free = |it: &String| !taken.contains(it);
    std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap_or_else(|| name.to_owned())
}

/// One run over `targets`, of `all` that share the file.
fn run(category: &str, targets: &[TargetReport<'_>], all: usize) -> Value {
    let rules = Rules::of(targets);
    let (results, left_out) = results::of(targets, &rules, all);
    let mut notifications: Vec<Value> = targets.iter().flat_map(|it| notifications::of(it, &rules)).collect();
    notifications.extend(left_out);
    if 1 < targets.len() {
        let message = format!("{} targets share this run: a file has at most {RUNS} runs", targets.len());
        notifications.push(notifications::limit(&message));
    }
    json!({
        "tool": { "driver": {
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules.described(),
            "notifications": notifications::described(),
        } },
        "automationDetails": { "id": format!("{}/{category}/", env!("CARGO_PKG_NAME")) },
        "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
        "columnKind": "unicodeCodePoints",
        "results": results,
    })
}
