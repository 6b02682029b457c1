//! Plain data for the pages that are no audit: explain, loads, why, rules list.

use std::collections::BTreeMap;

use pyhpc_audit::report::*;
use pyhpc_audit::rules::Severity;

use crate::model::{gap, words};

pub(crate) fn rule_lines() -> Vec<RuleLine> {
    let line = |name: &str, severity, subject: &str, title: &str, origin: &str, enabled| RuleLine {
        name: name.into(),
        severity,
        subject: subject.into(),
        title: title.into(),
        origin: origin.into(),
        enabled,
    };
    vec![
        line("dead-rpath", Severity::Warning, "search_directory", "RPATH or RUNPATH points nowhere", "built in", true),
        line("reference-blas", Severity::Error, "blas", "NumPy runs on reference BLAS", "built in", true),
        line(
            "repeated-openmp-copies",
            Severity::Note,
            "process",
            "Many private copies of the same runtime, each with threads of its own",
            "built in",
            false,
        ),
        line("our-mpi", Severity::Error, "mpi", "Not the MPI of this site", "/etc/pyhpc/rules/mpi/our-mpi.toml", true),
    ]
}

pub(crate) fn rule() -> RulePage {
    RulePage {
        name: "serial-hdf5-with-mpi".into(),
        title: "Serial HDF5 next to mpi4py".into(),
        severity: Severity::Warning,
        levels: vec![RuleLevel { when: "\"mpio\" in process.drivers".into(), severity: Severity::Error }],
        subject: "hdf5".into(),
        applies: "hdf5.user == \"h5py\"".into(),
        when: "!hdf5.parallel && \"mpi4py\" in process.imports".into(),
        why:
            "A serial HDF5 has no MPI-IO driver. Opening a file with driver=\"mpio\" raises an exception, and opening\n\
              it without leaves every rank writing on its own: the last one wins, or the file is damaged.\n\n\
              Wheels from PyPI always bring a serial build."
                .into(),
        fix: "# build h5py against the parallel HDF5 of the site\nmodule load hdf5-parallel\n\
              CC=mpicc HDF5_MPI=ON pip install --force-reinstall --no-deps --no-binary=h5py h5py"
            .into(),
        references: words(&["https://github.com/h5py/h5py/issues/1437", "https://docs.h5py.org/en/stable/mpi.html"]),
        example: Some(RuleExample {
            name: "PyPI wheel beside mpi4py".into(),
            subject: "h5py".into(),
            severity: Severity::Warning,
            message: "mpi4py is imported, HDF5 1.14.6 behind h5py is a serial build (/x/libhdf5.so)".into(),
        }),
        since: "0.1.0".into(),
        formerly: vec![],
        origin: "built in".into(),
    }
}

pub(crate) fn library() -> Page {
    Page {
        title: "openblas: OpenBLAS".into(),
        sections: vec![
            Section {
                heading: String::new(),
                body: vec![Body::Prose("A BLAS and LAPACK.\nUsed by most wheels.".into())],
            },
            Section {
                heading: "Recognised by".into(),
                body: vec![Body::List(words(&["file name libopenblas*", "symbol openblas_get_config"]))],
            },
            Section { heading: "Left out".into(), body: vec![] },
        ],
    }
}

const SITE: &str = "/home/ada/envs/wheels/lib/python3.11/site-packages";
const TAG: &str = "cpython-311-x86_64-linux-gnu";

fn asked() -> Asked {
    Asked {
        target: "/home/ada/envs/wheels".into(),
        again: "--root '/mnt/the image' /home/ada/envs/wheels".into(),
        prefix: "/home/ada/envs/wheels".into(),
        site: Some(SITE.into()),
        soabi: Some(TAG.into()),
    }
}

/// An object that `parent` brings in by `rule`; its number is its place in the list.
fn object(path: &str, parent: Option<usize>, rule: &str) -> LoadedObject {
    let name = path.rsplit('/').next().unwrap_or(path);
    LoadedObject {
        path: path.into(),
        soname: if parent.is_some() { name.into() } else { String::new() },
        needed_by: if parent.is_some() { "/somebody".into() } else { String::new() },
        via: if rule.is_empty() { "dlopen" } else { "runpath" }.into(),
        number: 0,
        place: path.into(),
        real: path.into(),
        size_bytes: 123_456,
        library: String::new(),
        parent,
        rule: rule.into(),
        passed_over: vec![],
        again: vec![],
    }
}

fn over(path: &str, via: &str, reason: &str) -> PassedOver {
    PassedOver { path: path.into(), via: via.into(), reason: reason.into() }
}

