//! `a{b,c}` and `{1..4}`.

use super::limits::WORDS;
use super::node::Piece;
use super::parser::is_name;

/// Letters of a word whose braces are looked for.
const LETTERS: usize = 2_000;

/// Letters of all words that braces make of one.
const PIECES: usize = 200_000;

/// `a{b,c}` and `{1..4}`: the words that braces make of one.
pub(super) fn braces(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let brace = |it: &Piece| matches!(it, Piece::Text { text, quoted: false } if text.contains('{'));
    if !pieces.iter().any(brace) {
        return vec![pieces.to_vec()];
    }
    // One letter a piece where it is not quoted: braces and commas can then be found by position.
    let mut letters = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text { text, quoted: false } => {
                letters.extend(text.chars().map(|it| Piece::Text { text: it.to_string(), quoted: false }));
            }
            Piece::Text { .. }
            | Piece::Parameter { .. }
            | Piece::Command { .. }
            | Piece::Arithmetic { .. }
            | Piece::Process { .. } => letters.push(piece.clone()),
        }
    }
    if LETTERS < letters.len() {
        return vec![pieces.to_vec()];
    }
    let mut words = Vec::new();
    expand_braces(&letters, &mut words, 0);
    words.into_iter().map(|it| rejoined(&it)).collect()
}

fn letter(piece: &Piece) -> Option<char> {
    if let Piece::Text { text, quoted: false } = piece { text.chars().next() } else { None }
}

fn expand_braces(pieces: &[Piece], words: &mut Vec<Vec<Piece>>, depth: usize) {
    /// Braces in one word, one behind the other or nested: each multiplies.
    const BRACES: usize = 12;
    let found = (0..pieces.len()).find_map(|at| alternatives(pieces, at).map(|(parts, end)| (at, parts, end)));
    let Some((start, parts, end)) = found.filter(|_| depth < BRACES && words.len() * pieces.len() < PIECES) else {
        words.push(pieces.to_vec());
        return;
    };
    for part in parts {
        if PIECES < words.len() * pieces.len() {
            return;
        }
        let before = pieces.get(..start).unwrap_or_default().iter().cloned();
        let after = pieces.get(end..).unwrap_or_default().iter().cloned();
        let word: Vec<Piece> = before.chain(part).chain(after).collect();
        expand_braces(&word, words, depth + 1);
    }
}

/// The alternatives of the brace that opens at `at`, and where it ends.
fn alternatives(pieces: &[Piece], at: usize) -> Option<(Vec<Vec<Piece>>, usize)> {
    if pieces.get(at).and_then(letter) != Some('{') {
        return None;
    }
    let (mut depth, mut parts, mut part) = (0_usize, Vec::new(), Vec::new());
    for (offset, piece) in pieces.iter().enumerate().skip(at + 1) {
        match letter(piece) {
            Some('{') => depth += 1,
            Some('}') if depth == 0 => {
                parts.push(part);
                let parts = if parts.len() == 1 { range(parts.first()?)? } else { parts };
                return Some((parts, offset + 1));
            }
            Some('}') => depth -= 1,
            Some(',') if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            Some(_) | None => {}
        }
        part.push(piece.clone());
    }
    None
}

/// `1..8`, `08..12`, `1..9..2`, `a..e`.
fn range(pieces: &[Piece]) -> Option<Vec<Vec<Piece>>> {
    let text: String = pieces.iter().map(letter).collect::<Option<String>>()?;
    let ends: Vec<&str> = text.split("..").collect();
    let (first, last) = (*ends.first()?, *ends.get(1)?);
    let step = ends.get(2).map_or(Some(1), |it| it.parse::<i64>().ok())?.abs().max(1);
    let word = |it: String| vec![Piece::Text { text: it, quoted: false }];
    let one = |it: &str| it.chars().next().filter(|_| it.len() == 1).filter(char::is_ascii_alphabetic);
    let number = |it: &str| it.parse::<i64>().ok();
    let (low, high, letters) = match (one(first), one(last)) {
        (Some(a), Some(b)) => (i64::from(u32::from(a)), i64::from(u32::from(b)), true),
        _ => (number(first)?, number(last)?, false),
    };
    let padded = |it: &str| it.trim_start_matches('-').starts_with('0') && 1 < it.trim_start_matches('-').len();
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    let count = high.checked_sub(low)?.checked_abs()? / step + 1;
    if ends.len() > 3 || i64::try_from(WORDS).is_ok_and(|it| it < count) {
        return None;
    }
    let at = |turn: i64| if low <= high { low + turn * step } else { low - turn * step };
    let text = |it: i64| match u32::try_from(it).map_or(None, char::from_u32).filter(|_| letters) {
        Some(letter) => letter.to_string(),
        None => format!("{it:0width$}"),
    };
    Some((0..count).map(|turn| word(text(at(turn)))).collect())
}

/// Single letters become texts again.
fn rejoined(pieces: &[Piece]) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Piece::Text { text, quoted: false }), Piece::Text { text: more, quoted: false }) => {
                text.push_str(more)
            }
            // Braces come first: `$X{a,b}` is `$Xa $Xb`.
            (Some(Piece::Parameter { parameter, quoted: false, span }), Piece::Text { text, quoted: false })
                if is_name(&parameter.name) && !span.written().ends_with('}') =>
            {
                let rest = text.trim_start_matches(|it: char| it == '_' || it.is_ascii_alphanumeric());
                parameter.name.push_str(text.strip_suffix(rest).unwrap_or_default());
                if !rest.is_empty() {
                    out.push(Piece::Text { text: rest.to_owned(), quoted: false });
                }
            }
            _ => out.push(piece.clone()),
        }
    }
    out
}
