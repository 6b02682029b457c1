//! Reads the options of a command by a table of options.
//!
//! Invariant: a word that begins like an option and is in no table is said, and so is an abbreviation.

use serde::Deserialize;

use super::meaning::Meaning;
use super::option::{OptionText, Rule};
use super::values::{at, leading, without};
use crate::base::{KnowledgeError, TextFile};
use crate::job::{Place, Unclear, Value, Word};

/// How options are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Spelling {
    /// `-n4`, `-n 4`, `-lu`, `--name=value`, `--name value`, `--na`.
    #[default]
    Getopt,
    /// `-name value`, `--name value`, `--name=value`; nothing is attached or abbreviated.
    Dashes,
}

/// A table of options, as descriptions of all kinds write it.
#[derive(Debug, Clone, Default)]
pub(super) struct GrammarText {
    pub(super) spelling: Spelling,
    /// Options without a value that matter to nobody here.
    pub(super) flags: Vec<String>,
    /// Options with a value that matter to nobody here.
    pub(super) values: Vec<String>,
    pub(super) option: Vec<OptionText>,
}

/// A table of options.
#[derive(Debug, Clone, Default)]
pub(super) struct Grammar {
    spelling: Spelling,
    rules: Vec<Rule>,
}

/// One option as it stands in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// As written: `-n`, `--ntasks`; or the name of the variable that acts like it.
    pub name: String,
    /// What it is for.
    pub means: Meaning,
    /// Its values.
    pub values: Vec<Value>,
    /// Where it stands.
    pub place: Place,
    pub(super) rule: usize,
}

/// The options that a list of words begins with.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    pub(super) given: Vec<Given>,
    pub(super) unclear: Vec<Unclear>,
    /// A word that may hold options nobody can see.
    pub(super) incomplete: Option<Place>,
    /// Index of the first word that is no option.
    pub(super) rest: usize,
}

/// The option that a word is.
struct Hit {
    rule: usize,
    name: String,
    /// What is attached to the word.
    attached: Option<Value>,
}

impl Grammar {
    /// Whether an option of the table is for this.
    pub(super) fn means(&self, meaning: Meaning) -> bool {
        self.rules.iter().any(|it| it.means == meaning)
    }

    pub(super) fn read(file: &TextFile, raw: GrammarText) -> Result<Self, KnowledgeError> {
        let mut rules = Vec::new();
        for it in raw.option {
            rules.push(Rule::read(file, it)?);
        }
        rules.push(Rule::plain(raw.flags, 0));
        rules.push(Rule::plain(raw.values, 1));
        Ok(Self { spelling: raw.spelling, rules })
    }

    /// Reads the options of another table too, after its own.
    pub(super) fn extend(&mut self, other: Self) {
        self.rules.extend(other.rules);
        self.spelling = other.spelling;
    }

    pub(super) fn rule(&self, given: &Given) -> Option<&Rule> {
        self.rules.get(given.rule)
    }

    /// Reads options up to the first word that is none. `program` says which words begin a program.
    pub(super) fn parse(&self, words: &[Word], program: &dyn Fn(&Word) -> bool) -> Parsed {
        let mut parsed = Parsed::default();
        while let Some(word) = words.get(parsed.rest) {
            let text = leading(&word.value);
            if word.value.text().as_deref() == Some("--") {
                parsed.rest += 1;
                break;
            }
            if text.starts_with('-') && 1 < text.len() {
                self.option(words, &mut parsed, program);
            } else if word.open && may_be_options(words.get(parsed.rest + 1), program) {
                parsed.unclear.push(unclear(word, "it may hold options, and is not known"));
                parsed.incomplete = parsed.incomplete.or(Some(word.place.clone()));
                parsed.rest += 1;
            } else {
                break;
            }
        }
        parsed
    }

