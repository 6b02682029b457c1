//! Loops: turn by turn where the words or the condition are known, else one turn that stands for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Condition;
use super::arithmetic::assigned;
use super::limits::{CALLS, TURNS};
use super::node::{Assigned, Node, Operation, Piece, Simple, Word, span_of};
use super::run::Runner;
use super::text::Span;
use super::value::{Binding, Place, Value};
use super::world::{Field, Flow, Status, World, merge};

impl Runner<'_> {
    pub(super) fn for_loop(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &Node,
        asks: bool,
        span: &Span,
        mut world: World,
    ) -> Vec<World> {
        let fields = match words {
            Some(words) => words.iter().flat_map(|it| self.fields(it, &mut world)).collect(),
            None => (*world.arguments).clone(),
        };
        world.status = Status::True;
        if asks || TURNS < fields.len() || fields.iter().any(|it| it.open) {
            let each = Value::unknown(span.written(), &span.place());
            return self.once(body, None, span, world, |it| it.set(name, each.clone()));
        }
        let mut worlds = vec![world];
        let mut done = Vec::new();
        for Field { value, .. } in fields {
            for world in worlds.iter_mut().filter(|it| it.flow == Flow::Running) {
                world.set(name, value.clone().latest(&span.place()));
            }
            worlds = self.turn(body, worlds, &mut done);
        }
        done.append(&mut worlds);
        let done = merge(done);
        let left_early = 1 < done.iter().filter(|it| it.flow == Flow::Running).count();
        if !left_early {
            return done;
        }
        // In which turn the loop was left matters to nobody but its own variable.
        let last = Value::unknown(format!("${name} when the loop was left"), &span.place());
        let alike = |mut it: World| {
            if it.flow == Flow::Running {
                it.set(name, last.clone());
            }
            it
        };
        merge(done.into_iter().map(alike).collect())
    }

    /// One turn: worlds that leave the loop go to `done`, those that go on are returned.
    fn turn(&mut self, body: &Node, worlds: Vec<World>, done: &mut Vec<World>) -> Vec<World> {
        self.turning += 1;
        let after = self.run(body, worlds);
        self.turning -= 1;
        let mut on = Vec::new();
        for mut world in merge(after) {
            match world.flow {
                Flow::Running => on.push(world),
                Flow::Continue(levels) => {
                    world.flow = if levels < 2 { Flow::Running } else { Flow::Continue(levels - 1) };
                    if levels < 2 { on.push(world) } else { done.push(world) }
                }
                Flow::Break(levels) => {
                    world.flow = if levels < 2 { Flow::Running } else { Flow::Break(levels - 1) };
                    done.push(world);
                }
                Flow::Return | Flow::Exit => done.push(world),
            }
        }
        self.kept_apart(on, body)
    }

    /// One turn for all: what the body assigns is unknown before and after it.
    fn once(
        &mut self,
        body: &Node,
        condition: Option<Condition>,
        span: &Span,
        mut world: World,
        begin: impl Fn(&mut World),
    ) -> Vec<World> {
        let place = span.place();
        let names = Names::of(body, &world);
        names.forget(&mut world, &place);
        begin(&mut world);
        let never = world.clone();
        let before = std::mem::replace(&mut world.repeated, true);
        world.conditions.extend(condition.clone());
        let mut done = Vec::new();
        let on = self.turn(body, vec![world], &mut done);
        done.extend(on);
        for after in &mut done {
            names.forget(after, &place);
            after.repeated = before;
            after.conditions.retain(|it| Some(it) != condition.as_ref());
        }
        if !done.iter().any(|it| it.flow == Flow::Running) {
            // Without a turn, or when what ends the script is not reached.
            done.push(never);
        }
        merge(done)
    }

    pub(super) fn while_loop(
        &mut self,
        condition: &Node,
        body: &Node,
        until: bool,
        span: &Span,
        world: World,
    ) -> Vec<World> {
        self.turns(world, body, span, Names::changes_itself(condition, body), |this, worlds| {
            let mut worlds = this.guard(condition, worlds);
            if until {
                worlds.iter_mut().for_each(|it| it.status = it.status.negated());
            }
            worlds
        })
    }

    pub(super) fn for_arithmetic(
        &mut self,
        first: &Word,
        condition: &Word,
        step: &Word,
        body: &Node,
        span: &Span,
        mut world: World,
    ) -> Vec<World> {
        if self.arithmetic(first, &mut world).is_err() {
            world.status = Status::Unknown;
        }
        let mut turns = 0;
        self.turns(world, body, span, true, |this, mut worlds| {
            for world in worlds.iter_mut().filter(|it| it.flow == Flow::Running) {
                if 0 < turns && this.arithmetic(step, world).is_err() {
                    world.status = Status::Unknown;
                }
                let holds = condition.pieces.is_empty().then_some(Some(true));
                let holds =
                    holds.unwrap_or_else(|| this.arithmetic(condition, world).map_or(None, |it| Some(it.0 != 0)));
                world.status = Status::of(holds);
            }
            turns += 1;
            worlds
        })
    }

    /// Turns while the condition is decided; when it no longer is, one turn stands for the rest.
    fn turns(
        &mut self,
        world: World,
        body: &Node,
        span: &Span,
        changes: bool,
        mut test: impl FnMut(&mut Self, Vec<World>) -> Vec<World>,
    ) -> Vec<World> {
        let mut done = Vec::new();
        let mut worlds = vec![world];
        for turn in 0.. {
            let tested = test(self, worlds);
            worlds = Vec::new();
            for mut world in tested {
                match (world.flow, world.status) {
                    (Flow::Running, Status::False) => {
                        world.status = Status::True;
                        done.push(world);
                    }
                    (Flow::Running, Status::True) if changes && turn < TURNS => worlds.push(world),
                    (Flow::Running, status) => {
                        let holds = Condition { place: span.place(), text: span.written(), holds: true };
                        let condition = (status == Status::Unknown).then_some(holds);
                        done.extend(self.once(body, condition, span, world, |_| {}));
                    }
                    (Flow::Break(_) | Flow::Continue(_) | Flow::Return | Flow::Exit, _) => done.push(world),
                }
            }
            if worlds.is_empty() {
                break;
            }
            worlds = self.turn(body, worlds, &mut done);
        }
        merge(done)
    }
}

