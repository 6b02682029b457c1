//! Commands of Tcl that work out a value: variables, text, lists, paths.

use super::Tcl;
use super::parse::{joined, list};
use crate::job::Value;
use crate::modulefile::{Lies, System};

impl Tcl<'_, '_> {
    /// The value of a command that is worked out here; nothing where it is none, or used in a way that is not.
    pub(super) fn builtin(&mut self, name: &str, words: &[Value], line: u32) -> Option<Value> {
        match (name, words) {
            ("set", [name]) => {
                let name = name.text()?;
                Some(self.named(&name, line))
            }
            ("set", [name, value]) => {
                let name = name.text()?;
                match name.trim_start_matches("::").strip_prefix("env(").and_then(|it| it.strip_suffix(')')) {
                    // `set env(X)` changes what the module command itself finds, and no more.
                    Some(_) => self.run.may_change_all("`set env(...)` is not followed here", line),
                    None => self.set(&name, value.clone()),
                }
                Some(value.clone())
            }
            ("unset", names) => {
                for name in names.iter().filter_map(Value::text) {
                    self.variables.remove(name.trim_start_matches("::"));
                }
                Some(Value::default())
            }
            ("global" | "variable", names) => {
                self.global(names);
                Some(Value::default())
            }
            ("append", [name, more @ ..]) => {
                let name = name.text()?;
                let mut value = self.variables.get(&name).cloned().unwrap_or_default();
                more.iter().for_each(|it| value.push(it));
                self.set(&name, value.clone());
                Some(value)
            }
            ("puts", [channel, ..]) => {
                // Measured: what a modulefile writes to standard output is evaluated by the shell.
                let channel = channel.text();
                match (words.len(), channel.as_deref()) {
                    (1, _) | (_, Some("stdout" | "-nonewline") | None) => {
                        self.run.may_change_all("it writes to the shell", line);
                    }
                    (_, Some(_)) => {}
                }
                Some(Value::default())
            }
            ("module-info", words) => self.module_info(words, line),
            ("is-loaded", words) => self.is_loaded(words, line),
            ("getenv", [name, rest @ ..]) if self.run.subject.system == System::Tcl => {
                let name = name.text()?;
                Some(match self.run.variable(&name, line) {
                    Some(value) => value,
                    None => rest.first().cloned().unwrap_or_default(),
                })
            }
            ("info", [what, name]) if what.text()? == "exists" => {
                let name = name.text()?;
                let exists = self.exists(&name)?;
                Some(self.truth(exists, line))
            }
            ("file", words) => self.file(words, line),
            ("string", words) => self.string(words, line),
            _ => self.of_list(name, words, line),
        }
    }

    fn truth(&self, holds: bool, line: u32) -> Value {
        self.run.known(if holds { "1" } else { "0" }, line)
    }

    fn named(&mut self, name: &str, line: u32) -> Value {
        let plain = name.trim_start_matches("::");
        match plain.strip_suffix(')').and_then(|it| it.split_once('(')) {
            Some((array, index)) => {
                let index = self.run.known(index, line);
                self.element(array, &index, line)
            }
            None => self.variable(plain, line),
        }
    }

    fn exists(&mut self, name: &str) -> Option<bool> {
        let plain = name.trim_start_matches("::");
        if let Some((array, index)) = plain.strip_suffix(')').and_then(|it| it.split_once('(')) {
            return if array == "env" { self.run.is_set(index) } else { None };
        }
        match self.variables.get(plain) {
            Some(value) if value.is_known() => Some(true),
            // A site may have given more variables than the file does, and one that is unknown may not be set.
            Some(_) | None => None,
        }
    }

