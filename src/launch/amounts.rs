//! How many nodes, ranks and CPUs a launch has: from its options, from variables that act like options, from the request.

use std::collections::BTreeMap;

use super::condition::{Ranges, Truth};
use super::description::LaunchDescription;
use super::effect::{Bind, Target};
use super::line::{Line, said};
use super::machine::{Known, Machine};
use super::meaning::{Amount, Meaning};
use super::option::Rule;
use super::quantity::Quantity;
use super::request::Request;
use crate::job::{Binding, Place, Value};

/// What says a number; a stronger one beats a weaker one that it contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Otherwise,
    Variable,
    Option,
}

/// A variable that the launcher does not read, or perhaps not.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    pub(super) name: String,
    pub(super) places: Vec<Place>,
    pub(super) amount: Option<Amount>,
    pub(super) means: Meaning,
    /// `None`: certainly not read by this version.
    pub(super) depends: Option<String>,
}

/// Everything that a launch says, with what its variables add.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) amounts: BTreeMap<Amount, (usize, Quantity)>,
    pub(super) binding: Option<(Bind, Vec<Place>)>,
    pub(super) mapping: Option<(Bind, Vec<Place>)>,
    pub(super) over: Option<Target>,
    pub(super) pmi: Option<Value>,
    pub(super) unread: Vec<Unread>,
    pub(super) assumptions: Vec<String>,
    /// Numbers of variables that some versions of the launcher read.
    some_versions: Vec<(Amount, Ranges, Quantity)>,
}

/// Nodes, ranks, ranks on one node.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) nodes: Quantity,
    pub(super) ranks: Quantity,
    pub(super) ranks_per_node: Quantity,
}

impl Settings {
    pub(super) fn of(description: &LaunchDescription, request: &Request, line: &Line, known: &Known<'_>) -> Self {
        let option = |it: &Quantity| (Strength::Option as usize, it.clone());
        let places = line.bind_places.clone();
        let mut settings = Self {
            amounts: line.amounts.iter().map(|(amount, it)| (*amount, option(it))).collect(),
            binding: line.binding.clone().map(|it| (it, places.clone())),
            mapping: line.mapping.clone().map(|it| (it, places)),
            over: line.over,
            pmi: line.pmi.clone(),
            ..Self::default()
        };
        for rule in &description.variables {
            for name in &rule.names {
                if let Some(value) = settings.value(name, description, request, line, known) {
                    settings.variable(rule, name, &value, line);
                }
            }
        }
        settings.whatever_the_version();
        for (amount, word) in &description.otherwise {
            if !settings.amounts.contains_key(amount) {
                let quantity = otherwise(word, *amount, request);
                settings.amounts.insert(*amount, (Strength::Otherwise as usize, quantity));
            }
        }
        settings
    }

    pub(super) fn amount(&self, amount: Amount) -> Option<&Quantity> {
        self.amounts.get(&amount).map(|it| &it.1)
    }

    /// Whether an option or a variable says it.
    pub(super) fn given(&self, amount: Amount) -> bool {
        self.amounts.get(&amount).is_some_and(|it| Strength::Otherwise as usize != it.0)
    }

    fn strength(&self, amount: Amount) -> usize {
        self.amounts.get(&amount).map_or(0, |it| it.0)
    }

    /// What the launcher sees as the value of a variable of its own.
    fn value(
        &mut self,
        name: &str,
        description: &LaunchDescription,
        request: &Request,
        line: &Line,
        known: &Known<'_>,
    ) -> Option<Value> {
        let parameter = description.parameter_prefix.as_ref().and_then(|it| name.strip_prefix(it.as_str()));
        let parameter = parameter.and_then(|it| line.parameters.iter().rev().find(|given| given.name == it));
        if let Some(parameter) = parameter {
            return Some(parameter.value.clone());
        }
        let own = line.changes.iter().rev().find_map(|it| it.change.value_of(name).cloned());
        if let (true, Some(value)) = (description.ranks_read_own_settings, own) {
            return Some(value);
        }
        match known.environment.own(name) {
            Some(Binding::Set(value)) => return Some(value.clone()),
            Some(Binding::Unset(_)) => return None,
            Some(Binding::Unknown { reason, place }) => {
                return Some(Value::unknown(format!("${name} ({reason})"), place));
            }
            None => {}
        }
        // Where anything may have been set, a variable that nobody names is taken as the scheduler leaves it.
        match known.environment.get(name) {
            Binding::Unknown { reason, .. } => {
                let by_scheduler = request.variables.iter().find(|it| it.0 == name).map(|it| it.1.clone());
                let note = format!("variables of the launcher are as the scheduler leaves them, although {reason}");
                if !self.assumptions.contains(&note) {
                    self.assumptions.push(note);
                }
                by_scheduler
            }
            Binding::Set(value) => Some(value),
            Binding::Unset(_) => None,
        }
    }

