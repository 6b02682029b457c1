//! One possible state of the shell at one place of the script, and how states are told apart and joined.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::limits::VARIABLES;
use super::node::Node;
use super::value::{Binding, Environment, Place, Rest, Value};
use super::{Condition, Setup, Text};

/// Whether the last command succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    True,
    False,
    Unknown,
}

impl Status {
    pub(super) fn of(decided: Option<bool>) -> Self {
        match decided {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// Whether the next statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Running,
    Break(u32),
    Continue(u32),
    Return,
    Exit,
}

/// A word after expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) value: Value,
    /// It may be several words, or none.
    pub(super) open: bool,
}

/// Elements of an array by index.
pub(super) type Elements = BTreeMap<i64, Value>;

/// A state of the shell.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// Every variable that is no array, exported or not.
    pub(super) shell: Environment,
    pub(super) exported: Arc<BTreeSet<String>>,
    /// The exported part of `shell`, when it was asked for since the last change.
    pub(super) seen: Option<Environment>,
    pub(super) arrays: Arc<BTreeMap<String, Elements>>,
    pub(super) functions: Arc<BTreeMap<String, Arc<Node>>>,
    pub(super) arguments: Arc<Vec<Field>>,
    /// What `local` hides, for each function that runs.
    pub(super) hidden: Vec<BTreeMap<String, Hidden>>,
    pub(super) conditions: Vec<Condition>,
    pub(super) directory: Option<Value>,
    pub(super) export_all: bool,
    pub(super) exit_on_failure: bool,
    /// An option changes what `*` stands for, or whether it stands for anything.
    pub(super) globs_otherwise: bool,
    pub(super) status: Status,
    pub(super) flow: Flow,
    pub(super) background: bool,
    /// Inside a loop whose turns are not known.
    pub(super) repeated: bool,
    pub(super) phase: u32,
    /// Background commands since the last `wait`.
    pub(super) waiting: usize,
    pub(super) stdin: Option<Text>,
    /// How often each place recorded a command.
    pub(super) turns: Arc<BTreeMap<Place, u32>>,
}

/// A variable that a `local` of the same name hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    binding: Option<Binding>,
    elements: Option<Elements>,
    exported: bool,
}

impl World {
    pub(super) fn new(setup: &Setup) -> Self {
        let field = |it: &Value| Field { value: it.clone(), open: false };
        Self {
            shell: setup.environment.clone(),
            exported: Arc::new(setup.environment.iter().map(|(name, _)| name.to_owned()).collect()),
            seen: None,
            arrays: Arc::default(),
            functions: Arc::default(),
            arguments: Arc::new(setup.arguments.iter().map(field).collect()),
            hidden: Vec::new(),
            conditions: Vec::new(),
            directory: None,
            export_all: false,
            exit_on_failure: false,
            globs_otherwise: false,
            status: Status::True,
            flow: Flow::Running,
            background: false,
            repeated: false,
            phase: 0,
            waiting: 0,
            stdin: None,
            turns: Arc::default(),
        }
    }

    pub(super) fn with_function(mut self, name: &str, body: &Arc<Node>) -> Self {
        Arc::make_mut(&mut self.functions).insert(name.to_owned(), Arc::clone(body));
        self.status = Status::True;
        self
    }

    /// What a command that starts now would find in its environment.
    pub(super) fn environment(&mut self) -> Environment {
        if let Some(seen) = &self.seen {
            return seen.clone();
        }
        let mut seen = Environment::new(self.shell.rest().clone());
        for (name, binding) in self.shell.iter() {
            if self.exported.contains(name) {
                seen.set_like(name, &self.shell);
            } else {
                seen.set(name, self.not_exported(binding));
            }
        }
        self.seen = Some(seen.clone());
        seen
    }

