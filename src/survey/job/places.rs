//! Places of a script become evidence, numbers with places become facts, what is unknown becomes a gap.

use crate::base::Stage;
use crate::facts::{Evidence, EvidenceId, Fact, GapId};
use crate::job::{Binding, Place, Value};
use crate::launch::Quantity;
use crate::survey::ledger::Ledger;

impl Ledger {
    /// The line of a script, with what is meant in it.
    pub(super) fn place(&mut self, place: &Place) -> EvidenceId {
        let marked = 0 < place.column;
        self.keep(Evidence {
            path: place.file.clone(),
            line: Some(place.line),
            column: marked.then_some(place.column),
            length: marked.then_some(place.length),
            offset: None,
            text: place.text.clone(),
        })
    }

    /// Several of them.
    pub(super) fn places(&mut self, places: &[Place]) -> Vec<EvidenceId> {
        places.iter().filter(|it| 0 < it.line).map(|it| self.place(it)).collect()
    }

    /// What a script leaves open.
    pub(super) fn open<T>(&mut self, place: &Place, reason: &str, hides: &str) -> Fact<T> {
        let line = if 0 < place.line { format!(" (line {})", place.line) } else { String::new() };
        Fact::unknown(self.keep_gap(place.file.clone(), Stage::Job, &format!("{reason}{line}"), hides))
    }

    /// A number, with what it rests on; `at` is where the launch stands.
    pub(super) fn quantity(&mut self, quantity: &Quantity, at: &Place, hides: &str) -> Fact<u64> {
        match quantity.value {
            Some(value) => {
                let because = self.resting(&quantity.places, at);
                Fact::known(value, because)
            }
            None => {
                let place = quantity.places.first().unwrap_or(at);
                self.open(place, &quantity.reason(), hides)
            }
        }
    }

    /// The places, or the launch where there are none.
    pub(super) fn resting(&mut self, places: &[Place], at: &Place) -> Vec<EvidenceId> {
        match self.places(places) {
            because if because.is_empty() => vec![self.place(at)],
            because => because,
        }
    }

    /// The text of a value.
    pub(super) fn text_of(&mut self, value: &Value, at: &Place, hides: &str) -> Fact<String> {
        match (value.text(), value.first_unknown()) {
            (Some(text), _) => {
                let because = self.resting(&value.places, at);
                Fact::known(text, because)
            }
            (None, Some((what, place))) => self.open(place, &format!("{what} is not known"), hides),
            (None, None) => self.open(at, "it is not known", hides),
        }
    }
}

/// `job.sh:12`.
pub(super) fn named(place: &Place) -> String {
    let name = place.file.rsplit('/').next().unwrap_or_default();
    format!("{name}:{}", place.line)
}

/// A list, and what may hide further members of it.
pub(super) fn whole<T>(list: Vec<T>, because: Vec<EvidenceId>, open: Option<GapId>) -> Fact<Vec<T>> {
    match open {
        Some(gap) => Fact::partial(list, because, gap),
        None => Fact::known(list, because),
    }
}

/// The text of a variable, when it is set and known.
pub(super) fn known_text(binding: &Binding) -> Option<String> {
    match binding {
        Binding::Set(value) => value.text(),
        Binding::Unset(_) | Binding::Unknown { .. } => None,
    }
}
