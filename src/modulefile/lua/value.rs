//! Values of Lua of which parts may be unknown.

use crate::job::{Place, Value};

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Datum {
    Nil,
    Boolean(bool),
    /// As a number, and as it is written where it becomes text.
    Number(f64, String),
    /// Parts of it may be unknown.
    Text(Value),
    /// Keys and values, in order.
    Table(Vec<(Datum, Datum)>),
    /// A function of the file, by its number.
    Function(usize),
    /// A function that the file does not define.
    Named(String),
    /// Not known: what it is, and its line.
    Unknown(String, u32),
}

impl Datum {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Value::known(text, &Place::default()))
    }

    /// A number as Lua 5.3 writes it.
    pub(super) fn number_of(number: f64) -> Self {
        Self::Number(number, format!("{number}"))
    }

    /// Whether it counts as true; nothing where that is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Nil => Some(false),
            Self::Boolean(holds) => Some(*holds),
            Self::Number(..) | Self::Text(_) | Self::Table(_) | Self::Function(_) => Some(true),
            // A name that the file does not give is nil, unless the site gives it.
            Self::Named(_) | Self::Unknown(..) => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number, _) => Some(*number),
            Self::Text(text) => text.text()?.trim().parse::<f64>().ok(),
            Self::Nil | Self::Boolean(_) | Self::Table(_) | Self::Function(_) | Self::Named(_) | Self::Unknown(..) => {
                None
            }
        }
    }

    /// The text, when it is one and every part is known.
    pub(super) fn known_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => text.text(),
            Self::Number(_, written) => Some(written.clone()),
            Self::Nil | Self::Boolean(_) | Self::Table(_) | Self::Function(_) | Self::Named(_) | Self::Unknown(..) => {
                None
            }
        }
    }

    /// Whether both are the same; nothing where that is not known.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Unknown(..) | Self::Named(_), _) | (_, Self::Unknown(..) | Self::Named(_)) => None,
            (Self::Text(a), Self::Text(b)) => Some(a.text()? == b.text()?),
            (Self::Number(a, _), Self::Number(b, _)) => Some((a - b).abs() == 0.0),
            (Self::Boolean(a), Self::Boolean(b)) => Some(a == b),
            (Self::Nil, Self::Nil) => Some(true),
            (Self::Table(_) | Self::Function(_), Self::Table(_) | Self::Function(_)) => None,
            _ => Some(false),
        }
    }

    /// The value of a key of a table; nil where it has none.
    pub(super) fn field(&self, key: &Self) -> Self {
        match self {
            Self::Table(fields) => {
                let found = fields.iter().rev().find(|(it, _)| it.equals(key) == Some(true));
                found.map_or(Self::Nil, |(_, value)| value.clone())
            }
            Self::Named(name) => match key.known_text() {
                Some(key) => Self::Named(format!("{name}.{key}")),
                None => Self::Unknown(name.clone(), 0),
            },
            Self::Nil | Self::Boolean(_) | Self::Number(..) | Self::Text(_) | Self::Function(_) | Self::Unknown(..) => {
                Self::Unknown("a field of something that is not known".to_owned(), 0)
            }
        }
    }
}
