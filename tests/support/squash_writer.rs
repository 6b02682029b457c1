//! Writes SquashFS images for the tests, entry by entry, with nothing packed: true ones, and those that lie.
//!
//! Blocks of metadata are stored as they are, so the place of everything is known before it is written.

use std::collections::BTreeMap;

use pyhpc_audit::base::{TreePath, read_range};
use pyhpc_audit::tree::{Kind, Tree};

/// Size of a block of metadata.
const METADATA: usize = 8192;

/// The file has no fragment.
const NONE: u32 = u32::MAX;

/// How an image is written.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Size of the blocks of contents.
    pub block_bytes: u32,
    /// Tails of files share blocks.
    pub fragments: bool,
    /// Inodes are of the longer kind, with room for extended attributes.
    pub extended: bool,
    /// Blocks of zeros are left out.
    pub sparse: bool,
}

/// Where an inode was written.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// As directory entries and the superblock have it.
    pub place: u64,
    /// The type that stands in directory entries.
    pub number: u16,
    /// The number of the inode.
    pub inode: u32,
}

/// An image on its way.
pub struct SquashWriter {
    shape: Shape,
    data: Vec<u8>,
    inodes: Vec<u8>,
    directories: Vec<u8>,
    fragments: Vec<(u64, u32)>,
    tail: Vec<u8>,
    count: u32,
}

/// `tree` as an image; files of one id become hard links.
pub fn squash(tree: &dyn Tree, shape: Shape) -> Vec<u8> {
    let mut writer = SquashWriter::new(shape);
    let root = writer.directory_of(tree, &TreePath::root(), &mut BTreeMap::new());
    writer.finish(root)
}

impl SquashWriter {
    pub fn new(shape: Shape) -> Self {
        let (inodes, directories, fragments, tail) = Default::default();
        Self { shape, data: vec![0; 96], inodes, directories, fragments, tail, count: 0 }
    }

    /// Where the next inode will lie.
    pub fn next(&self) -> u64 {
        let (block, offset) = place(self.inodes.len());
        u64::from(block) << 16 | u64::from(offset)
    }

    /// A regular file.
    pub fn file(&mut self, bytes: &[u8], mode: u16) -> Written {
        let block = self.shape.block_bytes as usize;
        let begin = self.data.len() as u64;
        let whole = if self.shape.fragments { bytes.len() / block * block } else { bytes.len() };
        let mut sizes = Vec::new();
        for piece in bytes[..whole].chunks(block) {
            if self.shape.sparse && piece.iter().all(|it| *it == 0) {
                sizes.push(0);
            } else {
                self.data.extend(piece);
                sizes.push(piece.len() as u32 | 1 << 24);
            }
        }
        let (fragment, offset) = self.tail(&bytes[whole..]);
        self.file_of(begin, bytes.len() as u64, (fragment, offset), &sizes, mode)
    }

    /// The inode of a file that says whatever is given.
    pub fn file_of(&mut self, begin: u64, size: u64, fragment: (u32, u32), sizes: &[u32], mode: u16) -> Written {
        let written = self.inode(2, mode);
        if self.shape.extended {
            self.put(&[&begin.to_le_bytes(), &size.to_le_bytes(), &[0; 8], &1_u32.to_le_bytes()]);
            self.put(&[&fragment.0.to_le_bytes(), &fragment.1.to_le_bytes(), &NONE.to_le_bytes()]);
        } else {
            self.put(&[&(begin as u32).to_le_bytes(), &fragment.0.to_le_bytes()]);
            self.put(&[&fragment.1.to_le_bytes(), &(size as u32).to_le_bytes()]);
        }
        sizes.iter().for_each(|it| self.put(&[&it.to_le_bytes()]));
        written
    }

    /// A symbolic link.
    pub fn link(&mut self, target: &[u8]) -> Written {
        let written = self.inode(3, 0o777);
        self.put(&[&1_u32.to_le_bytes(), &(target.len() as u32).to_le_bytes(), target]);
        if self.shape.extended {
            self.put(&[&NONE.to_le_bytes()]);
        }
        written
    }

    /// A FIFO.
    pub fn fifo(&mut self, mode: u16) -> Written {
        let written = self.inode(6, mode);
        self.put(&[&1_u32.to_le_bytes()]);
        if self.shape.extended {
            self.put(&[&NONE.to_le_bytes()]);
        }
        written
    }

    /// A directory with these entries, in this order.
    pub fn directory(&mut self, entries: &[(&[u8], Written)], mode: u16) -> Written {
        let begin = self.directories.len();
        // A header serves 256 entries whose inodes lie in one block.
        let same = |one: &(&[u8], Written), other: &(&[u8], Written)| one.1.place >> 16 == other.1.place >> 16;
        for run in entries.chunk_by(same).flat_map(|it| it.chunks(256)) {
            let first = run[0].1;
            let header = [run.len() as u32 - 1, (first.place >> 16) as u32, first.inode];
            header.iter().for_each(|it| self.directories.extend(it.to_le_bytes()));
            for (name, it) in run {
                let apart = it.inode.wrapping_sub(first.inode) as u16;
                let fields = [it.place as u16, apart, it.number, name.len() as u16 - 1];
                fields.iter().for_each(|it| self.directories.extend(it.to_le_bytes()));
                self.directories.extend(*name);
            }
        }
        let (block, offset) = place(begin);
        self.directory_of_place(block, offset, (self.directories.len() - begin) as u32 + 3, mode)
    }