pub(crate) fn loads() -> LoadsReport {
    let extension = |name: &str| format!("{SITE}/{name}.{TAG}.so");
    let mut libc = object("/usr/lib/x86_64-linux-gnu/libc.so.6", Some(0), "loader cache");
    libc.size_bytes = 1_926_232;
    let mut blas = object("/usr/lib/x86_64-linux-gnu/libblas.so.3", Some(2), "loader cache");
    blas.real = "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3".into();
    blas.size_bytes = 36_600_000_000;
    blas.passed_over = vec![
        over(&format!("{SITE}/numpy.libs/libblas.so.3"), "rpath", "not there"),
        over("/opt/arm/lib/libblas.so.3", "ld_library_path", "is for aarch64, 64 bits"),
    ];
    let mut gfortran = object("/usr/lib/x86_64-linux-gnu/libgfortran.so.5", Some(3), "RUNPATH");
    gfortran.size_bytes = 1023;
    gfortran.again = vec![1];
    gfortran.passed_over = vec![over(&format!("{SITE}/numpy.libs/libgfortran.so.5"), "rpath", "not there")];
    let part = |name: &str| {
        let mut it = object(&extension(&format!("scipy/linalg/{name}")), None, "");
        it.again = vec![1, 3, 4];
        it
    };
    let mut opened = object("/opt/mkl/lib/libmkl_core.so.2", Some(3), "LD_LIBRARY_PATH");
    opened.needed_by.clear();
    let mut events = vec![
        ("exec", vec![object("/usr/bin/python3.11", None, "the interpreter"), libc]),
        ("numpy", vec![object(&extension("numpy/_core/_multiarray_umath"), None, ""), blas, gfortran]),
        ("scipy.linalg", [part("_fblas"), part("_flapack"), part("cython_blas"), opened].into()),
        ("math", vec![]),
        ("h5py", vec![]),
    ];
    let all = events.iter_mut().flat_map(|it| &mut it.1);
    all.enumerate().for_each(|(at, it)| it.number = at);
    let unmet = MissingObject {
        needed_by: extension("h5py/defs"),
        soname: "libhdf5.so.103".into(),
        searched: words(&["/opt/hdf5/lib", "/home/ada/envs/wheels/lib/../lib64"]),
        places: words(&["/opt/hdf5/lib", "/home/ada/envs/wheels/lib64"]),
    };
    let failure = |import: &str, reason: &str, ask: &str| FailedImport {
        import: import.into(),
        reason: reason.into(),
        ask: ask.into(),
    };
    LoadsReport {
        schema: LoadsReport::SCHEMA,
        events: events.into_iter().map(|(it, objects)| LoadEvent { import: it.into(), objects }).collect(),
        missing: vec![unmet],
        alternatives: vec![LoadAlternative {
            module: "fast.kernels".to_owned(),
            condition: Undecided { what: "if".to_owned(), path: "/env/lib/fast/__init__.py".to_owned(), line: 7 },
            objects: vec!["/env/lib/fast/kernels.so".to_owned(), "/env/lib/libkernels.so.1".to_owned()],
        }],
        gaps: vec![gap("/opt/mpi/lib", "tree", "permission denied", "libraries in it")],
        parts: vec![("/opt/mkl/lib/libmkl_rt.so.2".into(), "libmkl_def.so.2".into())],
        failures: vec![
            failure("h5py", "libhdf5.so.103 is found nowhere", "libhdf5.so.103"),
            failure("numexpr", &format!("{} cannot be loaded: empty file", extension("numexpr/x")), "x.so"),
        ],
        asked: asked(),
    }
}

pub(crate) fn modules() -> ModulesReport {
    let module = |module: &str, file: Option<&str>, by: Option<(&str, u32)>| ExecutedModule {
        module: module.to_owned(),
        file: file.map(|it| format!("{SITE}/{it}")),
        extension: file.is_some_and(|it| it.ends_with(".so")),
        imported_by: by.map(|(path, line)| SourceLine { path: format!("{SITE}/{path}"), line }),
        condition: None,
    };
    let core = format!("numpy/_core/_multiarray_umath.{TAG}.so");
    let mut perhaps = module("numpy.fast", Some("numpy/fast.py"), Some(("numpy/__init__.py", 9)));
    perhaps.condition = Some(Undecided { what: "if".into(), path: format!("{SITE}/numpy/__init__.py"), line: 8 });
    ModulesReport {
        schema: ModulesReport::SCHEMA,
        modules: vec![
            module("numpy", Some("numpy/__init__.py"), None),
            module("numpy._core", None, Some(("numpy/__init__.py", 3))),
            module("numpy._core._multiarray_umath", Some(&core), Some(("numpy/__init__.py", 3))),
            module("numpy.exceptions", Some("numpy/exceptions.py"), Some((&core, 0))),
            perhaps,
        ],
        gaps: vec![gap(
            &format!("{SITE}/numpy/odd.py"),
            "python",
            "line 4: it cannot be parsed as Python",
            "what it imports",
        )],
        failures: vec![FailedImport {
            import: "h5py".into(),
            reason: format!("No module named 'h5py.defs' ({SITE}/h5py/__init__.py line 2)"),
            ask: "h5py".into(),
        }],
        asked: asked(),
    }
}

