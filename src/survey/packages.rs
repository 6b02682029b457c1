//! Facts about installed packages.

use super::builder::Builder;
use super::macos;
use crate::base::{Gap, Stage, TreePath};
use crate::discover::{Answer, ExtensionFile, Installed};
use crate::facts::{Fact, GapId, Package};

/// Bytes of extensions that are searched per package for the marks of its C interface.
const SEARCH_BYTES: u64 = 4 << 20;

impl Builder<'_, '_> {
    /// One entry per copy, in the order of `sys.path`.
    pub(super) fn package_facts(&mut self, imports: &[String]) -> Fact<Vec<Package>> {
        let site = self.session.site;
        let numpy_major = self.array_major();
        let list = site.packages.iter().map(|it| self.package_fact(it, imports, &numpy_major)).collect();
        Fact::known(list, Vec::new())
    }

    fn package_fact(&mut self, it: &Installed, imports: &[String], numpy_major: &Fact<String>) -> Package {
        let audited = self.session.catalogue.know.packages.of_import(&it.name).is_some();
        let at = it.location.clone();
        let because = vec![self.ledger.note(&at, format!("found by import {}", it.name))];
        let installer = vec![self.ledger.shown(&it.installer.because)];
        let mut managers: Vec<String> = it.managers.iter().map(|it| it.manager.word().to_owned()).collect();
        managers.sort();
        managers.dedup();
        let manager_ids = it.managers.iter().map(|it| self.ledger.shown(&it.because)).collect();
        let mut versions: Vec<String> = it.recorded_versions.iter().map(|it| it.version.clone()).collect();
        versions.sort();
        versions.dedup();
        let version_ids = it.recorded_versions.iter().map(|it| self.ledger.shown(&it.because)).collect();
        let editable = match &it.editable {
            Some(shown) => Fact::known(true, vec![self.ledger.shown(shown)]),
            None => Fact::known(false, because.clone()),
        };
        let (source, build, build_options, local_build) = self.origin(it);
        Package {
            name: it.name.clone(),
            distribution: it.distribution.clone(),
            version: self.ledger.answered(&it.version, &at, "its version", Clone::clone),
            location: at.text(),
            origin: it.origin.word().to_owned(),
            audited,
            active: it.active,
            imported: it.active && imports.iter().any(|import| import.split('.').next() == Some(&it.name)),
            copies: Fact::known(it.copies.iter().map(TreePath::text).collect(), because),
            installer: Fact::known(it.installer.manager.word().to_owned(), installer),
            managers: Fact::known(managers, manager_ids),
            recorded_versions: Fact::known(versions, version_ids),
            editable,
            source,
            build,
            build_options,
            local_build,
            numpy_api: self.array_interface(it, numpy_major),
            numpy_major: numpy_major.clone(),
        }
    }

    /// What it was installed from, its build in the words of who installed it, what was chosen for that build, and whether
    /// it was built at this site.
    fn origin(&mut self, it: &Installed) -> (Fact<String>, Fact<String>, Fact<Vec<String>>, Fact<bool>) {
        let manager = &it.installer.manager;
        let mut because = vec![self.ledger.shown(&it.installer.because)];
        because.extend(it.source.as_ref().map(|(_, shown)| self.ledger.shown(shown)));
        because.extend(it.tags.as_ref().map(|(_, shown)| self.ledger.shown(shown)));
        let source = match (manager.installs_from_elsewhere(), it.source_kind) {
            (false, _) => "manager",
            (true, Some(kind)) => kind.word(),
            (true, None) => "unrecorded",
        };
        let tags = it.tags.as_ref().map(|(tags, _)| tags.as_slice()).unwrap_or_default();
        let of_sources = ["directory", "link", "repository"].contains(&source);
        let tagged = manager.installs_from_elsewhere() && tags.iter().any(|it| is_local_tag(it));
        let local = of_sources || tagged || manager.builds_at_the_site();
        let build = if it.installer.build.is_empty() { tags.join(", ") } else { it.installer.build.clone() };
        (
            Fact::known(source.to_owned(), because.clone()),
            Fact::known(build, because.clone()),
            Fact::known(it.installer.options.clone(), because.clone()),
            Fact::known(local, because),
        )
    }

