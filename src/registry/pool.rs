//! How many threads a library starts: its own chain of variables, its own reading of them, its own limits.

use std::cmp::Ordering;

use serde::Deserialize;

use super::live::or;
use super::runtime::Runtime;
use super::{Evidence, Setting, When};
use crate::base::{KnowledgeError, TextFile, compare_versions, parse};

/// Most threads that anybody asks for; more is no number of threads.
const MAX_THREADS: u64 = 1 << 20;

/// A library of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Its word in `rules/libraries` or `rules/packages`.
    pub word: String,
    /// Its version, if known.
    pub version: Option<String>,
    /// How it was built to thread, if known: `openmp`, `pthreads`, `tbb`, `sequential`.
    pub threading: Option<String>,
    /// The most threads that it was built for, if known.
    pub max_threads: Option<u64>,
}

/// `rules/pools`.
#[derive(Debug, Clone, Default)]
pub struct Pools {
    descriptions: Vec<Description>,
    pub(super) runtimes: Vec<Runtime>,
}

/// The threads of one library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The library that starts them.
    pub library: Loaded,
    /// What they are, for people.
    pub title: String,
    /// Words of the OpenMP runtimes that are there and may run them, whose binding applies then. Empty: its own threads.
    pub runtimes: Vec<String>,
    /// How this is known.
    pub evidence: Evidence,
    /// Why it is not certain that the library has this pool.
    pub unsure: Option<String>,
    description: Description,
}

/// How many threads a pool has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads {
    /// What a variable asks for, and which.
    pub asked: Option<(u64, String)>,
    /// How many are started.
    pub started: Option<u64>,
    /// Whether fewer are started than asked for.
    pub clamped: bool,
    /// Why `started` is not known.
    pub unknown: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    pool: Vec<Description>,
    #[serde(default)]
    runtime: Vec<Runtime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    library: String,
    #[serde(default)]
    threading: Vec<String>,
    since: Option<String>,
    until: Option<String>,
    title: String,
    #[serde(default)]
    chain: Vec<Link>,
    /// Whether a larger number is cut to the CPUs of the mask.
    #[serde(default)]
    clamp: bool,
    clamp_unless: Option<When>,
    default: DefaultCount,
    default_most: Option<u64>,
    /// Whether it starts no more threads than it was built for.
    #[serde(default)]
    ceiling: bool,
    /// A variable that limits every count.
    limit: Option<String>,
    /// More than this, or than the variable says, is refused.
    refuses_beyond: Option<Beyond>,
    #[serde(default)]
    runtimes: Vec<String>,
    evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DefaultCount {
    /// The CPUs of the mask.
    Mask,
    /// The CPUs of the node.
    Node,
    One,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beyond {
    variable: String,
    otherwise: u64,
}

/// One link of a chain: a variable, or several whose product counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    variable: Option<String>,
    #[serde(default)]
    product: Vec<String>,
    #[serde(default)]
    read: Read,
    /// What a zero counts as, where it does not count as not set.
    zero: Option<u64>,
    /// With `assignments`: names whose number counts, the first that is there.
    #[serde(default)]
    names: Vec<String>,
}

/// How a value becomes a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Read {
    /// The digits that it begins with.
    #[default]
    LeadingDigits,
    /// A list, of which all numbers multiply: levels of nested teams.
    Levels,
    /// A number and nothing else; anything else is an error.
    Number,
    /// `NAME=number` with commas between.
    Assignments,
}

impl Pools {
    /// Reads the descriptions.
    ///
    /// # Errors
    /// What is wrong with a file: file, line, column and the nearest valid word.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        let mut pools = Self::default();
        for file in files {
            let raw: FileText = parse(file)?;
            pools.descriptions.extend(raw.pool);
            pools.runtimes.extend(raw.runtime);
        }
        Ok(pools)
    }

    /// The pools of a process, in the order of its libraries. A library that no file describes has none.
    pub fn pools(&self, present: &[Loaded]) -> Vec<Pool> {
        let pool = |library: &Loaded, description: &Description| {
            let unsure = description.fits(library)?;
            let runs = |it: &&String| present.iter().any(|library| library.word == **it);
            Some(Pool {
                library: library.clone(),
                title: description.title.clone(),
                runtimes: description.runtimes.iter().filter(runs).cloned().collect(),
                evidence: description.evidence,
                unsure,
                description: description.clone(),
            })
        };
        let of = |library: &Loaded| -> Vec<Pool> {
            self.descriptions.iter().filter_map(|description| pool(library, description)).collect()
        };
        present.iter().flat_map(of).collect()
    }
}

