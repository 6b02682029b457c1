//! Follows statements through a small set of worlds. An undecided condition makes two of one; equal ones become one again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::limits::{NESTING, STEPS, WORLDS};
use super::node::{After, Arm, Node, Operation, Piece, Redirect, Word, span_of, words_of};
use super::parser::parse;
use super::text::{Origin, Span};
use super::value::{Binding, Part, Place, Value};
use super::world::{Flow, Status, World, blur, merge};
use super::{Command, Condition, Surroundings, Text, Unclear};

/// The interpreter: what it found, and how much it may still do.
pub(super) struct Runner<'a> {
    pub(super) surroundings: &'a mut dyn Surroundings,
    pub(super) csh: bool,
    pub(super) commands: Vec<Command>,
    pub(super) unclear: Vec<Unclear>,
    /// Functions and files that run each other.
    pub(super) calls: usize,
    /// Conditions that are evaluated: a failure there does not end the script.
    pub(super) guarded: usize,
    /// Loops around what is followed.
    pub(super) turning: usize,
    /// Commands by place and turn; the turn is 0 outside loops and functions.
    pub(super) known: BTreeMap<(Place, u32), Vec<usize>>,
    /// Commands that became one with an earlier one.
    pub(super) doubled: BTreeSet<usize>,
    pub(super) records: usize,
    pub(super) recorded_bytes: usize,
    steps: u32,
    depth: usize,
    pub(super) stopped: bool,
}

impl<'a> Runner<'a> {
    pub(super) fn new(surroundings: &'a mut dyn Surroundings, csh: bool) -> Self {
        Self {
            surroundings,
            csh,
            commands: Vec::new(),
            unclear: Vec::new(),
            calls: 0,
            turning: 0,
            guarded: 0,
            known: BTreeMap::new(),
            doubled: BTreeSet::new(),
            records: 0,
            recorded_bytes: 0,
            steps: 0,
            depth: 0,
            stopped: false,
        }
    }

    /// Follows a statement in every world that runs.
    pub(super) fn run(&mut self, node: &Node, worlds: Vec<World>) -> Vec<World> {
        let (running, mut ended): (Vec<World>, Vec<World>) =
            worlds.into_iter().partition(|it| it.flow == Flow::Running);
        if running.is_empty() || self.stopped {
            ended.extend(running);
            return ended;
        }
        self.depth += 1;
        if NESTING * 2 < self.depth {
            self.stop(node, "nested too deeply");
            ended.extend(running);
        } else {
            ended.extend(self.follow(node, running));
        }
        self.depth -= 1;
        ended
    }

