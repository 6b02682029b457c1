//! Job scripts in `tests/job` and what is read in them: directives, commands with environment and conditions, what is unclear.
//!
//! `NAME.sh` (`.pbs`, `.lsf`, `.csh`) is the script, `NAME.txt` what is found; `UPDATE=1` rewrites the latter. Scripts of
//! `tests/jobs` are read too where `tests/job` has a `NAME.txt`. A first line
//! `#@ NAME=VALUE ...` behind the interpreter line sets up the environment; `#@ rest` makes all other variables unknown.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "job/bash.rs"]
mod bash;
#[path = "job/files.rs"]
mod files;
#[path = "job/generate.rs"]
mod generate;
#[path = "job/show.rs"]
mod show;

use std::fs;
use std::path::{Path, PathBuf};

use pyhpc_audit::job::{Command, Environment, Place, Setup, Source, Surroundings, Word, read};

fn scripts() -> Vec<PathBuf> {
    let of = |directory: PathBuf| fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let shared = of(transcripts().with_file_name("jobs")).filter(|it| transcript(it).is_file());
    let mut found: Vec<PathBuf> = of(transcripts()).chain(shared).collect();
    found.retain(|it| it.extension().is_some_and(|it| ["sh", "pbs", "lsf", "csh"].iter().any(|other| it == *other)));
    found.sort();
    found
}

fn transcripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/job")
}

fn transcript(script: &Path) -> PathBuf {
    transcripts().join(script.file_name().unwrap()).with_extension("txt")
}

#[test]
fn scripts_are_read_as_written_down() {
    let mut differing = Vec::new();
    let scripts = scripts();
    let written = fs::read_dir(transcripts()).unwrap();
    let written = written.filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|it| it == "txt")).count();
    assert_eq!(scripts.len(), written, "every transcript has its script");
    for script in scripts {
        let bytes = fs::read(&script).unwrap();
        let name = script.file_name().unwrap().to_str().unwrap();
        let found = show::transcript(name, &bytes);
        let expected = transcript(&script);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{name}: UPDATE=1 rewrites it\n{found}"));
        }
    }
    assert!(differing.is_empty(), "\n{}", differing.join("\n"));
}

/// What bash does with random scripts: how many, and from which seed (`JOB_SCRIPTS`, `JOB_SEED`).
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |it| it.parse().unwrap());
    let first = number("JOB_SEED", 1);
    first..first + number("JOB_SCRIPTS", 150)
}

/// Without a bash nothing can be compared: said, and an error only where `ORACLE=1` insists.
fn bash_is_missing() -> bool {
    let missing = !bash::is_there();
    if missing {
        println!("not compared: no bash 5");
        assert!(std::env::var_os("ORACLE").is_none(), "ORACLE=1, but there is no bash 5");
    }
    missing
}

fn unclear_syntax(script: &str) -> Vec<String> {
    let source = Source { path: "script", bytes: script.as_bytes() };
    let read = read(&source, &Setup::default(), &mut Nothing);
    let syntax = read.unclear.into_iter().filter(|it| it.why.starts_with("syntax: "));
    syntax.map(|it| format!("{}: `{}`: {}", it.place.line, it.what, it.why)).collect()
}

#[test]
fn bash_agrees_on_what_is_a_script() {
    if bash_is_missing() {
        return;
    }
    let here = tempfile::tempdir().unwrap();
    let (mut differing, mut broken) = (Vec::new(), 0);
    for seed in seeds() {
        let mut numbers = generate::Numbers::new(seed);
        let script = generate::script(&mut numbers);
        for script in [script.clone(), generate::broken(&script, &mut numbers), generate::broken(&script, &mut numbers)]
        {
            let (takes, errors) = (bash::takes(&script, here.path()), unclear_syntax(&script));
            broken += usize::from(!takes);
            if takes != errors.is_empty() {
                differing.push(format!("seed {seed}: bash takes it: {takes}; {errors:?}\n{script}"));
            }
        }
    }
    let texts = seeds().count() * 3;
    println!("{broken} of {texts} texts are no script");
    assert!(
        texts / 10 < broken && broken < texts * 2 / 3,
        "{broken} of {texts} are broken: both kinds have to be there"
    );
    assert!(
        differing.is_empty(),
        "{} differ\n{}",
        differing.len(),
        differing.iter().take(5).cloned().collect::<String>()
    );
}

