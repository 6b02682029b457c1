//! Images from text and back, for `tests/live/images` and for trying things out.
//!
//! ```sh
//! cargo run --example image case tests/images/modes.toml DIRECTORY     # as an OCI layout
//! cargo run --example image random 7 DIRECTORY                         # random layers, by a seed
//! cargo run --example image archives tests/archives/parts/images.toml DIRECTORY
//! cargo run --example image view FILE                                  # what the layers are together
//! ```
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support"]
mod support {
    pub mod archive;
    pub mod elf_builder;
    pub mod elf_file;
    pub mod elf_tables;
    pub mod elf_writer;
    pub mod fixture;
    pub mod image;
    pub mod listing;
    pub mod macho_writer;
    pub mod tar_writer;
}

#[path = "../tests/images/case.rs"]
mod case;
#[path = "../tests/images/generate.rs"]
mod generate;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use pyhpc_audit::base::{ReadAt, TreePath, read_range};
use pyhpc_audit::tree::{self, HostTree, Kind, MemoryTree, Tree, View};
use serde::Deserialize;
use serde_json::json;

use case::{Case, Everything, Silent};
use support::archive::{Archive, Image, Shape, hex};
use support::fixture::Fixture;
use support::image::{Coding, Layer};

const USAGE: &str = "usage: image case FILE DIRECTORY | random SEED DIRECTORY | archives FILE DIRECTORY | view PATH";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["case", file, directory] => {
            let case = Case::read(Path::new(file));
            let umoci = &case.umoci;
            println!(
                "{}",
                json!({"root": case.root, "refuses": umoci.refuses, "differs": umoci.differs, "because": umoci.because})
            );
            if !case.root {
                layout(&case.layers).write(Path::new(directory));
            }
        }
        ["random", seed, directory] => layout(&random(seed.parse().expect("a number"))).write(Path::new(directory)),
        ["archives", file, directory] => archives(Path::new(file), Path::new(directory)),
        ["view", path] => return view(path),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn layout(layers: &[Layer]) -> Archive {
    let image = Image { tags: vec!["it".to_owned()], layers: layers.to_vec(), ..Image::default() };
    Archive { shape: Shape::Oci, layer_coding: Coding::Gzip, images: vec![image], ..Archive::default() }
}

/// The first random layers of a seed of which every member can be placed. What hides something stands first in each: umoci
/// goes through a layer in order.
fn random(seed: u64) -> Vec<Layer> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    loop {
        let mut layers = generate::layers().new_tree(&mut runner).expect("layers").current();
        for it in &mut layers {
            it.entries.sort_by_key(|it| it.whiteout.is_none() && it.opaque.is_none());
        }
        let archive = Archive { shape: Shape::OciTar, ..layout(&layers) };
        let mut tree = MemoryTree::new();
        tree.add_file(&TreePath::new("/image"), archive.bytes());
        if case::open(tree).is_ok_and(|it| it.gaps.is_empty()) && 1 < layers.len() {
            return layers;
        }
    }
}

/// The archives of a case of `tests/archives`.
fn archives(file: &Path, directory: &Path) {
    #[derive(Deserialize)]
    struct Archives {
        archive: Vec<Archive>,
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::fs::read_to_string(project.join("tests/audit/python.toml")).expect("tests/audit/python.toml");
    let python = Fixture::parse(&python);
    let text = std::fs::read_to_string(file).expect("a file");
    let archives: Archives = toml::from_str(&text).expect("archives");
    for it in archives.archive {
        let path = directory.join(&it.file);
        it.completed(&python).write(&path);
    }
}

/// One path a line, as JSON; what could not be placed is said on standard error.
fn view(path: &str) -> ExitCode {
    let path = std::path::absolute(path).expect("a path");
    let host = View::new(Box::new(HostTree::host()));
    let opened = tree::Archive::at(&host, &TreePath::new(path.to_str().expect("text")), &Everything, &Silent)
        .and_then(|it| it.expect("an archive").open(0, &Everything, &Silent));
    match opened {
        Ok(image) => {
            image.gaps.iter().for_each(|it| eprintln!("{}: {}", it.path, it.reason));
            print(&*image.tree, &TreePath::root(), &mut BTreeMap::new());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn print(tree: &dyn Tree, path: &TreePath, first: &mut BTreeMap<(u64, u64), String>) {
    let it = tree.metadata(path).expect("metadata");
    let name = support::listing::shown(path.as_bytes());
    let mut line = json!({"path": name, "mode": it.mode});
    match it.kind {
        Kind::Directory => line["kind"] = "directory".into(),
        Kind::Other => line["kind"] = "other".into(),
        Kind::Link => {
            line["kind"] = "link".into();
            line["target"] = support::listing::shown(&tree.read_link(path).expect("a target")).into();
        }
        Kind::File => {
            let file = tree.open(path).expect("a file");
            let bytes = read_range(&*file, 0, it.size_bytes);
            line["kind"] = "file".into();
            line["size"] = it.size_bytes.into();
            line["sha256"] = bytes.map_or_else(|error| error.to_string(), |it| hex(&it)).into();
            line["first"] = first.entry(it.id).or_insert(name).clone().into();
        }
    }
    println!("{line}");
    if it.kind == Kind::Directory {
        for (name, _) in tree.list(path).expect("a list") {
            print(tree, &path.join(name), first);
        }
    }
}
