//! csh and tcsh: statements, made into the same nodes as those of bash. Words are read by the same code.
//!
//! Absent on purpose: `goto` and labels, `repeat`, history. They are said to be unclear.

use std::sync::Arc;

use super::builtins::Argument;
use super::node::{After, Arm, Assigned, Assignment, Index, Node, Piece, Simple, Test, Word};
use super::parser::{Parsed, Parser, is_name};
use super::run::Runner;
use super::text::{Origin, Span};
use super::value::{Binding, Value};
use super::world::World;

/// Words that end a list of statements.
pub(super) const ENDS: [&str; 6] = ["else", "endif", "end", "case", "default:", "endsw"];

/// Comparisons, and the operators of bash that decide alike.
const COMPARISONS: [(&str, &str); 8] =
    [("==", "=="), ("!=", "!="), ("=~", "=~"), ("!~", "!~"), ("<=", "-le"), (">=", "-ge"), ("<", "-lt"), (">", "-gt")];

/// Parses a whole text as csh.
pub(super) fn parse(origin: &Arc<Origin>, depth: usize) -> Parsed {
    let mut parser = Parser::new(origin, 0, origin.text().len());
    parser.csh = true;
    parser.depth = depth;
    let node = parser.script();
    Parsed { node: Arc::new(node), errors: parser.errors }
}

