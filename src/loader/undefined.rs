//! Symbols that an object insists on and nothing in its scope defines: the loader refuses it.
//!
//! Source: experiment Y1 of the loader facts (`RTLD_NOW`, which CPython uses, fails on any such symbol; a weak one becomes
//! 0) and Y2 (an old copy that was loaded first lacks what a later object needs). Versions count as in `elf::references`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::process::{Failure, Request, Visibility};
use super::start::{Binding, Detail};
use super::system::Family;
use super::versions::ABORTS;
use super::{Law, ObjectIndex, Process};
use crate::base::printable;
use crate::elf::{ElfError, Reference, Symbols, Use, WantedVersion};

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

/// An object of a scope, and its symbols.
type Provider = (ObjectIndex, Arc<Symbols>);

/// Whether what the start of a process mapped answers a symbol, by name and version.
pub(super) type AtStart = Arc<Mutex<HashMap<Vec<u8>, Vec<(Option<WantedVersion>, bool)>>>>;

impl Process<'_> {
    /// `dlopen` as CPython opens an extension (`RTLD_NOW | RTLD_LOCAL`): every symbol of what is new has to be answered.
    /// Where that cannot be said the request succeeds, and `unreadable` tells whose symbols could not be read.
    ///
    /// # Errors
    /// The first failure; nothing that it brought in stays.
    pub fn open_now(
        &mut self,
        request: Request<'_>,
        unreadable: &mut Vec<(ObjectIndex, ElfError)>,
    ) -> Result<ObjectIndex, Failure> {
        let before = self.objects.len();
        let root = self.open(request, Visibility::Local)?;
        if self.detail == Detail::Names {
            return Ok(root);
        }
        for index in before..self.objects.len() {
            match self.undefined(index) {
                Ok(symbols) if symbols.is_empty() => {}
                Ok(symbols) => {
                    let object = self.objects.get(index).map(|it| it.name.clone()).unwrap_or_default();
                    self.objects.truncate(before);
                    self.link_map.retain(|it| *it < before);
                    return Err(Failure::Undefined(symbols.into_iter().map(|it| (object.clone(), it)).collect()));
                }
                Err(error) => unreadable.push(error),
            }
        }
        Ok(root)
    }

    /// The symbols that `asker` insists on and that no object answers which was in its scope when it was bound: the global
    /// scope of that moment, then the tree of the `dlopen` that brought it in. Empty for what the loader binds.
    ///
    /// # Errors
    /// An object of the scope, or the asker itself, whose symbols cannot be read: nothing can be said.
    pub fn undefined(&self, asker: ObjectIndex) -> Result<Vec<Undefined>, (ObjectIndex, ElfError)> {
        let Some(loaded) = self.objects.get(asker) else { return Ok(Vec::new()) };
        let symbols = self.store.symbols(&loaded.object).map_err(|it| (asker, it))?;
        let references = symbols.references().map_err(|it| (asker, it))?;
        let mut scope = Vec::new();
        for index in self.scope_of(asker) {
            let Some(loaded) = self.objects.get(index) else { continue };
            scope.push((index, self.store.symbols(&loaded.object).map_err(|it| (index, it))?));
        }
        // What the executable brings answers most of what any extension asks.
        let started = self.objects.first().map_or(0, |it| it.globals_at_load).min(scope.len());
        let (start, rest) = scope.split_at(started);
        let mut open: Vec<&Reference> = Vec::new();
        for reference in references.iter().filter(|it| !it.weak) {
            if !self.answered_at_start(start, reference)? && !self.answered(rest, reference)? {
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
        Ok(used.map(|(it, how)| Undefined { name: it.name.clone(), version: it.version.clone(), how }).collect())
    }

    /// Whether binding the objects from `first` on ends the process: a symbol is wanted in a version of a file, and is found
    /// in that file, which knows no versions at all (an assertion of `check_match` in glibc `elf/dl-lookup.c`, measured).
    pub(super) fn aborting(&self, first: ObjectIndex) -> Option<Failure> {
        if self.surroundings.binding == Binding::Assumed || self.system.family == Family::Musl {
            return None;
        }
        for (asker, loaded) in
            self.objects.iter().enumerate().skip(first).filter(|_| self.holds(Law::UnversionedAborts))
        {
            let references = self.store.symbols(&loaded.object).and_then(|it| it.references());
            for reference in references.unwrap_or_default() {
                let Some(version) = &reference.version else { continue };
                let scope = self.scope_of(asker);
                let found = scope.iter().find(|it| self.answered_by(**it, &reference));
                let found = found.and_then(|it| self.objects.get(*it));
                let named = found.filter(|it| it.name == version.file || it.asked.contains(&version.file));
                if named.is_some_and(|it| self.store.symbols(&it.object).is_ok_and(|it| it.is_unversioned())) {
                    let (symbol, file) = (printable(&reference.name), printable(&version.file));
                    let reason = format!("wants a version of {symbol} of {file}, which has no versions: {ABORTS}");
                    return Some(Failure::Unusable { path: loaded.name.clone(), needed_by: Vec::new(), reason });
                }
            }
        }
        None
    }

    /// What the objects from `first` on insist on and nothing answers, where that is to be checked. An object whose scope
    /// cannot be read insists on nothing.
    pub(super) fn unbound(&self, first: ObjectIndex) -> Vec<(Vec<u8>, Undefined)> {
        if self.surroundings.binding == Binding::Assumed || !self.holds(Law::SymbolsMustExist) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for (asker, loaded) in self.objects.iter().enumerate().skip(first) {
            if let Ok(symbols) = self.undefined(asker) {
                out.extend(symbols.into_iter().map(|it| (loaded.name.clone(), it)));
            }
        }
        out
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

    /// One whose symbols cannot be read answers nothing.
    fn answered_by(&self, index: ObjectIndex, reference: &Reference) -> bool {
        let versioning = self.versioning(reference.version.as_ref());
        let object = self.objects.get(index).map(|it| &it.object);
        object.is_some_and(|it| self.store.answers(it, &reference.name, versioning).unwrap_or(false))
    }

    /// The same question is asked by one extension after the other.
    fn answered_at_start(&self, start: &[Provider], reference: &Reference) -> Result<bool, (ObjectIndex, ElfError)> {
        let version = &reference.version;
        let mut known = self.at_start.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = known.get(&reference.name).into_iter().flatten();
        if let Some((_, answer)) = answers.into_iter().find(|(it, _)| it == version) {
            return Ok(*answer);
        }
        let answer = self.answered(start, reference)?;
        known.entry(reference.name.clone()).or_default().push((version.clone(), answer));
        Ok(answer)
    }

    fn answered(&self, scope: &[Provider], reference: &Reference) -> Result<bool, (ObjectIndex, ElfError)> {
        let versioning = self.versioning(reference.version.as_ref());
        for (index, symbols) in scope {
            if symbols.answers(&reference.name, versioning).map_err(|it| (*index, it))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
