//! Launch lines with their meaning: the examples of every description, and tables of placements.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use pyhpc_audit::base::{TextFile, builtin_files};
use pyhpc_audit::job::{Binding, Directive, Environment, Place, Value, Word};
use pyhpc_audit::launch::{
    Amount, Bound, Checked, CpusPerTask, Known, LaunchExample, Launchers, Line, Placement, Quantity, Request,
    Schedulers,
};
use pyhpc_audit::site::{Selection, Site};
use serde::Deserialize;

fn launchers() -> Launchers {
    match Launchers::load(&builtin_files("launchers"), &builtin_files("wrappers")) {
        Ok(launchers) => launchers,
        Err(error) => panic!("{error}"),
    }
}

fn schedulers() -> Schedulers {
    match Schedulers::load(&builtin_files("schedulers")) {
        Ok(schedulers) => schedulers,
        Err(error) => panic!("{error}"),
    }
}

/// A launch of a table: what is started how, in which job, on which machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    launcher: Option<String>,
    #[serde(flatten)]
    example: LaunchExample,
}

#[derive(Debug, Deserialize)]
struct Table {
    case: Vec<toml::Value>,
}

/// Words of a line: blanks part them, a word `<what>` is not known, `<what>*` may be several.
fn words(text: &str, line: u32) -> Vec<Word> {
    let mut column = 1;
    let mut all = Vec::new();
    for piece in text.split(' ') {
        let length = u32::try_from(piece.chars().count()).unwrap();
        let place = Place { file: "job.sh".to_owned(), line, column, length, text: text.to_owned() };
        let unknown = piece.strip_prefix('<').and_then(|it| it.trim_end_matches('*').strip_suffix('>'));
        let value = unknown.map_or_else(|| Value::known(piece, &place), |it| Value::unknown(it, &place));
        if !piece.is_empty() {
            all.push(Word { value, place, open: piece.ends_with(">*") });
        }
        column += length + 1;
    }
    all
}

fn directives(schedulers: &Schedulers, lines: &[String]) -> Vec<Directive> {
    let prefixes = schedulers.prefixes();
    let one = |(index, line): (usize, &String)| {
        let prefix = prefixes.iter().filter(|it| line.starts_with(**it)).max_by_key(|it| it.len()).unwrap();
        let at = u32::try_from(index + 1).unwrap();
        let words = words(&line[prefix.len()..], at);
        Directive { prefix: (*prefix).to_owned(), place: words[0].place.clone(), words }
    };
    lines.iter().enumerate().map(one).collect()
}

struct Read {
    lines: Vec<Line>,
    request: Request,
    environment: Environment,
    placement: Placement,
    rank: Environment,
}

fn read(all: &Launchers, example: &LaunchExample, launcher: Option<&str>) -> Read {
    let schedulers = schedulers();
    let text = format!("schema = \"pyhpc-site/1\"\n{}", example.site);
    let file = TextFile { path: "site.toml".to_owned(), stem: "site".to_owned(), text };
    let site = (!example.site.is_empty()).then(|| Site::parse(&file).unwrap_or_else(|error| panic!("{error}")));
    let request = schedulers.request(&directives(&schedulers, &example.directives), site.as_ref());
    let mut environment = Environment::default();
    for (name, value) in &request.variables {
        environment.set(name.clone(), Binding::Set(value.clone()));
    }
    for setting in &example.environment {
        let (name, value) = setting.split_once('=').unwrap();
        let place = Place { file: "job.sh".to_owned(), line: 50, ..Place::default() };
        environment.set(name, Binding::Set(Value::known(value, &place)));
    }
    let command = words(&example.line, 100);
    let found = all.is_launch(&command).unwrap_or_else(|| panic!("no launch: {}", example.line));
    let word = launcher.map(str::to_owned).or(found.candidates.first().cloned());
    let lines = all.read(&command, &found, word.as_deref(), example.version.as_deref());
    let node = site.as_ref().map(|it| it.node(&Selection::default()));
    let unknown = match &node {
        Some(Ok(_)) => String::new(),
        Some(Err(reason)) => reason.clone(),
        None => "no site profile says how large a node is".to_owned(),
    };
    let node = node.and_then(|it| it.ok());
    let known = Known { site: site.as_ref(), node, node_unknown: &unknown, environment: &environment };
    let placement = all.place(&request, &lines[0], &known);
    let rank = all.rank_environment(&lines[0], &environment);
    Read { lines, request, environment, placement, rank }
}

