//! Texts with values in them: `HDF5 {hdf5.version} behind {hdf5.user}`.
//!
//! Invariant: rendering never fails; what is unknown prints as `unknown`.

use std::sync::OnceLock;

use super::check::Names;
use super::condition::{Mistake, parse};
use super::evaluate::{Scope, evaluate};
use super::expression::Node;
use super::types::Type;
use super::value::{Seen, Value};

/// A message or a fix, with `{CEL}` placeholders; literal braces are doubled.
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    parts: OnceLock<Vec<Part>>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Value(Node),
}

impl Template {
    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A text that was checked when this program was built: it is taken apart when it is first rendered.
    pub(super) fn proven(text: String) -> Self {
        Self { text, parts: OnceLock::new() }
    }

    pub(super) fn read(text: &str, names: &Names) -> Result<Self, Mistake> {
        let parts = split(text, |text, offset| placeholder(text, offset, names))?;
        Ok(Self { text: text.to_owned(), parts: OnceLock::from(parts) })
    }

    pub(super) fn render(&self, scope: &Scope<'_>) -> String {
        let unchecked = |text: &str, _| parse(text);
        let parts = self
            .parts
            .get_or_init(|| split(&self.text, unchecked).unwrap_or_else(|_| vec![Part::Text(self.text.clone())]));
        let show = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(node) => evaluate(node, scope).display(),
        };
        parts.iter().map(show).collect()
    }

    /// The text of commands: what is unknown is left to be filled in, under the last word of its name: `PREFIX`.
    pub(super) fn commands(&self, scope: &Scope<'_>) -> String {
        self.render(scope);
        let show = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(node) => match evaluate(node, scope) {
                Seen { value: Value::Unknown(missing), .. } => match missing.first() {
                    Some(missing) => missing.name.rsplit('.').next().unwrap_or_default().to_ascii_uppercase(),
                    None => Seen::unknown(missing).display(),
                },
                known => known.display(),
            },
        };
        self.parts.get().into_iter().flatten().map(show).collect()
    }

    /// The text, when every value in it is known and there.
    pub(super) fn known(&self, scope: &Scope<'_>) -> Option<String> {
        let text = self.render(scope);
        let is_known = |part: &Part| match part {
            Part::Text(_) => true,
            Part::Value(node) => !matches!(evaluate(node, scope).value, Value::Unknown(_) | Value::Null),
        };
        self.parts.get().into_iter().flatten().all(is_known).then_some(text)
    }

    /// What its values rest on, in order.
    pub(super) fn because(&self, scope: &Scope<'_>) -> Vec<u64> {
        self.render(scope);
        let parts = self.parts.get().into_iter().flatten();
        let rests = |part: &Part| match part {
            Part::Text(_) => Vec::new(),
            Part::Value(node) => evaluate(node, scope).because,
        };
        parts.flat_map(rests).collect()
    }
}

/// Plain text and placeholders, which `read` makes of their text and its offset.
fn split(text: &str, read: impl Fn(&str, usize) -> Result<Node, Mistake>) -> Result<Vec<Part>, Mistake> {
    let (mut parts, mut plain) = (Vec::new(), String::new());
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let doubled = letters.peek().is_some_and(|(_, next)| *next == letter);
        match letter {
            '{' | '}' if doubled => {
                plain.push(letter);
                letters.next();
            }
            '}' => return Err(Mistake::new(at, "a single `}`; a literal brace is doubled: }}")),
            '{' => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let length = closing(rest).ok_or_else(|| Mistake::new(at, "no `}` follows"))?;
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Value(read(rest.get(..length).unwrap_or_default(), at + 1)?));
                while letters.next_if(|(next, _)| *next <= at + 1 + length).is_some() {}
            }
            other => plain.push(other),
        }
    }
    parts.push(Part::Text(plain));
    Ok(parts)
}

/// Where the placeholder ends: the first `}` outside quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if letter == '}' => return Some(at),
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => {}
        }
    }
    None
}

fn placeholder(text: &str, offset: usize, names: &Names) -> Result<Node, Mistake> {
    let moved = |mistake: Mistake| Mistake { at: mistake.at + offset, ..mistake };
    let node = parse(text).map_err(moved)?;
    let found = names.check(&node).map_err(moved)?;
    let shown = if let Type::List(element) = found.present() { element.present() } else { found.present() };
    let printable = !matches!(shown, Type::Record(_));
    if printable { Ok(node) } else { Err(Mistake::new(offset, format!("{found} has no text; name one of its fields"))) }
}
