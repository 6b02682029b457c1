//! Tables of an ELF file as bytes: numbers of either byte order, strings, symbols, hashes, versions.

/// What a machine name means.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// `e_machine`.
    pub number: u16,
    /// ELF64.
    pub wide: bool,
    /// Byte order.
    pub little: bool,
}

impl Machine {
    /// The machine named as in `ElfSpec::machine`.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        let (number, wide, little) = match name {
            "x86_64" => (62, true, true),
            "x32" => (62, false, true),
            "i386" => (3, false, true),
            "aarch64" => (183, true, true),
            "aarch64_be" => (183, true, false),
            "ppc64" => (21, true, false),
            "ppc64le" => (21, true, true),
            "s390x" => (22, true, false),
            "s390" => (22, false, false),
            "arm" => (40, false, true),
            "riscv64" => (243, true, true),
            other => {
                panic!("no machine `{other}`: x86_64 x32 i386 aarch64 aarch64_be ppc64 ppc64le s390x s390 arm riscv64")
            }
        };
        Self { number, wide, little }
    }

    /// Bytes of an address.
    pub fn word(self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    /// Bytes of a symbol.
    pub fn symbol(self) -> usize {
        if self.wide { 24 } else { 16 }
    }

    /// Bytes of a DT_HASH entry: 8 on s390x only.
    pub fn hash_entry(self) -> usize {
        if self.wide && self.number == 22 { 8 } else { 4 }
    }
}

/// Bytes in the order of a machine.
pub struct Out {
    machine: Machine,
    /// What was written.
    pub bytes: Vec<u8>,
}

impl Out {
    /// Nothing yet.
    pub fn new(machine: Machine) -> Self {
        Self { machine, bytes: Vec::new() }
    }

    /// Numbers of 2 bytes.
    pub fn short(&mut self, values: &[u16]) -> &mut Self {
        for value in values {
            self.bytes.extend(if self.machine.little { value.to_le_bytes() } else { value.to_be_bytes() });
        }
        self
    }

    /// Numbers of 4 bytes.
    pub fn long(&mut self, values: &[u32]) -> &mut Self {
        for value in values {
            self.bytes.extend(if self.machine.little { value.to_le_bytes() } else { value.to_be_bytes() });
        }
        self
    }

    /// Numbers of 8 bytes.
    pub fn double(&mut self, values: &[u64]) -> &mut Self {
        for value in values {
            self.bytes.extend(if self.machine.little { value.to_le_bytes() } else { value.to_be_bytes() });
        }
        self
    }

    /// Numbers of the size of an address.
    pub fn word(&mut self, values: &[u64]) -> &mut Self {
        if self.machine.wide {
            return self.double(values);
        }
        values.iter().for_each(|value| {
            self.long(&[*value as u32]);
        });
        self
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }
}

/// A string table; equal strings are stored once.
pub struct Strings {
    /// The table.
    pub bytes: Vec<u8>,
    known: std::collections::BTreeMap<String, u32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: vec![0], known: [(String::new(), 0)].into() }
    }
}

impl Strings {
    /// Where `text` stands.
    pub fn add(&mut self, text: &str) -> u32 {
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        self.known.insert(text.to_owned(), at);
        at
    }
}

/// A line of the symbol table.
#[derive(Debug, Clone, Default)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub name_at: u32,
    /// STB_.
    pub bind: u8,
    /// STT_.
    pub kind: u8,
    /// STV_.
    pub visibility: u8,
    /// Section index; 0 is undefined.
    pub section: u16,
    /// Address.
    pub value: u64,
    /// Size in bytes.
    pub size: u64,
    /// Index of its version.
    pub version: u16,
}

/// `.dynsym`, with the null symbol.
pub fn symbols(machine: Machine, symbols: &[Symbol]) -> Vec<u8> {
    let mut out = Out::new(machine);
    out.raw(&vec![0; machine.symbol()]);
    for symbol in symbols {
        let info = symbol.bind << 4 | symbol.kind;
        out.long(&[symbol.name_at]);
        if machine.wide {
            out.raw(&[info, symbol.visibility]).short(&[symbol.section]).double(&[symbol.value, symbol.size]);
        } else {
            out.long(&[symbol.value as u32, symbol.size as u32])
                .raw(&[info, symbol.visibility])
                .short(&[symbol.section]);
        }
    }
    out.bytes
}

