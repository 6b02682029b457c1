//! The one process that performs the imports: what it maps and which library answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Binding, BuildClaim, Capture, CpuVariant, CutRpath, FabricUse, Fact, FatalHit, LibcNeed, Mapped, OrderEffect,
    RuntimeNeed, UndefinedSymbol,
};

/// One interpreter after a set of imports, in one environment, without a launcher.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The imports, in order.
    pub imports: Fact<Vec<String>>,
    /// Imports that cannot work.
    pub import_failures: Fact<Vec<ImportFailure>>,
    /// Which BLAS answers, per package that binds one.
    pub blas: Fact<Vec<BlasUse>>,
    /// Which LAPACK answers, per package that binds one.
    pub lapack: Fact<Vec<BlasUse>>,
    /// Which MPI answers, per package that can use one.
    pub mpi: Fact<Vec<MpiUse>>,
    /// How these reach the network of a machine: one entry for each MPI, under the first package that binds it.
    pub fabrics: Fact<Vec<FabricUse>>,
    /// Which HDF5 answers, per package that binds one.
    pub hdf5: Fact<Vec<Hdf5Use>>,
    /// OpenMP runtimes in the process.
    pub openmp: Fact<Vec<OpenmpRuntime>>,
    /// Every library of the process that a description recognises, in load order.
    pub libraries: Fact<Vec<LoadedLibrary>>,
    /// More than one copy of one kind of library.
    pub duplicates: Duplicates,
    /// mpi4py's MPI against that of h5py: `same`, `same-abi`, `conflict`, `mpi4py-only`, `h5py-only`, `none`.
    #[schemars(extend("x-words" = ["same", "same-abi", "conflict", "mpi4py-only", "h5py-only", "none"]))]
    pub mpi_agreement: Fact<String>,
    /// Sonames that stand for different files, depending on who asks.
    pub shared_sonames: Fact<Vec<SharedSoname>>,
    /// Libraries that `LD_LIBRARY_PATH` replaces.
    pub overrides: Fact<Vec<Override>>,
    /// Objects that the environment preloads.
    pub preloads: Fact<Vec<Preload>>,
    /// Libraries and variants that a package picks at run time.
    pub choices: Fact<Vec<Choice>>,
    /// Which file answers the symbols that matter, for every object that an import brought in.
    pub bindings: Fact<Vec<Binding>>,
    /// Libraries whose symbols the global scope answers from another file.
    pub captures: Fact<Vec<Capture>>,
    /// Symbols that an object needs and that nothing in its scope defines.
    pub undefined_symbols: Fact<Vec<UndefinedSymbol>>,
    /// What another order of the imports changes.
    pub order_effects: Fact<Vec<OrderEffect>>,
    /// Files that the loader finds first, cannot use and does not pass over.
    pub fatal_hits: Fact<Vec<FatalHit>>,
    /// Libraries that an RPATH further up would give, were it not for the RUNPATH of the asker.
    pub cut_rpaths: Fact<Vec<CutRpath>>,
    /// Libraries of which another CPU would get another file.
    pub cpu_variants: Fact<Vec<CpuVariant>>,
    /// What records of builds say of the libraries, against those that answer.
    pub build_claims: Fact<Vec<BuildClaim>>,
    /// Every file that it maps: who put it there, and what it demands of the machine.
    pub mapped: Fact<Vec<Mapped>>,
    /// Highest version of glibc that its files need, those of the operating system left out; null when none needs any.
    pub libc_needed: Fact<Option<String>>,
    /// The same for GLIBCXX, the versions of libstdc++.
    pub libcxx_needed: Fact<Option<String>>,
    /// The versions of glibc that packages need.
    pub libc_needs: Fact<Vec<LibcNeed>>,
    /// What its files need of the runtimes of compilers that the machine gives them; a copy that the environment brings is none.
    pub runtime_needs: Fact<Vec<RuntimeNeed>>,
}

/// An import that cannot work.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportFailure {
    /// The import as asked: `mpi4py.MPI`.
    pub name: String,
    /// Distribution name of its package; the import name when no record names it.
    pub distribution: String,
    /// The file at fault, empty when no file is.
    pub object: String,
    /// `libmpi.so.12 is found nowhere`.
    pub reason: Fact<String>,
    /// `missing-library`, `missing-version` (a symbol version), `broken-file` (`object` is there and
    /// cannot be mapped: truncated, empty, a link to nothing, of another machine), `incompatible` (mapped, but compiled
    /// against another C interface), `undefined-symbol` (nothing in its scope defines it), `no-such-module`, `other`.
    #[schemars(extend("x-words" = [
        "missing-library", "missing-version", "undefined-symbol", "broken-file", "incompatible", "no-such-module", "other"
    ]))]
    pub cause: Fact<String>,
}

