//! The machine's mksquashfs with its options, against the directory that it packed.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{HostTree, Tree};

use crate::content::{noise, open};
use crate::support::same_tree::differences;

/// Options, each a way to write an image that readers must know.
const OPTIONS: [&str; 18] = [
    "",
    "-b 4096",
    "-b 1M",
    "-comp xz",
    "-comp zstd",
    "-comp xz -b 4096",
    "-comp zstd -b 1M",
    "-comp xz -Xbcj x86",
    "-comp xz -Xbcj x86,arm -Xdict-size 8192",
    "-comp gzip -Xwindow-size 9 -Xcompression-level 1",
    "-noI",
    "-noD",
    "-noF",
    "-noI -noD -noF -noX",
    "-no-fragments",
    "-always-use-fragments",
    "-no-duplicates -no-exports",
    "-no-sparse -nopad",
];

#[test]
fn every_option_of_mksquashfs_is_read() {
    if Command::new("mksquashfs").arg("-version").output().is_err() {
        println!("not compared: no mksquashfs");
        assert!(std::env::var_os("ORACLE").is_none(), "ORACLE=1, but there is no mksquashfs");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    write(&root);
    let host = HostTree::below(&root).unwrap();
    for options in OPTIONS {
        let image = scratch.path().join("image");
        let made = Command::new("mksquashfs")
            .args([&root, &image])
            .args(["-noappend", "-quiet", "-no-progress", "-processors", "1"])
            .args(options.split_whitespace())
            .output()
            .unwrap();
        assert!(made.status.success(), "mksquashfs {options}: {}", String::from_utf8_lossy(&made.stderr));
        let tree = open(std::fs::read(&image).unwrap()).unwrap();
        assert_eq!(differences(&tree, &host), [""; 0], "mksquashfs {options}");
        assert_eq!(tree.gaps(), [], "mksquashfs {options}");
    }
    println!("{} images of mksquashfs are read as the directory", OPTIONS.len());
    assert!(host.list(&TreePath::new("/many")).unwrap().len() == 2000);
}

/// Compressors that are not read are named.
#[test]
fn other_compressors_are_named() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("file"), "x").unwrap();
    for name in ["lzo", "lz4", "lzma"] {
        let image = scratch.path().join("image");
        let made = Command::new("mksquashfs")
            .args([&scratch.path().join("file"), &image])
            .args(["-noappend", "-quiet", "-no-progress", "-comp", name])
            .output();
        if made.is_ok_and(|it| it.status.success()) {
            let error = open(std::fs::read(&image).unwrap()).err().unwrap().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }
}

/// What a system has: machine code (for the filter), holes, hard links, duplicates, a long directory, attributes.
fn write(root: &Path) {
    for directory in ["lib", "many", "empty", "deep/er/and/deeper"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    std::fs::write(root.join("lib/program"), &program[..program.len().min(400_000)]).unwrap();
    std::fs::write(root.join("lib/noise"), noise(300_001)).unwrap();
    std::fs::write(root.join("lib/again"), noise(300_001)).unwrap();
    std::fs::hard_link(root.join("lib/noise"), root.join("deep/hard")).unwrap();
    symlink("../lib/noise", root.join("deep/link")).unwrap();
    symlink("x".repeat(3000), root.join("deep/long-link")).unwrap();
    for number in 0..2000_usize {
        std::fs::write(root.join(format!("many/{number}")), noise(number % 300)).unwrap();
    }
    let holes = std::fs::File::create(root.join("holes")).unwrap();
    std::os::unix::fs::FileExt::write_at(&holes, b"in the middle", 1_000_000).unwrap();
    holes.set_len(2_000_000).unwrap();
    std::fs::set_permissions(root.join("many/7"), std::fs::Permissions::from_mode(0o4750)).unwrap();
    std::fs::set_permissions(root.join("empty"), std::fs::Permissions::from_mode(0o1777)).unwrap();
    // Extended attributes make the longer kind of inodes. Where there are none, hard links do.
    let attribute = ["-n", "user.test", "-v", "value"];
    let set = Command::new("setfattr").args(attribute).arg(root.join("lib/again")).output();
    if !set.is_ok_and(|it| it.status.success()) {
        println!("no extended attributes here");
    }
}
