//! A host from facts that were saved on it, and an image of which only facts are left.

use super::closure::{is_of_the_c_library, prefix_of};
use super::{Host, HostError, HostObject, Told};
use crate::facts::{self, Fact, Facts, GapId, HostLibrary, Launcher, Mapped};

/// Files that one MPI library needs, directly and indirectly; more is hostile.
const OBJECTS: usize = 4096;

impl Host {
    /// The host that these facts are of: its launcher, and the MPI that its Python loads.
    ///
    /// # Errors
    /// When the files that travel in the binary cannot be read.
    pub fn of_facts(name: &str, facts: Facts) -> Result<Self, HostError> {
        let Facts { environment, process, objects, evidence, mut gaps, .. } = facts;
        let libraries = libraries(&process.mpi);
        let root = libraries.value().and_then(|it| prefix_of(&it.first()?.path));
        let architecture = architecture(&objects, &environment.python.soabi, &mut gaps);
        let closure = closure(&libraries, &process.mapped, &mut gaps);
        let launcher = launcher(environment.launcher, &mut gaps);
        let told = Told { launcher, architecture, libraries, objects: closure, root, evidence, gaps };
        Self::new(name, "facts", told)
    }
}

/// Whether saved facts of an image hold a library by its soname. What the process does not map may lie there all the same.
pub(super) fn holds(mapped: &Fact<Vec<Mapped>>, soname: &str) -> Result<bool, String> {
    let list = mapped.value().map_or(&[] as &[Mapped], Vec::as_slice);
    let named = |it: &Mapped| {
        let needs = it.needs.value().into_iter().flatten();
        it.path.rsplit('/').next() == Some(soname) || needs.clone().any(|it| it.soname == soname && it.file.is_some())
    };
    let refused =
        |it: &Mapped| it.needs.value().into_iter().flatten().any(|it| it.soname == soname && it.file.is_none());
    if list.iter().any(named) {
        return Ok(true);
    }
    if list.iter().any(refused) {
        return Ok(false);
    }
    Err(format!("the facts of the image do not say whether it has {soname}"))
}

/// What a Python is for: as its objects say, else as its extension modules are named.
pub(super) fn architecture(
    objects: &Fact<Vec<facts::Object>>,
    soabi: &Fact<String>,
    gaps: &mut Vec<facts::Gap>,
) -> Fact<String> {
    let mut machines = objects.value().into_iter().flatten().map(|it| &it.python_machine);
    if let Some(known @ Fact::Known { .. }) = machines.find(|it| it.value().is_some_and(|it| it != "unknown")) {
        return known.clone();
    }
    match soabi {
        Fact::Known { value, because, .. } => match in_soabi(value) {
            Some(machine) => Fact::known(machine.to_owned(), because.clone()),
            None => unknown(gaps, &format!("{value} names no machine"), "what machine it is for"),
        },
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
    }
}

/// `x86_64` of `cpython-311-x86_64-linux-gnu`.
fn in_soabi(soabi: &str) -> Option<&str> {
    let (before, _) = soabi.split_once("-linux")?;
    let machine = before.split('-').nth(2)?;
    // The one name that Debian and `uname -m` spell differently.
    Some(if machine == "powerpc64le" { "ppc64le" } else { machine })
}

/// The launcher that the facts name. Where they name none, the host may have one that was not on its PATH.
fn launcher(launcher: Launcher, gaps: &mut Vec<facts::Gap>) -> Launcher {
    if launcher.vendor.value().is_none_or(|it| it != "none") {
        return launcher;
    }
    let reason = "its facts name no launcher: save them with --launcher PATH";
    let hides = "which launcher starts the ranks of the image";
    Launcher {
        path: unknown(gaps, reason, hides),
        vendor: unknown(gaps, reason, hides),
        version: unknown(gaps, reason, hides),
        abi: unknown(gaps, reason, hides),
        pmi: unknown(gaps, reason, hides),
    }
}

