//! Members of a tar archive, one after the other, from a file or from a stream that is being decompressed.
//!
//! The format is read by `tar_core`, which is given bytes and limits; what is here feeds it.

use std::io::{self, Read};
use std::sync::Arc;

use tar_core::parse::{Limits, ParseError, ParseEvent, ParsedEntry, Parser};
use tar_core::{EntryType, HEADER_SIZE, SparseEntry};

use crate::base::ReadAt;

/// Longest path and link target, in bytes: PATH_MAX of Linux.
const PATH_BYTES: u32 = 4096;

/// Extended headers before one member, in bytes.
const EXTENSION_BYTES: u32 = 1 << 20;

/// Stretches of data in one sparse file.
const SPARSE_ENTRIES: usize = 10_000;

/// Everything that stands before the content of one member, in bytes.
const HEADERS_BYTES: usize = 2 << 20;

/// Bytes that are skipped in one read of a stream.
const SKIP_BYTES: usize = 64 << 10;

/// Why an archive ends before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum TarError {
    /// The bytes cannot be had.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The bytes are no tar.
    #[error("not a tar header at byte {at_bytes}: {reason}")]
    Format {
        /// Where the header begins.
        at_bytes: u64,
        /// What is wrong with it.
        reason: ParseError,
    },
    /// A header goes on and on.
    #[error("the header at byte {0} has no end")]
    Endless(u64),
    /// The archive ends within a member.
    #[error("cut short at byte {0}")]
    Short(u64),
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name as written.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: MemberKind,
    /// Permission bits, with sticky, setuid and setgid.
    pub(super) mode: u32,
    /// Where its bytes are.
    pub(super) content: Content,
}

impl Member {
    /// What it takes to know it, beside its fixed part, in bytes.
    pub(super) fn table_bytes(&self) -> usize {
        let target = match &self.kind {
            MemberKind::HardLink(target) | MemberKind::Link(target) => target.len(),
            MemberKind::File | MemberKind::Directory | MemberKind::Other => 0,
        };
        let stretches = self.content.stretches.as_ref().map_or(0, |it| it.len() * size_of::<(u64, u64)>());
        self.name.len() + target + stretches
    }
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemberKind {
    /// A regular file.
    File,
    /// Another name of the member with this name.
    HardLink(Vec<u8>),
    /// A symbolic link and its target.
    Link(Vec<u8>),
    /// A directory.
    Directory,
    /// A device or FIFO.
    Other,
}

/// Where the bytes of a member are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Content {
    /// Where they begin in the archive, after decompression.
    pub(super) offset_bytes: u64,
    /// How many are there.
    pub(super) stored_bytes: u64,
    /// Size of the file; more than what is stored where it has holes.
    pub(super) size_bytes: u64,
    /// Stretches of data of a file with holes: where each begins in the file, and its length.
    pub(super) stretches: Option<Arc<Vec<(u64, u64)>>>,
}

/// Bytes in order, of which some are passed over.
pub(super) trait Source {
    /// As [`Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Passes over `count_bytes`; says how many were there.
    fn skip(&mut self, count_bytes: u64) -> io::Result<u64>;

    /// What stands behind the archive is of no use; where a stream has a checksum, that stands there.
    fn finish(&mut self) -> io::Result<()>;
}

/// A file: what is passed over is not read.
pub(super) struct FromFile<'a> {
    pub(super) file: &'a dyn ReadAt,
    pub(super) at_bytes: u64,
}

impl Source for FromFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at_bytes, buffer)?;
        self.at_bytes += count as u64;
        Ok(count)
    }

    fn skip(&mut self, count_bytes: u64) -> io::Result<u64> {
        let skipped = count_bytes.min(self.file.size_bytes().saturating_sub(self.at_bytes));
        self.at_bytes += skipped;
        Ok(skipped)
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream.
pub(super) struct FromStream<R>(pub(super) R);

impl<R: Read> Source for FromStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn skip(&mut self, count_bytes: u64) -> io::Result<u64> {
        let mut waste = [0; SKIP_BYTES];
        let mut left = count_bytes;
        while 0 < left {
            let wanted = waste.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.0.read(waste.get_mut(..wanted).unwrap_or_default())? {
                0 => break,
                count => left -= count as u64,
            }
        }
        Ok(count_bytes - left)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.skip(u64::MAX)?;
        Ok(())
    }
}

/// The members of an archive.
pub(super) struct Members<S> {
    source: S,
    parser: Parser,
    /// Headers that were read and not understood yet; what was read beyond them.
    buffer: Vec<u8>,
    /// Where the source stands.
    at_bytes: u64,
    /// Content of the last member that was not read, in bytes.
    left_bytes: u64,
    /// What fills its last block.
    padding_bytes: u64,
}

impl<S: Source> Members<S> {
    /// The members that `source` holds, from its beginning.
    pub(super) fn new(source: S) -> Self {
        let limits = Limits {
            max_metadata_size: EXTENSION_BYTES,
            max_path_len: Some(PATH_BYTES),
            max_sparse_entries: SPARSE_ENTRIES,
            ..Limits::default()
        };
        let mut parser = Parser::new(limits);
        parser.set_allow_empty_path(true);
        parser.set_ignore_pax_errors(true);
        Self { source, parser, buffer: Vec::new(), at_bytes: 0, left_bytes: 0, padding_bytes: 0 }
    }

    /// Where the archive was read up to.
    pub(super) fn at_bytes(&self) -> u64 {
        self.at_bytes
    }

