//! Arguments, configuration file, exit code. The only module that knows the terminal and the environment of the caller.
//!
//! Invariant: standard output carries the report alone; messages go to standard error.

mod args;
mod asked;
mod audit;
mod baseline;
mod config;
mod describe;
mod explain;
mod facts;
mod host;
mod image;
mod job;
mod loads;
mod output;
mod outputs;
mod progress;
mod rules;
mod seen;
mod site_profile;
mod target;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};

use crate::report::Page;
use crate::survey::{Knowledge, SiteFiles};

/// The command line as clap describes it, for generated documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The pages of `explain` about every library, launcher and ABI group that travels in the binary, for generated documentation.
///
/// # Errors
/// What is wrong with a description.
pub fn pages() -> anyhow::Result<[Vec<(String, Page)>; 3]> {
    Ok(describe::pages(&Knowledge::load(&SiteFiles::default())?))
}

/// Runs the command line and returns the exit code: 0, 1 for findings, 2 for errors of usage, 3 for `--strict`.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let result = match &cli.command {
        Command::Audit(args) => audit::run(args),
        Command::Facts(args) => facts::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Loads(args) => loads::loads(args),
        Command::Why(args) => loads::why(args),
        Command::Explain(args) => explain::run(args),
        Command::Seen(args) => seen::run(args),
        Command::SiteProfile(args) => site_profile::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Completions { shell } => completions(*shell),
        Command::Man => man(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            output::message(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    let wanted = !error.use_stderr();
    match error.print() {
        Ok(()) if wanted => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::from(2),
    }
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut command(), "pyhpc-audit", &mut bytes);
    output::print(&String::from_utf8_lossy(&bytes))?;
    Ok(ExitCode::SUCCESS)
}

fn man() -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command()).render(&mut bytes)?;
    output::print(&String::from_utf8_lossy(&bytes))?;
    Ok(ExitCode::SUCCESS)
}
