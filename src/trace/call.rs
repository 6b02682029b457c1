//! Functions and classes of the program, called at import time.

use std::rc::Rc;

use super::Place;
use super::execute::{Flow, Scope};
use super::natives;
use super::paths;
use super::state::{DEPTH, Names, Raised, Run, on_enough_stack};
use super::value::{Function, Value};
use crate::python::Routine;

/// Classes and functions by which packages read a version, in `packaging.version`, its vendored copies, `distutils.version`
/// and `numpy.lib`.
const VERSION_READERS: [&str; 6] =
    ["Version", "LooseVersion", "StrictVersion", "NumpyVersion", "parse_version", "parse"];

/// Classes of the standard library whose objects are libraries that are opened.
const OPENS_LIBRARIES: [(&str, &str); 2] = [("ctypes", "CDLL"), ("ctypes", "PyDLL")];

/// Whether a class is one of them.
pub(super) fn opens_libraries(class: &Function) -> bool {
    OPENS_LIBRARIES.contains(&(class.module.as_ref(), class.name.as_ref()))
}

/// Longest function that is followed for its value alone, in bytes.
const VALUE_BYTES: usize = 2_500;

/// Statements that are run for one value alone.
const VALUE_STEPS: u64 = 150;

/// Calls of one function with the same text that imported nothing: from then on it is taken to import nothing.
const FRUITLESS: u32 = 2;

/// The same for all texts.
const FRUITLESS_IN_ALL: u32 = 100;

impl Run<'_, '_> {
    pub(super) fn call_value(
        &mut self,
        function: &Value,
        mut arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
        wanted: bool,
    ) -> Result<Value, Raised> {
        if let (Value::Function(it) | Value::Class(it), [Value::Text(text) | Value::Version(text), ..]) =
            (function, arguments.as_slice())
            && VERSION_READERS.contains(&it.name.as_ref())
        {
            return Ok(Value::Version(Rc::clone(text)));
        }
        match function {
            Value::Function(function) => {
                let known = natives::build_variable(&self.state.interpreter, function, &arguments);
                let followed = self.call_function(function, arguments, keywords, wanted)?;
                Ok(known.unwrap_or(followed))
            }
            Value::Method(function, object) => {
                if !is_static(function) {
                    arguments.insert(0, object.as_ref().clone());
                }
                self.call_function(function, arguments, keywords, wanted)
            }
            Value::Class(class) if opens_libraries(class) => self.open_library(class, &arguments, &keywords),
            Value::Class(class) if paths::is_path(class) => Ok(paths::joined(&arguments)),
            Value::Class(class) => self.make(class, arguments, keywords, wanted),
            _ => Ok(Value::Unknown),
        }
    }

    /// `ctypes.CDLL(name, mode)`.
    fn open_library(
        &mut self,
        class: &Rc<Function>,
        arguments: &[Value],
        keywords: &[(String, Value)],
    ) -> Result<Value, Raised> {
        let named = |name: &str| keywords.iter().find(|(it, _)| it == name).map(|(_, value)| value);
        let opened = Value::object(class);
        match arguments.first().or_else(|| named("name")) {
            _ if self.is_perhaps() => {}
            Some(Value::Text(name)) => {
                // RTLD_GLOBAL is the only mode that changes what others see.
                let mode = arguments.get(1).or_else(|| named("mode"));
                let is_global = !matches!(mode, None | Some(Value::Int(0)));
                if let Err(reason) = self.process.open_library(name, is_global) {
                    return Err(Raised::new("OSError", reason));
                }
            }
            Some(Value::None) => {}
            Some(_) | None => self.unseen("it opens a library whose name is worked out"),
        }
        Ok(opened)
    }

    /// An object of a class: its `__init__` runs.
    fn make(
        &mut self,
        class: &Rc<Function>,
        mut arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
        wanted: bool,
    ) -> Result<Value, Raised> {
        let object = Value::object(class);
        if self.is_inert(class) && (!wanted || VALUE_BYTES < class.range.len()) {
            return Ok(object);
        }
        if let Some(Value::Function(start)) = self.class_names(class)?.get("__init__") {
            arguments.insert(0, object.clone());
            self.call_function(&Rc::clone(start), arguments, keywords, wanted)?;
        }
        Ok(object)
    }

