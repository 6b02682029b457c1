//! What the loader decides in one process: which file answers which symbols, and what else it could have been.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// Which file answers the symbols of one group for one object.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The extension, or another file, whose opening brought the object in.
    pub extension: String,
    /// Import name of the package of that extension, empty when none.
    pub package: String,
    /// The object that wants the symbols: the extension itself or a library of its tree.
    pub object: String,
    /// Word of `rules/capabilities`: `blas`, `lapack`, `mpi`, `hdf5`, `openmp`.
    pub capability: String,
    /// Symbol group of that capability: `gemm`, `lapack`, `mpi`, `hdf5`, `openmp`, ...
    pub group: String,
    /// The first of the symbols that this file answers, as spelt.
    pub symbol: String,
    /// How many symbols of the group this file answers for the object.
    pub symbols: u32,
    /// The file that answers; null when none does.
    pub provider: Fact<Option<String>>,
    /// Where it was found: in the scope of everybody (`global`), in the tree of the extension (`local`), `none`.
    #[schemars(extend("x-words" = ["global", "local", "none"]))]
    pub scope: Fact<String>,
    /// Why it is in that scope: the extension's tree holds it (`tree`), the interpreter needs it (`executable`), it is
    /// preloaded (`preload`), something opened it for everybody (`opened-global`), `none`.
    #[schemars(extend("x-words" = ["tree", "executable", "preload", "opened-global", "none"]))]
    pub how: Fact<String>,
    /// The object that opened it for everybody, empty when none did.
    pub opened_by: String,
    /// The other file that the extension's own tree holds for it, and that the global scope keeps it from; null when none.
    pub instead_of: Fact<Option<String>>,
}

/// A library whose symbols the global scope answers from another file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Words of `rules/capabilities` that are concerned, sorted: `blas`, `lapack`, `mpi`, `hdf5`, `openmp`.
    pub capabilities: Vec<String>,
    /// The first of the symbols, as spelt.
    pub symbol: String,
    /// The file that answers.
    pub provider: String,
    /// The file that the extensions would use if nothing else were in the global scope.
    pub instead_of: String,
    /// Why the provider is in the global scope: the interpreter needs it (`executable`), it is preloaded (`preload`),
    /// something opened it for everybody (`opened-global`).
    #[schemars(extend("x-words" = ["executable", "preload", "opened-global"]))]
    pub how: Fact<String>,
    /// The object that opened it for everybody, empty when none did.
    pub opened_by: String,
    /// Objects whose symbols are answered so, sorted.
    pub objects: Vec<String>,
    /// Import names of the packages that they were opened for, sorted.
    pub packages: Vec<String>,
    /// Whether both files hold the same bytes, by their build id.
    pub same_build: Fact<bool>,
}

/// A symbol that an object needs and that nothing in its scope defines.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndefinedSymbol {
    /// The object that needs it: an extension or a library of its tree.
    pub object: String,
    /// The extension whose import needs the object.
    pub extension: String,
    /// Import name of the package of that extension, empty when none.
    pub package: String,
    /// Distribution name of that package, what a package manager is asked for; the import name when no record names it.
    pub distribution: String,
    /// The symbol.
    pub symbol: Fact<String>,
    /// Further symbols of the same object that nothing defines, sorted.
    pub also: Vec<String>,
    /// A file that the extension would load by itself, that defines the symbol, and in whose place the process holds
    /// another; null when none does.
    pub defined_by: Fact<Option<String>>,
    /// Whether the import fails because of it: CPython binds every function when it opens an extension.
    pub fails_import: Fact<bool>,
}

/// What another order of the same imports changes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderEffect {
    /// The imports in the order that was asked for.
    pub order: Vec<String>,
    /// The same imports in another order.
    pub other_order: Vec<String>,
    /// What differs: the `file` behind a soname, the `binding` of symbols, a `choice` of a package, an `import` that works
    /// in one of both.
    #[schemars(extend("x-words" = ["file", "binding", "choice", "import"]))]
    pub kind: String,
    /// The soname, the symbol, the package that chooses, or the import.
    pub name: String,
    /// The first object that is concerned; empty where none is.
    pub object: String,
    /// In the order that was asked for: the file, `works`, or the reason why it fails.
    pub here: Fact<String>,
    /// In the other order.
    pub there: Fact<String>,
    /// Whether both are files with the same bytes, by their build id or by the hash in their names.
    pub same_build: Fact<bool>,
}

/// A file that the loader finds first, cannot use, and does not pass over.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FatalHit {
    /// The file.
    pub path: String,
    /// Why it cannot be used.
    pub reason: Fact<String>,
    /// The object whose NEEDED entry leads to it.
    pub needed_by: String,
    /// The extension that cannot be loaded because of it.
    pub extension: String,
    /// Import name of the package of that extension, empty when none.
    pub package: String,
    /// Whether an import of the process fails because of it.
    pub fails_import: Fact<bool>,
    /// The other extensions that end at the same file, sorted.
    pub also: Vec<String>,
}

/// A library that DT_RPATH of the interpreter or of an object above would give, were it not for DT_RUNPATH of the asker.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CutRpath {
    /// The object with DT_RUNPATH that asks.
    pub object: String,
    /// What it asks for.
    pub soname: String,
    /// The object whose DT_RPATH leads to the file.
    pub owner: String,
    /// The file that DT_RPATH leads to.
    pub file: String,
    /// The file that the process uses; null when none is found.
    pub used: Fact<Option<String>>,
    /// Whether both files hold the same bytes, by their build id; false when none is used.
    pub same_build: Fact<bool>,
}

/// A library of which another CPU would get another file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpuVariant {
    /// The soname.
    pub soname: String,
    /// The file that this process uses.
    pub used: String,
    /// The file on the other CPU.
    pub other: String,
    /// That CPU: `x86-64`, `x86-64-v2`, `x86-64-v3`, `x86-64-v4`.
    #[schemars(extend("x-words" = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"]))]
    pub cpu: String,
    /// What it is: `blas`, `mpi`, `openmp`, `hdf5`, `other`.
    #[schemars(extend("x-words" = ["blas", "lapack", "mpi", "openmp", "hdf5", "other"]))]
    pub capability: Fact<String>,
    /// Whether both files hold the same bytes, by their build id.
    pub same_build: Fact<bool>,
}
