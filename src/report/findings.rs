//! Findings for people, worst first: what is wrong, where that is seen, what to type.
//!
//! Invariant: findings that say the same of several objects of one package are one block; none is left out, only counted.

use std::collections::{BTreeSet, HashMap};

use super::counts::plural;
use super::diff::corrected;
use super::layout::{Paper, Tone, clean, page_width, plain_lines, width_of};
use super::places::{Names, file_name};
use super::{TargetReport, Verbosity, snippet};
use crate::facts::{Evidence, Facts};
use crate::rules::{Finding, Severity};

/// Evidence lines and files shown of one block, without `-v`.
const SHOWN_LINES: usize = 4;

/// What a subject is called whose name is unknown.
const UNNAMED: &str = "unknown";

/// What stands for the object in the message of several findings.
const EACH: &str = "each of them";

/// Findings that differ in nothing but the object.
struct Block<'a> {
    findings: Vec<&'a Finding>,
    package: String,
    message: String,
}

/// Fixes that stand in the report already, with the rule they stand under: none is printed twice.
#[derive(Default)]
struct Fixes<'a>(Vec<(String, &'a str)>);

/// Every finding that neither a waiver nor the baseline accepts.
pub(super) fn write(target: &TargetReport<'_>, names: &Names, paper: &mut Paper<'_>) {
    let open = target.outcome.findings.iter().filter(|it| it.counts());
    let mut blocks = blocks(open, target.facts);
    blocks.sort_by_key(|block| block.findings.first().map(|it| std::cmp::Reverse(it.severity)));
    let mut fixes = Fixes::default();
    for (at, block) in blocks.iter().enumerate() {
        let again = |it: &&Block<'_>| repeats(it, block, paper);
        if blocks.iter().take(at).any(|it| again(&it)) {
            continue;
        }
        let further = blocks.iter().skip(at + 1).filter(again).count();
        paper.blank();
        match block.findings.as_slice() {
            [one] if is_short(one, target, paper) => note(one, names, paper),
            [one] => single(one, names, &mut fixes, paper),
            several => group(several, block, names, &mut fixes, paper),
        }
        if 0 < further {
            let text = format!("likewise in {} (-v)", plural(further, "further case"));
            paper.put(2, 4, &[(Tone::Faint, &text)]);
        }
    }
    let worst = blocks.first().and_then(|block| block.findings.first());
    if let Some(worst) = worst {
        paper.blank();
        paper.put(
            0,
            2,
            &[(Tone::Faint, "more on a rule: "), (Tone::Plain, &format!("pyhpc-audit explain {}", worst.rule))],
        );
    }
    if blocks.iter().flat_map(|it| &it.findings).any(|it| !it.corrections.is_empty()) {
        paper.put(
            0,
            2,
            &[(Tone::Faint, "corrected lines as a patch: "), (Tone::Plain, "the same command with --diff")],
        );
    }
}

/// Whether two findings are of the same places of a script, as when a line runs on several branches.
fn repeats(one: &Block<'_>, other: &Block<'_>, paper: &Paper<'_>) -> bool {
    let ([one], [other]) = (one.findings.as_slice(), other.findings.as_slice()) else { return false };
    let of_script = one.evidence.first().is_some_and(|it| it.column.is_some());
    let same = one.rule == other.rule && one.severity == other.severity && one.evidence == other.evidence;
    of_script && same && paper.look().verbosity == Verbosity::Terse
}

/// Whether a finding is told in one line: a note about a job, below what keeps it from running well.
fn is_short(finding: &Finding, target: &TargetReport<'_>, paper: &Paper<'_>) -> bool {
    target.facts.job.is_some() && finding.severity == Severity::Note && paper.look().verbosity == Verbosity::Terse
}

fn note(finding: &Finding, names: &Names, paper: &mut Paper<'_>) {
    headline(finding, &subject(finding, names), &names.short_inside(&finding.message), paper);
}

/// The tone of a severity.
pub(super) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
        Severity::Note => Tone::Note,
    }
}

fn single<'a>(finding: &'a Finding, names: &Names, fixes: &mut Fixes<'a>, paper: &mut Paper<'_>) {
    headline(finding, &subject(finding, names), &names.short_inside(&finding.message), paper);
    let (shown, others) = snippet::of_scripts(&finding.evidence);
    paper.ready(&snippet::drawn(&shown, finding.severity, names, paper.look()));
    let lines: Vec<String> = others.iter().map(|it| names.evidence(it)).collect();
    listed(&lines, paper);
    fixes.correct(finding, names, paper);
    if finding.corrections.is_empty() || paper.look().verbosity == Verbosity::Verbose {
        fixes.write(finding, &finding.fix, paper);
    }
    fingerprint(&[finding], paper);
}

