//! Layers of an image as one file system, without unpacking them.
//!
//! Invariant: whiteouts of a layer hide what lower layers hold, wherever they stand in it
//! (OCI image-spec, layer.md: "Whiteouts").
//! Invariant: a name never leads out of the root; the entry of a linked directory lands where the link points, inside it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;

use super::layer::Layer;
use super::tar::{Content, Member, MemberKind};
use crate::base::{Gap, ReadAt, Stage, TreePath};
use crate::tree::{Kind, Metadata, Tree};

/// Links followed before a path counts as a loop: Linux gives up after 40.
const LINKS: usize = 40;

/// Begins the name of a file that hides one of a lower layer.
pub(super) const WHITEOUT: &[u8] = b".wh.";

/// Hides everything that lower layers hold in its directory.
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";

/// Begins names that other layered file systems keep for themselves.
const RESERVED: &[u8] = b".wh..wh.";

/// Names in one image, directories that no member names included.
const NAMES: usize = 2_000_000;

/// Directories in one image: each takes 300 bytes, and one member may name two thousand of them.
const DIRECTORIES: usize = 400_000;

/// Names that are looked up to place the members of one image: a distribution takes three million, a minute is a billion.
const LOOKUPS: u64 = 150_000_000;

/// Gaps about members of one image: the rest is counted.
const GAPS: usize = 50;

type NodeId = u32;

const ROOT: NodeId = 0;

#[derive(Debug)]
enum Node {
    Directory { names: BTreeMap<Box<[u8]>, NodeId>, mode: u32 },
    File(u32),
    Link(Box<[u8]>),
    Other { mode: u32 },
}

/// A file, whatever its names are.
struct Inode {
    layer: u32,
    content: Content,
    mode: u32,
}

/// Layers, merged.
pub(super) struct LayeredTree {
    nodes: Vec<Node>,
    inodes: Vec<Inode>,
    layers: Vec<Arc<Layer>>,
}

/// Builds a [`LayeredTree`], base layer first.
pub(super) struct Merge {
    tree: LayeredTree,
    /// Targets of hard links that the layer itself hides, as they stand in the layers below.
    before: BTreeMap<Vec<u8>, NodeId>,
    directories: usize,
    lookups: u64,
    gaps: Vec<Gap>,
    further_gaps: usize,
}

/// Whether names that begin with `.wh.` hide something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whiteouts {
    /// In layers of images.
    Count,
    /// In the archive of a whole root they are files like any other.
    AreFiles,
}

impl Merge {
    pub(super) fn new() -> Self {
        let root = Node::Directory { names: BTreeMap::new(), mode: 0o755 };
        let tree = LayeredTree { nodes: vec![root], inodes: Vec::new(), layers: Vec::new() };
        Self { tree, before: BTreeMap::new(), directories: 0, lookups: 0, gaps: Vec::new(), further_gaps: 0 }
    }

    /// Puts a layer on top.
    pub(super) fn add(&mut self, layer: Arc<Layer>, members: Vec<Member>, whiteouts: Whiteouts) {
        let number = u32::try_from(self.tree.layers.len()).unwrap_or(u32::MAX);
        self.tree.layers.push(layer);
        let is_marker = |it: &Member| whiteouts == Whiteouts::Count && last(&it.name).starts_with(WHITEOUT);
        if members.iter().any(is_marker) {
            let before = self.targets(&members);
            let mut own = Own { members: &members, directories: None };
            for member in members.iter().filter(|it| is_marker(it)) {
                self.hide(&member.name, &mut own);
            }
            let after = self.targets(&members);
            self.before = before.into_iter().filter(|(target, _)| !after.contains_key(target)).collect();
        } else {
            self.before.clear();
        }
        for member in members {
            if !is_marker(&member) {
                self.put(number, member);
            }
        }
        if let (Whiteouts::Count, Some(Node::Directory { names, .. })) = (whiteouts, self.tree.nodes.first_mut()) {
            names.retain(|name, _| !name.starts_with(RESERVED));
        }
    }

    /// The whole, and what was wrong with its members.
    pub(super) fn finish(mut self) -> (LayeredTree, Vec<Gap>) {
        if 0 < self.further_gaps {
            let reason = format!("{} more members could not be placed", self.further_gaps);
            self.gaps.push(Gap::new(&TreePath::root(), Stage::Tree, reason, "files of the image"));
        }
        self.tree.tell_layers();
        (self.tree, self.gaps)
    }

