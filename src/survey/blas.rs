//! Facts about BLAS and LAPACK: which one answers, per package that binds one.

use super::binding::{Answered, Bound};
use super::builder::Builder;
use crate::base::{Gap, TreePath};
use crate::facts::{BlasUse, EvidenceId, Fact};
use crate::identify::{Attribute, Identity, PackageRule};

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
        // A dispatcher in front is switched by its own variables.
        let front = self.session.process.objects.get(bound.provider).filter(|_| bound.provider != *kernels);
        let front = front.and_then(|it| self.session.catalogue.identity(&it.object));
        decided_by.extend(front.iter().flat_map(|it| it.decided_by.clone()));
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

    pub(super) fn blas_none(&mut self, rule: &PackageRule, extension: &TreePath, because: &[EvidenceId]) -> BlasUse {
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

    pub(super) fn blas_unknown(&mut self, rule: &PackageRule, gap: &Gap) -> BlasUse {
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

    pub(super) fn defects(&mut self, path: &TreePath, identity: &Identity) -> Fact<Vec<String>> {
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
