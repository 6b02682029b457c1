//! By what the MPI of a process sends messages: the transports built into it and into what it needs, and those of the files
//! that these open once a program communicates.
//!
//! Nothing of the process is changed: the files are opened in a copy of it, by the same loader.
//! Invariant: a module that cannot be opened offers nothing, and is told with the reason; so is a place that cannot be looked at.
//! Absent on purpose: variables that choose among transports, and whether a device is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::builder::Builder;
use super::session::describe;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::facts::{EvidenceId, FabricUse, Fact, MpiUse};
use crate::identify::{Attribute, Identity, Modules};
use crate::loader::{Binding, Failure, Object, ObjectIndex, Process, Request, Visibility};

/// Objects that one MPI brings along.
const OBJECTS: usize = 512;
/// Files that one MPI and what it needs try to open.
const MODULES: usize = 512;
/// Directories that one library looks through for them.
const DIRECTORIES: usize = 64;
/// The capability of a library that sends messages over a network.
const FABRIC: &str = "fabric";
/// What a gap here hides.
const HIDES: &str = "by which transports the MPI sends messages";

/// What one MPI can send by.
#[derive(Default)]
struct Reach {
    /// Title and place of each library, by word.
    libraries: BTreeMap<String, (String, Vec<EvidenceId>)>,
    transports: BTreeMap<String, Vec<EvidenceId>>,
    refused: BTreeMap<String, Vec<EvidenceId>>,
    /// What these would have brought.
    refused_transports: BTreeMap<String, Vec<EvidenceId>>,
    /// Why there may be more.
    open: Option<String>,
}

impl Builder<'_, '_> {
    /// How each MPI of the process reaches a network, under the first package that binds it.
    pub(super) fn fabric_uses(&mut self, uses: &Fact<Vec<MpiUse>>) -> Fact<Vec<FabricUse>> {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut found = Vec::new();
        for used in uses.value().into_iter().flatten() {
            let reach = match &used.lib {
                Fact::Known { value: None, .. } => continue,
                Fact::Known { value: Some(lib), .. } if !known.insert(lib) => continue,
                Fact::Known { value: Some(lib), .. } => self.reach(lib),
                Fact::Unknown { unknown } => Err(*unknown),
            };
            found.push(match reach {
                Ok(reach) => self.fabric_use(used, &reach),
                Err(gap) => FabricUse {
                    libraries: Fact::unknown(gap),
                    providers: Fact::unknown(gap),
                    refused: Fact::unknown(gap),
                    refused_providers: Fact::unknown(gap),
                    hidden: Fact::unknown(gap),
                    ..self.fabric_use(used, &Reach::default())
                },
            });
        }
        self.list(found, Vec::new())
    }

    fn fabric_use(&mut self, used: &MpiUse, reach: &Reach) -> FabricUse {
        let list = |of: &BTreeMap<String, Vec<EvidenceId>>| {
            Fact::known(of.keys().cloned().collect(), of.values().flatten().copied().collect())
        };
        let libraries = reach.libraries.values();
        let silent =
            reach.transports.is_empty().then(|| "neither it nor what it needs tells its transports".to_owned());
        FabricUse {
            user: used.user.clone(),
            vendor: used.vendor.clone(),
            lib: used.lib.clone(),
            installed_by: used.installed_by.clone(),
            libraries: Fact::known(
                libraries.clone().map(|it| it.0.clone()).collect(),
                libraries.flat_map(|it| it.1.iter().copied()).collect(),
            ),
            providers: list(&reach.transports),
            refused: list(&reach.refused),
            refused_providers: list(&reach.refused_transports),
            hidden: Fact::known(reach.open.clone().or(silent), used.lib.because().to_vec()),
            agreement: Fact::known("unsaid".to_owned(), Vec::new()),
        }
    }

    /// What the library at `lib` can send by; the gap that hides all of it.
    fn reach(&mut self, lib: &str) -> Result<Reach, crate::facts::GapId> {
        let start = self.session.process.objects.iter().position(|it| it.real().text() == lib);
        let Some(start) = start else {
            let gap = Gap::new(&TreePath::new(lib), Stage::Loader, "the process does not hold it", HIDES);
            return Err(self.ledger.gap(&gap));
        };
        let mut search = Search {
            process: self.session.process.clone(),
            waiting: vec![start],
            seen: BTreeSet::from([start]),
            tried: 0,
            reach: Reach::default(),
        };
        while let Some(index) = search.waiting.pop() {
            self.visit(index, &mut search);
        }
        Ok(search.reach)
    }

