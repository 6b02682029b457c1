//! What the process maps: who put each file there, and what it demands of the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// One file that the process maps.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// The real file.
    pub path: String,
    /// `extension`, `library`, `executable`.
    #[schemars(extend("x-words" = ["extension", "library", "executable"]))]
    pub role: String,
    /// Import name of the package that it lies in, empty when it lies in none.
    pub package: String,
    /// Who put it there: `pip`, `uv`, `conda`, `pixi`, `dpkg`, `rpm`, `spack`, `easybuild`, `nix`, `guix`, `cray`, `intel`,
    /// another installer's word, `unrecorded`.
    pub installed_by: Fact<String>,
    /// Its package in the words of who put it there: `libopenblas0-pthread`, `scipy`; empty where no record names one, or where
    /// finding it would take a search through all lists of dpkg (`why` does that).
    pub owner: Fact<String>,
    /// Version of that package: `0.3.21+ds-4`; empty where no record names one.
    pub owner_version: Fact<String>,
    /// Build of that package: `nompi_py311h439e445_100`, `%gcc@12.3.0 /abcdefg`, `gfbf-2023a`, the tags of a wheel; empty
    /// where no record names one.
    pub owner_build: Fact<String>,
    /// What was chosen for that build: `mpi_openmpi` (conda), `+mpi`, `blas=openblas@0.3.26` (Spack); empty elsewhere.
    pub owner_options: Fact<Vec<String>>,
    /// The channel of a conda package, Anaconda's own as `defaults`; empty elsewhere and where the record does not name it.
    pub owner_channel: Fact<String>,
    /// Whether it is a copy that a wheel brought along.
    pub bundled: Fact<bool>,
    /// Where the builder of the wheel had that copy from: `pkg:rpm/almalinux/libgfortran@8.5.0-28.el8_10`; empty where the
    /// wheel does not say.
    pub bundled_from: Fact<String>,
    /// Whether it lies where only the operating system puts files (`/usr`, `/lib`): another system has its own.
    pub of_the_system: bool,
    /// Highest version of glibc that it needs: `2.17`; null when it needs none.
    pub glibc: Fact<Option<String>>,
    /// Highest version of GLIBCXX (libstdc++) that it needs: `3.4.22`; null when it needs none.
    pub glibcxx: Fact<Option<String>>,
    /// The x86-64 level that its property note demands: `x86-64`, `x86-64-v2`, ...; `unsaid` without one.
    #[schemars(extend("x-words" = ["unsaid", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"]))]
    pub isa: Fact<String>,
    /// Against the CPU of the process: `enough`, `too-old`, `unsaid` where it demands nothing.
    #[schemars(extend("x-words" = ["enough", "too-old", "unsaid"]))]
    pub isa_agreement: Fact<String>,
    /// What it needs, in order.
    pub needs: Fact<Vec<Answered>>,
}

/// A NEEDED entry and what answers it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The entry.
    pub soname: String,
    /// The real file; null where nothing answers.
    pub file: Option<String>,
}

/// A version of glibc that files of one package need.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LibcNeed {
    /// Distribution name of the package; of files in no package, the package in the words of who installed them, or
    /// `the Python in PREFIX`, `the operating system`, or the file.
    pub name: String,
    /// Distribution name of the package, what pip is asked for; empty of files in no package.
    pub distribution: String,
    /// The file that needs the highest version; the first by path of several.
    pub object: String,
    /// That version: `2.34`.
    pub version: Fact<String>,
    /// A symbol of that version that it needs: `pthread_create@GLIBC_2.34`; empty where none names it.
    pub symbol: Fact<String>,
    /// The other files of the package that need more than was asked about, sorted; empty where nothing was asked.
    pub also: Vec<String>,
    /// Whether it is the operating system's, which another system has of its own.
    pub of_the_system: bool,
    /// Against the glibc that was asked about: `enough`, `too-old`, `not-asked`.
    #[schemars(extend("x-words" = ["enough", "too-old", "not-asked"]))]
    pub agreement: Fact<String>,
}

/// A version of a compiler's runtime that the machine must have.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimeNeed {
    /// What people call the runtime, by `rules/runtimes`.
    pub title: String,
    /// The file that needs the highest version; the first that is loaded of several.
    pub object: String,
    /// That version: `GLIBCXX_3.4.22`.
    pub version: Fact<String>,
    /// The compiler that brought it: `GCC 6.1`; empty where the table of `rules/runtimes` does not say.
    pub release: Fact<String>,
    /// Systems with the glibc that was asked about: `RHEL 8 has GLIBCXX_3.4.25`; empty where none is known.
    pub systems: Fact<Vec<String>>,
}
