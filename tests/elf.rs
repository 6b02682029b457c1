//! The ELF reader against files whose content is known.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use pyhpc_audit::base::Bytes;
use pyhpc_audit::elf::{ElfError, Linkage, Object, Symbols, build_id, read_linkage, search_text};
use support::ElfSpec;

const MACHINES: [&str; 11] =
    ["x86_64", "x32", "i386", "aarch64", "aarch64_be", "ppc64", "ppc64le", "s390x", "s390", "arm", "riscv64"];

const RICH: &str = r#"
soname = "libx.so.1"
needed = ["liby.so.2", "libc.so.6"]
rpath = "$ORIGIN/../lib"
runpath = "/opt/a:/opt/b"
auxiliary = ["aux.so"]
filter = ["filter.so"]
audit = ["audit.so"]
depaudit = ["depaudit.so"]
no_default_library_path = true
interpreter = "/lib64/ld-linux-x86-64.so.2"
build_id = "00112233445566778899"
text = ["OpenBLAS 0.3.29 NO_AFFINITY", "second"]
comment = "GCC: (Debian) 12.2.0"
defines_versions = ["X_1"]
defines = ["f", "g1", "g2", "g3", { name = "w", weak = true, version = "X_2" }, { name = "hidden", hidden = true },
  { name = "local", local = true }, { name = "version_text", text = "1.2.3" }, { name = "zero", kind = "bss", size_bytes = 64 },
  { name = "absolute", kind = "absolute" }]
wants = ["a", { name = "b", weak = true }, { name = "c", version = "GLIBC_2.17", from = "libc.so.6" }]
needs_versions = [{ file = "libm.so.6", versions = ["GLIBC_2.29"], weak = ["GLIBC_2.99"] }]
"#;

fn file(bytes: Vec<u8>) -> Arc<Bytes> {
    Arc::new(Bytes(Arc::new(bytes)))
}

#[test]
fn smoke() {
    let spec = ElfSpec::parse(RICH);
    let object = Object::open(file(spec.build())).unwrap();
    println!("{:?}", object.linkage);
    let symbols = object.symbols().unwrap();
    println!("{:?} {:?}", symbols.definition(b"f"), symbols.wanted());
    std::fs::write("/tmp/elf-helper-smoke.so", spec.build()).unwrap();
}