/// The BLAS or LAPACK of one package.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlasUse {
    /// Import name of the package.
    pub user: String,
    /// Word of `rules/libraries`: `openblas`, `mkl`, `reference`, ...; `none` when the package brings its own loops.
    pub vendor: Fact<String>,
    /// As the library says.
    pub version: Fact<String>,
    /// `lp64` or `ilp64`: width of its integers.
    #[schemars(extend("x-words" = ["lp64", "ilp64"]))]
    pub interface: Fact<String>,
    /// `lp64` or `ilp64`: width of the integers that the extension passes. `ilp64` when the BLAS names that it leaves
    /// undefined carry a 64-bit suffix (`64_`, `_64`, `_64_`), else `lp64`.
    #[schemars(extend("x-words" = ["lp64", "ilp64"]))]
    pub client_interface: Fact<String>,
    /// `pthreads`, `openmp`, `tbb`, `sequential`.
    #[schemars(extend("x-words" = ["pthreads", "openmp", "tbb", "sequential"]))]
    pub threading: Fact<String>,
    /// The real file that the symbols of the extension bind to: the front, where there is one.
    pub lib: Fact<Option<String>>,
    /// The real file with the kernels.
    pub kernels: Fact<Option<String>>,
    /// The extension that binds it.
    pub extension: String,
    /// What can switch it at run time: variables, an alternatives link; empty when nothing can.
    pub decided_by: Fact<Vec<String>>,
    /// Libraries that it opens at run time and that are found nowhere.
    pub missing_parts: Fact<Vec<String>>,
    /// Known defects of this release, one line each.
    pub defects: Fact<Vec<String>>,
    /// Who put the file there: `pip`, `conda`, `dpkg`, ..., `unrecorded`.
    pub installed_by: Fact<String>,
}

/// The MPI of one package.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MpiUse {
    /// Import name of the package.
    pub user: String,
    /// Word of `rules/libraries`: `openmpi`, `mpich`, `intelmpi`, ...; `none` when none answers.
    pub vendor: Fact<String>,
    /// As the library says.
    pub version: Fact<String>,
    /// `mpich`, `openmpi`, `mpiabi`, `none`.
    #[schemars(extend("x-words" = ["mpich", "openmpi", "mpiabi", "none"]))]
    pub abi: Fact<String>,
    /// The kind of GPU whose memory it is built to take: `cuda`, `rocm`, `level-zero`, `none`.
    #[schemars(extend("x-words" = ["cuda", "rocm", "level-zero", "none"]))]
    pub gpu: Fact<String>,
    /// Its DT_SONAME.
    pub soname: Fact<Option<String>>,
    /// The real file.
    pub lib: Fact<Option<String>>,
    /// The extension or library that binds it.
    pub extension: String,
    /// The package is built with MPI at all.
    pub wanted: Fact<bool>,
    /// Sonames of MPI libraries that were asked for and are found nowhere.
    pub missing: Fact<Vec<String>>,
    /// Against the launcher: `same`, `same-abi`, `conflict`, `no-launcher`, `none` when the package has no MPI.
    #[schemars(extend("x-words" = ["same", "same-abi", "conflict", "no-launcher", "none"]))]
    pub launcher_agreement: Fact<String>,
    /// Against mpi4py: `same`, `same-abi`, `conflict`, `none` when one of the two has no MPI.
    #[schemars(extend("x-words" = ["same", "same-abi", "conflict", "none"]))]
    pub mpi4py_agreement: Fact<String>,
    /// Who put the file there.
    pub installed_by: Fact<String>,
    /// How the loader finds the file: `rpath` (DT_RPATH), `runpath`, `ld_library_path`, `cache`, `default`, `absolute` (its name
    /// has a slash), `dlopen` (opened by path), `preload`, `exec`; `none` where there is no file.
    #[schemars(extend("x-words" = [
        "rpath", "runpath", "ld_library_path", "cache", "default", "absolute", "dlopen", "preload", "exec", "none"
    ]))]
    pub found_by: Fact<String>,
}

