//! Which file a name of a module stands for: directories of MODULEPATH in order, versions, defaults.
//!
//! Measured: Environment Modules 5.2.0 takes the first directory that has the name, `.modulerc` and `.version` before a file
//! or link `default`, and loads such a link under its own name; Lmod 8.6.19 takes the newest version of all directories, a
//! link `default` before the files, and the name of what the link leads to.

use std::cmp::Ordering;
use std::io::ErrorKind;

use super::defaults::{Marks, marks};
use super::knowledge::{Modulefiles, System};
use super::limits::{ALIASES, DIRECTORIES, FILE_BYTES, VERSIONS};
use super::version::compare;
use crate::base::TreePath;
use crate::tree::View;

/// A module that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As it is listed when it is loaded.
    pub name: String,
    /// Its file.
    pub file: TreePath,
    /// Its text.
    pub text: String,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One file.
    Module(Box<Module>),
    /// No directory has it.
    Nothing,
    /// Nobody can say which: why.
    Undecided(String),
}

/// A file that may be meant.
#[derive(Debug, Clone)]
struct Candidate {
    name: String,
    file: TreePath,
    marked: bool,
}

/// Looks for `name` in `directories`.
pub fn find(know: &Modulefiles, view: &View, directories: &[TreePath], name: &str, system: System) -> Found {
    let mut name = name.trim_end_matches('/').to_owned();
    for _ in 0..ALIASES {
        if name.is_empty() || name.split('/').any(|it| it.is_empty() || it == "." || it == "..") {
            return Found::Undecided(format!("{name} is no name of a module"));
        }
        let search = Search { know, view, name: &name, system };
        match search.everywhere(directories) {
            Ok(In::Files(candidates)) => return search.chosen(&candidates),
            Ok(In::Alias(target)) => name = target,
            Err(reason) => return Found::Undecided(reason),
        }
    }
    Found::Undecided(format!("{name} stands for a name that stands for another, and so on"))
}

enum In {
    Files(Vec<Candidate>),
    Alias(String),
}

struct Search<'a> {
    know: &'a Modulefiles,
    view: &'a View,
    name: &'a str,
    system: System,
}

