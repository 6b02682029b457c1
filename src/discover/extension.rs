//! Extension modules and libraries of an installation, found by walking its `sys.path`.
//!
//! Invariant: sorted, each file once, however many threads walked.
//! Invariant: what cannot be listed, loops or leaves the walked directory is a gap.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::answer::{Answer, Evidence, gap, unreadable};
use super::look::Look;
use super::metadata::{is_identifier, normalised};
use super::module::{extension_suffixes, takes_stable_abi};
use super::package::Installed;
use super::{Installation, InstallationKind, Origin};
use crate::base::{Gap, TreePath};
use crate::tree::{Kind, View};

/// Directories that hold no shared objects worth a look.
const PRUNED: [&[u8]; 5] = [b"__pycache__", b".git", b"node_modules", b"include", b"share"];

/// Most shared objects of one installation; the largest environments measured hold a few thousand.
const FILES: usize = 50_000;

/// Deepest nesting below a `sys.path` entry.
const DEPTH: usize = 32;

/// Directories behind a link that leads out of the walk which are looked through for shared objects.
const LOOKED_THROUGH: usize = 64;

/// What a shared object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    /// `import` could load it, in this or in another Python.
    Extension,
    /// Only other shared objects load it.
    Library,
}

/// One file whose name ends in `.so` or contains `.so.`.
#[derive(Debug, Clone)]
pub struct ExtensionFile {
    /// Path: links of its directory resolved, the last element as it is.
    pub path: TreePath,
    /// What it is for.
    pub role: FileRole,
    /// The ABI tag in its name: `cpython-311-x86_64-linux-gnu`, `abi3`, `none`.
    pub abi_tag: String,
    /// Whether this Python would load a file with that tag.
    pub fits: Answer<bool>,
    /// The module that `import` would name, for an extension in an importable place.
    pub module: Option<String>,
    /// Import name of the package it belongs to, empty when none does.
    pub package: String,
    /// Set for a link that leads nowhere: its target as written.
    pub dangling: Option<Vec<u8>>,
    /// Files of the same module with other tags.
    pub siblings: Vec<TreePath>,
    /// The sibling that this Python would load instead, or before.
    pub fitting_sibling: Option<TreePath>,
}

/// Every shared object on the `sys.path` of an installation, and directly in the `lib` of its prefix.
pub fn extensions(
    view: &View,
    installation: &Installation,
    packages: &[Installed],
    gaps: &mut Vec<Gap>,
) -> Vec<ExtensionFile> {
    let look = Look::new(view);
    let view = &look;
    let mut found: BTreeMap<TreePath, Found> = BTreeMap::new();
    for Root { path, module, recurse } in roots(view, installation) {
        let root = match view.resolve(path.as_bytes()) {
            Ok(root) => root,
            Err(error) => {
                gaps.push(unreadable(&path, &error, "shared objects below it"));
                continue;
            }
        };
        let walk = Walk { view, root: &root, module: module.as_deref(), recurse };
        for (path, it) in walk.run(gaps) {
            found.entry(path).or_insert(it);
        }
    }
    if found.len() > FILES {
        let reason = format!("more than {FILES} shared objects; the rest is left out");
        gaps.push(gap(&installation.prefix, reason, "shared objects below it"));
        if let Some(cut) = found.keys().nth(FILES).cloned() {
            found.split_off(&cut);
        }
    }
    let owners = package_names(packages);
    let suffixes = extension_suffixes(installation);
    let mut files: Vec<ExtensionFile> =
        found.into_iter().map(|(path, it)| describe(view, installation, &owners, path, it)).collect();
    relate(&mut files, &suffixes);
    look.drain(gaps);
    files
}

/// A shared object and its place below the root of its walk.
struct Found {
    relative: Vec<Vec<u8>>,
    kind: Kind,
}

/// A directory to walk.
struct Root {
    path: TreePath,
    /// The import name of the directory itself, where an editable install maps it.
    module: Option<String>,
    /// Whether directories below it are walked too.
    recurse: bool,
}

fn roots(view: &Look<'_>, installation: &Installation) -> Vec<Root> {
    let plain = |path: TreePath, recurse: bool| Root { path, module: None, recurse };
    let mut roots: Vec<Root> = installation
        .sys_path
        .iter()
        .filter(|it| it.exists && Some(&it.path) != installation.stdlib.as_ref())
        .filter(|it| view.is_directory(&it.path))
        .map(|it| plain(it.path.clone(), it.origin != Origin::Stdlib))
        .collect();
    let mappings = installation.finders.iter().flat_map(|it| &it.mapping);
    let directories = mappings.filter(|(_, path)| view.is_directory(path));
    roots.extend(directories.map(|(name, path)| Root {
        path: path.clone(),
        module: Some(name.clone()),
        recurse: true,
    }));
    let own_lib = match installation.kind {
        InstallationKind::Venv | InstallationKind::Conda | InstallationKind::Module => true,
        InstallationKind::System | InstallationKind::Prefix => false,
    };
    let library = installation.prefix.join("lib");
    if own_lib && view.is_directory(&library) {
        roots.push(plain(library, false));
    }
    roots
}

