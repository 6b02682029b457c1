//! The matcher: which description fits a file, and what the file says about each attribute.

use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde::Deserialize;

use super::Look;
use super::clause::{Clause, Held};
use super::library::{Libraries, Library};
use crate::base::{Gap, Stage, TreePath, printable};
use crate::elf::{ElfError, TextMatch};

/// Something that can be asked about a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attribute {
    /// Its release.
    Version,
    /// Width of its integers.
    Interface,
    /// How it makes threads.
    Threading,
    /// The binary interface that its clients are compiled for.
    Abi,
    /// Whether it is built for several processes: `true` or `false`.
    Parallel,
    /// The kind of GPU whose memory it takes: `cuda`, `rocm`, `level-zero`, `none`.
    Gpu,
}

impl Attribute {
    /// The word in descriptions and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Interface => "interface",
            Self::Threading => "threading",
            Self::Abi => "abi",
            Self::Parallel => "parallel",
            Self::Gpu => "gpu",
        }
    }
}

/// A place and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The file.
    pub path: TreePath,
    /// Offset in the file, in bytes, where it is text.
    pub offset_bytes: Option<u64>,
    /// What stands there, or what was seen: `SONAME libmpi.so.40`.
    pub text: String,
}

/// What a file says about one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A value and what it rests on.
    Known {
        /// The value.
        value: String,
        /// What it rests on.
        because: Vec<Seen>,
    },
    /// Nothing that can be relied on.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// How sure an identification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// By names alone, or by marks that nobody has measured on a real file.
    Likely,
    /// By symbols or text that were measured on real files.
    Certain,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The file.
    pub path: TreePath,
    /// Word of the library or launcher.
    pub library: String,
    /// What it can be asked for.
    pub capabilities: Vec<String>,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it rests on.
    pub because: Vec<Seen>,
    /// One answer for each attribute of its capabilities.
    pub answers: BTreeMap<Attribute, Answer>,
    /// What can switch it for another at run time.
    pub decided_by: Vec<String>,
}

impl Identity {
    /// The value of an attribute if it is known.
    pub fn value(&self, attribute: Attribute) -> Option<&str> {
        match self.answers.get(&attribute) {
            Some(Answer::Known { value, .. }) => Some(value),
            Some(Answer::Unknown { .. }) | None => None,
        }
    }

    /// Takes from `part`, which this library opens at run time, the answers that it does not give itself.
    /// A part of another library gives nothing.
    pub fn complete_with(&mut self, part: &Self) {
        if self.library != part.library {
            return;
        }
        for (attribute, answer) in &mut self.answers {
            if let (Answer::Unknown { .. }, Some(known @ Answer::Known { .. })) = (&answer, part.answers.get(attribute))
            {
                *answer = known.clone();
            }
        }
    }
}

impl Libraries {
    /// What the file is; `None` when no description fits, as for a thin front that forwards to a library.
    ///
    /// Symbols are asked first. The text is searched only for descriptions whose other marks hold, once for all of
    /// their patterns.
    pub fn identify(&self, look: &dyn Look, gaps: &mut Vec<Gap>) -> Option<Identity> {
        let (fitting, mut search) = match self.fitting(look) {
            Ok(found) => found,
            Err(error) => {
                gaps.push(hidden(look, error.to_string()));
                return None;
            }
        };
        if 1 < fitting.len() {
            let words = fitting.iter().map(|it| it.library.word.as_str()).collect::<Vec<_>>().join(" and ");
            gaps.push(hidden(look, format!("fits more than one description: {words}")));
            return None;
        }
        let Fitting { library, confidence, held } = fitting.into_iter().next()?;
        let because = held.evidence();
        let mut answers = BTreeMap::new();
        for attribute in &library.attributes {
            answers.insert(*attribute, answer(library, *attribute, look, &because, &mut search, gaps));
        }
        Some(Identity {
            path: look.path().clone(),
            library: library.word.clone(),
            capabilities: library.capabilities.clone(),
            confidence,
            because,
            answers,
            decided_by: library.decided_by.clone(),
        })
    }

