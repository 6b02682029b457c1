//! How a clause is written in TOML, and how it is made ready to be matched.

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::KnowledgeError;
use super::clause::{Clause, Spellings};
use crate::base::TextFile;

/// A clause as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClauseText {
    pub(super) value: Option<Spanned<String>>,
    #[serde(default)]
    defines: Vec<String>,
    #[serde(default)]
    defines_all: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    wants: Vec<String>,
    #[serde(default)]
    wants_any: Vec<String>,
    #[serde(default)]
    lacks_wants: Vec<String>,
    #[serde(default)]
    mentions: Vec<String>,
    needed: Option<Spanned<String>>,
    lacks_needed: Option<Spanned<String>>,
    soname: Option<Spanned<String>>,
    lacks_soname: Option<Spanned<String>>,
    file: Option<Spanned<String>>,
    text: Option<Spanned<String>>,
    lacks_text: Option<Spanned<String>>,
    symbol: Option<String>,
    script: Option<bool>,
    #[serde(default)]
    likely: bool,
}

/// Turns the clauses of one file into matchable ones and gathers the patterns that they search the text for.
pub(super) struct Compiler<'a> {
    pub(super) file: &'a TextFile,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    pub(super) patterns: Vec<Regex>,
}

impl Compiler<'_> {
    /// The clause; an error names the place of a pattern that is none.
    pub(super) fn clause(&mut self, raw: &ClauseText) -> Result<Clause, KnowledgeError> {
        let text = raw.text.as_ref().map(|it| self.pattern(it)).transpose()?;
        let (symbol, text) = match (&raw.symbol, text) {
            (Some(symbol), Some(pattern)) => (Some((self.spellings(symbol), pattern)), None),
            (Some(symbol), None) => {
                let at = raw.value.as_ref().map_or(0, |it| it.span().start);
                return Err(KnowledgeError::at(self.file, at, format!("`symbol = \"{symbol}\"` needs a `text`")));
            }
            (None, Some(pattern)) => (None, Some(self.number(pattern))),
            (None, None) => (None, None),
        };
        let lacks_text = raw.lacks_text.as_ref().map(|it| self.pattern(it)).transpose()?.map(|it| self.number(it));
        let names = |list: &[String]| list.iter().map(|it| self.spellings(it)).collect();
        let regex = |it: &Option<Spanned<String>>| it.as_ref().map(|it| self.pattern(it)).transpose();
        Ok(Clause {
            value: raw.value.as_ref().map(|it| it.get_ref().clone()),
            defines: names(&raw.defines),
            defines_all: names(&raw.defines_all),
            lacks: names(&raw.lacks),
            wants: names(&raw.wants),
            wants_any: names(&raw.wants_any),
            lacks_wants: names(&raw.lacks_wants),
            mentions: names(&raw.mentions),
            needed: regex(&raw.needed)?,
            lacks_needed: regex(&raw.lacks_needed)?,
            soname: regex(&raw.soname)?,
            lacks_soname: regex(&raw.lacks_soname)?,
            file: regex(&raw.file)?,
            symbol,
            text,
            lacks_text,
            script: raw.script,
            likely: raw.likely,
        })
    }

    pub(super) fn pattern(&self, written: &Spanned<String>) -> Result<Regex, KnowledgeError> {
        pattern(self.file, written)
    }

    fn number(&mut self, pattern: Regex) -> usize {
        let known = self.patterns.iter().position(|it| it.as_str() == pattern.as_str());
        known.unwrap_or_else(|| {
            self.patterns.push(pattern);
            self.patterns.len() - 1
        })
    }

    /// `<name>` stands for the name with every prefix and suffix; any other name for itself.
    pub(super) fn spellings(&self, name: &str) -> Spellings {
        let Some(inner) = name.strip_prefix('<').and_then(|it| it.strip_suffix('>')) else {
            return vec![name.as_bytes().to_vec()];
        };
        let with = |prefix: &String| {
            // macOS: `dgesv$NEWLAPACK` has lost the underscore that Fortran compilers put behind a name.
            let stem = |suffix: &str| if suffix.starts_with('$') { inner.trim_end_matches('_') } else { inner };
            let spell = |suffix: &String| format!("{prefix}{}{suffix}", stem(suffix)).into_bytes();
            self.suffixes.iter().map(spell).collect::<Vec<_>>()
        };
        self.prefixes.iter().flat_map(with).collect()
    }
}

/// A pattern; an error names its place.
pub(super) fn pattern(file: &TextFile, written: &Spanned<String>) -> Result<Regex, KnowledgeError> {
    // Bytes, not characters: a file is not UTF-8.
    Regex::new(&format!("(?-u){}", written.get_ref())).map_err(|error| {
        let last = error.to_string().lines().last().unwrap_or_default().to_owned();
        KnowledgeError::at(file, written.span().start, format!("not a pattern: {last}"))
    })
}
