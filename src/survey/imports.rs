//! Imports of the process that cannot work, and why.

use super::builder::Builder;
use super::session::Failed;
use crate::base::TreePath;
use crate::facts::{EvidenceId, Fact, ImportFailure, Package};
use crate::loader::Failure;

/// Imports that were asked for, or that one of these needs, and that cannot work.
pub(super) fn failures(
    builder: &mut Builder<'_, '_>,
    imports: &[String],
    packages: &Fact<Vec<Package>>,
) -> Fact<Vec<ImportFailure>> {
    let mut list = Vec::new();
    for failed in builder.session.failures.clone() {
        let at = failed.extension.clone().unwrap_or_else(TreePath::root);
        let id = builder.ledger.note(&at, failed.reason.clone());
        let cause = cause(builder, &failed);
        let object = failed.extension.map(|it| it.text()).unwrap_or_default();
        let mut it = failure(&failed.import, object, failed.reason, cause, vec![id]);
        if let Some(Failure::Missing(missing)) = &failed.failure
            && let Some(gap) = builder.closed(missing)
        {
            let gap = builder.ledger.gap(&gap);
            (it.reason, it.cause) = (Fact::unknown(gap), Fact::unknown(gap));
        }
        list.push(it);
    }
    for import in imports {
        if !list.iter().any(|it| it.name == *import) {
            list.extend(incompatible(builder, import, packages));
        }
    }
    for it in &mut list {
        let package = it.name.split('.').next().unwrap_or(&it.name);
        it.distribution = builder.session.site.distribution(package);
    }
    Fact::known(list, Vec::new())
}

fn cause(builder: &Builder<'_, '_>, failed: &Failed) -> &'static str {
    match &failed.failure {
        Some(Failure::Missing(_)) => "missing-library",
        Some(Failure::Unusable { .. }) => "broken-file",
        Some(Failure::Version(_)) => "missing-version",
        Some(Failure::Undefined(_)) => "undefined-symbol",
        Some(Failure::TooMany) => "other",
        None if failed.nothing_found => "no-such-module",
        None if builder.chose_nothing(&failed.import) => "missing-library",
        None => "other",
    }
}

/// The loader maps an extension that was compiled against an older C interface; its initialisation then refuses. What
/// requires such a package fails with it.
fn incompatible(builder: &Builder<'_, '_>, import: &str, packages: &Fact<Vec<Package>>) -> Option<ImportFailure> {
    let know = builder.session.catalogue.know;
    let rule = know.packages.iter().find(|it| it.c_interface.is_some())?;
    let interface = rule.c_interface.as_ref()?;
    let top = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let refuses = |name: &str| {
        let package = packages.value()?.iter().find(|it| it.active && it.name == name)?;
        let compiled = package.numpy_api.value()?;
        let too_old = compiled != "none" && !interface.since_major.contains(compiled);
        too_old.then(|| package.numpy_api.because().to_vec())
    };
    let own = top(import);
    if let Some(because) = refuses(&own) {
        let reason = format!("it is compiled against an older C interface of {}", rule.import);
        return Some(failure(import, String::new(), reason, "incompatible", because));
    }
    let requires = know.packages.of_import(import).map(|it| it.requires.as_slice()).unwrap_or_default();
    let (other, because) = requires.iter().find_map(|it| Some((it, refuses(&top(it))?)))?;
    Some(failure(import, String::new(), format!("it imports {other}, which fails"), "incompatible", because))
}

fn failure(name: &str, object: String, reason: String, cause: &str, because: Vec<EvidenceId>) -> ImportFailure {
    ImportFailure {
        name: name.to_owned(),
        distribution: String::new(),
        object,
        reason: Fact::known(reason, because.clone()),
        cause: Fact::known(cause.to_owned(), because),
    }
}