    fn option(&self, words: &[Word], parsed: &mut Parsed, program: &dyn Fn(&Word) -> bool) {
        let Some(word) = words.get(parsed.rest) else { return };
        parsed.rest += 1;
        let hits = match self.spelling {
            Spelling::Getopt => self.getopt(word, &mut parsed.unclear),
            Spelling::Dashes => self.dashes(word),
        };
        if hits.is_empty() {
            parsed.unclear.push(unclear(word, "this option is not known here"));
            parsed.incomplete = parsed.incomplete.take().or(Some(word.place.clone()));
            let takes_next = !leading(&word.value).contains('=')
                && words.get(parsed.rest).is_some_and(|it| !is_option(it) && !program(it))
                && words.get(parsed.rest + 1).is_some_and(|it| is_option(it) || program(it));
            parsed.rest += usize::from(takes_next);
            return;
        }
        for hit in hits {
            let Some(rule) = self.rules.get(hit.rule) else { continue };
            let mut values: Vec<Value> = hit.attached.into_iter().map(|it| at(it, &word.place)).collect();
            let pair = rule.means == Meaning::AssignPair;
            while values.len() < rule.takes && !(pair && values.iter().any(|it| leading(it).contains('='))) {
                let Some(next) = words.get(parsed.rest) else {
                    parsed.unclear.push(unclear(word, "its value is missing"));
                    break;
                };
                values.push(at(next.value.clone(), &next.place));
                parsed.rest += 1;
            }
            let place = word.place.clone();
            parsed.given.push(Given { name: hit.name, means: rule.means, values, place, rule: hit.rule });
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|it| it.names.iter().any(|known| known == name))
    }

    fn getopt(&self, word: &Word, notes: &mut Vec<Unclear>) -> Vec<Hit> {
        let text = leading(&word.value);
        let (name, attached) = named(&word.value);
        if let Some(rule) = self.find(&name) {
            return vec![Hit { rule, name, attached }];
        }
        if text.starts_with("--") {
            let abbreviated = |it: &&(usize, &String)| it.1.starts_with(&name);
            let all =
                self.rules.iter().enumerate().flat_map(|(index, rule)| rule.names.iter().map(move |it| (index, it)));
            let found: Vec<(usize, &String)> = all.filter(|it| abbreviated(&it)).collect();
            let [(rule, whole)] = found.as_slice() else { return Vec::new() };
            notes.push(unclear(word, &format!("read as an abbreviation of {whole}")));
            return vec![Hit { rule: *rule, name: (*whole).clone(), attached }];
        }
        self.cluster(&word.value)
    }

    /// `-n4`, `-lu`, `-lun4`.
    fn cluster(&self, value: &Value) -> Vec<Hit> {
        let mut hits = Vec::new();
        let text = leading(value);
        for (index, letter) in text.char_indices().skip(1) {
            let name = format!("-{letter}");
            let Some(rule) = self.find(&name) else { return Vec::new() };
            let takes = self.rules.get(rule).is_some_and(|it| 0 < it.takes);
            let after = index + letter.len_utf8();
            let rest = without(value, after);
            if takes {
                let attached = (!rest.parts.is_empty()).then_some(rest);
                hits.push(Hit { rule, name, attached });
                return hits;
            }
            hits.push(Hit { rule, name, attached: None });
        }
        hits
    }

    fn dashes(&self, word: &Word) -> Vec<Hit> {
        let (name, attached) = named(&word.value);
        let bare = name.trim_start_matches('-');
        let spelled = [name.clone(), format!("-{bare}"), format!("--{bare}")];
        let found = spelled.iter().find_map(|it| self.find(it));
        found.map(|rule| Hit { rule, name, attached }).into_iter().collect()
    }
}

/// The name before `=`, and the value after it.
fn named(value: &Value) -> (String, Option<Value>) {
    let text = leading(value);
    match text.split_once('=') {
        Some((name, _)) => (name.to_owned(), Some(without(value, name.len() + 1))),
        None => (text.to_owned(), None),
    }
}

fn is_option(word: &Word) -> bool {
    leading(&word.value).starts_with('-')
}

/// An unknown word is taken for options where an option or a program that is known follows.
fn may_be_options(next: Option<&Word>, program: &dyn Fn(&Word) -> bool) -> bool {
    next.is_some_and(|it| is_option(it) || program(it) || it.open)
}

pub(super) fn unclear(word: &Word, why: &str) -> Unclear {
    Unclear { place: word.place.clone(), what: word.value.display(), why: why.to_owned() }
}
