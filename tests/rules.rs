//! Rules as a whole: the built-in ones and two samples load, keep their examples, and never turn unknown into a verdict.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "rules/earlier.rs"]
mod earlier;
#[path = "rules/judge.rs"]
mod judge;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use pyhpc_audit::base::TextFile;
use pyhpc_audit::rules::{Policy, RuleSet, Verdict, example_verdict, rule_file_schema, schema, test_rules};
use serde_json::{Map, Value, json};

/// Shortest explanation that explains anything, in letters.
const MIN_WHY_LETTERS: usize = 80;

fn text_file(path: &Path) -> TextFile {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    TextFile { path: path.to_string_lossy().into_owned(), stem, text }
}

fn folder(folder: &str) -> Vec<TextFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    paths.sort();
    paths.iter().map(|path| text_file(path.strip_prefix(root).unwrap())).collect()
}

fn samples() -> Vec<TextFile> {
    folder("tests/rules/samples")
}

/// The built-in rules and the samples.
fn all_rules() -> RuleSet {
    let mut files = samples();
    for topic in ["blas", "mpi", "hdf5", "threads", "loader", "environment", "affinity", "container"] {
        files.extend(pyhpc_audit::base::builtin_files(topic));
    }
    RuleSet::only(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Compares with `<file>.expected`; `UPDATE=1` rewrites it.
#[track_caller]
fn check(file: &TextFile, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file.path).with_extension("expected");
    let got = format!("{}\n", got.trim_end());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &got).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expected, "{}", path.display());
}

