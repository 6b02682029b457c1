//! One rule: the TOML file, checked and ready to judge.
//!
//! Invariant: a rule that loads has conditions and texts that name existing facts only.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::TextFile;

use super::check::Names;
use super::condition::{Mistake, parse};
use super::expression::Node;
use super::file_error::{FileError, hint, offset_in_string};
use super::outcome::{Severity, Verdict};
use super::subject::Subject;
use super::template::Template;
use super::types::Record;

/// A rule, read from one file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The public name: the file's name without extension.
    pub name: String,
    /// What is wrong when it is violated, as a heading.
    pub title: String,
    /// Severity when no level holds.
    pub severity: Severity,
    /// The version that brought it.
    pub since: String,
    /// What it is about.
    pub subject: &'static Subject,
    /// Which subjects it applies to; all when there is none.
    pub applies: Option<Condition>,
    /// What violates it.
    pub when: Condition,
    /// What is, in one line.
    pub message: Template,
    /// The mechanism.
    pub why: String,
    /// What to do.
    pub fix: Template,
    /// Where to read on.
    pub references: Vec<String>,
    /// Severities that depend on a condition, in order.
    pub levels: Vec<Level>,
    /// How the place that is wrong would be right.
    pub corrections: Vec<Correction>,
    /// Its tests, which are also its documentation.
    pub examples: Vec<Example>,
    /// Old names.
    pub formerly: Vec<String>,
    /// The file, for messages.
    pub file: String,
}

/// A condition. The tree of one that is proven is made when it is first asked for.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    node: OnceLock<Node>,
}

impl Condition {
    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A condition whose text was checked when this program was built.
    fn proven(text: Spanned<String>) -> Self {
        Self { text: text.into_inner(), node: OnceLock::new() }
    }

    pub(super) fn node(&self) -> &Node {
        self.node.get_or_init(|| parse(&self.text).unwrap_or_else(|_| Node::unreadable()))
    }
}

/// A severity that depends on a condition.
#[derive(Debug, Clone)]
pub struct Level {
    /// When it counts.
    pub when: Condition,
    /// The severity.
    pub severity: Severity,
}

/// How a place in a script would be right.
#[derive(Debug, Clone)]
pub struct Correction {
    /// When it is one; always when there is none.
    pub when: Option<Condition>,
    /// The fact whose places in a script are meant: the first, or the one where `from` stands.
    pub at: Template,
    /// The part of the place that is meant; it must stand there once, and at no other place of the fact.
    pub from: Option<Template>,
    /// What stands there then.
    pub to: Option<Template>,
    /// What follows what stands there.
    pub after: Option<Template>,
}

/// An example: facts and what the rule says of them.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The verdict.
    pub expect: Verdict,
    /// The severity, where it matters.
    pub severity: Option<Severity>,
    /// The message, where it matters.
    pub message: Option<String>,
    /// Partial facts; what is not given is unknown.
    pub facts: Map<String, Json>,
    /// Line in the rule's file.
    pub line: u32,
}

