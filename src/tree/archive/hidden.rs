//! What the layers above replace or remove, by name: nothing of it need be kept.
//!
//! Links are not followed here. A file that is hidden by another name is kept for nothing; one that is not hidden after
//! all can still be read. So a hash is enough to remember a name.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use super::layered::{OPAQUE, WHITEOUT};
use super::tar::{Member, MemberKind};

/// Names from upper layers.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Files and links: another thing of this name is gone.
    replaced: HashSet<u64>,
    /// Removed, with everything below.
    removed: HashSet<u64>,
    /// Directories of which everything below is removed.
    emptied: HashSet<u64>,
}

impl Hidden {
    /// Takes note of a member of an upper layer.
    pub(super) fn meet(&mut self, member: &Member) {
        let mut above = DefaultHasher::new();
        let names: Vec<&[u8]> = names(&member.name).collect();
        let Some((last, directories)) = names.split_last() else { return };
        directories.iter().for_each(|it| below(&mut above, it));
        if *last == OPAQUE {
            self.emptied.insert(above.finish());
        } else if let Some(hidden) = last.strip_prefix(WHITEOUT) {
            below(&mut above, hidden);
            self.removed.insert(above.finish());
        } else if member.kind != MemberKind::Directory {
            below(&mut above, last);
            self.replaced.insert(above.finish());
        }
    }

    /// Whether the name of a lower layer is hidden.
    pub(super) fn holds(&self, name: &[u8]) -> bool {
        let mut path = DefaultHasher::new();
        let mut is_hidden = self.emptied.contains(&path.finish());
        let mut names = names(name).peekable();
        while let (false, Some(name)) = (is_hidden, names.next()) {
            below(&mut path, name);
            let it = path.finish();
            let is_emptied = names.peek().is_some() && self.emptied.contains(&it);
            is_hidden = is_emptied || self.replaced.contains(&it) || self.removed.contains(&it);
        }
        is_hidden
    }
}

/// `./usr//bin/` as `usr` and `bin`.
fn names(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|b| *b == b'/').filter(|it| !it.is_empty() && *it != b".")
}

fn below(path: &mut DefaultHasher, name: &[u8]) {
    path.write(name);
    path.write_u8(b'/');
}
