//! The settings of a job: every variable that reaches a launch, who reads it, and what is wrong with it.

use std::collections::BTreeMap;

use super::JobReading;
use super::launches::Launch;
use super::places::named;
use super::threads::{Pools, all_that_it_sees, presence, setting, written};
use crate::facts::{Fact, Facts, Setting};
use crate::job::{Binding, Environment, Place, Value};
use crate::registry::{Group, Live, ProblemKind};
use crate::survey::ledger::Ledger;

/// A setting as it was met, before it is a fact.
struct Met<'a> {
    name: String,
    value: &'a Value,
    place: &'a Place,
    launch: &'a Launch,
    pools: &'a Pools,
    runs: Vec<String>,
}

/// Every assignment of a registered variable that reaches a launch.
pub(super) fn settings(
    reading: &JobReading<'_>,
    launches: &[Launch],
    pools: &[Pools],
    facts: &Facts,
    ledger: &mut Ledger,
) -> Vec<Setting> {
    let mut met: BTreeMap<(Place, String), Met<'_>> = BTreeMap::new();
    for (launch, pools) in launches.iter().zip(pools) {
        for (name, value, place) in said(reading, launch) {
            let key = (place.clone(), name.clone());
            let one = met.entry(key).or_insert_with(|| Met { name, value, place, launch, pools, runs: Vec::new() });
            // What it means is asked of a launch of Python, where one gets it.
            if one.launch.python.is_none() && launch.python.is_some() {
                (one.launch, one.pools) = (launch, pools);
            }
            if !one.runs.contains(&launch.name()) {
                one.runs.push(launch.name());
            }
        }
    }
    let mut list: Vec<Setting> = met.values().map(|it| one(reading, it, facts, ledger)).collect();
    let dead: Vec<(String, Option<String>)> = list
        .iter()
        .filter(|it| it.life.value().is_some_and(|it| it == "dead"))
        .map(|it| (it.name.clone(), it.value.value().cloned()))
        .collect();
    for it in &mut list {
        let value = it.value.value().cloned();
        let same = dead.iter().filter(|(name, other)| *name != it.name && *other == value).count();
        it.companions = Fact::known(u64::try_from(same).unwrap_or(u64::MAX), it.value.because().to_vec());
    }
    list
}

/// Variables that reach a launch from the script, and parameters of its line that say the same as a variable.
fn said<'a>(reading: &JobReading<'_>, launch: &'a Launch) -> Vec<(String, &'a Value, &'a Place)> {
    let mut list = Vec::new();
    for (name, binding) in launch.environment.iter().chain(launch.command.environment.iter()) {
        let Binding::Set(value) = binding else { continue };
        let Some(place) = value.places.first().filter(|it| 0 < it.line && 0 < it.column) else { continue };
        if !reading.sets(name, value) && reading.concerns(name) {
            list.push((name.to_owned(), value, place));
        }
    }
    let parameters = reading.know.launch_lines.parameter_variables(&launch.line);
    let known = parameters.into_iter().filter(|(name, _)| reading.know.registry.variable(name).is_some());
    list.extend(known.map(|(name, it)| (name, &it.value, &it.place)));
    list
}

impl JobReading<'_> {
    /// Whether the value is what the scheduler gives.
    fn sets(&self, name: &str, value: &Value) -> bool {
        self.request.variables.iter().any(|(own, given)| own == name && given.places == value.places)
    }

    /// Whether somebody reads it, or something like it.
    fn concerns(&self, name: &str) -> bool {
        let registry = &self.know.registry;
        registry.variable(name).is_some() || registry.nearest(name).is_some()
    }
}

fn one(reading: &JobReading<'_>, met: &Met<'_>, facts: &Facts, ledger: &mut Ledger) -> Setting {
    let registry = &reading.know.registry;
    let scheduler = reading.request.scheduler.as_deref();
    let here = |word: &str| presence(word, facts, met.launch, scheduler, reading.know);
    let environment = &met.launch.environment;
    let at = met.place;
    let because = vec![ledger.place(at)];
    let described = registry.variable(&met.name);
    let problem = met.value.text().and_then(|text| registry.problem(&met.name, &text, &here));
    let problem = problem.filter(|it| it.kind != ProblemKind::Renamed);
    let live = registry.live(&met.name, &here, &|name| setting(environment, name));
    Setting {
        name: met.name.clone(),
        place: named(at),
        value: ledger.text_of(met.value, at, &format!("what {} is", met.name)),
        group: described.map_or("none", |it| group(it.group)).to_owned(),
        readers: described.map(|it| it.readers.iter().map(|it| it.library.clone()).collect()).unwrap_or_default(),
        problem: match &problem {
            Some(it) if it.unsure.is_some() => {
                let reason = it.unsure.clone().unwrap_or_default();
                ledger.open(at, &reason, &format!("whether {} is right", met.name))
            }
            Some(it) => Fact::known(it.kind.as_str().to_owned(), because.clone()),
            None if !met.value.is_known() => {
                ledger.open(at, &format!("{} is not known", met.name), &format!("whether {} is right", met.name))
            }
            None => Fact::known("none".to_owned(), because.clone()),
        },
        problem_text: problem.as_ref().map(|it| it.text.clone()).unwrap_or_default(),
        instead: problem.and_then(|it| it.instead).unwrap_or_default(),
        life: life(&live, described.is_some(), met, ledger),
        dead_because: live.dead_because.unwrap_or_default(),
        companions: Fact::known(0, because.clone()),
        overwrites: overwrites(reading, met, ledger),
        disagrees_with: disagrees_with(met, described.map(|it| it.group), environment, ledger),
        runs: met.runs.clone(),
    }
}

