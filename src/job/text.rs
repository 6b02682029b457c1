//! The text of one file, and places in it.

use std::sync::Arc;

use super::limits::{LINE_CHARACTERS, SCRIPT_BYTES};
use super::value::Place;

/// A text that is parsed: a file, or text that stands inside another one (`eval`, backquotes).
#[derive(Debug)]
pub(super) struct Origin {
    path: String,
    text: String,
    line_starts: Vec<usize>,
    /// Characters before every `STRIDE`th byte: a line may be the whole file.
    characters: Vec<usize>,
    /// Where all of it stands, for text that is no stretch of a file.
    inside: Option<Place>,
}

impl Origin {
    /// A file. Bytes that are not UTF-8 become U+FFFD; what lies beyond the limit is cut.
    pub(super) fn file(path: &str, bytes: &[u8]) -> Arc<Self> {
        let bytes = bytes.get(..SCRIPT_BYTES).unwrap_or(bytes);
        Self::of(path, String::from_utf8_lossy(bytes).into_owned(), None)
    }

    /// Text that was put together at `place`.
    pub(super) fn inside(text: &str, place: &Place) -> Arc<Self> {
        Self::of(&place.file, text.to_owned(), Some(place.clone()))
    }

    fn of(path: &str, text: String, inside: Option<Place>) -> Arc<Self> {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(starts).collect();
        let mut characters = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut count = 0;
        for (at, byte) in text.bytes().enumerate() {
            if at % STRIDE == 0 {
                characters.push(count);
            }
            count += usize::from(begins_character(byte));
        }
        characters.push(count);
        Arc::new(Self { path: path.to_owned(), text, line_starts, characters, inside })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn characters_before(&self, at: usize) -> usize {
        let known = at / STRIDE;
        let rest = self.text.as_bytes().get(known * STRIDE..at).unwrap_or_default();
        let counted = self.characters.get(known).copied().unwrap_or(0);
        counted + rest.iter().filter(|it| begins_character(**it)).count()
    }

    /// The stretch as a place: its part in its first line.
    pub(super) fn place(&self, start: usize, end: usize) -> Place {
        if let Some(place) = &self.inside {
            return place.clone();
        }
        let start = start.min(self.text.len());
        let end = end.clamp(start, self.text.len());
        let line = self.line_starts.partition_point(|it| *it <= start).max(1) - 1;
        let line_start = self.line_starts.get(line).copied().unwrap_or(0);
        let line_end = self.line_starts.get(line + 1).map_or(self.text.len(), |it| it.saturating_sub(1));
        let whole = self.text.get(line_start..line_end).unwrap_or_default();
        let start = start - line_start;
        let end = (end - line_start).clamp(start.min(whole.len()), whole.len());
        let marked = whole.get(start..end).unwrap_or_default();
        let marked = marked.strip_suffix('\\').unwrap_or(marked).trim_end();
        let column = self.characters_before(line_start + start).saturating_sub(self.characters_before(line_start));
        let marked_end = line_start + start + marked.len();
        let length = self.characters_before(marked_end).saturating_sub(self.characters_before(line_start + start));
        let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Place {
            file: self.path.clone(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: count(column).saturating_add(1),
            length: count(length).max(1),
            text: whole.trim_end_matches('\r').chars().take(LINE_CHARACTERS).collect(),
        }
    }
}

/// Bytes between two counts of characters.
const STRIDE: usize = 256;

fn begins_character(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

/// A stretch of a text.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) origin: Arc<Origin>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn place(&self) -> Place {
        self.origin.place(self.start, self.end)
    }

    /// The stretch as written, line breaks as blanks, without blanks around it.
    pub(super) fn written(&self) -> String {
        let text = self.origin.text().get(self.start..self.end).unwrap_or_default();
        // Enough for what is shown; cut between characters.
        let most = (0..=WRITTEN_BYTES.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
        let text = text.get(..most).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().filter(|it| *it != "\\").collect();
        let joined = words.join(" ");
        if joined.chars().count() <= WRITTEN_CHARACTERS {
            return joined;
        }
        joined.chars().take(WRITTEN_CHARACTERS).chain(std::iter::once('…')).collect()
    }
}

/// Characters of a quoted stretch of a script in a message.
const WRITTEN_CHARACTERS: usize = 120;

/// Bytes of it that are looked at.
const WRITTEN_BYTES: usize = 4_000;
