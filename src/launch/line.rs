//! A launch line read by the description of its launcher.

use std::collections::BTreeMap;

use super::change::{Change, EnvironmentChange, changes};
use super::description::{LaunchDescription, Launchers};
use super::effect::{Bind, Effects, Target, effects};
use super::grammar::{Given, Parsed, unclear};
use super::meaning::{Amount, Meaning};
use super::option::Rule;
use super::quantity::Quantity;
use super::values::{assignment, base_name};
use super::wrapper::{Wrapper, follows};
use crate::job::{Place, Unclear, Value, Word};

/// Programs that one line may start; beyond, the rest is unclear.
const PROGRAMS: usize = 64;

/// What a command starts, as far as its first words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What stands before it.
    pub wrappers: Vec<Wrapper>,
    /// Index of the launcher's name, or of the program's.
    pub at: usize,
    /// Words of the launchers that have a program of this name; empty for a program that is started once.
    pub candidates: Vec<String>,
    /// Why the launcher is not known although the line looks like a launch.
    pub unknown: Option<String>,
}

/// A parameter for the MPI library or the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// One program that a line starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// Word of the launcher; `None` for a program that is started once, or by something unknown.
    pub launcher: Option<String>,
    /// Base name of the launcher's program as written.
    pub name: String,
    /// Its version, as the caller knows it.
    pub version: Option<String>,
    /// The launcher's name, or the program's.
    pub place: Place,
    /// Which of the programs of the line this is, and of how many.
    pub part: (usize, usize),
    /// The options in order.
    pub given: Vec<Given>,
    /// Numbers that the options say.
    pub amounts: BTreeMap<Amount, Quantity>,
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// What the launcher does to the environment, in order; that of the wrappers stands with them.
    pub changes: Vec<EnvironmentChange>,
    /// The process management interface that was asked for.
    pub pmi: Option<Value>,
    /// What was not understood.
    pub unclear: Vec<Unclear>,
    /// A word that may hold options nobody can see: what no option says is not known.
    pub incomplete: Option<Place>,
    /// Wrappers in front of the launcher.
    pub outer: Vec<Wrapper>,
    /// Wrappers between launcher and program.
    pub inner: Vec<Wrapper>,
    /// The program and its arguments.
    pub program: Vec<Word>,
    pub(super) binding: Option<Bind>,
    pub(super) mapping: Option<Bind>,
    pub(super) over: Option<Target>,
    pub(super) bind_places: Vec<Place>,
}

impl Line {
    /// The last option of that meaning.
    pub fn last(&self, means: Meaning) -> Option<&Given> {
        self.given.iter().rev().find(|it| it.means == means)
    }

    /// All wrappers, the outermost first.
    pub fn wrappers(&self) -> impl Iterator<Item = &Wrapper> {
        self.outer.iter().chain(&self.inner)
    }
}

impl Launchers {
    /// The wrappers that a command begins with, and the index of the first word behind them.
    pub fn strip(&self, words: &[Word]) -> (Vec<Wrapper>, usize) {
        self.wrappers.strip(words, &|it| self.begins_program(it))
    }

    /// Whether a command is a launch: a launcher, perhaps behind wrappers, or an interpreter.
    pub fn is_launch(&self, words: &[Word]) -> Option<Found> {
        let (wrappers, at) = self.strip(words);
        let rest = words.get(at..)?;
        let first = rest.first()?;
        let found = |candidates, unknown| Some(Found { wrappers: wrappers.clone(), at, candidates, unknown });
        if self.wrappers.is_interpreter(first) {
            return found(Vec::new(), None);
        }
        let Some(text) = first.value.text() else {
            let later = rest.iter().skip(1).any(|it| self.wrappers.is_interpreter(it));
            let what = first.value.display();
            return if later { found(Vec::new(), Some(format!("{what} is not known"))) } else { None };
        };
        let name = base_name(&text);
        let arguments = rest.get(1..).unwrap_or_default();
        let runs = |it: &&LaunchDescription| it.programs.iter().any(|own| own == name) && it.runs(arguments);
        let mut candidates: Vec<String> = self.lines.iter().filter(runs).map(|it| it.word.clone()).collect();
        candidates.dedup();
        if candidates.is_empty() { None } else { found(candidates, None) }
    }