fn show(quantity: &Quantity) -> String {
    quantity.value.map_or_else(|| "unknown".to_owned(), |it| it.to_string())
}

fn text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &toml::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn bound(placement: &Placement) -> &'static str {
    match placement.bound {
        Bound::None => "none",
        Bound::Exclusive => "exclusive",
        Bound::Shared => "shared",
        Bound::Unknown => "unknown",
    }
}

fn masks(placement: &Placement) -> String {
    let mask = |it: &Vec<u32>| it.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    match &placement.masks {
        Some(masks) => masks.iter().map(mask).collect::<Vec<_>>().join(";"),
        None => "unknown".to_owned(),
    }
}

fn checked(checked: &Checked, nothing: &str) -> String {
    match (checked.problems.as_slice(), &checked.open) {
        ([], Some(_)) => "unknown".to_owned(),
        ([], None) => nothing.to_owned(),
        (problems, _) => problems.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join("; "),
    }
}

/// What the launch says under a key of `expect`, as text.
fn said(read: &Read, key: &str) -> String {
    let (line, place) = (&read.lines[0], &read.placement);
    match key {
        "nodes" => show(&place.nodes),
        "ranks" => show(&place.ranks),
        "ranks_per_node" => show(&place.ranks_per_node),
        "cpus_per_rank" => show(&place.cpus_per_rank),
        "cores_per_rank" => show(&place.cores_per_rank),
        "owned_cpus" => show(&place.owned_cpus),
        "binding" => bound(place).to_owned(),
        "masks" => masks(place),
        "exclusive" => place.exclusive.map_or("unknown".to_owned(), |it| it.to_string()),
        "disabled" => place.disabled_by.is_some().to_string(),
        "pmi" => place.pmi.as_ref().map_or("none".to_owned(), Value::display),
        "program" => line.program.iter().map(|it| it.value.display()).collect::<Vec<_>>().join(" "),
        "lines" => read.lines.len().to_string(),
        "launcher" => line.launcher.clone().unwrap_or_else(|| "none".to_owned()),
        "cpus_per_task" => match place.cpus_per_task {
            CpusPerTask::NotAsked => "not-asked",
            CpusPerTask::Kept(_) => "kept",
            CpusPerTask::Lost(_) => "lost",
            CpusPerTask::Depends(..) => "depends",
        }
        .to_owned(),
        "overwritten" => place.overwritten.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(" "),
        "dead" => place.dead.iter().map(|it| it.text.split(' ').next().unwrap()).collect::<Vec<_>>().join(" "),
        "contradictions" => checked(&place.contradictions, ""),
        "cpu_list" => checked(&place.cpu_list, "none"),
        "hardware_threads" => checked(&place.hardware_threads, "none"),
        "wrappers" => line.wrappers().map(|it| it.word.as_str()).collect::<Vec<_>>().join(" "),
        "fixed_cpus" => {
            let cpus = line.wrappers().find_map(|it| it.cpus.as_ref());
            cpus.map_or("none".to_owned(), Value::display)
        }
        "image" => {
            let container = line.wrappers().find_map(|it| it.container.as_ref());
            container.and_then(|it| it.image.as_ref()).map_or("none".to_owned(), Value::display)
        }
        "home" => line.wrappers().find_map(|it| it.container.as_ref()).unwrap().home.to_string(),
        "scheduler" => read.request.scheduler.clone().unwrap_or_else(|| "none".to_owned()),
        "because" => place.because.clone(),
        "passes_environment" => read.request.passes_environment.to_string(),
        "threads" => show(&read.request.amount(Amount::Threads)),
        other => panic!("nothing is called {other}"),
    }
}

