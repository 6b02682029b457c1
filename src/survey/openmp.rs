//! Facts about OpenMP: the runtimes in the process.

use super::builder::Builder;
use crate::facts::{Fact, OpenmpRuntime};
use crate::loader::ObjectIndex;

impl Builder<'_, '_> {
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
}
