//! What a shell is told to run: `bash -lc TEXT`, `sh -e FILE`, `#!/bin/bash --login`.

/// The words behind the name of a shell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShellStart<'a, W> {
    /// It reads the files of a login first.
    pub(super) login: bool,
    pub(super) runs: Runs<'a, W>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Runs<'a, W> {
    /// The text itself, and the words behind it, of which the first is its `$0`.
    Text(&'a W, &'a [W]),
    /// A file, and its arguments.
    File(&'a W, &'a [W]),
    /// What it reads from its input.
    Input,
}

/// Reads the words; `None` where one of them is not known that may be an option (bash(1), section OPTIONS).
pub(super) fn shell_start<W>(words: &[W], text: impl Fn(&W) -> Option<String>) -> Option<ShellStart<'_, W>> {
    let (mut login, mut profiles, mut is_text) = (false, true, false);
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        let option = text(word)?;
        let values = match option.as_str() {
            "-" | "--" => {
                rest = behind;
                break;
            }
            "--login" => {
                login = true;
                0
            }
            "--noprofile" => {
                profiles = false;
                0
            }
            "--rcfile" | "--init-file" => 1,
            long if long.starts_with("--") => 0,
            letters if letters.starts_with(['-', '+']) => {
                is_text |= letters.starts_with('-') && letters.contains('c');
                login |= letters.starts_with('-') && letters.contains('l');
                letters.matches(['o', 'O']).count()
            }
            _ => break,
        };
        rest = behind.get(values..).unwrap_or_default();
    }
    let runs = match rest.split_first() {
        Some((first, behind)) if is_text => Runs::Text(first, behind),
        Some((first, behind)) => Runs::File(first, behind),
        None => Runs::Input,
    };
    Some(ShellStart { login: login && profiles, runs })
}
