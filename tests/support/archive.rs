//! Archives of images from text: the layers of [`super::image`] in every shape that writers give them.
//!
//! ```toml
//! shape  = "oci-tar"                        # oci, oci-tar, docker, docker-25, root
//! coding = "gzip"                           # of the archive as a whole; where a layer says none: layer_coding
//! nested = true                             # an index within the index, and what a build attaches
//! [[image]]
//! tags = ["example.org/a:1"]
//! architecture = "arm64"                    # amd64
//! env  = ["PATH=/usr/bin"]
//! [[image.layer]]
//! entries = [{ file = "a" }]
//! [[change]]                                # after all is written
//! part    = "layer-1"                       # of the first image; also image-2/layer-1, config, manifest, index.json ..
//! missing = true                            # or text, hex, link, blanks; digest, size: what its descriptor says
//! ```

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fixture::{Fixture, from_hex, raw};
use super::image::{Coding, Entry, Layer};
use super::tar_writer::{Header, TarWriter};

/// What an archive is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A directory with an OCI layout.
    Oci,
    /// The same in a tar.
    #[default]
    OciTar,
    /// What docker saved before 25, and skopeo does: links to layers, `manifest.json` at the end.
    Docker,
    /// What docker saves since 25: both descriptions.
    Docker25,
    /// The root of one image, in one tar.
    Root,
}

/// An archive.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// Where a test writes it.
    pub file: String,
    pub shape: Shape,
    pub coding: Coding,
    pub layer_coding: Coding,
    pub nested: bool,
    #[serde(rename = "image")]
    pub images: Vec<Image>,
    #[serde(rename = "change")]
    pub changes: Vec<Change>,
}

/// One image of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    pub tags: Vec<String>,
    pub architecture: Option<String>,
    pub env: Vec<String>,
    /// Whether its first layer is the tree of `tests/audit/python.toml`.
    pub python: bool,
    #[serde(rename = "layer")]
    pub layers: Vec<Layer>,
}

/// What is done to a part.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    pub part: String,
    pub missing: bool,
    pub text: Option<String>,
    pub hex: Option<String>,
    pub link: Option<String>,
    /// So many blanks stand at its end.
    pub blanks: usize,
    pub digest: Option<String>,
    pub size: Option<u64>,
}

/// A file of the archive.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is for, in a word.
    pub role: String,
    pub path: String,
    pub content: Content,
}

/// What is in it.
#[derive(Debug, Clone)]
pub enum Content {
    Bytes(Vec<u8>),
    Link(String),
}

impl Archive {
    /// One image with these layers.
    pub fn of(layers: &[Layer], shape: Shape, layer_coding: Coding) -> Self {
        let image = Image { tags: vec!["example.org/it:1".to_owned()], layers: layers.to_vec(), ..Image::default() };
        Self { shape, layer_coding, images: vec![image], ..Self::default() }
    }

    /// Puts the layer in that `python` asks for: this tree, and a name in `/usr/bin`.
    pub fn completed(mut self, python: &Fixture) -> Self {
        let mut layer = Layer::from(python);
        let target = Some("../../sw/python/bin/python3".to_owned());
        layer.entries.push(Entry { link: Some("usr/bin/python3".to_owned()), target, ..Entry::default() });
        for image in self.images.iter_mut().filter(|it| it.python) {
            image.layers.insert(0, layer.clone());
        }
        self
    }

    /// The archive in one file; for every shape but a directory.
    #[track_caller]
    pub fn bytes(&self) -> Vec<u8> {
        if self.shape == Shape::Root {
            let layer = &self.images[0].layers[0];
            return self.coding.encode(&layer.stored(Coding::Plain, "./"));
        }
        let mut writer = TarWriter::default();
        for part in self.parts() {
            let header = Header { name: part.path.into_bytes(), kind: b'0', mode: 0o644, ..Header::default() };
            match part.content {
                Content::Bytes(bytes) => writer.member(&header, &bytes),
                Content::Link(target) => {
                    writer.member(&Header { kind: b'2', target: target.into_bytes(), ..header }, &[]);
                }
            }
        }
        self.coding.encode(&writer.end())
    }

