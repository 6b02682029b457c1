//! Statements of bash and sh. Tolerant: what is wrong is noted, and reading goes on behind it.
//!
//! A grammar for editors was tried first (tree-sitter-bash 0.25.1): it joins `A=$(x)` and the command of the next line into
//! one, and loses `&` and `&&` behind a here-document. Such a tree is no base for a verdict.
//!
//! Invariant: every loop advances or ends; nesting is bounded.

use std::sync::{Arc, OnceLock};

use super::csh;
use super::limits::NESTING;
use super::node::{Node, Word};
use super::text::{Origin, Span};

/// A place that the grammar forbids.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) span: Span,
    pub(super) why: String,
}

/// A parsed text.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Arc<Node>,
    pub(super) errors: Vec<SyntaxError>,
}

/// Parses a whole text as bash.
pub(super) fn parse(origin: &Arc<Origin>, depth: usize) -> Parsed {
    let mut parser = Parser::new(origin, 0, origin.text().len());
    parser.depth = depth;
    let node = parser.script();
    Parsed { node: Arc::new(node), errors: parser.errors }
}

/// A cursor over a stretch of a text.
pub(super) struct Parser {
    pub(super) origin: Arc<Origin>,
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) errors: Vec<SyntaxError>,
    pub(super) csh: bool,
    pub(super) pending: Vec<Pending>,
    /// Bytes that were read as arithmetic and have to be read again as commands.
    pub(super) reread: usize,
}

/// A here-document whose body is still to come.
pub(super) struct Pending {
    pub(super) delimiter: String,
    pub(super) quoted: bool,
    pub(super) strip_tabs: bool,
    pub(super) body: Arc<OnceLock<Word>>,
}

const RESERVED: [&str; 21] = [
    "if", "then", "elif", "else", "fi", "while", "until", "for", "select", "do", "done", "case", "in", "esac", "{",
    "}", "[[", "!", "time", "function", "coproc",
];

/// Reserved words that end a list.
const ENDS: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// Commands whose arguments may be assignments with the value of an assignment.
pub(super) const DECLARATIONS: [&str; 5] = ["export", "declare", "typeset", "local", "readonly"];

impl Parser {
    pub(super) fn new(origin: &Arc<Origin>, at: usize, end: usize) -> Self {
        let origin = Arc::clone(origin);
        Self { origin, at, end, depth: 0, errors: Vec::new(), csh: false, pending: Vec::new(), reread: 0 }
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.end { self.origin.text().as_bytes().get(at).copied().unwrap_or(0) } else { 0 }
    }

    pub(super) fn at_end(&self) -> bool {
        self.end <= self.at
    }

    pub(super) fn rest(&self) -> &str {
        self.origin.text().get(self.at..self.end).unwrap_or_default()
    }

    pub(super) fn span(&self, start: usize) -> Span {
        Span { origin: Arc::clone(&self.origin), start, end: self.at.min(self.end) }
    }

    pub(super) fn error(&mut self, start: usize, why: &str) {
        // At least the word that stands there.
        let word = self.origin.text().get(start..self.end).unwrap_or_default();
        let word = word.bytes().take(40).position(|it| b" \t\n;".contains(&it)).unwrap_or(1).max(1);
        let end = self.at.max(start + word).min(self.end.max(start));
        let span = Span { origin: Arc::clone(&self.origin), start, end };
        self.errors.push(SyntaxError { span, why: why.to_owned() });
    }

