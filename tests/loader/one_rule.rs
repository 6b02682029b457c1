//! The fourteen rules of ld.so that tools which resolve libraries are known to miss, each with the fixture that shows it
//! alone. `cargo test --test loader` holds the emulator to them, `cargo test --test oracle` the machine's own ld.so.

/// Rule and fixture below `tests/loader`.
pub const ONE_RULE: [(&str, &str); 14] = [
    ("$LIB is the first default directory", "token-lib.toml"),
    ("$PLATFORM depends on the CPU", "platform-by-cpu.toml"),
    ("hwcaps directories come before the directory itself", "hwcaps-by-cpu.toml"),
    ("a hwcaps entry of the cache beats the plain one", "cache-hwcaps.toml"),
    ("RPATH is inherited", "rpath-chain.toml"),
    ("RPATH of the executable reaches what is opened", "rpath-of-executable-reaches-dlopened.toml"),
    ("RUNPATH is not inherited", "runpath-is-not-inherited.toml"),
    ("RUNPATH switches off every RPATH", "runpath-switches-rpath-off.toml"),
    ("the first object of a SONAME serves everybody", "soname-serves-everybody.toml"),
    ("one file under two names is one object", "one-file-under-many-names.toml"),
    ("$ORIGIN of a library keeps links", "origin-of-a-library-keeps-links.toml"),
    ("NODEFLIB gives up the default directories", "no-default-library-path.toml"),
    ("an empty element is the working directory", "library-path-empty-element.toml"),
    ("a file for another machine is passed over", "foreign-files-are-passed-over.toml"),
];
