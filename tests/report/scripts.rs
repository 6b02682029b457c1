//! Findings with places in a job script, and corrected lines as a diff.

use pyhpc_audit::facts::{Evidence, Suggestion};
use pyhpc_audit::report::{Format, Look, diff, render};
use pyhpc_audit::rules::Severity;

use super::model::{finding, seen};
use super::{WIDE, cases, check, reports};

fn mark(path: &str, line: u32, column: u32, length: u32, text: &str) -> Evidence {
    Evidence {
        path: path.into(),
        line: Some(line),
        column: Some(column),
        length: Some(length),
        text: text.into(),
        ..Evidence::default()
    }
}

/// The places as findings of one target that is well otherwise.
fn page(findings: Vec<(Severity, &str, &str, Vec<Evidence>)>, look: &Look) -> String {
    let mut case = cases::clean();
    case.outcome.findings = findings
        .into_iter()
        .map(|(severity, rule, message, evidence)| finding(severity, rule, "job.sh", message, evidence, ""))
        .collect();
    let page = render(Format::Table, &reports(&[case]), look);
    // What stands above the findings is shown elsewhere.
    page.split_once("\n\n")
        .map_or(page.clone(), |(_, rest)| rest.split_once("\n\n").map_or(rest, |(_, it)| it).to_owned())
}

fn findings() -> Vec<(Severity, &'static str, &'static str, Vec<Evidence>)> {
    let long = format!("srun {} --cpu-bind=none {}", "--aaaa=bbbb ".repeat(20), "python x.py ".repeat(20));
    let at = u32::try_from(long.find("--cpu-bind").unwrap() + 1).unwrap();
    vec![
        (
            Severity::Error,
            "stacked-ranks",
            "OMP_PROC_BIND binds thread 0 of all 8 ranks to the first place; the launcher does not bind",
            vec![
                mark("job.sh", 6, 11, 15, "srun -c 8 --cpu-bind=none python hybrid.py"),
                mark("job.sh", 4, 8, 18, "export OMP_PROC_BIND=true"),
                mark("job.sh", 2, 19, 10, "#SBATCH --nodes=1 --ntasks=8 --cpus-per-task=8"),
                seen("/opt/lib/libgomp.so.1", "loaded by the process"),
            ],
        ),
        (
            Severity::Warning,
            "setting-too-late",
            "OMP_NUM_THREADS is set after numpy was imported",
            vec![
                mark("src/model.py", 12, 5, 30, "\tos.environ[\"OMP_NUM_THREADS\"] = \"1\""),
                mark("job.sh", 9, 1, 6, "python src/model.py"),
            ],
        ),
        (Severity::Note, "binding-disabled", "binding is switched off", vec![mark("job.sh", 12, at, 15, &long)]),
        (
            Severity::Note,
            "hostile",
            "the line holds what a terminal would obey",
            vec![
                mark("a\u{1b}[31m.sh", 3, 14, 4, "echo \u{1b}[31m\u{7} \u{202e}here \u{e9}\u{2192}"),
                mark("job.sh", 4_000_000_000, 9000, 7, "x"),
            ],
        ),
    ]
}

#[test]
fn places_in_scripts_have_carets() {
    check("scripts", "expected.txt", &page(findings(), &Look::BATCH));
    check("scripts", "wide.txt", &page(findings(), &WIDE));
}

#[test]
fn carets_keep_to_the_page_and_colour_only_adds_colour() {
    let plain = page(findings(), &Look::BATCH);
    assert!(plain.is_ascii(), "{plain}");
    for line in plain.lines() {
        assert!(line.len() <= 100, "{line}");
        assert!(!line.contains(char::is_control), "{line}");
    }
    let coloured = page(findings(), &Look { colour: true, ..Look::BATCH });
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(stripped(&coloured), plain);
}

/// Text without the colours of this program.
fn stripped(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap().to_owned();
    let rest = pieces.map(|it| it.split_once('m').unwrap().1);
    let text = rest.fold(first, |text, it| text + it);
    text.lines().map(|it| format!("{}\n", it.trim_end())).collect()
}

fn suggestion(rule: &str, line: u32, column: u32, length: u32, replacement: &str) -> Suggestion {
    Suggestion { rule: rule.into(), path: "job.sh".into(), line, column, length, replacement: replacement.into() }
}

const SCRIPT: &str = "#!/bin/bash
#SBATCH --nodes=1 --ntasks=8
export OMP_NUM_THREADS=8
export OMP_PROC_BIND=tru
srun --cpu-bind=none python hybrid.py
echo \u{e9}nd
";

#[track_caller]
fn check_diff(script: &str, suggestions: &[Suggestion], expected: &str) {
    assert_eq!(diff("job.sh", script, suggestions), expected);
}

#[test]
fn several_suggestions_are_one_diff() {
    let suggestions = [
        suggestion("invalid-setting", 4, 22, 3, "true"),
        suggestion("stacked-ranks", 5, 6, 15, "--cpu-bind=cores"),
        suggestion("cpus-per-task-not-inherited", 5, 5, 0, " -c 8"),
        suggestion("invalid-setting", 4, 22, 3, "true"),
        suggestion("idle-cores", 6, 8, 1, "d!"),
    ];
    check_diff(
        SCRIPT,
        &suggestions,
        "--- a/job.sh
+++ b/job.sh
@@ -1,6 +1,6 @@
 #!/bin/bash
 #SBATCH --nodes=1 --ntasks=8
 export OMP_NUM_THREADS=8
-export OMP_PROC_BIND=tru
-srun --cpu-bind=none python hybrid.py
-echo \u{e9}nd
+export OMP_PROC_BIND=true
+srun -c 8 --cpu-bind=cores python hybrid.py
+echo \u{e9}nd!
",
    );
}

#[test]
fn of_overlapping_suggestions_the_first_wins() {
    let suggestions = [
        suggestion("stacked-ranks", 1, 6, 15, "--cpu-bind=cores"),
        suggestion("binding-disabled", 1, 6, 16, ""),
        suggestion("elsewhere", 9, 1, 0, "x"),
        Suggestion { path: "other.sh".into(), ..suggestion("other", 1, 1, 0, "x\ny") },
    ];
    check_diff(
        "srun --cpu-bind=none python x.py",
        &suggestions,
        "--- a/job.sh
+++ b/job.sh
@@ -1 +1 @@
-srun --cpu-bind=none python x.py
\\ No newline at end of file
+srun --cpu-bind=cores python x.py
\\ No newline at end of file
# not in this diff: job.sh:1:6: write `` (binding-disabled): it overlaps with the change for stacked-ranks
# not in this diff: job.sh:9:1: insert `x` (elsewhere): there is no such place in the script
# not in this diff: other.sh:1:1: insert `x y` (other): it is another file
",
    );
}

#[test]
fn without_suggestions_there_is_no_diff() {
    check_diff(SCRIPT, &[], "");
    let whole = [suggestion("new", 3, 1, 0, "export OMP_PLACES=cores\r\n")];
    check_diff(
        "a\r\nb\r\nc\r\n",
        &whole,
        "--- a/job.sh\n+++ b/job.sh\n@@ -1,3 +1,4 @@\n a\r\n b\r\n+export OMP_PLACES=cores\r\n c\r\n",
    );
}
