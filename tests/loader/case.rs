//! One law of the loader as text: a tree, loaders, processes with their events, and what they map.
//!
//! ```toml
//! # The law, and the experiment that shows it.
//! [executables]                    # PT_INTERP is that of the first loader where it is not given
//! "/bin/app" = { needed = ["libx.so.1"], rpath = "/a" }
//! [objects]                        # fields of `support::ElfSpec`
//! "/a/libx.so.1" = { soname = "libx.so.1", defines = ["f"] }
//! [links]                          # also: texts, copies (hard links), directories, cache
//! "/a/libx.so" = "libx.so.1"
//! [[process]]
//! executable  = "/bin/app"
//! environment = { LD_LIBRARY_PATH = "/b" }
//! events      = [{ open = "/x/ext.so" }, { open = "liby.so", caller = "/x/ext.so", global = true }]
//! [expected]
//! text = '''
//! ...
//! '''
//! ```
//! `[expected]` stands last; `UPDATE=1` rewrites it.

use std::collections::BTreeMap;
use std::path::Path;

use pyhpc_audit::base::{TreePath, Variables};
use serde::Deserialize;

use super::cache;
use crate::support::fixture::{Directory, File, Fixture, Link};
use crate::support::{ElfSpec, elf_builder};

/// One file of `tests/loader`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// Loaders; one of glibc 2.36 where none is given.
    #[serde(rename = "loader")]
    pub loaders: Vec<Loader>,
    /// Objects with PT_INTERP.
    pub executables: BTreeMap<String, ElfSpec>,
    /// Shared objects.
    pub objects: BTreeMap<String, ElfSpec>,
    /// Symbolic links and their targets.
    pub links: BTreeMap<String, String>,
    /// Hard links and the file that each is.
    pub copies: BTreeMap<String, String>,
    /// Text files.
    pub texts: BTreeMap<String, String>,
    /// Permissions of executables, where they are not 0o755.
    pub modes: BTreeMap<String, u32>,
    /// Why no real loader is asked.
    pub not_asked: Option<String>,
    /// Directories that hold nothing.
    pub directories: Vec<String>,
    /// `/etc/ld.so.cache`: soname, path, and for hwcaps entries the level.
    pub cache: Vec<Vec<String>>,
    /// Processes over the tree.
    #[serde(rename = "process")]
    pub processes: Vec<Process>,
    /// What they do.
    pub expected: Expected,
}

/// The end of the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// As `render` writes it.
    pub text: String,
}

/// A file that looks like ld.so to whoever reads its bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loader {
    /// Where it lies.
    pub path: String,
    /// Its version, when it is a glibc.
    pub glibc: Option<String>,
    /// Its version, when it is a musl.
    pub musl: Option<String>,
    /// Default directories of a glibc.
    pub directories: Vec<String>,
}

/// One process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// What is started.
    pub executable: String,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// `x86-64-v3`; the baseline where it is not given.
    pub cpu: Option<String>,
    /// The working directory; unknown where it is not given.
    pub directory: Option<String>,
    /// What happens after the start.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Print every candidate that was passed over.
    #[serde(default)]
    pub probes: bool,
}

/// One `dlopen`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// A path or a bare name.
    pub open: String,
    /// The path of the object that calls; the executable where it is not given.
    pub caller: Option<String>,
    /// RTLD_GLOBAL.
    #[serde(default)]
    pub global: bool,
    /// RTLD_NOLOAD.
    #[serde(default)]
    pub no_load: bool,
}

impl Default for Loader {
    fn default() -> Self {
        let debian = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"];
        Self {
            path: "/lib64/ld-linux-x86-64.so.2".to_owned(),
            glibc: Some("2.36".to_owned()),
            musl: None,
            directories: debian.map(str::to_owned).to_vec(),
        }
    }
}

impl Case {
    /// Reads a text; a mistake in it fails the test with its line.
    #[track_caller]
    pub fn parse(name: &Path, text: &str) -> Self {
        let mut case: Self = toml::from_str(text).unwrap_or_else(|error| panic!("{}:\n{error}", name.display()));
        if case.loaders.is_empty() {
            case.loaders.push(Loader::default());
        }
        let interpreter = case.loaders[0].path.clone();
        for executable in case.executables.values_mut() {
            executable.interpreter.get_or_insert_with(|| interpreter.clone());
        }
        case
    }

    /// Every file but the loaders and the cache.
    pub fn fixture(&self) -> Fixture {
        let mut fixture = Fixture::default();
        for (path, spec) in self.executables.iter().chain(&self.objects) {
            // The kernel asks for the right to execute.
            let mode = self.executables.contains_key(path).then_some(0o755);
            let mode = self.modes.get(path).copied().or(mode);
            let elf = Some(Box::new(spec.clone()));
            fixture.files.push(File { path: path.clone(), elf, mode, ..File::default() });
        }
        for (path, text) in &self.texts {
            fixture.files.push(File { path: path.clone(), text: Some(text.clone()), ..File::default() });
        }
        for (path, first) in &self.copies {
            fixture.files.push(File { path: path.clone(), same_as: Some(first.clone()), ..File::default() });
        }
        let link = |(path, target): (&String, &String)| Link { path: path.clone(), target: target.clone() };
        fixture.links = self.links.iter().map(link).collect();
        let directory = |path: &String| Directory { path: path.clone(), mode: None };
        fixture.directories = self.directories.iter().map(directory).collect();
        if !self.cache.is_empty() {
            let hex = cache::bytes(&self.cache).iter().map(|byte| format!("{byte:02x}")).collect();
            fixture.files.push(File { path: "/etc/ld.so.cache".to_owned(), hex: Some(hex), ..File::default() });
        }
        fixture
    }

    /// Every file.
    pub fn whole_fixture(&self) -> Fixture {
        let mut fixture = self.fixture();
        for loader in &self.loaders {
            let elf = Some(Box::new(loader.spec()));
            fixture.files.push(File { path: loader.path.clone(), elf, ..File::default() });
        }
        fixture
    }
}

impl Loader {
    fn spec(&self) -> ElfSpec {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let mut spec = ElfSpec { soname: Some(name.to_owned()), ..ElfSpec::default() };
        if let Some(version) = &self.musl {
            spec.text = vec!["musl libc (x86_64)".to_owned(), version.clone()];
        } else if let Some(version) = &self.glibc {
            spec.text = vec!["/etc/ld.so.preload".to_owned(), "/etc/ld.so.cache".to_owned(), String::new()];
            spec.text.extend(self.directories.iter().map(|it| format!("{it}/")));
            spec.text.push(format!("GNU C Library (GNU libc) stable release version {version}."));
        }
        spec.stack = elf_builder::Stack::Plain;
        spec
    }
}

impl Process {
    /// Its environment.
    pub fn variables(&self) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in &self.environment {
            variables.set(name.as_bytes(), value.as_bytes(), "case");
        }
        variables
    }

    /// Where it is started.
    pub fn working_directory(&self) -> Option<TreePath> {
        self.directory.as_ref().map(TreePath::new)
    }
}