impl Description {
    /// `None`: another library, build or version. Otherwise why that is not certain, if it is not.
    fn fits(&self, library: &Loaded) -> Option<Option<String>> {
        if library.word != self.library {
            return None;
        }
        let word = &library.word;
        let mut unsure = None;
        match &library.threading {
            Some(threading) if !self.threading.is_empty() && !self.threading.contains(threading) => return None,
            None if !self.threading.is_empty() => unsure = Some(format!("how {word} was built to thread is not known")),
            Some(_) | None => {}
        }
        if self.since.is_some() || self.until.is_some() {
            let Some(version) = &library.version else {
                return Some(Some(format!("which version of {word} is there is not known")));
            };
            let from = |it: &String| compare_versions(version, it) != Ordering::Less;
            if self.since.as_ref().is_some_and(|it| !from(it)) || self.until.as_ref().is_some_and(from) {
                return None;
            }
        }
        Some(unsure)
    }
}

impl Pool {
    /// The variables that say how many, the first that is set wins.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.description.chain.iter().flat_map(Link::variables)
    }

    /// Whether it starts no more threads than its library was built for.
    pub fn has_ceiling(&self) -> bool {
        self.description.ceiling
    }

    /// How many threads it has in an environment, on a mask of so many CPUs of a node with so many.
    pub fn threads(
        &self,
        environment: &dyn Fn(&str) -> Setting,
        mask_cpus: Option<u64>,
        node_cpus: Option<u64>,
    ) -> Threads {
        let mut threads = Threads::default();
        for link in &self.description.chain {
            match link.number(environment) {
                Ok(None) => {}
                Ok(Some(asked)) => {
                    threads.asked = Some(asked);
                    break;
                }
                Err(reason) => return Threads { unknown: Some(reason), ..threads },
            }
        }
        let started = match &threads.asked {
            Some((asked, variable)) => self.explicit(*asked, variable, environment, mask_cpus),
            None => self.by_default(mask_cpus, node_cpus),
        };
        match started.and_then(|it| self.limited(it, environment)) {
            Ok(started) => {
                threads.clamped = threads.asked.as_ref().is_some_and(|(asked, _)| started < *asked);
                threads.started = Some(started);
            }
            Err(reason) => threads.unknown = Some(reason),
        }
        threads
    }

    fn explicit(
        &self,
        asked: u64,
        variable: &str,
        environment: &dyn Fn(&str) -> Setting,
        mask_cpus: Option<u64>,
    ) -> Result<u64, String> {
        if let Some(Beyond { variable: name, otherwise }) = &self.description.refuses_beyond {
            let most = number(environment, name, digits)?.unwrap_or(*otherwise);
            if most < asked {
                let word = &self.library.word;
                return Err(format!("{word} refuses {variable}={asked}: it is more than {name} allows, {most}"));
            }
        }
        if !self.description.clamp {
            return Ok(asked);
        }
        if let Some(when) = &self.description.clamp_unless {
            let off = when.holds(&environment(&when.variable));
            if off.map_err(|reason| format!("{} is not known: {reason}", when.variable))? {
                return Ok(asked);
            }
        }
        match mask_cpus {
            Some(cpus) => Ok(asked.min(cpus.max(1))),
            None if asked == 1 => Ok(1),
            None => {
                Err(format!("{} starts no more threads than its mask has CPUs, which is not known", self.library.word))
            }
        }
    }

    fn by_default(&self, mask_cpus: Option<u64>, node_cpus: Option<u64>) -> Result<u64, String> {
        let word = &self.library.word;
        let nothing = match self.variables().map(str::to_owned).collect::<Vec<_>>().as_slice() {
            [] => String::new(),
            names => format!("without {} ", or(names)),
        };
        let count = match self.description.default {
            DefaultCount::One => Ok(1),
            DefaultCount::Mask => mask_cpus
                .ok_or_else(|| format!("{nothing}{word} starts a thread per CPU of its mask, which is not known")),
            DefaultCount::Node => node_cpus
                .ok_or_else(|| format!("{nothing}{word} starts a thread per CPU of the node, which is not known")),
        };
        count.map(|it| it.clamp(1, self.description.default_most.unwrap_or(u64::MAX).max(1)))
    }

    /// Under the limits that hold for every count.
    fn limited(&self, count: u64, environment: &dyn Fn(&str) -> Setting) -> Result<u64, String> {
        let limit = match &self.description.limit {
            Some(name) => number(environment, name, digits)?,
            None => None,
        };
        Ok(count.min(limit.unwrap_or(u64::MAX)).min(self.library.max_threads.unwrap_or(u64::MAX).max(1)))
    }
}

