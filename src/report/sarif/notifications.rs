//! What a run could not say: gaps, undecided rules, what a limit cut off, and what is accepted for nothing.

use serde_json::{Value, json};

use super::address::{artifact, message};
use super::rules::{Rules, undescribed};
use crate::facts::Gap;
use crate::report::TargetReport;
use crate::report::anchor::{of_target, whole};

/// Notifications of one kind of one target; GitHub names no limit, but a file of 10 MB is one.
const OF_ONE_KIND: usize = 5000;

/// The kinds, with what each says.
const KINDS: [(&str, &str); 4] = [
    ("facts-gap", "A place could not be read or decided; what it hides has not passed."),
    ("undecided-rule", "A rule needs a fact that is unknown: it has not passed."),
    ("format-limit", "A limit of the format was reached: something is left out."),
    ("unused-acceptance", "A waiver or an entry of the baseline accepts nothing."),
];

/// The kinds as SARIF describes them.
pub(super) fn described() -> Vec<Value> {
    KINDS.iter().map(|(id, text)| undescribed(id, text)).collect()
}

/// A limit that was reached.
pub(super) fn limit(text: &str) -> Value {
    notification("format-limit", "warning", text)
}

/// Everything that one target could not say.
pub(super) fn of(target: &TargetReport<'_>, rules: &Rules<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    let gaps = &target.facts.gaps;
    all.extend(gaps.iter().take(OF_ONE_KIND).map(|it| gap(it, target)));
    let undecided = &target.outcome.undecided;
    for it in undecided.iter().take(OF_ONE_KIND) {
        let text = format!("{} of {} could not be decided: {}", it.rule, it.subject, it.missing.join("; "));
        let mut one = notification("undecided-rule", "warning", &text);
        one["associatedRule"] = rules.reference(&it.rule);
        one["locations"] = json!([{ "physicalLocation": { "artifactLocation": artifact(&of_target(target.facts)) } }]);
        all.push(one);
    }
    for (count, what) in [(gaps.len(), "gaps"), (undecided.len(), "undecided rules")] {
        if OF_ONE_KIND < count {
            all.push(limit(&format!("{} more {what} are left out; --format json lists them", count - OF_ONE_KIND)));
        }
    }
    for it in &target.outcome.waivers {
        let text = format!("the waiver of {} in line {} of the configuration is {}", it.rule, it.line, it.state.word());
        all.push(notification("unused-acceptance", "note", &text));
    }
    for it in &target.outcome.unused_baseline {
        let text = format!("the baseline knows {} of {}, which is not found: remove the entry", it.rule, it.subject);
        all.push(notification("unused-acceptance", "note", &text));
    }
    all
}

fn gap(gap: &Gap, target: &TargetReport<'_>) -> Value {
    let hides = if gap.hides.is_empty() { String::new() } else { format!("; hides {}", gap.hides) };
    let mut one = notification("facts-gap", "warning", &format!("{}: {}{hides}", gap.stage, gap.reason));
    let place = if gap.path.is_empty() { of_target(target.facts) } else { whole(&gap.path, target.facts) };
    one["locations"] = json!([{ "physicalLocation": { "artifactLocation": artifact(&place) } }]);
    one
}

fn notification(kind: &str, level: &str, text: &str) -> Value {
    let index = KINDS.iter().position(|(id, _)| *id == kind);
    json!({ "descriptor": { "id": kind, "index": index }, "level": level, "message": { "text": message(text) } })
}