#[test]
fn examples_hold() {
    let failed: Vec<_> = test_rules(&all_rules()).into_iter().filter(|report| !report.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn broken_rules_say_what_is_wrong_and_where() {
    for file in folder("tests/rules/broken") {
        check(&file, &RuleSet::only(std::slice::from_ref(&file)).unwrap_err().to_string());
    }
}

#[test]
fn broken_policies_say_what_is_wrong_and_where() {
    let rules = RuleSet::only(&samples()).unwrap();
    for file in folder("tests/rules/policy") {
        check(&file, &Policy::parse(&file, &rules, "2026-11-22".parse().unwrap()).unwrap_err().to_string());
    }
}

#[test]
fn words_of_rules() {
    for rule in all_rules().iter() {
        let name = &rule.name;
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{name}: title");
        assert!(rule.why.chars().count() >= MIN_WHY_LETTERS, "{name}: why explains too little");
        assert!(!rule.fix.text().trim().is_empty(), "{name}: fix");
        let message = rule.message.text().to_lowercase();
        for word in ["please", "should"] {
            assert!(!message.contains(word), "{name}: a message says what is, not `{word}`");
        }
    }
}

/// Replacing a known fact by unknown leaves the verdict or makes it unknown; the same for dropping what hides in a list.
#[test]
fn unknown_is_never_a_verdict() {
    for rule in all_rules().iter() {
        for example in &rule.examples {
            for hidden in hidden_one_by_one(&Value::Object(example.facts.clone())) {
                let facts = hidden.as_object().cloned().unwrap_or_default();
                let verdict = example_verdict(rule, &facts);
                assert!(
                    verdict == example.expect || verdict == Verdict::Unknown,
                    "{}, example `{}`: {verdict:?} instead of {:?} with {hidden}",
                    rule.name,
                    example.name,
                    example.expect
                );
            }
        }
    }
}

/// Every way to replace one value by unknown, to leave one field out, or to make one list incomplete by one member.
fn hidden_one_by_one(facts: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match facts {
        Value::Object(fields) if fields.contains_key("unknown") => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let put = |value: Value| {
                    let mut copy = fields.clone();
                    copy.insert(key.clone(), value);
                    Value::Object(copy)
                };
                if key != "incomplete" && !(key == "value" && fields.contains_key("incomplete")) {
                    let mut without = fields.clone();
                    without.remove(key);
                    all.extend([put(json!({"unknown": "hidden"})), Value::Object(without)]);
                }
                all.extend(hidden_one_by_one(value).into_iter().map(put));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(index);
                all.push(json!({"value": fewer, "incomplete": "hidden"}));
                for hidden in hidden_one_by_one(item) {
                    let mut copy = items.clone();
                    copy[index] = hidden;
                    all.push(Value::Array(copy));
                }
            }
            all.push(json!({"value": items, "incomplete": "hidden"}));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

#[test]
fn a_rule_without_all_kinds_of_examples_fails() {
    let mut file = samples().remove(1);
    file.text = file.text.split("[[example]]").next().unwrap().to_owned();
    let reports = test_rules(&RuleSet::only(&[file]).unwrap());
    let problems: Vec<_> = reports.iter().flat_map(|report| report.problems.clone()).collect();
    assert_eq!(
        problems,
        ["no example expects `violated`", "no example expects `satisfied`", "no example expects `unknown`"]
    );
}

#[test]
fn a_failing_example_says_what_was_missing() {
    let mut file = samples().remove(0);
    file.text = file.text.replace("parallel = { unknown = \"permission denied\" }", "parallel = true");
    file.text = file.text.replace(
        "expect = \"satisfied\"\n[example.facts]\nhdf5 = { user",
        "expect = \"satisfied\"\n[example.facts]\nhdf5 = { version",
    );
    let reports = test_rules(&RuleSet::only(&[file]).unwrap());
    let failed: Vec<_> = reports.into_iter().filter(|report| !report.passed()).collect();
    let [missing, wrong] = failed.as_slice() else { panic!("{failed:#?}") };
    assert_eq!(missing.problems, ["expected satisfied, got unknown", "missing: hdf5.user (not given)"]);
    assert_eq!((wrong.problems[0].as_str(), wrong.line), ("expected unknown, got satisfied", 48));
}

#[test]
fn names_lead_to_rules() {
    let mut files = samples();
    files.push(TextFile { path: "other/two-runtimes-sample.toml".to_owned(), ..files[1].clone() });
    let twice = RuleSet::only(&files).unwrap_err().to_string();
    assert!(twice.starts_with("other/two-runtimes-sample.toml:1:1: there is a rule of this name already"), "{twice}");
    let rules = RuleSet::only(&samples()).unwrap();
    assert_eq!(rules.get("old-serial-hdf5-sample").unwrap().name, "serial-hdf5-sample");
    assert!(rules.get("serial").is_none());
    assert_eq!(rules.nearest("two-runtime-sampel"), Some("two-runtimes-sample"));
}

#[test]
fn schemas_name_what_conditions_and_files_can_use() {
    assert!(schema().pointer("/$defs/Hdf5Use/properties/parallel/x-fact").is_some());
    assert!(rule_file_schema().pointer("/properties/when").is_some());
    let facts: Map<String, Value> = Map::new();
    for rule in all_rules().iter() {
        assert_eq!(example_verdict(rule, &facts), Verdict::Unknown, "{}: verdict without any fact", rule.name);
    }
}

proptest! {
    /// Whatever stands in a file of a site, it is read or refused with a place.
    #[test]
    fn spoilt_files_are_refused(which in 0..2_usize, at in 0.0..1.0_f64, length in 0..40_usize, put in "[a-z{}'\"\\\\=.\n\u{e9}\\[\\]]{0,8}") {
        let mut file = samples().remove(which);
        let letters: Vec<char> = file.text.chars().collect();
        let start = (at * letters.len() as f64) as usize;
        let kept = letters[..start].iter().chain(letters[(start + length).min(letters.len())..].iter());
        let (before, after) = kept.clone().enumerate().partition::<Vec<_>, _>(|(index, _)| *index < start);
        let text = |part: Vec<(usize, &char)>| part.into_iter().map(|(_, letter)| *letter).collect::<String>();
        file.text = text(before) + &put + &text(after);
        match RuleSet::only(std::slice::from_ref(&file)) {
            Ok(rules) => drop(test_rules(&rules)),
            Err(errors) => prop_assert!(errors.to_string().starts_with(&file.path)),
        }
        let rules = RuleSet::default();
        drop(Policy::parse(&file, &rules, "2026-11-22".parse().unwrap()).map_err(|errors| errors.to_string()));
    }
}
