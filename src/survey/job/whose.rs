//! Whose launcher a word is: by its path, by the modules and environments on PATH, by the scheduler, by the facts.

use super::JobKnowledge;
use super::surroundings::list_entries;
use crate::base::TreePath;
use crate::facts::{Facts, Launcher};
use crate::job::{Environment, Place, Word};
use crate::site::{Provides, Site};
use crate::tree::View;

/// Whose launcher it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Owner {
    /// Word of `rules/launchers`; none where it cannot be told.
    pub(super) word: Option<String>,
    /// Its version.
    pub(super) version: Option<String>,
    /// The word of the script.
    pub(super) written: String,
    /// The program, where its path is known.
    pub(super) path: Option<String>,
    /// Binary interfaces of the libraries whose ranks it starts; empty: any.
    pub(super) abis: Vec<String>,
    /// It comes with an MPI library, and not with a scheduler.
    pub(super) of_library: bool,
    /// What that rests on.
    pub(super) places: Vec<Place>,
    /// Why it cannot be told.
    pub(super) unknown: String,
}

/// What is asked to find the owner.
pub(super) struct Asked<'a> {
    pub(super) view: &'a View,
    pub(super) know: &'a JobKnowledge<'a>,
    pub(super) site: Option<&'a Site>,
    /// The facts of the environment, once there are any.
    pub(super) facts: Option<&'a Facts>,
    /// Whether the launcher stands outside the image that the facts are of: then it is that of the host, if any.
    pub(super) outside: bool,
    /// The variable that lists loaded modules.
    pub(super) recorded: &'a [String],
}

/// What a place says of a launcher.
type Said = (String, Option<String>);

