//! Modulefiles in Tcl: a small part of the language, worked out word by word.
//!
//! Invariant: a command that is not known may have changed everything; one that only answers something gives an unknown
//! value.

mod builtins;
mod calls;
mod control;
mod expr;
mod parse;

use std::collections::BTreeMap;

use crate::job::Value;
use crate::modulefile::limits::NAMES;
use crate::modulefile::run::Run;
use parse::{Command, Piece, Reader, Word};

/// Evaluates a whole file.
pub(super) fn run(run: &mut Run<'_>, text: &str) {
    let mut tcl = Tcl { run, variables: BTreeMap::new(), procedures: BTreeMap::new(), local: Vec::new() };
    let file = tcl.run.known(tcl.run.subject.file.clone(), 1);
    tcl.set("ModulesCurrentModulefile", file);
    let (_, flow) = tcl.script(text, 1);
    if flow == Flow::Return && !tcl.run.stopped {
        calls::returned(tcl.run);
    }
    // A file that only says which version is the default.
    if let Some(version) = tcl.variables.get("ModulesVersion").and_then(Value::text) {
        tcl.run.marks.push(crate::modulefile::defaults::Mark::Own(version));
    }
}

/// What happens after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
    Return,
}

/// A procedure of the file.
#[derive(Debug, Clone)]
struct Procedure {
    parameters: Vec<String>,
    body: String,
    line: u32,
}

/// What is left of the file between commands.
struct Tcl<'r, 'a> {
    run: &'r mut Run<'a>,
    variables: BTreeMap<String, Value>,
    procedures: BTreeMap<String, Procedure>,
    /// The variables of the callers while a procedure runs, the file's first.
    local: Vec<Frame>,
}

/// What a procedure hides, and which names it shares with the file.
#[derive(Debug, Default)]
struct Frame {
    hidden: BTreeMap<String, Value>,
    global: Vec<String>,
}

impl Tcl<'_, '_> {
    /// Evaluates a script: the value of its last command, and what happens then.
    fn script(&mut self, text: &str, line: u32) -> (Value, Flow) {
        let mut value = Value::default();
        if !self.run.enter(line) {
            return (self.run.unknown("a value behind the end", line), Flow::Next);
        }
        let mut reader = Reader::new(text, line);
        let mut flow = Flow::Next;
        while flow == Flow::Next && !self.run.stopped {
            match reader.command() {
                Ok(Some(command)) => (value, flow) = self.command(&command),
                Ok(None) => break,
                Err((why, line)) => {
                    self.run.may_change_all(&why, line);
                    self.run.stopped = true;
                }
            }
        }
        self.run.leave();
        (value, flow)
    }

    fn command(&mut self, command: &Command) -> (Value, Flow) {
        if !self.run.step(command.line) {
            return (Value::default(), Flow::Next);
        }
        let name = command.words.first().and_then(Word::literal).unwrap_or_default().to_owned();
        if let Some(done) = self.control(&name, command) {
            return done;
        }
        let Some(words) = self.words(command) else {
            self.run.may_change_all("words of a command are not known", command.line);
            return (self.run.unknown("a value of a command that is not known", command.line), Flow::Next);
        };
        match words.first().and_then(Value::text) {
            Some(name) => self.call(&name, words.get(1..).unwrap_or_default(), command.line),
            None => {
                self.run.may_change_all("which command this is is not known", command.line);
                (self.run.unknown("a value of a command that is not known", command.line), Flow::Next)
            }
        }
    }

    /// The words after substitution; nothing where not even their number is known.
    fn words(&mut self, command: &Command) -> Option<Vec<Value>> {
        let mut words = Vec::new();
        for word in &command.words {
            let value = self.substituted(&word.pieces, word.line);
            if word.expand {
                let elements = parse::list(&value.text()?)?;
                words.extend(elements.into_iter().map(|it| self.run.known(it, word.line)));
            } else {
                words.push(value);
            }
        }
        Some(words)
    }

    /// A word of pieces. Line breaks that continue a line are blanks.
    fn substituted(&mut self, pieces: &[Piece], line: u32) -> Value {
        let mut value = self.run.known("", line);
        for piece in pieces {
            match piece {
                Piece::Text(text) => value.push_text(&text.replace("\\\n", " ")),
                Piece::Variable(name) => value.push(&self.variable(name, line)),
                Piece::Element(array, index) => {
                    let index = self.substituted(index, line);
                    value.push(&self.element(array, &index, line));
                }
                Piece::Command(script, line) => value.push(&self.script(script, *line).0),
            }
        }
        value
    }

    fn variable(&mut self, name: &str, line: u32) -> Value {
        let name = name.trim_start_matches("::");
        match self.variables.get(name) {
            Some(value) => value.clone(),
            None => {
                // Reading what is not set is an error, unless a configuration of the site sets it.
                self.run.may_change_all(&format!("${name} is not set in this file"), line);
                self.run.unknown(format!("${name}"), line)
            }
        }
    }

    fn element(&mut self, array: &str, index: &Value, line: u32) -> Value {
        let Some(index) = index.text() else { return self.run.unknown(format!("${array}"), line) };
        if array.trim_start_matches("::") != "env" {
            let name = format!("{array}({index})");
            let known = self.variables.get(&name).cloned();
            return known.unwrap_or_else(|| self.run.unknown(format!("${name}"), line));
        }
        match self.run.variable(&index, line) {
            Some(value) => value,
            None => {
                self.run.refuse(&format!("it reads {index}, which is not set"), line);
                Value::default()
            }
        }
    }

    /// A variable of the file; not known where nobody knows whether this is done.
    fn set(&mut self, name: &str, value: Value) {
        let name = name.trim_start_matches("::");
        if NAMES <= self.variables.len() {
            self.run.may_change_all("the modulefile has too many variables", 0);
            self.run.stopped = true;
            return;
        }
        let value = if self.run.is_uncertain() {
            let place = value.places.first().cloned().unwrap_or_default();
            Value::unknown(format!("${name}, which may be set or not"), &place)
        } else {
            value
        };
        self.variables.insert(name.to_owned(), value);
    }

    /// A script of which nobody knows whether, or how often, it is done.
    fn perhaps(&mut self, reason: &str, text: &str, line: u32) {
        let mut left = Flow::Next;
        let (variables, procedures, local) = (&mut self.variables, &mut self.procedures, &mut self.local);
        self.run.perhaps(reason, |run| {
            let mut inner = Tcl {
                run,
                variables: std::mem::take(variables),
                procedures: std::mem::take(procedures),
                local: std::mem::take(local),
            };
            left = inner.script(text, line).1;
            *variables = std::mem::take(&mut inner.variables);
            *procedures = std::mem::take(&mut inner.procedures);
            *local = std::mem::take(&mut inner.local);
        });
        if left != Flow::Next {
            self.run.stay_uncertain(reason);
        }
    }
}
