//! The Python installation and what surrounds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, GapId};

/// One Python installation, and the environment of the process that it starts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The interpreter.
    pub python: Python,
    /// The C library whose loader would map the process.
    pub libc: Libc,
    /// The user site directory.
    pub user_site: UserSite,
    /// Variables of the process that a known reader reads; others are not recorded.
    pub variables: Fact<Vec<Variable>>,
    /// Directories of `LD_LIBRARY_PATH`, `PYTHONPATH`, RPATH and RUNPATH entries of the process.
    pub search_directories: Fact<Vec<SearchDirectory>>,
    /// The `mpiexec` that would start ranks: the one asked about, else the first on the PATH of the process.
    pub launcher: Launcher,
    /// What is broken in the installation itself.
    pub defects: Fact<Vec<Defect>>,
    /// Variables that matter here and that the activation of a conda environment sets to a literal value
    /// (`etc/conda/activate.d`, `conda env config vars set`): a Python that is started by path does without. So are those that
    /// the entrypoint of an image sets: what is started without it does without.
    pub activation: Fact<Vec<ActivationVariable>>,
    /// How many shared objects were compared with the digests in the records of who installed them; null without
    /// `--verify-files`.
    pub verified_files: Fact<Option<u64>>,
    /// Packages of which files are not what was installed; empty without `--verify-files`.
    pub altered_packages: Fact<Vec<AlteredPackage>>,
    /// The network between the nodes of the site, by its profile: `slingshot`, `infiniband`, `omnipath`, `ethernet`, `other`;
    /// `unsaid` where no profile says it.
    #[schemars(extend("x-words" = ["slingshot", "infiniband", "omnipath", "ethernet", "other", "unsaid"]))]
    pub fabric: Fact<String>,
    /// The image's own environment, `K=V`; null where the target is no image.
    pub image_env: Fact<Option<Vec<String>>>,
}

/// The interpreter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// `3.11.7`.
    pub version: Fact<String>,
    /// `cpython` or `pypy`.
    #[schemars(extend("x-words" = ["cpython", "pypy"]))]
    pub implementation: Fact<String>,
    /// The ABI tag of its extension modules: `cpython-311-x86_64-linux-gnu`.
    pub soabi: Fact<String>,
    /// `venv`, `conda`, `module`, `system`, `prefix`.
    #[schemars(extend("x-words" = ["venv", "conda", "module", "system", "prefix"]))]
    pub kind: Fact<String>,
    /// The real file of the interpreter.
    pub executable: Fact<String>,
    /// `sys.prefix`.
    pub prefix: Fact<String>,
    /// `sys.base_prefix`.
    pub base_prefix: Fact<String>,
    /// Whether it is a debug build (`d` in the ABI flags).
    pub debug: Fact<bool>,
    /// `sys.path` as CPython would build it, in order.
    pub path: Fact<Vec<PathEntry>>,
}

/// One entry of `sys.path`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathEntry {
    /// The directory.
    pub path: String,
    /// Where it comes from: `PYTHONPATH`, `stdlib`, `user`, `site`, `pth`, `base-site`.
    #[schemars(extend("x-words" = ["PYTHONPATH", "stdlib", "user", "site", "pth", "base-site"]))]
    pub origin: String,
}

/// The C library whose loader would map the process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Libc {
    /// `glibc` or `musl`; `libsystem` is that of macOS, whose dyld is not emulated: such an environment is read less exactly.
    #[schemars(extend("x-words" = ["glibc", "musl", "libsystem"]))]
    pub family: Fact<String>,
    /// `2.36`.
    pub version: Fact<String>,
    /// The glibc that `--libc` asks about: would the process run with it? Null when nothing was asked.
    pub asked: Fact<Option<String>>,
}

