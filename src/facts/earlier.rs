//! Facts that an earlier version saved: what it did not say is unknown, never a default.
//!
//! The published schema says what may stand where; this file knows no field.
//!
//! Invariant: a fact that is not there becomes unknown. Where what is not there names its owner, the owner cannot be used: a
//! member of a list is left out and the list may be incomplete, any other fact is unknown. Outside of facts that is an error.
//! Invariant: what the schema does not know is an error, so that a misspelt name does not pass for an absent one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::error::FactsError;
use super::{Facts, Gap};

/// Deepest nesting that is followed; the schema of the facts is a third of that.
const MAX_DEPTH: usize = 48;
/// Absent fields that the gap names.
const NAMED_FIELDS: usize = 24;

/// Makes saved facts whole; whether they lacked anything.
///
/// # Errors
/// When something stands there that the facts do not know, or a name is missing that no fact encloses.
pub(super) fn complete(saved: &mut Value) -> Result<bool, FactsError> {
    let root = schemars::schema_for!(Facts).to_value();
    let gap = saved.get("gaps").and_then(Value::as_array).map_or(0, Vec::len);
    let mut filler = Filler { root: &root, gap, absent: BTreeSet::new() };
    filler.fill(saved, &root, &Place::default()).map_err(|trouble| match trouble {
        Trouble::Nameless(place) => FactsError::Lacks(place),
        Trouble::Wrong(error) => error,
    })?;
    if filler.absent.is_empty() {
        return Ok(false);
    }
    if let Some(gaps) = saved.get_mut("gaps").and_then(Value::as_array_mut) {
        gaps.push(json!(filler.gap()));
    }
    Ok(true)
}

/// Where something stands, for people and without the index in lists.
#[derive(Clone, Default)]
struct Place {
    shown: String,
    field: String,
    depth: usize,
}

impl Place {
    fn field(&self, name: &str) -> Self {
        let below = |it: &str| if it.is_empty() { name.to_owned() } else { format!("{it}.{name}") };
        Self { shown: below(&self.shown), field: below(&self.field), depth: self.depth + 1 }
    }

    fn member(&self, index: usize) -> Self {
        Self { shown: format!("{}[{index}]", self.shown), field: self.field.clone(), depth: self.depth + 1 }
    }
}

/// Why something cannot be made whole.
enum Trouble {
    /// This is not there, and it is no fact.
    Nameless(String),
    /// No version would have written this.
    Wrong(FactsError),
}

struct Filler<'s> {
    root: &'s Value,
    gap: usize,
    absent: BTreeSet<String>,
}

impl<'s> Filler<'s> {
    fn fill(&mut self, value: &mut Value, schema: &'s Value, place: &Place) -> Result<(), Trouble> {
        let schema = self.target(schema);
        if place.depth > MAX_DEPTH {
            return Err(Trouble::Wrong(FactsError::TooDeep(place.shown.clone())));
        }
        if is_fact(schema) {
            return self.fill_fact(value, schema, place);
        }
        let kinds = kinds(schema);
        if !kinds.is_empty() && !kinds.contains(&kind(value)) {
            return Err(wrong_type(place, kinds.join(" or ")));
        }
        if let (Value::Object(fields), Some(known)) = (&mut *value, properties(schema)) {
            return self.fill_record(fields, known, schema, place);
        }
        if let (Value::Array(members), Some(member)) = (&mut *value, schema.get("items")) {
            for (index, it) in members.iter_mut().enumerate() {
                self.fill(it, member, &place.member(index))?;
            }
        }
        Ok(())
    }

    fn fill_record(
        &mut self,
        fields: &mut Map<String, Value>,
        known: &'s Map<String, Value>,
        schema: &Value,
        place: &Place,
    ) -> Result<(), Trouble> {
        for name in fields.keys() {
            only(name, known.keys(), place)?;
        }
        let required = schema.get("required").and_then(Value::as_array);
        for (name, field) in known {
            let below = place.field(name);
            if let Some(inner) = fields.get_mut(name) {
                self.fill(inner, field, &below)?;
                continue;
            }
            let target = self.target(field);
            if is_fact(target) {
                fields.insert(name.clone(), self.unknown(&below));
            } else if properties(target).is_some() {
                // A group of facts of which nothing was said; one with a name of its own cannot be made up.
                let mut group = json!({});
                self.fill(&mut group, target, &below)?;
                fields.insert(name.clone(), group);
            } else if required.is_some_and(|it| it.iter().any(|it| it == name)) {
                self.absent.insert(below.field);
                return Err(Trouble::Nameless(below.shown));
            }
        }
        Ok(())
    }

