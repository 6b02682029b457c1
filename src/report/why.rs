//! Why a library, package or file is, or is not, the one that is used: every place tried, in order.

use serde::Serialize;

use super::json::document;
use super::layout::{Paper, Tone};
use super::loads::gaps;
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

/// The answer as JSON.
pub fn why_json(question: &Question) -> String {
    document(question)
}

/// The answer for people.
pub fn why_text(question: &Question, look: &Look) -> String {
    let mut paper = Paper::new(look);
    paper.put(0, 2, &[(Tone::Strong, &question.name), (Tone::Strong, ": "), (Tone::Plain, &question.answer)]);
    for step in &question.steps {
        paper.blank();
        paper.put(0, 2, &[(Tone::Strong, &step.asker)]);
        for (at, place) in step.places.iter().enumerate() {
            let number = format!("{:>4}", at + 1);
            let how = match &place.refused {
                Some(reason) => format!("{}: no, {reason}", place.via),
                None => format!("{}: taken", place.via),
            };
            paper.numbered(&number, &place.path, &how);
        }
        paper.put(4, 8, &[(Tone::Plain, &format!("=> {}", step.outcome))]);
    }
    gaps(&question.gaps, &question.asked.names(), &mut paper);
    paper.into_text()
}
