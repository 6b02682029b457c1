//! Files with holes: what is stored of them, and what they are.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::base::{ReadAt, fill};

/// A stretch of data: where it begins in the file, and its length.
type Stretch = (u64, u64);

/// A file with holes, which read as zeros.
pub(super) struct WithHoles {
    /// Its stretches of data, one after the other.
    pub(super) stored: Box<dyn ReadAt>,
    /// Where each begins in the file, and its length.
    pub(super) stretches: Arc<Vec<Stretch>>,
    /// Size of the file.
    pub(super) size_bytes: u64,
}

impl ReadAt for WithHoles {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(offset_bytes);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = buffer.get_mut(..count).unwrap_or_default();
        buffer.fill(0);
        let end = offset_bytes + count as u64;
        let mut stored_at = 0_u64;
        for (begin, length) in self.stretches.iter() {
            let from = (*begin).max(offset_bytes);
            let to = begin.saturating_add(*length).min(end);
            if from < to {
                let cell = |it: u64| usize::try_from(it - offset_bytes).unwrap_or(usize::MAX);
                let part = buffer.get_mut(cell(from)..cell(to)).unwrap_or_default();
                fill(&*self.stored, stored_at.saturating_add(from - begin), part)?;
            }
            stored_at = stored_at.saturating_add(*length);
        }
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// The first bytes of a file of which `stored` is the beginning of what is stored.
pub(super) fn head(stored: &[u8], stretches: &[Stretch], size_bytes: u64) -> Vec<u8> {
    let data = match stretches.first() {
        Some((0, length)) => stored.get(..usize::try_from(*length).unwrap_or(usize::MAX)).unwrap_or(stored),
        Some(_) | None => &[],
    };
    let mut head = data.to_vec();
    head.resize(stored.len().min(usize::try_from(size_bytes).unwrap_or(usize::MAX)).max(head.len()), 0);
    head
}

/// Where `ranges` of a file are stored.
pub(super) fn stored(ranges: &[Range<u64>], stretches: &[Stretch]) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    let mut stored_at = 0_u64;
    for (begin, length) in stretches {
        let end = begin.saturating_add(*length);
        for range in ranges {
            let (from, to) = (range.start.max(*begin), range.end.min(end));
            if from < to {
                found.push(stored_at.saturating_add(from - begin)..stored_at.saturating_add(to - begin));
            }
        }
        stored_at = stored_at.saturating_add(*length);
    }
    found
}
