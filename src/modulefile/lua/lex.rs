//! Words of Lua 5.3 (reference manual, 3.1).

/// A word and its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) line: u32,
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A name or a reserved word.
    Name(String),
    Text(String),
    Number(f64, String),
    Sign(&'static str),
    /// Something that no word begins with; the rest is not read.
    Wrong(String),
    End,
}

/// Signs, the longest first.
const SIGNS: [&str; 33] = [
    "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..", "+", "-", "*", "/", "%", "^", "#", "&", "~", "|", "<",
    ">", "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", ".",
];

/// All words of a text; the last is [`What::End`] or [`What::Wrong`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    let mut found = Vec::new();
    loop {
        lexer.space();
        let line = lexer.line;
        let what = lexer.token().unwrap_or_else(What::Wrong);
        let last = matches!(what, What::End | What::Wrong(_));
        found.push(Token { what, line });
        if last {
            return found;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        self.line += u32::from(letter == '\n');
        Some(letter)
    }

    fn skip(&mut self, bytes: usize) {
        let end = self.at + bytes;
        while self.at < end && self.take().is_some() {}
    }

    /// Blanks and comments. A long comment that does not end is the rest of the text.
    fn space(&mut self) {
        loop {
            while self.peek().is_some_and(char::is_whitespace) {
                self.take();
            }
            if !self.rest().starts_with("--") {
                return;
            }
            self.skip(2);
            if self.long().is_none() {
                while self.peek().is_some_and(|it| it != '\n') {
                    self.take();
                }
            }
        }
    }

    fn token(&mut self) -> Result<What, String> {
        let Some(first) = self.peek() else { return Ok(What::End) };
        if first.is_ascii_alphabetic() || first == '_' {
            let name: String = self.rest().chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
            self.skip(name.len());
            return Ok(What::Name(name));
        }
        let second = self.rest().chars().nth(1);
        if first.is_ascii_digit() || first == '.' && second.is_some_and(|it| it.is_ascii_digit()) {
            return self.number();
        }
        match first {
            '"' | '\'' => self.short(first),
            '[' if matches!(second, Some('[' | '=')) => match self.long() {
                Some(text) => text.map(What::Text),
                None => {
                    self.take();
                    Ok(What::Sign("["))
                }
            },
            _ => {
                let sign = SIGNS.iter().find(|it| self.rest().starts_with(**it));
                let Some(sign) = sign else { return Err(format!("{first} begins no word")) };
                self.skip(sign.len());
                Ok(What::Sign(sign))
            }
        }
    }

    fn number(&mut self) -> Result<What, String> {
        let letters = |it: &char| it.is_ascii_alphanumeric() || *it == '.';
        let written: String = self.rest().chars().take_while(letters).collect();
        self.skip(written.len());
        let whole = written.strip_prefix("0x").or_else(|| written.strip_prefix("0X"));
        let value = match whole {
            Some(hex) => u32::from_str_radix(hex, 16).map(f64::from).map_err(|error| error.to_string()),
            None => written.parse::<f64>().map_err(|error| error.to_string()),
        };
        value
            .map(|it| What::Number(it, written.clone()))
            .map_err(|_| format!("{written} is no number that is read here"))
    }

    fn short(&mut self, quote: char) -> Result<What, String> {
        self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None | Some('\n') => return Err("a quote is missing".to_owned()),
                Some(letter) if letter == quote => return Ok(What::Text(text)),
                Some('\\') => self.escape(&mut text)?,
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        let Some(letter) = self.take() else { return Err("a quote is missing".to_owned()) };
        text.push(match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' | '"' | '\'' | '\n' => letter,
            'z' => {
                while self.peek().is_some_and(char::is_whitespace) {
                    self.take();
                }
                return Ok(());
            }
            '0'..='9' => {
                let more: String = self.rest().chars().take(2).take_while(char::is_ascii_digit).collect();
                self.skip(more.len());
                let code = format!("{letter}{more}").parse::<u8>().map_err(|_| "a letter without a code".to_owned())?;
                char::from(code)
            }
            other => return Err(format!("\\{other} is not read here")),
        });
        Ok(())
    }

    /// Text between long brackets, where one begins here.
    fn long(&mut self) -> Option<Result<String, String>> {
        let level = self.rest().strip_prefix('[')?.bytes().take_while(|it| *it == b'=').count();
        let behind = self.rest().get(level + 1..)?;
        if !behind.starts_with('[') {
            return None;
        }
        self.skip(level + 2);
        let closing = format!("]{}]", "=".repeat(level));
        let Some(end) = self.rest().find(&closing) else {
            self.skip(self.rest().len());
            return Some(Err("a long bracket is missing".to_owned()));
        };
        let text = self.rest().get(..end).unwrap_or_default();
        let text = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text).to_owned();
        self.skip(end + closing.len());
        Some(Ok(text))
    }
}
