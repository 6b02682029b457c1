//! Each user of MPI in the image against the host: its launcher from outside, its libraries mounted.

use super::mounted::{Mounted, mounted};
use super::{Holds, Host};
use crate::base::{Gap, Stage, TreePath};
use crate::facts::{self, EvidenceId, Fact, Facts, GapId, HostFit, HostLibrary, Launcher, MpiUse};
use crate::survey::job::{Fit, ProcessManagement};
use crate::survey::knowledge::Knowledge;
use crate::survey::ledger::Ledger;
use crate::survey::relations::against_launcher;

/// A launcher of a scheduler starts the ranks of any MPI.
const ANY: &str = "any";

/// How files are found that `LD_LIBRARY_PATH` cannot replace, and what that is called. musl asks it before any DT_RPATH.
const FOUND_FIRST: [(&str, &str); 4] = [
    ("rpath", "a DT_RPATH"),
    ("absolute", "a path in a NEEDED entry"),
    ("dlopen", "a path by which it is opened"),
    ("preload", "a preload"),
];

/// What one user is held against.
struct Against<'a> {
    host: &'a Host,
    know: &'a Knowledge,
    launcher: &'a Launcher,
    libraries: &'a Fact<Vec<HostLibrary>>,
    /// The C library of the image.
    family: &'a Fact<String>,
}

/// The host, held against an image.
pub(super) fn host(
    host: &Host,
    image: &Facts,
    know: &Knowledge,
    holds: &mut Holds<'_>,
    ledger: &mut Ledger,
) -> facts::Host {
    let mut launcher = host.told.carry_launcher(ledger);
    complete(&mut launcher, know);
    let libraries = host.told.carry_libraries(ledger);
    let libc = &image.environment.libc;
    let against = Against { host, know, launcher: &launcher, libraries: &libraries, family: &libc.family };
    let fits = match &image.process.mpi {
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
        Fact::Known { value, because, incomplete } => Fact::Known {
            value: value.iter().map(|it| against.fit(it, ledger)).collect(),
            because: because.clone(),
            incomplete: *incomplete,
        },
    };
    let Mounted { companions, missing, libc_needed, libc_needed_by, libc_agreement } =
        mounted(host, libc, holds, ledger);
    let architecture = host.told.carry(&host.told.architecture, ledger);
    let image_architecture = image_architecture(image, ledger);
    facts::Host {
        name: host.name.clone(),
        kind: host.kind.to_owned(),
        architecture_agreement: same(&architecture, &image_architecture),
        architecture,
        image_architecture,
        companions,
        missing,
        libc_needed,
        libc_needed_by,
        libc_agreement,
        mount: mount(&fits),
        mounts_libraries: Fact::known(false, Vec::new()),
        launcher,
        libraries,
        fits,
    }
}

/// The interfaces that a launcher starts, where only its name was saved.
fn complete(launcher: &mut Launcher, know: &Knowledge) {
    let (Fact::Known { value: vendor, because, .. }, Fact::Unknown { .. }) = (&launcher.vendor, &launcher.abi) else {
        return;
    };
    if let Some(description) = know.launchers.get(vendor) {
        let text = if description.abis().is_empty() { ANY.to_owned() } else { description.abis().join(" ") };
        launcher.abi = Fact::known(text, because.clone());
    }
}

pub(in crate::survey) fn image_architecture(image: &Facts, ledger: &mut Ledger) -> Fact<String> {
    let mut gaps = Vec::new();
    match super::saved::architecture(&image.objects, &image.environment.python.soabi, &mut gaps) {
        known @ Fact::Known { .. } => known,
        Fact::Unknown { unknown } => match gaps.into_iter().next() {
            Some(gap) => Fact::unknown(ledger.keep_told(gap)),
            None => Fact::unknown(unknown),
        },
    }
}

