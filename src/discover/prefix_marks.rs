//! Managers that give each package a prefix of its own and mark it: by a file in it (Spack, EasyBuild), or by its path
//! (Nix, Guix, the products of a vendor).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Evidence, gap, numbered};
use super::look::Look;
use super::metadata::optional;
use super::provenance::{Manager, Provenance};
use crate::base::{Gap, TreePath};

#[derive(Deserialize)]
struct SpackFile {
    spec: SpackSpec,
}

#[derive(Deserialize)]
struct SpackSpec {
    nodes: Vec<SpackNode>,
}

/// One package of a spec. The first is the one that the prefix holds.
#[derive(Deserialize)]
struct SpackNode {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// Up to format 4; later the compiler is a dependency.
    #[serde(default)]
    compiler: Option<SpackCompiler>,
    #[serde(default)]
    external: Option<SpackExternal>,
    #[serde(default)]
    dependencies: Value,
}

#[derive(Deserialize)]
struct SpackCompiler {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct SpackExternal {
    #[serde(default)]
    path: Option<String>,
}

#[derive(Deserialize)]
struct SpackDependency {
    #[serde(default)]
    hash: String,
    #[serde(default)]
    parameters: SpackEdge,
}

#[derive(Deserialize, Default)]
struct SpackEdge {
    /// What it was chosen for: `mpi`, `blas`.
    #[serde(default)]
    virtuals: Vec<String>,
}

/// Digits of a hash that Spack shows.
const SHORT_HASH: usize = 7;

pub(super) fn spack(view: &Look<'_>, prefix: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
    let marker = prefix.join(".spack");
    if !view.is_directory(&marker) {
        return None;
    }
    let file = marker.join("spec.json");
    let unnamed = Provenance::by(Manager::Spack, Evidence::at(&marker, ".spack"));
    let Some(text) = optional(view, &file, "which package of Spack this is", gaps) else { return Some(unnamed) };
    match serde_json::from_str::<SpackFile>(&text) {
        Ok(SpackFile { spec: SpackSpec { nodes } }) => {
            Some(nodes.first().map_or(unnamed, |node| installed_by_spack(&file, node, &nodes)))
        }
        Err(error) => {
            let reason = format!("line {} is no valid spec: {error}", error.line());
            gaps.push(gap(&file, reason, "which package of Spack this is"));
            Some(unnamed)
        }
    }
}

fn installed_by_spack(file: &TreePath, node: &SpackNode, nodes: &[SpackNode]) -> Provenance {
    let compiler = node.compiler.as_ref().map(|it| format!("%{}@{}", it.name, it.version));
    let hash = node.hash.get(..SHORT_HASH).map(|it| format!("/{it}"));
    let build: Vec<String> = compiler.into_iter().chain(hash).collect();
    let mut options: Vec<String> = node.parameters.iter().filter_map(|(name, value)| variant(name, value)).collect();
    options.extend(virtuals(node, nodes));
    let text = [format!("{}@{}", node.name, node.version)].into_iter().chain(build.iter().cloned());
    Provenance {
        package: node.name.clone(),
        version: node.version.clone(),
        build: build.join(" "),
        options,
        ..Provenance::by(Manager::Spack, Evidence::at(file, text.collect::<Vec<_>>().join(" ")))
    }
}

/// A variant as Spack spells it: `+mpi`, `~mpi`, `threads=openmp`. Flags are lists and mostly empty.
fn variant(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some(format!("+{name}")),
        Value::Bool(false) => Some(format!("~{name}")),
        Value::String(text) if !text.is_empty() => Some(format!("{name}={text}")),
        Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            (!words.is_empty()).then(|| format!("{name}={}", words.join(",")))
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// What was chosen for each interface: `mpi=openmpi@4.1.5`; an external says where it lies.
fn virtuals(node: &SpackNode, nodes: &[SpackNode]) -> Vec<String> {
    // Before format 3 dependencies were a table and named no interface.
    let dependencies = Vec::<SpackDependency>::deserialize(&node.dependencies).unwrap_or_else(|_| Vec::new());
    let mut chosen = Vec::new();
    for dependency in dependencies {
        let Some(node) = nodes.iter().find(|it| it.hash == dependency.hash && !it.hash.is_empty()) else { continue };
        let external = node.external.as_ref().and_then(|it| it.path.as_deref());
        let place = external.map_or(String::new(), |path| format!(" (external: {path})"));
        for interface in dependency.parameters.virtuals {
            chosen.push(format!("{interface}={}@{}{place}", node.name, node.version));
        }
    }
    chosen.sort();
    chosen
}

/// `<prefix>/easybuild/NAME-VERSION-TOOLCHAIN.eb`. A package that is called easybuild has no such file.
pub(super) fn easybuild(view: &Look<'_>, prefix: &TreePath, gaps: &mut Vec<Gap>) -> Option<Provenance> {
    let directory = prefix.join("easybuild");
    let names = match view.list(directory.as_bytes()) {
        Ok(names) => names,
        Err(error) => {
            view.note(&directory, &error, "whether EasyBuild installed it");
            return None;
        }
    };
    let (name, _) = names.iter().find(|(name, _)| name.ends_with(b".eb"))?;
    let text = String::from_utf8_lossy(name);
    let stem = text.strip_suffix(".eb")?;
    // The version begins with a digit: `Two-words-2023.07-toolchain-2023a`.
    let is_cut = |at: &usize| stem.get(at + 1..).is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
    let cut = stem.match_indices('-').map(|(at, _)| at).find(is_cut).unwrap_or(stem.len());
    let (package, rest) = stem.split_at_checked(cut)?;
    let rest = rest.trim_start_matches('-');
    let file = directory.join(name);
    // Only the recipe says where the version ends: toolchains have dashes too.
    let recipe = optional(view, &file, "the version and toolchain of what EasyBuild installed", gaps)?;
    let assigned = |name: &str| numbered(&recipe).find_map(|(_, line)| literal(line, name));
    let version = assigned("version").filter(|it| rest.starts_with(it.as_str()));
    let build = version.as_ref().and_then(|it| rest.strip_prefix(it.as_str())).map(|it| it.trim_start_matches('-'));
    Some(Provenance {
        package: package.to_owned(),
        build: build.unwrap_or_default().to_owned(),
        version: version.unwrap_or_else(|| rest.to_owned()),
        ..Provenance::by(Manager::EasyBuild, Evidence::at(&file, text.clone()))
    })
}

/// The text in `name = 'text'`.
fn literal(line: &str, name: &str) -> Option<String> {
    let value = line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim();
    let quote = value.chars().next().filter(|it| ['\'', '"'].contains(it))?;
    let inner = value.strip_prefix(quote)?.split(quote).next()?;
    Some(inner.to_owned())
}

/// How the directory below a root names the package.
enum Naming {
    /// `HASH-NAME-VERSION`.
    Hashed,
    /// `NAME/VERSION`.
    Directories,
}

/// Directories that one manager alone fills.
///
/// Source: the manuals of Nix and Guix; the layouts of HPE's and Intel's products from public module files, not measured.
fn stores() -> [(&'static str, Manager, Naming); 2] {
    [("/nix/store", Manager::Nix, Naming::Hashed), ("/gnu/store", Manager::Guix, Naming::Hashed)]
}

/// Directories that a vendor's installer fills, which may have left a record of its own.
fn vendors() -> [(&'static str, Manager, Naming); 3] {
    let vendor = |word: &str| Manager::Other(word.to_owned());
    [
        ("/opt/cray/pe", vendor("cray"), Naming::Directories),
        ("/opt/cray", vendor("cray"), Naming::Directories),
        ("/opt/intel/oneapi", vendor("intel"), Naming::Directories),
    ]
}

/// What the path says of the package, below the directories of Nix and Guix.
pub(super) fn store(path: &TreePath) -> Option<Provenance> {
    stores().into_iter().find_map(|(root, manager, naming)| below(path, root, manager, &naming))
}

/// The same below the directories of a vendor.
pub(super) fn vendor(path: &TreePath) -> Option<Provenance> {
    vendors().into_iter().find_map(|(root, manager, naming)| below(path, root, manager, &naming))
}

fn below(path: &TreePath, root: &str, manager: Manager, naming: &Naming) -> Option<Provenance> {
    let root = TreePath::new(root);
    let mut parts = path.relative_to(&root)?.split(|b| *b == b'/').filter(|it| !it.is_empty());
    let (first, second) = (String::from_utf8_lossy(parts.next()?).into_owned(), parts.next());
    let (package, version, prefix) = match naming {
        Naming::Hashed => {
            let (_, rest) = first.split_once('-')?;
            let is_cut = |at: &usize| rest.get(at + 1..).is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()));
            let cut = rest.match_indices('-').map(|(at, _)| at).find(is_cut).unwrap_or(rest.len());
            let (package, version) = rest.split_at_checked(cut)?;
            (package.to_owned(), version.trim_start_matches('-').to_owned(), root.join(&first))
        }
        Naming::Directories => {
            let version = String::from_utf8_lossy(second?).into_owned();
            let prefix = root.join(&first).join(&version);
            (first, version, prefix)
        }
    };
    Some(Provenance { package, version, ..Provenance::by(manager, Evidence::at(&prefix, "by its path")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let path = TreePath::new(path);
        let found = store(&path).or_else(|| vendor(&path));
        let text = found.map(|it| format!("{} {} {}", it.manager.word(), it.package, it.version));
        assert_eq!(text.unwrap_or_default(), expected);
    }

    #[test]
    fn paths_of_stores_name_the_package() {
        check(
            "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-python3.11-numpy-1.26.4/lib/x.so",
            "nix python3.11-numpy 1.26.4",
        );
        check("/gnu/store/abc-openblas-0.3.20/lib/libopenblas.so.0", "guix openblas 0.3.20");
        check("/gnu/store/abc-profile/lib", "guix profile ");
        check("/opt/cray/pe/python/3.11.5/lib/python3.11/site-packages/numpy/x.so", "cray python 3.11.5");
        check("/opt/cray/libfabric/1.15.2.0/lib64/libfabric.so.1", "cray libfabric 1.15.2.0");
        check("/opt/intel/oneapi/mkl/2024.0/lib/libmkl_rt.so.2", "intel mkl 2024.0");
        check("/opt/other/mkl", "");
    }
}