    fn hide(&mut self, name: &[u8], own: &mut Own<'_>) {
        let (above, marker) = split(name);
        let directory = match self.directory(&above, &mut Ask::Hide(own)) {
            Ok(directory) => directory.and_then(|it| self.tree.nodes.get_mut(it as usize)),
            Err(reason) => return self.gap(name, reason),
        };
        let Some(Node::Directory { names, .. }) = directory else { return };
        if marker == OPAQUE {
            names.clear();
        } else if !marker.starts_with(RESERVED) {
            names.remove(marker.get(WHITEOUT.len()..).unwrap_or_default());
        }
    }

    /// What the hard links of a layer name in the layers below it.
    fn targets(&mut self, members: &[Member]) -> BTreeMap<Vec<u8>, NodeId> {
        let mut found = BTreeMap::new();
        for member in members {
            if let MemberKind::HardLink(target) = &member.kind
                && let Ok(Some(node)) = self.target(target)
            {
                found.insert(target.clone(), node);
            }
        }
        found
    }

    fn put(&mut self, layer: u32, member: Member) {
        let (above, name) = split(&member.name);
        if let Err(reason) = self.room() {
            return self.gap(&member.name, reason);
        }
        if name.is_empty() {
            if let (MemberKind::Directory, Some(Node::Directory { mode, .. })) =
                (&member.kind, self.tree.nodes.first_mut())
            {
                *mode = member.mode;
            }
            return;
        }
        let name: Box<[u8]> = name.into();
        let path = member.name.clone();
        match self.directory(&above, &mut Ask::Add) {
            Ok(Some(directory)) => {
                let node = self.node(layer, member, directory, &name);
                match node {
                    Ok(Some(node)) => self.attach(directory, name, node),
                    Ok(None) => {}
                    Err(reason) => self.gap(&path, reason),
                }
            }
            Ok(None) => {}
            Err(reason) => self.gap(&path, reason),
        }
    }

    /// What stands at the name from now on; nothing new where a directory meets one.
    fn node(&mut self, layer: u32, member: Member, directory: NodeId, name: &[u8]) -> Result<Option<Node>, String> {
        Ok(Some(match member.kind {
            MemberKind::File => {
                let inode = u32::try_from(self.tree.inodes.len()).unwrap_or(u32::MAX);
                self.tree.inodes.push(Inode { layer, content: member.content, mode: member.mode });
                Node::File(inode)
            }
            MemberKind::Link(target) => Node::Link(target.into()),
            MemberKind::Other => Node::Other { mode: member.mode },
            MemberKind::Directory => {
                let there = self.tree.child(directory, name);
                if let Some(Node::Directory { mode, .. }) = there.and_then(|it| self.tree.nodes.get_mut(it as usize)) {
                    *mode = member.mode;
                    return Ok(None);
                }
                Node::Directory { names: BTreeMap::new(), mode: member.mode }
            }
            MemberKind::HardLink(target) => self.linked(&target)?,
        }))
    }

    /// The file that a hard link names at this moment.
    fn linked(&mut self, target: &[u8]) -> Result<Node, String> {
        let found = self.target(target)?.or_else(|| self.before.get(target).copied());
        let said = || crate::base::printable(target);
        match found.and_then(|it| self.tree.nodes.get(it as usize)) {
            Some(Node::File(inode)) => Ok(Node::File(*inode)),
            Some(Node::Link(target)) => Ok(Node::Link(target.clone())),
            Some(Node::Other { mode }) => Ok(Node::Other { mode: *mode }),
            Some(Node::Directory { .. }) => Err(format!("a hard link to the directory {}", said())),
            None => Err(format!("a hard link to {}, which is not there", said())),
        }
    }

    fn target(&mut self, target: &[u8]) -> Result<Option<NodeId>, String> {
        let (above, name) = split(target);
        Ok(self.directory(&above, &mut Ask::Find)?.and_then(|it| self.tree.child(it, &name)))
    }

    fn room(&self) -> Result<(), String> {
        if self.tree.nodes.len() == NAMES {
            return Err(format!("more than {NAMES} names"));
        }
        if self.directories == DIRECTORIES {
            return Err(format!("more than {DIRECTORIES} directories"));
        }
        Ok(())
    }

