//! Facts as they may stand in commands that people paste.
//!
//! Names come from the audited system, which may be hostile: a soname `$(rm -rf ~)` is legal. A character that a shell
//! takes apart is written `?`, which a shell reads as any one character: the path of a file still finds the file.

use serde_json::{Map, Value as Json};

/// What a shell takes apart outside or inside double quotes. A blank only makes two words.
const TAKEN_APART: [char; 12] = ['$', '`', '"', '\'', '\\', ';', '&', '|', '<', '>', '!', '\n'];

/// The same facts with every text in them made harmless.
pub(super) fn harmless(facts: &Map<String, Json>) -> Map<String, Json> {
    facts.iter().map(|(name, value)| (name.clone(), harmless_value(value))).collect()
}

/// The same value with every text in it made harmless.
pub(super) fn harmless_value(value: &Json) -> Json {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
        Json::String(text) => Json::String(text.chars().map(harmless_letter).collect()),
        Json::Array(list) => Json::Array(list.iter().map(harmless_value).collect()),
        Json::Object(record) => Json::Object(harmless(record)),
    }
}

fn harmless_letter(letter: char) -> char {
    if TAKEN_APART.contains(&letter) || letter.is_control() { '?' } else { letter }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hostile_name_runs_nothing() {
        let facts = json!({"need": {"soname": "$(rm -rf ~);`id`", "also": ["a'b"]}, "n": 1});
        let expected = json!({"need": {"soname": "?(rm -rf ~)??id?", "also": ["a?b"]}, "n": 1});
        assert_eq!(harmless_value(&facts), expected);
    }
}
