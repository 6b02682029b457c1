//! The contents of one file, block by block.
//!
//! The image lists the sizes of the blocks of a file, not where they begin. The sum up to a block is remembered every
//! 2048 blocks, so that an open file takes little memory whatever size it claims, and the end is found at once.

use std::io;
use std::sync::{Arc, Mutex};

use super::cache::lock;
use super::damaged;
use super::image::{Image, METADATA_BYTES, Place, Reader};
use super::inode::Extent;
use super::superblock::{u32_at, u64_at};
use crate::base::ReadAt;

/// Entries of the fragment table in one block of metadata, 16 bytes each.
pub(super) const FRAGMENTS_OF_A_BLOCK: u32 = 512;

/// Blocks that one file may have: 4 GiB where blocks are smallest, 128 GiB with the usual 128 KiB.
const BLOCKS: u64 = 1 << 20;

/// Sizes of blocks between two remembered sums: as many as one block of metadata holds.
const SIZES_OF_A_STEP: usize = METADATA_BYTES / 4;

/// Where the list of sizes and the blocks themselves have got to.
#[derive(Debug, Clone, Copy)]
struct Step {
    sizes: Place,
    begin: u64,
}

/// An open file of an image.
pub(super) struct ImageFile {
    image: Arc<Image>,
    extent: Extent,
    blocks: u64,
    steps: Mutex<Vec<Step>>,
}

impl ImageFile {
    /// The file with these contents.
    pub(super) fn new(image: Arc<Image>, extent: Extent) -> io::Result<Self> {
        let block_bytes = u64::from(image.superblock.block_bytes);
        let blocks = match extent.fragment {
            Some(_) => extent.size_bytes / block_bytes,
            None => extent.size_bytes.div_ceil(block_bytes),
        };
        if BLOCKS < blocks {
            return Err(damaged(&format!("the file has {blocks} blocks, at most {BLOCKS} are read")));
        }
        let first = Step { sizes: extent.sizes, begin: extent.begin };
        Ok(Self { image, extent, blocks, steps: Mutex::new(vec![first]) })
    }

    /// The bytes of block `index`; `None` where it is all zero.
    fn block(&self, index: u64, expected_bytes: usize) -> io::Result<Option<(Arc<Vec<u8>>, usize)>> {
        let (bytes, offset) = if index < self.blocks {
            let (position, size) = self.position(index)?;
            if size == 0 {
                return Ok(None);
            }
            let bytes = self.image.contents(position, size)?;
            if bytes.len() != expected_bytes {
                let found = bytes.len();
                return Err(damaged(&format!("block at {position} holds {found} bytes instead of {expected_bytes}")));
            }
            (bytes, 0)
        } else {
            let (number, offset) = self.extent.fragment.ok_or_else(|| damaged("a file ends before its size"))?;
            (self.fragment(number)?, offset as usize)
        };
        Ok(Some((bytes, offset)))
    }

    /// Where block `index` begins, and its size word.
    fn position(&self, index: u64) -> io::Result<(u64, u32)> {
        let (step, rest) = (index / SIZES_OF_A_STEP as u64, index % SIZES_OF_A_STEP as u64);
        let step = usize::try_from(step).map_err(io::Error::other)?;
        let mut here = {
            let mut steps = lock(&self.steps);
            while let Some(last) = steps.last().copied().filter(|_| steps.len() <= step) {
                steps.push(self.after(last, SIZES_OF_A_STEP)?.0);
            }
            steps.get(step).copied().ok_or_else(|| damaged("a file has no blocks"))?
        };
        let rest = usize::try_from(rest).map_err(io::Error::other)?;
        here = self.after(here, rest)?.0;
        Ok((here.begin, self.after(here, 1)?.1))
    }

    /// The place `count` blocks after `step`, and the last size word before it.
    fn after(&self, step: Step, count: usize) -> io::Result<(Step, u32)> {
        let mut reader = Reader::new(&self.image, step.sizes, self.image.superblock.directory_table);
        let mut list = vec![0; count.saturating_mul(4)];
        reader.fill(&mut list)?;
        let (mut begin, mut last) = (step.begin, 0);
        for size in list.chunks_exact(4) {
            last = u32_at(size, 0);
            begin = begin.saturating_add(u64::from(super::image::packed_bytes(last)));
        }
        Ok((Step { sizes: reader.place(), begin }, last))
    }

    fn fragment(&self, number: u32) -> io::Result<Arc<Vec<u8>>> {
        let superblock = &self.image.superblock;
        if superblock.fragments <= number {
            return Err(damaged(&format!("a file ends in fragment {number}, there are {}", superblock.fragments)));
        }
        let entry = u64::from(number / FRAGMENTS_OF_A_BLOCK) * 8;
        let block = u64_at(&self.image.raw(superblock.fragment_table.saturating_add(entry), 8)?, 0);
        let offset = (number % FRAGMENTS_OF_A_BLOCK) as usize * 16;
        let mut reader = Reader::new(&self.image, Place { block, offset }, superblock.used_bytes);
        let entry: [u8; 16] = reader.array()?;
        self.image.contents(u64_at(&entry, 0), u32_at(&entry, 8))
    }

    /// Reads inside one block; the count is zero at the end of the file only.
    fn read_part(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let block_bytes = u64::from(self.image.superblock.block_bytes);
        let (index, inside) = (offset_bytes / block_bytes, offset_bytes % block_bytes);
        let begin = offset_bytes - inside;
        let expected = self.extent.size_bytes.saturating_sub(begin).min(block_bytes);
        let count = expected.saturating_sub(inside).min(buffer.len() as u64);
        let whole = |it: u64| usize::try_from(it).map_err(io::Error::other);
        let (inside, expected, count) = (whole(inside)?, whole(expected)?, whole(count)?);
        let to = buffer.get_mut(..count).unwrap_or_default();
        if to.is_empty() {
            return Ok(0);
        }
        match self.block(index, expected)? {
            None => to.fill(0),
            Some((bytes, offset)) => {
                let start = offset.saturating_add(inside);
                let from = bytes.get(start..).and_then(|it| it.get(..count));
                to.copy_from_slice(from.ok_or_else(|| damaged("the tail of a file lies outside its fragment"))?);
            }
        }
        Ok(count)
    }
}

impl ReadAt for ImageFile {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_part(offset_bytes.saturating_add(done as u64), rest) {
                Ok(0) => break,
                Ok(count) => done += count,
                // As on the host: what was read before the damage is given, and the next call says what is wrong.
                Err(_) if 0 < done => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn size_bytes(&self) -> u64 {
        self.extent.size_bytes
    }
}
