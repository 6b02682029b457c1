//! The process at a glance: one row per library that answers, `none` and `unknown` said in words.

use super::places::Names;
use crate::facts::{BlasUse, Fact, Facts, GapId, Hdf5Use, MpiUse, OpenmpRuntime, SAYS_NOTHING};

/// One row: a library and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// `BLAS`, `MPI`, ...
    pub(super) what: String,
    /// Vendor and version, `none`, `unknown`.
    pub(super) library: String,
    /// How it is built: `ilp64, pthreads`.
    pub(super) build: String,
    /// The file, or words in its place.
    pub(super) file: String,
    /// `pip`, `conda`, ...; empty when it does not apply.
    pub(super) installed_by: String,
    /// Packages that use it.
    pub(super) users: Vec<String>,
    /// Further lines: what is unknown and why, what can switch it.
    pub(super) notes: Vec<String>,
    /// Why there may be more than is known; `file` says it.
    because: Option<String>,
}

/// The rows of one target, capability by capability.
pub(super) fn rows(facts: &Facts, names: &Names) -> Vec<Row> {
    let process = &facts.process;
    let reader = Reader { facts, names };
    let mut rows = Vec::new();
    rows.extend(merged(reader.list("BLAS", &process.blas, Reader::blas)));
    let lapack = merged(reader.list("LAPACK", &process.lapack, Reader::blas));
    for row in lapack {
        let same = rows
            .iter_mut()
            .find(|it: &&mut Row| it.what == "BLAS" && Row { what: row.what.clone(), ..(**it).clone() } == row);
        match same {
            Some(same) => same.what = "BLAS, LAPACK".to_owned(),
            None => rows.push(row),
        }
    }
    rows.extend(merged(reader.list("MPI", &process.mpi, Reader::mpi)));
    rows.extend(merged(reader.list("HDF5", &process.hdf5, Reader::hdf5)));
    rows.extend(merged(reader.list("OpenMP", &process.openmp, Reader::openmp)));
    rows.push(reader.launcher());
    rows.extend(reader.others());
    rows.extend(reader.preloads());
    // One thing hides all lists, as a rule.
    let mut said = Vec::new();
    for row in &mut rows {
        match row.because.take() {
            Some(reason) if said.contains(&reason) => "for the same reason".clone_into(&mut row.file),
            reason => said.extend(reason),
        }
    }
    rows
}

/// The gap that every fact about a process of macOS shares; `None` for every other.
pub(super) fn approximate(facts: &Facts) -> Option<GapId> {
    let libc = &facts.environment.libc;
    libc.version.gap().filter(|_| libc.family.value().is_some_and(|it| it == "libsystem"))
}

/// Rows that differ in nothing but their users become one.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.iter_mut().find(|it| Row { users: row.users.clone(), ..(**it).clone() } == row) {
            Some(same) => same.users.extend(row.users),
            None => merged.push(row),
        }
    }
    merged
}

/// What stands in the place of a file that a saved facts file does not name.
const LEFT_OUT: &str = "the facts file does not say";

/// Capabilities that have rows of their own.
const SHOWN: [&str; 5] = ["blas", "lapack", "mpi", "hdf5", "openmp"];

struct Reader<'a> {
    facts: &'a Facts,
    names: &'a Names,
}

