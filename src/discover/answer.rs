//! What discovery says about one question: a value with its evidence, or why it cannot be said.

use std::io;

use crate::base::{Gap, Stage, TreePath};

/// A place and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// File or directory; the root where the place is the environment of the process.
    pub path: TreePath,
    /// Line in a text file, counted from 1.
    pub line: Option<u32>,
    /// Offset in a binary file, in bytes.
    pub offset: Option<u64>,
    /// What stands there, or what was seen.
    pub text: String,
}

impl Evidence {
    /// `text` was seen at `path`.
    pub fn at(path: &TreePath, text: impl Into<String>) -> Self {
        Self { path: path.clone(), line: None, offset: None, text: text.into() }
    }

    /// `text` stands in line `line` of `path`.
    pub fn line(path: &TreePath, line: u32, text: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::at(path, text) }
    }

    /// `text` stands `offset` bytes into `path`.
    pub fn offset(path: &TreePath, offset: u64, text: impl Into<String>) -> Self {
        Self { offset: Some(offset), ..Self::at(path, text) }
    }

    /// The process has `name` set to `value`.
    pub fn variable(name: &str, value: &[u8]) -> Self {
        Self::at(&TreePath::root(), format!("{name}={}", crate::base::printable(value)))
    }
}

/// A value with its evidence, or why it cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It is known.
    Known {
        /// The value.
        value: T,
        /// What shows it.
        because: Vec<Evidence>,
    },
    /// It cannot be said.
    Unknown {
        /// Why, in lower case without full stop.
        reason: String,
    },
}

impl<T> Answer<T> {
    /// A value that one place shows.
    pub fn known(value: T, because: Evidence) -> Self {
        Self::Known { value, because: vec![because] }
    }

    /// No answer.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }
}

/// The lines of `text`, counted from 1, without their line ends.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines())
}

/// The gap of a file or directory of discovery.
pub(super) fn gap(path: &TreePath, reason: impl Into<String>, hides: impl Into<String>) -> Gap {
    Gap::new(path, Stage::Discover, reason, hides)
}

/// The gap of a failed read.
pub(super) fn unreadable(path: &TreePath, error: &io::Error, hides: impl Into<String>) -> Gap {
    gap(path, reason(error), hides)
}

/// An error of the tree in words that do not depend on the backend.
pub(super) fn reason(error: &io::Error) -> String {
    match (error.kind(), error.get_ref()) {
        (io::ErrorKind::NotFound, _) => "does not exist".to_owned(),
        (io::ErrorKind::PermissionDenied, _) => "permission denied".to_owned(),
        (io::ErrorKind::NotADirectory, _) => "not a directory".to_owned(),
        (io::ErrorKind::InvalidInput, None) => "a loop of symbolic links, or no regular file".to_owned(),
        (_, Some(inner)) => inner.to_string(),
        (_, None) => error.kind().to_string(),
    }
}

/// Whether an error only says that nothing is there: then there is nothing to miss.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
