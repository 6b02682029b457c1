//! Images that are made to hurt, for `tests/live/hostile`: `cargo run --example hostile_image NAME DIRECTORY`.
//!
//! Each is an OCI layout: the small Python of `tests/audit/python.toml`, and what hurts. Without arguments: their names.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support"]
mod support {
    pub mod elf_builder;
    pub mod elf_file;
    pub mod elf_tables;
    pub mod elf_writer;
    pub mod fixture;
    pub mod image;
    pub mod macho_writer;
    pub mod tar_writer;
}

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use support::fixture::Fixture;
use support::image::{Coding, Entry, Layer};
use support::tar_writer::{Header, Sparse, TarWriter};

const GIB: u64 = 1 << 30;

/// Writes the layers of one image.
type Make = fn(&mut Writer);

/// A name, and what writes it.
const IMAGES: [(&str, Make); 18] = [
    ("gzip-zeros", |it| it.layer(gzip, |out| zeros(out, 10 * GIB))),
    ("zstd-zeros", |it| it.layer(zstd, |out| zeros(out, 10 * GIB))),
    ("zstd-zeros-twenty", |it| {
        it.layer(zstd, |out| zeros(out, 10 * GIB));
        let layer = it.layers.last().cloned().expect("a layer");
        it.layers.extend(vec![layer; 19]);
    }),
    ("xz-zeros", |it| it.layer(xz, |out| zeros(out, 10 * GIB))),
    ("zstd-window", |it| it.layer(wide_zstd, |out| zeros(out, 1 << 20))),
    ("xz-dictionary", |it| it.layer(wide_xz, |out| zeros(out, 1 << 20))),
    ("members", |it| it.layer(zstd, |out| files(out, 1_000_001, |at| format!("many/{at}"), b""))),
    ("members-plain", |it| it.layer(plain, |out| files(out, 1_000_001, |at| format!("many/{at}"), b""))),
    ("texts", |it| it.layer(zstd, |out| files(out, 900_000, |at| format!("many/{at}.py"), b"import os\n"))),
    ("large-texts", |it| it.layer(zstd, random_texts)),
    ("long-names", |it| (0..3).for_each(|layer| it.layer(zstd, |out| files(out, 60_000, |at| long(layer, at), b"x")))),
    ("deep-names", |it| it.layer(zstd, |out| files(out, 30_000, |at| format!("{at}/{}x", "a/".repeat(2000)), b"x"))),
    ("deep-twice", |it| {
        (0..2)
            .for_each(|_| it.layer(zstd, |out| files(out, 30_000, |at| format!("{at}/{}x", "a/".repeat(2000)), b"x")));
    }),
    ("links", |it| it.layer(zstd, links)),
    ("sparse", |it| it.layer(gzip, sparse)),
    ("endless-header", |it| it.layer(zstd, endless)),
    ("indexes", |it| it.nested = 1000),
    ("environment", |it| it.environment = 2_700_000),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let found = arguments.first().and_then(|name| IMAGES.iter().find(|(it, _)| it == name));
    let (Some((_, write)), Some(directory)) = (found, arguments.get(1)) else {
        IMAGES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::from(if arguments.is_empty() { 0 } else { 2 });
    };
    let mut writer = Writer::new(Path::new(directory));
    write(&mut writer);
    writer.finish();
    ExitCode::SUCCESS
}

struct Writer {
    directory: PathBuf,
    layers: Vec<Value>,
    /// Names in each of four indexes that name each other.
    nested: usize,
    /// Variables of the configuration.
    environment: usize,
}

