//! What the matcher may ask of a file: the same questions for a real file and for a sample written down as data.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use regex::bytes::Regex;

use super::library::Sample;
use crate::base::{ReadAt, TreePath, read_range};
use crate::elf::{ElfError, Linkage, Symbols, TextMatch, search_text};

/// Most bytes that are read of a script. Launcher scripts measured have 2 to 30 KiB.
const SCRIPT_BYTES: u64 = 256 * 1024;
/// `e_type` of a program with a fixed address, which may be static.
const ET_EXEC: u16 = 2;
/// Most bytes that are read where a symbol points to text.
const OBJECT_BYTES: u64 = 512;

/// A file as the matcher sees it. Cheap questions first; `text` is asked at most once per file and library.
pub trait Look {
    /// The real file.
    fn path(&self) -> &TreePath;
    /// Whether it is a script, not an object.
    fn is_script(&self) -> bool;
    /// Whether it can be started: a script, or an object that names its loader.
    fn is_program(&self) -> bool;
    /// DT_SONAME.
    fn soname(&self) -> Option<&[u8]>;
    /// DT_NEEDED.
    fn needed(&self) -> &[Vec<u8>];
    /// Whether it defines `symbol`.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn defines(&self, symbol: &[u8]) -> Result<bool, ElfError>;
    /// Whether it wants `symbol` from others, and not only weakly.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn wants(&self, symbol: &[u8]) -> Result<bool, ElfError>;
    /// Whether it wants `symbol` from others, be it weakly.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn mentions(&self, symbol: &[u8]) -> Result<bool, ElfError>;
    /// The first bytes of the object that `symbol` names, and where they stand.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn bytes_of(&self, symbol: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError>;
    /// First match of each pattern.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn text(&self, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError>;
}

/// A file of the tree.
pub struct RealFile<'a> {
    path: &'a TreePath,
    object: Option<(&'a Linkage, &'a Symbols)>,
    file: &'a dyn ReadAt,
    /// Wanted symbols, `true` where a strong want is among them.
    wanted: OnceCell<Result<BTreeMap<Vec<u8>, bool>, ElfError>>,
}

impl<'a> RealFile<'a> {
    /// An ELF object. `path` is its real path, links resolved.
    pub fn object(path: &'a TreePath, linkage: &'a Linkage, symbols: &'a Symbols, file: &'a dyn ReadAt) -> Self {
        Self { path, object: Some((linkage, symbols)), file, wanted: OnceCell::new() }
    }

    /// A script, for launchers.
    pub fn script(path: &'a TreePath, file: &'a dyn ReadAt) -> Self {
        Self { path, object: None, file, wanted: OnceCell::new() }
    }

    fn wanted(&self) -> Result<Option<&BTreeMap<Vec<u8>, bool>>, ElfError> {
        let Some((_, symbols)) = self.object else { return Ok(None) };
        let read = || {
            let mut wanted = BTreeMap::new();
            for it in symbols.wanted()? {
                *wanted.entry(it.name).or_default() |= !it.weak;
            }
            Ok(wanted)
        };
        self.wanted.get_or_init(read).as_ref().map(Some).map_err(Clone::clone)
    }
}

