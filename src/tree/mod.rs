//! A read-only file system: the host, a root below it, an image of a container, or files in memory.
//!
//! [`Tree`] is what a backend must offer, for paths without links. [`View`] is what everybody else uses: it resolves
//! links component by component inside the root and remembers what it saw.
//!
//! Invariant: nothing outside the root is opened, whatever links say.
//! Invariant: nothing is written; nothing is executed.

mod archive;
mod host;
mod memory;
pub mod sif;
mod squashfs;
mod view;

use std::io;

use crate::base::{ReadAt, TreePath};

pub use archive::{Archive, ArchiveError, Foresight, Image, ImageConfig, ImageName, Progress};
pub use host::HostTree;
pub use memory::{MemoryTree, Node};
pub use squashfs::{SquashFsTree, is_squashfs};
pub use view::View;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, FIFO or socket. Never opened.
    Other,
}

/// What `lstat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Permission bits, with sticky, setuid and setgid.
    pub mode: u32,
    /// Device and inode: two paths with the same id are one file.
    pub id: (u64, u64),
}

/// A backend: a read-only file system, asked with paths that contain no symbolic link.
///
/// Errors: `NotFound`, `NotADirectory`, `PermissionDenied` mean what they mean on the host.
pub trait Tree: Send + Sync {
    /// `lstat`: a link is not followed.
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata>;

    /// Names in a directory and what they are, sorted by name.
    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>>;

    /// The target of a link, as written.
    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>>;

    /// A regular file for reading. A link, device or FIFO is an error.
    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>>;

    /// The directory at `path` as a tree of its own; `Unsupported` where nobody needs it.
    fn below(&self, path: &TreePath) -> io::Result<Box<dyn Tree>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("{path} cannot be looked at by itself")))
    }
}
