//! Which variable was meant by a name that nobody reads.

use super::{Registry, Variable};
use crate::base::distance;

/// Shortest part of a name behind its prefix in which a misspelling can be told from another name.
const LEAST_LETTERS: usize = 4;

/// Longest name that is compared.
const MOST_LETTERS: usize = 100;

/// From this many letters behind the prefix two of them may be wrong.
const LONG: usize = 7;

impl Registry {
    /// The variable that was meant, if nobody is known to read `name` and it is a misspelling of one.
    ///
    /// Up to two letters of a name may be wrong, one where others choose names with the same prefix.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let prefix = self.prefixes.iter().filter(|it| name.starts_with(&it.name)).max_by_key(|it| it.name.len())?;
        // `NAME_*` describes whatever nobody has heard of.
        let described = |it: &Variable| it.name.strip_suffix('*') != Some(&prefix.name);
        if MOST_LETTERS < name.len()
            || self.variable(name).is_some_and(described)
            || self.known.iter().any(|it| it == name)
        {
            return None;
        }
        let letters = name.len() - prefix.name.len();
        if letters < LEAST_LETTERS {
            return None;
        }
        let most = if prefix.open || letters < LONG { 1 } else { 2 };
        let described = self.variables().iter().filter(|it| !it.is_glob()).map(|it| it.name.as_str());
        let names = described.chain(self.known.iter().map(String::as_str)).filter(|it| it.starts_with(&prefix.name));
        let near = names.map(|it| (distance(name, it), it)).filter(|(far, _)| *far <= most);
        near.min().map(|(_, it)| it)
    }
}
