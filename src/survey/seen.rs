//! One file as a sample for the descriptions: what it is taken for now, and what it says of itself.

use std::sync::Arc;

use super::{Knowledge, macos};
use crate::base::{Gap, ReadAt, TreePath, Variables, printable};
use crate::elf::{self, ElfError, Linkage, Symbols};
use crate::identify::{
    Answer, Attribute, Confidence, Identity, Launchers, Libraries, Look, MachFile, Opening, RealFile, Sample,
    SampleFile, Telling,
};
use crate::macho::{self, MachError};
use crate::tree::{Kind, View};

/// A file as a sample.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The real path.
    pub path: TreePath,
    /// Its machine, empty for a script.
    pub machine: String,
    /// Which description recognises it.
    pub recognised: Recognised,
    /// The sample; `place` is left to whoever keeps it.
    pub sample: Sample,
    /// What could not be said.
    pub gaps: Vec<Gap>,
    /// Whether the sample alone is taken for the same as the file.
    pub faithful: bool,
}

/// Which description recognises a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// One of a library.
    Library {
        /// Its word.
        word: String,
        /// Whether it rests on what was measured, not on names and texts alone.
        certain: bool,
    },
    /// One of a launcher.
    Launcher {
        /// Its word.
        word: String,
        /// Whether its description was measured.
        certain: bool,
    },
    /// None.
    Nothing,
}

/// Why a file gives no sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSample {
    /// The file system refuses.
    #[error("could not read {path}: {reason}")]
    Unreadable {
        /// As asked.
        path: TreePath,
        /// Why.
        reason: String,
    },
    /// A directory, a device, a pipe.
    #[error("{0} is no regular file: name a shared object, a program or a script")]
    NoFile(TreePath),
    /// Text without `#!`.
    #[error("{0} is text and no script; where it is a linker script, name the shared object that it leads to")]
    Text(TreePath),
    /// Neither an object nor text.
    #[error("{0} is neither a shared object, a program nor a script; an archive (.a, .whl, .deb) is unpacked first")]
    Other(TreePath),
    /// An object that says nothing.
    #[error("could not read {path}: {error}; compare it with the file in its package, or name another file")]
    Broken {
        /// As asked.
        path: TreePath,
        /// What is wrong.
        error: ElfError,
    },
    /// The same of macOS.
    #[error("could not read {path}: {error}; compare it with the file in its package, or name another file")]
    BrokenMachO {
        /// As asked.
        path: TreePath,
        /// What is wrong.
        error: MachError,
    },
}

/// The file at `path` as a sample.
///
/// # Errors
/// Why it gives none.
pub fn seen(view: &View, know: &Knowledge, path: &TreePath) -> Result<Sampled, NoSample> {
    let unreadable = |error: std::io::Error| NoSample::Unreadable { path: path.clone(), reason: error.to_string() };
    let real = view.resolve(path.as_bytes()).map_err(unreadable)?;
    if view.metadata_real(&real).map_err(unreadable)?.kind != Kind::File {
        return Err(NoSample::NoFile(path.clone()));
    }
    let file: Arc<dyn ReadAt> = Arc::from(view.open_real(&real).map_err(unreadable)?);
    let broken = |error: ElfError| NoSample::Broken { path: path.clone(), error };
    match elf::Object::open(Arc::clone(&file)) {
        Ok(object) => {
            let symbols = object.symbols().map_err(broken)?;
            of_object(know, &real, &object.linkage, &symbols, &*file).map_err(broken)
        }
        Err(ElfError::NotElf { text }) => {
            let mut first = [0; 7];
            let count = file.read_at(0, &mut first).map_err(unreadable)?;
            match first.get(..count).unwrap_or_default() {
                [b'#', b'!', ..] => of_script(know, &real, &*file).map_err(broken),
                b"!<arch>" => Err(NoSample::Other(path.clone())),
                _ if text => Err(NoSample::Text(path.clone())),
                _ if macho::is_macho(&*file).unwrap_or(false) => of_macos(know, path, &real, &file),
                _ => Err(NoSample::Other(path.clone())),
            }
        }
        Err(error) => Err(broken(error)),
    }
}

