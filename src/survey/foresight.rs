//! What an audit will probably read of a file, told by its first bytes: for layers that are read in order.

use std::ops::Range;

use crate::elf;
use crate::loader;
use crate::tree::Foresight;

/// Largest text that is read: sources, records of packages, lists of files.
const TEXT_BYTES: u64 = 16 << 20;

/// Knows what the producers of facts ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditForesight;

impl Foresight for AuditForesight {
    fn ranges(&self, head: &[u8], size_bytes: u64) -> Vec<Range<u64>> {
        let whole = || vec![Range { start: 0, end: size_bytes }];
        if let Some(ranges) = elf::outline(head, size_bytes) {
            return ranges;
        }
        let is_text = !head.contains(&0);
        let is_read = (is_text && size_bytes <= TEXT_BYTES) || loader::is_cache(head);
        if is_read { whole() } else { Vec::new() }
    }
}
