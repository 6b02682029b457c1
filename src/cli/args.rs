//! Every flag, documented once: help, man page, completions and docs/cli.md come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Format;
use crate::rules::Severity;

/// Audits Python on a cluster from bytes alone: which BLAS, MPI, HDF5 and OpenMP one process really gets.
///
/// Nothing of the target is executed, imported or written.
#[derive(Debug, Parser)]
#[command(
    name = "pyhpc-audit",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The main job: facts, rules, verdicts.
    Audit(AuditArgs),
    /// The facts alone.
    Facts(FactsArgs),
    /// The findings that a project starts from: only others make an audit fail.
    Baseline(BaselineArgs),
    /// What one process maps, in order, and why.
    Loads(LoadsArgs),
    /// Why this library, package or file is, or is not, the one that is used.
    Why(WhyArgs),
    /// A rule, library, package, variable or fact, as a page.
    Explain(ExplainArgs),
    /// The `[[seen]]` block of a file, for people who describe libraries and launchers.
    Seen(SeenArgs),
    /// A first site.toml, from what the machine says of itself.
    SiteProfile(SiteProfileArgs),
    /// For people who write rules.
    Rules(RulesArgs),
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, in roff.
    Man,
}

/// What is looked at, in which environment.
#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Treat DIR, or the image in a file, as the root of the file system; every link is resolved inside it. Alone it audits
    /// the root's own Pythons.
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Of an archive with several images, the one with this tag, digest or architecture. T:TAG says the same. Default: all.
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Option<String>,
    #[command(flatten)]
    pub(super) process: ProcessArgs,
}

/// The process that is worked out.
#[derive(Debug, Args)]
pub(super) struct ProcessArgs {
    /// Imports of the process, in this order. Default: the audited packages that are installed.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub(super) import: Vec<String>,
    /// Set a variable of the process; repeatable, the last one wins.
    #[arg(long, value_name = "K=V")]
    pub(super) env: Vec<String>,
    /// Set variables from a file: lines K=V, or NUL-separated as `env -0` writes.
    #[arg(long, value_name = "FILE")]
    pub(super) env_file: Vec<PathBuf>,
    /// Take nothing from the environment of the caller. Default with --root.
    #[arg(long)]
    pub(super) clean_env: bool,
    /// The `mpiexec` to compare with. Default: the first mpiexec or mpirun on the PATH of the process.
    #[arg(long, value_name = "PATH")]
    pub(super) launcher: Option<PathBuf>,
    /// What the CPU of the process can do, for glibc-hwcaps. Default: this CPU for a target on this host, else x86-64.
    #[arg(long, value_name = "LEVEL", value_parser = [
        "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "power9", "power10", "z13", "z14", "z15", "z16", "z17",
    ])]
    pub(super) cpu: Option<String>,
}

/// The job that starts the process.
#[derive(Debug, Args)]
pub(super) struct JobArgs {
    /// Take this job script with the environment that its launch lines start. Default target then: the interpreter of the
    /// first launch line, when its path can be told.
    #[arg(long = "job", value_name = "SCRIPT")]
    pub(super) script: Option<PathBuf>,
    /// What the administrator of the machine knows: nodes, scheduler, modules, and the fabric, which counts without a job
    /// too. Default: a site.toml where pyhpc-audit.toml would be looked for.
    #[arg(long, value_name = "FILE", env = "PYHPC_AUDIT_SITE")]
    pub(super) site: Option<PathBuf>,
}

/// What is looked at beyond the process itself.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Answer whether the process would run with this glibc: 2.28 is that of RHEL 8, 2.34 of RHEL 9.
    #[arg(long, value_name = "VERSION", value_parser = libc_version)]
    pub(super) libc: Option<String>,
    /// Compare shared objects with the digests that pip, conda and dpkg recorded; reads each of them whole.
    #[arg(long)]
    pub(super) verify_files: bool,
    /// Hold the target, an image, against the host that starts it: FACTS that were saved there, or the PREFIX of its MPI on this
    /// machine. Answers whether the launcher of the host starts the MPI of the image, and whether the MPI of the host can be
    /// mounted over it.
    #[arg(long, value_name = "FACTS|PREFIX")]
    pub(super) host: Option<PathBuf>,
}

/// `2.28`: numbers and dots.
fn libc_version(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |it: &&str| !it.is_empty() && it.chars().all(|c| c.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(number) {
        return Err("expected a version of glibc, such as 2.28".to_owned());
    }
    Ok(text.to_owned())
}

/// Where rules come from.
#[derive(Debug, Args)]
pub(super) struct KnowledgeArgs {
    /// Read rules from DIR too; one of the same name replaces. DIR/libraries, DIR/packages and DIR/launchers add descriptions.
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Vec<PathBuf>,
    /// Read this configuration. Default: pyhpc-audit.toml here or above, then in the user's configuration, then in /etc/pyhpc-audit.
    #[arg(long, value_name = "FILE", env = "PYHPC_AUDIT_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

/// What is audited, in which environment, by what knowledge.
#[derive(Debug, Args)]
pub(super) struct QuestionArgs {
    /// Environment prefixes, python executables, images (OCI layout, docker save, SIF, SquashFS, tar of a root, a root that was
    /// unpacked) or saved facts files. Default: $VIRTUAL_ENV, $CONDA_PREFIX, else the first python3 on PATH.
    #[arg(value_name = "T")]
    pub(super) targets: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) job: JobArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) checks: CheckArgs,
    #[command(flatten)]
    pub(super) knowledge: KnowledgeArgs,
}

