//! What the tests share: ELF files and file trees written from text, without a compiler and without binaries.
//!
//! ```ignore
//! mod support;                                    // in tests/NAME.rs
//! let tree = support::tree(r#"
//!     [[file]]
//!     path = "/lib/libx.so.1"
//!     elf  = { soname = "libx.so.1", needed = ["liby.so"], defines = ["f"], text = ["OpenBLAS 0.3.29"] }
//!     [[link]]
//!     path   = "/lib/libx.so"
//!     target = "libx.so.1"
//! "#);
//! ```
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod archive;
pub mod contract;
pub mod elf_builder;
pub mod elf_file;
pub mod elf_tables;
pub mod elf_writer;
pub mod fixture;
pub mod image;
pub mod listing;
pub mod macho_writer;
pub mod python;
pub mod same_tree;
pub mod source;
pub mod squash_writer;
pub mod tar_writer;
pub mod transcript;

pub use elf_builder::ElfSpec;
pub use fixture::{Fixture, tree};
pub use macho_writer::MachSpec;
pub use python::PYTHON;
