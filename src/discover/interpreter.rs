//! What the bytes of an interpreter say: its version, its machine, the libpython it needs.
//!
//! The version string is compiled in (`PY_VERSION`, an operand of `Py_GetVersion`); the linker may merge it with the
//! tail of another string, such as the prefix of a pyenv build, so that only its end is sure.
//!
//! Invariant: of the bytes only the `#!` of a script is read here; all else is asked of [`crate::elf`], which has limits.

use std::io;

use regex::bytes::{Regex, RegexBuilder};

use super::answer::{Answer, Evidence, reason};
use super::feature::Feature;
use super::look::Look;
use crate::base::{ReadAt, TreePath, printable, read_range};
use crate::elf::{self, ElfError, Linkage, TextMatch};

/// Longest `#!` line that is shown.
const SCRIPT_BYTES: u64 = 128;

/// Distinct version strings looked at. Real interpreters have one or two; one with this many agrees on none.
const VERSION_TEXTS: usize = 64;

/// What the bytes of an interpreter, or of its libpython, say.
#[derive(Debug)]
pub(super) struct Image {
    /// `e_machine`.
    pub(super) machine: u16,
    /// The version, where the bytes agree on one.
    pub(super) version: Option<(String, Evidence)>,
    /// File name of the libpython that it needs.
    pub(super) libpython: Option<(String, Evidence)>,
}

/// Why a file is no interpreter.
#[derive(Debug)]
pub(super) enum NoImage {
    /// A script: its first line.
    Script(String),
    /// Neither ELF nor script.
    NotElf,
    /// It cannot be read.
    Unreadable(io::Error),
}

impl NoImage {
    /// Remembers that the file could not be read; that it is no ELF file is an answer.
    pub(super) fn note(&self, view: &Look<'_>, real: &TreePath) {
        match self {
            Self::Unreadable(error) => view.note(real, error, "the version of the interpreter"),
            Self::Script(_) | Self::NotElf => {}
        }
    }
}

/// Asks the interpreter or libpython `real` for what fits `feature`. A failed search for the version hides only that.
pub(super) fn image(view: &Look<'_>, real: &TreePath, feature: Feature) -> Result<Image, NoImage> {
    let file = view.open_real(real).map_err(NoImage::Unreadable)?;
    let linkage = linkage(&*file)?;
    let libpython = needed_libpython(&linkage, feature)?;
    let libpython = libpython.map(|name| (name.clone(), Evidence::at(real, format!("NEEDED {name}"))));
    let version = match elf::search_text_all(&*file, &version_pattern(feature)?, VERSION_TEXTS) {
        Ok(found) => agreed(&found).map(|(text, offset)| (text.clone(), Evidence::offset(real, offset, text))),
        Err(error) => {
            view.note(real, &io::Error::other(error), "the version of the interpreter");
            None
        }
    };
    Ok(Image { machine: linkage.machine, version, libpython })
}

/// Only checks that `real` is an ELF file.
pub(super) fn machine(view: &Look<'_>, real: &TreePath) -> Result<u16, NoImage> {
    let file = view.open_real(real).map_err(NoImage::Unreadable)?;
    Ok(linkage(&*file)?.machine)
}

/// `PY_VERSION` in the header that development files carry.
pub(super) fn patchlevel(view: &Look<'_>, prefix: &TreePath, feature: Feature) -> Answer<String> {
    let names = [feature.directory(), format!("{}m", feature.directory())];
    for name in names {
        let path = prefix.join(format!("include/{name}/patchlevel.h"));
        let text = match view.read_text(path.as_bytes()) {
            Ok(text) => text,
            Err(error) if super::answer::is_absent(&error) => continue,
            Err(error) => {
                view.note(&path, &error, "the version of the interpreter");
                return Answer::unknown(format!("{path}: {}", reason(&error)));
            }
        };
        for (number, line) in super::answer::numbered(&text) {
            let mut words = line.split_whitespace();
            if (words.next(), words.next()) == (Some("#define"), Some("PY_VERSION")) {
                let value = words.next().unwrap_or_default().trim_matches('"').to_owned();
                return Answer::known(value, Evidence::line(&path, number, line.trim()));
            }
        }
    }
    Answer::unknown("no version string in the interpreter and no patchlevel.h")
}

fn linkage(file: &dyn ReadAt) -> Result<Linkage, NoImage> {
    match elf::read_linkage(file) {
        Ok(linkage) => Ok(linkage),
        Err(ElfError::NotElf { .. } | ElfError::Empty) => Err(not_elf(file)),
        Err(error) => Err(NoImage::Unreadable(io::Error::other(error))),
    }
}

fn not_elf(file: &dyn ReadAt) -> NoImage {
    let bytes = match read_range(file, 0, file.size_bytes().min(SCRIPT_BYTES)) {
        Ok(bytes) => bytes,
        Err(error) => return NoImage::Unreadable(error),
    };
    match bytes.strip_prefix(b"#!") {
        Some(script) => NoImage::Script(printable(script.split(|b| *b == b'\n').next().unwrap_or_default())),
        None => NoImage::NotElf,
    }
}

/// The file name of the first libpython of `feature` among the needed objects.
fn needed_libpython(linkage: &Linkage, feature: Feature) -> Result<Option<String>, NoImage> {
    let name = format!("libpython{}\\.{}[a-z]{{0,3}}\\.so[.0-9]{{0,8}}", feature.major, feature.minor);
    let pattern = compile(&format!("(?:^|/)({name})$"))?;
    let name = linkage.needed.iter().find_map(|it| pattern.captures(it)?.get(1));
    Ok(name.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()))
}

/// The version at the end of a string, after what tells whether it is the whole string: nothing, or one byte of another.
fn version_pattern(feature: Feature) -> Result<Regex, NoImage> {
    let number = format!("{}\\.{}\\.[0-9]{{1,3}}(?:(?:a|b|rc)[0-9]{{1,2}})?\\+?", feature.major, feature.minor);
    compile(&format!("(^|[^0-9.\\x00])({number})$"))
}

/// A pattern for which strings, that end with NUL, are lines.
fn compile(pattern: &str) -> Result<Regex, NoImage> {
    let pattern = RegexBuilder::new(pattern).unicode(false).multi_line(true).line_terminator(b'\0').build();
    pattern.map_err(|error| NoImage::Unreadable(io::Error::other(error)))
}

/// The version that all agree on, with its offset. A string of its own is better evidence than the tail of another.
fn agreed(found: &[TextMatch]) -> Option<(String, u64)> {
    if VERSION_TEXTS <= found.len() {
        return None;
    }
    let (alone, merged): (Vec<_>, Vec<_>) = found.iter().filter_map(version_text).partition(|it| it.before == 0);
    let candidates = if alone.is_empty() { merged } else { alone };
    let (first, rest) = candidates.split_first()?;
    let agree = rest.iter().all(|it| it.text == first.text);
    agree.then(|| (String::from_utf8_lossy(first.text).into_owned(), first.offset))
}

struct VersionText<'a> {
    text: &'a [u8],
    offset: u64,
    /// Bytes of another string before it, as far as they were matched.
    before: usize,
}

fn version_text(found: &TextMatch) -> Option<VersionText<'_>> {
    let (Some(Some(before)), Some(Some(text))) = (found.groups.get(1), found.groups.get(2)) else { return None };
    Some(VersionText { text, offset: found.offset_bytes + before.len() as u64, before: before.len() })
}
