//! What is known around a launch: the site, the type of node, the variables.

use super::quantity::Quantity;
use crate::job::Environment;
use crate::site::{Node, Site, Stated};

/// What is known around a launch.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The site profile.
    pub site: Option<&'a Site>,
    /// The type of node that the job gets.
    pub node: Option<&'a Node>,
    /// Why it is not known, and which line would decide it.
    pub node_unknown: &'a str,
    /// Variables of the command.
    pub environment: &'a Environment,
}

/// The size of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) cores: Quantity,
    pub(super) sockets: Quantity,
    pub(super) smt: Quantity,
    pub(super) numa: Quantity,
}

impl Machine {
    pub(super) fn of(known: &Known<'_>) -> Self {
        let one = |key: &str, stated: fn(&Node) -> &Option<Stated<u64>>| match (known.node, known.site) {
            (None, _) => Quantity::unknown(known.node_unknown),
            (Some(node), site) => match stated(node) {
                Some(it) => {
                    let path = site.map_or("site.toml", |it| it.path.as_str());
                    Quantity::known(it.value, format!("{path}:{}: [node.{}] {key}", it.line, node.name))
                }
                None => Quantity::unknown(format!("[node.{}] {key} would decide it", node.name)),
            },
        };
        Self {
            cores: one("cores", |it| &it.cores),
            sockets: one("sockets", |it| &it.sockets),
            smt: one("smt", |it| &it.smt),
            numa: one("numa", |it| &it.numa),
        }
    }

    /// Hardware threads of the node.
    pub(super) fn cpus(&self) -> Quantity {
        self.cores.with(&self.smt, &format!("{} x {}", self.cores.because, self.smt.because), u64::checked_mul)
    }
}
