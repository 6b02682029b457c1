//! The environment of the audited process: data, never the environment of this tool.

use std::collections::BTreeMap;

/// Environment variables with the place where each was set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<Vec<u8>, Setting>);

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
        self.0.insert(name.into(), Setting { value: value.into(), origin: origin.to_owned() });
    }

    /// Sets all of `more`, as set there.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Forgets `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name.as_bytes());
    }

    /// The value, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(|it| it.value.as_slice())
    }

    /// The value when it is set and not empty: how CPython and ld.so read most of theirs.
    pub fn non_empty(&self, name: &str) -> Option<&[u8]> {
        self.get(name).filter(|it| !it.is_empty())
    }

    /// Every variable, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Setting)> {
        self.0.iter().map(|(name, setting)| (name.as_slice(), setting))
    }
}
