//! Images of containers: which are in a file or directory, and each as a file system, read where it lies.
//!
//! Content tells what a file is, never its name. Nothing is unpacked: names, link targets and the parts of files that are
//! asked for are kept in memory; what is not compressed is read in place.
//!
//! Invariant: nothing outside the given file or directory is opened, whatever digests and links say.

mod coding;
mod hidden;
mod holes;
mod kept;
mod layer;
mod layered;
mod manifest;
mod open;
mod store;
mod stream;
mod tar;

use std::ops::Range;

use crate::base::Gap;
use crate::tree::Tree;

pub use open::Archive;

/// Says what will be asked of the files in a compressed layer, which is read in order.
///
/// Anything it leaves out can still be had, by reading the layer once more.
pub trait Foresight: Send + Sync {
    /// The byte ranges of a file that will probably be read, told by its first bytes (at most 4096) and its size.
    fn ranges(&self, head: &[u8], size_bytes: u64) -> Vec<Range<u64>>;
}

/// Hears how far a long reading has come.
pub trait Progress: Send + Sync {
    /// Another layer begins: its number, from 1, of how many.
    fn layer(&self, number: usize, of: usize);

    /// So many bytes of it were decompressed.
    fn read(&self, bytes: u64);
}

/// What an image says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Its environment, `K=V`; `None` where the kind of image has none.
    pub env: Option<Vec<String>>,
    /// What it starts, before `cmd`.
    pub entrypoint: Vec<String>,
    /// What it starts by default, or the default arguments of `entrypoint`.
    pub cmd: Vec<String>,
    /// Who runs it: a name or number, with a group behind `:`; empty for root.
    pub user: String,
}

/// Which image of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageName {
    /// Its tags; several may name one image.
    pub tags: Vec<String>,
    /// `amd64`, in the words of Go's GOARCH, where the archive says it.
    pub architecture: Option<String>,
    /// `sha256:...` of its manifest or configuration, where it has one.
    pub digest: Option<String>,
}

/// One image, ready to be looked at.
pub struct Image {
    /// Its files.
    pub tree: Box<dyn Tree>,
    /// What it says of itself.
    pub config: ImageConfig,
    /// What of it could not be read.
    pub gaps: Vec<Gap>,
}

/// Why an archive, or an image of it, cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArchiveError(pub(super) String);

impl ArchiveError {
    /// It is not whole.
    fn broken(reason: impl std::fmt::Display) -> Self {
        Self(format!("{reason}: copy or save the image again"))
    }
}

impl ImageName {
    /// Whether somebody who says `word` means this image: a tag, a whole reference, a digest or its beginning, an architecture.
    pub fn answers_to(&self, word: &str) -> bool {
        let tag =
            |it: &String| it == word || it.rsplit_once(':').is_some_and(|(_, tag)| tag == word && !tag.contains('/'));
        let digest = |it: &String| 7 <= word.len() && (it.starts_with(word) || it.ends_with(word));
        self.tags.iter().any(tag)
            || self.digest.as_ref().is_some_and(digest)
            || self.architecture.as_deref().is_some_and(|it| it == word || word.strip_prefix("linux/") == Some(it))
    }

    /// For people: the first tag, else what tells it from `others`.
    pub fn text(&self, others: &[Self]) -> String {
        let alike = || others.iter().filter(|it| it.tags == self.tags);
        let is_only_one = || alike().filter(|it| it.architecture == self.architecture).count() == 1;
        match (self.tags.first(), &self.architecture) {
            (Some(tag), Some(architecture)) if 1 < alike().count() => format!("{tag} ({architecture})"),
            (Some(tag), _) => tag.clone(),
            (None, Some(architecture)) if is_only_one() => architecture.clone(),
            (None, _) => self.digest.clone().unwrap_or_default(),
        }
    }
}
