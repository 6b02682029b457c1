//! A job script joined with the process that it starts.
//!
//! [`read_job`] follows the script; [`JobReading::variables`] and [`JobReading::target`] say which process its first launch
//! line starts; [`JobReading::join`] completes the facts of that process with the job.
//!
//! Invariant: what the script leaves open is a gap that names the line; nothing is guessed.

mod activation;
mod containers;
mod entrypoint;
mod filesystems;
mod image;
mod knowledge;
mod launches;
mod listed;
mod loading;
mod login;
mod module_effects;
mod modules;
mod outside;
mod picture;
mod pinning;
mod places;
mod pmi;
mod process;
mod programs;
mod python_start;
mod rank_start;
mod reach;
mod relations;
mod runs;
mod scripts;
mod settings;
mod shell;
mod shell_start;
mod surroundings;
mod threads;
mod whose;

use crate::base::{Gap, Stage, TreePath, Variables};
use crate::facts::Facts;
use crate::job::{self, Binding, Command, Environment, Place, Rest, Script, Setup, Source, Unclear, Value};
use crate::launch::Request;
use crate::site::Site;
use crate::tree::View;

use launches::Launch;
use surroundings::Around;

pub use entrypoint::entrypoint_variables;
pub use image::{ImageEnvironment, image_environment};
pub use knowledge::JobKnowledge;
pub use login::home_in_image;
pub(super) use pmi::{Fit, ProcessManagement};

/// A job script, and what is known around it.
#[derive(Clone)]
pub struct JobQuestion<'a> {
    /// The script as it was asked for.
    pub script: String,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The directory that holds it: relative paths of the script begin there.
    pub directory: TreePath,
    /// The site profile.
    pub site: Option<&'a Site>,
    /// The environment of the shell that submits it; none where that is another machine's.
    pub variables: Option<&'a Variables>,
    /// The target, where one was named: an environment prefix.
    pub prefix: Option<String>,
    /// What the image sets that the script starts, where it was read.
    pub image_env: Option<&'a ImageEnvironment>,
    /// Its files, where they were read.
    pub image_view: Option<&'a View>,
}

/// What a launch line starts Python with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interpreter {
    /// This file.
    At(TreePath),
    /// It is named so, and not there.
    Nowhere(String),
    /// That cannot be told.
    Unknown,
}

/// The image that a launch starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedImage {
    /// A file of this machine.
    File(TreePath),
    /// Why it cannot be read here.
    Unknown(String),
}

/// A job script that was followed.
pub struct JobReading<'a> {
    view: &'a View,
    know: &'a JobKnowledge<'a>,
    question: JobQuestion<'a>,
    request: Request,
    /// The commands of the script and of the scripts that it starts in its place.
    commands: Vec<Command>,
    /// What of them could not be followed.
    unclear: Vec<Unclear>,
    /// Their launches, before there are facts of the environment.
    launches: Vec<Launch>,
}

/// Follows a job script.
pub fn read_job<'a>(view: &'a View, know: &'a JobKnowledge<'a>, question: JobQuestion<'a>) -> JobReading<'a> {
    let source = Source { path: &question.script, bytes: question.bytes };
    let directives = job::directives(&source, &know.schedulers.prefixes());
    let request = know.schedulers.request(&directives, question.site);
    let environment = start(know, &question, &request);
    let mut around = around(view, know, &question, &request);
    let setup = Setup { environment, arguments: Vec::new() };
    let Script { commands, mut unclear, .. } = job::read(&source, &setup, &mut around);
    let mut reading =
        JobReading { view, know, question, request, commands: Vec::new(), unclear: Vec::new(), launches: Vec::new() };
    reading.commands = reading.commands(&commands, &mut unclear);
    reading.unclear = unclear;
    reading.launches = reading.launches(None);
    reading
}

/// What a script finds around it.
fn around<'a>(view: &'a View, know: &'a JobKnowledge<'a>, question: &JobQuestion<'a>, request: &Request) -> Around<'a> {
    Around {
        view,
        directory: question.directory.clone(),
        of_this_machine: question.variables.is_some(),
        site: question.site,
        shell: &know.shell,
        modulefiles: &know.modulefiles,
        whole: false,
        scheduler_variables: request.variables.iter().map(|(name, _)| name.clone()).collect(),
        prefix: question.prefix.clone(),
        activations: 0,
    }
}

/// The environment in which the script begins: that of the shell that submits it, then what the scheduler sets.
fn start(know: &JobKnowledge<'_>, question: &JobQuestion<'_>, request: &Request) -> Environment {
    let mut environment = Environment::new(Rest::Unset);
    let here = Place::default();
    for name in &know.shell.login {
        let reason = of_the_machine(name);
        environment.set(name.as_str(), Binding::Unknown { reason, place: here.clone() });
    }
    let passes = request.passes_environment || request.scheduler.is_none();
    for (name, setting) in question.variables.into_iter().flat_map(Variables::iter) {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(&setting.value));
        if passes || know.shell.person.iter().any(|it| *it == name) {
            let mut value = Value::known(value.as_ref(), &here);
            value.places.clear();
            environment.set(name.as_ref(), Binding::Set(value));
        }
    }
    for (name, value) in &request.variables {
        environment.set(name.as_str(), Binding::Set(value.clone()));
    }
    environment
}

