//! Values, as far as they decide what is imported.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use crate::base::{Map, TreePath, compare_versions};
use crate::python::Item;

/// A value of the program.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing is known.
    Unknown,
    /// It is true and not `None`; nothing else is known.
    Something,
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    /// A tuple, list or set whose elements are known.
    Sequence(Rc<Vec<Value>>),
    Dictionary(Rc<Vec<(Value, Value)>>),
    Module(Rc<str>),
    /// Something that an extension, by its module name, holds.
    Compiled(Rc<str>),
    Function(Rc<Function>),
    Class(Rc<Function>),
    /// An object of a class.
    Instance(Rc<Object>),
    /// A function of an object.
    Method(Rc<Function>, Box<Value>),
    /// A `pathlib.Path`.
    Path(Rc<str>),
    /// A version that is compared with others: `Version("1.20")`.
    Version(Rc<str>),
    /// Something of the interpreter or its core library, by its dotted name.
    Native(Rc<str>),
    /// A statement of a module that was passed over until somebody asks.
    Later(Rc<Later>),
}

/// A function or class of the program.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: Rc<str>,
    /// The module that defines it.
    pub(super) module: Rc<str>,
    pub(super) source: Rc<Source>,
    /// Its bytes in the source, from the keyword on.
    pub(super) range: Range<usize>,
    pub(super) line: u32,
    /// Names of the function around it, as they were when it was defined.
    pub(super) around: Option<Rc<Map<Rc<str>, Value>>>,
}

impl Function {
    /// What tells it from every other.
    pub(super) fn key(&self) -> (*const u8, usize) {
        (self.source.bytes.as_ptr(), self.range.start)
    }

    pub(super) fn text(&self) -> &[u8] {
        self.source.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

/// An object, and what was assigned to it.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) class: Rc<Function>,
    pub(super) names: RefCell<Map<Rc<str>, Value>>,
}

/// An assignment that nobody asked for yet.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) source: Rc<Source>,
    pub(super) range: Range<usize>,
    pub(super) line: u32,
    pub(super) name: Rc<str>,
    /// The module whose statement it is.
    pub(super) module: Rc<str>,
    /// What it turned out to be.
    pub(super) value: OnceCell<Value>,
}

/// A source file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: TreePath,
    pub(super) bytes: Vec<u8>,
    pub(super) items: Vec<Item>,
    /// The first line that makes names that no statement shows.
    pub(super) makes_names: Option<u32>,
    /// It puts modules into `sys.modules` or finds them itself.
    pub(super) makes_modules: bool,
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Rc::from(text))
    }

    pub(super) fn object(class: &Rc<Function>) -> Self {
        Self::Instance(Rc::new(Object { class: Rc::clone(class), names: RefCell::default() }))
    }

    pub(super) fn native(name: &str) -> Self {
        Self::Native(Rc::from(name))
    }

    pub(super) fn sequence(values: Vec<Self>) -> Self {
        Self::Sequence(Rc::new(values))
    }

    /// Whether it counts as true; `None` when that is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Unknown | Self::Compiled(_) | Self::Instance(_) | Self::Later(_) => None,
            Self::None => Some(false),
            Self::Bool(it) => Some(*it),
            Self::Int(it) => Some(*it != 0),
            Self::Text(it) => Some(!it.is_empty()),
            Self::Sequence(it) => Some(!it.is_empty()),
            Self::Dictionary(it) => Some(!it.is_empty()),
            Self::Something
            | Self::Module(_)
            | Self::Function(_)
            | Self::Class(_)
            | Self::Method(..)
            | Self::Path(_)
            | Self::Version(_)
            | Self::Native(_) => Some(true),
        }
    }

    /// Whether two values are equal; `None` when that is not known.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::None, Self::None) => Some(true),
            (Self::Bool(a), Self::Bool(b)) => Some(a == b),
            (Self::Int(a), Self::Int(b)) => Some(a == b),
            (Self::Bool(a), Self::Int(b)) | (Self::Int(b), Self::Bool(a)) => Some(i64::from(*a) == *b),
            (Self::Text(a), Self::Text(b)) => Some(a == b),
            (Self::Version(_), _) => self.order(other).map(std::cmp::Ordering::is_eq),
            (Self::Module(a), Self::Module(b)) | (Self::Path(a), Self::Path(b)) => Some(a == b),
            (Self::Path(_), _) if other.is_plain() => Some(false),
            (_, Self::Path(_)) if self.is_plain() => Some(false),
            (Self::Sequence(a), Self::Sequence(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                let mut all = Some(true);
                for (a, b) in a.iter().zip(b.iter()) {
                    match a.equals(b) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => all = None,
                    }
                }
                all
            }
            _ if self.is_plain() && other.is_plain() => Some(false),
            // Nothing of the kind is equal to `None` or to a text.
            (Self::Something | Self::Module(_) | Self::Function(_) | Self::Class(_), Self::None)
            | (Self::None, Self::Something | Self::Module(_) | Self::Function(_) | Self::Class(_)) => Some(false),
            _ => None,
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::None | Self::Bool(_) | Self::Int(_) | Self::Text(_) | Self::Sequence(_))
    }

    /// Which of two comes first; `None` when that is not known.
    pub(super) fn order(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Version(a), Self::Version(b) | Self::Text(b)) | (Self::Text(a), Self::Version(b)) => {
                Some(compare_versions(&plain_version(a), &plain_version(b)))
            }
            (Self::Sequence(a), Self::Sequence(b)) => {
                for (a, b) in a.iter().zip(b.iter()) {
                    match a.order(b)? {
                        std::cmp::Ordering::Equal => {}
                        other => return Some(other),
                    }
                }
                Some(a.len().cmp(&b.len()))
            }
            _ => None,
        }
    }
}

/// A version with which the general order of versions is that of Python packages: zeros at the end of the release do not
/// count, a post release comes after it, what stands behind `+` does not matter.
///
/// Source: Python Packaging User Guide, Version specifiers.
fn plain_version(text: &str) -> String {
    let text = text.split('+').next().unwrap_or(text).trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (release, rest) = text.split_at(end);
    let mut release = release.trim_end_matches('.');
    while let Some(shorter) = release.strip_suffix(".0") {
        release = shorter;
    }
    match rest.strip_prefix("post") {
        Some(number) => format!("{release}.0.0.0.{number}"),
        None => format!("{release}{rest}"),
    }
}