struct Walk<'a> {
    view: &'a Look<'a>,
    root: &'a TreePath,
    module: Option<&'a str>,
    recurse: bool,
}

/// What one directory holds.
#[derive(Default)]
struct Level {
    files: Vec<(TreePath, Found)>,
    links: Vec<(TreePath, Vec<Vec<u8>>)>,
    gaps: Vec<Gap>,
}

impl Level {
    fn append(mut self, mut other: Self) -> Self {
        self.files.append(&mut other.files);
        self.links.append(&mut other.links);
        self.gaps.append(&mut other.gaps);
        self
    }
}

impl Walk<'_> {
    fn run(&self, gaps: &mut Vec<Gap>) -> Vec<(TreePath, Found)> {
        let above: Vec<Vec<u8>> = self.module.iter().map(|it| it.as_bytes().to_vec()).collect();
        let mut level = self.directory(self.root, &above);
        let mut files = std::mem::take(&mut level.files);
        let mut walked = BTreeSet::new();
        // A package that is a link to a directory elsewhere is imported through it; links deeper down are not followed.
        for (link, relative) in std::mem::take(&mut level.links) {
            match self.view.resolve(link.as_bytes()) {
                Ok(target) if target.is_below(self.root) || self.root.is_below(&target) => {}
                Ok(target) if relative.len() == 1 => {
                    if walked.insert(target.clone()) {
                        let mut below = self.directory(&target, &relative);
                        files.append(&mut below.files);
                        level.gaps.append(&mut below.gaps);
                    }
                }
                Ok(target) if self.holds_no_shared_object(&target) => {}
                Ok(target) => {
                    let reason = format!("link to {target}, outside of the directory: not followed");
                    level.gaps.push(gap(&link, reason, "shared objects below it"));
                }
                Err(error) => level.gaps.push(unreadable(&link, &error, "shared objects below it")),
            }
        }
        level.gaps.sort();
        gaps.append(&mut level.gaps);
        files
    }

    /// Whether a small tree holds no shared object: then a link to it hides nothing, as those that Debian puts into NumPy for
    /// headers and static libraries.
    fn holds_no_shared_object(&self, directory: &TreePath) -> bool {
        let mut todo = vec![directory.clone()];
        for _ in 0..LOOKED_THROUGH {
            let Some(directory) = todo.pop() else { return true };
            let Ok(names) = self.view.list(directory.as_bytes()) else { return false };
            for (name, kind) in names.iter() {
                match kind {
                    Kind::Directory => todo.push(directory.join(name)),
                    Kind::File if !is_shared_object(name) => {}
                    Kind::File | Kind::Link | Kind::Other => return false,
                }
            }
        }
        todo.is_empty()
    }

    fn directory(&self, directory: &TreePath, relative: &[Vec<u8>]) -> Level {
        let mut level = Level::default();
        let names = match self.view.list(directory.as_bytes()) {
            Ok(names) => names,
            Err(error) => {
                level.gaps.push(unreadable(directory, &error, "shared objects below it"));
                return level;
            }
        };
        if DEPTH <= relative.len() {
            level.gaps.push(gap(
                directory,
                format!("nested deeper than {DEPTH} directories"),
                "shared objects below it",
            ));
            return level;
        }
        let mut below = Vec::new();
        for (name, kind) in names.iter() {
            let path = directory.join(name);
            let with_name = || relative.iter().cloned().chain([name.clone()]).collect::<Vec<_>>();
            match kind {
                _ if is_shared_object(name) && *kind != Kind::Directory => {
                    level.files.push((path, Found { relative: with_name(), kind: *kind }));
                }
                Kind::Directory if self.recurse && !is_pruned(name) => below.push((path, with_name())),
                Kind::Link if self.recurse && !is_pruned(name) && self.view.is_directory(&path) => {
                    level.links.push((path, with_name()));
                }
                Kind::Directory | Kind::Link | Kind::File | Kind::Other => {}
            }
        }
        let deeper = below.par_iter().map(|(path, relative)| self.directory(path, relative));
        deeper.collect::<Vec<_>>().into_iter().fold(level, Level::append)
    }
}

fn is_pruned(name: &[u8]) -> bool {
    PRUNED.contains(&name) || name.ends_with(b".dist-info") || name.ends_with(b".egg-info")
}

fn is_shared_object(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|it| it == b".so.")
}

/// Import names by what a directory beside the package may be called.
fn package_names(packages: &[Installed]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for it in packages {
        names.entry(normalised(&it.distribution)).or_insert_with(|| it.name.clone());
    }
    for it in packages.iter().filter(|it| it.importable) {
        names.insert(it.name.clone(), it.name.clone());
        if normalised(&it.distribution) == normalised(&it.name) {
            names.insert(normalised(&it.distribution), it.name.clone());
        }
    }
    names
}

