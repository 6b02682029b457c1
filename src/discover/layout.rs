//! Where the parts of one Python lie, as CPython computes it before it runs a line (`Modules/getpath.py`).
//!
//! Invariant: an installation whose base is gone is a layout with defects, not an error.

use std::io;

use super::answer::{Evidence, gap, is_absent, reason, unreadable};
use super::feature::{Feature, Implementation, number};
use super::look::Look;
use super::pyvenv::{self, Configuration};
use super::{Defect, DiscoverError, interpreter};
use crate::base::{Gap, TreePath, Variables};
use crate::tree::Kind;

/// Links followed from one name to the next, as the kernel does.
const LINKS: usize = 40;

/// Directories of a prefix that may hold the standard library, in the order in which they are tried.
const LIBRARY_DIRECTORIES: [&str; 2] = ["lib", "lib64"];

/// Where the parts of one Python lie.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The interpreter as it would be started; the virtual environment's own link.
    pub(super) executable: TreePath,
    /// The file behind it.
    pub(super) real: Option<TreePath>,
    /// Set in a virtual environment.
    pub(super) configuration: Option<Configuration>,
    pub(super) prefix: TreePath,
    pub(super) base_prefix: TreePath,
    pub(super) exec_prefix: TreePath,
    pub(super) feature: Feature,
    /// Set where `os.py` was found.
    pub(super) stdlib: Option<TreePath>,
    /// `lib` or `lib64`.
    pub(super) library_directory: &'static str,
    pub(super) defects: Vec<Defect>,
}

/// A standard library found by its landmark.
#[derive(Debug, Clone)]
struct Stdlib {
    prefix: TreePath,
    feature: Feature,
    path: TreePath,
    library_directory: &'static str,
}

/// The layout of the Python that starting `executable` would start.
pub(super) fn locate(
    view: &Look<'_>,
    executable: &TreePath,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Layout, DiscoverError> {
    let mut defects = Vec::new();
    let names = link_names(view, executable);
    let real = real_file(view, executable, &names, &mut defects)?;
    let configuration = pyvenv::read(view, executable, gaps);
    let venv = configuration.as_ref().and_then(|_| executable.parent()?.parent());
    let named = real.iter().chain(names.iter().rev()).find_map(|it| Feature::parse(it.file_name()));
    let stdlib = find_stdlib(view, variables, &configuration, &names, real.as_ref(), named, gaps);
    if stdlib.is_none() {
        defects.extend(base_defect(view, &configuration));
    }
    let feature = stdlib.as_ref().map(|it| it.feature).or(named);
    let feature = feature.or_else(|| feature_of_venv(view, venv.as_ref(), configuration.as_ref(), gaps));
    let Some(feature) = feature else {
        let looked = "lib/pythonX.Y/os.py in the directories above it".to_owned();
        return Err(DiscoverError::NoPython { path: executable.clone(), looked_for: looked });
    };
    if stdlib.is_none() && defects.is_empty() {
        let because = Evidence::at(executable, format!("no lib/{}/os.py above it", feature.directory()));
        let reason = format!("the standard library of Python {} is not there", feature.text());
        defects.push(Defect { path: executable.clone(), reason, because });
    }
    defects.extend(venv.as_ref().and_then(|it| foreign_venv(view, it, feature, gaps)));
    let base_prefix = stdlib.as_ref().map(|it| it.prefix.clone());
    let base_prefix = base_prefix.or_else(|| names.last()?.parent()?.parent()).unwrap_or_else(TreePath::root);
    let library_directory = stdlib.as_ref().map_or("lib", |it| it.library_directory);
    let exec_prefix = exec_prefix(view, variables, &base_prefix, library_directory, feature);
    Ok(Layout {
        executable: executable.clone(),
        real,
        prefix: venv.unwrap_or_else(|| base_prefix.clone()),
        configuration,
        base_prefix,
        exec_prefix,
        feature,
        stdlib: stdlib.map(|it| it.path),
        library_directory,
        defects,
    })
}

/// The directories below `prefix` in which packages of some Python lie, each with its Python. `lib64` is often a link to
/// `lib`: one directory counts once.
pub(super) fn site_directories(view: &Look<'_>, prefix: &TreePath, gaps: &mut Vec<Gap>) -> Vec<(Feature, TreePath)> {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for (feature, directory, _) in python_directories(view, prefix, gaps) {
        for name in ["site-packages", "dist-packages"] {
            let site = directory.join(name);
            let real = view.real(&site);
            if view.is_directory(&site) && !known.contains(&real) {
                known.push(real);
                found.push((feature, site));
            }
        }
    }
    found
}

