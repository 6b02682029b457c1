//! Whether shared objects still hold the bytes that were installed: reads every one of them whole, so only on request.
//!
//! Invariant: what conda records of a file comes before what RECORD says: conda writes its prefix into files.
//! Invariant: files are read in pieces of [`CHUNK_BYTES`], however long they are.

use std::collections::BTreeMap;
use std::io;

use md5::Md5;
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::answer::{Evidence, is_absent, numbered, unreadable};
use super::conda::{conda_prefix, conda_records};
use super::look::Look;
use super::metadata::{self, optional};
use super::provenance::Manager;
use super::{Installation, Origin, Owners};
use crate::base::{Gap, ReadAt, TreePath};
use crate::tree::View;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// What became of a file since it was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// As recorded.
    Intact,
    /// Other bytes.
    Changed,
    /// Not there.
    Missing,
}

/// A file that a record holds the digest of.
#[derive(Debug, Clone)]
pub struct VerifiedFile {
    /// The file.
    pub path: TreePath,
    /// The package in the words of who recorded it.
    pub owner: String,
    /// Who recorded it.
    pub manager: Manager,
    /// What became of it.
    pub state: FileState,
    /// The record.
    pub because: Evidence,
}

/// What a record says of a file.
struct Recorded {
    owner: String,
    manager: Manager,
    digest: Recipe,
    because: Evidence,
}

/// A digest as it is written.
enum Recipe {
    /// In hexadecimal.
    Sha256(String),
    /// In base 64 for URLs, without padding.
    RecordSha256(String),
    /// In hexadecimal.
    Md5(String),
}

/// Every shared object that pip or conda recorded a digest of, and those of `mapped` that dpkg did.
pub fn verify(
    view: &View,
    installation: &Installation,
    owners: &mut Owners<'_>,
    mapped: &[TreePath],
    gaps: &mut Vec<Gap>,
) -> Vec<VerifiedFile> {
    let look = Look::new(view);
    let mut recorded = BTreeMap::new();
    of_wheels(&look, installation, &mut recorded, gaps);
    of_conda(&look, installation, &mut recorded, gaps);
    of_dpkg(&look, owners, mapped, &mut recorded, gaps);
    let compare = |(path, it): (TreePath, Recorded)| {
        let state = match view.open(path.as_bytes()) {
            Ok(file) => it.digest.fits(&*file).map(|fits| if fits { FileState::Intact } else { FileState::Changed }),
            Err(error) if is_absent(&error) => Ok(FileState::Missing),
            Err(error) => Err(error),
        };
        match state {
            Ok(state) => Ok(VerifiedFile { path, owner: it.owner, manager: it.manager, state, because: it.because }),
            Err(error) => Err(unreadable(&path, &error, "whether it was changed since it was installed")),
        }
    };
    let compared: Vec<Result<VerifiedFile, Gap>> = recorded.into_par_iter().map(compare).collect();
    let mut files = Vec::new();
    for it in compared {
        match it {
            Ok(file) => files.push(file),
            Err(gap) => gaps.push(gap),
        }
    }
    look.drain(gaps);
    files
}

fn is_shared_object(path: &str) -> bool {
    path.ends_with(".so") || path.contains(".so.")
}

fn of_wheels(
    view: &Look<'_>,
    installation: &Installation,
    recorded: &mut BTreeMap<TreePath, Recorded>,
    gaps: &mut Vec<Gap>,
) {
    for entry in installation.sys_path.iter().filter(|it| it.exists && it.origin != Origin::Stdlib) {
        let site = view.real(&entry.path);
        for record in metadata::records(view, &site, gaps) {
            let file = record.path.join("RECORD");
            let Some(text) = optional(view, &file, "the digests of the files of the package", gaps) else { continue };
            let lines: Vec<&str> = text.lines().collect();
            for (number, path) in metadata::recorded_paths(&text).filter(|(_, path)| is_shared_object(path)) {
                let line = lines.get(number.saturating_sub(1) as usize).copied().unwrap_or_default();
                // PATH,sha256=DIGEST,SIZE: neither of the last two holds a comma.
                let digest = line.rsplit(',').nth(1).and_then(|it| it.strip_prefix("sha256="));
                let Some(digest) = digest else { continue };
                let manager =
                    record.installer.as_ref().map_or(Manager::Unrecorded, |(it, _)| Manager::of_installer(it));
                let digest = Recipe::RecordSha256(digest.to_owned());
                let because = Evidence::line(&file, number, line);
                let found = Recorded { owner: record.name.clone(), manager, digest, because };
                recorded.insert(inside(&site, &path), found);
            }
        }
    }
}

/// RECORD names scripts and data by `../../../bin/x`.
fn inside(site: &TreePath, path: &str) -> TreePath {
    let (mut at, mut rest) = (site.clone(), path);
    while let Some(below) = rest.strip_prefix("../") {
        (at, rest) = (at.parent().unwrap_or_else(TreePath::root), below);
    }
    if rest.starts_with('/') { TreePath::new(rest) } else { at.join(rest) }
}

