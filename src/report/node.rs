//! The cores of one node with the ranks that may use them and the threads that they get: what a drawing of it needs.
//!
//! Invariant: a thread is counted on a core only where its place follows from the facts: it binds itself there, or it is
//! one of so many that the mask of its rank cannot hold one each.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::Tone;
use super::picture::{count, load_glyph, named};
use crate::facts::{Picture, RankMask};

/// Larger nodes are not drawn.
const CORES: u32 = 4_096;

/// More ranks are not drawn.
const RANKS: usize = 4_096;

/// More hardware threads of one core are not drawn.
const SMT: u32 = 8;

/// A row of the drawing: cores of one socket, in domains.
pub(super) struct Piece {
    pub(super) socket: Option<u32>,
    domains: Vec<std::ops::Range<u32>>,
}

impl Piece {
    pub(super) fn first(&self) -> u64 {
        self.domains.first().map_or(0, |it| u64::from(it.start))
    }

    pub(super) fn last(&self) -> u64 {
        self.domains.last().map_or(0, |it| u64::from(it.end.saturating_sub(1)))
    }
}

/// Ranks that share cores, and the cores.
pub(super) struct Owner {
    pub(super) ranks: Vec<u64>,
    pub(super) cores: Vec<u64>,
}

/// Threads of one core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) threads: u64,
    /// One of them belongs to a rank whose mask does not hold the core.
    pub(super) outside: bool,
    /// There are more of them than hardware threads that ranks may use, or two are bound to the same.
    crowded: bool,
}

/// A node of which something can be drawn.
pub(super) struct Node<'p> {
    picture: &'p Picture,
    cores: u32,
    smt: u32,
    /// The ranks that may use a CPU, by CPU.
    owners: Vec<Vec<u64>>,
    /// Letters of the groups that share.
    letters: BTreeMap<Vec<u64>, char>,
    loads: Vec<Load>,
}

impl<'p> Node<'p> {
    /// None where the size of the node or every mask is unknown.
    pub(super) fn of(picture: &'p Picture) -> Option<Self> {
        let cores = picture.cores.filter(|it| (1..=CORES).contains(it))?;
        let drawable = picture.ranks.len() <= RANKS && picture.ranks.iter().any(|it| !it.cpus.is_empty());
        let smt = picture.smt.clamp(1, SMT);
        let mut owners = vec![Vec::new(); usize::try_from(cores * smt).unwrap_or_default()];
        if !drawable {
            return None;
        }
        for rank in &picture.ranks {
            for cpu in &rank.cpus {
                let owner = usize::try_from(*cpu).map_or(None, |it| owners.get_mut(it));
                if let Some(owner) = owner.filter(|it| it.last() != Some(&rank.rank)) {
                    owner.push(rank.rank);
                }
            }
        }
        let mut node = Self { picture, cores, smt, owners, letters: BTreeMap::new(), loads: Vec::new() };
        node.name_groups();
        node.loads = node.loads_of_all();
        Some(node)
    }

    fn name_groups(&mut self) {
        let mut letters = ('A'..='Z').chain(std::iter::repeat('#'));
        for sibling in 0..self.drawn_siblings() {
            for core in 0..self.cores {
                let owners = self.owners_of(core, sibling);
                if 1 < owners.len() && !self.letters.contains_key(&owners) {
                    self.letters.extend(letters.next().map(|it| (owners, it)));
                }
            }
        }
    }

    /// Rows per piece: more than one where the hardware threads of a core belong to different ranks.
    pub(super) fn drawn_siblings(&self) -> u32 {
        let differs = (0..self.cores).any(|core| {
            let first = self.cpu_owners(core, 0);
            (1..self.smt).map(|it| self.cpu_owners(core, it)).any(|it| !it.is_empty() && it != first)
        });
        if differs { self.smt } else { 1 }
    }

    fn cpu_owners(&self, core: u32, sibling: u32) -> &[u64] {
        let cpu = usize::try_from(core + self.cores * sibling);
        cpu.map_or(None, |it| self.owners.get(it)).map_or(&[], Vec::as_slice)
    }

    fn owners_of(&self, core: u32, sibling: u32) -> Vec<u64> {
        self.cpu_owners(core, sibling).to_vec()
    }

    fn loads_of_all(&self) -> Vec<Load> {
        let mut loads = vec![Load::default(); usize::try_from(self.cores).unwrap_or_default()];
        let mut bound: BTreeSet<u32> = BTreeSet::new();
        for rank in &self.picture.ranks {
            let mask: BTreeSet<u32> = rank.cpus.iter().copied().collect();
            for cpu in &rank.threads_on {
                let Some(load) = at(&mut loads, u64::from(cpu % self.cores)) else { continue };
                load.threads += 1;
                load.outside |= !mask.is_empty() && !mask.contains(cpu);
                load.crowded |= !bound.insert(*cpu);
            }
            if rank.threads_on.is_empty() {
                self.spread(rank, &mut loads);
            }
        }
        for (core, load) in (0..self.cores).zip(&mut loads) {
            let usable = (0..self.smt).filter(|it| !self.cpu_owners(core, *it).is_empty()).count();
            load.crowded |= u64::try_from(usable.max(1)).unwrap_or(u64::MAX) < load.threads;
        }
        loads
    }

