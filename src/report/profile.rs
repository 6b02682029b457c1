//! Lines of a site profile that would decide more: what the reasons of undecided rules ask for, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::plural;
use super::layout::{Paper, Tone};
use crate::facts::Job;
use crate::rules::Undecided;

/// What a reason says behind the line of the profile that it asks for.
const ASKS: [&str; 2] = [" would decide", " would say"];

/// The list; nothing where no rule asks for a line.
pub(super) fn write(job: &Job, undecided: &[Undecided], paper: &mut Paper<'_>) {
    let mut rules: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for it in undecided {
        for line in it.missing.iter().flat_map(|reason| lines(reason)) {
            rules.entry(line).or_default().insert(&it.rule);
        }
    }
    if rules.is_empty() {
        return;
    }
    let profile = job.site.as_ref().map_or("a site profile".to_owned(), |it| format!("the site profile {it}"));
    paper.blank();
    paper.put(0, 2, &[(Tone::Warning, &format!("{profile} would decide more with"))]);
    let width = rules.keys().map(|it| it.chars().count()).max().unwrap_or_default();
    for (line, rules) in rules {
        let room = " ".repeat(width.saturating_sub(line.chars().count()) + 2);
        paper.verbatim(2, Tone::Plain, &format!("{line}{room}{}", plural(rules.len(), "rule")));
    }
}

/// `[node.NAME] cores`, `[modules."hdf5/1.14"]`: the lines that a reason asks for.
fn lines(reason: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if !ASKS.iter().any(|it| reason.contains(it)) {
        return lines;
    }
    let mut rest = reason;
    while let Some((table, behind)) = rest.split_once('[').and_then(|(_, it)| it.split_once(']')) {
        rest = behind;
        // A list of texts begins with a quotation mark.
        if !table.starts_with(|it: char| it.is_ascii_lowercase()) {
            continue;
        }
        let word = behind.strip_prefix(' ').and_then(|it| it.split([' ', ',', ';']).next()).unwrap_or_default();
        let is_key = !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
        let is_key = is_key && !["would", "in", "of", "and", "or"].contains(&word);
        lines.push(if is_key { format!("[{table}] {word}") } else { format!("[{table}]") });
    }
    lines
}