    /// The libraries that fit: by symbols and names; by text those that are more specific, or all if none fits.
    fn fitting(&self, look: &dyn Look) -> Result<(Vec<Fitting<'_>>, Search), ElfError> {
        let mut fitting: Vec<Fitting<'_>> = Vec::new();
        let mut open = Vec::new();
        for library in self.iter() {
            let mut partly = Vec::new();
            let mut whole = None;
            for clause in &library.is {
                let Some(held) = clause.holds(look)? else { continue };
                if !clause.needs_text() {
                    whole = Some(Fitting { library, confidence: confidence(library, clause), held });
                    break;
                }
                partly.push((clause, held));
            }
            match whole {
                Some(whole) => fitting.push(whole),
                None if partly.is_empty() => {}
                None => open.push((library, partly)),
            }
        }
        if !fitting.is_empty() {
            open.retain(|(library, _)| fitting.iter().any(|it| library.before.contains(&it.library.word)));
        }
        let mut search = Search::default();
        fitting
            .iter()
            .map(|it| it.library)
            .chain(open.iter().map(|it| it.0))
            .for_each(|it| search.add(&it.word, &it.patterns));
        for (library, partly) in open {
            for (clause, mut held) in partly {
                if clause.text_holds(&mut held, look, &library.word, &mut search)? {
                    fitting.push(Fitting { library, confidence: confidence(library, clause), held });
                    break;
                }
            }
        }
        let specific: Vec<&String> = fitting.iter().flat_map(|it| &it.library.before).collect();
        let specific: Vec<String> = specific.into_iter().cloned().collect();
        fitting.retain(|it| !specific.contains(&it.library.word));
        Ok((fitting, search))
    }
}

struct Fitting<'a> {
    library: &'a Library,
    confidence: Confidence,
    held: Held,
}

fn confidence(library: &Library, clause: &Clause) -> Confidence {
    if library.measured && !clause.is_likely_only() { Confidence::Certain } else { Confidence::Likely }
}

fn answer(
    library: &Library,
    attribute: Attribute,
    look: &dyn Look,
    identified: &[Seen],
    search: &mut Search,
    gaps: &mut Vec<Gap>,
) -> Answer {
    for clause in library.clauses.get(&attribute).into_iter().flatten() {
        match decided(clause, look, &library.word, search) {
            Ok(Some((value, because))) => {
                let because = if because.is_empty() { identified.to_vec() } else { because };
                return Answer::Known { value, because };
            }
            Ok(None) => {}
            Err(error) => {
                gaps.push(hidden(look, error.to_string()));
                return Answer::Unknown { reason: error.to_string() };
            }
        }
    }
    let default = || format!("{} does not say its {}", printable(look.path().file_name()), attribute.word());
    Answer::Unknown { reason: library.undecided.get(&attribute).cloned().unwrap_or_else(default) }
}

pub(super) fn decided(
    clause: &Clause,
    look: &dyn Look,
    word: &str,
    search: &mut Search,
) -> Result<Option<(String, Vec<Seen>)>, ElfError> {
    let (Some(mut held), Some(value)) = (clause.holds(look)?, &clause.value) else { return Ok(None) };
    if !clause.text_holds(&mut held, look, word, search)? {
        return Ok(None);
    }
    Ok(Some((held.filled(value), held.evidence())))
}

/// The one search through the text of a file, for all patterns of the descriptions that may fit.
#[derive(Default)]
pub(super) struct Search {
    patterns: Vec<Regex>,
    first: BTreeMap<String, usize>,
    matches: Option<Vec<TextMatch>>,
}

impl Search {
    /// Adds the patterns of the description `word`; before the first question.
    pub(super) fn add(&mut self, word: &str, patterns: &[Regex]) {
        self.first.insert(word.to_owned(), self.patterns.len());
        self.patterns.extend_from_slice(patterns);
    }

    /// The match of pattern number `pattern` of the description `word`.
    pub(super) fn found(
        &mut self,
        look: &dyn Look,
        word: &str,
        pattern: usize,
    ) -> Result<Option<&TextMatch>, ElfError> {
        if self.matches.is_none() {
            self.matches = Some(look.text(&self.patterns)?);
        }
        let Some(first) = self.first.get(word) else { return Ok(None) };
        Ok(self.matches.iter().flatten().find(|it| it.pattern == first + pattern))
    }
}

pub(super) fn hidden(look: &dyn Look, reason: String) -> Gap {
    Gap::new(look.path(), Stage::Identify, reason, "which library this file is")
}
