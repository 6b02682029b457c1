//! What the target's own ld.so says about itself: default directories, cache, version.
//!
//! Invariant: nothing is assumed about a distribution; the strings stand in the loader (9 of 9 measured).

use std::sync::Arc;

use crate::base::{Gap, Stage, TreePath, compare_versions, read_range};
use crate::tree::View;

use super::cache::Cache;

/// Largest loader that is read, in bytes; musl's is its whole C library.
const LOADER_BYTES: u64 = 8 << 20;

/// Which loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// GNU C library.
    Glibc,
    /// musl.
    Musl,
}

impl Family {
    /// The word for facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

/// One loader and what it reads from the system.
#[derive(Debug, Clone)]
pub struct System {
    /// The real path of the loader.
    pub loader: TreePath,
    /// PT_INTERP of the executable: how the loader spells itself.
    pub interpreter: Vec<u8>,
    /// Which loader.
    pub family: Family,
    /// `2.36`, when its bytes say so.
    pub version: Option<String>,
    /// Default directories, in order, without trailing slash.
    pub default_directories: Vec<Vec<u8>>,
    /// The cache, where there is one that could be read.
    pub cache_file: Option<TreePath>,
    /// Where `ld.so.preload` would be.
    pub preload_file: Option<TreePath>,
    /// What stands in it.
    pub(super) preload_entries: Vec<Vec<u8>>,
    pub(super) cache: Option<Arc<Cache>>,
}

impl System {
    /// Reads the loader that PT_INTERP of the executable names.
    ///
    /// # Errors
    /// When it cannot be read, or is no loader that we know: then nothing can be said about any process of it.
    pub fn read(view: &View, interpreter: &[u8], gaps: &mut Vec<Gap>) -> Result<Self, Gap> {
        let asked = TreePath::new(interpreter);
        let hides = "every library of the process";
        let fail = |reason: String| Gap::new(&asked, Stage::Loader, reason, hides);
        let loader = view.resolve(interpreter).map_err(|error| fail(format!("the loader cannot be read: {error}")))?;
        let bytes = read_whole(view, &loader).map_err(|error| fail(format!("the loader cannot be read: {error}")))?;
        if find(&bytes, b"musl libc").is_some() {
            return Ok(musl(view, interpreter, loader, &bytes, gaps));
        }
        let default_directories = directory_run(&bytes);
        if default_directories.is_empty() {
            return Err(fail(
                "no list of default directories in its bytes: not a loader that is known here".to_owned(),
            ));
        }
        let version = release(&bytes).or_else(|| libc_release(view, &default_directories, gaps));
        if version.is_none() {
            gaps.push(Gap::new(
                &loader,
                Stage::Loader,
                "its bytes name no glibc version",
                "hwcaps directories of old versions",
            ));
        }
        let cache_path = string_ending(&bytes, b"ld.so.cache").map(TreePath::new);
        let cache = cache_path.as_ref().and_then(|path| read_cache(view, path, gaps));
        let preload_file = string_ending(&bytes, b"ld.so.preload").map(TreePath::new);
        let preload_entries = preload_file.as_ref().map_or_else(Vec::new, |it| read_preload(view, it, gaps));
        Ok(Self {
            loader,
            interpreter: interpreter.to_vec(),
            family: Family::Glibc,
            version,
            default_directories,
            cache_file: cache_path.filter(|_| cache.is_some()),
            preload_file,
            preload_entries,
            cache,
        })
    }

    /// A loader of which nothing is known.
    pub fn unknown() -> Self {
        Self {
            loader: TreePath::root(),
            interpreter: Vec::new(),
            family: Family::Glibc,
            version: None,
            default_directories: Vec::new(),
            cache_file: None,
            preload_file: None,
            preload_entries: Vec::new(),
            cache: None,
        }
    }

    /// Paths of every cache entry whose soname `fits`, for whatever machine.
    pub fn cached(&self, fits: impl Fn(&[u8]) -> bool) -> Vec<TreePath> {
        self.cache.iter().flat_map(|it| it.holding(&fits)).map(TreePath::new).collect()
    }

    /// The glibc version; an unknown one counts as new.
    pub(super) fn version_or_new(&self) -> &str {
        self.version.as_deref().unwrap_or("2.99")
    }

    /// Whether the glibc version is `other` or later; an unknown version counts as new.
    pub(super) fn at_least(&self, other: &str) -> bool {
        self.version.as_deref().is_none_or(|it| compare_versions(it, other).is_ge())
    }
}

fn read_whole(view: &View, path: &TreePath) -> std::io::Result<Vec<u8>> {
    let file = view.open_real(path)?;
    read_range(&*file, 0, file.size_bytes().min(LOADER_BYTES))
}

fn read_cache(view: &View, path: &TreePath, gaps: &mut Vec<Gap>) -> Option<Arc<Cache>> {
    let hides = "libraries that only the loader cache finds";
    let bytes = match view.resolve(path.as_bytes()).and_then(|real| read_whole(view, &real)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            gaps.push(Gap::new(path, Stage::Loader, error.to_string(), hides));
            return None;
        }
    };
    match Cache::parse(&bytes) {
        Ok(cache) => Some(Arc::new(cache)),
        Err(reason) => {
            gaps.push(Gap::new(path, Stage::Loader, format!("malformed loader cache: {reason}"), hides));
            None
        }
    }
}