/// The subject, where the message does not name it.
fn subject(finding: &Finding, names: &Names) -> String {
    if says(&finding.message, &finding.subject) || finding.subject == UNNAMED {
        String::new()
    } else {
        format!("{}: ", names.short(&finding.subject))
    }
}

fn group<'a>(findings: &[&'a Finding], block: &Block<'_>, names: &Names, fixes: &mut Fixes<'a>, paper: &mut Paper<'_>) {
    let Some(first) = findings.first() else { return };
    let owner = if block.package.is_empty() { String::new() } else { format!(" of {}", block.package) };
    headline(first, &format!("{} objects{owner}: ", findings.len()), &names.short_inside(&block.message), paper);
    let shared: Vec<&Evidence> =
        first.evidence.iter().filter(|it| findings.iter().all(|other| other.evidence.contains(it))).collect();
    let of_each: Vec<String> = findings
        .iter()
        .map(|finding| {
            let object = object_of(finding);
            let own = finding.evidence.iter().find(|it| it.path == object && !shared.contains(it));
            own.map_or_else(|| names.short(object), |it| names.evidence(it))
        })
        .collect();
    listed(&of_each, paper);
    listed(&shared.iter().map(|it| names.evidence(it)).collect::<Vec<_>>(), paper);
    let mut different: Vec<&'a str> = Vec::new();
    for finding in findings {
        if !different.contains(&finding.fix.as_str()) {
            different.push(&finding.fix);
        }
    }
    match (different.as_slice(), paper.look().verbosity) {
        ([text, _, ..], Verbosity::Terse) => {
            fixes.write(first, text, paper);
            paper.put(4, 4, &[(Tone::Faint, &format!("likewise for the other {} (-v)", findings.len() - 1))]);
        }
        (all, Verbosity::Terse | Verbosity::Verbose) => all.iter().for_each(|text| fixes.write(first, text, paper)),
    }
    fingerprint(findings, paper);
}

fn headline(finding: &Finding, subject: &str, message: &str, paper: &mut Paper<'_>) {
    let head = format!("{}[{}]", finding.severity.word(), finding.rule);
    paper.put(
        0,
        4,
        &[(tone(finding.severity), &head), (Tone::Strong, " "), (Tone::Strong, subject), (Tone::Strong, message)],
    );
}

/// At most four lines without `-v`, and how many more there are.
fn listed(lines: &[String], paper: &mut Paper<'_>) {
    let mut seen = BTreeSet::new();
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| seen.insert(*line)).collect();
    let shown = match paper.look().verbosity {
        Verbosity::Verbose => lines.len(),
        // A line that says "and 1 more" takes the place of that one.
        Verbosity::Terse if lines.len() <= SHOWN_LINES => lines.len(),
        Verbosity::Terse => SHOWN_LINES - 1,
    };
    let gutter = if paper.look().ascii { "|" } else { "\u{2502}" };
    let more = format!("and {} more (-v)", lines.len() - shown);
    let more = (shown < lines.len()).then_some(more.as_str());
    for line in lines.iter().copied().take(shown).chain(more) {
        paper.put(2, 8, &[(Tone::Faint, gutter), (Tone::Faint, " "), (Tone::Faint, line)]);
    }
}

impl<'a> Fixes<'a> {
    /// The lines of the script as they would be right.
    fn correct(&mut self, finding: &'a Finding, names: &Names, paper: &mut Paper<'_>) {
        for (path, line, text) in corrected(&finding.corrections, &finding.evidence) {
            let place = format!("{}:{line}", names.short(path));
            if let Some((_, rule)) = self.0.iter().find(|(known, _)| *known == format!("{place} {text}")) {
                paper.put(2, 4, &[(Tone::Good, "fix:"), (Tone::Plain, &format!(" {place} as above, {rule}"))]);
                continue;
            }
            self.0.push((format!("{place} {text}"), &finding.rule));
            paper.put(2, 4, &[(Tone::Good, "fix:"), (Tone::Plain, &format!(" {place} becomes"))]);
            paper.verbatim(4, Tone::Plain, text.trim());
        }
    }

    /// The fix of `finding`, or where it stands already.
    fn write(&mut self, finding: &'a Finding, text: &'a str, paper: &mut Paper<'_>) {
        if text.trim().is_empty() {
            return;
        }
        if let Some((_, rule)) = self.0.iter().find(|(known, _)| known == text) {
            paper.put(2, 4, &[(Tone::Good, "fix:"), (Tone::Plain, &format!(" as above, {rule}"))]);
            return;
        }
        self.0.push((text.to_owned(), &finding.rule));
        paper.put(2, 2, &[(Tone::Good, "fix:")]);
        text.trim().lines().for_each(|line| command(4, line, paper));
    }
}

