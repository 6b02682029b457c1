//! Values of conditions: three-valued, each with what it rests on.
//!
//! Invariant: an unknown value always says what is missing.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hash;

use serde_json::Value as Json;

/// Why something is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reason {
    /// Index into the gaps of the facts.
    Gap(u64),
    /// Said directly.
    Text(String),
}

/// A fact that is missing, by its dotted name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Missing {
    /// `hdf5.parallel`
    pub(super) name: String,
    /// Why.
    pub(super) reason: Reason,
}

impl Missing {
    pub(super) fn text(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: Reason::Text(reason.into()) }
    }
}

/// A value without what it rests on.
#[derive(Debug, Clone)]
pub(super) enum Value<'f> {
    /// Known to be absent.
    Null,
    /// `true`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// Text.
    Text(Cow<'f, str>),
    /// A list; it may have further members if `open` names what hides them.
    List {
        /// The known members.
        items: Vec<Seen<'f>>,
        /// What hides further members; empty when there are none.
        open: Vec<Missing>,
    },
    /// A group of facts.
    Record(&'f serde_json::Map<String, Json>),
    /// Nothing can be said.
    Unknown(Vec<Missing>),
}

/// A value with what it rests on.
#[derive(Debug, Clone)]
pub(super) struct Seen<'f> {
    /// The value.
    pub(super) value: Value<'f>,
    /// Indices into the evidence of the facts, in the order in which they were met.
    pub(super) because: Vec<u64>,
}

impl<'f> Seen<'f> {
    pub(super) fn new(value: Value<'f>) -> Self {
        Self { value, because: Vec::new() }
    }

    pub(super) fn bool(value: bool, because: Vec<u64>) -> Self {
        Self { value: Value::Bool(value), because }
    }

    pub(super) fn unknown(missing: Vec<Missing>) -> Self {
        Self::new(Value::Unknown(missing))
    }

    /// This value resting on `before` as well.
    pub(super) fn after(mut self, before: &[u64]) -> Self {
        self.because = union(before, &self.because);
        self
    }

    /// Reads facts: a fact is transparent, the rest is as it stands. `name` is asked only when something is missing.
    pub(super) fn read(json: &'f Json, name: &dyn Fn() -> String) -> Self {
        match json {
            Json::Null => Self::new(Value::Null),
            Json::Bool(value) => Self::new(Value::Bool(*value)),
            Json::Number(number) => {
                Self::new(number.as_i64().map_or_else(
                    || number.as_f64().map_or_else(|| Value::Unknown(Vec::new()), Value::Double),
                    Value::Int,
                ))
            }
            Json::String(text) => Self::new(Value::Text(Cow::Borrowed(text))),
            Json::Array(items) => {
                let element = |(index, item)| Self::read(item, &|| element_name(&name(), index, item));
                Self::new(Value::List { items: items.iter().enumerate().map(element).collect(), open: Vec::new() })
            }
            Json::Object(record) => Self::read_object(record, name),
        }
    }

    fn read_object(record: &'f serde_json::Map<String, Json>, name: &dyn Fn() -> String) -> Self {
        let missing = |reason: &Json| {
            let reason = reason
                .as_u64()
                .map_or_else(|| Reason::Text(reason.as_str().unwrap_or("unknown").to_owned()), Reason::Gap);
            vec![Missing { name: name(), reason }]
        };
        match (record.get("unknown"), record.get("value"), record.get("because"), record.get("incomplete")) {
            (Some(reason), None, None, None) if record.len() == 1 => Self::unknown(missing(reason)),
            (None, Some(value), because, incomplete) if because.is_some() || incomplete.is_some() => {
                let mut seen = Self::read(value, name);
                seen.because =
                    because.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_u64).collect();
                if let (Value::List { open, .. }, Some(reason)) = (&mut seen.value, incomplete) {
                    *open = missing(reason);
                }
                seen
            }
            (_, _, _, _) => Self::new(Value::Record(record)),
        }
    }

    /// The word for messages about types.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Double(_) => "a number",
            Value::Text(_) => "text",
            Value::List { .. } => "a list",
            Value::Record(_) => "a group of facts",
            Value::Unknown(_) => "unknown",
        }
    }

    /// The value for people: lists joined, unknown parts say so.
    pub(super) fn display(&self) -> String {
        match &self.value {
            Value::Null => "none".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Double(value) => value.to_string(),
            Value::Text(text) => text.to_string(),
            Value::List { items, open } => {
                let mut words: Vec<String> = items.iter().map(Self::display).collect();
                if !open.is_empty() {
                    words.push("...".to_owned());
                }
                words.join(", ")
            }
            Value::Record(record) => label(record).unwrap_or_default().to_owned(),
            Value::Unknown(_) => "unknown".to_owned(),
        }
    }
}

/// What a record is called: the first of the fields that merely name a thing.
pub(super) fn label(record: &serde_json::Map<String, Json>) -> Option<&str> {
    ["user", "name", "path", "soname", "package", "entry", "object"].iter().find_map(|key| record.get(*key)?.as_str())
}

/// `process.hdf5[NAME]`, or the place in the list where nothing names the element
pub(super) fn element_name(list: &str, index: usize, item: &Json) -> String {
    match item.as_object().and_then(label) {
        Some(label) => format!("{list}[{label}]"),
        None => format!("{list}[{index}]"),
    }
}

/// Both, in order, each once.
pub(super) fn union<T: Clone + Eq + Hash>(a: &[T], b: &[T]) -> Vec<T> {
    once_each(a.iter().chain(b))
}

/// All of them, in order, each once.
pub(super) fn once_each<'t, T: Clone + Eq + Hash + 't>(all: impl Iterator<Item = &'t T>) -> Vec<T> {
    let mut seen = HashSet::new();
    all.filter(|item| seen.insert(*item)).cloned().collect()
}
