//! Text to syntax tree. The only file that knows the CEL crate, which parses and does nothing else.
//!
//! Invariant: the text is bounded before the crate sees it, because the crate has no limits of its own
//! and a long chain of operators overflows its stack.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;
use regex::RegexBuilder;

use super::expression::{Arithmetic, Comparison, Each, FUNCTIONS, Function, Kind, MACROS, METHODS, Node};
use super::file_error::hint;

/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 2_000;
/// Most operators in one text.
const MAX_OPERATORS: usize = 64;
/// Most points (fields and methods) in one text.
const MAX_POINTS: usize = 200;
/// Deepest nesting of brackets and of the tree.
const MAX_NESTING: usize = 32;
/// Deepest syntax tree: what the limits above allow, never reached by a condition that people write.
const MAX_TREE_DEPTH: usize = 200;
/// Most macros inside one another.
const MAX_NESTED_MACROS: usize = 2;
/// Largest compiled pattern of `matches`, in bytes.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// Names of ours that CEL keeps for itself, each with a stand-in of the same length that no fact is called.
const RESERVED_NAMES: [(&str, &str); 1] = [("package", "PACKAGE")];

/// A mistake in the text of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Byte offset in the text.
    pub(super) at: usize,
    /// What is wrong.
    pub(super) message: String,
    /// What was probably meant.
    pub(super) help: Option<String>,
}

impl Mistake {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None }
    }

    pub(super) fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// Reads the text of a condition.
pub(super) fn parse(text: &str) -> Result<Node, Mistake> {
    within_bounds(text)?;
    let parsed = Parser::new().parse_with_source_info(&unreserved(text));
    let (expression, source) = parsed.map_err(|errors| syntax_mistake(text, &errors))?;
    let places = Places::new(text, source);
    convert(&expression, &places, Depth::default())
}

/// The text with our names in place of words that CEL keeps for itself. Places stay as they are.
fn unreserved(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    let (mut quote, mut escaped, mut rest) = (None, false, text);
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    while let Some(letter) = rest.chars().next() {
        let length = if quote.is_none() && word(letter) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else {
            letter.len_utf8()
        };
        let (piece, tail) = rest.split_at(length);
        let alone = quote.is_none() && !readable.ends_with('.');
        let stand_in = RESERVED_NAMES.iter().find(|(name, _)| alone && *name == piece).map(|(_, stand_in)| *stand_in);
        readable.push_str(stand_in.unwrap_or(piece));
        rest = tail;
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if open == letter => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            Some(_) | None => {}
        }
    }
    readable
}

/// The name that a word of the parsed text stands for.
fn original(name: &str) -> String {
    RESERVED_NAMES.iter().find(|(_, stand_in)| *stand_in == name).map_or(name, |(name, _)| *name).to_owned()
}

/// Refuses what the crate could choke on, without its help.
fn within_bounds(text: &str) -> Result<(), Mistake> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Mistake::new(0, format!("longer than {MAX_TEXT_BYTES} bytes")));
    }
    if text.trim().is_empty() {
        return Err(Mistake::new(0, "no condition"));
    }
    let (mut quote, mut escaped, mut nesting, mut operators, mut points) = (None, false, 0_usize, 0_usize, 0_usize);
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => nesting += 1,
            (None, ')' | ']' | '}') => nesting = nesting.saturating_sub(1),
            (None, '.') => points += 1,
            (None, '=' | '&' | '|') if matches!(before, '=' | '!' | '<' | '>' | '&' | '|') => {}
            (None, '+' | '-' | '*' | '/' | '%' | '=' | '<' | '>' | '&' | '|' | '!' | '?') => operators += 1,
            (None, letter) if !letter.is_ascii() || letter.is_ascii_control() && !letter.is_ascii_whitespace() => {
                return Err(Mistake::new(at, "a character that has no meaning here"));
            }
            (None, _) => {}
        }
        before = letter;
        let limits = [
            (nesting, MAX_NESTING, "levels of brackets"),
            (operators, MAX_OPERATORS, "operators"),
            (points, MAX_POINTS, "points"),
        ];
        if let Some((_, most, what)) = limits.iter().find(|(count, most, _)| count > most) {
            return Err(Mistake::new(at, format!("more than {most} {what}")));
        }
    }
    Ok(())
}

