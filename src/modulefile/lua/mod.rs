//! Modulefiles in Lua, as Lmod reads them: literal text, known variables, decided conditions.
//!
//! The grammar is read by own code: the crate `full_moon` keeps every blank and comment, and brings twenty crates; what is
//! wanted here is a third of its size, and bounded.
//!
//! Invariant: a function that is not known may have changed everything; one that only answers gives an unknown value.

mod functions;
mod lex;
mod library;
mod parse;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::modulefile::knowledge::{Does as Command, Language};
use crate::modulefile::limits::{NAMES, TURNS};
use crate::modulefile::run::Run;
use parse::{Block, Does, Expression, Function, Statement};
use value::Datum;

/// Evaluates a whole file.
pub(super) fn run(run: &mut Run<'_>, text: &str) {
    let block = parse::parse(text);
    let mut lua = Lua { run, scopes: vec![BTreeMap::new()], functions: Vec::new() };
    lua.block(&block);
}

/// What happens after a statement.
#[derive(Debug, Clone)]
enum Flow {
    Next,
    Break,
    Return(Datum),
}

/// What is left of the file between statements.
struct Lua<'r, 'a> {
    run: &'r mut Run<'a>,
    /// Names by block, the file's first. What a function calls lies in the blocks around its call, not its definition.
    scopes: Vec<BTreeMap<String, Datum>>,
    functions: Vec<Function>,
}

impl Lua<'_, '_> {
    fn block(&mut self, block: &Block) -> Flow {
        let line = block.first().map_or(0, |it| it.line);
        if !self.run.enter(line) {
            return Flow::Next;
        }
        self.scopes.push(BTreeMap::new());
        let mut flow = Flow::Next;
        for statement in block {
            if !self.run.step(statement.line) {
                break;
            }
            flow = self.statement(statement);
            if !matches!(flow, Flow::Next) {
                break;
            }
        }
        self.scopes.pop();
        self.run.leave();
        flow
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        let line = statement.line;
        match &statement.what {
            Does::Local(names, values) => {
                let values = self.values(values, names.len(), line);
                for (name, value) in names.iter().zip(values) {
                    self.declare(name, value);
                }
            }
            Does::Assign(targets, values) => self.assign(targets, values, line),
            Does::Call(call) => {
                self.value(call, line);
            }
            Does::If(arms, otherwise) => return self.if_(arms, otherwise, line),
            Does::Do(body) => return self.block(body),
            Does::While(condition, body) => {
                let condition = self.value(condition, line).truth();
                if condition != Some(false) {
                    self.turns_unknown(body);
                }
            }
            Does::Repeat(body) => self.turns_unknown(body),
            Does::For(name, bounds, body) => return self.count(name, bounds, body, line),
            Does::Each(names, values, body) => return self.each(names, values, body, line),
            Does::Function(name, function) => {
                let value = self.function(function, line);
                self.declare(name, value);
            }
            Does::Return(values) => {
                let value = values.first().map_or(Datum::Nil, |it| self.value(it, line));
                return Flow::Return(value);
            }
            Does::Break => return Flow::Break,
            Does::Wrong(why) => {
                self.run.may_change_all(why, line);
                self.run.stopped = true;
            }
        }
        Flow::Next
    }

    fn function(&mut self, function: &Function, line: u32) -> Datum {
        if NAMES <= self.functions.len() {
            return Datum::Unknown("a function".to_owned(), line);
        }
        self.functions.push(function.clone());
        Datum::Function(self.functions.len() - 1)
    }

    /// Values for so many names. A call at the end may give several: what it does not give is not known.
    fn values(&mut self, values: &[Expression], count: usize, line: u32) -> Vec<Datum> {
        let mut all: Vec<Datum> = values.iter().map(|it| self.value(it, line)).collect();
        let open = matches!(values.last(), Some(Expression::Call(..) | Expression::Method(..)));
        while all.len() < count {
            all.push(if open { Datum::Unknown("a second value of a call".to_owned(), line) } else { Datum::Nil });
        }
        all
    }

