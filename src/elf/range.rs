//! A range of the file that is asked piece by piece, and the numbers and strings in it.
//!
//! Invariant: every access is checked against the range, and the range against the file, before anything is allocated.

use goblin::container::Ctx;

use super::ElfError;
use super::limits::{HELD_BYTES, NAME_BYTES, STRING_BYTES};
use crate::base::{self, ReadAt, read_range};

/// Bytes `offset .. offset + length` of a file, of which the first may be held in memory.
#[derive(Debug, Clone)]
pub(super) struct Range {
    what: &'static str,
    offset: u64,
    length: u64,
    held: Vec<u8>,
}

impl Range {
    /// A range of which nothing is held yet. `what` names it in errors.
    pub(super) fn new(what: &'static str, offset: u64, length: u64, file: &dyn ReadAt) -> Result<Self, ElfError> {
        match offset.checked_add(length) {
            Some(end) if end <= file.size_bytes() => Ok(Self { what, offset, length, held: Vec::new() }),
            Some(_) | None => Err(ElfError::Malformed(format!("{what} lies outside the file"))),
        }
    }

    /// Reads the first bytes now; a range that is larger than `limit` stays on disk.
    pub(super) fn hold_if_small(mut self, file: &dyn ReadAt, limit: u64) -> Result<Self, ElfError> {
        if self.length <= limit {
            self.held = read(file, self.what, self.offset, self.length)?;
        }
        Ok(self)
    }

    /// Reads at most `count` first bytes now.
    pub(super) fn hold_first(mut self, file: &dyn ReadAt, count: u64) -> Result<Self, ElfError> {
        self.held = read(file, self.what, self.offset, self.length.min(count))?;
        Ok(self)
    }

    /// The same range without what it holds.
    pub(super) fn released(&self) -> Self {
        Self { what: self.what, offset: self.offset, length: self.length, held: Vec::new() }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// `count` bytes from `at`.
    pub(super) fn bytes(&self, file: &dyn ReadAt, at: u64, count: u64) -> Result<Vec<u8>, ElfError> {
        let outside = || ElfError::Malformed(format!("{} is left by an offset of {at} bytes", self.what));
        let end = at.checked_add(count).filter(|end| *end <= self.length).ok_or_else(outside)?;
        if let Some(held) = slice(&self.held, at, end) {
            return Ok(held.to_vec());
        }
        read(file, self.what, self.offset.checked_add(at).ok_or_else(outside)?, count)
    }

    /// What `ask` makes of `count` bytes from `at`, without a copy where they are held.
    pub(super) fn with<T>(
        &self,
        file: &dyn ReadAt,
        at: u64,
        count: u64,
        ask: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ElfError> {
        let held = at.checked_add(count).and_then(|end| slice(&self.held, at, end));
        match held {
            Some(held) => Ok(ask(held)),
            None => Ok(ask(&self.bytes(file, at, count)?)),
        }
    }

    /// Whether `expected` and a NUL stand at `at`.
    pub(super) fn is_string(&self, file: &dyn ReadAt, at: u64, expected: &[u8]) -> Result<bool, ElfError> {
        let count = expected.len() as u64 + 1;
        if at.checked_add(count).is_none_or(|end| end > self.length) {
            return Ok(false);
        }
        self.with(file, at, count, |bytes| bytes.strip_suffix(b"\0") == Some(expected))
    }
}

/// Names of one string table, with a budget for all of them together.
pub(super) struct Strings<'a> {
    file: &'a dyn ReadAt,
    table: &'a Range,
    left_bytes: u64,
}

impl<'a> Strings<'a> {
    pub(super) fn new(file: &'a dyn ReadAt, table: &'a Range) -> Self {
        Self { file, table, left_bytes: NAME_BYTES }
    }

    /// The string at `at`, without its NUL.
    pub(super) fn get(&mut self, at: u64) -> Result<Vec<u8>, ElfError> {
        let outside = || ElfError::Malformed(format!("a name lies outside {}", self.table.what));
        let left = self.table.length.checked_sub(at).filter(|left| 0 < *left).ok_or_else(outside)?;
        let name = self.find(at, left)?;
        self.left_bytes = self
            .left_bytes
            .checked_sub(name.len() as u64)
            .ok_or_else(|| ElfError::Limit(format!("names of more than {NAME_BYTES} bytes")))?;
        Ok(name)
    }

    fn find(&self, at: u64, left: u64) -> Result<Vec<u8>, ElfError> {
        let held = self.table.held.get(in_memory(at)..);
        if let Some(name) = held.and_then(until_nul) {
            return Ok(name.to_vec());
        }
        let mut count = left.min(128);
        loop {
            let window = self.table.bytes(self.file, at, count)?;
            if let Some(name) = until_nul(&window) {
                return Ok(name.to_vec());
            }
            if count == left {
                return Err(ElfError::Malformed(format!("a name in {} has no end", self.table.what)));
            }
            if STRING_BYTES <= count {
                return Err(ElfError::Limit(format!("a name of more than {STRING_BYTES} bytes")));
            }
            count = left.min(count.saturating_mul(8)).min(STRING_BYTES);
        }
    }
}

/// Bytes of the file, with errors that name what they are.
pub(super) fn read(file: &dyn ReadAt, what: &str, offset: u64, length: u64) -> Result<Vec<u8>, ElfError> {
    read_range(file, offset, length).map_err(|error| refused(what, &error))
}

/// Reads the whole of `buffer`.
pub(super) fn fill(file: &dyn ReadAt, what: &str, offset: u64, buffer: &mut [u8]) -> Result<(), ElfError> {
    base::fill(file, offset, buffer).map_err(|error| refused(what, &error))
}

fn refused(what: &str, error: &std::io::Error) -> ElfError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return ElfError::Truncated(format!("{what} lies outside the file"));
    }
    ElfError::Io(error.to_string())
}

/// A table of up to `HELD_BYTES` in memory, a larger one on disk.
pub(super) fn table(what: &'static str, file: &dyn ReadAt, offset: u64, length: u64) -> Result<Range, ElfError> {
    Range::new(what, offset, length, file)?.hold_if_small(file, HELD_BYTES)
}

/// The bytes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    bytes.iter().position(|byte| *byte == 0).and_then(|end| bytes.get(..end))
}

/// A number of 2 bytes.
pub(super) fn u16_at(bytes: &[u8], at: usize, ctx: Ctx) -> Option<u16> {
    let raw = *bytes.get(at..)?.first_chunk::<2>()?;
    Some(if ctx.is_little_endian() { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
}

/// A number of 4 bytes.
pub(super) fn u32_at(bytes: &[u8], at: usize, ctx: Ctx) -> Option<u32> {
    let raw = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if ctx.is_little_endian() { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
}

/// A number of 8 bytes.
pub(super) fn u64_at(bytes: &[u8], at: usize, ctx: Ctx) -> Option<u64> {
    let raw = *bytes.get(at..)?.first_chunk::<8>()?;
    Some(if ctx.is_little_endian() { u64::from_le_bytes(raw) } else { u64::from_be_bytes(raw) })
}

/// Bytes `from .. to` where both lie in `bytes`.
pub(super) fn slice(bytes: &[u8], from: u64, to: u64) -> Option<&[u8]> {
    bytes.get(in_memory(from)..in_memory(to))
}

/// A place in memory; one that no memory has lies behind every slice.
pub(super) fn in_memory(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
