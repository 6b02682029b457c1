//! The rules of a run: everything that was asked, not only what was found, so that a reader sees what passed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::address::message;
use crate::report::{RulePage, TargetReport};
use crate::rules::Severity;

/// Rules that GitHub takes of one run. Their names are names of files, and so shorter than the 255 characters that it takes.
const RULES: usize = 25_000;

/// Rules of one run, by name.
pub(super) struct Rules<'a> {
    pages: BTreeMap<&'a str, Option<&'a RulePage>>,
}

impl<'a> Rules<'a> {
    /// The rules that `targets` were judged by, and those of findings that came without.
    pub(super) fn of(targets: &[TargetReport<'a>]) -> Self {
        let mut pages: BTreeMap<&'a str, Option<&'a RulePage>> = BTreeMap::new();
        for target in targets {
            pages.extend(target.rules.iter().map(|it| (it.name.as_str(), Some(it))));
            let found = target.outcome.findings.iter().map(|it| it.rule.as_str());
            for rule in found.chain(target.outcome.undecided.iter().map(|it| it.rule.as_str())) {
                pages.entry(rule).or_insert(None);
            }
        }
        if RULES < pages.len() {
            let found: BTreeSet<&str> =
                targets.iter().flat_map(|it| &it.outcome.findings).map(|it| it.rule.as_str()).collect();
            pages.retain(|name, _| found.contains(name));
        }
        Self { pages }
    }

    /// `{"id", "index"}` as results and notifications refer to a rule.
    pub(super) fn reference(&self, rule: &str) -> Value {
        match self.index(rule) {
            Some(index) => json!({ "id": rule, "index": index }),
            None => json!({ "id": rule }),
        }
    }

    pub(super) fn index(&self, rule: &str) -> Option<usize> {
        self.pages.keys().position(|name| *name == rule)
    }

    /// All of them as SARIF describes rules.
    pub(super) fn described(&self) -> Vec<Value> {
        let alone = |name: &str| undescribed(name, &format!("More: pyhpc-audit explain {name}."));
        self.pages.iter().map(|(name, page)| page.map_or_else(|| alone(name), described)).collect()
    }
}

/// What has a name and one sentence; GitHub's rules want all four of everything.
pub(super) fn undescribed(name: &str, text: &str) -> Value {
    json!({
        "id": name,
        "name": in_one_word(name),
        "shortDescription": { "text": text },
        "fullDescription": { "text": text },
        "help": { "text": text },
    })
}

fn described(rule: &RulePage) -> Value {
    let why = rule.why.trim();
    let full = if why.is_empty() { &rule.title } else { &flowing(why) };
    let mut descriptor = json!({
        "id": rule.name,
        "name": in_one_word(&rule.name),
        "shortDescription": { "text": sentence(&rule.title) },
        "fullDescription": { "text": sentence(full) },
        "help": { "text": help(rule), "markdown": help_markdown(rule) },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": tags(rule),
            "precision": "very-high",
            "problem.severity": problem_severity(rule.severity),
        },
    });
    if let Some(address) = rule.references.iter().find(|it| it.starts_with("https://")) {
        let end = address.find(|it: char| it.is_whitespace() || matches!(it, ',' | ';' | ')')).unwrap_or(address.len());
        descriptor["helpUri"] = json!(address.get(..end));
    }
    if !rule.formerly.is_empty() {
        descriptor["deprecatedIds"] = json!(rule.formerly);
    }
    descriptor
}

/// The word of a severity, which is SARIF's too.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// How GitHub sorts alerts that are no matter of security.
fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "recommendation",
    }
}

/// Three of the ten tags that GitHub shows.
fn tags(rule: &RulePage) -> Vec<String> {
    let mut tags = vec!["hpc".to_owned(), "python".to_owned(), rule.subject.replace('_', "-")];
    tags.dedup();
    tags
}

fn help(rule: &RulePage) -> String {
    let fix = if rule.fix.trim().is_empty() { String::new() } else { format!("\n\nWhat to do:\n{}", rule.fix.trim()) };
    format!("{}.\n\n{}{fix}\n\nMore: pyhpc-audit explain {}", rule.title, flowing(rule.why.trim()), rule.name)
}

/// Rules are written by the site or by us: their text is no text of the audited system.
fn help_markdown(rule: &RulePage) -> String {
    let why = rule.why.trim();
    let fix = rule.fix.trim();
    let fix = if fix.is_empty() { String::new() } else { format!("\n\n**What to do**\n\n```sh\n{fix}\n```") };
    let references: String = rule.references.iter().map(|it| format!("\n* {it}")).collect();
    let references = if references.is_empty() { references } else { format!("\n\n**References**\n{references}") };
    format!("**{}**\n\n{why}{fix}{references}\n\nMore: `pyhpc-audit explain {}`", rule.title, rule.name)
}

/// Paragraphs, each in one line.
fn flowing(text: &str) -> String {
    let paragraph = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// `text` as a sentence of its own: descriptions stand beside each other in readers.
fn sentence(text: &str) -> String {
    let text = text.split("\n\n").map(message).collect::<Vec<_>>().join("\n\n");
    if text.ends_with(['.', '!', '?', ':']) { text } else { format!("{text}.") }
}

/// `two-mpi-libraries` as `TwoMpiLibraries`: readers want a name that reads well and is one word.
fn in_one_word(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |it| it.to_uppercase().to_string() + letters.as_str())
    };
    name.split(|it: char| !it.is_alphanumeric()).map(capital).collect()
}
