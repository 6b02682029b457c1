//! Objects (one ELF file each) and what the loader does not find for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// One extension module or library that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Path, links in its directory resolved.
    pub path: String,
    /// Import name of the package it belongs to, empty when none does.
    pub package: String,
    /// Distribution name of that package, what a package manager is asked for; the import name when no record names it.
    pub distribution: String,
    /// `extension`, `library`, `executable`.
    #[schemars(extend("x-words" = ["extension", "library", "executable"]))]
    pub role: String,
    /// `ok`, `truncated`, `empty`, `not-elf`, `dangling-symlink`, `foreign-machine`, `unreadable`, `malformed`.
    #[schemars(extend("x-words" = ["ok", "truncated", "empty", "not-elf", "dangling-symlink", "foreign-machine", "unreadable", "malformed"]))]
    pub state: Fact<String>,
    /// `x86_64`, `aarch64`, ... of the file.
    pub machine: Fact<String>,
    /// Machine of the interpreter.
    pub python_machine: Fact<String>,
    /// ABI tag in the file name: `cpython-311-x86_64-linux-gnu`, `abi3`, `none`.
    pub abi_tag: Fact<String>,
    /// Whether this interpreter would load a file with that tag.
    pub abi_matches: Fact<bool>,
    /// Whether the interpreter finds another file with a tag of its own for the same module.
    pub has_matching_sibling: Fact<bool>,
    /// Whether the process maps it.
    pub in_process: Fact<bool>,
    /// Whether users other than owner and group can read it.
    pub readable_by_others: Fact<bool>,
    /// Marks of an instrumented build that it carries: `needs libasan.so.8`; empty when none.
    pub debug_marks: Fact<Vec<String>>,
    /// Whether it asks for an executable stack: `wanted` in words, `unsaid` (on x86 that means the same), `no`.
    #[schemars(extend("x-words" = ["wanted", "unsaid", "no"]))]
    pub executable_stack: Fact<String>,
}

/// A library that the loader does not find for one extension alone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The extension that was asked about.
    pub object: String,
    /// Import name of its package, empty when none.
    pub package: String,
    /// Distribution name of that package, what a package manager is asked for; the import name when no record names it.
    pub distribution: String,
    /// The object whose NEEDED entry it is: the extension or one of its libraries.
    pub needed_by: String,
    /// The NEEDED entry.
    pub soname: String,
    /// `missing`.
    pub state: Fact<String>,
    /// Whether a library of that soname is already in the process when the extension is imported: then it works.
    pub masked: Fact<bool>,
    /// Whether the process imports the extension.
    pub in_process: Fact<bool>,
    /// Whether it is a library that only some machines have (GPU driver), by `rules/libraries`.
    pub machine_dependent: Fact<bool>,
    /// Whether it is one of several variants of the module, of which the package picks one at run time.
    pub variant: Fact<bool>,
    /// Directories tried, in order.
    pub searched: Vec<String>,
    /// Files of that name that lie in the environment and are not on the search path.
    pub located: Fact<Vec<String>>,
    /// Whether an import of the process fails because this soname is found nowhere: `process.import_failures` names it.
    pub fails_import: Fact<bool>,
    /// Whether it is the first, by the path of the extension, of the needs of its package for this soname; one speaks for all.
    pub first: bool,
    /// The other extensions of the same package that miss the same soname, sorted.
    pub also: Vec<String>,
}

/// A symbol version that an object needs and the chosen library does not define.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingVersion {
    /// The object that needs it.
    pub object: String,
    /// Import name of its package, empty when none.
    pub package: String,
    /// Distribution name of that package, what a package manager is asked for; the import name when no record names it.
    pub distribution: String,
    /// The library that was chosen: its real file.
    pub library: String,
    /// `GLIBCXX_3.4.29`.
    pub version: Fact<String>,
    /// The highest version of the same family that the library defines: `GLIBCXX_3.4.25`, `none`.
    pub highest: Fact<String>,
    /// How the library was found: `rpath`, `ld_library_path`, `runpath`, `cache`, `default`, ...
    pub via: Fact<String>,
    /// Whether it is the first, by the path of the object, that misses this version of this library; one speaks for all.
    pub first: bool,
    /// The other objects that miss the same version of the same library, sorted.
    pub also: Vec<String>,
}
