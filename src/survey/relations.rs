//! Facts that relate two things: agreements, duplicates, sonames that stand for two files, overrides.

use std::collections::BTreeMap;

use super::builder::Builder;
use crate::base::{TreePath, printable};
use crate::elf;
use crate::facts::{
    AGREEMENT_OF, Duplicates, EvidenceId, Fact, GapId, Hdf5Use, Launcher, MpiUse, Override, SharedSoname,
};
use crate::loader::{ObjectIndex, Process};

impl Builder<'_, '_> {
    /// More than one copy of one kind of library.
    pub(super) fn duplicates(&mut self) -> Duplicates {
        Duplicates {
            blas: self.copies("blas"),
            hdf5: self.copies("hdf5"),
            mpi: self.copies("mpi"),
            openmp: self.copies("openmp"),
        }
    }

    /// Real files of the different copies, empty when there is at most one. Fronts count as what is behind them,
    /// layers as what opened them.
    fn copies(&mut self, capability: &str) -> Fact<Vec<String>> {
        let Some((_, group)) = self.session.group(capability) else { return Fact::known(Vec::new(), Vec::new()) };
        let mut copies: BTreeMap<ObjectIndex, Vec<EvidenceId>> = BTreeMap::new();
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index) else { break };
            if self.session.site.is_extension(&loaded.name) || !self.session.catalogue.defines(&loaded.object, group) {
                continue;
            }
            // Stubs: what is known to be another kind of library is no copy of this one.
            let identity = self.session.catalogue.identity(&loaded.object);
            if identity.is_some_and(|it| !it.capabilities.iter().any(|word| word == capability)) {
                continue;
            }
            let kernels = self.session.behind(index, capability);
            let copy = self.whole_of(kernels.map_or(index, |(kernels, _)| kernels));
            if let Some(text) = self.arrival(copy) {
                let id = self.ledger.note(&self.real(copy), text);
                copies.insert(copy, vec![id]);
            }
        }
        let mut paths: Vec<String> = copies.keys().map(|it| self.real(*it).text()).collect();
        paths.sort();
        paths.dedup();
        let because = copies.into_values().flatten().collect();
        self.list(if paths.len() > 1 { paths } else { Vec::new() }, because)
    }

    /// The library that opened a layer, else the object itself.
    fn whole_of(&self, part: ObjectIndex) -> ObjectIndex {
        let library = |index: ObjectIndex| {
            let object = &self.session.process.objects.get(index)?.object;
            Some(self.session.catalogue.part(object)?.library.clone())
        };
        let owner = self.session.parts.iter().find(|(_, it)| *it == part).map(|(owner, _)| *owner);
        owner.filter(|it| library(*it) == library(part)).unwrap_or(part)
    }

    /// Compares the MPI of one package with that of another: `same`, `same-abi`, `conflict`, `none`.
    fn agreement(&self, one: &Behind, other: &Behind) -> Fact<String> {
        let mut because = one.lib.because().to_vec();
        because.extend(other.lib.because());
        let word = match (&one.lib, &other.lib) {
            (Fact::Unknown { unknown }, _) | (_, Fact::Unknown { unknown }) => return Fact::unknown(*unknown),
            (Fact::Known { value: a, .. }, Fact::Known { value: b, .. }) => match (a, b) {
                (None, _) | (_, None) => "none",
                (Some(a), Some(b)) if a == b => "same",
                (Some(_), Some(_)) => match self.exchangeable(one, other) {
                    Ok(true) => "same-abi",
                    Ok(false) => "conflict",
                    Err(unknown) => return Fact::unknown(unknown),
                },
            },
        };
        Fact::known(word.to_owned(), because)
    }

    /// Whether a program that was compiled for the one runs with the other: `rules/abi` says so.
    fn exchangeable(&self, one: &Behind, other: &Behind) -> Result<bool, GapId> {
        let known = |it: &Behind| match (&it.abi, &it.soname) {
            (Fact::Unknown { unknown }, _) | (_, Fact::Unknown { unknown }) => Err(*unknown),
            (Fact::Known { value: abi, .. }, Fact::Known { value: soname, .. }) => Ok((abi.clone(), soname.clone())),
        };
        let (mine, theirs) = (known(one)?, known(other)?);
        let groups = &self.session.catalogue.know.abi_groups;
        Ok(groups.exchangeable((&mine.0, mine.1.as_deref()), (&theirs.0, theirs.1.as_deref())))
    }

    /// Fills the agreements between MPI users, and gives that of the whole process.
    pub(super) fn relate(
        &mut self,
        mpi: &mut Fact<Vec<MpiUse>>,
        hdf5: &mut Fact<Vec<Hdf5Use>>,
        launcher: &Launcher,
    ) -> Fact<String> {
        let Fact::Known { value: uses, .. } = mpi else { return Fact::known("none".to_owned(), Vec::new()) };
        let of = |user: &str, uses: &[MpiUse]| uses.iter().find(|it| it.user == user).map(Behind::of);
        let base = of(AGREEMENT_OF[0], uses).unwrap_or_else(Behind::nothing);
        for it in uses.iter_mut() {
            it.mpi4py_agreement = self.agreement(&Behind::of(it), &base);
            it.launcher_agreement = against_launcher(it, launcher);
        }
        if let Fact::Known { value: libraries, .. } = hdf5 {
            for it in libraries.iter_mut() {
                let user = of(&it.user, uses).unwrap_or_else(Behind::nothing);
                it.mpi4py_agreement = self.agreement(&Behind { lib: it.mpi_lib.clone(), ..user }, &base);
            }
        }
        let second = of(AGREEMENT_OF[1], uses).unwrap_or_else(Behind::nothing);
        self.whole(&base, &second)
    }

    fn whole(&self, base: &Behind, other: &Behind) -> Fact<String> {
        let mut because = base.lib.because().to_vec();
        because.extend(other.lib.because());
        let word = match (&base.lib, &other.lib) {
            (Fact::Unknown { unknown }, _) | (_, Fact::Unknown { unknown }) => return Fact::unknown(*unknown),
            (Fact::Known { value: a, .. }, Fact::Known { value: b, .. }) => match (a, b) {
                (None, None) => "none",
                (Some(_), None) => "mpi4py-only",
                (None, Some(_)) => "h5py-only",
                (Some(_), Some(_)) => return self.agreement(base, other),
            },
        };
        Fact::known(word.to_owned(), because)
    }

    /// Sonames for which an extension of the process gets another file than it would have found alone.
    pub(super) fn shared_sonames(&mut self, alone: &[(TreePath, Process<'_>)]) -> Fact<Vec<SharedSoname>> {
        let mut found: Vec<SharedSoname> = Vec::new();
        for (extension, process) in alone {
            let loaded = self.session.process.objects.iter().any(|it| it.name == extension.as_bytes());
            if !loaded {
                continue;
            }
            for own in process.objects.iter().skip(1) {
                let Some(soname) = own.object.linkage.as_ref().ok().and_then(|it| it.soname.clone()) else { continue };
                let Some(used) =
                    self.session.process.loaded_as(&soname).and_then(|it| self.session.process.objects.get(it))
                else {
                    continue;
                };
                if used.object.id != own.object.id {
                    let entry = SharedSoname {
                        soname: printable(&soname),
                        used: used.real().text(),
                        shadowed: own.real().text(),
                        object: extension.text(),
                        same_build: self.same_build(used.real(), own.real()),
                    };
                    let known = |it: &SharedSoname| it.soname == entry.soname && it.shadowed == entry.shadowed;
                    if !found.iter().any(known) {
                        found.push(entry);
                    }
                }
            }
        }
        Fact::known(found, Vec::new())
    }

    /// Libraries for which the process gets another file because of `LD_LIBRARY_PATH`.
    pub(super) fn overrides(&mut self, without: Option<&Process<'_>>) -> Fact<Vec<Override>> {
        let mut found: Vec<Override> = Vec::new();
        let Some(without) = without else { return Fact::known(found, Vec::new()) };
        for with in &self.session.process.objects {
            if with.via != crate::loader::Via::LdLibraryPath {
                continue;
            }
            let Some(name) = with.asked.first() else { continue };
            let Some(other) = without.loaded_as(name).and_then(|it| without.objects.get(it)) else { continue };
            if other.object.id != with.object.id {
                found.push(Override {
                    soname: printable(name),
                    with: with.real().text(),
                    without: other.real().text(),
                    object: with.needed_by.map(|it| self.real(it).text()).unwrap_or_default(),
                    same_build: self.same_build(with.real(), other.real()),
                });
            }
        }
        Fact::known(found, Vec::new())
    }

    pub(super) fn same_build(&mut self, one: &TreePath, other: &TreePath) -> Fact<bool> {
        match (self.build(one), self.build(other)) {
            (Ok(Some(a)), Ok(Some(b))) => {
                let because = vec![
                    self.ledger.note(one, format!("build id {}", hex(&a))),
                    self.ledger.note(other, format!("build id {}", hex(&b))),
                ];
                Fact::known(a == b, because)
            }
            (Ok(None), _) | (_, Ok(None)) => match (self.size(one), self.size(other)) {
                (Ok(a), Ok(b)) if a != b => {
                    let because = vec![
                        self.ledger.note(one, format!("{a} bytes")),
                        self.ledger.note(other, format!("{b} bytes")),
                    ];
                    Fact::known(false, because)
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    self.ledger.unknown(one, &reason, "whether both are the same build")
                }
                (Ok(_), Ok(_)) => self.ledger.unknown(one, "it carries no build id", "whether both are the same build"),
            },
            (Err(reason), _) | (_, Err(reason)) => self.ledger.unknown(one, &reason, "whether both are the same build"),
        }
    }

    /// Files of different size are different.
    fn size(&self, path: &TreePath) -> Result<u64, String> {
        let view = self.session.catalogue.objects.view();
        view.metadata_real(path).map(|it| it.size_bytes).map_err(|it| it.to_string())
    }

    fn build(&self, path: &TreePath) -> Result<Option<Vec<u8>>, String> {
        let file = self.session.catalogue.objects.view().open_real(path).map_err(|it| it.to_string())?;
        elf::build_id(&*file).map_err(|it| it.to_string())
    }
}

/// The MPI behind one package, as far as it is compared.
struct Behind {
    lib: Fact<Option<String>>,
    abi: Fact<String>,
    soname: Fact<Option<String>>,
}

impl Behind {
    fn of(it: &MpiUse) -> Self {
        Self { lib: it.lib.clone(), abi: it.abi.clone(), soname: it.soname.clone() }
    }

    fn nothing() -> Self {
        let none = || Fact::known(None, Vec::new());
        Self { lib: none(), abi: Fact::known("none".to_owned(), Vec::new()), soname: none() }
    }
}

/// The MPI of one package against a launcher.
pub(super) fn against_launcher(it: &MpiUse, launcher: &Launcher) -> Fact<String> {
    let mut because = it.lib.because().to_vec();
    because.extend(launcher.vendor.because());
    let word = match (it.vendor.value(), launcher.vendor.value()) {
        (Some(vendor), _) if vendor == "none" => "none",
        (_, Some(vendor)) if vendor == "none" => "no-launcher",
        (Some(mine), Some(theirs)) if mine == theirs => "same",
        (Some(_), Some(_)) => match (&it.abi, &launcher.abi) {
            (Fact::Known { value: a, .. }, Fact::Known { value: b, .. })
                if b == "any" || b.split(' ').any(|it| it == a) =>
            {
                "same-abi"
            }
            (Fact::Known { .. }, Fact::Known { .. }) => "conflict",
            (Fact::Unknown { unknown }, _) | (_, Fact::Unknown { unknown }) => return Fact::unknown(*unknown),
        },
        (None, _) => return unknown_like(&it.vendor),
        (_, None) => return unknown_like(&launcher.vendor),
    };
    Fact::known(word.to_owned(), because)
}

fn unknown_like<T, U>(fact: &Fact<T>) -> Fact<U> {
    match fact {
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
        Fact::Known { .. } => Fact::unknown(crate::facts::GapId(u32::MAX)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
