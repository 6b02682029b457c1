//! `markdown`: a page for `GITHUB_STEP_SUMMARY`, merge requests and wikis, in GitHub's dialect.
//!
//! Invariant: nothing of the audited system is read as markup: it stands escaped, or in code whose fence it does not hold.
//! Invariant: the page fits a step summary; what is left out is counted on the page itself.

use super::anchor::{name_of, of_finding, one_line};
use super::counts::plural;
use super::{Counts, TargetReport};
use crate::rules::{Finding, Severity};

/// Largest page, in bytes: a step summary holds 1 MiB, and other commands of the step may write to it too.
const PAGE_BYTES: usize = 1_000_000;

/// Of that, kept for what is said at the end.
const RESERVED_BYTES: usize = 2000;

/// Longest text of a cell or a fix, in characters.
const TEXT_CHARACTERS: usize = 2000;

/// The page over `targets`.
pub(super) fn render(targets: &[TargetReport<'_>]) -> String {
    let mut page = Page::default();
    let counts = Counts::sum(targets);
    page.text.push_str(&format!("# pyhpc-audit: {}\n", prose(&counts.verdict())));
    for target in targets {
        section(target, &mut page);
    }
    page.text.push_str(&format!("\n{}\n", prose(&counts.summary())));
    if 0 < page.left_out {
        let what = plural(page.left_out, "entry").replace("entrys", "entries");
        page.text.push_str(&format!(
            "\n**{what} left out here: a page holds {} kB. The same command with `--format json` prints all of them.**\n",
            PAGE_BYTES / 1000
        ));
    }
    page.text
}

/// Text that grows until it is full.
#[derive(Default)]
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    /// Takes an entry, or counts it. What comes after the first that was too much is counted too: a page with holes would
    /// be read as if it were whole.
    fn entry(&mut self, text: &str) {
        if 0 < self.left_out || PAGE_BYTES - RESERVED_BYTES < self.text.len() + text.len() {
            self.left_out += 1;
        } else {
            self.text.push_str(text);
        }
    }

    /// A heading, where there is room for what comes below it.
    fn heading(&mut self, text: &str) {
        if self.left_out == 0 && self.text.len() + text.len() <= PAGE_BYTES - RESERVED_BYTES {
            self.text.push_str(text);
        }
    }
}

fn section(target: &TargetReport<'_>, page: &mut Page) {
    let counts = Counts::of(target);
    page.heading(&format!("\n## {}: {}\n", code(&name_of(target)), prose(&counts.verdict())));
    let open: Vec<&Finding> = target.outcome.findings.iter().filter(|it| it.counts()).collect();
    findings(&open, target, page);
    fixes(&open, page);
    undecided(target, page);
    gaps(target, page);
    accepted(target, page);
}

