//! One layer: its members, and the bytes of its files.
//!
//! A layer that is not compressed is read where it lies. One that is compressed is read from beginning to end: once for
//! its names and for what will probably be asked of its files ([`Foresight`]), and once more if something else is asked.
//! There is no third time: what was not kept then cannot be read, and says so.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::coding::{Coding, TooLong};
use super::holes::{self, WithHoles};
use super::kept::{Budget, Kept, PAGE_BYTES, Recent, lock, pages};
use super::tar::{Content, FromFile, FromStream, Member, MemberKind, Members, Source, TarError};
use super::{Foresight, Progress};
use crate::base::{Map, ReadAt};

/// Members of one layer: a full distribution with several Pythons has 300,000.
const MEMBERS: usize = 1_000_000;

/// What the table of an image takes for each member, beside its names, in bytes.
const MEMBER_BYTES: u64 = 128;

/// What it takes to remember a file whose name is hidden, in bytes.
const HIDDEN_BYTES: u64 = 160;

/// Bytes of a file by which it is recognised.
const HEAD_BYTES: usize = 4096;

/// Bytes between two reports of progress.
const REPORT_BYTES: u64 = 4 << 20;

/// One layer of an image.
pub(super) struct Layer {
    /// What it is read from; `None` where that was a stream, which nobody can go back in.
    file: Option<Arc<dyn ReadAt>>,
    coding: Coding,
    kept: Mutex<State>,
    /// At the first reading, and at the second.
    budgets: [Budgets; 2],
}

struct State {
    kept: Kept,
    /// What would have been kept of members whose names are hidden, by where they begin.
    hidden: Map<u64, Vec<Range<u64>>>,
    /// The same of those that have a name after all: the second reading keeps it.
    named: Map<u64, Vec<Range<u64>>>,
    /// Whether the layer was read a second time.
    is_read_again: bool,
}

/// What a layer holds.
pub(super) struct Listing {
    /// Its members in order.
    pub(super) members: Vec<Member>,
    /// Why there may be more.
    pub(super) cut: Option<Cut>,
}

/// Why a layer was not read to its end.
#[derive(Debug)]
pub(super) enum Cut {
    /// It is damaged.
    Damage(TarError),
    /// It is larger than this program reads.
    Limit(String),
}

/// How layers are read.
pub(super) struct Reading<'a> {
    pub(super) foresight: &'a dyn Foresight,
    pub(super) progress: &'a dyn Progress,
    /// Names and tables of the image.
    pub(super) table: Budget,
    /// At the first reading, and at the second.
    pub(super) budgets: [Budgets; 2],
    /// Pages that were asked for lately.
    pub(super) recent: Recent,
}

/// What the layers of an image share in one reading.
#[derive(Debug, Clone)]
pub(super) struct Budgets {
    /// Pages that are kept.
    pub(super) pages: Budget,
    /// Decompressed bytes.
    pub(super) stream: Budget,
}

impl Layer {
    /// A layer that lies in `file`, and its members. `is_hidden` says of which of them no byte will be asked by this name.
    pub(super) fn read(
        file: Arc<dyn ReadAt>,
        coding: Coding,
        reading: &Reading<'_>,
        is_hidden: &dyn Fn(&Member) -> bool,
    ) -> (Self, Listing) {
        let [budgets, _] = &reading.budgets;
        let listing = |layer: &Self| match coding {
            Coding::Plain => list(Members::new(FromFile { file: &*file, at_bytes: 0 }), &reading.table, |_, _| Ok(())),
            Coding::Gzip | Coding::Zstd | Coding::Xz => match coding.reader(Arc::clone(&file), &budgets.stream) {
                Ok(stream) => layer.first_reading(stream, reading, is_hidden),
                Err(error) => Listing { members: Vec::new(), cut: Some(Cut::Damage(error.into())) },
            },
        };
        let layer = Self::new(Some(Arc::clone(&file)), coding, reading);
        let listing = listing(&layer);
        (layer, listing)
    }