    /// Reads what is behind the last member.
    pub(super) fn finish(&mut self) -> Result<(), TarError> {
        Ok(self.source.finish()?)
    }

    /// The next member; content that was not read is passed over.
    pub(super) fn next(&mut self) -> Result<Option<Member>, TarError> {
        self.skip(self.left_bytes.saturating_add(self.padding_bytes))?;
        (self.left_bytes, self.padding_bytes) = (0, 0);
        loop {
            let begin = self.at_bytes - self.buffer.len() as u64;
            let event = self.parser.parse(&self.buffer);
            let missing = match event.map_err(|reason| TarError::Format { at_bytes: begin, reason })? {
                ParseEvent::End { .. } => return Ok(None),
                ParseEvent::NeedData { min_bytes } => min_bytes,
                ParseEvent::GlobalExtensions { consumed, .. } => {
                    self.buffer.drain(..consumed.min(self.buffer.len()));
                    continue;
                }
                ParseEvent::Entry { entry, consumed } => {
                    let member = member(&entry, begin.saturating_add(consumed as u64), None);
                    return Ok(Some(self.begin(member, consumed)));
                }
                ParseEvent::SparseEntry { entry, sparse_map, real_size, consumed } => {
                    let sparse = Some((sparse_map, real_size));
                    let member = member(&entry, begin.saturating_add(consumed as u64), sparse);
                    return Ok(Some(self.begin(member, consumed)));
                }
            };
            // The parser asks for the same again where a list in a header has no end.
            if missing <= self.buffer.len() || HEADERS_BYTES < missing {
                return Err(TarError::Endless(begin));
            }
            if !self.fill(missing)? {
                // Archives without the two empty blocks at the end are common.
                return if self.buffer.is_empty() { Ok(None) } else { Err(TarError::Short(self.at_bytes)) };
            }
        }
    }

    /// Content of the last member; 0 at its end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        let wanted = buffer.len().min(usize::try_from(self.left_bytes).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let ahead = wanted.min(self.buffer.len());
        if 0 < ahead {
            for (to, from) in buffer.iter_mut().zip(self.buffer.drain(..ahead)) {
                *to = from;
            }
            self.left_bytes -= ahead as u64;
            return Ok(ahead);
        }
        let count = self.source.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        if count == 0 {
            return Err(TarError::Short(self.at_bytes));
        }
        self.at_bytes += count as u64;
        self.left_bytes -= count as u64;
        Ok(count)
    }

    fn begin(&mut self, member: Member, header_bytes: usize) -> Member {
        self.buffer.drain(..header_bytes.min(self.buffer.len()));
        self.left_bytes = member.content.stored_bytes;
        self.padding_bytes = self.left_bytes.wrapping_neg() % HEADER_SIZE as u64;
        member
    }

    fn skip(&mut self, count_bytes: u64) -> Result<(), TarError> {
        let ahead = self.buffer.len().min(usize::try_from(count_bytes).unwrap_or(usize::MAX));
        self.buffer.drain(..ahead);
        let skipped = self.source.skip(count_bytes - ahead as u64)?;
        self.at_bytes = self.at_bytes.saturating_add(skipped);
        // The last block may be cut off where nothing follows it.
        let needed = count_bytes.min(self.left_bytes);
        if skipped.saturating_add(ahead as u64) < needed { Err(TarError::Short(self.at_bytes)) } else { Ok(()) }
    }

    /// Whether the buffer holds `wanted` bytes now.
    fn fill(&mut self, wanted: usize) -> Result<bool, TarError> {
        let before = self.buffer.len();
        let mut have = before;
        self.buffer.resize(wanted.max(have), 0);
        while let Some(rest) = self.buffer.get_mut(have..).filter(|it| !it.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let whole = self.buffer.len() == have;
        self.at_bytes += (have - before) as u64;
        self.buffer.truncate(have);
        Ok(whole)
    }
}

fn member(entry: &ParsedEntry<'_>, offset_bytes: u64, sparse: Option<(Vec<SparseEntry>, u64)>) -> Member {
    let target = || entry.link_target.as_deref().unwrap_or_default().to_vec();
    let kind = match entry.entry_type {
        EntryType::Regular | EntryType::Continuous | EntryType::GnuSparse => MemberKind::File,
        EntryType::Link => MemberKind::HardLink(target()),
        EntryType::Symlink => MemberKind::Link(target()),
        EntryType::Directory => MemberKind::Directory,
        EntryType::Char
        | EntryType::Block
        | EntryType::Fifo
        | EntryType::GnuLongName
        | EntryType::GnuLongLink
        | EntryType::XHeader
        | EntryType::XGlobalHeader
        | EntryType::Other(_) => MemberKind::Other,
    };
    // A name of old archives that ends with a slash is that of a directory.
    let is_directory = kind == MemberKind::File && entry.path.ends_with(b"/");
    let kind = if is_directory { MemberKind::Directory } else { kind };
    // Only files have content, whatever the size field of a link says: as the writers of images read it (Go's archive/tar).
    let stored_bytes = if kind == MemberKind::File { entry.size } else { 0 };
    let (stretches, size_bytes) = match sparse {
        Some((map, size)) => (Some(Arc::new(map.iter().map(|it| (it.offset, it.length)).collect())), size),
        None => (None, stored_bytes),
    };
    let content = Content { offset_bytes, stored_bytes, size_bytes, stretches };
    Member { name: entry.path.to_vec(), kind, mode: entry.mode & 0o7777, content }
}
