//! `.pth` files, and the finder modules that setuptools writes for editable installs.
//!
//! Invariant: code is never run; a finder whose tables are no plain literals is a gap.

use std::io;

use super::EditableFinder;
use super::answer::{Evidence, gap, unreadable};
use super::look::Look;
use crate::base::{Gap, TreePath, printable, read_range};

/// Largest `.pth` file that is read, in bytes.
const PTH_BYTES: u64 = 1 << 20;

/// One line of a `.pth` file that does something.
#[derive(Debug)]
pub(super) enum Line {
    /// A directory for `sys.path`, if it exists.
    Path { path: TreePath, because: Evidence },
    /// Code that `site` runs.
    Code { text: String, because: Evidence },
}

/// The lines of `file` that do something, as `site.addpackage` reads them.
pub(super) fn lines(view: &Look<'_>, file: &TreePath, gaps: &mut Vec<Gap>) -> Vec<Line> {
    let bytes = match read(view, file) {
        Ok(bytes) => bytes,
        Err(error) => {
            gaps.push(unreadable(file, &error, "directories that it adds to sys.path"));
            return Vec::new();
        }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut found = Vec::new();
    for (number, raw) in (1_u32..).zip(bytes.split(|b| *b == b'\n')) {
        let line = raw.trim_ascii_end();
        let because = Evidence::line(file, number, printable(line));
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if line.contains(&0) {
            // CPython reports the line and ignores the rest of the file.
            gaps.push(gap(file, format!("line {number} contains a NUL byte"), "the rest of the file"));
            break;
        }
        if line.starts_with(b"import ") || line.starts_with(b"import\t") {
            found.push(Line::Code { text: String::from_utf8_lossy(line).into_owned(), because });
        } else if let Some(directory) = file.parent() {
            let path = if line.starts_with(b"/") { TreePath::new(line) } else { directory.join(line) };
            found.push(Line::Path { path, because });
        }
    }
    found
}

/// The module that `import __editable___name_finder; __editable___name_finder.install()` installs.
pub(super) fn finder_module(line: &str) -> Option<&str> {
    let module = line.strip_prefix("import")?.trim_start();
    let end = module.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(module.len());
    let (module, _) = module.split_at_checked(end)?;
    (module.starts_with("__editable___") && module.ends_with("_finder")).then_some(module)
}

/// The tables of a finder module in `directory`.
pub(super) fn finder(
    view: &Look<'_>,
    directory: &TreePath,
    module: &str,
    because: Evidence,
    gaps: &mut Vec<Gap>,
) -> Option<EditableFinder> {
    let path = directory.join(format!("{module}.py"));
    let hides = "which modules this editable install provides";
    let text = match view.read_text(path.as_bytes()) {
        Ok(text) => text,
        Err(error) => {
            gaps.push(unreadable(&path, &error, hides));
            return None;
        }
    };
    match table(&text, "MAPPING") {
        Some(pairs) => {
            let mapping = pairs.into_iter().map(|(name, path)| (name, TreePath::new(path))).collect();
            Some(EditableFinder { path, mapping, because })
        }
        None => {
            gaps.push(gap(&path, "MAPPING is no literal of strings", hides));
            None
        }
    }
}

/// The pairs of `NAME = {'key': 'value', ...}` or `NAME: type = {...}`, in order.
fn table(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let start = text.lines().find(|it| it.starts_with(name) && it.contains('='))?;
    let at = start.as_ptr() as usize - text.as_ptr() as usize;
    let body = text.get(at..)?.split_once('=')?.1.trim_start().strip_prefix('{')?;
    let mut rest = body.trim_start();
    let mut pairs = Vec::new();
    loop {
        if rest.starts_with('}') {
            return Some(pairs);
        }
        let (key, after) = string(rest)?;
        let (value, after) = string(after.trim_start().strip_prefix(':')?.trim_start())?;
        pairs.push((key, value));
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
}

/// A Python string literal without prefix, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            c if c == quote => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(characters.next().map(|it| it.1).filter(|c| matches!(c, '\\' | '\'' | '"'))?),
            '\n' => return None,
            c => value.push(c),
        }
    }
    None
}

fn read(view: &Look<'_>, file: &TreePath) -> io::Result<Vec<u8>> {
    let open = view.open(file.as_bytes())?;
    if PTH_BYTES < open.size_bytes() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 1 MiB"));
    }
    read_range(&*open, 0, open.size_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_tables_of_a_finder() {
        let text =
            "NAME = 'x'\nMAPPING: dict[str, str] = {'foo': '/src/it\\'s/foo', \"bar\": '/src/bar',}\nNAMESPACES = {}";
        let expected = [("foo", "/src/it's/foo"), ("bar", "/src/bar")];
        let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
        assert_eq!(table(text, "MAPPING"), Some(expected));
        assert_eq!(table("MAPPING = {}", "MAPPING"), Some(Vec::new()));
        assert_eq!(table("MAPPING = {'a': f()}", "MAPPING"), None);
        assert_eq!(table("MAPPING = {'a': 'b", "MAPPING"), None);
        assert_eq!(table("MAPPING = {'a': 'b'", "MAPPING"), None);
    }

    #[test]
    fn knows_a_finder_line() {
        let line = "import __editable___foo_1_0_finder; __editable___foo_1_0_finder.install()";
        assert_eq!(finder_module(line), Some("__editable___foo_1_0_finder"));
        assert_eq!(finder_module("import os; os.x()"), None);
    }
}
