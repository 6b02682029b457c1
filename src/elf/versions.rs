//! DT_VERNEED and DT_VERDEF: symbol versions that an object needs and defines.
//!
//! Invariant: a chain of entries only moves forward, so that it ends.

use std::collections::BTreeMap;

use goblin::container::Ctx;
use goblin::elf::dynamic::{DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM};

use super::dynamic::Parts;
use super::limits::{HEAD_BYTES, VERSION_ENTRIES};
use super::range::{Range, Strings, u16_at, u32_at};
use super::{ElfError, NeededVersions};
use crate::base::ReadAt;

/// The entry that names the file itself, not a version.
const VER_FLG_BASE: u16 = 1;
const VER_FLG_WEAK: u16 = 2;
/// Bit of a version index.
const HIDDEN: u16 = 0x8000;

/// Sizes of Verneed, Vernaux, Verdef and Verdaux: the same in both classes.
const VERNEED_BYTES: u64 = 16;
const VERNAUX_BYTES: u64 = 16;
const VERDEF_BYTES: u64 = 20;
const VERDAUX_BYTES: u64 = 8;

/// A version that is needed, under the index by which symbols name it.
pub(super) struct NeededVersion {
    pub(super) file: Vec<u8>,
    pub(super) version: Vec<u8>,
    /// Bit 15 of the index.
    pub(super) hidden: bool,
}

/// Per file the versions needed of it.
pub(super) fn needed(file: &dyn ReadAt, parts: &Parts) -> Result<NeededVersions, ElfError> {
    let entries = needed_entries(file, parts)?.into_iter();
    Ok(entries.map(|(file, versions)| (file, versions.into_iter().map(|it| (it.name, it.weak)).collect())).collect())
}

/// The versions that are needed, by the index that symbols name them by.
pub(super) fn needed_by_index(file: &dyn ReadAt, parts: &Parts) -> Result<BTreeMap<u16, NeededVersion>, ElfError> {
    let mut out = BTreeMap::new();
    for (file, versions) in needed_entries(file, parts)? {
        for Needed { name, index, .. } in versions {
            let hidden = index & HIDDEN != 0;
            out.insert(index & !HIDDEN, NeededVersion { file: file.clone(), version: name, hidden });
        }
    }
    Ok(out)
}

/// A file and the versions needed of it.
type NeededByFile = Vec<(Vec<u8>, Vec<Needed>)>;

struct Needed {
    name: Vec<u8>,
    weak: bool,
    index: u16,
}

fn needed_entries(file: &dyn ReadAt, parts: &Parts) -> Result<NeededByFile, ElfError> {
    let (Some(mut walk), Some(strings)) = (Walk::open(file, parts, DT_VERNEED, DT_VERNEEDNUM)?, &parts.strings) else {
        return Ok(Vec::new());
    };
    let mut strings = Strings::new(file, strings);
    let (mut files, mut at) = (Vec::new(), 0);
    for _ in 0..walk.count {
        let entry = walk.entry(at, VERNEED_BYTES)?;
        let mut versions = Vec::new();
        let mut aux_at = forward(at, entry.long(8)?)?;
        for _ in 0..entry.short(2)? {
            let aux = walk.entry(aux_at, VERNAUX_BYTES)?;
            let name = strings.get(u64::from(aux.long(8)?))?;
            versions.push(Needed { name, weak: aux.short(4)? & VER_FLG_WEAK != 0, index: aux.short(6)? });
            match aux.long(12)? {
                0 => break,
                next => aux_at = forward(aux_at, next)?,
            }
        }
        files.push((strings.get(u64::from(entry.long(4)?))?, versions));
        match entry.long(12)? {
            0 => break,
            next => at = forward(at, next)?,
        }
    }
    Ok(files)
}

/// The versions that the object defines, without the entry for the file itself.
pub(super) fn defined(file: &dyn ReadAt, parts: &Parts) -> Result<Vec<Vec<u8>>, ElfError> {
    Ok(defined_entries(file, parts)?.into_iter().map(|(_, name)| name).collect())
}

/// The same, by the index that symbols name them by.
pub(super) fn defined_by_index(file: &dyn ReadAt, parts: &Parts) -> Result<BTreeMap<u16, Vec<u8>>, ElfError> {
    Ok(defined_entries(file, parts)?.into_iter().collect())
}

fn defined_entries(file: &dyn ReadAt, parts: &Parts) -> Result<Vec<(u16, Vec<u8>)>, ElfError> {
    let (Some(mut walk), Some(strings)) = (Walk::open(file, parts, DT_VERDEF, DT_VERDEFNUM)?, &parts.strings) else {
        return Ok(Vec::new());
    };
    let mut strings = Strings::new(file, strings);
    let (mut versions, mut at) = (Vec::new(), 0);
    for _ in 0..walk.count {
        let entry = walk.entry(at, VERDEF_BYTES)?;
        if entry.short(2)? & VER_FLG_BASE == 0 && 0 < entry.short(6)? {
            let aux = walk.entry(forward(at, entry.long(12)?)?, VERDAUX_BYTES)?;
            versions.push((entry.short(4)? & !HIDDEN, strings.get(u64::from(aux.long(0)?))?));
        }
        match entry.long(16)? {
            0 => break,
            next => at = forward(at, next)?,
        }
    }
    Ok(versions)
}

/// A version table, and how many entries of it were read.
struct Walk<'a> {
    file: &'a dyn ReadAt,
    ctx: Ctx,
    table: Range,
    count: u64,
    seen_entries: usize,
}

impl<'a> Walk<'a> {
    fn open(file: &'a dyn ReadAt, parts: &Parts, tag: u64, count_tag: u64) -> Result<Option<Self>, ElfError> {
        let Some((offset, left)) = parts.place(tag, "the version table")? else {
            return Ok(None);
        };
        let table = Range::new("the version table", offset, left, file)?.hold_first(file, HEAD_BYTES)?;
        // Without a count the chain ends by itself, at a step of 0.
        let count = parts.value(count_tag).unwrap_or(u64::MAX);
        Ok(Some(Self { file, ctx: parts.image.ctx, table, count, seen_entries: 0 }))
    }

    fn entry(&mut self, at: u64, length: u64) -> Result<Entry, ElfError> {
        self.seen_entries += 1;
        if VERSION_ENTRIES < self.seen_entries {
            return Err(ElfError::Limit(format!("more than {VERSION_ENTRIES} version entries")));
        }
        Ok(Entry { bytes: self.table.bytes(self.file, at, length)?, ctx: self.ctx })
    }
}

struct Entry {
    bytes: Vec<u8>,
    ctx: Ctx,
}

impl Entry {
    fn short(&self, at: usize) -> Result<u16, ElfError> {
        u16_at(&self.bytes, at, self.ctx).ok_or_else(cut)
    }

    fn long(&self, at: usize) -> Result<u32, ElfError> {
        u32_at(&self.bytes, at, self.ctx).ok_or_else(cut)
    }
}

fn forward(at: u64, step: u32) -> Result<u64, ElfError> {
    at.checked_add(u64::from(step)).ok_or_else(cut)
}

fn cut() -> ElfError {
    ElfError::Malformed("a version entry is cut off".to_owned())
}