    /// An assignment without `export` reaches a variable that was exported already, which may not be known.
    fn not_exported(&self, binding: &Binding) -> Binding {
        let place = match binding {
            Binding::Set(value) => value.places.first().cloned().unwrap_or_default(),
            Binding::Unset(place) | Binding::Unknown { place, .. } => place.clone(),
        };
        match self.shell.rest() {
            Rest::Unset => Binding::Unset(place),
            Rest::Unknown { .. } => {
                let reason = "assigned without export: exported only if it was before".to_owned();
                Binding::Unknown { reason, place }
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.bind(name, Binding::Set(value));
        if self.export_all {
            self.export(name);
        }
    }

    pub(super) fn bind(&mut self, name: &str, binding: Binding) {
        if self.shell.own(name).is_none() && VARIABLES < self.shell.iter().count() {
            return self.forget("very many variables", &Place::default());
        }
        if self.arrays.contains_key(name) {
            Arc::make_mut(&mut self.arrays).remove(name);
        }
        self.shell.set(name, binding);
        self.seen = None;
    }

    pub(super) fn set_elements(&mut self, name: &str, elements: Elements) {
        self.bind(name, Binding::Set(elements.get(&0).cloned().unwrap_or_default()));
        self.not_exported_any_more(name);
        Arc::make_mut(&mut self.arrays).insert(name.to_owned(), elements);
    }

    pub(super) fn export(&mut self, name: &str) {
        if !self.exported.contains(name) {
            Arc::make_mut(&mut self.exported).insert(name.to_owned());
            self.seen = None;
        }
    }

    pub(super) fn not_exported_any_more(&mut self, name: &str) {
        if self.exported.contains(name) {
            Arc::make_mut(&mut self.exported).remove(name);
            self.seen = None;
        }
    }

    pub(super) fn unset(&mut self, name: &str, place: &Place) {
        self.bind(name, Binding::Unset(place.clone()));
        self.not_exported_any_more(name);
    }

    /// Something ran that may change every variable.
    pub(super) fn forget(&mut self, reason: &str, place: &Place) {
        self.shell.forget(reason, place);
        self.arrays = Arc::default();
        self.seen = None;
    }

    /// Takes over what something outside did to the variables: what is new is exported.
    pub(super) fn take(&mut self, shell: Environment) {
        if shell.same_bindings(&self.shell) && shell.rest() == self.shell.rest() {
            return;
        }
        let old = std::mem::replace(&mut self.shell, shell);
        let mut exported = (*self.exported).clone();
        let mut arrays = (*self.arrays).clone();
        for (name, binding) in self.shell.iter() {
            if old.own(name).is_none() {
                exported.insert(name.to_owned());
            }
            if old.own(name) != Some(binding) {
                arrays.remove(name);
            }
        }
        arrays.retain(|name, _| self.shell.own(name).is_some());
        self.exported = Arc::new(exported);
        self.arrays = Arc::new(arrays);
        self.seen = None;
    }

    /// Makes `name` local to the function that runs.
    pub(super) fn hide(&mut self, name: &str) {
        let hidden = Hidden {
            binding: self.shell.own(name).cloned(),
            elements: self.arrays.get(name).cloned(),
            exported: self.exported.contains(name),
        };
        if let Some(frame) = self.hidden.last_mut() {
            frame.entry(name.to_owned()).or_insert(hidden);
        }
    }

    /// Ends the function: what was hidden comes back.
    pub(super) fn reveal(&mut self) {
        for (name, hidden) in self.hidden.pop().unwrap_or_default() {
            match hidden.binding {
                Some(binding) => self.bind(&name, binding),
                None => {
                    let place = Place::default();
                    let binding = match self.shell.rest().clone() {
                        Rest::Unset => Binding::Unset(place),
                        Rest::Unknown { reason, place } => Binding::Unknown { reason, place },
                    };
                    self.bind(&name, binding);
                }
            }
            if let Some(elements) = hidden.elements {
                Arc::make_mut(&mut self.arrays).insert(name.clone(), elements);
            }
            if hidden.exported {
                self.export(&name);
            } else {
                self.not_exported_any_more(&name);
            }
        }
    }

    /// A subshell has ended: what it did to variables is gone, what it did to the order of commands is not.
    pub(super) fn after_subshell(&mut self, inside: &[Self]) {
        let Some(first) = inside.first() else { return };
        let same = inside.iter().all(|it| it.status == first.status);
        self.status = if same { first.status } else { Status::Unknown };
        for world in inside {
            self.phase = self.phase.max(world.phase);
            self.absorb_turns(world);
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.flow == other.flow
            && self.exported == other.exported
            && self.shell.says_the_same(&other.shell)
            && same_arrays(&self.arrays, &other.arrays)
            && same_functions(&self.functions, &other.functions)
            && same_fields(&self.arguments, &other.arguments)
            && self.hidden == other.hidden
            && same_value(self.directory.as_ref(), other.directory.as_ref())
            && (self.export_all, self.exit_on_failure) == (other.export_all, other.exit_on_failure)
            && self.globs_otherwise == other.globs_otherwise
            && (self.background, self.waiting) == (other.background, other.waiting)
            && (self.waiting == 0 || self.phase == other.phase)
    }

    /// The other world becomes part of this one: only what is true of both stays.
    fn absorb(&mut self, other: &Self) {
        self.conditions.retain(|it| other.conditions.contains(it));
        if self.status != other.status {
            self.status = Status::Unknown;
        }
        self.phase = self.phase.max(other.phase);
        self.absorb_turns(other);
    }

    fn absorb_turns(&mut self, other: &Self) {
        if Arc::ptr_eq(&self.turns, &other.turns) {
            return;
        }
        let turns = Arc::make_mut(&mut self.turns);
        for (place, count) in other.turns.iter() {
            let mine = turns.entry(place.clone()).or_default();
            *mine = (*mine).max(*count);
        }
    }

    /// How much would be lost if both became one: what commands see counts more.
    fn distance(&self, other: &Self) -> usize {
        /// A variable in the environment of commands, against one of the script alone.
        const SEEN: usize = 100;
        let differs = |(name, binding): (&str, &Binding)| {
            let same = other.shell.own(name).is_some_and(|it| it.says_the_same(binding));
            let seen = self.exported.contains(name) || other.exported.contains(name);
            if same { 0 } else { 1 + usize::from(seen) * SEEN }
        };
        let names: usize = self.shell.iter().map(differs).sum();
        let more = other.shell.iter().filter(|(name, _)| self.shell.own(name).is_none()).count();
        let rest = usize::from(self.shell.rest() != other.shell.rest()) * SEEN * SEEN;
        let directory = usize::from(!same_value(self.directory.as_ref(), other.directory.as_ref()));
        names + more + rest + directory
    }

    /// Joins a world that differs: variables that differ become unknown.
    fn blur(&mut self, other: &Self, place: &Place) {
        let names: BTreeSet<String> =
            self.shell.iter().chain(other.shell.iter()).map(|(name, _)| name.to_owned()).collect();
        let several = || Binding::Unknown { reason: "several values are possible".to_owned(), place: place.clone() };
        for name in names {
            let arrays = (self.arrays.get(&name), other.arrays.get(&name));
            let same = self.shell.get(&name).says_the_same(&other.shell.get(&name)) && arrays.0 == arrays.1;
            let exported = self.exported.contains(&name) || other.exported.contains(&name);
            if !same || self.exported.contains(&name) != other.exported.contains(&name) {
                self.bind(&name, several());
                if exported {
                    self.export(&name);
                }
            }
        }
        if self.shell.rest() != other.shell.rest() {
            let reason = "several values are possible".to_owned();
            self.shell.set_rest(Rest::Unknown { reason, place: place.clone() });
        }
        if !same_value(self.directory.as_ref(), other.directory.as_ref()) {
            self.directory = Some(Value::unknown("one of several directories", place));
        }
        if !same_fields(&self.arguments, &other.arguments) {
            self.arguments = Arc::new(vec![Field { value: Value::unknown("$@", place), open: true }]);
        }
        self.waiting = self.waiting.max(other.waiting);
        self.globs_otherwise |= other.globs_otherwise;
        self.seen = None;
        self.absorb(other);
    }
}

/// Worlds that say the same become one.
pub(super) fn merge(worlds: Vec<World>) -> Vec<World> {
    if worlds.len() < 2 {
        return worlds;
    }
    let mut merged: Vec<World> = Vec::new();
    for world in worlds {
        match merged.iter_mut().find(|it| it.says_the_same(&world)) {
            Some(same) => same.absorb(&world),
            None => merged.push(world),
        }
    }
    merged
}

/// At most so many running worlds: those that are most alike become one, and what differs in them unknown.
pub(super) fn blur(worlds: Vec<World>, most: usize, place: &Place) -> Vec<World> {
    let (mut running, ended): (Vec<World>, Vec<World>) = worlds.into_iter().partition(|it| it.flow == Flow::Running);
    while most < running.len() {
        // Worlds of one branch lie beside each other.
        let pairs = (1..running.len()).map(|b| (b - 1, b));
        let apart = |(a, b): &(usize, usize)| running.get(*a).zip(running.get(*b)).map_or(0, |(a, b)| a.distance(b));
        let Some((a, b)) = pairs.min_by_key(apart) else { break };
        let other = running.remove(b);
        if let Some(world) = running.get_mut(a) {
            world.blur(&other, place);
        }
    }
    running.into_iter().chain(ended).collect()
}

/// What is true of every world, for the end of the script.
pub(super) fn common(worlds: Vec<World>, place: &Place) -> Environment {
    let mut worlds = worlds.into_iter();
    let Some(mut first) = worlds.next() else { return Environment::default() };
    worlds.for_each(|it| first.blur(&it, place));
    first.environment()
}

fn same_value(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.says_the_same(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_fields(a: &[Field], b: &[Field]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.open == b.open && a.value.says_the_same(&b.value))
}

fn same_arrays(a: &BTreeMap<String, Elements>, b: &BTreeMap<String, Elements>) -> bool {
    let same = |a: &Elements, b: &Elements| {
        a.len() == b.len() && a.iter().zip(b).all(|((i, x), (j, y))| i == j && x.says_the_same(y))
    };
    a.len() == b.len() && a.iter().zip(b).all(|((n, x), (m, y))| n == m && same(x, y))
}

fn same_functions(a: &BTreeMap<String, Arc<Node>>, b: &BTreeMap<String, Arc<Node>>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((n, x), (m, y))| n == m && Arc::ptr_eq(x, y))
}
