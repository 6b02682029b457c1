//! Copies of a library that the loader does not find: where they lie, and what it would take to find them.
//!
//! Invariant: the search is bounded by the constants below and by what the process names already: its environment, search
//! paths, loader cache and variables, and other versions beside those. No disk is walked.
//! Invariant: "would be found" was tried on the emulated loader, with everything that the copy needs in turn.

use std::collections::BTreeSet;

use super::environment::replace_origin;
use super::session::Session;
use super::trial::{Trial, trial};
use super::world::World;
use crate::base::{Gap, Stage, TreePath, Variables, printable};
use crate::elf::Linkage;
use crate::identify::Attribute;
use crate::loader::Object;

/// Directories that are listed at most.
const DIRECTORIES: usize = 400;

/// Neighbours of one directory that are looked at: versions of one piece of software, pieces of software of one site.
const NEIGHBOURS: usize = 64;

/// Versions of all software of one site that are asked for the file.
const SOFTWARE: usize = 512;

/// Copies that are told.
const COPIES: usize = 12;

/// A library that is asked for in vain.
pub(super) struct Wanted {
    /// Names that would do: one, or what a package tries in turn.
    pub(super) names: Vec<Vec<u8>>,
    pub(super) asker: Asker,
}

/// Who asks for a library.
pub(super) enum Asker {
    /// The NEEDED entry of an object, as the loader spells it.
    Object(Vec<u8>),
    /// A package, by `dlopen`.
    Package,
    /// Only the person at the keyboard.
    Nobody,
}

impl Wanted {
    /// The object that needs it.
    pub(super) fn object(&self) -> Option<&[u8]> {
        match &self.asker {
            Asker::Object(path) => Some(path),
            Asker::Package | Asker::Nobody => None,
        }
    }
}

/// What can be made of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// It is what is asked for, in a place that is not searched.
    Place,
    /// It is what is asked for, under another file name.
    Name,
    /// It is another version or build.
    Other,
    /// It cannot be used.
    None,
}

/// One copy.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) path: TreePath,
    /// What it is: `openblas 0.3.30`, empty when that is not known.
    pub(super) identity: String,
    pub(super) suits: Use,
    /// What came of trying it.
    pub(super) trial: Trial,
    /// Under which condition it would be found, or why not.
    pub(super) condition: String,
}

/// Copies of `wanted`, the most useful ones first, and how many directories were looked into.
pub(super) fn copies(
    world: &World<'_>,
    session: &Session<'_>,
    wanted: &Wanted,
    gaps: &mut Vec<Gap>,
) -> (Vec<Copy>, usize) {
    let stems: BTreeSet<&[u8]> = wanted.names.iter().map(|it| stem(it)).collect();
    let fits = |name: &[u8]| contains(name, b".so") && stems.contains(stem(name));
    let mut found: BTreeSet<TreePath> = BTreeSet::new();
    found.extend(world.site.files.iter().map(|it| it.path.clone()).filter(|it| fits(it.file_name())));
    found.extend(world.system.iter().flat_map(|it| it.cached(fits)));
    let named = directories(world, session, wanted);
    let near: Vec<&TreePath> =
        named.iter().filter(|it| world.view.is_directory(it.as_bytes())).take(DIRECTORIES).collect();
    for directory in &near {
        found.extend(matching(world, directory, &fits, gaps));
    }
    for (directory, relation) in neighbours(world, &named) {
        match relation {
            Relation::Version => found.extend(matching(world, &directory, &fits, gaps)),
            Relation::Software => {
                let exact = wanted.names.iter().map(|it| directory.join(it));
                found.extend(exact.filter(|it| world.view.is_file(it.as_bytes())));
            }
        }
    }
    let mut copies: Vec<Copy> = Vec::new();
    let mut seen = BTreeSet::new();
    // A name that is asked for comes before other names of the same file.
    let mut ordered: Vec<TreePath> = found.into_iter().collect();
    // The longest one after that: it names the version.
    let asked = |it: &TreePath| wanted.names.iter().any(|name| name == it.file_name());
    ordered.sort_by_key(|it| (!asked(it), std::cmp::Reverse(it.file_name().len())));
    for path in ordered {
        let Ok(real) = world.view.resolve(path.as_bytes()) else { continue };
        if seen.insert(real.clone()) {
            copies.push(judge(world, session, wanted, (path, &real), &named));
        }
    }
    copies.sort_by(|a, b| (a.suits, &a.path).cmp(&(b.suits, &b.path)));
    copies.truncate(COPIES);
    (copies, near.len())
}

