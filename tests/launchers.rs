//! Every launcher description against every sample, and the traps against all.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use pyhpc_audit::base::builtin_files;
use pyhpc_audit::identify::{Attribute, Launchers, Sample, SampleFile};

fn launchers() -> Launchers {
    match Launchers::load(&builtin_files("launchers")) {
        Ok(launchers) => launchers,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn check(launchers: &Launchers, word: &str, sample: &Sample) {
    let mut gaps = Vec::new();
    let launcher = launchers.identify(&SampleFile::new(sample), &mut gaps);
    let place = format!("{word}: {} in {}", sample.file, sample.place);
    assert_eq!(gaps, [], "{place}");
    let launcher = launcher.unwrap_or_else(|| panic!("{place}: nothing recognises it"));
    assert_eq!(launcher.vendor, word, "{place}");
    assert!(!launcher.because.is_empty(), "{place}");
    let version = launcher.version.map(|it| it.0);
    assert_eq!(version.as_ref(), sample.expect.get(&Attribute::Version), "{place}");
}

#[test]
fn every_sample_is_recognised_by_its_own_description() {
    let launchers = launchers();
    for description in launchers.iter() {
        assert!(!description.seen.is_empty() || !description.has_marks(), "{} has no [[seen]]", description.word);
        for sample in &description.seen {
            check(&launchers, &description.word, sample);
        }
    }
}

#[test]
fn traps_are_recognised_by_none() {
    let launchers = launchers();
    for description in launchers.iter() {
        for sample in &description.not {
            let found = launchers.identify(&SampleFile::new(sample), &mut Vec::new());
            assert_eq!(found.map(|it| it.vendor), None, "{}: {} in {}", description.word, sample.file, sample.place);
        }
    }
}

#[test]
fn the_version_of_an_old_open_mpi_stands_in_the_library_that_it_needs() {
    let launchers = launchers();
    let sample = Sample {
        file: "orterun".to_owned(),
        needed: vec!["libopen-rte.so.40".to_owned(), "libc.so.6".to_owned()],
        wants: vec!["orte_submit_init".to_owned()],
        ..Sample::default()
    };
    let launcher = launchers.identify(&SampleFile::new(&sample), &mut Vec::new()).unwrap();
    assert_eq!(launcher.version_from.len(), 1);
    let (soname, pattern) = &launcher.version_from[0];
    assert_eq!(soname, b"libopen-rte.so.40");
    let library =
        Sample { file: "libopen-rte.so.40.30.2".to_owned(), text: vec!["v4.1.4".to_owned()], ..Sample::default() };
    let version = pyhpc_audit::identify::Launcher::version_in(pattern, &SampleFile::new(&library)).unwrap();
    assert_eq!(version.unwrap().0, "4.1.4");
}
