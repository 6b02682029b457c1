//! What a drawing of one node needs: its size, and the CPUs of every rank and thread.

use crate::facts::{Picture, RankMask, Run};
use crate::launch::{Bound, Placement, Quantity};

/// Ranks of one node that are drawn one by one.
const RANKS: usize = 1024;
/// Cores of one node that are drawn.
const CORES: u64 = 4096;

/// The picture of one launch.
pub(super) fn picture(placement: &Placement, run: &Run) -> Picture {
    let small = |it: &Quantity| it.value.filter(|it| *it <= CORES).map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    let threads = run.threads.value().copied();
    let binds = matches!(run.thread_binding.value(), Some(Some(_)));
    let masks = placement.masks.iter().flatten().take(RANKS);
    let ranks = (0..).zip(masks).map(|(rank, cpus)| RankMask {
        rank,
        cpus: cpus.clone(),
        threads_on: if binds { bound_threads(cpus, threads.unwrap_or(0)) } else { Vec::new() },
    });
    let mut ranks: Vec<RankMask> = ranks.collect();
    if ranks.is_empty() && placement.bound == Bound::None && binds {
        ranks = stacked(placement, threads.unwrap_or(1));
    }
    Picture {
        sockets: small(&placement.sockets),
        numa: small(&placement.numa),
        cores: small(&placement.cores_per_node),
        smt: small(&placement.smt).unwrap_or(1),
        ranks_per_node: placement.ranks_per_node.value,
        ranks,
        binding: word(placement.bound).to_owned(),
        threads,
        notes: notes(placement),
    }
}

/// The word of the facts.
pub(super) fn word(bound: Bound) -> &'static str {
    match bound {
        Bound::None => "none",
        Bound::Exclusive => "exclusive",
        Bound::Shared => "shared",
        Bound::Unknown => "unknown",
    }
}

/// Threads that bind themselves take the CPUs of the mask one after the other, and begin again.
fn bound_threads(cpus: &[u32], threads: u64) -> Vec<u32> {
    let count = usize::try_from(threads.min(CORES)).unwrap_or(0);
    cpus.iter().copied().cycle().take(if cpus.is_empty() { 0 } else { count }).collect()
}

/// Ranks that nobody binds, with threads that bind themselves: each begins at the first CPU.
fn stacked(placement: &Placement, threads: u64) -> Vec<RankMask> {
    let (Some(ranks), Some(cores)) = (placement.ranks_per_node.value, placement.cores_per_node.value) else {
        return Vec::new();
    };
    let owned = placement.owned_cpus.value.unwrap_or(cores).min(cores).min(CORES);
    let cpus: Vec<u32> = (0..u32::try_from(owned).unwrap_or(0)).collect();
    let one = |rank| RankMask { rank, threads_on: bound_threads(&cpus, threads), cpus: cpus.clone() };
    (0..ranks.min(RANKS as u64)).map(one).collect()
}

fn notes(placement: &Placement) -> Vec<String> {
    let mut notes = vec![placement.because.clone()];
    notes.extend(placement.masks_unknown.clone().filter(|_| placement.bound != Bound::None));
    notes
        .extend([&placement.cores_per_node, &placement.ranks_per_node].into_iter().filter_map(|it| it.unknown.clone()));
    notes.extend(placement.assumptions.iter().cloned());
    let mut once: Vec<String> = Vec::new();
    for note in notes.into_iter().filter(|it| !it.is_empty()) {
        if !once.contains(&note) {
            once.push(note);
        }
    }
    once
}