fn matching(
    world: &World<'_>,
    directory: &TreePath,
    fits: &impl Fn(&[u8]) -> bool,
    gaps: &mut Vec<Gap>,
) -> Vec<TreePath> {
    match world.view.list(directory.as_bytes()) {
        Ok(names) => names.iter().filter(|(name, _)| fits(name)).map(|(name, _)| directory.join(name)).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            gaps.push(Gap::new(directory, Stage::Tree, error.to_string(), "whether a copy lies there"));
            Vec::new()
        }
        // Not there, or no directory: search paths name many of those.
        Err(_) => Vec::new(),
    }
}

/// Directories that the process names, in the order in which they are worth a look, whether they are there or not.
fn directories(world: &World<'_>, session: &Session<'_>, wanted: &Wanted) -> Vec<TreePath> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for prefix in [&world.installation.prefix, &world.installation.base_prefix] {
        all.extend([prefix.join("lib"), prefix.join("lib64")].map(|it| it.as_bytes().to_vec()));
    }
    if let Some(asker) = wanted.object() {
        let real = world.view.resolve(asker).unwrap_or_else(|_| TreePath::new(asker));
        let object = world.catalogue.objects.get(&real);
        all.extend(object.iter().flat_map(|it| named_by(asker, it)));
    }
    for loaded in &session.process.objects {
        all.extend(named_by(&loaded.name, &loaded.object));
    }
    // Variables name much that is no software: only what is there counts.
    let of_variables = of_variables(&world.question.variables, multiarch(world));
    all.extend(of_variables.into_iter().filter(|it| world.view.is_directory(it)));
    all.extend(world.system.iter().flat_map(|it| it.default_directories.iter().cloned()));
    let mut known = BTreeSet::new();
    let absolute = all.into_iter().filter(|it| it.first() == Some(&b'/'));
    let real = absolute.map(|it| world.view.resolve(&it).unwrap_or_else(|_| TreePath::new(&it)));
    real.filter(|it| known.insert(it.clone())).collect()
}

/// Where an object lies, and its own search path.
pub(super) fn named_by(name: &[u8], object: &Object) -> Vec<Vec<u8>> {
    let above = |path: &[u8]| path.get(..path.iter().rposition(|b| *b == b'/').unwrap_or(0)).map(<[u8]>::to_vec);
    let origin = above(name).unwrap_or_default();
    let mut out: Vec<Vec<u8>> = above(object.real.as_bytes()).into_iter().chain([origin.clone()]).collect();
    if let Ok(linkage) = &object.linkage {
        let lists = [&linkage.rpath, &linkage.runpath].into_iter().flatten();
        out.extend(lists.flat_map(|it| it.split(|b| *b == b':')).map(|it| replace_origin(it, &origin)));
    }
    out
}

/// Directories of libraries beside what variables name: modules set `PATH`, and `X_ROOT` or the like.
fn of_variables(variables: &Variables, multiarch: Option<&str>) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for (_, setting) in variables.iter() {
        for entry in setting.value.split(|b| *b == b':').filter(|it| it.first() == Some(&b'/') && 1 < it.len()) {
            let entry = TreePath::new(entry);
            let base = match entry.file_name() {
                b"bin" | b"include" | b"man" | b"share" => entry.parent().unwrap_or_else(TreePath::root),
                _ => entry.clone(),
            };
            out.push(entry.as_bytes().to_vec());
            out.extend(["lib", "lib64"].map(|it| base.join(it).as_bytes().to_vec()));
            out.extend(multiarch.map(|it| base.join("lib").join(it).as_bytes().to_vec()));
        }
    }
    out
}

/// `x86_64-linux-gnu`, below which Debian keeps libraries, out of `cpython-311-x86_64-linux-gnu`.
fn multiarch<'w>(world: &'w World<'_>) -> Option<&'w str> {
    let tag = world.installation.soabi.value()?;
    tag.splitn(3, '-').nth(2)
}

/// What a directory is to one that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    /// `/sw/NAME/5.0.8/lib` to `/sw/NAME/5.0.7/lib`: looked through for any version of the library.
    Version,
    /// `/sw/OTHER/1.2/lib`: asked for the very file.
    Software,
}

