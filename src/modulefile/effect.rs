//! What modulefiles say, one effect after the other, and who listens.

use super::knowledge::System;
use crate::job::{Binding, Place, Value};

/// Whether a module comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `module load`.
    Load,
    /// `module unload`: each effect is what loading did, and is to be undone.
    Unload,
}

/// Which file is evaluated, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// In the tree.
    pub file: String,
    /// As it is listed when it is loaded: `gcc/12.2`.
    pub name: String,
    /// Who reads it.
    pub system: System,
    /// Whether it is loaded or unloaded.
    pub mode: Mode,
}

impl Subject {
    /// Whether it is Lua; else it is Tcl.
    pub fn is_lua(&self) -> bool {
        self.file.ends_with(".lua")
    }

    /// The name without its version: what stands before the last slash.
    pub fn short_name(&self) -> &str {
        self.name.rsplit_once('/').map_or(self.name.as_str(), |(name, _)| name)
    }

    /// What stands behind the last slash; empty where there is none.
    pub fn version(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(_, version)| version)
    }
}

/// How a list of directories changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Before the others.
    Prepend,
    /// Behind the others.
    Append,
    /// Taken out.
    Remove,
}

/// One thing that a modulefile does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A variable gets a value. `pushed`: unloading brings the former one back.
    Set {
        /// The variable.
        name: String,
        /// Its value.
        value: Value,
        /// `pushenv`.
        pushed: bool,
    },
    /// A variable goes away.
    Unset(String),
    /// A list of directories changes.
    Path {
        /// The variable.
        name: String,
        /// One argument after the other; each may be a list.
        elements: Vec<Value>,
        /// Between elements.
        delimiter: String,
        /// How.
        how: How,
        /// Beats the order of loading; only Lmod knows it.
        priority: i64,
    },
    /// Modules are loaded here. `needed`: the module is not loaded when one of them is not there; `again`: one that is there
    /// in another version is replaced.
    Load {
        /// As written.
        names: Vec<String>,
        /// `load`, but not `try_load`.
        needed: bool,
        /// `load`, but not `depends_on`.
        again: bool,
    },
    /// Modules are unloaded here.
    Unload(Vec<String>),
    /// The module is not loaded when one of these is.
    Conflict(Vec<String>),
    /// One of these must be loaded.
    Prereq(Vec<String>),
    /// Of the modules of one family only one is loaded.
    Family(String),
    /// Directories of modulefiles.
    Use {
        /// As written, in order.
        directories: Vec<Value>,
        /// Behind the others.
        append: bool,
    },
    /// These are no directories of modulefiles any more.
    Unuse(Vec<Value>),
    /// A variable may be another now, and why nobody can say.
    MayChange(String, String),
    /// Every variable may be another now, and why.
    MayChangeAll(String),
}

/// One thing that a modulefile does, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What.
    pub what: What,
    /// The line of the modulefile.
    pub place: Place,
}

/// How an evaluation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The module is loaded.
    Whole,
    /// The module is not loaded, and nothing that it said before holds: why, and where.
    Refused(String, Place),
}

/// Who evaluates a modulefile tells what it finds set, and does what it says.
pub trait Host {
    /// What is known of a variable by now.
    fn variable(&self, name: &str) -> Binding;

    /// Whether a module of that name is loaded; `None` when that cannot be said.
    fn is_loaded(&self, name: &str) -> Option<bool>;

    /// What lies at a path.
    fn kind(&self, path: &str) -> Lies;

    /// Does it, and says what becomes of the rest of the file.
    fn effect(&mut self, effect: Effect) -> Answer;
}

/// What lies at a path of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// A directory.
    Directory,
    /// Another file.
    File,
    /// Nothing.
    Nowhere,
    /// Nobody can say.
    Unknown,
}

/// What an effect means for the rest of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It goes on.
    Done,
    /// The module is not loaded: why.
    Refused(String),
    /// Nobody knows whether the module is loaded: why.
    Perhaps(String),
}
