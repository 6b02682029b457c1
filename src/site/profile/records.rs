//! Settings, nodes and partitions as `Key=Value`: a configuration file, or what a command of the scheduler prints.

use std::collections::{BTreeMap, BTreeSet};

use super::super::AUTOBIND_WORDS;
use super::draft::{Draft, NodeDraft, Said, place};
use super::hosts::{expand, globs, stem};
use super::inventory::{Inventories, Inventory};
use crate::base::{Glob, TextFile};

/// A name that stands for what later records leave out.
const DEFAULTS: &str = "DEFAULT";

/// Every node.
const ALL: &str = "ALL";

/// Values in lower-case keys, each with its place.
type Pairs = BTreeMap<String, (String, String)>;

/// What a scheduler wrote.
#[derive(Debug, Default)]
pub(super) struct Records {
    settings: Pairs,
    nodes: Vec<Pairs>,
    partitions: Vec<Pairs>,
}

/// Nodes of one shape.
struct Kind {
    draft: NodeDraft,
    hosts: BTreeSet<String>,
    partitions: BTreeSet<String>,
    from: String,
}

impl Inventories {
    /// Whether the file is one of a scheduler that is described.
    pub(super) fn records(&self, file: &TextFile, draft: &mut Draft) -> bool {
        self.0.iter().enumerate().any(|(index, inventory)| {
            let records = Records::of(file, inventory);
            let known = records.settings.keys().any(|it| inventory.is_setting(it));
            if !known && records.nodes.is_empty() && records.partitions.is_empty() {
                return false;
            }
            let from = format!("{}: its settings", file.path);
            draft.scheduler.entry("name").or_insert_with(|| Said::text(&inventory.scheduler, from));
            inventory.settings(&records, draft);
            let all = draft.records.entry(index).or_default();
            all.nodes.extend(records.nodes);
            all.partitions.extend(records.partitions);
            true
        })
    }

    /// Makes types of nodes of all records together: partitions may stand in another file than nodes.
    pub(super) fn finish(&self, draft: &mut Draft) {
        for (index, records) in std::mem::take(&mut draft.records) {
            if let Some(inventory) = self.0.get(index) {
                inventory.nodes(&records, draft);
            }
        }
    }
}

impl Records {
    /// A record begins with its name, and goes on over lines that are indented.
    fn of(file: &TextFile, inventory: &Inventory) -> Self {
        let mut records = Self::default();
        let mut current: Option<(bool, Pairs)> = None;
        for (number, text) in logical_lines(&file.text) {
            let indented = text.starts_with([' ', '\t']);
            let pairs = pairs_of(&text, &place(file, number));
            let node = pairs.iter().any(|(key, _)| key.eq_ignore_ascii_case(&inventory.node.name));
            let begins =
                |name: &str| pairs.first().is_some_and(|(key, _)| !name.is_empty() && key.eq_ignore_ascii_case(name));
            if begins(&inventory.node.name) || begins(&inventory.partition.name) {
                records.keep(current.take());
                current = Some((node, Pairs::new()));
            } else if !indented {
                records.keep(current.take());
            }
            let target = current.as_mut().map_or(&mut records.settings, |(_, it)| it);
            for (key, value) in pairs {
                target.entry(key.to_ascii_lowercase()).or_insert(value);
            }
        }
        records.keep(current);
        records
    }

    fn keep(&mut self, record: Option<(bool, Pairs)>) {
        match record {
            Some((true, pairs)) => self.nodes.push(pairs),
            Some((false, pairs)) => self.partitions.push(pairs),
            None => {}
        }
    }
}

/// Lines without comments, those that end in a backslash joined, with the number of their first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (line, continues) = match line.trim_end().strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            Some(_) | None => lines.push((index + 1, line.to_owned())),
        }
        open = continues;
    }
    lines
}

/// `Key=Value` words, or one `Key = Value`.
fn pairs_of(line: &str, place: &str) -> Vec<(String, (String, String))> {
    let pair = |key: &str, value: &str| (key.to_owned(), (value.trim_matches('"').to_owned(), place.to_owned()));
    if let Some((key, value)) = line.split_once(" = ") {
        let key = key.trim();
        return if key.contains([' ', '=']) { Vec::new() } else { vec![pair(key, value.trim())] };
    }
    line.split_whitespace().filter_map(|it| it.split_once('=')).map(|(key, value)| pair(key, value)).collect()
}

impl Inventory {
    fn is_setting(&self, key: &str) -> bool {
        let it = &self.configuration;
        let keys = [&it.name, &it.version, &it.mpi_default, &it.task_plugins, &it.task_parameters];
        keys.into_iter().any(|it| it.eq_ignore_ascii_case(key) && !it.is_empty())
    }

