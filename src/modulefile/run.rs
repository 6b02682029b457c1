//! One evaluation: what Tcl and Lua have in common.

use super::defaults::Mark;
use super::effect::{Answer, Effect, End, Host, How, Mode, Subject, What};
use super::knowledge::{Does, Modulefiles, System};
use super::limits::{NESTING, STEPS};
use crate::job::{Binding, Place, Value};

/// State of one evaluation.
pub(super) struct Run<'a> {
    pub(super) know: &'a Modulefiles,
    pub(super) subject: &'a Subject,
    pub(super) host: &'a mut dyn Host,
    lines: Vec<&'a str>,
    steps: u32,
    /// Of the last statement that was begun.
    pub(super) line: u32,
    depth: u32,
    /// Why nobody can say whether what follows is done.
    uncertain: Option<String>,
    /// That holds for the rest of the file, not for a branch only.
    lasting: bool,
    refused: Option<(String, Place)>,
    /// What it says of names and versions.
    pub(super) marks: Vec<Mark>,
    /// Loops around what is evaluated.
    pub(super) loops: u32,
    /// The evaluation has come to its end.
    pub(super) stopped: bool,
}

/// Arguments of a command of modulefiles, whichever language they were written in.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) words: Vec<Value>,
    pub(super) delimiter: Option<String>,
    pub(super) priority: i64,
    /// `--append`.
    pub(super) append: bool,
    pub(super) line: u32,
}

impl<'a> Run<'a> {
    pub(super) fn new(know: &'a Modulefiles, subject: &'a Subject, text: &'a str, host: &'a mut dyn Host) -> Self {
        let lines = text.lines().collect();
        let (uncertain, refused) = (None, None);
        Self {
            know,
            subject,
            host,
            lines,
            steps: 0,
            line: 0,
            depth: 0,
            uncertain,
            lasting: false,
            refused,
            marks: Vec::new(),
            loops: 0,
            stopped: false,
        }
    }

    pub(super) fn end(self) -> End {
        match self.refused {
            Some((reason, place)) => End::Refused(reason, place),
            None => End::Whole,
        }
    }

    /// A line of the modulefile; counts from 1.
    pub(super) fn place(&self, line: u32) -> Place {
        let at = usize::try_from(line).unwrap_or_default().saturating_sub(1);
        let text = self.lines.get(at).copied().unwrap_or_default();
        let text: String = text.chars().take(crate::job::limits::LINE_CHARACTERS).collect();
        let length = u32::try_from(text.trim().chars().count()).unwrap_or_default();
        let before = text.chars().take_while(|it| it.is_whitespace()).count();
        let column = u32::try_from(before).unwrap_or_default() + 1;
        Place { file: self.subject.file.clone(), line, column, length, text }
    }

    pub(super) fn known(&self, text: impl Into<String>, line: u32) -> Value {
        Value::known(text, &self.place(line))
    }

    pub(super) fn unknown(&self, what: impl Into<String>, line: u32) -> Value {
        Value::unknown(what, &self.place(line))
    }

    /// A variable of the environment, where it is certainly set or certainly not (`None`).
    pub(super) fn variable(&self, name: &str, line: u32) -> Option<Value> {
        match self.host.variable(name) {
            Binding::Set(value) => Some(value),
            Binding::Unset(_) => None,
            Binding::Unknown { .. } => Some(self.unknown(format!("${name}"), line)),
        }
    }

    /// Whether it is set, as far as that is known.
    pub(super) fn is_set(&self, name: &str) -> Option<bool> {
        match self.host.variable(name) {
            Binding::Set(_) => Some(true),
            Binding::Unset(_) => Some(false),
            Binding::Unknown { .. } => None,
        }
    }

    /// One more statement; after too many nothing of the rest is known.
    pub(super) fn step(&mut self, line: u32) -> bool {
        if self.stopped {
            return false;
        }
        self.steps += 1;
        self.line = line;
        if STEPS < self.steps {
            self.may_change_all("the modulefile does too much", line);
            self.stopped = true;
        }
        !self.stopped
    }

