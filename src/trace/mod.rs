//! What an import does, file by file, without running Python: the modules that the interpreter executes and the extensions
//! that it loads, in order.
//!
//! The source is followed as the interpreter would: `import` statements, `try` around them, conditions that are decidable
//! (version, platform, environment, what was imported before), functions that are called at import time. What is not
//! decidable becomes an alternative with its condition and place.
//!
//! Invariant: an extension that is loaded for certain is handed to the [`Process`] in the order in which Python loads it;
//! one that depends on something unknown is never among them.
//! Invariant: the trace ends, whatever the sources say: steps, depth and sizes are bounded, and a bound that is hit is a gap.
//! Absent on purpose: values are followed as far as they decide an import; nothing else of Python is modelled.

// What is not followed is unknown, whatever kind of value or statement it is: that is the arm for all others.
#![allow(clippy::wildcard_enum_match_arm)]

mod call;
mod effects;
mod evaluate;
mod exceptions;
mod execute;
mod finder;
mod import;
mod library;
mod methods;
mod natives;
mod paths;
mod state;
mod statements;
mod value;

use std::rc::Rc;

use crate::base::{Gap, TreePath, Variables};
use crate::tree::View;

pub use finder::{Finder, FoundKind};
pub use library::Library;
pub use state::State;

/// What is known of the interpreter before it starts.
#[derive(Clone)]
pub struct Interpreter<'a> {
    /// The file system that it sees.
    pub view: &'a View,
    /// `sys.path`, without the directory of a script.
    pub search: Vec<TreePath>,
    /// Modules of editable installs: name, and directory or file without ending.
    pub mappings: Vec<(String, TreePath)>,
    /// Endings of extension modules, in the order in which they are tried.
    pub suffixes: Vec<String>,
    /// `sys.version_info`, as far as it is known.
    pub version: Vec<u32>,
    /// `cpython`.
    pub implementation: String,
    /// `x86_64`.
    pub machine: String,
    /// `x86_64-linux-gnu`: the end of SOABI.
    pub multiarch: String,
    /// `SOABI`, the tag of its extensions: `cpython-311-x86_64-linux-gnu`; empty where it is not known.
    pub tag: String,
    /// `sys.prefix` and `sys.base_prefix`.
    pub prefixes: [TreePath; 2],
    /// `os.environ` at the start.
    pub variables: &'a Variables,
}

/// What an import meets outside Python.
pub trait Process {
    /// Whether a module is linked into the interpreter.
    fn is_built_in(&mut self, module: &str) -> bool;

    /// Whether the package of a module chooses its file, in a way that is described.
    fn is_provided(&mut self, module: &str) -> bool;

    /// Modules that the choice imports, before it is made.
    fn imports_before(&mut self, module: &str) -> Vec<String>;

    /// Makes the choice and loads what was chosen; that file, where one is known.
    ///
    /// # Errors
    /// Why nothing can be chosen or loaded.
    fn provide(&mut self, module: &str) -> Result<Option<TreePath>, String>;

    /// `dlopen` of an extension, for everybody where the program said so (`sys.setdlopenflags`).
    ///
    /// # Errors
    /// Why it cannot be loaded.
    fn load(&mut self, module: &str, path: &TreePath, is_global: bool) -> Result<(), String>;

    /// `dlopen` of a library that the program names (`ctypes`).
    ///
    /// # Errors
    /// Why it cannot be loaded.
    fn open_library(&mut self, name: &str, is_global: bool) -> Result<(), String>;

    /// Whether an extension holds a name: what a compiled module offers stands in it as text. `None` when it cannot be read.
    fn mentions(&mut self, path: &TreePath, name: &str) -> Option<bool>;

    /// Modules that the code of an extension imports while it is initialised, in order.
    fn imports_of(&mut self, module: &str, path: &TreePath) -> Vec<String>;
}

/// A module that an import executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, with dots.
    pub module: Rc<str>,
    /// The file that is opened; none for a namespace package and what is linked in.
    pub file: Option<TreePath>,
    /// Whether it is an extension.
    pub is_extension: bool,
    /// The statement that imports it.
    pub importer: Option<Place>,
    /// The condition on which it depends; none when it is certain.
    pub condition: Option<Condition>,
}

/// A line of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The source.
    pub path: TreePath,
    /// From 1.
    pub line: u32,
}

/// Something that is not decidable from bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// Where it stands.
    pub place: Place,
    /// `if`, `except`, `call`.
    pub what: String,
}

/// Why an import fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of the exception.
    pub class: Rc<str>,
    /// In words.
    pub reason: String,
    /// The module that could not be imported.
    pub module: Rc<str>,
    /// The extension that could not be loaded.
    pub extension: Option<TreePath>,
    /// The statement that fails.
    pub place: Option<Place>,
    /// No module of that name was found.
    pub nothing_found: bool,
    /// It rests on values that were followed, not on files that are missing or broken: the model may be wrong.
    pub rests_on_values: bool,
}

/// What the imports so far did.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Modules in the order in which they begin to run.
    pub steps: Vec<Step>,
    /// What could not be read or followed.
    pub gaps: Vec<Gap>,
    /// The first statement that brings in something unknown.
    pub unseen: Option<Gap>,
}
