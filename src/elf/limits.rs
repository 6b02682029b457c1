//! How much of a hostile file is believed. Real objects stay far below; hitting a limit is `ElfError::Limit`.

/// The first read: header, program headers and, in most files, PT_INTERP and the build id.
pub(super) const HEAD_BYTES: u64 = 4 * 1024;

/// An ELF64 header; glibc refuses shorter files of either class.
pub(super) const HEADER_BYTES: u64 = 64;

/// Program headers. Real objects have about a dozen.
pub(super) const SEGMENTS: u64 = 4 * 1024;

/// Section headers.
pub(super) const SECTIONS: u64 = 64 * 1024;

/// The table of section names.
pub(super) const SECTION_NAME_BYTES: u64 = 4 * 1024 * 1024;

/// Entries of the dynamic section.
pub(super) const DYNAMIC_ENTRIES: u64 = 64 * 1024;

/// DT_NEEDED entries.
pub(super) const NEEDED_ENTRIES: usize = 4 * 1024;

/// A string table up to this size is read at once where many names are wanted; of a larger one every name is read by itself.
pub(super) const HELD_STRING_BYTES: u64 = 16 * 1024 * 1024;

/// A table of symbols or of their names up to this size is held while many symbols of one object are looked up.
pub(super) const HELD_TABLE_BYTES: u64 = 1024 * 1024;

/// One name or path list.
pub(super) const STRING_BYTES: u64 = 1024 * 1024;

/// All names that one question may return together: hostile entries can share one long string.
pub(super) const NAME_BYTES: u64 = 64 * 1024 * 1024;

/// The dynamic symbol table. The largest real ones hold about half a million.
pub(super) const SYMBOLS: u64 = 8 * 1024 * 1024;

/// Bloom filter and buckets of DT_GNU_HASH, or the whole of DT_HASH.
pub(super) const HASH_BYTES: u64 = 64 * 1024 * 1024;

/// Symbols of one hash chain.
pub(super) const CHAIN_SYMBOLS: u64 = 64 * 1024;

/// Entries of DT_VERNEED or DT_VERDEF, with their auxiliary entries.
pub(super) const VERSION_ENTRIES: usize = 64 * 1024;

/// One table of relocations. The largest real ones have some tens of MiB.
pub(super) const RELOCATION_BYTES: u64 = 256 * 1024 * 1024;

/// One PT_NOTE segment.
pub(super) const NOTE_BYTES: u64 = 1024 * 1024;

/// Bytes that one text search streams.
pub(super) const TEXT_BYTES: u64 = 1024 * 1024 * 1024;

/// Bytes that a search for every match streams: it does not end with the first one.
pub(super) const ALL_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// What a text search holds at a time.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// The longest text match that is found whole, wherever chunks meet.
pub(super) const OVERLAP_BYTES: usize = 4 * 1024;

/// What a pattern may see before the place where a search goes on, for word boundaries.
pub(super) const CONTEXT_BYTES: usize = 64;

/// Tables up to this size are read at once, larger ones piece by piece.
pub(super) const HELD_BYTES: u64 = 64 * 1024;
