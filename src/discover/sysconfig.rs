//! What `_sysconfigdata*.py`, the directory of compiled standard modules and the file names in it say of a build.

use std::collections::BTreeMap;

use super::answer::{Answer, Evidence, gap, numbered, unreadable};
use super::feature::{Feature, Implementation, is_debug_name};
use super::layout::{Layout, list_or_gap};
use super::look::Look;
use crate::base::{Gap, TreePath};

/// The build variables that matter here.
#[derive(Debug, Default)]
pub(super) struct BuildVariables {
    values: BTreeMap<String, (String, Evidence)>,
}

const WANTED: [&str; 6] = ["ABIFLAGS", "MULTIARCH", "PLATLIBDIR", "Py_DEBUG", "Py_GIL_DISABLED", "SOABI"];

impl BuildVariables {
    /// Reads the variables of the build that `layout` starts.
    pub(super) fn read(view: &Look<'_>, layout: &Layout, gaps: &mut Vec<Gap>) -> Self {
        let mut found = Self::default();
        let Some(file) = file(view, layout, gaps) else { return found };
        match view.read_text(file.as_bytes()) {
            Ok(text) => {
                for (number, line) in numbered(&text) {
                    if let Some((key, value)) = setting(line) {
                        found.values.insert(key.to_owned(), (value.to_owned(), Evidence::line(&file, number, line)));
                    }
                }
            }
            Err(error) => gaps.push(unreadable(&file, &error, "how this Python was built")),
        }
        found
    }

    /// The value of a variable, with its line.
    pub(super) fn get(&self, name: &str) -> Option<&(String, Evidence)> {
        self.values.get(name)
    }

    /// A variable that is 0 or 1.
    pub(super) fn flag(&self, name: &str) -> Option<Answer<bool>> {
        self.get(name).map(|(value, because)| Answer::known(value != "0" && !value.is_empty(), because.clone()))
    }
}

/// `SOABI`: from the build variables, else from the names of compiled standard modules, else constructed.
pub(super) fn soabi(
    view: &Look<'_>,
    layout: &Layout,
    variables: &BuildVariables,
    machine: Option<&str>,
    gaps: &mut Vec<Gap>,
) -> Answer<String> {
    if let Some((value, because)) = variables.get("SOABI") {
        return Answer::known(value.clone(), because.clone());
    }
    if let Some((value, because)) = soabi_of_files(view, layout, gaps) {
        return Answer::known(value, because);
    }
    match (layout.feature.implementation, machine) {
        (Implementation::CPython, Some(machine)) if (3, 2) <= layout.feature.version() => {
            let tag = constructed(layout.feature, machine);
            let text = format!("constructed from Python {} on {machine}", layout.feature.text());
            Answer::known(tag, Evidence::at(&layout.executable, text))
        }
        (Implementation::CPython | Implementation::PyPy, _) => {
            Answer::unknown("no _sysconfigdata file and no compiled standard module names it")
        }
    }
}

/// The tag that a release build of `feature` has on `machine` with glibc.
pub(super) fn constructed(feature: Feature, machine: &str) -> String {
    if feature.implementation == Implementation::PyPy {
        return format!("pypy{}{}-pp73-{machine}-linux-gnu", feature.major, feature.minor);
    }
    let flags = match feature {
        _ if feature.free_threaded => "t",
        _ if feature.version() < (3, 8) => "m",
        _ => "",
    };
    format!("cpython-{}{}{flags}-{machine}-linux-gnu", feature.major, feature.minor)
}

/// The tag that most compiled modules of the standard library carry.
fn soabi_of_files(view: &Look<'_>, layout: &Layout, gaps: &mut Vec<Gap>) -> Option<(String, Evidence)> {
    let directory = dynload(layout);
    let mut counts: BTreeMap<String, (usize, TreePath)> = BTreeMap::new();
    for (name, _) in list_or_gap(view, &directory, "the ABI tag of compiled standard modules", gaps).iter() {
        let name = String::from_utf8_lossy(name);
        let tag = name.strip_suffix(".so").and_then(|it| it.split_once('.')).map(|(_, tag)| tag.to_owned());
        if let Some(tag) = tag.filter(|it| it.starts_with("cpython-") || it.starts_with("pypy")) {
            counts.entry(tag).or_insert_with(|| (0, directory.join(name.as_bytes()))).0 += 1;
        }
    }
    let (tag, (_, path)) = counts.into_iter().max_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| b.0.cmp(&a.0)))?;
    Some((tag.clone(), Evidence::at(&path, format!("file name carries {tag}"))))
}

/// The directory of compiled standard modules.
pub(super) fn dynload(layout: &Layout) -> TreePath {
    let directory = format!("{}/{}/lib-dynload", layout.library_directory, layout.feature.directory());
    layout.exec_prefix.join(directory)
}

/// The file whose ABI flags are those of this interpreter: `_sysconfigdata_<flags>_<platform>_<multiarch>.py`.
fn file(view: &Look<'_>, layout: &Layout, gaps: &mut Vec<Gap>) -> Option<TreePath> {
    let stdlib = layout.stdlib.as_ref()?;
    let is_debug = layout.real.as_ref().is_some_and(is_debug_name);
    let names = list_or_gap(view, stdlib, "how this Python was built", gaps);
    let candidates: Vec<&[u8]> = names
        .iter()
        .map(|(name, _)| name.as_slice())
        .filter(|name| name.starts_with(b"_sysconfigdata") && name.ends_with(b".py"))
        .collect();
    let wanted = |flags: &str| {
        let start = format!("_sysconfigdata_{flags}_");
        candidates.iter().copied().filter(move |name| name.starts_with(start.as_bytes())).map(<[u8]>::to_vec)
    };
    let flags: &[&str] = match (is_debug, layout.feature.free_threaded) {
        (true, true) => &["td", "t"],
        (true, false) => &["d", "dm"],
        (false, true) => &["t"],
        (false, false) => &["", "m"],
    };
    // `linux` first: Debian and conda keep a second file under the bare multiarch name for cross builds.
    let linux = |name: &Vec<u8>| !name.windows(7).any(|it| it == b"_linux_");
    let mut found: Vec<Vec<u8>> = flags.iter().flat_map(|it| wanted(it)).collect();
    found.sort_by_key(linux);
    let chosen = found.first().cloned().or_else(|| candidates.first().map(|it| it.to_vec()));
    if chosen.is_none() && layout.feature.implementation == Implementation::CPython {
        gaps.push(gap(stdlib, "no _sysconfigdata file", "the build variables of this Python"));
    }
    chosen.map(|name| stdlib.join(name))
}

/// Reads ` 'SOABI': 'cpython-311-x86_64-linux-gnu',`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start().trim_start_matches("build_time_vars = {");
    let (key, value) = line.strip_prefix('\'')?.split_once("':")?;
    if !WANTED.contains(&key) {
        return None;
    }
    let value = value.trim().trim_end_matches(['}', ',']);
    Some((key, value.trim_matches(['\'', '"'])))
}
