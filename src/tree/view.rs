//! A tree as a process sees it: links resolved inside the root, every answer remembered.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Kind, Metadata, Tree};
use crate::base::{Map, ReadAt, TreePath, read_range};

/// Links followed before a path counts as a loop: Linux gives up after 40 (path_resolution(7)).
const LINKS: usize = 40;

/// Longest path, in bytes: PATH_MAX of Linux.
const PATH_BYTES: usize = 4096;

/// Names asked of one directory from which on a listing is cheaper than looking at each: a library directory of a
/// distribution holds thousands of entries.
const WORTH_LISTING: u32 = 48;

/// Largest text file that is read whole, in bytes.
const TEXT_BYTES: u64 = 16 << 20;

type Listing = Arc<Vec<(Vec<u8>, Kind)>>;

/// A [`Tree`] with links resolved.
///
/// Invariant: `..` after a link means the parent of what the link points to, as the kernel does it.
/// Invariant: an absolute link target restarts at the root of the tree; `..` stops there.
pub struct View {
    tree: Box<dyn Tree>,
    directories: Mutex<Map<Vec<u8>, Result<TreePath, io::ErrorKind>>>,
    steps: Mutex<Map<TreePath, Step>>,
    asked: Mutex<Map<Vec<u8>, u32>>,
    listings: Mutex<Map<TreePath, Result<Listing, io::ErrorKind>>>,
}

impl View {
    /// A view of `tree`.
    pub fn new(tree: Box<dyn Tree>) -> Self {
        Self {
            tree,
            directories: Mutex::default(),
            steps: Mutex::default(),
            asked: Mutex::default(),
            listings: Mutex::default(),
        }
    }

    /// The real path: every link resolved, the last one too.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `PermissionDenied`; `InvalidInput` after 40 links.
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> io::Result<TreePath> {
        let path = path.as_ref();
        let cut = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let (above, name) = path.split_at_checked(cut).unwrap_or_default();
        if name.is_empty() || name == b"." || name == b".." {
            return self.walk(path);
        }
        let here = self.directory(above)?.join(name);
        match self.step(&here)? {
            Step::Directory | Step::Leaf(_) => Ok(here),
            Step::Link(_) => self.walk(path),
        }
    }

    /// The path with every link of its directory resolved, the last element as it is.
    ///
    /// # Errors
    /// As [`View::resolve`], for the directory.
    pub fn resolve_parent(&self, path: &TreePath) -> io::Result<TreePath> {
        match path.parent() {
            Some(parent) => Ok(self.directory(parent.as_bytes())?.join(path.file_name())),
            None => Ok(TreePath::root()),
        }
    }

    /// What the path is, links followed.
    ///
    /// # Errors
    /// As [`View::resolve`].
    pub fn metadata(&self, path: impl AsRef<[u8]>) -> io::Result<Metadata> {
        self.metadata_real(&self.resolve(path)?)
    }

