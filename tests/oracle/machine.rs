//! The machine's own loader: where it is, what its CPU can do, and the two small C programs that ask it.

use std::path::{Path, PathBuf};
use std::process::Command;

use pyhpc_audit::loader::CpuMaker;

const LIBC_DIRECTORIES: [&str; 4] = ["/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"];

/// What every question to the real loader needs.
pub struct Machine {
    /// The real ld.so.
    pub loader: PathBuf,
    /// Whether it is a musl.
    pub musl: bool,
    /// The CPU level that the loader itself tells.
    pub cpu: String,
    /// Who made the CPU.
    pub maker: CpuMaker,
    /// Holds the compiled programs.
    pub scratch: tempfile::TempDir,
}

impl Machine {
    /// The machine's glibc, or `ORACLE_LOADER` and `ORACLE_LIBC` where another one is to be asked; else why not.
    pub fn glibc() -> Result<Self, String> {
        let loader = variable("ORACLE_LOADER").unwrap_or_else(|| "/lib64/ld-linux-x86-64.so.2".into());
        let here = || LIBC_DIRECTORIES.iter().map(|it| Path::new(it).join("libc.so.6")).find(|it| it.exists());
        let libc = variable("ORACLE_LIBC").or_else(here).ok_or("there is no libc.so.6")?;
        let libc = libc.canonicalize().map_err(|error| format!("{}: {error}", libc.display()))?;
        let machine = Self::of(&loader, Some(&libc))?;
        if machine.musl { Err("ORACLE_LOADER is no glibc; ORACLE_MUSL names a musl".to_owned()) } else { Ok(machine) }
    }

    /// The machine's musl, where Debian's package puts it, or `ORACLE_MUSL`; else why not.
    pub fn musl() -> Result<Self, String> {
        let machine = Self::of(&variable("ORACLE_MUSL").unwrap_or_else(|| "/lib/ld-musl-x86_64.so.1".into()), None)?;
        if machine.musl { Ok(machine) } else { Err("ORACLE_MUSL is no musl".to_owned()) }
    }

    fn of(loader: &Path, libc: Option<&Path>) -> Result<Self, String> {
        let path = loader.canonicalize().map_err(|error| format!("{}: {error}", loader.display()))?;
        let bytes = std::fs::read(&path).unwrap();
        let musl = contains(&bytes, b"musl libc");
        // Loaders before 2.33 do not tell their version; the C library beside them does.
        let telling = libc.map_or(Ok(bytes), std::fs::read).unwrap();
        let old = (17..34).any(|minor| contains(&telling, format!("release version 2.{minor}").as_bytes()));
        let scratch = tempfile::tempdir().unwrap();
        let machine = Self { cpu: cpu(), maker: maker(), loader: path, musl, scratch };
        // Hard links of these copies go into every tree.
        std::fs::copy(&machine.loader, machine.program("loader")).unwrap();
        let rpath = "-Wl,--disable-new-dtags,-rpath,/oracle";
        let mut arguments = vec!["-shared", "-fPIC", "-fno-stack-protector", rpath];
        // Linked against the very C library that it will meet; before 2.34 dlopen is in a library of its own.
        let mut libraries: Vec<PathBuf> = libc.into_iter().map(Path::to_path_buf).collect();
        if let Some(libc) = libc {
            arguments.push("-nostdlib");
            libraries.extend(Some(libc.with_file_name("libdl.so.2")).filter(|it| old && it.exists()));
            std::fs::copy(libc, machine.program("libc.so.6")).unwrap();
            libraries.iter().skip(1).for_each(|it| {
                std::fs::copy(it, machine.program("libdl.so.2")).unwrap();
            });
        }
        machine.compile("driver.c", "driver.so", &arguments, &libraries)?;
        machine.compile("launch.c", "launch", &[], &[])?;
        machine.isolates()?;
        Ok(machine)
    }

    /// Asks for a program that is not there, in a tree that holds nothing.
    fn isolates(&self) -> Result<(), String> {
        let root = self.program("nothing");
        std::fs::create_dir_all(root.join("proc")).unwrap();
        let status = Command::new(self.program("launch")).arg(&root).args(["/", "/none"]).status();
        match status.map(|it| it.code()) {
            Ok(Some(125)) => Ok(()),
            other => Err(format!("a process cannot be isolated, for want of user namespaces or root: {other:?}")),
        }
    }

    /// A compiled program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn compile(&self, source: &str, name: &str, arguments: &[&str], libraries: &[PathBuf]) -> Result<(), String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(source);
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut command = Command::new(&compiler);
        command.args(arguments).args(["-O1", "-w", "-o"]).arg(self.program(name)).arg(source).args(libraries);
        let output = command.output().map_err(|error| format!("no C compiler: {compiler}: {error}"))?;
        assert!(output.status.success(), "{compiler} fails: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
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
