//! What the files of the process need of the runtimes of compilers that the machine gives them, by the tables of
//! `rules/runtimes`. A copy that the environment brings along comes with it: nothing is needed of the machine then.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::builder::Builder;
use super::mapped::highest_of;
use crate::base::{TreePath, compare_versions};
use crate::elf::NeededVersions;
use crate::facts::{Fact, Mapped, RuntimeNeed};

/// The versions of one runtime.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// What people call it.
    pub title: String,
    /// What its symbol versions begin with.
    pub family: String,
    /// From a version to the compiler that brought it.
    pub releases: BTreeMap<String, String>,
    /// Systems that ship it.
    pub system: Vec<RuntimeOfSystem>,
}

/// The version of a runtime that a system ships.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeOfSystem {
    /// The system.
    pub name: String,
    /// Its C library.
    pub libc: String,
    /// Its runtime.
    pub version: String,
}

impl Builder<'_, '_> {
    /// The highest version of each runtime of the machine that files need which another machine would not have of its own.
    ///
    /// Invariant: `list` is what the process maps, in its order.
    pub(super) fn runtime_needs(&mut self, list: &[Mapped], asked: Option<&str>) -> Vec<RuntimeNeed> {
        let runtimes = &self.session.catalogue.know.runtimes;
        runtimes.iter().filter_map(|it| self.runtime_need(it, list, asked)).collect()
    }

    fn runtime_need(&mut self, runtime: &Runtime, list: &[Mapped], asked: Option<&str>) -> Option<RuntimeNeed> {
        let store = self.session.catalogue.objects;
        let mut best: Option<(String, TreePath)> = None;
        for (loaded, _) in self.session.process.objects.iter().zip(list).filter(|(_, it)| !it.of_the_system) {
            // What cannot be read is said beside the file.
            let Ok(needed) = store.needed_versions(&loaded.object) else { continue };
            let of_machine = needed.iter().filter(|(file, _)| self.comes_with_the_machine(file, list));
            let of_machine: NeededVersions = of_machine.cloned().collect();
            let Some(highest) = highest_of(&of_machine, &runtime.family) else { continue };
            if best.as_ref().is_none_or(|(known, _)| compare_versions(known, &highest.version).is_lt()) {
                best = Some((highest.version, loaded.real().clone()));
            }
        }
        let (version, object) = best?;
        let named = format!("{}{version}", runtime.family);
        let because = vec![self.ledger.note(&object, format!("needs {named}"))];
        let known = |text: String| Fact::known(text, because.clone());
        let systems = runtime.system.iter().filter(|it| asked == Some(it.libc.as_str()));
        let systems = systems.map(|it| format!("{} has {}{}", it.name, runtime.family, it.version)).collect();
        Some(RuntimeNeed {
            title: runtime.title.clone(),
            release: known(runtime.releases.get(&version).cloned().unwrap_or_default()),
            systems: Fact::known(systems, Vec::new()),
            version: known(named),
            object: object.text(),
        })
    }

    /// Whether the process has the library of that name from the operating system.
    fn comes_with_the_machine(&self, name: &[u8], list: &[Mapped]) -> bool {
        let is_it = |it: &crate::loader::Object| it.linkage.as_ref().is_ok_and(|it| it.soname.as_deref() == Some(name));
        let mut loaded = self.session.process.objects.iter().zip(list);
        loaded.find(|(loaded, _)| is_it(&loaded.object)).is_some_and(|(_, it)| it.of_the_system)
    }
}