    fn visit(&mut self, index: ObjectIndex, search: &mut Search<'_>) {
        let Some(loaded) = search.process.objects.get(index) else { return };
        let object = Arc::clone(&loaded.object);
        let needs: Vec<ObjectIndex> = loaded.needs.iter().filter_map(|it| it.1).collect();
        needs.into_iter().for_each(|it| search.add(it));
        let catalogue = self.session.catalogue;
        let Some(identity) = catalogue.part(&object) else { return };
        let libraries = &catalogue.know.libraries;
        if !libraries.get(&identity.library).is_some_and(crate::identify::Library::sends) {
            return;
        }
        let (mut gaps, variables) = (Vec::new(), self.session.variables);
        let offers = catalogue.look(&object, &mut gaps, |look, gaps| libraries.offers(&identity, look, gaps));
        let modules =
            catalogue.look(&object, &mut gaps, |look, gaps| libraries.modules(&identity, look, variables, gaps));
        if let Some(gap) = gaps.into_iter().next() {
            search.leave_open(&gap.path, &gap.reason);
        }
        for offer in offers.into_iter().flatten() {
            let because = self.ledger.seen(&offer.because);
            search.reach.transports.entry(offer.transport).or_default().extend(because);
        }
        if identity.capabilities.iter().any(|it| it == FABRIC) {
            self.name(&identity, search);
        }
        for modules in modules.into_iter().flatten() {
            self.open_modules(&modules, (index, &object), search);
        }
    }

    /// Notes a library by its release; of several files of one, that which says it.
    fn name(&mut self, identity: &Identity, search: &mut Search<'_>) {
        let version = identity.value(Attribute::Version);
        let known = search.reach.libraries.get(&identity.library);
        if known.is_some() && version.is_none() {
            return;
        }
        let version = version.map_or_else(String::new, |it| format!(" {it}"));
        let because = self.ledger.seen(&identity.because);
        let text = format!("{}{version} ({})", identity.library, identity.path);
        search.reach.libraries.insert(identity.library.clone(), (text, because));
    }

    fn open_modules(&mut self, modules: &Modules, (by, object): (ObjectIndex, &Object), search: &mut Search<'_>) {
        for wanted in &modules.names {
            match search.process.open_bound(
                Request::Name { name: wanted, caller: by },
                Visibility::Local,
                Binding::Assumed,
            ) {
                Ok(index) => self.opened(modules, wanted, index, search),
                Err(Failure::Missing(missing)) if missing.soname == *wanted => {
                    if modules.required {
                        let reason = format!("it opens {}, which is found nowhere", printable(wanted));
                        search.leave_open(&object.real, &reason);
                    }
                }
                Err(failure) => self.refuse(modules, &TreePath::new(wanted), &failure, search),
            }
        }
        let own = object.real.parent().unwrap_or_else(TreePath::root);
        if DIRECTORIES < modules.directories.len() {
            search.leave_open(&object.real, &format!("more than {DIRECTORIES} directories may hold its modules"));
        }
        for directory in modules.directories.iter().take(DIRECTORIES) {
            let directory = match directory.strip_prefix(b"own") {
                Some(b"") => own.clone(),
                Some(below) if below.starts_with(b"/") => {
                    below.split(|it| *it == b'/').filter(|it| !it.is_empty()).fold(own.clone(), |at, it| at.join(it))
                }
                Some(_) | None => TreePath::new(directory),
            };
            for path in self.files(modules, &directory, search) {
                let request = Request::Path(path.as_bytes());
                match search.process.open_bound(request, Visibility::Local, Binding::Assumed) {
                    Ok(index) => self.opened(modules, path.file_name(), index, search),
                    Err(failure) => self.refuse(modules, &path, &failure, search),
                }
            }
        }
    }

