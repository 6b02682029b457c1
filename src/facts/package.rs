//! An installed package.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// One copy of one installed package on `sys.path`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Import name: `sklearn`.
    pub name: String,
    /// Distribution name: `scikit-learn`; empty when no record names it.
    pub distribution: String,
    /// Installed version.
    pub version: Fact<String>,
    /// The directory or file that `import` finds.
    pub location: String,
    /// Kind of `sys.path` entry it lies in: `site`, `user`, `PYTHONPATH`, `base-site`, `pth`, `stdlib`.
    #[schemars(extend("x-words" = ["site", "user", "PYTHONPATH", "base-site", "pth", "stdlib"]))]
    pub origin: String,
    /// Whether `rules/packages` describes it.
    pub audited: bool,
    /// Whether this copy is the one that `import` finds.
    pub active: bool,
    /// The process imports it.
    pub imported: bool,
    /// Other copies on `sys.path`, in order.
    pub copies: Fact<Vec<String>>,
    /// Who put it there: `pip`, `uv`, `conda`, `pixi`, `dpkg`, `rpm`, `spack`, `easybuild`, `nix`, `guix`, `cray`, `intel`,
    /// another installer's word, `unrecorded`.
    pub installer: Fact<String>,
    /// Everyone who claims to own it, sorted: more than one is trouble.
    pub managers: Fact<Vec<String>>,
    /// Versions that different records claim for it, sorted.
    pub recorded_versions: Fact<Vec<String>>,
    /// Installed as a link to its source.
    pub editable: Fact<bool>,
    /// What it was installed from: `index`, `file` (a wheel or archive that was named), `directory` (of sources), `link` (to a
    /// directory of sources), `repository` (of sources), `manager` (what conda, dpkg, Spack and their kind provide),
    /// `unrecorded`.
    #[schemars(extend("x-words" = ["index", "file", "directory", "link", "repository", "manager", "unrecorded"]))]
    pub source: Fact<String>,
    /// The build in the words of who put it there: `nompi_py311h439e445_100` (conda), `%gcc@12.3.0 /abcdefg` (Spack),
    /// `gfbf-2023a` (EasyBuild), the tags of a wheel; empty where no record names one.
    pub build: Fact<String>,
    /// What was chosen for that build: `mpi_openmpi` (conda), `+mpi`, `blas=openblas@0.3.26` (Spack); empty elsewhere.
    pub build_options: Fact<Vec<String>>,
    /// Whether it was built at this site for this kind of machine: a wheel that is tagged `linux_*`, sources, Spack, EasyBuild.
    pub local_build: Fact<bool>,
    /// NumPy C-API that its extensions were compiled against: `1`, `2`, `none` where they use none.
    #[schemars(extend("x-words" = ["1", "2", "none"]))]
    pub numpy_api: Fact<String>,
    /// Major version of the NumPy that the process imports: `1`, `2`, `none`.
    #[schemars(extend("x-words" = ["1", "2", "none"]))]
    pub numpy_major: Fact<String>,
}
