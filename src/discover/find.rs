//! Finds the Pythons of a path, of a root, or the active one.

use std::collections::BTreeSet;

use super::answer::{gap, is_absent, reason};
use super::environment::{self, ModulePrefix};
use super::feature::{Feature, is_interpreter_name};
use super::interpreter::{self, NoImage};
use super::layout::{list_or_gap, site_directories};
use super::look::Look;
use super::{DiscoverError, Installation};
use crate::base::{Gap, TreePath, Variables};
use crate::tree::{Kind, View};

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// An environment prefix, a python executable, or a prefix that only holds packages.
    Path(TreePath),
    /// The active environment: `VIRTUAL_ENV`, `CONDA_PREFIX`, else the first `python3` on `PATH`.
    Active,
    /// Every Python of the root.
    Root,
}

/// `PATH` where the process has none, as container runtimes give it to what starts in an image without one
/// (moby, oci/defaults.go and system/path.go; Apptainer, env.DefaultPath).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Names of interpreters, the one that a user would type first.
const NAMES: [&[u8]; 5] = [b"python3", b"python", b"pypy3", b"pypy", b"python2"];

/// How CPython ends the name of an extension on macOS.
const MACOS_EXTENSION: &[u8] = b"-darwin.so";

/// Levels of directories that are looked through for one: `site-packages/numpy/core`.
const PACKAGE_DEPTH: usize = 3;

const LOOKED_FOR: &str = "bin/python3, bin/python, bin/pythonX.Y, bin/pypy3, pyvenv.cfg, lib/pythonX.Y/site-packages";

