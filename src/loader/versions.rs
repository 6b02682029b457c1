//! Symbol versions: what an object needs against what the chosen library defines.
//!
//! Source: experiment V1 of the loader facts. A version that a versioned library lacks is fatal unless the need is weak;
//! a library that defines no versions at all satisfies every need. musl ignores versions.

use super::process::Failure;
use super::start::Detail;
use super::system::Family;
use super::{Law, Loaded, ObjectIndex, Process};
use crate::base::{compare_versions, printable};

/// Bits of `Linkage::isa_needed` that are levels.
const ISA_LEVELS: u32 = 15;

/// What a failure says that is none: the loader does not refuse, it ends the process.
pub const ABORTS: &str = "the loader aborts";

/// A version that an object needs and the chosen library does not define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMiss {
    /// The object that needs it, as the loader spells it.
    pub object: Vec<u8>,
    /// The library that was chosen.
    pub library: ObjectIndex,
    /// The real file of the library.
    pub library_path: crate::base::TreePath,
    /// How it was found.
    pub via: super::Via,
    /// `GLIBCXX_3.4.29`.
    pub version: Vec<u8>,
    /// The highest version of the same family that the library defines.
    pub highest: Option<Vec<u8>>,
}

impl Process<'_> {
    /// Why the objects from `from` on are refused once they are mapped: versions, then the ISA level (`_dl_open_check` in
    /// glibc `elf/dl-open.c`). Objects without a readable symbol table need no version.
    pub(super) fn refused(&self, from: ObjectIndex) -> Vec<Failure> {
        let mut failures = self.check_versions(from);
        let bits = self.cpu.level.isa_bits().filter(|_| self.checks_isa());
        for loaded in self.objects.iter().skip(from) {
            let needed = loaded.object.linkage.as_ref().map_or(0, |it| it.isa_needed);
            if bits.is_some_and(|bits| needed & !bits & ISA_LEVELS != 0) {
                let reason = format!("needs more than the CPU has: {}", self.cpu.level.word());
                failures.push(Failure::Unusable { path: loaded.name.clone(), needed_by: Vec::new(), reason });
            }
        }
        failures
    }

    fn checks_isa(&self) -> bool {
        self.system.family == Family::Glibc && self.system.at_least("2.33") && self.holds(Law::IsaLevel)
    }

    fn check_versions(&self, from: ObjectIndex) -> Vec<Failure> {
        if !self.holds(Law::VersionsMustExist) || self.system.family == Family::Musl || self.detail == Detail::Names {
            return Vec::new();
        }
        let mut misses = Vec::new();
        for loaded in self.objects.iter().skip(from) {
            let Ok(versions) = self.store.versions(&loaded.object) else { continue };
            for (file, wanted) in &versions.needed {
                let need = loaded.needs.iter().find(|(name, _)| name == file);
                let answer = need.and_then(|(_, answer)| *answer);
                // A SONAME by which nobody asked is no name here (`_dl_name_match_p` in glibc `elf/dl-misc.c`).
                let named = || self.first(|it| it.name == *file || it.asked.contains(file));
                let Some(library) = answer.or_else(named) else {
                    // A need that nothing satisfies is a failure of its own.
                    if need.is_none() && !self.is_loader(file) && self.holds(Law::VersionsOfNobody) {
                        misses.push(aborts(loaded, file));
                    }
                    continue;
                };
                let Some(provider) = self.objects.get(library) else { continue };
                let Ok(provided) = self.store.versions(&provider.object) else { continue };
                if provided.defined.is_empty() && self.holds(Law::UnversionedDoes) {
                    continue;
                }
                for (version, weak) in wanted {
                    let optional = *weak && self.holds(Law::WeakVersion);
                    if !optional && !provided.defined.contains(version) {
                        misses.push(Failure::Version(VersionMiss {
                            object: loaded.name.clone(),
                            library,
                            library_path: provider.object.real.clone(),
                            via: provider.via,
                            version: version.clone(),
                            highest: highest(&provided.defined, version),
                        }));
                    }
                }
            }
        }
        misses
    }
}

/// An object that `patchelf` robbed of a need: glibc ends the process by an assertion (V1).
fn aborts(loaded: &Loaded, file: &[u8]) -> Failure {
    let reason = format!("wants versions of {}, which is not in the process: {ABORTS}", printable(file));
    Failure::Unusable { path: loaded.name.clone(), needed_by: Vec::new(), reason }
}

fn highest(defined: &[Vec<u8>], version: &[u8]) -> Option<Vec<u8>> {
    let family = |it: &[u8]| it.split(|b| *b == b'_').next().map(<[u8]>::to_vec);
    let text = |it: &Vec<u8>| String::from_utf8_lossy(it).into_owned();
    let same = defined.iter().filter(|it| family(it) == family(version) && it.iter().any(u8::is_ascii_digit));
    same.max_by(|a, b| compare_versions(&text(a), &text(b))).cloned()
}
