//! The environment of the process, as Python's `os` gives it: what is read from it, and what is written into it.

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::expressions::Arguments;
use super::statements::{Walk, record};
use super::things::Thing;
use super::{EnvironWrite, How, Value};

const ENVIRON: &str = "os.environ";

impl<'s> Walk<'s> {
    pub(super) fn is_environ(&self, thing: &Thing) -> bool {
        thing.dotted() == Some(ENVIRON)
    }

    /// What a variable holds: what the program wrote, otherwise what the job gave it.
    pub(super) fn variable(&self, name: &str, default: Option<&Thing>) -> Thing {
        match self.program.environ.iter().rfind(|it| it.name == name) {
            None => match default {
                None | Some(Thing::Nothing) => Thing::Variable(name.into(), None),
                Some(default) => match default.as_text() {
                    Some(default) => Thing::Variable(name.into(), Some(default)),
                    None => Thing::Unknown,
                },
            },
            Some(EnvironWrite { value: Some(Value::Text(text)), how: How::Set | How::Update, at, .. })
                if !at.conditional && !at.in_function =>
            {
                Thing::text(text)
            }
            Some(_) => Thing::Unknown,
        }
    }

    /// A call of a function of `os` that reads or writes the environment; none where it is another.
    pub(super) fn environ_call(&mut self, name: &str, given: &Arguments<'s>, place: TextRange) -> Option<Thing> {
        let method = name.strip_prefix(ENVIRON).and_then(|it| it.strip_prefix('.'));
        let first = given.find(Some(0), Some("key"));
        let second = given.find(Some(1), Some(if method == Some("setdefault") { "value" } else { "default" }));
        let key = first.map_or(Thing::Unknown, |it| it.thing.clone());
        let with = second.map(|it| (&it.thing, it.expression));
        match (method, name) {
            (Some("get"), _) | (None, "os.getenv") => {
                return Some(self.read(&key, with.map(|(thing, _)| thing)));
            }
            (Some("setdefault"), _) => {
                self.write(&key, with, How::SetDefault, place);
                return Some(self.read(&key, with.map(|(thing, _)| thing)));
            }
            (Some("__setitem__"), _) => self.write(&key, with, How::Set, place),
            (None, "os.putenv") => self.write(&key, with, How::Putenv, place),
            (Some("pop"), _) | (None, "os.unsetenv") => self.write(&key, None, How::Delete, place),
            (Some("clear"), _) => self.unclear("removes every environment variable", place),
            (Some("update"), _) => {
                if let Some(it) = given.positional.first() {
                    self.write_many(&it.thing, it.expression, place);
                }
                for (name, it) in &given.keywords {
                    self.write(&Thing::text(name), Some((&it.thing, it.expression)), How::Update, place);
                }
            }
            _ => return None,
        }
        Some(Thing::Unknown)
    }

    fn read(&self, key: &Thing, default: Option<&Thing>) -> Thing {
        if let Thing::Text(name) = key { self.variable(name, default) } else { Thing::Unknown }
    }

    /// Writes the pairs of a dictionary.
    pub(super) fn write_many(&mut self, pairs: &Thing, expression: &'s Expr, place: TextRange) {
        let Thing::Dictionary(pairs) = pairs else {
            return self.unclear("sets environment variables whose names are computed", place);
        };
        for (key, value) in pairs.iter() {
            self.write(key, Some((value, expression)), How::Update, place);
        }
    }

    /// Writes one variable; removes it where there is no value.
    pub(super) fn write(&mut self, key: &Thing, value: Option<(&Thing, &'s Expr)>, how: How, place: TextRange) {
        let Thing::Text(name) = key else {
            return self.unclear("sets an environment variable whose name is computed", place);
        };
        let value = value.map(|(thing, expression)| self.shown(thing, expression));
        let Some(at) = self.at(place) else { return };
        record(&mut self.program.environ, EnvironWrite { name: name.to_string(), value, how, at }, |it| &mut it.at);
    }
}
