//! File trees from text: in memory, or on request below a real directory.
//!
//! ```toml
//! [[file]]                              # exactly one of elf, macho, text, hex, same_as
//! path = "/lib/libx.so.1"
//! elf  = { soname = "libx.so.1", needed = ["liby.so"], runpath = "$ORIGIN", defines = ["f"], wants = ["g"] }
//! [[file]]
//! path = "/etc/passwd"
//! text = "root:x:0:0::/root:/bin/sh\n"
//! mode = 0o600                          # optional
//! [[file]]
//! path    = "/lib/hard-link.so"
//! same_as = "/lib/libx.so.1"            # a hard link to a file above
//! [[link]]
//! path   = "/lib/libx.so"
//! target = "libx.so.1"
//! [[directory]]
//! path = "/empty"                       # directories above a file need no entry
//! [[other]]
//! path = "/dev/null"                    # a device or FIFO; in memory only
//! [[cache]]                             # /etc/ld.so.cache: [soname, path] in the order of the file
//! path    = "/etc/ld.so.cache"
//! entries = [["libx.so.1", "/lib/libx.so.1"]]
//! ```
//! The fields of `elf` are those of [`ElfSpec`], of `macho` those of [`MachSpec`]. A misspelt key is an error with its line. `%XX` in a path is a byte.
//!
//! A test file that holds more than a tree embeds it: `struct Case { tree: Fixture, expect: Expect }` reads
//! `[[tree.file]]` and so on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{MemoryTree, Node};
use serde::Deserialize;

use super::elf_builder::ElfSpec;
use super::macho_writer::MachSpec;

/// A tree as it stands in TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fixture {
    /// Regular files.
    #[serde(rename = "file")]
    pub files: Vec<File>,
    /// Symbolic links.
    #[serde(rename = "link")]
    pub links: Vec<Link>,
    /// Directories.
    #[serde(rename = "directory")]
    pub directories: Vec<Directory>,
    /// Devices and FIFOs.
    #[serde(rename = "other")]
    pub others: Vec<Other>,
    /// Caches of ld.so.
    #[serde(rename = "cache")]
    pub caches: Vec<Cache>,
}

/// A regular file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it lies.
    pub path: String,
    /// Permission bits.
    pub mode: Option<u32>,
    /// A shared object.
    pub elf: Option<Box<ElfSpec>>,
    /// A file of macOS.
    pub macho: Option<MachSpec>,
    /// Text.
    pub text: Option<String>,
    /// Bytes in hexadecimal.
    pub hex: Option<String>,
    /// The file that it is a hard link to.
    pub same_as: Option<String>,
}

/// A symbolic link.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where it lies.
    pub path: String,
    /// What it says.
    pub target: String,
}

/// A directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Where it lies.
    pub path: String,
    /// Permission bits.
    pub mode: Option<u32>,
}

/// A device or FIFO.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    path: String,
}

/// A cache of ld.so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Where it lies.
    pub path: String,
    /// Soname and path.
    pub entries: Vec<(String, String)>,
}

/// The tree of a text.
#[track_caller]
pub fn tree(text: &str) -> MemoryTree {
    Fixture::parse(text).memory_tree()
}

