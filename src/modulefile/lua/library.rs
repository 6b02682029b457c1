//! Functions that modulefiles in Lua call for a value: of Lua itself, and of Lmod.

use super::Lua;
use super::value::Datum;
use crate::job::{Part, Value};
use crate::modulefile::{Lies, Mode};

impl Lua<'_, '_> {
    /// The value of a function; nothing where it is none that is worked out, or asked in a way that is not.
    pub(super) fn library(&mut self, name: &str, arguments: &[Datum], line: u32) -> Option<Datum> {
        let subject = self.run.subject;
        let known = |text: &str| Some(Datum::text(text));
        match (name, arguments) {
            ("os.getenv", [variable, rest @ ..]) => {
                let variable = variable.known_text()?;
                match self.run.variable(&variable, line) {
                    // Nobody knows whether it is set, and that decides conditions.
                    Some(value) if self.run.is_set(&variable).is_none() => {
                        let what = value.first_unknown().map(|(what, _)| what.to_owned()).unwrap_or_default();
                        Some(Datum::Unknown(what, line))
                    }
                    Some(value) => Some(Datum::Text(value)),
                    None => Some(rest.first().cloned().unwrap_or(Datum::Nil)),
                }
            }
            ("pathJoin", parts) => {
                let parts = parts.iter().map(|it| self.text_of(it, line)).collect::<Option<Vec<Value>>>()?;
                Some(Datum::Text(path_join(&parts)))
            }
            ("myModuleName", []) => known(subject.short_name()),
            ("myModuleVersion", []) => known(subject.version()),
            ("myModuleFullName", []) => known(&subject.name),
            ("myModuleUsrName", []) => None,
            ("myFileName", []) => known(&subject.file),
            ("mode", []) => known(if subject.mode == Mode::Load { "load" } else { "unload" }),
            ("isloaded", [module]) => self.run.host.is_loaded(&module.known_text()?).map(Datum::Boolean),
            ("isDir" | "isFile", [path]) => match self.run.host.kind(&path.known_text()?) {
                Lies::Directory => Some(Datum::Boolean(name == "isDir")),
                Lies::File => Some(Datum::Boolean(name == "isFile")),
                Lies::Nowhere => Some(Datum::Boolean(false)),
                Lies::Unknown => None,
            },
            ("tostring", [value]) => value.known_text().map(Datum::text),
            ("tonumber", [Datum::Number(number, written)]) => Some(Datum::Number(*number, written.clone())),
            ("tonumber", [value]) => value.number().map(Datum::number_of),
            ("string.lower", [text]) => known(&text.known_text()?.to_lowercase()),
            ("string.upper", [text]) => known(&text.known_text()?.to_uppercase()),
            ("string.len", [text]) => {
                let length = text.known_text()?.len().to_string();
                length.parse::<f64>().ok().map(|it| Datum::Number(it, length))
            }
            ("string.sub", [text, bounds @ ..]) => {
                let text = text.known_text()?;
                let bounds = bounds.iter().map(|it| it.known_text()?.parse::<i64>().ok());
                let bounds = bounds.collect::<Option<Vec<i64>>>()?;
                sub(&text, bounds.first().copied()?, bounds.get(1).copied().unwrap_or(-1)).map(Datum::text)
            }
            ("string.gsub", [text, pattern, with]) => {
                let (text, pattern, with) = (text.known_text()?, pattern.known_text()?, with.known_text()?);
                let plain = literal(&pattern)?;
                (!with.contains('%')).then(|| Datum::text(text.replace(&plain, &with)))
            }
            ("string.find" | "string.match", [text, pattern]) => {
                let (text, plain) = (text.known_text()?, literal(&pattern.known_text()?)?);
                match text.find(&plain) {
                    None => Some(Datum::Nil),
                    Some(_) if name == "string.match" => Some(Datum::text(plain)),
                    Some(at) => Some(Datum::Number(0.0, (at + 1).to_string())),
                }
            }
            ("string.format", [pattern, rest @ ..]) => {
                let pattern = pattern.known_text()?;
                let rest = rest.iter().map(|it| self.text_of(it, line)).collect::<Option<Vec<Value>>>()?;
                formatted(&pattern, &rest).map(Datum::Text)
            }
            ("table.concat", [Datum::Table(fields), rest @ ..]) => {
                let between = match rest {
                    [] => String::new(),
                    [between] => between.known_text()?,
                    _ => return None,
                };
                let mut value = Value::default();
                for (at, (_, field)) in fields.iter().enumerate() {
                    value.push_text(if 0 < at { &between } else { "" });
                    value.push(&self.text_of(field, line)?);
                }
                Some(Datum::Text(value))
            }
            _ => None,
        }
    }
}

/// `pathJoin`: with one slash between all, and none at the end (Lmod 8.6.19, `utils.lua`).
fn path_join(parts: &[Value]) -> Value {
    let mut joined = Value::default();
    for part in parts.iter().filter(|it| it.text().is_none_or(|it| !it.trim().is_empty())) {
        if !joined.parts.is_empty() {
            joined.push_text("/");
        }
        joined.push(part);
    }
    let mut path = Value { parts: Vec::new(), places: joined.places.clone() };
    let last = joined.parts.len().saturating_sub(1);
    for (at, part) in joined.parts.iter().enumerate() {
        match part {
            Part::Text(text) => {
                let mut plain = String::new();
                for letter in text.chars() {
                    if letter != '/' || !plain.ends_with('/') {
                        plain.push(letter);
                    }
                }
                let cut = if at == last && 1 < plain.len() { plain.trim_end_matches('/') } else { &plain };
                path.push_text(cut);
            }
            Part::Unknown { .. } => path.push(&Value { parts: vec![part.clone()], places: Vec::new() }),
        }
    }
    path
}

/// A pattern in which no letter means more than itself, or is escaped.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => text.push(letters.next().filter(|it| it.is_ascii_punctuation())?),
            '^' | '$' | '(' | ')' | '.' | '[' | ']' | '*' | '+' | '-' | '?' => return None,
            other => text.push(other),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// `string.sub`: from and to, counted from 1, or from the end when negative.
fn sub(text: &str, first: i64, last: i64) -> Option<String> {
    let length = i64::try_from(text.len()).ok()?;
    let from = |at: i64| if at < 0 { (length + at + 1).max(1) } else { at.max(1) };
    let first = from(first);
    let last = if last < 0 { length + last + 1 } else { last.min(length) };
    if last < first {
        return Some(String::new());
    }
    let first = usize::try_from(first - 1).ok()?;
    let last = usize::try_from(last).ok()?;
    text.get(first..last).map(str::to_owned)
}

/// `string.format` with `%s` and `%%` only.
fn formatted(pattern: &str, values: &[Value]) -> Option<Value> {
    let mut written = Value::default();
    let mut values = values.iter();
    let mut pieces = pattern.split('%');
    written.push_text(pieces.next()?);
    let mut escaped = false;
    for piece in pieces {
        if escaped {
            written.push_text(piece);
            escaped = false;
        } else if piece.is_empty() {
            written.push_text("%");
            escaped = true;
        } else {
            written.push(values.next().filter(|_| piece.starts_with('s'))?);
            written.push_text(piece.get(1..)?);
        }
    }
    Some(written)
}
