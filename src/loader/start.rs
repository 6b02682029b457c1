//! How a process begins: the executable, what is preloaded, and everything they need.

use std::sync::Arc;

use super::candidate::Shape;
use super::glibc;
use super::hwcaps::{CpuLevel, CpuMaker, subdirectories};
use super::objects::{Object, Objects};
use super::process::{Answer, Failure, Process};
use super::system::{Family, System};
use super::undefined::AtStart;
use super::{Missing, ObjectIndex, Via};
use crate::base::{TreePath, Variables};

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
        process.shape = Shape::of(linkage, family, family == Family::Glibc && start.system.at_least("2.41"));
        if family == Family::Glibc && linkage.machine == 62 {
            process.hwcaps = subdirectories(start.system.version_or_new(), start.cpu, surroundings.maker);
        }
        process.cpu = start.cpu;
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
        process.at_start = AtStart::default();
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
        let shape =
            Shape { family: system.family, machine: 0, bits: 0, little_endian: true, refuses_executable_stack: false };
        Self {
            objects: Vec::new(),
            start_failures: Vec::new(),
            missing_preloads: Vec::new(),
            store,
            system,
            loader_soname: None,
            library_path: Vec::new(),
            global: Vec::new(),
            shape,
            cpu: CpuLevel::Baseline,
            surroundings: Surroundings::default(),
            hwcaps: Vec::new(),
            detail: Detail::Names,
            event: 0,
            at_start: AtStart::default(),
        }
    }

    fn read_library_path(&self, variables: &Variables) -> Vec<Vec<u8>> {
        let Some(list) = variables.non_empty("LD_LIBRARY_PATH") else { return Vec::new() };
        match (self.system.family, self.objects.first()) {
            (Family::Glibc, Some(executable)) => glibc::split(self, list, b":;", &self.origin(executable)),
            (Family::Glibc, None) | (Family::Musl, _) => {
                list.split(|b| *b == b':' || *b == b'\n').filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
            }
        }
    }

    fn map_start(&mut self, variables: &Variables) {
        let mut preloads = words(variables.get("LD_PRELOAD").unwrap_or_default(), self.system.family);
        preloads.extend(self.system.preload_entries.iter().cloned());
        for entry in preloads {
            if let Err(_missing) = self.preload(&entry) {
                self.missing_preloads.push(entry);
            }
        }
        if let Err(failure) = self.map_needs((0..self.objects.len()).collect()) {
            self.start_failures.push(failure);
        }
        self.global = self.scope_of_all((0..self.objects.len()).filter(|it| self.needed_by_nobody(*it)));
        // Symbols are bound when everything of the start is mapped; what becomes global later does not reach them.
        let globals = self.global.len();
        self.objects.iter_mut().for_each(|it| it.globals_at_load = globals);
        let misses = self.check_versions(0);
        self.start_failures.extend(misses.into_iter().map(Failure::Version));
    }

    fn needed_by_nobody(&self, index: ObjectIndex) -> bool {
        self.objects.get(index).is_some_and(|it| it.needed_by.is_none())
    }

    /// glibc asks as if the executable needed the entry; musl asks for nobody, so that no RPATH counts (P1).
    fn preload(&mut self, entry: &[u8]) -> Result<(), Failure> {
        let requester = match self.system.family {
            Family::Glibc => Some(0),
            Family::Musl => None,
        };
        match self.answer(requester, entry) {
            Answer::Loaded(index) => {
                self.learn(index, entry);
                Ok(())
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
