//! `site-profile`: a first `site.toml` on standard output.

use std::process::ExitCode;

use anyhow::Result;

use super::args::SiteProfileArgs;
use super::{config, output};
use crate::base::{TextFile, builtin_files};
use crate::site::Inventories;

/// Reads the files and prints the profile that they make together.
///
/// # Errors
/// A file that cannot be read, or that says nothing a profile holds.
pub(super) fn run(args: &SiteProfileArgs) -> Result<ExitCode> {
    let files = args.files.iter().map(|it| config::text_file(it)).collect::<Result<Vec<TextFile>>>()?;
    let profile = Inventories::load(&builtin_files("inventories"))?.profile(&files)?;
    output::print(&profile)?;
    Ok(ExitCode::SUCCESS)
}
