//! Where the parts of an image lie: a directory, or the archive that was made of it.

use std::io;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::ArchiveError;
use super::kept::Budget;
use super::manifest::matches;
use crate::base::{ReadAt, TreePath, read_range};
use crate::tree::{Tree, View};

/// Largest JSON of an image, in bytes.
const JSON_BYTES: u64 = 8 << 20;

/// All JSON of an archive that is read, in bytes.
const ALL_JSON_BYTES: u64 = 256 << 20;

/// The parts of an archive, by their paths in it.
pub(super) struct Store {
    view: View,
    json: Budget,
}

impl Store {
    /// Parts that lie in `tree`. Links between them are followed, and stay inside.
    pub(super) fn new(tree: Box<dyn Tree>) -> Self {
        Self { view: View::new(tree), json: Budget::new(ALL_JSON_BYTES) }
    }

    /// Whether there is such a part.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.view.is_file(TreePath::new(path).as_bytes())
    }

    /// A part.
    pub(super) fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>, ArchiveError> {
        let path = TreePath::new(path);
        match self.view.open(path.as_bytes()) {
            Ok(file) => Ok(Arc::from(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ArchiveError::broken(format_args!("{path} is missing in it")))
            }
            Err(error) => Err(ArchiveError::broken(format_args!("{path} in it: {error}"))),
        }
    }

    /// Which file of the tree a part is.
    pub(super) fn id(&self, path: &str) -> Result<(u64, u64), ArchiveError> {
        let path = TreePath::new(path);
        let known = self.view.metadata(path.as_bytes()).map(|it| it.id);
        known.map_err(|error| ArchiveError(format!("{path} in it: {error}")))
    }

    /// A part that is JSON. `digest` is what names it.
    pub(super) fn json<T: DeserializeOwned>(&self, path: &str, digest: Option<&str>) -> Result<T, ArchiveError> {
        let file = self.open(path)?;
        let path = TreePath::new(path);
        if JSON_BYTES < file.size_bytes() {
            let limit = JSON_BYTES >> 20;
            return Err(ArchiveError::broken(format_args!("{path} in it is JSON and larger than {limit} MiB")));
        }
        if !self.json.take(file.size_bytes()) {
            return Err(ArchiveError(format!("its JSON is larger than {} MiB in all", ALL_JSON_BYTES >> 20)));
        }
        let bytes = read_range(&*file, 0, file.size_bytes());
        let bytes = bytes.map_err(|error| ArchiveError::broken(format_args!("{path} in it: {error}")))?;
        if digest.is_some_and(|it| !matches(it, &bytes)) {
            return Err(ArchiveError::broken(format_args!("{path} in it does not hold what its digest says")));
        }
        serde_json::from_slice(&bytes).map_err(|error| ArchiveError::broken(format_args!("{path} in it: {error}")))
    }
}
