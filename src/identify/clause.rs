//! One clause of a description: conditions on a file that must hold together, and the value that then follows.

use regex::bytes::{Captures, Regex};

use super::engine::Search;
use super::{Look, Seen};
use crate::base::printable;
use crate::elf::{ElfError, TextMatch};

/// Longest evidence text, in characters.
const EVIDENCE_CHARACTERS: usize = 120;

/// A symbol name with every prefix and suffix of its capability.
pub(super) type Spellings = Vec<Vec<u8>>;

/// A clause ready to be matched.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub(super) value: Option<String>,
    pub(super) defines: Vec<Spellings>,
    pub(super) defines_all: Vec<Spellings>,
    pub(super) lacks: Vec<Spellings>,
    pub(super) wants: Vec<Spellings>,
    pub(super) wants_any: Vec<Spellings>,
    pub(super) lacks_wants: Vec<Spellings>,
    pub(super) mentions: Vec<Spellings>,
    pub(super) needed: Option<Regex>,
    pub(super) lacks_needed: Option<Regex>,
    pub(super) soname: Option<Regex>,
    pub(super) lacks_soname: Option<Regex>,
    pub(super) file: Option<Regex>,
    pub(super) symbol: Option<(Spellings, Regex)>,
    /// Indices into the patterns of the description.
    pub(super) text: Option<usize>,
    pub(super) lacks_text: Option<usize>,
    pub(super) script: Option<bool>,
    /// Others may look the same.
    pub(super) likely: bool,
}

/// What a clause that holds has seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    captures: Vec<String>,
    pub(super) because: Vec<Seen>,
    absent: Vec<Seen>,
}

impl Clause {
    /// Whether nothing is asked: the value then follows from what the file is.
    pub(super) fn is_empty(&self) -> bool {
        let names = [
            &self.defines,
            &self.defines_all,
            &self.lacks,
            &self.wants,
            &self.wants_any,
            &self.lacks_wants,
            &self.mentions,
        ];
        let patterns = [&self.needed, &self.lacks_needed, &self.soname, &self.lacks_soname, &self.file];
        names.iter().all(|it| it.is_empty())
            && patterns.iter().all(|it| it.is_none())
            && self.symbol.is_none()
            && self.text.is_none()
            && self.lacks_text.is_none()
            && self.script.is_none()
    }

    /// What it asks for, in words. `patterns` are those of its description.
    pub(super) fn in_words(&self, patterns: &[Regex]) -> String {
        let first = |it: &Spellings| it.first().map(|name| printable(name)).unwrap_or_default();
        let list = |names: &[Spellings]| names.iter().map(first).collect::<Vec<_>>().join(", ");
        let names = [
            ("defines one of", &self.defines),
            ("defines", &self.defines_all),
            ("does not define", &self.lacks),
            ("wants", &self.wants),
            ("wants one of", &self.wants_any),
            ("does not want", &self.lacks_wants),
            ("mentions", &self.mentions),
        ];
        let mut words: Vec<String> =
            names.iter().filter(|it| !it.1.is_empty()).map(|(word, it)| format!("{word} {}", list(it))).collect();
        let text = self.text.and_then(|it| patterns.get(it));
        let lacks_text = self.lacks_text.and_then(|it| patterns.get(it));
        let shapes = [
            ("NEEDED like", self.needed.as_ref()),
            ("no NEEDED like", self.lacks_needed.as_ref()),
            ("soname like", self.soname.as_ref()),
            ("soname unlike", self.lacks_soname.as_ref()),
            ("file name like", self.file.as_ref()),
            ("text like", text),
            ("no text like", lacks_text),
        ];
        if let Some((spellings, pattern)) = &self.symbol {
            words.push(format!("{} names text like {pattern}", first(spellings)));
        }
        words.extend(shapes.iter().filter_map(|(word, it)| it.map(|pattern| format!("{word} {pattern}"))));
        words.join("; ")
    }

