//! How schedulers write down what a profile says: `rules/inventories`.

use serde::Deserialize;

use crate::base::{KnowledgeError, TextFile, parse};

/// `rules/inventories`.
#[derive(Debug, Clone, Default)]
pub struct Inventories(pub(super) Vec<Inventory>);

/// The words of one scheduler.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inventory {
    /// Its word in `rules/schedulers`.
    pub(super) scheduler: String,
    #[serde(default)]
    pub(super) configuration: ConfigurationKeys,
    #[serde(default)]
    pub(super) node: NodeKeys,
    #[serde(default)]
    pub(super) partition: PartitionKeys,
    #[serde(default)]
    pub(super) listing: ListingKeys,
}

/// Keys of `Key=Value` settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigurationKeys {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) mpi_default: String,
    pub(super) task_plugins: String,
    pub(super) task_plugin_prefix: String,
    pub(super) task_parameters: String,
}

/// Keys of `Key=Value` records of nodes, several names each.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NodeKeys {
    pub(super) name: String,
    pub(super) sockets: Vec<String>,
    pub(super) boards: Vec<String>,
    pub(super) sockets_per_board: Vec<String>,
    pub(super) cores_per_socket: Vec<String>,
    pub(super) threads_per_core: Vec<String>,
    pub(super) cpus: Vec<String>,
    pub(super) reserved_cores: Vec<String>,
    pub(super) memory_mib: Vec<String>,
    pub(super) features: Vec<String>,
    pub(super) gpus: Vec<String>,
    pub(super) partitions: Vec<String>,
    pub(super) version: Vec<String>,
}

/// Keys of `Key=Value` records of partitions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PartitionKeys {
    pub(super) name: String,
    pub(super) nodes: String,
    pub(super) default: String,
    pub(super) sharing: Vec<String>,
    pub(super) whole_nodes: String,
}

/// Keys of a listing of nodes in JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListingKeys {
    pub(super) version: String,
    pub(super) nodes: String,
    pub(super) resources: String,
    pub(super) cpus: String,
    pub(super) gpus: String,
    pub(super) memory: String,
    pub(super) queue: String,
}

impl Inventories {
    /// Reads the descriptions.
    ///
    /// # Errors
    /// What is wrong with a file: file, line, column and the nearest valid word.
    pub fn load(files: &[TextFile]) -> Result<Self, KnowledgeError> {
        files.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}