/// Keys whose value is no single text.
fn holds(read: &Read, key: &str, expected: &toml::Value, name: &str) -> bool {
    match key {
        "sets" => {
            for (variable, value) in expected.as_table().unwrap() {
                let found = read.rank.value(variable).map(Value::display);
                assert_eq!(found, Some(text(value)), "{name}: {variable} of a rank");
            }
        }
        "removes" => {
            for variable in list(expected) {
                let binding = read.rank.get(&variable);
                assert!(matches!(binding, Binding::Unset(_)), "{name}: {variable} is {binding:?}");
            }
        }
        "gives" => {
            for (variable, value) in expected.as_table().unwrap() {
                let found = read.environment.value(variable).map(Value::display);
                assert_eq!(found, Some(text(value)), "{name}: {variable} of the job");
            }
        }
        "unclear" => {
            let line = read.lines.iter().flat_map(|it| it.unclear.iter());
            let wrappers = read.lines.iter().flat_map(Line::wrappers).flat_map(|it| it.unclear.iter());
            let all = line.chain(wrappers).chain(&read.request.unclear);
            assert_eq!(all.map(|it| it.what.clone()).collect::<Vec<_>>(), list(expected), "{name}");
        }
        _ => return false,
    }
    true
}

#[track_caller]
fn check(all: &Launchers, name: &str, launcher: Option<&str>, example: &LaunchExample) {
    let read = read(all, example, launcher);
    for (key, expected) in &example.expect {
        if !holds(&read, key, expected, name) {
            assert_eq!(said(&read, key), text(expected), "{name}: {key}\n{:#?}", read.placement);
        }
    }
    if !example.expect.contains_key("unclear") {
        let unclear: Vec<&str> = read.lines.iter().flat_map(|it| &it.unclear).map(|it| it.what.as_str()).collect();
        assert_eq!(unclear, Vec::<&str>::new(), "{name}: unclear");
    }
}

#[test]
fn every_example_of_a_launcher_holds() {
    let all = launchers();
    let mut seen = 0;
    for description in all.iter() {
        assert!(!description.examples.is_empty(), "{} has no [[line.example]]", description.word);
        for example in &description.examples {
            let name = format!("{}: {}", description.word, example.line);
            check(&all, &name, Some(&description.word), example);
            seen += 1;
        }
    }
    assert!(20 < seen);
}

#[test]
fn tables_of_placements_hold() {
    let all = launchers();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/launch");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    for file in files {
        let table: Table = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for case in table.case {
            let case: Case = case.try_into().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let name = format!("{}: {}", file.file_name().unwrap().display(), case.name);
            check(&all, &name, case.launcher.as_deref(), &case.example);
        }
    }
}

#[test]
fn a_misspelt_key_names_the_nearest() {
    let text = "title = \"x\"\n[[line]]\nprograms = [\"x\"]\nseparater = \":\"\n";
    let file = TextFile { path: "rules/launchers/x.toml".to_owned(), stem: "x".to_owned(), text: text.to_owned() };
    let error = Launchers::load(&[file], &[]).unwrap_err();
    assert_eq!((error.line, error.nearest.as_deref()), (4, Some("separator")), "{error}");
}

