//! Loads rule files, checks and evaluates their conditions, applies waivers.
//!
//! A rule is one TOML file. Its conditions are CEL, three-valued: what is unknown never passes. In reading order:
//! `rule` reads a file, `condition` its conditions, `check` holds them against the `types` of the facts,
//! `evaluate` walks them, `judge` asks every rule about every subject, `correct` says how a script would be right, `policy` says what is
//! accepted, `baseline` what is known; `fingerprint` says what is the same finding elsewhere.

mod answers;
mod baseline;
mod check;
mod condition;
mod correct;
mod documented;
mod evaluate;
mod examples;
mod expression;
mod facts_table;
mod file_error;
mod fingerprint;
mod harmless;
mod judge;
mod operators;
mod outcome;
mod policy;
mod rule;
mod set;
mod subject;
mod template;
mod types;
mod value;
mod ways;

pub use baseline::Baseline;
pub use documented::{DocumentedFact, documented_facts};
pub use examples::{ExampleOutcome, ExampleReport, example_outcomes, example_verdict, test_rules};
pub use file_error::{FileError, FileErrors, nearest};
pub use judge::judge;
pub use outcome::{BaselineEntry, Finding, Outcome, Severity, Undecided, Verdict, Waived, WaiverReport, WaiverState};
pub use policy::Policy;
pub use rule::{Condition, Correction, Example, Level, Rule};
pub use set::RuleSet;
pub use subject::Subject;
pub use template::Template;

/// The JSON Schema of the facts: the names that conditions can use.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(crate::facts::Facts).to_value()
}

/// The JSON Schema of a rule file, for editors.
pub fn rule_file_schema() -> serde_json::Value {
    schemars::schema_for!(rule::RuleFile).to_value()
}
