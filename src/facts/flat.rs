//! The flat view: one key per fact, `blas.numpy.vendor`. Written for scripts, and read back as a target.
//!
//! Invariant: a key is in exactly one of the two maps; `null` and `[]` mean known to be absent.
//! Invariant: a list that may have further members is unknown, with the members that are known in the reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AGREEMENT_OF, BlasUse, Fact, Facts, GapId, Hdf5Use, MpiUse};

/// The `schema` of a flat file.
pub const FLAT_SCHEMA: &str = "pyhpc-facts/1";

/// The flat view of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    /// Always `pyhpc-facts/1`.
    pub schema: String,
    /// The target as it was asked for.
    #[serde(default)]
    pub target: String,
    /// Known facts.
    pub facts: BTreeMap<String, Value>,
    /// Unknown facts and why they cannot be said.
    #[serde(default)]
    pub unknown: BTreeMap<String, String>,
}

impl Flat {
    /// The flat view of the full model.
    pub fn of(facts: &Facts) -> Self {
        let mut writer = Writer { facts, known: BTreeMap::new(), unknown: BTreeMap::new() };
        writer.environment();
        writer.packages();
        writer.libraries();
        writer.process();
        writer.objects();
        Self {
            schema: FLAT_SCHEMA.to_owned(),
            target: facts.target.clone(),
            facts: writer.known,
            unknown: writer.unknown,
        }
    }
}

struct Writer<'a> {
    facts: &'a Facts,
    known: BTreeMap<String, Value>,
    unknown: BTreeMap<String, String>,
}

