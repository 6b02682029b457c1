//! Functions and classes of the program itself: calls are followed.

use foldhash::HashMap;
use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::expressions::Arguments;
use super::names::ScopeId;
use super::statements::{Flow, Walk};
use super::things::Thing;

/// Calls inside calls that are followed.
const CALLS: usize = 12;

/// The same inside a function that nothing calls: what it calls is gone through by itself too.
const UNCALLED_CALLS: usize = 2;

/// Calls of a function that are followed while none of them did anything that is recorded.
const IDLE_CALLS: u32 = 16;

/// A function of the program.
pub(super) struct Routine<'s> {
    definition: &'s ast::StmtFunctionDef,
    scope: ScopeId,
    class: Option<usize>,
    called: bool,
    active: bool,
    /// How often it was followed.
    followed: u32,
    /// Whether something was recorded then.
    acts: bool,
}

/// A class of the program.
#[derive(Debug, Default)]
pub(super) struct Class {
    pub(super) members: HashMap<String, Thing>,
    /// What it inherits from, as far as that is of the program too.
    bases: Vec<usize>,
}

impl<'s> Walk<'s> {
    pub(super) fn define(&mut self, it: &'s ast::StmtFunctionDef, class: Option<(usize, ScopeId)>) {
        for decorator in &it.decorator_list {
            self.value(&decorator.expression);
        }
        let known = self.functions.iter().position(|known| known.definition.range() == it.range());
        let scope = class.map_or_else(|| self.names.here(), |(_, scope)| scope);
        let index = known.unwrap_or(self.functions.len());
        match self.functions.get_mut(index) {
            Some(known) => known.scope = scope,
            None => self.functions.push(Routine {
                definition: it,
                scope,
                class: class.map(|(class, _)| class),
                called: false,
                active: false,
                followed: 0,
                acts: false,
            }),
        }
        self.names.set(it.name.as_str(), Thing::Function(index));
    }

    pub(super) fn define_class(&mut self, it: &'s ast::StmtClassDef) {
        for decorator in &it.decorator_list {
            self.value(&decorator.expression);
        }
        let bases: Vec<Thing> = it.bases().iter().map(|it| self.value(it)).collect();
        let own = |it: &Thing| if let Thing::Class(index) = it { Some(*index) } else { None };
        let index = self.classes.len();
        self.classes.push(Class { bases: bases.iter().filter_map(own).collect(), ..Class::default() });
        let outside = self.names.here();
        self.names.enter(outside);
        for statement in &it.body {
            match statement.as_function_def_stmt() {
                Some(function) => self.define(function, Some((index, outside))),
                None => {
                    self.block(std::slice::from_ref(statement));
                }
            }
        }
        let members = self.names.leave();
        if let Some(class) = self.classes.get_mut(index) {
            class.members = members;
        }
        self.names.set(it.name.as_str(), Thing::Class(index));
    }

    /// What a class calls so, itself or by inheritance.
    pub(super) fn member(&self, class: usize, name: &str) -> Option<Thing> {
        let mut waiting = vec![class];
        let mut seen = Vec::new();
        while let Some(class) = waiting.pop() {
            let Some(it) = self.classes.get(class).filter(|_| !seen.contains(&class)) else { continue };
            if let Some(thing) = it.members.get(name) {
                return Some(thing.clone());
            }
            seen.push(class);
            waiting.extend(it.bases.iter().rev());
        }
        None
    }

    /// Calls a function of the program, with the object that it belongs to.
    pub(super) fn follow(&mut self, function: usize, object: Option<usize>, arguments: &Arguments<'s>) -> Thing {
        let most = if self.uncalled { UNCALLED_CALLS } else { CALLS };
        let open = self.returned.len() < most;
        let Some(routine) = self.functions.get_mut(function).filter(|it| !it.active && open) else {
            return Thing::Unknown;
        };
        if IDLE_CALLS <= routine.followed && !routine.acts {
            return Thing::Unknown;
        }
        let definition = routine.definition;
        // What is only read to learn which names change was not called yet.
        routine.called |= !self.muted && !self.uncalled;
        routine.active = true;
        routine.followed += 1;
        let scope = routine.scope;
        let acts = self.acts;
        let bound = self.bind(definition, object, Some(arguments));
        let (flow, thing) = self.body(definition, scope, bound);
        if let Some(routine) = self.functions.get_mut(function) {
            routine.active = false;
            routine.acts |= acts != self.acts;
        }
        if flow == Flow::Ends {
            self.end();
        }
        thing
    }

    fn body(&mut self, it: &'s ast::StmtFunctionDef, scope: ScopeId, bound: Vec<(String, Thing)>) -> (Flow, Thing) {
        self.names.enter(scope);
        for (name, thing) in bound {
            self.names.set(&name, thing);
        }
        self.returned.push(Vec::new());
        let flow = self.block(&it.body);
        let mut returned = self.returned.pop().unwrap_or_default();
        if flow == Flow::Goes {
            returned.push(Thing::Nothing);
        }
        self.names.leave();
        (flow, Thing::either(returned))
    }

    /// What the parameters stand for: without arguments nothing is known of them.
    fn bind(
        &mut self,
        it: &'s ast::StmtFunctionDef,
        object: Option<usize>,
        arguments: Option<&Arguments<'s>>,
    ) -> Vec<(String, Thing)> {
        let mut bound = Vec::new();
        let mut position = 0;
        let parameters = &it.parameters;
        for (at, parameter) in parameters.iter_non_variadic_params().enumerate() {
            let name = parameter.name().to_string();
            if let (0, Some(class)) = (at, object) {
                bound.push((name, Thing::Object(class)));
                continue;
            }
            let given = arguments.and_then(|it| it.find(Some(position), Some(&name)));
            position += 1;
            let default = parameter.default().filter(|_| arguments.is_some_and(|it| !it.open));
            let thing = match (given, default) {
                (Some(given), _) => given.thing.clone(),
                (None, Some(default)) => self.value(default),
                (None, None) => Thing::Unknown,
            };
            bound.push((name, thing));
        }
        let rest = [parameters.vararg.as_deref(), parameters.kwarg.as_deref()];
        bound.extend(rest.into_iter().flatten().map(|it| (it.name.to_string(), Thing::Unknown)));
        bound
    }

    /// Goes through the functions that nothing called: they may run.
    pub(super) fn follow_the_uncalled(&mut self) {
        self.uncalled = true;
        let mut at = 0;
        while let Some(routine) = self.functions.get_mut(at) {
            at += 1;
            if routine.called {
                continue;
            }
            let (definition, scope, object) = (routine.definition, routine.scope, routine.class);
            routine.active = true;
            let mark = self.names.mark();
            let bound = self.bind(definition, object, None);
            self.body(definition, scope, bound);
            self.names.roll_back(mark);
            if let Some(routine) = self.functions.get_mut(at - 1) {
                routine.active = false;
            }
        }
    }
}