    fn follow(&mut self, node: &Node, worlds: Vec<World>) -> Vec<World> {
        match node {
            Node::Sequence(nodes) => self.sequence(nodes, worlds),
            Node::Simple(simple) => self.each(node, worlds, |this, world| this.simple(simple, world)),
            Node::Test(test, _) => self.each(node, worlds, |this, mut world| {
                world.status = Status::of(this.test(test, &mut world));
                this.failed(&mut world);
                vec![world]
            }),
            Node::Arithmetic(expression) => self.each(node, worlds, |this, mut world| {
                let number = this.arithmetic(expression, &mut world);
                world.status = Status::of(number.map_or(None, |(number, _)| Some(number != 0)));
                this.failed(&mut world);
                vec![world]
            }),
            Node::And(left, right) => self.either(left, right, Status::True, worlds),
            Node::Or(left, right) => self.either(left, right, Status::False, worlds),
            Node::Not(inner) => {
                let worlds = self.guard(inner, worlds);
                worlds.into_iter().map(|it| World { status: it.status.negated(), ..it }).collect()
            }
            Node::Pipeline(stages) => self.each(node, worlds, |this, mut world| {
                for stage in stages {
                    let ended = this.run(stage, vec![world.clone()]);
                    world.after_subshell(&ended);
                }
                vec![world]
            }),
            Node::Background(inner) => self.each(node, worlds, |this, world| vec![this.background(inner, world)]),
            Node::Subshell(inner) => self.each(node, worlds, |this, mut world| {
                let ended = this.run(inner, vec![world.clone()]);
                world.after_subshell(&ended);
                this.failed(&mut world);
                vec![world]
            }),
            Node::If { condition, then, otherwise, span } => {
                self.if_statement(condition, then, otherwise.as_deref(), span, worlds)
            }
            Node::For { name, words, body, asks, span } => {
                self.each(node, worlds, |this, world| this.for_loop(name, words.as_deref(), body, *asks, span, world))
            }
            Node::ForArithmetic { first, condition, step, body, span } => {
                self.each(node, worlds, |this, world| this.for_arithmetic(first, condition, step, body, span, world))
            }
            Node::While { condition, body, until, span } => {
                self.each(node, worlds, |this, world| this.while_loop(condition, body, *until, span, world))
            }
            Node::Case { subject, arms } => self.each(node, worlds, |this, world| this.case(subject, arms, world)),
            Node::Function { name, body } => self.each(node, worlds, |_, world| vec![world.with_function(name, body)]),
            Node::Redirected { body, redirects } => self.each(node, worlds, |this, mut world| {
                let before = world.stdin.take();
                world.stdin = this.redirects(redirects, &mut world).or(before.clone());
                let worlds = this.run(body, vec![world]);
                worlds.into_iter().map(|it| World { stdin: before.clone(), ..it }).collect()
            }),
        }
    }

    fn each(&mut self, node: &Node, worlds: Vec<World>, one: impl Fn(&mut Self, World) -> Vec<World>) -> Vec<World> {
        let mut after = Vec::new();
        for world in worlds {
            self.steps += 1;
            if STEPS < self.steps {
                self.stop(node, "very many steps");
            }
            if self.stopped {
                after.push(world);
                continue;
            }
            for world in self.assume(node, world) {
                after.extend(one(self, world));
            }
        }
        after
    }

    fn sequence(&mut self, nodes: &[Node], mut worlds: Vec<World>) -> Vec<World> {
        for node in nodes {
            worlds = self.kept_apart(merge(worlds), node);
            worlds = self.run(node, worlds);
        }
        worlds
    }

    /// Worlds that go on, or one of them all when there are too many.
    pub(super) fn kept_apart(&mut self, worlds: Vec<World>, node: &Node) -> Vec<World> {
        if worlds.iter().filter(|it| it.flow == Flow::Running).count() <= WORLDS {
            return worlds;
        }
        let span = span_of(node);
        let place = span.as_ref().map(Span::place).unwrap_or_default();
        if let Some(span) = span {
            self.unclear(&span, "more branches than are kept apart: variables that differ in some are unknown here");
        }
        blur(worlds, WORLDS, &place)
    }

    /// `${X:-d}` with an unknown `X`: one world in which it is set, one in which it is not.
    fn assume(&mut self, node: &Node, world: World) -> Vec<World> {
        /// Default values are the smaller half of what makes worlds.
        const DEFAULTS: usize = 3;
        let mut worlds = vec![world];
        let mut words = Vec::new();
        words_of(node, &mut words);
        let mut found = 0;
        for piece in words.iter().flat_map(|it| &it.pieces) {
            let Piece::Parameter { parameter, span, .. } = piece else { continue };
            let Operation::Default { word, .. } = &parameter.operation else { continue };
            if parameter.index.is_some() || word.pieces.is_empty() || !super::parser::is_name(&parameter.name) {
                continue;
            }
            let open = worlds.iter().any(|it| matches!(it.shell.get(&parameter.name), Binding::Unknown { .. }));
            let several = worlds.iter().any(|it| DEFAULTS < it.conditions.len());
            if !open || several || DEFAULTS <= found {
                continue;
            }
            found += 1;
            worlds = worlds.into_iter().flat_map(|it| set_or_not(&parameter.name, span, it)).collect();
        }
        worlds
    }

