//! From a file or directory to the images in it, and from one of them to its files.

use std::sync::Arc;

use super::coding::{BEYOND_RATIO_BYTES, Coding, TooWide};
use super::hidden::Hidden;
use super::kept::{Budget, Recent};
use super::layer::{Budgets, Cut, Layer, Listing, Reading};
use super::layered::{LayeredTree, Merge, Whiteouts};
use super::manifest::{Described, Listed, described, images};
use super::store::Store;
use super::stream::Stream;
use super::tar::{FromFile, Member, Members, TarError};
use super::{ArchiveError, Foresight, Image, ImageConfig, ImageName, Progress};
use crate::base::{Gap, ReadAt, Stage, TreePath};
use crate::tree::squashfs::{SquashFsTree, is_squashfs};
use crate::tree::{Tree, View, sif};

/// First bytes by which a file is told.
const HEAD_BYTES: usize = 512;

/// Names and tables of one image, in bytes.
const TABLE_BYTES: u64 = 160 << 20;

/// Pages of compressed layers that are kept at their first reading, in bytes.
const FIRST_BYTES: u64 = 128 << 20;

/// Pages that are kept at the second, in bytes.
const SECOND_BYTES: u64 = 64 << 20;

/// In the root of an OCI layout, and of nothing else (image-spec, image-layout.md).
const LAYOUT: &[u8] = b"oci-layout";

/// What lists the images of an archive that has no such mark: `docker save`.
const LISTS: [&[u8]; 2] = [b"index.json", b"manifest.json"];

/// At the top of every root, and of no archive of layers.
const OF_ROOTS: [&[u8]; 2] = [b"usr", b"etc"];

/// In every root, and in no prefix of Python (the file is what `/` has and `/usr/local` or `/opt/conda` do not).
const ROOT_FILE: &str = "etc/passwd";

/// A file or directory that holds images.
pub struct Archive {
    content: Content,
    names: Vec<ImageName>,
}

enum Content {
    /// Images made of layers.
    Layers { store: Store, list: Vec<Listed>, stream: Option<Stream> },
    /// One root, which was read to tell what the file is.
    Root(Option<Image>),
}

impl Archive {
    /// What `path` holds; `None` where it is neither an image nor an archive of images.
    ///
    /// # Errors
    /// When it is one that cannot be read.
    pub fn at(
        view: &View,
        path: &TreePath,
        foresight: &dyn Foresight,
        progress: &dyn Progress,
    ) -> Result<Option<Self>, ArchiveError> {
        let said = |error: std::io::Error| ArchiveError(error.to_string());
        if view.is_directory(path.as_bytes()) {
            let is_layout = view.is_file(path.join(LAYOUT).as_bytes());
            return match is_layout {
                true => Self::of_layers(view.below(path).map_err(said)?, None).map(Some),
                false => Ok(None),
            };
        }
        if !view.is_file(path.as_bytes()) {
            return Ok(None);
        }
        let file: Arc<dyn ReadAt> = Arc::from(view.open(path.as_bytes()).map_err(said)?);
        let head = head(&*file).map_err(said)?;
        if let Some(name) = Coding::unread(&head) {
            return Err(ArchiveError(format!("it is compressed with {name}, which is not read: decompress it first")));
        }
        if sif::is_sif(&head) {
            return Self::of_sif(file).map(Some);
        }
        if is_squashfs(&head) {
            let size_bytes = file.size_bytes();
            return Self::of_squashfs(file, (0, size_bytes), Vec::new()).map(Some);
        }
        let reading = reading(foresight, progress);
        match Coding::of(&head) {
            Coding::Plain => Self::of_tar(file, &reading),
            coding @ (Coding::Gzip | Coding::Zstd | Coding::Xz) => Self::of_stream(file, coding, &reading).map(Some),
        }
    }

    /// The directory `path` as the root of an image: a sandbox, or what somebody unpacked.
    ///
    /// # Errors
    /// When it is no directory.
    pub fn of_directory(view: &View, path: &TreePath) -> Result<Self, ArchiveError> {
        let tree = view.below(path).map_err(|error| ArchiveError(error.to_string()))?;
        Ok(Self::of_root(Image { tree, config: ImageConfig::default(), gaps: Vec::new() }))
    }

    /// Whether a directory is the root of another system than the one that is looked at.
    pub fn is_root(view: &View, path: &TreePath) -> bool {
        let is_own = view.resolve(path.as_bytes()).is_ok_and(|it| it == TreePath::root());
        !is_own && view.is_directory(path.join("usr").as_bytes()) && view.is_file(path.join(ROOT_FILE).as_bytes())
    }

