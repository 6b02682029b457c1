//! What the interpreter holds between two imports.

use std::collections::HashSet;
use std::rc::Rc;

use super::library::Library;
use super::value::{Source, Value};
use super::{Condition, Failure, Interpreter, Place, Process, Step, Trace};
use crate::base::{Gap, Map, Stage, TreePath};
use crate::python::NotPython;

use super::finder::{Finder, FoundKind};

/// Statements that all imports of one process may run: numpy, scipy, pandas and scikit-learn together run a tenth of it.
pub(super) const STEPS: u64 = 3_000_000;

/// Calls and imports inside each other: CPython stops at 1,000 calls.
pub(super) const DEPTH: usize = 150;

/// Stack that one import or call may need before the next one asks again, in bytes; measured in a debug build.
const FRAME_BYTES: usize = 512 << 10;

/// Stack that is added, in bytes.
const STACK_BYTES: usize = 8 << 20;

/// Runs one more import or call inside the others: sources nest deeper than a thread's stack.
pub(super) fn on_enough_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(FRAME_BYTES, STACK_BYTES, run)
}

/// A function, whether it is called below an undecided condition, and the first text that it is given.
pub(super) type CallKey = ((*const u8, usize), bool, Rc<str>);

/// Names, their values.
pub(super) type Names = Map<Rc<str>, Value>;

/// How far a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It is being executed.
    Running,
    /// It is in `sys.modules`.
    Loaded,
    /// It was followed below an undecided condition only.
    Perhaps,
}

/// A module of the process.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) status: Status,
    /// Where modules below it are searched; none for what is no package.
    pub(super) search: Option<Vec<TreePath>>,
    pub(super) source: Option<Rc<Source>>,
    /// The shared object, of an extension.
    pub(super) extension: Option<TreePath>,
    pub(super) names: Names,
    /// It may hold names that were not seen.
    pub(super) is_open: bool,
}

/// The modules of a process, between imports.
pub struct State<'a> {
    pub(super) interpreter: Interpreter<'a>,
    pub(super) finder: Finder<'a>,
    pub(super) library: Rc<Library>,
    pub(super) modules: Map<Rc<str>, Module>,
    /// Imports that failed for certain: tried again they fail again.
    pub(super) trace: Trace,
    pub(super) inert: Map<(*const u8, usize), bool>,
    pub(super) class_names: Map<(*const u8, usize), Rc<Names>>,
    /// How often a call imported nothing.
    pub(super) fruitless: Map<CallKey, u32>,
    /// Extensions are opened for everybody: `RTLD_GLOBAL` in `sys.setdlopenflags`.
    pub(super) opens_for_all: bool,
    pub(super) steps: u64,
    said: HashSet<TreePath>,
}

impl<'a> State<'a> {
    /// An interpreter that has not started.
    pub fn new(interpreter: Interpreter<'a>, library: Rc<Library>) -> Self {
        let finder = Finder::new(interpreter.view, &interpreter.suffixes);
        Self {
            interpreter,
            finder,
            library,
            modules: Map::default(),
            trace: Trace::default(),
            inert: Map::default(),
            class_names: Map::default(),
            fruitless: Map::default(),
            opens_for_all: false,
            steps: 0,
            said: HashSet::new(),
        }
    }

    /// What the imports so far did.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Whether the source of a top-level module is there.
    pub fn can_follow(&self, name: &str) -> bool {
        let search = &self.interpreter.search;
        let found = self.finder.find(search, name).filter(|it| it.kind != FoundKind::Namespace);
        let mapped = self.interpreter.mappings.iter().find(|(it, _)| it == name);
        let found = found.or_else(|| mapped.and_then(|(_, stem)| self.finder.find_at(stem)));
        found.is_some_and(|it| it.kind == FoundKind::Source)
    }

    /// The first statement that brought in something unknown.
    pub fn unseen(&self) -> Option<&Gap> {
        self.trace.unseen.as_ref()
    }

