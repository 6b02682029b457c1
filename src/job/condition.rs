//! Tests: what a comparison of known text decides. Everything else is unknown.

use super::node::{Test, Word};
use super::pattern::{Pattern, found};
use super::run::Runner;
use super::simple::UNARY;
use super::value::{Binding, Value};
use super::world::{Field, World};

impl Runner<'_> {
    /// `[[ ... ]]`, and the condition of a csh `if`.
    pub(super) fn test(&mut self, test: &Test, world: &mut World) -> Option<bool> {
        match test {
            Test::And(left, right) => match self.test(left, world) {
                Some(false) => Some(false),
                Some(true) => self.test(right, world),
                None => self.test(right, world).filter(|it| !it),
            },
            Test::Or(left, right) => match self.test(left, world) {
                Some(true) => Some(true),
                Some(false) => self.test(right, world),
                None => self.test(right, world).filter(|it| *it),
            },
            Test::Not(inner) => self.test(inner, world).map(|it| !it),
            Test::Unary(operator, word) => {
                let value = self.value(word, world);
                self.unary(operator, &value, world)
            }
            Test::Binary(left, operator, right) => self.binary(left, operator, right, world),
            Test::Word(word) => not_empty(&self.value(word, world)),
            Test::Arithmetic(word) => self.arithmetic(word, world).map_or(None, |(number, _)| Some(number != 0)),
            Test::Undecided => None,
        }
    }

    fn binary(&mut self, left: &Word, operator: &str, right: &Word, world: &mut World) -> Option<bool> {
        let value = self.value(left, world);
        match operator {
            "==" | "=" => self.matches(&value, right, world),
            "!=" => self.matches(&value, right, world).map(|it| !it),
            "=~" if self.csh => self.matches(&value, right, world),
            "!~" => self.matches(&value, right, world).map(|it| !it),
            "=~" => {
                world.bind("BASH_REMATCH", Binding::Set(Value::unknown("$BASH_REMATCH", &left.span.place())));
                found(&self.pattern(right, world, true)?, &value.text()?)
            }
            "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                let left = self.arithmetic(left, world).map_or(None, |it| Some(it.0))?;
                let right = self.arithmetic(right, world).map_or(None, |it| Some(it.0))?;
                compare(operator, left, right)
            }
            _ => {
                let right = self.value(right, world);
                // The order of the locale is not known; equal texts are in no order.
                (value.text()? == right.text()?).then_some(false)
            }
        }
    }

    /// Whether a value matches a pattern.
    pub(super) fn matches(&mut self, value: &Value, pattern: &Word, world: &mut World) -> Option<bool> {
        let pattern = self.pattern(pattern, world, false)?;
        match value.text() {
            Some(text) => Some(Pattern::new(&pattern)?.matches(&text.chars().collect::<Vec<char>>())),
            None if pattern == "*" => Some(true),
            None if pattern.is_empty() && value.is_certainly_not_empty() => Some(false),
            None => None,
        }
    }

    fn unary(&mut self, operator: &str, value: &Value, world: &World) -> Option<bool> {
        match operator {
            "-z" => not_empty(value).map(|it| !it),
            "-n" => not_empty(value),
            "-v" => match world.shell.get(&value.text()?) {
                Binding::Set(_) => Some(true),
                Binding::Unset(_) => Some(false),
                Binding::Unknown { .. } => None,
            },
            "-e" | "-f" | "-d" | "-r" | "-a" => self.exists(value, world),
            "-s" | "-x" | "-w" | "-L" | "-h" => self.exists(value, world).filter(|it| !it),
            _ => None,
        }
    }

    fn exists(&mut self, path: &Value, world: &World) -> Option<bool> {
        let path = path.text()?;
        if path.is_empty() {
            return Some(false);
        }
        if path.starts_with('/') {
            return self.surroundings.exists(&path);
        }
        match &world.directory {
            None => self.surroundings.exists(&path),
            Some(directory) => {
                let directory = directory.text().filter(|it| it.starts_with('/'))?;
                self.surroundings.exists(&format!("{directory}/{path}"))
            }
        }
    }

    /// `[ ... ]` and `test ...`, by the number of arguments as POSIX has it.
    pub(super) fn classic(&mut self, arguments: &[Field], world: &World) -> Option<bool> {
        if arguments.iter().any(|it| it.open) {
            return None;
        }
        let text = |at: usize| arguments.get(at).and_then(|it| it.value.text());
        if let Some(at) = arguments.iter().position(|it| it.value.text().as_deref() == Some("-o")).filter(|it| 1 < *it)
        {
            return either(
                self.classic(arguments.get(..at)?, world),
                self.classic(arguments.get(at + 1..)?, world),
                true,
            );
        }
        if let Some(at) = arguments.iter().position(|it| it.value.text().as_deref() == Some("-a")).filter(|it| 1 < *it)
        {
            return either(
                self.classic(arguments.get(..at)?, world),
                self.classic(arguments.get(at + 1..)?, world),
                false,
            );
        }
        match arguments {
            [] => Some(false),
            [one] => not_empty(&one.value),
            [_, rest @ ..] if text(0).as_deref() == Some("!") && rest.len() != 2 => {
                self.classic(rest, world).map(|it| !it)
            }
            [_, operand] => match text(0)? {
                operator if operator == "!" => not_empty(&operand.value).map(|it| !it),
                operator if operator.len() == 2 && operator.starts_with('-') && UNARY.contains(operator.get(1..)?) => {
                    self.unary(&operator, &operand.value, world)
                }
                _ => None,
            },
            [left, _, right] => classic_binary(&left.value, &text(1)?, &right.value),
            _ => None,
        }
    }
}

fn either(left: Option<bool>, right: Option<bool>, or: bool) -> Option<bool> {
    match (left, right) {
        (Some(one), _) | (_, Some(one)) if one == or => Some(or),
        (Some(_), Some(_)) => Some(!or),
        (None, _) | (_, None) => None,
    }
}

fn classic_binary(left: &Value, operator: &str, right: &Value) -> Option<bool> {
    match operator {
        "=" | "==" | "!=" => {
            let (a, b) = (left.text(), right.text());
            let empty = |it: &Option<String>| it.as_deref() == Some("");
            let differ = (empty(&a) && right.is_certainly_not_empty()) || (empty(&b) && left.is_certainly_not_empty());
            let same = if differ { false } else { a? == b? };
            Some(same == (operator != "!="))
        }
        _ => {
            let number = |it: &Value| it.text()?.trim().parse::<i64>().ok();
            compare(operator, number(left)?, number(right)?)
        }
    }
}

fn compare(operator: &str, left: i64, right: i64) -> Option<bool> {
    Some(match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => right < left,
        "-ge" => right <= left,
        _ => return None,
    })
}

fn not_empty(value: &Value) -> Option<bool> {
    if value.is_certainly_not_empty() {
        return Some(true);
    }
    value.is_known().then_some(false)
}
