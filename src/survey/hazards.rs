//! Places where a search of the loader ends otherwise than somebody meant: at a file that is no library, past an RPATH
//! that does not count, in a directory for another CPU.

use super::builder::Builder;
use super::session::{Failed, Session};
use super::world::World;
use crate::base::{TreePath, printable};
use crate::facts::{CpuVariant, CutRpath, Fact, FatalHit};
use crate::loader::{CpuLevel, Failure, Loaded, ObjectIndex, Process};

/// Levels of x86-64, as people write them.
const CPUS: [(&str, CpuLevel); 4] = [
    ("x86-64", CpuLevel::Baseline),
    ("x86-64-v2", CpuLevel::X86V2),
    ("x86-64-v3", CpuLevel::X86V3),
    ("x86-64-v4", CpuLevel::X86V4),
];

/// Directories below a directory of libraries that hold variants for newer CPUs.
const VARIANTS: &[u8] = b"glibc-hwcaps";

impl Builder<'_, '_> {
    /// Files that the loader finds first, cannot use and does not pass over. One entry speaks for all extensions of a file.
    pub(super) fn fatal_hits(&mut self, alone: &[(TreePath, Process<'_>)]) -> Fact<Vec<FatalHit>> {
        let mut list: Vec<FatalHit> = Vec::new();
        let failed: Vec<Failed> = self.session.failures.clone();
        for it in &failed {
            if let (Some(extension), Some(failure)) = (&it.extension, &it.failure) {
                self.fatal_hit(extension, failure, true, &mut list);
            }
        }
        for (extension, process) in alone {
            // What works in the process is answered by what is there already.
            if self.session.process.objects.iter().any(|it| it.name == extension.as_bytes()) {
                continue;
            }
            for failure in &process.start_failures {
                self.fatal_hit(extension, failure, false, &mut list);
            }
        }
        Fact::known(list, Vec::new())
    }

    fn fatal_hit(&mut self, extension: &TreePath, failure: &Failure, fails_import: bool, list: &mut Vec<FatalHit>) {
        let Failure::Unusable { path, needed_by, reason } = failure else { return };
        // The extension itself is an object with a state of its own.
        if needed_by.is_empty() || *path == extension.as_bytes() {
            return;
        }
        let view = self.session.catalogue.objects.view();
        let real = view.resolve(path).unwrap_or_else(|_| TreePath::new(path));
        let text = real.text();
        if let Some(known) = list.iter_mut().find(|it| it.path == text) {
            let new = known.extension != extension.text() && !known.also.contains(&extension.text());
            if new {
                known.also.push(extension.text());
                known.also.sort();
            }
            return;
        }
        let id = self.ledger.note(&real, reason.clone());
        let by = TreePath::new(needed_by);
        let needs = self.ledger.note(&by, format!("NEEDED {}", printable(real.file_name())));
        list.push(FatalHit {
            path: text,
            reason: Fact::known(reason.clone(), vec![id, needs]),
            needed_by: by.text(),
            extension: extension.text(),
            package: self.session.site.package_of_extension(extension.as_bytes()),
            fails_import: Fact::known(fails_import, vec![id, needs]),
            also: Vec::new(),
        });
    }

    /// Libraries that an RPATH further up would give, were it not for the RUNPATH of the asker.
    pub(super) fn cut_rpaths(&mut self) -> Fact<Vec<CutRpath>> {
        let mut list = Vec::new();
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index).cloned() else { break };
            if !has_runpath(&loaded) {
                continue;
            }
            let owners = self.rpath_above(index);
            if owners.is_empty() {
                continue;
            }
            for (name, answer) in &loaded.needs {
                self.cut_rpath(loaded.real(), &owners, name, *answer, &mut list);
            }
        }
        for failed in self.session.failures.clone() {
            if let Some(Failure::Missing(missing)) = &failed.failure {
                self.cut_missing(missing, &mut list);
            }
        }
        Fact::known(list, Vec::new())
    }

    /// The objects of a failed import are gone: of those above the asker, the interpreter remains.
    fn cut_missing(&mut self, missing: &crate::loader::Missing, list: &mut Vec<CutRpath>) {
        let store = self.session.catalogue.objects;
        let asker = store.view().resolve(&missing.needed_by).and_then(|real| store.get(&real));
        let Ok(asker) = asker else { return };
        if asker.linkage.as_ref().is_ok_and(|it| it.runpath.is_some()) {
            let owners = self.rpath_of(0).into_iter().collect::<Vec<_>>();
            self.cut_rpath(&asker.real, &owners, &missing.soname, None, list);
        }
    }

    /// Objects above one, the interpreter last, whose RPATH counts.
    fn rpath_above(&self, index: ObjectIndex) -> Vec<(ObjectIndex, Vec<Vec<u8>>)> {
        let process = &self.session.process;
        let mut above = Vec::new();
        let mut at = process.objects.get(index).and_then(|it| it.needed_by);
        while let Some(owner) = at {
            above.push(owner);
            at = process.objects.get(owner).and_then(|it| it.needed_by);
        }
        if !above.contains(&0) && index != 0 {
            above.push(0);
        }
        above.into_iter().filter_map(|it| self.rpath_of(it)).collect()
    }

