//! A value with its provenance: what is known of it as text, what is not, and where it comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::limits::{VALUE_BYTES, VALUE_PARTS, VALUE_PLACES};

/// A stretch of one line of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as the script was named or as it names the file that it sources.
    pub file: String,
    /// Counts from 1.
    pub line: u32,
    /// Counts from 1, in characters.
    pub column: u32,
    /// Characters that are meant, in this line.
    pub length: u32,
    /// The line as it stands, without newline; a very long line is cut (`limits::LINE_CHARACTERS`).
    pub text: String,
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Known text.
    Text(String),
    /// Text that only running the script would tell.
    Unknown {
        /// `$(hostname -s)`, `$HOME`, `$X (env.sh may set it)`.
        what: String,
        /// Where that stands.
        place: Place,
    },
}

/// Text of which parts may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// In order; no two known texts follow each other.
    pub parts: Vec<Part>,
    /// Assignments and words that it came from, the latest first.
    pub places: Vec<Place>,
}

impl Value {
    /// A known text that stands at `place`.
    pub fn known(text: impl Into<String>, place: &Place) -> Self {
        let mut value = Self { parts: Vec::new(), places: vec![place.clone()] };
        value.push_text(&text.into());
        value
    }

    /// A value of which nothing is known.
    pub fn unknown(what: impl Into<String>, place: &Place) -> Self {
        let part = Part::Unknown { what: what.into(), place: place.clone() };
        Self { parts: vec![part], places: vec![place.clone()] }
    }

    /// The text, when every part is known.
    pub fn text(&self) -> Option<String> {
        match self.parts.as_slice() {
            [] => Some(String::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether every part is known.
    pub fn is_known(&self) -> bool {
        self.first_unknown().is_none()
    }

    /// The first part that is not known: what it is, and where that stands.
    pub fn first_unknown(&self) -> Option<(&str, &Place)> {
        self.parts.iter().find_map(|it| match it {
            Part::Text(_) => None,
            Part::Unknown { what, place } => Some((what.as_str(), place)),
        })
    }

    /// For people: known text as it is, what is unknown between angle brackets.
    pub fn display(&self) -> String {
        let show = |it: &Part| match it {
            Part::Text(text) => text.clone(),
            Part::Unknown { what, .. } => format!("<{what}>"),
        };
        self.parts.iter().map(show).collect()
    }

    /// Whether the same is known of both, wherever it comes from.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.parts == other.parts
    }

    /// Whether the value is certainly not the empty text.
    pub fn is_certainly_not_empty(&self) -> bool {
        self.parts.iter().any(|it| matches!(it, Part::Text(text) if !text.is_empty()))
    }

    /// Appends known text.
    pub fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            Some(Part::Unknown { .. }) | None => self.parts.push(Part::Text(text.to_owned())),
        }
        self.bound();
    }

    /// Appends another value and remembers where it came from.
    pub fn push(&mut self, other: &Self) {
        for part in &other.parts {
            match part {
                Part::Text(text) => self.push_text(text),
                Part::Unknown { .. } => self.parts.push(part.clone()),
            }
        }
        self.came_all_from(other);
        self.bound();
    }

    /// Remembers where another value came from.
    pub(super) fn came_all_from(&mut self, other: &Self) {
        for place in &other.places {
            self.came_from(place);
        }
    }

    /// A substitution loses the line breaks at its end.
    pub(super) fn trim_newlines(&mut self) {
        if let Some(Part::Text(text)) = self.parts.last_mut() {
            text.truncate(text.trim_end_matches('\n').len());
            if text.is_empty() {
                self.parts.pop();
            }
        }
    }

    /// This value as it is after the assignment or word at `place`.
    #[must_use]
    pub fn latest(mut self, place: &Place) -> Self {
        self.places.retain(|it| it != place);
        self.places.insert(0, place.clone());
        self.places.truncate(VALUE_PLACES);
        self
    }

    fn came_from(&mut self, place: &Place) {
        if self.places.len() < VALUE_PLACES && !self.places.contains(place) {
            self.places.push(place.clone());
        }
    }

    /// A script can double a value in every line.
    fn bound(&mut self) {
        let bytes = |it: &Part| match it {
            Part::Text(text) => text.len(),
            Part::Unknown { what, .. } => what.len(),
        };
        if VALUE_PARTS < self.parts.len() || VALUE_BYTES < self.parts.iter().map(bytes).sum() {
            let place = self.places.first().cloned().unwrap_or_default();
            self.parts = vec![Part::Unknown { what: "a very long value".to_owned(), place }];
        }
    }
}

