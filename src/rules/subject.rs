//! What rules are about: the words of `subject`, where they stand in the facts, and what one is called in reports.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::check::Names;
use super::types::{Record, Type};
use super::value::{Missing, Reason, Seen, Value};

/// Facts that every condition can name, whatever its subject.
const COMMON: [&str; 8] = ["environment", "process", "packages", "objects", "needs", "missing_versions", "job", "host"];

/// One word of `subject`.
#[derive(Debug, PartialEq, Eq)]
pub struct Subject {
    /// The word, which is also the name in conditions.
    pub word: &'static str,
    /// Where it stands in the facts.
    path: &'static [&'static str],
    naming: Naming,
}

#[derive(Debug, PartialEq, Eq)]
enum Naming {
    /// There is one, called so.
    Fixed,
    /// There is one, called by this field, or none.
    Optional(&'static str),
    /// There is one, called by its prefix.
    Prefix,
    /// Called by these fields.
    Fields(&'static [&'static str], &'static str),
    /// Called by its name, and its location when another copy is the active one.
    Package,
}

const fn several(word: &'static str, path: &'static [&'static str], by: &'static [&'static str]) -> Subject {
    Subject { word, path, naming: Naming::Fields(by, ": ") }
}

/// All subjects, in the order of the manual.
static SUBJECTS: [Subject; 42] = [
    Subject { word: "environment", path: &["environment"], naming: Naming::Prefix },
    Subject { word: "process", path: &["process"], naming: Naming::Fixed },
    Subject { word: "package", path: &["packages"], naming: Naming::Package },
    several("object", &["objects"], &["path"]),
    several("need", &["needs"], &["object", "soname"]),
    several("missing_version", &["missing_versions"], &["object", "version"]),
    several("blas", &["process", "blas"], &["user"]),
    several("lapack", &["process", "lapack"], &["user"]),
    several("mpi", &["process", "mpi"], &["user"]),
    several("fabric", &["process", "fabrics"], &["user"]),
    several("hdf5", &["process", "hdf5"], &["user"]),
    several("openmp", &["process", "openmp"], &["path"]),
    several("shared_soname", &["process", "shared_sonames"], &["soname"]),
    several("override", &["process", "overrides"], &["soname"]),
    several("preload", &["process", "preloads"], &["entry"]),
    Subject { word: "choice", path: &["process", "choices"], naming: Naming::Fields(&["package", "capability"], " ") },
    several("binding", &["process", "bindings"], &["object", "group"]),
    several("capture", &["process", "captures"], &["instead_of"]),
    several("undefined_symbol", &["process", "undefined_symbols"], &["object", "symbol"]),
    several("order_effect", &["process", "order_effects"], &["name"]),
    several("fatal_hit", &["process", "fatal_hits"], &["path"]),
    several("cut_rpath", &["process", "cut_rpaths"], &["object", "soname"]),
    several("cpu_variant", &["process", "cpu_variants"], &["soname"]),
    Subject {
        word: "build_claim",
        path: &["process", "build_claims"],
        naming: Naming::Fields(&["package", "capability"], " "),
    },
    several("mapped", &["process", "mapped"], &["path"]),
    several("libc_need", &["process", "libc_needs"], &["name"]),
    several("runtime_need", &["process", "runtime_needs"], &["title"]),
    several("import_failure", &["process", "import_failures"], &["name"]),
    several("variable", &["environment", "variables"], &["name"]),
    several("search_directory", &["environment", "search_directories"], &["origin", "entry"]),
    several("activation_variable", &["environment", "activation"], &["name"]),
    several("altered_package", &["environment", "altered_packages"], &["name"]),
    several("defect", &["environment", "defects"], &["path"]),
    Subject { word: "job", path: &["job"], naming: Naming::Optional("script") },
    several("run", &["job", "runs"], &["name"]),
    several("setting", &["job", "settings"], &["place", "name"]),
    several("process_pool", &["job", "process_pools"], &["place"]),
    several("late_setting", &["job", "late_settings"], &["place"]),
    several("shadowing_file", &["job", "shadowing_files"], &["module"]),
    several("unclear", &["job", "unclear"], &["place"]),
    Subject { word: "host", path: &["host"], naming: Naming::Optional("name") },
    several("host_fit", &["host", "fits"], &["user"]),
];

/// What the facts hold of one subject.
pub(super) struct Found<'f> {
    /// The subjects.
    pub(super) items: Vec<&'f Json>,
    /// What the list rests on.
    pub(super) because: Vec<u64>,
    /// What hides the list or further members.
    pub(super) hidden: Option<Missing>,
}

impl Subject {
    /// The subject with that word.
    pub fn named(word: &str) -> Option<&'static Self> {
        Self::all().find(|subject| subject.word == word)
    }

    /// The fields of the facts that lead to it.
    pub(super) fn place(&self) -> &'static [&'static str] {
        self.path
    }