    /// What the path is, the last link not followed.
    ///
    /// # Errors
    /// As [`View::resolve`].
    pub fn link_metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        self.tree.metadata(&self.resolve_parent(path)?)
    }

    /// The target of a link as written.
    ///
    /// # Errors
    /// As [`View::resolve`]; `InvalidInput` when it is no link.
    pub fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        self.tree.read_link(&self.resolve_parent(path)?)
    }

    /// Whether the path leads to something, links followed.
    pub fn exists(&self, path: impl AsRef<[u8]>) -> bool {
        self.metadata(path).is_ok()
    }

    /// Whether `directory` may hold an entry called `name`: once it is asked often, asked of its listing, so that a
    /// thousand names cost one call. `true` where only a look at the entry itself can tell.
    pub fn may_hold(&self, directory: impl AsRef<[u8]>, name: &[u8]) -> bool {
        let directory = directory.as_ref();
        let questions = {
            let mut asked = lock(&self.asked);
            let count = asked.entry(directory.to_vec()).or_insert(0_u32);
            *count = count.saturating_add(1);
            *count
        };
        if questions < WORTH_LISTING {
            return true;
        }
        match self.list(directory) {
            Ok(names) => names.binary_search_by(|(entry, _)| entry.as_slice().cmp(name)).is_ok(),
            Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        }
    }

    /// Whether the path leads to a directory, links followed.
    pub fn is_directory(&self, path: impl AsRef<[u8]>) -> bool {
        self.metadata(path).is_ok_and(|it| it.kind == Kind::Directory)
    }

    /// Whether the path leads to a regular file, links followed.
    pub fn is_file(&self, path: impl AsRef<[u8]>) -> bool {
        self.metadata(path).is_ok_and(|it| it.kind == Kind::File)
    }

    /// Names in a directory and what they are (a link is a link), sorted. Read once per view.
    ///
    /// # Errors
    /// As [`View::resolve`]; `NotADirectory`, `PermissionDenied`.
    pub fn list(&self, directory: impl AsRef<[u8]>) -> io::Result<Listing> {
        let real = self.directory(directory.as_ref())?;
        if let Some(known) = lock(&self.listings).get(&real) {
            return known.clone().map_err(io::Error::from);
        }
        let fresh = self.tree.list(&real).map(Arc::new).map_err(|error| error.kind());
        lock(&self.listings).insert(real, fresh.clone());
        fresh.map_err(io::Error::from)
    }

    /// A regular file for reading, links followed.
    ///
    /// # Errors
    /// As [`View::resolve`]; `InvalidInput` for a directory, device or FIFO.
    pub fn open(&self, path: impl AsRef<[u8]>) -> io::Result<Box<dyn ReadAt>> {
        self.open_real(&self.resolve(path)?)
    }

    /// The directory at `path` as a tree of its own: nothing outside it is seen.
    ///
    /// # Errors
    /// As [`View::resolve`]; `Unsupported` where the tree cannot be cut.
    pub fn below(&self, path: &TreePath) -> io::Result<Box<dyn Tree>> {
        self.tree.below(&self.resolve(path.as_bytes())?)
    }

    /// A regular file for reading; `real` comes from [`View::resolve`].
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn open_real(&self, real: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        self.tree.open(real)
    }

    /// What a path that comes from [`View::resolve`] is.
    ///
    /// # Errors
    /// As [`Tree::metadata`].
    pub fn metadata_real(&self, real: &TreePath) -> io::Result<Metadata> {
        match lock(&self.steps).get(real) {
            Some(Step::Leaf(known)) => Ok(*known),
            Some(Step::Directory | Step::Link(_)) | None => self.tree.metadata(real),
        }
    }

    /// A text file, bytes that are not UTF-8 replaced.
    ///
    /// # Errors
    /// As [`View::open`]; `InvalidData` when it is larger than 16 MiB.
    pub fn read_text(&self, path: impl AsRef<[u8]>) -> io::Result<String> {
        let file = self.open(path)?;
        if file.size_bytes() > TEXT_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 16 MiB"));
        }
        let bytes = read_range(&*file, 0, file.size_bytes())?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn directory(&self, path: &[u8]) -> io::Result<TreePath> {
        if let Some(known) = lock(&self.directories).get(path) {
            return known.clone().map_err(io::Error::from);
        }
        let found = self.walk(path).and_then(|real| match self.step(&real)? {
            Step::Directory => Ok(real),
            Step::Leaf(_) | Step::Link(_) => Err(io::ErrorKind::NotADirectory.into()),
        });
        let remembered = found.as_ref().map(TreePath::clone).map_err(io::Error::kind);
        lock(&self.directories).insert(path.to_vec(), remembered);
        found
    }

    fn walk(&self, path: &[u8]) -> io::Result<TreePath> {
        let mut real = TreePath::root();
        let mut here = Step::Directory;
        let mut links = 0;
        let mut rest = elements_reversed(path)?;
        while let Some(element) = rest.pop() {
            if !matches!(here, Step::Directory) {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            match element.as_slice() {
                b"." => continue,
                b".." => {
                    real = real.parent().unwrap_or_else(TreePath::root);
                    continue;
                }
                _ => {}
            }
            let next = real.join(&element);
            here = self.step(&next)?;
            if let Step::Link(target) = &here {
                links += 1;
                if links > LINKS {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many levels of symbolic links"));
                }
                if target.first() == Some(&b'/') {
                    real = TreePath::root();
                }
                rest.extend(elements_reversed(target)?);
                if rest.len() > PATH_BYTES {
                    return Err(too_long());
                }
                here = Step::Directory;
            } else {
                real = next;
            }
        }
        Ok(real)
    }

    fn step(&self, path: &TreePath) -> io::Result<Step> {
        if let Some(known) = lock(&self.steps).get(path) {
            return Ok(known.clone());
        }
        let metadata = self.tree.metadata(path)?;
        let step = match metadata.kind {
            Kind::Directory => Step::Directory,
            Kind::Link => Step::Link(Arc::new(self.tree.read_link(path)?)),
            Kind::File | Kind::Other => Step::Leaf(metadata),
        };
        lock(&self.steps).insert(path.clone(), step.clone());
        Ok(step)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Directory,
    Link(Arc<Vec<u8>>),
    Leaf(Metadata),
}

/// The elements of a path, last first; a trailing slash asks for a directory, as in the kernel.
fn elements_reversed(path: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    if path.len() > PATH_BYTES || path.contains(&0) {
        return Err(too_long());
    }
    let mut elements: Vec<Vec<u8>> =
        path.split(|b| *b == b'/').filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect();
    if path.len() > 1 && path.last() == Some(&b'/') {
        elements.push(b".".to_vec());
    }
    elements.reverse();
    Ok(elements)
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "path is longer than 4096 bytes or contains NUL")
}