    fn declare(&mut self, name: &str, value: Datum) {
        let value = self.certain(name, value);
        let names: usize = self.scopes.iter().map(BTreeMap::len).sum();
        if let (Some(scope), true) = (self.scopes.last_mut(), names < NAMES) {
            scope.insert(name.to_owned(), value);
        } else {
            self.run.may_change_all("the modulefile has too many variables", 0);
            self.run.stopped = true;
        }
    }

    /// What is set where nobody knows whether that is done is not known.
    fn certain(&self, name: &str, value: Datum) -> Datum {
        if self.run.is_uncertain() { Datum::Unknown(format!("{name}, which may be set or not"), 0) } else { value }
    }

    fn assign(&mut self, targets: &[Expression], values: &[Expression], line: u32) {
        let values = self.values(values, targets.len(), line);
        for (target, value) in targets.iter().zip(values) {
            if let Expression::Name(name) = target {
                let value = self.certain(name, value);
                self.give(name, value);
            } else if let Expression::Index(table, _) = target
                && let Expression::Name(name) = table.as_ref()
            {
                // A table is not followed through changes: what it holds from here on is not known.
                self.give(name, Datum::Unknown(format!("{name}, a table that changes"), line));
            }
        }
    }

    /// A name that is declared gets the value, else one of the file.
    fn give(&mut self, name: &str, value: Datum) {
        if let Some(known) = self.scopes.iter_mut().rev().find_map(|it| it.get_mut(name)) {
            *known = value;
        } else if let Some(scope) = self.scopes.first_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    fn if_(&mut self, arms: &[(Expression, Block)], otherwise: &Block, line: u32) -> Flow {
        let mut undecided = false;
        for (condition, body) in arms {
            let holds = self.value(condition, line).truth();
            if self.run.stopped {
                return Flow::Next;
            }
            match (holds, undecided) {
                (Some(true), false) => return self.block(body),
                (Some(true), true) => {
                    self.perhaps(UNDECIDED, body);
                    return Flow::Next;
                }
                (None, _) => {
                    undecided = true;
                    self.perhaps(UNDECIDED, body);
                }
                (Some(false), _) => {}
            }
        }
        if undecided {
            self.perhaps(UNDECIDED, otherwise);
            return Flow::Next;
        }
        self.block(otherwise)
    }

    /// A block of which nobody knows whether, or how often, it is done.
    fn perhaps(&mut self, reason: &str, body: &Block) {
        let mut left = false;
        let (scopes, functions) = (&mut self.scopes, &mut self.functions);
        self.run.perhaps(reason, |run| {
            let mut inner = Lua { run, scopes: std::mem::take(scopes), functions: std::mem::take(functions) };
            left = !matches!(inner.block(body), Flow::Next);
            *scopes = std::mem::take(&mut inner.scopes);
            *functions = std::mem::take(&mut inner.functions);
        });
        if left {
            self.run.stay_uncertain(reason);
        }
    }

    /// A body that is done any number of times: twice, because the second turn finds what the first has set.
    fn turns_unknown(&mut self, body: &Block) {
        self.perhaps(TURNED, body);
        self.perhaps(TURNED, body);
    }

    fn count(&mut self, name: &str, bounds: &[Expression], body: &Block, line: u32) -> Flow {
        let bounds: Vec<Option<f64>> = bounds.iter().map(|it| self.value(it, line).number()).collect();
        let (first, last, step) = match bounds.as_slice() {
            [Some(first), Some(last)] => (*first, *last, 1.0),
            [Some(first), Some(last), Some(step)] if *step != 0.0 => (*first, *last, *step),
            _ => (0.0, f64::INFINITY, 1.0),
        };
        let mut at = first;
        for _ in 0..TURNS {
            if (0.0 < step && last < at) || (step < 0.0 && at < last) {
                return Flow::Next;
            }
            if last.is_infinite() {
                break;
            }
            match self.turn(&[(name.to_owned(), Datum::number_of(at))], body) {
                Flow::Next => {}
                Flow::Break => return Flow::Next,
                other @ Flow::Return(_) => return other,
            }
            at += step;
        }
        self.turns_of_unknown(&[name.to_owned()], body, line);
        Flow::Next
    }

    fn turn(&mut self, names: &[(String, Datum)], body: &Block) -> Flow {
        self.scopes.push(BTreeMap::new());
        for (name, value) in names {
            self.declare(name, value.clone());
        }
        let flow = self.block(body);
        self.scopes.pop();
        flow
    }

    fn turns_of_unknown(&mut self, names: &[String], body: &Block, line: u32) {
        self.scopes.push(BTreeMap::new());
        for name in names {
            self.declare(name, Datum::Unknown(name.clone(), line));
        }
        self.turns_unknown(body);
        self.scopes.pop();
    }

    /// What `ipairs` and `pairs` give, where the order in which `pairs` gives it changes nothing: it has none.
    fn elements(&mut self, names: &[String], values: &[Expression], body: &Block, line: u32) -> Option<Fields> {
        let [Expression::Call(function, arguments, _)] = values else { return None };
        let (Expression::Name(name), [table]) = (function.as_ref(), arguments.as_slice()) else { return None };
        let Datum::Table(fields) = self.value(table, line) else { return None };
        match name.as_str() {
            // It counts from 1, and ends where a number is missing.
            "ipairs" => {
                let mut at = 0.0;
                let is_next = |(key, value): &(Datum, Datum)| {
                    at += 1.0;
                    matches!(key, Datum::Number(number, _) if *number == at) && !matches!(value, Datum::Nil)
                };
                Some(
                    fields
                        .into_iter()
                        .filter(|(key, _)| matches!(key, Datum::Number(..)))
                        .take_while(is_next)
                        .collect(),
                )
            }
            "pairs" if fields.len() < 2 || self.sets_by_key(names, body) && distinct(&fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether all that a body does is to set variables that are called like its keys.
    fn sets_by_key(&self, names: &[String], body: &Block) -> bool {
        body.iter().all(|statement| {
            let Does::Call(Expression::Call(function, arguments, _)) = &statement.what else { return false };
            let (Expression::Name(command), [Expression::Name(first), rest @ ..]) =
                (function.as_ref(), arguments.as_slice())
            else {
                return false;
            };
            matches!(self.named(command, statement.line), Datum::Named(_))
                && self.run.know.does(command, Language::Lua) == Some(Command::Set)
                && names.first() == Some(first)
                && rest.iter().all(Expression::is_plain)
        })
    }

    /// `for _, v in ipairs(table)`, `for k, v in pairs(table)`.
    fn each(&mut self, names: &[String], values: &[Expression], body: &Block, line: u32) -> Flow {
        let elements = self.elements(names, values, body, line);
        let Some(elements) = elements.filter(|it| it.len() <= TURNS) else {
            self.turns_of_unknown(names, body, line);
            return Flow::Next;
        };
        for (key, value) in elements {
            let pairs: Vec<(String, Datum)> = names.iter().cloned().zip([key, value]).collect();
            match self.turn(&pairs, body) {
                Flow::Next => {}
                Flow::Break => return Flow::Next,
                other @ Flow::Return(_) => return other,
            }
        }
        Flow::Next
    }
}

/// Keys of a table with what they stand for.
type Fields = Vec<(Datum, Datum)>;

/// Whether every key is a text that is known, none stands twice, and none for nothing.
fn distinct(fields: &Fields) -> bool {
    let keys: Option<BTreeSet<String>> = fields
        .iter()
        .map(|(key, value)| match (key, value) {
            (Datum::Text(text), Datum::Text(_) | Datum::Number(..)) => text.text(),
            _ => None,
        })
        .collect();
    keys.is_some_and(|it| it.len() == fields.len())
}

const UNDECIDED: &str = "a condition of the modulefile is not decided";
const TURNED: &str = "how often a loop of the modulefile turns is not known";
