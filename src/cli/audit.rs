//! `audit`: facts, rules, verdicts, reports and the exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::args::AuditArgs;
use super::config::{self, Configured};
use super::host;
use super::job;
use super::target::{self, Opened, Target, Targets};
use super::{baseline, explain, output, outputs};
use crate::base::TreePath;
use crate::discover::DiscoverError;
use crate::facts::{Facts, Suggestion};
use crate::report::{Format, RulePage, TargetReport, diff, render};
use crate::rules::{Outcome, Severity, judge};
use crate::survey::{Host, Question, join_fabric, survey_beside};

/// Saved facts of a process with two MPIs.
const SAMPLE: &str = include_str!("../../samples/facts/two-mpis.json");

pub(super) fn run(args: &AuditArgs) -> Result<ExitCode> {
    let files = outputs::checked(&args.output)?;
    let configured = config::read(&args.knowledge)?;
    let known = args.baseline.as_deref().map(baseline::read).transpose()?;
    let asked = !args.targets.is_empty() || args.target.root.is_some();
    let host = host::read(args.checks.host.as_deref(), &configured)?;
    let question = job::Asked {
        targets: &args.targets,
        job: &args.job,
        target: &args.target,
        checks: &args.checks,
        host: host.as_ref(),
    };
    let script = args.job.script.as_ref();
    let joined = script.map(|script| job::joined(&question, script, &configured)).transpose()?;
    let facts = match &joined {
        Some(joined) => joined.facts.clone(),
        None => match surveyed(&question, &configured) {
            Err(error) if !asked && nothing_active(&error) => return sample(&configured, &error),
            other => other?,
        },
    };
    let again = target::repeated(&args.target, None);
    let mut outcomes: Vec<Outcome> = facts
        .iter()
        .map(|it| judge(&configured.rules, &configured.policy, it))
        .map(|it| about_the_same_process(it, &again))
        .collect();
    if let Some(known) = &known {
        known.accept(&mut outcomes);
    }
    if let (Some(joined), true) = (&joined, args.diff) {
        output::print(&corrections(joined, &outcomes))?;
        return Ok(exit_code(args, &facts, &outcomes));
    }
    let rules = rules(&configured);
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
fn corrections(joined: &job::Joined, outcomes: &[Outcome]) -> String {
    let findings = outcomes.iter().flat_map(|it| &it.findings).filter(|it| it.counts());
    let list: Vec<Suggestion> = findings.flat_map(|it| it.corrections.clone()).collect();
    diff(&joined.path, &joined.text, &list)
}

/// Commands of this tool in fixes ask about the process that was audited: its root and its variables go along.
fn about_the_same_process(mut outcome: Outcome, again: &str) -> Outcome {
    const COMMAND: &str = "pyhpc-audit why ";
    let repeated = |line: &str| match line.strip_prefix(COMMAND) {
        Some(rest) if !again.is_empty() => format!("{COMMAND}{again} {rest}"),
        Some(_) | None => line.to_owned(),
    };
    for finding in outcome.findings.iter_mut().filter(|it| it.fix.contains(COMMAND)) {
        finding.fix = finding.fix.lines().map(repeated).collect::<Vec<_>>().join("\n");
    }
    outcome
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

/// The facts of every target, in order.
///
/// # Errors
/// When a target is not there or is no Python, or the site profile is none; when the tool itself fails.
pub(super) fn surveyed(asked: &job::Asked<'_>, configured: &Configured) -> Result<Vec<Facts>> {
    let site = job::profile(asked.job)?;
    let mut all = of_targets(asked, configured)?;
    all.iter_mut().for_each(|it| join_fabric(it, &configured.knowledge, site.as_ref()));
    Ok(all)
}

fn of_targets(asked: &job::Asked<'_>, configured: &Configured) -> Result<Vec<Facts>> {
    let Targets { view, list, .. } = target::targets(asked.targets, asked.target, configured)?.with(asked.checks);
    let mut all = Vec::new();
    let mut is_without = false;
    for target in list {
        if let Target::Saved(facts) = target {
            all.push(beside(*facts, configured, asked.host));
            continue;
        }
        let Some(Opened { view, question }) = target.open(&view, configured)? else { continue };
        let answer = || survey_beside(&view, &configured.knowledge, &question, asked.host);
        match catch_unwind(AssertUnwindSafe(answer)) {
            Ok(Ok(facts)) => all.extend(facts),
            // Of several images, some are of other kinds: they are told, and the rest is audited.
            Ok(Err(error @ DiscoverError::NoPython { .. })) if target.is_one_of_several() => {
                output::message(&format!("{}: {error}", named(&question)));
                is_without = true;
            }
            // Paths in an image say nothing without it.
            Ok(Err(error)) if target.is_image() => return Err(error).with_context(|| named(&question)),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => bail!(
                "{}: this is a bug of pyhpc-audit {}; the message above says where",
                question.target,
                env!("CARGO_PKG_VERSION")
            ),
        }
    }
    if all.is_empty() && is_without {
        bail!("none of these images holds a Python: what was looked for is told above");
    }
    Ok(all)
}

/// Saved facts, held against the host where one is named; else as they were saved.
pub(super) fn beside(mut facts: Facts, configured: &Configured, host: Option<&Host>) -> Facts {
    if let Some(host) = host {
        host.join(&mut facts, &configured.knowledge);
    }
    facts
}

/// The name of an image, and what of it was not read: that may hide what is looked for.
fn named(question: &Question) -> String {
    match question.image.as_ref().and_then(|it| it.gaps.first()) {
        Some(gap) => format!("{} (not read as a whole: {})", question.target, gap.reason),
        None => question.target.clone(),
    }
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
