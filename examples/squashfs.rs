//! What reading an image costs, and whether it says what a directory says: `squashfs IMAGE [DIRECTORY]`.
//!
//! Opens a SquashFS image or a SIF where it lies, lists every directory, reads the first 4 KiB of every file that begins
//! like an ELF file, and prints counts. With a DIRECTORY, which holds the same tree, it compares everything: names,
//! kinds, modes, sizes, targets, contents and hard links. Exit 1 when they differ.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm)]

#[path = "../tests/support/same_tree.rs"]
mod same_tree;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use pyhpc_audit::base::{ReadAt, TreePath};
use pyhpc_audit::tree::{HostTree, Kind, SquashFsTree, Tree, is_squashfs, sif};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (image, directory) = match arguments.as_slice() {
        [image] => (image, None),
        [image, directory] => (image, Some(directory)),
        _ => {
            eprintln!("usage: image IMAGE [DIRECTORY]");
            return ExitCode::from(2);
        }
    };
    match open(image) {
        Ok(tree) => {
            count(&tree);
            directory.map_or(ExitCode::SUCCESS, |it| compare(&tree, it))
        }
        Err(error) => {
            eprintln!("{image}: {error}");
            ExitCode::from(2)
        }
    }
}

fn open(image: &str) -> io::Result<SquashFsTree> {
    let path = std::fs::canonicalize(image)?;
    let file: Arc<dyn ReadAt> = Arc::from(HostTree::host().open(&TreePath::new(path.as_os_str().as_encoded_bytes()))?);
    let mut first = [0; 64];
    let length = file.read_at(0, &mut first)?;
    let first = first.get(..length).unwrap_or_default();
    if sif::is_sif(first) {
        let sif = sif::read(file.as_ref())?;
        println!(
            "SIF for {:?}: image of {} bytes at {}, oci-config.json of {:?} bytes, not read: {:?}",
            sif.architecture,
            sif.partition_size_bytes,
            sif.partition_offset_bytes,
            sif.oci_config.map(|it| it.len()),
            sif.unread
        );
        return SquashFsTree::open(file, sif.partition_offset_bytes, sif.partition_size_bytes);
    }
    if !is_squashfs(first) {
        return Err(io::Error::other("neither SquashFS nor SIF"));
    }
    let length_bytes = file.size_bytes();
    SquashFsTree::open(file, 0, length_bytes)
}

/// The number of entries, and of ELF files by their first 4 KiB.
fn count(tree: &SquashFsTree) {
    let (mut entries, mut objects, mut unreadable) = (0, 0, 0);
    let mut todo = vec![TreePath::root()];
    while let Some(directory) = todo.pop() {
        let Ok(names) = tree.list(&directory) else {
            unreadable += 1;
            continue;
        };
        for (name, kind) in names {
            entries += 1;
            let path = directory.join(&name);
            match kind {
                Kind::Directory => todo.push(path),
                Kind::File if !is_candidate(&name) => {}
                Kind::File => {
                    let mut first = [0; 4096];
                    match tree.open(&path).and_then(|it| it.read_at(0, &mut first)) {
                        Ok(_) => objects += i32::from(first.starts_with(b"\x7fELF")),
                        Err(_) => unreadable += 1,
                    }
                }
                Kind::Link | Kind::Other => {}
            }
        }
    }
    println!("{entries} entries, {objects} objects, {unreadable} unreadable");
    for gap in tree.gaps() {
        println!("{}: {}", gap.path, gap.reason);
    }
}

/// Shared objects and programs: names without a dot, and `*.so*`.
fn is_candidate(name: &[u8]) -> bool {
    !name.contains(&b'.') || name.windows(3).any(|it| it == b".so")
}

fn compare(tree: &SquashFsTree, directory: &str) -> ExitCode {
    let host = match HostTree::below(Path::new(directory)) {
        Ok(host) => host,
        Err(error) => {
            eprintln!("{directory}: {error}");
            return ExitCode::from(2);
        }
    };
    let differences = same_tree::differences(tree, &host);
    differences.iter().for_each(|it| println!("{it}"));
    println!("{} differences", differences.len());
    ExitCode::from(u8::from(!differences.is_empty()))
}
