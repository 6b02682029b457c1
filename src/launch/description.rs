//! The `[[line]]` tables of `rules/launchers`: how a launch line of each launcher is read, and what it does by default.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::condition::{When, WhenText};
use super::effect::{BindRule, BindText, Target};
use super::grammar::{Grammar, GrammarText, Spelling};
use super::meaning::Amount;
use super::option::{OptionText, Rule};
use super::wrapper::Wrappers;
use crate::base::{KnowledgeError, TextFile, parse};

/// Every way to start ranks that `rules/launchers` describes, and the wrappers around it.
#[derive(Debug, Clone, Default)]
pub struct Launchers {
    pub(super) lines: Vec<LaunchDescription>,
    pub(super) wrappers: Wrappers,
}

/// How lines of one launcher are read.
#[derive(Debug, Clone)]
pub struct LaunchDescription {
    /// Public word: the stem of its file.
    pub word: String,
    /// Name for people.
    pub title: String,
    /// Names that a site profile or a module may use for it.
    pub aliases: Vec<String>,
    /// Base names of its programs.
    pub programs: Vec<String>,
    /// Lines with their meaning: tests of this description.
    pub examples: Vec<LaunchExample>,
    pub(super) subcommands: Vec<Vec<String>>,
    pub(super) separator: Option<String>,
    pub(super) assignments: bool,
    pub(super) counts_threads: bool,
    pub(super) fills_slots: bool,
    pub(super) whole_nodes: bool,
    pub(super) escapes_masks: bool,
    pub(super) own_step: bool,
    pub(super) forwards_listed: bool,
    pub(super) ranks_read_own_settings: bool,
    pub(super) parameter_prefix: Option<String>,
    pub(super) scheduler: Option<String>,
    pub(super) otherwise: BTreeMap<Amount, String>,
    pub(super) grammar: Grammar,
    pub(super) variables: Vec<Rule>,
    pub(super) defaults: Vec<Default>,
}

/// What binds when nothing in the line does.
#[derive(Debug, Clone)]
pub(super) struct Default {
    pub(super) when: When,
    /// Several: which of them depends on what nobody can see.
    pub(super) binds: Vec<BindRule>,
    pub(super) because: String,
}

/// A line with its meaning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchExample {
    /// The command.
    pub line: String,
    /// Version of the launcher.
    pub version: Option<String>,
    /// Directives of the job, as they stand in a script.
    #[serde(default)]
    pub directives: Vec<String>,
    /// Variables of the script, `NAME=value`.
    #[serde(default)]
    pub environment: Vec<String>,
    /// A site profile, as TOML.
    #[serde(default)]
    pub site: String,
    /// What is expected: `nodes`, `ranks`, `ranks_per_node`, `cpus_per_rank`, `cores_per_rank`, `binding`, `masks`,
    /// `pmi`, `sets`, `removes`, `unclear`, `program`.
    #[serde(default)]
    pub expect: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineText {
    programs: Vec<String>,
    #[serde(default)]
    subcommands: Vec<Vec<String>>,
    #[serde(default)]
    aliases: Vec<String>,
    /// The options of the first line of another launcher are read too.
    like: Option<Spanned<String>>,
    /// The word between several programs.
    separator: Option<String>,
    /// `NAME=VALUE` in front of the program is for the environment of the ranks.
    #[serde(default)]
    assignments: bool,
    /// A CPU is a hardware thread.
    #[serde(default)]
    counts_threads: bool,
    /// Ranks fill the slots of one node before the next; otherwise they are spread over all nodes.
    #[serde(default)]
    fills_slots: bool,
    /// It has whole nodes, whatever the job asked for.
    #[serde(default)]
    whole_nodes: bool,
    /// It binds ranks to CPUs beyond those that it may itself run on.
    #[serde(default)]
    escapes_masks: bool,
    /// A step has the CPUs that its own line asks for.
    #[serde(default)]
    own_step: bool,
    /// Ranks on other nodes get variables that the line names.
    #[serde(default)]
    forwards_listed: bool,
    /// Variables that the line sets for the ranks are settings of the launcher as well.
    #[serde(default)]
    ranks_read_own_settings: bool,
    /// The variable of a parameter is this and the parameter's name.
    parameter_prefix: Option<String>,
    /// The scheduler whose requests it takes over.
    scheduler: Option<String>,
    #[serde(default)]
    otherwise: BTreeMap<Amount, String>,
    #[serde(default)]
    spelling: Option<Spelling>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    option: Vec<OptionText>,
    #[serde(default)]
    variable: Vec<OptionText>,
    #[serde(default)]
    default: Vec<DefaultText>,
    #[serde(default)]
    example: Vec<LaunchExample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultText {
    #[serde(default)]
    when: WhenText,
    bind: Option<BindText>,
    #[serde(default)]
    either: Vec<BindText>,
    because: String,
}

/// What else stands in a file of `rules/launchers` is for those who recognise it by its bytes.
#[derive(Deserialize)]
struct FileText {
    title: String,
    #[serde(default)]
    line: Vec<LineText>,
}

impl Launchers {
    /// Reads `rules/launchers` and `rules/wrappers`.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(launchers: &[TextFile], wrappers: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut lines: Vec<LaunchDescription> = Vec::new();
        let mut waiting = Vec::new();
        for file in launchers {
            let raw: FileText = parse(file)?;
            for line in raw.line {
                let like = line.like.clone();
                lines.push(LaunchDescription::read(file, &raw.title, line)?);
                waiting.extend(like.map(|it| (lines.len() - 1, it, file)));
            }
        }
        for (at, like, file) in waiting {
            let other = lines.iter().find(|it| &it.word == like.get_ref()).map(|it| it.grammar.clone());
            let words = || lines.iter().map(|it| it.word.as_str());
            let message = || format!("no launcher is called `{}`", like.get_ref());
            let Some(other) = other else {
                let error = KnowledgeError::at(file, like.span().start, message());
                return Err(error.instead_of(like.get_ref(), words()));
            };
            if let Some(line) = lines.get_mut(at) {
                line.grammar.extend(other);
            }
        }
        Ok(Self { lines, wrappers: Wrappers::load(wrappers)? })
    }

    /// Every description.
    pub fn iter(&self) -> impl Iterator<Item = &LaunchDescription> {
        self.lines.iter()
    }

    /// The words of the launchers that have a program of this name.
    pub fn candidates(&self, program: &str) -> Vec<String> {
        let has = |it: &&LaunchDescription| it.programs.iter().any(|name| name == program);
        let mut words: Vec<String> = self.lines.iter().filter(has).map(|it| it.word.clone()).collect();
        words.dedup();
        words
    }

    /// The word of the launcher that a site profile or a module calls so.
    pub fn called(&self, name: &str) -> Option<&str> {
        let is = |it: &&LaunchDescription| it.word == name || it.aliases.iter().any(|alias| alias == name);
        self.lines.iter().find(is).map(|it| it.word.as_str())
    }

    /// The description for a program of a launcher.
    pub(super) fn description(&self, word: &str, program: &str) -> Option<&LaunchDescription> {
        let of = || self.lines.iter().filter(|it| it.word == word);
        of().find(|it| it.programs.iter().any(|name| name == program)).or_else(|| of().next())
    }
}

