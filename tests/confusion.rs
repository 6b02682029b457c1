//! The confusion matrix: every sample of every description, every row of the measured tables and every trap against all
//! descriptions of libraries and launchers at once. Each is taken for what it is, and for nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "libraries/matrix.rs"]
mod matrix;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use matrix::{cases, descriptions, taken_for, traps};
use pyhpc_audit::base::{Bytes, ReadAt, TreePath, builtin_files};
use pyhpc_audit::elf;
use pyhpc_audit::identify::{
    AbiGroups, Answer, Attribute, Identity, Libraries, Look, RealFile, Sample, SampleFile, Telling,
};
use support::ElfSpec;
use support::elf_builder::{Define, DefineKind, Want};

fn answers(identity: &Identity) -> BTreeMap<Attribute, String> {
    let known = |(attribute, answer): (&Attribute, &Answer)| match answer {
        Answer::Known { value, .. } => Some((*attribute, value.clone())),
        Answer::Unknown { .. } => None,
    };
    identity.answers.iter().filter_map(known).collect()
}

#[test]
fn every_sample_is_taken_for_what_it_is() {
    let (_, libraries, launchers) = descriptions();
    let mut wrong = Vec::new();
    for case in cases(&libraries, &launchers) {
        let found = taken_for(&libraries, &launchers, &case.sample);
        if found != case.word {
            wrong.push(format!("{} in {}: {} is taken for {found}", case.sample.file, case.sample.place, case.word));
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[test]
fn rows_and_traps_answer_what_was_measured() {
    let (_, libraries, launchers) = descriptions();
    let mut wrong = Vec::new();
    for case in cases(&libraries, &launchers) {
        let identity = libraries.identify(&SampleFile::new(&case.sample), &mut Vec::new());
        let found = identity.as_ref().map(answers).unwrap_or_default();
        if case.word.starts_with("library") && found != case.sample.expect {
            let place = format!("{} in {}", case.sample.file, case.sample.place);
            wrong.push(format!("{place}: expected {:?}, found {found:?}", case.sample.expect));
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[test]
fn every_trap_is_held_by_a_file_or_by_another_test() {
    let traps = traps().trap;
    let numbers: Vec<usize> = traps.iter().map(|it| it.number).collect();
    assert_eq!(numbers, (1..=19).collect::<Vec<_>>());
    for it in &traps {
        assert!(!it.says.is_empty());
        assert_eq!(it.file.is_empty(), it.elsewhere.is_some(), "trap {}", it.number);
    }
}

#[test]
fn a_client_without_needed_library_says_its_interface() {
    let (capabilities, _, _) = descriptions();
    let files: Vec<_> = traps().trap.into_iter().flat_map(|it| it.file).filter(|it| it.abi.is_some()).collect();
    assert!(!files.is_empty());
    for it in files {
        let answer = capabilities.get("mpi").unwrap().client(Attribute::Abi, &SampleFile::new(&it.sample)).unwrap();
        assert_eq!(answer.map(|it| it.0), it.abi, "{}", it.sample.place);
    }
}

#[test]
fn every_mpi_library_has_an_abi_group_that_lists_it() {
    let (_, libraries, launchers) = descriptions();
    let groups = AbiGroups::load(&builtin_files("abi")).unwrap();
    let mut used = BTreeSet::new();
    for case in cases(&libraries, &launchers) {
        let Some(abi) = case.sample.expect.get(&Attribute::Abi) else { continue };
        if !case.sample.defines.iter().any(|it| it == "MPI_Init") {
            continue;
        }
        let group = groups.of(abi, case.sample.soname.as_deref());
        let group = group.unwrap_or_else(|| panic!("{}: no group for {abi}", case.sample.place));
        let word = case.word.trim_start_matches("library ").to_owned();
        assert!(group.members.contains(&word), "{}: {} does not list {word}", case.sample.place, group.name);
        used.insert((group.name.clone(), word));
    }
    for group in groups.iter() {
        for member in &group.members {
            assert!(libraries.get(member).is_some(), "{}: {member} is no library", group.name);
            assert!(used.contains(&(group.name.clone(), member.clone())), "{}: no sample of {member}", group.name);
        }
    }
}

#[track_caller]
fn check_exchange(one: (&str, &str), other: (&str, &str), expected: bool) {
    let groups = AbiGroups::load(&builtin_files("abi")).unwrap();
    let (mine, theirs) = ((one.0, Some(one.1)), (other.0, Some(other.1)));
    assert_eq!(groups.exchangeable(mine, theirs), expected);
    assert_eq!(groups.exchangeable(theirs, mine), expected);
}

#[test]
fn who_stands_in_for_whom() {
    check_exchange(("mpich", "libmpi.so.12"), ("mpich", "libmpich.so.12"), true);
    check_exchange(("openmpi", "libmpi.so.40"), ("openmpi", "libmpi.so.40"), true);
    check_exchange(("mpich", "libmpi.12.dylib"), ("openmpi", "libmpi.40.dylib"), false);
    check_exchange(("openmpi", "libmpi.40.dylib"), ("openmpi", "libmpi.40.dylib"), true);
    check_exchange(("mpiabi", "libmpi_abi.so.1"), ("mpiabi", "libmpi_abi.so.1"), true);
    check_exchange(("mpich", "libmpi.so.12"), ("mpiabi", "libmpi_abi.so.1"), false);
    check_exchange(("mpich", "libmpi.so.12"), ("openmpi", "libmpi.so.40"), false);
    check_exchange(("mpich", "libmpi_gnu_123.so.12"), ("mpich", "libmpi_gnu_123.so.12"), true);
    check_exchange(("mpich", "libmpi_gnu_123.so.12"), ("mpich", "libmpi_cray.so.12"), false);
    check_exchange(("mpich", "libmpi_gnu_123.so.12"), ("mpich", "libmpi.so.12"), false);
    check_exchange(("openmpi", "libmpi.so.20"), ("openmpi", "libmpi.so.40"), false);
    check_exchange(("spectrum", "libmpi_ibm.so.3"), ("openmpi", "libmpi.so.40"), false);
}

/// The file that a sample tells of, as an object.
fn object_of(sample: &Sample) -> Vec<u8> {
    let define = |name: &String, text: Option<&String>| Define {
        name: name.clone(),
        kind: if text.is_some() { DefineKind::Object } else { DefineKind::Function },
        weak: false,
        local: false,
        hidden: false,
        size_bytes: None,
        returns: 0,
        text: text.cloned(),
        version: None,
    };
    let want = |name: &String, weak: bool| Want { name: name.clone(), weak, version: None };
    let strong = sample.wants.iter().map(|it| want(it, false));
    let weak = sample.mentions.iter().map(|it| want(it, true));
    let program = sample.soname.is_none() && !sample.file.contains(".so");
    let spec = ElfSpec {
        interpreter: program.then(|| "/lib64/ld-linux-x86-64.so.2".to_owned()),
        soname: sample.soname.clone(),
        needed: sample.needed.clone(),
        defines: {
            let functions = sample.defines.iter().map(|name| define(name, None));
            functions.chain(sample.objects.iter().map(|(name, text)| define(name, Some(text)))).collect()
        },
        wants: strong.chain(weak).collect(),
        text: sample.text.clone(),
        ..ElfSpec::default()
    };
    spec.build()
}

/// An object that is built from a sample is taken for the same, and writes itself down as a sample that is too.
fn check_object(libraries: &Libraries, telling: &Telling, word: &str, sample: &Sample) -> Result<(), String> {
    let file: Arc<dyn ReadAt> = Arc::new(Bytes(Arc::new(object_of(sample))));
    let object = elf::Object::open(Arc::clone(&file)).map_err(|it| it.to_string())?;
    let symbols = object.symbols().map_err(|it| it.to_string())?;
    let path = TreePath::new(&sample.file);
    let real = RealFile::object(&path, &object.linkage, &symbols, &*file);
    let found = |look: &dyn Look| libraries.identify(look, &mut Vec::new()).map(|it| it.library).unwrap_or_default();
    let again = telling.sample(&real, &*file).map_err(|it| it.to_string())?;
    let (mine, theirs) = (found(&real), found(&SampleFile::new(&again)));
    let expected = word.strip_prefix("library ").unwrap_or_default();
    if mine != expected || theirs != expected {
        return Err(format!("{expected}: the object is taken for {mine:?}, its own sample for {theirs:?}"));
    }
    Ok(())
}

#[test]
fn an_object_built_from_a_sample_is_taken_for_the_same() {
    let (capabilities, libraries, launchers) = descriptions();
    let telling = Telling::marks(&libraries, &launchers, &capabilities);
    let mut wrong = Vec::new();
    for case in cases(&libraries, &launchers).into_iter().filter(|it| !it.sample.script) {
        if let Err(reason) = check_object(&libraries, &telling, &case.word, &case.sample) {
            wrong.push(format!("{} in {}: {reason}", case.sample.file, case.sample.place));
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}
