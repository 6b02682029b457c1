//! Operators and functions on values that may be unknown.
//!
//! Invariant: a result is known only if every way to fill in what is unknown would give the same one.

use std::cmp::Ordering;

use crate::base::compare_versions;

use super::expression::{Arithmetic, Comparison, Function};
use super::value::{Missing, Seen, Value, once_each, union};

/// Unknown: because an operand is, or because it is of the wrong kind.
pub(super) fn wrong<'f>(needed: &str, operands: &[&Seen<'_>]) -> Seen<'f> {
    let mut missing: Vec<Missing> = Vec::new();
    for operand in operands {
        if let Value::Unknown(reasons) = &operand.value {
            missing = union(&missing, reasons);
        }
    }
    if missing.is_empty() {
        let kinds: Vec<_> = operands.iter().map(|operand| operand.kind()).collect();
        missing.push(Missing::text("condition", format!("{needed}, not {}", kinds.join(" and "))));
    }
    Seen::unknown(missing)
}

impl Seen<'_> {
    /// What is missing, if the value is unknown.
    pub(super) fn missing(self) -> Option<Vec<Missing>> {
        if let Value::Unknown(missing) = self.value { Some(missing) } else { None }
    }
}

/// `!a`
pub(super) fn not(a: Seen<'_>) -> Seen<'_> {
    if let Value::Bool(value) = a.value {
        Seen::bool(!value, a.because)
    } else {
        wrong("true or false is needed", &[&a])
    }
}

/// `-a`
pub(super) fn negate<'f>(a: Seen<'f>) -> Seen<'f> {
    match a.value {
        Value::Int(value) => Seen { value: Value::Int(value.saturating_neg()), because: a.because },
        Value::Double(value) => Seen { value: Value::Double(-value), because: a.because },
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List { .. } | Value::Record(_) | Value::Unknown(_) => {
            wrong("a number is needed", &[&a])
        }
    }
}

/// `list[index]`: of a list that may have further members, nothing can be said.
pub(super) fn index<'f>(list: Seen<'f>, index: &Seen<'f>) -> Seen<'f> {
    match (&list.value, &index.value) {
        (Value::List { items, open }, Value::Int(at)) if open.is_empty() => {
            match usize::try_from(*at).ok().and_then(|at| items.get(at)) {
                Some(item) => item.clone().after(&list.because),
                None => Seen::unknown(vec![Missing::text("condition", format!("the list has no element {at}"))]),
            }
        }
        (Value::List { open, .. }, Value::Int(_)) => Seen::unknown(open.clone()),
        (_, _) => wrong("a list and a number are needed", &[&list, index]),
    }
}

/// `==`, `<` and so on.
pub(super) fn compare<'f>(comparison: Comparison, a: &Seen<'f>, b: &Seen<'f>) -> Seen<'f> {
    let because = || union(&a.because, &b.because);
    let by_order = |test: fn(Ordering) -> bool| match order(a, b) {
        Some(order) => Seen::bool(test(order), because()),
        None => wrong("two numbers are needed", &[a, b]),
    };
    match comparison {
        Comparison::Equal => match equal(a, b) {
            Ok(same) => Seen::bool(same, because()),
            Err(missing) => Seen::unknown(missing),
        },
        Comparison::NotEqual => match equal(a, b) {
            Ok(same) => Seen::bool(!same, because()),
            Err(missing) => Seen::unknown(missing),
        },
        Comparison::Less => by_order(Ordering::is_lt),
        Comparison::LessOrEqual => by_order(Ordering::is_le),
        Comparison::Greater => by_order(Ordering::is_gt),
        Comparison::GreaterOrEqual => by_order(Ordering::is_ge),
    }
}

fn order(a: &Seen<'_>, b: &Seen<'_>) -> Option<Ordering> {
    if let (Value::Int(a), Value::Int(b)) = (&a.value, &b.value) {
        return Some(a.cmp(b));
    }
    number(a)?.partial_cmp(&number(b)?)
}

/// A number; whole ones beyond 2^53 lose digits, which no fact reaches.
#[allow(clippy::cast_precision_loss)]
fn number(a: &Seen<'_>) -> Option<f64> {
    match &a.value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List { .. } | Value::Record(_) | Value::Unknown(_) => {
            None
        }
    }
}

/// Whether two values are the same; what is missing if that cannot be said.
fn equal(a: &Seen<'_>, b: &Seen<'_>) -> Result<bool, Vec<Missing>> {
    match (&a.value, &b.value) {
        (Value::Unknown(x), Value::Unknown(y)) => Err(union(x, y)),
        (Value::Unknown(missing), _) | (_, Value::Unknown(missing)) => Err(missing.clone()),
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(x), Value::Bool(y)) => Ok(x == y),
        (Value::Text(x), Value::Text(y)) => Ok(x == y),
        (Value::Record(x), Value::Record(y)) => Ok(x == y),
        (Value::List { items: x, open: p }, Value::List { items: y, open: q }) => {
            if !p.is_empty() || !q.is_empty() {
                return Err(union(p, q));
            }
            equal_lists(x, y)
        }
        (_, _) => Ok(order(a, b) == Some(Ordering::Equal)),
    }
}

