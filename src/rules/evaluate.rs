//! Walks the syntax tree over facts: three-valued, and remembering what decided.
//!
//! Invariant: replacing a fact by unknown leaves a result as it is or makes it unknown.
//! Invariant: nothing panics; an operation on the wrong kind of value is unknown, with the reason.

use serde_json::{Map, Value as Json};

use super::answers::{Answer, Answers};
use super::expression::{Each, Kind, Node};
use super::operators;
use super::value::{Missing, Seen, Value, element_name, union};

/// Most nodes that one evaluation visits.
const MAX_STEPS: u32 = 2_000_000;

/// The names that a condition sees: the facts, and the subject under its own word.
pub(super) struct Scope<'f> {
    /// All facts by name.
    pub(super) facts: &'f Map<String, Json>,
    /// The word of the subject and the subject.
    pub(super) subject: Option<(&'static str, &'f Json)>,
}

/// Evaluates one condition or placeholder.
pub(super) fn evaluate<'f>(node: &Node, scope: &Scope<'f>) -> Seen<'f> {
    Walk { scope, bound: Vec::new(), steps: 0 }.node(node)
}

struct Bound<'f> {
    variable: String,
    name: String,
    value: Seen<'f>,
}

struct Walk<'s, 'f> {
    scope: &'s Scope<'f>,
    bound: Vec<Bound<'f>>,
    steps: u32,
}

impl<'f> Walk<'_, 'f> {
    fn node(&mut self, node: &Node) -> Seen<'f> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_STEPS {
            return Seen::unknown(vec![Missing::text("condition", format!("takes more than {MAX_STEPS} steps"))]);
        }
        match &node.kind {
            Kind::Null => Seen::new(Value::Null),
            Kind::Bool(value) => Seen::new(Value::Bool(*value)),
            Kind::Int(value) => Seen::new(Value::Int(*value)),
            Kind::Double(value) => Seen::new(Value::Double(*value)),
            Kind::Text(text) => Seen::new(Value::Text(text.clone().into())),
            Kind::Name(name) => self.name(name),
            Kind::Field(of, field) => self.field(of, field),
            Kind::Index(list, index) => operators::index(self.node(list), &self.node(index)),
            Kind::List(items) => {
                Seen::new(Value::List { items: items.iter().map(|item| self.node(item)).collect(), open: Vec::new() })
            }
            Kind::Not(a) => operators::not(self.node(a)),
            Kind::Negate(a) => operators::negate(self.node(a)),
            Kind::And(a, b) => self.logic(a, b, false),
            Kind::Or(a, b) => self.logic(a, b, true),
            Kind::Compare(comparison, a, b) => operators::compare(*comparison, &self.node(a), &self.node(b)),
            Kind::In(a, list) => operators::member(&self.node(a), &self.node(list)),
            Kind::Arithmetic(arithmetic, a, b) => operators::arithmetic(*arithmetic, self.node(a), self.node(b)),
            Kind::Choose(test, yes, no) => self.choose(test, yes, no),
            Kind::Each { each, list, variable, body, test } => {
                let walked = self.node(list);
                match walked.value {
                    Value::List { items, open } => {
                        let list = List { node: list, items, open, because: walked.because };
                        self.each(*each, list, variable, body, test.as_deref())
                    }
                    Value::Unknown(missing) => Seen::unknown(missing),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Double(_)
                    | Value::Text(_)
                    | Value::Record(_) => operators::wrong("a list is needed", &[&walked]),
                }
            }
            Kind::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|argument| self.node(argument)).collect();
                operators::call(function, &arguments)
            }
        }
    }

    fn name(&self, name: &str) -> Seen<'f> {
        if let Some(bound) = self.bound.iter().rev().find(|bound| bound.variable == name) {
            return bound.value.clone();
        }
        let subject = self.scope.subject.filter(|(word, _)| *word == name).map(|(_, subject)| subject);
        match subject.or_else(|| self.scope.facts.get(name)) {
            Some(json) => Seen::read(json, &|| name.to_owned()),
            None => Seen::unknown(vec![Missing::text(name, "not given")]),
        }
    }

    fn field(&mut self, of: &Node, field: &str) -> Seen<'f> {
        let record = self.node(of);
        match &record.value {
            Value::Record(map) => match map.get(field) {
                Some(json) => Seen::read(json, &|| format!("{}.{field}", self.describe(of))).after(&record.because),
                None => Seen::unknown(vec![Missing::text(format!("{}.{field}", self.describe(of)), "not given")]),
            },
            Value::Unknown(missing) => Seen::unknown(missing.clone()),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_) | Value::List { .. } => {
                operators::wrong("a group of facts is needed", &[&record])
            }
        }
    }

    /// The dotted name of what a node stands for.
    fn describe(&self, node: &Node) -> String {
        match &node.kind {
            Kind::Name(name) => {
                let bound = self.bound.iter().rev().find(|bound| bound.variable == *name);
                bound.map_or_else(|| name.clone(), |bound| bound.name.clone())
            }
            Kind::Field(of, field) => format!("{}.{field}", self.describe(of)),
            Kind::Index(list, _) | Kind::Each { list, .. } => self.describe(list),
            Kind::Call(_, arguments) => arguments.first().map(|first| self.describe(first)).unwrap_or_default(),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Double(_)
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Not(_)
            | Kind::Negate(_)
            | Kind::And(..)
            | Kind::Or(..)
            | Kind::Compare(..)
            | Kind::In(..)
            | Kind::Arithmetic(..)
            | Kind::Choose(..) => "value".to_owned(),
        }
    }

    /// `&&` and `||`: the side that equals `decides` decides alone, also against an unknown one.
    fn logic(&mut self, a: &Node, b: &Node, decides: bool) -> Seen<'f> {
        let left = self.node(a);
        if matches!(left.value, Value::Bool(value) if value == decides) {
            return left;
        }
        let right = self.node(b);
        match (&left.value, &right.value) {
            (_, Value::Bool(value)) if *value == decides => right,
            (Value::Bool(_), Value::Bool(value)) => Seen::bool(*value, union(&left.because, &right.because)),
            (_, _) => operators::wrong("true or false is needed", &[&left, &right]),
        }
    }

    fn choose(&mut self, test: &Node, yes: &Node, no: &Node) -> Seen<'f> {
        let test = self.node(test);
        match &test.value {
            Value::Bool(true) => self.node(yes).after(&test.because),
            Value::Bool(false) => self.node(no).after(&test.because),
            Value::Unknown(_)
            | Value::Null
            | Value::Int(_)
            | Value::Double(_)
            | Value::Text(_)
            | Value::List { .. }
            | Value::Record(_) => operators::wrong("true or false is needed", &[&test]),
        }
    }

    fn each(&mut self, each: Each, list: List<'_, 'f>, variable: &str, body: &Node, test: Option<&Node>) -> Seen<'f> {
        let list_name = self.describe(list.node);
        self.steps = self.steps.saturating_add(u32::try_from(list.items.len()).unwrap_or(u32::MAX));
        let mut answers = Answers { items: Vec::new(), open: list.open, list: list.because };
        for (index, item) in list.items.into_iter().enumerate() {
            let name = match &item.value {
                Value::Record(_) | Value::Unknown(_) | Value::List { .. } => name_of(&list_name, index, &item),
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_) => String::new(),
            };
            self.bound.push(Bound { variable: variable.to_owned(), name, value: item.clone() });
            let test = test.map(|test| self.node(test));
            let body = self.node(body);
            self.bound.pop();
            answers.items.push(Answer { item, test, body });
        }
        match each {
            Each::Exists => answers.any(true),
            Each::All => answers.any(false),
            Each::ExistsOne => answers.one(),
            Each::Filter => answers.filter(),
            Each::Map => answers.map(),
        }
    }
}

