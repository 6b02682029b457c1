//! The facts as documentation: every name that a condition can use, with what the schema says of it.

use serde_json::Value as Json;

use super::subject::Subject;

/// Deepest nesting of groups that is documented under one subject.
const DEPTH: usize = 4;

/// One fact that conditions can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentedFact {
    /// `blas.threading`, `environment.python.version`.
    pub path: String,
    /// `text`, `true or false`, `list of text`.
    pub kind: String,
    /// Whether it is inferred: such a fact can be unknown.
    pub inferred: bool,
    /// What it means.
    pub doc: String,
}

/// Every fact, by subject, in the order of the model.
pub fn documented_facts() -> Vec<DocumentedFact> {
    let schema = super::schema();
    let mut out = Vec::new();
    for subject in Subject::all() {
        let mut node = &schema;
        let mut found = true;
        for field in subject.place() {
            match node.get("properties").and_then(|it| it.get(field)) {
                Some(next) => node = element(value(resolve(&schema, next), &schema).0, &schema),
                None => found = false,
            }
        }
        if found {
            fields(&schema, node, subject.word, DEPTH, &mut out);
        }
    }
    out
}

fn fields(schema: &Json, node: &Json, path: &str, depth: usize, out: &mut Vec<DocumentedFact>) {
    let Some(properties) = node.get("properties").and_then(Json::as_object) else { return };
    for (name, field) in properties {
        let path = format!("{path}.{name}");
        let (inner, inferred) = value(resolve(schema, field), schema);
        let doc =
            field.get("description").or_else(|| inner.get("description")).and_then(Json::as_str).unwrap_or_default();
        let group = element(inner, schema);
        if group.get("properties").is_some() && inner.get("items").is_none() {
            if depth > 0 {
                fields(schema, group, &path, depth - 1, out);
            }
            continue;
        }
        let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
        out.push(DocumentedFact { path, kind: kind(inner, schema), inferred, doc });
    }
}

/// What a `$ref` stands for.
fn resolve<'s>(schema: &'s Json, node: &'s Json) -> &'s Json {
    let name = node.get("$ref").and_then(Json::as_str).and_then(|it| it.strip_prefix("#/$defs/"));
    name.and_then(|it| schema.get("$defs")?.get(it)).unwrap_or(node)
}

/// The value inside an inferred fact, and whether it is one.
fn value<'s>(node: &'s Json, schema: &'s Json) -> (&'s Json, bool) {
    if node.get("x-fact").is_none() {
        return (node, false);
    }
    let known = node.get("anyOf").and_then(|it| it.get(0)).and_then(|it| it.get("properties")?.get("value"));
    (known.map_or(node, |it| resolve(schema, it)), true)
}

/// The element of a list, else the node itself.
fn element<'s>(node: &'s Json, schema: &'s Json) -> &'s Json {
    node.get("items").map_or(node, |it| resolve(schema, it))
}

fn kind(node: &Json, schema: &Json) -> String {
    let word = |it: &str| match it {
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "array" => format!("list of {}", kind(element(node, schema), schema)),
        "object" => "group".to_owned(),
        other => other.to_owned(),
    };
    match node.get("type") {
        Some(Json::String(text)) => word(text),
        Some(Json::Array(several)) => {
            several.iter().filter_map(Json::as_str).map(word).collect::<Vec<_>>().join(" or ")
        }
        Some(_) | None => "text".to_owned(),
    }
}
