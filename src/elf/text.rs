//! Search of byte patterns in the data of an object: version strings, build settings, compiler notes.
//!
//! Invariant: code is not searched, one chunk is held at a time, and the search ends with the last match that is wanted.

use goblin::elf::program_header::{PF_W, PF_X};
use goblin::elf::section_header::{SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS, SectionHeader};
use regex::bytes::Regex;

use super::ElfError;
use super::image::Image;
use super::limits::{ALL_TEXT_BYTES, CHUNK_BYTES, CONTEXT_BYTES, OVERLAP_BYTES, SECTION_NAME_BYTES, TEXT_BYTES};
use super::range::{fill, in_memory, until_nul};
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

impl TextMatch {
    fn is(&self, whole: &[u8]) -> bool {
        self.groups.first().and_then(Option::as_deref) == Some(whole)
    }
}

/// First match of each pattern, ordered by pattern.
pub(super) fn first(file: &dyn ReadAt, image: &Image, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
    within(file, spans(file, image)?, patterns)
}

/// First match of each pattern in ranges of any file, ordered by pattern.
pub(super) fn within(
    file: &dyn ReadAt,
    ranges: Vec<(u64, u64)>,
    patterns: &[Regex],
) -> Result<Vec<TextMatch>, ElfError> {
    let mut found = search(file, ranges, patterns, 1, TEXT_BYTES)?;
    found.sort_by_key(|found| found.pattern);
    Ok(found)
}

/// The first `most` distinct matches of `pattern`, in file order.
pub(super) fn all(file: &dyn ReadAt, image: &Image, pattern: &Regex, most: usize) -> Result<Vec<TextMatch>, ElfError> {
    search(file, spans(file, image)?, std::slice::from_ref(pattern), most, ALL_TEXT_BYTES)
}

fn search(
    file: &dyn ReadAt,
    ranges: Vec<(u64, u64)>,
    patterns: &[Regex],
    most: usize,
    limit_bytes: u64,
) -> Result<Vec<TextMatch>, ElfError> {
    let open = |(pattern, regex)| Open { pattern, regex, left: most, searched_to: 0 };
    let open = patterns.iter().enumerate().map(open).filter(|it| 0 < it.left).collect();
    let mut search = Search { file, open, found: Vec::new(), searched_bytes: 0, limit_bytes, buffer: Vec::new() };
    for (offset, length) in ranges {
        search.span(offset, length)?;
    }
    Ok(search.found)
}

struct Search<'a> {
    file: &'a dyn ReadAt,
    /// Patterns of which more matches are wanted.
    open: Vec<Open<'a>>,
    found: Vec<TextMatch>,
    searched_bytes: u64,
    limit_bytes: u64,
    /// One for all spans: an audit searches a hundred MiB.
    buffer: Vec<u8>,
}

struct Open<'a> {
    pattern: usize,
    regex: &'a Regex,
    /// Distinct matches that are still wanted.
    left: usize,
    /// Offset in the file behind the last match, which may reach into the next chunk.
    searched_to: u64,
}

impl Search<'_> {
    fn span(&mut self, offset: u64, length: u64) -> Result<(), ElfError> {
        let (mut read, mut held, mut context) = (0, 0, 0);
        while read < length && !self.open.is_empty() {
            let count = (length - read).min(CHUNK_BYTES as u64);
            self.searched_bytes = self.searched_bytes.saturating_add(count);
            if self.limit_bytes < self.searched_bytes {
                return Err(ElfError::Limit(format!("more than {} bytes of text", self.limit_bytes)));
            }
            let bytes = chunk(self.file, &mut self.buffer, held, offset + read, in_memory(count))?;
            read += count;
            let start = offset + read - bytes.len() as u64;
            // A match that begins in the last bytes may go on in the next chunk: it is left for that one.
            let end = if read < length { bytes.len().saturating_sub(OVERLAP_BYTES) } else { bytes.len() + 1 };
            let found = &mut self.found;
            self.open.retain_mut(|open| open.chunk(bytes, context, end, start, found));
            let whole = bytes.len();
            held = whole.min(OVERLAP_BYTES + CONTEXT_BYTES);
            context = held.saturating_sub(OVERLAP_BYTES);
            self.buffer.copy_within(whole - held..whole, 0);
        }
        Ok(())
    }
}

/// The first `held` bytes of `buffer`, and behind them the next `count` of the file.
fn chunk<'b>(
    file: &dyn ReadAt,
    buffer: &'b mut Vec<u8>,
    held: usize,
    offset: u64,
    count: usize,
) -> Result<&'b [u8], ElfError> {
    if buffer.len() < held + count {
        buffer.resize(held + count, 0);
    }
    let (bytes, _) = buffer.split_at_mut(held + count);
    fill(file, "a data section", offset, bytes.get_mut(held..).unwrap_or_default())?;
    Ok(bytes)
}

impl Open<'_> {
    /// Matches that begin in `from .. to` of `bytes`, which stand `start` into the file. Says whether more are wanted.
    fn chunk(&mut self, bytes: &[u8], from: usize, to: usize, start: u64, found: &mut Vec<TextMatch>) -> bool {
        let mut at = from.max(in_memory(self.searched_to.saturating_sub(start)));
        while at < to && at <= bytes.len() {
            let Some(whole) = self.regex.find_at(bytes, at).filter(|whole| whole.start() < to) else { return true };
            // An empty match is passed, not found again.
            at = whole.end().max(whole.start() + 1);
            self.searched_to = start + at as u64;
            if found.iter().any(|it| it.pattern == self.pattern && it.is(whole.as_bytes())) {
                continue;
            }
            // Groups cost more than the match: they are asked for only where it is new.
            let Some(captures) = self.regex.captures_at(bytes, whole.start()) else { return true };
            found.push(TextMatch {
                pattern: self.pattern,
                offset_bytes: start + whole.start() as u64,
                groups: captures.iter().map(|group| group.map(|group| group.as_bytes().to_vec())).collect(),
            });
            self.left -= 1;
            if self.left == 0 {
                return false;
            }
        }
        true
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