/// A panic in another thread leaves these caches whole: every insert is a single call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryTree, Node};
    use super::*;

    fn view() -> View {
        let mut tree = MemoryTree::new();
        tree.add_file(&TreePath::new("/usr/lib/libx.so.1"), "x");
        tree.add(&TreePath::new("/lib"), Node::Link(b"usr/lib".to_vec()));
        tree.add(&TreePath::new("/usr/lib/libx.so"), Node::Link(b"/lib/libx.so.1".to_vec()));
        tree.add(&TreePath::new("/escape"), Node::Link(b"../../../../usr/lib".to_vec()));
        tree.add(&TreePath::new("/a"), Node::Link(b"b".to_vec()));
        tree.add(&TreePath::new("/b"), Node::Link(b"a".to_vec()));
        View::new(Box::new(tree))
    }

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(view().resolve(path).map(|it| it.text()).map_err(|it| it.kind()), Ok(expected.to_owned()));
    }

    #[test]
    fn resolves_inside_the_root() {
        check("/lib/libx.so", "/usr/lib/libx.so.1");
        check("/escape/libx.so.1", "/usr/lib/libx.so.1");
        check("/lib/../lib/libx.so.1", "/usr/lib/libx.so.1");
        check("/../..", "/");
        check("/usr/lib//./libx.so.1", "/usr/lib/libx.so.1");
    }

    #[test]
    fn a_loop_ends_and_a_file_is_no_directory() {
        assert_eq!(view().resolve("/a").map_err(|it| it.kind()), Err(io::ErrorKind::InvalidInput));
        assert_eq!(view().resolve("/a/x").map_err(|it| it.kind()), Err(io::ErrorKind::InvalidInput));
        assert_eq!(view().resolve("/lib/libx.so.1/y").map_err(|it| it.kind()), Err(io::ErrorKind::NotADirectory));
        assert_eq!(view().resolve("/nowhere/y").map_err(|it| it.kind()), Err(io::ErrorKind::NotFound));
    }
}