/// The installations at `start`.
///
/// # Errors
/// When the path is not there, cannot be read, or holds no Python.
pub fn find(
    view: &View,
    start: &Start,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Installation>, DiscoverError> {
    let mut seen = Vec::new();
    let look = Look::new(view);
    let found = match start {
        Start::Path(path) => at_path(&look, path, variables, &mut seen).map(|it| vec![it]),
        Start::Active => active(&look, variables, &mut seen).map(|it| vec![it]),
        Start::Root => whole_root(&look, variables, &mut seen),
    };
    look.drain(&mut seen);
    seen.sort();
    seen.dedup();
    gaps.append(&mut seen);
    found
}

fn at_path(
    view: &Look<'_>,
    path: &TreePath,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Installation, DiscoverError> {
    let kind = match view.metadata(path.as_bytes()) {
        Ok(it) => it.kind,
        // The dangling interpreter of a virtual environment whose base is gone.
        Err(error) if is_absent(&error) => match view.link_metadata(path) {
            Ok(_) => Kind::File,
            Err(error) if is_absent(&error) => return Err(DiscoverError::Absent { path: path.clone() }),
            Err(error) => return Err(DiscoverError::Unreadable { path: path.clone(), reason: reason(&error) }),
        },
        Err(error) => return Err(DiscoverError::Unreadable { path: path.clone(), reason: reason(&error) }),
    };
    match kind {
        Kind::Directory => at_prefix(view, path, variables, gaps),
        Kind::File | Kind::Link => at_executable(view, path, path, variables, gaps),
        Kind::Other => {
            let reason = "a device, socket or pipe".to_owned();
            Err(DiscoverError::NoInterpreter { path: path.clone(), reason })
        }
    }
}

fn at_executable(
    view: &Look<'_>,
    asked: &TreePath,
    executable: &TreePath,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Installation, DiscoverError> {
    let resolved = match view.resolve(executable.as_bytes()) {
        Ok(real) => Some(real),
        // Told by `environment::examine`: a dangling link may be a virtual environment whose base is gone.
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(DiscoverError::Unreadable { path: executable.clone(), reason: reason(&error) }),
    };
    if let Some(real) = resolved {
        let no = |reason: String| Err(DiscoverError::NoInterpreter { path: executable.clone(), reason });
        match interpreter::machine(view, &real) {
            Err(NoImage::Script(line)) => return no(format!("a script (#!{line}); name the interpreter it starts")),
            Err(NoImage::NotElf) => return no("neither an ELF file, a script nor an image".to_owned()),
            Err(NoImage::Unreadable(error)) => view.note(&real, &error, "whether it is an interpreter"),
            Ok(_) => {}
        }
        if !is_interpreter_name(executable.file_name()) && !is_interpreter_name(real.file_name()) {
            return no("its name is not python, pythonX.Y or pypy".to_owned());
        }
    }
    environment::examine(view, asked, executable, None, variables, gaps)
}

fn at_prefix(
    view: &Look<'_>,
    prefix: &TreePath,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Installation, DiscoverError> {
    let mut refused = Vec::new();
    let mut found = None;
    for executable in executables(view, &prefix.join("bin"), gaps) {
        match at_executable(view, prefix, &executable, variables, gaps) {
            Ok(it) => {
                found = Some(it);
                break;
            }
            Err(error) => refused.push((executable, error)),
        }
    }
    let configuration = prefix.join("pyvenv.cfg");
    if found.is_none() && view.is_file(&configuration) {
        // The packages of a virtual environment run with its own base; another Python on PATH is no answer.
        if let Some(at) = refused.iter().position(|(_, error)| matches!(error, DiscoverError::Unreadable { .. })) {
            return Err(refused.swap_remove(at).1);
        }
    }
    let sites = if found.is_none() { site_directories(view, prefix, gaps) } else { Vec::new() };
    if let Some((newest, _)) = sites.last() {
        found = Some(packages_only(view, prefix, &sites, *newest, variables, gaps));
    }
    if let Some(found) = found {
        let hides = "the Python that this name starts";
        gaps.extend(refused.into_iter().map(|(executable, error)| gap(&executable, error.to_string(), hides)));
        return Ok(found);
    }
    let looked_for = match refused.into_iter().next() {
        Some((_, error)) => return Err(error),
        None if view.is_file(&configuration) => format!("an interpreter beside {configuration}"),
        None => LOOKED_FOR.to_owned(),
    };
    Err(DiscoverError::NoPython { path: prefix.clone(), looked_for })
}

/// Packages without an interpreter: the first fitting Python on `PATH` would run them.
fn packages_only(
    view: &Look<'_>,
    prefix: &TreePath,
    sites: &[(Feature, TreePath)],
    newest: Feature,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Installation {
    let mut others = Vec::new();
    // No Python of this system runs packages of macOS.
    let foreign = sites.iter().any(|(_, site)| holds_extensions_of_macos(view, site, gaps));
    let searched = if foreign { Vec::new() } else { path_directories(variables) };
    for executable in searched.iter().flat_map(|it| executables(view, it, gaps)).collect::<Vec<_>>() {
        let base = match at_executable(view, prefix, &executable, variables, &mut Vec::new()) {
            Ok(base) => base,
            Err(error) => {
                gaps.push(gap(&executable, error.to_string(), "the Python that this name starts"));
                continue;
            }
        };
        let fitting = sites.iter().filter(|(it, _)| *it == base.feature).map(|(_, path)| path.clone());
        let module = ModulePrefix { prefix, sites: fitting.collect() };
        if module.sites.is_empty() {
            others.push(format!("{executable} is Python {}", base.feature.text()));
            continue;
        }
        match environment::examine(view, prefix, &executable, Some(module), variables, gaps) {
            Ok(found) => return found,
            Err(error) => gaps.push(gap(&executable, error.to_string(), "the Python that this name starts")),
        }
    }
    let sites: Vec<TreePath> = sites.iter().filter(|(it, _)| *it == newest).map(|(_, path)| path.clone()).collect();
    let seen = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    let reason = format!("no Python {} on PATH fits these packages{seen}", newest.text());
    gaps.push(gap(prefix, reason, "the interpreter, its standard library and its own packages"));
    environment::without_interpreter(view, &ModulePrefix { prefix, sites }, newest, variables, gaps)
}

/// Whether an extension in a package of the directory is one of macOS, by its name.
fn holds_extensions_of_macos(view: &Look<'_>, site: &TreePath, gaps: &mut Vec<Gap>) -> bool {
    let mut directories = vec![site.clone()];
    for _ in 0..PACKAGE_DEPTH {
        let mut below = Vec::new();
        for directory in &directories {
            for (name, kind) in list_or_gap(view, directory, "packages", gaps).iter() {
                if *kind == Kind::Directory {
                    below.push(directory.join(name));
                } else if name.ends_with(MACOS_EXTENSION) {
                    return true;
                }
            }
        }
        directories = below;
    }
    false
}

fn active(view: &Look<'_>, variables: &Variables, gaps: &mut Vec<Gap>) -> Result<Installation, DiscoverError> {
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(prefix) = variables.non_empty(name) {
            return at_path(view, &TreePath::new(prefix), variables, gaps);
        }
    }
    for directory in path_directories(variables) {
        for executable in [directory.join("python3"), directory.join("python")] {
            if view.is_file(&executable) {
                match at_executable(view, &executable, &executable, variables, gaps) {
                    Ok(found) => return Ok(found),
                    Err(error) => gaps.push(gap(&executable, error.to_string(), "the Python that this name starts")),
                }
            }
        }
    }
    let looked_for = "VIRTUAL_ENV, CONDA_PREFIX, and python3 or python on PATH".to_owned();
    Err(DiscoverError::NoPython { path: TreePath::root(), looked_for })
}

fn whole_root(view: &Look<'_>, variables: &Variables, gaps: &mut Vec<Gap>) -> Result<Vec<Installation>, DiscoverError> {
    let mut directories = path_directories(variables);
    directories.extend(["/usr/bin", "/usr/local/bin"].map(TreePath::new));
    let prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().filter_map(|name| variables.non_empty(name));
    directories.extend(prefixes.map(|it| TreePath::new(it).join("bin")));
    let opt = TreePath::new("/opt");
    let below = list_or_gap(view, &opt, "Pythons below it", gaps);
    directories.extend(below.iter().map(|(name, _)| opt.join(name).join("bin")));
    let mut found: Vec<Installation> = Vec::new();
    let mut known = BTreeSet::new();
    let mut names = BTreeSet::new();
    let real = |path: &TreePath| view.real(path);
    for directory in directories {
        for executable in executables(view, &directory, gaps) {
            // Several names of one interpreter in one directory start the same Python.
            if !names.insert((real(&directory), real(&executable))) {
                continue;
            }
            match at_executable(view, &executable, &executable, variables, gaps) {
                Ok(it) => {
                    if known.insert((real(&it.prefix), it.real_executable.clone())) {
                        found.push(it);
                    }
                }
                Err(error) => gaps.push(gap(&executable, error.to_string(), "the Python that this name starts")),
            }
        }
    }
    if found.is_empty() {
        let looked_for = "python3, python, pythonX.Y and pypy3 on PATH, in /usr/bin, /usr/local/bin and /opt/*/bin";
        return Err(DiscoverError::NoPython { path: TreePath::root(), looked_for: looked_for.to_owned() });
    }
    Ok(found)
}

fn path_directories(variables: &Variables) -> Vec<TreePath> {
    let path = variables.get("PATH").unwrap_or(DEFAULT_PATH.as_bytes());
    path.split(|b| *b == b':').filter(|it| it.first() == Some(&b'/')).map(TreePath::new).collect()
}

/// The interpreters in a `bin` directory, also links that lead nowhere: the common names first, then the newest.
fn executables(view: &Look<'_>, directory: &TreePath, gaps: &mut Vec<Gap>) -> Vec<TreePath> {
    let listed = list_or_gap(view, directory, "Pythons in it", gaps);
    let mut names: Vec<&[u8]> = listed
        .iter()
        .filter(|(name, kind)| is_interpreter_name(name) && matches!(kind, Kind::File | Kind::Link))
        .map(|(name, _)| name.as_slice())
        .collect();
    let rank = |name: &[u8]| NAMES.iter().position(|it| *it == name).unwrap_or(NAMES.len());
    names.sort_by_key(|name| (rank(name), std::cmp::Reverse(Feature::parse(name))));
    names.into_iter().map(|name| directory.join(name)).collect()
}
