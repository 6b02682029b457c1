//! What identifies a finding across runs and machines.
//!
//! It is a hash of the rule, the subject and the message, of which three things are taken away, because they change while
//! the defect stays: the directory that the environment lies in, numbers of lines, and the directory of a script that was
//! named by an absolute path. Values that the message tells (versions, counts, settings) stay: with another value it is
//! another finding. What is left alone are places outside the environment: `/opt/openmpi/lib/libmpi.so.40` is what it is.
//!
//! Two findings of one fingerprint are the same defect twice, as on two lines of a script: whoever needs them apart
//! counts them, in the order of the report.

use crate::facts::{Evidence, Facts};

/// Letters of a fingerprint.
const LETTERS: usize = 16;

/// What stands for the directory of the environment where that itself is meant.
const HERE: &str = ".";

/// Shorter directories are no place of an environment: `/`.
const LEAST_PREFIX_BYTES: usize = 2;

/// The fingerprint of a finding about `subject` in `facts`.
pub(super) fn fingerprint(facts: &Facts, rule: &str, subject: &str, message: &str, evidence: &[Evidence]) -> String {
    let prefix = facts.environment.python.prefix.value().map(String::as_str);
    let moved = |text: &str| without_lines(&without_prefix(text, prefix), evidence);
    let script = facts.job.as_ref().map(|job| job.script.as_str());
    let script = script.filter(|script| evidence.iter().any(|it| it.path == *script && it.line.is_some()));
    let parts = [Some(rule.to_owned()), Some(moved(subject)), Some(moved(message)), script.map(relative)];
    let hash = blake3::hash(parts.into_iter().flatten().collect::<Vec<_>>().join("\0").as_bytes());
    hash.to_hex().chars().take(LETTERS).collect()
}

/// A path that was typed relative names the script in its project; of another one only the name is the same elsewhere.
fn relative(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.starts_with('/') { name.to_owned() } else { path.trim_start_matches("./").to_owned() }
}

/// `text` as if the environment lay nowhere.
fn without_prefix(text: &str, prefix: Option<&str>) -> String {
    let Some(prefix) = prefix.filter(|it| LEAST_PREFIX_BYTES <= it.len()) else { return text.to_owned() };
    let text = text.replace(&format!("{prefix}/"), "");
    let continues =
        |rest: &str| rest.starts_with(|it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.' | '+'));
    replaced(&text, prefix, |rest| (!continues(rest)).then_some((0, HERE.to_owned())))
}

/// `text` without the numbers of lines in the files of `evidence`.
fn without_lines(text: &str, evidence: &[Evidence]) -> String {
    let mut files: Vec<&str> = evidence
        .iter()
        .filter(|it| it.line.is_some())
        .map(|it| it.path.rsplit('/').next().unwrap_or(&it.path))
        .filter(|it| !it.is_empty())
        .collect();
    files.sort_unstable();
    files.dedup();
    files.into_iter().fold(text.to_owned(), |text, file| {
        let place = format!("{file}:");
        replaced(&text, &place, |rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (0 < digits).then(|| (digits, file.to_owned()))
        })
    })
}

/// `text` with `part` replaced where `with` says how many bytes behind it go too, and what stands there then.
fn replaced(text: &str, part: &str, with: impl Fn(&str) -> Option<(usize, String)>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(part) {
        result.push_str(before);
        rest = match with(after).and_then(|(bytes, name)| Some((after.get(bytes..)?, name))) {
            Some((behind, name)) => {
                result.push_str(&name);
                behind
            }
            None => {
                result.push_str(part);
                after
            }
        };
    }
    result.push_str(rest);
    result
}
