//! Files whose content is known: what went in comes out.

use pyhpc_audit::elf::{
    Definition, ElfError, Linkage, Object, Symbols, TextMatch, build_id, read_linkage, search_text, search_text_all,
};
use pyhpc_audit::tree::Tree;
use regex::bytes::Regex;
use serde::Deserialize;

use crate::support::elf_builder::{Define, Hash, Kind, Stack, Want};
use crate::support::{ElfSpec, Fixture};
use crate::{Counted, MACHINES, file, rich};

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn define(name: &str) -> Define {
    ElfSpec::parse(&format!("defines = ['{name}']")).defines.remove(0)
}

fn want(name: &str) -> Want {
    ElfSpec::parse(&format!("wants = ['{name}']")).wants.remove(0)
}

#[test]
fn linkage_of_every_machine() {
    for machine in MACHINES {
        let linkage = read_linkage(file(rich(machine).build()).as_ref()).unwrap();
        let narrow = ["x32", "i386", "s390", "arm"].contains(&machine);
        let big = ["aarch64_be", "ppc64", "s390x", "s390"].contains(&machine);
        let expected = Linkage {
            machine: linkage.machine,
            bits: if narrow { 32 } else { 64 },
            little_endian: !big,
            os_abi: 0,
            file_type: 3,
            interpreter: Some(b"/lib64/ld-linux-x86-64.so.2".to_vec()),
            soname: Some(b"libx.so.1".to_vec()),
            needed: bytes(&["liby.so.2", "libc.so.6"]),
            rpath: Some(b"$ORIGIN/../lib".to_vec()),
            runpath: Some(b"/opt/a:/opt/b".to_vec()),
            auxiliary: bytes(&["aux.so"]),
            filter: bytes(&["filter.so"]),
            audit: bytes(&["audit.so", "depaudit.so"]),
            no_default_library_path: true,
            executable_stack: Some(false),
            dynamic: true,
            isa_needed: 0,
        };
        assert_eq!(linkage, expected, "{machine}");
        assert_eq!(linkage.machine_name(), machine);
    }
}

#[test]
fn what_is_not_there_is_none() {
    let spec = ElfSpec { stack: Stack::Absent, sections: false, ..ElfSpec::default() };
    let linkage = read_linkage(file(spec.build()).as_ref()).unwrap();
    let nothing =
        Linkage { machine: 62, bits: 64, little_endian: true, file_type: 3, dynamic: true, ..Linkage::default() };
    assert_eq!(linkage, nothing);

    let spec = ElfSpec { stack: Stack::Executable, kind: Kind::Static, ..ElfSpec::default() };
    let linkage = read_linkage(file(spec.build()).as_ref()).unwrap();
    assert_eq!((linkage.executable_stack, linkage.dynamic), (Some(true), false));

    let spec = ElfSpec { kind: Kind::Executable, os_abi: 9, ..rich("x86_64") };
    let linkage = read_linkage(file(spec.build()).as_ref()).unwrap();
    assert_eq!((linkage.file_type, linkage.os_abi, linkage.needed.len()), (2, 9, 2));
}

#[test]
fn symbols_of_every_machine_and_hash_kind() {
    for machine in MACHINES {
        for hash in [Hash::Gnu, Hash::Sysv, Hash::Both, Hash::None] {
            for sections in [true, false] {
                check_symbols(&ElfSpec { hash, sections, ..rich(machine) });
            }
        }
    }
}

#[track_caller]
fn check_symbols(spec: &ElfSpec) {
    let built = spec.build();
    let symbols = Symbols::open(file(built.clone())).unwrap();
    let context = format!("{} {:?} sections {}", spec.machine, spec.hash, spec.sections);
    let find = |name: &str| symbols.definition(name.as_bytes()).unwrap();
    for name in ["f", "g1", "g2", "g3", "cblas_dgemm", "dgemm_"] {
        let found = find(name).unwrap_or_else(|| panic!("{context}: {name}"));
        assert_eq!((found.weak, found.data, found.size_bytes), (false, false, 8), "{context}: {name}");
        assert!(found.offset_bytes.is_some(), "{context}: {name}");
    }
    assert!(find("weak").unwrap().weak, "{context}");
    for name in ["hidden", "local", "a", "b", "c", "cblas_dgem", "cblas_dgemm_", "x", ""] {
        assert_eq!(find(name), None, "{context}: {name}");
    }
    let text = find("version_text").unwrap();
    let at = text.offset_bytes.unwrap() as usize;
    assert_eq!(built.get(at..at + 6), Some(b"1.2.3\0".as_slice()), "{context}");
    assert!(text.data, "{context}");
    let zero = Definition { name: b"zero".to_vec(), weak: false, data: true, size_bytes: 64, offset_bytes: None };
    assert_eq!(find("zero"), Some(zero), "{context}");
    assert_eq!(find("absolute").unwrap().offset_bytes, None, "{context}");

    let wanted: Vec<_> = symbols.wanted().unwrap().into_iter().map(|it| (it.name, it.weak)).collect();
    assert_eq!(wanted, [(b"a".to_vec(), false), (b"b".to_vec(), true), (b"c".to_vec(), false)], "{context}");
    assert_eq!(symbols.defined_versions().unwrap(), bytes(&["X_1", "X_2"]), "{context}");
    let needed = symbols.needed_versions().unwrap();
    let math = vec![(b"GLIBC_2.29".to_vec(), false), (b"GLIBC_2.99".to_vec(), true)];
    let c = vec![(b"GLIBC_2.17".to_vec(), false)];
    assert_eq!(needed, [(b"libm.so.6".to_vec(), math), (b"libc.so.6".to_vec(), c)], "{context}");
}