/// What a loop may assign.
#[derive(Default)]
struct Names {
    names: BTreeSet<String>,
    /// Something in it may assign anything: a sourced file, `eval`.
    all: bool,
}

impl Names {
    fn of(body: &Node, world: &World) -> Self {
        let mut names = Self::default();
        names.node(body, &world.functions, 0);
        names
    }

    /// Whether a condition can come out differently in a later turn because of what is assigned.
    fn changes_itself(condition: &Node, body: &Node) -> bool {
        let mut assigned = Self::default();
        assigned.node(body, &BTreeMap::new(), 0);
        assigned.node(condition, &BTreeMap::new(), 0);
        let written = span_of(condition).map(|it| it.written()).unwrap_or_default();
        assigned.names.iter().any(|it| written.contains(it.as_str()))
    }

    fn forget(&self, world: &mut World, place: &Place) {
        if self.all {
            world.forget("assigned in a loop", place);
        }
        for name in &self.names {
            let reason = "assigned in a loop whose turns are not known".to_owned();
            world.bind(name, Binding::Unknown { reason, place: place.clone() });
        }
    }

    fn node(&mut self, node: &Node, functions: &BTreeMap<String, Arc<Node>>, depth: usize) {
        if CALLS * 8 < depth {
            self.all = true;
            return;
        }
        match node {
            Node::Sequence(nodes) => nodes.iter().for_each(|it| self.node(it, functions, depth + 1)),
            Node::Simple(simple) => self.simple(simple, functions, depth),
            Node::Arithmetic(word) => self.expression(word),
            Node::And(left, right) | Node::Or(left, right) => {
                self.node(left, functions, depth + 1);
                self.node(right, functions, depth + 1);
            }
            Node::If { condition, then, otherwise, .. } => {
                self.node(condition, functions, depth + 1);
                self.node(then, functions, depth + 1);
                otherwise.iter().for_each(|it| self.node(it, functions, depth + 1));
            }
            Node::For { name, body, .. } => {
                self.names.insert(name.clone());
                self.node(body, functions, depth + 1);
            }
            Node::ForArithmetic { first, step, body, .. } => {
                self.expression(first);
                self.expression(step);
                self.node(body, functions, depth + 1);
            }
            Node::While { condition, body, .. } => {
                self.node(condition, functions, depth + 1);
                self.node(body, functions, depth + 1);
            }
            Node::Case { arms, .. } => arms.iter().for_each(|it| self.node(&it.body, functions, depth + 1)),
            Node::Not(inner) | Node::Redirected { body: inner, .. } => self.node(inner, functions, depth + 1),
            // It may be called in the same body.
            Node::Function { body, .. } => self.node(body, functions, depth + 1),
            Node::Test(..) => {}
            // A shell of its own.
            Node::Pipeline(_) | Node::Background(_) | Node::Subshell(_) => {}
        }
    }

    fn expression(&mut self, word: &Word) {
        let text = word.span.origin.text().get(word.span.start..word.span.end).unwrap_or_default();
        self.names.extend(assigned(text));
    }

    fn simple(&mut self, simple: &Simple, functions: &BTreeMap<String, Arc<Node>>, depth: usize) {
        let declared = simple.words.iter().filter_map(|it| it.assignment.as_deref());
        for assignment in simple.assignments.iter().chain(declared) {
            self.names.insert(assignment.name.clone());
            if let Assigned::Word(word) = &assignment.value {
                self.word(word);
            }
        }
        simple.words.iter().for_each(|it| self.word(it));
        let written: Vec<String> = simple.words.iter().map(|it| it.span.written()).collect();
        match written.first().map(String::as_str) {
            Some("source" | "." | "eval") => self.all = true,
            Some("read" | "mapfile" | "readarray" | "getopts" | "unset" | "export" | "set" | "setenv" | "unsetenv") => {
                let name = |it: &String| super::parser::is_name(it).then(|| it.clone());
                self.names.extend(written.iter().skip(1).filter_map(name));
            }
            Some("let") => {
                written.iter().skip(1).for_each(|it| self.names.extend(assigned(it.trim_matches(['"', '\'']))))
            }
            Some(name) => {
                if let Some(body) = functions.get(name) {
                    self.node(body, functions, depth + 8);
                }
            }
            None => {}
        }
    }

    fn word(&mut self, word: &Word) {
        for piece in &word.pieces {
            match piece {
                Piece::Parameter { parameter, .. } => {
                    if let Operation::Default { assign: true, .. } = parameter.operation {
                        self.names.insert(parameter.name.clone());
                    }
                }
                Piece::Arithmetic { expression, .. } => self.expression(expression),
                Piece::Text { .. } | Piece::Command { .. } | Piece::Process { .. } => {}
            }
        }
    }
}
