//! Nodes as a scheduler lists them in JSON.

use serde_json::Value;

use super::draft::{Draft, NodeDraft, Said, place};
use super::hosts::stem;
use super::inventory::{Inventories, ListingKeys};
use super::topology::line_at;
use crate::base::TextFile;

/// Most nodes of a listing.
const MAX_NODES: usize = 1 << 17;

impl Inventories {
    /// Whether the document is a listing of a scheduler that is described.
    pub(super) fn listing(&self, file: &TextFile, value: &Value, draft: &mut Draft) -> bool {
        self.0.iter().any(|inventory| {
            let keys = &inventory.listing;
            let (Some(version), Some(nodes)) =
                (value.get(&keys.version), value.get(&keys.nodes).and_then(Value::as_object))
            else {
                return false;
            };
            let from = |word: &str| {
                let at = file.text.find(&format!("\"{word}\"")).unwrap_or(0);
                place(file, line_at(&file.text, at))
            };
            draft.scheduler.entry("name").or_insert_with(|| Said::text(&inventory.scheduler, from(&keys.version)));
            if let Some(version) = version.as_str() {
                draft.scheduler.insert("version", Said::text(version, from(&keys.version)));
            }
            let mut kinds: Vec<NodeDraft> = Vec::new();
            for (name, node) in nodes.iter().take(MAX_NODES) {
                let kind = keys.kind(name, node, &from(name));
                let shape = |it: &NodeDraft| -> Vec<String> {
                    it.keys
                        .values()
                        .map(|said| said.value.clone())
                        .chain(it.open.values().map(|it| after(it)))
                        .collect()
                };
                if !kinds.iter().any(|it| shape(it) == shape(&kind)) {
                    kinds.push(kind);
                }
            }
            draft.nodes.extend(kinds);
            true
        })
    }
}

impl ListingKeys {
    fn kind(&self, name: &str, node: &Value, from: &str) -> NodeDraft {
        let mut draft = NodeDraft { name: stem(name).to_owned(), ..NodeDraft::default() };
        let resources = node.get(&self.resources);
        let number = |key: &str| resources.and_then(|it| it.get(key)).and_then(Value::as_u64);
        if let Some(cpus) = number(&self.cpus) {
            draft.open.insert("cores", format!("{from} says {cpus} CPUs, cores or hardware threads"));
        }
        if let Some(gpus) = number(&self.gpus) {
            draft.count("gpus", gpus, from);
        }
        let memory = resources.and_then(|it| it.get(&self.memory)).and_then(Value::as_str).map_or(0, gib);
        if 0 < memory {
            draft.count("memory_gib", memory, from);
        }
        if let Some(queue) = node.get(&self.queue).and_then(Value::as_str) {
            draft.keys.insert("queue", Said::texts([queue], from.to_owned()));
        }
        draft
    }
}

/// `263851456kb`: 251.
fn gib(text: &str) -> u64 {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end).unwrap_or_default();
    let number: u64 = digits.parse().unwrap_or(0);
    match unit.to_ascii_lowercase().as_str() {
        "kb" => number >> 20,
        "mb" => number >> 10,
        "gb" => number,
        "tb" => number.saturating_mul(1024),
        _ => number >> 30,
    }
}

/// What is said, without the place.
fn after(text: &str) -> String {
    text.split_once(' ').map_or(text, |(_, rest)| rest).to_owned()
}
