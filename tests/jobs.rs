//! Job scripts with what must and must not be found in them: `tests/jobs/NAME.expect.json`, through the library.
//!
//! An expectation names its script, its site profile, the facts of the process, the findings with their lines, rules that
//! must not fire (`absent`), may fire (`allowed`), or must stay open (`undecided`). Any other warning or error is a mistake.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "jobs/expectation.rs"]
mod expectation;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use expectation::{Expectation, mismatches};
use pyhpc_audit::base::{TextFile, TreePath};
use pyhpc_audit::facts::Facts;
use pyhpc_audit::rules::{Outcome, Policy, RuleSet, Severity, judge};
use pyhpc_audit::site::Site;
use pyhpc_audit::survey::{JobKnowledge, JobQuestion, Knowledge, SiteFiles, read_job};
use pyhpc_audit::tree::{HostTree, View};
use serde_json::json;

/// What every case needs, read once.
struct Bench {
    know: JobKnowledge<'static>,
    rules: RuleSet,
    view: View,
}

impl Bench {
    fn new() -> Self {
        // Of one process that ends with its tests.
        let knowledge = Box::leak(Box::new(Knowledge::load(&SiteFiles::default()).unwrap()));
        let know = JobKnowledge::load(knowledge, &SiteFiles::default()).unwrap();
        let rules = RuleSet::load(&[]).unwrap();
        // The directory of the scripts is all there is: nothing of the machine that runs the test is seen.
        let view = View::new(Box::new(HostTree::below(&folder()).unwrap()));
        Self { know, rules, view }
    }

    /// The verdicts of a script, with these facts of the process and this site profile.
    fn judged(&self, script: &str, site: Option<&str>, facts: &serde_json::Value) -> Outcome {
        let site = site.map(|it| {
            let text = fs::read_to_string(folder().join(it)).unwrap();
            Site::parse(&TextFile { path: it.to_owned(), stem: it.to_owned(), text })
                .unwrap_or_else(|it| panic!("{it}"))
        });
        let bytes = fs::read(folder().join(script)).unwrap();
        let saved = json!({ "schema": "pyhpc-facts/1", "target": script, "facts": facts, "unknown": {} });
        let mut facts = Facts::from_json(&saved.to_string()).unwrap();
        let question = JobQuestion {
            script: script.to_owned(),
            bytes: &bytes,
            directory: TreePath::root(),
            site: site.as_ref(),
            variables: None,
            prefix: None,
            image_env: None,
            image_view: None,
        };
        read_job(&self.view, &self.know, question).join(&mut facts);
        judge(&self.rules, &Policy::default(), &facts)
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/jobs")
}

fn expectations() -> Vec<(String, Expectation)> {
    let entries = fs::read_dir(folder()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|it| it.ends_with(".expect.json")).collect();
    names.sort();
    let read = |name: &String| {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    names.iter().map(|name| (name.clone(), read(name))).collect()
}

#[test]
fn every_expectation_holds() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    let expectations = expectations();
    assert!(153 <= expectations.len(), "{} expectations were found", expectations.len());
    for (name, expected) in expectations {
        let outcome = bench.judged(&expected.script, expected.site.as_deref(), &expected.facts);
        // One defect is told once.
        let mut seen = BTreeSet::new();
        let twice = outcome.findings.iter().filter(|it| !seen.insert((&it.rule, &it.message)));
        wrong.extend(twice.map(|it| format!("{name}: said twice: {}: {}", it.rule, it.message)));
        wrong.extend(mismatches(&expected, &outcome).into_iter().map(|it| format!("{name}: {it}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What nothing is known of is no pass: rules on what the process loads stay open where there are no facts of it, or the
/// facts say that there may be more.
#[test]
fn rules_on_the_process_do_not_pass_without_it() {
    let rules = [
        "blas-thread-ceiling",
        "bound-to-too-few-cpus",
        "busy-wait-while-oversubscribed",
        "dead-thread-setting",
        "fork-after-openmp",
        "idle-cores",
        "kmp-affinity-against-launcher",
        "openmp-binding-starves-pools",
        "oversubscribed-cores",
        "process-pool-times-threads",
        "thread-count-unset",
        "thread-setting-too-late",
        "thread-settings-disagree",
        "user-site-shadows",
    ];
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for (name, expected) in expectations() {
        let outcome = bench.judged(&expected.script, expected.site.as_deref(), &json!({}));
        let passed = outcome.passed.iter().filter(|it| rules.contains(&it.as_str()));
        wrong.extend(passed.map(|it| format!("{name}: {it} passed")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without a site profile and without facts a script is still audited, and what is found rests on the script alone:
/// `tests/jobs/alone.txt`. `UPDATE=1` rewrites it.
#[test]
fn a_script_alone_gives_what_it_says_itself() {
    let bench = Bench::new();
    let scripts: BTreeSet<String> = expectations().into_iter().map(|it| it.1.script).collect();
    let mut text = String::new();
    for script in scripts {
        let outcome = bench.judged(&script, None, &json!({}));
        for it in outcome.findings.iter().filter(|it| Severity::Note < it.severity) {
            text.push_str(&format!("{script} {} {}: {}\n", it.severity.word(), it.rule, it.message));
        }
    }
    let path = folder().join("alone.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "alone.txt differs; it is now:\n{text}");
}