    /// Whether others may look the same: it says so, or rests on names alone, which anybody can give to any file.
    pub(super) fn is_likely_only(&self) -> bool {
        let content = [&self.defines, &self.defines_all, &self.wants, &self.wants_any, &self.mentions];
        self.likely || content.iter().all(|it| it.is_empty()) && self.symbol.is_none() && self.text.is_none()
    }

    /// Whether it asks for the text of the file.
    pub(super) fn needs_text(&self) -> bool {
        self.text.is_some() || self.lacks_text.is_some()
    }

    /// Whether what it asks for the text holds too, once everything else does.
    pub(super) fn text_holds(
        &self,
        held: &mut Held,
        look: &dyn Look,
        word: &str,
        search: &mut Search,
    ) -> Result<bool, ElfError> {
        if let Some(pattern) = self.lacks_text
            && search.found(look, word, pattern)?.is_some()
        {
            return Ok(false);
        }
        let Some(pattern) = self.text else { return Ok(true) };
        let Some(found) = search.found(look, word, pattern)? else { return Ok(false) };
        held.take_text(look, found);
        Ok(true)
    }

    /// Whether everything but `text` holds.
    pub(super) fn holds(&self, look: &dyn Look) -> Result<Option<Held>, ElfError> {
        let mut held = Held::default();
        if self.script.is_some_and(|wanted| wanted != look.is_script()) || !self.names_hold(look, &mut held) {
            return Ok(None);
        }
        let holds = self.symbols_hold(look, &mut held)? && self.object_holds(look, &mut held)?;
        Ok(holds.then_some(held))
    }

    /// Whether everything holds, `text` too.
    pub(super) fn holds_with_text(
        &self,
        look: &dyn Look,
        word: &str,
        search: &mut Search,
    ) -> Result<Option<Held>, ElfError> {
        let Some(mut held) = self.holds(look)? else { return Ok(None) };
        Ok(self.text_holds(&mut held, look, word, search)?.then_some(held))
    }

    fn names_hold(&self, look: &dyn Look, held: &mut Held) -> bool {
        let path = look.path();
        if self.lacks_needed.as_ref().is_some_and(|it| look.needed().iter().any(|name| it.is_match(name))) {
            return false;
        }
        if self.lacks_soname.as_ref().is_some_and(|it| look.soname().is_some_and(|name| it.is_match(name))) {
            return false;
        }
        let needed = |pattern: &Regex| {
            let name = look.needed().iter().find(|name| pattern.is_match(name))?;
            Some((pattern.captures(name).as_ref().map(captured)?, format!("NEEDED {}", printable(name))))
        };
        let soname = |pattern: &Regex| {
            let found = pattern.captures(look.soname()?)?;
            Some((captured(&found), format!("SONAME {}", printable(look.soname()?))))
        };
        let file = |pattern: &Regex| {
            let found = pattern.captures(path.file_name())?;
            Some((captured(&found), format!("file name {}", printable(path.file_name()))))
        };
        let asked = [self.needed.as_ref().map(needed), self.soname.as_ref().map(soname), self.file.as_ref().map(file)];
        for answer in asked.into_iter().flatten() {
            let Some((captures, text)) = answer else { return false };
            held.take(captures, Seen { path: path.clone(), offset_bytes: None, text });
        }
        true
    }

