//! The types of facts, read from the published schema.
//!
//! Invariant: this file knows no field; what the schema says is all there is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::facts::Facts;

/// Deepest schema; a schema that is deeper refers to itself.
const MAX_SCHEMA_DEPTH: usize = 24;

/// The type of a fact or of a part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// `null`
    Null,
    /// true or false
    Bool,
    /// a number
    Number,
    /// text; the words that it can be, where the schema knows them
    Text(Option<Arc<Vec<String>>>),
    /// a list
    List(Box<Type>),
    /// a group of facts
    Record(Arc<Record>),
    /// the type, or null
    Nullable(Box<Type>),
    /// nothing is known: the element of an empty list
    Any,
}

/// A group of facts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// `BlasUse`
    pub(super) name: String,
    /// Its fields.
    pub(super) fields: BTreeMap<String, Type>,
}

impl Type {
    /// Text that can be anything.
    pub(super) const TEXT: Self = Self::Text(None);

    /// The type without null.
    pub(super) fn present(&self) -> &Self {
        if let Self::Nullable(inner) = self { inner } else { self }
    }

    /// The same type, or null.
    pub(super) fn or_null(self) -> Self {
        match self {
            Self::Nullable(_) | Self::Null | Self::Any => self,
            Self::Bool | Self::Number | Self::Text(_) | Self::List(_) | Self::Record(_) => {
                Self::Nullable(Box::new(self))
            }
        }
    }

    /// The words that text of this type, or of its elements, can be.
    pub(super) fn words(&self) -> Option<&[String]> {
        match self {
            Self::Text(words) => words.as_ref().map(|words| words.as_slice()),
            Self::List(inner) | Self::Nullable(inner) => inner.words(),
            Self::Null | Self::Bool | Self::Number | Self::Record(_) | Self::Any => None,
        }
    }

    /// Whether one value can be of both types.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Nullable(_), Self::Nullable(_)) => true,
            (Self::Nullable(inner), other) | (other, Self::Nullable(inner)) => {
                *other == Self::Null || inner.meets(other)
            }
            (Self::Text(_), Self::Text(_)) => true,
            (Self::List(a), Self::List(b)) => a.meets(b),
            (Self::Record(a), Self::Record(b)) => a.name == b.name,
            (a, b) => a == b,
        }
    }

    fn with_words(self, words: &Arc<Vec<String>>) -> Self {
        match self {
            Self::Text(_) => Self::Text(Some(Arc::clone(words))),
            Self::List(inner) => Self::List(Box::new(inner.with_words(words))),
            Self::Nullable(inner) => Self::Nullable(Box::new(inner.with_words(words))),
            Self::Null | Self::Bool | Self::Number | Self::Record(_) | Self::Any => self,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool => formatter.write_str("true or false"),
            Self::Number => formatter.write_str("a number"),
            Self::Text(_) => formatter.write_str("text"),
            Self::List(inner) => write!(formatter, "a list of {}", inner.plural()),
            Self::Record(record) => write!(formatter, "a group of facts ({})", record.name),
            Self::Nullable(inner) => write!(formatter, "{inner} or null"),
            Self::Any => formatter.write_str("anything"),
        }
    }
}

impl Type {
    fn plural(&self) -> String {
        match self {
            Self::Text(_) => "texts".to_owned(),
            Self::Number => "numbers".to_owned(),
            Self::Record(record) => record.name.clone(),
            Self::Null | Self::Bool | Self::List(_) | Self::Nullable(_) | Self::Any => self.to_string(),
        }
    }
}

/// The types of all facts.
pub(super) fn fact_types() -> Arc<Record> {
    let schema = schemars::schema_for!(Facts).to_value();
    match read(&schema, &schema, 0) {
        Type::Record(record) => record,
        Type::Null | Type::Bool | Type::Number | Type::Text(_) | Type::List(_) | Type::Nullable(_) | Type::Any => {
            Arc::new(Record { name: "Facts".to_owned(), fields: BTreeMap::new() })
        }
    }
}

fn read(schema: &Json, root: &Json, depth: usize) -> Type {
    let depth = depth + 1;
    if depth > MAX_SCHEMA_DEPTH {
        return Type::Any;
    }
    let plain = plain(schema, root, depth);
    let words = schema.get("x-words").and_then(Json::as_array);
    match words {
        Some(words) => plain.with_words(&Arc::new(words.iter().filter_map(Json::as_str).map(str::to_owned).collect())),
        None => plain,
    }
}

fn plain(schema: &Json, root: &Json, depth: usize) -> Type {
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|it| it.strip_prefix('#')) {
        return root.pointer(target).map_or(Type::Any, |target| named(read(target, root, depth), schema));
    }
    if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
        let fact = schema.get("x-fact").is_some().then(|| choices.first()?.pointer("/properties/value")).flatten();
        if let Some(value) = fact {
            return read(value, root, depth);
        }
        let is_null = |choice: &&Json| choice.get("type").and_then(Json::as_str) == Some("null");
        let present = choices.iter().find(|choice| !is_null(choice)).map_or(Type::Null, |it| read(it, root, depth));
        return if choices.iter().any(|choice| is_null(&choice)) { present.or_null() } else { present };
    }
    match schema.get("type") {
        Some(Json::Array(kinds)) => {
            let kind = kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or("null");
            let present = of_kind(kind, schema, root, depth);
            if kinds.iter().any(|kind| kind == "null") { present.or_null() } else { present }
        }
        Some(kind) => of_kind(kind.as_str().unwrap_or_default(), schema, root, depth),
        None => Type::Any,
    }
}

fn of_kind(kind: &str, schema: &Json, root: &Json, depth: usize) -> Type {
    match kind {
        "null" => Type::Null,
        "boolean" => Type::Bool,
        "integer" | "number" => Type::Number,
        "string" => Type::TEXT,
        "array" => Type::List(Box::new(schema.get("items").map_or(Type::Any, |items| read(items, root, depth)))),
        "object" => {
            let fields = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
            let fields = fields.map(|(name, field)| (name.clone(), read(field, root, depth))).collect();
            let name = schema.get("title").and_then(Json::as_str).unwrap_or_default().to_owned();
            Type::Record(Arc::new(Record { name, fields }))
        }
        _ => Type::Any,
    }
}

/// A record is called as its definition is.
fn named(read: Type, reference: &Json) -> Type {
    let name = reference.get("$ref").and_then(Json::as_str).and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    match read {
        Type::Record(record) if record.name.is_empty() => {
            Type::Record(Arc::new(Record { name: name.to_owned(), fields: record.fields.clone() }))
        }
        other @ (Type::Record(_)
        | Type::Null
        | Type::Bool
        | Type::Number
        | Type::Text(_)
        | Type::List(_)
        | Type::Nullable(_)
        | Type::Any) => other,
    }
}