/// What is known of one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// It has this value, which may be unknown.
    Set(Value),
    /// It is certainly not set; the place that says so.
    Unset(Place),
    /// It may be set or not.
    Unknown {
        /// Reads after "unknown: ": `env.sh may set it`.
        reason: String,
        /// Where that comes from.
        place: Place,
    },
}

impl Binding {
    /// Whether the same is known of both, wherever it comes from.
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => a.says_the_same(b),
            (Self::Unset(_), Self::Unset(_)) => true,
            (Self::Unknown { reason: a, place: x }, Self::Unknown { reason: b, place: y }) => a == b && x == y,
            (Self::Set(_) | Self::Unset(_) | Self::Unknown { .. }, _) => false,
        }
    }
}

/// What is true of the names that an [`Environment`] does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rest {
    /// They are not set.
    #[default]
    Unset,
    /// They may be set or not.
    Unknown {
        /// Reads after "unknown: ".
        reason: String,
        /// Where that comes from.
        place: Place,
    },
}

/// Variables by name, and what is true of all others. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    bindings: Arc<BTreeMap<Arc<str>, Arc<Binding>>>,
    rest: Rest,
}

impl Environment {
    /// No variable is held; `rest` is true of all.
    pub fn new(rest: Rest) -> Self {
        Self { bindings: Arc::default(), rest }
    }

    /// What is known of `name`; where nothing was said of it, what is true of the rest.
    pub fn get(&self, name: &str) -> Binding {
        match (self.bindings.get(name), &self.rest) {
            (Some(binding), _) => Binding::clone(binding),
            (None, Rest::Unset) => Binding::Unset(Place::default()),
            (None, Rest::Unknown { reason, place }) => {
                Binding::Unknown { reason: reason.clone(), place: place.clone() }
            }
        }
    }

    /// What was said of `name` itself.
    pub fn own(&self, name: &str) -> Option<&Binding> {
        self.bindings.get(name).map(Arc::as_ref)
    }

    /// The value of `name`, when it is certainly set.
    pub fn value(&self, name: &str) -> Option<&Value> {
        match self.own(name) {
            Some(Binding::Set(value)) => Some(value),
            Some(Binding::Unset(_) | Binding::Unknown { .. }) | None => None,
        }
    }

    /// Says something of one name.
    pub fn set(&mut self, name: impl AsRef<str>, binding: Binding) {
        Arc::make_mut(&mut self.bindings).insert(Arc::from(name.as_ref()), Arc::new(binding));
    }

    /// What is true of the names that are not held.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Says what is true of the names that are not held.
    pub fn set_rest(&mut self, rest: Rest) {
        self.rest = rest;
    }

    /// From here on nothing is known of any name: something ran that may change them all.
    pub fn forget(&mut self, reason: &str, place: &Place) {
        self.bindings = Arc::default();
        self.rest = Rest::Unknown { reason: reason.to_owned(), place: place.clone() };
    }

    /// Says of a name what another environment says of it.
    pub(super) fn set_like(&mut self, name: &str, other: &Self) {
        if let Some((name, binding)) = other.bindings.get_key_value(name) {
            Arc::make_mut(&mut self.bindings).insert(Arc::clone(name), Arc::clone(binding));
        }
    }

    /// Every name of which something was said, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.bindings.iter().map(|(name, binding)| (name.as_ref(), binding.as_ref()))
    }

    /// Whether nothing was said of any name since both were one.
    pub(super) fn same_bindings(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bindings, &other.bindings)
    }

    /// Whether the same is known of every name, wherever it comes from.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let same = |mine: (&Arc<str>, &Arc<Binding>), theirs: (&Arc<str>, &Arc<Binding>)| {
            mine.0 == theirs.0 && (Arc::ptr_eq(mine.1, theirs.1) || mine.1.says_the_same(theirs.1))
        };
        self.rest == other.rest
            && (Arc::ptr_eq(&self.bindings, &other.bindings)
                || (self.bindings.len() == other.bindings.len()
                    && self.bindings.iter().zip(other.bindings.iter()).all(|(mine, theirs)| same(mine, theirs))))
    }
}
