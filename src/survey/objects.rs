//! Facts about single objects: whether each file is whole, and what the loader does not find for an extension alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::builder::Builder;
use super::macos;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::discover::{ExtensionFile, FileRole};
use crate::elf::{ElfError, Linkage};
use crate::facts::{Fact, MissingVersion, Need, Object};
use crate::identify::matches_any;
use crate::loader::{self, CpuLevel, Detail, Failure, Objects, Process, Start, System};

/// Asks the loader for each extension by itself, as `ldd` would: sorted by path. Extensions that are no readable object
/// for this interpreter are left out: their state says why.
pub(super) fn alone<'v>(
    store: &'v Objects<'v>,
    files: &[ExtensionFile],
    system: &System,
    variables: &Variables,
    cpu: CpuLevel,
    machine: Option<&Linkage>,
) -> Vec<(TreePath, Process<'v>)> {
    let look = |file: &ExtensionFile| {
        if file.role != FileRole::Extension || file.dangling.is_some() {
            return None;
        }
        let real = store.view().resolve(file.path.as_bytes()).ok()?;
        let object = store.get(&real).ok()?;
        let linkage = object.linkage.as_ref().ok()?;
        if machine.is_some_and(|it| !same_machine(it, linkage)) {
            return None;
        }
        let question = question(&real, linkage);
        Some((question, file.path.clone(), object))
    };
    let looked: Vec<_> = files.par_iter().filter_map(look).collect();
    let mut groups: BTreeMap<Vec<u8>, Vec<(TreePath, Arc<loader::Object>)>> = BTreeMap::new();
    for (question, path, object) in looked {
        groups.entry(question).or_default().push((path, object));
    }
    let ask = |group: Vec<(TreePath, Arc<loader::Object>)>| {
        let Some((_, first)) = group.first() else { return Vec::new() };
        let start = Start { executable: &first.real, system, variables, cpu, detail: Detail::Names };
        let Ok(process) = Process::start(store, &start) else { return Vec::new() };
        group.into_iter().map(|(path, object)| (path.clone(), process.started_as(&path, object))).collect()
    };
    let mut all: Vec<(TreePath, Process<'v>)> = groups.into_values().par_bridge().flat_map_iter(ask).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// What the loader's answer depends on: the directory and everything that the object asks for.
fn question(real: &TreePath, linkage: &Linkage) -> Vec<u8> {
    let mut key = real.parent().unwrap_or_else(TreePath::root).as_bytes().to_vec();
    let tags = [&linkage.soname, &linkage.rpath, &linkage.runpath];
    for tag in tags {
        key.push(u8::from(tag.is_some()));
        key.extend_from_slice(tag.as_deref().unwrap_or_default());
        key.push(0);
    }
    for (list, mark) in [(&linkage.needed, 1), (&linkage.auxiliary, 2), (&linkage.filter, 3)] {
        for name in list {
            key.push(mark);
            key.extend_from_slice(name);
            key.push(0);
        }
    }
    key.push(u8::from(linkage.no_default_library_path));
    key
}

fn same_machine(one: &Linkage, other: &Linkage) -> bool {
    one.machine == other.machine && one.bits == other.bits && one.little_endian == other.little_endian
}

impl Builder<'_, '_> {
    /// Every shared object of the installation, and the libraries that the process maps from elsewhere.
    pub(super) fn object_facts(&mut self, interpreter: Option<&Linkage>) -> Fact<Vec<Object>> {
        let mut list = Vec::new();
        for file in &self.session.site.files {
            if let Some(object) = self.file_fact(file, interpreter) {
                list.push(object);
            }
        }
        let known: std::collections::HashSet<String> = list.iter().map(|it: &Object| it.path.clone()).collect();
        for index in 0..self.session.process.objects.len() {
            let path = self.real(index);
            if !known.contains(&path.text()) {
                list.push(self.library_fact(&path, interpreter, index == 0));
            }
        }
        Fact::known(list, Vec::new())
    }

    /// `None` for a text file that only looks like a library by its name: a linker script that no loader is asked for.
    fn file_fact(&mut self, file: &ExtensionFile, interpreter: Option<&Linkage>) -> Option<Object> {
        let path = &file.path;
        let role = match file.role {
            FileRole::Extension => "extension",
            FileRole::Library => "library",
        };
        let mapped = self.session.process.objects.iter().any(|it| it.name == path.as_bytes() || it.real() == path);
        let mut object = self.blank(path, role);
        let because = object.in_process.because().to_vec();
        object.package.clone_from(&file.package);
        object.distribution = self.session.site.distribution(&file.package);
        object.in_process = Fact::known(mapped, because.clone());
        object.abi_tag = Fact::known(file.abi_tag.clone(), because.clone());
        object.abi_matches = match file.fits.value() {
            Some(fits) => Fact::known(*fits, because.clone()),
            None => self.ledger.answered(&file.fits, path, "whether this Python loads it", |it| *it),
        };
        object.has_matching_sibling = Fact::known(file.fitting_sibling.is_some(), because);
        if let Some(target) = &file.dangling {
            let id = self.ledger.note(path, format!("link to {}, which does not exist", printable(target)));
            object.state = Fact::known("dangling-symlink".to_owned(), vec![id]);
            return Some(object);
        }
        self.examine(path, interpreter, &mut object).then_some(object)
    }

    fn library_fact(&mut self, path: &TreePath, interpreter: Option<&Linkage>, executable: bool) -> Object {
        let mut object = self.blank(path, if executable { "executable" } else { "library" });
        object.in_process = Fact::known(true, object.in_process.because().to_vec());
        self.examine(path, interpreter, &mut object);
        object
    }

    fn blank(&mut self, path: &TreePath, role: &str) -> Object {
        // One place speaks for all that the file says of itself: an environment holds thousands of them.
        let id = self.ledger.note(path, self.in_short(path, role));
        let none = || Fact::known("none".to_owned(), vec![id]);
        Object {
            path: path.text(),
            package: String::new(),
            distribution: String::new(),
            role: role.to_owned(),
            state: none(),
            machine: none(),
            python_machine: none(),
            abi_tag: none(),
            abi_matches: Fact::known(true, vec![id]),
            has_matching_sibling: Fact::known(false, vec![id]),
            in_process: Fact::known(false, vec![id]),
            readable_by_others: Fact::known(true, vec![id]),
            debug_marks: Fact::known(Vec::new(), vec![id]),
            executable_stack: Fact::known("no".to_owned(), vec![id]),
        }
    }

    /// What a file is, in one line: `extension, mode 644, ELF for x86_64, 64 bits`.
    fn in_short(&self, path: &TreePath, role: &str) -> String {
        let store = self.session.catalogue.objects;
        match store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real)) {
            Ok(file) => {
                let what = match &file.linkage {
                    Ok(linkage) => format!("ELF for {}, {} bits", linkage.machine_name(), linkage.bits),
                    Err(error) => error.to_string(),
                };
                format!("{role}, mode {:o}, {what}", file.mode)
            }
            Err(error) => format!("{role}: {error}"),
        }
    }

    /// What the bytes of the file say. `false` when it is text that nobody takes for a library.
    fn examine(&mut self, path: &TreePath, interpreter: Option<&Linkage>, object: &mut Object) -> bool {
        let store = self.session.catalogue.objects;
        let opened = store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real));
        let python = interpreter.map(Linkage::machine_name);
        object.python_machine = match python {
            Some(name) => Fact::known(name.to_owned(), Vec::new()),
            None => self.undecided(Stage::Discover, "no interpreter was read", "the machine of the interpreter"),
        };
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                let hides = "whether it is whole, and what it needs";
                let gap = self.ledger.gap(&Gap::new(path, Stage::Elf, error.to_string(), hides));
                (object.state, object.machine) = (Fact::unknown(gap), Fact::unknown(gap));
                object.readable_by_others = Fact::unknown(gap);
                return true;
            }
        };
        let because = object.in_process.because().to_vec();
        object.readable_by_others = Fact::known(file.mode & 0o004 != 0, because.clone());
        let (state, text) = match &file.linkage {
            Ok(linkage) => {
                let machine = linkage.machine_name().to_owned();
                let foreign = interpreter.is_some_and(|it| !same_machine(it, linkage));
                object.machine = Fact::known(machine.clone(), because.clone());
                object.debug_marks = Fact::known(debug_marks(linkage), because.clone());
                object.executable_stack = Fact::known(executable_stack(linkage).to_owned(), because.clone());
                if !foreign {
                    object.state = Fact::known("ok".to_owned(), because);
                    return true;
                }
                ("foreign-machine", format!("ELF for {machine}, {} bits", linkage.bits))
            }
            Err(ElfError::NotElf { text: true }) if object.role == "library" => return false,
            Err(ElfError::NotElf { text: false }) if let Some(machines) = macos::machines(store.view(), path) => {
                return self.examine_macho(path, &machines, interpreter.is_some(), object);
            }
            Err(error) => (broken_word(error), error.to_string()),
        };
        if let Err(ElfError::Io(reason)) = &file.linkage {
            let gap = Gap::new(path, Stage::Elf, reason.clone(), "whether it is whole, and what it needs");
            object.state = Fact::unknown(self.ledger.gap(&gap));
            return true;
        }
        let id = self.ledger.note(path, text);
        object.state = Fact::known(state.to_owned(), vec![id]);
        true
    }

    /// The same of a file of macOS, which no interpreter of ours loads.
    fn examine_macho(
        &mut self,
        path: &TreePath,
        machines: &Result<String, String>,
        foreign: bool,
        object: &mut Object,
    ) -> bool {
        let (state, text) = match machines {
            Ok(machines) => {
                let id = self.ledger.note(path, format!("Mach-O for {machines}"));
                object.machine = Fact::known(machines.clone(), vec![id]);
                (if foreign { "foreign-machine" } else { "ok" }, format!("Mach-O for {machines}"))
            }
            Err(reason) => ("malformed", format!("Mach-O, {reason}")),
        };
        let id = self.ledger.note(path, text);
        object.state = Fact::known(state.to_owned(), vec![id]);
        true
    }

    /// What the loader does not find for each extension alone.
    pub(super) fn needs(&mut self, alone: &[(TreePath, Process<'_>)]) -> Fact<Vec<Need>> {
        let mut list = Vec::new();
        for (path, process) in alone {
            for failure in &process.start_failures {
                if let Failure::Missing(missing) = failure {
                    list.push(self.need(path, process, missing));
                }
            }
        }
        speak_for_all(
            &mut list,
            |it| (it.package.clone(), it.soname.clone()),
            |it| it.object.clone(),
            |it, first, also| {
                (it.first, it.also) = (first, also);
            },
        );
        Fact::known(list, Vec::new())
    }

    fn need(&mut self, path: &TreePath, alone: &Process<'_>, missing: &loader::Missing) -> Need {
        let soname = printable(&missing.soname);
        let by = alone
            .objects
            .iter()
            .find(|it| it.name == missing.needed_by)
            .map_or_else(|| path.clone(), |it| it.real().clone());
        let id = self.ledger.note(&by, format!("NEEDED {soname}"));
        let masked = self.session.process.loaded_as(&missing.soname);
        let mut because = vec![id];
        if let Some(loaded) = masked.and_then(|it| self.session.process.objects.get(it)) {
            let real = loaded.real().clone();
            because.push(self.ledger.note(&real, format!("{soname} is in the process already")));
        }
        let in_process = self.session.process.objects.iter().any(|it| it.name == path.as_bytes());
        let failed = self.session.failures.iter().any(|it| it.extension.as_ref() == Some(path));
        let variant = self.session.choices.iter().any(|it| it.extensions.contains(path));
        let fails_import = self.session.failures.iter().any(|it| match &it.failure {
            Some(Failure::Missing(unmet)) => unmet.soname == missing.soname,
            Some(Failure::Unusable { .. } | Failure::Version(_) | Failure::Undefined(_) | Failure::TooMany) | None => {
                false
            }
        });
        let located = self.located(&missing.soname);
        let optional = self.session.catalogue.know.libraries.machine_dependent(&missing.soname).is_some();
        let searched =
            missing.searched.iter().map(|(directory, via)| format!("{} ({})", printable(directory), via.word()));
        let package = self.package_of(path).unwrap_or_default();
        Need {
            object: path.text(),
            distribution: self.session.site.distribution(&package),
            package,
            needed_by: by.text(),
            soname,
            state: match self.closed(missing) {
                Some(gap) => Fact::unknown(self.ledger.gap(&gap)),
                None => Fact::known("missing".to_owned(), vec![id]),
            },
            masked: Fact::known(masked.is_some(), because.clone()),
            in_process: Fact::known(in_process || failed, because.clone()),
            machine_dependent: Fact::known(optional, because.clone()),
            variant: Fact::known(variant, because.clone()),
            fails_import: Fact::known(fails_import, because.clone()),
            first: true,
            also: Vec::new(),
            searched: searched.collect(),
            located: Fact::known(located, because),
        }
    }

    /// A searched directory that could not be looked into: the library may lie there.
    pub(super) fn closed(&self, missing: &loader::Missing) -> Option<Gap> {
        let closed = self.session.catalogue.objects.closed_directories();
        let mut searched = missing.searched.iter().map(|(directory, _)| TreePath::new(directory));
        let (directory, reason) = searched.find_map(|it| closed.get_key_value(&it))?;
        let hides = format!("whether {} lies there", printable(&missing.soname));
        Some(Gap::new(directory, Stage::Loader, reason.clone(), hides))
    }

    /// Files of that name among what was walked.
    fn located(&self, soname: &[u8]) -> Vec<String> {
        let named = |file: &&ExtensionFile| file.path.file_name() == soname;
        self.session.site.files.iter().filter(named).map(|it| it.path.text()).collect()
    }

    /// Versions that the objects of the process need and the chosen libraries lack.
    pub(super) fn missing_versions(&mut self) -> Fact<Vec<MissingVersion>> {
        let mut misses: Vec<loader::VersionMiss> = Vec::new();
        let failed = self.session.failures.iter().filter_map(|it| it.failure.as_ref());
        for failure in self.session.process.start_failures.iter().chain(failed) {
            if let Failure::Version(miss) = failure {
                misses.push(miss.clone());
            }
        }
        let mut list = Vec::new();
        for miss in misses {
            let object = TreePath::new(&miss.object);
            let needs = self.ledger.note(&object, format!("needs version {}", printable(&miss.version)));
            let highest = miss.highest.as_deref().map_or_else(|| "none".to_owned(), printable);
            let defines = self.ledger.note(&miss.library_path, format!("defines versions up to {highest}"));
            let package = self.package_of(&object).unwrap_or_default();
            list.push(MissingVersion {
                first: true,
                also: Vec::new(),
                distribution: self.session.site.distribution(&package),
                package,
                object: object.text(),
                library: miss.library_path.text(),
                version: Fact::known(printable(&miss.version), vec![needs]),
                highest: Fact::known(highest, vec![defines]),
                via: Fact::known(miss.via.word().to_owned(), vec![defines]),
            });
        }
        let version = |it: &MissingVersion| it.version.value().cloned().unwrap_or_default();
        speak_for_all(
            &mut list,
            |it| (it.library.clone(), version(it)),
            |it| it.object.clone(),
            |it, first, also| {
                (it.first, it.also) = (first, also);
            },
        );
        Fact::known(list, Vec::new())
    }
}

/// Marks the first of each group and gives it the names of the others, so that one finding can speak for all.
fn speak_for_all<T>(
    list: &mut [T],
    group: impl Fn(&T) -> (String, String),
    name: impl Fn(&T) -> String,
    mark: impl Fn(&mut T, bool, Vec<String>),
) {
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for it in list.iter() {
        groups.entry(group(it)).or_default().push(name(it));
    }
    for names in groups.values_mut() {
        names.sort();
        names.dedup();
    }
    for it in list {
        let names = groups.get(&group(it)).cloned().unwrap_or_default();
        let own = name(it);
        let first = names.first() == Some(&own);
        mark(it, first, names.into_iter().filter(|other| *other != own).collect());
    }
}

fn broken_word(error: &ElfError) -> &'static str {
    match error {
        ElfError::Empty => "empty",
        ElfError::NotElf { .. } => "not-elf",
        ElfError::Truncated(_) => "truncated",
        ElfError::Malformed(_) | ElfError::Limit(_) => "malformed",
        ElfError::Io(_) => "unreadable",
    }
}

/// PT_GNU_STACK; without it glibc takes the default of the machine, which is executable on x86.
fn executable_stack(linkage: &Linkage) -> &'static str {
    match linkage.executable_stack {
        Some(true) => "wanted",
        Some(false) => "no",
        None if ["x86_64", "i386"].contains(&linkage.machine_name()) => "unsaid",
        None => "no",
    }
}

/// Runtimes that only instrumented builds need.
fn debug_marks(linkage: &Linkage) -> Vec<String> {
    let sanitizers = ["libasan.so*", "libtsan.so*", "libubsan.so*", "liblsan.so*", "libmsan.so*"].map(str::to_owned);
    let needed = linkage.needed.iter().filter(|it| matches_any(&sanitizers, it));
    needed.map(|it| format!("needs {}", printable(it))).collect()
}