    fn file(&mut self, words: &[Value], line: u32) -> Option<Value> {
        let what = words.first()?.text()?;
        let rest = words.get(1..)?;
        match (what.as_str(), rest) {
            ("join", parts) => {
                let parts = parts.iter().map(Value::text).collect::<Option<Vec<String>>>();
                match parts {
                    Some(parts) => Some(self.run.known(join(&parts), line)),
                    None => join_unknown(rest),
                }
            }
            ("dirname", [path]) => Some(self.run.known(dirname(&path.text()?), line)),
            ("tail", [path]) => {
                let path = path.text()?;
                Some(self.run.known(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default(), line))
            }
            ("rootname", [path]) => {
                let path = path.text()?;
                let (above, last) = path.rsplit_once('/').map_or(("", path.as_str()), |(above, last)| (above, last));
                let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
                let cut = if above.is_empty() && !path.starts_with('/') {
                    stem.to_owned()
                } else {
                    format!("{above}/{stem}")
                };
                Some(self.run.known(cut, line))
            }
            ("extension", [path]) => {
                let path = path.text()?;
                let last = path.rsplit('/').next().unwrap_or_default();
                Some(self.run.known(last.rfind('.').and_then(|at| last.get(at..)).unwrap_or_default(), line))
            }
            ("exists" | "isdirectory" | "isfile", [path]) => {
                let kind = self.run.host.kind(&path.text()?);
                let holds = match (kind, what.as_str()) {
                    (Lies::Unknown, _) => return None,
                    (Lies::Directory, what) => what != "isfile",
                    (Lies::File, what) => what != "isdirectory",
                    (Lies::Nowhere, _) => false,
                };
                Some(self.truth(holds, line))
            }
            _ => None,
        }
    }

    fn string(&mut self, words: &[Value], line: u32) -> Option<Value> {
        let what = words.first()?.text()?;
        let texts = words.get(1..)?.iter().map(Value::text).collect::<Option<Vec<String>>>()?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let letters = |it: char| move |letter: char| it == letter;
        let text = match (what.as_str(), texts.as_slice()) {
            ("tolower", [text]) => text.to_lowercase(),
            ("toupper", [text]) => text.to_uppercase(),
            ("trim", [text]) => text.trim().to_owned(),
            ("trimleft", [text]) => text.trim_start().to_owned(),
            ("trimright", [text]) => text.trim_end().to_owned(),
            ("trim", [text, set]) => text.trim_matches(|it| set.contains(letters(it))).to_owned(),
            ("trimleft", [text, set]) => text.trim_start_matches(|it| set.contains(letters(it))).to_owned(),
            ("trimright", [text, set]) => text.trim_end_matches(|it| set.contains(letters(it))).to_owned(),
            ("length", [text]) => text.chars().count().to_string(),
            ("equal", [a, b]) => u8::from(a == b).to_string(),
            ("compare", [a, b]) => (a.cmp(b) as i8).to_string(),
            ("match", [glob, text]) if !glob.contains('\\') => {
                u8::from(crate::base::Glob::new(glob).matches(text.as_bytes())).to_string()
            }
            ("first", [needle, text]) => place_of(text, text.find(needle)),
            ("last", [needle, text]) => place_of(text, text.rfind(needle)),
            ("index", [text, at]) => {
                let at = index(at, text.chars().count())?;
                text.chars().nth(at).map(String::from).unwrap_or_default()
            }
            ("range", [text, first, last]) => {
                let length = text.chars().count();
                let (first, last) = (index(first, length)?, index(last, length)?);
                text.chars().take(last.saturating_add(1)).skip(first).collect()
            }
            ("map", [pairs, text]) => mapped(&list(pairs)?, text)?,
            _ => return None,
        };
        Some(self.run.known(text, line))
    }

