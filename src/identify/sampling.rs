//! Writes down a real file as a sample: what a description asks of it, and no more.
//!
//! Of every description the marks are asked (what says which library a file is), of the one that recognises the file its
//! attributes too. So a sample can stand against all descriptions, and stays short.

use std::collections::BTreeSet;

use regex::bytes::Regex;

use super::clause::{Clause, Spellings};
use super::library::{Libraries, Library, Sample};
use super::{Capabilities, Description, Launchers, Look, SampleFile};
use crate::base::{ReadAt, printable, read_range};
use crate::elf::{ElfError, TextMatch};

/// Bytes before and behind a match that a sample shows, so that people see what stands there.
const CONTEXT_BYTES: u64 = 48;

/// What descriptions ask of a file.
#[derive(Default)]
pub struct Telling {
    defines: BTreeSet<Vec<u8>>,
    wants: BTreeSet<Vec<u8>>,
    objects: BTreeSet<Vec<u8>>,
    patterns: Vec<Regex>,
}

impl Telling {
    /// The marks of all descriptions, and what clients of a capability are known by.
    pub fn marks(libraries: &Libraries, launchers: &Launchers, capabilities: &Capabilities) -> Self {
        let mut telling = Self::default();
        libraries.iter().for_each(|it| telling.add(&it.is, &it.patterns));
        launchers.iter().for_each(|it| telling.add(&it.is, &it.patterns));
        capabilities.iter().flat_map(|it| it.client_clauses()).for_each(|it| telling.add([it], &[]));
        telling
    }

    /// With everything that one library is asked.
    #[must_use]
    pub fn with_library(mut self, library: &Library) -> Self {
        self.add(library.clauses.values().flatten(), &library.patterns);
        self.add(library.opens.iter().map(|it| &it.when), &library.patterns);
        self.add(&library.offers, &library.patterns);
        self.add(library.modules.iter().map(|it| &it.when), &library.patterns);
        self
    }

    /// With everything that one launcher is asked.
    #[must_use]
    pub fn with_launcher(mut self, launcher: &Description) -> Self {
        self.add(launcher.attribute_clauses(), &launcher.patterns);
        self
    }

    fn add<'c>(&mut self, clauses: impl IntoIterator<Item = &'c Clause>, patterns: &[Regex]) {
        for clause in clauses {
            let defines = [&clause.defines, &clause.defines_all, &clause.lacks];
            let wants = [&clause.wants, &clause.wants_any, &clause.lacks_wants, &clause.mentions];
            self.defines.extend(defines.into_iter().flatten().flatten().cloned());
            self.wants.extend(wants.into_iter().flatten().flatten().cloned());
            let object: Option<&Spellings> = clause.symbol.as_ref().map(|it| &it.0);
            self.objects.extend(object.into_iter().flatten().cloned());
            for pattern in [clause.text, clause.lacks_text].into_iter().flatten().filter_map(|it| patterns.get(it)) {
                if !self.patterns.iter().any(|it| it.as_str() == pattern.as_str()) {
                    self.patterns.push(pattern.clone());
                }
            }
        }
    }

    /// The sample of a file with these bytes, with nothing in `expect` and `opens`.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    pub fn sample(&self, file: &dyn Look, bytes: &dyn ReadAt) -> Result<Sample, ElfError> {
        let mut sample = Sample {
            file: printable(file.path().file_name()),
            soname: file.soname().map(printable),
            needed: file.needed().iter().map(|it| printable(it)).collect(),
            script: file.is_script(),
            ..Sample::default()
        };
        for symbol in &self.objects {
            if let Some((_, bytes)) = file.bytes_of(symbol)? {
                let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                sample.objects.insert(printable(symbol), String::from_utf8_lossy(text).into_owned());
            }
        }
        for symbol in &self.defines {
            if file.defines(symbol)? && !sample.objects.contains_key(&printable(symbol)) {
                sample.defines.push(printable(symbol));
            }
        }
        for symbol in &self.wants {
            if file.wants(symbol)? {
                sample.wants.push(printable(symbol));
            } else if file.mentions(symbol)? {
                sample.mentions.push(printable(symbol));
            }
        }
        self.add_text(file, bytes, &mut sample)?;
        Ok(sample)
    }

    /// The text around the first match of each pattern, in file order, where no earlier text has that match already.
    fn add_text(&self, file: &dyn Look, bytes: &dyn ReadAt, sample: &mut Sample) -> Result<(), ElfError> {
        let mut found = file.text(&self.patterns)?;
        found.sort_by_key(|it| it.offset_bytes);
        for it in found {
            let Some(pattern) = self.patterns.get(it.pattern) else { continue };
            let has = |sample: &Sample| {
                let again = SampleFile::new(sample).text(std::slice::from_ref(pattern))?;
                Ok(again.first().is_some_and(|again| again.groups == it.groups))
            };
            if has(sample)? {
                continue;
            }
            let kept = sample.text.len();
            for piece in [around(bytes, &it)?, whole(&it)] {
                sample.text.truncate(kept);
                sample.text.push(String::from_utf8_lossy(&piece).into_owned());
                if has(sample)? {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The string that a match stands in, up to `CONTEXT_BYTES` on each side: to the end of the string in an object, of the line
/// in a script.
fn around(file: &dyn ReadAt, found: &TextMatch) -> Result<Vec<u8>, ElfError> {
    let whole = found.groups.first().and_then(Option::as_deref).unwrap_or_default();
    let skipped = whole.iter().take_while(|byte| **byte == 0).count();
    let kept = whole.iter().rposition(|byte| *byte != 0).map_or(skipped, |at| at + 1);
    let (start, end) = (found.offset_bytes + skipped as u64, found.offset_bytes + kept as u64);
    let first = start.saturating_sub(CONTEXT_BYTES);
    let last = end.saturating_add(CONTEXT_BYTES).min(file.size_bytes());
    let bytes = read_range(file, first, last.saturating_sub(first)).map_err(|it| ElfError::Io(it.to_string()))?;
    let (before, rest) = bytes.split_at_checked((start - first) as usize).unwrap_or_default();
    let (matched, behind) = rest.split_at_checked((end - start) as usize).unwrap_or_default();
    let text = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ' || **byte == b'\t';
    let before: Vec<u8> = before.iter().rev().take_while(text).copied().collect();
    let behind = behind.iter().take_while(text).copied();
    Ok(before.into_iter().rev().chain(matched.iter().copied()).chain(behind).collect())
}

/// The match without the ends of strings around it: a sample puts these around every text.
fn whole(found: &TextMatch) -> Vec<u8> {
    let mut bytes = found.groups.first().and_then(Option::as_deref).unwrap_or_default();
    while let Some(rest) = bytes.strip_prefix(b"\0") {
        bytes = rest;
    }
    while let Some(rest) = bytes.strip_suffix(b"\0") {
        bytes = rest;
    }
    bytes.to_vec()
}
