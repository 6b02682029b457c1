//! SIF files built from bytes: true ones, those that lie, and any.

use proptest::prelude::*;
use pyhpc_audit::base::Bytes;
use pyhpc_audit::tree::SquashFsTree;
use pyhpc_audit::tree::sif::{Sif, is_sif, read};

use crate::content::{USUAL, content, file};
use crate::support::same_tree::differences;
use crate::support::squash_writer::squash;

const PARTITION: u32 = 0x4004;
const JSON: u32 = 0x4006;

/// One object: datatype, name, extra, bytes.
struct Object(u32, &'static str, Vec<u8>, Vec<u8>);

fn partition(file_system: u32, kind: u32, architecture: &[u8], bytes: Vec<u8>) -> Object {
    let extra = [&file_system.to_le_bytes()[..], &kind.to_le_bytes(), architecture, &[0]].concat();
    Object(PARTITION, "squash", extra, bytes)
}

/// A SIF with room for 48 objects, as Apptainer makes it.
fn sif(objects: &[Object]) -> Vec<u8> {
    let mut out = b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\x0001\x0002\0".to_vec();
    out.resize(64, 7);
    for word in [1, 2, 48 - objects.len() as u64, 48, 4096, 48 * 585, 32_768, 0] {
        out.extend(word.to_le_bytes());
    }
    out.resize(32_768, 0);
    for (number, Object(kind, name, extra, bytes)) in objects.iter().enumerate() {
        let mut descriptor = [&kind.to_le_bytes()[..], &[1], &(number as u32 + 1).to_le_bytes(), &[0; 8]].concat();
        descriptor.extend((out.len() as u64).to_le_bytes());
        descriptor.extend((bytes.len() as u64).to_le_bytes());
        descriptor.resize(73, 0);
        descriptor.extend(name.as_bytes());
        descriptor.resize(201, 0);
        descriptor.extend(extra);
        descriptor.resize(585, 0);
        out[4096 + number * 585..][..585].copy_from_slice(&descriptor);
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(4096), 0);
    }
    out
}

fn read_bytes(bytes: Vec<u8>) -> std::io::Result<Sif> {
    read(&Bytes(std::sync::Arc::new(bytes)))
}

#[track_caller]
fn refused(bytes: Vec<u8>, expected: &str) {
    let error = read_bytes(bytes).expect_err("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

fn usual() -> Vec<u8> {
    let config = Object(JSON, "oci-config.json", Vec::new(), b"{}".to_vec());
    let inspect = Object(JSON, "inspect-metadata.json", Vec::new(), b"[]".to_vec());
    let definition = Object(0x4001, "", Vec::new(), b"bootstrap: docker".to_vec());
    sif(&[definition, inspect, config, partition(1, 2, b"04", squash(&content(), USUAL))])
}

#[test]
fn the_root_of_a_container() {
    let bytes = usual();
    assert!(is_sif(&bytes[..42]) && !is_sif(&bytes[..41]) && !is_sif(b"hsqs"));
    let found = read_bytes(bytes.clone()).unwrap();
    assert_eq!(found.architecture, Some("arm64"));
    assert_eq!(found.oci_config.as_deref(), Some(b"{}".as_slice()));
    assert_eq!(found.unread, [""; 0]);
    let tree = SquashFsTree::open(file(bytes), found.partition_offset_bytes, found.partition_size_bytes).unwrap();
    assert_eq!(differences(&tree, &content()), [""; 0]);
    assert_eq!(tree.gaps(), []);
}

#[test]
fn what_is_not_read_is_said() {
    let root = || partition(1, 2, b"02", vec![1; 10]);
    let found = read_bytes(sif(&[root(), partition(2, 4, b"02", vec![0; 5000])])).unwrap();
    let expected = "object 2 is an overlay (an ext3 file system, 5000 bytes), which is not read: it can hide, replace and add files";
    assert_eq!(found.unread, [expected]);
    assert_eq!(found.oci_config, None);
    // Partitions that are mounted where somebody says so do not change the root.
    assert_eq!(read_bytes(sif(&[root(), partition(1, 3, b"02", vec![0; 9])])).unwrap().unread, [""; 0]);
    let large = Object(JSON, "oci-config.json", Vec::new(), vec![b' '; (8 << 20) + 1]);
    let found = read_bytes(sif(&[root(), large])).unwrap();
    assert_eq!(found.unread, ["oci-config.json has 8388609 bytes: at most 8388608 are read"]);
    assert_eq!(found.oci_config, None);
    assert_eq!(read_bytes(sif(&[partition(1, 2, b"99", vec![1])])).unwrap().architecture, None);
}

#[test]
fn files_without_a_root_that_can_be_read() {
    refused(sif(&[]), "no primary system partition");
    refused(sif(&[partition(1, 1, b"02", vec![1])]), "no primary system partition");
    refused(sif(&[partition(2, 2, b"02", vec![1])]), "is an ext3 file system, which is not supported");
    refused(sif(&[partition(5, 2, b"02", vec![1])]), "is an encrypted SquashFS, which is not supported");
    refused(sif(&[partition(3, 2, b"02", vec![1])]), "is an archive");
    refused(sif(&[partition(77, 2, b"02", vec![1])]), "of the unknown kind 77");
    let twice = || partition(1, 2, b"02", vec![1]);
    refused(sif(&[twice(), twice()]), "two primary system partitions");
    refused(sif(&[Object(0x400a, "", Vec::new(), vec![1])]), "OCI-SIF");
}

#[test]
fn tables_that_lie() {
    let lie = |at: usize, bytes: &[u8]| {
        let mut image = usual();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        image
    };
    refused(Vec::new(), "shorter than a header");
    refused(usual()[..127].to_vec(), "shorter than a header");
    refused(lie(33, b"x"), "does not begin with a SIF header");
    refused(lie(42, b"02"), "SIF version 02 is not supported");
    refused(lie(42, b"\x1b["), "SIF version %1B[");
    refused(lie(88, &[0xff; 8]), "announces 18446744073709551615 descriptors");
    refused(lie(96, &[0xff; 8]), "48 descriptors into 28080 bytes at 18446744073709551615");
    refused(lie(96, &[5, 0, 0, 0, 0, 0, 0, 0]), "descriptors into 28080 bytes at 5");
    refused(lie(104, &[1, 0, 0, 0, 0, 0, 0, 0]), "descriptors into 1 bytes");
    refused(lie(4096 + 17, &[0xff; 8]), "its table lies: object 1 has 17 bytes at 18446744073709551615");
    refused(lie(4096 + 25, &[0xff; 8]), "its table lies: object 1 has 18446744073709551615 bytes");
    let whole = usual();
    for length in (128..whole.len() - 4096).step_by(997) {
        assert!(read_bytes(whole[..length].to_vec()).is_err(), "{length} bytes are taken for a SIF");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_bytes_of_the_table_may_be_wrong(
        changes in prop::collection::vec((0..128_usize + 4 * 585, any::<u8>()), 1..8),
    ) {
        let image = sif(&[
            partition(1, 2, b"02", vec![1; 100]),
            Object(JSON, "oci-config.json", Vec::new(), vec![b'{'; 300]),
            partition(2, 4, b"02", vec![0; 100]),
        ]);
        let mut lie = image;
        for (at, byte) in changes {
            lie[if at < 128 { at } else { 4096 + at - 128 }] = byte;
        }
        let size = lie.len() as u64;
        if let Ok(found) = read_bytes(lie) {
            prop_assert!(found.partition_offset_bytes + found.partition_size_bytes <= size);
        }
    }
}
