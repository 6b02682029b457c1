//! `junit`: test results in XML, as Jenkins, GitLab and others read them.
//!
//! A suite is a target. A test case is a finding, or a rule that passed. What makes the command fail is a failure; a finding
//! below `--fail-on` has passed with its text as output; what is accepted or undecided is skipped, because unknown is not a
//! pass. There are no times and no host names: nothing is run.
//!
//! Invariant: the text is XML 1.0: characters that it does not have are written as their numbers.

use std::collections::HashMap;
use std::fmt::Write;

use super::anchor::{is_mark, name_of, of_finding};
use super::{Counts, TargetReport};
use crate::facts::{Evidence, Gap};
use crate::rules::{Finding, Undecided};

/// Gaps that are listed of one target.
const LISTED_GAPS: usize = 1000;

/// The document over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    let suites: Vec<Suite> = targets.iter().map(Suite::of).collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let (tests, failures) = (sum(|it| it.cases.len()), sum(|it| it.failures));
    push(
        &mut text,
        format_args!("<testsuites name=\"pyhpc-audit\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"),
    );
    for suite in &suites {
        suite.write(&mut text);
    }
    push(&mut text, format_args!("</testsuites>"));
    text
}

/// The test cases of one target.
struct Suite {
    name: String,
    cases: Vec<String>,
    failures: usize,
    skipped: usize,
    unknown: String,
}

impl Suite {
    fn of(target: &TargetReport<'_>) -> Self {
        let name = name_of(target);
        let mut suite = Self { cases: Vec::new(), failures: 0, skipped: 0, unknown: unknown(target), name };
        let mut names: HashMap<String, usize> = HashMap::new();
        for finding in &target.outcome.findings {
            let subject = format!("{}: {}", finding.rule, finding.subject);
            let body = suite.outcome(finding, target);
            suite.case(&unique(subject, &mut names), &body);
        }
        for undecided in &target.outcome.undecided {
            let body = format!("<skipped message=\"{}\"/>", attribute(&missing(undecided)));
            suite.skipped += 1;
            suite.case(&unique(format!("{}: {}", undecided.rule, undecided.subject), &mut names), &body);
        }
        for rule in &target.outcome.passed {
            suite.case(&unique(rule.clone(), &mut names), "");
        }
        suite
    }

    /// What a finding is for a test: a failure, skipped, or passed with something to say.
    fn outcome(&mut self, finding: &Finding, target: &TargetReport<'_>) -> String {
        let skipped = |why: &str| format!("<skipped message=\"{}\"/>", attribute(why));
        let place = of_finding(finding, target.facts).named();
        if let Some(waived) = &finding.waived {
            self.skipped += 1;
            return skipped(&format!("waived: {}: {}", waived.reason, finding.message));
        }
        if finding.in_baseline {
            self.skipped += 1;
            return skipped(&format!("in the baseline: {}", finding.message));
        }
        let text = content(&format!("{}\n{}", place, told(finding)));
        if finding.severity < target.fail_on {
            return format!(
                "<system-out>{}: {}\n{text}</system-out>",
                finding.severity.word(),
                content(&finding.message)
            );
        }
        self.failures += 1;
        let (message, kind) = (attribute(&finding.message), finding.severity.word());
        format!("<failure message=\"{message}\" type=\"{kind}\">{text}</failure>")
    }

    fn case(&mut self, name: &str, body: &str) {
        let class = attribute(&format!("pyhpc-audit.{}", self.name.replace('/', ".")));
        self.cases.push(match body {
            "" => format!("<testcase classname=\"{class}\" name=\"{}\"/>", attribute(name)),
            body => format!("<testcase classname=\"{class}\" name=\"{}\">{body}</testcase>", attribute(name)),
        });
    }

    fn write(&self, text: &mut String) {
        let Self { name, cases, failures, skipped, unknown } = self;
        let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"", cases.len());
        push(text, format_args!("  <testsuite name=\"{}\" {counts}>", attribute(name)));
        cases.iter().for_each(|it| push(text, format_args!("    {it}")));
        if !unknown.is_empty() {
            push(text, format_args!("    <system-err>{}</system-err>", content(unknown)));
        }
        push(text, format_args!("  </testsuite>"));
    }
}

/// Consumers tell test cases apart by their names.
fn unique(name: String, names: &mut HashMap<String, usize>) -> String {
    let times = names.entry(name.clone()).or_default();
    *times += 1;
    if *times == 1 { name } else { format!("{name} ({times})") }
}

/// Where it is seen and what to do.
fn told(finding: &Finding) -> String {
    let place = |it: &Evidence| match (it.line, it.offset) {
        (Some(line), _) => format!("{}:{line}: {}\n", it.path, it.text),
        (None, Some(offset)) => format!("{}@{offset:#x}: {}\n", it.path, it.text),
        (None, None) => format!("{}: {}\n", it.path, it.text),
    };
    let evidence: String = finding.evidence.iter().map(place).collect();
    format!("{evidence}fix:\n{}\nfingerprint {}\n", finding.fix.trim(), finding.fingerprint)
}

fn missing(undecided: &Undecided) -> String {
    format!("undecided: {}", undecided.missing.join("; "))
}

/// What could not be read.
fn unknown(target: &TargetReport<'_>) -> String {
    let gaps = &target.facts.gaps;
    let line = |it: &Gap| format!("gap: {}: {} ({}), hides {}\n", it.path, it.reason, it.stage, it.hides);
    let listed: String = gaps.iter().take(LISTED_GAPS).map(line).collect();
    let more = match gaps.len().saturating_sub(LISTED_GAPS) {
        0 => String::new(),
        more => format!("{more} more gaps are left out; --format json lists them\n"),
    };
    let unused: String = target
        .outcome
        .unused_baseline
        .iter()
        .map(|it| format!("unused baseline entry: {}: {}\n", it.rule, it.subject))
        .collect();
    let head = if gaps.is_empty() { String::new() } else { format!("{}\n", Counts::of(target).unknowns()) };
    format!("{head}{listed}{more}{unused}")
}

/// Writing to a text in memory cannot fail.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    if text.write_fmt(line).is_ok() {
        text.push('\n');
    }
}

/// The text of an element.
fn content(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            // Also where it ends nothing: `]]>` may not stand in a text.
            '>' => result.push_str("&gt;"),
            '\n' | '\t' => result.push(letter),
            letter if letter.is_control() || is_mark(letter) || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                result.push_str(&letter.escape_default().to_string());
            }
            letter => result.push(letter),
        }
    }
    result
}

/// The value of an attribute in double quotes, in one line.
fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}
