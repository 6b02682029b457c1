//! What a job asks its scheduler for, and what it gets with that.

use std::collections::BTreeMap;

use super::change::{EnvironmentChange, changes};
use super::effect::effects;
use super::grammar::{Given, Parsed};
use super::meaning::{Amount, Meaning};
use super::quantity::Quantity;
use super::resources;
use super::scheduler::{Scheduler, Schedulers, VariableText};
use crate::job::{Directive, Place, Unclear, Value};
use crate::site::{Allocation, Site};

/// Which nodes were asked for, by name of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The partition.
    pub partition: Option<Value>,
    /// The queue.
    pub queue: Option<Value>,
    /// Features of nodes.
    pub constraint: Option<Value>,
    /// Hosts.
    pub host: Option<Value>,
}

/// What a job asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Word of `rules/schedulers`.
    pub scheduler: Option<String>,
    /// Why the scheduler is not known, where there are directives.
    pub unknown: Option<String>,
    /// Other schedulers that would read the same directives.
    pub others: Vec<String>,
    /// Numbers: asked for, or following from what was.
    pub amounts: BTreeMap<Amount, Quantity>,
    /// What the scheduler says where nothing was asked.
    pub defaults: BTreeMap<Amount, u64>,
    /// The option that asks for whole nodes.
    pub exclusive: Option<Place>,
    /// Jobs of this scheduler have whole nodes.
    pub whole_nodes: bool,
    /// A CPU of this scheduler is a hardware thread.
    pub counts_threads: bool,
    /// Which nodes.
    pub selected: Selected,
    /// Variables of the job by the scheduler, in order.
    pub variables: Vec<(String, Value)>,
    /// Whether the job gets the environment of the shell that submits it.
    pub passes_environment: bool,
    /// The option that says so.
    pub environment_place: Option<Place>,
    /// What options make of that environment, in order.
    pub filter: Vec<EnvironmentChange>,
    /// The options in order.
    pub given: Vec<Given>,
    /// What was not understood.
    pub unclear: Vec<Unclear>,
    /// Directives that another scheduler would read.
    pub ignored: Vec<Place>,
}

impl Request {
    /// The number that was asked for, or that follows.
    pub fn amount(&self, amount: Amount) -> Quantity {
        self.amounts.get(&amount).cloned().unwrap_or_else(|| Quantity::unknown("no directive says it"))
    }

    /// The last option of that meaning.
    pub fn last(&self, means: Meaning) -> Option<&Given> {
        self.given.iter().rev().find(|it| it.means == means)
    }
}

impl Schedulers {
    /// Reads the directives of a script, those of the site's scheduler where it is known.
    pub fn request(&self, directives: &[Directive], site: Option<&Site>) -> Request {
        let named = site.and_then(|it| it.scheduler.name.as_ref());
        if let (Some(stated), Some(site)) = (named, site) {
            return match self.get(&stated.value) {
                Some(scheduler) => scheduler.request(directives, Some(site)),
                None => {
                    let reason = format!("{}:{}: no scheduler is called {}", site.path, stated.line, stated.value);
                    Request { unknown: Some(reason), ..Request::default() }
                }
            };
        }
        let reads = |it: &&Scheduler| directives.iter().any(|directive| it.prefixes.contains(&directive.prefix));
        let mut fitting: Vec<Request> = self.iter().filter(reads).map(|it| it.request(directives, site)).collect();
        let dialects = |it: &Request| it.ignored.len();
        let fewest = fitting.iter().map(|it| (dialects(it), it.unclear.len())).min();
        fitting.retain(|it| Some((dialects(it), it.unclear.len())) == fewest);
        let mut fitting = fitting.into_iter();
        let Some(mut first) = fitting.next() else { return Request::default() };
        first.others = fitting.filter_map(|it| it.scheduler).collect();
        if !first.ignored.is_empty() {
            let reason = "the script has directives of several schedulers; [scheduler] name would decide it";
            return Request { unknown: Some(reason.to_owned()), ..Request::default() };
        }
        first
    }
}

