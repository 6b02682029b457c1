//! Expressions out of the syntax tree.

// The arm for all others is what is not taken apart, whatever kind it is.
#![allow(clippy::wildcard_enum_match_arm)]

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Lower;
use super::syntax::{Call, Comparison, Expression, Operator};

/// Expressions nested deeper are not followed.
const DEPTH: usize = 60;

pub(super) fn lower(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    if DEPTH < depth {
        return Expression::Other(Vec::new());
    }
    let go = |it: Option<Node<'_>>| match it {
        Some(it) => lower(from, it, depth + 1),
        None => Expression::Other(Vec::new()),
    };
    let field = |name: &str| go(node.child_by_field_name(name));
    let name = |it: Node<'_>| Rc::from(from.name(it));
    match node.kind() {
        "identifier" => Expression::Name(name(node)),
        "none" => Expression::None,
        "true" => Expression::Bool(true),
        "false" => Expression::Bool(false),
        "integer" => integer(from.text(node)),
        "string" => text(from, node, depth),
        "concatenated_string" => concatenated(from, node, depth),
        "parenthesized_expression" | "type" | "list_splat" | "as_pattern_target" if node.kind() != "list_splat" => {
            go(node.named_child(0))
        }
        "list_splat" => Expression::Splat(Box::new(go(node.named_child(0)))),
        "attribute" => match node.child_by_field_name("attribute") {
            Some(attribute) => Expression::Attribute(Box::new(field("object")), name(attribute)),
            None => Expression::Other(Vec::new()),
        },
        "call" => call(from, node, depth),
        "tuple" | "list" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
            Expression::Sequence(children(from, node, depth))
        }
        "dictionary" => dictionary(from, node, depth),
        "subscript" => subscript(from, node, depth),
        "comparison_operator" => compare(from, node, depth),
        "boolean_operator" => {
            let (left, right) = (Box::new(field("left")), Box::new(field("right")));
            match node.child_by_field_name("operator").map(|it| from.text(it)) {
                Some(b"and") => Expression::And(left, right),
                _ => Expression::Or(left, right),
            }
        }
        "not_operator" => Expression::Not(Box::new(field("argument"))),
        "binary_operator" => {
            let (left, right) = (field("left"), field("right"));
            match node.child_by_field_name("operator").and_then(|it| operator(from.text(it))) {
                Some(it) => Expression::Operate(it, Box::new(left), Box::new(right)),
                None => Expression::Other(vec![left, right]),
            }
        }
        "unary_operator" => match (from.text(node).first(), field("argument")) {
            (Some(b'-'), Expression::Int(number)) => Expression::Int(-number),
            (_, argument) => Expression::Other(vec![argument]),
        },
        "conditional_expression" => {
            let (value, condition, other) = (go(node.named_child(0)), go(node.named_child(1)), go(node.named_child(2)));
            Expression::Conditional(Box::new((condition, value, other)))
        }
        "named_expression" => match node.child_by_field_name("name") {
            Some(target) => Expression::Bind(name(target), Box::new(field("value"))),
            None => Expression::Other(Vec::new()),
        },
        "list_comprehension" | "set_comprehension" | "generator_expression" => comprehension(from, node, depth),
        // Runs when it is called, and nobody says when that is.
        "lambda" | "dictionary_comprehension" | "comment" => Expression::Other(Vec::new()),
        _ => Expression::Other(children(from, node, depth)),
    }
}

/// The operator that `+`, or `+=` without its last sign, stands for.
pub(super) fn operator(sign: &[u8]) -> Option<Operator> {
    Some(match sign {
        b"+" => Operator::Plus,
        b"-" => Operator::Minus,
        b"|" => Operator::Or,
        b"&" => Operator::And,
        b"%" => Operator::Remainder,
        b"*" => Operator::Times,
        b"**" => Operator::Power,
        b"/" => Operator::Divide,
        _ => return None,
    })
}

fn children(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Vec<Expression> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| it.kind() != "comment").map(|it| lower(from, it, depth + 1)).collect()
}

fn integer(text: &[u8]) -> Expression {
    let digits: String = String::from_utf8_lossy(text).replace('_', "");
    let hexadecimal = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.map_or(Expression::Other(Vec::new()), Expression::Int)
}

fn text(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let mut parts = Vec::new();
    let mut raw = false;
    let mut cursor = node.walk();
    for part in node.named_children(&mut cursor) {
        match part.kind() {
            "string_start" => raw = from.text(part).iter().any(|b| matches!(b, b'r' | b'R')),
            "string_content" => parts.push(Expression::Text(unescaped(from.text(part), raw).into())),
            "interpolation" => {
                let inner = part.child_by_field_name("expression");
                parts.push(inner.map_or(Expression::Other(Vec::new()), |it| lower(from, it, depth + 1)));
            }
            _ => {}
        }
    }
    joined(parts)
}

fn concatenated(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let mut parts = Vec::new();
    for part in children(from, node, depth) {
        match part {
            Expression::Format(inner) => parts.extend(inner),
            other => parts.push(other),
        }
    }
    joined(parts)
}

fn joined(parts: Vec<Expression>) -> Expression {
    let mut whole = String::new();
    for part in &parts {
        match part {
            Expression::Text(text) => whole.push_str(text),
            _ => return Expression::Format(parts),
        }
    }
    Expression::Text(whole.into())
}

