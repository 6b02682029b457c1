//! `site.toml`: what it says, which entry is meant, and how a mistake in it is told.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use pyhpc_audit::base::TextFile;
use pyhpc_audit::site::{Allocation, Selection, Site};
use serde::Deserialize;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/site")
}

fn text_file(name: &str) -> TextFile {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    TextFile { path: name.to_owned(), stem: name.to_owned(), text }
}

fn example() -> Site {
    Site::parse(&text_file("example.site.toml")).unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookups {
    node: Vec<NodeCase>,
    module: Vec<NameCase>,
    installed: Vec<PathCase>,
    filesystem: Vec<PathCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeCase {
    partition: Option<String>,
    queue: Option<String>,
    constraint: Option<String>,
    host: Option<String>,
    expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameCase {
    name: String,
    expect: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathCase {
    path: String,
    expect: Option<String>,
}

#[test]
fn finds_the_entry_that_is_meant() {
    let site = example();
    let cases: Lookups = toml::from_str(&text_file("lookups.toml").text).unwrap();
    for NodeCase { partition, queue, constraint, host, expect } in cases.node {
        let selection = Selection { partition, queue, constraint, host };
        let found = match site.node(&selection) {
            Ok(node) => node.name.clone(),
            Err(why) => format!("cannot be told: {why}"),
        };
        assert!(found == expect || expect.contains(' ') && found.starts_with(&expect), "{selection:?}: {found}");
    }
    for NameCase { name, expect } in cases.module {
        assert_eq!(site.module(&name).map(|it| it.name.clone()), expect, "{name}");
    }
    for PathCase { path, expect } in cases.installed {
        assert_eq!(site.installed(&path).map(|it| it.prefix.clone()), expect, "{path}");
    }
    for PathCase { path, expect } in cases.filesystem {
        assert_eq!(site.filesystem(&path).map(|it| it.mount.clone()), expect, "{path}");
    }
}

#[test]
fn keeps_the_line_of_every_value() {
    let site = example();
    let scheduler = &site.scheduler;
    assert_eq!(scheduler.version.as_ref().map(|it| (it.value.as_str(), it.line)), Some(("23.02.7", 6)));
    assert_eq!(scheduler.task_plugins.as_ref().map(|it| it.line), Some(10));
    let standard = site.node(&Selection::default()).unwrap();
    assert_eq!((standard.line, standard.cores.as_ref().map(|it| (it.value, it.line))), (19, Some((128, 23))));
    let module = site.module("openmpi/5.0.5").unwrap();
    assert_eq!((module.line, module.prepend["PATH"].line, module.loads[0].line), (44, 46, 48));
    let allocation = |name: &str| scheduler.parallel_environments[name].allocation.as_ref().map(|it| it.value);
    assert_eq!((allocation("mpi"), allocation("mpi8")), (Some(Allocation::OneNode), Some(Allocation::PerNode(8))));
    assert_eq!(site.node(&Selection::default()).unwrap().gpus.as_ref().map(|it| it.value), Some(0));
}

#[test]
fn an_empty_profile_says_nothing_and_the_reason_names_the_table() {
    let file = TextFile { path: "site.toml".to_owned(), stem: "site".to_owned(), text: String::new() };
    let site = Site::parse(&file).unwrap();
    let why = site.node(&Selection::default()).unwrap_err();
    assert_eq!(why, "site.toml describes no node; a table [node.NAME] would decide it");
}

#[derive(Deserialize)]
struct Mistakes {
    mistake: Vec<Mistake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    text: String,
    expect: String,
    nearest: Option<String>,
}

#[test]
fn a_mistake_names_its_place_and_the_nearest_word() {
    let cases: Mistakes = toml::from_str(&text_file("mistakes.toml").text).unwrap();
    for Mistake { text, expect, nearest } in cases.mistake {
        let file = TextFile { path: "site.toml".to_owned(), stem: "site".to_owned(), text };
        let error = Site::parse(&file).unwrap_err();
        assert!(error.to_string().starts_with(&expect), "expected {expect}\nfound    {error}");
        assert_eq!(error.nearest, nearest, "{error}");
    }
}
