//! From text to statements, by tree-sitter's grammar of Python.
//!
//! Invariant: a statement that cannot be parsed is left out and said; the others are read.

use std::collections::BTreeMap;
use std::ops::Range;

use tree_sitter::{Node, Parser};

use super::expressions;
use super::fragment::{self, Fragment};
use super::import::import_statement;
use super::syntax::{Body, Expression, Handler, Parameter, Routine, Statement, StatementKind};

/// Statements nested deeper are left out: CPython takes 20 nested blocks.
const DEPTH: usize = 100;

/// Reads parts of sources.
pub struct Reader {
    parser: Parser,
}

/// A part of a source that is not Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPython {
    /// Line of the part, from 1.
    pub line: u32,
}

impl Reader {
    /// A reader; `None` when the grammar does not fit the parser, which a test excludes.
    pub fn new() -> Option<Self> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_ok().then_some(Self { parser })
    }

    /// Statements of a part of `source` that begins in `line`.
    ///
    /// # Errors
    /// Where a part is no Python of any version that the grammar knows.
    pub fn statements(&mut self, source: &[u8], range: Range<usize>, line: u32) -> Result<Body, NotPython> {
        let fragment = fragment::of_statements(source, range);
        self.read(&fragment, line, |lower, root| lower.block(root, 0))
    }

    /// A function or class that begins in `line`.
    ///
    /// # Errors
    /// As [`Reader::statements`].
    pub fn routine(&mut self, source: &[u8], range: Range<usize>, line: u32) -> Result<Routine, NotPython> {
        let fragment = fragment::of_definition(source, range);
        self.read(&fragment, line, |lower, root| {
            let mut cursor = root.walk();
            let found = root.named_children(&mut cursor).find(|it| is_definition(it.kind()));
            found.map(|it| lower.routine(it))
        })?
        .ok_or(NotPython { line })
    }

    fn read<T>(
        &mut self,
        fragment: &Fragment,
        line: u32,
        lower: impl FnOnce(&Lower<'_>, Node<'_>) -> T,
    ) -> Result<T, NotPython> {
        let tree = self.parser.parse(&fragment.text, None).ok_or(NotPython { line })?;
        let root = tree.root_node();
        if root.has_error() {
            return Err(NotPython { line });
        }
        Ok(lower(&Lower { text: &fragment.text, definitions: &fragment.definitions, line }, root))
    }
}

fn is_definition(kind: &str) -> bool {
    kind == "function_definition" || kind == "class_definition"
}

/// One text and its tree.
pub(super) struct Lower<'t> {
    pub(super) text: &'t [u8],
    definitions: &'t BTreeMap<usize, Range<usize>>,
    line: u32,
}

