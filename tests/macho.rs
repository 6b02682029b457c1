//! Files of macOS, written from text: what is read of them, and that broken ones harm nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use pyhpc_audit::base::{Bytes, ReadAt, TreePath};
use pyhpc_audit::identify::{Look, MachFile};
use pyhpc_audit::macho::{Import, MachError, Source, is_macho, open};
use regex::bytes::Regex;
use support::MachSpec;

fn file(bytes: Vec<u8>) -> Arc<dyn ReadAt> {
    Arc::new(Bytes(Arc::new(bytes)))
}

fn extension(machines: &[&str]) -> MachSpec {
    MachSpec {
        machines: machines.iter().map(|it| (*it).to_owned()).collect(),
        identity: Some("@rpath/libx.1.dylib".to_owned()),
        libraries: vec!["/usr/lib/libSystem.B.dylib".to_owned(), "@rpath/libblas.dylib".to_owned()],
        rpaths: vec!["@loader_path/../lib".to_owned(), "/opt/lib".to_owned()],
        wants: vec![("cblas_dgemm".to_owned(), 2), ("PyModule_Create2".to_owned(), 0), ("malloc".to_owned(), 1)],
        defines: vec!["PyInit_x".to_owned(), "version".to_owned()],
        text: vec!["OpenBLAS 0.3.30".to_owned()],
    }
}

#[test]
fn linkage_and_symbols_of_every_machine() {
    for machines in [&["arm64"][..], &["x86_64"], &["i386"], &["x86_64", "arm64"]] {
        let file = file(extension(machines).build());
        assert!(is_macho(file.as_ref()).unwrap());
        let objects = open(&file).unwrap();
        assert_eq!(objects.iter().map(|it| it.linkage.machine).collect::<Vec<_>>(), machines);
        for object in &objects {
            assert_eq!(object.linkage.identity.as_deref(), Some(&b"@rpath/libx.1.dylib"[..]));
            let names: Vec<&[u8]> = object.linkage.libraries.iter().map(|it| it.name.as_slice()).collect();
            assert_eq!(names, [&b"/usr/lib/libSystem.B.dylib"[..], b"@rpath/libblas.dylib"]);
            assert_eq!(object.linkage.rpaths, [b"@loader_path/../lib".to_vec(), b"/opt/lib".to_vec()]);
            let import = |name: &str, from| Import { name: name.as_bytes().to_vec(), weak: false, from };
            let wanted = [
                import("cblas_dgemm", Source::Library(1)),
                import("PyModule_Create2", Source::Anywhere),
                import("malloc", Source::Library(0)),
            ];
            assert_eq!(object.imports().unwrap(), wanted, "{machines:?}");
            assert_eq!(object.exports().unwrap().len(), 2);
        }
    }
}

#[test]
fn the_matcher_asks_it_like_any_other_file() {
    let file = file(extension(&["x86_64", "arm64"]).build());
    let path = TreePath::new("/lib/libx.1.dylib");
    let patterns = [Regex::new("OpenBLAS ([0-9.]+)").unwrap()];
    for object in open(&file).unwrap() {
        let look = MachFile::new(&path, &object, file.as_ref());
        assert_eq!(look.soname(), Some(&b"libx.1.dylib"[..]));
        assert_eq!(look.needed(), [b"libSystem.B.dylib".to_vec(), b"libblas.dylib".to_vec()]);
        assert!(look.defines(b"PyInit_x").unwrap() && !look.defines(b"cblas_dgemm").unwrap());
        assert!(look.wants(b"cblas_dgemm").unwrap() && !look.wants(b"PyInit_x").unwrap());
        let found = look.text(&patterns).unwrap();
        assert_eq!(found[0].groups[1].as_deref(), Some(&b"0.3.30"[..]));
        let (_, bytes) = look.bytes_of(b"version").unwrap().unwrap();
        assert!(bytes.starts_with(b"\0OpenBLAS 0.3.30\0"));
    }
}

#[test]
fn other_files_are_told_apart() {
    let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52];
    let long = |head: &[u8]| [head, &[0; 64]].concat();
    for bytes in [Vec::new(), long(b"\x7fELF"), long(b"#!/bin/sh\n"), long(&java), b"\xcf\xfa\xed\xfe".to_vec()] {
        let file = file(bytes);
        assert!(!is_macho(file.as_ref()).unwrap());
        assert_eq!(open(&file).err(), Some(MachError::NotMachO));
    }
}

#[test]
fn a_file_that_ends_too_early_says_so() {
    for machines in [&["arm64"][..], &["x86_64", "arm64"]] {
        let whole = extension(machines).build();
        for length in 0..whole.len() {
            ask_everything(whole[..length].to_vec());
        }
        let cut = file(whole[..whole.len() - 1].to_vec());
        let missing = open(&cut)
            .and_then(|all| all.iter().map(pyhpc_audit::macho::Object::imports).collect::<Result<Vec<_>, _>>());
        assert!(matches!(missing, Err(MachError::Truncated(_))), "{missing:?}");
    }
}

/// Everything that can be asked; errors are fine.
fn ask_everything(bytes: Vec<u8>) {
    let file = file(bytes);
    let _ = is_macho(file.as_ref());
    let path = TreePath::new("/x");
    let patterns = [Regex::new("OpenBLAS").unwrap()];
    for object in open(&file).unwrap_or_default() {
        let _ = (object.imports(), object.exports());
        let look = MachFile::new(&path, &object, file.as_ref());
        let _ = (look.bytes_of(b"version"), look.text(&patterns));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn broken_bytes_harm_nobody(
        several in any::<bool>(),
        changes in prop::collection::vec((any::<usize>(), prop_oneof![any::<u32>(), 0_u32..64, Just(u32::MAX)]), 1..6),
    ) {
        let mut bytes = extension(if several { &["x86_64", "arm64"] } else { &["arm64"] }).build();
        for (at, value) in changes {
            // Most numbers of the format are 4 bytes at a multiple of 4, and most of them stand at the front.
            let at = (at % bytes.len().min(2048)) & !3;
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        ask_everything(bytes);
    }
}
