//! The fabric that a site profile names, held against the transports of the MPI.
//!
//! Works on facts alone, so that saved ones can be held against another site.
//! Invariant: without a profile that names a fabric the answer is `unsaid`, for every MPI.

use serde::Deserialize;

use super::knowledge::Knowledge;
use super::ledger::Ledger;
use crate::base::Stage;
use crate::facts::{Evidence, EvidenceId, FabricUse, Fact, Facts};
use crate::site::Site;

/// What is said where no profile names a fabric.
const UNSAID: &str = "unsaid";
/// What a gap here hides.
const HIDES: &str = "whether the MPI reaches the fabric of the site";

/// A fabric and what serves it; its word is the stem of its file, one that has no file is served by everything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fabric {
    /// Its name for people.
    pub title: String,
    /// Transports, in the words of the libraries that offer them.
    pub serves: Vec<String>,
    /// Transports of which it is not known.
    #[serde(default)]
    pub unsure: Vec<Unsure>,
}

/// A transport that may serve a fabric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsure {
    /// Its word.
    pub transport: String,
    /// Why it is not known.
    pub reason: String,
}

/// Says which fabric the site has, and whether each MPI of the process reaches it.
pub fn join_fabric(facts: &mut Facts, know: &Knowledge, site: Option<&Site>) {
    let mut ledger = Ledger::resume(std::mem::take(&mut facts.evidence), std::mem::take(&mut facts.gaps));
    let named = site.and_then(|site| site.fabric.as_ref().map(|fabric| (site, fabric)));
    let (word, because) = match named {
        Some((site, fabric)) => {
            let text = format!("[fabric] kind = \"{}\"", fabric.value);
            let line = Evidence { path: site.path.clone(), line: Some(fabric.line), text, ..Evidence::default() };
            (fabric.value.clone(), vec![ledger.keep(line)])
        }
        None => (UNSAID.to_owned(), Vec::new()),
    };
    if let Fact::Known { value: uses, .. } = &mut facts.process.fabrics {
        for used in uses {
            used.agreement = match (named, know.fabrics.get(&word)) {
                (None, _) => Fact::known(UNSAID.to_owned(), Vec::new()),
                (Some(_), None) => Fact::known("any".to_owned(), because.clone()),
                (Some(_), Some(fabric)) => agreement(used, fabric, &because, &mut ledger),
            };
        }
    }
    facts.environment.fabric = Fact::known(word, because);
    (facts.evidence, facts.gaps) = ledger.finish();
}

fn agreement(used: &FabricUse, fabric: &Fabric, site: &[EvidenceId], ledger: &mut Ledger) -> Fact<String> {
    let path = used.lib.value().cloned().flatten().unwrap_or_default();
    let mut open = |reason: &str| Fact::unknown(ledger.keep_gap(path.clone(), Stage::Identify, reason, HIDES));
    let known = |word: &str, because: &[EvidenceId]| Fact::known(word.to_owned(), [site, because].concat());
    let (list, because) = match &used.providers {
        Fact::Known { value, because, .. } => (value, because),
        Fact::Unknown { unknown } => return Fact::unknown(*unknown),
    };
    if list.iter().any(|it| fabric.serves.contains(it)) {
        return known("served", because);
    }
    if let Some(unsure) = fabric.unsure.iter().find(|it| list.contains(&it.transport)) {
        return open(&format!("it offers {}, and {}", unsure.transport, unsure.reason));
    }
    match &used.hidden {
        Fact::Known { value: Some(reason), .. } => return open(reason),
        Fact::Known { value: None, .. } => {}
        Fact::Unknown { unknown } => return Fact::unknown(*unknown),
    }
    let may = |it: &String| fabric.serves.contains(it) || fabric.unsure.iter().any(|at| at.transport == *it);
    match &used.refused_providers {
        Fact::Known { value, because, .. } if value.iter().any(may) => known("not-opened", because),
        Fact::Known { .. } => known("not-served", because),
        Fact::Unknown { unknown } => Fact::unknown(*unknown),
    }
}