impl<'t> Lower<'t> {
    /// The text of a node.
    pub(super) fn text(&self, node: Node<'_>) -> &'t [u8] {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The text of a node that is a name.
    pub(super) fn name(&self, node: Node<'_>) -> String {
        String::from_utf8_lossy(self.text(node)).into_owned()
    }

    pub(super) fn expression(&self, node: Option<Node<'_>>) -> Expression {
        node.map_or(Expression::Other(Vec::new()), |it| expressions::lower(self, it, 0))
    }

    fn body(&self, node: Option<Node<'_>>, depth: usize) -> Body {
        node.map_or_else(|| Body::from([]), |it| self.block(it, depth + 1))
    }

    fn block(&self, node: Node<'_>, depth: usize) -> Body {
        if DEPTH < depth {
            return Body::from([]);
        }
        let mut cursor = node.walk();
        let mut out = Vec::new();
        for child in node.named_children(&mut cursor) {
            let line = self.line.saturating_add(u32::try_from(child.start_position().row).unwrap_or(u32::MAX));
            if let Some(kind) = self.statement(child, depth) {
                out.push(Statement { line, kind });
            }
        }
        out.into()
    }

    fn statement(&self, node: Node<'_>, depth: usize) -> Option<StatementKind> {
        let field = |name: &str| node.child_by_field_name(name);
        Some(match node.kind() {
            "import_statement" | "import_from_statement" => return import_statement(self.text(node)),
            "expression_statement" => return self.simple(node),
            "return_statement" => StatementKind::Return(node.named_child(0).map(|it| self.expression(Some(it)))),
            "raise_statement" => StatementKind::Raise(node.named_child(0).map(|it| self.expression(Some(it)))),
            "delete_statement" => StatementKind::Delete(self.children(node)),
            "global_statement" => {
                let mut cursor = node.walk();
                StatementKind::Global(node.named_children(&mut cursor).map(|it| self.name(it)).collect())
            }
            "break_statement" => StatementKind::Break,
            "continue_statement" => StatementKind::Continue,
            "if_statement" => self.conditional(node, depth),
            "try_statement" => self.attempt(node, depth),
            "for_statement" => StatementKind::For {
                target: self.expression(field("left")),
                values: self.expression(field("right")),
                body: self.body(field("body"), depth),
                otherwise: self.body(field("alternative").and_then(|it| it.child_by_field_name("body")), depth),
            },
            "while_statement" => StatementKind::While {
                condition: self.expression(field("condition")),
                body: self.body(field("body"), depth),
            },
            "with_statement" => {
                StatementKind::With { items: self.managers(node), body: self.body(field("body"), depth) }
            }
            "decorated_definition" => {
                let mut cursor = node.walk();
                let marks = node.named_children(&mut cursor).filter(|it| it.kind() == "decorator");
                let decorators = marks.map(|it| self.expression(it.named_child(0))).collect();
                return self.definition(field("definition")?, decorators);
            }
            "function_definition" | "class_definition" => return self.definition(node, Vec::new()),
            "match_statement" => self.cases(node, depth),
            _ => return None,
        })
    }

    fn simple(&self, node: Node<'_>) -> Option<StatementKind> {
        let inner = node.named_child(0)?;
        Some(match inner.kind() {
            "assignment" => {
                let (mut targets, mut at) = (Vec::new(), inner);
                loop {
                    targets.push(self.expression(at.child_by_field_name("left")));
                    match at.child_by_field_name("right")? {
                        next if next.kind() == "assignment" => at = next,
                        value => break StatementKind::Assign { targets, value: self.expression(Some(value)) },
                    }
                }
            }
            "augmented_assignment" => {
                let target = self.expression(inner.child_by_field_name("left"));
                let value = self.expression(inner.child_by_field_name("right"));
                let sign = inner.child_by_field_name("operator").map(|it| self.text(it)).unwrap_or_default();
                match expressions::operator(sign.strip_suffix(b"=").unwrap_or_default()) {
                    Some(operator) => StatementKind::Update { operator, target, value },
                    None => StatementKind::Assign { targets: vec![target], value: Expression::Other(vec![value]) },
                }
            }
            _ if node.named_child_count() > 1 => StatementKind::Expression(Expression::Other(self.children(node))),
            _ => StatementKind::Expression(self.expression(Some(inner))),
        })
    }

    fn children(&self, node: Node<'_>) -> Vec<Expression> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).map(|it| self.expression(Some(it))).collect()
    }

    fn conditional(&self, node: Node<'_>, depth: usize) -> StatementKind {
        let branch = |it: Node<'_>| {
            let condition = self.expression(it.child_by_field_name("condition"));
            (condition, self.body(it.child_by_field_name("consequence"), depth))
        };
        let mut branches = vec![branch(node)];
        let mut otherwise = Body::from([]);
        let mut cursor = node.walk();
        for clause in node.children_by_field_name("alternative", &mut cursor) {
            match clause.kind() {
                "elif_clause" => branches.push(branch(clause)),
                _ => otherwise = self.body(clause.child_by_field_name("body"), depth),
            }
        }
        StatementKind::If { branches, otherwise }
    }

    fn attempt(&self, node: Node<'_>, depth: usize) -> StatementKind {
        let (mut handlers, mut otherwise, mut finally) = (Vec::new(), Body::from([]), Body::from([]));
        let mut cursor = node.walk();
        for clause in node.named_children(&mut cursor) {
            let mut inner = clause.walk();
            let block = clause.named_children(&mut inner).find(|it| it.kind() == "block");
            match clause.kind() {
                "except_clause" => handlers.push(self.handler(clause, block, depth)),
                "else_clause" => otherwise = self.body(clause.child_by_field_name("body"), depth),
                "finally_clause" => finally = self.body(block, depth),
                _ => {}
            }
        }
        StatementKind::Try { body: self.body(node.child_by_field_name("body"), depth), handlers, otherwise, finally }
    }

    fn handler(&self, clause: Node<'_>, block: Option<Node<'_>>, depth: usize) -> Handler {
        let value = clause.child_by_field_name("value");
        // `except A as name` is one pattern in some versions of the grammar.
        let pattern = value.filter(|it| it.kind() == "as_pattern");
        let alias = pattern.and_then(|it| it.child_by_field_name("alias")).or(clause.child_by_field_name("alias"));
        let caught = pattern.and_then(|it| it.named_child(0)).or(value);
        Handler {
            catches: caught.map(|it| self.expression(Some(it))),
            name: alias.map(|it| self.name(it)),
            body: self.body(block, depth),
        }
    }

    fn managers(&self, node: Node<'_>) -> Vec<(Expression, Option<Expression>)> {
        let mut cursor = node.walk();
        let Some(clause) = node.named_children(&mut cursor).find(|it| it.kind() == "with_clause") else {
            return Vec::new();
        };
        let mut cursor = clause.walk();
        let values = clause.named_children(&mut cursor).filter_map(|it| it.child_by_field_name("value"));
        let one = |it: Node<'_>| match it.kind() {
            "as_pattern" => {
                let alias = it.child_by_field_name("alias").and_then(|it| it.named_child(0));
                (self.expression(it.named_child(0)), alias.map(|it| self.expression(Some(it))))
            }
            _ => (self.expression(Some(it)), None),
        };
        values.map(one).collect()
    }

