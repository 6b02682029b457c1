//! Writes a shared object from a description, valid enough that the real ld.so loads it.
//!
//! Three PT_LOAD segments without padding between them: tables and constants (R), code (R E), dynamic section, data
//! and .bss (RW). Addresses differ from offsets. A defined function returns a number; an executable ends with 0.
//!
//! Invariant: the same description gives the same bytes.

use serde::Deserialize;

use super::elf_writer::Writer;

/// One object, as it stands in TOML. Everything is optional: `elf = {}` is a valid shared object without a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElfSpec {
    /// `x86_64` `i386` `x32` `aarch64` `aarch64_be` `ppc64` `ppc64le` `s390x` `s390` `arm` `riscv64`.
    pub machine: String,
    /// What the file is.
    pub kind: Kind,
    /// `EI_OSABI`.
    pub os_abi: u8,
    /// PT_INTERP.
    pub interpreter: Option<String>,
    /// DT_SONAME.
    pub soname: Option<String>,
    /// DT_NEEDED in order.
    pub needed: Vec<String>,
    /// DT_RPATH as written.
    pub rpath: Option<String>,
    /// DT_RUNPATH as written.
    pub runpath: Option<String>,
    /// DT_AUXILIARY in order.
    pub auxiliary: Vec<String>,
    /// DT_FILTER in order.
    pub filter: Vec<String>,
    /// DT_AUDIT.
    pub audit: Vec<String>,
    /// DT_DEPAUDIT.
    pub depaudit: Vec<String>,
    /// DF_1_NODEFLIB.
    pub no_default_library_path: bool,
    /// Further bits of DT_FLAGS_1.
    pub flags_1: u64,
    /// Defined symbols.
    pub defines: Vec<Define>,
    /// Undefined symbols. On x86_64 each has a relocation, so that ld.so insists on it.
    pub wants: Vec<Want>,
    /// The wanted symbol that an executable calls first, instead of ending (x86_64).
    pub entry_calls: Option<String>,
    /// DT_VERNEED beyond what `wants` names.
    pub needs_versions: Vec<NeedsVersions>,
    /// DT_VERDEF beyond what `defines` names.
    pub defines_versions: Vec<String>,
    /// Texts in `.rodata`, each NUL-terminated.
    pub text: Vec<String>,
    /// Text in `.comment`; needs section headers.
    pub comment: Option<String>,
    /// Build id in hexadecimal.
    pub build_id: Option<String>,
    /// Which hash tables there are.
    pub hash: Hash,
    /// Bits of the x86 ISA levels that it needs: 2 is v2, 4 is v3, 8 is v4.
    pub isa_needed: Option<u32>,
    /// PT_GNU_STACK.
    pub stack: Stack,
    /// Whether there are section headers.
    pub sections: bool,
    /// Extra bytes of zeros in `.rodata` before the texts.
    pub padding_bytes: usize,
    /// Only so many bytes of the file are there.
    pub truncate_bytes: Option<usize>,
    /// A defect.
    pub broken: Option<Broken>,
}

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// ET_DYN, also for an executable with `interpreter`.
    Shared,
    /// ET_EXEC at a fixed address.
    Executable,
    /// ET_REL by its header; the rest is the same.
    Relocatable,
    /// ET_DYN without PT_DYNAMIC: a static program.
    Static,
}

/// Which hash tables there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    /// DT_GNU_HASH.
    Gnu,
    /// DT_HASH.
    Sysv,
    /// DT_GNU_HASH and DT_HASH.
    Both,
    /// None: ld.so then finds no symbol.
    None,
}

/// PT_GNU_STACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stack {
    /// Read and write.
    Plain,
    /// With PF_X.
    Executable,
    /// No such header.
    Absent,
}

/// A defect in an otherwise whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// The file ends in the middle of its last segment.
    Truncated,
    /// 40 bytes of header and nothing else.
    HalfHeader,
    /// `EI_CLASS` 7.
    BadClass,
    /// `EI_DATA` 7.
    BadByteOrder,
    /// `e_phentsize` 1.
    BadProgramHeaderSize,
    /// `e_phoff` beyond the file.
    WildProgramHeaders,
    /// DT_STRTAB at an address outside every segment.
    WildStrings,
    /// DT_SONAME beyond the string table.
    WildSoname,
    /// DT_SYMTAB at an address outside every segment.
    WildSymbols,
}

