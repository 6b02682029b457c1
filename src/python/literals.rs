//! The literal values that a module assigns to its names, each with the way that leads to it: `CONFIG`, `blas`, `name`.
//!
//! Invariant: nothing is computed. A call stands for what it is applied to: `tidy({...})` for the dictionary,
//! `bool("True".lower())` for `True`.

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::outline::{ItemKind, outline};
use super::reader::parsed;

/// Deeper values are left out.
const DEPTH: usize = 32;

/// Most values of one module; build records hold some dozens.
const VALUES: usize = 10_000;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// The name, then keys and places: `["CONFIG", "Build Dependencies", "blas", "name"]`, `["blas_info", "libraries", "0"]`.
    pub path: Vec<String>,
    /// The text of a string; a number, `True`, `False` or `None` as written.
    pub text: String,
    /// Line of the source, from 1.
    pub line: u32,
}

/// The literal values of every statement of one line or one bracket that assigns to one name, in order. What is no Python is
/// left out.
pub fn literals(source: &[u8]) -> Vec<Literal> {
    let mut found = Vec::new();
    for item in outline(source) {
        let ItemKind::Simple { target: Some(target), .. } = item.kind else { continue };
        let name = String::from_utf8_lossy(source.get(target).unwrap_or_default()).into_owned();
        let text = source.get(item.range).unwrap_or_default();
        let read = parsed(text, item.line, |text, body| {
            if let Some(Stmt::Assign(assign)) = body.first() {
                Walk { text, line: item.line, path: vec![name], found: &mut found }.value(&assign.value, 0);
            }
        });
        if read.is_err() {
            continue;
        }
    }
    found
}

struct Walk<'a> {
    text: &'a str,
    line: u32,
    path: Vec<String>,
    found: &'a mut Vec<Literal>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Expr, depth: usize) {
        if DEPTH < depth || VALUES < self.found.len() {
            return;
        }
        if let Expr::Dict(dictionary) = value {
            for item in &dictionary.items {
                if let Some(key) = item.key.as_ref().and_then(|it| self.scalar(it)) {
                    self.below(key, &item.value, depth);
                }
            }
        } else if let Expr::List(list) = value {
            self.elements(&list.elts, depth);
        } else if let Expr::Tuple(tuple) = value {
            self.elements(&tuple.elts, depth);
        } else if let Expr::Call(call) = value {
            let method = if let Expr::Attribute(it) = call.func.as_ref() { Some(it.value.as_ref()) } else { None };
            if let Some(applied) = method.or_else(|| call.arguments.args.first()) {
                self.value(applied, depth + 1);
            }
        } else if let Some(text) = self.scalar(value) {
            let before = self.text.get(..value.start().to_usize()).unwrap_or_default();
            let row = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
            self.found.push(Literal { path: self.path.clone(), text, line: self.line.saturating_add(row) });
        }
    }

    fn elements(&mut self, elements: &[Expr], depth: usize) {
        for (at, element) in elements.iter().enumerate() {
            self.below(at.to_string(), element, depth);
        }
    }

    fn below(&mut self, key: String, value: &Expr, depth: usize) {
        self.path.push(key);
        self.value(value, depth + 1);
        self.path.pop();
    }

    fn scalar(&self, value: &Expr) -> Option<String> {
        if let Expr::StringLiteral(text) = value {
            return Some(text.value.to_str().to_owned());
        }
        let plain = matches!(value, Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_));
        plain.then(|| self.text.get(value.range().to_std_range()).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let lines: Vec<String> = literals(source.as_bytes())
            .iter()
            .map(|it| format!("{}: {} = {}", it.line, it.path.join("/"), it.text))
            .collect();
        assert_eq!(lines, expected, "{source}");
    }

    #[test]
    fn values_of_both_styles_of_build_records() {
        check(
            "import os\nblas_info={'libraries': ['blas', 'blas'], 'define_macros': [('HAVE_CBLAS', None)]}\nmkl_info={}\n",
            &[
                "2: blas_info/libraries/0 = blas",
                "2: blas_info/libraries/1 = blas",
                "2: blas_info/define_macros/0/0 = HAVE_CBLAS",
                "2: blas_info/define_macros/0/1 = None",
            ],
        );
        check(
            "CONFIG = tidy(\n  {\n    \"blas\": {\n      \"name\": r\"open\" \"blas\",\n      \"found\": bool(\"True\".lower().replace(\"false\", \"\")),\n    },\n  }\n)\n",
            &["4: CONFIG/blas/name = openblas", "5: CONFIG/blas/found = True"],
        );
    }

    #[test]
    fn what_is_computed_is_left_out() {
        check("a = [x for x in y]\nb = c\nd = f\"{e}\"\nif g:\n    h = 1\n", &[]);
        check("broken = {'a': \nok = 1\n", &[]);
    }
}
