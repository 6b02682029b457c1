//! The survey over trees from text: `tests/survey/NAME.toml` is a base tree, processes and what is to be found of each.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "survey/demands.rs"]
mod demands;
#[path = "survey/fabrics.rs"]
mod fabrics;
#[path = "survey/loading.rs"]
mod loading;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::discover::Start;
use pyhpc_audit::facts::{Facts, Flat, LoadedLibrary};
use pyhpc_audit::loader::CpuLevel;
use pyhpc_audit::survey::{Knowledge, Question, SiteFiles, survey, why};
use pyhpc_audit::tree::View;
use serde::Deserialize;

/// One tree and the processes in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    #[allow(dead_code)]
    title: String,
    tree: support::Fixture,
    process: Vec<Process>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    imports: Vec<String>,
    /// The launcher that is asked about.
    launcher: Option<String>,
    /// Types that the plugins of that launcher serve.
    pmi: Option<Vec<String>>,
    /// Every library that is recognised: word, version, confidence and file.
    libraries: Option<Vec<String>>,
    /// The GPU memory that the MPI of each user takes.
    #[serde(default)]
    gpu: BTreeMap<String, String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Flat facts that are known.
    #[serde(default)]
    known: BTreeMap<String, serde_json::Value>,
    /// Flat facts that cannot be said.
    #[serde(default)]
    unknown: Vec<String>,
    /// Every binding, capture and so on of the process, a line each.
    loading: Option<Vec<String>>,
    /// What the files demand, who put them there, and what builds recorded, a line each.
    demands: Option<Vec<String>>,
    /// By what each MPI sends, a few lines each.
    fabrics: Option<Vec<String>>,
    /// The fabric of the site that these are held against.
    site: Option<String>,
    /// Another glibc that is asked about.
    libc: Option<String>,
    /// What the CPU can do; nothing is known of it by default.
    cpu: Option<String>,
    /// Names and what stands in the answer to `why`.
    #[serde(default)]
    why: BTreeMap<String, String>,
    /// Texts that stand in the reasons of gaps, in order; none asks nothing where `loading` is given.
    #[serde(default)]
    gaps: Vec<String>,
}

#[test]
fn every_process_is_as_expected() {
    let know = Knowledge::load(&SiteFiles::default()).unwrap();
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
        let view = View::new(Box::new(case.tree.memory_tree()));
        for process in &case.process {
            check(&path, &view, &know, process);
        }
    }
}

fn check(path: &Path, view: &View, know: &Knowledge, process: &Process) {
    let mut variables = Variables::default();
    variables.set(b"HOME", b"/root", "--env");
    for (name, value) in &process.variables {
        variables.set(name.as_bytes(), value.as_bytes(), "--env");
    }
    let question = Question {
        target: "/venv".to_owned(),
        start: Start::Path(TreePath::new("/venv")),
        imports: process.imports.clone(),
        first: Vec::new(),
        variables,
        cpu: process.cpu.as_deref().map_or(CpuLevel::Baseline, |it| CpuLevel::parse(it).unwrap()),
        launcher: process.launcher.as_ref().map(TreePath::new),
        image: None,
        libc: process.libc.clone(),
        verify_files: false,
    };
    let mut facts = survey(view, know, &question).unwrap().remove(0);
    let flat = Flat::of(&facts);
    let context = format!("{} {:?}", path.display(), process.imports);
    for (key, expected) in &process.known {
        assert_eq!(flat.facts.get(key), Some(expected), "{context}: {key}, unknown: {:?}", flat.unknown.get(key));
    }
    for key in &process.unknown {
        assert!(flat.unknown.contains_key(key), "{context}: {key} is {:?}", flat.facts.get(key));
    }
    if let Some(expected) = &process.demands {
        assert_eq!(&demands::lines(&facts), expected, "{context}");
    }
    if let Some(expected) = &process.loading {
        assert_eq!(&loading::lines(&facts.process), expected, "{context}");
    }
    check_libraries(&facts, process, &context);
    if let Some(expected) = &process.fabrics {
        let found = fabrics::lines(&mut facts, know, process.site.as_deref());
        assert_eq!(&found, expected, "{context} {:?}: fabrics", process.variables);
    }
    for (name, text) in &process.why {
        let answer = why(view, know, &question, name).unwrap().answer;
        assert!(answer.contains(text), "{context}: why {name}: {answer}");
    }
    // Libraries of a case about loading are bare: that they say no version is no part of it.
    if process.loading.is_some() && process.gaps.is_empty() {
        return;
    }
    let reasons: Vec<String> = facts.gaps.iter().map(|it| format!("{}: {}", it.path, it.reason)).collect();
    let fits = reasons.len() == process.gaps.len();
    let all = reasons.iter().zip(&process.gaps).all(|(reason, text)| reason.contains(text.as_str()));
    assert!(fits && all, "{context}: gaps {reasons:#?}");
}

fn check_libraries(facts: &Facts, process: &Process, context: &str) {
    if let Some(expected) = &process.pmi {
        assert_eq!(facts.environment.launcher.pmi.value(), Some(expected), "{context}: pmi");
    }
    if let Some(expected) = &process.libraries {
        let line = |it: &LoadedLibrary| {
            let version = it.version.value().cloned().flatten().unwrap_or_else(|| "-".to_owned());
            let (word, sure) = (it.library.value().unwrap(), it.confidence.value().unwrap());
            format!("{word} {version} {sure} {}", it.path)
        };
        let found: Vec<String> = facts.process.libraries.value().into_iter().flatten().map(line).collect();
        assert_eq!(&found, expected, "{context}: libraries");
    }
    for (user, expected) in &process.gpu {
        let mut uses = facts.process.mpi.value().into_iter().flatten();
        let found = uses.find(|it| it.user == *user).and_then(|it| it.gpu.value());
        assert_eq!(found, Some(expected), "{context}: gpu of {user}");
    }
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/survey");
    let entries = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|it| it.extension().is_some_and(|it| it == "toml")).collect();
    cases.sort();
    cases
}
