//! What the files said so far, each value with its place, and the profile that it makes.

use std::collections::BTreeMap;

use super::records::Records;
use crate::base::TextFile;

/// Longest part of a file that a comment repeats, in characters.
const COMMENT_LETTERS: usize = 200;

/// A value as TOML writes it, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) value: String,
    pub(super) from: String,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: Option<Said>,
    /// By key of `[scheduler]`.
    pub(super) scheduler: BTreeMap<&'static str, Said>,
    /// Types of nodes.
    pub(super) nodes: Vec<NodeDraft>,
    /// Topologies of single machines, which may be one of the types.
    pub(super) machines: Vec<NodeDraft>,
    /// Nodes and partitions as a scheduler wrote them, by its place among the inventories.
    pub(super) records: BTreeMap<usize, Records>,
}

/// One type of node.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeDraft {
    pub(super) name: String,
    /// What else is worth a line above the table.
    pub(super) remarks: Vec<String>,
    /// By key of `[node.NAME]`.
    pub(super) keys: BTreeMap<&'static str, Said>,
    /// By key: why it is not known although the files speak of it.
    pub(super) open: BTreeMap<&'static str, String>,
}

const SCHEDULER_KEYS: [(&str, &str, &str); 7] = [
    ("name", "\"...\"", "which scheduler hands out nodes"),
    ("version", "\"...\"", "its version: what a step inherits of the job depends on it"),
    ("launcher", "\"...\"", "whose mpiexec it brings, if it does"),
    ("mpi_default", "\"none\"", "how it tells ranks who they are when a launch does not say"),
    ("mpi_types", "[]", "every such way that it offers, as its launcher lists them"),
    ("task_plugins", "[]", "without affinity nothing binds tasks"),
    ("autobind", "\"none\"", "to what it binds tasks when a launch does not say; leave it out where it is not set"),
];

const NODE_KEYS: [(&str, &str, &str); 14] = [
    ("default", "true", "whether jobs that ask for nothing else get it"),
    ("partition", "[]", "partitions that hold it"),
    ("queue", "[]", "queues that hold it"),
    ("constraint", "[]", "constraints that it fulfils"),
    ("host", "[]", "its host names"),
    ("cores", "1", "physical cores that a job may use"),
    ("reserved_cores", "0", "cores kept for the system, not counted in cores"),
    ("sockets", "1", "packages"),
    ("smt", "1", "hardware threads per core that the system shows"),
    ("numa", "1", "NUMA domains"),
    ("gpus", "0", "accelerators"),
    ("memory_gib", "1", "memory"),
    ("isa", "\"x86-64-v3\"", "what its CPU can do"),
    ("exclusive", "true", "whether jobs get whole nodes"),
];

const REST: &str = "\
# What no such file says, and an audit of a job asks for:
# [modules.\"NAME/VERSION\"]                 what `module load` changes; an empty table: nothing that matters
# provides = { mpi = \"...\", version = \"...\" }
# prepend = { PATH = \"...\", LD_LIBRARY_PATH = \"...\" }
# [[installed]]                             software outside modules
# prefix = \"/...\"
# provides = { mpi = \"...\", version = \"...\" }
# [filesystems.\"/...\"]
# kind = \"lustre\"
# locks = false
# [fabric]
# kind = \"infiniband\"
";

impl Said {
    pub(super) fn text(value: &str, from: String) -> Self {
        Self { value: quoted(value), from }
    }

    pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>, from: String) -> Self {
        let values: Vec<String> = values.into_iter().map(quoted).collect();
        Self { value: format!("[{}]", values.join(", ")), from }
    }

    pub(super) fn number(value: u64, from: String) -> Self {
        Self { value: value.to_string(), from }
    }

    pub(super) fn truth(value: bool, from: String) -> Self {
        Self { value: value.to_string(), from }
    }
}

impl NodeDraft {
    /// Sets a count that a profile can hold; zero is one for some.
    pub(super) fn count(&mut self, key: &'static str, value: u64, from: &str) {
        let least = u64::from(!matches!(key, "gpus" | "reserved_cores"));
        if (least..=super::super::MAX_COUNT).contains(&value) {
            self.keys.insert(key, Said::number(value, from.to_owned()));
        } else {
            self.open.insert(key, format!("{from} says {value}, which cannot be"));
        }
    }

