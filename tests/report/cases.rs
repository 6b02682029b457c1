//! The cases: each is one judged target.

use pyhpc_audit::facts::*;
use pyhpc_audit::rules::{Outcome, Severity, Waived, WaiverReport, WaiverState};

use crate::model::*;

pub(crate) struct Case {
    pub(crate) facts: Facts,
    pub(crate) outcome: Outcome,
}

const PASSED: [&str; 6] = [
    "dead-rpath",
    "missing-library",
    "missing-mpi-library",
    "numpy-without-blas",
    "reference-blas",
    "two-openmp-runtimes",
];

fn case(facts: Facts, outcome: Outcome) -> Case {
    Case { facts, outcome }
}

/// Wheels from PyPI that fit together.
pub(crate) fn clean() -> Case {
    let mut facts = facts("/home/ada/envs/wheels", &["numpy", "scipy", "h5py"]);
    let site = "/home/ada/envs/wheels/lib/python3.11/site-packages";
    let of_numpy = openblas("numpy", &format!("{site}/numpy.libs/libscipy_openblas64_-56d6093b.so"), "ilp64", "0.3.30");
    let of_scipy = openblas("scipy", &format!("{site}/scipy.libs/libscipy_openblas-68440149.so"), "lp64", "0.3.29");
    facts.process.blas = known(vec![of_numpy.clone(), of_scipy.clone()]);
    facts.process.lapack = known(vec![of_numpy, of_scipy]);
    facts.process.hdf5 =
        known(vec![hdf5("h5py", "1.14.6", &format!("{site}/h5py.libs/libhdf5-cf4d1d08.so.310.5.1"), "none")]);
    facts.objects = known((0..245).map(|at| object(&format!("{site}/scipy/_{at}.so"), "scipy")).collect());
    case(facts, Outcome { passed: words(&PASSED), not_applicable: words(&["two-mpi-libraries"]), ..Outcome::default() })
}

/// One MPI for messages, another below the parallel HDF5.
pub(crate) fn two_mpis() -> Case {
    let mut facts = facts("/scratch/project_2001234/climate/venv", &["numpy", "scipy", "mpi4py", "h5py"]);
    let site = "/scratch/project_2001234/climate/venv/lib/python3.11/site-packages";
    let openmpi = "/sw/openmpi/4.1.6/lib/libmpi.so.40.30.6";
    let mpich = "/sw/mpich/4.2.3/lib/libmpi.so.12.4.3";
    let shared = format!("{site}/numpy.libs/libscipy_openblas64_-56d6093b.so");
    facts.process.blas =
        known(vec![openblas("numpy", &shared, "ilp64", "0.3.30"), openblas("scipy", &shared, "ilp64", "0.3.30")]);
    facts.process.lapack = facts.process.blas.clone();
    let mut other = mpi("mpi4py", "openmpi", "4.1.6", openmpi);
    other.launcher_agreement = text("conflict");
    facts.process.mpi = known(vec![other, mpi("h5py", "mpich", "4.2.3", mpich)]);
    facts.process.hdf5 = known(vec![hdf5("h5py", "1.14.5", "/sw/hdf5/1.14.5-mpich/lib/libhdf5.so.310.5.0", "mpich")]);
    facts.process.openmp = known(vec![openmp("libgomp", "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0", "scipy")]);
    facts.process.preloads = known(vec![Preload {
        entry: "libdarshan.so".into(),
        origin: "LD_PRELOAD".into(),
        path: file("/sw/darshan/3.4.4/lib/libdarshan.so"),
        capability: text("other"),
    }]);
    facts.environment.launcher = launcher("/sw/mpich/4.2.3/bin/mpiexec.hydra", "mpich", "4.2.3", "mpich");
    facts.objects = known((0..131).map(|at| object(&format!("{site}/scipy/_{at}.so"), "scipy")).collect());
    let mpi4py = format!("{site}/mpi4py/MPI.cpython-311-x86_64-linux-gnu.so");
    let findings = vec![
        finding(
            Severity::Error,
            "mpi-differs-from-launcher",
            "mpi4py",
            &format!(
                "/sw/mpich/4.2.3/bin/mpiexec.hydra is mpich 4.2.3; mpi4py loads {openmpi} (openmpi 4.1.6): every rank is rank 0 of 1"
            ),
            vec![
                at_offset(&mpi4py, 0x1a40, "NEEDED libmpi.so.40"),
                seen("/sw/mpich/4.2.3/bin/mpiexec.hydra", "first on PATH"),
            ],
            "export PATH=/sw/openmpi/4.1.6/bin:$PATH   # the launcher of the MPI that mpi4py loads",
        ),
        finding(
            Severity::Error,
            "two-mpi-libraries",
            "process",
            &format!(
                "two different MPI libraries in one process: {openmpi} (openmpi 4.1.6) for mpi4py, {mpich} (mpich 4.2.3) for h5py"
            ),
            vec![
                at_offset(&mpi4py, 0x1a40, "NEEDED libmpi.so.40"),
                at_offset("/sw/hdf5/1.14.5-mpich/lib/libhdf5.so.310.5.0", 0x2210, "NEEDED libmpi.so.12"),
                at_offset(openmpi, 0x8_1f00, "\"Open MPI v4.1.6\""),
                at_offset(mpich, 0x11_0040, "\"MPICH Version: 4.2.3\""),
                at_offset(&format!("{site}/h5py/h5.cpython-311-x86_64-linux-gnu.so"), 0x1110, "NEEDED libhdf5.so.310"),
            ],
            "# one MPI for both: rebuild the package that differs\n\
             module load openmpi/4.1.6 hdf5/1.14.5-openmpi\n\
             CC=mpicc HDF5_MPI=ON HDF5_DIR=/sw/hdf5/1.14.5-openmpi pip install --force-reinstall --no-deps --no-binary=h5py h5py",
        ),
        finding(
            Severity::Note,
            "blas-thread-ceiling",
            "numpy",
            "openblas 0.3.30 starts at most 64 threads",
            vec![at_offset(&shared, 0x1f_1a40, "\"MAX_THREADS=64\"")],
            "",
        ),
    ];
    case(facts, Outcome { findings, passed: words(&PASSED), ..Outcome::default() })
}

