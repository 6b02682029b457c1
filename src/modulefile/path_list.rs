//! A list of directories in a variable, as module systems change it: both count who added what, Lmod sorts by priority.
//!
//! Measured, and read in their sources: Environment Modules 5.2.0 (`modulecmd.tcl`: `add-path`, `unload-path`) leaves a
//! directory where it is that is in the list already; Lmod 8.6.19 (`Var.lua`) moves it.

use std::collections::BTreeMap;

use super::effect::How;
use super::knowledge::System;
use crate::job::{Binding, Environment, Part, Place, Value};

#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    count: u32,
    priority: i64,
}

impl Entry {
    fn is(&self, text: &str) -> bool {
        self.value.text().is_some_and(|it| it == text)
    }
}

/// The list of one variable.
#[derive(Debug)]
pub struct PathList {
    system: System,
    name: String,
    delimiter: String,
    entries: Vec<Entry>,
    places: Vec<Place>,
}

impl PathList {
    /// The list as the environment has it by now. A part that is not known is kept, as one entry.
    pub fn of(system: System, name: &str, delimiter: &str, environment: &Environment) -> Self {
        let value = match environment.get(name) {
            Binding::Set(value) => Some(value),
            Binding::Unset(_) => None,
            Binding::Unknown { reason, place } => Some(Value::unknown(reason, &place)),
        };
        let places = value.as_ref().map(|it| it.places.clone()).unwrap_or_default();
        let mut list =
            Self { system, name: name.to_owned(), delimiter: delimiter.to_owned(), entries: Vec::new(), places };
        let counts = numbers(environment, &list.counter());
        let priorities = numbers(environment, &list.priorities());
        let holds_empty = counts.contains_key("");
        let is_empty = value.as_ref().and_then(Value::text).is_some_and(|it| it.is_empty());
        let pieces = value.map(|it| list.split(&it)).unwrap_or_default();
        for piece in pieces.into_iter().filter(|_| !is_empty || holds_empty && system == System::Tcl) {
            let text = piece.text().unwrap_or_default();
            let known = list.entries.iter_mut().find(|it| system == System::Lmod && !text.is_empty() && it.is(&text));
            if let Some(same) = known {
                same.count += 1;
                continue;
            }
            let count = counts.get(&text).map_or(1, |it| u32::try_from(*it).unwrap_or(1));
            let priority = priorities.get(&text).copied().unwrap_or_default();
            list.entries.push(Entry { value: piece, count, priority });
        }
        list
    }

    /// Adds or takes out what a command of a modulefile names; `place` is added to where the list comes from.
    pub fn change(&mut self, how: How, arguments: &[Value], priority: i64, place: &Place) {
        let mut pieces: Vec<Value> = arguments.iter().flat_map(|it| self.split_argument(it)).collect();
        if how == How::Prepend {
            pieces.reverse();
        }
        for piece in pieces {
            match (how, self.system) {
                (How::Remove, _) => self.remove(&piece),
                (How::Prepend, System::Tcl) => self.add(piece, 0),
                (How::Append, System::Tcl) => self.add(piece, usize::MAX),
                (How::Prepend, System::Lmod) => self.insert(piece, true, priority.saturating_neg()),
                (How::Append, System::Lmod) => self.insert(piece, false, priority),
            }
        }
        self.came_by(place);
    }

    /// Remembers a place that the list comes from, before the others.
    pub fn came_by(&mut self, place: &Place) {
        self.places.retain(|it| it != place);
        self.places.insert(0, place.clone());
        self.places.truncate(crate::job::limits::VALUE_PLACES);
    }

    /// Writes the list back, and what the system keeps beside it.
    pub fn store(&self, environment: &mut Environment, place: &Place) {
        let mut value = Value::default();
        for (at, entry) in self.entries.iter().enumerate() {
            if 0 < at {
                value.push_text(&self.delimiter);
            }
            value.push(&entry.value);
        }
        if self.system == System::Lmod && self.entries.last().is_some_and(|it| it.is("")) {
            value.push_text(&self.delimiter);
            if self.entries.len() == 1 {
                value.push_text(&self.delimiter);
            }
        }
        if self.system == System::Lmod && self.name == "PATH" {
            value = without_empty(value);
        }
        value.places.clone_from(&self.places);
        let binding = if self.entries.is_empty() { Binding::Unset(place.clone()) } else { Binding::Set(value) };
        environment.set(self.name.as_str(), binding);
        let counted = |it: &&Entry| self.system == System::Lmod || 1 < it.count || it.is("");
        let counts = self.entries.iter().filter(counted).map(|it| (it, i64::from(it.count)));
        note(environment, &self.counter(), self.between(), counts, place);
        if self.system == System::Lmod {
            let sorted = self.entries.iter().filter(|it| it.priority != 0).map(|it| (it, it.priority));
            note(environment, &self.priorities(), self.between(), sorted, place);
        }
    }

    fn counter(&self) -> String {
        match self.system {
            System::Tcl => format!("__MODULES_SHARE_{}", self.name),
            System::Lmod => format!("__LMOD_REF_COUNT_{}", self.name),
        }
    }

    fn priorities(&self) -> String {
        format!("__LMOD_Priority_{}", self.name)
    }

    fn between(&self) -> char {
        match self.system {
            System::Tcl => ':',
            System::Lmod => ';',
        }
    }

