//! Words: quotes, `$NAME`, `${...}`, `$(...)`, `$((...))`, backquotes. Shared by bash and csh.

use std::sync::Arc;

use super::limits::REREAD_BYTES;
use super::node::{Index, Node, Operation, Parameter, Piece, Word};
use super::parser::{Parser, parse};
use super::text::Origin;

/// How a stretch of text is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// A word: quotes count, blanks and operators end it.
    Bare,
    /// The operand of `${...}` outside quotes: quotes count, blanks do not.
    Operand,
    /// Inside double quotes.
    Double,
    /// A here-document, arithmetic: double quotes are letters.
    Document,
}

impl Parser {
    /// A word; empty when none begins here.
    pub(super) fn word(&mut self) -> Word {
        self.pieces(Quoting::Bare, b"")
    }

    /// The right side of `=~`: parentheses and bars are part of it.
    pub(super) fn regular_expression(&mut self) -> Word {
        let start = self.at;
        let mut word = self.pieces(Quoting::Operand, b" \t\n");
        word.span = self.span(start);
        word
    }

    /// Arithmetic up to one of `ends` outside parentheses, which stays unread.
    pub(super) fn arithmetic_until(&mut self, ends: &[u8]) -> Word {
        let start = self.at;
        let mut word = Word { pieces: Vec::new(), span: self.span(start), assignment: None };
        if !self.enter() {
            return word;
        }
        let mut open = 0_usize;
        loop {
            let mut stops = ends.to_vec();
            stops.extend_from_slice(b"()\n");
            let mut more = self.pieces(Quoting::Document, &stops);
            word.pieces.append(&mut more.pieces);
            let byte = self.byte(0);
            if self.at_end() || (open == 0 && ends.contains(&byte)) {
                break;
            }
            match byte {
                b'(' => open += 1,
                b')' if open == 0 => break,
                b')' => open -= 1,
                _ => {}
            }
            self.at += 1;
            word.pieces.push(Piece::Text { text: char::from(byte).to_string(), quoted: true });
        }
        if self.at_end() {
            self.error(start, "arithmetic without an end");
        }
        self.depth -= 1;
        word.span = self.span(start);
        word
    }

    /// The whole stretch as the body of a here-document.
    pub(super) fn here_text(&mut self, quoted: bool, strip_tabs: bool) -> Word {
        let start = self.at;
        let mut pieces = Vec::new();
        while !self.at_end() {
            if strip_tabs {
                self.at += self.rest().len() - self.rest().trim_start_matches('\t').len();
            }
            let line_end = self.at + self.rest().find('\n').map_or(self.rest().len(), |it| it + 1);
            if quoted {
                let text = self.origin.text().get(self.at..line_end).unwrap_or_default().to_owned();
                pieces.push(Piece::Text { text, quoted: true });
                self.at = line_end;
                continue;
            }
            let mut line = self.pieces(Quoting::Document, b"\n");
            pieces.append(&mut line.pieces);
            if self.byte(0) == b'\n' {
                self.at += 1;
                pieces.push(Piece::Text { text: "\n".to_owned(), quoted: true });
            }
        }
        Word { pieces, span: self.span(start), assignment: None }
    }

    /// Pieces up to one of `ends` (or what ends a bare word), which stays unread.
    fn pieces(&mut self, quoting: Quoting, ends: &[u8]) -> Word {
        let start = self.at;
        let mut pieces = Vec::new();
        if self.enter() {
            while !self.at_end() && !ends.contains(&self.byte(0)) && (quoting != Quoting::Bare || !self.bare_ends()) {
                self.piece(quoting, &mut pieces);
            }
            self.depth -= 1;
        }
        Word { pieces, span: self.span(start), assignment: None }
    }

    fn bare_ends(&self) -> bool {
        match self.byte(0) {
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' => true,
            b'<' | b'>' => self.byte(1) != b'(' || self.csh,
            _ => false,
        }
    }

