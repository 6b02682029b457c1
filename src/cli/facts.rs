//! `facts`: what is known about a target, without a verdict.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use super::args::FactsArgs;
use super::audit::surveyed;
use super::{config, host, job, output};
use crate::facts::Flat;

pub(super) fn run(args: &FactsArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let host = host::read(args.checks.host.as_deref(), &configured)?;
    let question = job::Asked {
        targets: &args.targets,
        job: &args.job,
        target: &args.target,
        checks: &args.checks,
        host: host.as_ref(),
    };
    let facts = match &args.job.script {
        Some(script) => job::joined(&question, script, &configured)?.facts,
        None => surveyed(&question, &configured)?,
    };
    let mut pages: Vec<Value> = Vec::new();
    for it in &facts {
        pages.push(if args.flat { serde_json::to_value(Flat::of(it))? } else { serde_json::to_value(it)? });
    }
    let page = match pages.len() {
        1 => pages.remove(0),
        _ => Value::Array(pages),
    };
    output::print(&format!("{}\n", serde_json::to_string_pretty(&page)?))?;
    Ok(ExitCode::SUCCESS)
}