    /// A layer of `size_bytes` that comes out of a stream, and its members.
    pub(super) fn read_stream(
        bytes: impl BufRead + Send,
        coding: Coding,
        size_bytes: u64,
        reading: &Reading<'_>,
    ) -> (Self, Listing) {
        let [budgets, _] = &reading.budgets;
        let layer = Self::new(None, coding, reading);
        let listing = match coding.decoder(bytes, size_bytes, &budgets.stream) {
            Ok(stream) => layer.first_reading(stream, reading, &|_| false),
            Err(error) => Listing { members: Vec::new(), cut: Some(Cut::Damage(error.into())) },
        };
        (layer, listing)
    }

    fn new(file: Option<Arc<dyn ReadAt>>, coding: Coding, reading: &Reading<'_>) -> Self {
        let kept = Kept::new(reading.recent.for_layer());
        let state = State { kept, hidden: Map::default(), named: Map::default(), is_read_again: false };
        Self { file, coding, kept: Mutex::new(state), budgets: reading.budgets.clone() }
    }

    /// The bytes of a member.
    pub(super) fn open(self: &Arc<Self>, content: &Content) -> Box<dyn ReadAt> {
        let stored =
            Stored { layer: Arc::clone(self), at_bytes: content.offset_bytes, size_bytes: content.stored_bytes };
        match &content.stretches {
            None => Box::new(stored),
            Some(stretches) => {
                let stretches = Arc::clone(stretches);
                Box::new(WithHoles { stored: Box::new(stored), stretches, size_bytes: content.size_bytes })
            }
        }
    }

    /// Takes note that a file has a name in the image, be it another than the one that was hidden.
    pub(super) fn has_name(&self, content: &Content) {
        let mut state = lock(&self.kept);
        if let Some(ranges) = state.hidden.remove(&content.offset_bytes) {
            state.named.insert(content.offset_bytes, ranges);
        }
    }

    /// Nothing has another name.
    pub(super) fn forget_hidden(&self) {
        lock(&self.kept).hidden = Map::default();
    }

    fn first_reading(&self, stream: impl Read, reading: &Reading<'_>, is_hidden: &dyn Fn(&Member) -> bool) -> Listing {
        let [budgets, _] = &self.budgets;
        let mut reported = 0;
        list(Members::new(FromStream(stream)), &reading.table, |members, member| {
            if reported + REPORT_BYTES < members.at_bytes() {
                reported = members.at_bytes();
                reading.progress.read(reported);
            }
            if member.kind != MemberKind::File || member.content.stored_bytes == 0 {
                return Ok(());
            }
            let foresee = |head: &[u8]| {
                let size_bytes = member.content.size_bytes;
                let ranges = match &member.content.stretches {
                    None => reading.foresight.ranges(head, size_bytes),
                    Some(it) => {
                        holes::stored(&reading.foresight.ranges(&holes::head(head, it, size_bytes), size_bytes), it)
                    }
                };
                if !is_hidden(member) {
                    return ranges;
                }
                if !ranges.is_empty() && reading.table.take(HIDDEN_BYTES) {
                    lock(&self.kept).hidden.insert(member.content.offset_bytes, ranges);
                }
                Vec::new()
            };
            keep(members, &member.content, foresee, &self.kept, &[&budgets.pages])
        })
    }

    fn page(&self, member: u64, number: u64) -> io::Result<Arc<Vec<u8>>> {
        let mut state = lock(&self.kept);
        if let Some(page) = state.kept.page((member, number))? {
            return Ok(page);
        }
        state.kept.ask(member);
        if !state.is_read_again {
            state.is_read_again = true;
            drop(state);
            self.second_reading().map_err(|error| io::Error::other(error.to_string()))?;
            state = lock(&self.kept);
        }
        let missing = || io::Error::other("not kept when its layer was decompressed, which happens twice at most");
        state.kept.page((member, number))?.ok_or_else(missing)
    }

    fn wanted_again(&self, content: &Content) -> Vec<Range<u64>> {
        let state = lock(&self.kept);
        match state.named.get(&content.offset_bytes) {
            _ if state.kept.concerns(content.offset_bytes) => vec![Range { start: 0, end: content.stored_bytes }],
            Some(ranges) => ranges.clone(),
            None => Vec::new(),
        }
    }

