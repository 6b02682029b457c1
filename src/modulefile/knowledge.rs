//! `rules/modulefiles`: what commands of modulefiles do, and where module systems begin.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::{KnowledgeError, TextFile, parse};

/// Two programs read modulefiles, and differ in what they make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Environment Modules, written in Tcl.
    Tcl,
    /// Lmod, written in Lua.
    Lmod,
}

/// What a command of a modulefile does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Does {
    Set,
    Push,
    Unset,
    Prepend,
    Append,
    Remove,
    Load,
    Try,
    Depend,
    Unload,
    Swap,
    Conflict,
    Prereq,
    PrereqAll,
    Family,
    Use,
    Unuse,
    Version,
    Alias,
    Nothing,
    Refuse,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandFile {
    names: Vec<String>,
    does: Does,
    /// Only this language has it.
    #[serde(default)]
    only: Option<Language>,
}

/// A modulefile is written in one of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    Tcl,
    Lua,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pure {
    tcl: Vec<String>,
    lua: Vec<String>,
}

/// Where one module system is, and where it looks when nobody says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemFile {
    pub(super) kind: System,
    /// Set where it has started.
    pub(super) variables: Vec<String>,
    /// There where it is installed.
    pub(super) files: Vec<String>,
    /// Files with a directory of modulefiles a line.
    pub(super) lists: Vec<String>,
    /// A directory of such a list counts when it is there.
    pub(super) only_existing: bool,
    /// Modulefiles that it reads when it starts.
    pub(super) init: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    command: Vec<CommandFile>,
    #[serde(default)]
    verb: Vec<CommandFile>,
    #[serde(default)]
    pure: Pure,
    #[serde(default)]
    system: Vec<SystemFile>,
}

/// What the commands of modulefiles do.
#[derive(Debug, Clone, Default)]
pub struct Modulefiles {
    commands: BTreeMap<String, (Does, Option<Language>)>,
    verbs: BTreeMap<String, Does>,
    pure: Pure,
    pub(super) systems: Vec<SystemFile>,
}

impl Modulefiles {
    /// Reads `rules/modulefiles`.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut know = Self::default();
        for file in files {
            let read: File = parse(file)?;
            for command in read.command {
                know.commands.extend(command.names.into_iter().map(|it| (it, (command.does, command.only))));
            }
            for verb in read.verb {
                know.verbs.extend(verb.names.into_iter().map(|it| (it, verb.does)));
            }
            know.pure.tcl.extend(read.pure.tcl);
            know.pure.lua.extend(read.pure.lua);
            know.systems.extend(read.system);
        }
        Ok(know)
    }

    /// What a command does, as its language spells it.
    pub(super) fn does(&self, name: &str, language: Language) -> Option<Does> {
        let plain = match language {
            Language::Tcl => name.to_owned(),
            Language::Lua => name.replace('_', "-"),
        };
        let known = self.commands.get(name).or_else(|| self.commands.get(&plain));
        known.filter(|(_, only)| only.is_none_or(|it| it == language)).map(|(does, _)| *does)
    }

    /// What `module VERB` does in a file of Tcl.
    pub(super) fn verb(&self, verb: &str) -> Option<Does> {
        self.verbs.get(verb).copied()
    }

    /// Whether a command of Tcl changes nothing but variables of the file that its words name.
    pub(super) fn is_pure_tcl(&self, name: &str) -> bool {
        self.pure.tcl.iter().any(|it| it == name)
    }

    /// Whether a function of Lua changes nothing.
    pub(super) fn is_pure_lua(&self, name: &str) -> bool {
        self.pure.lua.iter().any(|it| it == name)
    }
}
