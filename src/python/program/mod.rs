//! What a Python program does to the processes and threads of a job, as far as its text shows: imports, environment
//! variables that it sets, pools, thread limits, files opened through MPI, programs that it starts.
//!
//! The statements are gone through in the order in which Python would execute them: branches that nobody can decide are
//! both entered and marked, calls of the program's own functions are followed, what is never called is gone through last
//! and marked. Names are followed through imports, assignments, arguments and results.
//!
//! Invariant: what a call means is data (`rules/python/program.toml`); no name of a package stands here.
//! Invariant: what cannot be told is in [`Program::unclear`] or a [`Value`] that says so, never a guess.

mod calls;
mod environ;
mod expressions;
mod known;
mod names;
mod routines;
mod shadows;
mod statements;
mod things;
mod values;

use serde::Deserialize;

pub use calls::Calls;
pub use shadows::{Shadow, shadows};

/// What a program does. Each list is in the order of execution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Modules that it imports.
    pub imports: Vec<Import>,
    /// Environment variables that it sets or removes.
    pub environ: Vec<EnvironWrite>,
    /// Processes and threads that it starts.
    pub pools: Vec<Pool>,
    /// Files that it opens through MPI.
    pub parallel_files: Vec<ParallelFile>,
    /// Calls that limit the threads of libraries.
    pub thread_limits: Vec<ThreadLimit>,
    /// Choices of how processes are started.
    pub start_methods: Vec<StartMethod>,
    /// Other programs that it starts.
    pub child_processes: Vec<ChildProcess>,
    /// What its text does not show.
    pub unclear: Vec<Unclear>,
}

/// Where something stands, and when and whether it is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct At {
    /// Place in the order of execution, over all lists of the program: what is smaller happens before.
    pub order: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Characters in that line.
    pub length: u32,
    /// The source line, as it stands.
    pub text: String,
    /// It depends on a condition that text does not decide, or stands in a loop that may not run.
    pub conditional: bool,
    /// It stands in a loop: it may happen several times.
    pub in_loop: bool,
    /// It stands in a function that nothing in this file calls: it may run.
    pub in_function: bool,
}

/// A value, as far as the text shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This text or number.
    Text(String),
    /// What an environment variable holds where the program starts; the text that stands in when it is not set.
    Variable {
        /// Its name.
        name: String,
        /// Instead, when it is not set.
        default: Option<String>,
    },
    /// The number of CPUs of the node, whatever the mask.
    NodeCpus,
    /// The number of CPUs in the mask.
    MaskCpus,
    /// CPUs of the node, and of the mask since this version of Python.
    MaskCpusSince(String),
    /// The argument is missing, and nobody says what then holds.
    Default,
    /// Not decided: the expression.
    Computed(String),
}

impl Value {
    /// The number, where it is one.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.parse().into_iter().next(),
            Self::Variable { .. }
            | Self::NodeCpus
            | Self::MaskCpus
            | Self::MaskCpusSince(_)
            | Self::Default
            | Self::Computed(_) => None,
        }
    }
}

/// `import a.b`, `from a import b`, or a call that imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module, with leading dots when it is relative: `numpy.linalg`, `.solver`.
    pub module: String,
    /// The names taken from it; `*` for all of them; empty for `import a`.
    pub names: Vec<String>,
    /// Where.
    pub at: At,
}

/// How an environment variable is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// `os.environ[name] = value`.
    Set,
    /// Only when it is not set.
    SetDefault,
    /// Removed.
    Delete,
    /// One of many.
    Update,
    /// `os.putenv`: the C library sees it, `os.environ` does not.
    Putenv,
}

/// A change of the program's own environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironWrite {
    /// The variable.
    pub name: String,
    /// Its new value; none where it is removed.
    pub value: Option<Value>,
    /// How.
    pub how: How,
    /// Where.
    pub at: At,
}

/// What a call starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolKind {
    /// Several processes.
    Processes,
    /// One process.
    Process,
    /// A copy of the running process.
    Fork,
    /// Threads of this process.
    Threads,
    /// Ranks that MPI starts.
    Mpi,
}

/// How processes are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// As this Python does when nobody says: [`Calls::default_start`].
    Default,
    /// `fork`, `spawn`, `forkserver`, or a method of the package's own.
    Method(String),
    /// Not decided: the expression, or the choice that may have been made before.
    Unclear(String),
    /// No process is started.
    None,
}

/// A call that starts processes or threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// What it starts.
    pub kind: PoolKind,
    /// How many.
    pub workers: Value,
    /// How.
    pub start: Start,
    /// It limits the threads of libraries in its workers by itself.
    pub limits_threads: bool,
    /// What is called, by its full name.
    pub api: String,
    /// Where.
    pub at: At,
}

/// A file that is opened through MPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParallelFile {
    /// Its format, a word of the data: `hdf5`, `netcdf`, `mpi-io`.
    pub format: String,
    /// What is called, by its full name.
    pub api: String,
    /// Where.
    pub at: At,
}

/// A call that limits the threads of libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadLimit {
    /// Whose threads, words of the data: `blas`, `openmp`, or one package.
    pub limits: Vec<String>,
    /// To how many.
    pub threads: Value,
    /// What is called, by its full name.
    pub api: String,
    /// Where.
    pub at: At,
}

/// A choice of how `multiprocessing` starts processes from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartMethod {
    /// The method.
    pub method: Value,
    /// What is called, by its full name.
    pub api: String,
    /// Where.
    pub at: At,
}

/// Another program that is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildProcess {
    /// The first words of its command, as far as they are known from the left.
    pub command: Vec<String>,
    /// Not all of the command is known.
    pub partly: bool,
    /// What is called, by its full name.
    pub api: String,
    /// Where.
    pub at: At,
}

/// Something that the text does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// What, readable after the place: `runs code that is made while the program runs`.
    pub what: String,
    /// Where.
    pub at: At,
}

/// What a program does. Any bytes will do; what is no Python 3 is said in [`Program::unclear`].
pub fn program(source: &[u8], calls: &Calls) -> Program {
    statements::read(source, calls)
}
