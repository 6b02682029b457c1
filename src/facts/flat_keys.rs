//! The keys of a flat file: what each may hold.

use serde_json::Value;

use super::error::FactsError;
use super::flat::Flat;

/// What a key may hold; `null` is known to be absent.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    List,
}

impl Kind {
    fn admits(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Self::Text, value) => value.is_string(),
            (Self::Flag, value) => value.is_boolean(),
            (Self::List, Value::Array(list)) => list.iter().all(Value::is_string),
            (Self::List, Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "text or null",
            Self::Flag => "true, false or null",
            Self::List => "a list of texts",
        }
    }
}

/// Keys; `*` is the name of a package.
const KEYS: [(&str, Kind); 42] = [
    ("python.version", Kind::Text),
    ("python.implementation", Kind::Text),
    ("python.soabi", Kind::Text),
    ("python.kind", Kind::Text),
    ("python.user_site", Kind::Text),
    ("python.user_site.packages", Kind::List),
    ("image.env", Kind::List),
    ("pkg.*.version", Kind::Text),
    ("blas.*.vendor", Kind::Text),
    ("blas.*.lib", Kind::Text),
    ("blas.*.kernels", Kind::Text),
    ("blas.*.version", Kind::Text),
    ("blas.*.interface", Kind::Text),
    ("blas.*.threading", Kind::Text),
    ("lapack.*.vendor", Kind::Text),
    ("lapack.*.lib", Kind::Text),
    ("lapack.*.version", Kind::Text),
    ("lapack.*.interface", Kind::Text),
    ("lapack.*.threading", Kind::Text),
    ("openmp.runtimes", Kind::List),
    ("mpi.*.vendor", Kind::Text),
    ("mpi.*.version", Kind::Text),
    ("mpi.*.abi", Kind::Text),
    ("mpi.*.soname", Kind::Text),
    ("mpi.*.lib", Kind::Text),
    ("mpi.agreement", Kind::Text),
    ("launcher.path", Kind::Text),
    ("launcher.vendor", Kind::Text),
    ("launcher.version", Kind::Text),
    ("hdf5.*.version", Kind::Text),
    ("hdf5.*.parallel", Kind::Flag),
    ("hdf5.*.soname", Kind::Text),
    ("hdf5.*.lib", Kind::Text),
    ("h5py.mpi", Kind::Flag),
    ("duplicates.blas", Kind::List),
    ("duplicates.hdf5", Kind::List),
    ("duplicates.mpi", Kind::List),
    ("duplicates.openmp", Kind::List),
    ("not_found", Kind::List),
    ("not_found_masked", Kind::List),
    ("broken", Kind::List),
    ("import_fails", Kind::List),
];

/// Keys that are not known here, each with those of its area that are.
///
/// # Errors
/// When a key holds what it cannot hold, or is known and unknown at once.
pub(super) fn strange_keys(flat: &Flat) -> Result<Vec<(String, String)>, FactsError> {
    let mut strange = Vec::new();
    for (key, value) in &flat.facts {
        if flat.unknown.contains_key(key) {
            return Err(FactsError::Both(key.clone()));
        }
        match KEYS.iter().find(|(pattern, _)| fits(pattern, key)) {
            Some((_, kind)) if kind.admits(value) => {}
            Some((_, kind)) => return Err(FactsError::Type { key: key.clone(), expected: kind.words() }),
            None => strange.push((key.clone(), relatives(key))),
        }
    }
    let unknown = flat.unknown.keys().filter(|key| !key.ends_with('*') && !KEYS.iter().any(|(it, _)| fits(it, key)));
    strange.extend(unknown.map(|key| (key.clone(), relatives(key))));
    Ok(strange)
}

/// Names of packages have no dots.
fn fits(pattern: &str, key: &str) -> bool {
    let (mut pattern, mut key) = (pattern.split('.'), key.split('.'));
    loop {
        match (pattern.next(), key.next()) {
            (None, None) => return true,
            (Some("*"), Some(name)) if !name.is_empty() => {}
            (Some(a), Some(b)) if a == b => {}
            (_, _) => return false,
        }
    }
}

fn relatives(key: &str) -> String {
    let area = |it: &str| it.split('.').next().map(str::to_owned);
    let same: Vec<&str> = KEYS.iter().map(|(it, _)| *it).filter(|it| area(it) == area(key)).collect();
    if same.is_empty() { KEYS.map(|(it, _)| it).join(", ") } else { same.join(", ") }
}
