//! Everything that `rules/` knows about libraries, packages and launchers.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::build_records::BuildRecord;
use super::fabric_of_site::Fabric;
use super::runtimes::Runtime;
use crate::base::{TextFile, builtin_files};
use crate::identify::{AbiGroups, Capabilities, ExtensionImports, KnowledgeError, Launchers, Libraries, Packages};
use crate::registry::Registry;

/// What to look for and how to recognise it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// `rules/libraries`.
    pub libraries: Libraries,
    /// `rules/capabilities`.
    pub capabilities: Capabilities,
    /// `rules/packages`.
    pub packages: Packages,
    /// `rules/launchers`.
    pub launchers: Launchers,
    /// `rules/abi`.
    pub abi_groups: AbiGroups,
    /// Which variables the facts record: `rules/variables/names.toml`. The others are read for a job only.
    pub variables: Registry,
    /// `rules/tools`.
    pub tools: Vec<Tools>,
    /// `rules/records`.
    pub records: Vec<BuildRecord>,
    /// `rules/runtimes`.
    pub runtimes: Vec<Runtime>,
    /// `rules/fabrics`, by the word of the site profile.
    pub fabrics: BTreeMap<String, Fabric>,
    /// `rules/python/extensions.toml`.
    pub extension_imports: ExtensionImports,
}

/// Text that an installation of a library carries about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// The capability of the library.
    pub capability: String,
    /// Globs over names of settings files beside the library.
    pub settings: Vec<String>,
    /// A line of the settings of a parallel build.
    #[serde(deserialize_with = "pattern")]
    pub parallel: Regex,
    /// A line of the settings of a serial build.
    #[serde(deserialize_with = "pattern")]
    pub serial: Regex,
    /// Group `name` is the compiler that the text of a wrapper calls.
    #[serde(deserialize_with = "pattern")]
    pub compiler: Regex,
    /// Over that name: the compiler of a parallel build.
    #[serde(deserialize_with = "pattern")]
    pub parallel_compiler: Regex,
    /// Compiler wrappers of a parallel build.
    pub parallel_programs: Vec<String>,
    /// Compiler wrappers of a serial build.
    pub serial_programs: Vec<String>,
}

pub(super) fn pattern<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

impl Knowledge {
    /// What travels in the binary, with the files of a site after it: a file of the same name replaces.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(site: &SiteFiles) -> Result<Self, KnowledgeError> {
        let capabilities = Capabilities::load(&joined("capabilities", &[]))?;
        let tools = builtin_files("tools").iter().map(crate::identify::parse).collect::<Result<_, _>>()?;
        let records = builtin_files("records").iter().map(crate::identify::parse).collect::<Result<_, _>>()?;
        let runtimes = builtin_files("runtimes").iter().map(crate::identify::parse).collect::<Result<_, _>>()?;
        let fabric = |it: &TextFile| Ok((it.stem.clone(), crate::identify::parse(it)?));
        let fabrics = builtin_files("fabrics").iter().map(fabric).collect::<Result<_, KnowledgeError>>()?;
        let mut extension_imports = ExtensionImports::default();
        for file in builtin_files("python").iter().filter(|it| it.stem == "extensions") {
            let more: ExtensionImports = crate::identify::parse(file)?;
            extension_imports.extension.extend(more.extension);
        }
        let recorded: Vec<TextFile> = builtin_files("variables").into_iter().filter(|it| it.stem == "names").collect();
        Ok(Self {
            tools,
            records,
            runtimes,
            fabrics,
            extension_imports,
            libraries: Libraries::load(&joined("libraries", &site.libraries), &capabilities)?,
            packages: Packages::load(&joined("packages", &site.packages))?,
            launchers: Launchers::load(&joined("launchers", &site.launchers))?,
            abi_groups: AbiGroups::load(&builtin_files("abi"))?,
            capabilities,
            variables: Registry::load(&recorded)?,
        })
    }
}

/// Descriptions that a site adds.
#[derive(Debug, Clone, Default)]
pub struct SiteFiles {
    /// `DIR/libraries/*.toml`.
    pub libraries: Vec<TextFile>,
    /// `DIR/packages/*.toml`.
    pub packages: Vec<TextFile>,
    /// `DIR/launchers/*.toml`.
    pub launchers: Vec<TextFile>,
}

fn joined(folder: &str, more: &[TextFile]) -> Vec<TextFile> {
    let mut files = builtin_files(folder);
    files.extend_from_slice(more);
    files
}
