//! Which entry of the profile is meant: by partition, by module name, by path.

use super::{Filesystem, Installed, Module, Node, Site, Stated};
use crate::base::Glob;

/// What a job asks for that tells node types apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// A partition, or several with commas between.
    pub partition: Option<String>,
    /// A queue.
    pub queue: Option<String>,
    /// A constraint: one feature, or several joined with `&`, `|` or `,`.
    pub constraint: Option<String>,
    /// A host, or several with commas between.
    pub host: Option<String>,
}

impl Site {
    /// The type of node that a job gets which asks for `selection`.
    ///
    /// The type that most of the request names; without one, the only type or the one with `default = true`, unless it
    /// says that it stands in other partitions or queues.
    ///
    /// # Errors
    /// Why it cannot be told, and which line of the profile would decide it.
    pub fn node(&self, selection: &Selection) -> Result<&Node, String> {
        if self.nodes.is_empty() {
            return Err(format!("{} describes no node; a table [node.NAME] would decide it", self.path));
        }
        let matches = |node: &Node| Asked::of(node, selection).iter().filter(|it| it.matched()).count();
        let most = self.nodes.values().map(matches).max().unwrap_or(0);
        if most > 0 {
            let best: Vec<&Node> = self.nodes.values().filter(|it| matches(it) == most).collect();
            return one(&best).ok_or_else(|| self.undecided(selection, "matches", &best));
        }
        let candidates: Vec<&Node> = match self.nodes.len() {
            1 => self.nodes.values().collect(),
            _ => self.nodes.values().filter(|it| it.default.as_ref().is_some_and(|it| it.value)).collect(),
        };
        let Some(node) = one(&candidates) else {
            let nodes: Vec<&Node> = self.nodes.values().collect();
            return Err(self.undecided(selection, "could be", &nodes));
        };
        match Asked::of(node, selection).into_iter().find(|it| it.excludes && !it.matched()) {
            Some(asked) => Err(format!(
                "no node type of {} lists {} \"{}\"; a line {} = [\"{}\"] in its [node.NAME] would decide it",
                self.path, asked.key, asked.wanted, asked.key, asked.wanted
            )),
            None => Ok(node),
        }
    }

    /// What the profile says of a module: an entry of that name, of its name without version, or a glob, the longest first.
    pub fn module(&self, name: &str) -> Option<&Module> {
        let shorter = std::iter::successors(Some(name), |it| it.rsplit_once('/').map(|(name, _)| name));
        if let Some(module) = shorter.into_iter().find_map(|it| self.modules.get(it)) {
            return Some(module);
        }
        let globs = self.modules.values().filter(|it| it.name.contains(['*', '?', '[']));
        globs.filter(|it| Glob::new(&it.name).matches(name.as_bytes())).max_by_key(|it| it.name.len())
    }

    /// The software that a path belongs to.
    pub fn installed(&self, path: &str) -> Option<&Installed> {
        self.installed.iter().filter(|it| is_below(path, &it.prefix)).max_by_key(|it| it.prefix.len())
    }

    /// The file system that holds a path.
    pub fn filesystem(&self, path: &str) -> Option<&Filesystem> {
        self.filesystems.values().filter(|it| is_below(path, &it.mount)).max_by_key(|it| it.mount.len())
    }

    fn undecided(&self, selection: &Selection, verb: &str, nodes: &[&Node]) -> String {
        let asked = [
            ("partition", &selection.partition),
            ("queue", &selection.queue),
            ("constraint", &selection.constraint),
            ("host", &selection.host),
        ];
        let asked: Vec<String> =
            asked.iter().filter_map(|(key, it)| it.as_ref().map(|it| format!("{key} \"{it}\""))).collect();
        let asked = if asked.is_empty() { "a job that names no partition".to_owned() } else { asked.join(" with ") };
        let nodes: Vec<String> = nodes.iter().map(|it| format!("[node.{}]", it.name)).collect();
        format!(
            "{asked} {verb} {} of {}; a line default = true in one of them, or partition, queue, constraint or host that \
             only one lists, would decide it",
            nodes.join(", "),
            self.path
        )
    }
}

/// One part of a request beside what a node type lists for it.
struct Asked<'a> {
    key: &'static str,
    wanted: &'a str,
    listed: &'a Stated<Vec<String>>,
    /// A node stands in the partitions that are listed and in no others; of features a list may be incomplete.
    excludes: bool,
}

impl<'a> Asked<'a> {
    fn of(node: &'a Node, selection: &'a Selection) -> Vec<Self> {
        let rows = [
            ("partition", &selection.partition, &node.partition, true),
            ("queue", &selection.queue, &node.queue, true),
            ("constraint", &selection.constraint, &node.constraint, false),
            ("host", &selection.host, &node.host, true),
        ];
        let both = |(key, wanted, listed, excludes): (_, &'a Option<String>, &'a Option<_>, _)| {
            Some(Self { key, wanted: wanted.as_deref()?, listed: listed.as_ref()?, excludes })
        };
        rows.into_iter().filter_map(both).collect()
    }

    fn matched(&self) -> bool {
        let words = self.wanted.split([',', '&', '|', '(', ')', ' ']).filter(|it| !it.is_empty());
        let listed = |word: &str| self.listed.value.iter().any(|it| Glob::new(it).matches(word.as_bytes()));
        words.into_iter().any(listed)
    }
}

fn one<'a>(nodes: &[&'a Node]) -> Option<&'a Node> {
    match nodes {
        [node] => Some(node),
        _ => None,
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
