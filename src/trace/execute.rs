//! The statements of a module: most are passed over by their outline; those that can matter are parsed and run.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::Place;
use super::import::contains;
use super::state::{Names, Raised, Run};
use super::value::{Function, Later, Source, Value};
use crate::python::{Body, Definition, Expression, Item, ItemKind, StatementKind, import_statement};

/// Where names are looked up and bound.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) module: Rc<str>,
    pub(super) source: Rc<Source>,
    /// Names of the function or class; none at the level of a module.
    pub(super) locals: Option<Names>,
    /// Names of the functions around it.
    pub(super) around: Option<Rc<Names>>,
    /// Names declared `global`.
    pub(super) globals: HashSet<String>,
}

impl Scope {
    pub(super) fn of_module(module: &Rc<str>, source: &Rc<Source>) -> Self {
        let (module, source) = (Rc::clone(module), Rc::clone(source));
        Self { module, source, locals: None, around: None, globals: HashSet::new() }
    }
}

/// How a statement ends.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    Next,
    Return(Value),
    Break,
    Continue,
}

impl Run<'_, '_> {
    /// Executes a module.
    pub(super) fn module_body(&mut self, module: &Rc<str>, source: &Rc<Source>) -> Result<(), Raised> {
        let mut scope = Scope::of_module(module, source);
        for (at, item) in source.items.iter().enumerate() {
            if !self.may_go_on(&source.path) {
                return Ok(());
            }
            self.place = Some(Place { path: source.path.clone(), line: item.line });
            match &item.kind {
                ItemKind::Import => {
                    let text = source.bytes.get(item.range.clone()).unwrap_or_default();
                    if let Some(kind) = import_statement(text) {
                        self.statement(&kind, &mut scope)?;
                    }
                }
                ItemKind::Definition(definition) => self.define(at, item, definition, &mut scope)?,
                ItemKind::Simple { .. } if !self.matters(item, &scope) => {}
                ItemKind::Simple { .. } | ItemKind::Block => self.run_item(item, &mut scope)?,
            }
        }
        Ok(())
    }

    /// Whether a simple statement must be run now. If not, what it assigns is remembered.
    fn matters(&mut self, item: &Item, scope: &Scope) -> bool {
        let ItemKind::Simple { target, assigns } = &item.kind else { return true };
        let source = &scope.source;
        let text = source.bytes.get(item.range.clone()).unwrap_or_default();
        let exports = text.starts_with(b"__all__") && target.is_none();
        let modules = contains(text, b"sys.modules") || contains(text, b"__path__");
        if exports || modules || self.has_effect(text, scope) {
            return true;
        }
        let Some(target) = target else { return *assigns || changes_names(text) };
        let name = source.bytes.get(target.clone()).unwrap_or_default();
        let name: Rc<str> = Rc::from(String::from_utf8_lossy(name).as_ref());
        let later = Later {
            source: Rc::clone(source),
            range: item.range.clone(),
            line: item.line,
            name: Rc::clone(&name),
            module: Rc::clone(&scope.module),
            value: OnceCell::new(),
        };
        self.bind_in_module(&scope.module, &name, Value::Later(Rc::new(later)));
        false
    }

    fn define(&mut self, at: usize, item: &Item, it: &Definition, scope: &mut Scope) -> Result<(), Raised> {
        let source = Rc::clone(&scope.source);
        for decorator in &it.decorators {
            let text = source.bytes.get(decorator.clone()).unwrap_or_default();
            if self.has_effect(text, scope)
                && let Some(expression) = self.parse_expression(&source, decorator.clone(), item.line)
            {
                self.decorate(&expression, scope)?;
            }
        }
        let Some((name, value)) = self.defined(&scope.module, &source, at) else { return Ok(()) };
        if let (Value::Class(class), true) = (&value, it.body_imports) {
            self.class_names(class)?;
        }
        self.bind_in_module(&scope.module, &name, value);
        Ok(())
    }

    /// A decorator is evaluated, and what comes of it is called.
    pub(super) fn decorate(&mut self, expression: &Expression, scope: &mut Scope) -> Result<(), Raised> {
        let decorator = self.evaluate(expression, scope)?;
        self.call_value(&decorator, vec![Value::Something], Vec::new(), false).map(|_| ())
    }

    fn run_item(&mut self, item: &Item, scope: &mut Scope) -> Result<(), Raised> {
        if let Some(body) = self.parse(&Rc::clone(&scope.source), item) {
            self.statements(&body, scope)?;
        }
        Ok(())
    }

    fn parse(&mut self, source: &Rc<Source>, item: &Item) -> Option<Body> {
        match self.state.library.statements(source, &item.range, item.line) {
            Ok(body) => Some(body),
            Err(at) => {
                self.not_python(&source.path, at);
                None
            }
        }
    }

