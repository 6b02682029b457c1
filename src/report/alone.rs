//! What the loader finds for each extension by itself: `loads --alone`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counts::plural;
use super::json::document;
use super::layout::{Paper, Tone};
use super::places::{Names, file_name};
use super::{Asked, Look, Verbosity};

/// What the loader finds for each extension alone, as `ldd` would ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AloneReport {
    /// Always `pyhpc-alone/1`.
    pub schema: &'static str,
    /// Per extension: soname to path, null when it is found nowhere.
    pub objects: BTreeMap<String, Answers>,
    /// What was asked.
    #[serde(skip)]
    pub asked: Asked,
}

/// Soname to path, null when it is found nowhere.
type Answers = BTreeMap<String, Option<String>>;

impl AloneReport {
    /// The `schema` of this report.
    pub const SCHEMA: &'static str = "pyhpc-alone/1";

    /// As JSON.
    pub fn json(&self) -> String {
        document(self)
    }

    /// For people: extensions that get the same stand together, those that miss something come last, where a terminal
    /// ends.
    pub fn text(&self, look: &Look) -> String {
        let names = self.asked.names();
        let mut body = Paper::new(look);
        let groups = self.groups(look);
        let (complete, incomplete): (Vec<_>, Vec<_>) = groups.into_iter().partition(|it| it.missing().is_empty());
        for group in complete.iter().chain(&incomplete) {
            group.write(&names, &mut body);
        }
        self.next(&mut body);
        let body = body.into_text();
        let mut paper = Paper::new(look);
        let (tone, summary) = self.summary();
        if !self.asked.target.is_empty() {
            paper.put(0, 2, &[(Tone::Strong, &self.asked.target), (Tone::Strong, ": "), (tone, &summary)]);
        }
        let assignments = names.assignments(&body);
        if !assignments.is_empty() {
            paper.labelled("where", &assignments.join("; "));
        }
        paper.blank();
        paper.ready(&body);
        paper.blank();
        paper.put(0, 2, &[(tone, &summary)]);
        paper.into_text()
    }

    /// Extensions with the same answers, in the order of the first of each; every one by itself when all is told.
    fn groups(&self, look: &Look) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut known: BTreeMap<&Answers, usize> = BTreeMap::new();
        for (extension, answers) in &self.objects {
            let same = known.get(answers).and_then(|at| groups.get_mut(*at));
            match same.filter(|_| look.verbosity == Verbosity::Terse) {
                Some(group) => group.extensions.push(extension),
                None => {
                    known.insert(answers, groups.len());
                    groups.push(Group { extensions: vec![extension], answers });
                }
            }
        }
        groups
    }

    fn missing(&self) -> Vec<&str> {
        let absent = self.objects.values().flatten().filter(|(_, path)| path.is_none());
        let mut sonames: Vec<&str> = absent.map(|(soname, _)| soname.as_str()).collect();
        sonames.sort_unstable();
        sonames.dedup();
        sonames
    }

    fn summary(&self) -> (Tone, String) {
        let all = plural(self.objects.len(), "extension");
        let incomplete = self.objects.values().filter(|it| it.values().any(Option::is_none)).count();
        match incomplete {
            0 => (Tone::Good, format!("{all}, each finds everything by itself")),
            1 => (Tone::Error, format!("{all}, 1 misses something")),
            many => (Tone::Error, format!("{all}, {many} miss something")),
        }
    }

    /// What to ask next.
    fn next(&self, paper: &mut Paper<'_>) {
        let missing = self.missing();
        if missing.is_empty() {
            return;
        }
        paper.blank();
        paper.put(0, 2, &[(Tone::Faint, "where copies lie, and what would have to change:")]);
        for soname in missing {
            paper.verbatim(4, Tone::Plain, &self.asked.why(soname));
        }
    }
}

/// Extensions that get the same.
struct Group<'a> {
    extensions: Vec<&'a str>,
    answers: &'a Answers,
}

impl Group<'_> {
    fn missing(&self) -> Vec<&str> {
        self.answers.iter().filter(|(_, path)| path.is_none()).map(|(soname, _)| soname.as_str()).collect()
    }

    fn write(&self, names: &Names, paper: &mut Paper<'_>) {
        paper.blank();
        let mut directories: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for extension in &self.extensions {
            let (directory, name) = extension.rsplit_once('/').unwrap_or(("", extension));
            directories.entry(directory).or_default().push(names.short_tag(name));
        }
        for (directory, files) in &directories {
            match files.as_slice() {
                [one] => paper.put(0, 2, &[(Tone::Strong, &format!("{}/{one}", names.short(directory)))]),
                several => {
                    let stem = |it: &String| it.split('.').next().unwrap_or_default().to_owned();
                    let stems: Vec<String> = several.iter().map(stem).collect();
                    let head = format!("{}: {}", names.short(directory), plural(several.len(), "extension"));
                    paper.put(0, 2, &[(Tone::Strong, &head), (Tone::Plain, &format!(": {}", stems.join(", ")))]);
                }
            }
        }
        for (soname, path) in self.answers {
            match path {
                Some(path) if file_name(path) == soname => {
                    paper.put(4, 8, &[(Tone::Plain, &names.short(path))]);
                }
                Some(path) => paper.put(4, 8, &[(Tone::Plain, &format!("{soname} => {}", names.short(path)))]),
                None => paper.put(4, 8, &[(Tone::Plain, &format!("{soname} => ")), (Tone::Error, "found nowhere")]),
            }
        }
    }
}
