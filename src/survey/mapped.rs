//! Every file that the process maps: who put it there, and what it demands of the C library and the CPU.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::builder::Builder;
use crate::base::{Gap, Stage, TreePath, compare_versions, printable};
use crate::discover::{ExtensionFile, FileRole, Manager};
use crate::elf::NeededVersions;
use crate::facts::{Answered, EvidenceId, Fact, LibcNeed, Mapped, RuntimeNeed};
use crate::loader::{Object, ObjectIndex};

/// A version need that is no number, and the glibc that brought it.
const FLAGS: [(&str, &str); 1] = [("ABI_DT_RELR", "2.36")];

/// Directories that only the operating system fills, apart from those of the administrator.
const SYSTEM: [&str; 6] = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin"];
const ADMINISTRATOR: &str = "/usr/local";

/// What is called so in `libc_needs`: its files are one.
const OPERATING_SYSTEM: &str = "the operating system";

/// The levels of `GNU_PROPERTY_X86_ISA_1_NEEDED`, the highest first.
const LEVELS: [(u32, &str); 4] = [(8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"), (1, "x86-64")];

/// What the process demands of the machine.
pub(super) struct Demands {
    pub(super) mapped: Fact<Vec<Mapped>>,
    pub(super) libc: Fact<Option<String>>,
    pub(super) libcxx: Fact<Option<String>>,
    pub(super) needs: Fact<Vec<LibcNeed>>,
    pub(super) runtimes: Fact<Vec<RuntimeNeed>>,
}

/// The highest version of one kind that a file needs, and from which file.
pub(super) struct Highest {
    pub(super) version: String,
    of: String,
}

/// What one file demands of glibc.
struct Demand {
    path: String,
    distribution: String,
    of_the_system: bool,
    glibc: Fact<Option<String>>,
}

impl Builder<'_, '_> {
    /// Who put the files of the process there and what they demand; `asked` is another glibc that they might meet.
    pub(super) fn demands(&mut self, asked: Option<&str>) -> Demands {
        let site = self.session.site;
        let files: HashMap<TreePath, &ExtensionFile> = site.files.iter().map(|it| (it.path.clone(), it)).collect();
        let mut list: Vec<Mapped> = Vec::new();
        for index in 0..self.session.process.objects.len() {
            let Some(loaded) = self.session.process.objects.get(index) else { continue };
            let file = files.get(&TreePath::new(&loaded.name)).or_else(|| files.get(loaded.real()));
            let role = match file.map(|it| it.role) {
                _ if index == 0 => "executable",
                Some(FileRole::Extension) => "extension",
                Some(FileRole::Library) | None => "library",
            };
            let package = file.map(|it| it.package.clone()).unwrap_or_default();
            let object = std::sync::Arc::clone(&loaded.object);
            let answered = |(name, answer): &(Vec<u8>, Option<ObjectIndex>)| Answered {
                soname: printable(name),
                file: answer.map(|it| self.real(it).text()),
            };
            let needs = loaded.needs.iter().map(answered).collect();
            list.push(self.mapped(&object, role, package, needs));
        }
        let needs = self.libc_needs(&list, asked);
        let needs = self.list(needs, Vec::new());
        // What would be loaded behind a failing import is not seen.
        let failed = self.session.failures.first().filter(|_| asked.is_some());
        let failed = failed.map(|it| {
            let at = it.extension.clone().unwrap_or_else(TreePath::root);
            let reason = format!("{} cannot be imported: {}", it.import, it.reason);
            Gap::new(&at, Stage::Loader, reason, "which versions of glibc the libraries need that it would load")
        });
        let needs = self.unless_hidden(needs, failed.as_ref());
        let runtimes = self.runtime_needs(&list, asked);
        let runtimes = self.list(runtimes, Vec::new());
        let unread = list.iter().find_map(|it| it.glibcxx.gap());
        let runtimes = match (self.unless_hidden(runtimes, failed.as_ref()), unread) {
            (Fact::Known { value, because, incomplete: None }, Some(gap)) => Fact::partial(value, because, gap),
            (runtimes, _) => runtimes,
        };
        let libc = self.highest(&list, |it| &it.glibc);
        let libcxx = self.highest(&list, |it| &it.glibcxx);
        Demands { mapped: self.list(list, Vec::new()), libc, libcxx, needs, runtimes }
    }

    fn mapped(&mut self, object: &Object, role: &str, package: String, needs: Vec<Answered>) -> Mapped {
        let path = &object.real;
        let mut gaps = Vec::new();
        let provenance = self.owners.likely(path, &mut gaps);
        let because = vec![self.ledger.shown(&provenance.because)];
        let hidden = gaps.first().filter(|_| provenance.manager.word() == "unrecorded").map(|gap| self.ledger.gap(gap));
        let known = |text: &str| match hidden {
            Some(gap) => Fact::unknown(gap),
            None => Fact::known(text.to_owned(), because.clone()),
        };
        let mut owner_channel = known(&provenance.channel);
        if matches!(provenance.manager, Manager::Conda | Manager::Pixi) && provenance.channel.is_empty() {
            let reason = "its record names no channel".to_owned();
            let gap = Gap::new(path, Stage::Discover, reason, "whether it was built together with the rest");
            owner_channel = Fact::unknown(self.ledger.gap(&gap));
        }
        let (glibc, glibcxx) = self.version_demands(object);
        let (isa, isa_agreement) = self.isa_demand(object);
        Mapped {
            installed_by: known(provenance.manager.word()),
            owner: known(&provenance.package),
            owner_version: known(&provenance.version),
            owner_build: known(&provenance.build),
            owner_channel,
            owner_options: Fact::known(provenance.options, because.clone()),
            bundled: Fact::known(provenance.bundled.is_some(), because.clone()),
            bundled_from: known(provenance.bundled.as_deref().unwrap_or_default()),
            of_the_system: package.is_empty() && is_of_the_system(path),
            path: path.text(),
            role: role.to_owned(),
            package,
            glibc,
            glibcxx,
            isa,
            isa_agreement,
            needs: Fact::known(needs, Vec::new()),
        }
    }

    /// Highest GLIBC and GLIBCXX versions that a file needs. What the C library needs of itself is no demand.
    fn version_demands(&mut self, object: &Object) -> (Fact<Option<String>>, Fact<Option<String>>) {
        let store = self.session.catalogue.objects;
        match store.needed_versions(object) {
            Ok(versions) => {
                let own = store.defines_version(object, b"GLIBC_");
                let mut fact = |family: &str, own: bool| match highest_of(&versions, family).filter(|_| !own) {
                    Some(Highest { version, of }) => {
                        let id = self.ledger.note(&object.real, format!("needs {family}{version} of {of}"));
                        Fact::known(Some(version), vec![id])
                    }
                    None => Fact::known(None, Vec::new()),
                };
                (fact("GLIBC_", own), fact("GLIBCXX_", false))
            }
            Err(error) => {
                let hides = "which versions of the C library it needs";
                let gap = self.ledger.gap(&Gap::new(&object.real, Stage::Elf, error.to_string(), hides));
                (Fact::unknown(gap), Fact::unknown(gap))
            }
        }
    }

    fn isa_demand(&mut self, object: &Object) -> (Fact<String>, Fact<String>) {
        let unsaid = || Fact::known("unsaid".to_owned(), Vec::new());
        let bits = object.linkage.as_ref().map_or(0, |it| it.isa_needed);
        let Some((level, word)) = LEVELS.iter().find(|(level, _)| bits & level != 0) else {
            return (unsaid(), unsaid());
        };
        let id = self.ledger.note(&object.real, format!("its property note demands {word}"));
        let known = |text: &str| Fact::known(text.to_owned(), vec![id]);
        let agreement = match self.session.process.level().has_isa(*level) {
            Some(true) => known("enough"),
            Some(false) => known("too-old"),
            None if *level == 1 => known("enough"),
            None => {
                let reason = format!("{word} is demanded, and what the CPU can do was not said: --cpu names it");
                let gap = Gap::new(&object.real, Stage::Loader, reason, "whether it runs on the CPU of the process");
                Fact::unknown(self.ledger.gap(&gap))
            }
        };
        (known(word), agreement)
    }

    /// The highest of one kind over the files that do not belong to the operating system.
    fn highest(&mut self, list: &[Mapped], kind: impl Fn(&Mapped) -> &Fact<Option<String>>) -> Fact<Option<String>> {
        let mut best: Option<(&String, Vec<EvidenceId>)> = None;
        let own = list.iter().filter(|it| !it.of_the_system);
        for fact in own.map(kind) {
            match fact {
                Fact::Unknown { unknown } => return Fact::unknown(*unknown),
                Fact::Known { value: Some(version), because, .. } => {
                    if best.as_ref().is_none_or(|(known, _)| compare_versions(known, version) == Ordering::Less) {
                        best = Some((version, because.clone()));
                    }
                }
                Fact::Known { value: None, .. } => {}
            }
        }
        let value = best.as_ref().map(|(version, _)| (*version).clone());
        let because = best.map(|(_, because)| because).unwrap_or_default();
        match &self.session.untraced {
            Some(gap) => Fact::partial(value, because, self.ledger.gap(gap)),
            None => Fact::known(value, because),
        }
    }

    fn libc_needs(&mut self, list: &[Mapped], asked: Option<&str>) -> Vec<LibcNeed> {
        let mut groups: BTreeMap<String, Vec<Demand>> = BTreeMap::new();
        let of_list = list.iter().map(|it| {
            let distribution =
                if it.package.is_empty() { String::new() } else { self.session.site.distribution(&it.package) };
            let name = if distribution.is_empty() { self.group_of(it) } else { distribution.clone() };
            let (path, glibc) = (it.path.clone(), it.glibc.clone());
            (name, Demand { path, distribution, of_the_system: it.of_the_system, glibc })
        });
        let all: Vec<(String, Demand)> = of_list.collect();
        for (name, demand) in all.into_iter().chain(self.failed_demands()) {
            if !matches!(demand.glibc, Fact::Known { value: None, .. }) {
                groups.entry(name).or_default().push(demand);
            }
        }
        groups.into_iter().filter_map(|(name, demands)| self.libc_need(name, demands, asked)).collect()
    }

    /// What files in no package are part of.
    fn group_of(&self, it: &Mapped) -> String {
        let owner = it.owner.value().filter(|owner| !owner.is_empty());
        let installation = self.session.installation;
        let stdlib = installation.stdlib.as_ref().is_some_and(|stdlib| TreePath::new(&it.path).is_below(stdlib));
        let named = TreePath::new(&it.path);
        let python = stdlib || it.role == "executable" || installation.libpython.value() == Some(&Some(named));
        match (it.of_the_system, owner, python) {
            (true, _, _) => OPERATING_SYSTEM.to_owned(),
            (false, Some(owner), _) => owner.clone(),
            (false, None, true) => format!("the Python in {}", installation.base_prefix),
            (false, None, false) => it.path.clone(),
        }
    }

    /// What could not be loaded here demands something all the same.
    fn failed_demands(&mut self) -> Vec<(String, Demand)> {
        let paths: Vec<TreePath> = self.session.failures.iter().filter_map(|it| it.extension.clone()).collect();
        let store = self.session.catalogue.objects;
        let mut found = Vec::new();
        for path in paths {
            let Ok(object) = store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real)) else { continue };
            if object.linkage.is_ok() {
                let package = self.package_of(&path).unwrap_or_default();
                let glibc = self.version_demands(&object).0;
                let distribution = self.session.site.distribution(&package);
                let demand =
                    Demand { path: path.text(), distribution: distribution.clone(), of_the_system: false, glibc };
                found.push((distribution, demand));
            }
        }
        found
    }

    fn libc_need(&mut self, name: String, mut demands: Vec<Demand>, asked: Option<&str>) -> Option<LibcNeed> {
        demands.sort_by(|a, b| a.path.cmp(&b.path));
        let of = |it: &Demand| it.glibc.value().cloned().flatten();
        let text = |it: &Demand| of(it).unwrap_or_default();
        // Of several equals the last one wins.
        let highest = demands.iter().rev().max_by(|a, b| compare_versions(&text(a), &text(b)))?;
        let unread = demands.iter().find_map(|it| it.glibc.gap());
        let is_later = |it: &Demand| {
            let needed = of(it);
            asked.zip(needed).is_some_and(|(asked, needed)| compare_versions(asked, &needed) == Ordering::Less)
        };
        let because = highest.glibc.because().to_vec();
        let known = |word: &str| Fact::known(word.to_owned(), because.clone());
        let agreement = match (asked, is_later(highest), unread) {
            (None, _, _) => known("not-asked"),
            (Some(_), true, _) => known("too-old"),
            (Some(_), false, Some(gap)) => Fact::unknown(gap),
            (Some(_), false, None) => known("enough"),
        };
        let others = demands.iter().filter(|it| it.path != highest.path && is_later(it));
        let symbol = if is_later(highest) { self.symbol_of(&highest.path, &text(highest)) } else { String::new() };
        Some(LibcNeed {
            name,
            version: match highest.glibc.gap() {
                Some(gap) => Fact::unknown(gap),
                None => known(&text(highest)),
            },
            symbol: known(&symbol),
            also: others.map(|it| it.path.clone()).collect(),
            distribution: highest.distribution.clone(),
            object: highest.path.clone(),
            of_the_system: highest.of_the_system,
            agreement,
        })
    }

    /// A symbol that a file needs in that version: `pthread_create@GLIBC_2.34`.
    fn symbol_of(&self, path: &str, version: &str) -> String {
        let version = format!("GLIBC_{version}");
        let store = self.session.catalogue.objects;
        let object = store.view().resolve(path.as_bytes()).and_then(|real| store.get(&real));
        let references = match object.map(|it| store.symbols(&it).and_then(|it| it.references())) {
            Ok(Ok(references)) => references,
            // The demand itself is known; only the example is missing.
            Ok(Err(_)) | Err(_) => return String::new(),
        };
        let is_it = |it: &&crate::elf::Reference| it.version.as_ref().is_some_and(|it| it.name == version.as_bytes());
        references.iter().find(is_it).map(|it| format!("{}@{version}", printable(&it.name))).unwrap_or_default()
    }
}

fn is_of_the_system(path: &TreePath) -> bool {
    let below = |it: &str| path.is_below(&TreePath::new(it));
    SYSTEM.into_iter().any(below) && !below(ADMINISTRATOR)
}

/// The highest version of a family among those that are needed; weak needs are none.
pub(super) fn highest_of(versions: &NeededVersions, family: &str) -> Option<Highest> {
    let mut best: Option<Highest> = None;
    for (file, wanted) in versions {
        for (name, _) in wanted.iter().filter(|(_, weak)| !*weak) {
            let name = printable(name);
            let Some(word) = name.strip_prefix(family) else { continue };
            let flag = FLAGS.iter().find(|(flag, _)| *flag == word).map(|(_, version)| *version);
            let Some(version) = flag.or_else(|| word.starts_with(|c: char| c.is_ascii_digit()).then_some(word)) else {
                continue;
            };
            if best.as_ref().is_none_or(|it| compare_versions(&it.version, version) == Ordering::Less) {
                best = Some(Highest { version: version.to_owned(), of: printable(file) });
            }
        }
    }
    best
}
