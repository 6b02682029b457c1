//! One launch joined with the process that it starts: the facts of a run.

use super::JobReading;
use super::containers::{Image, image};
use super::launches::Launch;
use super::picture::{picture, word};
use super::pmi::Fit;
use super::threads::{Pools, decided, pools, runtimes, said, setting};
use crate::facts::{AGREEMENT_OF, EvidenceId, Fact, Facts, MpiUse, Run};
use crate::job::{Binding, Place, Value};
use crate::launch::{Bound, Change, CpusPerTask, Known, Meaning, Placement, Problem};
use crate::registry::{Decision, Setting};
use crate::site::{Node, Selection};
use crate::survey::ledger::Ledger;

/// What is known around every launch of one script.
pub(super) struct Runs<'a> {
    pub(super) reading: &'a JobReading<'a>,
    pub(super) facts: &'a Facts,
}

/// Where the ranks of a launch are, and what threads they start.
pub(super) struct Placed {
    pub(super) placement: Placement,
    pub(super) pools: Pools,
}

impl Runs<'_> {
    /// Where a launch puts its ranks.
    pub(super) fn placed(&self, launch: &Launch) -> Placed {
        let node = self.node();
        let known = Known {
            site: self.reading.question.site,
            node: node.as_ref().ok().copied(),
            node_unknown: node.as_ref().err().map_or("", String::as_str),
            environment: &launch.command.environment,
        };
        let placement = self.reading.know.launch_lines.place(&self.reading.request, &launch.line, &known);
        let mask = placement.cpus_per_rank.value.or(placement.owned_cpus.value);
        let pools = pools(self.facts, self.reading.know, &launch.environment, mask, placement.cpus_per_node.value);
        Placed { placement, pools }
    }

    /// The type of node that the job gets.
    fn node(&self) -> Result<&Node, String> {
        let Some(site) = self.reading.question.site else {
            return Err("no site profile says how large a node is: [node.NAME] cores would decide it".to_owned());
        };
        let selected = &self.reading.request.selected;
        let text = |it: &Option<Value>| it.as_ref().and_then(Value::text);
        site.node(&Selection {
            partition: text(&selected.partition),
            queue: text(&selected.queue),
            constraint: text(&selected.constraint),
            host: text(&selected.host),
        })
    }

    /// The facts of one launch.
    pub(super) fn run(&self, launch: &Launch, placed: &Placed, ledger: &mut Ledger) -> Run {
        let at = &launch.line.place;
        let Placed { placement, pools } = placed;
        let environment = &launch.environment;
        let Image { image, leaks, home_visible, image_wins } = image(launch, self.facts, self.reading.know, ledger);
        let (pmi, pmi_fits, pmi_library) = self.process_management(launch, placement, ledger);
        let threads = pools.threads(environment, at, ledger);
        let threads_asked = pools.asked(environment, at, ledger);
        let (module_mpi, module_agreement) = self.module_mpi(launch, ledger);
        let (shared_path, shared_locks) = super::filesystems::shared(self.reading, launch, ledger);
        let mut run = Run {
            name: launch.name(),
            command: launch.command.words.iter().map(|it| it.value.display()).collect::<Vec<_>>().join(" "),
            conditions: conditions(launch),
            launcher: self.launcher(launch, ledger),
            launcher_version: match &launch.owner.version {
                Some(version) => Fact::known(version.clone(), ledger.resting(&launch.owner.places, at)),
                None => ledger.open(at, "nothing says the version of the launcher", "the version of the launcher"),
            },
            nodes: ledger.quantity(&placement.nodes, at, "how many nodes it has"),
            ranks: ledger.quantity(&placement.ranks, at, "how many ranks it starts"),
            ranks_per_node: ledger.quantity(&placement.ranks_per_node, at, "how many ranks a node has"),
            cpus_per_rank: ledger.quantity(&placement.cpus_per_rank, at, "how many CPUs a rank has"),
            binding: binding(placement, at, ledger),
            binding_disabled: disabled(placement, at, ledger),
            placement: placement_word(launch, ledger),
            cores_per_node: ledger.quantity(&placement.cores_per_node, at, "how many cores a node has"),
            cpus_per_node: ledger.quantity(&placement.cpus_per_node, at, "how many CPUs a node has"),
            owned_cpus: ledger.quantity(&placement.owned_cpus, at, "how many CPUs of a node the job has"),
            exclusive: match placement.exclusive {
                Some(exclusive) => Fact::known(exclusive, vec![ledger.place(at)]),
                None => ledger.open(at, "[node.NAME] exclusive would decide it", "whether the job has whole nodes"),
            },
            pools: pools.facts(environment, at, ledger),
            load: load(placement, &threads, &threads_asked, at, ledger),
            unlimited_pools: pools.unlimited(environment, at, ledger),
            unmasked_pools: pools.unmasked(environment, at, ledger),
            thread_binding: decided(
                self.facts,
                environment,
                at,
                "whether threads bind themselves",
                |runtime, read| self.reading.know.pools.binds_threads(runtime, read),
                ledger,
            ),
            busy_wait: decided(
                self.facts,
                environment,
                at,
                "whether idle threads keep a CPU busy",
                |runtime, read| self.reading.know.pools.busy_waits(runtime, read),
                ledger,
            ),
            repinning: Fact::known(None, Vec::new()),
            starved_pools: Fact::known(Vec::new(), Vec::new()),
            cpus_per_task: cpus_per_task(&placement.cpus_per_task, at, ledger),
            pmi,
            pmi_fits,
            pmi_library,
            dropped: dropped(launch, self.reading, ledger),
            not_forwarded: self.not_forwarded(launch, placement, ledger),
            contradictions: problems(&placement.contradictions, at, ledger),
            cpu_map_problem: problem(placement.cpu_list.as_ref(), at, ledger),
            fixed_cpu_list: fixed_cpu_list(launch, ledger),
            hardware_threads: problem(placement.hardware_threads.as_ref(), at, ledger),
            rivals: Fact::known(Vec::new(), vec![ledger.place(at)]),
            nested: self.nested(launch, ledger),
            python: self.python(launch, ledger),
            python_agreement: self.python_agreement(launch, ledger),
            module_mpi,
            module_agreement,
            shared_path,
            shared_locks,
            image,
            leaks,
            home_visible,
            image_wins,
            picture: None,
            threads,
            threads_asked,
        };
        run.repinning = self.repinning(launch, &run, ledger);
        run.starved_pools = self.starved_pools(launch, &run, pools, ledger);
        run.picture = launch.python.is_some().then(|| picture(placement, &run));
        run
    }

    fn launcher(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<String> {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        match (&launch.line.launcher, &launch.owner.word) {
            (Some(word), _) | (None, Some(word)) => Fact::known(word.clone(), because),
            (None, None) if launch.line.incomplete.is_none() => Fact::known("none".to_owned(), because),
            (None, None) => ledger.open(at, &launch.owner.unknown, "whose launcher it is"),
        }
    }

    /// MPI of the process, as the packages of the interface use it.
    fn mpi(&self) -> Option<&MpiUse> {
        let uses = self.facts.process.mpi.value().into_iter().flatten();
        uses.into_iter().find(|it| it.user == AGREEMENT_OF[0]).or_else(|| self.facts.process.mpi.value()?.first())
    }

    /// The type of process management, whether the MPI speaks it, and the library that it needs for that.
    fn process_management(
        &self,
        launch: &Launch,
        placement: &Placement,
        ledger: &mut Ledger,
    ) -> (Fact<Option<String>>, Fact<String>, Fact<String>) {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        let none = |word: &str| Fact::known(word.to_owned(), because.clone());
        if !self.reading.know.launch_lines.chooses_process_management(&launch.line) {
            return (Fact::known(None, because.clone()), none("none"), none("not-needed"));
        }
        let kind = match &placement.pmi {
            Some(value) => match ledger.text_of(value, at, "which process management the ranks get") {
                Fact::Known { value, because, .. } => Fact::known(Some(value), because),
                Fact::Unknown { unknown } => Fact::unknown(unknown),
            },
            None => self.default_process_management(at, ledger),
        };
        let Some(mpi) = self.mpi() else {
            let known = self.facts.process.mpi.value().is_some();
            let fits = match known {
                true => none("none"),
                false => ledger.open(at, "which MPI the process loads is not known", "whether it speaks that"),
            };
            return (kind, fits, none("not-needed"));
        };
        let (Some(vendor), version) = (mpi.vendor.value(), mpi.version.value()) else {
            let open = |ledger: &mut Ledger| {
                ledger.open(at, "which MPI the process loads is not known", "whether it speaks that")
            };
            return (kind, open(ledger), open(ledger));
        };
        if vendor == "none" {
            return (kind, none("none"), none("not-needed"));
        }
        let spoken = self.reading.know.process_management.of(vendor);
        let mut shown = kind.because().to_vec();
        shown.extend(mpi.vendor.because());
        shown.push(ledger.place(at));
        let fits = match (spoken, kind.value()) {
            (None, _) => ledger.open(
                at,
                &format!("nothing is known of what {vendor} speaks"),
                "whether the ranks find each other",
            ),
            (Some(spoken), Some(Some(kind))) => match spoken.fits(kind, version.map(String::as_str)) {
                Fit::Yes => Fact::known("yes".to_owned(), shown),
                Fit::No => Fact::known("no".to_owned(), shown),
                Fit::Open(reason) => ledger.open(at, &reason, "whether the ranks find each other"),
            },
            (Some(_), _) => match kind.gap() {
                Some(gap) => Fact::unknown(gap),
                None => ledger.open(at, "the type is not known", "whether the ranks find each other"),
            },
        };
        let library = match spoken.and_then(|it| it.library.as_ref()) {
            None => none("not-needed"),
            Some(library) => match setting(&launch.environment, &library.variable) {
                Setting::Value(text) if text.is_empty() || library.wrong.is_match(&text) => none("missing"),
                Setting::Value(_) => none("set"),
                Setting::Unset => none("missing"),
                Setting::Unknown(reason) => ledger.open(at, &reason, &format!("whether {} is set", library.variable)),
            },
        };
        (kind, fits, library)
    }

    /// The type that a launch gets which asks for none.
    fn default_process_management(&self, at: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
        match self.reading.question.site.and_then(|it| Some((it, it.scheduler.mpi_default.as_ref()?))) {
            Some((site, stated)) => {
                let line = Place { file: site.path.clone(), line: stated.line, ..Place::default() };
                let because = vec![ledger.place(at), ledger.place(&line)];
                Fact::known(Some(stated.value.clone()), because)
            }
            None => ledger.open(
                at,
                "[scheduler] mpi_default in the site profile would say it",
                "which process management the ranks get",
            ),
        }
    }

    /// The MPI of the loaded modules against the one that the process loads.
    fn module_mpi(&self, launch: &Launch, ledger: &mut Ledger) -> (Fact<Option<String>>, Fact<String>) {
        let at = &launch.line.place;
        let recorded = self.reading.recorded();
        let asked = self.reading.asked(None, &recorded);
        let (found, places) = asked.by_modules(&launch.environment);
        let because = ledger.resting(&places, at);
        let Some((word, version)) = found else {
            return (Fact::known(None, because.clone()), Fact::known("none".to_owned(), because));
        };
        let text = version.as_ref().map_or_else(|| word.clone(), |it| format!("{word} {it}"));
        let module = Fact::known(Some(text), because.clone());
        let Some(mpi) = self.mpi() else { return (module, Fact::known("none".to_owned(), because)) };
        let agreement = match (mpi.vendor.value(), mpi.version.value(), version) {
            (Some(vendor), _, _) if vendor == "none" => "none",
            (Some(vendor), _, _) if *vendor != word => "other",
            (Some(_), Some(own), Some(version)) => {
                if series(own) == series(&version) {
                    "same"
                } else {
                    "other-version"
                }
            }
            (Some(_), _, None) => "same",
            (_, _, _) => {
                let open =
                    ledger.open(at, "which MPI the process loads is not known", "whether it is that of the module");
                return (module, open);
            }
        };
        (module, Fact::known(agreement.to_owned(), because))
    }

    /// Variables of the script that ranks on other nodes do not get.
    fn not_forwarded(&self, launch: &Launch, placement: &Placement, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let at = &launch.line.place;
        let mut because = vec![ledger.place(at)];
        if !self.reading.know.launch_lines.forwards_listed(&launch.line) {
            return Fact::known(Vec::new(), because);
        }
        match placement.nodes.value {
            Some(1) => return Fact::known(Vec::new(), because),
            Some(_) => {}
            None => return ledger.open(at, &placement.nodes.reason(), "whether ranks run on other nodes"),
        }
        let listed: Vec<&str> = launch
            .changes
            .iter()
            .filter_map(|it| match &it.change {
                Change::Set { name, .. } | Change::Forward(name) => Some(name.as_str()),
                Change::Remove(_) | Change::KeepNone | Change::KeepAll | Change::Unknown(_) => None,
            })
            .collect();
        let mut names = Vec::new();
        for (name, binding) in launch.command.environment.iter() {
            let Binding::Set(value) = binding else { continue };
            let from_script = value.places.first().is_some_and(|it| 0 < it.line && 0 < it.column);
            if from_script && !listed.contains(&name) && self.reading.reaches_ranks(name) {
                names.push(said(&launch.command.environment, name));
                because.extend(ledger.places(&value.places));
            }
        }
        if let (false, Some(scheduler)) = (names.is_empty(), &self.reading.request.scheduler) {
            let reason = format!(
                "{} is handed on if {scheduler} starts the launcher's daemons with the environment of the job",
                names.join(", ")
            );
            return ledger.open(at, &reason, "whether ranks on other nodes get the settings of the script");
        }
        Fact::known(names, because)
    }

    /// Another launcher among the words of the program.
    fn nested(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<Option<String>> {
        let because = vec![ledger.place(&launch.line.place)];
        let found = match &launch.line.launcher {
            Some(_) => {
                self.reading.know.launch_lines.is_launch(&launch.line.program).filter(|it| !it.candidates.is_empty())
            }
            None => None,
        };
        let inner =
            found.and_then(|it| launch.line.program.get(it.at)).map(|it| (it.value.display(), it.place.clone()));
        match inner {
            Some((name, place)) => {
                Fact::known(Some(name), vec![ledger.place(&launch.line.place), ledger.place(&place)])
            }
            None => Fact::known(None, because),
        }
    }

    fn python(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<Option<String>> {
        let because = vec![ledger.place(&launch.line.place)];
        let Some(start) = &launch.python else { return Fact::known(None, because) };
        match (launch.interpreter(self.reading.view), start.interpreter.value.text()) {
            (Some(path), _) => Fact::known(Some(path.text()), because),
            (None, Some(word)) => {
                let reason = format!("which {word} the PATH of the job gives is not known");
                ledger.open(&start.interpreter.place, &reason, "which interpreter it starts")
            }
            (None, None) => ledger.open(&start.interpreter.place, "it is not known", "which interpreter it starts"),
        }
    }

    /// Whether the interpreter that the line starts is the audited one.
    fn python_agreement(&self, launch: &Launch, ledger: &mut Ledger) -> Fact<String> {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        if launch.python.is_none() {
            return Fact::known("none".to_owned(), because);
        }
        let hides = "whether the audited Python is the one that runs";
        // The Python of an image is that of the image.
        if launch.line.wrappers().any(|it| it.container.is_some()) {
            return ledger.open(at, "an image has its own Python", hides);
        }
        let (path, audited) = (launch.interpreter(self.reading.view), &self.facts.environment.python);
        let (Some(path), Some(executable)) = (path, audited.executable.value()) else {
            return ledger.open(at, "the path of one of them is not known", hides);
        };
        let real = self.reading.view.resolve(path.as_bytes()).map(|it| it.text());
        let inside = |prefix: &String| path.text().starts_with(&format!("{prefix}/"));
        // Two virtual environments share one interpreter: the prefix tells them apart.
        let same = real.is_ok_and(|it| it == *executable)
            && (audited.prefix.value().is_none_or(inside) || audited.kind.value().is_some_and(|it| it != "venv"));
        Fact::known(if same { "same" } else { "other" }.to_owned(), because)
    }

    /// A runtime that pins again what the launcher has pinned.
    fn repinning(&self, launch: &Launch, run: &Run, ledger: &mut Ledger) -> Fact<Option<String>> {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        let there = runtimes(self.facts);
        for it in &self.reading.know.shell.repins {
            if !it.runtimes.iter().any(|runtime| there.contains(runtime)) {
                continue;
            }
            match setting(&launch.environment, &it.variable) {
                Setting::Value(value) => {
                    let off = value
                        .split(',')
                        .any(|part| it.harmless.iter().any(|word| part.trim().eq_ignore_ascii_case(word)));
                    if !off {
                        let shown = super::threads::places(&launch.environment, &it.variable);
                        let mut because = ledger.places(&shown);
                        because.push(ledger.place(at));
                        return Fact::known(Some(format!("{}={value}", it.variable)), because);
                    }
                }
                Setting::Unknown(reason) => return ledger.open(at, &reason, "whether a runtime pins threads again"),
                Setting::Unset => {
                    let under = |pair: &&[String; 2]| {
                        run.launcher.value() == Some(&pair[0]) && run.placement.value() == Some(&pair[1])
                    };
                    if it.unset_under.iter().any(|pair| under(&pair)) {
                        return Fact::known(Some(format!("{} is not set", it.variable)), because);
                    }
                }
            }
        }
        match self.facts.process.openmp.value() {
            Some(_) => Fact::known(None, because),
            None => ledger.open(
                at,
                "which OpenMP runtimes the process has is not known",
                "whether a runtime pins threads again",
            ),
        }
    }

    /// Pools that see one CPU, because another runtime binds the thread that loads it.
    fn starved_pools(&self, launch: &Launch, run: &Run, pools: &Pools, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let at = &launch.line.place;
        let binder = runtimes(self.facts).into_iter().find(|it| self.reading.know.shell.binds_when_loaded.contains(it));
        let Some(binder) = binder else { return Fact::known(Vec::new(), vec![ledger.place(at)]) };
        let read = |name: &str| setting(&launch.environment, name);
        let because: Vec<EvidenceId> = match self.reading.know.pools.binds_threads(&binder, &read) {
            Some(Decision::Yes(variable)) => {
                let shown = super::threads::places(&launch.environment, &variable);
                let mut because = ledger.places(&shown);
                because.push(ledger.place(at));
                because
            }
            Some(Decision::Unknown(reason)) => return ledger.open(at, &reason, "whether pools see one CPU only"),
            Some(Decision::No(_)) | None => return Fact::known(Vec::new(), vec![ledger.place(at)]),
        };
        let facts = run.pools.value().into_iter().flatten();
        let starved = pools.list.iter().zip(facts).filter(|((pool, _), fact)| {
            fact.respects_mask
                && !pool.runtimes.contains(&binder)
                && pool.library.word != binder
                && fact.asked.value() != Some(&Some(1))
        });
        Fact::known(starved.map(|((pool, _), _)| pool.title.clone()).collect(), because)
    }
}

/// `4.1` of `4.1.6`.
fn series(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

fn conditions(launch: &Launch) -> Vec<String> {
    let one = |it: &crate::job::Condition| if it.holds { it.text.clone() } else { format!("not: {}", it.text) };
    launch.command.conditions.iter().map(one).collect()
}

fn binding(placement: &Placement, at: &Place, ledger: &mut Ledger) -> Fact<String> {
    match placement.bound {
        Bound::Unknown => ledger.open(at, &placement.because, "whether ranks are bound"),
        Bound::None | Bound::Exclusive | Bound::Shared => {
            let mut because = ledger.places(&placement.places);
            because.push(ledger.place(at));
            Fact::known(word(placement.bound).to_owned(), because)
        }
    }
}

fn disabled(placement: &Placement, at: &Place, ledger: &mut Ledger) -> Fact<bool> {
    let mut because = vec![ledger.place(at)];
    match (&placement.disabled_by, placement.bound) {
        (Some(place), _) => {
            because.insert(0, ledger.place(place));
            Fact::known(true, because)
        }
        (None, Bound::Unknown) => ledger.open(at, &placement.because, "whether binding is switched off"),
        (None, Bound::None | Bound::Exclusive | Bound::Shared) => Fact::known(false, because),
    }
}

/// How the line binds or maps, as it is written.
fn placement_word(launch: &Launch, ledger: &mut Ledger) -> Fact<String> {
    let at = &launch.line.place;
    let given = launch.line.last(Meaning::Binding).or_else(|| launch.line.last(Meaning::Mapping));
    match given {
        Some(given) => match given.values.first() {
            Some(value) => ledger.text_of(value, &given.place, "how the launcher places ranks"),
            None => Fact::known(given.name.clone(), vec![ledger.place(&given.place)]),
        },
        None => Fact::known("default".to_owned(), vec![ledger.place(at)]),
    }
}

/// Threads of all ranks of a node against what the node has.
fn load(
    placement: &Placement,
    threads: &Fact<u64>,
    asked: &Fact<Option<u64>>,
    at: &Place,
    ledger: &mut Ledger,
) -> Fact<String> {
    let hides = "whether the threads fit on the node";
    let mut because = threads.because().to_vec();
    because.extend(ledger.places(&placement.ranks_per_node.places));
    because.push(ledger.place(at));
    let Some(ranks) = placement.ranks_per_node.value else {
        return ledger.open(at, &placement.ranks_per_node.reason(), hides);
    };
    // What a bound rank starts beyond its CPUs is a matter of the rank, not of the node.
    let held = match placement.bound {
        Bound::Exclusive | Bound::Shared => placement.cpus_per_rank.value,
        Bound::None | Bound::Unknown => None,
    };
    let each = match (threads.value().copied(), asked.value().copied().flatten()) {
        (Some(threads), _) => threads.min(held.unwrap_or(u64::MAX)),
        // How many a setting asks for is enough where nobody knows how large a node is.
        (None, Some(asked)) if placement.cores_per_node.value.is_none() => asked,
        (None, _) => {
            return match threads.gap() {
                Some(gap) => Fact::unknown(gap),
                None => ledger.open(at, "how many threads a rank starts is not known", hides),
            };
        }
    };
    let all = ranks.saturating_mul(each);
    let word = match (placement.cores_per_node.value, placement.cpus_per_node.value) {
        (Some(cores), _) if all <= cores => "fits",
        (Some(_), Some(cpus)) if all <= cpus => "beyond-cores",
        (Some(_), Some(_)) => "beyond-cpus",
        (Some(_), None) => return ledger.open(at, &placement.cpus_per_node.reason(), hides),
        (None, _) => "node-unknown",
    };
    Fact::known(word.to_owned(), because)
}

fn cpus_per_task(what: &CpusPerTask, at: &Place, ledger: &mut Ledger) -> Fact<String> {
    let (word, places): (&str, &[Place]) = match what {
        CpusPerTask::NotAsked => ("not-asked", &[]),
        CpusPerTask::Kept(places) => ("kept", places),
        CpusPerTask::Lost(places) => ("lost", places),
        CpusPerTask::Depends(_, places) => ("depends", places),
    };
    let mut because = ledger.places(places);
    because.insert(0, ledger.place(at));
    Fact::known(word.to_owned(), because)
}

/// Variables of the script that the launch line keeps from its ranks altogether.
fn dropped(launch: &Launch, reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<Vec<String>> {
    let at = &launch.line.place;
    let containers = launch.line.wrappers().filter(|it| it.container.is_none()).flat_map(|it| &it.changes);
    let all = launch.changes.iter().chain(containers);
    let emptied: Vec<&Place> = all.filter(|it| it.change == Change::KeepNone).map(|it| &it.place).collect();
    let mut because = vec![ledger.place(at)];
    if emptied.is_empty() {
        return Fact::known(Vec::new(), because);
    }
    let mut names = Vec::new();
    for (name, binding) in launch.command.environment.iter() {
        let gone = matches!(launch.environment.get(name), Binding::Unset(place) if emptied.contains(&&place));
        let of_script = matches!(binding, Binding::Set(value) if value.places.first().is_some_and(|it| 0 < it.line && 0 < it.column));
        let matters = name == "PATH" || (of_script && reading.reaches_ranks(name));
        if gone && matters {
            names.push(said(&launch.command.environment, name));
            if let Binding::Set(value) = binding {
                because.extend(ledger.places(&value.places));
            }
        }
    }
    for place in emptied {
        because.push(ledger.place(place));
    }
    Fact::known(names, because)
}

fn problem(problem: Option<&Problem>, at: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
    let places = problem.map(|it| it.places.clone()).unwrap_or_default();
    let mut because = ledger.places(&places);
    because.push(ledger.place(at));
    Fact::known(problem.map(|it| it.text.clone()), because)
}

fn problems(list: &[Problem], at: &Place, ledger: &mut Ledger) -> Fact<Vec<String>> {
    let mut because = vec![ledger.place(at)];
    for it in list {
        because.extend(ledger.places(&it.places));
    }
    Fact::known(list.iter().map(|it| it.text.clone()).collect(), because)
}

/// A list of CPUs that a wrapper between launcher and program gives every rank.
fn fixed_cpu_list(launch: &Launch, ledger: &mut Ledger) -> Fact<Option<String>> {
    let at = &launch.line.place;
    let found = launch.line.inner.iter().find_map(|it| Some((it, it.cpus.as_ref()?)));
    match found {
        None => Fact::known(None, vec![ledger.place(at)]),
        Some((wrapper, value)) => match value.text() {
            Some(text) => {
                let because = vec![ledger.place(&wrapper.place), ledger.place(at)];
                Fact::known(Some(text), because)
            }
            // What differs from rank to rank is no fixed list.
            None => Fact::known(None, vec![ledger.place(&wrapper.place)]),
        },
    }
}
