//! Job scripts in `tests/job` and what is read in them: directives, commands with environment and conditions, what is unclear.
//!
//! `NAME.sh` (`.pbs`, `.lsf`, `.csh`) is the script, `NAME.txt` what is found; `UPDATE=1` rewrites the latter. A first line
//! `#@ NAME=VALUE ...` behind the interpreter line sets up the environment; `#@ rest` makes all other variables unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "job/show.rs"]
mod show;

use std::fs;
use std::path::{Path, PathBuf};

fn scripts() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/job");
    let mut found: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    found.retain(|it| it.extension().is_some_and(|it| ["sh", "pbs", "lsf", "csh"].iter().any(|other| it == *other)));
    found.sort();
    found
}

#[test]
fn scripts_are_read_as_written_down() {
    let mut differing = Vec::new();
    for script in scripts() {
        let bytes = fs::read(&script).unwrap();
        let name = script.file_name().unwrap().to_str().unwrap();
        let found = show::transcript(name, &bytes);
        let expected = script.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{name}: UPDATE=1 rewrites it\n{found}"));
        }
    }
    assert!(differing.is_empty(), "\n{}", differing.join("\n"));
}
