//! The ELF reader: against files whose content is known, against a second reader, and against broken bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "elf/foreseen.rs"]
mod foreseen;
#[path = "elf/known.rs"]
mod known;
#[path = "elf/mutated.rs"]
mod mutated;
#[path = "elf/oracle.rs"]
mod oracle;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyhpc_audit::base::{Bytes, ReadAt};
use support::ElfSpec;

/// Every class, byte order and entry size of DT_HASH.
const MACHINES: [&str; 11] =
    ["x86_64", "x32", "i386", "aarch64", "aarch64_be", "ppc64", "ppc64le", "s390x", "s390", "arm", "riscv64"];

/// An object with one of everything, for `machine`.
fn rich(machine: &str) -> ElfSpec {
    ElfSpec { machine: machine.to_owned(), ..ElfSpec::parse(include_str!("elf/rich.toml")) }
}

fn file(bytes: Vec<u8>) -> Arc<Bytes> {
    Arc::new(Bytes(Arc::new(bytes)))
}

/// A file that counts what is read of it.
#[derive(Default)]
struct Counted {
    inner: Bytes,
    reads: AtomicU64,
    read_bytes: AtomicU64,
}

impl Counted {
    fn new(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { inner: Bytes(Arc::new(bytes)), ..Self::default() })
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl ReadAt for Counted {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read_bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.inner.read_at(offset_bytes, buffer)
    }

    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }
}
