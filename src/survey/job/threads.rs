//! Threads of one rank: which pools the process has, what limits them, what binds them.

use super::JobKnowledge;
use super::launches::Launch;
use super::places::named;
use crate::facts::{Fact, Facts, ThreadPool};
use crate::job::{Binding, Environment, Place};
use crate::registry::{self, Decision, Loaded, Pool, Presence, Setting};
use crate::survey::ledger::Ledger;

/// A mask by which a pool shows whether it takes whatever it sees.
const PROBE: u64 = 2;

/// What one variable of a rank is.
pub(super) fn setting(environment: &Environment, name: &str) -> Setting {
    match environment.get(name) {
        Binding::Unset(_) => Setting::Unset,
        Binding::Set(value) => match value.text() {
            Some(text) => Setting::Value(text),
            None => Setting::Unknown(format!("{name} is {}", value.display())),
        },
        Binding::Unknown { reason, .. } => Setting::Unknown(reason),
    }
}

/// `OMP_NUM_THREADS=8`, as it is set.
pub(super) fn written(environment: &Environment, name: &str) -> String {
    match environment.value(name) {
        Some(value) => format!("{name}={}", value.display()),
        None => name.to_owned(),
    }
}

/// Where a variable of a rank was set.
pub(super) fn places(environment: &Environment, name: &str) -> Vec<Place> {
    match environment.get(name) {
        Binding::Set(value) => value.places.into_iter().take(1).collect(),
        Binding::Unset(place) | Binding::Unknown { place, .. } => vec![place],
    }
}

/// Libraries of the process that keep threads of their own, as the facts name them.
pub(super) fn loaded(facts: &Facts) -> Vec<Loaded> {
    let mut all: Vec<Loaded> = Vec::new();
    let process = &facts.process;
    for it in process.blas.value().into_iter().flatten() {
        let Some(word) = it.vendor.value().filter(|it| *it != "none") else { continue };
        all.push(Loaded {
            word: word.clone(),
            version: it.version.value().cloned(),
            threading: it.threading.value().cloned(),
            max_threads: None,
        });
    }
    for it in process.openmp.value().into_iter().flatten() {
        all.extend(it.family.value().map(|word| Loaded { word: word.clone(), ..Loaded::default() }));
    }
    for it in facts.packages.value().into_iter().flatten().filter(|it| it.active && it.imported) {
        let version = it.version.value().cloned();
        all.push(Loaded { word: it.name.clone(), version, ..Loaded::default() });
    }
    let mut once: Vec<Loaded> = Vec::new();
    for it in all {
        if !once.contains(&it) {
            once.push(it);
        }
    }
    once
}

/// Whether a reader of variables is there. Lists that a saved file gives count as whole: it names what the process had.
pub(super) fn presence(
    word: &str,
    facts: &Facts,
    launch: &Launch,
    scheduler: Option<&str>,
    know: &JobKnowledge<'_>,
) -> Presence {
    let here = |version: Option<String>, threading: Option<String>| Presence::Present { version, threading };
    let libraries = loaded(facts);
    if let Some(it) = libraries.iter().find(|it| it.word == word) {
        return here(it.version.clone(), it.threading.clone());
    }
    let process = &facts.process;
    if let Some(it) =
        process.mpi.value().into_iter().flatten().find(|it| it.vendor.value().is_some_and(|it| it == word))
    {
        return here(it.version.value().cloned(), None);
    }
    if launch.owner.word.as_deref() == Some(word) {
        return here(launch.owner.version.clone(), None);
    }
    if scheduler == Some(word) {
        return here(None, None);
    }
    if let (Some(it), true) = (process.hdf5.value().and_then(|it| it.first()), word == "hdf5") {
        return here(it.version.value().cloned(), None);
    }
    if let Some(it) =
        process.libraries.value().into_iter().flatten().find(|it| it.library.value().is_some_and(|it| it == word))
    {
        return here(it.version.value().cloned().flatten(), None);
    }
    if word == "python" || word == "libc" {
        return here(facts.environment.python.version.value().cloned().filter(|_| word == "python"), None);
    }
    absent_or_unknown(word, facts, launch, know)
}

