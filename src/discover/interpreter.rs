//! What the bytes of an interpreter say: its version, its machine, the libpython it needs.
//!
//! The version string is compiled in (`PY_VERSION`, an operand of `Py_GetVersion`); the linker may merge it with the
//! tail of another string, such as the prefix of a pyenv build, so that only its end is sure.
//!
//! Invariant: reads ranges of bounded size; a hostile file costs at most [`SCAN_BYTES`].

use std::io;

use regex::bytes::Regex;

use super::answer::{Answer, Evidence, reason};
use super::feature::Feature;
use super::look::Look;
use crate::base::{ReadAt, TreePath, read_range};

/// Most bytes searched in one file.
const SCAN_BYTES: u64 = 64 << 20;

/// Bytes searched at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// Longest string looked for, with what surrounds it.
const OVERLAP_BYTES: u64 = 64;

/// Program headers read at most: real files have about a dozen.
const PROGRAM_HEADERS: u64 = 64;

/// What the bytes of an interpreter, or of its libpython, say.
#[derive(Debug)]
pub(super) struct Image {
    /// `e_machine`.
    pub(super) machine: u16,
    /// The version, where the bytes agree on one.
    pub(super) version: Option<(String, Evidence)>,
    /// File name of the libpython that it needs, with the place of the name.
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

/// Searches the interpreter or libpython `real` for the version of `feature`.
pub(super) fn image(view: &Look<'_>, real: &TreePath, feature: Feature) -> Result<Image, NoImage> {
    let file = view.open_real(real).map_err(NoImage::Unreadable)?;
    let header = header(&*file)?;
    let segments = read_only_segments(&*file, &header).map_err(NoImage::Unreadable)?;
    let mut seen = Seen::default();
    let pattern = pattern(feature)?;
    let mut budget = SCAN_BYTES;
    for (offset, length) in segments {
        let length = length.min(budget);
        budget -= length;
        search(&*file, offset, length, &pattern, &mut seen).map_err(NoImage::Unreadable)?;
    }
    Ok(seen.image(header.machine, real))
}

/// Only checks that `real` is an ELF file.
pub(super) fn machine(view: &Look<'_>, real: &TreePath) -> Result<u16, NoImage> {
    let file = view.open_real(real).map_err(NoImage::Unreadable)?;
    Ok(header(&*file)?.machine)
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

struct Header {
    machine: u16,
    wide: bool,
    little: bool,
    bytes: Vec<u8>,
}

impl Header {
    /// An unsigned number of `width` bytes at `at` of `bytes`; 0 outside.
    fn number(&self, bytes: &[u8], at: usize, width: usize) -> u64 {
        let field = bytes.get(at..at.saturating_add(width)).unwrap_or_default();
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        if self.little { field.iter().rev().fold(0, add) } else { field.iter().fold(0, add) }
    }
}

fn header(file: &dyn ReadAt) -> Result<Header, NoImage> {
    let bytes = read_range(file, 0, file.size_bytes().min(128)).map_err(NoImage::Unreadable)?;
    if let Some(script) = bytes.strip_prefix(b"#!") {
        let line = script.split(|b| *b == b'\n').next().unwrap_or_default();
        return Err(NoImage::Script(crate::base::printable(line)));
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Err(NoImage::NotElf);
    }
    let (wide, little) = (bytes.get(4) == Some(&2), bytes.get(5) != Some(&2));
    let mut header = Header { machine: 0, wide, little, bytes };
    let machine = header.number(&header.bytes, 18, 2);
    header.machine = u16::try_from(machine).unwrap_or(0);
    Ok(header)
}

/// Loaded segments that are neither writable nor, where there are others, executable: strings lie there.
fn read_only_segments(file: &dyn ReadAt, header: &Header) -> io::Result<Vec<(u64, u64)>> {
    let at = |narrow: usize, wide: usize| if header.wide { wide } else { narrow };
    let width = at(4, 8);
    let start = header.number(&header.bytes, at(28, 32), width);
    let size = header.number(&header.bytes, at(42, 54), 2);
    let count = header.number(&header.bytes, at(44, 56), 2).min(PROGRAM_HEADERS);
    let table = read_range(file, start, size * count)?;
    let mut plain = Vec::new();
    let mut executable = Vec::new();
    for entry in table.chunks(usize::try_from(size).unwrap_or(1).max(1)) {
        let flags = header.number(entry, at(24, 4), 4);
        if header.number(entry, 0, 4) != 1 || flags & 2 != 0 {
            continue;
        }
        let place = (header.number(entry, at(4, 8), width), header.number(entry, at(16, 32), width));
        if flags & 1 == 0 { plain.push(place) } else { executable.push(place) }
    }
    Ok(if plain.is_empty() { executable } else { plain })
}

fn pattern(feature: Feature) -> Result<Regex, NoImage> {
    let version = format!("{}\\.{}", feature.major, feature.minor);
    let number = format!("{version}\\.[0-9]{{1,3}}(?:(?:a|b|rc)[0-9]{{1,2}})?\\+?");
    let libpython = format!("libpython{version}[a-z]{{0,3}}\\.so[.0-9]{{0,8}}");
    let pattern = Regex::new(&format!("(?-u)(?:{libpython}|{number})\\x00"));
    pattern.map_err(|error| NoImage::Unreadable(io::Error::other(error)))
}

#[derive(Default)]
struct Seen {
    alone: Vec<(String, u64)>,
    merged: Vec<(String, u64)>,
    libpython: Option<(String, u64)>,
}

impl Seen {
    fn add(&mut self, text: &[u8], before: Option<u8>, offset: u64) {
        let text = String::from_utf8_lossy(text.strip_suffix(b"\0").unwrap_or(text)).into_owned();
        if text.starts_with("lib") {
            self.libpython.get_or_insert((text, offset));
        } else if before == Some(0) {
            self.alone.push((text, offset));
        } else if !before.is_some_and(|b| b.is_ascii_digit() || b == b'.') {
            self.merged.push((text, offset));
        }
    }

    /// A string of its own is better evidence than the tail of another; either way all must agree.
    fn image(self, machine: u16, real: &TreePath) -> Image {
        let candidates = if self.alone.is_empty() { self.merged } else { self.alone };
        let version = match candidates.split_first() {
            Some((first, rest)) if rest.iter().all(|it| it.0 == first.0) => {
                Some((first.0.clone(), Evidence::offset(real, first.1, first.0.clone())))
            }
            Some(_) | None => None,
        };
        let libpython = self.libpython.map(|(name, offset)| (name.clone(), Evidence::offset(real, offset, name)));
        Image { machine, version, libpython }
    }
}

fn search(file: &dyn ReadAt, offset: u64, length: u64, pattern: &Regex, seen: &mut Seen) -> io::Result<()> {
    let end = offset.saturating_add(length).min(file.size_bytes());
    let mut at = offset;
    while at < end {
        let bytes = read_range(file, at, (end - at).min(CHUNK_BYTES + OVERLAP_BYTES))?;
        for found in pattern.find_iter(&bytes) {
            let start = found.start();
            // What begins in the overlap is found again, whole, in the next chunk.
            if start as u64 >= CHUNK_BYTES {
                continue;
            }
            let before = start.checked_sub(1).and_then(|it| bytes.get(it)).copied();
            let before = if start == 0 && at == offset { Some(0) } else { before };
            seen.add(found.as_bytes(), before, at + start as u64);
        }
        at += CHUNK_BYTES;
    }
    Ok(())
}
