//! Imports followed through their source: `tests/trace/NAME.toml` holds small programs, `NAME.txt` what their imports do.
//!
//! `UPDATE=1 cargo test --test trace` rewrites the expected texts; review the difference like code.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "trace/hostile.rs"]
mod hostile;
#[path = "trace/outside.rs"]
mod outside;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use outside::Outside;
use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::trace::{Interpreter, Place, State, Step};
use pyhpc_audit::tree::{MemoryTree, View};
use serde::Deserialize;

/// Where the modules of a case lie.
const SITE: &str = "/site";

/// Cases that belong together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// One program and what is asked.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Case {
    /// What it shows.
    name: String,
    /// What is imported, in order. Default: `a`.
    import: Vec<String>,
    /// Whether the interpreter starts before.
    starts: bool,
    /// `sys.version_info`. Default: 3.11.4.
    version: Vec<u32>,
    /// The machine of the interpreter, as `uname -m` says it. Default: x86_64.
    machine: String,
    /// Variables of the process.
    variables: BTreeMap<String, String>,
    /// Sources and extensions below `/site`; `REPEAT n text` in front of a line repeats it.
    files: BTreeMap<String, String>,
    /// Extensions and libraries that cannot be loaded, and why.
    refused: BTreeMap<String, String>,
    /// What the code of an extension imports.
    imports_of: BTreeMap<String, Vec<String>>,
    /// Names that an extension holds.
    holds: BTreeMap<String, BTreeSet<String>>,
    /// Modules whose package chooses their file.
    provided: BTreeMap<String, String>,
}

impl Case {
    fn tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for (path, text) in &self.files {
            tree.add_file(&TreePath::new(format!("{SITE}/{path}")), repeated(text));
        }
        tree
    }

    fn render(&self) -> String {
        let mut out = format!("{}\n", self.name);
        let view = View::new(Box::new(self.tree()));
        let mut variables = Variables::default();
        for (name, value) in &self.variables {
            variables.set(name.as_bytes(), value.as_bytes(), "--env");
        }
        let mut state = State::new(interpreter(&view, &variables, self), Rc::default());
        let mut outside = Outside::new(self);
        if self.starts {
            state.start(&mut outside);
        }
        let usual = [String::from("a")];
        for import in if self.import.is_empty() { &usual[..] } else { &self.import } {
            if let Err(failure) = state.import(&mut outside, import) {
                let place = failure.place.as_ref().map(|it| format!(" at {}", spelt(it))).unwrap_or_default();
                let rests = if failure.rests_on_values { ", if the values are right" } else { "" };
                writeln!(out, "  {import} fails{place}: {}: {}{rests}", failure.class, failure.reason).unwrap();
            }
        }
        state.trace().steps.iter().for_each(|it| writeln!(out, "  {}", line(it)).unwrap());
        outside.log.iter().for_each(|it| writeln!(out, "  -> {it}").unwrap());
        for gap in state.take_news() {
            writeln!(out, "  gap {}: {}", short(&gap.path), gap.reason).unwrap();
        }
        if let Some(gap) = state.unseen() {
            writeln!(out, "  unseen {}: {}", short(&gap.path), gap.reason).unwrap();
        }
        out
    }
}

fn interpreter<'a>(view: &'a View, variables: &'a Variables, case: &Case) -> Interpreter<'a> {
    Interpreter {
        view,
        search: vec![TreePath::new(SITE), TreePath::new("/site/other")],
        mappings: Vec::new(),
        suffixes: vec![".cpython-311-x86_64-linux-gnu.so".to_owned(), ".so".to_owned()],
        version: if case.version.is_empty() { vec![3, 11, 4] } else { case.version.clone() },
        implementation: "cpython".to_owned(),
        machine: if case.machine.is_empty() { "x86_64".to_owned() } else { case.machine.clone() },
        multiarch: "x86_64-linux-gnu".to_owned(),
        tag: "cpython-311-x86_64-linux-gnu".to_owned(),
        prefixes: [TreePath::new("/usr"), TreePath::new("/usr")],
        variables,
    }
}

/// `REPEAT n text` as n lines.
fn repeated(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.strip_prefix("REPEAT ").and_then(|it| it.split_once(' ')) {
            Some((times, line)) => (0..times.parse().unwrap()).for_each(|_| writeln!(out, "{line}").unwrap()),
            None => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

fn line(step: &Step) -> String {
    let mut line = step.module.to_string();
    match &step.file {
        Some(file) => write!(line, " {}", short(file)).unwrap(),
        None => line.push_str(" (no file)"),
    }
    if step.is_extension {
        line.push_str(" (extension)");
    }
    if let Some(place) = &step.importer {
        write!(line, " from {}", spelt(place)).unwrap();
    }
    if let Some(condition) = &step.condition {
        write!(line, " when {} {}", condition.what, spelt(&condition.place)).unwrap();
    }
    line
}

fn spelt(place: &Place) -> String {
    format!("{}:{}", short(&place.path), place.line)
}

fn short(path: &TreePath) -> String {
    path.text().trim_start_matches("/site/").to_owned()
}

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace");
    let entries = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|it| it.extension().is_some_and(|it| it == "toml")).collect();
    files.sort();
    files
}

fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Cases = toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
    cases.case
}

#[test]
fn imports_do_what_the_cases_say() {
    let mut wrong = Vec::new();
    for path in files() {
        let actual: Vec<String> = cases(&path).iter().map(Case::render).collect();
        let actual = actual.join("\n");
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &actual).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != actual {
            wrong.push(format!("{}\n{actual}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "differs from what is expected:\n{}", wrong.join("\n"));
}
