//! How a process begins: the executable, what is preloaded, and everything they need.

use std::sync::Arc;

use super::candidate::{Shape, wants_executable_stack};
use super::glibc;
use super::hwcaps::{Capabilities, CpuLevel, CpuMaker, subdirectories};
use super::objects::{Object, Objects};
use super::process::{Answer, Failure, Process};
use super::search::RootDirectory;
use super::system::{Family, System};
use super::{Law, Missing, Via};
use crate::base::{TreePath, Variables};

/// S_ISUID and S_ISGID: whoever starts such a file becomes somebody else, and the loader trusts the environment less.
/// That the owner starts it himself, or that capabilities of the file do the same, is not seen here.
const SET_ID: u32 = 0o6000;
/// What a preload of a process in secure mode must have (ld.so(8)).
const SET_USER_ID: u32 = 0o4000;

/// What is started.
pub struct Start<'a> {
    /// The executable: a real path.
    pub executable: &'a TreePath,
    /// Its loader.
    pub system: &'a System,
    /// Its environment at `exec`; later changes have no effect on the loader (S8).
    pub variables: &'a Variables,
    /// What its CPU can do.
    pub cpu: CpuLevel,
    /// How much is worked out.
    pub detail: Detail,
}

/// How much is worked out of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Which file answers each name.
    Names,
    /// And whether it defines the symbol versions that are needed.
    Versions,
    /// And every candidate that was passed over.
    Probes,
}

/// What is seldom known of a process.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The working directory. Where it is not known, empty and relative elements of search paths lead nowhere.
    pub directory: Option<TreePath>,
    /// Who makes the CPU.
    pub maker: CpuMaker,
    /// What becomes of symbols that nothing defines.
    pub binding: Binding,
    /// A law that does not hold, to see who notices; none outside tests.
    pub without: Option<Law>,
}

/// What becomes of symbols that nothing defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binding {
    /// Nothing: [`Process::undefined`] tells them.
    #[default]
    Assumed,
    /// The request fails, as with `RTLD_NOW`; the start fails on what lazy binding does not put off.
    Checked,
}

impl<'v> Process<'v> {
    /// Event 0: the loader maps the executable, what is preloaded, and everything they need.
    ///
    /// # Errors
    /// When the executable itself is not a readable object.
    pub fn start(store: &'v Objects<'v>, start: &Start<'_>) -> Result<Self, String> {
        Self::start_in(store, start, Surroundings::default())
    }