    /// The images in it, in its order.
    pub fn names(&self) -> &[ImageName] {
        &self.names
    }

    /// The files of the image with this number.
    ///
    /// # Errors
    /// When a part of it is missing or damaged.
    pub fn open(
        &mut self,
        number: usize,
        foresight: &dyn Foresight,
        progress: &dyn Progress,
    ) -> Result<Image, ArchiveError> {
        match &mut self.content {
            Content::Layers { store, list, stream } => {
                let listed = list.get(number).ok_or_else(|| ArchiveError("no such image".to_owned()))?;
                layered(store, stream.as_ref(), listed, &reading(foresight, progress))
            }
            Content::Root(image) => image.take().ok_or_else(|| ArchiveError("it was opened before".to_owned())),
        }
    }

    fn of_layers(tree: Box<dyn Tree>, stream: Option<Stream>) -> Result<Self, ArchiveError> {
        let store = Store::new(tree);
        let list = images(&store)?;
        let names = list.iter().map(|it| it.name.clone()).collect();
        Ok(Self { content: Content::Layers { store, list, stream }, names })
    }

    /// An archive that is not compressed: of layers, or of a root.
    fn of_tar(file: Arc<dyn ReadAt>, reading: &Reading<'_>) -> Result<Option<Self>, ArchiveError> {
        let mut first = Members::new(FromFile { file: &*file, at_bytes: 0 });
        match first.next() {
            Ok(Some(_)) => {}
            Ok(None) if 0 < file.size_bytes() => return Err(ArchiveError("it is an archive of nothing".to_owned())),
            Ok(None) | Err(_) => return Ok(None),
        }
        let (layer, listing) = Layer::read(file, Coding::Plain, reading, &|_| false);
        let layer = Arc::new(layer);
        if !is_of_layers(&listing.members) {
            return root(layer, listing).map(Self::of_root).map(Some);
        }
        let mut merge = Merge::new();
        merge.add(layer, whole(listing, "it")?.0, Whiteouts::AreFiles);
        Self::of_layers(Box::new(merge.finish().0), None).map(Some)
    }

    fn of_stream(file: Arc<dyn ReadAt>, coding: Coding, reading: &Reading<'_>) -> Result<Self, ArchiveError> {
        reading.progress.layer(1, 1);
        let (layer, listing) = Layer::read(Arc::clone(&file), coding, reading, &|_| false);
        if is_of_layers(&listing.members) {
            let mut merge = Merge::new();
            merge.add(Arc::new(layer), whole(listing, "it")?.0, Whiteouts::AreFiles);
            let tree = merge.finish().0;
            let stream = Stream { file, coding, contents: tree.contents() };
            return Self::of_layers(Box::new(tree), Some(stream));
        }
        root(Arc::new(layer), listing).map(Self::of_root)
    }

    fn of_sif(file: Arc<dyn ReadAt>) -> Result<Self, ArchiveError> {
        let sif = sif::read(&*file).map_err(|error| ArchiveError(error.to_string()))?;
        let gap = |it: &String| Gap::new(&TreePath::root(), Stage::Tree, it.clone(), "files of the image");
        let gaps = sif.unread.iter().map(gap).collect();
        let range = (sif.partition_offset_bytes, sif.partition_size_bytes);
        Self::of_squashfs(file, range, gaps)
    }

    fn of_squashfs(
        file: Arc<dyn ReadAt>,
        (offset_bytes, size_bytes): (u64, u64),
        mut gaps: Vec<Gap>,
    ) -> Result<Self, ArchiveError> {
        let tree =
            SquashFsTree::open(file, offset_bytes, size_bytes).map_err(|error| ArchiveError(error.to_string()))?;
        gaps.extend(tree.gaps());
        Ok(Self::of_root(Image { tree: Box::new(tree), config: ImageConfig::default(), gaps }))
    }

    fn of_root(image: Image) -> Self {
        Self { content: Content::Root(Some(image)), names: vec![ImageName::default()] }
    }
}

fn reading<'a>(foresight: &'a dyn Foresight, progress: &'a dyn Progress) -> Reading<'a> {
    let budgets = [FIRST_BYTES, SECOND_BYTES]
        .map(|pages| Budgets { pages: Budget::new(pages), stream: Budget::new(BEYOND_RATIO_BYTES) });
    Reading { foresight, progress, table: Budget::new(TABLE_BYTES), budgets, recent: Recent::default() }
}

