//! One process performs its imports: package descriptions in, loader events out.
//!
//! Which extensions an import loads comes from `rules/packages`; what a package or library opens by itself too.
//! Invariant: a failed import leaves nothing behind but its reason.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::catalogue::Catalogue;
use super::chooser::Chosen;
use super::macos;
use super::site::Site;
use super::undefined::spelt;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::discover::Installation;
use crate::identify::{Loads, Moment, Opening, PackageRule, Place, Reopens, Scope, matches_any};
use crate::loader::{Binding, Failure, ObjectIndex, Process, Request, Undefined, Visibility};
use crate::trace::{Library, State};

/// Libraries that open libraries that open libraries: deeper nesting is no library that we know.
const OPENING_DEPTH: u32 = 8;

/// A process and what its imports did.
pub(super) struct Session<'a> {
    pub(super) process: Process<'a>,
    pub(super) catalogue: &'a Catalogue<'a>,
    pub(super) site: &'a Site,
    pub(super) installation: &'a Installation,
    pub(super) variables: &'a Variables,
    /// Imports that cannot work, in order.
    pub(super) failures: Vec<Failed>,
    /// What packages picked.
    pub(super) choices: Vec<Chosen>,
    /// Libraries that an object must open at run time and that are found nowhere.
    pub(super) missing_parts: Vec<(ObjectIndex, String)>,
    /// Which object opened which at run time.
    pub(super) parts: Vec<(ObjectIndex, ObjectIndex)>,
    /// Which object opened which for everybody, in order.
    pub(super) published: Vec<(ObjectIndex, ObjectIndex)>,
    /// Extensions that were refused because of undefined symbols.
    pub(super) unbound: Vec<Unbound>,
    /// The import that each event belongs to.
    pub(super) labels: BTreeMap<usize, String>,
    pub(super) gaps: Vec<Gap>,
    /// The first import or library of which it is not known what it brings in.
    pub(super) untraced: Option<Gap>,
    done: BTreeMap<String, bool>,
    label: String,
    /// What libraries open by the CPU that they find.
    pub(super) by_cpu: Vec<(ObjectIndex, Opening)>,
    /// How extensions are opened.
    pub(super) visibility: Visibility,
    /// The interpreter that follows imports by their source.
    pub(super) trace: Option<State<'a>>,
    /// Modules that were asked for among those of the interpreter itself.
    pub(super) built_in: HashMap<String, bool>,
    /// Extensions that the loader refused.
    pub(super) refused: BTreeMap<TreePath, Failure>,
    /// What is opened at the first call of a library, once the import that brings it in is through.
    deferred: Vec<(ObjectIndex, Opening)>,
}

/// An import that cannot work.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    /// As asked: `mpi4py.MPI`.
    pub(super) import: String,
    /// The extension at fault.
    pub(super) extension: Option<TreePath>,
    /// The failure of the loader, where it was one.
    pub(super) failure: Option<Failure>,
    /// No such package or module is on `sys.path`.
    pub(super) nothing_found: bool,
    /// In words.
    pub(super) reason: String,
}

