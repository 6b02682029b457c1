//! Facts about an environment of macOS: which BLAS, MPI and HDF5 its extensions are linked with.
//!
//! Invariant: every list says that it may be incomplete, because dyld is not emulated: the gap stands in each of them.

use std::collections::BTreeMap;

use super::builder::Builder;
use super::macos::{MacBound, MacFiles};
use super::unknown;
use super::world::World;
use crate::base::{Gap, Stage, TreePath};
use crate::facts::{BlasUse, EvidenceId, Fact, Facts, GapId, Hdf5Use, MpiUse};
use crate::identify::{Attribute, Binds, Identity, MachFile, PackageRule};

/// Where macOS keeps its own libraries.
const OF_THE_SYSTEM: [&str; 2] = ["/System/Library/", "/usr/lib/"];

/// Replaces what no loader of ours can say about the process, where the extensions are those of macOS.
pub(super) fn fill(builder: &mut Builder<'_, '_>, world: &World<'_>, facts: &mut Facts) {
    let know = world.catalogue.know;
    let files = MacFiles::new(world.view, &know.libraries);
    let mut mac = Mac { files, builder, world, recognised: BTreeMap::new(), approximate: GapId(0) };
    let Some(first) = mac.first_extension() else { return };
    let reason = "dyld of macOS is not emulated: each extension was asked by itself what it is linked with";
    let hides = "what one process of macOS maps";
    mac.approximate = mac.builder.ledger.gap(&Gap::new(&world.installation.prefix, Stage::Loader, reason, hides));
    let gap = mac.approximate;
    unknown::hide_process(facts, gap);
    let because = vec![mac.builder.ledger.note(&first, "extension of macOS: Mach-O")];
    facts.environment.libc.family = Fact::known("libsystem".to_owned(), because);
    facts.environment.libc.version = Fact::unknown(gap);
    if facts.environment.defects.value().is_none_or(|it| !it.is_empty()) {
        // What leads out of the environment leads to a system that need not be this one.
        facts.environment.defects = Fact::unknown(gap);
    }
    facts.process.blas = Fact::partial(mac.blas("blas"), Vec::new(), gap);
    facts.process.lapack = Fact::partial(mac.blas("lapack"), Vec::new(), gap);
    let mut mpi = Fact::partial(mac.mpi(), Vec::new(), gap);
    let mut hdf5 = Fact::partial(mac.hdf5(), Vec::new(), gap);
    facts.process.mpi_agreement = mac.builder.relate(&mut mpi, &mut hdf5, &facts.environment.launcher);
    (facts.process.mpi, facts.process.hdf5) = (mpi, hdf5);
    let libraries = mac.recognised.values().map(|it| mac.builder.loaded_library(it)).collect();
    facts.process.libraries = Fact::partial(libraries, Vec::new(), gap);
}

struct Mac<'b, 's, 'a> {
    files: MacFiles<'b>,
    builder: &'b mut Builder<'s, 'a>,
    world: &'b World<'b>,
    /// Every library that answers something, by its path.
    recognised: BTreeMap<TreePath, Identity>,
    approximate: GapId,
}

/// What is known of a library, as facts.
struct Known {
    vendor: Fact<String>,
    lib: Fact<Option<String>>,
    because: Vec<EvidenceId>,
    /// Where the library is no part of the target: why nothing more is known.
    path: TreePath,
}

