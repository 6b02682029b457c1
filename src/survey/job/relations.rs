//! The facts of a job: its runs with what relates them to each other, and the process that they start.

use super::launches::Launch;
use super::listed::Saved;
use super::outside::outside;
use super::places::{named, whole};
use super::programs::Around;
use super::runs::{Placed, Runs};
use super::settings::settings;
use super::whose::Asked;
use super::{JobReading, first_python, process, runs_hidden};
use crate::facts::{Fact, Facts, Job, Run, Unclear};
use crate::job::Place;
use crate::survey::ledger::Ledger;

/// Completes the facts with the job.
pub(super) fn join(reading: &JobReading<'_>, launches: &[Launch], facts: &mut Facts) {
    let saved = Saved::of(&facts.gaps);
    let mut ledger = Ledger::resume(std::mem::take(&mut facts.evidence), std::mem::take(&mut facts.gaps));
    if let Some(launch) = first_python(launches) {
        start(reading, launch, facts, &mut ledger);
    }
    let listed = saved.listed(facts);
    let other = launches.iter().find(|it| it.python.is_none()).map(|it| other_program(it, &listed, &mut ledger));
    let runs = |launch: &Launch| match &other {
        Some(other) if launch.python.is_none() => Runs { reading, facts: other },
        Some(_) | None => Runs { reading, facts: &listed },
    };
    let placed: Vec<Placed> = launches.iter().map(|it| runs(it).placed(it)).collect();
    let mut list: Vec<Run> =
        launches.iter().zip(&placed).map(|(launch, placed)| runs(launch).run(launch, placed, &mut ledger)).collect();
    rivals(launches, &mut list, &mut ledger);
    let mut job = Job {
        script: reading.question.script.clone(),
        site: reading.question.site.map(|it| it.path.clone()),
        scheduler: scheduler(reading, &mut ledger),
        scheduler_version: scheduler_version(reading, &mut ledger),
        expected_blas: expected_blas(reading, &mut ledger),
        login_environment: login_environment(reading, &mut ledger),
        runs: Fact::known(Vec::new(), Vec::new()),
        settings: Fact::known(Vec::new(), Vec::new()),
        process_pools: Fact::known(Vec::new(), Vec::new()),
        late_settings: Fact::known(Vec::new(), Vec::new()),
        parallel_opens: Fact::known(Vec::new(), Vec::new()),
        shadowing_files: Fact::known(Vec::new(), Vec::new()),
        unclear: Fact::known(Vec::new(), Vec::new()),
    };
    programs(reading, launches, &placed, &list, &listed, &mut job, &mut ledger);
    let pools: Vec<_> = placed.into_iter().map(|it| it.pools).collect();
    let hidden = runs_hidden(reading, launches.len()).map(|gap| ledger.gap(&gap));
    job.settings = whole(settings(reading, launches, &pools, &listed, &mut ledger), Vec::new(), hidden);
    job.unclear = unclear(reading, launches, &mut ledger);
    job.runs = whole(merged(list), Vec::new(), hidden);
    facts.job = Some(job);
    (facts.evidence, facts.gaps) = ledger.finish();
}

/// Runs of one line that differ in nothing but the branches in which they stand are one run.
fn merged(list: Vec<Run>) -> Vec<Run> {
    let mut once: Vec<Run> = Vec::new();
    for run in list {
        let same = |it: &&mut Run| Run { conditions: run.conditions.clone(), ..(**it).clone() } == run;
        match once.iter_mut().find(same) {
            Some(known) => known.conditions.retain(|it| run.conditions.contains(it)),
            None => once.push(run),
        }
    }
    once
}

impl JobReading<'_> {
    /// Who is asked whose a launcher is.
    pub(super) fn asked<'a>(&'a self, facts: Option<&'a Facts>, recorded: &'a [String]) -> Asked<'a> {
        Asked { view: self.view, know: self.know, site: self.question.site, facts, outside: false, recorded }
    }

    /// Whether a variable matters in the ranks: to a library or to Python.
    pub(super) fn reaches_ranks(&self, name: &str) -> bool {
        use crate::registry::Group;
        self.know.registry.variable(name).is_some_and(|it| match it.group {
            Group::Threads
            | Group::Binding
            | Group::Waiting
            | Group::Mpi
            | Group::Hdf5
            | Group::Python
            | Group::Loader
            | Group::Io => true,
            Group::Pmi | Group::Scheduler | Group::Other => false,
        })
    }
}

