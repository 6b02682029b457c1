//! What every other module builds on. Knows nothing of Python, ELF or rules.

mod builtin;
mod gap;
mod knowledge;
mod map;
mod path;
mod pattern;
mod read_at;
mod variables;
mod version;

pub use builtin::{TextFile, builtin_files};
pub use gap::{Gap, Stage};
pub use knowledge::{KnowledgeError, distance, nearest, parse};
pub use map::Map;
pub use path::{TreePath, printable};
pub use pattern::Glob;
pub use read_at::{Bytes, ReadAt, fill, read_range};
pub use variables::{Setting, Variables};
pub use version::compare_versions;
