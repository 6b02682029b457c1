//! Every sample there is, and what each is taken for: the confusion matrix.

use std::collections::BTreeMap;

use pyhpc_audit::base::builtin_files;
use pyhpc_audit::identify::{Capabilities, Launchers, Libraries, Sample, SampleFile};
use serde::Deserialize;

/// A sample and the word that must come out; `library /` and `launcher /` tell the two kinds of words apart.
pub(crate) struct Case {
    /// Whose sample it is, `none` for a trap.
    pub(crate) word: String,
    /// The sample.
    pub(crate) sample: Sample,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    library: String,
    sample: Sample,
}

/// The traps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traps {
    /// One each.
    pub(crate) trap: Vec<Trap>,
}

/// What looks like a sign and is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trap {
    /// Its number in the facts.
    pub(crate) number: usize,
    /// What it is, in one line.
    pub(crate) says: String,
    /// Who holds it where it is no matter of one file.
    pub(crate) elsewhere: Option<String>,
    /// The files that show it.
    #[serde(default)]
    pub(crate) file: Vec<TrapFile>,
}

/// A file that shows a trap.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrapFile {
    /// Word of the library that it is; empty for none.
    pub(crate) library: String,
    /// The MPI interface that it was compiled for, for a client.
    pub(crate) abi: Option<String>,
    /// The sample.
    pub(crate) sample: Sample,
}

/// The descriptions that travel in the binary.
pub(crate) fn descriptions() -> (Capabilities, Libraries, Launchers) {
    let capabilities = Capabilities::load(&builtin_files("capabilities")).unwrap();
    let libraries = Libraries::load(&builtin_files("libraries"), &capabilities).unwrap();
    let launchers = Launchers::load(&builtin_files("launchers")).unwrap();
    (capabilities, libraries, launchers)
}

/// The traps of `tests/libraries/traps.toml`.
pub(crate) fn traps() -> Traps {
    toml::from_str(include_str!("traps.toml")).unwrap()
}

/// Every sample of every description, of the measured tables and of the traps.
pub(crate) fn cases(libraries: &Libraries, launchers: &Launchers) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |word: String, samples: &[Sample]| {
        cases.extend(samples.iter().map(|it| Case { word: word.clone(), sample: it.clone() }));
    };
    for it in libraries.iter() {
        add(format!("library {}", it.word), &it.seen);
        add("none".to_owned(), &it.not);
    }
    for it in launchers.iter() {
        add(format!("launcher {}", it.word), &it.seen);
        add("none".to_owned(), &it.not);
    }
    let rows: Rows = toml::from_str(include_str!("rows.toml")).unwrap();
    for it in rows.row {
        add(format!("library {}", it.library), &[it.sample]);
    }
    for it in traps().trap.into_iter().flat_map(|it| it.file) {
        let word = if it.library.is_empty() { "none".to_owned() } else { format!("library {}", it.library) };
        add(word, &[it.sample]);
    }
    cases
}

/// What a sample is taken for: by the libraries, by the launchers, or by none.
pub(crate) fn taken_for(libraries: &Libraries, launchers: &Launchers, sample: &Sample) -> String {
    let file = SampleFile::new(sample);
    let mut gaps = Vec::new();
    let library = libraries.identify(&file, &mut gaps).map(|it| format!("library {}", it.library));
    let launcher = launchers.identify(&file, &mut gaps).map(|it| format!("launcher {}", it.vendor));
    match (library, launcher, gaps.first()) {
        (Some(library), Some(launcher), _) => format!("{library} and {launcher}"),
        (Some(word), None, None) | (None, Some(word), None) => word,
        (None, None, None) => "none".to_owned(),
        (_, _, Some(gap)) => gap.reason.clone(),
    }
}

/// For each word how many samples it has, and what they are taken for.
pub(crate) fn matrix(libraries: &Libraries, launchers: &Launchers) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut matrix: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for case in cases(libraries, launchers) {
        let found = taken_for(libraries, launchers, &case.sample);
        *matrix.entry(case.word).or_default().entry(found).or_default() += 1;
    }
    matrix
}
