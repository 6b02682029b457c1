//! A file of macOS as the matcher sees it: the same questions, answered by a Mach-O object; and a library of which only the
//! name is known, because the system keeps it where no file is.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use regex::bytes::Regex;

use super::Look;
use crate::base::{ReadAt, TreePath, read_range};
use crate::elf::{ElfError, TextMatch, search_ranges};
use crate::macho::{Exports, MachError, Object};

/// Most bytes that are read where a symbol points to text.
const OBJECT_BYTES: u64 = 512;

/// A Mach-O object of the tree.
pub struct MachFile<'a> {
    path: &'a TreePath,
    object: &'a Object,
    file: &'a dyn ReadAt,
    name: Option<Vec<u8>>,
    needed: Vec<Vec<u8>>,
    /// Wanted symbols, `true` where a strong want is among them.
    wanted: OnceCell<Result<BTreeMap<Vec<u8>, bool>, MachError>>,
    defined: OnceCell<Result<Exports, MachError>>,
}

impl<'a> MachFile<'a> {
    /// `path` is its real path, links resolved.
    pub fn new(path: &'a TreePath, object: &'a Object, file: &'a dyn ReadAt) -> Self {
        Self {
            path,
            object,
            file,
            name: object.linkage.identity.as_deref().map(last_element),
            needed: object.linkage.libraries.iter().map(|it| last_element(&it.name)).collect(),
            wanted: OnceCell::new(),
            defined: OnceCell::new(),
        }
    }

    fn wanted(&self) -> Result<&BTreeMap<Vec<u8>, bool>, ElfError> {
        let read = || {
            let mut wanted = BTreeMap::new();
            for it in self.object.imports()? {
                *wanted.entry(it.name).or_default() |= !it.weak;
            }
            Ok(wanted)
        };
        self.wanted.get_or_init(read).as_ref().map_err(in_words_of_elf)
    }

    fn defined(&self) -> Result<&Exports, ElfError> {
        self.defined.get_or_init(|| self.object.exports()).as_ref().map_err(in_words_of_elf)
    }
}

impl Look for MachFile<'_> {
    fn path(&self) -> &TreePath {
        self.path
    }

    fn is_script(&self) -> bool {
        false
    }

    fn is_program(&self) -> bool {
        false
    }

    fn soname(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    fn needed(&self) -> &[Vec<u8>] {
        &self.needed
    }

    fn defines(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.defined()?.contains_key(symbol))
    }

    fn wants(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.wanted()?.get(symbol) == Some(&true))
    }

    fn mentions(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.wanted()?.contains_key(symbol))
    }

    fn bytes_of(&self, symbol: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError> {
        let Some(Some(offset)) = self.defined()?.get(symbol).copied() else { return Ok(None) };
        // The format does not say how long it is.
        let length = self.file.size_bytes().saturating_sub(offset).min(OBJECT_BYTES);
        read_range(self.file, offset, length).map(|it| Some((offset, it))).map_err(|it| ElfError::Io(it.to_string()))
    }

    fn text(&self, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
        search_ranges(self.file, self.object.data_ranges(), patterns)
    }
}

/// A library of which only the name is known.
pub struct NamedFile(pub TreePath);

impl Look for NamedFile {
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
        Some(self.0.file_name())
    }

    fn needed(&self) -> &[Vec<u8>] {
        &[]
    }

    fn defines(&self, _: &[u8]) -> Result<bool, ElfError> {
        Ok(false)
    }

    fn wants(&self, _: &[u8]) -> Result<bool, ElfError> {
        Ok(false)
    }

    fn mentions(&self, _: &[u8]) -> Result<bool, ElfError> {
        Ok(false)
    }

    fn bytes_of(&self, _: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError> {
        Ok(None)
    }

    fn text(&self, _: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
        Ok(Vec::new())
    }
}

fn last_element(path: &[u8]) -> Vec<u8> {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec()
}

/// The matcher knows one kind of error.
fn in_words_of_elf(error: &MachError) -> ElfError {
    match error {
        MachError::NotMachO => ElfError::NotElf { text: false },
        MachError::Truncated(text) => ElfError::Truncated(text.clone()),
        MachError::Malformed(text) => ElfError::Malformed(text.clone()),
        MachError::Limit(text) => ElfError::Limit(text.clone()),
        MachError::Io(text) => ElfError::Io(text.clone()),
    }
}
