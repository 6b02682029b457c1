//! Texts with values in them: `HDF5 {hdf5.version} behind {hdf5.user}`.
//!
//! Invariant: rendering never fails; what is unknown prints as `unknown`.

use super::check::Names;
use super::condition::{Mistake, parse};
use super::evaluate::{Scope, evaluate};
use super::expression::Node;
use super::types::Type;

/// A message or a fix, with `{CEL}` placeholders; literal braces are doubled.
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
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

    pub(super) fn read(text: &str, names: &Names) -> Result<Self, Mistake> {
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
                    parts.push(Part::Value(placeholder(rest.get(..length).unwrap_or_default(), at + 1, names)?));
                    while letters.next_if(|(next, _)| *next <= at + 1 + length).is_some() {}
                }
                other => plain.push(other),
            }
        }
        parts.push(Part::Text(plain));
        Ok(Self { text: text.to_owned(), parts })
    }

    pub(super) fn render(&self, scope: &Scope<'_>) -> String {
        let show = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(node) => evaluate(node, scope).display(),
        };
        self.parts.iter().map(show).collect()
    }
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
