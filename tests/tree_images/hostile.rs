//! Images that lie: an error that says what, never a panic, a loop or memory without bound.

use proptest::prelude::*;
use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{MemoryTree, Node, SquashFsTree, Tree};

use crate::content::{USUAL, content, exhaust, file, noise, open};
use crate::support::squash_writer::{Shape, SquashWriter, Written, squash};

const NO_FRAGMENT: (u32, u32) = (u32::MAX, 0);

#[track_caller]
fn refused(bytes: Vec<u8>, expected: &str) {
    let error = open(bytes).err().expect("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

/// A superblock that says something else at `at`.
#[track_caller]
fn lies(at: usize, bytes: &[u8], expected: &str) {
    let mut image = squash(&content(), USUAL);
    image[at..at + bytes.len()].copy_from_slice(bytes);
    refused(image, expected);
}

#[test]
fn superblocks_that_lie() {
    lies(0, b"sqsh", "big-endian SquashFS");
    lies(0, b"hsqS", "does not begin with a SquashFS superblock");
    lies(28, &[3, 0], "SquashFS version 3.0 is not supported");
    lies(20, &[2, 0], "compressed with lzma is not supported");
    lies(20, &[3, 0], "compressed with lzo");
    lies(20, &[5, 0], "compressed with lz4");
    lies(20, &[7, 0], "unknown compressor 7");
    lies(12, &[0, 0, 0, 0], "blocks of 0 bytes");
    lies(12, &[0, 0, 0, 0x80], "blocks of 2147483648 bytes");
    lies(12, &[1, 0x10, 0, 0], "blocks of 4097 bytes");
    lies(22, &[13, 0], "blocks of 4096 bytes, 2 to the power of 13");
    lies(40, &[0xff; 8], "it is cut off");
    lies(64, &[0xff; 8], "out of order");
    lies(64, &[0; 8], "out of order");
    lies(72, &[0; 8], "out of order");
    lies(72, &[0xff; 8], "out of order");
    lies(80, &[0xf0; 8], "fragment table");
    lies(32, &[0xff; 8], "a table of metadata ends at");
    lies(32, &[0xff, 0xff, 0, 0, 0, 0, 0, 0], "offset 65535 is outside the metadata at");
    refused(Vec::new(), "shorter than a superblock");
    assert!(SquashFsTree::open(file(noise(500)), u64::MAX, u64::MAX).is_err());
    assert!(SquashFsTree::open(file(noise(500)), 400, u64::MAX).is_err());
}

#[test]
fn a_download_that_was_cut_off() {
    let image = squash(&content(), USUAL);
    let used = u64::from_le_bytes(image[40..48].try_into().unwrap()) as usize;
    assert!(open(image[..used].to_vec()).is_ok(), "the padding is of no interest");
    for length in (0..used).step_by(4099) {
        let Err(error) = open(image[..length].to_vec()) else { panic!("{length} bytes are taken for an image") };
        assert!(96 > length || error.to_string().contains("it is cut off"), "{length}: {error}");
    }
}

fn written(build: impl FnOnce(&mut SquashWriter) -> Written) -> SquashFsTree {
    let mut writer = SquashWriter::new(USUAL);
    let root = build(&mut writer);
    open(writer.finish(root)).unwrap()
}

/// The errors of asking for `path`, each way.
#[track_caller]
fn damaged(tree: &SquashFsTree, path: &str, expected: &str) {
    let path = TreePath::new(path);
    let mut buffer = [0; 100];
    let opened = tree.open(&path).and_then(|it| it.read_at(it.size_bytes().saturating_sub(50), &mut buffer));
    let errors = [tree.list(&path).err(), tree.metadata(&path).err(), opened.err()];
    let texts: Vec<String> = errors.into_iter().flatten().map(|it| it.to_string()).collect();
    assert!(texts.iter().any(|it| it.contains(expected)), "{path}: {texts:?}");
}

#[test]
fn directories_that_hold_themselves() {
    let tree = written(|it| {
        let itself = Written { place: it.next(), number: 1, inode: 1 };
        it.directory(&[(b"a", itself), (b"b", itself)], 0o755)
    });
    damaged(&tree, "/a", "a loop in the image");
    damaged(&tree, "/b", "a loop in the image");
    damaged(&tree, "/a/a/a", "a loop in the image");
    let gaps: Vec<String> = tree.gaps().iter().map(|it| format!("{}: {}", it.path, it.reason)).collect();
    let reason = "a directory is reached a second time: a loop in the image";
    assert_eq!(gaps, [format!("/a: {reason}"), format!("/b: {reason}")]);
}

/// Without a memory of directories a hundred pairs are 2^100 paths.
#[test]
fn directories_that_are_shared() {
    let tree = written(|it| {
        let mut below = it.directory(&[], 0o755);
        for _ in 0..100 {
            below = it.directory(&[(b"a", below), (b"b", below)], 0o755);
        }
        below
    });
    assert!(exhaust(&tree).0 < 1000);
    assert!(tree.list(&TreePath::new("/a/a/a")).is_ok());
    damaged(&tree, "/a/b", "a loop in the image");
    assert_eq!(tree.gaps().len(), 21);
}

#[test]
fn directories_without_end() {
    let tree = written(|it| {
        let mut below = it.directory(&[], 0o755);
        for _ in 0..5000 {
            below = it.directory(&[(b"d", below)], 0o755);
        }
        below
    });
    assert!(tree.list(&TreePath::new("/d".repeat(2000))).is_ok());
    damaged(&tree, &"/d".repeat(2049), "more than 2048 directories inside one another");
}

/// One listing, said to be that of many directories: an image of a hundred kilobytes with two million names.
#[test]
fn more_entries_than_anybody_has() {
    let tree = written(|it| {
        let file = it.file(b"", 0o644);
        let names: Vec<Vec<u8>> = (0..2000).map(|number| format!("{number:04}").into_bytes()).collect();
        let entries: Vec<(&[u8], Written)> = names.iter().map(|name| (name.as_slice(), file)).collect();
        it.directory(&entries, 0o755);
        let size = 2000 * 12 + 8 * 12 + 3;
        let directories: Vec<Written> = (0..1000).map(|_| it.directory_of_place(0, 0, size, 0o755)).collect();
        let names: Vec<Vec<u8>> = (0..1000).map(|number| format!("{number:04}").into_bytes()).collect();
        let entries: Vec<_> = names.iter().zip(directories).map(|(name, it)| (name.as_slice(), it)).collect();
        it.directory(&entries, 0o755)
    });
    assert_eq!(tree.list(&TreePath::new("/0000")).unwrap().len(), 2000);
    damaged(&tree, "/0999", "more than 1000000 entries");
    damaged(&tree, "/0999/1999", "more than 1000000 entries");
}

#[test]
fn names_that_are_none() {
    for name in [b"..".as_slice(), b".", b"a/b", b"/", b"a\0b", &[b'n'; 257]] {
        let tree = written(|it| {
            let file = it.file(b"x", 0o644);
            it.directory(&[(b"before", file), (name, file), (b"after", file)], 0o755)
        });
        damaged(&tree, "/", if name.len() == 257 { "a name has 257 bytes" } else { "whose name is none" });
        // What was read before answers; what would come later is unknown, not absent.
        assert!(tree.metadata(&TreePath::new("/before")).is_ok());
        damaged(&tree, "/after", if name.len() == 257 { "a name has 257 bytes" } else { "whose name is none" });
    }
}

/// As the kernel does it: lookup stops at the first.
#[test]
fn the_first_of_two_entries_with_one_name_counts() {
    let tree = written(|it| {
        let (one, two) = (it.file(b"one", 0o644), it.file(b"and two", 0o644));
        it.directory(&[(b"z", one), (b"same", one), (b"same", two), (b"a", two)], 0o755)
    });
    assert_eq!(tree.list(&TreePath::root()).unwrap().len(), 3);
    assert_eq!(tree.metadata(&TreePath::new("/same")).unwrap().size_bytes, 3);
}

#[test]
fn entries_that_lie_about_their_inodes() {
    let tree = written(|it| {
        let file = it.file(b"x", 0o644);
        let lie = |number| Written { number, ..file };
        it.directory(&[(b"dir", lie(1)), (b"link", lie(3)), (b"other", lie(5)), (b"true", file)], 0o755)
    });
    damaged(&tree, "/dir", "its inode does not");
    damaged(&tree, "/link", "disagree");
    damaged(&tree, "/other", "disagree");
    assert!(tree.metadata(&TreePath::new("/true")).is_ok());
    let tree = written(|it| {
        let outside = Written { place: u64::from(u32::MAX) << 16, number: 2, inode: 9 };
        it.directory(&[(b"outside", outside)], 0o755)
    });
    damaged(&tree, "/outside", "a table of metadata ends at");
    let tree = written(|it| it.directory_of_place(77, 9000, 500, 0o755));
    damaged(&tree, "/", "metadata");
    let tree = written(|it| {
        it.directory(&[], 0o755);
        it.directory_of_place(0, 0, u32::MAX, 0o755)
    });
    damaged(&tree, "/", "a table of metadata ends at");
}

#[test]
fn files_that_lie_about_their_blocks() {
    let mut writer = SquashWriter::new(Shape { extended: true, ..USUAL });
    let mut file = |begin, size, fragment, sizes: &[u32]| writer.file_of(begin, size, fragment, sizes, 0o644);
    let plain = |size: u32| size | 1 << 24;
    let files = [
        ("endless", file(96, u64::MAX, NO_FRAGMENT, &[])),
        ("large", file(96, 4096 << 20, NO_FRAGMENT, &[plain(4096)])),
        ("far", file(u64::MAX - 5, 4096, NO_FRAGMENT, &[plain(4096)])),
        ("outside", file(1 << 40, 100, NO_FRAGMENT, &[plain(100)])),
        ("thick", file(96, 4096, NO_FRAGMENT, &[plain(5000)])),
        ("thin", file(96, 4096, NO_FRAGMENT, &[plain(50)])),
        ("packed", file(0, 96, NO_FRAGMENT, &[96])),
        ("no-fragment", file(96, 100, (7, 0), &[])),
    ];
    let entries: Vec<(&[u8], Written)> = files.iter().map(|(name, it)| (name.as_bytes(), *it)).collect();
    let root = writer.directory(&entries, 0o755);
    let tree = open(writer.finish(root)).unwrap();
    damaged(&tree, "/endless", "at most 1048576 are read");
    damaged(&tree, "/large", "a table of metadata ends at");
    damaged(&tree, "/far", "is outside the image");
    damaged(&tree, "/outside", "is outside the image");
    damaged(&tree, "/thick", "more than a block");
    damaged(&tree, "/thin", "holds 50 bytes instead of 4096");
    damaged(&tree, "/packed", "block at 0 is damaged");
    damaged(&tree, "/no-fragment", "fragment 7, there are 0");
    exhaust(&tree);
}

#[test]
fn a_tail_outside_its_fragment() {
    let mut writer = SquashWriter::new(USUAL);
    writer.file(b"a tail", 0o644);
    let lie = writer.file_of(0, 100, (0, 4000), &[], 0o644);
    let root = writer.directory(&[(b"lie", lie)], 0o755);
    damaged(&open(writer.finish(root)).unwrap(), "/lie", "outside its fragment");
}

fn small() -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.add_file(&TreePath::new("/usr/lib/a"), noise(10_000));
    tree.add_file(&TreePath::new("/usr/lib/b"), vec![7; 9000]);
    tree.add_file(&TreePath::new("/c"), "tail");
    tree.add(&TreePath::new("/lib"), Node::Link(b"usr/lib".to_vec()));
    tree.add(&TreePath::new("/x/y/z"), Node::Other);
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    /// Nothing is packed here, so every byte of the tables can be hit.
    #[test]
    fn any_bytes_may_be_wrong(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
        extended: bool,
    ) {
        let mut image = squash(&small(), Shape { extended, ..USUAL });
        // The contents are of no interest; half of the changes go to the superblock, the rest to the tables.
        let tables = u64::from_le_bytes(image[64..72].try_into().unwrap()) as usize;
        let used = u64::from_le_bytes(image[40..48].try_into().unwrap()) as usize;
        for (index, byte, front) in changes {
            let at = if front { index.index(96) } else { tables + index.index(used - tables) };
            image[at] = byte;
        }
        if let Ok(tree) = open(image) {
            exhaust(&tree);
            tree.gaps();
        }
    }

    #[test]
    fn any_bytes_are_no_image(mut bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        for (at, byte) in b"hsqs".iter().enumerate() {
            bytes.get_mut(at).into_iter().for_each(|it| *it = *byte);
        }
        if let Ok(tree) = open(bytes) {
            exhaust(&tree);
        }
    }
}
