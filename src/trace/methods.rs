//! Methods and operators of texts, sequences and dictionaries, as far as imports depend on them.

use std::rc::Rc;

use super::paths;
use super::statements::elements;
use super::value::Value;
use crate::python::Operator;

/// A method of a text, sequence or dictionary: its value, and what the object is afterwards where that changes.
///
/// `None` when the object is none of these.
pub(super) fn call(
    object: &Value,
    name: &str,
    arguments: &[Value],
    keywords: &[(String, Value)],
) -> Option<(Value, Option<Value>)> {
    match object {
        Value::Text(text) if name == "format" => Some((formatted(text, arguments, keywords), None)),
        Value::Text(text) => Some((of_text(text, name, arguments), None)),
        Value::Sequence(values) => Some(of_sequence(values, name, arguments)),
        Value::Dictionary(pairs) => Some(of_dictionary(pairs, name, arguments)),
        _ => None,
    }
}

fn of_text(text: &str, name: &str, arguments: &[Value]) -> Value {
    let first = match arguments.first() {
        Some(Value::Text(it)) => Some(it.as_ref()),
        _ => None,
    };
    match (name, first, arguments) {
        ("lower", None, []) => Value::text(&text.to_lowercase()),
        ("upper", None, []) => Value::text(&text.to_uppercase()),
        ("strip", None, []) => Value::text(text.trim()),
        ("isdigit", None, []) => Value::Bool(!text.is_empty() && text.chars().all(|it| it.is_ascii_digit())),
        ("startswith", Some(part), [_]) => Value::Bool(text.starts_with(part)),
        ("endswith", Some(part), [_]) => Value::Bool(text.ends_with(part)),
        ("startswith" | "endswith", None, [Value::Sequence(parts)]) => {
            let one = |it: &Value| match it {
                Value::Text(it) if name == "startswith" => Some(text.starts_with(it.as_ref())),
                Value::Text(it) => Some(text.ends_with(it.as_ref())),
                _ => None,
            };
            let all: Option<Vec<bool>> = parts.iter().map(one).collect();
            all.map_or(Value::Unknown, |it| Value::Bool(it.contains(&true)))
        }
        ("split", None, []) => Value::sequence(text.split_whitespace().map(Value::text).collect()),
        ("split", Some(mark), [_]) if !mark.is_empty() => Value::sequence(text.split(mark).map(Value::text).collect()),
        ("split" | "rsplit", Some(mark), [_, Value::Int(1)]) if !mark.is_empty() => {
            let parts = if name == "split" { text.split_once(mark) } else { text.rsplit_once(mark) };
            match parts {
                Some((a, b)) => Value::sequence(vec![Value::text(a), Value::text(b)]),
                None => Value::sequence(vec![Value::text(text)]),
            }
        }
        ("partition", Some(mark), [_]) if !mark.is_empty() => {
            let (a, b) = text.split_once(mark).unwrap_or((text, ""));
            let mark = if text.contains(mark) { mark } else { "" };
            Value::sequence(vec![Value::text(a), Value::text(mark), Value::text(b)])
        }
        ("rpartition", Some(mark), [_]) if !mark.is_empty() => match text.rsplit_once(mark) {
            Some((a, b)) => Value::sequence(vec![Value::text(a), Value::text(mark), Value::text(b)]),
            None => Value::sequence(vec![Value::text(""), Value::text(""), Value::text(text)]),
        },
        ("replace", Some(old), [_, Value::Text(new)]) if !old.is_empty() => Value::text(&text.replace(old, new)),
        ("join", None, [several]) => joined(text, several),
        _ => Value::Unknown,
    }
}

/// An attribute of a version.
pub(super) fn of_version(text: &Rc<str>, name: &str) -> Value {
    let numbers: Vec<&str> = text.split('.').take_while(|it| it.bytes().all(|b| b.is_ascii_digit())).collect();
    let number = |at: usize| match numbers.get(at).map(|it| it.parse()) {
        Some(Ok(number)) => Value::Int(number),
        Some(Err(_)) | None => Value::Unknown,
    };
    match name {
        "base_version" | "vstring" | "version" => Value::text(&numbers.join(".")),
        "release" => Value::sequence((0..numbers.len()).map(number).collect()),
        "major" => number(0),
        "minor" => number(1),
        "micro" => number(2),
        "is_prerelease" | "is_devrelease" if numbers.len() == text.split('.').count() => Value::Bool(false),
        _ => Value::Unknown,
    }
}