    /// Gaps since the last time.
    pub fn take_news(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.trace.gaps)
    }

    /// What the interpreter imports before the program: `encodings`, `site`, lines of `.pth` files.
    pub fn start(&mut self, process: &mut dyn Process) {
        Run::new(self, process).start();
    }

    /// `import name`.
    ///
    /// # Errors
    /// Why it fails.
    pub fn import(&mut self, process: &mut dyn Process, name: &str) -> Result<(), Failure> {
        Run::new(self, process).import(name).map(|_| ()).map_err(|raised| raised.0)
    }

    /// Says once of a file that something in it is not followed.
    pub(super) fn gap(&mut self, path: &TreePath, reason: String) {
        if self.said.insert(path.clone()) {
            self.trace.gaps.push(Gap::new(path, Stage::Python, reason, "what it imports"));
        }
    }
}

/// An exception on its way up.
#[derive(Debug, Clone)]
pub(super) struct Raised(pub(super) Failure);

impl Raised {
    pub(super) fn new(class: &str, reason: impl Into<String>) -> Self {
        let (class, reason) = (Rc::from(class), reason.into());
        Self(Failure {
            class,
            reason,
            module: Rc::from(""),
            extension: None,
            place: None,
            nothing_found: false,
            rests_on_values: false,
        })
    }
}

/// The interpreter at work.
pub(super) struct Run<'r, 'a> {
    pub(super) state: &'r mut State<'a>,
    pub(super) process: &'r mut dyn Process,
    /// Undecided conditions around what is executed, outermost first.
    pub(super) conditions: Vec<Condition>,
    pub(super) depth: usize,
    /// The statement that is executed.
    pub(super) place: Option<Place>,
    /// Number of the last statement that may run, where a value alone is worked out.
    pub(super) limit: u64,
    /// Exceptions that somebody around catches.
    pub(super) caught: Vec<Rc<str>>,
    /// Where those begin that the module at hand waits for.
    pub(super) caught_here: usize,
    /// Failures that are being handled.
    pub(super) handled: usize,
}

impl<'r, 'a> Run<'r, 'a> {
    fn new(state: &'r mut State<'a>, process: &'r mut dyn Process) -> Self {
        Self {
            state,
            process,
            conditions: Vec::new(),
            depth: 0,
            place: None,
            limit: STEPS,
            caught: Vec::new(),
            caught_here: 0,
            handled: 0,
        }
    }

    /// Whether what is executed depends on something unknown.
    pub(super) fn is_perhaps(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Executes something that may or may not be executed. What it raises ends it and nothing else.
    pub(super) fn perhaps<T>(&mut self, what: &str, run: impl FnOnce(&mut Self) -> Result<T, Raised>) -> Option<T> {
        let before = self.place.clone();
        let place = before.clone().unwrap_or(Place { path: TreePath::root(), line: 0 });
        self.conditions.push(Condition { place, what: what.to_owned() });
        let result = run(self);
        self.conditions.pop();
        self.place = before;
        match result {
            Ok(it) => Some(it),
            // What it raises ends the branch that may not run.
            Err(raised) => {
                drop(raised);
                None
            }
        }
    }

    /// One more module begins to run.
    pub(super) fn step(&mut self, module: &Rc<str>, file: Option<TreePath>, is_extension: bool) {
        let condition = self.conditions.first().cloned();
        let importer = self.place.clone();
        self.state.trace.steps.push(Step { module: Rc::clone(module), file, is_extension, importer, condition });
    }

    /// Whether one more statement may be executed.
    pub(super) fn may_go_on(&mut self, path: &TreePath) -> bool {
        self.state.steps += 1;
        if self.state.steps == STEPS {
            self.state.gap(path, format!("more than {STEPS} statements run at import; the rest is not followed"));
        }
        self.state.steps < STEPS.min(self.limit)
    }

    /// Something unknown is brought in here, for certain.
    pub(super) fn unseen(&mut self, what: &str) {
        let Some(place) = self.place.clone().filter(|_| !self.is_perhaps()) else { return };
        let reason = format!("line {}: {what}", place.line);
        let gap = Gap::new(&place.path, Stage::Python, reason.clone(), "what it brings in");
        self.state.trace.unseen.get_or_insert(gap);
        self.state.gap(&place.path, reason);
    }

    pub(super) fn not_python(&mut self, path: &TreePath, at: NotPython) {
        self.state.gap(path, format!("line {}: it cannot be parsed as Python", at.line));
    }
}
