//! Evidence and gaps of one survey, each kept once; facts refer to them by index.

use std::collections::HashMap;

use crate::base::{Gap, Stage, TreePath, printable};
use crate::facts::{self, Evidence, EvidenceId, Fact, GapId};
use crate::identify::{Answer, Seen};

/// The evidence and gaps so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    evidence: Vec<Evidence>,
    known: HashMap<Evidence, EvidenceId>,
    gaps: Vec<facts::Gap>,
}

impl Ledger {
    /// A ledger that holds these gaps.
    pub(super) fn with(gaps: &[Gap]) -> Self {
        let mut ledger = Self::default();
        for gap in gaps {
            ledger.gap(gap);
        }
        ledger
    }

    /// Goes on where another survey ended.
    pub(super) fn resume(evidence: Vec<Evidence>, gaps: Vec<facts::Gap>) -> Self {
        let numbered = evidence.iter().cloned().zip((0..).map(EvidenceId));
        Self { known: numbered.collect(), evidence, gaps }
    }

    /// `text` stands at `path`.
    pub(super) fn note(&mut self, path: &TreePath, text: impl Into<String>) -> EvidenceId {
        // The root stands for the environment of the process, where there is no file to point at.
        let path = if *path == TreePath::root() { String::new() } else { path.text() };
        self.keep(Evidence { path, text: text.into(), ..Evidence::default() })
    }

    /// A variable of the process.
    pub(super) fn variable(&mut self, name: &str, value: &[u8], origin: &str) -> EvidenceId {
        let text = format!("{name}={} ({origin})", printable(value));
        self.keep(Evidence { text, ..Evidence::default() })
    }

    /// Any place.
    pub(super) fn keep(&mut self, evidence: Evidence) -> EvidenceId {
        if let Some(id) = self.known.get(&evidence) {
            return *id;
        }
        let id = EvidenceId(u32::try_from(self.evidence.len()).unwrap_or(u32::MAX));
        self.evidence.push(evidence.clone());
        self.known.insert(evidence, id);
        id
    }

    /// Where a piece of evidence stands.
    pub(super) fn path_of(&self, id: EvidenceId) -> &str {
        self.evidence.get(id.0 as usize).map_or("", |it| it.path.as_str())
    }

    /// What the identification saw.
    pub(super) fn seen(&mut self, seen: &[Seen]) -> Vec<EvidenceId> {
        let place = |it: &Seen| Evidence {
            path: it.path.text(),
            offset: it.offset_bytes,
            text: it.text.clone(),
            ..Evidence::default()
        };
        seen.iter().map(|it| self.keep(place(it))).collect()
    }

    /// A gap.
    pub(super) fn gap(&mut self, gap: &Gap) -> GapId {
        let path = if gap.path == TreePath::root() { String::new() } else { gap.path.text() };
        self.keep_gap(path, gap.stage, &gap.reason, &gap.hides)
    }

    /// A gap in a file that is named as somebody wrote it.
    pub(super) fn keep_gap(&mut self, path: String, stage: Stage, reason: &str, hides: &str) -> GapId {
        let stage = stage.word().to_owned();
        self.keep_told(facts::Gap { path, stage, reason: reason.to_owned(), hides: hides.to_owned() })
    }

    /// A gap of other facts.
    pub(super) fn keep_told(&mut self, gap: facts::Gap) -> GapId {
        let at = self.gaps.iter().position(|it| *it == gap).unwrap_or_else(|| {
            self.gaps.push(gap);
            self.gaps.len() - 1
        });
        GapId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// A fact that an identification answers.
    pub(super) fn answer(&mut self, path: &TreePath, answer: Option<&Answer>, what: &str) -> Fact<String> {
        match answer {
            Some(Answer::Known { value, because }) => Fact::known(value.clone(), self.seen(because)),
            Some(Answer::Unknown { reason }) => self.unknown(path, reason, what),
            None => self.unknown(path, "its description does not ask for it", what),
        }
    }

    /// An unknown fact about a file.
    pub(super) fn unknown<T>(&mut self, path: &TreePath, reason: &str, hides: &str) -> Fact<T> {
        Fact::unknown(self.gap(&Gap::new(path, crate::base::Stage::Identify, reason, hides)))
    }

    /// Everything.
    pub(super) fn finish(self) -> (Vec<Evidence>, Vec<facts::Gap>) {
        (self.evidence, self.gaps)
    }
}
