//! Runs the examples of rules: each rule file is its own test.

use serde_json::Value as Json;

use super::evaluate::Scope;
use super::judge::{decide, message, severity};
use super::outcome::{Severity, Verdict};
use super::rule::{Example, Rule};
use super::set::RuleSet;
use super::value::{Missing, Reason};

/// Verdicts that the examples of each rule show.
const REQUIRED: [Verdict; 3] = [Verdict::Violated, Verdict::Satisfied, Verdict::Unknown];

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleReport {
    /// Name of the rule.
    pub rule: String,
    /// The rule's file.
    pub file: String,
    /// Line of the example, 1 where an example is missing altogether.
    pub line: u32,
    /// Name of the example.
    pub example: String,
    /// What is not as expected, a line each; empty when the example passes.
    pub problems: Vec<String>,
}

impl ExampleReport {
    /// Whether all is as expected.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Runs every example of every rule, and reports the kinds of examples that a rule lacks.
pub fn test_rules(rules: &RuleSet) -> Vec<ExampleReport> {
    let mut reports = Vec::new();
    for rule in rules.iter() {
        let report = |line, example: &str, problems| ExampleReport {
            rule: rule.name.clone(),
            file: rule.file.clone(),
            line,
            example: example.to_owned(),
            problems,
        };
        for example in &rule.examples {
            reports.push(report(example.line, &example.name, problems(rule, example)));
        }
        for verdict in REQUIRED {
            if !rule.examples.iter().any(|example| example.expect == verdict) {
                let problem = format!("no example expects `{}`", verdict.word());
                reports.push(report(1, "(all)", vec![problem]));
            }
        }
    }
    reports
}

/// What a rule says of one of its examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleOutcome {
    /// Name of the example.
    pub name: String,
    /// What the rule says.
    pub verdict: Verdict,
    /// Its severity, were it a finding.
    pub severity: Severity,
    /// Its message, values filled in.
    pub message: String,
    /// What to do, values filled in.
    pub fix: String,
}

/// What a rule says of each of its examples, for its page.
pub fn example_outcomes(rule: &Rule) -> Vec<ExampleOutcome> {
    let outcome = |example: &Example| {
        let scope = Scope { facts: &example.facts, subject: None };
        ExampleOutcome {
            name: example.name.clone(),
            verdict: decide(rule, &scope).verdict,
            severity: severity(rule, &scope),
            message: message(rule, &scope),
            fix: rule.fix.render(&scope),
        }
    };
    rule.examples.iter().map(outcome).collect()
}

/// What a rule says of the facts of an example. For tests of properties of verdicts.
pub fn example_verdict(rule: &Rule, facts: &serde_json::Map<String, Json>) -> Verdict {
    decide(rule, &Scope { facts, subject: None }).verdict
}

fn problems(rule: &Rule, example: &Example) -> Vec<String> {
    let scope = Scope { facts: &example.facts, subject: None };
    let decision = decide(rule, &scope);
    let mut problems = Vec::new();
    if decision.verdict != example.expect {
        problems.push(format!("expected {}, got {}", example.expect.word(), decision.verdict.word()));
        problems.extend(decision.missing.iter().map(|missing| format!("missing: {}", missing_text(missing))));
    }
    if decision.verdict == Verdict::Violated {
        let (severity, message) = (severity(rule, &scope), message(rule, &scope));
        if let Some(expected) = example.severity.filter(|expected| *expected != severity) {
            problems.push(format!("expected severity {}, got {}", expected.word(), severity.word()));
        }
        if let Some(expected) = example.message.as_ref().filter(|expected| **expected != message) {
            problems.push(format!("expected message: {expected}"));
            problems.push(format!("     got message: {message}"));
        }
    }
    problems
}

fn missing_text(missing: &Missing) -> String {
    match &missing.reason {
        Reason::Gap(id) => format!("{} (gap {id})", missing.name),
        Reason::Text(reason) => format!("{} ({reason})", missing.name),
    }
}
