//! How the MPI of a process reaches the network of a machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// How an MPI sends its messages: what it could use, before variables choose among that.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FabricUse {
    /// Import name of the first package that binds it.
    pub user: String,
    /// Its MPI: word of `rules/libraries`.
    pub vendor: Fact<String>,
    /// The real file of that MPI.
    pub lib: Fact<Option<String>>,
    /// Who put that file there.
    pub installed_by: Fact<String>,
    /// The libraries that it sends by, with version and file: `libfabric 2.5.1 (/usr/lib/libfabric.so.1)`.
    pub libraries: Fact<Vec<String>>,
    /// The transports that it and they are known to offer, in their own words: `verbs`, `tcp`, `rc_mlx5`; sorted. They may lack a
    /// device.
    pub providers: Fact<Vec<String>>,
    /// Files that would bring further ones and cannot be opened, and why: `libpsmx2-fi.so: libpsm2.so.2 is found nowhere`.
    pub refused: Fact<Vec<String>>,
    /// The transports that these files would bring, as far as they tell; sorted.
    pub refused_providers: Fact<Vec<String>>,
    /// Why there may be further ones: `it opens libfabric.so.1, which is found nowhere`; null when nothing hides any. It is a
    /// gap only where a site asks.
    pub hidden: Fact<Option<String>>,
    /// Whether one of the transports serves the fabric of the site: `served`, `not-served`, `not-opened` (only one of those that
    /// cannot be opened would), `any` (every transport serves such a network), `unsaid` (no site profile says what it is).
    #[schemars(extend("x-words" = ["served", "not-served", "not-opened", "any", "unsaid"]))]
    pub agreement: Fact<String>,
}
