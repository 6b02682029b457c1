//! Subdirectories that glibc tries below every search directory, by its version and the CPU.
//!
//! Source: measured on glibc 2.23 to 2.43 (x86-64); the levels of other machines from glibc's manual.

use std::cmp::Ordering;

use crate::base::compare_versions;

/// What the CPU of the process can do, as far as the search for libraries depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuLevel {
    /// Any x86-64, or a machine without levels.
    Baseline,
    /// SSE4.2, POPCNT.
    X86V2,
    /// AVX2, FMA.
    X86V3,
    /// AVX-512.
    X86V4,
    /// ppc64le: POWER9.
    Power9,
    /// ppc64le: POWER10.
    Power10,
    /// s390x: z13.
    Z13,
    /// s390x: z14.
    Z14,
    /// s390x: z15.
    Z15,
    /// s390x: z16.
    Z16,
    /// s390x: z17.
    Z17,
}

/// `e_machine`, level and its directory, the best of each machine first. Source: glibc
/// `sysdeps/{x86_64,powerpc,s390}/.../dl-hwcaps-subdirs.c`; only x86-64 was measured.
const LEVELS: [(u16, CpuLevel, &str); 10] = [
    (62, CpuLevel::X86V4, "x86-64-v4"),
    (62, CpuLevel::X86V3, "x86-64-v3"),
    (62, CpuLevel::X86V2, "x86-64-v2"),
    (21, CpuLevel::Power10, "power10"),
    (21, CpuLevel::Power9, "power9"),
    (22, CpuLevel::Z17, "z17"),
    (22, CpuLevel::Z16, "z16"),
    (22, CpuLevel::Z15, "z15"),
    (22, CpuLevel::Z14, "z14"),
    (22, CpuLevel::Z13, "z13"),
];

/// Who makes the CPU: glibc names its old platform directories on Intel's only.
///
/// Source: glibc `sysdeps/x86/cpu-features.c` to 2.36; an EPYC with AVX-512 has neither `haswell` nor `avx512_1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CpuMaker {
    /// Intel.
    #[default]
    Intel,
    /// Anybody else.
    Other,
}

impl CpuLevel {
    /// Reads `x86-64-v3`.
    pub fn parse(text: &str) -> Option<Self> {
        if ["x86-64", "x86-64-v1", "baseline"].contains(&text) {
            return Some(Self::Baseline);
        }
        LEVELS.iter().find(|(.., word)| *word == text).map(|(_, level, _)| *level)
    }

    /// The word that [`CpuLevel::parse`] reads.
    pub fn word(self) -> &'static str {
        LEVELS.iter().find(|(_, level, _)| *level == self).map_or("baseline", |(.., word)| word)
    }

    /// The levels of a machine that are worth a comparison, the best first.
    pub fn of_machine(machine: u16) -> Vec<Self> {
        LEVELS.iter().filter(|(of, ..)| *of == machine).map(|(_, level, _)| *level).collect()
    }

    /// The bits of the ISA levels that an x86-64 CPU has: baseline, v2, v3, v4 (`GNU_PROPERTY_X86_ISA_1_NEEDED`). `None`
    /// where nothing is known of the CPU: no x86-64 CPU in use is below v2.
    pub(super) fn isa_bits(self) -> Option<u32> {
        match self {
            Self::X86V2 => Some(3),
            Self::X86V3 => Some(7),
            Self::X86V4 => Some(15),
            Self::Baseline
            | Self::Power9
            | Self::Power10
            | Self::Z13
            | Self::Z14
            | Self::Z15
            | Self::Z16
            | Self::Z17 => None,
        }
    }

    /// Whether the CPU has a level of `GNU_PROPERTY_X86_ISA_1_NEEDED`; `None` where nothing is known of the CPU.
    pub fn has_isa(self, level: u32) -> Option<bool> {
        Some(self.isa_bits()? & level != 0)
    }

    fn directories(self, machine: u16) -> impl Iterator<Item = String> {
        let own = LEVELS.iter().any(|(of, level, _)| *of == machine && *level == self);
        let below = LEVELS.iter().filter(move |(of, level, _)| own && *of == machine && *level <= self);
        below.map(|(.., word)| format!("glibc-hwcaps/{word}"))
    }
}

/// What the loader sees of a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// For glibc-hwcaps.
    pub(super) level: CpuLevel,
    /// To 2.36, on Intel's CPUs: the platform `haswell`.
    haswell: bool,
    /// To 2.36, on Intel's CPUs: the directory `avx512_1`.
    avx512: bool,
}

impl Capabilities {
    /// Nothing beyond the baseline.
    pub(super) const NONE: Self = Self { level: CpuLevel::Baseline, haswell: false, avx512: false };

