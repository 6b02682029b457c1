//! A host by the prefix of its MPI: the libraries and the launcher in it, and what the loader of this machine gives them.
//!
//! Invariant: the search is bounded by [`DIRECTORIES`]; hitting it is a gap.

use super::closure::{is_of_the_c_library, mountable};
use super::{Host, HostError, HostObject, Told};
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::facts::{Fact, HostLibrary, Launcher};
use crate::identify::Attribute;
use crate::loader::{CpuLevel, Detail, Objects, Process, Start, System};
use crate::survey::catalogue::Catalogue;
use crate::survey::knowledge::Knowledge;
use crate::survey::launcher::launcher;
use crate::survey::ledger::Ledger;
use crate::survey::mapped::highest_of;
use crate::tree::{Kind, View};

/// Directories that are listed at most: those of libraries, what lies in them, and directories of libraries in that.
const DIRECTORIES: usize = 1024;

/// Directories of libraries below a prefix.
const LIBRARIES: [&str; 4] = ["lib", "lib64", "lib/release", "intel64/lib"];

/// Programs that start ranks, below a prefix.
const PROGRAMS: [&str; 4] = ["bin/mpiexec", "bin/mpirun", "bin/mpiexec.hydra", "intel64/bin/mpiexec"];

/// A program of which every system knows its loader.
const SHELL: &str = "/bin/sh";

const HIDES: &str = "which libraries a mounted MPI needs";

impl Host {
    /// The host with the MPI that lies at `prefix` of this machine.
    ///
    /// # Errors
    /// When there is neither a library nor a launcher of MPI; when the files that travel in the binary cannot be read.
    pub fn at_prefix(view: &View, know: &Knowledge, prefix: &TreePath, name: &str) -> Result<Self, HostError> {
        let mut ledger = Ledger::default();
        let mut gaps = Vec::new();
        let store = Objects::new(view);
        let catalogue = Catalogue::new(&store, know);
        let files = files(&catalogue, prefix, &mut gaps);
        let program = PROGRAMS.iter().map(|it| prefix.join(it)).find(|it| view.is_file(it.as_bytes()));
        if files.is_empty() && program.is_none() {
            let looked_for = format!("an MPI library in {}, and {}", LIBRARIES.join(", "), PROGRAMS.join(", "));
            return Err(HostError::NoMpi { prefix: name.to_owned(), looked_for });
        }
        let system = system(&store, program.as_ref(), &mut gaps);
        let mut reader = Reader { catalogue: &catalogue, system, ledger: &mut ledger, list: Vec::new(), open: None };
        let libraries: Vec<HostLibrary> = files.iter().filter_map(|it| reader.library(it)).collect();
        let Reader { system, list, open, .. } = reader;
        // Why it is not known became a gap of the libraries.
        let known = system.iter().next();
        let launcher = match &program {
            Some(program) => launcher(&catalogue, Some(program), &Variables::default(), known, &mut ledger),
            None => no_launcher(prefix, &mut ledger),
        };
        let architecture = architecture(&store, files.first().map(|it| &it.1).or(program.as_ref()), &mut ledger);
        gaps.extend(catalogue.take_gaps());
        let hidden = gaps.iter().map(|it| ledger.gap(it)).next();
        let whole = |open| Fact::Known { value: list, because: Vec::new(), incomplete: open };
        let (evidence, gaps) = ledger.finish();
        let told = Told {
            launcher,
            architecture,
            libraries: Fact::Known { value: libraries, because: Vec::new(), incomplete: hidden },
            objects: whole(open.or(hidden)),
            root: mountable(&prefix.text()),
            evidence,
            gaps,
        };
        Self::new(name, "prefix", told)
    }
}

