//! Every object of an audit, each file read once.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::base::{Map, ReadAt, TreePath};
use crate::elf::{self, ElfError, Linkage, NeededVersions, Symbols, Versioning, WantedVersion};
use crate::tree::{Kind, View};

/// Files held open at most: login nodes allow a process 1024.
const HELD_FILES: usize = 400;

/// Whether an object answers a symbol, by name and by the version that is wanted of it.
type Answers = Map<Vec<u8>, Vec<(Option<WantedVersion>, bool)>>;

/// One file, asked for by its real path.
pub struct Object {
    /// The real path.
    pub real: TreePath,
    /// Device and inode.
    pub id: (u64, u64),
    /// Permission bits.
    pub mode: u32,
    /// Its linkage, or why it has none.
    pub linkage: Result<Linkage, ElfError>,
    /// What was read for the linkage serves the symbols too, as long as not too many files are held open.
    open: Option<elf::Object>,
    symbols: OnceLock<Result<Arc<Symbols>, ElfError>>,
    versions: OnceLock<Result<Arc<Versions>, ElfError>>,
    /// Symbols that it wants a version of.
    wanted_versions: OnceLock<Map<Vec<u8>, WantedVersion>>,
    /// Symbols that it was asked for: every extension asks its interpreter for the same few hundred.
    answered: Mutex<Answers>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}", self.real)
    }
}

/// The versions that an object defines and needs.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// DT_VERDEF.
    pub(super) defined: Vec<Vec<u8>>,
    /// DT_VERNEED: file, then version and whether the need is weak.
    pub(super) needed: NeededVersions,
}

/// The objects of one audit.
pub struct Objects<'v> {
    view: &'v View,
    held: AtomicUsize,
    known: Mutex<Map<TreePath, Arc<Object>>>,
    closed: Mutex<BTreeMap<TreePath, String>>,
    levels: Mutex<Map<Vec<u8>, bool>>,
}

impl<'v> Objects<'v> {
    /// No object yet.
    pub fn new(view: &'v View) -> Self {
        Self {
            view,
            held: AtomicUsize::new(0),
            known: Mutex::default(),
            closed: Mutex::default(),
            levels: Mutex::default(),
        }
    }

    /// The tree that the objects lie in.
    pub fn view(&self) -> &'v View {
        self.view
    }

    /// The object at a real path; its linkage is read on the first call.
    ///
    /// # Errors
    /// When the path leads to no regular file, or the file system refuses.
    pub fn get(&self, real: &TreePath) -> io::Result<Arc<Object>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(real) {
            return Ok(Arc::clone(known));
        }
        let metadata = self.view.metadata_real(real)?;
        if metadata.kind != Kind::File {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "not a regular file"));
        }
        let file: Arc<dyn ReadAt> = Arc::from(self.view.open_real(real)?);
        let opened = elf::Object::open(file);
        let room = self.held.fetch_add(1, Ordering::Relaxed) < HELD_FILES;
        let object = Arc::new(Object {
            real: real.clone(),
            id: metadata.id,
            mode: metadata.mode,
            linkage: opened.as_ref().map(|it| it.linkage.clone()).map_err(Clone::clone),
            open: match opened {
                Ok(open) if room => Some(open),
                // Closed again, or told by `linkage`.
                Ok(_) | Err(_) => None,
            },
            symbols: OnceLock::new(),
            versions: OnceLock::new(),
            wanted_versions: OnceLock::new(),
            answered: Mutex::default(),
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(real.clone()).or_insert(object)))
    }

    /// Whether a directory has directories of glibc for some CPUs only; looked at once.
    pub(super) fn has_levels(&self, directory: &[u8]) -> bool {
        if let Some(known) = self.levels.lock().unwrap_or_else(PoisonError::into_inner).get(directory) {
            return *known;
        }
        let found = self.view.is_directory([directory, b"/glibc-hwcaps"].concat());
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.to_vec(), found);
        found
    }

    /// A directory in which a candidate could not be looked at: the process, of another user, may find it there.
    pub(super) fn is_closed(&self, directory: &TreePath, reason: &str) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.entry(directory.clone()).or_insert_with(|| reason.to_owned());
    }

    /// Directories in which candidates could not be looked at, and why.
    pub fn closed_directories(&self) -> BTreeMap<TreePath, String> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn file(&self, object: &Object) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::from(self.view.open_real(&object.real)?))
    }

    /// The symbol table of an object, opened on the first call.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn symbols(&self, object: &Object) -> Result<Arc<Symbols>, ElfError> {
        let open = || {
            if let Some(open) = &object.open {
                return open.symbols().map(Arc::new);
            }
            let file = self.file(object).map_err(|error| ElfError::Io(error.to_string()))?;
            Symbols::open(file).map(Arc::new)
        };
        object.symbols.get_or_init(open).clone()
    }

    /// The version that an object wants of a symbol. One whose references cannot be read wants none.
    pub(super) fn wanted_version(&self, object: &Object, symbol: &[u8]) -> Option<WantedVersion> {
        let read = || {
            let references = self.symbols(object).and_then(|it| it.references()).unwrap_or_default();
            references.into_iter().filter_map(|it| Some((it.name, it.version?))).collect()
        };
        object.wanted_versions.get_or_init(read).get(symbol).cloned()
    }

    /// Whether an object answers a request for a symbol, remembered: for objects that are asked for the same symbols again
    /// and again. One process asks by one rule for versions.
    pub(super) fn answers(&self, object: &Object, name: &[u8], versioning: Versioning<'_>) -> Result<bool, ElfError> {
        let wanted = match versioning {
            Versioning::Wanted(wanted) => wanted,
            Versioning::Ignored => None,
        };
        let mut answered = object.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = answered.get(name).into_iter().flatten();
        if let Some((_, answer)) = known.find(|(version, _)| version.as_ref() == wanted) {
            return Ok(*answer);
        }
        let answer = self.symbols(object)?.answers(name, versioning)?;
        answered.entry(name.to_vec()).or_default().push((wanted.cloned(), answer));
        Ok(answer)
    }

    /// The symbol versions that an object needs, per file; read once.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn needed_versions(&self, object: &Object) -> Result<NeededVersions, ElfError> {
        Ok(self.versions(object)?.needed.clone())
    }

    /// Whether an object defines a symbol version that begins like that. One that cannot be read defines none.
    pub fn defines_version(&self, object: &Object, beginning: &[u8]) -> bool {
        self.versions(object).is_ok_and(|it| it.defined.iter().any(|version| version.starts_with(beginning)))
    }

    pub(super) fn versions(&self, object: &Object) -> Result<Arc<Versions>, ElfError> {
        let read = || {
            let symbols = self.symbols(object)?;
            Ok(Arc::new(Versions { defined: symbols.defined_versions()?, needed: symbols.needed_versions()? }))
        };
        object.versions.get_or_init(read).clone()
    }
}
