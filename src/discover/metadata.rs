//! The records that installers leave: `dist-info`, `egg-info`, `egg-link`.
//!
//! Invariant: a record that cannot be read still names its distribution by its file name, and is a gap.

use std::io;

use serde::Deserialize;

use super::answer::{Answer, Evidence, gap, is_absent, numbered, unreadable};
use super::layout::list_or_gap;
use super::look::Look;
use crate::base::{Gap, TreePath, read_range};
use crate::tree::Kind;

/// Bytes of a METADATA file that are read: the headers stand at its beginning.
const HEADER_BYTES: u64 = 32 << 10;

/// What a package was installed from. The words are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// No other source is recorded: an index, or an installer that records none.
    Index,
    /// A wheel or archive that was named by path or URL.
    File,
    /// A directory of sources.
    Directory,
    /// Linked to a directory of sources.
    Link,
    /// A repository of sources.
    Repository,
}

impl SourceKind {
    /// The word for facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Repository => "repository",
        }
    }
}

/// One record of one distribution.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The `dist-info` or `egg-info` directory or file, or the `egg-link`.
    pub(super) path: TreePath,
    /// Distribution name as the metadata spells it.
    pub(super) name: String,
    pub(super) version: Answer<String>,
    /// Import names it may stand for, most trusted source first.
    pub(super) import_names: Vec<String>,
    /// The word in INSTALLER.
    pub(super) installer: Option<(String, Evidence)>,
    /// The URL of `direct_url.json`, or the directory of an `egg-link`.
    pub(super) source: Option<(String, Evidence)>,
    /// What that is.
    pub(super) source_kind: SourceKind,
    /// The tags in WHEEL: `cp311-cp311-manylinux_2_17_x86_64`.
    pub(super) tags: Option<(Vec<String>, Evidence)>,
    /// Installed as a link to its source.
    pub(super) editable: Option<Evidence>,
}

/// Every record in `directory`, sorted by file name.
pub(super) fn records(view: &Look<'_>, directory: &TreePath, gaps: &mut Vec<Gap>) -> Vec<Record> {
    let mut found = Vec::new();
    for (name, kind) in list_or_gap(view, directory, "packages in it", gaps).iter() {
        let path = directory.join(name);
        let is_info = name.ends_with(b".dist-info") || name.ends_with(b".egg-info") || name == b"EGG-INFO";
        if is_info && name.starts_with(b"~") {
            gaps.push(gap(&path, "left over from an interrupted installation", "whether the package is whole"));
        } else if is_info {
            found.push(record(view, &path, *kind, gaps));
        } else if name.ends_with(b".egg-link") {
            found.extend(egg_link(view, &path, gaps));
        }
    }
    found
}

