//! Python statements and expressions, as far as they decide what an import loads.

use std::ops::Range;
use std::rc::Rc;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Line of the source, from 1.
    pub line: u32,
    /// What it does.
    pub kind: StatementKind,
}

/// Statements in order.
pub type Body = Rc<[Statement]>;

/// What a statement does.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `import a.b as c`: the modules and their names.
    Import(Vec<Alias>),
    /// `from ..a import b as c`.
    ImportFrom {
        /// Dots in front.
        level: usize,
        /// Behind the dots; may be empty.
        module: String,
        /// The names; none for `*`.
        names: Option<Vec<Alias>>,
    },
    /// `a = b = value`.
    Assign {
        /// From left to right.
        targets: Vec<Expression>,
        /// What is assigned.
        value: Expression,
    },
    /// `a += value`.
    Update {
        /// How.
        operator: Operator,
        /// What changes.
        target: Expression,
        /// The right side.
        value: Expression,
    },
    /// An expression for its effect.
    Expression(Expression),
    /// `if`, `elif`, `else`.
    If {
        /// Conditions and what follows.
        branches: Vec<(Expression, Body)>,
        /// `else`.
        otherwise: Body,
    },
    /// `try`.
    Try {
        /// What is tried.
        body: Body,
        /// `except`.
        handlers: Vec<Handler>,
        /// `else`.
        otherwise: Body,
        /// `finally`.
        finally: Body,
    },
    /// `for target in values`.
    For {
        /// What is bound.
        target: Expression,
        /// What is gone through.
        values: Expression,
        /// What is repeated.
        body: Body,
        /// `else`.
        otherwise: Body,
    },
    /// `while`.
    While {
        /// The condition.
        condition: Expression,
        /// What is repeated.
        body: Body,
    },
    /// `with`.
    With {
        /// The managers, and what they are bound to.
        items: Vec<(Expression, Option<Expression>)>,
        /// What runs inside.
        body: Body,
    },
    /// `def` or `class`.
    Define {
        /// The name that is bound.
        name: String,
        /// Whether it is a class.
        is_class: bool,
        /// Its bytes in the source.
        range: Range<usize>,
        /// Expressions behind `@`.
        decorators: Vec<Expression>,
    },
    /// `return`.
    Return(Option<Expression>),
    /// `raise`.
    Raise(Option<Expression>),
    /// `del`.
    Delete(Vec<Expression>),
    /// `global`.
    Global(Vec<String>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// A statement whose blocks may or may not run: `match`.
    Perhaps(Vec<Body>),
}

/// A name of an import.
#[derive(Debug, Clone)]
pub struct Alias {
    /// What is imported, with dots.
    pub name: String,
    /// The name it is bound to, when it is another one.
    pub bound_to: Option<String>,
}

/// One `except`.
#[derive(Debug, Clone)]
pub struct Handler {
    /// What it catches; everything when there is none.
    pub catches: Option<Expression>,
    /// The name that it binds.
    pub name: Option<String>,
    /// What it does.
    pub body: Body,
}

/// An expression.
#[derive(Debug, Clone)]
pub enum Expression {
    /// Something that is not followed; the parts are evaluated for their effect.
    Other(Vec<Expression>),
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text, or bytes.
    Text(Rc<str>),
    /// `f"..."`: its parts.
    Format(Vec<Expression>),
    /// A name.
    Name(Rc<str>),
    /// `value.name`.
    Attribute(Box<Expression>, Rc<str>),
    /// A call.
    Call(Box<Call>),
    /// A tuple, list or set.
    Sequence(Vec<Expression>),
    /// `*value` inside a sequence.
    Splat(Box<Expression>),
    /// `{key: value}`; `**other` has no key.
    Dictionary(Vec<(Option<Expression>, Expression)>),
    /// `value[key]`.
    Subscript(Box<Expression>, Box<Expression>),
    /// `value[start:end]`.
    Slice {
        /// What is cut.
        value: Box<Expression>,
        /// From here.
        start: Option<Box<Expression>>,
        /// To here.
        end: Option<Box<Expression>>,
    },
    /// `a < b < c`.
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    /// `a and b`.
    And(Box<Expression>, Box<Expression>),
    /// `a or b`.
    Or(Box<Expression>, Box<Expression>),
    /// `not a`.
    Not(Box<Expression>),
    /// `a + b`, `a | b`, `a - b`.
    Operate(Operator, Box<Expression>, Box<Expression>),
    /// `a if condition else b`.
    Conditional(Box<(Expression, Expression, Expression)>),
    /// `[element for target in values if condition]`.
    Comprehension {
        /// What is collected.
        element: Box<Expression>,
        /// What is bound.
        target: Box<Expression>,
        /// What is gone through.
        values: Box<Expression>,
        /// What must hold.
        conditions: Vec<Expression>,
    },
    /// `name := value`.
    Bind(Rc<str>, Box<Expression>),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called.
    pub function: Expression,
    /// Arguments by place.
    pub arguments: Vec<Expression>,
    /// Arguments by name; `**other` has no name.
    pub keywords: Vec<(Option<String>, Expression)>,
}

/// How two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `|`
    Or,
    /// `&`
    And,
    /// `%`
    Remainder,
    /// `*`
    Times,
    /// `**`
    Power,
    /// `/`
    Divide,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `is`
    Is,
    /// `is not`
    IsNot,
}

/// A function or class, read as far as it is run.
#[derive(Debug, Clone)]
pub struct Routine {
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// Bases of a class.
    pub bases: Vec<Expression>,
    /// What it does.
    pub body: Body,
}

/// A parameter of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is when nothing is given.
    pub default: Option<Expression>,
    /// Whether it takes what is left: `*rest`, `**rest`.
    pub is_rest: bool,
}