impl Asked<'_> {
    /// The owner of the launcher `word`, which several descriptions may claim.
    pub(super) fn owner(&self, word: &Word, candidates: &[String], environment: &Environment) -> Owner {
        let written = word.value.text().unwrap_or_default();
        let mut owner = Owner { written: written.clone(), places: vec![word.place.clone()], ..Owner::default() };
        owner.path = self.file(&written, environment);
        let found = match candidates {
            [only] => Some((only.clone(), self.version_of(only, environment))),
            _ => self.among(&written, candidates, environment, &mut owner),
        };
        match found {
            Some((word, version)) => {
                let description = self.know.audit.launchers.get(&word);
                owner.abis = description.map(|it| it.abis().to_vec()).unwrap_or_default();
                owner.of_library = self.know.audit.libraries.get(&word).is_some();
                owner.version = version;
                owner.word = Some(word);
            }
            None if owner.unknown.is_empty() => {
                owner.unknown = format!(
                    "{written} may be that of {}; its path, a module with provides = {{ mpi = ... }} in the site profile, or \
                     --launcher would say which",
                    candidates.join(", ")
                );
            }
            None => {}
        }
        owner
    }

    fn among(
        &self,
        written: &str,
        candidates: &[String],
        environment: &Environment,
        owner: &mut Owner,
    ) -> Option<Said> {
        let fits = |said: Said| self.candidate(&said.0, candidates).map(|word| (word, said.1));
        if written.contains('/') {
            return self.by_path(written, owner).and_then(fits);
        }
        let entries = environment.value("PATH").map(list_entries).unwrap_or_default();
        for (at, entry) in entries.iter().enumerate() {
            let found = match entry {
                Some(directory) => self.by_path(&format!("{directory}/{written}"), owner),
                // Behind the last entry stands the PATH of the login, which nobody knows.
                None if at + 1 == entries.len() => None,
                None => match self.of_activated(&entries) {
                    Ok(found) => found,
                    Err(reason) => {
                        owner.unknown = reason;
                        return None;
                    }
                },
            };
            if let Some(said) = found.and_then(fits) {
                return Some(said);
            }
        }
        let (mpi, place) = self.by_modules(environment);
        if let Some(said) = mpi.and_then(fits) {
            owner.places.extend(place);
            return Some(said);
        }
        let of_site = self.site.and_then(|it| it.scheduler.launcher.as_ref());
        if let Some(word) = of_site.and_then(|it| self.candidate(&it.value, candidates)) {
            return Some((word, None));
        }
        let own = || candidates.iter().find(|it| *it == written).map(|it| (it.clone(), None));
        self.by_facts(owner).and_then(fits).or_else(own)
    }

    /// The launcher that an activated environment brings, whose directory on PATH is not known: that of the facts, unless it
    /// lies elsewhere.
    ///
    /// # Errors
    /// Why it cannot be said whether the environment brings one.
    fn of_activated(&self, entries: &[Option<String>]) -> Result<Option<Said>, String> {
        let Some(facts) = self.facts else { return Ok(None) };
        let below = |path: &str| {
            let known = entries.iter().flatten().filter_map(|it| it.rsplit_once('/').map(|(prefix, _)| prefix));
            known.into_iter().any(|prefix| path.starts_with(&format!("{prefix}/")))
        };
        let Some(launcher) = self.launcher() else { return Ok(None) };
        match (launcher.path.value(), launcher.vendor.value()) {
            (Some(None), _) => Ok(None),
            (Some(Some(path)), _) if below(path) => Ok(None),
            (Some(Some(_)), Some(_)) => Ok(self.of_facts(launcher)),
            (_, _) => {
                // An environment whose MPI is that of a module brings no launcher of its own.
                let mut libraries =
                    facts.process.mpi.value().into_iter().flatten().filter_map(|it| it.lib.value()?.clone());
                let elsewhere = libraries.next().is_some_and(|it| below(&it));
                let reason = "whether the activated environment brings a launcher of its own is not known";
                if elsewhere { Ok(None) } else { Err(reason.to_owned()) }
            }
        }
    }

    /// The description that a word of a site profile or of a library means.
    fn candidate(&self, word: &str, candidates: &[String]) -> Option<String> {
        let exact = candidates.iter().find(|it| *it == word);
        let alias = || candidates.iter().find(|it| self.know.launch_lines.is_called(it, word));
        exact.or_else(alias).cloned()
    }

    fn by_path(&self, path: &str, owner: &mut Owner) -> Option<Said> {
        let directory = path.rsplit_once('/').map_or("", |it| it.0);
        let brings =
            |it: &&crate::site::Module| it.prepend.values().any(|list| list.value.split(':').any(|it| it == directory));
        let of_site = self.site.and_then(|site| {
            if let Some(installed) = site.installed(path) {
                owner.places.push(Place { file: site.path.clone(), line: installed.line, ..Place::default() });
                return said(&installed.provides);
            }
            said(&site.modules.values().find(brings)?.provides)
        });
        of_site.or_else(|| self.facts_at(path))
    }

    /// The facts name the launcher of that path.
    fn facts_at(&self, path: &str) -> Option<Said> {
        let launcher = self.launcher()?;
        let same = launcher.path.value().is_some_and(|it| it.as_deref() == Some(path));
        if same { self.of_facts(launcher) } else { None }
    }

    /// The MPI that the loaded modules bring, the last one, and the line that loads it.
    pub(super) fn by_modules(&self, environment: &Environment) -> (Option<Said>, Vec<Place>) {
        let Some(site) = self.site else { return (None, Vec::new()) };
        for name in self.recorded {
            let Some(value) = environment.value(name) else { continue };
            let modules = value.text().unwrap_or_default();
            let found = modules.split(':').rev().find_map(|it| said(&site.module(it)?.provides));
            if found.is_some() {
                return (found, value.places.clone());
            }
        }
        (None, Vec::new())
    }

    /// A loaded module of which nothing says whether it brings an MPI.
    pub(super) fn unsaid_module(&self, environment: &Environment) -> Option<String> {
        let lists = self.recorded.iter().filter_map(|it| environment.value(it));
        lists.into_iter().find_map(|value| {
            let Some(modules) = value.text() else { return Some("which modules are loaded is not known".to_owned()) };
            let unsaid = |it: &&str| !it.is_empty() && self.site.and_then(|site| site.module(it)).is_none();
            let name = modules.split(':').find(unsaid)?;
            Some(format!("[modules.\"{name}\"] provides in the site profile would say which MPI it brings"))
        })
    }

    /// Where the program lies: as written, or in the first directory of PATH that holds it.
    fn file(&self, written: &str, environment: &Environment) -> Option<String> {
        if written.contains('/') {
            return Some(written.to_owned());
        }
        for entry in list_entries(environment.value("PATH")?) {
            // A directory that is not known may hold it: what comes later cannot be told.
            let file = TreePath::new(format!("{}/{written}", entry?).as_bytes());
            if self.view.is_file(file.as_bytes()) {
                return Some(file.text());
            }
        }
        None
    }

    fn by_facts(&self, owner: &mut Owner) -> Option<Said> {
        let launcher = self.launcher()?;
        owner.path = launcher.path.value().cloned().flatten();
        self.of_facts(launcher)
    }

    fn launcher(&self) -> Option<&Launcher> {
        let facts = self.facts?;
        if self.outside { facts.host.as_ref().map(|it| &it.launcher) } else { Some(&facts.environment.launcher) }
    }

    fn of_facts(&self, launcher: &Launcher) -> Option<Said> {
        let vendor = launcher.vendor.value().filter(|it| *it != "none")?;
        let version = launcher.version.value().cloned();
        Some((vendor.clone(), version.or_else(|| self.version_of_library(vendor, launcher))))
    }

    /// A launcher that names no version has that of the MPI library of its prefix.
    fn version_of_library(&self, vendor: &str, launcher: &Launcher) -> Option<String> {
        let prefix = directory(directory(launcher.path.value()?.as_deref()?));
        let uses = self.facts.filter(|_| !self.outside)?.process.mpi.value()?;
        let own = uses.iter().find(|it| {
            let beside = it.lib.value().cloned().flatten().is_some_and(|it| directory(directory(&it)) == prefix);
            beside && it.vendor.value().is_some_and(|it| it == vendor)
        });
        own?.version.value().cloned()
    }

    /// The version of a launcher that only one description knows: that of the scheduler, of a module, or of the facts.
    fn version_of(&self, word: &str, environment: &Environment) -> Option<String> {
        let of_scheduler = || {
            let scheduler = &self.site?.scheduler;
            scheduler.version.as_ref().filter(|_| scheduler.name.as_ref().is_some_and(|it| it.value == word))
        };
        let of_module = || self.by_modules(environment).0.filter(|it| it.0 == word)?.1;
        let of_facts = || self.of_facts(self.launcher()?).filter(|it| it.0 == word)?.1;
        of_scheduler().map(|it| it.value.clone()).or_else(of_module).or_else(of_facts)
    }
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

fn said(provides: &Provides) -> Option<Said> {
    let mpi = provides.mpi.as_ref()?;
    Some((mpi.value.clone(), provides.version.as_ref().map(|it| it.value.clone())))
}