    fn split_argument(&self, value: &Value) -> Vec<Value> {
        if value.text().is_some_and(|it| it.is_empty()) { vec![value.clone()] } else { self.split(value) }
    }

    /// Elements between delimiters. Lmod writes paths in their plain form, and drops empty ones at the end but one.
    fn split(&self, value: &Value) -> Vec<Value> {
        let mut pieces: Vec<Value> = vec![Value { parts: Vec::new(), places: value.places.clone() }];
        for part in &value.parts {
            match part {
                Part::Text(text) => {
                    for (at, piece) in text.split(self.delimiter.as_str()).enumerate() {
                        if 0 < at {
                            pieces.push(Value { parts: Vec::new(), places: value.places.clone() });
                        }
                        if let Some(last) = pieces.last_mut() {
                            last.push_text(piece);
                        }
                    }
                }
                Part::Unknown { .. } => {
                    let one = Value { parts: vec![part.clone()], places: value.places.clone() };
                    if let Some(last) = pieces.last_mut() {
                        last.push(&one);
                    }
                }
            }
        }
        if self.system == System::Lmod {
            pieces = pieces.into_iter().map(plain).collect();
            let full = pieces.iter().rposition(|it| !it.text().is_some_and(|it| it.is_empty()));
            pieces.truncate(full.map_or(1, |it| it + 2));
        }
        pieces
    }

    fn add(&mut self, piece: Value, at: usize) {
        let text = piece.text();
        let same = text.and_then(|text| self.entries.iter_mut().find(|it| it.is(&text)));
        match same {
            Some(entry) => entry.count += 1,
            None => {
                let at = at.min(self.entries.len());
                self.entries.insert(at, Entry { value: piece, count: 1, priority: 0 });
            }
        }
    }

    fn insert(&mut self, piece: Value, first: bool, priority: i64) {
        let text = piece.text();
        let old = text.and_then(|text| self.entries.iter().position(|it| it.is(&text)));
        let old = old.map(|at| self.entries.remove(at));
        let before = old.as_ref().map_or(0, |it| it.priority);
        let priority = match priority {
            0 => 0,
            it if it < 0 => it.min(before),
            it => it.max(before),
        };
        let at = if first {
            self.entries.iter().position(|it| priority <= it.priority)
        } else {
            self.entries.iter().position(|it| priority < it.priority)
        };
        let count = old.map_or(0, |it| it.count) + 1;
        self.entries.insert(at.unwrap_or(self.entries.len()), Entry { value: piece, count, priority });
    }

    fn remove(&mut self, piece: &Value) {
        let Some(text) = piece.text() else {
            // What is taken out is not known: nothing of the list is.
            let place = self.places.first().cloned().unwrap_or_default();
            let value = Value::unknown(format!("${} without a directory that is not known", self.name), &place);
            self.entries = vec![Entry { value, count: 1, priority: 0 }];
            return;
        };
        let Some(first) = self.entries.iter_mut().find(|it| it.is(&text)) else { return };
        first.count = first.count.saturating_sub(1);
        let left = usize::try_from(first.count).unwrap_or_default();
        let mut seen = 0;
        self.entries.retain(|it| {
            seen += usize::from(it.is(&text));
            !it.is(&text) || seen <= left
        });
    }
}

/// A path without double slashes, without `.` inside and without a slash at its end (Lmod 8.6.19, `path_regularize`).
fn plain(value: Value) -> Value {
    let Some(text) = value.text() else { return value };
    let trimmed = text.trim();
    let mut plain = String::with_capacity(trimmed.len());
    for letter in trimmed.chars() {
        if letter != '/' || !plain.ends_with('/') {
            plain.push(letter);
        }
    }
    let kept: Vec<&str> =
        plain.split('/').enumerate().filter(|(at, it)| *at == 0 || *it != ".").map(|(_, it)| it).collect();
    let plain = kept.join("/");
    let mut written = Value { parts: Vec::new(), places: value.places };
    written.push_text(plain.strip_suffix('/').unwrap_or(&plain));
    written
}

/// Lmod takes empty entries out of `PATH`.
fn without_empty(value: Value) -> Value {
    let Some(text) = value.text() else { return value };
    let full: Vec<&str> = text.split(':').filter(|it| !it.is_empty()).collect();
    let mut written = Value { parts: Vec::new(), places: value.places };
    written.push_text(&full.join(":"));
    written
}

/// What a system keeps beside a list: `ELEMENT:NUMBER`, several of them.
fn numbers(environment: &Environment, name: &str) -> BTreeMap<String, i64> {
    let text = environment.value(name).and_then(Value::text).unwrap_or_default();
    let mut found = BTreeMap::new();
    let mut words = text.split([':', ';']);
    while let (Some(element), Some(number)) = (words.next(), words.next()) {
        if let Ok(number) = number.parse::<i64>() {
            found.insert(element.to_owned(), number);
        }
    }
    found
}

fn note<'a>(
    environment: &mut Environment,
    name: &str,
    between: char,
    numbers: impl Iterator<Item = (&'a Entry, i64)>,
    place: &Place,
) {
    let all: Vec<String> =
        numbers.filter_map(|(entry, number)| Some(format!("{}:{number}", entry.value.text()?))).collect();
    if !all.is_empty() {
        environment.set(name, Binding::Set(Value::known(all.join(&between.to_string()), place)));
    } else if environment.own(name).is_some() {
        environment.set(name, Binding::Unset(place.clone()));
    }
}
