//! From text to statements, by the parser of Ruff.
//!
//! Invariant: a part that cannot be parsed is said, never guessed.

use std::collections::BTreeMap;
use std::ops::Range;

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use super::expressions::{self, lower};
use super::fragment::{self, Fragment};
use super::syntax::{Alias, Body, Expression, Handler, Parameter, Routine, Statement, StatementKind};

/// Statements nested deeper are left out: CPython takes 20 nested blocks.
const DEPTH: usize = 100;

/// Longest part that is read, in bytes: the longest of numpy, scipy and h5py has 15 KiB.
const PART_BYTES: usize = 512 << 10;

/// Stack that each byte of a part may need, in bytes: of `---x` every sign is a node inside the other.
const STACK_BYTES_PER_BYTE: usize = 256;

/// Stack that is kept free for the rest, in bytes.
const STACK_BYTES: usize = 256 << 10;

/// Stack for following the calls of a program, in bytes: functions inside functions, each with its nested blocks.
const FOLLOWING_STACK_BYTES: usize = 32 << 20;

/// A part of a source that is not Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPython {
    /// Line of the part, from 1.
    pub line: u32,
}

/// Statements of a part of `source` that begins in `line`.
///
/// # Errors
/// Where a part is no Python 3, or larger than 512 KiB.
pub fn statements(source: &[u8], range: Range<usize>, line: u32) -> Result<Body, NotPython> {
    read(&fragment::of_statements(source, range), line, |blocks, body| blocks.block(body, 0))
}

/// A function or class that begins in `line`.
///
/// # Errors
/// As [`statements`].
pub fn routine(source: &[u8], range: Range<usize>, line: u32) -> Result<Routine, NotPython> {
    let fragment = fragment::of_definition(source, range);
    read(&fragment, line, |blocks, body| match body.first() {
        Some(Stmt::FunctionDef(it)) => Ok(blocks.function(it)),
        Some(Stmt::ClassDef(it)) => Ok(blocks.class(it)),
        Some(_) | None => Err(NotPython { line }),
    })?
}

fn read<T>(fragment: &Fragment, line: u32, take: impl FnOnce(&Blocks<'_>, &[Stmt]) -> T) -> Result<T, NotPython> {
    parsed(&fragment.text, line, |text, body| {
        let rows = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        take(&Blocks { rows, definitions: &fragment.definitions, line }, body)
    })
}

/// The statements of a text that begins in `line`, with the text that their places count in.
pub(super) fn parsed<T>(text: &[u8], line: u32, take: impl FnOnce(&str, &[Stmt]) -> T) -> Result<T, NotPython> {
    if PART_BYTES < text.len() {
        return Err(NotPython { line });
    }
    let text = String::from_utf8_lossy(text);
    let needed = STACK_BYTES + text.len() * STACK_BYTES_PER_BYTE;
    stacker::maybe_grow(needed, needed, || {
        let parsed = parse_unchecked(&text, ParseOptions::from(Mode::Module));
        if !parsed.errors().is_empty() {
            return Err(NotPython { line });
        }
        let module = parsed.try_into_module().ok_or(NotPython { line })?;
        Ok(take(&text, module.suite()))
    })
}

/// What became of a text that may hold errors.
pub(super) enum Recovered<T> {
    /// It was read.
    Read(T),
    /// It is longer than what is read.
    TooLong,
}

/// The statements of a whole text, as far as they can be told apart, and where the first error is.
pub(super) fn recovered<T>(source: &[u8], take: impl FnOnce(&str, &[Stmt], Option<usize>) -> T) -> Recovered<T> {
    if PART_BYTES < source.len() {
        return Recovered::TooLong;
    }
    let text = String::from_utf8_lossy(source);
    let needed = FOLLOWING_STACK_BYTES + text.len() * STACK_BYTES_PER_BYTE;
    stacker::maybe_grow(needed, needed, || {
        let parsed = parse_unchecked(&text, ParseOptions::from(Mode::Module));
        let error = parsed.errors().iter().map(|it| it.location.start().to_usize()).min();
        Recovered::Read(match parsed.try_into_module() {
            Some(module) => take(&text, module.suite(), error),
            None => take(&text, &[], error.or(Some(0))),
        })
    })
}

/// What is known of the text whose statements are taken over.
struct Blocks<'t> {
    /// Where its rows end.
    rows: Vec<usize>,
    definitions: &'t BTreeMap<usize, Range<usize>>,
    line: u32,
}

