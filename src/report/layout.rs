//! Lines of text for people: cleaned, wrapped, toned.
//!
//! Invariant: no control character and no direction mark of the audited system passes through here unescaped.
//! Invariant: a word is only broken when it is longer than a whole line, and then after a `/` where there is one.

use anstyle::{AnsiColor, Style};

use super::Look;

/// Narrowest page: below it, wrapping would only shred words.
const LEAST_WIDTH_COLUMNS: usize = 40;

/// Width of the labels of the header.
const LABEL_COLUMNS: usize = 9;

/// What a piece of text means; the colour follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Error,
    Warning,
    Note,
    Good,
}

impl Tone {
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Note => AnsiColor::Cyan.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default(),
        }
    }
}

/// Text that grows line by line.
pub(super) struct Paper<'a> {
    look: &'a Look,
    text: String,
}

impl<'a> Paper<'a> {
    pub(super) fn new(look: &'a Look) -> Self {
        Self { look, text: String::new() }
    }

    pub(super) fn look(&self) -> &'a Look {
        self.look
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An empty line, except at the top and after another one.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Toned pieces, wrapped: the first line begins at `indent`, further ones at `hanging`.
    pub(super) fn put(&mut self, indent: usize, hanging: usize, pieces: &[(Tone, &str)]) {
        for line in wrap(pieces, self.look, indent, hanging) {
            for (tone, text) in &line {
                self.toned(*tone, text);
            }
            self.text.push('\n');
        }
    }

    /// `text` to the right of `label`, wrapped there.
    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        let column = LABEL_COLUMNS;
        let narrow = page_width(self.look).saturating_sub(column);
        for (at, line) in plain_lines(text, self.look, narrow).iter().enumerate() {
            self.toned(Tone::Faint, &format!("{:<column$}", if at == 0 { label } else { "" }));
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// A numbered path and how it came there: beside it where both fit into a line, else below.
    pub(super) fn numbered(&mut self, number: &str, path: &str, how: &str) {
        let indent = width_of(number) + 2;
        let (path, how) = (clean(path, self.look), clean(how, self.look));
        self.toned(Tone::Faint, number);
        self.text.push_str("  ");
        self.text.push_str(&path);
        if how.is_empty() {
            self.text.push('\n');
        } else if indent + width_of(&path) + 2 + width_of(&how) <= page_width(self.look) {
            self.text.push_str("  ");
            self.toned(Tone::Faint, &how);
            self.text.push('\n');
        } else {
            self.text.push('\n');
            self.put(indent + 4, indent + 4, &[(Tone::Faint, &how)]);
        }
    }

    /// `text` to the right of `front`, wrapped at `hanging`.
    pub(super) fn beside(&mut self, front: &str, hanging: usize, text: &str) {
        let indent = width_of(front) + 2;
        let lines = wrap(&[(Tone::Plain, text)], self.look, indent, hanging);
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                self.toned(Tone::Faint, front);
                self.text.push_str("  ");
            }
            // The first piece of a line is its indent.
            for (tone, piece) in line.iter().skip(usize::from(at == 0)) {
                self.toned(*tone, piece);
            }
            self.text.push('\n');
        }
    }

    /// One line that is never wrapped, so that it can be copied.
    pub(super) fn verbatim(&mut self, indent: usize, tone: Tone, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        let cleaned = clean(text.trim_end(), self.look);
        self.toned(tone, &cleaned);
        self.text.push('\n');
    }

    /// Text of this program that is laid out already.
    pub(super) fn ready(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn toned(&mut self, tone: Tone, text: &str) {
        let style = tone.style();
        if self.look.colour && style != Style::new() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
    }
}

/// `text` wrapped into plain lines of `width` columns.
pub(super) fn plain_lines(text: &str, look: &Look, width: usize) -> Vec<String> {
    let narrow = Look { width_columns: u16::try_from(width).unwrap_or(u16::MAX), ..*look };
    wrap(&[(Tone::Plain, text)], &narrow, 0, 0)
        .into_iter()
        .map(|line| line.into_iter().map(|(_, piece)| piece).collect())
        .collect()
}

/// Columns that `text` takes, at one column a character.
pub(super) fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// The width of the page.
pub(super) fn page_width(look: &Look) -> usize {
    usize::from(look.width_columns).max(LEAST_WIDTH_COLUMNS)
}

