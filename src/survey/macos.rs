//! Which library answers an extension of macOS: dyld is not emulated, each file is asked by itself.
//!
//! Two-level names say which library each symbol is wanted from; what is left is to find that file. `@loader_path` and
//! `@rpath` are those of the file that asks: what dyld adds of the program and of those above it is not known here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regex::bytes::Regex;

use crate::base::{Gap, ReadAt, Stage, TreePath, printable};
use crate::elf::{self, TextMatch, Wanted};
use crate::identify::{Capability, Confidence, Group, Identity, Libraries, MachFile, NamedFile};
use crate::loader::Failure;
use crate::macho::{self, Import, Object, Source};
use crate::tree::View;

/// Machines in the order in which they are looked at in a file that is for several.
const PREFERRED: [&str; 2] = ["arm64", "x86_64"];

/// Files of macOS, each opened once.
pub(super) struct MacFiles<'a> {
    pub(super) view: &'a View,
    pub(super) libraries: &'a Libraries,
    opened: HashMap<TreePath, Result<Arc<MacObject>, Gap>>,
}

/// One file, for the machine that is looked at.
pub(super) struct MacObject {
    /// Links resolved.
    pub(super) path: TreePath,
    pub(super) object: Object,
    pub(super) imports: Vec<Import>,
    pub(super) file: Arc<dyn ReadAt>,
}

/// A library as an extension is linked with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MacLibrary {
    /// As the extension names it.
    pub(super) name: String,
    /// The file, where it is part of the target.
    pub(super) file: Option<TreePath>,
    /// Places where it is not.
    pub(super) tried: Vec<String>,
}

impl MacLibrary {
    /// `libmpi.12.dylib`.
    pub(super) fn short_name(&self) -> String {
        self.name.rsplit('/').next().unwrap_or(&self.name).to_owned()
    }
}

/// What answers a capability of one extension.
pub(super) struct MacBound {
    pub(super) extension: TreePath,
    pub(super) library: MacLibrary,
    /// A symbol that it wants, as C spells it.
    pub(super) symbol: String,
    /// The integer interface that the spelling says.
    pub(super) interface: Option<String>,
    pub(super) identity: Option<Identity>,
}

impl<'a> MacFiles<'a> {
    pub(super) fn new(view: &'a View, libraries: &'a Libraries) -> Self {
        Self { view, libraries, opened: HashMap::new() }
    }

    /// The file at a path.
    pub(super) fn open(&mut self, path: &TreePath) -> Result<Arc<MacObject>, Gap> {
        if let Some(known) = self.opened.get(path) {
            return known.clone();
        }
        let fresh =
            read(self.view, path).map_err(|reason| Gap::new(path, Stage::Elf, reason, "what it is linked with"));
        self.opened.insert(path.clone(), fresh.clone());
        fresh
    }

    /// What answers the symbols of a group that an extension wants: the library that most are wanted from.
    pub(super) fn bound(
        &mut self,
        extension: &TreePath,
        capability: &Capability,
        group: &Group,
        more: &[TreePath],
        gaps: &mut Vec<Gap>,
    ) -> Result<Option<MacBound>, Gap> {
        let asking = self.open(extension)?;
        let wanted: Vec<Wanted> =
            asking.imports.iter().map(|it| Wanted { name: it.name.clone(), weak: it.weak }).collect();
        let mut tally: BTreeMap<usize, (usize, String, Option<String>)> = BTreeMap::new();
        let mut anywhere = None;
        for used in group.used_in(&wanted) {
            let import = asking.imports.iter().find(|it| it.name == used.symbol);
            match import.map(|it| it.from) {
                Some(Source::Library(index)) => {
                    tally.entry(index).or_insert((0, printable(&used.symbol), used.interface)).0 += 1;
                }
                Some(Source::Anywhere) | None => anywhere = Some(printable(&used.symbol)),
            }
        }
        let best = tally.into_iter().max_by_key(|(index, (count, ..))| (*count, std::cmp::Reverse(*index)));
        let Some((index, (_, symbol, interface))) = best else {
            let Some(symbol) = anywhere else { return Ok(None) };
            let reason = format!("it wants {symbol} from whoever has it, and dyld is not emulated");
            return Err(Gap::new(extension, Stage::Loader, reason, format!("which {} answers", capability.title)));
        };
        let Some(library) = asking.object.linkage.libraries.get(index) else { return Ok(None) };
        let library = self.resolve(&asking, &library.name, more);
        let identity = self.identity(&library, gaps);
        let extension = extension.clone();
        Ok(Some(MacBound { extension, library, symbol, interface, identity }))
    }

    /// The file that a name of a load command leads to; `more` are directories where the package itself looks.
    pub(super) fn resolve(&self, asking: &MacObject, name: &[u8], more: &[TreePath]) -> MacLibrary {
        let directory = asking.path.parent().unwrap_or_else(TreePath::root);
        let near = |path: &[u8]| path.strip_prefix(b"@loader_path/").map(|rest| directory.join(rest));
        let mut candidates = Vec::new();
        if let Some(rest) = name.strip_prefix(b"@rpath/") {
            candidates.extend(more.iter().map(|it| it.join(rest)));
            for rpath in &asking.object.linkage.rpaths {
                let rpath = [rpath.as_slice(), b"/"].concat();
                let absolute = || rpath.starts_with(b"/").then(|| TreePath::new(&rpath));
                candidates.extend(near(&rpath).or_else(absolute).map(|it| it.join(rest)));
            }
        } else if let Some(path) = near(name) {
            candidates.push(path);
        } else if name.starts_with(b"/") {
            candidates.push(TreePath::new(name));
        }
        let mut tried = Vec::new();
        for candidate in candidates {
            match self.view.resolve(candidate.as_bytes()) {
                Ok(real) => return MacLibrary { name: printable(name), file: Some(real), tried },
                Err(_) => tried.push(candidate.text()),
            }
        }
        MacLibrary { name: printable(name), file: None, tried }
    }

