//! One machine as hwloc and lscpu see it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use super::draft::{Draft, NodeDraft, Said, place};
use crate::base::TextFile;

/// Most tags and texts of a topology.
const MAX_EVENTS: usize = 1 << 22;

/// What each level asks of a CPU, by the words of /proc/cpuinfo: the psABI of x86-64.
const LEVELS: [(&str, &str); 3] = [
    ("x86-64-v2", "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
];

/// What accelerators are called by those who find them: each card once per name.
const CARDS: [&str; 5] = ["NVML", "RSMI", "LevelZero", "CUDA", "OpenCL"];

/// What a topology counts.
#[derive(Default)]
struct Counted {
    packages: u64,
    cores: u64,
    threads: u64,
    domains: u64,
    memory_bytes: u64,
    cards: [u64; CARDS.len()],
    model: Option<String>,
}

/// `lstopo --of xml`.
pub(super) fn xml(file: &TextFile, draft: &mut Draft) -> Result<(), String> {
    let mut counted = Counted::default();
    let mut reader = Reader::from_str(&file.text);
    let (mut is_topology, mut depth) = (false, 0_usize);
    for _ in 0..MAX_EVENTS {
        match reader.read_event() {
            Ok(Event::Eof) if 0 < depth => return Err("this XML ends within an element".to_owned()),
            Ok(Event::Eof) => break,
            Ok(event) => {
                depth = depth.saturating_add(usize::from(matches!(event, Event::Start(_))));
                depth = depth.saturating_sub(usize::from(matches!(event, Event::End(_))));
                if let Event::Start(element) | Event::Empty(element) = event {
                    is_topology |= element.name().as_ref() == "topology";
                    counted.element(&element);
                }
            }
            Err(error) => {
                let line = line_at(&file.text, usize::try_from(reader.error_position()).unwrap_or(usize::MAX));
                return Err(format!("no XML in line {line}: {error}"));
            }
        }
    }
    if !is_topology || counted.cores == 0 {
        return Err("this XML is no topology of hwloc with cores".to_owned());
    }
    draft.machines.push(counted.node(file));
    Ok(())
}

impl Counted {
    fn element(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "object" => self.object(element),
            "info" => self.info(element),
            _ => {}
        }
    }

    fn object(&mut self, element: &BytesStart<'_>) {
        let kind = attribute(element, "type").unwrap_or_default();
        match kind.as_str() {
            "Package" | "Socket" => self.packages += 1,
            "Core" => self.cores += 1,
            "PU" => self.threads += 1,
            "NUMANode" => {
                self.domains += 1;
                let bytes = attribute(element, "local_memory").map_or(0, |it| it.parse().unwrap_or(0));
                self.memory_bytes = self.memory_bytes.saturating_add(bytes);
            }
            "OSDev" => {
                let subtype = attribute(element, "subtype").unwrap_or_default();
                for (count, _) in self.cards.iter_mut().zip(CARDS).filter(|(_, card)| *card == subtype) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }

    fn info(&mut self, element: &BytesStart<'_>) {
        if self.model.is_none() && attribute(element, "name").is_some_and(|it| it == "CPUModel") {
            self.model = attribute(element, "value");
        }
    }

    fn node(&self, file: &TextFile) -> NodeDraft {
        let from = |what: &str| format!("{}: {what}", file.path);
        let mut node = NodeDraft { name: file.stem.clone(), ..NodeDraft::default() };
        node.remarks.extend(self.model.as_ref().map(|it| from(it)));
        node.count("cores", self.cores, &from("its Core objects"));
        if 0 < self.packages {
            node.count("sockets", self.packages, &from("its Package objects"));
        }
        if 0 < self.domains {
            node.count("numa", self.domains, &from("its NUMANode objects"));
        }
        match self.threads.checked_rem(self.cores) {
            Some(0) if 0 < self.threads => {
                node.count("smt", self.threads / self.cores, &from("its PU objects for each Core"))
            }
            Some(_) | None => drop(node.open.insert("smt", from("not every core shows the same number of threads"))),
        }
        match self.memory_bytes >> 30 {
            0 => {}
            gib => node.count("memory_gib", gib, &from("local_memory of its NUMANode objects")),
        }
        match self.cards.iter().zip(CARDS).find(|(count, _)| 0 < **count) {
            Some((count, card)) => node.count("gpus", *count, &from(&format!("its OSDev objects of {card}"))),
            None => drop(node.open.insert("gpus", from("it shows none, and hwloc may not look for them"))),
        }
        node
    }
}

/// `lscpu`.
pub(super) fn text(file: &TextFile, draft: &mut Draft) -> bool {
    let pairs = file.text.lines().enumerate().filter_map(|(index, line)| {
        let (field, data) = line.split_once(':')?;
        Some((field.trim().to_owned(), data.trim().to_owned(), place(file, index + 1)))
    });
    fields(file, &pairs.collect::<Vec<_>>(), draft)
}

/// `lscpu -J`.
pub(super) fn json(file: &TextFile, value: &Value, draft: &mut Draft) -> bool {
    let mut pairs = Vec::new();
    let mut open: Vec<&Value> = value.get("lscpu").into_iter().collect();
    while let Some(value) = open.pop() {
        if let (Some(field), Some(data)) = (text_of(value, "field"), text_of(value, "data")) {
            let at = file.text.find(&format!("\"{field}\"")).map_or(0, |at| line_at(&file.text, at));
            pairs.push((field.trim_end_matches(':').to_owned(), data.to_owned(), place(file, at)));
        }
        open.extend(value.as_array().into_iter().flatten());
        open.extend(value.get("children"));
    }
    fields(file, &pairs, draft)
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Field, data and place of each line of lscpu.
fn fields(file: &TextFile, pairs: &[(String, String, String)], draft: &mut Draft) -> bool {
    let find = |name: &str| pairs.iter().find(|(field, _, _)| field == name);
    let number = |name: &str| {
        let (_, data, from) = find(name)?;
        data.parse::<u64>().map_or(None, |it| Some((it, from)))
    };
    let Some((sockets, from)) = number("Socket(s)") else { return false };
    let mut node = NodeDraft { name: file.stem.clone(), ..NodeDraft::default() };
    node.remarks.extend(find("Model name").map(|(_, data, from)| format!("{from}: {data}")));
    node.count("sockets", sockets, from);
    match number("Core(s) per socket") {
        Some((cores, from)) => node.count("cores", sockets.saturating_mul(cores), &format!("{from}, for each socket")),
        None => drop(node.open.insert("cores", format!("{}: no line Core(s) per socket", file.path))),
    }
    if let Some((threads, from)) = number("Thread(s) per core") {
        node.count("smt", threads, from);
    }
    if let Some((domains, from)) = number("NUMA node(s)") {
        node.count("numa", domains, from);
    }
    if let (Some((_, flags, from)), Some((_, machine, _))) = (find("Flags"), find("Architecture")) {
        match level(machine, flags) {
            Some(level) => drop(node.keys.insert("isa", Said::text(level, from.clone()))),
            None => drop(node.open.insert("isa", format!("{from}: {machine} has no such level"))),
        }
    }
    draft.machines.push(node);
    true
}

/// The highest level of which the CPU has everything.
fn level(machine: &str, flags: &str) -> Option<&'static str> {
    let flags: Vec<&str> = flags.split_whitespace().collect();
    let has = |(_, wanted): &&(&str, &str)| wanted.split(' ').all(|it| flags.contains(&it));
    (machine == "x86_64").then(|| LEVELS.iter().take_while(has).last().map_or("x86-64", |(level, _)| level))
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).unwrap_or(None)?;
    Some(attribute.value.into_owned())
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() + 1
}
