//! Commands of Tcl that evaluate their words themselves: conditions, loops, procedures.

use super::parse::{Command, Word, list};
use super::{Flow, Frame, Procedure, Tcl};
use crate::job::Value;
use crate::modulefile::limits::{NAMES, TURNS};

type Done = (Value, Flow);

fn next() -> Done {
    (Value::default(), Flow::Next)
}

impl Tcl<'_, '_> {
    /// Does a command that controls others; nothing where it is none, or not written as usual.
    pub(super) fn control(&mut self, name: &str, command: &Command) -> Option<Done> {
        let words = command.words.get(1..).unwrap_or_default();
        match name {
            "if" => self.if_(words, command.line),
            "foreach" => self.foreach(words, command.line),
            "while" | "for" => self.loop_(name, words, command.line),
            "switch" => self.switch(words, command.line),
            "proc" => self.procedure(words),
            "catch" => self.catch(words),
            "expr" => {
                let texts: Option<Vec<&str>> = words.iter().map(Word::literal).collect();
                let value = match texts {
                    Some(texts) => self.expression(&texts.join(" "), command.line),
                    None => {
                        let mut text = Value::default();
                        for word in words {
                            text.push(&self.substituted(&word.pieces, word.line));
                            text.push_text(" ");
                        }
                        match text.text() {
                            Some(text) => self.expression(&text, command.line),
                            None => self.run.unknown("[expr]", command.line),
                        }
                    }
                };
                Some((value, Flow::Next))
            }
            "break" if self.looping() => Some((Value::default(), Flow::Break)),
            "continue" => Some((Value::default(), Flow::Continue)),
            "return" => {
                let value = words.last().map(|it| self.substituted(&it.pieces, it.line));
                Some((value.unwrap_or_default(), Flow::Return))
            }
            _ => None,
        }
    }

    fn looping(&self) -> bool {
        0 < self.run.loops
    }

    fn if_(&mut self, words: &[Word], line: u32) -> Option<Done> {
        let mut rest = words;
        let mut undecided = false;
        loop {
            let (condition, mut behind) = rest.split_first()?;
            if behind.first().and_then(Word::literal) == Some("then") {
                behind = behind.get(1..)?;
            }
            let (body, more) = behind.split_first()?;
            let holds = match condition.literal() {
                Some(text) => self.condition(&text.replace("\\\n", " "), condition.line),
                None => {
                    let text = self.substituted(&condition.pieces, condition.line).text();
                    text.and_then(|it| self.condition(&it, condition.line))
                }
            };
            if self.run.stopped {
                return Some(next());
            }
            match (holds, undecided) {
                (Some(true), false) => return Some(self.script(body.literal()?, body.line)),
                (Some(true), true) => {
                    self.perhaps(UNDECIDED, body.literal()?, body.line);
                    return Some(next());
                }
                (None, _) => {
                    undecided = true;
                    self.perhaps(UNDECIDED, body.literal()?, body.line);
                }
                (Some(false), _) => {}
            }
            match more.first().and_then(Word::literal) {
                Some("elseif") => rest = more.get(1..)?,
                Some("else") => {
                    let body = more.get(1)?;
                    return Some(self.otherwise(undecided, body.literal()?, body.line));
                }
                Some(text) if more.len() == 1 => return Some(self.otherwise(undecided, text, line)),
                _ if more.is_empty() => return Some(next()),
                _ => return None,
            }
        }
    }

    fn otherwise(&mut self, undecided: bool, body: &str, line: u32) -> Done {
        if undecided {
            self.perhaps(UNDECIDED, body, line);
            return next();
        }
        self.script(body, line)
    }

    fn foreach(&mut self, words: &[Word], line: u32) -> Option<Done> {
        let [name, values, body] = words else { return None };
        let names = list(name.literal()?)?;
        let body_text = body.literal()?;
        let values = self.substituted(&values.pieces, values.line);
        let elements = values.text().and_then(|it| list(&it)).filter(|it| it.len() <= TURNS * names.len().max(1));
        let Some(elements) = elements.filter(|_| !names.is_empty()) else {
            for name in &names {
                let value = self.run.unknown(format!("${name}"), line);
                self.set(name, value);
            }
            self.turns_unknown(body_text, body.line);
            return Some(next());
        };
        self.run.loops += 1;
        let mut flow = Flow::Next;
        for turn in elements.chunks(names.len()) {
            for (at, name) in names.iter().enumerate() {
                let value = self.run.known(turn.get(at).cloned().unwrap_or_default(), line);
                self.set(name, value);
            }
            flow = self.script(body_text, body.line).1;
            if matches!(flow, Flow::Break | Flow::Return) || self.run.stopped {
                break;
            }
        }
        self.run.loops -= 1;
        Some((Value::default(), if flow == Flow::Return { Flow::Return } else { Flow::Next }))
    }

    /// A body that is done any number of times: twice, because the second turn finds what the first has set.
    fn turns_unknown(&mut self, body: &str, line: u32) {
        self.run.loops += 1;
        self.perhaps(TURNED, body, line);
        self.perhaps(TURNED, body, line);
        self.run.loops -= 1;
    }