/// Broken files of many kinds, and a package that lost its library.
pub(crate) fn broken() -> Case {
    let mut facts = facts("/home/ada/envs/broken", &["numpy", "mpi4py", "h5py"]);
    let site = "/home/ada/envs/broken/lib/python3.11/site-packages";
    let mut without = mpi("mpi4py", "none", "none", "");
    without.lib = known(None);
    without.missing = known(words(&["libmpi.so.12", "libmpi.so.40"]));
    facts.process.mpi = known(vec![without]);
    facts.process.choices = known(vec![Choice {
        package: "mpi4py".into(),
        capability: "mpi".into(),
        candidates: words(&["libmpi.so.12", "libmpi.so.40"]),
        picked: known(None),
        file: known(None),
        shadows: known(None),
        shadows_via: text("none"),
        decided_by: text("the first library that opens"),
    }]);
    let mut none = hdf5("h5py", "none", "", "none");
    none.lib = known(None);
    facts.process.hdf5 = known(vec![none]);
    let mut reference = openblas("numpy", "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0", "lp64", "3.11.0");
    reference.vendor = text("reference");
    reference.threading = text("sequential");
    reference.installed_by = text("dpkg");
    reference.decided_by = known(words(&["/etc/alternatives/libblas.so.3-x86_64-linux-gnu"]));
    facts.process.blas = known(vec![reference]);
    facts.process.import_failures = known(vec![
        ImportFailure {
            name: "mpi4py.MPI".into(),
            distribution: "mpi4py".into(),
            object: String::new(),
            reason: text("libmpi.so.12 is found nowhere"),
            cause: text("missing-library"),
        },
        ImportFailure {
            name: "h5py".into(),
            distribution: "h5py".into(),
            object: String::new(),
            reason: text("libhdf5.so.310 is found nowhere"),
            cause: text("missing-library"),
        },
    ]);
    let mut findings = vec![];
    for (name, reason) in
        [("_multiarray_umath", "ends at byte 4096, its headers promise 7340032"), ("_simd", "holds no bytes")]
    {
        let path = format!("{site}/numpy/_core/{name}.cpython-311-x86_64-linux-gnu.so");
        findings.push(finding(
            Severity::Error,
            "broken-file",
            &path,
            &format!("{path} {reason}"),
            vec![at_offset(&path, 0, "ELF header")],
            "pip install --force-reinstall --no-deps numpy",
        ));
    }
    let modules = [
        "_conv",
        "_errors",
        "_npystrings",
        "_objects",
        "_proxy",
        "_selector",
        "defs",
        "h5",
        "h5a",
        "h5ac",
        "h5d",
        "h5ds",
        "h5f",
        "h5fd",
        "h5g",
        "h5i",
        "h5l",
        "h5o",
        "h5p",
        "h5pl",
        "h5r",
        "h5s",
        "h5t",
        "h5z",
    ];
    let mut objects = vec![];
    for module in modules {
        let path = format!("{site}/h5py/{module}.cpython-311-x86_64-linux-gnu.so");
        objects.push(object(&path, "h5py"));
        findings.push(finding(
            Severity::Error,
            "missing-library",
            &format!("{path}: libhdf5.so.310"),
            &format!("{path} needs libhdf5.so.310, which is found nowhere"),
            vec![
                at_offset(&path, 0x2f0 + 8 * module.len() as u64, "NEEDED libhdf5.so.310"),
                seen("/etc/ld.so.cache", "no entry libhdf5.so.310"),
            ],
            "pip install --force-reinstall --no-deps h5py\n# or, where a module provides it\nmodule load hdf5",
        ));
    }
    facts.objects = known(objects);
    findings.push(finding(
        Severity::Warning,
        "dead-rpath",
        "RUNPATH: /build/h5py/lib",
        &format!(
            "{site}/h5py/h5.cpython-311-x86_64-linux-gnu.so carries RUNPATH /build/h5py/lib, which does not exist"
        ),
        vec![at_offset(&format!("{site}/h5py/h5.cpython-311-x86_64-linux-gnu.so"), 0x318, "RUNPATH /build/h5py/lib")],
        "patchelf --remove-rpath FILE",
    ));
    facts.gaps = vec![gap(
        &format!("{site}/numpy/_core/_simd.cpython-311-x86_64-linux-gnu.so"),
        "elf",
        "the file is empty",
        "what it needs",
    )];
    case(facts, Outcome { findings, passed: words(&PASSED[..2]), ..Outcome::default() })
}

