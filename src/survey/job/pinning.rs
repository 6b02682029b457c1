//! What binds ranks and threads of a launch, and what binds them again.

use super::launches::Launch;
use super::picture::word;
use super::runs::Runs;
use super::threads::{Pools, open_runtimes, places, runtimes, setting};
use crate::facts::{EvidenceId, Fact, Run};
use crate::job::Place;
use crate::launch::{Amount, Bound, Meaning, Placement};
use crate::registry::{Decision, Setting};
use crate::survey::ledger::Ledger;

impl Runs<'_> {
    /// A runtime that pins again what the launcher has pinned.
    pub(super) fn repinning(&self, launch: &Launch, run: &Run, ledger: &mut Ledger) -> Fact<Option<String>> {
        let at = &launch.line.place;
        let because = vec![ledger.place(at)];
        let there = runtimes(self.facts);
        for it in &self.reading.know.shell.repins {
            if !it.runtimes.iter().any(|runtime| there.contains(runtime)) {
                continue;
            }
            match setting(&launch.environment, &it.variable) {
                Setting::Value(value) => {
                    let off = value
                        .split(',')
                        .any(|part| it.harmless.iter().any(|word| part.trim().eq_ignore_ascii_case(word)));
                    if !off {
                        let shown = places(&launch.environment, &it.variable);
                        let mut because = ledger.places(&shown);
                        because.push(ledger.place(at));
                        return Fact::known(Some(format!("{}={value}", it.variable)), because);
                    }
                }
                Setting::Unknown(reason) => return ledger.open(at, &reason, "whether a runtime pins threads again"),
                Setting::Unset => {
                    let is = |fact: &Fact<String>, word: &String| fact.value().is_none_or(|it| it == word);
                    let known = run.launcher.gap().or(run.placement.gap());
                    let under = it
                        .unset_under
                        .iter()
                        .any(|[launcher, placement]| is(&run.launcher, launcher) && is(&run.placement, placement));
                    match (under, known) {
                        (true, Some(gap)) => return Fact::unknown(gap),
                        (true, None) => return Fact::known(Some(format!("{} is not set", it.variable)), because),
                        (false, _) => {}
                    }
                }
            }
        }
        match open_runtimes(self.facts) {
            None => Fact::known(None, because),
            Some(reason) => ledger.open(at, reason, "whether a runtime pins threads again"),
        }
    }

    /// Pools that see one CPU, because another runtime binds the thread that loads it.
    pub(super) fn starved_pools(
        &self,
        launch: &Launch,
        run: &Run,
        pools: &Pools,
        ledger: &mut Ledger,
    ) -> Fact<Vec<String>> {
        let at = &launch.line.place;
        let binder = runtimes(self.facts).into_iter().find(|it| self.reading.know.shell.binds_when_loaded.contains(it));
        let hides = "whether pools see one CPU only";
        let Some(binder) = binder else {
            return match open_runtimes(self.facts) {
                None => Fact::known(Vec::new(), vec![ledger.place(at)]),
                Some(reason) => ledger.open(at, reason, hides),
            };
        };
        let read = |name: &str| setting(&launch.environment, name);
        let because: Vec<EvidenceId> = match self.reading.know.pools.binds_threads(&binder, &read) {
            Some(Decision::Yes(variable)) => {
                let shown = places(&launch.environment, &variable);
                let mut because = ledger.places(&shown);
                because.push(ledger.place(at));
                because
            }
            Some(Decision::Unknown(reason)) => return ledger.open(at, &reason, hides),
            Some(Decision::No(_)) | None => return Fact::known(Vec::new(), vec![ledger.place(at)]),
        };
        let facts = run.pools.value().into_iter().flatten();
        let starved = pools.list.iter().zip(facts).filter(|((pool, _), fact)| {
            fact.respects_mask
                && !pool.runtimes.contains(&binder)
                && pool.library.word != binder
                && fact.asked.value() != Some(&Some(1))
        });
        pools.listed(starved.map(|((pool, _), _)| pool.title.clone()).collect(), because, at, ledger)
    }
}

/// CPUs of a rank, with the option that asks for them.
pub(super) fn cpus_per_rank(launch: &Launch, placement: &Placement, ledger: &mut Ledger) -> Fact<u64> {
    let amount = |of| launch.line.amounts.get(&of).map(|it| it.places.as_slice());
    let asked = amount(Amount::CpusPerRank).or_else(|| amount(Amount::CpusPerSet));
    let quantity = placement.cpus_per_rank.clone().at(asked.unwrap_or_default());
    ledger.quantity(&quantity, &launch.line.place, "how many CPUs a rank has")
}

pub(super) fn binding(placement: &Placement, at: &Place, ledger: &mut Ledger) -> Fact<String> {
    match placement.bound {
        Bound::Unknown => ledger.open(at, &placement.because, "whether ranks are bound"),
        Bound::None | Bound::Exclusive | Bound::Shared => {
            let mut because = ledger.places(&placement.places);
            because.push(ledger.place(at));
            Fact::known(word(placement.bound).to_owned(), because)
        }
    }
}

pub(super) fn disabled(placement: &Placement, at: &Place, ledger: &mut Ledger) -> Fact<bool> {
    let mut because = vec![ledger.place(at)];
    match (&placement.disabled_by, placement.bound) {
        (Some(place), _) => {
            because.insert(0, ledger.place(place));
            Fact::known(true, because)
        }
        (None, Bound::Unknown) => ledger.open(at, &placement.because, "whether binding is switched off"),
        (None, Bound::None | Bound::Exclusive | Bound::Shared) => Fact::known(false, because),
    }
}

/// How the line binds or maps, as it is written.
pub(super) fn placement_word(launch: &Launch, ledger: &mut Ledger) -> Fact<String> {
    let at = &launch.line.place;
    let given = launch.line.last(Meaning::Binding).or_else(|| launch.line.last(Meaning::Mapping));
    match given {
        Some(given) => match given.values.first() {
            Some(value) => ledger.text_of(value, &given.place, "how the launcher places ranks"),
            None => Fact::known(given.name.clone(), vec![ledger.place(&given.place)]),
        },
        None => Fact::known("default".to_owned(), vec![ledger.place(at)]),
    }
}
