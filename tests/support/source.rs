//! The project's own source files, as text that a test can hold against a rule: line by line, comments and tests apart.
//!
//! Invariant: the tests of a file of `src` are its last item, `#[cfg(test)] mod tests`; everything from there on is tests.

use std::fs;
use std::path::Path;

/// One Rust file of the project.
#[derive(Debug)]
pub struct Source {
    /// From the root of the project: `src/elf/mod.rs`.
    pub path: String,
    /// The file.
    pub text: String,
}

/// One line of code, without its comment.
#[derive(Debug)]
pub struct Line {
    /// Counts from 1.
    pub number: usize,
    /// Without comment and trailing white space; strings are whole.
    pub code: String,
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a directory of the project, by path.
pub fn sources(directory: &str) -> Vec<Source> {
    let paths = files(directory, "rs");
    paths.into_iter().map(|path| Source { text: fs::read_to_string(root().join(&path)).unwrap(), path }).collect()
}

/// The files below a directory of the project whose names end so, by path; none when there is no such directory.
pub fn files(directory: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(directory) = todo.pop() {
        let Ok(entries) = fs::read_dir(root().join(&directory)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                todo.push(path);
            } else if path.ends_with(&format!(".{extension}")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

impl Source {
    /// Its module: `elf` for `src/elf/mod.rs`; empty for `src/main.rs` and for files elsewhere.
    pub fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or_default();
        below.split_once('/').map_or("", |(module, _)| module)
    }

    /// The code, without comments and without the tests at the end.
    pub fn code(&self) -> Vec<Line> {
        let tests = self.text.find("\n#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        lines(&self.text[..tests])
    }

    /// The code, tests included, without comments.
    pub fn all_code(&self) -> Vec<Line> {
        lines(&self.text)
    }

    /// First line and length in lines of every function. rustfmt puts the last brace under the first letter.
    pub fn functions(&self) -> Vec<(usize, usize)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let mut found = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let words: Vec<&str> = line.split(['(', '<']).next().unwrap_or_default().split_whitespace().collect();
            if words.len() < 2 || words[words.len() - 2] != "fn" || line.trim_start().starts_with("//") {
                continue;
            }
            let last = format!("{}}}", " ".repeat(indent));
            let end =
                lines[at..].iter().position(|it| **it == last || (it.starts_with(&last) && it.len() == last.len()));
            if let Some(end) = end.filter(|_| !line.trim_end().ends_with(['}', ';'])) {
                found.push((at + 1, end + 1));
            }
        }
        found
    }
}

fn lines(text: &str) -> Vec<Line> {
    let numbered = text.lines().enumerate().map(|(at, line)| Line { number: at + 1, code: without_comment(line) });
    numbered.filter(|it| !it.code.is_empty()).collect()
}

fn without_comment(line: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' if !escaped && !line[..at].ends_with('\'') => inside = !inside,
            '/' if !inside && line[at..].starts_with("//") => return line[..at].trim_end().to_owned(),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    line.trim_end().to_owned()
}