    /// Its files.
    #[track_caller]
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = match self.shape {
            Shape::Oci | Shape::OciTar => self.oci(),
            Shape::Docker => self.docker(),
            Shape::Docker25 => {
                let mut parts = self.oci();
                let saved = self.images.iter().enumerate().map(|(at, image)| self.saved(at, image, &mut Vec::new()));
                parts.push(part("manifest.json", "manifest.json", Value::from_iter(saved)));
                parts
            }
            Shape::Root => panic!("a root has no parts"),
        };
        for change in &self.changes {
            let it = parts.iter_mut().find(|it| it.role == change.part).unwrap_or_else(|| panic!("{}", change.part));
            match (&change.text, &change.hex, &change.link) {
                (Some(text), ..) => it.content = Content::Bytes(raw(text)),
                (_, Some(hex), _) => it.content = Content::Bytes(from_hex(hex)),
                (.., Some(link)) => it.content = Content::Link(link.clone()),
                (None, None, None) => {}
            }
            if let Content::Bytes(bytes) = &mut it.content {
                bytes.resize(bytes.len() + change.blanks, b' ');
            }
        }
        parts.retain(|it| !self.changes.iter().any(|change| change.missing && change.part == it.role));
        parts.dedup_by(|second, first| second.path == first.path);
        parts
    }

    /// Writes the archive to `path`.
    #[track_caller]
    pub fn write(&self, path: &std::path::Path) {
        if self.shape != Shape::Oci {
            return std::fs::write(path, self.bytes()).unwrap();
        }
        for part in self.parts() {
            let file = path.join(&part.path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            match part.content {
                Content::Bytes(bytes) => std::fs::write(file, bytes).unwrap(),
                Content::Link(target) => {
                    if file.symlink_metadata().is_err() {
                        std::os::unix::fs::symlink(target, file).unwrap();
                    }
                }
            }
        }
    }

    fn oci(&self) -> Vec<Part> {
        let mut parts = vec![part("oci-layout", "oci-layout", json!({"imageLayoutVersion": "1.0.0"}))];
        let mut manifests: Vec<Value> = Vec::new();
        for (at, image) in self.images.iter().enumerate() {
            manifests.extend(self.manifest(at, image, &mut parts));
        }
        if self.nested {
            let attached = "vnd.docker.reference.type";
            let mut attestation =
                self.blob("attestation", &json!({"layers": [], "config": {"digest": ""}}), &mut parts);
            attestation["annotations"] = json!({attached: "attestation-manifest"});
            attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
            attestation["mediaType"] = "application/vnd.oci.image.manifest.v1+json".into();
            manifests.push(attestation);
            let inner = json!({"schemaVersion": 2, "manifests": manifests});
            let mut outer = self.blob("index", &inner, &mut parts);
            outer["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
            manifests = vec![outer];
        }
        parts.push(part("index.json", "index.json", json!({"schemaVersion": 2, "manifests": manifests})));
        parts
    }

    /// The descriptors of an image, one per tag.
    fn manifest(&self, at: usize, image: &Image, parts: &mut Vec<Part>) -> Vec<Value> {
        let config = config(image);
        let mut layers = Vec::new();
        for (number, layer) in image.layers.iter().enumerate() {
            let stored = layer.stored(self.layer_coding, "");
            let role = role(at, &format!("layer-{}", number + 1));
            let mut descriptor = self.descriptor(&role, &stored);
            let suffix = layer.coding(self.layer_coding).media_suffix();
            descriptor["mediaType"] = format!("application/vnd.oci.image.layer.v1.tar{suffix}").into();
            layers.push(descriptor);
            parts.push(blob_part(&role, stored));
        }
        let mut config = self.blob(&role(at, "config"), &config, parts);
        config["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        let mut descriptor = self.blob(&role(at, "manifest"), &manifest, parts);
        descriptor["mediaType"] = "application/vnd.oci.image.manifest.v1+json".into();
        if let Some(architecture) = &image.architecture {
            descriptor["platform"] = json!({"architecture": architecture, "os": "linux"});
        }
        let tagged = |tag: &String| {
            let mut one = descriptor.clone();
            one["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
            one
        };
        if image.tags.is_empty() { vec![descriptor] } else { image.tags.iter().map(tagged).collect() }
    }

    fn docker(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut saved = Vec::new();
        for (at, image) in self.images.iter().enumerate() {
            saved.push(self.saved(at, image, &mut parts));
        }
        parts.push(part("repositories", "repositories", json!({})));
        parts.push(part("manifest.json", "manifest.json", Value::from_iter(saved)));
        parts
    }

    /// The entry of `manifest.json`; the files that it names, in the way of old docker.
    fn saved(&self, at: usize, image: &Image, parts: &mut Vec<Part>) -> Value {
        let is_old = self.shape == Shape::Docker;
        let mut names = Vec::new();
        for (number, layer) in image.layers.iter().enumerate() {
            let stored = layer.stored(self.layer_coding, "");
            let hex = hex(&stored);
            let role = role(at, &format!("layer-{}", number + 1));
            parts.push(Part { role, path: format!("{hex}.tar"), content: Content::Bytes(stored) });
            let directory = format!("{at}{number}-{hex}");
            let content = Content::Link(format!("../{hex}.tar"));
            parts.push(Part { role: String::new(), path: format!("{directory}/layer.tar"), content });
            names.push(if is_old { format!("{directory}/layer.tar") } else { format!("blobs/sha256/{hex}") });
        }
        let config = serde_json::to_vec(&config(image)).unwrap();
        let hex = hex(&config);
        let path = format!("{hex}.json");
        parts.push(Part { role: role(at, "config"), path: path.clone(), content: Content::Bytes(config) });
        let path = if is_old { path } else { format!("blobs/sha256/{hex}") };
        json!({"Config": path, "RepoTags": image.tags, "Layers": names})
    }

    /// A blob of JSON, and its descriptor.
    fn blob(&self, role: &str, content: &Value, parts: &mut Vec<Part>) -> Value {
        let bytes = serde_json::to_vec(content).unwrap();
        let descriptor = self.descriptor(role, &bytes);
        parts.push(blob_part(role, bytes));
        descriptor
    }

    fn descriptor(&self, role: &str, bytes: &[u8]) -> Value {
        let change = self.changes.iter().find(|it| it.part == role);
        let digest = change.and_then(|it| it.digest.clone()).unwrap_or_else(|| format!("sha256:{}", hex(bytes)));
        let size = change.and_then(|it| it.size).unwrap_or(bytes.len() as u64);
        json!({"mediaType": "", "digest": digest, "size": size})
    }
}

fn config(image: &Image) -> Value {
    let differences: Vec<String> = image.layers.iter().map(|it| format!("sha256:{}", hex(&it.tar("")))).collect();
    json!({
        "architecture": image.architecture.as_deref().unwrap_or("amd64"),
        "os": "linux",
        "config": {"Env": image.env, "Cmd": ["python3"]},
        "rootfs": {"type": "layers", "diff_ids": differences},
    })
}

fn role(image: usize, part: &str) -> String {
    if image == 0 { part.to_owned() } else { format!("image-{}/{part}", image + 1) }
}

fn part(role: &str, path: &str, content: Value) -> Part {
    let content = Content::Bytes(serde_json::to_vec(&content).unwrap());
    Part { role: role.to_owned(), path: path.to_owned(), content }
}

fn blob_part(role: &str, bytes: Vec<u8>) -> Part {
    Part { role: role.to_owned(), path: format!("blobs/sha256/{}", hex(&bytes)), content: Content::Bytes(bytes) }
}

/// SHA-256 in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}
