//! What comes after the findings: undecided rules, gaps, waivers.
//!
//! Invariant: unknown is never silent: undecided rules stand with the facts they miss, gaps at least as a number.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::plural;
use super::layout::{Paper, Tone};
use super::places::Names;
use super::{TargetReport, Verbosity, profile};
use crate::facts::SAYS_NOTHING;
use crate::rules::{Finding, Undecided, Waived, WaiverState};

/// Names listed in one line without `-v`.
const SHOWN_NAMES: usize = 8;

/// Places listed behind a reason without `-v`.
const SHOWN_PLACES: usize = 2;

/// Subjects listed behind a rule without `-v`.
const SHOWN_SUBJECTS: usize = 3;

/// Why rules are undecided that a saved facts file says too little for.
const LEFT_OUT: &str = "the facts file leaves out what it would need";

/// Everything that is no finding.
pub(super) fn write(target: &TargetReport<'_>, names: &Names, paper: &mut Paper<'_>) {
    undecided(&target.outcome.undecided, names, paper);
    if let Some(job) = &target.facts.job {
        profile::write(job, &target.outcome.undecided, paper);
    }
    gaps(target, names, paper);
    waivers(target, paper);
    baseline(target, paper);
}

/// Rules that the same reason leaves undecided.
#[derive(Default)]
struct Hidden<'a> {
    facts: Vec<String>,
    rules: BTreeMap<&'a str, Vec<&'a str>>,
}

fn undecided(undecided: &[Undecided], names: &Names, paper: &mut Paper<'_>) {
    if undecided.is_empty() {
        return;
    }
    let mut by_reason: BTreeMap<Vec<String>, Hidden<'_>> = BTreeMap::new();
    for it in undecided {
        let reasons = reasons(&it.missing, names, paper);
        let hidden = by_reason.entry(reasons).or_default();
        for fact in it.missing.iter().map(|missing| fact_of(split(missing).0, paper)) {
            if !fact.is_empty() && !hidden.facts.contains(&fact) {
                hidden.facts.push(fact);
            }
        }
        hidden.rules.entry(&it.rule).or_default().push(&it.subject);
    }
    paper.blank();
    paper.put(0, 2, &[(Tone::Warning, "could not be decided")]);
    for (reasons, hidden) in by_reason {
        if reasons == [LEFT_OUT] {
            let rules = plural(hidden.rules.len(), "rule");
            paper.put(2, 4, &[(Tone::Plain, &format!("the facts file leaves out what {rules} would need (-v)"))]);
            continue;
        }
        let reasons = if reasons.is_empty() { "no reason is recorded".to_owned() } else { reasons.join("; ") };
        paper.put(2, 4, &[(Tone::Plain, &reasons)]);
        if !hidden.facts.is_empty() {
            let facts: Vec<&str> = hidden.facts.iter().map(String::as_str).collect();
            paper.put(
                4,
                10,
                &[(Tone::Faint, "hides"), (Tone::Plain, " "), (Tone::Plain, &few(&facts, SHOWN_NAMES, paper))],
            );
        }
        let rules: Vec<String> =
            hidden.rules.iter().map(|(rule, subjects)| with_subjects(rule, subjects, paper)).collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        paper.put(
            4,
            10,
            &[(Tone::Faint, "rules"), (Tone::Plain, " "), (Tone::Plain, &few(&rules, SHOWN_NAMES, paper))],
        );
    }
}

/// Why facts are missing, sorted: without `-v`, a reason that holds at many places names the first.
fn reasons(missing: &[String], names: &Names, paper: &Paper<'_>) -> Vec<String> {
    let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for it in missing {
        let reason = split(it).1;
        if reason.starts_with(SAYS_NOTHING) && paper.look().verbosity == Verbosity::Terse {
            places.entry(LEFT_OUT).or_default().insert("");
            continue;
        }
        let (text, place) = reason.strip_suffix(')').and_then(|it| it.rsplit_once(" (")).unwrap_or((reason, ""));
        places.entry(text).or_default().insert(place);
    }
    let with_place = |text: &str, place: &str, more: &str| match place {
        "" => text.to_owned(),
        place => names.short_inside(&format!("{text} ({place}{more})")),
    };
    let mut reasons = Vec::new();
    for (text, places) in places {
        match (places.first(), paper.look().verbosity) {
            (Some(first), Verbosity::Terse) if places.len() > SHOWN_PLACES => {
                reasons.push(with_place(text, first, &format!(" and {} more places", places.len() - 1)));
            }
            (_, Verbosity::Terse | Verbosity::Verbose) => {
                reasons.extend(places.iter().map(|it| with_place(text, it, "")));
            }
        }
    }
    reasons
}

/// A missing fact; without `-v` that of all members of a list in one: `objects[].state`.
fn fact_of(fact: &str, paper: &Paper<'_>) -> String {
    let of_list = |list: &str| list.bytes().all(|it| it.is_ascii_lowercase() || it == b'_' || it == b'.');
    match (fact.split_once('['), fact.rsplit_once(']'), paper.look().verbosity) {
        (Some((list, _)), Some((_, field)), Verbosity::Terse) if of_list(list) => format!("{list}[]{field}"),
        (_, _, Verbosity::Terse | Verbosity::Verbose) => fact.to_owned(),
    }
}

