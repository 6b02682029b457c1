//! Tar archives byte by byte: what writers of images write, and what nobody writes.

/// Bytes of one block.
const BLOCK_BYTES: usize = 512;

/// Sizes from here on do not fit into eleven octal digits.
const OCTAL_END: u64 = 1 << 33;

/// How a name that may be long is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// In the header where it fits, else as GNU tar does it.
    #[default]
    Gnu,
    /// In the two fields of POSIX.1-1988.
    Ustar,
    /// In an extended header of POSIX.1-2001, always.
    Pax,
}

/// How a file with holes is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sparse {
    /// GNU tar's own type of member.
    #[default]
    Gnu,
    /// GNU.sparse.map in an extended header.
    Pax01,
    /// A map before the content.
    Pax10,
}

/// One member.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// As written.
    pub name: Vec<u8>,
    /// The byte that says what it is.
    pub kind: u8,
    /// Permission bits.
    pub mode: u32,
    /// Target of a link.
    pub target: Vec<u8>,
    /// What its size field says, where it lies.
    pub says_bytes: Option<u64>,
    /// How its name is written.
    pub names: Names,
    /// Further records of its extended header.
    pub pax: Vec<(String, Vec<u8>)>,
}

/// An archive that is being written.
#[derive(Debug, Default)]
pub struct TarWriter {
    bytes: Vec<u8>,
}

impl TarWriter {
    /// A member and its content.
    pub fn member(&mut self, header: &Header, content: &[u8]) {
        self.before(header);
        let size = header.says_bytes.unwrap_or(content.len() as u64);
        let mut block = self.block(header, size);
        finish(&mut block);
        self.bytes.extend(block);
        self.content(content);
    }

    /// A file with holes: where each stretch of data begins, and its bytes.
    pub fn sparse(&mut self, header: &Header, stretches: &[(u64, Vec<u8>)], size_bytes: u64, how: Sparse) {
        let stored: Vec<u8> = stretches.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let pairs: Vec<(u64, u64)> = stretches.iter().map(|(at, bytes)| (*at, bytes.len() as u64)).collect();
        let mut header = header.clone();
        let mut record = |key: &str, value: String| header.pax.push((format!("GNU.sparse.{key}"), value.into_bytes()));
        match how {
            Sparse::Gnu => self.gnu_sparse(&header, &pairs, &stored, size_bytes),
            Sparse::Pax01 => {
                record("size", size_bytes.to_string());
                record("numblocks", pairs.len().to_string());
                let numbers: Vec<String> = pairs.iter().map(|(at, length)| format!("{at},{length}")).collect();
                record("map", numbers.join(","));
                self.member(&header, &stored);
            }
            Sparse::Pax10 => {
                record("major", "1".to_owned());
                record("minor", "0".to_owned());
                record("realsize", size_bytes.to_string());
                let numbers: String = pairs.iter().map(|(at, length)| format!("{at}\n{length}\n")).collect();
                let mut map = format!("{}\n{numbers}", pairs.len()).into_bytes();
                map.resize(map.len().next_multiple_of(BLOCK_BYTES), 0);
                self.member(&header, &[map, stored].concat());
            }
        }
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The archive with the two empty blocks at its end.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK_BYTES, 0);
        self.bytes
    }

    /// The archive without them.
    pub fn cut(self) -> Vec<u8> {
        self.bytes
    }

    fn gnu_sparse(&mut self, header: &Header, pairs: &[(u64, u64)], stored: &[u8], size_bytes: u64) {
        self.before(header);
        let mut block = self.block(&Header { kind: b'S', ..header.clone() }, stored.len() as u64);
        let (first, rest) = pairs.split_at(pairs.len().min(4));
        map(&mut block, 386, first);
        block[482] = u8::from(!rest.is_empty());
        block[483..495].copy_from_slice(&number(size_bytes));
        finish(&mut block);
        self.bytes.extend(block);
        for (at, chunk) in rest.chunks(21).enumerate() {
            let mut more = [0; BLOCK_BYTES];
            map(&mut more, 0, chunk);
            more[504] = u8::from(rest.len() > (at + 1) * 21);
            self.bytes.extend(more);
        }
        self.content(stored);
    }

    /// What stands before the header of a member that needs more than fits into one.
    fn before(&mut self, header: &Header) {
        let mut records = header.pax.clone();
        if header.names == Names::Pax {
            records.push(("path".to_owned(), header.name.clone()));
            if !header.target.is_empty() {
                records.push(("linkpath".to_owned(), header.target.clone()));
            }
        }
        if !records.is_empty() {
            let text: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
            self.extension(b'x', &text);
        }
        if header.names == Names::Gnu {
            for (kind, text) in [(b'L', &header.name), (b'K', &header.target)] {
                if 100 < text.len() {
                    self.extension(kind, &[text.as_slice(), b"\0"].concat());
                }
            }
        }
    }

    fn extension(&mut self, kind: u8, content: &[u8]) {
        let name = if kind == b'x' { b"PaxHeaders/x".to_vec() } else { b"././@LongLink".to_vec() };
        let mut block = self.block(&Header { name, kind, mode: 0o644, ..Header::default() }, content.len() as u64);
        finish(&mut block);
        self.bytes.extend(block);
        self.content(content);
    }

    fn block(&self, header: &Header, size_bytes: u64) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        let (prefix, name) = match header.names {
            Names::Ustar if 100 < header.name.len() => {
                let cut = header.name.iter().position(|b| *b == b'/').into_iter();
                let cuts = header.name.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
                let at = cut.chain(cuts).find(|at| header.name.len() - at <= 101).expect("a name of two parts");
                (&header.name[..at], &header.name[at + 1..])
            }
            Names::Ustar | Names::Gnu | Names::Pax => (&[][..], header.name.as_slice()),
        };
        put(&mut block, 0, &name[..name.len().min(100)]);
        put(&mut block, 100, format!("{:07o}\0", header.mode).as_bytes());
        put(&mut block, 108, b"0000000\x000000000\0");
        block[124..136].copy_from_slice(&number(size_bytes));
        put(&mut block, 136, b"00000000000\0");
        block[156] = header.kind;
        put(&mut block, 157, &header.target[..header.target.len().min(100)]);
        put(
            &mut block,
            257,
            if header.kind == b'S' || header.names == Names::Gnu { b"ustar  \0" } else { b"ustar\x0000" },
        );
        put(&mut block, 345, prefix);
        block
    }

    fn content(&mut self, content: &[u8]) {
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    }
}

fn put(block: &mut [u8; BLOCK_BYTES], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

fn map(block: &mut [u8; BLOCK_BYTES], at: usize, pairs: &[(u64, u64)]) {
    for (count, (begin, length)) in pairs.iter().enumerate() {
        put(block, at + 24 * count, &number(*begin));
        put(block, at + 24 * count + 12, &number(*length));
    }
}

/// A number field of twelve bytes: octal, or base 256 where it is too large.
fn number(value: u64) -> [u8; 12] {
    let mut field = [0; 12];
    if value < OCTAL_END {
        field[..11].copy_from_slice(format!("{value:011o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&value.to_be_bytes());
    }
    field
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

fn finish(block: &mut [u8; BLOCK_BYTES]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|it| u64::from(*it)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
