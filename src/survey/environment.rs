//! Facts about the installation and the environment of the process.

use super::builder::Builder;
use super::ledger::Ledger;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::discover::{self, Answer, Installation};
use crate::facts::{
    ActivationVariable, Defect, Evidence, EvidenceId, Fact, Launcher, Libc, PathEntry, Preload, Python,
    SearchDirectory, UserSite, Variable,
};
use crate::loader::{Process, System};
use crate::registry::Registry;
use crate::tree::{Kind, View};

use super::world::World;

impl Ledger {
    /// Evidence that discovery shows.
    pub(super) fn shown(&mut self, evidence: &discover::Evidence) -> EvidenceId {
        let path = if evidence.path == TreePath::root() { String::new() } else { evidence.path.text() };
        self.keep(Evidence {
            path,
            line: evidence.line,
            offset: evidence.offset,
            text: evidence.text.clone(),
            ..Evidence::default()
        })
    }

    /// What discovery answers, as a fact.
    pub(super) fn answered<T, U>(
        &mut self,
        answer: &Answer<T>,
        at: &TreePath,
        hides: &str,
        map: impl Fn(&T) -> U,
    ) -> Fact<U> {
        match answer {
            Answer::Known { value, because } => {
                let because = because.iter().map(|it| self.shown(it)).collect();
                Fact::known(map(value), because)
            }
            Answer::Unknown { reason } => {
                Fact::unknown(self.gap(&Gap::new(at, Stage::Discover, reason.clone(), hides)))
            }
        }
    }
}

/// The interpreter.
pub(super) fn python(it: &Installation, ledger: &mut Ledger) -> Python {
    let at = it.executable.clone().unwrap_or_else(|| it.prefix.clone());
    let kind = ledger.shown(&it.kind_because);
    let executable = match &it.real_executable {
        Some(real) => {
            let id = ledger.note(real, "the interpreter");
            Fact::known(real.text(), vec![id])
        }
        None => {
            let reason = "no interpreter is there";
            Fact::unknown(ledger.gap(&Gap::new(&at, Stage::Discover, reason, "every process of this environment")))
        }
    };
    let entries =
        it.sys_path.iter().map(|entry| PathEntry { path: entry.path.text(), origin: entry.origin.word().to_owned() });
    let because = it.sys_path.iter().map(|entry| ledger.shown(&entry.because)).collect();
    Python {
        version: ledger.answered(&it.version, &at, "the version of Python", Clone::clone),
        implementation: ledger.answered(&it.implementation, &at, "which Python it is", |it| it.word().to_owned()),
        soabi: ledger.answered(&it.soabi, &at, "which extensions it loads", Clone::clone),
        kind: Fact::known(it.kind.word().to_owned(), vec![kind]),
        executable,
        prefix: Fact::known(it.prefix.text(), vec![kind]),
        base_prefix: Fact::known(it.base_prefix.text(), vec![kind]),
        debug: ledger.answered(&it.debug, &at, "whether it is a debug build", |it| *it),
        path: Fact::known(entries.collect(), because),
    }
}

/// The C library whose loader maps the process.
pub(super) fn libc(system: Result<&System, &Gap>, asked: Option<&str>, ledger: &mut Ledger) -> Libc {
    let asked = Fact::known(asked.map(str::to_owned), Vec::new());
    match system {
        Ok(system) => {
            let id = ledger.note(&system.loader, format!("loader of {}", system.family.word()));
            let version = match &system.version {
                Some(version) => Fact::known(version.clone(), vec![id]),
                None => ledger.unknown(&system.loader, "its bytes name no version", "the version of the C library"),
            };
            Libc { family: Fact::known(system.family.word().to_owned(), vec![id]), version, asked }
        }
        Err(gap) => {
            let gap = ledger.gap(gap);
            Libc { family: Fact::unknown(gap), version: Fact::unknown(gap), asked }
        }
    }
}

/// The user site directory; `packages` are the audited ones in it.
pub(super) fn user_site(it: &Installation, packages: Vec<String>, ledger: &mut Ledger) -> UserSite {
    let at = TreePath::root();
    let hides = "whether packages of the user shadow this environment";
    let exists = it.user_site.exists.value().copied();
    let directory = match (&it.user_site.directory, exists) {
        (Answer::Known { because, .. }, Some(false)) => {
            Fact::known(None, because.iter().map(|it| ledger.shown(it)).collect())
        }
        (directory, Some(true)) => ledger.answered(directory, &at, hides, |path| Some(path.text())),
        (Answer::Unknown { reason }, _) => {
            Fact::unknown(ledger.gap(&Gap::new(&at, Stage::Discover, reason.clone(), hides)))
        }
        (Answer::Known { .. }, None) => ledger.answered(&it.user_site.exists, &at, hides, |_| None),
    };
    let list = match &directory {
        Fact::Known { value: None, because, .. } => Fact::known(Vec::new(), because.clone()),
        Fact::Known { because, .. } => Fact::known(packages, because.clone()),
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
    };
    UserSite {
        directory,
        enabled: ledger.answered(&it.user_site.enabled, &at, hides, |it| *it),
        packages: list,
        empty: ledger.answered(&it.user_site.empty, &at, hides, |it| *it),
    }
}

