//! What can be passed over: statements and functions that import nothing, told by the names that they mention.
//!
//! Invariant: what mentions an import, a function that imports, or a module that makes its attributes itself, is run.
//! What is called through an object whose class is not known is taken to import nothing; a description in `rules/packages`
//! says where that is wrong.

use std::rc::Rc;

use super::call::opens_libraries;
use super::execute::Scope;
use super::state::Run;
use super::value::{Function, Value};
use crate::python::{Reference, mentions_import, references};

impl Run<'_, '_> {
    /// Whether a piece of source that is executed now can import something.
    pub(super) fn has_effect(&mut self, text: &[u8], scope: &Scope) -> bool {
        let mut mentioned = Vec::new();
        references(text, |it| mentioned.push(it.clone()));
        changes_loading(text)
            || mentioned
                .iter()
                .any(|it| it.called && it.root == b"exec" || self.reference_has_effect(it, &scope.module))
    }

    /// Whether calling a function, or making an object of a class, imports nothing.
    pub(super) fn is_inert(&mut self, function: &Rc<Function>) -> bool {
        if let Some(known) = self.state.inert.get(&function.key()) {
            return *known;
        }
        // Functions that call each other import what one of them does.
        self.state.inert.insert(function.key(), true);
        let imports = mentions_import(&function.source.bytes, function.range.clone());
        let inert = !imports && !changes_loading(function.text()) && {
            let mut mentioned = Vec::new();
            let text = function.text();
            let body = text.iter().position(|b| *b == b'\n').unwrap_or(0);
            references(text.get(body..).unwrap_or_default(), |it| mentioned.push(it.clone()));
            !mentioned.iter().any(|it| self.reference_has_effect(it, &function.module))
        };
        self.state.inert.insert(function.key(), inert);
        inert
    }

    fn reference_has_effect(&mut self, it: &Reference<'_>, module: &Rc<str>) -> bool {
        let Ok(root) = std::str::from_utf8(it.root) else { return false };
        if matches!(root, "__import__") {
            return true;
        }
        let Some(mut value) = self.bound(module, root) else { return false };
        for attribute in &it.attributes {
            let Ok(attribute) = std::str::from_utf8(attribute) else { return false };
            let Value::Module(name) = &value else { return false };
            if attribute == "import_module" {
                return true;
            }
            match self.bound(&Rc::clone(name), attribute) {
                Some(next) => value = next,
                None => return self.makes_attributes(&Rc::clone(name)) && !attribute.starts_with("__"),
            }
        }
        match value {
            Value::Function(function) if it.called => &*function.name == "import_module" || !self.is_inert(&function),
            Value::Class(class) if it.called => opens_libraries(&class) || !self.is_inert(&class),
            _ => false,
        }
    }

    /// What a name of a module is bound to, without working anything out.
    fn bound(&self, module: &str, name: &str) -> Option<Value> {
        self.state.modules.get(module)?.names.get(name).cloned()
    }

    fn makes_attributes(&self, module: &str) -> bool {
        matches!(self.bound(module, "__getattr__"), Some(Value::Function(_)))
    }
}

/// Texts without which no library is opened through an object and no extension is opened for everybody.
fn changes_loading(text: &[u8]) -> bool {
    [b"setdlopenflags".as_slice(), b"LoadLibrary"].iter().any(|it| memchr::memmem::find(text, it).is_some())
}
