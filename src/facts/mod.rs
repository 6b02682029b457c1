//! The public model: what the audit found out about one target, with the evidence for it.
//!
//! Plain data, no logic, no imports. Producers fill it, rules and reports read it, and it can be saved on one
//! machine and judged on another. `docs/schema/facts-1.json` is its published schema.
//!
//! Invariant: a value that was inferred is a [`Fact`]; a value that merely names a thing is plain.
//! Invariant: within schema 1, fields are only added; saved facts that lack one still load, and it is unknown (`earlier`).

mod build;
mod earlier;
mod environment;
mod error;
mod evidence;
mod fabric;
mod fact;
mod flat;
mod flat_keys;
mod host;
mod job;
mod loading;
mod mapped;
mod object;
mod package;
mod picture;
mod process;
mod run;
mod unflat;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use build::BuildClaim;
pub use environment::{
    ActivationVariable, AlteredPackage, Defect, Environment, Launcher, Libc, PathEntry, Python, SearchDirectory,
    UserSite, Variable,
};
pub use error::FactsError;
pub use evidence::{Evidence, EvidenceId, Gap, GapId};
pub use fabric::FabricUse;
pub use fact::Fact;
pub use flat::{FLAT_SCHEMA, Flat};
pub use host::{Companion, Host, HostFit, HostLibrary};
pub use job::{Job, LateSetting, ParallelOpen, ProcessPool, Setting, ShadowingFile, Unclear};
pub use loading::{Binding, Capture, CpuVariant, CutRpath, FatalHit, OrderEffect, UndefinedSymbol};
pub use mapped::{Answered, LibcNeed, Mapped, RuntimeNeed};
pub use object::{MissingVersion, Need, Object};
pub use package::Package;
pub use picture::{Picture, RankMask, Suggestion};
pub use process::{
    BlasUse, Choice, Duplicates, Hdf5Use, ImportFailure, LoadedLibrary, MpiUse, OpenmpRuntime, Override, Preload,
    Process, SharedSoname,
};
pub use run::{Run, ThreadPool};

/// The two packages that `mpi.agreement` compares: the public words of the interface name them.
pub const AGREEMENT_OF: [&str; 2] = ["mpi4py", "h5py"];

/// How the reason of a gap begins where a saved facts file leaves the fact out; its key follows.
pub const SAYS_NOTHING: &str = "the facts file says nothing of ";

/// The `schema` of a saved full model.
pub const SCHEMA: &str = "pyhpc-facts-model/1";

/// Everything that is known about one target: one Python environment, and one process that it would start.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Always `pyhpc-facts-model/1`.
    pub schema: String,
    /// The target as it was asked for.
    pub target: String,
    /// The Python installation and what surrounds it.
    pub environment: Environment,
    /// Installed packages, one entry per copy on `sys.path`, in that order.
    pub packages: Fact<Vec<Package>>,
    /// Extension modules and libraries that were looked at.
    pub objects: Fact<Vec<Object>>,
    /// Libraries that the loader does not find for an extension alone, as `ldd` would ask.
    pub needs: Fact<Vec<Need>>,
    /// Symbol versions that an object of the process needs and the chosen library does not define.
    pub missing_versions: Fact<Vec<MissingVersion>>,
    /// The one process that performs the imports.
    pub process: Process,
    /// The job script that would start it; null when none was asked about.
    #[serde(default)]
    pub job: Option<Job>,
    /// The host that starts the image, held against it; null when none was named.
    #[serde(default)]
    pub host: Option<Host>,
    /// What stands where; facts refer to it by index.
    pub evidence: Vec<Evidence>,
    /// What could not be read or decided; unknown facts refer to it by index.
    pub gaps: Vec<Gap>,
}
