//! The launcher of MPI ranks: which `mpiexec` a user would type, and whose it is.

use super::catalogue::Catalogue;
use super::environment::no_launcher;
use super::ledger::Ledger;
use crate::base::{Gap, Glob, Stage, TreePath, Variables, printable};
use crate::elf::{self, ElfError};
use crate::facts::{Fact, Launcher};
use crate::identify::{self, RealFile};
use crate::loader::{CpuLevel, Detail, Object, Request, Start, System, Visibility};

/// Names that a user types, in the order of the interface.
const NAMES: [&[u8]; 2] = [b"mpiexec", b"mpirun"];

/// Finds and identifies the launcher: `asked`, else the first on PATH.
pub(super) fn launcher(
    catalogue: &Catalogue<'_>,
    asked: Option<&TreePath>,
    variables: &Variables,
    system: Option<&System>,
    ledger: &mut Ledger,
) -> Launcher {
    let view = catalogue.objects.view();
    let path_variable = variables.non_empty("PATH").unwrap_or_default();
    let found = match (asked, variables.hidden("PATH")) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(reason)) => return hidden_launcher(reason, ledger),
        (None, None) => {
            path_variable.split(|b| *b == b':').filter(|it| it.first() == Some(&b'/')).find_map(|directory| {
                let here = TreePath::new(directory);
                NAMES.iter().map(|name| here.join(name)).find(|it| view.is_file(it.as_bytes()))
            })
        }
    };
    let Some(path) = found else { return no_launcher(ledger, &printable(path_variable)) };
    let id = ledger.note(&path, if asked.is_some() { "asked about" } else { "first on PATH" });
    let unknown = |ledger: &mut Ledger, reason: String| {
        let gap = ledger.gap(&Gap::new(&path, Stage::Identify, reason, "whose launcher it is"));
        Launcher { path: Fact::known(Some(path.text()), vec![id]), ..Launcher::unknown(gap) }
    };
    let real = match view.resolve(path.as_bytes()) {
        Ok(real) => real,
        Err(error) => return unknown(ledger, error.to_string()),
    };
    let mut gaps = Vec::new();
    let identity = match identity(catalogue, &real, &mut gaps) {
        Ok(identity) => identity,
        Err(reason) => return unknown(ledger, reason),
    };
    for gap in &gaps {
        ledger.gap(gap);
    }
    let Some(identity) = identity else { return unknown(ledger, "no description of a launcher fits it".to_owned()) };
    let mut because = vec![id];
    because.extend(ledger.seen(&identity.because));
    let version = match &identity.version {
        Some((version, seen)) => {
            let because = ledger.seen(seen);
            Fact::known(version.clone(), because)
        }
        None => version_of_library(catalogue, &real, &identity, variables, system, ledger),
    };
    let pmi = plugins(catalogue, &real, &identity.plugins, ledger);
    let abi = match identity.abis.as_slice() {
        [] => "any".to_owned(),
        [only] => only.clone(),
        several => several.join(" "),
    };
    Launcher {
        path: Fact::known(Some(path.text()), vec![id]),
        vendor: Fact::known(identity.vendor.clone(), because.clone()),
        version,
        abi: Fact::known(abi, because),
        pmi,
    }
}

/// Nobody can say which one is first on PATH.
fn hidden_launcher(reason: &str, ledger: &mut Ledger) -> Launcher {
    let reason = format!("what is in PATH is not known: {reason}");
    let gap = ledger.gap(&Gap::new(&TreePath::root(), Stage::Identify, reason, "which launcher a user would type"));
    Launcher::unknown(gap)
}

/// The types that the plugins of a launcher serve, sorted; a directory that is not there holds none.
fn plugins(
    catalogue: &Catalogue<'_>,
    launcher: &TreePath,
    places: &[(String, regex::bytes::Regex)],
    ledger: &mut Ledger,
) -> Fact<Vec<String>> {
    let (mut types, mut because) = (Vec::new(), Vec::new());
    for (directory, pattern) in places {
        for directory in directories(catalogue, launcher, directory) {
            let names = match catalogue.objects.view().list(directory.as_bytes()) {
                Ok(names) => names,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return ledger.unknown(&directory, &error.to_string(), "what its plugins serve"),
            };
            for (name, _) in names.iter() {
                let Some(found) = pattern.captures(name).and_then(|it| it.get(1)) else { continue };
                let word = printable(found.as_bytes());
                if !types.contains(&word) {
                    types.push(word);
                    because.push(ledger.note(&directory.join(name), "a plugin"));
                }
            }
        }
    }
    types.sort();
    Fact::known(types, because)
}

