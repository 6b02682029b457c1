//! The table of a SIF file, the container format of Apptainer and Singularity: where its file system lies.
//!
//! A SIF is a header, a table of descriptors, and objects: a definition file, labels, signatures, and partitions. The
//! primary system partition is the root of the container. Nothing is copied out: `squashfs` reads it where it lies.
//!
//! Invariant: every range that leaves this file lies inside the SIF.

use std::io;

use crate::base::{ReadAt, printable, read_range};

/// `SIF_MAGIC` and NUL, behind the line that starts the container.
const MAGIC: &[u8; 10] = b"SIF_MAGIC\0";

/// Where the magic stands: the launch line takes what is before.
const MAGIC_AT: usize = 32;

/// Size of the header.
const HEADER_BYTES: u64 = 128;

/// Size of one descriptor.
const DESCRIPTOR_BYTES: usize = 585;

/// Descriptors that are read: Apptainer makes room for 48.
const DESCRIPTORS: u64 = 4096;

/// Largest configuration that is read, in bytes.
const CONFIGURATION_BYTES: u64 = 8 << 20;

/// Name of the object that holds the configuration of the OCI image that the container was made from.
const CONFIGURATION: &[u8] = b"oci-config.json";

const PARTITION: u32 = 0x4004;
const JSON: u32 = 0x4006;
const OCI_INDEX: u32 = 0x400a;

const PRIMARY_SYSTEM: u32 = 2;
const OVERLAY: u32 = 4;

const SQUASHFS: u32 = 1;

/// What a SIF file says of its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sif {
    /// Where the SquashFS image of the container's root begins.
    pub partition_offset_bytes: u64,
    /// Its size.
    pub partition_size_bytes: u64,
    /// The machine of the container in the words of OCI: `amd64`, `arm64`; `None` where the file does not say.
    pub architecture: Option<&'static str>,
    /// The bytes of `oci-config.json`, where the container was made from an OCI image by a recent Apptainer.
    pub oci_config: Option<Vec<u8>>,
    /// What else in the file changes what a process sees, and is not read: one sentence each.
    pub unread: Vec<String>,
}

/// Whether a file that begins with `first` is a SIF; 42 bytes tell.
pub fn is_sif(first: &[u8]) -> bool {
    first.get(MAGIC_AT..).is_some_and(|it| it.starts_with(MAGIC))
}

/// Reads the table of a SIF file.
///
/// # Errors
/// When it is no SIF, its table lies, or the root of the container is missing or of a kind that is not read; whatever the
/// file system says.
pub fn read(file: &dyn ReadAt) -> io::Result<Sif> {
    let descriptors = descriptors(file)?;
    let mut primary = descriptors.iter().filter(|it| it.partition() == Some(PRIMARY_SYSTEM));
    let (root, second) = (primary.next(), primary.next());
    let root = match (root, second) {
        (Some(root), None) => root,
        (Some(_), Some(_)) => return Err(malformed("it has two primary system partitions")),
        (None, _) if descriptors.iter().any(|it| it.kind == OCI_INDEX) => {
            return Err(unsupported(
                "it holds an OCI image instead of a file system (OCI-SIF), which is not supported",
            ));
        }
        (None, _) => return Err(malformed("it has no primary system partition")),
    };
    if root.file_system() != SQUASHFS {
        let kind = file_system_name(root.file_system());
        return Err(unsupported(&format!("its primary system partition is {kind}, which is not supported")));
    }
    let mut unread: Vec<String> = descriptors.iter().filter_map(Descriptor::hidden).collect();
    let oci_config = match descriptors.iter().find(|it| it.kind == JSON && it.name() == CONFIGURATION) {
        Some(it) if CONFIGURATION_BYTES < it.size_bytes => {
            unread.push(format!("oci-config.json has {} bytes: at most {CONFIGURATION_BYTES} are read", it.size_bytes));
            None
        }
        Some(it) => Some(read_range(file, it.offset_bytes, it.size_bytes)?),
        None => None,
    };
    Ok(Sif {
        partition_offset_bytes: root.offset_bytes,
        partition_size_bytes: root.size_bytes,
        architecture: root.architecture(),
        oci_config,
        unread,
    })
}