/// What activation would set, of the variables that somebody reads.
pub(super) fn activation(world: &World<'_>, ledger: &mut Ledger) -> Fact<Vec<ActivationVariable>> {
    let mut gaps = Vec::new();
    let found = discover::activation(world.view, world.installation, &mut gaps);
    let recorded = found.into_iter().filter(|it| world.know.variables.records(it.name.as_bytes()));
    let one = |it: discover::ActivationVariable| {
        let id = ledger.shown(&it.because);
        let set = world.question.variables.non_empty(&it.name).is_some();
        let (value, set) = (Fact::known(it.value, vec![id]), Fact::known(set, vec![id]));
        ActivationVariable { name: it.name, value, set, by: "conda".to_owned() }
    };
    let mut list: Vec<ActivationVariable> = recorded.map(one).collect();
    if let Some(image) = &world.question.image {
        list.extend(image.entrypoint.activation(world, ledger));
        gaps.extend(image.entrypoint.gaps.iter().cloned());
    }
    match gaps.first() {
        Some(gap) => Fact::partial(list, Vec::new(), ledger.gap(gap)),
        None => Fact::known(list, Vec::new()),
    }
}

/// Variables that somebody reads.
pub(super) fn variables(variables: &Variables, registry: &Registry, ledger: &mut Ledger) -> Fact<Vec<Variable>> {
    let mut list = Vec::new();
    for (name, setting) in variables.iter().filter(|(name, _)| registry.records(name)) {
        let shown = printable(name);
        if variables.hidden(&shown).is_some() {
            continue;
        }
        let id = ledger.variable(&shown, &setting.value, &setting.origin);
        list.push(Variable {
            name: shown,
            value: Fact::known(printable(&setting.value), vec![id]),
            origin: setting.origin.clone(),
        });
    }
    let at = TreePath::root();
    for (name, reason) in variables.all_hidden().filter(|(name, _)| registry.records(name)) {
        let name = printable(name);
        let value = Fact::unknown(ledger.gap(&Gap::new(&at, Stage::Job, reason, format!("what {name} is"))));
        list.push(Variable { name, value, origin: "image".to_owned() });
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    match variables.rest_hidden() {
        Some(reason) => {
            let gap = Gap::new(&at, Stage::Job, reason, "which other variables the process has");
            Fact::partial(list, Vec::new(), ledger.gap(&gap))
        }
        None => Fact::known(list, Vec::new()),
    }
}

/// What is broken in the installation.
pub(super) fn defects(it: &Installation, ledger: &mut Ledger) -> Fact<Vec<Defect>> {
    let list = it.defects.iter().map(|defect| {
        let id = ledger.shown(&defect.because);
        Defect { path: defect.path.text(), reason: Fact::known(defect.reason.clone(), vec![id]) }
    });
    Fact::known(list.collect(), Vec::new())
}

/// Directories that the loader and the interpreter search.
pub(super) fn search_directories(
    view: &View,
    variables: &Variables,
    process: Option<&Process<'_>>,
    ledger: &mut Ledger,
) -> Fact<Vec<SearchDirectory>> {
    let mut list: Vec<SearchDirectory> = Vec::new();
    let mut open = None;
    for name in ["LD_LIBRARY_PATH", "PYTHONPATH"] {
        if let Some(reason) = variables.hidden(name) {
            let reason = format!("what is in {name} is not known: {reason}");
            let gap = Gap::new(&TreePath::root(), Stage::Job, reason, "which other directories are searched");
            open = open.or_else(|| Some(ledger.gap(&gap)));
        }
        let Some(value) = variables.non_empty(name) else { continue };
        let separators: &[u8] = if name == "PYTHONPATH" { b":" } else { b":;" };
        let id = ledger.variable(name, value, "the environment of the process");
        for entry in value.split(|b| separators.contains(b)) {
            // An empty element of PYTHONPATH at an end is nothing; of LD_LIBRARY_PATH it is the working directory.
            if entry.is_empty() && name == "PYTHONPATH" {
                continue;
            }
            list.push(directory(view, entry, entry, (name, ""), id, None, ledger));
        }
    }
    for loaded in process.into_iter().flat_map(|it| &it.objects) {
        let Ok(linkage) = &loaded.object.linkage else { continue };
        let tag = match (&linkage.runpath, &linkage.rpath) {
            (Some(runpath), _) => Some(("RUNPATH", runpath)),
            (None, Some(rpath)) => Some(("RPATH", rpath)),
            (None, None) => None,
        };
        let Some((tag, value)) = tag else { continue };
        if value.is_empty() {
            continue;
        }
        let object = loaded.real().text();
        let id = ledger.note(loaded.real(), format!("{tag} {}", printable(value)));
        let satisfied = Some(loaded.needs.iter().all(|(_, answer)| answer.is_some()));
        let origin = loaded.name.get(..loaded.name.iter().rposition(|b| *b == b'/').unwrap_or(0)).unwrap_or_default();
        for entry in value.split(|b| *b == b':') {
            let path = replace_origin(entry, origin);
            list.push(directory(view, entry, &path, (tag, &object), id, satisfied, ledger));
        }
    }
    match open {
        Some(gap) => Fact::partial(list, Vec::new(), gap),
        None => Fact::known(list, Vec::new()),
    }
}

pub(super) fn replace_origin(entry: &[u8], origin: &[u8]) -> Vec<u8> {
    for token in [b"$ORIGIN".as_slice(), b"${ORIGIN}"] {
        if let Some(rest) = entry.strip_prefix(token) {
            return [origin, rest].concat();
        }
    }
    entry.to_vec()
}

fn directory(
    view: &View,
    entry: &[u8],
    path: &[u8],
    (origin, object): (&str, &str),
    because: EvidenceId,
    satisfied: Option<bool>,
    ledger: &mut Ledger,
) -> SearchDirectory {
    let relative = path.first() != Some(&b'/');
    let resolved = if relative { None } else { Some(view.metadata(path)) };
    let because = vec![because];
    let known = |word: &str| Fact::known(word.to_owned(), because.clone());
    let (state, writable) = match resolved {
        None => (known("relative"), Fact::known(false, because.clone())),
        Some(Ok(it)) if it.kind == Kind::Directory => {
            // World-writable without the sticky bit: anybody can put a library there.
            let open = it.mode & 0o002 != 0 && it.mode & 0o1000 == 0;
            (known("present"), Fact::known(open, because.clone()))
        }
        Some(Ok(_)) => (known("missing"), Fact::known(false, because.clone())),
        Some(Err(error))
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            (known("missing"), Fact::known(false, because.clone()))
        }
        Some(Err(error)) => {
            let gap =
                Gap::new(&TreePath::new(path), Stage::Tree, error.to_string(), "what the search path finds there");
            let gap = ledger.gap(&gap);
            (Fact::unknown(gap), Fact::unknown(gap))
        }
    };
    SearchDirectory {
        entry: printable(entry),
        path: if relative { String::new() } else { TreePath::new(path).text() },
        origin: origin.to_owned(),
        object: object.to_owned(),
        state,
        writable_by_others: writable,
        needs_satisfied: Fact::known(satisfied.unwrap_or(true), because),
    }
}

