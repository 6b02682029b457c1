//! Imports that no file of `rules/packages` describes.
//!
//! Invariant: what such an import may bring in unseen is a gap; where nothing of it is seen at all, no list of libraries is
//! complete.

use super::session::{Session, describe};
use crate::base::{Gap, Stage, TreePath};
use crate::discover::{ModuleFile, Origin, module_file};
use crate::loader::{Failure, ObjectIndex};

/// Modules that CPython's core initialises without a `PyInit_` function of its own.
const CORE_MODULES: [&str; 5] = ["builtins", "sys", "marshal", "_warnings", "_frozen_importlib"];

impl Session<'_> {
    /// Without a description every extension that belongs to the name is taken to be loaded.
    pub(super) fn undescribed(&mut self, name: &str) -> bool {
        if let Some(works) = self.traced(name) {
            return works;
        }
        let paths = self.site.below_module(name);
        let top = name.split('.').next().unwrap_or(name);
        let found = module_file(self.catalogue.objects.view(), self.installation, top, &mut self.gaps);
        match found {
            Some(found) => self.mark_untraced(name, &found, paths.is_empty()),
            None if self.is_built_in(top) => {}
            None if paths.is_empty() => return self.nowhere(name, top),
            None => {}
        }
        let several = paths.len() > 1;
        for path in paths {
            match self.open_undescribed(&path) {
                Ok(_) => {}
                Err(failure) if several => {
                    let hides = "whether the import needs it";
                    self.gaps.push(Gap::new(&path, Stage::Loader, describe(&failure), hides));
                }
                Err(failure) => {
                    let reason = describe(&failure);
                    return self.fail(name, Some(path), Some(failure), reason);
                }
            }
        }
        true
    }

    /// What the package opened before, for everybody, may define what is found nowhere: the extension then works.
    pub(super) fn open_undescribed(&mut self, path: &TreePath) -> Result<ObjectIndex, Failure> {
        let result = self.open_now(path);
        let Err(failure @ Failure::Undefined(_)) = &result else { return result };
        let hides = "whether a library that the package opens by itself defines it";
        let gap = Gap::new(path, Stage::Loader, describe(failure), hides);
        if let Some(unbound) = self.unbound.last_mut() {
            unbound.undecided = Some(gap.clone());
        }
        self.gaps.push(gap);
        self.open_unbound(path)
    }

    /// What a package imports and opens by itself is not followed. The standard library brings none of the libraries in
    /// question.
    fn mark_untraced(&mut self, name: &str, found: &ModuleFile, unseen: bool) {
        let mut entries = self.installation.sys_path.iter().filter(|it| it.origin == Origin::Stdlib);
        let parent = found.path.parent();
        if entries.any(|it| Some(&it.path) == parent.as_ref()) {
            return;
        }
        let taken = if unseen { "it has no extensions of its own" } else { "its own extensions are taken" };
        let reason = format!("what import {name} imports and opens is not described; {taken}");
        let gap = Gap::new(&found.path, Stage::Loader, reason, "further libraries of the process");
        if unseen {
            self.untraced.get_or_insert_with(|| gap.clone());
        }
        self.gaps.push(gap);
    }

    /// A module that is linked into the interpreter.
    pub(super) fn is_built_in(&self, name: &str) -> bool {
        let symbol = format!("PyInit_{name}");
        let defines = |it: &crate::loader::Loaded| {
            let symbols = self.catalogue.objects.symbols(&it.object);
            symbols.and_then(|it| it.definition(symbol.as_bytes())).is_ok_and(|it| it.is_some())
        };
        CORE_MODULES.contains(&name) || self.process.objects.iter().filter(|it| it.event == 0).any(defines)
    }

    /// Nothing of that name, unless an archive on `sys.path` holds it.
    fn nowhere(&mut self, name: &str, top: &str) -> bool {
        let view = self.catalogue.objects.view();
        let is_directory = |it: &TreePath| view.is_directory(it.as_bytes());
        let mut entries = self.installation.sys_path.iter().filter(|it| it.exists);
        let archive = entries.find(|it| !is_directory(&it.path)).map(|it| it.path.clone());
        let Some(archive) = archive else { return self.not_found(name, &format!("module {top}")) };
        let gap =
            Gap::new(&archive, Stage::Discover, "archives on sys.path are not read", format!("whether it holds {top}"));
        self.untraced.get_or_insert_with(|| gap.clone());
        self.gaps.push(gap);
        true
    }
}
