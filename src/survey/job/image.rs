//! The environment that an image gives to what starts in it, from the scripts in the image.

use serde::Deserialize;

use super::JobKnowledge;
use super::surroundings::Around;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::job::{self, Binding, Environment, Place, Rest, Script, Setup, Source, Surroundings, Value, Word};
use crate::tree::View;

/// Scripts of one image.
const SCRIPTS: usize = 100;

/// A place where images keep their environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImagePlace {
    /// A directory of scripts, which are read in the order of their names.
    #[serde(default)]
    directory: Option<String>,
    /// The end of their names.
    #[serde(default)]
    suffix: String,
    /// Directories that are appended to `PATH` where it lacks them.
    #[serde(default)]
    path: Option<String>,
    /// A file with one `K=V` a line.
    #[serde(default)]
    lines: Option<String>,
}

/// What starts in an image finds set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageEnvironment {
    /// Name, value, and where it is set.
    pub variables: Vec<(String, String, String)>,
    /// What could not be worked out.
    pub gaps: Vec<Gap>,
}

/// The environment that the files of an image set; `None` where none of them does.
pub fn image_environment(view: &View, know: &JobKnowledge<'_>) -> Option<ImageEnvironment> {
    know.shell.image_environment.iter().find_map(|place| {
        let directory = place.directory.as_ref().map(TreePath::new).filter(|it| view.is_directory(it.as_bytes()));
        let lines = place.lines.as_ref().map(TreePath::new).filter(|it| view.is_file(it.as_bytes()));
        match (directory, lines) {
            (Some(directory), _) => Some(of_scripts(view, know, place, &directory)),
            (None, Some(file)) => Some(of_lines(view, &file)),
            (None, None) => None,
        }
    })
}

fn of_scripts(view: &View, know: &JobKnowledge<'_>, place: &ImagePlace, directory: &TreePath) -> ImageEnvironment {
    let mut found = ImageEnvironment::default();
    let mut environment = Environment::new(Rest::Unset);
    let listed = view.list(directory.as_bytes());
    let names = listed.map_err(|error| found.gaps.push(gap(directory, error.to_string()))).unwrap_or_default();
    let scripts = names.iter().map(|(name, _)| name).filter(|it| it.ends_with(place.suffix.as_bytes()));
    for name in scripts.take(SCRIPTS) {
        let file = directory.join(name);
        match view.read_text(file.as_bytes()) {
            Ok(text) => environment = followed(view, know, &file, &text, environment, &mut found.gaps),
            Err(error) => found.gaps.push(gap(&file, error.to_string())),
        }
    }
    if let Some(path) = &place.path {
        append(&mut environment, path);
    }
    if let Rest::Unknown { reason, place } = environment.rest() {
        found.gaps.push(gap(&TreePath::new(&place.file), format!("line {}: {reason}", place.line)));
    }
    for (name, binding) in environment.iter() {
        match binding {
            Binding::Set(value) => match value.text() {
                Some(text) => {
                    let origin = value.places.first().map_or_else(|| directory.text(), named);
                    found.variables.push((name.to_owned(), text, origin));
                }
                None => found.gaps.push(gap(directory, format!("{name} is {}, which is computed", value.display()))),
            },
            Binding::Unset(_) => {}
            Binding::Unknown { reason, place } => {
                let file = TreePath::new(&place.file);
                found.gaps.push(gap(&file, format!("line {}: {name} is not known: {reason}", place.line)));
            }
        }
    }
    found
}

fn followed(
    view: &View,
    know: &JobKnowledge<'_>,
    file: &TreePath,
    text: &str,
    environment: Environment,
    gaps: &mut Vec<Gap>,
) -> Environment {
    let path = file.text();
    let source = Source { path: &path, bytes: text.as_bytes() };
    let mut inside = Inside::new(view, know, file.parent());
    let script = job::read(&source, &Setup { environment, arguments: Vec::new() }, &mut inside);
    unclear(&script, file, gaps);
    script.last
}

pub(super) fn unclear(script: &Script, file: &TreePath, gaps: &mut Vec<Gap>) {
    for it in &script.unclear {
        gaps.push(gap(file, format!("line {}: {}: {}", it.place.line, it.what, it.why)));
    }
}

/// A directory that `PATH` lacks, at its end.
fn append(environment: &mut Environment, directories: &str) {
    let Some(text) = environment.value("PATH").and_then(Value::text) else { return };
    let mut all: Vec<&str> = text.split(':').collect();
    for it in directories.split(':') {
        if !all.contains(&it) {
            all.push(it);
        }
    }
    let mut value = Value::known(all.join(":").as_str(), &Place::default());
    value.places = environment.value("PATH").map(|it| it.places.clone()).unwrap_or_default();
    environment.set("PATH", Binding::Set(value));
}

fn of_lines(view: &View, file: &TreePath) -> ImageEnvironment {
    let mut found = ImageEnvironment::default();
    match view.read_text(file.as_bytes()) {
        Ok(text) => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#'));
            for (at, (name, value)) in lines.filter_map(|(at, line)| Some((at, line.trim().split_once('=')?))) {
                let bare =
                    ['"', '\''].iter().find_map(|it| value.strip_prefix(*it)?.strip_suffix(*it)).unwrap_or(value);
                found.variables.push((name.to_owned(), bare.to_owned(), format!("{file}:{}", at + 1)));
            }
        }
        Err(error) => found.gaps.push(gap(file, error.to_string())),
    }
    found
}

pub(super) fn named(place: &Place) -> String {
    format!("{}:{}", printable(place.file.as_bytes()), place.line)
}

pub(super) fn gap(file: &TreePath, reason: String) -> Gap {
    Gap::new(file, Stage::Job, reason, "what the image sets")
}

/// A script of an image finds what the image holds, and nothing else.
pub(super) struct Inside<'a>(Around<'a>);

impl<'a> Inside<'a> {
    pub(super) fn new(view: &'a View, know: &'a JobKnowledge<'a>, directory: Option<TreePath>) -> Self {
        Self(Around {
            view,
            directory: directory.unwrap_or_else(TreePath::root),
            of_this_machine: true,
            site: None,
            shell: &know.shell,
            modulefiles: &know.modulefiles,
            whole: true,
            scheduler_variables: Vec::new(),
            prefix: None,
            activations: 0,
        })
    }
}

impl Surroundings for Inside<'_> {
    fn text(&mut self, path: &str) -> Option<Vec<u8>> {
        self.0.text(path)
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        Some(self.0.exists(path) == Some(true))
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        self.0.changes_shell(words, environment, place)
    }
}
