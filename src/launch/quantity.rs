//! A number with its provenance.

use crate::job::{Place, Value};

/// A number that is known with the places that it came from, or unknown with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quantity {
    /// The number.
    pub value: Option<u64>,
    /// What it came from, the latest first. Empty for defaults and for what the site profile says.
    pub places: Vec<Place>,
    /// How it came about: `-c 16`, `2 nodes x 8 ranks`.
    pub because: String,
    /// Why it is not known, and which line of the site profile would decide it.
    pub unknown: Option<String>,
}

impl Quantity {
    /// A number that follows from no single place.
    pub fn known(value: u64, because: impl Into<String>) -> Self {
        Self { value: Some(value), because: because.into(), ..Self::default() }
    }

    /// A number that cannot be told.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { unknown: Some(reason.into()), ..Self::default() }
    }

    /// What `value` says as a number; `name` is the option or variable that it is the value of.
    pub(super) fn read(name: &str, value: &Value) -> Self {
        let places = value.places.clone();
        let because = format!("{name} {}", value.display());
        let number = value.text().map(|it| it.trim().parse::<u64>());
        let unknown = match (&number, value.first_unknown()) {
            (Some(Ok(_)), _) => None,
            (Some(Err(_)), _) => Some(format!("{because} is no number")),
            (None, Some((what, place))) => Some(format!("{what} in line {} is not known", place.line)),
            (None, None) => Some(format!("{because} is not known")),
        };
        let value = match number {
            Some(Ok(number)) => Some(number),
            Some(Err(_)) | None => None,
        };
        Self { value, places, because, unknown }
    }

    /// With places, where it has none yet.
    #[must_use]
    pub fn at(mut self, places: &[Place]) -> Self {
        if self.places.is_empty() {
            self.places = places.to_vec();
        }
        self
    }

    /// A number made of two; `None` of `make` says that it cannot be made: the reason is `because`.
    pub(super) fn with(&self, other: &Self, because: &str, make: impl Fn(u64, u64) -> Option<u64>) -> Self {
        let mut places = self.places.clone();
        places.extend(other.places.iter().filter(|it| !self.places.contains(it)).cloned());
        let unknown = |reason: &str| Self { places: places.clone(), ..Self::unknown(reason) };
        match (self.value, other.value) {
            (Some(a), Some(b)) => match make(a, b) {
                Some(value) => Self { value: Some(value), places, because: because.to_owned(), unknown: None },
                None => unknown(because),
            },
            (None, _) => unknown(&self.reason()),
            (_, None) => unknown(&other.reason()),
        }
    }

    /// Why it is not known.
    pub fn reason(&self) -> String {
        self.unknown.clone().unwrap_or_else(|| "nothing says it".to_owned())
    }

    /// The same number, or unknown when two ways disagree.
    pub(super) fn agree(&self, other: &Self) -> Self {
        match (self.value, other.value) {
            (Some(a), Some(b)) if a != b => Self {
                places: self.places.clone(),
                ..Self::unknown(format!("{a} ({}) or {b} ({})", self.because, other.because))
            },
            (Some(_), None) => other.clone(),
            (Some(_), Some(_)) | (None, _) => self.clone(),
        }
    }
}
