//! The contract of `Tree`, as a comparison: two trees with the same content answer alike.
//!
//! ```ignore
//! assert_eq!(support::same_tree::differences(&image, &memory), [""; 0]);
//! ```

use std::collections::BTreeMap;
use std::io;

use pyhpc_audit::base::{ReadAt, TreePath, fill};
use pyhpc_audit::tree::{Kind, Metadata, Tree};

/// Differences that are told; the rest is most often the same mistake.
const TOLD: usize = 30;

/// How the contents of a file are read: a size that is no divisor of any block.
const CHUNK_BYTES: usize = 100_003;

/// What differs between two trees, from the root down: names and kinds, modes, sizes, targets, contents, which paths are
/// one file, and what is an error. Sizes of directories, modes of links and owners are not compared: file systems differ.
pub fn differences(one: &dyn Tree, other: &dyn Tree) -> Vec<String> {
    let mut walk = Walk { one, other, ids: [BTreeMap::new(), BTreeMap::new()], differences: Vec::new() };
    walk.directory(&TreePath::root());
    walk.missing(&TreePath::new("/no-such-name"));
    walk.missing(&TreePath::new("/no-such-name/below"));
    walk.hard_links();
    walk.differences
}

struct Walk<'a> {
    one: &'a dyn Tree,
    other: &'a dyn Tree,
    /// The paths of each file, by its id, on both sides.
    ids: [BTreeMap<(u64, u64), Vec<TreePath>>; 2],
    differences: Vec<String>,
}

impl Walk<'_> {
    fn say(&mut self, path: &TreePath, what: &str, one: impl std::fmt::Debug, other: impl std::fmt::Debug) {
        if self.differences.len() < TOLD {
            self.differences.push(format!("{path}: {what}: {one:?}, {other:?}"));
        }
    }

    fn directory(&mut self, path: &TreePath) {
        self.entry(path);
        let (one, other) = (self.one.list(path), self.other.list(path));
        let (Ok(one), Ok(other)) = (&one, &other) else {
            return self.same_error(path, "list", &one.map(|_| ()), &other.map(|_| ()));
        };
        if one != other {
            let names = |it: &[(Vec<u8>, Kind)]| {
                it.iter().map(|(name, kind)| format!("{kind:?} {}", name.escape_ascii())).collect::<Vec<_>>()
            };
            self.say(path, "entries", names(one), names(other));
        }
        for (name, kind) in one.iter().filter(|it| other.contains(it)) {
            let below = path.join(name);
            match kind {
                Kind::Directory => self.directory(&below),
                Kind::File | Kind::Link | Kind::Other => self.entry(&below),
            }
            if *kind != Kind::Directory {
                self.no_directory(&below);
            }
        }
    }

    fn entry(&mut self, path: &TreePath) {
        let (one, other) = (self.one.metadata(path), self.other.metadata(path));
        let (Ok(one), Ok(other)) = (&one, &other) else {
            return self.same_error(path, "metadata", &one.map(|_| ()), &other.map(|_| ()));
        };
        let plain = |it: &Metadata| match it.kind {
            Kind::File => (it.kind, it.size_bytes, it.mode),
            Kind::Link => (it.kind, it.size_bytes, 0),
            Kind::Directory | Kind::Other => (it.kind, 0, it.mode),
        };
        if plain(one) != plain(other) {
            self.say(path, "kind, size and mode", plain(one), plain(other));
        }
        if one.kind == Kind::File {
            self.ids[0].entry(one.id).or_default().push(path.clone());
            self.ids[1].entry(other.id).or_default().push(path.clone());
        }
        let (one, other) = (self.one.read_link(path), self.other.read_link(path));
        match (one, other) {
            (Ok(one), Ok(other)) if one == other => {}
            (one, other) => self.same_error(path, "target", &one, &other),
        }
        match (self.one.open(path), self.other.open(path)) {
            (Ok(one), Ok(other)) => self.contents(path, one.as_ref(), other.as_ref()),
            (one, other) => self.same_error(path, "open", &one.map(|_| ()), &other.map(|_| ())),
        }
    }

    fn contents(&mut self, path: &TreePath, one: &dyn ReadAt, other: &dyn ReadAt) {
        let size = one.size_bytes();
        if size != other.size_bytes() {
            return self.say(path, "size when open", size, other.size_bytes());
        }
        // The end first: nothing may rely on what was read before.
        for offset in [size.saturating_sub(1), size / 2, size / 3, size, size + 1, u64::MAX] {
            let read = |file: &dyn ReadAt| {
                let mut byte = [0];
                file.read_at(offset, &mut byte).map(|count| (count, byte))
            };
            match (read(one), read(other)) {
                (Ok(one), Ok(other)) if one == other => {}
                // The host takes offsets of 63 bits.
                (_, _) if offset == u64::MAX => {}
                (one, other) => return self.say(path, &format!("byte {offset}"), one, other),
            }
        }
        let (mut offset, mut left) = (0, size);
        while 0 < left {
            let length = left.min(CHUNK_BYTES as u64) as usize;
            let read = |file: &dyn ReadAt| {
                let mut bytes = vec![0; length];
                fill(file, offset, &mut bytes).map(|()| bytes).map_err(|it| it.to_string())
            };
            let (one, other) = (read(one), read(other));
            if one != other || one.is_err() {
                let brief = |it: Result<Vec<u8>, String>| it.map(|it| it.len());
                return self.say(path, &format!("contents from {offset}"), brief(one), brief(other));
            }
            (offset, left) = (offset + length as u64, left - length as u64);
        }
    }

    /// Both are errors; the kinds that have a meaning in the contract are the same.
    fn same_error<T: std::fmt::Debug, U: std::fmt::Debug>(
        &mut self,
        path: &TreePath,
        what: &str,
        one: &io::Result<T>,
        other: &io::Result<U>,
    ) {
        let kind = |it: Option<&io::Error>| it.map(io::Error::kind).map(meaning);
        if one.is_ok() || other.is_ok() || kind(one.as_ref().err()) != kind(other.as_ref().err()) {
            self.say(path, what, one, other);
        }
    }

    fn missing(&mut self, path: &TreePath) {
        self.same_error(path, "metadata", &self.one.metadata(path), &self.other.metadata(path));
        self.same_error(path, "list", &self.one.list(path), &self.other.list(path));
        self.same_error(path, "target", &self.one.read_link(path), &self.other.read_link(path));
        self.same_error(path, "open", &self.one.open(path).map(|_| ()), &self.other.open(path).map(|_| ()));
    }

    /// `path` is no directory: nothing lies below it. What the host says below a link is another question.
    fn no_directory(&mut self, path: &TreePath) {
        if self.one.metadata(path).is_ok_and(|it| it.kind == Kind::File) {
            self.same_error(path, "list", &self.one.list(path), &self.other.list(path));
            self.missing(&path.join("below"));
        }
    }

    fn hard_links(&mut self) {
        let groups = |it: &BTreeMap<(u64, u64), Vec<TreePath>>| {
            let mut groups: Vec<Vec<TreePath>> = it.values().filter(|it| 1 < it.len()).cloned().collect();
            groups.sort();
            groups
        };
        let (one, other) = (groups(&self.ids[0]), groups(&self.ids[1]));
        if one != other {
            self.say(&TreePath::root(), "hard links", one, other);
        }
    }
}

/// Kinds of errors that have a meaning in the contract; the rest is an error.
const MEANINGS: [io::ErrorKind; 3] =
    [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::PermissionDenied];

fn meaning(kind: io::ErrorKind) -> Option<io::ErrorKind> {
    MEANINGS.into_iter().find(|it| *it == kind)
}
