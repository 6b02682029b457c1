//! Where `import NAME` finds a module, first hit in the order of `sys.path`.

use super::Installation;
use super::environment::MACHINES;
use super::feature::Implementation;
use super::look::Look;
use super::metadata::is_identifier;
use super::sysconfig::constructed;
use crate::base::{Gap, TreePath};
use crate::tree::View;

/// What `import` loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModuleKind {
    /// A directory with an `__init__`.
    Package,
    /// A shared object.
    Extension,
    /// Python source.
    Source,
    /// Compiled Python without its source.
    Bytecode,
    /// A directory without an `__init__`.
    Namespace,
}

/// Where `import` finds a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFile {
    /// The directory of a package, else the file.
    pub path: TreePath,
    /// The file that runs: `__init__.py` of a package; none for a namespace.
    pub file: Option<TreePath>,
    /// What it is.
    pub kind: ModuleKind,
}

/// Where `import dotted_name` finds the last of its modules.
pub fn module_file(
    view: &View,
    installation: &Installation,
    dotted_name: &str,
    gaps: &mut Vec<Gap>,
) -> Option<ModuleFile> {
    let look = Look::new(view);
    let found = search(&look, installation, dotted_name);
    look.drain(gaps);
    found
}

fn search(view: &Look<'_>, installation: &Installation, dotted_name: &str) -> Option<ModuleFile> {
    let suffixes = extension_suffixes(installation);
    let mut directories: Vec<TreePath> =
        installation.sys_path.iter().filter(|it| it.exists).map(|it| it.path.clone()).collect();
    let mut found = None;
    for (depth, name) in dotted_name.split('.').enumerate() {
        if name.is_empty() || name.contains('/') {
            return None;
        }
        let mut here = in_directories(view, &directories, name, &suffixes);
        if depth == 0 && here.is_empty() {
            here = in_finders(view, installation, name, &suffixes);
        }
        directories = here.iter().map(|it| it.path.clone()).collect();
        found = Some(here.into_iter().next()?);
    }
    found
}

/// The file name endings of extension modules, in the order in which this Python tries them.
pub fn extension_suffixes(installation: &Installation) -> Vec<String> {
    let mut suffixes = Vec::new();
    if installation.soabi.value().is_none() {
        // Better a file for some machine than none: an interpreter that is gone leaves its packages behind.
        let tags = MACHINES.iter().map(|(_, machine)| constructed(installation.feature, machine));
        suffixes.extend(tags.map(|it| format!(".{it}.so")));
    }
    if let Some(tag) = installation.soabi.value() {
        suffixes.push(format!(".{tag}.so"));
        // Since 3.8 a debug build also takes the extensions of a release build (ALT_SOABI).
        if let (Some(release), true) = (release_tag(tag), (3, 8) <= installation.feature.version()) {
            suffixes.push(format!(".{release}.so"));
        }
    }
    if takes_stable_abi(installation) {
        suffixes.push(".abi3.so".to_owned());
    }
    suffixes.push(".so".to_owned());
    suffixes
}

/// The file name endings of modules: extensions, then source.
pub(super) fn importable_suffixes(installation: &Installation) -> Vec<String> {
    let mut suffixes = extension_suffixes(installation);
    suffixes.push(".py".to_owned());
    suffixes
}

/// The module that this Python finds in a file of that name.
pub(super) fn module_of_file(file_name: &str, suffixes: &[String]) -> Option<String> {
    let stems = suffixes.iter().filter_map(|it| file_name.strip_suffix(it.as_str()));
    stems.filter(|it| is_identifier(it)).map(str::to_owned).next()
}

/// Whether `.abi3.so` files are taken: by CPython 3, not without the global interpreter lock.
pub(super) fn takes_stable_abi(installation: &Installation) -> bool {
    let feature = installation.feature;
    let threaded = installation.free_threaded.value().copied().unwrap_or(feature.free_threaded);
    feature.implementation == Implementation::CPython && feature.major == 3 && !threaded
}

/// `cpython-311d-x86_64-linux-gnu` without its `d`.
fn release_tag(tag: &str) -> Option<String> {
    let (head, rest) = tag.strip_prefix("cpython-")?.split_once('-')?;
    Some(format!("cpython-{}-{rest}", head.strip_suffix('d')?))
}

/// The first regular module, or every portion of a namespace.
fn in_directories(view: &Look<'_>, directories: &[TreePath], name: &str, suffixes: &[String]) -> Vec<ModuleFile> {
    let mut portions = Vec::new();
    for directory in directories {
        match at(view, &directory.join(name), suffixes) {
            Some(it) if it.kind == ModuleKind::Namespace => portions.push(it),
            Some(it) => return vec![it],
            None => {}
        }
    }
    portions
}

fn in_finders(view: &Look<'_>, installation: &Installation, name: &str, suffixes: &[String]) -> Vec<ModuleFile> {
    let mappings = installation.finders.iter().flat_map(|it| &it.mapping);
    let mut paths = mappings.filter(|it| it.0 == name).map(|it| &it.1);
    paths.find_map(|it| at(view, it, suffixes)).into_iter().collect()
}

/// The module whose path without ending is `stem`, as `importlib`'s FileFinder looks for it.
fn at(view: &Look<'_>, stem: &TreePath, suffixes: &[String]) -> Option<ModuleFile> {
    let is_directory = view.is_directory(stem);
    let package = is_directory.then(|| file(view, &stem.join("__init__"), suffixes)).flatten();
    if let Some((file, _)) = package {
        return Some(ModuleFile { path: stem.clone(), file: Some(file), kind: ModuleKind::Package });
    }
    if let Some((file, kind)) = file(view, stem, suffixes) {
        return Some(ModuleFile { path: file.clone(), file: Some(file), kind });
    }
    is_directory.then(|| ModuleFile { path: stem.clone(), file: None, kind: ModuleKind::Namespace })
}

fn file(view: &Look<'_>, stem: &TreePath, suffixes: &[String]) -> Option<(TreePath, ModuleKind)> {
    let extensions = suffixes.iter().map(|it| (it.as_str(), ModuleKind::Extension));
    let rest = [(".py", ModuleKind::Source), (".pyc", ModuleKind::Bytecode)];
    let with = |suffix: &str| TreePath::new([stem.as_bytes(), suffix.as_bytes()].concat());
    let mut candidates = extensions.chain(rest).map(|(suffix, kind)| (with(suffix), kind));
    candidates.find(|(path, _)| view.is_file(path))
}
