//! What the targets about images share: an OCI layout in memory, and a look at everything in it.

use std::ops::Range;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{Archive, Foresight, Kind, MemoryTree, Progress, Tree, View};
use sha2::{Digest, Sha256};

/// Paths of one image that are looked at.
const PATHS: usize = 2000;

/// Files of one image that are read.
const FILES: usize = 200;

/// Everything that an archive at `/image` holds.
pub fn walk(tree: MemoryTree) {
    let view = View::new(Box::new(tree));
    let Ok(Some(mut archive)) = Archive::at(&view, &TreePath::new("/image"), &Beginning, &Silent) else { return };
    let names = archive.names().to_vec();
    for (number, name) in names.iter().enumerate().take(4) {
        name.text(&names);
        name.answers_to("arm64");
        if let Ok(image) = archive.open(number, &Beginning, &Silent) {
            look(&*image.tree);
        }
    }
}

fn look(tree: &dyn Tree) {
    let (mut paths, mut files) = (vec![TreePath::root()], 0);
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        at += 1;
        let Ok(it) = tree.metadata(&path) else { panic!("{path} is listed and not there") };
        match it.kind {
            Kind::Directory => {
                for (name, _) in tree.list(&path).expect("a directory has a list") {
                    if paths.len() < PATHS {
                        paths.push(path.join(name));
                    }
                }
            }
            Kind::Link => assert!(tree.read_link(&path).is_ok()),
            Kind::File if files < FILES => {
                files += 1;
                let file = tree.open(&path).expect("a file can be opened");
                let mut buffer = [0; 100];
                for offset in [0, 1, it.size_bytes / 2, it.size_bytes.saturating_sub(50), it.size_bytes, u64::MAX] {
                    let count = file.read_at(offset, &mut buffer).unwrap_or(0);
                    assert!(offset.saturating_add(count as u64) <= it.size_bytes.max(offset));
                }
            }
            Kind::File | Kind::Other => {}
        }
    }
}

/// An OCI layout below `/image`.
#[allow(dead_code)]
pub fn layout(tree: &mut MemoryTree, layers: &[Vec<u8>]) {
    let mut blob = |bytes: &[u8]| {
        let digest = hex(bytes);
        tree.add_file(&TreePath::new(format!("/image/blobs/sha256/{digest}")), bytes);
        format!(r#"{{"digest": "sha256:{digest}", "size": {}}}"#, bytes.len())
    };
    let layers: Vec<String> = layers.iter().map(|it| blob(it)).collect();
    let config = blob(b"{}");
    let manifest = blob(format!(r#"{{"config": {config}, "layers": [{}]}}"#, layers.join(",")).as_bytes());
    tree.add_file(&TreePath::new("/image/oci-layout"), "{}");
    tree.add_file(&TreePath::new("/image/index.json"), format!(r#"{{"manifests": [{manifest}]}}"#));
}

/// SHA-256 in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

/// The beginning of every second file.
struct Beginning;

impl Foresight for Beginning {
    fn ranges(&self, head: &[u8], size_bytes: u64) -> Vec<Range<u64>> {
        let is_odd = head.first().is_some_and(|it| it % 2 == 1);
        if is_odd { vec![0..size_bytes.min(70_000), size_bytes / 2..size_bytes] } else { Vec::new() }
    }
}

struct Silent;

impl Progress for Silent {
    fn layer(&self, _: usize, _: usize) {}

    fn read(&self, _: u64) {}
}
