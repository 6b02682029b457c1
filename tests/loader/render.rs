//! What the emulator says of the processes of a case, as text.

use std::fmt::Write;

use pyhpc_audit::base::printable;
use pyhpc_audit::loader::{
    ABORTS, Binding, CpuLevel, CpuMaker, Detail, Failure, Law, Missing, ObjectIndex, Objects, Process, Request, Start,
    Surroundings, System, Via, Visibility,
};
use pyhpc_audit::tree::{Tree, View};

use super::case::{Case, Event, Process as Described};

/// How a process is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Who makes the CPU.
    pub maker: CpuMaker,
    /// How much is told.
    pub detail: Detail,
    /// A law that is switched off.
    pub without: Option<Law>,
}

/// Runs every process of a case over a tree.
pub fn render(case: &Case, tree: Box<dyn Tree>) -> String {
    let view = View::new(tree);
    let objects = Objects::new(&view);
    let mut out = String::new();
    for described in &case.processes {
        title(&mut out, described);
        let look = Look { maker: CpuMaker::Intel, detail: detail(described.probes), without: None };
        match start(&view, &objects, described, look) {
            Err(reason) => writeln!(out, "  cannot be said: {reason}").unwrap(),
            Ok((mut process, gaps)) => {
                gaps.iter().for_each(|gap| writeln!(out, "  gap: {gap}").unwrap());
                run(&mut out, described, &objects, &mut process);
            }
        }
    }
    out
}

fn detail(probes: bool) -> Detail {
    if probes { Detail::Probes } else { Detail::Versions }
}

/// Starts a process; the texts are gaps.
pub fn start<'v>(
    view: &View,
    objects: &'v Objects<'v>,
    described: &Described,
    look: Look,
) -> Result<(Process<'v>, Vec<String>), String> {
    let executable = view.resolve(&described.executable).map_err(|error| error.to_string())?;
    let linkage = objects.get(&executable).map_err(|error| error.to_string())?;
    let linkage = linkage.linkage.clone().map_err(|error| error.to_string())?;
    let interpreter = linkage.interpreter.ok_or("no PT_INTERP")?;
    let mut gaps = Vec::new();
    let system = System::read(view, &interpreter, &mut gaps).map_err(|gap| gap.reason)?;
    let level = described.cpu.as_ref().map(|it| CpuLevel::parse(it).expect("a CPU level"));
    let Look { maker, detail, without } = look;
    let directory = described.working_directory();
    let surroundings = Surroundings { directory, maker, binding: Binding::Checked, without };
    let start = Start {
        executable: &executable,
        system: &system,
        variables: &described.variables(),
        cpu: level.unwrap_or(CpuLevel::Baseline),
        detail,
    };
    let process = Process::start_in(objects, &start, surroundings)?;
    Ok((process, gaps.into_iter().map(|gap| format!("{}: {}", gap.path, gap.reason)).collect()))
}

/// One event of a case; `None` where its caller is not in the process.
pub fn open(process: &mut Process<'_>, event: &Event) -> Option<Result<ObjectIndex, Failure>> {
    let caller = match &event.caller {
        Some(path) => process.objects.iter().position(|it| it.name == path.as_bytes())?,
        None => 0,
    };
    let visibility = if event.global { Visibility::Global } else { Visibility::Local };
    let request = Request::Name { name: event.open.as_bytes(), caller };
    if !event.no_load {
        return Some(process.open(request, visibility));
    }
    let missing = || {
        Failure::Missing(Missing {
            needed_by: Vec::new(),
            soname: Vec::new(),
            searched: Vec::new(),
            refused: Vec::new(),
        })
    };
    Some(process.reopen(request, visibility).ok_or_else(missing))
}

fn title(out: &mut String, described: &Described) {
    write!(out, "{}", described.executable).unwrap();
    described.cpu.iter().for_each(|cpu| write!(out, " on {cpu}").unwrap());
    described.directory.iter().for_each(|path| write!(out, " in {path}").unwrap());
    described.environment.iter().for_each(|(name, value)| write!(out, " {name}={value}").unwrap());
    out.push('\n');
}

fn run(out: &mut String, described: &Described, store: &Objects<'_>, process: &mut Process<'_>) {
    for entry in &process.missing_preloads {
        writeln!(out, "  not preloaded: {}", printable(entry)).unwrap();
    }
    objects(out, process, 0);
    for failure in &process.start_failures {
        writeln!(out, "  does not start: {}", words(process, failure)).unwrap();
    }
    bindings(out, store, process, 0);
    for event in &described.events {
        let caller = event.caller.as_ref().map_or_else(String::new, |it| format!(" by {it}"));
        let flags = [(event.global, " global"), (event.no_load, " no-load")];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        writeln!(out, "  dlopen {}{caller}{flags}", event.open).unwrap();
        let before = process.objects.len();
        match open(process, event) {
            None => writeln!(out, "    has no such caller").unwrap(),
            Some(Ok(root)) if root < before => writeln!(out, "    is {}", name(process, root)).unwrap(),
            Some(Ok(_)) => {}
            Some(Err(_)) if event.no_load => writeln!(out, "    is not in the process").unwrap(),
            Some(Err(failure)) => writeln!(out, "    fails: {}", words(process, &failure)).unwrap(),
        }
        objects(out, process, before);
        bindings(out, store, process, before);
    }
}