#[test]
fn hostile_words_and_numbers_are_harmless() {
    let all = launchers();
    let site =
        "[node.n]\ncores = 18446744073709551615\nsmt = 18446744073709551615\nsockets = 0\nnuma = 18446744073709551615";
    let lines = [
        "srun -n 18446744073709551615 -c 18446744073709551615 -N 0 --ntasks-per-node=0 python a.py",
        "srun -n 99999999999999999999999 --cpu-bind=map_cpu:0-99999999999,, python a.py",
        "srun --cpu-bind=mask_cpu:0xfffffffffffffffffffffffffffffffffffffffff,0x -n - -- --",
        "srun : : : -n",
        "jsrun -n 0 -r 0 -a 0 -c 0 -b packed:0 python a.py",
        "mpirun --map-by ppr:18446744073709551615:socket:PE=18446744073709551615 -x = -x =x --mca python",
        "env env env env env env env env env env env env env env env env env env srun -n 1 python",
        "mpiexec -genv -genv -genv",
        "apptainer exec",
        "srun -",
        "flux run --env=- --env-remove= -o cpu-affinity=per-task -n 0 python",
        "aprun -cc 0-18446744073709551615 -d 0 -j 0 -n 3 -N 0 ü€-é python",
    ];
    for line in lines {
        let schedulers = schedulers();
        let command = words(line, 1);
        let text =
            format!("schema = \"pyhpc-site/1\"\n{}", site.replace("18446744073709551615", "9223372036854775807"));
        let file = TextFile { path: "site.toml".to_owned(), stem: "site".to_owned(), text };
        let site = Site::parse(&file);
        let node = site.as_ref().map_or(None, |it| it.nodes.values().next());
        let asked = ["#SBATCH -N0 --ntasks-per-node=0 -c0 -n 18446744073709551615".to_owned()];
        let request = schedulers.request(&directives(&schedulers, &asked), None);
        let environment = Environment::default();
        let Some(found) = all.is_launch(&command) else { continue };
        let nothing = [None];
        for word in found.candidates.iter().map(Some).chain(nothing) {
            for line in all.read(&command, &found, word.map(String::as_str), Some("5")) {
                let known = Known { site: None, node, node_unknown: "no", environment: &environment };
                let placement = all.place(&request, &line, &known);
                assert!(placement.masks.is_none_or(|it| it.len() <= 8_192));
                all.rank_environment(&line, &environment);
            }
        }
    }
}

#[test]
fn directives_of_every_scheduler_are_read() {
    let schedulers = schedulers();
    let cases = [
        ("oar", "#OAR -l /nodes=2/core=16,walltime=1:00:00", "nodes=2 slots=32"),
        ("pjm", "#PJM -L node=4,elapse=1:00 --mpi proc=16", "nodes=4 ranks=16"),
        ("moab", "#MSUB -l nodes=4:ppn=16", "nodes=4 slots=64"),
        ("ccc", "#MSUB -n 32 -c 8 -N 4 -x", "nodes=4 ranks=32 cpus_per_rank=8"),
        ("lsf", "#BSUB -nnodes 3 -alloc_flags smt4", "nodes=3 threads_per_core=4"),
        ("cobalt", "#COBALT --nodecount=8 --env A=1", "nodes=8"),
        ("flux", "# flux: -N4 -n8 --cores-per-slot=16", "nodes=4 slots=8 cpus_per_rank=16"),
        ("sge", "#$ -pe smp 8 -l h_vmem=4G", "slots=8"),
        ("pbs", "#PBS -l mppwidth=64 -l mppnppn=4", "ranks=64 ranks_per_node=4 nodes=16"),
        ("slurm", "#SBATCH --exclusive=user -G a100:4", "gpus=4"),
    ];
    let amounts = [
        ("nodes", Amount::Nodes),
        ("ranks", Amount::Ranks),
        ("ranks_per_node", Amount::RanksPerNode),
        ("slots", Amount::Slots),
        ("cpus_per_rank", Amount::CpusPerRank),
        ("threads_per_core", Amount::ThreadsPerCore),
        ("gpus", Amount::Gpus),
    ];
    for (word, line, expected) in cases {
        let request = schedulers.request(&directives(&schedulers, &[line.to_owned()]), None);
        assert_eq!(request.scheduler.as_deref(), Some(word), "{line}");
        assert_eq!(request.unclear, [], "{line}");
        for said in expected.split(' ') {
            let (key, value) = said.split_once('=').unwrap();
            let amount = amounts.iter().find(|it| it.0 == key).unwrap().1;
            assert_eq!(show(&request.amount(amount)), value, "{line}: {key}");
        }
    }
}
