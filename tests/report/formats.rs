//! Formats for services: golden files, hostile names, limits. `tests/formats/consumers` asks real readers about the same.

use std::sync::LazyLock;

use pyhpc_audit::facts::{Evidence, Suggestion};
use pyhpc_audit::report::{Format, Look, RulePage, TargetReport, render};
use pyhpc_audit::rules::{BaselineEntry, Outcome, Severity, Waived};
use serde_json::Value;

use super::cases::{self, Case};
use super::model::{finding, gap, seen, undecided};
use super::{check, reports};

/// A file per format, and its name in a case.
const FILES: [(Format, &str); 5] = [
    (Format::Sarif, "expected.sarif"),
    (Format::Junit, "expected.xml"),
    (Format::Gitlab, "expected.gitlab.json"),
    (Format::Github, "expected.github.txt"),
    (Format::Markdown, "expected.md"),
];

/// Largest page of a step summary, in bytes.
const STEP_SUMMARY_BYTES: usize = 1 << 20;

static RULES: LazyLock<Vec<RulePage>> = LazyLock::new(|| {
    let page = |name: &str, title: &str| RulePage {
        name: name.to_owned(),
        title: title.to_owned(),
        severity: Severity::Error,
        levels: Vec::new(),
        subject: "process".to_owned(),
        applies: String::new(),
        when: String::new(),
        why: "Each library keeps its own state.\n\nHandles of one are\nno handles of the other.".to_owned(),
        fix: "pip install {process.mpi}".to_owned(),
        references: vec!["https://docs.open-mpi.org/, section 11".to_owned()],
        example: None,
        since: "0.1.0".to_owned(),
        formerly: vec!["mixed-mpi".to_owned()],
        origin: "built in".to_owned(),
    };
    vec![page("broken-file", "A file is broken"), page("two-mpi-libraries", "One process maps two MPI libraries")]
});

pub(crate) fn rules() -> &'static [RulePage] {
    &RULES
}

fn mark(line: u32, column: u32, length: u32, text: &str) -> Evidence {
    Evidence { line: Some(line), column: Some(column), length: Some(length), ..seen("jobs/job.sh", text) }
}

/// Findings in a job script, one of them twice, one corrected.
fn scripted() -> Case {
    let mut case = cases::clean();
    let line = "srun --cpu-bind=none python hybrid.py";
    let mut first = finding(
        Severity::Error,
        "stacked-ranks",
        "job.sh:6",
        "8 ranks share one place: job.sh:6 binds no rank, 100%",
        vec![mark(6, 6, 15, line), mark(2, 9, 8, "#SBATCH --ntasks=8"), seen("/opt/lib/libgomp.so.1", "loaded")],
        "srun --cpu-bind=cores python hybrid.py",
    );
    first.corrections = vec![Suggestion {
        rule: "stacked-ranks".into(),
        path: "jobs/job.sh".into(),
        line: 6,
        column: 6,
        length: 15,
        replacement: "--cpu-bind=cores".into(),
    }];
    let mut second = first.clone();
    second.subject = "job.sh:9".into();
    second.evidence[0] = mark(9, 6, 15, line);
    second.corrections.clear();
    let note =
        finding(Severity::Note, "idle-cores", "job.sh:9", "job.sh:9 uses 4 of 64 cores", vec![mark(9, 1, 4, line)], "");
    case.facts.target = "env/sim".into();
    case.outcome.findings = vec![first, second, note];
    case
}

/// Known findings, a new one, and an entry of the baseline that matches nothing.
fn known() -> Case {
    let mut case = cases::broken();
    for finding in case.outcome.findings.iter_mut().skip(1) {
        finding.in_baseline = true;
    }
    case.outcome.findings[2].in_baseline = false;
    case.outcome.findings[2].waived = Some(Waived { reason: "see | CS-1".into(), until: None });
    case.outcome.unused_baseline = vec![BaselineEntry {
        rule: "reference-blas".into(),
        subject: "numpy".into(),
        message: "numpy runs on reference BLAS".into(),
        fingerprint: "0123456789abcdef".into(),
    }];
    case
}

#[track_caller]
fn check_formats(name: &str, case: &[Case]) {
    for (format, file) in FILES {
        check(name, file, &render(format, &reports(case), &Look::BATCH));
    }
}