/// The file behind `executable`; a dangling link is a defect, a loop or a missing file an error.
fn real_file(
    view: &Look<'_>,
    executable: &TreePath,
    names: &[TreePath],
    defects: &mut Vec<Defect>,
) -> Result<Option<TreePath>, DiscoverError> {
    match view.resolve(executable.as_bytes()) {
        Ok(real) => Ok(Some(real)),
        Err(error) if is_absent(&error) && 1 < names.len() => {
            let target = names.last().unwrap_or(executable);
            let reason = format!("the interpreter is a link to {target}, which does not exist");
            let because = Evidence::at(executable, format!("link to {target}"));
            defects.push(Defect { path: executable.clone(), reason, because });
            Ok(None)
        }
        Err(error) if is_absent(&error) => Err(DiscoverError::Absent { path: executable.clone() }),
        Err(error) => Err(DiscoverError::Unreadable { path: executable.clone(), reason: reason(&error) }),
    }
}

/// `executable` and every name that its links lead through. Only the file is resolved, no directory:
/// `/opt/current/bin/python3` stays below `/opt/current`, as in CPython.
fn link_names(view: &Look<'_>, executable: &TreePath) -> Vec<TreePath> {
    let mut names = vec![executable.clone()];
    while let Some(last) = names.last().filter(|_| names.len() <= LINKS) {
        let hides = "where the links of the interpreter lead";
        match view.link_metadata(last) {
            Ok(it) if it.kind == Kind::Link => {}
            Ok(_) => break,
            Err(error) => {
                view.note(last, &error, hides);
                break;
            }
        }
        match (view.read_link(last), last.parent()) {
            (Ok(target), Some(directory)) => names.push(directory.join(target)),
            (Ok(_), None) => break,
            (Err(error), _) => {
                view.note(last, &error, hides);
                break;
            }
        }
    }
    names
}

fn find_stdlib(
    view: &Look<'_>,
    variables: &Variables,
    configuration: &Option<Configuration>,
    names: &[TreePath],
    real: Option<&TreePath>,
    named: Option<Feature>,
    gaps: &mut Vec<Gap>,
) -> Option<Stdlib> {
    if let Some(home) = variables.non_empty("PYTHONHOME") {
        let prefix = TreePath::new(home.split(|b| *b == b':').next().unwrap_or_default());
        let found = stdlibs(view, &prefix, named, gaps);
        return choose(view, found, real, gaps);
    }
    let home = configuration.as_ref().and_then(|it| it.first("home"));
    if let Some((home, because)) = home {
        if !home.starts_with('/') {
            gaps.push(gap(
                &because.path,
                format!("home = {home} is no absolute path"),
                "which Python this is based on",
            ));
            return None;
        }
        return search_up(view, &TreePath::new(home), real, named, gaps);
    }
    let directory = names.last().and_then(TreePath::parent);
    let beside = directory.and_then(|it| search_up(view, &it, real, named, gaps));
    // `/bin/python3` where /bin is a link to usr/bin: CPython falls back to the prefix it was compiled with.
    beside.or_else(|| search_up(view, &real?.parent()?, real, named, gaps))
}

fn search_up(
    view: &Look<'_>,
    directory: &TreePath,
    real: Option<&TreePath>,
    named: Option<Feature>,
    gaps: &mut Vec<Gap>,
) -> Option<Stdlib> {
    let mut here = Some(directory.clone()).filter(|it| *it != TreePath::root());
    while let Some(prefix) = here {
        let found = stdlibs(view, &prefix, named, gaps);
        if let Some(found) = choose(view, found, real, gaps) {
            return Some(found);
        }
        // CPython does not look below `/` itself.
        here = prefix.parent().filter(|it| *it != TreePath::root());
    }
    None
}

fn stdlibs(view: &Look<'_>, prefix: &TreePath, named: Option<Feature>, gaps: &mut Vec<Gap>) -> Vec<Stdlib> {
    let has_landmark = |it: &TreePath| ["os.py", "os.pyc"].iter().any(|name| view.is_file(&it.join(name)));
    python_directories(view, prefix, gaps)
        .into_iter()
        .filter(|(feature, path, _)| named.is_none_or(|it| it == *feature) && has_landmark(path))
        .map(|(feature, path, library_directory)| Stdlib { prefix: prefix.clone(), feature, path, library_directory })
        .collect()
}

