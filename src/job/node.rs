//! What both parsers make of a script: statements and words, before any of it is followed.

use std::sync::{Arc, OnceLock};

use super::text::Span;

/// A statement.
#[derive(Debug)]
pub(super) enum Node {
    Sequence(Vec<Node>),
    Simple(Simple),
    /// `[[ ... ]]`, and the condition of a csh `if`.
    Test(Test, Span),
    /// `(( ... ))`.
    Arithmetic(Word),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Pipeline(Vec<Node>),
    Background(Box<Node>),
    Subshell(Box<Node>),
    If {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
        /// The condition as written.
        span: Span,
    },
    /// `for NAME in WORDS`; without words over the arguments. `select` asks a person: its turns are not known.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: Box<Node>,
        asks: bool,
        span: Span,
    },
    /// `for ((FIRST; CONDITION; STEP))`.
    ForArithmetic {
        first: Word,
        condition: Word,
        step: Word,
        body: Box<Node>,
        span: Span,
    },
    While {
        condition: Box<Node>,
        body: Box<Node>,
        until: bool,
        span: Span,
    },
    Case {
        subject: Word,
        arms: Vec<Arm>,
    },
    Function {
        name: String,
        body: Arc<Node>,
    },
    Redirected {
        body: Box<Node>,
        redirects: Vec<Redirect>,
    },
}

/// A simple command, or assignments alone.
#[derive(Debug)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Assignment>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    /// From the first word or assignment to the last.
    pub(super) span: Span,
}

/// A word before expansion.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) pieces: Vec<Piece>,
    pub(super) span: Span,
    /// The word read as `NAME=VALUE`, where a declaration takes it so.
    pub(super) assignment: Option<Box<Assignment>>,
}

impl Word {
    /// Whether nothing in it is expanded.
    pub(super) fn is_literal(&self) -> bool {
        self.pieces.iter().all(|it| matches!(it, Piece::Text { .. }))
    }
}

/// A piece of a word.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text {
        text: String,
        quoted: bool,
    },
    Parameter {
        parameter: Box<Parameter>,
        quoted: bool,
        span: Span,
    },
    /// `$(...)` and backquotes.
    Command {
        body: Arc<Node>,
        quoted: bool,
        span: Span,
    },
    /// `$((...))`.
    Arithmetic {
        expression: Word,
        quoted: bool,
        span: Span,
    },
    /// `<(...)` and `>(...)`.
    Process {
        body: Arc<Node>,
        span: Span,
    },
}

/// `$NAME` or `${NAME...}`.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) index: Option<Index>,
    pub(super) operation: Operation,
}

/// Which elements of an array.
#[derive(Debug, Clone)]
pub(super) enum Index {
    /// `[@]`, `[*]`: every element; joined by blanks where it is one word.
    All {
        joined: bool,
    },
    At(Word),
}

/// What `${...}` does with the value.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    None,
    Length,
    /// `${!NAME}`.
    Indirect,
    /// `${!PREFIX*}`, `${NAME@Q}` and others that are not followed.
    Unfollowed,
    /// `-` and `:-`; with `assign`, `=` and `:=`.
    Default {
        word: Word,
        empty_counts: bool,
        assign: bool,
    },
    /// `+` and `:+`.
    Alternative {
        word: Word,
        empty_counts: bool,
    },
    /// `?` and `:?`.
    Required {
        empty_counts: bool,
    },
    /// `#`, `##`, `%`, `%%`.
    Trim {
        pattern: Word,
        end: bool,
        longest: bool,
    },
    /// `/`, `//`, `/#`, `/%`.
    Replace {
        pattern: Word,
        with: Word,
        which: Which,
    },
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    /// `^`, `^^`, `,`, `,,`.
    Case {
        upper: bool,
        all: bool,
    },
    /// `$?NAME` of csh: 1 when it is set.
    IsSet,
}

/// Which matches are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    All,
    Start,
    End,
}

/// `NAME=VALUE`.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) index: Option<Word>,
    pub(super) append: bool,
    pub(super) value: Assigned,
    pub(super) span: Span,
}

/// What is assigned.
#[derive(Debug, Clone)]
pub(super) enum Assigned {
    Word(Word),
    /// `(a b [5]=c)`.
    Array(Vec<(Option<Word>, Word)>),
}

/// `> FILE` and others. Only what is fed to a command matters.
#[derive(Debug)]
pub(super) enum Redirect {
    /// A file: its name may hold command substitutions.
    File(Word),
    HereString(Word),
    /// The body comes after the line.
    HereDocument(Arc<OnceLock<Word>>),
}

/// An arm of `case`.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) patterns: Vec<Word>,
    pub(super) body: Node,
    pub(super) then: After,
    pub(super) span: Span,
}

/// What happens after an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Leave,
    /// `;&`: the next body runs too.
    FallThrough,
    /// `;;&`: the next patterns are tried too.
    TryNext,
}

/// A test, before its words are expanded.
#[derive(Debug)]
pub(super) enum Test {
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Unary(String, Word),
    Binary(Word, String, Word),
    Word(Word),
    /// An expression that only arithmetic decides (csh).
    Arithmetic(Word),
    /// A command in braces (csh), or an expression that is not understood.
    Undecided,
}

/// The stretch that stands for a statement in messages and conditions.
pub(super) fn span_of(node: &Node) -> Option<Span> {
    let both = |a: Option<Span>, b: Option<Span>| match (a, b) {
        (Some(a), Some(b)) => Some(Span { end: b.end.max(a.end), ..a }),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    };
    match node {
        Node::Sequence(nodes) | Node::Pipeline(nodes) => {
            both(nodes.first().and_then(span_of), nodes.last().and_then(span_of))
        }
        Node::Simple(simple) => Some(simple.span.clone()),
        Node::Test(_, span)
        | Node::If { span, .. }
        | Node::For { span, .. }
        | Node::ForArithmetic { span, .. }
        | Node::While { span, .. } => Some(span.clone()),
        Node::Arithmetic(word) => Some(word.span.clone()),
        Node::And(left, right) | Node::Or(left, right) => both(span_of(left), span_of(right)),
        Node::Not(inner) | Node::Background(inner) | Node::Subshell(inner) => span_of(inner),
        Node::Case { subject, .. } => Some(subject.span.clone()),
        Node::Function { body, .. } => span_of(body),
        Node::Redirected { body, .. } => span_of(body),
    }
}

/// The words that a statement itself expands.
pub(super) fn words_of<'n>(node: &'n Node, words: &mut Vec<&'n Word>) {
    match node {
        Node::Simple(simple) => {
            words.extend(&simple.words);
            let declared = simple.words.iter().filter_map(|it| it.assignment.as_deref());
            for assignment in simple.assignments.iter().chain(declared) {
                match &assignment.value {
                    Assigned::Word(word) => words.push(word),
                    Assigned::Array(elements) => words.extend(elements.iter().map(|(_, word)| word)),
                }
            }
        }
        Node::Case { subject, .. } => words.push(subject),
        Node::Sequence(_)
        | Node::Test(..)
        | Node::Arithmetic(_)
        | Node::And(..)
        | Node::Or(..)
        | Node::Not(_)
        | Node::Pipeline(_)
        | Node::Background(_)
        | Node::Subshell(_)
        | Node::If { .. }
        | Node::For { .. }
        | Node::ForArithmetic { .. }
        | Node::While { .. }
        | Node::Function { .. }
        | Node::Redirected { .. } => {}
    }
}