    /// Threads that may run anywhere in a mask of their own which has fewer CPUs than they are.
    fn spread(&self, rank: &RankMask, loads: &mut [Load]) {
        let threads = self.picture.threads.unwrap_or_default();
        let cores = self.cores_of(rank);
        let size = u64::try_from(cores.len()).unwrap_or(u64::MAX);
        if self.is_alone(rank) && 0 < size && size < threads {
            for core in cores {
                if let Some(load) = at(loads, core) {
                    load.threads = load.threads.saturating_add(threads.div_ceil(size));
                }
            }
        }
    }

    /// Whether no other rank may use a CPU of its mask.
    fn is_alone(&self, rank: &RankMask) -> bool {
        let owners = |cpu: &u32| usize::try_from(*cpu).map_or(None, |it| self.owners.get(it));
        rank.cpus.iter().filter_map(owners).all(|it| it.len() == 1)
    }

    /// Cores of a mask, each once.
    fn cores_of(&self, rank: &RankMask) -> Vec<u64> {
        let mut cores: Vec<u64> = rank.cpus.iter().map(|it| u64::from(it % self.cores.max(1))).collect();
        cores.sort_unstable();
        cores.dedup();
        cores
    }

    /// Rows of at most `room` columns: domains of one socket together, as many as fit.
    pub(super) fn pieces(&self, room: usize) -> Vec<Piece> {
        let sockets = self.picture.sockets.filter(|it| 0 < *it && self.cores.is_multiple_of(*it)).unwrap_or(1);
        let numa =
            self.picture.numa.filter(|it| 0 < *it && self.cores.is_multiple_of(*it) && it.is_multiple_of(sockets));
        let domain = self.cores / numa.unwrap_or(sockets).max(1);
        let socket_cores = self.cores / sockets;
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let mut pieces: Vec<Piece> = Vec::new();
        for start in (0..self.cores).step_by(usize::try_from(domain.max(1)).unwrap_or(1)) {
            let socket = (1 < sockets).then(|| start / socket_cores);
            let mut rest = start..start + domain;
            while !rest.is_empty() {
                let used = |piece: &Piece| piece.domains.iter().map(|it| it.end - it.start + 1).sum::<u32>();
                let fits = pieces.last().filter(|it| it.socket == socket && rest.end == start + domain);
                let fits = fits.is_some_and(|it| used(it) + domain <= room);
                // What is wider than a row is cut where counting is easy.
                let cut = if domain <= room { rest.end } else { rest.end.min(rest.start + (room / 8).max(1) * 8) };
                let part = rest.start..cut;
                rest = cut..rest.end;
                match pieces.last_mut().filter(|_| fits) {
                    Some(piece) => piece.domains.push(part),
                    None => pieces.push(Piece { socket, domains: vec![part] }),
                }
            }
        }
        pieces
    }

    pub(super) fn has_blanks(&self) -> bool {
        self.pieces(usize::MAX).iter().any(|it| 1 < it.domains.len())
    }

    pub(super) fn glyphs(&self, piece: &Piece, sibling: u32) -> String {
        self.row(piece, |core| self.glyph(core, sibling))
    }

    pub(super) fn loads(&self, piece: &Piece) -> String {
        self.row(piece, |core| usize::try_from(core).map_or(None, |it| self.loads.get(it)).map_or('.', load_glyph))
    }

    fn row(&self, piece: &Piece, glyph: impl Fn(u32) -> char) -> String {
        let domains = piece.domains.iter().map(|it| it.clone().map(&glyph).collect::<String>());
        domains.collect::<Vec<_>>().join(" ")
    }

    fn glyph(&self, core: u32, sibling: u32) -> char {
        const RANK_GLYPHS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        match self.cpu_owners(core, sibling) {
            [] => '.',
            [one] => {
                let at = usize::try_from(one % 36).unwrap_or_default();
                RANK_GLYPHS.get(at).map_or('?', |it| char::from(*it))
            }
            several => self.letters.get(several).copied().unwrap_or('#'),
        }
    }

    /// Whether the characters of ranks occur twice.
    pub(super) fn repeats(&self) -> bool {
        36 < self.picture.ranks.len() && self.owners.iter().any(|it| it.len() == 1)
    }

    /// Whether a core gets more threads than it can run at a time.
    pub(super) fn is_crowded(&self) -> bool {
        self.loads.iter().any(|it| it.crowded || it.outside)
    }

    pub(super) fn has_single_ranks(&self) -> bool {
        self.owners.iter().any(|it| it.len() == 1)
    }

