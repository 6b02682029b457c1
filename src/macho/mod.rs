//! What one Mach-O file says about itself: an extension or a library of macOS, for one machine or for several.
//!
//! Two-level names say from which library each symbol is wanted, so that one file answers what takes a whole process on
//! ELF. Absent on purpose: dyld, and with it its shared cache, in which the libraries of the system lie; bind opcodes,
//! chained fixups and export tries, because the symbol table names the same imports and exports.
//!
//! Invariant: never a whole file; every length is checked against the file before anything is allocated.

mod commands;
mod limits;
mod slice;
mod symbols;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ReadAt;
use commands::Commands;
use slice::Slice;

/// What the load commands say. Names are bytes as they stand in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linkage {
    /// The machine as `uname -m` names it on macOS: `arm64`, `x86_64`; `unknown` for others.
    pub machine: &'static str,
    /// LC_ID_DYLIB: the name by which others ask for a library.
    pub identity: Option<Vec<u8>>,
    /// The libraries that it is linked with, in order: symbols name them by number.
    pub libraries: Vec<Library>,
    /// LC_RPATH in order.
    pub rpaths: Vec<Vec<u8>>,
}

/// One library that a file is linked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// `@rpath/libmpi.12.dylib`, `@loader_path/.dylibs/libhdf5.320.dylib`, a path.
    pub name: Vec<u8>,
    /// It may be absent.
    pub weak: bool,
}

/// A symbol that a file wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its name as C spells it: without the underscore that the format puts in front.
    pub name: Vec<u8>,
    /// It may stay undefined.
    pub weak: bool,
    /// Where it is wanted from.
    pub from: Source,
}

/// Where a symbol is wanted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The library of that index in [`Linkage::libraries`].
    Library(usize),
    /// The program, or whoever has it: the extension does not say.
    Anywhere,
}

/// Symbols that a file defines for others, and where in it each one lies; none for what has no bytes there.
pub type Exports = BTreeMap<Vec<u8>, Option<u64>>;

/// Why a file is not a readable Mach-O file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachError {
    /// Other magic.
    #[error("not a Mach-O file")]
    NotMachO,
    /// Something lies behind the end of the file.
    #[error("truncated: {0}")]
    Truncated(String),
    /// The bytes contradict the format.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A limit was hit.
    #[error("larger than the limit: {0}")]
    Limit(String),
    /// The file system refused.
    #[error("{0}")]
    Io(String),
}

/// What one file holds for one machine.
pub struct Object {
    /// Its load commands.
    pub linkage: Linkage,
    slice: Slice,
    commands: Commands,
}

impl Object {
    /// The symbols that it wants, in table order.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn imports(&self) -> Result<Vec<Import>, MachError> {
        symbols::imports(&self.slice, &self.commands, self.linkage.libraries.len())
    }

    /// The symbols that it defines for others, spelt as C spells them, and where in the file each one lies; none for what
    /// has no bytes there.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn exports(&self) -> Result<Exports, MachError> {
        symbols::exports(&self.slice, &self.commands)
    }

    /// Offset and length in the file of what holds no code, in file order.
    pub fn data_ranges(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> =
            self.commands.data.iter().map(|(offset, length)| (self.slice.start + offset, *length)).collect();
        ranges.sort_unstable();
        ranges
    }
}

/// Whether the file begins as a Mach-O file does.
///
/// # Errors
/// Whatever the file system says.
pub fn is_macho(file: &dyn ReadAt) -> Result<bool, MachError> {
    if file.size_bytes() < limits::HEADER_BYTES {
        return Ok(false);
    }
    slice::begins(file)
}

/// What the file holds, one object for each machine.
///
/// # Errors
/// What is wrong with the bytes.
pub fn open(file: &Arc<dyn ReadAt>) -> Result<Vec<Object>, MachError> {
    let one = |slice: Slice| {
        let commands = Commands::read(&slice)?;
        Ok(Object { linkage: commands.linkage(), slice, commands })
    };
    slice::slices(file)?.into_iter().map(one).collect()
}
