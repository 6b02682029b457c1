//! Joins what bytes, directories and variables say into one [`Installation`].

use super::answer::{Answer, Evidence, unreadable};
use super::feature::{Feature, Implementation, is_debug_name};
use super::interpreter::{self, Image, NoImage};
use super::layout::{self, Layout};
use super::look::Look;
use super::sysconfig::{self, BuildVariables};
use super::{DiscoverError, Installation, InstallationKind, sys_path};
use crate::base::{Gap, TreePath, Variables};

/// Directories searched for libpython below `/`, after those of the prefix and of `LD_LIBRARY_PATH`.
const LIBRARY_DIRECTORIES: [&str; 4] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// `e_machine` and the word for it in ABI tags.
pub(super) const MACHINES: [(u16, &str); 6] =
    [(62, "x86_64"), (183, "aarch64"), (21, "powerpc64le"), (243, "riscv64"), (22, "s390x"), (3, "i386")];

/// Packages in a prefix that has no interpreter of its own.
#[derive(Debug)]
pub(super) struct ModulePrefix<'a> {
    pub(super) prefix: &'a TreePath,
    pub(super) sites: Vec<TreePath>,
}

/// The installation that starting `executable` gives.
pub(super) fn examine(
    view: &Look<'_>,
    asked: &TreePath,
    executable: &TreePath,
    module: Option<ModulePrefix<'_>>,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Result<Installation, DiscoverError> {
    let layout = layout::locate(view, executable, variables, gaps)?;
    let image = read_image(view, &layout, gaps)?;
    let build = BuildVariables::read(view, &layout, gaps);
    let machine = image.as_ref().map(|it| it.machine);
    let libpython = libpython(view, &layout, variables, image.as_ref(), &build);
    let version = version(view, &layout, image, &libpython);
    let user_site = sys_path::user_site(view, &layout, variables, gaps);
    let sites = module.as_ref().map_or(Vec::new(), |it| it.sites.clone());
    let path = sys_path::build(view, &layout, variables, &user_site, &sites, gaps);
    let prefix = module.as_ref().map_or(&layout.prefix, |it| it.prefix).clone();
    let (kind, kind_because) = kind(view, &prefix, &layout, module.is_some());
    let feature = layout.feature;
    let named = Evidence::at(layout.stdlib.as_ref().unwrap_or(executable), feature.directory());
    let machine_name = machine.and_then(machine_word);
    Ok(Installation {
        asked: asked.clone(),
        kind,
        kind_because,
        executable: Some(layout.executable.clone()),
        prefix,
        base_prefix: layout.base_prefix.clone(),
        feature,
        version,
        implementation: Answer::known(feature.implementation, named.clone()),
        soabi: sysconfig::soabi(view, &layout, &build, machine_name, gaps),
        debug: build.flag("Py_DEBUG").unwrap_or_else(|| debug_by_name(&layout)),
        free_threaded: build.flag("Py_GIL_DISABLED").unwrap_or_else(|| Answer::known(feature.free_threaded, named)),
        machine: machine_answer(machine, &layout),
        libpython,
        sys_path: path.entries,
        finders: path.finders,
        user_site,
        safe_path: (3, 11) <= feature.version() && variables.non_empty("PYTHONSAFEPATH").is_some(),
        real_executable: layout.real,
        stdlib: layout.stdlib,
        configuration: layout.configuration,
        defects: layout.defects,
    })
}

/// Packages for which no interpreter was found.
pub(super) fn without_interpreter(
    view: &Look<'_>,
    module: &ModulePrefix<'_>,
    feature: Feature,
    variables: &Variables,
    gaps: &mut Vec<Gap>,
) -> Installation {
    let prefix = module.prefix.clone();
    let layout = Layout {
        executable: prefix.join("bin/python3"),
        real: None,
        configuration: None,
        prefix: prefix.clone(),
        base_prefix: prefix.clone(),
        exec_prefix: prefix.clone(),
        feature,
        stdlib: None,
        library_directory: "lib",
        defects: Vec::new(),
    };
    let reason = format!("no Python {} was found for these packages", feature.text());
    let user_site = sys_path::user_site(view, &layout, variables, gaps);
    let path = sys_path::build(view, &layout, variables, &user_site, &module.sites, gaps);
    let (kind, kind_because) = kind(view, &prefix, &layout, true);
    Installation {
        asked: prefix.clone(),
        kind,
        kind_because,
        executable: None,
        real_executable: None,
        prefix: prefix.clone(),
        base_prefix: prefix.clone(),
        feature,
        version: Answer::unknown(&reason),
        implementation: Answer::known(feature.implementation, Evidence::at(&prefix, feature.directory())),
        soabi: Answer::unknown(&reason),
        debug: Answer::unknown(&reason),
        free_threaded: Answer::unknown(&reason),
        machine: Answer::unknown(&reason),
        libpython: Answer::unknown(&reason),
        stdlib: None,
        sys_path: path.entries,
        finders: path.finders,
        user_site,
        safe_path: variables.non_empty("PYTHONSAFEPATH").is_some(),
        configuration: None,
        defects: Vec::new(),
    }
}

/// `x86_64` and its kind, as they stand in ABI tags.
fn machine_word(machine: u16) -> Option<&'static str> {
    MACHINES.iter().find(|it| it.0 == machine).map(|it| it.1)
}

