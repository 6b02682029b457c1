//! The CPUs of each rank on the first node, from a way of binding and the size of the node.
//!
//! CPUs have the numbers that Linux gives them: `core + cores * sibling`. Where a job has a part of a node, it is drawn
//! as if that were the first cores: which ones they are is known when the job runs.

use super::amounts::Settings;
use super::effect::{Bind, Each, Target};
use super::meaning::Amount;

/// Ranks and cores of one node; beyond, no masks are made.
const MOST: u64 = 8_192;

/// A node in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// All cores of the node.
    pub(super) cores: u64,
    /// Cores that the step has.
    pub(super) owned: u64,
    /// Hardware threads of a core that are used.
    pub(super) threads: u64,
    pub(super) sockets: Option<u64>,
    pub(super) numa: Option<u64>,
}

impl Size {
    /// For lists of CPUs by number, which need no size.
    pub(super) const UNKNOWN: Self = Self { cores: 1, owned: 1, threads: 1, sockets: None, numa: None };
}

pub(super) type Masks = Vec<Vec<u32>>;

/// The CPUs of each rank, or why they cannot be told.
pub(super) fn masks(bind: &Bind, settings: &Settings, size: &Size, ranks: u64) -> Result<Masks, String> {
    if MOST < ranks || MOST < size.cores || size.threads == 0 || MOST < size.threads {
        return Err(format!("{ranks} ranks on {} cores are not drawn", size.cores));
    }
    match bind.to {
        Target::None => Err("a rank may run anywhere".to_owned()),
        Target::Unknown => Err(bind.because.clone()),
        Target::Cache => Err("the profile does not say which cores share a cache".to_owned()),
        Target::Step => Ok((0..ranks).map(|_| cpus(size, 0, size.owned)).collect()),
        Target::List => Ok(listed(&bind.list, ranks, &list)),
        Target::OneOfList => {
            let all: Vec<u32> = bind.list.iter().flat_map(|it| list(it)).collect();
            turns(&all.into_iter().map(|it| vec![it]).collect(), ranks)
        }
        Target::Masks => Ok(listed(&bind.list, ranks, &hexadecimal)),
        Target::Set => sets(settings, size, ranks, None),
        Target::Core if settings.amount(Amount::CpusPerSet).is_some() => {
            sets(settings, size, ranks, Some(each(bind, settings, ranks, size.owned)?))
        }
        Target::Core => parted(bind, settings, &cores(size), size, ranks),
        Target::Cpu if bind.whole_cores => {
            let wanted = each(bind, settings, ranks, size.owned * size.threads)?;
            let rounded = Bind { each: Each::Units(wanted.div_ceil(size.threads)), ..bind.clone() };
            parted(&rounded, settings, &cores(size), size, ranks)
        }
        Target::Cpu => {
            let units: Masks = cores(size).into_iter().flatten().map(|it| vec![it]).collect();
            parted(bind, settings, &units, size, ranks)
        }
        Target::NumberedCpu => {
            let mut numbers = cpus(size, 0, size.owned);
            numbers.sort_unstable();
            let units: Masks = numbers.into_iter().map(|it| vec![it]).collect();
            parted(bind, settings, &units, size, ranks)
        }
        Target::Socket => turns(&groups(size, size.sockets, "sockets")?, ranks),
        Target::Numa => turns(&groups(size, size.numa, "numa")?, ranks),
    }
}

/// Units of each rank.
pub(super) fn each(bind: &Bind, settings: &Settings, ranks: u64, units: u64) -> Result<u64, String> {
    match &bind.each {
        Each::Units(number) => Ok(*number),
        Each::Amount(amount) => {
            let said = settings.amount(*amount);
            let missing = || Err(format!("{}: nothing says how many", bind.because));
            said.map_or_else(missing, |it| it.value.ok_or_else(|| it.reason()))
        }
        Each::Divided if ranks == 0 => Err("there are no ranks".to_owned()),
        Each::Divided => Ok((units / ranks).max(1)),
    }
}

/// The CPUs of cores `first..end`, core by core.
fn cpus(size: &Size, first: u64, end: u64) -> Vec<u32> {
    let number = |core: u64, thread: u64| u32::try_from(core + size.cores * thread).unwrap_or(u32::MAX);
    let of_core = |core: u64| (0..size.threads).map(move |thread| number(core, thread));
    (first..end.min(size.cores)).flat_map(of_core).collect()
}

fn cores(size: &Size) -> Masks {
    (0..size.owned).map(|core| cpus(size, core, core + 1)).collect()
}

