//! How the blocks of an image are packed.
//!
//! Invariant: unpacking takes no more memory than the block that comes out, a window no larger, and the fixed tables of
//! the compressor: a packed block that claims more is damaged.

use std::io;

use super::damaged;

/// Memory that the xz decoder may take, in bytes: an image has windows of at most 1 MiB, and filters take little.
const XZ_MEMORY_BYTES: u64 = 16 << 20;

/// A compressor that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compressor {
    /// zlib, which the superblock calls gzip.
    Gzip,
    /// LZMA2 in an xz container, with or without a filter for machine code.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Compressor {
    /// The compressor with this number in the superblock.
    pub(super) fn of(number: u16) -> io::Result<Self> {
        let unsupported = |name: &str| {
            let text = format!("SquashFS compressed with {name} is not supported, only gzip, xz and zstd");
            Err(io::Error::new(io::ErrorKind::Unsupported, text))
        };
        match number {
            1 => Ok(Self::Gzip),
            2 => unsupported("lzma"),
            3 => unsupported("lzo"),
            4 => Ok(Self::Xz),
            5 => unsupported("lz4"),
            6 => Ok(Self::Zstd),
            other => Err(damaged(&format!("its superblock names the unknown compressor {other}"))),
        }
    }

    /// Unpacks one block into at most `limit_bytes`.
    pub(super) fn unpack(self, packed: &[u8], limit_bytes: usize) -> io::Result<Vec<u8>> {
        if packed.is_empty() {
            return Err(unfinished());
        }
        let mut unpacked = vec![0; limit_bytes];
        let count = match self {
            Self::Gzip => unpack_gzip(packed, &mut unpacked)?,
            Self::Xz => unpack_xz(packed, &mut unpacked)?,
            Self::Zstd => zstd::bulk::Decompressor::new()?.decompress_to_buffer(packed, unpacked.as_mut_slice())?,
        };
        unpacked.truncate(count);
        // What is remembered is counted by its length: a block of one byte must not keep the memory of a whole one.
        unpacked.shrink_to_fit();
        Ok(unpacked)
    }
}

fn unpack_gzip(packed: &[u8], unpacked: &mut [u8]) -> io::Result<usize> {
    let mut decoder = flate2::Decompress::new(true);
    let status = decoder.decompress(packed, unpacked, flate2::FlushDecompress::Finish).map_err(io::Error::other)?;
    match status {
        flate2::Status::StreamEnd => length(decoder.total_out()),
        flate2::Status::Ok | flate2::Status::BufError => Err(unfinished()),
    }
}

fn unpack_xz(packed: &[u8], unpacked: &mut [u8]) -> io::Result<usize> {
    let mut decoder = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, 0)?;
    let status = decoder.process(packed, unpacked, liblzma::stream::Action::Finish)?;
    match status {
        liblzma::stream::Status::StreamEnd => length(decoder.total_out()),
        liblzma::stream::Status::Ok | liblzma::stream::Status::GetCheck | liblzma::stream::Status::MemNeeded => {
            Err(unfinished())
        }
    }
}

fn length(count: u64) -> io::Result<usize> {
    usize::try_from(count).map_err(io::Error::other)
}

fn unfinished() -> io::Error {
    damaged("the packed bytes end early or hold more than a block")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const COMPRESSORS: [Compressor; 3] = [Compressor::Gzip, Compressor::Xz, Compressor::Zstd];

    fn pack(compressor: Compressor, bytes: &[u8]) -> Vec<u8> {
        match compressor {
            Compressor::Gzip => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compressor::Xz => {
                let mut packed = Vec::new();
                liblzma::read::XzEncoder::new(bytes, 0).read_to_end(&mut packed).unwrap();
                packed
            }
            Compressor::Zstd => zstd::bulk::compress(bytes, 3).unwrap(),
        }
    }

    #[test]
    fn a_block_comes_out_and_no_byte_more() {
        let bytes: Vec<u8> = (0..50_000_u32).map(|it| ((it * it) >> 7) as u8).collect();
        for compressor in COMPRESSORS {
            let packed = pack(compressor, &bytes);
            assert_eq!(compressor.unpack(&packed, bytes.len()).unwrap(), bytes, "{compressor:?}");
            assert_eq!(compressor.unpack(&packed, bytes.len() * 2).unwrap(), bytes, "{compressor:?}");
            assert!(compressor.unpack(&packed, bytes.len() - 1).is_err(), "{compressor:?}");
            assert!(compressor.unpack(&packed[..packed.len() - 1], bytes.len()).is_err(), "{compressor:?}");
            assert!(compressor.unpack(&[], 100).is_err(), "{compressor:?}");
            assert!(compressor.unpack(&packed, 1 << 20).unwrap().capacity() < 1 << 16, "{compressor:?}");
            let empty = pack(compressor, &[]);
            assert_eq!(compressor.unpack(&empty, 100).unwrap(), b"", "{compressor:?}");
        }
    }

    /// An xz block may ask for a dictionary of 4 GiB; zstd for a window of as much.
    #[test]
    fn a_window_larger_than_any_image_has_is_refused() {
        let mut packed = pack(Compressor::Xz, b"some bytes");
        // The block header begins at 12: size, flags, filter 0x21, size of its properties, dictionary.
        assert_eq!(packed[14..16], [0x21, 1]);
        packed[16] = 40;
        let length = (usize::from(packed[12]) + 1) * 4;
        let sum = crc32(&packed[12..12 + length - 4]).to_le_bytes();
        packed[12 + length - 4..12 + length].copy_from_slice(&sum);
        let error = Compressor::Xz.unpack(&packed, 100).unwrap_err().to_string();
        assert!(error.contains("memory"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let step = |sum: u32, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xedb8_8320 };
        !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
    }
}