pub(in crate::survey) fn same(one: &Fact<String>, other: &Fact<String>) -> Fact<String> {
    let (Fact::Known { value: a, because, .. }, Fact::Known { value: b, because: more, .. }) = (one, other) else {
        return Fact::unknown(one.gap().or_else(|| other.gap()).unwrap_or(GapId(u32::MAX)));
    };
    let word = if a == b { "same" } else { "other" };
    Fact::known(word.to_owned(), because.iter().chain(more).copied().collect())
}

/// What is wanted of the host for all users together.
pub(in crate::survey) fn mount(fits: &Fact<Vec<HostFit>>) -> Fact<String> {
    let Fact::Known { value: list, incomplete, .. } = fits else {
        return Fact::unknown(fits.gap().unwrap_or(GapId(u32::MAX)));
    };
    let with = |word: &str| list.iter().find(|it| it.mount.value().is_some_and(|it| it == word));
    let known = |it: &HostFit| it.mount.clone();
    let open = incomplete.or_else(|| list.iter().find_map(|it| it.mount.gap()));
    match (with("mounted"), open) {
        (Some(it), _) => known(it),
        (None, Some(gap)) => Fact::unknown(gap),
        (None, None) => with("needed").or_else(|| with("possible")).map_or_else(
            || Fact::known("none".to_owned(), list.iter().flat_map(|it| it.mount.because().to_vec()).collect()),
            known,
        ),
    }
}

/// A launcher outside an image against the MPI in it.
pub(in crate::survey) fn launcher_against(
    it: &MpiUse,
    launcher: &Launcher,
    management: &ProcessManagement,
) -> Fact<String> {
    let none = it.vendor.value().is_some_and(|it| it == "none");
    if !none && launcher.abi.value().is_some_and(|it| it == ANY) {
        let because = launcher.vendor.because().iter().chain(it.lib.because()).copied().collect();
        return Fact::known(ANY.to_owned(), because);
    }
    let agreement = against_launcher(it, launcher);
    let spoken = it.vendor.value().and_then(|vendor| management.of(vendor));
    let (Some("same"), Some(spoken)) = (agreement.value().map(String::as_str), spoken) else { return agreement };
    let text = |fact: &Fact<String>| fact.value().cloned();
    match spoken.starts_under(text(&it.version).as_deref(), text(&launcher.version).as_deref()) {
        Some(true) => agreement,
        Some(false) => {
            let because = [agreement.because(), it.version.because(), launcher.version.because()].concat();
            Fact::known("other-release".to_owned(), because)
        }
        None => Fact::unknown(it.version.gap().or_else(|| launcher.version.gap()).unwrap_or(GapId(u32::MAX))),
    }
}

