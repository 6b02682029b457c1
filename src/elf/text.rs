//! Search of byte patterns in the data of an object: version strings, build settings, compiler notes.
//!
//! Invariant: code is not searched, one chunk is held at a time, and the search ends with the last pattern.

use goblin::elf::program_header::{PF_W, PF_X};
use goblin::elf::section_header::{SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS, SectionHeader};
use regex::bytes::Regex;

use super::ElfError;
use super::image::Image;
use super::limits::{CHUNK_BYTES, CONTEXT_BYTES, OVERLAP_BYTES, SECTION_NAME_BYTES, TEXT_BYTES};
use super::range::until_nul;
use crate::base::ReadAt;

/// Loaded sections that hold tables of numbers and are large in C++ libraries.
const TABLE_SECTIONS: [&[u8]; 3] = [b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"];

/// A match of a pattern in the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMatch {
    /// Index of the pattern.
    pub pattern: usize,
    /// Offset of the match in the file, in bytes.
    pub offset_bytes: u64,
    /// Capture groups, 0 is the whole match.
    pub groups: Vec<Option<Vec<u8>>>,
}

/// First match of each pattern, ordered by pattern.
pub(super) fn search(file: &dyn ReadAt, image: &Image, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
    let mut search =
        Search { file, patterns, open: (0..patterns.len()).collect(), found: Vec::new(), searched_bytes: 0 };
    for (offset, length) in spans(file, image)? {
        search.span(offset, length)?;
    }
    search.found.sort_by_key(|found| found.pattern);
    Ok(search.found)
}

struct Search<'a> {
    file: &'a dyn ReadAt,
    patterns: &'a [Regex],
    /// Patterns without a match so far.
    open: Vec<usize>,
    found: Vec<TextMatch>,
    searched_bytes: u64,
}

impl Search<'_> {
    fn span(&mut self, offset: u64, length: u64) -> Result<(), ElfError> {
        let mut buffer: Vec<u8> = Vec::new();
        let (mut read, mut context) = (0, 0);
        while read < length && !self.open.is_empty() {
            let count = (length - read).min(CHUNK_BYTES as u64);
            self.searched_bytes = self.searched_bytes.saturating_add(count);
            if TEXT_BYTES < self.searched_bytes {
                return Err(ElfError::Limit(format!("more than {TEXT_BYTES} bytes of text")));
            }
            buffer.extend(super::range::read(self.file, "a data section", offset + read, count)?);
            read += count;
            let start = offset + read - buffer.len() as u64;
            // A match that begins in the last bytes may go on in the next chunk: it is left for that one.
            let end = if read < length { buffer.len().saturating_sub(OVERLAP_BYTES) } else { buffer.len() + 1 };
            self.chunk(&buffer, context, end, start);
            let keep = buffer.len().min(OVERLAP_BYTES + CONTEXT_BYTES);
            context = keep.saturating_sub(OVERLAP_BYTES);
            buffer.drain(..buffer.len() - keep);
        }
        Ok(())
    }

    /// Matches that begin in `from .. to` of `bytes`, which stand `start` into the file.
    fn chunk(&mut self, bytes: &[u8], from: usize, to: usize, start: u64) {
        let (patterns, found) = (self.patterns, &mut self.found);
        self.open.retain(|pattern| {
            let captures = patterns.get(*pattern).and_then(|regex| regex.captures_at(bytes, from));
            let Some((captures, whole)) = captures.and_then(|it| it.get(0).map(|whole| whole.range()).map(|w| (it, w)))
            else {
                return true;
            };
            if to <= whole.start {
                return true;
            }
            found.push(TextMatch {
                pattern: *pattern,
                offset_bytes: start + whole.start as u64,
                groups: captures.iter().map(|group| group.map(|group| group.as_bytes().to_vec())).collect(),
            });
            false
        });
    }
}

/// Offset and length of what is searched, in file order and disjoint.
fn spans(file: &dyn ReadAt, image: &Image) -> Result<Vec<(u64, u64)>, ElfError> {
    let mut spans = section_spans(file, image)?;
    if spans.is_empty() {
        spans = segment_spans(image);
    }
    spans.sort_unstable();
    let mut disjoint: Vec<(u64, u64)> = Vec::new();
    for (offset, length) in spans {
        match disjoint.last_mut() {
            Some((first, before)) if offset <= *first + *before => *before = (*before).max(offset - *first + length),
            Some(_) | None => disjoint.push((offset, length)),
        }
    }
    Ok(disjoint)
}

/// The data sections and `.comment`; none where the section headers are missing or leave the file.
fn section_spans(file: &dyn ReadAt, image: &Image) -> Result<Vec<(u64, u64)>, ElfError> {
    let sections = image.sections(file)?;
    let inside = |section: &SectionHeader| {
        section.sh_offset.checked_add(section.sh_size).is_some_and(|end| end <= file.size_bytes())
    };
    let Some(table) = sections.get(usize::from(image.header.e_shstrndx)) else {
        return Ok(Vec::new());
    };
    if SECTION_NAME_BYTES < table.sh_size || !inside(table) {
        return Ok(Vec::new());
    }
    let names = image.read(file, "the section names", table.sh_offset, table.sh_size)?;
    let mut spans = Vec::new();
    for section in sections.iter().filter(|section| section.sh_type == SHT_PROGBITS && 0 < section.sh_size) {
        if !inside(section) {
            return Ok(Vec::new());
        }
        let name = names.get(section.sh_name..).and_then(until_nul).unwrap_or_default();
        let flags = section.sh_flags as u32;
        let loaded = flags & SHF_ALLOC != 0 && flags & SHF_EXECINSTR == 0 && !TABLE_SECTIONS.contains(&name);
        if loaded || name == b".comment" {
            spans.push((section.sh_offset, section.sh_size));
        }
    }
    Ok(spans)
}

/// The segments that are not executable. Older linkers put constants next to the code: where no segment is read-only,
/// the executable one is searched too.
fn segment_spans(image: &Image) -> Vec<(u64, u64)> {
    let read_only = image.loads().any(|segment| segment.p_flags & (PF_X | PF_W) == 0);
    let searched = image.loads().filter(|segment| segment.p_flags & PF_X == 0 || !read_only);
    searched.map(|segment| (segment.p_offset, segment.p_filesz)).filter(|(_, length)| 0 < *length).collect()
}
