//! The MPI of the host mounted into the image: what comes along, what the image has, and which C library they need.

use std::cmp::Ordering;

use super::{Holds, Host, HostObject};
use crate::base::{Gap, Stage, TreePath, compare_versions};
use crate::facts::{Companion, Fact, GapId, Libc};
use crate::survey::ledger::Ledger;

/// What a mounted MPI needs.
pub(super) struct Mounted {
    pub(super) companions: Fact<Vec<Companion>>,
    pub(super) missing: Fact<Vec<String>>,
    pub(super) libc_needed: Fact<Option<String>>,
    pub(super) libc_needed_by: Fact<Option<String>>,
    pub(super) libc_agreement: Fact<String>,
}

/// An object with the place that a process in the image has it from.
struct Placed {
    object: HostObject,
    place: Fact<String>,
}

pub(super) fn mounted(host: &Host, libc: &Libc, holds: &mut Holds<'_>, ledger: &mut Ledger) -> Mounted {
    let (list, hidden) = match host.told.carry_objects(ledger) {
        Fact::Unknown { unknown } => return nothing(unknown),
        Fact::Known { value, incomplete, .. } => (value, incomplete),
    };
    let placed: Vec<Placed> = list.into_iter().map(|it| place(host, it, holds, ledger)).collect();
    let missing: Vec<&Placed> = placed.iter().filter(|it| is(&it.place, "missing")).collect();
    let unplaced = placed.iter().find_map(|it| it.place.gap());
    let because = missing.iter().flat_map(|it| it.place.because().to_vec()).collect();
    let names = missing.iter().map(|it| it.object.soname.clone()).collect();
    let (libc_needed, libc_needed_by) = highest(&placed, hidden);
    let libc_agreement = agreement(&placed, hidden, libc, ledger);
    let companion = |it: &Placed| Companion {
        soname: it.object.soname.clone(),
        file: it.object.file.clone(),
        needed_by: it.object.needed_by.clone(),
        place: it.place.clone(),
        glibc: it.object.glibc.clone(),
    };
    let companions = placed.iter().filter(|it| !it.object.needed_by.is_empty()).map(companion).collect();
    Mounted {
        companions: Fact::Known { value: companions, because: Vec::new(), incomplete: hidden },
        missing: Fact::Known { value: names, because, incomplete: hidden.or(unplaced) },
        libc_needed,
        libc_needed_by,
        libc_agreement,
    }
}

fn nothing(gap: GapId) -> Mounted {
    Mounted {
        companions: Fact::unknown(gap),
        missing: Fact::unknown(gap),
        libc_needed: Fact::unknown(gap),
        libc_needed_by: Fact::unknown(gap),
        libc_agreement: Fact::unknown(gap),
    }
}

fn is(fact: &Fact<String>, word: &str) -> bool {
    fact.value().is_some_and(|it| it == word)
}

fn place(host: &Host, object: HostObject, holds: &mut Holds<'_>, ledger: &mut Ledger) -> Placed {
    let below = |file: &String| {
        host.told.root.as_ref().is_some_and(|root| TreePath::new(file.as_bytes()).is_below(&TreePath::new(root)))
    };
    let at = TreePath::new(object.file.as_ref().unwrap_or(&object.needed_by).as_bytes());
    // The library itself is what is mounted, wherever it lies.
    let along = object.needed_by.is_empty() || object.file.as_ref().is_some_and(below);
    let place = if along {
        let id = ledger.note(&at, "on the host: mounted");
        Fact::known("along".to_owned(), vec![id])
    } else {
        let needed = format!("on the host: NEEDED {} of {}", object.soname, object.needed_by);
        match holds(&object.soname) {
            Ok(true) => Fact::known("image".to_owned(), vec![ledger.note(&at, needed)]),
            Ok(false) => {
                let nowhere = ledger.note(&TreePath::root(), format!("the image has no {}", object.soname));
                Fact::known("missing".to_owned(), vec![ledger.note(&at, needed), nowhere])
            }
            Err(reason) => {
                let hides = "which libraries are mounted too";
                Fact::unknown(ledger.gap(&Gap::new(&TreePath::root(), Stage::Loader, reason, hides)))
            }
        }
    };
    Placed { object, place }
}

