//! The statements of a program, in the order in which Python would execute them.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::names::{Changes, Names};
use super::routines::{Class, Routine};
use super::things::Thing;
use super::{At, Calls, Import, Program, Unclear};
use crate::python::reader::{Recovered, recovered};

/// Most statements and calls that are gone through, those of a loop or a function once for each time.
const STEPS: usize = 100_000;

/// Most things that one program may do.
const ITEMS: u32 = 2_000;

/// Statements nested deeper are left out: CPython takes 20 nested blocks.
const DEPTH: usize = 60;

/// Elements of a list for which the body of a loop is gone through one by one.
const TURNS: usize = 16;

/// Characters of a source line that are kept.
const LINE_CHARACTERS: usize = 4_000;

/// What the program does.
pub(super) fn read(source: &[u8], calls: &Calls) -> Program {
    let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
    let read = recovered(source, |text, body, error| {
        let mut walk = Walk::new(text, calls);
        if let Some(at) = error {
            let end = text.get(at..).and_then(|it| it.find('\n')).map_or(text.len(), |it| at + it);
            walk.unclear("is no Python 3: what follows is read as far as it can be", range(at, end));
        }
        walk.module(body);
        walk.program
    });
    match read {
        Recovered::Read(program) => program,
        Recovered::TooLong => {
            let what = "is longer than 512 KiB and was not read".to_owned();
            let at = At { line: 1, column: 1, length: 1, ..At::default() };
            Program { unclear: vec![Unclear { what, at }], ..Program::default() }
        }
    }
}

fn range(start: usize, end: usize) -> TextRange {
    let offset = |it: usize| u32::try_from(it).unwrap_or(u32::MAX).into();
    TextRange::new(offset(start), offset(end.max(start)))
}

/// How a block is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// At its end.
    Goes,
    /// To the end of the loop or of the function.
    Leaves,
    /// The program ends.
    Ends,
}

pub(super) struct Walk<'s> {
    pub(super) text: &'s str,
    /// Where the rows of the text end.
    rows: Vec<usize>,
    pub(super) calls: &'s Calls,
    pub(super) program: Program,
    pub(super) names: Names,
    /// Modules whose names were taken over by `*`.
    pub(super) stars: Vec<String>,
    pub(super) functions: Vec<Routine<'s>>,
    pub(super) classes: Vec<Class>,
    /// What the functions that are being followed gave so far.
    pub(super) returned: Vec<Vec<Thing>>,
    order: u32,
    /// Things that were done, recorded or not.
    pub(super) acts: usize,
    steps: usize,
    depth: usize,
    /// Expressions around the one that is being read.
    pub(super) nesting: usize,
    /// Conditions that nobody can decide around what is being read.
    pub(super) conditions: usize,
    /// Conditions around the statement that is being read.
    outer_conditions: usize,
    pub(super) loops: usize,
    /// Inside a function that nothing calls.
    pub(super) uncalled: bool,
    /// Nothing is recorded: this is only to learn which names change.
    pub(super) muted: bool,
    /// The program ended in a call of the statement that is being read.
    ended: bool,
}

impl<'s> Walk<'s> {
    fn new(text: &'s str, calls: &'s Calls) -> Self {
        let mut names = Names::new();
        names.set("__name__", Thing::text("__main__"));
        Self {
            text,
            rows: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            calls,
            program: Program::default(),
            names,
            stars: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            returned: Vec::new(),
            order: 0,
            acts: 0,
            steps: 0,
            depth: 0,
            nesting: 0,
            conditions: 0,
            outer_conditions: 0,
            loops: 0,
            uncalled: false,
            muted: false,
            ended: false,
        }
    }

    fn module(&mut self, body: &'s [Stmt]) {
        self.block(body);
        self.follow_the_uncalled();
    }

    /// Whether one more step is taken.
    pub(super) fn step(&mut self, place: TextRange) -> bool {
        self.steps += 1;
        if self.steps == STEPS {
            self.muted = false;
            self.unclear("is where reading stopped: the program is too long to be followed", place);
        }
        self.steps < STEPS
    }

    pub(super) fn block(&mut self, body: &'s [Stmt]) -> Flow {
        if DEPTH <= self.depth {
            if let Some(first) = body.first() {
                self.unclear("is nested too deep to be followed", first.range());
            }
            return Flow::Goes;
        }
        self.depth += 1;
        let outside = std::mem::replace(&mut self.outer_conditions, self.conditions);
        let mut flow = Flow::Goes;
        for statement in body {
            if !self.step(statement.range()) {
                break;
            }
            flow = self.statement(statement);
            if std::mem::take(&mut self.ended) {
                flow = Flow::Ends;
            }
            if flow != Flow::Goes {
                break;
            }
        }
        self.outer_conditions = outside;
        self.depth -= 1;
        flow
    }

    /// The program ends here, unless that depends on a condition inside the statement.
    pub(super) fn end(&mut self) {
        self.ended = self.conditions == self.outer_conditions;
    }

