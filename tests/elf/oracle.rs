//! A second reader, by other people, on the same files: ours, the test itself, and what the test has loaded.

use std::collections::{BTreeMap, BTreeSet};

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, STB_GLOBAL, STB_LOCAL, STB_WEAK, STV_DEFAULT, STV_PROTECTED};
use object::read::elf::{ElfFile, FileHeader, Sym};
use object::{Object as _, ObjectSymbol};
use pyhpc_audit::elf::Object;

use crate::support::ElfSpec;
use crate::support::elf_builder::Hash;
use crate::{MACHINES, file, rich};

#[test]
fn built_files() {
    for machine in MACHINES {
        for hash in [Hash::Gnu, Hash::Sysv, Hash::Both] {
            check(&ElfSpec { hash, ..rich(machine) }.build(), machine);
        }
    }
}

#[test]
fn this_test_and_what_it_loads() {
    let mut paths = BTreeSet::from([std::env::current_exe().unwrap()]);
    // Where there is no such file, as outside Linux, the test itself remains.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    paths.extend(maps.lines().filter_map(|line| line.split_once('/')).map(|(_, path)| format!("/{path}").into()));
    for path in paths {
        let bytes = std::fs::read(&path).unwrap_or_default();
        if bytes.starts_with(b"\x7fELF") {
            check(&bytes, &path.to_string_lossy());
        }
    }
}

#[track_caller]
fn check(bytes: &[u8], context: &str) {
    match bytes.get(4) {
        Some(1) => compare::<FileHeader32<Endianness>>(bytes, context),
        Some(_) | None => compare::<FileHeader64<Endianness>>(bytes, context),
    }
}

fn compare<Header: FileHeader<Endian = Endianness>>(bytes: &[u8], context: &str) {
    let theirs = ElfFile::<Header>::parse(bytes).unwrap();
    let ours = Object::open(file(bytes.to_vec())).unwrap();
    compare_linkage(&theirs, &ours, context);
    let symbols = ours.symbols().unwrap();
    let endian = theirs.endian();
    let (mut wanted, mut defined) = (Vec::new(), BTreeMap::<_, BTreeSet<u64>>::new());
    for symbol in theirs.dynamic_symbols() {
        let (name, raw) = (symbol.name_bytes().unwrap().to_vec(), symbol.elf_symbol());
        let bind = raw.st_bind();
        let visible = [STV_DEFAULT, STV_PROTECTED].contains(&raw.st_visibility());
        if symbol.is_undefined() && [STB_GLOBAL, STB_WEAK].contains(&bind) && !name.is_empty() {
            wanted.push((name, bind == STB_WEAK));
        } else if !symbol.is_undefined() && bind != STB_LOCAL && visible {
            defined.entry(name).or_default().insert(raw.st_size(endian).into());
        }
    }
    let found: Vec<_> = symbols.wanted().unwrap().into_iter().map(|it| (it.name, it.weak)).collect();
    assert_eq!(found, wanted, "{context}");
    for (name, sizes) in &defined {
        let found = symbols.definition(name).unwrap();
        let same = found.as_ref().is_some_and(|found| sizes.contains(&found.size_bytes));
        assert!(same, "{context}: {} {found:?}", String::from_utf8_lossy(name));
    }
    for (name, _) in wanted.iter().filter(|(name, _)| !defined.contains_key(name)) {
        assert_eq!(symbols.definition(name).unwrap(), None, "{context}");
    }
    let build_id = theirs.build_id().unwrap().map(<[u8]>::to_vec);
    assert_eq!(ours.build_id().unwrap(), build_id, "{context}");
}

fn compare_linkage<Header: FileHeader<Endian = Endianness>>(
    theirs: &ElfFile<'_, Header>,
    ours: &Object,
    context: &str,
) {
    let (endian, header) = (theirs.endian(), theirs.elf_header());
    let linkage = &ours.linkage;
    assert_eq!(linkage.machine, header.e_machine(endian).0, "{context}");
    assert_eq!(linkage.bits == 64, theirs.is_64(), "{context}");
    assert_eq!(linkage.little_endian, theirs.is_little_endian(), "{context}");
    let libraries: Vec<Vec<u8>> = needed(theirs);
    assert_eq!(linkage.needed, libraries, "{context}");
}

fn needed<Header: FileHeader<Endian = Endianness>>(theirs: &ElfFile<'_, Header>) -> Vec<Vec<u8>> {
    use object::read::elf::Dyn;
    let (endian, data) = (theirs.endian(), theirs.data());
    let Some((entries, link)) = theirs.elf_section_table().dynamic(endian, data).unwrap() else {
        return Vec::new();
    };
    let strings = theirs.elf_section_table().strings(endian, data, link).unwrap();
    let needed = entries.iter().filter(|entry| entry.d_tag(endian) == object::elf::DT_NEEDED);
    needed.map(|entry| strings.get(u32::try_from(entry.d_val(endian).into()).unwrap()).unwrap().to_vec()).collect()
}
