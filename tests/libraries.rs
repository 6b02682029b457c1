//! Every library description against every sample: each sample of a real binary is recognised by its own description and
//! by no other, with the attributes that were measured; traps are recognised by none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use pyhpc_audit::base::{TextFile, TreePath, Variables, builtin_files};
use pyhpc_audit::elf::{ElfError, TextMatch, Wanted};
use pyhpc_audit::identify::{
    Answer, Attribute, Capabilities, Confidence, Identity, Libraries, Look, Sample, SampleFile,
};
use regex::bytes::Regex;

fn libraries() -> Libraries {
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    match Libraries::load(&builtin_files("libraries"), &capabilities) {
        Ok(libraries) => libraries,
        Err(error) => panic!("{error}"),
    }
}

fn known(identity: &Identity) -> BTreeMap<Attribute, String> {
    let value = |(attribute, answer): (&Attribute, &Answer)| match answer {
        Answer::Known { value, because } => {
            assert!(!because.is_empty(), "{}: {} has no evidence", identity.library, attribute.word());
            Some((*attribute, value.clone()))
        }
        Answer::Unknown { reason } => {
            assert!(!reason.is_empty());
            None
        }
    };
    identity.answers.iter().filter_map(value).collect()
}

#[track_caller]
fn check(libraries: &Libraries, word: &str, sample: &Sample) {
    let mut gaps = Vec::new();
    let file = SampleFile::new(sample);
    let identity = libraries.identify(&file, &mut gaps);
    let place = format!("{word}: {} in {}", sample.file, sample.place);
    assert_eq!(gaps, [], "{place}");
    let identity = identity.unwrap_or_else(|| panic!("{place}: nothing recognises it"));
    assert_eq!(identity.library, word, "{place}");
    assert_eq!(known(&identity), sample.expect, "{place}");
    let openings = libraries.openings(&identity, &file, &Variables::default(), &mut gaps);
    let certain = openings.iter().filter(|it| !it.by_cpu);
    let names: Vec<String> = certain.map(|it| String::from_utf8_lossy(&it.names[0]).into_owned()).collect();
    assert_eq!(names, sample.opens, "{place}");
    gaps.clear();
    let offers = libraries.offers(&identity, &file, &mut gaps);
    assert!(offers.iter().all(|it| !it.because.is_empty()), "{place}: an offer has no evidence");
    let offers: Vec<String> = offers.into_iter().map(|it| it.transport).collect();
    assert_eq!(offers, sample.offers, "{place}");
    assert_eq!(gaps, [], "{place}");
}

#[test]
fn every_sample_is_recognised_by_its_own_description() {
    let libraries = libraries();
    for library in libraries.iter() {
        assert!(!library.seen.is_empty(), "{} has no [[seen]]", library.word);
        for sample in &library.seen {
            check(&libraries, &library.word, sample);
        }
    }
}

#[test]
fn traps_are_recognised_by_none() {
    let libraries = libraries();
    for library in libraries.iter() {
        for sample in &library.not {
            let found = libraries.identify(&SampleFile::new(sample), &mut Vec::new());
            assert_eq!(found.map(|it| it.library), None, "{}: {} in {}", library.word, sample.file, sample.place);
        }
    }
}

#[test]
fn a_renamed_file_is_recognised_where_its_bytes_tell() {
    let libraries = libraries();
    for library in libraries.iter().filter(|it| it.measured) {
        for sample in library.seen.iter().filter(|it| !it.place.contains("not measured")) {
            let renamed = Sample { file: "libother.so".to_owned(), ..sample.clone() };
            let found = libraries.identify(&SampleFile::new(&renamed), &mut Vec::new());
            assert_eq!(found.map(|it| it.library).as_deref(), Some(library.word.as_str()), "{}", sample.place);
        }
    }
}

