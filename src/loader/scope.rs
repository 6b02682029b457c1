//! Which object answers a symbol.
//!
//! Source: experiments Y1 and Y2 of the loader facts. Lookup goes through the global scope as it was when the symbols of
//! the asking object were bound, then through the tree of the `dlopen` that brought it in; the first definition wins,
//! weak or not.

use super::objects::Object;
use super::system::Family;
use super::{Law, ObjectIndex, Process};
use crate::elf::{Definition, ElfError, Versioning, WantedVersion};

impl Process<'_> {
    /// The global scope, in lookup order.
    pub fn global_scope(&self) -> &[ObjectIndex] {
        &self.global
    }

    /// The local scope of an object that was opened: its own tree, breadth first.
    pub fn scope(&self, root: ObjectIndex) -> Vec<ObjectIndex> {
        let Some(loaded) = self.objects.get(root) else { return Vec::new() };
        if !loaded.searched.is_empty() {
            return loaded.searched.clone();
        }
        let mut scope = vec![root];
        let mut at = 0;
        while let Some(index) = scope.get(at).copied() {
            at += 1;
            for (_, answer) in self.objects.get(index).into_iter().flat_map(|it| &it.needs) {
                scope.extend(answer.filter(|it| !scope.contains(it)));
            }
        }
        scope
    }

    /// The object that answers `symbol` for `asker`, and its definition.
    ///
    /// Unreadable symbol tables on the way are pushed to `unreadable`: the answer then may be another.
    pub fn binding(
        &self,
        asker: ObjectIndex,
        symbol: &[u8],
        unreadable: &mut Vec<(ObjectIndex, ElfError)>,
    ) -> Option<(ObjectIndex, Definition)> {
        let wanted = self.objects.get(asker).and_then(|it| self.store.wanted_version(&it.object, symbol));
        for index in self.scope_of(asker) {
            let object = &self.objects.get(index)?.object;
            match self.definition(object, symbol, wanted.as_ref()) {
                Ok(Some(definition)) => return Some((index, definition)),
                Ok(None) => {}
                Err(error) => unreadable.push((index, error)),
            }
        }
        None
    }

    /// The definition that an object answers with; where the asker wants a version of the symbol, one that fits.
    fn definition(
        &self,
        object: &Object,
        symbol: &[u8],
        wanted: Option<&WantedVersion>,
    ) -> Result<Option<Definition>, ElfError> {
        let found = self.store.symbols(object)?.definition(symbol)?;
        if found.is_some() && wanted.is_some() && !self.store.answers(object, symbol, self.versioning(wanted))? {
            return Ok(None);
        }
        Ok(found)
    }

    /// musl looks at no versions.
    pub(super) fn versioning<'a>(&self, wanted: Option<&'a WantedVersion>) -> Versioning<'a> {
        match self.system.family {
            Family::Glibc if !self.holds(Law::VersionPicks) => Versioning::Ignored,
            Family::Glibc => Versioning::Wanted(wanted),
            Family::Musl => Versioning::Ignored,
        }
    }
}