    /// The inode of a directory that says whatever is given.
    pub fn directory_of_place(&mut self, block: u32, offset: u16, size: u32, mode: u16) -> Written {
        let extended = self.shape.extended || u32::from(u16::MAX) < size;
        let written = self.inode_of(1, mode, extended);
        if extended {
            self.put(&[&2_u32.to_le_bytes(), &size.to_le_bytes(), &block.to_le_bytes(), &1_u32.to_le_bytes()]);
            self.put(&[&0_u16.to_le_bytes(), &offset.to_le_bytes(), &NONE.to_le_bytes()]);
        } else {
            self.put(&[&block.to_le_bytes(), &2_u32.to_le_bytes(), &(size as u16).to_le_bytes()]);
            self.put(&[&offset.to_le_bytes(), &1_u32.to_le_bytes()]);
        }
        written
    }

    /// The image with this root.
    pub fn finish(mut self, root: Written) -> Vec<u8> {
        self.cut_tail();
        let mut image = std::mem::take(&mut self.data);
        let inode_table = image.len() as u64;
        image.extend(blocks(&self.inodes));
        let directory_table = image.len() as u64;
        image.extend(blocks(&self.directories));
        let entry = |(begin, size): &(u64, u32)| [&begin.to_le_bytes()[..], &size.to_le_bytes(), &[0; 4]].concat();
        let fragments: Vec<u8> = self.fragments.iter().flat_map(entry).collect();
        let fragment_table = index(&mut image, &fragments);
        let id_table = index(&mut image, &[0; 4]);
        let used = image.len() as u64;
        let mut first = b"hsqs".to_vec();
        let block = self.shape.block_bytes;
        [self.count, 1, block, self.fragments.len() as u32].iter().for_each(|it| first.extend(it.to_le_bytes()));
        [1, block.trailing_zeros() as u16, 0, 1, 4, 0].iter().for_each(|it| first.extend(it.to_le_bytes()));
        let tables = [root.place, used, id_table, u64::MAX, inode_table, directory_table, fragment_table, u64::MAX];
        tables.iter().for_each(|it| first.extend(it.to_le_bytes()));
        image[..96].copy_from_slice(&first);
        image.resize(image.len().next_multiple_of(4096), 0);
        image
    }

    fn directory_of(&mut self, tree: &dyn Tree, path: &TreePath, seen: &mut BTreeMap<(u64, u64), Written>) -> Written {
        let mut entries = Vec::new();
        for (name, kind) in tree.list(path).unwrap() {
            let below = path.join(&name);
            let metadata = tree.metadata(&below).unwrap();
            let written = match kind {
                Kind::Directory => self.directory_of(tree, &below, seen),
                Kind::Link => self.link(&tree.read_link(&below).unwrap()),
                Kind::Other => self.fifo(metadata.mode as u16),
                Kind::File => *seen.entry(metadata.id).or_insert_with(|| {
                    let file = tree.open(&below).unwrap();
                    self.file(&read_range(file.as_ref(), 0, file.size_bytes()).unwrap(), metadata.mode as u16)
                }),
            };
            entries.push((name, written));
        }
        let entries: Vec<(&[u8], Written)> = entries.iter().map(|(name, it)| (name.as_slice(), *it)).collect();
        self.directory(&entries, tree.metadata(path).unwrap().mode as u16)
    }

    fn tail(&mut self, bytes: &[u8]) -> (u32, u32) {
        if bytes.is_empty() {
            return (NONE, 0);
        }
        if (self.shape.block_bytes as usize) < self.tail.len() + bytes.len() {
            self.cut_tail();
        }
        let at = self.tail.len() as u32;
        self.tail.extend(bytes);
        (self.fragments.len() as u32, at)
    }

    fn cut_tail(&mut self) {
        if !self.tail.is_empty() {
            self.fragments.push((self.data.len() as u64, self.tail.len() as u32 | 1 << 24));
            self.data.append(&mut self.tail);
        }
    }

    fn inode(&mut self, number: u16, mode: u16) -> Written {
        self.inode_of(number, mode, self.shape.extended)
    }

    fn inode_of(&mut self, number: u16, mode: u16, extended: bool) -> Written {
        self.count += 1;
        let written = Written { place: self.next(), number, inode: self.count };
        let kind = if extended { number + 7 } else { number };
        [kind, mode, 0, 0].iter().for_each(|it| self.inodes.extend(it.to_le_bytes()));
        [0, self.count].iter().for_each(|it| self.inodes.extend(it.to_le_bytes()));
        written
    }

    fn put(&mut self, fields: &[&[u8]]) {
        fields.iter().for_each(|it| self.inodes.extend(*it));
    }
}

/// Where the byte `at` of a table lies: the begin of its block from the begin of the table, and the offset in it.
fn place(at: usize) -> (u32, u16) {
    ((at / METADATA * (METADATA + 2)) as u32, (at % METADATA) as u16)
}

fn blocks(bytes: &[u8]) -> Vec<u8> {
    let block = |it: &[u8]| [&(it.len() as u16 | 1 << 15).to_le_bytes(), it].concat();
    bytes.chunks(METADATA).flat_map(block).collect()
}

/// Appends a table and the list of its blocks, and says where the list is.
fn index(image: &mut Vec<u8>, bytes: &[u8]) -> u64 {
    let begin = image.len();
    image.extend(blocks(bytes));
    let list = image.len() as u64;
    let places = (0..bytes.len().div_ceil(METADATA)).map(|it| (begin + it * (METADATA + 2)) as u64);
    image.extend(places.flat_map(u64::to_le_bytes));
    list
}