/// `lib/pythonX.Y` and its kind below `prefix`.
fn python_directories(
    view: &Look<'_>,
    prefix: &TreePath,
    gaps: &mut Vec<Gap>,
) -> Vec<(Feature, TreePath, &'static str)> {
    let mut found = Vec::new();
    for library_directory in LIBRARY_DIRECTORIES {
        let directory = prefix.join(library_directory);
        let names = list_or_gap(view, &directory, "which Pythons lie there", gaps);
        let features = names.iter().filter_map(|(name, _)| Some((Feature::parse(name)?, directory.join(name))));
        found.extend(features.map(|(feature, path)| (feature, path, library_directory)));
    }
    found.sort_by(|a, b| (a.0, a.2).cmp(&(b.0, b.2)));
    found.dedup_by(|a, b| a.1 == b.1);
    found
}

/// The standard library whose version stands in the interpreter; the newest where that does not decide.
fn choose(view: &Look<'_>, mut found: Vec<Stdlib>, real: Option<&TreePath>, gaps: &mut Vec<Gap>) -> Option<Stdlib> {
    let several = found.windows(2).any(|pair| matches!(pair, [a, b] if a.feature != b.feature));
    if !several {
        return found.into_iter().next();
    }
    let compiled = |it: &&Stdlib| {
        real.is_some_and(|real| match interpreter::image(view, real, it.feature) {
            Ok(image) => image.version.is_some(),
            Err(error) => {
                error.note(view, real);
                false
            }
        })
    };
    if let Some(decided) = found.iter().find(compiled) {
        return Some(decided.clone());
    }
    let newest = found.pop()?;
    let reason = format!(
        "several Pythons share the prefix and the interpreter does not say which it is: took {}",
        newest.feature.text()
    );
    gaps.push(gap(&newest.prefix, reason, "which standard library the interpreter uses"));
    Some(newest)
}

fn exec_prefix(
    view: &Look<'_>,
    variables: &Variables,
    prefix: &TreePath,
    library_directory: &str,
    feature: Feature,
) -> TreePath {
    if let Some(home) = variables.non_empty("PYTHONHOME") {
        return home.split(|b| *b == b':').nth(1).map_or_else(|| prefix.clone(), TreePath::new);
    }
    let dynload = |it: &TreePath| it.join(format!("{library_directory}/{}/lib-dynload", feature.directory()));
    let above = |it: &TreePath| it.parent().filter(|it| *it != TreePath::root());
    let mut here = Some(prefix.clone());
    while let Some(candidate) = here {
        if view.is_directory(&dynload(&candidate)) {
            return candidate;
        }
        here = above(&candidate);
    }
    prefix.clone()
}

fn base_defect(view: &Look<'_>, configuration: &Option<Configuration>) -> Option<Defect> {
    let configuration = configuration.as_ref()?;
    let (home, because) = configuration.first("home")?;
    let reason = match view.list(home) {
        Ok(_) => format!("home = {home} holds no Python standard library above it"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => format!("home = {home} does not exist"),
        Err(error) => format!("home = {home}: {}", reason(&error)),
    };
    Some(Defect { path: configuration.path.clone(), reason, because })
}

fn feature_of_venv(
    view: &Look<'_>,
    venv: Option<&TreePath>,
    configuration: Option<&Configuration>,
    gaps: &mut Vec<Gap>,
) -> Option<Feature> {
    let by_directory = venv.and_then(|it| Some(python_directories(view, it, gaps).pop()?.0));
    by_directory.or_else(|| {
        let configuration = configuration?;
        let (version, _) = configuration.first("version").or_else(|| configuration.first("version_info"))?;
        let mut numbers = version.split('.').map(number);
        let (major, minor) = (numbers.next()??, numbers.next()??);
        Some(Feature { implementation: Implementation::CPython, major, minor, free_threaded: false })
    })
}

/// A virtual environment made by another Python than the one that its link now leads to.
fn foreign_venv(view: &Look<'_>, venv: &TreePath, feature: Feature, gaps: &mut Vec<Gap>) -> Option<Defect> {
    let sites = site_directories(view, venv, gaps);
    if sites.is_empty() || sites.iter().any(|(it, _)| it.version() == feature.version()) {
        return None;
    }
    let (other, path) = sites.into_iter().next()?;
    let text = format!("packages of Python {}, the interpreter is Python {}", other.text(), feature.text());
    Some(Defect { path: path.clone(), because: Evidence::at(&path, &text), reason: text })
}

/// Lists `directory`; what cannot be listed is a gap unless it is not there.
pub(super) fn list_or_gap(
    view: &Look<'_>,
    directory: &TreePath,
    hides: &str,
    gaps: &mut Vec<Gap>,
) -> std::sync::Arc<Vec<(Vec<u8>, Kind)>> {
    match view.list(directory.as_bytes()) {
        Ok(names) => names,
        Err(error) => {
            if !is_absent(&error) {
                gaps.push(unreadable(directory, &error, hides));
            }
            std::sync::Arc::default()
        }
    }
}
