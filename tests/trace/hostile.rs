//! Sources that no editor wrote: no panic, statements in order, an end.

use std::rc::Rc;

use proptest::prelude::*;
use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::python::{ItemKind, import_statement, mentions_import, outline, references, routine, statements};
use pyhpc_audit::trace::State;
use pyhpc_audit::tree::{MemoryTree, View};

use super::outside::Outside;
use super::{Case, cases, files, interpreter};

/// Everything that reads a source reads this one.
#[track_caller]
fn survive(source: &[u8]) {
    let mut end = 0;
    for item in outline(source) {
        assert!(end <= item.range.start && item.range.start <= item.range.end && item.range.end <= source.len());
        end = item.range.end;
        let text = &source[item.range.clone()];
        references(text, |_| {});
        mentions_import(source, item.range.clone());
        match &item.kind {
            ItemKind::Import => drop(import_statement(text)),
            ItemKind::Definition(it) => {
                drop(routine(source, item.range.clone(), item.line));
                for decorator in &it.decorators {
                    drop(statements(source, decorator.clone(), item.line));
                }
            }
            ItemKind::Simple { .. } | ItemKind::Block => {
                drop(statements(source, item.range.clone(), item.line));
            }
        }
    }
    let mut tree = MemoryTree::new();
    tree.add_file(&TreePath::new("/site/a.py"), source);
    tree.add_file(&TreePath::new("/site/b.py"), "import a\nfrom a import *\na.f()\n");
    let (view, variables, case) = (View::new(Box::new(tree)), Variables::default(), Case::default());
    let mut state = State::new(interpreter(&view, &variables, &crate::Case::default()), Rc::default());
    let _ = state.import(&mut Outside::new(&case), "b");
}

/// Sources of the cases, in which mutations find something to break.
fn sources() -> Vec<Vec<u8>> {
    let cases = files().into_iter().flat_map(|it| cases(&it));
    let texts = cases.flat_map(|it| it.files.into_values());
    texts.filter(|it| !it.contains("REPEAT")).map(String::into_bytes).collect()
}

const WORDS: [&str; 32] = [
    "import a",
    "from . import *",
    "def f(",
    "class",
    ":",
    "\n",
    "\n    ",
    "\n\t",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"\"\"",
    "'",
    "f\"{",
    "\\\n",
    "if",
    "else:",
    "try:",
    "except",
    "while True:",
    "for x in",
    "lambda",
    "@",
    "#",
    "\0",
    "\r",
    "\u{feff}",
    "=",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&bytes);
    }

    #[test]
    fn any_words_are_survived(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60)) {
        survive(words.join(" ").as_bytes());
    }

    #[test]
    fn mutated_sources_are_survived(
        mut source in prop::sample::select(sources()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(WORDS.to_vec())), 1..5),
    ) {
        for (at, length, word) in cuts {
            let at = at.index(source.len() + 1);
            let end = source.len().min(at + length);
            source.splice(at..end, word.bytes());
        }
        survive(&source);
    }
}

#[test]
fn deep_nesting_is_survived() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("not ", ""), ("-", ""), ("lambda: ", ""), ("a.b[", "]")]
    {
        let source = format!("import b\nx = {}1{}\nprint(x)\n", open.repeat(3_000), close.repeat(3_000));
        survive(source.as_bytes());
    }
    let nested: String = (0..300).map(|at| format!("{}if x:\n", " ".repeat(at))).collect();
    survive(format!("{nested}{}import b\n", " ".repeat(300)).as_bytes());
}