/// Parts of the node that hold several cores, as far as the step has them.
fn groups(size: &Size, count: Option<u64>, key: &str) -> Result<Masks, String> {
    let count = count.ok_or_else(|| format!("[node] {key} would decide it"))?;
    if count == 0 || size.cores < count {
        return Err(format!("{} cores do not make {count} {key}", size.cores));
    }
    let begin = |index: u64| (index * size.cores / count).min(size.owned);
    let all = (0..count).map(|index| cpus(size, begin(index), begin(index + 1)));
    Ok(all.filter(|it| !it.is_empty()).collect())
}

/// Ranks take turns over the units.
fn turns(units: &Masks, ranks: u64) -> Result<Masks, String> {
    let all: Masks = (0..ranks).zip(units.iter().cycle()).map(|(_, unit)| unit.clone()).collect();
    if all.is_empty() && 0 < ranks { Err("the step has no CPU".to_owned()) } else { Ok(all) }
}

/// Every rank gets units of its own, one after the other or by turns over sockets.
fn parted(bind: &Bind, settings: &Settings, units: &Masks, size: &Size, ranks: u64) -> Result<Masks, String> {
    let count = units.len() as u64;
    let wanted = each(bind, settings, ranks, count)?;
    if matches!(bind.each, Each::Divided) && count < ranks && 0 < count {
        return self::turns(units, ranks);
    }
    if count < ranks.saturating_mul(wanted) {
        return Err(format!("{ranks} ranks x {wanted} need more than the {count} that the step has on a node"));
    }
    let groups = match settings.over.or(bind.over) {
        Some(Target::Socket) => groups(size, size.sockets, "sockets")?,
        Some(Target::Numa) => groups(size, size.numa, "numa")?,
        Some(_) | None => Vec::new(),
    };
    let mut pools: Vec<Vec<&Vec<u32>>> = groups.iter().map(|group| within(units, group)).collect();
    if pools.is_empty() {
        pools.push(units.iter().collect());
    }
    let turns = pools.len();
    let mut masks = Masks::new();
    for rank in 0..ranks {
        let turn = usize::try_from(rank).unwrap_or(0) % turns;
        let Some(pool) = pools.get_mut(turn) else { continue };
        let take = usize::try_from(wanted).unwrap_or(usize::MAX);
        if pool.len() < take {
            return Err(format!("{wanted} more do not fit where rank {rank} has its turn"));
        }
        masks.push(pool.drain(..take).flatten().copied().collect());
    }
    Ok(masks)
}

fn within<'a>(units: &'a Masks, group: &[u32]) -> Vec<&'a Vec<u32>> {
    units.iter().filter(|unit| unit.iter().all(|it| group.contains(it))).collect()
}

/// Ranks in resource sets: all cores of the set, or `wanted` of their own from its beginning.
fn sets(settings: &Settings, size: &Size, ranks: u64, wanted: Option<u64>) -> Result<Masks, String> {
    let number = |amount| settings.amount(amount).map_or(Ok(1), |it| it.value.ok_or_else(|| it.reason()));
    let (width, of_set) = (number(Amount::CpusPerSet)?, number(Amount::RanksPerSet)?.max(1));
    let sets = ranks.div_ceil(of_set);
    if size.owned < sets.saturating_mul(width) {
        return Err(format!("{sets} resource sets x {width} cores need more than {} cores", size.owned));
    }
    let mask = |rank: u64| {
        let begin = rank / of_set * width;
        let Some(wanted) = wanted else { return cpus(size, begin, begin + width) };
        let first = begin.saturating_add((rank % of_set).saturating_mul(wanted)).min(begin + width);
        cpus(size, first, first.saturating_add(wanted).min(begin + width))
    };
    Ok((0..ranks).map(mask).collect())
}

/// Entries for the ranks in order; a list that is too short begins again.
fn listed(entries: &[String], ranks: u64, read: &dyn Fn(&str) -> Vec<u32>) -> Masks {
    let count = usize::try_from(ranks).unwrap_or(0);
    entries.iter().cycle().take(if entries.is_empty() { 0 } else { count }).map(|it| read(it)).collect()
}

/// `0-3`, `5`, `0+2`, `0x1f` (a number), `3,4`.
pub(super) fn list(text: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for piece in text.split([',', '+']) {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        if let (Ok(first), Ok(last)) = (number(first), number(last)) {
            all.extend((first..=last).take(usize::try_from(MOST).unwrap_or(0)));
        }
    }
    all
}

fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

/// `0xff00`: bit n is CPU n.
pub(super) fn hexadecimal(text: &str) -> Vec<u32> {
    let digits = text.trim_start_matches("0x").chars().rev().enumerate();
    let mut all = Vec::new();
    for (index, digit) in digits.take(usize::try_from(MOST).unwrap_or(0)) {
        let base = u32::try_from(index * 4).unwrap_or(u32::MAX);
        let bits = digit.to_digit(16).unwrap_or(0);
        all.extend((0..4_u32).filter(|bit| bits >> bit & 1 == 1).map(|bit| base.saturating_add(bit)));
    }
    all
}