    fn variable(&mut self, rule: &Rule, name: &str, value: &Value, line: &Line) {
        let unread = |depends| Unread {
            name: name.to_owned(),
            places: value.places.clone(),
            amount: rule.amount,
            means: rule.means,
            depends,
        };
        match rule.version.truth(line.version.as_deref(), || "the version of the launcher is not known".to_owned()) {
            Truth::Yes => {}
            Truth::No => return self.unread.push(unread(None)),
            Truth::Unknown(reason) => {
                let number = rule.amount.map(|it| (it, rule.version.clone(), Quantity::read(name, value)));
                self.some_versions.extend(number);
                return self.unread.push(unread(Some(reason)));
            }
        }
        let mut amounts = BTreeMap::new();
        let effects = said(rule, name, value, &mut amounts);
        for (amount, quantity) in amounts {
            self.amounts.entry(amount).or_insert((Strength::Variable as usize, quantity));
        }
        let (means, value) = effects.means.unwrap_or((rule.means, value.clone()));
        let unknown = |why: String| Bind::unknown(format!("{name}: {why}"));
        let bind = effects.bind.or_else(|| effects.unclear.map(unknown)).map(|it| (it, value.places.clone()));
        if means == Meaning::Binding {
            self.binding = self.binding.take().or(bind);
        } else if means == Meaning::Mapping {
            self.mapping = self.mapping.take().or(bind);
        } else if means == Meaning::Pmi {
            self.pmi = self.pmi.take().or(Some(value));
        }
        self.over = self.over.or(effects.over);
    }
}

impl Settings {
    /// A number that every version of the launcher reads, be it from another variable, is given.
    fn whatever_the_version(&mut self) {
        let several = std::mem::take(&mut self.some_versions);
        for (amount, _, first) in &several {
            let same = several.iter().filter(|it| it.0 == *amount);
            let (ranges, numbers): (Vec<&Ranges>, Vec<&Quantity>) = same.map(|it| (&it.1, &it.2)).unzip();
            if !Ranges::cover_all(&ranges) {
                continue;
            }
            let agree = numbers.iter().all(|it| it.value == first.value);
            let number = if agree { first.clone() } else { Quantity::unknown("it depends on the launcher's version") };
            self.amounts.entry(*amount).or_insert((Strength::Variable as usize, number));
        }
    }
}

/// A number, or where it is taken from.
fn otherwise(word: &str, amount: Amount, request: &Request) -> Quantity {
    match (word, word.parse()) {
        (_, Ok(number)) => Quantity::known(number, "default of the launcher"),
        ("slots", Err(_)) => request.amount(Amount::Slots),
        ("nodes", Err(_)) => request.amount(Amount::Nodes),
        ("slots_per_node", Err(_)) => request.amount(Amount::SlotsPerNode),
        (_, Err(_)) => request.amount(amount),
    }
}

