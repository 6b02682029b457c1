//! A file system in memory: fixtures of the tests, and the twin that proves the contract of [`Tree`].

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::{Kind, Metadata, Tree};
use crate::base::{Bytes, ReadAt, TreePath};

/// One entry of a [`MemoryTree`].
#[derive(Debug, Clone)]
pub enum Node {
    /// A regular file with its permission bits.
    File(Arc<Vec<u8>>, u32),
    /// A directory with its permission bits.
    Directory(u32),
    /// A symbolic link and its target.
    Link(Vec<u8>),
    /// A device or FIFO.
    Other,
}

/// Files in memory. Two files that share one `Arc` are hard links.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    nodes: BTreeMap<TreePath, Node>,
}

impl MemoryTree {
    /// An empty root directory.
    pub fn new() -> Self {
        let mut nodes = BTreeMap::new();
        nodes.insert(TreePath::root(), Node::Directory(0o755));
        Self { nodes }
    }

    /// Puts `node` at `path`, with the directories above it.
    pub fn add(&mut self, path: &TreePath, node: Node) {
        let mut above = path.parent();
        while let Some(directory) = above {
            above = directory.parent();
            self.nodes.entry(directory).or_insert(Node::Directory(0o755));
        }
        self.nodes.insert(path.clone(), node);
    }

    /// Puts a regular file with mode 644 at `path`.
    pub fn add_file(&mut self, path: &TreePath, bytes: impl Into<Vec<u8>>) {
        self.add(path, Node::File(Arc::new(bytes.into()), 0o644));
    }

    fn node(&self, path: &TreePath) -> io::Result<&Node> {
        if let Some(node) = self.nodes.get(path) {
            return Ok(node);
        }
        let mut above = path.parent();
        while let Some(directory) = above {
            match self.nodes.get(&directory) {
                Some(Node::Directory(_)) => return Err(io::ErrorKind::NotFound.into()),
                Some(Node::File(..) | Node::Link(_) | Node::Other) => return Err(io::ErrorKind::NotADirectory.into()),
                None => above = directory.parent(),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }
}

impl Tree for MemoryTree {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        let by_path = || self.nodes.range(..path).count() as u64;
        Ok(match self.node(path)? {
            Node::File(bytes, mode) => Metadata {
                kind: Kind::File,
                size_bytes: bytes.len() as u64,
                mode: *mode,
                id: (1, Arc::as_ptr(bytes) as usize as u64),
            },
            Node::Directory(mode) => Metadata { kind: Kind::Directory, size_bytes: 0, mode: *mode, id: (0, by_path()) },
            Node::Link(target) => {
                Metadata { kind: Kind::Link, size_bytes: target.len() as u64, mode: 0o777, id: (0, by_path()) }
            }
            Node::Other => Metadata { kind: Kind::Other, size_bytes: 0, mode: 0o644, id: (0, by_path()) },
        })
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        match self.node(directory)? {
            Node::Directory(mode) if mode & 0o444 == 0 => return Err(io::ErrorKind::PermissionDenied.into()),
            Node::Directory(_) => {}
            Node::File(..) | Node::Link(_) | Node::Other => return Err(io::ErrorKind::NotADirectory.into()),
        }
        // Bytes, not elements: `num-1.2` sorts between `num` and `num/x`.
        let is_near = |path: &TreePath| path.as_bytes().starts_with(directory.as_bytes());
        let below = self.nodes.range(directory.clone()..).take_while(|(path, _)| is_near(path));
        let mut names: Vec<_> = below
            .filter(|(path, _)| path.parent().as_ref() == Some(directory))
            .map(|(path, node)| (path.file_name().to_vec(), kind(node)))
            .collect();
        names.sort();
        Ok(names)
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        match self.node(path)? {
            Node::Link(target) => Ok(target.clone()),
            Node::File(..) | Node::Directory(_) | Node::Other => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        match self.node(path)? {
            Node::File(_, mode) if mode & 0o444 == 0 => Err(io::ErrorKind::PermissionDenied.into()),
            Node::File(bytes, _) => Ok(Box::new(Bytes(Arc::clone(bytes)))),
            Node::Directory(_) | Node::Link(_) | Node::Other => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn below(&self, path: &TreePath) -> io::Result<Box<dyn Tree>> {
        let Node::Directory(mode) = self.node(path)? else { return Err(io::ErrorKind::NotADirectory.into()) };
        let mut below = Self::new();
        below.nodes.insert(TreePath::root(), Node::Directory(*mode));
        for (inner, node) in self.nodes.range(path.clone()..) {
            if let Some(rest) = inner.relative_to(path).filter(|it| !it.is_empty()) {
                below.nodes.insert(TreePath::new(rest), node.clone());
            }
        }
        Ok(Box::new(below))
    }
}

fn kind(node: &Node) -> Kind {
    match node {
        Node::File(..) => Kind::File,
        Node::Directory(_) => Kind::Directory,
        Node::Link(_) => Kind::Link,
        Node::Other => Kind::Other,
    }
}