impl Search<'_> {
    fn everywhere(&self, directories: &[TreePath]) -> Result<In, String> {
        if DIRECTORIES < directories.len() {
            return Err("there are too many directories of modulefiles".to_owned());
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for directory in directories {
            match self.in_directory(directory)? {
                In::Files(found) => candidates.extend(found),
                In::Alias(name) => return Ok(In::Alias(name)),
            }
            // Environment Modules looks no further.
            if !candidates.is_empty() && self.system == System::Tcl {
                break;
            }
        }
        Ok(In::Files(candidates))
    }

    fn chosen(&self, candidates: &[Candidate]) -> Found {
        let best = |a: &&Candidate, b: &&Candidate| a.marked.cmp(&b.marked).then_with(|| order(self.system, a, b));
        let exact = candidates.iter().find(|it| it.name == self.name);
        // Of equal ones the first directory counts.
        let Some(chosen) = exact.or_else(|| candidates.iter().rev().max_by(best)) else { return Found::Nothing };
        match self.view.read_text(chosen.file.as_bytes()) {
            Ok(text) => Found::Module(Box::new(Module { name: chosen.name.clone(), file: chosen.file.clone(), text })),
            Err(error) => Found::Undecided(format!("{} cannot be read: {error}", chosen.file)),
        }
    }

    fn marks(&self, directory: &TreePath, name: &str) -> Result<Marks, String> {
        marks(self.know, self.view, directory, name, self.system)
    }

    fn in_directory(&self, directory: &TreePath) -> Result<In, String> {
        // What stands above all names speaks of any of them.
        let top = self.marks(directory, "")?;
        if let Some(target) = top.alias(self.name) {
            return Ok(In::Alias(target));
        }
        if let Some(file) = self.file_of(directory, self.name)? {
            return Ok(In::Files(vec![Candidate { name: self.name.to_owned(), file, marked: true }]));
        }
        if self.view.is_directory(directory.join(self.name.as_bytes()).as_bytes()) {
            return self.in_versions(directory, &top);
        }
        // `gcc/12` stands for the newest `gcc/12.x`.
        let Some((above, begin)) = self.name.rsplit_once('/') else { return Ok(In::Files(Vec::new())) };
        if !self.view.is_directory(directory.join(above.as_bytes()).as_bytes()) {
            return Ok(In::Files(Vec::new()));
        }
        if let Some(target) = self.marks(directory, above)?.alias(self.name) {
            return Ok(In::Alias(target));
        }
        let begin = format!("{begin}.");
        let all = self.versions(directory, above)?.into_iter().filter(|it| it.starts_with(&begin));
        Ok(In::Files(self.candidates(directory, above, all)?))
    }

    /// The versions of a name that is a directory.
    fn in_versions(&self, directory: &TreePath, top: &Marks) -> Result<In, String> {
        let name = self.name;
        let all = self.versions(directory, name)?;
        let mut found = self.candidates(directory, name, all.into_iter())?;
        let mut marked = self.linked(directory)?;
        if marked.is_none() {
            let own = self.marks(directory, name)?;
            let of_name = |it: &&String| it.rsplit_once('/').is_some_and(|(above, _)| above == name);
            let above = top.defaults.iter().find(of_name);
            if let (Some(above), System::Lmod) = (above, self.system) {
                // Measured: Lmod 8.6 honours the same words in one kind of file, and not in another.
                return Err(format!("{above} is called the default in a file above, which not every Lmod reads"));
            }
            marked = own.defaults.first().or(above).cloned();
        }
        let is_default = |it: &Candidate| it.name.ends_with("/default");
        if let (None, Some(own)) = (&marked, found.iter().find(|it| is_default(it))) {
            marked = Some(own.name.clone());
        }
        match &marked {
            Some(whole) => match found.iter_mut().find(|it| it.name == *whole) {
                Some(it) => it.marked = true,
                None => return Err(format!("the default version of {name}, {whole}, is not there")),
            },
            None if self.system == System::Tcl && self.has_directories(directory)? => {
                return Err(format!("{name} has versions in directories of its own"));
            }
            None => {}
        }
        Ok(In::Files(found))
    }

    /// The version to which a link `default` leads, where such a link counts before all else.
    fn linked(&self, directory: &TreePath) -> Result<Option<String>, String> {
        if self.system == System::Tcl {
            return Ok(None);
        }
        let link = directory.join(self.name.as_bytes()).join(b"default");
        let target = match self.view.read_link(&link) {
            Ok(target) => String::from_utf8_lossy(&target).into_owned(),
            // What is no link names no version.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => return Ok(None),
            Err(error) => return Err(format!("{link} cannot be read: {error}")),
        };
        let version = target.rsplit('/').next().unwrap_or_default();
        Ok(Some(format!("{}/{}", self.name, version.strip_suffix(".lua").unwrap_or(version))))
    }

    fn candidates(
        &self,
        directory: &TreePath,
        name: &str,
        versions: impl Iterator<Item = String>,
    ) -> Result<Vec<Candidate>, String> {
        let mut found = Vec::new();
        for version in versions {
            let whole = format!("{name}/{version}");
            if let Some(file) = self.file_of(directory, &whole)? {
                found.push(Candidate { name: whole, file, marked: false });
            }
        }
        Ok(found)
    }

    /// Names below a directory of versions; `.lua` is cut where Lmod reads.
    fn versions(&self, directory: &TreePath, name: &str) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.listed(&directory.join(name.as_bytes()))? {
            let stem = name.strip_suffix(".lua").filter(|_| self.system == System::Lmod).unwrap_or(&name).to_owned();
            let link = stem == "default" && self.system == System::Lmod;
            if !name.starts_with('.') && !name.ends_with('~') && !link && !names.contains(&stem) {
                names.push(stem);
            }
        }
        Ok(names)
    }

    fn listed(&self, path: &TreePath) -> Result<Vec<String>, String> {
        let listed = self.view.list(path.as_bytes()).map_err(|error| format!("{path} cannot be listed: {error}"))?;
        if VERSIONS < listed.len() {
            return Err(format!("{path} holds too many files"));
        }
        Ok(listed.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect())
    }

    fn has_directories(&self, directory: &TreePath) -> Result<bool, String> {
        let path = directory.join(self.name.as_bytes());
        let is_directory = |it: &String| self.view.is_directory(path.join(it.as_bytes()).as_bytes());
        Ok(self.listed(&path)?.iter().any(|it| !it.starts_with('.') && is_directory(it)))
    }

    /// The modulefile of exactly that name: Lmod prefers one in Lua, Environment Modules reads none.
    fn file_of(&self, directory: &TreePath, name: &str) -> Result<Option<TreePath>, String> {
        let lua = directory.join(format!("{name}.lua").as_bytes());
        if self.system == System::Lmod && self.view.is_file(lua.as_bytes()) {
            return Ok(Some(lua));
        }
        let tcl = directory.join(name.as_bytes());
        if !self.view.is_file(tcl.as_bytes()) {
            return Ok(None);
        }
        let unreadable = |error: std::io::Error| format!("{tcl} cannot be read: {error}");
        let opened = self.view.open(tcl.as_bytes()).map_err(unreadable)?;
        if FILE_BYTES < opened.size_bytes() {
            return Err(format!("{tcl} is too long for a modulefile"));
        }
        let text = self.view.read_text(tcl.as_bytes()).map_err(unreadable)?;
        Ok(text.starts_with("#%Module").then_some(tcl))
    }
}

fn order(system: System, a: &Candidate, b: &Candidate) -> Ordering {
    let version = |it: &Candidate| it.name.rsplit('/').next().unwrap_or_default().to_owned();
    compare(system, &version(a), &version(b))
}
