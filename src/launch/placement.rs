//! Where a launch puts its ranks: how many on a node, on which CPUs, bound or not, and why.

use super::amounts::{Counts, Settings};
use super::checks::{self, Checked, CpusPerTask, Overwritten, Problem};
use super::condition::Truth;
use super::description::{LaunchDescription, Launchers};
use super::effect::{Bind, Each, Target};
use super::environment;
use super::line::Line;
use super::machine::{Known, Machine};
use super::masks::{self, Size, each, masks};
use super::meaning::{Amount, Meaning};
use super::outcome::Outcome;
use super::quantity::Quantity;
use super::request::Request;
use super::wrapper::Wrapper;
use crate::job::{Place, Value};

/// Whether ranks are held on CPUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bound {
    /// A rank may run anywhere in what the job has of the node.
    None,
    /// Every rank has CPUs of its own.
    Exclusive,
    /// Ranks have CPUs that others have too.
    Shared,
    /// That cannot be told.
    #[default]
    Unknown,
}

/// Where ranks are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// Nodes.
    pub nodes: Quantity,
    /// Ranks on all nodes.
    pub ranks: Quantity,
    /// Ranks on one node.
    pub ranks_per_node: Quantity,
    /// CPUs (hardware threads as the system numbers them) on which one rank may run.
    pub cpus_per_rank: Quantity,
    /// Cores that these belong to.
    pub cores_per_rank: Quantity,
    /// Whether ranks are bound.
    pub bound: Bound,
    /// What binds them or not, in words; what is unknown when that cannot be told.
    pub because: String,
    /// How the launcher places, in the words of the line: `cores`, `ppr:16:node`; `default` where nothing says it.
    pub how: String,
    /// The options and variables that say so; empty for a default.
    pub places: Vec<Place>,
    /// The option or variable that switches binding off.
    pub disabled_by: Option<Place>,
    /// Whether the job has its nodes for itself; `None`: nothing says it.
    pub exclusive: Option<bool>,
    /// CPUs of one node that the step has.
    pub owned_cpus: Quantity,
    /// Cores of one node.
    pub cores_per_node: Quantity,
    /// CPUs of one node.
    pub cpus_per_node: Quantity,
    /// Hardware threads of a core.
    pub smt: Quantity,
    /// Sockets of one node.
    pub sockets: Quantity,
    /// NUMA domains of one node.
    pub numa: Quantity,
    /// The CPUs of each rank of the first node: `core + cores * sibling`. Where the job has a part of the node, as if that
    /// were its first cores.
    pub masks: Option<Vec<Vec<u32>>>,
    /// Why there are none.
    pub masks_unknown: Option<String>,
    /// The process management interface that is asked for.
    pub pmi: Option<Value>,
    /// What becomes of the CPUs per task that the job asks for.
    pub cpus_per_task: CpusPerTask,
    /// Variables of the scheduler that the script sets to something else.
    pub overwritten: Vec<Overwritten>,
    /// Where the line asks for something else than the job.
    pub contradictions: Checked,
    /// What is wrong with an explicit list of CPUs.
    pub cpu_list: Checked,
    /// Hardware threads that are counted as cores.
    pub hardware_threads: Checked,
    /// Variables of the launcher that this version does not read.
    pub dead: Vec<Problem>,
    /// What was taken as given although nobody said it.
    pub assumptions: Vec<String>,
}

/// What is known while a launch is placed.
pub(super) struct Site<'a> {
    pub(super) description: &'a LaunchDescription,
    pub(super) request: &'a Request,
    pub(super) line: &'a Line,
    pub(super) known: &'a Known<'a>,
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    pub(super) counts: Counts,
    pub(super) exclusive: Option<bool>,
    /// Hardware threads of a core that are used.
    pub(super) threads: Quantity,
    /// Cores of a node that the step has.
    pub(super) owned_cores: Quantity,
}

impl Launchers {
    /// Where the ranks of a launch are.
    pub fn place(&self, request: &Request, line: &Line, known: &Known<'_>) -> Placement {
        let machine = Machine::of(known);
        let known = Known { environment: &environment::outside(line, known.environment), ..*known };
        let described = line.launcher.as_deref().and_then(|it| self.description(it, &line.name));
        let without = match line.incomplete {
            None => LaunchDescription::without(Target::None, "started without a launcher"),
            Some(_) => LaunchDescription::without(Target::Unknown, "the launcher is not known"),
        };
        Site::new(described.unwrap_or(&without), request, line, &known, machine).placement()
    }
}

impl Placement {
    fn on(mut self, machine: &Machine) -> Self {
        self.cores_per_node = machine.cores.clone();
        self.cpus_per_node = machine.cpus();
        self.smt = machine.smt.clone();
        self.sockets = machine.sockets.clone();
        self.numa = machine.numa.clone();
        self
    }
}

