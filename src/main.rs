//! Parses nothing, decides nothing: calls `cli::run` and returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    pyhpc_audit::cli::run()
}