impl Counts {
    pub(super) fn of(
        settings: &Settings,
        fills_slots: bool,
        request: &Request,
        line: &Line,
        machine: &Machine,
    ) -> Self {
        let mut ranks = total(settings);
        let mut per_node = per_node(settings, machine);
        let nodes = settings.amount(Amount::Nodes).cloned();
        let strength = |one: Amount, other: Amount| settings.strength(one).max(settings.strength(other));
        let of_ranks = strength(Amount::Ranks, Amount::Sets);
        let of_each = strength(Amount::RanksPerNode, Amount::SetsPerNode);
        if per_node.is_some() && ranks.is_some() && of_each < of_ranks {
            per_node = None;
        }
        let product = |nodes: &Quantity, each: &Quantity| nodes.with(each, "nodes x ranks per node", u64::checked_mul);
        let job_nodes = job_nodes(request, line);
        if let (Some(each), true) = (&per_node, ranks.is_none() || of_ranks < of_each) {
            ranks = Some(product(nodes.as_ref().unwrap_or(&job_nodes), each));
        }
        let ranks = ranks.unwrap_or_else(|| Quantity::unknown("nothing says how many ranks there are"));
        let count = |all: u64, each: u64| (each != 0).then(|| all.div_ceil(each));
        let own_hosts = hosts(request, line);
        let per_node = per_node.unwrap_or_else(|| match (&nodes, &own_hosts) {
            (None, Some(reason)) => Quantity::unknown(reason),
            (Some(nodes), _) if !fills_slots => ranks.with(nodes, "ranks over nodes", count),
            (_, _) if fills_slots && job_nodes.value != Some(1) => {
                let slots = request.amount(Amount::SlotsPerNode);
                ranks.with(&slots, "ranks, at most the slots of a node", |all, slots| Some(all.min(slots)))
            }
            (_, _) => ranks.with(&job_nodes, "ranks over nodes", count),
        });
        let per_node = match (&nodes, fills_slots) {
            (Some(nodes), false) => at_most(per_node, &ranks.with(nodes, "ranks over nodes", count)),
            (Some(_), true) | (None, _) => per_node,
        };
        let nodes = nodes.unwrap_or_else(|| match ranks.value {
            Some(_) => ranks.with(&per_node, "ranks / ranks per node", count),
            None => job_nodes,
        });
        let fewer = ranks.value.zip(nodes.value).is_some_and(|(ranks, nodes)| 0 < ranks && ranks < nodes);
        let nodes =
            if fewer { Quantity { because: "one rank on each node".to_owned(), ..ranks.clone() } } else { nodes };
        let one = |because: &str| Quantity { because: because.to_owned(), ..ranks.clone() };
        if ranks.value == Some(1) {
            return Self {
                nodes: one("one rank is on one node"),
                ranks_per_node: one("one rank is on one node"),
                ranks,
            };
        }
        Self { nodes, ranks, ranks_per_node: per_node }
    }
}

/// A number per node is a maximum where the ranks do not fill the nodes.
fn at_most(per_node: Quantity, share: &Quantity) -> Quantity {
    match (per_node.value, share.value) {
        (Some(most), Some(each)) if each < most => share.clone(),
        (_, _) => per_node,
    }
}

fn total(settings: &Settings) -> Option<Quantity> {
    let sets = settings.amount(Amount::Sets);
    match (sets, settings.amount(Amount::RanksPerSet)) {
        (Some(sets), Some(each)) => Some(sets.with(each, "resource sets x ranks of a set", u64::checked_mul)),
        (_, _) => settings.amount(Amount::Ranks).cloned(),
    }
}

fn per_node(settings: &Settings, machine: &Machine) -> Option<Quantity> {
    let times = |a: &Quantity, b: &Quantity, because: &str| Some(a.with(b, because, u64::checked_mul));
    let sets = settings.amount(Amount::SetsPerNode).zip(settings.amount(Amount::RanksPerSet));
    if let Some((sets, each)) = sets {
        return times(sets, each, "resource sets of a node x ranks of a set");
    }
    if let Some(each) = settings.amount(Amount::RanksPerSocket) {
        return times(each, &machine.sockets, "ranks per socket x sockets");
    }
    settings.amount(Amount::RanksPerNode).cloned()
}

/// The nodes of the job. Without a scheduler there is the one on which the script runs.
fn job_nodes(request: &Request, line: &Line) -> Quantity {
    let alone = request.scheduler.is_none() && request.unknown.is_none() && hosts(request, line).is_none();
    match request.amounts.get(&Amount::Nodes) {
        Some(nodes) => nodes.clone(),
        None if alone => Quantity::known(1, "no scheduler gives the script other nodes"),
        None => request.amount(Amount::Nodes),
    }
}

/// Hosts that are not the scheduler's own list: how ranks spread over them is not known.
fn hosts(request: &Request, line: &Line) -> Option<String> {
    let given = line.last(Meaning::Hosts).or_else(|| line.last(Meaning::HostFile))?;
    let value = given.values.first()?;
    let by_scheduler = request.variables.iter().any(|(_, it)| !it.is_known() && it.says_the_same(value));
    (!by_scheduler).then(|| format!("{} {} says on which nodes, and is not read", given.name, value.display()))
}
