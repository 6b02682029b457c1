//! The words of a Tcl script: the twelve rules of Tcl(n), without doing what they say.

use crate::modulefile::limits::WORDS;

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `$name`, `${name}`.
    Variable(String),
    /// `$name(index)`.
    Element(String, Vec<Piece>),
    /// `[script]`, and the line where the script begins.
    Command(String, u32),
}

/// A word as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) pieces: Vec<Piece>,
    /// `{*}`: it may be several words.
    pub(super) expand: bool,
    pub(super) line: u32,
}

impl Word {
    /// The text, when nothing in it is substituted.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// A command as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    pub(super) line: u32,
}

/// What is wrong with a script, and its line.
pub(super) type Wrong = (String, u32);

/// A place in a script.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    pub(super) line: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, line: u32) -> Self {
        Self { text, at: 0, line }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        self.line += u32::from(letter == '\n');
        Some(letter)
    }

    fn skip(&mut self, length: usize) {
        for _ in 0..length {
            self.take();
        }
    }

    /// The next command, if there is one.
    pub(super) fn command(&mut self) -> Result<Option<Command>, Wrong> {
        self.between_commands();
        let line = self.line;
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | ';') => break,
                Some(_) if WORDS <= words.len() => return Err(("very many words".to_owned(), self.line)),
                Some(_) => words.push(self.word()?),
            }
        }
        Ok(if words.is_empty() { None } else { Some(Command { words, line }) })
    }

    fn between_commands(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some('\n' | ';') => {
                    self.take();
                }
                Some('#') => {
                    let mut escaped = false;
                    while let Some(letter) = self.peek().filter(|it| *it != '\n' || escaped) {
                        escaped = letter == '\\' && !escaped;
                        self.take();
                    }
                }
                Some(_) | None => return,
            }
        }
    }

    /// Blanks and continued lines.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r' | '\x0b' | '\x0c') => self.skip(1),
                Some('\\') if self.rest().starts_with("\\\n") => self.skip(2),
                Some('\\') if self.rest().starts_with("\\\r\n") => self.skip(3),
                Some(_) | None => return,
            }
        }
    }

    fn word(&mut self) -> Result<Word, Wrong> {
        let line = self.line;
        let mut expand = false;
        if let Some(behind) = self.rest().strip_prefix("{*}")
            && !behind.starts_with(|it: char| it.is_whitespace())
            && !behind.is_empty()
        {
            self.skip(3);
            expand = true;
        }
        let pieces = match self.peek() {
            Some('{') => {
                let text = self.braced()?;
                vec![Piece::Text(text)]
            }
            Some('"') => {
                self.take();
                let pieces = self.pieces(|it| it == '"')?;
                if self.take() != Some('"') {
                    return Err(("a quote is missing".to_owned(), line));
                }
                pieces
            }
            Some(_) | None => {
                return Ok(Word { pieces: self.pieces(|it| it.is_ascii_whitespace() || it == ';')?, expand, line });
            }
        };
        match self.peek() {
            Some(letter) if !letter.is_ascii_whitespace() && letter != ';' && !self.rest().starts_with("\\\n") => {
                Err(("something follows a brace or a quote".to_owned(), self.line))
            }
            Some(_) | None => Ok(Word { pieces, expand, line }),
        }
    }

    /// The text between braces, as it stands.
    pub(super) fn braced(&mut self) -> Result<String, Wrong> {
        let line = self.line;
        self.take();
        let mut depth = 1_usize;
        let mut text = String::new();
        loop {
            let Some(letter) = self.take() else { return Err(("a brace is missing".to_owned(), line)) };
            match letter {
                '\\' if self.peek() == Some('\n') => {
                    // A continued line is one blank in braces too. The line break stays, so that lines can be counted.
                    text.push_str("\\\n");
                    self.take();
                    continue;
                }
                '\\' => {
                    text.push(letter);
                    text.extend(self.take());
                    continue;
                }
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(text);
            }
            text.push(letter);
        }
    }

    /// Text with substitutions up to a letter that ends it.
    pub(super) fn pieces(&mut self, ends: fn(char) -> bool) -> Result<Vec<Piece>, Wrong> {
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(letter) = self.peek().filter(|it| !ends(*it)) {
            match letter {
                '\\' => {
                    if self.rest().starts_with("\\\n") && ends(' ') {
                        break;
                    }
                    let text = self.escape();
                    push(&mut pieces, &text);
                }
                '$' => match self.variable()? {
                    Some(piece) => pieces.push(piece),
                    None => push(&mut pieces, "$"),
                },
                '[' => {
                    let (text, line) = self.bracket()?;
                    pieces.push(Piece::Command(text, line));
                }
                other => {
                    self.take();
                    push(&mut pieces, other.encode_utf8(&mut [0; 4]));
                }
            }
            if WORDS < pieces.len() {
                return Err(("a very long word".to_owned(), self.line));
            }
        }
        Ok(pieces)
    }

    /// `\n` and its like.
    fn escape(&mut self) -> String {
        self.take();
        match self.take() {
            None => "\\".to_owned(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('r') => "\r".to_owned(),
            Some('a') => "\x07".to_owned(),
            Some('b') => "\x08".to_owned(),
            Some('f') => "\x0c".to_owned(),
            Some('v') => "\x0b".to_owned(),
            Some('\n') => {
                while matches!(self.peek(), Some(' ' | '\t')) {
                    self.take();
                }
                " ".to_owned()
            }
            Some('x') => self.number(16, 2, "x"),
            Some('u') => self.number(16, 4, "u"),
            Some(other) => other.to_string(),
        }
    }

    fn number(&mut self, radix: u32, most: usize, otherwise: &str) -> String {
        let digits: String = self.rest().chars().take(most).take_while(|it| it.is_digit(radix)).collect();
        self.skip(digits.len());
        let letter = u32::from_str_radix(&digits, radix).map(char::from_u32);
        letter.map_or_else(|_| otherwise.to_owned(), |it| it.map(String::from).unwrap_or_default())
    }

    /// What follows a `$`; nothing where that is a letter of its own.
    pub(super) fn variable(&mut self) -> Result<Option<Piece>, Wrong> {
        let line = self.line;
        self.take();
        if self.peek() == Some('{') {
            let name = self.rest().get(1..).and_then(|it| it.split_once('}')).map(|(name, _)| name.to_owned());
            let Some(name) = name else { return Err(("a brace is missing".to_owned(), line)) };
            self.skip(name.chars().count() + 2);
            return Ok(Some(match name.strip_suffix(')').and_then(|it| it.split_once('(')) {
                Some((array, index)) => Piece::Element(array.to_owned(), vec![Piece::Text(index.to_owned())]),
                None => Piece::Variable(name),
            }));
        }
        let letter = |it: &char| it.is_ascii_alphanumeric() || *it == '_' || *it == ':';
        let name: String = self.rest().chars().take_while(letter).collect();
        let name = name.trim_end_matches(':').to_owned();
        self.skip(name.len());
        if name.is_empty() {
            return Ok(None);
        }
        if self.peek() != Some('(') {
            return Ok(Some(Piece::Variable(name)));
        }
        self.take();
        let index = self.pieces(|it| it == ')')?;
        match self.take() {
            Some(_) => Ok(Some(Piece::Element(name, index))),
            None => Err(("a parenthesis is missing".to_owned(), line)),
        }
    }

    /// The script between brackets, and its line.
    pub(super) fn bracket(&mut self) -> Result<(String, u32), Wrong> {
        let line = self.line;
        self.take();
        let begin = self.at;
        let mut depth = 1_usize;
        let mut first = true;
        while let Some(letter) = self.peek() {
            match letter {
                '\\' => self.skip(1),
                '[' => depth += 1,
                ']' => depth -= 1,
                '{' if first => {
                    self.braced()?;
                    first = false;
                    continue;
                }
                '"' if first => {
                    self.take();
                    while self.peek().is_some_and(|it| it != '"') {
                        let escaped = self.take() == Some('\\');
                        self.skip(usize::from(escaped));
                    }
                }
                _ => {}
            }
            if depth == 0 {
                let text = self.text.get(begin..self.at).unwrap_or_default().to_owned();
                self.take();
                return Ok((text, line));
            }
            first = letter.is_ascii_whitespace() || letter == '[' || letter == ';';
            self.take();
        }
        Err(("a bracket is missing".to_owned(), line))
    }
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        Some(Piece::Variable(_) | Piece::Element(..) | Piece::Command(..)) | None => {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
}

/// Elements of a list; nothing where it is none.
pub(super) fn list(text: &str) -> Option<Vec<String>> {
    let mut reader = Reader::new(text, 1);
    let mut found = Vec::new();
    loop {
        while reader.peek().is_some_and(|it| it.is_ascii_whitespace()) {
            reader.take();
        }
        let element = match reader.peek() {
            None => return Some(found),
            Some('{') => match reader.braced() {
                Ok(text) => text,
                Err(_) => return None,
            },
            Some('"') => {
                reader.take();
                let text = plain(&mut reader, |it| it == '"');
                reader.take()?;
                text
            }
            Some(_) => plain(&mut reader, |it| it.is_ascii_whitespace()),
        };
        if WORDS <= found.len() {
            return None;
        }
        found.push(element);
    }
}

/// Letters of an element; a backslash takes the meaning from the next.
fn plain(reader: &mut Reader<'_>, ends: fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(letter) = reader.peek().filter(|it| !ends(*it)) {
        if letter == '\\' {
            text.push_str(&reader.escape());
        } else {
            text.push(letter);
            reader.take();
        }
    }
    text
}

/// One text from elements.
pub(super) fn joined(elements: &[String]) -> String {
    let quoted = |it: &String| {
        let special = it.is_empty()
            || it.contains(|it: char| {
                it.is_ascii_whitespace() || matches!(it, '{' | '}' | '"' | '[' | ']' | '$' | ';' | '\\')
            });
        if special { format!("{{{it}}}") } else { it.clone() }
    };
    elements.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