/// musl: the path file under the prefix of the loader, else the built-in list.
fn musl(view: &View, interpreter: &[u8], loader: TreePath, bytes: &[u8], gaps: &mut Vec<Gap>) -> System {
    let name = TreePath::new(interpreter);
    let stem = name.file_name().split(|b| *b == b'.').next().unwrap_or_default().to_vec();
    let prefix = name.parent().and_then(|it| it.parent()).unwrap_or_else(TreePath::root);
    let path_file = prefix.join(b"etc").join([stem.as_slice(), b".path"].concat());
    let text = match view.read_text(path_file.as_bytes()) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "/lib:/usr/local/lib:/usr/lib".to_owned(),
        Err(error) => {
            gaps.push(Gap::new(&path_file, Stage::Loader, error.to_string(), "default directories of the loader"));
            "/lib:/usr/local/lib:/usr/lib".to_owned()
        }
    };
    let directories = text.split([':', '\n']).filter(|it| !it.is_empty()).map(|it| it.as_bytes().to_vec()).collect();
    let version = strings(bytes).find_map(version_number);
    let interpreter = interpreter.to_vec();
    System {
        loader,
        interpreter,
        family: Family::Musl,
        version,
        default_directories: directories,
        cache_file: None,
        preload_file: None,
        preload_entries: Vec::new(),
        cache: None,
    }
}

/// Names separated by white space or colons.
fn read_preload(view: &View, path: &TreePath, gaps: &mut Vec<Gap>) -> Vec<Vec<u8>> {
    let mut text = match view.read_text(path.as_bytes()) {
        Ok(text) => text.into_bytes(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            gaps.push(Gap::new(path, Stage::Loader, error.to_string(), "what every process preloads"));
            return Vec::new();
        }
    };
    blank_comments(&mut text);
    let separates = |it: &u8| matches!(*it, b' ' | b'\t' | b'\n' | b':');
    text.split(separates).filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
}

/// `#` begins a comment, but glibc looks for the next one from the beginning of the file again, in as many bytes as are
/// left behind the last one: a `#` in the second half of a file may be read as a name (`do_preload` in glibc
/// `elf/rtld.c`, measured).
fn blank_comments(text: &mut [u8]) {
    let mut left = text.len();
    while let Some(start) = text.iter().take(left).position(|it| *it == b'#') {
        left -= start;
        for byte in text.iter_mut().skip(start).take_while(|it| **it != b'\n').take(left) {
            *byte = b' ';
            left -= 1;
        }
    }
}

/// `1.2.3` standing alone.
fn version_number(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let numbers = text.split('.').filter(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit())).count();
    (numbers == 3 && text.split('.').count() == 3).then(|| text.to_owned())
}

/// The longest run of NUL-terminated strings that begin and end with `/`.
fn directory_run(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut best, mut run): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let is_directory = |it: &&[u8]| it.len() > 1 && it.starts_with(b"/") && it.ends_with(b"/") && it.is_ascii();
    for text in bytes.split(|b| *b == 0) {
        if is_directory(&text) {
            let trimmed = text.strip_suffix(b"/").unwrap_or(text).to_vec();
            run.push(trimmed);
            continue;
        }
        if run.len() > best.len() {
            best = std::mem::take(&mut run);
        }
        run.clear();
    }
    best
}

fn strings(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == 0).filter(|it| !it.is_empty() && it.len() < 4096)
}

fn string_ending<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    strings(bytes).find(|it| it.starts_with(b"/") && it.ends_with(end))
}

fn release(bytes: &[u8]) -> Option<String> {
    let marker = b"release version ";
    let at = find(bytes, marker)?;
    let tail = bytes.get(at + marker.len()..)?;
    let end = tail.iter().position(|b| !b.is_ascii_digit() && *b != b'.')?;
    let number = String::from_utf8_lossy(tail.get(..end)?).trim_end_matches('.').to_owned();
    number.contains('.').then_some(number)
}

/// Loaders before 2.33 do not name their version; the C library beside them does.
fn libc_release(view: &View, directories: &[Vec<u8>], gaps: &mut Vec<Gap>) -> Option<String> {
    for directory in directories {
        let path = TreePath::new(directory).join(b"libc.so.6");
        match view.resolve(path.as_bytes()).and_then(|real| read_whole(view, &real)) {
            Ok(bytes) => return release(&bytes),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
            Err(error) => gaps.push(Gap::new(&path, Stage::Loader, error.to_string(), "the version of the C library")),
        }
    }
    None
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == first) {
        if bytes.get(from + at..)?.starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
