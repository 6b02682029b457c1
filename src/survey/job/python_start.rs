//! The interpreter that a launch line starts, its options, and where the program is that it runs.

use crate::job::{Command, Place, Word};

/// How a line starts Python.
#[derive(Debug, Clone)]
pub(super) struct PythonStart {
    /// The word of the interpreter.
    pub(super) interpreter: Word,
    /// What it runs.
    pub(super) program: Program,
    /// `-s`, or `-I`: no user site.
    pub(super) no_user_site: bool,
    /// `-E`, or `-I`: no variable of Python's own counts.
    pub(super) ignores_variables: bool,
    /// `-P`, or `-I`: the directory of the program is not searched.
    pub(super) safe_path: bool,
}

/// What Python runs.
#[derive(Debug, Clone)]
pub(super) enum Program {
    /// A file, as written.
    File(Word),
    /// A module, as written.
    Module(Word),
    /// Text in the script: its first line, and the text.
    Text(Place, String),
    /// Nothing that can be read.
    Open(Place, String),
}

/// Letters of options that take the rest of the word or the next word.
const WITH_VALUE: [char; 3] = ['W', 'X', 'Q'];

/// Reads the words of an interpreter.
pub(super) fn python_start(words: &[Word], command: &Command) -> Option<PythonStart> {
    let (interpreter, rest) = words.split_first()?;
    let mut start = PythonStart {
        interpreter: interpreter.clone(),
        program: Program::Open(interpreter.place.clone(), "it runs no program".to_owned()),
        no_user_site: false,
        ignores_variables: false,
        safe_path: false,
    };
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        at += 1;
        let Some(text) = word.value.text() else {
            start.program = Program::Open(word.place.clone(), format!("{} is not known", word.value.display()));
            return Some(start);
        };
        match text.strip_prefix('-') {
            Some("") => start.program = from_stdin(command, word),
            Some("-") => continue,
            Some(long) if long.starts_with('-') => {
                at += usize::from(long == "-check-hash-based-pycs");
                continue;
            }
            Some(letters) => match start.letters(letters, word, rest.get(at)) {
                Options::Go { next } => {
                    at += usize::from(next);
                    continue;
                }
                Options::End => {}
            },
            None => start.program = Program::File(word.clone()),
        }
        return Some(start);
    }
    start.program = from_stdin(command, interpreter);
    Some(start)
}

enum Options {
    /// Further options follow; whether the next word is a value of this one.
    Go { next: bool },
    /// The program was named.
    End,
}

impl PythonStart {
    fn letters(&mut self, letters: &str, word: &Word, next: Option<&Word>) -> Options {
        for (index, letter) in letters.char_indices() {
            let attached = letters.get(index + letter.len_utf8()..).unwrap_or_default();
            match letter {
                's' => self.no_user_site = true,
                'E' => self.ignores_variables = true,
                'P' => self.safe_path = true,
                'I' => (self.no_user_site, self.ignores_variables, self.safe_path) = (true, true, true),
                'm' | 'c' => {
                    self.program = argument(letter, attached, word, next);
                    return Options::End;
                }
                other if WITH_VALUE.contains(&other) => return Options::Go { next: attached.is_empty() },
                _ => {}
            }
        }
        Options::Go { next: false }
    }
}

/// The argument of `-m` and `-c`.
fn argument(letter: char, attached: &str, word: &Word, next: Option<&Word>) -> Program {
    let value = if attached.is_empty() {
        next.cloned()
    } else {
        let mut own = word.clone();
        own.value = crate::job::Value::known(attached, &word.place);
        Some(own)
    };
    match (letter, value) {
        (_, None) => Program::Open(word.place.clone(), "its argument is missing".to_owned()),
        ('m', Some(module)) => Program::Module(module),
        (_, Some(code)) => match code.value.text() {
            Some(text) => Program::Text(code.place, text),
            None => Program::Open(code.place, "the code is not known".to_owned()),
        },
    }
}

fn from_stdin(command: &Command, word: &Word) -> Program {
    let Some(text) = &command.stdin else {
        return Program::Open(word.place.clone(), "it reads its program from standard input".to_owned());
    };
    match text.value.text() {
        Some(known) => Program::Text(text.place.clone(), known),
        None => Program::Open(text.place.clone(), "parts of the program are not known".to_owned()),
    }
}
