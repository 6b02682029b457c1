//! A tree whose n-th call fails with "permission denied".

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pyhpc_audit::base::{ReadAt, TreePath};
use pyhpc_audit::tree::{Kind, MemoryTree, Metadata, Tree};

pub(crate) struct Faulty {
    tree: MemoryTree,
    calls: AtomicUsize,
    fails: usize,
    failed: Arc<Mutex<Option<String>>>,
}

impl Faulty {
    pub(crate) fn new(tree: MemoryTree, fails: usize) -> Self {
        Self { tree, calls: AtomicUsize::new(0), fails, failed: Arc::default() }
    }

    /// The call that failed, once it did.
    pub(crate) fn failed(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.failed)
    }

    fn call(&self, name: &str, path: &TreePath) -> io::Result<()> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.fails {
            *self.failed.lock().unwrap() = Some(format!("{name} {path}"));
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }
}

impl Tree for Faulty {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        self.call("metadata", path)?;
        self.tree.metadata(path)
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        self.call("list", directory)?;
        self.tree.list(directory)
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        self.call("read_link", path)?;
        self.tree.read_link(path)
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        self.call("open", path)?;
        self.tree.open(path)
    }
}
