//! Facts about every library of the process that a description recognises, whatever it answers.

use super::builder::Builder;
use crate::facts::{Fact, LoadedLibrary};
use crate::identify::{Attribute, Confidence, Identity};

impl Builder<'_, '_> {
    /// The libraries of the process that a description recognises, in load order.
    pub(super) fn loaded_libraries(&mut self) -> Fact<Vec<LoadedLibrary>> {
        let mut found = Vec::new();
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index) else { break };
            if let Some(identity) = self.session.catalogue.identity(&loaded.object) {
                found.push(self.loaded_library(&identity));
            }
        }
        self.list(found, Vec::new())
    }

    pub(super) fn loaded_library(&mut self, identity: &Identity) -> LoadedLibrary {
        let because = self.ledger.seen(&identity.because);
        let version = match identity.value(Attribute::Version) {
            Some(_) => match self.attribute(&identity.path, identity, Attribute::Version) {
                Fact::Known { value, because, .. } => Fact::known(Some(value), because),
                Fact::Unknown { unknown } => Fact::unknown(unknown),
            },
            None => Fact::known(None, because.clone()),
        };
        let confidence = match identity.confidence {
            Confidence::Certain => "certain",
            Confidence::Likely => "likely",
        };
        LoadedLibrary {
            path: identity.path.text(),
            library: Fact::known(identity.library.clone(), because.clone()),
            version,
            confidence: Fact::known(confidence.to_owned(), because),
            capabilities: identity.capabilities.clone(),
        }
    }
}