    /// Keeps the whole of every file that was asked for or recognised before.
    fn second_reading(&self) -> Result<(), TarError> {
        let Some(file) = &self.file else { return Ok(()) };
        let [first, again] = &self.budgets;
        let mut members = Members::new(FromStream(self.coding.reader(Arc::clone(file), &again.stream)?));
        let mut count = 0;
        loop {
            let member = match members.next() {
                Ok(Some(member)) => member,
                // What is behind the place where the first reading ended is not known to anybody.
                Err(error) if TooLong::is(&error) => return Ok(()),
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            };
            count += 1;
            if MEMBERS < count {
                return Ok(());
            }
            if member.kind == MemberKind::File {
                let wanted = self.wanted_again(&member.content);
                keep(&mut members, &member.content, |_| wanted, &self.kept, &[&again.pages, &first.pages])?;
            }
        }
    }
}

fn list<S: Source>(
    mut source: Members<S>,
    table: &Budget,
    mut meet: impl FnMut(&mut Members<S>, &Member) -> Result<(), TarError>,
) -> Listing {
    let mut members = Vec::new();
    loop {
        let cut = match source.next() {
            Ok(None) => source.finish().err().map(Cut::from),
            Ok(Some(member)) => {
                if members.len() == MEMBERS || !table.take(MEMBER_BYTES + member.table_bytes() as u64) {
                    Some(Cut::Limit(format!("more than {} members or names are not read", members.len())))
                } else {
                    let met = meet(&mut source, &member);
                    members.push(member);
                    match met {
                        Ok(()) => continue,
                        Err(error) => Some(error.into()),
                    }
                }
            }
            Err(error) => Some(error.into()),
        };
        return Listing { members, cut };
    }
}

impl From<TarError> for Cut {
    fn from(error: TarError) -> Self {
        if TooLong::is(&error) { Self::Limit(error.to_string()) } else { Self::Damage(error) }
    }
}

/// Reads the content of a member and keeps the pages that `foresee` names, told by the first bytes.
fn keep<S: Source>(
    members: &mut Members<S>,
    content: &Content,
    foresee: impl FnOnce(&[u8]) -> Vec<Range<u64>>,
    kept: &Mutex<State>,
    budgets: &[&Budget],
) -> Result<(), TarError> {
    let page_bytes = usize::try_from(content.stored_bytes).unwrap_or(usize::MAX).min(PAGE_BYTES);
    let mut page = vec![0; page_bytes];
    let mut have = 0;
    while have < page_bytes.min(HEAD_BYTES) {
        have += members.read(page.get_mut(have..).unwrap_or_default())?;
    }
    let wanted = pages(&foresee(page.get(..have.min(HEAD_BYTES)).unwrap_or_default()));
    let Some(end) = wanted.last().map(|it| it.end) else { return Ok(()) };
    let mut wanted = wanted.into_iter().peekable();
    for number in 0..end.min(content.stored_bytes.div_ceil(PAGE_BYTES as u64)) {
        while have < page.len() {
            match members.read(page.get_mut(have..).unwrap_or_default())? {
                0 => break,
                count => have += count,
            }
        }
        while wanted.next_if(|it| it.end <= number).is_some() {}
        if wanted.peek().is_some_and(|it| it.contains(&number)) {
            let bytes = page.get(..have).unwrap_or_default();
            lock(kept).kept.put((content.offset_bytes, number), bytes, budgets);
        }
        have = 0;
    }
    Ok(())
}

/// The stored bytes of one member.
struct Stored {
    layer: Arc<Layer>,
    at_bytes: u64,
    size_bytes: u64,
}

impl ReadAt for Stored {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(offset_bytes);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        if let (Coding::Plain, Some(file)) = (self.layer.coding, &self.layer.file) {
            return file.read_at(self.at_bytes.saturating_add(offset_bytes), buffer);
        }
        let (number, within) = (offset_bytes / PAGE_BYTES as u64, offset_bytes % PAGE_BYTES as u64);
        let page = self.layer.page(self.at_bytes, number)?;
        let rest = page.get(usize::try_from(within).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = wanted.min(rest.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}
