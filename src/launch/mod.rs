//! Launch lines: what a job asked its scheduler for, what a line like `LAUNCHER -n 8 python x.py` starts, and where the
//! launcher puts each rank.
//!
//! [`Schedulers::request`] reads directives, [`Launchers::read`] a command, [`Launchers::place`] joins both with what is
//! known of a node. Every option, default and variable stands in `rules/schedulers`, `rules/launchers` and
//! `rules/wrappers`; here is only how such descriptions are read.
//!
//! Invariant: a number is known with the places that it came from, or unknown with the reason; nothing is guessed.
//! Invariant: a word that no description explains is an `Unclear`, never skipped in silence.

mod amounts;
mod asks;
mod change;
mod checks;
mod condition;
mod description;
mod effect;
mod environment;
mod grammar;
mod line;
mod machine;
mod masks;
mod meaning;
mod option;
mod outcome;
mod placement;
mod quantity;
mod request;
mod resources;
mod scheduler;
mod situation;
mod values;
mod wrapper;

pub use change::{Change, EnvironmentChange};
pub use checks::{Checked, CpusPerTask, Overwritten, Problem};
pub use description::{LaunchDescription, LaunchExample, Launchers};
pub use environment::apply;
pub use grammar::Given;
pub use line::{Found, Line, Parameter};
pub use machine::Known;
pub use meaning::{Amount, Meaning};
pub use placement::{Bound, Placement};
pub use quantity::Quantity;
pub use request::{Request, Selected};
pub use scheduler::{Scheduler, Schedulers};
pub use wrapper::{Container, Wrapper};