    fn symbols_hold(&self, look: &dyn Look, held: &mut Held) -> Result<bool, ElfError> {
        use {How::*, Question::*};
        let table = [
            (&self.defines, Any, Defines),
            (&self.defines_all, All, Defines),
            (&self.wants, All, Wants),
            (&self.wants_any, Any, Wants),
            (&self.lacks, Nothing, Defines),
            (&self.lacks_wants, Nothing, Wants),
            (&self.mentions, Any, Mentions),
        ];
        for (names, how, question) in table.into_iter().filter(|it| !it.0.is_empty()) {
            if !ask(names, how, question, look, held)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn object_holds(&self, look: &dyn Look, held: &mut Held) -> Result<bool, ElfError> {
        let Some((spellings, pattern)) = &self.symbol else { return Ok(true) };
        for symbol in spellings {
            let Some((offset, bytes)) = look.bytes_of(symbol)? else { continue };
            if let Some(found) = pattern.captures(&bytes) {
                let start = found.get(0).map_or(0, |it| it.start());
                let text = shortened(bytes.get(start..).unwrap_or_default());
                let text = format!("{}: {text}", printable(symbol));
                let seen = Seen { path: look.path().clone(), offset_bytes: Some(offset + start as u64), text };
                held.take(captured(&found), seen);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// How many of the names the answer must be yes for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Any,
    All,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Defines,
    Wants,
    Mentions,
}

impl Question {
    fn ask(self, look: &dyn Look, symbol: &[u8]) -> Result<bool, ElfError> {
        match self {
            Self::Defines => look.defines(symbol),
            Self::Wants => look.wants(symbol),
            Self::Mentions => look.mentions(symbol),
        }
    }

    fn seen(self, look: &dyn Look, yes: bool, symbol: &[u8]) -> Seen {
        let verb = match (self, yes) {
            (Self::Defines, true) => "defines",
            (Self::Defines, false) => "does not define",
            (Self::Wants | Self::Mentions, true) => "wants",
            (Self::Wants | Self::Mentions, false) => "does not want",
        };
        Seen { path: look.path().clone(), offset_bytes: None, text: format!("{verb} {}", printable(symbol)) }
    }
}

fn ask(names: &[Spellings], how: How, question: Question, look: &dyn Look, held: &mut Held) -> Result<bool, ElfError> {
    for spellings in names {
        let mut found = None;
        for symbol in spellings {
            if question.ask(look, symbol)? {
                found = Some(symbol);
                break;
            }
        }
        match (found, how) {
            (Some(symbol), How::Any) => {
                held.because.push(question.seen(look, true, symbol));
                return Ok(true);
            }
            (Some(symbol), How::All) => held.because.push(question.seen(look, true, symbol)),
            (Some(_), How::Nothing) | (None, How::All) => return Ok(false),
            (None, How::Any | How::Nothing) => {}
        }
    }
    if let (How::Nothing, Some(first)) = (how, names.first().and_then(|it| it.first())) {
        held.absent.push(question.seen(look, false, first));
    }
    Ok(how != How::Any)
}

impl Held {
    fn take(&mut self, captures: Vec<String>, seen: Seen) {
        // The most telling pattern comes last: the object and the text beat names.
        if !captures.is_empty() {
            self.captures = captures;
        }
        self.because.push(seen);
    }

    /// Adds the match of the clause's text.
    fn take_text(&mut self, look: &dyn Look, found: &TextMatch) {
        let group = |it: &Option<Vec<u8>>| it.as_deref().map(printable).unwrap_or_default();
        let captures = found.groups.iter().skip(1).map(group).collect();
        let whole = found.groups.first().and_then(Option::as_deref).unwrap_or_default();
        let skipped = whole.iter().take_while(|byte| **byte == 0).count();
        let offset = found.offset_bytes + skipped as u64;
        let text = shortened(whole.get(skipped..).unwrap_or_default());
        self.take(captures, Seen { path: look.path().clone(), offset_bytes: Some(offset), text });
    }

    /// What the clause rests on; absent things only where nothing is there to show.
    pub(super) fn evidence(self) -> Vec<Seen> {
        if self.because.is_empty() { self.absent } else { self.because }
    }

    /// `template` with `{1}`, `{2}`, ... replaced by what the pattern captured.
    pub(super) fn filled(&self, template: &str) -> String {
        let fill =
            |text: String, (index, captured): (usize, &String)| text.replace(&format!("{{{}}}", index + 1), captured);
        self.captures.iter().enumerate().fold(template.to_owned(), fill)
    }
}

fn captured(found: &Captures<'_>) -> Vec<String> {
    found.iter().skip(1).map(|it| it.map(|it| printable(it.as_bytes())).unwrap_or_default()).collect()
}

/// Text up to the first NUL, on one line and not too long.
fn shortened(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = printable(text.trim_ascii());
    text.chars().take(EVIDENCE_CHARACTERS).collect()
}
