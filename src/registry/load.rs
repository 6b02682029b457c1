//! Reads `rules/variables`.

use serde::Deserialize;

use super::{Reader, Variable};
use crate::base::{Glob, KnowledgeError, TextFile, nearest, parse};

/// Every variable that is described.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Globs over names of variables that are recorded in the facts.
    names: Vec<String>,
    /// Names that somebody reads and nobody needs a description of.
    pub(super) known: Vec<String>,
    pub(super) prefixes: Vec<Prefix>,
    variables: Vec<Variable>,
}

/// The beginning of the names of one reader.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// `NAME_`.
    pub name: String,
    /// Whether names with it are described that begin so, and others exist: plugins, parameters, a site's own.
    pub open: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    known: Vec<String>,
    #[serde(default)]
    readers: Vec<Reader>,
    #[serde(default)]
    prefix: Vec<Prefix>,
    #[serde(default)]
    variable: Vec<Variable>,
}

impl Registry {
    /// Reads the descriptions.
    ///
    /// # Errors
    /// What is wrong with a file: file, line, column and the nearest valid word.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut registry = Self::default();
        for file in files {
            let raw: FileText = parse(file)?;
            registry.names.extend(raw.names);
            registry.known.extend(raw.known);
            registry.prefixes.extend(raw.prefix);
            for mut variable in raw.variable {
                if registry.variables.iter().any(|it| it.name == variable.name) {
                    let at = file.text.rfind(&format!("\"{}\"", variable.name)).unwrap_or(0);
                    return Err(KnowledgeError::at(file, at, format!("`{}` is described twice", variable.name)));
                }
                if variable.readers.is_empty() {
                    variable.readers.clone_from(&raw.readers);
                }
                registry.variables.push(variable);
            }
        }
        Ok(registry)
    }

    /// Every description, in the order of the files.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The description of a variable: its own, else the most exact of the globs that match.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        let own = self.variables.iter().find(|it| it.name == name);
        own.or_else(|| {
            let globs = self.variables.iter().filter(|it| it.is_glob());
            globs.filter(|it| Glob::new(&it.name).matches(name.as_bytes())).max_by_key(|it| it.name.len())
        })
    }

    /// Whether a variable is recorded in the facts.
    pub fn records(&self, name: &[u8]) -> bool {
        self.names.iter().any(|it| Glob::new(it).matches(name))
    }

    /// The described variable whose name is nearest, for an `explain` of a name that is none.
    pub fn alike(&self, name: &str) -> Option<String> {
        nearest(name, self.variables.iter().map(|it| it.name.as_str()))
    }
}
