//! Mach-O files from a description: what dyld and the tool look at, nothing else.

use serde::Deserialize;

/// A file of macOS as it stands in TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MachSpec {
    /// `arm64`, `x86_64`, `i386`; more than one makes a universal file. None: `arm64`.
    pub machines: Vec<String>,
    /// LC_ID_DYLIB.
    pub identity: Option<String>,
    /// LC_LOAD_DYLIB in order.
    pub libraries: Vec<String>,
    /// LC_RPATH in order.
    pub rpaths: Vec<String>,
    /// Symbols as C spells them, with the number of the library that they are wanted from: `["cblas_dgemm", 1]`; 0: from
    /// whoever has it.
    pub wants: Vec<(String, u8)>,
    /// Symbols as C spells them.
    pub defines: Vec<String>,
    /// Pieces of `__cstring`.
    pub text: Vec<String>,
}

impl MachSpec {
    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        match self.machines.as_slice() {
            [] => self.thin("arm64"),
            [one] => self.thin(one),
            several => self.universal(several),
        }
    }

    fn universal(&self, machines: &[String]) -> Vec<u8> {
        let mut bytes = 0xcafe_babe_u32.to_be_bytes().to_vec();
        bytes.extend((machines.len() as u32).to_be_bytes());
        let parts: Vec<Vec<u8>> = machines.iter().map(|it| self.thin(it)).collect();
        let mut start = 4096;
        for (machine, part) in machines.iter().zip(&parts) {
            for value in [machine_number(machine), 0, start, part.len() as u32, 12] {
                bytes.extend(value.to_be_bytes());
            }
            start += (part.len() as u32).next_multiple_of(4096);
        }
        for part in parts {
            bytes.resize(bytes.len().next_multiple_of(4096), 0);
            bytes.extend(part);
        }
        bytes
    }

    fn thin(&self, machine: &str) -> Vec<u8> {
        let wide = machine != "i386";
        let number = machine_number(machine);
        // Twice: the first time tells how long the commands are.
        let length = self.laid_out(wide, number, 0).1;
        self.laid_out(wide, number, length).0
    }

    /// The file, if its load commands take `commands_bytes`, and how many they take.
    fn laid_out(&self, wide: bool, machine: u32, commands_bytes: usize) -> (Vec<u8>, usize) {
        let header = if wide { 32 } else { 28 };
        let text_at = header + commands_bytes;
        let text: Vec<u8> = self.text.iter().flat_map(|it| [b"\0", it.as_bytes(), b"\0"].concat()).collect();
        let (symbols_at, strings, table) = (text_at + text.len(), self.strings(), self.symbols(wide, text_at));
        let mut commands = Vec::new();
        commands.push(segment(wide, text_at, text.len()));
        commands.extend(self.identity.iter().map(|it| named(0xd, 24, it)));
        commands.extend(self.libraries.iter().map(|it| named(0xc, 24, it)));
        commands.extend(self.rpaths.iter().map(|it| named(0x8000_001c, 12, it)));
        let (defined, wanted) = (self.defines.len() as u32, self.wants.len() as u32);
        let strings_at = (symbols_at + table.len()) as u32;
        commands.push(numbers(0x2, &[symbols_at as u32, defined + wanted, strings_at, strings.len() as u32]));
        let mut dynamic = vec![0, 0, 0, defined, defined, wanted];
        dynamic.resize(18, 0);
        commands.push(numbers(0xb, &dynamic));
        let body: Vec<u8> = commands.concat();
        let kind = if self.identity.is_some() { 6 } else { 8 };
        let magic = if wide { 0xfeed_facf } else { 0xfeed_face };
        let mut bytes = Vec::new();
        for value in [magic, machine, 0, kind, commands.len() as u32, body.len() as u32, 0x85_u32] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(header, 0);
        (([bytes, body.clone(), text, table, strings].concat()), body.len())
    }

    fn strings(&self) -> Vec<u8> {
        let names = self.defines.iter().chain(self.wants.iter().map(|(name, _)| name));
        let written = names.flat_map(|name| format!("_{name}\0").into_bytes());
        std::iter::once(0).chain(written).collect()
    }

    fn symbols(&self, wide: bool, text_at: usize) -> Vec<u8> {
        let (mut bytes, mut at) = (Vec::new(), 1);
        let mut add = |name: &str, kind: u8, section: u8, description: u16, value: u64| {
            bytes.extend((at as u32).to_le_bytes());
            bytes.extend([kind, section]);
            bytes.extend(description.to_le_bytes());
            bytes.extend(&value.to_le_bytes()[..if wide { 8 } else { 4 }]);
            at += name.len() + 2;
        };
        for name in &self.defines {
            add(name, 0xf, 1, 0, 0x4000 + text_at as u64);
        }
        for (name, library) in &self.wants {
            let ordinal = if *library == 0 { 0xfe } else { u16::from(*library) };
            add(name, 0x1, 0, ordinal << 8, 0);
        }
        bytes
    }
}

/// One segment at address 0x4000 with the text as its only section.
fn segment(wide: bool, text_at: usize, length: usize) -> Vec<u8> {
    let word = |value: usize| {
        let bytes = (value as u64).to_le_bytes();
        bytes[..if wide { 8 } else { 4 }].to_vec()
    };
    let size: u32 = if wide { 72 + 80 } else { 56 + 68 };
    let mut bytes = [if wide { 0x19_u32 } else { 0x1 }.to_le_bytes(), size.to_le_bytes()].concat();
    bytes.extend(b"__TEXT\0\0\0\0\0\0\0\0\0\0");
    for value in [0x4000, 0x10000, 0, text_at + length] {
        bytes.extend(word(value));
    }
    bytes.extend([5_u32, 5, 1, 0].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(b"__cstring\0\0\0\0\0\0\0__TEXT\0\0\0\0\0\0\0\0\0\0");
    bytes.extend([word(0x4000 + text_at), word(length)].concat());
    bytes.extend([text_at as u32, 0, 0, 0, 2].iter().flat_map(|it| it.to_le_bytes()));
    bytes.resize(size as usize, 0);
    bytes
}

fn named(command: u32, at: u32, name: &str) -> Vec<u8> {
    let size = (at as usize + name.len() + 1).next_multiple_of(8);
    let mut bytes = [command.to_le_bytes(), (size as u32).to_le_bytes(), at.to_le_bytes()].concat();
    bytes.resize(at as usize, 0);
    bytes.extend(name.as_bytes());
    bytes.resize(size, 0);
    bytes
}

fn numbers(command: u32, values: &[u32]) -> Vec<u8> {
    let size = 8 + 4 * values.len() as u32;
    [command, size].iter().chain(values).flat_map(|it| it.to_le_bytes()).collect()
}

fn machine_number(name: &str) -> u32 {
    match name {
        "arm64" => 0x0100_000c,
        "x86_64" => 0x0100_0007,
        "i386" => 7,
        _ => panic!("no machine {name}"),
    }
}