fn equal_lists(x: &[Seen<'_>], y: &[Seen<'_>]) -> Result<bool, Vec<Missing>> {
    if x.len() != y.len() {
        return Ok(false);
    }
    let mut unknown = Vec::new();
    for (a, b) in x.iter().zip(y) {
        match equal(a, b) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(missing) => unknown = union(&unknown, &missing),
        }
    }
    if unknown.is_empty() { Ok(true) } else { Err(unknown) }
}

/// `a in list`
pub(super) fn member<'f>(a: &Seen<'f>, list: &Seen<'f>) -> Seen<'f> {
    let Value::List { items, open } = &list.value else { return wrong("a list is needed", &[list, a]) };
    if let Value::Unknown(missing) = &a.value {
        return Seen::unknown(missing.clone());
    }
    let mut missing = open.clone();
    let mut because = union(&a.because, &list.because);
    for item in items {
        match equal(a, item) {
            Ok(true) => return Seen::bool(true, union(&union(&a.because, &list.because), &item.because)),
            Ok(false) => because.extend(&item.because),
            Err(reasons) => missing.extend(reasons),
        }
    }
    if missing.is_empty() {
        Seen::bool(false, once_each(because.iter()))
    } else {
        Seen::unknown(once_each(missing.iter()))
    }
}

/// `a + b` and so on.
pub(super) fn arithmetic<'f>(operation: Arithmetic, a: Seen<'f>, b: Seen<'f>) -> Seen<'f> {
    let because = union(&a.because, &b.because);
    let value = match (&a.value, &b.value, operation) {
        (Value::Int(x), Value::Int(y), Arithmetic::Add) => x.checked_add(*y).map(Value::Int),
        (Value::Int(x), Value::Int(y), Arithmetic::Subtract) => x.checked_sub(*y).map(Value::Int),
        (Value::Int(x), Value::Int(y), Arithmetic::Multiply) => x.checked_mul(*y).map(Value::Int),
        (Value::Text(x), Value::Text(y), Arithmetic::Add) => Some(Value::Text(format!("{x}{y}").into())),
        (Value::Text(_), Value::Null, Arithmetic::Add) | (Value::Null, Value::Text(_), Arithmetic::Add) => {
            Some(Value::Text(format!("{}{}", a.display(), b.display()).into()))
        }
        (Value::List { items: x, open: p }, Value::List { items: y, open: q }, Arithmetic::Add) => {
            Some(Value::List { items: x.iter().chain(y).cloned().collect(), open: union(p, q) })
        }
        (_, _, _) => match (number(&a), number(&b), operation) {
            (Some(x), Some(y), Arithmetic::Add) => Some(Value::Double(x + y)),
            (Some(x), Some(y), Arithmetic::Subtract) => Some(Value::Double(x - y)),
            (Some(x), Some(y), Arithmetic::Multiply) => Some(Value::Double(x * y)),
            (_, _, _) => None,
        },
    };
    match value {
        Some(value) => Seen { value, because },
        None => wrong("two numbers of a sane size, two texts or two lists are needed", &[&a, &b]),
    }
}

/// A function or method.
pub(super) fn call<'f>(function: &Function, arguments: &[Seen<'f>]) -> Seen<'f> {
    let because = arguments.iter().fold(Vec::new(), |all, argument| union(&all, &argument.because));
    let known = |value| Seen { value, because: because.clone() };
    let all: Vec<&Seen<'f>> = arguments.iter().collect();
    match (function, arguments.first().map(|first| &first.value)) {
        (Function::Size | Function::First, Some(Value::List { open, .. })) if !open.is_empty() => {
            Seen::unknown(open.clone())
        }
        (Function::Size, Some(Value::List { items, .. })) => known(count(items.len())),
        (Function::Size, Some(Value::Text(text))) => known(count(text.chars().count())),
        (Function::First, Some(Value::List { items, .. })) => match items.first() {
            Some(item) => item.clone().after(&because),
            None => known(Value::Null),
        },
        (Function::Basename | Function::LowerAscii | Function::UpperAscii, Some(Value::Null)) => known(Value::Null),
        (_, _) => match texts(function, arguments) {
            Some(value) => known(value),
            None => wrong("another kind of value is needed", &all),
        },
    }
}

fn count<'f>(number: usize) -> Value<'f> {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Functions of texts; nothing when an argument is no text.
fn texts<'f>(function: &Function, arguments: &[Seen<'f>]) -> Option<Value<'f>> {
    let text = |index: usize| match arguments.get(index).map(|argument| &argument.value) {
        Some(Value::Text(text)) => Some(text.as_ref()),
        Some(_) | None => None,
    };
    let a = text(0)?;
    Some(match function {
        Function::StartsWith => Value::Bool(a.starts_with(text(1)?)),
        Function::EndsWith => Value::Bool(a.ends_with(text(1)?)),
        Function::Contains => Value::Bool(a.contains(text(1)?)),
        Function::Matches(pattern) => Value::Bool(pattern.is_match(a)),
        Function::LowerAscii => Value::Text(a.to_ascii_lowercase().into()),
        Function::UpperAscii => Value::Text(a.to_ascii_uppercase().into()),
        Function::VersionLess => Value::Bool(compare_versions(a, text(1)?).is_lt()),
        Function::Basename => Value::Text(a.rsplit('/').next().unwrap_or(a).to_owned().into()),
        Function::Split => {
            let pieces = a.split(text(1)?).map(|piece| Seen::new(Value::Text(piece.to_owned().into())));
            Value::List { items: pieces.collect(), open: Vec::new() }
        }
        Function::Size | Function::First => return None,
    })
}
