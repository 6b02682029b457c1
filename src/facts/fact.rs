//! A value that was inferred: known with evidence, known in part, or unknown for a stated reason.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{EvidenceId, GapId};

/// An inferred value.
///
/// As JSON: `{"value": "openblas", "because": [12, 13]}` is known, `{"value": null, "because": [4]}` known to be
/// absent, `{"value": ["a"], "because": [], "incomplete": 7}` a list that holds at least this, `{"unknown": 7}` unknown.
///
/// Invariant: unknown facts name a gap; unknown is never written as an empty value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Fact<T> {
    /// The value, what it rests on, and for a list the gap that may hide further members.
    Known {
        /// The value.
        value: T,
        /// What it rests on.
        because: Vec<EvidenceId>,
        /// Set on a list that may have further members: what hides them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incomplete: Option<GapId>,
    },
    /// Nothing can be said.
    Unknown {
        /// What hides the value.
        unknown: GapId,
    },
}

impl<T> Fact<T> {
    /// A known value.
    pub fn known(value: T, because: Vec<EvidenceId>) -> Self {
        Self::Known { value, because, incomplete: None }
    }

    /// A list that may have further members.
    pub fn partial(value: T, because: Vec<EvidenceId>, incomplete: GapId) -> Self {
        Self::Known { value, because, incomplete: Some(incomplete) }
    }

    /// An unknown value.
    pub fn unknown(gap: GapId) -> Self {
        Self::Unknown { unknown: gap }
    }

    /// The value if it is known, also when the list is incomplete.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// The same fact, told in other words.
    pub fn map<U>(self, tell: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known { value, because, incomplete } => Fact::Known { value: tell(value), because, incomplete },
            Self::Unknown { unknown } => Fact::Unknown { unknown },
        }
    }

    /// What the value rests on.
    pub fn because(&self) -> &[EvidenceId] {
        match self {
            Self::Known { because, .. } => because,
            Self::Unknown { .. } => &[],
        }
    }

    /// The gap that hides the value or further members of it.
    pub fn gap(&self) -> Option<GapId> {
        match self {
            Self::Known { incomplete, .. } => *incomplete,
            Self::Unknown { unknown } => Some(*unknown),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Fact<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Fact_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        let ids = generator.subschema_for::<Vec<EvidenceId>>();
        let gap = generator.subschema_for::<GapId>();
        json_schema!({
            "x-fact": true,
            "anyOf": [
                {
                    "type": "object",
                    "properties": {"value": value, "because": ids, "incomplete": gap},
                    "required": ["value", "because"],
                    "additionalProperties": false
                },
                {"type": "object", "properties": {"unknown": gap}, "required": ["unknown"], "additionalProperties": false}
            ]
        })
    }
}
