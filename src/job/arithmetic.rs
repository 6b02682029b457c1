//! Integer arithmetic of the shell: 64 bits, wrapping; a division by zero has no value.

use super::limits::NESTING;

/// Variables as arithmetic sees them.
pub(super) trait Memory {
    /// The text of a variable; `None` when it is not known. One that is not set is empty.
    fn get(&mut self, name: &str, index: Option<i64>) -> Option<String>;
    /// Assigns a variable.
    fn set(&mut self, name: &str, index: Option<i64>, value: i64);
}

/// The value of an expression; `None` when it is not known or the expression is wrong.
pub(super) fn evaluate(text: &str, memory: &mut dyn Memory) -> Option<i64> {
    within(text, memory, 0)
}

fn within(text: &str, memory: &mut dyn Memory, depth: usize) -> Option<i64> {
    if text.trim().is_empty() {
        return Some(0);
    }
    let mut reader = Reader { text: text.as_bytes(), at: 0, memory, live: true, depth };
    let value = reader.comma()?;
    reader.blanks();
    (reader.at == text.len()).then_some(value)
}

/// Names that an expression assigns, known or not.
pub(super) fn assigned(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let letter = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !letter(*byte) {
            at += 1;
            continue;
        }
        let length = bytes.get(at..).unwrap_or_default().iter().take_while(|it| letter(**it)).count();
        let before = text.get(..at).unwrap_or_default().trim_end();
        let mut after = text.get(at + length..).unwrap_or_default().trim_start();
        if let Some((_, rest)) = after.strip_prefix('[').and_then(|it| it.split_once(']')) {
            after = rest.trim_start();
        }
        let operator = ASSIGNING.iter().any(|it| after.starts_with(it)) && !after.starts_with("==");
        let step = ["++", "--"].iter().any(|it| before.ends_with(it) || after.starts_with(it));
        if !byte.is_ascii_digit() && (operator || step) {
            names.push(text.get(at..at + length).unwrap_or_default().to_owned());
        }
        at += length;
    }
    names
}

const ASSIGNING: [&str; 11] = ["<<=", ">>=", "*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "="];

/// Binary operators, loosest first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    memory: &'a mut dyn Memory,
    /// False where short-circuit evaluation skips: nothing is assigned, nothing must be known.
    live: bool,
    depth: usize,
}