    /// Major version of the array package whose C interface others are compiled against.
    fn array_major(&mut self) -> Fact<String> {
        let know = self.session.catalogue.know;
        let Some(rule) = know.packages.iter().find(|it| it.c_interface.is_some()) else {
            return Fact::known("none".to_owned(), Vec::new());
        };
        let package = self.session.site.packages.iter().find(|it| it.active && it.name == rule.import);
        match package.map(|it| (&it.version, &it.location)) {
            Some((Answer::Known { value, because }, _)) => {
                let because = because.iter().map(|it| self.ledger.shown(it)).collect();
                Fact::known(value.split('.').next().unwrap_or_default().to_owned(), because)
            }
            Some((Answer::Unknown { reason }, at)) => {
                let gap = Gap::new(at, Stage::Discover, reason.clone(), "which C interface it offers");
                Fact::unknown(self.ledger.gap(&gap))
            }
            None => Fact::known("none".to_owned(), Vec::new()),
        }
    }

    /// The C interface that the extensions of a package were compiled against: the module that they import by name.
    /// Only asked where it can matter, and of small extensions first: one of them tells.
    fn array_interface(&mut self, it: &Installed, major: &Fact<String>) -> Fact<String> {
        let know = self.session.catalogue.know;
        let rule = know.packages.iter().find(|it| it.c_interface.is_some());
        let Some((rule, interface)) = rule.and_then(|rule| Some((rule, rule.c_interface.as_ref()?))) else {
            return Fact::known("none".to_owned(), Vec::new());
        };
        let matters = major.value().is_some_and(|it| interface.since_major.contains(it));
        if !it.active || it.name == rule.import || !matters {
            return Fact::known("none".to_owned(), Vec::new());
        }
        let store = self.session.catalogue.objects;
        let view = store.view();
        let mut budget = SEARCH_BYTES;
        let mut first_gap: Option<GapId> = None;
        let mut files: Vec<(u64, &ExtensionFile)> = Vec::new();
        for file in self.session.site.files.iter().filter(|file| file.package == it.name && file.dangling.is_none()) {
            if let Ok(metadata) = view.metadata(file.path.as_bytes()) {
                files.push((metadata.size_bytes, file));
            }
        }
        files.sort_by(|a, b| (a.0, &a.1.path).cmp(&(b.0, &b.1.path)));
        for (size, file) in files {
            if budget < size {
                break;
            }
            budget -= size;
            let opened = view.open(file.path.as_bytes()).map_err(|error| error.to_string());
            let patterns = [interface.new.clone(), interface.old.clone()];
            let found = opened.and_then(|open| macos::search_text(open, &patterns));
            match found {
                Ok(matches) => {
                    let hit = matches.iter().min_by_key(|it| it.pattern);
                    if let Some(hit) = hit {
                        let word = if hit.pattern == 0 { "2" } else { "1" };
                        let name = if hit.pattern == 0 { interface.new.as_str() } else { interface.old.as_str() };
                        let id = self.ledger.keep(crate::facts::Evidence {
                            path: file.path.text(),
                            offset: Some(hit.offset_bytes),
                            text: format!("imports {}", name.replace('\\', "")),
                            ..crate::facts::Evidence::default()
                        });
                        return Fact::known(word.to_owned(), vec![id]);
                    }
                }
                Err(reason) => {
                    let gap = Gap::new(&file.path, Stage::Elf, reason, "the C interface that it was compiled against");
                    first_gap.get_or_insert(self.ledger.gap(&gap));
                }
            }
        }
        first_gap.map_or_else(|| Fact::known("none".to_owned(), Vec::new()), Fact::unknown)
    }
}

/// Wheels for many systems say which (`manylinux_2_28_x86_64`); what a compiler at the site made says `linux_x86_64`.
fn is_local_tag(tag: &str) -> bool {
    tag.split('-').nth(2).is_some_and(|it| it.split('.').any(|platform| platform.starts_with("linux_")))
}