    /// A condition: where it fails, nothing ends.
    pub(super) fn guard(&mut self, node: &Node, worlds: Vec<World>) -> Vec<World> {
        self.guarded += 1;
        let worlds = self.run(node, worlds);
        self.guarded -= 1;
        worlds
    }

    /// `set -e`: a failure that is certain ends the script.
    pub(super) fn failed(&mut self, world: &mut World) {
        if world.exit_on_failure && self.guarded == 0 && world.status == Status::False {
            world.flow = Flow::Exit;
        }
    }

    /// `LEFT && RIGHT` (`on` true) and `LEFT || RIGHT` (`on` false).
    fn either(&mut self, left: &Node, right: &Node, on: Status, worlds: Vec<World>) -> Vec<World> {
        let span = span_of(left);
        let worlds = self.guard(left, worlds);
        let (hold, fail, mut ended) = self.split(worlds, span.as_ref());
        let (taken, passed) = if on == Status::True { (hold, fail) } else { (fail, hold) };
        let before = self.records;
        let taken = self.run(right, taken);
        let silent = self.records == before;
        let passed = match &span {
            Some(span) => forgive(passed, &taken, silent, span),
            None => passed,
        };
        ended.extend(merge(taken.into_iter().chain(passed).collect()));
        ended
    }

    fn if_statement(
        &mut self,
        condition: &Node,
        then: &Node,
        otherwise: Option<&Node>,
        span: &Span,
        worlds: Vec<World>,
    ) -> Vec<World> {
        let worlds = self.guard(condition, worlds);
        let (hold, mut fail, mut ended) = self.split(worlds, Some(span));
        let before = self.records;
        let taken = self.run(then, hold);
        let silent_then = self.records == before;
        let before = self.records;
        match otherwise {
            Some(otherwise) => fail = self.run(otherwise, fail),
            None => fail.iter_mut().for_each(|it| it.status = Status::True),
        }
        let silent_else = self.records == before;
        let (taken, fail) =
            (forgive(taken.clone(), &fail, silent_else, span), forgive(fail, &taken, silent_then, span));
        ended.extend(merge(taken.into_iter().chain(fail).collect()));
        ended
    }

    /// Worlds in which the last status is true, false, and those that do not run. Unknown is both, with the condition.
    pub(super) fn split(&mut self, worlds: Vec<World>, span: Option<&Span>) -> (Vec<World>, Vec<World>, Vec<World>) {
        let (mut hold, mut fail, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for world in worlds {
            match (world.flow, world.status) {
                (Flow::Running, Status::True) => hold.push(world),
                (Flow::Running, Status::False) => fail.push(world),
                (Flow::Running, Status::Unknown) => {
                    let (yes, no) = fork(world, span.map(Span::written).unwrap_or_default(), span);
                    hold.push(World { status: Status::True, ..yes });
                    fail.push(World { status: Status::False, ..no });
                }
                (Flow::Break(_) | Flow::Continue(_) | Flow::Return | Flow::Exit, _) => ended.push(world),
            }
        }
        (hold, fail, ended)
    }

    fn case(&mut self, subject: &Word, arms: &[Arm], mut world: World) -> Vec<World> {
        let value = self.value(subject, &mut world);
        world.status = Status::True;
        let (mut testing, mut falling, mut done) = (vec![world], Vec::new(), Vec::new());
        for arm in arms {
            let mut inside = std::mem::take(&mut falling);
            for mut world in std::mem::take(&mut testing) {
                match self.matches_any(&value, &arm.patterns, &mut world) {
                    Some(true) => inside.push(world),
                    Some(false) => testing.push(world),
                    None => {
                        let text = format!("{} matches {}", subject.span.written(), arm.span.written());
                        let (yes, no) = fork(world, text, Some(&arm.span));
                        inside.push(yes);
                        testing.push(no);
                    }
                }
            }
            let after = self.run(&arm.body, inside);
            match arm.then {
                After::Leave => done.extend(after),
                After::FallThrough => falling = after,
                After::TryNext => testing.extend(after),
            }
        }
        merge(done.into_iter().chain(falling).chain(testing).collect())
    }

    fn matches_any(&mut self, value: &Value, patterns: &[Word], world: &mut World) -> Option<bool> {
        let mut known = true;
        for pattern in patterns {
            match self.matches(value, pattern, world) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            }
        }
        known.then_some(false)
    }

