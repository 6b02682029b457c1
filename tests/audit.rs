//! Bad input: every case of `tests/audit` runs the built tool over a tree from text. Each mistake has a message with its
//! place, or is a gap; nothing panics, nothing is lost.
//!
//! A case is `tests/audit/<case>/tree.toml`, which stands on `tests/audit/python.toml`, and one `.txt` per command.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use support::source::root;
use support::{Fixture, transcript};

#[track_caller]
fn check(case: &str) {
    let directory = root().join("tests/audit").join(case);
    let read = |path| fs::read_to_string(path).unwrap();
    let text = read(root().join("tests/audit/python.toml")) + &read(directory.join("tree.toml"));
    let here = tempfile::tempdir().unwrap();
    Fixture::parse(&text).write_below(&here.path().join(case));
    let files = transcript::files(&directory);
    assert!(!files.is_empty(), "{case} has no command");
    for file in files {
        transcript::check(&file, here.path());
        let known = read(file.clone());
        assert!(!known.contains("panicked at") && !known.contains("[exit by a signal]"), "{}", file.display());
    }
    unlock(here.path());
}

/// Lets the scratch directory be removed by its owner.
fn unlock(directory: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755)).unwrap();
            unlock(&entry.path());
        }
    }
}

#[test]
fn a_target_is_not_there_or_no_python() {
    check("not-there");
}

#[test]
fn the_python_of_an_environment_is_gone() {
    check("base-gone");
}

#[test]
fn somebody_else_may_read_it() {
    check("unreadable");
}

#[test]
fn reports_for_services_and_baselines() {
    check("ci");
}

#[test]
fn links_lead_to_themselves() {
    check("link-loop");
}

#[test]
fn objects_are_broken_foreign_or_hostile() {
    check("broken-objects");
}

#[test]
fn it_is_an_environment_of_macos() {
    check("macos");
}

#[test]
fn names_are_not_text() {
    check("foreign-names");
}

#[test]
fn records_are_malformed() {
    check("malformed-records");
}

#[test]
fn settings_are_malformed() {
    check("malformed-settings");
}

#[test]
fn saved_facts_are_none() {
    check("malformed-facts");
}

#[test]
fn a_host_is_not_there_or_none() {
    check("host-there-or-not");
}

#[test]
fn files_give_samples_or_say_why_not() {
    check("seen");
}

#[test]
fn every_case_is_run() {
    let text = fs::read_to_string(root().join("tests/audit.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests/audit")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let called = text.contains(&format!("check(\"{name}\")"));
        assert!(called || !entry.file_type().unwrap().is_dir(), "no test runs tests/audit/{name}");
    }
}