impl Blocks<'_> {
    fn row(&self, at: TextSize) -> usize {
        self.rows.partition_point(|end| *end < at.to_usize())
    }

    fn block(&self, body: &[Stmt], depth: usize) -> Body {
        if DEPTH < depth {
            return Body::from([]);
        }
        let one = |it: &Stmt| {
            let row = u32::try_from(self.row(it.start())).unwrap_or(u32::MAX);
            Some(Statement { line: self.line.saturating_add(row), kind: self.statement(it, depth)? })
        };
        body.iter().filter_map(one).collect()
    }

    /// What a statement does; none for those that decide no import.
    fn statement(&self, it: &Stmt, depth: usize) -> Option<StatementKind> {
        let optional = |it: &Option<Box<Expr>>| it.as_deref().map(expression);
        let block = |it: &[Stmt]| self.block(it, depth + 1);
        Some(match it {
            Stmt::Import(it) => StatementKind::Import(aliases(&it.names)),
            Stmt::ImportFrom(it) => import_from(it)?,
            Stmt::Assign(it) => StatementKind::Assign {
                targets: it.targets.iter().map(expression).collect(),
                value: expression(&it.value),
            },
            Stmt::AnnAssign(it) => {
                StatementKind::Assign { targets: vec![expression(&it.target)], value: expression(it.value.as_deref()?) }
            }
            Stmt::AugAssign(it) => update(it),
            Stmt::Expr(it) => StatementKind::Expression(expression(&it.value)),
            Stmt::Return(it) => StatementKind::Return(optional(&it.value)),
            Stmt::Raise(it) => StatementKind::Raise(optional(&it.exc)),
            Stmt::Delete(it) => StatementKind::Delete(it.targets.iter().map(expression).collect()),
            Stmt::Global(it) => StatementKind::Global(it.names.iter().map(ToString::to_string).collect()),
            Stmt::Break(_) => StatementKind::Break,
            Stmt::Continue(_) => StatementKind::Continue,
            Stmt::If(it) => self.conditional(it, depth),
            Stmt::Try(it) => StatementKind::Try {
                body: block(&it.body),
                handlers: it.handlers.iter().map(|it| self.handler(it, depth)).collect(),
                otherwise: block(&it.orelse),
                finally: block(&it.finalbody),
            },
            Stmt::For(it) => StatementKind::For {
                target: expression(&it.target),
                values: expression(&it.iter),
                body: block(&it.body),
                otherwise: block(&it.orelse),
            },
            Stmt::While(it) => StatementKind::While { condition: expression(&it.test), body: block(&it.body) },
            Stmt::With(it) => {
                let one = |it: &ast::WithItem| (expression(&it.context_expr), optional(&it.optional_vars));
                StatementKind::With { items: it.items.iter().map(one).collect(), body: block(&it.body) }
            }
            Stmt::Match(it) => StatementKind::Perhaps(it.cases.iter().map(|it| block(&it.body)).collect()),
            Stmt::FunctionDef(it) => self.definition(&it.name, false, &it.decorator_list)?,
            Stmt::ClassDef(it) => self.definition(&it.name, true, &it.decorator_list)?,
            Stmt::Pass(_) | Stmt::Assert(_) | Stmt::Nonlocal(_) | Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) => {
                return None;
            }
        })
    }

    fn conditional(&self, it: &ast::StmtIf, depth: usize) -> StatementKind {
        let mut branches = vec![(expression(&it.test), self.block(&it.body, depth + 1))];
        let mut otherwise = Body::from([]);
        for clause in &it.elif_else_clauses {
            let body = self.block(&clause.body, depth + 1);
            match &clause.test {
                Some(test) => branches.push((expression(test), body)),
                None => otherwise = body,
            }
        }
        StatementKind::If { branches, otherwise }
    }

    fn handler(&self, it: &ast::ExceptHandler, depth: usize) -> Handler {
        let ast::ExceptHandler::ExceptHandler(it) = it;
        Handler {
            catches: it.type_.as_deref().map(expression),
            name: it.name.as_ref().map(ToString::to_string),
            body: self.block(&it.body, depth + 1),
        }
    }

    fn definition(&self, name: &ast::Identifier, is_class: bool, marks: &[ast::Decorator]) -> Option<StatementKind> {
        // `def` and its name stand in one row of a part, decorators above it.
        let range = self.definitions.get(&self.row(name.start()))?.clone();
        let decorators = marks.iter().map(|it| expression(&it.expression)).collect();
        Some(StatementKind::Define { name: name.to_string(), is_class, range, decorators })
    }

    fn function(&self, it: &ast::StmtFunctionDef) -> Routine {
        let parameter = |name: &ast::Identifier, default: Option<&Expr>, is_rest| Parameter {
            name: name.to_string(),
            default: default.map(expression),
            is_rest,
        };
        let one = |it: ast::AnyParameterRef<'_>| parameter(it.name(), it.default(), it.is_variadic());
        let parameters = it.parameters.iter_source_order().map(one).collect();
        Routine { parameters, bases: Vec::new(), body: self.block(&it.body, 0) }
    }

    fn class(&self, it: &ast::StmtClassDef) -> Routine {
        let bases = it.bases().iter().chain(it.keywords().iter().map(|it| &it.value));
        Routine { parameters: Vec::new(), bases: bases.map(expression).collect(), body: self.block(&it.body, 0) }
    }
}

fn expression(it: &Expr) -> Expression {
    lower(it, 0)
}

fn update(it: &ast::StmtAugAssign) -> StatementKind {
    let (target, value) = (expression(&it.target), expression(&it.value));
    match expressions::operator(it.op) {
        Some(operator) => StatementKind::Update { operator, target, value },
        None => StatementKind::Assign { targets: vec![target], value: Expression::Other(vec![value]) },
    }
}

fn aliases(names: &[ast::Alias]) -> Vec<Alias> {
    let one =
        |it: &ast::Alias| Alias { name: it.name.to_string(), bound_to: it.asname.as_ref().map(ToString::to_string) };
    names.iter().map(one).collect()
}

fn import_from(it: &ast::StmtImportFrom) -> Option<StatementKind> {
    Some(StatementKind::ImportFrom {
        level: usize::try_from(it.level).unwrap_or(usize::MAX),
        module: it.module.as_ref().map(ToString::to_string).unwrap_or_default(),
        names: match it.names.as_slice() {
            [only] if only.name.as_str() == "*" => None,
            names => Some(aliases(names)),
        },
    })
}
