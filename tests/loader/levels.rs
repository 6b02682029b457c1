//! The same start on every CPU level: where the levels choose different files, and where nothing needs to be compared.

use pyhpc_audit::base::TreePath;
use pyhpc_audit::loader::{CpuLevel, CpuMaker, Detail, Objects, level_splits};
use pyhpc_audit::tree::View;

use super::case::Case;
use super::render::{self, Look};

/// The splits as text, and whether the process itself says that the level may matter.
pub fn splits(case: &Case) -> (String, bool) {
    let view = View::new(Box::new(case.whole_fixture().memory_tree()));
    let objects = Objects::new(&view);
    let start = |level: CpuLevel| {
        let mut described = case.processes[0].clone();
        described.cpu = Some(level.word().to_owned());
        let look = Look { maker: CpuMaker::Intel, detail: Detail::Names, without: None };
        render::start(&view, &objects, &described, look).unwrap().0
    };
    let processes: Vec<_> = CpuLevel::of_machine(62).into_iter().map(start).collect();
    let splits = level_splits(&processes.iter().collect::<Vec<_>>());
    let files = |it: &pyhpc_audit::loader::LevelSplit| {
        let file = |it: &Option<TreePath>| it.as_ref().map_or_else(|| "nothing".to_owned(), TreePath::text);
        let each = it.chosen.iter().map(|(level, chosen)| format!("{} {}", level.word(), file(chosen)));
        format!("{}: {}\n", String::from_utf8_lossy(&it.name), each.collect::<Vec<_>>().join(", "))
    };
    (splits.iter().map(files).collect(), processes.last().unwrap().may_differ_by_level())
}
