//! What the loader decides in a process, a line per fact.

use pyhpc_audit::facts::{Fact, Process};

/// Bindings, captures, undefined symbols, effects of another order, fatal hits, cut RPATHs, CPU variants.
pub(crate) fn lines(process: &Process) -> Vec<String> {
    let mut out = Vec::new();
    for it in list(&process.bindings) {
        let instead = optional(&it.instead_of).map_or_else(String::new, |it| format!(", not {it}"));
        let by = if it.opened_by.is_empty() { String::new() } else { format!(" by {}", short(&it.opened_by)) };
        let provider = optional(&it.provider).unwrap_or_else(|| "nobody".to_owned());
        let object = short(&it.object);
        out.push(format!(
            "{} of {object} from {provider} ({} {}{by}{instead})",
            it.symbol,
            said(&it.scope),
            said(&it.how)
        ));
    }
    for it in list(&process.captures) {
        let pair = format!("{} for {}", it.provider, it.instead_of);
        out.push(format!("capture {} {pair}, {}", it.capabilities.join(" "), said(&it.how)));
    }
    for it in list(&process.undefined_symbols) {
        let by = optional(&it.defined_by).map_or_else(String::new, |it| format!(", defined by {it}"));
        let symbols = [vec![said(&it.symbol)], it.also.clone()].concat().join(" ");
        out.push(format!("undefined {symbols} in {}{by}, fails {}", short(&it.object), known(&it.fails_import)));
    }
    for it in list(&process.order_effects) {
        let (here, there) = (said(&it.here), said(&it.there));
        out.push(format!("{} {}: {here}; {there} in the order {}", it.kind, it.name, it.other_order.join(" ")));
    }
    for it in list(&process.fatal_hits) {
        out.push(format!("fatal {}: {}, fails {}", it.path, said(&it.reason), known(&it.fails_import)));
    }
    for it in list(&process.cut_rpaths) {
        let used = optional(&it.used).unwrap_or_else(|| "nothing".to_owned());
        out.push(format!("cut {} of {}: {used}, not {}", it.soname, short(&it.object), it.file));
    }
    for it in list(&process.cpu_variants) {
        out.push(format!("cpu {}: {}; {} on {}", it.soname, it.used, it.other, it.cpu));
    }
    out
}

fn list<T>(fact: &Fact<Vec<T>>) -> impl Iterator<Item = &T> {
    fact.value().into_iter().flatten()
}

fn said(fact: &Fact<String>) -> String {
    fact.value().cloned().unwrap_or_else(|| "unknown".to_owned())
}

fn optional(fact: &Fact<Option<String>>) -> Option<String> {
    fact.value().cloned().unwrap_or_else(|| Some("unknown".to_owned()))
}

fn known(fact: &Fact<bool>) -> String {
    fact.value().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