impl Writer<'_> {
    fn environment(&mut self) {
        let environment = &self.facts.environment;
        let python = &environment.python;
        self.put("python.version", &python.version);
        self.put("python.implementation", &python.implementation);
        self.put("python.soabi", &python.soabi);
        self.put("python.kind", &python.kind);
        self.put("python.user_site", &environment.user_site.directory);
        self.put("python.user_site.packages", &environment.user_site.packages);
        self.put("launcher.path", &environment.launcher.path);
        self.put("launcher.vendor", &environment.launcher.vendor);
        let none = environment.launcher.vendor.value().is_some_and(|it| it == "none");
        self.put_unless("launcher.version", &environment.launcher.version, none);
        // The key says that the target is an image.
        if environment.image_env.value() != Some(&None) {
            self.put("image.env", &environment.image_env);
        }
    }

    fn packages(&mut self) {
        let packages = self.each("pkg.*.version", &self.facts.packages);
        for package in packages.iter().filter(|it| it.audited && it.active) {
            self.put(&format!("pkg.{}.version", package.name), &package.version);
        }
    }

    fn libraries(&mut self) {
        let process = &self.facts.process;
        for it in self.each("blas.*", &process.blas) {
            self.blas(it);
        }
        for it in self.each("lapack.*", &process.lapack) {
            self.put(&format!("lapack.{}.vendor", it.user), &it.vendor);
            self.put(&format!("lapack.{}.lib", it.user), &it.lib);
        }
        for it in self.each("mpi.*", &process.mpi) {
            self.mpi(it);
        }
        for it in self.each("hdf5.*", &process.hdf5) {
            self.hdf5(it);
        }
    }

    fn blas(&mut self, it: &BlasUse) {
        let none = it.vendor.value().is_some_and(|vendor| vendor == "none");
        let key = |name: &str| format!("blas.{}.{name}", it.user);
        self.put(&key("vendor"), &it.vendor);
        self.put(&key("lib"), &it.lib);
        self.put(&key("kernels"), &it.kernels);
        self.put_unless(&key("version"), &it.version, none);
        self.put_unless(&key("interface"), &it.interface, none);
        self.put_unless(&key("threading"), &it.threading, none);
    }

    fn mpi(&mut self, it: &MpiUse) {
        let none = it.vendor.value().is_some_and(|vendor| vendor == "none");
        let key = |name: &str| format!("mpi.{}.{name}", it.user);
        self.put(&key("vendor"), &it.vendor);
        self.put_unless(&key("version"), &it.version, none);
        self.put_unless(&key("abi"), &it.abi, none);
        self.put(&key("soname"), &it.soname);
        self.put(&key("lib"), &it.lib);
    }

    fn hdf5(&mut self, it: &Hdf5Use) {
        let none = it.lib.value().is_some_and(Option::is_none);
        let key = |name: &str| format!("hdf5.{}.{name}", it.user);
        self.put_unless(&key("version"), &it.version, none);
        self.put_unless(&key("parallel"), &it.parallel, none);
        self.put(&key("soname"), &it.soname);
        self.put(&key("lib"), &it.lib);
        if it.user == AGREEMENT_OF[1] {
            self.put("h5py.mpi", &it.client_parallel);
        }
    }

    fn process(&mut self) {
        let process = &self.facts.process;
        match &process.openmp {
            Fact::Known { value, incomplete: None, .. } if value.iter().all(|it| it.family.value().is_some()) => {
                let name = |it: &super::OpenmpRuntime| Some(format!("{}:{}", it.family.value()?, it.path));
                let mut names: Vec<String> = value.iter().filter_map(name).collect();
                names.sort();
                self.known.insert("openmp.runtimes".to_owned(), json!(names));
            }
            Fact::Known { value, incomplete, .. } => {
                let gap = incomplete.or_else(|| value.iter().find_map(|it| it.family.gap()));
                let paths: Vec<&str> = value.iter().map(|it| it.path.as_str()).collect();
                self.hide_list("openmp.runtimes", &paths, gap);
            }
            Fact::Unknown { unknown } => self.hide("openmp.runtimes", *unknown),
        }
        self.put("mpi.agreement", &process.mpi_agreement);
        self.put("duplicates.blas", &process.duplicates.blas);
        self.put("duplicates.hdf5", &process.duplicates.hdf5);
        self.put("duplicates.mpi", &process.duplicates.mpi);
        self.put("duplicates.openmp", &process.duplicates.openmp);
        self.names("import_fails", &process.import_failures, |it| Some(it.name.clone()));
    }

    fn objects(&mut self) {
        let facts = self.facts;
        let name = |it: &super::Need| format!("{}: {}", it.object, it.soname);
        self.names("not_found", &facts.needs, |it| Some(name(it)));
        self.names("not_found_masked", &facts.needs, |it| {
            it.masked.value().copied().unwrap_or(false).then(|| name(it))
        });
        self.names("broken", &facts.objects, |it| {
            let state = it.state.value()?;
            (state != "ok").then(|| format!("{}: {state}", it.path))
        });
    }

    fn each<'b, T>(&mut self, keys: &str, list: &'b Fact<Vec<T>>) -> &'b [T] {
        if let Some(gap) = list.gap() {
            self.hide(keys, gap);
        }
        list.value().map_or(&[], Vec::as_slice)
    }

    fn names<T>(&mut self, key: &str, list: &Fact<Vec<T>>, name: impl Fn(&T) -> Option<String>) {
        match list {
            Fact::Known { value, incomplete, .. } => {
                let mut names: Vec<String> = value.iter().filter_map(name).collect();
                names.sort();
                names.dedup();
                match incomplete {
                    None => {
                        self.known.insert(key.to_owned(), json!(names));
                    }
                    Some(gap) => {
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        self.hide_list(key, &names, Some(*gap));
                    }
                }
            }
            Fact::Unknown { unknown } => self.hide(key, *unknown),
        }
    }

    fn put<T: Serialize>(&mut self, key: &str, fact: &Fact<T>) {
        match fact {
            Fact::Known { value, incomplete: None, .. } => {
                self.known.insert(key.to_owned(), json!(value));
            }
            Fact::Known { value, incomplete: Some(gap), .. } => {
                let reason = format!("at least {}; {}", json!(value), self.reason(*gap));
                self.unknown.insert(key.to_owned(), reason);
            }
            Fact::Unknown { unknown } => self.hide(key, *unknown),
        }
    }

    /// A property of something that is known to be absent is absent too.
    fn put_unless<T: Serialize>(&mut self, key: &str, fact: &Fact<T>, absent: bool) {
        if absent {
            self.known.insert(key.to_owned(), Value::Null);
        } else {
            self.put(key, fact);
        }
    }

    fn hide(&mut self, key: &str, gap: GapId) {
        let reason = self.reason(gap);
        self.unknown.insert(key.to_owned(), reason);
    }

    fn hide_list(&mut self, key: &str, known: &[&str], gap: Option<GapId>) {
        let reason = gap.map_or_else(|| "not recognised".to_owned(), |it| self.reason(it));
        let text = if known.is_empty() { reason } else { format!("at least {}; {reason}", known.join(", ")) };
        self.unknown.insert(key.to_owned(), text);
    }

    fn reason(&self, gap: GapId) -> String {
        match self.facts.gaps.get(gap.0 as usize) {
            Some(gap) if gap.path.is_empty() => gap.reason.clone(),
            Some(gap) => format!("{}: {}", gap.path, gap.reason),
            None => "no reason recorded".to_owned(),
        }
    }
}
