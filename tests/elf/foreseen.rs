//! What is read of real objects lies in the outline that their first bytes give.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyhpc_audit::base::ReadAt;
use pyhpc_audit::elf::{Object, outline};
use regex::bytes::Regex;

/// What an outline is rounded to where pages are kept, in bytes.
const PAGE_BYTES: u64 = 64 << 10;

struct Recorded {
    file: File,
    reads: Mutex<Vec<Range<u64>>>,
}

impl ReadAt for Recorded {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, offset_bytes)?;
        self.reads.lock().unwrap().push(offset_bytes..offset_bytes + count as u64);
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.file.metadata().unwrap().len()
    }
}

/// The loader and the libraries of this process; the program itself has more debug information than code.
fn objects() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths: Vec<PathBuf> = maps.lines().filter_map(|it| Some(it.get(it.find('/')?..)?.into())).collect();
    paths.sort();
    paths.dedup();
    paths.retain(|it| *it != std::env::current_exe().unwrap());
    paths
}

#[test]
fn reads_lie_in_the_outline() {
    let objects = objects();
    assert!(1 < objects.len(), "{objects:?}");
    let nothing = Regex::new("no such text in any object").unwrap();
    for path in objects {
        let file = File::open(&path).unwrap();
        let size = file.metadata().unwrap().len();
        let mut head = vec![0; 4096];
        file.read_exact_at(&mut head, 0).unwrap();
        let foreseen = outline(&head, size).unwrap();
        assert!(foreseen.iter().map(|it| it.end - it.start).sum::<u64>() <= size, "{}", path.display());
        let recorded = Arc::new(Recorded { file, reads: Mutex::default() });
        let object = Object::open(Arc::clone(&recorded) as Arc<dyn ReadAt>).unwrap();
        object.search_text(std::slice::from_ref(&nothing)).unwrap();
        object.build_id().unwrap();
        let symbols = object.symbols().unwrap();
        symbols.wanted().unwrap();
        symbols.needed_versions().unwrap();
        symbols.defined_versions().unwrap();
        symbols.references().unwrap();
        symbols.definition(b"malloc").unwrap();
        let pages = |it: &Range<u64>| it.start / PAGE_BYTES..it.end.div_ceil(PAGE_BYTES);
        for read in recorded.reads.lock().unwrap().iter().filter(|it| !it.is_empty()) {
            let is_foreseen = |page: u64| foreseen.iter().any(|it| pages(it).contains(&page));
            assert!(pages(read).all(is_foreseen), "{}: {read:?} is not in {foreseen:?}", path.display());
        }
    }
}
