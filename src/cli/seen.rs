//! `seen`: a file as a sample for the descriptions.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::args::{SeenArgs, SeenFormat};
use super::{config, output, target};
use crate::report::{SeenBlock, SeenFile, seen_json, seen_toml};
use crate::survey::{self, Recognised, Sampled};
use crate::tree::{HostTree, View};

/// Prints a block for every file that gives one; a message for every other, and then exit code 2.
pub(super) fn run(args: &SeenArgs) -> Result<ExitCode> {
    let configured = config::read(&args.knowledge)?;
    let tree = match &args.root {
        Some(root) => HostTree::below(root).with_context(|| format!("could not read the root {}", root.display()))?,
        None => HostTree::host(),
    };
    let view = View::new(Box::new(tree));
    let (mut files, mut refused) = (Vec::new(), 0_usize);
    for path in &args.files {
        let path = target::inside(&view, path, args.root.is_some())?;
        match survey::seen(&view, &configured.knowledge, &path) {
            Ok(sampled) => files.push(file(sampled, &args.place)),
            Err(error) => {
                output::message(&format!("error: {error}"));
                refused += 1;
            }
        }
    }
    if files.is_empty() && args.format == SeenFormat::Toml {
        bail!("no file gives a sample");
    }
    let text = match args.format {
        SeenFormat::Toml => seen_toml(&files),
        SeenFormat::Json => seen_json(&files),
    };
    output::print(&text)?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn file(it: Sampled, place: &str) -> SeenFile {
    let (library, launcher, certain) = match it.recognised {
        Recognised::Library { word, certain } => (Some(word), None, certain),
        Recognised::Launcher { word, certain } => (None, Some(word), certain),
        Recognised::Nothing => (None, None, false),
    };
    let sample = it.sample;
    SeenFile {
        path: it.path.text(),
        machine: it.machine,
        library,
        launcher,
        certain,
        seen: SeenBlock {
            place: place.to_owned(),
            file: sample.file,
            script: sample.script,
            soname: sample.soname,
            needed: sample.needed,
            defines: sample.defines,
            wants: sample.wants,
            mentions: sample.mentions,
            objects: sample.objects,
            text: sample.text,
            expect: sample.expect.iter().map(|(key, value)| (key.word().to_owned(), value.clone())).collect(),
            opens: sample.opens,
            offers: sample.offers,
        },
        faithful: it.faithful,
        gaps: it.gaps.iter().map(super::loads::gap).collect(),
    }
}
