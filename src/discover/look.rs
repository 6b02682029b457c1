//! A view whose yes-or-no questions never lose an error: what could not be asked becomes a gap.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use super::answer::{is_absent, unreadable};
use crate::base::{Gap, TreePath};
use crate::tree::{Kind, View};

/// A view, and the questions to it that failed. All other calls are those of the view.
pub(super) struct Look<'a> {
    view: &'a View,
    failed: Mutex<Vec<Gap>>,
}

impl<'a> Look<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(view: &'a View) -> Self {
        Self { view, failed: Mutex::default() }
    }

    /// Whether the path leads to a regular file.
    pub(super) fn is_file(&self, path: &TreePath) -> bool {
        self.kind(path) == Some(Kind::File)
    }

    /// Whether the path leads to a directory.
    pub(super) fn is_directory(&self, path: &TreePath) -> bool {
        self.kind(path) == Some(Kind::Directory)
    }

    /// Whether the path leads to anything.
    pub(super) fn exists(&self, path: &TreePath) -> bool {
        self.kind(path).is_some()
    }

    /// What the path leads to.
    fn kind(&self, path: &TreePath) -> Option<Kind> {
        match self.view.metadata(path.as_bytes()) {
            Ok(it) => Some(it.kind),
            Err(error) => {
                self.note(path, &error, "whether it is there, and what it is");
                None
            }
        }
    }

    /// The path with its links resolved; as it is where that fails.
    pub(super) fn real(&self, path: &TreePath) -> TreePath {
        match self.view.resolve(path.as_bytes()) {
            Ok(real) => real,
            Err(error) => {
                self.note(path, &error, "where its links lead");
                path.clone()
            }
        }
    }

    /// Remembers an error unless it only says that nothing is there.
    pub(super) fn note(&self, path: &TreePath, error: &std::io::Error, hides: &str) {
        if !is_absent(error) {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.push(unreadable(path, error, hides));
        }
    }

    /// Hands over what failed so far, sorted: threads may have asked.
    pub(super) fn drain(&self, gaps: &mut Vec<Gap>) {
        let mut failed = std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner));
        failed.sort();
        failed.dedup();
        gaps.append(&mut failed);
    }
}

impl Deref for Look<'_> {
    type Target = View;

    fn deref(&self) -> &View {
        self.view
    }
}