    fn parse_expression(
        &mut self,
        source: &Rc<Source>,
        range: std::ops::Range<usize>,
        line: u32,
    ) -> Option<Expression> {
        match self.state.library.statements(source, &range, line) {
            Ok(body) => match body.first().map(|it| &it.kind) {
                Some(StatementKind::Expression(it)) => Some(it.clone()),
                _ => None,
            },
            Err(at) => {
                self.not_python(&source.path, at);
                None
            }
        }
    }

    /// The value of an assignment that was passed over.
    pub(super) fn settle(&mut self, later: &Rc<Later>) -> Value {
        if let Some(known) = later.value.get() {
            return known.clone();
        }
        let body = self.state.library.statements(&later.source, &later.range, later.line);
        let assigned = match body.as_deref() {
            Ok([only]) => match &only.kind {
                StatementKind::Assign { value, .. } => Some(value.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(expression) = assigned else { return Value::Unknown };
        // While it is worked out it is unknown: `a = f(a)` does not go round.
        if self.depth > super::state::DEPTH {
            return Value::Unknown;
        }
        self.depth += 1;
        let mut scope = Scope::of_module(&later.module, &later.source);
        self.bind_unknown(later);
        let value = self.evaluate(&expression, &mut scope).unwrap_or(Value::Unknown);
        self.depth -= 1;
        let value = later.value.get_or_init(|| value).clone();
        self.bind_settled(later, &value);
        value
    }

    fn bind_unknown(&mut self, later: &Rc<Later>) {
        self.bind_settled(later, &Value::Unknown);
    }

    fn bind_settled(&mut self, later: &Rc<Later>, value: &Value) {
        let Some(module) = self.state.modules.get_mut(&later.module) else { return };
        if let Some(bound) = module.names.get_mut(&later.name) {
            let same = matches!(bound, Value::Later(it) if Rc::ptr_eq(it, later)) || matches!(bound, Value::Unknown);
            if same {
                *bound = value.clone();
            }
        }
    }

    /// Binds a name of a module.
    pub(super) fn bind_in_module(&mut self, module: &Rc<str>, name: &Rc<str>, value: Value) {
        let perhaps = self.is_perhaps();
        let Some(module) = self.state.modules.get_mut(module) else { return };
        match module.names.get_mut(name) {
            Some(bound) if perhaps => {
                if bound.equals(&value) != Some(true) {
                    *bound = Value::Unknown;
                }
            }
            Some(bound) => *bound = value,
            None => {
                module.names.insert(Rc::clone(name), value);
            }
        }
    }

    /// Binds a name where an assignment does.
    pub(super) fn bind(&mut self, name: &str, value: Value, scope: &mut Scope) {
        let name: Rc<str> = Rc::from(name);
        match &mut scope.locals {
            Some(locals) if !scope.globals.contains(name.as_ref()) => {
                let differs = locals.get(&name).is_some_and(|it| it.equals(&value) != Some(true));
                let value = if self.is_perhaps() && differs { Value::Unknown } else { value };
                locals.insert(name, value);
            }
            Some(_) | None => self.bind_in_module(&Rc::clone(&scope.module), &name, value),
        }
    }

    /// What a name stands for; `None` where nothing binds it.
    pub(super) fn look_up(&mut self, name: &str, scope: &Scope) -> Option<Value> {
        let local = scope.locals.as_ref().and_then(|it| it.get(name));
        let around = || scope.around.as_ref().and_then(|it| it.get(name));
        if let Some(value) = local.or_else(around) {
            return Some(match value.clone() {
                Value::Later(later) => self.settle(&later),
                value => value,
            });
        }
        self.name_of_module(&Rc::clone(&scope.module), name)
    }

    /// Names of a class: what its body binds, and what its bases do.
    pub(super) fn class_names(&mut self, class: &Rc<Function>) -> Result<Rc<Names>, Raised> {
        if let Some(known) = self.state.class_names.get(&class.key()) {
            return Ok(Rc::clone(known));
        }
        // A class that looks into itself finds nothing yet.
        self.state.class_names.insert(class.key(), Rc::default());
        let Some(routine) = self.routine(class) else { return Ok(Rc::default()) };
        let mut scope = Scope::of_module(&class.module, &class.source);
        scope.around.clone_from(&class.around);
        let mut names = Names::default();
        for base in routine.bases.iter().rev() {
            if let Value::Class(base) = self.evaluate(base, &mut scope)? {
                let inherited = self.class_names(&base)?;
                names.extend(inherited.iter().map(|(name, value)| (Rc::clone(name), value.clone())));
            }
        }
        scope.locals = Some(names);
        self.statements(&routine.body, &mut scope)?;
        let names = Rc::new(scope.locals.unwrap_or_default());
        self.state.class_names.insert(class.key(), Rc::clone(&names));
        Ok(names)
    }
}

/// A statement without a target that binds or removes names, or ends the module.
fn changes_names(text: &[u8]) -> bool {
    [b"del ".as_slice(), b"raise", b"global "].iter().any(|it| text.starts_with(it))
}