/// The distribution name that tools compare: lower case, runs of `-`, `_` and `.` as one `-`.
pub(super) fn normalised(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// The paths in a RECORD file with their lines; relative to the directory that holds the record.
pub(super) fn recorded_paths(text: &str) -> impl Iterator<Item = (u32, String)> {
    numbered(text).filter_map(|(number, line)| {
        let path = match line.strip_prefix('"') {
            // A quote inside is doubled.
            Some(quoted) => quoted.replace("\"\"", "\0").split('"').next()?.replace('\0', "\""),
            None => line.split(',').next()?.to_owned(),
        };
        (!path.is_empty()).then_some((number, path))
    })
}

fn record(view: &Look<'_>, path: &TreePath, kind: Kind, gaps: &mut Vec<Gap>) -> Record {
    let is_file = kind == Kind::File || kind == Kind::Link && view.is_file(path);
    let (stem, file_version) = by_file_name(path);
    let mut record = Record {
        path: path.clone(),
        name: stem.clone(),
        version: Answer::unknown(format!("{path} names no version")),
        import_names: Vec::new(),
        installer: None,
        source: None,
        source_kind: SourceKind::Index,
        tags: None,
        editable: None,
    };
    if let Some(version) = file_version {
        record.version = Answer::known(version, Evidence::at(path, "file name"));
    }
    let names: &[&str] = if is_file { &[""] } else { &["METADATA", "PKG-INFO"] };
    headers(view, path, names, &mut record, gaps);
    if !is_file {
        installer(view, path, &mut record, gaps);
        direct_url(view, path, &mut record, gaps);
        wheel_tags(view, path, &mut record, gaps);
        record.import_names = import_names(view, path, gaps);
    }
    if record.import_names.is_empty() {
        record.import_names = vec![normalised(&record.name).replace('-', "_"), stem];
    }
    record.import_names.dedup();
    record
}

/// `foo-1.24.2.egg-info`, `six-1.16.0-py3.8.egg-info`; `foo-1.0-py3.8.egg/EGG-INFO` names the directory above.
fn by_file_name(path: &TreePath) -> (String, Option<String>) {
    let above = path.parent().unwrap_or_else(TreePath::root);
    let name = if path.file_name() == b"EGG-INFO" { above.file_name() } else { path.file_name() };
    let name = String::from_utf8_lossy(name);
    let suffixes = [".dist-info", ".egg-info", ".egg-link", ".egg"];
    let stem = suffixes.iter().find_map(|it| name.strip_suffix(it)).unwrap_or(&name);
    match stem.split_once('-') {
        Some((name, version)) => {
            let version = version.split("-py").next().unwrap_or(version);
            (name.to_owned(), Some(version.to_owned()))
        }
        None => (stem.to_owned(), None),
    }
}

fn headers(view: &Look<'_>, path: &TreePath, names: &[&str], record: &mut Record, gaps: &mut Vec<Gap>) {
    let hides = format!("the name and version of {}", record.name);
    for name in names {
        let file = path.join(name);
        match beginning(view, &file) {
            Ok(text) => {
                if !read_headers(&text, &file, record) {
                    gaps.push(gap(&file, "no Version header", hides));
                }
                return;
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return gaps.push(unreadable(&file, &error, hides)),
        }
    }
    gaps.push(gap(path, "holds neither METADATA nor PKG-INFO", hides));
}

fn read_headers(text: &str, file: &TreePath, record: &mut Record) -> bool {
    let mut has_version = false;
    for (number, line) in numbered(text).take_while(|(_, line)| !line.is_empty()) {
        match line.split_once(':') {
            Some(("Name", value)) if !value.trim().is_empty() => record.name = value.trim().to_owned(),
            Some(("Version", value)) if !value.trim().is_empty() => {
                has_version = true;
                record.version = Answer::known(value.trim().to_owned(), Evidence::line(file, number, line));
            }
            Some(_) | None => {}
        }
    }
    has_version
}

fn installer(view: &Look<'_>, path: &TreePath, record: &mut Record, gaps: &mut Vec<Gap>) {
    let file = path.join("INSTALLER");
    if let Some(text) = optional(view, &file, "who installed the package", gaps) {
        let word = text.split_whitespace().next().unwrap_or_default();
        if !word.is_empty() {
            record.installer = Some((word.to_ascii_lowercase(), Evidence::line(&file, 1, word)));
        }
    }
}

#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    #[serde(default)]
    dir_info: Option<DirectoryInfo>,
    #[serde(default)]
    vcs_info: Option<RepositoryInfo>,
}

#[derive(Deserialize)]
struct RepositoryInfo {
    #[serde(default)]
    commit_id: String,
}

#[derive(Deserialize, Default)]
struct DirectoryInfo {
    #[serde(default)]
    editable: bool,
}

fn direct_url(view: &Look<'_>, path: &TreePath, record: &mut Record, gaps: &mut Vec<Gap>) {
    let file = path.join("direct_url.json");
    let Some(text) = optional(view, &file, "where the package was installed from", gaps) else { return };
    match serde_json::from_str::<DirectUrl>(&text) {
        Ok(it) => {
            let commit = it.vcs_info.as_ref().map(|it| format!(", commit {}", it.commit_id)).unwrap_or_default();
            let because = Evidence::line(&file, 1, format!("url {}{commit}", it.url));
            record.source_kind = match (&it.vcs_info, &it.dir_info) {
                (Some(_), _) => SourceKind::Repository,
                (None, Some(DirectoryInfo { editable: true })) => SourceKind::Link,
                (None, Some(DirectoryInfo { editable: false })) => SourceKind::Directory,
                (None, None) => SourceKind::File,
            };
            if record.source_kind == SourceKind::Link {
                record.editable = Some(Evidence::line(&file, 1, "dir_info.editable is true"));
            }
            record.source = Some((it.url, because));
        }
        Err(error) => {
            let reason = format!("line {} is no valid direct_url.json: {error}", error.line());
            gaps.push(gap(&file, reason, "where the package was installed from"));
        }
    }
}

fn wheel_tags(view: &Look<'_>, path: &TreePath, record: &mut Record, gaps: &mut Vec<Gap>) {
    let file = path.join("WHEEL");
    let Some(text) = optional(view, &file, "for which machines the package was built", gaps) else { return };
    let tagged = |(number, line)| Some((number, str::trim(str::strip_prefix(line, "Tag:")?)));
    let tags: Vec<(u32, &str)> = numbered(&text).filter_map(tagged).collect();
    if let Some((number, first)) = tags.first() {
        let because = Evidence::line(&file, *number, format!("Tag: {first}"));
        record.tags = Some((tags.iter().map(|(_, tag)| (*tag).to_owned()).collect(), because));
    }
}

fn import_names(view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Vec<String> {
    let hides = "which modules belong to the package";
    if let Some(text) = optional(view, &path.join("top_level.txt"), hides, gaps) {
        let names: Vec<String> = text.lines().map(|it| it.trim().to_owned()).filter(|it| is_identifier(it)).collect();
        if !names.is_empty() {
            return names;
        }
    }
    let mut names = Vec::new();
    if let Some(text) = optional(view, &path.join("RECORD"), hides, gaps) {
        for (_, path) in recorded_paths(&text) {
            let name = match path.split_once('/') {
                Some((directory, _)) => directory.to_owned(),
                None => module_name(path.as_bytes()).unwrap_or_default(),
            };
            let is_ours = !name.starts_with("__pycache__") && !name.starts_with("__editable__");
            if is_ours && is_identifier(&name) && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The module that a file begins in some Python: `six.py`, `foo.cpython-311-x86_64-linux-gnu.so`, `foo.so`.
fn module_name(file_name: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(file_name);
    let stem = name.strip_suffix(".py").or_else(|| {
        let (stem, tag) = name.strip_suffix(".so").map(|it| it.split_once('.').unwrap_or((it, "")))?;
        (tag.is_empty() || tag.starts_with("abi3") || tag.starts_with("cpython-") || tag.starts_with("pypy"))
            .then_some(stem)
    })?;
    is_identifier(stem).then(|| stem.to_owned())
}

/// Whether `import` can spell the name.
pub(super) fn is_identifier(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn egg_link(view: &Look<'_>, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Record> {
    let text = optional(view, path, "the source of a develop install", gaps)?;
    let source = text.lines().next().unwrap_or_default().trim();
    let because = Evidence::line(path, 1, source);
    if !source.starts_with('/') {
        gaps.push(gap(path, "line 1 is no absolute path", "the source of a develop install"));
        return None;
    }
    let directory = TreePath::new(source);
    let listed = list_or_gap(view, &directory, "the source of a develop install", gaps);
    let info = listed.iter().find(|(name, _)| name.ends_with(b".egg-info"));
    let mut record = match info {
        Some((name, kind)) => record(view, &directory.join(name), *kind, gaps),
        None => {
            gaps.push(gap(path, format!("{source} holds no egg-info"), "the version of a develop install"));
            let (name, _) = by_file_name(path);
            let version = Answer::unknown(format!("{source} holds no egg-info"));
            let import_names = vec![normalised(&name).replace('-', "_")];
            Record {
                path: path.clone(),
                name,
                version,
                import_names,
                installer: None,
                source: None,
                source_kind: SourceKind::Link,
                tags: None,
                editable: None,
            }
        }
    };
    record.path = path.clone();
    record.source = Some((source.to_owned(), because.clone()));
    record.source_kind = SourceKind::Link;
    record.editable = Some(because);
    Some(record)
}

/// The text of a file that need not be there.
pub(super) fn optional(view: &Look<'_>, path: &TreePath, hides: &str, gaps: &mut Vec<Gap>) -> Option<String> {
    match view.read_text(path.as_bytes()) {
        Ok(text) => Some(text),
        Err(error) => {
            if !is_absent(&error) {
                gaps.push(unreadable(path, &error, hides));
            }
            None
        }
    }
}

fn beginning(view: &Look<'_>, path: &TreePath) -> io::Result<String> {
    let file = view.open(path.as_bytes())?;
    let bytes = read_range(&*file, 0, file.size_bytes().min(HEADER_BYTES))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_record_lines() {
        let text = "foo/a.py,sha256=x,1\n\"odd,\"\"name\"\".py\",,\n";
        let paths: Vec<_> = recorded_paths(text).collect();
        assert_eq!(paths, [(1, "foo/a.py".to_owned()), (2, "odd,\"name\".py".to_owned())]);
    }

    #[test]
    fn knows_modules_by_file_name() {
        let name = |it: &str| module_name(it.as_bytes());
        assert_eq!(name("six.py"), Some("six".to_owned()));
        assert_eq!(name("_x.abi3.so"), Some("_x".to_owned()));
        assert_eq!(name("_x.cpython-311-x86_64-linux-gnu.so"), Some("_x".to_owned()));
        assert_eq!(name("libx.so.1"), None);
        assert_eq!(name("a-b.py"), None);
        assert_eq!(normalised("Foo__Bar.baz"), "foo-bar-baz");
    }
}
