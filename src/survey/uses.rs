//! Facts about the libraries of the process: BLAS, LAPACK, MPI, HDF5, OpenMP, per package.

use super::binding::{Answered, Bound};
use super::builder::Builder;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::facts::{BlasUse, EvidenceId, Fact, Hdf5Use, MpiUse, OpenmpRuntime};
use crate::identify::{Attribute, Binds, Identity, PackageRule};
use crate::loader::{Failure, ObjectIndex};

impl Builder<'_, '_> {
    /// BLAS or LAPACK, per package that binds one.
    pub(super) fn blas_uses(&mut self, capability: &str) -> Fact<Vec<BlasUse>> {
        let mut uses = Vec::new();
        for (rule, binds) in self.binds(capability) {
            match self.session.bound(rule, binds) {
                Answered::By(bound) => uses.push(self.blas_by(rule, &bound)),
                Answered::Nothing { extension } => {
                    if binds.otherwise == "none" {
                        let path = self.real(extension);
                        let text = format!("wants no {} symbol", capability.to_uppercase());
                        let because = vec![self.ledger.note(&path, text)];
                        uses.push(self.blas_none(rule, &path, &because));
                    }
                }
                Answered::NotLoaded => {}
                Answered::Unknown(gap) => uses.push(self.blas_unknown(rule, &gap)),
            }
        }
        self.list(uses, Vec::new())
    }

    fn blas_by(&mut self, rule: &PackageRule, bound: &Bound) -> BlasUse {
        let provider = self.real(bound.provider);
        let because = self.binding_evidence(bound);
        let lib = Fact::known(Some(provider.text()), because.clone());
        let extension = self.real(bound.extension).text();
        let Some((kernels, identity)) = &bound.kernels else {
            let reason = format!("it defines {} and matches no known library", bound.symbol);
            return BlasUse {
                user: rule.import.clone(),
                vendor: self.ledger.unknown(&provider, &reason, "which BLAS answers"),
                version: self.ledger.unknown(&provider, &reason, "its version"),
                interface: self.ledger.unknown(&provider, &reason, "its integer width"),
                threading: self.ledger.unknown(&provider, &reason, "its threads"),
                client_interface: client_interface(bound, &because),
                lib,
                kernels: self.ledger.unknown(&provider, &reason, "the file with the kernels"),
                extension,
                decided_by: Fact::known(self.link_choice(bound), because.clone()),
                missing_parts: Fact::known(Vec::new(), because),
                defects: self.ledger.unknown(&provider, &reason, "known defects"),
                installed_by: self.installer(&provider),
            };
        };
        let kernel_path = self.real(*kernels);
        let identity = self.completed(*kernels, identity);
        let mut known = because.clone();
        known.extend(self.ledger.seen(&identity.because));
        let mut decided_by: Vec<String> = identity.decided_by.clone();
        decided_by.extend(self.link_choice(bound));
        BlasUse {
            user: rule.import.clone(),
            vendor: Fact::known(identity.library.clone(), known.clone()),
            version: self.attribute(&kernel_path, &identity, Attribute::Version),
            interface: self.interface(&kernel_path, &identity, bound, &because),
            threading: self.attribute(&kernel_path, &identity, Attribute::Threading),
            client_interface: client_interface(bound, &because),
            lib,
            kernels: Fact::known(Some(kernel_path.text()), known.clone()),
            extension,
            decided_by: Fact::known(decided_by, known.clone()),
            missing_parts: Fact::known(self.missing_parts(*kernels), known),
            defects: self.defects(&kernel_path, &identity),
            installed_by: self.installer(&provider),
        }
    }

    /// A suffix of the symbols tells the width whatever the library says.
    fn interface(
        &mut self,
        path: &TreePath,
        identity: &Identity,
        bound: &Bound,
        because: &[EvidenceId],
    ) -> Fact<String> {
        match &bound.interface {
            Some(interface) => Fact::known(interface.clone(), because.to_vec()),
            None => self.attribute(path, identity, Attribute::Interface),
        }
    }

    fn blas_none(&mut self, rule: &PackageRule, extension: &TreePath, because: &[EvidenceId]) -> BlasUse {
        let none = || Fact::known("none".to_owned(), because.to_vec());
        let empty = || Fact::known(Vec::new(), because.to_vec());
        BlasUse {
            user: rule.import.clone(),
            vendor: none(),
            version: none(),
            interface: none(),
            threading: none(),
            client_interface: none(),
            lib: Fact::known(None, because.to_vec()),
            kernels: Fact::known(None, because.to_vec()),
            extension: extension.text(),
            decided_by: empty(),
            missing_parts: empty(),
            defects: empty(),
            installed_by: self.installer(extension),
        }
    }