/// A line of a fix at `indent`. Commands stay on one line, to be copied; comments and sentences are wrapped.
pub(super) fn command(indent: usize, line: &str, paper: &mut Paper<'_>) {
    let look = paper.look();
    let fits = indent + width_of(&clean(line, look)) <= page_width(look);
    match line.trim_start().strip_prefix('#') {
        Some(_) if fits => paper.verbatim(indent, Tone::Faint, line),
        Some(comment) => {
            for part in plain_lines(comment, look, page_width(look).saturating_sub(indent + 2)) {
                paper.verbatim(indent, Tone::Faint, &format!("# {part}"));
            }
        }
        None if !fits && is_sentence(line) => paper.put(indent, indent, &[(Tone::Plain, line)]),
        None => match line.rsplit_once("  # ") {
            // A comment that makes a command too long goes above it.
            Some((code, comment)) if !fits && !comment.contains(['"', '\'']) => {
                command(indent, &format!("# {}", comment.trim()), paper);
                paper.verbatim(indent, Tone::Plain, code);
            }
            Some(_) | None => paper.verbatim(indent, Tone::Plain, line),
        },
    }
}

/// Whether a line reads as a sentence: its first word is capitalised and no assignment.
fn is_sentence(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    first.starts_with(|it: char| it.is_ascii_uppercase()) && !first.contains(['=', '/', '_'])
}

fn fingerprint(findings: &[&Finding], paper: &mut Paper<'_>) {
    if paper.look().verbosity == Verbosity::Verbose {
        let mut all: Vec<&str> =
            findings.iter().map(|it| it.fingerprint.as_str()).filter(|it| !it.is_empty()).collect();
        all.dedup();
        if !all.is_empty() {
            paper.put(2, 4, &[(Tone::Faint, &format!("fingerprint {}", all.join(" ")))]);
        }
    }
}

/// Findings in their order, those that say the same of several objects of one package together.
fn blocks<'a>(findings: impl Iterator<Item = &'a Finding>, facts: &Facts) -> Vec<Block<'a>> {
    let packages = packages(facts);
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut known: HashMap<(&str, Severity, String, String), usize> = HashMap::new();
    for finding in findings {
        let message = masked(finding);
        let package = packages.get(object_of(finding)).copied().unwrap_or_default().to_owned();
        let key = (finding.rule.as_str(), finding.severity, package.clone(), message.clone());
        let same = known.get(&key).and_then(|at| blocks.get_mut(*at)).filter(|_| is_object(finding));
        match same {
            Some(block) => block.findings.push(finding),
            None => {
                known.insert(key, blocks.len());
                blocks.push(Block { findings: vec![finding], package, message });
            }
        }
    }
    blocks
}

/// Import names of packages, by object.
fn packages(facts: &Facts) -> HashMap<&str, &str> {
    let versions = facts.missing_versions.value().into_iter().flatten().map(|it| (&it.object, &it.package));
    let needs = facts.needs.value().into_iter().flatten().map(|it| (&it.object, &it.package));
    let objects = facts.objects.value().into_iter().flatten().map(|it| (&it.path, &it.package));
    versions.chain(needs).chain(objects).map(|(path, package)| (path.as_str(), package.as_str())).collect()
}

/// The object that a finding is about: its subject, up to the soname or version that may follow, else the place of
/// its first evidence where the message names that; empty where it is about no object.
fn object_of(finding: &Finding) -> &str {
    if finding.subject.starts_with('/') {
        return finding.subject.split_once(": ").map_or(finding.subject.as_str(), |(object, _)| object);
    }
    let places = finding.evidence.iter().map(|it| it.path.as_str());
    places.take(1).find(|it| it.starts_with('/') && finding.message.contains(it)).unwrap_or_default()
}

fn is_object(finding: &Finding) -> bool {
    object_of(finding).len() > 1
}

/// The message without the object's own name, so that findings of several objects compare equal.
fn masked(finding: &Finding) -> String {
    let object = object_of(finding);
    if !is_object(finding) {
        return finding.message.clone();
    }
    let message = finding.message.replace(object, EACH);
    match file_name(object) {
        "" => message,
        name => message.replace(name, EACH),
    }
}

/// Whether the message names the subject already: a file, a place (`job.sh:9`), a variable (`NAME=value`).
fn says(message: &str, subject: &str) -> bool {
    let names = |word: &str, part: &str| word.trim_end_matches(':') == part || word.split(':').any(|it| it == part);
    subject.split(": ").all(|part| {
        message.split([' ', ',', ';', '(', ')', '=', '\'', '"']).any(|word| names(word, part))
            || part.len() > 12 && message.contains(part)
    })
}