/// Other versions of the same software, and other software beside it.
pub(super) fn neighbours(world: &World<'_>, named: &[TreePath]) -> Vec<(TreePath, Relation)> {
    let own = [&world.installation.prefix, &world.installation.base_prefix];
    let shared = [TreePath::root(), TreePath::new("/usr"), TreePath::new("/home")];
    let mut roots: BTreeSet<(Relation, TreePath, Vec<u8>)> = BTreeSet::new();
    for directory in named.iter().filter(|it| !own.iter().any(|prefix| it.is_below(prefix))) {
        if !matches!(directory.file_name(), b"lib" | b"lib64") {
            continue;
        }
        let mut at = directory.parent().and_then(|it| it.parent());
        for relation in [Relation::Version, Relation::Software] {
            let Some(root) = at.filter(|it| !shared.contains(it)) else { break };
            at = root.parent();
            roots.insert((relation, root, directory.file_name().to_vec()));
        }
    }
    let below = |directory: &TreePath| -> Vec<TreePath> {
        // What cannot be listed holds no neighbours that a user could load.
        let names = world.view.list(directory.as_bytes()).unwrap_or_default();
        names.iter().take(NEIGHBOURS).map(|(name, _)| directory.join(name)).collect()
    };
    let mut out: Vec<(TreePath, Relation)> = Vec::new();
    for (relation, root, name) in roots.into_iter().take(NEIGHBOURS) {
        let bases = match relation {
            Relation::Version => below(&root),
            Relation::Software => below(&root).iter().flat_map(below).take(SOFTWARE).collect(),
        };
        for directory in bases.into_iter().map(|it| it.join(&name)) {
            if !named.contains(&directory) && !out.iter().any(|(known, _)| *known == directory) {
                out.push((directory, relation));
            }
        }
    }
    out
}

fn judge(
    world: &World<'_>,
    session: &Session<'_>,
    wanted: &Wanted,
    (path, real): (TreePath, &TreePath),
    named: &[TreePath],
) -> Copy {
    let object = match world.catalogue.objects.get(real) {
        Ok(object) => object,
        Err(error) => return Copy::useless(path, format!("cannot be read: {error}")),
    };
    let linkage = match &object.linkage {
        Ok(linkage) => linkage,
        Err(error) => return Copy::useless(path, format!("is no shared object that can be used: {error}")),
    };
    if let Some(other) = other_machine(linkage, world.interpreter()) {
        return Copy::useless(path, format!("is for {other}: this process cannot use it"));
    }
    let identity = world.catalogue.identity(&object).map_or_else(String::new, |it| {
        let version = it.value(Attribute::Version).map_or_else(String::new, |it| format!(" {it}"));
        format!("{}{version}", it.library)
    });
    let soname = linkage.soname.as_deref();
    let asked = |name: &[u8]| wanted.names.iter().any(|it| it == name);
    let here = || session.process.search(0, path.file_name()).0.map_or(None, |(it, _)| Some(TreePath::new(it)));
    let is_here = |it: TreePath| world.view.resolve(it.as_bytes()).is_ok_and(|it| it == *real);
    let mut tried = Trial::default();
    let (suits, condition) = if matches!(wanted.asker, Asker::Nobody) && here().is_some_and(is_here) {
        (Use::Place, "would be found as things are".to_owned())
    } else if asked(path.file_name()) {
        tried = trial(world, session, wanted, (&path, real), named);
        (if tried.found { Use::Place } else { Use::None }, tried.condition())
    } else if soname.is_some_and(asked) {
        let name = printable(soname.unwrap_or_default());
        (Use::Name, format!("is {name} under another file name: would do if a link {name} beside it led to it"))
    } else {
        let name = printable(soname.unwrap_or(path.file_name()));
        (Use::Other, format!("is {name}: another version or build, which nobody here asks for"))
    };
    Copy { path, identity, suits, trial: tried, condition }
}

impl Copy {
    fn useless(path: TreePath, condition: String) -> Self {
        Self { path, identity: String::new(), suits: Use::None, trial: Trial::default(), condition }
    }

    /// The directory that holds it.
    pub(super) fn directory(&self) -> TreePath {
        self.path.parent().unwrap_or_else(TreePath::root)
    }
}

pub(super) fn other_machine(linkage: &Linkage, interpreter: Option<&Linkage>) -> Option<String> {
    let own = interpreter?;
    let same = linkage.machine == own.machine && linkage.bits == own.bits && linkage.little_endian == own.little_endian;
    (!same).then(|| format!("{}, {} bits", linkage.machine_name(), linkage.bits))
}

/// `libx` of `libx.so.1` and of `libx-0a1b2c3d.so.1`, as bundled libraries are called.
fn stem(name: &[u8]) -> &[u8] {
    let cut = name.windows(3).position(|it| it == b".so").unwrap_or(name.len());
    let mut stem = name.get(..cut).unwrap_or(name);
    while let Some(at) = stem.iter().rposition(|b| *b == b'-') {
        let tail = stem.get(at + 1..).unwrap_or_default();
        if tail.len() < 8 || !tail.iter().all(u8::is_ascii_hexdigit) {
            break;
        }
        stem = stem.get(..at).unwrap_or_default();
    }
    stem
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|it| it == what)
}

/// Whether a bundler of wheels has put a hash into the name.
pub(super) fn is_bundled(name: &[u8]) -> bool {
    let cut = name.windows(3).position(|it| it == b".so").unwrap_or(name.len());
    stem(name).len() < cut
}
