//! Names of machines, as `uname -m` writes them.

use super::Linkage;

impl Linkage {
    /// The machine as `uname -m` names it; `unknown` for machines that run no Python on clusters.
    pub fn machine_name(&self) -> &'static str {
        match (self.machine, self.bits, self.little_endian) {
            (3, 32, true) => "i386",
            (8, 32, false) => "mips",
            (8, 32, true) => "mipsel",
            (8, 64, false) => "mips64",
            (8, 64, true) => "mips64el",
            (20, 32, false) => "ppc",
            (21, 64, false) => "ppc64",
            (21, 64, true) => "ppc64le",
            (22, 32, false) => "s390",
            (22, 64, false) => "s390x",
            (40, 32, true) => "arm",
            (40, 32, false) => "armeb",
            (43, 64, false) => "sparc64",
            (62, 64, true) => "x86_64",
            (62, 32, true) => "x32",
            (183, 64, true) => "aarch64",
            (183, 64, false) => "aarch64_be",
            (243, 32, true) => "riscv32",
            (243, 64, true) => "riscv64",
            (258, 64, true) => "loongarch64",
            _ => "unknown",
        }
    }
}
