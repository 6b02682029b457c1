//! `sys.path` as CPython and its `site` module build it, without running either.
//!
//! The script's directory, which CPython puts first, belongs to a run and is not part of it
//! ([`super::Installation::safe_path`] says whether there would be one).
//!
//! Invariant: the order and the entries are those of `python -c 'import sys; print(sys.path)'`; entries that do not
//! exist stay in, as there, and say so.

use super::answer::{Answer, Evidence, gap, is_absent, unreadable};
use super::feature::Implementation;
use super::layout::{Layout, list_or_gap};
use super::look::Look;
use super::pth;
use super::startup::{Effect, Startup};
use super::sysconfig::dynload;
use super::{EditableFinder, Origin, PathEntry, UserSite};
use crate::base::{Gap, TreePath, Variables};

/// What the start of a Python gives.
#[derive(Debug, Default)]
pub(super) struct SearchPath {
    pub(super) entries: Vec<PathEntry>,
    pub(super) finders: Vec<EditableFinder>,
}

/// Builds `sys.path`; `module_sites` are the packages of a prefix that is loaded on top of the interpreter.
pub(super) fn build(
    view: &Look<'_>,
    layout: &Layout,
    variables: &Variables,
    user_site: &UserSite,
    module_sites: &[TreePath],
    gaps: &mut Vec<Gap>,
) -> SearchPath {
    let startup = Startup::builtin(gaps);
    let site = SiteModule::read(view, layout, gaps);
    let path = SearchPath::default();
    let mut builder = Builder { view, layout, variables, site, startup, path, remembered_length: 0, inserted: 0, gaps };
    builder.module_sites(module_sites);
    builder.python_path();
    builder.standard_library();
    builder.sites(user_site);
    builder.customize("sitecustomize", "which directories sitecustomize adds to sys.path");
    if user_site.enabled.value() == Some(&true) {
        builder.customize("usercustomize", "which directories usercustomize adds to sys.path");
    }
    builder.path
}

/// The user site directory of `layout` for the user whose variables these are.
pub(super) fn user_site(view: &Look<'_>, layout: &Layout, variables: &Variables, gaps: &mut Vec<Gap>) -> UserSite {
    let base = match (variables.non_empty("PYTHONUSERBASE"), variables.get("HOME")) {
        (Some(base), _) => Some((base.to_vec(), Evidence::variable("PYTHONUSERBASE", base))),
        (None, Some(home)) => Some(([home, b"/.local"].concat(), Evidence::variable("HOME", home))),
        (None, None) => None,
    };
    let enabled = user_site_enabled(layout, variables);
    let nowhere = |reason: &str, enabled| UserSite {
        directory: Answer::unknown(reason),
        exists: Answer::unknown(reason),
        empty: Answer::unknown(reason),
        enabled,
    };
    let Some((base, because)) = base else {
        return nowhere("HOME is not set for the audited process", enabled);
    };
    if base.first() != Some(&b'/') {
        return nowhere("the user base is no absolute path", enabled);
    }
    let directory = TreePath::new(base).join(format!("lib/{}/site-packages", layout.feature.directory()));
    let (exists, empty) = match view.list(directory.as_bytes()) {
        Ok(entries) => {
            let holds = if entries.is_empty() { "nothing is in it" } else { "something is in it" };
            (
                Answer::known(true, Evidence::at(&directory, "directory exists")),
                Answer::known(entries.is_empty(), Evidence::at(&directory, holds)),
            )
        }
        Err(error) if is_absent(&error) => {
            let seen = Evidence::at(&directory, "does not exist");
            (Answer::known(false, seen.clone()), Answer::known(true, seen))
        }
        Err(error) => {
            gaps.push(unreadable(&directory, &error, "packages of the user site directory"));
            let reason = format!("{directory}: {}", super::answer::reason(&error));
            (Answer::unknown(reason.clone()), Answer::unknown(reason))
        }
    };
    UserSite { directory: Answer::known(directory, because), exists, empty, enabled }
}

fn user_site_enabled(layout: &Layout, variables: &Variables) -> Answer<bool> {
    if let Some(configuration) = &layout.configuration {
        match configuration.last("include-system-site-packages") {
            Some((value, _)) if value.eq_ignore_ascii_case("true") => {}
            Some((_, because)) => return Answer::known(false, because),
            None => {}
        }
    }
    const NAME: &str = "PYTHONNOUSERSITE";
    match (variables.non_empty(NAME), variables.hidden(NAME)) {
        (_, Some(reason)) => Answer::unknown(format!("{NAME}: {reason}")),
        (Some(value), None) => Answer::known(false, Evidence::variable(NAME, value)),
        (None, None) => Answer::known(true, Evidence::at(&TreePath::root(), "PYTHONNOUSERSITE is not set")),
    }
}

/// What the `site.py` of this Python does differently from the one of python.org.
#[derive(Debug, Default)]
struct SiteModule {
    /// Debian and its derivatives: packages lie in `dist-packages`.
    dist_packages: bool,
    /// Fedora and its derivatives: `/usr/local` is searched too.
    local_prefix: bool,
    /// Since 2024: `.pth` files whose name begins with a dot are not read.
    skips_hidden: bool,
}

