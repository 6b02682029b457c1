//! The symbol table: what is wanted and from which library, what is defined for others.

use super::commands::Commands;
use super::limits::{NAME_BYTES, NAMES_BYTES, STRING_BYTES, SYMBOLS, SYMBOLS_AT_ONCE};
use super::slice::Slice;
use super::{Exports, Import, MachError, Source};

const STAB: u8 = 0xe0;
const PRIVATE: u8 = 0x10;
const EXTERNAL: u8 = 0x01;
const TYPE: u8 = 0x0e;
const UNDEFINED: u8 = 0x0;
const WEAK_REFERENCE: u16 = 0x40;

/// Numbers that stand for no library: an executable, or whoever has the symbol.
const NO_LIBRARY: [u16; 3] = [0, 0xfe, 0xff];

struct Symbol {
    name: Vec<u8>,
    /// Of type `UNDEFINED`, with a value: a common symbol.
    undefined: bool,
    description: u16,
    value: u64,
}

/// Symbols that are wanted.
pub(super) fn imports(slice: &Slice, commands: &Commands, libraries: usize) -> Result<Vec<Import>, MachError> {
    let mut imports = Vec::new();
    each(slice, commands, commands.ranges.map(|it| it[1]), |symbol| {
        if !symbol.undefined || symbol.value != 0 {
            return;
        }
        let ordinal = symbol.description >> 8;
        let named = commands.two_level && !NO_LIBRARY.contains(&ordinal) && usize::from(ordinal) <= libraries;
        let from = if named { Source::Library(usize::from(ordinal) - 1) } else { Source::Anywhere };
        imports.push(Import { name: symbol.name, weak: symbol.description & WEAK_REFERENCE != 0, from });
    })?;
    Ok(imports)
}

/// Symbols that are defined for others, and where they lie in the file.
pub(super) fn exports(slice: &Slice, commands: &Commands) -> Result<Exports, MachError> {
    let mut exports = Exports::new();
    each(slice, commands, commands.ranges.map(|it| it[0]), |symbol| {
        if !symbol.undefined {
            let offset = commands.offset_of(symbol.value).and_then(|it| it.checked_add(slice.start));
            exports.insert(symbol.name, offset);
        }
    })?;
    Ok(exports)
}

/// Calls `take` with the external symbols of a part of the table, or of all of it.
fn each(
    slice: &Slice,
    commands: &Commands,
    part: Option<(u64, u64)>,
    mut take: impl FnMut(Symbol),
) -> Result<(), MachError> {
    let Some(table) = commands.symbols else { return Ok(()) };
    let (first, count) = part.unwrap_or((0, table.count));
    if SYMBOLS < count || STRING_BYTES < table.strings_bytes {
        return Err(MachError::Limit(format!("{count} symbols with {} bytes of names", table.strings_bytes)));
    }
    if first.checked_add(count).is_none_or(|end| table.count < end) {
        return Err(MachError::Malformed("symbols lie outside the symbol table".to_owned()));
    }
    if count == 0 {
        return Ok(());
    }
    let strings = slice.read("the names of symbols", table.strings_offset, table.strings_bytes)?;
    let entry: u64 = if slice.kind.wide { 16 } else { 12 };
    let (mut index, mut names_bytes) = (first, 0);
    while index < first + count {
        let some = SYMBOLS_AT_ONCE.min(first + count - index);
        let bytes = slice.read("the symbol table", table.offset + index * entry, some * entry)?;
        for raw in bytes.chunks_exact(entry as usize) {
            let Some(symbol) = symbol(slice, raw, &strings)? else { continue };
            names_bytes += symbol.name.len();
            if NAMES_BYTES < names_bytes {
                return Err(MachError::Limit(format!("names of more than {NAMES_BYTES} bytes")));
            }
            take(symbol);
        }
        index += some;
    }
    Ok(())
}

/// A symbol that other files may know; none for debugging entries, private ones and those without a name.
fn symbol(slice: &Slice, raw: &[u8], strings: &[u8]) -> Result<Option<Symbol>, MachError> {
    let outside = || MachError::Malformed("a name lies outside the names of symbols".to_owned());
    let kind = raw.get(4).copied().unwrap_or_default();
    if kind & STAB != 0 || kind & PRIVATE != 0 || kind & EXTERNAL == 0 {
        return Ok(None);
    }
    let at = slice.kind.u32_at(raw, 0).map_or(usize::MAX, |it| it as usize);
    let rest = strings.get(at..).ok_or_else(outside)?;
    let rest = rest.get(..NAME_BYTES.min(rest.len())).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).ok_or_else(outside)?;
    let name = rest.get(..end).unwrap_or_default();
    Ok(Some(Symbol {
        name: name.strip_prefix(b"_").unwrap_or(name).to_vec(),
        undefined: kind & TYPE == UNDEFINED,
        description: slice.kind.u16_at(raw, 6).unwrap_or_default(),
        value: slice.kind.word_at(raw, 8).unwrap_or_default(),
    }))
}
