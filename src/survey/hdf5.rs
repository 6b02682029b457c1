//! Facts about HDF5: which one answers, per package that binds one, and the MPI behind it.

use super::binding::{Answered, Bound};
use super::builder::Builder;
use crate::base::TreePath;
use crate::facts::{EvidenceId, Fact, Hdf5Use};
use crate::identify::{Attribute, PackageRule};
use crate::loader::ObjectIndex;

impl Builder<'_, '_> {
    /// HDF5, per package that binds one.
    pub(super) fn hdf5_uses(&mut self) -> Fact<Vec<Hdf5Use>> {
        let mut uses = Vec::new();
        // As for MPI: without a process nothing is asked of it.
        let rules = if self.session.process.objects.is_empty() { Vec::new() } else { self.binds("hdf5") };
        for (rule, binds) in rules {
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

pub(super) fn hdf5_unknown(rule: &PackageRule, client_parallel: Fact<bool>, gap: crate::facts::GapId) -> Hdf5Use {
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