impl Parser {
    /// A statement that begins with a word of csh; nothing when it is an ordinary command.
    pub(super) fn csh_statement(&mut self) -> Option<Node> {
        let word = self.bare_word().to_owned();
        let start = self.at;
        let known = ["if", "foreach", "while", "switch", "set", "@", "goto", "repeat", "onintr"];
        if !known.contains(&word.as_str()) {
            return None;
        }
        self.at += word.len();
        self.blanks();
        Some(match word.as_str() {
            "if" => self.csh_if(),
            "foreach" => self.csh_foreach(start),
            "while" => {
                let (condition, span) = self.csh_condition();
                let body = Box::new(self.csh_body("end"));
                Node::While { condition: Box::new(condition), body, until: false, span }
            }
            "switch" => self.csh_switch(),
            "set" => self.csh_set(start),
            "@" => Node::Arithmetic(self.arithmetic_until(b"\n;")),
            _ => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                if word != "onintr" {
                    self.error(start, "not followed: where the script goes on is not known");
                }
                Node::Sequence(Vec::new())
            }
        })
    }

    fn csh_body(&mut self, close: &str) -> Node {
        let node = self.list();
        self.expect(close);
        node
    }

    fn csh_if(&mut self) -> Node {
        let (condition, span) = self.csh_condition();
        let condition = Box::new(condition);
        self.blanks();
        if self.bare_word() != "then" {
            let then = Box::new(self.command());
            return Node::If { condition, then, otherwise: None, span };
        }
        self.at += "then".len();
        let then = Box::new(self.list());
        let mut otherwise = None;
        if self.bare_word() == "else" && self.enter() {
            self.at += "else".len();
            self.blanks();
            if self.bare_word() == "if" || self.rest().starts_with("if(") {
                self.at += "if".len();
                self.blanks();
                otherwise = Some(Box::new(self.csh_if()));
            } else {
                otherwise = Some(Box::new(self.csh_body("endif")));
            }
            self.depth -= 1;
        } else {
            self.expect("endif");
        }
        Node::If { condition, then, otherwise, span }
    }

    fn csh_condition(&mut self) -> (Node, Span) {
        let start = self.at;
        if self.byte(0) != b'(' {
            self.error(start, "`(` is expected here");
            return (Node::Test(Test::Undecided, self.span(start)), self.span(start));
        }
        self.at += 1;
        let test = self.csh_or();
        self.blanks();
        let test = if self.byte(0) == b')' {
            self.at += 1;
            test
        } else {
            self.csh_skip();
            Test::Undecided
        };
        (Node::Test(test, self.span(start)), self.span(start))
    }

    /// Goes behind the parenthesis that closes an expression which is not understood.
    fn csh_skip(&mut self) {
        let mut open = 1_usize;
        while 0 < open && !self.at_end() && self.byte(0) != b'\n' {
            match self.byte(0) {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            self.next_char();
        }
    }

    fn csh_or(&mut self) -> Test {
        let mut left = self.csh_and();
        self.blanks();
        while self.rest().starts_with("||") {
            self.at += 2;
            left = Test::Or(Box::new(left), Box::new(self.csh_and()));
            self.blanks();
        }
        left
    }

    fn csh_and(&mut self) -> Test {
        let mut left = self.csh_one();
        self.blanks();
        while self.rest().starts_with("&&") {
            self.at += 2;
            left = Test::And(Box::new(left), Box::new(self.csh_one()));
            self.blanks();
        }
        left
    }

    fn csh_one(&mut self) -> Test {
        self.blanks();
        if !self.enter() {
            return Test::Undecided;
        }
        let second = self.byte(1);
        let test = match self.byte(0) {
            b'!' if second != b'=' && second != b'~' => {
                self.at += 1;
                Test::Not(Box::new(self.csh_one()))
            }
            b'(' => {
                self.at += 1;
                let inner = self.csh_or();
                self.blanks();
                if self.byte(0) == b')' {
                    self.at += 1;
                    inner
                } else {
                    self.csh_skip();
                    Test::Undecided
                }
            }
            b'-' if second.is_ascii_alphabetic() && matches!(self.byte(2), b' ' | b'\t') => {
                let operator = format!("-{}", char::from(second));
                self.at += 2;
                self.blanks();
                Test::Unary(operator, self.word())
            }
            _ => self.csh_comparison(),
        };
        self.depth -= 1;
        test
    }

    fn csh_comparison(&mut self) -> Test {
        let left = self.word();
        if left.pieces.is_empty() {
            return Test::Undecided;
        }
        self.blanks();
        let Some((operator, meant)) = COMPARISONS.iter().find(|it| self.rest().starts_with(it.0)) else {
            return Test::Arithmetic(left);
        };
        self.at += operator.len();
        self.blanks();
        let mut right = self.word();
        if *meant == "==" || *meant == "!=" {
            // No pattern: every letter is plain.
            right.pieces.iter_mut().for_each(plain);
        }
        Test::Binary(left, (*meant).to_owned(), right)
    }

    fn csh_foreach(&mut self, start: usize) -> Node {
        let name = self.bare_word().to_owned();
        self.at += name.len();
        self.blanks();
        let words = self.csh_list_of_words();
        if !is_name(&name) || words.is_none() {
            self.error(start, "`foreach NAME (WORDS)` is expected");
        }
        let span = self.span(start);
        let body = Box::new(self.csh_body("end"));
        Node::For { name, words: Some(words.unwrap_or_default()), body, asks: false, span }
    }

    /// `(a b c)`.
    fn csh_list_of_words(&mut self) -> Option<Vec<Word>> {
        if self.byte(0) != b'(' {
            return None;
        }
        self.at += 1;
        let mut words = Vec::new();
        loop {
            self.blanks();
            if self.byte(0) == b')' {
                self.at += 1;
                return Some(words);
            }
            let before = self.at;
            words.push(self.word());
            if self.at == before {
                self.error(before, "`)` is missing");
                return Some(words);
            }
        }
    }

    fn csh_switch(&mut self) -> Node {
        let start = self.at;
        self.at += usize::from(self.byte(0) == b'(');
        self.blanks();
        let subject = self.word();
        self.blanks();
        self.at += usize::from(self.byte(0) == b')');
        let mut arms = Vec::new();
        loop {
            self.newlines();
            let word = self.bare_word().to_owned();
            let at = self.at;
            let pattern = match word.as_str() {
                "endsw" => {
                    self.at += word.len();
                    break;
                }
                "case" => {
                    self.at += word.len();
                    self.blanks();
                    let mut pattern = self.word();
                    if let Some(Piece::Text { text, quoted: false }) = pattern.pieces.last_mut() {
                        text.truncate(text.trim_end_matches(':').len());
                    }
                    pattern.span.end -= usize::from(pattern.span.written().ends_with(':'));
                    pattern
                }
                "default:" => {
                    let all = Piece::Text { text: "*".to_owned(), quoted: false };
                    self.at += word.len();
                    Word { pieces: vec![all], span: self.span(at), assignment: None }
                }
                _ => {
                    self.error(start, "`case`, `default:` or `endsw` is expected");
                    break;
                }
            };
            let body_start = self.at;
            let span = pattern.span.clone();
            let body = self.list();
            let written = self.origin.text().get(body_start..self.at).unwrap_or_default();
            let then = if written.contains("breaksw") { After::Leave } else { After::FallThrough };
            arms.push(Arm { patterns: vec![pattern], body, then, span });
        }
        Node::Case { subject, arms }
    }

    /// `set NAME = WORD`, `set NAME = (WORDS)`, `set NAME`, several in one.
    fn csh_set(&mut self, start: usize) -> Node {
        let mut assignments = Vec::new();
        while !self.command_ends() {
            let at = self.at;
            let letters = self.rest().bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
            let name = self.rest().get(..letters).unwrap_or_default().to_owned();
            if !is_name(&name) {
                // An option such as `-r`.
                self.word();
                self.blanks();
                if self.at == at {
                    break;
                }
                continue;
            }
            self.at += letters;
            let mut index = None;
            if self.byte(0) == b'[' {
                self.at += 1;
                index = Some(self.arithmetic_until(b"]"));
                self.at += 1;
            }
            self.blanks();
            let mut value = Assigned::Word(Word { pieces: Vec::new(), span: self.span(at), assignment: None });
            if self.byte(0) == b'=' {
                self.at += 1;
                self.blanks();
                value = match self.csh_list_of_words() {
                    Some(words) => Assigned::Array(words.into_iter().map(|it| (None, it)).collect()),
                    None => Assigned::Word(self.word()),
                };
            }
            assignments.push(Assignment { name, index, append: false, value, span: self.span(at) });
            self.blanks();
        }
        Node::Simple(Simple { assignments, words: Vec::new(), redirects: Vec::new(), span: self.span(start) })
    }
}

