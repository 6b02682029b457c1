//! `docs/` says what the code says: pages that are written from rules, descriptions, the schema of the facts and the flags.
//!
//! `UPDATE=1 cargo test --test generated` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "libraries/matrix.rs"]
mod matrix;
mod support;

use std::fmt::Write;
use std::fs;

use pyhpc_audit::base::{TextFile, builtin_files};
use pyhpc_audit::registry::{Reader, Registry};
use pyhpc_audit::report::{Body, Page, Section};
use pyhpc_audit::rules::{Correction, RuleSet, Template, documented_facts, rule_file_schema, schema};
use pyhpc_audit::site::Site;
use support::source::root;

#[track_caller]
fn check(path: &str, expected: &str) {
    let file = root().join("docs").join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, expected).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let line = known.lines().zip(expected.lines()).position(|(one, other)| one != other);
    let line = line.unwrap_or(known.lines().count().min(expected.lines().count())) + 1;
    assert!(known == expected, "docs/{path}:{line} is not what the code says: UPDATE=1 cargo test --test generated");
}

fn header(title: &str, from: &str) -> String {
    format!("# {title}\n\n<!-- Generated from {from}: UPDATE=1 cargo test --test generated -->\n\n")
}

/// One line of a table cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn variables() {
    let mut page = header("Variables", "rules/variables");
    page += "Who reads which variable of the environment, and what it takes. `pyhpc-audit explain NAME` says more of one.\n";
    for file in builtin_files("variables") {
        let registry = Registry::load(std::slice::from_ref(&file)).unwrap();
        if registry.variables().is_empty() {
            continue;
        }
        write!(
            page,
            "\n## {}\n\n| variable | does | read by | values | without it |\n|---|---|---|---|---|\n",
            file.stem
        )
        .unwrap();
        for it in registry.variables() {
            let readers: Vec<String> = it.readers.iter().map(Reader::in_words).collect();
            let cells = [
                &it.summary,
                &readers.join("; "),
                &it.grammar.expected(),
                it.default.as_ref().unwrap_or(&String::new()),
            ]
            .map(|it| cell(it));
            writeln!(page, "| `{}` | {} |", it.name, cells.join(" | ")).unwrap();
        }
    }
    check("variables.md", &page);
}

#[test]
fn rules() {
    let set = RuleSet::load(&[]).unwrap();
    let mut page = header("Rules", "rules/");
    page += "A rule's name is its file's. `pyhpc-audit explain NAME` prints the same page with an example.\n\n";
    page += "| rule | severity | about | what it finds |\n|---|---|---|---|\n";
    for it in set.iter() {
        let row = (&it.name, it.severity.word(), it.subject.word, cell(&it.title));
        writeln!(page, "| [{0}](#{0}) | {1} | {2} | {3} |", row.0, row.1, row.2, row.3).unwrap();
    }
    for it in set.iter() {
        let place = it.file.trim_start_matches("rules/").split('/').next().unwrap();
        write!(page, "\n## {}\n\n{}. Topic {place}, since {}", it.name, it.title, it.since).unwrap();
        if !it.formerly.is_empty() {
            write!(page, ", formerly {}", it.formerly.join(", ")).unwrap();
        }
        writeln!(page, ".\n\nSeverity: {}.", it.severity.word()).unwrap();
        for level in &it.levels {
            writeln!(page, "{} when `{}`.", level.severity.word(), cell(level.when.text())).unwrap();
        }
        if let Some(applies) = &it.applies {
            writeln!(page, "\nApplies to a {} for which\n\n```\n{}\n```", it.subject.word, applies.text().trim())
                .unwrap();
        } else {
            writeln!(page, "\nApplies to every {}.", it.subject.word).unwrap();
        }
        writeln!(page, "\nViolated when\n\n```\n{}\n```", it.when.text().trim()).unwrap();
        writeln!(page, "\n{}\n\n```sh\n{}\n```\n", it.why.trim(), it.fix.text().trim()).unwrap();
        for correction in &it.corrections {
            writeln!(page, "{}", corrected(correction)).unwrap();
        }
        if !it.corrections.is_empty() {
            page.push('\n');
        }
        for reference in &it.references {
            writeln!(page, "* <{reference}>").unwrap();
        }
    }
    check("rules.md", &page);
}

/// What `--diff` writes.
fn corrected(it: &Correction) -> String {
    let code = |it: &Template| format!("`{}`", cell(it.text()));
    let place = match &it.from {
        Some(from) => code(from),
        None => format!("the place of {}", code(&it.at)),
    };
    let change = match (&it.to, &it.after) {
        (Some(to), _) => format!("{place} becomes {}", code(to)),
        (None, Some(after)) => format!("{} follows {place}", code(after)),
        (None, None) => String::new(),
    };
    let when = it.when.as_ref().map_or(String::new(), |it| format!(" when `{}`", cell(it.text())));
    format!("`--diff`: {change}{when}.\n")
}

