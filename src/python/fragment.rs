//! A part of a source as text for the parser: bodies of functions and classes and long values are cut, so that a fifth of the
//! text is left.
//!
//! Invariant: a line that is kept stands in the row in which it stands in the source, counted from the first.
//! Invariant: what is cut is replaced so that the rest still parses: by `...`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lines::{Line, Lines, word};
use super::outline::{First, first_word, skip_body};

/// Longest simple statement that is read, in bytes: what is longer is a table or a text, unless it imports or exports.
const STATEMENT_BYTES: usize = 4000;

/// Deepest indentation that is kept, in columns: CPython takes 100 levels.
const INDENT: usize = 800;

/// Python again.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    /// The text.
    pub(super) text: Vec<u8>,
    /// Row of a `def` or `class` that was cut, and its bytes in the source.
    pub(super) definitions: BTreeMap<usize, Range<usize>>,
}

/// Statements that stand at the depth of the first.
pub(super) fn of_statements(source: &[u8], range: Range<usize>) -> Fragment {
    let mut writer = Writer::new(source, range);
    writer.statements();
    writer.fragment
}

/// One definition with its own body.
pub(super) fn of_definition(source: &[u8], range: Range<usize>) -> Fragment {
    let mut writer = Writer::new(source, range);
    if let Some(header) = writer.lines.next() {
        writer.keep(0, &header);
        writer.empty = writer.lines.opens_block(&header);
    }
    writer.statements();
    writer.fragment
}

struct Writer<'s> {
    lines: Lines<'s>,
    fragment: Fragment,
    /// Row of the text.
    row: usize,
    /// A header was kept and nothing of its block yet.
    empty: bool,
}

impl<'s> Writer<'s> {
    fn new(source: &'s [u8], range: Range<usize>) -> Self {
        Self { lines: Lines::new(source, range), fragment: Fragment::default(), row: 0, empty: false }
    }

    fn statements(&mut self) {
        while let Some(line) = self.lines.next() {
            let text = self.lines.text(&line);
            match first_word(text) {
                First::Definition { is_class } => self.definition(&line, text, is_class),
                First::Block => self.header(&line),
                First::Import | First::Decorator => self.keep(line.indent, &line),
                First::Nothing => self.nothing(&line),
                First::Other if is_clause(text) => self.header(&line),
                First::Other => self.simple(&line, text),
            }
        }
        if self.empty {
            let row = self.row + 1;
            self.put(INDENT, row, b"...");
        }
    }

    fn header(&mut self, line: &Line) {
        self.keep(line.indent, line);
        self.empty = self.lines.opens_block(line);
    }

    fn definition(&mut self, line: &Line, text: &[u8], is_class: bool) {
        skip_body(&mut self.lines, line, is_class);
        self.fragment.definitions.insert(line.row, line.range.start..self.lines.at);
        let end = text.iter().position(|b| matches!(b, b'(' | b':' | b'[')).unwrap_or(text.len());
        let mut cut = text.get(..end).unwrap_or_default().trim_ascii_end().to_vec();
        cut.retain(|b| !matches!(b, b'\n' | b'\r' | b'\\'));
        cut.extend_from_slice(if is_class { b": ..." } else { b"(): ..." });
        self.put(line.indent, line.row, &cut);
    }

    fn simple(&mut self, line: &Line, text: &[u8]) {
        let long = STATEMENT_BYTES < text.len() && !text.starts_with(b"__all__");
        if !long || memchr::memmem::find(text, b"import").is_some() {
            return self.keep(line.indent, line);
        }
        let name = word(text);
        let rest = text.get(name.len()..).unwrap_or_default().trim_ascii_start();
        match rest.starts_with(b"=") && !name.is_empty() {
            true => self.put(line.indent, line.row, &[name, b" = ..."].concat()),
            false => self.nothing(line),
        }
    }

    /// Something must stand where a block has nothing else.
    fn nothing(&mut self, line: &Line) {
        if self.empty {
            self.put(line.indent, line.row, b"...");
        }
    }

    fn keep(&mut self, indent: usize, line: &Line) {
        let text = self.lines.text(line);
        self.put(indent, line.row, text);
        self.row += text.iter().filter(|b| **b == b'\n').count();
    }

    fn put(&mut self, indent: usize, row: usize, text: &[u8]) {
        let out = &mut self.fragment.text;
        if self.row == row && !out.is_empty() {
            // Parted by a semicolon: the rest of a row goes on there.
            out.extend_from_slice(b"; ");
        } else {
            out.extend(std::iter::repeat_n(b'\n', row.saturating_sub(self.row)));
            out.extend(std::iter::repeat_n(b' ', indent.min(INDENT)));
        }
        self.row = row.max(self.row);
        out.extend_from_slice(text);
        self.empty = false;
    }
}

fn is_clause(text: &[u8]) -> bool {
    match word(text) {
        b"elif" | b"else" | b"except" | b"finally" => true,
        b"case" => text.trim_ascii_end().ends_with(b":"),
        _ => false,
    }
}
