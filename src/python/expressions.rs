//! Expressions out of the syntax tree.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};

use super::syntax::{Call, Comparison, Expression, Operator};

/// Expressions nested deeper are not followed.
const DEPTH: usize = 60;

pub(super) fn lower(it: &Expr, depth: usize) -> Expression {
    if DEPTH < depth {
        return Expression::Other(Vec::new());
    }
    let go = |it: &Expr| lower(it, depth + 1);
    let boxed = |it: &Expr| Box::new(go(it));
    match it {
        Expr::Name(it) => Expression::Name(Rc::from(it.id.as_str())),
        Expr::NoneLiteral(_) => Expression::None,
        Expr::BooleanLiteral(it) => Expression::Bool(it.value),
        Expr::NumberLiteral(it) => number(&it.value),
        Expr::StringLiteral(it) => Expression::Text(Rc::from(it.value.to_str())),
        Expr::BytesLiteral(it) => {
            let bytes: Vec<u8> = it.value.bytes().collect();
            Expression::Text(Rc::from(String::from_utf8_lossy(&bytes).as_ref()))
        }
        Expr::FString(it) => formatted(it, depth),
        Expr::Starred(it) => Expression::Splat(boxed(&it.value)),
        Expr::Attribute(it) => Expression::Attribute(boxed(&it.value), Rc::from(it.attr.as_str())),
        Expr::Call(it) => call(it, depth),
        Expr::Tuple(ast::ExprTuple { elts, .. })
        | Expr::List(ast::ExprList { elts, .. })
        | Expr::Set(ast::ExprSet { elts, .. }) => Expression::Sequence(elts.iter().map(go).collect()),
        Expr::Dict(it) => {
            let pair = |it: &ast::DictItem| (it.key.as_ref().map(go), go(&it.value));
            Expression::Dictionary(it.iter().map(pair).collect())
        }
        Expr::Subscript(it) => subscript(it, depth),
        Expr::Compare(it) => {
            let operators = it.ops.iter().copied().map(comparison);
            Expression::Compare(boxed(&it.left), operators.zip(it.comparators.iter().map(go)).collect())
        }
        Expr::BoolOp(it) => {
            let join = |left, right| match it.op {
                ast::BoolOp::And => Expression::And(Box::new(left), Box::new(right)),
                ast::BoolOp::Or => Expression::Or(Box::new(left), Box::new(right)),
            };
            it.values.iter().map(go).reduce(join).unwrap_or(Expression::Other(Vec::new()))
        }
        Expr::UnaryOp(it) => match (it.op, go(&it.operand)) {
            (ast::UnaryOp::Not, operand) => Expression::Not(Box::new(operand)),
            (ast::UnaryOp::USub, Expression::Int(number)) => Expression::Int(-number),
            (ast::UnaryOp::USub | ast::UnaryOp::UAdd | ast::UnaryOp::Invert, operand) => {
                Expression::Other(vec![operand])
            }
        },
        Expr::BinOp(it) => match operator(it.op) {
            Some(operator) => Expression::Operate(operator, boxed(&it.left), boxed(&it.right)),
            None => Expression::Other(vec![go(&it.left), go(&it.right)]),
        },
        Expr::If(it) => Expression::Conditional(Box::new((go(&it.test), go(&it.body), go(&it.orelse)))),
        Expr::Named(it) => match it.target.as_name_expr() {
            Some(name) => Expression::Bind(Rc::from(name.id.as_str()), boxed(&it.value)),
            None => Expression::Other(Vec::new()),
        },
        Expr::ListComp(ast::ExprListComp { elt, generators, .. })
        | Expr::SetComp(ast::ExprSetComp { elt, generators, .. })
        | Expr::Generator(ast::ExprGenerator { elt, generators, .. }) => comprehension(elt, generators, depth),
        Expr::Await(it) => Expression::Other(vec![go(&it.value)]),
        Expr::YieldFrom(it) => Expression::Other(vec![go(&it.value)]),
        Expr::Yield(it) => Expression::Other(it.value.iter().map(|it| go(it)).collect()),
        // A lambda runs when it is called, and nobody says when that is.
        Expr::Lambda(_)
        | Expr::DictComp(_)
        | Expr::TString(_)
        | Expr::EllipsisLiteral(_)
        | Expr::Slice(_)
        | Expr::IpyEscapeCommand(_) => Expression::Other(Vec::new()),
    }
}

