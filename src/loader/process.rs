//! One process: what it maps, event by event.

use std::collections::VecDeque;
use std::sync::Arc;

use super::candidate::{Candidate, Shape, look};
use super::glibc::{self, Directory};
use super::hwcaps::{CpuLevel, subdirectories};
use super::objects::{Object, Objects};
use super::system::{Family, System};
use super::versions::VersionMiss;
use super::{Loaded, Missing, ObjectIndex, Probe, Via, musl, tokens};
use crate::base::{TreePath, Variables};

/// Most objects in one process; a tree that needs more is hostile.
const OBJECTS: usize = 20_000;

/// How a process begins.
pub struct Start<'a> {
    /// The executable: a real path.
    pub executable: &'a TreePath,
    /// Its loader.
    pub system: &'a System,
    /// Its environment at `exec`; later changes have no effect on the loader (S8).
    pub variables: &'a Variables,
    /// What its CPU can do.
    pub cpu: CpuLevel,
    /// Keep every candidate that was passed over.
    pub keep_probes: bool,
}

/// What `dlopen` is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// A path, opened as given.
    Path(&'a [u8]),
    /// A bare name, searched with the tags of the caller (S7).
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
    /// More objects than any process has.
    TooMany,
}

/// One process.
pub struct Process<'v> {
    /// Every object in load order; the executable is first.
    pub objects: Vec<Loaded>,
    /// What the start could not satisfy. A process with such failures does not start.
    pub start_failures: Vec<Failure>,
    /// Preload entries that were found nowhere: a warning of the loader, no failure.
    pub missing_preloads: Vec<Vec<u8>>,
    pub(super) store: &'v Objects<'v>,
    pub(super) system: System,
    pub(super) library_path: Vec<Vec<u8>>,
    pub(super) global: Vec<ObjectIndex>,
    shape: Shape,
    cpu: CpuLevel,
    hwcaps: Vec<String>,
    keep_probes: bool,
    event: usize,
}

enum Answer {
    Loaded(ObjectIndex),
    Found { name: Vec<u8>, object: Arc<Object>, via: Via, probes: Vec<Probe> },
    Failed(Failure),
}

impl<'v> Process<'v> {
    /// Event 0: the loader maps the executable, what is preloaded, and everything they need.
    ///
    /// # Errors
    /// When the executable itself is not a readable object.
    pub fn start(store: &'v Objects<'v>, start: &Start<'_>) -> Result<Self, String> {
        let executable = store.get(start.executable).map_err(|error| error.to_string())?;
        let linkage = executable.linkage.as_ref().map_err(ToString::to_string)?;
        let glibc = start.system.family == Family::Glibc;
        let shape = Shape::of(linkage, glibc && start.system.at_least("2.41"));
        let version = start.system.version.as_deref().unwrap_or("2.99");
        let hwcaps = if glibc && shape.machine == 62 { subdirectories(version, start.cpu) } else { Vec::new() };
        let mut process = Self {
            objects: Vec::new(),
            start_failures: Vec::new(),
            missing_preloads: Vec::new(),
            store,
            system: start.system.clone(),
            library_path: Vec::new(),
            global: Vec::new(),
            shape,
            cpu: start.cpu,
            hwcaps,
            keep_probes: start.keep_probes,
            event: 0,
        };
        process.add(start.executable.as_bytes().to_vec(), executable, None, Via::Executable, 0, Vec::new());
        process.library_path = process.read_library_path(start.variables);
        process.map_start(start.variables);
        Ok(process)
    }

    /// A process that cannot start: it holds nothing, and every request fails.
    pub fn absent(store: &'v Objects<'v>, system: System) -> Self {
        let shape = Shape { machine: 0, bits: 0, little_endian: true, refuses_executable_stack: false };
        Self {
            objects: Vec::new(),
            start_failures: Vec::new(),
            missing_preloads: Vec::new(),
            store,
            system,
            library_path: Vec::new(),
            global: Vec::new(),
            shape,
            cpu: CpuLevel::Baseline,
            hwcaps: Vec::new(),
            keep_probes: false,
            event: 0,
        }
    }

