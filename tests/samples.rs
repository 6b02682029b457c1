//! Every sample does what it says: the commands of `samples/` run over trees that are built from text, and the README
//! quotes what they print.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use support::source::root;
use support::{Fixture, transcript};

/// A scratch directory with the tree of a sample in it, under the name of the sample.
fn scratch(name: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(root().join("samples").join(name).join("tree.toml")).unwrap();
    Fixture::parse(&text).write_below(&directory.path().join(name));
    for entry in fs::read_dir(root().join("samples").join(name)).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|it| it != "txt") {
            fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    directory
}

/// In one test, because `UPDATE=1` writes what the next step reads.
#[test]
fn samples_do_what_they_say() {
    facts_of_the_job_are_those_of_its_tree();
    trees_do_what_they_say();
    saved_facts_give_the_same_report();
    the_readme_quotes_samples();
}

fn trees_do_what_they_say() {
    let mut samples = 0;
    for entry in fs::read_dir(root().join("samples")).unwrap() {
        let path = entry.unwrap().path();
        if path.join("tree.toml").exists() {
            let here = scratch(path.file_name().unwrap().to_str().unwrap());
            transcript::files(&path).iter().for_each(|it| transcript::check(it, here.path()));
            samples += 1;
        }
    }
    assert_ne!(samples, 0);
}

/// The job is audited with facts that were saved on the cluster.
fn facts_of_the_job_are_those_of_its_tree() {
    let command = "$ pyhpc-audit facts --root job /home/ada/sim --env HOME=/home/ada --env PATH=/usr/bin";
    let printed = transcript::run(command, scratch("job").path());
    saved("job/sim.json", printed.split_once('\n').unwrap().1.strip_suffix("[exit 0]\n").expect("facts"));
}

#[track_caller]
fn saved(name: &str, facts: &str) {
    let file = root().join("samples").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, facts).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap() == facts, "{}: UPDATE=1 rewrites it", file.display());
}

/// `facts` on one machine, `audit` on another: the saved facts are those of the tree, and both give one report.
fn saved_facts_give_the_same_report() {
    let here = scratch("two-mpis");
    let command = |name: &str| {
        let text = fs::read_to_string(root().join("samples/two-mpis").join(name)).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    for (saved, command) in
        [("two-mpis.flat.json", command("facts.txt")), ("two-mpis.json", command("facts.txt").replace("--flat ", ""))]
    {
        let printed = transcript::run(&command, here.path());
        let facts = printed.split_once('\n').unwrap().1.strip_suffix("[exit 0]\n").expect("facts");
        self::saved(&format!("facts/{saved}"), facts);
    }
    transcript::files(&root().join("samples/facts")).iter().for_each(|it| transcript::check(it, root()));
    let of_tree = transcript::run(&command("audit.txt"), here.path());
    let of_facts = transcript::run("$ pyhpc-audit audit samples/facts/two-mpis.json", root());
    assert_eq!(of_tree.split_once('\n').unwrap().1, of_facts.split_once('\n').unwrap().1);
}

/// A block of the README below `<!-- quotes FILE from "A" until "B" -->` is that part of a sample's output.
fn the_readme_quotes_samples() {
    let file = root().join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let (mut fresh, mut rest, mut quotes) = (String::new(), readme.as_str(), 0);
    while let Some((before, quote)) = rest.split_once("<!-- quotes ") {
        let (rule, after) = quote.split_once(" -->\n```\n").expect("a block below `<!-- quotes`");
        let (_, tail) = after.split_once("```\n").expect("the end of a block");
        fresh += &format!("{before}<!-- quotes {rule} -->\n```\n{}```\n", quoted(rule));
        (rest, quotes) = (tail, quotes + 1);
    }
    fresh += rest;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    assert_ne!(quotes, 0, "README.md quotes a sample");
    let line = 1 + readme.lines().zip(fresh.lines()).take_while(|(one, other)| one == other).count();
    let updated = fs::read_to_string(&file).unwrap() == fresh;
    assert!(updated, "README.md:{line} is not what the sample prints: UPDATE=1 cargo test --test samples");
}

/// The lines of a file from the first that begins with one text until the first that begins with another.
fn quoted(rule: &str) -> String {
    let pieces: Vec<&str> = rule.split('"').collect();
    let text = fs::read_to_string(root().join(pieces[0].split(' ').next().unwrap())).unwrap();
    let after = |word: &str| {
        let at = pieces.iter().position(|it| it.trim().ends_with(word));
        at.and_then(|at| pieces.get(at + 1)).copied()
    };
    let begins = |line: &&str, with: Option<&str>| with.is_none_or(|it| line.starts_with(it));
    let lines = text.lines().skip_while(|it| !begins(it, after("from")));
    let until = after("until").map(str::to_owned);
    let lines = lines.enumerate().take_while(|(at, it)| *at == 0 || until.is_none() || !begins(it, until.as_deref()));
    let found: String = lines.map(|(_, it)| format!("{it}\n")).collect();
    assert!(!found.is_empty(), "{rule}: nothing to quote");
    found
}