    fn blas_unknown(&mut self, rule: &PackageRule, gap: &Gap) -> BlasUse {
        let gap = self.ledger.gap(gap);
        BlasUse {
            user: rule.import.clone(),
            vendor: Fact::unknown(gap),
            version: Fact::unknown(gap),
            interface: Fact::unknown(gap),
            threading: Fact::unknown(gap),
            client_interface: Fact::unknown(gap),
            lib: Fact::unknown(gap),
            kernels: Fact::unknown(gap),
            extension: String::new(),
            decided_by: Fact::unknown(gap),
            missing_parts: Fact::unknown(gap),
            defects: Fact::unknown(gap),
            installed_by: Fact::unknown(gap),
        }
    }

    /// MPI, per package that can use one.
    pub(super) fn mpi_uses(&mut self) -> Fact<Vec<MpiUse>> {
        let mut uses = Vec::new();
        for (rule, binds) in self.binds("mpi") {
            let wanted = self.wants_capability(rule, binds);
            let answered = self.session.bound(rule, binds);
            let failed = self.failure_of(&rule.import);
            uses.push(match answered {
                Answered::By(bound) => self.mpi_by(rule, &bound, wanted),
                Answered::Nothing { extension } => {
                    let path = self.real(extension);
                    let because = vec![self.ledger.note(&path, "wants no MPI symbol that is answered")];
                    self.mpi_none(rule, &path, wanted, &because)
                }
                Answered::NotLoaded => match failed {
                    Some((path, because)) => self.mpi_none(rule, &path, wanted, &because),
                    None => continue,
                },
                Answered::Unknown(gap) => self.mpi_unknown(rule, &gap),
            });
        }
        self.list(uses, Vec::new())
    }

    fn mpi_by(&mut self, rule: &PackageRule, bound: &Bound, wanted: Fact<bool>) -> MpiUse {
        let provider = self.real(bound.provider);
        let mut because = self.binding_evidence(bound);
        let soname = self.soname(bound.provider);
        let lib = Fact::known(Some(provider.text()), because.clone());
        let unknown = "it defines MPI_Init and matches no known library";
        let (vendor, version, abi) = match &bound.kernels {
            Some((index, identity)) => {
                let path = self.real(*index);
                because.extend(self.ledger.seen(&identity.because));
                (
                    Fact::known(identity.library.clone(), because.clone()),
                    self.attribute(&path, identity, Attribute::Version),
                    self.attribute(&path, identity, Attribute::Abi),
                )
            }
            None => (
                self.ledger.unknown(&provider, unknown, "which MPI answers"),
                self.ledger.unknown(&provider, unknown, "its version"),
                self.ledger.unknown(&provider, unknown, "its binary interface"),
            ),
        };
        let later = Fact::known("none".to_owned(), Vec::new());
        MpiUse {
            user: rule.import.clone(),
            vendor,
            version,
            abi,
            soname: Fact::known(soname, because.clone()),
            lib,
            extension: self.real(bound.extension).text(),
            wanted,
            missing: Fact::known(Vec::new(), because),
            launcher_agreement: later.clone(),
            mpi4py_agreement: later,
            installed_by: self.installer(&provider),
        }
    }

    fn mpi_none(
        &mut self,
        rule: &PackageRule,
        extension: &TreePath,
        wanted: Fact<bool>,
        because: &[EvidenceId],
    ) -> MpiUse {
        let none = || Fact::known("none".to_owned(), because.to_vec());
        let missing = self.missing_sonames(&rule.import, "mpi");
        MpiUse {
            user: rule.import.clone(),
            vendor: none(),
            version: none(),
            abi: none(),
            soname: Fact::known(None, because.to_vec()),
            lib: Fact::known(None, because.to_vec()),
            extension: extension.text(),
            wanted,
            missing: Fact::known(missing, because.to_vec()),
            launcher_agreement: none(),
            mpi4py_agreement: none(),
            installed_by: none(),
        }
    }

