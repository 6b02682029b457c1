//! Expressions: evaluated for what they stand for, and for what their calls do.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::statements::Walk;
use super::things::{ELEMENTS, Thing};

/// Expressions nested deeper are not followed.
const DEPTH: usize = 60;

/// One argument of a call.
pub(super) struct Given<'s> {
    pub(super) thing: Thing,
    pub(super) expression: &'s Expr,
}

/// The arguments of a call.
#[derive(Default)]
pub(super) struct Arguments<'s> {
    pub(super) positional: Vec<Given<'s>>,
    pub(super) keywords: Vec<(String, Given<'s>)>,
    /// `*` or `**` adds some that nobody knows.
    pub(super) open: bool,
}

impl<'s> Arguments<'s> {
    /// The argument at a position or under a keyword.
    pub(super) fn find(&self, position: Option<usize>, keyword: Option<&str>) -> Option<&Given<'s>> {
        let named = self.keywords.iter().find(|(name, _)| Some(name.as_str()) == keyword).map(|(_, it)| it);
        named.or_else(|| self.positional.get(position?))
    }
}

impl<'s> Walk<'s> {
    /// What an expression stands for. Its calls are recorded.
    pub(super) fn value(&mut self, it: &'s Expr) -> Thing {
        if DEPTH <= self.nesting {
            return Thing::Unknown;
        }
        self.nesting += 1;
        let thing = self.value_of(it);
        self.nesting -= 1;
        thing
    }

