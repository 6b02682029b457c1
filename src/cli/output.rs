//! Standard output and standard error: the only place that prints.

use std::io::{self, IsTerminal, Write};

use crate::report::{Look, Verbosity};

/// Prints a report. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A message for people. When standard error is gone there is nobody to tell.
pub(super) fn message(text: &str) {
    let mut out = anstream::stderr().lock();
    if writeln!(out, "{text}").is_err() {}
}

/// How a report on standard output looks: 100 columns of plain ASCII where there is no terminal.
pub(super) fn look(verbose: bool) -> Look {
    let verbosity = if verbose { Verbosity::Verbose } else { Verbosity::Terse };
    let terminal = io::stdout().is_terminal();
    let colour = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    if !terminal {
        return Look { verbosity, colour, ..Look::BATCH };
    }
    let width = terminal_size::terminal_size().map_or(Look::BATCH.width_columns, |(width, _)| width.0);
    Look { width_columns: width.clamp(60, 200), colour, verbosity, ascii: !utf8() }
}

/// How a report in a file looks.
pub(super) fn plain(verbose: bool) -> Look {
    let verbosity = if verbose { Verbosity::Verbose } else { Verbosity::Terse };
    Look { verbosity, ..Look::BATCH }
}

/// Whether the locale of the terminal takes UTF-8.
fn utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    set.is_some_and(|it| it.to_ascii_lowercase().replace('-', "").contains("utf8"))
}
