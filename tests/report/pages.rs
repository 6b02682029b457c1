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

pub(crate) fn loads() -> LoadsReport {
    let site = "/home/ada/envs/wheels/lib/python3.11/site-packages";
    let object = |path: &str, soname: &str, needed_by: &str, via: &str| LoadedObject {
        path: path.into(),
        soname: soname.into(),
        needed_by: needed_by.into(),
        via: via.into(),
    };
    let umath = format!("{site}/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so");
    LoadsReport {
        schema: LoadsReport::SCHEMA,
        events: vec![
            LoadEvent {
                import: "exec".into(),
                objects: vec![
                    object("/usr/bin/python3.11", "", "", "absolute"),
                    object("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6", "/usr/bin/python3.11", "cache"),
                ],
            },
            LoadEvent {
                import: "numpy".into(),
                objects: vec![
                    object(&umath, "", "", "dlopen"),
                    object(
                        &format!("{site}/numpy.libs/libscipy_openblas64_-56d6093b.so"),
                        "libscipy_openblas64_-56d6093b.so",
                        &umath,
                        "runpath",
                    ),
                    object("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6", &umath, "already-loaded"),
                ],
            },
            LoadEvent { import: "math".into(), objects: vec![] },
        ],
        missing: vec![MissingObject {
            needed_by: format!("{site}/mpi4py/MPI.mpich.cpython-311-x86_64-linux-gnu.so"),
            soname: "libmpi.so.12".into(),
            searched: words(&[
                "/opt/mpi/lib",
                "/etc/ld.so.cache",
                "/lib/x86_64-linux-gnu",
                "/usr/lib/x86_64-linux-gnu",
                "/lib",
                "/usr/lib",
            ]),
        }],
        gaps: vec![gap("/opt/mpi/lib", "tree", "permission denied", "libraries in it")],
    }
}

pub(crate) fn alone() -> AloneReport {
    let sonames = BTreeMap::from([
        ("libc.so.6".to_owned(), Some("/lib/x86_64-linux-gnu/libc.so.6".to_owned())),
        ("libmpi.so.12".to_owned(), None),
    ]);
    AloneReport {
        schema: AloneReport::SCHEMA,
        objects: BTreeMap::from([("/v/mpi4py/MPI.mpich.so".to_owned(), sonames)]),
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
        ],
        gaps: vec![],
    }
}