    fn mpi_unknown(&mut self, rule: &PackageRule, gap: &Gap) -> MpiUse {
        let gap = self.ledger.gap(gap);
        MpiUse {
            user: rule.import.clone(),
            vendor: Fact::unknown(gap),
            version: Fact::unknown(gap),
            abi: Fact::unknown(gap),
            soname: Fact::unknown(gap),
            lib: Fact::unknown(gap),
            extension: String::new(),
            wanted: Fact::unknown(gap),
            missing: Fact::unknown(gap),
            launcher_agreement: Fact::unknown(gap),
            mpi4py_agreement: Fact::unknown(gap),
            installed_by: Fact::unknown(gap),
        }
    }

    /// HDF5, per package that binds one.
    pub(super) fn hdf5_uses(&mut self) -> Fact<Vec<Hdf5Use>> {
        let mut uses = Vec::new();
        for (rule, binds) in self.binds("hdf5") {
            let client = self.client_parallel(rule);
            match self.session.bound(rule, binds) {
                Answered::By(bound) => uses.push(self.hdf5_by(rule, &bound, client)),
                Answered::Nothing { .. } => {}
                Answered::NotLoaded => {
                    if let Some((path, because)) = self.failure_of(&rule.import) {
                        uses.push(hdf5_none(rule, &path, client, &because));
                    }
                }
                Answered::Unknown(gap) => {
                    let gap = self.ledger.gap(&gap);
                    uses.push(hdf5_unknown(rule, client, gap));
                }
            }
        }
        self.list(uses, Vec::new())
    }

    fn hdf5_by(&mut self, rule: &PackageRule, bound: &Bound, client: Fact<bool>) -> Hdf5Use {
        let provider = self.real(bound.provider);
        let because = self.binding_evidence(bound);
        let unknown = "it defines H5open and matches no known library";
        let (version, parallel) = match &bound.kernels {
            Some((index, identity)) => {
                let path = self.real(*index);
                let version = self.attribute(&path, identity, Attribute::Version);
                let parallel = match self.attribute(&path, identity, Attribute::Parallel) {
                    Fact::Known { value, because, incomplete } => {
                        Fact::Known { value: value == "true", because, incomplete }
                    }
                    Fact::Unknown { unknown } => Fact::Unknown { unknown },
                };
                (version, parallel)
            }
            None => (
                self.ledger.unknown(&provider, unknown, "its version"),
                self.ledger.unknown(&provider, unknown, "whether it is parallel"),
            ),
        };
        let mpi = self.mpi_behind(bound.provider);
        let headers = self.headers(&self.real(bound.extension), &provider, &version);
        Hdf5Use {
            user: rule.import.clone(),
            version,
            parallel,
            soname: Fact::known(self.soname(bound.provider), because.clone()),
            lib: Fact::known(Some(provider.text()), because),
            extension: self.real(bound.extension).text(),
            client_parallel: client,
            headers_version: headers.0,
            headers_agreement: headers.1,
            mpi_vendor: mpi.0,
            mpi_lib: mpi.1,
            mpi4py_agreement: Fact::known("none".to_owned(), Vec::new()),
            tools: self.tools("hdf5", &provider),
            installed_by: self.installer(&provider),
        }
    }

    /// The headers that an extension was compiled with. Its bytes do not say; a library that came in the same package was
    /// there when it was compiled.
    fn headers(
        &mut self,
        extension: &TreePath,
        library: &TreePath,
        version: &Fact<String>,
    ) -> (Fact<String>, Fact<String>) {
        let mut gaps = Vec::new();
        let (mine, theirs) = (self.owners.of(extension, &mut gaps), self.owners.of(library, &mut gaps));
        if mine.manager == theirs.manager && mine.package == theirs.package && !mine.package.is_empty() {
            let because = vec![self.ledger.shown(&mine.because), self.ledger.shown(&theirs.because)];
            let headers = match version {
                Fact::Known { value, .. } => Fact::known(value.clone(), because.clone()),
                Fact::Unknown { unknown } => Fact::unknown(*unknown),
            };
            return (headers, Fact::known("same".to_owned(), because));
        }
        let reason = "the extension does not say which headers it was compiled with";
        let headers = self.ledger.unknown(extension, reason, "the version of its headers");
        (headers, self.ledger.unknown(extension, reason, "whether headers and library agree"))
    }

