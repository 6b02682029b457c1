//! Where the interpreter finds a module: `importlib`'s FileFinder over directory listings.
//!
//! Source: CPython `Lib/importlib/_bootstrap_external.py`, `FileFinder.find_spec` and `PathFinder`.

use crate::base::TreePath;
use crate::tree::{Kind, View};

/// What a module is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundKind {
    /// Source, of a module or package.
    Source,
    /// Compiled Python without its source.
    Bytecode,
    /// A shared object.
    Extension,
    /// A directory without `__init__`.
    Namespace,
}

/// A module that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: FoundKind,
    /// The file that runs; none for a namespace.
    pub(super) file: Option<TreePath>,
    /// Where modules below it are searched; none for what is no package.
    pub(super) search: Option<Vec<TreePath>>,
}

/// Finds modules in directories.
#[derive(Clone)]
pub struct Finder<'a> {
    view: &'a View,
    suffixes: Vec<(String, FoundKind)>,
}

impl<'a> Finder<'a> {
    /// A finder for an interpreter that takes extensions with these endings.
    pub fn new(view: &'a View, extension_suffixes: &[String]) -> Self {
        let mut suffixes: Vec<(String, FoundKind)> =
            extension_suffixes.iter().map(|it| (it.clone(), FoundKind::Extension)).collect();
        suffixes.push((".py".to_owned(), FoundKind::Source));
        suffixes.push((".pyc".to_owned(), FoundKind::Bytecode));
        Self { view, suffixes }
    }

    /// The first module of that name, or every portion of a namespace package.
    pub(super) fn find(&self, directories: &[TreePath], name: &str) -> Option<Found> {
        let mut portions = Vec::new();
        for directory in directories {
            match self.find_in(directory, name) {
                Some(Found { kind: FoundKind::Namespace, search, .. }) => portions.extend(search.unwrap_or_default()),
                Some(found) => return Some(found),
                None => {}
            }
        }
        let found = Found { kind: FoundKind::Namespace, file: None, search: Some(portions.clone()) };
        (!portions.is_empty()).then_some(found)
    }

    /// The module whose path without ending is `stem`.
    pub(super) fn find_at(&self, stem: &TreePath) -> Option<Found> {
        let name = String::from_utf8_lossy(stem.file_name()).into_owned();
        self.find_in(&stem.parent()?, &name)
    }

    fn find_in(&self, directory: &TreePath, name: &str) -> Option<Found> {
        let mut is_namespace = None;
        if self.kind(directory, name) == Some(Kind::Directory) {
            let below = directory.join(name);
            if let Some((file, kind)) = self.file(&below, "__init__") {
                return Some(Found { kind, file: Some(file), search: Some(vec![below]) });
            }
            is_namespace = Some(below);
        }
        if let Some((file, kind)) = self.file(directory, name) {
            return Some(Found { kind, file: Some(file), search: None });
        }
        is_namespace.map(|it| Found { kind: FoundKind::Namespace, file: None, search: Some(vec![it]) })
    }

    fn file(&self, directory: &TreePath, stem: &str) -> Option<(TreePath, FoundKind)> {
        let fits = |(suffix, kind): &(String, FoundKind)| {
            let name = format!("{stem}{suffix}");
            (self.kind(directory, &name) == Some(Kind::File)).then(|| (directory.join(&name), *kind))
        };
        self.suffixes.iter().find_map(fits)
    }

    /// What an entry of a directory leads to.
    fn kind(&self, directory: &TreePath, name: &str) -> Option<Kind> {
        let Ok(entries) = self.view.list(directory.as_bytes()) else { return None };
        let at = entries.binary_search_by(|(entry, _)| entry.as_slice().cmp(name.as_bytes()));
        match entries.get(at.unwrap_or(usize::MAX))?.1 {
            Kind::Link => match self.view.metadata(directory.join(name).as_bytes()) {
                Ok(it) => Some(it.kind),
                Err(_) => None,
            },
            kind => Some(kind),
        }
    }
}
