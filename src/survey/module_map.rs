//! What one process imports, for `loads --modules`: modules in the order in which they begin to run.

use super::knowledge::Knowledge;
use super::load_map::{Landmarks, with_first};
use super::{Question, performed};
use crate::base::{Gap, TreePath};
use crate::discover::DiscoverError;
use crate::trace::{Condition, Step};
use crate::tree::View;

/// Modules of one process.
#[derive(Debug, Clone, Default)]
pub struct ModuleMap {
    /// In the order in which they begin to run, what the interpreter imports before a program first.
    pub steps: Vec<ModuleStep>,
    /// Imports that cannot work, with the reason.
    pub failures: Vec<(String, String)>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// Where things lie.
    pub landmarks: Landmarks,
}

/// A module that is executed.
#[derive(Debug, Clone)]
pub struct ModuleStep {
    /// Its name, with dots.
    pub module: String,
    /// The file that is opened.
    pub file: Option<String>,
    /// Whether it is an extension.
    pub is_extension: bool,
    /// The statement that imports it; line 0 stands for compiled code.
    pub importer: Option<(String, u32)>,
    /// The statement that decides whether it is executed at all: its word, file and line.
    pub condition: Option<(String, String, u32)>,
}

impl From<&Step> for ModuleStep {
    fn from(it: &Step) -> Self {
        let condition = |it: &Condition| (it.what.clone(), it.place.path.text(), it.place.line);
        Self {
            module: it.module.to_string(),
            file: it.file.as_ref().map(TreePath::text),
            is_extension: it.is_extension,
            importer: it.importer.as_ref().map(|it| (it.path.text(), it.line)),
            condition: it.condition.as_ref().map(condition),
        }
    }
}

/// What one process imports.
///
/// # Errors
/// When there is nothing to look at.
pub fn module_map(view: &View, know: &Knowledge, question: &Question) -> Result<ModuleMap, DiscoverError> {
    with_first(view, know, question, |world| {
        let session = performed(world);
        let steps = session.trace.as_ref().map(|it| it.trace().steps.iter().map(ModuleStep::from).collect());
        ModuleMap {
            steps: steps.unwrap_or_default(),
            failures: session.failures.iter().map(|it| (it.import.clone(), it.reason.clone())).collect(),
            gaps: session.gaps.clone(),
            landmarks: world.landmarks(),
        }
    })
}