/// The first of the crate's errors.
fn syntax_mistake(text: &str, errors: &cel::ParseErrors) -> Mistake {
    let Some(first) = errors.errors.first() else { return Mistake::new(0, "not a condition") };
    let (line, column) = (usize::try_from(first.pos.0).unwrap_or(1), usize::try_from(first.pos.1).unwrap_or(1));
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let inside = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.trim_end().len(), |(at, _)| at);
    let message = first.msg.lines().next().unwrap_or_default().trim_start_matches("Syntax error: ");
    let message = message.split(" expecting {").next().unwrap_or_default();
    Mistake::new(start + inside, message)
}

/// Where nodes stand. The crate counts characters.
struct Places {
    source: SourceInfo,
    bytes: Vec<usize>,
}

impl Places {
    fn new(text: &str, source: SourceInfo) -> Self {
        Self { source, bytes: text.char_indices().map(|(at, _)| at).collect() }
    }

    fn of(&self, expression: &IdedExpr) -> usize {
        let start = self.source.offset_for(expression.id).map_or(0, |(start, _)| start);
        let at = usize::try_from(start).ok().and_then(|start| self.bytes.get(start).copied()).unwrap_or_default();
        // Of a field the crate gives the point before it.
        if self.source.source.get(at..).is_some_and(|rest| rest.starts_with('.')) { at + 1 } else { at }
    }
}

impl Places {
    /// Where the name of a method stands; the crate gives the bracket after it.
    fn before_bracket(&self, at: usize, name: &str) -> usize {
        let start = at.saturating_sub(name.len());
        if self.source.source.get(start..at) == Some(name) { start } else { at }
    }
}

/// How deep the conversion is.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    nodes: usize,
    macros: usize,
}

fn convert(expression: &IdedExpr, places: &Places, depth: Depth) -> Result<Node, Mistake> {
    let at = places.of(expression);
    let depth = Depth { nodes: depth.nodes + 1, ..depth };
    if depth.nodes > MAX_TREE_DEPTH {
        return Err(Mistake::new(at, "too deep"));
    }
    let kind = match &expression.expr {
        Expr::Literal(value) => literal(value, at)?,
        Expr::Ident(name) => Kind::Name(original(name)),
        Expr::Select(select) if select.test => {
            return Err(Mistake::new(at, "`has()` is not needed: a fact that is missing is unknown"));
        }
        Expr::Select(select) => Kind::Field(boxed(&select.operand, places, depth)?, select.field.clone()),
        Expr::List(list) => Kind::List(nodes(&list.elements, places, depth)?),
        Expr::Call(call) => operator(call, at, places, depth)?,
        Expr::Comprehension(walk) => each(walk, at, places, depth)?,
        Expr::Map(_) | Expr::Struct(_) => return Err(Mistake::new(at, "conditions have no maps")),
        Expr::Unspecified => return Err(Mistake::new(at, "not a condition")),
    };
    Ok(Node { at, kind })
}

fn boxed(expression: &IdedExpr, places: &Places, depth: Depth) -> Result<Box<Node>, Mistake> {
    convert(expression, places, depth).map(Box::new)
}

fn nodes(list: &[IdedExpr], places: &Places, depth: Depth) -> Result<Vec<Node>, Mistake> {
    list.iter().map(|element| convert(element, places, depth)).collect()
}

fn literal(value: &LiteralValue, at: usize) -> Result<Kind, Mistake> {
    Ok(match value {
        LiteralValue::Null => Kind::Null,
        LiteralValue::Boolean(value) => Kind::Bool(*value.inner()),
        LiteralValue::Int(value) => Kind::Int(*value.inner()),
        LiteralValue::Double(value) => Kind::Double(*value.inner()),
        LiteralValue::String(value) => Kind::Text(value.inner().to_owned()),
        LiteralValue::UInt(_) | LiteralValue::Bytes(_) => {
            return Err(Mistake::new(at, "conditions have no unsigned numbers and no bytes"));
        }
    })
}

