//! The report for people: header, the process at a glance, findings, what could not be said, one summary line.
//!
//! Invariant: the only user of `comfy_table`, which here places columns only: cells come in wrapped already, because
//! it would break paths anywhere.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle, presets};

use super::counts::plural;
use super::glance::{self, Row};
use super::layout::{Paper, Tone, clean, page_width, plain_lines, width_of};
use super::places::Names;
use super::{Counts, Look, TargetReport, findings, job, leftovers};
use crate::facts::{Fact, Facts, LibcNeed, SAYS_NOTHING};
use crate::rules::Severity;

/// Columns between two columns of a table without lines.
const COLUMN_GAP: u16 = 2;

/// Widest column of library names.
const WIDEST_LIBRARY_COLUMNS: usize = 28;

/// Widest line between targets.
const WIDEST_RULE_COLUMNS: usize = 100;

/// Lines above, below and under the head only: more would drown the text.
const UTF8_LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('\u{2500}').junction('\u{2500}'))
    .header_separator(LineStyle::none().fill('\u{2500}').junction('\u{2500}'))
    .bottom_border(LineStyle::none().fill('\u{2500}').junction('\u{2500}'));

/// One line of `rules list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// Name of the rule.
    pub name: String,
    /// Its severity when no level holds.
    pub severity: Severity,
    /// What it is about: `process`, `object`.
    pub subject: String,
    /// Its title.
    pub title: String,
    /// Where it comes from: `built in`, a path.
    pub origin: String,
    /// Whether it is switched on.
    pub enabled: bool,
}

/// The report over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>], look: &Look) -> String {
    let mut paper = Paper::new(look);
    let several = targets.len() > 1;
    for target in targets {
        paper.blank();
        if several {
            rule(&mut paper);
        }
        section(target, &mut paper);
    }
    let counts = Counts::sum(targets);
    paper.blank();
    if several {
        rule(&mut paper);
        overview(targets, &mut paper);
    }
    let place = if targets.len() == 1 { String::new() } else { format!("{}: ", plural(targets.len(), "target")) };
    paper.put(0, 2, &[(tone_of(&counts), &format!("{place}{}", counts.summary()))]);
    paper.into_text()
}

/// The rules, one a line.
pub fn rules_list(rules: &[RuleLine], look: &Look) -> String {
    let widths = |text: fn(&RuleLine) -> &str| rules.iter().map(|it| width_of(text(it))).max().unwrap_or_default();
    let fixed = widths(|it| &it.name) + "warning".len() + widths(|it| &it.subject) + 3 * usize::from(COLUMN_GAP);
    let room = page_width(look).saturating_sub(fixed + 2);
    let rows = rules.iter().map(|it| {
        let state = if it.enabled { it.severity.word() } else { "off" };
        let origin = if it.origin == "built in" { String::new() } else { format!(" ({})", it.origin) };
        let title = plain_lines(&format!("{}{origin}", it.title), look, room).join("\n");
        vec![clean(&it.name, look), state.to_owned(), clean(&it.subject, look), title]
    });
    let mut paper = Paper::new(look);
    paper.ready(&grid(Some(&["rule", "severity", "subject", "title"]), rows.collect(), look));
    paper.blank();
    paper.put(
        0,
        2,
        &[(Tone::Plain, &format!("{}; more on each: pyhpc-audit explain RULE", plural(rules.len(), "rule")))],
    );
    paper.into_text()
}

fn section(target: &TargetReport<'_>, paper: &mut Paper<'_>) {
    let look = paper.look();
    let names = Names::of(target.facts);
    let mut body = Paper::new(look);
    let libraries = at_a_glance(&glance::rows(target.facts, &names), look);
    match &target.facts.job {
        // What is wrong with a job stands next to its picture.
        Some(job) => {
            job::write(job, &mut body);
            findings::write(target, &names, &mut body);
            body.blank();
            body.ready(&libraries);
        }
        None => {
            body.ready(&libraries);
            findings::write(target, &names, &mut body);
        }
    }
    leftovers::write(target, &names, &mut body);
    let body = body.into_text();
    header(target, &names, &body, paper);
    paper.blank();
    paper.ready(&body);
}

fn header(target: &TargetReport<'_>, names: &Names, body: &str, paper: &mut Paper<'_>) {
    let facts = target.facts;
    let counts = Counts::of(target);
    paper.put(0, 2, &[(Tone::Strong, &called(facts)), (Tone::Strong, ": "), (tone_of(&counts), &counts.verdict())]);
    let python = &facts.environment.python;
    paper.labelled("python", &format!("{}, {}", interpreter(facts), libc(facts)));
    let executable = match python.executable.value() {
        Some(path) => names.short(path),
        // The line above has just said why.
        None if same_reason(&python.executable, facts) => "executable unknown".to_owned(),
        None => format!("executable {}", unknown(&python.executable, facts)),
    };
    let packages = facts.packages.value().map(|it| it.iter().filter(|package| package.active).count());
    let objects = facts.objects.value().map(Vec::len);
    paper.labelled("", &format!("{executable}; {}, {}", counted(packages, "package"), counted(objects, "object")));
    if glance::approximate(facts).is_some() {
        paper.labelled("macOS", OF_MACOS);
    }
    let left_out = facts.gaps.iter().filter(|it| it.reason.starts_with(SAYS_NOTHING)).count();
    if 0 < left_out {
        let them = if left_out == 1 { "it is" } else { "they are" };
        paper.labelled("saved", &format!("the facts file leaves out {}: {them} unknown", plural(left_out, "fact")));
    }
    paper.labelled("imports", &imports(facts));
    if let Some(asked) = facts.environment.libc.asked.value().and_then(Option::as_ref) {
        let answer = format!("{asked} would do: {}{}", runs_with(facts), of_the_machine(facts));
        paper.labelled("glibc", &names.short_inside(&answer));
    }
    let assignments = names.assignments(&format!("{executable} {body}"));
    if !assignments.is_empty() {
        paper.labelled("where", &assignments.join("; "));
    }
}