/// The highest version that what surely comes from the host needs.
fn highest(placed: &[Placed], hidden: Option<GapId>) -> (Fact<Option<String>>, Fact<Option<String>>) {
    let mut best: Option<(&String, &Placed)> = None;
    for it in from_host(placed) {
        if let Some(Some(version)) = it.object.glibc.value()
            && best.is_none_or(|(known, _)| compare_versions(known, version) == Ordering::Less)
        {
            best = Some((version, it));
        }
    }
    let because = best.map(|(_, it)| it.object.glibc.because().to_vec()).unwrap_or_default();
    let open = hidden.or_else(|| placed.iter().find_map(|it| it.place.gap().or_else(|| it.object.glibc.gap())));
    let (version, file) = (best.map(|it| it.0.clone()), best.and_then(|it| it.1.object.file.clone()));
    match (version, open) {
        // Of what is known to come; what is hidden may need more.
        (Some(version), incomplete) => (
            Fact::Known { value: Some(version), because: because.clone(), incomplete },
            Fact::Known { value: file, because, incomplete },
        ),
        (None, Some(gap)) => (Fact::unknown(gap), Fact::unknown(gap)),
        (None, None) => (Fact::known(None, Vec::new()), Fact::known(None, Vec::new())),
    }
}

/// What a process in the image has from the host: what comes along, and what has to be mounted besides.
fn from_host(placed: &[Placed]) -> impl Iterator<Item = &Placed> {
    placed.iter().filter(|it| is(&it.place, "along") || is(&it.place, "missing"))
}

fn agreement(placed: &[Placed], hidden: Option<GapId>, libc: &Libc, ledger: &mut Ledger) -> Fact<String> {
    let needs = |it: &Placed| it.object.glibc.value().cloned().flatten();
    let foreign = libc.family.value().is_some_and(|it| it != "glibc");
    let too_old =
        |version: &String| libc.version.value().is_some_and(|it| compare_versions(it, version) == Ordering::Less);
    for it in from_host(placed) {
        let Some(version) = needs(it) else { continue };
        let mut because = it.object.glibc.because().to_vec();
        if foreign {
            because.extend(libc.family.because());
            return Fact::known("other-family".to_owned(), because);
        }
        if too_old(&version) && libc.family.value().is_some() {
            because.extend(libc.version.because());
            return Fact::known("too-old".to_owned(), worst(placed, &too_old).unwrap_or(because));
        }
    }
    let unread = placed.iter().find_map(|it| it.object.glibc.gap());
    // What might come from the host, and would then need more.
    let perhaps = placed.iter().filter(|it| needs(it).is_some_and(|it| foreign || too_old(&it)));
    let perhaps = perhaps.filter_map(|it| it.place.gap()).next();
    let gap = hidden.or(unread).or(perhaps).or_else(|| libc.family.gap()).or_else(|| libc.version.gap());
    match gap {
        Some(gap) => Fact::unknown(gap),
        None if placed.is_empty() => {
            let hides = "whether its C library is recent enough";
            Fact::unknown(ledger.gap(&Gap::new(
                &TreePath::root(),
                Stage::Loader,
                "no MPI library of the host is known",
                hides,
            )))
        }
        None => {
            let mut because: Vec<_> = from_host(placed).flat_map(|it| it.object.glibc.because().to_vec()).collect();
            because.extend(libc.version.because());
            Fact::known("enough".to_owned(), because)
        }
    }
}

/// What the highest of several demands rests on.
fn worst(placed: &[Placed], too_old: &dyn Fn(&String) -> bool) -> Option<Vec<crate::facts::EvidenceId>> {
    let all = from_host(placed).filter_map(|it| Some((it.object.glibc.value()?.as_ref()?, it)));
    let highest = all.filter(|(version, _)| too_old(version)).max_by(|a, b| compare_versions(a.0, b.0));
    highest.map(|(_, it)| it.object.glibc.because().to_vec())
}
