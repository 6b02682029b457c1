//! Checks conditions against the types of the facts: a misspelt fact fails when the rule is loaded, not in the field.

use super::condition::Mistake;
use super::expression::{Arithmetic, Comparison, Each, Function, Kind, Node};
use super::file_error::hint;
use super::types::Type;

/// The names that a condition can use, with their types.
#[derive(Debug, Clone)]
pub(super) struct Names(pub(super) Vec<(String, Type)>);

impl Names {
    /// The type of `node`.
    pub(super) fn check(&self, node: &Node) -> Result<Type, Mistake> {
        Checker { names: self.0.clone() }.node(node)
    }

    /// Checks that `node` is true or false.
    pub(super) fn check_condition(&self, node: &Node) -> Result<(), Mistake> {
        Checker { names: self.0.clone() }.expect(node, &Type::Bool)
    }
}

struct Checker {
    names: Vec<(String, Type)>,
}

impl Checker {
    fn expect(&mut self, node: &Node, expected: &Type) -> Result<(), Mistake> {
        let found = self.node(node)?;
        if *expected == found
            || found == Type::Any
            || expected == &Type::TEXT && matches!(found.present(), Type::Text(_))
        {
            return Ok(());
        }
        Err(Mistake::new(node.at, format!("{expected} is needed here, not {found}")))
    }

    fn node(&mut self, node: &Node) -> Result<Type, Mistake> {
        match &node.kind {
            Kind::Null => Ok(Type::Null),
            Kind::Bool(_) => Ok(Type::Bool),
            Kind::Int(_) | Kind::Double(_) => Ok(Type::Number),
            Kind::Text(_) => Ok(Type::TEXT),
            Kind::Name(name) => self.name(name, node.at),
            Kind::Field(of, field) => self.field(of, field, node.at),
            Kind::Index(list, index) => {
                self.expect(index, &Type::Number)?;
                self.element(list)
            }
            Kind::List(items) => self.list(items),
            Kind::Not(a) => self.expect(a, &Type::Bool).map(|()| Type::Bool),
            Kind::Negate(a) => self.expect(a, &Type::Number).map(|()| Type::Number),
            Kind::And(a, b) | Kind::Or(a, b) => {
                self.expect(a, &Type::Bool)?;
                self.expect(b, &Type::Bool).map(|()| Type::Bool)
            }
            Kind::Compare(Comparison::Equal | Comparison::NotEqual, a, b) => self.equality(a, b, node.at),
            Kind::Compare(_, a, b) => self.order(a, b, node.at),
            Kind::In(a, list) => self.member(a, list, node.at),
            Kind::Arithmetic(operation, a, b) => self.arithmetic(*operation, a, b, node.at),
            Kind::Choose(test, yes, no) => {
                self.expect(test, &Type::Bool)?;
                let (yes, no) = (self.node(yes)?, self.node(no)?);
                let mixed = || Mistake::new(node.at, format!("one side is {yes}, the other {no}"));
                if yes.meets(&no) { Ok(either(yes, &no)) } else { Err(mixed()) }
            }
            Kind::Each { each, list, variable, body, test } => self.each(*each, list, variable, body, test.as_deref()),
            Kind::Call(function, arguments) => self.call(function, arguments, node.at),
        }
    }

    fn name(&self, name: &str, at: usize) -> Result<Type, Mistake> {
        match self.names.iter().rev().find(|(known, _)| known == name) {
            Some((_, found)) => Ok(found.clone()),
            None => {
                let names: Vec<_> = self.names.iter().map(|(name, _)| name.as_str()).collect();
                let help = hint(name, names.iter().copied()).unwrap_or_else(|| format!("one of {}", names.join(", ")));
                Err(Mistake::new(at, format!("unknown name `{name}`")).with_help(Some(help)))
            }
        }
    }

