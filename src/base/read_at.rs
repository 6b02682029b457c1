//! Random access to the bytes of one file.

use std::io;

/// A file that is read in small ranges.
pub trait ReadAt: Send + Sync {
    /// Reads at most `buffer.len()` bytes that begin `offset_bytes` into the file; 0 at the end.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Size of the file when it was opened.
    fn size_bytes(&self) -> u64;
}

/// Bytes in memory, for tests and archives.
#[derive(Debug, Clone, Default)]
pub struct Bytes(pub std::sync::Arc<Vec<u8>>);

impl ReadAt for Bytes {
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset_bytes).unwrap_or(usize::MAX).min(self.0.len());
        let rest = self.0.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Exactly the bytes `offset_bytes .. offset_bytes + length_bytes`.
///
/// The length is checked against the size of the file before anything is allocated.
///
/// # Errors
/// `UnexpectedEof` when the range does not lie inside the file; whatever the file system says.
pub fn read_range(file: &dyn ReadAt, offset_bytes: u64, length_bytes: u64) -> io::Result<Vec<u8>> {
    let outside = || io::Error::new(io::ErrorKind::UnexpectedEof, "range lies outside the file");
    let end = offset_bytes.checked_add(length_bytes).ok_or_else(outside)?;
    if end > file.size_bytes() {
        return Err(outside());
    }
    let mut buffer = vec![0; usize::try_from(length_bytes).map_err(|_| outside())?];
    fill(file, offset_bytes, &mut buffer)?;
    Ok(buffer)
}

/// Reads the whole of `buffer`, which begins `offset_bytes` into the file.
///
/// # Errors
/// `UnexpectedEof` when the file ends before; whatever the file system says.
pub fn fill(file: &dyn ReadAt, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset_bytes.saturating_add(done as u64), rest)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "range lies outside the file")),
            count => done += count,
        }
    }
    Ok(())
}
