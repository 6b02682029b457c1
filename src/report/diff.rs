//! Corrected lines of a script as a unified diff. Nothing is edited.

use similar::TextDiff;

use crate::facts::{Evidence, Suggestion};

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 3;

/// The suggestions for the script at `path` as a unified diff that `patch` takes; what cannot be applied beside another suggestion
/// is said in comments below. Empty where there is none.
///
/// Of suggestions that overlap the first wins; insertions at one place stand in the order given.
///
/// Invariant: the lines are those of the script, byte for byte, or the diff would not apply.
pub fn diff(path: &str, script: &str, suggestions: &[Suggestion]) -> String {
    let mut taken: Vec<&Suggestion> = Vec::new();
    let mut left_out = String::new();
    for it in suggestions {
        if taken.iter().any(|known| is_same(known, it)) {
            continue;
        }
        let reason = match taken.iter().find(|known| overlaps(known, it)) {
            _ if path != it.path => Some("it is another file".to_owned()),
            _ if range(script, it).is_none() => Some("there is no such place in the script".to_owned()),
            Some(known) => Some(format!("it overlaps with the change for {}", known.rule)),
            None => None,
        };
        match reason {
            None => taken.push(it),
            Some(reason) => left_out.push_str(&comment(it, &reason)),
        }
    }
    if taken.is_empty() {
        return left_out;
    }
    let path = one_line(path.trim_start_matches('/'));
    let changed = applied(script, &taken);
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    TextDiff::from_lines(script, &changed).unified_diff().context_radius(CONTEXT_LINES).header(&old, &new).to_string()
        + &left_out
}

/// The corrected lines, each once, in the order of the suggestions: file, line and text. `evidence` holds the lines as
/// they are; one that it does not hold is left out.
pub(super) fn corrected<'s>(suggestions: &'s [Suggestion], evidence: &[Evidence]) -> Vec<(&'s str, u32, String)> {
    let mut lines: Vec<(&str, u32, String)> = Vec::new();
    for it in suggestions {
        let here = |other: &&Suggestion| other.path == it.path && other.line == it.line;
        let known = evidence.iter().find(|place| place.path == it.path && place.line == Some(it.line));
        let Some(known) = known.filter(|_| !lines.iter().any(|(path, line, _)| *path == it.path && *line == it.line))
        else {
            continue;
        };
        // Within its own text every line is the first.
        let of_line: Vec<Suggestion> =
            suggestions.iter().filter(here).map(|it| Suggestion { line: 1, ..it.clone() }).collect();
        lines.push((&it.path, it.line, applied(&known.text, &of_line.iter().collect::<Vec<_>>())));
    }
    lines
}

fn is_same(one: &Suggestion, other: &Suggestion) -> bool {
    (&one.path, one.line, one.column, one.length, &one.replacement)
        == (&other.path, other.line, other.column, other.length, &other.replacement)
}

/// Whether both want the same characters, or one inserts inside what the other replaces.
fn overlaps(one: &Suggestion, other: &Suggestion) -> bool {
    let end = |it: &Suggestion| it.column.saturating_add(it.length);
    one.path == other.path && one.line == other.line && one.column < end(other) && other.column < end(one)
}

/// Bytes of the script that a suggestion replaces.
fn range(script: &str, it: &Suggestion) -> Option<std::ops::Range<usize>> {
    let index = usize::try_from(it.line.checked_sub(1)?).unwrap_or(usize::MAX);
    let mut start = 0;
    for (at, line) in script.split_inclusive('\n').enumerate() {
        if at < index {
            start += line.len();
            continue;
        }
        let text = line.trim_end_matches(['\n', '\r']);
        let offset = |characters: u32| {
            let characters = usize::try_from(characters).unwrap_or(usize::MAX);
            text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(characters)
        };
        let from = it.column.checked_sub(1)?;
        return Some(start + offset(from)?..start + offset(from.checked_add(it.length)?)?);
    }
    None
}

fn applied(script: &str, taken: &[&Suggestion]) -> String {
    let mut changes: Vec<(std::ops::Range<usize>, &str)> =
        taken.iter().filter_map(|it| Some((range(script, it)?, it.replacement.as_str()))).collect();
    // A stable sort: insertions at one place keep their order.
    changes.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = String::with_capacity(script.len());
    let mut at = 0;
    for (range, replacement) in changes {
        text.push_str(script.get(at..range.start).unwrap_or_default());
        text.push_str(replacement);
        at = range.end;
    }
    text.push_str(script.get(at..).unwrap_or_default());
    text
}

fn comment(it: &Suggestion, reason: &str) -> String {
    let change = if it.length == 0 { "insert" } else { "write" };
    let place = format!("{}:{}:{}", one_line(&it.path), it.line, it.column);
    format!("# not in this diff: {place}: {change} `{}` ({}): {reason}\n", one_line(&it.replacement), it.rule)
}

/// Text that stays in its line.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