    fn settings(&self, records: &Records, draft: &mut Draft) {
        let keys = &self.configuration;
        let get = |key: &str| records.settings.get(&key.to_ascii_lowercase()).filter(|(value, _)| said(value));
        if let Some((value, from)) = get(&keys.name) {
            draft.name.get_or_insert_with(|| Said::text(value, from.clone()));
        }
        if let Some((value, from)) = get(&keys.version) {
            draft.scheduler.insert("version", Said::text(value, from.clone()));
        } else if let Some((value, from)) = self.first(records.nodes.first(), &self.node.version) {
            draft.scheduler.entry("version").or_insert_with(|| Said::text(value, from.clone()));
        }
        if let Some((value, from)) = get(&keys.mpi_default) {
            draft.scheduler.insert("mpi_default", Said::text(value, from.clone()));
        }
        if let Some((value, from)) = get(&keys.task_plugins) {
            let plugins = value.split(',').map(|it| it.trim_start_matches(keys.task_plugin_prefix.as_str()));
            let plugins = plugins.filter(|it| !it.is_empty() && *it != "none");
            draft.scheduler.insert("task_plugins", Said::texts(plugins, from.clone()));
        }
        if let Some((value, from)) = get(&keys.task_parameters) {
            let word = value
                .split(',')
                .find_map(|it| it.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("autobind")));
            let known = word.map(|(_, it)| it.to_ascii_lowercase()).filter(|it| AUTOBIND_WORDS.contains(&it.as_str()));
            if let Some(word) = known {
                draft.scheduler.insert("autobind", Said::text(&word, from.clone()));
            }
        }
    }

    fn nodes(&self, records: &Records, draft: &mut Draft) {
        let mut kinds: Vec<Kind> = Vec::new();
        let mut defaults = Pairs::new();
        for record in &records.nodes {
            let Some((name, from)) = record.get(&self.node.name.to_ascii_lowercase()) else { continue };
            if name == DEFAULTS {
                defaults.extend(record.clone());
                continue;
            }
            let mut record = record.clone();
            for (key, value) in &defaults {
                record.entry(key.clone()).or_insert_with(|| value.clone());
            }
            let kind = self.kind(name, from, &record);
            let shape = |it: &NodeDraft| -> Vec<(&'static str, String)> {
                let hardware = it.keys.iter().filter(|(key, _)| **key != "host");
                hardware.map(|(key, said)| (*key, said.value.clone())).collect()
            };
            let same = |it: &&mut Kind| shape(&it.draft) == shape(&kind.draft) && it.partitions == kind.partitions;
            match kinds.iter_mut().find(same) {
                Some(known) => known.hosts.extend(kind.hosts),
                None => kinds.push(kind),
            }
        }
        self.partitions(records, &mut kinds);
        name_hosts(&mut kinds);
        draft.nodes.extend(kinds.into_iter().map(|it| it.draft));
    }

    fn first<'a>(&self, record: Option<&'a Pairs>, keys: &[String]) -> Option<&'a (String, String)> {
        let record = record?;
        keys.iter().find_map(|it| record.get(&it.to_ascii_lowercase())).filter(|(value, _)| said(value))
    }

    fn kind(&self, name: &str, from: &str, record: &Pairs) -> Kind {
        let keys = &self.node;
        let number = |keys: &[String]| {
            let (value, from) = self.first(Some(record), keys)?;
            value.parse::<u64>().map_or(None, |it| Some((it, from.as_str())))
        };
        let mut draft = NodeDraft { name: stem(name).to_owned(), ..NodeDraft::default() };
        let boards = number(&keys.boards).map_or(1, |(it, _)| it);
        let per_board = number(&keys.sockets_per_board).map(|(it, from)| (it.saturating_mul(boards), from));
        let sockets = number(&keys.sockets).or(per_board);
        let reserved = number(&keys.reserved_cores).map_or(0, |(it, _)| it);
        match (sockets, number(&keys.cores_per_socket)) {
            (Some((sockets, _)), Some((cores, from))) => {
                let free = sockets.saturating_mul(cores).saturating_sub(reserved);
                draft.count("cores", free, &format!("{from}: sockets x cores, without those reserved"));
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => {
                let cpus =
                    number(&keys.cpus).map(|(it, _)| format!("{from} says {it} CPUs, cores or hardware threads"));
                draft.open.extend(cpus.map(|it| ("cores", it)));
            }
        }
        if let Some((sockets, from)) = sockets {
            draft.count("sockets", sockets, from);
        }
        if let Some((threads, from)) = number(&keys.threads_per_core) {
            draft.count("smt", threads, from);
        }
        if let Some((reserved, from)) = number(&keys.reserved_cores) {
            draft.count("reserved_cores", reserved, from);
        }
        if let Some((mib, from)) = number(&keys.memory_mib).filter(|(mib, _)| 1024 <= *mib) {
            draft.count("memory_gib", mib / 1024, from);
        }
        if let Some((features, from)) = self.first(Some(record), &keys.features) {
            draft.keys.insert("constraint", Said::texts(features.split(',').filter(|it| !it.is_empty()), from.clone()));
        }
        if let Some((resources, from)) = self.first(Some(record), &keys.gpus)
            && let Some(gpus) = cards(resources)
        {
            draft.count("gpus", gpus, from);
        }
        let partitions = self.first(Some(record), &keys.partitions).map(|(value, from)| {
            draft.keys.insert("partition", Said::texts(value.split(',').filter(|it| !it.is_empty()), from.clone()));
            value.split(',').map(str::to_owned).collect()
        });
        Kind { draft, hosts: expand(name), partitions: partitions.unwrap_or_default(), from: from.to_owned() }
    }

    /// Tells each kind of node in which partitions it stands.
    fn partitions(&self, records: &Records, kinds: &mut [Kind]) {
        let keys = &self.partition;
        let get = |record: &Pairs, key: &str| record.get(&key.to_ascii_lowercase()).cloned();
        let mut defaults = Pairs::new();
        let mut stands: Vec<(Vec<String>, Vec<String>, Vec<bool>)> = vec![Default::default(); kinds.len()];
        let mut default_kinds: Vec<(usize, String)> = Vec::new();
        for record in &records.partitions {
            let Some((name, from)) = get(record, &keys.name) else { continue };
            if name == DEFAULTS {
                defaults.extend(record.clone());
                continue;
            }
            let value = |key: &str| get(record, key).or_else(|| get(&defaults, key)).map(|(value, _)| value);
            let nodes = value(&keys.nodes).unwrap_or_default();
            let hosts = expand(&nodes);
            let whole =
                keys.sharing.iter().find_map(|it| value(it)).is_some_and(|it| it.starts_with(&keys.whole_nodes));
            let is_default = value(&keys.default).is_some_and(|it| it.eq_ignore_ascii_case("yes"));
            for (index, (kind, stand)) in kinds.iter().zip(&mut stands).enumerate() {
                if nodes.eq_ignore_ascii_case(ALL) || kind.partitions.contains(&name) || !kind.hosts.is_disjoint(&hosts)
                {
                    stand.0.push(name.clone());
                    stand.1.push(from.clone());
                    stand.2.push(whole);
                    default_kinds.extend(is_default.then(|| (index, from.clone())));
                }
            }
        }
        for (kind, (names, from, whole)) in kinds.iter_mut().zip(stands).filter(|(_, it)| !it.0.is_empty()) {
            let from = from.join(", ");
            kind.draft
                .keys
                .entry("partition")
                .or_insert_with(|| Said::texts(names.iter().map(String::as_str), from.clone()));
            if whole.iter().all(|it| *it) {
                kind.draft.keys.insert("exclusive", Said::truth(true, from));
            }
        }
        if let [(index, from)] = default_kinds.as_slice()
            && let Some(kind) = kinds.get_mut(*index)
        {
            kind.draft.keys.insert("default", Said::truth(true, from.clone()));
        }
    }
}