pub(super) fn group(group: Group) -> &'static str {
    match group {
        Group::Threads => "threads",
        Group::Binding => "binding",
        Group::Waiting => "waiting",
        Group::Mpi => "mpi",
        Group::Pmi => "pmi",
        Group::Scheduler => "scheduler",
        Group::Hdf5 => "hdf5",
        Group::Python => "python",
        Group::Loader => "loader",
        Group::Io => "io",
        Group::Other => "other",
    }
}

fn life(live: &Live, described: bool, met: &Met<'_>, ledger: &mut Ledger) -> Fact<String> {
    let (name, at) = (&met.name, met.place);
    let because = vec![ledger.place(at)];
    if !described {
        return Fact::known("unregistered".to_owned(), because);
    }
    match (&live.dead_because, &live.unknown) {
        _ if !live.read_by.is_empty() => Fact::known("read".to_owned(), because),
        (Some(_), _) if met.launch.python.is_none() => {
            ledger.open(at, "it reaches no Python", &format!("whether anything reads {name}"))
        }
        (Some(_), _) => Fact::known("dead".to_owned(), because),
        (None, Some(reason)) => ledger.open(at, reason, &format!("whether anything reads {name}")),
        (None, None) => ledger.open(at, "its readers are not known", &format!("whether anything reads {name}")),
    }
}

/// The value of the scheduler that another replaces.
fn overwrites(reading: &JobReading<'_>, met: &Met<'_>, ledger: &mut Ledger) -> Fact<Option<String>> {
    let mut because = vec![ledger.place(met.place)];
    let given = reading.request.variables.iter().find(|(name, _)| *name == met.name);
    match given.map(|(_, value)| (value, value.text(), met.value.text())) {
        Some((value, Some(theirs), Some(own))) if theirs != own => {
            because.extend(ledger.places(&value.places));
            Fact::known(Some(theirs), because)
        }
        Some((_, None, _)) => {
            ledger.open(met.place, "what the scheduler sets is not known", "whether the script overwrites it")
        }
        Some((_, Some(_), None)) => {
            ledger.open(met.place, "its value is not known", "whether the script overwrites it")
        }
        Some((_, Some(_), Some(_))) | None => Fact::known(None, because),
    }
}

/// Another pool of the same rank that this setting leaves alone, or that another setting limits otherwise.
fn disagrees_with(
    met: &Met<'_>,
    group: Option<Group>,
    environment: &Environment,
    ledger: &mut Ledger,
) -> Fact<Option<String>> {
    let because = vec![ledger.place(met.place)];
    let hides = format!("whether another pool of threads has a number like that of {}", met.name);
    let mut open = met.pools.open.as_ref().filter(|_| group == Some(Group::Threads)).cloned();
    let decided = met.pools.list.iter().find_map(|it| it.1.asked.as_ref().filter(|asked| asked.1 == met.name));
    for (pool, threads) in decided.iter().flat_map(|_| &met.pools.list) {
        let other = match (&threads.asked, all_that_it_sees(pool, environment)) {
            (Some((asked, variable)), _) if *variable != met.name && decided.is_some_and(|it| it.0 != *asked) => {
                Some(format!("{} for {}", written(environment, variable), pool.title))
            }
            (None, Ok(true)) => Some(format!("no number for {}", pool.title)),
            (None, Err(reason)) => {
                open = Some(reason);
                None
            }
            (Some(_), _) | (None, Ok(false)) => None,
        };
        if other.is_some() {
            return Fact::known(other, because);
        }
    }
    match open {
        Some(reason) => ledger.open(met.place, &reason, &hides),
        None => Fact::known(None, because),
    }
}
