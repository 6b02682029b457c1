//! `pyhpc-audit.toml` and rule directories: read once, with the place of every mistake.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::args::KnowledgeArgs;
use crate::base::TextFile;
use crate::rules::{FileError, Policy, RuleSet, nearest};
use crate::survey::{Knowledge, SiteFiles};

const NAME: &str = "pyhpc-audit.toml";

/// The site profile, and what marks it.
const SITE_NAME: &str = "site.toml";
const SITE_SCHEMA: &str = "pyhpc-site/";

/// Folders of a rule directory that hold descriptions, not rules.
const DESCRIPTIONS: [&str; 3] = ["libraries", "packages", "launchers"];

/// Deepest nesting of a rule directory.
const DEPTH: usize = 8;

/// Rules, descriptions and policy of one run.
pub(super) struct Configured {
    pub(super) rules: RuleSet,
    pub(super) knowledge: Knowledge,
    pub(super) policy: Policy,
    /// Descriptions that the directories of rules add.
    pub(super) site_files: SiteFiles,
}

/// Reads the configuration that the arguments name, or the one that is found.
///
/// # Errors
/// What is wrong with a file: file, line, column and the nearest valid name.
pub(super) fn read(args: &KnowledgeArgs) -> Result<Configured> {
    let file = match &args.config {
        Some(path) => Some(text_file(path)?),
        None => found()?,
    };
    let mut directories = args.rules.clone();
    if let Some(file) = &file {
        directories.extend(rule_directories(file)?);
    }
    let (rule_files, site) = directory_files(&directories)?;
    let rules = RuleSet::load(&rule_files)?;
    let knowledge = Knowledge::load(&site)?;
    let policy = match &file {
        Some(file) => Policy::parse(file, &rules, jiff::Zoned::now().date())?,
        None => Policy::default(),
    };
    Ok(Configured { rules, knowledge, policy, site_files: site })
}

/// The rule files below a directory.
///
/// # Errors
/// When the directory or a file cannot be read.
pub(super) fn rules_of(directory: &Path) -> Result<Vec<TextFile>> {
    Ok(directory_files(&[directory.to_owned()])?.0)
}

fn found() -> Result<Option<TextFile>> {
    places(NAME).find(|it| it.is_file()).map(|path| text_file(&path)).transpose()
}

/// The site profile, where no argument names one: many programs have a `site.toml`, so the file has to say what it is.
pub(super) fn found_site() -> Option<PathBuf> {
    let says = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|it| it.contains(SITE_SCHEMA));
    places(SITE_NAME).find(says)
}

/// Where a file of configuration may lie: here or above, in the user's configuration, in the machine's.
fn places(name: &'static str) -> impl Iterator<Item = PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    if let Ok(here) = std::env::current_dir() {
        directories.extend(here.ancestors().map(Path::to_path_buf));
    }
    let set = |name: &str| std::env::var_os(name).filter(|it: &OsString| !it.is_empty()).map(PathBuf::from);
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|it| it.join(".config")));
    directories.extend(user.map(|it| it.join("pyhpc-audit")));
    directories.push(PathBuf::from("/etc/pyhpc-audit"));
    directories.into_iter().map(move |it| it.join(name))
}

/// `rule_directories = [...]`, relative to the configuration; any other key that no table of the policy explains is an error.
fn rule_directories(file: &TextFile) -> Result<Vec<PathBuf>> {
    let table: toml::Table = toml::from_str(&file.text).map_err(|error| FileError::from_toml(file, &error))?;
    let known = || Policy::TABLES.into_iter().chain(["rule_directories"]);
    for key in table.keys() {
        if !known().any(|it| it == key) {
            let line = 1 + file
                .text
                .lines()
                .position(|it| it.trim_start_matches(['[', ' ']).starts_with(key.as_str()))
                .unwrap_or(0);
            let names = known().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
            let hint = nearest(key, known()).map(|it| format!("; did you mean \"{it}\"?")).unwrap_or_default();
            bail!("{}:{line}: unknown key \"{key}\": expected one of {names}{hint}", file.path);
        }
    }
    let Some(value) = table.get("rule_directories") else { return Ok(Vec::new()) };
    let base = Path::new(&file.path).parent().unwrap_or(Path::new("")).to_owned();
    let list = value.as_array().with_context(|| format!("{}: rule_directories is no list of texts", file.path))?;
    let text = |it: &toml::Value| it.as_str().map(|it| base.join(it));
    list.iter()
        .map(|it| text(it).with_context(|| format!("{}: rule_directories is no list of texts", file.path)))
        .collect()
}

fn directory_files(directories: &[PathBuf]) -> Result<(Vec<TextFile>, SiteFiles)> {
    let mut rules = Vec::new();
    let mut site = SiteFiles::default();
    for directory in directories {
        let mut files = Vec::new();
        collect(directory, DEPTH, &mut files)?;
        for path in files {
            let below = path.strip_prefix(directory).ok().and_then(|it| it.iter().next()).and_then(|it| it.to_str());
            let target = match below {
                Some("libraries") => &mut site.libraries,
                Some("packages") => &mut site.packages,
                Some("launchers") => &mut site.launchers,
                Some(_) | None => &mut rules,
            };
            target.push(text_file(&path)?);
        }
    }
    debug_assert_eq!(DESCRIPTIONS.len(), 3);
    Ok((rules, site))
}

fn collect(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let read = || format!("could not read the rule directory {}", directory.display());
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory).with_context(read)? {
        entries.push(entry.with_context(read)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if path.extension().is_some_and(|it| it == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

/// A file of text, whole.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(super) fn text_file(path: &Path) -> Result<TextFile> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(TextFile { path: path.display().to_string(), stem, text })
}
