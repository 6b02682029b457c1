//! Arguments, configuration file, exit code.

/// Runs the command line and returns the exit code.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
