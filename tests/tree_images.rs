//! SquashFS images and SIF files against the contract of `Tree`: what is in them, and what they may not do.
//!
//! Images come from three hands: the crate `backhand` in all compressors, `tests/support/squash_writer.rs` for every shape
//! and every lie, and the machine's mksquashfs with its options. Where mksquashfs is missing the last says so and passes;
//! with `ORACLE=1` it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

#[path = "tree_images/content.rs"]
mod content;
#[path = "tree_images/hostile.rs"]
mod hostile;
#[path = "tree_images/mksquashfs.rs"]
mod mksquashfs;
#[path = "tree_images/sif.rs"]
mod sif;
#[path = "tree_images/squashfs.rs"]
mod squashfs;
mod support;