    /// One `dlopen`. On success the index of the object that was asked for.
    ///
    /// # Errors
    /// The first failure; nothing that it brought in stays.
    pub fn open(&mut self, request: Request<'_>, visibility: Visibility) -> Result<ObjectIndex, Failure> {
        self.event += 1;
        let before = self.objects.len();
        let result = self.open_root(request).and_then(|root| {
            self.map_needs(before)?;
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
        let by_name = |it: &Loaded| it.asked.iter().any(|asked| asked == name) || it.name == name;
        match self.system.family {
            Family::Glibc => self.objects.iter().position(|it| by_name(it) || soname(it) == Some(name)),
            Family::Musl => self.objects.iter().position(|it| it.asked.iter().any(|asked| asked == name)),
        }
    }

    /// Where a bare name would be searched, without loading anything.
    pub fn search(&self, requester: ObjectIndex, name: &[u8]) -> (Result<(Vec<u8>, Via), Failure>, Vec<Probe>) {
        let mut probes = Vec::new();
        let result = match self.search_name(requester, name, &mut probes) {
            Answer::Found { name, via, .. } => Ok((name, via)),
            Answer::Loaded(index) => {
                Ok((self.objects.get(index).map_or_else(Vec::new, |it| it.name.clone()), Via::Absolute))
            }
            Answer::Failed(failure) => Err(failure),
        };
        (result, probes)
    }

    pub(super) fn token_lib(&self) -> &[u8] {
        let first = self.system.default_directories.first().map_or(b"".as_slice(), Vec::as_slice);
        first.strip_prefix(b"/").unwrap_or(first)
    }

    pub(super) fn token_platform(&self) -> &'static [u8] {
        tokens::platform(self.shape.machine, self.cpu, self.system.at_least("2.31"))
    }

    fn read_library_path(&self, variables: &Variables) -> Vec<Vec<u8>> {
        let Some(list) = variables.non_empty("LD_LIBRARY_PATH") else { return Vec::new() };
        match (self.system.family, self.objects.first()) {
            (Family::Glibc, Some(executable)) => glibc::split(self, list, b":;", &glibc::origin(executable)),
            (Family::Glibc, None) | (Family::Musl, _) => {
                list.split(|b| *b == b':' || *b == b'\n').filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
            }
        }
    }

    fn map_start(&mut self, variables: &Variables) {
        let mut preloads = words(variables.get("LD_PRELOAD").unwrap_or_default());
        if let Some(file) = &self.system.preload_file {
            if let Ok(text) = self.store.view().read_text(file.as_bytes()) {
                preloads.extend(words(text.as_bytes()));
            }
        }
        for entry in preloads {
            if let Err(_missing) = self.preload(&entry) {
                self.missing_preloads.push(entry);
            }
        }
        let mut from = 0;
        while from < self.objects.len() {
            if let Err(failure) = self.map_needs_of(from) {
                self.start_failures.push(failure);
            }
            from += 1;
        }
        self.global = self.scope_of_all((0..self.objects.len()).filter(|it| self.needed_by_nobody(*it)));
        let misses = self.check_versions(0);
        self.start_failures.extend(misses.into_iter().map(Failure::Version));
    }

    fn needed_by_nobody(&self, index: ObjectIndex) -> bool {
        self.objects.get(index).is_some_and(|it| it.needed_by.is_none())
    }

    fn preload(&mut self, entry: &[u8]) -> Result<(), Failure> {
        let answer = if entry.contains(&b'/') {
            self.open_path(entry, Via::Preload)
        } else {
            self.search_name(0, entry, &mut Vec::new())
        };
        match answer {
            Answer::Loaded(_) => Ok(()),
            Answer::Found { name, object, .. } => {
                self.add(name, object, None, Via::Preload, 0, vec![entry.to_vec()]);
                Ok(())
            }
            Answer::Failed(failure) => Err(failure),
        }
    }

    fn open_root(&mut self, request: Request<'_>) -> Result<ObjectIndex, Failure> {
        let (asked, answer) = match request {
            Request::Path(path) => (path, self.open_path(path, Via::Dlopen)),
            Request::Name { name, .. } if name.contains(&b'/') => (name, self.open_path(name, Via::Dlopen)),
            Request::Name { name, caller } => (name, self.answer(caller, name)),
        };
        match answer {
            Answer::Loaded(index) => {
                self.learn(index, asked);
                Ok(index)
            }
            Answer::Found { name, object, via, probes } => {
                let root = self.objects.len();
                self.add(name, object, None, via, root, vec![asked.to_vec()]);
                self.keep(root, probes);
                Ok(root)
            }
            Answer::Failed(failure) => Err(failure),
        }
    }

    /// Breadth first from object `from` on.
    fn map_needs(&mut self, from: ObjectIndex) -> Result<(), Failure> {
        let mut at = from;
        while at < self.objects.len() {
            self.map_needs_of(at)?;
            at += 1;
        }
        Ok(())
    }

    fn map_needs_of(&mut self, requester: ObjectIndex) -> Result<(), Failure> {
        let mut first_failure = None;
        for (name, optional) in needs(self.objects.get(requester)) {
            let answer = self.answer(requester, &name);
            let found = match answer {
                Answer::Loaded(index) => {
                    self.learn(index, &name);
                    Some(index)
                }
                Answer::Found { name: path, object, via, probes } => {
                    let index = self.objects.len();
                    if index >= OBJECTS {
                        return Err(Failure::TooMany);
                    }
                    let root = self.objects.get(requester).map_or(index, |it| it.scope_root);
                    self.add(path, object, Some(requester), via, root, vec![name.clone()]);
                    self.keep(index, probes);
                    Some(index)
                }
                Answer::Failed(failure) => {
                    if !optional {
                        if self.event > 0 {
                            return Err(failure);
                        }
                        match &first_failure {
                            None => first_failure = Some(failure),
                            Some(_) => self.start_failures.push(failure),
                        }
                    }
                    None
                }
            };
            if let Some(loaded) = self.objects.get_mut(requester) {
                loaded.needs.push((name, found));
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    fn answer(&mut self, requester: ObjectIndex, name: &[u8]) -> Answer {
        if let Some(index) = self.loaded_as(name) {
            return Answer::Loaded(index);
        }
        if self.is_loader(name) {
            return match self.store.get(&self.system.loader) {
                Ok(object) => self.found(self.system.interpreter.clone(), object, Via::Absolute, Vec::new()),
                Err(error) => Answer::Failed(Failure::Unusable {
                    path: self.system.interpreter.clone(),
                    needed_by: Vec::new(),
                    reason: error.to_string(),
                }),
            };
        }
        if name.contains(&b'/') {
            let by = self.objects.get(requester);
            let origin = by.map_or_else(Vec::new, glibc::origin);
            let tokens = tokens::Tokens { origin: &origin, lib: self.token_lib(), platform: self.token_platform() };
            return self.open_path(&tokens::expand(name, &tokens), Via::Absolute);
        }
        let mut probes = Vec::new();
        self.search_name(requester, name, &mut probes)
    }

    /// The loader is in every process from the first instruction on; it is never searched.
    fn is_loader(&self, name: &[u8]) -> bool {
        let cut = self.system.interpreter.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let own = self.system.family == Family::Musl && musl::is_own(name);
        own || self.system.interpreter.get(cut..) == Some(name)
    }

    fn open_path(&self, path: &[u8], via: Via) -> Answer {
        if let Some(index) = self.loaded_as(path) {
            return Answer::Loaded(index);
        }
        let unusable =
            |reason: String| Answer::Failed(Failure::Unusable { path: path.to_vec(), needed_by: Vec::new(), reason });
        match look(self.store, path, self.shape) {
            Candidate::Opened(object) => self.found(path.to_vec(), object, via, Vec::new()),
            Candidate::Refused(reason) | Candidate::Fatal(reason) => unusable(reason),
            Candidate::Loop => unusable("too many levels of symbolic links".to_owned()),
        }
    }

    fn found(&self, name: Vec<u8>, object: Arc<Object>, via: Via, probes: Vec<Probe>) -> Answer {
        match self.objects.iter().position(|it| it.object.id == object.id) {
            Some(index) => Answer::Loaded(index),
            None => Answer::Found { name, object, via, probes },
        }
    }

    fn search_name(&self, requester: ObjectIndex, name: &[u8], probes: &mut Vec<Probe>) -> Answer {
        let mut searched: Vec<(Vec<u8>, Via)> = Vec::new();
        let mut abandoned = None;
        for directory in self.directories(requester, name) {
            match &directory {
                Place::Directory(it) if abandoned == Some(it.list) => continue,
                Place::Directory(it) if !searched.iter().any(|(path, _)| *path == it.path) => {
                    searched.push((it.path.clone(), it.via));
                }
                Place::Directory(_) | Place::File(..) => {}
            }
            for (path, via) in self.candidates(&directory, name) {
                match self.probe(&path) {
                    Candidate::Opened(object) => return self.found(path, object, via, std::mem::take(probes)),
                    Candidate::Refused(refused) => {
                        if self.keep_probes || refused != "not there" {
                            probes.push(Probe { path, via, refused });
                        }
                    }
                    Candidate::Loop => {
                        if let Place::Directory(it) = &directory {
                            abandoned = Some(it.list);
                        }
                        probes.push(Probe { path, via, refused: "too many levels of symbolic links".to_owned() });
                        break;
                    }
                    Candidate::Fatal(reason) => {
                        let needed_by = self.objects.get(requester).map_or_else(Vec::new, |it| it.name.clone());
                        return Answer::Failed(Failure::Unusable { path, needed_by, reason });
                    }
                }
            }
        }
        let needed_by = self.objects.get(requester).map_or_else(Vec::new, |it| it.name.clone());
        Answer::Failed(Failure::Missing(Missing { needed_by, soname: name.to_vec(), searched }))
    }

    /// Looks at a candidate, and not even that where the listing of its directory lacks it.
    fn probe(&self, path: &[u8]) -> Candidate {
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let (directory, name) = path.split_at_checked(cut).unwrap_or_default();
        let name = name.strip_prefix(b"/").unwrap_or(name);
        if directory.is_empty() || self.store.view().may_hold(directory, name) {
            look(self.store, path, self.shape)
        } else {
            Candidate::Refused("not there".to_owned())
        }
    }

    fn directories(&self, requester: ObjectIndex, name: &[u8]) -> Vec<Place> {
        if self.system.family == Family::Musl {
            return musl::directories(self, requester).into_iter().map(Place::Directory).collect();
        }
        let mut places: Vec<Place> = glibc::before_cache(self, requester).into_iter().map(Place::Directory).collect();
        let no_default = self
            .objects
            .get(requester)
            .and_then(|it| it.object.linkage.as_ref().ok())
            .is_some_and(|it| it.no_default_library_path);
        let in_default = |path: &[u8]| {
            let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
            self.system.default_directories.iter().any(|it| Some(it.as_slice()) == path.get(..cut))
        };
        if let Some(path) = self.cached(name) {
            if !(no_default && in_default(&path)) {
                places.push(Place::File(path, Via::Cache));
            }
        }
        if !no_default {
            let list = usize::MAX;
            let all = self.system.default_directories.iter();
            places.extend(all.map(|it| Place::Directory(Directory { path: it.clone(), via: Via::Default, list })));
        }
        places
    }

    /// glibc takes one entry of the cache: the best one.
    fn cached(&self, name: &[u8]) -> Option<Vec<u8>> {
        let cache = self.system.cache.as_ref()?;
        let levels: Vec<&[u8]> =
            self.hwcaps.iter().filter_map(|it| it.strip_prefix("glibc-hwcaps/")).map(str::as_bytes).collect();
        let flags = cache_flags(self.shape.machine, self.shape.bits);
        let legacy = !self.system.at_least("2.37");
        cache.paths(name, flags, &levels, legacy).first().map(|it| it.to_vec())
    }

    fn candidates(&self, place: &Place, name: &[u8]) -> Vec<(Vec<u8>, Via)> {
        let Directory { path, via, .. } = match place {
            Place::File(path, via) => return vec![(path.clone(), *via)],
            Place::Directory(directory) => directory,
        };
        let join = |below: &str| {
            let mut full = path.clone();
            full.push(b'/');
            full.extend_from_slice(below.as_bytes());
            full.extend_from_slice(name);
            (full, *via)
        };
        let view = self.store.view();
        if path.is_empty() {
            // The working directory of the process is not known.
            return Vec::new();
        }
        let mut out = Vec::new();
        for below in &self.hwcaps {
            let first = below.split('/').next().unwrap_or(below);
            if view.may_hold(path, first.as_bytes()) {
                out.push(join(&format!("{below}/")));
            }
        }
        out.push(join(""));
        out
    }

    fn add(
        &mut self,
        name: Vec<u8>,
        object: Arc<Object>,
        needed_by: Option<ObjectIndex>,
        via: Via,
        scope_root: ObjectIndex,
        asked: Vec<Vec<u8>>,
    ) {
        let globals_at_load = self.global.len();
        let event = self.event;
        let needs = Vec::new();
        let probes = Vec::new();
        self.objects.push(Loaded {
            name,
            object,
            asked,
            needed_by,
            via,
            needs,
            event,
            scope_root,
            globals_at_load,
            probes,
        });
    }

    fn learn(&mut self, index: ObjectIndex, name: &[u8]) {
        if let Some(loaded) = self.objects.get_mut(index) {
            if !loaded.asked.iter().any(|it| it == name) {
                loaded.asked.push(name.to_vec());
            }
        }
    }

    fn keep(&mut self, index: ObjectIndex, probes: Vec<Probe>) {
        if let Some(loaded) = self.objects.get_mut(index) {
            loaded.probes = probes;
        }
    }

    /// `roots` and everything below them, breadth first, each once.
    pub(super) fn scope_of_all(&self, roots: impl Iterator<Item = ObjectIndex>) -> Vec<ObjectIndex> {
        let mut out: Vec<ObjectIndex> = Vec::new();
        let mut queue: VecDeque<ObjectIndex> = roots.collect();
        while let Some(index) = queue.pop_front() {
            if !out.contains(&index) {
                out.push(index);
                if let Some(loaded) = self.objects.get(index) {
                    queue.extend(loaded.needs.iter().filter_map(|(_, answer)| *answer));
                }
            }
        }
        out
    }
}

enum Place {
    Directory(Directory),
    File(Vec<u8>, Via),
}

fn soname(loaded: &Loaded) -> Option<&[u8]> {
    loaded.object.linkage.as_ref().ok()?.soname.as_deref()
}

/// Names that an object asks for, in order: auxiliaries may be missing, filters and NEEDED may not.
fn needs(loaded: Option<&Loaded>) -> Vec<(Vec<u8>, bool)> {
    let Some(Ok(linkage)) = loaded.map(|it| &it.object.linkage) else { return Vec::new() };
    let optional = linkage.auxiliary.iter().map(|it| (it.clone(), true));
    let required = linkage.filter.iter().chain(&linkage.needed).map(|it| (it.clone(), false));
    optional.chain(required).collect()
}

fn words(list: &[u8]) -> Vec<Vec<u8>> {
    let pieces = list.split(|b| b.is_ascii_whitespace() || *b == b':');
    pieces.filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Flags of the cache entries that a machine uses. Source: glibc `sysdeps/generic/ldconfig.h`; x86-64 measured.
fn cache_flags(machine: u16, bits: u8) -> &'static [i32] {
    match (machine, bits) {
        (62, 64) => &[0x0303],
        (62, 32) => &[0x0803],
        (183, _) => &[0x0a03],
        (21, _) => &[0x0503],
        (22, 64) => &[0x0403],
        (243, _) => &[0x1003, 0x0f03],
        _ => &[0x0003],
    }
}
