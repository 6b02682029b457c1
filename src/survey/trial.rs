//! What the emulated loader says when `LD_LIBRARY_PATH` names the directory of a copy: whether that is enough.

use super::copies::{Wanted, named_by, neighbours, other_machine};
use super::session::Session;
use super::world::World;
use crate::base::{TreePath, printable};
use crate::loader::{Detail, Failure, Process, Start, Via};

/// Further libraries that are looked for, one after the other: what a copy needs in turn.
const CHASED: usize = 4;

/// The outcome of a trial.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    /// Directories that `LD_LIBRARY_PATH` has to hold, that of the copy first.
    pub(super) directories: Vec<TreePath>,
    /// Libraries that the further directories are for.
    pub(super) chased: Vec<String>,
    /// What is missing then, and lies in no directory that is known.
    pub(super) next: Option<String>,
    /// Whether the copy is found.
    pub(super) found: bool,
    /// Libraries of the process that would come from these directories too.
    pub(super) along: Vec<String>,
}

impl Trial {
    /// In words.
    pub(super) fn condition(&self) -> String {
        let list: Vec<String> = self.directories.iter().map(TreePath::text).collect();
        let (first, further) = list.split_first().map_or(("", &[] as &[String]), |(it, rest)| (it.as_str(), rest));
        if !self.found {
            return format!("would not be found through LD_LIBRARY_PATH={first} either");
        }
        let also: Vec<String> = further
            .iter()
            .zip(&self.chased)
            .map(|(directory, name)| format!(" and {directory} (for {name})"))
            .collect();
        let next = self.next.as_ref().map_or_else(String::new, |it| format!("; then {it} is missing"));
        format!("would be found if LD_LIBRARY_PATH held {first}{}{next}", also.concat())
    }
}

/// Tries the copy at `path`; what it needs in turn is looked for beside what the process and the copy name.
pub(super) fn trial(
    world: &World<'_>,
    session: &Session<'_>,
    wanted: &Wanted,
    (path, real): (&TreePath, &TreePath),
    named: &[TreePath],
) -> Trial {
    let first = path.parent().unwrap_or_else(TreePath::root);
    let mut trial = Trial { directories: vec![first], found: true, ..Trial::default() };
    loop {
        let missing = missing(world, wanted, real, &trial.directories);
        if missing.iter().any(|it| wanted.names.contains(it)) {
            trial.found = false;
            return trial;
        }
        let Some(next) = missing.into_iter().next() else { break };
        let room = trial.chased.len() < CHASED;
        let Some(directory) = room.then(|| holder(world, path, &next, named)).flatten() else {
            trial.next = Some(printable(&next));
            break;
        };
        if trial.directories.contains(&directory) {
            trial.next = Some(printable(&next));
            break;
        }
        trial.directories.push(directory);
        trial.chased.push(printable(&next));
    }
    trial.along = along(session, &trial.directories);
    trial
}

/// What is missing of the asking object, or of the copy itself where no object asks.
fn missing(world: &World<'_>, wanted: &Wanted, real: &TreePath, directories: &[TreePath]) -> Vec<Vec<u8>> {
    let Ok(system) = &world.system else { return Vec::new() };
    let mut variables = world.question.variables.clone();
    let mut value: Vec<&[u8]> = directories.iter().map(TreePath::as_bytes).collect();
    value.extend(variables.non_empty("LD_LIBRARY_PATH"));
    let value = value.join(b":".as_slice());
    variables.set(b"LD_LIBRARY_PATH", value, "assumed");
    let resolve = |it: &[u8]| world.view.resolve(it).unwrap_or_else(|_| real.clone());
    let asker = wanted.object().map_or_else(|| real.clone(), resolve);
    let (cpu, detail) = (world.question.cpu, Detail::Names);
    let start = Start { executable: &asker, system, variables: &variables, cpu, detail };
    let Ok(process) = Process::start(world.catalogue.objects, &start) else { return Vec::new() };
    let soname = |it: &Failure| if let Failure::Missing(it) = it { Some(it.soname.clone()) } else { None };
    process.start_failures.iter().filter_map(soname).collect()
}

/// A directory with a file of that name for this machine.
fn holder(world: &World<'_>, copy: &TreePath, name: &[u8], named: &[TreePath]) -> Option<TreePath> {
    let mut near: Vec<TreePath> = named.to_vec();
    if let Ok(object) = world.view.resolve(copy.as_bytes()).and_then(|it| world.catalogue.objects.get(&it)) {
        near.extend(named_by(copy.as_bytes(), &object).into_iter().map(TreePath::new));
    }
    let beside = neighbours(world, &near).into_iter().map(|(directory, _)| directory);
    let suits = |directory: &TreePath| {
        let real = world.view.resolve(directory.join(name).as_bytes());
        let object = real.and_then(|it| world.catalogue.objects.get(&it));
        let linkage = object.as_ref().map(|it| it.linkage.as_ref());
        linkage.is_ok_and(|it| it.is_ok_and(|it| other_machine(it, world.interpreter()).is_none()))
    };
    near.iter().cloned().chain(beside).find(suits)
}

/// Names that the process finds elsewhere now, by a rule that comes after `LD_LIBRARY_PATH`.
fn along(session: &Session<'_>, directories: &[TreePath]) -> Vec<String> {
    let view = session.catalogue.objects.view();
    let mut out = Vec::new();
    for loaded in &session.process.objects {
        let later = matches!(loaded.via, Via::Runpath | Via::Cache | Via::Default);
        let names = loaded.asked.iter().filter(|it| later && !it.contains(&b'/'));
        let other = |path: TreePath| view.resolve(path.as_bytes()).is_ok_and(|it| it != *loaded.real());
        let elsewhere = |name: &&Vec<u8>| directories.iter().any(|it| other(it.join(name)));
        out.extend(names.filter(elsewhere).map(|it| printable(it)));
    }
    out
}
