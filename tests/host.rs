//! Images held against hosts: `tests/host/NAME.toml` holds an image and a host as text and questions about both, `NAME.txt` what
//! comes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::discover::Start;
use pyhpc_audit::facts::{Fact, Facts, Flat, GapId};
use pyhpc_audit::loader::CpuLevel;
use pyhpc_audit::rules::{Outcome, Policy, RuleSet, judge};
use pyhpc_audit::survey::{Host, Knowledge, Question, SiteFiles, survey, survey_beside};
use pyhpc_audit::survey::{JobKnowledge, JobQuestion, read_job};
use pyhpc_audit::tree::View;
use serde::Deserialize;

/// The rules about images and hosts, and those that would say the same twice.
const RULES: [&str; 5] = [
    "container-mpi-differs-from-host",
    "image-glibc-too-old",
    "host-mpi-over-image-mpi",
    "image-for-another-cpu",
    "mpi-differs-from-launcher",
];

/// One image, one host, and questions about both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    title: String,
    /// The glibc of the image and that of the host.
    glibc: [String; 2],
    image: support::Fixture,
    host: support::Fixture,
    ask: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The prefix of the host's MPI; `facts`, `flat` or `earlier`: what is saved of the host's `/venv`.
    host: String,
    /// Take the image as saved facts: `full` or `flat`.
    image: Option<String>,
    /// A job script that starts the image.
    job: Option<String>,
    /// The environment of the image; none where that is not known.
    image_env: Option<Vec<String>>,
}

fn question(path: &str, launcher: Option<&str>) -> Question {
    let mut variables = Variables::default();
    variables.set(b"HOME", b"/root", "--env");
    Question {
        target: path.to_owned(),
        start: Start::Path(TreePath::new(path)),
        imports: vec!["mpi4py.MPI".to_owned()],
        first: Vec::new(),
        variables,
        cpu: CpuLevel::Baseline,
        launcher: launcher.map(TreePath::new),
        image: None,
        libc: None,
        verify_files: false,
    }
}

/// Facts as somebody saved and read them again.
fn saved(facts: &Facts, form: &str) -> Facts {
    let mut value = match form {
        "flat" => serde_json::to_value(Flat::of(facts)).unwrap(),
        _ => serde_json::to_value(facts).unwrap(),
    };
    // Before there was a host, files did not list what they need.
    if form == "earlier" {
        value.as_object_mut().unwrap().remove("host");
        for it in value["process"]["mapped"]["value"].as_array_mut().unwrap() {
            it.as_object_mut().unwrap().remove("needs");
        }
        for it in value["process"]["mpi"]["value"].as_array_mut().unwrap() {
            it.as_object_mut().unwrap().remove("found_by");
        }
    }
    Facts::from_json(&value.to_string()).unwrap()
}

/// The tree of a case, with the Python that every one has.
fn tree(own: &support::Fixture, glibc: &str) -> View {
    let mut all = support::Fixture::parse(&support::PYTHON.replace('@', glibc));
    all.files.extend(own.files.iter().cloned());
    all.links.extend(own.links.iter().cloned());
    View::new(Box::new(all.memory_tree()))
}

fn host(case: &Case, ask: &Ask, know: &Knowledge) -> Host {
    let view = tree(&case.host, &case.glibc[1]);
    if ask.host.starts_with('/') {
        return Host::at_prefix(&view, know, &TreePath::new(&ask.host), &ask.host).unwrap();
    }
    let facts = survey(&view, know, &question("/venv", Some("/opt/mpi/bin/mpiexec"))).unwrap().remove(0);
    Host::of_facts("host.json", saved(&facts, &ask.host)).unwrap()
}

/// The facts of the image, held against the host, and with the job that starts it.
fn facts(case: &Case, ask: &Ask, know: &Knowledge) -> Facts {
    let host = host(case, ask, know);
    let view = tree(&case.image, &case.glibc[0]);
    let question = question("/venv", None);
    let mut facts = match &ask.image {
        None => survey_beside(&view, know, &question, Some(&host)).unwrap().remove(0),
        Some(form) => {
            let mut facts = saved(&survey(&view, know, &question).unwrap().remove(0), form);
            host.join(&mut facts, know);
            facts
        }
    };
    facts.environment.image_env = Fact::known(ask.image_env.clone(), Vec::new());
    if let Some(script) = &ask.job {
        let knowledge = JobKnowledge::load(know, &SiteFiles::default()).unwrap();
        let question = JobQuestion {
            script: "job.sh".to_owned(),
            bytes: script.as_bytes(),
            directory: TreePath::root(),
            site: None,
            variables: None,
            prefix: None,
            image_env: None,
            image_view: None,
        };
        read_job(&view, &knowledge, question).join(&mut facts);
    }
    facts
}

