//! What the pages about one process were asked: the target, how to ask again, and where most of its paths begin.

use super::places::Names;

/// What was asked, for the text of `loads` and `why`. It is no part of their JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The target as it was written.
    pub target: String,
    /// Arguments that ask about the same process again: `--root DIR /home/ada/sim`.
    pub again: String,
    /// `sys.prefix`.
    pub prefix: String,
    /// Its first site directory.
    pub site: Option<String>,
    /// The tag in the names of its extensions: `cpython-311-x86_64-linux-gnu`.
    pub soabi: Option<String>,
}

impl Asked {
    /// The command that asks `why` about `name`.
    pub(super) fn why(&self, name: &str) -> String {
        let again = if self.again.is_empty() { String::new() } else { format!(" {}", self.again) };
        format!("pyhpc-audit why {}{again}", quoted(name))
    }

    pub(super) fn names(&self) -> Names {
        Names::new(Some(&self.prefix), self.site.as_deref(), self.soabi.as_deref())
    }
}

/// `word` as a shell reads it as one word.
pub fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-+@,:=%".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