pub(crate) fn alone() -> AloneReport {
    let answers = |list: &[(&str, Option<&str>)]| {
        list.iter().map(|(soname, path)| ((*soname).to_owned(), path.map(str::to_owned))).collect()
    };
    let libc: (&str, Option<&str>) = ("libc.so.6", Some("/lib/x86_64-linux-gnu/libc.so.6"));
    let whole: BTreeMap<_, _> = answers(&[libc, ("libblas.so.3", Some("/opt/blas/libopenblas.so.0"))]);
    let part = answers(&[libc, ("libmpi.so.12", None)]);
    AloneReport {
        schema: AloneReport::SCHEMA,
        objects: BTreeMap::from([
            (format!("{SITE}/mpi4py/MPI.mpich.{TAG}.so"), part),
            (format!("{SITE}/numpy/_core/_multiarray_umath.{TAG}.so"), whole.clone()),
            (format!("{SITE}/scipy/linalg/_fblas.{TAG}.so"), whole.clone()),
            (format!("{SITE}/scipy/linalg/_flapack.{TAG}.so"), whole),
        ]),
        asked: asked(),
    }
}

pub(crate) fn question() -> Question {
    let place = |path: &str, via: &str, refused: Option<&str>| Place {
        path: path.into(),
        via: via.into(),
        refused: refused.map(str::to_owned),
    };
    Question {
        name: "libmpi.so.40".into(),
        answer: "/sw/openmpi/4.1.6/lib/libmpi.so.40.30.6 is used".into(),
        steps: vec![
            Step {
                asker: "mpi4py/MPI.cpython-311-x86_64-linux-gnu.so needs libmpi.so.40".into(),
                places: vec![
                    place(
                        "/build/mpi/lib/libmpi.so.40",
                        "RUNPATH of MPI.cpython-311-x86_64-linux-gnu.so",
                        Some("the directory does not exist"),
                    ),
                    place(
                        "/opt/arm/lib/libmpi.so.40",
                        "LD_LIBRARY_PATH",
                        Some("built for aarch64, the process is x86_64"),
                    ),
                    place("/sw/openmpi/4.1.6/lib/libmpi.so.40", "LD_LIBRARY_PATH", None),
                ],
                outcome: "/sw/openmpi/4.1.6/lib/libmpi.so.40.30.6".into(),
            },
            Step {
                asker: "h5py/h5.cpython-311-x86_64-linux-gnu.so needs libmpi.so.40".into(),
                places: vec![],
                outcome: "already loaded".into(),
            },
            Step {
                asker: format!("NEEDED libmpi.so.40 of {SITE}/h5py/h5p.{TAG}.so"),
                places: vec![],
                outcome: "already loaded".into(),
            },
        ],
        missing: missing(),
        gaps: vec![],
        asked: asked(),
    }
}

fn missing() -> Vec<MissingLibrary> {
    let copy = |path: &str, identity: &str, usable: bool, condition: &str| LibraryCopy {
        path: path.into(),
        identity: identity.into(),
        usable,
        condition: condition.into(),
    };
    let change = |when: &str, command: &str| Change { when: when.into(), command: command.into() };
    vec![
        MissingLibrary {
            soname: "libhdf5.so.103".into(),
            copies: vec![
                copy("/sw/hdf5/lib/libhdf5.so.103", "hdf5 1.10.8", true, "would be found if ..."),
                copy(&format!("{SITE}/h5py.libs/libhdf5.so.200"), "", false, "is libhdf5.so.200: another version"),
            ],
            directories: 2,
            changes: vec![
                change("this shell and the jobs it submits", "export LD_LIBRARY_PATH=/sw/hdf5/lib"),
                change(
                    "it comes with hardware that login nodes seldom have: nodes that have it have this library, and \
                     others do without",
                    "",
                ),
            ],
        },
        MissingLibrary { soname: "libcuda.so.1".into(), copies: vec![], directories: 1, changes: vec![] },
    ]
}
