//! Where the level of the CPU decides which file is chosen.
//!
//! A login node and a compute node may have different CPUs. The same events are run once per level, and the processes
//! compared; where no directory of any level was met, that is not needed.

use super::{CpuLevel, Process};
use crate::base::TreePath;

/// A name that is answered by different files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelSplit {
    /// The name that is asked for.
    pub name: Vec<u8>,
    /// Level and file; `None` where nothing answers.
    pub chosen: Vec<(CpuLevel, Option<TreePath>)>,
}

impl Process<'_> {
    /// Whether a search of this process met a directory or a cache entry for some CPUs only. Where it did not, every CPU
    /// gets the same files.
    pub fn may_differ_by_level(&self) -> bool {
        self.levels_matter
    }

    /// The level that it was started with, less what `GLIBC_TUNABLES` takes away.
    pub fn level(&self) -> CpuLevel {
        self.cpu.level
    }
}

/// Names that the processes answer with different files. They ran the same events, each with another CPU.
pub fn level_splits(processes: &[&Process<'_>]) -> Vec<LevelSplit> {
    let mut names: Vec<&Vec<u8>> = Vec::new();
    for loaded in processes.iter().flat_map(|it| &it.objects) {
        let new: Vec<&Vec<u8>> = loaded.asked.iter().filter(|it| !names.contains(it)).collect();
        names.extend(new);
    }
    let file = |process: &Process<'_>, name: &[u8]| {
        let found = process.objects.iter().find(|it| it.asked.iter().any(|it| it == name));
        found.map(|it| it.real().clone())
    };
    let splits = names.into_iter().map(|name| {
        let chosen = processes.iter().map(|it| (it.level(), file(it, name))).collect();
        LevelSplit { name: name.clone(), chosen }
    });
    let differs = |it: &LevelSplit| it.chosen.windows(2).any(|pair| matches!(pair, [a, b] if a.1 != b.1));
    splits.filter(differs).collect()
}
