//! One process of a case, by the real loader and by the emulator: what each says, and where they differ.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use pyhpc_audit::base::printable;
use pyhpc_audit::loader::{ABORTS, Detail, Objects, Process, Try, Via};
use pyhpc_audit::tree::{HostTree, View};

use super::case::{Case, Event, Process as Described};
use super::machine::Machine;
use super::render::{self, subject};
use crate::support::elf_builder::{DefineKind, ElfSpec};

const DRIVER: &str = "/oracle/driver.so";

/// What one loader says of one process: an answer for the start and for each event.
#[derive(Debug, Default)]
pub struct Said {
    /// In order.
    pub answers: Vec<Answer>,
    /// `asker symbol provider`.
    pub bindings: BTreeSet<String>,
    /// Every file that was tried, in order.
    pub tried: Vec<String>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `ok PATH`, or `fail` with the text of the real loader or the subject that the emulator names.
    pub word: String,
    /// The objects of the process, without executable and loader.
    pub map: Vec<String>,
}

/// Where the two loaders differ over the processes of a case; empty when they agree.
pub fn differences(machine: &Machine, case: &Case) -> String {
    let mut scratch = tempfile::tempdir().unwrap();
    // Kept on request, to be looked at.
    scratch.disable_cleanup(std::env::var_os("ORACLE_KEEP").is_some());
    let root = scratch.path();
    write_tree(machine, case, root);
    let mut out = String::new();
    for described in &case.processes {
        let described = prepared(machine, described);
        let interpreter = interpreter(case, &described);
        if !case.loaders.iter().any(|it| it.path == interpreter && it.musl.is_some() == machine.musl) {
            continue;
        }
        let real = ask(machine, root, &described, &interpreter);
        let emulated = emulate(machine, root, &described, &interpreter);
        compare(&mut out, machine, case, &described, (&real, &emulated));
    }
    out
}

/// Whether any process of the case can be asked on this machine.
pub fn applies(machine: &Machine, case: &Case) -> bool {
    case.not_asked.is_none() && case.loaders.iter().any(|it| it.musl.is_some() == machine.musl)
}

fn prepared(machine: &Machine, described: &Described) -> Described {
    let mut described = described.clone();
    let preload = described.environment.entry("LD_PRELOAD".to_owned()).or_default();
    *preload = format!("{preload} {DRIVER}").trim_start().to_owned();
    described.cpu = Some(machine.cpu.clone());
    described.directory.get_or_insert_with(|| "/".to_owned());
    described
}

fn interpreter(case: &Case, described: &Described) -> String {
    let real = case.links.get(&described.executable).unwrap_or(&described.executable);
    case.executables.get(real).and_then(|it| it.interpreter.clone()).unwrap_or_default()
}

