//! The dynamic symbol table: one definition by hash, or what is wanted of others.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

use goblin::elf::dynamic::{DT_GNU_HASH, DT_HASH, DT_SYMTAB, DT_VERSYM};
use goblin::elf::header::EM_S390;
use goblin::elf::section_header::SHT_DYNSYM;
use goblin::elf::sym::{
    STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_COMMON, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT, STT_TLS,
    STV_DEFAULT, STV_PROTECTED, Sym,
};

use super::dynamic::Parts;
use super::hash::{GnuHash, SystemVHash};
use super::image::malformed;
use super::limits::{HELD_STRING_BYTES, SYMBOLS};
use super::range::{Range, Strings};
use super::references::Held;
use super::{ElfError, NeededVersions, versions};
use crate::base::ReadAt;

/// Symbols that a scan reads at once.
const SCAN_SYMBOLS: u64 = 4 * 1024;

const SHN_UNDEF: usize = 0;
const SHN_ABS: usize = 0xfff1;

/// A symbol that an object defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: Vec<u8>,
    /// STB_WEAK.
    pub weak: bool,
    /// STT_OBJECT (data), else a function or untyped.
    pub data: bool,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Offset in the file of what it names; `None` where it lies in .bss.
    pub offset_bytes: Option<u64>,
}

/// A symbol that an object wants from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: Vec<u8>,
    /// STB_WEAK: may stay undefined.
    pub weak: bool,
}

/// The dynamic symbol table of one object.
pub struct Symbols {
    pub(super) file: Arc<dyn ReadAt>,
    pub(super) parts: Arc<Parts>,
    /// The symbols and their strings; `None` where the object has no symbol table.
    pub(super) tables: Option<(Range, Range)>,
    /// DT_VERDEF by index, once it was asked for.
    pub(super) defined: OnceLock<Result<BTreeMap<u16, Vec<u8>>, ElfError>>,
    /// What look-ups read, once many were asked for.
    pub(super) held: OnceLock<Held>,
    /// Look-ups so far that found a symbol to compare.
    pub(super) answered: AtomicU32,
    pub(super) lookup: Lookup,
}

pub(super) enum Lookup {
    Gnu(GnuHash),
    SystemV(SystemVHash),
    Scan,
}