/// Files that cannot be read.
pub(crate) fn unknowns() -> Case {
    let mut facts = facts("/appl/soft/python-data/2026.1", &["numpy", "scipy", "mpi4py", "h5py"]);
    let reason = "permission denied";
    facts.gaps = vec![
        gap("/appl/soft/openblas/lib/libopenblas.so.0", "elf", reason, "vendor, version and threads of BLAS"),
        gap(
            "/appl/soft/python-data/2026.1/lib/python3.11/site-packages/mpi4py",
            "tree",
            reason,
            "which MPI mpi4py loads",
        ),
        gap("/etc/ld.so.cache", "loader", "not a cache of a known format", "libraries found through it"),
    ];
    let (blas_gap, mpi_gap, cache_gap) = (GapId(0), GapId(1), GapId(2));
    let mut blind = openblas("numpy", "/appl/soft/openblas/lib/libopenblas.so.0", "lp64", "");
    blind.vendor = Fact::unknown(blas_gap);
    blind.version = Fact::unknown(blas_gap);
    blind.interface = Fact::unknown(blas_gap);
    blind.threading = Fact::unknown(blas_gap);
    blind.kernels = Fact::unknown(blas_gap);
    facts.process.blas = Fact::partial(vec![blind], vec![], cache_gap);
    facts.process.lapack = Fact::unknown(cache_gap);
    facts.process.mpi = Fact::unknown(mpi_gap);
    let mut half = hdf5("h5py", "1.14.5", "/appl/soft/hdf5/lib/libhdf5.so.310", "none");
    half.parallel = Fact::unknown(cache_gap);
    facts.process.hdf5 = known(vec![half]);
    facts.environment.launcher.path = file("/usr/bin/mpiexec");
    facts.environment.launcher.vendor = Fact::unknown(cache_gap);
    facts.environment.launcher.version = Fact::unknown(cache_gap);
    facts.environment.libc.version = Fact::unknown(cache_gap);
    facts.objects = Fact::unknown(mpi_gap);
    let blas = "libopenblas.so.0 could not be read: permission denied";
    let undecided = vec![
        undecided("blas-integer-width-mismatch", "numpy", &[&format!("blas.interface: {blas}")]),
        undecided(
            "defective-blas-release",
            "numpy",
            &[&format!("blas.vendor: {blas}"), &format!("blas.version: {blas}")],
        ),
        undecided(
            "mpi-differs-from-launcher",
            "process",
            &["process.mpi: mpi4py could not be read: permission denied"],
        ),
        undecided("reference-blas", "numpy", &[&format!("blas.vendor: {blas}")]),
        undecided(
            "serial-hdf5-with-mpi",
            "h5py",
            &["hdf5.parallel: /etc/ld.so.cache could not be read: not a cache of a known format"],
        ),
        undecided("two-mpi-libraries", "process", &["process.mpi: mpi4py could not be read: permission denied"]),
    ];
    case(facts, Outcome { undecided, passed: words(&PASSED[..1]), ..Outcome::default() })
}

