//! Facts about MPI: which one answers, per package that can use one, and whether the package was built for one.

use super::binding::{Answered, Bound};
use super::builder::Builder;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::facts::{EvidenceId, Fact, MpiUse};
use crate::identify::{Attribute, Binds, Identity, PackageRule};
use crate::loader::{Failure, Loaded, ObjectIndex};

/// Layers of one library below each other. Open MPI has three.
const LAYERS: usize = 4;

impl Builder<'_, '_> {
    /// MPI, per package that can use one.
    pub(super) fn mpi_uses(&mut self) -> Fact<Vec<MpiUse>> {
        let mut uses = Vec::new();
        // Without a process nothing is asked of it: who looks at the files alone does so elsewhere.
        let rules = if self.session.process.objects.is_empty() { Vec::new() } else { self.binds("mpi") };
        for (rule, binds) in rules {
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
        let (vendor, version, abi, gpu) = match &bound.kernels {
            Some((index, identity)) => {
                let path = self.real(*index);
                because.extend(self.ledger.seen(&identity.because));
                (
                    Fact::known(identity.library.clone(), because.clone()),
                    self.attribute(&path, identity, Attribute::Version),
                    self.attribute(&path, identity, Attribute::Abi),
                    self.gpu(*index, identity),
                )
            }
            None => (
                self.ledger.unknown(&provider, unknown, "which MPI answers"),
                self.ledger.unknown(&provider, unknown, "its version"),
                self.ledger.unknown(&provider, unknown, "its binary interface"),
                self.ledger.unknown(&provider, unknown, "whether it takes GPU memory"),
            ),
        };
        let later = Fact::known("none".to_owned(), Vec::new());
        MpiUse {
            user: rule.import.clone(),
            vendor,
            version,
            abi,
            gpu,
            soname: Fact::known(soname, because.clone()),
            lib,
            extension: self.real(bound.extension).text(),
            wanted,
            missing: Fact::known(Vec::new(), because),
            launcher_agreement: later.clone(),
            mpi4py_agreement: later,
            installed_by: self.installer(&provider),
            found_by: self.found_by(bound.provider),
        }
    }

    /// Whether it takes GPU memory: it says so itself, or a library of the same project that it needs.
    fn gpu(&mut self, library: ObjectIndex, identity: &Identity) -> Fact<String> {
        let mut whole = identity.clone();
        if whole.value(Attribute::Gpu).is_none() {
            let parts = self.session.process.objects.iter().filter(|it| self.needed_below(it, library));
            for part in parts.filter_map(|it| self.session.catalogue.part(&it.object)) {
                whole.complete_with(&part);
            }
        }
        let path = self.real(library);
        self.attribute(&path, &whole, Attribute::Gpu)
    }

    /// Whether the object is there because `library` needs it, or what it needs.
    fn needed_below(&self, object: &Loaded, library: ObjectIndex) -> bool {
        let mut by = object.needed_by;
        for _ in 0..LAYERS {
            match by {
                Some(at) if at == library => return true,
                Some(at) => by = self.session.process.objects.get(at).and_then(|it| it.needed_by),
                None => return false,
            }
        }
        false
    }

    pub(super) fn mpi_none(
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
            gpu: none(),
            soname: Fact::known(None, because.to_vec()),
            lib: Fact::known(None, because.to_vec()),
            extension: extension.text(),
            wanted,
            missing: Fact::known(missing, because.to_vec()),
            launcher_agreement: none(),
            mpi4py_agreement: none(),
            installed_by: none(),
            found_by: none(),
        }
    }

    pub(super) fn mpi_unknown(&mut self, rule: &PackageRule, gap: &Gap) -> MpiUse {
        let gap = self.ledger.gap(gap);
        MpiUse {
            user: rule.import.clone(),
            vendor: Fact::unknown(gap),
            version: Fact::unknown(gap),
            abi: Fact::unknown(gap),
            gpu: Fact::unknown(gap),
            soname: Fact::unknown(gap),
            lib: Fact::unknown(gap),
            extension: String::new(),
            wanted: Fact::unknown(gap),
            missing: Fact::unknown(gap),
            launcher_agreement: Fact::unknown(gap),
            mpi4py_agreement: Fact::unknown(gap),
            installed_by: Fact::unknown(gap),
            found_by: Fact::unknown(gap),
        }
    }

    /// How the loader finds it.
    fn found_by(&mut self, library: ObjectIndex) -> Fact<String> {
        let word = self.session.process.objects.get(library).map_or("none", |it| it.via.word());
        let path = self.real(library);
        let because = self.arrival(library).map(|text| self.ledger.note(&path, text)).into_iter().collect();
        Fact::known(word.to_owned(), because)
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

    pub(super) fn wants_capability(&mut self, rule: &PackageRule, binds: &Binds) -> Fact<bool> {
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
    pub(super) fn client_parallel(&mut self, rule: &PackageRule) -> Fact<bool> {
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
}
