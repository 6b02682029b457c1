//! The bytes of a file whose parts have their places: header, program headers, parts, section headers.

use super::elf_builder::{Broken, Kind, Stack};
use super::elf_tables::{Out, Strings};
use super::elf_writer::{PAGE, Part, READ, READ_WRITE, Writer};

impl Writer<'_> {
    /// Kind and permissions of the program headers, in order.
    pub(super) fn headers(&self) -> Vec<(u32, u32)> {
        let mut headers = Vec::new();
        if self.part(".interp").is_some() {
            // ld.so learns from PT_PHDR where the kernel put a position-independent executable.
            headers.push((6, READ));
            headers.push((3, READ));
        }
        headers.extend(self.segments().map(|flags| (1, flags)));
        if self.spec.kind != Kind::Static {
            headers.push((2, READ_WRITE));
        }
        if self.part(".note.gnu.build-id").is_some() {
            headers.push((4, READ));
        }
        if self.part(".note.gnu.property").is_some() {
            headers.push((0x6474_e553, READ));
        }
        match self.spec.stack {
            Stack::Plain => headers.push((0x6474_e551, 6)),
            Stack::Executable => headers.push((0x6474_e551, 7)),
            Stack::Absent => {}
        }
        headers
    }

    /// Offset, address, size in the file and size in memory of a header.
    fn extent(&self, kind: u32, flags: u32) -> (u64, u64, u64, u64) {
        let whole = |name: &str| {
            self.part(name)
                .map_or((0, 0, 0, 0), |it| (it.offset, it.address, it.bytes.len() as u64, it.bytes.len() as u64))
        };
        match kind {
            2 => whole(".dynamic"),
            3 => whole(".interp"),
            6 => {
                let (first, size) = if self.machine.wide { (64, 56) } else { (52, 32) };
                let length = size * self.headers().len() as u64;
                (first, self.base + first, length, length)
            }
            4 => whole(".note.gnu.build-id"),
            0x6474_e553 => whole(".note.gnu.property"),
            1 => {
                let own = |part: &&Part| Self::segment_of(part).map(|index| self.segments()[index]) == Some(flags);
                let (first, last) = (self.parts.iter().find(own).unwrap(), self.parts.iter().rfind(own).unwrap());
                let end = last.offset + last.bytes.len() as u64;
                let (offset, address) = if flags == READ { (0, self.base) } else { (first.offset, first.address) };
                let bss = if flags == READ_WRITE { self.bss_bytes } else { 0 };
                (offset, address, end - offset, end - offset + bss)
            }
            _ => (0, 0, 0, 0),
        }
    }

    /// The file.
    pub(super) fn file(&self, size: u64) -> Vec<u8> {
        let mut names = Strings::default();
        let name_offsets: Vec<u32> = self.parts.iter().map(|part| names.add(part.name)).collect();
        let names_at = names.add(".shstrtab");
        let table = (size + names.bytes.len() as u64).next_multiple_of(8);
        let mut out = self.file_header(if self.spec.sections { table } else { 0 });
        for (kind, flags) in self.headers() {
            let (offset, address, in_file, in_memory) = self.extent(kind, flags);
            let align = match kind {
                1 => PAGE,
                4 => 4,
                _ => 8,
            };
            if self.machine.wide {
                out.long(&[kind, flags]).double(&[offset, address, address, in_file, in_memory, align]);
            } else {
                out.long(&[kind, offset as u32, address as u32, address as u32]);
                out.long(&[in_file as u32, in_memory as u32, flags, align as u32]);
            }
        }
        for part in &self.parts {
            out.bytes.resize(part.offset as usize, 0);
            out.raw(&part.bytes);
        }
        if !self.spec.sections {
            return out.bytes;
        }
        out.raw(&names.bytes);
        out.bytes.resize(table as usize, 0);
        out.bytes.resize(table as usize + if self.machine.wide { 64 } else { 40 }, 0);
        for (part, name) in self.parts.iter().zip(&name_offsets) {
            let length = if part.name == ".bss" { self.bss_bytes } else { part.bytes.len() as u64 };
            let link = self.section_index(part.link);
            out.long(&[*name, part.kind]).word(&[u64::from(part.flags), part.address, part.offset, length]);
            out.long(&[link, part.info]).word(&[part.align, part.entry]);
        }
        out.long(&[names_at, 3]).word(&[0, 0, size, names.bytes.len() as u64]).long(&[0, 0]).word(&[1, 0]);
        out.bytes
    }

    fn file_header(&self, sections: u64) -> Out {
        let (spec, machine) = (self.spec, self.machine);
        let class = if spec.broken == Some(Broken::BadClass) { 7 } else { 1 + u8::from(machine.wide) };
        let order = if spec.broken == Some(Broken::BadByteOrder) { 7 } else { 2 - u8::from(machine.little) };
        let mut out = Out::new(machine);
        out.raw(b"\x7fELF").raw(&[class, order, 1, spec.os_abi]).raw(&[0; 8]);
        let kind = match spec.kind {
            Kind::Shared | Kind::Static => 3,
            Kind::Executable => 2,
            Kind::Relocatable => 1,
        };
        let entry = self.address(".text");
        let (header, program, section) = if machine.wide { (64, 56, 64) } else { (52, 32, 40) };
        let program_at = if spec.broken == Some(Broken::WildProgramHeaders) { 0x7fff_0000 } else { u64::from(header) };
        let program = if spec.broken == Some(Broken::BadProgramHeaderSize) { 1 } else { program };
        let count = if sections == 0 { 0 } else { self.parts.len() as u16 + 2 };
        out.short(&[kind, machine.number]).long(&[1]).word(&[entry, program_at, sections]).long(&[0]);
        out.short(&[header, program, self.headers().len() as u16, section, count, count.saturating_sub(1)]);
        out
    }
}
