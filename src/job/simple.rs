//! Simple commands, functions, tests, redirections and here-documents of bash.

use std::sync::{Arc, OnceLock};

use super::limits::REREAD_BYTES;
use super::node::{After, Arm, Assigned, Assignment, Node, Redirect, Simple, Test, Word};
use super::parser::{DECLARATIONS, Parser, Pending, is_name};
use super::text::Span;

/// Unary operators of `[[`, `[` and `test`.
pub(super) const UNARY: &str = "abcdefghknoprstuvwxzGLNORS";

/// Binary operators of `[[`.
const BINARY: [&str; 14] = ["==", "!=", "=~", "=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot"];

impl Parser {
    /// `(...)` is a subshell, `((...))` arithmetic unless it does not close as such.
    pub(super) fn parenthesis(&mut self) -> Node {
        if self.byte(1) == b'(' && !self.csh && self.reread < REREAD_BYTES {
            let (at, errors) = (self.at, self.errors.len());
            self.at += 2;
            let expression = self.arithmetic_until(b")");
            if self.byte(0) == b')' && self.byte(1) == b')' && self.errors.len() == errors {
                self.at += 2;
                return Node::Arithmetic(expression);
            }
            self.reread += self.at - at;
            self.at = at;
            self.errors.truncate(errors);
        }
        self.at += 1;
        Node::Subshell(Box::new(self.body(")")))
    }

    /// `function NAME [()] BODY`.
    pub(super) fn function_statement(&mut self) -> Node {
        self.at += "function".len();
        self.blanks();
        let name = self.bare_word().to_owned();
        self.at += name.len();
        self.blanks();
        if self.byte(0) == b'(' {
            self.at += 1;
            self.blanks();
            self.expect(")");
        }
        self.function_body(name)
    }

    fn function_body(&mut self, name: String) -> Node {
        self.newlines();
        let start = self.at;
        let opens = matches!(self.bare_word(), "{" | "if" | "for" | "while" | "until" | "case" | "select" | "[[");
        if !opens && self.byte(0) != b'(' {
            self.error(start, "a function needs a body");
        }
        Node::Function { name, body: Arc::new(self.command()) }
    }

