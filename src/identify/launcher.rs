//! Launcher descriptions: `rules/launchers/<word>.toml`. Which MPI or scheduler an `mpiexec` belongs to.

use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::clause::Clause;
use super::compile::{ClauseText, Compiler};
use super::engine::{Search, decided, hidden};
use super::library::Sample;
use super::{KnowledgeError, Look, Seen};
use crate::base::{Gap, TextFile, printable};
use crate::elf::ElfError;

/// Everything in `rules/launchers`.
#[derive(Debug, Clone, Default)]
pub struct Launchers(BTreeMap<String, Description>);

/// One launcher that was recognised.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// Public word of whom it belongs to.
    pub vendor: String,
    /// Binary interfaces of the MPI libraries that it starts; empty when it starts any.
    pub abis: Vec<String>,
    /// Its version, if its own bytes say it, and what that rests on.
    pub version: Option<(String, Vec<Seen>)>,
    /// Where else the version stands: sonames among its needs whose files have it, and the pattern that finds it.
    pub version_from: Vec<(Vec<u8>, Regex)>,
    /// Names of files beside it, one of which it only starts: that file says more.
    pub starts: Vec<String>,
    /// Where its plugins for process management lie: directories relative to its own (one element may be a glob), and the
    /// pattern of their names, which captures the type that they serve.
    pub plugins: Vec<(String, Regex)>,
    /// What the identification rests on.
    pub because: Vec<Seen>,
}