/// The first bytes of a file, fewer where it is shorter.
fn head(file: &dyn ReadAt) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEAD_BYTES];
    let mut have = 0;
    while let Some(rest) = bytes.get_mut(have..).filter(|it| !it.is_empty()) {
        match file.read_at(have as u64, rest)? {
            0 => break,
            count => have += count,
        }
    }
    bytes.truncate(have);
    Ok(bytes)
}

/// Whether these are the members of an archive of layers, not of a root that holds a file of such a name.
fn is_of_layers(members: &[Member]) -> bool {
    let plain = |it: &Member| it.name.strip_prefix(b"./").unwrap_or(&it.name).to_vec();
    let holds = |wanted: &[&[u8]]| members.iter().any(|it| wanted.contains(&plain(it).as_slice()));
    let is_root = || {
        let first = |it: &Member| plain(it).split(|b| *b == b'/').next().unwrap_or_default().to_vec();
        members.iter().any(|it| OF_ROOTS.contains(&first(it).as_slice()))
    };
    holds(&[LAYOUT]) || (holds(&LISTS) && !is_root())
}

/// The members of a layer, with the gap of a limit; damage is an error: what is behind it may replace anything before it.
pub(super) fn whole(listing: Listing, layer: &str) -> Result<(Vec<Member>, Option<Gap>), ArchiveError> {
    match listing.cut {
        None => Ok((listing.members, None)),
        Some(Cut::Damage(TarError::Format { .. } | TarError::Endless(_) | TarError::Short(_)))
            if listing.members.is_empty() =>
        {
            Err(ArchiveError(format!("{layer} is no tar archive")))
        }
        Some(Cut::Damage(error)) if TooWide::is(&error) => Err(ArchiveError(format!("{layer} {error}"))),
        Some(Cut::Damage(error)) => Err(ArchiveError::broken(format_args!("{layer} is damaged: {error}"))),
        Some(Cut::Limit(reason)) => {
            let gap = Gap::new(&TreePath::root(), Stage::Tree, format!("{layer}: {reason}"), "files of the image");
            Ok((listing.members, Some(gap)))
        }
    }
}

fn root(layer: Arc<Layer>, listing: Listing) -> Result<Image, ArchiveError> {
    let (members, gap) = whole(listing, "it")?;
    let mut merge = Merge::new();
    merge.add(layer, members, Whiteouts::AreFiles);
    Ok(image(merge.finish(), ImageConfig::default(), gap.into_iter().collect()))
}

fn layered(
    store: &Store,
    stream: Option<&Stream>,
    listed: &Listed,
    reading: &Reading<'_>,
) -> Result<Image, ArchiveError> {
    let described = described(store, &listed.place)?;
    let mut gaps = Vec::new();
    let layers = match stream {
        Some(stream) => stream.layers(store, &described, reading, &mut gaps)?,
        None => from_the_top(store, &described, reading, &mut gaps)?,
    };
    let mut merge = Merge::new();
    for (layer, members) in layers {
        merge.add(layer, members, Whiteouts::Count);
    }
    Ok(image(merge.finish(), described.config, gaps))
}

/// A layer and its members.
pub(super) type ListedLayer = (Arc<Layer>, Vec<Member>);

/// Layers with their members, base first. Read from the top, so that nothing is kept of files that a layer above replaces
/// or hides.
fn from_the_top(
    store: &Store,
    described: &Described,
    reading: &Reading<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<ListedLayer>, ArchiveError> {
    let count = described.layers.len();
    let mut hidden = Hidden::default();
    let mut layers = Vec::new();
    for (at, (path, _)) in described.layers.iter().enumerate().rev() {
        reading.progress.layer(count - at, count);
        let named = described.named(at);
        let file = store.open(path)?;
        described.check_size(at, file.size_bytes())?;
        let head = head(&*file).map_err(|error| ArchiveError::broken(format_args!("{named}: {error}")))?;
        let coding = described.coding(at, &head)?;
        let (layer, listing) = Layer::read(file, coding, reading, &|it| hidden.holds(&it.name));
        let (members, gap) = whole(listing, &named)?;
        gaps.extend(gap);
        members.iter().for_each(|it| hidden.meet(it));
        layers.push((Arc::new(layer), members));
    }
    layers.reverse();
    Ok(layers)
}

fn image((tree, further): (LayeredTree, Vec<Gap>), config: ImageConfig, mut gaps: Vec<Gap>) -> Image {
    gaps.extend(further);
    Image { tree: Box::new(tree), config, gaps }
}
