//! Who put the files of a process there, what they demand, and what builds recorded, a line per fact.

use pyhpc_audit::facts::{Fact, Facts};

/// Build claims, demands of glibc, files of the process that demand something, variables of the activation.
pub(crate) fn lines(facts: &Facts) -> Vec<String> {
    let process = &facts.process;
    let mut out = Vec::new();
    for it in list(&process.build_claims) {
        let version = if said(&it.version).is_empty() { String::new() } else { format!(" {}", said(&it.version)) };
        let claim = format!("{} as {}{version} {}", said(&it.name), said(&it.library), said(&it.interface));
        let threads = said(&it.max_threads);
        let linked = said(&it.linked);
        out.push(format!(
            "claim {} {}: {claim} {threads}: {linked} answers: {}",
            it.package,
            it.capability,
            said(&it.agreement)
        ));
    }
    for it in list(&process.libc_needs) {
        let (version, symbol) = (said(&it.version), said(&it.symbol));
        out.push(format!("glibc {} {version} {symbol} {} {:?}", it.name, said(&it.agreement), it.also));
    }
    for it in list(&process.runtime_needs) {
        let systems = list(&it.systems).join(", ");
        out.push(format!(
            "runtime {}: {} {} by {} [{systems}]",
            it.title,
            said(&it.version),
            said(&it.release),
            it.object
        ));
    }
    for it in list(&process.mapped).iter().filter(|it| it.isa.value().is_some_and(|isa| isa != "unsaid")) {
        out.push(format!("isa {} {}: {}", it.path, said(&it.isa), said(&it.isa_agreement)));
    }
    for it in list(&process.mapped).iter().filter(|it| it.owner.value().is_some_and(|owner| !owner.is_empty())) {
        let owner = format!("{} {} {}", said(&it.installed_by), said(&it.owner), said(&it.owner_version));
        let owner = format!("{} {}", owner.trim_end(), said(&it.owner_channel));
        out.push(format!("owner of {}: {}", it.path, owner.trim_end()));
    }
    out.push(format!(
        "needs {:?} {:?}",
        process.libc_needed.value().cloned().flatten(),
        incomplete(&process.libc_needs)
    ));
    for it in list(&facts.environment.activation) {
        out.push(format!("activation {}={} {:?}", it.name, said(&it.value), it.set.value()));
    }
    out
}

fn list<T>(fact: &Fact<Vec<T>>) -> &[T] {
    fact.value().map_or(&[], Vec::as_slice)
}

fn said(fact: &Fact<String>) -> String {
    fact.value().cloned().unwrap_or_else(|| "unknown".to_owned())
}

fn incomplete<T>(fact: &Fact<Vec<T>>) -> &'static str {
    if fact.gap().is_some() { "and perhaps more" } else { "complete" }
}