    /// Reads a launch. `word` is the launcher that the caller chose from the candidates.
    pub fn read(&self, words: &[Word], found: &Found, word: Option<&str>, version: Option<&str>) -> Vec<Line> {
        let rest = words.get(found.at..).unwrap_or_default();
        let Some(first) = rest.first() else { return Vec::new() };
        let name = base_name(&first.value.text().unwrap_or_default()).to_owned();
        let line = Line {
            place: first.place.clone(),
            outer: found.wrappers.clone(),
            part: (1, 1),
            version: version.map(str::to_owned),
            ..Line::default()
        };
        let description = word.and_then(|it| self.description(it, &name));
        match description {
            Some(description) => self.described(description, rest, &Line { name, ..line }),
            None if found.candidates.is_empty() && found.unknown.is_none() => vec![self.once(rest, line)],
            None => vec![self.unknown(rest, found, Line { name, ..line })],
        }
    }

    /// Whether a program that is known here begins with this word.
    fn begins_program(&self, word: &Word) -> bool {
        let text = word.value.text().unwrap_or_default();
        let name = base_name(&text);
        self.wrappers.knows(word) || self.lines.iter().any(|it| it.programs.iter().any(|own| own == name))
    }

    /// A program without a launcher.
    fn once(&self, words: &[Word], line: Line) -> Line {
        let one = Quantity { places: vec![line.place.clone()], ..Quantity::known(1, "started without a launcher") };
        let amounts = [Amount::Nodes, Amount::Ranks, Amount::RanksPerNode].map(|it| (it, one.clone()));
        Line { amounts: amounts.into_iter().collect(), program: words.to_vec(), ..line }
    }

    /// A launcher that is not known: what all that it may be agree on, otherwise the interpreter begins the program.
    fn unknown(&self, words: &[Word], found: &Found, mut line: Line) -> Line {
        let why = match (&found.unknown, found.candidates.as_slice()) {
            (Some(reason), _) => reason.clone(),
            (None, several) => format!("which launcher this is, is not known: {}", several.join(", ")),
        };
        let read = |word: &String| {
            let description = self.description(word, &line.name)?;
            self.described(description, words, &line).into_iter().next()
        };
        let possible: Vec<Line> = found.candidates.iter().filter_map(read).collect();
        let at = words.iter().position(|it| self.wrappers.is_interpreter(it)).unwrap_or(words.len());
        line.program = words.get(at..).unwrap_or_default().to_vec();
        if let Some((first, rest)) = possible.split_first() {
            let agree = |amount: &Amount, it: &Quantity| rest.iter().all(|other| other.amounts.get(amount) == Some(it));
            line.amounts =
                first.amounts.iter().filter(|(amount, it)| agree(amount, it)).map(|(a, b)| (*a, b.clone())).collect();
            if rest.iter().all(|it| it.changes == first.changes) {
                line.changes.clone_from(&first.changes);
            }
            if rest.iter().all(|it| it.program == first.program && it.inner == first.inner) {
                line.program.clone_from(&first.program);
                line.inner.clone_from(&first.inner);
            }
        }
        line.unclear.extend(words.first().map(|it| unclear(it, &why)));
        line.incomplete = Some(line.place.clone());
        line
    }

