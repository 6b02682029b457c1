//! The shared objects and packages of one installation, asked by what imports name.

use std::collections::{HashMap, HashSet};

use crate::base::TreePath;
use crate::discover::{ExtensionFile, FileRole, Installation, InstallationKind, Installed, Origin};
use crate::identify::matches_any;
use crate::tree::View;

/// What lies in one installation.
pub(super) struct Site {
    pub(super) files: Vec<ExtensionFile>,
    pub(super) packages: Vec<Installed>,
    /// Import name, and the real directory that holds the active copy.
    bases: HashMap<String, TreePath>,
    extensions: HashMap<Vec<u8>, usize>,
    /// Names of extension modules.
    modules: HashSet<String>,
    substitutions: Vec<(&'static str, TreePath)>,
    dynamic_directories: Vec<TreePath>,
    tag: String,
}

impl Site {
    pub(super) fn new(view: &View, it: &Installation, files: Vec<ExtensionFile>, packages: Vec<Installed>) -> Self {
        let mut bases = HashMap::new();
        for package in packages.iter().filter(|it| it.active && it.importable) {
            let holder = package.location.parent().unwrap_or_else(TreePath::root);
            let real = view.resolve(holder.as_bytes()).unwrap_or(holder);
            bases.entry(package.name.clone()).or_insert(real);
        }
        let role = |file: &ExtensionFile| file.role == FileRole::Extension;
        let indexed = files.iter().enumerate().filter(|(_, file)| role(file));
        let extensions = indexed.map(|(at, file)| (file.path.as_bytes().to_vec(), at)).collect();
        let stdlib = it.sys_path.iter().filter(|entry| entry.origin == Origin::Stdlib);
        let resolved = |path: &TreePath| view.resolve(path.as_bytes()).unwrap_or_else(|_| path.clone());
        let modules = files.iter().filter(|it| role(it)).filter_map(|it| it.module.clone()).collect();
        Self {
            modules,
            bases,
            extensions,
            substitutions: substitutions(it),
            dynamic_directories: stdlib.map(|entry| resolved(&entry.path)).collect(),
            tag: it.soabi.value().cloned().unwrap_or_default(),
            files,
            packages,
        }
    }

    /// Whether `import` finds a package of that name.
    pub(super) fn has_package(&self, import: &str) -> bool {
        self.bases.contains_key(import)
    }

    /// Extensions of a package that match one of `globs` and that this Python loads, in the order of the globs.
    pub(super) fn matching(&self, import: &str, globs: &[String]) -> Vec<TreePath> {
        let mut out = Vec::new();
        for glob in globs {
            for file in self.of_glob(import, glob) {
                let loads = file.fits.value().copied().unwrap_or(true) && file.fitting_sibling.is_none();
                if loads && !out.contains(&file.path) {
                    out.push(file.path.clone());
                }
            }
        }
        out
    }

    /// An extension that matches and that this Python does not load, with the reason.
    pub(super) fn misfit(&self, import: &str, globs: &[String]) -> Option<(TreePath, String)> {
        let mut files = globs.iter().flat_map(|glob| self.of_glob(import, glob));
        let file = files.find(|it| it.fits.value() == Some(&false))?;
        let reason = format!("it is built for {}, and this Python loads {}", file.abi_tag, self.tag);
        Some((file.path.clone(), reason))
    }

    fn of_glob<'s>(&'s self, import: &str, glob: &str) -> impl Iterator<Item = &'s ExtensionFile> {
        let base = self.bases.get(import).cloned();
        let globs = [glob.to_owned()];
        self.files.iter().filter(move |file| {
            let relative = base.as_ref().and_then(|it| file.path.relative_to(it));
            file.role == FileRole::Extension && relative.is_some_and(|it| matches_any(&globs, it))
        })
    }

    /// Extensions whose module is `name` or lies below it.
    pub(super) fn below_module(&self, name: &str) -> Vec<TreePath> {
        let below = |module: &str| module == name || module.strip_prefix(name).is_some_and(|it| it.starts_with('.'));
        let loads = |file: &&ExtensionFile| {
            let module = file.module.as_deref().is_some_and(below);
            module && file.fits.value().copied().unwrap_or(true) && file.fitting_sibling.is_none()
        };
        self.files.iter().filter(loads).map(|it| it.path.clone()).collect()
    }

    /// Whether a module of that name is an extension that this Python loads.
    pub(super) fn is_extension_module(&self, name: &str) -> bool {
        self.modules.contains(name)
    }

    /// An extension of the standard library.
    pub(super) fn standard_extension(&self, module: &str) -> Option<TreePath> {
        let standard = |file: &&ExtensionFile| {
            let parent = file.path.parent();
            file.module.as_deref() == Some(module) && parent.is_some_and(|it| self.dynamic_directories.contains(&it))
        };
        self.files.iter().find(standard).map(|it| it.path.clone())
    }

    /// A directory template of a package description with its prefix filled in; `None` when there is no such prefix.
    pub(super) fn substitute(&self, template: &str) -> Option<Vec<u8>> {
        let Some(rest) = template.strip_prefix('{') else { return Some(template.as_bytes().to_vec()) };
        let (word, rest) = rest.split_once('}')?;
        let (_, prefix) = self.substitutions.iter().find(|(name, _)| *name == word)?;
        Some(prefix.join(rest.trim_start_matches('/')).as_bytes().to_vec())
    }

    /// Whether the loader's name for an object is that of an extension.
    pub(super) fn is_extension(&self, name: &[u8]) -> bool {
        self.extensions.contains_key(name)
    }

    /// The import name of the package of an extension, empty when there is none.
    pub(super) fn package_of_extension(&self, name: &[u8]) -> String {
        let file = self.extensions.get(name).and_then(|at| self.files.get(*at));
        file.map(|it| it.package.clone()).unwrap_or_default()
    }

    /// The distribution name of a package; its import name when no record names it.
    pub(super) fn distribution(&self, package: &str) -> String {
        let active = self.packages.iter().find(|it| it.active && it.name == package && !it.distribution.is_empty());
        active.map_or_else(|| package.to_owned(), |it| it.distribution.clone())
    }

    /// The import name of the package that a file lies in.
    pub(super) fn package_of(&self, path: &TreePath) -> Option<String> {
        let named = self.files.iter().find(|it| it.path == *path).map(|it| it.package.clone());
        named.filter(|it| !it.is_empty())
    }
}

/// Prefixes that package descriptions name. mpi4py, for one, looks into the base prefix only where its packages are visible.
fn substitutions(it: &Installation) -> Vec<(&'static str, TreePath)> {
    let mut out = Vec::new();
    let venv = it.kind == InstallationKind::Venv;
    if venv {
        out.push(("venv", it.prefix.clone()));
    }
    if let (Some(true), Some(directory)) = (it.user_site.enabled.value(), it.user_site.directory.value()) {
        // BASE/lib/pythonX.Y/site-packages
        let base = directory.parent().and_then(|it| it.parent()).and_then(|it| it.parent());
        out.extend(base.map(|it| ("user_base", it)));
    }
    if !venv || it.sys_path.iter().any(|entry| entry.origin == Origin::BaseSite) {
        out.push(("base_prefix", it.base_prefix.clone()));
    }
    out
}
