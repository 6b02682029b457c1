//! What a login shell in an image reads before anything else: `/etc/profile`, and files in the home directory.
//!
//! It matters: the `/etc/profile` of Debian sets PATH anew, those of containers of Spack bring everything.

use serde::Deserialize;

use super::JobKnowledge;
use super::image::{followed, gap, is_absent};
use super::shell_start::shell_start;
use crate::base::{Gap, TreePath};
use crate::job::{Binding, Environment, Place, Value};
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

/// The shell that the first line of a script starts as one of a login.
pub(super) fn login_shell(script: &str) -> Option<String> {
    let words: Vec<&str> = script.lines().next()?.strip_prefix("#!")?.split_whitespace().collect();
    let (interpreter, options) = words.split_first()?;
    shell_start(options, |it| Some((*it).to_owned()))?.login.then(|| (*interpreter).to_owned())
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

/// `HOME` as container runtimes set it where nobody else does: that of root, in `/etc/passwd`.
pub(super) fn at_home(view: &View, environment: &Environment) -> Environment {
    let mut environment = environment.clone();
    let passwd = TreePath::new("/etc/passwd");
    if environment.own("HOME").is_some() {
        return environment;
    }
    let text = match view.read_text(passwd.as_bytes()) {
        Ok(text) => text,
        // A runtime sets `/` then.
        Err(error) if is_absent(&error) => String::new(),
        Err(_) => return environment,
    };
    let home = text.lines().map(|it| it.split(':').collect::<Vec<_>>()).find_map(|it| match it.as_slice() {
        [_, _, "0", _, _, home, ..] => Some((*home).to_owned()),
        _ => None,
    });
    let place = Place { file: passwd.text(), ..Place::default() };
    environment.set("HOME", Binding::Set(Value::known(home.unwrap_or_else(|| "/".to_owned()), &place)));
    environment
}
