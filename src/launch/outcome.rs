//! What follows from a way of binding, and what several that are possible have in common.

use super::masks::Masks;
use super::placement::Bound;
use super::quantity::Quantity;

/// What follows from one way of binding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) bound: Bound,
    pub(super) because: String,
    pub(super) cpus: Quantity,
    pub(super) cores: Quantity,
    pub(super) masks: Result<Masks, String>,
}

impl Outcome {
    pub(super) fn unknown(reason: String) -> Self {
        let quantity = || Quantity::unknown(reason.clone());
        Self { bound: Bound::Unknown, cpus: quantity(), cores: quantity(), masks: Err(reason.clone()), because: reason }
    }

    pub(super) fn of_masks(masks: &Masks, because: String, node: &Quantity) -> Self {
        let mut all: Vec<u32> = masks.iter().flatten().copied().collect();
        let listed = all.len();
        all.sort_unstable();
        all.dedup();
        let bound = if all.len() == listed { Bound::Exclusive } else { Bound::Shared };
        let cores_of = |mask: &Vec<u32>| {
            let cores = node.value.unwrap_or(u64::MAX).max(1);
            let mut of: Vec<u64> = mask.iter().map(|it| u64::from(*it) % cores).collect();
            of.sort_unstable();
            of.dedup();
            of.len() as u64
        };
        let fewest = |counts: Vec<u64>| {
            let least = counts.iter().min().copied();
            let differ = counts.iter().any(|it| Some(*it) != least);
            let text = if differ { format!("{because}; some ranks have more") } else { because.clone() };
            least.map_or_else(|| Quantity::unknown("there is no rank"), |it| Quantity::known(it, text))
        };
        let cpus = fewest(masks.iter().map(|it| it.len() as u64).collect());
        let cores = match node.value {
            Some(_) => fewest(masks.iter().map(cores_of).collect()),
            None => Quantity::unknown(node.reason()),
        };
        Self { bound, cpus, cores, masks: Ok(masks.clone()), because }
    }

    /// The same where the step has an unknown part of the node: how many CPUs that leaves each rank is not known.
    pub(super) fn of_part(self, owned: &Quantity) -> Self {
        let unknown = || Quantity { places: owned.places.clone(), ..Quantity::unknown(owned.reason()) };
        Self { cpus: unknown(), cores: unknown(), masks: Err(owned.reason()), ..self }
    }

    /// What all outcomes have in common: which of them it is depends on what is not known.
    pub(super) fn joined(outcomes: Vec<Self>, reasons: &[String]) -> Self {
        let mut rest = outcomes.into_iter();
        let Some(first) = rest.next() else {
            let reason = reasons.first().cloned();
            return Self::unknown(reason.unwrap_or_else(|| "no default of the launcher is known".to_owned()));
        };
        rest.fold(first, |all, it| {
            let which = || match all.because == it.because {
                true => format!("{}: which of them it is cannot be told", all.because),
                false => format!("{} or {}", all.because, it.because),
            };
            let why = reasons.first().cloned().unwrap_or_else(which);
            let bound = if all.bound == it.bound { all.bound } else { Bound::Unknown };
            Self {
                bound,
                because: if bound == Bound::Unknown { why.clone() } else { all.because.clone() },
                cpus: all.cpus.agree(&it.cpus),
                cores: all.cores.agree(&it.cores),
                masks: if all.masks == it.masks { all.masks } else { Err(why) },
            }
        })
    }
}
