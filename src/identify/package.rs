//! What to look at in a Python package: which extensions an import loads, which capability they bind, what the package
//! chooses at run time. Knowledge of single packages stands in `rules/packages`, never here.

use regex::bytes::Regex;
use serde::Deserialize;

use super::KnowledgeError;
use crate::base::{Glob, TextFile, compare_versions};

/// One package description.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRule {
    /// Name for people.
    pub title: String,
    /// Import name.
    pub import: String,
    /// Distribution name as package managers write it.
    pub distribution: String,
    /// Place in the default import order; described packages without one come last, by name.
    #[serde(default = "last")]
    pub order: u32,
    /// What the default process imports of it.
    pub default_imports: Vec<String>,
    /// Packages that its import imports first.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Extensions that an import loads, in order.
    #[serde(default)]
    pub loads: Vec<Loads>,
    /// Which extensions bind which capability.
    #[serde(default)]
    pub binds: Vec<Binds>,
    /// What it chooses at run time.
    #[serde(default)]
    pub choice: Vec<Choice>,
    /// Libraries that it opens once more for everybody.
    #[serde(default)]
    pub reopens: Vec<Reopens>,
    /// The C interface that other packages are compiled against.
    #[serde(default)]
    pub c_interface: Option<CInterface>,
    /// Capabilities that its distribution wheels bring along, shown by `explain`.
    #[serde(default)]
    pub seen: Vec<SeenLayout>,
}

fn last() -> u32 {
    u32::MAX
}

/// What compiled modules import while they are initialised: no source shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionImports {
    /// One entry per group of extensions that import alike.
    #[serde(default)]
    pub extension: Vec<ExtensionImport>,
}

impl ExtensionImports {
    /// Modules that an extension imports, in order, under a Python of that version; `holds` tells which texts it holds,
    /// `is_extension` which modules of the installation are compiled.
    pub fn of(
        &self,
        module: &str,
        python: &str,
        holds: impl Fn(&str) -> bool,
        is_extension: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let fits = |it: &&ExtensionImport| {
            matches_any(&it.extensions, module.as_bytes())
                && it.before_python.as_ref().is_none_or(|it| compare_versions(python, it).is_lt())
                && it.with_extension.as_ref().is_none_or(|it| is_extension(it))
                && it.mentions.iter().all(|it| holds(it))
        };
        self.extension.iter().filter(fits).flat_map(|it| it.imports.iter().cloned()).collect()
    }

    /// Texts that decide what an extension imports.
    pub fn mentions_of<'s>(&'s self, module: &'s str) -> impl Iterator<Item = &'s str> {
        let fits = |it: &&ExtensionImport| matches_any(&it.extensions, module.as_bytes());
        self.extension.iter().filter(fits).flat_map(|it| it.mentions.iter().map(String::as_str))
    }
}

/// Extensions that import alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionImport {
    /// Globs over names of extension modules: `numpy.random.mtrand`.
    pub extensions: Vec<String>,
    /// Texts that they hold.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// What they import, in order; what is not there is passed over.
    pub imports: Vec<String>,
    /// Only under a Python before this version.
    #[serde(default)]
    pub before_python: Option<String>,
    /// Only where this module is compiled: what another version of another package has.
    #[serde(default)]
    pub with_extension: Option<String>,
    /// Source of the fact.
    pub source: String,
}

/// How the C interface that an extension was compiled against is told from its bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CInterface {
    /// Major versions of the package that refuse extensions compiled against the old interface.
    pub since_major: Vec<String>,
    /// What an extension carries that was compiled against the new one.
    #[serde(deserialize_with = "pattern")]
    pub new: Regex,
    /// What an extension carries that was compiled against the old one.
    #[serde(deserialize_with = "pattern")]
    pub old: Regex,
}

fn pattern<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

/// Extensions that an import loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loads {
    /// The import: `scipy.linalg`. It holds for imports below it that no other entry describes.
    pub import: String,
    /// Globs relative to the directory that holds the package, in load order; without one of these the import fails.
    pub extensions: Vec<String>,
    /// Globs of extensions that are loaded too where they can be: their failure does not fail the import.
    #[serde(default)]
    pub also: Vec<String>,
}

/// Extensions that bind a capability.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binds {
    /// `blas`, `lapack`, `mpi`, `hdf5`.
    pub capability: String,
    /// Globs relative to the directory that holds the package.
    pub extensions: Vec<String>,
    /// Whether a library between the extension and the capability counts: netCDF4 reaches HDF5 through libnetcdf.
    #[serde(default)]
    pub through_libraries: bool,
    /// Symbols of which the extension wants one when the package is built with the capability. Empty: it always is.
    #[serde(default)]
    pub wanted_if_undefined: Vec<String>,
    /// What it means that an extension binds nothing: the value of `vendor`.
    #[serde(default = "none")]
    pub otherwise: String,
}

