//! `loads` and `why`: the load map of one process, and the search behind it.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::args::{LoadsArgs, WhyArgs};
use super::target::{self, Target};
use super::{config, output};
use crate::base::{Gap, TreePath};
use crate::facts;
use crate::report::{
    AloneReport, Format, LoadEvent, LoadedObject, LoadsReport, MissingObject, Place, Question, Step, loads_json,
    loads_text, why_json, why_text,
};
use crate::survey::{self, LoadMap, alone_map, load_map};

pub(super) fn loads(args: &LoadsArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let targets = target::targets(&args.targets, &args.target)?;
    for target in &targets.list {
        let Target::Python(question) = target else { bail!("a facts file does not say what a process maps") };
        let text = if args.alone {
            let (objects, gaps) = alone_map(&targets.view, &configured.knowledge, question)?;
            let report = AloneReport { schema: AloneReport::SCHEMA, objects };
            for gap in gaps {
                output::message(&format!("gap: {}: {}", gap.path, gap.reason));
            }
            match json(args.format)? {
                true => report.json(),
                false => report.text(&output::look(false)),
            }
        } else {
            let map = load_map(&targets.view, &configured.knowledge, question)?;
            for (import, reason) in &map.failures {
                output::message(&format!("import {import} fails: {reason}"));
            }
            let report = report(map);
            match json(args.format)? {
                true => loads_json(&report),
                false => loads_text(&report, &output::look(false)),
            }
        };
        output::print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn why(args: &WhyArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let targets = target::targets(&args.targets, &args.target)?;
    let target = targets.list.first().context("no target")?;
    let Target::Python(question) = target else { bail!("a facts file does not say where a library was searched") };
    let why = survey::why(&targets.view, &configured.knowledge, question, &args.name)?;
    let step = |it: survey::Way| {
        let place =
            |(path, via, refused): (String, &'static str, Option<String>)| Place { path, via: via.to_owned(), refused };
        Step { asker: it.asker, places: it.places.into_iter().map(place).collect(), outcome: it.outcome }
    };
    let page = Question {
        name: args.name.clone(),
        answer: why.answer,
        steps: why.ways.into_iter().map(step).collect(),
        gaps: why.gaps.iter().map(gap).collect(),
    };
    let text = match json(args.format)? {
        true => why_json(&page),
        false => why_text(&page, &output::look(false)),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn json(format: Format) -> Result<bool> {
    match format {
        Format::Table => Ok(false),
        Format::Json => Ok(true),
        Format::Jsonl => bail!("--format jsonl is for audit: expected table or json"),
    }
}

fn report(map: LoadMap) -> LoadsReport {
    let object = |it: survey::Mapped| LoadedObject {
        path: it.path,
        soname: it.soname,
        needed_by: it.needed_by,
        via: it.via.to_owned(),
    };
    let event =
        |it: survey::Event| LoadEvent { import: it.import, objects: it.objects.into_iter().map(object).collect() };
    let missing =
        |it: survey::Unmet| MissingObject { needed_by: it.needed_by, soname: it.soname, searched: it.searched };
    LoadsReport {
        schema: LoadsReport::SCHEMA,
        events: map.events.into_iter().map(event).collect(),
        missing: map.missing.into_iter().map(missing).collect(),
        gaps: map.gaps.iter().map(gap).collect(),
    }
}

fn gap(it: &Gap) -> facts::Gap {
    let path = if it.path == TreePath::root() { String::new() } else { it.path.text() };
    facts::Gap { path, stage: it.stage.word().to_owned(), reason: it.reason.clone(), hides: it.hides.clone() }
}
