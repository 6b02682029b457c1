//! Expressions of Tcl (`expr`, conditions of `if`) with a third truth value: not known.

use super::Tcl;
use super::parse::{Reader, list};
use crate::job::Value;

/// Operators by how tightly they bind, the loosest first.
const LEVELS: [&[&str]; 6] =
    [&["||"], &["&&"], &["==", "!=", "eq", "ne", "in", "ni"], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// What of an expression is worked out: what stands behind a decided `||` is only read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Evaluate,
    Skip,
}

impl Tcl<'_, '_> {
    /// The value of an expression; unknown where it is not understood.
    pub(super) fn expression(&mut self, text: &str, line: u32) -> Value {
        let mut reader = Reader::new(text, line);
        let value = self.ternary(&mut reader, Doing::Evaluate);
        space(&mut reader);
        match value {
            Some(value) if reader.peek().is_none() => value,
            Some(_) | None => self.run.unknown(format!("[expr {text}]"), line),
        }
    }

    /// Whether a condition holds, as far as that is known.
    pub(super) fn condition(&mut self, text: &str, line: u32) -> Option<bool> {
        truth(&self.expression(text, line))
    }

    fn ternary(&mut self, reader: &mut Reader<'_>, doing: Doing) -> Option<Value> {
        let condition = self.binary(reader, 0, doing)?;
        space(reader);
        if reader.peek() != Some('?') {
            return Some(condition);
        }
        reader.take();
        let decided = truth(&condition);
        let when =
            |wanted| if decided == Some(wanted) && doing == Doing::Evaluate { Doing::Evaluate } else { Doing::Skip };
        let yes = self.nested(reader, when(true))?;
        space(reader);
        if reader.take() != Some(':') {
            return None;
        }
        let no = self.nested(reader, when(false))?;
        match decided {
            Some(true) => Some(yes),
            Some(false) => Some(no),
            None => Some(self.run.unknown("a value that depends on a condition", reader.line)),
        }
    }

    fn nested(&mut self, reader: &mut Reader<'_>, doing: Doing) -> Option<Value> {
        if !self.run.enter(reader.line) {
            return None;
        }
        let value = self.ternary(reader, doing);
        self.run.leave();
        value
    }

