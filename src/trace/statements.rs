//! Statements that were parsed, run one after the other.

use std::rc::Rc;

use super::Place;
use super::exceptions::{caught_names, is_a};
use super::execute::{Flow, Scope};
use super::state::{Raised, Run};
use super::value::{Function, Value};
use crate::python::{Body, Expression, Handler, Statement, StatementKind};

/// Rounds of one loop that are followed.
const ROUNDS: usize = 2_000;

impl Run<'_, '_> {
    pub(super) fn statements(&mut self, body: &[Statement], scope: &mut Scope) -> Result<Flow, Raised> {
        for (at, statement) in body.iter().enumerate() {
            if !self.may_go_on(&scope.source.path) {
                return Ok(Flow::Next);
            }
            self.place = Some(Place { path: scope.source.path.clone(), line: statement.line });
            let (flow, left) = self.branching(statement, scope)?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
            if left {
                // A branch that nobody can decide may have left: what follows may not run.
                let rest = body.get(at + 1..).unwrap_or_default();
                self.perhaps("return", |run| run.statements(rest, scope));
                return Ok(Flow::Return(Value::Unknown));
            }
        }
        Ok(Flow::Next)
    }

    /// A statement, and whether an undecided branch of it may have left the body.
    fn branching(&mut self, statement: &Statement, scope: &mut Scope) -> Result<(Flow, bool), Raised> {
        match &statement.kind {
            StatementKind::If { branches, otherwise } => self.conditional(branches, otherwise, scope),
            kind => Ok((self.statement(kind, scope)?, false)),
        }
    }

    fn conditional(
        &mut self,
        branches: &[(Expression, Body)],
        otherwise: &Body,
        scope: &mut Scope,
    ) -> Result<(Flow, bool), Raised> {
        let (mut undecided, mut left) = (false, false);
        for (condition, body) in branches {
            let truth = self.evaluate(condition, scope)?.truth();
            match (truth, undecided) {
                (Some(false), _) => {}
                (Some(true), false) => return Ok((self.statements(body, scope)?, false)),
                (Some(true), true) => {
                    left |= self.perhaps_branch(body, scope);
                    return Ok((Flow::Next, left));
                }
                (None, _) => {
                    undecided = true;
                    left |= self.perhaps_branch(body, scope);
                }
            }
        }
        if undecided {
            left |= self.perhaps_branch(otherwise, scope);
            return Ok((Flow::Next, left));
        }
        Ok((self.statements(otherwise, scope)?, false))
    }

    fn perhaps_branch(&mut self, body: &Body, scope: &mut Scope) -> bool {
        let flow = self.perhaps("if", |run| run.statements(body, scope));
        matches!(flow, Some(Flow::Return(_) | Flow::Break | Flow::Continue))
    }

