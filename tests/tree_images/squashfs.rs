//! True images: what is in them comes out, whoever wrote them.

use std::ffi::OsStr;
use std::io::Cursor;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use backhand::compression::Compressor;
use backhand::{FilesystemCompressor, FilesystemWriter, NodeHeader};
use pyhpc_audit::base::{TreePath, fill, read_range};
use pyhpc_audit::tree::{Kind, SquashFsTree, Tree, is_squashfs};

use crate::content::{USUAL, content, file, noise, open};
use crate::support::same_tree::differences;
use crate::support::squash_writer::{Shape, squash};

#[track_caller]
fn check(shape: Shape) {
    let image = open(squash(&content(), shape)).unwrap();
    assert_eq!(differences(&image, &content()), [""; 0], "{shape:?}");
    assert_eq!(image.gaps(), [], "{shape:?}");
}

#[test]
fn every_shape_of_inodes_and_blocks() {
    check(USUAL);
    check(Shape { extended: true, ..USUAL });
    check(Shape { fragments: false, ..USUAL });
    check(Shape { fragments: false, sparse: false, extended: true, ..USUAL });
    check(Shape { block_bytes: 1 << 20, ..USUAL });
    check(Shape { block_bytes: 1 << 17, ..USUAL });
}

#[test]
fn every_compressor() {
    for compressor in [Compressor::Gzip, Compressor::Xz, Compressor::Zstd] {
        for block_bytes in [4096, 1 << 17] {
            let image = open(backhand_image(&content(), compressor, block_bytes)).unwrap();
            let mut found = differences(&image, &content());
            // This writer knows no hard links.
            found.retain(|it| !it.starts_with("/: hard links: []"));
            assert_eq!(found, [""; 0], "{compressor:?} {block_bytes}");
            assert_eq!(image.gaps(), []);
        }
    }
}

fn backhand_image(tree: &dyn Tree, compressor: Compressor, block_bytes: u32) -> Vec<u8> {
    let mut writer = FilesystemWriter::default();
    writer.set_compressor(FilesystemCompressor::new(compressor, None).unwrap());
    writer.set_block_size(block_bytes);
    writer.set_root_mode(tree.metadata(&TreePath::root()).unwrap().mode as u16);
    let mut todo = vec![TreePath::root()];
    while let Some(directory) = todo.pop() {
        for (name, kind) in tree.list(&directory).unwrap() {
            let path = directory.join(&name);
            let host = Path::new(OsStr::from_bytes(path.as_bytes()));
            let header = NodeHeader { permissions: tree.metadata(&path).unwrap().mode as u16, ..NodeHeader::default() };
            match kind {
                Kind::Directory => {
                    writer.push_dir(host, header).unwrap();
                    todo.push(path);
                }
                Kind::File => {
                    let file = tree.open(&path).unwrap();
                    let bytes = read_range(file.as_ref(), 0, file.size_bytes()).unwrap();
                    writer.push_file(Cursor::new(bytes), host, header).unwrap();
                }
                Kind::Link => {
                    let target = tree.read_link(&path).unwrap();
                    writer.push_symlink(String::from_utf8(target).unwrap(), host, header).unwrap();
                }
                Kind::Other => writer.push_fifo(host, header).unwrap(),
            }
        }
    }
    let mut image = Cursor::new(Vec::new());
    writer.write(&mut image).unwrap();
    image.into_inner()
}

#[test]
fn an_image_inside_a_file() {
    let image = squash(&content(), USUAL);
    let bytes = [noise(777), image.clone(), noise(5000)].concat();
    let tree = SquashFsTree::open(file(bytes), 777, image.len() as u64).unwrap();
    assert_eq!(differences(&tree, &content()), [""; 0]);
}

#[test]
fn hard_links_have_one_id_and_others_differ() {
    let tree = open(squash(&content(), USUAL)).unwrap();
    let id = |path: &str| tree.metadata(&TreePath::new(path)).unwrap().id;
    assert_eq!(id("/usr/lib/hard"), id("/opt/elsewhere"));
    assert_ne!(id("/usr/lib/hard"), id("/usr/lib/of-1"));
    assert_ne!(id("/"), id("/usr"));
}

/// Blocks behind the 2048th: sums of sizes are remembered in steps.
#[test]
fn a_file_of_many_blocks_is_read_from_its_end() {
    let mut tree = pyhpc_audit::tree::MemoryTree::new();
    let bytes = noise(4096 * 5000 + 17);
    tree.add_file(&TreePath::new("/big"), bytes.clone());
    let image = open(squash(&tree, Shape { sparse: false, ..USUAL })).unwrap();
    let file = image.open(&TreePath::new("/big")).unwrap();
    for block in [4999, 2048, 2047, 4096, 4095, 0, 5000] {
        let mut found = [0; 17];
        fill(file.as_ref(), block * 4096, &mut found).unwrap();
        let begin = block as usize * 4096;
        assert_eq!(found, bytes[begin..begin + 17], "block {block}");
    }
    assert_eq!(differences(&image, &tree), [""; 0]);
}

#[test]
fn threads_read_one_image() {
    let tree = open(squash(&content(), Shape { block_bytes: 4096, ..USUAL })).unwrap();
    std::thread::scope(|scope| {
        let ask = || differences(&tree, &content());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().for_each(|it| assert_eq!(it.join().unwrap(), [""; 0]));
    });
}

#[test]
fn images_are_known_by_their_first_bytes() {
    assert!(is_squashfs(&squash(&content(), USUAL)));
    assert!(is_squashfs(b"sqsh"));
    assert!(!is_squashfs(b"hsq"));
    assert!(!is_squashfs(b"\x7fELF"));
}
