//! Calls: of the program's own functions, of functions that compute what is known, and of those that the data describes.

use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::calls::{Argument, Call, Calls, Means, When, Workers};
use super::expressions::{Arguments, Given};
use super::statements::{Walk, record};
use super::things::Thing;
use super::{ChildProcess, ParallelFile, Pool, PoolKind, Start, StartMethod, ThreadLimit, Value};

/// Words of a command that are kept.
const COMMAND_WORDS: usize = 64;

/// The name under which the start method is kept that the program chose.
const CHOSEN: &str = "<start method>";

impl<'s> Walk<'s> {
    pub(super) fn call(&mut self, it: &'s ast::ExprCall) -> Thing {
        if !self.step(it.range()) {
            return Thing::Unknown;
        }
        let callee = self.value(&it.func);
        let given = self.arguments(&it.arguments);
        let several = callee.alternatives();
        // Which of several is called is a condition; a name of the language stands in where nothing else is known.
        let condition = usize::from(1 < several.len());
        self.conditions += condition;
        let results: Vec<Thing> = several.iter().map(|it_is| self.call_of(it_is, &given, it)).collect();
        self.conditions -= condition;
        Thing::either(results)
    }

    fn arguments(&mut self, it: &'s ast::Arguments) -> Arguments<'s> {
        let mut given = Arguments::default();
        for expression in &it.args {
            let starred = expression.as_starred_expr().map(|it| it.value.as_ref());
            match (starred, self.value(starred.unwrap_or(expression))) {
                (None, thing) => given.positional.push(Given { thing, expression }),
                (Some(_), Thing::Sequence(several)) => {
                    given.positional.extend(several.iter().map(|it| Given { thing: it.clone(), expression }));
                }
                (Some(_), _) => given.open = true,
            }
        }
        for keyword in &it.keywords {
            let expression = &keyword.value;
            match (&keyword.arg, self.value(expression)) {
                (Some(name), thing) => given.keywords.push((name.to_string(), Given { thing, expression })),
                (None, Thing::Dictionary(pairs)) => {
                    for (key, thing) in pairs.iter() {
                        let Some(key) = key.as_text() else { continue };
                        given.keywords.push((key.to_string(), Given { thing: thing.clone(), expression }));
                    }
                }
                (None, _) => given.open = true,
            }
        }
        given
    }

    fn call_of(&mut self, callee: &Thing, given: &Arguments<'s>, it: &'s ast::ExprCall) -> Thing {
        if let Thing::Function(function) = callee {
            return self.follow(*function, None, given);
        }
        if let Thing::Method { function, class } = callee {
            return self.follow(*function, Some(*class), given);
        }
        if let Thing::Class(class) = callee {
            if let Some(Thing::Function(function)) = self.member(*class, "__init__") {
                self.follow(function, Some(*class), given);
            }
            return Thing::Object(*class);
        }
        let Thing::Name(name, start) = callee else { return Thing::Unknown };
        self.environ_call(name, given, it.range())
            .or_else(|| computed(self.calls, name, given))
            .unwrap_or_else(|| self.described(name, start.as_deref(), given, it))
    }

    /// A call that the data may describe.
    fn described(&mut self, name: &str, start: Option<&Start>, given: &Arguments<'s>, it: &'s ast::ExprCall) -> Thing {
        let result = Thing::name(format!("{name}()"));
        let conditions = self.conditions;
        let mut more = None;
        for call in self.calls.of(name) {
            match call.when.as_ref().map_or(Holds::Yes, |when| holds(when, given)) {
                Holds::No => {}
                Holds::Yes => {
                    more = self.known(call, name, start, given, it);
                    break;
                }
                Holds::Perhaps(what) => {
                    self.unclear(&format!("{what} is computed: what {name} does depends on it"), it.range());
                    // An entry below holds only if this one does not.
                    self.conditions = conditions + 1;
                }
            }
        }
        self.conditions = conditions;
        more.unwrap_or(result)
    }

    /// Records what a call does; gives what it results in, when that is more than its name.
    fn known(
        &mut self,
        call: &Call,
        name: &str,
        start: Option<&Start>,
        given: &Arguments<'s>,
        it: &'s ast::ExprCall,
    ) -> Option<Thing> {
        let place = it.range();
        let api = name.to_owned();
        match call.means {
            Means::Pool => self.pool(call, name, start, given, place),
            Means::Context => {
                let method = self.method(call, given);
                return Some(Thing::name(format!("{name}()")).with_start(Some(Rc::new(method))));
            }
            Means::StartMethod => {
                let argument = call.method.as_ref().and_then(|it| given.find(it.position, it.keyword.as_deref()));
                self.names.set_global(CHOSEN, argument.map_or(Thing::Unknown, |it| it.thing.clone()));
                let method = argument.map_or(Value::Default, |it| self.shown(&it.thing, it.expression));
                let at = self.at(place)?;
                record(&mut self.program.start_methods, StartMethod { method, api, at }, |it| &mut it.at);
            }
            Means::ThreadLimit => {
                let threads = self.workers(call.workers.as_ref()?, given);
                if threads == Value::Default {
                    return None;
                }
                let at = self.at(place)?;
                let limit = ThreadLimit { limits: call.limits.clone(), threads, api, at };
                record(&mut self.program.thread_limits, limit, |it| &mut it.at);
            }
            Means::ParallelFile => {
                let file = ParallelFile { format: call.format.clone()?, api, at: self.at(place)? };
                record(&mut self.program.parallel_files, file, |it| &mut it.at);
            }
            Means::ChildProcess => {
                let argument = call.command.as_ref().and_then(|it| given.find(it.position, it.keyword.as_deref()));
                let (command, partly) = argument.map_or((Vec::new(), true), command);
                let child = ChildProcess { command, partly, api, at: self.at(place)? };
                record(&mut self.program.child_processes, child, |it| &mut it.at);
            }
            Means::Import => match call.module.as_ref().and_then(|it| given.find(it.position, it.keyword.as_deref())) {
                Some(Given { thing: Thing::Text(module), .. }) => {
                    self.record_import(module, &[], place);
                    return Some(Thing::name(module.to_string()));
                }
                Some(_) | None => self.unclear("imports a module whose name is computed", place),
            },
            Means::Unclear => self.unclear(call.why.as_deref()?, place),
            Means::Exit => self.end(),
        }
        None
    }

    fn pool(&mut self, call: &Call, name: &str, start: Option<&Start>, given: &Arguments<'s>, place: TextRange) {
        let Some(kind) = call.kind else { return };
        let one = matches!(kind, PoolKind::Process | PoolKind::Fork);
        let workers = match &call.workers {
            Some(workers) => self.workers(workers, given),
            None if one => Value::Text("1".to_owned()),
            None => Value::Default,
        };
        let least = call.workers.as_ref().and_then(|it| it.least).unwrap_or(1);
        if workers.count().is_some_and(|it| it < least) {
            return;
        }
        let start = self.start(call, kind, start, given);
        let Some(at) = self.at(place) else { return };
        let pool = Pool { kind, workers, start, limits_threads: call.limits_threads, api: name.to_owned(), at };
        record(&mut self.program.pools, pool, |it| &mut it.at);
    }

    fn start(&self, call: &Call, kind: PoolKind, context: Option<&Start>, given: &Arguments<'s>) -> Start {
        match kind {
            PoolKind::Threads | PoolKind::Mpi => return Start::None,
            PoolKind::Fork => return Start::Method("fork".to_owned()),
            PoolKind::Processes | PoolKind::Process => {}
        }
        if let Some(start) = call.start.as_ref() {
            return Start::Method(start.clone());
        }
        let argument = call.start_argument.as_ref().and_then(|it| given.find(it.position, it.keyword.as_deref()));
        match argument {
            Some(Given { thing: Thing::Name(_, Some(start)), .. }) => return start.as_ref().clone(),
            Some(Given { thing: Thing::Text(method), .. }) => return Start::Method(method.to_string()),
            Some(Given { thing: Thing::Nothing, .. }) | None => {}
            Some(it) => return Start::Unclear(self.source(it.expression.range())),
        }
        match context {
            Some(Start::Default) | None => self.chosen(),
            Some(context) => context.clone(),
        }
    }

    /// How processes are started where nothing is said at the call.
    fn chosen(&self) -> Start {
        match self.names.get(CHOSEN) {
            None => Start::Default,
            Some(Thing::Text(method)) => {
                // A choice under a condition leaves the name as it was where the condition fails: it was not there.
                let sure = self.program.start_methods.iter().any(|it| !it.at.conditional && !it.at.in_function);
                let method = method.to_string();
                if sure { Start::Method(method) } else { Start::Unclear(format!("{method}, under a condition")) }
            }
            Some(_) => Start::Unclear("it was chosen before, by something computed".to_owned()),
        }
    }

    fn method(&self, call: &Call, given: &Arguments<'s>) -> Start {
        match call.method.as_ref().and_then(|it| given.find(it.position, it.keyword.as_deref())) {
            None if given.open => Start::Unclear("arguments that are computed".to_owned()),
            None | Some(Given { thing: Thing::Nothing, .. }) => Start::Default,
            Some(Given { thing: Thing::Text(method), .. }) => Start::Method(method.to_string()),
            Some(it) => Start::Unclear(self.source(it.expression.range())),
        }
    }

    /// How many a call asks for.
    fn workers(&self, workers: &Workers, given: &Arguments<'s>) -> Value {
        let Argument { position, keyword } = workers.argument();
        match given.find(position, keyword.as_deref()) {
            Some(Given { thing: Thing::Number(number), .. }) if Some(*number) == workers.every => {
                word(workers.default_every.as_deref(), None)
            }
            // Counted back from every CPU.
            Some(Given { thing: Thing::Number(number), .. }) if *number < 0 && workers.every.is_some() => {
                Value::Computed(number.to_string())
            }
            None if given.open => Value::Computed("arguments that are computed".to_owned()),
            Some(Given { thing: Thing::Nothing, .. }) | None => {
                word(workers.default.as_deref(), workers.mask_since.as_deref())
            }
            Some(it) => self.shown(&it.thing, it.expression),
        }
    }
}

/// What the data writes for a number.
fn word(text: Option<&str>, mask_since: Option<&str>) -> Value {
    match (text, mask_since) {
        (Some("node-cpus"), Some(since)) => Value::MaskCpusSince(since.to_owned()),
        (Some("node-cpus"), None) => Value::NodeCpus,
        (Some("mask-cpus"), _) => Value::MaskCpus,
        (Some(text), _) => Value::Text(text.to_owned()),
        (None, _) => Value::Default,
    }
}

enum Holds {
    Yes,
    No,
    /// Depends on this argument.
    Perhaps(String),
}

fn holds(when: &When, given: &Arguments<'_>) -> Holds {
    let Argument { position, keyword } = when.argument();
    let name = || keyword.clone().unwrap_or_else(|| "an argument".to_owned());
    match given.find(position, keyword.as_deref()) {
        None if given.open => Holds::Perhaps(name()),
        None => Holds::No,
        Some(it) => match it.thing.as_text() {
            Some(text) if when.values.iter().any(|it| **it == *text) => Holds::Yes,
            Some(_) => Holds::No,
            None => Holds::Perhaps(name()),
        },
    }
}

/// Calls whose result is known: conversions, and those that count CPUs.
fn computed(calls: &Calls, name: &str, given: &Arguments<'_>) -> Option<Thing> {
    let is_one_of = |names: &[String]| names.iter().any(|it| it == name);
    if is_one_of(&calls.cpus.node) {
        return Some(Thing::NodeCpus);
    }
    if is_one_of(&calls.cpus.mask) {
        return Some(Thing::MaskCpus);
    }
    let first = given.positional.first().map(|it| &it.thing);
    let converted =
        |first: &Thing| matches!(first, Thing::NodeCpus | Thing::MaskCpus | Thing::Variable(..)).then(|| first.clone());
    Some(match (name.strip_prefix("builtins.")?, first) {
        ("str", Some(first)) => converted(first).or_else(|| first.as_text().map(Thing::Text)).unwrap_or(Thing::Unknown),
        ("int", Some(Thing::Number(number))) => Thing::Number(*number),
        ("int", Some(Thing::Text(text))) => text.trim().parse().map_or(Thing::Unknown, Thing::Number),
        ("int", Some(first)) => converted(first).unwrap_or(Thing::Unknown),
        ("len", Some(Thing::Sequence(elements))) => i64::try_from(elements.len()).map_or(Thing::Unknown, Thing::Number),
        ("len", Some(Thing::Name(name, _))) => {
            let mask = calls.cpus.masks.iter().any(|it| name.strip_suffix("()") == Some(it));
            if mask { Thing::MaskCpus } else { Thing::Unknown }
        }
        ("range", Some(Thing::Number(count))) if 0 < *count && given.positional.len() == 1 => Thing::Many,
        ("list" | "tuple" | "sorted" | "set", Some(first @ (Thing::Sequence(_) | Thing::Many))) => first.clone(),
        ("dict", None) => {
            let pair = |(key, it): &(String, Given<'_>)| (Thing::text(key), it.thing.clone());
            if given.open { Thing::Unknown } else { Thing::Dictionary(given.keywords.iter().map(pair).collect()) }
        }
        _ => return None,
    })
}

/// The words of a command from the left, and whether some are missing.
fn command(given: &Given<'_>) -> (Vec<String>, bool) {
    let words = |text: &str| text.split_whitespace().take(COMMAND_WORDS).map(str::to_owned).collect::<Vec<_>>();
    match (&given.thing, given.expression) {
        (Thing::Text(text), _) => (words(text), false),
        (Thing::Sequence(parts), _) => {
            let known: Vec<String> =
                parts.iter().map_while(|it| Some(it.as_text()?.to_string())).take(COMMAND_WORDS).collect();
            let partly = known.len() < parts.len();
            (known, partly)
        }
        (_, Expr::FString(it)) => {
            let leading = it.value.elements().next().and_then(|it| Some(it.as_literal()?.value.to_string()));
            let text = leading.unwrap_or_default();
            // The last word may go on behind the brace.
            let whole = text.rfind(char::is_whitespace).and_then(|it| text.get(..it)).unwrap_or_default();
            (words(whole), true)
        }
        _ => (Vec::new(), true),
    }
}
