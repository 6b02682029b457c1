//! What one shared object says about itself, at three prices that are asked for separately.
//!
//! [`read_linkage`] is a few small reads. [`Symbols`] reads the dynamic symbol table, by hash where one name is asked.
//! [`search_text`] streams the file. [`Object`] asks all three of one file without reading twice. The only module that knows goblin, and the one place for limits on hostile bytes.
//!
//! Invariant: never a whole file, never a memory map; every length is checked against the file before allocation.

mod dynamic;
mod hash;
mod image;
mod limits;
mod machine;
mod notes;
mod outline;
mod range;
mod references;
mod symbols;
mod text;
mod versions;

use std::sync::Arc;

use crate::base::ReadAt;
use dynamic::Parts;

pub use outline::outline;
pub use references::{Reference, Use, Versioning, WantedVersion};
pub use symbols::{Definition, Symbols, Wanted};
pub use text::TextMatch;

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
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED`: the ISA levels that an x86 object needs; 1 baseline, 2 v2, 4 v3, 8 v4.
    pub isa_needed: u32,
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

/// DT_VERNEED: per file the versions needed of it; `true` marks a weak need.
pub type NeededVersions = Vec<(Vec<u8>, Vec<(Vec<u8>, bool)>)>;

/// One object, opened once: its linkage is known, and what was read for it serves the other questions.
///
/// Holds the file open and about 1 KiB, no tables.
#[derive(Clone)]
pub struct Object {
    /// Its linkage.
    pub linkage: Linkage,
    file: Arc<dyn ReadAt>,
    parts: Arc<Parts>,
}

impl Object {
    /// Reads what [`read_linkage`] reads.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn open(file: Arc<dyn ReadAt>) -> Result<Self, ElfError> {
        let mut parts = Parts::open(file.as_ref())?;
        let linkage = parts.linkage(file.as_ref())?;
        parts.release();
        Ok(Self { linkage, file, parts: Arc::new(parts) })
    }

    /// The dynamic symbol table, without reading the header and the dynamic section again.
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn symbols(&self) -> Result<Symbols, ElfError> {
        Symbols::from_parts(Arc::clone(&self.file), Arc::clone(&self.parts))
    }

    /// As [`search_text`].
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn search_text(&self, patterns: &[regex::bytes::Regex]) -> Result<Vec<TextMatch>, ElfError> {
        text::first(self.file.as_ref(), &self.parts.image, patterns)
    }

    /// As [`build_id`].
    ///
    /// # Errors
    /// As [`read_linkage`].
    pub fn build_id(&self) -> Result<Option<Vec<u8>>, ElfError> {
        notes::build_id(self.file.as_ref(), &self.parts.image)
    }
}

/// Reads header, program headers, dynamic section and its strings: three small reads for most objects.
///
/// # Errors
/// What is wrong with the bytes. `Truncated` also when a PT_LOAD segment reaches beyond the end of the file.
pub fn read_linkage(file: &dyn ReadAt) -> Result<Linkage, ElfError> {
    Parts::open(file)?.linkage(file)
}

/// First match of each pattern in the non-executable bytes of the file, streamed in chunks that overlap, ordered by
/// pattern. A pattern without a match has no entry.
///
/// Searched are the data sections and `.comment`, or the data segments where there are no section headers: symbol
/// names, debug information and code are not text. A match of up to 4 KiB is found whole.
///
/// # Errors
/// As [`read_linkage`].
pub fn search_text(file: &dyn ReadAt, patterns: &[regex::bytes::Regex]) -> Result<Vec<TextMatch>, ElfError> {
    text::first(file, &image::Image::open(file)?, patterns)
}

/// First match of each pattern in ranges of a file of another format, given as offset and length in file order.
///
/// # Errors
/// As [`read_linkage`].
pub fn search_ranges(
    file: &dyn ReadAt,
    ranges: Vec<(u64, u64)>,
    patterns: &[regex::bytes::Regex],
) -> Result<Vec<TextMatch>, ElfError> {
    text::within(file, ranges, patterns)
}

/// The first `most` distinct matches of `pattern` in the bytes that [`search_text`] searches, in file order. Of matches of
/// the same bytes the first is given. Matches do not overlap, wherever chunks meet.
///
/// # Errors
/// As [`read_linkage`].
pub fn search_text_all(
    file: &dyn ReadAt,
    pattern: &regex::bytes::Regex,
    most: usize,
) -> Result<Vec<TextMatch>, ElfError> {
    text::all(file, &image::Image::open(file)?, pattern, most)
}

/// The GNU build id.
///
/// # Errors
/// As [`read_linkage`].
pub fn build_id(file: &dyn ReadAt) -> Result<Option<Vec<u8>>, ElfError> {
    notes::build_id(file, &image::Image::open(file)?)
}
