//! Why a saved facts file cannot be used.

use super::SCHEMA;
use super::flat::FLAT_SCHEMA;

/// Why a saved facts file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Not JSON, or JSON of another shape.
    #[error("line {line}, column {column}: {reason}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A schema that this version does not read.
    #[error("schema \"{0}\" is not known here: expected \"{FLAT_SCHEMA}\" or \"{SCHEMA}\"")]
    Schema(String),
    /// A key that is said to be known and unknown.
    #[error("key \"{0}\" stands in facts and in unknown")]
    Both(String),
    /// A key whose value has the wrong type.
    #[error("key \"{key}\": expected {expected}")]
    Type {
        /// The key.
        key: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A field that the facts do not have.
    #[error("{place} has no field {name:?}")]
    Field {
        /// Where: `process.blas[0]`.
        place: String,
        /// The name that stands there.
        name: String,
        /// The fields that can stand there.
        known: Vec<String>,
    },
    /// A field whose value has the wrong shape.
    #[error("{place}: expected {expected}")]
    Shape {
        /// Where: `process.blas[0].vendor`.
        place: String,
        /// What was expected.
        expected: String,
    },
    /// What names the facts around it is missing.
    #[error("{0} is missing")]
    Lacks(String),
    /// Nested deeper than facts are.
    #[error("{0} is nested too deep")]
    TooDeep(String),
}
