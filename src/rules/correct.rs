//! Places of a script as they would be right.
//!
//! Invariant: a place is changed only where the script says there, and nowhere else among the places of the fact, what
//! the rule expects: what came out of a variable, a quotation or a function is not rewritten.

use super::evaluate::Scope;
use super::judge::holds;
use super::rule::{Correction, Rule};
use crate::facts::{Evidence, Suggestion};

/// The corrections of a violated rule. `evidence` gives the places behind their numbers.
pub(super) fn suggestions(
    rule: &Rule,
    scope: &Scope<'_>,
    evidence: &dyn Fn(&[u64]) -> Vec<Evidence>,
) -> Vec<Suggestion> {
    let wanted = rule.corrections.iter().filter(|it| it.when.as_ref().is_none_or(|it| holds(it, scope)));
    wanted.filter_map(|it| suggestion(it, &rule.name, scope, &evidence(&it.at.because(scope)))).collect()
}

fn suggestion(correction: &Correction, rule: &str, scope: &Scope<'_>, places: &[Evidence]) -> Option<Suggestion> {
    let part = match &correction.from {
        Some(from) => only(places, &from.known(scope)?)?,
        None => places.iter().find_map(whole)?,
    };
    let replacement = match (&correction.to, &correction.after) {
        (Some(to), _) => to.known(scope)?,
        (None, Some(after)) if part.ends_word => part.text.clone() + &after.known(scope)?,
        (None, _) => return None,
    };
    let length = u32::try_from(part.text.chars().count()).unwrap_or(u32::MAX);
    Some(Suggestion {
        rule: rule.to_owned(),
        path: part.path.to_owned(),
        line: part.line,
        column: part.column,
        length,
        replacement,
    })
}

/// A part of a line.
#[derive(PartialEq)]
struct Part<'e> {
    path: &'e str,
    line: u32,
    column: u32,
    text: String,
    /// Whether it is the end of the place that it was found in.
    ends_word: bool,
}

/// What a place marks in its line.
fn whole(place: &Evidence) -> Option<Part<'_>> {
    let (line, column, length) = (place.line?, place.column?, place.length?);
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let text: String = place.text.chars().skip(size(column.checked_sub(1)?)).take(size(length)).collect();
    (!text.is_empty()).then_some(Part { path: &place.path, line, column, text, ends_word: true })
}

/// Where `wanted` stands in the marked places, if it does so once.
fn only<'e>(places: &'e [Evidence], wanted: &str) -> Option<Part<'e>> {
    let mut found: Vec<Part<'e>> = Vec::new();
    for place in places.iter().filter_map(whole) {
        for (at, text) in place.text.match_indices(wanted) {
            let before = place.text.get(..at).unwrap_or_default().chars().count();
            let column = place.column.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
            let ends_word = at + text.len() == place.text.len();
            let part = Part { path: place.path, line: place.line, column, text: text.to_owned(), ends_word };
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    let single = found.len() == 1 && !wanted.is_empty();
    found.pop().filter(|_| single)
}
