//! Who put a file there: conda, Spack, EasyBuild, dpkg, pip and its kind, rpm, or nobody who left a record.
//!
//! Invariant: records of package managers are trusted before the `dist-info` that they may have unpacked.
//! Invariant: an index is built when the first file needs it, once.

use std::collections::HashMap;

use serde::Deserialize;

use super::answer::{Evidence, gap, is_absent, numbered, unreadable};
use super::layout::list_or_gap;
use super::look::Look;
use super::metadata::{self, Record, normalised, optional};
use super::{Installation, Origin};
use crate::base::{Gap, TreePath};
use crate::tree::View;

/// What puts files in place. The words are public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// pip.
    Pip,
    /// uv.
    Uv,
    /// conda, mamba, pixi.
    Conda,
    /// dpkg and apt.
    Dpkg,
    /// rpm and dnf.
    Rpm,
    /// Spack.
    Spack,
    /// EasyBuild.
    EasyBuild,
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
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Spack => "spack",
            Self::EasyBuild => "easybuild",
            Self::Other(word) => word,
            Self::Unrecorded => "unrecorded",
        }
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
    /// What says so.
    pub because: Evidence,
}

/// A package as conda recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CondaRecord {
    /// Package name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Build string: `nompi_py311h439e445_100`.
    #[serde(default)]
    pub build: String,
    /// Channel.
    #[serde(default)]
    pub channel: String,
    /// The file in `conda-meta`.
    #[serde(skip, default = "TreePath::root")]
    pub path: TreePath,
    #[serde(default)]
    pub(super) files: Vec<String>,
}

impl CondaRecord {
    pub(super) fn provenance(&self, file: &str) -> Provenance {
        let text = format!("{} {} {} lists {file}", self.name, self.version, self.build);
        Provenance {
            manager: Manager::Conda,
            package: self.name.clone(),
            version: self.version.clone(),
            because: Evidence::at(&self.path, text),
        }
    }
}

/// Answers who put files there, for one installation.
pub struct Owners<'a> {
    view: Look<'a>,
    installation: &'a Installation,
    conda: Option<CondaIndex>,
    dpkg: Option<HashMap<Vec<u8>, (String, Evidence)>>,
    wheels: Option<Wheels>,
    markers: HashMap<TreePath, Option<Provenance>>,
}

/// Records, and the record of each file relative to the prefix.
type CondaIndex = (Vec<CondaRecord>, HashMap<Vec<u8>, usize>);

#[derive(Default)]
struct Wheels {
    records: Vec<Record>,
    files: HashMap<TreePath, (usize, Evidence)>,
    /// Real site directories.
    sites: Vec<(TreePath, Vec<usize>)>,
}

impl<'a> Owners<'a> {
    /// Nothing is read yet.
    pub fn new(view: &'a View, installation: &'a Installation) -> Self {
        Self { view: Look::new(view), installation, conda: None, dpkg: None, wheels: None, markers: HashMap::new() }
    }