    pub(super) fn statement(&mut self, kind: &StatementKind, scope: &mut Scope) -> Result<Flow, Raised> {
        match kind {
            StatementKind::Import(names) => {
                for it in names {
                    let module = self.import(&it.name)?;
                    let top: Rc<str> = Rc::from(it.name.split('.').next().unwrap_or(&it.name));
                    match &it.bound_to {
                        Some(name) => self.bind(name, Value::Module(module), scope),
                        None => self.bind(&Rc::clone(&top), Value::Module(top), scope),
                    }
                }
            }
            StatementKind::ImportFrom { level, module, names } => self.import_from(*level, module, names, scope)?,
            StatementKind::Assign { targets, value } => {
                let value = self.evaluate(value, scope)?;
                for target in targets {
                    self.assign(target, value.clone(), scope)?;
                }
            }
            StatementKind::Update { operator, target, value } => {
                let sum = Expression::Operate(*operator, Box::new(target.clone()), Box::new(value.clone()));
                let sum = self.evaluate(&sum, scope)?;
                self.assign(target, sum, scope)?;
            }
            StatementKind::Expression(it) => self.effect(it, scope)?,
            StatementKind::If { .. } => {
                let statement = Statement { line: self.place.as_ref().map_or(0, |it| it.line), kind: kind.clone() };
                return Ok(self.branching(&statement, scope)?.0);
            }
            StatementKind::Try { body, handlers, otherwise, finally } => {
                let flow = self.attempt(body, handlers, otherwise, scope);
                let last = self.statements(finally, scope)?;
                return if matches!(last, Flow::Next) { flow } else { Ok(last) };
            }
            StatementKind::For { target, values, body, otherwise } => {
                return self.repeat(target, values, body, otherwise, scope);
            }
            StatementKind::While { condition, body } => return self.repeat_while(condition, body, scope),
            StatementKind::With { items, body } => return self.with(items, body, scope),
            StatementKind::Define { name, is_class, range, decorators } => {
                for it in decorators {
                    self.decorate(it, scope)?;
                }
                let function = Rc::new(Function {
                    name: Rc::from(name.as_str()),
                    module: Rc::clone(&scope.module),
                    source: Rc::clone(&scope.source),
                    range: range.clone(),
                    line: self.place.as_ref().map_or(0, |it| it.line),
                    around: scope.locals.clone().map(Rc::new),
                });
                let value = if *is_class { Value::Class(function) } else { Value::Function(function) };
                self.bind(name, value, scope);
            }
            StatementKind::Return(value) => {
                return Ok(Flow::Return(match value {
                    Some(it) => self.evaluate(it, scope)?,
                    None => Value::None,
                }));
            }
            StatementKind::Raise(value) => return self.raise(value.as_ref(), scope),
            StatementKind::Delete(targets) => self.delete(targets, scope),
            StatementKind::Global(names) => scope.globals.extend(names.iter().cloned()),
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Perhaps(blocks) => {
                for block in blocks {
                    self.perhaps("match", |run| run.statements(block, scope));
                }
            }
        }
        Ok(Flow::Next)
    }

    fn import_from(
        &mut self,
        level: usize,
        module: &str,
        names: &Option<Vec<crate::python::Alias>>,
        scope: &mut Scope,
    ) -> Result<(), Raised> {
        let Some(absolute) = self.absolute(&scope.module, level, module) else {
            return Err(Raised::new("ImportError", "attempted relative import beyond top-level package"));
        };
        let from = self.import(&absolute)?;
        match names {
            None => self.import_star(&from, &Rc::clone(&scope.module))?,
            Some(names) => {
                for (name, value) in self.import_names(&from, names)? {
                    self.bind(&name, value, scope);
                }
            }
        }
        Ok(())
    }

    fn attempt(
        &mut self,
        body: &Body,
        handlers: &[Handler],
        otherwise: &Body,
        scope: &mut Scope,
    ) -> Result<Flow, Raised> {
        let before = self.caught.len();
        handlers.iter().for_each(|it| caught_names(it.catches.as_ref(), &mut self.caught));
        let result = self.statements(body, scope);
        self.caught.truncate(before);
        let Raised(failure) = match result {
            Ok(Flow::Next) => return self.statements(otherwise, scope),
            Ok(flow) => return Ok(flow),
            Err(raised) => raised,
        };
        for handler in handlers {
            let catches = match &handler.catches {
                None => true,
                Some(it) => self.catches(it, &failure.class, scope),
            };
            if catches {
                if let Some(name) = &handler.name {
                    self.bind(name, Value::Something, scope);
                }
                self.handled += 1;
                let result = self.statements(&handler.body, scope);
                self.handled -= 1;
                return match result {
                    // `raise` without anything, and whatever is raised instead, tells of the first cause.
                    Err(Raised(mut other)) if other.reason.is_empty() || other.extension.is_none() => {
                        if other.reason.is_empty() {
                            return Err(Raised(failure));
                        }
                        other.extension = failure.extension;
                        other.rests_on_values |= failure.rests_on_values;
                        other.reason = format!("{} ({})", other.reason, failure.reason);
                        Err(Raised(other))
                    }
                    result => result,
                };
            }
        }
        Err(Raised(failure))
    }

