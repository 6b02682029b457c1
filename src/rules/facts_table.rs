//! The facts of an example: TOML in, partial facts as JSON out, checked against the types of the facts.
//!
//! A plain value is known, `{ unknown = "reason" }` is unknown, `{ value = [..], incomplete = "reason" }` may have
//! further members, `{ absent = true }` is null. A field that is not given is unknown.

use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::Names;
use super::condition::Mistake;
use super::file_error::hint;
use super::types::{Record, Type};

/// Deepest nesting of an example's facts.
const MAX_DEPTH: usize = 16;

type Field<'i> = (&'i Spanned<std::borrow::Cow<'i, str>>, &'i Spanned<DeValue<'i>>);

/// Reads the table `facts` of an example. Offsets of mistakes count in the file.
pub(super) fn read(table: &DeTable<'_>, names: &Names) -> Result<Map<String, Json>, Mistake> {
    let mut facts = Map::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some((_, expected)) = names.0.iter().find(|(known, _)| known == name) else {
            let known: Vec<_> = names.0.iter().map(|(name, _)| name.as_str()).collect();
            return Err(unknown(key.span().start, "unknown name", name, &known));
        };
        facts.insert(name.to_owned(), read_value(value, expected, 0)?);
    }
    Ok(facts)
}

fn unknown(at: usize, what: &str, name: &str, known: &[&str]) -> Mistake {
    let help = hint(name, known.iter().copied()).unwrap_or_else(|| format!("one of {}", known.join(", ")));
    Mistake::new(at, format!("{what} `{name}`")).with_help(Some(help))
}

fn read_value(value: &Spanned<DeValue<'_>>, expected: &Type, depth: usize) -> Result<Json, Mistake> {
    let at = value.span().start;
    if depth > MAX_DEPTH {
        return Err(Mistake::new(at, "nested too deep"));
    }
    let unfit = || Mistake::new(at, format!("{expected} is needed here, not a TOML {}", value.get_ref().type_str()));
    match (value.get_ref(), expected.present()) {
        (DeValue::Table(table), _) if special(table) => special_value(table, expected, at, depth),
        (DeValue::Table(table), Type::Record(record)) => read_record(table.iter().collect(), record, depth),
        (DeValue::Array(items), Type::List(element)) => {
            let items = items.iter().map(|item| read_value(item, element, depth + 1));
            items.collect::<Result<Vec<_>, _>>().map(Json::Array)
        }
        (DeValue::String(text), Type::Text(words)) => {
            let text = text.as_ref();
            let fits = words.as_ref().is_none_or(|words| words.iter().any(|word| word == text));
            let words: Vec<_> = words.iter().flat_map(|words| words.iter().map(String::as_str)).collect();
            if fits { Ok(Json::from(text)) } else { Err(unknown(at, "this is never", text, &words)) }
        }
        (DeValue::Boolean(value), Type::Bool) => Ok(Json::from(*value)),
        (DeValue::Integer(number), Type::Number) => number.as_str().parse::<i64>().map(Json::from).map_err(|_| unfit()),
        (_, _) => Err(unfit()),
    }
}

fn read_record(fields: Vec<Field<'_>>, record: &Record, depth: usize) -> Result<Json, Mistake> {
    let mut facts = Map::new();
    for (key, value) in fields {
        let name = key.get_ref().as_ref();
        let Some(expected) = record.fields.get(name) else {
            let known: Vec<_> = record.fields.keys().map(String::as_str).collect();
            return Err(unknown(key.span().start, &format!("{} has no field", record.name), name, &known));
        };
        facts.insert(name.to_owned(), read_value(value, expected, depth + 1)?);
    }
    Ok(Json::Object(facts))
}

/// Whether a table says how much is known, and not what.
fn special(table: &DeTable<'_>) -> bool {
    let alone = |key: &str| table.len() == 1 && table.contains_key(key);
    alone("unknown")
        || alone("absent")
        || table.len() == 2 && table.contains_key("value") && table.contains_key("incomplete")
}

fn special_value(table: &DeTable<'_>, expected: &Type, at: usize, depth: usize) -> Result<Json, Mistake> {
    let reason = |value: &Spanned<DeValue<'_>>| match value.get_ref().as_str() {
        Some(text) => Ok(Json::from(text)),
        None => Err(Mistake::new(value.span().start, "the reason is needed here, as text")),
    };
    let one = |key: &str, value: Json| Ok(Json::Object(Map::from_iter([(key.to_owned(), value)])));
    if let Some(value) = table.get("unknown") {
        return one("unknown", reason(value)?);
    }
    if table.get("absent").is_some() {
        let nullable = matches!(expected, Type::Nullable(_));
        return if nullable {
            Ok(Json::Null)
        } else {
            Err(Mistake::new(at, format!("this is never absent: {expected}")))
        };
    }
    let (Some(value), Some(incomplete)) = (table.get("value"), table.get("incomplete")) else {
        return Err(Mistake::new(at, "neither a value nor unknown"));
    };
    if !matches!(expected.present(), Type::List(_)) {
        return Err(Mistake::new(at, format!("only a list can be incomplete, not {expected}")));
    }
    let known = read_value(value, expected, depth + 1)?;
    Ok(Json::Object(Map::from_iter([("value".to_owned(), known), ("incomplete".to_owned(), reason(incomplete)?)])))
}
