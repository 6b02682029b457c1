//! The first screen of a job: one node of every launch.

use pyhpc_audit::facts::{Job, Picture, Run};
use pyhpc_audit::report::{Format, Look, render};
use serde_json::{Map, Value, json};

use super::picture::{node, with};
use super::{cases, check, reports};

/// Facts that are all unknown, by the names of the schema's properties that are facts, and some that are known.
fn unknown_but<T: serde::de::DeserializeOwned>(facts: &str, known: Value) -> T {
    let unknown = facts.split_whitespace().map(|it| (it.to_owned(), json!({ "unknown": 0 })));
    let mut all: Map<String, Value> = unknown.collect();
    all.extend(known.as_object().unwrap().clone());
    serde_json::from_value(Value::Object(all)).unwrap()
}

fn run(name: &str, command: &str, conditions: &[&str], picture: Option<Picture>) -> Run {
    let facts = "launcher launcher_version nodes ranks ranks_per_node cpus_per_rank binding binding_disabled placement
        cores_per_node cpus_per_node owned_cpus exclusive pools threads threads_asked load unlimited_pools thread_binding
        busy_wait repinning starved_pools cpus_per_task pmi pmi_fits pmi_library dropped not_forwarded contradictions
        cpu_map_problem fixed_cpu_list hardware_threads rivals nested python python_agreement module_mpi
        module_agreement image leaks home_visible image_wins cores_per_rank cores_in_use unmasked_pools shared_path
        shared_locks";
    let run = json!({ "name": name, "command": command, "conditions": conditions, "picture": null });
    Run { picture, ..unknown_but(facts, run) }
}

fn page(runs: Vec<Run>) -> String {
    let facts = "scheduler scheduler_version login_environment settings process_pools late_settings parallel_opens
        shadowing_files unclear expected_blas";
    let runs = serde_json::to_value(runs).unwrap();
    let job: Job =
        unknown_but(facts, json!({ "script": "job.sh", "site": null, "runs": { "value": runs, "because": [] } }));
    let mut case = cases::clean();
    case.facts.job = Some(job);
    render(Format::Table, &reports(&[case]), &Look::BATCH)
}

#[test]
fn every_launch_shows_one_node() {
    let right = || with(node(32, 2, 2), "exclusive", 4, 8, |it| (it * 8..it * 8 + 8).collect(), |_| Vec::new());
    let runs = vec![
        run("job.sh:9", "srun -n 4 -c 8 python hybrid.py", &[], Some(right())),
        run("job.sh:11", "srun -n 4 -c 8 python other.py", &["$1 = fat"], Some(right())),
        run("job.sh:14", "srun -n $N python third.py", &[], None),
    ];
    check("job", "expected.txt", &page(runs));
}

#[test]
fn many_launches_are_counted() {
    let runs = (1..=9).map(|it| run(&format!("job.sh:{it}"), "srun python a.py", &[], None)).collect();
    let page = page(runs);
    assert!(page.contains("and 6 more launches (-v)"), "{page}");
}