impl LaunchDescription {
    /// A program without a launcher, or with one that is not known.
    pub(super) fn without(bind: Target, because: &str) -> Self {
        let default = Default { when: When::default(), binds: vec![BindRule::to(bind)], because: because.to_owned() };
        Self {
            word: String::new(),
            title: "the shell".to_owned(),
            aliases: Vec::new(),
            programs: Vec::new(),
            examples: Vec::new(),
            subcommands: Vec::new(),
            separator: None,
            assignments: false,
            counts_threads: false,
            fills_slots: false,
            whole_nodes: false,
            escapes_masks: false,
            own_step: false,
            forwards_listed: false,
            ranks_read_own_settings: false,
            parameter_prefix: None,
            scheduler: None,
            otherwise: BTreeMap::new(),
            grammar: Grammar::default(),
            variables: Vec::new(),
            defaults: vec![default],
        }
    }

    fn read(file: &TextFile, title: &str, raw: LineText) -> Result<Self, KnowledgeError> {
        let grammar = GrammarText {
            spelling: raw.spelling.unwrap_or_default(),
            flags: raw.flags,
            values: raw.values,
            option: raw.option,
        };
        let mut variables = Vec::new();
        for it in raw.variable {
            variables.push(Rule::read(file, it)?);
        }
        let mut defaults = Vec::new();
        for it in raw.default {
            let written = it.bind.iter().chain(&it.either);
            let binds = written.map(|it| BindRule::read(file, it)).collect::<Result<Vec<_>, _>>()?;
            defaults.push(Default { when: When::read(file, it.when)?, binds, because: it.because });
        }
        Ok(Self {
            word: file.stem.clone(),
            title: title.to_owned(),
            aliases: raw.aliases,
            programs: raw.programs,
            examples: raw.example,
            subcommands: raw.subcommands,
            separator: raw.separator,
            assignments: raw.assignments,
            counts_threads: raw.counts_threads,
            fills_slots: raw.fills_slots,
            whole_nodes: raw.whole_nodes,
            escapes_masks: raw.escapes_masks,
            own_step: raw.own_step,
            forwards_listed: raw.forwards_listed,
            ranks_read_own_settings: raw.ranks_read_own_settings,
            parameter_prefix: raw.parameter_prefix,
            scheduler: raw.scheduler,
            otherwise: raw.otherwise,
            grammar: Grammar::read(file, grammar)?,
            variables,
            defaults,
        })
    }
}
