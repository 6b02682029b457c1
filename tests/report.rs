//! Reports against golden files: `tests/report/<case>/expected.*`. `UPDATE=1 cargo test --test report` rewrites them;
//! review the difference as a tired user would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "report/cases.rs"]
mod cases;
#[path = "report/formats.rs"]
mod formats;
#[path = "report/jobs.rs"]
mod jobs;
#[path = "report/model.rs"]
mod model;
#[path = "report/pages.rs"]
mod pages;
#[path = "report/picture.rs"]
mod picture;
#[path = "report/scripts.rs"]
mod scripts;

use std::path::Path;

use cases::Case;
use pyhpc_audit::report::{Format, Look, TargetReport, Verbosity, render};
use pyhpc_audit::rules::Severity;

const WIDE: Look = Look { width_columns: 160, colour: false, verbosity: Verbosity::Terse, ascii: false };
const VERBOSE: Look = Look { verbosity: Verbosity::Verbose, ..Look::BATCH };

/// Compares `actual` with the golden file, or rewrites that.
#[track_caller]
fn check(case: &str, file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(case).join(file);
    let actual = actual.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"VERSION\"");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{case}/{file} differs; the report is now:\n{actual}");
}

fn reports(case: &[Case]) -> Vec<TargetReport<'_>> {
    let rules = formats::rules();
    case.iter()
        .map(|it| TargetReport { facts: &it.facts, outcome: &it.outcome, rules, fail_on: Severity::Error })
        .collect()
}

#[track_caller]
fn check_case(name: &str, case: &[Case]) {
    let reports = reports(case);
    check(name, "expected.txt", &render(Format::Table, &reports, &Look::BATCH));
    check(name, "expected.json", &render(Format::Json, &reports, &Look::BATCH));
}

#[test]
fn clean() {
    check_case("clean", &[cases::clean()]);
    check("clean", "wide.txt", &render(Format::Table, &reports(&[cases::clean()]), &WIDE));
}

#[test]
fn two_mpis() {
    check_case("two-mpis", &[cases::two_mpis()]);
}

#[test]
fn broken() {
    let case = [cases::broken()];
    check_case("broken", &case);
    check("broken", "verbose.txt", &render(Format::Table, &reports(&case), &VERBOSE));
    check("broken", "expected.jsonl", &render(Format::Jsonl, &reports(&case), &Look::BATCH));
}

#[test]
fn unknowns() {
    let case = [cases::unknowns()];
    check_case("unknowns", &case);
    check("unknowns", "verbose.txt", &render(Format::Table, &reports(&case), &VERBOSE));
}

#[test]
fn base_gone() {
    check_case("base-gone", &[cases::base_gone()]);
}

/// Only commands, which are there to be copied, may be longer than the page.
#[test]
fn lines_keep_to_the_page() {
    for case in
        [cases::clean(), cases::two_mpis(), cases::broken(), cases::unknowns(), cases::base_gone(), cases::waived()]
    {
        let case = [case];
        for width_columns in [72, 80, 100, 132] {
            let text = render(Format::Table, &reports(&case), &Look { width_columns, ..VERBOSE });
            let long = text.lines().filter(|line| line.len() > usize::from(width_columns));
            let fixes: Vec<&str> = case[0].outcome.findings.iter().flat_map(|it| it.fix.lines()).collect();
            for line in long {
                assert!(fixes.iter().any(|fix| fix.contains(line.trim())), "{width_columns}: {line}");
            }
        }
    }
}

#[test]
fn hostile_names() {
    let case = [cases::hostile()];
    check_case("hostile-names", &case);
    for verbosity in [Verbosity::Terse, Verbosity::Verbose] {
        for ascii in [false, true] {
            let text = render(Format::Table, &reports(&case), &Look { verbosity, ascii, ..WIDE });
            let bad = text.chars().find(|it| it.is_control() && *it != '\n' || ('\u{202a}'..='\u{202e}').contains(it));
            assert_eq!(bad, None, "{text}");
            assert!(!ascii || text.is_ascii(), "{text}");
        }
    }
}

#[test]
fn two_targets() {
    check_case("two-targets", &[cases::two_mpis(), cases::clean()]);
}

#[test]
fn waivers() {
    check_case("waivers", &[cases::waived()]);
}

#[test]
fn colour_only_adds_colour() {
    let case = [cases::two_mpis()];
    let coloured = render(Format::Table, &reports(&case), &Look { colour: true, ..Look::BATCH });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(coloured, plain);
    assert_eq!(plain, render(Format::Table, &reports(&case), &Look::BATCH));
}

#[test]
fn any_width_is_survived() {
    for width_columns in [0, 1, 30, 41, 60, u16::MAX] {
        for case in [cases::two_mpis(), cases::broken(), cases::unknowns(), cases::hostile()] {
            let case = [case];
            let look = Look { width_columns, ..VERBOSE };
            assert!(!render(Format::Table, &reports(&case), &look).is_empty());
        }
    }
}

#[test]
fn rules_list() {
    check("pages", "rules.txt", &pyhpc_audit::report::rules_list(&pages::rule_lines(), &Look::BATCH));
}

#[test]
fn explain_rule() {
    check("pages", "explain-rule.txt", &pyhpc_audit::report::rule_page(&pages::rule(), &Look::BATCH));
}

#[test]
fn explain_library() {
    check("pages", "explain-library.txt", &pyhpc_audit::report::page(&pages::library(), &Look::BATCH));
}

#[test]
fn modules() {
    check("pages", "modules.txt", &pages::modules().text(&Look::BATCH));
    check("pages", "modules.json", &pages::modules().json());
}

#[test]
fn loads() {
    check("pages", "loads.txt", &pyhpc_audit::report::loads_text(&pages::loads(), &Look::BATCH));
    check("pages", "loads-verbose.txt", &pyhpc_audit::report::loads_text(&pages::loads(), &VERBOSE));
    check("pages", "loads.json", &pyhpc_audit::report::loads_json(&pages::loads()));
    check("pages", "alone.txt", &pages::alone().text(&Look::BATCH));
    check("pages", "alone-verbose.txt", &pages::alone().text(&VERBOSE));
    check("pages", "alone.json", &pages::alone().json());
}

#[test]
fn why() {
    check("pages", "why.txt", &pyhpc_audit::report::why_text(&pages::question(), &Look::BATCH));
    check("pages", "why.json", &pyhpc_audit::report::why_json(&pages::question()));
}

/// Whatever the audited system calls its files, and however narrow the terminal is.
#[test]
fn pages_survive_any_width_and_hostile_names() {
    let evil = "/x/\u{1b}[31m\u{202e}/lib\u{e9}.so";
    let mut loads = pages::loads();
    for object in loads.events.iter_mut().flat_map(|it| &mut it.objects) {
        object.place = evil.to_owned();
        object.rule.push_str(evil);
    }
    loads.missing[0].soname = evil.to_owned();
    let mut question = pages::question();
    question.missing[0].copies[0].path = evil.to_owned();
    question.steps[0].outcome = evil.to_owned();
    for width_columns in [0, 30, 72, 100, u16::MAX] {
        for look in [Look { width_columns, ..Look::BATCH }, Look { width_columns, ..VERBOSE }] {
            let text = pyhpc_audit::report::loads_text(&loads, &look)
                + &pyhpc_audit::report::why_text(&question, &look)
                + &pages::alone().text(&look);
            assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
        }
    }
}
