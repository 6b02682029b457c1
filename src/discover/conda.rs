//! What conda, mamba and pixi record: one JSON file per package below `conda-meta`.

use std::collections::HashMap;

use serde::Deserialize;

use super::Installation;
use super::answer::{Evidence, gap};
use super::layout::list_or_gap;
use super::look::Look;
use super::metadata::optional;
use super::provenance::{Manager, Provenance};
use crate::base::{Gap, TreePath};

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
    /// Whether pixi made the environment.
    #[serde(skip)]
    pub(super) by_pixi: bool,
    #[serde(default)]
    pub(super) files: Vec<String>,
}

impl CondaRecord {
    pub(super) fn provenance(&self, file: &str) -> Provenance {
        let text = format!("{} {} {} lists {file}", self.name, self.version, self.build);
        let manager = if self.by_pixi { Manager::Pixi } else { Manager::Conda };
        Provenance {
            package: self.name.clone(),
            version: self.version.clone(),
            build: self.build.clone(),
            options: build_options(&self.build),
            channel: channel_name(&self.channel).to_owned(),
            ..Provenance::by(manager, Evidence::at(&self.path, text))
        }
    }
}

/// What people call a channel, which is recorded by name or by address, with the directory of the machine behind it or without:
/// `https://conda.anaconda.org/conda-forge/linux-64` is `conda-forge`. Anaconda's own, `pkgs/main` and its neighbours, are
/// `defaults`. What stands before the name may hold a password.
fn channel_name(recorded: &str) -> &str {
    let machines = ["linux-", "osx-", "win-", "noarch"];
    let mut words = recorded.trim_end_matches('/').rsplit('/').filter(|it| !it.is_empty());
    let last = words.next().unwrap_or_default();
    let is_machine = machines.iter().any(|it| last.starts_with(it)) && recorded.contains('/');
    let name = if is_machine { words.next().unwrap_or_default() } else { last };
    if words.next() == Some("pkgs") { "defaults" } else { name }
}

/// The words of a build string that choose a variant: `mpi_openmpi_py311h439e445_100` says `mpi_openmpi`. What else it
/// holds is the Python it is for (`py311`), the hash of its inputs (`h439e445`) and a number.
fn build_options(build: &str) -> Vec<String> {
    let is_hash =
        |it: &str| it.strip_prefix('h').is_some_and(|it| 6 < it.len() && it.chars().all(|c| c.is_ascii_hexdigit()));
    let python =
        |it: &str| it.split_once('h').map_or(it, |(before, _)| before).strip_prefix("py").is_some_and(is_number);
    let words = build.split('_').filter(|it| !it.is_empty() && !is_number(it) && !is_hash(it) && !python(it));
    let words: Vec<&str> = words.collect();
    // `mpi` and the implementation after it are one choice.
    match words.as_slice() {
        ["mpi", which, rest @ ..] => {
            std::iter::once(format!("mpi_{which}")).chain(rest.iter().map(|it| (*it).to_owned())).collect()
        }
        all => all.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// The prefix of the installation that conda manages.
pub(super) fn conda_prefix(view: &Look<'_>, installation: &Installation) -> Option<TreePath> {
    let prefixes = [&installation.prefix, &installation.base_prefix];
    prefixes.into_iter().find(|it| view.is_directory(&it.join("conda-meta"))).cloned()
}

/// The records in `conda-meta` whose package is `wanted`.
pub(super) fn conda_records(
    view: &Look<'_>,
    prefix: &TreePath,
    wanted: impl Fn(&str) -> bool,
    gaps: &mut Vec<Gap>,
) -> Vec<CondaRecord> {
    let directory = prefix.join("conda-meta");
    let by_pixi = view.is_file(&directory.join("pixi"));
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
            Ok(record) => records.push(CondaRecord { path, by_pixi, ..record }),
            Err(error) => {
                let reason = format!("line {} is no valid conda record: {error}", error.line());
                gaps.push(gap(&path, reason, "what conda installed"));
            }
        }
    }
    records
}

/// The record of each file, by its path relative to the prefix.
pub(super) fn index_of(records: &[CondaRecord]) -> HashMap<Vec<u8>, usize> {
    let files = records.iter().enumerate();
    files.flat_map(|(at, it)| it.files.iter().map(move |file| (file.as_bytes().to_vec(), at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(build: &str, options: &[&str]) {
        assert_eq!(build_options(build), options, "{build}");
    }

    #[test]
    fn channels_have_one_name() {
        let names = [
            "https://conda.anaconda.org/conda-forge/linux-64",
            "https://site.example/t/secret/conda-forge/",
            "conda-forge",
        ];
        assert!(names.iter().all(|it| channel_name(it) == "conda-forge"));
        let own = [
            "https://repo.anaconda.com/pkgs/main/linux-64",
            "https://repo.anaconda.com/pkgs/r/noarch",
            "pkgs/main",
            "defaults",
        ];
        assert!(own.iter().all(|it| channel_name(it) == "defaults"));
        assert_eq!(channel_name(""), "");
    }

    #[test]
    fn build_strings_name_variants() {
        check("nompi_py311h439e445_100", &["nompi"]);
        check("mpi_openmpi_py311h439e445_0", &["mpi_openmpi"]);
        check("mpi_mpich_h1234abc_0", &["mpi_mpich"]);
        check("32_h59b9bed_openblas", &["openblas"]);
        check("external_0", &["external"]);
        check("py312h_0", &[]);
        check("py311hb1234ab_0", &[]);
        check("", &[]);
    }
}
