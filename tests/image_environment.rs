//! What an image sets, what its entrypoint sets, and what of it is not known: from the scripts and the configuration of the
//! image to the facts of a process, and to what a job that starts it is told.
//!
//! A case is `tests/image_environment/NAME.toml`; what is said of it stands in `NAME.txt` (`UPDATE=1` rewrites it).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use pyhpc_audit::base::{TreePath, Variables};
use pyhpc_audit::discover::Start;
use pyhpc_audit::facts::{Fact, Facts, Flat};
use pyhpc_audit::loader::CpuLevel;
use pyhpc_audit::rules::{Policy, RuleSet, judge};
use pyhpc_audit::survey::{
    ImageEnvironment, ImageFacts, JobKnowledge, JobQuestion, Knowledge, Question, SiteFiles, entrypoint_variables,
    home_in_image, image_environment, read_job, survey,
};
use pyhpc_audit::tree::View;
use serde::Deserialize;

/// The rules that look at what an image sets.
const RULES: [&str; 5] = [
    "thread-settings-in-image",
    "entrypoint-not-run",
    "image-setting-beats-host",
    "home-visible-in-image",
    "host-environment-leaks",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    title: String,
    /// The files of the image, beside a Python.
    #[serde(default)]
    image: support::Fixture,
    /// `Env` of its configuration; without it the scripts in the image say it.
    env: Option<Vec<String>>,
    /// Its entrypoint with the default arguments.
    #[serde(default)]
    entrypoint: Vec<String>,
    /// Who runs it, in the words of its configuration.
    #[serde(default)]
    user: String,
    /// A job script that starts it.
    job: Option<String>,
}

fn facts(case: &Case, know: &Knowledge, job: &JobKnowledge<'_>) -> Facts {
    let mut all = support::Fixture::parse(&support::PYTHON.replace('@', "2.36"));
    all.files.extend(case.image.files.iter().cloned());
    all.links.extend(case.image.links.iter().cloned());
    let view = View::new(Box::new(all.memory_tree()));
    let env = match &case.env {
        Some(list) => ImageEnvironment::of_config(list),
        None => image_environment(&view, job).unwrap_or_default(),
    };
    let mut variables = env.variables();
    variables.set("HOME", "/root", "--env");
    let entrypoint = match case.entrypoint.is_empty() {
        true => ImageEnvironment::default(),
        false => {
            let home = home_in_image(&view, &case.user);
            entrypoint_variables(&view, job, &env, &case.entrypoint, home.as_deref())
        }
    };
    let question = Question {
        target: "image.sif".to_owned(),
        start: Start::Path(TreePath::new("/venv")),
        imports: Vec::new(),
        first: Vec::new(),
        variables,
        cpu: CpuLevel::Baseline,
        launcher: None,
        image: Some(ImageFacts { env: env.clone(), entrypoint, gaps: Vec::new() }),
        libc: None,
        verify_files: false,
    };
    let mut facts = survey(&view, know, &question).unwrap().remove(0);
    if let Some(script) = &case.job {
        let question = JobQuestion {
            script: "job.sh".to_owned(),
            bytes: script.as_bytes(),
            directory: TreePath::root(),
            site: None,
            variables: Some(&Variables::default()),
            prefix: None,
            image_env: Some(&env),
            image_view: Some(&view),
        };
        read_job(&view, job, question).join(&mut facts);
    }
    facts
}

fn shown<T: std::fmt::Debug>(fact: &Fact<T>, facts: &Facts) -> String {
    let reason = fact.gap().and_then(|it| facts.gaps.get(it.0 as usize));
    let reason = reason.map(|it| format!("{} {}", it.path, it.reason).trim().to_owned());
    match (fact.value(), reason) {
        (Some(value), None) => format!("{value:?}"),
        (Some(value), Some(reason)) => format!("{value:?} and perhaps more: {reason}"),
        (None, reason) => format!("? {}", reason.unwrap_or_default()),
    }
}

fn lines(case: &Case, facts: &Facts) -> Vec<String> {
    let environment = &facts.environment;
    let mut all = vec![format!("image sets {}", shown(&environment.image_env, facts))];
    let flat = Flat::of(facts);
    let is_known = flat.facts.contains_key("image.env");
    assert_ne!(is_known, flat.unknown.contains_key("image.env"), "the key says that it is an image");
    assert_eq!(is_known, environment.image_env.gap().is_none());
    for it in environment.variables.value().into_iter().flatten() {
        all.push(format!("  process has {} = {} ({})", it.name, shown(&it.value, facts), it.origin));
    }
    let open = |fact: Option<String>| fact.unwrap_or_else(|| "complete".to_owned());
    let gap = |id: Option<pyhpc_audit::facts::GapId>| {
        id.and_then(|it| facts.gaps.get(it.0 as usize)).map(|it| format!("perhaps more: {}", it.reason))
    };
    all.push(format!("  its variables: {}", open(gap(environment.variables.gap()))));
    all.push(format!("  its packages: {}", open(gap(facts.packages.gap()))));
    let libraries = facts.process.libraries.gap().or(facts.process.mapped.gap());
    all.push(format!(
        "  its libraries: {}",
        gap(libraries).map_or("complete".to_owned(), |it| it.replace("perhaps more", "?"))
    ));
    all.push(format!("  its launcher: {}", shown(&environment.launcher.vendor, facts)));
    all.push(format!("  its search directories: {}", open(gap(environment.search_directories.gap()))));
    all.push(format!("  user site on: {}", shown(&environment.user_site.enabled, facts)));
    for it in environment.activation.value().into_iter().flatten() {
        all.push(format!("entrypoint sets {} = {}", it.name, shown(&it.value, facts)));
    }
    if !case.entrypoint.is_empty() {
        all.push(format!("entrypoint: {}", open(gap(environment.activation.gap()))));
    }
    let outcome = judge(&RuleSet::load(&[]).unwrap(), &Policy::default(), facts);
    let findings = outcome.findings.iter().filter(|it| RULES.contains(&it.rule.as_str()));
    all.extend(findings.map(|it| format!("{} {}: {}", it.severity.word(), it.rule, it.message)));
    let undecided = outcome.undecided.iter().filter(|it| RULES.contains(&it.rule.as_str()));
    all.extend(undecided.map(|it| format!("undecided {}: {}", it.rule, it.missing.join("; "))));
    let passed = outcome.passed.iter().filter(|it| RULES.contains(&it.as_str()));
    all.extend(passed.map(|it| format!("passed {it}")));
    all
}

#[test]
fn what_images_set() {
    let know = Knowledge::load(&SiteFiles::default()).unwrap();
    let job = JobKnowledge::load(&know, &SiteFiles::default()).unwrap();
    let directory = support::source::root().join("tests/image_environment");
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
        let facts = facts(&case, &know, &job);
        let got = format!("{}\n\n{}\n", case.title, lines(&case, &facts).join("\n"));
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &got).unwrap();
        }
        assert_eq!(got, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", expected.display());
    }
}
