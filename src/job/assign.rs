//! Assignments and declarations.

use std::sync::Arc;

use super::builtins::Argument;
use super::node::{Assigned, Assignment, Piece, Word};
use super::run::Runner;
use super::text::Span;
use super::value::{Binding, Part, Value};
use super::world::{Elements, Status, World};

impl Runner<'_> {
    /// `NAME=VALUE` in every form.
    pub(super) fn assign(&mut self, assignment: &Assignment, world: &mut World) {
        self.assign_plain(assignment, world);
        if self.csh && assignment.name == "path" {
            self.csh_path(&assignment.span, world);
        }
    }

    fn assign_plain(&mut self, assignment: &Assignment, world: &mut World) {
        let place = assignment.span.place();
        match (&assignment.value, &assignment.index) {
            (Assigned::Word(word), None) => {
                let value = self.assigned_value(assignment, word, world);
                match world.arrays.get(&assignment.name).cloned() {
                    Some(mut elements) => {
                        elements.insert(0, value);
                        world.set_elements(&assignment.name, elements);
                    }
                    None => world.set(&assignment.name, value),
                }
            }
            (Assigned::Word(word), Some(index)) => {
                let value = self.value(word, world).latest(&place);
                let old = world.arrays.get(&assignment.name).cloned();
                match self.arithmetic(index, world) {
                    Ok((index, _)) if 0 <= index => {
                        let mut elements = old.unwrap_or_default();
                        elements.insert(index, value);
                        world.set_elements(&assignment.name, elements);
                    }
                    Ok(_) | Err(_) => self.unknown(&assignment.name, &assignment.span, world),
                }
            }
            (Assigned::Array(literal), _) => self.assign_array(assignment, literal, world),
        }
    }

    fn assign_array(&mut self, assignment: &Assignment, literal: &[(Option<Word>, Word)], world: &mut World) {
        let place = assignment.span.place();
        let name = &assignment.name;
        let known = self.elements(literal, world);
        let mut elements = Elements::new();
        if assignment.append {
            match (world.arrays.get(name).cloned(), world.shell.get(name)) {
                (Some(old), _) => elements = old,
                (None, Binding::Set(value)) => {
                    elements.insert(0, value);
                }
                (None, Binding::Unset(_)) => {}
                (None, Binding::Unknown { .. }) => return self.unknown(name, &assignment.span, world),
            }
        }
        let Some(known) = known else { return self.unknown(name, &assignment.span, world) };
        for (index, value) in known {
            let next = elements.keys().next_back().map_or(0, |it| it.saturating_add(1));
            elements.insert(index.unwrap_or(next), value.latest(&place));
        }
        world.set_elements(name, elements);
    }

    pub(super) fn assigned_value(&mut self, assignment: &Assignment, word: &Word, world: &mut World) -> Value {
        let place = assignment.span.place();
        let value = self.value(word, world);
        if !assignment.append {
            return value.latest(&place);
        }
        let mut whole = match world.shell.get(&assignment.name) {
            Binding::Set(before) => before,
            Binding::Unset(_) => Value::default(),
            Binding::Unknown { reason, place } => Value::unknown(format!("${} ({reason})", assignment.name), &place),
        };
        whole.push(&value);
        whole.latest(&place)
    }

    pub(super) fn unknown(&mut self, name: &str, span: &Span, world: &mut World) {
        let reason = format!("{} is not known", span.written());
        world.bind(name, Binding::Unknown { reason, place: span.place() });
    }

    pub(super) fn unknown_names(&mut self, arguments: &[Argument], span: &Span, world: &mut World) {
        let names = arguments.iter().map(|it| it.text().filter(|it| super::parser::is_name(it)));
        for name in names.flatten() {
            world.set(&name, Value::unknown(span.written(), &span.place()));
        }
    }

    pub(super) fn declare(&mut self, name: &str, arguments: &[Argument], world: &mut World) {
        let mut letters = String::new();
        let mut off = String::new();
        for argument in arguments {
            match argument.text() {
                Some(text) if text.starts_with('-') && argument.assignment.is_none() => letters.push_str(&text),
                Some(text) if text.starts_with('+') => off.push_str(&text),
                Some(_) | None => self.declared(name, argument, &letters, &off, world),
            }
        }
    }

    fn declared(&mut self, by: &str, argument: &Argument, letters: &str, off: &str, world: &mut World) {
        if letters.contains(['f', 'F', 'p']) {
            return;
        }
        let written = argument.text();
        let split = written.as_deref().and_then(|it| it.split_once('='));
        let name = match (&argument.assignment, split, &written) {
            (Some(assignment), _, _) => assignment.name.clone(),
            (None, Some((name, _)), _) => name.to_owned(),
            (None, None, Some(name)) => name.clone(),
            (None, None, None) => return self.declared_unknown(argument, world),
        };
        if !super::parser::is_name(&name) {
            return;
        }
        let local = by == "local" || ((by == "declare" || by == "typeset") && !letters.contains('g'));
        if local && !world.hidden.is_empty() {
            world.hide(&name);
            if argument.assignment.is_none() && split.is_none() {
                world.unset(&name, &argument.span.place());
            }
        }
        match (&argument.assignment, split) {
            (Some(assignment), _) => self.assign(assignment, world),
            (None, Some((_, value))) => world.set(&name, Value::known(value, &argument.span.place())),
            (None, None) => {}
        }
        if letters.contains(['i', 'n', 'u', 'l', 'A']) && (argument.assignment.is_some() || split.is_some()) {
            self.unknown(&name, &argument.span, world);
        }
        let exports = (by == "export" && !letters.contains('n')) || letters.contains('x');
        if exports && !off.contains('x') {
            world.export(&name);
        } else if off.contains('x') || (by == "export" && letters.contains('n')) {
            world.not_exported_any_more(&name);
        }
    }

    /// `export $X`: which variable is not known.
    fn declared_unknown(&mut self, argument: &Argument, world: &mut World) {
        // `export $NAME=value`, `export "$(x)"`: a name before the sign may be known.
        let parts = argument.field.value.parts.first();
        if let Some(Part::Text(text)) = parts
            && let Some((name, rest)) = text.split_once('=')
            && super::parser::is_name(name)
        {
            let mut value = argument.field.value.clone();
            value.parts.remove(0);
            let mut whole = Value::known(rest, &argument.span.place());
            whole.push(&value);
            world.set(name, whole);
            world.export(name);
            return;
        }
        world.forget(&format!("{} may set it", argument.span.written()), &argument.span.place());
        self.unclear(&argument.span, "which variable this sets is not known");
    }

    pub(super) fn unset(&mut self, arguments: &[Argument], span: &Span, world: &mut World) {
        let mut functions = false;
        for argument in arguments {
            match argument.text() {
                Some(text) if text == "-f" => functions = true,
                Some(text) if text.starts_with('-') => {}
                Some(name) if functions => {
                    Arc::make_mut(&mut world.functions).remove(&name);
                }
                Some(name) => match name.split_once('[') {
                    Some((array, _)) => self.unknown(array, span, world),
                    None => world.unset(&name, &span.place()),
                },
                None => {
                    world.forget(&format!("{} may unset it", span.written()), &span.place());
                    self.unclear(span, "which variable this unsets is not known");
                }
            }
        }
    }
}

/// The status of an assignment alone: that of the last command in it.
pub(super) fn assigned_status(assignment: &Assignment) -> Status {
    let substitutes = |it: &Piece| matches!(it, Piece::Command { .. });
    match &assignment.value {
        Assigned::Word(word) if word.pieces.iter().any(substitutes) => Status::Unknown,
        Assigned::Word(_) | Assigned::Array(_) => Status::True,
    }
}
