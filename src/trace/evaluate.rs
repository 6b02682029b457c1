//! Expressions: their value as far as it is known, and the imports that they cause.

use std::cmp::Ordering;
use std::rc::Rc;

use super::execute::Scope;
use super::state::{Names, Raised, Run};
use super::statements::elements;
use super::value::{Function, Value};
use super::{methods, natives, paths};
use crate::python::{Call, Comparison, Expression};

/// Longest sequence that is kept.
const ELEMENTS: usize = 20_000;

impl Run<'_, '_> {
    /// An expression that is evaluated for its effect only.
    pub(super) fn effect(&mut self, it: &Expression, scope: &mut Scope) -> Result<(), Raised> {
        match it {
            Expression::Call(call) => self.call(call, scope, false).map(|_| ()),
            other => self.evaluate(other, scope).map(|_| ()),
        }
    }

    pub(super) fn evaluate(&mut self, it: &Expression, scope: &mut Scope) -> Result<Value, Raised> {
        Ok(match it {
            Expression::None => Value::None,
            Expression::Bool(it) => Value::Bool(*it),
            Expression::Int(it) => Value::Int(*it),
            Expression::Text(it) => Value::Text(Rc::clone(it)),
            Expression::Name(name) => match self.look_up(name, scope) {
                Some(value) => value,
                None => match natives::builtin(name) {
                    Some(value) => value,
                    None => {
                        if &**name != "__path__" {
                            self.soft_here("NameError", format!("name '{name}' is not defined"))?;
                        }
                        Value::Unknown
                    }
                },
            },
            Expression::Attribute(object, name) => {
                let object = self.evaluate(object, scope)?;
                self.attribute(&object, name)?
            }
            Expression::Call(call) => self.call(call, scope, true)?,
            Expression::Sequence(several) => self.sequence(several, scope)?,
            Expression::Splat(inner) => self.evaluate(inner, scope)?,
            Expression::Dictionary(pairs) => self.dictionary(pairs, scope)?,
            Expression::Format(parts) => self.format(parts, scope)?,
            Expression::Subscript(object, key) => {
                let (object, key) = (self.evaluate(object, scope)?, self.evaluate(key, scope)?);
                self.element(&object, &key)?
            }
            Expression::Slice { value, start, end } => {
                let value = self.evaluate(value, scope)?;
                let bound = |run: &mut Self, it: &Option<Box<Expression>>, scope: &mut Scope| match it {
                    Some(it) => run.evaluate(it, scope),
                    None => Ok(Value::None),
                };
                let (start, end) = (bound(self, start, scope)?, bound(self, end, scope)?);
                methods::slice(&value, &start, &end)
            }
            Expression::Compare(first, rest) => self.compare(first, rest, scope)?,
            Expression::And(left, right) => self.short_cut(left, right, false, scope)?,
            Expression::Or(left, right) => self.short_cut(left, right, true, scope)?,
            Expression::Not(inner) => match self.evaluate(inner, scope)?.truth() {
                Some(it) => Value::Bool(!it),
                None => Value::Unknown,
            },
            Expression::Operate(operator, left, right) => {
                let (left, right) = (self.evaluate(left, scope)?, self.evaluate(right, scope)?);
                methods::operate(*operator, &left, &right)
            }
            Expression::Conditional(parts) => {
                let (condition, value, other) = parts.as_ref();
                match self.evaluate(condition, scope)?.truth() {
                    Some(true) => self.evaluate(value, scope)?,
                    Some(false) => self.evaluate(other, scope)?,
                    None => {
                        self.perhaps("if", |run| run.evaluate(value, scope));
                        self.perhaps("if", |run| run.evaluate(other, scope));
                        Value::Unknown
                    }
                }
            }
            Expression::Comprehension { element, target, values, conditions } => {
                self.comprehension(element, target, values, conditions, scope)?
            }
            Expression::Bind(name, value) => {
                let value = self.evaluate(value, scope)?;
                self.bind(name, value.clone(), scope);
                value
            }
            Expression::Other(parts) => {
                for part in parts {
                    self.evaluate(part, scope)?;
                }
                Value::Unknown
            }
        })
    }

    fn sequence(&mut self, several: &[Expression], scope: &mut Scope) -> Result<Value, Raised> {
        let (mut values, mut known) = (Vec::new(), true);
        for it in several {
            let value = self.evaluate(it, scope)?;
            match (it, elements(&value)) {
                (Expression::Splat(_), Some(inner)) => values.extend(inner),
                (Expression::Splat(_), None) => known = false,
                _ => values.push(value),
            }
        }
        Ok(if known && values.len() <= ELEMENTS { Value::sequence(values) } else { Value::Unknown })
    }

    fn dictionary(&mut self, pairs: &[(Option<Expression>, Expression)], scope: &mut Scope) -> Result<Value, Raised> {
        let (mut values, mut known) = (Vec::new(), true);
        for (key, value) in pairs {
            let value = self.evaluate(value, scope)?;
            match (key, value) {
                (Some(key), value) => values.push((self.evaluate(key, scope)?, value)),
                (None, Value::Dictionary(inner)) => values.extend(inner.iter().cloned()),
                (None, _) => known = false,
            }
        }
        Ok(if known { Value::Dictionary(Rc::new(values)) } else { Value::Unknown })
    }

