//! Who put a file there: conda, Spack, EasyBuild, Nix, dpkg, a vendor, pip and its kind, rpm, or nobody who left a record.
//!
//! Invariant: records of package managers are trusted before the `dist-info` that they may have unpacked.
//! Invariant: an index is built when the first file needs it, once.

use std::collections::HashMap;

use super::Installation;
use super::answer::Evidence;
use super::conda::{CondaRecord, conda_prefix, conda_records, index_of};
use super::dpkg::{DpkgLists, dpkg_unnamed, dpkg_versions, has_dpkg};
use super::look::Look;
use super::metadata::Record;
use super::prefix_marks::{easybuild, spack, store, vendor};
use super::wheels::Wheels;
use crate::base::{Gap, TreePath};
use crate::tree::View;

/// What puts files in place. The words are public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// pip.
    Pip,
    /// uv.
    Uv,
    /// conda and mamba.
    Conda,
    /// pixi.
    Pixi,
    /// dpkg and apt.
    Dpkg,
    /// rpm and dnf.
    Rpm,
    /// Spack.
    Spack,
    /// EasyBuild.
    EasyBuild,
    /// Nix.
    Nix,
    /// Guix.
    Guix,
    /// Another installer, by the word that it wrote.
    Other(String),
    /// No record names the file.
    Unrecorded,
}

impl Manager {
    /// The word for facts.
    pub fn word(&self) -> &str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Conda => "conda",
            Self::Pixi => "pixi",
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Spack => "spack",
            Self::EasyBuild => "easybuild",
            Self::Nix => "nix",
            Self::Guix => "guix",
            Self::Other(word) => word,
            Self::Unrecorded => "unrecorded",
        }
    }

    /// Whether what it installs may come from anywhere: an index, a file, a directory of sources.
    pub fn installs_from_elsewhere(&self) -> bool {
        matches!(self, Self::Pip | Self::Uv | Self::Other(_) | Self::Unrecorded)
    }

    /// Whether what it installs was compiled at the site.
    pub fn builds_at_the_site(&self) -> bool {
        matches!(self, Self::Spack | Self::EasyBuild)
    }

    /// The manager behind the word in an INSTALLER file.
    pub(super) fn of_installer(word: &str) -> Self {
        match word {
            "pip" => Self::Pip,
            "uv" => Self::Uv,
            "conda" => Self::Conda,
            "debian" | "dpkg" => Self::Dpkg,
            "rpm" => Self::Rpm,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Who put a file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The manager.
    pub manager: Manager,
    /// The package in the manager's own words; empty where it is not known.
    pub package: String,
    /// The version in the manager's own words; empty where it is not known.
    pub version: String,
    /// The build in the manager's own words: `nompi_py311h439e445_100`, `%gcc@12.3.0 /abcdefg`, `gfbf-2023a`, the tags of a
    /// wheel; empty where it has none.
    pub build: String,
    /// What was chosen for the build: `mpi_openmpi`, `+mpi`, `blas=openblas@0.3.26`.
    pub options: Vec<String>,
    /// The channel of a conda package; empty elsewhere.
    pub channel: String,
    /// Set for a library that a wheel brought along: the package URL of its origin, empty where nothing tells.
    pub bundled: Option<String>,
    /// What says so.
    pub because: Evidence,
}

impl Provenance {
    /// `installed by dpkg (libblas3 3.11.0-2)`; a build where something was chosen for it.
    pub fn in_words(&self) -> String {
        if self.manager == Manager::Unrecorded {
            return "no record of who installed it".to_owned();
        }
        let build = if self.options.is_empty() { "" } else { self.build.as_str() };
        let whole = [self.package.as_str(), self.version.as_str(), build];
        let whole = whole.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
        let by = self.manager.word();
        if whole.is_empty() { format!("installed by {by}") } else { format!("installed by {by} ({whole})") }
    }

    /// A manager of which nothing more is known yet.
    pub(super) fn by(manager: Manager, because: Evidence) -> Self {
        let (package, version, build) = (String::new(), String::new(), String::new());
        Self { manager, package, version, build, options: Vec::new(), channel: String::new(), bundled: None, because }
    }
}

/// Answers who put files there, for one installation.
pub struct Owners<'a> {
    view: Look<'a>,
    installation: &'a Installation,
    conda: Option<CondaIndex>,
    dpkg: DpkgLists,
    dpkg_versions: Option<HashMap<String, String>>,
    wheels: Option<Wheels>,
    markers: HashMap<TreePath, Option<Provenance>>,
}

/// Records, and the record of each file relative to the prefix.
type CondaIndex = (Vec<CondaRecord>, HashMap<Vec<u8>, usize>);

/// How much is read to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// What is likely to tell.
    Little,
    /// Everything that may tell.
    Full,
}

impl<'a> Owners<'a> {
    /// Nothing is read yet.
    pub fn new(view: &'a View, installation: &'a Installation) -> Self {
        Self {
            view: Look::new(view),
            installation,
            conda: None,
            dpkg: DpkgLists::default(),
            dpkg_versions: None,
            wheels: None,
            markers: HashMap::new(),
        }
    }