impl Scheduler {
    fn request(&self, directives: &[Directive], site: Option<&Site>) -> Request {
        let mut request = Request {
            scheduler: Some(self.word.clone()),
            defaults: self.defaults.clone(),
            whole_nodes: self.whole_nodes,
            counts_threads: self.counts_threads,
            passes_environment: self.passes_environment,
            ..Request::default()
        };
        for directive in directives {
            if !self.prefixes.contains(&directive.prefix) {
                request.ignored.push(directive.place.clone());
                continue;
            }
            let mut words = directive.words.as_slice();
            while !words.is_empty() {
                let Parsed { given, unclear, rest, .. } = self.grammar.parse(words, &|_| false);
                request.unclear.extend(unclear);
                for given in given {
                    self.take(&given, site, &mut request);
                    request.given.push(given);
                }
                words = words.get(rest..).unwrap_or_default();
                if let Some(word) = words.first() {
                    request.unclear.push(super::grammar::unclear(word, "no option stands before it"));
                    words = words.get(1..).unwrap_or_default();
                }
            }
        }
        let others = || self.one_node_unless.iter().chain([&Amount::Nodes]);
        if !self.one_node_unless.is_empty() && others().all(|it| !request.amounts.contains_key(it)) {
            let one = Quantity::known(1, format!("{} gives a job one node when it asks for nothing else", self.title));
            request.amounts.insert(Amount::Nodes, one);
        }
        request.derive();
        request.variables = self.variables(&request);
        request
    }

    fn take(&self, given: &Given, site: Option<&Site>, request: &mut Request) {
        let Some(rule) = self.grammar.rule(given) else { return };
        let name = given.name.as_str();
        let empty = Value::default();
        let first = given.values.first();
        let value = first.unwrap_or(&empty);
        let mut means = vec![(rule.means, value.clone())];
        if first.is_some() {
            if let Some(amount) = rule.amount {
                request.amounts.insert(amount, Quantity::read(name, value));
            }
            let effects = effects(&rule.cases, name, value);
            request.amounts.extend(effects.amounts);
            if let Some(restated) = effects.means {
                means = vec![restated];
            }
            if let Some(why) = effects.unclear {
                let what = format!("{name} {}", value.display());
                request.unclear.push(Unclear { place: given.place.clone(), what, why });
            }
        }
        match (rule.means, given.values.get(1)) {
            (Meaning::Resources, _) => {
                let said = resources::read(self, value);
                request.amounts.extend(said.amounts);
                means = said.means;
            }
            (Meaning::ParallelEnvironment, Some(slots)) => request.slots(value, slots, site),
            _ => {}
        }
        for (means, value) in &means {
            request.note(*means, value, given);
        }
        let changes = changes(rule, &given.values, &given.place);
        if !changes.is_empty() {
            request.environment_place = Some(given.place.clone());
            request.filter.extend(changes);
        }
    }

    fn variables(&self, request: &Request) -> Vec<(String, Value)> {
        let mut variables: Vec<(String, Value)> = Vec::new();
        for variable in &self.variables {
            if variables.iter().any(|(name, _)| name == &variable.name) {
                continue;
            }
            variables.extend(self.value(variable, request).map(|it| (variable.name.clone(), it)));
        }
        variables
    }

    /// The value of a variable; `None`: the scheduler does not set it for this job.
    fn value(&self, variable: &VariableText, request: &Request) -> Option<Value> {
        if let Some(means) = variable.from {
            let given = request.last(means)?;
            return Some(given.values.first().cloned().unwrap_or_default());
        }
        let asked = |it: &Amount| request.amounts.get(it).is_some_and(|it| !it.places.is_empty());
        if !variable.asked.is_empty() && !variable.asked.iter().any(asked) {
            return None;
        }
        let first = request.given.first().map(|it| it.place.clone()).unwrap_or_default();
        let unknown =
            || Value::unknown(format!("${}, set by {} when the job starts", variable.name, self.title), &first);
        let Some(template) = &variable.value else { return Some(unknown()) };
        let Some(amount) = amount_in(template) else { return Some(Value::known(template.clone(), &first)) };
        let quantity = request.amount(amount);
        let default = request.defaults.get(&amount).copied();
        let Some(number) = quantity.value.or(default) else { return Some(unknown()) };
        let place = quantity.places.first().cloned().unwrap_or(first);
        let mut value = Value::known(number.to_string(), &place);
        value.places = if quantity.places.is_empty() { vec![place] } else { quantity.places };
        Some(value)
    }
}

/// The amount of `{nodes}`.
fn amount_in(template: &str) -> Option<Amount> {
    Amount::called(template.strip_prefix('{')?.strip_suffix('}')?)
}

