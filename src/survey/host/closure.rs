//! What a mounted MPI maps besides itself, and what of it comes along with its prefix.

/// Parts of the C library, by the beginning of their names: the image has its own, and no others work with its loader.
const C_LIBRARY: [&str; 11] = [
    "ld-linux",
    "ld64.so",
    "ld-musl",
    "libc.so",
    "libm.so",
    "libmvec.so",
    "libpthread.so",
    "libdl.so",
    "librt.so",
    "libutil.so",
    "libresolv.so",
];

/// Directories of the whole system: nobody mounts them over those of an image.
const SYSTEM: [&str; 4] = ["", "/", "/usr", "/usr/local"];

/// Names of directories of libraries, below the prefix of what is installed there.
const LIBRARIES: [&str; 3] = ["lib", "lib64", "lib32"];

/// Whether a soname is that of a part of the C library.
pub(super) fn is_of_the_c_library(soname: &str) -> bool {
    C_LIBRARY.iter().any(|it| soname.starts_with(it))
}

/// The prefix that is mounted, unless it is the whole system.
pub(super) fn mountable(prefix: &str) -> Option<String> {
    let prefix = prefix.trim_end_matches('/');
    (!SYSTEM.contains(&prefix)).then(|| prefix.to_owned())
}

/// The prefix that a library lies in: what is above its last directory of libraries.
pub(super) fn prefix_of(library: &str) -> Option<String> {
    let mut above = library;
    while let Some((directory, name)) = above.rsplit_once('/') {
        if LIBRARIES.contains(&name) {
            return mountable(directory);
        }
        above = directory;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(prefix_of("/opt/mpi/5/lib/release/libmpi.so.12").as_deref(), Some("/opt/mpi/5"));
        assert_eq!(prefix_of("/usr/lib64/mpi/lib/libmpi.so.40").as_deref(), Some("/usr/lib64/mpi"));
        assert_eq!(prefix_of("/usr/lib/x86_64-linux-gnu/libmpi.so.40.40.7"), None);
        assert_eq!(prefix_of("libmpi.so.40"), None);
    }
}