/// Not among what is known: absent where the facts list its kind, else unknown.
fn absent_or_unknown(word: &str, facts: &Facts, launch: &Launch, know: &JobKnowledge<'_>) -> Presence {
    let process = &facts.process;
    let listed = |is_empty: Option<bool>| if is_empty == Some(false) { Presence::Absent } else { Presence::Unknown };
    let whole = |gap: Option<crate::facts::GapId>, known: bool, empty: bool| match (known, gap) {
        (true, None) => Presence::Absent,
        (true, Some(_)) => listed(Some(empty)),
        (false, _) => Presence::Unknown,
    };
    let capabilities = know.audit.libraries.get(word).map(|it| it.capabilities.clone()).unwrap_or_default();
    let is = |capability: &str| capabilities.iter().any(|it| it == capability);
    if is("openmp") {
        let list = &process.openmp;
        return whole(list.gap(), list.value().is_some(), list.value().is_none_or(Vec::is_empty));
    }
    if is("blas") {
        let list = &process.blas;
        return whole(list.gap(), list.value().is_some(), list.value().is_none_or(Vec::is_empty));
    }
    if is("mpi") || know.audit.launchers.get(word).is_some() {
        let list = &process.mpi;
        let known_launcher = launch.owner.word.is_some() || launch.line.launcher.is_none();
        return match whole(list.gap(), list.value().is_some(), list.value().is_none_or(Vec::is_empty)) {
            Presence::Absent if known_launcher => Presence::Absent,
            Presence::Absent | Presence::Unknown | Presence::Present { .. } => Presence::Unknown,
        };
    }
    if is("hdf5") {
        let list = &process.hdf5;
        return whole(list.gap(), list.value().is_some(), list.value().is_none_or(Vec::is_empty));
    }
    if know.audit.packages.of_import(word).is_some() {
        let list = &facts.packages;
        return whole(list.gap(), list.value().is_some(), list.value().is_none_or(Vec::is_empty));
    }
    Presence::Unknown
}

/// The pools of a rank with what each starts.
pub(super) struct Pools {
    pub(super) list: Vec<(Pool, registry::Threads)>,
    /// Why the list may be incomplete.
    pub(super) open: Option<String>,
}

/// The pools of a rank on a mask of so many CPUs.
pub(super) fn pools(
    facts: &Facts,
    know: &JobKnowledge<'_>,
    environment: &Environment,
    mask: Option<u64>,
    node: Option<u64>,
) -> Pools {
    let read = |name: &str| setting(environment, name);
    let found = know.pools.pools(&loaded(facts));
    let unknown_blas = facts.process.blas.value().is_none();
    let open = unknown_blas.then(|| "which BLAS the process loads is not known".to_owned());
    let list = found.into_iter().map(|pool| {
        let threads = pool.threads(&read, mask, node);
        (pool, threads)
    });
    Pools { list: list.collect(), open }
}

