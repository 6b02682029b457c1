//! What an expression stands for, as far as it matters.

use std::rc::Rc;

use super::Start;

/// Longer texts are not kept, in bytes.
pub(super) const TEXT_BYTES: usize = 4096;

/// Longer lists are not kept.
pub(super) const ELEMENTS: usize = 64;

/// Longer dotted names are not kept, in bytes.
const NAME_BYTES: usize = 200;

/// More alternatives are not kept apart.
const ALTERNATIVES: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    Text(Rc<str>),
    Number(i64),
    Truth(bool),
    /// `None`.
    Nothing,
    NodeCpus,
    MaskCpus,
    /// An environment variable, and the text that stands in for it.
    Variable(Rc<str>, Option<Rc<str>>),
    /// A module, a member of one, or what a call of one gives (`a.b().c`). A context carries its start method.
    Name(Rc<str>, Option<Rc<Start>>),
    /// A function of the program: its place in the list of functions.
    Function(usize),
    /// A function of a class of the program, of which the first parameter is an object.
    Method {
        function: usize,
        class: usize,
    },
    Class(usize),
    Object(usize),
    Sequence(Rc<[Thing]>),
    Dictionary(Rc<[(Thing, Thing)]>),
    /// Something with at least one element.
    Many,
    /// One of these.
    Either(Rc<[Thing]>),
    Unknown,
}

impl Thing {
    pub(super) fn text(text: &str) -> Self {
        if text.len() <= TEXT_BYTES { Self::Text(Rc::from(text)) } else { Self::Unknown }
    }

    pub(super) fn name(dotted: String) -> Self {
        if dotted.len() <= NAME_BYTES { Self::Name(Rc::from(dotted), None) } else { Self::Unknown }
    }

    /// The same name, carrying a start method.
    pub(super) fn with_start(self, start: Option<Rc<Start>>) -> Self {
        if let Self::Name(dotted, _) = self { Self::Name(dotted, start) } else { self }
    }

    pub(super) fn sequence(elements: Vec<Self>) -> Self {
        if elements.len() <= ELEMENTS { Self::Sequence(Rc::from(elements)) } else { Self::Many }
    }

    /// One of several; the same thing when they are equal.
    pub(super) fn either(several: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for thing in several.into_iter().flat_map(Self::into_alternatives) {
            if !kept.contains(&thing) {
                kept.push(thing);
            }
        }
        match kept.len() {
            1 => kept.swap_remove(0),
            count if (2..=ALTERNATIVES).contains(&count) => Self::Either(Rc::from(kept)),
            _ => Self::Unknown,
        }
    }

    pub(super) fn alternatives(&self) -> &[Self] {
        if let Self::Either(several) = self { several } else { std::slice::from_ref(self) }
    }

    fn into_alternatives(self) -> Vec<Self> {
        if let Self::Either(several) = &self { several.to_vec() } else { vec![self] }
    }

    /// The dotted name.
    pub(super) fn dotted(&self) -> Option<&str> {
        if let Self::Name(dotted, _) = self { Some(dotted) } else { None }
    }

    /// The text, as `str()` gives it.
    pub(super) fn as_text(&self) -> Option<Rc<str>> {
        match self {
            Self::Text(text) => Some(Rc::clone(text)),
            Self::Number(number) => Some(Rc::from(number.to_string())),
            Self::Truth(true) => Some(Rc::from("True")),
            Self::Truth(false) => Some(Rc::from("False")),
            Self::Nothing => Some(Rc::from("None")),
            Self::NodeCpus
            | Self::MaskCpus
            | Self::Variable(..)
            | Self::Name(..)
            | Self::Function(_)
            | Self::Method { .. }
            | Self::Class(_)
            | Self::Object(_)
            | Self::Sequence(_)
            | Self::Dictionary(_)
            | Self::Many
            | Self::Either(_)
            | Self::Unknown => None,
        }
    }

    /// What `if` makes of it, where that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) => Some(!text.is_empty()),
            Self::Number(number) => Some(*number != 0),
            Self::Truth(truth) => Some(*truth),
            Self::Nothing => Some(false),
            Self::Sequence(elements) => Some(!elements.is_empty()),
            Self::Dictionary(pairs) => Some(!pairs.is_empty()),
            Self::NodeCpus | Self::MaskCpus | Self::Many | Self::Function(_) | Self::Class(_) => Some(true),
            Self::Variable(..)
            | Self::Name(..)
            | Self::Method { .. }
            | Self::Object(_)
            | Self::Either(_)
            | Self::Unknown => None,
        }
    }
}
