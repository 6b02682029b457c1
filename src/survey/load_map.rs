//! What one process maps, for `loads`: the load map as plain data.

use std::collections::BTreeMap;

use super::alternatives::Alternative;
use super::knowledge::Knowledge;
use super::session::{Failed, Session};
use super::why::told;
use super::world::World;
use super::{Question, macos, performed};
use crate::base::{Gap, TreePath, printable};
use crate::discover::{self, DiscoverError, Installation, Origin};
use crate::identify::{Attribute, Confidence, Identity};
use crate::loader::{Failure, Loaded, Missing, ObjectIndex, Probe, Process, Via};
use crate::tree::View;

/// The directories that most paths of an installation begin with, and the tag in the names of its extensions.
#[derive(Debug, Clone, Default)]
pub struct Landmarks {
    /// `sys.prefix`.
    pub prefix: String,
    /// Its first site directory.
    pub site: Option<String>,
    /// `SOABI`.
    pub soabi: Option<String>,
}

/// What one process maps, in order.
#[derive(Debug, Clone, Default)]
pub struct LoadMap {
    /// The start first, then one event per import.
    pub events: Vec<Event>,
    /// NEEDED entries that nothing satisfies.
    pub missing: Vec<Unmet>,
    /// Libraries that an object opens at run time and cannot do without: whose, and what.
    pub parts: Vec<(String, String)>,
    /// Imports that cannot work.
    pub failures: Vec<FailedImport>,
    /// Extensions that may be loaded too.
    pub alternatives: Vec<Alternative>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// Where things lie.
    pub landmarks: Landmarks,
}

