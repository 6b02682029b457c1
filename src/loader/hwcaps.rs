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
}

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
        match text {
            "x86-64" | "x86-64-v1" | "baseline" => Some(Self::Baseline),
            "x86-64-v2" => Some(Self::X86V2),
            "x86-64-v3" => Some(Self::X86V3),
            "x86-64-v4" => Some(Self::X86V4),
            _ => None,
        }
    }

    fn directories(self) -> &'static [&'static str] {
        match self {
            Self::Baseline => &[],
            Self::X86V2 => &["glibc-hwcaps/x86-64-v2"],
            Self::X86V3 => &["glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2"],
            Self::X86V4 => &["glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2"],
        }
    }
}

/// Subdirectories in the order in which glibc `version` tries them; the directory itself comes after them.
pub(super) fn subdirectories(version: &str, cpu: CpuLevel, maker: CpuMaker) -> Vec<String> {
    let at_least = |other: &str| compare_versions(version, other) != Ordering::Less;
    let mut all = Vec::new();
    if at_least("2.33") {
        all.extend(cpu.directories().iter().map(|it| (*it).to_owned()));
    }
    if !at_least("2.37") {
        let mut words = vec!["tls", platform(version, cpu, maker)];
        if at_least("2.26") {
            if cpu >= CpuLevel::X86V4 && maker == CpuMaker::Intel {
                words.push("avx512_1");
            }
            words.push("x86_64");
        }
        all.extend(combinations(&words));
    }
    all
}

/// `$PLATFORM` on x86-64: `haswell` for Intel's CPUs with AVX2 from 2.28 on (measured in 2.31; 2.27 says `x86_64`).
pub(super) fn platform(version: &str, cpu: CpuLevel, maker: CpuMaker) -> &'static str {
    let named = compare_versions(version, "2.28") != Ordering::Less && maker == CpuMaker::Intel;
    if named && cpu >= CpuLevel::X86V3 { "haswell" } else { "x86_64" }
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
        let all = subdirectories(version, cpu, CpuMaker::Intel);
        assert_eq!((all.len() + 1, all.first().map(String::as_str)), (count, Some(first)));
    }

    #[test]
    fn as_measured_with_avx512() {
        check("2.23", CpuLevel::X86V4, 4, "tls/x86_64");
        check("2.27", CpuLevel::X86V4, 16, "tls/x86_64/avx512_1/x86_64");
        check("2.31", CpuLevel::X86V4, 16, "tls/haswell/avx512_1/x86_64");
        check("2.36", CpuLevel::X86V4, 19, "glibc-hwcaps/x86-64-v4");
        check("2.41", CpuLevel::X86V4, 4, "glibc-hwcaps/x86-64-v4");
        assert!(subdirectories("2.41", CpuLevel::Baseline, CpuMaker::Intel).is_empty());
        let other = subdirectories("2.36", CpuLevel::X86V4, CpuMaker::Other);
        assert_eq!(other.get(3).map(String::as_str), Some("tls/x86_64/x86_64"));
        assert_eq!(other.len(), 10);
    }
}
