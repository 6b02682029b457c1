//! The environment that an image gives to what starts in it, from the scripts in the image.

use std::io;

use serde::Deserialize;

use super::JobKnowledge;
use super::process::known;
use super::surroundings::Around;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::facts::{ActivationVariable, Fact, Facts, GapId};
use crate::job::{self, Binding, Environment, Place, Rest, Script, Setup, Source, Surroundings, Value, Word};
use crate::survey::ledger::Ledger;
use crate::survey::world::World;
use crate::tree::{Kind, View};

/// Scripts of one image.
const SCRIPTS: usize = 100;

/// Where a variable comes from that the configuration of an image sets.
const OF_CONFIG: &str = "image";

/// What a gap in the environment of an image hides.
const SETS: &str = "what the image sets";

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
    /// Every variable, with what is not known of its value.
    pub(super) environment: Environment,
    /// What could not be followed: there may be more than is said here.
    pub gaps: Vec<Gap>,
}

impl ImageEnvironment {
    /// What the configuration of an image sets: `K=V`, all of it known.
    pub fn of_config(list: &[String]) -> Self {
        let mut environment = Environment::new(Rest::Unset);
        let place = Place { file: OF_CONFIG.to_owned(), ..Place::default() };
        for (name, value) in list.iter().filter_map(|it| it.split_once('=')) {
            environment.set(name, Binding::Set(Value::known(value, &place)));
        }
        Self { environment, gaps: Vec::new() }
    }

    /// The variables, with what a gap may hide.
    pub(super) fn whole(&self) -> Environment {
        let mut environment = self.environment.clone();
        if let Some(reason) = self.open() {
            environment.set_rest(Rest::Unknown { reason, place: Place::default() });
        }
        environment
    }

    /// Why there may be variables of which nothing is said here.
    fn open(&self) -> Option<String> {
        match self.environment.rest() {
            Rest::Unknown { reason, place } => Some(format!("{}: {reason}", named(place))),
            Rest::Unset => self.gaps.first().map(|it| format!("{}: {}", it.path, it.reason)),
        }
    }

    /// The same for a process.
    pub fn variables(&self) -> Variables {
        let mut variables = known(&self.environment, OF_CONFIG, named);
        if let Some(reason) = self.open() {
            variables.hide_rest(&reason);
        }
        variables
    }

    /// Every `K=V` that is known, and what hides others.
    pub(in crate::survey) fn fact(&self, ledger: &mut Ledger) -> Fact<Vec<String>> {
        let mut list = Vec::new();
        let mut open = None;
        for (name, binding) in self.environment.iter() {
            match binding {
                Binding::Set(value) => match value.text() {
                    Some(text) => list.push(format!("{name}={text}")),
                    None => open = open.or_else(|| Some(format!("{name} is {}, which is computed", value.display()))),
                },
                Binding::Unset(_) => {}
                Binding::Unknown { reason, place } => {
                    open = open.or_else(|| Some(format!("{name} is not known: {}: {reason}", named(place))));
                }
            }
        }
        match open.or_else(|| self.open()) {
            Some(reason) => {
                let gap = Gap::new(&TreePath::root(), Stage::Job, reason, SETS);
                Fact::partial(list, Vec::new(), ledger.gap(&gap))
            }
            None => Fact::known(list, Vec::new()),
        }
    }
}

impl ImageEnvironment {
    /// What an entrypoint sets, of the variables that somebody reads.
    pub(in crate::survey) fn activation(&self, world: &World<'_>, ledger: &mut Ledger) -> Vec<ActivationVariable> {
        let mut list = Vec::new();
        for (name, binding) in self.environment.iter() {
            if !world.know.variables.records(name.as_bytes()) {
                continue;
            }
            let place = Place::default();
            let value = match binding {
                Binding::Set(value) => ledger.text_of(value, &place, &format!("what the entrypoint sets {name} to")),
                Binding::Unknown { reason, place } => {
                    ledger.open(place, reason, &format!("what the entrypoint sets {name} to"))
                }
                Binding::Unset(_) => continue,
            };
            let here = world.question.variables.get(name);
            let set = value.clone().map(|it| here == Some(it.as_bytes()));
            list.push(ActivationVariable { name: name.to_owned(), value, set, by: "entrypoint".to_owned() });
        }
        list
    }
}

