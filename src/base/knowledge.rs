//! What is wrong with a file of knowledge: file, line, column and the nearest valid word.

use super::TextFile;

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}{}", suggestion(nearest.as_deref()))]
pub struct KnowledgeError {
    /// The file, as given to `load`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, in lower case without full stop.
    pub message: String,
    /// The valid word that is nearest to the one that stands there.
    pub nearest: Option<String>,
}

impl KnowledgeError {
    /// An error at byte `at` of the file.
    pub fn at(file: &TextFile, at: usize, message: impl Into<String>) -> Self {
        let before = file.text.get(..at).unwrap_or(&file.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |it| it.chars().count()) + 1;
        Self { file: file.path.clone(), line, column, message: message.into(), nearest: None }
    }

    /// With the word of `valid` that is nearest to `word`.
    #[must_use]
    pub fn instead_of<'a>(mut self, word: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = nearest(word, valid);
        self
    }

    /// What the TOML reader says, with the nearest of the words that it expected.
    pub fn toml(file: &TextFile, error: &toml::de::Error) -> Self {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        // serde writes: unknown field `x`, expected one of `a`, `b`.
        let mut quoted = message.split('`').skip(1).step_by(2);
        let nearest = match message.starts_with("unknown") {
            true => quoted.next().and_then(|word| nearest(word, quoted)),
            false => None,
        };
        Self { nearest, ..Self::at(file, error.span().map_or(0, |it| it.start), message.clone()) }
    }
}

/// Reads a description whose messages need no more than the TOML reader says.
///
/// # Errors
/// What the TOML reader says, with its place.
pub fn parse<T: serde::de::DeserializeOwned>(file: &TextFile) -> Result<T, KnowledgeError> {
    toml::from_str(&file.text).map_err(|it| KnowledgeError::toml(file, &it))
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default()
}

/// The word of `valid` that is nearest to `word`, if one is near.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let candidates = valid.into_iter().map(|it| (distance(word, it), it));
    candidates.filter(|(far, it)| *far <= 1 + it.len() / 3).min().map(|(_, it)| it.to_owned())
}

/// Insertions, deletions and replacements between two words.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            next.push((at(&row, j) + usize::from(x != *y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_word() {
        assert_eq!(nearest("defnes", ["needed", "defines", "wants"]), Some("defines".to_owned()));
        assert_eq!(nearest("xyz", ["needed", "defines"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
