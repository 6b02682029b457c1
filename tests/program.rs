//! What Python programs do to the processes and threads of a job: every `tests/program/*.py` has an `.expected` beside it,
//! which `UPDATE=1` rewrites.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use pyhpc_audit::python::{At, Calls, EnvironWrite, Import, Program, Start, Value, program, shadows};
use support::source::{files, root};

fn calls() -> Calls {
    Calls::builtin().unwrap()
}

fn value(it: &Value) -> String {
    match it {
        Value::Text(text) => text.clone(),
        Value::Variable { name, default: None } => format!("${name}"),
        Value::Variable { name, default: Some(default) } => format!("${{{name}:-{default}}}"),
        Value::NodeCpus => "every CPU of the node".to_owned(),
        Value::MaskCpus => "every CPU of the mask".to_owned(),
        Value::MaskCpusSince(since) => format!("every CPU of the node, of the mask since {since}"),
        Value::Default => "not said".to_owned(),
        Value::Computed(text) => format!("computed `{text}`"),
    }
}

fn start(it: &Start) -> String {
    match it {
        Start::Default => ", started as by default".to_owned(),
        Start::Method(method) => format!(", started by {method}"),
        Start::Unclear(why) => format!(", started in a way that is unclear ({why})"),
        Start::None => String::new(),
    }
}

fn marked(at: &At) -> String {
    let skipped = usize::try_from(at.column - 1).unwrap();
    let text: String = at.text.chars().skip(skipped).take(usize::try_from(at.length).unwrap()).collect();
    let words = [(at.conditional, " [perhaps]"), (at.in_loop, " [loop]"), (at.in_function, " [not called]")];
    words.iter().filter(|(holds, _)| *holds).fold(format!("    `{text}`"), |text, (_, word)| text + word)
}

/// One line for each thing that the program does, in order, and the text that is marked below it.
fn shown(it: &Program) -> String {
    let mut lines: Vec<(&At, String)> = Vec::new();
    for it in &it.imports {
        let names = if it.names.is_empty() { String::new() } else { format!(": {}", it.names.join(", ")) };
        lines.push((&it.at, format!("import {}{names}", it.module)));
    }
    for EnvironWrite { name, value: to, how, at } in &it.environ {
        let to = to.as_ref().map_or_else(String::new, |it| format!(" = {}", value(it)));
        lines.push((at, format!("environ {how:?} {name}{to}")));
    }
    for it in &it.pools {
        let limits = if it.limits_threads { ", limits threads" } else { "" };
        let (workers, start) = (value(&it.workers), start(&it.start));
        lines.push((&it.at, format!("pool {} {:?}: {workers}{start}{limits}", it.api, it.kind)));
    }
    lines.extend(it.parallel_files.iter().map(|it| (&it.at, format!("parallel file {} {}", it.api, it.format))));
    for it in &it.thread_limits {
        let (limits, threads) = (it.limits.join(" "), value(&it.threads));
        lines.push((&it.at, format!("thread limit {}: {limits} {threads}", it.api)));
    }
    lines.extend(it.start_methods.iter().map(|it| (&it.at, format!("start method {}", value(&it.method)))));
    for it in &it.child_processes {
        let partly = if it.partly { " ..." } else { "" };
        lines.push((&it.at, format!("child process {}: {}{partly}", it.api, it.command.join(" "))));
    }
    lines.extend(it.unclear.iter().map(|it| (&it.at, format!("unclear: {}", it.what))));
    lines.sort_by_key(|(at, _)| at.order);
    let mut text = String::new();
    for (at, line) in lines {
        writeln!(text, "{}:{} {line}\n{}", at.line, at.column, marked(at)).unwrap();
    }
    text
}

#[test]
fn every_program_does_what_is_expected() {
    let calls = calls();
    let programs = files("tests/program", "py");
    assert!(!programs.is_empty());
    for path in programs {
        let found = shown(&program(&fs::read(root().join(&path)).unwrap(), &calls));
        let expected = root().join(&path).with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else {
            assert_eq!(fs::read_to_string(&expected).unwrap(), found, "{path}: UPDATE=1 rewrites it");
        }
    }
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let found = shown(&program(source.as_bytes(), &calls()));
    let found: Vec<&str> = found.lines().filter(|it| !it.starts_with("    ") && !it.contains(" import ")).collect();
    assert_eq!(found, expected, "{source}");
}

#[test]
fn names_are_followed() {
    check(
        "from multiprocessing import Pool as P\nN = 4 * 8\np = P(N)\n",
        &["3:5 pool multiprocessing.Pool Processes: 32, started as by default"],
    );
    check(
        "import multiprocessing as mp\nwith mp.get_context('spawn').Pool() as p: pass\n",
        &[
            "2:6 pool multiprocessing.get_context().Pool Processes: every CPU of the node, of the mask since 3.13, started by spawn",
        ],
    );
    check(
        "from concurrent.futures import *\nwith ProcessPoolExecutor(max_workers=3): pass\n",
        &["2:6 pool concurrent.futures.ProcessPoolExecutor Processes: 3, started as by default"],
    );
    check(
        "import os as o\nenv = o.environ\nenv['A'] = str(2)\nn = int(env['A'])\nimport numba\nnumba.set_num_threads(n)\n",
        &["3:1 environ Set A = 2", "6:1 thread limit numba.set_num_threads: numba 2"],
    );
}

