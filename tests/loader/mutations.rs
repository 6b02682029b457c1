//! The mutation table: each law of the emulator is switched off, and the fixtures and random trees are counted on which
//! that changes anything that can be seen: an object, a reason, a failure, a symbol, a file that is tried.
//!
//! The oracle compares the same fixtures and trees with a real loader. So a law that some tree notices here is a law that
//! the real loader would not forgive.

use std::fmt::Write;

use pyhpc_audit::base::printable;
use pyhpc_audit::loader::{CpuMaker, Detail, Law, Objects};
use pyhpc_audit::tree::View;
use rayon::prelude::*;

use super::case::Case;
use super::generate::{self, Scope};
use super::render::{self, Look};

/// Random trees of each loader family.
const TREES: u64 = 40;

/// What stands in the line of a law that nothing notices.
pub const UNNOTICED: &str = "NOTHING";

/// The table, for fixtures by name and the first random trees.
pub fn table(fixtures: Vec<(String, Case)>) -> String {
    let fixtures: Vec<Noticed> = fixtures.into_par_iter().map(|(name, case)| Noticed::by(name, case)).collect();
    let random = |musl: bool| -> Vec<Noticed> {
        let scope = Scope { musl };
        let trees = (1..=TREES).into_par_iter();
        trees.map(|seed| Noticed::by(seed.to_string(), generate::draft(seed, scope).case())).collect()
    };
    let (glibc, musl) = (random(false), random(true));
    let mut out = format!(
        "# Law, the random trees of {TREES} of glibc and of {TREES} of musl that notice its absence, and the fixtures.\n"
    );
    for (law, name) in Law::ALL {
        let count = |trees: &[Noticed]| trees.iter().filter(|it| it.laws.contains(&law)).count();
        let by: Vec<&str> = fixtures.iter().filter(|it| it.laws.contains(&law)).map(|it| it.name.as_str()).collect();
        let (glibc, musl) = (count(&glibc), count(&musl));
        let by = match by.as_slice() {
            [] if glibc + musl == 0 => UNNOTICED.to_owned(),
            [] => "-".to_owned(),
            [one] => (*one).to_owned(),
            [one, more @ ..] => format!("{one} and {} more", more.len()),
        };
        writeln!(out, "{name:<28} {glibc:>3} {musl:>3}  {by}").unwrap();
    }
    out
}

/// What the oracle compares: answers, link maps, files that are tried, and in the end who answers each symbol.
fn seen(case: &Case, view: &View, objects: &Objects<'_>, without: Option<Law>) -> String {
    let mut out = String::new();
    for described in &case.processes {
        let look = Look { maker: CpuMaker::Intel, detail: Detail::Probes, without };
        let Ok((mut process, _)) = render::start(view, objects, described, look) else { continue };
        if let Some(failure) = process.start_failures.first() {
            writeln!(out, "does not start: {}", render::subject(failure)).unwrap();
            continue;
        }
        for event in &described.events {
            let answer = match render::open(&mut process, event) {
                None => "no such caller".to_owned(),
                Some(Ok(index)) => printable(&process.objects[index].name),
                Some(Err(failure)) => format!("fails: {}", render::subject(&failure)),
            };
            writeln!(out, "{answer} {:?}", process.link_map()).unwrap();
        }
        for (index, loaded) in process.objects.iter().enumerate() {
            writeln!(out, "{} {:?}", printable(&loaded.name), render::bound(objects, &process, index)).unwrap();
        }
        process.tried.iter().for_each(|it| writeln!(out, "tried {}", printable(&it.path)).unwrap());
    }
    out
}

struct Noticed {
    name: String,
    laws: Vec<Law>,
}

impl Noticed {
    fn by(name: String, mut case: Case) -> Self {
        for process in &mut case.processes {
            process.cpu.get_or_insert_with(|| "x86-64-v3".to_owned());
            process.directory.get_or_insert_with(|| "/".to_owned());
        }
        let view = View::new(Box::new(case.whole_fixture().memory_tree()));
        let objects = Objects::new(&view);
        let whole = seen(&case, &view, &objects, None);
        let laws = Law::ALL.iter().map(|(law, _)| *law);
        Self { name, laws: laws.filter(|it| seen(&case, &view, &objects, Some(*it)) != whole).collect() }
    }
}