    fn of_list(&mut self, name: &str, words: &[Value], line: u32) -> Option<Value> {
        let texts = || words.iter().map(Value::text).collect::<Option<Vec<String>>>();
        let text = match name {
            "list" => joined(&texts()?),
            "concat" => texts()?.iter().map(|it| it.trim()).collect::<Vec<_>>().join(" "),
            "llength" => list(texts()?.first()?)?.len().to_string(),
            "lindex" => {
                let texts = texts()?;
                let [elements, at] = texts.as_slice() else { return None };
                let elements = list(elements)?;
                let at = index(at, elements.len())?;
                elements.get(at).cloned().unwrap_or_default()
            }
            "lrange" => {
                let texts = texts()?;
                let [elements, first, last] = texts.as_slice() else { return None };
                let elements = list(elements)?;
                let (first, last) = (index(first, elements.len())?, index(last, elements.len())?);
                let cut: Vec<String> = elements.into_iter().take(last.saturating_add(1)).skip(first).collect();
                joined(&cut)
            }
            "join" => {
                let texts = texts()?;
                let between = texts.get(1).map_or(" ", String::as_str);
                list(texts.first()?)?.join(between)
            }
            "split" => {
                let texts = texts()?;
                let set = texts.get(1).map_or(" \t\n\r", String::as_str);
                let text = texts.first()?;
                let pieces: Vec<String> = if set.is_empty() {
                    text.chars().map(String::from).collect()
                } else {
                    text.split(|it| set.contains(it)).map(str::to_owned).collect()
                };
                joined(if text.is_empty() { &[] } else { &pieces })
            }
            "lappend" => {
                let (variable, more) = words.split_first()?;
                let variable = variable.text()?;
                let before = self.variables.get(&variable).cloned().unwrap_or_default();
                let more = more.iter().map(Value::text).collect::<Option<Vec<String>>>();
                let mut elements = before.text().and_then(|it| list(&it));
                match (&mut elements, more) {
                    (Some(elements), Some(more)) => elements.extend(more),
                    _ => elements = None,
                }
                let value = match elements {
                    Some(elements) => self.run.known(joined(&elements), line),
                    None => self.run.unknown(format!("${variable}"), line),
                };
                self.set(&variable, value.clone());
                return Some(value);
            }
            _ => return None,
        };
        Some(self.run.known(text, line))
    }
}

fn place_of(text: &str, found: Option<usize>) -> String {
    let at = found.and_then(|it| text.get(..it)).map(|it| it.chars().count());
    at.map_or_else(|| "-1".to_owned(), |it| it.to_string())
}

/// `3`, `end`, `end-1`; before the beginning is nothing that is worked out.
fn index(text: &str, length: usize) -> Option<usize> {
    let Some(rest) = text.strip_prefix("end") else { return text.parse::<usize>().ok() };
    let last = length.checked_sub(1)?;
    match rest.strip_prefix('-') {
        Some(back) => last.checked_sub(back.parse::<usize>().ok()?),
        None => rest.is_empty().then_some(last),
    }
}

/// Every place where one of the first of each pair stands, from left to right.
fn mapped(pairs: &[String], text: &str) -> Option<String> {
    let mut written = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let fits = |pair: &&[String]| pair.first().is_some_and(|it| !it.is_empty() && rest.starts_with(it.as_str()));
        let (from, to) = match pairs.chunks(2).find(fits) {
            Some([from, to]) => (from.len(), to.as_str()),
            Some(_) => return None,
            None => (letter.len_utf8(), rest.get(..letter.len_utf8())?),
        };
        written.push_str(to);
        rest = rest.get(from..)?;
    }
    Some(written)
}

/// `file join`: a part that begins with a slash begins anew, and slashes are not doubled.
fn join(parts: &[String]) -> String {
    let mut path = String::new();
    for part in parts.iter().filter(|it| !it.is_empty()) {
        if part.starts_with('/') {
            path.clear();
        } else if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        for letter in part.chars() {
            if letter != '/' || !path.ends_with('/') {
                path.push(letter);
            }
        }
    }
    if 1 < path.len() && path.ends_with('/') {
        path.pop();
    }
    path
}

/// The same where the first part is not known, and the others begin with no slash.
fn join_unknown(parts: &[Value]) -> Option<Value> {
    let (first, rest) = parts.split_first()?;
    let mut path = first.clone();
    for part in rest {
        let text = part.text().filter(|it| !it.starts_with('/'))?;
        path.push_text("/");
        path.push_text(&text);
    }
    Some(path)
}

fn dirname(path: &str) -> String {
    let path = if path.len() == 1 { path } else { path.trim_end_matches('/') };
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((above, _)) => above.to_owned(),
        None => ".".to_owned(),
    }
}