/// What is found, what cannot be decided, and the facts that this rests on.
fn lines(facts: &Facts) -> Vec<String> {
    let host = facts.host.as_ref().unwrap();
    let text = |fact: &Fact<String>| fact.value().cloned().unwrap_or_else(|| "?".to_owned());
    let or_null = |fact: &Fact<Option<String>>| match fact.value() {
        Some(Some(text)) => text.clone(),
        Some(None) => "null".to_owned(),
        None => "?".to_owned(),
    };
    let open = |fact: Option<GapId>| if fact.is_some() { " and perhaps more" } else { "" };
    let missing = host.missing.value().map_or_else(|| "?".to_owned(), |it| format!("{it:?}"));
    let mut all = vec![format!(
        "  host: {} {}, {}, libc {} {}, missing {missing}{}, {}",
        text(&host.launcher.vendor),
        text(&host.launcher.version),
        text(&host.architecture),
        or_null(&host.libc_needed),
        text(&host.libc_agreement),
        open(host.missing.gap().filter(|_| host.missing.value().is_some())),
        text(&host.mount),
    )];
    for it in host.companions.value().into_iter().flatten() {
        all.push(format!("  companion: {} {}", it.soname, text(&it.place)));
    }
    match &host.mounts_libraries {
        Fact::Known { value: false, .. } => {}
        Fact::Known { value: true, .. } => all.push("  libraries of the host in front".to_owned()),
        Fact::Unknown { unknown } => {
            all.push(format!("  libraries of the host in front: ? {}", facts.gaps[unknown.0 as usize].reason));
        }
    }
    for it in host.fits.value().into_iter().flatten() {
        all.push(format!(
            "  {}: launcher {}, pmi {}, offered {} ({}) {}, found first {}, {}",
            it.user,
            text(&it.launcher_agreement),
            text(&it.pmi_fits),
            or_null(&it.offered),
            text(&it.offered_as),
            text(&it.library_agreement),
            or_null(&it.found_first),
            text(&it.mount),
        ));
    }
    let outcome = outcome(facts);
    let findings = outcome.findings.iter().filter(|it| RULES.contains(&it.rule.as_str()));
    all.extend(findings.map(|it| format!("  {} {}: {}", it.severity.word(), it.rule, it.message)));
    let undecided = outcome.undecided.iter().filter(|it| RULES.contains(&it.rule.as_str()));
    all.extend(undecided.map(|it| format!("  undecided {}: {}", it.rule, it.missing.join("; "))));
    all
}

/// Compares with `tests/host/NAME.txt`; `UPDATE=1` rewrites it.
fn check(path: &std::path::Path, know: &Knowledge) {
    let text = std::fs::read_to_string(path).unwrap();
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
    let mut got = format!("{}\n", case.title);
    for ask in &case.ask {
        let image = ask.image.as_ref().map_or_else(String::new, |it| format!(", image saved as {it}"));
        let job = ask.job.as_ref().map_or_else(String::new, |it| format!(", job {}", it.trim().replace('\n', "; ")));
        got += &format!("\nhost {}{image}{job}\n", ask.host);
        got += &lines(&facts(&case, ask, know)).join("\n");
        got.push('\n');
    }
    let expected = path.with_extension("txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&expected, &got).unwrap();
    }
    assert_eq!(got, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", expected.display());
}

fn outcome(facts: &Facts) -> Outcome {
    let rules = RuleSet::load(&[]).unwrap();
    judge(&rules, &Policy::default(), facts)
}

#[test]
fn images_against_hosts() {
    let know = Knowledge::load(&SiteFiles::default()).unwrap();
    let mut paths: Vec<_> =
        std::fs::read_dir(support::source::root().join("tests/host")).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it: &std::path::PathBuf| it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        check(&path, &know);
    }
}
