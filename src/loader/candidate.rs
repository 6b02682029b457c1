//! One candidate file: what the loader makes of it.
//!
//! Source: experiments B1 and X1 of the loader facts, glibc 2.23 to 2.43; the order of the checks is that of
//! `open_verify` in glibc `elf/dl-load.c`. musl looks at nothing before it maps; a file for
//! another machine is then mapped, and fails at its first relocation.

use std::io;
use std::sync::Arc;

use super::Law;
use super::objects::{Object, Objects};
use super::system::Family;
use crate::base::TreePath;
use crate::elf::{ElfError, Linkage};

/// What every object of one process has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) family: Family,
    pub(super) machine: u16,
    pub(super) bits: u8,
    pub(super) little_endian: bool,
    /// glibc from 2.41 on does not open what wants an executable stack, once the process runs without one.
    pub(super) refuses_executable_stack: bool,
    /// A law that does not hold.
    pub(super) without: Option<Law>,
}

impl Shape {
    pub(super) fn of(linkage: &Linkage, family: Family) -> Self {
        Self {
            family,
            machine: linkage.machine,
            bits: linkage.bits,
            little_endian: linkage.little_endian,
            refuses_executable_stack: false,
            without: None,
        }
    }
}

/// What happens to a candidate.
pub(super) enum Candidate {
    /// It is opened.
    Opened(Arc<Object>),
    /// It is not there, or is passed over: the search goes on.
    Refused(String),
    /// A link loop: the rest of this list is abandoned.
    Loop,
    /// It is opened and unusable: the request fails.
    Fatal(String),
}

/// Looks at the file at an absolute path as the loader spells it.
pub(super) fn look(objects: &Objects<'_>, path: &[u8], shape: Shape) -> Candidate {
    let real = match objects.view().resolve(path) {
        Ok(real) => real,
        Err(error) => return refused(objects, path, &error),
    };
    judge(objects, &real, shape)
}

fn judge(objects: &Objects<'_>, real: &TreePath, shape: Shape) -> Candidate {
    let object = match objects.get(real) {
        Ok(object) => object,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return Candidate::Fatal("is a directory".to_owned());
        }
        Err(error) => return refused(objects, real.as_bytes(), &error),
    };
    match &object.linkage {
        Ok(linkage) => match foreign(linkage, shape).or_else(|| unusable(linkage, shape).map(Candidate::Fatal)) {
            None => Candidate::Opened(Arc::clone(&object)),
            Some(verdict) => verdict,
        },
        Err(ElfError::Io(reason)) => {
            close(objects, real.as_bytes(), reason);
            Candidate::Refused(reason.clone())
        }
        Err(error) => Candidate::Fatal(error.to_string()),
    }
}

/// A file for another machine: glibc goes on without a word, also over the other byte order.
fn foreign(linkage: &Linkage, shape: Shape) -> Option<Candidate> {
    let other_order = linkage.little_endian != shape.little_endian;
    // glibc reads `e_machine` in its own byte order, whatever the file says of itself.
    let machine = if other_order { linkage.machine.swap_bytes() } else { linkage.machine };
    let other = linkage.bits != shape.bits || machine != shape.machine;
    let reason = || format!("is for {}, {} bits", linkage.machine_name(), linkage.bits);
    match shape.family {
        Family::Glibc if other && shape.without == Some(Law::ForeignPassedOver) => Some(Candidate::Fatal(reason())),
        Family::Glibc if other => Some(Candidate::Refused(reason())),
        Family::Glibc if other_order => Some(Candidate::Fatal("has the other byte order".to_owned())),
        Family::Glibc if linkage.os_abi != 0 && linkage.os_abi != 3 => {
            Some(Candidate::Fatal(format!("has OS ABI {}", linkage.os_abi)))
        }
        Family::Musl if other || other_order => Some(Candidate::Fatal(reason())),
        Family::Glibc | Family::Musl => None,
    }
}

/// Why a file for this machine is no library.
fn unusable(linkage: &Linkage, shape: Shape) -> Option<String> {
    let reason = match linkage.file_type {
        1 => "is a relocatable object, not a shared one",
        2 if shape.family == Family::Glibc => "is an executable, not a shared object",
        2 | 3 if !linkage.dynamic => "has no dynamic section",
        2 | 3
            if shape.refuses_executable_stack
                && shape.without != Some(Law::ExecutableStack)
                && wants_executable_stack(linkage) =>
        {
            "wants an executable stack, which glibc 2.41 and later refuse"
        }
        2 | 3 => return None,
        _ => "is no shared object",
    };
    Some(reason.to_owned())
}

/// Without PT_GNU_STACK the machine decides (`DEFAULT_STACK_PERMS` in glibc `sysdeps/*/stackinfo.h`): x86 and s390 give an
/// executable one.
pub(super) fn wants_executable_stack(linkage: &Linkage) -> bool {
    linkage.executable_stack.unwrap_or([3, 22, 62].contains(&linkage.machine))
}

/// The loader passes over what it may not open. Whether the process, which another user may start, may open it is not known.
fn refused(objects: &Objects<'_>, path: &[u8], error: &io::Error) -> Candidate {
    let kind = error.kind();
    if kind == io::ErrorKind::InvalidInput {
        return Candidate::Loop;
    }
    let absent = kind == io::ErrorKind::NotFound || kind == io::ErrorKind::NotADirectory;
    if absent {
        return Candidate::Refused("not there".to_owned());
    }
    close(objects, path, &error.to_string());
    Candidate::Refused(error.to_string())
}

fn close(objects: &Objects<'_>, path: &[u8], reason: &str) {
    let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    objects.is_closed(&TreePath::new(path.get(..cut).unwrap_or_default()), reason);
}
