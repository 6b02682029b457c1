//! The laws of the loader by name, each with the experiment of the loader facts that shows it.
//!
//! A test switches one off and counts the trees on which that is noticed (`tests/loader/laws.txt`): a law that no tree
//! notices is not tested. Outside tests all of them hold.

/// One law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// A name under which an object was asked for, or its path, is answered by that object (M1).
    NameAnswers,
    /// So is its SONAME, however it was loaded (M2); glibc.
    SonameAnswers,
    /// A file that is in the process under another name is the same object: device and inode (M4).
    FileAnswers,
    /// An object that answers is known by that name from then on (M4).
    NamesAreLearnt,
    /// DT_RPATH of whatever loaded the requester counts (S1); glibc.
    RpathOfLoaders,
    /// DT_RPATH of the executable reaches what is opened (S6).
    RpathOfExecutable,
    /// A requester with DT_RUNPATH sees no DT_RPATH at all (S3).
    RunpathSwitchesRpathOff,
    /// DT_RPATH of an object that has DT_RUNPATH does not exist (S5).
    RpathBesideRunpath,
    /// DT_RUNPATH is not inherited (S2); glibc.
    RunpathIsOwn,
    /// What is opened inherits nothing from who opened it (S6, M9).
    OpenedHasNoParent,
    /// A bare name that is opened is searched with the tags of the caller (S7); glibc.
    CallerSearches,
    /// DT_RPATH comes before LD_LIBRARY_PATH; glibc.
    RpathComesFirst,
    /// DT_RUNPATH comes after LD_LIBRARY_PATH; glibc.
    RunpathComesLater,
    /// An empty element of a search path is the working directory (T4); glibc.
    EmptyElement,
    /// A search path without any character is none (T4); glibc.
    EmptyList,
    /// LD_LIBRARY_PATH is split at semicolons too (T5); glibc.
    SemicolonSeparates,
    /// A directory counts once in a list; glibc.
    RepeatedDirectory,
    /// `/` is not asked again after its first miss (`open_path` in glibc `elf/dl-load.c`).
    RootOnce,
    /// `$ORIGIN` is a directory (T1).
    TokenOrigin,
    /// `$LIB` is the first default directory (T3); glibc.
    TokenLib,
    /// `$PLATFORM` is the name of the CPU (T3); glibc.
    TokenPlatform,
    /// `$ORIGINx` is no token (T1); glibc.
    TokenEnds,
    /// `$ORIGIN` of a library is where it was opened, links unresolved (T1).
    OriginKeepsLinks,
    /// DF_1_NODEFLIB: no default directories; glibc.
    NoDefaultDirectories,
    /// DF_1_NODEFLIB: no entry of the cache that lies in one; glibc.
    NoDefaultCache,
    /// `ld.so.cache` is asked before the default directories; glibc.
    CacheAnswers,
    /// Of the entries for a name the best CPU level wins, whatever the order; glibc.
    CacheLevels,
    /// An entry whose file is gone is passed over; glibc.
    StaleCache,
    /// Directories for the CPU are tried below each directory (H1); glibc.
    Hwcaps,
    /// A file for another machine or class is passed over (B1); glibc.
    ForeignPassedOver,
    /// A text, empty file or directory of that name ends the search (B1).
    FirstHitFatal,
    /// A link loop ends its list, not the search (B1); glibc.
    LinkLoop,
    /// What the requester needs is mapped before what that needs (M8).
    BreadthFirst,
    /// DT_AUXILIARY may be missing (F1); glibc.
    AuxiliaryMayMiss,
    /// Auxiliaries and filters are looked through before their object (F1); glibc.
    FilterFirst,
    /// LD_PRELOAD comes before what the executable needs (P1).
    PreloadFirst,
    /// A preloaded name is searched with the tags of the executable (P1); glibc.
    PreloadByExecutable,
    /// So is what `ld.so.preload` names (P1); glibc.
    PreloadFile,
    /// A failed `dlopen` takes away everything that it brought in (M9).
    FailureLeavesNothing,
    /// RTLD_GLOBAL: symbols for every later object (Y1).
    GlobalReaches,
    /// What becomes global later does not change what is bound (Y1).
    BoundOnce,
    /// Without RTLD_GLOBAL symbols answer the own tree only (Y1).
    OwnTree,
    /// A needed version that a versioned library lacks is fatal (V1); glibc.
    VersionsMustExist,
    /// A weak version need may be missing (V1); glibc.
    WeakVersion,
    /// A library without any versions satisfies every version need (V1); glibc.
    UnversionedDoes,
    /// A symbol of another version does not answer (V1); glibc.
    VersionPicks,
    /// RTLD_NOW: an undefined symbol that is not weak fails the request (Y1).
    SymbolsMustExist,
    /// glibc from 2.41 on refuses what wants an executable stack (X1).
    ExecutableStack,
    /// An executable that makes its user somebody else sees no LD_LIBRARY_PATH and no preload by path (ld.so(8)).
    SecureMode,
    /// An object for an ISA level that the CPU lacks is refused; glibc from 2.33 on.
    IsaLevel,
    /// GLIBC aborts on versions that are wanted of a file that is not in the process (V1).
    VersionsOfNobody,
    /// glibc aborts on a version of a symbol that is wanted of a file which has the symbol and no versions at all.
    UnversionedAborts,
    /// glibc before 2.32 aborts where an auxiliary or filter comes before what is opened (F1).
    OldFilterAborts,
    /// The loader is in every process and never searched.
    LoaderIsThere,
    /// musl: LD_LIBRARY_PATH comes before DT_RPATH and DT_RUNPATH (S1).
    MuslLibraryPathFirst,
    /// musl: a SONAME is never read (M2, P1).
    MuslSonameUnread,
    /// musl: search paths of all loaders count, DT_RUNPATH too (S1 to S4).
    MuslInherits,
    /// musl: names of parts of libc are the loader itself (D1).
    MuslOwnNames,
    /// musl: a token that it does not know voids the whole list (T1).
    MuslUnknownToken,
    /// musl: one short name, learnt when a search finds the file (M2, M3).
    MuslShortName,
    /// musl: no search path counts for a preloaded name (P1).
    MuslPreload,
    /// musl: `dlopen` of a bare name uses the path of the executable (S7).
    MuslExecutableAsks,
}

