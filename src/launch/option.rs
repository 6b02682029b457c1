//! One option of a command, as a description writes it.

use serde::Deserialize;

use super::condition::{Ranges, RangesText};
use super::effect::{Case, CaseText};
use super::meaning::{Amount, Meaning};
use crate::base::{KnowledgeError, TextFile};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionText {
    /// As they are written, with their dashes; the name of a variable where one acts like an option.
    names: Vec<String>,
    #[serde(default)]
    means: Meaning,
    /// The value is this amount.
    amount: Option<Amount>,
    /// Words after it.
    #[serde(default = "one")]
    takes: usize,
    /// The first option of a line with several programs counts for all of them.
    #[serde(default)]
    global: bool,
    #[serde(default)]
    cases: Vec<CaseText>,
    /// The versions that read it; any of them.
    #[serde(default)]
    version: Option<RangesText>,
    /// Of `means = "export"`: words for everything and for nothing.
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
}

fn one() -> usize {
    1
}

/// One option, or a variable that acts like one.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) names: Vec<String>,
    pub(super) means: Meaning,
    pub(super) amount: Option<Amount>,
    pub(super) takes: usize,
    pub(super) global: bool,
    pub(super) cases: Vec<Case>,
    pub(super) version: Ranges,
    pub(super) all: Vec<String>,
    pub(super) none: Vec<String>,
}

impl Rule {
    pub(super) fn read(file: &TextFile, raw: OptionText) -> Result<Self, KnowledgeError> {
        Ok(Self {
            cases: raw.cases.iter().map(|it| Case::read(file, it)).collect::<Result<_, _>>()?,
            version: Ranges::read(file, raw.version)?,
            names: raw.names,
            means: raw.means,
            amount: raw.amount,
            takes: raw.takes,
            global: raw.global,
            all: raw.all,
            none: raw.none,
        })
    }

    /// An option of which only the number of its words is known.
    pub(super) fn plain(names: Vec<String>, takes: usize) -> Self {
        Self {
            names,
            means: Meaning::Nothing,
            amount: None,
            takes,
            global: false,
            cases: Vec::new(),
            version: Ranges::default(),
            all: Vec::new(),
            none: Vec::new(),
        }
    }
}
