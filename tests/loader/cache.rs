//! Writes `/etc/ld.so.cache` as `ldconfig` of glibc 2.33 and later does, little-endian, entries of x86-64.

use std::cmp::Ordering;

const HEADER: usize = 48;
const ENTRY: usize = 24;
/// Magic of the extension directory, glibc `dl-cache.h`.
const EXTENSIONS: u32 = 0xeaa4_2174;

/// The file for entries of soname, path and perhaps a hwcaps level.
pub fn bytes(entries: &[Vec<String>]) -> Vec<u8> {
    let mut sorted: Vec<&Vec<String>> = entries.iter().collect();
    // The loader searches by halving: descending by name, hwcaps entries first, else in the order given.
    sorted.sort_by(|a, b| compare_names(&b[0], &a[0]).then(b.len().cmp(&a.len())));
    let mut levels: Vec<&String> = sorted.iter().filter_map(|it| it.get(2)).collect();
    levels.sort();
    levels.dedup();
    let strings_at = HEADER + ENTRY * sorted.len();
    let mut strings = Vec::new();
    let mut add = |text: &str| {
        let at = (strings_at + strings.len()) as u32;
        strings.extend([text.as_bytes(), b"\0"].concat());
        at
    };
    let level_offsets: Vec<u32> = levels.iter().map(|level| add(level)).collect();
    let mut table = Vec::new();
    for entry in &sorted {
        let hwcap =
            entry.get(2).map_or(0, |level| 1_u64 << 62 | levels.iter().position(|it| *it == level).unwrap() as u64);
        for value in [0x0303, add(&entry[0]), add(&entry[1]), 0] {
            table.extend(value.to_le_bytes());
        }
        table.extend(hwcap.to_le_bytes());
    }
    let strings_size = strings.len() as u32;
    let extension_at = (strings_at + strings.len()).next_multiple_of(4);
    let mut out = b"glibc-ld.so.cache1.1".to_vec();
    for value in [sorted.len() as u32, strings_size, 2, if levels.is_empty() { 0 } else { extension_at as u32 }] {
        out.extend(value.to_le_bytes());
    }
    out.resize(HEADER, 0);
    out.extend(table);
    out.extend(strings);
    if !levels.is_empty() {
        out.resize(extension_at, 0);
        let size = 4 * level_offsets.len() as u32;
        for value in [EXTENSIONS, 1, 1, 0, extension_at as u32 + 24, size].into_iter().chain(level_offsets) {
            out.extend(value.to_le_bytes());
        }
    }
    out
}

/// glibc's `_dl_cache_libcmp`: numbers count by value and come after every letter.
fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (x.is_ascii_digit(), y.is_ascii_digit()) {
                (true, true) => {
                    let (x, rest_a) = number(a);
                    let (y, rest_b) = number(b);
                    if x != y {
                        return x.cmp(&y);
                    }
                    (a, b) = (rest_a, rest_b);
                }
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                (false, false) if x != y => return x.cmp(y),
                (false, false) => (a, b) = (&a[1..], &b[1..]),
            },
        }
    }
}

fn number(text: &[u8]) -> (u64, &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].iter().fold(0, |value, b| value * 10 + u64::from(b - b'0')), &text[end..])
}
