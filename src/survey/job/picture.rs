//! What a drawing of one node needs: its size, and the CPUs of every rank and thread.

use super::process::text;
use crate::facts::{Picture, RankMask, Run};
use crate::job::Environment;
use crate::launch::{Bound, Placement, Quantity};

/// Ranks of one node that are drawn one by one.
const RANKS: usize = 1024;
/// Cores of one node that are drawn.
const CORES: u64 = 4096;

/// The picture of one launch.
pub(super) fn picture(placement: &Placement, run: &Run, environment: &Environment) -> Picture {
    let small = |it: &Quantity| it.value.filter(|it| *it <= CORES).map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    let threads = run.threads.value().copied();
    let cores = small(&placement.cores_per_node);
    // A list of CPUs puts threads where the list says, which is not worked out here.
    let listed = |it: &str| it.bytes().any(|it| it.is_ascii_digit());
    let places = match run.thread_binding.value() {
        Some(Some(setting)) if !listed(setting) => Places::of(environment, cores),
        Some(_) | None => None,
    };
    let masks = placement.masks.iter().flatten().take(RANKS);
    let ranks = (0..).zip(masks).map(|(rank, cpus)| RankMask {
        rank,
        cpus: cpus.clone(),
        threads_on: places.as_ref().map(|it| it.threads(cpus, threads.unwrap_or(0))).unwrap_or_default(),
    });
    let mut ranks: Vec<RankMask> = ranks.collect();
    if let (true, Bound::None, Some(places)) = (ranks.is_empty(), placement.bound, &places) {
        ranks = stacked(placement, places, threads.unwrap_or(1));
    }
    Picture {
        sockets: small(&placement.sockets),
        numa: small(&placement.numa),
        cores,
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

/// How OpenMP binds threads to places, where that can be drawn.
struct Places {
    /// One place for each core, else for each CPU.
    cores: bool,
    /// Threads are spread over all places, else put on one after the other.
    spread: bool,
    cores_per_node: u32,
}

impl Places {
    /// As the variables of the standard say; lists of CPUs and places larger than a core are not drawn.
    fn of(environment: &Environment, cores_per_node: Option<u32>) -> Option<Self> {
        let word = |name: &str| text(environment, name).map(|it| it.trim().to_lowercase());
        let cores = match word("OMP_PLACES").as_deref() {
            Some("cores") => true,
            None | Some("threads") => false,
            Some(_) => return None,
        };
        let spread = match word("OMP_PROC_BIND").as_deref() {
            Some("spread") => true,
            None | Some("true" | "close") => false,
            Some(_) => return None,
        };
        Some(Self { cores, spread, cores_per_node: cores_per_node? })
    }

    /// The CPU of every thread; more threads than places begin again.
    fn threads(&self, cpus: &[u32], threads: u64) -> Vec<u32> {
        let core = |cpu: u32| cpu % self.cores_per_node.max(1);
        let mut places: Vec<u32> = cpus.to_vec();
        // The runtime counts the hardware threads of a core one after the other.
        places.sort_by_key(|it| (core(*it), *it));
        if self.cores {
            places.dedup_by_key(|it| core(*it));
        }
        let count = usize::try_from(threads.min(CORES)).unwrap_or(0);
        if self.spread && 0 < count && count < places.len() {
            return (0..count).filter_map(|it| places.get(it * places.len() / count)).copied().collect();
        }
        places.iter().copied().cycle().take(if places.is_empty() { 0 } else { count }).collect()
    }
}

/// Cores that the threads of the first rank bind themselves to; none where they do not, or it is not drawn.
pub(super) fn cores_in_use(picture: &Picture) -> Option<u64> {
    let threads = &picture.ranks.first()?.threads_on;
    let cores = picture.cores.filter(|it| 0 < *it && !threads.is_empty())?;
    let mut used: Vec<u32> = threads.iter().map(|it| it % cores).collect();
    used.sort_unstable();
    used.dedup();
    Some(used.len() as u64)
}

/// Ranks that nobody binds, with threads that bind themselves: each begins at the first CPU.
fn stacked(placement: &Placement, places: &Places, threads: u64) -> Vec<RankMask> {
    let (Some(ranks), Some(cores)) = (placement.ranks_per_node.value, placement.cores_per_node.value) else {
        return Vec::new();
    };
    let owned = placement.owned_cpus.value.unwrap_or(cores).min(cores).min(CORES);
    let cpus: Vec<u32> = (0..u32::try_from(owned).unwrap_or(0)).collect();
    let one = |rank| RankMask { rank, threads_on: places.threads(&cpus, threads), cpus: cpus.clone() };
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