impl Symbols {
    /// Prepares the table: reads the hash headers, not the symbols.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Self, ElfError> {
        let mut parts = Parts::open(file.as_ref())?;
        parts.release();
        Self::from_parts(file, Arc::new(parts))
    }

    /// The definition of `name` with default visibility, by DT_GNU_HASH, else DT_HASH, else a scan.
    ///
    /// Symbol versions are ignored: a name that is defined under any version is defined.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn definition(&self, name: &[u8]) -> Result<Option<Definition>, ElfError> {
        let Some((symbols, strings)) = &self.tables else {
            return Ok(None);
        };
        let file = self.file.as_ref();
        let accept = |index: u64| {
            let found = self.symbol(symbols, index)?;
            let same = is_definition(&found) && strings.is_string(file, found.st_name as u64, name)?;
            Ok(same.then(|| self.describe(name, &found)))
        };
        self.find(symbols, name, accept)
    }

    /// Calls `accept` with the symbols that may have `name` until it returns something.
    pub(super) fn find<T>(
        &self,
        symbols: &Range,
        name: &[u8],
        mut accept: impl FnMut(u64) -> Result<Option<T>, ElfError>,
    ) -> Result<Option<T>, ElfError> {
        match &self.lookup {
            Lookup::Gnu(hash) => hash.find(self.file.as_ref(), name, accept),
            Lookup::SystemV(hash) => hash.find(self.file.as_ref(), name, accept),
            Lookup::Scan => {
                let (mut found, mut index) = (None, 0);
                self.scan(symbols, 1, self.count(symbols)?, |symbol| {
                    index += 1;
                    if is_definition(symbol) {
                        found = accept(index)?;
                    }
                    Ok(found.is_none())
                })?;
                Ok(found)
            }
        }
    }

    /// Every symbol that the object wants, in table order.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn wanted(&self) -> Result<Vec<Wanted>, ElfError> {
        let Some((symbols, strings)) = &self.tables else {
            return Ok(Vec::new());
        };
        let file = self.file.as_ref();
        let mut undefined = Vec::new();
        self.scan(symbols, 1, self.undefined_end(symbols)?, |symbol| {
            if is_wanted(symbol) {
                undefined.push((symbol.st_name as u64, symbol.st_bind() == STB_WEAK));
            }
            Ok(true)
        })?;
        if undefined.is_empty() {
            return Ok(Vec::new());
        }
        // Names lie all over the table: one read of it costs less than one per name.
        let held = strings.released().hold_if_small(file, HELD_STRING_BYTES)?;
        let mut strings = Strings::new(file, &held);
        undefined.into_iter().map(|(at, weak)| Ok(Wanted { name: strings.get(at)?, weak })).collect()
    }

    /// DT_VERNEED: per file the versions that are needed; `true` marks a weak need.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn needed_versions(&self) -> Result<NeededVersions, ElfError> {
        versions::needed(self.file.as_ref(), &self.parts)
    }

    /// DT_VERDEF: versions that the object defines; empty when it defines none.
    ///
    /// # Errors
    /// As [`super::read_linkage`].
    pub fn defined_versions(&self) -> Result<Vec<Vec<u8>>, ElfError> {
        versions::defined(self.file.as_ref(), &self.parts)
    }

    pub(super) fn from_parts(file: Arc<dyn ReadAt>, parts: Arc<Parts>) -> Result<Self, ElfError> {
        let ctx = parts.image.ctx;
        let symbols = match parts.place(DT_SYMTAB, "the symbol table")? {
            Some((offset, left)) => Some(Range::new("the symbol table", offset, left, file.as_ref())?),
            None => None,
        };
        let lookup = if let Some((offset, left)) = parts.place(DT_GNU_HASH, "DT_GNU_HASH")? {
            Lookup::Gnu(GnuHash::open(file.as_ref(), ctx, offset, left)?)
        } else if let Some(hash) = system_v_hash(file.as_ref(), &parts)? {
            Lookup::SystemV(hash)
        } else {
            Lookup::Scan
        };
        let tables = symbols.zip(parts.strings.as_ref().map(Range::released));
        Ok(Self {
            file,
            parts,
            tables,
            defined: OnceLock::new(),
            held: OnceLock::new(),
            answered: AtomicU32::new(0),
            lookup,
        })
    }

    fn describe(&self, name: &[u8], symbol: &Sym) -> Definition {
        let kind = symbol.st_type();
        let placed = kind != STT_TLS && symbol.st_shndx != SHN_ABS;
        Definition {
            name: name.to_vec(),
            weak: symbol.st_bind() == STB_WEAK,
            data: kind == STT_OBJECT || kind == STT_COMMON || kind == STT_TLS,
            size_bytes: symbol.st_size,
            offset_bytes: self.parts.image.offset_of(symbol.st_value).map(|(offset, _)| offset).filter(|_| placed),
        }
    }

    pub(super) fn symbol(&self, symbols: &Range, index: u64) -> Result<Sym, ElfError> {
        let entry = Sym::size(self.parts.image.ctx.container) as u64;
        let bytes = symbols.bytes(self.file.as_ref(), index.saturating_mul(entry), entry)?;
        let mut parsed = Sym::parse(&bytes, 0, 1, self.parts.image.ctx).map_err(malformed)?;
        parsed.pop().ok_or_else(|| ElfError::Malformed("a symbol is cut off".to_owned()))
    }

    /// Calls `visit` with the symbols `first .. end` until it returns false.
    pub(super) fn scan(
        &self,
        symbols: &Range,
        first: u64,
        end: u64,
        mut visit: impl FnMut(&Sym) -> Result<bool, ElfError>,
    ) -> Result<(), ElfError> {
        if SYMBOLS < end {
            return Err(ElfError::Limit(format!("{end} symbols")));
        }
        let ctx = self.parts.image.ctx;
        let entry = Sym::size(ctx.container) as u64;
        let mut index = first;
        while index < end {
            let count = SCAN_SYMBOLS.min(end - index);
            let bytes = symbols.bytes(self.file.as_ref(), index * entry, count * entry)?;
            for symbol in Sym::parse(&bytes, 0, bytes.len() / entry as usize, ctx).map_err(malformed)? {
                if !visit(&symbol)? {
                    return Ok(());
                }
            }
            index += count;
        }
        Ok(())
    }

    /// The index behind the last undefined symbol. Linkers put all hashed symbols last, and hash no undefined one.
    pub(super) fn undefined_end(&self, symbols: &Range) -> Result<u64, ElfError> {
        match &self.lookup {
            Lookup::Gnu(hash) if !hash.is_empty(self.file.as_ref())? => Ok(hash.first_symbol),
            Lookup::Gnu(_) | Lookup::SystemV(_) | Lookup::Scan => self.count(symbols),
        }
    }

    /// How many symbols there are: nothing in the dynamic section says it outright.
    pub(super) fn count(&self, symbols: &Range) -> Result<u64, ElfError> {
        if let Lookup::SystemV(hash) = &self.lookup {
            return Ok(hash.symbols);
        }
        let file = self.file.as_ref();
        let entry = Sym::size(self.parts.image.ctx.container) as u64;
        let sections = self.parts.image.sections(file)?;
        let section = sections.iter().find(|it| it.sh_type == SHT_DYNSYM && it.sh_offset == symbols.offset());
        if let Some(section) = section {
            return Ok(section.sh_size / entry);
        }
        if let Some(hash) = system_v_hash(file, &self.parts)? {
            return Ok(hash.symbols);
        }
        self.distance_to_next_table(symbols).map(|bytes| bytes / entry)
    }

    /// Without section headers and DT_HASH the symbols end where the next table begins, at the latest.
    fn distance_to_next_table(&self, symbols: &Range) -> Result<u64, ElfError> {
        let strings = self.tables.as_ref().map(|(_, strings)| strings.offset());
        let mut ends: Vec<u64> = strings.into_iter().collect();
        for tag in [DT_GNU_HASH, DT_VERSYM] {
            ends.extend(self.parts.place(tag, "a table")?.map(|(offset, _)| offset));
        }
        let distances = ends.iter().filter_map(|end| end.checked_sub(symbols.offset())).filter(|it| 0 < *it);
        Ok(distances.chain([symbols.length()]).min().unwrap_or_default())
    }
}

