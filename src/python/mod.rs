//! What Python source says, without running it.
//!
//! [`outline`] tells the statements of a module apart, at the speed of reading it; [`statements`] and [`routine`]
//! parse those that matter. [`program`] says what a program does to the processes and threads of a job.
//!
//! Invariant: no statement is run here; what a statement does is decided in `trace`.

mod expressions;
mod fragment;
mod import;
mod lines;
mod literals;
mod outline;
mod program;
mod reader;
mod references;
mod syntax;

pub use import::import_statement;
pub use literals::{Literal, literals};
pub use outline::{Definition, Item, ItemKind, outline};
pub use program::{
    At, Calls, ChildProcess, EnvironWrite, How, Import, ParallelFile, Pool, PoolKind, Program, Shadow, Start,
    StartMethod, ThreadLimit, Unclear, Value, program, shadows,
};
pub use reader::{NotPython, routine, statements};
pub use references::{Reference, mentions_import, references};
pub use syntax::{
    Alias, Body, Call, Comparison, Expression, Handler, Operator, Parameter, Routine, Statement, StatementKind,
};
