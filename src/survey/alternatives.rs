//! What an import may load on a condition that cannot be decided from bytes, and what each of it would bring in: extensions
//! behind a statement, kernels that a library picks by the CPU.
//!
//! Invariant: nothing of an alternative is in the process of the session; each is tried in a copy of its own.

use std::collections::BTreeSet;

use super::session::Session;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::loader::{Binding, Request, Visibility};
use crate::trace::Condition;

/// What decides where no statement does.
const CPU: &str = "CPU";

/// Alternatives that are tried: a program with more of them decides at run time what it is.
const TRIED: usize = 200;

/// Something that may be loaded.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The module of an extension, the file name of a library.
    pub module: String,
    /// The word of the statement that decides: `if`; or `CPU`.
    pub what: String,
    /// Its file and line; of a library line 0.
    pub place: (String, u32),
    /// What it would bring in, itself included, in load order; nothing when it cannot be loaded.
    pub objects: Vec<TreePath>,
}

impl Session<'_> {
    /// What the imports so far may have loaded besides what they did.
    pub(super) fn alternatives(&self) -> Vec<Alternative> {
        let Some(state) = &self.trace else { return Vec::new() };
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for step in state.trace().steps.iter().filter(|it| it.is_extension) {
            let (Some(condition), Some(extension)) = (&step.condition, &step.file) else { continue };
            let is_there = self.process.objects.iter().any(|it| it.name == extension.as_bytes());
            if is_there || out.len() == TRIED || !seen.insert(extension.clone()) {
                continue;
            }
            let objects = self.tried(extension.as_bytes());
            let module = step.module.to_string();
            let Condition { place, what } = condition.clone();
            let place = (place.path.text(), place.line);
            out.push(Alternative { module, what, place, objects });
        }
        out.extend(self.kernels());
        out
    }

    /// What libraries pick by the CPU.
    fn kernels(&self) -> Vec<Alternative> {
        let mut out = Vec::new();
        for (by, opening) in &self.by_cpu {
            let Some(owner) = self.process.objects.get(*by).map(|it| it.real().clone()) else { continue };
            let directory = owner.parent().unwrap_or_else(TreePath::root);
            for name in &opening.names {
                let objects = self.tried(directory.join(name).as_bytes());
                if !objects.is_empty() {
                    let place = (owner.text(), 0);
                    out.push(Alternative { module: printable(name), what: CPU.to_owned(), place, objects });
                }
            }
        }
        out
    }

    /// What opening a path would bring in, in a copy of the process.
    fn tried(&self, path: &[u8]) -> Vec<TreePath> {
        let mut process = self.process.clone();
        let before = process.objects.len();
        match process.open_bound(Request::Path(path), Visibility::Local, Binding::Assumed) {
            Ok(_) => process.objects.iter().skip(before).map(|it| it.real().clone()).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// An alternative that would bring in a library in question leaves every list of libraries open.
    pub(super) fn weigh_alternatives(&mut self) {
        for it in self.alternatives().into_iter().filter(|it| it.what != CPU) {
            let store = self.catalogue.objects;
            let known = |path: &TreePath| store.get(path).is_ok_and(|it| self.catalogue.identity(&it).is_some());
            if let Some(library) = it.objects.iter().find(|path| known(path)) {
                let (path, line) = &it.place;
                let reason =
                    format!("line {line}: `{}` decides whether {} is loaded, with {library}", it.what, it.module);
                let gap = Gap::new(&TreePath::new(path), Stage::Python, reason, "further libraries of the process");
                self.untraced.get_or_insert_with(|| gap.clone());
                self.gaps.push(gap);
            }
        }
    }
}
