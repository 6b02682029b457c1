//! Where a launch, its job and its node do not fit together.

use super::amounts::Settings;
use super::description::LaunchDescription;
use super::effect::{Bind, Target};
use super::line::Line;
use super::masks::{hexadecimal, list};
use super::meaning::Amount;
use super::placement::Placement;
use super::quantity::Quantity;
use super::request::Request;
use crate::job::{Binding, Environment, Place, Value};

/// What becomes of the CPUs per task that the job asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CpusPerTask {
    /// The job asks for none, or the launcher does not take them over.
    #[default]
    NotAsked,
    /// The launch has them.
    Kept(Vec<Place>),
    /// The launch does not read them.
    Lost(Vec<Place>),
    /// That depends on what is not known: the reason.
    Depends(String, Vec<Place>),
}

/// A variable of the scheduler that the script sets to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overwritten {
    /// Its name.
    pub name: String,
    /// What the scheduler gave.
    pub given: Value,
    /// What the script makes of it.
    pub set: Value,
}

/// Something that does not fit, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub text: String,
    /// Where, the launch first.
    pub places: Vec<Place>,
}

/// What does not fit, and why there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Each of them once.
    pub problems: Vec<Problem>,
    /// What would have to be known to look further.
    pub open: Option<String>,
}

impl Checked {
    fn found(text: String, places: &[Place]) -> Self {
        Self { problems: vec![Problem { text, places: places.to_vec() }], open: None }
    }

    fn open(reason: String) -> Self {
        Self { problems: Vec::new(), open: Some(reason) }
    }
}

pub(super) fn cpus_per_task(description: &LaunchDescription, request: &Request, settings: &Settings) -> CpusPerTask {
    let asked = request.amount(Amount::CpusPerRank);
    let reads = description.variables.iter().any(|it| it.amount == Some(Amount::CpusPerRank));
    if !reads || asked.value.is_some_and(|it| it <= 1) || asked.places.is_empty() {
        return CpusPerTask::NotAsked;
    }
    if settings.given(Amount::CpusPerRank) {
        let places = settings.amount(Amount::CpusPerRank).map(|it| it.places.clone());
        return CpusPerTask::Kept(places.unwrap_or_default());
    }
    let unread = settings.unread.iter().filter(|it| it.amount == Some(Amount::CpusPerRank));
    match unread.into_iter().find_map(|it| it.depends.clone()) {
        Some(reason) => CpusPerTask::Depends(reason, asked.places),
        None => CpusPerTask::Lost(asked.places),
    }
}

/// Of numbers that the launcher takes over from the scheduler.
pub(super) fn overwritten(
    description: &LaunchDescription,
    request: &Request,
    environment: &Environment,
) -> Vec<Overwritten> {
    let numbers = || description.variables.iter().filter(|it| it.amount.is_some());
    let read = |name: &String| numbers().any(|it| it.names.contains(name));
    let one = |(name, given): &(String, Value)| match environment.own(name) {
        Some(Binding::Set(set)) if set.is_known() && given.is_known() && !set.says_the_same(given) => {
            Some(Overwritten { name: name.clone(), given: given.clone(), set: set.clone() })
        }
        Some(Binding::Set(_) | Binding::Unset(_) | Binding::Unknown { .. }) | None => None,
    };
    request.variables.iter().filter(|it| read(&it.0)).filter_map(one).collect()
}

pub(super) fn dead(settings: &Settings) -> Vec<Problem> {
    let certainly = settings.unread.iter().filter(|it| it.depends.is_none());
    let problem = |name: &str, places: &[Place]| Problem {
        text: format!("{name} is not read by this version of the launcher"),
        places: places.to_vec(),
    };
    certainly.map(|it| problem(&it.name, &it.places)).collect()
}

