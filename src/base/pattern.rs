//! Glob patterns over file names, as package and library descriptions write them.

/// A file name pattern: `*` is any run without a slash, `?` one character, `[ab]` and `[!a]` a set.
///
/// Invariant: matches in time proportional to pattern times name; no pattern can make it slow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The pattern as written.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &[u8]) -> bool {
        let pattern = self.0.as_bytes();
        let (mut at, mut pos) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while pos < name.len() {
            let here = name.get(pos).copied().unwrap_or_default();
            match single(pattern.get(at..).unwrap_or_default(), here) {
                Step::One(width) => {
                    at += width;
                    pos += 1;
                    continue;
                }
                Step::Star => {
                    star = Some((at + 1, pos));
                    at += 1;
                    continue;
                }
                Step::No => {}
            }
            match star {
                Some((after, taken)) if name.get(taken) != Some(&b'/') => {
                    star = Some((after, taken + 1));
                    at = after;
                    pos = taken + 1;
                }
                Some(_) | None => return false,
            }
        }
        pattern.get(at..).unwrap_or_default().iter().all(|b| *b == b'*')
    }
}

enum Step {
    One(usize),
    Star,
    No,
}

fn single(pattern: &[u8], byte: u8) -> Step {
    match pattern.first() {
        None => Step::No,
        Some(b'*') => Step::Star,
        Some(b'?') if byte != b'/' => Step::One(1),
        Some(b'[') => match pattern.iter().skip(2).position(|b| *b == b']') {
            Some(length) => {
                let set = pattern.get(1..length + 2).unwrap_or_default();
                let (negated, set) = match set.strip_prefix(b"!") {
                    Some(rest) => (true, rest),
                    None => (false, set),
                };
                if contains(set, byte) != negated { Step::One(length + 3) } else { Step::No }
            }
            None => Step::No,
        },
        Some(b) if *b == byte => Step::One(1),
        Some(_) => Step::No,
    }
}

fn contains(set: &[u8], byte: u8) -> bool {
    let range = |w: &[u8]| matches!(w, [low, b'-', high] if (*low..=*high).contains(&byte));
    set.contains(&byte) || set.windows(3).any(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(Glob::new(pattern).matches(name.as_bytes()), expected, "{pattern} against {name}");
    }

    #[test]
    fn matches_file_names() {
        check("MPI.*.so", "MPI.mpich.cpython-311-x86_64-linux-gnu.so", true);
        check("*.so*", "libmpi.so.12", true);
        check("lib?.so", "liba.so", true);
        check("lib[ab].so", "liba.so", true);
        check("lib[!ab].so", "liba.so", false);
        check("lib[0-9].so", "lib7.so", true);
        check("numpy/*/x.so", "numpy/_core/x.so", true);
        check("numpy/*.so", "numpy/_core/x.so", false);
        check("", "", true);
        check("a", "", false);
        check("*a*a*a*a*a*a*b", &"a".repeat(5000), false);
    }
}