    fn repeat(
        &mut self,
        target: &Expression,
        values: &Expression,
        body: &Body,
        otherwise: &Body,
        scope: &mut Scope,
    ) -> Result<Flow, Raised> {
        let values = self.evaluate(values, scope)?;
        let Some(values) = elements(&values) else {
            self.assign(target, Value::Unknown, scope)?;
            self.perhaps("for", |run| run.statements(body, scope));
            return Ok(Flow::Next);
        };
        for value in values.into_iter().take(ROUNDS) {
            self.assign(target, value, scope)?;
            match self.statements(body, scope)? {
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
        }
        self.statements(otherwise, scope)
    }

    fn repeat_while(&mut self, condition: &Expression, body: &Body, scope: &mut Scope) -> Result<Flow, Raised> {
        match self.evaluate(condition, scope)?.truth() {
            Some(false) => {}
            // What changes inside is not followed: one round tells what it imports.
            Some(true) => {
                if let Flow::Return(value) = self.statements(body, scope)? {
                    return Ok(Flow::Return(value));
                }
            }
            None => {
                self.perhaps("while", |run| run.statements(body, scope));
            }
        }
        Ok(Flow::Next)
    }

    fn with(
        &mut self,
        items: &[(Expression, Option<Expression>)],
        body: &Body,
        scope: &mut Scope,
    ) -> Result<Flow, Raised> {
        let mut swallows = false;
        let mut entered = Vec::new();
        for (manager, target) in items {
            let value = self.evaluate(manager, scope)?;
            self.call_method(&value, "__enter__", 0)?;
            entered.push(value.clone());
            swallows |= matches!(&value, Value::Instance(it) if &*it.class.name == "suppress");
            if let Some(target) = target {
                self.assign(target, Value::Unknown, scope)?;
            }
        }
        let result = self.statements(body, scope);
        // A manager that says yes on its way out takes what was raised with it.
        let mut taken = Some(swallows);
        for manager in entered.iter().rev() {
            taken = match (taken, self.call_method(manager, "__exit__", 3)?.truth()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), it) => it,
                (None, _) => None,
            };
        }
        match (result, taken) {
            (Err(_raised), Some(true)) => Ok(Flow::Next),
            (Err(Raised(failure)), None) => Err(Raised(super::Failure { rests_on_values: true, ..failure })),
            (result, _) => result,
        }
    }

    /// A method of an object; its arguments are not known, and nothing is where the class is not.
    fn call_method(&mut self, object: &Value, name: &str, arguments: usize) -> Result<Value, Raised> {
        let Value::Instance(_) = object else { return Ok(Value::Unknown) };
        let method = self.attribute(object, &Rc::from(name))?;
        self.call_value(&method, vec![Value::Unknown; arguments], Vec::new(), true)
    }

    fn raise(&mut self, value: Option<&Expression>, scope: &mut Scope) -> Result<Flow, Raised> {
        let Some(value) = value else { return Err(Raised::new("Exception", "")) };
        let class = match value {
            Expression::Call(call) => &call.function,
            other => other,
        };
        let name = match class {
            Expression::Name(name) | Expression::Attribute(_, name) => Rc::clone(name),
            _ => Rc::from("Exception"),
        };
        let mut reason = match value {
            Expression::Call(call) => match call.arguments.first().map(|it| self.evaluate(it, scope)) {
                Some(Ok(Value::Text(text))) => text.trim().to_owned(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        if reason.is_empty() {
            reason = format!("it raises {name}");
        }
        // While a failure is handled, what is raised instead is that failure under another name.
        if self.handled > 0 {
            return Err(Raised::new(&name, reason));
        }
        self.soft(&name, reason).map(|()| Flow::Return(Value::Unknown))
    }

    /// Raises what the program may rely on not to happen: an exception that nobody catches would end an import that works
    /// wherever the package works, so that a value that was followed wrongly is more likely.
    pub(super) fn soft(&self, class: &str, reason: impl Into<String>) -> Result<(), Raised> {
        self.soft_since(0, class, reason)
    }

    /// The same for names that are not there: only a handler in the module itself can wait for that. One around the import of
    /// the module would take a name that was not seen for a module that does not work.
    pub(super) fn soft_here(&self, class: &str, reason: impl Into<String>) -> Result<(), Raised> {
        self.soft_since(self.caught_here, class, reason)
    }

    fn soft_since(&self, first: usize, class: &str, reason: impl Into<String>) -> Result<(), Raised> {
        if !self.caught.iter().skip(first).any(|it| is_a(class, it)) {
            return Ok(());
        }
        let Raised(failure) = Raised::new(class, reason);
        Err(Raised(super::Failure { rests_on_values: true, ..failure }))
    }

    fn delete(&mut self, targets: &[Expression], scope: &mut Scope) {
        for target in targets {
            match target {
                Expression::Sequence(inner) => self.delete(inner, scope),
                Expression::Name(name) if !self.is_perhaps() => match &mut scope.locals {
                    Some(locals) => {
                        locals.remove(name);
                    }
                    None => {
                        if let Some(module) = self.state.modules.get_mut(&scope.module) {
                            module.names.remove(name);
                        }
                    }
                },
                _ => {}
            }
        }
    }

    /// Binds what stands on the left of an assignment.
    pub(super) fn assign(&mut self, target: &Expression, value: Value, scope: &mut Scope) -> Result<(), Raised> {
        match target {
            Expression::Name(name) => self.bind(&Rc::clone(name), value, scope),
            Expression::Sequence(targets) => {
                let values = elements(&value).filter(|it| it.len() == targets.len());
                for (at, target) in targets.iter().enumerate() {
                    let one = values.as_ref().and_then(|it| it.get(at).cloned());
                    self.assign(target, one.unwrap_or(Value::Unknown), scope)?;
                }
            }
            Expression::Splat(inner) => self.assign(inner, Value::Unknown, scope)?,
            Expression::Attribute(object, name) => match self.evaluate(object, scope)? {
                Value::Module(module) => self.bind_in_module(&module, name, value),
                Value::Instance(object) => {
                    let value = if self.is_perhaps() { Value::Unknown } else { value };
                    object.names.borrow_mut().insert(Rc::clone(name), value);
                }
                _ => {}
            },
            Expression::Subscript(object, key) => self.assign_element(object, key, value, scope)?,
            _ => {}
        }
        Ok(())
    }

    /// `sys.modules[name] = module` and `globals()[name] = value`.
    fn assign_element(
        &mut self,
        of: &Expression,
        key: &Expression,
        value: Value,
        scope: &mut Scope,
    ) -> Result<(), Raised> {
        let object = self.evaluate(of, scope)?;
        let Value::Text(key) = self.evaluate(key, scope)? else { return Ok(()) };
        match (object, value) {
            (Value::Native(name), value) if &*name == "globals" => self.bind_in_module(&scope.module, &key, value),
            (Value::Native(name), Value::Module(other)) if &*name == "sys.modules" => self.alias(&key, &other),
            (Value::Native(name), _) if &*name == "sys.modules" => match self.state.modules.get_mut(&key) {
                // A module that puts an object in its own place: what that offers is not known.
                Some(module) => module.is_open = true,
                None => self.enter(&key, None, None, true),
            },
            (Value::Dictionary(pairs), value) => {
                if let Expression::Name(name) = of {
                    let more = std::iter::once((Value::Text(key), value));
                    let pairs = pairs.iter().cloned().chain(more).collect();
                    self.bind(&Rc::clone(name), Value::Dictionary(Rc::new(pairs)), scope);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A module is known by one more name.
    fn alias(&mut self, name: &Rc<str>, of: &Rc<str>) {
        let Some(module) = self.state.modules.get(of) else { return };
        if name != of {
            let (names, search, source, is_open) =
                (module.names.clone(), module.search.clone(), module.source.clone(), module.is_open);
            self.enter(name, search, source, is_open);
            if let Some(module) = self.state.modules.get_mut(name) {
                module.names = names;
            }
        }
    }

    /// Whether `except it` catches an exception of a class.
    fn catches(&mut self, it: &Expression, class: &str, scope: &mut Scope) -> bool {
        match it {
            Expression::Sequence(several) => several.iter().any(|it| self.catches(it, class, scope)),
            Expression::Name(name) | Expression::Attribute(_, name) => {
                if is_a(class, name) {
                    return true;
                }
                // A tuple of exceptions that has a name, or another name of an exception.
                match self.evaluate(it, scope) {
                    Ok(Value::Sequence(several)) => several.iter().any(|it| match it {
                        Value::Native(name) => is_a(class, name),
                        Value::Class(it) => is_a(class, &it.name),
                        _ => false,
                    }),
                    Ok(Value::Native(other)) if other != *name => is_a(class, &other),
                    _ => false,
                }
            }
            _ => true,
        }
    }
}

/// Elements of a sequence, keys of a dictionary; `None` where they are not known.
pub(super) fn elements(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Sequence(it) => Some(it.to_vec()),
        Value::Dictionary(it) => Some(it.iter().map(|(key, _)| key.clone()).collect()),
        _ => None,
    }
}
