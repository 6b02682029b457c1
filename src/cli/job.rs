//! `audit --job`: a job script together with the environment that its launch lines start.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::args::JobArgs;
use super::asked::Asked;
use super::config::{self, Configured};
use super::image;
use super::target::{Opened, Target, Targets};
use crate::base::{TextFile, TreePath, Variables};
use crate::discover::{DiscoverError, Start};
use crate::facts::Facts;
use crate::loader::CpuLevel;
use crate::site::Site;
use crate::survey::{
    Interpreter, JobKnowledge, JobQuestion, JobReading, Question, StartedImage, join_fabric, read_job, survey_beside,
};
use crate::tree::View;

/// Largest script or site profile, in bytes; what stands behind is not read.
const SCRIPT_BYTES: u64 = 16 << 20;

/// Facts that say nothing.
const NOTHING: &str = r#"{"schema": "pyhpc-facts/1", "facts": {}}"#;

/// Why nothing is known of a process whose interpreter is not there.
const NO_PYTHON: &str =
    "no Python was found that the script could start; name its environment: audit --job SCRIPT PREFIX";

/// A script that facts were joined with.
pub(super) struct Joined {
    /// The script as it was asked for.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// Follows the script; the facts of every environment that is named, joined with it.
///
/// # Errors
/// When the script, the site profile or the environment is not there, or not what it should be.
pub(super) fn joined(asked: &Asked<'_>, script: &Path) -> Result<(Joined, Vec<Facts>)> {
    let (args, configured) = (asked.args, &asked.configured);
    let path = script.display().to_string();
    let bytes = beginning(script).with_context(|| format!("could not read the job script {path}"))?;
    let site = profile(&args.job)?;
    let knowledge = JobKnowledge::load(&configured.knowledge, &configured.site_files)?;
    let Targets { view, variables, list } = asked.targets()?;
    let directory = directory(&view, script, args.target.root.is_some())?;
    let mut facts = Vec::new();
    for target in list {
        let mut opened = target.open(&view, configured)?;
        let ask = |opened: Option<&Opened>| JobQuestion {
            script: path.clone(),
            bytes: &bytes,
            directory: directory.clone(),
            site: site.as_ref(),
            variables: opened.is_some().then_some(&variables),
            prefix: args.targets.first().map(|it| it.display().to_string()),
            image_env: None,
            image_view: None,
        };
        let question = ask(opened.as_ref());
        if let (true, Some(here)) = (args.targets.is_empty() && args.target.root.is_none(), &opened) {
            match started(&read_job(&view, &knowledge, question.clone()), here, &view, configured)? {
                Started::Here => {}
                Started::Image(image) => opened = Some(*image),
                Started::Unknown(why) => {
                    let mut found = unknown(asked, &why)?;
                    read_job(&view, &knowledge, question).join(&mut found);
                    join_fabric(&mut found, &configured.knowledge, site.as_ref());
                    facts.push(found);
                    continue;
                }
            }
        }
        let image = opened.as_ref().and_then(|it| Some((it.question.image.clone()?, Arc::clone(&it.view))));
        let question = JobQuestion {
            image_env: image.as_ref().map(|(facts, _)| &facts.env),
            image_view: image.as_ref().map(|(_, view)| &**view),
            ..question
        };
        let reading = read_job(&view, &knowledge, question);
        let mut found = match (target, opened) {
            (Target::Saved(facts), _) => vec![asked.beside(*facts)],
            (Target::Python(_) | Target::Image(..), Some(opened)) => environment(opened, &reading, asked)?,
            (Target::Python(_) | Target::Image(..), None) => Vec::new(),
        };
        for it in &mut found {
            reading.join(it);
            join_fabric(it, &configured.knowledge, site.as_ref());
        }
        facts.append(&mut found);
    }
    Ok((Joined { path, text: String::from_utf8_lossy(&bytes).into_owned() }, facts))
}

/// In what the script starts Python.
enum Started {
    /// No image.
    Here,
    Image(Box<Opened>),
    /// An image that cannot be read, and why.
    Unknown(String),
}

fn started(reading: &JobReading<'_>, here: &Opened, view: &Arc<View>, configured: &Configured) -> Result<Started> {
    const NAME_IT: &str = "name one that is: audit --job SCRIPT IMAGE";
    let path = match reading.image() {
        None => return Ok(Started::Here),
        Some(StartedImage::Unknown(why)) => return Ok(Started::Unknown(format!("{why}; {NAME_IT}"))),
        Some(StartedImage::File(path)) => path,
    };
    let inside = |_: &Path| Ok(path.clone());
    let images = image::images(view, Path::new(&path.text()), None, &inside)?;
    let one = match images.as_deref() {
        Some([one]) => one.clone(),
        None if view.is_directory(path.as_bytes()) => image::of_directory(view, &path, path.text())?,
        Some(_) => return Ok(Started::Unknown(format!("{path} holds several images; {NAME_IT}:TAG"))),
        None => return Ok(Started::Unknown(format!("{path} is no image that can be read; {NAME_IT}"))),
    };
    let question = Question {
        target: path.text(),
        start: Start::Root,
        cpu: CpuLevel::Baseline,
        variables: Variables::default(),
        ..here.question.clone()
    };
    let opened = Target::Image(one, Box::new(question)).open(view, configured)?;
    Ok(opened.map_or(Started::Here, |it| Started::Image(Box::new(it))))
}

/// The facts of the environment that the script starts.
fn environment(opened: Opened, reading: &JobReading<'_>, asked: &Asked<'_>) -> Result<Vec<Facts>> {
    let is_named = !asked.args.targets.is_empty();
    let Opened { view, mut question } = opened;
    let is_image = question.image.is_some();
    if let Some(variables) = reading.variables() {
        question.variables = variables;
    }
    // The launcher of the script is one of this machine, not of the image.
    if question.launcher.is_none() && !is_image {
        question.launcher = reading.launcher();
    }
    if question.imports.is_empty() {
        question.first = reading.imports();
    }
    match reading.interpreter() {
        Interpreter::At(python) if is_image => question.start = Start::Path(python),
        Interpreter::Nowhere(word) if is_image => {
            let why = format!("{word}, which the script starts, is not in {}", question.target);
            return Ok(vec![unknown(asked, &why)?]);
        }
        Interpreter::At(python) if !is_named => {
            question.target = python.text();
            question.start = Start::Path(python);
        }
        Interpreter::At(_) | Interpreter::Nowhere(_) | Interpreter::Unknown => {}
    }
    match survey_beside(&view, &asked.configured.knowledge, &question, asked.host.as_ref()) {
        // The script can be audited without the environment; one that was named has to be there.
        Err(DiscoverError::NoPython { .. }) if !is_named => Ok(vec![unknown(asked, NO_PYTHON)?]),
        found => Ok(found?),
    }
}

/// Facts of a process of which nothing is known.
fn unknown(asked: &Asked<'_>, why: &str) -> Result<Facts> {
    let mut facts = Facts::from_json(NOTHING).context("the empty facts that travel in this program cannot be read")?;
    facts.target = asked.args.job.script.as_ref().map(|it| it.display().to_string()).unwrap_or_default();
    facts.gaps.iter_mut().for_each(|it| why.clone_into(&mut it.reason));
    Ok(facts)
}

/// A file up to the largest size.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SCRIPT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The site profile that was named, else the one that is found.
///
/// # Errors
/// When it cannot be read or is no profile.
pub(super) fn profile(args: &JobArgs) -> Result<Option<Site>> {
    match &args.site {
        Some(path) => Ok(Some(site(path)?)),
        None => config::found_site().map(|it| site(&it)).transpose(),
    }
}

fn site(path: &Path) -> Result<Site> {
    let text = beginning(path)
        .and_then(|it| String::from_utf8(it).map_err(io::Error::other))
        .with_context(|| format!("could not read the site profile {}", path.display()))?;
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Site::parse(&TextFile { path: path.display().to_string(), stem, text })?)
}

/// The directory of the script, as the tree knows it.
fn directory(view: &View, script: &Path, rooted: bool) -> Result<TreePath> {
    // With --root the script is a file of this machine, and its relative paths are not followed.
    if rooted {
        return Ok(TreePath::root());
    }
    let parent = script.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let absolute = std::env::current_dir().context("could not read the working directory")?.join(parent);
    match view.resolve(absolute.as_os_str().as_bytes()) {
        Ok(path) => Ok(path),
        Err(error) => bail!("could not read {}: {error}", parent.display()),
    }
}
