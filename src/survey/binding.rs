//! Which library answers a package: from the symbols that its extensions want to the file with the kernels.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::session::Session;
use crate::base::{Gap, Stage, TreePath, printable};
use crate::identify::{Binds, Capability, Group, Identity, PackageRule};
use crate::loader::ObjectIndex;

/// What answers one capability of one package.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// The extension of the package.
    pub(super) extension: ObjectIndex,
    /// The object whose symbols were followed: the extension, or a library between.
    pub(super) consumer: ObjectIndex,
    /// A symbol that it wants, as spelt.
    pub(super) symbol: String,
    /// The integer interface that the spelling says.
    pub(super) interface: Option<String>,
    /// The object that defines the symbol.
    pub(super) provider: ObjectIndex,
    /// The object with the kernels and what it is; `None` when nobody knows it.
    pub(super) kernels: Option<(ObjectIndex, Arc<Identity>)>,
}

/// What the extensions of a package say about a capability.
#[derive(Debug, Clone)]
pub(super) enum Answered {
    /// This library answers.
    By(Box<Bound>),
    /// The extensions are in the process and want nothing of the kind.
    Nothing {
        /// One of them.
        extension: ObjectIndex,
    },
    /// The extensions are not in the process: the import fails or was not asked for.
    NotLoaded,
    /// Something on the way could not be read.
    Unknown(Gap),
}

impl Session<'_> {
    /// What answers `binds` of a package in this process.
    pub(super) fn bound(&self, rule: &PackageRule, binds: &Binds) -> Answered {
        let extensions = self.loaded_extensions(rule, &binds.extensions);
        let Some(first) = extensions.first().copied() else { return Answered::NotLoaded };
        let Some((capability, group)) = self.group(&binds.capability) else {
            return Answered::Nothing { extension: first };
        };
        let mut tally: BTreeMap<ObjectIndex, (usize, Bound)> = BTreeMap::new();
        let mut unreadable = None;
        for extension in extensions {
            match self.bound_extension(extension, capability, group, binds.through_libraries) {
                Ok(bounds) => {
                    for bound in bounds {
                        tally.entry(bound.provider).or_insert((0, bound)).0 += 1;
                    }
                }
                Err(gap) => unreadable = Some(gap),
            }
        }
        // Most symbols win; the one that was loaded first breaks a tie.
        let best = tally.into_iter().max_by_key(|(provider, (count, _))| (*count, std::cmp::Reverse(*provider)));
        match (best, unreadable) {
            (Some((_, (_, bound))), _) => Answered::By(Box::new(bound)),
            (None, Some(gap)) => Answered::Unknown(gap),
            (None, None) => Answered::Nothing { extension: first },
        }
    }

    /// What answers a capability for a library by itself.
    pub(super) fn bound_library(&self, library: ObjectIndex, word: &str) -> Result<Option<Bound>, Gap> {
        let Some((capability, group)) = self.group(word) else { return Ok(None) };
        let bounds = self.bound_object(library, library, capability, group)?;
        Ok(bounds.into_iter().find(|it| it.provider != library))
    }

    /// Extensions of a package that the process holds and that match `globs`.
    pub(super) fn loaded_extensions(&self, rule: &PackageRule, globs: &[String]) -> Vec<ObjectIndex> {
        let paths = self.site.matching(&rule.import, globs);
        let index = |path: TreePath| self.process.objects.iter().position(|it| it.name == path.as_bytes());
        paths.into_iter().filter_map(index).collect()
    }

    /// The object behind a provider: itself, what it forwards to, or what it opened to answer in its place.
    pub(super) fn behind(&self, provider: ObjectIndex, capability: &str) -> Option<(ObjectIndex, Arc<Identity>)> {
        let front = self.catalogue.kernels(&self.process, provider, capability)?;
        let dispatches = self.catalogue.know.libraries.get(&front.1.library).is_some_and(|it| it.dispatches);
        if !dispatches {
            return Some(front);
        }
        let opened = self.parts.iter().filter(|(owner, _)| *owner == front.0);
        let mut backends = opened.filter_map(|(_, part)| self.catalogue.kernels(&self.process, *part, capability));
        backends.next().or(Some(front))
    }

    /// The capability and symbol group that a word of a package description stands for.
    pub(super) fn group(&self, word: &str) -> Option<(&Capability, &Group)> {
        let all = &self.catalogue.know.capabilities;
        let whole = all.get(word).and_then(|it| Some((it, it.groups.first()?)));
        whole.or_else(|| all.iter().find_map(|it| Some((it, it.group(word)?))))
    }

    fn bound_extension(
        &self,
        extension: ObjectIndex,
        capability: &Capability,
        group: &Group,
        through: bool,
    ) -> Result<Vec<Bound>, Gap> {
        let own = self.bound_object(extension, extension, capability, group)?;
        if !own.is_empty() || !through {
            return Ok(own);
        }
        for library in self.process.scope(extension).into_iter().skip(1) {
            let bounds = self.bound_object(extension, library, capability, group)?;
            if !bounds.is_empty() {
                return Ok(bounds);
            }
        }
        Ok(Vec::new())
    }

    fn bound_object(
        &self,
        extension: ObjectIndex,
        consumer: ObjectIndex,
        capability: &Capability,
        group: &Group,
    ) -> Result<Vec<Bound>, Gap> {
        let Some(loaded) = self.process.objects.get(consumer) else { return Ok(Vec::new()) };
        let hides = format!("which {} answers", capability.title);
        let unreadable = |reason: String| Gap::new(loaded.real(), Stage::Elf, reason, hides.clone());
        let symbols = self.catalogue.objects.symbols(&loaded.object).map_err(|it| unreadable(it.to_string()))?;
        let wanted = symbols.wanted().map_err(|it| unreadable(it.to_string()))?;
        let mut bounds = Vec::new();
        for used in group.used_in(&wanted) {
            let mut failed = Vec::new();
            let answer = self.process.binding(consumer, &used.symbol, &mut failed);
            if let Some((index, error)) = failed.into_iter().next() {
                let path = self.process.objects.get(index).map_or_else(TreePath::root, |it| it.real().clone());
                return Err(Gap::new(&path, Stage::Elf, error.to_string(), hides));
            }
            let Some((provider, _)) = answer else { continue };
            let kernels = self.behind(provider, &capability.word);
            let symbol = printable(&used.symbol);
            bounds.push(Bound { extension, consumer, symbol, interface: used.interface, provider, kernels });
        }
        if bounds.is_empty() && self.catalogue.defines(&loaded.object, group) {
            // A copy inside the object itself.
            let kernels = self.catalogue.identity(&loaded.object).map(|it| (consumer, it));
            let symbol = group.name.clone();
            if consumer == extension {
                bounds.push(Bound { extension, consumer, symbol, interface: None, provider: consumer, kernels });
            }
        }
        Ok(bounds)
    }
}