    pub(super) fn case_statement(&mut self) -> Node {
        let start = self.at;
        self.at += 4;
        self.blanks();
        let subject = self.word();
        self.expect("in");
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.bare_word() == "esac" {
                self.at += 4;
                break;
            }
            if self.at_end() {
                self.error(start, "`esac` is missing");
                break;
            }
            let before = self.at;
            arms.push(self.arm());
            if self.at == before {
                self.next_char();
                self.error(before, "unexpected here");
            }
        }
        Node::Case { subject, arms }
    }

    fn arm(&mut self) -> Arm {
        if self.byte(0) == b'(' {
            self.at += 1;
            self.blanks();
        }
        let start = self.at;
        let mut patterns = vec![self.word()];
        self.blanks();
        while self.byte(0) == b'|' {
            self.at += 1;
            self.blanks();
            patterns.push(self.word());
            self.blanks();
        }
        if patterns.iter().any(|it| it.pieces.is_empty()) {
            self.error(start, "a pattern is expected here");
        }
        let span = self.span(start);
        if self.byte(0) == b')' {
            self.at += 1;
        } else {
            self.error(start, "`)` is expected behind the pattern");
        }
        let body = self.list();
        let rest = self.rest();
        let (then, width) = if rest.starts_with(";;&") {
            (After::TryNext, 3)
        } else if rest.starts_with(";&") {
            (After::FallThrough, 2)
        } else if rest.starts_with(";;") {
            (After::Leave, 2)
        } else {
            (After::Leave, 0)
        };
        self.at += width;
        if width == 0 && self.bare_word() != "esac" {
            self.error(start, "`;;` is missing");
        }
        Arm { patterns, body, then, span }
    }

    pub(super) fn test_statement(&mut self) -> Node {
        let start = self.at;
        self.at += 2;
        let test = self.test_or();
        self.newlines();
        if self.rest().starts_with("]]") {
            self.at += 2;
        } else {
            self.error(start, "`]]` is missing");
            self.skip_line();
        }
        Node::Test(test, self.span(start))
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn test_or(&mut self) -> Test {
        let mut left = self.test_and();
        loop {
            self.newlines();
            if !self.rest().starts_with("||") {
                return left;
            }
            self.at += 2;
            left = Test::Or(Box::new(left), Box::new(self.test_and()));
        }
    }

    fn test_and(&mut self) -> Test {
        let mut left = self.test_one();
        loop {
            self.newlines();
            if !self.rest().starts_with("&&") {
                return left;
            }
            self.at += 2;
            left = Test::And(Box::new(left), Box::new(self.test_one()));
        }
    }

    fn test_one(&mut self) -> Test {
        self.newlines();
        if !self.enter() {
            return Test::Undecided;
        }
        let test = match self.bare_word() {
            "!" => {
                self.at += 1;
                Test::Not(Box::new(self.test_one()))
            }
            "" if self.byte(0) == b'(' => {
                self.at += 1;
                let inner = self.test_or();
                self.newlines();
                self.expect(")");
                inner
            }
            operator if is_unary(operator) && !self.rest()[operator.len()..].trim_start().starts_with("]]") => {
                let operator = operator.to_owned();
                self.at += operator.len();
                self.blanks();
                Test::Unary(operator, self.word())
            }
            _ => self.test_comparison(),
        };
        self.depth -= 1;
        test
    }

    fn test_comparison(&mut self) -> Test {
        let start = self.at;
        let left = self.word();
        if left.pieces.is_empty() || left.span.written() == "]]" {
            self.at = start;
            self.error(start, "an expression is expected here");
            return Test::Undecided;
        }
        self.blanks();
        let Some(operator) = BINARY.iter().find(|it| self.rest().starts_with(**it)) else {
            return Test::Word(left);
        };
        self.at += operator.len();
        self.blanks();
        let right = if *operator == "=~" { self.regular_expression() } else { self.word() };
        if right.pieces.is_empty() {
            self.error(start, "an operand is missing");
        }
        Test::Binary(left, (*operator).to_owned(), right)
    }

    /// A simple command; `NAME () BODY` is a function.
    pub(super) fn simple_or_function(&mut self) -> Node {
        let start = self.at;
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::<Word>::new(), Vec::new());
        let mut end = start;
        let mut declares = false;
        loop {
            self.blanks();
            let before = self.at;
            if let Some(redirect) = self.redirect() {
                redirects.push(redirect);
                continue;
            }
            if self.command_ends() {
                break;
            }
            if words.is_empty()
                && !self.csh
                && let Some(assignment) = self.assignment()
            {
                end = self.at;
                assignments.push(assignment);
                continue;
            }
            words.push(if declares { self.declared() } else { self.word() });
            if words.len() == 1 {
                let name = words.first().map(|it| it.span.written()).unwrap_or_default();
                declares = DECLARATIONS.contains(&name.as_str());
                if let Some(function) = self.function_behind(&name, assignments.is_empty() && redirects.is_empty()) {
                    return function;
                }
            }
            if self.at == before {
                break;
            }
            end = self.at;
        }
        if self.at == start {
            self.error(start, "a command is expected here");
        }
        let span = Span { origin: Arc::clone(&self.origin), start, end };
        Node::Simple(Simple { assignments, words, redirects, span })
    }

    fn function_behind(&mut self, name: &str, first: bool) -> Option<Node> {
        self.blanks();
        if !first || self.csh || self.byte(0) != b'(' {
            return None;
        }
        let start = self.at;
        self.at += 1;
        self.blanks();
        if self.byte(0) != b')' {
            self.error(start, "unexpected here");
            return Some(Node::Sequence(Vec::new()));
        }
        self.at += 1;
        Some(self.function_body(name.to_owned()))
    }

    /// An argument of a declaration: a word that may be an assignment.
    fn declared(&mut self) -> Word {
        let start = self.at;
        match self.assignment() {
            Some(assignment) => {
                Word { pieces: Vec::new(), span: self.span(start), assignment: Some(Box::new(assignment)) }
            }
            None => self.word(),
        }
    }

    /// `NAME=`, `NAME+=`, `NAME[INDEX]=` and what is assigned; nothing is read when it is none.
    fn assignment(&mut self) -> Option<Assignment> {
        let start = self.at;
        let length = self.rest().bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
        let name = self.rest().get(..length)?.to_owned();
        if !is_name(&name) {
            return None;
        }
        self.at += length;
        let errors = self.errors.len();
        let mut index = None;
        if self.byte(0) == b'[' {
            self.at += 1;
            index = Some(self.arithmetic_until(b"]"));
            self.at += 1;
        }
        let append = self.byte(0) == b'+';
        if append {
            self.at += 1;
        }
        if self.byte(0) != b'=' {
            self.at = start;
            self.errors.truncate(errors);
            return None;
        }
        self.at += 1;
        let value = if self.byte(0) == b'(' { self.array() } else { Assigned::Word(self.word()) };
        Some(Assignment { name, index, append, value, span: self.span(start) })
    }

    fn array(&mut self) -> Assigned {
        let start = self.at;
        self.at += 1;
        let mut elements = Vec::new();
        loop {
            self.newlines();
            if self.byte(0) == b')' {
                self.at += 1;
                return Assigned::Array(elements);
            }
            let before = self.at;
            let mut index = None;
            if self.byte(0) == b'[' {
                let errors = self.errors.len();
                self.at += 1;
                index = Some(self.arithmetic_until(b"]"));
                if self.byte(1) == b'=' {
                    self.at += 2;
                } else {
                    index = None;
                    self.at = before;
                    self.errors.truncate(errors);
                }
            }
            elements.push((index, self.word()));
            if self.at == before {
                self.error(start, "`)` is missing behind the elements");
                return Assigned::Array(elements);
            }
        }
    }

    /// A redirection, when one begins here.
    pub(super) fn redirect(&mut self) -> Option<Redirect> {
        let start = self.at;
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let named = self.rest().strip_prefix('{').and_then(|it| it.split_once('}')).map(|(name, _)| name);
        let named = named.filter(|it| is_name(it)).map_or(0, |it| it.len() + 2);
        let (first, second) = (self.byte(digits.max(named)), self.byte(digits.max(named) + 1));
        let both = digits == 0 && named == 0 && self.byte(0) == b'&' && self.byte(1) == b'>';
        let process = digits == 0 && named == 0 && second == b'(';
        if !both && (!matches!(first, b'<' | b'>') || process) {
            return None;
        }
        self.at += digits.max(named);
        let operators = ["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", ">&", ">>", ">|", "<", ">"];
        let operator = operators.iter().find(|it| self.rest().starts_with(**it)).copied().unwrap_or("<");
        self.at += operator.len();
        while self.csh && matches!(self.byte(0), b'&' | b'!') {
            self.at += 1;
        }
        self.blanks();
        if operator == "<<" || operator == "<<-" {
            return Some(self.here_document(operator == "<<-"));
        }
        let word = self.word();
        if word.pieces.is_empty() {
            self.error(start, "a redirection without a file");
        }
        Some(if operator == "<<<" { Redirect::HereString(word) } else { Redirect::File(word) })
    }

    fn here_document(&mut self, strip_tabs: bool) -> Redirect {
        let start = self.at;
        let word = self.word();
        let written = self.origin.text().get(start..self.at).unwrap_or_default();
        let quoted = written.contains(['\'', '"', '\\']);
        let delimiter: String = written.chars().filter(|it| !matches!(it, '\'' | '"' | '\\')).collect();
        if word.pieces.is_empty() && !quoted {
            self.error(start, "a here-document without a delimiter");
        }
        let body = Arc::new(OnceLock::new());
        self.pending.push(Pending { delimiter, quoted, strip_tabs, body: Arc::clone(&body) });
        Redirect::HereDocument(body)
    }

    /// Blanks, line breaks and comments; the bodies of here-documents lie behind a line break.
    pub(super) fn newlines(&mut self) {
        loop {
            self.blanks();
            if self.byte(0) != b'\n' {
                return;
            }
            self.at += 1;
            for pending in std::mem::take(&mut self.pending) {
                self.here_body(&pending);
            }
        }
    }

    fn here_body(&mut self, pending: &Pending) {
        let start = self.at;
        let (mut end, mut next) = (self.end, self.end);
        let mut line_start = start;
        for line in self.rest().split_inclusive('\n') {
            let text = line.strip_suffix('\n').unwrap_or(line);
            let text = if pending.strip_tabs { text.trim_start_matches('\t') } else { text };
            if text == pending.delimiter {
                (end, next) = (line_start, line_start + line.len());
                break;
            }
            line_start += line.len();
        }
        let mut body = Parser::new(&self.origin, start, end);
        body.depth = self.depth;
        let word = body.here_text(pending.quoted, pending.strip_tabs);
        self.errors.append(&mut body.errors);
        // The cell is new: nobody else fills it.
        if pending.body.set(word).is_err() {
            self.error(start, "a here-document with two bodies");
        }
        self.at = next;
    }

    /// Blanks, continued lines, and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match (self.byte(0), self.byte(1)) {
                (b' ' | b'\t', _) => self.at += 1,
                (b'\\', b'\n') => self.at += 2,
                (b'#', _) if self.begins_word() => self.skip_line(),
                _ => return,
            }
        }
    }

    fn begins_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|it| self.origin.text().as_bytes().get(it)).copied();
        before.is_none_or(|it| matches!(it, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`'))
    }

    /// Whether a simple command ends here.
    pub(super) fn command_ends(&self) -> bool {
        self.at_end()
            || matches!(self.byte(0), b'\n' | b';' | b'&' | b'|' | b'(' | b')')
            || (matches!(self.byte(0), b'<' | b'>') && self.byte(1) != b'(')
    }

    /// The letters up to the next blank or operator, when none of them is quoted or expanded; else nothing.
    pub(super) fn bare_word(&self) -> &str {
        /// Longer words are no reserved words, and no names either.
        const BYTES: usize = 256;
        let rest = self.rest();
        let ends = |it: &u8| it.is_ascii_whitespace() || matches!(it, b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>');
        let length = rest.bytes().take(BYTES).position(|it| ends(&it));
        let word = rest.get(..length.unwrap_or(rest.len())).filter(|it| it.len() <= BYTES).unwrap_or_default();
        if word.contains(['\'', '"', '\\', '$', '`']) { "" } else { word }
    }
}

fn is_unary(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next() == Some('-') && letters.next().is_some_and(|it| UNARY.contains(it)) && letters.next().is_none()
}