impl Builder<'_, '_> {
    /// Objects that the environment preloads.
    pub(super) fn preloads(&mut self, preload_file: Option<&TreePath>) -> Fact<Vec<Preload>> {
        let mut list = Vec::new();
        for name in ["LD_PRELOAD", "LD_AUDIT"] {
            let Some(value) = self.session.variables.non_empty(name) else { continue };
            let id = self.ledger.variable(name, value, "the environment of the process");
            for entry in value.split(|b| b.is_ascii_whitespace() || *b == b':').filter(|it| !it.is_empty()) {
                list.push(self.preload(entry, name, id));
            }
        }
        let view = self.session.catalogue.objects.view();
        if let Some(file) = preload_file.filter(|it| view.exists(it.as_bytes())) {
            match view.read_text(file.as_bytes()) {
                Ok(text) => {
                    for entry in text.split(|it: char| it.is_whitespace() || it == ':').filter(|it| !it.is_empty()) {
                        let id = self.ledger.note(file, entry);
                        list.push(self.preload(entry.as_bytes(), &file.text(), id));
                    }
                }
                Err(error) => {
                    let gap = Gap::new(file, Stage::Loader, error.to_string(), "what every process preloads");
                    return Fact::partial(list, Vec::new(), self.ledger.gap(&gap));
                }
            }
        }
        Fact::known(list, Vec::new())
    }

    fn preload(&mut self, entry: &[u8], origin: &str, because: EvidenceId) -> Preload {
        let process = &self.session.process;
        let loaded = process.loaded_as(entry).and_then(|it| process.objects.get(it));
        let capability =
            loaded.and_then(|it| self.session.catalogue.followed(&it.object)).unwrap_or_else(|| "other".to_owned());
        Preload {
            entry: printable(entry),
            origin: origin.to_owned(),
            path: Fact::known(loaded.map(|it| it.real().text()), vec![because]),
            capability: Fact::known(capability, vec![because]),
        }
    }
}

/// No launcher was asked about and none is on the PATH.
pub(super) fn no_launcher(ledger: &mut Ledger, searched: &str) -> Launcher {
    let id = ledger.note(&TreePath::root(), format!("no mpiexec or mpirun on PATH: {searched}"));
    let none = || Fact::known("none".to_owned(), vec![id]);
    let pmi = Fact::known(Vec::new(), vec![id]);
    Launcher { path: Fact::known(None, vec![id]), vendor: none(), version: none(), abi: none(), pmi }
}
