//! A mistake in a file that a person wrote: where it is, what it is, and what was probably meant.
//!
//! Invariant: line and column count from 1, in characters; printing never fails and never depends on the terminal.

use std::fmt;

use crate::base::TextFile;

/// A mistake in a rule file or a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileError {
    /// The file as it was named.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, in lower case without full stop.
    pub message: String,
    /// What was probably meant, or what is possible.
    pub help: Option<String>,
    /// The text of that line.
    pub source_line: String,
}

impl FileError {
    /// A mistake at byte `offset` of `file`.
    pub fn at(file: &TextFile, offset: usize, message: impl Into<String>) -> Self {
        let before = floor(&file.text, offset);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = file.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            path: file.path.clone(),
            line: count(before.matches('\n').count()),
            column: count(before.get(start..).unwrap_or_default().chars().count()),
            message: message.into(),
            help: None,
            source_line: line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        }
    }

    /// The same mistake with a hint.
    #[must_use]
    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// What the TOML reader says, with the nearest of the names that it expected.
    pub fn from_toml(file: &TextFile, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message();
        let (short, expected) = message.split_once(", expected one of ").unwrap_or((message, ""));
        let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let wrong = quoted(short);
        match (short.starts_with("unknown "), wrong.first()) {
            (true, Some(wrong)) if !expected.is_empty() => {
                let possible = quoted(expected);
                let help = hint(wrong, possible.iter().map(String::as_str));
                let help = help.unwrap_or_else(|| format!("one of {}", possible.join(", ")));
                Self::at(file, offset, short).with_help(Some(help))
            }
            (true | false, Some(_) | None) => Self::at(file, offset, message.replace('\n', "; ")),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, message, help, source_line } = self;
        let margin = " ".repeat(line.to_string().len());
        let indent = " ".repeat(usize::try_from(column.saturating_sub(1)).unwrap_or_default());
        writeln!(formatter, "{path}:{line}:{column}: {message}")?;
        writeln!(formatter, "{margin} |")?;
        writeln!(formatter, "{line} | {source_line}")?;
        write!(formatter, "{margin} | {indent}^")?;
        match help {
            Some(help) => write!(formatter, " {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FileError {}

/// Every mistake of the files that were read, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileErrors(pub Vec<FileError>);

impl fmt::Display for FileErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n\n")?;
            }
            write!(formatter, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileErrors {}

/// `did you mean X?` for the nearest of `names`, if one is near.
pub(super) fn hint<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(wrong, names).map(|name| format!("did you mean `{name}`?"))
}

/// The nearest of `names`, if one is near: at most a third of its letters differ, or only its end is missing.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (wrong.chars().count() / 3).max(1);
    let begun = |name: &str| wrong.len() >= 3 && name.starts_with(wrong);
    let near = names.into_iter().map(|name| (distance(wrong, name), name));
    let near = near.filter(|(distance, name)| *distance <= limit || begun(name));
    near.min().map(|(_, name)| name)
}

/// Letters to insert, remove, change or swap with their neighbour. Only the first 64 letters count.
fn distance(a: &str, b: &str) -> usize {
    const MAX_LETTERS: usize = 64;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(MAX_LETTERS).collect(), b.chars().take(MAX_LETTERS).collect());
    let mut above: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let change = at(&last, column) + usize::from(x != y);
            let mut best = change.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let swapped = column > 0 && row > 0 && b.get(column - 1) == Some(x) && a.get(row - 1) == Some(y);
            if swapped {
                best = best.min(at(&above, column - 1) + 1);
            }
            current.push(best);
        }
        above = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

/// The byte offset in `file` of byte `at` of the value of a TOML string, of which `span` covers the quotes too.
pub(super) fn offset_in_string(file: &TextFile, span: std::ops::Range<usize>, at: usize) -> usize {
    let raw = file.text.get(span.clone()).unwrap_or_default();
    let (open, escapes) = [("\"\"\"", true), ("'''", false), ("\"", true), ("'", false)]
        .into_iter()
        .find(|(quotes, _)| raw.starts_with(quotes))
        .unwrap_or(("", false));
    let mut position = open.len();
    if open.len() == 3 {
        let rest = raw.get(3..).unwrap_or_default();
        position += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    if !escapes {
        return span.start + position + at;
    }
    let mut decoded = 0;
    while decoded < at {
        let rest = raw.get(position..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { break };
        let (width, length) = match rest.chars().nth(1) {
            Some('u') if first == '\\' => (6, 1),
            Some('U') if first == '\\' => (10, 1),
            Some('x') if first == '\\' => (4, 1),
            Some(next) if first == '\\' && next.is_whitespace() => {
                let tail = rest.get(1..).unwrap_or_default();
                (1 + tail.len() - tail.trim_start().len(), 0)
            }
            Some(_) if first == '\\' => (2, 1),
            Some(_) | None => (first.len_utf8(), first.len_utf8()),
        };
        position += width;
        decoded += length;
    }
    span.start + position
}

/// The text before byte `offset`, cut back to a character boundary.
fn floor(text: &str, offset: usize) -> &str {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_misspellings() {
        assert_eq!(distance("vendor", "vendor"), 0);
        assert_eq!(distance("vednor", "vendor"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("threding", ["vendor", "threading"]), Some("threading"));
        assert_eq!(nearest("xyz", ["vendor", "threading"]), None);
    }
}
