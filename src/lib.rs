//! `pyhpc-audit`: which BLAS, MPI, HDF5 and OpenMP one Python process really gets, from bytes alone.
//!
//! The modules in reading order. Left of [`facts`] stand the producers, which turn bytes into facts;
//! right of it the consumers, which turn facts into verdicts and pages. Neither side sees the other.

/// Paths inside the scanned tree, random-access bytes, gaps, patterns, version order.
pub mod base;

/// A read-only file system: the host or a root below it; every link is resolved inside it.
pub mod tree;

/// What one shared object says about itself, at three prices.
pub mod elf;

/// The same of a file of macOS, less exactly.
pub mod macho;

/// What a job script says: directives, and each command with its environment and conditions, without running it.
pub mod job;
/// What the administrator of a machine knows: `site.toml`.
pub mod site;

/// Variables that libraries read, and how many threads they start.
pub mod registry;

/// Launch lines: what a job asks for, what it starts, and where the launcher puts each rank.
pub mod launch;

/// What a modulefile does to an environment: Tcl and Lua, read and never run.
pub mod modulefile;

/// What Python source says, without running it.
pub mod python;

/// What an import does: modules that are executed and extensions that are loaded, in order.
pub mod trace;

/// Interpreters, `sys.path`, packages and who installed them, without running anything.
pub mod discover;

/// ld.so: which copy of which object ends up in one process, and why.
pub mod loader;

/// Matches objects against the fingerprints in `rules/libraries`.
pub mod identify;

/// The public model: plain data with evidence. The waist of the hourglass.
pub mod facts;

/// Runs the producers and joins their results into facts.
pub mod survey;

/// Loads rule files, checks and evaluates their conditions, applies waivers.
pub mod rules;

/// One file per output format.
pub mod report;

/// Arguments, configuration file, exit code.
pub mod cli;
