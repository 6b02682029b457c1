//! Facts and rules in, verdicts out.
//!
//! Invariant: a rule that misses a fact is undecided, never passed.
//! Invariant: the same facts, rules and policy give the same outcome.

use std::cell::OnceCell;

use serde_json::{Map, Value as Json, json};

use crate::facts::{Evidence, Facts, Gap};

use super::correct::suggestions;
use super::evaluate::{Scope, evaluate};
use super::fingerprint::fingerprint;
use super::harmless::{harmless, harmless_value};
use super::outcome::{Finding, Outcome, Severity, Undecided, Verdict};
use super::policy::Policy;
use super::rule::{Condition, Rule};
use super::set::RuleSet;
use super::subject::Found;
use super::value::{Missing, Reason, Seen, Value, union};
use super::ways::Ways;

/// Judges `facts`.
pub fn judge(rules: &RuleSet, policy: &Policy, facts: &Facts) -> Outcome {
    let mut outcome = Outcome::default();
    let json = as_json(facts);
    let court = Court { facts, json: &json, harmless: OnceCell::new(), ways: OnceCell::new(), policy };
    for rule in rules.iter().filter(|rule| policy.enabled(&rule.name)) {
        court.judge(rule, &mut outcome);
    }
    policy.apply(&mut outcome);
    let key = |it: &Finding| (std::cmp::Reverse(it.severity), it.rule.clone(), it.subject.clone(), it.message.clone());
    outcome.findings.sort_by_key(key);
    outcome.findings.dedup();
    outcome.undecided.sort();
    outcome.undecided.dedup();
    outcome
}

/// What conditions can name; what the model cannot write is not given, and so unknown.
fn as_json(facts: &Facts) -> Map<String, Json> {
    let parts = [
        ("environment", serde_json::to_value(&facts.environment)),
        ("process", serde_json::to_value(&facts.process)),
        ("packages", serde_json::to_value(&facts.packages)),
        ("objects", serde_json::to_value(&facts.objects)),
        ("needs", serde_json::to_value(&facts.needs)),
        ("missing_versions", serde_json::to_value(&facts.missing_versions)),
        ("job", serde_json::to_value(&facts.job)),
        ("host", serde_json::to_value(&facts.host)),
    ];
    parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part.ok()?))).collect()
}

/// What one rule says of one subject.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) because: Vec<u64>,
    pub(super) missing: Vec<Missing>,
}

/// Asks one rule about one subject.
pub(super) fn decide(rule: &Rule, scope: &Scope<'_>) -> Decision {
    let undecided = |missing| Decision { verdict: Verdict::Unknown, because: Vec::new(), missing };
    let mut guard = Vec::new();
    if let Some(applies) = &rule.applies {
        match answer(applies, scope) {
            Ok((true, because)) => guard = because,
            Ok((false, because)) => return Decision { verdict: Verdict::NotApplicable, because, missing: Vec::new() },
            Err(missing) => return undecided(missing),
        }
    }
    match answer(&rule.when, scope) {
        Ok((violated, because)) => {
            let verdict = if violated { Verdict::Violated } else { Verdict::Satisfied };
            Decision { verdict, because: union(&because, &guard), missing: Vec::new() }
        }
        Err(missing) => undecided(missing),
    }
}

/// The severity of a violated rule: that of the first level that holds.
pub(super) fn severity(rule: &Rule, scope: &Scope<'_>) -> Severity {
    rule.levels.iter().find(|level| holds(&level.when, scope)).map_or(rule.severity, |level| level.severity)
}

/// The message as one line.
pub(super) fn message(rule: &Rule, scope: &Scope<'_>) -> String {
    rule.message.render(scope).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a condition is certainly true.
pub(super) fn holds(condition: &Condition, scope: &Scope<'_>) -> bool {
    matches!(answer(condition, scope), Ok((true, _)))
}

fn answer(condition: &Condition, scope: &Scope<'_>) -> Result<(bool, Vec<u64>), Vec<Missing>> {
    let seen = evaluate(condition.node(), scope);
    match seen.value {
        Value::Bool(value) => Ok((value, seen.because)),
        Value::Unknown(missing) => Err(missing),
        Value::Null | Value::Int(_) | Value::Double(_) | Value::Text(_) | Value::List { .. } | Value::Record(_) => Err(
            vec![Missing::text("condition", format!("true or false is needed, not {}", Seen::new(seen.value).kind()))],
        ),
    }
}

struct Court<'f> {
    facts: &'f Facts,
    json: &'f Map<String, Json>,
    harmless: OnceCell<Map<String, Json>>,
    /// The ways of installing, and who installed this environment.
    ways: OnceCell<(Ways, Vec<String>)>,
    policy: &'f Policy,
}