    fn background(&mut self, inner: &Node, mut world: World) -> World {
        if world.waiting == 0 {
            world.phase += 1;
        }
        world.waiting += 1;
        let ended = self.run(inner, vec![World { background: true, ..world.clone() }]);
        world.after_subshell(&ended);
        world.status = Status::True;
        world
    }

    /// What the redirections of a command feed to it.
    pub(super) fn redirects(&mut self, redirects: &[Redirect], world: &mut World) -> Option<Text> {
        let mut stdin = None;
        for redirect in redirects {
            match redirect {
                Redirect::File(word) => {
                    self.value(word, world);
                }
                Redirect::HereString(word) => {
                    let mut value = self.value(word, world);
                    value.push_text("\n");
                    stdin = Some(Text { value, place: word.span.place() });
                }
                Redirect::HereDocument(body) => {
                    if let Some(word) = body.get() {
                        stdin = Some(Text { value: self.value(word, world), place: word.span.place() });
                    }
                }
            }
        }
        stdin
    }

    fn stop(&mut self, node: &Node, why: &str) {
        self.stopped = true;
        let why = format!("{why}: the rest is not followed");
        let place = span_of(node);
        let (place, what) = place.map_or_else(Default::default, |it| (it.place(), it.written()));
        self.unclear_at(place, what, &why);
    }

    /// Parses and follows a text in place; what is wrong with it is noted.
    pub(super) fn text(&mut self, origin: &Arc<Origin>, worlds: Vec<World>) -> Vec<World> {
        let parsed = if self.csh { super::csh::parse(origin, 0) } else { parse(origin, 0) };
        for error in parsed.errors {
            self.unclear(&error.span, &format!("syntax: {}", error.why));
        }
        self.run(&parsed.node, worlds)
    }
}

/// Where one side only ends the script, without a command of its own, the condition does not tell commands apart.
fn forgive(mut worlds: Vec<World>, other: &[World], silent: bool, span: &Span) -> Vec<World> {
    if silent && !other.is_empty() && other.iter().all(|it| it.flow == Flow::Exit) {
        let place = span.place();
        worlds.iter_mut().for_each(|it| it.conditions.retain(|it| it.place != place));
    }
    worlds
}

/// Two worlds of one: in the first the condition holds.
pub(super) fn fork(world: World, text: String, span: Option<&Span>) -> (World, World) {
    let place = span.map(Span::place).unwrap_or_default();
    let mut no = world.clone();
    let mut yes = world;
    yes.conditions.push(Condition { place: place.clone(), text: text.clone(), holds: true });
    no.conditions.push(Condition { place, text, holds: false });
    (yes, no)
}

fn set_or_not(name: &str, span: &Span, world: World) -> Vec<World> {
    let Binding::Unknown { reason, place } = world.shell.get(name) else { return vec![world] };
    let (mut set, mut unset) = fork(world, format!("{name} is set"), Some(span));
    let part = Part::Unknown { what: format!("${name} ({reason})"), place: place.clone() };
    let inherited = set.shell.own(name).is_none();
    set.bind(name, Binding::Set(Value { parts: vec![part], places: vec![place] }));
    if inherited {
        set.export(name);
    }
    unset.bind(name, Binding::Unset(span.place()));
    vec![set, unset]
}
