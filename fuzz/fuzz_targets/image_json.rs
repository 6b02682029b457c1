//! Any text as the JSON of an image: indexes, manifests, configurations, and what `docker save` writes.
//!
//! Parts are separated by a byte 0xff: index.json, manifest.json, then blobs. `@0` in a part is the digest of the first
//! blob, where that is not the part itself or one before it.
#![no_main]

#[path = "../walk.rs"]
mod walk;

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::MemoryTree;

/// Parts that can be named.
const PARTS: usize = 10;

fuzz_target!(|bytes: &[u8]| {
    let parts: Vec<&[u8]> = bytes.splitn(PARTS + 2, |it| *it == 0xff).collect();
    let mut digests: Vec<(usize, String)> = Vec::new();
    let mut tree = MemoryTree::new();
    tree.add_file(&TreePath::new("/image/oci-layout"), "{}");
    for (at, part) in parts.iter().enumerate().rev() {
        let text = named(part, &digests);
        match at {
            0 if !text.is_empty() => tree.add_file(&TreePath::new("/image/index.json"), text),
            0 => {}
            1 => tree.add_file(&TreePath::new("/image/manifest.json"), text),
            number => {
                let digest = walk::hex(&text);
                tree.add_file(&TreePath::new(format!("/image/blobs/sha256/{digest}")), text);
                digests.push((number - 2, digest));
            }
        }
    }
    walk::walk(tree);
});

/// The part with digests instead of `@0` and so on.
fn named(part: &[u8], digests: &[(usize, String)]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = part.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let number = rest.peek().filter(|it| byte == b'@' && it.is_ascii_digit()).map(|it| usize::from(it - b'0'));
        match number.and_then(|it| digests.iter().find(|(number, _)| *number == it)) {
            Some((_, digest)) => {
                rest.next();
                text.extend(format!("sha256:{digest}").bytes());
            }
            None => text.push(byte),
        }
    }
    text
}