impl Mac<'_, '_, '_> {
    /// The first extension of a described package that is one of macOS.
    fn first_extension(&mut self) -> Option<TreePath> {
        let rules = self.world.know.packages.iter();
        let globs = rules.flat_map(|rule| rule.binds.iter().map(move |binds| (rule, binds)));
        let files: Vec<TreePath> =
            globs.flat_map(|(rule, binds)| self.world.site.matching(&rule.import, &binds.extensions)).collect();
        files.into_iter().find(|it| self.files.open(it).is_ok())
    }

    /// What answers each extension that binds a capability: those that name a library, and one that names none.
    fn bounds(&mut self, rule: &PackageRule, binds: &Binds) -> (Vec<MacBound>, Option<TreePath>, Option<Gap>) {
        let (mut bounds, mut nothing, mut failed, mut gaps) = (Vec::new(), None, None, Vec::new());
        let session = self.builder.session;
        let Some((capability, group)) = session.group(&binds.capability) else { return (bounds, nothing, failed) };
        let more = self.directories(rule);
        for path in self.world.site.matching(&rule.import, &binds.extensions) {
            match self.files.bound(&path, capability, group, &more, &mut gaps) {
                Ok(Some(bound)) => {
                    let identity = bound.identity.iter();
                    self.recognised.extend(identity.map(|it| (it.path.clone(), it.clone())));
                    bounds.push(bound);
                }
                Ok(None) => nothing = nothing.or(Some(path)),
                Err(gap) => failed = failed.or(Some(gap)),
            }
        }
        for gap in &gaps {
            self.builder.ledger.gap(gap);
        }
        (bounds, nothing, failed)
    }

    /// Directories where a package itself looks for the library that it opens.
    fn directories(&self, rule: &PackageRule) -> Vec<TreePath> {
        let opens = rule.choice.iter().flat_map(|it| &it.pick).filter_map(|it| it.open.as_ref());
        let filled = opens.flat_map(|it| &it.directories).filter_map(|it| self.world.site.substitute(it));
        filled.map(|it| TreePath::new(&it)).collect()
    }

    fn blas(&mut self, capability: &str) -> Vec<BlasUse> {
        let mut uses = Vec::new();
        for (rule, binds) in self.builder.binds(capability) {
            let (bounds, nothing, failed) = self.bounds(rule, binds);
            match (most(&bounds), nothing, failed) {
                (Some(bound), ..) => uses.push(self.blas_by(rule, bound)),
                (None, _, Some(gap)) => uses.push(self.builder.blas_unknown(rule, &gap)),
                (None, Some(path), None) if binds.otherwise == "none" => {
                    let text = format!("wants no {} symbol", capability.to_uppercase());
                    let because = vec![self.builder.ledger.note(&path, text)];
                    uses.push(self.builder.blas_none(rule, &path, &because));
                }
                (None, ..) => {}
            }
        }
        uses
    }

    fn blas_by(&mut self, rule: &PackageRule, bound: &MacBound) -> BlasUse {
        let known = self.known(bound, "which BLAS answers");
        let because = known.because.clone();
        let interface = match &bound.interface {
            Some(interface) => Fact::known(interface.clone(), because.clone()),
            None => self.attribute(bound, &known, Attribute::Interface),
        };
        let client = bound.interface.clone().unwrap_or_else(|| "lp64".to_owned());
        BlasUse {
            user: rule.import.clone(),
            version: self.attribute(bound, &known, Attribute::Version),
            interface,
            threading: self.attribute(bound, &known, Attribute::Threading),
            client_interface: Fact::known(client, because.clone()),
            kernels: known.lib.clone(),
            extension: bound.extension.text(),
            decided_by: Fact::known(
                bound.identity.as_ref().map(|it| it.decided_by.clone()).unwrap_or_default(),
                because.clone(),
            ),
            missing_parts: Fact::known(Vec::new(), because),
            defects: match &bound.identity {
                Some(identity) => self.builder.defects(&known.path, identity),
                None => Fact::unknown(self.approximate),
            },
            installed_by: self.installer(bound),
            vendor: known.vendor,
            lib: known.lib,
        }
    }

    fn mpi(&mut self) -> Vec<MpiUse> {
        let mut uses = Vec::new();
        for (rule, binds) in self.builder.binds("mpi") {
            let wanted = self.wanted(rule, binds);
            let (bounds, nothing, failed) = self.bounds(rule, binds);
            let there: Vec<&MacBound> = bounds.iter().filter(|it| it.library.file.is_some()).collect();
            let mut libraries: Vec<&String> = bounds.iter().map(|it| &it.library.name).collect();
            libraries.dedup();
            match (there.as_slice(), libraries.len()) {
                ([bound], _) => uses.push(self.mpi_by(rule, bound, wanted)),
                ([], 1) | ([_, _, ..], 1) => uses.extend(bounds.first().map(|it| self.mpi_by(rule, it, wanted))),
                ([], 0) => match (failed, nothing) {
                    (Some(gap), _) => uses.push(self.builder.mpi_unknown(rule, &gap)),
                    (None, Some(path)) => {
                        let because = vec![self.builder.ledger.note(&path, "wants no MPI symbol")];
                        uses.push(self.builder.mpi_none(rule, &path, wanted, &because));
                    }
                    (None, None) => {}
                },
                (_, _) => {
                    let names: Vec<&str> = libraries.iter().map(|it| it.as_str()).collect();
                    let reason = format!("it picks one of {} at run time", names.join(", "));
                    let at = bounds.first().map_or_else(TreePath::root, |it| it.extension.clone());
                    uses.push(
                        self.builder.mpi_unknown(rule, &Gap::new(&at, Stage::Loader, reason, "which MPI answers")),
                    );
                }
            }
        }
        uses
    }

    fn mpi_by(&mut self, rule: &PackageRule, bound: &MacBound, wanted: Fact<bool>) -> MpiUse {
        let known = self.known(bound, "which MPI answers");
        let abi = match &bound.identity {
            Some(_) => self.attribute(bound, &known, Attribute::Abi),
            None => self.client_abi(bound),
        };
        let later = Fact::known("none".to_owned(), Vec::new());
        MpiUse {
            user: rule.import.clone(),
            version: self.attribute(bound, &known, Attribute::Version),
            abi,
            gpu: self.attribute(bound, &known, Attribute::Gpu),
            soname: Fact::known(Some(bound.library.short_name()), known.because.clone()),
            extension: bound.extension.text(),
            wanted,
            missing: Fact::unknown(self.approximate),
            launcher_agreement: later.clone(),
            mpi4py_agreement: later,
            installed_by: self.installer(bound),
            found_by: Fact::unknown(self.approximate),
            vendor: known.vendor,
            lib: known.lib,
        }
    }

    /// The interface that an extension was compiled for, where the library is not there to say it.
    fn client_abi(&mut self, bound: &MacBound) -> Fact<String> {
        let told = self.builder.session.catalogue.know.capabilities.get("mpi").and_then(|capability| {
            let it = self.files.open(&bound.extension).map_err(|_| ());
            let it =
                it.map(|it| capability.client(Attribute::Abi, &MachFile::new(&it.path, &it.object, it.file.as_ref())));
            it.unwrap_or(Ok(None)).unwrap_or(None)
        });
        match told {
            Some((value, seen)) => Fact::known(value, self.builder.ledger.seen(&seen)),
            None => Fact::unknown(self.approximate),
        }
    }

    fn hdf5(&mut self) -> Vec<Hdf5Use> {
        let mut uses = Vec::new();
        for (rule, binds) in self.builder.binds("hdf5") {
            let client = match rule.binds.iter().find(|it| it.capability == "mpi") {
                Some(mpi) => self.wanted(rule, mpi),
                None => Fact::known(false, Vec::new()),
            };
            let (bounds, _, failed) = self.bounds(rule, binds);
            match (most(&bounds), failed) {
                (Some(bound), _) => uses.push(self.hdf5_by(rule, bound, client)),
                (None, Some(gap)) => {
                    let gap = self.builder.ledger.gap(&gap);
                    uses.push(super::hdf5::hdf5_unknown(rule, client, gap));
                }
                (None, None) => {}
            }
        }
        uses
    }

    fn hdf5_by(&mut self, rule: &PackageRule, bound: &MacBound, client: Fact<bool>) -> Hdf5Use {
        let known = self.known(bound, "which HDF5 answers");
        let parallel = match self.attribute(bound, &known, Attribute::Parallel) {
            Fact::Known { value, because, incomplete } => Fact::Known { value: value == "true", because, incomplete },
            Fact::Unknown { unknown } => Fact::Unknown { unknown },
        };
        let mpi_vendor = match parallel.value() {
            Some(false) => Fact::known("none".to_owned(), known.because.clone()),
            Some(true) | None => Fact::unknown(self.approximate),
        };
        let mpi_lib = match parallel.value() {
            Some(false) => Fact::known(None, known.because.clone()),
            Some(true) | None => Fact::unknown(self.approximate),
        };
        Hdf5Use {
            user: rule.import.clone(),
            version: self.attribute(bound, &known, Attribute::Version),
            parallel,
            soname: Fact::known(Some(bound.library.short_name()), known.because.clone()),
            extension: bound.extension.text(),
            client_parallel: client,
            headers_version: Fact::unknown(self.approximate),
            headers_agreement: Fact::unknown(self.approximate),
            mpi_vendor,
            mpi_lib,
            mpi4py_agreement: Fact::known("none".to_owned(), Vec::new()),
            tools: Fact::known("none".to_owned(), Vec::new()),
            installed_by: self.installer(bound),
            lib: known.lib,
        }
    }

    /// Whether a package was built with MPI, by what its extensions want.
    fn wanted(&mut self, rule: &PackageRule, binds: &Binds) -> Fact<bool> {
        if binds.wanted_if_undefined.is_empty() {
            return Fact::known(true, Vec::new());
        }
        let mut because = Vec::new();
        for path in self.world.site.matching(&rule.import, &binds.extensions) {
            let Ok(file) = self.files.open(&path) else { return Fact::unknown(self.approximate) };
            let wants = |symbol: &&String| file.imports.iter().any(|it| it.name == symbol.as_bytes());
            if let Some(symbol) = binds.wanted_if_undefined.iter().find(wants) {
                return Fact::known(true, vec![self.builder.ledger.note(&path, format!("wants {symbol}"))]);
            }
            let text = format!("does not want {}", binds.wanted_if_undefined.join(", "));
            because.push(self.builder.ledger.note(&path, text));
        }
        if because.is_empty() { Fact::unknown(self.approximate) } else { Fact::known(false, because) }
    }

    fn known(&mut self, bound: &MacBound, hides: &str) -> Known {
        let name = &bound.library.name;
        let text = format!("wants {} from {name}", bound.symbol);
        let mut because = vec![self.builder.ledger.note(&bound.extension, text)];
        let absolute = || name.starts_with('/').then(|| TreePath::new(name));
        let path = bound.library.file.clone().or_else(absolute).unwrap_or_else(|| bound.extension.clone());
        let vendor = match &bound.identity {
            Some(identity) => {
                because.extend(self.builder.ledger.seen(&identity.because));
                Fact::known(identity.library.clone(), because.clone())
            }
            None => {
                let reason = match (&bound.library.file, bound.library.tried.as_slice()) {
                    (Some(_), _) => format!("it is linked with {name}, which matches no known library"),
                    (None, []) => format!("it is linked with {name}, which is no part of what is audited"),
                    (None, tried) => format!("it is linked with {name}, and there is no {}", tried.join(", ")),
                };
                self.builder.ledger.unknown(&path, &reason, hides)
            }
        };
        let shown = bound.library.file.as_ref().map_or_else(|| name.clone(), TreePath::text);
        Known { vendor, lib: Fact::known(Some(shown), because.clone()), because, path }
    }

    fn attribute(&mut self, bound: &MacBound, known: &Known, attribute: Attribute) -> Fact<String> {
        match &bound.identity {
            Some(identity) => self.builder.attribute(&known.path, identity, attribute),
            None => {
                let hides = format!("its {}", attribute.word());
                let reason = format!("{} is not known", bound.library.name);
                self.builder.ledger.unknown(&known.path, &reason, &hides)
            }
        }
    }

    fn installer(&mut self, bound: &MacBound) -> Fact<String> {
        match &bound.library.file {
            Some(file) => self.builder.installer(file),
            // Such files stand nowhere on disk: dyld has them in a cache of its own.
            None if OF_THE_SYSTEM.iter().any(|it| bound.library.name.starts_with(it)) => {
                let because = vec![self.builder.ledger.note(&bound.extension, format!("wants {}", bound.library.name))];
                Fact::known("macos".to_owned(), because)
            }
            None => Fact::unknown(self.approximate),
        }
    }
}

/// What most extensions are linked with; the first of those that come equally often.
fn most(bounds: &[MacBound]) -> Option<&MacBound> {
    let count = |it: &MacBound| bounds.iter().filter(|other| other.library == it.library).count();
    bounds.iter().rev().max_by_key(|it| count(it))
}
