//! One view over the layers of an image: every case of `tests/images` in every shape and coding, compared with the listing
//! that stands in the case.
//!
//! A case is a file whose first comment is the rule. `tests/live/images` asks umoci the same questions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "images/case.rs"]
mod case;
#[path = "images/generate.rs"]
mod generate;
#[path = "images/passes.rs"]
mod passes;
#[path = "images/random.rs"]
mod random;

use std::fs;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{Image, MemoryTree, Node};
use support::archive::{Archive, Content, Shape};
use support::image::{Coding, Layer};
use support::source::root;
use support::{contract, listing};

use case::{Case, open};

/// The images of an archive, in memory.
fn stored(archive: &Archive) -> MemoryTree {
    let mut tree = MemoryTree::new();
    if archive.shape != Shape::Oci {
        tree.add_file(&TreePath::new("/image"), archive.bytes());
        return tree;
    }
    for part in archive.parts() {
        let path = TreePath::new(format!("/image/{}", part.path));
        match part.content {
            Content::Bytes(bytes) => tree.add_file(&path, bytes),
            Content::Link(target) => tree.add(&path, Node::Link(target.into_bytes())),
        }
    }
    tree
}

/// Every way to store the layers of a case.
fn ways(case: &Case) -> Vec<Archive> {
    let roots = Coding::ALL.map(|coding| Archive { coding, ..Archive::of(&case.layers, Shape::Root, Coding::Plain) });
    if case.root {
        return roots.into();
    }
    let mut ways = Vec::new();
    for coding in Coding::ALL {
        ways.push(Archive::of(&case.layers, Shape::Oci, coding));
        ways.push(Archive::of(&case.layers, Shape::OciTar, coding));
    }
    for coding in [Coding::Plain, Coding::Gzip] {
        ways.push(Archive::of(&case.layers, Shape::Docker, coding));
        ways.push(Archive::of(&case.layers, Shape::Docker25, coding));
    }
    let mixed = case.layers.iter().zip(Coding::ALL.iter().rev().cycle());
    let mixed: Vec<Layer> = mixed.map(|(it, coding)| Layer { coding: Some(*coding), ..it.clone() }).collect();
    ways.push(Archive::of(&mixed, Shape::OciTar, Coding::Plain));
    ways.push(Archive { nested: true, ..Archive::of(&case.layers, Shape::OciTar, Coding::Zstd) });
    if case.layers.len() == 1 && !case.layers.iter().any(Layer::has_whiteouts) {
        ways.extend(roots);
    }
    ways
}

/// What is wrong with a case, in the first way in which something is.
fn wrong(name: &str, case: &Case) -> Option<String> {
    ways(case).iter().find_map(|archive| {
        let way = format!("{name}: {:?}, {:?}, {:?}", archive.shape, archive.coding, archive.layer_coding);
        let image = match open(stored(archive)) {
            Ok(image) => image,
            Err(error) => return Some(format!("{way}: {error}")),
        };
        contract::hold(&*image.tree);
        let found = listing::listing(&*image.tree);
        if found.trim() != case.expect.trim() {
            return Some(format!("{way}: found\n{found}"));
        }
        let gaps = gaps(&image);
        (gaps != case.gaps).then(|| format!("{way}: gaps {gaps:?}"))
    })
}

fn gaps(image: &Image) -> Vec<String> {
    image.gaps.iter().map(|it| format!("{}: {}", it.path, it.reason)).collect()
}

#[test]
fn layers_are_merged_as_their_rule_says() {
    let (mut count, mut mistakes) = (0, Vec::new());
    for entry in fs::read_dir(root().join("tests/images")).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.extension().is_some_and(|it| it == "toml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            mistakes.extend(wrong(&name, &Case::read(&path)));
            count += 1;
        }
    }
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
    assert!(50 <= count, "only {count} cases");
}