#[test]
fn a_job_script() {
    check_formats("formats-job", &[scripted()]);
}

#[test]
fn two_targets_of_one_name() {
    check_formats("formats-two-targets", &[cases::two_mpis(), cases::two_mpis()]);
}

#[test]
fn more_than_a_service_shows() {
    check_formats("broken", &[cases::broken()]);
}

#[test]
fn unknown_is_no_pass() {
    check_formats("unknowns", &[cases::unknowns()]);
}

#[test]
fn accepted_findings() {
    check_formats("waivers", &[cases::waived()]);
    check_formats("formats-baseline", &[known()]);
    check("formats-baseline", "expected.txt", &render(Format::Table, &reports(&[known()]), &Look::BATCH));
    check("formats-baseline", "expected.json", &render(Format::Json, &reports(&[known()]), &Look::BATCH));
}

/// What services would obey, end with or show as something else.
const HOSTILE: [&str; 13] = [
    "]]>",
    "--><script>alert(1)</script>",
    "%0A::error::no",
    "\n::stop-commands::x",
    "##[error]no",
    "a|b\\|c",
    "```\n# no",
    "`@here`",
    "@octocat #1",
    "[x](javascript:alert(1)) {0}",
    "&lt;&#x0;",
    "\u{0}\u{b}\u{1b}[31m\u{fffe}\u{202e}",
    "../../etc/passwd:1,2",
];

fn hostile() -> Case {
    let mut case = cases::clean();
    case.facts.target = HOSTILE.concat();
    let one = |text: &&str| {
        let path = format!("/opt/{text}/x.so");
        finding(Severity::Error, "broken-file", &path, &format!("{text} is broken"), vec![seen(&path, text)], text)
    };
    case.outcome.findings = HOSTILE.iter().map(one).collect();
    case.outcome.undecided = HOSTILE.iter().map(|it| undecided("broken-file", it, &[it])).collect();
    case.facts.gaps = HOSTILE.iter().map(|it| gap(it, it, it, it)).collect();
    case
}

#[test]
fn hostile_names() {
    let case = [hostile()];
    check_formats("formats-hostile", &case);
    check_formats("hostile-names", &[cases::hostile()]);
    let text = |format| render(format, &reports(&case), &Look::BATCH);
    for (format, _) in FILES {
        let text = text(format);
        let bad = text.chars().find(|it| it.is_control() && *it != '\n' || ('\u{202a}'..='\u{202e}').contains(it));
        assert_eq!(bad, None, "{}: {text}", format.word());
    }
    assert!(!text(Format::Junit).contains("]]>"));
    for line in text(Format::Github).lines() {
        let command = ["::error ", "::warning ", "::notice "].iter().any(|it| line.starts_with(it));
        assert!(command || !line.starts_with("::") && !line.contains("##["), "{line}");
    }
    // Mentions, HTML and links may only stand in code.
    let markdown = text(Format::Markdown);
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = line.get(..line.bytes().take_while(|it| *it == b'`').count()).unwrap();
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if 3 <= ticks.len() && line.ends_with("sh") => fence = Some(ticks),
            None => {
                let bare = !line.contains('`') && ["@octocat", "](", " <"].iter().any(|it| line.contains(it));
                assert!(!bare, "{line}");
            }
        }
    }
    assert_eq!(fence, None);
}

fn many(count: usize, length: usize) -> Case {
    let mut case = cases::clean();
    let one = |at: usize| {
        let path = format!("/opt/lib/{at}.so");
        let message = format!("{path} {}", "is broken ".repeat(length));
        finding(Severity::Error, "broken-file", &path, &message, vec![seen(&path, "ELF header")], "rm")
    };
    case.outcome.findings = (0..count).map(one).collect();
    case
}

#[test]
fn a_page_fits_a_step_summary_and_says_what_is_left_out() {
    let mut last = (0, 0);
    for (count, length) in [(10, 30), (500, 30), (5000, 30), (9000, 30), (3, 20_000)] {
        let case = [many(count, length)];
        let text = render(Format::Markdown, &reports(&case), &Look::BATCH);
        assert!(text.len() <= STEP_SUMMARY_BYTES, "{count} findings: {} bytes", text.len());
        let rows = text.lines().filter(|it| it.starts_with("| **error**")).count();
        let said = text.lines().find_map(|it| it.strip_prefix("**")?.split_once(" entries left out"));
        let left_out: usize = said.map_or(0, |(count, _)| count.parse().unwrap());
        // All of them share one fix, which is an entry too.
        assert_eq!(rows + left_out, if left_out == 0 { count } else { count + 1 }, "{count}");
        if length == 30 {
            assert!(last <= (text.len(), left_out), "more findings give no shorter page, and no fewer left out");
            last = (text.len(), left_out);
        }
    }
    assert_ne!(last.1, 0, "the longest one does not fit");
}

