//! Simple commands: assignments, builtins of the shell, functions, and everything that is started.

use std::sync::Arc;

use super::assign::assigned_status;
use super::braces::braces;
use super::limits::{CALLS, WORDS};
use super::node::{Assigned, Assignment, Node, Simple, Word};
use super::run::Runner;
use super::text::{Origin, Span};
use super::value::{Binding, Value};
use super::world::{Field, Flow, Status, World};

/// Builtins that change nothing that is followed here.
const WITHOUT_EFFECT: [&str; 33] = [
    ":", "alias", "bg", "bind", "caller", "compgen", "complete", "dirs", "disown", "echo", "enable", "false", "fc",
    "fg", "hash", "help", "history", "jobs", "kill", "popd", "printf", "pwd", "suspend", "times", "trap", "true",
    "type", "ulimit", "umask", "unalias", "limit", "rehash", "unlimit",
];

/// A field with the word that it came from.
pub(super) struct Argument {
    pub(super) field: Field,
    pub(super) span: Span,
    /// Of the word that it came from.
    pub(super) assignment: Option<Assignment>,
}

impl Argument {
    pub(super) fn text(&self) -> Option<String> {
        if self.field.open { None } else { self.field.value.text() }
    }
}

impl Runner<'_> {
    pub(super) fn simple(&mut self, simple: &Simple, mut world: World) -> Vec<World> {
        let mut arguments = Vec::new();
        for word in &simple.words {
            if let Some(assignment) = word.assignment.as_deref() {
                let argument = |assignment| {
                    let field = Field { value: Value::known(word.span.written(), &word.span.place()), open: false };
                    Argument { field, span: word.span.clone(), assignment: Some(assignment) }
                };
                arguments.extend(each_brace(assignment).into_iter().map(argument));
                continue;
            }
            if WORDS < arguments.len() {
                self.unclear(&simple.span, "very many words: the rest is not read");
                break;
            }
            let fields = self.fields(word, &mut world);
            let argument = |field| Argument { field, span: word.span.clone(), assignment: None };
            arguments.extend(fields.into_iter().map(argument));
        }
        let stdin = self.redirects(&simple.redirects, &mut world);
        if world.flow != Flow::Running {
            return vec![world];
        }
        if arguments.is_empty() {
            world.status = Status::True;
            for assignment in &simple.assignments {
                self.assign(assignment, &mut world);
                if !matches!(&assignment.value, Assigned::Word(word) if word.is_literal()) {
                    world.status = assigned_status(assignment);
                }
            }
            return vec![world];
        }
        self.command(&arguments, simple, stdin, world)
    }

    fn command(
        &mut self,
        arguments: &[Argument],
        simple: &Simple,
        stdin: Option<super::Text>,
        mut world: World,
    ) -> Vec<World> {
        let name = arguments.first().and_then(Argument::text).unwrap_or_default();
        if let Some(body) = world.functions.get(&name).cloned() {
            return self.call(&body, arguments, simple, world);
        }
        match self.builtin(&name, arguments, &simple.span, world) {
            Ok(mut worlds) => {
                worlds.iter_mut().for_each(|it| self.failed(it));
                return worlds;
            }
            Err(same) => world = *same,
        }
        let (arguments, leaves) = match name.as_str() {
            "exec" => (skip_options(arguments.get(1..).unwrap_or_default(), "acl"), true),
            "command" => (skip_options(arguments.get(1..).unwrap_or_default(), ""), false),
            "builtin" | "coproc" => (arguments.get(1..).unwrap_or_default(), false),
            _ => (arguments, false),
        };
        if arguments.is_empty() {
            world.status = Status::True;
            return vec![world];
        }
        let place = simple.span.place();
        let words = self.words(arguments);
        let mut shell = world.shell.clone();
        if self.surroundings.changes_shell(&words, &mut shell, &place) {
            world.take(shell);
            world.status = Status::Unknown;
            return vec![world];
        }
        let mut environment = world.environment();
        for assignment in &simple.assignments {
            if let Assigned::Word(word) = &assignment.value {
                let value = self.assigned_value(assignment, word, &mut world);
                environment.set(&assignment.name, Binding::Set(value));
            }
        }
        let stdin = stdin.or_else(|| world.stdin.clone());
        self.record(words, environment, stdin, &simple.span, &mut world);
        world.status = Status::Unknown;
        if leaves {
            world.flow = Flow::Exit;
        }
        vec![world]
    }

    pub(super) fn words(&self, arguments: &[Argument]) -> Vec<super::Word> {
        let word = |it: &Argument| {
            let place = it.span.place();
            super::Word { value: it.field.value.clone().latest(&place), place, open: it.field.open }
        };
        arguments.iter().map(word).collect()
    }

    /// A function, with prefix assignments that hold while it runs.
    fn call(&mut self, body: &Arc<Node>, arguments: &[Argument], simple: &Simple, mut world: World) -> Vec<World> {
        if CALLS <= self.calls {
            self.unclear(&simple.span, "functions call each other too deeply: not followed");
            world.status = Status::Unknown;
            return vec![world];
        }
        let before = Arc::clone(&world.arguments);
        world.hidden.push(std::collections::BTreeMap::new());
        for assignment in &simple.assignments {
            world.hide(&assignment.name);
            self.assign(assignment, &mut world);
            world.export(&assignment.name);
        }
        let traced =
            |it: &Argument| Field { value: it.field.value.clone().latest(&it.span.place()), open: it.field.open };
        world.arguments = Arc::new(arguments.iter().skip(1).map(traced).collect());
        self.calls += 1;
        let mut worlds = self.run(body, vec![world]);
        self.calls -= 1;
        for world in &mut worlds {
            world.reveal();
            world.arguments = Arc::clone(&before);
            if world.flow != Flow::Exit {
                world.flow = Flow::Running;
            }
        }
        worlds
    }

    /// What a builtin does; the world comes back when it is none.
    fn builtin(
        &mut self,
        name: &str,
        arguments: &[Argument],
        span: &Span,
        mut world: World,
    ) -> Result<Vec<World>, Box<World>> {
        let rest = arguments.get(1..).unwrap_or_default();
        world.status = Status::True;
        match name {
            "false" => world.status = Status::False,
            "printf" if rest.first().and_then(Argument::text).as_deref() == Some("-v") => {
                self.unknown_names(rest.get(1..2).unwrap_or_default(), span, &mut world);
            }
            name if WITHOUT_EFFECT.contains(&name) => {}
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(name, rest, &mut world),
            "unset" => self.unset(rest, span, &mut world),
            "set" => self.set_options(rest, &mut world),
            "shopt" => world.globs_otherwise |= speaks_of_globs(rest),
            "shift" => shift(rest.first(), span, &mut world),
            "[" | "test" => {
                let end = if name == "[" { rest.len().saturating_sub(1) } else { rest.len() };
                let fields: Vec<Field> =
                    rest.get(..end).unwrap_or_default().iter().map(|it| it.field.clone()).collect();
                world.status = Status::of(self.classic(&fields, &world));
            }
            "let" => self.let_(rest, span, &mut world),
            "read" | "mapfile" | "readarray" | "getopts" => {
                self.unknown_names(rest, span, &mut world);
                world.status = Status::Unknown;
            }
            "cd" | "chdir" | "pushd" => {
                self.change_directory(rest, span, &mut world);
                world.status = Status::Unknown;
            }
            "wait" => wait(rest, &mut world),
            "exit" | "logout" => world.flow = Flow::Exit,
            "return" => world.flow = Flow::Return,
            "break" => world.flow = Flow::Break(levels(rest.first())),
            "continue" => world.flow = Flow::Continue(levels(rest.first())),
            "eval" => return Ok(self.eval(arguments, span, world)),
            "source" | "." => return Ok(self.source(arguments, span, world)),
            "command" if rest.first().and_then(Argument::text).is_some_and(|it| it == "-v" || it == "-V") => {
                world.status = Status::Unknown;
            }
            "builtin" | "command" if !rest.is_empty() => {
                let inner = rest.first().and_then(Argument::text).unwrap_or_default();
                return self.builtin(&inner, rest, span, world);
            }
            _ if self.csh => return self.csh_builtin(name, rest, span, world),
            _ => return Err(Box::new(world)),
        }
        if name == "return" || name == "exit" {
            world.status = match rest.first().map(Argument::text) {
                Some(Some(text)) => Status::of(text.parse::<i64>().map_or(None, |it| Some(it == 0))),
                Some(None) | None => Status::Unknown,
            };
        }
        Ok(vec![world])
    }

    fn set_options(&mut self, arguments: &[Argument], world: &mut World) {
        let mut named = None;
        for (at, argument) in arguments.iter().enumerate() {
            let text = argument.text().unwrap_or_default();
            let on = text.starts_with('-');
            if let Some(on) = named.take() {
                world.export_all = if text == "allexport" { on } else { world.export_all };
                world.exit_on_failure = if text == "errexit" { on } else { world.exit_on_failure };
                world.globs_otherwise |= text == "noglob";
            } else if text == "--" || !(on || text.starts_with('+')) || text.len() < 2 {
                let rest = arguments.get(at + usize::from(text == "--")..).unwrap_or_default();
                world.arguments = Arc::new(rest.iter().map(|it| it.field.clone()).collect());
                return;
            } else {
                world.export_all = if text.contains('a') { on } else { world.export_all };
                world.exit_on_failure = if text.contains('e') { on } else { world.exit_on_failure };
                world.globs_otherwise |= text.contains('f');
                named = text.contains('o').then_some(on);
            }
        }
    }

    fn let_(&mut self, arguments: &[Argument], span: &Span, world: &mut World) {
        for argument in arguments {
            let text = argument.text().unwrap_or_default();
            let piece = super::node::Piece::Text { text, quoted: true };
            let word = Word { pieces: vec![piece], span: span.clone(), assignment: None };
            let number = self.arithmetic(&word, world);
            world.status = Status::of(number.map_or(None, |it| Some(it.0 != 0)));
        }
    }

    fn change_directory(&mut self, arguments: &[Argument], span: &Span, world: &mut World) {
        let plain = |it: &&Argument| it.text().is_none_or(|it| !it.starts_with('-') || it == "-");
        let target = match arguments.iter().find(plain) {
            Some(argument) if argument.field.open => Value::unknown(argument.span.written(), &argument.span.place()),
            Some(argument) => argument.field.value.clone(),
            None => world.shell.value("HOME").cloned().unwrap_or_else(|| Value::unknown("$HOME", &span.place())),
        };
        let target = if target.text().as_deref() == Some("-") { Value::unknown("cd -", &span.place()) } else { target };
        let absolute = match target.parts.first() {
            Some(super::Part::Text(text)) => text.starts_with('/'),
            // A variable that names a directory names it whole.
            Some(super::Part::Unknown { .. }) => true,
            None => return,
        };
        let whole = match world.directory.take() {
            Some(mut directory) if !absolute => {
                directory.push_text("/");
                directory.push(&target);
                directory
            }
            Some(_) | None => target,
        };
        if world.shell.own("PWD").is_some() {
            let moved = Value::unknown("$PWD", &span.place());
            world.set("PWD", if absolute && whole.is_known() { whole.clone() } else { moved });
        }
        world.directory = Some(whole.latest(&span.place()));
    }

    fn eval(&mut self, arguments: &[Argument], span: &Span, mut world: World) -> Vec<World> {
        let fields: Vec<Field> = arguments.iter().skip(1).map(|it| it.field.clone()).collect();
        let text = super::expand::joined(&fields).text().filter(|_| !fields.iter().any(|it| it.open));
        if let Some(text) = text.filter(|_| self.calls < CALLS) {
            self.calls += 1;
            let worlds = self.text(&Origin::inside(&text, &span.place()), vec![world]);
            self.calls -= 1;
            return worlds;
        }
        self.elsewhere(arguments, span, &mut world, "what it evaluates is not known");
        vec![world]
    }

    fn source(&mut self, arguments: &[Argument], span: &Span, mut world: World) -> Vec<World> {
        let path = arguments.get(1).and_then(Argument::text);
        let text = path.as_deref().filter(|_| self.calls < CALLS).and_then(|it| self.sourced(it, &world));
        let (Some(path), Some(bytes)) = (path, text) else {
            self.elsewhere(arguments, span, &mut world, "the file that it reads is not there");
            return vec![world];
        };
        let before = Arc::clone(&world.arguments);
        let own = 2 < arguments.len();
        if own {
            world.arguments = Arc::new(arguments.iter().skip(2).map(|it| it.field.clone()).collect());
        }
        self.calls += 1;
        let mut worlds = self.text(&Origin::file(&path, &bytes), vec![world]);
        self.calls -= 1;
        for world in &mut worlds {
            if own {
                world.arguments = Arc::clone(&before);
            }
            if world.flow == Flow::Return {
                world.flow = Flow::Running;
            }
        }
        worlds
    }

    /// The file, seen from the directory where the script is by now.
    fn sourced(&mut self, path: &str, world: &World) -> Option<Vec<u8>> {
        match &world.directory {
            Some(directory) if !path.starts_with('/') => {
                let directory = directory.text().filter(|it| it.starts_with('/'))?;
                self.surroundings.text(&format!("{directory}/{path}"))
            }
            Some(_) | None => self.surroundings.text(path),
        }
    }

    /// Something that changes the shell and cannot be read here.
    fn elsewhere(&mut self, arguments: &[Argument], span: &Span, world: &mut World, why: &str) {
        let place = span.place();
        let words = self.words(arguments);
        world.status = Status::Unknown;
        let mut shell = world.shell.clone();
        if self.surroundings.changes_shell(&words, &mut shell, &place) {
            world.take(shell);
            return;
        }
        world.forget(&format!("`{}` may set it", span.written()), &place);
        self.unclear(span, why);
    }
}

