//! What the entrypoint of an image sets before it starts what was asked for.
//!
//! `docker run` and `apptainer run` start it; `apptainer exec`, `srun` with a container plugin and most schedulers do not.
//! So it is no part of the image's environment: a process that is started without it lacks these variables.

use super::JobKnowledge;
use super::image::{ImageEnvironment, Inside, gap, named, unclear};
use crate::base::TreePath;
use crate::discover::DEFAULT_PATH;
use crate::job::{self, Binding, Environment, Place, Rest, Script, Setup, Source, Value};
use crate::tree::View;

/// What an entrypoint starts when nobody says what.
const PROGRAM: &str = "python3";

/// Variables that the entrypoint sets otherwise than the image itself. `command` is the entrypoint with its default
/// arguments, `env` what the image sets.
pub fn entrypoint_variables(
    view: &View,
    know: &JobKnowledge<'_>,
    env: &[String],
    command: &[String],
) -> ImageEnvironment {
    let mut found = ImageEnvironment::default();
    let mut environment = Environment::new(Rest::Unset);
    for (name, value) in env.iter().filter_map(|it| it.split_once('=')) {
        environment.set(name, Binding::Set(Value::known(value, &Place::default())));
    }
    let Some(start) = start(view, know, &environment, command) else { return found };
    let given = |it: &String| Value::known(it.as_str(), &Place::default());
    let program = [PROGRAM.to_owned()];
    let arguments = if start.arguments.is_empty() { &program } else { start.arguments };
    let setup = Setup { environment: environment.clone(), arguments: arguments.iter().map(given).collect() };
    let path = start.file.text();
    let source = Source { path: &path, bytes: start.text.as_bytes() };
    let script = job::read(&source, &setup, &mut Inside::new(view, know, start.file.parent()));
    let Some(before) = before(&script, arguments) else {
        unclear(&script, &start.file, &mut found.gaps);
        let reason = "where it starts the program that was asked for is not seen".to_owned();
        found.gaps.push(gap(&start.file, reason));
        return found;
    };
    if let Rest::Unknown { reason, place } = before.rest() {
        found.gaps.push(gap(&start.file, format!("line {}: {reason}", place.line)));
    }
    for (name, binding) in before.iter() {
        let Binding::Set(value) = binding else { continue };
        let Some(text) = value.text().filter(|it| environment.value(name).and_then(Value::text).as_ref() != Some(it))
        else {
            continue;
        };
        let origin = value.places.first().map_or_else(|| path.clone(), named);
        found.variables.push((name.to_owned(), text, origin));
    }
    found
}

/// A script that begins what an image starts.
struct Start<'a> {
    file: TreePath,
    text: String,
    arguments: &'a [String],
}

/// The first word that is a script of a shell, or the text behind `sh -c`.
fn start<'a>(
    view: &View,
    know: &JobKnowledge<'_>,
    environment: &Environment,
    command: &'a [String],
) -> Option<Start<'a>> {
    let path = environment.value("PATH").and_then(Value::text).unwrap_or_else(|| DEFAULT_PATH.to_owned());
    for (at, word) in command.iter().enumerate() {
        let rest = command.get(at + 1..).unwrap_or_default();
        let is_shell = know.shell.shells.iter().any(|it| word.rsplit('/').next() == Some(it));
        if let (true, [option, text, rest @ ..]) = (is_shell, rest)
            && option.starts_with('-')
            && option.ends_with('c')
        {
            // What follows the text is `$0`, then the arguments.
            let file = TreePath::new("/").join(word.as_bytes());
            return Some(Start { file, text: text.clone(), arguments: rest.get(1..).unwrap_or_default() });
        }
        let directories = if word.contains('/') { "" } else { path.as_str() };
        let files = directories.split(':').map(|it| TreePath::new(it).join(word.as_bytes()));
        // What is no text is a program of its own: `tini`, `env`, `nvidia_entrypoint`.
        let script = files.into_iter().find_map(|it| match view.read_text(it.as_bytes()) {
            Ok(text) if text.starts_with("#!") => Some((it, text)),
            Ok(_) | Err(_) => None,
        });
        if let Some((file, text)) = script {
            return Some(Start { file, text, arguments: rest });
        }
    }
    None
}

/// The environment of the command that consists of the arguments of the script.
fn before(script: &Script, arguments: &[String]) -> Option<Environment> {
    let is_it = |it: &&job::Command| {
        let words: Vec<Option<String>> = it.words.iter().map(|it| it.value.text()).collect();
        words.len() == arguments.len() && words.iter().zip(arguments).all(|(a, b)| a.as_ref() == Some(b))
    };
    script.commands.iter().rev().find(is_it).map(|it| it.environment.clone())
}
