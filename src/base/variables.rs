//! The environment of the audited process: data, never the environment of this tool.

use std::collections::BTreeMap;

/// Environment variables with the place where each was set.
///
/// Invariant: what may have another value than the one that is set here is hidden, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    set: BTreeMap<Vec<u8>, Setting>,
    hidden: BTreeMap<Vec<u8>, String>,
    hides_rest: Option<String>,
}

/// One value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value as bytes.
    pub value: Vec<u8>,
    /// `caller`, `--env`, `job.env:3`, `image`.
    pub origin: String,
}

impl Variables {
    /// Sets `name`; the last setting wins.
    pub fn set(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, origin: &str) {
        let name = name.into();
        self.hidden.remove(&name);
        self.set.insert(name, Setting { value: value.into(), origin: origin.to_owned() });
    }

    /// The value of `name` is not known: what is set is a part of it, or nothing. Setting it again says it.
    pub fn hide(&mut self, name: impl Into<Vec<u8>>, reason: &str) {
        self.hidden.insert(name.into(), reason.to_owned());
    }

    /// Any variable that is not set here may be set.
    pub fn hide_rest(&mut self, reason: &str) {
        self.hides_rest = Some(reason.to_owned());
    }

    /// Sets all of `more`, as set there.
    pub fn extend(&mut self, more: Self) {
        more.set.keys().for_each(|name| drop(self.hidden.remove(name)));
        self.set.extend(more.set);
        self.hidden.extend(more.hidden);
        self.hides_rest = more.hides_rest.or(self.hides_rest.take());
    }

    /// Forgets `name`.
    pub fn remove(&mut self, name: &str) {
        self.set.remove(name.as_bytes());
        self.hidden.remove(name.as_bytes());
    }

    /// Why the value of `name` is not known, or is known in part.
    pub fn hidden(&self, name: &str) -> Option<&str> {
        let name = name.as_bytes();
        let rest = || self.hides_rest.as_deref().filter(|_| !self.set.contains_key(name));
        self.hidden.get(name).map(String::as_str).or_else(rest)
    }

    /// Every variable whose value is not known, and why; sorted by name.
    pub fn all_hidden(&self) -> impl Iterator<Item = (&[u8], &str)> {
        self.hidden.iter().map(|(name, reason)| (name.as_slice(), reason.as_str()))
    }

    /// Why there may be further variables.
    pub fn rest_hidden(&self) -> Option<&str> {
        self.hides_rest.as_deref()
    }

    /// The value, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.set.get(name.as_bytes()).map(|it| it.value.as_slice())
    }

    /// The value when it is set and not empty: how CPython and ld.so read most of theirs.
    pub fn non_empty(&self, name: &str) -> Option<&[u8]> {
        self.get(name).filter(|it| !it.is_empty())
    }

    /// Every variable, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Setting)> {
        self.set.iter().map(|(name, setting)| (name.as_slice(), setting))
    }
}
