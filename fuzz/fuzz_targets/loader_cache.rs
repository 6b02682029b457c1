//! Any bytes as ld.so.cache: no panic, bounded time and memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::TreePath;
use pyhpc_audit::loader::{System, is_cache};
use pyhpc_audit::tree::{MemoryTree, View};

/// ld.so of glibc, as far as it is read: its version, and where it looks.
const LOADER: &[u8] = b"ld.so (GNU libc) stable release version 2.34.\0/lib64/\0/usr/lib64/\0\0/etc/ld.so.cache\0";

fuzz_target!(|bytes: &[u8]| {
    is_cache(bytes);
    let mut tree = MemoryTree::new();
    tree.add_file(&TreePath::new("/lib64/ld-linux-x86-64.so.2"), LOADER);
    tree.add_file(&TreePath::new("/etc/ld.so.cache"), bytes);
    let view = View::new(Box::new(tree));
    let mut gaps = Vec::new();
    if let Ok(system) = System::read(&view, b"/lib64/ld-linux-x86-64.so.2", &mut gaps) {
        system.cached(|_| true);
        system.cached(|it| it.starts_with(b"libmpi.so"));
    }
});
