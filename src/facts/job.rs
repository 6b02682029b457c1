//! A job script: what it asks the scheduler for, what it sets, what it starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, Run};

/// A job script, with the process that its first launch line starts in mind: the facts of the environment around it are
/// those of that process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The script as it was asked for.
    pub script: String,
    /// The site profile; null when there is none.
    pub site: Option<String>,
    /// Word of `rules/schedulers`, `none` when the script asks no scheduler.
    pub scheduler: Fact<String>,
    /// Its version, as the site profile says.
    pub scheduler_version: Fact<String>,
    /// BLAS libraries that the site wants, words of `rules/libraries`; empty when it says nothing.
    pub expected_blas: Fact<Vec<String>>,
    /// How the job gets the environment of the shell that submits it: `asked` by an option, by `default`, `no`.
    #[schemars(extend("x-words" = ["asked", "default", "no"]))]
    pub login_environment: Fact<String>,
    /// Launch lines, in the order in which they run; several programs of one line are several runs.
    pub runs: Fact<Vec<Run>>,
    /// Variables of the runs that a registered reader reads, one entry per assignment.
    pub settings: Fact<Vec<Setting>>,
    /// Process pools that a program of the runs starts.
    pub process_pools: Fact<Vec<ProcessPool>>,
    /// Variables that a program sets after the library that reads them was loaded.
    pub late_settings: Fact<Vec<LateSetting>>,
    /// Files that a program opens through MPI.
    pub parallel_opens: Fact<Vec<ParallelOpen>>,
    /// Files beside a program that shadow modules which it imports.
    pub shadowing_files: Fact<Vec<ShadowingFile>>,
    /// What of the script could not be followed.
    pub unclear: Fact<Vec<Unclear>>,
}

/// An assignment of a variable that reaches a run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `OMP_NUM_THREADS`.
    pub name: String,
    /// Where it is set: `job.sh:9`.
    pub place: String,
    /// Its value.
    pub value: Fact<String>,
    /// What it is about, as `rules/variables` says: `threads`, `binding`, `waiting`, `mpi`, ...; `none` when it is not there.
    pub group: String,
    /// Words of the libraries and launchers that read it.
    pub readers: Vec<String>,
    /// `none`, `misspelt`, `invalid-value`, `removed` (the variable), `removed-value`, `ignored-value`.
    #[schemars(extend("x-words" = ["none", "misspelt", "invalid-value", "removed", "removed-value", "ignored-value"]))]
    pub problem: Fact<String>,
    /// What is wrong with it, in words; empty when nothing is.
    pub problem_text: String,
    /// What to write instead; empty when nothing is known.
    pub instead: String,
    /// Whether anything of the process reads it: `read`, `dead`, `unregistered`.
    #[schemars(extend("x-words" = ["read", "dead", "unregistered"]))]
    pub life: Fact<String>,
    /// Why nothing reads it; empty when something does.
    pub dead_because: String,
    /// How many other variables with the same value the script sets for libraries that are not there: several are a
    /// precaution for all of them, not a mistake.
    pub companions: Fact<u64>,
    /// The value of the scheduler that the script overwrites with another; null when it does not.
    pub overwrites: Fact<Option<String>>,
    /// What else sets the number of threads otherwise; null when nothing does.
    pub disagrees_with: Fact<Option<String>>,
    /// Runs that it reaches: `job.sh:12`.
    pub runs: Vec<String>,
}

/// A pool of processes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessPool {
    /// Where: `program.py:12`.
    pub place: String,
    /// The call: `multiprocessing.Pool`.
    pub api: String,
    /// The run whose program starts it.
    pub run: String,
    /// How workers start: `fork`, `spawn`, `forkserver`, `loky`.
    #[schemars(extend("x-words" = ["fork", "spawn", "forkserver", "loky"]))]
    pub start: Fact<String>,
    /// Workers.
    pub workers: Fact<u64>,
    /// Threads that a numerical library starts in each worker.
    pub threads_each: Fact<u64>,
    /// CPUs that the workers of one rank share.
    pub cpus: Fact<u64>,
    /// Whether the program limits the threads of the workers, or the pool does.
    pub limits_threads: Fact<bool>,
    /// Whether MPI was initialised before: importing `mpi4py.MPI` does that.
    pub after_mpi: Fact<bool>,
    /// Whether a fabric that registers memory is used by several nodes or known from the site: `yes`, `no`.
    #[schemars(extend("x-words" = ["yes", "no"]))]
    pub registered_memory: Fact<String>,
    /// A variable that makes forking safe for the fabric; null when none is set.
    pub fork_safe: Fact<Option<String>>,
    /// The OpenMP runtime that hangs in a child once the parent used it, with more than one thread; null when there is none.
    pub hanging_runtime: Fact<Option<String>>,
}

/// A variable that a program sets too late.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LateSetting {
    /// The variable.
    pub name: String,
    /// Where: `program.py:3`.
    pub place: String,
    /// What was given to it.
    pub value: Fact<String>,
    /// The import before it that loads the reader.
    pub import: String,
    /// Where that import stands.
    pub import_place: String,
    /// What it is about, as `rules/variables` says: `threads`, `binding`, `waiting`, ...; `none` when it is not there.
    pub group: String,
    /// The library of the process that reads it once, when it is loaded; null when none does.
    pub reader: Fact<Option<String>>,
    /// Whether the assignment surely runs after the import.
    pub certain: bool,
}

/// A file that a program opens through MPI.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelOpen {
    /// Where: `program.py:12`.
    pub place: String,
    /// Import name of the package: `h5py`.
    pub package: String,
    /// The call as written.
    pub call: Fact<String>,
}

/// A file that shadows a module.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowingFile {
    /// The file.
    pub path: Fact<String>,
    /// The module.
    pub module: String,
    /// The run whose program imports it.
    pub run: String,
}

/// What could not be followed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unclear {
    /// Where: `job.sh:7`.
    pub place: String,
    /// What stands there.
    pub what: Fact<String>,
    /// Why.
    pub why: String,
}
