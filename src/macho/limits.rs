//! How much of a hostile file is believed. Real files stay far below; hitting a limit is `MachError::Limit`.

/// The header of a 64-bit file.
pub(super) const HEADER_BYTES: u64 = 32;

/// Machines in one universal file. A Java class begins with the same four bytes, and then with a larger number.
pub(super) const MACHINES: u32 = 16;

/// All load commands together. Real files have 2 to 8 KiB.
pub(super) const COMMAND_BYTES: u64 = 1024 * 1024;

/// Load commands, and sections of one segment.
pub(super) const COMMANDS: u32 = 4 * 1024;

/// Symbols that are wanted or defined for others.
pub(super) const SYMBOLS: u64 = 4 * 1024 * 1024;

/// The names of symbols. The largest real tables have some MiB.
pub(super) const STRING_BYTES: u64 = 128 * 1024 * 1024;

/// Symbols that are read at once.
pub(super) const SYMBOLS_AT_ONCE: u64 = 4 * 1024;

/// One name. C++ makes long ones.
pub(super) const NAME_BYTES: usize = 64 * 1024;

/// All names that one question may return together: hostile symbols can share one long name.
pub(super) const NAMES_BYTES: usize = 64 * 1024 * 1024;
