//! `github`: workflow commands, which GitHub Actions shows as annotations of a commit.
//!
//! A step shows ten annotations of each kind. Of more findings than that the tenth annotation says how many there are, and
//! the log holds them as plain lines. What could not be said is a notice, so that unknown is not read as a pass.
//!
//! Invariant: no line that is not meant as a command is read as one.

use super::anchor::{Anchor, of_finding, of_target, one_line};
use super::counts::plural;
use super::{Counts, TargetReport};
use crate::rules::{Finding, Severity};

/// Annotations of one kind that GitHub shows of one step.
const SHOWN_ANNOTATIONS: usize = 10;

/// What a message is cut to, in characters: an annotation is read at a glance.
const MESSAGE_CHARACTERS: usize = 4000;

/// The report over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    let mut text = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let mut room = SHOWN_ANNOTATIONS;
        if let (Severity::Note, Some(notice)) = (severity, not_decided(targets)) {
            text.push_str(&notice);
            room -= 1;
        }
        text.push_str(&of_severity(severity, targets, room));
    }
    for it in targets.iter().flat_map(|it| &it.outcome.unused_baseline) {
        let line = format!("unused baseline entry of {} ({}): it matches nothing, remove it", it.rule, it.subject);
        text.push_str(&format!("{}\n", plain(&line)));
    }
    text.push_str(&format!("pyhpc-audit: {}\n", plain(&Counts::sum(targets).summary())));
    text
}

/// Findings of one severity: as many annotations as `room`, and the rest in words.
fn of_severity(severity: Severity, targets: &[TargetReport<'_>], room: usize) -> String {
    let mut findings: Vec<(Anchor, &Finding)> = Vec::new();
    for target in targets {
        let of_kind = target.outcome.findings.iter().filter(|it| it.counts() && it.severity == severity);
        findings.extend(of_kind.map(|it| (of_finding(it, target.facts), it)));
    }
    let shown = if findings.len() <= room { findings.len() } else { room - 1 };
    let mut text = String::new();
    for (place, finding) in findings.iter().take(shown) {
        let title = format!("{} ({})", finding.rule, severity.word());
        text.push_str(&command(severity, Some(place), &title, &message(finding)));
    }
    let rest = findings.get(shown..).unwrap_or_default();
    if !rest.is_empty() {
        let title = plural(rest.len(), &format!("more {}", severity.word()));
        let message = "GitHub shows ten annotations of a kind: the log of this step holds the others";
        text.push_str(&command(severity, None, &title, message));
        for (place, finding) in rest {
            let line = format!("{}[{}] {}: {}", severity.word(), finding.rule, place.named(), message_line(finding));
            text.push_str(&format!("{}\n", plain(&line)));
        }
    }
    text
}

/// One notice about all that could not be said.
fn not_decided(targets: &[TargetReport<'_>]) -> Option<String> {
    let counts = Counts::sum(targets);
    let open = |it: &&TargetReport<'_>| 0 < Counts::of(it).undecided + Counts::of(it).gaps;
    let place = targets.iter().find(open).map(|it| of_target(it.facts))?;
    let message = format!("{}: what could not be read or decided has not passed", counts.unknowns());
    Some(command(Severity::Note, Some(&place), "not everything could be decided", &message))
}

fn command(severity: Severity, place: Option<&Anchor>, title: &str, message: &str) -> String {
    let kind = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&place.path)));
        properties.push(format!("line={}", place.line));
        if let Some((column, length)) = place.columns {
            properties.push(format!("col={column},endColumn={}", column.saturating_add(length)));
        }
    }
    properties.push(format!("title={}", property(title)));
    format!("::{kind} {}::{}\n", properties.join(","), data(message))
}

/// What is, and below it what to do.
fn message(finding: &Finding) -> String {
    let fix: Vec<String> = finding.fix.trim().lines().map(one_line).collect();
    let text =
        if fix.is_empty() { message_line(finding) } else { format!("{}\n{}", message_line(finding), fix.join("\n")) };
    text.chars().take(MESSAGE_CHARACTERS).collect()
}

fn message_line(finding: &Finding) -> String {
    one_line(&finding.message)
}

/// A line of the log. The runner also obeys `##[` wherever it stands, and `::` at the beginning.
fn plain(text: &str) -> String {
    let text = one_line(text).replace("##[", "## [");
    if text.trim_start().starts_with("::") { format!("| {text}") } else { text }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
