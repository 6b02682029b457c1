//! What the administrator of a cluster knows and a job script does not say: `site.toml`, format `pyhpc-site/1`.
//!
//! Invariant: what the profile does not say is `None`, never a default; an empty list is said to be empty.
//! Invariant: every value keeps its line, so that a conclusion can show where it comes from.
//! Invariant: no name of a scheduler, launcher or library stands here; these words are checked by those who know them.

mod lookup;
mod profile;
mod read;

use std::collections::BTreeMap;

pub use lookup::Selection;
pub use profile::{Inventories, ProfileError};

/// Largest count of anything in one node: cores, slots, GiB.
const MAX_COUNT: u64 = 1 << 24;

/// A value and the line of the profile where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated<T> {
    /// What stands there.
    pub value: T,
    /// Counted from 1.
    pub line: u32,
}

/// One machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The file, as it was given.
    pub path: String,
    /// What people call the machine.
    pub name: Option<Stated<String>>,
    /// `[scheduler]`
    pub scheduler: Scheduler,
    /// `[node.NAME]`, by name.
    pub nodes: BTreeMap<String, Node>,
    /// `[modules."NAME"]`, by the name or glob that stands there.
    pub modules: BTreeMap<String, Module>,
    /// `[[installed]]`, in order of the file.
    pub installed: Vec<Installed>,
    /// `[filesystems."MOUNT"]`, by mount point.
    pub filesystems: BTreeMap<String, Filesystem>,
    /// `[fabric] kind`
    pub fabric: Option<Stated<String>>,
    /// `[policy]`
    pub policy: Policy,
}

/// `[scheduler]`: what hands out nodes, and what it does to the tasks that it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// Its word in `rules/schedulers`.
    pub name: Option<Stated<String>>,
    /// Its version.
    pub version: Option<Stated<String>>,
    /// Whose `mpiexec` it brings, a word of `rules/launchers`.
    pub launcher: Option<Stated<String>>,
    /// The process management that it offers to MPI unless a launch asks for another.
    pub mpi_default: Option<Stated<String>>,
    /// Every one that it offers.
    pub mpi_types: Option<Stated<Vec<String>>>,
    /// Its task plugins.
    pub task_plugins: Option<Stated<Vec<String>>>,
    /// To what it binds tasks when a launch does not say.
    pub autobind: Option<Stated<String>>,
    /// How the slots of a parallel environment spread over nodes, by name.
    pub parallel_environments: BTreeMap<String, ParallelEnvironment>,
}

/// `[scheduler.parallel_environments.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParallelEnvironment {
    /// How its slots spread.
    pub allocation: Option<Stated<Allocation>>,
    /// The line of its table.
    pub line: u32,
}

/// How slots spread over nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// `pe_slots`: all on one node.
    OneNode,
    /// `fill_up`: one node after the other.
    FillUp,
    /// `round_robin`: one slot per node, then the next.
    RoundRobin,
    /// So many on every node.
    PerNode(u64),
}

/// `[node.NAME]`: one type of node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// NAME.
    pub name: String,
    /// The line of its table.
    pub line: u32,
    /// Whether jobs that ask for nothing else get it.
    pub default: Option<Stated<bool>>,
    /// Globs over partitions that hold it.
    pub partition: Option<Stated<Vec<String>>>,
    /// Globs over queues that hold it.
    pub queue: Option<Stated<Vec<String>>>,
    /// Globs over constraints that it fulfils.
    pub constraint: Option<Stated<Vec<String>>>,
    /// Globs over host names.
    pub host: Option<Stated<Vec<String>>>,
    /// Physical cores that a job may use.
    pub cores: Option<Stated<u64>>,
    /// Cores kept for the system, not counted in `cores`.
    pub reserved_cores: Option<Stated<u64>>,
    /// Packages.
    pub sockets: Option<Stated<u64>>,
    /// Hardware threads per core that the system shows.
    pub smt: Option<Stated<u64>>,
    /// NUMA domains.
    pub numa: Option<Stated<u64>>,
    /// Accelerators.
    pub gpus: Option<Stated<u64>>,
    /// Memory, in GiB.
    pub memory_gib: Option<Stated<u64>>,
    /// What its CPU can do: `x86-64-v3`.
    pub isa: Option<Stated<String>>,
    /// Whether jobs get whole nodes.
    pub exclusive: Option<Stated<bool>>,
}

/// `[modules."NAME"]`: what loading a module changes. An empty table: nothing that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// NAME, possibly a glob.
    pub name: String,
    /// The line of its table.
    pub line: u32,
    /// What software it brings.
    pub provides: Provides,
    /// Directories put before those of a list, by variable.
    pub prepend: BTreeMap<String, Stated<String>>,
    /// Values of variables.
    pub set: BTreeMap<String, Stated<String>>,
    /// Modules that it loads, in order.
    pub loads: Vec<Stated<String>>,
    /// Modules that it unloads or refuses to stand beside.
    pub conflicts: Vec<Stated<String>>,
}

/// Software, by kind: words of `rules/libraries` and `rules/launchers`, names of compilers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provides {
    /// An MPI library.
    pub mpi: Option<Stated<String>>,
    /// A BLAS library.
    pub blas: Option<Stated<String>>,
    /// A compiler.
    pub compiler: Option<Stated<String>>,
    /// An HDF5 library.
    pub hdf5: Option<Stated<String>>,
    /// A Python.
    pub python: Option<Stated<String>>,
    /// Its version.
    pub version: Option<Stated<String>>,
}

/// `[[installed]]`: software that no module stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// The directory that holds it.
    pub prefix: String,
    /// The line of its prefix.
    pub line: u32,
    /// What it is.
    pub provides: Provides,
}

/// `[filesystems."MOUNT"]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filesystem {
    /// MOUNT.
    pub mount: String,
    /// The line of its table.
    pub line: u32,
    /// One of [`FILESYSTEM_KINDS`].
    pub kind: Option<Stated<String>>,
    /// Whether `flock` works on clients.
    pub locks: Option<Stated<bool>>,
    /// Metadata operations that it serves in a second.
    pub metadata_ops_per_s: Option<Stated<u64>>,
}

/// `[policy]`: what the site wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Words of BLAS libraries that jobs are meant to use.
    pub expected_blas: Option<Stated<Vec<String>>>,
}

/// What a file system can be.
pub const FILESYSTEM_KINDS: [&str; 9] =
    ["lustre", "gpfs", "nfs", "dvs", "beegfs", "local", "squashfs", "tmpfs", "other"];

/// What a fabric can be.
pub const FABRIC_KINDS: [&str; 5] = ["slingshot", "infiniband", "omnipath", "ethernet", "other"];

/// To what a scheduler can bind tasks of its own accord.
pub const AUTOBIND_WORDS: [&str; 4] = ["none", "threads", "cores", "sockets"];
