//! Sources that were read, and what was parsed of them: once for all processes of an installation.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::value::Source;
use crate::base::{TreePath, read_range};
use crate::python::{self, Body, NotPython, Routine, outline};
use crate::tree::View;

/// Largest source that is followed, in bytes.
const SOURCE_BYTES: u64 = 16 << 20;

/// Texts that say that a module makes names while it runs.
const MAKES_NAMES: [&[u8]; 5] = [b"globals()", b"vars()", b"setattr(", b"__dict__", b"exec("];

/// Texts that say that a module makes modules of which no file tells.
const MAKES_MODULES: [&[u8]; 2] = [b"sys.modules", b"meta_path"];

/// A source, and where in it a part begins.
type Part = (*const Source, usize);

/// The sources of an installation.
#[derive(Default)]
pub struct Library {
    sources: RefCell<HashMap<TreePath, Result<Rc<Source>, String>>>,
    bodies: RefCell<HashMap<Part, Result<Body, NotPython>>>,
    routines: RefCell<HashMap<Part, Result<Rc<Routine>, NotPython>>>,
}

impl Library {
    /// A source file, its statements told apart.
    pub(super) fn source(&self, view: &View, file: &TreePath) -> Result<Rc<Source>, String> {
        if let Some(known) = self.sources.borrow().get(file) {
            return known.clone();
        }
        let fresh = read(view, file).map(|bytes| Rc::new(of_bytes(file, bytes)));
        self.sources.borrow_mut().insert(file.clone(), fresh.clone());
        fresh
    }

    /// Statements of a part of a source that begins in `line`.
    pub(super) fn statements(&self, of: &Rc<Source>, range: &Range<usize>, line: u32) -> Result<Body, NotPython> {
        let part = (Rc::as_ptr(of), range.start);
        if let Some(known) = self.bodies.borrow().get(&part) {
            return known.clone();
        }
        let fresh = python::statements(&of.bytes, range.clone(), line);
        self.bodies.borrow_mut().insert(part, fresh.clone());
        fresh
    }

    /// A function or class that begins in `line`.
    pub(super) fn routine(&self, of: &Rc<Source>, range: &Range<usize>, line: u32) -> Result<Rc<Routine>, NotPython> {
        let part = (Rc::as_ptr(of), range.start);
        if let Some(known) = self.routines.borrow().get(&part) {
            return known.clone();
        }
        let fresh = python::routine(&of.bytes, range.clone(), line).map(Rc::new);
        self.routines.borrow_mut().insert(part, fresh.clone());
        fresh
    }
}

/// The whole of a file.
pub(super) fn read(view: &View, file: &TreePath) -> Result<Vec<u8>, String> {
    let open = view.open(file.as_bytes()).map_err(|it| it.to_string())?;
    if SOURCE_BYTES < open.size_bytes() {
        return Err("larger than 16 MiB".to_owned());
    }
    read_range(&*open, 0, open.size_bytes()).map_err(|it| it.to_string())
}

/// A source whose bytes are at hand.
pub(super) fn of_bytes(path: &TreePath, bytes: Vec<u8>) -> Source {
    let first = |texts: &[&[u8]]| texts.iter().filter_map(|it| memchr::memmem::find(&bytes, it)).min();
    let line = |at: usize| {
        let above = bytes.get(..at).unwrap_or_default();
        u32::try_from(memchr::memchr_iter(b'\n', above).count() + 1).unwrap_or(u32::MAX)
    };
    let (makes_names, makes_modules) = (first(&MAKES_NAMES).map(line), first(&MAKES_MODULES).is_some());
    let items = outline(&bytes);
    Source { path: path.clone(), bytes, items, makes_names, makes_modules }
}
