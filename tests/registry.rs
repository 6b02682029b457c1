//! The registry of variables and thread pools against what was measured and read: tables in tests/registry.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pyhpc_audit::base::{TextFile, builtin_files};
use pyhpc_audit::registry::{Decision, Loaded, Pools, Presence, Registry, Setting};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn table<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry").join(name);
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn registry() -> Registry {
    Registry::load(&builtin_files("variables")).unwrap_or_else(|error| panic!("{error}"))
}

fn pools() -> Pools {
    Pools::load(&builtin_files("pools")).unwrap_or_else(|error| panic!("{error}"))
}

type Environment = BTreeMap<String, String>;

/// `?REASON` is not known.
fn setting(environment: &Environment, name: &str) -> Setting {
    match environment.get(name).map(|it| it.strip_prefix('?').ok_or(it)) {
        None => Setting::Unset,
        Some(Ok(reason)) => Setting::Unknown(reason.to_owned()),
        Some(Err(value)) => Setting::Value(value.clone()),
    }
}

/// `openblas pthreads version=0.3.30 max=64`
fn loaded(text: &str) -> Loaded {
    let mut words = text.split(' ');
    let mut loaded = Loaded { word: words.next().unwrap().to_owned(), ..Loaded::default() };
    for word in words {
        match word.split_once('=') {
            Some(("max", number)) => loaded.max_threads = Some(number.parse().unwrap()),
            Some(("version", version)) => loaded.version = Some(version.to_owned()),
            Some(_) => panic!("{word}"),
            None if word.starts_with(|it: char| it.is_ascii_digit()) => loaded.version = Some(word.to_owned()),
            None => loaded.threading = Some(word.to_owned()),
        }
    }
    loaded
}

fn presence(present: &[String], word: &str) -> Presence {
    for text in present {
        match text.strip_prefix('?') {
            Some(unknown) if unknown == word => return Presence::Unknown,
            Some(_) => {}
            None => {
                let Loaded { word: it, version, threading, .. } = loaded(text);
                if it == word {
                    return Presence::Present { version, threading };
                }
            }
        }
    }
    Presence::Absent
}

