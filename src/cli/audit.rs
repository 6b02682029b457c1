//! `audit`: facts, rules, verdicts, reports and the exit code.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::args::{AuditArgs, TargetArgs};
use super::asked::{Answer, Asked};
use super::config::Configured;
use super::job::Joined;
use super::{baseline, explain, output, outputs, target};
use crate::base::TreePath;
use crate::discover::DiscoverError;
use crate::facts::{Facts, Suggestion};
use crate::report::{Format, RulePage, TargetReport, diff, render};
use crate::rules::{Outcome, Severity, judge};

/// Saved facts of a process with two MPIs.
const SAMPLE: &str = include_str!("../../samples/facts/two-mpis.json");

pub(super) fn run(args: &AuditArgs) -> Result<ExitCode> {
    let files = outputs::checked(&args.output)?;
    let asked = Asked::read(&args.question)?;
    let known = args.baseline.as_deref().map(baseline::read).transpose()?;
    let configured = &asked.configured;
    let is_named = !args.question.targets.is_empty() || args.question.target.root.is_some();
    let Answer { facts, job } = match asked.answer() {
        Err(error) if !is_named && nothing_active(&error) => return sample(configured, &error),
        other => other?,
    };
    let judged = |it| judge(&configured.rules, &configured.policy, it);
    let mut outcomes: Vec<Outcome> =
        facts.iter().map(|it| about_the_same_process(judged(it), it, &args.question.target)).collect();
    if let Some(known) = &known {
        known.accept(&mut outcomes);
    }
    if let (Some(job), true) = (&job, args.diff) {
        output::print(&corrections(job, &outcomes))?;
        return Ok(exit_code(args, &facts, &outcomes));
    }
    let rules = rules(configured);
    let (rules, fail_on) = (rules.as_slice(), Severity::from(args.fail_on));
    let report = |(facts, outcome)| TargetReport { facts, outcome, rules, fail_on };
    let reports: Vec<TargetReport<'_>> = facts.iter().zip(&outcomes).map(report).collect();
    for file in files {
        file.write(&render(file.format, &reports, &output::plain(args.verbose)))?;
    }
    output::print(&render(args.format, &reports, &output::look(args.verbose)))?;
    Ok(exit_code(args, &facts, &outcomes))
}

/// The rules that are asked, for formats that describe rules.
fn rules(configured: &Configured) -> Vec<RulePage> {
    let asked = configured.rules.iter().filter(|it| configured.policy.enabled(&it.name));
    asked.map(explain::of_rule_alone).collect()
}

/// The job script with its corrections, as a unified diff.
fn corrections(job: &Joined, outcomes: &[Outcome]) -> String {
    let findings = outcomes.iter().flat_map(|it| &it.findings).filter(|it| it.counts());
    let list: Vec<Suggestion> = findings.flat_map(|it| it.corrections.clone()).collect();
    diff(&job.path, &job.text, &list)
}

/// Commands of this tool in fixes ask about the process that was audited: its root or its image and its variables go along.
fn about_the_same_process(mut outcome: Outcome, facts: &Facts, args: &TargetArgs) -> Outcome {
    const COMMAND: &str = "pyhpc-audit why ";
    let again = target::repeated(args, image(facts), None);
    let repeated = |line: &str| match line.strip_prefix(COMMAND) {
        Some(rest) if !again.is_empty() => format!("{COMMAND}{again} {rest}"),
        Some(_) | None => line.to_owned(),
    };
    for finding in outcome.findings.iter_mut().filter(|it| it.fix.contains(COMMAND)) {
        finding.fix = finding.fix.lines().map(repeated).collect::<Vec<_>>().join("\n");
    }
    outcome
}

/// The image that facts are about: paths in it say nothing without it.
fn image(facts: &Facts) -> Option<&str> {
    facts.environment.image_env.value()?.as_ref()?;
    let target = facts.target.as_str();
    let prefix = facts.environment.python.prefix.value();
    let before = prefix.and_then(|it| target.strip_suffix(it.as_str())?.strip_suffix(": "));
    Some(before.unwrap_or(target))
}

/// Whether no Python is active at all; one that is named and broken is another matter.
fn nothing_active(error: &anyhow::Error) -> bool {
    let root = TreePath::root();
    matches!(error.downcast_ref(), Some(DiscoverError::NoPython { path, .. }) if *path == root)
}

/// What an audit looks like, where there is no Python to audit. Exits as an error of usage: nothing was audited.
fn sample(configured: &Configured, error: &anyhow::Error) -> Result<ExitCode> {
    let facts = Facts::from_json(SAMPLE).context("the sample that travels in this program cannot be read")?;
    let outcome = judge(&configured.rules, &configured.policy, &facts);
    let report = TargetReport { facts: &facts, outcome: &outcome, rules: &[], fail_on: Severity::Error };
    output::print(&render(Format::Table, &[report], &output::look(false)))?;
    output::message(&format!("\nerror: {error:#}"));
    output::message("no Python is active here, so the report above is of a sample, samples/facts/two-mpis.json;");
    output::message("name what to audit: pyhpc-audit audit PREFIX, or pyhpc-audit audit /path/to/python3");
    Ok(ExitCode::from(2))
}

fn exit_code(args: &AuditArgs, facts: &[Facts], outcomes: &[Outcome]) -> ExitCode {
    if args.exit_zero {
        return ExitCode::SUCCESS;
    }
    let threshold = Severity::from(args.fail_on);
    let counts = |it: &Outcome| it.findings.iter().any(|it| it.counts() && threshold <= it.severity);
    if outcomes.iter().any(counts) {
        return ExitCode::from(1);
    }
    let open = outcomes.iter().any(|it| !it.undecided.is_empty()) || facts.iter().any(|it| !it.gaps.is_empty());
    if args.strict && open { ExitCode::from(3) } else { ExitCode::SUCCESS }
}
