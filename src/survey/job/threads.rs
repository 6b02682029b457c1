//! Threads of one rank: which pools the process has, what limits them, what binds them.

use super::JobKnowledge;
use super::launches::Launch;
use super::places::{named, whole};
use crate::facts::{BlasUse, EvidenceId, Fact, Facts, ThreadPool};
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
            max_threads: built_for(it, facts),
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

/// The most threads that the BLAS of a package was built for, where the records of the build are of this library.
fn built_for(blas: &BlasUse, facts: &Facts) -> Option<u64> {
    let claims = facts.process.build_claims.value().into_iter().flatten();
    let mut own = claims.filter(|it| {
        it.package == blas.user
            && it.capability == "blas"
            && it.library.value() == blas.vendor.value()
            && it.agreement.value().is_some_and(|it| it == "same")
    });
    // Records that say no number, like those that are not there: nothing is known of it.
    own.find_map(|it| it.max_threads.value()?.parse::<u64>().ok())
}

/// Why further libraries of the process may have threads.
fn open_lists(facts: &Facts) -> Option<&'static str> {
    let (process, packages) = (&facts.process, &facts.packages);
    if !is_told(&process.blas, |it| it.vendor.value().is_some()) {
        return Some("which BLAS the process loads is not known");
    }
    open_runtimes(facts).or_else(|| (!is_told(packages, |_| true)).then_some("which packages it imports is not known"))
}

/// Whether a list is whole and says of each member which it is.
pub(super) fn is_told<T>(list: &Fact<Vec<T>>, told: impl Fn(&T) -> bool) -> bool {
    list.gap().is_none() && list.value().is_some_and(|it| it.iter().all(told))
}

/// Whether a reader of variables is there.
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
    let capabilities = know.audit.libraries.get(word).map(|it| it.capabilities.clone()).unwrap_or_default();
    let is = |capability: &str| capabilities.iter().any(|it| it == capability);
    let absent = |whole: bool| if whole { Presence::Absent } else { Presence::Unknown };
    if is("openmp") {
        return absent(is_told(&process.openmp, |it| it.family.value().is_some()));
    }
    if is("blas") {
        return absent(is_told(&process.blas, |it| it.vendor.value().is_some()));
    }
    if is("mpi") || know.audit.launchers.get(word).is_some() {
        let known_launcher = launch.owner.word.is_some() || launch.line.launcher.is_none();
        return absent(known_launcher && is_told(&process.mpi, |it| it.vendor.value().is_some()));
    }
    if is("hdf5") {
        return absent(is_told(&process.hdf5, |_| true));
    }
    if know.audit.packages.of_import(word).is_some() {
        return absent(is_told(&facts.packages, |_| true));
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
    let open = open_lists(facts).map(str::to_owned);
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
                asked: asked(pool, environment, at, ledger).map(|it| it.map(|(count, _)| count)),
                setting: asked(pool, environment, at, ledger)
                    .map(|it| it.map(|(_, variable)| written(environment, &variable))),
                started: match (threads.started, unknown) {
                    (Some(started), _) => Fact::known(started, because.clone()),
                    (None, reason) => ledger.open(at, &reason.unwrap_or_default(), &hides),
                },
                respects_mask: respects_mask(pool, environment),
                ceiling: match (pool.has_ceiling(), pool.library.max_threads) {
                    (false, _) => Fact::known(None, because),
                    (true, Some(most)) => Fact::known(Some(most), because),
                    (true, None) => {
                        let reason = format!("how many threads {} was built for is not known", pool.library.word);
                        ledger.open(at, &reason, "whether it starts as many threads as a rank has CPUs")
                    }
                },
            });
        }
        self.listed(list, Vec::new(), at, ledger)
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
        let because = vec![ledger.place(at)];
        self.listed(names, because, at, ledger)
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
        let because = vec![ledger.place(at)];
        self.listed(names, because, at, ledger)
    }

    /// What is said of the pools; where further pools are possible, perhaps not all.
    pub(super) fn listed<T>(
        &self,
        list: Vec<T>,
        because: Vec<EvidenceId>,
        at: &Place,
        ledger: &mut Ledger,
    ) -> Fact<Vec<T>> {
        let open = self.open.as_ref().map(|it| ledger.open::<()>(at, it, "further pools of threads"));
        whole(list, because, open.and_then(|it| it.gap()))
    }
}

/// What a setting asks of a pool, and which.
fn asked(pool: &Pool, environment: &Environment, at: &Place, ledger: &mut Ledger) -> Fact<Option<(u64, String)>> {
    let probe = pool.threads(&|name| setting(environment, name), Some(PROBE), Some(PROBE));
    let shown = probe.asked.as_ref().map(|(_, variable)| places(environment, variable)).unwrap_or_default();
    match (&probe.asked, probe.unknown) {
        (None, Some(reason)) => ledger.open(at, &reason, &format!("how many threads are asked of {}", pool.title)),
        (Some(_), _) | (None, None) => {
            let because = ledger.resting(&shown, at);
            Fact::known(probe.asked, because)
        }
    }
}

/// Whether a pool takes every CPU that it sees, because nothing limits it; otherwise why that is not known.
pub(super) fn all_that_it_sees(pool: &Pool, environment: &Environment) -> Result<bool, String> {
    let probe = pool.threads(&|name| setting(environment, name), Some(PROBE), Some(PROBE));
    match (probe.asked, probe.started, probe.unknown) {
        (None, None, Some(reason)) => Err(reason),
        (None, started, _) => Ok(started == Some(PROBE)),
        (Some(_), _, _) => Ok(false),
    }
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

/// Why the process may have further OpenMP runtimes.
pub(super) fn open_runtimes(facts: &Facts) -> Option<&'static str> {
    let told = is_told(&facts.process.openmp, |it| it.family.value().is_some());
    (!told).then_some("which OpenMP runtimes the process has is not known")
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
    let mut open = open_runtimes(facts).map(str::to_owned);
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