/// An extension that was refused because of undefined symbols.
#[derive(Debug, Clone)]
pub(super) struct Unbound {
    pub(super) extension: TreePath,
    /// The object that wants the symbols, as the loader spells it.
    pub(super) object: Vec<u8>,
    pub(super) symbols: Vec<Undefined>,
    /// Why it may work all the same.
    pub(super) undecided: Option<Gap>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        process: Process<'a>,
        catalogue: &'a Catalogue<'a>,
        site: &'a Site,
        installation: &'a Installation,
        variables: &'a Variables,
        library: Rc<Library>,
    ) -> Self {
        let mut session = Self {
            process,
            catalogue,
            site,
            installation,
            variables,
            failures: Vec::new(),
            choices: Vec::new(),
            missing_parts: Vec::new(),
            parts: Vec::new(),
            published: Vec::new(),
            unbound: Vec::new(),
            labels: BTreeMap::new(),
            gaps: Vec::new(),
            untraced: None,
            done: BTreeMap::new(),
            label: "exec".to_owned(),
            by_cpu: Vec::new(),
            visibility: Visibility::Local,
            trace: None,
            built_in: HashMap::new(),
            refused: BTreeMap::new(),
            deferred: Vec::new(),
        };
        session.labels.insert(0, "exec".to_owned());
        session.note_unreadable("the interpreter");
        session.open_parts(0, 0);
        session.start_interpreter(library);
        session
    }

    /// Performs one import that was asked for.
    pub(super) fn import_as_asked(&mut self, name: &str) -> bool {
        name.clone_into(&mut self.label);
        self.import(name)
    }

    /// `dlopen` as Python performs it: all symbols have to be found. With what follows from it.
    pub(super) fn open(&mut self, request: Request<'_>, visibility: Visibility) -> Result<ObjectIndex, Failure> {
        let before = self.process.objects.len();
        let result = self.process.open(request, visibility);
        self.follow(before, request, result.is_ok());
        result.map_err(|failure| macos::in_words_of_macos(self.catalogue.objects.view(), failure))
    }

    /// The same, whatever is defined nowhere.
    pub(super) fn open_unbound(&mut self, path: &TreePath) -> Result<ObjectIndex, Failure> {
        let (before, request) = (self.process.objects.len(), Request::Path(path.as_bytes()));
        let result = self.process.open_bound(request, Visibility::Local, Binding::Assumed);
        self.follow(before, request, result.is_ok());
        result
    }

    /// `dlopen` of an extension.
    pub(super) fn open_now(&mut self, path: &TreePath) -> Result<ObjectIndex, Failure> {
        let result = self.open(Request::Path(path.as_bytes()), self.visibility);
        if let Err(Failure::Undefined(all)) = &result
            && let Some((object, _)) = all.first()
        {
            let symbols = all.iter().filter(|(by, _)| by == object).map(|(_, it)| it.clone()).collect();
            let (extension, object) = (path.clone(), object.clone());
            self.unbound.push(Unbound { extension, object, symbols, undecided: None });
        }
        result
    }

    fn follow(&mut self, before: ObjectIndex, request: Request<'_>, works: bool) {
        self.labels.insert(self.process.event(), self.label.clone());
        let (Request::Path(asked) | Request::Name { name: asked, .. }) = request;
        self.note_unreadable(&printable(asked));
        if works {
            self.open_parts(before, 0);
        }
    }

    fn note_unreadable(&mut self, asked: &str) {
        for (at, error) in std::mem::take(&mut self.process.unreadable) {
            let hides = format!("whether {asked} finds all its symbols");
            self.gaps.push(Gap::new(&at, Stage::Elf, error.to_string(), hides));
        }
    }

    fn import(&mut self, name: &str) -> bool {
        if let Some(known) = self.done.get(name) {
            return *known;
        }
        // A package that requires itself through another is not performed twice.
        self.done.insert(name.to_owned(), true);
        let works = self.perform(name);
        self.open_deferred();
        self.done.insert(name.to_owned(), works);
        works
    }

    fn perform(&mut self, name: &str) -> bool {
        let catalogue = self.catalogue;
        let Some(rule) = catalogue.know.packages.of_import(name) else { return self.undescribed(name) };
        if !self.site.has_package(&rule.import) {
            return self.not_found(name, &format!("package {}", rule.import));
        }
        if let Some(works) = self.traced(name) {
            return works;
        }
        for other in &rule.requires {
            if !self.import(other) {
                return self.fail(name, None, None, format!("it imports {other}, which fails"));
            }
        }
        let Some(loads) = rule.loads_of(name) else { return self.undescribed(name) };
        let chosen = match self.choose_all(rule, name) {
            Ok(chosen) => chosen.is_some(),
            Err((extension, failure, reason)) => return self.fail(name, extension, failure, reason),
        };
        self.load(rule, loads, name, chosen)
    }

    fn load(&mut self, rule: &PackageRule, loads: &Loads, name: &str, chosen: bool) -> bool {
        let mut found = loads.extensions.is_empty() || chosen;
        for glob in &loads.extensions {
            for path in self.site.matching(&rule.import, std::slice::from_ref(glob)) {
                found = true;
                if let Err(failure) = self.open_extension(rule, &path) {
                    let reason = describe(&failure);
                    return self.fail(name, Some(path), Some(failure), reason);
                }
            }
        }
        if !found {
            let reason = match self.site.misfit(&rule.import, &loads.extensions) {
                Some((path, reason)) => return self.fail(name, Some(path), None, reason),
                None => format!("no extension {} for this Python", loads.extensions.join(", ")),
            };
            return self.fail(name, None, None, reason);
        }
        for path in self.site.matching(&rule.import, &loads.also) {
            if let Err(failure) = self.open_extension(rule, &path) {
                let hides = "whether the import needs it";
                self.gaps.push(Gap::new(&path, Stage::Loader, describe(&failure), hides));
            }
        }
        true
    }

    /// Loads one extension of a described package.
    pub(super) fn open_extension(&mut self, rule: &PackageRule, path: &TreePath) -> Result<ObjectIndex, Failure> {
        let index = self.open_now(path)?;
        for reopens in &rule.reopens {
            self.reopen(index, reopens);
        }
        Ok(index)
    }

    pub(super) fn fail(
        &mut self,
        import: &str,
        extension: Option<TreePath>,
        failure: Option<Failure>,
        reason: String,
    ) -> bool {
        self.failures.push(Failed { import: import.to_owned(), extension, failure, nothing_found: false, reason });
        false
    }

    pub(super) fn not_found(&mut self, import: &str, what: &str) -> bool {
        let reason = format!("no {what} on sys.path");
        let nothing_found = true;
        self.failures.push(Failed { import: import.to_owned(), extension: None, failure: None, nothing_found, reason });
        false
    }

    /// A library that is already there becomes visible for everybody.
    fn reopen(&mut self, extension: ObjectIndex, reopens: &Reopens) {
        let Some(loaded) = self.process.objects.get(extension) else { return };
        let wanted = self.catalogue.objects.symbols(&loaded.object).and_then(|it| it.wanted());
        match wanted {
            Ok(wanted) if wanted.iter().any(|it| it.name == reopens.when_wanted.as_bytes()) => {}
            Ok(_) => return,
            Err(error) => {
                let gap = Gap::new(
                    &loaded.object.real,
                    Stage::Elf,
                    error.to_string(),
                    "whether its MPI becomes visible to all",
                );
                self.gaps.push(gap);
                return;
            }
        }
        let soname = |index: ObjectIndex| {
            let linkage = self.process.objects.get(index)?.object.linkage.as_ref().ok()?;
            linkage.soname.clone().filter(|it| matches_any(std::slice::from_ref(&reopens.soname), it))
        };
        let Some(name) = self.process.scope(extension).into_iter().find_map(soname) else { return };
        match self.open(Request::Name { name: &name, caller: extension }, Visibility::Global) {
            Ok(root) => self.published.push((extension, root)),
            Err(failure) => {
                let hides = "which symbols later extensions see";
                self.gaps.push(Gap::new(&TreePath::new(&name), Stage::Loader, describe(&failure), hides));
            }
        }
    }

    /// What the new objects from `from` on open at run time, by their descriptions.
    fn open_parts(&mut self, from: ObjectIndex, depth: u32) {
        for at in from..self.process.objects.len() {
            let Some(object) = self.process.objects.get(at).map(|it| std::sync::Arc::clone(&it.object)) else { break };
            let mut hidden = Vec::new();
            let openings = self.catalogue.openings(&object, self.variables, &mut hidden);
            if let Some(gap) = hidden.first() {
                self.untraced.get_or_insert_with(|| gap.clone());
            }
            self.gaps.extend(hidden);
            for opening in openings {
                match opening.moment {
                    Moment::Load => self.perform_opening(at, &opening, depth),
                    Moment::FirstCall => self.deferred.push((at, opening)),
                }
            }
        }
    }

    /// An import calls what it loads before it is through: some multiply once to check themselves.
    fn open_deferred(&mut self) {
        for (by, opening) in std::mem::take(&mut self.deferred) {
            if by < self.process.objects.len() {
                self.perform_opening(by, &opening, 0);
            }
        }
    }

    /// A symbol of an OpenMP runtime that an object wants and nobody in the process defines.
    fn unanswered(&self, part: ObjectIndex) -> Option<String> {
        let (_, group) = self.group("openmp")?;
        let loaded = self.process.objects.get(part)?;
        let wanted = match self.catalogue.objects.symbols(&loaded.object).and_then(|it| it.wanted()) {
            Ok(wanted) => wanted,
            Err(error) => {
                let gap = Gap::new(loaded.real(), Stage::Elf, error.to_string(), "which runtime it needs");
                self.catalogue.push(vec![gap]);
                return None;
            }
        };
        let used = group.used_in(&wanted).into_iter().filter(|it| !it.weak);
        let mut unanswered = used.filter(|it| self.process.binding(part, &it.symbol, &mut Vec::new()).is_none());
        unanswered.next().map(|it| printable(&it.symbol))
    }

    /// The first part that a library misses ends it; it opens the others before that shows (measured on MKL 2020.4).
    fn misses(&mut self, by: ObjectIndex, part: String) {
        if !self.missing_parts.iter().any(|(owner, _)| *owner == by) {
            self.missing_parts.push((by, part));
        }
    }

    fn perform_opening(&mut self, by: ObjectIndex, opening: &Opening, depth: u32) {
        if opening.by_cpu {
            return self.by_cpu.push((by, opening.clone()));
        }
        let visibility = match opening.scope {
            Scope::Global => Visibility::Global,
            Scope::Local => Visibility::Local,
        };
        let before = self.process.objects.len();
        match self.open_part(by, &opening.names, &opening.places, visibility) {
            Some(part) => {
                self.parts.push((by, part));
                if visibility == Visibility::Global {
                    self.published.push((by, part));
                }
                if let Some(symbol) = self.unanswered(part) {
                    self.misses(by, format!("a runtime that defines {symbol}"));
                }
                if depth < OPENING_DEPTH && before < self.process.objects.len() {
                    self.open_parts(before, depth + 1);
                }
            }
            None if opening.required => {
                let name = opening.names.first().map(|it| printable(it)).unwrap_or_default();
                self.misses(by, name);
            }
            None => {}
        }
    }

    /// A library may bind its parts as they are called, and gives them what they lack after it opened them.
    fn open_part_at(&mut self, request: Request<'_>, visibility: Visibility) -> Result<ObjectIndex, Failure> {
        self.process.open_bound(request, visibility, Binding::Assumed)
    }

    fn open_part(
        &mut self,
        by: ObjectIndex,
        names: &[Vec<u8>],
        places: &[Place],
        visibility: Visibility,
    ) -> Option<ObjectIndex> {
        let own = self.process.objects.get(by).map_or_else(Vec::new, |it| {
            let cut = it.name.iter().rposition(|b| *b == b'/').unwrap_or(0);
            it.name.get(..cut).unwrap_or_default().to_vec()
        });
        for name in names {
            for place in places {
                let result = match place {
                    Place::Search => self.open_part_at(Request::Name { name, caller: by }, visibility),
                    Place::Own(below) => {
                        let mut path = own.clone();
                        for piece in [below.as_bytes(), name.as_slice()] {
                            if !piece.is_empty() {
                                path.push(b'/');
                                path.extend_from_slice(piece);
                            }
                        }
                        self.open_part_at(Request::Path(&path), visibility)
                    }
                };
                self.labels.insert(self.process.event(), self.label.clone());
                if let Ok(part) = result {
                    return Some(part);
                }
            }
        }
        None
    }
}

/// A failure in one line.
pub(super) fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Missing(missing) => format!("{} is found nowhere", printable(&missing.soname)),
        Failure::Unusable { path, reason, .. } => format!("{} cannot be loaded: {reason}", printable(path)),
        Failure::Version(miss) => {
            format!("{} does not define version {}", miss.library_path, printable(&miss.version))
        }
        Failure::Undefined(symbols) => {
            let Some((object, first)) = symbols.first() else { return "undefined symbols".to_owned() };
            let further = symbols.iter().filter(|(by, _)| by == object).count() - 1;
            let more = if further > 0 { format!(" and {further} more") } else { String::new() };
            format!("{}: undefined symbol: {}{more}", printable(object), spelt(first))
        }
        Failure::TooMany => "it needs more libraries than a process can hold".to_owned(),
    }
}
