//! The host's file system, or a root directory on it.
//!
//! Invariant: the only file of the project that opens files of a target.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use walkdir::WalkDir;

use super::{Kind, Metadata, Tree};
use crate::base::{ReadAt, TreePath};

/// `O_NOFOLLOW | O_NONBLOCK | O_NOATIME` is not portable; these two are the same on every Linux that we build for:
/// a link that appears between `lstat` and `open` is an error, and a FIFO that appears does not block.
const OPEN_FLAGS: i32 = 0o400_000 | 0o4_000;

/// Below `/`, or below a directory that plays `/`.
#[derive(Debug)]
pub struct HostTree {
    root: PathBuf,
}

impl HostTree {
    /// The host as it is.
    pub fn host() -> Self {
        Self { root: PathBuf::from("/") }
    }

    /// The directory `root` plays `/`.
    ///
    /// # Errors
    /// When `root` is no directory.
    pub fn below(root: &std::path::Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        if !root.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "neither a directory nor an image"));
        }
        Ok(Self { root })
    }

    fn full(&self, path: &TreePath) -> PathBuf {
        let relative = path.as_bytes().strip_prefix(b"/").unwrap_or_default();
        if relative.is_empty() { self.root.clone() } else { self.root.join(OsStr::from_bytes(relative)) }
    }
}

impl Tree for HostTree {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        let it = fs::symlink_metadata(self.full(path))?;
        Ok(Metadata {
            kind: kind(it.file_type()),
            size_bytes: it.size(),
            mode: it.mode() & 0o7777,
            id: (it.dev(), it.ino()),
        })
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        let full = self.full(directory);
        let walk = WalkDir::new(&full).min_depth(1).max_depth(1);
        let mut names = Vec::new();
        for entry in walk {
            let entry = entry.map_err(|it| it.into_io_error().unwrap_or_else(|| io::Error::other("link loop")))?;
            names.push((entry.file_name().as_bytes().to_vec(), kind(entry.file_type())));
        }
        // The walk of a file is empty, not an error.
        if names.is_empty() && !fs::symlink_metadata(full)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(self.full(path))?.as_os_str().as_bytes().to_vec())
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        let file = fs::OpenOptions::new().read(true).custom_flags(OPEN_FLAGS).open(self.full(path))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(HostFile { size_bytes: metadata.size(), file }))
    }

    fn below(&self, path: &TreePath) -> io::Result<Box<dyn Tree>> {
        Ok(Box::new(Self::below(&self.full(path))?))
    }
}

fn kind(file_type: fs::FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

struct HostFile {
    file: File,
    size_bytes: u64,
}

impl ReadAt for HostFile {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset_bytes)
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}
