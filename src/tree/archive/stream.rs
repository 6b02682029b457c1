//! An archive of layers that was compressed as a whole: `docker save IMAGE | gzip`.
//!
//! Its first reading told which parts it has; a second one reads the layers in the order in which they lie. What is kept of
//! them then is all that can be had.

use std::io::{BufRead, BufReader, Read, copy, sink};
use std::sync::Arc;

use super::ArchiveError;
use super::coding::Coding;
use super::layer::{Layer, Reading};
use super::manifest::Described;
use super::open::{ListedLayer, whole};
use super::store::Store;
use super::tar::Content;
use crate::base::{Gap, ReadAt};

/// Bytes of a layer that are read at once; the first of them tell how it is compressed.
const HEAD_BYTES: usize = 64 << 10;

/// The archive, and where its parts are in it.
pub(super) struct Stream {
    pub(super) file: Arc<dyn ReadAt>,
    pub(super) coding: Coding,
    /// By the number in the identity of each file.
    pub(super) contents: Vec<Content>,
}

impl Stream {
    /// The layers of an image, base first.
    pub(super) fn layers(
        &self,
        store: &Store,
        described: &Described,
        reading: &Reading<'_>,
        gaps: &mut Vec<Gap>,
    ) -> Result<Vec<ListedLayer>, ArchiveError> {
        let mut order = Vec::new();
        for (at, (path, _)) in described.layers.iter().enumerate() {
            let (_, number) = store.id(path)?;
            let content = usize::try_from(number).map_or(None, |it| self.contents.get(it));
            let content = content.ok_or_else(|| ArchiveError(format!("{} is no file in it", described.named(at))))?;
            order.push((content.offset_bytes, at, content));
        }
        order.sort_by_key(|(offset, at, _)| (*offset, *at));
        let [first, _] = &reading.budgets;
        let failed = |error: std::io::Error| ArchiveError(error.to_string());
        let mut stream = self.coding.reader(Arc::clone(&self.file), &first.stream).map_err(failed)?;
        let mut at_bytes = 0;
        let mut layers: Vec<(usize, u64, ListedLayer)> = Vec::new();
        for (turn, (offset, at, content)) in order.into_iter().enumerate() {
            reading.progress.layer(turn + 1, described.layers.len());
            // One part may be several layers: the empty one.
            if let Some((_, _, same)) = layers.last().filter(|(_, it, _)| *it == offset) {
                let same = (Arc::clone(&same.0), same.1.clone());
                layers.push((at, offset, same));
                continue;
            }
            copy(&mut (&mut stream).take(offset.saturating_sub(at_bytes)), &mut sink()).map_err(failed)?;
            described.check_size(at, content.stored_bytes)?;
            let mut part = BufReader::with_capacity(HEAD_BYTES, (&mut stream).take(content.stored_bytes));
            let coding = described.coding(at, part.fill_buf().map_err(failed)?)?;
            let (layer, listing) = Layer::read_stream(&mut part, coding, content.stored_bytes, reading);
            let (members, gap) = whole(listing, &described.named(at))?;
            gaps.extend(gap);
            copy(&mut part, &mut sink()).map_err(failed)?;
            at_bytes = offset.saturating_add(content.stored_bytes);
            layers.push((at, offset, (Arc::new(layer), members)));
        }
        layers.sort_by_key(|(at, ..)| *at);
        Ok(layers.into_iter().map(|(_, _, it)| it).collect())
    }
}
