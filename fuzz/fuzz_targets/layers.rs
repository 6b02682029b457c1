//! Any bytes as a root, and as the layers of an image, in every coding: no panic, bounded time and memory.
//!
//! The first byte chooses; checksums of tar headers are put right, so that what is behind them is reached.
#![no_main]

#[path = "../walk.rs"]
mod walk;

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::MemoryTree;

/// Bytes of a block of a tar.
const BLOCK_BYTES: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut tree = MemoryTree::new();
    let file = TreePath::new("/image");
    match choice >> 4 {
        0 => tree.add_file(&file, bytes),
        1 => tree.add_file(&file, repaired(bytes)),
        2 => tree.add_file(&file, encoded(choice & 3, &repaired(bytes))),
        _ => {
            let cut = bytes.len().saturating_mul(usize::from(choice >> 4)) / 16 / BLOCK_BYTES * BLOCK_BYTES;
            let (lower, upper) = bytes.split_at(cut.min(bytes.len()));
            let layers = [encoded(choice & 3, &repaired(lower)), encoded((choice >> 2) & 3, &repaired(upper))];
            walk::layout(&mut tree, &layers);
        }
    }
    walk::walk(tree);
});

/// Headers whose checksum is right; a block is one where it says `ustar`.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(BLOCK_BYTES) {
        if block[257..].starts_with(b"ustar") {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|it| u32::from(*it)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    bytes
}

fn encoded(choice: u8, bytes: &[u8]) -> Vec<u8> {
    match choice {
        1 => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(0));
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory")
        }
        2 => zstd::encode_all(bytes, 1).expect("memory"),
        _ => bytes.to_vec(),
    }
}
