//! The syntax tree of conditions: small, closed and ours, so that checking and evaluating can be read side by side.

use regex::Regex;

/// One node and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Byte offset in the text of the condition.
    pub(super) at: usize,
    /// What it is.
    pub(super) kind: Kind,
}

impl Node {
    /// What stands for a condition that cannot be parsed: a name that no fact has, so that every verdict is unknown.
    pub(super) fn unreadable() -> Self {
        Self { at: 0, kind: Kind::Name("(unreadable condition)".to_owned()) }
    }
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// `null`
    Null,
    /// `true`
    Bool(bool),
    /// `1`
    Int(i64),
    /// `1.5`
    Double(f64),
    /// `"text"`
    Text(String),
    /// `process`
    Name(String),
    /// `process.hdf5`
    Field(Box<Node>, String),
    /// `list[0]`
    Index(Box<Node>, Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `!a`
    Not(Box<Node>),
    /// `-a`
    Negate(Box<Node>),
    /// `a && b`
    And(Box<Node>, Box<Node>),
    /// `a || b`
    Or(Box<Node>, Box<Node>),
    /// `a == b`, `a < b`
    Compare(Comparison, Box<Node>, Box<Node>),
    /// `a in list`
    In(Box<Node>, Box<Node>),
    /// `a + b`
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// `a ? b : c`
    Choose(Box<Node>, Box<Node>, Box<Node>),
    /// `list.exists(variable, body)`
    Each {
        /// Which of the macros.
        each: Each,
        /// What it walks.
        list: Box<Node>,
        /// The name of one element.
        variable: String,
        /// What is asked of, or made from, each element; for `filter` the test.
        body: Box<Node>,
        /// The test of `map(variable, test, body)`.
        test: Option<Box<Node>>,
    },
    /// `size(list)`; of a method the first argument is what it is called on.
    Call(Function, Vec<Node>),
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// The macros that walk a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    Exists,
    All,
    ExistsOne,
    Filter,
    Map,
}

/// The functions.
#[derive(Debug, Clone)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    /// The pattern is a literal, compiled at load.
    Matches(Regex),
    LowerAscii,
    UpperAscii,
    Split,
    VersionLess,
    Basename,
    First,
}

/// Names of functions that are called `name(a)`, with the number of arguments.
pub(super) const FUNCTIONS: [(&str, usize); 4] = [("size", 1), ("version_less", 2), ("basename", 1), ("first", 1)];

/// Names of functions that are called `a.name(b)`, with the number of arguments, `a` included.
pub(super) const METHODS: [(&str, usize); 8] = [
    ("size", 1),
    ("startsWith", 2),
    ("endsWith", 2),
    ("contains", 2),
    ("matches", 2),
    ("lowerAscii", 1),
    ("upperAscii", 1),
    ("split", 2),
];

/// Names of the macros, for hints.
pub(super) const MACROS: [&str; 5] = ["exists", "all", "exists_one", "filter", "map"];
