//! Commands that modulefiles have beside those of Tcl, and what becomes of a command that nobody knows.

use super::{Flow, Tcl};
use crate::job::Value;
use crate::modulefile::knowledge::{Does, Language, System};
use crate::modulefile::run::{Call, Run};
use crate::modulefile::{Mode, What};

/// `return` outside of a procedure: Lmod reads no further, Environment Modules 5.2.0 does not load the module.
pub(super) fn returned(run: &mut Run<'_>) {
    match run.subject.system {
        System::Lmod => {}
        System::Tcl => {
            run.may_change_all("`return` outside of a procedure means something else in each version", run.line)
        }
    }
}

impl Tcl<'_, '_> {
    /// Does a command whose words are substituted.
    pub(super) fn call(&mut self, name: &str, words: &[Value], line: u32) -> (Value, Flow) {
        if let Some(done) = self.procedure_call(name, words, line) {
            return done;
        }
        let name = name.trim_start_matches("::");
        if let Some(value) = self.builtin(name, words, line) {
            return (value, Flow::Next);
        }
        if name == "module" {
            self.module(words, line);
            return (Value::default(), Flow::Next);
        }
        if let Some(does) = self.run.know.does(name, Language::Tcl) {
            self.effect(does, name, words, line);
            return (Value::default(), Flow::Next);
        }
        if self.run.know.is_pure_tcl(name) {
            self.answered(words, line);
        } else {
            self.run.may_change_all(&format!("`{name}` is no command that is followed here"), line);
        }
        (self.run.unknown(format!("[{name}]"), line), Flow::Next)
    }

    /// A command that only answers: words that could be names of variables may be set by it.
    fn answered(&mut self, words: &[Value], line: u32) {
        for name in words.iter().filter_map(Value::text) {
            let is_name = !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | ':'));
            if is_name && !name.starts_with(|it: char| it.is_ascii_digit()) {
                let value = self.run.unknown(format!("${name}"), line);
                self.set(&name, value);
            }
        }
    }

    fn module(&mut self, words: &[Value], line: u32) {
        let Some(verb) = words.first().and_then(Value::text) else {
            return self.run.may_change_all("what `module` does here is not known", line);
        };
        match self.run.know.verb(&verb) {
            Some(does) => self.effect(does, &verb, words.get(1..).unwrap_or_default(), line),
            None => self.run.may_change_all(&format!("`module {verb}` is not followed here"), line),
        }
    }

    fn effect(&mut self, does: Does, name: &str, words: &[Value], line: u32) {
        let mut call = Call { line, ..Call::default() };
        let mut rest = words;
        let system = self.run.subject.system;
        while let Some((word, behind)) = rest.split_first() {
            let option = word.text().unwrap_or_default();
            if !option.starts_with('-') || option.len() < 2 {
                break;
            }
            rest = behind;
            match (does, option.as_str()) {
                (Does::Prepend | Does::Append | Does::Remove, "-d" | "--delim" | "-delim") => {
                    let Some((delimiter, behind)) = rest.split_first() else { break };
                    call.delimiter = delimiter.text();
                    rest = behind;
                    if call.delimiter.is_none() {
                        return self.run.may_change_all("a delimiter is not known", line);
                    }
                }
                (Does::Prepend | Does::Append | Does::Remove, option) if option.starts_with("--delim=") => {
                    call.delimiter = option.strip_prefix("--delim=").map(str::to_owned);
                }
                (Does::Use, "-a" | "-append" | "--append") => call.append = true,
                (Does::Use, "-p" | "-prepend" | "--prepend") if system == System::Tcl => {}
                (Does::Nothing | Does::Refuse, _) => {}
                (_, option) => {
                    let variable = rest.first().and_then(Value::text);
                    let reason = format!("`{name} {option}` is not followed here");
                    return match (does, variable) {
                        (Does::Set | Does::Push | Does::Unset | Does::Prepend | Does::Append, Some(variable)) => {
                            self.run.effect(What::MayChange(variable, reason), line);
                        }
                        _ => self.run.may_change_all(&reason, line),
                    };
                }
            }
        }
        if call.delimiter.as_deref() == Some("") {
            return self.run.refuse("an empty delimiter", line);
        }
        // Measured: Lmod 8.6 writes a file of Tcl as Lua first, and escapes not all.
        let special = |it: &Value| {
            it.text().is_some_and(|it| it.contains(|it: char| it.is_control() || matches!(it, '\\' | '"')))
        };
        if system == System::Lmod && does != Does::Nothing && rest.iter().any(special) {
            return self
                .run
                .may_change_all(&format!("`{name}` with letters that Lmod does not take over from Tcl"), line);
        }
        call.words = rest.to_vec();
        self.run.command(does, name, &call);
    }

    /// `module-info WHAT`; nothing where the answer depends on more than the file.
    pub(super) fn module_info(&mut self, words: &[Value], line: u32) -> Option<Value> {
        let what = words.first().and_then(Value::text)?;
        let (subject, loads) = (self.run.subject, self.run.subject.mode == Mode::Load);
        let text = match (what.as_str(), words.get(1)) {
            ("mode", None) => if loads { "load" } else { "unload" }.to_owned(),
            ("mode", Some(mode)) => {
                let holds = match mode.text()?.as_str() {
                    "load" => loads,
                    "unload" | "remove" => !loads,
                    "display" | "help" | "whatis" | "test" | "nonpersist" | "scan" => false,
                    // `swap` and `switch` are true while one module replaces another.
                    _ => return None,
                };
                if holds { "1" } else { "0" }.to_owned()
            }
            ("name", None) => subject.name.clone(),
            ("version", None) if subject.system == System::Tcl => subject.name.clone(),
            ("type", None) if subject.system == System::Tcl => "Tcl".to_owned(),
            ("alias" | "symbols" | "tags", _) => return None,
            _ => return None,
        };
        Some(self.run.known(text, line))
    }

    pub(super) fn is_loaded(&mut self, words: &[Value], line: u32) -> Option<Value> {
        let mut all_known = true;
        for name in words {
            match name.text().and_then(|it| self.run.host.is_loaded(&it)) {
                Some(true) => return Some(self.run.known("1", line)),
                Some(false) => {}
                None => all_known = false,
            }
        }
        // Without a name: whether anything is loaded.
        (all_known && !words.is_empty()).then(|| self.run.known("0", line))
    }
}
