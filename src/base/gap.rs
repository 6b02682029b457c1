//! What could not be read or decided, and what that hides.

use super::TreePath;

/// The part of the audit that met the gap. The words are public: they stand in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading directories and links of the target.
    Tree,
    /// Reading one shared object.
    Elf,
    /// Finding the interpreter, `sys.path` and packages.
    Discover,
    /// Following Python source.
    Python,
    /// Emulating the dynamic loader.
    Loader,
    /// Recognising a library.
    Identify,
    /// Reading a saved facts file.
    Facts,
    /// Following a job script.
    Job,
}

impl Stage {
    /// The word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Elf => "elf",
            Self::Discover => "discover",
            Self::Python => "python",
            Self::Loader => "loader",
            Self::Identify => "identify",
            Self::Facts => "facts",
            Self::Job => "job",
        }
    }
}

/// Something the audit could not read or decide.
///
/// Invariant: a gap is never an error that stops the audit; it is reported, and what it hides is undecided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Where: a path inside the scanned tree.
    pub path: TreePath,
    /// Which part of the audit met it.
    pub stage: Stage,
    /// Why, in lower case without full stop: reads well after "could not be read: ".
    pub reason: String,
    /// What cannot be said because of it.
    pub hides: String,
}

impl Gap {
    /// A gap at `path`.
    pub fn new(path: &TreePath, stage: Stage, reason: impl Into<String>, hides: impl Into<String>) -> Self {
        Self { path: path.clone(), stage, reason: reason.into(), hides: hides.into() }
    }
}