impl Pools {
    /// The facts of every pool.
    pub(super) fn facts(&self, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<Vec<ThreadPool>> {
        let mut list = Vec::new();
        for (pool, threads) in &self.list {
            let because = match &threads.asked {
                Some((_, variable)) => {
                    let places = places(environment, variable);
                    ledger.resting(&places, at)
                }
                None => vec![ledger.place(at)],
            };
            let hides = format!("threads of {}", pool.title);
            let unknown = threads.unknown.clone().or_else(|| pool.unsure.clone());
            list.push(ThreadPool {
                name: pool.title.clone(),
                asked: Fact::known(threads.asked.as_ref().map(|it| it.0), because.clone()),
                setting: Fact::known(
                    threads.asked.as_ref().map(|(_, variable)| written(environment, variable)),
                    because.clone(),
                ),
                started: match (threads.started, unknown) {
                    (Some(started), _) => Fact::known(started, because.clone()),
                    (None, reason) => ledger.open(at, &reason.unwrap_or_default(), &hides),
                },
                respects_mask: respects_mask(pool, environment),
                ceiling: Fact::known(pool.library.max_threads, because),
            });
        }
        match &self.open {
            None => Fact::known(list, Vec::new()),
            Some(reason) => match ledger.open::<()>(at, reason, "further pools of threads") {
                Fact::Unknown { unknown } => Fact::partial(list, Vec::new(), unknown),
                Fact::Known { .. } => Fact::known(list, Vec::new()),
            },
        }
    }

    /// Most threads that one pool starts.
    pub(super) fn threads(&self, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<u64> {
        let hides = "how many threads a rank starts";
        if let Some(reason) = &self.open {
            return ledger.open(at, reason, hides);
        }
        if let Some((pool, threads)) = self.list.iter().find(|it| it.1.started.is_none()) {
            let reason = threads.unknown.clone().unwrap_or_else(|| format!("threads of {} are not known", pool.title));
            return ledger.open(at, &reason, hides);
        }
        let most = self.list.iter().max_by_key(|it| it.1.started);
        let (count, asked) = most.map_or((1, None), |it| (it.1.started.unwrap_or(1), it.1.asked.as_ref()));
        let shown = asked.map(|(_, variable)| places(environment, variable)).unwrap_or_default();
        let because = ledger.resting(&shown, at);
        Fact::known(count, because)
    }

    /// Most threads that a setting asks for.
    pub(super) fn asked(&self, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<Option<u64>> {
        let mut most: Option<(u64, String)> = None;
        for probe in self.probes(environment) {
            match (probe.asked, probe.started) {
                (Some(asked), _) => most = most.max(Some(asked)),
                (None, Some(_)) => {}
                (None, None) => {
                    return ledger.open(at, &probe.unknown.unwrap_or_default(), "how many threads are asked for");
                }
            }
        }
        if let (None, Some(reason)) = (&most, &self.open) {
            return ledger.open(at, reason, "how many threads are asked for");
        }
        let shown = most.as_ref().map(|(_, variable)| places(environment, variable)).unwrap_or_default();
        let because = ledger.resting(&shown, at);
        Fact::known(most.map(|it| it.0), because)
    }

    /// What every pool would do on a small mask: what is unknown then is a setting.
    fn probes(&self, environment: &Environment) -> Vec<registry::Threads> {
        let read = |name: &str| setting(environment, name);
        self.list.iter().map(|(pool, _)| pool.threads(&read, Some(PROBE), Some(PROBE))).collect()
    }

    /// Pools that nothing limits and that count the CPUs of the node.
    pub(super) fn unmasked(&self, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let read = |name: &str| setting(environment, name);
        let mut names = Vec::new();
        for (pool, _) in &self.list {
            let probe = pool.threads(&read, Some(PROBE), Some(2 * PROBE));
            match (&probe.asked, probe.started) {
                (Some(_), _) => {}
                (None, Some(started)) if started <= PROBE => {}
                (None, Some(_)) => names.push(pool.title.clone()),
                (None, None) => {
                    let reason = probe.unknown.unwrap_or_default();
                    return ledger.open(at, &reason, "whether a setting limits the threads");
                }
            }
        }
        self.listed(names, at, ledger)
    }

    /// Pools that take every CPU that they see, because nothing limits them.
    pub(super) fn unlimited(&self, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let mut names = Vec::new();
        let probes = self.probes(environment);
        for ((pool, _), probe) in self.list.iter().zip(&probes) {
            // Teams of a runtime whose library has a number of its own are not started.
            let limited = |((it, threads), probe): (&(Pool, registry::Threads), &registry::Threads)| {
                it.runtimes.contains(&pool.library.word) && (threads.asked.is_some() || probe.started == Some(1))
            };
            if self.list.iter().zip(&probes).any(limited) {
                continue;
            }
            match (&probe.asked, probe.started, &probe.unknown) {
                (Some(_), _, _) => {}
                (None, Some(started), _) => {
                    if 1 < started {
                        names.push(pool.title.clone());
                    }
                }
                (None, None, reason) => {
                    let reason = reason.clone().unwrap_or_default();
                    return ledger.open(at, &reason, "whether a setting limits the threads");
                }
            }
        }
        self.listed(names, at, ledger)
    }

    /// Names of pools; where further pools are possible, perhaps not all.
    fn listed(&self, names: Vec<String>, at: &Place, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let because = vec![ledger.place(at)];
        let open = self.open.as_ref().map(|it| ledger.open::<()>(at, it, "further pools of threads"));
        match open.and_then(|it| it.gap()) {
            Some(gap) => Fact::partial(names, because, gap),
            None => Fact::known(names, because),
        }
    }
}

/// Whether a pool takes every CPU that it sees, because nothing limits it.
pub(super) fn takes_all(pool: &Pool, environment: &Environment) -> bool {
    let probe = pool.threads(&|name| setting(environment, name), Some(PROBE), Some(PROBE));
    probe.asked.is_none() && probe.started == Some(PROBE)
}

/// Whether a pool takes no more threads than it sees CPUs.
fn respects_mask(pool: &Pool, environment: &Environment) -> bool {
    let name = pool.variables().next().map(str::to_owned);
    let many = |asked: &str| match &name {
        Some(first) if first == asked => Setting::Value((PROBE * 2).to_string()),
        Some(_) | None => setting(environment, asked),
    };
    pool.threads(&many, Some(PROBE), Some(PROBE)).started.is_some_and(|it| it <= PROBE)
}

/// Families of the OpenMP runtimes of the process.
pub(super) fn runtimes(facts: &Facts) -> Vec<String> {
    let families = facts.process.openmp.value().into_iter().flatten();
    let mut words: Vec<String> = families.filter_map(|it| it.family.value().cloned()).collect();
    words.dedup();
    words
}

/// What one runtime after the other decides, the first that says yes.
pub(super) fn decided(
    facts: &Facts,
    environment: &Environment,
    at: &Place,
    hides: &str,
    decide: impl Fn(&str, &dyn Fn(&str) -> Setting) -> Option<Decision>,
    ledger: &mut Ledger,
) -> Fact<Option<String>> {
    let read = |name: &str| setting(environment, name);
    let mut open = facts.process.openmp.gap().map(|_| "which OpenMP runtimes the process has is not known".to_owned());
    if facts.process.openmp.value().is_some_and(|it| !it.is_empty()) {
        open = None;
    }
    for runtime in runtimes(facts) {
        match decide(&runtime, &read) {
            Some(Decision::Yes(variable)) => {
                let shown = places(environment, &variable);
                let mut because = ledger.places(&shown);
                because.push(ledger.place(at));
                return Fact::known(Some(written(environment, &variable)), because);
            }
            Some(Decision::No(_)) => {}
            Some(Decision::Unknown(reason)) => open = Some(reason),
            None => {}
        }
    }
    match open {
        Some(reason) => ledger.open(at, &reason, hides),
        None => Fact::known(None, vec![ledger.place(at)]),
    }
}

/// A setting and where it stands, for people.
pub(super) fn said(environment: &Environment, name: &str) -> String {
    let place = places(environment, name).first().filter(|it| 0 < it.line).map(named);
    match place {
        Some(place) => format!("{} ({place})", written(environment, name)),
        None => written(environment, name),
    }
}