    fn loop_(&mut self, name: &str, words: &[Word], line: u32) -> Option<Done> {
        let (condition, step, body) = match (name, words) {
            ("while", [condition, body]) => (condition, None, body),
            ("for", [start, condition, step, body]) => {
                self.script(start.literal()?, start.line);
                (condition, Some(step), body)
            }
            _ => return None,
        };
        let (condition, body_text) = (condition.literal()?, body.literal()?);
        let step = match step {
            Some(step) => Some((step.literal()?, step.line)),
            None => None,
        };
        self.run.loops += 1;
        let mut flow = Flow::Next;
        for turn in 0..=TURNS {
            match self.condition(condition, line) {
                Some(true) if turn < TURNS && !self.run.stopped => {}
                Some(false) => break,
                Some(true) | None => {
                    let whole = format!("{body_text}\n{}", step.map_or("", |(it, _)| it));
                    self.turns_unknown(&whole, body.line);
                    break;
                }
            }
            flow = self.script(body_text, body.line).1;
            if matches!(flow, Flow::Break | Flow::Return) || self.run.stopped {
                break;
            }
            if let Some((step, line)) = step {
                self.script(step, line);
            }
        }
        self.run.loops -= 1;
        Some((Value::default(), if flow == Flow::Return { Flow::Return } else { Flow::Next }))
    }

    fn switch(&mut self, words: &[Word], line: u32) -> Option<Done> {
        let options = words.iter().take_while(|it| it.literal().is_some_and(|it| it.starts_with('-'))).count();
        let names: Vec<&str> = words.iter().take(options).filter_map(Word::literal).collect();
        let glob = names.contains(&"-glob");
        let [value, arms @ ..] = words.get(options..)? else { return None };
        let value = self.substituted(&value.pieces, value.line).text();
        let arms: Vec<(String, u32)> = match arms {
            [one] => list(one.literal()?)?.into_iter().map(|it| (it, one.line)).collect(),
            several => {
                let arm = |it: &Word| Some((it.literal()?.to_owned(), it.line));
                several.iter().map(arm).collect::<Option<Vec<_>>>()?
            }
        };
        let plain = names.iter().all(|it| matches!(*it, "--" | "-exact" | "-glob"));
        let decided = value.filter(|_| plain);
        let mut falls = false;
        for pair in arms.chunks(2) {
            let [(pattern, _), (body, body_line)] = pair else { return None };
            let fits = match &decided {
                Some(value) if glob => crate::base::Glob::new(pattern).matches(value.as_bytes()),
                Some(value) => pattern == value,
                None => true,
            };
            if !fits && !falls && pattern != "default" {
                continue;
            }
            falls = body == "-";
            if !falls && decided.is_some() {
                return Some(self.script(body, *body_line));
            }
            if !falls {
                self.perhaps(UNDECIDED, body, line);
            }
        }
        Some(next())
    }

    fn procedure(&mut self, words: &[Word]) -> Option<Done> {
        let [name, parameters, body] = words else { return None };
        let parameters = list(parameters.literal()?)?;
        let (name, text) = (name.literal()?.trim_start_matches("::"), body.literal()?);
        if NAMES <= self.procedures.len() || self.run.is_uncertain() {
            return None;
        }
        let procedure = Procedure { parameters, body: text.to_owned(), line: body.line };
        self.procedures.insert(name.to_owned(), procedure);
        Some(next())
    }

    /// A body that may fail: what it does may end anywhere.
    fn catch(&mut self, words: &[Word]) -> Option<Done> {
        let (body, names) = words.split_first()?;
        self.perhaps("what `catch` evaluates may fail", body.literal()?, body.line);
        for name in names {
            let value = self.run.unknown("what `catch` caught", body.line);
            self.set(name.literal()?, value);
        }
        Some((self.run.unknown("whether it failed", body.line), Flow::Next))
    }

    /// Calls a procedure of the file, if there is one of that name.
    pub(super) fn procedure_call(&mut self, name: &str, words: &[Value], line: u32) -> Option<Done> {
        let procedure = self.procedures.get(name.trim_start_matches("::"))?.clone();
        let plain = procedure.parameters.len() == words.len() && !procedure.parameters.iter().any(|it| it == "args");
        if !plain || !self.run.enter(line) {
            self.run.may_change_all(&format!("`{name}` is called with words that are not followed"), line);
            return Some((self.run.unknown(format!("[{name}]"), line), Flow::Next));
        }
        let hidden = std::mem::take(&mut self.variables);
        self.local.push(Frame { hidden, global: Vec::new() });
        for (parameter, value) in procedure.parameters.iter().zip(words) {
            self.variables.insert(parameter.clone(), value.clone());
        }
        let loops = std::mem::take(&mut self.run.loops);
        let (value, _) = self.script(&procedure.body, procedure.line);
        self.run.loops = loops;
        let mine = std::mem::take(&mut self.variables);
        if let Some(Frame { hidden, global }) = self.local.pop() {
            self.variables = hidden;
            for (name, value) in mine {
                if global.contains(&name) {
                    self.variables.insert(name, value);
                }
            }
        }
        self.run.leave();
        Some((value, Flow::Next))
    }

    /// `global NAME...` in a procedure.
    pub(super) fn global(&mut self, names: &[Value]) {
        let Some(frame) = self.local.last_mut() else { return };
        for name in names.iter().filter_map(Value::text) {
            if let Some(value) = frame.hidden.get(&name) {
                self.variables.insert(name.clone(), value.clone());
            }
            frame.global.push(name);
        }
    }
}

const UNDECIDED: &str = "a condition of the modulefile is not decided";
const TURNED: &str = "how often a loop of the modulefile turns is not known";