/// `sys.version_info.major`: the only tuple with names that is known.
pub(super) fn of_named_tuple(parts: &[Value], name: &str) -> Value {
    let at = ["major", "minor", "micro"].iter().position(|it| *it == name);
    at.and_then(|it| parts.get(it)).cloned().unwrap_or(Value::Unknown)
}

fn joined(mark: &str, several: &Value) -> Value {
    let texts = elements(several).and_then(|it| {
        let one = |it: &Value| match it {
            Value::Text(it) => Some(it.to_string()),
            _ => None,
        };
        it.iter().map(one).collect::<Option<Vec<String>>>()
    });
    texts.map_or(Value::Unknown, |it| Value::text(&it.join(mark)))
}

/// `"{}.{name}".format(a, name=b)` with texts and numbers.
fn formatted(text: &str, arguments: &[Value], keywords: &[(String, Value)]) -> Value {
    let mut pieces = text.split('{');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    let mut given = arguments.iter();
    for piece in pieces {
        let Some((field, rest)) = piece.split_once('}') else { return Value::Unknown };
        let value = match (field, field.parse::<usize>()) {
            ("", _) => given.next(),
            (_, Ok(at)) => arguments.get(at),
            (name, Err(_)) => keywords.iter().find(|(it, _)| it == name).map(|(_, value)| value),
        };
        match value {
            Some(Value::Text(it)) => out.push_str(it),
            Some(Value::Int(it)) => out.push_str(&it.to_string()),
            _ => return Value::Unknown,
        }
        out.push_str(rest);
    }
    if out.contains('}') { Value::Unknown } else { Value::text(&out) }
}

fn of_sequence(values: &Rc<Vec<Value>>, name: &str, arguments: &[Value]) -> (Value, Option<Value>) {
    let mut changed = values.as_ref().clone();
    match (name, arguments) {
        ("append" | "add", [value]) => changed.push(value.clone()),
        ("extend" | "update", [other]) => match elements(other) {
            Some(others) => changed.extend(others),
            None => return (Value::None, Some(Value::Unknown)),
        },
        ("remove" | "discard", [value]) => {
            if let Some(at) = changed.iter().position(|it| it.equals(value) == Some(true)) {
                changed.remove(at);
            }
        }
        ("insert", [Value::Int(at), value]) => {
            let at = usize::try_from(*at).unwrap_or(0).min(changed.len());
            changed.insert(at, value.clone());
        }
        ("copy", []) => return (Value::sequence(changed), None),
        ("sort" | "reverse", _) => {}
        ("pop" | "clear", _) => return (Value::Unknown, Some(Value::Unknown)),
        ("union", [other]) => match elements(other) {
            Some(others) => {
                changed.extend(others);
                return (Value::sequence(changed), None);
            }
            None => return (Value::Unknown, None),
        },
        _ => return (Value::Unknown, None),
    }
    (Value::None, Some(Value::sequence(changed)))
}

fn of_dictionary(pairs: &Rc<Vec<(Value, Value)>>, name: &str, arguments: &[Value]) -> (Value, Option<Value>) {
    match (name, arguments) {
        ("keys", []) => (Value::sequence(pairs.iter().map(|(key, _)| key.clone()).collect()), None),
        ("values", []) => (Value::sequence(pairs.iter().map(|(_, value)| value.clone()).collect()), None),
        ("items", []) => {
            let pair = |(key, value): &(Value, Value)| Value::sequence(vec![key.clone(), value.clone()]);
            (Value::sequence(pairs.iter().map(pair).collect()), None)
        }
        ("get", [key, rest @ ..]) => match element(&Value::Dictionary(Rc::clone(pairs)), key) {
            Value::Unknown => (rest.first().cloned().unwrap_or(Value::None), None),
            value => (value, None),
        },
        ("update" | "pop" | "clear" | "setdefault", _) => (Value::Unknown, Some(Value::Unknown)),
        _ => (Value::Unknown, None),
    }
}