#[test]
fn bash_gives_the_values_that_are_predicted() {
    if bash_is_missing() {
        return;
    }
    let here = tempfile::tempdir().unwrap();
    let (mut differing, mut calls, mut known) = (Vec::new(), 0, 0);
    for seed in seeds() {
        let script = generate::script(&mut generate::Numbers::new(seed));
        let source = Source { path: "script", bytes: script.as_bytes() };
        let read = read(&source, &Setup::default(), &mut Nothing);
        let probes: Vec<&Command> = read.commands.iter().filter(|it| it.words[0].value.display() == "probe").collect();
        known += probes.iter().filter(|it| it.words.iter().all(|it| !it.open && it.value.is_known())).count();
        let real = bash::run(&script, here.path());
        calls += real.len();
        let certain = probes.iter().all(|it| it.conditions.is_empty() && !it.repeated);
        let fits = if certain {
            probes.len() == real.len() && probes.iter().zip(&real).all(|(a, b)| bash::allows(a, b))
        } else {
            let foretold = real.iter().all(|call| probes.iter().any(|it| bash::allows(it, call)));
            let mut always = probes.iter().filter(|it| it.conditions.is_empty() && !it.repeated);
            foretold && always.all(|it| real.iter().any(|call| bash::allows(it, call)))
        };
        if !fits {
            let predicted = show::transcript("script", script.as_bytes());
            let at = probes.iter().zip(&real).position(|(a, b)| !bash::allows(a, b));
            let first = at.map(|at| (probes[at].place.clone(), real[at].clone()));
            differing.push(format!("seed {seed}\n{script}\n--- predicted\n{predicted}\n--- first {first:#?}\n"));
        }
    }
    println!("{calls} calls; {known} predicted commands are known in every word");
    let scripts = seeds().count();
    assert!(scripts < calls && scripts < known, "{calls} calls and {known} known commands of {scripts} scripts");
    assert!(
        differing.is_empty(),
        "{} differ\n{}",
        differing.len(),
        differing.iter().take(6).cloned().collect::<String>()
    );
}

/// Nothing lies around the script.
struct Nothing;

impl Surroundings for Nothing {
    fn text(&mut self, _path: &str) -> Option<Vec<u8>> {
        None
    }

    fn exists(&mut self, _path: &str) -> Option<bool> {
        None
    }

    fn changes_shell(&mut self, _words: &[Word], _environment: &mut Environment, _place: &Place) -> bool {
        false
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), csh: bool) {
        any(&bytes, csh);
    }

    #[test]
    fn any_text_of_the_shell_is_read(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60),
        csh: bool,
    ) {
        any(pieces.concat().as_bytes(), csh);
    }
}

const PIECES: [&str; 48] = [
    "if ",
    "then ",
    "fi\n",
    "for x in ",
    "do ",
    "done\n",
    "while ",
    "case ",
    "in ",
    "esac\n",
    "a*) ",
    ";;\n",
    "{ ",
    "}\n",
    "(",
    ")",
    "((",
    "))",
    "[[ ",
    " ]]",
    "$(",
    "`",
    "\"",
    "'",
    "${x",
    "}",
    ":-",
    "##",
    "/a/b",
    "$x",
    "$@",
    "x=1\n",
    "x+=y ",
    "export ",
    "f() ",
    "f\n",
    "<<EOF\n",
    "EOF\n",
    "{a,b}",
    "{1..9}",
    " && ",
    " || ",
    " & ",
    "\\\n",
    "eval ",
    ". file\n",
    "foreach x (",
    "end\n",
];

fn any(bytes: &[u8], csh: bool) {
    let bytes = [if csh { "#!/bin/csh\n".as_bytes() } else { b"" }, bytes].concat();
    let source = Source { path: "script", bytes: &bytes };
    pyhpc_audit::job::directives(&source, &show::PREFIXES);
    read(&source, &Setup::default(), &mut Itself(bytes.clone()));
}

/// Every file is the script itself.
struct Itself(Vec<u8>);

impl Surroundings for Itself {
    fn text(&mut self, _path: &str) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        (path.len() < 3).then_some(true)
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        if words.len() == 3 {
            environment.forget("three words", place);
        }
        words.len() == 3
    }
}

/// Scripts that grow, nest or multiply: each ends soon, and says what it left out.
#[test]
fn hostile_scripts_end_soon() {
    let nested = |open: &str, close: &str, times: usize| open.repeat(times) + "run x" + &close.repeat(times);
    let scripts = [
        nested("$(", ")", 5_000),
        nested("if true; then ", "; fi", 1_000),
        nested("${x:-", "}", 5_000),
        nested("(", ")", 5_000),
        nested("[[ ( ", " ) ]]", 5_000),
        format!("run $(( {} ))", "(".repeat(5_000)),
        format!("run $(( {} 1 ))", "-".repeat(5_001)),
        "x=$x$x$x\n".repeat(2_000) + "x=1\n" + &"x=$x$x$x\n".repeat(200) + "run $x",
        "run {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}".to_owned(),
        format!("run {}", "{".repeat(5_000)),
        "f() { f; f; }; f".to_owned(),
        "for a in {1..60}; do for b in {1..60}; do for c in {1..60}; do run $a $b $c; done; done; done".to_owned(),
        "if run; then export A$RANDOM=1; fi\n".repeat(100),
        (0..40).map(|it| format!("if run; then export A{it}=1; fi\n")).collect::<String>(),
        "run a\n".repeat(12_000),
        "a".repeat(5 << 20),
        "run x ".repeat(1 << 15),
        "cat <<E\n".repeat(5_000),
        "eval eval eval 'eval x'; eval \"eval \\\"eval x\\\"\"\n".repeat(100),
        "while :; do while :; do while x; do while y; do run; done; done; done; done\n".repeat(50),
    ];
    for script in scripts {
        let start = std::time::Instant::now();
        any(script.as_bytes(), false);
        any(script.as_bytes(), true);
        let seconds = start.elapsed().as_secs_f64();
        println!("{seconds:.2} s: {}", script.chars().take(60).collect::<String>());
        assert!(seconds < 120.0, "{seconds} s: {}", script.chars().take(60).collect::<String>());
    }
}