fn findings(open: &[&Finding], target: &TargetReport<'_>, page: &mut Page) {
    if open.is_empty() {
        return;
    }
    page.heading("\n| | rule | where | what |\n|---|---|---|---|\n");
    for finding in open {
        let place = of_finding(finding, target.facts).named();
        let sign = match finding.severity {
            Severity::Error => "**error**",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let cells = [sign.to_owned(), cell_code(&finding.rule), cell_code(&place), prose(&finding.message)];
        page.entry(&format!("| {} |\n", cells.join(" | ")));
    }
}

/// Every fix once, with the rules and subjects that it is for.
fn fixes(open: &[&Finding], page: &mut Page) {
    let mut known: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in open.iter().filter(|it| !it.fix.trim().is_empty()) {
        match known.iter_mut().find(|(fix, of)| *fix == finding.fix && of.iter().all(|it| it.rule == finding.rule)) {
            Some((_, of)) => of.push(finding),
            None => known.push((&finding.fix, vec![finding])),
        }
    }
    if !known.is_empty() {
        page.heading("\n### What to do\n");
    }
    for (fix, of) in known {
        let rule = of.first().map_or("", |it| it.rule.as_str());
        let subjects = match of.as_slice() {
            [one] => code(&one.subject),
            several => plural(several.len(), "finding"),
        };
        page.entry(&format!("\n{}, {subjects}:\n\n{}", code(rule), block(fix.trim())));
    }
}

fn undecided(target: &TargetReport<'_>, page: &mut Page) {
    if !target.outcome.undecided.is_empty() {
        page.heading(
            "\n### Could not be decided\n\nThese rules have not passed: a fact that they need is unknown.\n\n",
        );
    }
    for it in &target.outcome.undecided {
        let missing = prose(&it.missing.join("; "));
        page.entry(&format!("* {} ({}): {missing}\n", code(&it.rule), code(&it.subject)));
    }
}

fn gaps(target: &TargetReport<'_>, page: &mut Page) {
    if !target.facts.gaps.is_empty() {
        page.heading("\n### Could not be read\n\n");
    }
    for it in &target.facts.gaps {
        let place = if it.path.is_empty() { String::new() } else { format!("{}: ", code(&it.path)) };
        let hides = if it.hides.is_empty() { String::new() } else { format!("; hides {}", prose(&it.hides)) };
        page.entry(&format!("* {place}{} ({}){hides}\n", prose(&it.reason), prose(&it.stage)));
    }
}

/// What does not count, and what of that is no longer needed.
fn accepted(target: &TargetReport<'_>, page: &mut Page) {
    let outcome = target.outcome;
    let known: Vec<&Finding> = outcome.findings.iter().filter(|it| !it.counts()).collect();
    if !known.is_empty() || !outcome.unused_baseline.is_empty() || !outcome.waivers.is_empty() {
        page.heading("\n### Accepted\n\n");
    }
    for it in known {
        let why =
            it.waived.as_ref().map_or("in the baseline".to_owned(), |waived| format!("waived: {}", waived.reason));
        page.entry(&format!("* {} ({}): {}\n", code(&it.rule), code(&it.subject), prose(&why)));
    }
    for it in &outcome.waivers {
        let line = format!("{} waiver, line {} of the configuration", it.state.word(), it.line);
        page.entry(&format!("* {}: {}\n", code(&it.rule), prose(&line)));
    }
    for it in &outcome.unused_baseline {
        page.entry(&format!("* {} ({}): unused entry of the baseline\n", code(&it.rule), code(&it.subject)));
    }
}

/// Text in which every character stands for itself.
fn prose(text: &str) -> String {
    let mut result = String::new();
    for letter in one_line(text).chars().take(TEXT_CHARACTERS) {
        if letter.is_ascii_punctuation()
            && !matches!(letter, ',' | ';' | '/' | '.' | '(' | ')' | '%' | '\'' | '"' | '?')
        {
            result.push('\\');
        }
        result.push(letter);
        // Names are looked for in the text as it is shown, where the escape is gone: a character without width parts them.
        if letter == '@' || letter == '#' {
            result.push('\u{200b}');
        }
    }
    // `www.` begins an address without any other sign.
    result.replace("www.", "www\u{200b}.")
}

/// Text in code: the fence is longer than any in it.
fn code(text: &str) -> String {
    let text: String = one_line(text).chars().take(TEXT_CHARACTERS).collect();
    let text = if text.trim().is_empty() { "(no name)".to_owned() } else { text };
    let fence = "`".repeat(1 + longest_run(&text));
    // A blank inside is taken away again where both sides have one; ticks at the edge need it.
    let blank = if text.starts_with('`') || text.ends_with('`') || text.starts_with(' ') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// Code in a table, where a bar ends the cell even inside code, and readers differ about backslashes before it.
fn cell_code(text: &str) -> String {
    if text.contains(['|', '\\']) { prose(text) } else { code(text) }
}

/// Lines of code.
fn block(text: &str) -> String {
    let text: String = text.chars().take(TEXT_CHARACTERS).collect();
    let lines: Vec<String> = text.lines().map(one_line).collect();
    let fence = "`".repeat(3.max(1 + longest_run(&text)));
    format!("{fence}sh\n{}\n{fence}\n", lines.join("\n"))
}

/// How many backticks stand beside each other.
fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