/// The target; with the script in front where one was asked about.
fn called(facts: &Facts) -> String {
    match &facts.job {
        Some(job) if job.script != facts.target => format!("{} with {}", job.script, facts.target),
        Some(_) | None => facts.target.clone(),
    }
}

/// How exact the answers are for an environment of macOS.
const OF_MACOS: &str = "read less exactly: dyld is not emulated, each extension was asked by itself what it is linked with. \
                        Libraries below are likely, not certain, and perhaps not all; most rules stay undecided";

/// The imports of the process, those that fail marked.
fn imports(facts: &Facts) -> String {
    let process = &facts.process;
    let failures = || process.import_failures.value().into_iter().flatten();
    match process.imports.value() {
        None => unknown(&process.imports, facts),
        Some(imports) if imports.is_empty() && facts.packages.gap().is_some() => {
            "which of the audited packages are installed is not known".to_owned()
        }
        Some(imports) if imports.is_empty() => "none of the audited packages is installed".to_owned(),
        Some(imports) => {
            let marked = imports.iter().map(|import| match failures().any(|it| it.name == *import) {
                true => format!("{import} (fails)"),
                false => import.clone(),
            });
            let others = failures().filter(|it| !imports.contains(&it.name)).map(|it| format!("{} (fails)", it.name));
            marked.chain(others).collect::<Vec<_>>().join(", ")
        }
    }
}

fn at_a_glance(rows: &[Row], look: &Look) -> String {
    let head = ["", "library", "build", "file", "installed by", "used by"];
    let wide = grid(Some(&head), rows.iter().map(|row| wide_row(row, look)).collect(), look);
    if wide.lines().all(|line| width_of(line) <= page_width(look)) {
        return wide;
    }
    let left = rows.iter().map(|row| width_of(&row.what)).max().unwrap_or_default();
    let middle = rows.iter().flat_map(|row| [width_of(&row.library), width_of(&row.build)]).max().unwrap_or_default();
    let middle = middle.min(WIDEST_LIBRARY_COLUMNS);
    let room = page_width(look).saturating_sub(left + middle + 2 * usize::from(COLUMN_GAP) + 2);
    let stacked = rows.iter().map(|row| {
        let mut library = plain_lines(&row.library, look, middle);
        library.extend(plain_lines(&row.build, look, middle));
        library.retain(|line| !line.is_empty());
        let mut file = vec![row.file.clone(), origin(row)];
        file.extend(row.notes.iter().cloned());
        file.retain(|line| !line.is_empty());
        let file: Vec<String> = file.iter().flat_map(|line| plain_lines(line, look, room)).collect();
        vec![row.what.clone(), library.join("\n"), file.join("\n")]
    });
    grid(None, stacked.collect(), look)
}

fn origin(row: &Row) -> String {
    let by = match row.installed_by.as_str() {
        "" => String::new(),
        "unrecorded" => "no record of who installed it".to_owned(),
        installer => format!("installed by {installer}"),
    };
    let verb = if row.library == "none" { "asked by" } else { "used by" };
    let users = if row.users.is_empty() { String::new() } else { format!("{verb} {}", row.users.join(", ")) };
    [by, users].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
}

fn wide_row(row: &Row, look: &Look) -> Vec<String> {
    let file: Vec<String> =
        std::iter::once(&row.file).chain(&row.notes).filter(|it| !it.is_empty()).map(|it| clean(it, look)).collect();
    vec![
        row.what.clone(),
        clean(&row.library, look),
        clean(&row.build, look),
        file.join("\n"),
        clean(&row.installed_by, look),
        clean(&row.users.join(", "), look),
    ]
}

/// A line across the page, between targets.
fn rule(paper: &mut Paper<'_>) {
    let line = if paper.look().ascii { "=" } else { "\u{2550}" };
    let line = line.repeat(page_width(paper.look()).min(WIDEST_RULE_COLUMNS));
    paper.verbatim(0, Tone::Faint, &line);
}

