//! Compressed streams, told apart by their first bytes.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use super::kept::Budget;
use super::tar::TarError;
use crate::base::ReadAt;

/// Memory that a decoder may ask for, in bytes: `xz -9` wants 65 MiB.
const XZ_MEMORY_BYTES: u64 = 128 << 20;

/// Window that a zstd stream may ask for, as a power of two: 128 MiB, the most that `zstd -d` takes unasked.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Compressed bytes that are read at once.
const READ_BYTES: usize = 128 << 10;

/// How many times its compressed size a stream may be: images reach ten.
const STREAM_RATIO: u64 = 100;

/// Decompressed bytes of one image beyond that: some seconds.
pub(super) const BEYOND_RATIO_BYTES: u64 = 12 << 30;

/// What a byte counts there that xz gives. Measured with zeros on one core: zstd 5 GB/s, gzip 3 GB/s, xz 0.16 GB/s.
const XZ_COUNTS: u64 = 12;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not at all.
    Plain,
    /// gzip, in one or more members.
    Gzip,
    /// Zstandard, in one or more frames.
    Zstd,
    /// xz, in one or more streams.
    Xz,
}

/// What is not read, by its first bytes.
const UNREAD: [(&[u8], &str); 3] = [(b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4"), (b"\x5d\0\0", "lzma")];

impl Coding {
    /// By the first bytes of a file.
    pub(super) fn of(head: &[u8]) -> Self {
        let skippable = head.get(1..4) == Some(b"\x2a\x4d\x18") && head.first().is_some_and(|it| it & 0xf0 == 0x50);
        if head.starts_with(b"\x1f\x8b") {
            Self::Gzip
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") || skippable {
            Self::Zstd
        } else if head.starts_with(b"\xfd7zXZ\0") {
            Self::Xz
        } else {
            Self::Plain
        }
    }

    /// The name of a compression that is not read.
    pub(super) fn unread(head: &[u8]) -> Option<&'static str> {
        UNREAD.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
    }

    /// The bytes of `file` as they were before they were compressed. Ends with an error where they are too many for
    /// what is there; `beyond` is for all streams together.
    pub(super) fn reader(self, file: Arc<dyn ReadAt>, beyond: &Budget) -> io::Result<Box<dyn Read + Send>> {
        let size_bytes = file.size_bytes();
        self.decoder(BufReader::with_capacity(READ_BYTES, InOrder { file, at_bytes: 0 }), size_bytes, beyond)
    }

    /// The same of a stream of `size_bytes`.
    pub(super) fn decoder<'a>(
        self,
        bytes: impl BufRead + Send + 'a,
        size_bytes: u64,
        beyond: &Budget,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        let left_bytes = size_bytes.saturating_mul(STREAM_RATIO);
        let counts = if self == Self::Xz { XZ_COUNTS } else { 1 };
        let decoder: Box<dyn Read + Send + 'a> = match self {
            Self::Plain => Box::new(bytes),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(bytes)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, liblzma::stream::CONCATENATED);
                Box::new(liblzma::bufread::XzDecoder::new_stream(bytes, stream.map_err(io::Error::other)?))
            }
        };
        Ok(Box::new(Bounded { decoder, left_bytes, counts, beyond: beyond.clone() }))
    }
}

/// A file from its beginning to its end.
struct InOrder {
    file: Arc<dyn ReadAt>,
    at_bytes: u64,
}

impl Read for InOrder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at_bytes, buffer)?;
        self.at_bytes += count as u64;
        Ok(count)
    }
}

/// A stream is longer than this program reads.
#[derive(Debug, thiserror::Error)]
#[error("more than {gibibytes} GiB and {STREAM_RATIO} times what is stored: the rest is not read")]
pub(super) struct TooLong {
    gibibytes: u64,
}

impl TooLong {
    /// Whether this is what an error says.
    pub(super) fn is(error: &TarError) -> bool {
        match error {
            TarError::Io(error) => error.get_ref().is_some_and(|it| it.is::<Self>()),
            TarError::Format { .. } | TarError::Endless(_) | TarError::Short(_) => false,
        }
    }
}

/// A stream asks for more memory than a decoder gets.
#[derive(Debug, thiserror::Error)]
#[error("needs more than {} MiB of memory to be decompressed: compress it with a smaller window", XZ_MEMORY_BYTES >> 20)]
pub(super) struct TooWide;

impl TooWide {
    /// Whether this is what an error says.
    pub(super) fn is(error: &TarError) -> bool {
        match error {
            TarError::Io(error) => error.get_ref().is_some_and(|it| it.is::<Self>()),
            TarError::Format { .. } | TarError::Endless(_) | TarError::Short(_) => false,
        }
    }

    /// Decoders say it in their own words: "Frame requires too much memory" and "memory limit reached".
    fn told(error: io::Error) -> io::Error {
        if error.to_string().contains("memory") { io::Error::other(Self) } else { error }
    }
}

/// A stream of at most so many bytes, and what is left beyond.
struct Bounded<'a> {
    decoder: Box<dyn Read + Send + 'a>,
    left_bytes: u64,
    /// What a byte of it takes from `beyond`.
    counts: u64,
    beyond: Budget,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer).map_err(TooWide::told)?;
        let further = (count as u64).saturating_sub(self.left_bytes);
        self.left_bytes = self.left_bytes.saturating_sub(count as u64);
        if 0 < further && !self.beyond.take(further.saturating_mul(self.counts)) {
            return Err(io::Error::other(TooLong { gibibytes: (BEYOND_RATIO_BYTES / self.counts) >> 30 }));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Bytes;

    #[test]
    fn a_stream_ends_where_it_is_too_long() {
        let read = |counts: u64, beyond_bytes: u64| {
            let file: Arc<dyn ReadAt> = Arc::new(Bytes(Arc::new(vec![7; 100])));
            let decoder = Box::new(InOrder { file, at_bytes: 0 });
            let mut bounded = Bounded { decoder, left_bytes: 50, counts, beyond: Budget::new(beyond_bytes) };
            io::copy(&mut bounded, &mut io::sink()).map_err(|it| it.to_string())
        };
        assert_eq!(read(1, 50), Ok(100));
        assert!(read(1, 49).is_err_and(|it| it.contains("more than 12 GiB") && it.contains("is not read")));
        assert_eq!(read(XZ_COUNTS, XZ_COUNTS * 50), Ok(100));
        assert!(read(XZ_COUNTS, XZ_COUNTS * 50 - 1).is_err_and(|it| it.contains("more than 1 GiB")));
    }
}