impl Against<'_> {
    fn fit(&self, it: &MpiUse, ledger: &mut Ledger) -> HostFit {
        let launcher_agreement = launcher_against(it, self.launcher, &self.host.management);
        let pmi_fits = self.pmi_fits(it, &launcher_agreement, ledger);
        let sonames = sonames(it);
        let mount = wanted(it, ledger);
        let (offered, offered_as, library_agreement) = self.offered(it, &sonames, &mount, ledger);
        HostFit {
            user: it.user.clone(),
            vendor: it.vendor.clone(),
            version: it.version.clone(),
            lib: it.lib.clone(),
            found_first: found_first(it, self.family),
            launcher_agreement,
            pmi_fits,
            sonames,
            offered,
            offered_as,
            library_agreement,
            mount,
        }
    }

    /// Whether the MPI in the image speaks one of the types that the launcher has plugins for, or that it needs none for.
    fn pmi_fits(&self, it: &MpiUse, agreement: &Fact<String>, ledger: &mut Ledger) -> Fact<String> {
        match agreement.value().map(String::as_str) {
            Some(ANY) => {}
            Some(_) => return Fact::known("none".to_owned(), agreement.because().to_vec()),
            None => return Fact::unknown(agreement.gap().unwrap_or(GapId(u32::MAX))),
        }
        let hides = "whether the ranks of the image find each other";
        let mut open =
            |reason: &str| Fact::unknown(ledger.gap(&Gap::new(&TreePath::root(), Stage::Identify, reason, hides)));
        let Some(vendor) = it.vendor.value() else { return Fact::unknown(it.vendor.gap().unwrap_or(GapId(u32::MAX))) };
        let Some(spoken) = self.host.management.of(vendor) else {
            return open("nothing is known of what this MPI speaks");
        };
        let Fact::Known { value: types, because, incomplete } = &self.launcher.pmi else {
            return Fact::unknown(self.launcher.pmi.gap().unwrap_or(GapId(u32::MAX)));
        };
        let version = it.version.value().map(String::as_str);
        let answers: Vec<Fit> =
            types.iter().map(String::as_str).chain(["none"]).map(|kind| spoken.fits(kind, version)).collect();
        let because: Vec<EvidenceId> = because.iter().chain(it.vendor.because()).copied().collect();
        if answers.contains(&Fit::Yes) {
            return Fact::known("yes".to_owned(), because);
        }
        let reason = answers.iter().find_map(|it| match it {
            Fit::Open(reason) => Some(reason.clone()),
            Fit::Yes | Fit::No => None,
        });
        match (reason, incomplete) {
            (Some(reason), _) => open(&reason),
            (None, Some(gap)) => Fact::unknown(*gap),
            (None, None) => Fact::known("no".to_owned(), because),
        }
    }

    /// The library of the host that would answer, what it is, and whether the package runs with it.
    fn offered(
        &self,
        it: &MpiUse,
        sonames: &Fact<Vec<String>>,
        mount: &Fact<String>,
        ledger: &mut Ledger,
    ) -> (Fact<Option<String>>, Fact<String>, Fact<String>) {
        let all = |gap: GapId| (Fact::unknown(gap), Fact::unknown(gap), Fact::unknown(gap));
        let because = sonames.because().to_vec();
        let none = |word: &str, because: Vec<EvidenceId>| {
            let agreement = Fact::known(word.to_owned(), because.clone());
            (Fact::known(None, because.clone()), Fact::known(String::new(), because), agreement)
        };
        if mount.value().is_some_and(|it| it == "none") {
            return none("none", mount.because().to_vec());
        }
        let (Fact::Known { value: names, .. }, Fact::Known { value: libraries, incomplete, .. }) =
            (sonames, self.libraries)
        else {
            return all(sonames.gap().or_else(|| self.libraries.gap()).unwrap_or(GapId(u32::MAX)));
        };
        if let (true, Some(gap)) = (names.is_empty(), mount.gap()) {
            return all(gap);
        }
        let answers = |library: &&HostLibrary| {
            library.soname.value().and_then(Option::as_ref).is_some_and(|it| names.contains(it))
        };
        let unread = libraries.iter().find_map(|it| it.soname.gap()).or(*incomplete).or_else(|| sonames.gap());
        match (libraries.iter().find(answers), unread) {
            (Some(library), _) => {
                let agreement = self.exchangeable(it, library, ledger);
                let text = match (library.vendor.value(), library.version.value()) {
                    (Some(vendor), Some(version)) => format!("{vendor} {version}"),
                    (Some(vendor), None) => vendor.clone(),
                    (None, _) => "an unknown MPI".to_owned(),
                };
                let because: Vec<EvidenceId> = because.iter().chain(library.soname.because()).copied().collect();
                (Fact::known(Some(library.path.clone()), because.clone()), Fact::known(text, because), agreement)
            }
            (None, Some(gap)) => all(gap),
            (None, None) if libraries.is_empty() => none("none", because),
            (None, None) => {
                let theirs = libraries.iter().flat_map(|it| it.soname.because());
                none("other-abi", because.iter().chain(theirs).copied().collect())
            }
        }
    }

    fn exchangeable(&self, it: &MpiUse, library: &HostLibrary, ledger: &mut Ledger) -> Fact<String> {
        let because: Vec<EvidenceId> = library.soname.because().iter().chain(it.lib.because()).copied().collect();
        let known = |word: &str| Fact::known(word.to_owned(), because.clone());
        let unknown = |fact: &Fact<String>| Fact::unknown(fact.gap().unwrap_or(GapId(u32::MAX)));
        match (it.vendor.value().map(String::as_str), library.vendor.value()) {
            // Nothing in the image says more than the soname that it asks for.
            (Some("none"), _) => return known("same-abi"),
            (Some(mine), Some(theirs)) if mine == theirs => return known("same"),
            (Some(_), Some(_)) => {}
            (None, _) => return unknown(&it.vendor),
            (_, None) => return unknown(&library.vendor),
        }
        let (Some(mine), Some(theirs)) = (it.abi.value(), library.abi.value()) else {
            return unknown(if it.abi.value().is_none() { &it.abi } else { &library.abi });
        };
        let (Some(soname), Some(other)) = (it.soname.value(), library.soname.value()) else {
            let reason = "the soname of one of both is not known";
            let gap = Gap::new(&TreePath::root(), Stage::Identify, reason, "whether one stands in for the other");
            return Fact::unknown(ledger.gap(&gap));
        };
        let groups = &self.know.abi_groups;
        let fits = groups.exchangeable((mine.as_str(), soname.as_deref()), (theirs.as_str(), other.as_deref()));
        known(if fits { "same-abi" } else { "other-abi" })
    }
}

