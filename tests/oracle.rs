//! The emulator against the machine's own ld.so, glibc and musl: the laws of `tests/loader`, then random trees.
//!
//! It needs Linux on x86-64, a C compiler and user namespaces (or root), and writes to temporary directories only. Where
//! something is missing it says so and passes; with `ORACLE=1` it fails.
//!
//! `ORACLE_TREES=5000` and `ORACLE_SEED=7` choose the random trees; `ORACLE_LOADER` and `ORACLE_LIBC` name another glibc
//! than the machine's own, `ORACLE_MUSL` another musl. A tree on which the loaders differ is made small and printed as a
//! fixture: give it a law for its first comment and save it below `tests/loader`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, missing_docs, unreachable_pub)]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "loader/cache.rs"]
mod cache;
#[path = "loader/case.rs"]
#[allow(dead_code)]
mod case;
#[path = "oracle/compare.rs"]
mod compare;
#[path = "oracle/draft.rs"]
mod draft;
#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/machine.rs"]
mod machine;
#[path = "loader/one_rule.rs"]
mod one_rule;
#[path = "loader/render.rs"]
#[allow(dead_code)]
mod render;
mod support;

use std::path::PathBuf;

use case::Case;
use generate::Scope;
use machine::Machine;
use rayon::prelude::*;

#[test]
fn glibc_agrees() {
    agrees(Machine::glibc());
}

#[test]
fn musl_agrees() {
    agrees(Machine::musl());
}

/// Without a loader or a compiler nothing can be compared: said, and an error only where `ORACLE=1` insists.
fn agrees(machine: Result<Machine, String>) {
    let machine = match machine {
        Ok(machine) => machine,
        Err(reason) => {
            println!("not compared: {reason}");
            assert!(std::env::var_os("ORACLE").is_none(), "ORACLE=1, but {reason}");
            return;
        }
    };
    laws_hold(&machine);
    random_trees_are_read_alike(&machine);
}

fn laws_hold(machine: &Machine) {
    let cases: Vec<(String, Case)> = laws().into_iter().filter(|(_, case)| compare::applies(machine, case)).collect();
    let ask = |(name, case): &(String, Case)| {
        let differences = compare::differences(machine, case);
        (!differences.is_empty()).then(|| format!("{name}\n{differences}"))
    };
    let differing: Vec<String> = cases.par_iter().filter_map(ask).collect();
    println!("{} laws hold with {}", cases.len() - differing.len(), machine.loader.display());
    if !machine.musl {
        let asked = |file: &str| cases.iter().any(|(name, _)| name == file);
        let failed = |file: &str| differing.iter().any(|it| it.starts_with(file));
        let held = one_rule::ONE_RULE.iter().filter(|(_, file)| asked(file) && !failed(file)).count();
        println!("{held} of 14 rules that tools miss hold");
        assert!(held == 14, "{}", differing.concat());
    }
    assert!(differing.is_empty(), "{}", differing.concat());
}

/// The cases of `tests/loader`, sorted by name.
fn laws() -> Vec<(String, Case)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/loader");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    let read = |path: &PathBuf| Case::parse(path, &std::fs::read_to_string(path).unwrap());
    paths.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

fn random_trees_are_read_alike(machine: &Machine) {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |it| it.parse().unwrap());
    let (first, trees) = (number("ORACLE_SEED", 1), number("ORACLE_TREES", 200));
    let scope = Scope { musl: machine.musl };
    let differs = |seed: &u64| {
        let differences = compare::differences(machine, &generate::draft(*seed, scope).case());
        (!differences.is_empty()).then_some((*seed, differences))
    };
    let differing: Vec<(u64, String)> = (first..first + trees).into_par_iter().filter_map(|it| differs(&it)).collect();
    println!("{trees} random trees from seed {first}: {} differ from {}", differing.len(), machine.loader.display());
    println!("differing seeds: {:?}", differing.iter().map(|(seed, _)| seed).collect::<Vec<_>>());
    for (seed, _) in differing.iter().take(SHRUNK) {
        let still = |it: &draft::Draft| !compare::differences(machine, &it.case()).is_empty();
        let small = generate::draft(*seed, scope).shrink(still);
        println!("seed {seed}\n{}\n{}", compare::differences(machine, &small.case()), small.text());
    }
    assert!(differing.is_empty());
}

/// Differing trees that are made small: it takes some ten seconds each.
const SHRUNK: usize = 3;
