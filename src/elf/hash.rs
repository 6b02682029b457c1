//! DT_GNU_HASH and DT_HASH: one name without reading the symbol table.
//!
//! Invariant: a chain of a hostile table is walked at most `CHAIN_SYMBOLS` steps.

use std::sync::OnceLock;

use goblin::container::Ctx;

use super::ElfError;
use super::limits::{CHAIN_SYMBOLS, HASH_BYTES};
use super::range::{Range, in_memory, table, u32_at, u64_at};
use crate::base::ReadAt;

/// Symbols of a GNU chain that are read at once.
const CHAIN_READ_SYMBOLS: u64 = 16;

/// DT_GNU_HASH: a bloom filter, buckets, and one chain per bucket.
pub(super) struct GnuHash {
    ctx: Ctx,
    bloom_words: u64,
    bloom_shift: u32,
    buckets: u64,
    /// Index of the first symbol that is hashed: those before it are not defined here.
    pub(super) first_symbol: u64,
    filter: Range,
    chains: Range,
    held_chains: OnceLock<Range>,
}

impl GnuHash {
    /// Reads the header and, where they are small, filter and buckets. `left` bytes of the segment follow `offset`.
    pub(super) fn open(file: &dyn ReadAt, ctx: Ctx, offset: u64, left: u64) -> Result<Self, ElfError> {
        let what = "DT_GNU_HASH";
        let header = Range::new(what, offset, left, file)?.bytes(file, 0, 16)?;
        let field = |index: usize| u32_at(&header, index * 4, ctx).ok_or_else(|| cut(what));
        let (buckets, bloom_words) = (u64::from(field(0)?), u64::from(field(2)?));
        let length = bloom_words * ctx.size() as u64 + buckets * 4;
        let chains_left = left.checked_sub(16).and_then(|left| left.checked_sub(length)).ok_or_else(|| cut(what))?;
        Ok(Self {
            ctx,
            bloom_words,
            bloom_shift: field(3)?,
            buckets,
            first_symbol: u64::from(field(1)?),
            filter: table(what, file, offset + 16, bounded(what, length)?)?,
            chains: Range::new(what, offset + 16 + length, chains_left, file)?,
            held_chains: OnceLock::new(),
        })
    }

    /// Holds the chains of a table of so many symbols.
    pub(super) fn hold(&self, file: &dyn ReadAt, symbols: u64) -> Result<(), ElfError> {
        let bytes = symbols.saturating_sub(self.first_symbol).saturating_mul(4);
        let held = self.chains.released().hold_first(file, bytes)?;
        self.held_chains.get_or_init(|| held);
        Ok(())
    }

    /// Calls `accept` with the symbols whose hash is that of `name` until it returns something.
    pub(super) fn find<T>(
        &self,
        file: &dyn ReadAt,
        name: &[u8],
        mut accept: impl FnMut(u64) -> Result<Option<T>, ElfError>,
    ) -> Result<Option<T>, ElfError> {
        let hash = gnu_hash(name);
        if self.buckets == 0 || !self.may_hold(file, hash)? {
            return Ok(None);
        }
        let first = u64::from(self.bucket(file, u64::from(hash) % self.buckets)?);
        let Some(mut position) = first.checked_sub(self.first_symbol).filter(|_| first != 0) else {
            return Ok(None);
        };
        let chains = self.held_chains.get().unwrap_or(&self.chains);
        for _ in 0..CHAIN_SYMBOLS / CHAIN_READ_SYMBOLS {
            let count = CHAIN_READ_SYMBOLS.min((chains.length() / 4).saturating_sub(position));
            let chain = chains.bytes(file, position * 4, count * 4)?;
            for index in 0..count {
                let Some(word) = u32_at(&chain, in_memory(index) * 4, self.ctx) else {
                    break;
                };
                if word | 1 == hash | 1
                    && let Some(found) = accept(self.first_symbol + position + index)?
                {
                    return Ok(Some(found));
                }
                if word & 1 == 1 {
                    return Ok(None);
                }
            }
            if count == 0 {
                return Err(ElfError::Malformed("a chain of DT_GNU_HASH has no end".to_owned()));
            }
            position += count;
        }
        Err(ElfError::Limit(format!("a hash chain of more than {CHAIN_SYMBOLS} symbols")))
    }

    /// Whether no symbol is hashed. The linker then does not say where the undefined ones end.
    pub(super) fn is_empty(&self, file: &dyn ReadAt) -> Result<bool, ElfError> {
        let start = self.bloom_words * self.ctx.size() as u64;
        let buckets = self.filter.bytes(file, start, self.buckets * 4)?;
        Ok(buckets.iter().all(|byte| *byte == 0))
    }