    fn rpath_of(&self, owner: ObjectIndex) -> Option<(ObjectIndex, Vec<Vec<u8>>)> {
        let loaded = self.session.process.objects.get(owner)?;
        let linkage = loaded.object.linkage.as_ref().ok()?;
        let rpath = linkage.rpath.as_ref().filter(|it| linkage.runpath.is_none() && !it.is_empty())?;
        let origin = TreePath::new(&loaded.name).parent().unwrap_or_else(TreePath::root);
        let entries = rpath.split(|b| *b == b':').filter(|it| it.first().is_some_and(|b| *b == b'/' || *b == b'$'));
        let directories = entries.map(|it| super::environment::replace_origin(it, origin.as_bytes())).collect();
        Some((owner, directories))
    }

    fn cut_rpath(
        &mut self,
        asker: &TreePath,
        owners: &[(ObjectIndex, Vec<Vec<u8>>)],
        soname: &[u8],
        answer: Option<ObjectIndex>,
        list: &mut Vec<CutRpath>,
    ) {
        if soname.contains(&b'/') {
            return;
        }
        let Some((owner, file)) = owners.iter().find_map(|(owner, directories)| {
            directories.iter().find_map(|it| Some((*owner, self.usable(it, soname)?)))
        }) else {
            return;
        };
        let used = answer.map(|it| self.real(it));
        if used.as_ref() == Some(&file) || list.iter().any(|it| it.file == file.text()) {
            return;
        }
        let owner = self.real(owner);
        let cuts = self.ledger.note(asker, format!("NEEDED {}, and a DT_RUNPATH", printable(soname)));
        let leads = self.ledger.note(&owner, format!("DT_RPATH leads to {file}"));
        let same_build = match &used {
            Some(used) => self.same_build(used, &file),
            None => Fact::known(false, vec![cuts]),
        };
        list.push(CutRpath {
            object: asker.text(),
            soname: printable(soname),
            owner: owner.text(),
            file: file.text(),
            used: Fact::known(used.map(|it| it.text()), vec![cuts, leads]),
            same_build,
        });
    }

    /// A library for this machine by that name in a directory.
    fn usable(&self, directory: &[u8], soname: &[u8]) -> Option<TreePath> {
        let store = self.session.catalogue.objects;
        let real = store.view().resolve([directory, b"/", soname].concat()).ok()?;
        let object = store.get(&real).ok()?;
        let machine = |it: &Loaded| it.object.linkage.as_ref().ok().map(|it| (it.machine, it.bits));
        let python = self.session.process.objects.first().and_then(machine);
        let fits = object.linkage.as_ref().is_ok_and(|it| Some((it.machine, it.bits)) == python);
        fits.then_some(real)
    }

    /// Libraries of which another CPU would get another file.
    pub(super) fn cpu_variants(&mut self, world: &World<'_>, imports: &[String]) -> Fact<Vec<CpuVariant>> {
        let mut list: Vec<CpuVariant> = Vec::new();
        if !self.has_variants() {
            return self.list(list, Vec::new());
        }
        for (cpu, level) in CPUS {
            if level == world.question.cpu {
                continue;
            }
            let mut other = world.session_on(level);
            for import in imports {
                other.import_as_asked(import);
            }
            self.compare_cpu(cpu, &other, &mut list);
        }
        self.list(list, Vec::new())
    }

    fn compare_cpu(&mut self, cpu: &str, other: &Session<'_>, list: &mut Vec<CpuVariant>) {
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index).cloned() else { break };
            let Some(name) = loaded.asked.first() else { continue };
            let there = other.process.loaded_as(name).and_then(|it| other.process.objects.get(it));
            let Some(there) = there.filter(|it| it.object.id != loaded.object.id) else { continue };
            let known = |it: &CpuVariant| it.used == loaded.real().text() && it.other == there.real().text();
            if list.iter().any(known) {
                continue;
            }
            let id = self.ledger.note(there.real(), format!("answers {} on {cpu}", printable(name)));
            let word = self.session.catalogue.followed(&loaded.object);
            list.push(CpuVariant {
                soname: printable(name),
                used: loaded.real().text(),
                other: there.real().text(),
                cpu: cpu.to_owned(),
                capability: Fact::known(word.unwrap_or_else(|| "other".to_owned()), vec![id]),
                same_build: self.same_build(loaded.real(), there.real()),
            });
        }
    }

    /// Whether a directory that libraries were found in has variants for newer CPUs, or is one.
    fn has_variants(&self) -> bool {
        let view = self.session.catalogue.objects.view();
        let mut directories: Vec<TreePath> = Vec::new();
        for loaded in self.session.process.objects.iter().filter(|it| it.needed_by.is_some()) {
            let path = TreePath::new(&loaded.name);
            if path.as_bytes().windows(VARIANTS.len()).any(|it| it == VARIANTS) {
                return true;
            }
            let directory = path.parent().unwrap_or_else(TreePath::root);
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories.iter().any(|it| view.is_directory(it.join(VARIANTS).as_bytes()))
    }
}

fn has_runpath(loaded: &Loaded) -> bool {
    loaded.object.linkage.as_ref().is_ok_and(|it| it.runpath.as_ref().is_some_and(|it| !it.is_empty()))
}
