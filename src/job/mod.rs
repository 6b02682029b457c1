//! What a job script says: its directives, and every command that it would start, with words, environment and conditions.
//!
//! The script is never run. A small set of states ("worlds") is followed through it; what a state cannot tell is unknown,
//! with the place that makes it so. Which command is a launch, and which variable matters, is not known here.
//!
//! Invariant: any bytes give a `Script`; what was not understood is an [`Unclear`], never nothing.

mod arithmetic;
mod assign;
mod braced;
mod braces;
mod builtins;
mod condition;
mod csh;
mod directives;
mod expand;
mod glob;
pub mod limits;
mod loops;
mod node;
mod parameter;
mod parser;
mod pattern;
mod record;
mod run;
mod simple;
mod text;
mod value;
mod words;
mod world;

pub use directives::directives;
pub use value::{Binding, Environment, Part, Place, Rest, Value};

use run::Runner;
use text::Origin;
use world::{World, common};

/// Follows a script from its first statement to its last.
pub fn read(source: &Source<'_>, setup: &Setup, surroundings: &mut dyn Surroundings) -> Script {
    let dialect = directives::dialect(source);
    if let Dialect::Other(_) = dialect {
        return Script { dialect, commands: Vec::new(), unclear: Vec::new(), last: setup.environment.clone() };
    }
    let origin = Origin::file(source.path, source.bytes);
    let mut runner = Runner::new(surroundings, dialect == Dialect::Csh);
    if limits::SCRIPT_BYTES < source.bytes.len() {
        runner.unclear_at(origin.place(0, 0), String::new(), "a very long script: its end is not read");
    }
    if let Some(at) = origin.text().find("\r\n") {
        let why = "lines end with a carriage return, which the shell takes for a part of the last word";
        runner.unclear_at(origin.place(at, at + 1), String::new(), why);
    }
    let worlds = runner.text(&origin, vec![World::new(setup)]);
    let last = common(worlds, &origin.place(origin.text().len(), origin.text().len()));
    let doubled = runner.doubled;
    let single = runner.commands.into_iter().enumerate().filter(|(at, _)| !doubled.contains(at));
    Script { dialect, commands: single.map(|(_, it)| it).collect(), unclear: runner.unclear, last }
}

/// The bytes of a script, and the name that its places carry.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// For places, and to find what it sources by a relative path.
    pub path: &'a str,
    /// The whole file.
    pub bytes: &'a [u8],
}

/// A comment line that a scheduler reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The prefix as it was asked for.
    pub prefix: String,
    /// Split as a shell would; a `#` comment at the end is cut.
    pub words: Vec<Word>,
    /// The whole directive.
    pub place: Place,
}

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// After expansion.
    pub value: Value,
    /// Where the word stands in the script.
    pub place: Place,
    /// It holds an unquoted unknown: it may be several words, or none.
    pub open: bool,
}

/// The language of a script, by its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// bash, sh and their kin; also a script without a first line of its own.
    Bash,
    /// csh and tcsh.
    Csh,
    /// Another interpreter: it may have directives, its commands are not read.
    Other(String),
}

/// What the script finds around it.
pub trait Surroundings {
    /// The text of a file that the script sources; `None` when it is not there. A relative path is meant from the
    /// script's own directory.
    fn text(&mut self, path: &str) -> Option<Vec<u8>>;

    /// Whether a path is there; `None` when that cannot be said.
    fn exists(&mut self, path: &str) -> Option<bool>;

    /// Names in a directory, sorted; none where it is not there, `None` when that cannot be said.
    fn names(&mut self, _directory: &str) -> Option<Vec<String>> {
        None
    }

    /// A command that changes the shell itself (`module load`, `conda activate`, `source` of something that is not there,
    /// `eval "$(...)"`): applies it to the shell's variables, and says whether it was one.
    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool;
}

/// What the script starts with.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// All of it is exported.
    pub environment: Environment,
    /// `$1`, `$2`, ...
    pub arguments: Vec<Value>,
}

/// What a script does.
#[derive(Debug, Clone)]
pub struct Script {
    /// By its first line.
    pub dialect: Dialect,
    /// In the order in which they would begin.
    pub commands: Vec<Command>,
    /// What was not understood, and where.
    pub unclear: Vec<Unclear>,
    /// The exported variables at the end.
    pub last: Environment,
}

/// One simple command that is no builtin of the shell.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Its name and arguments.
    pub words: Vec<Word>,
    /// The whole command, without redirections.
    pub place: Place,
    /// The exported variables, its own prefix assignments included.
    pub environment: Environment,
    /// Under which it runs; what could be decided is not listed.
    pub conditions: Vec<Condition>,
    /// Whether the script goes on without waiting for it.
    pub background: bool,
    /// Whether it may run any number of times: the turns of a loop around it are not known.
    pub repeated: bool,
    /// Two commands of one phase may run at the same time when one of them is in the background.
    pub phase: u32,
    /// The here-document or here-string fed to it.
    pub stdin: Option<Text>,
    /// Where it starts: an absolute path, one relative to where the script starts, or `None`: there.
    pub directory: Option<Value>,
}

/// A branch that the script takes or not, which cannot be decided from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Where it stands.
    pub place: Place,
    /// As written: `[[ $X == fat* ]]`, `$(hostname -s) matches gpu*`, `X is set`.
    pub text: String,
    /// Whether it is true on this branch.
    pub holds: bool,
}

/// Text that is fed to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// After expansion.
    pub value: Value,
    /// Its first line.
    pub place: Place,
}

/// Something that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// Where it stands.
    pub place: Place,
    /// As written, shortened.
    pub what: String,
    /// Lower case, without full stop.
    pub why: String,
}
