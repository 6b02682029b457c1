//! One inode: kind, mode, size, and where its contents are listed.

use std::io;

use super::damaged;
use super::image::{Image, Place, Reader};
use super::superblock::{u16_at, u32_at, u64_at};
use crate::tree::Kind;

/// Longest target of a symbolic link, in bytes: PATH_MAX of Linux.
const TARGET_BYTES: u32 = 4096;

/// The fragment of a file that has none.
const NO_FRAGMENT: u32 = u32::MAX;

/// The size of a directory counts `.` and `..`, which are not listed.
const DOTS_BYTES: u32 = 3;

/// Where an inode lies: the block of the inode table in the upper 48 bits, the offset in it in the lower 16.
pub(super) type InodePlace = u64;

/// What an inode says.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    /// Permission bits, with sticky, setuid and setgid.
    pub mode: u32,
    /// What follows.
    pub body: Body,
}

/// What an inode says beyond its mode.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A directory: where its entries are, and how many bytes.
    Directory { entries: Place, length_bytes: u32 },
    /// A regular file.
    File(Extent),
    /// A symbolic link: where its target is, and how many bytes.
    Link { target: Place, length_bytes: u32 },
    /// A device, FIFO or socket.
    Other,
}

/// Where the contents of a file are.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    /// Size of the file.
    pub size_bytes: u64,
    /// Where its first block begins.
    pub begin: u64,
    /// Where the sizes of its blocks are listed.
    pub sizes: Place,
    /// The fragment that holds its tail, and the offset in it.
    pub fragment: Option<(u32, u32)>,
}

impl Inode {
    /// Reads the inode at `place`.
    pub(super) fn read(image: &Image, place: InodePlace) -> io::Result<Self> {
        let superblock = &image.superblock;
        let block = superblock.inode_table.saturating_add(place >> 16);
        let offset = usize::from(place as u16);
        let mut reader = Reader::new(image, Place { block, offset }, superblock.directory_table);
        let header: [u8; 16] = reader.array()?;
        let number = u16_at(&header, 0);
        let body = match number {
            1 | 8 => directory(&mut reader, number, superblock.directory_table)?,
            2 | 9 => file(&mut reader, number)?,
            3 | 10 => link(&mut reader)?,
            4..=7 | 11..=14 => Body::Other,
            other => return Err(damaged(&format!("an inode at {block} has the unknown type {other}"))),
        };
        Ok(Self { mode: u32::from(u16_at(&header, 2)) & 0o7777, body })
    }

    /// What it is.
    pub(super) fn kind(&self) -> Kind {
        match self.body {
            Body::Directory { .. } => Kind::Directory,
            Body::File(_) => Kind::File,
            Body::Link { .. } => Kind::Link,
            Body::Other => Kind::Other,
        }
    }

    /// Size as `lstat` has it.
    pub(super) fn size_bytes(&self) -> u64 {
        match &self.body {
            Body::Directory { length_bytes, .. } | Body::Link { length_bytes, .. } => u64::from(*length_bytes),
            Body::File(extent) => extent.size_bytes,
            Body::Other => 0,
        }
    }
}

fn directory(reader: &mut Reader, number: u16, directory_table: u64) -> io::Result<Body> {
    let (block, length, offset) = if number == 1 {
        let bytes: [u8; 16] = reader.array()?;
        (u32_at(&bytes, 0), u32::from(u16_at(&bytes, 8)), u16_at(&bytes, 10))
    } else {
        let bytes: [u8; 24] = reader.array()?;
        (u32_at(&bytes, 8), u32_at(&bytes, 4), u16_at(&bytes, 18))
    };
    let entries = Place { block: directory_table.saturating_add(u64::from(block)), offset: usize::from(offset) };
    Ok(Body::Directory { entries, length_bytes: length.saturating_sub(DOTS_BYTES) })
}

fn file(reader: &mut Reader, number: u16) -> io::Result<Body> {
    let (begin, size_bytes, fragment, offset) = if number == 2 {
        let bytes: [u8; 16] = reader.array()?;
        (u64::from(u32_at(&bytes, 0)), u64::from(u32_at(&bytes, 12)), u32_at(&bytes, 4), u32_at(&bytes, 8))
    } else {
        let bytes: [u8; 40] = reader.array()?;
        (u64_at(&bytes, 0), u64_at(&bytes, 8), u32_at(&bytes, 28), u32_at(&bytes, 32))
    };
    let fragment = (fragment != NO_FRAGMENT).then_some((fragment, offset));
    Ok(Body::File(Extent { size_bytes, begin, sizes: reader.place(), fragment }))
}

fn link(reader: &mut Reader) -> io::Result<Body> {
    let bytes: [u8; 8] = reader.array()?;
    let length_bytes = u32_at(&bytes, 4);
    if TARGET_BYTES < length_bytes {
        return Err(damaged(&format!(
            "a link has a target of {length_bytes} bytes, at most {TARGET_BYTES} are possible"
        )));
    }
    Ok(Body::Link { target: reader.place(), length_bytes })
}