    /// What is left of a CPU when `GLIBC_TUNABLES` switches features off: `glibc.cpu.hwcaps=-AVX2,-FMA`. Each level, and
    /// each old directory, wants all its features (glibc `sysdeps/x86_64/dl-hwcaps_subdirs.c`, to 2.36
    /// `sysdeps/x86/cpu-features.c`).
    pub(super) fn of(cpu: CpuLevel, maker: CpuMaker, tunables: &[u8]) -> Self {
        const V2: [&str; 7] = ["CMPXCHG16B", "LAHF64_SAHF64", "POPCNT", "SSE3", "SSSE3", "SSE4_1", "SSE4_2"];
        const V3: [&str; 8] = ["AVX", "AVX2", "BMI1", "BMI2", "F16C", "FMA", "LZCNT", "MOVBE"];
        const V4: [&str; 5] = ["AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"];
        const HASWELL: [&str; 7] = ["AVX2", "BMI1", "BMI2", "FMA", "LZCNT", "MOVBE", "POPCNT"];
        let text = String::from_utf8_lossy(tunables);
        let lists = text.split(':').filter_map(|it| it.strip_prefix("glibc.cpu.hwcaps="));
        let off: Vec<&str> = lists.flat_map(|it| it.split(',')).filter_map(|it| it.strip_prefix('-')).collect();
        let any = |features: &[&str]| off.iter().any(|it| features.contains(it));
        let limit = match (any(&V2), any(&V3), any(&V4)) {
            (true, _, _) => CpuLevel::Baseline,
            (false, true, _) => CpuLevel::X86V2,
            (false, false, true) => CpuLevel::X86V3,
            (false, false, false) => CpuLevel::X86V4,
        };
        let intel = |level: CpuLevel| maker == CpuMaker::Intel && level <= cpu && cpu <= CpuLevel::X86V4;
        Self {
            level: if CpuLevel::X86V4 < cpu { cpu } else { cpu.min(limit) },
            haswell: intel(CpuLevel::X86V3) && !any(&HASWELL),
            avx512: intel(CpuLevel::X86V4) && !any(V4.get(1..).unwrap_or_default()),
        }
    }

    /// `$PLATFORM` on x86-64: `haswell` from 2.28 on (measured in 2.31; 2.27 says `x86_64`).
    pub(super) fn platform(self, version: &str) -> &'static str {
        let named = compare_versions(version, "2.28") != Ordering::Less;
        if named && self.haswell { "haswell" } else { "x86_64" }
    }
}

/// Subdirectories in the order in which glibc `version` tries them; the directory itself comes after them.
///
/// The old directories of other machines than x86-64 (to 2.36) are not known here.
pub(super) fn subdirectories(version: &str, machine: u16, cpu: Capabilities) -> Vec<String> {
    let at_least = |other: &str| compare_versions(version, other) != Ordering::Less;
    let mut all = Vec::new();
    if at_least("2.33") {
        let known = |it: &String| match it.as_str() {
            "glibc-hwcaps/z16" => at_least("2.36"),
            "glibc-hwcaps/z17" => at_least("2.42"),
            _ => true,
        };
        all.extend(cpu.level.directories(machine).filter(known));
    }
    if !at_least("2.37") && machine == 62 {
        let mut words = vec!["tls", cpu.platform(version)];
        if at_least("2.26") {
            words.extend(cpu.avx512.then_some("avx512_1"));
            words.push("x86_64");
        }
        all.extend(combinations(&words));
    }
    all
}

/// `tls/haswell/x86_64`, `tls/haswell`, `tls/x86_64`, ... : every subset, most words first, as `_dl_important_hwcaps` counts.
fn combinations(words: &[&str]) -> Vec<String> {
    let count = 1_usize << words.len();
    let chosen = |mask: usize| {
        let picked = words.iter().enumerate().filter(|(at, _)| mask >> (words.len() - 1 - at) & 1 == 1);
        picked.map(|(_, word)| *word).collect::<Vec<_>>().join("/")
    };
    (1..count).rev().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, cpu: CpuLevel, count: usize, first: &str) {
        let all = subdirectories(version, 62, Capabilities::of(cpu, CpuMaker::Intel, b""));
        assert_eq!((all.len() + 1, all.first().map(String::as_str)), (count, Some(first)));
    }

    #[test]
    fn as_measured_with_avx512() {
        check("2.23", CpuLevel::X86V4, 4, "tls/x86_64");
        check("2.27", CpuLevel::X86V4, 16, "tls/x86_64/avx512_1/x86_64");
        check("2.31", CpuLevel::X86V4, 16, "tls/haswell/avx512_1/x86_64");
        check("2.36", CpuLevel::X86V4, 19, "glibc-hwcaps/x86-64-v4");
        check("2.41", CpuLevel::X86V4, 4, "glibc-hwcaps/x86-64-v4");
        assert!(subdirectories("2.41", 62, Capabilities::NONE).is_empty());
        let other = subdirectories("2.36", 62, Capabilities::of(CpuLevel::X86V4, CpuMaker::Other, b""));
        assert_eq!(other.get(3).map(String::as_str), Some("tls/x86_64/x86_64"));
        assert_eq!(other.len(), 10);
    }

    #[test]
    fn other_machines_have_their_own_levels() {
        let directories = |machine, cpu| subdirectories("2.41", machine, Capabilities::of(cpu, CpuMaker::Other, b""));
        assert_eq!(directories(21, CpuLevel::Power10), ["glibc-hwcaps/power10", "glibc-hwcaps/power9"]);
        assert_eq!(directories(22, CpuLevel::Z14), ["glibc-hwcaps/z14", "glibc-hwcaps/z13"]);
        assert!(directories(62, CpuLevel::Z14).is_empty());
        assert!(directories(183, CpuLevel::X86V4).is_empty());
    }

    #[test]
    fn tunables_lower_the_level() {
        let tuned = |text: &str| Capabilities::of(CpuLevel::X86V4, CpuMaker::Intel, text.as_bytes()).level.word();
        assert_eq!(tuned("glibc.malloc.check=1"), "x86-64-v4");
        assert_eq!(tuned("a.b=1:glibc.cpu.hwcaps=-AVX512VL,ERMS"), "x86-64-v3");
        assert_eq!(tuned("glibc.cpu.hwcaps=-AVX512F,-MOVBE"), "x86-64-v2");
        assert_eq!(tuned("glibc.cpu.hwcaps=-SSSE3"), "baseline");
    }
}
