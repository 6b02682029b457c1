//! Which parts of an object are asked for when it is not code that matters: told by its first bytes alone.

use std::io;
use std::ops::Range;

use goblin::elf::program_header::{PF_X, PT_GNU_EH_FRAME, PT_INTERP};

use super::image::Image;
use super::limits::HEAD_BYTES;
use crate::base::ReadAt;

/// Up to this size a loader is asked for as a whole, in bytes: it names its version in its code.
const SMALL_BYTES: u64 = 256 << 10;

/// The most of one segment, in bytes: code of GPUs fills gigabytes of what is no code for the CPU.
const SEGMENT_BYTES: u64 = 8 << 20;

/// Section headers, their names and `.comment` stand at the end, in bytes.
const END_BYTES: u64 = 64 << 10;

/// The ranges of an ELF file that [`super::Object`] reads, but for code; `None` where `head`, its first bytes, are of none.
pub fn outline(head: &[u8], size_bytes: u64) -> Option<Vec<Range<u64>>> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let whole = Range { start: 0, end: size_bytes };
    let Ok(image) = Image::open(&Beginning { head, size_bytes }) else {
        // Odd files are small, or their reader says what is wrong with their beginning.
        return Some(vec![Range { end: size_bytes.min(SMALL_BYTES), ..whole }]);
    };
    if size_bytes <= SMALL_BYTES && may_be_loader(&image) {
        return Some(vec![whole]);
    }
    let mut ranges = vec![0..HEAD_BYTES.min(size_bytes), size_bytes.saturating_sub(END_BYTES)..size_bytes];
    for segment in image.loads().filter(|it| it.p_flags & PF_X == 0) {
        let end = segment.p_offset.saturating_add(segment.p_filesz.min(SEGMENT_BYTES));
        let end = unwind_tables(&image).find(|it| (segment.p_offset..end).contains(it)).unwrap_or(end);
        ranges.push(segment.p_offset..end.min(size_bytes));
    }
    // Older linkers put tables and code into one segment, tables first.
    if let Some(first) = image.loads().find(|it| it.p_flags & PF_X != 0 && it.p_offset == 0) {
        ranges.push(0..first.p_filesz.min(SEGMENT_BYTES).min(size_bytes));
    }
    Some(ranges)
}

/// Linkers put the tables by which exceptions are unwound at the end of the constants; nobody asks for them.
fn unwind_tables(image: &Image) -> impl Iterator<Item = u64> {
    image.segments.iter().filter(|it| it.p_type == PT_GNU_EH_FRAME).map(|it| it.p_offset)
}

/// A loader can be started, and asks for no other.
fn may_be_loader(image: &Image) -> bool {
    image.header.e_entry != 0 && image.segments.iter().all(|it| it.p_type != PT_INTERP)
}

/// The beginning of a file whose rest is not there.
struct Beginning<'a> {
    head: &'a [u8],
    size_bytes: u64,
}

impl ReadAt for Beginning<'_> {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset_bytes).unwrap_or(usize::MAX);
        let rest = self.head.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}
