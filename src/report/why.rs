//! Why a library, package or file is, or is not, the one that is used: every place tried, in order.

use serde::Serialize;

use super::counts::plural;
use super::json::document;
use super::layout::{Paper, Tone, page_width, plain_lines};
use super::loads::gaps;
use super::places::Names;
use super::{Asked, Look};
use crate::facts::Gap;

/// An answer to `why NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What was asked: a soname, a package, a file.
    pub name: String,
    /// The answer in one line: `/usr/lib/libmpi.so.12 is used`.
    pub answer: String,
    /// One for each asker, in the order of the process.
    pub steps: Vec<Step>,
    /// What is found nowhere, and where copies of it lie.
    pub missing: Vec<MissingLibrary>,
    /// What could not be read or decided on the way.
    pub gaps: Vec<Gap>,
    /// What was asked.
    #[serde(skip)]
    pub asked: Asked,
}

/// One search for the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Who asks, and for what: `MPI.so needs libmpi.so.12`.
    pub asker: String,
    /// Every place tried, in order.
    pub places: Vec<Place>,
    /// What came out: the file, or `found nowhere`.
    pub outcome: String,
}

/// One place that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// File or directory.
    pub path: String,
    /// Why it was tried: `rpath of MPI.so`, `ld.so.cache`.
    pub via: String,
    /// Why it was refused; `None` for the place that was taken.
    pub refused: Option<String>,
}

/// A library that is found nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingLibrary {
    /// What is asked for.
    pub soname: String,
    /// Copies in places that are not searched, or that are something else; the most useful first.
    pub copies: Vec<LibraryCopy>,
    /// How many directories were looked into for them.
    pub directories: usize,
    /// What would have to change.
    pub changes: Vec<Change>,
}

/// A copy of a library that is not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LibraryCopy {
    /// The file.
    pub path: String,
    /// What it is: `openblas 0.3.30`; empty when that is not known.
    pub identity: String,
    /// Whether it would do.
    pub usable: bool,
    /// When it would be found, or why it is of no use.
    pub condition: String,
}

/// Something that would have to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When it is the right thing to do.
    pub when: String,
    /// The command; empty where there is none.
    pub command: String,
}

/// The answer as JSON.
pub fn why_json(question: &Question) -> String {
    document(question)
}

/// The answer for people.
pub fn why_text(question: &Question, look: &Look) -> String {
    let names = question.asked.names();
    let mut body = Paper::new(look);
    for (at, step) in question.steps.iter().enumerate() {
        let again = |other: Option<&Step>| other.is_some_and(|it| same_answer(it, step));
        let before = at.checked_sub(1).and_then(|it| question.steps.get(it));
        if !again(before) {
            body.blank();
        }
        body.put(0, 2, &[(Tone::Strong, &names.short_inside(&step.asker))]);
        for (at, place) in step.places.iter().enumerate() {
            let number = format!("{:>4}", at + 1);
            let how = match &place.refused {
                Some(reason) => format!("{}: no, {}", place.via, names.short_inside(reason)),
                None => format!("{}: taken", place.via),
            };
            body.numbered(&number, &names.short(&place.path), &how);
        }
        if !again(question.steps.get(at + 1)) {
            body.put(4, 8, &[(Tone::Plain, &format!("=> {}", names.short_inside(&step.outcome)))]);
        }
    }
    for missing in &question.missing {
        copies(missing, &names, &mut body);
        changes(missing, &mut body);
    }
    gaps(&question.gaps, &names, &mut body);
    let body = body.into_text();
    let answer = names.short_inside(&answer(question));
    let mut paper = Paper::new(look);
    paper.put(0, 2, &[(Tone::Strong, &question.name), (Tone::Strong, ": "), (Tone::Plain, &answer)]);
    let assignments = names.assignments(&format!("{answer} {body}"));
    if !assignments.is_empty() {
        paper.labelled("where", &assignments.join("; "));
    }
    if !body.is_empty() {
        paper.blank();
        paper.ready(&body);
    }
    paper.into_text()
}

/// Whether two requests, one below the other, were answered alike and without a search: the answer is told once.
fn same_answer(one: &Step, other: &Step) -> bool {
    one.outcome == other.outcome && one.places.is_empty() && other.places.is_empty()
}

/// The answer, and the best copy where nothing is found.
fn answer(question: &Question) -> String {
    let missing = question.missing.first().filter(|it| question.answer.contains(&it.soname));
    let best = missing.and_then(|it| it.copies.first()).filter(|it| it.usable);
    match best {
        Some(copy) => format!("{}; a copy lies at {}", question.answer, copy.path),
        None => question.answer.clone(),
    }
}

fn copies(missing: &MissingLibrary, names: &Names, paper: &mut Paper<'_>) {
    paper.blank();
    let looked = plural(missing.directories, "directory").replace("directorys", "directories");
    if missing.copies.is_empty() {
        let text = format!(
            ": not in the {looked} that the process names (its environment, search paths, loader cache, PATH and other \
             variables), nor in other versions beside those"
        );
        paper.put(0, 2, &[(Tone::Strong, &format!("no copy of {}", missing.soname)), (Tone::Plain, &text)]);
        return;
    }
    paper.put(0, 2, &[(Tone::Strong, &format!("copies of {}", missing.soname))]);
    for copy in &missing.copies {
        let identity = if copy.identity.is_empty() { String::new() } else { format!("{}; ", copy.identity) };
        let tone = if copy.usable { Tone::Good } else { Tone::Faint };
        paper.verbatim(4, Tone::Plain, &names.short(&copy.path));
        paper.put(8, 10, &[(tone, &format!("{identity}{}", names.short_inside(&copy.condition)))]);
    }
}

fn changes(missing: &MissingLibrary, paper: &mut Paper<'_>) {
    if missing.changes.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Strong, "what would have to change, one of")]);
    for change in &missing.changes {
        for line in plain_lines(&change.when, paper.look(), page_width(paper.look()).saturating_sub(6)) {
            paper.verbatim(4, Tone::Faint, &format!("# {line}"));
        }
        if !change.command.is_empty() {
            paper.verbatim(4, Tone::Plain, &change.command);
        }
    }
}