/// A venv whose Python was removed.
pub(crate) fn base_gone() -> Case {
    let mut facts = facts("/home/ada/envs/old-project", &[]);
    facts.gaps = vec![gap(
        "/home/ada/envs/old-project/pyvenv.cfg",
        "discover",
        "home = /opt/python/3.9 does not exist",
        "which Python this is",
    )];
    let hidden = GapId(0);
    let python = &mut facts.environment.python;
    python.version = Fact::unknown(hidden);
    python.implementation = Fact::unknown(hidden);
    python.executable = Fact::unknown(hidden);
    facts.environment.libc = Libc { family: Fact::unknown(hidden), version: Fact::unknown(hidden), asked: known(None) };
    facts.environment.launcher.path = Fact::unknown(hidden);
    facts.environment.launcher.vendor = Fact::unknown(hidden);
    facts.environment.launcher.version = Fact::unknown(hidden);
    facts.packages = Fact::unknown(hidden);
    facts.objects = Fact::unknown(hidden);
    facts.process.imports = Fact::unknown(hidden);
    facts.process.blas = Fact::unknown(hidden);
    facts.process.lapack = Fact::unknown(hidden);
    facts.process.mpi = Fact::unknown(hidden);
    facts.process.hdf5 = Fact::unknown(hidden);
    facts.process.openmp = Fact::unknown(hidden);
    let findings = vec![finding(
        Severity::Error,
        "broken-environment",
        "/home/ada/envs/old-project/pyvenv.cfg",
        "/home/ada/envs/old-project/pyvenv.cfg: home = /opt/python/3.9 does not exist",
        vec![at_line("/home/ada/envs/old-project/pyvenv.cfg", 1, "home = /opt/python/3.9")],
        "python3 -m venv --clear /home/ada/envs/old-project                               # a new one in its place; installs nothing",
    )];
    let undecided = vec![undecided(
        "reference-blas",
        "process",
        &["process.blas: home = /opt/python/3.9 does not exist (/home/ada/envs/old-project/pyvenv.cfg)"],
    )];
    case(facts, Outcome { findings, undecided, ..Outcome::default() })
}

/// Names that try to talk to the terminal.
pub(crate) fn hostile() -> Case {
    let red = "\u{1b}[31mPWNED\u{1b}]0;title\u{7}\r\n";
    let mut facts = facts("/tmp/e\u{301}vil\u{202e}gpj.os/\u{1b}[2Jenv", &["numpy", "na\u{ef}ve", red]);
    let lib = format!("/tmp/{red}/libblas\u{200b}.so.3 with spaces in it/{}", "deep/".repeat(40));
    facts.process.blas = known(vec![openblas(red, &lib, "lp64\u{1b}[0m", red)]);
    facts.process.preloads = known(vec![Preload {
        entry: red.into(),
        origin: "LD_PRELOAD".into(),
        path: known(None),
        capability: text(red),
    }]);
    facts.gaps = vec![gap(red, red, red, red)];
    let findings = vec![finding(
        Severity::Error,
        "broken-file",
        &lib,
        &format!("{lib}: {red}"),
        vec![at_offset(red, 1, red), at_line(&lib, 2, red)],
        red,
    )];
    let undecided = vec![undecided("reference-blas", red, &[&format!("{red}: {red}")])];
    let waivers =
        vec![WaiverReport { rule: red.into(), subject: Some(red.into()), state: WaiverState::Unused, line: 3 }];
    case(facts, Outcome { findings, undecided, waivers, ..Outcome::default() })
}

/// Findings that are accepted, and waivers that accept nothing.
pub(crate) fn waived() -> Case {
    let mut case = two_mpis();
    for finding in case.outcome.findings.iter_mut().skip(1) {
        finding.waived =
            Some(Waived { reason: "single-rank jobs only, CS-4411".into(), until: Some("2027-03-31".into()) });
    }
    case.outcome.waivers = vec![
        WaiverReport { rule: "dead-rpath".into(), subject: None, state: WaiverState::Expired, line: 12 },
        WaiverReport {
            rule: "reference-blas".into(),
            subject: Some("numpy".into()),
            state: WaiverState::Unused,
            line: 7,
        },
    ];
    case
}
