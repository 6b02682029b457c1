//! By what each MPI of a process sends messages, and whether that serves the fabric of a site, a few lines each.

use pyhpc_audit::base::TextFile;
use pyhpc_audit::facts::{Fact, Facts};
use pyhpc_audit::site::Site;
use pyhpc_audit::survey::{Knowledge, join_fabric};

/// The lines, at a site with this fabric; at none, where no fabric is named.
pub(crate) fn lines(facts: &mut Facts, know: &Knowledge, fabric: Option<&str>) -> Vec<String> {
    let site = fabric.map(|kind| {
        let text = format!("schema = \"pyhpc-site/1\"\n[fabric]\nkind = \"{kind}\"\n");
        Site::parse(&TextFile { path: "site.toml".to_owned(), stem: "site".to_owned(), text }).unwrap()
    });
    join_fabric(facts, know, site.as_ref());
    let mut out = Vec::new();
    for it in facts.process.fabrics.value().unwrap() {
        let vendor = it.vendor.value().unwrap();
        out.push(format!("{} {vendor} {} sends by {}", it.user, list(&it.libraries), list(&it.providers)));
        out.extend(it.refused.value().into_iter().flatten().map(|it| format!("  not opened: {it}")));
        let answer = match (it.agreement.value(), it.agreement.gap()) {
            (Some(word), _) => word.clone(),
            (None, gap) => facts.gaps[gap.unwrap().0 as usize].reason.clone(),
        };
        out.push(format!("  {}: {answer}", facts.environment.fabric.value().unwrap()));
    }
    out
}

fn list(fact: &Fact<Vec<String>>) -> String {
    format!("[{}]", fact.value().unwrap().join(", "))
}