#[derive(Deserialize)]
struct CondaFile {
    #[serde(default)]
    paths_data: CondaPaths,
}

#[derive(Deserialize, Default)]
struct CondaPaths {
    #[serde(default)]
    paths: Vec<CondaPath>,
}

#[derive(Deserialize)]
struct CondaPath {
    #[serde(rename = "_path")]
    path: String,
    #[serde(default)]
    path_type: String,
    #[serde(default)]
    sha256: Option<String>,
    /// With the prefix written into the file.
    #[serde(default)]
    sha256_in_prefix: Option<String>,
}

fn of_conda(
    view: &Look<'_>,
    installation: &Installation,
    recorded: &mut BTreeMap<TreePath, Recorded>,
    gaps: &mut Vec<Gap>,
) {
    let Some(prefix) = conda_prefix(view, installation) else { return };
    let real = view.real(&prefix);
    for record in conda_records(view, &prefix, |_| true, gaps) {
        let Some(text) = optional(view, &record.path, "the digests of what conda installed", gaps) else { continue };
        // That it is a record was just seen; one of an old conda has no digests.
        let Ok(CondaFile { paths_data }) = serde_json::from_str(&text) else { continue };
        let files = paths_data.paths.into_iter().filter(|it| it.path_type != "softlink" && is_shared_object(&it.path));
        for file in files {
            let Some(digest) = file.sha256_in_prefix.or(file.sha256) else { continue };
            let because = Evidence::at(&record.path, format!("sha256 {digest} of {}", file.path));
            let manager = record.provenance("").manager;
            let found = Recorded { owner: record.name.clone(), manager, digest: Recipe::Sha256(digest), because };
            recorded.insert(real.join(&file.path), found);
        }
    }
}

fn of_dpkg(
    view: &Look<'_>,
    owners: &mut Owners<'_>,
    mapped: &[TreePath],
    recorded: &mut BTreeMap<TreePath, Recorded>,
    gaps: &mut Vec<Gap>,
) {
    for path in mapped {
        let owner = owners.of(path, gaps);
        if owner.manager != Manager::Dpkg || recorded.contains_key(path) {
            continue;
        }
        // The list that names the file lies beside the digests: libc6:amd64.list, libc6:amd64.md5sums.
        let list = String::from_utf8_lossy(owner.because.path.as_bytes()).into_owned();
        let Some(stem) = list.strip_suffix(".list") else { continue };
        let file = TreePath::new(format!("{stem}.md5sums"));
        let Some(text) = optional(view, &file, "the digests of what dpkg installed", gaps) else { continue };
        let bare = |it: &str| it.trim_start_matches('/').trim_start_matches("usr/").to_owned();
        let wanted = bare(&path.text());
        let parts = numbered(&text).filter_map(|(number, line)| Some((number, line, line.split_once("  ")?)));
        let mut named = parts.filter(|(_, _, (_, name))| bare(name) == wanted);
        if let Some((number, line, (digest, _))) = named.next() {
            let because = Evidence::line(&file, number, line);
            let digest = Recipe::Md5(digest.to_owned());
            recorded.insert(path.clone(), Recorded { owner: owner.package, manager: owner.manager, digest, because });
        }
    }
}

impl Recipe {
    fn fits(&self, file: &dyn ReadAt) -> io::Result<bool> {
        Ok(match self {
            Self::Sha256(text) => hexadecimal(&digest_of::<Sha256>(file)?).eq_ignore_ascii_case(text),
            Self::RecordSha256(text) => base64_for_urls(&digest_of::<Sha256>(file)?) == text.trim_end_matches('='),
            Self::Md5(text) => hexadecimal(&digest_of::<Md5>(file)?).eq_ignore_ascii_case(text),
        })
    }
}

fn digest_of<D: Digest>(file: &dyn ReadAt) -> io::Result<Vec<u8>> {
    let mut digest = D::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let count = file.read_at(at, &mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|it| !it.is_empty()) else { break };
        digest.update(read);
        at += count as u64;
    }
    Ok(digest.finalize().to_vec())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// RFC 4648, section 5, without padding.
fn base64_for_urls(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=group.len() {
            let letter = bits >> (18 - 6 * place) & 63;
            text.push(char::from(LETTERS.get(letter as usize).copied().unwrap_or(b'A')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_as_records_write_them() {
        // `printf abc | sha256sum`, and the same in RECORD.
        let digest = Sha256::digest(b"abc");
        assert_eq!(hexadecimal(&digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(base64_for_urls(&digest), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_eq!(base64_for_urls(b"a"), "YQ");
        assert_eq!(base64_for_urls(b"ab"), "YWI");
    }

    #[test]
    fn records_name_files_above() {
        let site = TreePath::new("/v/lib/python3.11/site-packages");
        assert_eq!(inside(&site, "../../../lib/libx.so.1").text(), "/v/lib/libx.so.1");
        assert_eq!(inside(&site, "x/y.so").text(), "/v/lib/python3.11/site-packages/x/y.so");
        assert_eq!(inside(&site, "/opt/x.so").text(), "/opt/x.so");
    }
}
