//! Capabilities: which symbols a package wants and a library defines, and what their spelling says.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use toml::Spanned;

use super::clause::Clause;
use super::compile::{ClauseText, Compiler};
use super::{Attribute, KnowledgeError, Look, Seen};
use crate::base::TextFile;
use crate::elf::{ElfError, Wanted};

/// Everything in `rules/capabilities`.
#[derive(Debug, Clone, Default)]
pub struct Capabilities(BTreeMap<String, Capability>);

/// Something that a package can get from a library: `blas`, `mpi`, `hdf5`, `openmp`.
#[derive(Debug, Clone)]
pub struct Capability {
    /// Stem of its file.
    pub word: String,
    /// One line for people.
    pub title: String,
    /// What is asked about a library of this kind.
    pub attributes: Vec<Attribute>,
    /// Whether it is followed which file answers the symbols of each object; if not, its libraries are only named.
    pub followed: bool,
    /// Symbol groups, the one that is looked for first stands first.
    pub groups: Vec<Group>,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    words: BTreeMap<Attribute, Vec<String>>,
    client: BTreeMap<Attribute, Vec<Clause>>,
}

/// Symbols that belong together: an object that wants one of them uses the capability.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name: `gemm`, `lapack`, `mpi`, `hdf5-parallel`.
    pub name: String,
    names: Vec<Vec<u8>>,
    hints: HashMap<Vec<u8>, Option<String>>,
}

/// A symbol of a group that an object wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The symbol as spelt in the object.
    pub symbol: Vec<u8>,
    /// It may stay undefined.
    pub weak: bool,
    /// Integer interface that the spelling says: a suffix for 64-bit integers.
    pub interface: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CapabilityText {
    title: String,
    attributes: Vec<Attribute>,
    #[serde(default = "yes")]
    followed: bool,
    #[serde(default)]
    words: BTreeMap<Attribute, Vec<String>>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    suffix: Vec<SuffixText>,
    group: Vec<GroupText>,
    #[serde(default)]
    client: BTreeMap<Attribute, Vec<ClauseText>>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuffixText {
    text: String,
    interface: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: String,
    symbols: Vec<String>,
}

impl Capabilities {
    /// Reads the files; a later file replaces an earlier one of the same stem.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let one = |file: &TextFile| Ok((file.stem.clone(), Capability::read(file)?));
        files.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The capability of that word.
    pub fn get(&self, word: &str) -> Option<&Capability> {
        self.0.get(word)
    }

    /// The groups of every symbol, in every spelling, of the capabilities that are followed.
    pub fn by_symbol(&self) -> HashMap<&[u8], Vec<(&Capability, &Group)>> {
        let mut index: HashMap<&[u8], Vec<(&Capability, &Group)>> = HashMap::new();
        for capability in self.iter().filter(|it| it.followed) {
            for group in &capability.groups {
                for name in &group.names {
                    index.entry(name).or_default().push((capability, group));
                }
            }
        }
        index
    }

    /// All of them, sorted by word.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.values()
    }
}

impl Capability {
    fn read(file: &TextFile) -> Result<Self, KnowledgeError> {
        let raw: CapabilityText = toml::from_str(&file.text).map_err(|it| KnowledgeError::toml(file, &it))?;
        let or_plain = |list: Vec<String>| if list.is_empty() { vec![String::new()] } else { list };
        let prefixes = or_plain(raw.prefixes);
        let suffixes = or_plain(raw.suffix.iter().map(|it| it.text.clone()).collect());
        let mut compiler = Compiler { file, prefixes, suffixes, patterns: Vec::new() };
        let mut client = BTreeMap::new();
        for (attribute, clauses) in &raw.client {
            let clauses = clauses.iter().map(|it| compiler.clause(it)).collect::<Result<_, _>>()?;
            client.insert(*attribute, clauses);
        }
        let groups = raw.group.iter().map(|it| Group::new(it, &compiler, &raw.suffix)).collect();
        Ok(Self {
            word: file.stem.clone(),
            title: raw.title,
            attributes: raw.attributes,
            followed: raw.followed,
            groups,
            prefixes: compiler.prefixes,
            suffixes: compiler.suffixes,
            words: raw.words,
            client,
        })
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|it| it.name == name)
    }

    /// What an object that *uses* the capability says about the library that it was built for:
    /// the MPI whose headers it was compiled with.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    pub fn client(&self, attribute: Attribute, look: &dyn Look) -> Result<Option<(String, Vec<Seen>)>, ElfError> {
        for clause in self.client.get(&attribute).into_iter().flatten() {
            if let (Some(held), Some(value)) = (clause.holds(look)?, &clause.value) {
                return Ok(Some((held.filled(value), held.evidence())));
            }
        }
        Ok(None)
    }

    /// The clauses of [`Self::client`].
    pub(super) fn client_clauses(&self) -> impl Iterator<Item = &Clause> {
        self.client.values().flatten()
    }

    /// Whether `soname` is a name by which users of the capability ask for its library.
    pub fn names_library(&self, soname: &[u8]) -> bool {
        let mut patterns = self.client.values().flatten().filter_map(|it| it.needed.as_ref());
        patterns.any(|it| it.is_match(soname))
    }

    /// Whether a library may give `value` for `attribute`; a value with captures is checked when it is made.
    pub(super) fn check(
        &self,
        file: &TextFile,
        attribute: Attribute,
        value: &Spanned<String>,
    ) -> Result<(), KnowledgeError> {
        let word = value.get_ref();
        match self.words.get(&attribute) {
            Some(valid) if !valid.contains(word) && !word.contains('{') => {
                let message = format!("`{word}` is not a value of {}", attribute.word());
                let error = KnowledgeError::at(file, value.span().start, message);
                Err(error.instead_of(word, valid.iter().map(String::as_str)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Group {
    fn new(raw: &GroupText, compiler: &Compiler<'_>, suffixes: &[SuffixText]) -> Self {
        let mut names = Vec::new();
        let mut hints = HashMap::new();
        for symbol in &raw.symbols {
            let spelt = compiler.spellings(symbol);
            let affixed = symbol.starts_with('<');
            for (index, name) in spelt.into_iter().enumerate() {
                // Spellings run through all suffixes for each prefix.
                let suffix = suffixes.get(index % suffixes.len().max(1)).filter(|_| affixed);
                hints.insert(name.clone(), suffix.and_then(|it| it.interface.clone()));
                names.push(name);
            }
        }
        Self { name: raw.name.clone(), names, hints }
    }

    /// Every symbol of the group in every spelling: who defines one of these is a provider.
    pub fn names(&self) -> &[Vec<u8>] {
        &self.names
    }

    /// The symbols of the group among those that an object wants: a user, if there is one.
    pub fn used_in(&self, wanted: &[Wanted]) -> Vec<Used> {
        let used = |it: &Wanted| {
            let interface = self.hints.get(&it.name)?.clone();
            Some(Used { symbol: it.name.clone(), weak: it.weak, interface })
        };
        wanted.iter().filter_map(used).collect()
    }

    /// Whether `symbol` is one of the group.
    pub fn contains(&self, symbol: &[u8]) -> bool {
        self.hints.contains_key(symbol)
    }
}