/// One used descriptor, its range checked.
struct Descriptor {
    kind: u32,
    number: u32,
    offset_bytes: u64,
    size_bytes: u64,
    bytes: Vec<u8>,
}

fn descriptors(file: &dyn ReadAt) -> io::Result<Vec<Descriptor>> {
    if file.size_bytes() < HEADER_BYTES {
        return Err(malformed("it is shorter than a header"));
    }
    let header = read_range(file, 0, HEADER_BYTES)?;
    if !is_sif(&header) {
        return Err(malformed("it does not begin with a SIF header"));
    }
    let version = header.get(42..44).unwrap_or_default();
    if version != b"01" {
        return Err(unsupported(&format!("SIF version {} is not supported, only 01", printable(version))));
    }
    let (count, offset, length) = (word(&header, 88), word(&header, 96), word(&header, 104));
    if DESCRIPTORS < count {
        return Err(malformed(&format!("its header announces {count} descriptors, at most {DESCRIPTORS} are read")));
    }
    let table_bytes = count.saturating_mul(DESCRIPTOR_BYTES as u64);
    let inside = offset.checked_add(table_bytes).is_some_and(|end| end <= file.size_bytes());
    if !inside || length < table_bytes || offset < HEADER_BYTES {
        return Err(malformed(&format!(
            "its header puts {count} descriptors into {length} bytes at {offset}; the file has {} bytes",
            file.size_bytes()
        )));
    }
    let table = read_range(file, offset, table_bytes)?;
    let used = table.chunks_exact(DESCRIPTOR_BYTES).filter(|it| it.get(4).is_some_and(|used| *used != 0));
    used.map(|bytes| Descriptor::read(bytes, file.size_bytes())).collect()
}

impl Descriptor {
    fn read(bytes: &[u8], file_bytes: u64) -> io::Result<Self> {
        let (kind, number) = (half(bytes, 0), half(bytes, 5));
        let (offset_bytes, size_bytes) = (word(bytes, 17), word(bytes, 25));
        // Both are signed there: a negative one is far outside.
        if offset_bytes.checked_add(size_bytes).is_none_or(|end| file_bytes < end) {
            return Err(malformed(&format!(
                "it is cut off, or its table lies: object {number} has {size_bytes} bytes at {offset_bytes}, the file has {file_bytes} bytes"
            )));
        }
        Ok(Self { kind, number, offset_bytes, size_bytes, bytes: bytes.to_vec() })
    }

    fn name(&self) -> &[u8] {
        self.bytes.get(73..201).unwrap_or_default().split(|it| *it == 0).next().unwrap_or_default()
    }

    /// The kind of partition, where it is one.
    fn partition(&self) -> Option<u32> {
        (self.kind == PARTITION).then(|| half(&self.bytes, 205))
    }

    fn file_system(&self) -> u32 {
        half(&self.bytes, 201)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some(match self.bytes.get(209..211)? {
            b"01" => "386",
            b"02" => "amd64",
            b"03" => "arm",
            b"04" => "arm64",
            b"05" => "ppc64",
            b"06" => "ppc64le",
            b"07" => "mips",
            b"08" => "mipsle",
            b"09" => "mips64",
            b"10" => "mips64le",
            b"11" => "s390x",
            b"12" => "riscv64",
            _ => return None,
        })
    }

    /// Says of an overlay that it is not read.
    fn hidden(&self) -> Option<String> {
        if self.partition() != Some(OVERLAY) {
            return None;
        }
        let kind = file_system_name(self.file_system());
        Some(format!(
            "object {} is an overlay ({kind}, {} bytes), which is not read: it can hide, replace and add files",
            self.number, self.size_bytes
        ))
    }
}

fn file_system_name(number: u32) -> String {
    match number {
        SQUASHFS => "SquashFS".to_owned(),
        2 => "an ext3 file system".to_owned(),
        3 => "an archive".to_owned(),
        4 => "raw data".to_owned(),
        5 => "an encrypted SquashFS".to_owned(),
        other => format!("of the unknown kind {other}"),
    }
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u32::from_le_bytes(*it))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u64::from_le_bytes(*it))
}

fn malformed(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn unsupported(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, text)
}
