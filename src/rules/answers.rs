//! What the macros (`exists`, `all`, `exists_one`, `filter`, `map`) make of the answers for each element.
//!
//! Invariant: elements that are hidden, or whose answer is unknown, count as able to say anything.

use super::operators;
use super::value::{Missing, Seen, Value, once_each, union};

/// What a macro's body says of one element.
pub(super) struct Answer<'f> {
    /// The element.
    pub(super) item: Seen<'f>,
    /// The test of `map(variable, test, body)`.
    pub(super) test: Option<Seen<'f>>,
    /// The body.
    pub(super) body: Seen<'f>,
}

/// What a macro's body says of each element.
pub(super) struct Answers<'f> {
    /// One for each known element.
    pub(super) items: Vec<Answer<'f>>,
    /// What hides further elements.
    pub(super) open: Vec<Missing>,
    /// What the list rests on.
    pub(super) list: Vec<u64>,
}

impl<'f> Answers<'f> {
    /// `exists` (`decides` is true) and `all` (false): the first element that decides, else all of them.
    pub(super) fn any(self, decides: bool) -> Seen<'f> {
        let decided = self.items.iter().find(|it| matches!(it.body.value, Value::Bool(value) if value == decides));
        if let Some(answer) = decided {
            let because = union(&answer.item.because, &answer.body.because);
            // Where the element's own fields carry no evidence, it stands there because the list says so.
            return Seen::bool(decides, if because.is_empty() { self.list } else { because });
        }
        let missing = self.missing();
        if !missing.is_empty() {
            return Seen::unknown(missing);
        }
        Seen::bool(!decides, self.every_reason())
    }

    /// `exists_one`
    pub(super) fn one(self) -> Seen<'f> {
        let holds = |answer: &&Answer<'_>| matches!(answer.body.value, Value::Bool(true));
        let count = self.items.iter().filter(holds).count();
        let missing = self.missing();
        if count < 2 && !missing.is_empty() {
            return Seen::unknown(missing);
        }
        Seen::bool(count == 1, self.every_reason())
    }

    /// `filter`: an element that might belong leaves the list open.
    pub(super) fn filter(self) -> Seen<'f> {
        let mut open = self.open;
        let (mut items, mut because) = (Vec::new(), self.list);
        for answer in self.items {
            match unless_bool(&answer.body) {
                None => because.extend(&answer.body.because),
                Some(missing) => open.extend(missing),
            }
            if matches!(answer.body.value, Value::Bool(true)) {
                items.push(answer.item);
            }
        }
        Seen { value: Value::List { items, open: once_each(open.iter()) }, because: once_each(because.iter()) }
    }

    /// `map`
    pub(super) fn map(self) -> Seen<'f> {
        let mut open = self.open;
        let (mut items, mut because) = (Vec::new(), self.list);
        for answer in self.items {
            if let Some(test) = &answer.test {
                match unless_bool(test) {
                    None => because.extend(&test.because),
                    Some(missing) => open.extend(missing),
                }
            }
            if answer.test.is_none_or(|test| matches!(test.value, Value::Bool(true))) {
                items.push(answer.body);
            }
        }
        Seen { value: Value::List { items, open: once_each(open.iter()) }, because: once_each(because.iter()) }
    }

    /// What all answers together rest on: the list, and what was asked of each element.
    fn every_reason(&self) -> Vec<u64> {
        once_each(self.list.iter().chain(self.items.iter().flat_map(|answer| &answer.body.because)))
    }

    /// What is missing to know every answer.
    fn missing(&self) -> Vec<Missing> {
        let unknown: Vec<Missing> = self.items.iter().filter_map(|it| unless_bool(&it.body)).flatten().collect();
        once_each(self.open.iter().chain(&unknown))
    }
}

/// What is missing unless the value is true or false.
fn unless_bool(seen: &Seen<'_>) -> Option<Vec<Missing>> {
    if matches!(seen.value, Value::Bool(_)) {
        return None;
    }
    operators::wrong("true or false is needed", &[seen]).missing()
}
