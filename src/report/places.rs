//! How places are written for people: `$prefix/lib/x.so`, `job.sh:12`, `x.so@0x40`.

use crate::facts::{Evidence, Facts};

/// A directory shorter than this stays as it is: a name for it would save nothing.
const LEAST_NAMED_BYTES: usize = 16;

/// Names for the directories that most paths of a target begin with.
pub(super) struct Names {
    /// Name and directory, the longest directory first.
    known: Vec<(&'static str, String)>,
    /// The tag in the names of extensions.
    soabi: Option<String>,
}

impl Names {
    /// `prefix` for `sys.prefix`, `site` for its first site directory.
    pub(super) fn of(facts: &Facts) -> Self {
        let python = &facts.environment.python;
        let site = python.path.value().and_then(|entries| {
            entries.iter().find(|it| it.origin == "site").or(entries.iter().find(|it| it.origin == "base-site"))
        });
        let prefix = python.prefix.value().map(String::as_str);
        Self::new(prefix, site.map(|it| it.path.as_str()), None)
    }

    /// The same, and `soabi` for the tag in the names of extensions.
    pub(super) fn new(prefix: Option<&str>, site: Option<&str>, soabi: Option<&str>) -> Self {
        let mut known: Vec<(&'static str, String)> = Vec::new();
        known.extend(prefix.map(|it| ("prefix", it.to_owned())));
        known.extend(site.map(|it| ("site", it.to_owned())));
        known.retain(|(_, directory)| LEAST_NAMED_BYTES <= directory.len() && is_harmless(directory));
        known.sort_by_key(|(_, directory)| std::cmp::Reverse(directory.len()));
        let harmless = |it: &&str| LEAST_NAMED_BYTES <= it.len() && is_harmless(&format!("/{it}"));
        Self { known, soabi: soabi.filter(harmless).map(str::to_owned) }
    }

    /// `path`, relative to a named directory where it lies in one.
    pub(super) fn short(&self, path: &str) -> String {
        for (name, directory) in &self.known {
            if let Some(rest) = path.strip_prefix(directory.as_str())
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return self.short_tag(&format!("${name}{rest}"));
            }
        }
        self.short_tag(path)
    }

    /// A file name with the tag of extensions written short.
    pub(super) fn short_tag(&self, name: &str) -> String {
        let stem = self.soabi.as_ref().and_then(|it| name.strip_suffix(&format!(".{it}.so")));
        stem.map_or_else(|| name.to_owned(), |it| format!("{it}.$soabi.so"))
    }

    /// `text` with every path in it that lies in a named directory written short.
    pub(super) fn short_inside(&self, text: &str) -> String {
        let text = self
            .known
            .iter()
            .fold(text.to_owned(), |text, (name, directory)| replaced(&text, directory, &format!("${name}")));
        match &self.soabi {
            Some(tag) => text.replace(&format!(".{tag}.so"), ".$soabi.so"),
            None => text,
        }
    }

    /// The names that `text` uses, as shell assignments: pasted into a shell, they make every short path work.
    pub(super) fn assignments(&self, text: &str) -> Vec<String> {
        let uses = |name: &str| text.contains(&format!("${name}"));
        let mut lines = Vec::new();
        for (at, (name, directory)) in self.known.iter().enumerate().rev() {
            let outer = Self { known: self.known.get(at + 1..).unwrap_or_default().to_vec(), soabi: None };
            let value = outer.short(directory);
            let used_by_longer = self
                .known
                .get(..at)
                .unwrap_or_default()
                .iter()
                .any(|(longer, inside)| uses(longer) && inside.starts_with(directory.as_str()));
            if uses(name) || used_by_longer {
                lines.push(format!("{name}={value}"));
            }
        }
        lines.extend(self.soabi.iter().filter(|_| uses("soabi")).map(|it| format!("soabi={it}")));
        lines
    }

    /// The place of `evidence` with what stands there.
    pub(super) fn evidence(&self, evidence: &Evidence) -> String {
        let place = self.place(evidence);
        match (place.is_empty(), evidence.text.is_empty()) {
            (true, _) => self.short_inside(&evidence.text),
            (false, true) => place,
            (false, false) => format!("{place}: {}", self.short_inside(&evidence.text)),
        }
    }

    fn place(&self, evidence: &Evidence) -> String {
        let path = self.short(&evidence.path);
        match (evidence.line, evidence.offset) {
            (Some(line), _) => format!("{path}:{line}"),
            (None, Some(offset)) => format!("{path}@{offset:#x}"),
            (None, None) => path,
        }
    }
}

/// Whether a shell reads `directory` as one plain word: only then is an assignment of it fit to be pasted.
fn is_harmless(directory: &str) -> bool {
    directory.starts_with('/')
        && directory
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, '/' | '.' | '_' | '-' | '+' | '@' | ','))
}

/// `text` with `directory` replaced where it begins a path and where no longer name begins with it.
fn replaced(text: &str, directory: &str, name: &str) -> String {
    let in_path = |it: char| it.is_alphanumeric() || matches!(it, '/' | '.' | '_' | '-' | '+');
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(directory) {
        let begins = !before.chars().next_back().or(result.chars().next_back()).is_some_and(in_path);
        let ends = after.is_empty() || after.starts_with('/') || !after.starts_with(in_path);
        result.push_str(before);
        result.push_str(if begins && ends { name } else { directory });
        rest = after;
    }
    result.push_str(rest);
    result
}

/// The last element of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
