//! From what an expression stands for to what is said of it.

use ruff_python_ast::Expr;
use ruff_text_size::{Ranged, TextRange};

use super::Value;
use super::statements::Walk;
use super::things::Thing;

/// Characters of an expression that are shown.
const SHOWN_CHARACTERS: usize = 80;

impl<'s> Walk<'s> {
    /// A value as it is reported.
    pub(super) fn shown(&self, thing: &Thing, expression: &'s Expr) -> Value {
        if let Thing::Variable(name, default) = thing {
            return Value::Variable { name: name.to_string(), default: default.as_deref().map(str::to_owned) };
        }
        match (thing, thing.as_text()) {
            (Thing::NodeCpus, _) => Value::NodeCpus,
            (Thing::MaskCpus, _) => Value::MaskCpus,
            (_, Some(text)) => Value::Text(text.to_string()),
            (_, None) => Value::Computed(self.source(expression.range())),
        }
    }

    /// A piece of the source in one line.
    pub(super) fn source(&self, place: TextRange) -> String {
        let text = self.text.get(place.to_std_range()).unwrap_or_default();
        let mut shown = String::new();
        let mut characters = 0;
        for word in text.split_whitespace() {
            if !shown.is_empty() {
                shown.push(' ');
            }
            for character in word.chars() {
                characters += 1;
                if SHOWN_CHARACTERS < characters {
                    return shown + "...";
                }
                shown.push(character);
            }
        }
        shown
    }
}
