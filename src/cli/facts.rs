//! `facts`: what is known about a target, without a verdict.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use super::args::FactsArgs;
use super::asked::Asked;
use super::output;
use crate::facts::Flat;

pub(super) fn run(args: &FactsArgs) -> Result<ExitCode> {
    let facts = Asked::read(&args.question)?.answer()?.facts;
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
