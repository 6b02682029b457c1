//! The bytes of an image: metadata and blocks of contents, unpacked when they are asked for.
//!
//! Invariant: reads nothing outside the image; an unpacked block has at most the size that the format gives it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cache::Cache;
use super::damaged;
use super::superblock::{SuperBlock, u16_at};
use crate::base::{ReadAt, read_range};

/// An unpacked block of metadata has at most this many bytes.
pub(super) const METADATA_BYTES: usize = 8192;

/// Half of what is remembered of metadata, in bytes.
const METADATA_GENERATION_BYTES: usize = 4 << 20;

/// Half of what is remembered of contents, in bytes.
const CONTENTS_GENERATION_BYTES: usize = 8 << 20;

/// What a remembered block takes beside its bytes.
const ENTRY_BYTES: usize = 128;

/// Bit of the length of a metadata block that says that it is not packed.
const METADATA_PLAIN: u16 = 1 << 15;

/// Bit of the size of a block of contents that says that it is not packed.
const CONTENTS_PLAIN: u32 = 1 << 24;

/// How many bytes of the image a block of contents with this size word takes.
pub(super) fn packed_bytes(size: u32) -> u32 {
    size & !CONTENTS_PLAIN
}

/// One image inside a file.
pub(super) struct Image {
    file: Arc<dyn ReadAt>,
    offset_bytes: u64,
    /// The checked superblock.
    pub superblock: SuperBlock,
    metadata: Cache<u64, Metadata>,
    contents: Cache<(u64, u32), Vec<u8>>,
    unpacked_metadata: AtomicU64,
}

/// An unpacked block of metadata.
#[derive(Debug)]
struct Metadata {
    bytes: Vec<u8>,
    /// Where the next block begins.
    next: u64,
}

impl Image {
    /// The image at `offset_bytes` of `file`, at most `length_bytes` long.
    pub(super) fn open(file: Arc<dyn ReadAt>, offset_bytes: u64, length_bytes: u64) -> io::Result<Self> {
        let there = file.size_bytes().saturating_sub(offset_bytes).min(length_bytes);
        Ok(Self {
            superblock: SuperBlock::read(file.as_ref(), offset_bytes, there)?,
            file,
            offset_bytes,
            metadata: Cache::new(METADATA_GENERATION_BYTES),
            contents: Cache::new(CONTENTS_GENERATION_BYTES),
            unpacked_metadata: AtomicU64::new(0),
        })
    }

    /// How many blocks of metadata were unpacked so far: what reading an image costs.
    pub(super) fn unpacked_metadata(&self) -> u64 {
        self.unpacked_metadata.load(Ordering::Relaxed)
    }

    /// Bytes of the image as they lie there.
    pub(super) fn raw(&self, position: u64, length_bytes: u64) -> io::Result<Vec<u8>> {
        let outside =
            || io::Error::new(io::ErrorKind::InvalidData, format!("block at {position} is outside the image"));
        let end = position.checked_add(length_bytes).ok_or_else(outside)?;
        if self.superblock.used_bytes < end {
            return Err(outside());
        }
        read_range(self.file.as_ref(), self.offset_bytes.checked_add(position).ok_or_else(outside)?, length_bytes)
    }

    /// The block of contents at `position` with the size word `size`, unpacked.
    pub(super) fn contents(&self, position: u64, size: u32) -> io::Result<Arc<Vec<u8>>> {
        if let Some(known) = self.contents.get(&(position, size)) {
            return Ok(known);
        }
        let (length_bytes, block_bytes) = (packed_bytes(size), self.superblock.block_bytes);
        if block_bytes < length_bytes {
            return Err(damaged(&format!("block at {position} has {length_bytes} bytes, more than a block")));
        }
        let raw = self.raw(position, u64::from(length_bytes))?;
        let bytes = match size & CONTENTS_PLAIN {
            0 => self.unpack(position, &raw, block_bytes as usize)?,
            _ => raw,
        };
        let bytes = Arc::new(bytes);
        self.contents.put((position, size), Arc::clone(&bytes), bytes.len().saturating_add(ENTRY_BYTES));
        Ok(bytes)
    }

    fn block_of_metadata(&self, position: u64) -> io::Result<Arc<Metadata>> {
        if let Some(known) = self.metadata.get(&position) {
            return Ok(known);
        }
        let header = u16_at(&self.raw(position, 2)?, 0);
        let length_bytes = header & !METADATA_PLAIN;
        if length_bytes == 0 || METADATA_BYTES < usize::from(length_bytes) {
            return Err(damaged(&format!("metadata at {position} is damaged: its length is {length_bytes} bytes")));
        }
        let begin = position.saturating_add(2);
        let raw = self.raw(begin, u64::from(length_bytes))?;
        let bytes = match header & METADATA_PLAIN {
            0 => self.unpack(position, &raw, METADATA_BYTES)?,
            _ => raw,
        };
        if bytes.is_empty() {
            return Err(damaged(&format!("metadata at {position} is damaged: it is empty")));
        }
        self.unpacked_metadata.fetch_add(1, Ordering::Relaxed);
        let block = Arc::new(Metadata { bytes, next: begin.saturating_add(u64::from(length_bytes)) });
        self.metadata.put(position, Arc::clone(&block), METADATA_BYTES);
        Ok(block)
    }

    fn unpack(&self, position: u64, packed: &[u8], limit_bytes: usize) -> io::Result<Vec<u8>> {
        let unpacked = self.superblock.compressor.unpack(packed, limit_bytes);
        unpacked.map_err(|error| damaged(&format!("block at {position} is damaged: {error}")))
    }
}

/// A place in a table of metadata: a block of the image, and an offset in what it unpacks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the block begins in the image.
    pub block: u64,
    /// Bytes into the unpacked block.
    pub offset: usize,
}

/// Reads a table of metadata from a place on, over the borders of its blocks.
pub(super) struct Reader<'a> {
    image: &'a Image,
    place: Place,
    end: u64,
    current: Option<Arc<Metadata>>,
}

impl<'a> Reader<'a> {
    /// From `place` on, up to the block that begins at `end` or later.
    pub(super) fn new(image: &'a Image, place: Place, end: u64) -> Self {
        Self { image, place, end, current: None }
    }

    /// Where the next byte is read.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Reads the whole of `buffer`.
    pub(super) fn fill(&mut self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let block = self.block()?;
            let rest = block.bytes.get(self.place.offset..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            let (now, later) = buffer.split_at_mut_checked(count).unwrap_or_default();
            now.copy_from_slice(rest.get(..count).unwrap_or_default());
            buffer = later;
            self.place.offset = self.place.offset.saturating_add(count);
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The block that holds the next byte.
    fn block(&mut self) -> io::Result<Arc<Metadata>> {
        loop {
            let block = match self.current.take() {
                Some(block) => block,
                None if self.end <= self.place.block => {
                    return Err(damaged(&format!("a table of metadata ends at {}, before what it holds", self.end)));
                }
                None => self.image.block_of_metadata(self.place.block)?,
            };
            if self.place.offset < block.bytes.len() {
                self.current = Some(Arc::clone(&block));
                return Ok(block);
            }
            if block.bytes.len() < self.place.offset {
                return Err(damaged(&format!(
                    "offset {} is outside the metadata at {}",
                    self.place.offset, self.place.block
                )));
            }
            self.place = Place { block: block.next, offset: 0 };
        }
    }
}
