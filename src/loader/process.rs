//! One process: what it maps, event by event.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::candidate::Shape;
use super::hwcaps::Capabilities;
use super::objects::{Object, Objects};
use super::search::{RootDirectory, Trace};
use super::start::{Binding, Detail, Surroundings};
use super::system::{Family, System};
use super::undefined::Undefined;
use super::versions::{ABORTS, VersionMiss};
use super::{Law, Loaded, Missing, ObjectIndex, Probe, Try, Via};
use crate::base::{TreePath, printable};
use crate::elf::ElfError;

/// Most objects in one process; a tree that needs more is hostile.
const OBJECTS: usize = 20_000;

/// What `dlopen` is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// A path, opened as given.
    Path(&'a [u8]),
    /// A bare name, searched with the tags of the caller (S7), or a path with tokens of the caller (T6).
    Name {
        /// `libmpi.so.12`.
        name: &'a [u8],
        /// The object that calls `dlopen`; the executable where it is not known.
        caller: ObjectIndex,
    },
}

/// Who sees the symbols of what `dlopen` brings in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// `RTLD_LOCAL`, CPython's default.
    Local,
    /// `RTLD_GLOBAL`: every later object too.
    Global,
}

/// Why a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing of that name is found.
    Missing(Missing),
    /// A file is found and cannot be used.
    Unusable {
        /// The file as the loader spells it.
        path: Vec<u8>,
        /// The object that needs it; empty for the file that was asked for.
        needed_by: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A library that is found lacks a symbol version.
    Version(VersionMiss),
    /// Symbols that nothing defines, each with the object that insists on it, as the loader spells it.
    Undefined(Vec<(Vec<u8>, Undefined)>),
    /// More objects than any process has.
    TooMany,
}

/// One process.
#[derive(Clone)]
pub struct Process<'v> {
    /// Every object in load order; the executable is first.
    pub objects: Vec<Loaded>,
    /// What the start could not satisfy. A process with such failures does not start.
    pub start_failures: Vec<Failure>,
    /// Every candidate that was tried, in order; only when the process keeps probes. What a
    /// failed `dlopen` tried stays listed.
    pub tried: Vec<Try>,
    /// Objects whose symbols, or whose scope, could not be read when they were bound, and why: whether the loader refuses them
    /// is not known.
    pub unreadable: Vec<(TreePath, ElfError)>,
    /// Preload entries that were found nowhere: a warning of the loader, no failure.
    pub missing_preloads: Vec<Vec<u8>>,
    pub(super) store: &'v Objects<'v>,
    pub(super) system: System,
    /// DT_SONAME of the loader, under which libraries ask for it.
    pub(super) loader_soname: Option<Vec<u8>>,
    pub(super) library_path: Vec<Vec<u8>>,
    /// The executable has the set-user-ID or set-group-ID bit.
    pub(super) secure: bool,
    pub(super) levels_matter: bool,
    pub(super) link_map: Vec<ObjectIndex>,
    pub(super) global: Vec<ObjectIndex>,
    pub(super) shape: Shape,
    pub(super) cpu: Capabilities,
    pub(super) surroundings: Surroundings,
    pub(super) hwcaps: Vec<String>,
    pub(super) detail: Detail,
    pub(super) event: usize,
    pub(super) root: RootDirectory,
}

/// What a request is given.
pub(super) enum Answer {
    Loaded(ObjectIndex),
    Found { name: Vec<u8>, object: Arc<Object>, via: Via },
    Failed(Failure),
}

