//! Places as SARIF writes them.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::report::anchor::Anchor;

/// Longest line of a script that is quoted, in characters.
const SNIPPET_CHARACTERS: usize = 1000;

/// A place in a file; a region always has a line, or GitHub refuses the result.
pub(super) fn physical(place: &Anchor) -> Value {
    let mut region = json!({ "startLine": place.line });
    if let Some((column, length)) = place.columns {
        region["startColumn"] = json!(column);
        region["endColumn"] = json!(column.saturating_add(length));
    }
    if let Some(text) = place.text.as_ref().filter(|it| !it.is_empty() && it.chars().count() <= SNIPPET_CHARACTERS) {
        region["snippet"] = json!({ "text": text });
    }
    json!({ "artifactLocation": artifact(place), "region": region })
}

/// A file.
pub(super) fn artifact(place: &Anchor) -> Value {
    json!({ "uri": uri(&place.path) })
}

/// A relative path as a relative reference (RFC 3986): every byte that is neither a plain letter nor a slash is
/// written as its number, the colon too, which would end a scheme.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else if write!(uri, "%{byte:02X}").is_err() {
            // Writing to a text in memory does not fail.
            return uri;
        }
    }
    uri
}

/// Text of a message. SARIF reads `{0}` as an argument and `[a](b)` as a link: where the text has either, its signs
/// are written as the standard says; elsewhere they stay, because many readers show the escapes.
pub(super) fn message(text: &str) -> String {
    let text = crate::report::anchor::one_line(text);
    let argument = text
        .match_indices('{')
        .any(|(at, _)| text.get(at + 1..).is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit())));
    let text = if argument { text.replace('{', "{{").replace('}', "}}") } else { text };
    if text.contains("](") { text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]") } else { text }
}
