//! A baseline as a file: sorted, one entry per finding, with what a reviewer needs to see what is accepted.
//!
//! Invariant: the bytes depend on the findings alone.

use serde_json::json;

use super::json::document;
use crate::rules::Baseline;

/// The text of a baseline file.
pub fn baseline(baseline: &Baseline) -> String {
    document(&json!({ "schema": Baseline::SCHEMA, "findings": baseline.entries() }))
}
