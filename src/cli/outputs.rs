//! `--output FORMAT=FILE`: reports in files, all of them from one scan.
//!
//! Invariant: what is wrong with a file is said before anything is audited.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::report::Format;

/// A file that a report goes to.
pub(super) struct Output<'a> {
    pub(super) format: Format,
    path: &'a str,
}

impl Output<'_> {
    /// Writes the report.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        fs::write(self.path, text).with_context(|| format!("could not write {}", self.path))
    }
}

/// Reads the arguments.
///
/// # Errors
/// When one is no format with a file, when two name the same file, when the directory of a file is not there.
pub(super) fn checked(list: &[String]) -> Result<Vec<Output<'_>>> {
    let mut outputs: Vec<Output<'_>> = Vec::new();
    let mut known: Vec<PathBuf> = Vec::new();
    for argument in list {
        let (word, path) =
            argument.split_once('=').with_context(|| format!("--output {argument}: expected FORMAT=FILE"))?;
        let format = Format::from_str(word).map_err(|error| anyhow::anyhow!("--output {argument}: {error}"))?;
        let place = place(Path::new(path)).with_context(|| format!("--output {argument}"))?;
        if known.contains(&place) {
            bail!("--output {argument}: another --output goes to this file already; each needs a file of its own");
        }
        known.push(place);
        outputs.push(Output { format, path });
    }
    Ok(outputs)
}

/// The file by the real path of its directory.
///
/// # Errors
/// When the directory is not there, or the path is one.
pub(super) fn place(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else { bail!("\"{}\" is no name of a file", path.display()) };
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = match fs::canonicalize(directory) {
        Ok(real) => real,
        Err(error) => {
            let directory = directory.display();
            bail!("the directory {directory} cannot be used: {error}; `mkdir -p {directory}` makes one that is missing")
        }
    };
    let file = real.join(name);
    if file.is_dir() {
        bail!("{} is a directory; name a file in it", path.display());
    }
    Ok(file)
}
