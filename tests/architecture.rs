//! The house rules that a machine can check: who may know whom, which names stand in one place only, how long things get.
//!
//! The tables below are the rules. ARCHITECTURE.md explains them, and holds the same table of arrows. A violation prints
//! `file:line` and the rule.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::source::{Line, Source, files, root, sources};

/// Module, and the modules that it may name.
const ARROWS: [(&str, &str); 19] = [
    ("base", ""),
    ("tree", "base"),
    ("elf", "base"),
    ("macho", "base"),
    ("site", "base"),
    ("job", "base"),
    ("registry", "base"),
    ("launch", "base job site"),
    ("modulefile", "base job tree"),
    ("python", "base"),
    ("trace", "base python tree"),
    ("discover", "base elf tree"),
    ("loader", "base elf tree"),
    ("identify", "base elf macho"),
    ("facts", ""),
    ("survey", "base discover elf facts identify job launch loader macho modulefile python registry site trace tree"),
    ("rules", "base facts"),
    ("report", "facts rules"),
    ("cli", "base discover facts loader registry report rules site survey tree"),
];

/// A name, the files that may use it (beginnings of paths below `src/`), and why.
const ONE_PLACE: [(&str, &[&str], &str); 30] = [
    ("goblin", &["elf/"], "one door for hostile bytes, one place for limits"),
    ("walkdir", &["tree/host.rs"], "everything else must work inside an archive"),
    ("std::fs", &["tree/host.rs", "cli/"], "everything else must work inside an archive"),
    ("ruff_", &["python/"], "one reader of Python"),
    ("flate2", &["tree/"], "everything else sees files, however they are packed"),
    ("zstd", &["tree/"], "everything else sees files, however they are packed"),
    ("liblzma", &["tree/"], "everything else sees files, however they are packed"),
    ("quick_xml", &["site/profile/topology.rs"], "one reader of topologies"),
    ("stacker", &["trace/state.rs", "python/reader.rs"], "two places decide how deep sources nest"),
    ("cel", &["rules/condition.rs"], "a young crate behind one door"),
    ("clap", &["cli/"], "results do not depend on who asks"),
    ("println!", &["cli/output.rs"], "results do not depend on who asks"),
    ("eprintln!", &["cli/output.rs"], "results do not depend on who asks"),
    ("print!", &["cli/output.rs"], "results do not depend on who asks"),
    ("std::env", &["cli/"], "results do not depend on who asks"),
    ("std::io::stdin", &[], "nothing is asked back"),
    ("terminal_size", &["cli/"], "results do not depend on who asks"),
    ("anyhow", &["cli/"], "elsewhere an error has a type"),
    ("Zoned", &["cli/"], "the date comes from the caller: same input, same bytes out"),
    ("SystemTime", &[], "no clock: same input, same bytes out"),
    ("Instant", &["cli/progress.rs"], "no clock in results; somebody who watches is told how far it is"),
    ("tar_core", &["tree/archive/tar.rs"], "one reader of archives, one place for its limits"),
    ("comfy_table", &["report/table.rs"], "a table is one output format of several"),
    ("annotate_snippets", &["report/snippet.rs"], "carets are one way of pages to show a place"),
    ("similar", &["report/diff.rs"], "a diff is one output of several"),
    ("anstyle", &["report/"], "colour is a matter of pages"),
    ("include_dir", &["base/builtin.rs"], "one place knows that rules travel inside the binary"),
    (
        "Serialize",
        &["facts/", "rules/outcome.rs", "report/"],
        "a serialisable type is a promise; only the waist promises",
    ),
    ("process::Command", &[], "the tool never executes anything"),
    ("unsafe", &[], "no pointer arithmetic over hostile bytes"),
];

/// Modules that turn bytes into facts: an error there becomes a gap.
const PRODUCERS: [&str; 15] = [
    "base",
    "tree",
    "elf",
    "macho",
    "job",
    "site",
    "launch",
    "modulefile",
    "registry",
    "python",
    "trace",
    "discover",
    "loader",
    "identify",
    "survey",
];

