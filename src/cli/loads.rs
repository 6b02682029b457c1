//! `loads` and `why`: the load map of one process, and the search behind it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::args::{LoadsArgs, WhyArgs};
use super::target::{self, Opened};
use super::{config, output};
use crate::base::{Gap, TreePath};
use crate::facts;
use crate::report::{
    AloneReport, Asked, Change, ExecutedModule, FailedImport, Format, LibraryCopy, LoadAlternative, LoadEvent,
    LoadedObject, LoadsReport, MissingLibrary, MissingObject, ModulesReport, PassedOver, Place, Question, SourceLine,
    Step, Undecided, loads_json, loads_text, why_json, why_text,
};
use crate::survey::{self, Alternative, Landmarks, LoadMap, ModuleMap, ModuleStep, alone_map, load_map};

pub(super) fn loads(args: &LoadsArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let targets = target::targets(&args.targets, &args.target, &configured)?;
    let json = json(args.format)?;
    let look = output::look(args.verbose);
    for (at, target) in targets.list.iter().enumerate() {
        let opened = target.open(&targets.view, &configured)?;
        let Opened { view, question } = &opened.context("a facts file does not say what a process maps")?;
        let asked = |it: Landmarks| {
            let again = target::repeated(&args.target, None, args.targets.get(at).map(PathBuf::as_path));
            asked(&question.target, again, it)
        };
        if args.modules {
            let map = survey::module_map(view, &configured.knowledge, question)?;
            let landmarks = asked(map.landmarks.clone());
            let report = modules(map, landmarks);
            output::print(&if json { report.json() } else { report.text(&look) })?;
            continue;
        }
        let text = if args.alone {
            let map = alone_map(view, &configured.knowledge, question)?;
            for gap in &map.gaps {
                output::message(&format!("gap: {}: {}", gap.path, gap.reason));
            }
            let report = AloneReport { schema: AloneReport::SCHEMA, objects: map.objects, asked: asked(map.landmarks) };
            if json { report.json() } else { report.text(&look) }
        } else {
            let map = load_map(view, &configured.knowledge, question)?;
            for it in map.failures.iter().filter(|_| json) {
                output::message(&format!("import {} fails: {}", it.import, it.reason));
            }
            let asked = asked(map.landmarks.clone());
            let report = report(map, asked);
            if json { loads_json(&report) } else { loads_text(&report, &look) }
        };
        let apart = if at == 0 || json { "" } else { "\n" };
        output::print(&format!("{apart}{text}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn asked(target: &str, again: String, it: Landmarks) -> Asked {
    Asked { target: target.to_owned(), again, prefix: it.prefix, site: it.site, soabi: it.soabi }
}

pub(super) fn why(args: &WhyArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let targets = target::targets(&args.targets, &args.target, &configured)?;
    let target = targets.list.first().context("no target")?;
    let opened = target.open(&targets.view, &configured)?;
    let Opened { view, question } = &opened.context("a facts file does not say where a library was searched")?;
    let why = survey::why(view, &configured.knowledge, question, &args.name)?;
    let step = |it: survey::Way| {
        let place =
            |(path, via, refused): (String, &'static str, Option<String>)| Place { path, via: via.to_owned(), refused };
        Step { asker: it.asker, places: it.places.into_iter().map(place).collect(), outcome: it.outcome }
    };
    let page = Question {
        name: args.name.clone(),
        answer: why.answer,
        steps: why.ways.into_iter().map(step).collect(),
        missing: why.hunts.into_iter().map(missing).collect(),
        gaps: why.gaps.iter().map(gap).collect(),
        asked: asked(
            &question.target,
            target::repeated(&args.target, None, args.targets.first().map(PathBuf::as_path)),
            why.landmarks,
        ),
    };
    let text = match json(args.format)? {
        true => why_json(&page),
        false => why_text(&page, &output::look(false)),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn missing(it: survey::Hunt) -> MissingLibrary {
    let copy = |it: survey::Found| LibraryCopy {
        path: it.path,
        identity: it.identity,
        usable: it.usable,
        condition: it.condition,
    };
    let change = |it: survey::Remedy| Change { when: it.when, command: it.command };
    MissingLibrary {
        soname: it.soname,
        copies: it.copies.into_iter().map(copy).collect(),
        directories: it.directories,
        changes: it.remedies.into_iter().map(change).collect(),
    }
}

fn json(format: Format) -> Result<bool> {
    match format {
        Format::Table => Ok(false),
        Format::Json => Ok(true),
        Format::Jsonl | Format::Sarif | Format::Junit | Format::Gitlab | Format::Github | Format::Markdown => {
            bail!("--format {} is for audit: expected table or json", format.word())
        }
    }
}

fn modules(map: ModuleMap, asked: Asked) -> ModulesReport {
    let module = |it: ModuleStep| ExecutedModule {
        module: it.module,
        file: it.file,
        extension: it.is_extension,
        imported_by: it.importer.map(|(path, line)| SourceLine { path, line }),
        condition: it.condition.map(undecided),
    };
    let failed = |(import, reason): (String, String)| FailedImport { ask: import.clone(), import, reason };
    ModulesReport {
        schema: ModulesReport::SCHEMA,
        modules: map.steps.into_iter().map(module).collect(),
        gaps: map.gaps.iter().map(gap).collect(),
        failures: map.failures.into_iter().map(failed).collect(),
        asked,
    }
}

fn undecided((what, path, line): (String, String, u32)) -> Undecided {
    Undecided { what, path, line }
}

fn report(map: LoadMap, asked: Asked) -> LoadsReport {
    let event =
        |it: survey::Event| LoadEvent { import: it.import, objects: it.objects.into_iter().map(object).collect() };
    let missing = |it: survey::Unmet| MissingObject {
        needed_by: it.needed_by,
        soname: it.soname,
        searched: it.searched,
        places: it.places,
    };
    let alternative = |it: Alternative| LoadAlternative {
        module: it.module,
        condition: Undecided { what: it.what, path: it.place.0, line: it.place.1 },
        objects: it.objects.iter().map(TreePath::text).collect(),
    };
    let failure = |it: survey::FailedImport| FailedImport { import: it.import, reason: it.reason, ask: it.ask };
    LoadsReport {
        schema: LoadsReport::SCHEMA,
        events: map.events.into_iter().map(event).collect(),
        missing: map.missing.into_iter().map(missing).collect(),
        alternatives: map.alternatives.into_iter().map(alternative).collect(),
        gaps: map.gaps.iter().map(gap).collect(),
        parts: map.parts,
        failures: map.failures.into_iter().map(failure).collect(),
        asked,
    }
}

fn object(it: survey::Mapped) -> LoadedObject {
    let passed_over =
        |(path, via, reason): (String, &'static str, String)| PassedOver { path, via: via.to_owned(), reason };
    LoadedObject {
        path: it.path,
        soname: it.soname,
        needed_by: it.needed_by,
        via: it.via.to_owned(),
        number: it.number,
        place: it.place,
        real: it.real,
        size_bytes: it.size_bytes,
        library: it.library,
        parent: it.parent,
        rule: it.rule,
        passed_over: it.refused.into_iter().map(passed_over).collect(),
        again: it.again,
    }
}

pub(super) fn gap(it: &Gap) -> facts::Gap {
    let path = if it.path == TreePath::root() { String::new() } else { it.path.text() };
    facts::Gap { path, stage: it.stage.word().to_owned(), reason: it.reason.clone(), hides: it.hides.clone() }
}