    fn cases(&self, node: Node<'_>, depth: usize) -> StatementKind {
        let mut blocks = Vec::new();
        if let Some(body) = node.child_by_field_name("body") {
            let mut cursor = body.walk();
            for case in body.named_children(&mut cursor) {
                blocks.push(self.body(case.child_by_field_name("consequence"), depth));
            }
        }
        StatementKind::Perhaps(blocks)
    }

    fn definition(&self, node: Node<'_>, decorators: Vec<Expression>) -> Option<StatementKind> {
        let range = self.definitions.get(&node.start_position().row)?.clone();
        let name = self.name(node.child_by_field_name("name")?);
        Some(StatementKind::Define { name, is_class: node.kind() == "class_definition", range, decorators })
    }

    fn routine(&self, node: Node<'_>) -> Routine {
        let mut routine =
            Routine { parameters: Vec::new(), bases: Vec::new(), body: self.body(node.child_by_field_name("body"), 0) };
        if let Some(bases) = node.child_by_field_name("superclasses") {
            routine.bases = self.children(bases);
        }
        if let Some(list) = node.child_by_field_name("parameters") {
            let mut cursor = list.walk();
            routine.parameters = list.named_children(&mut cursor).filter_map(|it| self.parameter(it)).collect();
        }
        routine
    }

    fn parameter(&self, node: Node<'_>) -> Option<Parameter> {
        let inner = match node.kind() {
            "identifier" => node,
            "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name")?,
            "typed_parameter" | "list_splat_pattern" | "dictionary_splat_pattern" => node.named_child(0)?,
            _ => return None,
        };
        let is_rest = |it: &Node<'_>| it.kind().ends_with("splat_pattern");
        let rest = is_rest(&node) || is_rest(&inner);
        let named = if is_rest(&inner) { inner.named_child(0)? } else { inner };
        let default = node.child_by_field_name("value").map(|it| self.expression(Some(it)));
        Some(Parameter { name: self.name(named), default, is_rest: rest })
    }
}
