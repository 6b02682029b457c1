//! The host that starts an image, held against the image: its launcher starts the ranks of the image's MPI from outside, or
//! its MPI is mounted over that of the image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, Launcher};

/// The host that starts an image, held against that image.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// What was named: a facts file, the prefix of an MPI installation, or the line of the job script that starts the image.
    pub name: String,
    /// What that is: `facts`, `prefix`, `job`.
    #[schemars(extend("x-words" = ["facts", "prefix", "job"]))]
    pub kind: String,
    /// The launcher outside the image.
    pub launcher: Launcher,
    /// What its programs are for: `x86_64`, `aarch64`, `ppc64le`, ...; `unsaid` where a job has no site profile that says it.
    pub architecture: Fact<String>,
    /// What the Python of the image is for.
    pub image_architecture: Fact<String>,
    /// Both against each other: `same`, `other`, `unsaid`.
    #[schemars(extend("x-words" = ["same", "other", "unsaid"]))]
    pub architecture_agreement: Fact<String>,
    /// MPI libraries of the host.
    pub libraries: Fact<Vec<HostLibrary>>,
    /// What these need in turn, the C library left out.
    pub companions: Fact<Vec<Companion>>,
    /// Sonames of companions that lie neither in the image nor in the prefix that is mounted.
    pub missing: Fact<Vec<String>>,
    /// Highest version of glibc that a mounted MPI needs, with what comes along: `2.38`; null when it needs none.
    pub libc_needed: Fact<Option<String>>,
    /// The file of the host that needs it; null when none does.
    pub libc_needed_by: Fact<Option<String>>,
    /// That version against the C library of the image: `enough`, `too-old`, `other-family` (the image has no glibc).
    #[schemars(extend("x-words" = ["enough", "too-old", "other-family"]))]
    pub libc_agreement: Fact<String>,
    /// How far the MPI of the host is wanted in the image: `mounted` (the launch line does it), `needed` (without it no rank
    /// finds another), `possible` (the image's own MPI does), `none` (nothing in the image uses MPI).
    #[schemars(extend("x-words" = ["mounted", "needed", "possible", "none"]))]
    pub mount: Fact<String>,
    /// Whether the launch line mounts something of which the loader of the image may take libraries first: a directory of
    /// `LD_LIBRARY_PATH` inside, or one over files that the process maps. What lies there no line tells, so it is unknown then.
    pub mounts_libraries: Fact<bool>,
    /// Each user of MPI in the image against the host.
    pub fits: Fact<Vec<HostFit>>,
}

/// An MPI library of the host.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostLibrary {
    /// The real file, on the host.
    pub path: String,
    /// Its DT_SONAME.
    pub soname: Fact<Option<String>>,
    /// Word of `rules/libraries`.
    pub vendor: Fact<String>,
    /// As the library says.
    pub version: Fact<String>,
    /// `mpich`, `openmpi`, `mpiabi`.
    #[schemars(extend("x-words" = ["mpich", "openmpi", "mpiabi"]))]
    pub abi: Fact<String>,
}

/// A library that an MPI library of the host needs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// The name by which it is asked for.
    pub soname: String,
    /// The real file on the host; null where the host has none either.
    pub file: Option<String>,
    /// The file that needs it first.
    pub needed_by: String,
    /// Where a process in the image gets it: `along` (it lies in the prefix that is mounted), `image`, `missing`.
    #[schemars(extend("x-words" = ["along", "image", "missing"]))]
    pub place: Fact<String>,
    /// Highest version of glibc that the host's file needs; null when it needs none.
    pub glibc: Fact<Option<String>>,
}

/// One user of MPI in the image against the host.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostFit {
    /// Import name of the package in the image.
    pub user: String,
    /// Its MPI: word of `rules/libraries`, `none` where the image has none for it.
    pub vendor: Fact<String>,
    /// Its version.
    pub version: Fact<String>,
    /// Its real file in the image; null where there is none.
    pub lib: Fact<Option<String>>,
    /// The sonames by which the package asks for an MPI.
    pub sonames: Fact<Vec<String>>,
    /// The launcher of the host against the MPI in the image: `same`, `same-abi`, `conflict`, `other-release` (the same MPI, in
    /// releases that do not start each other's ranks), `any` (it starts ranks of any MPI: process management decides),
    /// `no-launcher` (the ranks are not started from outside), `none` (no MPI in the image).
    #[schemars(extend("x-words" = ["same", "same-abi", "conflict", "other-release", "any", "no-launcher", "none"]))]
    pub launcher_agreement: Fact<String>,
    /// Whether the MPI in the image speaks a process management that the launcher offers: `yes`, `no`, `none` (nothing to
    /// choose: its launcher speaks to its own library, or a job says which).
    #[schemars(extend("x-words" = ["yes", "no", "none"]))]
    pub pmi_fits: Fact<String>,
    /// The MPI library of the host that would answer; null where it has none of these sonames.
    pub offered: Fact<Option<String>>,
    /// What that is: `openmpi 5.0.7`; empty where there is none.
    pub offered_as: Fact<String>,
    /// Whether a program that was compiled for the image's MPI runs with that of the host: `same` (the same MPI), `same-abi`,
    /// `other-abi`, `none` (the host has no MPI, or the package asks for none).
    #[schemars(extend("x-words" = ["same", "same-abi", "other-abi", "none"]))]
    pub library_agreement: Fact<String>,
    /// What finds the image's own MPI before `LD_LIBRARY_PATH` can find that of the host: `DT_RPATH of FILE`, `opened by path`;
    /// null when nothing does.
    pub found_first: Fact<Option<String>>,
    /// As [`Host::mount`], for this user.
    #[schemars(extend("x-words" = ["mounted", "needed", "possible", "none"]))]
    pub mount: Fact<String>,
}
