//! glibc's search for a name without a slash.
//!
//! Source: ld.so(8) as corrected by experiments S1 to S8 and T1 to T6 of the loader facts.
//! Invariant: a requester with DT_RUNPATH switches off every DT_RPATH, its ancestors' and the executable's.
//! Invariant: DT_RPATH of an object that also has DT_RUNPATH does not exist.

use super::process::Process;
use super::tokens::expand;
use super::{Law, Loaded, ObjectIndex, Via};
use crate::base::TreePath;

/// One directory to try, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    /// As the loader spells it, tokens replaced, trailing slashes cut; empty is the working directory.
    pub(super) path: Vec<u8>,
    pub(super) via: Via,
    /// Directories of one list share a number: a link loop abandons the list.
    pub(super) list: usize,
}

/// Directories before the cache: RPATH chain, `LD_LIBRARY_PATH`, RUNPATH.
pub(super) fn before_cache(process: &Process<'_>, requester: ObjectIndex) -> Vec<Directory> {
    let mut out = Vec::new();
    let mut list = 0;
    let once = process.holds(Law::RepeatedDirectory);
    let mut add = |entries: Vec<Vec<u8>>, via: Via| {
        for path in entries {
            let directory = Directory { path, via, list };
            if !out.iter().any(|it: &Directory| it.list == list && it.path == directory.path && once) {
                out.push(directory);
            }
        }
        list += 1;
    };
    let runpath = process.objects.get(requester).and_then(|it| entries(process, it, Tag::Runpath));
    if !process.holds(Law::RpathComesFirst) {
        add(process.library_path.clone(), Via::LdLibraryPath);
    }
    if !process.holds(Law::RunpathComesLater) {
        add(runpath.clone().unwrap_or_default(), Via::Runpath);
    }
    if runpath.is_none() || !process.holds(Law::RunpathSwitchesRpathOff) {
        for owner in rpath_owners(process, requester) {
            if let Some(rpath) = process.objects.get(owner).and_then(|it| entries(process, it, Tag::Rpath)) {
                add(rpath, Via::Rpath { owner });
            }
        }
    }
    add(process.library_path.clone(), Via::LdLibraryPath);
    if let Some(runpath) = runpath {
        add(runpath, Via::Runpath);
    }
    if !process.holds(Law::RunpathIsOwn) {
        for owner in loaders(process, requester) {
            let inherited = process.objects.get(owner).and_then(|it| entries(process, it, Tag::Runpath));
            add(inherited.unwrap_or_default(), Via::Runpath);
        }
    }
    out
}

/// The requester, the objects that loaded it, and at last the executable.
fn rpath_owners(process: &Process<'_>, requester: ObjectIndex) -> Vec<ObjectIndex> {
    let mut owners = if process.holds(Law::RpathOfLoaders) { loaders(process, requester) } else { vec![requester] };
    if !owners.contains(&0) && process.holds(Law::RpathOfExecutable) {
        owners.push(0);
    }
    owners
}

/// The requester and the objects that loaded it.
fn loaders(process: &Process<'_>, requester: ObjectIndex) -> Vec<ObjectIndex> {
    let next = |at: &ObjectIndex| process.objects.get(*at)?.needed_by;
    std::iter::successors(Some(requester), next).collect()
}

enum Tag {
    Rpath,
    Runpath,
}

/// The entries of one tag of one object; `None` when the tag does not count.
fn entries(process: &Process<'_>, loaded: &Loaded, tag: Tag) -> Option<Vec<Vec<u8>>> {
    let linkage = loaded.object.linkage.as_ref().ok()?;
    let list = match tag {
        Tag::Runpath => linkage.runpath.as_deref()?,
        Tag::Rpath if linkage.runpath.is_none() || !process.holds(Law::RpathBesideRunpath) => {
            linkage.rpath.as_deref()?
        }
        Tag::Rpath => return None,
    };
    if list.is_empty() && process.holds(Law::EmptyList) {
        return Some(Vec::new());
    }
    if process.is_secure() {
        return Some(trusted(process, list, loaded));
    }
    Some(split(process, list, b":", &process.origin(loaded)))
}

/// In secure mode `$ORIGIN` counts only at the beginning of an entry; in the list of the executable it must lead into a
/// default directory (`_dl_dst_substitute` in glibc `elf/dl-load.c`).
fn trusted(process: &Process<'_>, list: &[u8], loaded: &Loaded) -> Vec<Vec<u8>> {
    let origin = process.origin(loaded);
    let names_origin = |it: &[u8]| it.windows(6).any(|part| part == b"ORIGIN");
    let mut out = Vec::new();
    for entry in list.split(|it| *it == b':') {
        let rest = entry.strip_prefix(b"$ORIGIN").or_else(|| entry.strip_prefix(b"${ORIGIN}"));
        let first = rest.is_some_and(|it| it.is_empty() || it.first() == Some(&b'/') && !names_origin(it));
        let expanded = split(process, entry, b"", &origin);
        let inside = |path: &Vec<u8>| {
            let path = TreePath::new(path);
            process.system.default_directories.iter().any(|it| path.as_bytes().starts_with(it))
        };
        if !names_origin(entry) || first && (loaded.via != Via::Executable || expanded.iter().all(inside)) {
            out.extend(expanded);
        }
    }
    out
}

/// Splits a list, replaces tokens, cuts trailing slashes.
pub(super) fn split(process: &Process<'_>, list: &[u8], separators: &[u8], origin: &[u8]) -> Vec<Vec<u8>> {
    let tokens = process.tokens(origin);
    let pieces = list.split(|b| separators.contains(b));
    let pieces = pieces.filter(|it| !it.is_empty() || process.holds(Law::EmptyElement));
    pieces.map(|it| trim_slashes(expand(it, &tokens))).collect()
}

fn trim_slashes(mut path: Vec<u8>) -> Vec<u8> {
    while path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    path
}