    /// What a library is, with what its other halves say; never more than likely.
    fn identity(&mut self, library: &MacLibrary, gaps: &mut Vec<Gap>) -> Option<Identity> {
        let mut identity = match &library.file {
            Some(path) => {
                let (mut identity, halves) = self.of_file(path, gaps)?;
                for half in halves.iter().filter_map(|it| it.file.as_ref()) {
                    if let Some((half, _)) = self.of_file(half, gaps) {
                        identity.complete_with(&half);
                    }
                }
                identity
            }
            None => self.libraries.identify(&NamedFile(TreePath::new(library.name.as_bytes())), gaps)?,
        };
        identity.confidence = Confidence::Likely;
        Some(identity)
    }

    /// What a file is, and the libraries that it is linked with.
    fn of_file(&mut self, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<(Identity, Vec<MacLibrary>)> {
        let it = match self.open(path) {
            Ok(it) => it,
            Err(gap) => {
                gaps.push(gap);
                return None;
            }
        };
        let identity = self.libraries.identify(&MachFile::new(&it.path, &it.object, it.file.as_ref()), gaps)?;
        let linked = it.object.linkage.libraries.iter().map(|library| self.resolve(&it, &library.name, &[])).collect();
        Some((identity, linked))
    }
}

fn read(view: &View, path: &TreePath) -> Result<Arc<MacObject>, String> {
    let real = view.resolve(path.as_bytes()).map_err(|it| it.to_string())?;
    let file: Arc<dyn ReadAt> = Arc::from(view.open(real.as_bytes()).map_err(|it| it.to_string())?);
    let object = preferred(macho::open(&file).map_err(|it| it.to_string())?);
    let object = object.ok_or_else(|| "it is for no machine".to_owned())?;
    let imports = object.imports().map_err(|it| it.to_string())?;
    Ok(Arc::new(MacObject { path: real, object, imports, file }))
}

/// The object that is looked at in a file that is for several machines; the first for others. None for a file without any.
pub(super) fn preferred(mut objects: Vec<Object>) -> Option<Object> {
    let at = PREFERRED.iter().find_map(|name| objects.iter().position(|it| it.linkage.machine == *name));
    let at = at.unwrap_or_default();
    (at < objects.len()).then(|| objects.swap_remove(at))
}

/// First match of each pattern in a shared object, of macOS or not.
pub(super) fn search_text(file: Box<dyn ReadAt>, patterns: &[Regex]) -> Result<Vec<TextMatch>, String> {
    let file: Arc<dyn ReadAt> = Arc::from(file);
    if !macho::is_macho(file.as_ref()).map_err(|it| it.to_string())? {
        return elf::search_text(file.as_ref(), patterns).map_err(|it| it.to_string());
    }
    let objects = macho::open(&file).map_err(|it| it.to_string())?;
    let ranges = objects.first().map(Object::data_ranges).unwrap_or_default();
    elf::search_ranges(file.as_ref(), ranges, patterns).map_err(|it| it.to_string())
}

/// Why the loader refused a file, where it is one of macOS.
fn foreign(view: &View, path: &[u8]) -> Option<String> {
    let Ok(real) = view.resolve(path) else { return None };
    let Ok(machines) = machines(view, &real)? else { return None };
    Some(format!("it is a file of macOS ({machines})"))
}

/// The failure, for a file of macOS with that as its reason.
pub(super) fn in_words_of_macos(view: &View, failure: Failure) -> Failure {
    let Failure::Unusable { path, needed_by, reason } = failure else { return failure };
    Failure::Unusable { reason: foreign(view, &path).unwrap_or(reason), path, needed_by }
}

/// What a failed import hides where no Python of this system is meant, and the file at fault is one of macOS.
pub(super) fn undecided_import(view: &View, failure: &Failure) -> Option<Gap> {
    let Failure::Unusable { path, .. } = failure else { return None };
    let reason = format!("{}, and dyld is not emulated", foreign(view, path)?);
    Some(Gap::new(&TreePath::new(path), Stage::Loader, reason, "what importing it maps"))
}

/// The machines that a file of macOS is for, as `arm64` or `arm64 x86_64`; `None` when it is no such file.
pub(super) fn machines(view: &View, path: &TreePath) -> Option<Result<String, String>> {
    let file: Arc<dyn ReadAt> = match view.open(path.as_bytes()) {
        Ok(file) => Arc::from(file),
        Err(error) => return Some(Err(error.to_string())),
    };
    match macho::is_macho(file.as_ref()) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => return Some(Err(error.to_string())),
    }
    let names = |all: Vec<Object>| all.iter().map(|it| it.linkage.machine).collect::<Vec<_>>().join(" ");
    Some(macho::open(&file).map(names).map_err(|it| it.to_string()))
}