/// Names of unknown facts, by the reason.
#[derive(Default)]
struct Unknowns(Vec<(String, Vec<&'static str>)>);

impl Unknowns {
    /// What a saved file leaves out is said once, at the head of the page.
    fn note(&mut self, name: &'static str, reason: String) {
        if reason.starts_with(SAYS_NOTHING) {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => self.0.push((reason, vec![name])),
        }
    }

    /// One line per reason; the place of the reason is left out where it is the file of the row.
    fn lines(&self, file: &str) -> Vec<String> {
        let here = format!(" ({file})");
        let line = |reason: &str, names: &[&str]| {
            let names = names.join(", ");
            format!("unknown {names}: {}", reason.strip_suffix(here.as_str()).unwrap_or(reason))
        };
        self.0.iter().map(|(reason, names)| line(reason, names)).collect()
    }
}

impl Reader<'_> {
    /// The rows of a list of uses; one that says so when it is empty, unknown or incomplete.
    fn list<T>(&self, what: &str, uses: &Fact<Vec<T>>, row: impl Fn(&Self, &T) -> Row) -> Vec<Row> {
        let mut rows: Vec<Row> =
            uses.value().into_iter().flatten().map(|it| Row { what: what.to_owned(), ..row(self, it) }).collect();
        let reason = self.reason(uses);
        match (uses.value(), reason) {
            (None, _) if self.is_approximate(uses) => rows.push(words(what, "unknown", "dyld is not emulated")),
            (Some(list), Some(reason)) if reason.starts_with(SAYS_NOTHING) => {
                if list.is_empty() {
                    rows.push(words(what, "unknown", LEFT_OUT));
                }
            }
            (None, Some(reason)) if reason.starts_with(SAYS_NOTHING) => rows.push(words(what, "unknown", LEFT_OUT)),
            (None, reason) => rows.push(open(what, "unknown", "", reason.unwrap_or_default())),
            // The head of the page says it once for all lists.
            (Some(_), Some(_)) if self.is_approximate(uses) => {}
            (Some(_), Some(reason)) => rows.push(open(what, "perhaps more", "the list may be incomplete: ", reason)),
            (Some(list), None) if list.is_empty() => rows.push(words(what, "none", "nothing in this process uses one")),
            (Some(_), None) => {}
        }
        rows
    }

    /// Whether the only reason is that the environment is of macOS.
    fn is_approximate<T>(&self, fact: &Fact<T>) -> bool {
        fact.gap().is_some() && fact.gap() == approximate(self.facts)
    }

    /// Why `fact` is unknown or incomplete.
    fn reason<T>(&self, fact: &Fact<T>) -> Option<String> {
        let gap = fact.gap()?;
        let gap = usize::try_from(gap.0).map_or(None, |at| self.facts.gaps.get(at));
        Some(gap.map_or_else(
            || "no reason is recorded".to_owned(),
            |gap| match gap.path.as_str() {
                "" => gap.reason.clone(),
                path => format!("{} ({})", gap.reason, self.names.short(path)),
            },
        ))
    }

    fn word<'f, T>(&self, fact: &'f Fact<T>, name: &'static str, unknowns: &mut Unknowns) -> Option<&'f T> {
        if let Some(reason) = self.reason(fact) {
            unknowns.note(name, reason);
        }
        fact.value()
    }

    fn library(&self, vendor: &Fact<String>, version: &Fact<String>, unknowns: &mut Unknowns) -> String {
        let vendor = self.word(vendor, "library", unknowns);
        if vendor.is_some_and(|it| it == "none") {
            return "none".to_owned();
        }
        let version = self.word(version, "version", unknowns);
        match (vendor, version) {
            (Some(vendor), Some(version)) => format!("{vendor} {version}"),
            (Some(vendor), None) => vendor.clone(),
            (None, Some(version)) => format!("unknown {version}"),
            (None, None) => "unknown".to_owned(),
        }
    }

    fn file(&self, lib: &Fact<Option<String>>, absent: &str, unknowns: &mut Unknowns) -> String {
        match self.word(lib, "file", unknowns) {
            Some(Some(path)) => self.names.short(path),
            Some(None) => absent.to_owned(),
            None => String::new(),
        }
    }

    /// A note where only names, or marks that nobody measured, tell what the file is.
    fn likely(&self, path: Option<&str>) -> Option<String> {
        if approximate(self.facts).is_some() {
            return None; // The head of the page says it of all.
        }
        let mut libraries = self.facts.process.libraries.value().into_iter().flatten();
        let it = libraries.find(|it| path.is_some_and(|path| it.path == path))?;
        let word = it.library.value()?;
        let likely = it.confidence.value().is_some_and(|it| it == "likely");
        likely.then(|| {
            format!("likely, not certain: names or unmeasured marks say that it is {word} (pyhpc-audit explain {word})")
        })
    }

    /// Further libraries that are recognised, in one row.
    fn others(&self) -> Option<Row> {
        let mut others: Vec<String> = Vec::new();
        for it in self.facts.process.libraries.value().into_iter().flatten() {
            if it.capabilities.iter().any(|word| SHOWN.contains(&word.as_str())) {
                continue;
            }
            let word = it.library.value().map_or("unknown", String::as_str);
            let text = match it.version.value() {
                Some(Some(version)) => format!("{word} {version}"),
                Some(None) | None => word.to_owned(),
            };
            if !others.contains(&text) {
                others.push(text);
            }
        }
        (!others.is_empty()).then(|| words("also there", "", &others.join(", ")))
    }

    /// Notes on what a package picks at run time.
    fn choice(&self, user: &str, capability: &str) -> Vec<String> {
        let choices = self.facts.process.choices.value().into_iter().flatten();
        let of_user = choices.filter(|it| it.package == user && it.capability == capability);
        of_user
            .map(|it| match it.decided_by.value() {
                Some(decider) => format!("picked at run time: {}", self.names.short_inside(decider)),
                None => "picked at run time".to_owned(),
            })
            .collect()
    }

    fn blas(&self, it: &BlasUse) -> Row {
        let mut unknowns = Unknowns::default();
        let library = self.library(&it.vendor, &it.version, &mut unknowns);
        let none = library == "none";
        let mut build = Vec::new();
        if !none {
            build.extend(self.word(&it.interface, "interface", &mut unknowns).cloned());
            build.extend(self.word(&it.threading, "threading", &mut unknowns).cloned());
        }
        let file = self.file(&it.lib, "no library: the package brings its own loops", &mut unknowns);
        let kernels = it.kernels.value().and_then(Option::as_deref);
        let mut notes: Vec<String> = self.likely(kernels).into_iter().collect();
        if let Some(Some(kernels)) = it.kernels.value()
            && it.lib.value().is_none_or(|lib| lib.as_ref() != Some(kernels))
        {
            notes.push(format!("kernels in {}", self.names.short(kernels)));
        }
        if let Some(deciders) = it.decided_by.value().filter(|it| !it.is_empty()) {
            notes.push(format!("can be switched by {}", deciders.join(", ")));
        }
        let installed_by = self.installed(&it.installed_by, &it.lib, none, &mut unknowns);
        notes.extend(unknowns.lines(&file));
        Row {
            what: String::new(),
            library,
            build: build.join(", "),
            file,
            installed_by,
            users: vec![it.user.clone()],
            notes,
            because: None,
        }
    }

    fn mpi(&self, it: &MpiUse) -> Row {
        let mut unknowns = Unknowns::default();
        let library = self.library(&it.vendor, &it.version, &mut unknowns);
        let none = library == "none";
        let abi = if none { None } else { self.word(&it.abi, "abi", &mut unknowns) };
        let build = abi.map_or(String::new(), |abi| format!("{abi} ABI"));
        let missing = if none { self.word(&it.missing, "missing libraries", &mut unknowns) } else { None };
        let missing = missing.filter(|it| !it.is_empty());
        let absent = match (missing, it.wanted.value()) {
            (Some(sonames), _) => format!("{} found nowhere", sonames.join(", ")),
            (None, Some(false)) => "built without MPI".to_owned(),
            (None, Some(true) | None) => "no library answers".to_owned(),
        };
        let file = self.file(&it.lib, &absent, &mut unknowns);
        let mut notes = self.choice(&it.user, "mpi");
        notes.extend(self.likely(it.lib.value().and_then(Option::as_deref)));
        if it.launcher_agreement.value().is_some_and(|it| it == "conflict") {
            notes.push("CONFLICT: the launcher below starts ranks of another MPI".to_owned());
        }
        let installed_by = self.installed(&it.installed_by, &it.lib, none, &mut unknowns);
        notes.extend(unknowns.lines(&file));
        let users = vec![it.user.clone()];
        Row { what: String::new(), library, build, file, installed_by, users, notes, because: None }
    }

    fn hdf5(&self, it: &Hdf5Use) -> Row {
        let mut unknowns = Unknowns::default();
        let none = it.lib.value().is_some_and(Option::is_none);
        let mut build = String::new();
        let mut library = "none".to_owned();
        if !none {
            let version = self.word(&it.version, "version", &mut unknowns);
            library = version.map_or("unknown".to_owned(), |version| format!("hdf5 {version}"));
            build = match self.word(&it.parallel, "build (serial or parallel)", &mut unknowns) {
                Some(true) => match self.word(&it.mpi_vendor, "MPI behind it", &mut unknowns) {
                    Some(vendor) => format!("parallel, {vendor}"),
                    None => "parallel".to_owned(),
                },
                Some(false) => "serial".to_owned(),
                None => String::new(),
            };
        }
        let file = self.file(&it.lib, "no library answers", &mut unknowns);
        let mut notes = self.choice(&it.user, "hdf5");
        let installed_by = self.installed(&it.installed_by, &it.lib, none, &mut unknowns);
        notes.extend(unknowns.lines(&file));
        let users = vec![it.user.clone()];
        Row { what: String::new(), library, build, file, installed_by, users, notes, because: None }
    }

    fn openmp(&self, it: &OpenmpRuntime) -> Row {
        let mut unknowns = Unknowns::default();
        let library = self.word(&it.family, "family", &mut unknowns).cloned().unwrap_or_else(|| "unknown".to_owned());
        let file = self.names.short(&it.path);
        let user = if it.package.is_empty() { self.names.short(&it.needed_by) } else { it.package.clone() };
        Row {
            what: String::new(),
            library,
            build: String::new(),
            notes: self.likely(Some(&it.path)).into_iter().chain(unknowns.lines(&file)).collect(),
            file,
            installed_by: self.installed_at(&it.path),
            users: if user.is_empty() { Vec::new() } else { vec![user] },
            because: None,
        }
    }

    fn launcher(&self) -> Row {
        let launcher = &self.facts.environment.launcher;
        let is_known = launcher.vendor.value().is_some_and(|it| it != "none");
        if launcher.path.value().is_some_and(Option::is_none) && !is_known {
            return words("launcher", "none", "none on the PATH of this process");
        }
        let mut unknowns = Unknowns::default();
        let file = self.file(&launcher.path, "", &mut unknowns);
        let library = self.library(&launcher.vendor, &launcher.version, &mut unknowns);
        let abi = self.word(&launcher.abi, "abi", &mut unknowns).filter(|abi| *abi != "none");
        let build = abi.map_or(String::new(), |abi| format!("{abi} ABI"));
        let notes = unknowns.lines(&file);
        Row { build, notes, ..words("launcher", &library, &file) }
    }

    fn preloads(&self) -> Vec<Row> {
        let preloads = self.facts.process.preloads.value().into_iter().flatten();
        let mut rows: Vec<Row> = preloads
            .map(|it| {
                let mut unknowns = Unknowns::default();
                let file = self.file(&it.path, &format!("{}: found nowhere", it.entry), &mut unknowns);
                let capability = self.word(&it.capability, "kind", &mut unknowns);
                let library = capability.cloned().unwrap_or_else(|| "unknown".to_owned());
                let mut notes = vec![format!("from {}", it.origin)];
                notes.extend(unknowns.lines(&file));
                Row { notes, ..words("preloaded", &library, &file) }
            })
            .collect();
        let preloads = &self.facts.process.preloads;
        let said_above = |it: &String| self.is_approximate(preloads) || it.starts_with(SAYS_NOTHING);
        if let Some(reason) = self.reason(preloads).filter(|it| !said_above(it)) {
            rows.push(open("preloaded", "unknown", "", reason));
        }
        rows
    }

    /// `dpkg (libblas3 3.11.0-2)`: who put the library there, and as part of what.
    fn installed(&self, by: &Fact<String>, lib: &Fact<Option<String>>, none: bool, unknowns: &mut Unknowns) -> String {
        if none {
            return String::new();
        }
        let by = match self.word(by, "installer", unknowns) {
            Some(by) => by.clone(),
            None if self.reason(by).is_some_and(|it| it.starts_with(SAYS_NOTHING)) => return String::new(),
            None => "unknown".to_owned(),
        };
        match lib.value().and_then(Option::as_ref).map(|lib| self.part_of(lib)) {
            Some(whole) if !whole.is_empty() => format!("{by} ({whole})"),
            Some(_) | None => by,
        }
    }

    /// The same of a file, where the process says who put it there.
    fn installed_at(&self, path: &str) -> String {
        let mut mapped = self.facts.process.mapped.value().into_iter().flatten();
        let by = mapped.find(|it| it.path == path).and_then(|it| it.installed_by.value());
        match (by, self.part_of(path)) {
            (Some(by), whole) if !whole.is_empty() => format!("{by} ({whole})"),
            (Some(by), _) => by.clone(),
            (None, _) => String::new(),
        }
    }

    /// The package that a file of the process belongs to, its version, and its build where that was a choice.
    fn part_of(&self, path: &str) -> String {
        let mut mapped = self.facts.process.mapped.value().into_iter().flatten();
        let Some(it) = mapped.find(|it| it.path == path) else { return String::new() };
        let chosen = it.owner_options.value().is_some_and(|it| !it.is_empty());
        let build = it.owner_build.value().filter(|_| chosen);
        let words = [it.owner.value(), it.owner_version.value(), build];
        words.into_iter().flatten().filter(|it| !it.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    }
}

fn words(what: &str, library: &str, file: &str) -> Row {
    Row {
        what: what.to_owned(),
        library: library.to_owned(),
        build: String::new(),
        file: file.to_owned(),
        installed_by: String::new(),
        users: Vec::new(),
        notes: Vec::new(),
        because: None,
    }
}

/// A row of what is not known, or not all of it.
fn open(what: &str, library: &str, before: &str, reason: String) -> Row {
    Row { because: Some(reason.clone()), ..words(what, library, &format!("{before}{reason}")) }
}
