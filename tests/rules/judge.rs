//! Judging whole facts: subjects, evidence, what is missing, waivers, fingerprints.

use pyhpc_audit::base::TextFile;
use pyhpc_audit::facts::Facts;
use pyhpc_audit::rules::{Outcome, Policy, RuleSet, Severity, Undecided, WaiverState, judge, schema};
use serde_json::{Map, Value, json};

use super::{check, samples, text_file};

/// Facts of which only `partial` is known: everything else is unknown by gap 0, names are empty.
fn facts(partial: Value) -> Facts {
    let schema = schema();
    serde_json::from_value(complete(&schema, &schema, Some(&partial))).unwrap()
}

fn complete(part: &Value, root: &Value, given: Option<&Value>) -> Value {
    if let Some(target) = part["$ref"].as_str() {
        return complete(root.pointer(target.trim_start_matches('#')).unwrap(), root, given);
    }
    if part["x-fact"] == true {
        let value = &part["anyOf"][0]["properties"]["value"];
        return match given {
            None => json!({"unknown": 0}),
            Some(given) if given["unknown"].is_u64() => given.clone(),
            Some(given) if given["because"].is_array() => {
                let mut fact = given.clone();
                fact["value"] = complete(value, root, Some(&given["value"]));
                fact
            }
            Some(given) => json!({"value": complete(value, root, Some(given)), "because": []}),
        };
    }
    match (part["type"].as_str(), given) {
        (Some("object"), given) => {
            let fields = part["properties"].as_object().unwrap().iter();
            let field = |(name, field): (&String, &Value)| {
                (name.clone(), complete(field, root, given.and_then(|given| given.get(name))))
            };
            Value::Object(fields.map(field).collect::<Map<_, _>>())
        }
        (Some("array"), Some(given)) => {
            given.as_array().unwrap().iter().map(|item| complete(&part["items"], root, Some(item))).collect()
        }
        (_, Some(given)) => given.clone(),
        (Some("array"), None) => json!([]),
        (Some("string"), None) => json!(""),
        (Some("boolean"), None) => json!(false),
        (Some(_) | None, None) => Value::Null,
    }
}

fn serial_hdf5() -> Facts {
    facts(json!({
        "environment": {"python": {"prefix": "/home/user/venv"}},
        "process": {
            "imports": {"value": ["mpi4py", "h5py"], "because": [0]},
            "mpi": [],
            "openmp": [],
            "duplicates": {"openmp": []},
            "hdf5": {
                "value": [
                    {"user": "h5py", "parallel": {"value": false, "because": [2, 1, 2]}, "client_parallel": false,
                     "version": "1.14.6", "lib": {"value": "/home/user/venv/libhdf5.so", "because": [3]}},
                    {"user": "h5py", "parallel": {"unknown": 1}},
                    {"user": "tables"},
                ],
                "because": [4],
                "incomplete": 2,
            },
        },
        "evidence": [
            {"path": "", "text": "--import mpi4py,h5py"},
            {"path": "/home/user/venv/libhdf5.so", "offset": 4096, "text": "Parallel HDF5: OFF"},
            {"path": "/home/user/venv/libhdf5.so", "text": "needs no MPI"},
            {"path": "/home/user/venv/h5py/_conv.so", "text": "NEEDED libhdf5.so"},
            {"path": "", "text": "not what decided"},
        ],
        "gaps": [
            {"path": "", "stage": "facts", "reason": "not recorded", "hides": ""},
            {"path": "/opt/libhdf5.so", "stage": "elf", "reason": "permission denied", "hides": "its build"},
            {"path": "/opt/x.pth", "stage": "discover", "reason": "is not text", "hides": "what it adds"},
        ],
    }))
}

