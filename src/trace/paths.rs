//! `pathlib.Path`, as far as programs find libraries of their own with it.

use super::Interpreter;
use super::value::{Function, Value};
use crate::base::TreePath;
use crate::tree::Kind;

/// Whether a class makes paths: `pathlib` defines them in one module or in several, by version.
pub(super) fn is_path(class: &Function) -> bool {
    class.module.split('.').next() == Some("pathlib")
        && matches!(class.name.as_ref(), "Path" | "PurePath" | "PosixPath")
}

/// `Path(a, b)` and `a / b`; unknown when a part is.
pub(super) fn joined(parts: &[Value]) -> Value {
    let mut whole = String::new();
    for part in parts {
        let (Value::Text(part) | Value::Path(part)) = part else { return Value::Unknown };
        if part.starts_with('/') || whole.is_empty() {
            whole = part.to_string();
        } else if !part.is_empty() {
            let mark = if whole.ends_with('/') { "" } else { "/" };
            whole = format!("{whole}{mark}{part}");
        }
    }
    path(if whole.is_empty() { "." } else { &whole })
}

fn path(text: &str) -> Value {
    Value::Path(text.into())
}

pub(super) fn attribute(of: &str, name: &str) -> Value {
    let last = of.rsplit('/').next().unwrap_or(of);
    match name {
        "parent" => parent(of),
        "name" => Value::text(last),
        "stem" => Value::text(last.rsplit_once('.').map_or(last, |(it, _)| it)),
        "suffix" => Value::text(&last.rsplit_once('.').map_or(String::new(), |(_, it)| format!(".{it}"))),
        _ => Value::Unknown,
    }
}

fn parent(of: &str) -> Value {
    match of.rsplit_once('/') {
        Some(("", _)) => path("/"),
        Some((above, _)) => path(above),
        None => path("."),
    }
}

/// A method of a path.
pub(super) fn call(it: &Interpreter<'_>, of: &str, name: &str, arguments: &[Value]) -> Value {
    let kind = || it.view.metadata(of.as_bytes()).map(|it| it.kind);
    match (name, arguments) {
        ("exists", []) if of.starts_with('/') => Value::Bool(kind().is_ok()),
        ("is_file", []) if of.starts_with('/') => Value::Bool(matches!(kind(), Ok(Kind::File))),
        ("is_dir", []) if of.starts_with('/') => Value::Bool(matches!(kind(), Ok(Kind::Directory))),
        ("resolve" | "absolute", []) if of.starts_with('/') => path(&TreePath::new(of.as_bytes()).text()),
        ("as_posix" | "__fspath__", []) => Value::text(of),
        ("joinpath", parts) => {
            let whole: Vec<Value> = std::iter::once(path(of)).chain(parts.iter().cloned()).collect();
            joined(&whole)
        }
        ("with_name", [Value::Text(_)]) => joined(&[parent(of), arguments.first().cloned().unwrap_or(Value::None)]),
        ("with_suffix", [Value::Text(suffix)]) => {
            let end = of.rsplit_once('/').map_or(0, |(above, _)| above.len() + 1);
            let stem = of.get(end..).and_then(|it| it.rfind('.')).filter(|it| *it > 0).map_or(of.len(), |it| end + it);
            path(&format!("{}{suffix}", of.get(..stem).unwrap_or(of)))
        }
        _ => Value::Unknown,
    }
}
