//! Facts that an earlier version saved: without a field of this version they still load, the field is unknown, and no rule
//! is satisfied because of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pyhpc_audit::facts::{Facts, FactsError};
use pyhpc_audit::rules::{Outcome, Policy, RuleSet, judge};
use serde_json::{Value, json};

use super::all_rules;

/// Facts in the sample, the same field of several libraries counted once.
const FEWEST_FIELDS: usize = 100;

/// Facts that say everything this version can say.
fn sample() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/facts/two-mpis.json");
    serde_json::to_value(Facts::from_json(&fs::read_to_string(path).unwrap()).unwrap()).unwrap()
}

fn load(saved: &Value) -> Result<Facts, FactsError> {
    Facts::from_json(&saved.to_string())
}

fn is_fact(value: &Value) -> bool {
    value.get("because").is_some() || value.get("unknown").is_some()
}

/// The dotted names of all facts; the name of a list stands for each member.
fn fields(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(parts) if is_fact(value) => fields(parts.get("value").unwrap_or(&Value::Null), at, found),
        Value::Object(parts) => {
            for (name, part) in parts {
                let below = format!("{at}.{name}").trim_start_matches('.').to_owned();
                if is_fact(part) {
                    found.insert(below.clone());
                }
                fields(part, &below, found);
            }
        }
        Value::Array(members) => members.iter().for_each(|it| fields(it, at, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Calls `each` with everything that a dotted name stands for but its last word.
fn owners(value: &mut Value, steps: &[&str], each: &mut dyn FnMut(&mut Value)) {
    if is_fact(value) {
        return value.get_mut("value").map_or((), |value| owners(value, steps, each));
    }
    match (value, steps) {
        (Value::Array(members), _) => members.iter_mut().for_each(|it| owners(it, steps, each)),
        (value, [_]) => each(value),
        (value, [step, rest @ ..]) => value.get_mut(*step).map_or((), |it| owners(it, rest, each)),
        (_, []) => {}
    }
}

/// Rules that were satisfied or had nothing to apply to.
fn at_ease(outcome: &Outcome) -> BTreeSet<&str> {
    outcome.passed.iter().chain(&outcome.not_applicable).map(String::as_str).collect()
}

fn broken(outcome: &Outcome) -> BTreeSet<(&str, &str)> {
    outcome.findings.iter().map(|it| (it.rule.as_str(), it.subject.as_str())).collect()
}

#[test]
fn a_field_of_a_later_version_is_unknown_in_facts_of_an_earlier_one() {
    let rules: RuleSet = all_rules();
    let policy = Policy::default();
    let whole = judge(&rules, &policy, &load(&sample()).unwrap());
    let mut names = BTreeSet::new();
    fields(&sample(), "", &mut names);
    assert!(names.len() > FEWEST_FIELDS, "{names:?}");
    for name in names {
        let steps: Vec<&str> = name.split('.').collect();
        let last = *steps.last().unwrap();
        let mut earlier = sample();
        owners(&mut earlier, &steps, &mut |it| drop(it.as_object_mut().unwrap().remove(last).unwrap()));
        let facts = load(&earlier).unwrap_or_else(|error| panic!("without {name}: {error}"));

        let added = facts.gaps.len() - 1;
        assert_eq!(facts.gaps[added].hides, name);
        assert_eq!(facts.gaps[added].reason, "the facts were saved by an earlier version, which did not say it");
        let mut loaded = serde_json::to_value(&facts).unwrap();
        owners(&mut loaded, &steps, &mut |it| assert_eq!(it[last], json!({"unknown": added}), "{name}"));

        let less = judge(&rules, &policy, &facts);
        assert!(at_ease(&less).is_subset(&at_ease(&whole)), "without {name}: {:?}", less.passed);
        assert!(broken(&less).is_subset(&broken(&whole)), "without {name}: {:?}", broken(&less));
    }
}

#[test]
fn what_lacks_its_name_is_left_out_and_hides_what_it_said() {
    let mut earlier = sample();
    let count = earlier["packages"]["value"].as_array().unwrap().len();
    drop(earlier["packages"]["value"][0].as_object_mut().unwrap().remove("location"));
    let facts = load(&earlier).unwrap();
    assert_eq!(facts.packages.value().unwrap().len(), count - 1);
    assert_eq!(facts.gaps[facts.packages.gap().unwrap().0 as usize].hides, "packages.location");

    drop(earlier.as_object_mut().unwrap().remove("target"));
    assert_eq!(load(&earlier).unwrap_err(), FactsError::Lacks("target".to_owned()));
}

#[test]
fn a_group_of_facts_that_is_not_there_is_unknown_in_every_part() {
    let mut earlier = sample();
    drop(earlier["process"].as_object_mut().unwrap().remove("duplicates"));
    let facts = load(&earlier).unwrap();
    assert!(facts.process.duplicates.mpi.gap().is_some() && facts.process.duplicates.mpi.value().is_none());
}
