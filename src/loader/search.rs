//! The search for one name: from the directories of a requester to a file.

use std::sync::Arc;

use super::candidate::{Candidate, look};
use super::glibc::{self, Directory};
use super::objects::Object;
use super::process::{Answer, Failure, Process};
use super::start::Detail;
use super::system::Family;
use super::tokens::{self, Tokens};
use super::{Law, Loaded, Missing, ObjectIndex, Probe, Try, Via, musl};

/// A file as the loader spells it, and where its directory comes from.
type Place = (Vec<u8>, Via);

/// What a search leaves behind beside its answer.
#[derive(Default)]
pub(super) struct Trace {
    /// Candidates that were passed over.
    pub(super) refused: Vec<Probe>,
    /// Every candidate, in order, where the process keeps probes.
    pub(super) tried: Vec<Try>,
    root: RootDirectory,
    levels_matter: bool,
}

/// What glibc believes of `/` as an element of a search path.
///
/// `open_path` in glibc `elf/dl-load.c` cuts the file name and the slash off a candidate that it cannot open, to see
/// whether there is such a directory: of `/x` nothing is left. The first miss makes `/` a directory that is not there.
/// Measured in 2.36 and 2.41; 2.38 leaves the slash where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum RootDirectory {
    #[default]
    NotAsked,
    There,
    Gone,
}

impl RootDirectory {
    fn learn(&mut self, candidate: &Candidate) {
        *self = match (*self, candidate) {
            (Self::NotAsked, Candidate::Opened(_)) => Self::There,
            (Self::NotAsked, Candidate::Refused(_) | Candidate::Loop | Candidate::Fatal(_)) => Self::Gone,
            (Self::There | Self::Gone, _) => *self,
        };
    }

    fn is_there(self, in_root: bool) -> bool {
        !in_root || self != Self::Gone
    }
}

/// What came of one place.
enum Tried {
    Hit(Vec<u8>, Arc<Object>, Via),
    Unusable(Vec<u8>, String),
    Next,
    /// The rest of this list is not looked at.
    Abandon(usize),
}

/// Where to look next.
enum Step {
    Directory(Directory),
    File(Vec<u8>),
    /// An entry of the cache that does not count.
    Dropped(Vec<u8>),
}

