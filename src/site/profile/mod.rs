//! A first `site.toml` from what a machine says of itself: topology of nodes, settings of the scheduler.
//!
//! Invariant: what the files do not say stands in the profile as a comment with the reason, never as a guess.
//! Invariant: the text that comes out is a profile: `Site::parse` reads it, whatever the files held.

mod draft;
mod hosts;
mod inventory;
mod listing;
mod records;
mod topology;

pub use inventory::Inventories;

use draft::Draft;

use crate::base::TextFile;

/// Longest file that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// Why a file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ProfileError {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Inventories {
    /// The profile that the files make together. What each file is, its content tells.
    ///
    /// # Errors
    /// A file that is nothing of what is read here, or broken.
    pub fn profile(&self, files: &[TextFile]) -> Result<String, ProfileError> {
        let mut draft = Draft::default();
        for file in files {
            let error = |reason: String| ProfileError { path: file.path.clone(), reason };
            if MAX_BYTES < file.text.len() {
                return Err(error(format!("more than {MAX_BYTES} bytes are neither a topology nor settings")));
            }
            self.read(file, &mut draft).map_err(error)?;
        }
        self.finish(&mut draft);
        Ok(draft.text())
    }

    fn read(&self, file: &TextFile, draft: &mut Draft) -> Result<(), String> {
        let text = file.text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('<') {
            return topology::xml(file, draft);
        }
        if text.starts_with('{') {
            let value: serde_json::Value = serde_json::from_str(text).map_err(|it| format!("no JSON: {it}"))?;
            if topology::json(file, &value, draft) || self.listing(file, &value, draft) {
                return Ok(());
            }
        } else if topology::text(file, draft) || self.records(file, draft) {
            return Ok(());
        }
        Err("neither a topology of hwloc (lstopo --of xml) or lscpu, nor settings or nodes of a scheduler that is \
             described in rules/inventories"
            .to_owned())
    }
}