    fn piece(&mut self, quoting: Quoting, pieces: &mut Vec<Piece>) {
        let bare = matches!(quoting, Quoting::Bare | Quoting::Operand);
        match self.byte(0) {
            b'\\' => self.escaped(quoting, pieces),
            b'\'' if bare => {
                let start = self.at;
                self.at += 1;
                let length = self.rest().find('\'');
                let text = self.rest().get(..length.unwrap_or(self.rest().len())).unwrap_or_default().to_owned();
                self.at += text.len() + 1;
                if length.is_none() {
                    self.at = self.end;
                    self.error(start, "a quote without an end");
                }
                pieces.push(Piece::Text { text, quoted: true });
            }
            b'"' if quoting != Quoting::Document => {
                if quoting == Quoting::Double {
                    // The quotes of an operand inside double quotes.
                    self.at += 1;
                } else {
                    self.double_quoted(pieces);
                }
            }
            b'$' => self.dollar(quoting, pieces),
            b'`' => self.backquotes(!bare, pieces),
            b'<' | b'>' if quoting == Quoting::Bare => self.process(pieces),
            _ => {
                // The first letter, and those that never end anything.
                let plain = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.');
                let Some(first) = self.next_char() else { return };
                let more = self.rest().bytes().take_while(|it| plain(it)).count();
                let text = self.rest().get(..more).unwrap_or_default().to_owned();
                self.at += more;
                push(pieces, first, !bare);
                if let Some(Piece::Text { text: whole, .. }) = pieces.last_mut() {
                    whole.push_str(&text);
                }
            }
        }
    }

    fn escaped(&mut self, quoting: Quoting, pieces: &mut Vec<Piece>) {
        self.at += 1;
        let bare = matches!(quoting, Quoting::Bare | Quoting::Operand);
        let next = self.byte(0);
        if next == b'\n' {
            self.at += 1;
        } else if bare || matches!(next, b'$' | b'`' | b'\\') || (quoting == Quoting::Double && next == b'"') {
            match self.next_char() {
                Some(letter) => push(pieces, letter, true),
                None => push(pieces, '\\', true),
            }
        } else {
            push(pieces, '\\', true);
        }
    }

    fn double_quoted(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.at;
        self.at += 1;
        let mut inside = self.pieces(Quoting::Double, b"\"");
        // An empty pair of quotes makes a word.
        pieces.push(Piece::Text { text: String::new(), quoted: true });
        pieces.append(&mut inside.pieces);
        if self.byte(0) == b'"' {
            self.at += 1;
        } else {
            self.error(start, "a quote without an end");
        }
    }

    fn dollar(&mut self, quoting: Quoting, pieces: &mut Vec<Piece>) {
        let bare = matches!(quoting, Quoting::Bare | Quoting::Operand);
        let start = self.at;
        self.at += 1;
        match self.byte(0) {
            b'(' if !self.csh => self.substitution(start, !bare, pieces),
            b'{' => self.braced(start, !bare, pieces),
            b'\'' if bare && !self.csh => self.ansi(start, pieces),
            b'"' if bare => self.double_quoted(pieces),
            _ => match self.plain_parameter() {
                Some(parameter) => {
                    let span = self.span(start);
                    pieces.push(Piece::Parameter { parameter: Box::new(parameter), quoted: !bare, span });
                }
                None => push(pieces, '$', !bare),
            },
        }
    }

    /// The name behind `$`.
    fn plain_parameter(&mut self) -> Option<Parameter> {
        let mut operation = Operation::None;
        if self.csh && matches!((self.byte(0), self.byte(1)), (b'?' | b'#', b'a'..=b'z' | b'A'..=b'Z' | b'_')) {
            operation = if self.byte(0) == b'?' { Operation::IsSet } else { Operation::Length };
            self.at += 1;
        }
        let letters = self.rest().bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
        let digit = self.byte(0).is_ascii_digit();
        let length = match self.byte(0) {
            _ if digit => 1,
            b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' if letters == 0 => 1,
            b'<' if self.csh => 1,
            _ => letters,
        };
        let name = self.rest().get(..length).filter(|it| !it.is_empty())?.to_owned();
        self.at += length;
        let mut index = matches!(operation, Operation::Length).then_some(Index::All { joined: false });
        if self.csh && self.byte(0) == b'[' {
            self.at += 1;
            index = Some(Index::At(self.arithmetic_until(b"]")));
            self.at += 1;
        } else if self.csh && matches!(operation, Operation::None) {
            index = Some(Index::All { joined: false });
            if self.byte(0) == b':' && self.byte(1).is_ascii_alphabetic() {
                self.at += 2;
                operation = Operation::Unfollowed;
            }
        }
        Some(Parameter { name, index, operation })
    }

