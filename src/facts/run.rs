//! A launch joined with the process that it starts.
//!
//! Units: CPUs are hardware threads as the system numbers them; cores are cores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, Picture};

/// One program that one launch line starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// `job.sh:12`; with the number of the program where a line starts several.
    pub name: String,
    /// The command, as far as its words are known.
    pub command: String,
    /// The branches of the script in which it runs, as written; empty when it always does.
    pub conditions: Vec<String>,
    /// Word of `rules/launchers`, `none` when the shell starts the program itself.
    pub launcher: Fact<String>,
    /// Its version.
    pub launcher_version: Fact<String>,
    /// Nodes.
    pub nodes: Fact<u64>,
    /// Ranks on all nodes.
    pub ranks: Fact<u64>,
    /// Ranks on one node.
    pub ranks_per_node: Fact<u64>,
    /// CPUs on which one rank may run.
    pub cpus_per_rank: Fact<u64>,
    /// Cores that these belong to.
    pub cores_per_rank: Fact<u64>,
    /// Cores on which the threads of one rank run: those that they bind themselves to, else all of the rank.
    pub cores_in_use: Fact<u64>,
    /// `none`: a rank may run anywhere in what the job has of the node; `exclusive`: on CPUs of its own; `shared`: on CPUs that
    /// other ranks have too.
    #[schemars(extend("x-words" = ["none", "exclusive", "shared"]))]
    pub binding: Fact<String>,
    /// Whether the script switches binding off.
    pub binding_disabled: Fact<bool>,
    /// How the launcher places, in its own words: `depth`, `cpu`, `core`, `ppr:16:node`, `default`.
    pub placement: Fact<String>,
    /// Cores of one node that a job may use.
    pub cores_per_node: Fact<u64>,
    /// CPUs of one node that a job may use.
    pub cpus_per_node: Fact<u64>,
    /// CPUs of one node that this job has.
    pub owned_cpus: Fact<u64>,
    /// Whether the job has its nodes for itself.
    pub exclusive: Fact<bool>,
    /// Thread pools of one rank.
    pub pools: Fact<Vec<ThreadPool>>,
    /// Most threads that one pool of a rank starts.
    pub threads: Fact<u64>,
    /// Most threads that a setting asks for, before any clamping; null when no setting says a number.
    pub threads_asked: Fact<Option<u64>>,
    /// Threads of all ranks of a node, those of a bound rank no more than its CPUs, against the node's cores: `fits`, `beyond-cores` (and within its CPUs), `beyond-cpus`,
    /// `node-unknown` (nothing says how large a node is).
    #[schemars(extend("x-words" = ["fits", "beyond-cores", "beyond-cpus", "node-unknown"]))]
    pub load: Fact<String>,
    /// Pools that start as many threads as they see CPUs, because nothing limits them.
    pub unlimited_pools: Fact<Vec<String>>,
    /// Those of them that count the CPUs of the node, whatever the rank has.
    pub unmasked_pools: Fact<Vec<String>>,
    /// The setting by which an OpenMP runtime of the process binds its threads, `OMP_PROC_BIND=close`; null when none does.
    pub thread_binding: Fact<Option<String>>,
    /// The setting by which idle threads keep a CPU busy; null when none does.
    pub busy_wait: Fact<Option<String>>,
    /// What pins again what the launcher pinned: a setting, or the default of the runtime; null when nothing does.
    pub repinning: Fact<Option<String>>,
    /// Pools that see one CPU once another runtime has bound the main thread.
    pub starved_pools: Fact<Vec<String>>,
    /// What becomes of the CPUs per task that the job asks for: `kept`, `lost`, `depends` (on the version), `not-asked`.
    #[schemars(extend("x-words" = ["kept", "lost", "depends", "not-asked"]))]
    pub cpus_per_task: Fact<String>,
    /// The type of process management that is asked for; null where the launcher has no choice.
    pub pmi: Fact<Option<String>>,
    /// Whether the MPI of the process speaks it: `yes`, `no`, `none` (nothing to speak).
    #[schemars(extend("x-words" = ["yes", "no", "none"]))]
    pub pmi_fits: Fact<String>,
    /// The library by which the MPI would reach the scheduler: `not-needed`, `set`, `missing`.
    #[schemars(extend("x-words" = ["not-needed", "set", "missing"]))]
    pub pmi_library: Fact<String>,
    /// Variables of the script that the launcher does not pass on.
    pub dropped: Fact<Vec<String>>,
    /// Variables of the script that ranks on other nodes do not get.
    pub not_forwarded: Fact<Vec<String>>,
    /// Where the launch line asks for something else than the job.
    pub contradictions: Fact<Vec<String>>,
    /// What is wrong with an explicit map of CPUs; null when nothing is.
    pub cpu_map_problem: Fact<Option<String>>,
    /// A list of CPUs that every rank is put on; null when there is none.
    pub fixed_cpu_list: Fact<Option<String>>,
    /// Where hardware threads are counted as cores, in words; null when they are not.
    pub hardware_threads: Fact<Option<String>>,
    /// Runs that use the same cores at the same time; the first of them names the others.
    pub rivals: Fact<Vec<String>>,
    /// A launcher that ranks of this one start; null when there is none.
    pub nested: Fact<Option<String>>,
    /// The interpreter that it starts, as far as it can be told.
    pub python: Fact<Option<String>>,
    /// Whether that is the audited one: `same`, `other`, `none` (no Python is started).
    #[schemars(extend("x-words" = ["same", "other", "none"]))]
    pub python_agreement: Fact<String>,
    /// The MPI that the loaded modules give, `openmpi 4.1.6`; null when none does.
    pub module_mpi: Fact<Option<String>>,
    /// That MPI against the one that the process loads: `same`, `other-version`, `other`, `none`.
    #[schemars(extend("x-words" = ["same", "other-version", "other", "none"]))]
    pub module_agreement: Fact<String>,
    /// A path of the run on a file system that nodes share, and its kind: `/scratch/case.h5 on lustre`; unknown where the script
    /// names none.
    pub shared_path: Fact<String>,
    /// Whether locks work there: `yes`, `no`.
    #[schemars(extend("x-words" = ["yes", "no"]))]
    pub shared_locks: Fact<String>,
    /// The image that it starts; null when there is none.
    pub image: Fact<Option<String>>,
    /// Variables of the script that enter the image and change what Python does in it.
    pub leaks: Fact<Vec<String>>,
    /// Whether the home directory of the user is visible in the image.
    pub home_visible: Fact<bool>,
    /// Variables of the script that the image itself sets otherwise: `OMP_NUM_THREADS=4, in the image 1`.
    pub image_wins: Fact<Vec<String>>,
    /// One node, as the settings would place ranks and threads on it.
    pub picture: Option<Picture>,
}

/// A pool of threads in one rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadPool {
    /// What keeps it: `openblas (pthreads)`, `libgomp`.
    pub name: String,
    /// Threads that a setting asks for; null when none does.
    pub asked: Fact<Option<u64>>,
    /// That setting: `OMP_NUM_THREADS=8`; null when there is none.
    pub setting: Fact<Option<String>>,
    /// Threads that it starts.
    pub started: Fact<u64>,
    /// Whether it takes no more threads than the rank has CPUs.
    pub respects_mask: bool,
    /// Most threads that it was compiled for; null when there is no such limit.
    pub ceiling: Fact<Option<u64>>,
}
