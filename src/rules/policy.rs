//! What a site or a project wants of the rules: `[rules]` and `[[waiver]]` of the configuration file.
//!
//! Other tables of the file belong to others. There is no clock here: today is handed in.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::base::{Glob, TextFile};

use super::file_error::{FileError, FileErrors};
use super::outcome::{Finding, Outcome, Severity, Waived, WaiverReport, WaiverState};
use super::set::RuleSet;

/// Which rules count, how much, and which findings are accepted.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    disabled: Vec<String>,
    severities: BTreeMap<String, Severity>,
    waivers: Vec<Waiver>,
}

#[derive(Debug, Clone)]
struct Waiver {
    rule: String,
    subject: Option<Glob>,
    waived: Waived,
    expired: bool,
    line: u32,
}

#[derive(Debug, Default, Deserialize)]
struct PolicyFile {
    #[serde(default)]
    rules: RulesTable,
    #[serde(default)]
    waiver: Vec<WaiverTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesTable {
    #[serde(default)]
    disable: Vec<Spanned<String>>,
    #[serde(default)]
    enable: Vec<Spanned<String>>,
    #[serde(default)]
    severity: BTreeMap<Spanned<String>, Severity>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverTable {
    rule: Spanned<String>,
    subject: Option<String>,
    reason: Spanned<String>,
    until: Option<Spanned<toml::Value>>,
}

impl Policy {
    /// The tables of the configuration file that are read here.
    pub const TABLES: [&'static str; 2] = ["rules", "waiver"];

    /// Reads `[rules]` and `[[waiver]]` of a configuration file.
    ///
    /// `disable` and `enable` hold names of rules; `*` in `disable` stands for all of them, and `enable` wins.
    pub fn parse(file: &TextFile, rules: &RuleSet, today: Date) -> Result<Self, FileErrors> {
        let written: PolicyFile =
            toml::from_str(&file.text).map_err(|error| FileErrors(vec![FileError::from_toml(file, &error)]))?;
        let mut reader = Reader { file, rules, errors: Vec::new() };
        let enabled = reader.names(&written.rules.enable);
        let mut disabled = reader.names(&written.rules.disable);
        disabled.retain(|name| !enabled.contains(name));
        let mut severities = BTreeMap::new();
        for (name, severity) in &written.rules.severity {
            severities.extend(reader.name(name).map(|name| (name, *severity)));
        }
        let waivers = written.waiver.into_iter().filter_map(|waiver| reader.waiver(waiver, today)).collect();
        let errors = reader.errors;
        if errors.is_empty() { Ok(Self { disabled, severities, waivers }) } else { Err(FileErrors(errors)) }
    }

    /// Whether the rule counts.
    pub fn enabled(&self, rule: &str) -> bool {
        !self.disabled.iter().any(|name| name == rule)
    }

    /// The severity that the configuration gives to the rule.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.severities.get(rule).copied()
    }

    /// Marks the findings that are waived, and reports the waivers that do nothing.
    pub(super) fn apply(&self, outcome: &mut Outcome) {
        for waiver in &self.waivers {
            let mut used = outcome.undecided.iter().any(|undecided| undecided.rule == waiver.rule);
            for finding in outcome.findings.iter_mut().filter(|finding| waiver.accepts(finding)) {
                used = true;
                if !waiver.expired && finding.waived.is_none() {
                    finding.waived = Some(waiver.waived.clone());
                }
            }
            let state = match (waiver.expired, used) {
                (true, _) => WaiverState::Expired,
                (false, false) => WaiverState::Unused,
                (false, true) => continue,
            };
            let subject = waiver.subject.as_ref().map(|glob| glob.as_str().to_owned());
            outcome.waivers.push(WaiverReport { rule: waiver.rule.clone(), subject, state, line: waiver.line });
        }
        outcome.waivers.sort();
    }
}

impl Waiver {
    /// A pattern without a slash is asked of the file name alone.
    fn accepts(&self, finding: &Finding) -> bool {
        let subject = finding.subject.as_str();
        let last = subject.rsplit('/').next().unwrap_or(subject);
        finding.rule == self.rule
            && self.subject.as_ref().is_none_or(|glob| {
                glob.matches(subject.as_bytes()) || !glob.as_str().contains('/') && glob.matches(last.as_bytes())
            })
    }
}

struct Reader<'r> {
    file: &'r TextFile,
    rules: &'r RuleSet,
    errors: Vec<FileError>,
}

impl Reader<'_> {
    fn mistake(&mut self, at: usize, message: String, help: Option<String>) {
        self.errors.push(FileError::at(self.file, at, message).with_help(help));
    }

    fn names(&mut self, written: &[Spanned<String>]) -> Vec<String> {
        if written.iter().any(|name| name.get_ref() == "*") {
            return self.rules.iter().map(|rule| rule.name.clone()).collect();
        }
        written.iter().filter_map(|name| self.name(name)).collect()
    }

    /// The present name of the rule that is meant.
    fn name(&mut self, written: &Spanned<String>) -> Option<String> {
        let name = written.get_ref();
        if let Some(rule) = self.rules.get(name) {
            return Some(rule.name.clone());
        }
        let help = self.rules.nearest(name).map(|near| format!("did you mean `{near}`?"));
        self.mistake(written.span().start, format!("unknown rule `{name}`"), help);
        None
    }

    fn waiver(&mut self, written: WaiverTable, today: Date) -> Option<Waiver> {
        let at = written.rule.span().start;
        let rule = self.name(&written.rule);
        if written.reason.get_ref().trim().is_empty() {
            self.mistake(written.reason.span().start, "a waiver needs a reason".to_owned(), None);
        }
        let until = match &written.until {
            Some(text) => Some(self.date(text)?),
            None => None,
        };
        Some(Waiver {
            rule: rule?,
            subject: written.subject.as_deref().map(Glob::new),
            waived: Waived { reason: written.reason.into_inner(), until: until.map(|date| date.to_string()) },
            expired: until.is_some_and(|last| today > last),
            line: FileError::at(self.file, at, "").line,
        })
    }

    fn date(&mut self, written: &Spanned<toml::Value>) -> Option<Date> {
        let value = written.get_ref();
        let text = value.as_datetime().map(ToString::to_string).or_else(|| value.as_str().map(str::to_owned));
        let date = text.and_then(|text| text.parse::<Date>().ok());
        if date.is_none() {
            self.mistake(written.span().start, "a date is needed here, such as 2027-03-31".to_owned(), None);
        }
        date
    }
}