/// `.ok()` in a producer is allowed where the line says one of these, because no error is lost there.
const KEPT: [(&str, &str); 9] = [
    ("linkage", "an object that cannot be read became a gap when it was opened"),
    ("parse::<", "text that is no number has no value"),
    ("try_from(", "a number that does not fit is none"),
    ("try_into()", "too few bytes: the caller says what is malformed"),
    ("from_utf8", "bytes that are not text hold none of the texts that are looked for"),
    ("world.system", "a loader that cannot be read became a gap when the world was made"),
    ("interpreter.ok()", "the error was pushed as a gap in the line above"),
    ("store.", "what cannot be opened became a gap or a broken file in the walk"),
    ("Process::start(", "a process that cannot start became a gap when the world was made"),
];

/// Words of the interface that hold a word of `rules/`: keys and values of facts that are public under this name.
const INTERFACE: [&str; 8] = [
    "mpi4py_agreement",
    "numpy_api",
    "numpy_major",
    "\"mpi4py-only\"",
    "\"h5py-only\"",
    "\"h5py.mpi\"",
    // Causes of a failing import; the rules are called so too.
    "\"missing-library\"",
    "\"undefined-symbol\"",
];

/// Lines of `src/facts` that hold words of the interface: allowed words of the schema, and the pair that is compared.
const INTERFACE_LINES: [&str; 2] = ["x-words", "const AGREEMENT_OF"];

/// Stems of `rules/` that are plain English or a capability: only a string that is exactly the word counts.
const PLAIN_WORDS: [&str; 5] = ["reference", "tables", "accelerate", "spectrum", "atlas"];

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;

#[track_caller]
fn check(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{rule}:\n  {}\n", violations.join("\n  "));
}

fn at(source: &Source, line: &Line, what: &str) -> String {
    format!("{}:{}: {what}", source.path, line.number)
}

/// Whether `name` stands in `code` as a whole name.
fn names(code: &str, name: &str) -> bool {
    let letter = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
    code.match_indices(name)
        .any(|(at, _)| !letter(code[..at].chars().next_back()) && !letter(code[at + name.len()..].chars().next()))
}

#[test]
fn modules_know_only_those_that_they_may_know() {
    let mut violations = Vec::new();
    for source in sources("src").iter().filter(|it| !it.module().is_empty()) {
        let module = source.module();
        let row = ARROWS.iter().find(|(name, _)| *name == module);
        let allowed: Vec<&str> = row.unwrap_or_else(|| panic!("{module} has no row in ARROWS")).1.split(' ').collect();
        for line in source.all_code() {
            for (at_letter, _) in line.code.match_indices("crate::") {
                let rest = &line.code[at_letter + "crate::".len()..];
                let known: String = rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
                if known != module && !allowed.contains(&known.as_str()) {
                    violations.push(at(source, &line, &format!("{module} may not know {known}{rest:.0}")));
                }
            }
            // In `mod.rs` `super` is the crate; that way round the table stays closed.
            let outside = source.path.ends_with("/mod.rs") && line.code.trim_start().starts_with("use super::");
            if outside && source.code().iter().any(|it| it.number == line.number) {
                violations.push(at(source, &line, "name a module as crate::NAME"));
            }
        }
    }
    check("who may know whom (ARROWS)", violations);
}

#[test]
fn architecture_md_holds_the_same_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut violations = Vec::new();
    for (module, allowed) in ARROWS {
        let begin = format!("| `{module}` |");
        let row = text.lines().find(|it| it.starts_with(&begin)).unwrap_or_default();
        let cell = row.split('|').nth(3).unwrap_or_default().trim().replace('`', "");
        if cell != if allowed.is_empty() { "nothing" } else { allowed } {
            violations.push(format!("ARCHITECTURE.md: {module}: expected \"{allowed}\", found \"{cell}\""));
        }
    }
    check("ARCHITECTURE.md holds the table of ARROWS", violations);
}

#[test]
fn some_names_stand_in_one_place_only() {
    let mut violations = Vec::new();
    for source in sources("src") {
        let below = source.path.trim_start_matches("src/");
        for (name, places, why) in ONE_PLACE {
            if places.iter().any(|it| below.starts_with(it)) {
                continue;
            }
            for line in source.code() {
                let renamed = name == "std::fs" && line.code.contains("std::{") && names(&line.code, "fs");
                if names(&line.code, name) || renamed {
                    violations.push(at(&source, &line, &format!("{name} is for {}: {why}", places.join(", "))));
                }
            }
        }
    }
    check("names that stand in one place only (ONE_PLACE)", violations);
}

