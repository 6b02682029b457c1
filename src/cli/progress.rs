//! How far a long reading has come, for somebody who watches a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::base::printable;
use crate::tree::Progress;

/// Work that is shorter says nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(100);

/// One line on standard error, written again and again; nothing where that is no terminal.
pub(super) struct Bar {
    what: String,
    state: Option<Mutex<State>>,
}

struct State {
    begun: Instant,
    told: Option<Instant>,
    layer: (usize, usize),
}

impl Bar {
    /// For the reading of `what`.
    pub(super) fn new(what: &str) -> Self {
        let begun = Instant::now();
        let state = io::stderr().is_terminal().then(|| Mutex::new(State { begun, told: None, layer: (1, 1) }));
        Self { what: printable(what.as_bytes()), state }
    }
}

impl Progress for Bar {
    fn layer(&self, number: usize, of: usize) {
        if let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) {
            state.layer = (number, of);
        }
    }

    fn read(&self, bytes: u64) {
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) else { return };
        let is_early = state.begun.elapsed() < PATIENCE || state.told.is_some_and(|it| it.elapsed() < PAUSE);
        if is_early {
            return;
        }
        state.told = Some(Instant::now());
        let (number, of) = state.layer;
        // Nobody is told that nobody can be told.
        if write!(io::stderr(), "\r\x1b[Kreading {}: layer {number} of {of}, {} MiB", self.what, bytes >> 20).is_err() {
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(Ok(state)) = self.state.as_ref().map(Mutex::lock)
            && state.told.is_some()
            && write!(io::stderr(), "\r\x1b[K").is_err()
        {}
    }
}
