//! What a saved file lists counts as whole for a job where the file is silent on more: it names what its process had. An empty
//! list there says nothing.
//!
//! Invariant: only the judgement of a job reads the lists so; the facts that rules see stay as they were saved.

use std::collections::HashSet;

use crate::facts::{Fact, Facts, Gap, GapId, SAYS_NOTHING};

/// Gaps that are only the silence of a saved file.
pub(super) struct Saved(HashSet<GapId>);

impl Saved {
    /// Those among the gaps of some facts.
    pub(super) fn of(gaps: &[Gap]) -> Self {
        let ids = (0..).map(GapId).zip(gaps);
        Self(ids.filter(|(_, gap)| gap.reason.starts_with(SAYS_NOTHING)).map(|(id, _)| id).collect())
    }

    /// The facts with their lists as a job reads them.
    pub(super) fn listed(&self, facts: &Facts) -> Facts {
        let mut facts = facts.clone();
        let process = &mut facts.process;
        // That nobody uses MPI is what the file says in other words.
        let no_mpi = process.mpi_agreement.value().is_some_and(|it| it == "none");
        self.list(&mut process.blas, false);
        self.list(&mut process.openmp, false);
        self.list(&mut process.mpi, no_mpi);
        self.list(&mut process.hdf5, false);
        self.list(&mut facts.packages, false);
        facts
    }

    fn list<T>(&self, list: &mut Fact<Vec<T>>, may_be_empty: bool) {
        let Fact::Known { value, incomplete, .. } = list else { return };
        match *incomplete {
            Some(gap) if self.0.contains(&gap) => {
                if value.is_empty() && !may_be_empty {
                    *list = Fact::unknown(gap);
                } else {
                    *incomplete = None;
                }
            }
            Some(_) | None => {}
        }
    }
}
