//! The JSON of images: OCI layouts and what `docker save` writes.
//!
//! Sources: opencontainers/image-spec (image-layout, image-index, manifest, config), moby's tarexport.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::coding::Coding;
use super::store::Store;
use super::{ArchiveError, ImageConfig, ImageName};
use crate::base::printable;

/// Indexes within indexes.
const NESTING: usize = 4;

/// Indexes of one archive: each may name the others again.
const INDEXES: usize = 1000;

/// Images of one archive.
const IMAGES: usize = 1000;

/// Layers of one image: overlayfs takes 500.
const LAYERS: usize = 1000;

/// The tag of an OCI image, in `index.json`.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The whole name that containerd and docker write beside it.
const FULL_NAME: &str = "io.containerd.image.name";

/// Marks what buildkit attaches to an image.
const REFERENCE: &str = "vnd.docker.reference.type";

/// An image of the archive, before anything of it is read.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) name: ImageName,
    pub(super) place: Place,
}

/// Where an image's description is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// An OCI manifest.
    Manifest(Descriptor),
    /// What `manifest.json` says: paths of the configuration and of the layers.
    Saved { config: String, layers: Vec<String> },
}

/// Where the layers are and what the image says of itself.
pub(super) struct Described {
    pub(super) config: ImageConfig,
    /// Paths in the store, base first, with the size that the manifest gives.
    pub(super) layers: Vec<(String, Option<u64>)>,
}

impl Described {
    /// A layer, for people: its number, from 1, and its path in the archive.
    pub(super) fn named(&self, at: usize) -> String {
        let path = self.layers.get(at).map_or("", |(path, _)| path.as_str());
        format!("layer {} of {} ({})", at + 1, self.layers.len(), printable(path.as_bytes()))
    }

    /// Whether a layer has the size that the manifest gives.
    ///
    /// # Errors
    /// When it has another.
    pub(super) fn check_size(&self, at: usize, stored_bytes: u64) -> Result<(), ArchiveError> {
        let said = self.layers.get(at).and_then(|(_, size_bytes)| *size_bytes);
        if said.is_none_or(|it| it == stored_bytes) {
            return Ok(());
        }
        let named = self.named(at);
        Err(ArchiveError::broken(format_args!("{named} does not have the size that its manifest says")))
    }