impl Court<'_> {
    fn judge(&self, rule: &Rule, outcome: &mut Outcome) {
        let found = rule.subject.find(self.json);
        let (mut decided, mut open) = (false, false);
        for subject in &found.items {
            let scope = Scope { facts: self.json, subject: Some((rule.subject.word, subject)) };
            let decision = decide(rule, &scope);
            match decision.verdict {
                Verdict::NotApplicable => {}
                Verdict::Satisfied => decided = true,
                Verdict::Violated => {
                    open = true;
                    outcome.findings.push(self.finding(rule, subject, &scope, &decision, &found));
                }
                Verdict::Unknown => {
                    open = true;
                    outcome.undecided.push(self.undecided(rule, rule.subject.call(subject), &decision.missing));
                }
            }
        }
        if let Some(hidden) = &found.hidden {
            // Whatever the hidden members are: the rule may not apply to them, or hold for all of them.
            let unknown = json!({ "unknown": "hidden" });
            let scope = Scope { facts: self.json, subject: Some((rule.subject.word, &unknown)) };
            match decide(rule, &scope).verdict {
                Verdict::NotApplicable => {}
                Verdict::Satisfied => decided = true,
                Verdict::Violated | Verdict::Unknown => {
                    open = true;
                    let missing = std::slice::from_ref(hidden);
                    outcome.undecided.push(self.undecided(rule, rule.subject.list_name(), missing));
                }
            }
        }
        match (open, decided) {
            (true, _) => {}
            (false, true) => outcome.passed.push(rule.name.clone()),
            (false, false) => outcome.not_applicable.push(rule.name.clone()),
        }
    }

    fn finding(
        &self,
        rule: &Rule,
        subject: &Json,
        scope: &Scope<'_>,
        decision: &Decision,
        found: &Found<'_>,
    ) -> Finding {
        // Names carry no evidence of their own: then the subject is there because its list says so.
        let because = if decision.because.is_empty() { &found.because } else { &decision.because };
        let (name, message) = (rule.subject.call(subject), message(rule, scope));
        let evidence = self.evidence(because);
        Finding {
            severity: self.policy.severity(&rule.name).unwrap_or_else(|| severity(rule, scope)),
            fingerprint: fingerprint(self.facts, &rule.name, &name, &message, &evidence),
            rule: rule.name.clone(),
            subject: name,
            message,
            evidence,
            fix: self.fix(rule, subject),
            corrections: suggestions(rule, scope, &|because| self.evidence(because)),
            waived: None,
            in_baseline: false,
        }
    }

    /// Commands for this environment, with values from the audited system that no shell takes apart.
    fn fix(&self, rule: &Rule, subject: &Json) -> String {
        let facts = self.harmless.get_or_init(|| harmless(self.json));
        let subject = harmless_value(subject);
        let scope = Scope { facts, subject: Some((rule.subject.word, &subject)) };
        let (ways, installers) = self.ways.get_or_init(|| {
            // The files travel inside the program: `cargo test` reads them.
            let ways = Ways::load().unwrap_or_default();
            let installers = ways.installers(self.facts);
            (ways, installers)
        });
        ways.fitting(rule.fix.commands(&scope).trim(), installers)
    }

    fn evidence(&self, because: &[u64]) -> Vec<Evidence> {
        let place = |id: &u64| usize::try_from(*id).ok().and_then(|id| self.facts.evidence.get(id));
        let mut evidence: Vec<Evidence> = Vec::new();
        for place in because.iter().filter_map(place) {
            if !evidence.contains(place) {
                evidence.push(place.clone());
            }
        }
        evidence
    }

    fn undecided(&self, rule: &Rule, subject: String, missing: &[Missing]) -> Undecided {
        let mut texts: Vec<String> = Vec::new();
        for text in missing.iter().map(|missing| self.missing(missing)) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Undecided { rule: rule.name.clone(), subject, missing: texts }
    }

    fn missing(&self, missing: &Missing) -> String {
        let name = &missing.name;
        match &missing.reason {
            Reason::Text(reason) => format!("{name}: {reason}"),
            Reason::Gap(id) => match usize::try_from(*id).ok().and_then(|id| self.facts.gaps.get(id)) {
                Some(Gap { path, reason, .. }) if path.is_empty() => format!("{name}: {reason}"),
                Some(Gap { path, reason, .. }) => format!("{name}: {reason} ({path})"),
                None => format!("{name}: unknown"),
            },
        }
    }
}
