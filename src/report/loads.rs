//! What one process maps, in order, and why: `loads`.

use serde::Serialize;

use super::counts::plural;
use super::json::document;
use super::layout::{Paper, Tone};
use super::places::Names;
use super::{Asked, Look, Undecided, load_tree};
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
    /// Extensions that may be loaded too, on a condition that is not decidable.
    pub alternatives: Vec<LoadAlternative>,
    /// What could not be read or decided.
    pub gaps: Vec<Gap>,
    /// Libraries that an object opens at run time and cannot do without: whose, and what.
    #[serde(skip)]
    pub parts: Vec<(String, String)>,
    /// Imports that cannot work.
    #[serde(skip)]
    pub failures: Vec<FailedImport>,
    /// What was asked.
    #[serde(skip)]
    pub asked: Asked,
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
    /// What it is, where a description recognises it: `openblas 0.3.29`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub library: String,
    /// Its place in the order of the loader, from 0 on.
    #[serde(skip)]
    pub number: usize,
    /// Its path with the links of its directory resolved.
    #[serde(skip)]
    pub place: String,
    /// The file behind it.
    #[serde(skip)]
    pub real: String,
    /// Size of the file.
    #[serde(skip)]
    pub size_bytes: u64,
    /// Number of the object that needs or opens it.
    #[serde(skip)]
    pub parent: Option<usize>,
    /// The rule that found it, in words.
    #[serde(skip)]
    pub rule: String,
    /// Candidates that were tried before it.
    #[serde(skip)]
    pub passed_over: Vec<PassedOver>,
    /// Numbers of objects that it needs and that something else brought in.
    #[serde(skip)]
    pub again: Vec<usize>,
}

/// A candidate that the loader did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The candidate.
    pub path: String,
    /// Where its directory comes from: `rpath`, `cache`, ...
    pub via: String,
    /// Why.
    pub reason: String,
}

/// An import that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedImport {
    /// The import.
    pub import: String,
    /// Why.
    pub reason: String,
    /// What to ask `why` about.
    pub ask: String,
}

/// An extension that may be loaded too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadAlternative {
    /// Its module.
    pub module: String,
    /// The statement that decides.
    pub condition: Undecided,
    /// What it would bring in, itself included: real files.
    pub objects: Vec<String>,
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
    /// The same for people: links and `..` resolved.
    #[serde(skip)]
    pub places: Vec<String>,
}

/// The report as JSON.
pub fn loads_json(report: &LoadsReport) -> String {
    document(report)
}

/// The report for people: what each import brings in, as trees in load order; then what is missing and what to ask next.
pub fn loads_text(report: &LoadsReport, look: &Look) -> String {
    let names = report.asked.names();
    let mut body = Paper::new(look);
    load_tree::write(report, &names, &mut body);
    failures(report, &names, &mut body);
    missing(report, &names, &mut body);
    alternatives(report, &names, &mut body);
    gaps(&report.gaps, &names, &mut body);
    let body = body.into_text();

    let mut paper = Paper::new(look);
    let (tone, verdict) = verdict(report);
    let summary = format!("{}; {verdict}", load_tree::size_of_all(report));
    if !report.asked.target.is_empty() {
        paper.put(0, 2, &[(Tone::Strong, &report.asked.target), (Tone::Strong, ": "), (tone, &summary)]);
    }
    let imports = imports(report);
    if !imports.is_empty() {
        paper.labelled("imports", &imports);
    }
    let assignments = names.assignments(&body);
    if !assignments.is_empty() {
        paper.labelled("where", &assignments.join("; "));
    }
    paper.blank();
    paper.ready(&body);
    paper.blank();
    let probes = report.events.iter().flat_map(|it| &it.objects).map(|it| it.passed_over.len()).sum();
    let rest = format!("; {}, {}", plural(probes, "failed probe"), plural(report.gaps.len(), "gap"));
    paper.put(0, 2, &[(tone, &summary), (Tone::Plain, &rest)]);
    if load_tree::is_folded(report, look) {
        paper.put(0, 2, &[(Tone::Faint, "-v shows every object by itself, and every failed probe")]);
    }
    paper.into_text()
}

