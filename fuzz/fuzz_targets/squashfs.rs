//! Any bytes as a SquashFS image: no panic, bounded time and memory. Everything in it is asked for.
//!
//! Seeds are real images; without them nothing gets past the superblock:
//! `mksquashfs DIRECTORY fuzz/corpus/squashfs/gzip -b 4096 -nopad`, and the same with `-comp xz`, `-comp zstd`, `-noI`.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::{Bytes, TreePath};
use pyhpc_audit::tree::{Kind, SquashFsTree, Tree};

/// Entries that are looked at: an image of a kilobyte can have a million.
const ENTRIES: usize = 2000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tree) = SquashFsTree::open(Arc::new(Bytes(Arc::new(bytes.to_vec()))), 0, bytes.len() as u64) else {
        return;
    };
    tree.gaps();
    let mut todo = vec![TreePath::root()];
    let mut buffer = [0; 5000];
    for _ in 0..ENTRIES {
        let Some(path) = todo.pop() else { return };
        let kind = tree.metadata(&path).map(|it| it.kind);
        if let Ok(target) = tree.read_link(&path) {
            assert_eq!(kind.as_ref().ok(), Some(&Kind::Link));
            assert!(target.len() <= 4096);
        }
        if let Ok(file) = tree.open(&path) {
            for offset in [0, file.size_bytes() / 2, file.size_bytes().saturating_sub(1), u64::MAX] {
                if let Ok(count) = file.read_at(offset, &mut buffer) {
                    assert!(count as u64 <= file.size_bytes().saturating_sub(offset));
                }
            }
        }
        if let Ok(names) = tree.list(&path) {
            assert!(names.is_sorted_by(|one, other| one.0 < other.0));
            todo.extend(names.iter().take(ENTRIES).map(|(name, _)| path.join(name)));
        }
    }
});