/// Number of GNU buckets for so many hashed symbols.
pub fn gnu_buckets(hashed: usize) -> u32 {
    (hashed as u32 / 2).max(1)
}

/// `.gnu.hash` over `hashed`, which begin at index `first` and are sorted by bucket.
pub fn gnu_hash_table(machine: Machine, first: usize, hashed: &[Symbol]) -> Vec<u8> {
    let mut out = Out::new(machine);
    if hashed.is_empty() {
        // As GNU ld writes it.
        out.long(&[1, 1, 1, 0]).word(&[0]).long(&[0]);
        return out.bytes;
    }
    let (buckets, bits, shift) = (gnu_buckets(hashed.len()), machine.word() as u32 * 8, 6);
    let words = hashed.len().next_power_of_two().div_ceil(8).next_power_of_two();
    let mut bloom = vec![0u64; words];
    let mut heads = vec![0u32; buckets as usize];
    let mut chain = Vec::new();
    for (index, symbol) in hashed.iter().enumerate() {
        let hash = gnu_hash(&symbol.name);
        bloom[(hash / bits) as usize & (words - 1)] |= 1 << (hash % bits) | 1 << ((hash >> shift) % bits);
        let head = &mut heads[(hash % buckets) as usize];
        if *head == 0 {
            *head = (first + index) as u32;
        }
        let last = hashed.get(index + 1).is_none_or(|next| gnu_hash(&next.name) % buckets != hash % buckets);
        chain.push(hash & !1 | u32::from(last));
    }
    out.long(&[buckets, first as u32, words as u32, shift]).word(&bloom).long(&heads).long(&chain);
    out.bytes
}

/// `.hash` over all symbols.
pub fn system_v_hash_table(machine: Machine, symbols: &[Symbol]) -> Vec<u8> {
    let buckets = (symbols.len() / 2).max(1);
    let (mut heads, mut chain) = (vec![0u32; buckets], vec![0u32; symbols.len() + 1]);
    for (index, symbol) in symbols.iter().enumerate() {
        let head = &mut heads[system_v_hash(&symbol.name) as usize % buckets];
        chain[index + 1] = std::mem::replace(head, index as u32 + 1);
    }
    let mut out = Out::new(machine);
    for value in [buckets as u32, chain.len() as u32].into_iter().chain(heads).chain(chain) {
        if machine.hash_entry() == 8 {
            out.double(&[u64::from(value)]);
        } else {
            out.long(&[value]);
        }
    }
    out.bytes
}

/// Per file its versions with their index and whether the need is weak.
pub type VersionNeeds = Vec<(String, Vec<(String, bool, u16)>)>;

/// `.gnu.version_d`: the file itself and then its versions, with indices from 2.
pub fn version_definitions(machine: Machine, strings: &mut Strings, base: &str, versions: &[String]) -> Vec<u8> {
    let mut out = Out::new(machine);
    for (index, version) in [base].into_iter().chain(versions.iter().map(String::as_str)).enumerate() {
        let next = if index == versions.len() { 0 } else { 28 };
        out.short(&[1, u16::from(index == 0), index as u16 + 1, 1]);
        out.long(&[system_v_hash(version), 20, next, strings.add(version), 0]);
    }
    out.bytes
}

/// `.gnu.version_r`.
pub fn version_needs(machine: Machine, strings: &mut Strings, needs: &VersionNeeds) -> Vec<u8> {
    let mut out = Out::new(machine);
    for (position, (file, versions)) in needs.iter().enumerate() {
        let next = if position + 1 == needs.len() { 0 } else { 16 + 16 * versions.len() as u32 };
        out.short(&[1, versions.len() as u16]).long(&[strings.add(file), 16, next]);
        for (position, (version, weak, index)) in versions.iter().enumerate() {
            let next = if position + 1 == versions.len() { 0 } else { 16 };
            out.long(&[system_v_hash(version)]).short(&[if *weak { 2 } else { 0 }, *index]);
            out.long(&[strings.add(version), next]);
        }
    }
    out.bytes
}

/// The hash of DT_GNU_HASH.
pub fn gnu_hash(name: &str) -> u32 {
    name.bytes().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)))
}

/// The hash of DT_HASH and of versions, as the System V ABI writes it.
pub fn system_v_hash(name: &str) -> u32 {
    let mut hash: u32 = 0;
    for byte in name.bytes() {
        hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        if high != 0 {
            hash ^= high >> 24;
        }
        hash &= !high;
    }
    hash
}