fn of_object(
    know: &Knowledge,
    real: &TreePath,
    linkage: &Linkage,
    symbols: &Symbols,
    file: &dyn ReadAt,
) -> Result<Sampled, ElfError> {
    let look = RealFile::object(real, linkage, symbols, file);
    sampled(know, &look, file, linkage.machine_name())
}

/// A file for several machines gives the sample of one.
fn of_macos(know: &Knowledge, path: &TreePath, real: &TreePath, file: &Arc<dyn ReadAt>) -> Result<Sampled, NoSample> {
    let objects = macho::open(file).map_err(|error| NoSample::BrokenMachO { path: path.clone(), error })?;
    let object = macos::preferred(objects).ok_or_else(|| NoSample::Other(path.clone()))?;
    let look = MachFile::new(real, &object, &**file);
    let broken = |error: ElfError| NoSample::Broken { path: path.clone(), error };
    sampled(know, &look, &**file, &format!("macos {}", object.linkage.machine)).map_err(broken)
}

fn of_script(know: &Knowledge, real: &TreePath, file: &dyn ReadAt) -> Result<Sampled, ElfError> {
    sampled(know, &RealFile::script(real, file), file, "")
}

fn sampled(know: &Knowledge, look: &dyn Look, file: &dyn ReadAt, machine: &str) -> Result<Sampled, ElfError> {
    let mut gaps = Vec::new();
    let (recognised, expect, opens, offers) = answers(know, look, &mut gaps);
    let none = Launchers::default();
    let launchers = if look.is_program() { &know.launchers } else { &none };
    let mut telling = Telling::marks(&know.libraries, launchers, &know.capabilities);
    match &recognised {
        Recognised::Library { word, .. } => {
            telling = know.libraries.get(word).into_iter().fold(telling, Telling::with_library);
        }
        Recognised::Launcher { word, .. } => {
            telling = know.launchers.get(word).into_iter().fold(telling, Telling::with_launcher);
        }
        Recognised::Nothing => {}
    }
    let mut sample = telling.sample(look, file)?;
    sample.expect = expect.clone();
    sample.opens.clone_from(&opens);
    sample.offers.clone_from(&offers);
    let again = answers(know, &SampleFile::new(&sample), &mut Vec::new());
    let faithful = again == (recognised.clone(), expect, opens, offers);
    Ok(Sampled { path: look.path().clone(), machine: machine.to_owned(), recognised, sample, gaps, faithful })
}

type Answers = (Recognised, std::collections::BTreeMap<Attribute, String>, Vec<String>, Vec<String>);

/// What a file is taken for, what it answers, what it opens with nothing set, and the transports that are built into it.
fn answers(know: &Knowledge, look: &dyn Look, gaps: &mut Vec<Gap>) -> Answers {
    if let Some(identity) = know.libraries.identify(look, gaps) {
        let known = |(attribute, answer): (&Attribute, &Answer)| match answer {
            Answer::Known { value, .. } => Some((*attribute, value.clone())),
            Answer::Unknown { .. } => None,
        };
        let expect = identity.answers.iter().filter_map(known).collect();
        let opens = opened(&know.libraries, &identity, look);
        let certain = identity.confidence == Confidence::Certain;
        let offers = know.libraries.offers(&identity, look, gaps).into_iter().map(|it| it.transport).collect();
        return (Recognised::Library { word: identity.library, certain }, expect, opens, offers);
    }
    match know.launchers.identify(look, gaps) {
        Some(launcher) => {
            let version = launcher.version.map(|(version, _)| (Attribute::Version, version));
            let certain = know.launchers.get(&launcher.vendor).is_some_and(|it| it.measured);
            let expect = version.into_iter().collect();
            (Recognised::Launcher { word: launcher.vendor, certain }, expect, Vec::new(), Vec::new())
        }
        None => (Recognised::Nothing, [].into(), Vec::new(), Vec::new()),
    }
}

fn opened(libraries: &Libraries, identity: &Identity, look: &dyn Look) -> Vec<String> {
    // What depends on variables is no property of the file: an undecided opening is no gap of the sample.
    let openings = libraries.openings(identity, look, &Variables::default(), &mut Vec::new());
    let first = |it: &Opening| it.names.first().map(|name| printable(name));
    openings.iter().filter(|it| !it.by_cpu).filter_map(first).collect()
}
