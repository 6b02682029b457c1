//! `explain`: a rule, library, launcher, package, variable or fact, as a page.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::args::ExplainArgs;
use super::{config, describe, output, rules::origin};
use crate::report::{Body, Look, Page, RuleExample, RuleLevel, RulePage, Section, page, rule_page};
use crate::rules::{self, Rule, RuleSet, Verdict};
use crate::survey::Knowledge;

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let look = output::look(false);
    let name = args.name.as_str();
    let checked = RuleSet::checked()?;
    let text = if let Some(rule) = configured.rules.get(name) {
        // The built-in rules of a run come without their examples.
        let whole = if rule.examples.is_empty() { checked.get(name).unwrap_or(rule) } else { rule };
        rule_page(&of_rule(whole), &look)
    } else if let Some(found) = described(&configured.knowledge, name, &look) {
        found
    } else if let Some(found) = describe::abi_group(&configured.knowledge, name) {
        page(&found, &look)
    } else if let Some(found) = describe::variable(&configured.knowledge, name) {
        page(&found, &look)
    } else if let Some(found) = of_package(&configured.knowledge, name) {
        page(&found, &look)
    } else if let Some(found) = of_fact(name) {
        page(&found, &look)
    } else {
        let variable = configured.knowledge.variables.alike(name).filter(|_| name == name.to_uppercase());
        let hint = match (variable, configured.rules.nearest(name)) {
            (Some(nearest), _) => format!("; the nearest variable is {nearest}"),
            (None, Some(nearest)) => format!("; the nearest rule is {nearest}"),
            (None, None) => String::new(),
        };
        bail!("nothing is called \"{name}\"{hint}; `pyhpc-audit rules list` names the rules");
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A word can be that of a library and of its launcher: then both pages are wanted.
fn described(know: &Knowledge, name: &str, look: &Look) -> Option<String> {
    let pages = [describe::library(know, name), describe::launcher(know, name)];
    let texts: Vec<String> = pages.iter().flatten().map(|it| page(it, look)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// The page of a rule with one of its examples.
fn of_rule(rule: &Rule) -> RulePage {
    let reports = rules::example_outcomes(rule);
    let example = reports.into_iter().find(|it| it.verdict == Verdict::Violated).map(|it| RuleExample {
        name: it.name,
        subject: rule.subject.word.to_owned(),
        severity: it.severity,
        message: it.message,
    });
    RulePage { example, ..of_rule_alone(rule) }
}

/// The page of a rule without an example, which would have to be judged first.
pub(super) fn of_rule_alone(rule: &Rule) -> RulePage {
    RulePage {
        name: rule.name.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        levels: rule
            .levels
            .iter()
            .map(|it| RuleLevel { when: it.when.text().to_owned(), severity: it.severity })
            .collect(),
        subject: rule.subject.word.to_owned(),
        applies: rule.applies.as_ref().map(|it| it.text().to_owned()).unwrap_or_default(),
        when: rule.when.text().to_owned(),
        why: rule.why.clone(),
        fix: rule.fix.text().to_owned(),
        references: rule.references.clone(),
        example: None,
        since: rule.since.clone(),
        formerly: rule.formerly.clone(),
        origin: origin(&rule.file),
    }
}

fn of_package(know: &Knowledge, name: &str) -> Option<Page> {
    let rule = know.packages.iter().find(|it| it.import == name || it.distribution == name)?;
    let loads = rule.loads.iter().map(|it| format!("import {}: {}", it.import, it.extensions.join(", "))).collect();
    let binds = rule.binds.iter().map(|it| format!("{}: {}", it.capability, it.extensions.join(", "))).collect();
    let seen = rule.seen.iter().map(|it| it.place.clone()).collect();
    let chooses =
        rule.choice.iter().map(|it| format!("its {} among {}", it.capability, it.variants.join(", "))).collect();
    let section =
        |heading: &str, lines: Vec<String>| Section { heading: heading.to_owned(), body: vec![Body::List(lines)] };
    Some(Page {
        title: format!("{name}: {}", rule.title),
        sections: vec![
            section("Extensions that an import loads", loads),
            section("Extensions that bind a library", binds),
            section("Chooses at run time", chooses),
            section("Seen", seen),
        ],
    })
}

/// `blas.threading`, or the flat key `blas.numpy.threading`.
fn of_fact(name: &str) -> Option<Page> {
    let fields = rules::documented_facts();
    let pieces: Vec<&str> = name.split('.').collect();
    let short = match pieces.as_slice() {
        [area, _, field] => format!("{area}.{field}"),
        _ => name.to_owned(),
    };
    let found: Vec<_> = fields.iter().filter(|it| it.path == name || it.path == short).collect();
    let first = found.first()?;
    Some(Page {
        title: format!("{}: {}", first.path, first.kind),
        sections: vec![Section { heading: String::new(), body: vec![Body::Prose(first.doc.clone())] }],
    })
}
