//! `baseline write`, and the file that it writes as `audit` reads it.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use super::args::{BaselineArgs, BaselineCommand, BaselineWriteArgs};
use super::asked::Asked;
use super::{config, output, outputs};
use crate::report::baseline;
use crate::rules::{Baseline, Outcome, judge};

pub(super) fn run(args: &BaselineArgs) -> Result<ExitCode> {
    match &args.command {
        BaselineCommand::Write(args) => write(args),
    }
}

/// The findings that a file knows.
///
/// # Errors
/// When it cannot be read, or is no baseline: with its place and the next step.
pub(super) fn read(path: &Path) -> Result<Baseline> {
    let next = format!("`pyhpc-audit baseline write --baseline {}` writes one", path.display());
    let file = config::text_file(path).map_err(|error| anyhow!("{error:#}; {next}"))?;
    Ok(Baseline::parse(&file)?)
}

fn write(args: &BaselineWriteArgs) -> Result<ExitCode> {
    outputs::place(&args.baseline).with_context(|| format!("--baseline {}", args.baseline.display()))?;
    let asked = Asked::read(&args.question)?;
    let (facts, configured) = (asked.answer()?.facts, &asked.configured);
    let outcomes: Vec<Outcome> = facts.iter().map(|it| judge(&configured.rules, &configured.policy, it)).collect();
    let found = Baseline::of(&outcomes);
    let path = args.baseline.display();
    fs::write(&args.baseline, baseline(&found)).with_context(|| format!("could not write {path}"))?;
    let noun = if found.entries().len() == 1 { "finding" } else { "findings" };
    output::message(&format!("wrote {} {noun} to {path}", found.entries().len()));
    Ok(ExitCode::SUCCESS)
}
