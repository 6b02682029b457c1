//! The dynamic section: its entries, its string table, and the linkage that they give.

use goblin::elf::dynamic::{
    DF_1_NODEFLIB, DT_FLAGS_1, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, Dyn, Dynamic,
};
use goblin::elf::program_header::{PF_X, PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, ProgramHeader};

use super::image::{Image, malformed};
use super::limits::{DYNAMIC_ENTRIES, NEEDED_ENTRIES, STRING_BYTES};
use super::range::{Range, Strings, table, until_nul};
use super::{ElfError, Linkage, notes};
use crate::base::ReadAt;

/// Solaris extensions that glibc honours; goblin has no names for them.
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
const DT_DEPAUDIT: u64 = 0x6fff_fefb;
const DT_AUDIT: u64 = 0x6fff_fefc;

/// Entries that hold a name.
const NAMES: [u64; 8] = [DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_AUXILIARY, DT_FILTER, DT_AUDIT, DT_DEPAUDIT];

/// What the first reads of a file gave: enough for every later question.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) image: Image,
    pub(super) entries: Option<Vec<Dyn>>,
    pub(super) strings: Option<Range>,
}

impl Parts {
    /// Reads header, program headers, dynamic section and, where it is small, its string table.
    pub(super) fn open(file: &dyn ReadAt) -> Result<Self, ElfError> {
        let image = Image::open(file)?;
        let entries = read_entries(file, &image)?;
        let mut parts = Self { image, entries, strings: None };
        parts.strings = parts.string_table(file)?;
        Ok(parts)
    }

    /// Forgets the bytes that only the linkage needs.
    pub(super) fn release(&mut self) {
        self.image.release_head();
        self.strings = self.strings.as_ref().map(Range::released);
    }

    /// The value of the last entry with `tag`, as in glibc.
    pub(super) fn value(&self, tag: u64) -> Option<u64> {
        self.values(tag).last()
    }

    /// Where the table named by `tag` lies in the file, and how many bytes of its segment follow there.
    pub(super) fn place(&self, tag: u64, what: &str) -> Result<Option<(u64, u64)>, ElfError> {
        let Some(address) = self.value(tag) else {
            return Ok(None);
        };
        match self.image.offset_of(address) {
            Some(place) => Ok(Some(place)),
            None => Err(ElfError::Malformed(format!("{what} at address {address:#x} is not in the file"))),
        }
    }

    /// The linkage.
    pub(super) fn linkage(&self, file: &dyn ReadAt) -> Result<Linkage, ElfError> {
        let header = &self.image.header;
        let mut linkage = Linkage {
            machine: header.e_machine,
            bits: if self.image.ctx.is_big() { 64 } else { 32 },
            little_endian: self.image.ctx.is_little_endian(),
            os_abi: header.e_ident.get(7).copied().unwrap_or_default(),
            file_type: header.e_type,
            interpreter: self.interpreter(file)?,
            executable_stack: self.segment(PT_GNU_STACK).map(|segment| segment.p_flags & PF_X != 0),
            isa_needed: notes::isa_needed(file, &self.image)?,
            dynamic: self.entries.is_some(),
            no_default_library_path: self.values(DT_FLAGS_1).any(|flags| flags & DF_1_NODEFLIB != 0),
            ..Linkage::default()
        };
        let Some(table) = &self.strings else {
            return Ok(linkage);
        };
        let mut strings = Strings::new(file, table);
        let mut names = |tag: u64| self.values(tag).map(|at| strings.get(at)).collect::<Result<Vec<_>, _>>();
        linkage.needed = names(DT_NEEDED)?;
        linkage.soname = names(DT_SONAME)?.pop();
        linkage.rpath = names(DT_RPATH)?.pop();
        linkage.runpath = names(DT_RUNPATH)?.pop();
        linkage.auxiliary = names(DT_AUXILIARY)?;
        linkage.filter = names(DT_FILTER)?;
        linkage.audit = names(DT_AUDIT)?;
        linkage.audit.extend(names(DT_DEPAUDIT)?);
        Ok(linkage)
    }

    fn values(&self, tag: u64) -> impl Iterator<Item = u64> {
        self.entries.iter().flatten().filter(move |entry| entry.d_tag == tag).map(|entry| entry.d_val)
    }

    fn segment(&self, kind: u32) -> Option<&ProgramHeader> {
        self.image.segments.iter().find(|segment| segment.p_type == kind)
    }

    fn interpreter(&self, file: &dyn ReadAt) -> Result<Option<Vec<u8>>, ElfError> {
        let Some(segment) = self.segment(PT_INTERP) else {
            return Ok(None);
        };
        if STRING_BYTES < segment.p_filesz {
            return Err(ElfError::Limit(format!("an interpreter path of {} bytes", segment.p_filesz)));
        }
        let bytes = self.image.read(file, "the interpreter path", segment.p_offset, segment.p_filesz)?;
        Ok(Some(until_nul(&bytes).unwrap_or(&bytes).to_vec()))
    }

    fn string_table(&self, file: &dyn ReadAt) -> Result<Option<Range>, ElfError> {
        let needed = self.values(DT_NEEDED).count();
        if NEEDED_ENTRIES < needed {
            return Err(ElfError::Limit(format!("{needed} DT_NEEDED entries")));
        }
        let Some((offset, left)) = self.place(DT_STRTAB, "the string table")? else {
            let named = NAMES.iter().any(|tag| self.value(*tag).is_some());
            return if named { Err(ElfError::Malformed("names without a string table".to_owned())) } else { Ok(None) };
        };
        let length = self.value(DT_STRSZ).unwrap_or(left);
        if left < length {
            return Err(ElfError::Malformed(format!("the string table of {length} bytes leaves its segment")));
        }
        Ok(Some(table("the string table", file, offset, length)?))
    }
}

fn read_entries(file: &dyn ReadAt, image: &Image) -> Result<Option<Vec<Dyn>>, ElfError> {
    let Some(segment) = image.segments.iter().find(|segment| segment.p_type == PT_DYNAMIC) else {
        return Ok(None);
    };
    if DYNAMIC_ENTRIES < segment.p_filesz / Dyn::size(image.ctx.container) as u64 {
        return Err(ElfError::Limit(format!("a dynamic section of {} bytes", segment.p_filesz)));
    }
    let bytes = image.read(file, "the dynamic section", segment.p_offset, segment.p_filesz)?;
    let alone = ProgramHeader { p_offset: 0, ..segment.clone() };
    let dynamic = Dynamic::parse(&bytes, &[alone], image.ctx).map_err(malformed)?;
    Ok(dynamic.map(|dynamic| dynamic.dyns))
}