/// The user site directory, `~/.local/lib/pythonX.Y/site-packages`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSite {
    /// The directory that exists for this user and version; null when there is none.
    pub directory: Fact<Option<String>>,
    /// Whether the process puts it on `sys.path`.
    pub enabled: Fact<bool>,
    /// Audited packages in it, by import name.
    pub packages: Fact<Vec<String>>,
    /// Whether nothing is in it.
    pub empty: Fact<bool>,
}

/// A variable of the process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// `OMP_NUM_THREADS`.
    pub name: String,
    /// Its value.
    pub value: Fact<String>,
    /// Where it was set: `caller`, `--env`, a file and line.
    pub origin: String,
}

/// A directory that the loader or the interpreter searches.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchDirectory {
    /// The entry as written, tokens included.
    pub entry: String,
    /// The directory it stands for; empty for an empty or relative entry.
    pub path: String,
    /// `LD_LIBRARY_PATH`, `PYTHONPATH`, `RPATH`, `RUNPATH`.
    #[schemars(extend("x-words" = ["LD_LIBRARY_PATH", "PYTHONPATH", "RPATH", "RUNPATH"]))]
    pub origin: String,
    /// The object that carries a RPATH or RUNPATH entry, else empty.
    pub object: String,
    /// `present`, `missing`, `relative` (empty entries included: both mean the working directory), `outside` (of the root).
    #[schemars(extend("x-words" = ["present", "missing", "relative", "outside"]))]
    pub state: Fact<String>,
    /// Whether somebody else than the owner can write there: world-writable without the sticky bit.
    pub writable_by_others: Fact<bool>,
    /// Whether the need that this entry should serve was satisfied all the same.
    pub needs_satisfied: Fact<bool>,
}

/// A launcher of MPI ranks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Launcher {
    /// The path asked about or found; null when there is none.
    pub path: Fact<Option<String>>,
    /// Word of `rules/launchers`, `none` when there is no launcher.
    pub vendor: Fact<String>,
    /// `4.1.4`.
    pub version: Fact<String>,
    /// ABI family of the MPI it belongs to: `mpich`, `openmpi`, `none`.
    #[schemars(extend("x-words" = ["mpich", "openmpi", "none"]))]
    pub abi: Fact<String>,
    /// Process-management interfaces for which it has plugins (`srun --mpi=TYPE`): `pmi2`, `pmix`, `pmix_v4`; empty for
    /// launchers that have none.
    pub pmi: Fact<Vec<String>>,
}

impl Launcher {
    /// One of which nothing is known.
    pub fn unknown(gap: GapId) -> Self {
        Self {
            path: Fact::unknown(gap),
            vendor: Fact::unknown(gap),
            version: Fact::unknown(gap),
            abi: Fact::unknown(gap),
            pmi: Fact::unknown(gap),
        }
    }
}

/// A variable that the activation of the environment, or the entrypoint of the image, sets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationVariable {
    /// `MKL_INTERFACE_LAYER`.
    pub name: String,
    /// What activation sets it to.
    pub value: Fact<String>,
    /// Whether the process has it: with any value, or with this one where the entrypoint sets it.
    pub set: Fact<bool>,
    /// `conda`, or `entrypoint`: the program that an image starts first, which `apptainer exec` and `srun` leave out.
    #[serde(default = "by_conda")]
    #[schemars(extend("x-words" = ["conda", "entrypoint"]))]
    pub by: String,
}

/// What facts that were saved before say of nobody else.
fn by_conda() -> String {
    "conda".to_owned()
}

/// Files of one package that do not hold the bytes that were installed. Found by `--verify-files`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlteredPackage {
    /// The package in the words of who installed it.
    pub name: String,
    /// Who recorded the digests: `pip`, `uv`, `conda`, `dpkg`, ...
    pub installed_by: String,
    /// Files with other bytes, sorted.
    pub changed: Fact<Vec<String>>,
    /// Files that are not there, sorted.
    pub missing: Fact<Vec<String>>,
}

/// Something broken in the installation itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The file or directory.
    pub path: String,
    /// What is wrong: `home = /opt/python does not exist`.
    pub reason: Fact<String>,
}
