//! Patterns of the shell (`*`, `?`, `[a-z]`) and regular expressions against known text.
//!
//! Invariant: time is bounded by the lengths; texts beyond the bound are not compared, which is an unknown.

/// Characters of a text that is trimmed or in which something is replaced: the work grows with the square.
const TEXT_CHARACTERS: usize = 2_000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Atom>);

#[derive(Debug, Clone)]
enum Atom {
    One(char),
    Any,
    Star,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// The pattern; a backslash makes the next letter plain. `None` for extended patterns such as `@(a|b)`.
    pub(super) fn new(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        let mut atoms = Vec::new();
        let mut at = 0;
        while let Some(letter) = letters.get(at).copied() {
            at += 1;
            if matches!(letter, '@' | '+' | '!' | '?' | '*') && letters.get(at) == Some(&'(') {
                return None;
            }
            atoms.push(match letter {
                '*' => Atom::Star,
                '?' => Atom::Any,
                '\\' => {
                    at += 1;
                    Atom::One(letters.get(at - 1).copied().unwrap_or('\\'))
                }
                '[' => match set(letters.get(at..).unwrap_or_default()) {
                    Some((atom, width)) => {
                        at += width;
                        atom
                    }
                    None => Atom::One('['),
                },
                other => Atom::One(other),
            });
        }
        Some(Self(atoms))
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &[char]) -> bool {
        let (mut at, mut pos) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while let Some(letter) = text.get(pos) {
            match self.0.get(at) {
                Some(Atom::Star) => {
                    star = Some((at + 1, pos));
                    at += 1;
                    continue;
                }
                Some(atom) if atom.takes(*letter) => {
                    at += 1;
                    pos += 1;
                    continue;
                }
                Some(_) | None => {}
            }
            let Some((after, taken)) = star else { return false };
            star = Some((after, taken + 1));
            at = after;
            pos = taken + 1;
        }
        self.0.get(at..).unwrap_or_default().iter().all(|it| matches!(it, Atom::Star))
    }

    /// The text without what matches at one end.
    pub(super) fn trimmed(&self, text: &str, end: bool, longest: bool) -> Option<String> {
        let letters = bounded(text)?;
        let mut cuts: Vec<usize> = (0..=letters.len()).collect();
        if longest {
            cuts.reverse();
        }
        for length in cuts {
            let (taken, kept) = if end {
                let (kept, taken) = letters.split_at_checked(letters.len() - length)?;
                (taken, kept)
            } else {
                letters.split_at_checked(length)?
            };
            if self.matches(taken) {
                return Some(kept.iter().collect());
            }
        }
        Some(text.to_owned())
    }

    /// The text with the longest match at each place replaced; only the first unless `all`.
    pub(super) fn replaced(&self, text: &str, with: &str, all: bool) -> Option<String> {
        let letters = bounded(text)?;
        let mut out = String::new();
        let mut at = 0;
        let mut done = false;
        while at < letters.len() {
            let rest = letters.get(at..)?;
            let found = (1..=rest.len()).rev().find(|it| rest.get(..*it).is_some_and(|it| self.matches(it)));
            match found.filter(|_| !done) {
                Some(length) => {
                    out.push_str(with);
                    at += length;
                    done = !all;
                }
                None => {
                    out.extend(rest.first());
                    at += 1;
                }
            }
        }
        Some(out)
    }

    /// The text with the longest match at its start or end replaced.
    pub(super) fn replaced_at(&self, text: &str, with: &str, end: bool) -> Option<String> {
        let kept = self.trimmed(text, end, true)?;
        if kept.len() == text.len() && !self.matches(&[]) {
            return Some(text.to_owned());
        }
        Some(if end { kept + with } else { with.to_owned() + &kept })
    }
}

impl Atom {
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::One(own) => *own == letter,
            Self::Any => true,
            Self::Star => false,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *negated
            }
        }
    }
}

fn bounded(text: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = text.chars().collect();
    (letters.len() <= TEXT_CHARACTERS).then_some(letters)
}

/// The set behind `[`, and its width; `None` when it does not close.
fn set(letters: &[char]) -> Option<(Atom, usize)> {
    let negated = matches!(letters.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut ranges = Vec::new();
    let mut at = start;
    loop {
        let letter = *letters.get(at)?;
        if letter == ']' && start < at {
            return Some((Atom::Set { negated, ranges }, at + 1));
        }
        if letter == '[' && letters.get(at + 1) == Some(&':') {
            let close = letters.get(at + 2..)?.iter().position(|it| *it == ':')?;
            let name: String = letters.get(at + 2..at + 2 + close)?.iter().collect();
            ranges.extend(class(&name)?);
            at += close + 4;
            continue;
        }
        match (letters.get(at + 1), letters.get(at + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                ranges.push((letter, *high));
                at += 3;
            }
            _ => {
                ranges.push((letter, letter));
                at += 1;
            }
        }
    }
}

fn class(name: &str) -> Option<Vec<(char, char)>> {
    Some(match name {
        "digit" => vec![('0', '9')],
        "lower" => vec![('a', 'z')],
        "upper" => vec![('A', 'Z')],
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "xdigit" => vec![('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => return None,
    })
}

/// Whether a regular expression is found; `None` when it is not understood.
pub(super) fn found(expression: &str, text: &str) -> Option<bool> {
    /// Compiled size that a script may ask for.
    const EXPRESSION_BYTES: usize = 1 << 20;
    match regex::RegexBuilder::new(expression).size_limit(EXPRESSION_BYTES).build() {
        Ok(compiled) => Some(compiled.is_match(text)),
        // What the shell would make of it is not known either.
        Err(_) => None,
    }
}