/// Libraries by the names under which users of MPI ask for one, with their real files, each once.
fn files(catalogue: &Catalogue<'_>, prefix: &TreePath, gaps: &mut Vec<Gap>) -> Vec<(Vec<u8>, TreePath)> {
    let view = catalogue.objects.view();
    let names = |name: &[u8]| catalogue.know.capabilities.get("mpi").is_some_and(|it| it.names_library(name));
    let mut found: Vec<(Vec<u8>, TreePath)> = Vec::new();
    let mut directories: Vec<(TreePath, u8)> = LIBRARIES.iter().map(|it| (prefix.join(it), 0)).collect();
    let mut at = 0;
    while let Some((directory, depth)) = directories.get(at).cloned() {
        at += 1;
        let entries = match view.list(directory.as_bytes()) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => {
                gaps.push(Gap::new(&directory, Stage::Tree, error.to_string(), "MPI libraries of the host"));
                continue;
            }
        };
        for (name, kind) in entries.iter() {
            let below = directory.join(name);
            if names(name) {
                if let Ok(real) = view.resolve(below.as_bytes())
                    && !found.iter().any(|it| it.1 == real)
                {
                    found.push((name.clone(), real));
                }
            } else if *kind == Kind::Directory && (depth == 0 || depth == 1 && name.starts_with(b"lib")) {
                if DIRECTORIES <= directories.len() {
                    gaps.push(Gap::new(
                        prefix,
                        Stage::Tree,
                        "it has too many directories",
                        "MPI libraries of the host",
                    ));
                    return found;
                }
                directories.push((below, depth + 1));
            }
        }
    }
    found
}

/// The loader of the host: that of its launcher, else that of its shell.
fn system(store: &Objects<'_>, program: Option<&TreePath>, gaps: &mut Vec<Gap>) -> Result<System, Gap> {
    let shell = TreePath::new(SHELL);
    for path in program.into_iter().chain([&shell]) {
        let object = store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real));
        let Ok(object) = object else { continue };
        if let Some(interpreter) = object.linkage.as_ref().ok().and_then(|it| it.interpreter.as_ref()) {
            return System::read(store.view(), interpreter, gaps);
        }
    }
    Err(Gap::new(&shell, Stage::Loader, "no program of the host names its loader", HIDES))
}

fn no_launcher(prefix: &TreePath, ledger: &mut Ledger) -> Launcher {
    let reason = format!("no launcher lies in it: looked for {}", PROGRAMS.join(", "));
    let gap = ledger.gap(&Gap::new(prefix, Stage::Tree, reason, "which launcher starts the ranks of the image"));
    Launcher::unknown(gap)
}

fn architecture(store: &Objects<'_>, path: Option<&TreePath>, ledger: &mut Ledger) -> Fact<String> {
    let hides = "what machine the host is";
    let Some(path) = path else { return ledger.unknown(&TreePath::root(), "nothing lies in it", hides) };
    let object = match store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real)) {
        Ok(object) => object,
        Err(error) => return ledger.unknown(path, &error.to_string(), hides),
    };
    match &object.linkage {
        Ok(linkage) => {
            let id = ledger.note(path, format!("ELF for {}", linkage.machine_name()));
            Fact::known(linkage.machine_name().to_owned(), vec![id])
        }
        Err(error) => ledger.unknown(path, &error.to_string(), hides),
    }
}

struct Reader<'a, 'v> {
    catalogue: &'a Catalogue<'v>,
    system: Result<System, Gap>,
    ledger: &'a mut Ledger,
    list: Vec<HostObject>,
    /// What hides further objects.
    open: Option<crate::facts::GapId>,
}