impl Process<'_> {
    /// Where a bare name would be searched, without loading anything.
    pub fn search(&self, requester: ObjectIndex, name: &[u8]) -> (Result<Place, Failure>, Vec<Probe>) {
        let mut trace = self.trace();
        let result = match self.search_name(Some(requester), name, &mut trace) {
            Answer::Found { name, via, .. } => Ok((name, via)),
            Answer::Loaded(index) => {
                Ok((self.objects.get(index).map_or_else(Vec::new, |it| it.name.clone()), Via::Absolute))
            }
            Answer::Failed(failure) => Err(failure),
        };
        (result, trace.refused)
    }

    /// For one request.
    pub(super) fn trace(&self) -> Trace {
        Trace { root: self.root, ..Trace::default() }
    }

    /// Keeps what a request taught; what was passed over goes with the object that was found.
    pub(super) fn absorb(&mut self, trace: &mut Trace) {
        self.tried.append(&mut trace.tried);
        self.root = trace.root;
        self.levels_matter |= trace.levels_matter;
    }

    /// What a request is given: an object of the process, a file, or a failure.
    pub(super) fn answer(&self, requester: Option<ObjectIndex>, name: &[u8], trace: &mut Trace) -> Answer {
        if let Some(index) = self.loaded_as(name) {
            return Answer::Loaded(index);
        }
        if self.holds(Law::LoaderIsThere) && self.is_loader(name) {
            return match self.store.get(&self.system.loader) {
                Ok(object) => self.found(self.system.interpreter.clone(), object, Via::Absolute),
                Err(error) => Answer::Failed(Failure::Unusable {
                    path: self.system.interpreter.clone(),
                    needed_by: self.name_of(requester),
                    reason: error.to_string(),
                }),
            };
        }
        if !name.contains(&b'/') {
            return self.search_name(requester, name, trace);
        }
        match requester {
            Some(by) => self.open_path(requester, &self.expanded(by, name), Via::Absolute),
            None => self.open_path(requester, name, Via::Absolute),
        }
    }

    /// A name with its tokens replaced; musl knows none in names.
    pub(super) fn expanded(&self, requester: ObjectIndex, name: &[u8]) -> Vec<u8> {
        match (self.system.family, self.objects.get(requester)) {
            (Family::Glibc, Some(by)) if name.contains(&b'$') => {
                let origin = self.origin(by);
                tokens::expand(name, &self.tokens(&origin))
            }
            (Family::Glibc | Family::Musl, _) => name.to_vec(),
        }
    }

    /// A path is opened as given, from the working directory on.
    pub(super) fn open_path(&self, requester: Option<ObjectIndex>, path: &[u8], via: Via) -> Answer {
        if let Some(index) = self.loaded_as(path) {
            return Answer::Loaded(index);
        }
        let needed_by = self.name_of(requester);
        match self.look(path) {
            Candidate::Opened(object) => self.found(path.to_vec(), object, via),
            Candidate::Refused(reason) | Candidate::Fatal(reason) => {
                Answer::Failed(Failure::Unusable { path: path.to_vec(), needed_by, reason })
            }
            Candidate::Loop => {
                Answer::Failed(Failure::Unusable { path: path.to_vec(), needed_by, reason: link_loop() })
            }
        }
    }

    pub(super) fn tokens<'a>(&'a self, origin: &'a [u8]) -> Tokens<'a> {
        let first = self.system.default_directories.first().map_or(b"".as_slice(), Vec::as_slice);
        let by_cpu = self.cpu.platform(self.system.version_or_new());
        Tokens {
            origin,
            lib: first.strip_prefix(b"/").unwrap_or(first),
            platform: tokens::platform(self.shape.machine, by_cpu),
            ends_anywhere: self.system.at_least("2.28"),
            without: self.surroundings.without,
        }
    }

    /// `$ORIGIN`: the directory of an object as it was opened; of the executable, its real directory.
    pub(super) fn origin(&self, loaded: &Loaded) -> Vec<u8> {
        let path = match loaded.via {
            _ if !self.holds(Law::OriginKeepsLinks) => loaded.real().as_bytes().to_vec(),
            Via::Executable => loaded.real().as_bytes().to_vec(),
            Via::Rpath { .. }
            | Via::LdLibraryPath
            | Via::Runpath
            | Via::Cache
            | Via::Default
            | Via::Absolute
            | Via::Preload
            | Via::Dlopen => match self.system.family {
                Family::Glibc => self.absolute(&loaded.name).unwrap_or_else(|| loaded.name.clone()),
                // musl leaves a relative name relative.
                Family::Musl => loaded.name.clone(),
            },
        };
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        path.get(..cut.max(1)).unwrap_or(b"/").to_vec()
    }

    /// The loader is in every process from the first instruction on; it is never searched.
    pub(super) fn is_loader(&self, name: &[u8]) -> bool {
        let interpreter = self.system.interpreter.as_slice();
        let cut = interpreter.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let short = interpreter.get(cut..).unwrap_or_default();
        match self.system.family {
            Family::Musl => musl::is_own(name) && self.holds(Law::MuslOwnNames) || name == short || name == interpreter,
            Family::Glibc => name == interpreter || name == self.loader_soname.as_deref().unwrap_or(short),
        }
    }

    fn name_of(&self, requester: Option<ObjectIndex>) -> Vec<u8> {
        requester.and_then(|it| self.objects.get(it)).map_or_else(Vec::new, |it| it.name.clone())
    }

    /// An object that is in the process under another name is the same object (M4).
    fn found(&self, name: Vec<u8>, object: Arc<Object>, via: Via) -> Answer {
        match self.first(|it| it.object.id == object.id) {
            Some(index) if self.holds(Law::FileAnswers) => Answer::Loaded(index),
            Some(_) | None => Answer::Found { name, object, via },
        }
    }

    /// A path from the root on; `None` where the working directory is not known.
    fn absolute(&self, path: &[u8]) -> Option<Vec<u8>> {
        if path.first() == Some(&b'/') {
            return Some(path.to_vec());
        }
        let directory = self.surroundings.directory.as_ref()?.as_bytes();
        let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        Some([directory, slash, path].concat())
    }

    fn look(&self, path: &[u8]) -> Candidate {
        match self.absolute(path) {
            Some(path) => {
                let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
                let (directory, name) = path.split_at_checked(cut).unwrap_or_default();
                if self.may_hold(directory, name.strip_prefix(b"/").unwrap_or(name)) {
                    look(self.store, &path, self.shape)
                } else {
                    Candidate::Refused("not there".to_owned())
                }
            }
            None => Candidate::Refused("the working directory is not known".to_owned()),
        }
    }

    fn search_name(&self, requester: Option<ObjectIndex>, name: &[u8], trace: &mut Trace) -> Answer {
        let mut searched: Vec<(Vec<u8>, Via)> = Vec::new();
        let mut abandoned = None;
        for place in self.places(requester, name) {
            if let Step::Directory(it) = &place {
                if abandoned == Some(it.list) {
                    continue;
                }
                if !searched.iter().any(|(path, _)| *path == it.path) {
                    searched.push((it.path.clone(), it.via));
                }
            }
            match self.try_place(&place, name, trace) {
                Tried::Hit(path, object, via) => return self.found(path, object, via),
                Tried::Unusable(path, reason) => {
                    let needed_by = self.name_of(requester);
                    return Answer::Failed(Failure::Unusable { path, needed_by, reason });
                }
                Tried::Next => {}
                Tried::Abandon(list) => abandoned = Some(list),
            }
        }
        let needed_by = self.name_of(requester);
        let refused = trace.refused.clone();
        Answer::Failed(Failure::Missing(Missing { needed_by, soname: name.to_vec(), searched, refused }))
    }

    fn try_place(&self, place: &Step, name: &[u8], trace: &mut Trace) -> Tried {
        let (via, list) = match place {
            Step::Dropped(path) => {
                let refused = "lies in a default directory, where the requester does not look".to_owned();
                trace.tried.extend(self.tried(path, Via::Cache, 0));
                trace.refused.push(Probe { path: path.clone(), via: Via::Cache, refused });
                return Tried::Next;
            }
            Step::Directory(it) => (it.via, Some(it.list)),
            Step::File(_) => (Via::Cache, None),
        };
        trace.levels_matter |= self.levels_matter_at(place);
        let mut candidates = self.candidates(place, name);
        let plain = candidates.pop();
        let all = candidates.into_iter().map(|it| (it, false)).chain(plain.map(|it| (it, true)));
        for (place, (path, is_plain)) in all.enumerate() {
            let in_root = is_plain && list.is_some() && self.is_root(&path);
            if in_root && trace.root == RootDirectory::Gone {
                continue;
            }
            trace.tried.extend(self.tried(&path, via, place));
            let candidate = self.look(&path);
            if in_root {
                trace.root.learn(&candidate);
            }
            match candidate {
                Candidate::Opened(object) => return Tried::Hit(path, object, via),
                Candidate::Refused(reason) if via == Via::Cache && !self.holds(Law::StaleCache) => {
                    return Tried::Unusable(path, reason);
                }
                Candidate::Refused(refused) if self.keeps_probes() || refused != "not there" => {
                    trace.refused.push(Probe { path, via, refused });
                }
                Candidate::Refused(_) => {}
                Candidate::Fatal(reason) if self.holds(Law::FirstHitFatal) => return Tried::Unusable(path, reason),
                Candidate::Loop if self.system.family == Family::Musl => return Tried::Unusable(path, link_loop()),
                Candidate::Fatal(refused) => trace.refused.push(Probe { path, via, refused }),
                Candidate::Loop => {
                    // A directory that cannot be entered is a directory that is not there.
                    let ends = is_plain && self.has_directory(&path) && trace.root.is_there(in_root);
                    trace.refused.push(Probe { path, via, refused: link_loop() });
                    if let Some(list) = list.filter(|_| ends && self.holds(Law::LinkLoop)) {
                        return Tried::Abandon(list);
                    }
                }
            }
        }
        Tried::Next
    }

    /// Whether another CPU might find another file here. `$PLATFORM` and the directories of old loaders are not looked at.
    fn levels_matter_at(&self, place: &Step) -> bool {
        match place {
            Step::Directory(it) => self.system.family == Family::Glibc && self.has_levels(&it.path),
            Step::File(_) | Step::Dropped(_) => self.system.cache.as_ref().is_some_and(|it| it.has_levels()),
        }
    }

    fn has_levels(&self, directory: &[u8]) -> bool {
        self.absolute(directory).is_some_and(|it| self.store.has_levels(&it))
    }

    /// Whether glibc finds a file in `/`.
    fn is_root(&self, path: &[u8]) -> bool {
        let glibc = self.system.family == Family::Glibc && !self.system.at_least("2.38") && self.holds(Law::RootOnce);
        glibc && path.iter().rposition(|it| *it == b'/') == Some(0)
    }

    fn tried(&self, path: &[u8], via: Via, place: usize) -> Option<Try> {
        self.keeps_probes().then(|| Try { path: path.to_vec(), via, place })
    }

    fn keeps_probes(&self) -> bool {
        self.detail == Detail::Probes
    }

    /// Whether a directory may hold a name: asked of its listing, where that is cheaper than a look.
    fn may_hold(&self, directory: &[u8], name: &[u8]) -> bool {
        directory.first() != Some(&b'/') || self.store.view().may_hold(directory, name)
    }

    fn has_directory(&self, path: &[u8]) -> bool {
        let Some(path) = self.absolute(path) else { return false };
        let cut = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        path.get(..cut).is_some_and(|it| self.store.view().is_directory(it))
    }

    fn places(&self, requester: Option<ObjectIndex>, name: &[u8]) -> Vec<Step> {
        if self.system.family == Family::Musl {
            return musl::directories(self, requester).into_iter().map(Step::Directory).collect();
        }
        let before = glibc::before_cache(self, requester.unwrap_or(0));
        let mut places: Vec<Step> = before.into_iter().map(Step::Directory).collect();
        let by = requester.and_then(|it| self.objects.get(it)?.object.linkage.as_ref().ok());
        let no_default = by.is_some_and(|it| it.no_default_library_path);
        if let Some(path) = self.cached(name) {
            // glibc compares the beginning: a directory below a default one counts as that.
            let below = |it: &Vec<u8>| path.strip_prefix(it.as_slice()).is_some_and(|rest| rest.first() == Some(&b'/'));
            let dropped =
                no_default && self.holds(Law::NoDefaultCache) && self.system.default_directories.iter().any(below);
            places.push(if dropped { Step::Dropped(path) } else { Step::File(path) });
        }
        if !no_default || !self.holds(Law::NoDefaultDirectories) {
            let list = usize::MAX;
            let all = self.system.default_directories.iter();
            places.extend(all.map(|it| Step::Directory(Directory { path: it.clone(), via: Via::Default, list })));
        }
        places
    }

    /// glibc takes one entry of the cache: the best one.
    fn cached(&self, name: &[u8]) -> Option<Vec<u8>> {
        let cache = self.system.cache.as_ref().filter(|_| self.holds(Law::CacheAnswers))?;
        let levels: Vec<&[u8]> =
            self.hwcaps.iter().filter_map(|it| it.strip_prefix("glibc-hwcaps/")).map(str::as_bytes).collect();
        let flags = cache_flags(self.shape.machine, self.shape.bits);
        let legacy = !self.system.at_least("2.37");
        let paths = cache.paths(name, flags, &levels, legacy);
        let best = if self.holds(Law::CacheLevels) { paths.first() } else { paths.last() };
        best.map(|it| it.to_vec())
    }

    /// The files that one place stands for, best first; the plain one is the last.
    fn candidates(&self, place: &Step, name: &[u8]) -> Vec<Vec<u8>> {
        let directory = match place {
            Step::File(path) | Step::Dropped(path) => return vec![path.clone()],
            Step::Directory(directory) => directory.path.as_slice(),
        };
        // musl puts a slash behind every directory, whatever it ends with.
        let joined = self.system.family == Family::Glibc && (directory.is_empty() || directory.ends_with(b"/"));
        let slash: &[u8] = if joined { b"" } else { b"/" };
        let plain = [directory, slash].concat();
        let mut out = Vec::new();
        for below in &self.hwcaps {
            let first = below.split('/').next().unwrap_or(below);
            let may_be = || match first {
                "glibc-hwcaps" => self.has_levels(directory),
                _ => self.may_hold(directory, first.as_bytes()),
            };
            if !self.keeps_probes() && !may_be() {
                continue;
            }
            let file = [plain.as_slice(), below.as_bytes(), b"/", name].concat();
            if self.keeps_probes() || self.has_directory(&file) {
                out.push(file);
            }
        }
        out.push([plain.as_slice(), name].concat());
        out
    }
}

fn link_loop() -> String {
    "too many levels of symbolic links".to_owned()
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
