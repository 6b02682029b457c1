//! `--host`: the machine that starts the image, by facts that were saved on it or by the prefix of its MPI.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::config::Configured;
use super::target::{inside, saved};
use crate::survey::Host;
use crate::tree::{HostTree, View};

/// How facts of a host are made.
const SAVE: &str = "save facts on the host with `pyhpc-audit facts PREFIX --launcher \"$(command -v mpirun)\" > host.json`, or \
                    name the directory of an MPI, which holds lib and bin/mpiexec";

/// Reads what `--host` names.
///
/// # Errors
/// When it is not there, or is neither facts nor the prefix of an MPI.
pub(super) fn read(path: Option<&Path>, configured: &Configured) -> Result<Option<Host>> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    if let Some(facts) = saved(path).with_context(|| format!("--host {name}"))? {
        return Ok(Some(Host::of_facts(&name, facts)?));
    }
    // The host lies on this machine, also where the target lies below a root of its own.
    let view = View::new(Box::new(HostTree::host()));
    let prefix = inside(&view, path, false)?;
    if !view.exists(prefix.as_bytes()) {
        bail!("--host {name}: it does not exist; {SAVE}");
    }
    if !view.is_directory(prefix.as_bytes()) {
        bail!("--host {name}: neither a saved facts file nor the prefix of an MPI; {SAVE}");
    }
    let host = Host::at_prefix(&view, &configured.knowledge, &prefix, &name);
    host.with_context(|| format!("--host {name}: neither a saved facts file nor the prefix of an MPI; {SAVE}"))
        .map(Some)
}
