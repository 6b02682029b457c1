//! By what a library sends messages: transports built into it, and the files that bring others.

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::clause::Clause;
use super::compile::{ClauseText, Compiler, pattern};
use super::engine::{Search, decided, hidden};
use super::{Identity, KnowledgeError, Libraries, Library, Look, Seen};
use crate::base::{Gap, Variables, printable};

/// What a gap here hides.
const HIDES: &str = "by which transports it sends messages";

/// A transport that is built into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its word, that of the library itself: `verbs`, `rc_mlx5`.
    pub transport: String,
    /// What that rests on.
    pub because: Vec<Seen>,
}

/// Files that a library opens once a program communicates, each of which brings transports.
#[derive(Debug, Clone)]
pub struct Modules {
    /// Names that are given to the loader, on behalf of the library.
    pub names: Vec<Vec<u8>>,
    /// Directories of which every file is opened whose name fits: absolute, or `own/FOLDER` below that of the library.
    pub directories: Vec<Vec<u8>>,
    /// The variable that names the directories.
    pub named_by: Option<String>,
    /// Whether the library sends nothing over a network without one of the names.
    pub required: bool,
    file: Option<Regex>,
    transport: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModulesText {
    #[serde(default)]
    when: ClauseText,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    directories: Vec<String>,
    file: Option<Spanned<String>>,
    variable: Option<String>,
    unless: Option<String>,
    transport: Option<String>,
    #[serde(default)]
    required: bool,
}

/// A rule for such files, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct ModulesRule {
    pub(super) when: Clause,
    file: Option<Regex>,
    raw: ModulesText,
}

impl Modules {
    /// Whether a file of one of the directories is one of them.
    pub fn holds(&self, file_name: &[u8]) -> bool {
        self.file.as_ref().is_some_and(|it| it.is_match(file_name))
    }

    /// The transport that the name of a file stands for, where its description says one.
    pub fn transport(&self, file_name: &[u8]) -> Option<String> {
        let template = self.transport.as_ref()?;
        let captured = self.file.as_ref().and_then(|it| it.captures(file_name)?.get(1));
        Some(template.replace("{1}", &captured.map(|it| printable(it.as_bytes())).unwrap_or_default()))
    }
}

impl ModulesRule {
    pub(super) fn read(compiler: &mut Compiler<'_>, raw: &ModulesText) -> Result<Self, KnowledgeError> {
        let file = raw.file.as_ref().map(|it| pattern(compiler.file, it)).transpose()?;
        Ok(Self { when: compiler.clause(&raw.when)?, file, raw: raw.clone() })
    }

    /// The files and when they are opened, in words.
    pub(super) fn in_words(&self, patterns: &[Regex]) -> String {
        let raw = &self.raw;
        let named = raw.variable.as_ref().map(|it| format!("the directories of {it}"));
        let stated = raw.directories.iter().map(|it| it.replace("{1}", "what (...) matches"));
        let directories = named.into_iter().chain(stated).collect::<Vec<_>>().join(", ");
        let what = match (&self.file, directories.as_str()) {
            (Some(file), directories) => {
                let file = file.as_str().strip_prefix("(?-u)").unwrap_or(file.as_str());
                format!("files like {file} in {directories}")
            }
            (None, _) => raw.names.join(", "),
        };
        let when = self.when.in_words(patterns).replace("(?-u)", "");
        let unless = raw.unless.as_ref().map(|it| format!("{it} is not set"));
        let conditions: Vec<String> = unless.into_iter().chain((!when.is_empty()).then_some(when)).collect();
        let brings = raw.transport.as_ref().map_or_else(String::new, |it| format!(" (transport {it})"));
        match conditions.as_slice() {
            [] => format!("{what}{brings}"),
            some => format!("{what}{brings}, when {}", some.join(" and it ")),
        }
    }
}

impl Library {
    /// Whether its description says anything of how it sends messages.
    pub fn sends(&self) -> bool {
        !self.offers.is_empty() || !self.modules.is_empty()
    }

    /// The transports that may be built into it, and when they are, a line each.
    pub fn offers_in_words(&self) -> Vec<String> {
        let line = |it: &Clause| {
            let when = it.in_words(&self.patterns).replace("(?-u)", "");
            let word = it.value.clone().unwrap_or_default();
            if when.is_empty() { word } else { format!("{word}: {when}") }
        };
        self.offers.iter().map(line).collect()
    }

    /// The files that bring further ones, a line each.
    pub fn modules_in_words(&self) -> Vec<String> {
        self.modules.iter().map(|it| it.in_words(&self.patterns)).collect()
    }
}

impl Libraries {
    /// The transports that are built into the file, in the order of its description, each once.
    pub fn offers(&self, identity: &Identity, look: &dyn Look, gaps: &mut Vec<Gap>) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        let Some(library) = self.get(&identity.library) else { return offers };
        let mut search = Search::default();
        search.add(&library.word, &library.patterns);
        for clause in &library.offers {
            match decided(clause, look, &library.word, &mut search) {
                Ok(Some((transport, because))) if offers.iter().all(|it| it.transport != transport) => {
                    let because = if because.is_empty() { identity.because.clone() } else { because };
                    offers.push(Offer { transport, because });
                }
                Ok(_) => {}
                Err(error) => gaps.push(Gap { hides: HIDES.to_owned(), ..hidden(look, error.to_string()) }),
            }
        }
        offers
    }

    /// The files that bring the library further transports, in an environment with `variables`.
    pub fn modules(
        &self,
        identity: &Identity,
        look: &dyn Look,
        variables: &Variables,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Modules> {
        let mut found = Vec::new();
        let Some(library) = self.get(&identity.library) else { return found };
        let mut search = Search::default();
        search.add(&library.word, &library.patterns);
        for rule in &library.modules {
            let raw = &rule.raw;
            for name in raw.unless.iter().chain(&raw.variable) {
                if let Some(reason) = variables.hidden(name) {
                    gaps.push(Gap {
                        hides: HIDES.to_owned(),
                        ..hidden(look, format!("{name} is not known: {reason}"))
                    });
                }
            }
            let is_set = |it: &String| variables.non_empty(it).is_some();
            if raw.unless.as_ref().is_some_and(is_set) || raw.variable.as_ref().is_some_and(|it| !is_set(it)) {
                continue;
            }
            let held = match rule.when.holds_with_text(look, &library.word, &mut search) {
                Ok(Some(held)) => held,
                Ok(None) => continue,
                Err(error) => {
                    gaps.push(Gap { hides: HIDES.to_owned(), ..hidden(look, error.to_string()) });
                    continue;
                }
            };
            let mut directories: Vec<Vec<u8>> = raw.directories.iter().map(|it| held.filled(it).into_bytes()).collect();
            let value = raw.variable.as_ref().and_then(|it| variables.non_empty(it)).unwrap_or_default();
            // A mark in front of the first directory changes which of two modules is preferred, not where they lie.
            let value = value.strip_prefix(b"@").unwrap_or(value);
            directories.extend(value.split(|byte| *byte == b':').filter(|it| !it.is_empty()).map(<[u8]>::to_vec));
            found.push(Modules {
                names: raw.names.iter().map(|it| held.filled(it).into_bytes()).collect(),
                directories,
                named_by: raw.variable.clone(),
                required: raw.required,
                file: rule.file.clone(),
                transport: raw.transport.clone(),
            });
        }
        found
    }
}
