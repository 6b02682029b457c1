//! Header, segments and sections: where things lie in the file.
//!
//! Invariant: an address without file bytes behind it has no offset; it is never taken for offset 0.

use goblin::container::Ctx;
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::SectionHeader;
use goblin::elf::{Elf, Header};

use super::ElfError;
use super::limits::{HEAD_BYTES, HEADER_BYTES, SECTIONS, SEGMENTS};
use super::range::{read, slice};
use crate::base::ReadAt;

/// The layout of one file.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) ctx: Ctx,
    pub(super) header: Header,
    pub(super) segments: Vec<ProgramHeader>,
    head: Vec<u8>,
}

impl Image {
    /// One read of 4 KiB, a second one where the program headers lie elsewhere.
    pub(super) fn open(file: &dyn ReadAt) -> Result<Self, ElfError> {
        let size = file.size_bytes();
        let head = read(file, "the header", 0, size.min(HEAD_BYTES))?;
        check_magic(&head)?;
        if size < HEADER_BYTES {
            return Err(ElfError::Truncated(format!("{size} bytes are no whole header")));
        }
        let header = Elf::parse_header(&head).map_err(malformed)?;
        let ctx = Ctx::new(header.container().map_err(malformed)?, header.endianness().map_err(malformed)?);
        let mut image = Self { ctx, header, segments: Vec::new(), head };
        image.segments = image.read_segments(file)?;
        image.check_segments(size)?;
        Ok(image)
    }

    /// Bytes of the file, out of the first read where they are part of it.
    pub(super) fn read(&self, file: &dyn ReadAt, what: &str, offset: u64, length: u64) -> Result<Vec<u8>, ElfError> {
        match slice(&self.head, offset, offset.saturating_add(length)) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => read(file, what, offset, length),
        }
    }

    /// Forgets the first read; what was learnt from it stays.
    pub(super) fn release_head(&mut self) {
        self.head = Vec::new();
    }

    /// Where `address` lies in the file, and how many bytes of its segment follow there.
    pub(super) fn offset_of(&self, address: u64) -> Option<(u64, u64)> {
        self.loads().find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr).filter(|inside| *inside < segment.p_filesz)?;
            Some((segment.p_offset.checked_add(inside)?, segment.p_filesz - inside))
        })
    }

    /// The PT_LOAD segments.
    pub(super) fn loads(&self) -> impl Iterator<Item = &ProgramHeader> {
        self.segments.iter().filter(|segment| segment.p_type == PT_LOAD)
    }

    /// The section headers; none where they are stripped or contradict the file, which hurts no loader.
    pub(super) fn sections(&self, file: &dyn ReadAt) -> Result<Vec<SectionHeader>, ElfError> {
        let header = &self.header;
        let (count, entry) = (u64::from(header.e_shnum), SectionHeader::size(self.ctx) as u64);
        let end = header.e_shoff.checked_add(count * entry);
        let sane = 0 < header.e_shoff && 0 < count && u64::from(header.e_shentsize) == entry;
        if !sane || SECTIONS < count || end.is_none_or(|end| file.size_bytes() < end) {
            return Ok(Vec::new());
        }
        let bytes = self.read(file, "the section headers", header.e_shoff, count * entry)?;
        SectionHeader::parse_from(&bytes, 0, usize::from(header.e_shnum), self.ctx).map_err(malformed)
    }

    fn read_segments(&self, file: &dyn ReadAt) -> Result<Vec<ProgramHeader>, ElfError> {
        let count = u64::from(self.header.e_phnum);
        if count == 0 {
            return Ok(Vec::new());
        }
        let entry = ProgramHeader::size(self.ctx) as u64;
        if u64::from(self.header.e_phentsize) != entry {
            let found = self.header.e_phentsize;
            return Err(ElfError::Malformed(format!("program headers of {found} bytes instead of {entry}")));
        }
        if SEGMENTS < count {
            return Err(ElfError::Limit(format!("{count} program headers")));
        }
        let end = self.header.e_phoff.checked_add(count * entry);
        if end.is_none_or(|end| file.size_bytes() < end) {
            return Err(ElfError::Truncated("the program headers lie outside the file".to_owned()));
        }
        let bytes = self.read(file, "the program headers", self.header.e_phoff, count * entry)?;
        ProgramHeader::parse(&bytes, 0, usize::from(self.header.e_phnum), self.ctx).map_err(malformed)
    }

    fn check_segments(&self, size: u64) -> Result<(), ElfError> {
        for segment in self.segments.iter().filter(|it| it.p_type == PT_LOAD || it.p_type == PT_DYNAMIC) {
            let end = segment.p_offset.checked_add(segment.p_filesz);
            if end.is_none_or(|end| size < end) {
                let what = if segment.p_type == PT_LOAD { "a loaded segment" } else { "the dynamic section" };
                let until = end.map_or_else(|| "no possible offset".to_owned(), |end| format!("byte {end}"));
                return Err(ElfError::Truncated(format!("{what} ends at {until}, the file has {size} bytes")));
            }
        }
        Ok(())
    }
}

/// An error of the parser in our words.
pub(super) fn malformed(error: goblin::error::Error) -> ElfError {
    ElfError::Malformed(error.to_string().to_lowercase())
}

fn check_magic(head: &[u8]) -> Result<(), ElfError> {
    if head.is_empty() {
        return Err(ElfError::Empty);
    }
    if head.starts_with(b"\x7fELF") {
        return Ok(());
    }
    Err(ElfError::NotElf { text: is_text(head) })
}

/// Text in the eyes of a reader: UTF-8 without control characters. The head may end inside a character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            return is_text(head.get(..error.valid_up_to()).unwrap_or_default());
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace())
}