    /// Goes into a block or an expression, unless it is too deep inside others; [`Self::leave`] ends it.
    pub(super) fn enter(&mut self, line: u32) -> bool {
        if NESTING <= self.depth {
            self.may_change_all("the modulefile nests too deeply", line);
            self.stopped = true;
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// What `body` does may be done or not.
    pub(super) fn perhaps(&mut self, reason: &str, body: impl FnOnce(&mut Self)) {
        let before = self.uncertain.clone();
        self.uncertain = Some(before.clone().unwrap_or_else(|| reason.to_owned()));
        let lasting = std::mem::take(&mut self.lasting);
        body(self);
        let lasts = self.lasting || self.stopped;
        self.lasting = lasting || lasts;
        // What follows is done where the branch is not taken, unless the limit of the file was hit.
        self.stopped &= STEPS < self.steps;
        if !lasts {
            self.uncertain = before;
        }
    }

    /// A branch that may be taken or not left the file: the rest is done or not.
    pub(super) fn stay_uncertain(&mut self, reason: &str) {
        self.lasting = true;
        if self.uncertain.is_none() {
            self.uncertain = Some(reason.to_owned());
        }
    }

    pub(super) fn is_uncertain(&self) -> bool {
        self.uncertain.is_some()
    }

    pub(super) fn may_change_all(&mut self, reason: &str, line: u32) {
        let place = self.place(line);
        let effect = Effect { what: What::MayChangeAll(reason.to_owned()), place };
        self.tell(effect);
    }

    /// The module is not loaded.
    pub(super) fn refuse(&mut self, reason: &str, line: u32) {
        match self.uncertain.clone() {
            Some(why) => self.may_change_all(&why, line),
            None => self.refused = Some((reason.to_owned(), self.place(line))),
        }
        self.stopped = true;
    }

    /// Does it, or says what it might do where nobody knows whether it is done.
    pub(super) fn effect(&mut self, what: What, line: u32) {
        if self.stopped {
            return;
        }
        let place = self.place(line);
        let what = match self.uncertain.clone() {
            Some(reason) => perhaps(what, reason),
            None => what,
        };
        self.tell(Effect { what, place });
    }

    fn tell(&mut self, effect: Effect) {
        let place = effect.place.clone();
        // What is not known may have been a mistake that ends the file, and nothing that it says holds.
        if let What::MayChangeAll(reason) = &effect.what {
            self.stay_uncertain(&reason.clone());
        }
        match self.host.effect(effect) {
            Answer::Done => {}
            Answer::Refused(reason) => {
                self.refused = Some((reason, place));
                self.stopped = true;
            }
            Answer::Perhaps(reason) => self.stay_uncertain(&reason),
        }
    }

    /// A command of modulefiles. What of it is not known as text makes unknown what it could change.
    pub(super) fn command(&mut self, does: Does, name: &str, call: &Call) {
        let line = call.line;
        match does {
            Does::Nothing => {}
            Does::Version | Does::Alias => self.mark(does, call),
            Does::Refuse => self.refuse(&format!("`{name}` ends it"), line),
            Does::Set | Does::Push | Does::Unset => self.plain(does, name, call),
            Does::Prepend => self.path(How::Prepend, name, call),
            Does::Append => self.path(How::Append, name, call),
            Does::Remove => self.path(How::Remove, name, call),
            Does::Use => self.effect(What::Use { directories: call.words.clone(), append: call.append }, line),
            Does::Unuse => self.effect(What::Unuse(call.words.clone()), line),
            Does::Load
            | Does::Try
            | Does::Depend
            | Does::Unload
            | Does::Swap
            | Does::Conflict
            | Does::Prereq
            | Does::PrereqAll
            | Does::Family => self.modules(does, name, call),
        }
    }

    fn mark(&mut self, does: Does, call: &Call) {
        let texts: Vec<Option<String>> = call.words.iter().map(Value::text).collect();
        let [Some(first), rest @ ..] = texts.as_slice() else { return };
        for second in rest {
            match second {
                Some(second) if does == Does::Version => {
                    self.marks.push(Mark::Version(first.clone(), second.clone()));
                }
                Some(second) => self.marks.push(Mark::Alias(first.clone(), second.clone())),
                None => self.may_change_all("a name is given that is not known", call.line),
            }
        }
    }

    fn plain(&mut self, does: Does, command: &str, call: &Call) {
        let Some(name) = call.words.first().and_then(Value::text) else {
            return self.may_change_all(&format!("`{command}` names a variable that is not known"), call.line);
        };
        match (does, call.words.get(1)) {
            (Does::Unset, _) => self.effect(What::Unset(name), call.line),
            (_, Some(value)) => {
                let what = What::Set { name, value: value.clone(), pushed: does == Does::Push };
                self.effect(what, call.line);
            }
            (_, None) => self.refuse(&format!("`{command}` lacks a value"), call.line),
        }
    }

    fn path(&mut self, how: How, command: &str, call: &Call) {
        let Some(name) = call.words.first().and_then(Value::text) else {
            return self.may_change_all(&format!("`{command}` names a variable that is not known"), call.line);
        };
        let elements = call.words.get(1..).unwrap_or_default().to_vec();
        if elements.is_empty() {
            return self.refuse(&format!("`{command}` lacks a directory"), call.line);
        }
        // Measured: Lmod 8.6 takes the second directory of a Tcl file for a delimiter.
        let several = 1 < elements.len() && self.subject.system == System::Lmod && !self.subject.is_lua();
        if several {
            let reason = format!("`{command}` with several directories");
            return self.effect(What::MayChange(name, reason), call.line);
        }
        let delimiter = call.delimiter.clone().unwrap_or_else(|| ":".to_owned());
        let what = What::Path { name, elements, delimiter, how, priority: call.priority };
        self.effect(what, call.line);
    }

    fn modules(&mut self, does: Does, command: &str, call: &Call) {
        let line = call.line;
        let Some(names) = call.words.iter().map(Value::text).collect::<Option<Vec<String>>>() else {
            return self.may_change_all(&format!("`{command}` names a module that is not known"), line);
        };
        let load = |names, needed, again| What::Load { names, needed, again };
        match does {
            Does::Load => self.effect(load(names, true, true), line),
            Does::Try => self.effect(load(names, false, true), line),
            Does::Depend => self.effect(load(names, true, false), line),
            Does::Unload => self.effect(What::Unload(names), line),
            Does::Conflict => self.effect(What::Conflict(names), line),
            Does::Prereq => self.effect(What::Prereq(names), line),
            Does::PrereqAll => names.into_iter().for_each(|it| self.effect(What::Prereq(vec![it]), line)),
            Does::Family => names.into_iter().take(1).for_each(|it| self.effect(What::Family(it), line)),
            Does::Swap => self.swap(names, line),
            Does::Set
            | Does::Push
            | Does::Unset
            | Does::Prepend
            | Does::Append
            | Does::Remove
            | Does::Use
            | Does::Unuse
            | Does::Version
            | Does::Alias
            | Does::Nothing
            | Does::Refuse => {}
        }
    }

    fn swap(&mut self, names: Vec<String>, line: u32) {
        let mut names = names.into_iter();
        let Some(old) = names.next() else { return };
        let new = names.next().unwrap_or_else(|| old.clone());
        if self.subject.mode == Mode::Load {
            self.effect(What::Unload(vec![old]), line);
        }
        self.effect(What::Load { names: vec![new], needed: true, again: true }, line);
    }
}

/// What an effect may change that is perhaps done.
fn perhaps(what: What, reason: String) -> What {
    match what {
        What::Set { name, .. } | What::Unset(name) | What::Path { name, .. } | What::MayChange(name, _) => {
            What::MayChange(name, reason)
        }
        What::Load { .. }
        | What::Unload(_)
        | What::Conflict(_)
        | What::Prereq(_)
        | What::Family(_)
        | What::Use { .. }
        | What::Unuse(_)
        | What::MayChangeAll(_) => What::MayChangeAll(reason),
    }
}
