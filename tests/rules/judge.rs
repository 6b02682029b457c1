//! Judging whole facts: subjects, evidence, what is missing, waivers, fingerprints.

use pyhpc_audit::base::TextFile;
use pyhpc_audit::facts::Facts;
use pyhpc_audit::rules::{Baseline, Outcome, Policy, RuleSet, Severity, Undecided, WaiverState, judge, schema};
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
    if let (Some(present), Some(Value::Object(_))) = (part["anyOf"].get(0), given) {
        return complete(present, root, given);
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

/// A script in which a line was added, and one that was named by another path.
#[test]
fn fingerprints_do_not_depend_on_lines() {
    let fingerprint = |script: &str, line: u32, value: &str| {
        let setting = json!({"name": "OMP_NUM_THREADS", "place": format!("job.sh:{line}"),
            "value": {"value": value, "because": [0]}});
        let facts = facts(json!({
            "job": {"script": script, "settings": {"value": [setting], "because": []}},
            "evidence": [{"path": script, "line": line, "column": 8, "length": 3, "text": "export OMP_NUM_THREADS=x"}],
        }));
        let text = r#"
            title = "t"
            severity = "error"
            since = "0.1.0"
            subject = "setting"
            when = 'setting.value != "4"'
            message = '{setting.name}={setting.value} ({setting.place})'
            why = "w"
            fix = "f""#;
        let rule = TextFile { path: "sample.toml".to_owned(), stem: "sample".to_owned(), text: text.to_owned() };
        let rules = RuleSet::load(&[rule]).unwrap_or_else(|error| panic!("{error}"));
        let outcome = judge(&rules, &Policy::default(), &facts);
        let found = outcome.findings.iter().find(|it| it.rule == "sample").unwrap();
        assert_eq!(found.subject, format!("job.sh:{line}: OMP_NUM_THREADS"));
        found.fingerprint.clone()
    };
    let known = fingerprint("jobs/job.sh", 9, "16");
    assert_eq!(known, fingerprint("jobs/job.sh", 12, "16"));
    assert_eq!(known, fingerprint("./jobs/job.sh", 9, "16"));
    assert_ne!(known, fingerprint("other/job.sh", 9, "16"), "another script of that name");
    assert_ne!(known, fingerprint("jobs/job.sh", 9, "32"), "another value");
    let absolute = fingerprint("/home/ada/jobs/job.sh", 9, "16");
    assert_eq!(absolute, fingerprint("/home/bob/jobs/job.sh", 7, "16"));
}

#[test]
fn a_baseline_accepts_each_of_its_findings_once() {
    let known = outcome(&serial_hdf5(), "");
    let baseline = Baseline::of(std::slice::from_ref(&known));
    let text = pyhpc_audit::report::baseline(&baseline);
    let file = TextFile { path: "known.json".to_owned(), stem: String::new(), text };
    let read = Baseline::parse(&file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read, baseline);

    let accepted = |mut outcomes: Vec<Outcome>| {
        read.accept(&mut outcomes);
        let open = outcomes.iter().flat_map(|it| &it.findings).filter(|it| it.counts()).count();
        (open, outcomes[0].unused_baseline.len())
    };
    let count = known.findings.len();
    assert_eq!(accepted(vec![known.clone()]), (0, 0));
    assert_eq!(accepted(vec![known.clone(), known.clone()]), (count, 0), "the second occurrence is a new finding");
    assert_eq!(accepted(vec![Outcome::default()]), (0, count), "what is gone is said");
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

/// The `fix` of `serial-hdf5-with-mpi` for an environment whose h5py this installer put there; `system` put the C library there.
fn fix_for(installer: &str, system: &str) -> String {
    let mut given = json!({
        "environment": {"python": {"prefix": "/env"}},
        "packages": [{"active": true, "audited": true, "installer": installer}],
        "process": {
            "imports": ["mpi4py"],
            "hdf5": [{"user": "h5py", "parallel": false, "version": "1.14.6", "lib": "/env/libhdf5.so"}],
            "mapped": [{"of_the_system": true, "installed_by": system}],
        },
    });
    given["process"]["mpi"] = json!([]);
    let outcome = judge(&RuleSet::load(&[]).unwrap(), &Policy::default(), &facts(given));
    outcome.findings.into_iter().find(|it| it.rule == "serial-hdf5-with-mpi").unwrap().fix
}

#[test]
fn a_fix_is_for_those_who_installed_the_environment() {
    let all = ["conda install", "-m pip install", "apt install", "spack install"];
    let cases = [
        ("pip", "unrecorded", vec!["-m pip install"]),
        ("uv", "dpkg", vec!["-m pip install", "apt install"]),
        ("conda", "dpkg", vec!["conda install"]),
        ("dpkg", "dpkg", vec!["apt install"]),
        ("spack", "rpm", vec!["spack install"]),
        // Nothing in it is for them, or nobody knows for whom it is: it is shown whole.
        ("nix", "unrecorded", all.to_vec()),
        ("unrecorded", "unrecorded", all.to_vec()),
    ];
    for (installer, system, expected) in cases {
        let fix = fix_for(installer, system);
        let found: Vec<&str> = all.into_iter().filter(|it| fix.contains(it)).collect();
        assert_eq!(found, expected, "{installer} on {system}:\n{fix}");
        assert!(fix.ends_with("print(h5py.get_config().mpi)\""), "what is for everybody stays:\n{fix}");
        let is_orphan = |pair: (&str, &str)| pair.0.starts_with('#') && pair.1.starts_with('#');
        assert!(!fix.lines().zip(fix.lines().skip(1)).any(is_orphan), "a heading without commands:\n{fix}");
    }
    assert!(fix_for("pip", "").contains("module load openmpi hdf5-parallel\n"), "what belongs to a way stays with it");
    assert!(!fix_for("dpkg", "dpkg").contains("module load"), "and goes with it");
}
