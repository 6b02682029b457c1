//! Any bytes as a SIF file: no panic, and what is found lies inside.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::base::Bytes;
use pyhpc_audit::tree::sif::read;

fuzz_target!(|bytes: &[u8]| {
    let file = Bytes(Arc::new(bytes.to_vec()));
    if let Ok(found) = read(&file) {
        let end = found.partition_offset_bytes.checked_add(found.partition_size_bytes).expect("it was checked");
        assert!(end <= bytes.len() as u64);
        assert!(found.oci_config.is_none_or(|it| it.len() <= bytes.len()));
    }
});