fn plain(piece: &mut Piece) {
    match piece {
        Piece::Text { quoted, .. }
        | Piece::Parameter { quoted, .. }
        | Piece::Command { quoted, .. }
        | Piece::Arithmetic { quoted, .. } => *quoted = true,
        Piece::Process { .. } => {}
    }
}

/// Variables that csh itself sets.
pub(super) const OF_CSH: [&str; 8] = ["cwd", "home", "path", "shell", "status", "user", "prompt", "tcsh"];

/// `$argv` is what bash calls `$@`.
pub(super) fn is_arguments(name: &str, index: Option<&Index>) -> bool {
    name == "argv" && !matches!(index, Some(Index::At(_)))
}

impl Runner<'_> {
    /// A builtin of csh alone; the world comes back when it is none.
    pub(super) fn csh_builtin(
        &mut self,
        name: &str,
        rest: &[Argument],
        span: &Span,
        mut world: World,
    ) -> Result<Vec<World>, Box<World>> {
        match name {
            "setenv" => match rest.first().map(Argument::text) {
                Some(Some(variable)) if is_name(&variable) => {
                    let value = match rest.get(1) {
                        Some(value) if value.field.open => Value::unknown(value.span.written(), &value.span.place()),
                        Some(value) => value.field.value.clone(),
                        None => Value::default(),
                    };
                    world.set(&variable, value.latest(&span.place()));
                    world.export(&variable);
                }
                Some(_) => {
                    world.forget(&format!("`{}` may set it", span.written()), &span.place());
                    self.unclear(span, "which variable this sets is not known");
                }
                None => {}
            },
            "unsetenv" => {
                for argument in rest {
                    match argument.text() {
                        Some(variable) => world.unset(&variable, &span.place()),
                        None => self.unclear(span, "which variable this unsets is not known"),
                    }
                }
            }
            "breaksw" | "endif" => {}
            _ => return Err(Box::new(world)),
        }
        Ok(vec![world])
    }

    /// `path` is `PATH` in another form.
    pub(super) fn csh_path(&mut self, span: &Span, world: &mut World) {
        let mut whole = Value::default();
        match world.arrays.get("path") {
            Some(elements) => {
                for (at, element) in elements.values().enumerate() {
                    whole.push_text(if at == 0 { "" } else { ":" });
                    whole.push(element);
                }
            }
            None => whole = Value::unknown(span.written(), &span.place()),
        }
        world.bind("PATH", Binding::Set(whole.latest(&span.place())));
        world.export("PATH");
    }
}
