//! A case: layers, and what they are together.

use std::path::Path;

use pyhpc_audit::base::TreePath;
use pyhpc_audit::tree::{Archive, ArchiveError, Foresight, Image, Progress, Tree, View};
use serde::Deserialize;

use super::support::image::Layer;

/// A file of `tests/images`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Case {
    /// What `support::listing` says of the whole.
    pub(crate) expect: String,
    /// What is told of members that could not be placed, `path: reason`.
    pub(crate) gaps: Vec<String>,
    /// Whether it is the archive of a root, where no name hides another.
    pub(crate) root: bool,
    /// Where umoci does otherwise.
    pub(crate) umoci: Umoci,
    /// Base first.
    #[serde(rename = "layer")]
    pub(crate) layers: Vec<Layer>,
}

/// What `umoci unpack` makes of a case, where that is not the same.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Umoci {
    /// A part of its message where it refuses the image.
    pub(crate) refuses: Option<String>,
    /// The paths where its tree is another.
    pub(crate) differs: Vec<String>,
    /// Why, and who is right.
    pub(crate) because: String,
}

impl Case {
    /// Reads a case; a mistake in it fails the test with its line.
    #[track_caller]
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# "), "{}: its first comment is its rule", path.display());
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()))
    }
}

/// The only image of `/image` in `tree`, of which everything will be asked.
pub(crate) fn open(tree: impl Tree + 'static) -> Result<Image, ArchiveError> {
    open_with(tree, &Everything)
}

/// The same with another expectation of what will be asked.
pub(crate) fn open_with(tree: impl Tree + 'static, foresight: &dyn Foresight) -> Result<Image, ArchiveError> {
    let view = View::new(Box::new(tree));
    let archive = Archive::at(&view, &TreePath::new("/image"), foresight, &Silent)?;
    let mut archive = archive.expect("an archive");
    assert_eq!(archive.names().len(), 1);
    archive.open(0, foresight, &Silent)
}

/// All of every file.
pub(crate) struct Everything;

impl Foresight for Everything {
    fn ranges(&self, _: &[u8], size_bytes: u64) -> Vec<std::ops::Range<u64>> {
        vec![std::ops::Range { start: 0, end: size_bytes }]
    }
}

/// Nothing of any file.
pub(crate) struct Nothing;

impl Foresight for Nothing {
    fn ranges(&self, _: &[u8], _: u64) -> Vec<std::ops::Range<u64>> {
        Vec::new()
    }
}

/// Tells nobody.
pub(crate) struct Silent;

impl Progress for Silent {
    fn layer(&self, _: usize, _: usize) {}

    fn read(&self, _: u64) {}
}