fn operator(call: &CallExpr, at: usize, places: &Places, depth: Depth) -> Result<Kind, Mistake> {
    let (None, [a, rest @ ..]) = (&call.target, call.args.as_slice()) else {
        return function(call, at, places, depth);
    };
    let compare = |comparison, b| -> Result<Kind, Mistake> {
        Ok(Kind::Compare(comparison, boxed(a, places, depth)?, boxed(b, places, depth)?))
    };
    let calculate = |arithmetic, b| -> Result<Kind, Mistake> {
        Ok(Kind::Arithmetic(arithmetic, boxed(a, places, depth)?, boxed(b, places, depth)?))
    };
    match (call.func_name.as_str(), rest) {
        (operators::LOGICAL_NOT, []) => Ok(Kind::Not(boxed(a, places, depth)?)),
        (operators::NEGATE, []) => Ok(Kind::Negate(boxed(a, places, depth)?)),
        (operators::LOGICAL_AND, [b]) => Ok(Kind::And(boxed(a, places, depth)?, boxed(b, places, depth)?)),
        (operators::LOGICAL_OR, [b]) => Ok(Kind::Or(boxed(a, places, depth)?, boxed(b, places, depth)?)),
        (operators::INDEX, [b]) => Ok(Kind::Index(boxed(a, places, depth)?, boxed(b, places, depth)?)),
        (operators::IN, [b]) => Ok(Kind::In(boxed(a, places, depth)?, boxed(b, places, depth)?)),
        (operators::EQUALS, [b]) => compare(Comparison::Equal, b),
        (operators::NOT_EQUALS, [b]) => compare(Comparison::NotEqual, b),
        (operators::LESS, [b]) => compare(Comparison::Less, b),
        (operators::LESS_EQUALS, [b]) => compare(Comparison::LessOrEqual, b),
        (operators::GREATER, [b]) => compare(Comparison::Greater, b),
        (operators::GREATER_EQUALS, [b]) => compare(Comparison::GreaterOrEqual, b),
        (operators::ADD, [b]) => calculate(Arithmetic::Add, b),
        (operators::SUBSTRACT, [b]) => calculate(Arithmetic::Subtract, b),
        (operators::MULTIPLY, [b]) => calculate(Arithmetic::Multiply, b),
        (operators::DIVIDE | operators::MODULO, _) => Err(Mistake::new(at, "conditions do not divide")),
        (operators::CONDITIONAL, [b, c]) => {
            Ok(Kind::Choose(boxed(a, places, depth)?, boxed(b, places, depth)?, boxed(c, places, depth)?))
        }
        (_, _) => function(call, at, places, depth),
    }
}

fn function(call: &CallExpr, at: usize, places: &Places, depth: Depth) -> Result<Kind, Mistake> {
    let name = call.func_name.as_str();
    let at = places.before_bracket(at, name);
    let known: &[(&str, usize)] = if call.target.is_some() { &METHODS } else { &FUNCTIONS };
    let Some((_, count)) = known.iter().find(|(known, _)| *known == name) else {
        let names = FUNCTIONS.iter().chain(&METHODS).map(|(name, _)| *name).chain(MACROS);
        return Err(Mistake::new(at, format!("unknown function `{name}`")).with_help(hint(name, names)));
    };
    let mut arguments = Vec::new();
    if let Some(target) = &call.target {
        arguments.push(convert(target, places, depth)?);
    }
    arguments.extend(nodes(&call.args, places, depth)?);
    if arguments.len() != *count {
        let missing = count - usize::from(call.target.is_some());
        return Err(Mistake::new(at, format!("`{name}` takes {missing} arguments, not {}", call.args.len())));
    }
    let function = match name {
        "size" => Function::Size,
        "startsWith" => Function::StartsWith,
        "endsWith" => Function::EndsWith,
        "contains" => Function::Contains,
        "matches" => matches(&arguments, at)?,
        "lowerAscii" => Function::LowerAscii,
        "upperAscii" => Function::UpperAscii,
        "split" => Function::Split,
        "version_less" => Function::VersionLess,
        "basename" => Function::Basename,
        _ => Function::First,
    };
    Ok(Kind::Call(function, arguments))
}

fn matches(arguments: &[Node], at: usize) -> Result<Function, Mistake> {
    let Some(Node { kind: Kind::Text(pattern), at: place }) = arguments.get(1) else {
        return Err(Mistake::new(at, "the pattern of `matches` is written out, so that it can be checked"));
    };
    let regex = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
    regex.map(Function::Matches).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        Mistake::new(*place, format!("not a pattern: {}", last.trim_start_matches("error: ")))
    })
}