/// The HDF5 of one package.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hdf5Use {
    /// Import name of the package.
    pub user: String,
    /// As the library says.
    pub version: Fact<String>,
    /// Whether the library is a parallel build.
    pub parallel: Fact<bool>,
    /// Its DT_SONAME.
    pub soname: Fact<Option<String>>,
    /// The real file; null when none answers.
    pub lib: Fact<Option<String>>,
    /// The extension that binds it.
    pub extension: String,
    /// Whether the package itself was built with MPI support.
    pub client_parallel: Fact<bool>,
    /// The version of the headers it was compiled with; unknown when its bytes do not say.
    pub headers_version: Fact<String>,
    /// Headers against library: `same`, `newer-patch` (same series), `different`.
    #[schemars(extend("x-words" = ["same", "newer-patch", "different"]))]
    pub headers_agreement: Fact<String>,
    /// Word of the MPI behind it, `none` for a serial build.
    pub mpi_vendor: Fact<String>,
    /// The real file of that MPI.
    pub mpi_lib: Fact<Option<String>>,
    /// That MPI against mpi4py's: `same`, `same-abi`, `conflict`, `none` when one of the two has none.
    #[schemars(extend("x-words" = ["same", "same-abi", "conflict", "none"]))]
    pub mpi4py_agreement: Fact<String>,
    /// What the tools beside the library say of it: `parallel`, `serial`, `none` when there are none.
    #[schemars(extend("x-words" = ["parallel", "serial", "none"]))]
    pub tools: Fact<String>,
    /// Who put the file there.
    pub installed_by: Fact<String>,
}

/// An OpenMP runtime in the process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenmpRuntime {
    /// `libgomp`, `libiomp5`, `libomp`.
    pub family: Fact<String>,
    /// The real file.
    pub path: String,
    /// The object that brought it in.
    pub needed_by: String,
    /// Import name of the package that brought it in, empty when none.
    pub package: String,
}

/// A library in the process that a description recognises.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadedLibrary {
    /// The real file.
    pub path: String,
    /// Word of `rules/libraries`.
    pub library: Fact<String>,
    /// As its bytes say; null where they name none.
    pub version: Fact<Option<String>>,
    /// `certain` where marks that were measured on real files hold; `likely` where only names tell, or where nobody
    /// measured a file of it.
    #[schemars(extend("x-words" = ["certain", "likely"]))]
    pub confidence: Fact<String>,
    /// What it answers: words of `rules/capabilities`.
    pub capabilities: Vec<String>,
}

/// More than one copy of one kind of library in the process: their real files, else empty.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicates {
    /// Different BLAS libraries.
    pub blas: Fact<Vec<String>>,
    /// Different HDF5 libraries.
    pub hdf5: Fact<Vec<String>>,
    /// Different MPI libraries.
    pub mpi: Fact<Vec<String>>,
    /// Different OpenMP runtimes.
    pub openmp: Fact<Vec<String>>,
}

/// A soname that stands for different files, depending on who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedSoname {
    /// The soname.
    pub soname: String,
    /// The file that the process uses.
    pub used: String,
    /// The file that a later extension would have found alone.
    pub shadowed: String,
    /// The extension that gets the other file.
    pub object: String,
    /// Whether both files hold the same bytes, by their build id.
    pub same_build: Fact<bool>,
}

/// A library that `LD_LIBRARY_PATH` replaces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The soname.
    pub soname: String,
    /// The file with the variable.
    pub with: String,
    /// The file without it.
    pub without: String,
    /// The object that asks.
    pub object: String,
    /// Whether both files hold the same bytes, by their build id.
    pub same_build: Fact<bool>,
}

/// An object that the environment preloads.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preload {
    /// As written.
    pub entry: String,
    /// `LD_PRELOAD`, `/etc/ld.so.preload`, `LD_AUDIT`.
    #[schemars(extend("x-words" = ["LD_PRELOAD", "/etc/ld.so.preload", "LD_AUDIT"]))]
    pub origin: String,
    /// The file, null when it is found nowhere.
    pub path: Fact<Option<String>>,
    /// What it is: `blas`, `mpi`, `openmp`, `hdf5`, `other`.
    #[schemars(extend("x-words" = ["blas", "mpi", "openmp", "hdf5", "other"]))]
    pub capability: Fact<String>,
}

/// Something that a package picks at run time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Import name of the package.
    pub package: String,
    /// What it chooses: `mpi`, `hdf5`.
    pub capability: String,
    /// Candidates in the order in which they are tried.
    pub candidates: Vec<String>,
    /// What it picks in this environment, null when nothing fits.
    pub picked: Fact<Option<String>>,
    /// The library file that stands for what it picks, null when it picks without opening one.
    pub file: Fact<Option<String>>,
    /// The other library that the loader's own search (`LD_LIBRARY_PATH`, cache, default directories) would have given,
    /// had the package not looked elsewhere first; null when there is none.
    pub shadows: Fact<Option<String>>,
    /// How the loader would have found that one: `ld_library_path`, `cache`, `default`, ...; `none`.
    pub shadows_via: Fact<String>,
    /// What decides: `MPI4PY_MPIABI`, the first library that opens, ...
    pub decided_by: Fact<String>,
}
