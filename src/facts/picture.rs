//! One node, as the settings of a job would place its ranks and threads: what a drawing needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One node and the ranks on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Sockets; null when nothing says it.
    pub sockets: Option<u32>,
    /// NUMA domains; null when nothing says it.
    pub numa: Option<u32>,
    /// Cores; null when nothing says how large the node is.
    pub cores: Option<u32>,
    /// Hardware threads of one core.
    pub smt: u32,
    /// Ranks on this node; null when nothing says it.
    pub ranks_per_node: Option<u64>,
    /// The ranks with the CPUs of each, as far as they can be told; CPU `core + cores * sibling`.
    pub ranks: Vec<RankMask>,
    /// `none`, `exclusive`, `shared`, `unknown`.
    pub binding: String,
    /// Threads of one rank; null when nothing says it.
    pub threads: Option<u64>,
    /// What is to be said of the drawing: what is unknown and what would decide it.
    pub notes: Vec<String>,
}

/// The CPUs of one rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankMask {
    /// Its number on this node, from 0.
    pub rank: u64,
    /// The CPUs that it may run on.
    pub cpus: Vec<u32>,
    /// The CPUs to which its threads bind themselves, one per thread in order; empty when they are free within `cpus`.
    pub threads_on: Vec<u32>,
}

/// A line as it would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suggestion {
    /// The rule that it settles.
    pub rule: String,
    /// The file.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// How many characters are replaced; 0 inserts.
    pub length: u32,
    /// What stands there then.
    pub replacement: String,
}
