//! ld.so: which copy of which object ends up in one process, and why.
//!
//! Events go in (start of the executable, one `dlopen` after the other), a load map comes out: every object in the
//! order in which the loader maps it, with the reason for it. Nothing is executed; what the loader would do is read
//! out of the target's own ld.so, its cache, the objects and the environment of the process.
//!
//! Invariant: the first object loaded under a soname serves every later request for that soname.
//! Invariant: a failed `dlopen` leaves nothing behind.
//! Absent on purpose: `dlmopen` namespaces; auditors are reported, not modelled.

mod auditors;
mod cache;
mod candidate;
mod glibc;
mod hwcaps;
mod law;
mod levels;
mod musl;
mod objects;
mod process;
mod scope;
mod search;
mod start;
mod system;
mod tokens;
mod undefined;
mod versions;

pub use auditors::{Auditor, auditors};
pub use cache::is_cache;
pub use hwcaps::{CpuLevel, CpuMaker};
pub use law::Law;
pub use levels::{LevelSplit, level_splits};
pub use objects::{Object, Objects};
pub use process::{Failure, Process, Request, Visibility};
pub use start::{Binding, Detail, Start, Surroundings};
pub use system::{Family, System};
pub use undefined::Undefined;
pub use versions::{ABORTS, VersionMiss};

use std::sync::Arc;

use crate::base::TreePath;

/// Index into [`Process::objects`].
pub type ObjectIndex = usize;

/// Variables that decide which files are mapped, before anything that the files themselves say (ld.so(8)).
pub const SEARCH_VARIABLES: [&str; 2] = ["LD_LIBRARY_PATH", "LD_PRELOAD"];

/// How an object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The executable itself.
    Executable,
    /// DT_RPATH of the requester, of an object that loaded it, or of the executable.
    Rpath {
        /// Whose DT_RPATH.
        owner: ObjectIndex,
    },
    /// `LD_LIBRARY_PATH`.
    LdLibraryPath,
    /// DT_RUNPATH of the requester.
    Runpath,
    /// `ld.so.cache`.
    Cache,
    /// A default directory of the loader.
    Default,
    /// The name has a slash.
    Absolute,
    /// `LD_PRELOAD` or `ld.so.preload`.
    Preload,
    /// `dlopen` of a path.
    Dlopen,
}

impl Via {
    /// The word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Executable => "exec",
            Self::Rpath { .. } => "rpath",
            Self::LdLibraryPath => "ld_library_path",
            Self::Runpath => "runpath",
            Self::Cache => "cache",
            Self::Default => "default",
            Self::Absolute => "absolute",
            Self::Preload => "preload",
            Self::Dlopen => "dlopen",
        }
    }
}

/// One object of the process.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its path as the loader spells it: links and `..` are kept.
    pub name: Vec<u8>,
    /// The file.
    pub object: Arc<Object>,
    /// Every name under which it was asked for.
    pub asked: Vec<Vec<u8>>,
    /// The object whose NEEDED entry brought it in; `None` for the executable, preloads and `dlopen`.
    pub needed_by: Option<ObjectIndex>,
    /// How it was found.
    pub via: Via,
    /// What answers its NEEDED entries, in order; `None` where nothing does.
    pub needs: Vec<(Vec<u8>, Option<ObjectIndex>)>,
    /// Index of the event that brought it in.
    pub event: usize,
    /// The object whose `dlopen` (or start) brought it in: its local scope begins there.
    pub scope_root: ObjectIndex,
    /// Objects in the global scope when its symbols were bound.
    pub globals_at_load: usize,
    /// What is looked through for the symbols of what its `dlopen` (or start) brought in, in order; empty for an object
    /// that was never asked for by itself.
    pub searched: Vec<ObjectIndex>,
    /// Candidates that were passed over, only when the process keeps probes.
    pub probes: Vec<Probe>,
}

impl Loaded {
    /// The real file.
    pub fn real(&self) -> &TreePath {
        &self.object.real
    }
}

/// One attempt to open a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The candidate as the loader spells it.
    pub path: Vec<u8>,
    /// Where the directory comes from.
    pub via: Via,
    /// Why it was passed over: `not there`, `machine aarch64`, ...
    pub refused: String,
}

/// One file that a search tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// As the loader spells it.
    pub path: Vec<u8>,
    /// Whose list its directory is from.
    pub via: Via,
    /// Its place among the files of one directory: the directories for the CPU come first, some of old loaders twice.
    pub place: usize,
}

/// A NEEDED entry that nothing satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The object whose entry it is, as the loader spells it.
    pub needed_by: Vec<u8>,
    /// The entry.
    pub soname: Vec<u8>,
    /// Directories tried, in order, with where each comes from.
    pub searched: Vec<(Vec<u8>, Via)>,
    /// Candidates that are there and were passed over; every candidate when the process keeps probes.
    pub refused: Vec<Probe>,
}
