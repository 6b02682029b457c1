//! musl's search for a name without a slash.
//!
//! Source: experiments on musl 1.2.3 and 1.2.6: `LD_LIBRARY_PATH` first, then one of RUNPATH and RPATH of the requester
//! and of everything that loaded it, then the path file.
//! Invariant: musl never reads DT_SONAME; a library is known by the short name under which a search found it.

use super::glibc::Directory;
use super::process::Process;
use super::{Law, ObjectIndex, Via};

/// Names that musl answers itself, whatever lies on disk.
const OWN: [&[u8]; 7] = [b"libc.", b"libm.", b"libpthread.", b"libdl.", b"librt.", b"libutil.", b"libxnet."];

/// Whether the loader itself is the library.
pub(super) fn is_own(name: &[u8]) -> bool {
    OWN.iter().any(|it| name.starts_with(it))
}

/// Every directory in order. Nobody asks for what is preloaded.
pub(super) fn directories(process: &Process<'_>, requester: Option<ObjectIndex>) -> Vec<Directory> {
    let mut out: Vec<Directory> = Vec::new();
    let mut list = 0;
    let mut add = |paths: Vec<Vec<u8>>, via: Via| {
        out.extend(paths.into_iter().filter(|it| !it.is_empty()).map(|path| Directory { path, via, list }));
        list += 1;
    };
    if process.holds(Law::MuslLibraryPathFirst) {
        add(process.library_path.clone(), Via::LdLibraryPath);
    }
    let mut at = requester;
    while let Some(owner) = at {
        let Some(loaded) = process.objects.get(owner) else { break };
        if let Ok(linkage) = &loaded.object.linkage {
            let (tag, via) = match &linkage.runpath {
                Some(runpath) => (Some(runpath), Via::Runpath),
                None => (linkage.rpath.as_ref(), Via::Rpath { owner }),
            };
            if let Some(entries) = tag.and_then(|it| replace(process, it, &process.origin(loaded))) {
                add(entries, via);
            }
        }
        // musl counts what dlopen brings in as needed by the executable, and what is preloaded as needed by nobody.
        at = match loaded.via {
            _ if !process.holds(Law::MuslInherits) => None,
            Via::Executable | Via::Preload => None,
            Via::Rpath { .. }
            | Via::LdLibraryPath
            | Via::Runpath
            | Via::Cache
            | Via::Default
            | Via::Absolute
            | Via::Dlopen => Some(loaded.needed_by.unwrap_or(0)),
        };
    }
    if !process.holds(Law::MuslLibraryPathFirst) {
        add(process.library_path.clone(), Via::LdLibraryPath);
    }
    add(process.system.default_directories.clone(), Via::Default);
    out
}

/// Splits at `:` and newline and replaces `$ORIGIN`, also where more letters follow; any other dollar makes musl drop
/// the whole list (`fixup_rpath` in musl `ldso/dynlink.c`).
fn replace(process: &Process<'_>, list: &[u8], origin: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut expanded = Vec::with_capacity(list.len());
    let mut rest = list;
    while let Some(at) = rest.iter().position(|b| *b == b'$') {
        let (before, token) = rest.split_at_checked(at)?;
        expanded.extend_from_slice(before);
        let known = token.strip_prefix(b"$ORIGIN").or_else(|| token.strip_prefix(b"${ORIGIN}"));
        if known.is_none() && !process.holds(Law::MuslUnknownToken) {
            break;
        }
        expanded.extend_from_slice(origin);
        rest = known?;
    }
    expanded.extend_from_slice(rest);
    Some(expanded.split(|b| *b == b':' || *b == b'\n').map(<[u8]>::to_vec).collect())
}
