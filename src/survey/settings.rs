//! What the settings files of a library say: which of its backends it opens.
//!
//! The syntax is that of FlexiBLAS 3.4 (`src/mgmt.c`, libcscutils): `key = value`, sections in brackets whose case does not
//! matter, comments behind `#` or `;`. A name that counts is looked for in the order of the files, its section in the
//! opposite one.

use std::collections::BTreeMap;

use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::identify::Settings;
use crate::tree::View;

/// What a gap here hides.
const HIDES: &str = "what this library opens at run time";

/// Keys by section, in upper case; those above every section have none.
type Keys = BTreeMap<(String, String), String>;

/// The variables with the value that the settings of the library at `library` give; none where they give no other.
pub(super) fn resolved(
    view: &View,
    settings: &Settings,
    library: &TreePath,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Option<Variables> {
    let reader = Reader { view, library, variables };
    let known = gaps.len();
    let files: Vec<(TreePath, Keys)> = settings.files.iter().filter_map(|it| reader.first(it, gaps)).collect();
    let more = reader.directory(&settings.directories, gaps);
    let asked = variables.non_empty(&settings.variable).map(printable);
    let (name, origin) = match asked {
        Some(name) => (name, settings.variable.clone()),
        None => {
            reader.hosts(settings, gaps);
            let key = (String::new(), settings.default.clone());
            files.iter().find_map(|(path, keys)| Some((keys.get(&key)?.clone(), path.text())))?
        }
    };
    if known < gaps.len() {
        return None;
    }
    let key = (name.to_uppercase(), settings.library.clone());
    let (system, others) = files.split_last().map_or((None, [].as_slice()), |(last, rest)| (Some(last), rest));
    let system = system.map(|it| &it.1);
    let mut order = system.into_iter().chain(&more).chain(others.iter().rev().map(|it| &it.1));
    let is_file = name.contains('/') || name.contains(".so");
    let file = if is_file { None } else { order.find_map(|keys| keys.get(&key).cloned()) };
    let mut resolved = variables.clone();
    resolved.set(settings.variable.as_str(), file.unwrap_or(name), &origin);
    Some(resolved)
}

struct Reader<'a> {
    view: &'a View,
    library: &'a TreePath,
    variables: &'a Variables,
}

impl Reader<'_> {
    /// A place as the description writes it; none where it names a variable that is not set.
    fn place(&self, written: &str) -> Option<Vec<u8>> {
        if let Some(rest) = written.strip_prefix("own/") {
            let own = self.library.parent().unwrap_or_else(TreePath::root);
            return Some([own.as_bytes(), b"/", rest.as_bytes()].concat());
        }
        let Some((name, rest)) = written.strip_prefix('{').and_then(|it| it.split_once('}')) else {
            return Some(written.as_bytes().to_vec());
        };
        let value = self.variables.non_empty(name)?;
        Some([value, rest.as_bytes()].concat())
    }

    fn first(&self, alternatives: &[String], gaps: &mut Vec<Gap>) -> Option<(TreePath, Keys)> {
        let place = alternatives.iter().filter_map(|it| self.place(it)).find(|it| self.view.is_file(it))?;
        let path = TreePath::new(&place);
        self.read(&path, gaps).map(|keys| (path, keys))
    }

    fn read(&self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Keys> {
        match self.view.read_text(path.as_bytes()) {
            Ok(text) => Some(keys(&text)),
            Err(error) => {
                gaps.push(Gap::new(path, Stage::Identify, error.to_string(), HIDES));
                None
            }
        }
    }

    /// The files of the first of the directories that is there.
    fn directory(&self, alternatives: &[String], gaps: &mut Vec<Gap>) -> Vec<Keys> {
        let place = alternatives.iter().filter_map(|it| self.place(it)).find(|it| self.view.is_directory(it));
        let Some(place) = place else { return Vec::new() };
        let path = TreePath::new(&place);
        match self.view.list(&place) {
            Ok(names) => {
                let files = names.iter().filter(|(name, _)| name.ends_with(b".conf"));
                files.filter_map(|(name, _)| self.read(&path.join(name), gaps)).collect()
            }
            Err(error) => {
                gaps.push(Gap::new(&path, Stage::Identify, error.to_string(), HIDES));
                Vec::new()
            }
        }
    }

    /// A gap where settings of single hosts lie: the host is no part of what is audited.
    fn hosts(&self, settings: &Settings, gaps: &mut Vec<Gap>) {
        let Some(place) = settings.per_host.as_ref().and_then(|it| self.place(it)) else { return };
        let path = TreePath::new(&place);
        let home = path.parent().unwrap_or_else(TreePath::root);
        // A home that cannot be listed hides no more than the settings in it, which were asked for by name.
        let names = self.view.list(home.as_bytes()).into_iter();
        let names: Vec<Vec<u8>> =
            names.flat_map(|it| it.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()).collect();
        if let Some(name) = names.iter().find(|name| name.starts_with(path.file_name())) {
            let reason = "these are the settings of one host, and which host it is depends on the run";
            gaps.push(Gap::new(&home.join(name), Stage::Identify, reason, HIDES));
        }
    }
}

fn keys(text: &str) -> Keys {
    let (mut keys, mut section) = (Keys::new(), String::new());
    for line in text.lines().map(str::trim).filter(|it| !it.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name.trim().to_uppercase();
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            keys.insert((section.clone(), key.trim().to_owned()), value);
        }
    }
    keys
}
