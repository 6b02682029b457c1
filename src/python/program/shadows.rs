//! Files beside a program that stand in for modules that it imports: Python looks in the program's directory first.

use super::{Calls, Import};

/// A file beside the program that answers an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The module, up to its first dot.
    pub module: String,
    /// The name of the file or directory.
    pub file: String,
    /// The first import of it: its place in the list that was given.
    pub import: usize,
}

/// Files and directories in the program's directory (`names`) that answer its imports. A file of the program itself does so
/// rightly: whether the module exists elsewhere too is for the caller to say.
///
/// In CPython's order: a directory before an extension before a source file of the same name.
pub fn shadows(names: &[&str], imports: &[Import], calls: &Calls) -> Vec<Shadow> {
    let mut found: Vec<Shadow> = Vec::new();
    for (at, import) in imports.iter().enumerate() {
        let module = import.module.split('.').next().unwrap_or_default();
        let done = found.iter().any(|it| it.module == module);
        if module.is_empty() || done || calls.is_never_shadowed(module) {
            continue;
        }
        if let Some((_, file)) = names.iter().filter_map(|it| Some((rank(it, module)?, it))).min() {
            found.push(Shadow { module: module.to_owned(), file: (*file).to_owned(), import: at });
        }
    }
    found
}

/// Which of several files Python takes, the smallest first; none where the file is not of this module.
fn rank(file: &str, module: &str) -> Option<u8> {
    let ending = file.strip_prefix(module)?;
    match ending {
        "" | "/" => Some(0),
        ".py" => Some(2),
        ".pyc" => Some(3),
        ending if ending.starts_with('.') && ending.ends_with(".so") => Some(1),
        _ => None,
    }
}
