//! One command and what it prints, in one file that reads like a terminal.
//!
//! ```text
//! $ HOME=/home/me pyhpc-audit audit --root two-mpis /home/ada/sim
//! standard output
//!
//! [standard error]
//! standard error, when there is any
//! [exit 1]
//! ```
//! The first line stays, `UPDATE=1` rewrites the rest. Every command runs with the environment of its first line and
//! nothing else. Where the command names `HERE`, the scratch directory is meant; its path in the output is `HERE` too.
//! Behind `$` the command runs as whoever tests; behind `%` never as root, who may read everything (where there is
//! nobody else, it does not run).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOOL: &str = env!("CARGO_BIN_EXE_pyhpc-audit");

/// The user and group `nobody` of Linux.
const NOBODY: u32 = 65534;

/// The `.txt` files of a directory: one command each.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    found.retain(|it| it.extension().is_some_and(|it| it == "txt"));
    found.sort();
    found
}

/// Runs the first line of a file below `here`, which is `HERE`, and holds the rest against the output.
#[track_caller]
pub fn check(file: &Path, here: &Path) {
    let known = fs::read_to_string(file).unwrap();
    let command = known.lines().next().unwrap_or_default();
    if command.starts_with("% ") && unprivileged(here).arg("--version").output().is_err() {
        // Root of a container that has no other user: nothing is unreadable there.
        return;
    }
    let found = run(command, here);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(file, &found).unwrap();
    } else {
        assert!(
            known == found,
            "\n{}: UPDATE=1 rewrites it\n--- expected\n{known}\n--- found\n{found}",
            file.display()
        );
    }
}

/// The transcript of one command.
#[track_caller]
pub fn run(command: &str, here: &Path) -> String {
    // The real path: `/tmp` may be a link, and the tool prints real paths.
    let here = here.canonicalize().unwrap();
    let place = here.to_str().unwrap();
    let (mark, line) = command.split_at_checked(2).expect("a command begins with `$ ` or `% `");
    let mut words = words(line).into_iter().peekable();
    let mut tool = if mark == "% " { unprivileged(&here) } else { Command::new(TOOL) };
    tool.env_clear().current_dir(&here).stdin(std::process::Stdio::null());
    while let Some(word) = words.next_if(|it| it.contains('=')) {
        let (name, value) = word.split_once('=').unwrap();
        tool.env(name, value.replace("HERE", place));
    }
    assert_eq!(words.next().as_deref(), Some("pyhpc-audit"), "{command}");
    let output = tool.args(words.map(|it| it.replace("HERE", place))).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(place, "HERE");
    let mut transcript = format!("{command}\n{}", text(&output.stdout));
    if !output.stderr.is_empty() {
        transcript += &format!("[standard error]\n{}", text(&output.stderr));
    }
    let code = output.status.code().map_or("by a signal".to_owned(), |it| it.to_string());
    transcript + &format!("[exit {code}]\n")
}

/// The tool as somebody who is not root, copied to where he can read it.
fn unprivileged(here: &Path) -> Command {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(TOOL);
    }
    let copy = here.join("pyhpc-audit");
    if !copy.exists() {
        fs::copy(TOOL, &copy).unwrap();
    }
    fs::set_permissions(here, fs::Permissions::from_mode(0o755)).unwrap();
    let mut tool = Command::new(copy);
    tool.uid(NOBODY).gid(NOBODY);
    tool
}

/// Words as a shell splits them; single quotes hold blanks together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.retain(|it| !it.is_empty());
    words
}
