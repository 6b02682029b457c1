//! Lays the parts of an object out in a file: header, program headers, sections, addresses.

use super::elf_builder::{Broken, DefineKind, ElfSpec, Hash, Kind, Stack};
use super::elf_tables::{
    Machine, Out, Strings, Symbol, VersionNeeds, gnu_buckets, gnu_hash, gnu_hash_table, symbols, system_v_hash_table,
    version_definitions, version_needs,
};

pub(super) const PAGE: u64 = 0x1000;
/// Section of a defined symbol before the layout is known.
const UNPLACED: u16 = 0xfffe;
pub(super) const READ: u32 = 4;
const READ_EXECUTE: u32 = 5;
pub(super) const READ_WRITE: u32 = 6;

/// A section and its bytes.
#[derive(Default)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// SHT_.
    pub(super) kind: u32,
    /// SHF_.
    pub(super) flags: u32,
    pub(super) align: u64,
    pub(super) entry: u64,
    pub(super) link: &'static str,
    pub(super) info: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) offset: u64,
    pub(super) address: u64,
}

/// Writes one description.
pub struct Writer<'a> {
    pub(super) spec: &'a ElfSpec,
    pub(super) machine: Machine,
    pub(super) base: u64,
    strings: Strings,
    symbols: Vec<Symbol>,
    hashed_from: usize,
    definitions: Vec<String>,
    needs: VersionNeeds,
    pub(super) parts: Vec<Part>,
    pub(super) bss_bytes: u64,
}

impl<'a> Writer<'a> {
    /// Nothing written yet.
    pub fn new(spec: &'a ElfSpec) -> Self {
        Self {
            spec,
            machine: Machine::named(&spec.machine),
            base: if spec.kind == Kind::Executable { 0x40_0000 } else { 0 },
            strings: Strings::default(),
            symbols: Vec::new(),
            hashed_from: 1,
            definitions: Vec::new(),
            needs: Vec::new(),
            parts: Vec::new(),
            bss_bytes: 0,
        }
    }

    /// The file.
    pub fn finish(mut self) -> Vec<u8> {
        self.collect_versions();
        self.collect_symbols();
        self.add_parts();
        let size = self.place_parts();
        self.fill_symbols();
        self.fill_relocations();
        self.fill_dynamic();
        self.file(size)
    }

    fn collect_versions(&mut self) {
        let spec = self.spec;
        self.definitions.clone_from(&spec.defines_versions);
        for version in spec.defines.iter().filter_map(|define| define.version.as_ref()) {
            if !self.definitions.contains(version) {
                self.definitions.push(version.clone());
            }
        }
        let listed = spec.needs_versions.iter().flat_map(|needs| {
            let strong = needs.versions.iter().map(|version| (&needs.file, version, false));
            strong.chain(needs.weak.iter().map(|version| (&needs.file, version, true)))
        });
        let wanted = spec
            .wants
            .iter()
            .filter_map(|want| want.version.as_ref().map(|(version, file)| (file, version, want.weak)));
        let mut index = self.definitions.len() as u16 + 2;
        for (file, version, weak) in listed.chain(wanted) {
            let position = self.needs.iter().position(|(known, _)| known == file).unwrap_or_else(|| {
                self.needs.push((file.clone(), Vec::new()));
                self.needs.len() - 1
            });
            let versions = &mut self.needs[position].1;
            if !versions.iter().any(|(known, ..)| known == version) {
                versions.push((version.clone(), weak, index));
                index += 1;
            }
        }
    }