/// One launcher description.
#[derive(Debug, Clone)]
pub struct Description {
    /// Public word: the stem of its file.
    pub word: String,
    /// Name for people.
    pub title: String,
    /// What its file begins with: what is to be known about it.
    pub note: String,
    /// Where it lives.
    pub homepage: String,
    /// Whether its marks were measured on real files.
    pub measured: bool,
    /// Facts of real launchers that it must recognise.
    pub seen: Vec<Sample>,
    /// Facts of real files that nothing may recognise.
    pub not: Vec<Sample>,
    pub(super) abis: Vec<String>,
    pub(super) is: Vec<Clause>,
    pub(super) version: Vec<Clause>,
    pub(super) version_from: Vec<(Regex, Regex)>,
    starts: Vec<Clause>,
    pub(super) plugins: Vec<(String, Regex)>,
    pub(super) patterns: Vec<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescriptionText {
    title: String,
    homepage: String,
    measured: bool,
    #[serde(default)]
    abis: Vec<String>,
    /// Absent for a launcher that nothing in its bytes tells.
    #[serde(default)]
    is: Vec<Spanned<ClauseText>>,
    /// How its launch lines are read is for `launch`.
    #[serde(default)]
    #[allow(dead_code)]
    line: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    version: Vec<ClauseText>,
    #[serde(default)]
    version_from: Vec<VersionFromText>,
    #[serde(default)]
    starts: Vec<ClauseText>,
    #[serde(default)]
    plugins: Vec<PluginsText>,
    #[serde(default)]
    seen: Vec<Sample>,
    #[serde(default)]
    not: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginsText {
    directories: Vec<String>,
    file: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionFromText {
    needed: Spanned<String>,
    text: Spanned<String>,
}

impl Launchers {
    /// Reads the files; a later file replaces an earlier one of the same stem.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let one = |file: &TextFile| Ok((file.stem.clone(), Description::read(file)?));
        files.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The description of that word.
    pub fn get(&self, word: &str) -> Option<&Description> {
        self.0.get(word)
    }

    /// All descriptions, sorted by word.
    pub fn iter(&self) -> impl Iterator<Item = &Description> {
        self.0.values()
    }

    /// Whose launcher the file is; `None` when no description fits. Links are followed by the caller.
    pub fn identify(&self, look: &dyn Look, gaps: &mut Vec<Gap>) -> Option<Launcher> {
        if !look.is_program() {
            return None;
        }
        let mut found = Vec::new();
        for description in self.iter() {
            match description.identify(look) {
                Ok(launcher) => found.extend(launcher),
                Err(error) => {
                    gaps.push(Gap { hides: "whose launcher this is".to_owned(), ..hidden(look, error.to_string()) });
                    return None;
                }
            }
        }
        if 1 < found.len() {
            let words = found.iter().map(|it| it.vendor.as_str()).collect::<Vec<_>>().join(" and ");
            let reason = format!("fits more than one description: {words}");
            gaps.push(Gap { hides: "whose launcher this is".to_owned(), ..hidden(look, reason) });
            return None;
        }
        found.pop()
    }
}

impl Description {
    /// Binary interfaces of the MPI libraries whose ranks it starts; empty: any.
    pub fn abis(&self) -> &[String] {
        &self.abis
    }

    fn read(file: &TextFile) -> Result<Self, KnowledgeError> {
        let raw: DescriptionText = toml::from_str(&file.text).map_err(|it| KnowledgeError::toml(file, &it))?;
        let plain = || vec![String::new()];
        let mut compiler = Compiler { file, prefixes: plain(), suffixes: plain(), patterns: Vec::new() };
        let mut is = Vec::new();
        for written in &raw.is {
            let clause = compiler.clause(written.get_ref())?;
            if clause.is_empty() {
                let message = "a clause of `is` that asks for nothing matches every file";
                return Err(KnowledgeError::at(file, written.span().start, message));
            }
            is.push(clause);
        }
        let version = raw.version.iter().map(|it| compiler.clause(it)).collect::<Result<_, _>>()?;
        let starts = raw.starts.iter().map(|it| compiler.clause(it)).collect::<Result<_, _>>()?;
        let from = |it: &VersionFromText| Ok((compiler.pattern(&it.needed)?, compiler.pattern(&it.text)?));
        let version_from = raw.version_from.iter().map(from).collect::<Result<_, _>>()?;
        let mut plugins = Vec::new();
        for it in &raw.plugins {
            let pattern = compiler.pattern(&it.file)?;
            plugins.extend(it.directories.iter().map(|directory| (directory.clone(), pattern.clone())));
        }
        Ok(Self {
            word: file.stem.clone(),
            title: raw.title,
            note: super::words::note(file),
            homepage: raw.homepage,
            measured: raw.measured,
            seen: raw.seen,
            not: raw.not,
            abis: raw.abis,
            is,
            version,
            version_from,
            starts,
            plugins,
            patterns: compiler.patterns,
        })
    }

    /// Whether anything in the bytes of a file tells that it is this launcher's.
    pub fn has_marks(&self) -> bool {
        !self.is.is_empty()
    }

    /// The clauses that say more than whose it is.
    pub(super) fn attribute_clauses(&self) -> impl Iterator<Item = &Clause> {
        self.version.iter().chain(&self.starts)
    }

    fn identify(&self, look: &dyn Look) -> Result<Option<Launcher>, ElfError> {
        let mut search = Search::default();
        search.add(&self.word, &self.patterns);
        for clause in &self.is {
            let Some(mut held) = clause.holds(look)? else { continue };
            if !clause.text_holds(&mut held, look, &self.word, &mut search)? {
                continue;
            }
            let mut version = None;
            for clause in &self.version {
                version = decided(clause, look, &self.word, &mut search)?;
                if version.is_some() {
                    break;
                }
            }
            let from = |(needed, text): &(Regex, Regex)| {
                let name = look.needed().iter().find(|name| needed.is_match(name))?;
                Some((name.clone(), text.clone()))
            };
            let mut starts = Vec::new();
            for clause in &self.starts {
                starts.extend(decided(clause, look, &self.word, &mut search)?.map(|it| it.0));
            }
            return Ok(Some(Launcher {
                vendor: self.word.clone(),
                abis: self.abis.clone(),
                version,
                version_from: self.version_from.iter().filter_map(from).collect(),
                starts,
                plugins: self.plugins.clone(),
                because: held.evidence(),
            }));
        }
        Ok(None)
    }
}

impl Launcher {
    /// The version that `pattern` of [`Launcher::version_from`] finds in a file that it needs.
    ///
    /// # Errors
    /// What is wrong with the bytes of that file.
    pub fn version_in(pattern: &Regex, look: &dyn Look) -> Result<Option<(String, Vec<Seen>)>, ElfError> {
        let found = look.text(std::slice::from_ref(pattern))?;
        let first = found.first().and_then(|it| Some((it.offset_bytes, it.groups.get(1)?.clone()?)));
        Ok(first.map(|(offset, version)| {
            let version = printable(&version);
            let seen = Seen { path: look.path().clone(), offset_bytes: Some(offset), text: version.clone() };
            (version, vec![seen])
        }))
    }
}