impl Fixture {
    /// Reads a text; a mistake in it fails the test with its line.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("fixture:\n{error}"))
    }

    /// The tree in memory.
    #[track_caller]
    pub fn memory_tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for directory in &self.directories {
            tree.add(&TreePath::new(raw(&directory.path)), Node::Directory(directory.mode.unwrap_or(0o755)));
        }
        let mut known: BTreeMap<&str, Arc<Vec<u8>>> = BTreeMap::new();
        for file in &self.files {
            let bytes = match &file.same_as {
                Some(first) => Arc::clone(known.get(first.as_str()).unwrap_or_else(|| panic!("no file {first} above"))),
                None => Arc::new(file.bytes()),
            };
            known.insert(&file.path, Arc::clone(&bytes));
            tree.add(&TreePath::new(raw(&file.path)), Node::File(bytes, file.mode.unwrap_or(0o644)));
        }
        for link in &self.links {
            tree.add(&TreePath::new(raw(&link.path)), Node::Link(raw(&link.target)));
        }
        for other in &self.others {
            tree.add(&TreePath::new(raw(&other.path)), Node::Other);
        }
        for cache in &self.caches {
            tree.add_file(&TreePath::new(raw(&cache.path)), cache_bytes(&cache.entries));
        }
        tree
    }

    /// A scratch directory with the tree in it, removed when dropped.
    #[track_caller]
    pub fn directory(&self) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        self.write_below(directory.path());
        directory
    }

    /// Writes the tree below `root`, with modes of its own whatever the umask. Absolute link targets stay as written: they count from the root of the tree.
    #[track_caller]
    pub fn write_below(&self, root: &Path) {
        let full = |path: &str| root.join(OsString::from_vec(raw(path.trim_start_matches('/'))));
        let place = |path: &str| {
            let path = full(path);
            let above = path.parent().unwrap();
            std::fs::create_dir_all(above).unwrap();
            above.ancestors().take_while(|it| it.starts_with(root)).for_each(|it| set_mode(it, 0o755));
            path
        };
        for directory in &self.directories {
            let path = place(&directory.path);
            std::fs::create_dir_all(&path).unwrap();
            set_mode(&path, 0o755);
        }
        for file in &self.files {
            let path = place(&file.path);
            match &file.same_as {
                Some(first) => std::fs::hard_link(place(first), &path).unwrap(),
                None => std::fs::write(&path, file.bytes()).unwrap(),
            }
            if file.same_as.is_none() || file.mode.is_some() {
                set_mode(&path, file.mode.unwrap_or(0o644));
            }
        }
        for link in &self.links {
            std::os::unix::fs::symlink(OsString::from_vec(raw(&link.target)), place(&link.path)).unwrap();
        }
        for cache in &self.caches {
            std::fs::write(place(&cache.path), cache_bytes(&cache.entries)).unwrap();
        }
        // Last: a directory that is not writable takes no files.
        for directory in &self.directories {
            directory.mode.into_iter().for_each(|mode| set_mode(&full(&directory.path), mode));
        }
        assert!(self.others.is_empty(), "devices and FIFOs are for trees in memory");
    }
}

impl File {
    #[track_caller]
    fn bytes(&self) -> Vec<u8> {
        match (&self.elf, &self.macho, &self.text, &self.hex) {
            (Some(elf), None, None, None) => elf.build(),
            (None, Some(macho), None, None) => macho.build(),
            (None, None, Some(text), None) => text.clone().into_bytes(),
            (None, None, None, Some(hex)) => from_hex(hex),
            _ => panic!("{}: give exactly one of elf, macho, text, hex, same_as", self.path),
        }
    }
}

/// `ld.so.cache` in the format of glibc 2.32 and later, little-endian, entries of x86-64.
pub fn cache_bytes(entries: &[(String, String)]) -> Vec<u8> {
    let table = 48 + 24 * entries.len();
    let (mut lines, mut strings) = (Vec::new(), Vec::new());
    let mut add = |text: &str| {
        let at = (table + strings.len()) as u32;
        strings.extend([text.as_bytes(), b"\0"].concat());
        at
    };
    for (soname, path) in entries {
        for value in [0x0303, add(soname), add(path), 0, 0, 0] {
            lines.extend(value.to_le_bytes());
        }
    }
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    bytes.extend((entries.len() as u32).to_le_bytes());
    bytes.extend((strings.len() as u32).to_le_bytes());
    bytes.extend([2, 0, 0, 0]);
    bytes.resize(48, 0);
    [bytes, lines, strings].concat()
}

/// A path with `%XX` as bytes; a `%` that no two digits follow stays.
pub fn raw(path: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|it| *first == b'%' && it.iter().all(u8::is_ascii_hexdigit));
        match digits.and_then(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// Bytes of hexadecimal digits; white space is ignored.
pub fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