#[derive(Deserialize)]
struct Cases<T> {
    case: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreadsCase {
    library: String,
    #[serde(default)]
    environment: Environment,
    mask: Option<u64>,
    node: Option<u64>,
    started: Option<u64>,
    asked: Option<String>,
    #[serde(default)]
    clamped: bool,
    unknown: Option<String>,
}

#[test]
fn libraries_start_as_many_threads_as_were_measured() {
    let pools = pools();
    for case in table::<Cases<ThreadsCase>>("threads.toml").case {
        let found = pools.pools(&[loaded(&case.library)]);
        let Some(started) = case.started else {
            assert!(found.is_empty(), "{case:?}");
            continue;
        };
        let [pool] = found.as_slice() else { panic!("{case:?}: {found:?}") };
        let threads = pool.threads(&|name| setting(&case.environment, name), case.mask, case.node);
        assert_eq!((threads.started.unwrap_or(0), threads.clamped), (started, case.clamped), "{case:?}: {threads:?}");
        assert_eq!(threads.unknown, case.unknown, "{case:?}");
        let asked = threads.asked.map(|(count, variable)| format!("{count} {variable}"));
        assert!(case.asked.is_none() || case.asked == asked, "{case:?}: {asked:?}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtimes {
    binds: Vec<RuntimeCase>,
    spins: Vec<RuntimeCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuntimeCase {
    runtime: String,
    #[serde(default)]
    environment: Environment,
    expect: String,
}

#[test]
fn runtimes_bind_and_spin_as_was_measured() {
    let pools = pools();
    let check = |case: RuntimeCase, decision: Option<Decision>| {
        let found = match decision.unwrap() {
            Decision::Yes(variable) => format!("yes: {variable}"),
            Decision::No(Some(variable)) => format!("no: {variable}"),
            Decision::No(None) => "no".to_owned(),
            Decision::Unknown(reason) => format!("unknown: {reason}"),
        };
        assert_eq!(found, case.expect, "{case:?}");
    };
    let Runtimes { binds, spins } = table("runtimes.toml");
    for case in binds {
        let decision = pools.binds_threads(&case.runtime, &|name| setting(&case.environment, name));
        check(case, decision);
    }
    for case in spins {
        let decision = pools.busy_waits(&case.runtime, &|name| setting(&case.environment, name));
        check(case, decision);
    }
    assert_eq!(pools.binds_threads("openblas", &|_| Setting::Unset), None);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadersCase {
    name: String,
    present: Vec<String>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    read_by: Vec<String>,
    dead: Option<String>,
    unknown: Option<String>,
}

#[test]
fn settings_are_read_or_dead_as_was_measured() {
    let registry = registry();
    for case in table::<Cases<ReadersCase>>("readers.toml").case {
        let live =
            registry.live(&case.name, &|word| presence(&case.present, word), &|name| setting(&case.environment, name));
        assert_eq!(live.read_by, case.read_by, "{case:?}: {live:?}");
        let begins = |found: &Option<String>, expected: &Option<String>| match (found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => found.starts_with(expected),
            (Some(_), None) | (None, Some(_)) => false,
        };
        assert!(begins(&live.dead_because, &case.dead), "{case:?}: {live:?}");
        assert!(begins(&live.unknown, &case.unknown), "{case:?}: {live:?}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemCase {
    set: String,
    present: Vec<String>,
    expect: Option<String>,
    instead: Option<String>,
}

#[test]
fn wrong_settings_are_found_and_right_ones_are_not() {
    let registry = registry();
    for case in table::<Cases<ProblemCase>>("problems.toml").case {
        let (name, value) = case.set.split_once('=').unwrap();
        let problem = registry.problem(name, value, &|word| presence(&case.present, word));
        let text = problem.as_ref().map(|it| {
            let unsure = it.unsure.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
            format!("{}{unsure}: {}", it.kind.as_str(), it.text)
        });
        match (&text, &case.expect) {
            (None, None) => {}
            (Some(found), Some(expected)) => assert!(found.starts_with(expected.as_str()), "{case:?}: {found}"),
            (Some(_), None) | (None, Some(_)) => panic!("{case:?}: {text:?}"),
        }
        let instead = problem.and_then(|it| it.instead);
        assert!(case.instead.is_none() || case.instead == instead, "{case:?}: {instead:?}");
    }
}

#[test]
fn every_description_is_used_and_every_library_has_a_word() {
    let registry = registry();
    let mut words: Vec<String> =
        ["libraries", "launchers", "packages"].iter().flat_map(|it| builtin_files(it)).map(|it| it.stem).collect();
    // Readers that no file describes.
    words.extend(["python", "libc", "shell", "conda", "verbs", "rayon", "polars"].map(str::to_owned));
    for variable in registry.variables() {
        assert!(!variable.readers.is_empty(), "{} has no reader", variable.name);
        for reader in &variable.readers {
            assert!(words.contains(&reader.library), "{}: {} is no word", variable.name, reader.library);
        }
        assert!(
            registry.records(variable.name.trim_end_matches('*').as_bytes())
                || variable.is_glob()
                || unrecorded(&variable.name),
            "{}",
            variable.name
        );
        let new = variable.replaced_by.as_ref().map(|it| &it.name);
        assert!(new.is_none_or(|it| registry.variable(it).is_some()), "{}: {new:?} is not described", variable.name);
    }
}

/// Variables of other processes than the audited one, and of libraries that are not audited.
fn unrecorded(name: &str) -> bool {
    ["SRUN_", "ROMIO_", "RAYON_", "POLARS_", "LD_DEBUG", "MALLOC_", "IBV_", "RDMAV_", "CXI_", "GOTOBLAS_"]
        .iter()
        .any(|it| name.starts_with(it))
}

#[test]
fn any_value_is_judged() {
    let registry = registry();
    let present = |_: &str| Presence::Present { version: None, threading: None };
    let values =
        ["", " ", ",", "{", "{}", "}{", "(((", "-", "0-", "a=b", "\u{fffd}\u{1f40d}", "9".repeat(400).as_str()]
            .map(str::to_owned);
    for variable in registry.variables() {
        for value in &values {
            let problem = registry.problem(&variable.name, value, &present);
            assert!(problem.is_none_or(|it| !it.text.is_empty()));
        }
    }
    let file = TextFile {
        path: "site.toml".to_owned(),
        stem: "site".to_owned(),
        text: "[[variable]]\nname = \"X\"\nsumary = \"y\"\n".to_owned(),
    };
    let error = Registry::load(&[file]).unwrap_err();
    assert_eq!((error.line, error.nearest.as_deref()), (3, Some("summary")));
}
