//! Why a library, package or file is, or is not, the one that is used: the search behind the load map, as plain data.

use super::Question;
use super::knowledge::Knowledge;
use super::load_map::with_first;
use super::session::{Failed, Session, describe};
use super::world::World;
use crate::base::{Gap, printable};
use crate::discover::DiscoverError;
use crate::loader::{Failure, Loaded, Missing, ObjectIndex, Probe, Process, Via};
use crate::tree::View;

/// Why a library, package or file is, or is not, the one that is used.
#[derive(Debug, Clone, Default)]
pub struct Why {
    /// One sentence.
    pub answer: String,
    /// Every way by which it was asked for.
    pub ways: Vec<Way>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
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
        let mut session = world.session_with_probes();
        for import in world.imports() {
            session.import_as_asked(&import);
        }
        let mut why = Why { gaps: world.gaps.clone(), ..Why::default() };
        why.gaps.extend(world.system.as_ref().err().cloned());
        ways_of_objects(&session, name, &mut why.ways);
        ways_of_failures(&session, name, &mut why.ways);
        ways_of_choices(&session, name, &mut why.ways);
        ways_of_packages(world, name, &mut why.ways);
        if why.ways.is_empty() {
            ways_of_others(world, name, &mut why.ways);
        }
        why.answer = match why.ways.first() {
            Some(first) => first.outcome.clone(),
            None => format!("nothing in this process asks for {name}"),
        };
        why
    })
}

fn ways_of_objects(session: &Session<'_>, name: &str, ways: &mut Vec<Way>) {
    let process = &session.process;
    for (index, loaded) in process.objects.iter().enumerate() {
        let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref()).map(printable);
        let names = loaded.asked.iter().map(|it| printable(it)).chain(soname).chain([printable(&loaded.name)]);
        let file = printable(loaded.real().file_name());
        let known = session.catalogue.identity(&loaded.object);
        let kind = known.is_some_and(|it| it.library == name || it.capabilities.iter().any(|word| word == name));
        if !kind && !names.chain([file]).any(|it| fits(&it, name)) {
            continue;
        }
        let mut places: Vec<(String, &'static str, Option<String>)> = told(&loaded.probes, &loaded.name)
            .map(|it| (printable(&it.path), it.via.word(), Some(it.refused.clone())))
            .collect();
        places.push((printable(&loaded.name), loaded.via.word(), None));
        ways.push(Way { asker: asker(process, index), places, outcome: outcome(process, loaded) });
        for (by, asked) in later(process, index) {
            let answer = format!("{} is in the process already", loaded.real());
            ways.push(Way { asker: format!("NEEDED {asked} of {by}"), places: Vec::new(), outcome: answer });
        }
    }
}

/// Probes worth telling. glibc tries subdirectories of every directory for the CPU; those that are not there, as nearly
/// always, are left out: the directory itself follows and tells.
fn told<'p>(probes: &'p [Probe], taken: &'p [u8]) -> impl Iterator<Item = &'p Probe> {
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

fn ways_of_failures(session: &Session<'_>, name: &str, ways: &mut Vec<Way>) {
    for failure in &session.process.start_failures {
        ways.extend(way_of_failure(failure, name, false));
    }
    for failed in &session.failures {
        let about = concerns(failed, name);
        let way = failed.failure.as_ref().and_then(|it| way_of_failure(it, name, about));
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
fn way_of_failure(failure: &Failure, name: &str, always: bool) -> Option<Way> {
    match failure {
        Failure::Missing(missing) if always || fits(&printable(&missing.soname), name) => Some(way_of_missing(missing)),
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

fn way_of_missing(missing: &Missing) -> Way {
    let asked = printable(&missing.soname);
    let place = |(directory, via): &(Vec<u8>, Via)| {
        (format!("{}/{asked}", printable(directory)), via.word(), Some("not there".to_owned()))
    };
    Way {
        asker: format!("NEEDED {asked} of {}", printable(&missing.needed_by)),
        places: missing.searched.iter().map(place).collect(),
        outcome: format!("{asked} is found nowhere"),
    }
}

/// Extensions that the process does not load, each by itself: what asks for `name`, and what is missing of it.
fn ways_of_others(world: &World<'_>, name: &str, ways: &mut Vec<Way>) {
    for (path, process) in world.alone() {
        let by_name = fits(&path.text(), name);
        let missing = process.start_failures.iter().filter_map(|it| way_of_failure(it, name, by_name));
        for way in missing {
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

fn ways_of_choices(session: &Session<'_>, name: &str, ways: &mut Vec<Way>) {
    for chosen in &session.choices {
        let about = fits(&chosen.package, name) || chosen.candidates.iter().any(|it| fits(it, name));
        if !about {
            continue;
        }
        let refused = |candidate: &String| {
            chosen.refused.iter().find(|(it, _)| it == candidate).map(|(_, reason)| reason.clone())
        };
        let place = |it: &String| (it.clone(), "dlopen", refused(it));
        let picked = chosen.picked.clone().unwrap_or_else(|| "nothing".to_owned());
        ways.push(Way {
            asker: format!("{} looks for its {} by itself", chosen.package, chosen.capability),
            places: chosen.candidates.iter().map(place).collect(),
            outcome: format!("{} picks {picked}: {}", chosen.package, chosen.decided_by),
        });
    }
}

fn ways_of_packages(world: &World<'_>, name: &str, ways: &mut Vec<Way>) {
    let named =
        world.site.packages.iter().filter(|it| it.name == name || (it.distribution == name && !name.is_empty()));
    let copies: Vec<_> = named.collect();
    let Some(active) = copies.iter().find(|it| it.active) else { return };
    let mut places = Vec::new();
    for entry in &world.installation.sys_path {
        let here = copies.iter().find(|it| it.location.parent().as_ref() == Some(&entry.path));
        let refused = match here {
            Some(copy) if copy.active => None,
            Some(_) => Some("an earlier entry has it".to_owned()),
            None => Some("not there".to_owned()),
        };
        places.push((entry.path.text(), entry.origin.word(), refused));
    }
    let version = active.version.value().cloned().unwrap_or_else(|| "of unknown version".to_owned());
    ways.push(Way {
        asker: format!("import {}", active.name),
        places,
        outcome: format!("{} {version} is used, from {}", active.name, active.location),
    });
}

/// `libmpi` names `libmpi.so.12`, a path names itself, a full name only itself.
fn fits(candidate: &str, name: &str) -> bool {
    let base = candidate.rsplit('/').next().unwrap_or(candidate);
    let stem = |it: &str| it.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-'));
    candidate == name || base == name || stem(base) || base.strip_prefix("lib").is_some_and(|it| it == name || stem(it))
}