/// `export NAME=a{b,c}` assigns twice: braces count where a declaration is given as a word.
fn each_brace(assignment: &Assignment) -> Vec<Assignment> {
    let Assigned::Word(word) = &assignment.value else { return vec![assignment.clone()] };
    let with = |pieces| {
        let word = Word { pieces, span: word.span.clone(), assignment: None };
        Assignment { value: Assigned::Word(word), ..assignment.clone() }
    };
    braces(&word.pieces).into_iter().map(with).collect()
}

fn skip_options<'a>(arguments: &'a [Argument], letters: &str) -> &'a [Argument] {
    let mut at = 0;
    while let Some(text) = arguments.get(at).and_then(Argument::text).filter(|it| it.starts_with('-') && 1 < it.len()) {
        at += 1;
        if text == "--" {
            break;
        }
        // `exec -a NAME`.
        at += usize::from(letters.contains('a') && text == "-a");
    }
    arguments.get(at..).unwrap_or_default()
}

fn levels(argument: Option<&Argument>) -> u32 {
    argument.and_then(Argument::text).map_or(1, |it| it.parse().map_or(1, |it: u32| it)).max(1)
}

/// Whether an option of `shopt` may be one about patterns: nullglob, failglob, dotglob, extglob, ...
fn speaks_of_globs(arguments: &[Argument]) -> bool {
    arguments.iter().any(|it| it.text().is_none_or(|it| it.contains("glob")))
}

fn shift(argument: Option<&Argument>, span: &Span, world: &mut World) {
    let count = match argument {
        Some(argument) => argument.text().and_then(|it| it.parse::<usize>().ok()),
        None => Some(1),
    };
    let arguments = Arc::make_mut(&mut world.arguments);
    match count {
        Some(count) if arguments.iter().take(count).all(|it| !it.open) => {
            if count <= arguments.len() {
                arguments.drain(..count);
            }
        }
        Some(_) | None => *arguments = vec![Field { value: Value::unknown("$@", &span.place()), open: true }],
    }
}

/// `wait` for all, or for as many as it names.
fn wait(arguments: &[Argument], world: &mut World) {
    let named = arguments.iter().filter(|it| it.text().is_none_or(|it| !it.starts_with('-'))).count();
    let one = arguments.iter().any(|it| it.text().as_deref() == Some("-n"));
    let open = arguments.iter().any(|it| it.field.open);
    world.waiting = match (named, one) {
        (0, false) => 0,
        _ if open => 0,
        (named, one) => world.waiting.saturating_sub(named.max(usize::from(one))),
    };
    if world.waiting == 0 {
        world.phase += 1;
    }
    world.status = Status::Unknown;
}
