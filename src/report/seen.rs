//! A file as a `[[seen]]` block, to be pasted into its description; or as JSON, for a script that goes through many.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::facts::Gap;

/// The `schema` of the JSON.
const SCHEMA: &str = "pyhpc-seen/1";

/// Longest line of a list, in columns.
const COLUMNS: usize = 120;

/// One file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeenFile {
    /// The real path.
    pub path: String,
    /// Its machine as `uname -m` names it, empty for a script.
    pub machine: String,
    /// Word of the library description that recognises it.
    pub library: Option<String>,
    /// Word of the launcher description that recognises it.
    pub launcher: Option<String>,
    /// Whether that rests on what was measured on files, not on names or texts alone.
    pub certain: bool,
    /// The block.
    pub seen: SeenBlock,
    /// Whether the block alone is taken for the same as the file.
    pub faithful: bool,
    /// What could not be said.
    pub gaps: Vec<Gap>,
}

/// The keys of a `[[seen]]` block; what is empty is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeenBlock {
    /// Where the file comes from.
    #[serde(rename = "where")]
    pub place: String,
    /// Name of the real file.
    pub file: String,
    /// Whether it is a script.
    #[serde(skip_serializing_if = "is_false")]
    pub script: bool,
    /// DT_SONAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soname: Option<String>,
    /// DT_NEEDED.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
    /// Telling symbols that it defines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defines: Vec<String>,
    /// Telling symbols that it wants strongly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<String>,
    /// Telling symbols that it wants weakly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Text that data symbols name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, String>,
    /// Telling text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// What it answers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, String>,
    /// What it opens at run time with nothing set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opens: Vec<String>,
    /// Transports that are built into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(it: &bool) -> bool {
    !it
}

/// The blocks in TOML, each below a comment that names the description that recognises the file.
pub fn seen_toml(files: &[SeenFile]) -> String {
    files.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// The blocks in JSON.
pub fn seen_json(files: &[SeenFile]) -> String {
    let document = serde_json::json!({ "schema": SCHEMA, "files": files });
    format!("{document:#}\n")
}

fn block(file: &SeenFile) -> String {
    let mut out = String::new();
    for line in comments(file) {
        line_of(&mut out, &format!("# {line}"));
    }
    let it = &file.seen;
    line_of(&mut out, "[[seen]]");
    let hint = if it.place.is_empty() {
        "  # such as \"PACKAGE VERSION wheel MACHINE\" or \"Debian 12 PACKAGE MACHINE\""
    } else {
        ""
    };
    line_of(&mut out, &format!("where = {}{hint}", quoted(&it.place)));
    line_of(&mut out, &format!("file = {}", quoted(&it.file)));
    if it.script {
        line_of(&mut out, "script = true");
    }
    if let Some(soname) = &it.soname {
        line_of(&mut out, &format!("soname = {}", quoted(soname)));
    }
    list(&mut out, "needed", &it.needed);
    list(&mut out, "defines", &it.defines);
    list(&mut out, "wants", &it.wants);
    list(&mut out, "mentions", &it.mentions);
    table(&mut out, "objects", &it.objects);
    list(&mut out, "text", &it.text);
    table(&mut out, "expect", &it.expect);
    list(&mut out, "opens", &it.opens);
    list(&mut out, "offers", &it.offers);
    out
}

fn comments(file: &SeenFile) -> Vec<String> {
    let sure = if file.certain { "" } else { " (likely: its marks were not measured, or are names alone)" };
    let mut lines = vec![match (&file.library, &file.launcher) {
        (Some(word), _) => format!("library: {word}{sure}"),
        (None, Some(word)) => format!("launcher: {word}{sure}"),
        (None, None) => "nothing recognises it".to_owned(),
    }];
    if !file.faithful {
        lines.push(
            "the block alone is not taken for the same: a description asks for more than a block holds".to_owned(),
        );
    }
    lines.extend(file.gaps.iter().map(|it| format!("{}: hides {}", it.reason, it.hides)));
    lines.iter().map(|it| it.replace(char::is_control, " ")).collect()
}

fn line_of(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// On one line where it fits, else filled below its key.
fn list(out: &mut String, key: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    let quoted: Vec<String> = values.iter().map(|it| quoted(it)).collect();
    let short = format!("{key} = [{}]", quoted.join(", "));
    if short.chars().count() <= COLUMNS {
        return line_of(out, &short);
    }
    line_of(out, &format!("{key} = ["));
    let mut line = String::from("   ");
    for it in quoted {
        if COLUMNS < line.chars().count() + it.chars().count() + 2 && !line.trim().is_empty() {
            line_of(out, &line);
            line = String::from("   ");
        }
        line.push_str(&format!(" {it},"));
    }
    line_of(out, &line);
    line_of(out, "]");
}

fn table(out: &mut String, key: &str, values: &BTreeMap<String, String>) {
    if !values.is_empty() {
        let pairs: Vec<String> = values.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
        line_of(out, &format!("{key} = {{ {} }}", pairs.join(", ")));
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for it in text.chars() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            it if it.is_control() => write!(out, "\\u{:04X}", u32::from(it)).unwrap_or_default(),
            it => out.push(it),
        }
    }
    out.push('"');
    out
}
