//! Scripts that a command or a launch starts: `bash -c '...'`, `bash step.sh`, `srun ./per_rank.sh python program.py`.
//!
//! Invariant: a script that cannot be read stays what it is, a program of which nothing is known.

use super::JobReading;
use super::image::InImage;
use super::launches::{Launch, absolute};
use super::login::{logged_in, login_shell};
use super::python_start::python_start;
use super::shell_start::{Runs, ShellStart, shell_start};
use crate::base::Gap;
use crate::facts::Facts;
use crate::job::{self, Binding, Command, Environment, Setup, Source, Unclear, Word};
use crate::tree::View;

/// Scripts that start scripts.
const DEPTH: usize = 4;

/// What a script says that others start.
struct Inner {
    commands: Vec<Command>,
    unclear: Vec<Unclear>,
}

/// Where a script runs.
#[derive(Clone, Copy)]
enum Ground<'a> {
    Host,
    /// In the image that the launch starts; its files, where they were read.
    Image(Option<&'a View>),
}

impl JobReading<'_> {
    /// The commands of the script; those of a script that it starts in its place, where that starts a launch. What could not be
    /// followed in the scripts that it starts is added to `unclear`.
    pub(super) fn commands(&self, script: &[Command], unclear: &mut Vec<Unclear>) -> Vec<Command> {
        script.iter().flat_map(|it| self.followed(it, 0, Ground::Host, unclear)).collect()
    }

    /// The same of one command.
    fn followed(
        &self,
        command: &Command,
        depth: usize,
        ground: Ground<'_>,
        unclear: &mut Vec<Unclear>,
    ) -> Vec<Command> {
        if DEPTH <= depth || self.know.launch_lines.is_launch(&command.words).is_some() {
            return vec![command.clone()];
        }
        let (_, at) = self.know.launch_lines.strip(&command.words);
        let words = command.words.get(at..).unwrap_or_default();
        let inner = self.started(words, &command.environment, command, ground);
        let Some(inner) = inner else { return vec![command.clone()] };
        unclear.extend(inner.unclear);
        let more = inner.commands.iter().flat_map(|it| self.followed(it, depth + 1, ground, unclear));
        let all: Vec<Command> = more.collect();
        let launches = all.iter().any(|it| self.know.launch_lines.is_launch(&it.words).is_some());
        if launches { all } else { vec![command.clone()] }
    }

    /// The Python programs of a script that a launch starts; the launch itself where it starts none.
    pub(super) fn through_scripts(&self, launch: Launch, facts: Option<&Facts>) -> Vec<Launch> {
        let hidden = launch.line.inner.last().is_some_and(|it| it.word.is_empty());
        if launch.python.is_some() && !hidden {
            return vec![launch];
        }
        let mut line = launch.line.clone();
        let mut words = line.program.clone();
        if hidden {
            let first = line.inner.pop().map(|it| it.place);
            let at = launch.command.words.iter().position(|it| Some(&it.place) == first.as_ref());
            words = launch.command.words.get(at.unwrap_or(usize::MAX)..).unwrap_or_default().to_vec();
        }
        let mut environment = self.know.launch_lines.rank_environment(&line, &launch.command.environment);
        let own = self.image_env(facts);
        super::containers::fill(&line, own.as_ref(), &launch.command.environment, &mut environment);
        self.tell_ranks_apart(&words, &mut environment);
        let ground = match super::containers::of(&launch) {
            Some(_) => Ground::Image(self.question.image_view),
            None => Ground::Host,
        };
        let inner = self.started(&words, &environment, &launch.command, ground);
        let Some(Inner { commands, mut unclear }) = inner else { return vec![launch] };
        let all: Vec<Command> = commands.iter().flat_map(|it| self.followed(it, 1, ground, &mut unclear)).collect();
        let mut found: Vec<Launch> = Vec::new();
        for command in all {
            let Some(start) = self.know.launch_lines.is_launch(&command.words) else { continue };
            let mut one = launch.clone();
            one.line.inner.clone_from(&line.inner);
            one.line.unclear.extend(unclear.iter().cloned());
            one.command.conditions.clone_from(&command.conditions);
            one.command.directory.clone_from(&command.directory);
            if start.candidates.is_empty() {
                let own = self.know.launch_lines.read(&command.words, &start, None, None);
                let Some(own) = own.into_iter().next() else { continue };
                one.environment = self.know.launch_lines.rank_environment(&own, &command.environment);
                one.line.inner.extend(own.outer);
                one.line.inner.extend(own.inner);
                one.line.program = own.program;
                one.python = python_start(&one.line.program, &command);
            } else {
                one.environment.clone_from(&command.environment);
                one.line.program.clone_from(&command.words);
                one.python = None;
            }
            found.push(one);
        }
        let count = found.len();
        let one_part = launch.line.part.1 == 1;
        for (index, one) in found.iter_mut().enumerate().filter(|_| 1 < count && one_part) {
            one.line.part = (index + 1, count);
        }
        if found.is_empty() {
            let mut own = launch;
            own.line.unclear.extend(unclear);
            found.push(own);
        }
        found
    }

    /// Variables by which a rank knows which one it is have another value in each.
    fn tell_ranks_apart(&self, words: &[Word], environment: &mut Environment) {
        let Some(first) = words.first() else { return };
        for name in &self.know.shell.of_rank {
            let reason = of_every_rank(name);
            environment.set(name.as_str(), Binding::Unknown { reason, place: first.place.clone() });
        }
    }

    /// What the script says that these words start; none where they start none, or one that is not there.
    fn started(
        &self,
        words: &[Word],
        environment: &Environment,
        command: &Command,
        ground: Ground<'_>,
    ) -> Option<Inner> {
        let (first, rest) = words.split_first()?;
        let program = first.value.text()?;
        let is_shell = self.know.shell.is_shell(&program);
        let start = match is_shell {
            true => shell_start(rest, |it| it.value.text())?,
            false => ShellStart { login: false, runs: program.contains('/').then_some(Runs::File(first, rest))? },
        };
        let mut login = start.login.then_some(program);
        let (path, bytes, arguments) = match start.runs {
            Runs::Text(text, rest) => {
                let known = text.value.text()?;
                // As many lines and columns before it as in the script: its places are those of the script.
                let lines = usize::try_from(text.place.line.saturating_sub(1)).unwrap_or_default();
                let columns = usize::try_from(text.place.column).unwrap_or_default();
                let before = "\n".repeat(lines) + &" ".repeat(columns);
                // The first word behind the text is its `$0`.
                (text.place.file.clone(), before + &known, rest.get(1..).unwrap_or_default())
            }
            Runs::File(file, rest) => {
                let path = file.value.text()?;
                let text = self.script_file(&path, command, ground)?;
                if !is_shell {
                    login = login_shell(&text, self.know);
                }
                (path, text, rest)
            }
            Runs::Input => return None,
        };
        let (environment, mut unclear) = self.behind_login(login, environment, first, ground);
        let setup = Setup { environment, arguments: arguments.iter().map(|it| it.value.clone()).collect() };
        let source = Source { path: &path, bytes: bytes.as_bytes() };
        let mut around = super::around(self.view, self.know, &self.question, &self.request);
        let read = match ground {
            Ground::Image(Some(image)) => job::read(&source, &setup, &mut InImage::new(image, self.know, around)),
            Ground::Image(None) | Ground::Host => job::read(&source, &setup, &mut around),
        };
        let commands = read.commands.into_iter().map(|it| inside(it, command)).collect();
        unclear.extend(read.unclear);
        Some(Inner { commands, unclear })
    }

    /// The environment in which a script begins, behind what a login shell of an image reads. Outside images the caller has
    /// read the same files before.
    fn behind_login(
        &self,
        login: Option<String>,
        environment: &Environment,
        at: &Word,
        ground: Ground<'_>,
    ) -> (Environment, Vec<Unclear>) {
        let mut environment = environment.clone();
        let mut gaps = Vec::new();
        match (login, ground) {
            (None, _) | (Some(_), Ground::Host) => {}
            (Some(shell), Ground::Image(Some(view))) => {
                environment = logged_in(view, self.know, &shell, environment, &mut gaps);
            }
            (Some(_), Ground::Image(None)) => {
                environment.forget("what a login shell reads in the image is not known", &at.place);
            }
        }
        let of_gap = |it: Gap| Unclear { place: at.place.clone(), what: it.path.to_string(), why: it.reason };
        (environment, gaps.into_iter().map(of_gap).collect())
    }

    /// The text of a script, when it is there and one of a shell.
    fn script_file(&self, path: &str, command: &Command, ground: Ground<'_>) -> Option<String> {
        let script = |text: String| text.starts_with("#!").then_some(text);
        if let Ground::Image(Some(image)) = ground
            && path.starts_with('/')
            && image.is_file(path.as_bytes())
        {
            return image.read_text(path.as_bytes()).map_or(None, script);
        }
        let directory = match &command.directory {
            None => Some(self.question.directory.clone()),
            Some(value) => value.text().map(|it| absolute(&self.question.directory, &it)),
        };
        let places = directory.into_iter().chain([self.question.directory.clone()]);
        for place in places {
            // A file that is not there is one of the machine on which the job runs.
            let Ok(text) = self.view.read_text(absolute(&place, path).as_bytes()) else { continue };
            return script(text);
        }
        None
    }
}

/// Why the value of a variable by which ranks differ is not known.
pub(super) fn of_every_rank(name: &str) -> String {
    format!("{name} is another in every rank")
}

/// A command of a script, as part of the command that starts the script.
fn inside(mut inner: Command, outer: &Command) -> Command {
    let mut conditions = outer.conditions.clone();
    conditions.append(&mut inner.conditions);
    Command {
        conditions,
        background: inner.background || outer.background,
        repeated: inner.repeated || outer.repeated,
        phase: outer.phase,
        stdin: inner.stdin.take().or_else(|| outer.stdin.clone()),
        directory: inner.directory.take().or_else(|| outer.directory.clone()),
        ..inner
    }
}