fn verdict(report: &LoadsReport) -> (Tone, String) {
    let mut parts = Vec::new();
    if !report.missing.is_empty() {
        parts.push(format!("{} found nowhere", plural(report.missing.len(), "need")));
    }
    if !report.parts.is_empty() {
        parts.push(format!("{} missing at run time", plural(report.parts.len(), "part")));
    }
    match report.failures.len() {
        0 => {}
        1 => parts.push("1 import fails".to_owned()),
        many => parts.push(format!("{many} imports fail")),
    }
    if parts.is_empty() { (Tone::Good, "nothing missing".to_owned()) } else { (Tone::Error, parts.join(", ")) }
}

fn imports(report: &LoadsReport) -> String {
    let asked = report.events.iter().map(|it| it.import.as_str()).filter(|it| *it != "exec");
    let mut list: Vec<&str> = asked.collect();
    list.extend(report.failures.iter().map(|it| it.import.as_str()));
    let mut marked: Vec<String> = Vec::new();
    for import in list {
        let fails = report.failures.iter().any(|it| it.import == import);
        let word = if fails { format!("{import} (fails)") } else { import.to_owned() };
        if !marked.contains(&word) {
            marked.push(word);
        }
    }
    marked.join(", ")
}

fn failures(report: &LoadsReport, names: &Names, paper: &mut Paper<'_>) {
    if report.failures.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Error, "imports that fail")]);
    for it in &report.failures {
        let reason = names.short_inside(&it.reason);
        paper.put(2, 6, &[(Tone::Strong, &it.import), (Tone::Plain, &format!(": {reason}"))]);
        let told_below = report.missing.iter().any(|missing| missing.soname == it.ask);
        if !told_below && it.ask != it.import {
            paper.verbatim(6, Tone::Plain, &report.asked.why(&it.ask));
        }
    }
}

fn missing(report: &LoadsReport, names: &Names, paper: &mut Paper<'_>) {
    if report.missing.is_empty() && report.parts.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Error, "found nowhere")]);
    for (owner, part) in &report.parts {
        let by = format!(", which {} opens at run time", names.short(owner));
        paper.put(2, 6, &[(Tone::Strong, part), (Tone::Plain, &by)]);
        if part.contains(".so") {
            paper.verbatim(8, Tone::Plain, &report.asked.why(part));
        }
    }
    for it in &report.missing {
        let by = format!(", which {} needs", names.short(&it.needed_by));
        paper.put(2, 6, &[(Tone::Strong, &it.soname), (Tone::Plain, &by)]);
        if !it.places.is_empty() {
            let places: Vec<String> = it.places.iter().map(|it| names.short(it)).collect();
            paper.put(6, 8, &[(Tone::Faint, "not in "), (Tone::Plain, &places.join(", "))]);
        }
        paper.put(6, 8, &[(Tone::Faint, "where copies lie, and what would have to change:")]);
        paper.verbatim(8, Tone::Plain, &report.asked.why(&it.soname));
    }
}

fn alternatives(report: &LoadsReport, names: &Names, paper: &mut Paper<'_>) {
    if report.alternatives.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Warning, "may be loaded too")]);
    let mut rest = report.alternatives.as_slice();
    while let Some(first) = rest.first() {
        // Kernels of one library differ in nothing but the CPU: they stand together.
        let like = |it: &&LoadAlternative| first.condition.line == 0 && it.condition == first.condition;
        let count = rest.iter().take_while(like).count().max(1);
        let (group, others) = rest.split_at(count.min(rest.len()));
        rest = others;
        let Undecided { what, path, line } = &first.condition;
        let place = match line {
            0 => format!(": some of these, by the {what} that {} finds", names.short(path)),
            line => format!(", if `{what}` in {} line {line}", names.short(path)),
        };
        let modules: Vec<&str> = group.iter().map(|it| it.module.as_str()).collect();
        paper.put(2, 6, &[(Tone::Strong, &modules.join(", ")), (Tone::Plain, &place)]);
        for object in group.iter().flat_map(|it| &it.objects).filter(|_| *line > 0) {
            paper.put(6, 8, &[(Tone::Faint, &names.short(object))]);
        }
    }
}

/// Gaps, one each.
pub(super) fn gaps(gaps: &[Gap], names: &Names, paper: &mut Paper<'_>) {
    if gaps.is_empty() {
        return;
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Warning, "could not be read or decided")]);
    for gap in gaps {
        let hides = if gap.hides.is_empty() { String::new() } else { format!("; hides {}", gap.hides) };
        let place = if gap.path.is_empty() { String::new() } else { format!("{}: ", names.short(&gap.path)) };
        paper.put(4, 8, &[(Tone::Plain, &format!("{place}{}{hides}", names.short_inside(&gap.reason)))]);
    }
}