    fn fill_fact(&mut self, fact: &mut Value, schema: &'s Value, place: &Place) -> Result<(), Trouble> {
        const EXPECTED: &str = "a value with what it is known because of, or the number of the gap that hides it";
        let Value::Object(parts) = &mut *fact else { return Err(wrong_type(place, EXPECTED.to_owned())) };
        let forms = schema.get("anyOf").and_then(Value::as_array);
        let mut forms = forms.into_iter().flatten().filter_map(|it| properties(it).map(|parts| (it, parts)));
        let key = if parts.contains_key("unknown") { "unknown" } else { "value" };
        let Some((form, known)) = forms.find(|(_, known)| known.contains_key(key)) else { return Ok(()) };
        let required = form.get("required").and_then(Value::as_array);
        let is_there = |name: &Value| name.as_str().is_some_and(|name| parts.contains_key(name));
        if !required.is_some_and(|it| it.iter().all(is_there)) {
            return Err(wrong_type(place, EXPECTED.to_owned()));
        }
        for (name, part) in parts.iter_mut() {
            only(name, known.keys(), place)?;
            let Some(schema) = known.get(name).filter(|_| name != "value") else { continue };
            self.fill(part, schema, &place.field(name))?;
        }
        let (Some(value), Some(schema)) = (parts.get_mut("value"), known.get("value")) else { return Ok(()) };
        let whole = match (value, schema.get("items")) {
            (Value::Array(members), Some(member)) => self.fill_members(members, member, place)?,
            (value, _) => match self.fill(value, schema, place) {
                Ok(()) => true,
                Err(Trouble::Nameless(_)) => {
                    *fact = self.unknown(place);
                    return Ok(());
                }
                Err(wrong @ Trouble::Wrong(_)) => return Err(wrong),
            },
        };
        if !whole && parts.get("incomplete").is_none_or(Value::is_null) {
            parts.insert("incomplete".to_owned(), json!(self.gap));
        }
        Ok(())
    }

    /// Leaves out members that lack what names them; whether none did.
    fn fill_members(&mut self, members: &mut Vec<Value>, schema: &'s Value, place: &Place) -> Result<bool, Trouble> {
        let before = members.len();
        for (index, mut member) in std::mem::take(members).into_iter().enumerate() {
            match self.fill(&mut member, schema, &place.member(index)) {
                Ok(()) => members.push(member),
                Err(Trouble::Nameless(_)) => {}
                Err(wrong @ Trouble::Wrong(_)) => return Err(wrong),
            }
        }
        Ok(members.len() == before)
    }

    fn unknown(&mut self, place: &Place) -> Value {
        self.absent.insert(place.field.clone());
        json!({"unknown": self.gap})
    }

    fn gap(&self) -> Gap {
        let mut named: Vec<String> = self.absent.iter().take(NAMED_FIELDS).cloned().collect();
        if let Some(more) = self.absent.len().checked_sub(NAMED_FIELDS).filter(|it| *it > 0) {
            named.push(format!("and {more} more"));
        }
        Gap {
            path: String::new(),
            stage: "facts".to_owned(),
            reason: "the facts were saved by an earlier version, which did not say it".to_owned(),
            hides: named.join(", "),
        }
    }

    /// What a reference stands for.
    fn target(&self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
        reference.and_then(|it| self.root.pointer(it)).unwrap_or(schema)
    }
}

fn is_fact(schema: &Value) -> bool {
    schema.get("x-fact").is_some()
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

fn only<'n>(name: &str, known: impl Iterator<Item = &'n String> + Clone, place: &Place) -> Result<(), Trouble> {
    if known.clone().any(|it| it == name) {
        return Ok(());
    }
    let place = if place.shown.is_empty() { "the facts".to_owned() } else { place.shown.clone() };
    Err(Trouble::Wrong(FactsError::Field { place, name: name.to_owned(), known: known.cloned().collect() }))
}

fn wrong_type(place: &Place, expected: String) -> Trouble {
    Trouble::Wrong(FactsError::Shape { place: place.shown.clone(), expected })
}

/// The kinds of value that a schema allows; none where it does not say.
fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(kind) => kind.as_str().into_iter().collect(),
        None => Vec::new(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
