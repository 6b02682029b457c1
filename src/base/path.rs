//! Paths inside the scanned tree: bytes, not text, because a file name need not be UTF-8.

use std::fmt;

/// An absolute path inside the scanned tree, without `.`, `..` and doubled slashes.
///
/// Invariant: begins with `/`; only the root ends with one. Prints lossily: bytes that are not UTF-8 as `%XX`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// The root of the tree.
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// `raw` read as an absolute path. `.` and empty elements vanish; `..` removes the element before it
    /// by name, without asking the file system: use `tree::View::resolve` where links matter.
    pub fn new(raw: impl AsRef<[u8]>) -> Self {
        Self::root().join(raw)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// This path followed by `rest`; an absolute `rest` is taken relative to the root.
    pub fn join(&self, rest: impl AsRef<[u8]>) -> Self {
        let rest = rest.as_ref();
        let mut bytes = if rest.first() == Some(&b'/') { Vec::new() } else { self.0.clone() };
        if bytes == b"/" {
            bytes.clear();
        }
        for element in rest.split(|b| *b == b'/') {
            match element {
                b"" | b"." => {}
                b".." => bytes.truncate(bytes.iter().rposition(|b| *b == b'/').unwrap_or(0)),
                name => {
                    bytes.push(b'/');
                    bytes.extend_from_slice(name);
                }
            }
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        Self(bytes)
    }

    /// The directory that holds this path; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0 == b"/" {
            return None;
        }
        let cut = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(Self(self.0.get(..cut.max(1)).unwrap_or(b"/").to_vec()))
    }

    /// The last element, empty at the root.
    pub fn file_name(&self) -> &[u8] {
        let cut = self.0.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        self.0.get(cut..).unwrap_or_default()
    }

    /// Whether this path is `directory` or lies below it.
    pub fn is_below(&self, directory: &Self) -> bool {
        self.relative_to(directory).is_some()
    }

    /// The bytes after `directory/`; `None` when this path is not below `directory`.
    pub fn relative_to(&self, directory: &Self) -> Option<&[u8]> {
        if directory.0 == b"/" {
            return self.0.get(1..);
        }
        match self.0.strip_prefix(directory.0.as_slice())? {
            b"" => Some(b""),
            rest => rest.strip_prefix(b"/"),
        }
    }

    /// The elements from the root downwards.
    pub fn elements(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|element| !element.is_empty())
    }

    /// Text for people and reports.
    pub fn text(&self) -> String {
        printable(&self.0)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.text())
    }
}

/// `bytes` as text: invalid UTF-8 and control characters as `%XX`, so that no terminal obeys a file name.
/// Where the name as a whole is not UTF-8, `%` itself is written `%25`, so that two names never print alike.
pub fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        Ok(text) => text.chars().map(|c| if c.is_control() { escaped(c) } else { c.to_string() }).collect(),
        Err(_) => bytes
            .iter()
            .map(|b| {
                if b.is_ascii_graphic() && *b != b'%' || *b == b' ' {
                    char::from(*b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect(),
    }
}

fn escaped(control: char) -> String {
    let mut buffer = [0; 4];
    control.encode_utf8(&mut buffer).bytes().map(|b| format!("%{b:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(TreePath::new(raw).text(), expected);
    }

    #[test]
    fn normalises_by_name() {
        check("/a//b/./c/", "/a/b/c");
        check("/a/../../b", "/b");
        check("", "/");
        check("a/b", "/a/b");
    }

    #[test]
    fn knows_its_family() {
        let path = TreePath::new("/usr/lib/x.so");
        assert_eq!(path.parent(), Some(TreePath::new("/usr/lib")));
        assert_eq!(path.file_name(), b"x.so");
        assert_eq!(TreePath::new("/a").parent(), Some(TreePath::root()));
        assert_eq!(TreePath::root().parent(), None);
        assert!(path.is_below(&TreePath::new("/usr")));
        assert!(!TreePath::new("/usrx").is_below(&TreePath::new("/usr")));
        assert_eq!(path.relative_to(&TreePath::root()), Some(b"usr/lib/x.so".as_slice()));
    }

    #[test]
    fn prints_hostile_names_harmlessly() {
        assert_eq!(TreePath::new(b"/a\x1b[31m").text(), "/a%1B[31m");
        assert_eq!(TreePath::new(b"/100%\xff").text(), "/100%25%FF");
    }
}
