//! Symbols that an object insists on and nothing in its scope defines: the loader refuses it.
//!
//! Source: experiment Y1 of the loader facts (`RTLD_NOW`, which CPython uses, fails on any such symbol; a weak one becomes
//! 0) and Y2 (an old copy that was loaded first lacks what a later object needs). Versions count as in `elf::references`.

use super::system::Family;
use super::{ObjectIndex, Process};
use crate::elf::{ElfError, Reference, Use, Versioning, WantedVersion};

/// A symbol that nothing answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undefined {
    /// Its name.
    pub name: Vec<u8>,
    /// The version that is wanted of it, and the file that had it.
    pub version: Option<WantedVersion>,
    /// Whether lazy binding, which only an executable and what it needs may have, puts it off until it is called.
    pub how: Use,
}

impl Process<'_> {
    /// The symbols that `asker` insists on and that no object answers which was in its scope when it was bound: the global
    /// scope of that moment, then the tree of the `dlopen` that brought it in. Empty for what the loader binds.
    ///
    /// # Errors
    /// An object of the scope, or the asker itself, whose symbols cannot be read: nothing can be said.
    pub fn undefined(&self, asker: ObjectIndex) -> Result<Vec<Undefined>, (ObjectIndex, ElfError)> {
        let Some(loaded) = self.objects.get(asker) else { return Ok(Vec::new()) };
        let symbols = self.store.symbols(&loaded.object).map_err(|it| (asker, it))?;
        let references = symbols.references().map_err(|it| (asker, it))?;
        let scope = self.scope_of(asker);
        let mut open: Vec<Reference> = Vec::new();
        for reference in references.into_iter().filter(|it| !it.weak) {
            if !self.answered(&scope, &reference)? {
                open.push(reference);
            }
        }
        if open.is_empty() {
            return Ok(Vec::new());
        }
        // Linkers leave names behind that no relocation uses; the loader never asks for those.
        let indices: Vec<u64> = open.iter().map(|it| it.index).collect();
        let uses = symbols.uses(&indices).map_err(|it| (asker, it))?;
        let used = open.into_iter().filter_map(|it| uses.get(&it.index).map(|how| (it, *how)));
        Ok(used.map(|(it, how)| Undefined { name: it.name, version: it.version, how }).collect())
    }

    /// The objects that are asked for the symbols of `asker`, in order, each once.
    pub(super) fn scope_of(&self, asker: ObjectIndex) -> Vec<ObjectIndex> {
        let Some(loaded) = self.objects.get(asker) else { return Vec::new() };
        let global = self.global.get(..loaded.globals_at_load).unwrap_or(&self.global);
        let mut scope = global.to_vec();
        scope.extend(self.scope(loaded.scope_root).into_iter().filter(|it| !global.contains(it)));
        scope
    }

    fn answered(&self, scope: &[ObjectIndex], reference: &Reference) -> Result<bool, (ObjectIndex, ElfError)> {
        for index in scope {
            let Some(loaded) = self.objects.get(*index) else { continue };
            let versioning = match self.system.family {
                Family::Glibc => Versioning::Wanted(reference.version.as_ref()),
                Family::Musl => Versioning::Ignored,
            };
            if self.store.answers(&loaded.object, &reference.name, versioning).map_err(|it| (*index, it))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