/// `audit`
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    pub(super) question: QuestionArgs,
    /// Print the job script's corrections as a unified diff instead of a report; nothing is edited.
    #[arg(long, requires = "script")]
    pub(super) diff: bool,
    /// Format of the report on standard output: table, json, jsonl, sarif, junit, gitlab, github or markdown.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,
    /// Write a report to a file too; repeatable, all of them from one scan. FORMAT is one of those of --format.
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) output: Vec<String>,
    /// Findings that this file knows do not count for --fail-on; `baseline write` writes it.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Exit with 1 when there is a finding of this severity or worse.
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "error")]
    pub(super) fail_on: Level,
    /// Exit with 3 when something could not be read or decided.
    #[arg(long)]
    pub(super) strict: bool,
    /// Exit with 0 whatever is found; errors of usage still exit with 2.
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// Show every object, evidence line and gap.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

/// `baseline`
#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    pub(super) command: BaselineCommand,
}

/// The commands below `baseline`.
#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Audits the targets and writes what is found now to a file, for `audit --baseline FILE`.
    Write(BaselineWriteArgs),
}

/// `baseline write`
#[derive(Debug, Args)]
pub(super) struct BaselineWriteArgs {
    #[command(flatten)]
    pub(super) question: QuestionArgs,
    /// The file; one that is there is replaced.
    #[arg(long, value_name = "FILE", default_value = "pyhpc-audit-baseline.json")]
    pub(super) baseline: PathBuf,
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Level {
    /// Notes, warnings and errors.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Note => Self::Note,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

/// `facts`
#[derive(Debug, Args)]
pub(super) struct FactsArgs {
    #[command(flatten)]
    pub(super) question: QuestionArgs,
    /// One key per fact: `blas.numpy.vendor`.
    #[arg(long)]
    pub(super) flat: bool,
}

/// `loads`
#[derive(Debug, Args)]
pub(super) struct LoadsArgs {
    /// An environment prefix, a python executable or an image.
    #[arg(value_name = "T")]
    pub(super) targets: Vec<PathBuf>,
    /// Ask the loader for each extension by itself, as `ldd` would.
    #[arg(long)]
    pub(super) alone: bool,
    /// Lists the modules that the interpreter executes instead, in order, with the statement that imports each.
    #[arg(long, conflicts_with = "alone")]
    pub(super) modules: bool,
    /// table or json.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,
    /// Show every object in a line of its own, what it needs that was there already, and every failed probe.
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) knowledge: KnowledgeArgs,
}

/// `why`
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// A soname, a file name, a path, a package or a module: libmpi, libopenblas.so.0, numpy, h5py.defs.
    pub(super) name: String,
    /// An environment prefix, a python executable or an image.
    #[arg(value_name = "T")]
    pub(super) targets: Vec<PathBuf>,
    /// table or json.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) knowledge: KnowledgeArgs,
}

/// `explain`
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A rule (reference-blas), a library (openblas), a launcher (slurm), an ABI group (mpich-12), a package (mpi4py), a
    /// variable (OMP_PROC_BIND) or a fact (blas.threading).
    pub(super) name: String,
    #[command(flatten)]
    pub(super) knowledge: KnowledgeArgs,
}

/// `seen`
#[derive(Debug, Args)]
pub(super) struct SeenArgs {
    /// Shared objects, or programs and scripts of a launcher. Links are followed.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Treat DIR as the root of the file system; every link is resolved inside it.
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Where the files come from: "numpy 2.4.6 wheel x86_64". Default: empty, to be filled in.
    #[arg(long = "where", value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) place: String,
    /// toml: blocks for rules/libraries/WORD.toml or rules/launchers/WORD.toml; the first comment names the WORD that
    /// recognises the file now. json: the same for scripts.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "toml")]
    pub(super) format: SeenFormat,
    #[command(flatten)]
    pub(super) knowledge: KnowledgeArgs,
}

/// How `seen` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SeenFormat {
    /// Blocks to paste.
    Toml,
    /// One document.
    Json,
}

/// `site-profile`
#[derive(Debug, Args)]
pub(super) struct SiteProfileArgs {
    /// Topologies of nodes (lstopo --of xml, lscpu, lscpu -J) and settings of the scheduler (slurm.conf, scontrol show config,
    /// scontrol show node, scontrol show partition, pbsnodes -av -F json), saved to files. Their content tells which is which.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
}

/// `rules`
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    pub(super) command: RulesCommand,
}

/// The commands below `rules`.
#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Every rule with its severity and title.
    List {
        #[command(flatten)]
        knowledge: KnowledgeArgs,
    },
    /// Checks the rule files of a directory and runs their examples.
    Test {
        /// The directory; without one, the built-in rules.
        dir: Option<PathBuf>,
    },
    /// The JSON Schema of the facts that conditions refer to, or of a rule file.
    Schema {
        /// `facts` or `rule`.
        #[arg(default_value = "facts", value_parser = ["facts", "rule"])]
        of: String,
    },
}
