//! `pyvenv.cfg`, read as CPython reads it (`Modules/getpath.py`, `Lib/site.py`).

use super::answer::{Evidence, gap, is_absent, numbered, unreadable};
use super::look::Look;
use crate::base::{Gap, TreePath};

/// The configuration of a virtual environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The file.
    pub path: TreePath,
    /// Its settings in order: key in lower case, value, line.
    pub settings: Vec<(String, String, u32)>,
}

impl Configuration {
    /// The first setting of `key`: `getpath` stops at the first `home`.
    pub fn first(&self, key: &str) -> Option<(&str, Evidence)> {
        self.settings.iter().find(|it| it.0 == key).map(|it| self.setting(it))
    }

    /// The last setting of `key`: `site` reads on to the end.
    pub fn last(&self, key: &str) -> Option<(&str, Evidence)> {
        self.settings.iter().rev().find(|it| it.0 == key).map(|it| self.setting(it))
    }

    fn setting<'a>(&self, it: &'a (String, String, u32)) -> (&'a str, Evidence) {
        (it.1.as_str(), Evidence::line(&self.path, it.2, format!("{} = {}", it.0, it.1)))
    }
}

/// The configuration that makes `executable` part of a virtual environment: one directory above it, else beside it.
pub(super) fn read(view: &Look<'_>, executable: &TreePath, gaps: &mut Vec<Gap>) -> Option<Configuration> {
    let directory = executable.parent()?;
    let above = directory.parent();
    above.into_iter().chain([directory]).find_map(|it| parse(view, &it.join("pyvenv.cfg"), gaps))
}

fn parse(view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Configuration> {
    let text = match view.read_text(path.as_bytes()) {
        Ok(text) => text,
        Err(error) => {
            if !is_absent(&error) {
                gaps.push(unreadable(path, &error, "whether this is a virtual environment, and of which Python"));
            }
            return None;
        }
    };
    let mut settings = Vec::new();
    for (number, line) in numbered(&text) {
        match line.split_once('=') {
            Some((key, value)) => settings.push((key.trim().to_lowercase(), value.trim().to_owned(), number)),
            None if line.trim().is_empty() || line.trim_start().starts_with('#') => {}
            None => {
                let line = crate::base::printable(line.as_bytes());
                gaps.push(gap(path, format!("line {number} is no `key = value`: {line}"), "what the line was to set"));
            }
        }
    }
    if !settings.iter().any(|it| it.0 == "home") {
        gaps.push(gap(path, "no line sets home", "which Python the virtual environment is based on"));
    }
    Some(Configuration { path: path.clone(), settings })
}