impl Process<'_> {
    /// One `dlopen`, bound as the process binds. On success the index of the object that was asked for.
    ///
    /// # Errors
    /// The first failure; nothing that it brought in stays.
    pub fn open(&mut self, request: Request<'_>, visibility: Visibility) -> Result<ObjectIndex, Failure> {
        self.open_bound(request, visibility, self.surroundings.binding)
    }

    /// One `dlopen` of somebody who binds in another way than the process does.
    ///
    /// # Errors
    /// As [`Process::open`].
    pub fn open_bound(
        &mut self,
        request: Request<'_>,
        visibility: Visibility,
        binding: Binding,
    ) -> Result<ObjectIndex, Failure> {
        self.event += 1;
        let before = self.objects.len();
        let result = self.open_root(request).and_then(|root| {
            self.list(root)?;
            if let Some(failure) = self.refused(before).into_iter().next() {
                return Err(failure);
            }
            let failures = match binding {
                Binding::Assumed => Vec::new(),
                Binding::Checked => self.binding_failures(before, false),
            };
            failures.into_iter().next().map_or(Ok(root), Err)
        });
        match result {
            Ok(root) => {
                self.make_visible(root, visibility);
                Ok(root)
            }
            Err(failure) if !self.holds(Law::FailureLeavesNothing) => Err(failure),
            Err(failure) => {
                self.objects.truncate(before);
                self.link_map.retain(|it| *it < before);
                Err(failure)
            }
        }
    }

    /// Whether a law holds: outside tests every one does.
    pub(super) fn holds(&self, law: Law) -> bool {
        self.surroundings.without != Some(law)
    }

    /// Whether the loader distrusts the environment (AT_SECURE).
    pub(super) fn is_secure(&self) -> bool {
        self.secure && self.holds(Law::SecureMode)
    }

    /// `dlopen` with `RTLD_NOLOAD`: the object that would be given if it is in the process, which then may become global
    /// (mpi4py does that to Open MPI); nothing is loaded.
    pub fn reopen(&mut self, request: Request<'_>, visibility: Visibility) -> Option<ObjectIndex> {
        self.event += 1;
        let mut trace = self.trace();
        let (asked, answer) = self.request(request, &mut trace);
        self.absorb(&mut trace);
        let Answer::Loaded(root) = answer else { return None };
        self.learn(root, &asked);
        if self.list(root).is_err() {
            return None;
        }
        self.make_visible(root, visibility);
        Some(root)
    }

    /// Number of the last event.
    pub fn event(&self) -> usize {
        self.event
    }

    /// An object in the process that a request for `name` would be given.
    pub fn loaded_as(&self, name: &[u8]) -> Option<ObjectIndex> {
        let asked = |it: &Loaded| it.asked.iter().any(|asked| asked == name);
        let known = |it: &Loaded| match self.system.family {
            // The executable has no name of its own; it may have a SONAME.
            Family::Glibc => {
                let named = asked(it) || it.via != Via::Executable && it.name == name;
                let soname = soname(it).filter(|_| self.holds(Law::SonameAnswers));
                named && self.holds(Law::NameAnswers) || soname == Some(name)
            }
            Family::Musl => {
                let soname = soname(it).filter(|_| !self.holds(Law::MuslSonameUnread));
                let named = asked(it) && self.holds(Law::NameAnswers);
                !name.contains(&b'/') && (named || soname == Some(name))
            }
        };
        self.first(known)
    }

    /// The first object in link-map order of which something is true.
    pub(super) fn first(&self, is: impl Fn(&Loaded) -> bool) -> Option<ObjectIndex> {
        self.link_map.iter().copied().find(|it| self.objects.get(*it).is_some_and(&is))
    }

    /// The objects in the order in which the loader looks through them. It is the load order but for what auxiliaries and
    /// filters move; an auxiliary of the executable stands in no list.
    pub fn link_map(&self) -> &[ObjectIndex] {
        &self.link_map
    }

    /// What is asked for, and the answer.
    fn request(&self, request: Request<'_>, trace: &mut Trace) -> (Vec<u8>, Answer) {
        match request {
            Request::Path(path) => (path.to_vec(), self.open_path(None, path, Via::Dlopen)),
            Request::Name { name, caller } => {
                // musl searches as if the executable asked (S7).
                let executable_asks = match self.system.family {
                    Family::Musl => self.holds(Law::MuslExecutableAsks),
                    Family::Glibc => !self.holds(Law::CallerSearches),
                };
                let requester = if executable_asks { 0 } else { caller };
                (name.to_vec(), self.answer(Some(requester), name, trace))
            }
        }
    }

    /// What is looked through for symbols from an object that is opened; what it needs is mapped.
    fn list(&mut self, root: ObjectIndex) -> Result<(), Failure> {
        if self.objects.get(root).is_some_and(|it| it.searched.is_empty()) {
            let list = self.map_needs(vec![root])?;
            if let Some(failure) = self.filter_aborts(root, &list) {
                return Err(failure);
            }
            self.objects.get_mut(root).into_iter().for_each(|it| it.searched.clone_from(&list));
        }
        Ok(())
    }

    /// Before 2.32 an assertion of glibc ends the process where an auxiliary or a filter stands before what is opened (F1).
    pub(super) fn filter_aborts(&self, root: ObjectIndex, list: &[ObjectIndex]) -> Option<Failure> {
        let first = *list.first()?;
        let aborts = first != root && !self.system.at_least("2.32") && self.holds(Law::OldFilterAborts);
        let name = |it: ObjectIndex| self.objects.get(it).map_or_else(Vec::new, |it| it.name.clone());
        let reason = || format!("{} comes before it: {ABORTS}", printable(&name(first)));
        aborts.then(|| Failure::Unusable { path: name(root), needed_by: Vec::new(), reason: reason() })
    }

    fn make_visible(&mut self, root: ObjectIndex, visibility: Visibility) {
        if visibility == Visibility::Global && self.holds(Law::GlobalReaches) || !self.holds(Law::OwnTree) {
            for index in self.scope(root) {
                if !self.global.contains(&index) {
                    self.global.push(index);
                }
            }
        }
    }

    fn open_root(&mut self, request: Request<'_>) -> Result<ObjectIndex, Failure> {
        let mut trace = self.trace();
        let parent = match request {
            Request::Name { caller, .. } if !self.holds(Law::OpenedHasNoParent) => Some(caller),
            Request::Name { .. } | Request::Path(_) => None,
        };
        let (asked, answer) = self.request(request, &mut trace);
        let asked = asked.as_slice();
        self.absorb(&mut trace);
        match answer {
            Answer::Loaded(index) => {
                self.learn(index, asked);
                Ok(index)
            }
            Answer::Found { name, object, via } => {
                let root = self.objects.len();
                let via = if asked.contains(&b'/') { Via::Dlopen } else { via };
                self.add(name, object, parent, via, root, vec![asked.to_vec()]);
                self.keep(root, trace.refused);
                Ok(root)
            }
            // Nobody needs a path that is asked for.
            Answer::Failed(Failure::Unusable { path, reason, .. }) if asked.contains(&b'/') => {
                Err(Failure::Unusable { path, needed_by: Vec::new(), reason })
            }
            Answer::Failed(failure) => Err(failure),
        }
    }

    /// Maps what the objects of `list` need, breadth first; the list of the roots and everything below them comes back, in
    /// the order in which symbols are looked up. Auxiliaries and filters stand before the object that names them, and move
    /// there from wherever they stood, in this list and in the link map (`_dl_map_object_deps` in glibc `elf/dl-deps.c`).
    pub(super) fn map_needs(&mut self, roots: Vec<ObjectIndex>) -> Result<Vec<ObjectIndex>, Failure> {
        let root = roots.first().copied().unwrap_or(0);
        let (mut list, mut done) = (roots, BTreeSet::new());
        let mut at = 0;
        while let Some(index) = list.get(at).copied() {
            if !done.insert(index) {
                at += 1;
                continue;
            }
            let mut before = at;
            for (number, (name, kind)) in needs(self.objects.get(index), self.system.family).into_iter().enumerate() {
                let found = self.satisfied(index, number, &name, kind);
                // The assertion comes before the failure is told.
                let found = found.map_err(|failure| self.filter_aborts(root, &list).unwrap_or(failure))?;
                let Some(found) = found else { continue };
                let place = list.iter().position(|it| *it == found);
                match kind {
                    NeedKind::Needed if place.is_none() && self.holds(Law::BreadthFirst) => list.push(found),
                    NeedKind::Needed if place.is_none() => list.insert(at + 1, found),
                    NeedKind::Needed => {}
                    NeedKind::Filter | NeedKind::Auxiliary if place.is_some_and(|it| it <= before) => {}
                    NeedKind::Filter | NeedKind::Auxiliary if !self.holds(Law::FilterFirst) => {
                        list.extend(Some(found).filter(|_| place.is_none()));
                    }
                    NeedKind::Filter | NeedKind::Auxiliary => {
                        place.into_iter().for_each(|it| {
                            list.remove(it);
                        });
                        list.insert(before, found);
                        before += 1;
                        self.relink(found, index);
                    }
                }
            }
        }
        Ok(list)
    }

    /// The object that satisfies need `number` of an object: as it was found before, else by a request. An auxiliary that
    /// was not there is asked for again.
    fn satisfied(
        &mut self,
        index: ObjectIndex,
        number: usize,
        name: &[u8],
        kind: NeedKind,
    ) -> Result<Option<ObjectIndex>, Failure> {
        let known = self.objects.get(index).and_then(|it| it.needs.get(number)).map(|(_, answer)| *answer);
        match known {
            Some(Some(found)) => return Ok(Some(found)),
            Some(None) if kind != NeedKind::Auxiliary => return Ok(None),
            Some(None) | None => {}
        }
        let found = match self.need(index, name) {
            Ok(found) => Some(found),
            Err(_) if kind == NeedKind::Auxiliary && self.holds(Law::AuxiliaryMayMiss) => None,
            Err(failure) if self.event > 0 => return Err(failure),
            Err(failure) => {
                self.start_failures.push(failure);
                None
            }
        };
        if let Some(loaded) = self.objects.get_mut(index).filter(|_| known.is_none()) {
            loaded.needs.push((name.to_vec(), found));
        }
        Ok(found)
    }

    /// Puts an object before another one in the link map. glibc goes through it from the executable on: what stands before
    /// the executable, because it was put there or because the executable was moved, is found by nobody any more.
    fn relink(&mut self, moved: ObjectIndex, before: ObjectIndex) {
        self.link_map.retain(|it| *it != moved);
        let Some(place) = self.link_map.iter().position(|it| *it == before) else { return };
        if moved == 0 {
            self.link_map.drain(..place);
            self.link_map.insert(0, moved);
        } else if place > 0 {
            self.link_map.insert(place, moved);
        }
    }

    fn need(&mut self, requester: ObjectIndex, name: &[u8]) -> Result<ObjectIndex, Failure> {
        // Tokens are replaced before anything else: the object is known by what they stand for.
        let name = &self.expanded(requester, name);
        let mut trace = self.trace();
        let answer = self.answer(Some(requester), name, &mut trace);
        self.absorb(&mut trace);
        match answer {
            Answer::Loaded(index) => {
                self.learn(index, name);
                Ok(index)
            }
            Answer::Found { name: path, object, via } => {
                let index = self.objects.len();
                if index >= OBJECTS {
                    return Err(Failure::TooMany);
                }
                let root = self.objects.get(requester).map_or(index, |it| it.scope_root);
                self.add(path, object, Some(requester), via, root, vec![name.to_vec()]);
                self.keep(index, trace.refused);
                Ok(index)
            }
            Answer::Failed(failure) => Err(failure),
        }
    }

    pub(super) fn add(
        &mut self,
        name: Vec<u8>,
        object: Arc<Object>,
        needed_by: Option<ObjectIndex>,
        via: Via,
        scope_root: ObjectIndex,
        asked: Vec<Vec<u8>>,
    ) {
        self.link_map.push(self.objects.len());
        self.objects.push(Loaded {
            name,
            object,
            asked,
            needed_by,
            via,
            needs: Vec::new(),
            event: self.event,
            scope_root,
            globals_at_load: self.global.len(),
            searched: Vec::new(),
            probes: Vec::new(),
        });
    }

    /// An object is known by one more name. musl knows it by one short name only, that of its file.
    pub(super) fn learn(&mut self, index: ObjectIndex, name: &[u8]) {
        if !self.holds(Law::NamesAreLearnt) {
            return;
        }
        let family = self.system.family;
        let short_only = self.holds(Law::MuslShortName);
        let Some(loaded) = self.objects.get_mut(index).filter(|it| !it.asked.iter().any(|it| it == name)) else {
            return;
        };
        match family {
            Family::Musl if !short_only => loaded.asked.push(name.to_vec()),
            Family::Glibc => loaded.asked.push(name.to_vec()),
            Family::Musl if name.contains(&b'/') || loaded.asked.iter().any(|it| !it.contains(&b'/')) => {}
            Family::Musl => {
                let cut = loaded.name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
                let short = loaded.name.get(cut..).unwrap_or_default().to_vec();
                loaded.asked.push(short);
            }
        }
    }

    fn keep(&mut self, index: ObjectIndex, probes: Vec<Probe>) {
        if let Some(loaded) = self.objects.get_mut(index) {
            loaded.probes = probes;
        }
    }
}

/// How much an object insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NeedKind {
    /// DT_NEEDED.
    Needed,
    /// DT_FILTER: must be there, and comes before the object.
    Filter,
    /// DT_AUXILIARY: may be missing, and comes before the object.
    Auxiliary,
}

fn soname(loaded: &Loaded) -> Option<&[u8]> {
    loaded.object.linkage.as_ref().ok()?.soname.as_deref()
}

/// Names that an object asks for, in the order in which linkers write them. musl does not know filters (F1).
pub(super) fn needs(loaded: Option<&Loaded>, family: Family) -> Vec<(Vec<u8>, NeedKind)> {
    let Some(Ok(linkage)) = loaded.map(|it| &it.object.linkage) else { return Vec::new() };
    let mut out: Vec<_> = linkage.needed.iter().map(|it| (it.clone(), NeedKind::Needed)).collect();
    if family == Family::Glibc {
        out.extend(linkage.filter.iter().map(|it| (it.clone(), NeedKind::Filter)));
        out.extend(linkage.auxiliary.iter().map(|it| (it.clone(), NeedKind::Auxiliary)));
    }
    out
}
