//! glibc's search for a name without a slash.
//!
//! Source: ld.so(8) as corrected by experiments S1 to S8 and T1 to T6 of the loader facts.
//! Invariant: a requester with DT_RUNPATH switches off every DT_RPATH, its ancestors' and the executable's.
//! Invariant: DT_RPATH of an object that also has DT_RUNPATH does not exist.

use super::process::Process;
use super::tokens::{Tokens, expand};
use super::{Loaded, ObjectIndex, Via};

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
    let mut add = |entries: Vec<Vec<u8>>, via: Via| {
        for path in entries {
            let directory = Directory { path, via, list };
            if !out.iter().any(|it: &Directory| it.list == list && it.path == directory.path) {
                out.push(directory);
            }
        }
        list += 1;
    };
    let runpath = process.objects.get(requester).and_then(|it| entries(process, it, Tag::Runpath));
    if runpath.is_none() {
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
    out
}

/// The requester, the objects that loaded it, and at last the executable.
fn rpath_owners(process: &Process<'_>, requester: ObjectIndex) -> Vec<ObjectIndex> {
    let mut owners = Vec::new();
    let mut at = Some(requester);
    while let Some(owner) = at {
        owners.push(owner);
        at = process.objects.get(owner).and_then(|it| it.needed_by);
    }
    if !owners.contains(&0) {
        owners.push(0);
    }
    owners
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
        Tag::Rpath if linkage.runpath.is_none() => linkage.rpath.as_deref()?,
        Tag::Rpath => return None,
    };
    if list.is_empty() {
        return Some(Vec::new());
    }
    Some(split(process, list, b":", &process.origin(loaded)))
}

/// Splits a list, replaces tokens, cuts trailing slashes.
pub(super) fn split(process: &Process<'_>, list: &[u8], separators: &[u8], origin: &[u8]) -> Vec<Vec<u8>> {
    let tokens = Tokens { origin, lib: process.token_lib(), platform: process.token_platform() };
    let pieces = list.split(|b| separators.contains(b));
    pieces.map(|it| trim_slashes(expand(it, &tokens))).collect()
}

fn trim_slashes(mut path: Vec<u8>) -> Vec<u8> {
    while path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    path
}
