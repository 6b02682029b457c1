//! What names stand for, scope by scope, and what becomes of them where branches meet.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::things::Thing;

/// A scope while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScopeId {
    index: usize,
    serial: usize,
}

#[derive(Debug, Default)]
struct Scope {
    serial: usize,
    parent: Option<usize>,
    names: HashMap<String, Thing>,
    /// Names that `global` gives to the module.
    global: Vec<String>,
}

/// All scopes that are open; the first is the module's.
#[derive(Debug)]
pub(super) struct Names {
    scopes: Vec<Scope>,
    serial: usize,
    /// What names stood for before they were changed.
    journal: Vec<(usize, String, Option<Thing>)>,
}

/// What a branch made of the names that it changed.
pub(super) type Changes = BTreeMap<(usize, String), Option<Thing>>;

impl Names {
    pub(super) fn new() -> Self {
        Self { scopes: vec![Scope::default()], serial: 0, journal: Vec::new() }
    }

    /// The scope in which a function would be defined now.
    pub(super) fn here(&self) -> ScopeId {
        let index = self.scopes.len() - 1;
        ScopeId { index, serial: self.scopes.get(index).map_or(0, |it| it.serial) }
    }

    /// Opens a scope whose free names are those of `parent`; of the module, when that scope is closed.
    pub(super) fn enter(&mut self, parent: ScopeId) {
        let open = self.scopes.get(parent.index).is_some_and(|it| it.serial == parent.serial);
        self.serial += 1;
        let parent = Some(if open { parent.index } else { 0 });
        self.scopes.push(Scope { serial: self.serial, parent, ..Scope::default() });
    }

    /// Closes the scope and gives its names.
    pub(super) fn leave(&mut self) -> HashMap<String, Thing> {
        let index = self.scopes.len() - 1;
        self.journal.retain(|(scope, _, _)| *scope != index);
        self.scopes.pop().map(|it| it.names).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Thing> {
        let mut index = self.scopes.len() - 1;
        loop {
            let scope = self.scopes.get(index)?;
            match (scope.names.get(name), scope.parent) {
                (Some(thing), _) => return Some(thing),
                (None, Some(parent)) => index = parent,
                (None, None) => return None,
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, thing: Thing) {
        let index = self.scopes.len() - 1;
        let global = self.scopes.get(index).is_some_and(|it| it.global.iter().any(|it| it == name));
        self.put(if global { 0 } else { index }, name, Some(thing));
    }

    pub(super) fn set_global(&mut self, name: &str, thing: Thing) {
        self.put(0, name, Some(thing));
    }

    pub(super) fn declare_global(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.global.push(name.to_owned());
        }
    }

    fn put(&mut self, index: usize, name: &str, thing: Option<Thing>) {
        let Some(scope) = self.scopes.get_mut(index) else { return };
        let before = match thing {
            Some(thing) => scope.names.insert(name.to_owned(), thing),
            None => scope.names.remove(name),
        };
        self.journal.push((index, name.to_owned(), before));
    }

    /// Where a branch begins.
    pub(super) fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Takes back what was changed since the mark, and gives it.
    pub(super) fn roll_back(&mut self, mark: usize) -> Changes {
        let mut changes = Changes::new();
        for (index, name, before) in self.journal.split_off(mark.min(self.journal.len())).into_iter().rev() {
            let Some(scope) = self.scopes.get_mut(index) else { continue };
            let after = match before {
                Some(before) => scope.names.insert(name.clone(), before),
                None => scope.names.remove(&name),
            };
            // Going backwards, what is seen first is what it was in the end.
            changes.entry((index, name)).or_insert(after);
        }
        changes
    }

    /// One of these branches was taken.
    pub(super) fn merge(&mut self, branches: &[Changes]) {
        let keys: std::collections::BTreeSet<&(usize, String)> = branches.iter().flat_map(BTreeMap::keys).collect();
        for key in keys {
            let old = self.scopes.get(key.0).and_then(|it| it.names.get(&key.1)).cloned();
            let ends = branches.iter().map(|it| it.get(key).cloned().unwrap_or_else(|| old.clone()));
            let thing = Thing::either(ends.flatten());
            self.put(key.0, &key.1, Some(thing));
        }
    }

    /// What a loop changes is not known at its beginning.
    pub(super) fn forget(&mut self, changes: &Changes) {
        for (index, name) in changes.keys() {
            let old = self.scopes.get(*index).and_then(|it| it.names.get(name));
            if old.is_some() && old != changes.get(&(*index, name.clone())).and_then(Option::as_ref) {
                self.put(*index, name, Some(Thing::Unknown));
            }
        }
    }
}