    /// Who put `path` there; the links of its directory are resolved first.
    pub fn of(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Provenance {
        self.owner(path, Effort::Full, gaps)
    }

    /// The same, without a search through all lists of dpkg: a library of the system may have no package then.
    pub fn likely(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Provenance {
        self.owner(path, Effort::Little, gaps)
    }

    fn owner(&mut self, path: &TreePath, effort: Effort, gaps: &mut Vec<Gap>) -> Provenance {
        let real = match self.view.resolve_parent(path) {
            Ok(real) => real,
            Err(error) => {
                self.view.note(path, &error, "who put it there");
                path.clone()
            }
        };
        let found = self.conda(&real, gaps);
        let found = found.or_else(|| self.marker(&real, gaps));
        let found = found.or_else(|| self.dpkg(&real, effort, gaps));
        let found = found.or_else(|| vendor(&real));
        let found = found.or_else(|| self.wheel(&real, gaps));
        let found = found.or_else(|| self.rpm(&real)).unwrap_or_else(|| unrecorded(&real));
        self.drain(gaps);
        found
    }

    /// Hands over the questions that failed.
    pub(super) fn drain(&self, gaps: &mut Vec<Gap>) {
        self.view.drain(gaps);
    }

    fn conda(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let prefix = conda_prefix(&self.view, self.installation)?;
        let (records, index) = self.conda.get_or_insert_with(|| {
            let records = conda_records(&self.view, &prefix, |_| true, gaps);
            let index = index_of(&records);
            (records, index)
        });
        let relative = path.relative_to(&self.view.real(&prefix))?;
        let record = records.get(*index.get(relative)?)?;
        Some(record.provenance(&String::from_utf8_lossy(relative)))
    }

    /// Spack, EasyBuild, Nix and Guix give a package a prefix of its own.
    pub(super) fn marker(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        store(path).or_else(|| self.marked(path, gaps))
    }

    fn marked(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let directory = path.parent()?;
        if let Some(known) = self.markers.get(&directory) {
            return known.clone();
        }
        let here = spack(&self.view, &directory, gaps).or_else(|| easybuild(&self.view, &directory, gaps));
        let found = here.or_else(|| self.marked(&directory, gaps));
        self.markers.insert(directory, found.clone());
        found
    }

    fn dpkg(&mut self, path: &TreePath, effort: Effort, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        if !is_of_the_system(path) || !has_dpkg(&self.view) {
            return None;
        }
        let found = match effort {
            Effort::Full => self.dpkg.certain(&self.view, path, gaps)?,
            Effort::Little => match self.dpkg.likely(&self.view, path, gaps) {
                Some(found) => found,
                // Others put files in /opt and /etc too.
                None if path.is_below(&TreePath::new("/opt")) || path.is_below(&TreePath::new("/etc")) => return None,
                None => return Some(dpkg_unnamed()),
            },
        };
        Some(self.with_dpkg_version(found, gaps))
    }

    /// The lists of dpkg name no versions.
    pub(super) fn with_dpkg_version(&mut self, found: Provenance, gaps: &mut Vec<Gap>) -> Provenance {
        let versions = self.dpkg_versions.get_or_insert_with(|| dpkg_versions(&self.view, gaps));
        let version = versions.get(&found.package).cloned().unwrap_or_default();
        Provenance { version, ..found }
    }

    fn wheel(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let wheels = self.wheels.get_or_insert_with(|| Wheels::read(&self.view, self.installation, gaps));
        wheels.owner(&self.view, path, gaps)
    }

    pub(super) fn rpm(&self, path: &TreePath) -> Option<Provenance> {
        let databases = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"].map(TreePath::new);
        let database = databases.into_iter().find(|it| self.view.is_directory(it))?;
        if !is_of_the_system(path) || has_dpkg(&self.view) {
            return None;
        }
        let because = Evidence::at(&database, "rpm data base of the system; its packages are not read");
        Some(Provenance::by(Manager::Rpm, because))
    }
}

/// No record names `path`.
pub(super) fn unrecorded(path: &TreePath) -> Provenance {
    Provenance::by(Manager::Unrecorded, Evidence::at(path, "no record names it"))
}

/// What an INSTALLER file says.
pub(super) fn of_record(record: &Record, because: Evidence) -> Provenance {
    let manager = match &record.installer {
        Some((word, _)) => Manager::of_installer(word),
        None => Manager::Unrecorded,
    };
    let version = record.version.value().cloned().unwrap_or_default();
    let build = record.tags.as_ref().map(|(tags, _)| tags.join(", ")).unwrap_or_default();
    Provenance { package: record.name.clone(), version, build, ..Provenance::by(manager, because) }
}

/// Whether the operating system, not the administrator, fills the directory.
pub(super) fn is_of_the_system(path: &TreePath) -> bool {
    let system = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc", "/opt"];
    let below = |it: &str| path.is_below(&TreePath::new(it));
    system.into_iter().any(below) && !below("/usr/local")
}
