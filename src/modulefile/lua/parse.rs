//! The grammar of Lua 5.3 (reference manual, 9), without what modulefiles never have: `goto`, operators on bits.
//!
//! Invariant: how deep expressions and blocks lie inside one another is bounded ([`NESTING`]), so is the recursion.

use super::lex::{Token, What, tokens};
use crate::modulefile::limits::NESTING;

/// A block of statements.
pub(super) type Block = Vec<Statement>;

/// A statement and its line.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) what: Does,
    pub(super) line: u32,
}

/// What a statement does.
#[derive(Debug, Clone)]
pub(super) enum Does {
    Local(Vec<String>, Vec<Expression>),
    Assign(Vec<Expression>, Vec<Expression>),
    Call(Expression),
    /// Conditions with their blocks, and what is done otherwise.
    If(Vec<(Expression, Block)>, Block),
    While(Expression, Block),
    Repeat(Block),
    For(String, Vec<Expression>, Block),
    Each(Vec<String>, Vec<Expression>, Block),
    Do(Block),
    Function(String, Function),
    Return(Vec<Expression>),
    Break,
    /// The text is no Lua from here on.
    Wrong(String),
}

/// A function as written.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) parameters: Vec<String>,
    pub(super) body: Block,
    /// `...`
    pub(super) open: bool,
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Nil,
    Boolean(bool),
    Number(f64, String),
    Text(String),
    Name(String),
    /// `a.b`, `a["b"]`.
    Index(Box<Self>, Box<Self>),
    /// A function, its arguments, and the line.
    Call(Box<Self>, Vec<Self>, u32),
    /// `text:method(...)`: an object, a name, arguments.
    Method(Box<Self>, String, Vec<Self>, u32),
    /// Keys where they are written.
    Table(Vec<(Option<Self>, Self)>),
    Unary(&'static str, Box<Self>),
    /// Operators of one level, from left to right. One node, however many: what is nested is walked by recursion.
    Chain(Box<Self>, Vec<(&'static str, Self)>),
    Function(Box<Function>),
}

impl Expression {
    /// Whether it is made of texts, numbers and names, and calls nothing.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Nil | Self::Boolean(_) | Self::Number(..) | Self::Text(_) | Self::Name(_) => true,
            Self::Chain(first, rest) => first.is_plain() && rest.iter().all(|(_, it)| it.is_plain()),
            Self::Unary(_, operand) => operand.is_plain(),
            Self::Index(..) | Self::Call(..) | Self::Method(..) | Self::Table(_) | Self::Function(_) => false,
        }
    }
}

/// Binary operators, and how tightly they bind (reference manual, 3.4.8). `..` binds to the right in Lua, which is the same text.
const BINARY: [(&str, u8); 14] = [
    ("or", 1),
    ("and", 2),
    ("<", 3),
    (">", 3),
    ("<=", 3),
    (">=", 3),
    ("~=", 3),
    ("==", 3),
    ("..", 9),
    ("+", 10),
    ("-", 10),
    ("*", 11),
    ("/", 11),
    ("%", 11),
];

const UNARY_BINDS: u8 = 12;

/// Calls and indices behind one name.
const SUFFIXES: u32 = 12;

/// Why a text is no Lua.
type Wrong = String;

