//! Writes the tree of a sample to a directory, to try commands on: `cargo run --example sample two-mpis /tmp/two-mpis`.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support"]
mod support {
    pub mod elf_builder;
    pub mod elf_file;
    pub mod elf_tables;
    pub mod elf_writer;
    pub mod fixture;
    pub mod macho_writer;
}

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, directory] = arguments.as_slice() else {
        eprintln!("usage: sample NAME DIRECTORY");
        return ExitCode::from(2);
    };
    let description = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).join("tree.toml");
    match std::fs::read_to_string(&description) {
        Ok(text) => {
            support::fixture::Fixture::parse(&text).write_below(Path::new(directory));
            println!("the commands in samples/{name}/*.txt work here, with --root {directory}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", description.display());
            ExitCode::from(2)
        }
    }
}
