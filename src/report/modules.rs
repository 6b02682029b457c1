//! Modules that a process executes, in order: `loads --modules`.

use serde::Serialize;

use super::counts::plural;
use super::json::document;
use super::layout::{Paper, Tone};
use super::loads::{FailedImport, gaps};
use super::places::Names;
use super::{Asked, Look};
use crate::facts::Gap;

/// What the interpreter executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModulesReport {
    /// Always `pyhpc-modules/1`.
    pub schema: &'static str,
    /// In the order in which they begin to run.
    pub modules: Vec<ExecutedModule>,
    /// What could not be read or followed.
    pub gaps: Vec<Gap>,
    /// Imports that cannot work.
    #[serde(skip)]
    pub failures: Vec<FailedImport>,
    /// What was asked.
    #[serde(skip)]
    pub asked: Asked,
}

impl ModulesReport {
    /// The `schema` of this report.
    pub const SCHEMA: &'static str = "pyhpc-modules/1";

    /// As JSON.
    pub fn json(&self) -> String {
        document(self)
    }

    /// File, importer and condition; a source that is a module of the process goes by its name.
    fn described(&self, it: &ExecutedModule, names: &Names) -> String {
        let named = |path: &str| {
            let module = self.modules.iter().find(|it| it.file.as_deref() == Some(path));
            module.map_or_else(|| names.short(path), |it| it.module.clone())
        };
        let mut words = Vec::new();
        words.extend(it.file.as_ref().map(|it| names.short(it)));
        words.extend(it.imported_by.as_ref().map(|it| match it.line {
            0 => format!("by {}", named(&it.path)),
            line => format!("by {} line {line}", named(&it.path)),
        }));
        let condition = it.condition.as_ref();
        words.extend(condition.map(|it| format!("on `{}` in {} line {}", it.what, named(&it.path), it.line)));
        words.join(", ")
    }

    /// For people: the certain ones in order, then what depends on something unknown.
    pub fn text(&self, look: &Look) -> String {
        let names = self.asked.names();
        let mut body = Paper::new(look);
        let certain = self.modules.iter().filter(|it| it.condition.is_none());
        let extensions = certain.clone().filter(|it| it.extension).count();
        let summary = format!(
            "{}, {} of them compiled",
            plural(certain.clone().count(), "module"),
            if extensions == 0 { "none".to_owned() } else { extensions.to_string() }
        );
        for (number, it) in certain.enumerate() {
            body.numbered(&format!("{:>4}", number + 1), &it.module, &self.described(it, &names));
        }
        let open: Vec<&ExecutedModule> = self.modules.iter().filter(|it| it.condition.is_some()).collect();
        if !open.is_empty() {
            body.blank();
            body.put(0, 2, &[(Tone::Warning, "may run too, where the condition holds")]);
            for it in open {
                body.numbered("   ?", &it.module, &self.described(it, &names));
            }
        }
        for it in &self.failures {
            let title = format!("import {} fails: ", it.import);
            body.blank();
            body.put(0, 4, &[(Tone::Error, &title), (Tone::Plain, &names.short_inside(&it.reason))]);
        }
        gaps(&self.gaps, &names, &mut body);
        let body = body.into_text();

        let mut paper = Paper::new(look);
        paper.put(0, 2, &[(Tone::Strong, &self.asked.target), (Tone::Strong, ": "), (Tone::Plain, &summary)]);
        let assignments = names.assignments(&body);
        if !assignments.is_empty() {
            paper.labelled("where", &assignments.join("; "));
        }
        paper.blank();
        paper.ready(&body);
        paper.into_text()
    }
}

/// One module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutedModule {
    /// Its name, with dots.
    pub module: String,
    /// The file that is opened; null for a namespace package and what is linked in.
    pub file: Option<String>,
    /// Whether it is an extension.
    pub extension: bool,
    /// The statement that imports it.
    pub imported_by: Option<SourceLine>,
    /// The condition on which it depends; null when it is certain.
    pub condition: Option<Undecided>,
}

/// A line of a source; 0 stands for compiled code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// The source.
    pub path: String,
    /// From 1.
    pub line: u32,
}

/// A statement that cannot be decided from bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undecided {
    /// `if`, `for`, `and`, ...
    pub what: String,
    /// Where.
    pub path: String,
    /// From 1.
    pub line: u32,
}
