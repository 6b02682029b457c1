//! Modulefiles in the tree: `tests/modulefiles/NAME.toml` holds files below `/modules` and commands of scripts, `NAME.txt` what
//! each module system makes of them, as far as it can be told from bytes.
//!
//! The first comment of a case says what it shows. `tests/live/modules` asks the real module commands the same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::discover::Start;
use pyhpc_audit::loader::CpuLevel;
use pyhpc_audit::survey::{
    JobKnowledge, JobQuestion, Knowledge, Question, SiteFiles, image_environment, read_job, survey,
};
use pyhpc_audit::tree::{MemoryTree, Node, View};
use serde::Deserialize;
use support::source::{files, root};

/// A set of modulefiles, and scripts that load them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Name below `/modules`, or a path, and text.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Name below `/modules`, and what the link says.
    #[serde(default)]
    links: BTreeMap<String, String>,
    ask: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// Where modulefiles lie; empty: the variable is not set.
    #[serde(default = "modules")]
    path: String,
    /// `NAME=VALUE` that is set before.
    #[serde(default)]
    start: Vec<String>,
    commands: Vec<String>,
    /// Why the real commands are not asked, where they are not.
    #[serde(default)]
    #[expect(dead_code, reason = "read by tests/live/modules")]
    not_live: String,
    /// The systems that are asked.
    #[serde(default = "systems")]
    systems: Vec<String>,
}

fn modules() -> String {
    "/modules".to_owned()
}

