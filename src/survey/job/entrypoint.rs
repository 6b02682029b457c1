//! What the entrypoint of an image sets before it starts what was asked for.
//!
//! `docker run` and `apptainer run` start it; `apptainer exec`, `srun` with a container plugin and most schedulers do not.
//! So it is no part of the image's environment: a process that is started without it lacks these variables.

use std::io;

use super::JobKnowledge;
use super::image::{ImageEnvironment, Inside, gap, is_absent, unclear};
use super::login::{logged_in, login_shell};
use super::shell_start::{Runs, shell_start};
use crate::base::{Gap, TreePath};
use crate::discover::DEFAULT_PATH;
use crate::job::{self, Binding, Environment, Place, Script, Setup, Source, Value};
use crate::tree::{Kind, View};

/// What an entrypoint starts when nobody says what.
const PROGRAM: &str = "python3";

/// Variables that the entrypoint sets otherwise than the image itself. `command` is the entrypoint with its default
/// arguments, `own` what the image sets, `home` the home directory of who runs it.
pub fn entrypoint_variables(
    view: &View,
    know: &JobKnowledge<'_>,
    own: &ImageEnvironment,
    command: &[String],
    home: Option<&str>,
) -> ImageEnvironment {
    let mut found = ImageEnvironment::default();
    let mut environment = own.environment.clone();
    if let (None, Some(home)) = (environment.own("HOME"), home) {
        environment.set("HOME", Binding::Set(Value::known(home, &Place::default())));
    }
    let environment = &environment;
    let Some(start) = start(view, know, environment, command, &mut found.gaps) else { return found };
    let given = |it: &String| Value::known(it.as_str(), &Place::default());
    let program = [PROGRAM.to_owned()];
    let arguments = if start.arguments.is_empty() { &program } else { start.arguments };
    let begin = match &start.login {
        Some(shell) => logged_in(view, know, shell, environment.clone(), &mut found.gaps),
        None => environment.clone(),
    };
    let setup = Setup { environment: begin, arguments: arguments.iter().map(given).collect() };
    let path = start.file.text();
    let source = Source { path: &path, bytes: start.text.as_bytes() };
    let script = job::read(&source, &setup, &mut Inside::new(view, know, start.file.parent()));
    let Some(before) = before(&script, arguments) else {
        unclear(&script, &start.file, &mut found.gaps);
        let reason = "where it starts the program that was asked for is not seen".to_owned();
        found.gaps.push(gap(&start.file, reason));
        return found;
    };
    found.environment.set_rest(before.rest().clone());
    for (name, binding) in before.iter().filter(|(name, it)| !environment.get(name).says_the_same(it)) {
        found.environment.set(name, binding.clone());
    }
    found
}

/// A script that begins what an image starts.
struct Start<'a> {
    file: TreePath,
    text: String,
    arguments: &'a [String],
    /// The shell, where it begins a login.
    login: Option<String>,
}

/// The first word that is a script of a shell, or the text behind `sh -c`.
fn start<'a>(
    view: &View,
    know: &JobKnowledge<'_>,
    environment: &Environment,
    command: &'a [String],
    gaps: &mut Vec<Gap>,
) -> Option<Start<'a>> {
    let path = environment.value("PATH").and_then(Value::text).unwrap_or_else(|| DEFAULT_PATH.to_owned());
    for (at, word) in command.iter().enumerate() {
        let rest = command.get(at + 1..).unwrap_or_default();
        if know.shell.is_shell(word) {
            return of_shell(view, word, rest, gaps);
        }
        let directories = if word.contains('/') { "" } else { path.as_str() };
        let files = directories.split(':').map(|it| TreePath::new(it).join(word.as_bytes()));
        for file in files {
            match script(view, &file) {
                Ok(Some(text)) => {
                    let login = login_shell(&text, know);
                    return Some(Start { file, text, arguments: rest, login });
                }
                Ok(None) if changes_nothing(know, word) => break,
                Ok(None) => {
                    let reason = "it is no script: what it sets for the program that it starts is not known";
                    gaps.push(gap(&file, reason.to_owned()));
                    return None;
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    gaps.push(gap(&file, error.to_string()));
                    return None;
                }
            }
        }
    }
    None
}

/// What a shell is told to run by the words behind its name.
fn of_shell<'a>(view: &View, shell: &str, words: &'a [String], gaps: &mut Vec<Gap>) -> Option<Start<'a>> {
    let started = shell_start(words, |it| Some(it.clone()))?;
    let login = started.login.then(|| shell.to_owned());
    match started.runs {
        Runs::Text(text, behind) => {
            // What follows the text is `$0`, then the arguments.
            let file = TreePath::new("/").join(shell.as_bytes());
            Some(Start { file, text: text.clone(), arguments: behind.get(1..).unwrap_or_default(), login })
        }
        Runs::File(file, arguments) => {
            let file = TreePath::new("/").join(file.as_bytes());
            match view.read_text(file.as_bytes()) {
                Ok(text) => Some(Start { file, text, arguments, login }),
                Err(error) => {
                    gaps.push(gap(&file, error.to_string()));
                    None
                }
            }
        }
        Runs::Input => None,
    }
}

/// Whether a program starts the words behind it with the environment as it is, or none at all.
fn changes_nothing(know: &JobKnowledge<'_>, word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    know.shell.inits.iter().any(|it| it == name) || know.launch_lines.is_interpreter(word)
}

/// The text of a script; `None` of any other file. Of a program two bytes are read.
fn script(view: &View, file: &TreePath) -> io::Result<Option<String>> {
    const MARK: &[u8; 2] = b"#!";
    if view.metadata(file.as_bytes())?.kind != Kind::File {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut first = [0; MARK.len()];
    let count = view.open(file.as_bytes())?.read_at(0, &mut first)?;
    if count < first.len() || first != *MARK { Ok(None) } else { view.read_text(file.as_bytes()).map(Some) }
}

/// The environment of the command that consists of the arguments of the script.
fn before(script: &Script, arguments: &[String]) -> Option<Environment> {
    let is_it = |it: &&job::Command| {
        let words: Vec<Option<String>> = it.words.iter().map(|it| it.value.text()).collect();
        words.len() == arguments.len() && words.iter().zip(arguments).all(|(a, b)| a.as_ref() == Some(b))
    };
    script.commands.iter().rev().find(is_it).map(|it| it.environment.clone())
}