/// What finds the MPI of the image before `LD_LIBRARY_PATH` can find another.
pub(in crate::survey) fn found_first(it: &MpiUse, family: &Fact<String>) -> Fact<Option<String>> {
    let Fact::Known { value: found_by, because, .. } = &it.found_by else {
        return Fact::unknown(it.found_by.gap().unwrap_or(GapId(u32::MAX)));
    };
    let Some((way, text)) = FOUND_FIRST.iter().find(|(word, _)| word == found_by) else {
        return Fact::known(None, because.clone());
    };
    let first = Fact::known(Some((*text).to_owned()), because.clone());
    match family {
        Fact::Known { .. } | Fact::Unknown { .. } if *way != "rpath" => first,
        Fact::Known { value, .. } if value == "musl" => Fact::known(None, because.clone()),
        Fact::Known { .. } => first,
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
    }
}

/// How far the MPI of the host is wanted: needed where the image lacks the one that a package asks for.
pub(in crate::survey) fn wanted(it: &MpiUse, ledger: &mut Ledger) -> Fact<String> {
    let known = |word: &str, because: &[EvidenceId]| Fact::known(word.to_owned(), because.to_vec());
    match (&it.vendor, &it.wanted, &it.missing) {
        (Fact::Unknown { unknown }, _, _) => Fact::unknown(*unknown),
        (Fact::Known { value, because, .. }, _, _) if value != "none" => known("possible", because),
        (Fact::Known { .. }, Fact::Known { value: false, because, .. }, _) => known("none", because),
        (Fact::Known { .. }, Fact::Known { value: true, .. }, Fact::Known { value, because, .. }) => {
            if value.is_empty() {
                let reason = format!("{} finds no MPI, and not because one is missing", it.user);
                let hides = "whether the MPI of the host is needed in the image";
                let at = TreePath::new(it.extension.as_bytes());
                return Fact::unknown(ledger.gap(&Gap::new(&at, Stage::Loader, reason, hides)));
            }
            known("needed", because)
        }
        (Fact::Known { .. }, Fact::Unknown { unknown }, _) | (Fact::Known { .. }, _, Fact::Unknown { unknown }) => {
            Fact::unknown(*unknown)
        }
    }
}

/// The names by which a package asks for its MPI: that of the one which answers, else those that are missing.
pub(in crate::survey) fn sonames(it: &MpiUse) -> Fact<Vec<String>> {
    match (&it.vendor, &it.soname) {
        (Fact::Known { value, .. }, _) if value == "none" => it.missing.clone(),
        (_, Fact::Known { value, because, .. }) => Fact::known(value.iter().cloned().collect(), because.clone()),
        (_, Fact::Unknown { unknown }) => Fact::unknown(*unknown),
    }
}