/// The statements of a file; the last is [`Does::Wrong`] where the rest could not be read.
pub(super) fn parse(text: &str) -> Block {
    let mut parser = Parser { tokens: tokens(text), at: 0, depth: 0 };
    let mut block = Block::new();
    let wrong = match parser.block_into(&mut block) {
        Ok(()) if parser.peek() == &What::End => return block,
        Ok(()) => "a word is not expected here".to_owned(),
        Err(why) => why,
    };
    let line = parser.line();
    block.push(Statement { what: Does::Wrong(wrong), line });
    block
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

const END: What = What::End;

impl Parser {
    fn peek(&self) -> &What {
        self.tokens.get(self.at).map_or(&END, |it| &it.what)
    }

    fn line(&self) -> u32 {
        let token = self.tokens.get(self.at).or_else(|| self.tokens.last());
        token.map_or(1, |it| it.line)
    }

    fn take(&mut self) -> What {
        let what = self.peek().clone();
        self.at += 1;
        what
    }

    fn is(&self, word: &str) -> bool {
        match self.peek() {
            What::Name(name) => name == word,
            What::Sign(sign) => *sign == word,
            What::Text(_) | What::Number(..) | What::Wrong(_) | What::End => false,
        }
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Wrong> {
        if self.accept(word) { Ok(()) } else { Err(format!("`{word}` is missing")) }
    }

    fn name(&mut self) -> Result<String, Wrong> {
        match self.take() {
            What::Name(name) if !is_reserved(&name) => Ok(name),
            What::Name(_) | What::Text(_) | What::Number(..) | What::Sign(_) | What::Wrong(_) | What::End => {
                Err("a name is missing".to_owned())
            }
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if NESTING <= self.depth {
            return Err("the modulefile nests too deeply".to_owned());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn block(&mut self) -> Result<Block, Wrong> {
        self.deeper(|it| {
            let mut block = Block::new();
            it.block_into(&mut block).map(|()| block)
        })
    }

    /// Statements up to a word that ends a block; those before a mistake are kept.
    fn block_into(&mut self, block: &mut Block) -> Result<(), Wrong> {
        loop {
            while self.accept(";") {}
            let ends = ["end", "else", "elseif", "until"].iter().any(|it| self.is(it));
            if ends || self.peek() == &What::End {
                return Ok(());
            }
            let line = self.line();
            let what = self.statement()?;
            block.push(Statement { what, line });
        }
    }

    fn statement(&mut self) -> Result<Does, Wrong> {
        let What::Name(word) = self.peek().clone() else {
            if let What::Wrong(why) = self.peek() {
                return Err(why.clone());
            }
            return self.plain();
        };
        match word.as_str() {
            "local" => self.local(),
            "if" => self.if_(),
            "while" => {
                self.at += 1;
                let condition = self.expression()?;
                self.expect("do")?;
                let body = self.block()?;
                self.expect("end")?;
                Ok(Does::While(condition, body))
            }
            "repeat" => {
                self.at += 1;
                let body = self.block()?;
                self.expect("until")?;
                self.expression()?;
                Ok(Does::Repeat(body))
            }
            "for" => self.for_(),
            "do" => {
                self.at += 1;
                let body = self.block()?;
                self.expect("end")?;
                Ok(Does::Do(body))
            }
            "function" => {
                self.at += 1;
                let mut name = self.name()?;
                while self.accept(".") || self.accept(":") {
                    name = format!("{name}.{}", self.name()?);
                }
                Ok(Does::Function(name, self.function()?))
            }
            "return" => {
                self.at += 1;
                let ends = ["end", "else", "elseif", "until", ";"].iter().any(|it| self.is(it));
                let values = if ends || self.peek() == &What::End { Vec::new() } else { self.expressions()? };
                self.accept(";");
                Ok(Does::Return(values))
            }
            "break" => {
                self.at += 1;
                Ok(Does::Break)
            }
            _ => self.plain(),
        }
    }

    fn local(&mut self) -> Result<Does, Wrong> {
        self.at += 1;
        if self.accept("function") {
            let name = self.name()?;
            return Ok(Does::Function(name, self.function()?));
        }
        let mut names = vec![self.name()?];
        while self.accept(",") {
            names.push(self.name()?);
        }
        let values = if self.accept("=") { self.expressions()? } else { Vec::new() };
        Ok(Does::Local(names, values))
    }

    fn if_(&mut self) -> Result<Does, Wrong> {
        let mut arms = Vec::new();
        let mut otherwise = Block::new();
        self.at += 1;
        loop {
            let condition = self.expression()?;
            self.expect("then")?;
            arms.push((condition, self.block()?));
            if self.accept("elseif") {
                continue;
            }
            if self.accept("else") {
                otherwise = self.block()?;
            }
            self.expect("end")?;
            return Ok(Does::If(arms, otherwise));
        }
    }

    fn for_(&mut self) -> Result<Does, Wrong> {
        self.at += 1;
        let mut names = vec![self.name()?];
        if self.accept("=") {
            let bounds = self.expressions()?;
            self.expect("do")?;
            let body = self.block()?;
            self.expect("end")?;
            let name = names.pop().unwrap_or_default();
            return Ok(Does::For(name, bounds, body));
        }
        while self.accept(",") {
            names.push(self.name()?);
        }
        self.expect("in")?;
        let values = self.expressions()?;
        self.expect("do")?;
        let body = self.block()?;
        self.expect("end")?;
        Ok(Does::Each(names, values, body))
    }

    /// A call or an assignment.
    fn plain(&mut self) -> Result<Does, Wrong> {
        let first = self.suffixed()?;
        if !self.is("=") && !self.is(",") {
            let calls = matches!(first, Expression::Call(..) | Expression::Method(..));
            return if calls { Ok(Does::Call(first)) } else { Err("a statement is expected here".to_owned()) };
        }
        let mut targets = vec![first];
        while self.accept(",") {
            targets.push(self.suffixed()?);
        }
        self.expect("=")?;
        Ok(Does::Assign(targets, self.expressions()?))
    }

    fn expressions(&mut self) -> Result<Vec<Expression>, Wrong> {
        let mut all = vec![self.expression()?];
        while self.accept(",") {
            all.push(self.expression()?);
        }
        Ok(all)
    }

    fn expression(&mut self) -> Result<Expression, Wrong> {
        self.deeper(|it| it.binding(0))
    }

    /// Operators that bind tighter than `least`.
    fn binding(&mut self, least: u8) -> Result<Expression, Wrong> {
        let unary = ["not", "-", "#"].into_iter().find(|it| self.is(it));
        let mut left = match unary {
            Some(operator) => {
                self.at += 1;
                Expression::Unary(operator, Box::new(self.deeper(|it| it.binding(UNARY_BINDS))?))
            }
            None => self.simple()?,
        };
        let mut level = 0;
        while let Some((operator, binds)) = BINARY.into_iter().find(|(it, _)| self.is(it)) {
            if binds <= least {
                break;
            }
            self.at += 1;
            let behind = self.deeper(|it| it.binding(binds))?;
            if let (Expression::Chain(_, rest), true) = (&mut left, level == binds) {
                rest.push((operator, behind));
            } else {
                left = Expression::Chain(Box::new(left), vec![(operator, behind)]);
            }
            level = binds;
        }
        Ok(left)
    }

    fn simple(&mut self) -> Result<Expression, Wrong> {
        let value = match self.peek() {
            What::Number(value, written) => Expression::Number(*value, written.clone()),
            What::Text(text) => Expression::Text(text.clone()),
            What::Name(name) => match name.as_str() {
                "nil" => Expression::Nil,
                "true" => Expression::Boolean(true),
                "false" => Expression::Boolean(false),
                "function" => {
                    self.at += 1;
                    return Ok(Expression::Function(Box::new(self.function()?)));
                }
                _ => return self.suffixed(),
            },
            What::Sign("{") => return self.table(),
            What::Sign("...") => Expression::Name("...".to_owned()),
            What::Sign(_) | What::Wrong(_) | What::End => return self.suffixed(),
        };
        self.at += 1;
        // A method of a text is called on it in parentheses only.
        Ok(value)
    }

    /// A name or an expression in parentheses, with what is asked of it.
    fn suffixed(&mut self) -> Result<Expression, Wrong> {
        let mut value = if self.accept("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            inner
        } else {
            Expression::Name(self.name()?)
        };
        // Each turn wraps the value once more, and what is wrapped is walked by recursion.
        for _ in 0..SUFFIXES {
            let line = self.line();
            if self.accept(".") {
                let key = self.name()?;
                value = Expression::Index(Box::new(value), Box::new(Expression::Text(key)));
            } else if self.accept("[") {
                let key = self.expression()?;
                self.expect("]")?;
                value = Expression::Index(Box::new(value), Box::new(key));
            } else if self.accept(":") {
                let name = self.name()?;
                let arguments = self.arguments()?;
                value = Expression::Method(Box::new(value), name, arguments, line);
            } else if self.is("(") || self.is("{") || matches!(self.peek(), What::Text(_)) {
                let arguments = self.arguments()?;
                value = Expression::Call(Box::new(value), arguments, line);
            } else {
                return Ok(value);
            }
        }
        Err("the modulefile nests too deeply".to_owned())
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, Wrong> {
        if let What::Text(text) = self.peek() {
            let text = text.clone();
            self.at += 1;
            return Ok(vec![Expression::Text(text)]);
        }
        if self.is("{") {
            return Ok(vec![self.table()?]);
        }
        self.expect("(")?;
        if self.accept(")") {
            return Ok(Vec::new());
        }
        let all = self.expressions()?;
        self.expect(")")?;
        Ok(all)
    }

    fn table(&mut self) -> Result<Expression, Wrong> {
        self.deeper(|it| {
            it.expect("{")?;
            let mut fields = Vec::new();
            while !it.accept("}") {
                let named = matches!(it.tokens.get(it.at + 1), Some(Token { what: What::Sign("="), .. }));
                if it.accept("[") {
                    let key = it.expression()?;
                    it.expect("]")?;
                    it.expect("=")?;
                    fields.push((Some(key), it.expression()?));
                } else if let (What::Name(name), true) = (it.peek().clone(), named) {
                    it.at += 2;
                    fields.push((Some(Expression::Text(name)), it.expression()?));
                } else {
                    fields.push((None, it.expression()?));
                }
                if !it.accept(",") && !it.accept(";") && !it.is("}") {
                    return Err("a brace is missing".to_owned());
                }
            }
            Ok(Expression::Table(fields))
        })
    }

    fn function(&mut self) -> Result<Function, Wrong> {
        self.expect("(")?;
        let (mut parameters, mut open) = (Vec::new(), false);
        while !self.accept(")") {
            if self.accept("...") {
                open = true;
            } else {
                parameters.push(self.name()?);
            }
            if !self.accept(",") && !self.is(")") {
                return Err("a parenthesis is missing".to_owned());
            }
        }
        let body = self.block()?;
        self.expect("end")?;
        Ok(Function { parameters, body, open })
    }
}

fn is_reserved(name: &str) -> bool {
    [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]
    .contains(&name)
}