#[test]
fn what_starts_nothing_is_no_pool() {
    check("import joblib\njoblib.Parallel(n_jobs=1)\njoblib.Parallel()\n", &[]);
    check(
        "from torch.utils.data import DataLoader\nDataLoader(d)\nDataLoader(d, num_workers=2)\n",
        &["3:1 pool torch.utils.data.DataLoader Processes: 2, started as by default, limits threads"],
    );
    check(
        "from scipy import optimize\noptimize.brute(f, r, workers=-1)\noptimize.brute(f, r)\n",
        &["2:1 pool scipy.optimize.brute Processes: every CPU of the node, started as by default"],
    );
    check("from multiprocessing import Pool\nif __name__ != '__main__':\n    Pool(3)\n", &[]);
    check("import sys, os\nsys.exit(0)\nos.fork()\n", &[]);
}

#[test]
fn what_may_run_is_marked() {
    let found = |source: &str| {
        let pools = program(source.as_bytes(), &calls()).pools;
        pools.iter().map(|it| (it.at.line, it.at.conditional, it.at.in_function)).collect::<Vec<_>>()
    };
    assert_eq!(found("import os, sys\nif len(sys.argv) > 1:\n    os.fork()\n"), [(3, true, false)]);
    assert_eq!(found("import os\ndef f():\n    os.fork()\n"), [(3, false, true)]);
    assert_eq!(found("import os\ndef f():\n    os.fork()\ndef g():\n    f()\ng()\n"), [(3, false, false)]);
    assert_eq!(found("import os\nfor i in range(4):\n    os.fork()\n"), [(3, false, false)]);
    assert_eq!(found("import os\nfor i in os.listdir():\n    os.fork()\n"), [(3, true, false)]);
    assert_eq!(found("import os\ndef f():\n    return\n    os.fork()\nf()\n"), []);
}

#[test]
fn what_is_not_decided_says_so() {
    check(
        "import sys\nfrom multiprocessing import Pool\nPool(int(sys.argv[1]))\n",
        &["3:1 pool multiprocessing.Pool Processes: computed `int(sys.argv[1])`, started as by default"],
    );
    check(
        "import h5py\ndef save(d):\n    h5py.File('x', 'w', driver=d)\n",
        &["3:5 unclear: driver is computed: what h5py.File does depends on it"],
    );
    check(
        "import sys, joblib\njoblib.Parallel(4, backend=sys.argv[1])\n",
        &[
            "2:1 unclear: backend is computed: what joblib.Parallel does depends on it",
            "2:1 pool joblib.Parallel Processes: 4, started by loky, limits threads",
        ],
    );
    check("exec(open('x').read())\n", &["1:1 unclear: runs code that is made while the program runs"]);
    let python_2 = program(b"import numpy\nprint 'x'\nimport scipy\n", &calls());
    assert_eq!(python_2.unclear.len(), 1, "{python_2:?}");
    assert_eq!(python_2.unclear[0].at.line, 2);
    assert_eq!(python_2.imports.len(), 2);
}

#[test]
fn local_files_that_answer_imports() {
    let import = |module: &str| Import { module: module.to_owned(), names: Vec::new(), at: At::default() };
    let imports = ["os", "random", "numpy.linalg", "helper", ".near", "h5py"].map(import);
    let names = ["random.py", "numpy.py", "numpy", "os.py", "h5py.cpython-312-x86_64-linux-gnu.so", "h5py_notes.py"];
    let found = shadows(&names, &imports, &calls());
    let found: Vec<String> = found.iter().map(|it| format!("{} {} {}", it.import, it.module, it.file)).collect();
    assert_eq!(found, ["1 random random.py", "2 numpy numpy", "5 h5py h5py.cpython-312-x86_64-linux-gnu.so"]);
}

#[test]
fn limits_are_said() {
    let many = "import os\n".to_owned() + &"os.fork()\n".repeat(3000);
    let found = program(many.as_bytes(), &calls());
    assert!(found.pools.len() < 2000);
    assert_eq!(found.unclear.len(), 1, "{:?}", found.unclear);
    let long = program(&vec![b'#'; 600 << 10], &calls());
    assert_eq!(long.unclear.len(), 1);
}

#[test]
fn hostile_programs_end() {
    let calls = calls();
    let calling: String = (0..40).map(|it| format!("def f{it}():\n    f{0}()\n    f{0}()\n", it + 1)).collect();
    let nested: String = (0..90).map(|it| format!("{}for i in [1, 2, 3]:\n", " ".repeat(it))).collect::<String>()
        + &" ".repeat(90)
        + "pass\n";
    let doubling = format!("a = 'x'\n{}", "a = a + a\n".repeat(10_000));
    let signs = format!("x = {}1\n", "-".repeat(100_000));
    for source in [calling + "f0()\n", nested, doubling, signs, "(".repeat(100_000), "x".repeat(600 << 10)] {
        program(source.as_bytes(), &calls);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_will_do(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        program(&bytes, &calls());
    }

    #[test]
    fn any_piece_of_a_program_will_do(from in 0..4000_usize, length in 0..4000_usize) {
        let source = fs::read(root().join("tests/program/everything.py")).unwrap();
        let from = from.min(source.len());
        program(&source[from..(from + length).min(source.len())], &calls());
    }
}