/// Why nobody knows what every login has.
fn of_the_machine(name: &str) -> String {
    format!("{name} is that of the machine on which the job runs")
}

impl JobReading<'_> {
    /// The variables of the process that the first launch line starts, as far as they are known.
    pub fn variables(&self) -> Option<Variables> {
        let launch = first_python(&self.launches)?;
        let mut variables = process::known(&launch.environment, "caller", places::named);
        // What every login has is that of the caller, where the script leaves it open: nothing on the way changes who runs it. In
        // an image only where nothing but the machine is open: its PATH is another.
        let in_image = containers::of(launch).is_some();
        for name in &self.know.shell.login {
            let caller = self.question.variables.and_then(|it| it.get(name));
            let open = match launch.environment.get(name) {
                Binding::Unknown { reason, .. } => !in_image || reason == of_the_machine(name),
                Binding::Set(_) | Binding::Unset(_) => false,
            };
            if let (Some(value), true, true) = (caller, open, variables.get(name).is_none()) {
                variables.set(name.as_str(), value, "caller");
            }
        }
        Some(variables)
    }

    /// The interpreter that the first launch line starts: on this machine, or in the image that it starts.
    pub fn interpreter(&self) -> Interpreter {
        let Some(launch) = first_python(&self.launches) else { return Interpreter::Unknown };
        let view = match (containers::of(launch), self.question.image_view) {
            (Some(_), Some(image)) => image,
            (None, None) => self.view,
            // An image that was not read, or one that the launch does not start.
            (Some(_), None) | (None, Some(_)) => return Interpreter::Unknown,
        };
        let word = || launch.python.as_ref().and_then(|it| it.interpreter.value.text());
        match launch.interpreter(view) {
            Some(path) if view.is_file(path.as_bytes()) => Interpreter::At(path),
            Some(path) => Interpreter::Nowhere(path.text()),
            None => match (launch.environment.value("PATH").and_then(Value::text), word()) {
                (Some(_), Some(word)) => Interpreter::Nowhere(word),
                (None, _) | (_, None) => Interpreter::Unknown,
            },
        }
    }

    /// The image that the first launch line starts; none where it starts none.
    pub fn image(&self) -> Option<StartedImage> {
        // Where the words behind an image are not known, one of them may be Python.
        let starts_image = || self.launches.iter().find(|it| containers::of(it).is_some());
        let launch = first_python(&self.launches).or_else(starts_image)?;
        let (_, container) = containers::of(launch)?;
        let unknown = |what: &str| Some(StartedImage::Unknown(what.to_owned()));
        let Some(image) = &container.image else { return unknown("which image it starts is not known") };
        let Some(text) = image.text() else { return unknown(&format!("the image {} is not known", image.display())) };
        let path = match self.directory_of(launch) {
            Some(directory) => launches::absolute(&directory, &text),
            None if text.starts_with('/') => TreePath::new(&text),
            None => return unknown(&format!("the directory that holds the image {text} is not known")),
        };
        match self.view.exists(path.as_bytes()) {
            true => Some(StartedImage::File(path)),
            false if launch.python.is_none() => unknown("which image it starts is not known"),
            false => unknown(&format!("the image {text} is not there")),
        }
    }

    /// What an image sets: as its files say, else as the facts of its process do; none where neither knows of an image.
    fn image_env(&self, facts: Option<&Facts>) -> Option<Environment> {
        let of_facts = || facts.and_then(image::environment_of);
        self.question.image_env.map(ImageEnvironment::whole).or_else(of_facts)
    }

    /// The launcher of the first launch line, when its file can be told: that is whose it is asked of.
    pub fn launcher(&self) -> Option<TreePath> {
        let path = TreePath::new(first_python(&self.launches)?.owner.path.as_ref()?.as_bytes());
        self.view.is_file(path.as_bytes()).then_some(path)
    }

    /// Modules that the program of the first launch line imports, when it can be read.
    pub fn imports(&self) -> Vec<String> {
        let Some(launch) = first_python(&self.launches) else { return Vec::new() };
        programs::imports(&self.program(launch), self.know)
    }

    /// Completes the facts of the process with the job that starts it.
    pub fn join(&self, facts: &mut Facts) {
        let launches = self.launches(Some(facts));
        relations::join(self, &launches, facts);
    }

    fn recorded(&self) -> Vec<String> {
        self.know.shell.modules.iter().map(|it| it.recorded.clone()).collect()
    }
}

/// The launch whose process the facts are about: the first that starts Python through a launcher, else the first at all.
fn first_python(launches: &[Launch]) -> Option<&Launch> {
    let python = || launches.iter().filter(|it| it.python.is_some());
    python().find(|it| it.line.launcher.is_some()).or_else(|| python().next())
}

/// Lists of one script are short; a hostile one is cut.
const RUNS: usize = 256;

/// What hides further runs.
fn runs_hidden(reading: &JobReading<'_>, launches: usize) -> Option<Gap> {
    let more = RUNS <= launches || job::limits::COMMANDS <= reading.commands.len();
    let path = TreePath::new(reading.question.script.as_bytes());
    more.then(|| Gap::new(&path, Stage::Job, "the script starts too many commands", "further runs"))
}
