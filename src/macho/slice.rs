//! The part of a file that belongs to one machine, and the numbers in it.

use std::sync::Arc;

use super::MachError;
use super::limits::{HEADER_BYTES, MACHINES};
use crate::base::{ReadAt, read_range};

const MAGIC_32: u32 = 0xfeed_face;
const MAGIC_64: u32 = 0xfeed_facf;
const FAT: u32 = 0xcafe_babe;
const FAT_64: u32 = 0xcafe_babf;

/// Bytes of one machine.
pub(super) struct Slice {
    file: Arc<dyn ReadAt>,
    /// Where they begin in the file.
    pub(super) start: u64,
    length: u64,
    /// Order and width of numbers.
    pub(super) kind: Kind,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// 64-bit file.
    pub(super) wide: bool,
    /// Byte order.
    pub(super) little_endian: bool,
}

impl Slice {
    /// `length` bytes from `at`, counted from where the slice begins.
    pub(super) fn read(&self, what: &str, at: u64, length: u64) -> Result<Vec<u8>, MachError> {
        let inside = at.checked_add(length).is_some_and(|end| end <= self.length);
        if !inside {
            return Err(MachError::Truncated(format!("{what} ends behind the end of the file")));
        }
        read(self.file.as_ref(), what, self.start + at, length)
    }

    /// Whether `at .. at + length` lies in the slice.
    pub(super) fn holds(&self, at: u64, length: u64) -> bool {
        at.checked_add(length).is_some_and(|end| end <= self.length)
    }
}

impl Kind {
    /// A number of 2 bytes.
    pub(super) fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.little_endian { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
    }

    /// A number of 4 bytes.
    pub(super) fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.little_endian { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
    }

    /// A number of 8 bytes in a 64-bit file, of 4 in another.
    pub(super) fn word_at(self, bytes: &[u8], at: usize) -> Option<u64> {
        if !self.wide {
            return self.u32_at(bytes, at).map(u64::from);
        }
        let raw = *bytes.get(at..)?.first_chunk::<8>()?;
        Some(if self.little_endian { u64::from_le_bytes(raw) } else { u64::from_be_bytes(raw) })
    }
}

/// Whether the first bytes are those of a Mach-O file.
pub(super) fn begins(file: &dyn ReadAt) -> Result<bool, MachError> {
    let head = read(file, "the header", 0, 8)?;
    Ok(kind(&head).is_some() || machines(&head).is_some())
}

/// The parts of the file, one for each machine.
pub(super) fn slices(file: &Arc<dyn ReadAt>) -> Result<Vec<Slice>, MachError> {
    let size = file.size_bytes();
    if size < HEADER_BYTES {
        return Err(MachError::NotMachO);
    }
    let head = read(file.as_ref(), "the header", 0, 8)?;
    if let Some(kind) = kind(&head) {
        return Ok(vec![Slice { file: Arc::clone(file), start: 0, length: size, kind }]);
    }
    let (count, wide) = machines(&head).ok_or(MachError::NotMachO)?;
    let entry: u64 = if wide { 32 } else { 20 };
    let table = read(file.as_ref(), "the list of machines", 8, u64::from(count) * entry)?;
    // The list itself is big-endian whatever it lists.
    let order = Kind { wide, little_endian: false };
    let mut slices = Vec::new();
    for entry in table.chunks_exact(entry as usize) {
        let (Some(start), Some(length)) = (order.word_at(entry, 8), order.word_at(entry, if wide { 16 } else { 12 }))
        else {
            continue;
        };
        if start.checked_add(length).is_none_or(|end| size < end) {
            return Err(MachError::Truncated("the part of a machine ends behind the end of the file".to_owned()));
        }
        let head = read(file.as_ref(), "the header of a machine", start, length.min(8))?;
        let kind = kind(&head).ok_or_else(|| MachError::Malformed("the part of a machine has no header".to_owned()))?;
        slices.push(Slice { file: Arc::clone(file), start, length, kind });
    }
    Ok(slices)
}

fn kind(head: &[u8]) -> Option<Kind> {
    for little_endian in [true, false] {
        let kind = Kind { wide: true, little_endian };
        match kind.u32_at(head, 0)? {
            MAGIC_64 => return Some(kind),
            MAGIC_32 => return Some(Kind { wide: false, ..kind }),
            _ => {}
        }
    }
    None
}

/// How many machines a universal file is for, and whether their places are 64-bit numbers.
fn machines(head: &[u8]) -> Option<(u32, bool)> {
    let order = Kind { wide: false, little_endian: false };
    let magic = order.u32_at(head, 0).filter(|it| *it == FAT || *it == FAT_64)?;
    let count = order.u32_at(head, 4).filter(|it| (1..=MACHINES).contains(it))?;
    Some((count, magic == FAT_64))
}

fn read(file: &dyn ReadAt, what: &str, at: u64, length: u64) -> Result<Vec<u8>, MachError> {
    read_range(file, at, length).map_err(|error| {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            return MachError::Truncated(format!("{what} ends behind the end of the file"));
        }
        MachError::Io(error.to_string())
    })
}
