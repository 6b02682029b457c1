//! Why a library, package or file is, or is not, the one that is used: the search behind the load map, as plain data.

use super::copies::{Asker, Use, Wanted, copies};
use super::knowledge::Knowledge;
use super::load_map::{Landmarks, refusal, resolved, with_first};
use super::remedies::{Remedy, remedies};
use super::session::{Failed, Session, describe};
use super::why_module::ways_of_modules;
use super::world::World;
use super::{Question, performed};
use crate::base::{Gap, TreePath, printable};
use crate::discover::{DiscoverError, Owners};
use crate::loader::{Failure, Loaded, Missing, ObjectIndex, Probe, Process, Via};
use crate::tree::View;

/// Why a library, package or file is, or is not, the one that is used.
#[derive(Debug, Clone, Default)]
pub struct Why {
    /// One sentence.
    pub answer: String,
    /// Every way by which it was asked for.
    pub ways: Vec<Way>,
    /// What is found nowhere, and where copies of it lie.
    pub hunts: Vec<Hunt>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// Where things lie.
    pub landmarks: Landmarks,
}

/// Names that are missing at most before the rest is left to another question.
const HUNTS: usize = 3;

/// A library that is found nowhere.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// What is asked for.
    pub soname: String,
    /// Copies, the most useful first.
    pub copies: Vec<Found>,
    /// How many directories were looked into.
    pub directories: usize,
    /// What would have to change.
    pub remedies: Vec<Remedy>,
}

/// A copy of a library that is not found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The file.
    pub path: String,
    /// What it is, empty when that is not known.
    pub identity: String,
    /// Whether it would do.
    pub usable: bool,
    /// When it would be found, or why it is of no use.
    pub condition: String,
}

