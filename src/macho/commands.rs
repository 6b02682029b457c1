//! The load commands that say what a file is linked with and where its symbols and data lie. Six of some fifty matter.

use super::limits::{COMMAND_BYTES, COMMANDS, HEADER_BYTES};
use super::slice::{Kind, Slice};
use super::{Library, Linkage, MachError};

const LC_SEGMENT: u32 = 0x1;
const LC_SYMTAB: u32 = 0x2;
const LC_DYSYMTAB: u32 = 0xb;
const LC_LOAD_DYLIB: u32 = 0xc;
const LC_ID_DYLIB: u32 = 0xd;
const LC_SEGMENT_64: u32 = 0x19;
const LC_LOAD_WEAK_DYLIB: u32 = 0x8000_0018;
const LC_RPATH: u32 = 0x8000_001c;
const LC_REEXPORT_DYLIB: u32 = 0x8000_001f;
const LC_LOAD_UPWARD_DYLIB: u32 = 0x8000_0023;
const LC_LAZY_LOAD_DYLIB: u32 = 0x20;

/// MH_TWOLEVEL: symbols say from which library they are wanted.
const TWO_LEVEL: u32 = 0x80;

/// S_ATTR_PURE_INSTRUCTIONS and S_ATTR_SOME_INSTRUCTIONS.
const CODE: u32 = 0x8000_0400;
const SECTION_TYPE: u32 = 0xff;
/// S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL: no bytes in the file.
const ZEROFILL: [u32; 3] = [0x1, 0xc, 0x12];

/// What the load commands of one machine say.
pub(super) struct Commands {
    machine: u32,
    identity: Option<Vec<u8>>,
    libraries: Vec<Library>,
    rpaths: Vec<Vec<u8>>,
    pub(super) two_level: bool,
    pub(super) symbols: Option<SymbolTable>,
    /// First index and number of the symbols that are defined for others, and of those that are wanted.
    pub(super) ranges: Option<[(u64, u64); 2]>,
    pub(super) segments: Vec<Segment>,
    /// Offset and length of sections without code.
    pub(super) data: Vec<(u64, u64)>,
}

/// LC_SYMTAB.
#[derive(Debug, Clone, Copy)]
pub(super) struct SymbolTable {
    pub(super) offset: u64,
    pub(super) count: u64,
    pub(super) strings_offset: u64,
    pub(super) strings_bytes: u64,
}

/// What of the file is mapped where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Commands {
    /// Reads the header and all commands: two reads.
    pub(super) fn read(slice: &Slice) -> Result<Self, MachError> {
        let kind = slice.kind;
        let header_bytes = if kind.wide { HEADER_BYTES } else { HEADER_BYTES - 4 };
        let header = slice.read("the header", 0, header_bytes)?;
        let number = |at: usize| kind.u32_at(&header, at).unwrap_or_default();
        let (count, length) = (number(16), u64::from(number(20)));
        if COMMANDS < count || COMMAND_BYTES < length {
            return Err(MachError::Limit(format!("{count} load commands of {length} bytes")));
        }
        let mut commands = Self {
            machine: number(4),
            identity: None,
            libraries: Vec::new(),
            rpaths: Vec::new(),
            two_level: number(24) & TWO_LEVEL != 0,
            symbols: None,
            ranges: None,
            segments: Vec::new(),
            data: Vec::new(),
        };
        let bytes = slice.read("the load commands", header_bytes, length)?;
        let mut rest = bytes.as_slice();
        for _ in 0..count {
            let size = kind.u32_at(rest, 4).map_or(0, |it| it as usize);
            let Some((command, behind)) = rest.split_at_checked(size).filter(|_| 8 <= size) else {
                return Err(MachError::Malformed("a load command leaves the load commands".to_owned()));
            };
            commands.take(slice, command)?;
            rest = behind;
        }
        Ok(commands)
    }

    /// What others may know of them.
    pub(super) fn linkage(&self) -> Linkage {
        Linkage {
            machine: machine_name(self.machine),
            identity: self.identity.clone(),
            libraries: self.libraries.clone(),
            rpaths: self.rpaths.clone(),
        }
    }

    /// Where an address lies in the file.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|it| {
            let inside = address.checked_sub(it.address).filter(|inside| *inside < it.bytes)?;
            it.offset.checked_add(inside)
        })
    }

    fn take(&mut self, slice: &Slice, command: &[u8]) -> Result<(), MachError> {
        let kind = slice.kind;
        let short = || MachError::Malformed("a load command is too short".to_owned());
        let number = |at: usize| kind.u32_at(command, at).map(u64::from).ok_or_else(short);
        let word = kind.u32_at(command, 0).unwrap_or_default();
        match word {
            LC_ID_DYLIB => self.identity = Some(name(kind, command)?),
            LC_RPATH => self.rpaths.push(name(kind, command)?),
            LC_LOAD_DYLIB | LC_LOAD_WEAK_DYLIB | LC_REEXPORT_DYLIB | LC_LOAD_UPWARD_DYLIB | LC_LAZY_LOAD_DYLIB => {
                let weak = word == LC_LOAD_WEAK_DYLIB;
                self.libraries.push(Library { name: name(kind, command)?, weak });
            }
            LC_SYMTAB => {
                self.symbols = Some(SymbolTable {
                    offset: number(8)?,
                    count: number(12)?,
                    strings_offset: number(16)?,
                    strings_bytes: number(20)?,
                });
            }
            LC_DYSYMTAB => self.ranges = Some([(number(16)?, number(20)?), (number(24)?, number(28)?)]),
            LC_SEGMENT | LC_SEGMENT_64 => self.segment(slice, command, word == LC_SEGMENT_64).ok_or_else(short)?,
            _ => {}
        }
        Ok(())
    }

    fn segment(&mut self, slice: &Slice, command: &[u8], wide: bool) -> Option<()> {
        let kind = Kind { wide, ..slice.kind };
        let (word, head, entry) = if wide { (8, 72, 80) } else { (4, 56, 68) };
        let address = kind.word_at(command, 24)?;
        let (offset, bytes) = (kind.word_at(command, 24 + 2 * word)?, kind.word_at(command, 24 + 3 * word)?);
        self.segments.push(Segment { address, offset, bytes });
        // Sections stand behind the segment; how many there are bounds nothing, their bytes do.
        for section in command.get(head..)?.chunks_exact(entry) {
            let length = kind.word_at(section, 32 + word)?;
            let offset = u64::from(kind.u32_at(section, 32 + 2 * word)?);
            let flags = kind.u32_at(section, 32 + 2 * word + 16)?;
            let data = flags & CODE == 0 && !ZEROFILL.contains(&(flags & SECTION_TYPE));
            if data && 0 < length && slice.holds(offset, length) {
                self.data.push((offset, length));
            }
        }
        Some(())
    }
}

/// The name in a command: its place stands behind the size, its end is a NUL or the end of the command.
fn name(kind: Kind, command: &[u8]) -> Result<Vec<u8>, MachError> {
    let at = kind.u32_at(command, 8).map_or(usize::MAX, |it| it as usize);
    let text = command.get(at..).filter(|_| 12 <= at);
    let text = text.ok_or_else(|| MachError::Malformed("a name lies outside its load command".to_owned()))?;
    Ok(text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
}

fn machine_name(machine: u32) -> &'static str {
    match machine {
        0x0100_000c => "arm64",
        0x0100_0007 => "x86_64",
        0x0200_000c => "arm64_32",
        0x7 => "i386",
        0xc => "arm",
        0x12 => "ppc",
        0x0100_0012 => "ppc64",
        _ => "unknown",
    }
}