    fn field(&mut self, of: &Node, field: &str, at: usize) -> Result<Type, Mistake> {
        let found = self.node(of)?;
        let record = match found.present() {
            Type::Record(record) => record,
            Type::Any => return Ok(Type::Any),
            Type::List(_) => {
                let message = format!("a list has no field `{field}`");
                return Err(Mistake::new(at, message).with_help(Some("walk it with exists() or all()".to_owned())));
            }
            Type::Null | Type::Bool | Type::Number | Type::Text(_) | Type::Nullable(_) => {
                return Err(Mistake::new(at, format!("{found} has no field `{field}`")));
            }
        };
        record.fields.get(field).cloned().ok_or_else(|| {
            let names: Vec<_> = record.fields.keys().map(String::as_str).collect();
            let help = hint(field, names.iter().copied()).unwrap_or_else(|| format!("one of {}", names.join(", ")));
            Mistake::new(at, format!("{} has no field `{field}`", record.name)).with_help(Some(help))
        })
    }

    /// The type of one element of `list`. A list that may be null is one: where it is null, nothing can be said of its
    /// elements, and `applies` is the place to ask for that.
    fn element(&mut self, list: &Node) -> Result<Type, Mistake> {
        let found = self.node(list)?;
        match found.present() {
            Type::List(element) => Ok(element.as_ref().clone()),
            Type::Any => Ok(Type::Any),
            Type::Null | Type::Bool | Type::Number | Type::Text(_) | Type::Record(_) | Type::Nullable(_) => {
                Err(Mistake::new(list.at, format!("a list is needed here, not {found}")))
            }
        }
    }

    fn list(&mut self, items: &[Node]) -> Result<Type, Mistake> {
        let mut element = Type::Any;
        for item in items {
            let found = self.node(item)?;
            if !element.meets(&found) {
                return Err(Mistake::new(item.at, format!("the list holds {element} and {found}")));
            }
            element = either(element, &found);
        }
        Ok(Type::List(Box::new(element)))
    }

    fn equality(&mut self, a: &Node, b: &Node, at: usize) -> Result<Type, Mistake> {
        let (left, right) = (self.node(a)?, self.node(b)?);
        if !left.meets(&right) {
            let never = left == Type::Null || right == Type::Null;
            let message = if never { "this is never null" } else { "these are never equal" };
            return Err(Mistake::new(at, format!("{message}: {left} and {right}")));
        }
        literal_words(&left, b)?;
        literal_words(&right, a)?;
        Ok(Type::Bool)
    }

    fn order(&mut self, a: &Node, b: &Node, at: usize) -> Result<Type, Mistake> {
        let (left, right) = (self.node(a)?, self.node(b)?);
        if is_number(&left) && is_number(&right) {
            return Ok(Type::Bool);
        }
        let help =
            matches!(left.present(), Type::Text(_)).then(|| "compare versions with version_less(a, b)".to_owned());
        Err(Mistake::new(at, format!("only numbers have an order, not {left} and {right}")).with_help(help))
    }

    fn member(&mut self, a: &Node, list: &Node, at: usize) -> Result<Type, Mistake> {
        let found = self.node(a)?;
        let element = self.element(list)?;
        if !found.meets(&element) {
            return Err(Mistake::new(at, format!("a list of {element} never holds {found}")));
        }
        literal_words(&element, a)?;
        literal_words(&found, list)?;
        Ok(Type::Bool)
    }

    fn arithmetic(&mut self, operation: Arithmetic, a: &Node, b: &Node, at: usize) -> Result<Type, Mistake> {
        let (left, right) = (self.node(a)?, self.node(b)?);
        match (operation, &left, &right) {
            (_, _, _) if is_number(&left) && is_number(&right) => Ok(Type::Number),
            (Arithmetic::Add, _, _) if is_text(&left) && is_text(&right) => Ok(Type::TEXT),
            (Arithmetic::Add, Type::List(_), Type::List(_)) if left.meets(&right) => Ok(either(left, &right)),
            (_, _, _) => Err(Mistake::new(at, format!("{left} and {right} cannot be combined so"))),
        }
    }