/// One request for a library.
#[derive(Debug, Clone)]
pub struct Way {
    /// Who asks: `NEEDED libmpi.so.12 of .../MPI.so`.
    pub asker: String,
    /// Places in the order in which they were tried: path, where the place comes from, and why it was refused.
    pub places: Vec<(String, &'static str, Option<String>)>,
    /// What came of it.
    pub outcome: String,
}

/// Every place tried for `name` in one process, in order.
///
/// # Errors
/// When there is nothing to look at.
pub fn why(view: &View, know: &Knowledge, question: &Question, name: &str) -> Result<Why, DiscoverError> {
    with_first(view, know, question, |world| {
        let session = performed(world);
        let mut why = Why { gaps: world.gaps.clone(), landmarks: world.landmarks(), ..Why::default() };
        why.gaps.extend(world.system.as_ref().err().cloned());
        why.gaps.extend(world.closed());
        let mut wanted = Vec::new();
        search(world, &session, name, &mut why.ways, &mut wanted);
        let (modules, file) = ways_of_modules(world, &session, name, &mut why.gaps);
        if let Some(file) = file.filter(|_| name.contains('.')) {
            search(world, &session, &file.text(), &mut why.ways, &mut wanted);
        }
        let unused = (why.ways.is_empty() && modules.is_empty()).then(|| name.rsplit_once('/')).flatten();
        if let Some((_, file)) = unused {
            search(world, &session, file, &mut why.ways, &mut wanted);
        }
        let file = unused.map_or(name, |(_, file)| file);
        if why.ways.is_empty() && modules.is_empty() && file.contains(".so") {
            wanted.push(Wanted { names: vec![file.as_bytes().to_vec()], asker: Asker::Nobody });
        }
        tell_owners(world, &mut why);
        why.answer = match (unused, why.ways.first()) {
            (Some((directory, file)), Some(first)) => not_used(&session, directory, file, &first.outcome),
            (Some((_, file)), None) => format!("nothing in this process asks for {file}"),
            (None, _) => answer(&session, name, &modules, &why.ways, !wanted.is_empty()),
        };
        why.ways.splice(0..0, modules);
        why.hunts = hunts(world, &session, wanted, &mut why.gaps);
        why
    })
}

/// Who put the files there that were taken.
fn tell_owners(world: &World<'_>, why: &mut Why) {
    let mut owners = Owners::new(world.view, world.installation);
    for way in &mut why.ways {
        if let Some((path, _, None)) = way.places.last() {
            let owner = owners.of(&TreePath::new(path), &mut why.gaps).in_words();
            way.outcome = format!("{}, {owner}", way.outcome);
        }
    }
}

/// A file that the process does not map, though it asks for one of that name.
fn not_used(session: &Session<'_>, directory: &str, file: &str, outcome: &str) -> String {
    let path = TreePath::new([directory.as_bytes(), b"/", file.as_bytes()].concat());
    if !session.catalogue.objects.view().is_file(path.as_bytes()) {
        return format!("there is no such file; {outcome}");
    }
    let asked = |it: &&Loaded| it.asked.iter().any(|it| it == file.as_bytes());
    let hint = match session.process.objects.iter().find(asked).map(|it| it.via) {
        Some(Via::Rpath { .. }) => "; an RPATH comes before LD_LIBRARY_PATH".to_owned(),
        Some(Via::Runpath | Via::Cache | Via::Default) => format!("; LD_LIBRARY_PATH={directory} would put it first"),
        Some(Via::Executable | Via::LdLibraryPath | Via::Absolute | Via::Preload | Via::Dlopen) | None => String::new(),
    };
    format!("it is not used; {outcome}{hint}")
}

/// What `import` finds, and what happens to it; else what became of the first request.
fn answer(session: &Session<'_>, name: &str, modules: &[Way], ways: &[Way], missing: bool) -> String {
    let fails = missing || session.failures.iter().any(|it| concerns(it, name));
    match (modules.last(), ways.first()) {
        (Some(module), Some(first)) if fails => format!("{}; {}", module.outcome, first.outcome),
        (Some(module), _) => module.outcome.clone(),
        (None, Some(first)) => first.outcome.clone(),
        (None, None) if name.contains('.') || name.contains('/') => {
            format!("nothing in this process asks for {name}")
        }
        (None, None) => format!("nothing in this process asks for {name}, and no such module is on sys.path"),
    }
}

/// Every way by which the process asks for `name`, and what it asks for in vain.
fn search(world: &World<'_>, session: &Session<'_>, name: &str, ways: &mut Vec<Way>, wanted: &mut Vec<Wanted>) {
    let before = ways.len();
    ways_of_objects(session, name, ways);
    ways_of_failures(world, session, name, ways, wanted);
    ways_of_choices(session, name, ways, wanted);
    ways_of_parts(session, name, ways, wanted);
    if ways.len() == before {
        ways_of_others(world, name, ways, wanted);
    }
}

fn hunts(world: &World<'_>, session: &Session<'_>, wanted: Vec<Wanted>, gaps: &mut Vec<Gap>) -> Vec<Hunt> {
    let mut out: Vec<Hunt> = Vec::new();
    for wanted in wanted {
        let names: Vec<String> = wanted.names.iter().map(|it| printable(it)).collect();
        let soname = names.join(" or ");
        if out.len() == HUNTS || out.iter().any(|it| it.soname == soname) {
            continue;
        }
        let (copies, directories) = copies(world, session, &wanted, gaps);
        let remedies = remedies(world, &wanted, &copies);
        let found = |it: super::copies::Copy| Found {
            path: it.path.text(),
            identity: it.identity,
            usable: matches!(it.suits, Use::Place | Use::Name),
            condition: it.condition,
        };
        out.push(Hunt { soname, copies: copies.into_iter().map(found).collect(), directories, remedies });
    }
    out
}

fn ways_of_objects(session: &Session<'_>, name: &str, ways: &mut Vec<Way>) {
    let (process, view) = (&session.process, session.catalogue.objects.view());
    for (index, loaded) in process.objects.iter().enumerate() {
        let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref()).map(printable);
        let paths = [printable(&loaded.name), resolved(view, &loaded.name), loaded.real().text()];
        let names = loaded.asked.iter().map(|it| printable(it)).chain(soname).chain(paths);
        let file = printable(loaded.real().file_name());
        let known = session.catalogue.identity(&loaded.object);
        let kind = known.is_some_and(|it| it.library == name || it.capabilities.iter().any(|word| word == name));
        if !kind && !names.chain([file]).any(|it| fits(&it, name)) {
            continue;
        }
        let mut places: Vec<(String, &'static str, Option<String>)> = told(&loaded.probes, &loaded.name)
            .map(|it| (resolved(view, &it.path), it.via.word(), Some(refusal(view, it))))
            .collect();
        places.push((resolved(view, &loaded.name), loaded.via.word(), None));
        ways.push(Way { asker: asker(process, index), places, outcome: outcome(process, loaded) });
        for (by, asked) in later(process, index) {
            let answer = format!("{} is in the process already", loaded.real());
            ways.push(Way { asker: format!("NEEDED {asked} of {by}"), places: Vec::new(), outcome: answer });
        }
    }
}

/// Probes worth telling. glibc tries subdirectories of every directory for the CPU; those that are not there, as nearly
/// always, are left out: the directory itself follows and tells.
pub(super) fn told<'p>(probes: &'p [Probe], taken: &'p [u8]) -> impl Iterator<Item = &'p Probe> {
    let directory = |path: &'p [u8]| path.get(..path.iter().rposition(|b| *b == b'/').unwrap_or(0)).unwrap_or_default();
    let mut directories: Vec<&[u8]> = probes.iter().map(|it| directory(&it.path)).collect();
    directories.push(directory(taken));
    probes.iter().filter(move |it| {
        let own = directory(&it.path);
        let below = |it: &&[u8]| own.strip_prefix(*it).is_some_and(|rest| rest.starts_with(b"/"));
        it.refused != "not there" || !directories.iter().any(below)
    })
}

fn outcome(process: &Process<'_>, loaded: &Loaded) -> String {
    let how = match loaded.via {
        Via::Rpath { owner } => {
            let owner = process.objects.get(owner).map(|it| it.real().text()).unwrap_or_default();
            format!("by RPATH of {owner}")
        }
        Via::LdLibraryPath => "by LD_LIBRARY_PATH".to_owned(),
        Via::Runpath => "by RUNPATH".to_owned(),
        Via::Cache => "in the loader cache".to_owned(),
        Via::Default => "in a default directory".to_owned(),
        Via::Absolute => "named by path".to_owned(),
        Via::Preload => "preloaded".to_owned(),
        Via::Dlopen => "opened by path".to_owned(),
        Via::Executable => "the executable itself".to_owned(),
    };
    format!("{} is used, {how}", loaded.real())
}

fn asker(process: &Process<'_>, index: ObjectIndex) -> String {
    let Some(loaded) = process.objects.get(index) else { return String::new() };
    let asked = loaded.asked.first().map(|it| printable(it)).unwrap_or_default();
    match loaded.needed_by.and_then(|it| process.objects.get(it)) {
        Some(by) => format!("NEEDED {asked} of {}", printable(&by.name)),
        None => format!("opened: {asked}"),
    }
}

/// Objects that ask for one that is there already.
fn later(process: &Process<'_>, index: ObjectIndex) -> Vec<(String, String)> {
    let first = process.objects.get(index).and_then(|it| it.needed_by);
    let mut out = Vec::new();
    for (_, loaded) in process.objects.iter().enumerate().filter(|(by, _)| Some(*by) != first) {
        for (name, _) in loaded.needs.iter().filter(|(_, answer)| *answer == Some(index)) {
            out.push((printable(&loaded.name), printable(name)));
        }
    }
    out
}

fn ways_of_failures(
    world: &World<'_>,
    session: &Session<'_>,
    name: &str,
    ways: &mut Vec<Way>,
    wanted: &mut Vec<Wanted>,
) {
    for failure in &session.process.start_failures {
        ways.extend(way_of_failure(world, failure, name, false, wanted));
    }
    for failed in &session.failures {
        let about = concerns(failed, name);
        let way = failed.failure.as_ref().and_then(|it| way_of_failure(world, it, name, about, wanted));
        if about && way.is_none() {
            let asker = format!("import {}", failed.import);
            ways.push(Way { asker, places: Vec::new(), outcome: format!("it fails: {}", failed.reason) });
        }
        ways.extend(way);
    }
}

/// Whether a failed import is asked for by its own name or by that of the extension at fault.
fn concerns(failed: &Failed, name: &str) -> bool {
    let extension = failed.extension.as_ref().is_some_and(|it| fits(&it.text(), name));
    extension || failed.import == name || failed.import.split('.').next() == Some(name)
}

/// The search that ended in `failure`, where that is about `name` or `always` wanted.
fn way_of_failure(
    world: &World<'_>,
    failure: &Failure,
    name: &str,
    always: bool,
    wanted: &mut Vec<Wanted>,
) -> Option<Way> {
    match failure {
        Failure::Missing(missing) if always || fits(&printable(&missing.soname), name) => {
            let asker = Asker::Object(missing.needed_by.clone());
            wanted.push(Wanted { names: vec![missing.soname.clone()], asker });
            Some(way_of_missing(world, missing))
        }
        Failure::Unusable { path, needed_by, .. } if always || fits(&printable(path), name) => {
            let asker = if needed_by.is_empty() { "opened".to_owned() } else { printable(needed_by) };
            Some(Way { asker, places: Vec::new(), outcome: describe(failure) })
        }
        Failure::Missing(_)
        | Failure::Unusable { .. }
        | Failure::Version(_)
        | Failure::Undefined(_)
        | Failure::TooMany => None,
    }
}

fn way_of_missing(world: &World<'_>, missing: &Missing) -> Way {
    let asked = printable(&missing.soname);
    let mut places: Vec<(String, &'static str, Option<String>)> = Vec::new();
    let cached = missing.refused.iter().find(|it| it.via == Via::Cache);
    let mut cache = cached.map(|it| (printable(&it.path), it.refused.clone())).or_else(|| {
        let file = world.system.as_ref().ok()?.cache_file.as_ref()?;
        Some((file.text(), format!("it holds no {asked} for this machine")))
    });
    for (directory, via) in &missing.searched {
        if *via == Via::Default {
            // The cache comes before the default directories.
            places.extend(cache.take().map(|(path, reason)| (path, Via::Cache.word(), Some(reason))));
        }
        let path = [directory.as_slice(), b"/", missing.soname.as_slice()].concat();
        let probe = missing.refused.iter().find(|it| it.path == path && it.refused != "not there");
        let reason = match probe {
            Some(probe) => probe.refused.clone(),
            None if world.view.is_directory(directory) => "not there".to_owned(),
            None => "no such directory".to_owned(),
        };
        let place = resolved(world.view, &path);
        // Directories that are one by a link are told once.
        if !places.iter().any(|(known, _, _)| *known == place) {
            places.push((place, via.word(), Some(reason)));
        }
    }
    places.extend(cache.map(|(path, reason)| (path, Via::Cache.word(), Some(reason))));
    let closed = world.catalogue.objects.closed_directories();
    let unseen = missing.searched.iter().any(|(directory, _)| closed.contains_key(&TreePath::new(directory)));
    let but = if unseen { ", but not every place could be looked into" } else { "" };
    Way {
        asker: format!("NEEDED {asked} of {}", printable(&missing.needed_by)),
        places,
        outcome: format!("{asked} is found nowhere{but}"),
    }
}

/// Extensions that the process does not load, each by itself: what asks for `name`, and what is missing of it.
fn ways_of_others(world: &World<'_>, name: &str, ways: &mut Vec<Way>, wanted: &mut Vec<Wanted>) {
    for (path, process) in world.alone() {
        let by_name = fits(&path.text(), name);
        let failures = process.start_failures.iter();
        for way in failures.filter_map(|it| way_of_failure(world, it, name, by_name, wanted)) {
            if !ways.iter().any(|it| it.asker == way.asker) {
                ways.push(way);
            }
        }
        if by_name && process.start_failures.is_empty() {
            let outcome = format!("{path} is there, finds all its libraries, and is loaded by none of the imports");
            ways.push(Way { asker: "an extension by itself".to_owned(), places: Vec::new(), outcome });
        }
    }
}

fn ways_of_choices(session: &Session<'_>, name: &str, ways: &mut Vec<Way>, wanted: &mut Vec<Wanted>) {
    for chosen in &session.choices {
        let about = fits(&chosen.package, name) || chosen.candidates.iter().any(|it| fits(it, name));
        if !about {
            continue;
        }
        let refused = |candidate: &String| {
            chosen.refused.iter().find(|(it, _)| it == candidate).map(|(_, reason)| reason.clone())
        };
        let place = |it: &String| (it.clone(), "dlopen", refused(it));
        if chosen.picked.is_none() {
            let bare = chosen.candidates.iter().filter(|it| it.contains(".so") && !it.contains('/'));
            let names: Vec<Vec<u8>> = bare.map(|it| it.as_bytes().to_vec()).collect();
            if !names.is_empty() {
                wanted.push(Wanted { names, asker: Asker::Package });
            }
        }
        let picked = chosen.picked.clone().unwrap_or_else(|| "nothing".to_owned());
        ways.push(Way {
            asker: format!("{} looks for its {} by itself", chosen.package, chosen.capability),
            places: chosen.candidates.iter().map(place).collect(),
            outcome: format!("{} picks {picked}: {}", chosen.package, chosen.decided_by),
        });
    }
}

/// Libraries that another one opens at run time, and that are found nowhere.
fn ways_of_parts(session: &Session<'_>, name: &str, ways: &mut Vec<Way>, wanted: &mut Vec<Wanted>) {
    for (owner, part) in session.missing_parts.iter().filter(|(_, part)| part.contains(".so") && fits(part, name)) {
        let owner = session.process.objects.get(*owner).map(|it| it.real().text()).unwrap_or_default();
        ways.push(Way {
            asker: format!("{owner} opens {part} at run time"),
            places: Vec::new(),
            outcome: format!("{part} is found nowhere"),
        });
        wanted.push(Wanted { names: vec![part.as_bytes().to_vec()], asker: Asker::Package });
    }
}

/// `libmpi` names `libmpi.so.12`, a path names itself, a full name only itself.
fn fits(candidate: &str, name: &str) -> bool {
    let base = candidate.rsplit('/').next().unwrap_or(candidate);
    let stem = |it: &str| it.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-'));
    candidate == name || base == name || stem(base) || base.strip_prefix("lib").is_some_and(|it| it == name || stem(it))
}