    /// As [`Process::start`], in known surroundings.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_in(store: &'v Objects<'v>, start: &Start<'_>, surroundings: Surroundings) -> Result<Self, String> {
        let executable = store.get(start.executable).map_err(|error| error.to_string())?;
        let linkage = executable.linkage.as_ref().map_err(ToString::to_string)?;
        let family = start.system.family;
        let mut process = Self::absent(store, start.system.clone());
        let loader = store.get(&start.system.loader);
        let loader = loader.as_ref().ok().and_then(|it| it.linkage.as_ref().ok());
        process.loader_soname = loader.and_then(|it| it.soname.clone());
        process.shape = Shape::of(linkage, family);
        process.shape.without = surroundings.without;
        process.secure = executable.mode & SET_ID != 0;
        let tunables = start.variables.get("GLIBC_TUNABLES").filter(|_| !process.secure).unwrap_or_default();
        let tunables = if start.system.at_least("2.26") { tunables } else { b"" };
        process.cpu = Capabilities::of(start.cpu, surroundings.maker, tunables);
        if family == Family::Glibc && linkage.bits == 64 && surroundings.without != Some(Law::Hwcaps) {
            let version = start.system.version_or_new();
            process.hwcaps = subdirectories(version, linkage.machine, process.cpu);
        }
        process.detail = start.detail;
        process.surroundings = surroundings;
        process.add(start.executable.as_bytes().to_vec(), executable, None, Via::Executable, 0, Vec::new());
        process.library_path = process.read_library_path(start.variables);
        process.map_start(start.variables);
        Ok(process)
    }

    /// The same start of another executable that asks for the same names from the same directory: a package holds dozens
    /// of extensions that differ in nothing else.
    #[must_use]
    pub fn started_as(&self, executable: &TreePath, object: Arc<Object>) -> Self {
        let mut process = self.clone();
        let name = executable.as_bytes().to_vec();
        if let Some(first) = process.objects.first_mut() {
            for failure in &mut process.start_failures {
                if let Failure::Missing(Missing { needed_by, .. }) | Failure::Unusable { needed_by, .. } = failure
                    && *needed_by == first.name
                {
                    needed_by.clone_from(&name);
                }
            }
            (first.name, first.object) = (name, object);
        }
        process
    }

    /// A process that cannot start: it holds nothing, and every request fails.
    pub fn absent(store: &'v Objects<'v>, system: System) -> Self {
        let shape = Shape {
            family: system.family,
            machine: 0,
            bits: 0,
            little_endian: true,
            refuses_executable_stack: false,
            without: None,
        };
        Self {
            objects: Vec::new(),
            start_failures: Vec::new(),
            tried: Vec::new(),
            unreadable: Vec::new(),
            root: RootDirectory::NotAsked,
            missing_preloads: Vec::new(),
            store,
            system,
            loader_soname: None,
            library_path: Vec::new(),
            secure: false,
            levels_matter: false,
            link_map: Vec::new(),
            global: Vec::new(),
            shape,
            cpu: Capabilities::NONE,
            surroundings: Surroundings::default(),
            hwcaps: Vec::new(),
            detail: Detail::Names,
            event: 0,
        }
    }

    fn read_library_path(&self, variables: &Variables) -> Vec<Vec<u8>> {
        let Some(list) = variables.non_empty("LD_LIBRARY_PATH").filter(|_| !self.is_secure()) else {
            return Vec::new();
        };
        match (self.system.family, self.objects.first()) {
            (Family::Glibc, Some(executable)) => {
                let separators: &[u8] = if self.holds(Law::SemicolonSeparates) { b":;" } else { b":" };
                glibc::split(self, list, separators, &self.origin(executable))
            }
            (Family::Glibc, None) | (Family::Musl, _) => {
                list.split(|b| *b == b':' || *b == b'\n').filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
            }
        }
    }

    fn map_start(&mut self, variables: &Variables) {
        let mut preloads = words(variables.get("LD_PRELOAD").unwrap_or_default(), self.system.family);
        preloads.retain(|it| !(self.is_secure() && it.contains(&b'/')));
        let mut preloads: Vec<(Vec<u8>, bool)> = preloads.into_iter().map(|it| (it, false)).collect();
        if self.holds(Law::PreloadFile) {
            preloads.extend(self.system.preload_entries.iter().cloned().map(|it| (it, true)));
        }
        preloads.retain(|_| self.holds(Law::PreloadFirst));
        for (entry, trusted) in preloads {
            if let Err(_missing) = self.preload(&entry, trusted) {
                self.missing_preloads.push(entry);
            }
        }
        match self.map_needs((0..self.objects.len()).collect()) {
            Ok(list) => {
                let aborts = self.filter_aborts(0, &list);
                self.start_failures.splice(0..0, aborts);
                self.global = list;
            }
            Err(failure) => self.start_failures.push(failure),
        }
        let global = self.global.clone();
        self.objects.first_mut().into_iter().for_each(|it| it.searched.clone_from(&global));
        // Symbols are bound when everything of the start is mapped; what becomes global later does not reach them.
        let globals = self.global.len();
        self.objects.iter_mut().for_each(|it| it.globals_at_load = globals);
        // What is there from the start may make the stack executable; where nothing did, nothing that is opened may.
        let wants_stack = self.objects.iter().any(|it| it.object.linkage.as_ref().is_ok_and(wants_executable_stack));
        self.shape.refuses_executable_stack =
            self.system.family == Family::Glibc && self.system.at_least("2.41") && !wants_stack;
        let refused = self.refused(0);
        self.start_failures.extend(refused);
        if self.surroundings.binding == Binding::Checked {
            let unbound = self.binding_failures(0, true);
            self.start_failures.extend(unbound);
        }
    }

    /// glibc asks as if the executable needed the entry; musl asks for nobody, so that no RPATH counts (P1).
    fn preload(&mut self, entry: &[u8], trusted: bool) -> Result<(), Failure> {
        let requester = match self.system.family {
            Family::Glibc => self.holds(Law::PreloadByExecutable).then_some(0),
            Family::Musl => (!self.holds(Law::MuslPreload)).then_some(0),
        };
        let mut trace = self.trace();
        let answer = self.answer(requester, entry, &mut trace);
        self.absorb(&mut trace);
        match answer {
            Answer::Loaded(index) => {
                self.learn(index, entry);
                Ok(())
            }
            // In secure mode a preload is taken only with the set-user-ID bit; the file of the system is trusted.
            Answer::Found { name, object, .. } if self.is_secure() && !trusted && object.mode & SET_USER_ID == 0 => {
                let reason = "has no set-user-ID bit, and the process is in secure mode".to_owned();
                Err(Failure::Unusable { path: name, needed_by: Vec::new(), reason })
            }
            Answer::Found { name, object, .. } => {
                self.add(name, object, None, Via::Preload, 0, vec![entry.to_vec()]);
                Ok(())
            }
            Answer::Failed(failure) => Err(failure),
        }
    }
}

fn words(list: &[u8], family: Family) -> Vec<Vec<u8>> {
    let separates = |b: &u8| match family {
        Family::Glibc => *b == b' ' || *b == b':',
        Family::Musl => b.is_ascii_whitespace() || *b == b':',
    };
    list.split(separates).filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
}