fn overview(targets: &[TargetReport<'_>], paper: &mut Paper<'_>) {
    for target in targets {
        let counts = Counts::of(target);
        paper.put(
            0,
            4,
            &[(Tone::Plain, &target.facts.target), (Tone::Plain, ": "), (tone_of(&counts), &counts.summary())],
        );
    }
    paper.blank();
}

/// Cells, which may hold several lines each, in columns.
fn grid(head: Option<&[&str]>, rows: Vec<Vec<String>>, look: &Look) -> String {
    let mut table = Table::new();
    table.load_style(if look.ascii { presets::NOTHING } else { UTF8_LINES });
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(head) = head {
        table.set_header(head.to_vec());
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, COLUMN_GAP));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// `cpython 3.11.7 (venv)`, each reason for something unknown once.
fn interpreter(facts: &Facts) -> String {
    let python = &facts.environment.python;
    let name = match (python.implementation.value(), python.version.value()) {
        (Some(implementation), Some(version)) => format!("{implementation} {version}"),
        (Some(implementation), None) => format!("{implementation} (version {})", unknown(&python.version, facts)),
        (None, Some(version)) => format!("{version} (implementation {})", unknown(&python.implementation, facts)),
        (None, None) => unknown(&python.version, facts),
    };
    python.kind.value().map_or(name.clone(), |kind| format!("{name} ({kind})"))
}

fn libc(facts: &Facts) -> String {
    let libc = &facts.environment.libc;
    if glance::approximate(facts).is_some() {
        return "of macOS".to_owned();
    }
    match (libc.family.value(), libc.version.value()) {
        (Some(family), Some(version)) => format!("{family} {version}"),
        (Some(family), None) => format!("{family} (version {})", unknown(&libc.version, facts)),
        (None, _) if same_reason(&libc.family, facts) => "C library unknown".to_owned(),
        (None, _) => format!("C library {}", unknown(&libc.family, facts)),
    }
}

/// Whether the process would run with the glibc that was asked about.
fn runs_with(facts: &Facts) -> String {
    let process = &facts.process;
    let needs = process.libc_needs.value().into_iter().flatten().filter(|it| !it.of_the_system);
    let too_old = |it: &&LibcNeed| it.agreement.value().is_some_and(|it| it == "too-old");
    let text =
        |it: &LibcNeed| it.version.value().map_or_else(|| it.name.clone(), |version| format!("{} {version}", it.name));
    let refused: Vec<String> = needs.clone().filter(too_old).map(text).collect();
    if !refused.is_empty() {
        return format!("no: {}", refused.join(", "));
    }
    let open = needs.clone().find(|it| it.agreement.value().is_none());
    match (open, process.libc_needs.gap(), process.libc_needed.value()) {
        (Some(need), _, _) => unknown(&need.agreement, facts),
        (None, Some(_), _) => unknown(&process.libc_needs, facts),
        (None, None, Some(Some(version))) => format!("yes: nothing here needs more than {version}"),
        (None, None, Some(None)) => "yes: nothing but the operating system needs a version of glibc".to_owned(),
        (None, None, None) => unknown(&process.libc_needed, facts),
    }
}

/// What the machine must have beside its C library.
fn of_the_machine(facts: &Facts) -> String {
    let needs = &facts.process.runtime_needs;
    let mut text = String::new();
    for it in needs.value().into_iter().flatten() {
        let said = |fact: &Fact<String>| fact.value().cloned().unwrap_or_else(|| unknown(fact, facts));
        let release = said(&it.release);
        let release = if release.is_empty() { release } else { format!(" ({release})") };
        let systems = it.systems.value().filter(|it| !it.is_empty());
        let systems = systems.map(|it| format!(": {}", it.join(", "))).unwrap_or_default();
        text += &format!("; {} of the machine must have {}{release}{systems}", it.title, said(&it.version));
    }
    // The answer about the C library has just given the same reason.
    if needs.gap().is_some() && needs.gap() != facts.process.libc_needs.gap() {
        text += &format!("; of runtimes of compilers perhaps more, {}", unknown(needs, facts));
    }
    text
}

fn unknown<T>(fact: &Fact<T>, facts: &Facts) -> String {
    let gap = fact.gap().and_then(|gap| facts.gaps.get(usize::try_from(gap.0).unwrap_or(usize::MAX)));
    match gap.map_or("no reason is recorded", |gap| gap.reason.as_str()) {
        silence if silence.starts_with(SAYS_NOTHING) => "unknown".to_owned(),
        reason => format!("unknown: {reason}"),
    }
}

/// Whether it is unknown for the reason that stands at the head, for the version of Python.
fn same_reason<T>(fact: &Fact<T>, facts: &Facts) -> bool {
    let version = &facts.environment.python.version;
    version.gap().is_some() && unknown(fact, facts) == unknown(version, facts)
}

fn counted(count: Option<usize>, noun: &str) -> String {
    count.map_or_else(|| format!("unknown {noun}s"), |count| plural(count, noun))
}

fn tone_of(counts: &Counts) -> Tone {
    match (counts.errors, counts.warnings + counts.undecided + counts.gaps, counts.notes) {
        (0, 0, 0) => Tone::Good,
        (0, 0, _) => Tone::Note,
        (0, _, _) => Tone::Warning,
        (_, _, _) => Tone::Error,
    }
}
