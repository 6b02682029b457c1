//! The comment lines that a scheduler reads, and the language that the first line names.

use super::text::{Origin, Span};
use super::{Dialect, Directive, Source, Value, Word};

/// Shells whose language is read as bash.
const BASH_LIKE: [&str; 7] = ["bash", "sh", "dash", "ksh", "zsh", "ash", "rbash"];

/// Lines that a scheduler reads: only before the first command; `##SBATCH` is a comment.
pub fn directives(source: &Source<'_>, prefixes: &[&str]) -> Vec<Directive> {
    let origin = Origin::file(source.path, source.bytes);
    let mut found = Vec::new();
    let mut start = 0;
    for line in origin.text().split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        let blank = text.trim().is_empty();
        if !blank && !text.trim_start().starts_with('#') {
            break;
        }
        let fits = |it: &&&str| text.strip_prefix(**it).is_some_and(|it| it.is_empty() || it.starts_with([' ', '\t']));
        // The longest: `#$` is the beginning of others.
        if let Some(prefix) = prefixes.iter().filter(fits).max_by_key(|it| it.len()) {
            let words = words(&origin, start + prefix.len(), start + text.len());
            let end = words.last().map_or(start + text.len(), |(_, end)| *end);
            let words = words.into_iter().map(|(word, _)| word).collect();
            found.push(Directive { prefix: (**prefix).to_owned(), words, place: origin.place(start, end) });
        }
        start += line.len();
    }
    found
}

/// Words with their ends. Quotes count, nothing is expanded.
fn words(origin: &std::sync::Arc<Origin>, start: usize, end: usize) -> Vec<(Word, usize)> {
    let text = origin.text().get(start..end).unwrap_or_default();
    let (mut words, mut word, mut began) = (Vec::new(), String::new(), None);
    let mut quote = None;
    let mut letters = text.char_indices().peekable();
    let mut finish = |word: &mut String, began: &mut Option<usize>, at: usize| {
        if let Some(first) = began.take() {
            let place = Span { origin: std::sync::Arc::clone(origin), start: start + first, end: start + at }.place();
            let value = Value::known(std::mem::take(word), &place);
            words.push((Word { value, place, open: false }, start + at));
        }
    };
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (None, ' ' | '\t') => finish(&mut word, &mut began, at),
            (None, '#') if began.is_none() => break,
            (None, '\'' | '"') => {
                quote = Some(letter);
                began = began.or(Some(at));
            }
            (Some(open), letter) if open == letter => quote = None,
            (None | Some('"'), '\\') => {
                began = began.or(Some(at));
                word.extend(letters.next().map(|(_, it)| it));
            }
            (_, letter) => {
                began = began.or(Some(at));
                word.push(letter);
            }
        }
    }
    let end = letters.peek().map_or(text.trim_end().len(), |(at, _)| *at);
    finish(&mut word, &mut began, end);
    words
}

/// The language of a script, by its first line.
pub(super) fn dialect(source: &Source<'_>) -> Dialect {
    let line = source.bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.get(..256).unwrap_or(line)).into_owned();
    let Some(rest) = line.strip_prefix("#!") else { return Dialect::Bash };
    let mut names = rest.split_whitespace().map(|it| it.rsplit('/').next().unwrap_or_default());
    let first = names.next().unwrap_or_default();
    let name = match first {
        "env" => names.find(|it| !it.starts_with('-') && !it.contains('=')).unwrap_or_default(),
        first => first,
    };
    match name {
        "" => Dialect::Bash,
        "csh" | "tcsh" => Dialect::Csh,
        name if BASH_LIKE.contains(&name) => Dialect::Bash,
        name => Dialect::Other(name.to_owned()),
    }
}