impl SiteModule {
    fn read(view: &Look<'_>, layout: &Layout, gaps: &mut Vec<Gap>) -> Self {
        let Some(stdlib) = &layout.stdlib else { return Self::default() };
        let path = stdlib.join("site.py");
        match view.read_text(path.as_bytes()) {
            Ok(text) => Self {
                dist_packages: text.contains("\"dist-packages\"") || text.contains("'dist-packages'"),
                local_prefix: text.contains("PREFIXES.insert(0, \"/usr/local\")"),
                skips_hidden: text.contains("name.startswith(\".\")") || text.contains("name.startswith('.')"),
            },
            Err(error) => {
                gaps.push(unreadable(&path, &error, "whether this Python has a site module of its own"));
                let debian = layout.base_prefix.join("lib/python3/dist-packages");
                Self { dist_packages: view.is_directory(&debian), ..Self::default() }
            }
        }
    }
}

struct Builder<'a> {
    view: &'a Look<'a>,
    layout: &'a Layout,
    variables: &'a Variables,
    site: SiteModule,
    startup: Startup,
    path: SearchPath,
    remembered_length: usize,
    inserted: usize,
    gaps: &'a mut Vec<Gap>,
}

impl Builder<'_> {
    fn add(&mut self, path: &TreePath, origin: Origin, because: Evidence) {
        if !self.path.entries.iter().any(|it| it.path == *path) {
            let exists = self.view.exists(path);
            self.path.entries.push(PathEntry { path: path.clone(), origin, because, exists });
        }
    }

    fn module_sites(&mut self, sites: &[TreePath]) {
        for site in sites {
            self.add(site, Origin::Site, Evidence::at(site, "packages of the prefix that was asked about"));
        }
    }

    fn python_path(&mut self) {
        const NAME: &str = "PYTHONPATH";
        if let Some(reason) = self.variables.hidden(NAME) {
            self.gaps.push(gap(&TreePath::root(), format!("{NAME}: {reason}"), "what it adds to sys.path"));
        }
        let Some(value) = self.variables.non_empty(NAME) else { return };
        for element in value.split(|b| *b == b':') {
            if element.first() == Some(&b'/') {
                let path = TreePath::new(element);
                let because = Evidence::variable(NAME, value);
                self.add(&path, Origin::PythonPath, because);
            } else {
                let element = crate::base::printable(element);
                let reason =
                    format!("the element `{element}` of PYTHONPATH means the working directory of the process");
                self.gaps.push(gap(&TreePath::root(), reason, "modules that the working directory adds or hides"));
            }
        }
    }

    fn standard_library(&mut self) {
        let Some(stdlib) = self.layout.stdlib.clone() else { return };
        let feature = self.layout.feature;
        let because = Evidence::at(&stdlib, "holds os.py");
        if feature.implementation == Implementation::PyPy {
            return self.add(&stdlib, Origin::Stdlib, because);
        }
        let zip = self.layout.base_prefix.join(format!("{}/{}", self.layout.library_directory, feature.zip()));
        self.add(&zip, Origin::Stdlib, because.clone());
        if self.view.is_file(&zip) {
            self.gaps.push(gap(&zip, "zip files on sys.path are not searched", "modules in it"));
        }
        self.add(&stdlib, Origin::Stdlib, because.clone());
        if feature.major == 2 {
            for name in ["plat-linux2", "lib-tk", "lib-old"] {
                self.add(&stdlib.join(name), Origin::Stdlib, because.clone());
            }
        }
        let dynload = dynload(self.layout);
        self.add(&dynload.clone(), Origin::Stdlib, Evidence::at(&dynload, "compiled standard modules"));
    }

    fn sites(&mut self, user_site: &UserSite) {
        let base = self.layout.base_prefix.clone();
        let mut prefixes = vec![(base, Origin::Site)];
        if let Some(configuration) = &self.layout.configuration {
            let venv = self.layout.prefix.clone();
            // site.py treats a missing key as true.
            let system = configuration.last("include-system-site-packages");
            let isolated = system.is_some_and(|(value, _)| !value.eq_ignore_ascii_case("true"));
            let own = (venv, Origin::Site);
            self.add_sites_of(&own.0, own.1);
            let bases = prefixes.into_iter().map(|(it, _)| (it, Origin::BaseSite));
            prefixes = std::iter::once(own).chain(bases.filter(|_| !isolated)).collect();
        }
        let user_enabled = user_site.enabled.value() == Some(&true);
        if let (true, Some(directory)) = (user_enabled, user_site.directory.value()) {
            self.add_site(directory, Origin::User);
        }
        if user_enabled && self.site.local_prefix && self.variables.get("RPM_BUILD_ROOT").is_none() {
            prefixes.insert(0, (TreePath::new("/usr/local"), Origin::Site));
        }
        for (prefix, origin) in prefixes {
            self.add_sites_of(&prefix, origin);
        }
    }

    /// `site.getsitepackages([prefix])`, in Debian's variant where the standard library has that.
    fn add_sites_of(&mut self, prefix: &TreePath, origin: Origin) {
        let python = self.layout.feature.directory();
        let mut library_directories = vec![self.layout.library_directory];
        if self.layout.library_directory != "lib" {
            library_directories.push("lib");
        }
        let mut names = Vec::new();
        if self.site.dist_packages {
            if self.layout.configuration.is_some() {
                names.push(format!("lib/{python}/site-packages"));
            }
            names.push(format!("local/lib/{python}/dist-packages"));
            if self.layout.feature.major == 3 {
                names.push("lib/python3/dist-packages".to_owned());
            }
            names.extend(library_directories.iter().map(|it| format!("{it}/{python}/dist-packages")));
        } else {
            names.extend(library_directories.iter().map(|it| format!("{it}/{python}/site-packages")));
        }
        for name in names {
            self.add_site(&prefix.join(name), origin);
        }
    }

    /// `site.addsitedir`.
    fn add_site(&mut self, directory: &TreePath, origin: Origin) {
        match self.view.metadata(directory.as_bytes()) {
            Ok(it) if it.kind == crate::tree::Kind::Directory => {}
            Ok(_) => return,
            Err(error) => {
                if !is_absent(&error) {
                    self.gaps.push(unreadable(directory, &error, "packages in it"));
                }
                return;
            }
        }
        self.add(directory, origin, Evidence::at(directory, format!("{} directory", origin.word())));
        let names = list_or_gap(self.view, directory, "packages and .pth files in it", self.gaps);
        for (name, _) in names.iter().filter(|(name, _)| name.ends_with(b".pth")) {
            if !(self.site.skips_hidden && name.starts_with(b".")) {
                self.add_pth(directory, name);
            }
        }
    }

    fn add_pth(&mut self, directory: &TreePath, name: &[u8]) {
        let file = directory.join(name);
        for line in pth::lines(self.view, &file, self.gaps) {
            match line {
                pth::Line::Path { path, because } => {
                    if self.view.exists(&path) {
                        self.add(&path, Origin::Pth, because);
                    }
                }
                pth::Line::Code { text, because } => self.code(directory, name, &text, because),
            }
        }
    }

    fn code(&mut self, directory: &TreePath, name: &[u8], text: &str, because: Evidence) {
        if let Some(module) = pth::finder_module(text) {
            // `site` reads the packages of a virtual environment twice; the finder installs itself once.
            if !self.path.finders.iter().any(|it| it.because == because) {
                self.path.finders.extend(pth::finder(self.view, directory, module, because, self.gaps));
            }
            return;
        }
        match self.startup.effect_of_line(name, text) {
            Some(Effect::None) => {}
            Some(Effect::RememberLength) => self.remembered_length = self.path.entries.len(),
            Some(Effect::InsertNewFirst) => self.insert_new_first(),
            Some(Effect::Prefixes) | None => {
                let shown: String = text.chars().take(120).collect();
                let line = because.line.unwrap_or_default();
                let reason = format!("line {line} runs code at startup: {}", crate::base::printable(shown.as_bytes()));
                self.gaps.push(gap(&because.path, reason, "what this line adds to sys.path"));
            }
        }
    }

    fn insert_new_first(&mut self) {
        let new = self.path.entries.split_off(self.remembered_length.min(self.path.entries.len()));
        let count = new.len();
        let at = self.inserted.min(self.path.entries.len());
        self.path.entries.splice(at..at, new);
        self.inserted = at + count;
    }

    fn customize(&mut self, module: &str, hides: &str) {
        let names = [format!("{module}/__init__.py"), format!("{module}.py")];
        let paths = self.path.entries.iter().flat_map(|it| names.iter().map(|name| it.path.join(name)));
        let Some(path) = paths.into_iter().find(|it| self.view.is_file(it)) else { return };
        let text = match self.view.read_text(path.as_bytes()) {
            Ok(text) => text,
            Err(error) => return self.gaps.push(unreadable(&path, &error, hides)),
        };
        match self.startup.effect_of_module(&text) {
            Some((Effect::None, _)) => {}
            Some((Effect::Prefixes, variable)) => {
                let variable = variable.to_owned();
                self.prefixes(&variable);
            }
            Some((Effect::RememberLength | Effect::InsertNewFirst, _)) | None => {
                self.gaps.push(gap(&path, "runs code at startup", hides));
            }
        }
    }

    /// The packages of every prefix that `variable` lists, before those of the interpreter.
    fn prefixes(&mut self, variable: &str) {
        let Some(value) = self.variables.non_empty(variable).map(<[u8]>::to_vec) else { return };
        let site = format!("lib/{}/site-packages", self.layout.feature.directory());
        let rest = self.path.entries.iter().position(|it| it.origin == Origin::Stdlib).unwrap_or_default();
        let tail = self.path.entries.split_off(rest);
        for prefix in value.split(|b| *b == b':').filter(|it| it.first() == Some(&b'/')) {
            let directory = TreePath::new(prefix).join(&site);
            if self.view.is_directory(&directory) {
                self.add_site(&directory, Origin::PythonPath);
            }
        }
        for entry in tail {
            self.add(&entry.path.clone(), entry.origin, entry.because);
        }
    }
}
