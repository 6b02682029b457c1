//! What only the audit of a job has to know.

use super::pmi::ProcessManagement;
use super::shell::ShellCommands;
use crate::base::{KnowledgeError, builtin_files, parse};
use crate::launch::{Launchers, Schedulers};
use crate::modulefile::Modulefiles;
use crate::python::Calls;
use crate::registry::{Pools, Registry};
use crate::survey::{Knowledge, SiteFiles};

/// Schedulers, launch lines, variables, thread pools, calls of programs.
#[derive(Debug)]
pub struct JobKnowledge<'a> {
    /// What every audit knows.
    pub(super) audit: &'a Knowledge,
    pub(super) schedulers: Schedulers,
    pub(super) launch_lines: Launchers,
    pub(super) registry: Registry,
    pub(super) pools: Pools,
    pub(super) calls: Calls,
    pub(super) shell: ShellCommands,
    pub(super) modulefiles: Modulefiles,
    pub(super) process_management: ProcessManagement,
}

impl<'a> JobKnowledge<'a> {
    /// Reads what travels in the binary, with the launchers of a site after it.
    ///
    /// # Errors
    /// What is wrong with a file, and where.
    pub fn load(audit: &'a Knowledge, site: &SiteFiles) -> Result<Self, KnowledgeError> {
        let mut launchers = builtin_files("launchers");
        launchers.extend_from_slice(&site.launchers);
        let mut shell = ShellCommands::default();
        for file in builtin_files("shell") {
            shell.extend(parse(&file)?);
        }
        let mut calls = Calls::default();
        for file in builtin_files("python").iter().filter(|it| it.stem == "program") {
            calls = Calls::load(file)?;
        }
        Ok(Self {
            audit,
            schedulers: Schedulers::load(&builtin_files("schedulers"))?,
            launch_lines: Launchers::load(&launchers, &builtin_files("wrappers"))?,
            registry: Registry::load(&builtin_files("variables"))?,
            pools: Pools::load(&builtin_files("pools"))?,
            modulefiles: Modulefiles::load(&builtin_files("modulefiles"))?,
            process_management: ProcessManagement::load(&builtin_files("pmi"))?,
            calls,
            shell,
        })
    }
}