fn machine_answer(machine: Option<u16>, layout: &Layout) -> Answer<u16> {
    match (machine, &layout.real) {
        (Some(machine), Some(real)) => {
            Answer::known(machine, Evidence::offset(real, 18, format!("e_machine {machine}")))
        }
        (_, Some(real)) => Answer::unknown(format!("{real} could not be read")),
        (_, None) => Answer::unknown("the interpreter is not there"),
    }
}

fn debug_by_name(layout: &Layout) -> Answer<bool> {
    match &layout.real {
        Some(real) => Answer::known(is_debug_name(real), Evidence::at(real, "name of the interpreter")),
        None => Answer::unknown("the interpreter is not there"),
    }
}

/// The bytes of the interpreter. A script is an error: what it starts cannot be said.
fn read_image(view: &Look<'_>, layout: &Layout, gaps: &mut Vec<Gap>) -> Result<Option<Image>, DiscoverError> {
    let Some(real) = &layout.real else { return Ok(None) };
    let path = layout.executable.clone();
    match interpreter::image(view, real, layout.feature) {
        Ok(image) => Ok(Some(image)),
        Err(NoImage::Script(line)) => {
            let reason = format!("a script (#!{line}); what it starts is only known by running it");
            Err(DiscoverError::NoInterpreter { path, reason })
        }
        Err(NoImage::NotElf) => {
            let reason = "neither an ELF file, a script nor an image".to_owned();
            Err(DiscoverError::NoInterpreter { path, reason })
        }
        Err(NoImage::Unreadable(error)) => {
            gaps.push(unreadable(real, &error, "the version and the machine of the interpreter"));
            Ok(None)
        }
    }
}

fn libpython(
    view: &Look<'_>,
    layout: &Layout,
    variables: &Variables,
    image: Option<&Image>,
    build: &BuildVariables,
) -> Answer<Option<TreePath>> {
    let (Some(image), Some(real)) = (image, &layout.real) else {
        return Answer::unknown("the interpreter could not be read");
    };
    let Some((name, because)) = &image.libpython else {
        return Answer::known(None, Evidence::at(real, "names no libpython"));
    };
    let multiarch = build.get("MULTIARCH").map(|it| it.0.as_str()).unwrap_or_default();
    let paths = variables.non_empty("LD_LIBRARY_PATH").unwrap_or_default();
    let mut directories: Vec<TreePath> = vec![layout.base_prefix.join("lib"), layout.base_prefix.join("lib64")];
    directories.extend(paths.split(|b| *b == b':').filter(|it| it.first() == Some(&b'/')).map(TreePath::new));
    directories.push(layout.base_prefix.join("lib").join(multiarch));
    directories
        .extend(LIBRARY_DIRECTORIES.iter().flat_map(|it| [TreePath::new(it).join(multiarch), TreePath::new(it)]));
    for directory in directories {
        let path = directory.join(name);
        match view.resolve(path.as_bytes()) {
            Ok(found) => return Answer::known(Some(found), because.clone()),
            Err(error) => view.note(&path, &error, "whether the interpreter's library lies there"),
        }
    }
    Answer::unknown(format!("{name} is needed and lies in no directory that was looked at"))
}

/// Bytes of the interpreter, then of its libpython, then its header file, then `pyvenv.cfg`.
fn version(
    view: &Look<'_>,
    layout: &Layout,
    image: Option<Image>,
    libpython: &Answer<Option<TreePath>>,
) -> Answer<String> {
    if let Some((version, because)) = image.and_then(|it| it.version) {
        return Answer::known(version, because);
    }
    if let Some(Some(path)) = libpython.value() {
        match interpreter::image(view, path, layout.feature) {
            Ok(Image { version: Some((version, because)), .. }) => return Answer::known(version, because),
            Ok(_) => {}
            Err(error) => error.note(view, path),
        }
    }
    let header = interpreter::patchlevel(view, &layout.base_prefix, layout.feature);
    if header.value().is_some() {
        return header;
    }
    let configuration = layout.configuration.as_ref();
    let setting = configuration.and_then(|it| it.first("version").or_else(|| it.first("version_info")));
    match setting {
        Some((value, because)) => {
            // virtualenv writes `3.11.7.final.0`.
            let value = value.split(".final").next().unwrap_or(value);
            Answer::known(value.to_owned(), because)
        }
        None => header,
    }
}

fn kind(view: &Look<'_>, prefix: &TreePath, layout: &Layout, is_module: bool) -> (InstallationKind, Evidence) {
    if let (Some(configuration), false) = (&layout.configuration, is_module) {
        return (InstallationKind::Venv, Evidence::at(&configuration.path, "pyvenv.cfg"));
    }
    let markers = [
        ("conda-meta", InstallationKind::Conda),
        (".spack", InstallationKind::Module),
        ("easybuild", InstallationKind::Module),
    ];
    for (name, kind) in markers {
        let marker = prefix.join(name);
        if view.is_directory(&marker) {
            return (kind, Evidence::at(&marker, name));
        }
    }
    if is_module {
        return (InstallationKind::Module, Evidence::at(prefix, "packages without an interpreter"));
    }
    let real = view.real(prefix);
    let debian = prefix.join("lib/python3/dist-packages");
    if [TreePath::new("/usr"), TreePath::new("/usr/local"), TreePath::root()].contains(&real) {
        (InstallationKind::System, Evidence::at(prefix, "prefix of the operating system"))
    } else if view.is_directory(&debian) && layout.feature.implementation == Implementation::CPython {
        (InstallationKind::System, Evidence::at(&debian, "Debian's packages"))
    } else {
        (InstallationKind::Prefix, Evidence::at(prefix, "an install prefix without marks of a manager"))
    }
}
