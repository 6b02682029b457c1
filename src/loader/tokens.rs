//! `$ORIGIN`, `$LIB` and `$PLATFORM` in search paths and names.

use super::Law;

/// What the tokens stand for.
pub(super) struct Tokens<'a> {
    /// Directory of the object as it was opened; for the executable, of the real file.
    pub(super) origin: &'a [u8],
    /// `$LIB`: the first default directory without its slashes.
    pub(super) lib: &'a [u8],
    /// `$PLATFORM`.
    pub(super) platform: &'a [u8],
    /// Before 2.28 a token counts only before `/`, `:` or the end (experiment T2 on 2.27 and 2.31).
    pub(super) ends_anywhere: bool,
    /// A law that does not hold.
    pub(super) without: Option<Law>,
}

/// `$PLATFORM`; on x86-64 it depends on the CPU.
pub(super) fn platform(machine: u16, x86_64: &'static str) -> &'static [u8] {
    match machine {
        62 => x86_64.as_bytes(),
        183 => b"aarch64",
        21 => b"power8",
        22 => b"s390x",
        _ => b"",
    }
}

/// `entry` with its tokens replaced. An unknown token stays as it is.
pub(super) fn expand(entry: &[u8], tokens: &Tokens<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(entry.len());
    let mut rest = entry;
    while let Some(at) = rest.iter().position(|b| *b == b'$') {
        let (before, from_dollar) = rest.split_at_checked(at).unwrap_or((rest, b""));
        out.extend_from_slice(before);
        let after = from_dollar.get(1..).unwrap_or_default();
        rest = match token(after, tokens) {
            Some((value, length)) => {
                out.extend_from_slice(value);
                after.get(length..).unwrap_or_default()
            }
            None => {
                out.push(b'$');
                after
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// The value of the token that `text` (after the dollar) begins with, and how many bytes it takes.
fn token<'a>(text: &[u8], tokens: &Tokens<'a>) -> Option<(&'a [u8], usize)> {
    let known = [
        (b"ORIGIN".as_slice(), tokens.origin, Law::TokenOrigin),
        (b"LIB", tokens.lib, Law::TokenLib),
        (b"PLATFORM", tokens.platform, Law::TokenPlatform),
    ];
    for (name, value, _) in known.into_iter().filter(|(.., law)| tokens.without != Some(*law)) {
        if let Some(inner) = text.strip_prefix(b"{") {
            if inner.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b'}')) {
                return Some((value, name.len() + 2));
            }
        } else if let Some(rest) = text.strip_prefix(name) {
            let end = |b: &u8| if tokens.ends_anywhere { !b.is_ascii_alphanumeric() && *b != b'_' } else { *b == b'/' };
            let identifier = rest.first().is_some_and(|it| !end(it));
            if !identifier || tokens.without == Some(Law::TokenEnds) {
                return Some((value, name.len()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, expected: &str) {
        let tokens = Tokens { origin: b"/o", lib: b"lib64", platform: b"x86_64", ends_anywhere: true, without: None };
        assert_eq!(String::from_utf8_lossy(&expand(entry.as_bytes(), &tokens)), expected);
    }

    #[test]
    fn expands_as_glibc_does() {
        check("$ORIGIN/../lib", "/o/../lib");
        check("${ORIGIN}/x", "/o/x");
        check("$ORIGINx/y", "$ORIGINx/y");
        check("$ORIGIN.d/q", "/o.d/q");
        check("/a/$LIB/$PLATFORM", "/a/lib64/x86_64");
        check("$FOO/x$", "$FOO/x$");
    }
}
