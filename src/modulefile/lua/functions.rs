//! Expressions of Lua, and calls of functions: those of the file, those of modulefiles, those that only answer.

use std::collections::BTreeMap;

use super::parse::Expression;
use super::value::Datum;
use super::{Flow, Lua};
use crate::job::Value;
use crate::modulefile::knowledge::{Does, Language};
use crate::modulefile::limits::WORDS;
use crate::modulefile::run::Call;

impl Lua<'_, '_> {
    pub(super) fn value(&mut self, expression: &Expression, line: u32) -> Datum {
        if !self.run.step(line) || !self.run.enter(line) {
            return Datum::Unknown("a value behind the end".to_owned(), line);
        }
        let value = match expression {
            Expression::Nil => Datum::Nil,
            Expression::Boolean(holds) => Datum::Boolean(*holds),
            Expression::Number(number, written) => Datum::Number(*number, written.clone()),
            Expression::Text(text) => Datum::Text(self.run.known(text.as_str(), line)),
            Expression::Name(name) => self.named(name, line),
            Expression::Index(table, key) => {
                let (table, key) = (self.value(table, line), self.value(key, line));
                table.field(&key)
            }
            Expression::Call(function, arguments, line) => {
                let function = self.value(function, *line);
                let arguments: Vec<Datum> = arguments.iter().map(|it| self.value(it, *line)).collect();
                self.call(&function, arguments, *line)
            }
            Expression::Method(object, name, arguments, line) => {
                let mut all = vec![self.value(object, *line)];
                all.extend(arguments.iter().map(|it| self.value(it, *line)));
                match all.first() {
                    Some(Datum::Text(_)) => self.library(&format!("string.{name}"), &all, *line),
                    _ => None,
                }
                .unwrap_or_else(|| Datum::Unknown(format!(":{name}()"), *line))
            }
            Expression::Table(fields) => self.table(fields, line),
            Expression::Unary(operator, operand) => {
                let operand = self.value(operand, line);
                unary(operator, &operand, line)
            }
            Expression::Chain(first, rest) => self.chain(first, rest, line),
            Expression::Function(function) => self.function(function, line),
        };
        self.run.leave();
        value
    }

    pub(super) fn named(&self, name: &str, line: u32) -> Datum {
        match self.scopes.iter().rev().find_map(|it| it.get(name)) {
            Some(value) => value.clone(),
            None if name == "..." => Datum::Unknown(name.to_owned(), line),
            None => Datum::Named(name.to_owned()),
        }
    }

    fn table(&mut self, fields: &[(Option<Expression>, Expression)], line: u32) -> Datum {
        let mut written = Vec::new();
        let mut at = 0.0;
        for (key, value) in fields.iter().take(WORDS) {
            let value = self.value(value, line);
            let key = match key {
                Some(key) => self.value(key, line),
                None => {
                    at += 1.0;
                    Datum::number_of(at)
                }
            };
            written.push((key, value));
        }
        if fields.len() <= WORDS { Datum::Table(written) } else { Datum::Unknown("a very long table".to_owned(), line) }
    }

