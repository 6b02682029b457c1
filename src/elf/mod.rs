//! What one shared object says about itself, at three prices that are asked for separately.
//!
//! [`read_linkage`] is a few small reads. [`Symbols`] reads the dynamic symbol table, by hash where one name is asked.
//! [`search_text`] streams the file. The only module that knows goblin, and the one place for limits on hostile bytes.
//!
//! Invariant: never a whole file, never a memory map; every length is checked against the file before allocation.

use std::sync::Arc;

use crate::base::ReadAt;

/// Linkage: the header and the dynamic section. Names are bytes as they stand in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linkage {
    /// `e_machine`: 62 is x86-64, 183 is AArch64.
    pub machine: u16,
    /// 32 or 64.
    pub bits: u8,
    /// Byte order.
    pub little_endian: bool,
    /// `EI_OSABI`.
    pub os_abi: u8,
    /// `e_type`: 2 ET_EXEC, 3 ET_DYN.
    pub file_type: u16,
    /// PT_INTERP.
    pub interpreter: Option<Vec<u8>>,
    /// DT_SONAME.
    pub soname: Option<Vec<u8>>,
    /// DT_NEEDED in order.
    pub needed: Vec<Vec<u8>>,
    /// DT_RPATH as written, not split.
    pub rpath: Option<Vec<u8>>,
    /// DT_RUNPATH as written, not split.
    pub runpath: Option<Vec<u8>>,
    /// DT_AUXILIARY in order.
    pub auxiliary: Vec<Vec<u8>>,
    /// DT_FILTER in order.
    pub filter: Vec<Vec<u8>>,
    /// DT_AUDIT and DT_DEPAUDIT.
    pub audit: Vec<Vec<u8>>,
    /// DF_1_NODEFLIB.
    pub no_default_library_path: bool,
    /// What PT_GNU_STACK says: `Some(true)` executable, `Some(false)` not, `None` when there is no such header.
    pub executable_stack: Option<bool>,
    /// Whether it has a dynamic section at all.
    pub dynamic: bool,
}

/// Why a file is not a readable ELF file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// No bytes at all.
    #[error("empty file")]
    Empty,
    /// Other magic; `true` when it looks like a GNU ld script or other text.
    #[error("not an ELF file")]
    NotElf {
        /// Printable text, such as a linker script.
        text: bool,
    },
    /// A header or segment reaches beyond the end of the file.
    #[error("truncated: {0}")]
    Truncated(String),
    /// The bytes contradict the format.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A limit of `elf::limits` was hit.
    #[error("larger than the limit: {0}")]
    Limit(String),
    /// The file system refused.
    #[error("{0}")]
    Io(String),
}

/// Reads header, program headers, dynamic section and its strings.
///
/// # Errors
/// What is wrong with the bytes. `Truncated` also when a PT_LOAD segment reaches beyond the end of the file.
pub fn read_linkage(_file: &dyn ReadAt) -> Result<Linkage, ElfError> {
    Err(ElfError::Empty)
}

/// A symbol that an object defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: Vec<u8>,
    /// STB_WEAK.
    pub weak: bool,
    /// STT_OBJECT (data), else a function or untyped.
    pub data: bool,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Offset in the file of what it names; `None` where it lies in .bss.
    pub offset_bytes: Option<u64>,
}

/// A symbol that an object wants from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: Vec<u8>,
    /// STB_WEAK: may stay undefined.
    pub weak: bool,
}

/// The dynamic symbol table of one object.
pub struct Symbols {
    _file: Arc<dyn ReadAt>,
}

impl Symbols {
    /// Prepares the table: reads the hash headers, not the symbols.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Self, ElfError> {
        Ok(Self { _file: file })
    }

    /// The definition of `name` with default visibility, by DT_GNU_HASH, else DT_HASH, else a scan.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn definition(&self, _name: &[u8]) -> Result<Option<Definition>, ElfError> {
        Ok(None)
    }

    /// Every symbol that the object wants, in table order.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn wanted(&self) -> Result<Vec<Wanted>, ElfError> {
        Ok(Vec::new())
    }

    /// DT_VERNEED: per file the versions that are needed; `true` marks a weak need.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn needed_versions(&self) -> Result<Vec<(Vec<u8>, Vec<(Vec<u8>, bool)>)>, ElfError> {
        Ok(Vec::new())
    }

    /// DT_VERDEF: versions that the object defines; empty when it defines none.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn defined_versions(&self) -> Result<Vec<Vec<u8>>, ElfError> {
        Ok(Vec::new())
    }
}

/// A match of a pattern in the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMatch {
    /// Index of the pattern.
    pub pattern: usize,
    /// Offset of the match in the file, in bytes.
    pub offset_bytes: u64,
    /// Capture groups, 0 is the whole match.
    pub groups: Vec<Option<Vec<u8>>>,
}

/// First match of each pattern in the non-executable bytes of the file, streamed in chunks that overlap.
///
/// # Errors
/// As [`read_linkage`].
pub fn search_text(_file: &dyn ReadAt, _patterns: &[regex::bytes::Regex]) -> Result<Vec<TextMatch>, ElfError> {
    Ok(Vec::new())
}

/// The GNU build id.
///
/// # Errors
/// As [`read_linkage`].
pub fn build_id(_file: &dyn ReadAt) -> Result<Option<Vec<u8>>, ElfError> {
    Ok(None)
}
