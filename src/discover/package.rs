//! Installed packages: what records claim, what lies there, which copy `import` finds, who put it there.
//!
//! Invariant: every record and every importable regular package outside the standard library appears.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Answer, Evidence};
use super::conda::{CondaRecord, conda_prefix, conda_records};
use super::dpkg::{dpkg_by_name, has_dpkg};
use super::layout::list_or_gap;
use super::look::Look;
use super::metadata::{self, Record, SourceKind, is_identifier, normalised};
use super::module::{importable_suffixes, module_of_file};
use super::prefix_marks::vendor;
use super::provenance::{self, Owners, Provenance};
use super::{Installation, Origin};
use crate::base::{Gap, TreePath};
use crate::tree::{Kind, View};

/// One copy of one importable package, or a distribution of which nothing can be imported.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Import name: `yaml`.
    pub name: String,
    /// Distribution name: `PyYAML`; empty when no record names it.
    pub distribution: String,
    /// Installed version.
    pub version: Answer<String>,
    /// The directory or file that `import` finds; the record where nothing can be imported.
    pub location: TreePath,
    /// Whether `import` finds anything at `location`.
    pub importable: bool,
    /// Where the `sys.path` entry it lies in comes from.
    pub origin: Origin,
    /// Its record, the most fitting one where several claim it.
    pub record: Option<TreePath>,
    /// Whether this copy is the one that `import` finds.
    pub active: bool,
    /// Other copies on `sys.path`, in order.
    pub copies: Vec<TreePath>,
    /// Who put it there.
    pub installer: Provenance,
    /// Everyone who claims to have put it there; more than one is trouble.
    pub managers: Vec<Provenance>,
    /// What each record that claims it says.
    pub recorded_versions: Vec<RecordedVersion>,
    /// Set when it is installed as a link to its source.
    pub editable: Option<Evidence>,
    /// Where it was installed from, when that was no index.
    pub source: Option<(String, Evidence)>,
    /// What that is; none where no record tells.
    pub source_kind: Option<SourceKind>,
    /// The tags of the wheel that was installed.
    pub tags: Option<(Vec<String>, Evidence)>,
    /// How conda recorded it.
    pub conda: Option<CondaRecord>,
}

/// The version that one record claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedVersion {
    /// Distribution name in the record.
    pub distribution: String,
    /// Version in the record.
    pub version: String,
    /// What shows it.
    pub because: Evidence,
}

/// Every installed package of an installation, sorted by import name and `sys.path` order.
pub fn packages(view: &View, installation: &Installation, gaps: &mut Vec<Gap>) -> Vec<Installed> {
    let look = Look::new(view);
    let directories = directories(&look, installation, gaps);
    let world = World { view: &look, installation, directories };
    let mut owners = Owners::new(view, installation);
    let mut groups: BTreeMap<(String, usize, TreePath, usize), Claim<'_>> = BTreeMap::new();
    let mut claimed = BTreeSet::new();
    for (at, directory) in world.directories.iter().enumerate() {
        for (number, record) in directory.records.iter().enumerate() {
            for it in world.places(at, record) {
                claimed.insert(it.location.clone());
                // Distributions that share a namespace stand side by side; of a regular package only one is right.
                let apart = if it.shared { number } else { 0 };
                let key = (it.name.clone(), it.directory, it.location.clone(), apart);
                groups.entry(key).or_insert_with(|| Claim { place: it, records: Vec::new() }).records.push(record);
            }
        }
    }
    for (at, directory) in world.directories.iter().enumerate().filter(|(_, it)| it.origin != Origin::Stdlib) {
        for (name, module) in directory.modules.iter().filter(|(_, it)| it.regular && !claimed.contains(&it.path)) {
            let place = Place::of(name, at, module);
            groups.insert((name.clone(), at, module.path.clone(), 0), Claim { place, records: Vec::new() });
        }
    }
    let found = groups.into_values().map(|it| world.installed(it, &mut owners, gaps)).collect();
    owners.drain(gaps);
    look.drain(gaps);
    found
}

/// What lies in one `sys.path` directory.
struct Directory {
    origin: Origin,
    modules: BTreeMap<String, Module>,
    records: Vec<Record>,
}

struct Module {
    path: TreePath,
    /// A file, or a directory with an `__init__`: the search ends here.
    regular: bool,
}