    fn chain(&mut self, first: &Expression, rest: &[(&'static str, Expression)], line: u32) -> Datum {
        let mut left = self.value(first, line);
        for (operator, right) in rest {
            left = match (*operator, left.truth()) {
                ("and", Some(false)) | ("or", Some(true)) => left,
                ("and", Some(true)) | ("or", Some(false)) => self.value(right, line),
                ("and" | "or", None) => {
                    let right = self.value(right, line).truth();
                    match (*operator, right) {
                        // Whatever the left side is.
                        ("and", Some(false)) => Datum::Boolean(false),
                        _ => Datum::Unknown("a condition".to_owned(), line),
                    }
                }
                (operator, _) => {
                    let right = self.value(right, line);
                    self.operate(operator, &left, &right, line)
                }
            };
        }
        left
    }

    fn operate(&mut self, operator: &str, left: &Datum, right: &Datum, line: u32) -> Datum {
        let decided = match operator {
            ".." => return self.joined(left, right, line),
            "==" => left.equals(right),
            "~=" => left.equals(right).map(|it| !it),
            "<" | ">" | "<=" | ">=" => {
                let order = match (left, right) {
                    (Datum::Number(a, _), Datum::Number(b, _)) => a.partial_cmp(b),
                    (Datum::Text(a), Datum::Text(b)) => a.text().zip(b.text()).map(|(a, b)| a.cmp(&b)),
                    _ => None,
                };
                order.map(|it| match operator {
                    "<" => it.is_lt(),
                    ">" => it.is_gt(),
                    "<=" => it.is_le(),
                    _ => it.is_ge(),
                })
            }
            _ => None,
        };
        decided.map_or_else(|| Datum::Unknown(format!("a value of `{operator}`"), line), Datum::Boolean)
    }

    fn joined(&mut self, left: &Datum, right: &Datum, line: u32) -> Datum {
        let mut value = self.run.known("", line);
        for side in [left, right] {
            match side {
                Datum::Text(text) => value.push(text),
                Datum::Number(_, written) => value.push_text(written),
                Datum::Unknown(what, at) => {
                    value.push(&self.run.unknown(what.clone(), if *at == 0 { line } else { *at }))
                }
                Datum::Nil | Datum::Boolean(_) | Datum::Table(_) | Datum::Function(_) => {
                    self.run.refuse("it joins text with something that is none", line);
                }
                // A name that the file does not give: one of the site, or nothing at all.
                Datum::Named(name) => value.push(&self.run.unknown(name.clone(), line)),
            }
        }
        Datum::Text(value)
    }

    fn call(&mut self, function: &Datum, arguments: Vec<Datum>, line: u32) -> Datum {
        match function {
            Datum::Function(number) => self.own(*number, arguments, line),
            Datum::Named(name) => {
                if let Some(value) = self.library(name, &arguments, line) {
                    return value;
                }
                let begin = name.split('.').next().unwrap_or_default();
                if let Some(does) = self.run.know.does(name, Language::Lua) {
                    self.effect(does, name, &arguments, line);
                    return Datum::Nil;
                }
                if !self.run.know.is_pure_lua(begin) {
                    self.run.may_change_all(&format!("`{name}` is no function that is followed here"), line);
                }
                Datum::Unknown(format!("{name}()"), line)
            }
            Datum::Nil
            | Datum::Boolean(_)
            | Datum::Number(..)
            | Datum::Text(_)
            | Datum::Table(_)
            | Datum::Unknown(..) => {
                self.run.may_change_all("which function is called is not known", line);
                Datum::Unknown("a value of a call".to_owned(), line)
            }
        }
    }

    fn own(&mut self, number: usize, arguments: Vec<Datum>, line: u32) -> Datum {
        let Some(function) = self.functions.get(number).cloned().filter(|it| !it.open) else {
            self.run.may_change_all("a function with any number of arguments is called", line);
            return Datum::Unknown("a value of a call".to_owned(), line);
        };
        let missing = std::iter::repeat(Datum::Nil);
        let scope: BTreeMap<String, Datum> =
            function.parameters.iter().cloned().zip(arguments.into_iter().chain(missing)).collect();
        // It sees the names of the file, not those of its caller.
        let callers = self.scopes.split_off(self.scopes.len().min(FILE_SCOPES));
        self.scopes.push(scope);
        let flow = self.block(&function.body);
        self.scopes.truncate(FILE_SCOPES);
        self.scopes.extend(callers);
        match flow {
            Flow::Return(value) => value,
            Flow::Next | Flow::Break => Datum::Nil,
        }
    }

    /// A function of modulefiles.
    fn effect(&mut self, does: Does, name: &str, arguments: &[Datum], line: u32) {
        let mut call = Call { line, ..Call::default() };
        let mut positional: Vec<Datum> = Vec::new();
        for argument in arguments {
            let Datum::Table(fields) = argument else {
                positional.push(argument.clone());
                continue;
            };
            for (key, value) in fields {
                match key.known_text().as_deref() {
                    Some("delim") => call.delimiter = value.known_text(),
                    Some("priority") => call.priority = whole(value),
                    _ => positional.push(value.clone()),
                }
            }
        }
        let path = matches!(does, Does::Prepend | Does::Append | Does::Remove);
        if path {
            // NAME, DIRECTORY, DELIMITER.
            let behind = positional.split_off(positional.len().min(2));
            match behind.as_slice() {
                [] => {}
                [Datum::Text(delimiter)] if delimiter.is_known() => call.delimiter = delimiter.text(),
                // Measured: Lmod 8.6 refuses a number here.
                _ => return self.run.may_change_all(&format!("`{name}` has arguments that are not followed"), line),
            }
        }
        if does == Does::Nothing {
            return;
        }
        // Lmod 8.6.19, `validateStringTable`: smaller ones are an error.
        if call.priority != 0 && call.priority < 10 {
            return self.run.may_change_all("a priority below 10", line);
        }
        // A module may be asked for by its newest version and the like: `load(atleast("gcc", "12"))`.
        for argument in &positional {
            match argument {
                Datum::Text(text) => call.words.push(text.clone()),
                Datum::Number(_, written) => call.words.push(self.run.known(written.clone(), line)),
                Datum::Boolean(_) => call.words.push(self.run.unknown("a truth as text", line)),
                Datum::Unknown(what, at) => {
                    call.words.push(self.run.unknown(what.clone(), if *at == 0 { line } else { *at }));
                }
                Datum::Named(what) => call.words.push(self.run.unknown(what.clone(), line)),
                Datum::Nil | Datum::Table(_) | Datum::Function(_) => {
                    return self.run.may_change_all(&format!("`{name}` has an argument that is no text"), line);
                }
            }
        }
        self.run.command(does, name, &call);
    }

    pub(super) fn text_of(&self, value: &Datum, line: u32) -> Option<Value> {
        match value {
            Datum::Text(text) => Some(text.clone()),
            Datum::Number(_, written) => Some(self.run.known(written.clone(), line)),
            Datum::Unknown(what, _) | Datum::Named(what) => Some(self.run.unknown(what.clone(), line)),
            Datum::Nil | Datum::Boolean(_) | Datum::Table(_) | Datum::Function(_) => None,
        }
    }
}

/// The file itself, and its outermost block.
const FILE_SCOPES: usize = 2;

fn whole(value: &Datum) -> i64 {
    // Priorities are small whole numbers.
    value.known_text().and_then(|it| it.parse::<i64>().ok()).unwrap_or_default()
}

fn unary(operator: &str, operand: &Datum, line: u32) -> Datum {
    match (operator, operand) {
        ("not", value) => {
            value.truth().map_or_else(|| Datum::Unknown("a condition".to_owned(), line), |it| Datum::Boolean(!it))
        }
        ("-", Datum::Number(number, written)) => Datum::Number(-number, format!("-{written}")),
        ("#", Datum::Text(text)) => match text.text() {
            Some(text) => Datum::Number(0.0, text.len().to_string()),
            None => Datum::Unknown("a length".to_owned(), line),
        },
        _ => Datum::Unknown(format!("a value of `{operator}`"), line),
    }
}