fn name_of(list: &str, index: usize, item: &Seen<'_>) -> String {
    match &item.value {
        Value::Record(record) => match super::value::label(record) {
            Some(label) => format!("{list}[{label}]"),
            None => format!("{list}[{index}]"),
        },
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Text(_)
        | Value::List { .. }
        | Value::Unknown(_) => element_name(list, index, &Json::Null),
    }
}

struct List<'n, 'f> {
    node: &'n Node,
    items: Vec<Seen<'f>>,
    open: Vec<Missing>,
    because: Vec<u64>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::condition::parse;
    use super::*;

    /// Facts of every kind: known, unknown, absent, incomplete, each with evidence of its own.
    fn facts() -> Json {
        json!({
            "yes": {"value": true, "because": [1]},
            "no": {"value": false, "because": [2]},
            "hidden": {"unknown": 7},
            "absent": {"value": null, "because": [3]},
            "text": {"value": "libx.so.1", "because": [4]},
            "names": {"value": ["a", "b"], "because": [5]},
            "some": {"value": ["a"], "because": [6], "incomplete": 8},
            "items": {"value": [
                {"name": "a", "ok": {"value": true, "because": [10]}, "kind": {"value": "x", "because": [11]}},
                {"name": "b", "ok": {"value": false, "because": [12]}, "kind": {"unknown": 9}},
            ], "because": [9]},
        })
    }

    /// The value of a condition, and what it rests on or what is missing.
    #[track_caller]
    fn check(condition: &str, value: &str, because: &[u64]) {
        let (node, facts) = (parse(condition).unwrap(), facts());
        let seen = evaluate(&node, &Scope { facts: facts.as_object().unwrap(), subject: None });
        assert_eq!((seen.display().as_str(), seen.because.as_slice()), (value, because), "{condition}");
    }

    #[track_caller]
    fn check_missing(condition: &str, expected: &[&str]) {
        let (node, facts) = (parse(condition).unwrap(), facts());
        let seen = evaluate(&node, &Scope { facts: facts.as_object().unwrap(), subject: None });
        let missing: Vec<_> = seen.missing().expect(condition).into_iter().map(|missing| missing.name).collect();
        assert_eq!(missing, expected, "{condition}");
    }