pub(super) fn contradictions(request: &Request, line: &Line, settings: &Settings, place: &Placement) -> Checked {
    let mut problems = Vec::new();
    let mut open = None;
    let mut add = |text: String, of: &[&Quantity]| {
        let places = of.iter().flat_map(|it| it.places.iter().cloned()).collect();
        problems.push(Problem { text, places });
    };
    let ranks_asked = request.amount(Amount::Slots);
    let (ranks, nodes, per_node) = (&place.ranks, &place.nodes, &place.ranks_per_node);
    match (ranks.value, ranks_asked.value) {
        (Some(started), Some(asked)) if asked < started => {
            add(format!("{started} ranks are started, the job asks for {asked}"), &[ranks, &ranks_asked]);
        }
        (None, Some(_)) => open = Some(ranks.reason()),
        (Some(_), _) | (None, None) => {}
    }
    let nodes_asked = request.amount(Amount::Nodes);
    match (nodes.value, nodes_asked.value) {
        (Some(used), Some(asked)) if asked < used => {
            add(format!("{used} nodes are used, the job asks for {asked}"), &[nodes, &nodes_asked]);
        }
        (None, Some(_)) => open = Some(nodes.reason()),
        (Some(_), _) | (None, None) => {}
    }
    let said = |amount| line.amounts.get(&amount).and_then(|it| it.value);
    let all = (said(Amount::Ranks), said(Amount::RanksPerNode), said(Amount::Nodes));
    if let (Some(total), Some(each), Some(nodes)) = all
        && each.checked_mul(nodes).is_some_and(|it| it < total)
    {
        add(format!("{nodes} nodes x {each} ranks are fewer than {total}"), &[ranks, per_node]);
    }
    let cpus = settings.amount(Amount::CpusPerRank).filter(|_| settings.given(Amount::CpusPerRank));
    let wanted = cpus.and_then(|it| it.value).zip(per_node.value);
    match (wanted, place.cpus_per_node.value, cpus) {
        (Some((cpus_of_rank, ranks)), Some(node), Some(cpus))
            if cpus_of_rank.checked_mul(ranks).is_none_or(|it| node < it) =>
        {
            add(format!("{ranks} ranks x {cpus_of_rank} CPUs, the node has {node}"), &[cpus, per_node]);
        }
        (Some(_), None, _) => open = Some(place.cpus_per_node.reason()),
        (None, _, Some(cpus)) if cpus.value.is_none() => open = Some(cpus.reason()),
        (None, _, Some(_)) => open = Some(per_node.reason()),
        (_, _, _) => {}
    }
    Checked { problems, open }
}

pub(super) fn cpu_list(bind: &Bind, places: &[Place], place: &Placement) -> Checked {
    let read: fn(&str) -> Vec<u32> = if bind.to == Target::Masks { hexadecimal } else { list };
    if !matches!(bind.to, Target::List | Target::OneOfList | Target::Masks) {
        return Checked::default();
    }
    let problem = |text: String| Checked::found(text, places);
    let entries = bind.list.len() as u64;
    if let Some(ranks) = place.ranks_per_node.value.filter(|it| *it != entries) {
        return problem(format!("{entries} entries for {ranks} ranks of a node"));
    }
    let masks: Vec<Vec<u32>> = bind.list.iter().map(|it| read(it)).collect();
    let node = &place.cpus_per_node;
    let beyond = |cpus: u64| masks.iter().flatten().find(|it| cpus <= u64::from(**it));
    if let Some((number, node)) = node.value.and_then(|it| Some((beyond(it)?, it))) {
        return problem(format!("CPU {number} on a node that has {node}"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = masks.iter().flatten().find(|it| !seen.insert(**it)) {
        return problem(format!("CPU {twice} is given to several ranks"));
    }
    match [&place.ranks_per_node, node].into_iter().find(|it| it.value.is_none()) {
        Some(unknown) => Checked::open(unknown.reason()),
        None => Checked::default(),
    }
}

pub(super) fn hardware_threads(
    description: &LaunchDescription,
    settings: &Settings,
    place: &Placement,
    threads: &Quantity,
) -> Checked {
    let given = settings.amount(Amount::CpusPerRank).filter(|_| settings.given(Amount::CpusPerRank));
    let Some(cpus) = given.filter(|_| description.counts_threads) else { return Checked::default() };
    let all = [cpus, &place.smt, threads];
    if all.iter().any(|it| it.value.is_some_and(|it| it <= 1)) {
        return Checked::default();
    }
    let (Some(count), Some(_), Some(each)) = (cpus.value, place.smt.value, threads.value) else {
        let unknown = all.iter().find(|it| it.value.is_none());
        return unknown.map_or_else(Checked::default, |it| Checked::open(it.reason()));
    };
    let text = format!("{count} CPUs are {} cores with {each} hardware threads each", count.div_ceil(each));
    Checked::found(text, &cpus.places)
}
