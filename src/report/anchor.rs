//! Where a finding stands, for services that show findings at lines of files.
//!
//! Such a service knows the files of a project, by relative paths. A job script has lines there; an object of an
//! environment or an image has not, but its path says what is meant, and stays the same from run to run.
//!
//! Invariant: every finding has a place, and a path is relative, without `.`, `..` and control characters.

use super::TargetReport;
use crate::facts::{Evidence, Facts};
use crate::rules::Finding;

/// Longest path, in characters; what is longer is shortened at its beginning.
const PATH_CHARACTERS: usize = 1024;

/// What a target is called that has no name.
const UNNAMED: &str = "target";

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Anchor {
    /// Relative.
    pub(super) path: String,
    /// From 1; the first where the place is the whole file.
    pub(super) line: u32,
    /// From 1, and how many characters, where a part of the line is meant.
    pub(super) columns: Option<(u32, u32)>,
    /// The line, where it is one of a text.
    pub(super) text: Option<String>,
}

impl Anchor {
    /// `job.sh:9`, or the path alone where the whole file is meant.
    pub(super) fn named(&self) -> String {
        if self.text.is_some() { format!("{}:{}", self.path, self.line) } else { self.path.clone() }
    }
}

/// The place of a finding: what its first evidence in a script points at, else the object that it is about, else the
/// first file that decided, else the target.
pub(super) fn of_finding(finding: &Finding, facts: &Facts) -> Anchor {
    let script = facts.job.as_ref().map(|it| it.script.as_str());
    let pointed = finding.evidence.iter().find(|it| it.line.is_some() && it.column.is_some());
    let in_script = || finding.evidence.iter().find(|it| it.line.is_some() && Some(it.path.as_str()) == script);
    if let Some(evidence) = pointed.or_else(in_script) {
        return of_evidence(evidence, facts);
    }
    let object = finding.subject.split_once(": ").map_or(finding.subject.as_str(), |(object, _)| object);
    let about = finding.evidence.iter().find(|it| it.path == object);
    let named = finding.evidence.iter().find(|it| !it.path.is_empty());
    match about.or(named.filter(|_| !object.starts_with('/'))) {
        Some(evidence) => of_evidence(evidence, facts),
        None if object.starts_with('/') => whole(object, facts),
        None => of_target(facts),
    }
}

/// The other places of a finding that are places in files, in their order, each once.
pub(super) fn further<'f>(finding: &'f Finding, facts: &Facts) -> Vec<(Anchor, &'f Evidence)> {
    let first = of_finding(finding, facts);
    let mut places: Vec<(Anchor, &Evidence)> = Vec::new();
    for evidence in finding.evidence.iter().filter(|it| !it.path.is_empty()) {
        let place = of_evidence(evidence, facts);
        let known = |(other, text): &(Anchor, &Evidence)| *other == place && text.text == evidence.text;
        if (place != first || evidence.column.is_none()) && !places.iter().any(known) {
            places.push((place, evidence));
        }
    }
    places
}

/// The place of `evidence`.
pub(super) fn of_evidence(evidence: &Evidence, facts: &Facts) -> Anchor {
    Anchor {
        line: evidence.line.unwrap_or(1).max(1),
        columns: evidence.column.map(|it| (it.max(1), evidence.length.unwrap_or(1))),
        text: evidence.line.map(|_| evidence.text.clone()),
        ..whole(&evidence.path, facts)
    }
}

/// A whole file.
pub(super) fn whole(path: &str, facts: &Facts) -> Anchor {
    Anchor { path: relative(path, facts), line: 1, columns: None, text: None }
}

/// What stands for everything that is in no file: the job script, else the target.
pub(super) fn of_target(facts: &Facts) -> Anchor {
    whole(facts.job.as_ref().map_or(facts.target.as_str(), |it| &it.script), facts)
}

/// What distinguishes this target from others: the job script where there is one, and the target.
pub(super) fn name_of(target: &TargetReport<'_>) -> String {
    let name = relative(&target.facts.target, target.facts);
    match &target.facts.job {
        Some(job) if job.script != target.facts.target => format!("{}/{name}", relative(&job.script, target.facts)),
        Some(_) | None => name,
    }
}

/// `path` below the directory that a project is checked out in, as far as that can be told: where the target was named
/// by a relative path, what lies in it begins with that.
fn relative(path: &str, facts: &Facts) -> String {
    let prefix = facts.environment.python.prefix.value().filter(|it| 1 < it.len());
    let inside = prefix.and_then(|it| path.strip_prefix(it.as_str())).filter(|it| it.starts_with('/'));
    let typed =
        Some(facts.target.as_str()).filter(|it| !it.starts_with('/') && prefix.is_some_and(|p| ends_with(p, it)));
    let path = match (inside, typed) {
        (Some(inside), Some(typed)) => format!("{typed}{inside}"),
        (Some(_) | None, Some(_) | None) => path.to_owned(),
    };
    let steps = path.split('/').filter(|it| !matches!(*it, "" | "." | ".."));
    let clean: String = steps.collect::<Vec<_>>().join("/").chars().map(visible).collect();
    let surplus = clean.chars().count().saturating_sub(PATH_CHARACTERS);
    let short: String = clean.chars().skip(surplus).collect();
    if short.is_empty() { UNNAMED.to_owned() } else { short }
}

/// Whether the environment at `prefix` is what was typed: `/srv/project/venv` is `venv`.
fn ends_with(prefix: &str, typed: &str) -> bool {
    let typed = typed.trim_start_matches("./").trim_end_matches('/');
    !typed.is_empty() && prefix.strip_suffix(typed).is_some_and(|it| it.ends_with('/'))
}

/// No service shows what a terminal would obey.
fn visible(letter: char) -> char {
    if letter.is_control() || is_mark(letter) { '\u{fffd}' } else { letter }
}

/// Characters that change how their neighbours are shown.
pub(super) fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `text` in one line: what is no character to be seen is written as its number.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_mark(letter) {
            line.push_str(&letter.escape_default().to_string());
        } else {
            line.push(letter);
        }
    }
    line
}
