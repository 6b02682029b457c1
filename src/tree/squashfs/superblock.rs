//! The first 96 bytes of a SquashFS image: where its tables lie and how its blocks are packed.
//!
//! Invariant: what leaves [`SuperBlock::read`] lies inside the image and in the order that the kernel demands.

use std::io;

use super::compressor::Compressor;
use super::damaged;
use crate::base::{ReadAt, fill};

/// Bytes at the front of an image.
pub(super) const SUPERBLOCK_BYTES: u64 = 96;

/// `hsqs`: version 4, always little-endian.
const MAGIC: &[u8; 4] = b"hsqs";

/// `sqsh`: a big-endian image of before version 4.
const OLD_MAGIC: &[u8; 4] = b"sqsh";

/// Smallest and largest block of file contents, in bytes (`fs/squashfs/squashfs_fs.h`).
const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 4096..=1 << 20;

/// The offset of a table that the image does not have.
const NO_TABLE: u64 = u64::MAX;

/// What the front of an image says of the rest.
#[derive(Debug, Clone)]
pub(super) struct SuperBlock {
    /// Size of the blocks that file contents are cut into.
    pub block_bytes: u32,
    /// How blocks are packed.
    pub compressor: Compressor,
    /// Entries of the fragment table.
    pub fragments: u32,
    /// The inode of the root directory: see [`super::inode::InodePlace`].
    pub root: u64,
    /// Size of the image without its padding.
    pub used_bytes: u64,
    /// Where the inodes begin; they end where the directories begin.
    pub inode_table: u64,
    /// Where the directories begin.
    pub directory_table: u64,
    /// Where the directories end at the latest.
    pub directory_end: u64,
    /// Where the places of the blocks of fragment entries are listed.
    pub fragment_table: u64,
    /// When the image was made: tells images apart.
    pub made: u32,
}

/// Whether a file that begins with `first` is a SquashFS image, of any version.
pub fn is_squashfs(first: &[u8]) -> bool {
    first.starts_with(MAGIC) || first.starts_with(OLD_MAGIC)
}

impl SuperBlock {
    /// Reads the superblock of the image that lies at `offset_bytes` and has at most `length_bytes`.
    pub(super) fn read(file: &dyn ReadAt, offset_bytes: u64, length_bytes: u64) -> io::Result<Self> {
        if length_bytes < SUPERBLOCK_BYTES {
            return Err(damaged("it is shorter than a superblock"));
        }
        let mut bytes = [0; SUPERBLOCK_BYTES as usize];
        fill(file, offset_bytes, &mut bytes)?;
        if bytes.starts_with(OLD_MAGIC) {
            return Err(io::Error::other("big-endian SquashFS, older than version 4, is not supported"));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(damaged("it does not begin with a SquashFS superblock"));
        }
        let (major, minor) = (u16_at(&bytes, 28), u16_at(&bytes, 30));
        if (major, minor) != (4, 0) {
            return Err(io::Error::other(format!("SquashFS version {major}.{minor} is not supported, only 4.0")));
        }
        let read = Self {
            block_bytes: u32_at(&bytes, 12),
            compressor: Compressor::of(u16_at(&bytes, 20))?,
            fragments: u32_at(&bytes, 16),
            root: u64_at(&bytes, 32),
            used_bytes: u64_at(&bytes, 40),
            inode_table: u64_at(&bytes, 64),
            directory_table: u64_at(&bytes, 72),
            directory_end: directory_end(&bytes),
            fragment_table: u64_at(&bytes, 80),
            made: u32_at(&bytes, 8),
        };
        read.check(u16_at(&bytes, 22), length_bytes)?;
        Ok(read)
    }

    fn check(&self, block_log: u16, length_bytes: u64) -> io::Result<()> {
        let block = self.block_bytes;
        if !BLOCK_BYTES.contains(&block) || !block.is_power_of_two() || block.trailing_zeros() != u32::from(block_log) {
            return Err(damaged(&format!(
                "its superblock gives blocks of {block} bytes, 2 to the power of {block_log}"
            )));
        }
        if length_bytes < self.used_bytes {
            let used = self.used_bytes;
            return Err(damaged(&format!("it is cut off: {used} bytes by its superblock, {length_bytes} are there")));
        }
        let ordered = SUPERBLOCK_BYTES <= self.inode_table
            && self.inode_table < self.directory_table
            && self.directory_table <= self.directory_end
            && self.directory_end <= self.used_bytes;
        if !ordered {
            return Err(damaged("the tables of its superblock are out of order or outside the image"));
        }
        let fragments = u64::from(self.fragments.div_ceil(super::file::FRAGMENTS_OF_A_BLOCK)) * 8;
        let end = self.fragment_table.checked_add(fragments);
        if 0 < self.fragments && end.is_none_or(|end| self.used_bytes < end) {
            return Err(damaged("the fragment table of its superblock is outside the image"));
        }
        Ok(())
    }
}

/// The first table behind the directories: fragments, export or identifiers, whichever are there.
fn directory_end(bytes: &[u8]) -> u64 {
    let tables = [u64_at(bytes, 48), u64_at(bytes, 80), u64_at(bytes, 88)];
    tables.into_iter().filter(|it| *it != NO_TABLE).min().unwrap_or(u64_at(bytes, 40))
}

/// Two bytes at `at`, little-endian; zero where `bytes` is too short, which no caller passes.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u16::from_le_bytes(*it))
}

/// Four bytes at `at`, as [`u16_at`].
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u32::from_le_bytes(*it))
}

/// Eight bytes at `at`, as [`u16_at`].
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u64::from_le_bytes(*it))
}
