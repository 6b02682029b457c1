//! Pages of `explain`: a rule, a library or a fact, written to be read.

use super::Look;
use super::findings::command;
use super::layout::{Paper, Tone};
use crate::rules::Severity;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Name and title: `reference-blas: NumPy runs on reference BLAS`.
    pub title: String,
    /// In reading order; empty ones are left out.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `Why`, empty for text that follows the title directly.
    pub heading: String,
    /// What stands there.
    pub body: Vec<Body>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Prose: paragraphs separated by empty lines, wrapped to the page.
    Prose(String),
    /// Lines to copy, never wrapped.
    Code(String),
    /// One line each.
    List(Vec<String>),
}

/// What the page of a rule tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePage {
    /// Name of the rule.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its severity when no level holds.
    pub severity: Severity,
    /// Severities that depend on a condition, in order.
    pub levels: Vec<RuleLevel>,
    /// What it is about: `process`, `object`.
    pub subject: String,
    /// Its condition for being asked at all, empty when it always is.
    pub applies: String,
    /// Its condition.
    pub when: String,
    /// The mechanism.
    pub why: String,
    /// Commands, placeholders filled in by the example where there is one.
    pub fix: String,
    /// Addresses.
    pub references: Vec<String>,
    /// A finding it would give.
    pub example: Option<RuleExample>,
    /// The version that brought it.
    pub since: String,
    /// Its names of former times.
    pub formerly: Vec<String>,
    /// Where it comes from: `built in`, a path.
    pub origin: String,
}

/// A severity that depends on a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLevel {
    /// The condition.
    pub when: String,
    /// The severity where it holds.
    pub severity: Severity,
}

/// A finding that a rule would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExample {
    /// What the example shows.
    pub name: String,
    /// What the finding is about.
    pub subject: String,
    /// Its severity.
    pub severity: Severity,
    /// Its message.
    pub message: String,
}

/// The page as text.
pub fn page(page: &Page, look: &Look) -> String {
    let mut paper = Paper::new(look);
    paper.put(0, 2, &[(Tone::Strong, &page.title)]);
    for section in page.sections.iter().filter(|it| !it.body.is_empty()) {
        paper.blank();
        let indent = if section.heading.is_empty() { 0 } else { 2 };
        if !section.heading.is_empty() {
            paper.put(0, 2, &[(Tone::Strong, &section.heading)]);
        }
        section.body.iter().for_each(|body| part(body, indent, &mut paper));
    }
    paper.into_text()
}

/// The page of a rule.
pub fn rule_page(rule: &RulePage, look: &Look) -> String {
    let sections = vec![
        Section { heading: String::new(), body: vec![Body::Prose(severity_in_words(rule))] },
        Section { heading: "Example".to_owned(), body: example(rule) },
        Section { heading: "Why it matters".to_owned(), body: prose(&rule.why) },
        Section { heading: "What to do".to_owned(), body: code(&rule.fix) },
        Section { heading: "When it fires".to_owned(), body: condition(rule) },
        Section { heading: "To accept it".to_owned(), body: waiver(rule) },
        Section { heading: "References".to_owned(), body: list(&rule.references) },
    ];
    page(&Page { title: format!("{}: {}", rule.name, rule.title), sections }, look)
}

fn part(body: &Body, indent: usize, paper: &mut Paper<'_>) {
    match body {
        Body::Prose(text) => {
            for (at, paragraph) in text.trim().split("\n\n").enumerate() {
                if at > 0 {
                    paper.blank();
                }
                let flowing = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
                paper.put(indent, indent, &[(Tone::Plain, &flowing)]);
            }
        }
        Body::Code(text) => text.trim_matches('\n').lines().for_each(|line| command(indent + 2, line, paper)),
        Body::List(lines) => lines.iter().for_each(|line| paper.put(indent, indent + 2, &[(Tone::Plain, line)])),
    }
}

fn severity_in_words(rule: &RulePage) -> String {
    let about = match rule.severity {
        Severity::Error => "does not work, or costs a large factor",
        Severity::Warning => "likely to cost time or to surprise",
        Severity::Note => "worth knowing",
    };
    let levels = rule.levels.iter().map(|it| it.severity.word());
    let mut other: Vec<&str> = levels.filter(|word| *word != rule.severity.word()).collect();
    other.dedup();
    let levels =
        if other.is_empty() { String::new() } else { format!("; {} in some cases, see below", other.join(" or ")) };
    let origin = if rule.origin == "built in" { String::new() } else { format!(" From {}.", rule.origin) };
    let formerly =
        if rule.formerly.is_empty() { String::new() } else { format!(" Formerly {}.", rule.formerly.join(", ")) };
    let subject = rule.subject.replace('_', " ");
    format!(
        "{}: {about}{levels}. About: {subject}. Since {}.{origin}{formerly}",
        capitalised(rule.severity.word()),
        rule.since
    )
}

fn example(rule: &RulePage) -> Vec<Body> {
    let lines = rule.example.as_ref().map(|it| {
        let finding = format!("{}[{}] {}: {}", it.severity.word(), rule.name, it.subject, it.message);
        vec![Body::Prose(format!("{}:", it.name)), Body::List(vec![finding])]
    });
    lines.unwrap_or_default()
}

fn condition(rule: &RulePage) -> Vec<Body> {
    let mut body = Vec::new();
    if !rule.applies.trim().is_empty() {
        body.extend([Body::Prose("It is asked only where".to_owned()), Body::Code(rule.applies.clone())]);
    }
    body.extend([Body::Prose("It fires where".to_owned()), Body::Code(rule.when.clone())]);
    for (at, level) in rule.levels.iter().enumerate() {
        let word = if at == 0 { "It is" } else { "else" };
        let article = if level.severity == Severity::Error { "an" } else { "a" };
        let text = format!("{word} {article} {} where", level.severity.word());
        body.extend([Body::Prose(text), Body::Code(level.when.clone())]);
    }
    if !rule.levels.is_empty() {
        let article = if rule.severity == Severity::Error { "an" } else { "a" };
        body.push(Body::Prose(format!("and {article} {} otherwise.", rule.severity.word())));
    }
    body
}

fn waiver(rule: &RulePage) -> Vec<Body> {
    let subject = rule.example.as_ref().map_or("...", |it| it.subject.as_str());
    let snippet = format!(
        "[[waiver]]\nrule    = \"{}\"\nsubject = \"{}\"\nreason  = \"...\"\nuntil   = \"YYYY-MM-DD\"",
        rule.name,
        subject.replace('\\', "\\\\").replace('"', "\\\"")
    );
    vec![Body::Prose("In pyhpc-audit.toml; the reason is required:".to_owned()), Body::Code(snippet)]
}

fn prose(text: &str) -> Vec<Body> {
    if text.trim().is_empty() { Vec::new() } else { vec![Body::Prose(text.to_owned())] }
}

fn code(text: &str) -> Vec<Body> {
    if text.trim().is_empty() { Vec::new() } else { vec![Body::Code(text.to_owned())] }
}

fn list(lines: &[String]) -> Vec<Body> {
    if lines.is_empty() { Vec::new() } else { vec![Body::List(lines.to_vec())] }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}