/// The operator that is followed, if it is one of those.
pub(super) fn operator(sign: ast::Operator) -> Option<Operator> {
    Some(match sign {
        ast::Operator::Add => Operator::Plus,
        ast::Operator::Sub => Operator::Minus,
        ast::Operator::BitOr => Operator::Or,
        ast::Operator::BitAnd => Operator::And,
        ast::Operator::Mod => Operator::Remainder,
        ast::Operator::Mult => Operator::Times,
        ast::Operator::Pow => Operator::Power,
        ast::Operator::Div => Operator::Divide,
        ast::Operator::MatMult
        | ast::Operator::LShift
        | ast::Operator::RShift
        | ast::Operator::BitXor
        | ast::Operator::FloorDiv => return None,
    })
}

fn comparison(sign: ast::CmpOp) -> Comparison {
    match sign {
        ast::CmpOp::Eq => Comparison::Equal,
        ast::CmpOp::NotEq => Comparison::Different,
        ast::CmpOp::Lt => Comparison::Less,
        ast::CmpOp::LtE => Comparison::AtMost,
        ast::CmpOp::Gt => Comparison::Greater,
        ast::CmpOp::GtE => Comparison::AtLeast,
        ast::CmpOp::Is => Comparison::Is,
        ast::CmpOp::IsNot => Comparison::IsNot,
        ast::CmpOp::In => Comparison::In,
        ast::CmpOp::NotIn => Comparison::NotIn,
    }
}

fn number(it: &ast::Number) -> Expression {
    match it {
        ast::Number::Int(it) => it.as_i64().map_or(Expression::Other(Vec::new()), Expression::Int),
        ast::Number::Float(_) | ast::Number::Complex { .. } => Expression::Other(Vec::new()),
    }
}

fn formatted(it: &ast::ExprFString, depth: usize) -> Expression {
    let mut parts = Vec::new();
    for part in it.value.iter() {
        match part {
            ast::FStringPart::Literal(it) => parts.push(Expression::Text(Rc::from(&*it.value))),
            ast::FStringPart::FString(it) => parts.extend(it.elements.iter().map(|it| match it {
                ast::InterpolatedStringElement::Literal(it) => Expression::Text(Rc::from(&*it.value)),
                ast::InterpolatedStringElement::Interpolation(it) => lower(&it.expression, depth + 1),
            })),
        }
    }
    Expression::Format(parts)
}

fn call(it: &ast::ExprCall, depth: usize) -> Expression {
    let go = |it: &Expr| lower(it, depth + 1);
    let keyword = |it: &ast::Keyword| (it.arg.as_ref().map(ToString::to_string), go(&it.value));
    Expression::Call(Box::new(Call {
        function: go(&it.func),
        arguments: it.arguments.args.iter().map(go).collect(),
        keywords: it.arguments.keywords.iter().map(keyword).collect(),
    }))
}

fn subscript(it: &ast::ExprSubscript, depth: usize) -> Expression {
    let value = Box::new(lower(&it.value, depth + 1));
    let bound = |it: &Option<Box<Expr>>| it.as_deref().map(|it| Box::new(lower(it, depth + 1)));
    match (it.slice.as_slice_expr(), it.slice.as_tuple_expr()) {
        (Some(slice), _) if slice.step.is_none() => {
            Expression::Slice { value, start: bound(&slice.lower), end: bound(&slice.upper) }
        }
        (Some(_), _) => Expression::Other(vec![*value]),
        (None, Some(keys)) if !keys.parenthesized => Expression::Other(vec![*value]),
        (None, Some(_) | None) => Expression::Subscript(value, Box::new(lower(&it.slice, depth + 1))),
    }
}

fn comprehension(element: &Expr, loops: &[ast::Comprehension], depth: usize) -> Expression {
    let go = |it: &Expr| lower(it, depth + 1);
    let [only] = loops else { return Expression::Other(Vec::new()) };
    Expression::Comprehension {
        element: Box::new(go(element)),
        target: Box::new(go(&only.target)),
        values: Box::new(go(&only.iter)),
        conditions: only.ifs.iter().map(go).collect(),
    }
}