    fn attach(&mut self, directory: NodeId, name: Box<[u8]>, node: Node) {
        let id = NodeId::try_from(self.tree.nodes.len()).unwrap_or(NodeId::MAX);
        self.directories += usize::from(matches!(node, Node::Directory { .. }));
        self.tree.nodes.push(node);
        if let Some(Node::Directory { names, .. }) = self.tree.nodes.get_mut(directory as usize) {
            names.insert(name, id);
        }
    }

    /// The directory with these names from the root on, links followed inside the root. `None` where it is not there.
    fn directory(&mut self, path: &[Vec<u8>], ask: &mut Ask<'_, '_>) -> Result<Option<NodeId>, String> {
        let mut at = vec![ROOT];
        let mut rest: Vec<Vec<u8>> = path.iter().rev().cloned().collect();
        let (mut links, mut from_links, mut spelled) = (0, 0_usize, 0);
        while let Some(name) = rest.pop() {
            self.lookups += 1;
            if LOOKUPS < self.lookups {
                return Err(format!("more than {LOOKUPS} lookups of names"));
            }
            let is_spelled = from_links == 0;
            spelled += usize::from(is_spelled);
            from_links = from_links.saturating_sub(1);
            let here = at.last().copied().unwrap_or(ROOT);
            if name == b".." {
                if 1 < at.len() {
                    at.pop();
                }
                continue;
            }
            let child = self.tree.child(here, &name);
            match child.and_then(|it| Some((it, self.tree.nodes.get(it as usize)?))) {
                Some((id, Node::Directory { .. })) => at.push(id),
                Some((_, Node::Link(target))) => {
                    if is_spelled && ask.is_replaced(path.get(..spelled).unwrap_or_default()) {
                        return Ok(None);
                    }
                    links += 1;
                    if LINKS < links {
                        return Err("too many levels of symbolic links".to_owned());
                    }
                    if target.first() == Some(&b'/') {
                        at.truncate(1);
                    }
                    let elements = elements(target);
                    from_links += elements.len();
                    rest.extend(elements.into_iter().rev());
                }
                Some((_, Node::File(_) | Node::Other { .. })) => {
                    return if ask.adds() { Err("its parent is no directory".to_owned()) } else { Ok(None) };
                }
                None if !ask.adds() => return Ok(None),
                None => {
                    self.room()?;
                    self.attach(here, name.into(), Node::Directory { names: BTreeMap::new(), mode: 0o755 });
                    at.push(NodeId::try_from(self.tree.nodes.len() - 1).unwrap_or(NodeId::MAX));
                }
            }
        }
        Ok(at.last().copied())
    }

    fn gap(&mut self, name: &[u8], reason: String) {
        if self.gaps.len() < GAPS {
            self.gaps.push(Gap::new(&TreePath::new(name), Stage::Tree, reason, "this file of the image"));
        } else {
            self.further_gaps += 1;
        }
    }
}

/// What a directory is looked for.
enum Ask<'a, 'b> {
    /// To put something in: it is made where it is not there.
    Add,
    /// To see what is in it.
    Find,
    /// To hide what lower layers put in: where the layer itself has a directory instead of their link, that is nothing.
    Hide(&'a mut Own<'b>),
}

impl Ask<'_, '_> {
    fn adds(&self) -> bool {
        match self {
            Self::Add => true,
            Self::Find | Self::Hide(_) => false,
        }
    }

    fn is_replaced(&mut self, path: &[Vec<u8>]) -> bool {
        match self {
            Self::Add | Self::Find => false,
            Self::Hide(own) => own.has_directory(path),
        }
    }
}

/// What the layer that hides something holds itself.
struct Own<'a> {
    members: &'a [Member],
    /// The names of its directories, once somebody asks.
    directories: Option<HashSet<Vec<Vec<u8>>>>,
}

impl Own<'_> {
    fn has_directory(&mut self, path: &[Vec<u8>]) -> bool {
        let directories = self.directories.get_or_insert_with(|| {
            let directories = self.members.iter().filter(|it| it.kind == MemberKind::Directory);
            directories.map(|it| names(&it.name)).collect()
        });
        directories.contains(path)
    }
}

impl LayeredTree {
    /// Where the bytes of its files are, by the number in their identity.
    pub(super) fn contents(&self) -> Vec<Content> {
        self.inodes.iter().map(|it| it.content.clone()).collect()
    }

