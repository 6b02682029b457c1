//! Images as targets of the built tool: every case of `tests/archives` writes archives from text and runs commands on
//! them. Each mistake has a message that names the file and the next step; nothing panics, nothing is lost.
//!
//! A case is `tests/archives/<case>/images.toml` (`support::archive`, `sandbox`, and `[[tree.file]]` and so on for what lies
//! beside), and one `.txt` per command.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use serde::Deserialize;

use support::archive::Archive;
use support::source::root;
use support::{Fixture, transcript};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    tree: Fixture,
    /// A directory with what the images of `python = true` hold; `tree` adds to it.
    sandbox: Option<String>,
    #[serde(rename = "archive")]
    archives: Vec<Archive>,
}

#[track_caller]
fn check(case: &str) {
    let directory = root().join("tests/archives").join(case);
    let read = |path| fs::read_to_string(path).unwrap();
    let python = Fixture::parse(&read(root().join("tests/audit/python.toml")));
    let text = read(directory.join("images.toml"));
    let archives: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{case}/images.toml:\n{error}"));
    let here = tempfile::tempdir().unwrap();
    archives.tree.write_below(here.path());
    if let Some(sandbox) = archives.sandbox {
        python.write_below(&here.path().join(sandbox));
    }
    for it in archives.archives {
        let path = here.path().join(&it.file);
        it.completed(&python).write(&path);
    }
    let files = transcript::files(&directory);
    assert!(!files.is_empty(), "{case} has no command");
    for file in files {
        transcript::check(&file, here.path());
        let known = read(file.clone());
        assert!(!known.contains("panicked at") && !known.contains("[exit by a signal]"), "{}", file.display());
    }
}

#[test]
fn parts_are_missing_or_say_something_else() {
    check("parts");
}

#[test]
fn layers_are_damaged() {
    check("layers");
}

#[test]
fn several_images_are_in_one_archive() {
    check("several");
}

#[test]
fn it_is_another_kind_of_file() {
    check("kinds");
}

#[test]
fn a_job_starts_an_image() {
    check("job");
}

#[test]
fn every_case_is_run() {
    let text = fs::read_to_string(root().join("tests/archives.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests/archives")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(text.contains(&format!("check(\"{name}\")")), "no test runs tests/archives/{name}");
    }
}