fn describe(
    view: &Look<'_>,
    installation: &Installation,
    owners: &BTreeMap<String, String>,
    path: TreePath,
    found: Found,
) -> ExtensionFile {
    let name = String::from_utf8_lossy(path.file_name()).into_owned();
    let (stem, tag) = split_tag(&name);
    let directories: Vec<String> =
        found.relative.iter().rev().skip(1).rev().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    let in_package = directories.iter().all(|it| is_identifier(it));
    // A plain `.so` is a module only by its place and name; libraries are called libNAME.
    let plain = tag == Some("") && in_package && is_identifier(stem) && !(stem.starts_with("lib") && 3 < stem.len());
    let role = if tag.is_some_and(|it| !it.is_empty()) || plain { FileRole::Extension } else { FileRole::Library };
    let importable = role == FileRole::Extension && in_package && is_identifier(stem);
    let module = importable.then(|| [directories.as_slice(), &[stem.to_owned()]].concat().join("."));
    let abi_tag = tag.filter(|it| !it.is_empty()).unwrap_or("none").to_owned();
    let package = match directories.first() {
        Some(first) => {
            let first = first.strip_suffix(".libs").map_or_else(|| first.clone(), normalised);
            let own = is_identifier(&first).then(|| first.clone());
            owners.get(&first).cloned().or(own).unwrap_or_default()
        }
        None => owners.get(stem).cloned().unwrap_or_default(),
    };
    let dangling = match found.kind {
        Kind::Link => dangling(view, &path),
        Kind::File | Kind::Directory | Kind::Other => None,
    };
    let fits = fits(installation, &abi_tag, &path);
    ExtensionFile { path, role, abi_tag, fits, module, package, dangling, siblings: Vec::new(), fitting_sibling: None }
}

/// The target of a link that leads nowhere; not of one that cannot be followed.
fn dangling(view: &Look<'_>, path: &TreePath) -> Option<Vec<u8>> {
    match view.metadata(path.as_bytes()) {
        Ok(_) => return None,
        Err(error) if super::answer::is_absent(&error) => {}
        Err(error) => {
            view.note(path, &error, "where the link leads");
            return None;
        }
    }
    match view.read_link(path) {
        Ok(target) => Some(target),
        Err(error) => {
            view.note(path, &error, "where the link leads");
            Some(Vec::new())
        }
    }
}

/// `core.fast.cpython-311-x86_64-linux-gnu.so` is the stem `core.fast` and its tag; a plain `.so` has the tag ``.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    let Some(stem) = name.strip_suffix(".so") else { return (name, None) };
    match stem.rsplit_once('.') {
        Some((stem, tag)) if is_tag(tag) => (stem, Some(tag)),
        Some(_) | None => (stem, Some("")),
    }
}

fn is_tag(tag: &str) -> bool {
    let python2 = || tag.ends_with("-linux-gnu") && tag.split('-').count() == 3;
    tag == "abi3" || tag == "abi3t" || tag.starts_with("cpython-") || tag.starts_with("pypy") || python2()
}

fn fits(installation: &Installation, tag: &str, path: &TreePath) -> Answer<bool> {
    let because = || Evidence::at(path, format!("ABI tag {tag}"));
    match (tag, installation.soabi.value()) {
        ("none", _) => Answer::known(true, because()),
        ("abi3", _) => Answer::known(takes_stable_abi(installation), because()),
        (_, Some(_)) => {
            let suffix = format!(".{tag}.so");
            Answer::known(extension_suffixes(installation).contains(&suffix), because())
        }
        (_, None) => Answer::unknown("the ABI tag of the interpreter is not known"),
    }
}

/// Files of one module in one directory know each other.
fn relate(files: &mut [ExtensionFile], suffixes: &[String]) {
    let mut modules: BTreeMap<(TreePath, String), Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate().filter(|(_, it)| it.role == FileRole::Extension) {
        let name = String::from_utf8_lossy(file.path.file_name()).into_owned();
        if let Some(directory) = file.path.parent() {
            modules.entry((directory, split_tag(&name).0.to_owned())).or_default().push(at);
        }
    }
    for ((directory, stem), members) in modules.into_iter().filter(|(_, it)| 1 < it.len()) {
        let paths: Vec<TreePath> = members.iter().filter_map(|at| Some(files.get(*at)?.path.clone())).collect();
        let names = suffixes.iter().map(|it| directory.join(format!("{stem}{it}")));
        let loaded = names.into_iter().find(|it| paths.contains(it));
        for at in members {
            if let Some(file) = files.get_mut(at) {
                file.siblings = paths.iter().filter(|it| **it != file.path).cloned().collect();
                file.fitting_sibling = loaded.clone().filter(|it| *it != file.path);
            }
        }
    }
}