/// Reads a macro back from what the crate expands it to.
fn each(walk: &ComprehensionExpr, at: usize, places: &Places, depth: Depth) -> Result<Kind, Mistake> {
    let depth = Depth { macros: depth.macros + 1, ..depth };
    if depth.macros > MAX_NESTED_MACROS {
        return Err(Mistake::new(at, format!("more than {MAX_NESTED_MACROS} macros inside one another")));
    }
    let unknown = || Mistake::new(at, "unknown macro");
    let Expr::Call(step) = &walk.loop_step.expr else { return Err(unknown()) };
    let (each, body, test) = match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_OR, [_, body]) => (Each::Exists, body, None),
        (operators::LOGICAL_AND, [_, body]) => (Each::All, body, None),
        (operators::ADD, [_, made]) => (Each::Map, only(made).ok_or_else(unknown)?, None),
        (operators::CONDITIONAL, [test, made, _]) => match appended(made) {
            None => (Each::ExistsOne, test, None),
            Some(Expr::Ident(name)) if *name == walk.iter_var => (Each::Filter, test, None),
            Some(_) => (Each::Map, appended_node(made).ok_or_else(unknown)?, Some(test)),
        },
        (_, _) => return Err(unknown()),
    };
    // Each list is its own level: macros on the result of a macro are a chain, not a nest.
    let outside = Depth { macros: depth.macros - 1, ..depth };
    Ok(Kind::Each {
        each,
        list: boxed(&walk.iter_range, places, outside)?,
        variable: original(&walk.iter_var),
        body: boxed(body, places, depth)?,
        test: test.map(|test| boxed(test, places, depth)).transpose()?,
    })
}

/// `x` of the list `[x]`.
fn only(list: &IdedExpr) -> Option<&IdedExpr> {
    if let Expr::List(ListExpr { elements, .. }) = &list.expr { elements.first() } else { None }
}

/// `x` of `@result + [x]`.
fn appended_node(made: &IdedExpr) -> Option<&IdedExpr> {
    if let Expr::Call(call) = &made.expr { call.args.get(1).and_then(only) } else { None }
}

fn appended(made: &IdedExpr) -> Option<&Expr> {
    appended_node(made).map(|node| &node.expr)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let message = parse(text).map(|_| "accepted".to_owned()).unwrap_or_else(|mistake| mistake.message);
        assert!(message.contains(expected), "{text}: {message}");
    }

    #[test]
    fn is_bounded_before_it_is_parsed() {
        check_refused("", "no condition");
        check_refused(&format!("a == \"{}\"", "x".repeat(2000)), "longer than 2000 bytes");
        check_refused(&vec!["a"; 66].join(" && "), "more than 64 operators");
        check_refused(&vec!["1"; 66].join("+"), "more than 64 operators");
        check_refused(&"!".repeat(900), "more than 64 operators");
        check_refused(&format!("{}a{}", "[".repeat(33), "]".repeat(33)), "more than 32 levels");
        check_refused(&vec!["a"; 300].join("."), "more than 200 points");
        check_refused("a.exists(x, a.exists(y, a.exists(z, z)))", "more than 2 macros");
        assert!(parse(&vec!["a"; 65].join(" && ")).is_ok());
        assert!(parse(&vec!["1"; 65].join("+")).is_ok());
        assert!(parse(&vec!["a"; 200].join(".")).is_ok());
        assert!(parse(&format!("{}a{}", "[".repeat(32), "]".repeat(32))).is_ok());
        assert!(parse(&format!("{}a{}", "size(!".repeat(32), ")".repeat(32))).is_ok());
        assert!(parse("a.filter(x, x).filter(y, y).map(z, z).exists(w, w)").is_ok());
    }

    #[test]
    fn subjects_may_be_words_that_cel_reserves() {
        let names =
            ["package.name == 'package' && o.package == package.name", "all_packages.exists(package, package.ok)"];
        for text in names {
            let readable = unreserved(text);
            assert_eq!(readable.to_lowercase(), text, "{text}");
            assert!(readable.contains("PACKAGE") && parse(text).is_ok(), "{text}");
        }
        assert_eq!(unreserved(r"'\'package' + package"), r"'\'package' + PACKAGE");
        check_refused("for.x", "reserved identifier");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "a.?b",
            "a[?0]",
            "1u",
            "b\"x\"",
            "A{b: 1}",
            "x(1,)",
            "a.exists(1, true)",
            "a.map(x)",
            "size()",
            "a..b",
            "'",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-c .,?:!&|=<>()\\[\\]{}+*'\"\\\\0-9ux@\u{e9}\n-]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn never_panics_on_words(words in prop::collection::vec(prop::sample::select(vec!["a", ".", "exists", "(", ")", "x",
            ",", "[", "]", "&&", "||", "!", "==", "?", ":", "has", "size", "1", "\"t\"", "in", "-", "map", "filter", "{", "}",
            "null", "9999999999999999999", "1e999", "'\\u0000'", "'\\ud800'", "r'\\'", "b", "'''", "`a`"]), 0..24)) {
            let _ = parse(&words.join(" "));
            let _ = parse(&words.concat());
        }
    }
}