fn objects(out: &mut String, process: &Process<'_>, from: ObjectIndex) {
    for (index, loaded) in process.objects.iter().enumerate().skip(from) {
        for probe in &loaded.probes {
            writeln!(out, "    - {} ({})", printable(&probe.path), probe.refused).unwrap();
        }
        write!(out, "    {} {}", name(process, index), via(process, loaded.via)).unwrap();
        if let Some(by) = loaded.needed_by {
            write!(out, " for {}", name(process, by)).unwrap();
        }
        out.push('\n');
    }
    for loaded in process.objects.iter().skip(from) {
        for (needed, answer) in &loaded.needs {
            let Some(index) = *answer else { continue };
            let answer = &process.objects[index];
            let by_path = printable(&answer.name).ends_with(&printable(needed));
            if answer.needed_by.is_none()
                || !std::ptr::eq(&process.objects[answer.needed_by.unwrap()], loaded)
                || !by_path
            {
                let (who, what) = (printable(&loaded.name), printable(needed));
                writeln!(out, "      {what} of {who} is {}", printable(&answer.name)).unwrap();
            }
        }
    }
}

fn bindings(out: &mut String, store: &Objects<'_>, process: &Process<'_>, from: ObjectIndex) {
    for (asker, loaded) in process.objects.iter().enumerate().skip(from) {
        for (symbol, answer) in bound(store, process, asker) {
            let answer = answer.map_or_else(|| "undefined".to_owned(), |it| printable(&process.objects[it].name));
            writeln!(out, "      {symbol} in {} binds to {answer}", printable(&loaded.name)).unwrap();
        }
    }
}

/// What an object wants, and who answers.
pub fn bound(store: &Objects<'_>, process: &Process<'_>, asker: ObjectIndex) -> Vec<(String, Option<ObjectIndex>)> {
    let symbols = store.symbols(&process.objects[asker].object).and_then(|it| it.wanted());
    let wanted = symbols.unwrap_or_default();
    let answer = |symbol: &[u8]| process.binding(asker, symbol, &mut Vec::new()).map(|(index, _)| index);
    wanted.iter().map(|it| (printable(&it.name), answer(&it.name))).collect()
}

fn name(process: &Process<'_>, index: ObjectIndex) -> String {
    printable(&process.objects[index].name)
}

fn via(process: &Process<'_>, via: Via) -> String {
    match via {
        Via::Rpath { owner } => format!("rpath of {}", name(process, owner)),
        other => other.word().to_owned(),
    }
}

/// What a failure is about: the real loader's text contains it.
pub fn subject(failure: &Failure) -> String {
    match failure {
        Failure::Missing(missing) => printable(&missing.soname),
        Failure::Unusable { reason, .. } if reason.ends_with(ABORTS) => ABORTS.to_owned(),
        Failure::Unusable { path, .. } => printable(path),
        Failure::Version(miss) => format!("version `{}' not found", printable(&miss.version)),
        Failure::Undefined(symbols) => symbols
            .iter()
            .map(|(_, it)| format!("undefined symbol: {}", printable(&it.name)))
            .collect::<Vec<_>>()
            .join("|"),
        Failure::TooMany => "too many".to_owned(),
    }
}

fn words(process: &Process<'_>, failure: &Failure) -> String {
    match failure {
        Failure::Missing(missing) => absent(process, missing),
        Failure::Unusable { path, needed_by, reason } => {
            let by = if needed_by.is_empty() { String::new() } else { format!(", needed by {}", printable(needed_by)) };
            format!("{} {reason}{by}", printable(path))
        }
        Failure::Version(miss) => {
            let (object, version) = (printable(&miss.object), printable(&miss.version));
            let highest = miss.highest.as_deref().map_or_else(String::new, |it| format!(", highest {}", printable(it)));
            format!("{object} needs {version} of {}{highest}", miss.library_path)
        }
        Failure::Undefined(symbols) => {
            let each = symbols.iter().map(|(object, it)| format!("{} of {}", printable(&it.name), printable(object)));
            format!("nothing defines {}", each.collect::<Vec<_>>().join(", "))
        }
        Failure::TooMany => "too many objects".to_owned(),
    }
}

fn absent(process: &Process<'_>, missing: &Missing) -> String {
    // A failed dlopen takes the owner of an RPATH with it.
    let word = |it: Via| match it {
        Via::Rpath { owner } if process.objects.len() <= owner => "rpath".to_owned(),
        it => via(process, it),
    };
    let mut searched: Vec<String> = Vec::new();
    for (path, it) in &missing.searched {
        let text = match it {
            Via::Default => "the default directories".to_owned(),
            it => format!("{} ({})", if path.is_empty() { ".".to_owned() } else { printable(path) }, word(*it)),
        };
        if !searched.contains(&text) {
            searched.push(text);
        }
    }
    let searched = if searched.is_empty() { "nothing".to_owned() } else { searched.join(", ") };
    format!("{} of {} is nowhere in {searched}", printable(&missing.soname), printable(&missing.needed_by))
}
