//! What the records of a build say of the libraries that it used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// What a package, or a text beside a library, says about a library that it was built with, against what answers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildClaim {
    /// Import name of the package.
    pub package: String,
    /// `blas`, `lapack`, `mpi`, `hdf5`.
    #[schemars(extend("x-words" = ["blas", "lapack", "mpi", "hdf5"]))]
    pub capability: String,
    /// The record: `numpy/__config__.py`, `mpi4py/mpi.cfg`, `libhdf5.settings`.
    pub file: String,
    /// What it names: `scipy-openblas`, `mkl_rt`, `/opt/openmpi/bin/mpicc`, `parallel`; `none` for a build without.
    pub name: Fact<String>,
    /// The library of that name: a word of `rules/libraries`; `any` for the name of an interface (`blas`); `none`.
    pub library: Fact<String>,
    /// The version that it names, empty when it names none.
    pub version: Fact<String>,
    /// `lp64` or `ilp64`; `unsaid` when it does not say.
    #[schemars(extend("x-words" = ["lp64", "ilp64", "unsaid"]))]
    pub interface: Fact<String>,
    /// Most threads of that library, empty when it does not say.
    pub max_threads: Fact<String>,
    /// What answers in the process: vendor and version, `none`, `not-loaded` when the process does not use it.
    pub linked: Fact<String>,
    /// The record against what answers: `same`, `same-abi` (MPIs that stand in for each other), `other-version`,
    /// `other-interface`, `other-library`, `other-build` (parallel against serial), `unsaid` where the record names none or the
    /// process uses none.
    #[schemars(extend("x-words" = ["same", "same-abi", "other-version", "other-interface", "other-library", "other-build", "unsaid"]))]
    pub agreement: Fact<String>,
}
