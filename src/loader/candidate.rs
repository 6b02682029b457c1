//! One candidate file: what the loader makes of it.
//!
//! Source: experiments B1 and X1 of the loader facts, glibc 2.23 to 2.43.

use std::io;
use std::sync::Arc;

use super::objects::{Object, Objects};
use crate::base::TreePath;
use crate::elf::{ElfError, Linkage};

/// What every object of one process has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) machine: u16,
    pub(super) bits: u8,
    pub(super) little_endian: bool,
    /// glibc from 2.41 on refuses objects that want an executable stack.
    pub(super) refuses_executable_stack: bool,
}

impl Shape {
    pub(super) fn of(linkage: &Linkage, refuses_executable_stack: bool) -> Self {
        Self {
            machine: linkage.machine,
            bits: linkage.bits,
            little_endian: linkage.little_endian,
            refuses_executable_stack,
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

/// Looks at the file at `path` as the loader spells it.
pub(super) fn look(objects: &Objects<'_>, path: &[u8], shape: Shape) -> Candidate {
    let real = match objects.view().resolve(path) {
        Ok(real) => real,
        Err(error) => return refused(&error),
    };
    judge(objects, &real, shape)
}

fn judge(objects: &Objects<'_>, real: &TreePath, shape: Shape) -> Candidate {
    let object = match objects.get(real) {
        Ok(object) => object,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return Candidate::Fatal("is a directory".to_owned());
        }
        Err(error) => return refused(&error),
    };
    match &object.linkage {
        Ok(linkage) => match unusable(linkage, shape) {
            None => Candidate::Opened(Arc::clone(&object)),
            Some(verdict) => verdict,
        },
        Err(ElfError::Io(reason)) => Candidate::Refused(reason.clone()),
        Err(error) => Candidate::Fatal(error.to_string()),
    }
}

fn unusable(linkage: &Linkage, shape: Shape) -> Option<Candidate> {
    if linkage.little_endian != shape.little_endian {
        return Some(Candidate::Fatal("has the other byte order".to_owned()));
    }
    if linkage.bits != shape.bits || linkage.machine != shape.machine {
        let machine = linkage.machine_name();
        return Some(Candidate::Refused(format!("is for {machine}, {} bits", linkage.bits)));
    }
    if linkage.os_abi != 0 && linkage.os_abi != 3 {
        return Some(Candidate::Fatal(format!("has OS ABI {}", linkage.os_abi)));
    }
    if linkage.file_type == 1 {
        return Some(Candidate::Fatal("is a relocatable object, not a shared one".to_owned()));
    }
    if shape.refuses_executable_stack && linkage.executable_stack != Some(false) {
        return Some(Candidate::Fatal("wants an executable stack, which glibc 2.41 and later refuse".to_owned()));
    }
    None
}

fn refused(error: &io::Error) -> Candidate {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Candidate::Refused("not there".to_owned()),
        io::ErrorKind::InvalidInput => Candidate::Loop,
        _ => Candidate::Refused(error.to_string()),
    }
}