/// A variable or element.
struct Name {
    name: String,
    index: Option<i64>,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.text.get(self.at..).is_some_and(|it| it.starts_with(token.as_bytes()));
        if found {
            self.at += token.len();
        }
        found
    }

    fn comma(&mut self) -> Option<i64> {
        let mut value = self.assignment()?;
        while self.takes(",") {
            value = self.assignment()?;
        }
        Some(value)
    }

    fn assignment(&mut self) -> Option<i64> {
        self.depth += 1;
        if NESTING < self.depth {
            return None;
        }
        let start = self.at;
        let value = match self.name() {
            Some(name) => {
                let operator = ASSIGNING.iter().find(|it| !self.compares() && self.takes(it)).copied();
                match operator {
                    Some(operator) => {
                        let right = self.assignment()?;
                        let operator = operator.strip_suffix('=').unwrap_or_default();
                        let value = match operator {
                            "" => right,
                            operator => {
                                let left = self.read(&name)?;
                                self.apply(operator, left, right)?
                            }
                        };
                        self.write(&name, value);
                        value
                    }
                    None => {
                        self.at = start;
                        self.choice()?
                    }
                }
            }
            None => {
                self.at = start;
                self.choice()?
            }
        };
        self.depth -= 1;
        Some(value)
    }

    fn compares(&mut self) -> bool {
        self.blanks();
        self.text.get(self.at..).is_some_and(|it| it.starts_with(b"=="))
    }

    fn choice(&mut self) -> Option<i64> {
        let condition = self.binary(0)?;
        if !self.takes("?") {
            return Some(condition);
        }
        let live = self.live;
        self.live = live && condition != 0;
        let yes = self.comma()?;
        if !self.takes(":") {
            return None;
        }
        self.live = live && condition == 0;
        let no = self.assignment()?;
        self.live = live;
        Some(if condition != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let live = self.live;
            let decided = (operator == "&&" && left == 0) || (operator == "||" && left != 0);
            self.live = live && !decided;
            let right = self.binary(level + 1)?;
            self.live = live;
            left = if decided { i64::from(operator == "||") } else { self.apply(operator, left, right)? };
        }
        Some(left)
    }

    /// An operator of one level that is not the beginning of a longer one.
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.blanks();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let operator = *operators.iter().find(|it| rest.starts_with(it.as_bytes()))?;
        let next = rest.get(operator.len()).copied().unwrap_or(0);
        let longer = match operator {
            "|" | "&" => next == operator.as_bytes().first().copied().unwrap_or(0) || next == b'=',
            "<" | ">" => next == operator.as_bytes().first().copied().unwrap_or(0),
            "*" => next == b'*' || next == b'=',
            "^" | "+" | "-" | "/" | "%" | "<<" | ">>" => next == b'=',
            _ => false,
        };
        if longer {
            return None;
        }
        self.at += operator.len();
        Some(operator)
    }

    fn power(&mut self) -> Option<i64> {
        let base = self.unary()?;
        if !self.takes("**") {
            return Some(base);
        }
        self.depth += 1;
        if NESTING < self.depth {
            return None;
        }
        let exponent = self.power()?;
        self.depth -= 1;
        let (mut base, mut exponent) = (base, if exponent < 0 { return None } else { exponent.unsigned_abs() });
        let mut value = 1_i64;
        while 0 < exponent {
            if exponent % 2 == 1 {
                value = value.wrapping_mul(base);
            }
            base = base.wrapping_mul(base);
            exponent /= 2;
        }
        Some(value)
    }

    fn unary(&mut self) -> Option<i64> {
        self.depth += 1;
        if NESTING < self.depth {
            return None;
        }
        self.blanks();
        let value = if self.takes("++") || self.takes("--") {
            let step = if self.text.get(self.at - 1) == Some(&b'+') { 1 } else { -1 };
            self.blanks();
            let name = self.name()?;
            let value = self.read(&name)?.wrapping_add(step);
            self.write(&name, value);
            value
        } else if self.takes("!") {
            i64::from(self.unary()? == 0)
        } else if self.takes("~") {
            !self.unary()?
        } else if self.takes("-") {
            self.unary()?.wrapping_neg()
        } else if self.takes("+") {
            self.unary()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Some(value)
    }

    fn primary(&mut self) -> Option<i64> {
        if self.takes("(") {
            let value = self.comma()?;
            return self.takes(")").then_some(value);
        }
        self.blanks();
        if self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            return self.number();
        }
        let name = self.name()?;
        let value = self.read(&name)?;
        for (token, step) in [("++", 1), ("--", -1)] {
            if self.takes(token) {
                self.write(&name, value.wrapping_add(step));
            }
        }
        Some(value)
    }

    fn number(&mut self) -> Option<i64> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.iter().take_while(|it| it.is_ascii_alphanumeric() || matches!(it, b'#' | b'_' | b'@')).count();
        let text = String::from_utf8_lossy(rest.get(..length)?).into_owned();
        self.at += length;
        let (radix, digits) = match (text.split_once('#'), text.strip_prefix("0x").or(text.strip_prefix("0X"))) {
            (Some((radix, digits)), _) => (radix.parse::<u32>().map_or(0, |it| it), digits.to_owned()),
            (None, Some(digits)) => (16, digits.to_owned()),
            (None, None) if text.starts_with('0') => (8, text.clone()),
            (None, None) => (10, text.clone()),
        };
        if !(2..=36).contains(&radix) || digits.is_empty() {
            return None;
        }
        let digit = |it: char| it.to_digit(radix).map(i64::from);
        digits.chars().try_fold(0_i64, |sum, it| Some(sum.wrapping_mul(i64::from(radix)).wrapping_add(digit(it)?)))
    }

    fn name(&mut self) -> Option<Name> {
        self.blanks();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|it| it.is_ascii_alphanumeric() || **it == b'_').count();
        let name = String::from_utf8_lossy(rest.get(..length)?).into_owned();
        if name.is_empty() || name.starts_with(|it: char| it.is_ascii_digit()) {
            return None;
        }
        self.at += length;
        let mut index = None;
        if self.text.get(self.at) == Some(&b'[') {
            self.at += 1;
            index = Some(self.comma()?);
            if !self.takes("]") {
                return None;
            }
        }
        Some(Name { name, index })
    }

    fn read(&mut self, name: &Name) -> Option<i64> {
        if !self.live {
            return Some(0);
        }
        let text = self.memory.get(&name.name, name.index)?;
        if NESTING < self.depth {
            return None;
        }
        within(&text, self.memory, self.depth + 8)
    }

    fn write(&mut self, name: &Name, value: i64) {
        if self.live {
            self.memory.set(&name.name, name.index, value);
        }
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Option<i64> {
        let shift = u32::try_from(right & 63).unwrap_or(0);
        Some(match operator {
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" | "%" if right == 0 => return if self.live { None } else { Some(0) },
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            "<<" => left.wrapping_shl(shift),
            ">>" => left.wrapping_shr(shift),
            "&" => left & right,
            "|" => left | right,
            "^" => left ^ right,
            "&&" => i64::from(left != 0 && right != 0),
            "||" => i64::from(left != 0 || right != 0),
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            _ => return None,
        })
    }
}
