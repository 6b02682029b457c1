//! The floor of `benches/compare`: what no audit can do without, and nothing more.
//!
//! One pass over the directories that are named: every directory is listed once, and of every object (a file called
//! `*.so` or `*.so.*`) header, dynamic section and its strings are read. No links are followed, nothing is decided.
//!
//! Invariant: reads through the same `tree` and `elf` as the audit, so that the difference is the audit's own work.

use std::process::ExitCode;
use std::sync::Arc;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::elf::Object;
use pyhpc_audit::tree::{HostTree, Kind, Tree};

fn main() -> ExitCode {
    let mut todo: Vec<TreePath> = std::env::args().skip(1).map(|it| TreePath::new(&it)).collect();
    if todo.is_empty() {
        eprintln!("usage: floor DIRECTORY...");
        return ExitCode::from(2);
    }
    let tree = HostTree::host();
    let (mut files, mut objects, mut needs, mut unreadable) = (0, 0, 0, 0);
    while let Some(directory) = todo.pop() {
        let Ok(entries) = tree.list(&directory) else {
            unreadable += 1;
            continue;
        };
        for (name, kind) in entries {
            match kind {
                Kind::Directory => todo.push(directory.join(&name)),
                Kind::File if is_object(&name) => match tree.open(&directory.join(&name)).map(Arc::from) {
                    Ok(file) => match Object::open(file) {
                        Ok(object) => {
                            objects += 1;
                            needs += object.linkage.needed.len();
                        }
                        Err(_) => unreadable += 1,
                    },
                    Err(_) => unreadable += 1,
                },
                Kind::File => files += 1,
                Kind::Link | Kind::Other => {}
            }
        }
    }
    println!("{objects} objects with {needs} needs among {files} other files, {unreadable} unreadable");
    ExitCode::SUCCESS
}

fn is_object(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|it| it == b".so.")
}