/// A rule file, `rules/<topic>/<name>.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// What is wrong when it is violated, as a heading.
    title: String,
    /// Severity when no level holds.
    severity: Severity,
    /// The version that brought it.
    since: String,
    /// The word of the subject.
    #[schemars(with = "String")]
    subject: Spanned<String>,
    /// CEL: which subjects it applies to.
    #[schemars(with = "Option<String>")]
    applies: Option<Spanned<String>>,
    /// CEL: what violates it.
    #[schemars(with = "String")]
    when: Spanned<String>,
    /// What is, in one line, with {CEL} placeholders.
    #[schemars(with = "String")]
    message: Spanned<String>,
    /// The mechanism.
    why: String,
    /// What to do, with {CEL} placeholders.
    #[schemars(with = "String")]
    fix: Spanned<String>,
    /// Where to read on.
    #[serde(default)]
    references: Vec<String>,
    /// Old names.
    #[serde(default)]
    formerly: Vec<String>,
    /// Severities that depend on a condition; the first that holds counts.
    #[serde(default)]
    level: Vec<LevelFile>,
    /// How the place that is wrong would be right.
    #[serde(default)]
    correction: Vec<CorrectionFile>,
    /// Facts and what the rule says of them.
    #[serde(default)]
    example: Vec<ExampleFile>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CorrectionFile {
    /// CEL: when it is one.
    #[schemars(with = "Option<String>")]
    when: Option<Spanned<String>>,
    /// A {CEL} placeholder: the fact whose places in a script are meant, the first or the one where `from` stands.
    #[schemars(with = "String")]
    at: Spanned<String>,
    /// The part of the place that is meant, with {CEL} placeholders; it must stand there once, and at no other place.
    #[schemars(with = "Option<String>")]
    from: Option<Spanned<String>>,
    /// What stands there then, with {CEL} placeholders.
    #[schemars(with = "Option<String>")]
    to: Option<Spanned<String>>,
    /// What follows the word that stands there, with {CEL} placeholders.
    #[schemars(with = "Option<String>")]
    after: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LevelFile {
    /// CEL: when it counts.
    #[schemars(with = "String")]
    when: Spanned<String>,
    /// The severity.
    severity: Severity,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExampleFile {
    /// What it shows.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// The verdict.
    expect: Verdict,
    /// The severity.
    severity: Option<Severity>,
    /// The message.
    message: Option<String>,
    /// Partial facts.
    #[serde(default)]
    #[schemars(with = "Map<String, Json>")]
    #[allow(dead_code, reason = "read a second time with places, see `Reader::examples`")]
    facts: toml::Table,
}

impl Rule {
    /// Reads a file that travels in the binary. The tests check every one of them whole, so that no run has to: its
    /// conditions are parsed when they are first asked for, and its examples are left out.
    pub(super) fn proven(file: &TextFile) -> Result<Self, Vec<FileError>> {
        let written: RuleFile = toml::from_str(&file.text).map_err(|error| vec![FileError::from_toml(file, &error)])?;
        let word = written.subject.get_ref();
        let subject = Subject::named(word).ok_or_else(|| {
            vec![FileError::at(file, written.subject.span().start, format!("unknown subject `{word}`"))]
        })?;
        let level = |it: LevelFile| Level { when: Condition::proven(it.when), severity: it.severity };
        Ok(Self {
            name: file.stem.clone(),
            title: written.title,
            severity: written.severity,
            since: written.since,
            subject,
            applies: written.applies.map(Condition::proven),
            when: Condition::proven(written.when),
            message: Template::proven(written.message.into_inner()),
            why: written.why.trim().to_owned(),
            fix: Template::proven(written.fix.into_inner()),
            references: written.references,
            levels: written.level.into_iter().map(level).collect(),
            corrections: written.correction.into_iter().map(Correction::proven).collect(),
            examples: Vec::new(),
            formerly: written.formerly,
            file: file.path.clone(),
        })
    }

    /// Reads and checks one file; every mistake in it is reported.
    pub(super) fn read(file: &TextFile, facts: &Arc<Record>) -> Result<Self, Vec<FileError>> {
        let written: RuleFile = toml::from_str(&file.text).map_err(|error| vec![FileError::from_toml(file, &error)])?;
        let word = written.subject.get_ref();
        let Some(subject) = Subject::named(word) else {
            let words: Vec<_> = Subject::all().map(|subject| subject.word).collect();
            let help = hint(word, words.iter().copied()).unwrap_or_else(|| format!("one of {}", words.join(", ")));
            let error = FileError::at(file, written.subject.span().start, format!("unknown subject `{word}`"));
            return Err(vec![error.with_help(Some(help))]);
        };
        let mut reader = Reader { file, names: subject.names(facts), errors: Vec::new() };
        reader.name();
        let applies = written.applies.as_ref().map(|text| reader.condition(text));
        let when = reader.condition(&written.when);
        let message = reader.message(&written.message);
        let fix = reader.template(&written.fix);
        let levels: Vec<_> = written.level.iter().map(|it| (reader.condition(&it.when), it.severity)).collect();
        let corrections = written.correction.iter().filter_map(|it| reader.correction(it)).collect();
        let examples = reader.examples(written.example);
        let errors = reader.errors;
        let (Some(when), Some(message), Some(fix), true) = (when, message, fix, errors.is_empty()) else {
            return Err(errors);
        };
        let level = |(when, severity): (Option<Condition>, Severity)| Some(Level { when: when?, severity });
        Ok(Self {
            name: file.stem.clone(),
            title: written.title,
            severity: written.severity,
            since: written.since,
            subject,
            applies: applies.flatten(),
            when,
            message,
            why: written.why.trim().to_owned(),
            fix,
            references: written.references,
            levels: levels.into_iter().filter_map(level).collect(),
            corrections,
            examples,
            formerly: written.formerly,
            file: file.path.clone(),
        })
    }
}

impl Correction {
    fn proven(written: CorrectionFile) -> Self {
        let template = |it: Spanned<String>| Template::proven(it.into_inner());
        Self {
            when: written.when.map(Condition::proven),
            at: template(written.at),
            from: written.from.map(template),
            to: written.to.map(template),
            after: written.after.map(template),
        }
    }
}

/// Collects the mistakes of one file.
struct Reader<'f> {
    file: &'f TextFile,
    names: Names,
    errors: Vec<FileError>,
}

impl Reader<'_> {
    fn name(&mut self) {
        let stem = &self.file.stem;
        let kebab = stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !kebab || stem.is_empty() {
            self.errors.push(FileError::at(
                self.file,
                0,
                format!("`{stem}` is no rule name: lower case and hyphens only"),
            ));
        }
    }

    fn mistake(&mut self, text: &Spanned<String>, mistake: Mistake) {
        let offset = offset_in_string(self.file, text.span(), mistake.at);
        self.errors.push(FileError::at(self.file, offset, mistake.message).with_help(mistake.help));
    }

    fn condition(&mut self, text: &Spanned<String>) -> Option<Condition> {
        let parsed = parse(text.get_ref()).and_then(|node| self.names.check_condition(&node).map(|()| node));
        match parsed {
            Ok(node) => Some(Condition { text: text.get_ref().clone(), node: OnceLock::from(node) }),
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    fn template(&mut self, text: &Spanned<String>) -> Option<Template> {
        match Template::read(text.get_ref(), &self.names) {
            Ok(template) => Some(template),
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    fn correction(&mut self, written: &CorrectionFile) -> Option<Correction> {
        let when = written.when.as_ref().map(|it| self.condition(it));
        let at = self.template(&written.at)?;
        let from = written.from.as_ref().map(|it| self.template(it));
        let to = written.to.as_ref().map(|it| self.template(it));
        let after = written.after.as_ref().map(|it| self.template(it));
        if to.is_some() == after.is_some() {
            self.mistake(&written.at, Mistake::new(0, "a correction has either `to` or `after`"));
            return None;
        }
        Some(Correction { when: when.flatten(), at, from: from.flatten(), to: to.flatten(), after: after.flatten() })
    }

    fn message(&mut self, text: &Spanned<String>) -> Option<Template> {
        if let Some(at) = text.get_ref().trim_end().find('\n') {
            self.mistake(text, Mistake::new(at, "a message is one line"));
            return None;
        }
        self.template(text)
    }

    /// The facts are read a second time, with places, so that a misspelt one is found where it stands.
    fn examples(&mut self, written: Vec<ExampleFile>) -> Vec<Example> {
        let document = match DeTable::parse(&self.file.text) {
            Ok(document) => document,
            Err(error) => {
                self.errors.push(FileError::from_toml(self.file, &error));
                return Vec::new();
            }
        };
        let mut examples = Vec::new();
        for (index, example) in written.into_iter().enumerate() {
            let table = document.get_ref().get("example").and_then(|all| all.get_ref().get(index));
            let table = table.and_then(|example| example.get_ref().get("facts")).map(Spanned::get_ref);
            let facts = match table {
                Some(DeValue::Table(table)) => super::facts_table::read(table, &self.names),
                Some(_) | None => Ok(Map::new()),
            };
            let line = FileError::at(self.file, example.name.span().start, "").line;
            let ExampleFile { name, expect, severity, message, facts: _ } = example;
            match facts {
                Ok(facts) => {
                    examples.push(Example { name: name.into_inner(), expect, severity, message, facts, line });
                }
                Err(mistake) => {
                    self.errors.push(FileError::at(self.file, mistake.at, mistake.message).with_help(mistake.help));
                }
            }
        }
        examples
    }
}
