//! What an object insists on: undefined symbols with the version that is wanted, and whether another object answers one
//! as the loader asks, version included.
//!
//! Source: `check_match` and `do_lookup_x` in glibc `elf/dl-lookup.c`, `_dl_check_map_versions` in `elf/dl-version.c`.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use goblin::elf::dynamic::{DT_JMPREL, DT_PLTREL, DT_PLTRELSZ, DT_REL, DT_RELA, DT_RELASZ, DT_RELSZ, DT_VERSYM};
use goblin::elf::sym::{STB_WEAK, Sym};

use super::ElfError;
use super::limits::{HELD_STRING_BYTES, HELD_TABLE_BYTES, RELOCATION_BYTES};
use super::range::{Range, Strings, u16_at, u32_at, u64_at};
use super::symbols::{Lookup, Symbols, is_definition, is_wanted};
use super::versions;

/// Relocations that are read at once, in bytes: a multiple of every entry size.
const RELOCATION_READ_BYTES: u64 = 24 * 1024;

/// Answers after which the tables of an object are held in memory.
const BUSY_ANSWERS: u32 = 8;

/// Bit of a version index: not the default version of its symbol.
const HIDDEN: u16 = 0x8000;

/// A symbol that an object wants from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its name.
    pub name: Vec<u8>,
    /// STB_WEAK: may stay undefined.
    pub weak: bool,
    /// The version that is wanted of it.
    pub version: Option<WantedVersion>,
    /// Index in the symbol table.
    pub index: u64,
}

/// A version of a symbol as DT_VERNEED names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WantedVersion {
    /// The file that had it when the object was linked.
    pub file: Vec<u8>,
    /// `GLIBC_2.34`.
    pub name: Vec<u8>,
    /// An object whose symbol has no version does not do.
    pub hidden: bool,
}

/// How the relocations of an object use a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Only called, through the procedure linkage table: lazy binding asks for it at the first call.
    Called,
    /// Its address or its value is taken: every loader insists on it.
    Data,
}

/// Whether versions count in a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning<'a> {
    /// glibc: the version that is wanted, or none.
    Wanted(Option<&'a WantedVersion>),
    /// musl: any default version (`gnu_lookup` in musl `ldso/dynlink.c`).
    Ignored,
}

/// The tables that a look-up reads, in memory.
pub(super) struct Held {
    symbols: Range,
    strings: Range,
    versions: Option<Range>,
}

