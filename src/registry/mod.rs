//! Variables of the environment that libraries, launchers and Python read: who reads which, what values mean, and how many
//! threads they start.
//!
//! Invariant: no name of a variable or library stands here; what is known is in `rules/variables` and `rules/pools`.
//! Invariant: what depends on a value or a version that is not known is unknown, with the reason.

mod grammar;
mod live;
mod load;
mod misspelt;
mod pool;
mod problem;
mod runtime;
mod variable;

pub use grammar::Grammar;
pub use live::Live;
pub use load::{Prefix, Registry};
pub use pool::{Loaded, Pool, Pools, Threads};
pub use problem::{Problem, ProblemKind};
pub use runtime::Decision;
pub use variable::{DeadValue, Evidence, Group, Moment, Reader, Replacement, Variable, When};

/// A variable of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Not set.
    Unset,
    /// Set to this, which may be empty.
    Value(String),
    /// Why it is not known whether it is set, or to what.
    Unknown(String),
}

/// Whether a reader is there: a word of `rules/libraries`, `rules/launchers` or `rules/packages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is not.
    Absent,
    /// It is.
    Present {
        /// Its version, if known.
        version: Option<String>,
        /// How it threads, if known: `openmp`, `pthreads`, `tbb`, `sequential`.
        threading: Option<String>,
    },
    /// Nobody knows.
    Unknown,
}
