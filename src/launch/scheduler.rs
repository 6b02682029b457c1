//! The files of `rules/schedulers`: which lines of a script a scheduler reads, and what a job gets from them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::effect::{Case, CaseText};
use super::grammar::{Grammar, GrammarText, Spelling};
use super::meaning::{Amount, Meaning};
use super::option::OptionText;
use crate::base::{KnowledgeError, TextFile, parse};

/// Every scheduler that is described.
#[derive(Debug, Clone, Default)]
pub struct Schedulers(BTreeMap<String, Scheduler>);

/// One scheduler.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// Public word: the stem of its file.
    pub word: String,
    /// Name for people.
    pub title: String,
    /// Other names that a site profile may use.
    pub aliases: Vec<String>,
    /// What its directives begin with.
    pub prefixes: Vec<String>,
    pub(super) whole_nodes: bool,
    pub(super) counts_threads: bool,
    pub(super) passes_environment: bool,
    pub(super) defaults: BTreeMap<Amount, u64>,
    pub(super) one_node_unless: Vec<Amount>,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) variables: Vec<VariableText>,
    pub(super) grammar: Grammar,
}

/// A variable that the scheduler gives to a job.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableText {
    pub(super) name: String,
    /// `{nodes}`; without it, nobody knows the value before the job runs.
    pub(super) value: Option<String>,
    /// The value of the option of this meaning, and only when it was given.
    pub(super) from: Option<Meaning>,
    /// Only when a directive asked for one of these.
    #[serde(default)]
    pub(super) asked: Vec<Amount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceText {
    amount: Option<Amount>,
    #[serde(default)]
    means: Meaning,
    /// `4:key=value:key=value+2:key=value`.
    #[serde(default)]
    chunks: bool,
    /// The number that a chunk begins with.
    count: Option<Amount>,
    #[serde(default)]
    keys: BTreeMap<String, Amount>,
    /// What a chunk has that does not say it.
    #[serde(default)]
    defaults: BTreeMap<Amount, u64>,
    /// What a chunk has as many of as of something else.
    #[serde(default)]
    same: BTreeMap<Amount, Amount>,
    #[serde(default)]
    cases: Vec<CaseText>,
}

/// One entry of a list of resources.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) amount: Option<Amount>,
    pub(super) means: Meaning,
    pub(super) chunks: bool,
    pub(super) count: Option<Amount>,
    pub(super) keys: BTreeMap<String, Amount>,
    pub(super) defaults: BTreeMap<Amount, u64>,
    pub(super) same: BTreeMap<Amount, Amount>,
    pub(super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulerText {
    title: String,
    #[serde(default)]
    aliases: Vec<String>,
    prefixes: Vec<String>,
    /// Jobs have whole nodes.
    #[serde(default)]
    whole_nodes: bool,
    /// A CPU is a hardware thread.
    #[serde(default)]
    counts_threads: bool,
    /// The shell that submits gives its environment to the job, unless an option says otherwise.
    passes_environment: bool,
    #[serde(default)]
    defaults: BTreeMap<Amount, u64>,
    /// A job has one node when it asks for none of these and for no nodes; empty: that is not known.
    #[serde(default)]
    one_node_unless: Vec<Amount>,
    #[serde(default)]
    spelling: Spelling,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    option: Vec<OptionText>,
    #[serde(default)]
    resource: BTreeMap<String, ResourceText>,
    #[serde(default)]
    variable: Vec<VariableText>,
}

impl Schedulers {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let one = |file: &TextFile| Ok((file.stem.clone(), Scheduler::read(file, parse(file)?)?));
        files.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The scheduler of that word, or one that is called so.
    pub fn get(&self, name: &str) -> Option<&Scheduler> {
        let called = || self.0.values().find(|it| it.aliases.iter().any(|alias| alias == name));
        self.0.get(name).or_else(called)
    }

    /// All, sorted by word.
    pub fn iter(&self) -> impl Iterator<Item = &Scheduler> {
        self.0.values()
    }

    /// What the directives of any scheduler begin with, each once.
    pub fn prefixes(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.iter().flat_map(|it| it.prefixes.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Scheduler {
    fn read(file: &TextFile, raw: SchedulerText) -> Result<Self, KnowledgeError> {
        let grammar = GrammarText { spelling: raw.spelling, flags: raw.flags, values: raw.values, option: raw.option };
        let mut resources = BTreeMap::new();
        for (name, it) in raw.resource {
            let resource = Resource {
                amount: it.amount,
                means: it.means,
                chunks: it.chunks,
                count: it.count,
                keys: it.keys,
                defaults: it.defaults,
                same: it.same,
                cases: it.cases.iter().map(|it| Case::read(file, it)).collect::<Result<_, _>>()?,
            };
            resources.insert(name, resource);
        }
        Ok(Self {
            word: file.stem.clone(),
            title: raw.title,
            aliases: raw.aliases,
            prefixes: raw.prefixes,
            whole_nodes: raw.whole_nodes,
            counts_threads: raw.counts_threads,
            passes_environment: raw.passes_environment,
            defaults: raw.defaults,
            one_node_unless: raw.one_node_unless,
            resources,
            variables: raw.variable,
            grammar: Grammar::read(file, grammar)?,
        })
    }
}
