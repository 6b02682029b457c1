//! A whole tree as text, one line per path, to be compared and to be reviewed.
//!
//! ```text
//! directory 755  /etc
//! file      644  /etc/hosts "127.0.0.1"
//! file      644  /etc/names = /etc/hosts
//! link      777  /lib -> usr/lib
//! other     644  /dev/null
//! ```
//! Content that is long or no text is its size and the beginning of its SHA-256.

use std::collections::BTreeMap;

use pyhpc_audit::base::{ReadAt, TreePath};
use pyhpc_audit::tree::{Kind, Tree};
use sha2::{Digest, Sha256};

/// Content up to this size is shown, in bytes.
const SHOWN_BYTES: u64 = 40;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// Every path of `tree`, sorted by path.
pub fn listing(tree: &dyn Tree) -> String {
    let mut lines = String::new();
    let mut first_names = BTreeMap::new();
    below(tree, &TreePath::root(), &mut first_names, &mut lines);
    lines
}

/// Names as text: what is not plain ASCII is `%XX`.
pub fn shown(bytes: &[u8]) -> String {
    let one = |b: &u8| match b {
        b'%' | b'"' | 0..=0x20 | 0x7f.. => format!("%{b:02X}"),
        plain => char::from(*plain).to_string(),
    };
    bytes.iter().map(one).collect()
}

fn below(tree: &dyn Tree, path: &TreePath, first_names: &mut BTreeMap<(u64, u64), TreePath>, lines: &mut String) {
    let it = tree.metadata(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let name = shown(path.as_bytes());
    let mode = it.mode;
    match it.kind {
        Kind::Directory => {
            lines.push_str(&format!("directory {mode:03o}  {name}\n"));
            let list = tree.list(path).unwrap_or_else(|error| panic!("{path}: {error}"));
            for (name, _) in list {
                below(tree, &path.join(name), first_names, lines);
            }
        }
        Kind::Link => {
            let target = tree.read_link(path).unwrap_or_else(|error| panic!("{path}: {error}"));
            lines.push_str(&format!("link      {mode:03o}  {name} -> {}\n", shown(&target)));
        }
        Kind::Other => lines.push_str(&format!("other     {mode:03o}  {name}\n")),
        Kind::File => {
            let content = match first_names.get(&it.id) {
                Some(first) => format!("= {}", shown(first.as_bytes())),
                None => content(tree, path),
            };
            first_names.entry(it.id).or_insert_with(|| path.clone());
            lines.push_str(&format!("file      {mode:03o}  {name} {content}\n"));
        }
    }
}

fn content(tree: &dyn Tree, path: &TreePath) -> String {
    let file = tree.open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let size = file.size_bytes();
    let (mut hash, mut text, mut at) = (Sha256::new(), Vec::new(), 0);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read_at(at, &mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                if at < SHOWN_BYTES {
                    text.extend(&buffer[..count.min(SHOWN_BYTES as usize)]);
                }
                at += count as u64;
            }
            Err(error) => return format!("{size} bytes, {error}"),
        }
    }
    assert_eq!(at, size, "{path} ends elsewhere than it says");
    if size <= SHOWN_BYTES && !text.contains(&0) {
        return format!("\"{}\"", shown(&text).replace("%20", " "));
    }
    let digest: String = hash.finalize().iter().take(8).map(|it| format!("{it:02x}")).collect();
    format!("{size} bytes {digest}")
}