#[test]
fn wanted_symbols_of_an_object_that_defines_none() {
    for sections in [true, false] {
        let spec = ElfSpec { sections, wants: vec![want("a"), want("b")], ..ElfSpec::default() };
        let symbols = Symbols::open(file(spec.build())).unwrap();
        assert_eq!(symbols.wanted().unwrap().len(), 2);
        assert_eq!(symbols.definition(b"a").unwrap(), None);
    }
}

#[test]
fn a_large_string_table_is_no_obstacle() {
    // Libraries of compiled computation graphs carry string tables of 80 MB and more.
    let long = |index: usize| Define { name: format!("{index}{}", "x".repeat(1 << 20)), ..define("x") };
    let spec = ElfSpec {
        hash: Hash::None,
        needed: vec!["libc.so.6".to_owned()],
        defines: (0..70).map(long).collect(),
        wants: vec![want("a")],
        ..ElfSpec::default()
    };
    let built = file(spec.build());
    assert_eq!(read_linkage(built.as_ref()).unwrap().needed, bytes(&["libc.so.6"]));
    assert_eq!(Symbols::open(built).unwrap().wanted().unwrap().len(), 1);
}

#[test]
fn thousands_of_symbols_are_found_by_few_reads() {
    let names: Vec<String> = (0..6_000).map(|index| format!("symbol_with_a_long_name_{index}")).collect();
    for hash in [Hash::Gnu, Hash::Sysv] {
        let spec = ElfSpec {
            hash,
            defines: names.iter().map(|name| Define { name: name.clone(), ..define("x") }).collect(),
            ..ElfSpec::default()
        };
        let file = Counted::new(spec.build());
        let object = Object::open(file.clone()).unwrap();
        let symbols = object.symbols().unwrap();
        let opened = file.reads();
        assert!(opened <= 5, "{hash:?}: {opened} reads to open");
        for name in names.iter().step_by(97) {
            assert!(symbols.definition(name.as_bytes()).unwrap().is_some(), "{hash:?}: {name}");
            assert_eq!(symbols.definition(format!("{name}_").as_bytes()).unwrap(), None);
        }
        let each = (file.reads() - opened) as f64 / (2 * 6_000 / 97) as f64;
        assert!(each < 9.0, "{hash:?}: {each} reads per name");
    }
}

#[test]
fn few_reads_for_small_objects() {
    let file = Counted::new(rich("x86_64").build());
    let object = Object::open(file.clone()).unwrap();
    assert!(file.reads() <= 3, "{} reads for the linkage", file.reads());
    let symbols = object.symbols().unwrap();
    let opened = file.reads();
    for name in ["MPI_Init", "H5Fopen", "omp_get_max_threads", "GOMP_parallel", "__kmpc_fork_call"] {
        assert_eq!(symbols.definition(name.as_bytes()).unwrap(), None);
    }
    assert!(file.reads() <= opened + 5, "absent names cost {} reads", file.reads() - opened);
}

#[test]
fn build_ids() {
    let expected = vec![0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb];
    for machine in MACHINES {
        assert_eq!(build_id(file(rich(machine).build()).as_ref()), Ok(Some(expected.clone())), "{machine}");
    }
    assert_eq!(build_id(file(ElfSpec::default().build()).as_ref()), Ok(None));
}

