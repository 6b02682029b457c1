//! The words in which descriptions say what an option means.

use serde::Deserialize;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Nodes.
    Nodes,
    /// Ranks of the step; of a request: tasks.
    Ranks,
    /// Ranks on one node.
    RanksPerNode,
    /// Ranks on one socket.
    RanksPerSocket,
    /// Ranks on one core.
    RanksPerCore,
    /// CPUs of one rank, in the unit of the launcher.
    CpusPerRank,
    /// CPUs of one node.
    CpusPerNode,
    /// CPUs of the whole job.
    Cpus,
    /// Hardware threads of a core that are used.
    ThreadsPerCore,
    /// OpenMP threads that the scheduler announces to each rank.
    Threads,
    /// Places for ranks that the scheduler counts, whatever they are used for.
    Slots,
    /// Places for ranks on one node.
    SlotsPerNode,
    /// Resource sets.
    Sets,
    /// Resource sets on one node.
    SetsPerNode,
    /// Ranks of one resource set.
    RanksPerSet,
    /// CPUs of one resource set.
    CpusPerSet,
    /// GPUs of the job.
    Gpus,
    /// GPUs of one node.
    GpusPerNode,
    /// GPUs of one rank.
    GpusPerRank,
    /// GPUs of one resource set.
    GpusPerSet,
}

impl Amount {
    /// The amount that descriptions call so.
    pub(super) fn called(word: &str) -> Option<Self> {
        let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word);
        Self::deserialize(word).into_iter().next()
    }
}

/// What an option is for, beyond an amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// Nothing that matters here.
    #[default]
    Nothing,
    /// Which CPUs a rank may use.
    Binding,
    /// In which order ranks are spread, and what follows for their binding.
    Mapping,
    /// How ranks are spread over nodes and sockets.
    Distribution,
    /// The process management interface for the ranks.
    Pmi,
    /// A named parameter: two words.
    Parameter,
    /// `NAME=VALUE` for the ranks; `NAME` alone forwards it.
    Assign,
    /// `NAME VALUE` for the ranks: two words, or `NAME=VALUE` in one.
    AssignPair,
    /// `NAME=VALUE,NAME=VALUE`.
    AssignList,
    /// `NAME,NAME` are forwarded.
    ForwardList,
    /// Names, `NAME=VALUE` and the words of `all` and `none`, separated by commas.
    Export,
    /// Rules of an environment: `NAME=VALUE`, `NAME`, `-PATTERN`.
    EnvironmentRule,
    /// A pattern of names that are removed.
    Remove,
    /// The whole environment reaches the ranks.
    KeepAll,
    /// Nothing of the environment reaches the ranks.
    KeepNone,
    /// A file with variables, which is not read.
    EnvironmentFile,
    /// Hosts by name.
    Hosts,
    /// A file with hosts.
    HostFile,
    /// Whole nodes; in a step: CPUs of its own.
    Exclusive,
    /// CPUs of its own.
    Exact,
    /// CPUs that other steps may have too.
    Overlap,
    /// More ranks than slots.
    Oversubscribe,
    /// Where the job runs.
    Partition,
    /// Where the job runs.
    Queue,
    /// Which nodes.
    Constraint,
    /// A file says what is started.
    Programs,
    /// A string for a shell is what is started.
    Command,
    /// A list of resources: `select=2:ncpus=8,walltime=1:00`.
    Resources,
    /// A named kind of slots, and how many: two words.
    ParallelEnvironment,
    /// CPUs for the program.
    CpuList,
    /// CPUs for the program, in another notation.
    CpuMask,
    /// The image of a container.
    Image,
    /// A directory of the host that a container sees.
    Mount,
    /// The home directory is not in the container.
    NoHome,
}
