//! The laws of the loader, one file each: `tests/loader/LAW.toml` is a tree, processes over it, and what they map.
//!
//! `UPDATE=1 cargo test --test loader` rewrites the expected texts; review the difference by the law that the first
//! comment of the file states. `ORACLE=1 cargo test --test oracle` asks the machine's own ld.so about the same files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, missing_docs, unreachable_pub)]

#[path = "loader/cache.rs"]
mod cache;
#[path = "loader/case.rs"]
mod case;
#[path = "oracle/draft.rs"]
#[allow(dead_code)]
mod draft;
#[path = "oracle/generate.rs"]
mod generate;
#[path = "loader/levels.rs"]
mod levels;
#[path = "loader/mutations.rs"]
mod mutations;
#[path = "loader/one_rule.rs"]
mod one_rule;
#[path = "loader/render.rs"]
mod render;
mod support;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use case::Case;

#[test]
fn every_law_holds() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differences = String::new();
    for path in laws() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}: the first comment is the law", path.display());
        let case = Case::parse(&path, &text);
        let got = render::render(&case, Box::new(case.whole_fixture().memory_tree()));
        if got == case.expected.text {
            continue;
        }
        if update {
            let head = text.split("\n[expected]").next().unwrap().trim_end();
            std::fs::write(&path, format!("{head}\n\n[expected]\ntext = '''\n{got}'''\n")).unwrap();
        } else {
            writeln!(differences, "{}\nexpected:\n{}got:\n{got}", path.display(), case.expected.text).unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}UPDATE=1 rewrites the expected texts");
}

#[test]
fn fourteen_rules_of_fourteen() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/loader");
    let mut held = 0;
    for (rule, file) in one_rule::ONE_RULE {
        let path = directory.join(file);
        let case = Case::parse(&path, &std::fs::read_to_string(&path).unwrap());
        let got = render::render(&case, Box::new(case.whole_fixture().memory_tree()));
        println!("{} {rule}", if got == case.expected.text { "holds:" } else { "FAILS:" });
        held += usize::from(got == case.expected.text);
    }
    assert_eq!(held, 14);
}

#[test]
fn levels_that_choose_other_files_are_told() {
    let case = |text: &str| Case::parse(Path::new("levels"), text);
    let (split, matters) = levels::splits(&case(
        r#"
        executables."/bin/app" = { needed = ["libx.so", "liby.so"], rpath = "/l" }
        objects = { "/l/libx.so" = {}, "/l/liby.so" = {}, "/l/glibc-hwcaps/x86-64-v3/libx.so" = {} }
        process = [{ executable = "/bin/app" }]
        "#,
    ));
    let v3 = "/l/glibc-hwcaps/x86-64-v3/libx.so";
    let expected = format!("libx.so: x86-64-v4 {v3}, x86-64-v3 {v3}, x86-64-v2 /l/libx.so\n");
    assert_eq!((split, matters), (expected, true));
    let plain = r#"
        executables."/bin/app" = { needed = ["libx.so"], rpath = "/l" }
        objects = { "/l/libx.so" = {} }
        process = [{ executable = "/bin/app" }]
    "#;
    assert_eq!(levels::splits(&case(plain)), (String::new(), false));
}

#[test]
fn every_law_is_noticed_when_it_is_switched_off() {
    let named = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let read = |path: &PathBuf| Case::parse(path, &std::fs::read_to_string(path).unwrap());
    let cases = laws().iter().map(|path| (named(path), read(path))).collect();
    let table = mutations::table(cases);
    println!("{table}");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/loader/laws.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), table, "UPDATE=1 rewrites it");
    assert!(!table.contains(mutations::UNNOTICED), "{table}");
}

/// The files, sorted.
fn laws() -> Vec<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/loader");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}
