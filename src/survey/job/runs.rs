//! One launch joined with the process that it starts: the facts of a run.

use super::JobReading;
use super::containers::{Image, image};
use super::launches::Launch;
use super::picture::{cores_in_use, picture};
use super::pinning::{binding, cpus_per_rank, disabled, placement_word};
use super::places::whole;
use super::reach::{dropped, fixed_cpu_list};
use super::threads::{Pools, decided, pools};
use crate::facts::{Fact, Facts, Run};
use crate::job::{Place, Value};
use crate::launch::{Bound, Checked, CpusPerTask, Known, Placement};
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

impl JobReading<'_> {
    /// The type of node that the job gets.
    pub(super) fn node(&self) -> Result<&Node, String> {
        let Some(site) = self.question.site else {
            return Err("no site profile says how large a node is: [node.NAME] cores would decide it".to_owned());
        };
        let selected = &self.request.selected;
        let text = |it: &Option<Value>| it.as_ref().and_then(Value::text);
        site.node(&Selection {
            partition: text(&selected.partition),
            queue: text(&selected.queue),
            constraint: text(&selected.constraint),
            host: text(&selected.host),
        })
    }
}

impl Runs<'_> {
    /// Where a launch puts its ranks.
    pub(super) fn placed(&self, launch: &Launch) -> Placed {
        let (node, unknown) = match self.reading.node() {
            Ok(node) => (Some(node), String::new()),
            Err(reason) => (None, reason),
        };
        let known = Known {
            site: self.reading.question.site,
            node,
            node_unknown: &unknown,
            environment: &launch.command.environment,
        };
        let placement = self.reading.know.launch_lines.place(&self.reading.request, &launch.line, &known);
        let mask = placement.cpus_per_rank.value;
        let pools = pools(self.facts, self.reading.know, &launch.environment, mask, placement.cpus_per_node.value);
        Placed { placement, pools }
    }

    /// The facts of one launch.
    pub(super) fn run(&self, launch: &Launch, placed: &Placed, ledger: &mut Ledger) -> Run {
        let at = &launch.line.place;
        let Placed { placement, pools } = placed;
        let environment = &launch.environment;
        let Image { image, leaks, home_visible, image_wins } = image(self.reading, launch, self.facts, ledger);
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
            cpus_per_rank: cpus_per_rank(launch, placement, ledger),
            cores_per_rank: ledger.quantity(&placement.cores_per_rank, at, "how many cores a rank has"),
            cores_in_use: ledger.quantity(&placement.cores_per_rank, at, "on how many cores the threads of a rank run"),
            binding: binding(placement, at, ledger),
            binding_disabled: disabled(placement, at, ledger),
            placement: placement_word(launch, ledger),
            cores_per_node: ledger.quantity(&placement.cores_per_node, at, "how many cores a node has"),
            cpus_per_node: ledger.quantity(&placement.cpus_per_node, at, "how many CPUs a node has"),
            owned_cpus: ledger.quantity(&placement.owned_cpus, at, "how many CPUs of a node the job has"),
            exclusive: match placement.exclusive {
                Some(exclusive) => Fact::known(exclusive, vec![ledger.place(at)]),
                None => {
                    let node = self.reading.node().map_or("NAME", |it| it.name.as_str());
                    let reason = format!("[node.{node}] exclusive would decide it");
                    ledger.open(at, &reason, "whether the job has whole nodes")
                }
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
            cpu_map_problem: problem(&placement.cpu_list, "what is wrong with the list of CPUs", at, ledger),
            fixed_cpu_list: fixed_cpu_list(launch, &self.reading.know.shell.of_rank, ledger),
            hardware_threads: problem(
                &placement.hardware_threads,
                "whether hardware threads count as cores",
                at,
                ledger,
            ),
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
        run.picture = launch.python.is_some().then(|| picture(placement, &run, environment));
        if let (Some(cores), Fact::Known { because, .. }) =
            (run.picture.as_ref().and_then(cores_in_use), &run.cores_in_use)
        {
            run.cores_in_use = Fact::known(cores, because.clone());
        }
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
}

fn conditions(launch: &Launch) -> Vec<String> {
    let one = |it: &crate::job::Condition| if it.holds { it.text.clone() } else { format!("not: {}", it.text) };
    launch.command.conditions.iter().map(one).collect()
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

fn problem(checked: &Checked, hides: &str, at: &Place, ledger: &mut Ledger) -> Fact<Option<String>> {
    match (checked.problems.first(), &checked.open) {
        (Some(problem), _) => {
            let mut because = ledger.places(&problem.places);
            because.push(ledger.place(at));
            Fact::known(Some(problem.text.clone()), because)
        }
        (None, Some(reason)) => ledger.open(at, reason, hides),
        (None, None) => Fact::known(None, vec![ledger.place(at)]),
    }
}

fn problems(checked: &Checked, at: &Place, ledger: &mut Ledger) -> Fact<Vec<String>> {
    let mut because = vec![ledger.place(at)];
    for it in &checked.problems {
        because.extend(ledger.places(&it.places));
    }
    let hides = "whether the line asks for more than the job or the node has";
    let open = checked.open.as_ref().and_then(|it| ledger.open::<()>(at, it, hides).gap());
    whole(checked.problems.iter().map(|it| it.text.clone()).collect(), because, open)
}
