//! What was found, written down once.

use std::sync::Arc;

use super::limits::{COMMANDS, RECORDED_BYTES, UNCLEAR};
use super::run::Runner;
use super::text::Span;
use super::value::{Environment, Place, Value};
use super::world::World;
use super::{Command, Condition, Text, Unclear, Word};

impl Runner<'_> {
    /// A command that the shell starts. The same in another world is one command with the conditions of both.
    pub(super) fn record(
        &mut self,
        words: Vec<super::Word>,
        environment: Environment,
        stdin: Option<Text>,
        span: &Span,
        world: &mut World,
    ) {
        let place = span.place();
        if !world.background && world.waiting == 0 {
            world.phase += 1;
        }
        self.records += 1;
        let mut key = (place.clone(), 0);
        if 0 < self.turning || 0 < self.calls {
            let turn = Arc::make_mut(&mut world.turns).entry(place.clone()).or_default();
            *turn += 1;
            key.1 = *turn;
        }
        let mut command = Command {
            words,
            place,
            environment,
            conditions: world.conditions.clone(),
            background: world.background,
            repeated: world.repeated,
            phase: world.phase,
            stdin,
            directory: world.directory.clone(),
        };
        let known = self.known.entry(key).or_default();
        let mut at = 0;
        while let Some(index) = known.get(at).copied() {
            at += 1;
            let Some(same) = self.commands.get_mut(index).filter(|it| same_command(it, &command)) else { continue };
            if let Some(conditions) = either_holds(&same.conditions, &command.conditions) {
                // The two as one may make one with a third.
                command.conditions.clone_from(&conditions);
                same.conditions = conditions;
                if command.conditions.is_empty() {
                    return;
                }
                let others = known.iter().filter(|it| **it != index).copied();
                let joined = others.filter(|it| self.commands.get(*it).is_some_and(|it| same_command(it, &command)));
                for other in joined.collect::<Vec<usize>>() {
                    let conditions = self.commands.get(other).map(|it| it.conditions.clone()).unwrap_or_default();
                    if let Some(conditions) = either_holds(&command.conditions, &conditions) {
                        command.conditions.clone_from(&conditions);
                        if let Some(same) = self.commands.get_mut(index) {
                            same.conditions = conditions;
                        }
                        self.doubled.insert(other);
                    }
                }
                return;
            }
        }
        self.recorded_bytes += size(&command);
        if COMMANDS <= self.commands.len() || RECORDED_BYTES < self.recorded_bytes {
            self.unclear(span, "very many commands: the rest is not recorded");
            self.stopped = true;
            return;
        }
        known.push(self.commands.len());
        self.commands.push(command);
    }

    pub(super) fn unclear(&mut self, span: &Span, why: &str) {
        if UNCLEAR <= self.unclear.len() {
            return;
        }
        self.unclear_at(span.place(), span.written(), why);
    }

    pub(super) fn unclear_at(&mut self, place: Place, what: String, why: &str) {
        let found = Unclear { place, what, why: why.to_owned() };
        if self.unclear.len() < UNCLEAR && !self.unclear.contains(&found) {
            self.unclear.push(found);
        }
    }
}

fn same_command(a: &Command, b: &Command) -> bool {
    let same_word = |(a, b): (&Word, &Word)| a.open == b.open && a.value.says_the_same(&b.value);
    let text = |it: &Command| it.stdin.as_ref().map(|it| it.value.parts.clone());
    let directory = |it: &Command| it.directory.as_ref().map(|it| it.parts.clone());
    a.words.len() == b.words.len()
        && a.words.iter().zip(&b.words).all(same_word)
        && (a.background, a.repeated) == (b.background, b.repeated)
        && (!a.background || a.phase == b.phase)
        && a.environment.says_the_same(&b.environment)
        && text(a) == text(b)
        && directory(a) == directory(b)
}

fn size(command: &Command) -> usize {
    let value = |it: &Value| {
        it.parts.len() * 64 + it.display().len() + it.places.iter().map(|it| it.text.len() + 128).sum::<usize>()
    };
    let words: usize = command.words.iter().map(|it| value(&it.value) + it.place.text.len() + 128).sum();
    words + command.stdin.as_ref().map_or(0, |it| value(&it.value)) + 512
}

/// The conditions under which one of two branches is taken, where one list can say it: one is part of the other, or
/// they differ in one condition that holds in one and not in the other.
fn either_holds(a: &[Condition], b: &[Condition]) -> Option<Vec<Condition>> {
    let only = |a: &[Condition], b: &[Condition]| a.iter().filter(|it| !b.contains(it)).cloned().collect::<Vec<_>>();
    let common = || a.iter().filter(|it| b.contains(it)).cloned().collect::<Vec<_>>();
    match (only(a, b).as_slice(), only(b, a).as_slice()) {
        ([], _) | (_, []) => Some(common()),
        ([x], [y]) if x.place == y.place && x.text == y.text && x.holds != y.holds => Some(common()),
        _ => None,
    }
}