impl Law {
    /// Every law with its name.
    pub const ALL: [(Self, &'static str); 62] = [
        (Self::NameAnswers, "name-answers"),
        (Self::SonameAnswers, "soname-answers"),
        (Self::FileAnswers, "file-answers"),
        (Self::NamesAreLearnt, "names-are-learnt"),
        (Self::RpathOfLoaders, "rpath-of-loaders"),
        (Self::RpathOfExecutable, "rpath-of-executable"),
        (Self::RunpathSwitchesRpathOff, "runpath-switches-rpath-off"),
        (Self::RpathBesideRunpath, "rpath-beside-runpath"),
        (Self::RunpathIsOwn, "runpath-is-own"),
        (Self::OpenedHasNoParent, "opened-has-no-parent"),
        (Self::CallerSearches, "caller-searches"),
        (Self::RpathComesFirst, "rpath-comes-first"),
        (Self::RunpathComesLater, "runpath-comes-later"),
        (Self::EmptyElement, "empty-element"),
        (Self::EmptyList, "empty-list"),
        (Self::SemicolonSeparates, "semicolon-separates"),
        (Self::RepeatedDirectory, "repeated-directory"),
        (Self::RootOnce, "root-once"),
        (Self::TokenOrigin, "token-origin"),
        (Self::TokenLib, "token-lib"),
        (Self::TokenPlatform, "token-platform"),
        (Self::TokenEnds, "token-ends"),
        (Self::OriginKeepsLinks, "origin-keeps-links"),
        (Self::NoDefaultDirectories, "no-default-directories"),
        (Self::NoDefaultCache, "no-default-cache"),
        (Self::CacheAnswers, "cache-answers"),
        (Self::CacheLevels, "cache-levels"),
        (Self::StaleCache, "stale-cache"),
        (Self::Hwcaps, "hwcaps"),
        (Self::ForeignPassedOver, "foreign-passed-over"),
        (Self::FirstHitFatal, "first-hit-fatal"),
        (Self::LinkLoop, "link-loop"),
        (Self::BreadthFirst, "breadth-first"),
        (Self::AuxiliaryMayMiss, "auxiliary-may-miss"),
        (Self::FilterFirst, "filter-first"),
        (Self::PreloadFirst, "preload-first"),
        (Self::PreloadByExecutable, "preload-by-executable"),
        (Self::PreloadFile, "preload-file"),
        (Self::FailureLeavesNothing, "failure-leaves-nothing"),
        (Self::GlobalReaches, "global-reaches"),
        (Self::BoundOnce, "bound-once"),
        (Self::OwnTree, "own-tree"),
        (Self::VersionsMustExist, "versions-must-exist"),
        (Self::WeakVersion, "weak-version"),
        (Self::UnversionedDoes, "unversioned-does"),
        (Self::VersionPicks, "version-picks"),
        (Self::SymbolsMustExist, "symbols-must-exist"),
        (Self::ExecutableStack, "executable-stack"),
        (Self::SecureMode, "secure-mode"),
        (Self::IsaLevel, "isa-level"),
        (Self::VersionsOfNobody, "versions-of-nobody"),
        (Self::UnversionedAborts, "unversioned-aborts"),
        (Self::OldFilterAborts, "old-filter-aborts"),
        (Self::LoaderIsThere, "loader-is-there"),
        (Self::MuslLibraryPathFirst, "musl-library-path-first"),
        (Self::MuslSonameUnread, "musl-soname-unread"),
        (Self::MuslInherits, "musl-inherits"),
        (Self::MuslOwnNames, "musl-own-names"),
        (Self::MuslUnknownToken, "musl-unknown-token"),
        (Self::MuslShortName, "musl-short-name"),
        (Self::MuslPreload, "musl-preload"),
        (Self::MuslExecutableAsks, "musl-executable-asks"),
    ];
}
