//! A script as text for people: what `tests/job/*.txt` holds.

use std::fmt::Write;

use pyhpc_audit::job::{
    Binding, Command, Environment, Place, Rest, Setup, Source, Surroundings, Value, Word, directives, read,
};

pub(crate) const PREFIXES: [&str; 6] = ["#SBATCH", "#PBS", "#BSUB", "#COBALT", "#flux:", "#$"];

/// Files of the surroundings: `site.env` is not there; `known.env` is. `module` and `conda` change something.
pub(crate) struct Around;

impl Surroundings for Around {
    fn text(&mut self, path: &str) -> Option<Vec<u8>> {
        match path {
            "known.env" | "/known.env" => Some(b"export FROM_FILE=1\nLOCAL=$1\nreturn 0\nexport NEVER=1\n".to_vec()),
            _ => None,
        }
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        match path {
            "known.env" | "/there" => Some(true),
            "/not-there" => Some(false),
            _ => None,
        }
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        let first = words.first().and_then(|it| it.value.text()).unwrap_or_default();
        match first.as_str() {
            "module" => environment.set("LOADED", Binding::Set(Value::known("1", place))),
            "conda" => {
                let reason = "what conda activates".to_owned();
                environment.set("PATH", Binding::Unknown { reason, place: place.clone() });
            }
            "eval" if words.iter().any(|it| it.value.display().contains("conda")) => {}
            _ => return false,
        }
        true
    }
}

pub(crate) fn setup(text: &str) -> Setup {
    let mut environment = Environment::default();
    let mut arguments = Vec::new();
    let line = text.lines().find_map(|it| it.strip_prefix("#@ ")).unwrap_or_default();
    for word in line.split(' ') {
        match word.split_once('=') {
            Some(("arg", value)) => arguments.push(Value::known(value, &Place::default())),
            Some((name, value)) => environment.set(name, Binding::Set(Value::known(value, &Place::default()))),
            None if word == "rest" => {
                environment
                    .set_rest(Rest::Unknown { reason: "the caller may set it".to_owned(), place: Place::default() });
            }
            None => {}
        }
    }
    Setup { environment, arguments }
}

pub(crate) fn transcript(name: &str, bytes: &[u8]) -> String {
    let source = Source { path: name, bytes };
    let mut out = String::new();
    for directive in directives(&source, &PREFIXES) {
        let words: Vec<String> = directive.words.iter().map(word).collect();
        writeln!(out, "{} {} {}", at(&directive.place), directive.prefix, words.join(" ")).unwrap();
    }
    let setup = setup(&String::from_utf8_lossy(bytes));
    let script = read(&source, &setup, &mut Around);
    writeln!(out, "{:?}", script.dialect).unwrap();
    let mut before = setup.environment;
    for command in &script.commands {
        show(command, &before, &mut out);
        before = command.environment.clone();
    }
    for unclear in &script.unclear {
        writeln!(out, "unclear {} `{}`: {}", at(&unclear.place), unclear.what, unclear.why).unwrap();
    }
    environment(&script.last, &Environment::default(), "at the end", &mut out);
    out
}

fn at(place: &Place) -> String {
    format!("{}:{}:{}+{}", place.file.rsplit('.').next().unwrap_or_default(), place.line, place.column, place.length)
}

fn word(word: &Word) -> String {
    let text = word.value.display();
    let text = if text.is_empty() || text.contains([' ', '\n']) { format!("{text:?}") } else { text };
    if word.open { format!("{text}..") } else { text }
}

fn show(command: &Command, before: &Environment, out: &mut String) {
    let words: Vec<String> = command.words.iter().map(word).collect();
    let background = if command.background { " &" } else { "" };
    let background = if command.repeated { format!("{background} (repeated)") } else { background.to_owned() };
    writeln!(out, "{} [{}] {}{background}", at(&command.place), command.phase, words.join(" ")).unwrap();
    for condition in &command.conditions {
        let holds = if condition.holds { "if" } else { "unless" };
        writeln!(out, "    {holds} {} ({})", condition.text, at(&condition.place)).unwrap();
    }
    if let Some(directory) = &command.directory {
        writeln!(out, "    in {}", directory.display()).unwrap();
    }
    if let Some(stdin) = &command.stdin {
        writeln!(out, "    fed {} {:?}", at(&stdin.place), stdin.value.display()).unwrap();
    }
    environment(&command.environment, before, "", out);
}

/// What differs from `before`.
fn environment(environment: &Environment, before: &Environment, title: &str, out: &mut String) {
    if !title.is_empty() {
        writeln!(out, "{title}").unwrap();
    }
    if environment.rest() != before.rest()
        && let Rest::Unknown { reason, place } = environment.rest()
    {
        writeln!(out, "    all others unknown: {reason} ({})", at(place)).unwrap();
    }
    for (name, binding) in environment.iter() {
        if before.own(name).is_some_and(|it| it.says_the_same(binding)) {
            continue;
        }
        match binding {
            Binding::Set(value) => {
                let from: Vec<String> = value.places.iter().take(3).map(at).collect();
                writeln!(out, "    {name}={} ({})", value.display(), from.join(" ")).unwrap();
            }
            Binding::Unset(place) => writeln!(out, "    {name} is not set ({})", at(place)).unwrap(),
            Binding::Unknown { reason, place } => {
                writeln!(out, "    {name} unknown: {reason} ({})", at(place)).unwrap()
            }
        }
    }
}