impl Writer {
    fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("blobs/sha256")).expect("a directory");
        let mut it = Self { directory: directory.to_owned(), layers: Vec::new(), nested: 0, environment: 0 };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = fs::read_to_string(project.join("tests/audit/python.toml")).expect("tests/audit/python.toml");
        let mut python = Layer::from(&Fixture::parse(&python));
        let target = Some("../../sw/python/bin/python3".to_owned());
        python.entries.push(Entry { link: Some("usr/bin/python3".to_owned()), target, ..Entry::default() });
        let layer = it.blob(&python.stored(Coding::Gzip, ""));
        it.layers.push(layer);
        it
    }

    fn layer(&mut self, coding: fn(Box<dyn Write>) -> Finish, write: impl FnOnce(&mut dyn Write)) {
        let path = self.directory.join("layer");
        let mut encoder = coding(Box::new(BufWriter::new(File::create(&path).expect("a file"))));
        write(&mut encoder);
        encoder.finish();
        let mut hash = Sha256::new();
        let size = io::copy(&mut File::open(&path).expect("a file"), &mut hash).expect("its bytes");
        let digest: String = hash.finalize().iter().map(|it| format!("{it:02x}")).collect();
        fs::rename(path, self.directory.join("blobs/sha256").join(&digest)).expect("a blob");
        self.layers.push(json!({"digest": format!("sha256:{digest}"), "size": size}));
    }

    fn blob(&self, bytes: &[u8]) -> Value {
        let digest: String = Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect();
        fs::write(self.directory.join("blobs/sha256").join(&digest), bytes).expect("a blob");
        json!({"digest": format!("sha256:{digest}"), "size": bytes.len()})
    }

    fn finish(self) {
        let json = |it: &Value| serde_json::to_vec(it).expect("JSON");
        let environment = vec![""; self.environment];
        let config = self.blob(&json(&json!({"architecture": "amd64", "config": {"Env": environment}})));
        let manifest = self.blob(&json(&json!({"config": config, "layers": self.layers})));
        let mut index = json!({"manifests": [manifest]});
        for _ in 0..if self.nested == 0 { 0 } else { 4 } {
            let mut inner = self.blob(&json(&index));
            inner["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
            index = json!({"manifests": vec![inner; self.nested]});
        }
        fs::write(self.directory.join("index.json"), json(&index)).expect("index.json");
        fs::write(self.directory.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).expect("oci-layout");
    }
}