    fn statement(&mut self, it: &'s Stmt) -> Flow {
        match it {
            Stmt::Import(it) => self.import(it),
            Stmt::ImportFrom(it) => self.import_from(it),
            Stmt::Assign(it) => {
                let thing = self.value(&it.value);
                for target in &it.targets {
                    self.assign(target, &thing, &it.value, it.range());
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = it.value.as_deref() {
                    let thing = self.value(value);
                    self.assign(&it.target, &thing, value, it.range());
                }
            }
            Stmt::AugAssign(it) => self.update(it),
            Stmt::Expr(it) => {
                self.value(&it.value);
            }
            Stmt::Return(it) => {
                let thing = it.value.as_deref().map_or(Thing::Nothing, |it| self.value(it));
                if let Some(returned) = self.returned.last_mut() {
                    returned.push(thing);
                }
                return Flow::Leaves;
            }
            Stmt::Raise(it) => {
                self.optional(it.exc.as_deref());
                return Flow::Leaves;
            }
            Stmt::Break(_) | Stmt::Continue(_) => return Flow::Leaves,
            Stmt::Delete(it) => it.targets.iter().for_each(|target| self.delete(target, it.range())),
            Stmt::Global(it) => it.names.iter().for_each(|name| self.names.declare_global(name.as_str())),
            Stmt::If(it) => return self.conditional(it),
            Stmt::Try(it) => return self.attempt(it),
            Stmt::For(it) => self.repeat(it),
            Stmt::While(it) => self.repeat_while(it),
            Stmt::With(it) => return self.with(it),
            Stmt::Match(it) => {
                self.value(&it.subject);
                let cases: Vec<&'s [Stmt]> = it.cases.iter().map(|it| it.body.as_slice()).collect();
                return self.branches(&cases, true);
            }
            Stmt::FunctionDef(it) => self.define(it, None),
            Stmt::ClassDef(it) => self.define_class(it),
            Stmt::Assert(it) => {
                self.value(&it.test);
            }
            Stmt::Pass(_) | Stmt::Nonlocal(_) | Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) => {}
        }
        Flow::Goes
    }

    fn optional(&mut self, it: Option<&'s Expr>) {
        if let Some(it) = it {
            self.value(it);
        }
    }

    fn import(&mut self, it: &ast::StmtImport) {
        for alias in &it.names {
            let module = alias.name.as_str();
            self.record_import(module, &[], it.range());
            match &alias.asname {
                Some(name) => self.names.set(name.as_str(), Thing::name(module.to_owned())),
                None => {
                    let root = module.split('.').next().unwrap_or_default();
                    self.names.set(root, Thing::name(root.to_owned()));
                }
            }
        }
    }

    fn import_from(&mut self, it: &ast::StmtImportFrom) {
        let level = usize::try_from(it.level).unwrap_or_default().min(DEPTH);
        let module = ".".repeat(level) + it.module.as_ref().map_or("", |it| it.as_str());
        let names: Vec<String> = it.names.iter().map(|it| it.name.to_string()).collect();
        self.record_import(&module, &names, it.range());
        for alias in &it.names {
            if alias.name.as_str() == "*" {
                self.stars.push(module.clone());
                continue;
            }
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            self.names.set(bound.as_str(), Thing::name(format!("{module}.{}", alias.name)));
        }
    }

    pub(super) fn record_import(&mut self, module: &str, names: &[String], place: TextRange) {
        let Some(at) = self.at(place) else { return };
        let import = Import { module: module.to_owned(), names: names.to_vec(), at };
        record(&mut self.program.imports, import, |it| &mut it.at);
    }

    fn conditional(&mut self, it: &'s ast::StmtIf) -> Flow {
        let mut bodies: Vec<&'s [Stmt]> = Vec::new();
        let mut open = true;
        let first = (Some(it.test.as_ref()), it.body.as_slice());
        let more = it.elif_else_clauses.iter().map(|it| (it.test.as_ref(), it.body.as_slice()));
        for (test, body) in std::iter::once(first).chain(more) {
            let holds = test.map_or(Some(true), |test| self.value(test).truth());
            match holds {
                Some(false) => continue,
                Some(true) if bodies.is_empty() => return self.block(body),
                Some(true) => {
                    bodies.push(body);
                    open = false;
                    break;
                }
                None => bodies.push(body),
            }
        }
        self.branches(&bodies, open)
    }

