//! Which object answers a symbol.
//!
//! Source: experiments Y1 and Y2 of the loader facts. Lookup goes through the global scope as it was when the symbols of
//! the asking object were bound, then through the tree of the `dlopen` that brought it in; the first definition wins,
//! weak or not.

use super::process::{NeedKind, needs};
use super::{ObjectIndex, Process};
use crate::elf::{Definition, ElfError};

impl Process<'_> {
    /// The global scope, in lookup order.
    pub fn global_scope(&self) -> &[ObjectIndex] {
        &self.global
    }

    /// The local scope of an object that was opened: its own tree, breadth first.
    pub fn scope(&self, root: ObjectIndex) -> Vec<ObjectIndex> {
        self.scope_of_all(std::iter::once(root))
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
        for index in self.scope_of(asker) {
            let object = &self.objects.get(index)?.object;
            match self.store.symbols(object).and_then(|it| it.definition(symbol)) {
                Ok(Some(definition)) => return Some((index, definition)),
                Ok(None) => {}
                Err(error) => unreadable.push((index, error)),
            }
        }
        None
    }

    /// `roots` and everything below them, breadth first, each once; auxiliaries and filters before their object (F1,
    /// `_dl_map_object_deps` in glibc `elf/dl-deps.c`).
    pub(super) fn scope_of_all(&self, roots: impl Iterator<Item = ObjectIndex>) -> Vec<ObjectIndex> {
        let mut scope: Vec<ObjectIndex> = roots.collect();
        let mut known = vec![false; self.objects.len()];
        let mut done = vec![false; self.objects.len()];
        scope.iter().for_each(|it| mark(&mut known, *it));
        let mut at = 0;
        while let Some(index) = scope.get(at).copied() {
            if done.get(index).copied().unwrap_or(true) {
                at += 1;
                continue;
            }
            mark(&mut done, index);
            let Some(loaded) = self.objects.get(index) else { continue };
            let kinds = needs(Some(loaded), self.system.family);
            let mut before = at;
            for ((_, answer), (_, kind)) in loaded.needs.iter().zip(kinds) {
                let Some(needed) = *answer else { continue };
                let new = !known.get(needed).copied().unwrap_or(true);
                mark(&mut known, needed);
                match kind {
                    NeedKind::Needed if new => scope.push(needed),
                    NeedKind::Needed => {}
                    NeedKind::Filter | NeedKind::Auxiliary => {
                        let later = scope.iter().skip(before + 1).position(|it| *it == needed);
                        if let Some(later) = later {
                            scope.remove(before + 1 + later);
                        }
                        if new || later.is_some() {
                            scope.insert(before, needed);
                            before += 1;
                        }
                    }
                }
            }
        }
        scope
    }
}

fn mark(marks: &mut [bool], index: ObjectIndex) {
    if let Some(mark) = marks.get_mut(index) {
        *mark = true;
    }
}
