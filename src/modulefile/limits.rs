//! How much of hostile modulefiles is read. Hitting a limit makes what follows unknown, never a silent end.

/// One modulefile.
pub const FILE_BYTES: u64 = 1 << 20;

/// Statements and expressions of one modulefile that are evaluated.
pub const STEPS: u32 = 20_000;

/// Blocks, brackets and expressions inside one another.
pub const NESTING: u32 = 60;

/// Turns of one loop.
pub const TURNS: usize = 256;

/// Variables and procedures of one modulefile.
pub const NAMES: usize = 2_000;

/// Words of a command, and elements of a list.
pub const WORDS: usize = 2_000;

/// Modulefiles that load modulefiles.
pub const LOADS: usize = 16;

/// Modulefiles that one command evaluates, those that others load among them.
pub const FILES: usize = 256;

/// Directories of a search path that are looked at.
pub const DIRECTORIES: usize = 256;

/// Versions of one module.
pub const VERSIONS: usize = 2_000;

/// Names that stand for names.
pub const ALIASES: usize = 8;
