//! What pip and its kind record: `RECORD`, and the origin of the libraries that a repaired wheel brought along.

use std::collections::HashMap;

use serde::Deserialize;

use super::answer::{Evidence, gap, is_absent, unreadable};
use super::look::Look;
use super::metadata::{self, Record, normalised, optional};
use super::provenance::{Provenance, of_record};
use super::{Installation, Origin};
use crate::base::{Gap, TreePath};

/// The records of every site directory, and the files that they list.
#[derive(Default)]
pub(super) struct Wheels {
    records: Vec<Record>,
    files: HashMap<TreePath, (usize, Evidence)>,
    /// Real site directories.
    sites: Vec<(TreePath, Vec<usize>)>,
    /// What the bill of materials of a record lists, read when the first of its libraries is asked about.
    parts: HashMap<usize, Vec<Part>>,
}

/// A component of a bill of materials.
#[derive(Debug, Clone, Deserialize)]
struct Part {
    name: String,
    #[serde(default)]
    purl: String,
}

#[derive(Deserialize)]
struct Bill {
    #[serde(default)]
    components: Vec<Part>,
}

impl Wheels {
    pub(super) fn read(view: &Look<'_>, installation: &Installation, gaps: &mut Vec<Gap>) -> Self {
        let mut wheels = Self::default();
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

    /// Whose file it is; for a library that came along, where the builder of the wheel had it from.
    pub(super) fn owner(&mut self, view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
        let (index, because) = self.files.get(path).cloned().or_else(|| self.beside(path))?;
        let mut found = of_record(self.records.get(index)?, because);
        if is_bundled(path) {
            found.bundled = Some(self.origin(view, index, path, gaps));
        }
        Some(found)
    }

    /// The libraries that a repaired wheel carries lie in NAME.libs beside the package.
    fn beside(&self, path: &TreePath) -> Option<(usize, Evidence)> {
        for (site, indexes) in &self.sites {
            let Some(relative) = path.relative_to(site) else { continue };
            let first = relative.split(|b| *b == b'/').next().unwrap_or_default();
            let Some(stem) = first.strip_suffix(b".libs") else { continue };
            let name = normalised(&String::from_utf8_lossy(stem));
            let named = |index: &&usize| self.records.get(**index).is_some_and(|it| normalised(&it.name) == name);
            if let Some(index) = indexes.iter().find(named) {
                return Some((*index, Evidence::at(&site.join(first), "directory of the wheel's libraries")));
            }
        }
        None
    }

    /// The package URL of the component that is named like the library; empty where the bill of materials, which lists
    /// packages of the builder's system only, has none.
    fn origin(&mut self, view: &Look<'_>, index: usize, path: &TreePath, gaps: &mut Vec<Gap>) -> String {
        let Some(record) = self.records.get(index) else { return String::new() };
        let parts = self.parts.entry(index).or_insert_with(|| bill_of_materials(view, record, gaps));
        let name = String::from_utf8_lossy(path.file_name()).into_owned();
        let stem = name.split(['-', '.']).next().unwrap_or_default();
        let bare = stem.strip_prefix("lib").unwrap_or(stem);
        // `libgomp` and `krb5-libs` in the words of rpm.
        let same = |it: &&Part| {
            let part = it.name.strip_prefix("lib").unwrap_or(&it.name);
            part == bare || part.strip_suffix("-libs") == Some(bare)
        };
        parts.iter().find(same).map(|it| it.purl.clone()).unwrap_or_default()
    }
}

/// Written by auditwheel since 6.4.
fn bill_of_materials(view: &Look<'_>, record: &Record, gaps: &mut Vec<Gap>) -> Vec<Part> {
    let file = record.path.join("sboms/auditwheel.cdx.json");
    let hides = "where the libraries in the wheel come from";
    let Some(text) = optional(view, &file, hides, gaps) else { return Vec::new() };
    match serde_json::from_str::<Bill>(&text) {
        Ok(bill) => bill.components,
        Err(error) => {
            gaps.push(gap(&file, format!("line {} is no valid bill of materials: {error}", error.line()), hides));
            Vec::new()
        }
    }
}

/// Whether the file lies in a directory that auditwheel or delocate filled: `NAME.libs`, `.libs`, `.dylibs`.
fn is_bundled(path: &TreePath) -> bool {
    let directory = path.parent().unwrap_or_else(TreePath::root);
    [b".libs".as_slice(), b".dylibs"].iter().any(|it| directory.file_name().ends_with(it))
}
