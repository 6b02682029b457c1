//! `rules`: for people who write rules.

use std::process::ExitCode;

use anyhow::Result;

use super::args::{KnowledgeArgs, RulesArgs, RulesCommand};
use super::{config, output};
use crate::report::{RuleLine, rules_list};
use crate::rules::{self, RuleSet, test_rules};

pub(super) fn run(args: &RulesArgs) -> Result<ExitCode> {
    match &args.command {
        RulesCommand::List { knowledge } => list(knowledge),
        RulesCommand::Test { dir } => test(dir.as_deref()),
        RulesCommand::Schema { of } => {
            let schema = if of == "rule" { rules::rule_file_schema() } else { rules::schema() };
            output::print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(knowledge: &KnowledgeArgs) -> Result<ExitCode> {
    let configured = config::read(knowledge)?;
    let line = |rule: &rules::Rule| RuleLine {
        name: rule.name.clone(),
        severity: configured.policy.severity(&rule.name).unwrap_or(rule.severity),
        subject: rule.subject.word.to_owned(),
        title: rule.title.clone(),
        origin: origin(&rule.file),
        enabled: configured.policy.enabled(&rule.name),
    };
    let lines: Vec<RuleLine> = configured.rules.iter().map(line).collect();
    output::print(&rules_list(&lines, &output::look(false)))?;
    Ok(ExitCode::SUCCESS)
}

/// Where a rule comes from, for people.
pub(super) fn origin(file: &str) -> String {
    if file.starts_with("rules/") { "built in".to_owned() } else { file.to_owned() }
}

fn test(directory: Option<&std::path::Path>) -> Result<ExitCode> {
    let set = match directory {
        Some(directory) => RuleSet::only(&config::rules_of(directory)?)?,
        None => RuleSet::checked()?,
    };
    let reports = test_rules(&set);
    let failed: Vec<_> = reports.iter().filter(|it| !it.passed()).collect();
    for report in &failed {
        output::message(&format!("{}:{}: {}: {}", report.file, report.line, report.rule, report.example));
        for problem in &report.problems {
            output::message(&format!("    {problem}"));
        }
    }
    let rules = set.iter().count();
    output::print(&format!(
        "{rules} rules, {} examples passed, {} failed\n",
        reports.len() - failed.len(),
        failed.len()
    ))?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