    /// Local symbols first, then the undefined ones, then the defined ones by GNU bucket.
    fn collect_symbols(&mut self) {
        let version = |version: &Option<String>| match version {
            Some(version) => self.definitions.iter().position(|it| it == version).unwrap() as u16 + 2,
            None => 1,
        };
        let defined = |local: bool| self.spec.defines.iter().filter(move |define| define.local == local);
        let (mut all, mut hashed) = (Vec::new(), Vec::new());
        for (list, local) in [(&mut all, true), (&mut hashed, false)] {
            for define in defined(local) {
                let length = define.text.as_ref().map_or(8, |text| text.len() as u64 + 1);
                list.push(Symbol {
                    name: define.name.clone(),
                    bind: if local { 0 } else { 1 + u8::from(define.weak) },
                    kind: match define.kind {
                        DefineKind::Function | DefineKind::Caller => 2,
                        DefineKind::Object | DefineKind::Bss => 1,
                        DefineKind::Absolute => 0,
                    },
                    visibility: if define.hidden { 2 } else { 0 },
                    size: define.size_bytes.unwrap_or(length),
                    section: UNPLACED,
                    version: if local { 0 } else { version(&define.version) },
                    ..Symbol::default()
                });
            }
        }
        for want in &self.spec.wants {
            let index = want.version.as_ref().and_then(|(version, file)| {
                let (_, versions) = self.needs.iter().find(|(known, _)| known == file)?;
                versions.iter().find(|(known, ..)| known == version).map(|(.., index)| *index)
            });
            let bind = 1 + u8::from(want.weak);
            all.push(Symbol { name: want.name.clone(), bind, version: index.unwrap_or(1), ..Symbol::default() });
        }
        let buckets = gnu_buckets(hashed.len());
        hashed.sort_by_key(|symbol| gnu_hash(&symbol.name) % buckets);
        self.hashed_from = all.len() + 1;
        all.extend(hashed);
        for symbol in &mut all {
            symbol.name_at = self.strings.add(&symbol.name);
        }
        self.symbols = all;
    }

