//! What the program of a launch does: pools of processes, settings that come too late, files opened through MPI, files that
//! shadow modules.

use super::JobKnowledge;
use super::JobReading;
use super::launches::{Launch, ProgramText};
use super::places::{named, whole};
use super::process::fits_any;
use super::threads::{Pools, is_told, open_runtimes, presence, runtimes, setting};
use crate::base::TreePath;
use crate::facts::{AGREEMENT_OF, EvidenceId, Fact, Facts, LateSetting, ParallelOpen, ProcessPool, Run, ShadowingFile};
use crate::job::{Binding, Place};
use crate::python::{At, How, Import, Pool, PoolKind, Start, Value, shadows};
use crate::registry::{Moment, Presence, Reader, Setting};
use crate::survey::ledger::Ledger;

/// Described packages that the program imports whatever happens, in its order.
pub(super) fn imports(text: &ProgramText, know: &JobKnowledge<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for it in text.program.imports.iter().filter(|it| !it.at.conditional && !it.at.in_function) {
        let top = it.module.split('.').next().unwrap_or_default();
        if know.audit.packages.of_import(top).is_some() && !names.iter().any(|name| name == top) {
            names.push(top.to_owned());
        }
    }
    names
}

/// What is known around one program.
pub(super) struct Around<'a> {
    pub(super) reading: &'a JobReading<'a>,
    pub(super) facts: &'a Facts,
    pub(super) launch: &'a Launch,
    pub(super) run: &'a Run,
    pub(super) pools: &'a Pools,
    pub(super) text: &'a ProgramText,
}

