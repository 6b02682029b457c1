//! `import` and `from ... import` statements: the only ones that every module has by the dozen, so they are read by hand.
//!
//! Source: The Python Language Reference, 7.11. The import statement.

use super::lines::{is_identifier_byte, word};
use super::syntax::{Alias, StatementKind};

/// The statement that `text` holds; `None` where it is none that Python takes.
pub fn import_statement(text: &[u8]) -> Option<StatementKind> {
    let mut words = Words { rest: text };
    match words.next()? {
        b"import" => words.aliases(true).map(StatementKind::Import),
        b"from" => {
            let level = words.dots();
            let module = words.dotted_name_unless(b"import")?;
            (words.next()? == b"import").then_some(())?;
            let names = match words.peek() {
                Some(b"*") => None,
                _ => Some(words.aliases(false)?),
            };
            Some(StatementKind::ImportFrom { level, module, names })
        }
        _ => None,
    }
}

/// Identifiers and marks of a statement; blanks, comments, brackets and line breaks are passed over.
struct Words<'t> {
    rest: &'t [u8],
}

impl<'t> Words<'t> {
    fn peek(&mut self) -> Option<&'t [u8]> {
        loop {
            let first = *self.rest.first()?;
            match first {
                b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'(' | b')' | b'\x0c' => self.skip(1),
                b'#' => {
                    let end = self.rest.iter().position(|b| *b == b'\n').unwrap_or(self.rest.len());
                    self.skip(end);
                }
                first if is_identifier_byte(first) => return Some(word(self.rest)),
                _ => return self.rest.get(..1),
            }
        }
    }

    fn next(&mut self) -> Option<&'t [u8]> {
        let word = self.peek()?;
        self.skip(word.len());
        Some(word)
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn dots(&mut self) -> usize {
        let mut count = 0;
        while self.peek() == Some(b".") {
            self.skip(1);
            count += 1;
        }
        count
    }

    fn dotted_name_unless(&mut self, keyword: &[u8]) -> Option<String> {
        if self.peek() == Some(keyword) { Some(String::new()) } else { self.dotted_name() }
    }

    fn dotted_name(&mut self) -> Option<String> {
        let mut name = identifier(self.next()?)?;
        while self.peek() == Some(b".") {
            self.skip(1);
            name.push('.');
            name.push_str(&identifier(self.next()?)?);
        }
        Some(name)
    }

    fn aliases(&mut self, dotted: bool) -> Option<Vec<Alias>> {
        let mut list = Vec::new();
        while self.peek().is_some() {
            let name = if dotted { self.dotted_name()? } else { identifier(self.next()?)? };
            let mut bound_to = None;
            if self.peek() == Some(b"as") {
                self.skip(2);
                bound_to = Some(identifier(self.next()?)?);
            }
            list.push(Alias { name, bound_to });
            match self.next() {
                Some(b",") => {}
                Some(_) => return None,
                None => break,
            }
        }
        (!list.is_empty()).then_some(list)
    }
}

fn identifier(word: &[u8]) -> Option<String> {
    let first = *word.first()?;
    let named = is_identifier_byte(first) && !first.is_ascii_digit();
    named.then(|| String::from_utf8_lossy(word).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match import_statement(text.as_bytes()) {
            Some(StatementKind::Import(names)) => aliases(&names),
            Some(StatementKind::ImportFrom { level, module, names }) => {
                format!("{}{module}: {}", ".".repeat(level), names.map_or("*".to_owned(), |it| aliases(&it)))
            }
            _ => "nothing".to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    fn aliases(names: &[Alias]) -> String {
        let one = |it: &Alias| match &it.bound_to {
            Some(other) => format!("{}>{other}", it.name),
            None => it.name.clone(),
        };
        names.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_every_form() {
        check("import a", "a");
        check("import a.b as c , d.e", "a.b>c d.e");
        check("from . import x", ".: x");
        check("from .. a . b import (c as d, # why\n  e,\n)", "..a.b: c>d e");
        check("from ...x import *", "...x: *");
        check("from a import b \\\n , c", "a: b c");
        check("from importlib import import_module", "importlib: import_module");
        check("import", "nothing");
        check("from . import", "nothing");
        check("import a b", "nothing");
    }
}
