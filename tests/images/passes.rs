//! How often a compressed layer is read: once for its names and what will be asked, once more for the rest, never again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use pyhpc_audit::base::{ReadAt, TreePath, read_range};
use pyhpc_audit::tree::{Foresight, Kind, MemoryTree, Metadata, Tree};

use super::case::{Everything, Nothing, open_with};
use super::support::archive::{Archive, Shape};
use super::support::image::{Coding, Entry, Layer};

type Counts = Arc<Mutex<BTreeMap<TreePath, u64>>>;

/// Bytes by which a layer is recognised before it is read: that is no reading.
const HEAD_BYTES: u64 = 512;

/// A tree that counts the bytes that are read of each file.
struct Counted {
    tree: Box<dyn Tree>,
    counts: Counts,
}

struct CountedFile {
    file: Box<dyn ReadAt>,
    path: TreePath,
    counts: Counts,
}

impl Tree for Counted {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        self.tree.metadata(path)
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        self.tree.list(directory)
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        self.tree.read_link(path)
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        let file = self.tree.open(path)?;
        Ok(Box::new(CountedFile { file, path: path.clone(), counts: Arc::clone(&self.counts) }))
    }

    fn below(&self, path: &TreePath) -> io::Result<Box<dyn Tree>> {
        Ok(Box::new(Self { tree: self.tree.below(path)?, counts: Arc::clone(&self.counts) }))
    }
}

impl ReadAt for CountedFile {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(offset_bytes, buffer)?;
        *self.counts.lock().unwrap().entry(self.path.clone()).or_default() += count as u64;
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.file.size_bytes()
    }
}

/// A layer of files whose bytes cannot be compressed: sizes, and what they begin with.
fn layer(number: usize, sizes: &[usize]) -> (Layer, Vec<(String, Vec<u8>)>) {
    let mut state = number as u64 + 1;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let files: Vec<(String, Vec<u8>)> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| (format!("layer{number}/file{at}"), (0..*size).map(|_| byte()).collect()))
        .collect();
    let hex = |bytes: &[u8]| bytes.iter().map(|it| format!("{it:02x}")).collect();
    let entry = |(name, bytes): &(String, Vec<u8>)| Entry {
        file: Some(name.clone()),
        hex: Some(hex(bytes)),
        ..Entry::default()
    };
    (Layer { entries: files.iter().map(entry).collect(), ..Layer::default() }, files)
}

struct Opened {
    tree: Box<dyn Tree>,
    counts: Counts,
    /// Size of each layer as it is stored.
    sizes: BTreeMap<TreePath, u64>,
    files: Vec<(String, Vec<u8>)>,
}

fn opened(layers: &[Vec<usize>], coding: Coding, foresight: &dyn Foresight) -> Opened {
    let made: Vec<_> = layers.iter().enumerate().map(|(at, sizes)| layer(at, sizes)).collect();
    let all: Vec<Layer> = made.iter().map(|(layer, _)| layer.clone()).collect();
    let archive = Archive::of(&all, Shape::Oci, coding);
    let mut memory = MemoryTree::new();
    let mut sizes = BTreeMap::new();
    for part in archive.parts() {
        let super::support::archive::Content::Bytes(bytes) = part.content else { panic!("no links in a layout") };
        if part.role.starts_with("layer-") {
            sizes.insert(TreePath::new(&part.path), bytes.len() as u64);
        }
        memory.add_file(&TreePath::new(format!("/image/{}", part.path)), bytes);
    }
    let counts = Counts::default();
    let tree = Counted { tree: Box::new(memory), counts: Arc::clone(&counts) };
    let image = open_with(tree, foresight).unwrap();
    Opened { tree: image.tree, counts, sizes, files: made.into_iter().flat_map(|(_, files)| files).collect() }
}

impl Opened {
    fn read(&self, number: usize) -> Result<(), String> {
        let (name, expected) = &self.files[number];
        let file = self.tree.open(&TreePath::new(name)).map_err(|it| it.to_string())?;
        let found = read_range(&*file, 0, file.size_bytes()).map_err(|it| it.to_string())?;
        assert!(found == *expected, "{name} holds something else");
        Ok(())
    }

    /// The most that was read of any layer, in whole layers.
    fn passes(&self) -> u64 {
        let counts = self.counts.lock().unwrap();
        let of = |(path, size): (&TreePath, &u64)| {
            let count = counts.get(path).copied().unwrap_or(0).saturating_sub(HEAD_BYTES);
            count.div_ceil(*size)
        };
        self.sizes.iter().map(of).max().unwrap_or(0)
    }
}

#[test]
fn what_is_foreseen_is_read_once() {
    for coding in Coding::ALL.into_iter().filter(|it| *it != Coding::Plain) {
        let opened = opened(&[vec![70_000, 3], vec![200_000]], coding, &Everything);
        for number in [2, 0, 1, 0] {
            assert_eq!(opened.read(number), Ok(()), "{coding:?}");
        }
        assert_eq!(opened.passes(), 1, "{coding:?}");
    }
}

#[test]
fn what_was_not_foreseen_is_read_once_more_and_never_again() {
    for coding in Coding::ALL.into_iter().filter(|it| *it != Coding::Plain) {
        let opened = opened(&[vec![100_000, 70_000, 300]], coding, &Nothing);
        assert_eq!(opened.passes(), 1, "{coding:?}");
        assert_eq!(opened.read(1), Ok(()), "{coding:?}");
        assert_eq!(opened.passes(), 2, "{coding:?}");
        let third = opened.read(0);
        assert!(third.as_ref().is_err_and(|it| it.contains("twice at most")), "{coding:?}: {third:?}");
        assert_eq!(opened.read(1), Ok(()), "{coding:?}");
        assert_eq!(opened.passes(), 2, "{coding:?}");
    }
}

/// Some ranges of some files.
struct Some256(u64);

impl Foresight for Some256 {
    fn ranges(&self, head: &[u8], size_bytes: u64) -> Vec<std::ops::Range<u64>> {
        let first = u64::from(head.first().copied().unwrap_or(0));
        if (first + self.0).is_multiple_of(3) {
            return Vec::new();
        }
        let begin = size_bytes * first / 256;
        vec![0..size_bytes.min(100), begin..size_bytes.min(begin + 1000)]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_are_the_same_whenever_they_are_asked(
        layers in proptest::collection::vec(proptest::collection::vec(0_usize..150_000, 1..5), 1..4),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 1..20),
        coding in proptest::sample::select(&Coding::ALL[1..]),
        salt in any::<u64>(),
    ) {
        let opened = opened(&layers, coding, &Some256(salt));
        let mut answers = BTreeMap::new();
        for index in order.iter().chain(&order) {
            let number = index.index(opened.files.len());
            let answer = opened.read(number);
            if let Some(earlier) = answers.insert(number, answer.clone()) {
                prop_assert_eq!(earlier, answer, "the second answer is another");
            }
            prop_assert!(opened.passes() <= 2);
        }
    }
}