fn outcome(facts: &Facts, policy: &str) -> Outcome {
    let rules = RuleSet::only(&samples()).unwrap();
    let file = TextFile { path: "pyhpc-audit.toml".to_owned(), stem: String::new(), text: policy.to_owned() };
    let policy = Policy::parse(&file, &rules, "2026-11-22".parse().unwrap()).unwrap_or_else(|error| panic!("{error}"));
    judge(&rules, &policy, facts)
}

#[test]
fn a_finding_shows_what_decided_and_the_rest_is_said() {
    let outcome = outcome(&serial_hdf5(), "");
    check(&text_file("tests/rules/judge.rs".as_ref()), &serde_json::to_string_pretty(&outcome).unwrap());
}

#[test]
fn fingerprints_do_not_depend_on_the_place() {
    let mut moved = serde_json::to_string(&serial_hdf5()).unwrap();
    let here = outcome(&serial_hdf5(), "");
    moved = moved.replace("/home/user/venv", "/scratch/other");
    let there = outcome(&serde_json::from_str(&moved).unwrap(), "");
    assert_eq!(here.findings[0].fingerprint, there.findings[0].fingerprint);
    assert_eq!(here.findings[0].fingerprint.len(), 16);
}

#[test]
fn a_list_that_is_unknown_is_undecided_once() {
    let facts = facts(json!({
        "process": {"imports": ["mpi4py"], "hdf5": {"unknown": 0}},
        "gaps": [{"path": "/x/libhdf5.so", "stage": "elf", "reason": "is truncated", "hides": "HDF5"}],
    }));
    let outcome = outcome(&facts, "[rules]\ndisable = [\"two-runtimes-sample\"]");
    let missing = vec!["process.hdf5: is truncated (/x/libhdf5.so)".to_owned()];
    let expected = Undecided { rule: "serial-hdf5-sample".to_owned(), subject: "process.hdf5".to_owned(), missing };
    assert_eq!((outcome.undecided, outcome.passed), (vec![expected], vec![]));
}

#[test]
fn what_nothing_applies_to_has_not_passed() {
    let facts = facts(json!({"process": {"hdf5": [], "openmp": [], "duplicates": {"openmp": []}}}));
    let outcome = outcome(&facts, "");
    assert_eq!(outcome.not_applicable, ["serial-hdf5-sample"]);
    assert_eq!(outcome.passed, ["two-runtimes-sample"]);
}

#[test]
fn waivers_accept_until_their_day() {
    let waiver = |more: &str| {
        let text = format!("[[waiver]]\nrule = \"old-serial-hdf5-sample\"\nreason = \"read only\"\n{more}");
        let outcome = outcome(&serial_hdf5(), &text);
        (outcome.findings[0].waived.is_some(), outcome.waivers.iter().map(|it| (it.state, it.line)).collect::<Vec<_>>())
    };
    assert_eq!(waiver(""), (true, vec![]));
    assert_eq!(waiver("subject = \"h5*\"\nuntil = 2026-11-22"), (true, vec![]));
    assert_eq!(waiver("until = \"2026-11-21\""), (false, vec![(WaiverState::Expired, 2)]));
    // The rule is undecided for another subject: nobody can say that the waiver is of no use.
    assert_eq!(waiver("subject = \"netCDF4\""), (false, vec![]));
    let unused = outcome(&serial_hdf5(), "[[waiver]]\nrule = \"two-runtimes-sample\"\nreason = \"measured\"");
    assert_eq!((unused.waivers[0].state, unused.waivers[0].line), (WaiverState::Unused, 2));
}

#[test]
fn configuration_beats_levels() {
    let findings = |policy: &str| outcome(&serial_hdf5(), policy).findings;
    assert_eq!(findings("[rules.severity]\nserial-hdf5-sample = \"error\"")[0].severity, Severity::Error);
    assert_eq!(findings("")[0].severity, Severity::Note);
    assert!(findings("[rules]\ndisable = [\"*\"]").is_empty());
    assert_eq!(findings("[rules]\ndisable = [\"*\"]\nenable = [\"serial-hdf5-sample\"]").len(), 1);
}
