//! ABI groups: `rules/abi`. Which MPI libraries can stand in for each other under a compiled program.

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::KnowledgeError;
use crate::base::TextFile;

/// Everything in `rules/abi`, in order: the first group that fits counts.
#[derive(Debug, Clone, Default)]
pub struct AbiGroups(Vec<AbiGroup>);

/// Libraries with one binary interface.
#[derive(Debug, Clone)]
pub struct AbiGroup {
    /// Its name: `mpich-12`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The `abi` that its libraries answer.
    pub abi: String,
    /// Words of the libraries that can be in it.
    pub members: Vec<String>,
    /// Who can stand in for whom.
    pub exchangeable: Exchangeable,
    soname: Option<Regex>,
}

/// Who can stand in for whom in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exchangeable {
    /// Everybody for everybody.
    All,
    /// Those of one soname.
    SameSoname,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    group: Vec<GroupText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: String,
    title: String,
    abi: String,
    soname: Option<Spanned<String>>,
    members: Vec<String>,
    exchangeable: Exchangeable,
}

impl AbiGroup {
    /// Whether everybody of it stands in for everybody.
    pub fn stand_in_for_each_other(&self) -> bool {
        self.exchangeable == Exchangeable::All
    }

    /// The pattern of the sonames, as written.
    pub fn soname_in_words(&self) -> Option<String> {
        self.soname.as_ref().map(|it| it.as_str().replace("(?-u)", ""))
    }
}

impl AbiGroups {
    /// Reads the files, in the order of their names.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut groups = Vec::new();
        for file in files {
            let raw: FileText = toml::from_str(&file.text).map_err(|it| KnowledgeError::toml(file, &it))?;
            for it in raw.group {
                groups.push(AbiGroup {
                    name: it.name,
                    title: it.title,
                    abi: it.abi,
                    members: it.members,
                    exchangeable: it.exchangeable,
                    soname: it.soname.map(|it| super::compile::pattern(file, &it)).transpose()?,
                });
            }
        }
        Ok(Self(groups))
    }

    /// All groups, in order.
    pub fn iter(&self) -> impl Iterator<Item = &AbiGroup> {
        self.0.iter()
    }

    /// The group of a library that answers `abi` and has this soname.
    pub fn of(&self, abi: &str, soname: Option<&str>) -> Option<&AbiGroup> {
        let fits = |it: &Regex| soname.is_some_and(|soname| it.is_match(soname.as_bytes()));
        self.iter().find(|group| group.abi == abi && group.soname.as_ref().is_none_or(fits))
    }

    /// Whether a program that was compiled for the one library runs with the other.
    pub fn exchangeable(&self, one: (&str, Option<&str>), other: (&str, Option<&str>)) -> bool {
        let (mine, theirs) = (self.of(one.0, one.1), self.of(other.0, other.1));
        match (mine, theirs) {
            (Some(mine), Some(theirs)) if mine.name == theirs.name => match mine.exchangeable {
                Exchangeable::All => true,
                Exchangeable::SameSoname => one.1 == other.1,
            },
            (Some(_), Some(_)) | (None, Some(_)) | (Some(_), None) => false,
            // Nobody has described it: what calls its interface the same is taken at its word.
            (None, None) => one.0 == other.0,
        }
    }
}