/// The process of the facts becomes the one that this launch starts.
fn start(reading: &JobReading<'_>, launch: &Launch, facts: &mut Facts, ledger: &mut Ledger) {
    let at = &launch.line.place;
    facts.environment.variables = process::variables(&launch.environment, at, reading.know, ledger);
    if let Some(python) = &launch.python {
        facts.environment.user_site.enabled = process::user_site(facts, launch, python, at, ledger);
    }
    if launch.owner.word.is_some() || !launch.owner.unknown.is_empty() {
        process::launcher(facts, &launch.owner, at, ledger);
    }
    outside(reading, launch, facts, ledger);
}

/// The facts as they are of a program that is not the Python they describe: nothing is known of what it loads.
fn other_program(launch: &Launch, facts: &Facts, ledger: &mut Ledger) -> Facts {
    let program = launch.line.program.first().map_or_else(|| "it".to_owned(), |it| it.value.display());
    let reason = format!("the facts are of Python, and {program} is another program");
    let gap = ledger.open::<()>(&launch.line.place, &reason, "what the program of the line loads").gap();
    let mut other = facts.clone();
    if let Some(gap) = gap {
        other.process.blas = Fact::unknown(gap);
        other.process.openmp = Fact::unknown(gap);
        other.process.mpi = Fact::unknown(gap);
        other.process.hdf5 = Fact::unknown(gap);
        other.process.libraries = Fact::unknown(gap);
        other.packages = Fact::unknown(gap);
    }
    other
}

/// Launches that run at the same time on the same nodes.
fn rivals(launches: &[Launch], runs: &mut [Run], ledger: &mut Ledger) {
    for (index, launch) in launches.iter().enumerate() {
        let alone = launch.line.launcher.is_none() || launch.line.says_its_cpus();
        // The first of several says it for all.
        let told = launches.iter().take(index).any(|it| meet(it, launch));
        let others = launches.iter().enumerate().filter(|(other, it)| *other != index && meet(launch, it));
        let mut names: Vec<(String, Place)> = Vec::new();
        for (_, it) in others.filter(|_| !alone && !told) {
            let turn = it.line.place == launch.line.place;
            let name = if turn { "further turns of its loop".to_owned() } else { it.name() };
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, it.line.place.clone()));
            }
        }
        if let (Some(run), false) = (runs.get_mut(index), names.is_empty()) {
            let mut because = vec![ledger.place(&launch.line.place)];
            because.extend(names.iter().map(|(_, place)| ledger.place(place)));
            run.rivals = Fact::known(names.into_iter().map(|it| it.0).collect(), because);
        }
    }
}

/// Whether two launches may run at the same time on the same CPUs.
fn meet(one: &Launch, other: &Launch) -> bool {
    let at_once = one.command.phase == other.command.phase && (one.command.background || other.command.background);
    // Several programs of one line are one step; its copies in other branches never run beside it.
    let turns = one.line.part == other.line.part && one.command.conditions == other.command.conditions;
    let apart = one.line.place != other.line.place || (turns && one.command.background);
    at_once && apart && other.line.launcher.is_some() && !other.line.says_its_cpus()
}

fn programs(
    reading: &JobReading<'_>,
    launches: &[Launch],
    placed: &[Placed],
    runs: &[Run],
    facts: &Facts,
    job: &mut Job,
    ledger: &mut Ledger,
) {
    let mut seen: Vec<(String, u32)> = Vec::new();
    for ((launch, placed), run) in launches.iter().zip(placed).zip(runs) {
        let text = reading.program(launch);
        if let Some((place, why)) = &text.unread {
            let hides = "what the program imports, sets and starts";
            add(&mut job.process_pools, ledger.open(place, why, hides));
            add(&mut job.late_settings, ledger.open(place, why, hides));
            add(&mut job.parallel_opens, ledger.open(place, why, hides));
            add(&mut job.shadowing_files, ledger.open(place, why, hides));
            continue;
        }
        let key = (text.file.clone(), text.before);
        if launch.python.is_none() || seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let around = Around { reading, facts, launch, run, pools: &placed.pools, text: &text };
        add(&mut job.process_pools, Fact::known(around.process_pools(ledger), Vec::new()));
        add(&mut job.late_settings, around.late_settings(ledger));
        add(&mut job.parallel_opens, Fact::known(around.parallel_opens(ledger), Vec::new()));
        add(&mut job.shadowing_files, around.shadowing_files(ledger));
    }
}