#[test]
fn producers_lose_no_error() {
    let mut violations = Vec::new();
    for source in sources("src").iter().filter(|it| PRODUCERS.contains(&it.module())) {
        for line in source.code() {
            let kept = KEPT.iter().any(|(text, _)| line.code.contains(text));
            if (line.code.contains(".ok()") && !kept) || line.code.trim_start().starts_with("let _ =") {
                violations.push(at(source, &line, "an error must become a gap"));
            }
        }
    }
    check("producers lose no error (KEPT)", violations);
}

#[test]
fn knowledge_is_data() {
    let stems = |directory: &str| -> BTreeSet<String> {
        let stem = |it: String| Some(it.rsplit('/').next()?.strip_suffix(".toml")?.to_owned());
        files(directory, "toml").into_iter().filter_map(stem).collect()
    };
    let mut words = stems("rules/libraries");
    words.append(&mut stems("rules/packages"));
    words.append(&mut stems("rules/launchers"));
    words.extend(["srun", "aprun", "libmpi", "libhdf5", "libblas"].map(str::to_owned));
    let rules: Vec<String> = ["blas", "mpi", "hdf5", "threads", "loader", "environment", "affinity", "container"]
        .iter()
        .flat_map(|topic| stems(&format!("rules/{topic}")))
        .map(|it| format!("\"{it}\""))
        .collect();
    let mut violations = Vec::new();
    for source in sources("src") {
        for line in source.code() {
            let interface = source.module() == "facts" && INTERFACE_LINES.iter().any(|it| line.code.contains(it));
            if interface {
                continue;
            }
            let code = INTERFACE.iter().fold(line.code.clone(), |code, word| code.replace(word, ""));
            let pieces: BTreeSet<String> =
                code.split(|it: char| !it.is_alphanumeric()).map(str::to_ascii_lowercase).collect();
            let found = words.iter().filter(|word| match word.as_str() {
                "hdf5" => false,
                plain if PLAIN_WORDS.contains(&plain) => code.contains(&format!("\"{plain}\"")),
                word => pieces.contains(word),
            });
            violations.extend(found.map(|it| at(&source, &line, &format!("{it} is for rules/"))));
            let found = rules.iter().filter(|it| code.contains(it.as_str()));
            violations.extend(found.map(|it| at(&source, &line, &format!("the rule {it} is for rules/"))));
        }
    }
    check("names of libraries, packages, launchers and rules stand in TOML and in tests", violations);
}

#[test]
fn files_and_functions_stay_short() {
    let mut violations = Vec::new();
    for source in ["src", "tests", "examples"].into_iter().flat_map(sources) {
        let length = source.text.lines().count();
        if FILE_LINES < length {
            violations.push(format!("{}:1: {length} lines, at most {FILE_LINES}", source.path));
        }
        for (line, length) in source.functions().into_iter().filter(|it| FUNCTION_LINES < it.1) {
            violations.push(format!("{}:{line}: a function of {length} lines, at most {FUNCTION_LINES}", source.path));
        }
    }
    check("files and functions stay short", violations);
}

#[test]
fn every_file_says_what_it_is_for_and_postpones_nothing() {
    let postponed = ["TODO", "FIXME", "XXX", "#[ignore", "#[should_panic", "thread::sleep", "unimplemented!", "todo!"];
    let mut violations = Vec::new();
    for source in ["src", "tests", "examples"].into_iter().flat_map(sources) {
        if !source.text.starts_with("//! ") {
            violations.push(format!("{}:1: the first line is `//!` and says what the file is for", source.path));
        }
        if source.path == "tests/architecture.rs" {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            for word in postponed.iter().filter(|it| line.contains(**it)) {
                violations.push(format!("{}:{}: {word}: an issue number or nothing", source.path, number + 1));
            }
        }
    }
    check("every file says what it is for and postpones nothing", violations);
}

#[test]
fn the_version_has_a_heading_in_the_changelog() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let headings: Vec<&str> = text.lines().filter(|it| it.starts_with("## ")).collect();
    assert_eq!(headings.first().copied(), Some("## Unreleased"), "CHANGELOG.md begins with what is not released");
    let version = env!("CARGO_PKG_VERSION");
    let found = headings.iter().any(|it| it.trim_start_matches("## ").split(' ').next() == Some(version));
    assert!(found, "CHANGELOG.md has no heading for {version}");
}