/// `text` such that no terminal obeys it: control characters, direction marks and invisible characters as `%XX`,
/// and with `ascii` everything that ASCII does not have.
pub(super) fn clean(text: &str, look: &Look) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            escape(character, &mut cleaned);
        } else if character.is_ascii() || !look.ascii {
            cleaned.push(character);
        } else {
            match plain_form(character) {
                Some(plain) => cleaned.push_str(plain),
                None => escape(character, &mut cleaned),
            }
        }
    }
    cleaned
}

/// Characters that show nothing or reorder what stands beside them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The ASCII way to write a character of our own prose.
fn plain_form(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2013}' | '\u{2010}' | '\u{2011}' | '\u{2212}' => "-",
        '\u{2014}' => "--",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201c}' | '\u{201d}' => "\"",
        '\u{2026}' => "...",
        '\u{2192}' => "->",
        '\u{d7}' => "x",
        '\u{2264}' => "<=",
        '\u{2265}' => ">=",
        '\u{2260}' => "!=",
        '\u{a0}' => " ",
        _ => return None,
    })
}

fn escape(character: char, out: &mut String) {
    let mut buffer = [0; 4];
    for byte in character.encode_utf8(&mut buffer).bytes() {
        out.push_str(&format!("%{byte:02X}"));
    }
}

type Line = Vec<(Tone, String)>;

/// A word, in pieces of different tone.
#[derive(Default)]
struct Word(Line);

impl Word {
    fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width_of(text)).sum()
    }

    fn push(&mut self, tone: Tone, character: char) {
        match self.0.last_mut() {
            Some((last, text)) if *last == tone => text.push(character),
            Some(_) | None => self.0.push((tone, character.to_string())),
        }
    }
}

fn wrap(pieces: &[(Tone, &str)], look: &Look, indent: usize, hanging: usize) -> Vec<Line> {
    let width = usize::from(look.width_columns).max(hanging.max(indent) + LEAST_WIDTH_COLUMNS / 2);
    let room = width - hanging;
    let mut lines = Vec::new();
    let mut line: Line = vec![(Tone::Plain, " ".repeat(indent))];
    let mut used = indent;
    let mut at_start = true;
    let parts = words(pieces, look).into_iter().flat_map(|word| broken(word, room).into_iter().enumerate());
    for (part, word) in parts {
        let gap = usize::from(!at_start);
        // The rest of a broken word begins a line: a blank in the middle of a path would be a lie.
        if part > 0 || !at_start && used + gap + word.width() > width {
            lines.push(std::mem::replace(&mut line, vec![(Tone::Plain, " ".repeat(hanging))]));
            used = hanging;
        } else if !at_start {
            line.push((Tone::Plain, " ".to_owned()));
            used += gap;
        }
        used += word.width();
        line.extend(word.0);
        at_start = false;
    }
    lines.push(line);
    lines
}

fn words(pieces: &[(Tone, &str)], look: &Look) -> Vec<Word> {
    let mut words = vec![Word::default()];
    for (tone, text) in pieces {
        for character in clean(text, look).chars() {
            if character == ' ' {
                words.push(Word::default());
            } else if let Some(word) = words.last_mut() {
                word.push(*tone, character);
            }
        }
    }
    words.retain(|word| !word.0.is_empty());
    words
}

/// The word in parts that fit into a line of `room` columns.
fn broken(word: Word, room: usize) -> Vec<Word> {
    if word.width() <= room {
        return vec![word];
    }
    let characters: Vec<(Tone, char)> =
        word.0.iter().flat_map(|(tone, text)| text.chars().map(|it| (*tone, it))).collect();
    let mut parts = Vec::new();
    let mut rest = characters.as_slice();
    while !rest.is_empty() {
        let window = rest.get(..room.min(rest.len())).unwrap_or(rest);
        let after_slash = window.iter().rposition(|(_, it)| *it == '/').map_or(0, |at| at + 1);
        // A lone leading slash is no place to break: the line would hold nothing else.
        let cut = if window.len() == rest.len() || after_slash < room / 4 { window.len() } else { after_slash };
        let (head, tail) = rest.split_at_checked(cut).unwrap_or((rest, &[]));
        let mut part = Word::default();
        head.iter().for_each(|(tone, character)| part.push(*tone, *character));
        parts.push(part);
        rest = tail;
    }
    parts
}