    /// How a layer is compressed that begins with `head`.
    ///
    /// # Errors
    /// When it is not read.
    pub(super) fn coding(&self, at: usize, head: &[u8]) -> Result<Coding, ArchiveError> {
        let Some(name) = Coding::unread(head) else { return Ok(Coding::of(head)) };
        let hint = "save the image with layers in gzip or zstd";
        Err(ArchiveError(format!("{} is compressed with {name}, which is not read: {hint}", self.named(at))))
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Descriptor {
    digest: String,
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// An index, or a manifest.
#[derive(Deserialize)]
struct Either {
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    config: Option<Run>,
}

#[derive(Default, Deserialize)]
struct Run {
    #[serde(default, rename = "Env")]
    env: Option<Vec<String>>,
    #[serde(default, rename = "User")]
    user: Option<String>,
    #[serde(default, rename = "Entrypoint")]
    entrypoint: Option<Vec<String>>,
    #[serde(default, rename = "Cmd")]
    cmd: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(default, rename = "RepoTags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

/// The images that `store` holds.
pub(super) fn images(store: &Store) -> Result<Vec<Listed>, ArchiveError> {
    let mut list = Vec::new();
    let is_oci = store.holds("index.json");
    if !is_oci && !store.holds("manifest.json") {
        return Err(ArchiveError::broken("it has neither index.json nor manifest.json"));
    }
    if is_oci {
        let index: Index = store.json("index.json", None)?;
        Walk { store, indexes: 0, list: &mut list }.index(&index, &[], NESTING)?;
    } else {
        let saved: Vec<Saved> = store.json("manifest.json", None)?;
        for it in saved.into_iter().take(IMAGES) {
            let name = ImageName { tags: it.tags.unwrap_or_default(), architecture: None, digest: id(&it.config) };
            list.push(Listed { name, place: Place::Saved { config: it.config, layers: it.layers } });
        }
    }
    if list.is_empty() {
        return Err(ArchiveError::broken("it holds no image"));
    }
    Ok(list)
}

/// The identity of a saved image: the name of its configuration, which is its digest.
fn id(config: &str) -> Option<String> {
    let stem = config.strip_suffix(".json").or_else(|| config.strip_prefix("blobs/sha256/"))?;
    (stem.len() == 64).then(|| format!("sha256:{stem}"))
}

/// Goes through indexes within indexes.
struct Walk<'a> {
    store: &'a Store,
    /// How many were read.
    indexes: usize,
    list: &'a mut Vec<Listed>,
}

impl Walk<'_> {
    fn index(&mut self, index: &Index, above: &[String], depth: usize) -> Result<(), ArchiveError> {
        for it in &index.manifests {
            if IMAGES <= self.list.len() {
                return Err(ArchiveError(format!("more than {IMAGES} images")));
            }
            if is_attached(it) {
                continue;
            }
            let own = tags(it);
            let tags = if own.is_empty() { above.to_vec() } else { own };
            if !self.is_index(it)? {
                self.image(it, tags);
                continue;
            }
            if depth == 0 {
                return Err(ArchiveError(format!("more than {NESTING} indexes within each other")));
            }
            let inner: Index = self.json(it)?;
            self.index(&inner, &tags, depth - 1)?;
        }
        Ok(())
    }

    /// An image; further tags of one that is known.
    fn image(&mut self, it: &Descriptor, tags: Vec<String>) {
        let architecture = it.platform.as_ref().map(|it| it.architecture.clone()).filter(|it| !it.is_empty());
        let digest = Some(it.digest.clone());
        match self.list.iter_mut().find(|known| known.name.digest == digest) {
            Some(known) => known.name.tags.extend(tags),
            None => {
                let name = ImageName { tags, architecture, digest };
                self.list.push(Listed { name, place: Place::Manifest(it.clone()) });
            }
        }
    }

    /// By what the descriptor says, else by what is there: the media type is only a hint.
    fn is_index(&mut self, it: &Descriptor) -> Result<bool, ArchiveError> {
        if it.media_type.ends_with("image.index.v1+json") || it.media_type.ends_with("manifest.list.v2+json") {
            return Ok(true);
        }
        if it.media_type.contains("manifest") {
            return Ok(false);
        }
        let content: Either = self.json(it)?;
        Ok(content.manifests.is_some())
    }

    fn json<T: DeserializeOwned>(&mut self, it: &Descriptor) -> Result<T, ArchiveError> {
        self.indexes += 1;
        if INDEXES < self.indexes {
            return Err(ArchiveError(format!("more than {INDEXES} indexes")));
        }
        self.store.json(&path(&it.digest)?, Some(&it.digest))
    }
}

/// What was built beside an image, about it.
fn is_attached(it: &Descriptor) -> bool {
    it.annotations.as_ref().is_some_and(|it| it.contains_key(REFERENCE))
        || it.platform.as_ref().is_some_and(|it| it.architecture == "unknown" || it.os == "unknown")
}

/// The short name of an image is the end of the whole one; a reader asks for either.
fn tags(it: &Descriptor) -> Vec<String> {
    let note = |key: &&str| it.annotations.as_ref()?.get(*key).cloned();
    let all: Vec<String> = [FULL_NAME, REF_NAME].iter().filter_map(note).collect();
    match all.as_slice() {
        [full, short] if full.ends_with(&format!(":{short}")) || full == short => vec![full.clone()],
        _ => all,
    }
}

/// What one image is made of.
pub(super) fn described(store: &Store, place: &Place) -> Result<Described, ArchiveError> {
    let (config, digest, layers) = match place {
        Place::Manifest(it) => {
            let manifest: Manifest = store.json(&path(&it.digest)?, Some(&it.digest))?;
            let layers = manifest.layers.iter().map(|it| Ok((path(&it.digest)?, Some(it.size))));
            let layers: Result<Vec<_>, ArchiveError> = layers.collect();
            (path(&manifest.config.digest)?, Some(manifest.config.digest), layers?)
        }
        Place::Saved { config, layers } => (config.clone(), None, layers.iter().map(|it| (it.clone(), None)).collect()),
    };
    if LAYERS < layers.len() {
        return Err(ArchiveError(format!("{} layers, at most {LAYERS} are read", layers.len())));
    }
    let config: Config = store.json(&config, digest.as_deref())?;
    let run = config.config.unwrap_or_default();
    Ok(Described {
        config: ImageConfig {
            env: Some(run.env.unwrap_or_default()),
            entrypoint: run.entrypoint.unwrap_or_default(),
            cmd: run.cmd.unwrap_or_default(),
            user: run.user.unwrap_or_default(),
        },
        layers,
    })
}

/// Where a blob lies. A digest comes from the archive: only what the specification allows becomes a path.
fn path(digest: &str) -> Result<String, ArchiveError> {
    let refused = || ArchiveError::broken(format_args!("\"{}\" is no digest", printable(digest.as_bytes())));
    let (algorithm, encoded) = digest.split_once(':').ok_or_else(refused)?;
    let word = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let algorithm_is_right = algorithm.split(['+', '.', '_', '-']).all(word);
    let encoded_is_right = match algorithm {
        "sha256" => encoded.len() == 64 && encoded.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        _ => !encoded.is_empty() && encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b)),
    };
    if algorithm_is_right && encoded_is_right { Ok(format!("blobs/{algorithm}/{encoded}")) } else { Err(refused()) }
}

/// Whether `bytes` are those that a digest of SHA-256 names; `true` for other algorithms, which are not computed.
pub(super) fn matches(digest: &str, bytes: &[u8]) -> bool {
    match digest.strip_prefix("sha256:") {
        Some(expected) => Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect::<String>() == expected,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_is_a_path_is_refused() {
        for it in ["sha256:../../etc/passwd", "sha256:/etc/passwd", "../x:ab", "sha256", "sha256:ABCD", "sha512:a/b"] {
            assert!(path(it).is_err(), "{it}");
        }
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(path(&digest), Ok(format!("blobs/sha256/{}", "0a".repeat(32))));
    }
}