    fn described(&self, description: &LaunchDescription, words: &[Word], line: &Line) -> Vec<Line> {
        let skip = 1 + description.subcommand(words.get(1..).unwrap_or_default()).map_or(0, Vec::len);
        let words = words.get(skip..).unwrap_or_default();
        let is_separator = |it: &Word| it.value.text() == description.separator && description.separator.is_some();
        let parts: Vec<&[Word]> = words.split(is_separator).take(PROGRAMS).collect();
        let mut lines: Vec<Line> = Vec::new();
        let mut global = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let base =
                Line { launcher: Some(description.word.clone()), part: (index + 1, parts.len()), ..line.clone() };
            let line = self.one(description, part, base, &global);
            if index == 0 {
                let of_all = |it: &&Given| description.grammar.rule(it).is_some_and(|rule| rule.global);
                global = line.given.iter().filter(of_all).cloned().collect();
            }
            lines.push(line);
        }
        lines
    }

    fn one(&self, description: &LaunchDescription, words: &[Word], mut line: Line, global: &[Given]) -> Line {
        let program = |it: &Word| self.begins_program(it);
        let Parsed { given, unclear, incomplete, rest } = description.grammar.parse(words, &program);
        line.unclear.extend(unclear);
        line.incomplete = incomplete;
        for given in global.iter().cloned().chain(given) {
            if let Some(rule) = description.grammar.rule(&given) {
                line.take(rule, &given);
            }
            line.given.push(given);
        }
        let mut rest = words.get(rest..).unwrap_or_default();
        while let (true, Some(first)) = (description.assignments, rest.first()) {
            let Some((name, value)) = assignment(&first.value) else { break };
            let change = Change::Set { name, value };
            line.changes.push(EnvironmentChange { change, place: first.place.clone() });
            rest = rest.get(1..).unwrap_or_default();
        }
        let (mut inner, at) = self.wrappers.strip(rest, &program);
        let rest = rest.get(at..).unwrap_or_default();
        let unknown = self.is_launch(rest).map_or_else(|| self.wrappers.unknown(rest), |_| None);
        let skipped = unknown.map(|(wrapper, at)| {
            inner.push(wrapper);
            at
        });
        line.program = rest.get(skipped.unwrap_or(0)..).unwrap_or_default().to_vec();
        line.inner = inner;
        line
    }
}

impl LaunchDescription {
    fn subcommand(&self, words: &[Word]) -> Option<&Vec<String>> {
        self.subcommands.iter().find(|it| follows(words, it))
    }

    fn runs(&self, words: &[Word]) -> bool {
        self.subcommands.is_empty() || self.subcommand(words).is_some()
    }
}

impl Line {
    /// Takes in what an option says.
    fn take(&mut self, rule: &Rule, given: &Given) {
        self.changes.extend(changes(rule, &given.values, &given.place));
        let flag = Value { parts: Vec::new(), places: vec![given.place.clone()] };
        let value = match given.values.first() {
            Some(value) => value,
            None if rule.takes == 0 && !rule.cases.is_empty() => &flag,
            None => return,
        };
        if let (Meaning::Parameter, Some(name), Some(value)) = (rule.means, value.text(), given.values.get(1)) {
            self.parameters.push(Parameter { name, value: value.clone(), place: given.place.clone() });
            return;
        }
        let effects = said(rule, &given.name, value, &mut self.amounts);
        if let Some(why) = effects.unclear {
            let what = format!("{} {}", given.name, value.display());
            self.unclear.push(Unclear { place: given.place.clone(), what, why });
            if matches!(rule.means, Meaning::Binding | Meaning::Mapping) {
                self.incomplete = self.incomplete.take().or(Some(given.place.clone()));
            }
        }
        let (means, value) = effects.means.unwrap_or((rule.means, value.clone()));
        if matches!(means, Meaning::Binding | Meaning::Mapping) {
            self.bind_places.extend(value.places.iter().take(1).cloned());
        }
        if means == Meaning::Pmi {
            self.pmi = Some(value);
        } else if means == Meaning::Mapping {
            self.mapping = effects.bind.or(self.mapping.take());
        } else if means == Meaning::Binding {
            self.binding = effects.bind;
        }
        self.over = effects.over.or(self.over);
    }
}

/// What a value of an option or a variable says; numbers go into `amounts`, the last one counts.
pub(super) fn said(rule: &Rule, name: &str, value: &Value, amounts: &mut BTreeMap<Amount, Quantity>) -> Effects {
    let effects = effects(&rule.cases, name, value);
    amounts.extend(effects.amounts.iter().cloned());
    if let Some(amount) = rule.amount {
        amounts.insert(amount, Quantity::read(name, value));
    }
    effects
}