    /// Goes one level down, unless the script nests too deeply: then the rest is left unread.
    pub(super) fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth <= NESTING {
            return true;
        }
        let start = self.at;
        self.error(start, "nested too deeply: the rest is not read");
        self.at = self.end;
        self.depth -= 1;
        false
    }

    /// A character, so that no multi-byte one is cut.
    pub(super) fn next_char(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn script(&mut self) -> Node {
        let mut nodes = Vec::new();
        loop {
            nodes.push(self.list());
            if self.at_end() {
                break;
            }
            // Something closes here that nothing opened.
            let start = self.at;
            if self.bare_word().is_empty() {
                self.next_char();
                if self.byte(0) == b';' {
                    self.at += 1;
                }
            } else {
                self.at += self.bare_word().len();
            }
            self.error(start, "unexpected here");
        }
        // A here-document of the last line has no body: bash warns, and takes nothing.
        self.pending.clear();
        Node::Sequence(nodes)
    }

    /// Statements up to something that ends them, which stays unread.
    pub(super) fn list(&mut self) -> Node {
        let mut nodes = Vec::new();
        if !self.enter() {
            return Node::Sequence(nodes);
        }
        loop {
            self.newlines();
            if self.list_ends() {
                break;
            }
            let before = self.at;
            let node = self.and_or();
            self.blanks();
            nodes.push(match self.byte(0) {
                b'&' if self.byte(1) != b'&' => {
                    self.at += 1;
                    Node::Background(Box::new(node))
                }
                b';' if self.byte(1) != b';' && self.byte(1) != b'&' => {
                    self.at += 1;
                    node
                }
                _ => node,
            });
            if self.at == before {
                self.next_char();
                self.error(before, "unexpected here");
            }
            self.separated(before);
        }
        self.depth -= 1;
        Node::Sequence(nodes)
    }

    /// Behind a statement stands a separator, or a word that ends the list.
    fn separated(&mut self, start: usize) {
        self.blanks();
        let separator = self.origin.text().get(start..self.at).unwrap_or_default().trim_end_matches([' ', '\t']);
        if separator.ends_with(['&', ';']) || self.byte(0) == b'\n' || self.list_ends() {
            return;
        }
        let start = self.at;
        self.error(start, "unexpected here: a separator is missing");
    }

    fn list_ends(&self) -> bool {
        let closes = self.byte(0) == b')' || (self.byte(0) == b';' && matches!(self.byte(1), b';' | b'&'));
        let ends: &[&str] = if self.csh { &csh::ENDS } else { &ENDS };
        self.at_end() || closes || ends.contains(&self.bare_word())
    }

    fn and_or(&mut self) -> Node {
        let mut left = self.pipeline();
        loop {
            self.blanks();
            let (a, b) = (self.byte(0), self.byte(1));
            if a != b || (a != b'&' && a != b'|') {
                return left;
            }
            self.at += 2;
            self.newlines();
            let right = Box::new(self.pipeline());
            left = if a == b'&' { Node::And(Box::new(left), right) } else { Node::Or(Box::new(left), right) };
        }
    }

    fn pipeline(&mut self) -> Node {
        self.blanks();
        let mut negated = false;
        loop {
            match self.bare_word() {
                "!" => {
                    self.at += 1;
                    negated = !negated;
                }
                "time" => {
                    self.at += 4;
                    self.blanks();
                    if self.bare_word() == "-p" {
                        self.at += 2;
                    }
                    self.blanks();
                    if self.command_ends() {
                        return Node::Sequence(Vec::new());
                    }
                }
                _ => break,
            }
            self.blanks();
        }
        let mut stages = vec![self.command()];
        loop {
            self.blanks();
            if self.byte(0) != b'|' || self.byte(1) == b'|' {
                break;
            }
            self.at += if self.byte(1) == b'&' { 2 } else { 1 };
            self.newlines();
            stages.push(self.command());
        }
        let node = match stages.pop() {
            Some(only) if stages.is_empty() => only,
            Some(last) => {
                stages.push(last);
                Node::Pipeline(stages)
            }
            None => Node::Sequence(Vec::new()),
        };
        if negated { Node::Not(Box::new(node)) } else { node }
    }

    pub(super) fn command(&mut self) -> Node {
        let start = self.at;
        if !self.enter() {
            return Node::Sequence(Vec::new());
        }
        if self.csh {
            let node = self.csh_statement();
            let node = node.unwrap_or_else(|| match self.byte(0) {
                b'(' => self.parenthesis(),
                _ => self.simple_or_function(),
            });
            self.depth -= 1;
            return self.redirected(node);
        }
        let word = self.bare_word().to_owned();
        let node = match word.as_str() {
            "if" => self.if_statement(),
            "while" | "until" => self.while_statement(word == "until"),
            "for" | "select" => self.for_statement(word == "select"),
            "case" => self.case_statement(),
            "function" => self.function_statement(),
            "[[" => self.test_statement(),
            "{" => {
                self.at += 1;
                self.body("}")
            }
            "coproc" => {
                self.at += word.len();
                self.blanks();
                Node::Background(Box::new(self.command()))
            }
            _ if self.byte(0) == b'(' => self.parenthesis(),
            _ if RESERVED.contains(&word.as_str()) && word != "in" => {
                self.at += word.len();
                self.error(start, "a reserved word where a command is expected");
                Node::Sequence(Vec::new())
            }
            _ => {
                let node = self.simple_or_function();
                self.depth -= 1;
                return node;
            }
        };
        self.depth -= 1;
        self.redirected(node)
    }

    /// A compound command with the redirections behind it.
    fn redirected(&mut self, body: Node) -> Node {
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect() {
                Some(redirect) => redirects.push(redirect),
                None if redirects.is_empty() => return body,
                None => return Node::Redirected { body: Box::new(body), redirects },
            }
        }
    }

    /// A list and the word that closes it.
    pub(super) fn body(&mut self, close: &str) -> Node {
        let start = self.at;
        let node = self.list();
        if let Node::Sequence(nodes) = &node
            && nodes.is_empty()
        {
            self.error(start, "an empty body");
        }
        self.expect(close);
        node
    }

    pub(super) fn expect(&mut self, close: &str) {
        self.newlines();
        if self.bare_word() == close || (close == ")" && self.byte(0) == b')') {
            self.at += close.len();
        } else {
            let start = self.at;
            self.error(start, &format!("`{close}` is expected here"));
        }
    }

    fn if_statement(&mut self) -> Node {
        self.at += if self.bare_word() == "if" { 2 } else { 4 };
        self.blanks();
        let start = self.at;
        let condition = Box::new(self.body("then"));
        let span = self.condition_span(start, "then");
        let body_start = self.at;
        let then = Box::new(self.list());
        self.not_empty(&then, body_start);
        let word = self.bare_word().to_owned();
        let mut otherwise = None;
        if word == "elif" && self.enter() {
            otherwise = Some(Box::new(self.if_statement()));
            self.depth -= 1;
        } else if word == "else" {
            self.at += word.len();
            otherwise = Some(Box::new(self.body("fi")));
        } else {
            self.expect("fi");
        }
        Node::If { condition, then, otherwise, span }
    }

    fn not_empty(&mut self, node: &Node, start: usize) {
        if matches!(node, Node::Sequence(nodes) if nodes.is_empty()) {
            self.error(start, "an empty body");
        }
    }

    /// The condition as written, without the separator and the word behind it.
    fn condition_span(&self, start: usize, close: &str) -> Span {
        let text = self.origin.text().get(start..self.at).unwrap_or_default();
        let text = text.strip_suffix(close).unwrap_or(text).trim_end_matches([' ', '\t', '\n', ';', '\r']);
        Span { origin: Arc::clone(&self.origin), start, end: start + text.len() }
    }

    fn while_statement(&mut self, until: bool) -> Node {
        self.at += 5;
        self.blanks();
        let start = self.at;
        let condition = Box::new(self.body("do"));
        let span = self.condition_span(start, "do");
        let body = Box::new(self.body("done"));
        Node::While { condition, body, until, span }
    }

    fn for_statement(&mut self, asks: bool) -> Node {
        let start = self.at;
        self.at += if asks { 6 } else { 3 };
        self.blanks();
        if !asks && self.byte(0) == b'(' && self.byte(1) == b'(' {
            return self.for_arithmetic(start);
        }
        let name = self.bare_word().to_owned();
        self.at += name.len();
        if !is_name(&name) {
            self.error(start, "not the name of a variable");
        }
        self.blanks();
        let newline = self.byte(0) == b'\n';
        if newline {
            self.newlines();
        }
        let mut words = None;
        if self.bare_word() == "in" {
            self.at += 2;
            let mut found = Vec::new();
            self.blanks();
            while !self.command_ends() {
                let before = self.at;
                found.push(self.word());
                self.blanks();
                if self.at == before {
                    break;
                }
            }
            words = Some(found);
        }
        let span = self.span(start);
        if self.byte(0) == b';' {
            self.at += 1;
        }
        let body = Box::new(self.do_body());
        Node::For { name, words, body, asks, span }
    }

    /// `do ... done`, or `{ ... }`, which bash takes too.
    fn do_body(&mut self) -> Node {
        self.newlines();
        if self.bare_word() == "{" {
            self.at += 1;
            return self.body("}");
        }
        self.expect("do");
        self.body("done")
    }

    fn for_arithmetic(&mut self, start: usize) -> Node {
        self.at += 2;
        let first = self.arithmetic_until(b";");
        self.at += 1;
        let condition = self.arithmetic_until(b";");
        self.at += 1;
        let step = self.arithmetic_until(b")");
        if self.byte(0) == b')' && self.byte(1) == b')' {
            self.at += 2;
        } else {
            self.error(start, "`))` is expected");
        }
        let span = self.span(start);
        self.blanks();
        if self.byte(0) == b';' {
            self.at += 1;
        }
        let body = Box::new(self.do_body());
        Node::ForArithmetic { first, condition, step, body, span }
    }
}

/// Whether the text can name a variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next().is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
        && letters.all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