impl Request {
    fn note(&mut self, means: Meaning, value: &Value, given: &Given) {
        let place = &given.place;
        let slot = [
            (Meaning::Partition, &mut self.selected.partition),
            (Meaning::Queue, &mut self.selected.queue),
            (Meaning::Constraint, &mut self.selected.constraint),
            (Meaning::Hosts, &mut self.selected.host),
        ];
        if let Some((_, selected)) = slot.into_iter().find(|it| it.0 == means) {
            *selected = Some(value.clone());
        }
        if means == Meaning::Exclusive {
            self.exclusive = Some(place.clone());
        }
        let passes = if means == Meaning::Export {
            value.text().unwrap_or_default().split(',').any(|it| it.eq_ignore_ascii_case("all"))
        } else {
            means == Meaning::KeepAll
        };
        if matches!(means, Meaning::KeepAll | Meaning::KeepNone | Meaning::Export) {
            self.passes_environment = passes;
            self.environment_place = Some(place.clone());
        }
    }

    /// Slots of a parallel environment: how they spread over nodes is what the site profile says.
    fn slots(&mut self, name: &Value, slots: &Value, site: Option<&Site>) {
        let quantity = Quantity::read("slots", slots);
        self.amounts.insert(Amount::Slots, quantity.clone());
        let name = name.text().unwrap_or_default();
        let line = format!("[scheduler.parallel_environments.{name}] allocation");
        let allocation = site.and_then(|it| it.scheduler.parallel_environments.get(&name)?.allocation.as_ref());
        let (nodes, per_node) = match (allocation.map(|it| it.value), quantity.value) {
            (Some(Allocation::OneNode), _) => (known(1, &line, &quantity), quantity),
            (Some(Allocation::PerNode(each)), Some(slots)) if 0 < each => {
                (known(slots.div_ceil(each), &line, &quantity), known(each, &line, &quantity))
            }
            (Some(Allocation::FillUp | Allocation::RoundRobin | Allocation::PerNode(_)), _) => {
                let reason = format!("{line} spreads slots over nodes as they are free");
                (Quantity::unknown(reason.clone()), Quantity::unknown(reason))
            }
            (None, _) => {
                let reason = format!("how slots spread over nodes is not known; {line} would decide it");
                (Quantity::unknown(reason.clone()), Quantity::unknown(reason))
            }
        };
        self.amounts.insert(Amount::Nodes, nodes);
        self.amounts.insert(Amount::SlotsPerNode, per_node);
    }

    /// What follows from what was asked.
    fn derive(&mut self) {
        if let (Some(1), None) = (self.amount(Amount::Ranks).value, self.amounts.get(&Amount::Nodes)) {
            let one = known(1, "one rank is on one node", &self.amount(Amount::Ranks));
            self.amounts.insert(Amount::Nodes, one);
        }
        for (total, per_node) in [(Amount::Ranks, Amount::RanksPerNode), (Amount::Slots, Amount::SlotsPerNode)] {
            let (all, each, nodes) = (self.amount(total), self.amount(per_node), self.amount(Amount::Nodes));
            if all.value.is_none() && each.value.is_some() && nodes.value.is_some() {
                let product = nodes.with(&each, "nodes x ranks per node", u64::checked_mul);
                self.amounts.insert(total, product);
            }
            if each.value.is_none() && all.value.is_some() && nodes.value.is_some() {
                let share = |all: u64, nodes: u64| (nodes != 0 && all.is_multiple_of(nodes)).then(|| all / nodes);
                self.amounts.insert(per_node, all.with(&nodes, "tasks that do not divide by the nodes", share));
            }
            if nodes.value.is_none() && nodes.places.is_empty() && all.value.is_some() && each.value.is_some() {
                let count = |all: u64, each: u64| (each != 0).then(|| all.div_ceil(each));
                self.amounts.insert(Amount::Nodes, all.with(&each, "ranks / ranks per node", count));
            }
        }
        for (slots, ranks) in [(Amount::Slots, Amount::Ranks), (Amount::SlotsPerNode, Amount::RanksPerNode)] {
            if let (None, Some(ranks)) = (self.amounts.get(&slots), self.amounts.get(&ranks).cloned()) {
                self.amounts.insert(slots, ranks);
            }
        }
    }
}

fn known(value: u64, because: &str, from: &Quantity) -> Quantity {
    Quantity { places: from.places.clone(), ..Quantity::known(value, because) }
}