/// The fact and the gap of one missing fact.
fn split(missing: &str) -> (&str, &str) {
    missing.split_once(": ").unwrap_or(("", missing))
}

fn with_subjects(rule: &str, subjects: &[&str], paper: &Paper<'_>) -> String {
    match (subjects, paper.look().verbosity) {
        ([], _) => rule.to_owned(),
        (many, Verbosity::Terse) if many.len() > SHOWN_SUBJECTS => format!("{rule} ({} subjects)", many.len()),
        (some, Verbosity::Terse | Verbosity::Verbose) => format!("{rule} ({})", some.join(", ")),
    }
}

fn few(names: &[&str], shown: usize, paper: &Paper<'_>) -> String {
    let shown =
        if paper.look().verbosity == Verbosity::Verbose || names.len() <= shown { names.len() } else { shown - 1 };
    let listed = names.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
    match names.len() - shown {
        0 => listed,
        more => format!("{listed} and {more} more (-v)"),
    }
}

fn gaps(target: &TargetReport<'_>, names: &Names, paper: &mut Paper<'_>) {
    let gaps = &target.facts.gaps;
    if gaps.is_empty() {
        return;
    }
    paper.blank();
    match paper.look().verbosity {
        Verbosity::Terse => {
            let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
            gaps.iter().for_each(|gap| *stages.entry(&gap.stage).or_default() += 1);
            let stages: Vec<String> = stages.iter().map(|(stage, count)| format!("{stage} {count}")).collect();
            let line = format!(
                "{} ({}): places that could not be read or decided; -v lists them",
                plural(gaps.len(), "gap"),
                stages.join(", ")
            );
            paper.put(0, 2, &[(Tone::Plain, &line)]);
        }
        Verbosity::Verbose => {
            paper.put(0, 2, &[(Tone::Warning, "gaps: what could not be read or decided")]);
            for gap in gaps {
                let place = if gap.path.is_empty() { String::new() } else { format!("{}: ", names.short(&gap.path)) };
                paper.put(2, 4, &[(Tone::Plain, &format!("{place}{} ({})", gap.reason, gap.stage))]);
                if !gap.hides.is_empty() {
                    paper.put(4, 10, &[(Tone::Faint, "hides"), (Tone::Plain, " "), (Tone::Plain, &gap.hides)]);
                }
            }
        }
    }
}

fn waivers(target: &TargetReport<'_>, paper: &mut Paper<'_>) {
    let waived: Vec<_> =
        target.outcome.findings.iter().filter_map(|it| it.waived.as_ref().map(|waived| (it, waived))).collect();
    if waived.is_empty() && target.outcome.waivers.is_empty() {
        return;
    }
    paper.blank();
    let mut groups: Vec<(&Finding, &Waived, Vec<&str>)> = Vec::new();
    for (finding, waived) in waived {
        let same = groups.iter_mut().find(|(first, reason, _)| {
            *reason == waived && first.rule == finding.rule && first.severity == finding.severity
        });
        match same {
            Some((_, _, subjects)) => subjects.push(&finding.subject),
            None => groups.push((finding, waived, vec![&finding.subject])),
        }
    }
    for (finding, waived, subjects) in groups {
        let until = waived.until.as_ref().map_or_else(String::new, |day| format!(" until {day}"));
        let name = with_subjects(&format!("{}[{}]", finding.severity.word(), finding.rule), &subjects, paper);
        paper.put(0, 4, &[(Tone::Faint, &format!("waived {name}{until}: {}", waived.reason))]);
    }
    for waiver in &target.outcome.waivers {
        let subject = waiver.subject.as_ref().map_or_else(String::new, |it| format!(" for {it}"));
        let why = match waiver.state {
            WaiverState::Unused => "it accepts nothing, remove it",
            WaiverState::Expired => "its last day is over and the finding counts again, renew or remove it",
        };
        let line = format!(" waiver of {}{subject}, line {} of the configuration: {why}", waiver.rule, waiver.line);
        paper.put(0, 4, &[(Tone::Warning, waiver.state.word()), (Tone::Plain, &line)]);
    }
}

/// Findings that the baseline knows, and what it knows that is gone.
fn baseline(target: &TargetReport<'_>, paper: &mut Paper<'_>) {
    let known: Vec<&Finding> = target.outcome.findings.iter().filter(|it| it.in_baseline).collect();
    let gone = &target.outcome.unused_baseline;
    if known.is_empty() && gone.is_empty() {
        return;
    }
    paper.blank();
    let mut groups: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for finding in known {
        match groups.iter_mut().find(|(it, _)| it.rule == finding.rule && it.severity == finding.severity) {
            Some((_, subjects)) => subjects.push(&finding.subject),
            None => groups.push((finding, vec![&finding.subject])),
        }
    }
    for (finding, subjects) in groups {
        let name = with_subjects(&format!("{}[{}]", finding.severity.word(), finding.rule), &subjects, paper);
        paper.put(0, 4, &[(Tone::Faint, &format!("in the baseline: {name}"))]);
    }
    for entry in gone {
        let line = format!(" baseline entry of {} ({}): it matches nothing, remove it", entry.rule, entry.subject);
        paper.put(0, 4, &[(Tone::Warning, "unused"), (Tone::Plain, &line)]);
    }
}
