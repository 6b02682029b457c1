//! Symbol versions: what an object needs against what the chosen library defines.
//!
//! Source: experiment V1 of the loader facts. A version that a versioned library lacks is fatal unless the need is weak;
//! a library that defines no versions at all satisfies every need. musl ignores versions.

use super::start::Detail;
use super::system::Family;
use super::{Law, ObjectIndex, Process};
use crate::base::compare_versions;

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
    /// Version needs of the objects from `from` on that are not met. Objects without a readable symbol table need nothing.
    pub(super) fn check_versions(&self, from: ObjectIndex) -> Vec<VersionMiss> {
        if !self.holds(Law::VersionsMustExist) || self.system.family == Family::Musl || self.detail == Detail::Names {
            return Vec::new();
        }
        let mut misses = Vec::new();
        for loaded in self.objects.iter().skip(from) {
            let Ok(versions) = self.store.versions(&loaded.object) else { continue };
            for (file, wanted) in &versions.needed {
                let answer = loaded.needs.iter().find(|(name, _)| name == file).and_then(|(_, answer)| *answer);
                let Some(library) = answer.or_else(|| self.loaded_as(file)) else { continue };
                let Some(provider) = self.objects.get(library) else { continue };
                let Ok(provided) = self.store.versions(&provider.object) else { continue };
                if provided.defined.is_empty() && self.holds(Law::UnversionedDoes) {
                    continue;
                }
                for (version, weak) in wanted {
                    let optional = *weak && self.holds(Law::WeakVersion);
                    if !optional && !provided.defined.contains(version) {
                        misses.push(VersionMiss {
                            object: loaded.name.clone(),
                            library,
                            library_path: provider.object.real.clone(),
                            via: provider.via,
                            version: version.clone(),
                            highest: highest(&provided.defined, version),
                        });
                    }
                }
            }
        }
        misses
    }
}

fn highest(defined: &[Vec<u8>], version: &[u8]) -> Option<Vec<u8>> {
    let family = |it: &[u8]| it.split(|b| *b == b'_').next().map(<[u8]>::to_vec);
    let text = |it: &Vec<u8>| String::from_utf8_lossy(it).into_owned();
    let same = defined.iter().filter(|it| family(it) == family(version) && it.iter().any(u8::is_ascii_digit));
    same.max_by(|a, b| compare_versions(&text(a), &text(b))).cloned()
}
