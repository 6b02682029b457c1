//! The statements of a module, told apart without parsing them: most of a module is never looked at again.
//!
//! Invariant: items stand in the order of the source and do not overlap; what is in none of them has no effect.

use std::ops::Range;

use super::lines::{Line, Lines, is_identifier_byte, word};

/// A statement of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Line of its first byte, from 1.
    pub line: u32,
    /// Its bytes in the source.
    pub range: Range<usize>,
    /// What it is.
    pub kind: ItemKind,
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemKind {
    /// `import ...` or `from ... import ...`.
    Import,
    /// `def` or `class`, from the keyword on.
    Definition(Definition),
    /// A statement of one logical line.
    Simple {
        /// The only name that it assigns to.
        target: Option<Range<usize>>,
        /// Whether it assigns to something.
        assigns: bool,
    },
    /// `if`, `try`, `for`, `while`, `with`, `match`, with all their clauses.
    Block,
}

/// A function or class that is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Whether it is a class.
    pub is_class: bool,
    /// Its name in the source.
    pub name: Range<usize>,
    /// Expressions behind `@`.
    pub decorators: Vec<Range<usize>>,
    /// Whether its body, that of a class, imports.
    pub body_imports: bool,
}

/// The statements of a module.
pub fn outline(source: &[u8]) -> Vec<Item> {
    let start = if source.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut lines = Lines::new(source, start..source.len());
    let mut items = Vec::new();
    let mut decorators = Vec::new();
    while let Some(line) = lines.next() {
        let text = lines.text(&line);
        let (mut range, line_number) = (line.range.clone(), u32::try_from(line.row + 1).unwrap_or(u32::MAX));
        let kind = match first_word(text) {
            First::Decorator => {
                decorators.push(line.range.start + 1..line.range.end);
                continue;
            }
            First::Definition { is_class } => {
                let body_imports = skip_body(&mut lines, &line, is_class);
                range.end = lines.at;
                let name = defined_name(text, line.range.start);
                let decorators = std::mem::take(&mut decorators);
                ItemKind::Definition(Definition { is_class, name, decorators, body_imports })
            }
            First::Import => ItemKind::Import,
            First::Block => {
                skip_clauses(&mut lines, &line);
                range.end = lines.at;
                ItemKind::Block
            }
            First::Nothing => continue,
            First::Other => simple(text, line.range.start),
        };
        items.push(Item { line: line_number, range, kind });
    }
    items
}

/// What the first word of a statement says about it.
pub(super) enum First {
    Decorator,
    Definition {
        is_class: bool,
    },
    Import,
    Block,
    /// A statement without effect: a text, `pass`, an assertion that holds.
    Nothing,
    Other,
}

pub(super) fn first_word(text: &[u8]) -> First {
    match word(text) {
        b"" if text.starts_with(b"@") => First::Decorator,
        b"" if matches!(text.first(), Some(b'"' | b'\'')) => First::Nothing,
        b"def" => First::Definition { is_class: false },
        b"class" => First::Definition { is_class: true },
        b"async" => match word(text.get(5..).unwrap_or_default().trim_ascii_start()) {
            b"def" => First::Definition { is_class: false },
            _ => First::Block,
        },
        b"import" | b"from" => First::Import,
        b"if" | b"try" | b"for" | b"while" | b"with" => First::Block,
        b"match" if text.trim_ascii_end().ends_with(b":") => First::Block,
        b"pass" | b"assert" => First::Nothing,
        prefix if is_text(text, prefix) => First::Nothing,
        _ => First::Other,
    }
}

/// `r"..."`, `b'...'`.
fn is_text(text: &[u8], prefix: &[u8]) -> bool {
    let quote = text.get(prefix.len());
    prefix.len() <= 2 && matches!(quote, Some(b'"' | b'\'')) && prefix.iter().all(|b| b"rRbBuUfF".contains(b))
}

/// Passes over the body of a definition; whether it imports in the body of a class itself.
pub(super) fn skip_body(lines: &mut Lines<'_>, header: &Line, is_class: bool) -> bool {
    let mut imports = false;
    if lines.opens_block(header) {
        lines.skip_block(header.indent, |word| imports |= is_class && matches!(word, b"import" | b"from"));
    }
    imports
}

/// Passes over the blocks of a compound statement.
pub(super) fn skip_clauses(lines: &mut Lines<'_>, header: &Line) {
    let indent = header.indent;
    if lines.opens_block(header) {
        lines.skip_block(indent, |_| {});
    }
    while let Some((column, word)) = lines.peek() {
        if column != indent || !matches!(word, b"elif" | b"else" | b"except" | b"finally") {
            break;
        }
        let Some(clause) = lines.next() else { break };
        if lines.opens_block(&clause) {
            lines.skip_block(indent, |_| {});
        }
    }
}

fn defined_name(text: &[u8], start: usize) -> Range<usize> {
    let mut at = 0;
    loop {
        let found = word(text.get(at..).unwrap_or_default());
        if !matches!(found, b"async" | b"def" | b"class") {
            return start + at..start + at + found.len();
        }
        at += found.len();
        at += text.get(at..).unwrap_or_default().iter().take_while(|b| !is_identifier_byte(**b)).count();
    }
}

/// A statement of one line, by the equality signs outside brackets and texts.
fn simple(text: &[u8], start: usize) -> ItemKind {
    let name = word(text);
    let signs = assignments(text);
    let first = text.get(name.len()..).unwrap_or_default().trim_ascii_start();
    let plain = first.starts_with(b"=") || first.starts_with(b":");
    let target = (plain && signs <= 1 && !name.is_empty()).then(|| start..start + name.len());
    ItemKind::Simple { assigns: signs > 0 || target.is_some(), target }
}

/// Signs that assign: no comparisons, no keywords of a call.
fn assignments(text: &[u8]) -> usize {
    let (mut depth, mut count, mut quote, mut before) = (0_usize, 0, None, b' ');
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b'=') if bytes.peek() == Some(&b'=') => {
                bytes.next();
            }
            (None, b'=') if depth == 0 && !matches!(before, b'!' | b'<' | b'>' | b':') => count += 1,
            (None, _) => {}
        }
        before = byte;
    }
    count
}