    fn add_parts(&mut self) {
        let (spec, machine, word) = (self.spec, self.machine, self.machine.word() as u64);
        let is_static = spec.kind == Kind::Static;
        if let Some(path) = &spec.interpreter {
            self.add(".interp", 1, 2, 1, [path.as_bytes(), b"\0"].concat());
        }
        if let Some(id) = &spec.build_id {
            let id: Vec<u8> =
                (0..id.len() / 2).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap()).collect();
            let mut note = Out::new(machine);
            note.long(&[4, id.len() as u32, 3]).raw(b"GNU\0").raw(&id).raw(&vec![0; id.len().wrapping_neg() % 4]);
            self.add(".note.gnu.build-id", 7, 2, 4, note.bytes);
        }
        if let Some(bits) = spec.isa_needed {
            let mut note = Out::new(machine);
            note.long(&[4, 16, 5]).raw(b"GNU\0").long(&[0xc000_8002, 4, bits, 0]);
            self.add(".note.gnu.property", 7, 2, 8, note.bytes);
        }
        if !is_static {
            self.add_tables(word);
        }
        let mut constants = vec![0; spec.padding_bytes];
        spec.text.iter().for_each(|text| constants.extend([text.as_bytes(), b"\0"].concat()));
        self.add(".rodata", 1, 2, 16, constants);
        let code = 16 * (spec.defines.len() + 1);
        self.add(".text", 1, 6, 16, vec![0; code]);
        if !is_static {
            let length = self.dynamic_entries().len() as u64 * 2 * word;
            self.add(".dynamic", 6, 3, word, vec![0; length as usize]);
            self.last().entry = 2 * word;
            self.last().link = ".dynstr";
        }
        let objects: u64 = self.sizes(DefineKind::Object).sum();
        self.bss_bytes = self.sizes(DefineKind::Bss).sum();
        self.add(".data", 1, 3, 16, vec![0; objects as usize + spec.wants.len() * word as usize]);
        self.add(".bss", 8, 3, 1, Vec::new());
        if let Some(comment) = spec.comment.as_ref().filter(|_| spec.sections) {
            self.add(".comment", 1, 0x30, 1, [comment.as_bytes(), b"\0"].concat());
        }
    }

    fn add_tables(&mut self, word: u64) {
        let (spec, machine) = (self.spec, self.machine);
        if [Hash::Sysv, Hash::Both].contains(&spec.hash) {
            self.add(".hash", 5, 2, word, system_v_hash_table(machine, &self.symbols));
            self.last().link = ".dynsym";
        }
        if [Hash::Gnu, Hash::Both].contains(&spec.hash) {
            let table = gnu_hash_table(machine, self.hashed_from, &self.symbols[self.hashed_from - 1..]);
            self.add(".gnu.hash", 0x6fff_fff6, 2, word, table);
            self.last().link = ".dynsym";
        }
        self.add(".dynsym", 11, 2, word, vec![0; machine.symbol() * (self.symbols.len() + 1)]);
        self.last().entry = machine.symbol() as u64;
        self.last().link = ".dynstr";
        self.last().info = 1 + spec.defines.iter().filter(|define| define.local).count() as u32;
        let base = spec.soname.clone().unwrap_or_else(|| "unnamed".to_owned());
        let definitions = self.definitions.clone();
        let (mut defines, mut needs) = (Vec::new(), Vec::new());
        if !definitions.is_empty() {
            defines = version_definitions(machine, &mut self.strings, &base, &definitions);
        }
        if !self.needs.is_empty() {
            needs = version_needs(machine, &mut self.strings, &self.needs);
        }
        self.dynamic_entries();
        let strings = self.strings.bytes.clone();
        self.add(".dynstr", 3, 2, 1, strings);
        if !defines.is_empty() || !needs.is_empty() {
            let mut indices = Out::new(machine);
            indices.short(&[0]);
            self.symbols.iter().for_each(|symbol| {
                indices.short(&[symbol.version]);
            });
            self.add(".gnu.version", 0x6fff_ffff, 2, 2, indices.bytes);
            self.last().link = ".dynsym";
        }
        if !defines.is_empty() {
            self.add(".gnu.version_d", 0x6fff_fffd, 2, 4, defines);
            self.last().link = ".dynstr";
            self.last().info = definitions.len() as u32 + 1;
        }
        if !needs.is_empty() {
            self.add(".gnu.version_r", 0x6fff_fffe, 2, 4, needs);
            self.last().link = ".dynstr";
            self.last().info = self.needs.len() as u32;
        }
        if self.relocated() {
            self.add(".rela.dyn", 4, 2, 8, vec![0; 24 * spec.wants.len()]);
            self.last().entry = 24;
            self.last().link = ".dynsym";
        }
    }

    fn relocated(&self) -> bool {
        self.machine.number == 62 && self.machine.wide && !self.spec.wants.is_empty()
    }

    fn add(&mut self, name: &'static str, kind: u32, flags: u32, align: u64, bytes: Vec<u8>) {
        self.parts.push(Part { name, kind, flags, align, bytes, ..Part::default() });
    }

    fn last(&mut self) -> &mut Part {
        self.parts.last_mut().unwrap()
    }

    fn sizes(&self, kind: DefineKind) -> impl Iterator<Item = u64> {
        let defined = self.spec.defines.iter().filter(move |define| define.kind == kind);
        defined.map(|define| {
            let length = define.text.as_ref().map_or(8, |text| text.len() as u64 + 1);
            define.size_bytes.unwrap_or(length).max(length).next_multiple_of(8)
        })
    }

    /// Permissions of the segments, in file order.
    pub(super) fn segments(&self) -> [u32; 3] {
        [READ, READ_EXECUTE, READ_WRITE]
    }

    pub(super) fn segment_of(part: &Part) -> Option<usize> {
        match part.flags & 7 {
            2 => Some(0),
            6 => Some(1),
            3 => Some(2),
            _ => None,
        }
    }

    /// Segments follow each other in the file; each begins on its own page in memory.
    fn place_parts(&mut self) -> u64 {
        let header = if self.machine.wide { 64 + 56 * self.headers().len() } else { 52 + 32 * self.headers().len() };
        let (mut offset, mut shift) = (header as u64, self.base);
        let mut segment = 0;
        for part in &mut self.parts {
            offset = offset.next_multiple_of(part.align);
            if let Some(own) = Self::segment_of(part) {
                shift += (own - segment) as u64 * PAGE;
                segment = own;
                part.address = offset + shift;
            }
            part.offset = offset;
            offset += part.bytes.len() as u64;
        }
        offset
    }

    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    fn bytes_mut(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.parts.iter_mut().find(|part| part.name == name).unwrap().bytes
    }

    pub(super) fn address(&self, name: &str) -> u64 {
        self.part(name).map_or(0, |part| part.address)
    }

    pub(super) fn section_index(&self, name: &str) -> u32 {
        self.parts.iter().position(|part| part.name == name).map_or(0, |index| index as u32 + 1)
    }

    fn fill_symbols(&mut self) {
        let (code, data, bss) = (self.address(".text"), self.address(".data"), self.address(".bss"));
        let (mut next_code, mut next_data, mut next_bss) = (16, 0, 0);
        for define in &self.spec.defines {
            let length = define.text.as_ref().map_or(8, |text| text.len() as u64 + 1);
            let size = define.size_bytes.unwrap_or(length).max(length).next_multiple_of(8);
            let (section, value) = match define.kind {
                DefineKind::Function => {
                    self.write_function(next_code as usize, define.returns);
                    next_code += 16;
                    (self.section_index(".text") as u16, code + next_code - 16)
                }
                DefineKind::Caller => {
                    // sub rsp, 8; call rdx; add rsp, 8; ret
                    let call = [0x48, 0x83, 0xec, 8, 0xff, 0xd2, 0x48, 0x83, 0xc4, 8, 0xc3];
                    self.bytes_mut(".text")[next_code as usize..][..call.len()].copy_from_slice(&call);
                    next_code += 16;
                    (self.section_index(".text") as u16, code + next_code - 16)
                }
                DefineKind::Object => {
                    let text = define.text.clone().unwrap_or_default().into_bytes();
                    self.bytes_mut(".data")[next_data as usize..][..text.len()].copy_from_slice(&text);
                    next_data += size;
                    (self.section_index(".data") as u16, data + next_data - size)
                }
                DefineKind::Bss => {
                    next_bss += size;
                    (self.section_index(".bss") as u16, bss + next_bss - size)
                }
                DefineKind::Absolute => (0xfff1, 42),
            };
            let symbols = &mut self.symbols;
            let own = symbols.iter_mut().find(|it| it.name == define.name && it.section == UNPLACED);
            if let Some(symbol) = own {
                (symbol.section, symbol.value) = (section, value);
            }
        }
        if self.machine.number == 62 {
            // exit(0): an executable that the kernel can run.
            self.bytes_mut(".text")[..9].copy_from_slice(&[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]);
        }
        if self.spec.kind != Kind::Static {
            *self.bytes_mut(".dynsym") = symbols(self.machine, &self.symbols);
        }
    }

    fn write_function(&mut self, at: usize, returns: u32) {
        if [62, 3].contains(&self.machine.number) {
            let [a, b, c, d] = returns.to_le_bytes();
            self.bytes_mut(".text")[at..at + 6].copy_from_slice(&[0xb8, a, b, c, d, 0xc3]);
        }
    }

    /// One R_X86_64_GLOB_DAT per wanted symbol, into a word behind the data.
    fn fill_relocations(&mut self) {
        if !self.relocated() || self.spec.kind == Kind::Static {
            return;
        }
        let slots = self.address(".data") + self.sizes(DefineKind::Object).sum::<u64>();
        let first = self.hashed_from - self.spec.wants.len();
        let mut out = Out::new(self.machine);
        for index in 0..self.spec.wants.len() {
            out.double(&[slots + 8 * index as u64, ((first + index) as u64) << 32 | 6, 0]);
        }
        *self.bytes_mut(".rela.dyn") = out.bytes;
        let called = self.spec.wants.iter().position(|it| Some(&it.name) == self.spec.entry_calls.as_ref());
        if let Some(index) = called {
            // and rsp, -16; call [rip + distance to the word]
            let distance = (slots + 8 * index as u64).wrapping_sub(self.address(".text") + 10) as u32;
            let code = self.bytes_mut(".text");
            code[..6].copy_from_slice(&[0x48, 0x83, 0xe4, 0xf0, 0xff, 0x15]);
            code[6..10].copy_from_slice(&distance.to_le_bytes());
        }
    }

    fn fill_dynamic(&mut self) {
        if self.spec.kind == Kind::Static {
            return;
        }
        let mut out = Out::new(self.machine);
        for (tag, value) in self.dynamic_entries() {
            out.word(&[tag, value]);
        }
        *self.bytes_mut(".dynamic") = out.bytes;
    }

    /// The dynamic section; its length and strings do not depend on the layout.
    fn dynamic_entries(&mut self) -> Vec<(u64, u64)> {
        let spec = self.spec;
        let lists = [(1, &spec.needed), (0x7fff_fffd, &spec.auxiliary), (0x7fff_ffff, &spec.filter)];
        let audits = [(0x6fff_fefc, &spec.audit), (0x6fff_fefb, &spec.depaudit)];
        let single = [(14, &spec.soname), (15, &spec.rpath), (29, &spec.runpath)];
        let mut named: Vec<(u64, &String)> = Vec::new();
        for (tag, list) in lists.into_iter().chain(audits) {
            named.extend(list.iter().map(|name| (tag, name)));
        }
        named.extend(single.into_iter().filter_map(|(tag, name)| name.as_ref().map(|name| (tag, name))));
        let mut entries: Vec<_> =
            named.into_iter().map(|(tag, name)| (tag, u64::from(self.strings.add(name)))).collect();
        if spec.broken == Some(Broken::WildSoname) {
            entries.push((14, 0x7fff_0000));
        }
        let flags = spec.flags_1 | if spec.no_default_library_path { 0x800 } else { 0 };
        if flags != 0 {
            entries.push((0x6fff_fffb, flags));
        }
        let wild = |defect: Broken, address: u64| if spec.broken == Some(defect) { 0x7fff_0000 } else { address };
        entries.push((5, wild(Broken::WildStrings, self.address(".dynstr"))));
        entries.push((10, self.strings.bytes.len() as u64));
        entries.push((6, wild(Broken::WildSymbols, self.address(".dynsym"))));
        entries.push((11, self.machine.symbol() as u64));
        let (gnu, sysv) = (self.address(".gnu.hash"), self.address(".hash"));
        entries.extend([Hash::Gnu, Hash::Both].contains(&spec.hash).then_some((0x6fff_fef5, gnu)));
        entries.extend([Hash::Sysv, Hash::Both].contains(&spec.hash).then_some((4, sysv)));
        if !self.definitions.is_empty() {
            entries.push((0x6fff_fffc, self.address(".gnu.version_d")));
            entries.push((0x6fff_fffd, self.definitions.len() as u64 + 1));
        }
        if !self.needs.is_empty() {
            entries.push((0x6fff_fffe, self.address(".gnu.version_r")));
            entries.push((0x6fff_ffff, self.needs.len() as u64));
        }
        if !self.definitions.is_empty() || !self.needs.is_empty() {
            entries.push((0x6fff_fff0, self.address(".gnu.version")));
        }
        if self.relocated() {
            entries.extend([(7, self.address(".rela.dyn")), (8, 24 * spec.wants.len() as u64), (9, 24)]);
        }
        entries.push((0, 0));
        entries
    }
}