/// A defined symbol: `"f"` or a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "DefineText")]
pub struct Define {
    /// Its name.
    pub name: String,
    /// What it names.
    pub kind: DefineKind,
    /// STB_WEAK.
    pub weak: bool,
    /// STB_LOCAL: no definition for others.
    pub local: bool,
    /// STV_HIDDEN: no definition for others.
    pub hidden: bool,
    /// Size in bytes; that of `text` or 8 where it is not given.
    pub size_bytes: Option<u64>,
    /// What a function returns (x86_64 and i386).
    pub returns: u32,
    /// Bytes of an object, NUL-terminated.
    pub text: Option<String>,
    /// Its version, defined by the file.
    pub version: Option<String>,
}

/// What a defined symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefineKind {
    /// STT_FUNC in the code.
    Function,
    /// STT_FUNC that calls its third argument with the first two: `dlopen` with this object as the caller (x86_64).
    Caller,
    /// STT_OBJECT in the data.
    Object,
    /// STT_OBJECT in .bss.
    Bss,
    /// STT_NOTYPE with an absolute value.
    Absolute,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a name or { name, kind, weak, local, hidden, size_bytes, returns, text, version }"
)]
enum DefineText {
    Name(String),
    Table(DefineTable),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DefineTable {
    name: String,
    kind: Option<DefineKind>,
    weak: bool,
    local: bool,
    hidden: bool,
    size_bytes: Option<u64>,
    returns: u32,
    text: Option<String>,
    version: Option<String>,
}

impl From<DefineText> for Define {
    fn from(text: DefineText) -> Self {
        let table = match text {
            DefineText::Table(table) => table,
            DefineText::Name(name) => DefineTable { name, ..DefineTable::default() },
        };
        let default = if table.text.is_some() { DefineKind::Object } else { DefineKind::Function };
        Self {
            name: table.name,
            kind: table.kind.unwrap_or(default),
            weak: table.weak,
            local: table.local,
            hidden: table.hidden,
            size_bytes: table.size_bytes,
            returns: table.returns,
            text: table.text,
            version: table.version,
        }
    }
}

/// An undefined symbol: `"f"` or a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WantText")]
pub struct Want {
    /// Its name.
    pub name: String,
    /// STB_WEAK.
    pub weak: bool,
    /// The version and the file that it is wanted of.
    pub version: Option<(String, String)>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or { name, weak, version, from }")]
enum WantText {
    Name(String),
    Table(WantTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantTable {
    name: String,
    #[serde(default)]
    weak: bool,
    version: Option<String>,
    from: Option<String>,
}

impl From<WantText> for Want {
    fn from(text: WantText) -> Self {
        match text {
            WantText::Name(name) => Self { name, weak: false, version: None },
            WantText::Table(table) => {
                Self { name: table.name, weak: table.weak, version: table.version.zip(table.from) }
            }
        }
    }
}

/// Versions needed of one file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedsVersions {
    /// The SONAME.
    pub file: String,
    /// Strong needs.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Weak needs.
    #[serde(default)]
    pub weak: Vec<String>,
}

impl Default for ElfSpec {
    fn default() -> Self {
        Self {
            machine: "x86_64".to_owned(),
            kind: Kind::Shared,
            os_abi: 0,
            interpreter: None,
            soname: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            auxiliary: Vec::new(),
            filter: Vec::new(),
            audit: Vec::new(),
            depaudit: Vec::new(),
            no_default_library_path: false,
            flags_1: 0,
            defines: Vec::new(),
            wants: Vec::new(),
            entry_calls: None,
            needs_versions: Vec::new(),
            defines_versions: Vec::new(),
            text: Vec::new(),
            comment: None,
            build_id: None,
            hash: Hash::Gnu,
            isa_needed: None,
            stack: Stack::Plain,
            sections: true,
            padding_bytes: 0,
            truncate_bytes: None,
            broken: None,
        }
    }
}

impl ElfSpec {
    /// A description in TOML, as it stands behind `elf =` in a fixture.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("ELF description:\n{error}"))
    }

    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Writer::new(self).finish();
        let half = bytes.len() * 2 / 3;
        match self.broken {
            Some(Broken::Truncated) => bytes.truncate(self.truncate_bytes.unwrap_or(half)),
            Some(Broken::HalfHeader) => bytes.truncate(40),
            Some(_) | None => bytes.truncate(self.truncate_bytes.unwrap_or(usize::MAX)),
        }
        bytes
    }
}