impl Reader<'_, '_> {
    /// The library, unless it is something else under such a name; what it needs is added to the list.
    fn library(&mut self, (asked, real): &(Vec<u8>, TreePath)) -> Option<HostLibrary> {
        let store = self.catalogue.objects;
        let object = match store.get(real) {
            Ok(object) => object,
            Err(error) => {
                self.open = Some(self.ledger.gap(&Gap::new(real, Stage::Elf, error.to_string(), HIDES)));
                return None;
            }
        };
        let identity = self.catalogue.identity(&object);
        if identity.as_ref().is_some_and(|it| !it.capabilities.iter().any(|word| word == "mpi")) {
            return None;
        }
        let mut whole = identity.as_deref().cloned();
        for part in self.needs(asked, real) {
            let Ok(object) = store.get(&part) else { continue };
            if let (Some(whole), Some(part)) = (&mut whole, self.catalogue.part(&object)) {
                whole.complete_with(&part);
            }
        }
        let soname = object.linkage.as_ref().ok().and_then(|it| it.soname.as_deref()).map(printable);
        let id = self.ledger.note(real, soname.as_ref().map_or_else(String::new, |it| format!("SONAME {it}")));
        let hides = "which MPI the host has";
        let (vendor, version, abi) = match &whole {
            Some(it) => (
                Fact::known(it.library.clone(), self.ledger.seen(&it.because)),
                self.ledger.answer(real, it.answers.get(&Attribute::Version), "its version"),
                self.ledger.answer(real, it.answers.get(&Attribute::Abi), "its binary interface"),
            ),
            None => {
                let reason = "it matches no known library";
                let open = self.ledger.unknown::<String>(real, reason, hides);
                (open.clone(), open.clone(), open)
            }
        };
        Some(HostLibrary { path: real.text(), soname: Fact::known(soname, vec![id]), vendor, version, abi })
    }

    /// The files that a library needs, each added to the list once.
    fn needs(&mut self, asked: &[u8], real: &TreePath) -> Vec<TreePath> {
        let store = self.catalogue.objects;
        let system = match &self.system {
            Ok(system) => system,
            Err(gap) => {
                self.open = Some(self.ledger.gap(gap));
                return Vec::new();
            }
        };
        // As its module would set it: what lies beside the library is found.
        let mut variables = Variables::default();
        let beside = real.parent().unwrap_or_else(TreePath::root);
        variables.set("LD_LIBRARY_PATH", beside.as_bytes(), "the prefix");
        let start =
            Start { executable: real, system, variables: &variables, cpu: CpuLevel::Baseline, detail: Detail::Names };
        let process = match Process::start(store, &start) {
            Ok(process) => process,
            Err(reason) => {
                self.open = Some(self.ledger.gap(&Gap::new(real, Stage::Loader, reason, HIDES)));
                return Vec::new();
            }
        };
        let mut files = Vec::new();
        for (index, loaded) in process.objects.iter().enumerate() {
            let soname = if index == 0 { asked } else { loaded.asked.first().map_or(b"".as_slice(), Vec::as_slice) };
            let by = loaded.needed_by.and_then(|it| process.objects.get(it)).map(|it| it.real().text());
            let file = Some(loaded.real().clone());
            self.add(printable(soname), file, by.filter(|_| index != 0).unwrap_or_default());
            for (name, _) in loaded.needs.iter().filter(|it| it.1.is_none()) {
                self.add(printable(name), None, loaded.real().text());
            }
            files.push(loaded.real().clone());
        }
        files
    }

    fn add(&mut self, soname: String, file: Option<TreePath>, needed_by: String) {
        let text = file.as_ref().map(TreePath::text);
        let known = |it: &&mut HostObject| it.soname == soname && it.file == text;
        if is_of_the_c_library(&soname) || self.list.iter_mut().any(|it| known(&it)) {
            return;
        }
        let glibc = file.map_or_else(|| Fact::known(None, Vec::new()), |it| self.glibc(&it));
        self.open = self.open.or_else(|| glibc.gap());
        self.list.push(HostObject { soname, file: text, needed_by, glibc });
    }

    fn glibc(&mut self, file: &TreePath) -> Fact<Option<String>> {
        let store = self.catalogue.objects;
        let versions = store
            .get(file)
            .map_err(|error| error.to_string())
            .and_then(|it| store.needed_versions(&it).map_err(|error| error.to_string()));
        match versions.map(|it| highest_of(&it, "GLIBC_")) {
            Ok(Some(highest)) => {
                let id = self.ledger.note(file, format!("needs GLIBC_{}", highest.version));
                Fact::known(Some(highest.version), vec![id])
            }
            Ok(None) => Fact::known(None, Vec::new()),
            Err(reason) => {
                let hides = "which versions of the C library it needs";
                Fact::unknown(self.ledger.gap(&Gap::new(file, Stage::Elf, reason, hides)))
            }
        }
    }
}
