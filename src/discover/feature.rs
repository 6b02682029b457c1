//! The `X.Y` of a Python, as it stands in the names of files and directories.

use crate::base::TreePath;

/// Which Python: `python3.11`, `python3.13t`, `pypy3.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feature {
    /// `cpython` or `pypy`.
    pub implementation: Implementation,
    /// 3.
    pub major: u32,
    /// 11.
    pub minor: u32,
    /// A build without the global interpreter lock: its directories end in `t`.
    pub free_threaded: bool,
}

/// Which program runs the byte code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Implementation {
    /// The reference implementation.
    CPython,
    /// PyPy.
    PyPy,
}

impl Implementation {
    /// `sys.implementation.name`.
    pub fn word(self) -> &'static str {
        match self {
            Self::CPython => "cpython",
            Self::PyPy => "pypy",
        }
    }
}

impl Feature {
    /// The name of the standard library directory: `python3.11`.
    pub fn directory(self) -> String {
        let thread = if self.free_threaded { "t" } else { "" };
        format!("{}{}.{}{thread}", self.stem(), self.major, self.minor)
    }

    /// The name of the zip file of the standard library: `python311.zip`.
    pub fn zip(self) -> String {
        let thread = if self.free_threaded { "t" } else { "" };
        format!("{}{}{}{thread}.zip", self.stem(), self.major, self.minor)
    }

    /// `3.11`.
    pub fn text(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// `(major, minor)` for comparisons.
    pub fn version(self) -> (u32, u32) {
        (self.major, self.minor)
    }

    fn stem(self) -> &'static str {
        match self.implementation {
            Implementation::CPython => "python",
            Implementation::PyPy => "pypy",
        }
    }

    /// Reads `python3.11`, `python3.13t`, `python3.8d`, `pypy3.10`.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let (implementation, rest) = implementation(name)?;
        let text = String::from_utf8_lossy(rest);
        let (major, rest) = text.split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (minor, flags) = rest.split_at_checked(end)?;
        if !matches!(flags, "" | "t" | "d" | "m" | "dm" | "td") {
            return None;
        }
        let free_threaded = flags.contains('t');
        Some(Self { implementation, major: number(major)?, minor: number(minor)?, free_threaded })
    }
}

/// Whether a file name is the name of an interpreter: `python`, `python3`, `python3.11`, `pypy3`.
pub(super) fn is_interpreter_name(name: &[u8]) -> bool {
    let Some((_, rest)) = implementation(name) else { return false };
    rest.is_empty() || rest == b"2" || rest == b"3" || Feature::parse(name).is_some()
}

/// Whether the interpreter behind this name is a debug build: `python3.8d`, `python3.6dm`.
pub(super) fn is_debug_name(executable: &TreePath) -> bool {
    let name = executable.file_name();
    Feature::parse(name).is_some() && name.iter().rev().take(2).any(|b| *b == b'd')
}

/// A small decimal number without sign.
pub(super) fn number(text: &str) -> Option<u32> {
    let digit = |sum: u32, c: char| sum.checked_mul(10)?.checked_add(c.to_digit(10)?);
    if text.is_empty() { None } else { text.chars().try_fold(0, digit) }
}

fn implementation(name: &[u8]) -> Option<(Implementation, &[u8])> {
    let python = name.strip_prefix(b"python").map(|rest| (Implementation::CPython, rest));
    python.or_else(|| name.strip_prefix(b"pypy").map(|rest| (Implementation::PyPy, rest)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_names() {
        assert_eq!(Feature::parse(b"python3.11").unwrap().directory(), "python3.11");
        assert_eq!(Feature::parse(b"python3.13t").unwrap().zip(), "python313t.zip");
        assert_eq!(Feature::parse(b"pypy3.10").unwrap().directory(), "pypy3.10");
        assert_eq!(Feature::parse(b"python3"), None);
        assert_eq!(Feature::parse(b"python3.11-config"), None);
        assert!(is_interpreter_name(b"python3") && is_interpreter_name(b"python") && is_interpreter_name(b"pypy3"));
        assert!(!is_interpreter_name(b"python3-config") && !is_interpreter_name(b"pythonw.sh"));
        assert!(is_debug_name(&TreePath::new("/usr/bin/python3.8d")));
        assert!(!is_debug_name(&TreePath::new("/usr/bin/python3.8")));
    }
}
