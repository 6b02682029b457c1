//! One process: what it maps, event by event.

use std::collections::VecDeque;
use std::sync::Arc;

use super::candidate::Shape;
use super::hwcaps::CpuLevel;
use super::objects::{Object, Objects};
use super::start::{Detail, Surroundings};
use super::system::{Family, System};
use super::undefined::{AtStart, Undefined};
use super::versions::VersionMiss;
use super::{Loaded, Missing, ObjectIndex, Probe, Via};

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
    /// An object insists on symbols that nothing in its scope defines.
    Undefined {
        /// The object, as the loader spells it.
        object: Vec<u8>,
        /// The symbols, in the order of its table; the loader names the first that it comes to.
        symbols: Vec<Undefined>,
    },
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
    /// Preload entries that were found nowhere: a warning of the loader, no failure.
    pub missing_preloads: Vec<Vec<u8>>,
    pub(super) store: &'v Objects<'v>,
    pub(super) system: System,
    /// DT_SONAME of the loader, under which libraries ask for it.
    pub(super) loader_soname: Option<Vec<u8>>,
    pub(super) library_path: Vec<Vec<u8>>,
    pub(super) global: Vec<ObjectIndex>,
    pub(super) shape: Shape,
    pub(super) cpu: CpuLevel,
    pub(super) surroundings: Surroundings,
    pub(super) hwcaps: Vec<String>,
    pub(super) detail: Detail,
    pub(super) event: usize,
    /// What the start answers, as far as it was asked.
    pub(super) at_start: AtStart,
}

/// What a request is given.
pub(super) enum Answer {
    Loaded(ObjectIndex),
    Found { name: Vec<u8>, object: Arc<Object>, via: Via, probes: Vec<Probe> },
    Failed(Failure),
}

impl Process<'_> {
    /// One `dlopen`. On success the index of the object that was asked for.
    ///
    /// # Errors
    /// The first failure; nothing that it brought in stays.
    pub fn open(&mut self, request: Request<'_>, visibility: Visibility) -> Result<ObjectIndex, Failure> {
        self.event += 1;
        let before = self.objects.len();
        let result = self.open_root(request).and_then(|root| {
            self.map_needs((before..self.objects.len()).collect())?;
            self.check_versions(before).into_iter().next().map_or(Ok(root), |miss| Err(Failure::Version(miss)))
        });
        match result {
            Ok(root) => {
                if visibility == Visibility::Global {
                    for index in self.scope(root) {
                        if !self.global.contains(&index) {
                            self.global.push(index);
                        }
                    }
                }
                Ok(root)
            }
            Err(failure) => {
                self.objects.truncate(before);
                Err(failure)
            }
        }
    }

    /// Number of the last event.
    pub fn event(&self) -> usize {
        self.event
    }

    /// An object in the process that a request for `name` would be given.
    pub fn loaded_as(&self, name: &[u8]) -> Option<ObjectIndex> {
        let asked = |it: &Loaded| it.asked.iter().any(|asked| asked == name);
        match self.system.family {
            // The executable has no name of its own; it may have a SONAME.
            Family::Glibc => self
                .objects
                .iter()
                .position(|it| asked(it) || it.via != Via::Executable && it.name == name || soname(it) == Some(name)),
            Family::Musl if name.contains(&b'/') => None,
            Family::Musl => self.objects.iter().position(asked),
        }
    }

    fn open_root(&mut self, request: Request<'_>) -> Result<ObjectIndex, Failure> {
        let (asked, answer) = match request {
            Request::Path(path) => (path, self.open_path(None, path, Via::Dlopen)),
            Request::Name { name, caller } => {
                // musl searches as if the executable asked (S7).
                let requester = if self.system.family == Family::Musl { 0 } else { caller };
                (name, self.answer(Some(requester), name))
            }
        };
        match answer {
            Answer::Loaded(index) => {
                self.learn(index, asked);
                Ok(index)
            }
            Answer::Found { name, object, via, probes } => {
                let root = self.objects.len();
                let via = if asked.contains(&b'/') { Via::Dlopen } else { via };
                self.add(name, object, None, via, root, vec![asked.to_vec()]);
                self.keep(root, probes);
                Ok(root)
            }
            // Nobody needs a path that is asked for.
            Answer::Failed(Failure::Unusable { path, reason, .. }) if asked.contains(&b'/') => {
                Err(Failure::Unusable { path, needed_by: Vec::new(), reason })
            }
            Answer::Failed(failure) => Err(failure),
        }
    }

    /// Breadth first from the objects in `queue` on; auxiliaries and filters come before the rest of it.
    pub(super) fn map_needs(&mut self, mut queue: VecDeque<ObjectIndex>) -> Result<(), Failure> {
        while let Some(requester) = queue.pop_front() {
            let mut first = 0;
            for (name, kind) in needs(self.objects.get(requester), self.system.family) {
                let before = self.objects.len();
                let found = match self.need(requester, &name) {
                    Ok(index) => Some(index),
                    Err(_) if kind == NeedKind::Auxiliary => None,
                    Err(failure) if self.event > 0 => return Err(failure),
                    Err(failure) => {
                        self.start_failures.push(failure);
                        None
                    }
                };
                if let Some(loaded) = self.objects.get_mut(requester) {
                    loaded.needs.push((name, found));
                }
                let new = before < self.objects.len();
                match kind {
                    NeedKind::Needed if new => queue.push_back(before),
                    NeedKind::Needed => {}
                    NeedKind::Filter | NeedKind::Auxiliary => {
                        let waiting = queue.iter().skip(first).position(|it| Some(*it) == found);
                        let waiting = waiting.and_then(|it| queue.remove(first + it));
                        if let Some(index) = waiting.or(new.then_some(before)) {
                            queue.insert(first, index);
                            first += 1;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn need(&mut self, requester: ObjectIndex, name: &[u8]) -> Result<ObjectIndex, Failure> {
        // Tokens are replaced before anything else: the object is known by what they stand for.
        let name = &self.expanded(requester, name);
        match self.answer(Some(requester), name) {
            Answer::Loaded(index) => {
                self.learn(index, name);
                Ok(index)
            }
            Answer::Found { name: path, object, via, probes } => {
                let index = self.objects.len();
                if index >= OBJECTS {
                    return Err(Failure::TooMany);
                }
                let root = self.objects.get(requester).map_or(index, |it| it.scope_root);
                self.add(path, object, Some(requester), via, root, vec![name.to_vec()]);
                self.keep(index, probes);
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
            probes: Vec::new(),
        });
    }

    /// An object is known by one more name. musl knows it by one short name only, that of its file.
    pub(super) fn learn(&mut self, index: ObjectIndex, name: &[u8]) {
        let family = self.system.family;
        let Some(loaded) = self.objects.get_mut(index).filter(|it| !it.asked.iter().any(|it| it == name)) else {
            return;
        };
        match family {
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
