//! Commands that start another command: `env`, `numactl`, a container runtime. Described in `rules/wrappers`.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::change::{Change, EnvironmentChange, changes};
use super::effect::effects;
use super::grammar::{Given, Grammar, GrammarText, Spelling};
use super::meaning::Meaning;
use super::option::OptionText;
use super::values::{assignment, base_name, split};
use crate::base::{Glob, KnowledgeError, TextFile, parse};
use crate::job::{Place, Unclear, Value, Word};

/// Wrappers in one command; what follows is taken for the program.
const WRAPPERS: usize = 16;

/// One wrapper as it stands in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapper {
    /// Word of its description; empty for one that nothing describes.
    pub word: String,
    /// Its name as written.
    pub place: Place,
    /// Its options.
    pub given: Vec<Given>,
    /// What it does to the environment, in order.
    pub changes: Vec<EnvironmentChange>,
    /// The CPUs that it confines the program to, as written.
    pub cpus: Option<Value>,
    /// What the program sees of the host, if it runs in a container.
    pub container: Option<Container>,
    /// What was not understood of it.
    pub unclear: Vec<Unclear>,
}

/// What a container lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// The image.
    pub image: Option<Value>,
    /// Whether variables of the host get in, unless one of `never`.
    pub passes_environment: bool,
    /// The option that keeps them out.
    pub clean: Option<Place>,
    /// Patterns of names that never get in.
    pub never: Vec<String>,
    /// A variable of the host with one of these in front gets in without it.
    pub prefixes: Vec<String>,
    /// Whether the home directory of the host is mounted.
    pub home: bool,
    /// The option that keeps it out.
    pub no_home: Option<Place>,
    /// What is mounted by options.
    pub mounts: Vec<Value>,
    /// Variables of the host whose values are mounted too.
    pub mount_variables: Vec<String>,
    /// Whether the image's own variables win over those of the host.
    pub image_wins: bool,
    /// Whether a site makes it mount libraries of the host, by hooks that no option names.
    pub hooks: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrapperText {
    title: String,
    names: Vec<String>,
    /// Its programs are interpreters: nothing is behind them.
    #[serde(default)]
    interpreter: bool,
    #[serde(default)]
    subcommands: Vec<Vec<String>>,
    #[serde(default)]
    spelling: Spelling,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    option: Vec<OptionText>,
    #[serde(default)]
    operand: Vec<OperandText>,
    container: Option<ContainerText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperandText {
    means: Meaning,
    /// Not there when an option of this meaning was given.
    unless: Option<Meaning>,
    /// Any number of words that fit.
    pattern: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainerText {
    passes_environment: bool,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    mount_variables: Vec<String>,
    #[serde(default)]
    home: bool,
    #[serde(default)]
    image_wins: bool,
    #[serde(default)]
    hooks: bool,
}

#[derive(Debug, Clone)]
struct Operand {
    means: Meaning,
    unless: Option<Meaning>,
    pattern: Option<Regex>,
}

#[derive(Debug, Clone)]
struct Description {
    names: Vec<Glob>,
    subcommands: Vec<Vec<String>>,
    grammar: Grammar,
    operands: Vec<Operand>,
    container: Option<ContainerText>,
}

/// Everything in `rules/wrappers`.
#[derive(Debug, Clone, Default)]
pub(super) struct Wrappers {
    wrappers: BTreeMap<String, Description>,
    interpreters: Vec<Glob>,
}

impl Wrappers {
    pub(super) fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut all = Self::default();
        for file in files {
            let raw: WrapperText = parse(file)?;
            let names = raw.names.iter().map(|it| Glob::new(it)).collect::<Vec<_>>();
            if raw.title.is_empty() || names.is_empty() {
                return Err(KnowledgeError::at(file, 0, "a wrapper has a title and names"));
            }
            if raw.interpreter {
                all.interpreters.extend(names);
                continue;
            }
            let grammar =
                GrammarText { spelling: raw.spelling, flags: raw.flags, values: raw.values, option: raw.option };
            let operands = raw.operand.iter().map(|it| Operand::read(file, it)).collect::<Result<_, _>>()?;
            let description = Description {
                names,
                subcommands: raw.subcommands,
                grammar: Grammar::read(file, grammar)?,
                operands,
                container: raw.container,
            };
            all.wrappers.insert(file.stem.clone(), description);
        }
        Ok(all)
    }

    /// Whether the word starts an interpreter of programs that are audited.
    pub(super) fn is_interpreter(&self, word: &Word) -> bool {
        self.is_interpreter_name(&word.value.text().unwrap_or_default())
    }

    pub(super) fn is_interpreter_name(&self, program: &str) -> bool {
        self.interpreters.iter().any(|it| it.matches(base_name(program).as_bytes()))
    }

    /// Whether the word is a program that a description knows.
    pub(super) fn knows(&self, word: &Word) -> bool {
        self.is_interpreter(word) || self.find(word).is_some()
    }

    fn find(&self, word: &Word) -> Option<(&String, &Description)> {
        let text = word.value.text()?;
        let name = base_name(&text);
        self.wrappers.iter().find(|(_, it)| it.names.iter().any(|glob| glob.matches(name.as_bytes())))
    }

    /// The wrappers that the words begin with, and the index of the first word behind them.
    pub(super) fn strip(&self, words: &[Word], program: &dyn Fn(&Word) -> bool) -> (Vec<Wrapper>, usize) {
        let (mut wrappers, mut at) = (Vec::new(), 0);
        while wrappers.len() < WRAPPERS {
            let rest = words.get(at..).unwrap_or_default();
            let Some((wrapper, length)) =
                rest.first().and_then(|it| self.find(it)).and_then(|it| one(it, rest, program))
            else {
                break;
            };
            wrappers.push(wrapper);
            at += length;
        }
        (wrappers, at)
    }

    /// A first word that nothing describes, in front of an interpreter: a wrapper of which nothing is known.
    pub(super) fn unknown(&self, words: &[Word]) -> Option<(Wrapper, usize)> {
        let first = words.first().filter(|it| !self.is_interpreter(it))?;
        let at = words.iter().position(|it| self.is_interpreter(it))?;
        let between = words.get(1..at)?;
        let option = |it: &Word| super::values::leading(&it.value).starts_with('-');
        if !between.iter().all(option) {
            return None;
        }
        let name = first.value.display();
        let change = Change::Unknown(format!("{name} may change it"));
        let place = first.place.clone();
        let why = "what this does before it starts the program is not known here";
        let unclear = vec![Unclear { place: place.clone(), what: name, why: why.to_owned() }];
        let changes = vec![EnvironmentChange { change, place: place.clone() }];
        Some((Wrapper { place, changes, unclear, ..Wrapper::default() }, at))
    }
}

impl Operand {
    fn read(file: &TextFile, raw: &OperandText) -> Result<Self, KnowledgeError> {
        let pattern = raw.pattern.as_ref().map(|it| {
            Regex::new(it.get_ref()).map_err(|error| KnowledgeError::at(file, it.span().start, error.to_string()))
        });
        Ok(Self { means: raw.means, unless: raw.unless, pattern: pattern.transpose()? })
    }
}

fn one(found: (&String, &Description), words: &[Word], program: &dyn Fn(&Word) -> bool) -> Option<(Wrapper, usize)> {
    let (word, description) = found;
    let place = words.first()?.place.clone();
    let mut wrapper = Wrapper { word: word.clone(), place, ..Wrapper::default() };
    wrapper.container = description.container.as_ref().map(ContainerText::container);
    let mut at = 1;
    if !description.subcommands.is_empty() {
        let says = |it: &Vec<String>| follows(words.get(1..).unwrap_or_default(), it);
        at += description.subcommands.iter().find(|it| says(it))?.len();
    }
    let parsed = description.grammar.parse(words.get(at..).unwrap_or_default(), program);
    at += parsed.rest;
    wrapper.unclear = parsed.unclear;
    for given in parsed.given {
        let Some(rule) = description.grammar.rule(&given) else { continue };
        wrapper.changes.extend(changes(rule, &given.values, &given.place));
        wrapper.note(given.means, given.values.first(), &given.place);
        let flag = Value::default();
        let also = effects(&rule.cases, &given.name, given.values.first().unwrap_or(&flag)).means;
        if let Some((means, value)) = also {
            wrapper.note(means, Some(&value), &given.place);
        }
        wrapper.given.push(given);
    }
    for operand in &description.operands {
        if operand.unless.is_some_and(|it| wrapper.given.iter().any(|given| given.means == it)) {
            continue;
        }
        at += operand.take(words.get(at..).unwrap_or_default(), &mut wrapper);
    }
    Some((wrapper, at))
}

/// Whether the words begin with these texts.
pub(super) fn follows(words: &[Word], texts: &[String]) -> bool {
    texts.len() <= words.len() && texts.iter().zip(words).all(|(text, word)| word.value.text().as_ref() == Some(text))
}

impl Operand {
    /// Takes the words that are this operand, and says how many.
    fn take(&self, words: &[Word], wrapper: &mut Wrapper) -> usize {
        let fits = |word: &&Word| match &self.pattern {
            Some(pattern) => pattern.is_match(super::values::leading(&word.value)),
            None => true,
        };
        let most = if self.pattern.is_some() { words.len() } else { 1 };
        let taken: Vec<&Word> = words.iter().take(most).take_while(fits).collect();
        for word in &taken {
            if let (Meaning::Assign, Some((name, value))) = (self.means, assignment(&word.value)) {
                let change = Change::Set { name, value };
                wrapper.changes.push(EnvironmentChange { change, place: word.place.clone() });
            }
            wrapper.note(self.means, Some(&word.value), &word.place);
        }
        taken.len()
    }
}

impl Wrapper {
    fn note(&mut self, means: Meaning, value: Option<&Value>, place: &Place) {
        if let (Meaning::CpuList | Meaning::CpuMask, Some(value)) = (means, value) {
            self.cpus = Some(value.clone());
        }
        let Some(container) = &mut self.container else { return };
        match (means, value) {
            (Meaning::Image, Some(value)) => container.image = Some(value.clone()),
            (Meaning::Mount, Some(value)) => container.mounts.extend(split(value, ',')),
            (Meaning::NoHome, _) => container.no_home = Some(place.clone()),
            (Meaning::KeepNone, _) => container.clean = Some(place.clone()),
            (Meaning::KeepAll, _) => container.passes_environment = true,
            _ => {}
        }
        container.home = container.home && container.no_home.is_none();
    }
}

impl ContainerText {
    fn container(&self) -> Container {
        Container {
            passes_environment: self.passes_environment,
            never: self.never.clone(),
            prefixes: self.prefixes.clone(),
            mount_variables: self.mount_variables.clone(),
            home: self.home,
            image_wins: self.image_wins,
            hooks: self.hooks,
            ..Container::default()
        }
    }
}