#[test]
fn a_service_gets_no_more_annotations_than_it_shows() {
    for count in [0, 1, 9, 10, 11, 500] {
        let case = [many(count, 1)];
        let text = render(Format::Github, &reports(&case), &Look::BATCH);
        let commands = text.lines().filter(|it| it.starts_with("::error ")).count();
        assert_eq!(commands, count.min(10));
        let lines = text.lines().filter(|it| it.starts_with("error[broken-file]")).count();
        assert_eq!(lines, if 10 < count { count - 9 } else { 0 });
    }
}

fn sarif(case: &[Case]) -> Value {
    serde_json::from_str(&render(Format::Sarif, &reports(case), &Look::BATCH)).unwrap()
}

#[test]
fn sarif_keeps_to_the_limits_of_github_and_says_so() {
    let mut case = many(25_100, 1);
    let evidence = (0..1100).map(|at| seen(&format!("/opt/{at}"), "x")).collect();
    case.outcome.findings.insert(0, finding(Severity::Error, "broken-file", "numpy", "many places", evidence, ""));
    let log = sarif(&[case]);
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 25_000);
    assert_eq!(run["results"][0]["relatedLocations"].as_array().unwrap().len(), 999);
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let said: Vec<&str> = notifications
        .iter()
        .filter(|it| it["descriptor"]["id"] == "format-limit")
        .map(|it| it["message"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("101 of 25101 findings are left out"), "{said:?}");
}

#[test]
fn sarif_has_a_run_of_its_own_for_every_target_as_long_as_github_takes_them() {
    let runs = |count: usize| {
        let cases: Vec<Case> = (0..count).map(|_| cases::two_mpis()).collect();
        let log = sarif(&cases);
        let runs = log["runs"].as_array().unwrap().clone();
        let ids: std::collections::BTreeSet<String> =
            runs.iter().map(|it| it["automationDetails"]["id"].to_string()).collect();
        assert_eq!(ids.len(), runs.len(), "GitHub takes no two runs of one category");
        let findings: usize = runs.iter().map(|it| it["results"].as_array().unwrap().len()).sum();
        assert_eq!(findings, count * cases::two_mpis().outcome.findings.len(), "nothing is lost");
        runs.len()
    };
    assert_eq!([1, 2, 20, 21, 45].map(runs), [1, 2, 20, 20, 20]);
}

#[test]
fn every_result_has_a_place_and_a_fingerprint_of_its_own() {
    for case in [cases::broken(), cases::two_mpis(), cases::base_gone(), hostile(), scripted(), known()] {
        let log = sarif(&[case]);
        let mut seen = std::collections::BTreeSet::new();
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let plain = |it: char| it.is_ascii_alphanumeric() || "/-._~%".contains(it);
            assert!(!uri.is_empty() && !uri.starts_with('/') && uri.chars().all(plain) && !uri.contains(".."), "{uri}");
            assert!(1 <= place["region"]["startLine"].as_u64().unwrap());
            assert!(seen.insert(result["partialFingerprints"]["pyhpcAudit/v1"].to_string()), "{result}");
        }
    }
}

#[test]
fn a_finding_below_the_threshold_is_no_failure_of_a_test() {
    let case = cases::waived();
    let mut outcome: Outcome = case.outcome.clone();
    outcome.findings[0].severity = Severity::Warning;
    let text = |fail_on| {
        let report = TargetReport { facts: &case.facts, outcome: &outcome, rules: &[], fail_on };
        render(Format::Junit, &[report], &Look::BATCH)
    };
    assert!(text(Severity::Error).contains("failures=\"0\"") && text(Severity::Error).contains("<system-out>"));
    assert!(text(Severity::Warning).contains("failures=\"1\"") && !text(Severity::Warning).contains("<system-out>"));
}
