//! A tree with one of everything, and ways to open bytes as an image.

use std::io;
use std::sync::Arc;

use pyhpc_audit::base::{Bytes, ReadAt, TreePath};
use pyhpc_audit::tree::{Kind, MemoryTree, Node, SquashFsTree, Tree};

use crate::support::squash_writer::Shape;

/// The usual image: blocks of 4 KiB, so that small files have several.
pub const USUAL: Shape = Shape { block_bytes: 4096, fragments: true, extended: false, sparse: true };

/// Files of every relation to a block, hard links, links, an empty directory, long and odd names, holes.
pub fn content() -> MemoryTree {
    let mut tree = MemoryTree::new();
    let mut file = |path: &str, bytes: Vec<u8>, mode: u32| {
        tree.add(&TreePath::new(path), Node::File(Arc::new(bytes), mode));
    };
    file("/empty", Vec::new(), 0o600);
    for size in [1, 4095, 4096, 4097, 8192, 50_000] {
        file(&format!("/usr/lib/of-{size}"), noise(size), 0o755);
    }
    file("/usr/lib/compressible", vec![b'x'; 300_000], 0o644);
    file("/var/holes", [vec![0; 9000], noise(5000), vec![0; 20_000]].concat(), 0o644);
    file("/var/only-holes", vec![0; 16_384], 0o644);
    file("/usr/bin/setuid", noise(100), 0o4755);
    for number in 0..700 {
        file(&format!("/usr/share/many/{number}-{}", "n".repeat(number % 90)), vec![number as u8; number % 50], 0o644);
    }
    file(&format!("/var/{}", "l".repeat(255)), noise(10), 0o444);
    let shared = Arc::new(noise(10_000));
    for path in ["/usr/lib/hard", "/usr/lib/link", "/opt/elsewhere"] {
        tree.add(&TreePath::new(path), Node::File(Arc::clone(&shared), 0o644));
    }
    tree.add(&TreePath::new("/lib"), Node::Link(b"usr/lib".to_vec()));
    tree.add(&TreePath::new("/dangling"), Node::Link(b"/nowhere/at all".to_vec()));
    tree.add(&TreePath::new("/long-link"), Node::Link([b'a'; 255].to_vec()));
    tree.add(&TreePath::new("/tmp"), Node::Directory(0o1777));
    tree.add(&TreePath::new("/run/fifo"), Node::Other);
    tree.add_file(&TreePath::new(b"/odd/\xff\xfe%\x1b"), "not UTF-8");
    tree.add_file(&TreePath::new("/num-1.2"), "sorts between num and num/x");
    tree.add_file(&TreePath::new("/num/x"), "x");
    tree
}

/// Bytes that do not compress, always the same.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    (0..size).map(|_| next()).collect()
}

pub fn file(bytes: Vec<u8>) -> Arc<dyn ReadAt> {
    Arc::new(Bytes(Arc::new(bytes)))
}

pub fn open(bytes: Vec<u8>) -> io::Result<SquashFsTree> {
    let length = bytes.len() as u64;
    SquashFsTree::open(file(bytes), 0, length)
}

/// Asks for everything: what is read, and how many errors there were. Stops after as many entries as a test can wait for.
pub fn exhaust(tree: &dyn Tree) -> (usize, usize) {
    let (mut read, mut errors) = (0, 0);
    let mut todo = vec![TreePath::root()];
    while let Some(path) = todo.pop().filter(|_| read < 20_000) {
        let mut note = |ok: bool| if ok { read += 1 } else { errors += 1 };
        let metadata = tree.metadata(&path);
        note(metadata.is_ok());
        note(tree.read_link(&path).is_ok());
        if let Ok(file) = tree.open(&path) {
            let size = file.size_bytes();
            let mut buffer = [0; 5000];
            for offset in [0, size / 2, size.saturating_sub(1), size, u64::MAX] {
                note(file.read_at(offset, &mut buffer).is_ok());
            }
        }
        match tree.list(&path) {
            Ok(names) => {
                assert!(names.is_sorted(), "{path} is not sorted");
                assert!(names.iter().all(|(name, _)| !name.is_empty() && !name.contains(&b'/')), "{path}");
                let directory = metadata.is_ok_and(|it| it.kind == Kind::Directory);
                assert!(directory || names.is_empty() || path == TreePath::root(), "{path} lists and is no directory");
                todo.extend(names.iter().map(|(name, _)| path.join(name)));
            }
            Err(_) => errors += 1,
        }
    }
    (read, errors)
}
