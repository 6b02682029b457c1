//! The files of `rules/`, which travel inside the binary.

use include_dir::{Dir, include_dir};

static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// A text file that describes something: a rule, a library, a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Where it came from, for messages: `rules/blas/reference-blas.toml`.
    pub path: String,
    /// Its file name without extension: `reference-blas`.
    pub stem: String,
    /// Its text.
    pub text: String,
}

/// Every TOML file below `rules/<folder>`, sorted by path.
pub fn builtin_files(folder: &str) -> Vec<TextFile> {
    let mut files = Vec::new();
    if let Some(directory) = RULES.get_dir(folder) {
        collect(directory, &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(directory: &Dir<'static>, files: &mut Vec<TextFile>) {
    for file in directory.files() {
        let path = file.path();
        if let (true, Some(text), Some(stem)) =
            (path.extension().is_some_and(|it| it == "toml"), file.contents_utf8(), path.file_stem())
        {
            let path = format!("rules/{}", path.display());
            files.push(TextFile { path, stem: stem.to_string_lossy().into_owned(), text: text.to_owned() });
        }
    }
    for below in directory.dirs() {
        collect(below, files);
    }
}
