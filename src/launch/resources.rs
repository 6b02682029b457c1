//! Lists of resources: `select=4:ncpus=64:mpiprocs=16+1:ncpus=8,walltime=1:00:00`.

use std::collections::BTreeMap;

use super::effect::effects;
use super::meaning::{Amount, Meaning};
use super::quantity::Quantity;
use super::scheduler::{Resource, Scheduler};
use super::values::{leading, split, without};
use crate::job::Value;

/// Chunks of one request; beyond, the rest does not count.
const CHUNKS: usize = 1_000;

/// What a list of resources says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) amounts: Vec<(Amount, Quantity)>,
    pub(super) means: Vec<(Meaning, Value)>,
}

/// Reads one list. What no description knows is a resource of the site, and says nothing here.
pub(super) fn read(scheduler: &Scheduler, list: &Value) -> Said {
    let mut said = Said::default();
    for piece in split(list, ',') {
        let (name, value) = match leading(&piece).split_once('=') {
            Some((name, _)) => (name.to_owned(), without(&piece, name.len() + 1)),
            None => (leading(&piece).to_owned(), Value { parts: Vec::new(), places: piece.places.clone() }),
        };
        let Some(resource) = scheduler.resources.get(name.trim_matches('/')) else { continue };
        let name = name.as_str();
        if resource.chunks {
            said.amounts.extend(chunks(resource, name, &value));
            continue;
        }
        if let Some(amount) = resource.amount {
            said.amounts.push((amount, Quantity::read(name, &value)));
        }
        let effects = effects(&resource.cases, name, &value);
        said.amounts.extend(effects.amounts);
        said.means.extend(effects.means);
        if resource.means != Meaning::Nothing {
            said.means.push((resource.means, value));
        }
    }
    said
}

type Chunk = BTreeMap<Amount, u64>;

/// The chunks together: counts are added, what every chunk has alike is known.
fn chunks(resource: &Resource, name: &str, value: &Value) -> Vec<(Amount, Quantity)> {
    let because = format!("{name}={}", value.display());
    let at = |it: Quantity| Quantity { places: value.places.clone(), ..it };
    let Some(text) = value.text() else {
        let unknown = || at(Quantity::unknown(format!("{because} is not known")));
        return resource.count.iter().map(|it| (*it, unknown())).collect();
    };
    let all: Vec<(u64, Chunk)> = text.split('+').take(CHUNKS).map(|it| chunk(resource, it)).collect();
    let number = |value| at(Quantity::known(value, because.clone()));
    let total = |each: &dyn Fn(&Chunk) -> Option<u64>| {
        all.iter().try_fold(0_u64, |sum, (count, it)| sum.checked_add(count.checked_mul(each(it)?)?))
    };
    let mut amounts = Vec::new();
    amounts.extend(resource.count.zip(total(&|_| Some(1))).map(|(it, value)| (it, number(value))));
    let slots = total(&|it| it.get(&Amount::SlotsPerNode).copied());
    amounts.extend(slots.map(|it| (Amount::Slots, number(it))));
    let named: Vec<Amount> = all.iter().flat_map(|it| it.1.keys().copied()).collect();
    for amount in named {
        let values: Vec<Option<u64>> = all.iter().map(|it| it.1.get(&amount).copied()).collect();
        let same = values.iter().all(|it| Some(it) == values.first());
        let quantity = match values.first() {
            Some(Some(value)) if same => number(*value),
            Some(_) | None => at(Quantity::unknown(format!("{because}: the chunks differ"))),
        };
        amounts.push((amount, quantity));
    }
    amounts
}

fn chunk(resource: &Resource, text: &str) -> (u64, Chunk) {
    let mut pieces = text.split(':').peekable();
    let mut count = 1;
    if let Some(Ok(number)) = pieces.peek().map(|it| it.parse::<u64>()) {
        count = number;
        pieces.next();
    }
    let mut chunk = resource.defaults.clone();
    for (key, value) in pieces.filter_map(|it| it.split_once('=')) {
        if let (Some(amount), Ok(value)) = (resource.keys.get(key), value.parse()) {
            chunk.insert(*amount, value);
        }
    }
    for (amount, other) in &resource.same {
        if let (false, Some(value)) = (chunk.contains_key(amount), chunk.get(other).copied()) {
            chunk.insert(*amount, value);
        }
    }
    (count, chunk)
}