#[test]
fn layers_complete_what_the_dispatcher_leaves_open() {
    let libraries = libraries();
    let sample = |file: &str| libraries.get("mkl").unwrap().seen.iter().find(|it| it.file == file).unwrap();
    let identity = |file: &str| libraries.identify(&SampleFile::new(sample(file)), &mut Vec::new()).unwrap();
    let mut whole = identity("libmkl_rt.so.2");
    for part in &sample("libmkl_rt.so.2").opens {
        if part.starts_with("libmkl") {
            whole.complete_with(&identity(part));
        }
    }
    assert_eq!(whole.value(Attribute::Version), Some("2022.0"));
    assert_eq!(whole.value(Attribute::Interface), Some("lp64"));
    assert_eq!(whole.value(Attribute::Threading), Some("openmp"));
}

#[test]
fn variables_decide_what_is_opened() {
    let libraries = libraries();
    let sample = libraries.get("mkl").unwrap().seen.iter().find(|it| it.file == "libmkl_rt.so.2").unwrap();
    let file = SampleFile::new(sample);
    let identity = libraries.identify(&file, &mut Vec::new()).unwrap();
    let opened = |value: &str| {
        let (mut variables, mut gaps) = (Variables::default(), Vec::new());
        variables.set("MKL_THREADING_LAYER", value, "test");
        let openings = libraries.openings(&identity, &file, &variables, &mut gaps);
        let certain = openings.iter().filter(|it| !it.by_cpu);
        let names: Vec<String> = certain.map(|it| String::from_utf8_lossy(&it.names[0]).into_owned()).collect();
        (names.join(" "), gaps.len())
    };
    assert_eq!(opened("gnu").0, "libmkl_core.so.2 libmkl_gnu_thread.so.2 libmkl_intel_lp64.so.2 libtbbmalloc.so.2");
    assert_eq!(
        opened("SEQUENTIAL").0,
        "libmkl_core.so.2 libmkl_sequential.so.2 libmkl_intel_lp64.so.2 libtbbmalloc.so.2"
    );
    assert_eq!(opened("NONSENSE"), ("libmkl_core.so.2 libmkl_intel_lp64.so.2 libtbbmalloc.so.2".to_owned(), 1));
}

#[test]
fn a_client_says_which_interface_it_was_compiled_for() {
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    let libraries = libraries();
    let abi = |word: &str| {
        let trap = libraries.get(word).unwrap().not.iter().find(|it| it.file.starts_with("MPI.")).unwrap();
        let answer = capabilities.get("mpi").unwrap().client(Attribute::Abi, &SampleFile::new(trap)).unwrap();
        answer.map(|(value, because)| (value, because.len()))
    };
    assert_eq!(abi("openmpi"), Some(("openmpi".to_owned(), 1)));
    assert_eq!(abi("mpich"), Some(("mpich".to_owned(), 1)));
}

#[test]
fn groups_find_users_and_what_the_spelling_says() {
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    let gemm = capabilities.get("blas").unwrap().group("gemm").unwrap();
    let interface = |symbol: &str| {
        let wanted = [Wanted { name: symbol.as_bytes().to_vec(), weak: false }];
        gemm.used_in(&wanted).into_iter().map(|it| it.interface).collect::<Vec<_>>()
    };
    assert_eq!(interface("scipy_cblas_dgemm64_"), [Some("ilp64".to_owned())]);
    assert_eq!(interface("dgemm_64_"), [Some("ilp64".to_owned())]);
    assert_eq!(interface("cblas_dgemm"), [None]);
    assert_eq!(interface("dgemmtr_"), []);
    assert!(gemm.names().iter().any(|it| it == b"scipy_dgemm_64_"));
    let parallel = capabilities.get("hdf5").unwrap().group("hdf5-parallel").unwrap();
    assert!(parallel.contains(b"H5Pset_fapl_mpio") && !parallel.contains(b"H5Fopen"));
}

/// A file whose symbol table cannot be read.
struct Unreadable(TreePath);

