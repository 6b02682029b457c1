//! What one process maps, for `loads` and `why`: the load map and the search behind it, as plain data.

use std::collections::BTreeMap;

use super::knowledge::Knowledge;
use super::session::{Session, describe};
use super::world::World;
use super::{Question, performed};
use crate::base::{Gap, TreePath, printable};
use crate::discover::{self, DiscoverError, Installation};
use crate::loader::{Failure, Loaded, Missing, ObjectIndex, Process, Via};
use crate::tree::View;

/// What one process maps, in order.
#[derive(Debug, Clone, Default)]
pub struct LoadMap {
    /// The start first, then one event per import.
    pub events: Vec<Event>,
    /// NEEDED entries that nothing satisfies.
    pub missing: Vec<Unmet>,
    /// Imports that cannot work, with the reason.
    pub failures: Vec<(String, String)>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
}

/// One import and what it brought in.
#[derive(Debug, Clone)]
pub struct Event {
    /// `exec`, or the import.
    pub import: String,
    /// Objects in load order.
    pub objects: Vec<Mapped>,
}

/// One object of the map.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// Its path as the loader spells it.
    pub path: String,
    /// Its soname, empty when it has none.
    pub soname: String,
    /// Who needs it, empty for what was opened by path.
    pub needed_by: String,
    /// How it was found.
    pub via: &'static str,
}

/// A NEEDED entry that nothing satisfies.
#[derive(Debug, Clone)]
pub struct Unmet {
    /// Whose entry it is.
    pub needed_by: String,
    /// The entry.
    pub soname: String,
    /// Directories tried, in order.
    pub searched: Vec<String>,
}

/// Per extension: what `ldd` would print.
pub type Alone = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// What one process maps.
///
/// # Errors
/// When there is nothing to look at.
pub fn load_map(view: &View, know: &Knowledge, question: &Question) -> Result<LoadMap, DiscoverError> {
    with_first(view, know, question, |world| {
        let session = performed(world);
        let mut map = LoadMap { gaps: world.gaps.clone(), ..LoadMap::default() };
        map.gaps.extend(world.system.as_ref().err().cloned());
        map.gaps.extend(session.gaps.iter().cloned());
        map.events = events(&session);
        for failure in &session.process.start_failures {
            note(failure, &mut map.missing);
        }
        for failed in &session.failures {
            map.failures.push((failed.import.clone(), failed.reason.clone()));
            if let Some(failure) = &failed.failure {
                note(failure, &mut map.missing);
            }
        }
        map
    })
}

/// What the loader prints for each extension by itself.
///
/// # Errors
/// When there is nothing to look at.
pub fn alone_map(view: &View, know: &Knowledge, question: &Question) -> Result<(Alone, Vec<Gap>), DiscoverError> {
    with_first(view, know, question, |world| {
        let mut all = Alone::new();
        for (path, process) in world.alone() {
            all.insert(path.text(), answers(&process));
        }
        (all, world.gaps.clone())
    })
}

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
        why.answer = match why.ways.first() {
            Some(first) => first.outcome.clone(),
            None => format!("nothing in this process asks for {name}"),
        };
        why
    })
}

fn with_first<T>(
    view: &View,
    know: &Knowledge,
    question: &Question,
    ask: impl FnOnce(&World<'_>) -> T,
) -> Result<T, DiscoverError> {
    let mut gaps = Vec::new();
    let installations: Vec<Installation> = discover::find(view, &question.start, &question.variables, &mut gaps)?;
    let first = installations.first().ok_or_else(|| DiscoverError::NoPython {
        path: TreePath::root(),
        looked_for: "bin/python3 on PATH".to_owned(),
    })?;
    Ok(World::with(view, know, first, question, gaps, ask))
}

fn events(session: &Session<'_>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for loaded in &session.process.objects {
        let import = session.labels.get(&loaded.event).cloned().unwrap_or_default();
        if events.last().is_none_or(|it| it.import != import) {
            events.push(Event { import, objects: Vec::new() });
        }
        if let Some(event) = events.last_mut() {
            event.objects.push(mapped(&session.process, loaded));
        }
    }
    events
}

fn mapped(process: &Process<'_>, loaded: &Loaded) -> Mapped {
    let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref());
    let by = loaded.needed_by.and_then(|it| process.objects.get(it));
    Mapped {
        path: printable(&loaded.name),
        soname: soname.map(printable).unwrap_or_default(),
        needed_by: by.map(|it| printable(&it.name)).unwrap_or_default(),
        via: loaded.via.word(),
    }
}

fn note(failure: &Failure, missing: &mut Vec<Unmet>) {
    if let Failure::Missing(it) = failure {
        missing.push(unmet(it));
    }
}

fn unmet(it: &Missing) -> Unmet {
    Unmet {
        needed_by: printable(&it.needed_by),
        soname: printable(&it.soname),
        searched: it.searched.iter().map(|(directory, _)| printable(directory)).collect(),
    }
}

/// Names as they were asked for, and the path that the loader prints; transitive, the object itself left out.
fn answers(process: &Process<'_>) -> BTreeMap<String, Option<String>> {
    let mut out = BTreeMap::new();
    for loaded in &process.objects {
        for (name, answer) in &loaded.needs {
            let path = answer.and_then(|it| process.objects.get(it)).map(|it| printable(&it.name));
            out.entry(printable(name)).or_insert(path);
        }
    }
    out
}

fn ways_of_objects(session: &Session<'_>, name: &str, ways: &mut Vec<Way>) {
    let process = &session.process;
    for (index, loaded) in process.objects.iter().enumerate() {
        let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref()).map(printable);
        let names = loaded.asked.iter().map(|it| printable(it)).chain(soname).chain([printable(&loaded.name)]);
        let file = printable(loaded.real().file_name());
        if !names.chain([file]).any(|it| fits(&it, name)) {
            continue;
        }
        let mut places: Vec<(String, &'static str, Option<String>)> =
            loaded.probes.iter().map(|it| (printable(&it.path), it.via.word(), Some(it.refused.clone()))).collect();
        places.push((printable(&loaded.name), loaded.via.word(), None));
        ways.push(Way { asker: asker(process, index), places, outcome: outcome(process, loaded) });
        for (by, asked) in later(process, index) {
            let answer = format!("{} is in the process already", loaded.real());
            ways.push(Way { asker: format!("NEEDED {asked} of {by}"), places: Vec::new(), outcome: answer });
        }
    }
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
    let failed = session.failures.iter().filter_map(|it| it.failure.as_ref());
    for failure in session.process.start_failures.iter().chain(failed) {
        match failure {
            Failure::Missing(missing) if fits(&printable(&missing.soname), name) => {
                let asked = printable(&missing.soname);
                let place = |(directory, via): &(Vec<u8>, Via)| {
                    (format!("{}/{asked}", printable(directory)), via.word(), Some("not there".to_owned()))
                };
                ways.push(Way {
                    asker: format!("NEEDED {asked} of {}", printable(&missing.needed_by)),
                    places: missing.searched.iter().map(place).collect(),
                    outcome: format!("{asked} is found nowhere"),
                });
            }
            Failure::Unusable { path, needed_by, .. } if fits(&printable(path), name) => {
                let asker = if needed_by.is_empty() { "opened".to_owned() } else { printable(needed_by) };
                ways.push(Way { asker, places: Vec::new(), outcome: describe(failure) });
            }
            Failure::Missing(_) | Failure::Unusable { .. } | Failure::Version(_) | Failure::TooMany => {}
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