/// The MPI libraries that the Python of the host loads, each once.
fn libraries(uses: &Fact<Vec<facts::MpiUse>>) -> Fact<Vec<HostLibrary>> {
    let Fact::Known { value: uses, because, incomplete } = uses else { return carried_gap(uses) };
    let mut list: Vec<HostLibrary> = Vec::new();
    let mut hidden = *incomplete;
    for it in uses {
        match &it.lib {
            Fact::Known { value: Some(path), .. } if !list.iter().any(|known| known.path == *path) => {
                list.push(HostLibrary {
                    path: path.clone(),
                    soname: it.soname.clone(),
                    vendor: it.vendor.clone(),
                    version: it.version.clone(),
                    abi: it.abi.clone(),
                });
            }
            Fact::Known { .. } => {}
            Fact::Unknown { unknown } => hidden = hidden.or(Some(*unknown)),
        }
    }
    Fact::Known { value: list, because: because.clone(), incomplete: hidden }
}

/// The libraries with everything that they need, as far as the facts list what each file needs.
fn closure(
    libraries: &Fact<Vec<HostLibrary>>,
    mapped: &Fact<Vec<Mapped>>,
    gaps: &mut Vec<facts::Gap>,
) -> Fact<Vec<HostObject>> {
    let Fact::Known { value: libraries, incomplete, .. } = libraries else { return carried_gap(libraries) };
    let files = mapped.value().map_or(&[] as &[Mapped], Vec::as_slice);
    let mut hidden = incomplete.or_else(|| mapped.gap());
    let mut list: Vec<HostObject> = Vec::new();
    let first = libraries.iter().map(|it| {
        let soname = it.soname.value().cloned().flatten().unwrap_or_default();
        (soname, Some(it.path.clone()), String::new())
    });
    let mut queue: Vec<(String, Option<String>, String)> = first.collect();
    let mut at = 0;
    while let Some((soname, file, needed_by)) = queue.get(at).cloned() {
        at += 1;
        let entry = files.iter().find(|it| Some(&it.path) == file.as_ref());
        let glibc = match (entry, &file) {
            (Some(entry), _) => entry.glibc.clone(),
            (None, None) => Fact::known(None, Vec::new()),
            (None, Some(file)) => {
                unknown(gaps, &format!("its facts do not say what {file} needs"), "which glibc it needs")
            }
        };
        hidden = hidden.or_else(|| glibc.gap()).or_else(|| entry.and_then(|it| it.needs.gap()));
        for need in entry.and_then(|it| it.needs.value()).into_iter().flatten() {
            if queue.iter().any(|it| it.0 == need.soname) || is_of_the_c_library(&need.soname) {
                continue;
            }
            if OBJECTS <= queue.len() {
                hidden = hidden.or_else(|| unknown::<()>(gaps, "it needs too many files", "what else it needs").gap());
            } else {
                let by = file.clone().unwrap_or_default();
                queue.push((need.soname.clone(), need.file.clone(), by));
            }
        }
        list.push(HostObject { soname, file, needed_by, glibc });
    }
    Fact::Known { value: list, because: Vec::new(), incomplete: hidden }
}

fn carried_gap<T, U>(fact: &Fact<T>) -> Fact<U> {
    Fact::unknown(fact.gap().unwrap_or(GapId(u32::MAX)))
}

fn unknown<T>(gaps: &mut Vec<facts::Gap>, reason: &str, hides: &str) -> Fact<T> {
    let gap = facts::Gap {
        path: String::new(),
        stage: "facts".to_owned(),
        reason: reason.to_owned(),
        hides: hides.to_owned(),
    };
    let at = gaps.iter().position(|it| *it == gap).unwrap_or_else(|| {
        gaps.push(gap);
        gaps.len() - 1
    });
    Fact::unknown(GapId(u32::try_from(at).unwrap_or(u32::MAX)))
}
