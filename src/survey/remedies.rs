//! What would have to change for a missing library to be found, as commands.

use super::copies::{Asker, Copy, Use, Wanted, is_bundled};
use super::world::World;
use crate::base::{TreePath, printable};
use crate::discover::{Manager, Provenance};

/// One thing that would have to change.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// When it is the right thing to do.
    pub when: String,
    /// The command; empty where there is none.
    pub command: String,
}

/// The ways out, the least invasive first.
pub(super) fn remedies(world: &World<'_>, wanted: &Wanted, copies: &[Copy]) -> Vec<Remedy> {
    let mut out = Vec::new();
    if matches!(wanted.asker, Asker::Nobody) {
        return out;
    }
    let owner = package(world, wanted);
    if let Some(copy) = copies.iter().find(|it| it.suits == Use::Place) {
        let directories: Vec<String> = copy.trial.directories.iter().map(shell).collect();
        let more = copy.trial.next.as_ref().map_or_else(String::new, |it| format!(", once {it} is found too"));
        out.push(remedy(
            &format!("this shell and the jobs it submits{more}{}", along(&copy.trial.along)),
            format!("export LD_LIBRARY_PATH={}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}", directories.join(":")),
        ));
        // What the copy needs in turn is not found through the object that asks.
        if copy.trial.directories.len() == 1 && copy.trial.next.is_none() {
            out.extend(in_the_object(world, wanted, copy));
        }
    } else if let Some(copy) = copies.iter().find(|it| it.suits == Use::Name) {
        let name = wanted.names.first().map(|it| printable(it)).unwrap_or_default();
        let target = printable(copy.path.file_name());
        let link = copy.directory().join(&name);
        out.push(remedy("the link that ldconfig or the package forgot", format!("ln -s {target} {}", shell(&link))));
        let own = format!("mkdir -p ~/lib && ln -s {} ~/lib/{name} && export LD_LIBRARY_PATH=~/lib", shell(&copy.path));
        out.push(remedy(
            "the same where that directory is not yours, for this shell and the jobs it submits",
            format!("{own}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"),
        ));
    }
    let bundled = wanted.names.iter().any(|it| is_bundled(it));
    if let Some((distribution, installer)) = &owner {
        let other = copies.iter().find(|it| it.suits == Use::Other);
        if bundled {
            let when = format!("{distribution} brings this library itself, and it is gone: install it again");
            out.push(remedy(&when, install_again(world, distribution, installer)));
        } else if let (Some(copy), true) = (other, out.is_empty()) {
            let when =
                format!("compile {distribution} for {}, where its compiler wrapper or module is active", copy.path);
            let python = world.installation.prefix.join("bin/python3");
            let command = format!(
                "{} -m pip install --force-reinstall --no-deps --no-cache-dir --no-binary={distribution} {distribution}",
                shell(&python)
            );
            out.push(remedy(&when, command));
        }
    }
    let hardware = wanted.names.iter().find_map(|it| world.know.libraries.machine_dependent(it));
    if let Some(library) = hardware {
        let when = format!("{} comes with hardware: nodes that have it have this library", library.title);
        out.push(remedy(&when, String::new()));
    } else if !bundled && !copies.iter().any(|it| it.suits == Use::Place) {
        out.push(remedy(
            "a module of the cluster may bring it: load the one that was there when the package was compiled",
            "module avail".into(),
        ));
        out.extend(of_the_system(world, wanted));
    }
    out
}

/// A directory in `LD_LIBRARY_PATH` gives more than the one library.
fn along(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; {one} would then come from there too"),
        [first, more @ ..] => format!("; {first} and {} more would then come from there too", more.len()),
    }
}

fn remedy(when: &str, command: String) -> Remedy {
    Remedy { when: when.to_owned(), command }
}

/// The search path in the object that asks, so that no variable is needed.
fn in_the_object(world: &World<'_>, wanted: &Wanted, copy: &Copy) -> Option<Remedy> {
    let by = wanted.object()?;
    let real = world.view.resolve(by).unwrap_or_else(|_| TreePath::new(by));
    let Ok(object) = world.catalogue.objects.get(&real) else { return None };
    let linkage = object.linkage.as_ref().ok()?;
    // patchelf turns a DT_RPATH into a DT_RUNPATH unless it is told not to.
    let keep = if linkage.rpath.is_some() && linkage.runpath.is_none() { "--force-rpath " } else { "" };
    let entry = relative(&real, &copy.directory(), &world.installation.prefix);
    let command = format!("patchelf {keep}--add-rpath {entry} {}", shell(&real));
    let when = "for good, in the object that asks; others of the same package may need the same";
    Some(remedy(when, command))
}

/// `'$ORIGIN/../lib'` where both lie in the environment, so that it may be moved; else the directory.
fn relative(object: &TreePath, directory: &TreePath, prefix: &TreePath) -> String {
    if !object.is_below(prefix) || !directory.is_below(prefix) {
        return shell(directory);
    }
    let from: Vec<&[u8]> = object.elements().collect();
    let from = from.split_last().map(|(_, above)| above).unwrap_or_default();
    let to: Vec<&[u8]> = directory.elements().collect();
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let down = to.iter().skip(common).map(|it| printable(it));
    let steps: Vec<String> = std::iter::once("$ORIGIN".to_owned()).chain(up).chain(down).collect();
    format!("'{}'", steps.join("/").replace('\'', "'\\''"))
}

/// The distribution that the asking object belongs to, and who installed it.
fn package(world: &World<'_>, wanted: &Wanted) -> Option<(String, Provenance)> {
    let by = TreePath::new(wanted.object()?);
    let name = world.site.package_of(&by)?;
    let installed = world.site.packages.iter().find(|it| it.active && it.name == name)?;
    Some((world.site.distribution(&name), installed.installer.clone()))
}

fn install_again(world: &World<'_>, distribution: &str, installer: &Provenance) -> String {
    let prefix = shell(&world.installation.prefix);
    let python = shell(&world.installation.prefix.join("bin/python3"));
    let package = if installer.package.is_empty() { distribution } else { &installer.package };
    match &installer.manager {
        Manager::Uv => format!("uv pip install --python {python} --reinstall --no-deps {distribution}"),
        Manager::Conda => format!("conda install -p {prefix} --force-reinstall {package}"),
        Manager::Dpkg => format!("apt install --reinstall {package}"),
        Manager::Rpm => format!("dnf reinstall {package}"),
        Manager::Spack => format!("spack install --overwrite {package}"),
        Manager::Pixi => format!("pixi reinstall {package}"),
        Manager::Pip | Manager::EasyBuild | Manager::Nix | Manager::Guix | Manager::Other(_) | Manager::Unrecorded => {
            format!("{python} -m pip install --force-reinstall --no-deps --no-cache-dir {distribution}")
        }
    }
}

/// Which package of the operating system has the file.
fn of_the_system(world: &World<'_>, wanted: &Wanted) -> Option<Remedy> {
    let name = wanted.names.first().map(|it| printable(it))?;
    let when = "which package of the system has it";
    if world.view.exists("/var/lib/dpkg/status") {
        return Some(remedy(when, format!("apt-file search /{name}")));
    }
    let rpm = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"].iter().any(|it| world.view.exists(it));
    rpm.then(|| remedy(when, format!("dnf provides '*/{name}'")))
}

/// A path as a shell reads it as one word.
fn shell(path: &TreePath) -> String {
    let text = path.text();
    let plain = text.chars().all(|it| it.is_ascii_alphanumeric() || "/._-+@,:=%".contains(it));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