    #[test]
    fn evidence_is_what_decided() {
        check("yes && no", "false", &[2]);
        check("no && hidden", "false", &[2]);
        check("hidden && no", "false", &[2]);
        check("hidden || yes", "true", &[1]);
        check("yes && !no", "true", &[1, 2]);
        check("no || no", "false", &[2]);
        check("items.exists(i, i.ok)", "true", &[10]);
        check("items.exists(i, i.name == \"b\")", "true", &[9]);
        check("items.all(i, i.ok)", "false", &[12]);
        check("items.exists(i, i.name == \"c\" && i.ok)", "false", &[9]);
        check("items.exists_one(i, i.ok)", "true", &[9, 10, 12]);
        check("items.filter(i, i.ok).size()", "1", &[9, 10, 12]);
        check("items.map(i, i.ok, i.kind)", "x", &[9, 10, 12]);
        check("yes ? text : hidden", "libx.so.1", &[1, 4]);
        check("absent == null", "true", &[3]);
        check("\"a\" in some", "true", &[6]);
        check("\"c\" in names", "false", &[5]);
    }

    #[test]
    fn unknown_says_what_is_missing() {
        check_missing("hidden", &["hidden"]);
        check_missing("yes && hidden", &["hidden"]);
        check_missing("\"c\" in some", &["some"]);
        check_missing("size(some) > 0", &["some"]);
        check_missing("some[0] == \"a\"", &["some"]);
        check_missing("first(some) == \"a\"", &["some"]);
        check_missing("some.all(s, s == \"a\")", &["some"]);
        check_missing("items.exists(i, i.kind == \"y\")", &["items[b].kind"]);
        check_missing("items.filter(i, i.kind == \"x\").size() == 1", &["items[b].kind"]);
        check_missing("items.exists(i, i.other)", &["items[a].other", "items[b].other"]);
        check_missing("nothing.at.all(x, x)", &["nothing"]);
    }

    #[test]
    fn wrong_kinds_are_unknown_and_never_panic() {
        for condition in [
            "text < 1",
            "text + 1",
            "-text",
            "!text",
            "names[5]",
            "names[-1]",
            "names.ok",
            "text.ok",
            "absent.ok",
            "absent < 1",
            "1 + absent",
            "size(yes)",
            "text in text",
            "text.exists(x, x)",
            "names.all(n, n)",
            "text ? 1 : 2",
            "version_less(text, absent)",
            "9223372036854775807 + 1",
            "9223372036854775807 * 2",
            "-9223372036854775807 - 2",
            "text && yes",
            "text.split(1)",
        ] {
            check_missing(condition, &["condition"]);
        }
        check("1.5 + 1 == 2.5 && 3 > 2.5", "true", &[]);
        check("basename(\"/a/\" + text).startsWith(\"libx\") && text.matches(\"so[.][0-9]$\")", "true", &[4]);
        check("version_less(\"1.9\", \"1.10\") && text.split(\".\")[1].upperAscii() == \"SO\"", "true", &[4]);
        check("basename(absent)", "none", &[3]);
    }

    #[test]
    fn steps_are_bounded() {
        let many: Vec<u32> = (0..3000).collect();
        let facts = json!({ "many": many });
        let node = parse("many.all(a, many.all(b, a + b >= 0))").unwrap();
        let seen = evaluate(&node, &Scope { facts: facts.as_object().unwrap(), subject: None });
        assert_eq!(seen.missing().unwrap().first().unwrap().name, "condition");
    }

    fn condition() -> impl Strategy<Value = String> {
        let names = [
            "yes",
            "no",
            "hidden",
            "text == \"a\"",
            "\"a\" in some",
            "\"c\" in names",
            "absent == null",
            "size(names) == 2",
        ];
        let leaf = prop::sample::select(names.to_vec()).prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 3, |inner| {
            let each = prop::sample::select(vec!["exists", "all", "exists_one"]);
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
                (each, inner.clone()).prop_map(|(each, a)| format!("items.{each}(i, i.ok && {a})")),
                (inner.clone(), inner)
                    .prop_map(|(a, b)| format!("items.filter(i, {a} || i.kind == \"x\").exists(i, {b} || i.ok)")),
            ]
        })
    }

    proptest! {
        #[test]
        fn unknown_facts_never_turn_a_verdict(condition in condition(), hide in prop::collection::vec(any::<bool>(), 12)) {
            let Ok(node) = parse(&condition) else { return Ok(()) };
            let known = facts();
            let mut fewer = known.clone();
            let paths = ["/yes", "/no", "/absent", "/text", "/names", "/some", "/items", "/items/value/0/ok",
                "/items/value/1/ok", "/items/value/0/kind", "/items/value/0", "/items/value/1"];
            for (path, _) in paths.iter().zip(&hide).rev().filter(|(_, hide)| **hide) {
                if let Some(fact) = fewer.pointer_mut(path) {
                    *fact = json!({"unknown": 1});
                }
            }
            let value = |facts: &Json| {
                let seen = evaluate(&node, &Scope { facts: facts.as_object().unwrap(), subject: None });
                if let Value::Bool(value) = seen.value { Some(value) } else { None }
            };
            let (before, after) = (value(&known), value(&fewer));
            prop_assert!(after.is_none() || after == before, "{condition}: {before:?} became {after:?} with {fewer}");
        }
    }
}