impl<'a> Site<'a> {
    fn new(
        description: &'a LaunchDescription,
        request: &'a Request,
        line: &'a Line,
        known: &'a Known<'a>,
        machine: Machine,
    ) -> Self {
        let settings = Settings::of(description, request, line, known);
        let counts = Counts::of(&settings, description.fills_slots, request, line, &machine);
        let stated = known.node.and_then(|it| it.exclusive.as_ref()).map(|it| it.value);
        let whole = request.exclusive.is_some() || request.whole_nodes || description.whole_nodes;
        let exclusive = if whole { Some(true) } else { stated };
        let mut site = Self {
            description,
            request,
            line,
            known,
            settings,
            counts,
            exclusive,
            threads: machine.smt.clone(),
            owned_cores: machine.cores.clone(),
            machine,
        };
        site.threads = site.threads_per_core();
        site.owned_cores = site.owned();
        site
    }

    fn placement(&self) -> Placement {
        let outcome = self.confined(self.outcome());
        let (masks, masks_unknown) = match outcome.masks {
            Ok(masks) => (Some(masks), None),
            Err(reason) => (None, Some(reason)),
        };
        let explicit = self.explicit();
        let off = explicit.as_ref().filter(|it| it.0.to == Target::None).and_then(|it| it.1.first().cloned());
        let place = Placement {
            nodes: self.counts.nodes.clone(),
            ranks: self.counts.ranks.clone(),
            ranks_per_node: self.counts.ranks_per_node.clone(),
            cpus_per_rank: outcome.cpus,
            cores_per_rank: outcome.cores,
            bound: outcome.bound,
            because: outcome.because,
            how: self.how(),
            places: explicit.map(|it| it.1).unwrap_or_default(),
            disabled_by: off,
            exclusive: self.exclusive,
            owned_cpus: self.owned_cpus(),
            masks,
            masks_unknown,
            pmi: self.settings.pmi.clone(),
            cpus_per_task: checks::cpus_per_task(self.description, self.request, &self.settings),
            overwritten: checks::overwritten(self.description, self.request, self.known.environment),
            dead: checks::dead(&self.settings),
            assumptions: self.settings.assumptions.clone(),
            ..Placement::default()
        };
        let mut place = place.on(&self.machine);
        place.contradictions = checks::contradictions(self.request, self.line, &self.settings, &place);
        place.cpu_list = self.explicit().map(|it| checks::cpu_list(&it.0, &it.1, &place)).unwrap_or_default();
        place.hardware_threads = checks::hardware_threads(self.description, &self.settings, &place, &self.threads);
        place
    }

    /// The way of binding that an option or a variable asks for: a binding before what a mapping brings with it.
    fn explicit(&self) -> Option<(Bind, Vec<Place>)> {
        self.settings.binding.clone().or_else(|| self.settings.mapping.clone())
    }

    fn how(&self) -> String {
        let given = self.line.last(Meaning::Binding).or_else(|| self.line.last(Meaning::Mapping));
        match (given, self.explicit()) {
            (Some(given), _) => given.values.first().map_or(given.name.clone(), Value::display),
            (None, Some((bind, _))) => bind.because,
            (None, None) => "default".to_owned(),
        }
    }

    /// Hardware threads of a core that are used: asked for in the line or by the job, otherwise all.
    fn threads_per_core(&self) -> Quantity {
        let own = self.settings.amount(Amount::ThreadsPerCore).cloned();
        let its_job = self.description.scheduler.is_some() && self.description.scheduler == self.request.scheduler;
        let of_job = || self.request.amounts.get(&Amount::ThreadsPerCore).filter(|_| its_job).cloned();
        match own.or_else(of_job) {
            Some(asked) if asked.value == Some(1) || self.machine.smt.value.is_none() => asked,
            Some(asked) => asked.with(&self.machine.smt, "hardware threads that are used", |a, b| Some(a.min(b))),
            None => self.machine.smt.clone(),
        }
    }

    /// Cores of a node that the step has.
    fn owned(&self) -> Quantity {
        let cores = &self.machine.cores;
        if self.description.own_step && self.line.last(Meaning::Exclusive).is_none() {
            return self.asked_cores().unwrap_or_else(|| cores.clone());
        }
        // Without a scheduler nothing confines what the script starts.
        let alone = self.request.scheduler.is_none() && self.request.unknown.is_none();
        if self.exclusive == Some(true) || alone {
            return cores.clone();
        }
        let Some(asked) = self.asked_cores() else {
            return Quantity::unknown("the job does not say how many CPUs of a node it wants");
        };
        match (asked.value, cores.value, self.exclusive) {
            (Some(wanted), Some(all), _) if all <= wanted => cores.clone(),
            (Some(_), _, Some(false)) => asked,
            (Some(wanted), _, _) => {
                let name = self.known.node.map_or("NAME", |it| it.name.as_str());
                let reason = format!("the job asks for {wanted} cores of a node; [node.{name}] exclusive would decide");
                Quantity { places: asked.places, ..Quantity::unknown(format!("{reason} whether it gets more")) }
            }
            (None, _, _) => asked,
        }
    }