/// DT_HASH, whose entries have 8 bytes on 64-bit s390.
fn system_v_hash(file: &dyn ReadAt, parts: &Parts) -> Result<Option<SystemVHash>, ElfError> {
    let Some((offset, left)) = parts.place(DT_HASH, "DT_HASH")? else {
        return Ok(None);
    };
    let ctx = parts.image.ctx;
    let entry_bytes = if ctx.is_big() && parts.image.header.e_machine == EM_S390 { 8 } else { 4 };
    SystemVHash::open(file, ctx, entry_bytes, offset, left).map(Some)
}

/// What another object may bind to; glibc `elf/dl-lookup.c` accepts the same kinds.
pub(super) fn is_definition(symbol: &Sym) -> bool {
    let kind = symbol.st_type();
    symbol.st_shndx != SHN_UNDEF
        && [STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].contains(&symbol.st_bind())
        && [STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_visibility())
        && [STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_TLS, STT_GNU_IFUNC].contains(&kind)
        && (symbol.st_value != 0 || symbol.st_shndx == SHN_ABS || kind == STT_TLS)
}

pub(super) fn is_wanted(symbol: &Sym) -> bool {
    symbol.st_shndx == SHN_UNDEF && [STB_GLOBAL, STB_WEAK].contains(&symbol.st_bind()) && symbol.st_name != 0
}
