//! Drawings of one node: `tests/report/picture/expected.txt` holds them all, `UPDATE=1` rewrites it.

use std::fmt::Write as _;

use pyhpc_audit::facts::{Picture, RankMask};
use pyhpc_audit::report::{Look, node_picture};

/// A node of one socket per 64 cores at most, on which nothing runs.
pub(crate) fn node(cores: u32, sockets: u32, numa: u32) -> Picture {
    Picture {
        sockets: Some(sockets),
        numa: Some(numa),
        cores: Some(cores),
        smt: 1,
        ranks_per_node: None,
        ranks: Vec::new(),
        binding: "unknown".into(),
        threads: None,
        notes: Vec::new(),
    }
}

/// Ranks with masks, each with threads that bind themselves to `threads_on`.
pub(crate) fn with(
    picture: Picture,
    binding: &str,
    ranks: u32,
    threads: u64,
    cpus: impl Fn(u32) -> Vec<u32>,
    threads_on: impl Fn(u32) -> Vec<u32>,
) -> Picture {
    let rank = |it: u32| RankMask { rank: u64::from(it), cpus: cpus(it), threads_on: threads_on(it) };
    Picture {
        ranks_per_node: Some(u64::from(ranks)),
        ranks: (0..ranks).map(rank).collect(),
        binding: binding.into(),
        threads: Some(threads),
        ..picture
    }
}

fn free(_: u32) -> Vec<u32> {
    Vec::new()
}

fn cases() -> Vec<(&'static str, Picture)> {
    let noted = |picture: Picture, note: &str| Picture { notes: vec![note.into()], ..picture };
    vec![
        (
            "8 ranks x 16 threads, right",
            with(node(128, 2, 8), "exclusive", 8, 16, |it| (it * 16..it * 16 + 16).collect(), free),
        ),
        (
            "unbound, and OpenMP binds every rank to the same cores",
            with(node(64, 2, 2), "none", 8, 8, |_| (0..64).collect(), |_| (0..8).collect()),
        ),
        ("unbound and nothing else", with(node(64, 2, 2), "none", 8, 8, |_| (0..64).collect(), free)),
        ("7 threads on one core", with(node(42, 2, 2), "exclusive", 6, 7, |it| vec![it * 7], free)),
        (
            "every rank may use all cores, spread starts them at the same",
            with(node(96, 2, 2), "shared", 8, 12, |_| (0..96).collect(), |_| (0..96).step_by(8).collect()),
        ),
        (
            "two packages, 8 ranks each",
            with(
                node(64, 2, 2),
                "shared",
                16,
                4,
                |it| if it < 8 { (0..32).collect() } else { (32..64).collect() },
                |it| if it < 8 { (0..4).collect() } else { (32..36).collect() },
            ),
        ),
        (
            "1 rank on 1 core with 32 threads",
            noted(
                with(node(32, 1, 1), "exclusive", 1, 32, |_| vec![0], free),
                "the variables that would unbind it are not read by this launcher",
            ),
        ),
        (
            "node unknown",
            noted(
                Picture {
                    cores: None,
                    sockets: None,
                    numa: None,
                    ranks_per_node: Some(8),
                    threads: Some(16),
                    ..node(1, 1, 1)
                },
                "cores of the node: `cores` of a `[node]` table in site.toml would decide it",
            ),
        ),
        ("binding unknown", with(node(64, 1, 4), "unknown", 4, 8, free, free)),
    ]
}

fn sizes() -> Vec<(&'static str, Picture)> {
    let smt = |picture: Picture| Picture { smt: 2, ..picture };
    vec![
        (
            "two ranks on the hardware threads of each core",
            with(smt(node(8, 1, 1)), "exclusive", 16, 1, |it| vec![it], free),
        ),
        (
            "both hardware threads of each core",
            with(
                smt(node(64, 2, 8)),
                "exclusive",
                8,
                16,
                |it| (it * 8..it * 8 + 8).chain(64 + it * 8..64 + it * 8 + 8).collect(),
                free,
            ),
        ),
        ("oversubscribed, unbound", with(node(48, 2, 4), "none", 48, 48, |_| (0..48).collect(), free)),
        ("one rank per core", with(node(128, 2, 8), "exclusive", 128, 1, |it| vec![it], free)),
        ("256 cores", with(node(256, 2, 8), "exclusive", 16, 16, |it| (it * 16..it * 16 + 16).collect(), free)),
        ("1 core", with(node(1, 1, 1), "exclusive", 1, 1, |_| vec![0], free)),
        (
            "half of the node idle",
            with(
                node(64, 2, 2),
                "exclusive",
                4,
                8,
                |it| (it * 8..it * 8 + 8).collect(),
                |it| (it * 8..it * 8 + 8).collect(),
            ),
        ),
        (
            "threads leave the mask",
            with(node(16, 1, 1), "exclusive", 4, 2, |it| vec![it * 2, it * 2 + 1], |it| vec![it * 2, it * 2 + 4]),
        ),
    ]
}

#[test]
fn every_node_is_drawn_as_expected() {
    let mut drawn = String::new();
    for (title, picture) in cases().into_iter().chain(sizes()) {
        writeln!(drawn, "--- {title}\n{}", node_picture(&picture, &Look::BATCH)).unwrap();
    }
    super::check("picture", "expected.txt", &drawn);
}

#[test]
fn every_size_keeps_to_the_page() {
    for cores in 1..=256 {
        for (sockets, numa) in [(1, 1), (2, 2), (2, 8), (4, 4), (3, 3)] {
            for width_columns in [60, 80, 100, 160] {
                let each = (cores / 8).max(1);
                let mask = |it: u32| (it * each..it * each + each).collect();
                let picture = with(node(cores, sockets, numa), "exclusive", 8, 9, mask, free);
                let text = node_picture(&picture, &Look { width_columns, ..Look::BATCH });
                let widest = text.lines().map(str::len).max().unwrap();
                assert!(widest <= usize::from(width_columns), "{cores} {width_columns}:\n{text}");
                let drawn: usize = text
                    .lines()
                    .filter(|it| it.starts_with("  socket") || it.starts_with("  cores  "))
                    .map(|it| it[22.min(it.len())..].chars().filter(|it| *it != ' ').count())
                    .sum();
                assert_eq!(drawn, usize::try_from(cores).unwrap(), "{text}");
            }
        }
    }
}

#[test]
fn any_numbers_will_do() {
    for picture in [
        Picture {
            smt: u32::MAX,
            ..with(node(u32::MAX, 0, 0), "?", 3, u64::MAX, |_| vec![0, u32::MAX], |_| vec![u32::MAX])
        },
        Picture {
            smt: 0,
            ..with(node(4096, 4096, 4096), "exclusive", 3, u64::MAX, |_| vec![0, 0, u32::MAX], |_| vec![u32::MAX, 0])
        },
        with(node(0, 0, 0), "none", 3, 0, |_| vec![0], free),
        with(node(7, 3, 5), "none", 3, 0, |_| vec![6, 5, 4], free),
    ] {
        node_picture(&picture, &Look::BATCH);
    }
}
