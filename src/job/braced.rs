//! `${...}`: the name, the index and the operation.

use super::node::{Index, Operation, Parameter, Piece, Which, Word};
use super::parser::Parser;

impl Parser {
    /// `${...}`.
    pub(super) fn braced(&mut self, start: usize, quoted: bool, pieces: &mut Vec<Piece>) {
        self.at += 1;
        let first = self.byte(0);
        let named = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'@' | b'*');
        let mut before = Operation::None;
        if matches!(first, b'!' | b'#' | b'?') && named(self.byte(1)) && (first != b'?' || self.csh) {
            before = match first {
                b'!' => Operation::Indirect,
                b'#' => Operation::Length,
                _ => Operation::IsSet,
            };
            self.at += 1;
        }
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let letters = self.rest().bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
        let special = usize::from(matches!(self.byte(0), b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!'));
        let length = if 0 < digits { digits } else { letters.max(special) };
        let name = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        let index = self.index(&before);
        let operation = if self.byte(0) == b'}' { before } else { self.operation(&before, quoted) };
        if self.byte(0) == b'}' {
            self.at += 1;
        } else {
            self.error(start, "`}` is missing");
        }
        let parameter = Box::new(Parameter { name, index, operation });
        pieces.push(Piece::Parameter { parameter, quoted, span: self.span(start) });
    }

    fn index(&mut self, before: &Operation) -> Option<Index> {
        if self.byte(0) != b'[' {
            let whole = self.csh && !matches!(before, Operation::IsSet);
            return whole.then_some(Index::All { joined: false });
        }
        let all = self.rest().get(..3).unwrap_or_default();
        if all == "[@]" || all == "[*]" {
            let joined = all == "[*]";
            self.at += 3;
            return Some(Index::All { joined });
        }
        self.at += 1;
        let index = self.arithmetic_until(b"]");
        self.at += 1;
        Some(Index::At(index))
    }

    fn operation(&mut self, before: &Operation, quoted: bool) -> Operation {
        let first = self.byte(0);
        let second = self.byte(1);
        let colon = first == b':' && matches!(second, b'-' | b'=' | b'+' | b'?');
        let letter = if colon { second } else { first };
        let doubled = second == first;
        if !matches!(before, Operation::None) || (self.csh && first == b':') {
            self.operand(quoted, b"}");
            return Operation::Unfollowed;
        }
        match letter {
            b'-' | b'=' | b'+' | b'?' => {
                self.at += if colon { 2 } else { 1 };
                let word = self.operand(quoted, b"}");
                match letter {
                    b'+' => Operation::Alternative { word, empty_counts: !colon },
                    b'?' => Operation::Required { empty_counts: !colon },
                    _ => Operation::Default { word, empty_counts: !colon, assign: letter == b'=' },
                }
            }
            b'#' | b'%' => {
                self.at += if doubled { 2 } else { 1 };
                let pattern = self.operand(false, b"}");
                Operation::Trim { pattern, end: letter == b'%', longest: doubled }
            }
            b'/' => self.replacement(),
            b':' => {
                self.at += 1;
                let offset = self.arithmetic_until(b":}");
                let length = (self.byte(0) == b':').then(|| {
                    self.at += 1;
                    self.arithmetic_until(b"}")
                });
                Operation::Slice { offset, length }
            }
            b'^' | b',' => {
                self.at += if doubled { 2 } else { 1 };
                let pattern = self.operand(false, b"}");
                match pattern.pieces.is_empty() {
                    true => Operation::Case { upper: letter == b'^', all: doubled },
                    false => Operation::Unfollowed,
                }
            }
            _ => {
                self.operand(quoted, b"}");
                Operation::Unfollowed
            }
        }
    }

    fn replacement(&mut self) -> Operation {
        self.at += 1;
        let which = match self.byte(0) {
            b'/' => Which::All,
            b'#' => Which::Start,
            b'%' => Which::End,
            _ => Which::First,
        };
        if which != Which::First {
            self.at += 1;
        }
        let pattern = self.operand(false, b"/}");
        let mut with = Word { pieces: Vec::new(), span: self.span(self.at), assignment: None };
        if self.byte(0) == b'/' {
            self.at += 1;
            with = self.operand(false, b"}");
        }
        Operation::Replace { pattern, with, which }
    }
}