/// An import that cannot work.
#[derive(Debug, Clone)]
pub struct FailedImport {
    /// The import that was asked for or that one of these needs.
    pub import: String,
    /// Why.
    pub reason: String,
    /// What to ask about: the missing soname, else the file or import at fault.
    pub ask: String,
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
    /// Its place in load order, from 0 on.
    pub number: ObjectIndex,
    /// Its path with the links of its directory resolved; the last element is the name that was found.
    pub place: String,
    /// The real file.
    pub real: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// What it is, where a description recognises it: `openblas 0.3.29`; empty elsewhere.
    pub library: String,
    /// Number of the object that brought it in, in load order from 0 on: the one that needs it, or that opens it.
    pub parent: Option<ObjectIndex>,
    /// The rule by which it was found, in words: `RPATH of libx.so`. Empty for what an import opens by path.
    pub rule: String,
    /// Candidates that were passed over before it: path, where its directory comes from, why.
    pub refused: Vec<(String, &'static str, String)>,
    /// Numbers of objects that it needs and that were there already.
    pub again: Vec<ObjectIndex>,
}

/// A NEEDED entry that nothing satisfies.
#[derive(Debug, Clone)]
pub struct Unmet {
    /// Whose entry it is.
    pub needed_by: String,
    /// The entry.
    pub soname: String,
    /// Directories tried, in order, as the loader spells them.
    pub searched: Vec<String>,
    /// The same with links and `..` resolved where they lead somewhere.
    pub places: Vec<String>,
}

/// Per extension: what `ldd` would print.
pub type Alone = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// What the loader answers to every extension by itself.
#[derive(Debug, Clone, Default)]
pub struct AloneMap {
    /// Per extension, what it gets.
    pub objects: Alone,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// Where things lie.
    pub landmarks: Landmarks,
}

/// What one process maps.
///
/// # Errors
/// When there is nothing to look at.
pub fn load_map(view: &View, know: &Knowledge, question: &Question) -> Result<LoadMap, DiscoverError> {
    with_first(view, know, question, |world| {
        let session = performed(world);
        let mut map = LoadMap { gaps: world.gaps.clone(), landmarks: world.landmarks(), ..LoadMap::default() };
        map.gaps.extend(world.system.as_ref().err().cloned());
        map.gaps.extend(session.gaps.iter().cloned());
        map.gaps.extend(world.closed());
        let owner = |it: ObjectIndex| session.process.objects.get(it).map(|it| it.real().text()).unwrap_or_default();
        map.parts = session.missing_parts.iter().map(|(by, part)| (owner(*by), part.clone())).collect();
        map.alternatives = session.alternatives();
        map.events = events(view, &session, &world.imports());
        for failure in &session.process.start_failures {
            note(view, failure, &mut map.missing);
        }
        for failed in &session.failures {
            let failure = failed.failure.as_ref().filter(|_| world.system.is_err());
            if let Some(gap) = failure.and_then(|it| macos::undecided_import(view, it)) {
                map.events.retain(|it| it.import != failed.import);
                map.gaps.push(gap);
                continue;
            }
            let (import, reason) = (failed.import.clone(), failed.reason.clone());
            map.failures.push(FailedImport { import, reason, ask: ask(failed) });
            if let Some(failure) = &failed.failure {
                note(view, failure, &mut map.missing);
            }
        }
        map
    })
}

/// What the loader prints for each extension by itself.
///
/// # Errors
/// When there is nothing to look at.
pub fn alone_map(view: &View, know: &Knowledge, question: &Question) -> Result<AloneMap, DiscoverError> {
    with_first(view, know, question, |world| {
        let mut objects = Alone::new();
        for (path, process) in world.alone() {
            objects.insert(path.text(), answers(&process));
        }
        AloneMap { objects, gaps: world.gaps.clone(), landmarks: world.landmarks() }
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

impl World<'_> {
    /// Where things lie.
    pub(super) fn landmarks(&self) -> Landmarks {
        let path = &self.installation.sys_path;
        let first = |origin: Origin| path.iter().find(|it| it.origin == origin).map(|it| it.path.text());
        Landmarks {
            prefix: self.installation.prefix.text(),
            site: first(Origin::Site).or_else(|| first(Origin::BaseSite)),
            soabi: self.installation.soabi.value().cloned(),
        }
    }
}

/// The start, then one event for each import that was asked for; what else an object is labelled with keeps its place.
fn events(view: &View, session: &Session<'_>, imports: &[String]) -> Vec<Event> {
    let blank = |import: &str| Event { import: import.to_owned(), objects: Vec::new() };
    let mut events: Vec<Event> = vec![blank("exec")];
    for import in imports {
        if !events.iter().any(|it| it.import == *import) {
            events.push(blank(import));
        }
    }
    for (index, loaded) in session.process.objects.iter().enumerate() {
        let import = session.labels.get(&loaded.event).cloned().unwrap_or_default();
        let object = mapped(view, session, index, loaded);
        match events.iter_mut().find(|it| it.import == import) {
            Some(event) => event.objects.push(object),
            None => events.push(Event { objects: vec![object], ..blank(&import) }),
        }
    }
    events
}

fn mapped(view: &View, session: &Session<'_>, index: ObjectIndex, loaded: &Loaded) -> Mapped {
    let process = &session.process;
    let soname = loaded.object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref());
    let by = loaded.needed_by.and_then(|it| process.objects.get(it));
    let opener = session.parts.iter().find(|(by, part)| *part == index && *by < index).map(|(by, _)| *by);
    let mut again: Vec<ObjectIndex> = loaded.needs.iter().filter_map(|(_, answer)| *answer).collect();
    again.retain(|it| process.objects.get(*it).is_some_and(|other| other.needed_by != Some(index)));
    again.dedup();
    // A layer that another opens need not define what the whole provides.
    let opened = session.parts.iter().any(|(_, part)| *part == index);
    let catalogue = session.catalogue;
    let identity = if opened { catalogue.part(&loaded.object) } else { catalogue.identity(&loaded.object) };
    let probe = |it: &Probe| (resolved(view, &it.path), it.via.word(), refusal(view, it));
    Mapped {
        path: printable(&loaded.name),
        soname: soname.map(printable).unwrap_or_default(),
        needed_by: by.map(|it| printable(&it.name)).unwrap_or_default(),
        via: loaded.via.word(),
        number: index,
        place: resolved(view, &loaded.name),
        real: loaded.real().text(),
        size_bytes: view.metadata_real(loaded.real()).map_or(0, |it| it.size_bytes),
        library: identity.map(|it| recognised(&it)).unwrap_or_default(),
        parent: loaded.needed_by.or(opener),
        rule: rule(process, loaded),
        refused: told(&loaded.probes, &loaded.name).map(probe).collect(),
        again,
    }
}

/// What a library is, in short: a match by names alone says so.
fn recognised(identity: &Identity) -> String {
    let version = identity.value(Attribute::Version).map(|it| format!(" {it}")).unwrap_or_default();
    let sure = match identity.confidence {
        Confidence::Certain => "",
        Confidence::Likely => " (likely)",
    };
    format!("{}{version}{sure}", identity.library)
}

/// Why a candidate was passed over; a directory that is gone is told from a file that is.
pub(super) fn refusal(view: &View, probe: &Probe) -> String {
    let directory = probe.path.get(..probe.path.iter().rposition(|b| *b == b'/').unwrap_or(0)).unwrap_or_default();
    if probe.refused == "not there" && directory.first() == Some(&b'/') && !view.is_directory(directory) {
        return "no such directory".to_owned();
    }
    probe.refused.clone()
}

/// A path of the loader with the links of its directory resolved, where that leads somewhere.
pub(super) fn resolved(view: &View, path: &[u8]) -> String {
    if path.first() != Some(&b'/') {
        return printable(path);
    }
    let (above, name) = path.split_at(path.iter().rposition(|b| *b == b'/').unwrap_or(0));
    match view.resolve(above) {
        Ok(directory) => directory.join(name.strip_prefix(b"/").unwrap_or(name)).text(),
        Err(_) => printable(path),
    }
}

/// The rule by which an object was found, in the words of those who set search paths.
fn rule(process: &Process<'_>, loaded: &Loaded) -> String {
    let searched = !loaded.asked.first().is_some_and(|it| it.contains(&b'/'));
    let word = match loaded.via {
        Via::Executable => "the interpreter",
        Via::Rpath { owner } if Some(owner) == loaded.needed_by => "RPATH",
        Via::Rpath { owner } => {
            let owner = process.objects.get(owner).map(|it| printable(it.real().file_name()));
            return format!("RPATH of {}", owner.unwrap_or_default());
        }
        Via::LdLibraryPath => "LD_LIBRARY_PATH",
        Via::Runpath => "RUNPATH",
        Via::Cache => "loader cache",
        Via::Default => "default directory",
        Via::Absolute if searched => "the loader itself",
        Via::Absolute => "named by path",
        Via::Preload => "preloaded",
        Via::Dlopen => "",
    };
    word.to_owned()
}

/// What to ask `why` about, after an import that fails.
fn ask(failed: &Failed) -> String {
    if let Some(Failure::Missing(missing)) = &failed.failure {
        return printable(&missing.soname);
    }
    failed.extension.as_ref().map_or_else(|| failed.import.clone(), |it| printable(it.file_name()))
}

fn note(view: &View, failure: &Failure, missing: &mut Vec<Unmet>) {
    if let Failure::Missing(it) = failure {
        missing.push(unmet(view, it));
    }
}

fn unmet(view: &View, it: &Missing) -> Unmet {
    let place = |directory: &[u8]| match view.resolve(directory) {
        Ok(real) if directory.first() == Some(&b'/') => real.text(),
        Ok(_) | Err(_) => printable(directory),
    };
    let mut places: Vec<String> = Vec::new();
    for (directory, _) in &it.searched {
        let place = place(directory);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Unmet {
        needed_by: printable(&it.needed_by),
        soname: printable(&it.soname),
        searched: it.searched.iter().map(|(directory, _)| printable(directory)).collect(),
        places,
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
