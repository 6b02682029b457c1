//! Every name of an image, read once when it is opened.
//!
//! Only directories are read: what else an inode says waits until somebody asks. Reading all of them at once, always in
//! the same order, is what makes loops visible: a directory that is reached a second time is damaged, whoever asks first.
//!
//! Invariant: at most [`ENTRIES`] entries with [`NAMES_BYTES`] of names are held; what goes beyond is said in
//! [`Names::unread`] and when somebody asks for it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::damaged;
use super::image::{Image, Place, Reader};
use super::inode::{Body, Inode, InodePlace};
use super::superblock::{u16_at, u32_at};
use crate::base::{Map, TreePath};
use crate::tree::Kind;

/// Entries of all directories together: the largest images of clusters have a few hundred thousand.
const ENTRIES: usize = 1_000_000;

/// All names together, in bytes: 32 for each entry.
const NAMES_BYTES: usize = 32 << 20;

/// Longest name, in bytes: one more than Linux allows elsewhere (`SQUASHFS_NAME_LEN`).
const NAME_BYTES: usize = 256;

/// Directories inside one another: as many as a path of 4096 bytes can name.
const DEPTH: u32 = 2048;

/// Blocks of metadata that are unpacked for the names, 8 KiB each; a million entries take about ten thousand.
const METADATA_BLOCKS: u64 = 1 << 16;

/// Entries that one header of a directory may announce.
const RUN_ENTRIES: u32 = 256;

/// What a directory says of something in it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    name: Range<u32>,
    /// What it is.
    pub kind: Kind,
    /// Its inode.
    pub inode: InodePlace,
    /// Index of the directory; of no meaning for others.
    directory: u32,
}

#[derive(Debug, Clone)]
struct Directory {
    inode: InodePlace,
    entries: Range<u32>,
    depth: u32,
    /// The directory above and the entry in it, for paths in messages.
    above: Option<(u32, u32)>,
    /// Why there may be more than `entries`; a million times the same text is held once.
    damage: Option<Arc<str>>,
}

/// The names of an image.
#[derive(Debug)]
pub(super) struct Names {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    directories: Vec<Directory>,
}

impl Names {
    /// Reads every directory from the root on.
    pub(super) fn read(image: &Image) -> io::Result<Self> {
        let root = image.superblock.root;
        if !matches!(Inode::read(image, root)?.body, Body::Directory { .. }) {
            return Err(damaged("its root is no directory"));
        }
        let mut names = Self { bytes: Vec::new(), entries: Vec::new(), directories: Vec::new() };
        let mut seen = Map::default();
        let mut todo = vec![names.announce(root, 0, None)];
        let mut last_damage: Option<Arc<str>> = None;
        while let Some(index) = todo.pop() {
            let before = names.entries.len();
            let result = names.read_directory(image, index, &mut seen);
            let entries = names.sort(before);
            let text = result.err().map(|error| error.to_string());
            let damage = text.map(|it| last_damage.clone().filter(|last| **last == *it).unwrap_or_else(|| it.into()));
            last_damage = damage.clone().or(last_damage);
            if let Some(directory) = names.directories.get_mut(index as usize) {
                directory.entries = entries.clone();
                directory.damage = damage;
            }
            names.announce_below(index, entries, &mut todo);
        }
        Ok(names)
    }

    /// The entry of `path`; `None` at the root.
    pub(super) fn find(&self, path: &TreePath) -> io::Result<Option<&Entry>> {
        let (mut here, mut found) = (Some(0), None);
        for element in path.elements() {
            let directory = here.and_then(|it: u32| self.directories.get(it as usize));
            let directory = directory.ok_or(io::ErrorKind::NotADirectory)?;
            let entries = self.entries_of(directory);
            let Ok(at) = entries.binary_search_by(|it| self.name(it).cmp(element)) else {
                return Err(directory.damage.as_deref().map_or(io::ErrorKind::NotFound.into(), damaged));
            };
            found = entries.get(at);
            here = found.filter(|it| it.kind == Kind::Directory).map(|it| it.directory);
        }
        Ok(found)
    }

