//! A SquashFS image as a tree, read where it lies: inside another file, and nothing is unpacked to disk.
//!
//! The format is that of Linux 2.6.29 and later (version 4.0), compressed with gzip, xz or Zstandard. Owners, times and
//! extended attributes are not read: nobody asks for them.
//!
//! Invariant: no panic and no loop, whatever the bytes say. What is held is bounded: the names by the constants of
//! `names`, unpacked blocks by those of `image`, an open file by the sums of `file`.
//! Invariant: a directory that is damaged answers for what was read of it; a name that is not among that is an error, not
//! absent.

mod cache;
mod compressor;
mod file;
mod image;
mod inode;
mod names;
mod superblock;

use std::io;
use std::sync::Arc;

use crate::base::{Gap, ReadAt, Stage, TreePath};
use crate::tree::{Kind, Metadata, Tree};

use file::ImageFile;
use image::{Image, Reader};
use inode::{Body, Inode, InodePlace};
use names::Names;

pub use superblock::is_squashfs;

/// Damaged directories that are named one by one.
const NAMED_GAPS: usize = 20;

/// A SquashFS image.
pub struct SquashFsTree {
    image: Arc<Image>,
    names: Names,
    device: u64,
}

impl SquashFsTree {
    /// The image at `offset_bytes` of `file`, at most `length_bytes` long.
    ///
    /// # Errors
    /// When it is no such image, is cut off, needs another compressor, or its root cannot be read; whatever the file
    /// system says.
    pub fn open(file: Arc<dyn ReadAt>, offset_bytes: u64, length_bytes: u64) -> io::Result<Self> {
        let image = Image::open(file, offset_bytes, length_bytes)?;
        let names = Names::read(&image)?;
        // No device of the host has such a number: major and minor take 32 bits.
        let device = 1 << 63 | u64::from(image.superblock.made) << 31 ^ image.superblock.used_bytes;
        Ok(Self { image: Arc::new(image), names, device })
    }

    /// What of the names could not be read when the image was opened: damaged directories, and limits.
    pub fn gaps(&self) -> Vec<Gap> {
        let hides = "what lies in this directory of the image";
        let mut unread = self.names.unread();
        let mut gaps: Vec<Gap> = unread
            .by_ref()
            .take(NAMED_GAPS)
            .map(|(path, reason)| Gap::new(&path, Stage::Tree, reason, hides))
            .collect();
        let more = unread.count();
        if 0 < more {
            let reason = format!("{more} more directories could not be read");
            gaps.push(Gap::new(&TreePath::root(), Stage::Tree, reason, "what lies in these directories of the image"));
        }
        gaps
    }

    fn inode(&self, path: &TreePath) -> io::Result<(InodePlace, Inode)> {
        let entry = self.names.find(path)?;
        let place = entry.map_or(self.image.superblock.root, |it| it.inode);
        let inode = Inode::read(&self.image, place)?;
        if entry.map_or(Kind::Directory, |it| it.kind) != inode.kind() {
            return Err(damaged("a directory entry and its inode disagree about what it is"));
        }
        Ok((place, inode))
    }
}

impl Tree for SquashFsTree {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        let (place, inode) = self.inode(path)?;
        // Hard links are entries of one inode. Its place cannot lie, its number can.
        let id = (self.device, place);
        Ok(Metadata { kind: inode.kind(), size_bytes: inode.size_bytes(), mode: inode.mode, id })
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        self.names.list(self.names.find(directory)?)
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        match self.inode(path)?.1.body {
            Body::Link { target, length_bytes } => {
                let mut bytes = vec![0; length_bytes as usize];
                Reader::new(&self.image, target, self.image.superblock.directory_table).fill(&mut bytes)?;
                Ok(bytes)
            }
            Body::Directory { .. } | Body::File(_) | Body::Other => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        match self.inode(path)?.1.body {
            Body::File(extent) => Ok(Box::new(ImageFile::new(Arc::clone(&self.image), extent)?)),
            Body::Directory { .. } | Body::Link { .. } | Body::Other => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

/// What is wrong with the image.
fn damaged(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
