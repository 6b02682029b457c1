//! Which entry of `sys.path` gives a module, and what it hides: the ways of `why NAME` for what `import` names.

use super::session::Session;
use super::why::Way;
use super::world::World;
use crate::base::{Gap, TreePath};
use crate::discover::{ModuleFile, ModuleKind, module_file};

/// How `import name` finds its module, one way for each dotted element; empty when nothing of that name is there. The
/// last file goes along: an extension is an object too.
pub(super) fn ways_of_modules(
    world: &World<'_>,
    session: &Session<'_>,
    name: &str,
    gaps: &mut Vec<Gap>,
) -> (Vec<Way>, Option<TreePath>) {
    let named = world.site.packages.iter().find(|it| it.active && it.distribution == name && !name.is_empty());
    let name = named.map_or(name, |it| it.name.as_str());
    let top = name.split('.').next().unwrap_or(name);
    if session.is_built_in(top) {
        let outcome = format!("{top} is built into the interpreter: no file can hide it");
        return (vec![Way { asker: format!("import {top}"), places: Vec::new(), outcome }], None);
    }
    let Some(first) = found(world, top, gaps) else { return (Vec::new(), None) };
    let mut ways = vec![top_level(world, top, &first, gaps)];
    let mut file = first.file;
    let mut above = first.path;
    for (at, element) in name.split('.').enumerate().skip(1) {
        let dotted = name.split('.').take(at + 1).collect::<Vec<_>>().join(".");
        let Some(module) = found(world, &dotted, gaps) else {
            let outcome = format!("no module {element} lies in {above}; what the package makes by itself is not seen");
            ways.push(Way { asker: format!("import {dotted}"), places: Vec::new(), outcome });
            return (ways, None);
        };
        ways.push(below(world, &dotted, element, &above, &module));
        (file, above) = (module.file, module.path);
    }
    (ways, file)
}

fn found(world: &World<'_>, dotted: &str, gaps: &mut Vec<Gap>) -> Option<ModuleFile> {
    let plain = dotted.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '.');
    if !plain || dotted.is_empty() {
        return None;
    }
    module_file(world.view, world.installation, dotted, gaps)
}

fn top_level(world: &World<'_>, top: &str, winner: &ModuleFile, gaps: &mut Vec<Gap>) -> Way {
    let mut places = Vec::new();
    let mut taken = false;
    for entry in &world.installation.sys_path {
        let mut alone = world.installation.clone();
        alone.sys_path = vec![entry.clone()];
        alone.finders.clear();
        let here = if entry.exists { module_file(world.view, &alone, top, gaps) } else { None };
        let word = entry.origin.word();
        places.push(match here {
            Some(it) if it.path == winner.path && !taken => {
                taken = true;
                (it.path.text(), word, None)
            }
            Some(it) if taken && it.kind != ModuleKind::Namespace => {
                (it.path.text(), word, Some("hidden by the one above".to_owned()))
            }
            Some(it) => (it.path.text(), word, Some(less(&it).to_owned())),
            None => (entry.path.text(), word, Some(absent(world, entry.exists, &entry.path))),
        });
    }
    if !taken {
        places.push((winner.path.text(), "editable install", None));
    }
    let package = world.site.packages.iter().find(|it| it.active && it.name == top);
    let version = package.and_then(|it| it.version.value()).map_or_else(String::new, |it| format!(" {it}"));
    let by = package.map_or_else(String::new, |it| format!(", {}", it.installer.in_words()));
    let hidden = places.iter().filter(|(_, _, refused)| refused.as_deref() == Some("hidden by the one above"));
    let hidden: Vec<&str> = hidden.map(|(path, _, _)| path.as_str()).collect();
    let hides = if hidden.is_empty() { String::new() } else { format!("; it hides {}", hidden.join(", ")) };
    let outcome = format!("{top}{version} is used, from {}{by}{hides}", winner.path);
    Way { asker: format!("import {top}"), places, outcome }
}

fn absent(world: &World<'_>, exists: bool, entry: &TreePath) -> String {
    match exists {
        false => "no such directory".to_owned(),
        true if !world.view.is_directory(entry.as_bytes()) => "an archive, which is not read".to_owned(),
        true => "not there".to_owned(),
    }
}

/// Why a module in an earlier entry loses against one in a later one.
fn less(module: &ModuleFile) -> &'static str {
    match module.kind {
        ModuleKind::Namespace => "a directory without __init__: a package wins, wherever it is",
        ModuleKind::Package | ModuleKind::Extension | ModuleKind::Source | ModuleKind::Bytecode => {
            "an editable install comes before it"
        }
    }
}

/// A module in a package: the files of that name in the directory of the package.
fn below(world: &World<'_>, dotted: &str, element: &str, above: &TreePath, winner: &ModuleFile) -> Way {
    let mut places = vec![(winner.file.as_ref().unwrap_or(&winner.path).text(), kind(winner.kind), None)];
    for (name, _) in world.view.list(above.as_bytes()).unwrap_or_default().iter() {
        let path = above.join(name);
        let rest = name.strip_prefix(element.as_bytes());
        let importable = rest.is_some_and(|it| it.starts_with(b".") && (it.ends_with(b".so") || it == b".py"));
        if importable && winner.path != path {
            places.push((path.text(), "same directory", Some(passed_over(world, &path))));
        }
    }
    let outcome = format!("{dotted} is used, from {}", winner.file.as_ref().unwrap_or(&winner.path));
    Way { asker: format!("import {dotted}"), places, outcome }
}

fn passed_over(world: &World<'_>, path: &TreePath) -> String {
    let misfit = world.site.files.iter().find(|it| it.path == *path && it.fits.value() == Some(&false));
    let own = world.installation.soabi.value().map_or("another", String::as_str);
    match misfit {
        Some(file) => format!("built for {}, this Python loads {own}", file.abi_tag),
        None => "the ending above comes first".to_owned(),
    }
}

fn kind(kind: ModuleKind) -> &'static str {
    match kind {
        ModuleKind::Package => "package",
        ModuleKind::Extension => "extension",
        ModuleKind::Source => "source",
        ModuleKind::Bytecode => "byte code",
        ModuleKind::Namespace => "directory without __init__",
    }
}
