//! `ld.so.cache`: a table of sonames that `ldconfig` wrote.
//!
//! Layout measured on caches of glibc 2.23 to 2.43: an old table in front is skipped, the new one has a 48-byte header and
//! 24-byte entries. Invariant: every offset is checked; a cache that lies is a malformed cache, not a panic.

use std::ops::Range;

/// Most entries that are read.
const ENTRIES: usize = 200_000;

/// The parsed cache.
///
/// Invariant: a string is a place in the table, never a copy: a hundred thousand entries may name the same four thousand bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Cache {
    table: Vec<u8>,
    entries: Vec<Entry>,
    hwcaps: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Entry {
    flags: i32,
    soname: Range<usize>,
    path: Range<usize>,
    hwcap: u64,
}

/// Begins the new table, and the old one.
const MAGIC: [&[u8]; 2] = [b"glibc-ld.so.cache1.1", b"ld.so-1.7.0"];

/// Whether a file that begins so is a cache of the loader.
pub fn is_cache(head: &[u8]) -> bool {
    MAGIC.iter().any(|it| head.starts_with(it))
}

/// Bit 62 of the hwcap field: the low half is an index into the glibc-hwcaps list.
const EXTENSION_BIT: u64 = 1 << 62;

impl Cache {
    /// Reads the bytes of a cache file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let start = if bytes.starts_with(MAGIC[1]) {
            let old = number32(bytes, 12, false).ok_or("old header is cut")? as usize;
            let end = old.checked_mul(12).and_then(|it| it.checked_add(16)).ok_or("old table is too long")?;
            end.checked_add(7).ok_or("old table is too long")? & !7
        } else {
            0
        };
        let table = bytes.get(start..).ok_or("new table is missing")?;
        if !table.starts_with(MAGIC[0]) {
            return Err("unknown magic".to_owned());
        }
        let big_endian = table.get(28).is_some_and(|it| it & 3 == 3);
        let count = number32(table, 20, big_endian).ok_or("header is cut")? as usize;
        if count > ENTRIES {
            return Err(format!("more than {ENTRIES} entries"));
        }
        let mut entries = Vec::new();
        for index in 0..count {
            let at = 48 + index * 24;
            entries.push(entry(table, at, big_endian).ok_or_else(|| format!("entry {index} is cut"))?);
        }
        Ok(Self { table: table.to_vec(), entries, hwcaps: hwcaps(table, big_endian).unwrap_or_default() })
    }

    /// Whether any entry is for some CPUs only.
    pub(super) fn has_levels(&self) -> bool {
        !self.hwcaps.is_empty()
    }

    /// Paths of every entry whose soname `fits`.
    pub(super) fn holding(&self, fits: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
        self.entries.iter().filter(|it| fits(self.text(&it.soname))).map(|it| self.text(&it.path)).collect()
    }

    fn text(&self, place: &Range<usize>) -> &[u8] {
        self.table.get(place.clone()).unwrap_or_default()
    }

    /// Paths for `soname` among entries with `flags`, best first: usable hwcaps entries beat the plain ones.
    /// `levels` are the hwcaps subdirectory names of the CPU, best first; `legacy` says whether mask entries still count.
    pub(super) fn paths(&self, soname: &[u8], flags: &[i32], levels: &[&[u8]], legacy: bool) -> Vec<&[u8]> {
        let mut ranked: Vec<(usize, &[u8])> = Vec::new();
        for entry in self.entries.iter().filter(|it| self.text(&it.soname) == soname && flags.contains(&it.flags)) {
            let rank = if entry.hwcap & EXTENSION_BIT != 0 {
                let name = self.hwcaps.get((entry.hwcap & 0xffff_ffff) as usize);
                name.and_then(|name| levels.iter().position(|level| level == name))
            } else if entry.hwcap != 0 {
                legacy.then_some(levels.len())
            } else {
                Some(levels.len() + 1)
            };
            if let Some(rank) = rank {
                ranked.push((rank, self.text(&entry.path)));
            }
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, path)| path).collect()
    }
}

fn entry(table: &[u8], at: usize, big_endian: bool) -> Option<Entry> {
    let key = number32(table, at + 4, big_endian)? as usize;
    let value = number32(table, at + 8, big_endian)? as usize;
    let flags = number32(table, at, big_endian)?;
    let raw: [u8; 8] = table.get(at + 16..at + 24)?.try_into().ok()?;
    let hwcap = if big_endian { u64::from_be_bytes(raw) } else { u64::from_le_bytes(raw) };
    let flags = i32::from_ne_bytes(flags.to_ne_bytes());
    Some(Entry { flags, soname: string(table, key)?, path: string(table, value)?, hwcap })
}

/// Extension tag 1: offsets of the glibc-hwcaps names.
fn hwcaps(table: &[u8], big_endian: bool) -> Option<Vec<Vec<u8>>> {
    let extension = number32(table, 32, big_endian)? as usize;
    if extension == 0 || number32(table, extension, big_endian)? != 0xeaa4_2174 {
        return None;
    }
    let sections = number32(table, extension + 4, big_endian)? as usize;
    for index in 0..sections.min(64) {
        let at = extension + 8 + index * 16;
        if number32(table, at, big_endian)? == 1 {
            let offset = number32(table, at + 8, big_endian)? as usize;
            let size = number32(table, at + 12, big_endian)? as usize;
            let name = |it: usize| {
                let place = string(table, number32(table, offset + it * 4, big_endian)? as usize)?;
                table.get(place).map(<[u8]>::to_vec)
            };
            return (0..(size / 4).min(256)).map(name).collect();
        }
    }
    None
}

fn number32(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let raw: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
}

/// Where the string lies that begins at `at`.
fn string(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let tail = bytes.get(at..)?;
    let end = tail.iter().take(4096).position(|b| *b == 0)?;
    Some(at..at + end)
}