/// Where one import name of one record lies.
struct Place {
    name: String,
    directory: usize,
    location: TreePath,
    importable: bool,
    shared: bool,
    finder: bool,
}

impl Place {
    fn of(name: &str, directory: usize, module: &Module) -> Self {
        let (location, shared) = (module.path.clone(), !module.regular);
        Self { name: name.to_owned(), directory, location, importable: true, shared, finder: false }
    }
}

struct Claim<'a> {
    place: Place,
    records: Vec<&'a Record>,
}

struct World<'a> {
    view: &'a Look<'a>,
    installation: &'a Installation,
    directories: Vec<Directory>,
}

fn directories(view: &Look<'_>, installation: &Installation, gaps: &mut Vec<Gap>) -> Vec<Directory> {
    let suffixes = importable_suffixes(installation);
    let entries = installation.sys_path.iter().filter(|it| it.exists && view.is_directory(&it.path));
    let read = |it: &super::PathEntry, gaps: &mut Vec<Gap>| {
        let is_stdlib = it.origin == Origin::Stdlib;
        Directory {
            origin: it.origin,
            modules: modules(view, &it.path, is_stdlib, &suffixes, gaps),
            records: if is_stdlib { Vec::new() } else { metadata::records(view, &it.path, gaps) },
        }
    };
    entries.map(|it| read(it, gaps)).collect()
}

/// What can be imported from a directory. A package wins over an extension, that over source.
fn modules(
    view: &Look<'_>,
    directory: &TreePath,
    is_stdlib: bool,
    suffixes: &[String],
    gaps: &mut Vec<Gap>,
) -> BTreeMap<String, Module> {
    let mut found: BTreeMap<String, (u8, Module)> = BTreeMap::new();
    for (file_name, kind) in list_or_gap(view, directory, "packages in it", gaps).iter() {
        let path = directory.join(file_name);
        let text = String::from_utf8_lossy(file_name).into_owned();
        let is_directory = match kind {
            Kind::Directory => true,
            Kind::Link => view.is_directory(&path),
            Kind::File | Kind::Other => false,
        };
        let (name, rank) = match (is_directory, module_of_file(&text, suffixes)) {
            (true, _) if !is_identifier(&text) || text == "__pycache__" => continue,
            (true, _) => {
                let is_package = is_stdlib || has_init(view, &path);
                (text, if is_package { 0 } else { 3 })
            }
            (false, Some(name)) => (name, if file_name.ends_with(b".so") { 1 } else { 2 }),
            (false, None) => continue,
        };
        if name.starts_with("__editable__") || found.get(&name).is_some_and(|it| it.0 <= rank) {
            continue;
        }
        found.insert(name, (rank, Module { path, regular: rank < 3 }));
    }
    found.into_iter().map(|(name, (_, module))| (name, module)).collect()
}

fn has_init(view: &Look<'_>, directory: &TreePath) -> bool {
    if view.is_file(&directory.join("__init__.py")) {
        return true;
    }
    let is_init = |name: &[u8]| name == b"__init__.pyc" || name.starts_with(b"__init__.") && name.ends_with(b".so");
    match view.list(directory.as_bytes()) {
        Ok(names) => names.iter().any(|(name, _)| is_init(name)),
        Err(error) => {
            view.note(directory, &error, "whether it is a package");
            false
        }
    }
}

