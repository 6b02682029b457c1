//! Parses nothing, decides nothing: calls `cli::run` and returns its exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pyhpc_audit::cli::run()
}