    /// Names in the directory of `entry`, or in the root.
    pub(super) fn list(&self, entry: Option<&Entry>) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        if entry.is_some_and(|it| it.kind != Kind::Directory) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let index = entry.map_or(0, |it| it.directory);
        let directory = self.directories.get(index as usize).ok_or(io::ErrorKind::NotFound)?;
        if let Some(damage) = &directory.damage {
            return Err(damaged(damage));
        }
        Ok(self.entries_of(directory).iter().map(|it| (self.name(it).to_vec(), it.kind)).collect())
    }

    /// Directories that were not read whole, and why.
    pub(super) fn unread(&self) -> impl Iterator<Item = (TreePath, &str)> {
        self.directories.iter().filter_map(|it| Some((self.path(it), it.damage.as_deref()?)))
    }

    fn announce(&mut self, inode: InodePlace, depth: u32, above: Option<(u32, u32)>) -> u32 {
        let index = self.directories.len() as u32;
        self.directories.push(Directory { inode, entries: 0..0, depth, above, damage: None });
        index
    }

    /// Puts the directories among `entries` on the list, so that the first is read next.
    fn announce_below(&mut self, above: u32, entries: Range<u32>, todo: &mut Vec<u32>) {
        let depth = self.directories.get(above as usize).map_or(0, |it| it.depth).saturating_add(1);
        let begin = todo.len();
        for at in entries {
            let Some(inode) = self.entries.get(at as usize).filter(|it| it.kind == Kind::Directory).map(|it| it.inode)
            else {
                continue;
            };
            let index = self.announce(inode, depth, Some((above, at)));
            if let Some(entry) = self.entries.get_mut(at as usize) {
                entry.directory = index;
            }
            todo.push(index);
        }
        if let Some(fresh) = todo.get_mut(begin..) {
            fresh.reverse();
        }
    }

    /// Appends the entries of one directory, as they stand there.
    fn read_directory(&mut self, image: &Image, index: u32, seen: &mut Map<InodePlace, ()>) -> io::Result<()> {
        let directory = self.directories.get(index as usize).cloned().ok_or_else(|| damaged("no such directory"))?;
        if METADATA_BLOCKS < image.unpacked_metadata() {
            return Err(damaged(&format!("not read: names take more than {METADATA_BLOCKS} blocks of metadata")));
        }
        if DEPTH < directory.depth {
            return Err(damaged(&format!("not read: more than {DEPTH} directories inside one another")));
        }
        if seen.insert(directory.inode, ()).is_some() {
            return Err(damaged("a directory is reached a second time: a loop in the image"));
        }
        let Body::Directory { entries, length_bytes } = Inode::read(image, directory.inode)?.body else {
            return Err(damaged("an entry says directory, its inode does not"));
        };
        self.read_entries(image, entries, length_bytes)
    }

    fn read_entries(&mut self, image: &Image, entries: Place, length_bytes: u32) -> io::Result<()> {
        let mut reader = Reader::new(image, entries, image.superblock.directory_end);
        let mut rest = length_bytes;
        let mut take = |count: u32| {
            rest = rest.checked_sub(count).ok_or_else(|| damaged("a directory ends inside an entry"))?;
            Ok::<_, io::Error>(rest)
        };
        let mut left = length_bytes;
        while 0 < left {
            take(12)?;
            let header: [u8; 12] = reader.array()?;
            let (count, block) = (u32_at(&header, 0), u32_at(&header, 4));
            if RUN_ENTRIES <= count {
                return Err(damaged("a directory announces more than 256 entries at once"));
            }
            for _ in 0..=count {
                let fixed: [u8; 8] = reader.array()?;
                let length = u32::from(u16_at(&fixed, 6)) + 1;
                left = take(8 + length)?;
                let inode = u64::from(block) << 16 | u64::from(u16_at(&fixed, 0));
                self.add(&mut reader, inode, u16_at(&fixed, 4), length as usize)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, reader: &mut Reader, inode: InodePlace, number: u16, length: usize) -> io::Result<()> {
        let kind = match number {
            1 => Kind::Directory,
            2 => Kind::File,
            3 => Kind::Link,
            4..=7 => Kind::Other,
            other => return Err(damaged(&format!("an entry has the unknown type {other}"))),
        };
        if NAME_BYTES < length {
            return Err(damaged(&format!("a name has {length} bytes, at most {NAME_BYTES} are possible")));
        }
        if ENTRIES <= self.entries.len() || NAMES_BYTES < self.bytes.len().saturating_add(length) {
            return Err(damaged(&format!("not read: more than {ENTRIES} entries, or {NAMES_BYTES} bytes of names")));
        }
        let begin = self.bytes.len();
        self.bytes.resize(begin.saturating_add(length), 0);
        let name = self.bytes.get_mut(begin..).unwrap_or_default();
        reader.fill(name)?;
        if name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
            return Err(damaged("a directory holds an entry whose name is none"));
        }
        self.entries.push(Entry { name: begin as u32..self.bytes.len() as u32, kind, inode, directory: 0 });
        Ok(())
    }

    /// Sorts the entries from `begin` on; of two with one name the first counts, as in the kernel.
    fn sort(&mut self, begin: usize) -> Range<u32> {
        let mut fresh = self.entries.split_off(begin);
        fresh.sort_by(|one, other| self.name(one).cmp(self.name(other)));
        fresh.dedup_by(|later, first| self.name(later) == self.name(first));
        self.entries.append(&mut fresh);
        begin as u32..self.entries.len() as u32
    }

    fn entries_of(&self, directory: &Directory) -> &[Entry] {
        self.entries.get(directory.entries.start as usize..directory.entries.end as usize).unwrap_or_default()
    }

    fn name(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.name.start as usize..entry.name.end as usize).unwrap_or_default()
    }

    /// The path of a directory, from the root down.
    fn path(&self, directory: &Directory) -> TreePath {
        let mut elements = Vec::new();
        let mut above = directory.above;
        while let Some((directory, entry)) = above {
            elements.extend(self.entries.get(entry as usize).map(|it| self.name(it)));
            above = self.directories.get(directory as usize).and_then(|it| it.above);
        }
        elements.reverse();
        TreePath::new(elements.join(&b'/'))
    }
}