impl Look for RealFile<'_> {
    fn path(&self) -> &TreePath {
        self.path
    }

    fn is_script(&self) -> bool {
        self.object.is_none()
    }

    fn is_program(&self) -> bool {
        self.object.is_none_or(|(linkage, _)| linkage.interpreter.is_some() || linkage.file_type == ET_EXEC)
    }

    fn soname(&self) -> Option<&[u8]> {
        self.object.and_then(|(linkage, _)| linkage.soname.as_deref())
    }

    fn needed(&self) -> &[Vec<u8>] {
        self.object.map_or(&[], |(linkage, _)| &linkage.needed)
    }

    fn defines(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        self.object.map_or(Ok(false), |(_, symbols)| Ok(symbols.definition(symbol)?.is_some()))
    }

    fn wants(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.wanted()?.is_some_and(|it| it.get(symbol) == Some(&true)))
    }

    fn mentions(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.wanted()?.is_some_and(|it| it.contains_key(symbol)))
    }

    fn bytes_of(&self, symbol: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError> {
        let Some((_, symbols)) = self.object else { return Ok(None) };
        let Some(definition) = symbols.definition(symbol)? else { return Ok(None) };
        let Some(offset) = definition.offset_bytes else { return Ok(None) };
        let rest = self.file.size_bytes().saturating_sub(offset);
        let length = definition.size_bytes.min(rest).min(OBJECT_BYTES);
        read_range(self.file, offset, length).map(|it| Some((offset, it))).map_err(|it| ElfError::Io(it.to_string()))
    }

    fn text(&self, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
        if self.object.is_some() {
            return search_text(self.file, patterns);
        }
        let length = self.file.size_bytes().min(SCRIPT_BYTES);
        let bytes = read_range(self.file, 0, length).map_err(|it| ElfError::Io(it.to_string()))?;
        Ok(first_matches(&bytes, patterns))
    }
}

/// A sample of a description: the telling facts of a real binary, written down.
pub struct SampleFile<'a> {
    path: TreePath,
    sample: &'a Sample,
    needed: Vec<Vec<u8>>,
}

impl<'a> SampleFile<'a> {
    /// The sample as a file.
    pub fn new(sample: &'a Sample) -> Self {
        let needed = sample.needed.iter().map(|it| it.as_bytes().to_vec()).collect();
        Self { path: TreePath::new(&sample.file), sample, needed }
    }
}

impl Look for SampleFile<'_> {
    fn path(&self) -> &TreePath {
        &self.path
    }

    fn is_script(&self) -> bool {
        self.sample.script
    }

    /// A sample does not say it: libraries and extensions carry a soname or `.so` in their name.
    fn is_program(&self) -> bool {
        self.sample.script || (self.sample.soname.is_none() && !self.sample.file.contains(".so"))
    }

    fn soname(&self) -> Option<&[u8]> {
        self.sample.soname.as_deref().map(str::as_bytes)
    }

    fn needed(&self) -> &[Vec<u8>] {
        &self.needed
    }

    fn defines(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        let listed = self.sample.defines.iter().any(|it| it.as_bytes() == symbol);
        Ok(listed || self.sample.objects.keys().any(|it| it.as_bytes() == symbol))
    }

    fn wants(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.sample.wants.iter().any(|it| it.as_bytes() == symbol))
    }

    fn mentions(&self, symbol: &[u8]) -> Result<bool, ElfError> {
        Ok(self.wants(symbol)? || self.sample.mentions.iter().any(|it| it.as_bytes() == symbol))
    }

    fn bytes_of(&self, symbol: &[u8]) -> Result<Option<(u64, Vec<u8>)>, ElfError> {
        let found = self.sample.objects.iter().find(|(name, _)| name.as_bytes() == symbol);
        Ok(found.map(|(_, text)| (0, [text.as_bytes(), b"\0"].concat())))
    }

    fn text(&self, patterns: &[Regex]) -> Result<Vec<TextMatch>, ElfError> {
        let mut bytes = vec![0];
        for snippet in &self.sample.text {
            bytes.extend_from_slice(snippet.as_bytes());
            bytes.push(0);
        }
        Ok(first_matches(&bytes, patterns))
    }
}

fn first_matches(bytes: &[u8], patterns: &[Regex]) -> Vec<TextMatch> {
    let first = |(pattern, regex): (usize, &Regex)| {
        let found = regex.captures(bytes)?;
        let groups = found.iter().map(|group| group.map(|it| it.as_bytes().to_vec())).collect();
        Some(TextMatch { pattern, offset_bytes: found.get(0)?.start() as u64, groups })
    };
    patterns.iter().enumerate().filter_map(first).collect()
}