/// What the facts of a process say of the image that it starts in; none where it starts in no image.
pub(super) fn environment_of(facts: &Facts) -> Option<Environment> {
    let reason = |gap: GapId| facts.gaps.get(gap.0 as usize).map_or_else(String::new, |it| it.reason.clone());
    let open = |gap: GapId| Rest::Unknown { reason: reason(gap), place: Place::default() };
    match &facts.environment.image_env {
        Fact::Known { value: None, .. } => None,
        Fact::Known { value: Some(list), incomplete, .. } => {
            let mut environment = ImageEnvironment::of_config(list).environment;
            environment.set_rest(incomplete.map_or(Rest::Unset, open));
            Some(environment)
        }
        Fact::Unknown { unknown } => Some(Environment::new(open(*unknown))),
    }
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
    let mut gaps = Vec::new();
    let mut environment = Environment::new(Rest::Unset);
    let listed = view.list(directory.as_bytes());
    let names = listed.map_err(|error| gaps.push(gap(directory, error.to_string()))).unwrap_or_default();
    let scripts: Vec<_> =
        names.iter().map(|(name, _)| name).filter(|it| it.ends_with(place.suffix.as_bytes())).collect();
    if SCRIPTS < scripts.len() {
        gaps.push(gap(directory, format!("it holds more than {SCRIPTS} scripts")));
    }
    for name in scripts.into_iter().take(SCRIPTS) {
        let file = directory.join(name);
        match view.read_text(file.as_bytes()) {
            Ok(text) => environment = followed(view, know, &file, &text, environment, &mut gaps),
            Err(error) => gaps.push(gap(&file, error.to_string())),
        }
    }
    if let Some(path) = &place.path {
        append(&mut environment, path);
    }
    ImageEnvironment { environment, gaps }
}

/// The environment behind a script of the image.
pub(super) fn followed(
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
            let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#'));
            for (line, (name, value)) in lines.filter_map(|(at, line)| Some((at, line.trim().split_once('=')?))) {
                let bare =
                    ['"', '\''].iter().find_map(|it| value.strip_prefix(*it)?.strip_suffix(*it)).unwrap_or(value);
                let place = Place { file: file.text(), line, ..Place::default() };
                found.environment.set(name, Binding::Set(Value::known(bare, &place)));
            }
        }
        Err(error) => found.gaps.push(gap(file, error.to_string())),
    }
    found
}

/// A line of a script, or the configuration of the image.
fn named(place: &Place) -> String {
    if place.line == 0 { place.file.clone() } else { format!("{}:{}", printable(place.file.as_bytes()), place.line) }
}

pub(super) fn gap(file: &TreePath, reason: String) -> Gap {
    Gap::new(file, Stage::Job, reason, SETS)
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
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

    fn names(&mut self, directory: &str) -> Option<Vec<String>> {
        let name = |(name, _): &(Vec<u8>, Kind)| String::from_utf8(name.clone()).ok();
        match self.0.view.list(directory.as_bytes()) {
            Ok(list) => list.iter().map(name).collect(),
            Err(error) => is_absent(&error).then(Vec::new),
        }
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        self.0.changes_shell(words, environment, place)
    }
}

/// A script that a job starts in an image finds what the image holds, and of the rest of the host what is mounted: which is
/// not known.
pub(super) struct InImage<'a> {
    image: Around<'a>,
    host: Around<'a>,
}

impl<'a> InImage<'a> {
    pub(super) fn new(view: &'a View, know: &'a JobKnowledge<'a>, host: Around<'a>) -> Self {
        let Inside(image) = Inside::new(view, know, None);
        Self { image: Around { whole: false, scheduler_variables: host.scheduler_variables.clone(), ..image }, host }
    }

    fn is_of_image(&mut self, path: &str) -> bool {
        path.starts_with('/') && self.image.exists(path) == Some(true)
    }
}

impl Surroundings for InImage<'_> {
    fn text(&mut self, path: &str) -> Option<Vec<u8>> {
        if self.is_of_image(path) { self.image.text(path) } else { self.host.text(path) }
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        if self.is_of_image(path) { Some(true) } else { self.host.exists(path) }
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        self.image.changes_shell(words, environment, place)
    }
}
