//! Discovery over trees from text: `tests/discover/NAME.toml` is a tree and where to start, `NAME.txt` what is found.
//!
//! `UPDATE=1 cargo test --test discover` rewrites the expected texts; review the difference like code.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "discover/faulty.rs"]
mod faulty;
#[path = "discover/render.rs"]
mod render;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::discover::Start;
use pyhpc_audit::tree::View;
use rayon::prelude::*;
use serde::Deserialize;

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    #[allow(dead_code)]
    title: String,
    /// Paths, or `root`, or `active`.
    starts: Vec<String>,
    /// Variables of the audited process.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Modules to look for.
    #[serde(default)]
    modules: Vec<String>,
    /// Files to name the owner of.
    #[serde(default)]
    owners: Vec<String>,
    /// The tree.
    tree: support::Fixture,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()))
    }

    fn variables(&self) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in &self.variables {
            variables.set(name.as_bytes(), value.as_bytes(), "--env");
        }
        variables
    }

    fn starts(&self) -> Vec<Start> {
        let start = |it: &String| match it.as_str() {
            "root" => Start::Root,
            "active" => Start::Active,
            path => Start::Path(TreePath::new(path)),
        };
        self.starts.iter().map(start).collect()
    }

    fn render(&self, view: &View) -> String {
        let variables = self.variables();
        let question = render::Question { variables: &variables, modules: &self.modules, owners: &self.owners };
        self.starts().iter().map(|it| render::render(view, it, &question)).collect()
    }
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/discover");
    let entries = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|it| it.extension().is_some_and(|it| it == "toml")).collect();
    cases.sort();
    cases
}

#[test]
fn finds_what_the_cases_say() {
    let mut wrong = Vec::new();
    for path in cases() {
        let case = Case::read(&path);
        let actual = case.render(&View::new(Box::new(case.tree.memory_tree())));
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &actual).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != actual {
            wrong.push(format!("{}\n{actual}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "differs from what is expected:\n{}", wrong.join("\n"));
}

/// Whatever call fails: no panic, and what is then missing is told as a gap, a defect or an error.
#[test]
fn a_failing_call_is_never_silent() {
    let silent: Vec<String> = cases().par_iter().flat_map(|path| silent_calls(path)).collect();
    assert!(silent.is_empty(), "{} calls fail silently:\n{}", silent.len(), silent.join("\n"));
}

fn silent_calls(path: &Path) -> Vec<String> {
    let case = Case::read(path);
    let whole = case.render(&View::new(Box::new(case.tree.memory_tree())));
    let mut silent = Vec::new();
    for call in 0.. {
        let tree = faulty::Faulty::new(case.tree.memory_tree(), call);
        let failed = tree.failed();
        let text = case.render(&View::new(Box::new(tree)));
        let Some(place) = failed.lock().unwrap().clone() else { break };
        // Directories called `locked` fail anyway, in the same words.
        let told = |it: &str| it.contains("permission denied") && (!whole.contains(it) || place.contains("/locked"));
        if text != whole && !text.lines().any(told) {
            silent.push(format!("{}: call {call} ({place})\n{text}", path.display()));
        }
    }
    silent
}

/// A file name need not be UTF-8: it is printed with `%XX`, and nothing is lost.
#[test]
fn names_that_are_not_text_are_kept() {
    let case = Case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/discover/pth.toml"));
    let mut tree = case.tree.memory_tree();
    let site = TreePath::new("/py/lib/python3.11/site-packages");
    tree.add_file(&site.join(b"odd\xff/x.cpython-311-x86_64-linux-gnu.so"), "");
    tree.add_file(&site.join(b"p\xfeth.pth"), b"odd\xff\n".as_slice());
    tree.add_file(&site.join(b"\xff-1.0.dist-info/METADATA"), b"Name: \xff\nVersion: 1.0\n".as_slice());
    let text = case.render(&View::new(Box::new(tree)));
    for expected in ["extension /py/lib/python3.11/site-packages/odd%FF/x.cpython", "odd%FF (pth;", "%FF-1.0.dist-info"]
    {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

proptest::proptest! {
    /// Whatever bytes an interpreter, a record or a `.pth` file holds: no panic.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), at in 0_usize..200) {
        for name in ["pth", "venv", "conda"] {
            let case = Case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/discover/{name}.toml")));
            let mut tree = case.tree.memory_tree();
            let site = TreePath::new("/py/lib/python3.11/site-packages");
            tree.add_file(&site.join("a.pth"), bytes.clone());
            tree.add_file(&site.join("__editable___mapped_1_0_finder.py"), [b"MAPPING = {", bytes.as_slice()].concat());
            for file in ["METADATA", "RECORD", "direct_url.json", "top_level.txt", "INSTALLER"] {
                tree.add_file(&site.join("mapped-1.0.dist-info").join(file), bytes.clone());
            }
            tree.add_file(&TreePath::new("/proj/venv/pyvenv.cfg"), bytes.clone());
            tree.add_file(&TreePath::new("/opt/conda/conda-meta/h5py-3.11.0-nompi_py312h_102.json"), bytes.clone());
            let mut image = support::ElfSpec::default().build();
            let end = image.len().min(at + bytes.len());
            let count = end.saturating_sub(at);
            image.get_mut(at..end).unwrap_or_default().copy_from_slice(&bytes[..count]);
            tree.add_file(&TreePath::new("/py/bin/python3.11"), image);
            case.render(&View::new(Box::new(tree)));
        }
    }
}
