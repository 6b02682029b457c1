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
    /// Who put it there: `pip`, `uv`, `conda`, `dpkg`, `spack`, `easybuild`, `rpm`, `unrecorded`.
    pub installer: Fact<String>,
    /// Everyone who claims to own it, sorted: more than one is trouble.
    pub managers: Fact<Vec<String>>,
    /// Versions that different records claim for it, sorted.
    pub recorded_versions: Fact<Vec<String>>,
    /// Installed as a link to its source.
    pub editable: Fact<bool>,
    /// NumPy C-API that its extensions were compiled against: `1`, `2`, `none` where they use none.
    #[schemars(extend("x-words" = ["1", "2", "none"]))]
    pub numpy_api: Fact<String>,
    /// Major version of the NumPy that the process imports: `1`, `2`, `none`.
    #[schemars(extend("x-words" = ["1", "2", "none"]))]
    pub numpy_major: Fact<String>,
}
