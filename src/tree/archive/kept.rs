//! Pages of files that lie in a compressed layer, held for whoever asks next.
//!
//! Pages are compressed again, quickly: what an audit reads of an image is mostly text and tables.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zstd::bulk::Compressor;

use crate::base::Map;

/// Bytes of one page.
pub(super) const PAGE_BYTES: usize = 64 << 10;

/// The fastest level of zstd that packs tables of objects to a third.
const LEVEL: i32 = 1;

/// Pages of one image that are held as they are.
const RECENT: usize = 64;

/// What a page takes beside its bytes: many are tiny.
const PAGE_OVERHEAD_BYTES: u64 = 96;

/// Bytes that the layers of one image share.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// So many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// Takes `bytes`, if there are so many.
    pub(super) fn take(&self, bytes: u64) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// One page of one member: where the member begins in the layer, and the number of the page.
pub(super) type PageOf = (u64, u64);

/// Pages that were asked for lately, of every layer of an image: each is known by its number.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    pages: Arc<Mutex<VecDeque<RecentPage>>>,
    layers: Arc<AtomicU64>,
    layer: u64,
    packer: Arc<Packer>,
}

/// Its tables are large, so there is one for all pages of an image.
#[derive(Default)]
struct Packer(Mutex<Option<Compressor<'static>>>);

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Packer")
    }
}

type Page = Arc<Vec<u8>>;

/// The number of its layer, which page it is, and its bytes.
type RecentPage = (u64, PageOf, Page);

impl Recent {
    /// The same pages for another layer.
    pub(super) fn for_layer(&self) -> Self {
        Self { layer: self.layers.fetch_add(1, Ordering::Relaxed), ..self.clone() }
    }

    fn packed(&self, bytes: &[u8]) -> io::Result<Box<[u8]>> {
        let mut packer = lock(&self.packer.0);
        if packer.is_none() {
            *packer = Some(Compressor::new(LEVEL)?);
        }
        let packer = packer.as_mut().ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(packer.compress(bytes)?.into_boxed_slice())
    }

    fn page(&self, page: PageOf) -> Option<Page> {
        let pages = lock(&self.pages);
        pages.iter().find(|it| (it.0, it.1) == (self.layer, page)).map(|(_, _, bytes)| Arc::clone(bytes))
    }

    fn put(&self, page: PageOf, bytes: &Page) {
        let mut pages = lock(&self.pages);
        if pages.len() == RECENT {
            pages.pop_front();
        }
        pages.push_back((self.layer, page, Arc::clone(bytes)));
    }
}

/// The pages of one layer.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pages: Map<PageOf, Box<[u8]>>,
    recent: Recent,
    /// Members that were opened.
    asked: BTreeSet<u64>,
}

impl Kept {
    /// Nothing yet.
    pub(super) fn new(recent: Recent) -> Self {
        Self { recent, ..Self::default() }
    }

    /// Holds a page, where one of the budgets allows it.
    pub(super) fn put(&mut self, page: PageOf, bytes: &[u8], budgets: &[&Budget]) {
        if self.pages.contains_key(&page) {
            return;
        }
        // A page that cannot be packed is read again when it is asked for.
        let Ok(packed) = self.recent.packed(bytes) else { return };
        if budgets.iter().any(|it| it.take(packed.len() as u64 + PAGE_OVERHEAD_BYTES)) {
            self.pages.insert(page, packed);
        }
    }

    /// A page, where it is held.
    pub(super) fn page(&mut self, page: PageOf) -> io::Result<Option<Page>> {
        if let Some(bytes) = self.recent.page(page) {
            return Ok(Some(bytes));
        }
        let Some(packed) = self.pages.get(&page) else { return Ok(None) };
        let bytes = Arc::new(zstd::bulk::decompress(packed, PAGE_BYTES)?);
        self.recent.put(page, &bytes);
        Ok(Some(bytes))
    }

    /// Notes that a member is asked for.
    pub(super) fn ask(&mut self, member: u64) {
        self.asked.insert(member);
    }

    /// Whether somebody asked for the member, or some of it is held.
    pub(super) fn concerns(&self, member: u64) -> bool {
        self.asked.contains(&member) || self.pages.contains_key(&(member, 0))
    }
}

/// The pages that `ranges` touch: in order, none twice. As ranges, because a file may say that it has a trillion of them.
pub(super) fn pages(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let page = PAGE_BYTES as u64;
    let touched = ranges.iter().filter(|it| it.start < it.end).map(|it| it.start / page..(it.end - 1) / page + 1);
    let mut touched: Vec<Range<u64>> = touched.collect();
    touched.sort_unstable_by_key(|it| (it.start, it.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for it in touched {
        match merged.last_mut().filter(|last| it.start <= last.end) {
            Some(last) => last.end = last.end.max(it.end),
            None => merged.push(it),
        }
    }
    merged
}

/// A panic in another thread leaves the pages whole: every change is a single call.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_file_that_says_it_is_endless() {
        let page = PAGE_BYTES as u64;
        let most = u64::MAX / page + 1;
        assert_eq!(pages(&[Range { start: 0, end: u64::MAX }]), [Range { start: 0, end: most }]);
        let some = [3 * page..3 * page + 1, 0..1, page - 1..page + 1, 5..5];
        assert_eq!(pages(&some), [0..2, 3..4]);
    }
}