/// `object[key]`.
pub(super) fn element(object: &Value, key: &Value) -> Value {
    match (object, key) {
        (Value::Sequence(values), Value::Int(at)) => {
            let at = if *at < 0 { i64::try_from(values.len()).unwrap_or(0) + at } else { *at };
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            values.get(at).cloned().unwrap_or(Value::Unknown)
        }
        (Value::Dictionary(pairs), key) => {
            let found = pairs.iter().rev().find(|(it, _)| it.equals(key) == Some(true));
            found.map_or(Value::Unknown, |(_, value)| value.clone())
        }
        _ => Value::Unknown,
    }
}

/// `value[start:end]`.
pub(super) fn slice(value: &Value, start: &Value, end: &Value) -> Value {
    let bound = |it: &Value, length: usize, default: usize| match it {
        Value::None => Some(default),
        Value::Int(at) => {
            let distance = usize::try_from(at.unsigned_abs()).unwrap_or(length).min(length);
            Some(if *at < 0 { length - distance } else { distance })
        }
        _ => None,
    };
    match value {
        Value::Sequence(values) => {
            let (Some(start), Some(end)) = (bound(start, values.len(), 0), bound(end, values.len(), values.len()))
            else {
                return Value::Unknown;
            };
            Value::sequence(values.get(start..end.max(start)).unwrap_or_default().to_vec())
        }
        Value::Text(text) if text.is_ascii() => {
            let (Some(start), Some(end)) = (bound(start, text.len(), 0), bound(end, text.len(), text.len())) else {
                return Value::Unknown;
            };
            Value::text(text.get(start..end.max(start)).unwrap_or_default())
        }
        _ => Value::Unknown,
    }
}

/// `left + right` and its like.
pub(super) fn operate(operator: Operator, left: &Value, right: &Value) -> Value {
    match (operator, left, right) {
        (Operator::Plus, Value::Text(a), Value::Text(b)) => Value::text(&format!("{a}{b}")),
        (Operator::Plus, Value::Int(a), Value::Int(b)) => a.checked_add(*b).map_or(Value::Unknown, Value::Int),
        (Operator::Or, Value::Int(a), Value::Int(b)) => Value::Int(a | b),
        (Operator::And, Value::Int(a), Value::Int(b)) => Value::Int(a & b),
        (Operator::Times, Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map_or(Value::Unknown, Value::Int),
        (Operator::Power, Value::Int(a), Value::Int(b)) => {
            let power = u32::try_from(*b).map_or(None, |it| a.checked_pow(it));
            power.map_or(Value::Unknown, Value::Int)
        }
        (Operator::Divide, Value::Path(_), _) | (Operator::Divide, Value::Text(_), Value::Path(_)) => {
            paths::joined(&[left.clone(), right.clone()])
        }
        (Operator::Plus, Value::Sequence(a), Value::Sequence(b)) => {
            Value::sequence(a.iter().chain(b.iter()).cloned().collect())
        }
        (Operator::Or, Value::Sequence(a), Value::Sequence(b)) => {
            let more = b.iter().filter(|it| !holds(a, it)).cloned();
            Value::sequence(a.iter().cloned().chain(more).collect())
        }
        (Operator::And, Value::Sequence(a), Value::Sequence(b)) => {
            Value::sequence(a.iter().filter(|it| holds(b, it)).cloned().collect())
        }
        (Operator::Minus, Value::Sequence(a), Value::Sequence(b)) => {
            Value::sequence(a.iter().filter(|it| !holds(b, it)).cloned().collect())
        }
        (Operator::Remainder, Value::Text(a), Value::Text(b)) if a.matches('%').count() == 1 && a.contains("%s") => {
            Value::text(&a.replace("%s", b))
        }
        _ => Value::Unknown,
    }
}

fn holds(values: &[Value], value: &Value) -> bool {
    values.iter().any(|it| it.equals(value) == Some(true))
}