impl Link {
    fn variables(&self) -> impl Iterator<Item = &str> {
        self.variable.iter().chain(&self.product).map(String::as_str)
    }

    fn number(&self, environment: &dyn Fn(&str) -> Setting) -> Result<Option<(u64, String)>, String> {
        if let Some(name) = &self.variable {
            let read = |value: &str| self.read(value);
            return Ok(number(environment, name, read)?.map(|it| (it, name.clone())));
        }
        let mut found: Option<(u64, Vec<&str>)> = None;
        for name in &self.product {
            if let Some(factor) = number(environment, name, digits)? {
                let (product, names) = found.get_or_insert((1, Vec::new()));
                *product = product.saturating_mul(factor).min(MAX_THREADS);
                names.push(name);
            }
        }
        Ok(found.map(|(product, names)| (product, names.join(" x "))))
    }

    fn read(&self, value: &str) -> Result<Option<u64>, String> {
        match self.read {
            Read::LeadingDigits => digits(value),
            Read::Levels => {
                let mut product: Option<u64> = None;
                for level in value.split(',') {
                    let zero = self.zero.filter(|_| level.trim() == "0");
                    let Some(threads) = whole(level).or(zero) else { return Ok(None) };
                    product = Some(product.unwrap_or(1).saturating_mul(threads).min(MAX_THREADS));
                }
                Ok(product)
            }
            Read::Number if value.is_empty() => Ok(None),
            Read::Number => {
                whole(value).map(Some).ok_or_else(|| format!("\"{value}\" is no number, and an error where it is read"))
            }
            Read::Assignments => {
                let pairs: Vec<(&str, &str)> =
                    value.split([',', ' ']).filter_map(|it| it.trim().split_once('=')).collect();
                let of = |name: &String| pairs.iter().find(|(it, _)| it.trim().eq_ignore_ascii_case(name));
                Ok(self.names.iter().find_map(of).and_then(|(_, it)| whole(it)))
            }
        }
    }
}

fn number(
    environment: &dyn Fn(&str) -> Setting,
    name: &str,
    read: impl Fn(&str) -> Result<Option<u64>, String>,
) -> Result<Option<u64>, String> {
    match environment(name) {
        Setting::Unset => Ok(None),
        Setting::Value(value) => read(value.trim()).map_err(|reason| format!("{name}: {reason}")),
        Setting::Unknown(reason) => Err(format!("{name} is not known: {reason}")),
    }
}

/// What `atoi` makes of it; zero and no digits at all are no number of threads.
#[expect(clippy::unnecessary_wraps, reason = "one of several ways to read a value, of which some fail")]
fn digits(value: &str) -> Result<Option<u64>, String> {
    let value = value.strip_prefix('+').unwrap_or(value);
    let end = value.bytes().take_while(u8::is_ascii_digit).count();
    Ok(value.get(..end).and_then(whole))
}

fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let all_digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = if all_digits { text.parse().unwrap_or(MAX_THREADS).min(MAX_THREADS) } else { 0 };
    (0 < number).then_some(number)
}
