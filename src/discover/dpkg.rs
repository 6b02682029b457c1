//! What dpkg records: a list of files per package, and their versions.

use std::collections::{HashMap, HashSet};

use super::answer::{Evidence, numbered};
use super::layout::list_or_gap;
use super::look::Look;
use super::metadata::optional;
use super::provenance::{Manager, Provenance};
use crate::base::{Gap, TreePath};

const LISTS: &str = "/var/lib/dpkg/info";
const STATUS: &str = "/var/lib/dpkg/status";

pub(super) fn has_dpkg(view: &Look<'_>) -> bool {
    view.is_directory(&TreePath::new(LISTS))
}

/// The owner of `path` among the packages whose name contains one of `words`.
pub(super) fn dpkg_by_name(
    view: &Look<'_>,
    path: &TreePath,
    words: &[String],
    gaps: &mut Vec<Gap>,
) -> Option<Provenance> {
    let directory = TreePath::new(LISTS);
    let wanted = without_usr(path.as_bytes());
    for (name, _) in list_or_gap(view, &directory, "what dpkg installed", gaps).iter() {
        let text = String::from_utf8_lossy(name);
        let Some(package) = text.strip_suffix(".list") else { continue };
        if !words.iter().any(|it| package.contains(it.as_str())) {
            continue;
        }
        let file = directory.join(name);
        let Some(list) = optional(view, &file, "what dpkg installed", gaps) else { continue };
        let mut lines = numbered(&list);
        if let Some((number, line)) = lines.find(|(_, line)| without_usr(line.as_bytes()) == wanted) {
            return Some(dpkg_provenance(package, Evidence::line(&file, number, line)));
        }
    }
    None
}

/// Lists name `/lib/x` where the file lies in `/usr/lib/x`, and the other way round.
fn without_usr(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/usr").unwrap_or(path)
}

fn dpkg_provenance(package: &str, because: Evidence) -> Provenance {
    // `libfoo3:amd64`.
    let package = package.split(':').next().unwrap_or(package).to_owned();
    Provenance { package, ..Provenance::by(Manager::Dpkg, because) }
}

/// What was read of the lists so far: an environment asks about a few libraries of the system, and there are hundreds of lists.
#[derive(Default)]
pub(super) struct DpkgLists {
    files: HashMap<Vec<u8>, (String, Evidence)>,
    read: HashSet<Vec<u8>>,
    complete: bool,
}

impl DpkgLists {
    /// The owner of a shared object or program among the packages that are named like it, or of which a list was read.
    pub(super) fn likely(&mut self, view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        self.known(path).or_else(|| {
            let words = stem_words(path);
            self.read(view, |package| words.iter().any(|it| package.contains(it.as_str())), gaps);
            self.known(path)
        })
    }

    /// Its owner among all packages.
    pub(super) fn certain(&mut self, view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        self.likely(view, path, gaps).or_else(|| {
            if !self.complete {
                self.read(view, |_| true, gaps);
                self.complete = true;
            }
            self.known(path)
        })
    }

    fn known(&self, path: &TreePath) -> Option<Provenance> {
        let (package, because) = self.files.get(without_usr(path.as_bytes()))?;
        Some(dpkg_provenance(package, because.clone()))
    }

    fn read(&mut self, view: &Look<'_>, wanted: impl Fn(&str) -> bool, gaps: &mut Vec<Gap>) {
        let directory = TreePath::new(LISTS);
        for (name, _) in list_or_gap(view, &directory, "what dpkg installed", gaps).iter() {
            let Some(package) = name.strip_suffix(b".list") else { continue };
            let package = String::from_utf8_lossy(package).into_owned();
            if !wanted(&package) || !self.read.insert(name.clone()) {
                continue;
            }
            let file = directory.join(name);
            let Some(list) = optional(view, &file, "what dpkg installed", gaps) else { continue };
            for (number, line) in numbered(&list).filter(|(_, line)| line.contains(".so") || line.contains("bin/")) {
                let because = Evidence::line(&file, number, line);
                self.files.insert(without_usr(line.as_bytes()).to_vec(), (package.clone(), because));
            }
        }
    }
}

/// dpkg installed it, as everything in the directories of the system; the lists that name the package were not all read.
pub(super) fn dpkg_unnamed() -> Provenance {
    let text = "data base of the system; its lists were not searched for the package";
    Provenance::by(Manager::Dpkg, Evidence::at(&TreePath::new(LISTS), text))
}

/// Debian names library packages after the library: `libfoo-r0.3.21.so` lies in `libfoo0-pthread`. What has a short name
/// (`libm`, `librt`) is mostly a part of the C library.
fn stem_words(path: &TreePath) -> Vec<String> {
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    let cut = |count: usize| stem.char_indices().nth(count).map_or(stem, |(at, _)| stem.get(..at).unwrap_or(stem));
    vec![if stem.len() < 5 { "libc6".to_owned() } else { cut(8).to_owned() }]
}

/// The version of every installed package.
pub(super) fn dpkg_versions(view: &Look<'_>, gaps: &mut Vec<Gap>) -> HashMap<String, String> {
    let mut versions = HashMap::new();
    let Some(text) = optional(view, &TreePath::new(STATUS), "the versions of what dpkg installed", gaps) else {
        return versions;
    };
    let mut package = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("Package: ") {
            name.clone_into(&mut package);
        } else if let Some(version) = line.strip_prefix("Version: ") {
            versions.insert(std::mem::take(&mut package), version.to_owned());
        }
    }
    versions
}
