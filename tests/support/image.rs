//! Layers of images from text.
//!
//! ```toml
//! [[layer]]
//! coding  = "gzip"                          # where the test does not choose one
//! entries = [                               # in this order; names as written, %XX is a byte
//!     { directory = "etc", mode = 0o700 },
//!     { file = "etc/hosts", text = "x" },   # text, hex, elf, or nothing
//!     { link = "lib", target = "usr/lib" },
//!     { hard_link = "b", target = "etc/hosts" },
//!     { fifo = "x.so" }, { device = "y.so" },
//!     { whiteout = "etc/gone" },            # etc/.wh.gone
//!     { opaque = "etc" },                   # etc/.wh..wh..opq
//!     { file = "holes", size = 100, holes = [[10, "abc"]], sparse = "pax10" },
//!     { file = "liar", text = "x", says_bytes = 9223372036854775807 },
//!     { file = "long", names = "pax" },     # gnu, ustar, pax
//! ]
//! ```

use std::io::Write;

use serde::Deserialize;

use super::elf_builder::ElfSpec;
use super::fixture::{Fixture, cache_bytes, from_hex, raw};
use super::tar_writer::{Header, Names, Sparse, TarWriter};

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Not at all.
    #[default]
    Plain,
    /// One member.
    Gzip,
    /// One member that holds the bytes as they are: the same bytes with every version of every compressor.
    GzipStored,
    /// Two members, cut somewhere.
    GzipTwo,
    /// One frame.
    Zstd,
    /// A frame that holds nothing of the file comes first.
    ZstdSkippable,
    /// One stream.
    Xz,
}

impl Coding {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Plain, Self::Gzip, Self::GzipStored, Self::GzipTwo, Self::Zstd, Self::ZstdSkippable, Self::Xz];

    /// The end of the media type of a layer.
    pub fn media_suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip | Self::GzipStored | Self::GzipTwo => "+gzip",
            Self::Zstd | Self::ZstdSkippable => "+zstd",
            Self::Xz => "+xz",
        }
    }

    /// The bytes, compressed.
    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => bytes.to_vec(),
            Self::Gzip => gzip(bytes, 6),
            Self::GzipStored => gzip(bytes, 0),
            Self::GzipTwo => {
                let (first, second) = bytes.split_at(bytes.len() / 3);
                [gzip(first, 6), gzip(second, 1)].concat()
            }
            Self::Zstd => zstd::encode_all(bytes, 3).unwrap(),
            Self::ZstdSkippable => {
                let skipped = b"\x50\x2a\x4d\x18\x08\0\0\0whatever".to_vec();
                [skipped, zstd::encode_all(bytes, 1).unwrap()].concat()
            }
            Self::Xz => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
        }
    }
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// How it is compressed.
    pub coding: Option<Coding>,
    /// Its members.
    pub entries: Vec<Entry>,
    /// The two empty blocks at its end are missing.
    pub endless: bool,
    /// What stands behind its end, before it is compressed.
    pub after: String,
    /// The whole of it, in hexadecimal, instead of members.
    pub hex: Option<String>,
    /// So many of its stored bytes are missing at the end.
    pub cut_bytes: usize,
    /// The stored byte at this place is another.
    pub flip: Option<usize>,
}

/// A member of a layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    pub file: Option<String>,
    pub directory: Option<String>,
    pub link: Option<String>,
    pub hard_link: Option<String>,
    pub fifo: Option<String>,
    pub device: Option<String>,
    pub whiteout: Option<String>,
    pub opaque: Option<String>,
    pub target: Option<String>,
    pub text: Option<String>,
    pub hex: Option<String>,
    pub elf: Option<Box<ElfSpec>>,
    pub mode: Option<u32>,
    pub names: Names,
    pub size: Option<u64>,
    pub holes: Vec<(u64, String)>,
    pub sparse: Sparse,
    pub says_bytes: Option<u64>,
    pub pax: Vec<(String, String)>,
}

impl Layer {
    /// What is stored, in the coding of the layer, else in this one.
    #[track_caller]
    pub fn stored(&self, coding: Coding, prefix: &str) -> Vec<u8> {
        let mut bytes = self.coding(coding).encode(&self.tar(prefix));
        bytes.truncate(bytes.len() - self.cut_bytes);
        if let Some(at) = self.flip {
            bytes[at] ^= 0x55;
        }
        bytes
    }

    /// The coding of the layer, else this one.
    pub fn coding(&self, other: Coding) -> Coding {
        self.coding.unwrap_or(other)
    }