    fn number(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(|it| it.value.as_str())
    }

    /// Whether a machine can be one of this type: what both say of its shape is the same, and they say the same sockets.
    fn could_be(&self, machine: &Self) -> bool {
        let same = |key: &str| match (self.number(key), machine.number(key)) {
            (Some(one), Some(other)) => one == other,
            (Some(_), None) | (None, Some(_)) | (None, None) => true,
        };
        let all = |it: &Self| {
            let number = |key: &str| it.number(key).map_or(0, |it| it.parse::<u64>().unwrap_or(0));
            number("cores").saturating_add(number("reserved_cores"))
        };
        0 < all(self) && all(self) == all(machine) && same("sockets") && same("smt")
    }
}

impl Draft {
    /// Files the topologies of machines under the types that they are, where that can be told.
    fn joined(mut self) -> Self {
        for machine in std::mem::take(&mut self.machines) {
            let fits: Vec<usize> =
                self.nodes.iter().enumerate().filter(|(_, it)| it.could_be(&machine)).map(|(index, _)| index).collect();
            match fits.as_slice() {
                [only] => {
                    let Some(node) = self.nodes.get_mut(*only) else { continue };
                    for (key, said) in machine.keys {
                        node.keys.entry(key).or_insert(said);
                    }
                    node.remarks.extend(machine.remarks);
                }
                [] | [_, ..] => self.nodes.push(machine),
            }
        }
        self
    }

    /// The profile.
    pub(super) fn text(self) -> String {
        let Self { name, scheduler, nodes, .. } = self.joined();
        let mut out = String::from("schema = \"pyhpc-site/1\"\n");
        match &name {
            Some(said) => line(&mut out, "name", said),
            None => out.push_str("# name = \"...\"    # what people call the machine\n"),
        }
        out.push_str("\n[scheduler]\n");
        for (key, example, meaning) in SCHEDULER_KEYS {
            match scheduler.get(key) {
                Some(said) => line(&mut out, key, said),
                None => open_line(&mut out, key, example, &format!("not in these files: {meaning}")),
            }
        }
        let mut taken: Vec<String> = Vec::new();
        for node in &nodes {
            let name = unique(&node.name, &mut taken);
            out.push('\n');
            for remark in &node.remarks {
                comment(&mut out, remark);
            }
            out.push_str(&format!("[node.{name}]\n"));
            for (key, example, meaning) in NODE_KEYS {
                match (node.keys.get(key), node.open.get(key)) {
                    (Some(said), _) => line(&mut out, key, said),
                    (None, Some(why)) => open_line(&mut out, key, example, &format!("{why}: {meaning}")),
                    (None, None) => open_line(&mut out, key, example, &format!("not in these files: {meaning}")),
                }
            }
        }
        out.push('\n');
        out.push_str(REST);
        out
    }
}

/// `slurm.conf:12`.
pub(super) fn place(file: &TextFile, line: usize) -> String {
    format!("{}:{line}", file.path)
}

fn line(out: &mut String, key: &str, said: &Said) {
    let text = format!("{key} = {}", said.value);
    out.push_str(&format!("{text:<39} # {}\n", plain(&said.from)));
}

fn open_line(out: &mut String, key: &str, example: &str, why: &str) {
    let text = format!("# {key} = {example}");
    out.push_str(&format!("{text:<39} # {}\n", plain(why)));
}

fn comment(out: &mut String, text: &str) {
    out.push_str(&format!("# {}\n", plain(text)));
}

/// Without what would end a comment or move the cursor of a terminal.
fn plain(text: &str) -> String {
    text.chars().take(COMMENT_LETTERS).map(|it| if it.is_control() { ' ' } else { it }).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A bare key: letters of a name, and a number where two types have one name.
fn unique(name: &str, taken: &mut Vec<String>) -> String {
    let bare: String =
        name.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-' || *it == '_').take(64).collect();
    let bare = bare.trim_matches(['-', '_']);
    let bare = if bare.is_empty() { "node" } else { bare };
    let numbered = |number: usize| if number == 1 { bare.to_owned() } else { format!("{bare}-{number}") };
    let free = (1..).map(numbered).find(|it| !taken.contains(it)).unwrap_or_default();
    taken.push(free.clone());
    free
}