/// An encoder that has to be told that it is the end.
enum Finish {
    Plain(Box<dyn Write>),
    Gzip(flate2::write::GzEncoder<Box<dyn Write>>),
    Zstd(zstd::stream::write::Encoder<'static, Box<dyn Write>>),
    Xz(liblzma::write::XzEncoder<Box<dyn Write>>),
}

impl Finish {
    fn finish(self) {
        let mut out = match self {
            Self::Plain(it) => it,
            Self::Gzip(it) => it.finish().expect("gzip"),
            Self::Zstd(it) => it.finish().expect("zstd"),
            Self::Xz(it) => it.finish().expect("xz"),
        };
        out.flush().expect("all bytes");
    }
}

impl Write for Finish {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(it) => it.write(bytes),
            Self::Gzip(it) => it.write(bytes),
            Self::Zstd(it) => it.write(bytes),
            Self::Xz(it) => it.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn plain(out: Box<dyn Write>) -> Finish {
    Finish::Plain(out)
}

fn gzip(out: Box<dyn Write>) -> Finish {
    Finish::Gzip(flate2::write::GzEncoder::new(out, flate2::Compression::new(1)))
}

fn zstd(out: Box<dyn Write>) -> Finish {
    Finish::Zstd(zstd::stream::write::Encoder::new(out, 1).expect("zstd"))
}

fn wide_zstd(out: Box<dyn Write>) -> Finish {
    let mut encoder = zstd::stream::write::Encoder::new(out, 1).expect("zstd");
    encoder.window_log(30).expect("a window of 1 GiB");
    Finish::Zstd(encoder)
}

fn xz(out: Box<dyn Write>) -> Finish {
    Finish::Xz(liblzma::write::XzEncoder::new(out, 0))
}

fn wide_xz(out: Box<dyn Write>) -> Finish {
    let mut options = liblzma::stream::LzmaOptions::new_preset(0).expect("a preset");
    options.dict_size(256 << 20);
    let mut filters = liblzma::stream::Filters::new();
    filters.lzma2(&options);
    let stream = liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32).expect("xz");
    Finish::Xz(liblzma::write::XzEncoder::new_stream(out, stream))
}

fn header(name: String) -> Header {
    Header { name: name.into_bytes(), kind: b'0', mode: 0o644, ..Header::default() }
}

fn write(out: &mut dyn Write, writer: TarWriter) {
    out.write_all(&writer.cut()).expect("all bytes");
}

fn zeros(out: &mut dyn Write, size_bytes: u64) {
    let mut writer = TarWriter::default();
    let header = Header {
        says_bytes: Some(size_bytes),
        ..header("sw/python/lib/python3.11/site-packages/zeros.abi3.so".to_owned())
    };
    writer.member(&header, b"");
    write(out, writer);
    let zeros = vec![0; 1 << 20];
    for _ in 0..size_bytes >> 20 {
        out.write_all(&zeros).expect("zeros");
    }
    out.write_all(&[0; 1024]).expect("an end");
}

fn files(out: &mut dyn Write, count: usize, name: impl Fn(usize) -> String, content: &[u8]) {
    for at in 0..count {
        let mut writer = TarWriter::default();
        writer.member(&header(name(at)), content);
        write(out, writer);
    }
    out.write_all(&[0; 1024]).expect("an end");
}

fn long(layer: usize, at: usize) -> String {
    let name = format!("{layer}-{at}-{}", "n".repeat(230));
    vec![name; 16].join("/").chars().take(4000).collect()
}

/// Texts that cannot be compressed, 400 MB.
fn random_texts(out: &mut dyn Write) {
    let mut state = 1_u64;
    for at in 0..400 {
        let mut text = vec![0; 1 << 20];
        for it in &mut text {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *it = b' ' + (state >> 40) as u8 % 90;
        }
        let mut writer = TarWriter::default();
        writer.member(&header(format!("texts/{at}.py")), &text);
        write(out, writer);
    }
}

/// A million members, each behind forty links of two thousand names.
fn links(out: &mut dyn Write) {
    let mut writer = TarWriter::default();
    for at in 0..40 {
        let target = format!("{}l{}", "d/../".repeat(800), at + 1);
        let kind = if at == 39 { b'5' } else { b'2' };
        let name = format!("l{at}{}", if kind == b'5' { "/" } else { "" });
        writer.member(&Header { kind, target: target.into_bytes(), ..header(name) }, b"");
    }
    writer.member(&Header { kind: b'5', ..header("d/".to_owned()) }, b"");
    write(out, writer);
    files(out, 1_000_000 - 100, |at| format!("l0/{at}"), b"");
}

/// A file with holes whose list of them goes on for a gigabyte and names none.
fn endless(out: &mut dyn Write) {
    let mut writer = TarWriter::default();
    writer.sparse(&header("sparse".to_owned()), &vec![(0, b"x".to_vec()); 5], 10, Sparse::Gnu);
    out.write_all(&writer.cut()[..512]).expect("a header");
    let mut block = [0; 512];
    block[504] = 1;
    (0..GIB / 512).for_each(|_| out.write_all(&block).expect("a block"));
}

/// An object of 10 GiB, of which a page is there; and a hundred of them.
fn sparse(out: &mut dyn Write) {
    let magic = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
    let mut writer = TarWriter::default();
    for at in 0..100 {
        let name = format!("sw/python/lib/python3.11/site-packages/_sparse{at}.cpython-311-x86_64-linux-gnu.so");
        writer.sparse(&header(name), &[(0, magic.clone()), (10 * GIB, Vec::new())], 10 * GIB, Sparse::Pax01);
    }
    let text = "sw/python/lib/python3.11/site-packages/large.py".to_owned();
    writer.sparse(&header(text), &[(0, b"import os\n".to_vec()), (10 * GIB, Vec::new())], 10 * GIB, Sparse::Gnu);
    write(out, writer);
    out.write_all(&[0; 1024]).expect("an end");
}