    fn may_hold(&self, file: &dyn ReadAt, hash: u32) -> Result<bool, ElfError> {
        if self.bloom_words == 0 {
            return Ok(true);
        }
        let (bytes, bits) = (self.ctx.size() as u64, self.ctx.size() as u32 * 8);
        // glibc masks with words - 1: the number of words is a power of two.
        let index = u64::from(hash / bits) & (self.bloom_words - 1);
        let ctx = self.ctx;
        let number = |raw: &[u8]| if ctx.is_big() { u64_at(raw, 0, ctx) } else { u32_at(raw, 0, ctx).map(u64::from) };
        let word = self.filter.with(file, index * bytes, bytes, number)?.ok_or_else(|| cut("DT_GNU_HASH"))?;
        let second = hash.checked_shr(self.bloom_shift).unwrap_or(0);
        Ok((word >> (hash % bits)) & (word >> (second % bits)) & 1 == 1)
    }

    fn bucket(&self, file: &dyn ReadAt, index: u64) -> Result<u32, ElfError> {
        let at = self.bloom_words * self.ctx.size() as u64 + index * 4;
        self.filter.with(file, at, 4, |raw| u32_at(raw, 0, self.ctx))?.ok_or_else(|| cut("DT_GNU_HASH"))
    }
}

/// DT_HASH: buckets and one chain link per symbol.
pub(super) struct SystemVHash {
    ctx: Ctx,
    entry_bytes: u64,
    buckets: u64,
    /// Number of symbols in the table.
    pub(super) symbols: u64,
    words: Range,
}

impl SystemVHash {
    /// Reads the header. `entry_bytes` is 4, but 8 on 64-bit s390.
    pub(super) fn open(
        file: &dyn ReadAt,
        ctx: Ctx,
        entry_bytes: u64,
        offset: u64,
        left: u64,
    ) -> Result<Self, ElfError> {
        let what = "DT_HASH";
        let mut hash = Self { ctx, entry_bytes, buckets: 0, symbols: 0, words: Range::new(what, offset, left, file)? };
        (hash.buckets, hash.symbols) = (hash.word(file, 0)?, hash.word(file, 1)?);
        let entries = hash.buckets.checked_add(hash.symbols).and_then(|sum| sum.checked_add(2));
        let length = entries.and_then(|entries| entries.checked_mul(entry_bytes)).filter(|length| *length <= left);
        hash.words = table(what, file, offset, bounded(what, length.ok_or_else(|| cut(what))?)?)?;
        Ok(hash)
    }

    /// Calls `accept` with the symbols in the chain of `name` until it returns something.
    pub(super) fn find<T>(
        &self,
        file: &dyn ReadAt,
        name: &[u8],
        mut accept: impl FnMut(u64) -> Result<Option<T>, ElfError>,
    ) -> Result<Option<T>, ElfError> {
        if self.buckets == 0 {
            return Ok(None);
        }
        let mut symbol = self.word(file, 2 + u64::from(system_v_hash(name)) % self.buckets)?;
        for _ in 0..CHAIN_SYMBOLS {
            if symbol == 0 {
                return Ok(None);
            }
            if self.symbols <= symbol {
                return Err(cut("DT_HASH"));
            }
            if let Some(found) = accept(symbol)? {
                return Ok(Some(found));
            }
            symbol = self.word(file, 2 + self.buckets + symbol)?;
        }
        Err(ElfError::Limit(format!("a hash chain of more than {CHAIN_SYMBOLS} symbols")))
    }

    fn word(&self, file: &dyn ReadAt, index: u64) -> Result<u64, ElfError> {
        let at = index.checked_mul(self.entry_bytes).ok_or_else(|| cut("DT_HASH"))?;
        let raw = self.words.bytes(file, at, self.entry_bytes)?;
        let word =
            if self.entry_bytes == 8 { u64_at(&raw, 0, self.ctx) } else { u32_at(&raw, 0, self.ctx).map(u64::from) };
        word.ok_or_else(|| cut("DT_HASH"))
    }
}

fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}

fn system_v_hash(name: &[u8]) -> u32 {
    name.iter().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        (hash ^ ((hash >> 24) & 0xf0)) & 0x0fff_ffff
    })
}

fn bounded(what: &str, length: u64) -> Result<u64, ElfError> {
    if HASH_BYTES < length {
        return Err(ElfError::Limit(format!("{what} of {length} bytes")));
    }
    Ok(length)
}

fn cut(what: &str) -> ElfError {
    ElfError::Malformed(format!("{what} contradicts itself"))
}
