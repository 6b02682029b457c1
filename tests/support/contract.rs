//! What every [`Tree`] promises, whatever is behind it.

use std::io::ErrorKind;

use pyhpc_audit::base::{ReadAt, TreePath, read_range};
use pyhpc_audit::tree::{Kind, Metadata, Tree};

/// Asks `tree` everything about every path of it.
#[track_caller]
pub fn hold(tree: &dyn Tree) {
    let root = tree.metadata(&TreePath::root()).unwrap();
    assert_eq!(root.kind, Kind::Directory);
    directory(tree, &TreePath::root());
}

fn directory(tree: &dyn Tree, path: &TreePath) {
    let list = tree.list(path).unwrap();
    assert!(list.is_sorted_by(|a, b| a.0 < b.0), "{path} is not sorted, or names something twice");
    assert!(tree.open(path).is_err() && tree.read_link(path).is_err(), "{path} is a directory");
    let nothing = path.join("no-such-name");
    assert_eq!(tree.metadata(&nothing).map_err(|it| it.kind()), Err(ErrorKind::NotFound), "{nothing}");
    assert_eq!(tree.list(&nothing.join("x")).map_err(|it| it.kind()), Err(ErrorKind::NotFound), "{nothing}/x");
    for (name, kind) in list {
        assert!(!name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/'), "{path}");
        let path = path.join(&name);
        let it = tree.metadata(&path).unwrap();
        assert_eq!(it.kind, kind, "{path}: its directory and itself say different things");
        assert!(it.mode <= 0o7777, "{path}");
        match kind {
            Kind::Directory => directory(tree, &path),
            Kind::File => file(tree, &path, &it),
            Kind::Link => {
                assert_eq!(tree.read_link(&path).unwrap().len() as u64, it.size_bytes, "{path}");
                no_directory(tree, &path);
                assert!(tree.open(&path).is_err(), "{path} is a link, and was opened");
            }
            Kind::Other => {
                no_directory(tree, &path);
                assert!(tree.open(&path).is_err(), "{path} is a device, and was opened");
                assert!(tree.read_link(&path).is_err(), "{path}");
            }
        }
    }
}

fn file(tree: &dyn Tree, path: &TreePath, it: &Metadata) {
    no_directory(tree, path);
    assert_eq!(tree.read_link(path).map_err(|it| it.kind()), Err(ErrorKind::InvalidInput), "{path}");
    let file = tree.open(path).unwrap();
    assert_eq!(file.size_bytes(), it.size_bytes, "{path}");
    let mut buffer = [0; 7];
    assert_eq!(file.read_at(it.size_bytes, &mut buffer).unwrap(), 0, "{path} goes on behind its end");
    assert_eq!(file.read_at(u64::MAX, &mut buffer).unwrap(), 0, "{path} goes on behind everything");
    assert_eq!(file.read_at(0, &mut []).unwrap(), 0, "{path}");
    if it.size_bytes <= 1 << 20 {
        let whole = read_range(&*file, 0, it.size_bytes).unwrap();
        let half = it.size_bytes / 2;
        let rest = read_range(&*file, half, it.size_bytes - half).unwrap();
        assert_eq!(&whole[usize::try_from(half).unwrap()..], rest, "{path}: its bytes depend on where one begins");
    }
}

fn no_directory(tree: &dyn Tree, path: &TreePath) {
    assert_eq!(tree.list(path).map_err(|it| it.kind()), Err(ErrorKind::NotADirectory), "{path}");
    let below = path.join("x");
    assert_eq!(tree.metadata(&below).map_err(|it| it.kind()), Err(ErrorKind::NotADirectory), "{below}");
    assert_eq!(tree.open(&below).map(|_| ()).map_err(|it| it.kind()), Err(ErrorKind::NotADirectory), "{below}");
}