    /// Cores of a node that the job asks for.
    fn asked_cores(&self) -> Option<Quantity> {
        let request = self.request;
        let cores = |cpus: &Quantity| {
            if !request.counts_threads {
                return self.as_cores(cpus);
            }
            let one_thread = request.amounts.get(&Amount::ThreadsPerCore).filter(|it| it.value == Some(1));
            let threads = one_thread.unwrap_or(&self.machine.smt);
            let count = |all: u64, each: u64| (each != 0).then(|| all.div_ceil(each));
            cpus.with(threads, "CPUs of a node / threads of a core", count)
        };
        if let (Some(each), true) = (self.settings.amount(Amount::CpusPerRank), self.description.own_step) {
            let product = self.counts.ranks_per_node.with(each, "ranks x cores of the step", u64::checked_mul);
            return Some(product);
        }
        if let Some(cpus) = request.amounts.get(&Amount::CpusPerNode) {
            return Some(cores(cpus));
        }
        let ranks =
            request.amounts.get(&Amount::RanksPerNode).or_else(|| request.amounts.get(&Amount::SlotsPerNode))?;
        let default = request.defaults.get(&Amount::CpusPerRank).map(|it| Quantity::known(*it, "default"));
        let each = request.amounts.get(&Amount::CpusPerRank).cloned().or(default);
        let one = Quantity::known(1, "one CPU for each slot");
        Some(cores(&ranks.with(&each.unwrap_or(one), "ranks x CPUs of a node", u64::checked_mul)))
    }

    /// CPUs of a scheduler that counts as its site wants: as many as the node has cores or threads is the whole node.
    fn as_cores(&self, cpus: &Quantity) -> Quantity {
        let (all, smt) = (self.machine.cores.value, self.machine.smt.value);
        match (cpus.value, all, smt) {
            (Some(wanted), Some(cores), _) if wanted == cores => self.machine.cores.clone(),
            (Some(wanted), Some(cores), Some(smt)) if Some(wanted) == cores.checked_mul(smt) => {
                self.machine.cores.clone()
            }
            (Some(_), _, Some(1)) | (None, _, _) => cpus.clone(),
            (Some(wanted), _, _) => {
                Quantity::unknown(format!("whether the {wanted} CPUs are cores or hardware threads is not known"))
            }
        }
    }

    pub(super) fn owned_cpus(&self) -> Quantity {
        self.owned_cores.with(&self.threads, "cores of the step x threads of a core", u64::checked_mul)
    }