    /// Whether small letters stand for ranks, each for one.
    pub(super) fn has_letters(&self) -> bool {
        !self.repeats() && self.owners.iter().any(|it| it.len() == 1 && it.iter().any(|rank| (10..36).contains(rank)))
    }

    pub(super) fn has_free_cores(&self) -> bool {
        (0..self.drawn_siblings()).any(|it| (0..self.cores).any(|core| self.cpu_owners(core, it).is_empty()))
    }

    /// Groups of ranks that share cores, by letter.
    pub(super) fn legend(&self) -> Vec<(char, Owner)> {
        let mut groups: Vec<(char, Owner)> = Vec::new();
        for (ranks, glyph) in &self.letters {
            let shares = |core: &u32| (0..self.drawn_siblings()).any(|it| self.cpu_owners(*core, it) == ranks);
            let cores = (0..self.cores).filter(shares).map(u64::from).collect();
            groups.push((*glyph, Owner { ranks: ranks.clone(), cores }));
        }
        groups.sort_by_key(|(glyph, _)| *glyph);
        groups
    }

    /// What is to be seen, in words: the worst first.
    pub(super) fn remarks(&self) -> Vec<(Tone, String)> {
        let mut remarks = Vec::new();
        let cores = |wanted: &dyn Fn(&Load) -> bool| -> Vec<u64> {
            (0..).zip(&self.loads).filter(|(_, load)| wanted(load)).map(|(core, _)| core).collect()
        };
        let most = self.loads.iter().filter(|it| it.crowded).map(|it| it.threads).max().unwrap_or_default();
        if 0 < most {
            let crowded = cores(&|it| it.crowded && it.threads == most);
            let on = if crowded.len() == 1 { "on" } else { "on each of" };
            remarks.push((Tone::Warning, format!("{} {on} {}", count(most, "thread"), named("core", &crowded))));
        }
        let outside = cores(&|it| it.outside);
        if !outside.is_empty() {
            let text = format!("! threads outside the mask of their rank: on {}", named("core", &outside));
            remarks.push((Tone::Warning, text));
        }
        remarks.extend(self.unplaced());
        let idle = self.idle();
        if !idle.is_empty() {
            remarks.push((Tone::Plain, format!("idle: {}", named("core", &idle))));
        }
        remarks
    }

    /// Cores where no thread can be; none are told where not all ranks are known.
    fn idle(&self) -> Vec<u64> {
        let ranks = &self.picture.ranks;
        let masked = ranks.iter().filter(|it| !it.cpus.is_empty()).count();
        if self.picture.ranks_per_node.map(usize::try_from) != Some(Ok(masked)) {
            return Vec::new();
        }
        let all_say = ranks.iter().all(|it| !it.threads_on.is_empty());
        let free = |core: &u32| (0..self.smt).all(|it| self.cpu_owners(*core, it).is_empty());
        let idle = |(core, load): &(u32, &Load)| load.threads == 0 && (all_say || free(core));
        (0..self.cores).zip(&self.loads).filter(idle).map(|(core, _)| u64::from(core)).collect()
    }

    /// What can be told of threads that are free within their masks.
    fn unplaced(&self) -> Vec<(Tone, String)> {
        let mut remarks = Vec::new();
        let ranks = &self.picture.ranks;
        let all = self.picture.ranks_per_node.unwrap_or_default();
        let masked = number(ranks.iter().filter(|it| !it.cpus.is_empty()).count());
        if masked < all {
            remarks.push((Tone::Plain, format!("drawn: {masked} of {}", count(all, "rank"))));
        }
        let Some(threads) = self.picture.threads.filter(|_| ranks.iter().all(|it| it.threads_on.is_empty())) else {
            return remarks;
        };
        for (glyph, Owner { ranks, cores }) in self.legend() {
            let all = number(ranks.len()).saturating_mul(threads);
            let size = number(cores.len());
            let text = format!("{glyph}: {} on {}", count(all, "thread"), count(size, "core"));
            remarks.push(match size < all {
                true => (Tone::Warning, format!("{text}, {} for each", all.div_ceil(size.max(1)))),
                false => (Tone::Plain, format!("{text}, wherever the system puts them")),
            });
        }
        let sizes: BTreeSet<usize> = ranks.iter().map(|it| self.cores_of(it).len()).collect();
        let size = sizes.first().copied().map_or(0, number);
        if sizes.len() == 1 && threads < size && ranks.iter().all(|it| self.is_alone(it)) {
            let text = format!("{} of each rank on {}", count(threads, "thread"), count(size, "core"));
            remarks.push((Tone::Plain, format!("{text}: {} without one", size - threads)));
        }
        remarks
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn at(loads: &mut [Load], core: u64) -> Option<&mut Load> {
    usize::try_from(core).map_or(None, |it| loads.get_mut(it))
}
