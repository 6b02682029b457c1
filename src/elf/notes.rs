//! Notes: the GNU build id, and the ISA level that an object needs.

use goblin::elf::header::{EM_386, EM_X86_64};
use goblin::elf::note::NT_GNU_BUILD_ID;
use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::SHT_NOTE;

use super::ElfError;
use super::image::Image;
use super::limits::NOTE_BYTES;
use super::range::{in_memory, u32_at};
use crate::base::ReadAt;

/// The descriptor of the note NT_GNU_BUILD_ID of owner `GNU`.
///
/// patchelf before 0.12 moved note sections and left PT_NOTE pointing at other bytes: where the segments hold no
/// build id, or no notes at all, the note sections are asked.
pub(super) fn build_id(file: &dyn ReadAt, image: &Image) -> Result<Option<Vec<u8>>, ElfError> {
    let segments = image.segments.iter().filter(|segment| segment.p_type == PT_NOTE);
    let in_segments = first(file, image, segments.map(|it| (it.p_offset, it.p_filesz, it.p_align)));
    if let Ok(Some(id)) = in_segments {
        return Ok(Some(id));
    }
    let sections = image.sections(file)?;
    let sections = sections.iter().filter(|section| section.sh_type == SHT_NOTE);
    match first(file, image, sections.map(|it| (it.sh_offset, it.sh_size, it.sh_addralign)))? {
        Some(id) => Ok(Some(id)),
        None => in_segments,
    }
}

/// PT_GNU_PROPERTY; goblin has no name for it.
const PT_GNU_PROPERTY: u32 = 0x6474_e553;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED: u32 = 0xc000_8002;

/// The ISA levels that an object needs; 0 where it says nothing. A note that contradicts itself says nothing, as in glibc
/// (`_dl_process_property_note` in glibc `sysdeps/x86/dl-prop.h`).
pub(super) fn isa_needed(file: &dyn ReadAt, image: &Image) -> Result<u32, ElfError> {
    let x86 = [EM_X86_64, EM_386].contains(&image.header.e_machine);
    let Some(segment) = image.segments.iter().find(|it| x86 && it.p_type == PT_GNU_PROPERTY) else { return Ok(0) };
    if NOTE_BYTES < segment.p_filesz {
        return Err(ElfError::Limit(format!("notes of {} bytes", segment.p_filesz)));
    }
    let align = if image.ctx.is_big() { 8 } else { 4 };
    let bytes = image.read(file, "a note", segment.p_offset, segment.p_filesz)?;
    let note = note_at(&bytes, 0, align, image).filter(|it| it.kind == NT_GNU_PROPERTY_TYPE_0 && it.owner == b"GNU\0");
    let mut rest = note.map_or(b"".as_slice(), |it| it.descriptor);
    while let (Some(kind), Some(length)) = (u32_at(rest, 0, image.ctx), u32_at(rest, 4, image.ctx)) {
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED {
            return Ok(u32_at(rest, 8, image.ctx).unwrap_or(0));
        }
        let next = in_memory(u64::from(length)).checked_next_multiple_of(align).and_then(|it| it.checked_add(8));
        rest = next.and_then(|it| rest.get(it..)).unwrap_or_default();
    }
    Ok(0)
}

fn first(
    file: &dyn ReadAt,
    image: &Image,
    spans: impl Iterator<Item = (u64, u64, u64)>,
) -> Result<Option<Vec<u8>>, ElfError> {
    for (offset, length, align) in spans {
        if NOTE_BYTES < length {
            return Err(ElfError::Limit(format!("notes of {length} bytes")));
        }
        let bytes = image.read(file, "a note", offset, length)?;
        let align = if align == 8 { 8 } else { 4 };
        let mut at = 0;
        while at < bytes.len() {
            let cut = || ElfError::Malformed("a note is cut off".to_owned());
            let note = note_at(&bytes, at, align, image).ok_or_else(cut)?;
            if note.kind == NT_GNU_BUILD_ID && note.owner == b"GNU\0" {
                return Ok(Some(note.descriptor.to_vec()));
            }
            at = note.next;
        }
    }
    Ok(None)
}

struct Note<'a> {
    kind: u32,
    owner: &'a [u8],
    descriptor: &'a [u8],
    next: usize,
}

fn note_at<'a>(bytes: &'a [u8], at: usize, align: usize, image: &Image) -> Option<Note<'a>> {
    let field = |index: usize| u32_at(bytes, at.checked_add(index * 4)?, image.ctx);
    let owner_length = in_memory(u64::from(field(0)?));
    let descriptor_length = in_memory(u64::from(field(1)?));
    let owner_start = at.checked_add(12)?;
    let owner_end = owner_start.checked_add(owner_length)?;
    let start = owner_end.checked_next_multiple_of(align)?;
    let end = start.checked_add(descriptor_length)?;
    Some(Note {
        kind: field(2)?,
        owner: bytes.get(owner_start..owner_end)?,
        descriptor: bytes.get(start..end)?,
        next: end.checked_next_multiple_of(align)?,
    })
}
