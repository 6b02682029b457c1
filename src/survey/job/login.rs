//! What a login shell in an image reads before anything else: `/etc/profile`, and files in the home directory.
//!
//! It matters: the `/etc/profile` of Debian sets PATH anew, those of containers of Spack bring everything.

use serde::Deserialize;

use super::JobKnowledge;
use super::image::{followed, gap, is_absent};
use super::shell_start::shell_start;
use crate::base::{Gap, TreePath};
use crate::job::{Environment, Place, Value};
use crate::tree::View;

/// Files that shells read when they begin a login.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginFiles {
    /// Names of the shells.
    shells: Vec<String>,
    /// The file of the system.
    system: String,
    /// Names in the home directory: the first that is there is read.
    personal: Vec<String>,
}

/// The shell that the first line of a script starts as one of a login, also behind `env -S`.
pub(super) fn login_shell(script: &str, know: &JobKnowledge<'_>) -> Option<String> {
    let words: Vec<&str> = script.lines().next()?.strip_prefix("#!")?.split_whitespace().collect();
    let at = words.iter().position(|it| know.shell.is_shell(it))?;
    let (shell, options) = words.get(at..)?.split_first()?;
    shell_start(options, |it| Some((*it).to_owned()))?.login.then(|| (*shell).to_owned())
}

/// The environment behind the files of a login of `shell`.
pub(super) fn logged_in(
    view: &View,
    know: &JobKnowledge<'_>,
    shell: &str,
    mut environment: Environment,
    gaps: &mut Vec<Gap>,
) -> Environment {
    let name = shell.rsplit('/').next().unwrap_or_default();
    let Some(files) = know.shell.login_files.iter().find(|it| it.shells.iter().any(|it| it == name)) else {
        let reason = format!("what a login of {name} reads is not followed");
        environment.forget(&reason, &Place { file: shell.to_owned(), ..Place::default() });
        gaps.push(gap(&TreePath::new(shell.as_bytes()), reason));
        return environment;
    };
    let mut read = |file: &TreePath, environment: Environment| match view.read_text(file.as_bytes()) {
        Ok(text) => (true, followed(view, know, file, &text, environment, gaps)),
        Err(error) if is_absent(&error) => (false, environment),
        Err(error) => {
            gaps.push(gap(file, error.to_string()));
            let mut environment = environment;
            environment.forget(&format!("{file}: {error}"), &Place { file: file.text(), ..Place::default() });
            (true, environment)
        }
    };
    environment = read(&TreePath::new(files.system.as_bytes()), environment).1;
    let Some(home) = environment.value("HOME").and_then(Value::text) else { return environment };
    for name in &files.personal {
        let (is_there, after) = read(&TreePath::new(home.as_bytes()).join(name.as_bytes()), environment);
        environment = after;
        if is_there {
            break;
        }
    }
    environment
}

/// The home directory that container runtimes give to `user` of an image (a name or number; empty for root) where nobody else
/// sets `HOME`: that of `/etc/passwd`, else `/` (docker run reference, section Environment variables). `None` where the file
/// cannot be read.
pub fn home_in_image(view: &View, user: &str) -> Option<String> {
    let text = match view.read_text(b"/etc/passwd") {
        Ok(text) => text,
        Err(error) if is_absent(&error) => String::new(),
        Err(_) => return None,
    };
    let user = user.split(':').next().filter(|it| !it.is_empty()).unwrap_or("0");
    let home = |line: &str| match line.split(':').collect::<Vec<_>>().as_slice() {
        [name, _, number, _, _, home, ..] if *name == user || *number == user => Some((*home).to_owned()),
        _ => None,
    };
    Some(text.lines().find_map(home).filter(|it| !it.is_empty()).unwrap_or_else(|| "/".to_owned()))
}