fn write_tree(machine: &Machine, case: &Case, root: &Path) {
    let mut fixture = case.fixture();
    for spec in fixture.files.iter_mut().filter_map(|it| it.elf.as_mut()) {
        callable(spec);
        if machine.musl && spec.interpreter.is_some() {
            spec.wants.extend(ElfSpec::parse(r#"wants = ["oracle_main"]"#).wants);
            spec.entry_calls = Some("oracle_main".to_owned());
        }
    }
    fixture.write_below(root);
    for directory in ["oracle", "proc"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    let put = |from: &str, to: &str| {
        let to = root.join(to.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::hard_link(machine.program(from), &to).unwrap();
    };
    put("driver.so", DRIVER);
    if !machine.musl {
        put("libc.so.6", "/oracle/libc.so.6");
        if machine.program("libdl.so.2").exists() {
            put("libdl.so.2", "/oracle/libdl.so.2");
            // Where the emulator reads the version that old loaders do not tell.
            put("libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6");
        }
    }
    case.loaders.iter().for_each(|loader| put("loader", &loader.path));
    for directory in case.processes.iter().filter_map(|it| it.directory.as_ref()) {
        std::fs::create_dir_all(root.join(directory.trim_start_matches('/'))).unwrap();
    }
}

/// Every object can be the caller of dlopen.
fn callable(spec: &mut ElfSpec) {
    if spec.machine == "x86_64" {
        let mut define = ElfSpec::parse(r#"defines = ["call_dlopen"]"#).defines;
        define.iter_mut().for_each(|it| it.kind = DefineKind::Caller);
        spec.defines.extend(define);
    }
}

fn ask(machine: &Machine, root: &Path, described: &Described, interpreter: &str) -> Said {
    let mut events = String::new();
    for Event { open, caller, global, no_load } in &described.events {
        let flags = u8::from(*global) + 2 * u8::from(*no_load);
        writeln!(events, "{flags}\t{}\t{open}", caller.as_deref().unwrap_or_default()).unwrap();
    }
    std::fs::write(root.join("oracle/events"), events).unwrap();
    let mut command = Command::new(machine.program("launch"));
    command.arg(root).arg(described.directory.as_deref().unwrap_or("/")).arg(&described.executable);
    command.args(described.environment.iter().map(|(name, value)| format!("{name}={value}")));
    let output = command.arg("LD_DEBUG=bindings,libs").output().unwrap();
    let code = output.status.code();
    assert!(code.is_none_or(|it| !(120..=125).contains(&it)), "the process cannot be isolated: launch says {code:?}");
    let (told, debug) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut said = Said::default();
    for line in told.lines() {
        if let Some(word) = line.strip_prefix("E ") {
            said.answers.push(Answer { word: word.to_owned(), map: Vec::new() });
        }
        let object =
            line.strip_prefix("M ").filter(|it| *it != interpreter && !it.is_empty() && !it.starts_with("linux-vdso"));
        if let (Some(path), Some(last)) = (object, said.answers.last_mut()) {
            last.map.push(path.to_owned());
        }
    }
    if said.answers.is_empty() {
        let error = |it: &&str| it.contains("rror") || it.contains("Inconsistency");
        let error = debug.lines().filter(error).collect::<Vec<_>>().join(" ");
        // A signal is a bug of the loader: it forgets to read the versions of an auxiliary of the executable, for one.
        let word = if code.is_some() { format!("fail {error}") } else { format!("crash {:?}", output.status) };
        said.answers.push(Answer { word, map: Vec::new() });
    } else if code != Some(0) {
        said.answers.push(Answer { word: format!("crash {:?}", output.status), map: Vec::new() });
    }
    said.bindings = debug.lines().filter_map(binding).collect();
    said.tried = debug.lines().filter_map(|it| it.split_once("  trying file=")).map(|(_, it)| it.to_owned()).collect();
    said
}

/// `  12: binding file /a/ext.so [0] to /l/libx.so [0]: normal symbol `f'`
fn binding(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("binding file ")?;
    let (asker, rest) = rest.split_once(" [0] to ")?;
    let (provider, rest) = rest.split_once(" [0]: ")?;
    let symbol = rest.split_once('`')?.1.split('\'').next()?;
    Some(format!("{asker} {symbol} {provider}"))
}

fn emulate(machine: &Machine, root: &Path, described: &Described, interpreter: &str) -> Said {
    let view = View::new(Box::new(HostTree::below(root).unwrap()));
    let objects = Objects::new(&view);
    let look = render::Look { maker: machine.maker, detail: Detail::Probes, without: None };
    let (mut process, _) = render::start(&view, &objects, described, look).unwrap();
    let mut said = Said::default();
    if let Some(failure) = process.start_failures.first() {
        said.tried = tried(&view, &process);
        said.answers.push(Answer { word: format!("fail {}", subject(failure)), map: Vec::new() });
        return said;
    }
    said.answers.push(Answer { word: "started".to_owned(), map: map(&process, interpreter) });
    for event in &described.events {
        let word = match render::open(&mut process, event) {
            None => "absent".to_owned(),
            // The executable has no name.
            Some(Ok(0)) => "ok ".to_owned(),
            Some(Ok(index)) => format!("ok {}", printable(&process.objects[index].name)),
            Some(Err(failure)) => format!("fail {}", subject(&failure)),
        };
        said.answers.push(Answer { word, map: map(&process, interpreter) });
    }
    said.tried = tried(&view, &process);
    for (asker, loaded) in process.objects.iter().enumerate() {
        for (symbol, answer) in render::bound(&objects, &process, asker) {
            let name =
                |it: usize| if it == 0 { described.executable.clone() } else { printable(&process.objects[it].name) };
            let asker = if asker == 0 { described.executable.clone() } else { printable(&loaded.name) };
            said.bindings.extend(answer.map(|it| format!("{asker} {symbol} {}", name(it))));
        }
    }
    said
}

/// glibc asks a directory that is not there once in the life of a process (`open_path` in glibc `elf/dl-load.c`); one
/// whose name is relative counts as being there.
fn tried(view: &View, process: &Process<'_>) -> Vec<String> {
    let mut gone: BTreeSet<(&[u8], usize)> = BTreeSet::new();
    let mut out = Vec::new();
    for Try { path, via, place } in &process.tried {
        let cut = path.iter().rposition(|it| *it == b'/').map_or(0, |at| at + 1);
        let directory = &path[..cut];
        // The cache names files, not directories.
        let listed = *via != Via::Cache;
        if listed && gone.contains(&(directory, *place)) {
            continue;
        }
        if listed && directory.starts_with(b"/") && !view.is_directory(directory) {
            gone.insert((directory, *place));
        }
        out.push(printable(path));
    }
    out
}

fn map(process: &Process<'_>, interpreter: &str) -> Vec<String> {
    let names = process.link_map().iter().skip(1).map(|it| printable(&process.objects[*it].name));
    names.filter(|it| it != interpreter).collect()
}

fn compare(out: &mut String, machine: &Machine, case: &Case, described: &Described, (real, emulated): (&Said, &Said)) {
    let reordered = case.executables.values().chain(case.objects.values());
    let reordered = reordered.into_iter().any(|it| !it.auxiliary.is_empty() || !it.filter.is_empty());
    let mut differs = |what: String, real: String, emulated: String| {
        writeln!(out, "{} {what}\n  real:     {real}\n  emulated: {emulated}", described.executable).unwrap();
    };
    for at in 0..real.answers.len().max(emulated.answers.len()) {
        let what = match at.checked_sub(1).and_then(|it| described.events.get(it)) {
            Some(event) => format!("dlopen {} by {:?}", event.open, event.caller),
            None => "start".to_owned(),
        };
        let (Some(theirs), Some(ours)) = (real.answers.get(at), emulated.answers.get(at)) else {
            differs(what, format!("{:?}", real.answers.get(at)), format!("{:?}", emulated.answers.get(at)));
            return;
        };
        if reordered && theirs.word.starts_with("crash") {
            // Filters that filter each other end glibc; no law says how.
            return;
        }
        let aborted = theirs.word.starts_with("crash") || theirs.word.contains("Inconsistency");
        if aborted && ours.word.ends_with(ABORTS) {
            return;
        }
        if !same_word(machine, &theirs.word, &ours.word) {
            differs(what, theirs.word.clone(), ours.word.clone());
            return;
        }
        if theirs.map != ours.map {
            differs(what, theirs.map.join(" "), ours.map.join(" "));
            return;
        }
    }
    // Where the start fails, the loader ends with the first failure; the emulator tells every one.
    let started = emulated.answers.first().is_some_and(|it| it.word == "started");
    let same = if started { real.tried == emulated.tried } else { emulated.tried.starts_with(&real.tried) };
    if !machine.musl && !same {
        let at = real.tried.iter().zip(&emulated.tried).position(|(a, b)| a != b);
        let at = at.unwrap_or(real.tried.len().min(emulated.tried.len()));
        let part = |it: &[String]| it.iter().skip(at.saturating_sub(2)).take(6).cloned().collect::<Vec<_>>().join(" ");
        differs(format!("probe {at}"), part(&real.tried), part(&emulated.tried));
    }
    // Only what the fixture wants: the driver and its C library bind much more.
    let wanted: BTreeSet<&str> = case
        .executables
        .values()
        .chain(case.objects.values())
        .flat_map(|it| it.wants.iter().map(|it| it.name.as_str()))
        .collect();
    let own = |it: &&String| it.split(' ').nth(1).is_some_and(|symbol| wanted.contains(symbol));
    let theirs: BTreeSet<&String> = real.bindings.iter().filter(own).collect();
    let ours: BTreeSet<&String> = emulated.bindings.iter().filter(own).collect();
    if !machine.musl && !ours.is_subset(&theirs) {
        differs("bindings".to_owned(), format!("{theirs:?}"), format!("{ours:?}"));
    }
}

fn same_word(machine: &Machine, real: &str, emulated: &str) -> bool {
    match (real.strip_prefix("fail "), emulated.strip_prefix("fail ")) {
        // musl names the request, not the file.
        // What fails after it was opened is told by the name of the request.
        (Some(real), Some(subject)) => {
            let names = |it: &str| real.contains(it) || real.contains(it.rsplit('/').next().unwrap_or_default());
            machine.musl || subject.split('|').any(names)
        }
        _ => real == emulated,
    }
}
