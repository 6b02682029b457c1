//! Symbols that an object insists on and nothing in its scope defines: the loader refuses it.
//!
//! Source: experiment Y1 of the loader facts (`RTLD_NOW`, which CPython uses, fails on any such symbol; a weak one becomes
//! 0) and Y2 (an old copy that was loaded first lacks what a later object needs). Versions count as in `elf::references`.

use super::process::Failure;
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

    /// What binding the objects from `first` on ends with. The loader begins with the last object; what it ends the process
    /// for hides what comes later. Of an object whose scope cannot be read nothing is known but that
    /// ([`Process::unreadable`]).
    pub(super) fn binding_failures(&mut self, first: ObjectIndex, lazy: bool) -> Vec<Failure> {
        let (mut unbound, mut unreadable) = (Vec::new(), Vec::new());
        let mut aborted = None;
        for (asker, loaded) in self.objects.iter().enumerate().skip(first).rev() {
            let mut symbols = self.undefined_at(asker).unwrap_or_else(|(at, error)| {
                unreadable.extend(self.objects.get(at).map(|it| (it.real().clone(), error)));
                Vec::new()
            });
            symbols.retain(|(_, symbol)| self.holds(Law::SymbolsMustExist) && !(lazy && symbol.how == Use::Called));
            if let Some((at, failure)) = self.aborting(asker, loaded)
                && unbound.is_empty()
                && symbols.iter().all(|(index, _)| at < *index)
            {
                aborted = Some(failure);
                break;
            }
            unbound.extend(symbols.into_iter().map(|(_, symbol)| (loaded.name.clone(), symbol)));
        }
        unreadable.dedup();
        self.unreadable.extend(unreadable);
        let undefined = (!unbound.is_empty()).then_some(Failure::Undefined(unbound));
        aborted.or(undefined).into_iter().collect()
    }

    /// The first symbol that ends the process: it is wanted in a version of a file, and found in that file, which knows no
    /// versions at all (an assertion of `check_match` in glibc `elf/dl-lookup.c` before 2.41, measured).
    fn aborting(&self, asker: ObjectIndex, loaded: &Loaded) -> Option<(u64, Failure)> {
        let aborts = self.system.family == Family::Glibc && !self.system.at_least("2.41");
        if !aborts || !self.holds(Law::UnversionedAborts) {
            return None;
        }
        // Hardly any library that versions are wanted of has none.
        let versions = self.store.versions(&loaded.object).ok()?;
        if !versions.needed.iter().any(|(file, _)| self.objects.iter().any(|it| self.is_mute(it, file))) {
            return None;
        }
        let scope = self.scope_of(asker);
        let references = self.store.symbols(&loaded.object).and_then(|it| it.references()).ok()?;
        references.into_iter().find_map(|reference| {
            let file = &reference.version.as_ref()?.file;
            let found = scope.iter().find(|it| self.answered(&[**it], &reference).unwrap_or(false))?;
            self.objects.get(*found).filter(|it| self.is_mute(it, file))?;
            let (symbol, file) = (printable(&reference.name), printable(file));
            let reason = format!("wants a version of {symbol} of {file}, which has no versions: {ABORTS}");
            let failure = Failure::Unusable { path: loaded.name.clone(), needed_by: Vec::new(), reason };
            Some((reference.index, failure))
        })
    }

    /// Whether an object is known by the name of a file, and says nothing of versions.
    fn is_mute(&self, loaded: &Loaded, file: &[u8]) -> bool {
        let named = loaded.name == file || loaded.asked.iter().any(|it| it == file);
        named && self.store.symbols(&loaded.object).is_ok_and(|it| it.is_unversioned())
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

    /// What the process starts with is asked by one extension after the other, and remembers.
    fn answered(&self, scope: &[ObjectIndex], reference: &Reference) -> Result<bool, (ObjectIndex, ElfError)> {
        let versioning = self.versioning(reference.version.as_ref());
        for index in scope {
            let Some(loaded) = self.objects.get(*index) else { continue };
            let answer = if loaded.event == 0 {
                self.store.answers(&loaded.object, &reference.name, versioning)
            } else {
                self.store.symbols(&loaded.object).and_then(|it| it.answers(&reference.name, versioning))
            };
            if answer.map_err(|it| (*index, it))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
