//! The launch lines of a script: whose launcher, which environment the ranks get, which program they run.

use super::python_start::{Program, PythonStart, python_start};
use super::surroundings::list_entries;
use super::whose::{Asked, Owner};
use super::{JobReading, RUNS};
use crate::base::TreePath;
use crate::facts::Facts;
use crate::job::{Command, Environment, Place};
use crate::launch::{EnvironmentChange, Line};
use crate::python::{self, At};
use crate::tree::View;

/// One program that one line starts.
#[derive(Clone)]
pub(super) struct Launch {
    /// The command of the script.
    pub(super) command: Command,
    /// The launch as its description reads it.
    pub(super) line: Line,
    /// Whose launcher it is.
    pub(super) owner: Owner,
    /// Variables of the ranks.
    pub(super) environment: Environment,
    /// What the launcher does to the environment.
    pub(super) changes: Vec<EnvironmentChange>,
    /// How it starts Python; none when it starts something else.
    pub(super) python: Option<PythonStart>,
}

/// The program of a launch, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct ProgramText {
    /// What it does.
    pub(super) program: python::Program,
    /// The file, or the script that holds it.
    pub(super) file: String,
    /// Lines before it in that file.
    pub(super) before: u32,
    /// The directory that its imports are searched in first.
    pub(super) directory: Option<TreePath>,
    /// Why it cannot be read, and where that stands.
    pub(super) unread: Option<(Place, String)>,
}

impl ProgramText {
    /// Where something of the program stands.
    pub(super) fn place(&self, at: &At) -> Place {
        Place {
            file: self.file.clone(),
            line: at.line.saturating_add(self.before),
            column: at.column,
            length: at.length,
            text: at.text.clone(),
        }
    }
}

impl JobReading<'_> {
    /// Every launch of the script, in order; with the facts of the environment once there are any.
    pub(super) fn launches(&self, facts: Option<&Facts>) -> Vec<Launch> {
        let recorded = self.recorded();
        let asked = self.asked(facts, &recorded);
        let outside = Asked { outside: true, ..self.asked(facts, &recorded) };
        let own = self.image_env(facts);
        let mut launches = Vec::new();
        for command in &self.commands {
            let Some(found) = self.know.launch_lines.is_launch(&command.words) else { continue };
            let owner = |asked: &Asked<'_>| match command.words.get(found.at) {
                Some(word) if !found.candidates.is_empty() => {
                    asked.owner(word, &found.candidates, &command.environment)
                }
                Some(_) | None => Owner::default(),
            };
            let lines = |it: &Owner| {
                self.know.launch_lines.read(&command.words, &found, it.word.as_deref(), it.version.as_deref())
            };
            let mut owner_of_line = owner(&asked);
            let mut read = lines(&owner_of_line);
            // The launcher of an image is not the one that starts it.
            if read.iter().any(starts_an_image) {
                owner_of_line = owner(&outside);
                read = lines(&owner_of_line);
            }
            for line in read {
                if RUNS <= launches.len() {
                    return launches;
                }
                let mut environment = self.know.launch_lines.rank_environment(&line, &command.environment);
                super::containers::fill(&line, own.as_ref(), &command.environment, &mut environment);
                let changes = self.know.launch_lines.changes(&line, &command.environment);
                let python =
                    self.know.launch_lines.starts_interpreter(&line).then(|| python_start(&line.program, command));
                let launch = Launch {
                    command: command.clone(),
                    owner: owner_of_line.clone(),
                    python: python.flatten(),
                    environment,
                    changes,
                    line,
                };
                launches.extend(self.through_scripts(launch, facts));
            }
        }
        launches
    }

    /// The text of the program that a launch runs.
    pub(super) fn program(&self, launch: &Launch) -> ProgramText {
        let Some(start) = &launch.python else { return ProgramText::default() };
        let unread =
            |place: &Place, why: String| ProgramText { unread: Some((place.clone(), why)), ..ProgramText::default() };
        match &start.program {
            Program::File(word) => match word.value.text() {
                Some(path) => self.program_file(launch, &path, &word.place),
                None => unread(&word.place, format!("{} is not known", word.value.display())),
            },
            Program::Module(word) => {
                unread(&word.place, format!("the module {} is not followed", word.value.display()))
            }
            Program::Text(place, text) => ProgramText {
                program: python::program(text.as_bytes(), &self.know.calls),
                file: place.file.clone(),
                before: place.line.saturating_sub(1),
                directory: Some(self.question.directory.clone()),
                unread: None,
            },
            Program::Open(place, why) => unread(place, why.clone()),
        }
    }

    fn program_file(&self, launch: &Launch, path: &str, place: &Place) -> ProgramText {
        let file = self.directory_of(launch).map(|it| absolute(&it, path));
        let beside = absolute(&self.question.directory, path);
        let candidates = file.into_iter().chain([beside]);
        for file in candidates {
            // A file that is not there is a program of the machine on which the job runs.
            let Ok(text) = self.view.read_text(file.as_bytes()) else { continue };
            return ProgramText {
                program: python::program(text.as_bytes(), &self.know.calls),
                file: path.to_owned(),
                before: 0,
                directory: file.parent(),
                unread: None,
            };
        }
        let why = format!("the program {path} is not there: what it imports and starts is not known");
        ProgramText { unread: Some((place.clone(), why)), ..ProgramText::default() }
    }

    /// The directory in which a command starts, when it is known.
    pub(super) fn directory_of(&self, launch: &Launch) -> Option<TreePath> {
        match &launch.command.directory {
            None => Some(self.question.directory.clone()),
            Some(value) => value.text().map(|it| absolute(&self.question.directory, &it)),
        }
    }
}

impl Launch {
    /// The path of the interpreter, when it can be told.
    pub(super) fn interpreter(&self, view: &View) -> Option<TreePath> {
        let word = self.python.as_ref()?.interpreter.value.text()?;
        if word.starts_with('/') {
            return Some(TreePath::new(word.as_bytes()));
        }
        for entry in list_entries(self.environment.value("PATH")?) {
            // Behind a directory that is not known nothing can be told.
            let path = TreePath::new(format!("{}/{word}", entry?).as_bytes());
            if view.is_file(path.as_bytes()) {
                return Some(path);
            }
        }
        None
    }

    /// Whether it starts an image in which the home directory of the user is not seen.
    pub(super) fn hides_home(&self) -> bool {
        self.line.wrappers().filter_map(|it| it.container.as_ref()).any(|it| !it.home || it.no_home.is_some())
    }

    /// `job.sh:12`, and which program of the line where there are several.
    pub(super) fn name(&self) -> String {
        let name = super::places::named(&self.line.place);
        match self.line.part {
            (_, 1) => name,
            (part, _) => format!("{name}.{part}"),
        }
    }
}

/// Whether a launcher starts a container.
fn starts_an_image(line: &Line) -> bool {
    (line.launcher.is_some() || line.incomplete.is_some()) && line.inner.iter().any(|it| it.container.is_some())
}

pub(super) fn absolute(directory: &TreePath, path: &str) -> TreePath {
    if path.starts_with('/') {
        TreePath::new(path.as_bytes())
    } else {
        directory.join(path.trim_start_matches("./").as_bytes())
    }
}
