//! Interpreters, `sys.path`, packages and who installed them, without running anything.
//!
//! [`find`] gives installations; [`packages`], [`extensions`] and [`module_file`] say what one of them holds;
//! [`Owners`] says who put a file there.
//!
//! Invariant: works over any [`crate::tree::View`]; nothing of the machine that audits is asked.
//! Invariant: what is broken in an installation is a defect of it, what cannot be read a gap; neither is an error.

mod activation;
mod answer;
mod conda;
mod dpkg;
mod environment;
mod extension;
mod feature;
mod find;
mod interpreter;
mod layout;
mod look;
mod metadata;
mod module;
mod package;
mod prefix_marks;
mod provenance;
mod pth;
mod pyvenv;
mod startup;
mod sys_path;
mod sysconfig;
mod verify;
mod wheels;

use thiserror::Error;

use crate::base::TreePath;

pub use activation::{ActivationVariable, activation};
pub use answer::{Answer, Evidence};
pub use conda::CondaRecord;
pub use extension::{ExtensionFile, FileRole, extensions};
pub use feature::{Feature, Implementation};
pub use find::{DEFAULT_PATH, Start, find};
pub use metadata::SourceKind;
pub use module::{ModuleFile, ModuleKind, extension_suffixes, module_file};
pub use package::{Installed, RecordedVersion, packages};
pub use provenance::{Manager, Owners, Provenance};
pub use pyvenv::Configuration;
pub use verify::{FileState, VerifiedFile, verify};

/// Why no Python could be found where one was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoverError {
    /// Nothing is there.
    #[error("{path} does not exist")]
    Absent {
        /// What was asked for.
        path: TreePath,
    },
    /// Something is there, but no Python.
    #[error("no Python in {path}: looked for {looked_for}")]
    NoPython {
        /// What was asked for.
        path: TreePath,
        /// What would have been a Python.
        looked_for: String,
    },
    /// A file that is no interpreter.
    #[error("{path} is no Python interpreter: {reason}")]
    NoInterpreter {
        /// What was asked for.
        path: TreePath,
        /// What it is instead.
        reason: String,
    },
    /// It cannot be read.
    #[error("could not read {path}: {reason}")]
    Unreadable {
        /// What was asked for.
        path: TreePath,
        /// Why.
        reason: String,
    },
}

/// What manages an installation. The words are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstallationKind {
    /// A virtual environment: it has a `pyvenv.cfg`.
    Venv,
    /// A conda environment: it has a `conda-meta`.
    Conda,
    /// The install prefix of a module: Spack, EasyBuild, or packages without an interpreter.
    Module,
    /// The Python of the operating system, or one in `/usr/local`.
    System,
    /// Any other install prefix.
    Prefix,
}

impl InstallationKind {
    /// The word for facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Venv => "venv",
            Self::Conda => "conda",
            Self::Module => "module",
            Self::System => "system",
            Self::Prefix => "prefix",
        }
    }
}

/// Where an entry of `sys.path` comes from. The words are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The variable `PYTHONPATH`, or a variable that `sitecustomize` reads.
    PythonPath,
    /// The standard library.
    Stdlib,
    /// The user site directory.
    User,
    /// The packages of the prefix.
    Site,
    /// A line of a `.pth` file.
    Pth,
    /// The packages of the Python below a virtual environment or module prefix.
    BaseSite,
}

impl Origin {
    /// The word for facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::PythonPath => "PYTHONPATH",
            Self::Stdlib => "stdlib",
            Self::User => "user",
            Self::Site => "site",
            Self::Pth => "pth",
            Self::BaseSite => "base-site",
        }
    }
}

/// One entry of `sys.path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathEntry {
    /// The directory or zip file, as it stands in `sys.path`.
    pub path: TreePath,
    /// Where it comes from.
    pub origin: Origin,
    /// What puts it there.
    pub because: Evidence,
    /// Whether anything is there.
    pub exists: bool,
}

/// Modules that an editable install maps to their source without `sys.path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditableFinder {
    /// The finder module.
    pub path: TreePath,
    /// Import name and the directory or file (without `.py`) it stands for.
    pub mapping: Vec<(String, TreePath)>,
    /// The `.pth` line that installs it.
    pub because: Evidence,
}

/// The user site directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSite {
    /// Where it would be.
    pub directory: Answer<TreePath>,
    /// Whether it is there.
    pub exists: Answer<bool>,
    /// Whether nothing is in it.
    pub empty: Answer<bool>,
    /// Whether this Python would put it on `sys.path`.
    pub enabled: Answer<bool>,
}

/// Something broken in an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The file or directory.
    pub path: TreePath,
    /// What is wrong with it.
    pub reason: String,
    /// What shows it.
    pub because: Evidence,
}

/// One Python installation.
#[derive(Debug, Clone)]
pub struct Installation {
    /// What was asked for.
    pub asked: TreePath,
    /// What manages it.
    pub kind: InstallationKind,
    /// What shows the kind.
    pub kind_because: Evidence,
    /// The interpreter as it would be started; none where no Python fits the packages.
    pub executable: Option<TreePath>,
    /// The file behind it; none where the link leads nowhere.
    pub real_executable: Option<TreePath>,
    /// `sys.prefix`; the module's prefix where packages were asked about.
    pub prefix: TreePath,
    /// `sys.base_prefix`.
    pub base_prefix: TreePath,
    /// The `X.Y` that directories are named after.
    pub feature: Feature,
    /// The full version: `3.11.7`.
    pub version: Answer<String>,
    /// What runs the byte code.
    pub implementation: Answer<Implementation>,
    /// `SOABI`: `cpython-311-x86_64-linux-gnu`.
    pub soabi: Answer<String>,
    /// Whether it is a debug build.
    pub debug: Answer<bool>,
    /// Whether it is a build without the global interpreter lock.
    pub free_threaded: Answer<bool>,
    /// `e_machine` of the interpreter.
    pub machine: Answer<u16>,
    /// The real file of libpython; known to be none where the interpreter is complete by itself.
    pub libpython: Answer<Option<TreePath>>,
    /// The directory of the standard library.
    pub stdlib: Option<TreePath>,
    /// `sys.path`, without the directory of a script.
    pub sys_path: Vec<PathEntry>,
    /// Editable installs that do without `sys.path`.
    pub finders: Vec<EditableFinder>,
    /// The user site directory.
    pub user_site: UserSite,
    /// Whether `PYTHONSAFEPATH` keeps the directory of a script off `sys.path`.
    pub safe_path: bool,
    /// `pyvenv.cfg`, in a virtual environment.
    pub configuration: Option<Configuration>,
    /// What is broken.
    pub defects: Vec<Defect>,
}
