//! Broken bytes: no panic, and no more work than the file is worth.

use std::sync::Arc;

use proptest::prelude::*;
use pyhpc_audit::elf::{Object, Symbols, build_id, read_linkage, search_text, search_text_all};
use regex::bytes::Regex;

use crate::support::ElfSpec;
use crate::support::elf_builder::Hash;
use crate::{Counted, MACHINES, rich};

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    /// One byte.
    Byte(usize, u8),
    /// Four or eight bytes at an aligned place: counts, offsets, addresses.
    Field(usize, u64, bool),
    /// The file ends here.
    End(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let value = prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(u64::from(u32::MAX)),
        Just(0x7fff_ffff_ffff_ffff),
        0..5000_u64,
        any::<u64>()
    ];
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        8 => (any::<usize>(), value, any::<bool>()).prop_map(|(at, value, wide)| Change::Field(at, value, wide)),
        1 => any::<usize>().prop_map(Change::End),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::Byte(at, byte) => bytes[at % length] = *byte,
        Change::Field(at, value, wide) => {
            let (at, width) = ((at % length) & !3, if *wide { 8 } else { 4 });
            for (place, byte) in bytes.iter_mut().skip(at).zip(value.to_le_bytes()).take(width) {
                *place = byte;
            }
        }
        Change::End(at) => bytes.truncate(at % length),
    }
}

/// Everything that can be asked; errors are fine.
fn ask_everything(bytes: Vec<u8>) {
    let size = bytes.len() as u64;
    let file = Counted::new(bytes);
    let patterns = [Regex::new("OpenBLAS ([0-9.]+)").unwrap(), Regex::new("never").unwrap()];
    let _ = read_linkage(file.as_ref()).map(|linkage| linkage.machine_name());
    let _ = build_id(file.as_ref());
    let _ = search_text(file.as_ref(), &patterns);
    let _ = search_text_all(file.as_ref(), &patterns[0], 9);
    if let Ok(object) = Object::open(file.clone()) {
        let _ = (object.build_id(), object.search_text(&patterns));
    }
    if let Ok(symbols) = Symbols::open(Arc::clone(&file) as _) {
        for name in ["f", "cblas_dgemm", "hidden", "a", "absent", ""] {
            let _ = symbols.definition(name.as_bytes());
        }
        let _ = (symbols.wanted(), symbols.needed_versions(), symbols.defined_versions());
    }
    let read = file.read_bytes.load(std::sync::atomic::Ordering::Relaxed);
    // A chain of versions or hashes may be followed to its limit, but nothing is read without end.
    assert!(read <= 100 * size + 8 * 1024 * 1024, "{read} bytes read of a file of {size}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_objects(
        machine in prop::sample::select(&MACHINES),
        hash in prop::sample::select(vec![Hash::Gnu, Hash::Sysv, Hash::Both, Hash::None]),
        sections in any::<bool>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let mut bytes = ElfSpec { hash, sections, ..rich(machine) }.build();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        ask_everything(bytes);
    }

    #[test]
    fn bytes_behind_the_magic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        ask_everything([b"\x7fELF".as_slice(), &bytes].concat());
        ask_everything([b"\x7fELF\x02\x01\x01\0".as_slice(), &bytes].concat());
    }
}

/// Every byte of the header and the program headers set to four values, one at a time.
#[test]
fn every_byte_of_the_headers() {
    for machine in ["x86_64", "s390"] {
        let whole = rich(machine).build();
        for at in 0..600.min(whole.len()) {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                ask_everything(bytes);
            }
        }
    }
}

#[test]
fn every_length() {
    let whole = rich("x86_64").build();
    for length in (0..whole.len()).filter(|length| *length < 700 || length % 7 == 0) {
        ask_everything(whole[..length].to_vec());
    }
}
