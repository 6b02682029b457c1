//! Order of version numbers as they occur in the field: `1.14.6`, `0.3.23.dev`, `2022.0`, `4.1.0rc1`.

use std::cmp::Ordering;

/// Compares two versions: numbers by value, words by letter.
/// A word sorts before the end (`4.1rc1` before `4.1`), a number after it (`4.1` before `4.1.1`).
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (pieces(a), pieces(b));
    for index in 0..a.len().max(b.len()) {
        let order = match (a.get(index), b.get(index)) {
            (Some(Piece::Number(x)), Some(Piece::Number(y))) => x.cmp(y),
            (Some(Piece::Word(x)), Some(Piece::Word(y))) => x.cmp(y),
            (Some(Piece::Number(_)), Some(Piece::Word(_)) | None) | (None, Some(Piece::Word(_))) => Ordering::Greater,
            (Some(Piece::Word(_)), Some(Piece::Number(_)) | None) | (None, Some(Piece::Number(_))) => Ordering::Less,
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

enum Piece<'a> {
    Number(u64),
    Word(&'a str),
}

fn pieces(version: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = version.trim_start_matches(['v', 'V']);
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits || !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        if piece.is_empty() {
            rest = tail.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        out.push(if digits { Piece::Number(piece.parse().unwrap_or(u64::MAX)) } else { Piece::Word(piece) });
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(smaller: &str, larger: &str) {
        assert_eq!(compare_versions(smaller, larger), Ordering::Less, "{smaller} < {larger}");
        assert_eq!(compare_versions(larger, smaller), Ordering::Greater, "{larger} > {smaller}");
    }

    #[test]
    fn orders_versions_of_the_field() {
        check("1.9.3", "1.10.0");
        check("4.1", "4.1.1");
        check("4.1rc1", "4.1");
        check("0.3.23.dev", "0.3.23");
        check("2.4", "2.17");
        check("0.3.30", "0.3.31.188.0");
        assert_eq!(compare_versions("v4.1.4", "4.1.4"), Ordering::Equal);
    }
}