/// Gives each kind globs over its hosts, unless they would match hosts of another.
fn name_hosts(kinds: &mut [Kind]) {
    let all: Vec<BTreeSet<String>> = kinds.iter().map(|it| globs(&it.hosts)).collect();
    let strange = |index: usize, glob: &String| {
        let others = kinds.iter().enumerate().filter(|(other, _)| *other != index);
        others.flat_map(|(_, it)| &it.hosts).any(|it| Glob::new(glob).matches(it.as_bytes()))
    };
    let clear: Vec<bool> = all.iter().enumerate().map(|(index, it)| !it.iter().any(|it| strange(index, it))).collect();
    for ((kind, globs), clear) in kinds.iter_mut().zip(all).zip(clear) {
        if clear {
            kind.draft.keys.insert("host", Said::texts(globs.iter().map(String::as_str), kind.from.clone()));
        } else {
            kind.draft.open.insert("host", format!("{}: names of other nodes begin likewise", kind.from));
        }
    }
}

/// Whether a value says something.
fn said(value: &str) -> bool {
    !value.is_empty() && !["(null)", "N/A", "n/a"].contains(&value)
}

/// `gpu:a100:4(S:0-1),gpu:2`: 6.
fn cards(resources: &str) -> Option<u64> {
    let mut sum: Option<u64> = None;
    for word in resources.split(',').filter(|it| *it == "gpu" || it.starts_with("gpu:")) {
        let word = word.split('(').next().unwrap_or_default();
        let count = word.rsplit(':').next().map_or(1, |it| it.parse().unwrap_or(1));
        sum = Some(sum.unwrap_or(0).saturating_add(count));
    }
    sum
}