    pub(super) fn call_function(
        &mut self,
        function: &Rc<Function>,
        arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
        wanted: bool,
    ) -> Result<Value, Raised> {
        let inert = self.is_inert(function);
        if inert && (!wanted || VALUE_BYTES < function.range.len()) {
            return Ok(Value::Unknown);
        }
        if DEPTH < self.depth {
            if !inert && !self.is_perhaps() {
                let reason = format!("line {}: calls are nested too deep to be followed", function.line);
                self.state.gap(&function.source.path.clone(), reason);
            }
            return Ok(Value::Unknown);
        }
        let text = match arguments.iter().find(|it| matches!(it, Value::Text(_))) {
            Some(Value::Text(text)) => Rc::clone(text),
            _ => Rc::from(""),
        };
        let key = (function.key(), self.is_perhaps(), text);
        // A module that makes its attributes itself is asked for many names that it does not have.
        let asks_for_names = &*function.name == "__getattr__";
        if !inert && !self.is_worth_it(&key, asks_for_names) {
            return Ok(Value::Unknown);
        }
        let before = self.state.trace.steps.len();
        let limit = self.state.steps + VALUE_STEPS;
        let outer = self.limit;
        if inert {
            self.limit = outer.min(limit);
        }
        let result = self.run_function(function, arguments, keywords);
        self.limit = outer;
        if !inert && self.state.trace.steps.len() == before {
            *self.state.fruitless.entry(key.clone()).or_insert(0) += 1;
            *self.state.fruitless.entry((key.0, key.1, Rc::from("*"))).or_insert(0) += 1;
        }
        result
    }

    /// Whether a function that can import has not shown yet that it does not.
    fn is_worth_it(&self, key: &super::state::CallKey, asks_for_names: bool) -> bool {
        let count = |it: &super::state::CallKey| self.state.fruitless.get(it).copied().unwrap_or(0);
        // Below an undecided condition one look tells what a function may import.
        let in_all = if key.1 { 1 } else { FRUITLESS_IN_ALL };
        count(key) < FRUITLESS && (asks_for_names || count(&(key.0, key.1, Rc::from("*"))) < in_all)
    }

    fn run_function(
        &mut self,
        function: &Rc<Function>,
        arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
    ) -> Result<Value, Raised> {
        let text = function.text();
        // A generator or coroutine runs when somebody asks it for a value.
        if text.starts_with(b"async") || super::import::contains(text, b"yield") {
            return Ok(Value::Something);
        }
        let Some(routine) = self.routine(function) else { return Ok(Value::Unknown) };
        let mut scope = Scope::of_module(&function.module, &function.source);
        scope.around.clone_from(&function.around);
        scope.locals = Some(self.parameters(&routine, arguments, keywords, &mut scope.clone())?);
        let place = self.place.replace(Place { path: function.source.path.clone(), line: function.line });
        self.depth += 1;
        let handled = std::mem::take(&mut self.handled);
        let flow = on_enough_stack(|| self.statements(&routine.body, &mut scope));
        self.handled = handled;
        self.depth -= 1;
        self.place = place;
        Ok(match flow? {
            Flow::Return(value) => value,
            Flow::Next | Flow::Break | Flow::Continue => Value::None,
        })
    }

    fn parameters(
        &mut self,
        routine: &Routine,
        arguments: Vec<Value>,
        keywords: Vec<(String, Value)>,
        scope: &mut Scope,
    ) -> Result<Names, Raised> {
        let mut names = Names::default();
        let mut given = arguments.into_iter();
        for parameter in &routine.parameters {
            let by_name = keywords.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value.clone());
            let value = match (parameter.is_rest, by_name) {
                (true, _) => Value::sequence(given.by_ref().collect()),
                (false, Some(value)) => value,
                (false, None) => match (given.next(), &parameter.default) {
                    (Some(value), _) => value,
                    (None, Some(default)) => self.evaluate(default, scope)?,
                    (None, None) => Value::Unknown,
                },
            };
            names.insert(Rc::from(parameter.name.as_str()), value);
        }
        Ok(names)
    }

    /// A function or class, parsed once.
    pub(super) fn routine(&mut self, function: &Rc<Function>) -> Option<Rc<Routine>> {
        match self.state.library.routine(&function.source, &function.range, function.line) {
            Ok(routine) => Some(routine),
            Err(at) => {
                self.not_python(&function.source.path.clone(), at);
                None
            }
        }
    }
}

/// Whether a function of a class takes no object: the line above says so.
fn is_static(function: &Function) -> bool {
    let before = function.source.bytes.get(..function.range.start).unwrap_or_default();
    before.trim_ascii_end().ends_with(b"@staticmethod")
}
