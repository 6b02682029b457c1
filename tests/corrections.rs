//! Corrections of job scripts: a script that takes what `--diff` prints is a script still, and is no longer found wrong
//! where it was corrected.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// `tests/corrections/NAME.toml`: a script, the site and the process behind it, and the script as it should become.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Rules whose corrections change it; the script that comes out is no longer found by them.
    settles: Vec<String>,
    /// Rules that find it, and have no correction for it.
    #[serde(default)]
    leaves: Vec<String>,
    #[serde(default)]
    site: String,
    script: String,
    /// The lines that differ, as the diff has them.
    diff: String,
    /// Flat facts.
    facts: toml::Table,
}

fn tool(directory: &Path, arguments: &[&str]) -> String {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_pyhpc-audit"));
    let output = tool.env_clear().current_dir(directory).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn rules(directory: &Path, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let arguments = ["audit", "--job", "job.sh", "--site", "site.toml", "facts.json", "--format", "json"];
    let report: Value = serde_json::from_str(&tool(directory, &arguments)).unwrap();
    let findings = report["findings"].as_array().unwrap().iter().filter(|it| wanted(it));
    findings.map(|it| it["rule"].as_str().unwrap().to_owned()).collect()
}

fn is_corrected(finding: &Value) -> bool {
    finding["corrections"].as_array().is_some_and(|it| !it.is_empty())
}

/// Lines that a unified diff takes away and adds.
fn changed(diff: &str) -> String {
    let is_change = |line: &&str| line.starts_with(['-', '+']) && !line.starts_with("---") && !line.starts_with("+++");
    diff.lines().filter(is_change).map(|line| format!("{line}\n")).collect()
}

fn check(name: &str, case: &Case) {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let facts = serde_json::json!({ "schema": "pyhpc-facts/1", "target": "job", "facts": case.facts });
    fs::write(here.join("facts.json"), facts.to_string()).unwrap();
    fs::write(here.join("site.toml"), format!("schema = \"pyhpc-site/1\"\n{}", case.site)).unwrap();
    fs::write(here.join("job.sh"), &case.script).unwrap();

    let all = rules(here, |_| true);
    let settled = rules(here, is_corrected);
    assert_eq!(settled, case.settles.iter().cloned().collect(), "{name}: rules with corrections, of {all:?}");
    for rule in &case.leaves {
        assert!(all.contains(rule) && !settled.contains(rule), "{name}: {rule}, of {all:?}");
    }
    let diff = tool(here, &["audit", "--job", "job.sh", "--site", "site.toml", "facts.json", "--diff"]);
    assert_eq!(changed(&diff), case.diff, "{name}");

    if case.settles.is_empty() {
        return;
    }
    fs::write(here.join("job.diff"), &diff).unwrap();
    if !patched(here) {
        return;
    }
    let left = rules(here, |_| true);
    let again: Vec<&String> = case.settles.iter().filter(|it| left.contains(*it)).collect();
    assert!(again.is_empty(), "{name}: {again:?} found again in\n{}", fs::read_to_string(here.join("job.sh")).unwrap());
    if case.script.starts_with("#!/bin/bash") {
        let bash = Command::new("bash").arg("-n").arg("job.sh").current_dir(here).status();
        assert!(bash.is_err() || bash.unwrap().success(), "{name}: bash -n");
    }
}

/// Lets `patch` apply the diff; where there is no `patch`, nothing more can be asked.
fn patched(here: &Path) -> bool {
    let patch = Command::new("patch").args(["-p1", "-s", "-i", "job.diff"]).current_dir(here).status();
    let Ok(status) = patch else { return false };
    assert!(status.success(), "patch takes the diff");
    true
}

#[test]
fn corrected_scripts_are_right() {
    let mut cases = 0;
    let mut files: Vec<_> = fs::read_dir("tests/corrections").unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display().to_string();
        check(&name, &toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")));
        cases += 1;
    }
    assert_ne!(cases, 0);
}