fn first_matches(spec: &ElfSpec, patterns: &[&str]) -> Vec<(usize, u64, Vec<String>)> {
    let patterns: Vec<_> = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    let found = search_text(file(spec.build()).as_ref(), &patterns).unwrap();
    let text = |group: Option<Vec<u8>>| String::from_utf8(group.unwrap_or_default()).unwrap();
    found.into_iter().map(|it| (it.pattern, it.offset_bytes, it.groups.into_iter().map(text).collect())).collect()
}

#[test]
fn text_is_found_in_data_and_not_elsewhere() {
    let patterns = [r"OpenBLAS ([0-9.]+)( MAX)?", "GCC: [(]([^)]*)[)]", "cblas_dgemm", "1[.]2[.]3", "never"];
    let found = first_matches(&rich("x86_64"), &patterns);
    let texts: Vec<_> = found.iter().map(|(pattern, _, groups)| (*pattern, groups.join("|"))).collect();
    let expected = [(0, "OpenBLAS 0.3.29|0.3.29|"), (1, "GCC: (Debian)|Debian"), (3, "1.2.3")];
    assert_eq!(texts, expected.map(|(pattern, text)| (pattern, text.to_owned())));

    let stripped = first_matches(&ElfSpec { sections: false, ..rich("x86_64") }, &["OpenBLAS", "GCC", "1[.]2[.]3"]);
    assert_eq!(stripped.iter().map(|found| found.0).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn text_is_found_wherever_chunks_meet() {
    let chunk = 256 * 1024;
    for near in [chunk - 4096, chunk, 2 * chunk - 2 * 4096, 2 * chunk] {
        for before in [-70, -30, -9, -1, 0, 1, 70] {
            let padding_bytes = (near + before) as usize;
            let text = vec!["libmpi version 4.1.6".to_owned(), "version 9".to_owned()];
            let spec = ElfSpec { padding_bytes, text, ..ElfSpec::default() };
            let found = first_matches(&spec, &[r"\bversion ([0-9.]+)", r"(?-u)\x00version 9\x00"]);
            let built = spec.build();
            let at = found[0].1 as usize;
            assert_eq!(found[0].2, ["version 4.1.6", "4.1.6"], "{padding_bytes}");
            assert_eq!(built.get(at..at + 13), Some(b"version 4.1.6".as_slice()), "{padding_bytes}");
            assert_eq!(found[1].2, ["\0version 9\0"], "{padding_bytes}");
        }
    }
}

fn all_matches(spec: &ElfSpec, pattern: &Regex, most: usize) -> Vec<String> {
    let built = spec.build();
    let found = search_text_all(file(built.clone()).as_ref(), pattern, most).unwrap();
    let text = |it: TextMatch| {
        let whole = it.groups[0].clone().unwrap();
        let at = it.offset_bytes as usize;
        let place = built.windows(whole.len()).position(|window| window == whole);
        assert_eq!(place, Some(at), "the first of equal matches");
        String::from_utf8(whole).unwrap()
    };
    found.into_iter().map(text).collect()
}

#[test]
fn all_distinct_matches_are_found_in_order_up_to_a_bound() {
    let text = ["v3", "v1", "v3", "w", "v2", "v1"].map(str::to_owned).to_vec();
    let pattern = Regex::new("v[0-9]").unwrap();
    for sections in [true, false] {
        let spec = ElfSpec { sections, text: text.clone(), ..ElfSpec::default() };
        for (most, expected) in [(0, &[][..]), (1, &["v3"]), (2, &["v3", "v1"]), (9, &["v3", "v1", "v2"])] {
            assert_eq!(all_matches(&spec, &pattern, most), expected, "{most}");
        }
    }
    // Matches of no bytes are all the same; the search still ends.
    let empty = Regex::new("").unwrap();
    assert_eq!(search_text_all(file(rich("x86_64").build()).as_ref(), &empty, 9).unwrap().len(), 1);
}

#[test]
fn matches_are_whole_and_found_once_wherever_chunks_meet() {
    let chunk = 256 * 1024;
    let pattern = Regex::new("[0-9]+(x[0-9]+)*").unwrap();
    for near in [chunk - 4096, chunk, 2 * chunk - 4096, 2 * chunk] {
        for before in -20..=4 {
            let padding_bytes = (near + before) as usize;
            let text = vec!["1234x56789".to_owned(), "77".to_owned(), "1234x56789".to_owned()];
            let spec = ElfSpec { padding_bytes, text, ..ElfSpec::default() };
            assert_eq!(all_matches(&spec, &pattern, 9), ["1234x56789", "77"], "{padding_bytes}");
        }
    }
}

#[test]
fn a_search_for_all_matches_has_a_limit() {
    let spec = ElfSpec { padding_bytes: 64 << 20, text: vec!["v1".to_owned()], ..ElfSpec::default() };
    let built = file(spec.build());
    let pattern = Regex::new("v[0-9]").unwrap();
    let error = search_text_all(built.as_ref(), &pattern, 9).unwrap_err();
    assert_eq!(error.to_string(), "larger than the limit: more than 67108864 bytes of text");
    assert_eq!(search_text(built.as_ref(), &[pattern]).unwrap().len(), 1);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCase {
    name: String,
    elf: Option<ElfSpec>,
    hex: Option<String>,
    text: Option<String>,
    needed_entries: Option<usize>,
    error: String,
    is_text: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCases {
    case: Vec<ErrorCase>,
}

#[test]
fn errors() {
    let cases: ErrorCases = toml::from_str(include_str!("errors.toml")).unwrap();
    for case in cases.case {
        let needed = case.needed_entries.map(|count| vec!["x".to_owned(); count]);
        let elf = case.elf.or(needed.map(|needed| ElfSpec { needed, ..ElfSpec::default() }));
        let bytes = match (elf, case.hex, case.text) {
            (Some(elf), None, None) => elf.build(),
            (None, Some(hex), None) => crate::support::fixture::from_hex(&hex),
            (None, None, Some(text)) => text.into_bytes(),
            _ => panic!("{}: exactly one of elf, hex, text", case.name),
        };
        let error = read_linkage(file(bytes.clone()).as_ref()).expect_err(&case.name);
        assert!(error.to_string().starts_with(&case.error), "{}: {error}", case.name);
        assert_eq!(Object::open(file(bytes)).err(), Some(error.clone()), "{}", case.name);
        if let Some(text) = case.is_text {
            assert_eq!(error, ElfError::NotElf { text }, "{}", case.name);
        }
    }
}

#[test]
fn wild_symbol_tables_are_errors_of_the_symbols_only() {
    let bytes = ElfSpec::parse("broken = 'wild-symbols'\nneeded = ['liby.so']").build();
    assert_eq!(read_linkage(file(bytes.clone()).as_ref()).unwrap().needed.len(), 1);
    let error = Symbols::open(file(bytes)).err().unwrap();
    assert_eq!(error.to_string(), "malformed: the symbol table at address 0x7fff0000 is not in the file");
}

#[test]
fn a_fixture_is_the_same_in_memory_and_on_disk() {
    let fixture = Fixture::parse(
        r#"
        [[file]]
        path = "/lib/libx.so.1"
        elf  = { soname = "libx.so.1", needed = ["liby.so"], defines = ["f"], wants = ["g"] }
        [[file]]
        path    = "/lib/again.so"
        same_as = "/lib/libx.so.1"
        [[file]]
        path = "/bin/tool"
        text = "tool"
        mode = 0o755
        [[link]]
        path   = "/lib/libx.so"
        target = "libx.so.1"
        [[directory]]
        path = "/empty"
        [[cache]]
        path    = "/etc/ld.so.cache"
        entries = [["libx.so.1", "/lib/libx.so.1"]]
        "#,
    );
    let memory = fixture.memory_tree();
    let directory = fixture.directory();
    for name in ["lib/libx.so.1", "lib/again.so", "bin/tool", "etc/ld.so.cache"] {
        let path = pyhpc_audit::base::TreePath::new(name);
        let open = memory.open(&path).unwrap();
        let here = pyhpc_audit::base::read_range(open.as_ref(), 0, open.size_bytes()).unwrap();
        assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), here, "{name}");
    }
    let id = |name: &str| memory.metadata(&pyhpc_audit::base::TreePath::new(name)).unwrap().id;
    assert_eq!(id("/lib/again.so"), id("/lib/libx.so.1"));
    assert_eq!(std::fs::read_link(directory.path().join("lib/libx.so")).unwrap().to_str(), Some("libx.so.1"));
    assert!(directory.path().join("empty").is_dir());
}

#[test]
fn a_misspelt_key_of_a_fixture_is_named() {
    let message = |text: &str| toml::from_str::<Fixture>(text).unwrap_err().to_string();
    let misspelt = message("[[file]]\npath = '/x'\nelf = { sonme = 'x' }");
    assert!(misspelt.contains("line 3") && misspelt.contains("unknown field `sonme`"), "{misspelt}");
    let wrong = message("[[file]]\npath = '/x'\nelf = { defines = [{ name = 'f', wek = true }] }");
    assert!(wrong.contains("expected a name or { name, kind"), "{wrong}");
}

#[test]
fn objects_are_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Object>();
    check::<Symbols>();
}
