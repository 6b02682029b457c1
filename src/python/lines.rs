//! Logical lines of Python source: where a statement begins and ends, and how deep it stands.
//!
//! Source of the rules: The Python Language Reference, 2. Lexical analysis.
//! Invariant: the scanner always goes forward, whatever the bytes are; an unterminated string ends with its line.

use std::ops::Range;

/// One logical line: a simple statement, or the header of a compound one.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Row of its first byte, counted from where the scan began.
    pub(super) row: usize,
    /// Column of its first byte.
    pub(super) indent: usize,
    /// From its first byte to its end, without the line break.
    pub(super) range: Range<usize>,
    /// Behind the colon that ends a header.
    pub(super) colon: Option<usize>,
}

/// Goes through a range of a source, line by line.
#[derive(Debug, Clone)]
pub(super) struct Lines<'s> {
    source: &'s [u8],
    /// The next byte to be read.
    pub(super) at: usize,
    end: usize,
    row: usize,
    /// Where the physical line of `at` begins.
    line_start: usize,
}

impl<'s> Lines<'s> {
    /// Lines of `range`.
    pub(super) fn new(source: &'s [u8], range: Range<usize>) -> Self {
        let before = source.get(..range.start).unwrap_or_default();
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |it| it + 1);
        Self { source, at: range.start, end: range.end.min(source.len()), row: 0, line_start }
    }

    /// The next statement or header.
    pub(super) fn next(&mut self) -> Option<Line> {
        self.skip_blank().then(|| self.logical_line())
    }

    /// Passes over the lines that stand deeper than `indent`; the first one that does not stays.
    pub(super) fn skip_block(&mut self, indent: usize, mut seen: impl FnMut(&[u8])) {
        while self.skip_blank() && indent < self.column() {
            let line = self.logical_line();
            seen(word(self.text(&line)));
        }
    }

    /// The next line, without going there.
    pub(super) fn peek(&mut self) -> Option<(usize, &'s [u8])> {
        self.skip_blank().then(|| (self.column(), word(self.source.get(self.at..self.end).unwrap_or_default())))
    }

    /// The bytes of a line.
    pub(super) fn text(&self, line: &Line) -> &'s [u8] {
        self.source.get(line.range.clone()).unwrap_or_default()
    }

    /// Whether a block follows the header, on lines of its own.
    pub(super) fn opens_block(&self, header: &Line) -> bool {
        let Some(colon) = header.colon else { return false };
        let rest = self.source.get(colon..header.range.end).unwrap_or_default().trim_ascii_start();
        rest.is_empty() || rest.starts_with(b"#")
    }

    /// Goes to the first byte of the next statement; `false` at the end.
    fn skip_blank(&mut self) -> bool {
        loop {
            match self.byte(self.at) {
                None => return false,
                Some(b'\n') => self.line_break(),
                Some(b' ' | b'\t' | b'\x0c' | b'\r' | b'\\' | b';') => self.at += 1,
                Some(b'#') => self.skip_comment(),
                Some(_) => return true,
            }
        }
    }

    fn line_break(&mut self) {
        self.row += 1;
        self.at += 1;
        self.line_start = self.at;
    }

    fn skip_comment(&mut self) {
        let rest = self.source.get(self.at..self.end).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// The column of the byte at `at`; a tab goes on to the next multiple of eight.
    fn column(&self) -> usize {
        let indent = self.source.get(self.line_start..self.at).unwrap_or_default();
        let blank = indent.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\x0c'));
        blank.fold(0, |column, b| match b {
            b'\t' => (column / 8 + 1) * 8,
            b'\x0c' => 0,
            _ => column + 1,
        })
    }

    fn logical_line(&mut self) -> Line {
        let (row, indent, start) = (self.row, self.column(), self.at);
        let (mut depth, mut lambdas, mut before, mut colon) = (0_usize, 0_usize, start, None);
        loop {
            let rest = self.source.get(self.at..self.end).unwrap_or_default();
            let plain = rest.iter().position(|b| SPECIAL[usize::from(*b)]).unwrap_or(rest.len());
            self.at += plain;
            let Some(byte) = rest.get(plain).copied() else { break };
            match byte {
                b'\n' if depth == 0 => break,
                // Behind a header the semicolon parts the statements of its block.
                b';' if depth == 0 && colon.is_none() => break,
                b'\n' => self.line_break(),
                b'#' => self.skip_comment(),
                b'\\' => self.escape(),
                b'"' | b'\'' => self.string(byte),
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                b':' if depth == 0 && colon.is_none() => {
                    // A colon of a lambda, or the first half of a walrus, ends no header.
                    lambdas += self.lambdas_since(before);
                    self.at += 1;
                    before = self.at;
                    if lambdas > 0 {
                        lambdas -= 1;
                    } else if self.byte(self.at) != Some(b'=') {
                        colon = Some(self.at);
                    }
                }
                _ => self.at += 1,
            }
        }
        Line { row, indent, range: start..self.at.min(self.end), colon }
    }

    /// Lambdas between `from` and here, outside of brackets.
    fn lambdas_since(&self, from: usize) -> usize {
        let text = self.source.get(from..self.at).unwrap_or_default();
        if memchr::memmem::find(text, b"lambda").is_none() {
            return 0;
        }
        let mut inside = Lines::new(text, 0..text.len());
        let (mut depth, mut count) = (0_usize, 0);
        while let Some(byte) = inside.byte(inside.at) {
            match byte {
                b'#' => inside.skip_comment(),
                b'"' | b'\'' => inside.string(byte),
                byte if is_identifier_byte(byte) => {
                    let word = word(text.get(inside.at..).unwrap_or_default());
                    count += usize::from(depth == 0 && word == b"lambda");
                    inside.at += word.len();
                }
                byte => {
                    match byte {
                        b'(' | b'[' | b'{' => depth += 1,
                        b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    inside.at += 1;
                }
            }
        }
        count
    }

    /// A backslash, and what it joins or escapes.
    fn escape(&mut self) {
        self.at += 1;
        if self.byte(self.at) == Some(b'\r') {
            self.at += 1;
        }
        match self.byte(self.at) {
            Some(b'\n') => self.line_break(),
            Some(_) => self.at += 1,
            None => {}
        }
    }

    /// A string literal that begins here.
    fn string(&mut self, quote: u8) {
        let triple = self.byte(self.at + 1) == Some(quote) && self.byte(self.at + 2) == Some(quote);
        self.at += if triple { 3 } else { 1 };
        loop {
            let rest = self.source.get(self.at..self.end).unwrap_or_default();
            self.at += memchr::memchr3(b'\\', b'\n', quote, rest).unwrap_or(rest.len());
            match self.byte(self.at) {
                None => return,
                Some(b'\\') => self.escape(),
                Some(b'\n') if !triple => return,
                Some(b'\n') => self.line_break(),
                Some(_) => {
                    let closes = self.byte(self.at + 1) == Some(quote) && self.byte(self.at + 2) == Some(quote);
                    if triple && closes {
                        self.at += 3;
                        return;
                    }
                    self.at += 1;
                    if !triple {
                        return;
                    }
                }
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end { self.source.get(at).copied() } else { None }
    }
}

/// Bytes at which the scan of a statement stops.
static SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"\n#\\\"'()[]{}:;";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// The identifier or keyword that a text begins with.
pub(super) fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| !is_identifier_byte(*b)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Whether a byte can stand in an identifier; every byte of a letter outside ASCII can.
pub(super) fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
