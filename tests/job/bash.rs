//! The machine's bash: whether it takes a text for a script, and what its commands are given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pyhpc_audit::job::{Binding, Part, Value};

use crate::generate::NAMES;

/// What one call of `probe` was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(String, Option<String>)>,
}

/// Whether a bash is there.
pub(crate) fn is_there() -> bool {
    let ran = Command::new("bash").args(["-c", "[[ ${BASH_VERSINFO[0]} -ge 5 ]]"]).status();
    ran.is_ok_and(|it| it.success())
}

/// Whether bash takes the text for a script.
pub(crate) fn takes(script: &str, here: &Path) -> bool {
    let file = here.join("script");
    fs::write(&file, script).unwrap();
    let ran = Command::new("bash").arg("-n").arg(&file).output().unwrap();
    // Of an error inside `[[` it tells, and ends as if there were none.
    let told = String::from_utf8_lossy(&ran.stderr).lines().any(|it| !it.contains("warning: "));
    ran.status.success() && !told
}

/// Runs a harmless script: every call of `probe`, in order.
pub(crate) fn run(script: &str, here: &Path) -> Vec<Call> {
    let (file, log, probe) = (here.join("script"), here.join("log"), here.join("probe"));
    if !probe.exists() {
        let names = NAMES.join(" ");
        let text = format!(
            "#!/bin/bash\n{{ for x in \"$@\"; do printf 'a%s\\0' \"$x\"; done\nfor n in {names}; do if [[ ${{!n+x}} ]]; then \
             printf 's%s=%s\\0' $n \"${{!n}}\"; else printf 'u%s\\0' $n; fi; done; printf 'e\\0'; }} >> \"$PROBE_LOG\"\n"
        );
        fs::write(&probe, text).unwrap();
        fs::set_permissions(&probe, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(&file, script).unwrap();
    fs::write(&log, "").unwrap();
    let path = format!("{}:/usr/bin:/bin", here.display());
    let mut command = Command::new("timeout");
    command.args(["10", "bash"]).arg(&file).env_clear().env("PATH", path).env("PROBE_LOG", &log).current_dir(here);
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status().unwrap();
    calls(&fs::read(&log).unwrap())
}

fn calls(log: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    let (mut arguments, mut variables) = (Vec::new(), Vec::new());
    for record in log.split(|it| *it == 0).filter(|it| !it.is_empty()) {
        let text = String::from_utf8_lossy(&record[1..]).into_owned();
        match record[0] {
            b'a' => arguments.push(text),
            b's' => {
                let (name, value) = text.split_once('=').unwrap();
                variables.push((name.to_owned(), Some(value.to_owned())));
            }
            b'u' => variables.push((text, None)),
            _ => calls
                .push(Call { arguments: std::mem::take(&mut arguments), variables: std::mem::take(&mut variables) }),
        }
    }
    calls
}

/// Whether the prediction allows the call; unknown allows everything.
pub(crate) fn allows(command: &pyhpc_audit::job::Command, call: &Call) -> bool {
    let words = &command.words[1..];
    let fits = |(name, value): &(String, Option<String>)| match (command.environment.get(name), value) {
        (Binding::Set(predicted), Some(value)) => matches(&predicted, value),
        (Binding::Unset(_), None) | (Binding::Unknown { .. }, _) => true,
        (Binding::Set(_), None) | (Binding::Unset(_), Some(_)) => false,
    };
    all_match(words, &call.arguments) && call.variables.iter().all(fits)
}

fn all_match(words: &[pyhpc_audit::job::Word], arguments: &[String]) -> bool {
    let Some(first) = words.first() else { return arguments.is_empty() };
    if first.open {
        return (0..=arguments.len()).any(|taken| all_match(&words[1..], &arguments[taken..]));
    }
    let Some(argument) = arguments.first() else { return false };
    matches(&first.value, argument) && all_match(&words[1..], &arguments[1..])
}

fn matches(value: &Value, text: &str) -> bool {
    let parts = value.parts.iter().map(|it| match it {
        Part::Text(text) => regex::escape(text),
        Part::Unknown { .. } => "(?s:.*)".to_owned(),
    });
    regex::Regex::new(&format!("^{}$", parts.collect::<String>())).unwrap().is_match(text)
}
