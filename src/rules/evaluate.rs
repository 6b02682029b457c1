//! Walks the syntax tree over facts: three-valued, and remembering what decided.
//!
//! Invariant: replacing a fact by unknown leaves a result as it is or makes it unknown.
//! Invariant: nothing panics; an operation on the wrong kind of value is unknown, with the reason.

use serde_json::{Map, Value as Json};

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

struct Answer<'f> {
    item: Seen<'f>,
    test: Option<Seen<'f>>,
    body: Seen<'f>,
}

/// What a macro's body says of each element.
struct Answers<'f> {
    items: Vec<Answer<'f>>,
    open: Vec<Missing>,
    list: Vec<u64>,
}

impl<'f> Answers<'f> {
    /// `exists` (`decides` is true) and `all` (false): the first element that decides, else all of them.
    fn any(self, decides: bool) -> Seen<'f> {
        let decided = self.items.iter().find(|it| matches!(it.body.value, Value::Bool(value) if value == decides));
        if let Some(answer) = decided {
            let because = union(&answer.item.because, &answer.body.because);
            // Where the element's own fields carry no evidence, it stands there because the list says so.
            return Seen::bool(decides, if because.is_empty() { self.list } else { because });
        }
        let missing = self.missing();
        if !missing.is_empty() {
            return Seen::unknown(missing);
        }
        let because = self.items.iter().fold(self.list, |all, answer| union(&all, &answer.body.because));
        Seen::bool(!decides, because)
    }

    fn one(self) -> Seen<'f> {
        let holds = |answer: &&Answer<'_>| matches!(answer.body.value, Value::Bool(true));
        let count = self.items.iter().filter(holds).count();
        let missing = self.missing();
        if count < 2 && !missing.is_empty() {
            return Seen::unknown(missing);
        }
        let because = self.items.iter().fold(self.list, |all, answer| union(&all, &answer.body.because));
        Seen::bool(count == 1, because)
    }

    fn filter(self) -> Seen<'f> {
        let mut open = self.open;
        let (mut items, mut because) = (Vec::new(), self.list);
        for answer in self.items {
            match unless_bool(&answer.body) {
                None => because = union(&because, &answer.body.because),
                Some(missing) => open = union(&open, &missing),
            }
            if matches!(answer.body.value, Value::Bool(true)) {
                items.push(answer.item);
            }
        }
        Seen { value: Value::List { items, open }, because }
    }

    fn map(self) -> Seen<'f> {
        let mut open = self.open;
        let (mut items, mut because) = (Vec::new(), self.list);
        for answer in self.items {
            if let Some(test) = &answer.test {
                match unless_bool(test) {
                    None => because = union(&because, &test.because),
                    Some(missing) => open = union(&open, &missing),
                }
            }
            if answer.test.is_none_or(|test| matches!(test.value, Value::Bool(true))) {
                items.push(answer.body);
            }
        }
        Seen { value: Value::List { items, open }, because }
    }

    /// What is missing to know every answer.
    fn missing(&self) -> Vec<Missing> {
        let unknown = self.items.iter().filter_map(|answer| unless_bool(&answer.body));
        unknown.fold(self.open.clone(), |all, missing| union(&all, &missing))
    }
}

/// What is missing unless the value is true or false.
fn unless_bool(seen: &Seen<'_>) -> Option<Vec<Missing>> {
    if matches!(seen.value, Value::Bool(_)) {
        return None;
    }
    operators::wrong("true or false is needed", &[seen]).missing()
}