    fn format(&mut self, parts: &[Expression], scope: &mut Scope) -> Result<Value, Raised> {
        let mut text = String::new();
        let mut known = true;
        for part in parts {
            match self.evaluate(part, scope)? {
                Value::Text(it) => text.push_str(&it),
                Value::Int(it) => text.push_str(&it.to_string()),
                _ => known = false,
            }
        }
        Ok(if known { Value::text(&text) } else { Value::Unknown })
    }

    /// `and`, `or`: the right side only where the left does not decide.
    fn short_cut(
        &mut self,
        left: &Expression,
        right: &Expression,
        decides: bool,
        scope: &mut Scope,
    ) -> Result<Value, Raised> {
        let left = self.evaluate(left, scope)?;
        match left.truth() {
            Some(it) if it == decides => Ok(left),
            Some(_) => self.evaluate(right, scope),
            None => {
                let right = self.perhaps("and", |run| run.evaluate(right, scope));
                // Whatever the left is, both decide alike.
                match right.and_then(|it| it.truth()) {
                    Some(it) if it == decides => Ok(Value::Bool(decides)),
                    _ => Ok(Value::Unknown),
                }
            }
        }
    }

    fn compare(
        &mut self,
        first: &Expression,
        rest: &[(Comparison, Expression)],
        scope: &mut Scope,
    ) -> Result<Value, Raised> {
        let mut left = self.evaluate(first, scope)?;
        let mut all = Some(true);
        for (operator, right) in rest {
            let right = self.evaluate(right, scope)?;
            match self.holds(&left, *operator, &right) {
                Some(true) => {}
                Some(false) => return Ok(Value::Bool(false)),
                None => all = None,
            }
            left = right;
        }
        Ok(all.map_or(Value::Unknown, Value::Bool))
    }

    fn holds(&mut self, left: &Value, operator: Comparison, right: &Value) -> Option<bool> {
        let order = |accepted: &[Ordering]| left.order(right).map(|it| accepted.contains(&it));
        match operator {
            Comparison::Equal | Comparison::Is => left.equals(right),
            Comparison::Different | Comparison::IsNot => left.equals(right).map(|it| !it),
            Comparison::Less => order(&[Ordering::Less]),
            Comparison::AtMost => order(&[Ordering::Less, Ordering::Equal]),
            Comparison::Greater => order(&[Ordering::Greater]),
            Comparison::AtLeast => order(&[Ordering::Greater, Ordering::Equal]),
            Comparison::In => self.contains(right, left),
            Comparison::NotIn => self.contains(right, left).map(|it| !it),
        }
    }