    /// One of these is executed; none of them perhaps, when it is open.
    fn branches(&mut self, bodies: &[&'s [Stmt]], open: bool) -> Flow {
        let mut ends: Vec<Changes> = Vec::new();
        let mut flows = Vec::new();
        self.conditions += 1;
        for body in bodies {
            let mark = self.names.mark();
            let flow = self.block(body);
            let changes = self.names.roll_back(mark);
            flows.push(flow);
            if flow == Flow::Goes {
                ends.push(changes);
            }
        }
        self.conditions -= 1;
        if open {
            ends.push(Changes::new());
        }
        self.names.merge(&ends);
        match flows.first() {
            Some(first) if ends.is_empty() && flows.iter().all(|it| it == first) => *first,
            Some(_) if ends.is_empty() => Flow::Leaves,
            Some(_) | None => Flow::Goes,
        }
    }

    fn attempt(&mut self, it: &'s ast::StmtTry) -> Flow {
        let mut flow = self.block(&it.body);
        if flow == Flow::Goes {
            flow = self.block(&it.orelse);
        }
        let handlers: Vec<&'s [Stmt]> =
            it.handlers.iter().map(|ast::ExceptHandler::ExceptHandler(it)| it.body.as_slice()).collect();
        let after_handlers = self.branches(&handlers, true);
        let finally = self.block(&it.finalbody);
        match (flow, finally) {
            // A handler may go on where the body left.
            (Flow::Leaves | Flow::Ends, Flow::Goes) if !handlers.is_empty() => after_handlers,
            (flow, Flow::Goes) => flow,
            (_, finally) => finally,
        }
    }

    fn with(&mut self, it: &'s ast::StmtWith) -> Flow {
        for item in &it.items {
            let thing = self.value(&item.context_expr);
            if let Some(target) = item.optional_vars.as_deref() {
                self.assign(target, &thing, &item.context_expr, it.range());
            }
        }
        self.block(&it.body)
    }

    fn repeat(&mut self, it: &'s ast::StmtFor) {
        let values = self.value(&it.iter);
        self.loops += 1;
        if let Thing::Sequence(elements) = &values
            && elements.len() <= TURNS
        {
            for element in elements.iter() {
                self.assign(&it.target, element, &it.iter, it.iter.range());
                self.block(&it.body);
            }
        } else {
            let certain = values == Thing::Many || values.truth() == Some(true);
            self.assign(&it.target, &Thing::Unknown, &it.iter, it.iter.range());
            self.turn(&it.body, certain);
        }
        self.loops -= 1;
        self.block(&it.orelse);
    }

    fn repeat_while(&mut self, it: &'s ast::StmtWhile) {
        let holds = self.value(&it.test).truth();
        if holds == Some(false) {
            return;
        }
        self.loops += 1;
        self.turn(&it.body, holds == Some(true));
        self.loops -= 1;
    }

    /// The body of a loop that runs several times: what it changes may have changed before.
    fn turn(&mut self, body: &'s [Stmt], certain: bool) {
        let muted = std::mem::replace(&mut self.muted, true);
        let mark = self.names.mark();
        self.block(body);
        let changes = self.names.roll_back(mark);
        self.muted = muted;
        self.names.forget(&changes);
        if certain {
            self.block(body);
        } else {
            self.branches(&[body], true);
        }
    }

    pub(super) fn unclear(&mut self, what: &str, place: TextRange) {
        let Some(at) = self.at(place) else { return };
        record(&mut self.program.unclear, Unclear { what: what.to_owned(), at }, |it| &mut it.at);
    }

    /// Where and when something is executed; none where nothing is recorded.
    pub(super) fn at(&mut self, place: TextRange) -> Option<At> {
        self.acts += 1;
        if self.muted || ITEMS < self.order {
            return None;
        }
        self.order += 1;
        if self.order == ITEMS {
            self.unclear("is where recording stopped: the program does too much", place);
            self.order = ITEMS + 1;
            return None;
        }
        let (start, end) = (place.start().to_usize(), place.end().to_usize());
        let row = self.rows.partition_point(|it| *it < start);
        let begin = row.checked_sub(1).and_then(|it| self.rows.get(it)).map_or(0, |it| it + 1);
        let stop = self.rows.get(row).copied().unwrap_or(self.text.len());
        let count = |from: usize, to: usize| self.text.get(from..to).map_or(0, |it| it.chars().count());
        let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        let line = self.text.get(begin..stop).unwrap_or_default();
        Some(At {
            order: self.order,
            line: number(row + 1),
            column: number(count(begin, start) + 1),
            length: number(count(start, end.min(stop)).max(1)),
            text: line.trim_end_matches('\r').chars().take(LINE_CHARACTERS).collect(),
            conditional: 0 < self.conditions,
            in_loop: 0 < self.loops,
            in_function: self.uncalled,
        })
    }
}

/// Adds an item. What is executed again at the same place is the same item, certain if one of them is.
pub(super) fn record<T: Clone + PartialEq>(list: &mut Vec<T>, mut item: T, at: impl Fn(&mut T) -> &mut At) {
    let new = at(&mut item).clone();
    for known in list.iter_mut() {
        let old = at(known).clone();
        if (old.line, old.column) != (new.line, new.column) {
            continue;
        }
        at(&mut item).clone_from(&old);
        if *known == item {
            let known = at(known);
            known.conditional &= new.conditional;
            known.in_function &= new.in_function;
            known.in_loop |= new.in_loop;
            return;
        }
    }
    at(&mut item).clone_from(&new);
    list.push(item);
}