/// Escapes that stand in names and paths; others stay as they are.
fn unescaped(text: &[u8], raw: bool) -> String {
    let text = String::from_utf8_lossy(text);
    if raw || !text.contains('\\') {
        return text.into_owned();
    }
    text.replace("\\\n", "").replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'").replace("\\\"", "\"")
}

fn call(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let function = node.child_by_field_name("function");
    let function = function.map_or(Expression::Other(Vec::new()), |it| lower(from, it, depth + 1));
    let mut call = Call { function, arguments: Vec::new(), keywords: Vec::new() };
    if let Some(list) = node.child_by_field_name("arguments") {
        if list.kind() == "generator_expression" {
            call.arguments.push(lower(from, list, depth + 1));
            return Expression::Call(Box::new(call));
        }
        let mut cursor = list.walk();
        for argument in list.named_children(&mut cursor) {
            let inner =
                |it: Option<Node<'_>>| it.map_or(Expression::Other(Vec::new()), |it| lower(from, it, depth + 1));
            match argument.kind() {
                "comment" => {}
                "keyword_argument" => {
                    let name = argument.child_by_field_name("name").map(|it| from.name(it));
                    call.keywords.push((name, inner(argument.child_by_field_name("value"))));
                }
                "dictionary_splat" => call.keywords.push((None, inner(argument.named_child(0)))),
                _ => call.arguments.push(inner(Some(argument))),
            }
        }
    }
    Expression::Call(Box::new(call))
}

fn dictionary(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let mut pairs = Vec::new();
    let mut cursor = node.walk();
    for pair in node.named_children(&mut cursor) {
        let inner = |it: Option<Node<'_>>| it.map(|it| lower(from, it, depth + 1));
        match pair.kind() {
            "pair" => {
                let key = inner(pair.child_by_field_name("key"));
                pairs.extend(inner(pair.child_by_field_name("value")).map(|it| (key, it)));
            }
            "dictionary_splat" => pairs.extend(inner(pair.named_child(0)).map(|it| (None, it))),
            _ => {}
        }
    }
    Expression::Dictionary(pairs)
}

fn subscript(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let inner = |it: Option<Node<'_>>| it.map_or(Expression::Other(Vec::new()), |it| lower(from, it, depth + 1));
    let value = Box::new(inner(node.child_by_field_name("value")));
    let mut cursor = node.walk();
    let keys: Vec<Node<'_>> = node.children_by_field_name("subscript", &mut cursor).collect();
    match keys.as_slice() {
        [slice] if slice.kind() == "slice" => {
            // `[a:b]`: which of the two stands there, the colon tells.
            let (mut bounds, mut colons) = ([None, None, None], 0_usize);
            let mut cursor = slice.walk();
            for child in slice.children(&mut cursor) {
                if child.kind() == ":" {
                    colons += 1;
                } else if let Some(bound) = bounds.get_mut(colons) {
                    *bound = Some(Box::new(lower(from, child, depth + 1)));
                }
            }
            let [start, end, step] = bounds;
            match step {
                None => Expression::Slice { value, start, end },
                Some(_) => Expression::Other(vec![*value]),
            }
        }
        [key] => Expression::Subscript(value, Box::new(lower(from, *key, depth + 1))),
        _ => Expression::Other(vec![*value]),
    }
}

fn compare(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let mut operands = children(from, node, depth).into_iter();
    let mut cursor = node.walk();
    let mut operators: Vec<Comparison> = Vec::new();
    for it in node.children_by_field_name("operators", &mut cursor) {
        operators.push(match (it.kind(), from.text(it)) {
            ("==", _) => Comparison::Equal,
            ("!=" | "<>", _) => Comparison::Different,
            ("<", _) => Comparison::Less,
            ("<=", _) => Comparison::AtMost,
            (">", _) => Comparison::Greater,
            (">=", _) => Comparison::AtLeast,
            ("in", _) => Comparison::In,
            ("not in", _) => Comparison::NotIn,
            ("is not", _) => Comparison::IsNot,
            _ => Comparison::Is,
        });
    }
    match operands.next() {
        Some(first) => Expression::Compare(Box::new(first), operators.into_iter().zip(operands).collect()),
        None => Expression::Other(Vec::new()),
    }
}

fn comprehension(from: &Lower<'_>, node: Node<'_>, depth: usize) -> Expression {
    let inner = |it: Option<Node<'_>>| it.map_or(Expression::Other(Vec::new()), |it| lower(from, it, depth + 1));
    let mut cursor = node.walk();
    let clauses: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
    let loops: Vec<&Node<'_>> = clauses.iter().filter(|it| it.kind() == "for_in_clause").collect();
    let [only] = loops.as_slice() else { return Expression::Other(Vec::new()) };
    let conditions = clauses.iter().filter(|it| it.kind() == "if_clause").map(|it| inner(it.named_child(0)));
    Expression::Comprehension {
        element: Box::new(inner(node.child_by_field_name("body"))),
        target: Box::new(inner(only.child_by_field_name("left"))),
        values: Box::new(inner(only.child_by_field_name("right"))),
        conditions: conditions.collect(),
    }
}