    /// `$(...)` and `$((...))`.
    fn substitution(&mut self, start: usize, quoted: bool, pieces: &mut Vec<Piece>) {
        if self.byte(1) == b'(' && self.reread < REREAD_BYTES {
            let (at, errors) = (self.at, self.errors.len());
            self.at += 2;
            let expression = self.arithmetic_until(b")");
            if self.byte(0) == b')' && self.byte(1) == b')' && self.errors.len() == errors {
                self.at += 2;
                let span = self.span(start);
                return pieces.push(Piece::Arithmetic { expression, quoted, span });
            }
            self.reread += self.at - at;
            self.at = at;
            self.errors.truncate(errors);
        }
        let body = self.nested();
        pieces.push(Piece::Command { body, quoted, span: self.span(start) });
    }

    /// The list between the parentheses that begin here.
    fn nested(&mut self) -> Arc<Node> {
        let start = self.at;
        self.at += 1;
        // The body of a here-document of the outer line lies behind that line, not in here.
        let outer = std::mem::take(&mut self.pending);
        let body = self.list();
        let inner = std::mem::replace(&mut self.pending, outer);
        self.pending.extend(inner);
        if self.byte(0) == b')' {
            self.at += 1;
        } else {
            self.error(start, "`)` is missing");
        }
        Arc::new(body)
    }

    fn process(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.at;
        self.at += 1;
        let body = self.nested();
        pieces.push(Piece::Process { body, span: self.span(start) });
    }

    fn backquotes(&mut self, quoted: bool, pieces: &mut Vec<Piece>) {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        let mut plain = true;
        loop {
            match self.next_char() {
                None => {
                    self.error(start, "backquotes without an end");
                    break;
                }
                Some('`') => break,
                Some('\\') if matches!(self.byte(0), b'`' | b'\\' | b'$') => {
                    plain = false;
                    text.extend(self.next_char());
                }
                Some(letter) => text.push(letter),
            }
        }
        let span = self.span(start);
        let body = if plain {
            let mut inner = Parser::new(&self.origin, start + 1, start + 1 + text.len());
            (inner.depth, inner.csh) = (self.depth, self.csh);
            let node = inner.script();
            self.errors.append(&mut inner.errors);
            Arc::new(node)
        } else if self.enter() {
            // Unescaped text is no stretch of the file.
            let origin = Origin::inside(&text, &span.place());
            let parsed = if self.csh { super::csh::parse(&origin, self.depth) } else { parse(&origin, self.depth) };
            self.errors.extend(parsed.errors);
            self.depth -= 1;
            parsed.node
        } else {
            return;
        };
        pieces.push(Piece::Command { body, quoted, span });
    }

    /// `$'...'`.
    fn ansi(&mut self, start: usize, pieces: &mut Vec<Piece>) {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next_char() {
                None => break self.error(start, "a quote without an end"),
                Some('\'') => break,
                Some('\\') => self.ansi_escape(&mut text),
                Some(letter) => text.push(letter),
            }
        }
        pieces.push(Piece::Text { text, quoted: true });
    }

    fn ansi_escape(&mut self, text: &mut String) {
        let Some(letter) = self.next_char() else { return };
        let (radix, most) = match letter {
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            '0'..='7' => (8, 3),
            _ => (0, 0),
        };
        if radix == 0 {
            let names = [('n', '\n'), ('t', '\t'), ('r', '\r'), ('a', '\x07'), ('b', '\x08'), ('e', '\x1b')];
            let more = [('E', '\x1b'), ('f', '\x0c'), ('v', '\x0b')];
            match names.iter().chain(&more).find(|it| it.0 == letter) {
                Some((_, meant)) => text.push(*meant),
                None if matches!(letter, '\\' | '\'' | '"' | '?') => text.push(letter),
                None => text.extend(['\\', letter]),
            }
            return;
        }
        if letter.is_ascii_digit() {
            self.at -= 1;
        }
        let digits: String = self.rest().chars().take(most).take_while(|it| it.is_digit(radix)).collect();
        self.at += digits.len();
        match u32::from_str_radix(&digits, radix).map(char::from_u32) {
            Ok(Some(meant)) => text.push(meant),
            Ok(None) | Err(_) => text.extend(['\\', letter]),
        }
    }

    pub(super) fn operand(&mut self, quoted: bool, ends: &[u8]) -> Word {
        self.pieces(if quoted { Quoting::Double } else { Quoting::Operand }, ends)
    }
}

fn push(pieces: &mut Vec<Piece>, letter: char, quoted: bool) {
    if let Some(Piece::Text { text, quoted: same }) = pieces.last_mut()
        && *same == quoted
    {
        text.push(letter);
    } else {
        pieces.push(Piece::Text { text: letter.to_string(), quoted });
    }
}
