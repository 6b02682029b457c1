//! Evidence: a place and what stands there. Gaps: what could not be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Index into `Facts::evidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EvidenceId(pub u32);

/// Index into `Facts::gaps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GapId(pub u32);

/// A place and what stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// File or directory, as seen from inside the target's root; empty where the place is the environment of the process.
    pub path: String,
    /// Line in a text file, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in that line, in characters, counted from 1; `text` is then the whole line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// How many characters of the line are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Offset in a binary file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What stands there, or what was seen: `NEEDED libmpi.so.40`, `defines openblas_get_config64_`.
    pub text: String,
}

/// What could not be read or decided, and what that hides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// File or directory, as seen from inside the target's root.
    pub path: String,
    /// Part of the audit: `tree`, `elf`, `discover`, `loader`, `identify` or `facts`.
    pub stage: String,
    /// Why.
    pub reason: String,
    /// What cannot be said because of it.
    pub hides: String,
}