#[test]
fn libraries() {
    let [libraries, launchers, groups] = pyhpc_audit::cli::pages().unwrap();
    let (_, known, _) = matrix::descriptions();
    let mut page =
        header("Libraries, launchers, packages", "rules/libraries, rules/launchers, rules/abi, rules/packages");
    page += "The word is the value of facts such as `blas.numpy.vendor`. \"Documented\" means that the marks come from public\n";
    page += "texts and nobody measured a file; the report then says \"likely\". `pyhpc-audit explain WORD` prints the same as\n";
    page +=
        "below with every file that was seen; [confusion.md](confusion.md) says that none is taken for another.\n\n";
    page += "## Libraries\n\n| word | library | answers | marks | samples |\n|---|---|---|---|---|\n";
    for it in known.iter() {
        let marks = if it.measured { "measured" } else { "documented" };
        let title = format!("[{}]({})", cell(&it.title), it.homepage);
        let row = (&it.word, it.capabilities.join(", "), it.seen.len());
        writeln!(page, "| [{0}](#{0}) | {title} | {1} | {marks} | {2} |", row.0, row.1, row.2).unwrap();
    }
    libraries.iter().for_each(|(word, it)| page += &described(word, it));
    page += "\n## Launchers\n";
    launchers.iter().for_each(|(word, it)| page += &described(&format!("{word} (launcher)"), it));
    page += "\n## ABI groups\n";
    groups.iter().for_each(|(word, it)| page += &described(word, it));
    page += "\n## Packages\n\n| import | package | binds | seen in |\n|---|---|---|---|\n";
    for file in builtin_files("packages") {
        let table: toml::Table = toml::from_str(&file.text).unwrap();
        let mut binds: Vec<String> = tables(&table, "binds").iter().map(|it| text(it, "capability")).collect();
        binds.dedup();
        let row = (text(&table, "import"), text(&table, "title"), binds.join(", "), places(&table));
        writeln!(page, "| {} | {} | {} | {} |", row.0, row.1, row.2, row.3).unwrap();
    }
    check("libraries.md", &page);
}

/// A page of `explain` as a part of a longer one; samples are left to the command.
fn described(word: &str, it: &Page) -> String {
    let mut out = format!("\n### {word}\n\n{}\n", it.title.split_once(": ").map_or("", |it| it.1));
    let shown = |it: &&Section| !it.body.is_empty() && it.heading != "Seen" && it.heading != "More";
    for section in it.sections.iter().filter(shown) {
        if !section.heading.is_empty() {
            write!(out, "\n{}:\n", section.heading).unwrap();
        }
        out.push('\n');
        for body in &section.body {
            match body {
                Body::Prose(text) | Body::Code(text) => writeln!(out, "{text}").unwrap(),
                Body::List(lines) => lines.iter().for_each(|it| writeln!(out, "* {}", literal(it)).unwrap()),
            }
        }
    }
    out
}

/// Patterns and names, kept from Markdown.
fn literal(line: &str) -> String {
    let line = cell(line).replace("\\|", "|");
    match line.split_once(": ") {
        Some((what, rest)) if !rest.contains('`') => format!("{what}: `{rest}`"),
        Some(_) | None => format!("`{line}`"),
    }
}

fn tables(table: &toml::Table, key: &str) -> Vec<toml::Table> {
    let list = table.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(toml::Value::as_table).cloned().collect()
}

fn text(table: &toml::Table, key: &str) -> String {
    cell(table.get(key).and_then(toml::Value::as_str).unwrap_or_default())
}

/// Where the samples of a description come from.
fn places(table: &toml::Table) -> String {
    let place = |it: &toml::Table| [text(it, "place"), text(it, "where")].concat();
    tables(table, "seen").iter().map(place).collect::<Vec<_>>().join("; ")
}

#[test]
fn facts() {
    let mut page = header("Facts", "the schema of src/facts");
    page += "What conditions of rules can name. An inferred fact carries evidence, or the gap because of which it is unknown;\n";
    page += "the others merely name a thing. [schema/facts-1.json](schema/facts-1.json) is the JSON Schema of the full model,\n";
    page += "[schema/rule.json](schema/rule.json) that of a rule file.\n";
    let mut subject = String::new();
    for it in documented_facts() {
        let first = it.path.split('.').next().unwrap();
        if first != subject {
            first.clone_into(&mut subject);
            write!(page, "\n## {subject}\n\n| fact | value | inferred | meaning |\n|---|---|---|---|\n").unwrap();
        }
        let inferred = if it.inferred { "yes" } else { "" };
        writeln!(page, "| `{}` | {} | {inferred} | {} |", it.path, cell(&it.kind), cell(&it.doc)).unwrap();
    }
    check("facts.md", &page);
}