/// The directories that a path relative to that of the launcher means: one element may be a glob.
fn directories(catalogue: &Catalogue<'_>, launcher: &TreePath, relative: &str) -> Vec<TreePath> {
    let mut found = vec![launcher.parent().unwrap_or_else(TreePath::root)];
    for element in relative.split('/') {
        found = match element {
            ".." => found.iter().map(|it| it.parent().unwrap_or_else(TreePath::root)).collect(),
            glob if glob.contains('*') => {
                let glob = Glob::new(glob);
                let below = |it: &TreePath| {
                    // A directory that cannot be listed holds no plugins that anybody else could list.
                    let names = catalogue.objects.view().list(it.as_bytes()).into_iter();
                    let fits: Vec<TreePath> = names
                        .flat_map(|names| {
                            names.iter().filter(|(name, _)| glob.matches(name)).cloned().collect::<Vec<_>>()
                        })
                        .map(|(name, _)| it.join(name))
                        .collect();
                    fits
                };
                found.iter().flat_map(below).collect()
            }
            name => found.iter().map(|it| it.join(name)).collect(),
        };
    }
    found
}

fn identity(
    catalogue: &Catalogue<'_>,
    real: &TreePath,
    gaps: &mut Vec<Gap>,
) -> Result<Option<identify::Launcher>, String> {
    let view = catalogue.objects.view();
    let launchers = &catalogue.know.launchers;
    let object = catalogue.objects.get(real).map_err(|it| it.to_string())?;
    match &object.linkage {
        Ok(_) => Ok(catalogue.look(&object, gaps, |look, gaps| launchers.identify(look, gaps)).flatten()),
        Err(ElfError::NotElf { text: true }) => {
            let file = view.open_real(real).map_err(|it| it.to_string())?;
            Ok(launchers.identify(&RealFile::script(real, &*file), gaps))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Some launchers say their version only through a library of their own.
fn version_of_library(
    catalogue: &Catalogue<'_>,
    real: &TreePath,
    identity: &identify::Launcher,
    variables: &Variables,
    system: Option<&System>,
    ledger: &mut Ledger,
) -> Fact<String> {
    let hides = "its version";
    let Some(system) = system.filter(|_| !identity.version_from.is_empty()) else {
        return ledger.unknown(real, "its bytes name no version", hides);
    };
    let start = Start { executable: real, system, variables, cpu: CpuLevel::Baseline, detail: Detail::Names };
    let mut process = match crate::loader::Process::start(catalogue.objects, &start) {
        Ok(process) => process,
        Err(reason) => return ledger.unknown(real, &reason, hides),
    };
    for (soname, pattern) in &identity.version_from {
        let request = Request::Name { name: soname, caller: 0 };
        let Ok(index) = process.open(request, Visibility::Local) else { continue };
        let Some(object) = process.objects.get(index).map(|it| std::sync::Arc::clone(&it.object)) else { continue };
        match text_of(catalogue, &object, pattern) {
            Ok(Some((version, offset))) => {
                let id = ledger.keep(crate::facts::Evidence {
                    path: object.real.text(),
                    offset: Some(offset),
                    text: version.clone(),
                    ..crate::facts::Evidence::default()
                });
                return Fact::known(version, vec![id]);
            }
            Ok(None) => {}
            Err(reason) => return ledger.unknown(&object.real, &reason, hides),
        }
    }
    ledger.unknown(real, "neither it nor its libraries name a version", hides)
}

fn text_of(
    catalogue: &Catalogue<'_>,
    object: &Object,
    pattern: &regex::bytes::Regex,
) -> Result<Option<(String, u64)>, String> {
    let file = catalogue.objects.file(object).map_err(|it| it.to_string())?;
    let matches = elf::search_text(&*file, std::slice::from_ref(pattern)).map_err(|it| it.to_string())?;
    let first = matches.into_iter().next();
    Ok(first.and_then(|it| {
        let text = it.groups.get(1).or(it.groups.first())?.clone()?;
        Some((printable(&text), it.offset_bytes))
    }))
}