    /// All subjects, in the order of the manual.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        SUBJECTS.iter()
    }

    /// The names that a condition about this subject can use.
    pub(super) fn names(&self, facts: &Arc<Record>) -> Names {
        let mut found = Type::Record(Arc::clone(facts));
        for step in self.path {
            found = match found.present() {
                Type::Record(record) => record.fields.get(*step).cloned().unwrap_or(Type::Any),
                Type::Null
                | Type::Bool
                | Type::Number
                | Type::Text(_)
                | Type::List(_)
                | Type::Nullable(_)
                | Type::Any => Type::Any,
            };
        }
        if let (Type::List(element), Naming::Fields(..) | Naming::Package) = (&found, &self.naming) {
            found = element.as_ref().clone();
        }
        let common = COMMON.iter().filter(|name| **name != self.word);
        let common = common.filter_map(|name| Some(((*name).to_owned(), facts.fields.get(*name)?.clone())));
        Names(std::iter::once((self.word.to_owned(), found)).chain(common).collect())
    }

    /// The dotted name of the list, or of the one subject.
    pub(super) fn list_name(&self) -> String {
        self.path.join(".")
    }

    /// Every subject of this kind in `facts`.
    pub(super) fn find<'f>(&self, facts: &'f Map<String, Json>) -> Found<'f> {
        let (first, rest) = self.path.split_first().unzip();
        let first = first.and_then(|first| facts.get(*first));
        let within = |json: &'f Json, step: &&str| if json.is_null() { Some(json) } else { json.get(*step) };
        let stands = first.and_then(|json| rest.into_iter().flatten().try_fold(json, within));
        let missing = |reason: &Json| Missing {
            name: self.list_name(),
            reason: reason.as_u64().map_or_else(|| Reason::Text("not given".to_owned()), Reason::Gap),
        };
        let Some(json) = stands else {
            return Found { items: Vec::new(), because: Vec::new(), hidden: Some(missing(&Json::Null)) };
        };
        // What is part of something that is not there is not there either.
        if json.is_null() {
            return Found { items: Vec::new(), because: Vec::new(), hidden: None };
        }
        if matches!(self.naming, Naming::Fixed | Naming::Prefix | Naming::Optional(_)) {
            return Found { items: vec![json], because: Vec::new(), hidden: None };
        }
        let list = json.get("value").unwrap_or(json).as_array();
        let because = json.get("because").and_then(Json::as_array).into_iter().flatten();
        Found {
            items: list.into_iter().flatten().collect(),
            because: because.filter_map(Json::as_u64).collect(),
            hidden: json.get("unknown").or_else(|| json.get("incomplete")).map(missing),
        }
    }

    /// What one subject is called in reports.
    pub(super) fn call(&self, subject: &Json) -> String {
        let text = |path: &[&str]| {
            let json = path.iter().try_fold(subject, |json, step| json.get(*step));
            json.map_or_else(|| "unknown".to_owned(), |json| Seen::read(json, &String::new).display())
        };
        match &self.naming {
            Naming::Fixed => self.word.to_owned(),
            Naming::Optional(field) => text(&[*field]),
            Naming::Prefix => text(&["python", "prefix"]),
            Naming::Fields(fields, between) => {
                fields.iter().map(|field| text(&[*field])).collect::<Vec<_>>().join(between)
            }
            Naming::Package => {
                let active = subject.get("active").is_none_or(|json| !is_false(json));
                if active { text(&["name"]) } else { format!("{} {}", text(&["name"]), text(&["location"])) }
            }
        }
    }
}

fn is_false(json: &Json) -> bool {
    matches!(Seen::read(json, &String::new).value, Value::Bool(false))
}
