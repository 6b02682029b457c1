//! The machine's own loader: where it is, what its CPU can do, and the two small C programs that ask it.

use std::path::{Path, PathBuf};
use std::process::Command;

use pyhpc_audit::loader::CpuMaker;

/// What every question to the real loader needs.
pub struct Machine {
    /// The real ld.so.
    pub loader: PathBuf,
    /// Its C library; musl has none beside the loader.
    pub libc: Option<PathBuf>,
    /// Whether it is a musl.
    pub musl: bool,
    /// Whether it survives filters: glibc before 2.35 aborts (F1).
    pub filters: bool,
    /// The CPU level that the loader itself tells.
    pub cpu: String,
    /// Who made the CPU.
    pub maker: CpuMaker,
    /// Holds the compiled programs.
    pub scratch: tempfile::TempDir,
}

impl Machine {
    /// The machine, or `ORACLE_LOADER` and `ORACLE_LIBC` where another pair is to be asked.
    pub fn find() -> Self {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let loader = variable("ORACLE_LOADER").unwrap_or_else(|| "/lib64/ld-linux-x86-64.so.2".into());
        let loader = loader.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", loader.display()));
        let bytes = std::fs::read(&loader).unwrap();
        let musl = contains(&bytes, b"musl libc");
        let old = (17..35).any(|minor| contains(&bytes, format!("release version 2.{minor}").as_bytes()));
        let directories = ["/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"];
        let here = || directories.iter().map(|it| Path::new(it).join("libc.so.6")).find(|it| it.exists());
        let libc = if musl { None } else { Some(variable("ORACLE_LIBC").or_else(here).expect("a libc.so.6")) };
        let scratch = tempfile::tempdir().unwrap();
        let machine = Self { cpu: cpu(), maker: maker(), loader, libc, musl, filters: !musl && !old, scratch };
        let rpath = "-Wl,--disable-new-dtags,-rpath,/oracle";
        machine.compile("driver.c", "driver.so", &["-shared", "-fPIC", "-fno-stack-protector", rpath]);
        machine.compile("launch.c", "launch", &[]);
        machine
    }

    /// A compiled program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn compile(&self, source: &str, name: &str, arguments: &[&str]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(source);
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut command = Command::new(&compiler);
        let status = command.args(arguments).args(["-O1", "-w", "-o"]).arg(self.program(name)).arg(source).status();
        let status = status.unwrap_or_else(|error| panic!("{compiler} cannot be started: {error}"));
        assert!(status.success(), "{compiler} fails");
    }
}

/// The best level that the machine's glibc tells with `--help`.
fn cpu() -> String {
    let help = Command::new("/lib64/ld-linux-x86-64.so.2").arg("--help").output();
    let text = help.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let level = text.lines().find(|it| it.contains("x86-64-v") && it.contains("(supported, searched)"));
    level.and_then(|it| it.split_whitespace().next()).unwrap_or("x86-64").to_owned()
}

fn maker() -> CpuMaker {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if text.contains("GenuineIntel") { CpuMaker::Intel } else { CpuMaker::Other }
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|it| it == what)
}