    fn outcome(&self) -> Outcome {
        if let Some((bind, _)) = self.explicit() {
            return self.of(&bind);
        }
        let unseen = self.line.incomplete.as_ref().filter(|_| self.line.launcher.is_some());
        let depends = self.settings.unread.iter().find_map(|it| {
            matches!(it.means, Meaning::Binding | Meaning::Mapping).then_some(())?;
            it.depends.as_ref().map(|why| (&it.name, why))
        });
        if let Some(place) = unseen {
            return Outcome::unknown(format!("options in line {} are not known", place.line));
        }
        if let Some((name, why)) = depends {
            return Outcome::unknown(format!("whether {name} counts is not known: {why}"));
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut reasons = Vec::new();
        for default in &self.description.defaults {
            let truth = default.when.truth(self);
            if truth == Truth::No {
                continue;
            }
            outcomes.extend(default.binds.iter().map(|it| self.of(&it.bind(&default.because, str::to_owned))));
            match truth {
                Truth::Unknown(reason) => reasons.push(reason),
                Truth::Yes | Truth::No => break,
            }
        }
        Outcome::joined(outcomes, &reasons)
    }

    /// What a list of CPUs in front of the program, or in front of a launcher that binds nothing, leaves of an outcome.
    fn confined(&self, outcome: Outcome) -> Outcome {
        // Masks and NUMA nodes are not followed: what they leave is taken for everything.
        let lists = |it: &&Wrapper| it.given.iter().any(|it| it.means == Meaning::CpuList);
        let of = |wrappers: &[Wrapper]| wrappers.iter().rev().filter(lists).find_map(|it| it.cpus.clone());
        let (inner, outer) = (of(&self.line.inner), of(&self.line.outer));
        let within = match (inner, outer) {
            (Some(list), _) => list,
            (None, Some(list)) if outcome.bound == Bound::None => list,
            (None, Some(_)) if outcome.bound != Bound::Unknown && !self.description.escapes_masks => {
                let reason = "whether the launcher keeps to the CPUs that stand in front of it is not known";
                return Outcome::unknown(reason.to_owned());
            }
            (None, _) => return outcome,
        };
        let because = format!("{} in front of the program", within.display());
        let Some(cpus) = within.text().map(|it| masks::list(&it)).filter(|it| !it.is_empty()) else {
            return Outcome::unknown(format!("{because}: which CPUs these are is not known"));
        };
        match self.ranks_here() {
            Ok(ranks) => {
                let all: Vec<_> = (0..ranks).map(|_| cpus.clone()).collect();
                Outcome::of_masks(&all, because, &self.machine.cores)
            }
            Err(reason) => Outcome { masks: Err(reason), because, ..outcome },
        }
    }

    /// What follows from one way of binding.
    fn of(&self, bind: &Bind) -> Outcome {
        let because = bind.because.clone();
        let listed = matches!(bind.to, Target::List | Target::OneOfList | Target::Masks);
        let size = if listed { Ok(self.size().unwrap_or(Size::UNKNOWN)) } else { self.size() };
        let drawn = size.and_then(|size| masks(bind, &self.settings, &size, self.ranks_here()?));
        match (bind.to, &drawn) {
            (Target::Unknown, _) => Outcome::unknown(because),
            (Target::None, _) => {
                let (cpus, cores) = (self.owned_cpus(), self.owned_cores.clone());
                Outcome { bound: Bound::None, because, cpus, cores, masks: drawn }
            }
            (_, Ok(masks)) => {
                let outcome = Outcome::of_masks(masks, because, &self.machine.cores);
                let parts =
                    matches!(bind.to, Target::Socket | Target::Numa | Target::Step) || bind.each == Each::Divided;
                // How much of a socket the job has follows from how much of the node it has.
                if parts && self.owned_cores.value.is_none() { outcome.of_part(&self.owned_cores) } else { outcome }
            }
            (_, Err(reason)) => self.without_masks(bind, reason.clone()),
        }
    }

    fn ranks_here(&self) -> Result<u64, String> {
        let ranks = &self.counts.ranks_per_node;
        ranks.value.ok_or_else(|| ranks.reason())
    }

    fn size(&self) -> Result<Size, String> {
        let number = |it: &Quantity| it.value.ok_or_else(|| it.reason());
        let cores = number(&self.machine.cores)?;
        Ok(Size {
            cores,
            owned: self.owned_cores.value.unwrap_or(cores).min(cores),
            threads: number(&self.threads)?,
            sockets: self.machine.sockets.value,
            numa: self.machine.numa.value,
        })
    }

    /// What can be said of a way of binding on a node that is not known.
    fn without_masks(&self, bind: &Bind, reason: String) -> Outcome {
        let alone = self.counts.ranks_per_node.value == Some(1);
        let wanted = each(bind, &self.settings, self.counts.ranks_per_node.value.unwrap_or(0), 0);
        let counted = match (wanted, &bind.each) {
            (_, Each::Divided) => Quantity::unknown(reason.clone()),
            (Ok(number), _) => Quantity::known(number, bind.because.clone()),
            (Err(why), _) => Quantity::unknown(why),
        };
        let cpus_of = |cores: &Quantity| cores.with(&self.threads, "cores x threads of a core", u64::checked_mul);
        let cores_of = |cpus: &Quantity| {
            cpus.with(&self.threads, "CPUs / threads of a core", |all, each| (each != 0).then(|| all.div_ceil(each)))
        };
        let (cpus, cores) = match bind.to {
            Target::Core => (cpus_of(&counted), counted),
            Target::Cpu if bind.whole_cores => {
                let cores = cores_of(&counted);
                let cpus = cpus_of(&cores);
                if cpus.value.is_some() { (cpus, cores) } else { (counted, cores) }
            }
            Target::Cpu => (counted.clone(), cores_of(&counted)),
            Target::NumberedCpu => (counted, Quantity::unknown(reason.clone())),
            Target::Step => (self.owned_cpus(), self.owned_cores.clone()),
            Target::None
            | Target::Cache
            | Target::Numa
            | Target::Socket
            | Target::Set
            | Target::List
            | Target::OneOfList
            | Target::Masks
            | Target::Unknown => (Quantity::unknown(reason.clone()), Quantity::unknown(reason.clone())),
        };
        let own = matches!(bind.to, Target::Core | Target::Cpu | Target::NumberedCpu);
        let bound = if own || alone {
            Bound::Exclusive
        } else if bind.to == Target::Step && self.counts.ranks_per_node.value.is_some() {
            Bound::Shared
        } else {
            Bound::Unknown
        };
        let because = if bound == Bound::Unknown { reason.clone() } else { bind.because.clone() };
        Outcome { bound, because, cpus, cores, masks: Err(reason) }
    }
}
