//! Which of several versions is the newest: each module system has its own order.

use std::cmp::Ordering;

use super::knowledge::System;

/// Compares versions as the system does that chooses one.
pub(super) fn compare(system: System, a: &str, b: &str) -> Ordering {
    match system {
        System::Tcl => dictionary(a.as_bytes(), b.as_bytes()),
        System::Lmod => parsed(a).cmp(&parsed(b)).then_with(|| a.cmp(b)),
    }
}

/// `lsort -dictionary` of Tcl: numbers count as numbers, letters without case, then with case.
fn dictionary(a: &[u8], b: &[u8]) -> Ordering {
    let (mut i, mut j) = (0, 0);
    let mut zeros = Ordering::Equal;
    loop {
        match (a.get(i), b.get(j)) {
            (None, None) => return zeros.then_with(|| a.cmp(b)),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (digits(a, i), digits(b, j));
                let (significant, other) = (trimmed(x), trimmed(y));
                let order = significant.len().cmp(&other.len()).then_with(|| significant.cmp(other));
                if order != Ordering::Equal {
                    return order;
                }
                zeros = zeros.then(x.len().cmp(&y.len()));
                i += x.len();
                j += y.len();
            }
            (Some(x), Some(y)) => {
                let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                i += 1;
                j += 1;
            }
        }
    }
}

fn digits(text: &[u8], at: usize) -> &[u8] {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().take_while(|it| it.is_ascii_digit()).count();
    rest.get(..length).unwrap_or_default()
}

fn trimmed(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|it| **it == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Lmod's `parseVersion.lua`: text that sorts as the version does.
fn parsed(version: &str) -> String {
    const FINAL: &str = "*zfinal";
    const PATCH: &str = "*zfinal-";
    const ZERO: &str = "000000000";
    let mut all: Vec<String> = Vec::new();
    for part in parts(&version.to_lowercase()) {
        if part.starts_with('*') {
            let patch = |all: &Vec<String>| all.last().is_some_and(|it| it == PATCH);
            while part != FINAL && patch(&all) {
                all.pop();
            }
            while all.last().is_some_and(|it| it == ZERO) {
                all.pop();
            }
            while part == FINAL && patch(&all) {
                all.pop();
            }
        }
        all.push(part);
    }
    all.join(".").replace("./.", "/")
}

fn parts(version: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = version;
    if rest.starts_with('.') {
        found.push("000000000".to_owned());
        rest = rest.get(1..).unwrap_or_default();
    }
    loop {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let Some(first) = rest.chars().next() else { break };
        let run = |same: fn(&char) -> bool| rest.chars().take_while(same).map(char::len_utf8).sum::<usize>();
        let length = match first {
            '0'..='9' => run(char::is_ascii_digit),
            'a'..='z' => run(char::is_ascii_alphabetic),
            '-' if rest.starts_with("-p") => 2,
            _ => first.len_utf8(),
        };
        let (piece, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = behind;
        found.push(match piece {
            number if number.starts_with(|it: char| it.is_ascii_digit()) => {
                format!("{:0>9}", number.trim_start_matches('0'))
            }
            "/" => "/".to_owned(),
            "pre" | "preview" | "rc" => "*c".to_owned(),
            "-" | "-p" | "p" => "*zfinal-".to_owned(),
            "dev" => "*@".to_owned(),
            other => format!("*{other}"),
        });
    }
    found.push("*zfinal".to_owned());
    found
}

#[cfg(test)]
mod tests {
    use super::{System, compare};

    /// What `module load ver` of each system chose among these files.
    #[test]
    fn the_newest_is_that_of_the_system() {
        let newest = |system, versions: &[&str]| {
            versions.iter().copied().max_by(|a, b| compare(system, a, b)).unwrap_or_default().to_owned()
        };
        let odd = ["1.0", "1.0rc1", "1.0-GCC-12", "1.0-GCC-9"];
        assert_eq!(newest(System::Tcl, &odd), "1.0rc1");
        assert_eq!(newest(System::Lmod, &odd), "1.0");
        for system in [System::Tcl, System::Lmod] {
            assert_eq!(newest(system, &["1.0", "1.2", "1.10", "1.9rc1"]), "1.10");
            assert_eq!(newest(system, &["2023a", "2023b", "2022b"]), "2023b");
            assert_eq!(newest(system, &["9.3.0-GCC-9", "12.2.0-GCC-12"]), "12.2.0-GCC-12");
        }
    }
}
