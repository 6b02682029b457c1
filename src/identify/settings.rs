//! Settings files of a library: they give a variable the value that it has where nobody set it, and names their files.
//!
//! Read where the process is known; here is only how a description says which files, and in which order.

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::{KnowledgeError, Libraries};
use crate::base::TextFile;

/// The settings files of one library.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The variable that beats them: its value, or that of the key `default`, is a file or the name of a section.
    pub variable: String,
    /// Places in the order in which they count; of the alternatives of one place the first file that is there is read.
    /// `own` is the directory of the library, `{NAME}` the value of a variable.
    pub files: Vec<Vec<String>>,
    /// Directories with more sections, `*.conf`; the first that is there is read.
    pub directories: Vec<String>,
    /// Beginning of the names of files that count on one host only.
    pub per_host: Option<String>,
    /// Key of the name that counts, above every section.
    pub default: String,
    /// Key of the file of a section.
    pub library: String,
    soname: Option<Regex>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsText {
    soname: Option<Spanned<String>>,
    variable: String,
    files: Vec<Vec<String>>,
    #[serde(default)]
    directories: Vec<String>,
    per_host: Option<String>,
    default: String,
    library: String,
}

impl Settings {
    pub(super) fn read(file: &TextFile, raw: &SettingsText) -> Result<Self, KnowledgeError> {
        Ok(Self {
            variable: raw.variable.clone(),
            files: raw.files.clone(),
            directories: raw.directories.clone(),
            per_host: raw.per_host.clone(),
            default: raw.default.clone(),
            library: raw.library.clone(),
            soname: raw.soname.as_ref().map(|it| super::compile::pattern(file, it)).transpose()?,
        })
    }
}

impl Libraries {
    /// The settings files of a library with this soname, by the word of its description.
    pub fn settings(&self, word: &str, soname: Option<&[u8]>) -> Option<&Settings> {
        let fits = |it: &Regex| soname.is_some_and(|soname| it.is_match(soname));
        self.get(word)?.settings.iter().find(|it| it.soname.as_ref().is_none_or(fits))
    }
}