    /// Before it is compressed; every name begins with `prefix`.
    #[track_caller]
    pub fn tar(&self, prefix: &str) -> Vec<u8> {
        if let Some(hex) = &self.hex {
            return from_hex(hex);
        }
        let mut writer = TarWriter::default();
        for entry in &self.entries {
            entry.write(&mut writer, prefix);
        }
        let mut bytes = if self.endless { writer.cut() } else { writer.end() };
        bytes.extend(raw(&self.after));
        bytes
    }

    /// Whether names in it hide others.
    pub fn has_whiteouts(&self) -> bool {
        let is_marker = |it: &Entry| it.kind().1.split(|b| *b == b'/').any(|it| it.starts_with(b".wh."));
        self.entries.iter().any(is_marker)
    }
}

/// The tree of a fixture as one layer.
impl From<&Fixture> for Layer {
    fn from(fixture: &Fixture) -> Self {
        let mut entries = Vec::new();
        let place = |path: &str| Some(path.trim_start_matches('/').to_owned());
        for it in &fixture.directories {
            entries.push(Entry { directory: place(&it.path), mode: it.mode, ..Entry::default() });
        }
        for it in &fixture.files {
            let entry = Entry { file: place(&it.path), mode: it.mode, ..Entry::default() };
            entries.push(match &it.same_as {
                Some(first) => Entry { file: None, hard_link: entry.file, target: place(first), ..Entry::default() },
                None => Entry { elf: it.elf.clone(), text: it.text.clone(), hex: it.hex.clone(), ..entry },
            });
        }
        for it in &fixture.links {
            let target = Some(it.target.clone());
            entries.push(Entry { link: place(&it.path), target, ..Entry::default() });
        }
        for it in &fixture.caches {
            let bytes = cache_bytes(&it.entries);
            let hex = bytes.iter().map(|it| format!("{it:02x}")).collect();
            entries.push(Entry { file: place(&it.path), hex: Some(hex), ..Entry::default() });
        }
        Self { entries, ..Self::default() }
    }
}

impl Entry {
    #[track_caller]
    fn write(&self, writer: &mut TarWriter, prefix: &str) {
        let (kind, name) = self.kind();
        let mode = self.mode.unwrap_or(if kind == b'5' { 0o755 } else { 0o644 });
        let name = if prefix.is_empty() || name == b"./" { name } else { [prefix.as_bytes(), &name].concat() };
        let header = Header {
            name,
            kind,
            mode,
            target: self.target.as_deref().map(raw).unwrap_or_default(),
            says_bytes: self.says_bytes,
            names: self.names,
            pax: self.pax.iter().map(|(key, value)| (key.clone(), raw(value))).collect(),
        };
        if self.holes.is_empty() && self.size.is_none() {
            return writer.member(&header, &self.content());
        }
        let stretches: Vec<(u64, Vec<u8>)> = self.holes.iter().map(|(at, text)| (*at, raw(text))).collect();
        writer.sparse(&header, &stretches, self.size.unwrap_or(0), self.sparse);
    }

    #[track_caller]
    fn kind(&self) -> (u8, Vec<u8>) {
        let hidden = |directory: &[u8], name: &[u8]| match directory {
            b"" => name.to_vec(),
            directory => [directory, b"/", name].concat(),
        };
        let whiteout = |path: &String| {
            let path = raw(path);
            let cut = path.iter().rposition(|b| *b == b'/');
            match cut {
                Some(at) => hidden(&path[..at], &[b".wh.", &path[at + 1..]].concat()),
                None => [b".wh.", path.as_slice()].concat(),
            }
        };
        let opaque = |path: &String| hidden(&raw(path), b".wh..wh..opq");
        let slashed = |path: &String| if path.ends_with('/') { raw(path) } else { [&raw(path)[..], b"/"].concat() };
        let all = [
            self.file.as_ref().map(|it| (b'0', raw(it))),
            self.directory.as_ref().map(|it| (b'5', slashed(it))),
            self.link.as_ref().map(|it| (b'2', raw(it))),
            self.hard_link.as_ref().map(|it| (b'1', raw(it))),
            self.fifo.as_ref().map(|it| (b'6', raw(it))),
            self.device.as_ref().map(|it| (b'3', raw(it))),
            self.whiteout.as_ref().map(|it| (b'0', whiteout(it))),
            self.opaque.as_ref().map(|it| (b'0', opaque(it))),
        ];
        let mut found = all.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(one), None) => one,
            _ => panic!("an entry is exactly one thing: {self:?}"),
        }
    }

    #[track_caller]
    fn content(&self) -> Vec<u8> {
        match (&self.text, &self.hex, &self.elf) {
            (Some(text), None, None) => raw(text),
            (None, Some(hex), None) => from_hex(hex),
            (None, None, Some(elf)) => elf.build(),
            (None, None, None) => Vec::new(),
            _ => panic!("at most one of text, hex, elf: {self:?}"),
        }
    }
}
