//! A launch line that starts an image: its launcher stands outside, and what it mounts may hold another MPI.
//!
//! Invariant: what the MPI of the host is, only `--host` says; a line that mounts a directory does not tell what lies in it.

use super::JobReading;
use super::launches::Launch;
use super::places::named;
use super::surroundings::list_entries;
use crate::base::TreePath;
use crate::facts::{EvidenceId, Fact, Facts, GapId, Host, HostFit, MpiUse};
use crate::job::{Binding, Environment, Place};
use crate::launch::{Change, Container, Wrapper};
use crate::survey::host::{found_first, image_architecture, launcher_against, mount, same, sonames, wanted};
use crate::survey::ledger::Ledger;

/// The variable by which the loader in the image finds a mounted library first.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// What says which MPI the host has.
const ASK: &str = "which MPI the host has is not said: --host FACTS or --host PREFIX would";

/// The container that a launcher starts from outside; one that holds the launcher is none.
pub(super) fn container(launch: &Launch) -> Option<(&Wrapper, &Container)> {
    // One that cannot be told is one all the same.
    if launch.line.launcher.is_none() && launch.line.incomplete.is_none() {
        return None;
    }
    launch.line.inner.iter().find_map(|it| Some((it, it.container.as_ref()?)))
}

/// Holds the image against the launcher of the line, and against the MPI that it mounts.
pub(super) fn outside(reading: &JobReading<'_>, launch: &Launch, facts: &mut Facts, ledger: &mut Ledger) {
    let Some((wrapper, container)) = container(launch) else {
        inside(launch, facts, ledger);
        return;
    };
    let at = &wrapper.place;
    let mut host = facts.host.take().unwrap_or_else(|| of_job(reading, launch, facts, ledger));
    host.launcher = facts.environment.launcher.clone();
    let uses = facts.process.mpi.value().cloned().unwrap_or_default();
    if let Fact::Known { value: fits, .. } = &mut host.fits {
        for fit in fits.iter_mut() {
            if let Some(used) = uses.iter().find(|it| it.user == fit.user) {
                fit.launcher_agreement = agreement(reading, launch, used, &host.launcher);
            }
            // What the ranks are told is a matter of the run.
            fit.pmi_fits = Fact::known("none".to_owned(), vec![ledger.place(&launch.line.place)]);
        }
    }
    let mounts = Mounts::of(launch, wrapper, container, reading.image_env(Some(facts)).as_ref());
    let root = host.libraries.value().map(|it| it.iter().map(|it| it.path.clone()).collect::<Vec<_>>());
    if let Fact::Known { value: fits, .. } = &mut host.fits {
        for fit in fits.iter_mut().filter(|it| it.mount.value().is_none_or(|it| it != "none")) {
            mounts.apply(fit, root.as_deref(), at, ledger);
        }
    }
    host.mount = mount(&host.fits);
    host.mounts_libraries = mounts.libraries(container, facts, at, ledger);
    facts.host = Some(host);
    // Held against the launcher from outside, not as one that lies in the image.
    if let Fact::Known { value: uses, .. } = &mut facts.process.mpi {
        let because = vec![ledger.place(&launch.line.place)];
        uses.iter_mut().for_each(|it| {
            it.launcher_agreement = Fact::known("no-launcher".to_owned(), because.clone());
        });
    }
}

/// A launcher in the image, or none: the host starts no ranks.
fn inside(launch: &Launch, facts: &mut Facts, ledger: &mut Ledger) {
    let Some(Host { fits: Fact::Known { value: fits, .. }, .. }) = &mut facts.host else { return };
    let known = |ledger: &mut Ledger, word: &str| Fact::known(word.to_owned(), vec![ledger.place(&launch.line.place)]);
    for fit in fits {
        fit.launcher_agreement = known(ledger, "no-launcher");
        fit.pmi_fits = known(ledger, "none");
    }
}

fn agreement(
    reading: &JobReading<'_>,
    launch: &Launch,
    used: &MpiUse,
    launcher: &crate::facts::Launcher,
) -> Fact<String> {
    match launcher_against(used, launcher, &reading.know.process_management) {
        // That of a scheduler is made for every library of its ABI.
        Fact::Known { value, because, .. } if value == "same-abi" && !launch.owner.of_library => {
            Fact::known("same".to_owned(), because)
        }
        other @ (Fact::Known { .. } | Fact::Unknown { .. }) => other,
    }
}