#[test]
fn schemas() {
    check("schema/facts-1.json", &(serde_json::to_string_pretty(&schema()).unwrap() + "\n"));
    check("schema/rule.json", &(serde_json::to_string_pretty(&rule_file_schema()).unwrap() + "\n"));
}

#[test]
fn cli() {
    let mut page = header("Command line", "src/cli/args.rs");
    let mut command = pyhpc_audit::cli::command();
    // Wrapping and defaults that depend on the terminal and the environment of the test have no place in a page.
    command = command.term_width(100).color(clap::ColorChoice::Never);
    command.build();
    page += "| exit | means |\n|---|---|\n| 0 | nothing at or above `--fail-on` |\n| 1 | findings at or above `--fail-on` |\n";
    page += "| 2 | usage, configuration or rule-file error, target not there |\n";
    page += "| 3 | with `--strict`: no finding, but something could not be read or decided |\n\n";
    section(&mut page, &mut command, "pyhpc-audit");
    check("cli.md", &page);
}

fn section(page: &mut String, command: &mut clap::Command, name: &str) {
    *command = command.clone().mut_args(|it| it.hide_env_values(true));
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "## {name}\n\n```\n{}\n```\n\n", help.join("\n").trim()).unwrap();
    for it in command.get_subcommands_mut().filter(|it| it.get_name() != "help") {
        let name = format!("{name} {}", it.get_name());
        section(page, it, &name);
    }
}

#[test]
fn confusion() {
    let (_, libraries, launchers) = matrix::descriptions();
    let matrix = matrix::matrix(&libraries, &launchers);
    let mut page =
        header("What is taken for what", "the samples of rules/libraries, rules/launchers and tests/libraries");
    page += "Every sample against every description of a library or launcher at once. A sample holds the telling facts of one\n";
    page += "file; those of the traps look like something that they are not. `cargo test --test confusion` fails on any cell\n";
    page += "beside the diagonal.\n\n| whose samples | samples | taken for |\n|---|---|---|\n";
    let mut total = 0;
    for (word, found) in &matrix {
        let count: usize = found.values().sum();
        total += count;
        let cells: Vec<String> = found.iter().map(|(found, count)| format!("{found} {count}")).collect();
        writeln!(page, "| {word} | {count} | {} |", cells.join("; ")).unwrap();
    }
    writeln!(page, "| all | {total} | |").unwrap();
    page += "\n## Traps\n\n| | looks like a sign | held by |\n|---|---|---|\n";
    for it in matrix::traps().trap {
        let files: Vec<String> = it.file.iter().map(|it| cell(&it.sample.place)).collect();
        let held = it.elsewhere.unwrap_or_else(|| files.join("; "));
        writeln!(page, "| {} | {} | {held} |", it.number, cell(&it.says)).unwrap();
    }
    check("confusion.md", &page);
}

/// `docs/site.md` is written by hand: its example is a profile, and says every key that a profile can have.
#[test]
fn site_profile() {
    let page = fs::read_to_string(root().join("docs/site.md")).unwrap();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let text = example.split_once("```").unwrap().0.to_owned();
    let file = TextFile { path: "docs/site.md".to_owned(), stem: "site".to_owned(), text: text.clone() };
    Site::parse(&file).expect("the example is a profile");
    let reader = fs::read_to_string(root().join("src/site/read.rs")).unwrap();
    let is_field = |it: &&str| it.starts_with("    ") && !it.starts_with("     ") && it.ends_with(',');
    let fields =
        reader.lines().filter(is_field).filter_map(|it| it.trim().split_once(": ").filter(|(_, of)| is_read(of)));
    let is_name = |it: &&str| it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    let keys: Vec<&str> = fields.map(|it| it.0).filter(is_name).collect();
    assert!(keys.contains(&"metadata_ops_per_s") && keys.contains(&"parallel_environments"), "{keys:?}");
    for key in keys {
        let is_there = |it: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == it);
        assert!(is_there(key), "docs/site.md says nothing of {key}");
    }
}

/// Types of the fields that a profile is read into.
fn is_read(of: &str) -> bool {
    ["Said<", "Vec<Spanned", "BTreeMap<", "Vec<InstalledText", "Spanned<"].iter().any(|it| of.starts_with(it))
}