impl World<'_> {
    /// Where the import names of `record`, which lies in directory `at`, are found.
    fn places(&self, at: usize, record: &Record) -> Vec<Place> {
        let mut places = Vec::new();
        for name in record.import_names.iter().filter(|it| !it.starts_with("__editable__")) {
            let found = self.place(at, name).or_else(|| self.elsewhere(record, name));
            places.extend(found.filter(|it| places.iter().all(|other: &Place| other.location != it.location)));
        }
        if places.is_empty() {
            let name = record.import_names.iter().find(|it| is_identifier(it) && !it.starts_with("__editable__"));
            let name = name.cloned().unwrap_or_else(|| normalised(&record.name).replace('-', "_"));
            let location = record.path.clone();
            let place = Place { name, directory: at, location, importable: false, shared: false, finder: false };
            places.push(place);
        }
        places
    }

    fn place(&self, at: usize, name: &str) -> Option<Place> {
        Some(Place::of(name, at, self.directories.get(at)?.modules.get(name)?))
    }

    /// An editable install lies in a directory that a `.pth` file names, or behind a finder.
    fn elsewhere(&self, record: &Record, name: &str) -> Option<Place> {
        record.editable.as_ref()?;
        let on_path = self.directories.iter().position(|it| it.origin == Origin::Pth && it.modules.contains_key(name));
        if let Some(at) = on_path {
            return self.place(at, name);
        }
        let mut mappings = self.installation.finders.iter().flat_map(|it| &it.mapping);
        let (_, location) = mappings.find(|it| it.0 == name)?;
        let mut location = location.clone();
        if !self.view.exists(&location) {
            location = TreePath::new([location.as_bytes(), b".py"].concat());
        }
        let (name, directory) = (name.to_owned(), self.directories.len());
        Some(Place { name, directory, importable: true, shared: false, finder: true, location })
    }

    /// Places of `name` on `sys.path` in order, and how many of them make up what `import` finds.
    fn copies(&self, name: &str) -> (Vec<&TreePath>, Option<&TreePath>) {
        let found: Vec<&Module> = self.directories.iter().filter_map(|it| it.modules.get(name)).collect();
        let regular = found.iter().find(|it| it.regular).map(|it| &it.path);
        // Beside a regular package a directory without `__init__` is no copy of it.
        let copies = found.into_iter().filter(|it| it.regular || regular.is_none());
        (copies.map(|it| &it.path).collect(), regular)
    }

    fn installed(&self, claim: Claim<'_>, owners: &mut Owners<'_>, gaps: &mut Vec<Gap>) -> Installed {
        let Claim { place, records } = claim;
        let (all, first) = self.copies(&place.name);
        let active = match first {
            Some(first) => place.importable && *first == place.location,
            None => place.importable && (!place.finder || all.is_empty()),
        };
        let copies = all.into_iter().filter(|it| **it != place.location).cloned().collect();
        let record = fitting(&records, &place.name);
        let origin = self.directories.get(place.directory).map_or(Origin::Pth, |it| it.origin);
        let conda = record.and_then(|it| self.conda(it, gaps));
        let managers = self.managers(&place, &records, conda.as_ref(), owners, gaps);
        let unrecorded = || match record {
            Some(it) => provenance::of_record(it, Evidence::at(&it.path, "names no installer")),
            None => provenance::unrecorded(&place.location),
        };
        Installed {
            distribution: record.map(|it| it.name.clone()).unwrap_or_default(),
            version: self.version(&place, &records, record),
            origin,
            record: record.map(|it| it.path.clone()),
            active,
            copies: if place.importable { copies } else { Vec::new() },
            installer: managers.first().cloned().unwrap_or_else(unrecorded),
            managers,
            recorded_versions: recorded_versions(&records),
            editable: record.and_then(|it| it.editable.clone()),
            source: record.and_then(|it| it.source.clone()),
            source_kind: record.filter(|it| it.installer.is_some() || it.source.is_some()).map(|it| it.source_kind),
            tags: record.and_then(|it| it.tags.clone()),
            conda,
            name: place.name,
            location: place.location,
            importable: place.importable,
        }
    }

    /// What the records agree on; where they do not, what the package's own source says.
    fn version(&self, place: &Place, records: &[&Record], record: Option<&Record>) -> Answer<String> {
        let Some(record) = record else { return Answer::unknown("no record names the package") };
        let versions: BTreeSet<&String> = records.iter().filter_map(|it| it.version.value()).collect();
        if versions.len() < 2 {
            return record.version.clone();
        }
        for name in ["version.py", "_version.py", "__init__.py"] {
            let path = place.location.join(name);
            let text = match self.view.read_text(path.as_bytes()) {
                Ok(text) => text,
                Err(error) => {
                    self.view.note(&path, &error, "which of several records is right");
                    continue;
                }
            };
            let stands = |version: &str| ['"', '\''].iter().any(|it| text.contains(&format!("{it}{version}{it}")));
            let mut told = versions.iter().filter(|it| stands(it));
            if let (Some(version), None) = (told.next(), told.next()) {
                return Answer::known((*version).clone(), Evidence::at(&path, format!("holds \"{version}\"")));
            }
        }
        let versions: Vec<&str> = versions.into_iter().map(String::as_str).collect();
        Answer::unknown(format!("records of several versions claim it: {}", versions.join(", ")))
    }

    fn conda(&self, record: &Record, gaps: &mut Vec<Gap>) -> Option<CondaRecord> {
        let prefix = conda_prefix(self.view, self.installation)?;
        let name = normalised(&record.name);
        if !record.path.is_below(&prefix) {
            return None;
        }
        let is_it = |it: &str| normalised(it) == name;
        conda_records(self.view, &prefix, is_it, gaps).into_iter().next()
    }

    /// Everyone who claims the package, the most trusted first.
    fn managers(
        &self,
        place: &Place,
        records: &[&Record],
        conda: Option<&CondaRecord>,
        owners: &mut Owners<'_>,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Provenance> {
        let mut found = Vec::new();
        let listed = conda.and_then(|it| records.iter().find_map(|record| self.listed_by_conda(it, record)));
        let unlisted = conda.filter(|_| listed.is_none()).map(|it| it.provenance("another version of it"));
        found.extend(listed.clone());
        let real = self.view.real(&place.location);
        found.extend(owners.marker(&real, gaps));
        let of_dpkg = self.dpkg(place, records, gaps);
        found.extend(of_dpkg.map(|it| owners.with_dpkg_version(it, gaps)));
        found.extend(vendor(&real).filter(|_| found.is_empty()));
        for record in records {
            if let (Some((_, because)), true) = (&record.installer, found.is_empty()) {
                found.push(provenance::of_record(record, because.clone()));
            } else if let (Some((word, because)), true) = (&record.installer, listed.is_none()) {
                let other = provenance::of_record(record, because.clone());
                // Spack and EasyBuild install with pip; dpkg writes "debian".
                if word != "pip" || other.manager != provenance::Manager::Pip {
                    found.push(other);
                }
            }
        }
        found.extend(unlisted);
        found.extend(owners.rpm(&real).filter(|_| found.is_empty()));
        found.dedup_by(|a, b| a.manager == b.manager);
        found
    }

    fn listed_by_conda(&self, conda: &CondaRecord, record: &Record) -> Option<Provenance> {
        let prefix = conda_prefix(self.view, self.installation)?;
        let relative = String::from_utf8_lossy(record.path.relative_to(&prefix)?).into_owned();
        let below = format!("{relative}/");
        let file = conda.files.iter().find(|it| **it == relative || it.starts_with(&below))?;
        Some(conda.provenance(file))
    }

    fn dpkg(&self, place: &Place, records: &[&Record], gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let real = self.view.real(&place.location);
        if !provenance::is_of_the_system(&real) || !has_dpkg(self.view) {
            return None;
        }
        let names = records.iter().map(|it| normalised(&it.name)).chain([normalised(&place.name)]);
        let mut words: Vec<String> = names.flat_map(|it| [format!("python3-{it}"), format!("python-{it}")]).collect();
        words.dedup();
        let paths = records.iter().map(|it| &it.path).chain([&place.location]);
        paths.into_iter().find_map(|it| dpkg_by_name(self.view, it, &words, gaps))
    }
}

/// The record whose distribution is named like the module; else the first.
fn fitting<'a>(records: &[&'a Record], name: &str) -> Option<&'a Record> {
    let named = records.iter().find(|it| normalised(&it.name) == normalised(name));
    named.or_else(|| records.first()).copied()
}

/// What different records say; a develop install has the same record twice.
fn recorded_versions(records: &[&Record]) -> Vec<RecordedVersion> {
    let mut all: Vec<RecordedVersion> = Vec::new();
    for it in records.iter().filter_map(|it| recorded_version(it)) {
        if !all.iter().any(|other| (&other.distribution, &other.version) == (&it.distribution, &it.version)) {
            all.push(it);
        }
    }
    all
}

fn recorded_version(record: &Record) -> Option<RecordedVersion> {
    match &record.version {
        Answer::Known { value, because } => Some(RecordedVersion {
            distribution: record.name.clone(),
            version: value.clone(),
            because: because.first().cloned().unwrap_or_else(|| Evidence::at(&record.path, value)),
        }),
        Answer::Unknown { .. } => None,
    }
}