/// What a job alone says of its host.
fn of_job(reading: &JobReading<'_>, launch: &Launch, facts: &Facts, ledger: &mut Ledger) -> Host {
    let at = &launch.line.place;
    let gap = ledger.open::<()>(at, ASK, "whether the MPI of the host fits into the image").gap();
    let gap = gap.unwrap_or(GapId(u32::MAX));
    let image_architecture = image_architecture(facts, ledger);
    let architecture = reading.architecture(at, ledger);
    let unsaid = architecture.value().is_some_and(|it| it == "unsaid");
    let against = if unsaid { architecture.clone() } else { same(&architecture, &image_architecture) };
    let fits = facts.process.mpi.clone().map(|uses| {
        let mut one = |it: &MpiUse| HostFit {
            user: it.user.clone(),
            vendor: it.vendor.clone(),
            version: it.version.clone(),
            lib: it.lib.clone(),
            sonames: sonames(it),
            launcher_agreement: Fact::unknown(gap),
            pmi_fits: Fact::unknown(gap),
            offered: Fact::unknown(gap),
            offered_as: Fact::unknown(gap),
            library_agreement: Fact::unknown(gap),
            found_first: found_first(it, &facts.environment.libc.family),
            mount: wanted(it, ledger),
        };
        uses.iter().map(&mut one).collect()
    });
    Host {
        name: named(at),
        kind: "job".to_owned(),
        launcher: facts.environment.launcher.clone(),
        architecture,
        image_architecture,
        architecture_agreement: against,
        libraries: Fact::unknown(gap),
        companions: Fact::unknown(gap),
        missing: Fact::unknown(gap),
        libc_needed: Fact::unknown(gap),
        libc_needed_by: Fact::unknown(gap),
        libc_agreement: Fact::unknown(gap),
        mount: mount(&fits),
        mounts_libraries: Fact::known(false, Vec::new()),
        fits,
    }
}

/// What a line mounts, and where the loader in the image looks.
struct Mounts {
    /// Directory or file of the host, and its place in the image.
    list: Vec<(String, String)>,
    /// Why there may be more.
    open: Option<String>,
    /// `LD_LIBRARY_PATH` inside; a directory that is not known is none.
    library_path: Vec<Option<String>>,
}

impl Mounts {
    fn of(launch: &Launch, wrapper: &Wrapper, container: &Container, own: Option<&Environment>) -> Self {
        let host = &launch.command.environment;
        let of_variables: Vec<(&String, Binding)> =
            container.mount_variables.iter().map(|it| (it, host.get(it))).collect();
        let mut pieces: Vec<String> = Vec::new();
        let mut open = of_variables.iter().find_map(|(name, it)| match it {
            Binding::Unknown { reason, .. } => Some(format!("{name} is not known: {reason}")),
            Binding::Set(_) | Binding::Unset(_) => None,
        });
        let of_variables = of_variables.iter().filter_map(|(_, it)| match it {
            Binding::Set(value) => Some(value),
            Binding::Unset(_) | Binding::Unknown { .. } => None,
        });
        for value in of_variables.chain(&container.mounts) {
            match value.text() {
                Some(text) => pieces.extend(text.split(',').map(str::to_owned)),
                None => open = Some(format!("what {} mounts is not known", value.display())),
            }
        }
        let library_path = library_path(launch, wrapper, container, own);
        Self { list: mounts(&pieces), open, library_path }
    }

    /// Whether the MPI of the host stands before that of the image.
    fn apply(&self, fit: &mut HostFit, libraries: Option<&[String]>, at: &Place, ledger: &mut Ledger) {
        let because: Vec<EvidenceId> = vec![ledger.place(at)];
        let over = fit.lib.value().and_then(Option::as_ref);
        let over = over.is_some_and(|lib| self.list.iter().any(|(_, to)| below(lib, to)));
        if over {
            // The file itself is another one: however it is found.
            fit.found_first = Fact::known(None, because.clone());
            fit.mount = Fact::known("mounted".to_owned(), because);
            return;
        }
        let hides = "whether the MPI of the host stands before that of the image";
        if let Some(reason) = &self.open {
            fit.mount = ledger.open(at, reason, hides);
            return;
        }
        let searched: Vec<String> = self.library_path.iter().flatten().filter_map(|it| self.on_the_host(it)).collect();
        let holds = |directory: &String| {
            let directories = libraries.into_iter().flatten().filter_map(|it| it.rsplit_once('/').map(|it| it.0));
            directories.into_iter().any(|it| it == directory)
        };
        let reached =
            |libraries: &[String]| libraries.iter().any(|it| self.list.iter().any(|(from, _)| below(it, from)));
        match libraries {
            _ if self.list.is_empty() => {}
            Some(libraries) if !reached(libraries) => {}
            Some(_) if searched.iter().any(holds) => fit.mount = Fact::known("mounted".to_owned(), because),
            None if !searched.is_empty() => fit.mount = ledger.open(at, ASK, hides),
            _ if self.library_path.contains(&None) => {
                fit.mount = ledger.open(at, "LD_LIBRARY_PATH inside the image is not known", hides);
            }
            Some(_) | None => {}
        }
    }