impl Around<'_> {
    /// Pools of processes.
    pub(super) fn process_pools(&self, ledger: &mut Ledger) -> Vec<ProcessPool> {
        let starts = |it: &&Pool| match it.kind {
            PoolKind::Processes | PoolKind::Process | PoolKind::Fork => true,
            PoolKind::Threads | PoolKind::Mpi => false,
        };
        self.text.program.pools.iter().filter(starts).map(|it| self.process_pool(it, ledger)).collect()
    }

    fn process_pool(&self, pool: &Pool, ledger: &mut Ledger) -> ProcessPool {
        let place = self.text.place(&pool.at);
        let because = vec![ledger.place(&place)];
        let limits = pool.limits_threads || !self.text.program.thread_limits.is_empty();
        ProcessPool {
            place: named(&place),
            api: pool.api.clone(),
            run: self.run.name.clone(),
            start: self.start(pool, &place, ledger),
            workers: self.workers(pool, &place, ledger),
            threads_each: self.threads_each(&place, ledger),
            cpus: self.cpus(),
            limits_threads: Fact::known(limits, because.clone()),
            after_mpi: self.after_mpi(pool, &place, ledger),
            registered_memory: self.registered_memory(&place, ledger),
            fork_safe: self.fork_safe(&place, ledger),
            hanging_runtime: self.hanging_runtime(&place, ledger),
        }
    }

    fn start(&self, pool: &Pool, place: &Place, ledger: &mut Ledger) -> Fact<String> {
        let known = |word: &str, ledger: &mut Ledger| {
            let because = vec![ledger.place(place)];
            Fact::known(word.to_owned(), because)
        };
        match (&pool.start, pool.kind) {
            (_, PoolKind::Fork) => known("fork", ledger),
            (Start::Method(method), _) => known(method, ledger),
            (Start::Default, _) => {
                let version = self.facts.environment.python.version.value();
                match version.and_then(|it| self.reading.know.calls.default_start(it)) {
                    Some(method) => known(method, ledger),
                    None => ledger.open(place, "the version of Python decides, and is not known", "how workers start"),
                }
            }
            (Start::Unclear(why), _) => ledger.open(place, &format!("it depends on {why}"), "how workers start"),
            (Start::None, _) => ledger.open(place, "nothing says it", "how workers start"),
        }
    }

    fn workers(&self, pool: &Pool, place: &Place, ledger: &mut Ledger) -> Fact<u64> {
        let because = vec![ledger.place(place)];
        let hides = "how many workers it has";
        match (pool.kind, &pool.workers) {
            (PoolKind::Process | PoolKind::Fork, _) => Fact::known(1, because),
            (_, Value::NodeCpus) => self.run.cpus_per_node.clone(),
            (_, Value::MaskCpus) => self.run.cpus_per_rank.clone(),
            (_, Value::Variable { name, default }) => {
                let value = match self.launch.environment.get(name) {
                    Binding::Set(value) => value.text(),
                    Binding::Unset(_) => default.clone(),
                    Binding::Unknown { .. } => None,
                };
                match value.map(|it| it.parse()) {
                    Some(Ok(workers)) => Fact::known(workers, because),
                    Some(Err(_)) | None => ledger.open(place, &format!("{name} is not known"), hides),
                }
            }
            (_, value @ (Value::Text(_) | Value::MaskCpusSince(_) | Value::Default | Value::Computed(_))) => {
                match value.count() {
                    Some(workers) => Fact::known(workers, because),
                    None => ledger.open(place, "the text of the program does not say it", hides),
                }
            }
        }
    }

    /// Workers inherit the settings that their library read when it was loaded.
    fn threads_each(&self, place: &Place, ledger: &mut Ledger) -> Fact<u64> {
        let early =
            self.text.program.environ.iter().filter(|it| self.first_load().is_none_or(|load| it.at.order < load));
        let mut environment = self.launch.environment.clone();
        for it in early.filter(|it| !it.at.conditional && !it.at.in_function) {
            let binding = match (&it.how, &it.value) {
                (How::Delete, _) => Binding::Unset(place.clone()),
                (How::SetDefault, Some(_)) if environment.value(&it.name).is_some() => continue,
                (_, Some(Value::Text(text))) => Binding::Set(crate::job::Value::known(text.as_str(), place)),
                (_, _) => Binding::Unknown { reason: format!("the program sets {}", it.name), place: place.clone() },
            };
            environment.set(it.name.as_str(), binding);
        }
        let mask = self.run.cpus_per_rank.value().or(self.run.owned_cpus.value()).copied();
        let node = self.run.cpus_per_node.value().copied();
        let pools = super::threads::pools(self.facts, self.reading.know, &environment, mask, node);
        let blas = |it: &(crate::registry::Pool, crate::registry::Threads)| {
            let uses = self.facts.process.blas.value().into_iter().flatten();
            uses.into_iter().any(|blas| blas.vendor.value() == Some(&it.0.library.word))
        };
        let only = Pools { list: pools.list.into_iter().filter(blas).collect(), open: pools.open };
        only.threads(&environment, place, ledger)
    }

    /// When the first described package is loaded.
    fn first_load(&self) -> Option<u32> {
        let described = |it: &&Import| {
            let top = it.module.split('.').next().unwrap_or_default();
            self.reading.know.audit.packages.of_import(top).is_some()
        };
        self.text.program.imports.iter().find(described).map(|it| it.at.order)
    }

    /// CPUs that all workers of one rank share.
    fn cpus(&self) -> Fact<u64> {
        match self.run.binding.value().map(String::as_str) {
            Some("none") => self.run.owned_cpus.clone(),
            Some(_) | None => self.run.cpus_per_rank.clone(),
        }
    }

    fn after_mpi(&self, pool: &Pool, place: &Place, ledger: &mut Ledger) -> Fact<bool> {
        let before: Vec<&Import> =
            self.text.program.imports.iter().filter(|it| starts_mpi(it) && it.at.order < pool.at.order).collect();
        let certain = before.iter().find(|it| !it.at.conditional && !it.at.in_function);
        match (certain, before.first()) {
            (Some(import), _) => {
                let because = vec![ledger.place(&self.text.place(&import.at)), ledger.place(place)];
                Fact::known(true, because)
            }
            (None, Some(import)) => {
                let place = self.text.place(&import.at);
                ledger.open(
                    &place,
                    "whether this import runs is not decided",
                    "whether MPI is initialised before the fork",
                )
            }
            (None, None) => Fact::known(false, vec![ledger.place(place)]),
        }
    }

    fn registered_memory(&self, place: &Place, ledger: &mut Ledger) -> Fact<String> {
        match self.reading.question.site.and_then(|it| it.fabric.as_ref().map(|fabric| (it, fabric))) {
            Some((site, fabric)) => {
                let registers = self.reading.know.shell.registers_memory.contains(&fabric.value);
                let line = Place { file: site.path.clone(), line: fabric.line, ..Place::default() };
                let because = vec![ledger.place(&line)];
                Fact::known(if registers { "yes" } else { "no" }.to_owned(), because)
            }
            None => ledger.open(
                place,
                "[fabric] kind in the site profile would say it",
                "whether the fabric registers memory",
            ),
        }
    }

    fn fork_safe(&self, place: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
        let environment = &self.launch.environment;
        let mut open = None;
        for name in &self.reading.know.shell.fork_safe {
            match setting(environment, name) {
                Setting::Value(value) if !value.is_empty() && value != "0" => {
                    let shown = super::threads::places(environment, name);
                    return Fact::known(Some(name.clone()), ledger.resting(&shown, place));
                }
                Setting::Value(_) | Setting::Unset => {}
                Setting::Unknown(reason) => open = Some(reason),
            }
        }
        match open {
            Some(reason) => ledger.open(place, &reason, "whether a setting makes forks safe"),
            None => Fact::known(None, vec![ledger.place(place)]),
        }
    }

    /// A runtime that hangs in a child, where a BLAS of the process runs on it with more than one thread.
    fn hanging_runtime(&self, place: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
        let hangs = |it: &String| fits_any(&self.reading.know.shell.hangs_after_fork, it);
        let because = vec![ledger.place(place)];
        let hides = "whether a fork hangs";
        let Some(runtime) = runtimes(self.facts).into_iter().find(hangs) else {
            return match open_runtimes(self.facts) {
                None => Fact::known(None, because),
                Some(reason) => ledger.open(place, reason, hides),
            };
        };
        let uses = |it: &(crate::registry::Pool, crate::registry::Threads)| {
            it.0.runtimes.contains(&runtime) && it.1.started != Some(1)
        };
        match self.pools.list.iter().find(|it| uses(it)) {
            Some((_, threads)) if threads.started.is_none() => {
                ledger.open(place, "how many threads it has is not known", hides)
            }
            Some(_) => Fact::known(Some(runtime), because),
            None => match &self.pools.open {
                None => Fact::known(None, because),
                Some(reason) => ledger.open(place, reason, hides),
            },
        }
    }

    /// Variables that are set after the library that reads them when it is loaded.
    pub(super) fn late_settings(&self, ledger: &mut Ledger) -> Fact<Vec<LateSetting>> {
        let mut list = Vec::new();
        let mut open = None;
        for write in self.text.program.environ.iter().filter(|it| it.how != How::Delete) {
            let Some((reader, import)) = self.loaded_before(&write.name, &write.at) else {
                if self.may_be_read_before(&write.name, &write.at) {
                    let reason = format!("which libraries read {} before it is set is not known", write.name);
                    let hides = "settings that come too late";
                    open = open.or_else(|| ledger.open::<()>(&self.text.place(&write.at), &reason, hides).gap());
                }
                continue;
            };
            let (place, import_place) = (self.text.place(&write.at), self.text.place(&import.at));
            let because = vec![ledger.place(&place), ledger.place(&import_place)];
            let value = match &write.value {
                Some(Value::Text(text)) => Fact::known(text.clone(), vec![ledger.place(&place)]),
                Some(_) | None => ledger.open(&place, "the program computes it", "what the variable becomes"),
            };
            list.push(LateSetting {
                name: write.name.clone(),
                place: named(&place),
                value,
                import: import.module.clone(),
                import_place: named(&import_place),
                group: self.group(&write.name),
                reader: Fact::known(Some(reader), because),
                certain: !import.at.conditional && !import.at.in_function,
            });
        }
        whole(list, Vec::new(), open)
    }

    fn group(&self, name: &str) -> String {
        self.reading.know.registry.variable(name).map_or("none", |it| super::settings::group(it.group)).to_owned()
    }

    /// Libraries that read a variable when they are loaded, and whether they are there.
    fn readers_at_load(&self, name: &str) -> impl Iterator<Item = (&Reader, Presence)> {
        let variable = self.reading.know.registry.variable(name);
        let readers = variable.into_iter().flat_map(|it| &it.readers);
        let scheduler = self.reading.request.scheduler.as_deref();
        let here = move |word: &str| presence(word, self.facts, self.launch, scheduler, self.reading.know);
        readers.filter(|it| it.at == Moment::Load).map(move |it| (it, here(&it.library)))
    }

    /// Whether a library that may be there reads the variable, and an earlier import may have loaded it.
    fn may_be_read_before(&self, name: &str, at: &At) -> bool {
        self.first_load().is_some_and(|load| load < at.order)
            && self.readers_at_load(name).any(|(_, presence)| presence == Presence::Unknown)
    }

    /// The library that read the variable when an earlier import loaded it.
    fn loaded_before(&self, name: &str, at: &At) -> Option<(String, &Import)> {
        let here = self.readers_at_load(name).filter(|(it, presence)| {
            matches!(presence, Presence::Present { threading, .. }
                if it.threading.is_empty() || threading.as_ref().is_some_and(|own| it.threading.contains(own)))
        });
        here.into_iter().find_map(|(reader, _)| {
            let users = self.users_of(&reader.library);
            let loads = |it: &&Import| {
                let top = it.module.split('.').next().unwrap_or_default();
                it.at.order < at.order && users.iter().any(|user| user == top)
            };
            Some((reader.library.clone(), self.text.program.imports.iter().find(loads)?))
        })
    }

    /// Packages whose import loads a library.
    fn users_of(&self, library: &str) -> Vec<String> {
        let process = &self.facts.process;
        let blas = process.blas.value().into_iter().flatten();
        let by_blas = blas.filter(|it| it.vendor.value().is_some_and(|it| it == library)).map(|it| it.user.clone());
        let openmp = process.openmp.value().into_iter().flatten();
        let by_openmp =
            openmp.filter(|it| it.family.value().is_some_and(|it| it == library)).map(|it| it.package.clone());
        let own =
            self.facts.packages.value().into_iter().flatten().filter(|it| it.name == library).map(|it| it.name.clone());
        by_blas.chain(by_openmp).chain(own).filter(|it| !it.is_empty()).collect()
    }

    /// Files that are opened through MPI.
    pub(super) fn parallel_opens(&self, ledger: &mut Ledger) -> Vec<ParallelOpen> {
        let files = self.text.program.parallel_files.iter();
        let one = |it: &crate::python::ParallelFile, ledger: &mut Ledger| {
            let place = self.text.place(&it.at);
            let because = vec![ledger.place(&place)];
            ParallelOpen {
                place: named(&place),
                package: it.api.split('.').next().unwrap_or_default().to_owned(),
                call: Fact::known(it.at.text.trim().to_owned(), because),
            }
        };
        files.map(|it| one(it, ledger)).collect()
    }

    /// Files beside the program that answer imports of packages that are installed.
    pub(super) fn shadowing_files(&self, ledger: &mut Ledger) -> Fact<Vec<ShadowingFile>> {
        let none = || Fact::known(Vec::new(), Vec::new());
        let safe = self.launch.python.as_ref().is_some_and(|it| it.safe_path)
            || super::process::text(&self.launch.environment, "PYTHONSAFEPATH").is_some_and(|it| !it.is_empty());
        let Some(directory) = self.text.directory.as_ref().filter(|_| !safe) else { return none() };
        // A directory that cannot be listed holds no file that Python could import.
        let Ok(entries) = self.reading.view.list(directory.as_bytes()) else { return none() };
        let names: Vec<String> = entries.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let program = &self.text.program;
        let mut list = Vec::new();
        let mut open = None;
        for shadow in shadows(&names, &program.imports, &self.reading.know.calls) {
            let installed = self.facts.packages.value().into_iter().flatten().any(|it| it.name == shadow.module);
            let standard = self.is_standard(&shadow.module);
            let Some(import) = program.imports.get(shadow.import) else { continue };
            if !installed && !standard && !is_told(&self.facts.packages, |_| true) {
                let reason = format!("whether {} is a package of the environment is not known", shadow.module);
                let place = self.text.place(&import.at);
                open = open.or_else(|| ledger.open::<()>(&place, &reason, "files that shadow modules").gap());
            }
            if installed || standard {
                let path = directory.join(shadow.file.as_bytes());
                let because: Vec<EvidenceId> =
                    vec![ledger.place(&self.text.place(&import.at)), ledger.note(&path, "beside the program")];
                list.push(ShadowingFile {
                    path: Fact::known(path.text(), because),
                    module: shadow.module.clone(),
                    run: self.run.name.clone(),
                });
            }
        }
        whole(list, Vec::new(), open)
    }
}

impl Around<'_> {
    /// Whether the standard library of the interpreter has the module.
    fn is_standard(&self, module: &str) -> bool {
        let path = self.facts.environment.python.path.value().into_iter().flatten();
        path.into_iter().filter(|it| it.origin == "stdlib").any(|it| {
            let directory = TreePath::new(it.path.as_bytes());
            let view = self.reading.view;
            view.is_file(directory.join(format!("{module}.py").as_bytes()).as_bytes())
                || view.is_directory(directory.join(module.as_bytes()).as_bytes())
        })
    }
}

/// Importing its module of MPI initialises MPI; importing the package alone does not.
fn starts_mpi(import: &Import) -> bool {
    let mut parts = import.module.split('.');
    parts.next() == Some(AGREEMENT_OF[0]) && (parts.next().is_some() || !import.names.is_empty())
}