    /// The MPI that an HDF5 library itself is bound to.
    fn mpi_behind(&mut self, library: ObjectIndex) -> (Fact<String>, Fact<Option<String>>) {
        let path = self.real(library);
        match self.session.bound_library(library, "mpi") {
            Ok(Some(bound)) => {
                let provider = self.real(bound.provider);
                let mut because = self.binding_evidence(&bound);
                let vendor = match &bound.kernels {
                    Some((_, identity)) => {
                        because.extend(self.ledger.seen(&identity.because));
                        Fact::known(identity.library.clone(), because.clone())
                    }
                    None => self.ledger.unknown(&provider, "it matches no known library", "which MPI answers HDF5"),
                };
                (vendor, Fact::known(Some(provider.text()), because))
            }
            Ok(None) => {
                let because = vec![self.ledger.note(&path, "wants no MPI symbol")];
                (Fact::known("none".to_owned(), because.clone()), Fact::known(None, because))
            }
            Err(gap) => {
                let gap = self.ledger.gap(&gap);
                (Fact::unknown(gap), Fact::unknown(gap))
            }
        }
    }

    /// OpenMP runtimes in the process.
    pub(super) fn openmp_runtimes(&mut self) -> Fact<Vec<OpenmpRuntime>> {
        let mut runtimes = Vec::new();
        let Some((_, group)) = self.session.group("openmp") else { return self.list(Vec::new(), Vec::new()) };
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index) else { break };
            let identity = self.session.catalogue.identity(&loaded.object);
            let fits = identity.filter(|it| it.capabilities.iter().any(|word| word == "openmp"));
            let path = loaded.real().clone();
            let family = match fits {
                Some(identity) => Fact::known(identity.library.clone(), self.ledger.seen(&identity.because)),
                None if self.provides_openmp(index, group) => self.ledger.unknown(
                    &path,
                    "it starts OpenMP threads and matches no known runtime",
                    "which runtime it is",
                ),
                None => continue,
            };
            let by = self.brought_by(index).and_then(|it| self.root_of(it));
            runtimes.push(OpenmpRuntime {
                family,
                path: path.text(),
                needed_by: self.brought_by(index).map(|it| self.real(it).text()).unwrap_or_default(),
                package: by.and_then(|it| self.package_of(&it)).unwrap_or_default(),
            });
        }
        self.list(runtimes, Vec::new())
    }

    fn provides_openmp(&self, index: ObjectIndex, group: &crate::identify::Group) -> bool {
        let Some(loaded) = self.session.process.objects.get(index) else { return false };
        self.session.catalogue.defines(&loaded.object, group)
    }

    /// Sonames of libraries with this capability that the failed imports of a package miss.
    fn missing_sonames(&self, package: &str, capability: &str) -> Vec<String> {
        let mut names = Vec::new();
        let capability = self.session.catalogue.know.capabilities.get(capability);
        let failures = self.session.failures.iter().filter(|it| it.import.split('.').next() == Some(package));
        for failed in failures {
            let Some(Failure::Missing(missing)) = &failed.failure else { continue };
            if capability.is_some_and(|it| it.names_library(&missing.soname)) {
                names.push(printable(&missing.soname));
            }
        }
        let choices = self.session.choices.iter().filter(|it| it.package == package && it.picked.is_none());
        for name in choices.flat_map(|it| &it.candidates).filter(|it| !it.contains('/')) {
            names.push(name.clone());
        }
        names.sort();
        names.dedup();
        names
    }

    /// Why the imports of a package fail: the file at fault and evidence; `None` when none fails.
    pub(super) fn failure_of(&mut self, package: &str) -> Option<(TreePath, Vec<EvidenceId>)> {
        let failed = self.session.failures.iter().find(|it| it.import.split('.').next() == Some(package))?.clone();
        let path = failed.extension.clone().unwrap_or_else(TreePath::root);
        let mut because = vec![self.ledger.note(&path, format!("import {} fails: {}", failed.import, failed.reason))];
        let refused: Vec<(String, String)> =
            self.session.choices.iter().filter(|it| it.package == package).flat_map(|it| it.refused.clone()).collect();
        for (candidate, reason) in refused {
            because.push(self.ledger.note(&TreePath::root(), format!("tried {candidate}: {reason}")));
        }
        Some((path, because))
    }

    fn wants_capability(&mut self, rule: &PackageRule, binds: &Binds) -> Fact<bool> {
        if binds.wanted_if_undefined.is_empty() {
            return Fact::known(true, Vec::new());
        }
        let mut because = Vec::new();
        for path in self.telling_extensions(rule, binds) {
            match self.wanted_symbol(&path, &binds.wanted_if_undefined) {
                Ok(Some(symbol)) => {
                    let id = self.ledger.note(&path, format!("wants {symbol}"));
                    return Fact::known(true, vec![id]);
                }
                Ok(None) => because
                    .push(self.ledger.note(&path, format!("does not want {}", binds.wanted_if_undefined.join(", ")))),
                Err(reason) => {
                    let gap = Gap::new(&path, Stage::Elf, reason, format!("whether {} is built with MPI", rule.import));
                    return Fact::unknown(self.ledger.gap(&gap));
                }
            }
        }
        if because.is_empty() {
            let gap = Gap::new(
                &TreePath::root(),
                Stage::Discover,
                "none of the extensions that tell is there",
                "MPI support",
            );
            return Fact::unknown(self.ledger.gap(&gap));
        }
        Fact::known(false, because)
    }

    /// Extensions that say how the package was built: those of the variant that the process holds, else all that are there.
    fn telling_extensions(&self, rule: &PackageRule, binds: &Binds) -> Vec<TreePath> {
        let all = self.session.site.matching(&rule.import, &binds.extensions);
        let loaded = |path: &TreePath| self.session.process.objects.iter().any(|it| it.name == path.as_bytes());
        let held: Vec<TreePath> = all.iter().filter(|it| loaded(it)).cloned().collect();
        if held.is_empty() { all } else { held }
    }

    /// Whether a package that can be built with MPI was: by the symbols that its extensions want.
    fn client_parallel(&mut self, rule: &PackageRule) -> Fact<bool> {
        match rule.binds.iter().find(|it| it.capability == "mpi") {
            Some(binds) => self.wants_capability(rule, binds),
            None => Fact::known(false, Vec::new()),
        }
    }

    fn wanted_symbol(&self, path: &TreePath, symbols: &[String]) -> Result<Option<String>, String> {
        let store = self.session.catalogue.objects;
        let real = store.view().resolve(path.as_bytes()).map_err(|it| it.to_string())?;
        let object = store.get(&real).map_err(|it| it.to_string())?;
        let wanted = store.symbols(&object).and_then(|it| it.wanted()).map_err(|it| it.to_string())?;
        Ok(symbols.iter().find(|name| wanted.iter().any(|it| it.name == name.as_bytes())).cloned())
    }

    fn defects(&mut self, path: &TreePath, identity: &Identity) -> Fact<Vec<String>> {
        match identity.value(Attribute::Version) {
            Some(version) => {
                let known = &self.session.catalogue.know.libraries;
                let list = known.defects(identity).iter().map(|it| it.text.clone()).collect();
                let id = self.ledger.note(path, format!("version {version}"));
                Fact::known(list, vec![id])
            }
            None => self.ledger.unknown(path, "its version is not known", "known defects of the release"),
        }
    }
}

