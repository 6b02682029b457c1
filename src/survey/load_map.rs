//! What one process maps, for `loads`: the load map as plain data.

use std::collections::BTreeMap;

use super::knowledge::Knowledge;
use super::session::Session;
use super::world::World;
use super::{Question, performed};
use crate::base::{Gap, TreePath, printable};
use crate::discover::{self, DiscoverError, Installation};
use crate::loader::{Failure, Loaded, Missing, Process};
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

pub(super) fn with_first<T>(
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
