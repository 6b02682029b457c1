//! Symbols that an object insists on and nothing in its scope defines: the loader refuses it.
//!
//! Source: experiment Y1 of the loader facts (`RTLD_NOW`, which CPython uses, fails on any such symbol; a weak one becomes
//! 0) and Y2 (an old copy that was loaded first lacks what a later object needs). Versions count as in `elf::references`.

use super::process::Failure;
use super::start::Binding;
use super::system::Family;
use super::versions::ABORTS;
use super::{Law, Loaded, ObjectIndex, Process};
use crate::base::printable;
use crate::elf::{ElfError, Reference, Use, WantedVersion};

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
        Ok(self.undefined_at(asker)?.into_iter().map(|(_, symbol)| symbol).collect())
    }

    /// The same, with their places in the symbol table.
    fn undefined_at(&self, asker: ObjectIndex) -> Result<Vec<(u64, Undefined)>, (ObjectIndex, ElfError)> {
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
        Ok(used.map(|(it, how)| (it.index, Undefined { name: it.name, version: it.version, how })).collect())
    }

    /// What binding the objects from `first` on ends with, where that is checked. The loader begins with the last object;
    /// what it ends the process for hides what comes later. An object whose scope cannot be read insists on nothing.
    pub(super) fn binding_failures(&self, first: ObjectIndex, lazy: bool) -> Vec<Failure> {
        if self.surroundings.binding == Binding::Assumed {
            return Vec::new();
        }
        let mut unbound = Vec::new();
        for (asker, loaded) in self.objects.iter().enumerate().skip(first).rev() {
            let mut symbols = self.undefined_at(asker).unwrap_or_default();
            symbols.retain(|(_, symbol)| self.holds(Law::SymbolsMustExist) && !(lazy && symbol.how == Use::Called));
            if let Some((at, failure)) = self.aborting(asker, loaded)
                && unbound.is_empty()
                && symbols.iter().all(|(index, _)| at < *index)
            {
                return vec![failure];
            }
            unbound.extend(symbols.into_iter().map(|(_, symbol)| (loaded.name.clone(), symbol)));
        }
        if unbound.is_empty() { Vec::new() } else { vec![Failure::Undefined(unbound)] }
    }

    /// The first symbol that ends the process: it is wanted in a version of a file, and found in that file, which knows no
    /// versions at all (an assertion of `check_match` in glibc `elf/dl-lookup.c` before 2.41, measured).
    fn aborting(&self, asker: ObjectIndex, loaded: &Loaded) -> Option<(u64, Failure)> {
        let aborts = self.system.family == Family::Glibc && !self.system.at_least("2.41");
        if !aborts || !self.holds(Law::UnversionedAborts) {
            return None;
        }
        let scope = self.scope_of(asker);
        let references = self.store.symbols(&loaded.object).and_then(|it| it.references());
        for reference in references.unwrap_or_default() {
            let Some(version) = &reference.version else { continue };
            let found = scope.iter().find(|it| self.answered(&[**it], &reference).unwrap_or(false));
            let found = found.and_then(|it| self.objects.get(*it));
            let named = found.filter(|it| it.name == version.file || it.asked.contains(&version.file));
            if named.is_some_and(|it| self.store.symbols(&it.object).is_ok_and(|it| it.is_unversioned())) {
                let (symbol, file) = (printable(&reference.name), printable(&version.file));
                let reason = format!("wants a version of {symbol} of {file}, which has no versions: {ABORTS}");
                let failure = Failure::Unusable { path: loaded.name.clone(), needed_by: Vec::new(), reason };
                return Some((reference.index, failure));
            }
        }
        None
    }

    /// The objects that are asked for the symbols of `asker`, in order, each once.
    pub(super) fn scope_of(&self, asker: ObjectIndex) -> Vec<ObjectIndex> {
        let Some(loaded) = self.objects.get(asker) else { return Vec::new() };
        let bound = if self.holds(Law::BoundOnce) { loaded.globals_at_load } else { self.global.len() };
        let global = self.global.get(..bound).unwrap_or(&self.global);
        let mut scope = global.to_vec();
        scope.extend(self.scope(loaded.scope_root).into_iter().filter(|it| !global.contains(it)));
        scope
    }

    fn answered(&self, scope: &[ObjectIndex], reference: &Reference) -> Result<bool, (ObjectIndex, ElfError)> {
        for index in scope {
            let Some(loaded) = self.objects.get(*index) else { continue };
            let versioning = self.versioning(reference.version.as_ref());
            if self.store.answers(&loaded.object, &reference.name, versioning).map_err(|it| (*index, it))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