    fn value_of(&mut self, it: &'s Expr) -> Thing {
        match it {
            Expr::Name(it) => self.named(it.id.as_str()),
            Expr::NoneLiteral(_) => Thing::Nothing,
            Expr::BooleanLiteral(it) => Thing::Truth(it.value),
            Expr::NumberLiteral(it) => match &it.value {
                ast::Number::Int(it) => it.as_i64().map_or(Thing::Unknown, Thing::Number),
                ast::Number::Float(_) | ast::Number::Complex { .. } => Thing::Unknown,
            },
            Expr::StringLiteral(it) => Thing::text(it.value.to_str()),
            Expr::FString(it) => self.formatted(it),
            Expr::Attribute(it) => {
                let owner = self.value(&it.value);
                self.attribute(&owner, it.attr.as_str())
            }
            Expr::Call(it) => self.call(it),
            Expr::Subscript(it) => {
                let (owner, key) = (self.value(&it.value), self.value(&it.slice));
                self.element(&owner, &key)
            }
            Expr::BinOp(it) => {
                let (left, right) = (self.value(&it.left), self.value(&it.right));
                combined(it.op, &left, &right)
            }
            Expr::BoolOp(it) => self.first_that(it),
            Expr::UnaryOp(it) => self.unary(it),
            Expr::Compare(it) => self.comparison(it),
            Expr::If(it) => self.one_of_two(it),
            Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::List(ast::ExprList { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => {
                let elements: Vec<Thing> = elts.iter().map(|it| self.value(it)).collect();
                if elts.iter().any(Expr::is_starred_expr) { Thing::Unknown } else { Thing::sequence(elements) }
            }
            Expr::Dict(it) => self.dictionary(it),
            Expr::Named(it) => self.bound(it),
            Expr::Lambda(it) => self.lambda(it),
            Expr::ListComp(ast::ExprListComp { elt, generators, .. })
            | Expr::SetComp(ast::ExprSetComp { elt, generators, .. })
            | Expr::Generator(ast::ExprGenerator { elt, generators, .. }) => self.comprehension(&[elt], generators),
            Expr::DictComp(it) => {
                let parts = [it.key.as_deref(), Some(&*it.value)];
                let parts: Vec<&'s Expr> = parts.into_iter().flatten().collect();
                self.comprehension(&parts, &it.generators)
            }
            Expr::Await(it) => self.value(&it.value),
            Expr::YieldFrom(it) => self.only_its_effect(&it.value),
            Expr::Yield(it) => it.value.as_deref().map_or(Thing::Unknown, |it| self.only_its_effect(it)),
            Expr::Starred(it) => self.only_its_effect(&it.value),
            Expr::TString(_)
            | Expr::BytesLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::Slice(_)
            | Expr::IpyEscapeCommand(_) => Thing::Unknown,
        }
    }

    fn unary(&mut self, it: &'s ast::ExprUnaryOp) -> Thing {
        match (it.op, self.value(&it.operand)) {
            (ast::UnaryOp::Not, operand) => operand.truth().map_or(Thing::Unknown, |it| Thing::Truth(!it)),
            (ast::UnaryOp::USub, Thing::Number(number)) => Thing::Number(number.saturating_neg()),
            (ast::UnaryOp::USub | ast::UnaryOp::UAdd | ast::UnaryOp::Invert, _) => Thing::Unknown,
        }
    }

    fn one_of_two(&mut self, it: &'s ast::ExprIf) -> Thing {
        match self.value(&it.test).truth() {
            Some(true) => self.value(&it.body),
            Some(false) => self.value(&it.orelse),
            None => {
                let ends = [self.perhaps(&it.body), self.perhaps(&it.orelse)];
                Thing::either(ends)
            }
        }
    }

    fn bound(&mut self, it: &'s ast::ExprNamed) -> Thing {
        let thing = self.value(&it.value);
        self.assign(&it.target, &thing, &it.value, it.range());
        thing
    }

    /// A lambda runs when it is called, and nobody says when that is.
    fn lambda(&mut self, it: &'s ast::ExprLambda) -> Thing {
        let uncalled = std::mem::replace(&mut self.uncalled, true);
        self.value(&it.body);
        self.uncalled = uncalled;
        Thing::Unknown
    }

    fn only_its_effect(&mut self, it: &'s Expr) -> Thing {
        self.value(it);
        Thing::Unknown
    }

    /// An expression that is evaluated under a condition.
    fn perhaps(&mut self, it: &'s Expr) -> Thing {
        self.conditions += 1;
        let thing = self.value(it);
        self.conditions -= 1;
        thing
    }

    fn named(&self, name: &str) -> Thing {
        if let Some(thing) = self.names.get(name) {
            return thing.clone();
        }
        let modules = self.stars.iter().rev().map(String::as_str).chain(["builtins"]).take(3);
        Thing::either(modules.map(|module| Thing::name(format!("{module}.{name}"))))
    }

    fn attribute(&self, owner: &Thing, name: &str) -> Thing {
        let one = |owner: &Thing| {
            if let Thing::Name(dotted, start) = owner {
                return Thing::name(format!("{dotted}.{name}")).with_start(start.clone());
            }
            if let Thing::Object(class) = owner {
                let set = self.names.get(&of_object(*class, name)).cloned();
                return match set.or_else(|| self.member(*class, name)) {
                    Some(Thing::Function(function)) => Thing::Method { function, class: *class },
                    other => other.unwrap_or(Thing::Unknown),
                };
            }
            if let Thing::Class(class) = owner {
                self.member(*class, name).unwrap_or(Thing::Unknown)
            } else {
                Thing::Unknown
            }
        };
        Thing::either(owner.alternatives().iter().map(one))
    }

    fn element(&self, owner: &Thing, key: &Thing) -> Thing {
        let found = match (owner, key) {
            (owner, Thing::Text(name)) if self.is_environ(owner) => Some(self.variable(name, None)),
            (Thing::Sequence(elements), Thing::Number(at)) => match usize::try_from(*at) {
                Ok(at) => elements.get(at).cloned(),
                Err(_) => None,
            },
            (Thing::Dictionary(pairs), key) => pairs.iter().rfind(|(it, _)| it == key).map(|(_, it)| it.clone()),
            _ => None,
        };
        found.unwrap_or(Thing::Unknown)
    }

    fn dictionary(&mut self, it: &'s ast::ExprDict) -> Thing {
        let mut pairs = Vec::new();
        let mut whole = true;
        for item in &it.items {
            let key = item.key.as_ref().map(|it| self.value(it));
            let value = self.value(&item.value);
            match (key, value) {
                (Some(key), value) => pairs.push((key, value)),
                (None, Thing::Dictionary(more)) => pairs.extend(more.iter().cloned()),
                (None, _) => whole = false,
            }
        }
        if whole && pairs.len() <= ELEMENTS { Thing::Dictionary(pairs.into()) } else { Thing::Unknown }
    }

    fn formatted(&mut self, it: &'s ast::ExprFString) -> Thing {
        let mut text = Some(String::new());
        let mut add = |part: Option<&str>| match (&mut text, part) {
            (Some(text), Some(part)) if text.len() + part.len() <= super::things::TEXT_BYTES => text.push_str(part),
            _ => text = None,
        };
        for part in it.value.iter() {
            match part {
                ast::FStringPart::Literal(it) => add(Some(&it.value)),
                ast::FStringPart::FString(it) => {
                    for element in &it.elements {
                        match element {
                            ast::InterpolatedStringElement::Literal(it) => add(Some(&it.value)),
                            ast::InterpolatedStringElement::Interpolation(it) => {
                                let thing = self.value(&it.expression);
                                add(thing.as_text().filter(|_| it.format_spec.is_none()).as_deref());
                            }
                        }
                    }
                }
            }
        }
        text.map_or(Thing::Unknown, |it| Thing::text(&it))
    }

    /// `a or b`, `a and b`.
    fn first_that(&mut self, it: &'s ast::ExprBoolOp) -> Thing {
        let mut values = it.values.iter();
        let mut thing = values.next().map_or(Thing::Unknown, |it| self.value(it));
        for next in values {
            let decided = match (it.op, thing.truth()) {
                (ast::BoolOp::Or, Some(true)) | (ast::BoolOp::And, Some(false)) => return thing,
                (_, decided) => decided,
            };
            let right = if decided.is_some() { self.value(next) } else { self.perhaps(next) };
            thing = match (thing, it.op, right) {
                (_, _, right) if decided.is_some() => right,
                (Thing::Variable(name, None), ast::BoolOp::Or, right) if right.as_text().is_some() => {
                    Thing::Variable(name, right.as_text())
                }
                (Thing::Variable(name, Some(default)), ast::BoolOp::Or, _) => Thing::Variable(name, Some(default)),
                _ => Thing::Unknown,
            };
        }
        thing
    }

    fn comparison(&mut self, it: &'s ast::ExprCompare) -> Thing {
        let left = self.value(&it.left);
        let rights: Vec<Thing> = it.comparators.iter().map(|it| self.value(it)).collect();
        let (&[operator], [right]) = (&*it.ops, &*rights) else { return Thing::Unknown };
        let holds = match (&left, right) {
            (Thing::Number(left), Thing::Number(right)) => compared(operator, left.cmp(right)),
            (Thing::Text(left), Thing::Text(right)) => compared(operator, left.cmp(right)),
            (Thing::Nothing, Thing::Nothing) => compared(operator, std::cmp::Ordering::Equal),
            _ => None,
        };
        holds.map_or(Thing::Unknown, Thing::Truth)
    }

    fn comprehension(&mut self, parts: &[&'s Expr], generators: &'s [ast::Comprehension]) -> Thing {
        let scope = self.names.here();
        self.names.enter(scope);
        let mut certain = true;
        for generator in generators {
            let values = self.value(&generator.iter);
            certain &= values == Thing::Many || values.truth() == Some(true);
            self.assign(&generator.target, &Thing::Unknown, &generator.iter, generator.iter.range());
            certain &= generator.ifs.is_empty();
            for condition in &generator.ifs {
                self.perhaps(condition);
            }
        }
        self.loops += 1;
        self.conditions += usize::from(!certain);
        for part in parts {
            self.value(part);
        }
        self.conditions -= usize::from(!certain);
        self.loops -= 1;
        self.names.leave();
        if certain { Thing::Many } else { Thing::Unknown }
    }

    /// Binds a target.
    pub(super) fn assign(&mut self, target: &'s Expr, thing: &Thing, value: &'s Expr, place: TextRange) {
        if let Expr::Name(it) = target {
            self.names.set(it.id.as_str(), thing.clone());
        } else if let Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) = target {
            let parts = if let Thing::Sequence(parts) = thing { Some(parts) } else { None };
            let parts = parts.filter(|parts| parts.len() == elts.len() && !elts.iter().any(Expr::is_starred_expr));
            for (at, target) in elts.iter().enumerate() {
                let part = parts.and_then(|it| it.get(at)).cloned().unwrap_or(Thing::Unknown);
                self.assign(target, &part, value, place);
            }
        } else if let Expr::Attribute(it) = target {
            if let Thing::Object(class) = self.value(&it.value) {
                self.names.set_global(&of_object(class, it.attr.as_str()), thing.clone());
            }
        } else if let Expr::Subscript(it) = target {
            let (owner, key) = (self.value(&it.value), self.value(&it.slice));
            if owner.alternatives().iter().any(|it| self.is_environ(it)) {
                self.write(&key, Some((thing, value)), super::How::Set, place);
            }
        } else if let Expr::Starred(it) = target {
            self.assign(&it.value, &Thing::Unknown, value, place);
        }
    }

    pub(super) fn update(&mut self, it: &'s ast::StmtAugAssign) {
        let (left, right) = (self.value(&it.target), self.value(&it.value));
        if self.is_environ(&left) && it.op == ast::Operator::BitOr {
            return self.write_many(&right, &it.value, it.range());
        }
        let thing = combined(it.op, &left, &right);
        self.assign(&it.target, &thing, &it.value, it.range());
    }

    pub(super) fn delete(&mut self, target: &'s Expr, place: TextRange) {
        if let Expr::Subscript(it) = target {
            let (owner, key) = (self.value(&it.value), self.value(&it.slice));
            if self.is_environ(&owner) {
                self.write(&key, None, super::How::Delete, place);
            }
        } else if let Expr::Name(it) = target {
            self.names.set(it.id.as_str(), Thing::Unknown);
        }
    }
}

/// The name under which an attribute of an object is kept: one object stands for all of its class.
fn of_object(class: usize, attribute: &str) -> String {
    format!("{class}.{attribute}")
}

fn combined(operator: ast::Operator, left: &Thing, right: &Thing) -> Thing {
    match (left, operator, right) {
        (Thing::Number(left), operator, Thing::Number(right)) => {
            let number = match operator {
                ast::Operator::Add => left.checked_add(*right),
                ast::Operator::Sub => left.checked_sub(*right),
                ast::Operator::Mult => left.checked_mul(*right),
                // Python rounds down; as long as nothing is negative, so does Rust.
                ast::Operator::FloorDiv if 0 <= *left && 0 < *right => left.checked_div(*right),
                ast::Operator::Mod if 0 <= *left && 0 < *right => left.checked_rem(*right),
                ast::Operator::FloorDiv
                | ast::Operator::Mod
                | ast::Operator::MatMult
                | ast::Operator::Div
                | ast::Operator::Pow
                | ast::Operator::LShift
                | ast::Operator::RShift
                | ast::Operator::BitOr
                | ast::Operator::BitXor
                | ast::Operator::BitAnd => None,
            };
            number.map_or(Thing::Unknown, Thing::Number)
        }
        (Thing::Text(left), ast::Operator::Add, Thing::Text(right)) => Thing::text(&format!("{left}{right}")),
        (Thing::Sequence(left), ast::Operator::Add, Thing::Sequence(right)) => {
            Thing::sequence(left.iter().chain(right.iter()).cloned().collect())
        }
        (Thing::Sequence(one), ast::Operator::Mult, Thing::Number(times)) if !one.is_empty() && 0 < *times => {
            Thing::Many
        }
        _ => Thing::Unknown,
    }
}

fn compared(operator: ast::CmpOp, order: std::cmp::Ordering) -> Option<bool> {
    match operator {
        ast::CmpOp::Eq | ast::CmpOp::Is => Some(order.is_eq()),
        ast::CmpOp::NotEq | ast::CmpOp::IsNot => Some(order.is_ne()),
        ast::CmpOp::Lt => Some(order.is_lt()),
        ast::CmpOp::LtE => Some(order.is_le()),
        ast::CmpOp::Gt => Some(order.is_gt()),
        ast::CmpOp::GtE => Some(order.is_ge()),
        ast::CmpOp::In | ast::CmpOp::NotIn => None,
    }
}