    /// The modules that lie in a directory.
    fn files(&self, modules: &Modules, directory: &TreePath, search: &mut Search<'_>) -> Vec<TreePath> {
        let view = self.session.catalogue.objects.view();
        if !view.exists(directory.as_bytes()) {
            // Somebody named it: then it is there when the process runs.
            if let Some(variable) = &modules.named_by {
                search.leave_open(directory, &format!("{variable} names it, and it is not there"));
            }
            return Vec::new();
        }
        match view.list(directory.as_bytes()) {
            Ok(names) => {
                let mut fitting: Vec<TreePath> =
                    names.iter().filter(|it| modules.holds(&it.0)).map(|it| directory.join(&it.0)).collect();
                fitting.sort();
                let room = MODULES.saturating_sub(search.tried);
                if room < fitting.len() {
                    search.leave_open(directory, &format!("more than {MODULES} modules would be opened"));
                    fitting.truncate(room);
                }
                search.tried += fitting.len();
                fitting
            }
            Err(error) => {
                search.leave_open(directory, &error.to_string());
                Vec::new()
            }
        }
    }

    fn opened(&mut self, modules: &Modules, file_name: &[u8], index: ObjectIndex, search: &mut Search<'_>) {
        if let (Some(transport), Some(loaded)) = (modules.transport(file_name), search.process.objects.get(index)) {
            let because = self.ledger.note(loaded.real(), format!("brings {transport}"));
            search.reach.transports.entry(transport).or_default().push(because);
        }
        search.add(index);
    }

    fn refuse(&mut self, modules: &Modules, asked: &TreePath, failure: &Failure, search: &mut Search<'_>) {
        // What is asked for by name is found first, and fails by what it needs.
        let path = match failure {
            Failure::Missing(missing) if !modules.names.is_empty() => TreePath::new(&missing.needed_by),
            Failure::Missing(_)
            | Failure::Unusable { .. }
            | Failure::Version(_)
            | Failure::Undefined(_)
            | Failure::TooMany => asked.clone(),
        };
        let why = describe(failure);
        let because = self.ledger.note(&path, format!("cannot be opened: {why}"));
        search.reach.refused.insert(format!("{}: {why}", printable(asked.file_name())), vec![because]);
        let brings = self.offers_of(&path, search).into_iter().chain(modules.transport(asked.file_name()));
        for transport in brings {
            search.reach.refused_transports.entry(transport).or_default().push(because);
        }
    }

    /// The transports of a file that the process does not hold.
    fn offers_of(&self, path: &TreePath, search: &mut Search<'_>) -> Vec<String> {
        let catalogue = self.session.catalogue;
        let real = catalogue.objects.view().resolve(path.as_bytes());
        // What cannot be read tells nothing of itself: that it is refused is told already.
        let Ok(object) = real.and_then(|it| catalogue.objects.get(&it)) else { return Vec::new() };
        let Some(identity) = catalogue.part(&object) else { return Vec::new() };
        let offers = |look: &dyn crate::identify::Look, gaps: &mut Vec<Gap>| {
            catalogue.know.libraries.offers(&identity, look, gaps)
        };
        let mut gaps = Vec::new();
        let offers = catalogue.look(&object, &mut gaps, offers);
        if let Some(gap) = gaps.first() {
            search.leave_open(&gap.path, &gap.reason);
        }
        offers.into_iter().flatten().map(|it| it.transport).collect()
    }
}

/// The way through what an MPI needs and opens.
struct Search<'p> {
    process: Process<'p>,
    waiting: Vec<ObjectIndex>,
    seen: BTreeSet<ObjectIndex>,
    /// Modules that were tried.
    tried: usize,
    reach: Reach,
}

impl Search<'_> {
    fn add(&mut self, index: ObjectIndex) {
        if self.seen.contains(&index) {
            return;
        }
        if OBJECTS <= self.seen.len() {
            let path = self.process.objects.get(index).map_or_else(TreePath::root, |it| it.real().clone());
            self.leave_open(&path, &format!("more than {OBJECTS} objects come along"));
            return;
        }
        self.seen.insert(index);
        self.waiting.push(index);
    }

    /// There may be more; the first reason is told.
    fn leave_open(&mut self, path: &TreePath, reason: &str) {
        self.reach.open.get_or_insert_with(|| format!("{path}: {reason}"));
    }
}