/// What one program adds to a list of the whole job.
fn add<T>(all: &mut Fact<Vec<T>>, more: Fact<Vec<T>>) {
    let Fact::Known { value, incomplete, .. } = all else { return };
    *incomplete = incomplete.or(more.gap());
    if let Fact::Known { value: further, .. } = more {
        value.extend(further);
    }
}

fn scheduler(reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<String> {
    let request = &reading.request;
    let because = request.given.first().map(|it| vec![ledger.place(&it.place)]).unwrap_or_default();
    let here = reading.here();
    match (&request.scheduler, &request.unknown) {
        (_, Some(reason)) => ledger.open(&here, reason, "which scheduler runs the job"),
        (Some(word), None) if request.others.is_empty() => Fact::known(word.clone(), because),
        (Some(word), None) => {
            let reason = format!("{word} or {} reads these directives", request.others.join(" or "));
            ledger.open(&here, &reason, "which scheduler runs the job")
        }
        (None, None) => Fact::known("none".to_owned(), because),
    }
}

fn scheduler_version(reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<String> {
    let site = reading.question.site;
    match site.and_then(|it| Some((it, it.scheduler.version.as_ref()?))) {
        Some((site, version)) => {
            let line = Place { file: site.path.clone(), line: version.line, ..Place::default() };
            let because = vec![ledger.place(&line)];
            Fact::known(version.value.clone(), because)
        }
        None => ledger.open(
            &reading.here(),
            "[scheduler] version in the site profile would say it",
            "the version of the scheduler",
        ),
    }
}

/// BLAS libraries that the site wants.
fn expected_blas(reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<Vec<String>> {
    match reading.question.site.and_then(|it| Some((it, it.policy.expected_blas.as_ref()?))) {
        Some((site, stated)) => {
            let line = Place { file: site.path.clone(), line: stated.line, ..Place::default() };
            Fact::known(stated.value.clone(), vec![ledger.place(&line)])
        }
        None => Fact::known(Vec::new(), Vec::new()),
    }
}

fn login_environment(reading: &JobReading<'_>, ledger: &mut Ledger) -> Fact<String> {
    let request = &reading.request;
    match (&request.environment_place, request.passes_environment) {
        (Some(place), true) => Fact::known("asked".to_owned(), vec![ledger.place(place)]),
        (Some(place), false) => Fact::known("no".to_owned(), vec![ledger.place(place)]),
        (None, true) => Fact::known("default".to_owned(), Vec::new()),
        (None, false) => Fact::known("no".to_owned(), Vec::new()),
    }
}

/// What of the script, its directives and its launch lines could not be followed.
fn unclear(reading: &JobReading<'_>, launches: &[Launch], ledger: &mut Ledger) -> Fact<Vec<Unclear>> {
    let of_lines =
        launches.iter().flat_map(|it| it.line.unclear.iter().chain(it.line.wrappers().flat_map(|it| &it.unclear)));
    let all = reading.unclear.iter().chain(&reading.request.unclear).chain(of_lines);
    let mut list: Vec<Unclear> = Vec::new();
    for it in all {
        let because = vec![ledger.place(&it.place)];
        let one = Unclear { place: named(&it.place), what: Fact::known(it.what.clone(), because), why: it.why.clone() };
        if !list.iter().any(|other| other.place == one.place && other.why == one.why) {
            list.push(one);
        }
    }
    Fact::known(list, Vec::new())
}

impl JobReading<'_> {
    /// The script as a whole.
    fn here(&self) -> Place {
        Place { file: self.question.script.clone(), ..Place::default() }
    }
}
