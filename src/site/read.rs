//! `site.toml` as it is written, with the place of every mistake.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    AUTOBIND_WORDS, Allocation, FABRIC_KINDS, FILESYSTEM_KINDS, Filesystem, Installed, MAX_COUNT, Module, Node,
    ParallelEnvironment, Policy, Provides, Scheduler, Site, Stated,
};
use crate::base::{KnowledgeError, TextFile, parse};

/// The format.
const SCHEMA: &str = "pyhpc-site/1";

/// Longest profile, in bytes.
const MAX_BYTES: usize = 4 << 20;

type Said<T> = Option<Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteText {
    schema: Said<String>,
    name: Said<String>,
    #[serde(default)]
    scheduler: SchedulerText,
    #[serde(default)]
    node: BTreeMap<Spanned<String>, NodeText>,
    #[serde(default)]
    modules: BTreeMap<Spanned<String>, ModuleText>,
    #[serde(default)]
    installed: Vec<InstalledText>,
    #[serde(default)]
    filesystems: BTreeMap<Spanned<String>, FilesystemText>,
    #[serde(default)]
    fabric: FabricText,
    #[serde(default)]
    policy: PolicyText,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulerText {
    name: Said<String>,
    version: Said<String>,
    launcher: Said<String>,
    mpi_default: Said<String>,
    mpi_types: Said<Vec<String>>,
    task_plugins: Said<Vec<String>>,
    autobind: Said<String>,
    #[serde(default)]
    parallel_environments: BTreeMap<Spanned<String>, ParallelEnvironmentText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParallelEnvironmentText {
    allocation: Said<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeText {
    default: Said<bool>,
    partition: Said<Vec<String>>,
    queue: Said<Vec<String>>,
    constraint: Said<Vec<String>>,
    host: Said<Vec<String>>,
    cores: Said<u64>,
    reserved_cores: Said<u64>,
    sockets: Said<u64>,
    smt: Said<u64>,
    numa: Said<u64>,
    gpus: Said<u64>,
    memory_gib: Said<u64>,
    isa: Said<String>,
    exclusive: Said<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleText {
    #[serde(default)]
    provides: ProvidesText,
    #[serde(default)]
    prepend: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    set: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    loads: Vec<Spanned<String>>,
    #[serde(default)]
    conflicts: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvidesText {
    mpi: Said<String>,
    blas: Said<String>,
    compiler: Said<String>,
    hdf5: Said<String>,
    python: Said<String>,
    version: Said<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstalledText {
    prefix: Spanned<String>,
    #[serde(default)]
    provides: ProvidesText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesystemText {
    kind: Said<String>,
    locks: Said<bool>,
    metadata_ops_per_s: Said<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FabricText {
    kind: Said<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    expected_blas: Said<Vec<String>>,
}

impl Site {
    /// Reads a profile.
    ///
    /// # Errors
    /// What is wrong with it: file, line, column and the nearest valid name.
    pub fn parse(file: &TextFile) -> Result<Self, KnowledgeError> {
        if MAX_BYTES < file.text.len() {
            return Err(KnowledgeError::at(file, 0, format!("more than {MAX_BYTES} bytes are no site profile")));
        }
        let raw: SiteText = parse(file)?;
        let reader = Reader { file };
        if let Some(schema) = &raw.schema
            && schema.get_ref() != SCHEMA
        {
            let message = format!("`{}` is no schema of a site profile, expected `{SCHEMA}`", schema.get_ref());
            return Err(KnowledgeError::at(file, schema.span().start, message));
        }
        Ok(Self {
            path: file.path.clone(),
            name: reader.stated(raw.name),
            scheduler: reader.scheduler(raw.scheduler)?,
            nodes: reader.named(raw.node, |name, line, it| reader.node(name, line, it))?,
            modules: reader.named(raw.modules, |name, line, it| Ok(reader.module(name, line, it)))?,
            installed: raw.installed.into_iter().map(|it| reader.installed(it)).collect::<Result<_, _>>()?,
            filesystems: reader.named(raw.filesystems, |name, line, it| reader.filesystem(name, line, it))?,
            fabric: reader.word(raw.fabric.kind, &FABRIC_KINDS)?,
            policy: Policy { expected_blas: reader.stated(raw.policy.expected_blas) },
        })
    }
}

/// Turns places of bytes into lines.
struct Reader<'a> {
    file: &'a TextFile,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> u32 {
        let before = self.file.text.as_bytes().get(..at).unwrap_or_default();
        u32::try_from(memchr::memchr_iter(b'\n', before).count()).map_or(u32::MAX, |it| it.saturating_add(1))
    }

    fn stated<T>(&self, said: Said<T>) -> Option<Stated<T>> {
        said.map(|it| Stated { line: self.line(it.span().start), value: it.into_inner() })
    }

    fn all<T>(&self, said: Vec<Spanned<T>>) -> Vec<Stated<T>> {
        said.into_iter().filter_map(|it| self.stated(Some(it))).collect()
    }

    fn variables(&self, said: BTreeMap<String, Spanned<String>>) -> BTreeMap<String, Stated<String>> {
        said.into_iter().filter_map(|(name, it)| Some((name, self.stated(Some(it))?))).collect()
    }

    /// A count that is neither absurd nor, where that makes no sense, zero.
    fn count(&self, said: Said<u64>, least: u64) -> Result<Option<Stated<u64>>, KnowledgeError> {
        match &said {
            Some(it) if !(least..=MAX_COUNT).contains(it.get_ref()) => {
                let message = format!("{} is not between {least} and {MAX_COUNT}", it.get_ref());
                Err(KnowledgeError::at(self.file, it.span().start, message))
            }
            Some(_) | None => Ok(self.stated(said)),
        }
    }

    /// One of the words that the format knows.
    fn word(&self, said: Said<String>, words: &[&str]) -> Result<Option<Stated<String>>, KnowledgeError> {
        match &said {
            Some(it) if !words.contains(&it.get_ref().as_str()) => {
                let message = format!("unknown word `{}`, expected one of `{}`", it.get_ref(), words.join("`, `"));
                let error = KnowledgeError::at(self.file, it.span().start, message);
                Err(error.instead_of(it.get_ref(), words.iter().copied()))
            }
            Some(_) | None => Ok(self.stated(said)),
        }
    }

    fn absolute(&self, path: &Spanned<String>) -> Result<(), KnowledgeError> {
        match path.get_ref().starts_with('/') {
            true => Ok(()),
            false => {
                let message = format!("`{}` is no absolute path", path.get_ref());
                Err(KnowledgeError::at(self.file, path.span().start, message))
            }
        }
    }

    fn named<T, U>(
        &self,
        tables: BTreeMap<Spanned<String>, T>,
        read: impl Fn(&Spanned<String>, u32, T) -> Result<U, KnowledgeError>,
    ) -> Result<BTreeMap<String, U>, KnowledgeError> {
        let mut named = BTreeMap::new();
        for (name, table) in tables {
            let value = read(&name, self.line(name.span().start), table)?;
            named.insert(name.into_inner(), value);
        }
        Ok(named)
    }

    fn scheduler(&self, raw: SchedulerText) -> Result<Scheduler, KnowledgeError> {
        Ok(Scheduler {
            name: self.stated(raw.name),
            version: self.stated(raw.version),
            launcher: self.stated(raw.launcher),
            mpi_default: self.stated(raw.mpi_default),
            mpi_types: self.stated(raw.mpi_types),
            task_plugins: self.stated(raw.task_plugins),
            autobind: self.word(raw.autobind, &AUTOBIND_WORDS)?,
            parallel_environments: self.named(raw.parallel_environments, |_, line, it| {
                Ok(ParallelEnvironment { allocation: self.allocation(it.allocation)?, line })
            })?,
        })
    }

    fn allocation(&self, said: Said<toml::Value>) -> Result<Option<Stated<Allocation>>, KnowledgeError> {
        let Some(said) = said else { return Ok(None) };
        let text = said.get_ref().as_str().map_or_else(|| said.get_ref().to_string(), str::to_owned);
        let value = match text.trim_start_matches('$') {
            "pe_slots" => Allocation::OneNode,
            "fill_up" => Allocation::FillUp,
            "round_robin" => Allocation::RoundRobin,
            number => match number.parse() {
                Ok(slots) if (1..=MAX_COUNT).contains(&slots) => Allocation::PerNode(slots),
                Ok(_) | Err(_) => {
                    let message = format!("`{text}` is neither pe_slots, fill_up, round_robin nor slots per node");
                    let error = KnowledgeError::at(self.file, said.span().start, message);
                    return Err(error.instead_of(&text, ["pe_slots", "fill_up", "round_robin"]));
                }
            },
        };
        Ok(Some(Stated { value, line: self.line(said.span().start) }))
    }

    fn node(&self, name: &Spanned<String>, line: u32, raw: NodeText) -> Result<Node, KnowledgeError> {
        Ok(Node {
            name: name.get_ref().clone(),
            line,
            default: self.stated(raw.default),
            partition: self.stated(raw.partition),
            queue: self.stated(raw.queue),
            constraint: self.stated(raw.constraint),
            host: self.stated(raw.host),
            cores: self.count(raw.cores, 1)?,
            reserved_cores: self.count(raw.reserved_cores, 0)?,
            sockets: self.count(raw.sockets, 1)?,
            smt: self.count(raw.smt, 1)?,
            numa: self.count(raw.numa, 1)?,
            gpus: self.count(raw.gpus, 0)?,
            memory_gib: self.count(raw.memory_gib, 1)?,
            isa: self.stated(raw.isa),
            exclusive: self.stated(raw.exclusive),
        })
    }

    fn module(&self, name: &Spanned<String>, line: u32, raw: ModuleText) -> Module {
        Module {
            name: name.get_ref().clone(),
            line,
            provides: self.provides(raw.provides),
            prepend: self.variables(raw.prepend),
            set: self.variables(raw.set),
            loads: self.all(raw.loads),
            conflicts: self.all(raw.conflicts),
        }
    }

    fn provides(&self, raw: ProvidesText) -> Provides {
        Provides {
            mpi: self.stated(raw.mpi),
            blas: self.stated(raw.blas),
            compiler: self.stated(raw.compiler),
            hdf5: self.stated(raw.hdf5),
            python: self.stated(raw.python),
            version: self.stated(raw.version),
        }
    }

    fn installed(&self, raw: InstalledText) -> Result<Installed, KnowledgeError> {
        self.absolute(&raw.prefix)?;
        let line = self.line(raw.prefix.span().start);
        Ok(Installed { prefix: raw.prefix.into_inner(), line, provides: self.provides(raw.provides) })
    }

    fn filesystem(
        &self,
        mount: &Spanned<String>,
        line: u32,
        raw: FilesystemText,
    ) -> Result<Filesystem, KnowledgeError> {
        self.absolute(mount)?;
        Ok(Filesystem {
            mount: mount.get_ref().clone(),
            line,
            kind: self.word(raw.kind, &FILESYSTEM_KINDS)?,
            locks: self.stated(raw.locks),
            metadata_ops_per_s: self.count(raw.metadata_ops_per_s, 1)?,
        })
    }
}