fn systems() -> Vec<String> {
    ["tcl", "lmod", "either"].map(str::to_owned).into()
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn script(ask: &Ask, system: &str) -> String {
    let mut text = format!("export PATH={PATH}\n");
    match system {
        "tcl" => text.push_str("export MODULES_CMD=/there\n"),
        "lmod" => text.push_str("export LMOD_CMD=/there\n"),
        _ => {}
    }
    if !ask.path.is_empty() {
        writeln!(text, "export MODULEPATH={}", ask.path).unwrap();
    }
    for it in &ask.start {
        let (name, value) = it.split_once('=').unwrap();
        writeln!(text, "export {name}='{value}'").unwrap();
    }
    text + &ask.commands.join("\n") + "\n"
}

fn below(name: &str) -> TreePath {
    if name.starts_with('/') { TreePath::new(name) } else { TreePath::new(format!("/modules/{name}")) }
}

fn told(case: &Case, ask: &Ask, system: &str, know: &JobKnowledge<'_>) -> String {
    let mut tree = MemoryTree::new();
    for (name, text) in &case.files {
        tree.add_file(&below(name), text.clone().into_bytes());
    }
    for (name, target) in &case.links {
        tree.add(&below(name), Node::Link(target.clone().into_bytes()));
    }
    let file = "/.singularity.d/env/90-modules.sh";
    tree.add_file(&TreePath::new(file), script(ask, system).into_bytes());
    let found = image_environment(&View::new(Box::new(tree)), know).unwrap();
    let variables = found.variables();
    let mut text = String::new();
    for (name, setting) in variables.iter() {
        let name = String::from_utf8_lossy(name);
        let own = ["MODULES_CMD", "LMOD_CMD"].contains(&name.as_ref()) || variables.hidden(&name).is_some();
        let said = format!("{name}={}", String::from_utf8_lossy(&setting.value));
        let given = ask.start.contains(&said) || said == format!("PATH={PATH}") || said == "MODULEPATH=/modules";
        if !own && !given {
            writeln!(text, "  {said}  [{}]", setting.origin.rsplit('/').next().unwrap()).unwrap();
        }
    }
    for (name, reason) in variables.all_hidden() {
        writeln!(text, "  ? {}: {reason}", String::from_utf8_lossy(name)).unwrap();
    }
    if let Some(reason) = variables.rest_hidden() {
        writeln!(text, "  ? others: {reason}").unwrap();
    }
    text
}

#[test]
fn what_modules_set() {
    let site = SiteFiles::default();
    let audit = Knowledge::load(&site).unwrap();
    let know = JobKnowledge::load(&audit, &site).unwrap();
    let mut wrong = Vec::new();
    for file in files("tests/modulefiles", "toml") {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut page = String::new();
        for ask in &case.ask {
            let mut before: Option<(String, String)> = None;
            writeln!(page, "{}", [&ask.start[..], &ask.commands[..]].concat().join("; ")).unwrap();
            for system in &ask.systems {
                let said = told(&case, ask, system, &know);
                match &mut before {
                    // What both say is written once.
                    Some((names, same)) if *same == said => *names = format!("{names}, {system}"),
                    _ => {
                        if let Some((names, said)) = before.replace((system.clone(), said)) {
                            write!(page, " {names}\n{said}").unwrap();
                        }
                    }
                }
            }
            let (names, said) = before.unwrap();
            write!(page, " {names}\n{said}").unwrap();
        }
        let expected = root().join(file.replace(".toml", ".txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &page).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != page {
            wrong.push(format!("{file}: what comes is not what {} says:\n{page}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a hostile file leaves: an answer in bounded time and stack, which says that something is not known.
#[test]
fn hostile_files_end() {
    let site = SiteFiles::default();
    let audit = Knowledge::load(&site).unwrap();
    let know = JobKnowledge::load(&audit, &site).unwrap();
    let deep = 100_000;
    let many = |text: &str| text.repeat(20_000);
    let texts = [
        ("nested brackets", "1", format!("#%Module\nset x {}1{}\n", "[expr ".repeat(deep), "]".repeat(deep))),
        ("nested conditions", "1", format!("#%Module\n{}setenv X 1{}\n", "if 1 {".repeat(deep), "}".repeat(deep))),
        (
            "nested parentheses",
            "1",
            format!("#%Module\nif {{ {}1{} }} {{ setenv X 1 }}\n", "(".repeat(deep), ")".repeat(deep)),
        ),
        ("many negations", "1", format!("#%Module\nif {{ {}1 }} {{ setenv X 1 }}\n", "!".repeat(deep))),
        ("an endless loop", "1", "#%Module\nwhile {1} { append x y }\nsetenv X $x\n".to_owned()),
        ("a doubling value", "1", format!("#%Module\nset x 12345678\n{}setenv X $x\n", many("set x $x$x\n"))),
        ("an endless procedure", "1", "#%Module\nproc p {} { p }\np\nsetenv X 1\n".to_owned()),
        ("very many statements", "1", format!("#%Module\n{}", many("setenv X 1\nsetenv X 2\n"))),
        ("nested Lua", "1.lua", format!("x = {}1{}\nsetenv(\"X\", \"1\")\n", "(".repeat(deep), ")".repeat(deep))),
        ("nested tables", "1.lua", format!("x = {}1{}\n", "{".repeat(deep), "}".repeat(deep))),
        ("many negations in Lua", "1.lua", format!("x = {}true\n", "not ".repeat(deep))),
        ("nested blocks", "1.lua", format!("{}setenv(\"X\", \"1\") {}\n", "do ".repeat(deep), "end ".repeat(deep))),
        ("many calls", "1.lua", format!("f{}\n", "()".repeat(deep))),
        ("an endless function", "1.lua", "local function f() f() end\nf()\nsetenv(\"X\", \"1\")\n".to_owned()),
        ("an endless loop in Lua", "1.lua", "while true do setenv(\"X\", \"1\") end\n".to_owned()),
        ("a long bracket without end", "1.lua", format!("x = {}\n", "[==[".repeat(deep))),
    ];
    for (what, version, text) in texts {
        let files = BTreeMap::from([(format!("hostile/{version}"), text)]);
        let commands = vec!["module load hostile".to_owned()];
        let ask = Ask { path: modules(), start: Vec::new(), commands, not_live: String::new(), systems: systems() };
        let case = Case { files, links: BTreeMap::new(), ask: Vec::new() };
        let said = told(&case, &ask, "lmod", &know);
        assert!(said.contains("  ? "), "{what}: {said:.2000}");
        assert!(!said.contains("  X="), "{what}: {said:.2000}");
    }
}

/// Modules that load each other in every way are evaluated a bounded number of times.
#[test]
fn loads_of_loads_end() {
    let site = SiteFiles::default();
    let audit = Knowledge::load(&site).unwrap();
    let know = JobKnowledge::load(&audit, &site).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..40 {
        let loads: String = (0..40).map(|it| format!("load(\"m{}\")\n", (at + it) % 40)).collect();
        files.insert(format!("m{at}/1.lua"), loads);
    }
    let commands = vec!["module load m0".to_owned()];
    let ask = Ask { path: modules(), start: Vec::new(), commands, not_live: String::new(), systems: systems() };
    let said = told(&Case { files, links: BTreeMap::new(), ask: Vec::new() }, &ask, "lmod", &know);
    assert!(said.contains("  ? "), "{said:.2000}");
}

/// A job on this machine: the module of its script is followed where the shell that submits says in which directories
/// modulefiles lie. Else nothing is said of what its process maps.
#[test]
fn jobs_follow_modules_of_this_machine() {
    let site = SiteFiles::default();
    let audit = Knowledge::load(&site).unwrap();
    let know = JobKnowledge::load(&audit, &site).unwrap();
    let mut tree = support::Fixture::parse(&support::PYTHON.replace('@', "2.36")).memory_tree();
    tree.add_file(&below("tool/1"), "#%Module\nprepend-path LD_LIBRARY_PATH /opt/tool/lib\n");
    let view = View::new(Box::new(tree));
    let process = |shell: &[(&str, &str)], command: &str| {
        let mut variables = Variables::default();
        shell.iter().for_each(|(name, value)| variables.set(*name, *value, "caller"));
        let script = format!("#!/bin/bash\n{command}\nsrun python3 run.py\n");
        let job = JobQuestion {
            script: "job.sh".to_owned(),
            bytes: script.as_bytes(),
            directory: TreePath::root(),
            site: None,
            variables: Some(&variables),
            prefix: None,
            image_env: None,
            image_view: None,
        };
        let question = Question {
            target: "/venv".to_owned(),
            start: Start::Path(TreePath::new("/venv")),
            imports: Vec::new(),
            first: Vec::new(),
            variables: read_job(&view, &know, job).variables().unwrap(),
            cpu: CpuLevel::Baseline,
            launcher: None,
            image: None,
            libc: None,
            verify_files: false,
        };
        let facts = survey(&view, &audit, &question).unwrap().remove(0);
        let reason = facts.process.mapped.gap().map(|it| facts.gaps[it.0 as usize].reason.clone());
        (question.variables.get("LD_LIBRARY_PATH").map(<[u8]>::to_vec), reason)
    };
    let shell = [("MODULES_CMD", "/there"), ("MODULEPATH", "/modules")];
    assert_eq!(process(&shell, "module load tool"), (Some(b"/opt/tool/lib".to_vec()), None));
    let (value, reason) = process(&shell[..1], "module load tool");
    assert_eq!(value, None);
    let reason = reason.unwrap();
    let expected = "what is in LD_LIBRARY_PATH and LD_PRELOAD is not known: job.sh:2: what the module tool sets";
    assert!(reason.starts_with(expected), "{reason}");
    // What somebody else has loaded goes, and nobody knows what that was.
    let shell = [("LOADEDMODULES", "other/1"), ("LD_LIBRARY_PATH", "/opt/other/lib")];
    let (value, reason) = process(&shell, "module purge");
    assert_eq!(value, None);
    assert!(reason.is_some_and(|it| it.ends_with("job.sh:2: what the module other/1 has set")));
    assert_eq!(process(&shell, "module list"), (Some(b"/opt/other/lib".to_vec()), None));
}

/// What is too much to be read makes unknown what it could have set.
#[test]
fn limits_leave_something_open() {
    let site = SiteFiles::default();
    let audit = Knowledge::load(&site).unwrap();
    let know = JobKnowledge::load(&audit, &site).unwrap();
    let told = |path: String, commands: &[&str], files: Vec<(String, &str)>| {
        let commands = commands.iter().map(|it| (*it).to_owned()).collect();
        let ask = Ask { path, start: Vec::new(), commands, not_live: String::new(), systems: systems() };
        let files = files.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
        told(&Case { files, links: BTreeMap::new(), ask: Vec::new() }, &ask, "lmod", &know)
    };
    let scripts =
        |count: usize| (0..count).map(|it| (format!("/opt/conda/etc/conda/activate.d/{it}.sh"), "export X=1\n"));
    let activate = [". /opt/conda/etc/profile.d/conda.sh", "conda activate base"];
    let fine = told(modules(), &activate, scripts(100).collect());
    assert!(fine.contains("  X=1") && !fine.contains("  ? "), "{fine}");
    let many = told(modules(), &activate, scripts(101).collect());
    assert!(
        !many.contains("  X=1") && many.contains("/opt/conda/etc/conda/activate.d holds too many scripts"),
        "{many}"
    );
    let directories = |count: usize| (0..count).map(|it| format!("/none/{it}")).collect::<Vec<_>>().join(":");
    let module = || vec![("tool/1.lua".to_owned(), "setenv(\"X\", \"1\")\n")];
    let fine = told(format!("{}:/modules", directories(255)), &["module load tool"], module());
    assert!(fine.contains("  X=1"), "{fine}");
    let many = told(format!("{}:/modules", directories(256)), &["module load tool"], module());
    assert!(many.contains("  ? others: ") && many.contains("too many directories of modulefiles"), "{many:.500}");
}
