//! Pieces of values, so that what is unknown stays unknown where it stands.

use crate::job::{Part, Place, Value};

/// The known text that the value begins with.
pub(super) fn leading(value: &Value) -> &str {
    match value.parts.first() {
        Some(Part::Text(text)) => text,
        Some(Part::Unknown { .. }) | None => "",
    }
}

/// The value without the first bytes of its leading text.
pub(super) fn without(value: &Value, bytes: usize) -> Value {
    let mut rest = Value { parts: Vec::new(), places: value.places.clone() };
    for (index, part) in value.parts.iter().enumerate() {
        match part {
            Part::Text(text) if index == 0 => rest.push_text(text.get(bytes..).unwrap_or_default()),
            Part::Text(text) => rest.push_text(text),
            Part::Unknown { .. } => rest.parts.push(part.clone()),
        }
    }
    rest
}

/// The pieces between separators that stand in known text.
pub(super) fn split(value: &Value, separator: char) -> Vec<Value> {
    let empty = || Value { parts: Vec::new(), places: value.places.clone() };
    let mut pieces = vec![empty()];
    for part in &value.parts {
        let Part::Text(text) = part else {
            if let Some(last) = pieces.last_mut() {
                last.parts.push(part.clone());
            }
            continue;
        };
        for (index, piece) in text.split(separator).enumerate() {
            if 0 < index {
                pieces.push(empty());
            }
            if let Some(last) = pieces.last_mut() {
                last.push_text(piece);
            }
        }
    }
    pieces
}

/// `NAME=VALUE`, when the name is known.
pub(super) fn assignment(value: &Value) -> Option<(String, Value)> {
    let text = leading(value);
    let (name, _) = text.split_once('=')?;
    is_name(name).then(|| (name.to_owned(), without(value, name.len() + 1)))
}

/// Whether a shell would take it for the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    begins && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// The last element of a path.
pub(super) fn base_name(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// A value that stands where `place` is.
pub(super) fn at(mut value: Value, place: &Place) -> Value {
    if !value.places.contains(place) {
        value.places.insert(0, place.clone());
    }
    value
}
