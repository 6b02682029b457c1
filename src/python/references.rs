//! Names that a piece of source mentions, without parsing it: enough to know that a statement can have no effect.

use std::ops::Range;

use super::lines::{Lines, is_identifier_byte, word};

/// A dotted name that is mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'t> {
    /// The name before the first dot.
    pub root: &'t [u8],
    /// The names behind it.
    pub attributes: Vec<&'t [u8]>,
    /// Whether it is called.
    pub called: bool,
}

/// Dotted names of `text` that are called or looked into; texts and comments are passed over.
pub fn references<'t>(text: &'t [u8], mut visit: impl FnMut(&Reference<'t>)) {
    let mut at = 0;
    let mut behind_dot = false;
    while let Some(byte) = text.get(at).copied() {
        match byte {
            b'"' | b'\'' => at = end_of_text(text, at, byte),
            b'#' => at += memchr::memchr(b'\n', text.get(at..).unwrap_or_default()).unwrap_or(text.len()),
            byte if is_identifier_byte(byte) => {
                let (reference, end) = chain(text, at);
                let mentioned = reference.called || !reference.attributes.is_empty();
                if mentioned && !behind_dot && !byte.is_ascii_digit() {
                    visit(&reference);
                }
                at = end;
            }
            _ => at += 1,
        }
        behind_dot = byte == b'.';
    }
}

fn chain(text: &[u8], start: usize) -> (Reference<'_>, usize) {
    let root = word(text.get(start..).unwrap_or_default());
    let mut at = start + root.len();
    let mut attributes = Vec::new();
    while text.get(at) == Some(&b'.') {
        let next = word(text.get(at + 1..).unwrap_or_default());
        if next.is_empty() {
            break;
        }
        attributes.push(next);
        at += 1 + next.len();
    }
    (Reference { root, attributes, called: text.get(at) == Some(&b'(') }, at)
}

fn end_of_text(text: &[u8], start: usize, quote: u8) -> usize {
    let triple = text.get(start + 1) == Some(&quote) && text.get(start + 2) == Some(&quote);
    let mut at = start + if triple { 3 } else { 1 };
    while let Some(byte) = text.get(at).copied() {
        match byte {
            b'\\' => at += 2,
            b'\n' if !triple => return at,
            byte if byte == quote => {
                let closes = text.get(at + 1) == Some(&quote) && text.get(at + 2) == Some(&quote);
                if !triple {
                    return at + 1;
                }
                at += if closes { 3 } else { 1 };
                if closes {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// Whether any statement of a part of a source imports: its own or one of a function inside it.
pub fn mentions_import(source: &[u8], range: Range<usize>) -> bool {
    let text = source.get(range.clone()).unwrap_or_default();
    if memchr::memmem::find(text, b"import").is_none() {
        return false;
    }
    let mut lines = Lines::new(source, range);
    while let Some(line) = lines.next() {
        let text = lines.text(&line);
        let behind = line.colon.and_then(|it| text.get(it - line.range.start..)).unwrap_or_default();
        let calls = [b"import_module".as_slice(), b"__import__"];
        if [text, behind.trim_ascii_start()].iter().any(|it| matches!(word(it), b"import" | b"from"))
            || calls.iter().any(|name| memchr::memmem::find(text, name).is_some())
        {
            return true;
        }
    }
    false
}