    fn binary(&mut self, reader: &mut Reader<'_>, level: usize, doing: Doing) -> Option<Value> {
        let Some(operators) = LEVELS.get(level) else { return self.unary(reader, doing) };
        let mut left = self.binary(reader, level + 1, doing)?;
        loop {
            space(reader);
            let rest = reader.rest();
            let is_it = |it: &&&str| {
                let word = it.starts_with(|it: char| it.is_ascii_alphabetic());
                let behind = rest.strip_prefix(**it);
                behind.is_some_and(|it| !word || !it.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_'))
            };
            let Some(operator) = operators.iter().find(is_it) else { return Some(left) };
            let line = reader.line;
            if !self.run.step(line) {
                return None;
            }
            operator.chars().for_each(|_| {
                reader.take();
            });
            let decides = match *operator {
                "||" => truth(&left) == Some(true),
                "&&" => truth(&left) == Some(false),
                _ => false,
            };
            let right = self.binary(reader, level + 1, if decides { Doing::Skip } else { doing })?;
            left = self.operate(operator, &left, &right, line);
        }
    }

    fn operate(&self, operator: &str, left: &Value, right: &Value, line: u32) -> Value {
        let decided = match operator {
            "||" => either(truth(left), truth(right)),
            "&&" => either(truth(left).map(|it| !it), truth(right).map(|it| !it)).map(|it| !it),
            _ => {
                let (Some(a), Some(b)) = (left.text(), right.text()) else {
                    return self.run.unknown("a condition", line);
                };
                if let Some(number) = arithmetic(operator, &a, &b) {
                    return self.run.known(number, line);
                }
                compared(operator, &a, &b)
            }
        };
        match decided {
            Some(holds) => self.run.known(if holds { "1" } else { "0" }, line),
            None => self.run.unknown("a condition", line),
        }
    }

    fn unary(&mut self, reader: &mut Reader<'_>, doing: Doing) -> Option<Value> {
        space(reader);
        let line = reader.line;
        if !self.run.step(line) {
            return None;
        }
        match reader.peek()? {
            '!' => {
                reader.take();
                if !self.run.enter(line) {
                    return None;
                }
                let value = self.unary(reader, doing);
                self.run.leave();
                let value = value?;
                Some(match truth(&value) {
                    Some(holds) => self.run.known(if holds { "0" } else { "1" }, line),
                    None => value,
                })
            }
            '(' => {
                reader.take();
                let value = self.nested(reader, doing)?;
                space(reader);
                (reader.take() == Some(')')).then_some(value)
            }
            _ => self.operand(reader, doing),
        }
    }

    fn operand(&mut self, reader: &mut Reader<'_>, doing: Doing) -> Option<Value> {
        let line = reader.line;
        let pieces = match reader.peek()? {
            '"' => {
                reader.take();
                let Ok(pieces) = reader.pieces(|it| it == '"') else { return None };
                reader.take()?;
                pieces
            }
            '{' => {
                let Ok(text) = reader.braced() else { return None };
                return Some(self.run.known(text, line));
            }
            '$' => match reader.variable() {
                Ok(Some(piece)) => vec![piece],
                Ok(None) | Err(_) => return None,
            },
            '[' => {
                let Ok((text, line)) = reader.bracket() else { return None };
                vec![super::parse::Piece::Command(text, line)]
            }
            _ => {
                let letter = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_');
                let sign = usize::from(matches!(reader.peek(), Some('-' | '+')));
                let word: String = reader.rest().chars().take(sign).collect();
                let word = word + &reader.rest().chars().skip(sign).take_while(letter).collect::<String>();
                word.chars().for_each(|_| {
                    reader.take();
                });
                let plain = word.parse::<f64>().is_ok() || boolean(&word).is_some();
                return plain.then(|| self.run.known(word, line));
            }
        };
        match doing {
            Doing::Evaluate => Some(self.substituted(&pieces, line)),
            Doing::Skip => Some(self.run.unknown("what is not evaluated", line)),
        }
    }
}

fn space(reader: &mut Reader<'_>) {
    while reader.peek().is_some_and(|it| it.is_whitespace()) || reader.rest().starts_with("\\\n") {
        reader.take();
    }
}

fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        (None, _) | (_, None) => None,
    }
}

/// Whether a value is true; nothing where it is not known, or no truth.
pub(super) fn truth(value: &Value) -> Option<bool> {
    let text = value.text()?;
    boolean(&text).or_else(|| text.trim().parse::<f64>().ok().map(|it| it != 0.0))
}

fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Whole numbers that are added and so on.
fn arithmetic(operator: &str, a: &str, b: &str) -> Option<String> {
    let (a, b) = (a.trim().parse::<i64>().ok()?, b.trim().parse::<i64>().ok()?);
    let result = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        // Tcl rounds towards minus infinity.
        "/" if 0 < b => Some(a.div_euclid(b)),
        "%" if 0 < b => Some(a.rem_euclid(b)),
        _ => None,
    };
    result.map(|it| it.to_string())
}

fn compared(operator: &str, a: &str, b: &str) -> Option<bool> {
    let number = |it: &str| it.trim().parse::<f64>().ok().filter(|it| it.is_finite());
    // Tcl 8 reads `010` as eight.
    let octal = |it: &str| it.starts_with('0') && it.as_bytes().get(1).is_some_and(|it| *it != b'.');
    if (octal(a) || octal(b)) && !matches!(operator, "eq" | "ne" | "in" | "ni") {
        return None;
    }
    let order = match (number(a), number(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b)?,
        (Some(_) | None, _) => a.cmp(b),
    };
    Some(match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        "eq" => a == b,
        "ne" => a != b,
        "in" => list(b)?.iter().any(|it| it == a),
        "ni" => !list(b)?.iter().any(|it| it == a),
        _ => return None,
    })
}
