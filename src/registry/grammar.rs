//! Which values a variable takes.

use regex::Regex;
use serde::Deserialize;

/// Longest value that is looked at, in bytes; a longer one is taken as it is.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// The kinds of values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Grammar {
    /// Anything.
    #[default]
    Text,
    /// A file or directory.
    Path,
    /// A whole number.
    Integer {
        /// The smallest.
        least: Option<i64>,
        /// The largest.
        most: Option<i64>,
        /// Words that may stand in its place.
        #[serde(default)]
        words: Vec<String>,
        /// Letters that may follow it: `kmgt`.
        #[serde(default)]
        units: String,
        /// Whether several may stand with commas between.
        #[serde(default)]
        list: bool,
    },
    /// One of some words.
    Words {
        /// The words.
        words: Vec<String>,
        /// Whether capitals count.
        #[serde(default)]
        exact: bool,
        /// Whether several may stand with commas between.
        #[serde(default)]
        list: bool,
    },
    /// Numbers of CPUs: `0-7:2,9`, with commas or spaces between.
    CpuList,
    /// Places of OpenMP: `cores`, `sockets(2)`, `{0:8}:4:8`.
    Places {
        /// Abstract names.
        words: Vec<String>,
    },
    /// What a pattern matches.
    Pattern {
        /// The pattern, over the whole value.
        pattern: Pattern,
        /// What it matches, in words.
        means: String,
    },
}

/// A regular expression that compares by its text.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&format!("^(?:{text})$")).map(Self)
    }
}

impl Grammar {
    /// What is expected, if `value` is not of this kind.
    pub fn refuses(&self, value: &str) -> Option<String> {
        if MAX_VALUE_BYTES < value.len() || self.accepts(value.trim()) { None } else { Some(self.expected()) }
    }

    /// What is expected, in words: "a whole number, 1 or more".
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Integer { least, most, words, units, list } => {
                let range = match (least, most) {
                    (Some(least), Some(most)) => format!(" from {least} to {most}"),
                    (Some(least), None) => format!(", {least} or more"),
                    (None, Some(most)) => format!(", {most} or less"),
                    (None, None) => String::new(),
                };
                let units: Vec<String> = units.chars().map(|it| it.to_ascii_uppercase().to_string()).collect();
                let units =
                    if units.is_empty() { String::new() } else { format!(", possibly with {}", units.join(", ")) };
                let several = if *list { ", or several with commas between" } else { "" };
                let words = if words.is_empty() { String::new() } else { format!(", or {}", words.join(", ")) };
                format!("a whole number{range}{units}{several}{words}")
            }
            Self::Words { words, exact, list } => {
                let several = if *list { ", or several with commas between" } else { "" };
                let capitals = if *exact { ", in exactly these letters" } else { "" };
                format!("{}{several}{capitals}", words.join(", "))
            }
            Self::CpuList => "numbers of CPUs, such as 0-7 or 0,2,4".to_owned(),
            Self::Places { words } => format!("{} or a list of places such as {{0:4}}:8:4", words.join(", ")),
            Self::Pattern { means, .. } => means.clone(),
        }
    }

    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Text | Self::Path => true,
            Self::Integer { least, most, words, units, list } => parts(value, *list).all(|it| {
                let in_range = |number: i64| least.is_none_or(|it| it <= number) && most.is_none_or(|it| number <= it);
                word(words, it, false) || integer(it, units).is_some_and(in_range)
            }),
            Self::Words { words, exact, list } => parts(value, *list).all(|it| word(words, it, *exact)),
            Self::CpuList => value.split([',', ' ', '\t']).all(is_cpu_range),
            Self::Places { words } => is_places(value, words),
            Self::Pattern { pattern, .. } => pattern.0.is_match(value),
        }
    }
}

fn parts(value: &str, list: bool) -> impl Iterator<Item = &str> {
    let separator = move |it: char| list && it == ',';
    value.split(separator).map(str::trim)
}

fn word(words: &[String], value: &str, exact: bool) -> bool {
    words.iter().any(|it| if exact { it == value } else { it.eq_ignore_ascii_case(value) })
}

/// A number, possibly with one of some letters behind it; one too large for any machine counts as the largest.
fn integer(text: &str, units: &str) -> Option<i64> {
    let unit = |it: char| units.contains(it.to_ascii_lowercase());
    let number = text.strip_suffix(unit).unwrap_or(text).trim_end();
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(sign))
}

fn is_cpu_range(text: &str) -> bool {
    let (range, stride) = text.split_once(':').unwrap_or((text, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |it: &str| {
        let digits = !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        digits.then(|| it.parse::<u64>().unwrap_or(u64::MAX))
    };
    let ordered = number(first).zip(number(last)).is_some_and(|(first, last)| first <= last);
    ordered && number(stride).is_some_and(|it| 0 < it)
}

/// An abstract name, possibly with a count, or intervals `!{...}:count:stride`.
fn is_places(value: &str, words: &[String]) -> bool {
    let (name, count) = match value.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')')),
        None => (value, Some("1")),
    };
    if word(words, name, false) {
        return count.is_some_and(|it| integer(it.trim(), "").is_some_and(|it| 0 < it));
    }
    let mut depth = 0_u32;
    let mut balanced = true;
    for letter in value.chars() {
        match letter {
            '{' => depth += 1,
            '}' => balanced &= depth == 1,
            '0'..='9' | ',' | ':' | '-' | ' ' | '!' => {}
            _ => return false,
        }
        depth = if letter == '}' { 0 } else { depth };
        balanced &= depth <= 1;
    }
    balanced && depth == 0 && value.contains(|it: char| it.is_ascii_digit())
}