    fn each(
        &mut self,
        each: Each,
        list: &Node,
        variable: &str,
        body: &Node,
        test: Option<&Node>,
    ) -> Result<Type, Mistake> {
        let element = self.element(list)?;
        self.names.push((variable.to_owned(), element.clone()));
        let result = match each {
            Each::Exists | Each::All | Each::ExistsOne => self.expect(body, &Type::Bool).map(|()| Type::Bool),
            Each::Filter => self.expect(body, &Type::Bool).map(|()| Type::List(Box::new(element))),
            Each::Map => test
                .map_or(Ok(()), |test| self.expect(test, &Type::Bool))
                .and_then(|()| self.node(body))
                .map(|made| Type::List(Box::new(made))),
        };
        self.names.pop();
        result
    }

    fn call(&mut self, function: &Function, arguments: &[Node], at: usize) -> Result<Type, Mistake> {
        let [first, rest @ ..] = arguments else { return Err(Mistake::new(at, "nothing to work on")) };
        match function {
            Function::Size => match self.node(first)? {
                Type::List(_) | Type::Text(_) | Type::Any => Ok(Type::Number),
                other @ (Type::Null | Type::Bool | Type::Number | Type::Record(_) | Type::Nullable(_)) => {
                    Err(Mistake::new(first.at, format!("{other} has no size")))
                }
            },
            Function::First => self.element(first).map(Type::or_null),
            Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::Matches(_)
            | Function::VersionLess
            | Function::LowerAscii
            | Function::UpperAscii
            | Function::Basename
            | Function::Split => {
                let nullable = matches!(self.node(first)?, Type::Nullable(_));
                for argument in std::iter::once(first).chain(rest) {
                    self.expect(argument, &Type::TEXT)?;
                }
                Ok(self.result(function, nullable))
            }
        }
    }

    fn result(&self, function: &Function, nullable: bool) -> Type {
        match function {
            Function::LowerAscii | Function::UpperAscii | Function::Basename if nullable => Type::TEXT.or_null(),
            Function::LowerAscii | Function::UpperAscii | Function::Basename => Type::TEXT,
            Function::Split => Type::List(Box::new(Type::TEXT)),
            Function::Size | Function::First => Type::Any,
            Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::Matches(_)
            | Function::VersionLess => Type::Bool,
        }
    }
}

/// A number, or one that may be absent: what is absent has no order, so a condition asks for null first.
fn is_number(found: &Type) -> bool {
    matches!(found.present(), Type::Number | Type::Any)
}

/// Text, or text that may be absent.
fn is_text(found: &Type) -> bool {
    matches!(found.present(), Type::Text(_))
}

/// The wider of two types that meet.
fn either(a: Type, b: &Type) -> Type {
    match (&a, b) {
        (Type::Any, other) => other.clone(),
        (Type::Null, other) => other.clone().or_null(),
        (_, Type::Null | Type::Nullable(_)) => a.or_null(),
        (Type::Text(x), Type::Text(y)) if x != y => Type::TEXT,
        (_, _) => a,
    }
}

/// A text, or a list of texts, written where only some words are possible.
fn literal_words(expected: &Type, written: &Node) -> Result<(), Mistake> {
    let Some(words) = expected.words() else { return Ok(()) };
    if let Kind::List(items) = &written.kind {
        return items.iter().try_for_each(|item| literal_words(expected, item));
    }
    let Kind::Text(text) = &written.kind else { return Ok(()) };
    if words.contains(text) {
        return Ok(());
    }
    let help = hint(text, words.iter().map(String::as_str)).unwrap_or_else(|| format!("one of {}", words.join(", ")));
    Err(Mistake::new(written.at, format!("this is never `{text}`")).with_help(Some(help)))
}