    fn contains(&mut self, container: &Value, value: &Value) -> Option<bool> {
        match (container, value) {
            (Value::Text(whole), Value::Text(part)) => Some(whole.contains(part.as_ref())),
            (Value::Native(name), Value::Text(key)) => match name.as_ref() {
                "os.environ" => Some(self.state.interpreter.variables.get(key).is_some()),
                "sys.modules" => Some(self.state.modules.contains_key(key)),
                "sys.builtin_module_names" => Some(self.process.is_built_in(key)),
                _ => None,
            },
            (container, value) => {
                let mut unknown = false;
                for it in elements(container)? {
                    match it.equals(value) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(false)
            }
        }
    }

    /// `object.name`.
    pub(super) fn attribute(&mut self, object: &Value, name: &Rc<str>) -> Result<Value, Raised> {
        Ok(match object {
            Value::Module(module) => {
                if let Some(value) = natives::attribute(&self.state.interpreter, module, name) {
                    return Ok(value);
                }
                if let Some(value) = self.name_of_module(module, name) {
                    return Ok(value);
                }
                if self.state.modules.get(module).is_some_and(|it| it.extension.is_some()) {
                    return Ok(Value::Compiled(Rc::clone(module)));
                }
                self.dynamic_attribute(module, name)?.unwrap_or(Value::Unknown)
            }
            Value::Compiled(_) => object.clone(),
            Value::Version(text) => methods::of_version(text, name),
            Value::Path(path) => paths::attribute(path, name),
            Value::Sequence(parts) => methods::of_named_tuple(parts, name),
            Value::Native(path) => match natives::attribute(&self.state.interpreter, path, name) {
                Some(value) => value,
                None => Value::native(&format!("{path}.{name}")),
            },
            Value::Instance(it) if it.names.borrow().contains_key(name) => {
                it.names.borrow().get(name).cloned().unwrap_or(Value::Unknown)
            }
            Value::Instance(it) => self.of_class(&Rc::clone(&it.class), object, name)?,
            Value::Class(class) => self.of_class(class, object, name)?,
            Value::Function(function) if &**name == "__name__" => Value::Text(Rc::clone(&function.name)),
            _ => Value::Unknown,
        })
    }

    /// What a class, or an object of it, has under a name.
    fn of_class(&mut self, class: &Rc<Function>, object: &Value, name: &str) -> Result<Value, Raised> {
        Ok(match self.class_names(class)?.get(name) {
            Some(Value::Function(function)) => Value::Method(Rc::clone(function), Box::new(object.clone())),
            Some(value) => value.clone(),
            None if name == "__name__" => Value::Text(Rc::clone(&class.name)),
            None => Value::Unknown,
        })
    }

    fn element(&mut self, object: &Value, key: &Value) -> Result<Value, Raised> {
        match (object, key) {
            (Value::Native(name), Value::Text(key)) if &**name == "os.environ" => {
                let value = self.state.interpreter.variables.get(key);
                match value {
                    Some(it) => Ok(Value::text(&String::from_utf8_lossy(it))),
                    None => self.soft("KeyError", format!("{key} is not set")).map(|()| Value::Unknown),
                }
            }
            (Value::Native(name), Value::Text(key)) if &**name == "sys.modules" => {
                match self.state.modules.get_key_value(key) {
                    Some((module, _)) => Ok(Value::Module(Rc::clone(module))),
                    None => self.soft("KeyError", format!("{key} is not imported")).map(|()| Value::Unknown),
                }
            }
            _ => Ok(methods::element(object, key)),
        }
    }

    fn comprehension(
        &mut self,
        element: &Expression,
        target: &Expression,
        values: &Expression,
        conditions: &[Expression],
        scope: &mut Scope,
    ) -> Result<Value, Raised> {
        let values = self.evaluate(values, scope)?;
        let mut inner = scope.clone();
        inner.locals.get_or_insert_with(Names::default);
        let Some(values) = elements(&values) else {
            self.assign(target, Value::Unknown, &mut inner)?;
            self.perhaps("for", |run| run.evaluate(element, &mut inner));
            return Ok(Value::Unknown);
        };
        let (mut out, mut known) = (Vec::new(), true);
        for value in values.into_iter().take(ELEMENTS) {
            self.assign(target, value, &mut inner)?;
            let mut holds = Some(true);
            for condition in conditions {
                holds = match (holds, self.evaluate(condition, &mut inner)?.truth()) {
                    (Some(true), it) => it,
                    (other, _) => other,
                };
            }
            match holds {
                Some(true) => out.push(self.evaluate(element, &mut inner)?),
                Some(false) => {}
                None => {
                    known = false;
                    self.perhaps("if", |run| run.evaluate(element, &mut inner));
                }
            }
        }
        Ok(if known { Value::sequence(out) } else { Value::Unknown })
    }

    /// A call; `wanted` tells whether anybody asks for its value.
    pub(super) fn call(&mut self, call: &Call, scope: &mut Scope, wanted: bool) -> Result<Value, Raised> {
        // `object.method(...)` of a text, sequence or dictionary.
        if let Expression::Attribute(object, name) = &call.function {
            let object_value = self.evaluate(object, scope)?;
            let (arguments, keywords) = self.arguments(call, scope)?;
            if let Value::Path(path) = &object_value {
                return Ok(paths::call(&self.state.interpreter, path, name, &arguments));
            }
            if let Some((value, changed)) = methods::call(&object_value, name, &arguments, &keywords) {
                if let (Some(changed), Expression::Name(target)) = (changed, object.as_ref()) {
                    self.bind(&Rc::clone(target), changed, scope);
                }
                return Ok(value);
            }
            if let (Value::Native(path), "super") = (&object_value, name.as_ref()) {
                return Ok(Value::native(path));
            }
            let function = self.attribute(&object_value, name)?;
            return self.call_in(&function, arguments, keywords, wanted, scope);
        }
        let function = self.evaluate(&call.function, scope)?;
        let (arguments, keywords) = self.arguments(call, scope)?;
        self.call_in(&function, arguments, keywords, wanted, scope)
    }

    fn call_in(
        &mut self,
        function: &Value,
        arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
        wanted: bool,
        scope: &mut Scope,
    ) -> Result<Value, Raised> {
        match function {
            Value::Native(path) => natives::call(self, &Rc::clone(path), &arguments, &keywords, scope),
            other => self.call_value(other, arguments, keywords, wanted),
        }
    }

    #[allow(clippy::type_complexity)]
    fn arguments(&mut self, call: &Call, scope: &mut Scope) -> Result<(Vec<Value>, Vec<(String, Value)>), Raised> {
        let (mut arguments, mut keywords) = (Vec::new(), Vec::new());
        for it in &call.arguments {
            let value = self.evaluate(it, scope)?;
            match (it, elements(&value)) {
                (Expression::Splat(_), Some(several)) => arguments.extend(several),
                _ => arguments.push(value),
            }
        }
        for (name, it) in &call.keywords {
            let value = self.evaluate(it, scope)?;
            keywords.extend(name.clone().map(|name| (name, value)));
        }
        Ok((arguments, keywords))
    }
}