    /// Who put `path` there; the links of its directory are resolved first.
    pub fn of(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Provenance {
        let real = match self.view.resolve_parent(path) {
            Ok(real) => real,
            Err(error) => {
                self.view.note(path, &error, "who put it there");
                path.clone()
            }
        };
        let found = self.conda(&real, gaps);
        let found = found.or_else(|| self.marker(&real, gaps));
        let found = found.or_else(|| self.dpkg(&real, gaps));
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

    /// Spack and EasyBuild mark the prefix of what they install.
    pub(super) fn marker(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let directory = path.parent()?;
        if let Some(known) = self.markers.get(&directory) {
            return known.clone();
        }
        let here = spack(&self.view, &directory, gaps).or_else(|| easybuild(&self.view, &directory));
        let found = here.or_else(|| self.marker(&directory, gaps));
        self.markers.insert(directory, found.clone());
        found
    }

    fn dpkg(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        if !is_of_the_system(path) || !has_dpkg(&self.view) {
            return None;
        }
        if let Some(found) = dpkg_by_name(&self.view, path, &stem_words(path), gaps) {
            return Some(found);
        }
        let index = self.dpkg.get_or_insert_with(|| dpkg_index(&self.view, gaps));
        let (package, because) = index.get(without_usr(path.as_bytes()))?;
        Some(dpkg_provenance(package, because.clone()))
    }

    fn wheel(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let wheels = self.wheels.get_or_insert_with(|| read_wheels(&self.view, self.installation, gaps));
        if let Some((index, because)) = wheels.files.get(path) {
            return wheels.records.get(*index).map(|it| of_record(it, because.clone()));
        }
        // The libraries that a repaired wheel carries lie in NAME.libs beside the package.
        for (site, indexes) in &wheels.sites {
            let Some(relative) = path.relative_to(site) else { continue };
            let first = relative.split(|b| *b == b'/').next().unwrap_or_default();
            let Some(stem) = first.strip_suffix(b".libs") else { continue };
            let name = normalised(&String::from_utf8_lossy(stem));
            let mut records = indexes.iter().filter_map(|it| wheels.records.get(*it));
            if let Some(record) = records.find(|it| normalised(&it.name) == name) {
                return Some(of_record(record, Evidence::at(&site.join(first), "directory of the wheel's libraries")));
            }
        }
        None
    }

    fn rpm(&self, path: &TreePath) -> Option<Provenance> {
        let databases = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"].map(TreePath::new);
        let database = databases.into_iter().find(|it| self.view.is_directory(it))?;
        if !is_of_the_system(path) || has_dpkg(&self.view) {
            return None;
        }
        let because = Evidence::at(&database, "rpm data base of the system; its packages are not read");
        Some(Provenance { manager: Manager::Rpm, package: String::new(), version: String::new(), because })
    }
}

/// No record names `path`.
pub(super) fn unrecorded(path: &TreePath) -> Provenance {
    let because = Evidence::at(path, "no record names it");
    Provenance { manager: Manager::Unrecorded, package: String::new(), version: String::new(), because }
}

/// What an INSTALLER file says.
pub(super) fn of_record(record: &Record, because: Evidence) -> Provenance {
    let manager = match &record.installer {
        Some((word, _)) => Manager::of_installer(word),
        None => Manager::Unrecorded,
    };
    let version = record.version.value().cloned().unwrap_or_default();
    Provenance { manager, package: record.name.clone(), version, because }
}

/// The prefix of the installation that conda manages.
pub(super) fn conda_prefix(view: &Look<'_>, installation: &Installation) -> Option<TreePath> {
    let prefixes = [&installation.prefix, &installation.base_prefix];
    prefixes.into_iter().find(|it| view.is_directory(&it.join("conda-meta"))).cloned()
}

/// The records in `conda-meta` whose file name is `wanted`.
pub(super) fn conda_records(
    view: &Look<'_>,
    prefix: &TreePath,
    wanted: impl Fn(&str) -> bool,
    gaps: &mut Vec<Gap>,
) -> Vec<CondaRecord> {
    let directory = prefix.join("conda-meta");
    let mut records = Vec::new();
    for (name, _) in list_or_gap(view, &directory, "what conda installed", gaps).iter() {
        let text = String::from_utf8_lossy(name);
        // NAME-VERSION-BUILD.json: only the name may contain a dash.
        let Some(package) = text.strip_suffix(".json").and_then(|it| it.rsplitn(3, '-').nth(2)) else { continue };
        if !wanted(package) {
            continue;
        }
        let path = directory.join(name);
        let Some(text) = optional(view, &path, "what conda installed", gaps) else { continue };
        match serde_json::from_str::<CondaRecord>(&text) {
            Ok(record) => records.push(CondaRecord { path, ..record }),
            Err(error) => {
                let reason = format!("line {} is no valid conda record: {error}", error.line());
                gaps.push(gap(&path, reason, "what conda installed"));
            }
        }
    }
    records
}

fn index_of(records: &[CondaRecord]) -> HashMap<Vec<u8>, usize> {
    let files = records.iter().enumerate();
    files.flat_map(|(at, it)| it.files.iter().map(move |file| (file.as_bytes().to_vec(), at))).collect()
}

#[derive(Deserialize)]
struct SpackFile {
    spec: SpackSpec,
}

#[derive(Deserialize)]
struct SpackSpec {
    nodes: Vec<SpackNode>,
}

#[derive(Deserialize)]
struct SpackNode {
    name: String,
    #[serde(default)]
    version: String,
}

fn spack(view: &Look<'_>, prefix: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
    let marker = prefix.join(".spack");
    if !view.is_directory(&marker) {
        return None;
    }
    let file = marker.join("spec.json");
    let mut found = Provenance {
        manager: Manager::Spack,
        package: String::new(),
        version: String::new(),
        because: Evidence::at(&marker, ".spack"),
    };
    if let Some(text) = optional(view, &file, "which package of Spack this is", gaps) {
        match serde_json::from_str::<SpackFile>(&text) {
            Ok(SpackFile { spec: SpackSpec { nodes } }) => {
                if let Some(node) = nodes.into_iter().next() {
                    found.because = Evidence::at(&file, format!("{}@{}", node.name, node.version));
                    (found.package, found.version) = (node.name, node.version);
                }
            }
            Err(error) => {
                let reason = format!("line {} is no valid spec: {error}", error.line());
                gaps.push(gap(&file, reason, "which package of Spack this is"));
            }
        }
    }
    Some(found)
}

/// `<prefix>/easybuild/NAME-VERSION-TOOLCHAIN.eb`. A package that is called easybuild has no such file.
fn easybuild(view: &Look<'_>, prefix: &TreePath) -> Option<Provenance> {
    let directory = prefix.join("easybuild");
    let names = match view.list(directory.as_bytes()) {
        Ok(names) => names,
        Err(error) => {
            view.note(&directory, &error, "whether EasyBuild installed it");
            return None;
        }
    };
    let (name, _) = names.iter().find(|(name, _)| name.ends_with(b".eb"))?;
    let text = String::from_utf8_lossy(name);
    let stem = text.strip_suffix(".eb")?;
    // The version begins with a digit: `Two-words-2023.07-toolchain-2023a`.
    let is_cut = |at: &usize| stem.get(at + 1..).is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
    let cut = stem.match_indices('-').map(|(at, _)| at).find(is_cut).unwrap_or(stem.len());
    let (package, version) = stem.split_at_checked(cut)?;
    Some(Provenance {
        manager: Manager::EasyBuild,
        package: package.to_owned(),
        version: version.trim_start_matches('-').to_owned(),
        because: Evidence::at(&directory.join(name), text.clone()),
    })
}

const DPKG_LISTS: &str = "/var/lib/dpkg/info";

/// Whether the operating system, not the administrator, fills the directory.
pub(super) fn is_of_the_system(path: &TreePath) -> bool {
    let system = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc", "/opt"];
    let below = |it: &str| path.is_below(&TreePath::new(it));
    system.into_iter().any(below) && !below("/usr/local")
}

pub(super) fn has_dpkg(view: &Look<'_>) -> bool {
    view.is_directory(&TreePath::new(DPKG_LISTS))
}

/// The owner of `path` among the packages whose name contains one of `words`.
pub(super) fn dpkg_by_name(
    view: &Look<'_>,
    path: &TreePath,
    words: &[String],
    gaps: &mut Vec<Gap>,
) -> Option<Provenance> {
    let directory = TreePath::new(DPKG_LISTS);
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
    Provenance { manager: Manager::Dpkg, package, version: String::new(), because }
}

/// Debian names library packages after the library: `libfoo-r0.3.21.so` lies in `libfoo0-pthread`.
fn stem_words(path: &TreePath) -> Vec<String> {
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    let cut = |count: usize| stem.char_indices().nth(count).map_or(stem, |(at, _)| stem.get(..at).unwrap_or(stem));
    if stem.len() < 5 { Vec::new() } else { vec![cut(8).to_owned()] }
}

/// Every shared object and interpreter that dpkg installed.
fn dpkg_index(view: &Look<'_>, gaps: &mut Vec<Gap>) -> HashMap<Vec<u8>, (String, Evidence)> {
    let directory = TreePath::new(DPKG_LISTS);
    let mut index = HashMap::new();
    for (name, _) in list_or_gap(view, &directory, "what dpkg installed", gaps).iter() {
        let Some(package) = name.strip_suffix(b".list") else { continue };
        let file = directory.join(name);
        let Some(list) = optional(view, &file, "what dpkg installed", gaps) else { continue };
        let package = String::from_utf8_lossy(package).into_owned();
        for (number, line) in numbered(&list).filter(|(_, line)| line.contains(".so") || line.contains("bin/")) {
            let because = Evidence::line(&file, number, line);
            index.insert(without_usr(line.as_bytes()).to_vec(), (package.clone(), because));
        }
    }
    index
}

fn read_wheels(view: &Look<'_>, installation: &Installation, gaps: &mut Vec<Gap>) -> Wheels {
    let mut wheels = Wheels::default();
    for entry in installation.sys_path.iter().filter(|it| it.exists && it.origin != Origin::Stdlib) {
        let site = view.real(&entry.path);
        if wheels.sites.iter().any(|it| it.0 == site) {
            continue;
        }
        let mut indexes = Vec::new();
        for record in metadata::records(view, &site, gaps) {
            let index = wheels.records.len();
            let file = record.path.join("RECORD");
            match view.read_text(file.as_bytes()) {
                Ok(text) => {
                    for (number, path) in metadata::recorded_paths(&text).filter(|(_, path)| path.contains(".so")) {
                        let because = Evidence::line(&file, number, path.as_str());
                        wheels.files.insert(site.join(&path), (index, because));
                    }
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => gaps.push(unreadable(&file, &error, "which files belong to the package")),
            }
            wheels.records.push(record);
            indexes.push(index);
        }
        wheels.sites.push((site, indexes));
    }
    wheels
}
