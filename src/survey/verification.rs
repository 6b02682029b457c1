//! Whether the files that an environment holds are those that were installed.

use std::collections::BTreeMap;

use super::builder::Builder;
use super::world::World;
use crate::base::TreePath;
use crate::discover::{FileState, VerifiedFile, verify};
use crate::facts::{AlteredPackage, EvidenceId, Fact};

impl Builder<'_, '_> {
    /// How many files were compared, and the packages of which some are not what was installed.
    pub(super) fn verified(&mut self, world: &World<'_>) -> (Fact<Option<u64>>, Fact<Vec<AlteredPackage>>) {
        if !world.question.verify_files {
            return (Fact::known(None, Vec::new()), Fact::known(Vec::new(), Vec::new()));
        }
        let mapped: Vec<TreePath> = self.session.process.objects.iter().map(|it| it.real().clone()).collect();
        let mut gaps = Vec::new();
        let files = verify(world.view, world.installation, self.owners, &mapped, &mut gaps);
        let count = files.len() as u64;
        let mut packages: BTreeMap<(String, String), Vec<VerifiedFile>> = BTreeMap::new();
        for file in files.into_iter().filter(|it| it.state != FileState::Intact) {
            packages.entry((file.owner.clone(), file.manager.word().to_owned())).or_default().push(file);
        }
        let list = packages.into_iter().map(|(owner, files)| self.altered(owner, &files)).collect();
        let mut hidden = None;
        for gap in &gaps {
            hidden = Some(self.ledger.gap(gap));
        }
        let altered = match hidden {
            Some(gap) => Fact::partial(list, Vec::new(), gap),
            None => Fact::known(list, Vec::new()),
        };
        (Fact::known(Some(count), Vec::new()), altered)
    }

    fn altered(&mut self, (name, installed_by): (String, String), files: &[VerifiedFile]) -> AlteredPackage {
        let mut of = |state: FileState| {
            let files: Vec<&VerifiedFile> = files.iter().filter(|it| it.state == state).collect();
            let because: Vec<EvidenceId> = files.iter().map(|it| self.ledger.shown(&it.because)).collect();
            Fact::known(files.iter().map(|it| it.path.text()).collect(), because)
        };
        AlteredPackage { changed: of(FileState::Changed), missing: of(FileState::Missing), name, installed_by }
    }
}