    /// Whether something is mounted so that the loader inside takes libraries of the host first.
    fn libraries(&self, container: &Container, facts: &Facts, at: &Place, ledger: &mut Ledger) -> Fact<bool> {
        let mapped = facts.process.mapped.value().into_iter().flatten();
        let mapped: Vec<&str> = mapped.map(|it| it.path.as_str()).collect();
        let searched = self.library_path.iter().flatten().filter_map(|it| self.on_the_host(it));
        let over = self.list.iter().filter(|(_, to)| mapped.iter().any(|it| below(it, to))).map(|it| it.0.clone());
        let mut list: Vec<String> = searched.chain(over).collect();
        list.sort();
        list.dedup();
        let hides = "which libraries of the host the image gets";
        let because = vec![ledger.place(at)];
        let unknown_path = self.library_path.contains(&None) && !self.list.is_empty();
        let reason = match &self.open {
            _ if !list.is_empty() => format!("what lies in {} of the host is not known", list.join(", ")),
            Some(reason) => reason.clone(),
            None if container.hooks => "what the site makes it mount is not known".to_owned(),
            None if unknown_path => "LD_LIBRARY_PATH inside the image is not known".to_owned(),
            None => return Fact::known(false, because),
        };
        ledger.open(at, &reason, hides)
    }

    /// The directory of the host that a directory in the image is.
    fn on_the_host(&self, inside: &str) -> Option<String> {
        let (from, to) = self.list.iter().rev().find(|(_, to)| below(inside, to))?;
        let rest = inside.strip_prefix(to.trim_end_matches('/')).unwrap_or_default();
        Some(format!("{}{}", from.trim_end_matches('/'), rest.trim_end_matches('/')))
    }
}

fn below(path: &str, directory: &str) -> bool {
    directory != "/" && TreePath::new(path).is_below(&TreePath::new(directory))
}

/// `FROM[:TO[:OPTIONS]]`, or `source=FROM` and `destination=TO` in turn.
fn mounts(pieces: &[String]) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = Vec::new();
    let mut source: Option<String> = None;
    for piece in pieces {
        match piece.split_once('=') {
            Some(("source" | "src", from)) => source = Some(from.to_owned()),
            Some(("destination" | "dst" | "target", to)) => {
                list.extend(source.take().map(|from| (from, to.to_owned())));
            }
            Some((word, _)) if !word.contains('/') => {}
            Some(_) | None => {
                let mut parts = piece.split(':');
                let from = parts.next().unwrap_or_default();
                let to = parts.next().filter(|it| it.starts_with('/')).unwrap_or(from);
                if from.starts_with('/') {
                    list.push((from.to_owned(), to.to_owned()));
                }
            }
        }
    }
    list
}

/// Directories in which the loader inside looks first: as the line says, else a variable for the image, else the image.
fn library_path(
    launch: &Launch,
    wrapper: &Wrapper,
    container: &Container,
    own: Option<&Environment>,
) -> Vec<Option<String>> {
    let given = wrapper.changes.iter().rev().find_map(|it| match &it.change {
        Change::Set { name, value } if name == LIBRARY_PATH => Some(value),
        Change::Set { .. }
        | Change::Remove(_)
        | Change::Forward(_)
        | Change::KeepNone
        | Change::KeepAll
        | Change::Unknown(_) => None,
    });
    let host = &launch.command.environment;
    let carried = || container.prefixes.iter().find_map(|it| host.value(&format!("{it}{LIBRARY_PATH}")));
    if let Some(value) = given.or_else(carried) {
        return list_entries(value);
    }
    match own.map(|it| it.get(LIBRARY_PATH)) {
        Some(Binding::Set(value)) => list_entries(&value),
        Some(Binding::Unset(_)) => Vec::new(),
        Some(Binding::Unknown { .. }) | None => vec![None],
    }
}

impl JobReading<'_> {
    /// The machine of the nodes, by the level of their CPU.
    fn architecture(&self, at: &Place, ledger: &mut Ledger) -> Fact<String> {
        let isa = if let Ok(node) = self.node() { node.isa.as_ref() } else { None };
        let machine = isa.and_then(|isa| machine_of(&isa.value).map(|it| (it, isa.line)));
        let Some((machine, line)) = machine else { return Fact::known("unsaid".to_owned(), Vec::new()) };
        let file = self.question.site.map(|it| it.path.clone()).unwrap_or_default();
        let because = vec![ledger.place(&Place { file, line, ..Place::default() }), ledger.place(at)];
        Fact::known(machine.to_owned(), because)
    }
}

/// The machine that a level belongs to.
fn machine_of(isa: &str) -> Option<&'static str> {
    let levels =
        [("x86-64", "x86_64"), ("x86_64", "x86_64"), ("power", "ppc64le"), ("aarch64", "aarch64"), ("armv", "aarch64")];
    levels.iter().find(|(level, _)| isa.starts_with(level)).map(|(_, machine)| *machine)
}