    /// Tells every layer which of its files are there after all.
    fn tell_layers(&self) {
        let mut todo = vec![ROOT];
        while let Some(id) = todo.pop() {
            match self.nodes.get(id as usize) {
                Some(Node::Directory { names, .. }) => todo.extend(names.values()),
                Some(Node::File(number)) => {
                    if let Some(inode) = self.inodes.get(*number as usize)
                        && let Some(layer) = self.layers.get(inode.layer as usize)
                    {
                        layer.has_name(&inode.content);
                    }
                }
                Some(Node::Link(_) | Node::Other { .. }) | None => {}
            }
        }
        self.layers.iter().for_each(|it| it.forget_hidden());
    }

    fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        match self.nodes.get(directory as usize)? {
            Node::Directory { names, .. } => names.get(name).copied(),
            Node::File(_) | Node::Link(_) | Node::Other { .. } => None,
        }
    }

    fn find(&self, path: &TreePath) -> io::Result<(NodeId, &Node)> {
        let mut at = ROOT;
        for element in path.elements() {
            let Some(Node::Directory { names, .. }) = self.nodes.get(at as usize) else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            at = *names.get(element).ok_or(io::ErrorKind::NotFound)?;
        }
        self.nodes.get(at as usize).map(|it| (at, it)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn inode(&self, inode: u32) -> io::Result<&Inode> {
        self.inodes.get(inode as usize).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn kind(&self, node: NodeId) -> Kind {
        match self.nodes.get(node as usize) {
            Some(Node::Directory { .. }) => Kind::Directory,
            Some(Node::File(_)) => Kind::File,
            Some(Node::Link(_)) => Kind::Link,
            Some(Node::Other { .. }) | None => Kind::Other,
        }
    }
}

impl Tree for LayeredTree {
    fn metadata(&self, path: &TreePath) -> io::Result<Metadata> {
        let (id, node) = self.find(path)?;
        let own = (0, u64::from(id));
        Ok(match node {
            Node::Directory { mode, .. } => Metadata { kind: Kind::Directory, size_bytes: 0, mode: *mode, id: own },
            Node::Link(target) => Metadata { kind: Kind::Link, size_bytes: target.len() as u64, mode: 0o777, id: own },
            Node::Other { mode } => Metadata { kind: Kind::Other, size_bytes: 0, mode: *mode, id: own },
            Node::File(number) => {
                let inode = self.inode(*number)?;
                let id = (1, u64::from(*number));
                Metadata { kind: Kind::File, size_bytes: inode.content.size_bytes, mode: inode.mode, id }
            }
        })
    }

    fn list(&self, directory: &TreePath) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        match self.find(directory)?.1 {
            Node::Directory { names, .. } => {
                Ok(names.iter().map(|(name, id)| (name.to_vec(), self.kind(*id))).collect())
            }
            Node::File(_) | Node::Link(_) | Node::Other { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn read_link(&self, path: &TreePath) -> io::Result<Vec<u8>> {
        match self.find(path)?.1 {
            Node::Link(target) => Ok(target.to_vec()),
            Node::Directory { .. } | Node::File(_) | Node::Other { .. } => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn open(&self, path: &TreePath) -> io::Result<Box<dyn ReadAt>> {
        let Node::File(number) = self.find(path)?.1 else { return Err(io::ErrorKind::InvalidInput.into()) };
        let inode = self.inode(*number)?;
        let layer = self.layers.get(inode.layer as usize).ok_or(io::ErrorKind::NotFound)?;
        Ok(layer.open(&inode.content))
    }
}

/// The names in the target of a link; `.` and empty ones vanish.
fn elements(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|b| *b == b'/').filter(|it| !it.is_empty() && *it != b".").map(<[u8]>::to_vec).collect()
}

/// The names of a member from the root on. `..` removes the name before it, whatever that is: so do those that unpack
/// images (umoci, docker and containerd clean a name before they look at the file system).
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for name in elements(path) {
        if name == b".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    names
}

/// The names above the last one, and the last; that is empty for the root.
fn split(name: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut all = names(name);
    let last = all.pop().unwrap_or_default();
    (all, last)
}

/// The last name of a path as written.
pub(super) fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b'/').find(|it| !it.is_empty() && *it != b".").unwrap_or_default()
}
