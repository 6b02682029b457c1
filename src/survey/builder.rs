//! What every part of the survey needs while it fills facts: the process, the ledger, who installed what.

use std::sync::Arc;

use super::binding::Bound;
use super::ledger::Ledger;
use super::session::Session;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::discover::Owners;
use crate::facts::{EvidenceId, Fact};
use crate::identify::{Attribute, Binds, Identity, PackageRule};
use crate::loader::{ObjectIndex, Via};

/// Links followed while a library's name is traced to its file.
const LINKS: usize = 40;

/// Where Debian's and other systems keep the links that an administrator switches.
const ALTERNATIVES: &str = "/etc/alternatives";

pub(super) struct Builder<'s, 'a> {
    pub(super) session: &'s Session<'a>,
    pub(super) ledger: &'s mut Ledger,
    pub(super) owners: &'s mut Owners<'a>,
}

impl<'a> Builder<'_, 'a> {
    /// Descriptions of imported packages that bind a capability.
    pub(super) fn binds(&self, capability: &str) -> Vec<(&'a PackageRule, &'a Binds)> {
        let know = self.session.catalogue.know;
        let installed = know.packages.iter().filter(|it| self.session.site.has_package(&it.import));
        let pairs = installed.flat_map(|rule| rule.binds.iter().map(move |binds| (rule, binds)));
        pairs.filter(|(_, binds)| binds.capability == capability).collect()
    }

    /// A list of what the process holds: complete where every import is described.
    pub(super) fn list<T>(&mut self, values: Vec<T>, because: Vec<EvidenceId>) -> Fact<Vec<T>> {
        match &self.session.untraced {
            Some(gap) => Fact::partial(values, because, self.ledger.gap(gap)),
            None => Fact::known(values, because),
        }
    }

    /// A list that may have further members when something hides them.
    pub(super) fn unless_hidden<T>(&mut self, list: Fact<Vec<T>>, hidden: Option<&Gap>) -> Fact<Vec<T>> {
        match (list, hidden) {
            (Fact::Known { value, because, incomplete: None }, Some(gap)) => {
                Fact::partial(value, because, self.ledger.gap(gap))
            }
            (list, _) => list,
        }
    }

    pub(super) fn real(&self, index: ObjectIndex) -> TreePath {
        self.session.process.objects.get(index).map_or_else(TreePath::root, |it| it.real().clone())
    }

    pub(super) fn soname(&self, index: ObjectIndex) -> Option<String> {
        let linkage = self.session.process.objects.get(index)?.object.linkage.as_ref().ok()?;
        linkage.soname.as_deref().map(printable)
    }

    /// Which extension wants which symbol, and how the provider came into the process.
    pub(super) fn binding_evidence(&mut self, bound: &Bound) -> Vec<EvidenceId> {
        let consumer = self.real(bound.consumer);
        let provider = self.real(bound.provider);
        let wants = self.ledger.note(&consumer, format!("wants {}, answered by {provider}", bound.symbol));
        let mut because = vec![wants];
        if let Some(text) = self.arrival(bound.provider) {
            because.push(self.ledger.note(&provider, text));
        }
        because
    }

    /// Whether an import fails because its package found no library to choose.
    pub(super) fn chose_nothing(&self, import: &str) -> bool {
        let package = import.split('.').next().unwrap_or(import);
        self.session.choices.iter().any(|it| it.package == package && it.picked.is_none())
    }

    /// How an object came into the process: `NEEDED libmpi.so.40 of h5p.so, found by rpath`.
    pub(super) fn arrival(&self, index: ObjectIndex) -> Option<String> {
        let loaded = self.session.process.objects.get(index)?;
        let asked = loaded.asked.first().map(|it| printable(it)).unwrap_or_default();
        let how = match loaded.via {
            Via::Rpath { owner } if loaded.needed_by == Some(owner) => "found by its RPATH".to_owned(),
            Via::Rpath { owner } => format!("found by RPATH of {}", self.real(owner)),
            Via::LdLibraryPath => "found by LD_LIBRARY_PATH".to_owned(),
            Via::Runpath => "found by its RUNPATH".to_owned(),
            Via::Cache => "found in the loader cache".to_owned(),
            Via::Default => "found in a default directory".to_owned(),
            Via::Absolute => "named by path".to_owned(),
            Via::Preload => "preloaded".to_owned(),
            Via::Dlopen => "opened by path".to_owned(),
            Via::Executable => "the executable".to_owned(),
        };
        Some(match loaded.needed_by {
            Some(by) => format!("NEEDED {asked} of {}, {how}", self.real(by)),
            None => format!("{asked}: {how}"),
        })
    }

    /// Who put a file there.
    pub(super) fn installer(&mut self, path: &TreePath) -> Fact<String> {
        let mut gaps = Vec::new();
        let provenance = self.owners.of(path, &mut gaps);
        if let (Some(gap), "unrecorded") = (gaps.first(), provenance.manager.word()) {
            return Fact::unknown(self.ledger.gap(gap));
        }
        let word = provenance.manager.word().to_owned();
        let because = self.ledger.shown(&provenance.because);
        Fact::known(word, vec![because])
    }

    pub(super) fn attribute(&mut self, path: &TreePath, identity: &Identity, attribute: Attribute) -> Fact<String> {
        self.ledger.answer(path, identity.answers.get(&attribute), &format!("its {}", attribute.word()))
    }

    /// The identity of a library with what its other layers say: those that it opens at run time, or that one opened with it.
    pub(super) fn completed(&self, kernels: ObjectIndex, identity: &Arc<Identity>) -> Identity {
        let mut whole = Identity::clone(identity);
        let owner = self.session.parts.iter().find(|(_, part)| *part == kernels).map_or(kernels, |(owner, _)| *owner);
        for part in std::iter::once(owner).chain(self.parts_of(owner)).filter(|it| *it != kernels) {
            let Some(loaded) = self.session.process.objects.get(part) else { continue };
            if let Some(part) = self.session.catalogue.part(&loaded.object) {
                whole.complete_with(&part);
            }
        }
        whole
    }

    /// Objects that another opened at run time.
    pub(super) fn parts_of(&self, whole: ObjectIndex) -> Vec<ObjectIndex> {
        self.session.parts.iter().filter(|(owner, _)| *owner == whole).map(|(_, part)| *part).collect()
    }

    pub(super) fn missing_parts(&self, whole: ObjectIndex) -> Vec<String> {
        self.session.missing_parts.iter().filter(|(owner, _)| *owner == whole).map(|(_, name)| name.clone()).collect()
    }

    /// Links of the alternatives system between the name that was asked for and the file.
    pub(super) fn link_choice(&self, bound: &Bound) -> Vec<String> {
        let Some(loaded) = self.session.process.objects.get(bound.provider) else { return Vec::new() };
        let view = self.session.catalogue.objects.view();
        let mut at = TreePath::new(&loaded.name);
        for _ in 0..LINKS {
            let Ok(target) = view.read_link(&at) else { return Vec::new() };
            let next = if target.first() == Some(&b'/') {
                TreePath::new(&target)
            } else {
                at.parent().unwrap_or_else(TreePath::root).join(&target)
            };
            if next.is_below(&TreePath::new(ALTERNATIVES)) {
                return vec![next.text()];
            }
            at = next;
        }
        Vec::new()
    }

    /// The object that names another as NEEDED, or that opened it at run time; itself where it was opened by an import.
    pub(super) fn brought_by(&self, index: ObjectIndex) -> Option<ObjectIndex> {
        let needed_by = self.session.process.objects.get(index)?.needed_by;
        let opener = || self.session.parts.iter().find(|(_, part)| *part == index).map(|(owner, _)| *owner);
        Some(needed_by.or_else(opener).unwrap_or(index))
    }

    /// The extension whose import brought an object in.
    pub(super) fn root_of(&self, index: ObjectIndex) -> Option<TreePath> {
        let root = self.session.process.objects.get(index)?.scope_root;
        Some(TreePath::new(&self.session.process.objects.get(root)?.name))
    }

    /// The import name of the package that a file lies in.
    pub(super) fn package_of(&self, path: &TreePath) -> Option<String> {
        self.session.site.package_of(path)
    }

    /// An unknown fact with a reason that no single file explains.
    pub(super) fn undecided<T>(&mut self, stage: Stage, reason: &str, hides: &str) -> Fact<T> {
        Fact::unknown(self.ledger.gap(&Gap::new(&TreePath::root(), stage, reason, hides)))
    }
}
