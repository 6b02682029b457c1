//! How much of a hostile script is read. Hitting a limit is an `Unclear`, never a silent end.

/// A script or a sourced file; what follows is not read.
pub const SCRIPT_BYTES: usize = 4 << 20;

/// A line kept as the text of a place, in characters; the rest of the line is cut.
pub const LINE_CHARACTERS: usize = 1_000;

/// Statements, words and expansions nested in each other.
pub const NESTING: usize = 60;

/// Functions that call functions, sourced files that source files, `eval` of `eval`.
pub const CALLS: usize = 16;

/// States of the script kept apart; beyond, variables that differ become unknown.
pub const WORLDS: usize = 16;

/// Turns of a loop over known words that are followed one by one.
pub const TURNS: usize = 64;

/// Recorded commands.
pub const COMMANDS: usize = 10_000;

/// Bytes read a second time because what looked like arithmetic was none; beyond, `((` begins a command at once. Nested
/// beginnings without an end would be read again and again.
pub const REREAD_BYTES: usize = 256 << 10;

/// Statements that are followed and words that are expanded.
pub const STEPS: u32 = 50_000;

/// Bytes of all recorded words, places and texts together.
pub const RECORDED_BYTES: usize = 64 << 20;

/// Words of one expansion: braces and arrays multiply.
pub const WORDS: usize = 4_096;

/// Bytes of one value.
pub const VALUE_BYTES: usize = 64 << 10;

/// Known and unknown parts of one value.
pub const VALUE_PARTS: usize = 256;

/// Places remembered of one value.
pub const VALUE_PLACES: usize = 16;

/// Reasons for what is unclear; beyond, they are counted by the last one.
pub const UNCLEAR: usize = 1_000;

/// Variables of one script.
pub const VARIABLES: usize = 2_000;