/// The width that the spelling of the symbols says: a name without suffix passes 32-bit integers.
fn client_interface(bound: &Bound, because: &[EvidenceId]) -> Fact<String> {
    Fact::known(bound.interface.clone().unwrap_or_else(|| "lp64".to_owned()), because.to_vec())
}

fn hdf5_none(rule: &PackageRule, extension: &TreePath, client_parallel: Fact<bool>, because: &[EvidenceId]) -> Hdf5Use {
    let none = || Fact::known("none".to_owned(), because.to_vec());
    Hdf5Use {
        user: rule.import.clone(),
        version: none(),
        parallel: Fact::known(false, because.to_vec()),
        soname: Fact::known(None, because.to_vec()),
        lib: Fact::known(None, because.to_vec()),
        extension: extension.text(),
        client_parallel,
        headers_version: none(),
        headers_agreement: none(),
        mpi_vendor: none(),
        mpi_lib: Fact::known(None, because.to_vec()),
        mpi4py_agreement: none(),
        tools: none(),
        installed_by: none(),
    }
}

fn hdf5_unknown(rule: &PackageRule, client_parallel: Fact<bool>, gap: crate::facts::GapId) -> Hdf5Use {
    Hdf5Use {
        user: rule.import.clone(),
        version: Fact::unknown(gap),
        parallel: Fact::unknown(gap),
        soname: Fact::unknown(gap),
        lib: Fact::unknown(gap),
        extension: String::new(),
        client_parallel,
        headers_version: Fact::unknown(gap),
        headers_agreement: Fact::unknown(gap),
        mpi_vendor: Fact::unknown(gap),
        mpi_lib: Fact::unknown(gap),
        mpi4py_agreement: Fact::unknown(gap),
        tools: Fact::unknown(gap),
        installed_by: Fact::unknown(gap),
    }
}