impl Symbols {
    /// Every symbol that the object wants, in table order, with the version that it wants.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn references(&self) -> Result<Vec<Reference>, ElfError> {
        let Some((symbols, strings)) = &self.tables else {
            return Ok(Vec::new());
        };
        let file = self.file.as_ref();
        let (mut undefined, mut index) = (Vec::new(), 0_u64);
        self.scan(symbols, 1, self.undefined_end(symbols)?, |symbol| {
            index += 1;
            if is_wanted(symbol) {
                undefined.push((index, symbol.st_name as u64, symbol.st_bind() == STB_WEAK));
            }
            Ok(true)
        })?;
        if undefined.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = versions::needed_by_index(file, &self.parts)?;
        let held = strings.released().hold_if_small(file, HELD_STRING_BYTES)?;
        let mut strings = Strings::new(file, &held);
        let last = undefined.last().map_or(0, |(index, _, _)| *index);
        let indices = if wanted.is_empty() { None } else { self.version_indices()? };
        let indices = indices.map(|it| it.hold_first(file, last.saturating_mul(2) + 2)).transpose()?;
        let version = |index: u64| -> Result<Option<WantedVersion>, ElfError> {
            let Some(indices) = &indices else { return Ok(None) };
            let found = wanted.get(&(self.version_index(indices, index)? & !HIDDEN));
            Ok(found.map(|it| WantedVersion { file: it.file.clone(), name: it.version.clone(), hidden: it.hidden }))
        };
        let reference = |(index, at, weak): (u64, u64, bool)| {
            Ok(Reference { name: strings.get(at)?, weak, version: version(index)?, index })
        };
        undefined.into_iter().map(reference).collect()
    }

    /// Whether the object says nothing of versions at all: no DT_VERSYM.
    pub fn is_unversioned(&self) -> bool {
        self.parts.value(DT_VERSYM).is_none()
    }

    /// Whether the object answers a request for `name`, by the rules of the loader for versions.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn answers(&self, name: &[u8], versioning: Versioning<'_>) -> Result<bool, ElfError> {
        let Some((symbols, strings)) = &self.tables else {
            return Ok(false);
        };
        let file = self.file.as_ref();
        let held = self.held.get();
        let (symbols, strings) = held.map_or((symbols, strings), |it| (&it.symbols, &it.strings));
        let mut read = None;
        // Without a wanted version a single default version that is no base version does too.
        let mut newer = 0;
        let found = self.find(symbols, name, |index| {
            let indices = match (held, &read) {
                (Some(held), _) => &held.versions,
                (None, Some(read)) => read,
                (None, None) => read.insert(self.version_indices()?),
            };
            let found = self.symbol(symbols, index)?;
            if !is_definition(&found) || !strings.is_string(file, found.st_name as u64, name)? {
                return Ok(None);
            }
            let own = indices.as_ref().map(|it| self.version_index(it, index)).transpose()?;
            let Some(own) = own else { return Ok(Some(())) };
            let (plain, number) = (own & HIDDEN == 0, own & !HIDDEN);
            let fits = match versioning {
                Versioning::Ignored => plain,
                Versioning::Wanted(None) if number < 3 => true,
                Versioning::Wanted(None) => {
                    newer += usize::from(plain);
                    false
                }
                Versioning::Wanted(Some(wanted)) => match self.defined_by_index()?.get(&number) {
                    Some(version) => *version == wanted.name,
                    None => !wanted.hidden && plain,
                },
            };
            Ok(fits.then_some(()))
        })?;
        if held.is_none() && read.is_some() {
            self.hold_when_busy()?;
        }
        Ok(found.is_some() || newer == 1)
    }

    /// Whoever answers often has its tables in memory: one read of each costs less than several per symbol.
    fn hold_when_busy(&self) -> Result<(), ElfError> {
        let Some((symbols, strings)) = &self.tables else { return Ok(()) };
        if self.answered.fetch_add(1, Ordering::Relaxed) != BUSY_ANSWERS {
            return Ok(());
        }
        let file = self.file.as_ref();
        let count = self.count(symbols)?;
        let entry = Sym::size(self.parts.image.ctx.container) as u64;
        if HELD_TABLE_BYTES < count.saturating_mul(entry) || HELD_TABLE_BYTES < strings.length() {
            return Ok(());
        }
        if let Lookup::Gnu(hash) = &self.lookup {
            hash.hold(file, count)?;
        }
        let versions = self.version_indices()?.map(|it| it.hold_first(file, count * 2)).transpose()?;
        let symbols = symbols.released().hold_first(file, count * entry)?;
        let strings = strings.released().hold_first(file, HELD_TABLE_BYTES)?;
        self.held.get_or_init(|| Held { symbols, strings, versions });
        Ok(())
    }

    /// How relocations use the symbols with these indices. One without an entry is used by none: no loader asks for it.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn uses(&self, indices: &[u64]) -> Result<BTreeMap<u64, Use>, ElfError> {
        let mut uses = BTreeMap::new();
        let wide = self.parts.image.ctx.is_big();
        let with_addend = |it: u64| match (it, wide) {
            (1, true) => 24,
            (1, false) => 12,
            (_, true) => 16,
            (_, false) => 8,
        };
        let call_entry = with_addend(u64::from(self.parts.value(DT_PLTREL) == Some(DT_RELA)));
        let tables = [
            (DT_RELA, DT_RELASZ, with_addend(1), Use::Data),
            (DT_REL, DT_RELSZ, with_addend(0), Use::Data),
            (DT_JMPREL, DT_PLTRELSZ, call_entry, Use::Called),
        ];
        for (tag, size, entry_bytes, how) in tables {
            self.scan_relocations(tag, size, entry_bytes, |symbol| {
                if indices.contains(&symbol) {
                    let known = uses.entry(symbol).or_insert(how);
                    *known = how.max(*known);
                }
            })?;
        }
        Ok(uses)
    }

    fn scan_relocations(
        &self,
        tag: u64,
        size: u64,
        entry_bytes: u64,
        mut visit: impl FnMut(u64),
    ) -> Result<(), ElfError> {
        let (Some((offset, _)), Some(length)) = (self.parts.place(tag, "relocations")?, self.parts.value(size)) else {
            return Ok(());
        };
        if RELOCATION_BYTES < length {
            return Err(ElfError::Limit(format!("{length} bytes of relocations")));
        }
        let (file, ctx) = (self.file.as_ref(), self.parts.image.ctx);
        let table = Range::new("relocations", offset, length, file)?;
        let mut at = 0;
        while at < length {
            let count = RELOCATION_READ_BYTES.min(length - at);
            let bytes = table.bytes(file, at, count)?;
            for entry in bytes.chunks_exact(entry_bytes as usize) {
                // r_info follows r_offset; ELF64 keeps the symbol in its upper half, ELF32 in its upper 24 bits.
                let symbol = if ctx.is_big() {
                    u64_at(entry, 8, ctx).map(|info| info >> 32)
                } else {
                    u32_at(entry, 4, ctx).map(|info| u64::from(info >> 8))
                };
                symbol.into_iter().for_each(&mut visit);
            }
            at += count;
        }
        Ok(())
    }

    /// Read when the first name fits.
    fn defined_by_index(&self) -> Result<&BTreeMap<u16, Vec<u8>>, ElfError> {
        let read = || versions::defined_by_index(self.file.as_ref(), &self.parts);
        self.defined.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// DT_VERSYM: one index per symbol.
    fn version_indices(&self) -> Result<Option<Range>, ElfError> {
        match self.parts.place(DT_VERSYM, "DT_VERSYM")? {
            Some((offset, left)) => Range::new("DT_VERSYM", offset, left, self.file.as_ref()).map(Some),
            None => Ok(None),
        }
    }

    fn version_index(&self, indices: &Range, symbol: u64) -> Result<u16, ElfError> {
        let read = |raw: &[u8]| u16_at(raw, 0, self.parts.image.ctx);
        let number = indices.with(self.file.as_ref(), symbol.saturating_mul(2), 2, read)?;
        number.ok_or_else(|| ElfError::Malformed("DT_VERSYM is cut off".to_owned()))
    }
}