impl Look for Unreadable {
    fn path(&self) -> &TreePath {
        &self.0
    }
    fn is_script(&self) -> bool {
        false
    }
    fn is_program(&self) -> bool {
        false
    }
    fn soname(&self) -> Option<&[u8]> {
        None
    }
    fn needed(&self) -> &[Vec<u8>] {
        &[]
    }
    fn defines(&self, _: &[u8]) -> Result<bool, ElfError> {
        Err(ElfError::Truncated("symbols".to_owned()))
    }
    fn wants(&self, _: &[u8]) -> Result<bool, ElfError> {
        Err(ElfError::Truncated("symbols".to_owned()))
    }
    fn mentions(&self, _: &[u8]) -> Result<bool, ElfError> {
        Err(ElfError::Truncated("symbols".to_owned()))
    }
    fn bytes_of(&self, _: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError> {
        Err(ElfError::Truncated("symbols".to_owned()))
    }
    fn text(&self, _: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
        Err(ElfError::Truncated("symbols".to_owned()))
    }
}

#[test]
fn an_unreadable_file_is_a_gap() {
    let mut gaps = Vec::new();
    assert_eq!(libraries().identify(&Unreadable(TreePath::new("/x/libmpi.so.12")), &mut gaps), None);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].reason, "truncated: symbols");
}

#[test]
fn drivers_depend_on_the_machine() {
    let libraries = libraries();
    let word = |soname: &str| libraries.machine_dependent(soname.as_bytes()).map(|it| it.word.as_str());
    assert_eq!(word("libcuda.so.1"), Some("gpu-driver"));
    assert_eq!(word("libmpi.so.12"), None);
}

#[test]
fn what_rests_on_names_alone_is_likely_only() {
    let libraries = libraries();
    for library in libraries.iter() {
        for sample in &library.seen {
            let identity = libraries.identify(&SampleFile::new(sample), &mut Vec::new()).unwrap();
            let measured = library.measured && !sample.place.contains("not measured");
            assert_eq!(identity.confidence == Confidence::Certain, measured, "{}", sample.place);
        }
    }
}

#[test]
fn defective_releases_are_known() {
    let libraries = libraries();
    let defects = |file: &str, version: &str| {
        let sample = Sample {
            file: file.to_owned(),
            defines: vec!["openblas_get_config".to_owned()],
            wants: vec!["pthread_create".to_owned()],
            text: vec![format!("OpenBLAS {version} DYNAMIC_ARCH")],
            ..Sample::default()
        };
        let identity = libraries.identify(&SampleFile::new(&sample), &mut Vec::new()).unwrap();
        libraries.defects(&identity).len()
    };
    let plain = |version: &str| defects("libopenblas.so.0", version);
    assert_eq!((plain("0.3.0"), plain("0.3.3"), plain("0.3.4"), plain("0.3.30"), plain("0.3.31")), (0, 1, 0, 1, 0));
    assert_eq!(defects("libscipy_openblas-6cdc3b4a.so", "0.3.30"), 0);
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    let file = TextFile { path: "x.toml".to_owned(), stem: "x".to_owned(), text: text.to_owned() };
    assert_eq!(Libraries::load(&[file], &capabilities).unwrap_err().to_string(), expected);
}

#[test]
fn a_wrong_description_names_the_place_and_the_nearest_word() {
    let head = "title = 'X'\nhomepage = 'h'\nmeasured = true\n";
    check_error(
        &format!("{head}capabilities = ['blass']\n[[is]]\ndefines = ['x']\n"),
        "x.toml:4:17: `blass` is not a capability; did you mean `blas`?",
    );
    check_error(
        &format!("{head}capabilities = ['blas']\n[[is]]\nsoname = '('\n"),
        "x.toml:6:10: not a pattern: error: unclosed group",
    );
    check_error(
        &format!("{head}capabilities = ['blas']\n[[is]]\ndefines = ['x']\n[[threading]]\nvalue = 'pthread'\n"),
        "x.toml:8:9: `pthread` is not a value of threading; did you mean `pthreads`?",
    );
    check_error(
        &format!("{head}capabilities = ['blas']\n[[is]]\n"),
        "x.toml:5:1: a clause of `is` that asks for nothing matches every file",
    );
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    let text = format!("{head}capabilities = ['blas']\n[[is]]\ndefnes = ['x']\n");
    let file = TextFile { path: "x.toml".to_owned(), stem: "x".to_owned(), text };
    let error = Libraries::load(&[file], &capabilities).unwrap_err();
    assert_eq!((error.line, error.nearest.as_deref()), (6, Some("defines")));
}
