//! Any bytes as a job script, in both dialects: no panic, bounded time and memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyhpc_audit::job::{Environment, Place, Setup, Source, Surroundings, Word, directives, read};

/// Every file that a script sources is the script itself.
struct Itself<'a>(&'a [u8]);

impl Surroundings for Itself<'_> {
    fn text(&mut self, path: &str) -> Option<Vec<u8>> {
        (path.len() < 4).then(|| self.0.to_vec())
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        (path.len() < 8).then_some(path.len() < 4)
    }

    fn changes_shell(&mut self, words: &[Word], environment: &mut Environment, place: &Place) -> bool {
        if words.len() == 3 {
            environment.forget("three words", place);
        }
        words.len() == 3
    }
}

fuzz_target!(|bytes: &[u8]| {
    for first in ["", "#!/bin/csh\n"] {
        let bytes = [first.as_bytes(), bytes].concat();
        let source = Source { path: "script", bytes: &bytes };
        directives(&source, &["#SBATCH", "#$"]);
        read(&source, &Setup::default(), &mut Itself(&bytes));
    }
});
