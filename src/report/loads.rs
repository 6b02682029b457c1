//! What one process maps, in order, and why: `loads`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Look;
use super::counts::plural;
use super::json::document;
use super::layout::{Paper, Tone};
use crate::facts::Gap;

/// What one process maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadsReport {
    /// Always `pyhpc-loads/1`.
    pub schema: &'static str,
    /// The start of the interpreter, then the imports, in order.
    pub events: Vec<LoadEvent>,
    /// What is found nowhere.
    pub missing: Vec<MissingObject>,
    /// What could not be read or decided.
    pub gaps: Vec<Gap>,
}

impl LoadsReport {
    /// The `schema` of this report.
    pub const SCHEMA: &'static str = "pyhpc-loads/1";
}

/// Something that maps objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadEvent {
    /// `exec` for the interpreter itself, else the import.
    pub import: String,
    /// In the order in which the loader maps them.
    pub objects: Vec<LoadedObject>,
}

/// One mapped object, or one that was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedObject {
    /// The real file.
    pub path: String,
    /// Its DT_SONAME, empty when it has none.
    pub soname: String,
    /// The object that asked for it, empty when none did.
    pub needed_by: String,
    /// How it was found: `rpath`, `runpath`, `cache`, ...
    pub via: String,
}

/// Something that the loader does not find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingObject {
    /// The object that asks.
    pub needed_by: String,
    /// What it asks for.
    pub soname: String,
    /// Places tried, in order.
    pub searched: Vec<String>,
}

/// What the loader finds for each extension alone, as `ldd` would ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AloneReport {
    /// Always `pyhpc-alone/1`.
    pub schema: &'static str,
    /// Per extension: soname to path, null when it is found nowhere.
    pub objects: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

impl AloneReport {
    /// The `schema` of this report.
    pub const SCHEMA: &'static str = "pyhpc-alone/1";

    /// As JSON.
    pub fn json(&self) -> String {
        document(self)
    }

    /// For people: every extension with what it gets.
    pub fn text(&self, look: &Look) -> String {
        let mut paper = Paper::new(look);
        for (extension, sonames) in &self.objects {
            paper.put(0, 2, &[(Tone::Strong, extension)]);
            for (soname, path) in sonames {
                match path {
                    Some(path) => paper.put(4, 8, &[(Tone::Plain, &format!("{soname} => {path}"))]),
                    None => paper.put(4, 8, &[(Tone::Plain, &format!("{soname} => ")), (Tone::Error, "found nowhere")]),
                }
            }
        }
        paper.into_text()
    }
}

/// The report as JSON.
pub fn loads_json(report: &LoadsReport) -> String {
    document(report)
}

/// The report for people: one object per line in load order, with who needs it and how it was found.
pub fn loads_text(report: &LoadsReport, look: &Look) -> String {
    let mut paper = Paper::new(look);
    let mut count = 0;
    for event in &report.events {
        paper.blank();
        let title = if event.import == "exec" {
            "start of the interpreter".to_owned()
        } else {
            format!("import {}", event.import)
        };
        paper.put(0, 2, &[(Tone::Strong, &title)]);
        if event.objects.is_empty() {
            paper.put(4, 8, &[(Tone::Faint, "nothing new")]);
        }
        for object in &event.objects {
            if object.via != "already-loaded" {
                count += 1;
            }
            loaded(object, count, &mut paper);
        }
    }
    missing(&report.missing, &mut paper);
    gaps(&report.gaps, &mut paper);
    paper.blank();
    let missing_count = match report.missing.len() {
        0 => "nothing missing".to_owned(),
        many => format!("{many} missing"),
    };
    let line = format!("{} mapped, {}, {}", plural(count, "object"), missing_count, plural(report.gaps.len(), "gap"));
    paper.put(0, 2, &[(if report.missing.is_empty() { Tone::Good } else { Tone::Error }, &line)]);
    paper.into_text()
}

fn loaded(object: &LoadedObject, number: usize, paper: &mut Paper<'_>) {
    let already = object.via == "already-loaded";
    let number = if already { "   =".to_owned() } else { format!("{number:>4}") };
    let by = match object.needed_by.as_str() {
        "" => String::new(),
        by => format!(", for {}", super::places::file_name(by)),
    };
    let how = if already { format!("already loaded{by}") } else { format!("via {}{by}", object.via) };
    let how = match object.soname.as_str() {
        "" => how,
        soname if soname == super::places::file_name(&object.path) => how,
        soname => format!("{how}, as {soname}"),
    };
    paper.numbered(&number, &object.path, &how);
}

fn missing(missing: &[MissingObject], paper: &mut Paper<'_>) {
    if missing.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Error, "found nowhere")]);
    for it in missing {
        paper.put(4, 8, &[(Tone::Strong, &it.soname), (Tone::Plain, &format!(" needed by {}", it.needed_by))]);
        if !it.searched.is_empty() {
            paper.put(8, 10, &[(Tone::Faint, "searched "), (Tone::Plain, &it.searched.join(", "))]);
        }
    }
}

/// Gaps, one each.
pub(super) fn gaps(gaps: &[Gap], paper: &mut Paper<'_>) {
    if gaps.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Warning, "could not be read or decided")]);
    for gap in gaps {
        let hides = if gap.hides.is_empty() { String::new() } else { format!("; hides {}", gap.hides) };
        let place = if gap.path.is_empty() { String::new() } else { format!("{}: ", gap.path) };
        paper.put(4, 8, &[(Tone::Plain, &format!("{place}{}{hides}", gap.reason))]);
    }
}