fn none() -> String {
    "none".to_owned()
}

/// A variant that the package picks at run time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The import that makes the choice.
    pub import: String,
    /// What it chooses: `mpi`, `hdf5`.
    pub capability: String,
    /// Extensions of one variant: globs with `{variant}`.
    pub extensions: Vec<String>,
    /// The variants that can be there.
    pub variants: Vec<String>,
    /// How it picks, in order: the first that gives a variant counts.
    pub pick: Vec<Pick>,
    /// Variant that is taken when the picked one cannot be loaded.
    #[serde(default)]
    pub falls_back_to: Option<String>,
}

/// One way to pick.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// This variable names the variant; its letters are lowered, blanks, `-` and `_` removed.
    #[serde(default)]
    pub named_by: Option<String>,
    /// Other names for variants that the variable may hold.
    #[serde(default)]
    pub aliases: std::collections::BTreeMap<String, String>,
    /// The variant when one of these variables is set.
    #[serde(default)]
    pub any_set: Vec<String>,
    /// The variant that this way picks.
    #[serde(default)]
    pub variant: Option<String>,
    /// Opens a library and looks at it.
    #[serde(default)]
    pub open: Option<OpenLibrary>,
}

/// A search for a library that the package performs itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenLibrary {
    /// A symbol that the library must define; a library in the global scope that defines it wins over all.
    pub must_define: String,
    /// Modules that it imports for that.
    #[serde(default)]
    pub imports: Vec<String>,
    /// A variable that holds a list of paths or directories and replaces `directories`.
    #[serde(default)]
    pub paths_variable: Option<String>,
    /// Directories tried first: `{venv}`, `{user_base}`, `{base_prefix}` stand for prefixes.
    pub directories: Vec<String>,
    /// Directories that are never tried.
    #[serde(default)]
    pub except: Vec<String>,
    /// Names tried in each directory and then, bare, by the loader's own search.
    pub names: Vec<String>,
    /// Standard-library extension whose search tags count for a bare name.
    pub caller: String,
    /// Which variant the opened library stands for: the first that fits.
    pub stands_for: Vec<StandsFor>,
}

/// A variant and how its library is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandsFor {
    /// The variant.
    pub variant: String,
    /// A symbol that the library defines.
    #[serde(default)]
    pub defines: Option<String>,
    /// Glob over its soname.
    #[serde(default)]
    pub soname: Option<String>,
}

/// A library of the process that the package opens once more, visible for everybody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reopens {
    /// Glob over the soname.
    pub soname: String,
    /// Only when the extension wants this symbol.
    pub when_wanted: String,
    /// Source of the fact.
    pub source: String,
}

/// Where a layout was seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenLayout {
    /// `numpy 2.4.6, wheel manylinux_2_27_x86_64`.
    pub place: String,
    /// Extensions of it that `loads` or `binds` must match.
    pub extensions: Vec<String>,
}

/// All package descriptions.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    rules: Vec<PackageRule>,
}

impl Packages {
    /// Reads descriptions; a later file with the same stem replaces an earlier one.
    ///
    /// # Errors
    /// File, line and column of what is wrong.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut named: Vec<(String, PackageRule)> = Vec::new();
        for file in files {
            let rule: PackageRule = super::parse(file)?;
            named.retain(|(stem, _)| *stem != file.stem);
            named.push((file.stem.clone(), rule));
        }
        let mut rules: Vec<PackageRule> = named.into_iter().map(|(_, rule)| rule).collect();
        rules.sort_by(|a, b| (a.order, &a.import).cmp(&(b.order, &b.import)));
        Ok(Self { rules })
    }

    /// Every description, in default import order.
    pub fn iter(&self) -> impl Iterator<Item = &PackageRule> {
        self.rules.iter()
    }

    /// The description of the package that an import belongs to.
    pub fn of_import(&self, import: &str) -> Option<&PackageRule> {
        let top = import.split('.').next().unwrap_or(import);
        self.rules.iter().find(|it| it.import == top)
    }
}

impl PackageRule {
    /// What an import loads: the entry with the longest matching name.
    pub fn loads_of(&self, import: &str) -> Option<&Loads> {
        let fits =
            |it: &&Loads| import == it.import || import.strip_prefix(&it.import).is_some_and(|r| r.starts_with('.'));
        self.loads.iter().filter(fits).max_by_key(|it| it.import.len())
    }
}

/// Whether `path`, relative to the directory that holds the package, matches one of `globs`.
pub fn matches_any(globs: &[String], path: &[u8]) -> bool {
    globs.iter().any(|it| Glob::new(it).matches(path))
}
